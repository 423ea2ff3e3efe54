"""Separated text: comma, bar, tab or anything else.

Lines are split one by one, because one stray quotation mark must cost one row and not the rest of the file. A
contract that says ``multiline = true`` lets a quoted cell hold line ends, within ``LONGEST`` lines.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.model import BadRow, Layout, Sheet
from commonground.intake.readers.cells import CONTROL
from commonground.intake.readers.decode import decode

_LINE_END = re.compile("\r\n|\n|\r")
LONGEST = 50
_FEW = 20  # so many control characters may stand in any file


def read_csv(path: Path, content: bytes, layout: Layout) -> Sheet:
    """Read a separated text file; a line that cannot be split is set aside whole."""
    text, cut = decode(path, content, layout.encoding)
    lines, mended = clean_lines(path, text)
    total = count_lines(text)
    rows: list[list[str]] = []
    physical: list[int] = []
    bad: list[BadRow] = []
    if cut:
        total += text.endswith(("\n", "\r"))  # the line that was cut had not got beyond half a character
        bad.append(BadRow(total, "cut_off", lines.pop() if len(lines) == total else ""))
    numbered = list(enumerate(lines, 1)) if not layout.multiline else _join(lines, layout.quote)
    total -= len(lines) - len(numbered)
    for number, line in numbered:
        if layout.quote and layout.quote in line:
            cells = _split_quoted(line, layout)
            if cells is None:
                bad.append(BadRow(number, "quote", line))
                continue
        else:
            cells = line.split(layout.separator)
        rows.append(cells)
        physical.append(number)
    return Sheet("", rows, physical, total, tuple(bad), notes={"control_characters": mended})


def clean_lines(path: Path, text: str) -> tuple[list[str], int]:
    """Split into physical lines and remove control characters; give the number of lines that held some.

    Raises
    ------
    DeliveryError
        More than one character in twenty is a control character: the file is not text.
    """
    found = len(CONTROL.findall(text))
    if found > _FEW and found * 20 > len(text):
        raise DeliveryError(
            Said("文件不是文本。", "The file is not text."),
            where=str(path),
            why=Said(f"其中有 {found} 个控制字符。", f"It holds {found} control characters."),
            todo=Said(
                "请检查约定中的 format，或请部门重新交付。", "Check format in the contract, or ask for the file again."
            ),
        )
    lines = _LINE_END.split(text)
    if lines and lines[-1] == "":
        lines.pop()
    if not found:
        return lines, 0
    held = [i for i, line in enumerate(lines) if CONTROL.search(line)]
    for i in held:
        lines[i] = CONTROL.sub("", lines[i])
    return lines, len(held)


def count_lines(text: str) -> int:
    """Count lines without splitting: what the conservation sum is held against."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (bool(text) and text[-1] not in "\r\n")


def _join(lines: list[str], quote: str) -> list[tuple[int, str]]:
    """Put lines together while a quotation is open; one that never closes is left as a line of its own."""
    out, i = [], 0
    while i < len(lines):
        whole, j = lines[i], i + 1
        while whole.count(quote) % 2 and j < len(lines) and j - i < LONGEST:
            whole, j = whole + "\n" + lines[j], j + 1
        if whole.count(quote) % 2:
            whole, j = lines[i], i + 1
        out.append((i + 1, whole))
        i = j
    return out


def _split_quoted(line: str, layout: Layout) -> list[str] | None:
    try:
        reader = csv.reader([line], delimiter=layout.separator, quotechar=layout.quote, strict=True)
        return next(reader, [""])
    except csv.Error:
        return None
