"""Writes tables as departments keep them: text in old encodings, workbooks, dBase, JSON lines.

Workbooks and dBase files are written by hand because the core has no library that writes them; same values, same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

Row = Sequence[Any]
#: Name of a sheet, its rows, its merged ranges such as ``A1:F1``.
SheetOut = tuple[str, Sequence[Row], Sequence[str]]
_EPOCH = np.datetime64("1899-12-30")


def rows_of(columns: dict[str, np.ndarray]) -> list[list[Any]]:
    """Turn columns into rows of plain values."""
    return [list(r) for r in zip(*(c.tolist() for c in columns.values()), strict=True)]


def iso(day: np.ndarray) -> np.ndarray:
    """Write days as 2013-05-03; empty where there is none."""
    return np.where(np.isnat(day), "", np.datetime_as_string(day, unit="D"))


def compact(day: np.ndarray) -> np.ndarray:
    """Write days as 20130503."""
    return np.char.replace(iso(day), "-", "")


def dotted(day: np.ndarray, mark: str = ".") -> np.ndarray:
    """Write days as 2013.5.3, or with another mark."""
    parts = (t.split("-") if t else [] for t in iso(day).tolist())
    return np.array([mark.join([p[0], str(int(p[1])), str(int(p[2]))]) if p else "" for p in parts])


def chinese(day: np.ndarray) -> np.ndarray:
    """Write days as 2013年5月3日."""
    parts = (t.split("-") for t in iso(day).tolist())
    return np.array([f"{p[0]}年{int(p[1])}月{int(p[2])}日" if len(p) == 3 else "" for p in parts])


def month(day: np.ndarray) -> np.ndarray:
    """Write months as 2013年5月."""
    return np.array([t.split("月")[0] + "月" if t else "" for t in chinese(day).tolist()])


def serial(day: np.ndarray) -> np.ndarray:
    """Write days as a workbook counts them: days since 1899-12-30, as numbers."""
    return (day - _EPOCH).astype(np.int64)


def write_csv(
    path: Path,
    rows: Sequence[Row],
    encoding: str,
    separator: str = ",",
    before: Sequence[str] = (),
    after: Sequence[Row] = (),
) -> None:
    """Write a text table; ``before`` are lines above the header, ``after`` rows below the data."""
    text = io.StringIO()
    for line in before:
        text.write(line + "\r\n")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerows(rows)
    writer.writerows(after)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.getvalue()
    path.write_bytes(b"\xff\xfe" + content.encode("utf-16-le") if encoding == "utf-16" else content.encode(encoding))


def write_jsonl(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write one JSON object a line."""
    names = list(columns)
    lines = [json.dumps(dict(zip(names, r, strict=True)), ensure_ascii=False) for r in rows_of(columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _letters(number: int) -> str:
    return ("" if number < 26 else chr(64 + number // 26)) + chr(65 + number % 26)


def _cell(place: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def _sheet(rows: Sequence[Row], merged: Sequence[str]) -> str:
    letters = [_letters(c) for c in range(max(len(row) for row in rows))]
    lines = ("".join(_cell(f"{a}{r}", v) for a, v in zip(letters, row, strict=False)) for r, row in enumerate(rows, 1))
    body = "".join(f'<row r="{r}">{line}</row>' for r, line in enumerate(lines, 1))
    spans = "".join(f'<mergeCell ref="{m}"/>' for m in merged)
    merges = f'<mergeCells count="{len(merged)}">{spans}</mergeCells>' if merged else ""
    return f"{_XML}<worksheet {_MAIN}><sheetData>{body}</sheetData>{merges}</worksheet>"


def write_xlsx(path: Path, sheets: Sequence[SheetOut]) -> None:
    """Write a workbook of (sheet name, rows, merged ranges such as ``A1:F1``)."""
    n = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="{escape(s[0])}" sheetId="{i}" r:id="rId{i}"/>' for i, s in enumerate(sheets, 1))
    links = "".join(f'<Relationship Id="rId{i}" Type="{_REL}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in n)
    types = "".join(f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{_KIND}worksheet+xml"/>' for i in n)
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook {_MAIN} xmlns:r="{_REL}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }
    parts |= {f"xl/worksheets/sheet{i}.xml": _sheet(s[1], s[2]) for i, s in zip(n, sheets, strict=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():  # a fixed time, so that the same values give the same bytes
            info = zipfile.ZipInfo(name, date_time=(2025, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def write_dbf(path: Path, columns: dict[str, np.ndarray], widths: dict[str, int], encoding: str = "gbk") -> None:
    """Write a dBase III table of text fields; a value longer than its field is cut, as such programs do."""
    names = list(columns)
    size = 1 + sum(widths[name] for name in names)
    rows = rows_of(columns)
    head = struct.pack("<BBBBIHH20x", 3, 125, 6, 2, len(rows), 32 + 32 * len(names) + 1, size)
    for name in names:
        head += struct.pack("<11sc4xBB14x", name.encode(encoding), b"C", widths[name], 0)
    sizes = [widths[name] for name in names]
    body = b"".join(
        b" " + b"".join(_cut(str(v).encode(encoding, "replace"), w, encoding) for v, w in zip(row, sizes, strict=True))
        for row in rows
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + b"\r" + body + b"\x1a")


def _cut(value: bytes, width: int, encoding: str) -> bytes:
    if len(value) > width:  # never through the middle of a character
        value = value[:width].decode(encoding, "ignore").encode(encoding)
    return value.ljust(width)
