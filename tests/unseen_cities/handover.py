"""Writing what departments hand over, and the answer key beside it."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment

from .overlap import Overlapping

Header = str | tuple[str, ...]
COLUMN_KEY = [
    "city", "department", "dataset", "file", "sheet", "position", "column", "concept", "also", "kind", "unit", "codes",
    "missing",
]  # fmt: skip
FILE_KEY = [
    "city", "department", "dataset", "file", "sheet", "kind", "format", "encoding", "separator", "header_row", "rows",
    "footers",
]  # fmt: skip


@dataclass
class Column:
    """A column as it is handed over, and what it means: the answer."""

    header: Header
    concept: str
    value: Callable[[Any], Any]
    unit: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    also: str = ""
    gap: float = 0.0

    @property
    def levels(self) -> tuple[str, ...]:
        return self.header if isinstance(self.header, tuple) else (self.header,)

    def text(self, rng: random.Random, record: Any) -> Any:
        """Give what stands in the cell: a missing marker now and then, a code as this city writes it."""
        if self.gap and rng.random() < self.gap:
            return rng.choice([*self.missing, *([] if self.missing else [""])])
        got = self.value(record)
        if isinstance(rng, Overlapping):
            got = rng.number(self.concept, got)
        if not self.codes or got is None:
            return got
        return rng.choice([written for written, canonical in self.codes.items() if canonical == got])


class Handover:
    """The folder of one city, its files and its part of the answer key."""

    def __init__(self, folder: Path, city: str, rng: random.Random) -> None:
        self.folder, self.city, self.rng = folder / city, city, rng
        self.columns: list[dict[str, object]] = []
        self.files: list[dict[str, object]] = []
        self.books: dict[Path, openpyxl.Workbook] = {}

    def path(self, department: str, file: str) -> Path:
        path = self.folder / department / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def key(self, where: Sequence[str], columns: Sequence[Column], **of_file: object) -> None:
        """Write the answers of one table; ``where`` is department, dataset, kind, file, sheet."""
        department, dataset, kind, file, sheet = where
        if isinstance(self.rng, Overlapping):
            self.rng.end_file((department, dataset, file, sheet))
        place = {"city": self.city, "department": department, "dataset": dataset, "file": file, "sheet": sheet}
        self.files.append({**place, "kind": kind, **of_file})
        for i, c in enumerate(columns):
            answer = {
                "position": i + 1, "column": "/".join(c.levels), "concept": c.concept, "also": c.also, "kind": kind,
                "unit": c.unit, "codes": json.dumps(c.codes, ensure_ascii=False) if c.codes else "",
                "missing": json.dumps(list(c.missing), ensure_ascii=False) if c.missing else "",
            }  # fmt: skip
            self.columns.append(place | answer)

    def cells(self, columns: Sequence[Column], records: Sequence[Any]) -> list[list[Any]]:
        rows = []
        for record in records:
            with self.rng.written(record) if isinstance(self.rng, Overlapping) else nullcontext():
                rows.append([c.text(self.rng, record) for c in columns])
        return rows

    def note(self, department: str, dataset: str, file: str, text: str, encoding: str) -> None:
        """Write a file that is no data (a description of fields)."""
        self.path(department, file).write_bytes(text.encode(encoding))
        self.key([department, dataset, "", file, ""], [], format="note", encoding=encoding, rows=0, footers=0)

    def text(
        self,
        where: Sequence[str],
        columns: Sequence[Column],
        records: Sequence[Any],
        encoding: str,
        separator: str = ",",
        title: Sequence[str] = (),
        footer: Sequence[str] = (),
    ) -> None:
        """Write a text with separators."""
        out = io.StringIO()
        pen = csv.writer(out, delimiter=separator, lineterminator="\r\n")
        pen.writerows([t] for t in title)
        pen.writerow([c.header for c in columns])
        pen.writerows(self.cells(columns, records))
        pen.writerows([t] for t in footer)
        self.path(where[0], where[3]).write_bytes(out.getvalue().encode(encoding))
        self.key(
            where, columns, format="csv", encoding=encoding, separator=separator, header_row=len(title) + 1,
            rows=len(records), footers=len(footer),
        )  # fmt: skip

    def sheet(
        self,
        where: Sequence[str],
        columns: Sequence[Column],
        records: Sequence[Any],
        title: Sequence[str] = (),
        footer: Sequence[Sequence[object]] = (),
    ) -> None:
        """Write a sheet; headers of several levels become merged cells."""
        path = self.path(where[0], where[3])
        if path not in self.books:
            self.books[path] = openpyxl.Workbook()
            self.books[path].remove(self.books[path].active)
        sheet = self.books[path].create_sheet(where[4])
        for i, line in enumerate(title):
            sheet.cell(i + 1, 1, line).alignment = Alignment(horizontal="center")
            sheet.merge_cells(start_row=i + 1, end_row=i + 1, start_column=1, end_column=len(columns))
        depth = max(len(c.levels) for c in columns)
        first = len(title) + 1
        _merged_header(sheet, columns, first, depth)
        cells = self.cells(columns, records)
        for line in [*cells, *(_summed(line, cells) for line in footer)]:
            sheet.append(line)
        rows = str(first) if depth == 1 else json.dumps(list(range(first, first + depth)))
        self.key(where, columns, format="xlsx", header_row=rows, rows=len(records), footers=len(footer))

    def json_lines(self, where: Sequence[str], columns: Sequence[Column], records: Sequence[Any]) -> None:
        """Write one JSON object a line; an empty value is left out now and then, as such exports do."""
        names = [str(c.header) for c in columns]
        lines = [json.dumps(dict(zip(names, x, strict=True)), ensure_ascii=False) for x in self.cells(columns, records)]
        self.path(where[0], where[3]).write_bytes(("\n".join(lines) + "\n").encode())
        self.key(where, columns, format="jsonl", encoding="utf-8", rows=len(records), footers=0)

    def dbase(self, where: Sequence[str], columns: Sequence[Column], records: Sequence[Any]) -> None:
        """Write a dBase III file of character fields in code page 936."""
        rows = [["" if x is None else str(x).encode("gb18030") for x in line] for line in self.cells(columns, records)]
        rows = [[x if isinstance(x, bytes) else b"" for x in line] for line in rows]
        widths = [max(1, *(len(line[i]) for line in rows)) for i in range(len(columns))]
        head = struct.pack("<B3BLHH", 3, 125, 8, 31, len(rows), 33 + 32 * len(columns), 1 + sum(widths))
        out = head + bytes(17) + bytes([0x4D]) + bytes(2)
        for c, width in zip(columns, widths, strict=True):
            out += struct.pack("<11sc4xBB14x", str(c.header).encode("ascii"), b"C", width, 0)
        out += b"\r"
        for line in rows:
            out += b" " + b"".join(x.ljust(w) for x, w in zip(line, widths, strict=True))
        self.path(where[0], where[3]).write_bytes(out + b"\x1a")
        self.key(where, columns, format="dbf", encoding="gb18030", rows=len(records), footers=0)

    def dump(self, where: Sequence[str], columns: Sequence[Column], records: Sequence[Any], dialect: str) -> None:
        """Write a dump of one table as mysqldump or pg_dump writes it; the sheet is the table's name."""
        table, names = where[4], [str(c.header) for c in columns]
        cells = self.cells(columns, records)
        text = _mysql(table, names, cells) if dialect == "mysql" else _postgres(table, names, cells)
        self.path(where[0], where[3]).write_bytes(text.encode())
        self.key(where, columns, format=dialect, encoding="utf-8", rows=len(records), footers=0)

    def finish(self) -> None:
        """Save the workbooks, the same bytes each time."""
        for path, book in self.books.items():
            held = io.BytesIO()
            book.save(held)
            path.write_bytes(_timeless(held.getvalue()))


