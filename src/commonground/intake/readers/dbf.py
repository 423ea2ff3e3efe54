"""dBase files: the header by dbfread, the records cut from the bytes, so that a file cut off keeps what it has."""

from __future__ import annotations

import struct
from pathlib import Path

from commonground.intake.model import BadRow, Layout, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import clean


def read_dbf(path: Path, content: bytes, layout: Layout) -> Sheet:
    """Read all records; deleted ones count as notes, ones that the header promises and the file lacks as cut off."""
    import dbfread

    try:
        table = dbfread.DBF(str(path), encoding=layout.encoding, load=False, ignore_missing_memofile=True)
        header, fields = table.header, table.fields
    except (dbfread.DBFNotFound, ValueError, struct.error, UnicodeDecodeError, LookupError) as fault:
        raise unreadable(path, "dbf", fault) from None
    start, size = header.headerlen, header.recordlen
    if len(content) < start or size != 1 + sum(field.length for field in fields):
        raise unreadable(path, "dbf", ValueError("the header does not fit the records"))
    rows: list[list[str]] = []
    physical: list[int] = []
    bad: list[BadRow] = []
    deleted = mended = 0
    for number in range(1, header.numrecords + 1):
        record = content[start + (number - 1) * size : start + number * size]
        if len(record) < size:
            bad.append(BadRow(number, "cut_off", record.decode(layout.encoding, "replace").strip("\x1a ")))
        elif record[:1] == b"*":
            deleted += 1
        else:
            cells, held = _cells(record, [field.length for field in fields], layout.encoding)
            if cells is None:
                bad.append(BadRow(number, "not_decodable", record.decode(layout.encoding, "replace")))
                continue
            mended += held
            rows.append(cells)
            physical.append(number)
    notes = {"control_characters": mended, "deleted": deleted}
    names = tuple(field.name for field in fields)
    return Sheet("", rows, physical, header.numrecords, tuple(bad), names=names, notes=notes)


def _cells(record: bytes, lengths: list[int], encoding: str) -> tuple[list[str] | None, bool]:
    cells, at, held = [], 1, False
    for length in lengths:
        raw = record[at : at + length].strip(b" \0")
        at += length
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as fault:
            if fault.end < len(raw) or len(raw) < length - 1:
                return None, False
            text = raw[: fault.start].decode(encoding)  # the field was too short for the text's last character
        text, found = clean(text)
        held = held or found > 0
        cells.append(text.strip())
    return cells, held
