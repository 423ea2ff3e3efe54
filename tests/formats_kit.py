"""Writes small files of formats that no library here writes: XLSB, XLS, ODS, SAS7BDAT, zips with tricks."""

from __future__ import annotations

import ctypes
import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

ERRORS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}
Cells = Sequence[Sequence[str | float]]
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def packed(members: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def xlsb(sheets: dict[str, Cells]) -> bytes:
    """[MS-XLSB]: a zip of parts made of records, each a kind and a size in seven bits a byte."""
    members: dict[str, bytes | str] = {}
    book, rels, types = _record(131) + _record(143), "", ""
    for number, (name, rows) in enumerate(sheets.items(), 1):
        book += _record(156, struct.pack("<II", 0, number) + _wide(f"rId{number}") + _wide(name))
        rels += f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.bin"/>'
        types += (
            f'<Override PartName="/xl/worksheets/sheet{number}.bin" ContentType="application/vnd.ms-excel.worksheet"/>'
        )
        members[f"xl/worksheets/sheet{number}.bin"] = _xlsb_sheet(rows)
    members["xl/workbook.bin"] = book + _record(144) + _record(132)
    namespace = "http://schemas.openxmlformats.org/package/2006"
    members["xl/_rels/workbook.bin.rels"] = f'<Relationships xmlns="{namespace}/relationships">{rels}</Relationships>'
    members["_rels/.rels"] = (
        f'<Relationships xmlns="{namespace}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.bin"/></Relationships>'
    )
    members["[Content_Types].xml"] = f'<Types xmlns="{namespace}/content-types">{types}</Types>'
    return packed(members)


def _xlsb_sheet(rows: Cells) -> bytes:
    width = max(map(len, rows), default=1)
    out = _record(129) + _record(148, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, width - 1)) + _record(145)
    for i, row in enumerate(rows):
        out += _record(0, struct.pack("<IIHHBBI", i, 0, 300, 0, 0, 0, 0) + b"\0" * 4)
        for j, cell in enumerate(row):
            head = struct.pack("<II", j, 0)
            if isinstance(cell, float | int):
                out += _record(5, head + struct.pack("<d", cell))
            elif cell in ERRORS:
                out += _record(3, head + bytes([ERRORS[cell]]))
            elif cell:
                out += _record(6, head + _wide(cell))
    return out + _record(146) + _record(130)


def _record(kind: int, body: bytes = b"") -> bytes:
    return _seven(kind) + _seven(len(body)) + body