def _summed(line: Sequence[object], cells: Sequence[Sequence[Any]]) -> list[object]:
    """Put the column's sum where a footer says Σ, and its mean where it says x̄."""
    out = list(line)
    for i, x in enumerate(line):
        if x in ("Σ", "x̄"):
            numbers = [row[i] for row in cells if isinstance(row[i], int | float)]
            out[i] = sum(numbers) if x == "Σ" else round(sum(numbers) / len(numbers), 1)
    return out


def _merged_header(sheet: Any, columns: Sequence[Column], first: int, depth: int) -> None:
    """Write the header: a group's name over its columns, a single name down all header rows."""
    grid = [[(c.levels + ("",) * depth)[level] for c in columns] for level in range(depth)]
    for level, names in enumerate(grid):
        for i, name in enumerate(names):
            if name and not (level + 1 < depth and i and names[i - 1] == name):
                sheet.cell(first + level, i + 1, name)
    for i, c in enumerate(columns):
        if len(c.levels) < depth:
            sheet.merge_cells(
                start_row=first + len(c.levels) - 1, end_row=first + depth - 1, start_column=i + 1, end_column=i + 1
            )
        elif depth > 1 and (i == 0 or columns[i - 1].levels[0] != c.levels[0]):
            last = i
            while last + 1 < len(columns) and columns[last + 1].levels[0] == c.levels[0]:
                last += 1
            if last > i:
                sheet.merge_cells(start_row=first, end_row=first, start_column=i + 1, end_column=last + 1)


def _timeless(book: bytes) -> bytes:
    """Take the hour of writing out of a workbook."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2025-09-01T08:00:00Z", data)
            new.writestr(zipfile.ZipInfo(name, (2025, 9, 1, 8, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _mysql(table: str, names: list[str], rows: list[list[Any]]) -> str:
    def quoted(x: Any) -> str:
        if x is None:
            return "NULL"
        return str(x) if isinstance(x, int | float) else "'" + str(x).replace("\\", "\\\\").replace("'", "\\'") + "'"

    fields = ",\n".join(f"  `{n}` varchar(255) DEFAULT NULL" for n in names)
    values = ",\n".join("(" + ",".join(quoted(x) for x in row) + ")" for row in rows)
    return (
        f"-- MySQL dump 10.13  Distrib 5.7.36\n/*!40101 SET NAMES utf8mb4 */;\n\nDROP TABLE IF EXISTS `{table}`;\n"
        f"CREATE TABLE `{table}` (\n{fields}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\n"
        f"LOCK TABLES `{table}` WRITE;\nINSERT INTO `{table}` VALUES\n{values};\nUNLOCK TABLES;\n"
    )


def _postgres(table: str, names: list[str], rows: list[list[Any]]) -> str:
    fields = ",\n".join(f"    {n} character varying" for n in names)
    lines = "\n".join("\t".join("\\N" if x is None else str(x) for x in row) for row in rows)
    return (
        "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n"
        f"CREATE TABLE public.{table} (\n{fields}\n);\n\n"
        f"COPY public.{table} ({', '.join(names)}) FROM stdin;\n{lines}\n\\.\n\n-- PostgreSQL database dump complete\n"
    )
