"""Separated text: comma, bar, tab or anything else.

Lines are split one by one, because one stray quotation mark must cost one row and not the rest of the file. Lines that
nothing is odd about (quotation marks in pairs around whole cells, no control characters, as many cells as the header)
are split by Arrow, by column; the others one at a time by the exact rules. A contract that says ``multiline = true``
lets a quoted cell hold line ends, within ``LONGEST`` lines.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.intake.model import BadRow, Layout, Limits, Sheet
from commonground.intake.readers.broken import Broken, refuse_header
from commonground.intake.readers.cells import CONTROL
from commonground.intake.readers.lines import Span, Text, blocks, line_end, line_feeds, load, lone_returns, not_text
from commonground.intake.texts import holds_low, may_hold_space

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_LINE_END = re.compile("\r\n|\n|\r")
LONGEST = 50
_MANY = 1000  # positions for which all line ends of a block are looked up
_FEW = 20  # so many control characters may stand in any file
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])
_CONTROL = re.compile(b"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf")


def read_csv(path: Path, layout: Layout, limits: Limits = Limits()) -> Iterator[Sheet]:  # noqa: B008 — frozen
    """Read a separated text file block by block; a line that cannot be split is set aside whole."""
    width: int | None = None
    carried: list[str] = []
    first = True
    spoilt: Broken | None = None
    for text in blocks(path, layout.encoding, limits):
        refuse_header(path, layout.encoding, text.broken, layout.header_row[-1])
        if layout.multiline:
            spoilt = text.broken.joined(spoilt) if text.broken is not None else spoilt
            sheet, carried = _multiline(text, layout, carried, spoilt)
        else:
            if width is None:
                width = head_width(text, layout)
            sheet = split(text, layout, width)
        check_text(path, [sheet.notes]) if first and text.last else None
        first = False
        yield sheet


def head_width(text: Text, layout: Layout) -> int:
    """Give how many cells the header row has, so that lines can be told from odd ones; 0 when there is no such row."""
    if layout.header_row == (0,):
        return len(layout.columns)
    if layout.multiline or text.long:
        return 0
    last = layout.header_row[-1]
    lines = text.data.split(b"\n", last)[:last] if b"\n" in text.data else text.data.split(b"\r", last)[:last]
    if len(lines) < last:
        return 0
    heads = [CONTROL.sub("", lines[n - 1].decode().rstrip("\r")) for n in layout.header_row]
    return max(len(_cells(head, layout) or ()) for head in heads)


def read_head(path: Path, span: Span, layout: Layout) -> tuple[int, Sheet]:
    """Give how many cells the header has, and a sheet of the header rows alone."""
    text = load(path, span, layout.encoding)
    refuse_header(path, layout.encoding, text.broken, layout.header_row[-1])
    last, at = layout.header_row[-1], 0
    for _ in range(last):
        at += line_end(text.data[at : at + (1 << 20)]) or len(text.data) - at
    lines = min(last, text.lines)
    return head_width(text, layout), split(replace(text, data=text.data[:at], lines=lines, cut=False), layout, 0)


def read_span(path: Path, span: Span, layout: Layout, width: int) -> Sheet:
    """Read one block of a file apart from the others."""
    return split(load(path, span, layout.encoding), layout, width)


@dataclass
class _Split:
    """What the odd lines of a block gave."""

    rows: list[list[str]] = field(default_factory=list)
    physical: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    mended: int = 0
    controls: int = 0
    broken: Broken | None = None

    def take(self, number: int, line: str, layout: Layout) -> None:
        """Split one line by the exact rules."""
        if self.broken is not None and self.broken.within(number, number + line.count("\n")):
            self.bad.append(BadRow(number, "not_decodable", CONTROL.sub("", line)))
            return
        held = len(CONTROL.findall(line))
        if held:
            line = CONTROL.sub("", line)
            self.mended += 1
            self.controls += held
        cells = _cells(line, layout)
        if cells is None:
            self.bad.append(BadRow(number, "quote", line))
        else:
            self.rows.append(cells)
            self.physical.append(number)


def split(text: Text, layout: Layout, width: int) -> Sheet:
    """Split a block of whole lines.

    Parameters
    ----------
    width : int
        Cells of a row that is as it should be.
    """
    import numpy as np

    out = _Split(broken=text.broken)
    total = text.lines
    if text.long:
        out.bad.append(BadRow(text.first_line, "line_too_long", CONTROL.sub("", text.data.decode())))
        return _sheet(text, out, (), None, total)
    data = text.data
    if text.returns and lone_returns(np.frombuffer(data, np.uint8)):
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    first = text.first_line
    if text.cut:
        kept = data.rfind(b"\n") + 1
        out.bad.append(BadRow(first + total - 1, "cut_off", CONTROL.sub("", data[kept:].decode())))
        data = data[:kept]
    while data and (first <= layout.header_row[-1] or not _by_arrow(layout, width)):
        line, _, data = data.partition(b"\n") if _by_arrow(layout, width) else (data, b"", b"")
        for one in _lines(line) or [""]:
            out.take(first, one, layout)
            first += 1
    data, places = _set_odd_lines_aside(data, first, layout, out)
    columns, places = _parse(data, places, layout, width, out)
    return replace(_sheet(text, out, columns, places, total), trimmed=not may_hold_space(data))


def _sheet(text: Text, out: _Split, columns: tuple[pa.Array, ...], places: Any, total: int) -> Sheet:
    notes = {"control_characters": out.mended, "controls": out.controls, "bytes": len(text.data)}
    notes |= text.broken.notes() if text.broken is not None else {}
    bad = tuple(out.bad)
    return Sheet("", out.rows, out.physical, total, bad, (), {}, notes, columns, places, not text.last)


def _lines(data: bytes) -> list[str]:
    lines = _LINE_END.split(data.decode())
    if lines and lines[-1] == "":
        lines.pop()
    return lines


def _by_arrow(layout: Layout, width: int) -> bool:
    """Tell whether Arrow can split the lines: one-byte separator and quotation mark, a known number of cells."""
    marks = layout.separator + layout.quote
    return width > 0 and marks.isascii() and not set(marks) & {"\n", "\r", "\0", "\\"} and len(set(marks)) == len(marks)


def _set_odd_lines_aside(
    data: bytes, first_line: int, layout: Layout, out: _Split
) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Take lines with control characters or unusual quotation marks out; give the rest with their physical rows."""
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    count = line_feeds(array) + (data[-1:] not in (b"", b"\n"))
    places = np.arange(first_line, first_line + count, dtype=np.int64)
    controls = _control_places(data)
    quote = layout.quote.encode()
    if not len(controls) and (not quote or quote not in data):
        return data, places
    odd, at = _line_numbers(array, controls), controls
    if quote and quote in data:
        wrong = _unusual(array, ord(quote), ord(layout.separator))
        odd, at = np.concatenate([odd, wrong[0]]), np.concatenate([at, wrong[1]])
    odd, first = np.unique(odd, return_index=True)
    if not len(odd):
        return data, places
    starts = [data.rfind(b"\n", 0, one) + 1 for one in at[first].tolist()]
    stops = [data.find(b"\n", one) + 1 or len(data) for one in at[first].tolist()]
    for i, start, stop in zip(odd.tolist(), starts, stops, strict=True):
        out.take(first_line + i, data[start:stop].decode().rstrip("\r\n"), layout)
    view = memoryview(data)
    kept = [view[a:b] for a, b in zip([0, *stops], [*starts, len(data)], strict=True)]
    return b"".join(kept), np.delete(places, odd)