def _seven(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _wide(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw


def xls(sheets: dict[str, Cells]) -> bytes:
    """[MS-XLS] within [MS-CFB]: BIFF8 records in one stream, the stream in sectors of 512 bytes."""
    parts = [_xls_sheet(rows) for rows in sheets.values()]
    start = _biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 6)) + _biff(0x42, struct.pack("<H", 1200))
    names = [name.encode("utf-16-le") for name in sheets]
    place = len(start) + sum(4 + 8 + len(name) for name in names) + 4
    for name, part in zip(names, parts, strict=True):
        start += _biff(0x85, struct.pack("<IHBB", place, 0, len(name) // 2, 1) + name)
        place += len(part)
    stream = start + _biff(0x0A) + b"".join(parts)
    return _compound("Workbook", stream.ljust(4096, b"\0"))


def _xls_sheet(rows: Cells) -> bytes:
    out = _biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 1997, 0, 6))
    out += _biff(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows), default=0), 0))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            head = struct.pack("<HHH", i, j, 0)
            if isinstance(cell, float | int):
                out += _biff(0x203, head + struct.pack("<d", cell))
            elif cell in ERRORS:
                out += _biff(0x205, head + bytes([ERRORS[cell], 1]))
            elif cell:
                raw = cell.encode("utf-16-le")
                out += _biff(0x204, head + struct.pack("<HB", len(raw) // 2, 1) + raw)
    return out + _biff(0x0A)


def _biff(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _compound(name: str, stream: bytes) -> bytes:
    size, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    sectors = -(-len(stream) // size)
    fats = -(-(sectors + 2) // 128) or 1
    table = [i + 1 for i in range(sectors - 1)] + [end, end] + [0xFFFFFFFD] * fats
    table += [free] * (128 * fats - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, fats, sectors, 0, 4096, end, 0, end, 0)
    places = [sectors + 1 + i for i in range(fats)]
    header += struct.pack("<109I", *places, *[free] * (109 - fats))
    entries = _entry("Root Entry", 5, 1, end, 0) + _entry(name, 2, free, 0, len(stream))
    entries += _entry("", 0, free, 0, 0) * 2
    return header + stream.ljust(sectors * size, b"\0") + entries + struct.pack(f"<{128 * fats}I", *table)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le")
    length = len(raw) + 2 if name else 0
    free = 0xFFFFFFFF
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBBIII", length, kind, 1, free, free, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def ods(sheets: dict[str, Cells]) -> bytes:
    body = ""
    for name, rows in sheets.items():
        body += f'<table:table table:name="{name}">'
        for row in rows:
            body += "<table:table-row>" + "".join(map(_ods_cell, row)) + "</table:table-row>"
        body += "</table:table>"
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = (
        f'xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" xmlns:text="{urn}:text:1.0" '
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f"{body}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _ods_cell(cell: str | float) -> str:
    if isinstance(cell, float | int):
        shown = f"<text:p>{cell}</text:p>"
        return f'<table:table-cell office:value-type="float" office:value="{cell}">{shown}</table:table-cell>'
    if cell in ERRORS:
        return (
            '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
            f'calcext:value-type="error"><text:p>{cell}</text:p></table:table-cell>'
        )
    if not cell:
        return "<table:table-cell/>"
    return f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'


def sas7bdat(path: Path, columns: dict[str, Sequence[str | float | None]]) -> None:
    """Write a SAS file with ReadStat's own writer, which pyreadstat carries and does not offer."""
    import pyreadstat._readstat_writer as carried

    library = ctypes.CDLL(carried.__file__)
    for name in ("readstat_writer_init", "readstat_add_variable", "readstat_get_variable"):
        getattr(library, name).restype = ctypes.c_void_p
    writer_kind = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
    out = io.BytesIO()

    @writer_kind
    def write(data: int, size: int, _context: int) -> int:
        out.write(ctypes.string_at(data, size))
        return size

    writer = ctypes.c_void_p(library.readstat_writer_init())
    library.readstat_set_data_writer(writer, write)
    rows = len(next(iter(columns.values())))
    variables = []
    for name, values in columns.items():
        text = any(isinstance(value, str) for value in values)
        width = max((len(v.encode()) for v in values if isinstance(v, str)), default=8) if text else 8
        # READSTAT_TYPE_STRING, READSTAT_TYPE_DOUBLE
        made = library.readstat_add_variable(writer, name.encode(), 0 if text else 5, ctypes.c_size_t(width))
        variables.append(ctypes.c_void_p(made))
    assert library.readstat_begin_writing_sas7bdat(writer, None, ctypes.c_long(rows)) == 0
    for i in range(rows):
        assert library.readstat_begin_row(writer) == 0
        for variable, values in zip(variables, columns.values(), strict=True):
            value = values[i]
            if isinstance(value, str):
                done = library.readstat_insert_string_value(writer, variable, value.encode())
            elif value is None:
                done = library.readstat_insert_missing_value(writer, variable)
            else:
                done = library.readstat_insert_double_value(writer, variable, ctypes.c_double(value))
            assert done == 0
        assert library.readstat_end_row(writer) == 0
    assert library.readstat_end_writing(writer) == 0
    library.readstat_writer_free(writer)
    path.write_bytes(out.getvalue())


ACCESS_TYPES = {
    "integer": (4, 4),
    "number": (7, 8),
    "moment": (8, 8),
    "text": (10, 510),
    "long": (11, 0),
    "short": (3, 2),
}
_PAGE = 4096


def mdb(tables: dict[str, tuple[dict[str, str], Cells]]) -> bytes:
    """Jet 4: pages of 4,096 bytes; page 2 defines the catalogue, each table has a definition and one page of rows."""
    catalogue = {"Id": "integer", "Type": "short", "Flags": "integer", "Name": "text", "LvProp": "long"}
    first = 4  # page 0 says what this is, 1 which pages belong to whom, 2 and 3 are the catalogue
    listed = [[first + 2 * i, 1, 0, name, ""] for i, name in enumerate(tables)]
    parts = [(catalogue, listed), *tables.values()]
    pages = [_jet_head(), _jet_usage(len(parts))]
    for i, (columns, rows) in enumerate(parts):
        pages += [_jet_table(columns, len(rows), i), _jet_rows(columns, rows, 2 + 2 * i)]
    return b"".join(pages)


def _jet_head() -> bytes:
    """Bytes 24 to 152 are scrambled with RC4 under a key that is the same in all files; the rest of ours is nought."""
    key, box, j, stream = bytes.fromhex("c7da396b"), list(range(256)), 0, []
    for i in range(256):
        j = (j + box[i] + key[i % 4]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    for _ in range(128):
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        stream.append(box[(box[i] + box[j]) % 256])
    return (b"\0\1\0\0Standard Jet DB\0" + struct.pack("<I", 1) + bytes(stream)).ljust(_PAGE, b"\0")


def _jet_usage(tables: int) -> bytes:
    maps = []
    for i in range(tables):
        page = 3 + 2 * i
        maps.append(b"\0" + struct.pack("<I", 0) + (1 << page).to_bytes(64, "little"))
    return _jet_page(maps, 0)


def _jet_page(rows: Sequence[bytes], owner: int) -> bytes:
    """A page of rows, which stand from its end to its beginning."""
    offsets, at, body = b"", _PAGE, b""
    for row in rows:
        at -= len(row)
        offsets += struct.pack("<H", at)
        body = row + body
    head = struct.pack("<BBHIIH", 1, 1, at - 14 - len(offsets), owner, 0, len(rows)) + offsets
    assert len(head) <= at
    return head + bytes(at - len(head)) + body


def _jet_table(columns: dict[str, str], rows: int, number: int) -> bytes:
    kinds = [ACCESS_TYPES[kind] for kind in columns.values()]
    variable = sum(kind >= 10 for kind, _ in kinds)
    out = struct.pack("<BBHI", 2, 1, 0, 0) + struct.pack("<IIII", 0, 0, rows, 0) + bytes(16) + b"\x4e"
    out += struct.pack("<HHHII", len(kinds), variable, len(kinds), 0, 0)
    out += struct.pack("<II", 1 << 8 | number, 1 << 8 | number)
    fixed = place = 0
    for i, (kind, size) in enumerate(kinds):
        varies = kind >= 10
        out += struct.pack("<BIHHHHHBBIHH", kind, 0, i, place, i, 0, 0, 2 if varies else 3, 0, 0, fixed, size)
        place, fixed = place + varies, fixed + (0 if varies else size)
    for name in columns:
        raw = name.encode("utf-16-le")
        out += struct.pack("<H", len(raw)) + raw
    return out.ljust(_PAGE, b"\0")


def _jet_rows(columns: dict[str, str], rows: Cells, owner: int) -> bytes:
    codes = {4: "<i", 7: "<d", 8: "<d", 3: "<h"}
    out = []
    for row in rows:
        fixed, texts, mask = b"", [], 0
        for i, (cell, (kind, size)) in enumerate(zip(row, (ACCESS_TYPES[k] for k in columns.values()), strict=True)):
            mask |= (cell != "") << i
            if kind >= 10:
                texts.append(str(cell).encode("utf-16-le"))
            else:
                value = 0 if cell == "" else float(cell) if kind in (7, 8) else int(cell)
                fixed += struct.pack(codes[kind], value).ljust(size, b"\0")
        start = 2 + len(fixed)
        ends = [start + sum(map(len, texts[:i])) for i in range(len(texts) + 1)]
        body = struct.pack("<H", len(row)) + fixed + b"".join(texts)
        body += b"".join(struct.pack("<H", end) for end in reversed(ends)) + struct.pack("<H", len(texts))
        out.append(body + mask.to_bytes((len(row) + 7) // 8, "little"))
    return _jet_page(out, owner)
