"""Damage that knows the format: workbooks, zips, dBase, SPSS, Stata, Parquet and SQL that lie about themselves."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import zipfile
from collections.abc import Callable

Change = Callable[[random.Random, bytes], bytes]
_ROW = re.compile(rb"<((?:\w+:)?(?:row|table-row))\b.*?</\1>", re.S)
_CELL = re.compile(rb"<(?:\w+:)?(?:c|table-cell)\b[^>]*?(?:/>|>.*?</(?:\w+:)?(?:c|table-cell)>)", re.S)


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Pack a zip again, each member passed through ``change``."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def _in_sheet(change: Change) -> Change:
    """Change the XML of one sheet."""

    def apply(rng: random.Random, content: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [n for n in archive.namelist() if "worksheets/sheet" in n or n == "content.xml"]
        which = rng.choice(names)
        return repacked(content, lambda name, data: change(rng, data) if name == which else data)

    return apply


def _piece(rng: random.Random, data: bytes, kind: re.Pattern[bytes]) -> tuple[int, int]:
    found = [one.span() for one in kind.finditer(data)]
    return rng.choice(found) if found else (0, 0)


def _delete(kind: re.Pattern[bytes]) -> Change:
    def apply(rng: random.Random, data: bytes) -> bytes:
        a, b = _piece(rng, data, kind)
        return data[:a] + data[b:]

    return apply


def _double(kind: re.Pattern[bytes]) -> Change:
    def apply(rng: random.Random, data: bytes) -> bytes:
        a, b = _piece(rng, data, kind)
        return data[:b] + data[a:b] + data[b:]

    return apply


def _error_cell(rng: random.Random, data: bytes) -> bytes:
    a, b = _piece(rng, data, _CELL)
    place = re.search(rb'r="([A-Z]+\d+)"', data[a:b])
    if place:
        return data[:a] + b'<c r="' + place[1] + b'" t="e"><f>1/0</f><v>#DIV/0!</v></c>' + data[b:]
    return (
        data[:a] + b'<table:table-cell calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>' + data[b:]
    )


def _index(rng: random.Random, data: bytes) -> bytes:
    """A shared string, style or value that is another, or not there."""
    found = list(re.finditer(rb"<v>(\d+)</v>|\bs=\"(\d+)\"", data))
    if not found:
        return data
    one = rng.choice(found)
    number = rng.choice([b"0", b"7", b"99999", b"-1", b"99999999999999999999", b"1e400", b"NaN", b""])
    group = 1 if one[1] is not None else 2
    return data[: one.start(group)] + number + data[one.end(group) :]


def _dimension(rng: random.Random, data: bytes) -> bytes:
    place = rng.choice([b"A1", b"A1:B2", b"A1:XFD1048576", b"Z9:A1", b"A1:ZZZZ9999999999", b""])
    return re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="' + place + b'"', data)


def _merged(rng: random.Random, data: bytes) -> bytes:
    ranges = rng.choice([b"A1:B1", b"A3:A9", b"A1:XFD1048576", b"A2:D40"])
    return data.replace(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="' + ranges + b'"/></mergeCells>')


def _place(rng: random.Random, data: bytes) -> bytes:
    """A cell or row elsewhere: on another, far out, beyond a sheet, or nowhere."""
    found = list(re.finditer(rb'\br="([A-Z]*\d+)"', data))
    if not found:
        return data
    one = rng.choice(found)
    there = rng.choice([b"A1", b"XFD1048576", b"ZZZZ1", b"A99999999999", b"5", b"1048576", b"0", b"A0", b"", b"a7"])
    return data[: one.start(1)] + there + data[one.end(1) :]


def _repeats(rng: random.Random, data: bytes) -> bytes:
    """Rows or cells of an ODS repeated without end."""
    times = rng.choice([b"2", b"1048576", b"4294967296", b"-1", b"0", b"x"])
    word, tag = rng.choice([(b"rows", b"<table:table-row"), (b"columns", b"<table:table-cell")])
    at = rng.choice([m.end() for m in re.finditer(tag + rb"\b", data)] or [0])
    return data[:at] + b" table:number-" + word + b'-repeated="' + times + b'"' + data[at:]


def _member(rng: random.Random, content: bytes) -> bytes:
    """A member of a zip lost, doubled, renamed out of its folder, or empty."""
    way = rng.choice(["lose", "double", "escape", "empty"])
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    which = rng.randrange(len(members))
    name, data = members[which]
    if way == "lose":
        del members[which]
    elif way == "double":
        members.append((f"{name}.bak", data))
    elif way == "escape":
        members[which] = ("../" + name, data)
    else:
        members[which] = (name, b"")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in members:
            new.writestr(name, data)
    return out.getvalue()


def _sizes(rng: random.Random, content: bytes) -> bytes:
    """Sizes in a zip's directory that are not true."""
    out = bytearray(content)
    places = [m.start() for m in re.finditer(b"PK\x01\x02", content)]
    at = rng.choice(places or [0])
    struct.pack_into("<I", out, at + rng.choice([20, 24]), rng.choice([0, 1, 10**6, 2**32 - 2]))
    return bytes(out)


