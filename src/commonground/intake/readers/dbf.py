"""dBase files: the header by dbfread, the records cut from the bytes, so that a file cut off keeps what it has.

Records behind the number that the header tells are set aside, never passed over: some other program lost count.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from commonground.errors import DeliveryError, Said
from commonground.intake.model import BadRow, Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import cell_text, clean
from commonground.intake.readers.gb import is_gb, of_today

Parsers = Mapping[int, Callable[[bytes], str]]
_ROWS = 20_000
_BINARY = "IBTYO@+"
_MEMO = "MGP"
_FLAGS = "0"  # a column of Visual FoxPro's own, which says which others are null


def read_dbf(path: Path, layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read all records, part by part; deleted ones count as notes, ones that the file lacks as cut off.

    Raises
    ------
    DeliveryError
        The header does not fit the records.
    """
    import dbfread

    try:
        table = dbfread.DBF(str(path), encoding=layout.encoding, load=False, ignore_missing_memofile=True)
        header, fields = table.header, table.fields
    except (dbfread.DBFNotFound, ValueError, struct.error, UnicodeDecodeError, LookupError) as fault:
        raise unreadable(path, "dbf", fault) from None
    start, size = header.headerlen, header.recordlen
    held = path.stat().st_size - start
    if held < 0 or size < 2 or size != 1 + sum(field.length for field in fields):
        raise unreadable(path, "dbf", ValueError("the header does not fit the records"))
    promised, there = int(header.numrecords), held // size
    if promised - there > max(there, _ROWS):
        raise _lies(path, promised, there)
    parse, beyond = _parsers(table), _beyond(path, start + promised * size, size)
    total = promised + beyond
    with path.open("rb") as file:
        file.seek(start)
        for first in range(1, max(total, 1) + 1, _ROWS):
            count = min(_ROWS, total - first + 1)
            part = _Part(fields, parse, layout.encoding)
            content = file.read(count * size)
            for number in range(count):
                part.take(first + number, content[number * size : (number + 1) * size], size, promised)
            yield part.sheet(count, first + count <= total)


def _beyond(path: Path, end: int, size: int) -> int:
    """Count records behind the last that the header knows of, which a program that broke off leaves behind."""
    if path.stat().st_size <= end:
        return 0
    with path.open("rb") as file:
        file.seek(end)
        if file.read(1) not in (b" ", b"*"):  # the mark of the end, or zeros that fill a block
            return 0
        whole, rest = divmod(path.stat().st_size - end, size)
        file.seek(end + whole * size)
        return whole + bool(file.read(rest).strip(b" \x1a\0"))


def _lies(path: Path, promised: int, there: int) -> DeliveryError:
    return DeliveryError(
        Said(
            "dBase 文件头所说的记录数与文件不符。", "The header of the dBase file promises records that are not there."
        ),
        where=str(path),
        why=Said(
            f"文件头说有 {promised:,} 条，文件只放得下 {there:,} 条；文件被截断，或文件头损坏。",
            f"It says {promised:,}, the file has room for {there:,}: it was cut off, or its header is damaged.",
        ),
        todo=Said("请部门重新导出并交付完整文件。", "Ask the department to export and deliver all of it again."),
    )


class _Part:
    """Some records of a file."""

    def __init__(self, fields: Sequence[Any], parse: Parsers, encoding: str) -> None:
        self.fields, self.parse, self.encoding = fields, parse, encoding
        self.rows: list[list[str]] = []
        self.physical: list[int] = []
        self.bad: list[BadRow] = []
        self.deleted = self.mended = 0

    def take(self, number: int, record: bytes, size: int, promised: int) -> None:
        """Take one record; the header ``promised`` so many."""
        if len(record) < size:
            text = record.decode(self.encoding, "backslashreplace").strip("\x1a ")
            self.bad.append(BadRow(number, "cut_off", text))
        elif number > promised:
            self.bad.append(BadRow(number, "not_counted", record.decode(self.encoding, "backslashreplace")))
        elif record[:1] == b"*":
            self.deleted += 1
        else:
            cells, held = _cells(record, self.fields, self.parse, self.encoding)
            if cells is None:
                self.bad.append(BadRow(number, "not_decodable", record.decode(self.encoding, "backslashreplace")))
                return
            self.mended += held
            self.rows.append(cells)
            self.physical.append(number)

    def sheet(self, total: int, more: bool) -> Sheet:
        """Give the part."""
        notes = {"control_characters": self.mended, "deleted": self.deleted}
        names = tuple(field.name for field in self.fields if field.type != _FLAGS)
        return Sheet("", self.rows, self.physical, total, tuple(self.bad), names=names, notes=notes, more=more)


def _parsers(table: Any) -> Parsers:
    """Give what reads the fields that hold bytes and no text (Visual FoxPro's integers, doubles, moments, money)."""
    import dbfread

    parser = dbfread.FieldParser(table)

    def of(field: Any) -> Callable[[bytes], str]:
        def read(raw: bytes) -> str:
            return cell_text(parser.parse(field, raw)) if raw.strip(b"\0 ") or field.type in "IB" else ""

        return read

    return {i: of(field) for i, field in enumerate(table.fields) if field.type in _BINARY}


def _cells(record: bytes, fields: Sequence[Any], parse: Parsers, encoding: str) -> tuple[list[str] | None, bool]:
    cells, at, held, gb = [], 1, False, is_gb(encoding)
    for i, field in enumerate(fields):
        raw = record[at : at + field.length]
        at += field.length
        if field.type == _FLAGS:
            continue
        if i in parse:
            try:
                cells.append(parse[i](raw))
            except (ValueError, struct.error, OverflowError):
                return None, False
            continue
        raw = raw.strip(b" \0")
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as fault:
            if fault.end < len(raw) or len(raw) < field.length - 1:
                return None, False
            text = raw[: fault.start].decode(encoding)  # the field was too short for the text's last character
        text, found = clean(of_today(text) if gb else text)
        if field.type in _MEMO and text:
            text = f"memo:{text}"  # a place in another file, not to be taken for a value
        held = held or found > 0
        cells.append(text.strip())
    return cells, held
