"""Finds the cells of a workbook that hold a formula's error (#REF!, #N/A …), which its reader gives as empty.

An error is not nothing: somebody's formula broke, and the value that should stand there is lost. Each format is looked
through for its own mark of an error cell; workbooks without one cost one pass over their bytes.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from commonground.intake.readers.compound import workbook_stream

Errors = dict[str, list[tuple[int, int, str]]]
"""Sheet → row and column (from 0) and text of each error."""
TEXTS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
FORMULA_ERRORS = frozenset(TEXTS.values()) | {"#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!"}
_CHUNK, _LAP = 1 << 22, 1 << 16
_CELL = re.compile(rb'<(?:\w+:)?c\s([^>]*?\bt="e"[^>]*)>(.*?)</(?:\w+:)?c>', re.S)
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_OLE = b"\xd0\xcf\x11\xe0"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def find_errors(path: Path) -> Errors:
    """List the error cells of a workbook (xlsx, xlsb, ods, xls), sheet by sheet.

    Raises
    ------
    zipfile.BadZipFile, KeyError, ValueError, struct.error, ElementTree.ParseError
        The workbook is damaged.
    """
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            return _in_xls(workbook_stream(path.read_bytes()))
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "xl/workbook.bin" in names:
            return _in_xlsb(archive)
        if "content.xml" in names:
            return _in_ods(archive)
        return _in_xlsx(archive) if "xl/workbook.xml" in names else {}


def relations(archive: zipfile.ZipFile, book: str) -> dict[str, str]:
    """Give the parts that a workbook's relations lead to."""
    tree = ElementTree.fromstring(archive.read(f"xl/_rels/{book}.rels"))
    out = {}
    for one in tree:
        target = one.attrib["Target"]
        out[one.attrib["Id"]] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return out


def _in_xlsx(archive: zipfile.ZipFile) -> Errors:
    out: Errors = {}
    for name, target in xlsx_sheets(archive):
        with archive.open(target) as file:
            found = list(_xlsx_cells(file))
        if found:
            out[name] = found
    return out


def xlsx_sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """List name and part of each worksheet of an XLSX."""
    paths = relations(archive, "workbook.xml")
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    listed = (one for one in book.iter() if one.tag.rpartition("}")[2] == "sheet")
    pairs = [(sheet.attrib["name"], paths.get(sheet.attrib.get(_REL, ""), "")) for sheet in listed]
    return [(name, target) for name, target in pairs if "worksheets" in target]


def _xlsx_cells(file: IO[bytes]) -> Iterator[tuple[int, int, str]]:
    held, seen = b"", set()
    while chunk := file.read(_CHUNK):
        held += chunk
        for cell in _CELL.finditer(held) if b't="e"' in held else ():
            place, value = _PLACE.search(cell[1]), _VALUE.search(cell[2])
            if place and place[0] not in seen:
                seen.add(place[0])
                yield (
                    int(place[2]) - 1,
                    _column(place[1]),
                    (value[1] if value else b"#VALUE!").decode("ascii", "replace"),
                )
        held = held[-_LAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Records of a BIFF12 part: kind and size in seven bits a byte."""
    at = 0
    while at < len(data):
        kind, at = _varint(data, at, 2)
        size, at = _varint(data, at, 4)
        yield kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int, longest: int) -> tuple[int, int]:
    value = 0
    for i in range(longest):
        byte = data[at]
        at += 1
        value |= (byte if longest == 2 else byte & 0x7F) << ((8 if longest == 2 else 7) * i)
        if not byte & 0x80:
            break
    return value, at


def _in_xlsb(archive: zipfile.ZipFile) -> Errors:
    out: Errors = {}
    for name, target in xlsb_sheets(archive):
        row, found = 0, []
        for what, cell in records(archive.read(target)):
            if what == 0:  # BrtRowHdr
                row = struct.unpack_from("<I", cell)[0]
            elif what in (3, 11):  # BrtCellError, BrtFmlaError
                found.append((row, struct.unpack_from("<I", cell)[0], TEXTS.get(cell[8], "#VALUE!")))
        if found:
            out[name] = found
    return out


def xlsb_sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """List name and part of each worksheet of an XLSB."""
    paths, out = relations(archive, "workbook.bin"), []
    for kind, body in records(archive.read("xl/workbook.bin")):
        if kind != 0x019C:  # BrtBundleSh
            continue
        size = struct.unpack_from("<I", body, 8)[0]
        relation = body[12 : 12 + 2 * size].decode("utf-16-le")
        length = struct.unpack_from("<I", body, 12 + 2 * size)[0]
        name = body[16 + 2 * size : 16 + 2 * size + 2 * length].decode("utf-16-le")
        if "worksheets" in paths.get(relation, ""):
            out.append((name, paths[relation]))
    return out


def _in_ods(archive: zipfile.ZipFile) -> Errors:
    content = archive.read("content.xml")
    if b'value-type="error"' not in content:
        return {}
    out: Errors = {}
    for table in ElementTree.fromstring(content).iter(f"{_TABLE}table"):
        row, found = 0, []
        for line in table.iter(f"{_TABLE}table-row"):
            column = 0
            for cell in line:
                if any(k.endswith("value-type") and v == "error" for k, v in cell.attrib.items()):
                    text = "".join(cell.itertext()).strip()
                    found.append((row, column, text if text in FORMULA_ERRORS else "#VALUE!"))
                column += int(cell.attrib.get(f"{_TABLE}number-columns-repeated", "1"))
            row += int(line.attrib.get(f"{_TABLE}number-rows-repeated", "1"))
        if found:
            out[table.attrib.get(f"{_TABLE}name", "")] = found
    return out


def _in_xls(stream: bytes) -> Errors:
    at, sheets, out = 0, [], {}
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == 0x85:  # BOUNDSHEET
            place, _, length, wide = struct.unpack_from("<IHBB", stream, at + 4)
            raw = stream[at + 12 : at + 12 + length * (1 + (wide & 1))]
            sheets.append((place, raw.decode("utf-16-le" if wide & 1 else "latin-1")))
        elif kind == 0x0A:  # EOF of the workbook's own part
            break
        at += 4 + size
    for place, name in sheets:
        found, at, depth = [], place, 0
        while at + 4 <= len(stream):
            kind, size = struct.unpack_from("<HH", stream, at)
            depth += (kind == 0x809) - (kind == 0x0A)
            body = stream[at + 4 : at + 4 + size]
            if kind == 0x205 and body[7:8] == b"\1":  # BOOLERR
                found.append((*struct.unpack_from("<HH", body), TEXTS.get(body[6], "#VALUE!")))
            elif kind == 0x06 and body[12:14] == b"\xff\xff" and body[6] == 2:  # FORMULA
                found.append((*struct.unpack_from("<HH", body), TEXTS.get(body[8], "#VALUE!")))
            at += 4 + size
            if depth == 0:
                break
        if found:
            out[name] = [(int(row), int(column), str(text)) for row, column, text in found]
    return out