def _gz(rng: random.Random, content: bytes) -> bytes:
    """A gz whose text is damaged inside, that has a second part, or whose end is not its own."""
    inner = gzip.decompress(content)
    way = rng.randrange(3)
    if way == 0:
        at = rng.randrange(len(inner))
        return gzip.compress(inner[:at] + b"\xff" + inner[at:], mtime=0)
    return content + gzip.compress(inner[-200:], mtime=0) if way == 1 else content[:-8] + bytes(8)


def _number(offset: int, form: str, *values: int) -> Change:
    """A number of the header that is another."""

    def apply(rng: random.Random, content: bytes) -> bytes:
        out = bytearray(content)
        was = struct.unpack_from(form, content, offset)[0]
        struct.pack_into(
            form, out, offset, rng.choice([*values, max(0, was - rng.randint(1, 9)), was + rng.randint(1, 9)])
        )
        return bytes(out)

    return apply


def _deleted(rng: random.Random, content: bytes) -> bytes:
    """The mark of a record of dBase changed."""
    start, size = struct.unpack_from("<HH", content, 8)
    out = bytearray(content)
    at = start + size * rng.randrange(max(1, (len(content) - start) // size))
    out[min(at, len(out) - 1)] = rng.choice(b"*X\0\x1a\xff")
    return bytes(out)


def _width(rng: random.Random, content: bytes) -> bytes:
    """The width or type of a field of dBase that is not true."""
    out = bytearray(content)
    field = 32 + 32 * rng.randrange(4)
    out[field + rng.choice([11, 16])] = rng.choice([0, 1, 5, 200, 255, ord("N"), ord("D"), ord("M"), ord("I")])
    return bytes(out)


def _rows_of_dta(rng: random.Random, content: bytes) -> bytes:
    at = content.find(b"<N>")
    return _number(at + 3, "<Q" if content[at + 7 : at + 11] != b"</N>" else "<I", 0, 1, 2**31 - 1)(rng, content)


def _footer(rng: random.Random, content: bytes) -> bytes:
    """Damage in the footer of a Parquet file, or its length."""
    out = bytearray(content)
    length = struct.unpack_from("<I", content, len(content) - 8)[0]
    if rng.random() < 0.3:
        struct.pack_into("<I", out, len(content) - 8, rng.choice([0, 1, length - 1, length + 1, 2**31 - 1]))
    else:
        for _ in range(rng.choice([1, 1, 3])):
            out[len(content) - 8 - rng.randint(1, length)] ^= 1 << rng.randrange(8)
    return bytes(out)


def _sql(rng: random.Random, content: bytes) -> bytes:
    """A mark of SQL lost or doubled."""
    found = list(re.finditer(rb"[(),;'`\\\t\n]", content))
    one = rng.choice(found)
    return content[: one.start()] + rng.choice([b"", one[0] * 2, b"\\", b"NULL"]) + content[one.end() :]


def _brackets(rng: random.Random, content: bytes) -> bytes:
    """A mark of JSON lost or doubled, or brackets without end."""
    at = rng.choice([m.start() for m in re.finditer(rb'[\[\]{}",:]', content)])
    return (
        content[:at]
        + rng.choice([b"", content[at : at + 1] * 2, b"[" * 50_000, b'{"a":' * 50_000, b"\\ud800", b"1e400"])
        + content[at + 1 :]
    )


_WORKBOOK: dict[str, Change] = {
    "a row of a sheet lost": _in_sheet(_delete(_ROW)),
    "a row of a sheet doubled": _in_sheet(_double(_ROW)),
    "a cell of a sheet lost": _in_sheet(_delete(_CELL)),
    "a cell of a sheet doubled": _in_sheet(_double(_CELL)),
    "an error in a cell": _in_sheet(_error_cell),
    "a member of the zip": _member,
    "sizes of the zip": _sizes,
}
_XLSX = {
    "an index that is not there": _in_sheet(_index),
    "a dimension that lies": _in_sheet(_dimension),
    "merged cells": _in_sheet(_merged),
    "a cell elsewhere": _in_sheet(_place),
}
STRUCTURED: dict[str, dict[str, Change]] = {
    "xlsx": _WORKBOOK | _XLSX,
    "ods": _WORKBOOK | {"repeats": _in_sheet(_repeats)},
    "xlsb": {"a member of the zip": _member, "sizes of the zip": _sizes},
    "zip": {"a member of the zip": _member, "sizes of the zip": _sizes},
    "gz": {"a gz": _gz},
    "dbf": {
        "a record count that lies": _number(4, "<I", 0, 1, 2**32 - 1),
        "a header length that lies": _number(8, "<H", 0, 65535),
        "a record length that lies": _number(10, "<H", 0, 1, 65535),
        "a deletion mark": _deleted,
        "a field that lies": _width,
    },
    "sav": {
        "a row count that lies": _number(80, "<i", -1, 2**31 - 1),
        "a width that lies": _number(68, "<i", 1, 2**31 - 1),
    },
    "dta": {"a row count that lies": _rows_of_dta},
    "parquet": {"a damaged footer": _footer},
    "mysqldump": {"a mark of SQL": _sql},
    "pgdump": {"a mark of SQL": _sql},
    "json": {"a mark of JSON": _brackets},
    "geojson": {"a mark of JSON": _brackets},
}
