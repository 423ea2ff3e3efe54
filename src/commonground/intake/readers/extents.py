"""How far the cells of a workbook reach, found before any of them is held.

The library that reads workbooks holds a sheet as a full rectangle: one stray cell in the last row and column of an
otherwise small sheet asks for 17 thousand million cells and ends the process. Rectangles are measured in one pass of
bounded memory; what is mostly empty and very large is refused by the name of its farthest cell.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from commonground.errors import DeliveryError, Said
from commonground.intake.readers.compound import workbook_stream
from commonground.intake.readers.formula_errors import records, xlsb_sheets, xlsx_sheets

SMALL = 20_000_000
"""Cells of a rectangle that is always read: a million rows of twenty columns."""
LARGEST = 200_000_000
"""Cells of a rectangle that is never read, however well filled."""
_FILLED = 20  # between the two at least one cell in so many must hold something
_ROWS, _COLUMNS = 1 << 20, 1 << 14  # as many as a sheet of today can have
_CHUNK, _LAP = 1 << 22, 1 << 16
_ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^>]*?\s)?r="(\d+)"')
_FAR = re.compile(rb'r="([A-Za-z]{2,})\d')
_DIGITS = re.compile(rb'r="[A-Za-z]+(\d+)"')
_UNNAMED = re.compile(rb'<(?:\w+:)?c(?:\s+(?!r=)[\w:]+="[^"]*")*\s*>')
_PLACE = re.compile(r"([A-Za-z]+)(\d+)")
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


@dataclass
class Extent:
    """The farthest row and column (from 1) in which a sheet holds something, and how many cells do."""

    rows: int = 0
    columns: int = 0
    filled: int = 0

    def take(self, row: int, column: int, times: int = 1) -> None:
        """Take a cell, or ``times`` of them of which it is the last."""
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)
        self.filled += times


def check_extents(path: Path, content: bytes | None = None) -> None:
    """Refuse a workbook (xlsx, xlsb, ods, xls) of which a sheet reaches too far to be held.

    Parameters
    ----------
    content : bytes, optional
        The workbook where it is in memory already; ``path`` then only names it.

    Raises
    ------
    DeliveryError
        A stray cell far out; a sheet that is too large; a cell beyond what a sheet can hold.
    zipfile.BadZipFile, KeyError, ValueError, struct.error, ElementTree.ParseError
        The workbook is damaged.
    """
    for name, extent in _extents(path, content):
        area = extent.rows * extent.columns
        if extent.rows > _ROWS or extent.columns > _COLUMNS:
            raise _impossible(path, name, extent)
        if area > LARGEST or (area > SMALL and extent.filled * _FILLED < area):
            raise _too_far(path, name, extent)


def _extents(path: Path, content: bytes | None) -> Iterator[tuple[str, Extent]]:
    with path.open("rb") if content is None else io.BytesIO(content) as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            file.seek(0)
            yield from _in_xls(workbook_stream(file.read()))
            return
    with zipfile.ZipFile(path if content is None else io.BytesIO(content)) as archive:
        names = archive.namelist()
        sheets = xlsx_sheets(archive) if "xl/workbook.xml" in names else []
        sheets += xlsb_sheets(archive) if "xl/workbook.bin" in names else []
        for name, target in sheets:
            with archive.open(target) as file:
                yield name, _in_xlsb(file) if target.endswith(".bin") else _in_xlsx(file)
        if "content.xml" in names:
            with archive.open("content.xml") as file:
                yield from _in_ods(file)
        measured = {target for _, target in sheets} | {"content.xml"}
        for name in names:
            if name not in measured and name.endswith((".xml", ".bin", ".rels")):
                _unpack(archive, name)


def _unpack(archive: zipfile.ZipFile, name: str) -> None:
    """Unpack a part without holding it: one that is longer than the archive says is damaged, or a bomb."""
    with archive.open(name) as file:
        while file.read(_CHUNK):
            pass


def _in_xlsx(file: IO[bytes]) -> Extent:
    """Measure generously first, by rows and names of columns; cell by cell only where that is a lot.

    Of two rows of one number the reader would keep one, so a sheet that has them is damaged.
    """
    rows, columns, unnamed, held = 0, 26, False, b""
    seen = bytearray(_ROWS + 1)
    while chunk := file.read(_CHUNK):
        held += chunk
        done = 0
        for row in _ROW.finditer(held):
            number, done = int(row[1]), row.end()
            if number <= _ROWS:
                if seen[number]:
                    raise ValueError(f"the row {number} stands twice")
                seen[number] = 1
            rows = max(rows, number)
        rows = max(rows, max(map(int, set(_DIGITS.findall(held))), default=0))
        columns = max(columns, max(map(_number, set(_FAR.findall(held))), default=0))
        unnamed = unnamed or _UNNAMED.search(held) is not None
        held = held[max(done, len(held) - _LAP) :]
    if rows * columns <= SMALL and rows <= _ROWS and not unnamed:
        return Extent(rows, columns if rows else 0, rows * columns)
    file.seek(0)
    return _cells(file)


def _cells(file: IO[bytes]) -> Extent:
    """Measure cell by cell; one without a place stands after the one before."""
    extent, row, column = Extent(), 0, 0
    for event, one in ElementTree.iterparse(file, ("start", "end")):
        tag = one.tag.rpartition("}")[2]
        if event == "start" and tag == "row":
            row, column = int(one.get("r", row + 1)), 0
        elif event == "end" and tag == "c":
            place = _PLACE.fullmatch(one.get("r", ""))
            row, column = (int(place[2]), _number(place[1].encode())) if place else (row, column + 1)
            if any(inner.text or len(inner) for inner in one):
                extent.take(row, column)
        elif event == "end" and tag == "row":
            one.clear()
    return extent


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _in_xlsb(file: IO[bytes]) -> Extent:
    extent, row = Extent(), 0
    for kind, body in records(file.read()):
        if kind == 0:  # BrtRowHdr
            row = int(struct.unpack_from("<I", body)[0]) + 1
        elif 2 <= kind <= 11:  # cells that hold something
            extent.take(row, int(struct.unpack_from("<I", body)[0]) + 1)
    return extent


def _in_xls(stream: bytes) -> Iterator[tuple[str, Extent]]:
    """Measure all sheets of a BIFF stream together: rows and columns are numbers of two bytes."""
    extent, at = Extent(), 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind in (0x06, 0xFD, 0x203, 0x204, 0x205, 0x27E, 0xD6) and size >= 4:
            row, column = struct.unpack_from("<HH", stream, at + 4)
            extent.take(row + 1, column + 1)
        elif kind == 0xBD and size >= 6 and at + 4 + size <= len(stream):  # MULRK: several cells of a row
            row, column, last = (
                *struct.unpack_from("<HH", stream, at + 4),
                *struct.unpack_from("<H", stream, at + size + 2),
            )
            extent.take(row + 1, last + 1, max(last - column + 1, 1))
        at += 4 + size
    yield "", extent


def _in_ods(file: IO[bytes]) -> Iterator[tuple[str, Extent]]:
    """Count what repeats: a row or cell that holds something may stand a million times in one word."""
    name, extent, row, column, last, filled = "", Extent(), 0, 0, 0, 0
    for event, one in ElementTree.iterparse(file, ("start", "end")):
        tag = one.tag
        if event == "start":
            if tag == f"{_TABLE}table":
                name, extent, row = one.get(f"{_TABLE}name", ""), Extent(), 0
            elif tag == f"{_TABLE}table-row":
                column = last = filled = 0
        elif tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            times = _times(one, "columns")
            column += times
            if len(one) or any(key.endswith(("}value", "}string-value", "}date-value")) for key in one.attrib):
                last, filled = column, filled + times
            one.clear()
        elif tag == f"{_TABLE}table-row":
            times = _times(one, "rows")
            row += times
            if filled:
                extent.take(row, last, filled * times)
            one.clear()
        elif tag == f"{_TABLE}table":
            yield name, extent
            one.clear()


def _times(one: ElementTree.Element, what: str) -> int:
    times = int(one.get(f"{_TABLE}number-{what}-repeated", "1"))
    if times < 1:
        raise ValueError(f"{what} repeated {times} times")
    return times


def _letters(column: int) -> str:
    out = ""
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def _too_far(path: Path, sheet: str, extent: Extent) -> DeliveryError:
    cell, area = f"{_letters(extent.columns)}{extent.rows}", extent.rows * extent.columns
    return DeliveryError(
        Said(
            f"工作表一直用到单元格 {cell}，放不进内存。",
            f"The sheet reaches as far as the cell {cell} and cannot be held.",
        ),
        where=f"{path}{f' [{sheet}]' if sheet else ''} {cell}",
        why=Said(
            f"共 {area:,} 格，其中有内容的至多 {extent.filled:,} 格；多半是远处误填了一个格。",
            f"{area:,} cells, of which at most {extent.filled:,} hold something; most likely one was filled in error.",
        ),
        todo=Said(
            f"请打开按 Ctrl+End，删去 {cell} 一带数据以外的行和列，存盘再交；如确是数据，请另存为 CSV 再交。",
            f"Press Ctrl+End, delete the rows and columns around {cell} that are no data, save and deliver; "
            "if all of it is data, deliver it as CSV.",
        ),
    )


def _impossible(path: Path, sheet: str, extent: Extent) -> DeliveryError:
    return DeliveryError(
        Said("工作表里有一格的位置不可能存在。", "A cell of the sheet is where no cell can be."),
        where=f"{path}{f' [{sheet}]' if sheet else ''} row {extent.rows}, column {extent.columns}",
        why=Said(
            f"一张工作表至多 {_ROWS:,} 行、{_COLUMNS:,} 列；文件可能损坏。",
            f"A sheet has at most {_ROWS:,} rows and {_COLUMNS:,} columns; the file may be damaged.",
        ),
        todo=Said(
            "请用原软件打开、另存，再交。", "Open it with the program that made it, save it anew and deliver that."
        ),
    )
