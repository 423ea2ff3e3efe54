"""A small table in every format that intake reads, with contracts: what the campaign breaks beside the cities.

Nothing here is a person: names are two letters of a list, numbers come from a counter.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import formats_kit
from intake_kit import Town, column

ROWS = 45
_NAMES = "甲乙丙丁戊己庚辛壬癸"
COLUMNS = ("XM", "XB", "BJ", "SG")
_CONCEPTS = ("name", "sex", "class", "height")
Table = list[list[str | float]]


def table() -> Table:
    """Give rows of name, sex, class and height."""
    rows: Table = []
    for i in range(ROWS):
        rows.append([_NAMES[i % 10] + _NAMES[i // 10], str(1 + i % 2), f"{1 + i // 9}班", 120.0 + i / 2])
    return rows


def _sheet() -> Table:
    return [list(COLUMNS), *table()]


def _text(separator: str) -> str:
    return "\r\n".join(separator.join(map(str, row)) for row in _sheet()) + "\r\n"


def _objects() -> list[dict[str, str | float]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in table()]


def _xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for name in ("一", "二"):
        sheet = book.create_sheet(name)
        for row in _sheet():
            sheet.append(row)
    del book["Sheet"]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _frame() -> object:
    import pandas as pd

    return pd.DataFrame(table(), columns=list(COLUMNS))


def _statistics(kind: str) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        import pyreadstat

        path = folder / f"made.{kind}"
        if kind == "sas7bdat":
            formats_kit.sas7bdat(path, dict(zip(COLUMNS, map(list, zip(*table(), strict=True)), strict=True)))
        elif kind == "xpt":
            pyreadstat.write_xport(_frame(), str(path), table_name="X", file_format_version=8)
        else:
            getattr(pyreadstat, f"write_{kind}")(_frame(), str(path))
        return path.read_bytes()

    return make


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_objects()), out, row_group_size=20)
    return out.getvalue()


def _dbf() -> bytes:
    import struct

    fields, widths = b"", (10, 1, 6, 6)
    for name, width in zip(COLUMNS, widths, strict=True):
        fields += name.encode().ljust(11, b"\0") + b"C" + bytes(4) + bytes([width, 0]) + bytes(14)
    size = 1 + sum(widths)
    head = struct.pack("<BBBBIHH20x", 3, 125, 1, 1, ROWS, 32 + len(fields) + 1, size)
    body = b""
    for row in table():
        body += b" " + b"".join(str(v).encode("gbk").ljust(w) for v, w in zip(row, widths, strict=True))
    return head + fields + b"\r" + body + b"\x1a"


def _fixed() -> bytes:
    out = b""
    for row in table():
        out += b"".join(str(v).encode("gb18030").ljust(w) for v, w in zip(row, (10, 1, 6, 6), strict=True)) + b"\r\n"
    return out


def _mysql() -> bytes:
    values = ",".join(f"('{a}','{b}','{c}',{d})" for a, b, c, d in table())
    return (
        "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `t` (\n  `XM` varchar(20) DEFAULT NULL,\n"
        "  `XB` varchar(2) DEFAULT NULL,\n  `BJ` varchar(20) DEFAULT NULL,\n  `SG` decimal(5,1) DEFAULT NULL\n"
        f") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nINSERT INTO `t` VALUES {values};\n-- Dump completed\n"
    ).encode()


def _postgres() -> bytes:
    body = "\n".join("\t".join(map(str, row)) for row in table())
    return (
        "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n"
        'CREATE TABLE edu.t (\n    "XM" text,\n    "XB" text,\n    "BJ" text,\n    "SG" numeric\n);\n'
        f'COPY edu.t ("XM", "XB", "BJ", "SG") FROM stdin;\n{body}\n\\.\n--\n-- PostgreSQL database dump complete\n--\n'
    ).encode()


def _geojson() -> bytes:
    place = {"type": "Point", "coordinates": [105.5, 30.5]}
    features = [{"type": "Feature", "properties": one, "geometry": place} for one in _objects()]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def contents(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Give of each dataset the name of its file and its content."""
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in _objects()) + "\n"
    made = {
        "xlsx": ("a.xlsx", _xlsx()),
        "xls": ("a.xls", formats_kit.xls({"一": _sheet(), "二": _sheet()})),
        "xlsb": ("a.xlsb", formats_kit.xlsb({"一": _sheet(), "二": _sheet()})),
        "ods": ("a.ods", formats_kit.ods({"一": _sheet(), "二": _sheet()})),
        "dbf": ("a.dbf", _dbf()),
        "parquet": ("a.parquet", _parquet()),
        "fixed": ("a.txt", _fixed()),
        "mysqldump": ("a.sql", _mysql()),
        "pgdump": ("a.sql", _postgres()),
        "jsonl": ("a.jsonl", lines.encode()),
        "json": ("a.json", json.dumps(_objects(), ensure_ascii=False).encode()),
        "geojson": ("a.geojson", _geojson()),
        "bars": ("a.txt", _text("|").encode("gb18030")),
        "zipped": (
            "a.zip",
            formats_kit.packed({"一.csv": _text(",").encode("gb18030"), "b/二.csv": _text(",").encode("gb18030")}),
        ),
        "gz": ("a.csv.gz", gzip.compress(_text(",").encode("gb18030"), mtime=0)),
        "wide": ("a.csv", _text(",").encode("utf-16")),
    }
    return made | {kind: (f"a.{kind}", _statistics(kind)(folder)) for kind in ("sav", "dta", "sas7bdat", "xpt")}


_LAYOUTS = {
    "dbf": 'encoding = "gbk"',
    "fixed": 'encoding = "gb18030"\nlayout_file = "说明.csv"\nheader_row = 0',
    "jsonl": 'encoding = "utf-8"',
    "json": 'encoding = "utf-8"',
    "geojson": 'encoding = "utf-8"',
    "bars": 'format = "csv"\nseparator = "|"\nencoding = "gb18030"',
    "zipped": 'format = "csv"\nencoding = "gb18030"',
    "gz": 'format = "csv"\nencoding = "gb18030"',
    "wide": 'format = "csv"\nencoding = "utf-16"',
}
_HEAD = '\n[dataset]\nkind = "student_registry"\ntitle = { zh = "试", en = "Trial" }\n'


def make(folder: Path) -> Town:
    """Make a city with a dataset of each format."""
    town = Town(folder)
    for name, (file, content) in contents(folder).items():
        told = _LAYOUTS.get(name, "")
        kind = "" if "format =" in told else f'format = "{name}"\n'
        columns = [column(source, concept) for source, concept in zip(COLUMNS, _CONCEPTS, strict=True)]
        if name == "geojson":
            columns += ['\n[[column]]\nsource = "@x"\nignore = { zh = "试", en = "trial" }\n']
            columns += ['\n[[column]]\nsource = "@y"\nignore = { zh = "试", en = "trial" }\n']
        town.contract(*columns, layout=f"\n[[layout]]\n{kind}{told}\n", head=_HEAD, name=f"fuzz/{name}")
        town.deliver(content, file, name=f"fuzz/{name}")
        if name == "fixed":
            told_columns = "字段名,起始,长度\nXM,1,10\nXB,11,1\nBJ,12,6\nSG,18,6\n"
            town.deliver(told_columns.encode("gb18030"), "说明.csv", name="fuzz/fixed")
    return town