def _line_numbers(array: np.ndarray[Any, Any], at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the line, from 0, that each of some ascending positions stands in."""
    import numpy as np

    if len(at) > _MANY:
        return np.searchsorted(np.flatnonzero(array == 10), at)
    between = zip([0, *at[:-1].tolist()], at.tolist(), strict=True) if len(at) else ()
    return np.cumsum([line_feeds(array[start:stop]) for start, stop in between], dtype=np.int64)


def _control_places(data: bytes) -> np.ndarray[Any, Any]:
    """Positions of control characters, which is none in nearly every block."""
    import numpy as np

    suspect = b"\xe2\x80" in data if b"\xe2" in data else False
    suspect = suspect or (b"\xe2" in data and b"\xe2\x81\xa0" in data) or (b"\xef" in data and b"\xef\xbb\xbf" in data)
    low = b"\x7f" in data or (holds_low(data) and len(data.translate(None, _CONTROL_BYTES)) < len(data))
    if not suspect and not low:
        return np.array([], np.int64)
    return np.array([found.start() for found in _CONTROL.finditer(data)], np.int64)


def _unusual(
    array: np.ndarray[Any, Any], quote: int, separator: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Lines, and a place in each, whose quotation marks do not stand in pairs around whole cells: a stray one, say.

    Of a line's marks the first, third … must stand at the beginning of a cell and the second, fourth … at its end;
    where that holds, Arrow splits the line as the exact rules do.
    """
    import numpy as np

    at = np.flatnonzero(array == quote)
    line = _line_numbers(array, at)
    fresh = np.concatenate([[True], line[1:] != line[:-1]])
    rank = np.arange(len(at)) - np.maximum.accumulate(np.where(fresh, np.arange(len(at)), 0))
    before = np.where(at > 0, array[at - 1], 10)
    after = np.where(at + 1 < len(array), array[np.minimum(at + 1, len(array) - 1)], 10)
    opens = (before == separator) | (before == 10)
    closes = (after == separator) | (after == 10) | (after == 13)
    wrong = np.where(rank % 2 == 0, ~opens, ~closes)
    last = np.concatenate([fresh[1:], [True]])
    wrong |= last & (rank % 2 == 0)
    return line[wrong], at[wrong]


def _parse(
    data: bytes, places: np.ndarray[Any, Any], layout: Layout, width: int, out: _Split
) -> tuple[tuple[pa.Array, ...], np.ndarray[Any, Any]]:
    """Split lines of as many cells as the header by Arrow; the others, noted as they come, by the exact rules."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv

    if not data:
        return (), places
    odd: list[int] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        odd.append(row.number - 1)
        out.take(int(places[row.number - 1]), row.text, layout)
        return "skip"

    names = [str(i) for i in range(width)]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=layout.separator,
            quote_char=layout.quote or False,
            newlines_in_values=False,
            ignore_empty_lines=False,
            invalid_row_handler=note,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )
    columns = tuple(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns)
    return columns, np.delete(places, odd) if odd else places


def check_text(path: Path, notes: Sequence[dict[str, int] | Any]) -> None:
    """Refuse a file that holds more than one control character in twenty bytes.

    Parameters
    ----------
    notes : sequence of mapping
        The ``notes`` of all parts of the file.

    Raises
    ------
    DeliveryError
        The file is not text.
    """
    found = sum(one.get("controls", 0) for one in notes)
    if found > _FEW and found * 20 > sum(one.get("bytes", 0) for one in notes):
        raise not_text(path, found)


def clean_lines(path: Path, text: str) -> tuple[list[str], int]:
    """Split into physical lines and remove control characters; give the number of lines that held some.

    Raises
    ------
    DeliveryError
        More than one character in twenty is a control character: the file is not text.
    """
    found = len(CONTROL.findall(text))
    check_text(path, [{"controls": found, "bytes": len(text)}])
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


def _multiline(text: Text, layout: Layout, carried: list[str], spoilt: Broken | None) -> tuple[Sheet, list[str]]:
    """Split a block in which quoted cells may hold line ends; give the lines that wait for the next block too."""
    if text.long:
        return split(text, layout, 0), carried
    start = text.first_line - len(carried)
    held = replace(text, data=text.data) if not text.cut else text
    out = _Split(broken=spoilt)
    lines = _lines(held.data)
    if text.cut:
        tail = lines.pop() if lines and not held.data.endswith((b"\n", b"\r")) else ""
        out.bad.append(BadRow(text.first_line + text.lines - 1, "cut_off", CONTROL.sub("", tail)))
    lines = carried + lines
    numbered, rest = _join(lines, layout.quote, text.last)
    for number, line in numbered:
        out.take(start + number - 1, line, layout)
    joined = len(lines) - len(rest) - len(numbered)
    total = text.lines + len(carried) - len(rest) - joined
    return _sheet(text, out, (), None, total), rest


def _join(lines: list[str], quote: str, last: bool) -> tuple[list[tuple[int, str]], list[str]]:
    """Put lines together while a quotation is open; one that never closes is left as a line of its own.

    Lines at the end whose quotation may close in the next block are given back, unless this block is the last.
    """
    out: list[tuple[int, str]] = []
    i = 0
    while i < len(lines):
        whole, j = lines[i], i + 1
        while whole.count(quote) % 2 and j < len(lines) and j - i < LONGEST:
            whole, j = whole + "\n" + lines[j], j + 1
        if whole.count(quote) % 2:
            if not last and j - i < LONGEST:
                return out, lines[i:]
            whole, j = lines[i], i + 1
        out.append((i + 1, whole))
        i = j
    return out, []


def _cells(line: str, layout: Layout) -> list[str] | None:
    if not layout.quote or layout.quote not in line:
        return line.split(layout.separator)
    try:
        reader = csv.reader([line], delimiter=layout.separator, quotechar=layout.quote, strict=True)
        return next(reader, [""])
    except csv.Error:
        return None
