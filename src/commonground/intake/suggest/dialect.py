"""Separator, quotation mark and line ends inside quotations of a separated text; column gaps of a fixed-width one."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from commonground.errors import Said

SEPARATORS = (",", "\t", "|", ";", "^", "~", "，", "#", ":", " ")
_NAMES = {
    ",": Said("逗号", "comma"),
    "\t": Said("制表符", "tab"),
    "|": Said("竖线", "bar"),
    ";": Said("分号", "semicolon"),
    "，": Said("全角逗号", "full-width comma"),
    " ": Said("空格", "space"),
    ":": Said("冒号", "colon"),
}
_LOOKED_AT = 3000
_LONGEST = 50  # as in the reader: a quoted cell holds no more lines


@dataclass(frozen=True)
class Dialect:
    """How lines split; ``separator`` is "" where nothing splits them evenly (one column, or fixed widths)."""

    separator: str
    quote: str
    multiline: bool
    fields: int
    consistency: float
    why: dict[str, Said]
    doubts: tuple[Said, ...] = ()


def detect(lines: Sequence[str]) -> Dialect:
    """Find the separator under which most lines have the same number of cells."""
    lines = [line for line in _drawn(lines) if line.strip()]
    best: tuple[float, str, str, int, float] = (0.0, "", '"', 1, 1.0)
    for separator in SEPARATORS:
        if not any(separator in line for line in lines[:200]):
            continue
        for quote in _quotes(lines, separator):
            fields, share = _evenness(_counts(lines, separator, quote))
            value = share * (1 - 1 / fields) * (0.5 if separator in ":# " else 1.0)
            value += 0.05 * (quote == '"') + 0.01 * (len(SEPARATORS) - SEPARATORS.index(separator))
            if fields > 1 and value > best[0] and share >= 0.5:
                best = (value, separator, quote, fields, share)
    _, separator, quote, fields, share = best
    if not separator:
        return Dialect("", '"', False, 1, 1.0, {"separator": _none_found()})
    multiline, fields, share = _multiline(lines, separator, quote, fields, share)
    return _dialect(separator, quote, multiline, fields, share, lines)


def _dialect(separator: str, quote: str, multiline: bool, fields: int, share: float, lines: Sequence[str]) -> Dialect:
    name = _NAMES.get(separator, Said(f"“{separator}”", f"“{separator}”"))
    why = {
        "separator": Said(
            f"以{name.zh}分列，{share:.1%} 的行都是 {fields} 格",
            f"by {name.en} {share:.1%} of lines have {fields} cells",
        )
    }
    if quote != '"':
        why["quote"] = (
            Said("引号只是文字的一部分，不成对", "quotation marks are part of the text, not in pairs")
            if not quote
            else Said(f"多数单元格用 {quote} 括起", f"most cells stand between {quote}")
        )
    if multiline:
        why["multiline"] = Said("引号内有换行，合并后各行格数一致", "line ends inside quotations; joined, lines agree")
    doubts: tuple[Said, ...] = ()
    if share < 0.9:
        doubts = (
            Said(
                f"只有 {share:.1%} 的行是 {fields} 格，请核对分隔符。",
                f"Only {share:.1%} of lines have {fields} cells; check the separator.",
            ),
        )
    return Dialect(separator, quote, multiline, fields, share, why, doubts)


def _none_found() -> Said:
    return Said("没有能把各行分成同样格数的分隔符", "no separator splits the lines into the same number of cells")


def _drawn(lines: Sequence[str]) -> list[str]:
    """Draw runs of lines evenly, the head among them; runs, since a quoted cell may go over several lines."""
    if len(lines) <= _LOOKED_AT:
        return list(lines)
    run = _LOOKED_AT // 10
    step = (len(lines) - run) // 9
    return [line for i in range(10) for line in lines[i * step : i * step + run]]


def _quotes(lines: Sequence[str], separator: str) -> list[str]:
    quotes = ['"']
    if any('"' in line for line in lines):
        quotes.append("")
    single = sum(line.startswith("'") and line.endswith("'") and f"'{separator}'" in line for line in lines)
    if single * 2 > len(lines):
        quotes.insert(0, "'")
    return quotes


def _counts(lines: Sequence[str], separator: str, quote: str) -> list[int]:
    return [_cells(line, separator, quote) for line in lines]


def _cells(line: str, separator: str, quote: str) -> int:
    """Cells of a line; 0 where its quotation marks do not close, which is how the reader sees it too."""
    if not quote or quote not in line:
        return line.count(separator) + 1
    try:
        return len(next(csv.reader([line], delimiter=separator, quotechar=quote, strict=True), ()))
    except csv.Error:
        return 0


def _evenness(counts: Sequence[int]) -> tuple[int, float]:
    seen = Counter(count for count in counts if count > 1)
    if not seen:
        return 1, 0.0
    fields, times = max(seen.items(), key=lambda item: (item[1], item[0]))
    return fields, times / len(counts)


def _multiline(lines: Sequence[str], separator: str, quote: str, fields: int, share: float) -> tuple[bool, int, float]:
    """Tell whether joining lines while a quotation is open makes them more even; one stray mark does not."""
    if not quote or not any(line.count(quote) % 2 for line in lines):
        return False, fields, share
    joined, mended, i = [], 0, 0
    while i < len(lines):
        whole, j = lines[i], i + 1
        while whole.count(quote) % 2 and j < len(lines) and j - i < _LONGEST:
            whole, j = whole + "\n" + lines[j], j + 1
        if j > i + 1 and _cells(whole, separator, quote) > 1:
            mended += 1
            joined.append(whole)
        else:
            joined.append(lines[i])
            j = i + 1
        i = j
    together, better = _evenness([_cells_joined(line, separator, quote) for line in joined])
    odd = sum(line.count(quote) % 2 for line in lines)
    fits = sum("\n" in line and _cells_joined(line, separator, quote) == together for line in joined)
    if better > share and fits >= max(1, odd // 3):
        return True, together, better
    return False, fields, share


def _cells_joined(line: str, separator: str, quote: str) -> int:
    if "\n" not in line:
        return _cells(line, separator, quote)
    try:
        reader = csv.reader(line.splitlines(keepends=True), delimiter=separator, quotechar=quote, strict=True)
        return len(next(reader, ()))
    except csv.Error:
        return 0
