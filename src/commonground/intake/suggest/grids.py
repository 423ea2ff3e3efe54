"""Files as grids of cells, however they came: what the layout, the header and the columns are then found in.

Separated and fixed-width text is drawn and split here, since nobody has said yet how; every other format goes through
intake's own readers, so that what is proposed is what intake will read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Sheet
from commonground.intake.readers.cells import CONTROL, cell_text
from commonground.intake.suggest import dialect, encoding, fixed, kinds
from commonground.intake.suggest.codebook import Codebook
from commonground.intake.suggest.sample import Sample, draw

_LINE_END = re.compile("\r\n|\n|\r")
MOST_ROWS = 60_000  # rows of a sheet that are looked at


@dataclass
class Grid:
    """A sheet's cells with what is known of the file so far.

    ``layout`` holds keys of a contract's ``[[layout]]``; ``why``, ``confidence`` and ``doubts`` go with them.
    ``names`` is empty where the names must be found among the rows. ``merged`` are cells of a workbook merged
    downwards: column, first and last row, from 0.
    """

    sheet: str
    rows: list[list[str]]
    physical: list[int]
    layout: dict[str, Any]
    total: int
    names: tuple[str, ...] = ()
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    merged: Sequence[tuple[int, int, int]] = ()
    why: dict[str, Said] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    doubts: list[Said] = field(default_factory=list)


def grids(path: Path, books: Sequence[Codebook] = ()) -> list[Grid]:
    """Read a file, or what is drawn of a large one, as grids.

    Raises
    ------
    DeliveryError
        The file is empty, damaged, protected or of a kind that holds no table.
    """
    kind = kinds.format_of(path)
    if kind == "text":
        return _text(path, books)
    return _binary(path, kind)


def _text(path: Path, books: Sequence[Codebook]) -> list[Grid]:
    sample = draw(path)
    found = encoding.detect(sample.content, whole=sample.whole)
    if not found.name:
        raise kinds.binary(path)
    text = sample.content.decode(found.name, "replace").removeprefix("\ufeff")
    controls = len(CONTROL.findall(text[:200_000]))
    if controls * 20 > min(len(text), 200_000):
        raise kinds.binary(path)
    kinds.check_text(path, text)
    kind = kinds.text_format(text)
    if kind == "sql":
        return _binary(path, "mysqldump" if "`" in text[:200_000] or "ENGINE=" in text else "pgdump", found)
    if kind in ("geojson", "json"):
        return _binary(path, kind, found)
    lines = _LINE_END.split(CONTROL.sub("", text))
    if lines and not lines[-1]:
        lines.pop()
    grid = _json_lines(lines, sample) if kind == "jsonl" else _separated(lines, sample, found.name, books)
    grid.layout = {"format": grid.layout["format"], "encoding": found.name, **grid.layout}
    grid.why |= {"encoding": found.why, "rows": _rows_said(sample)}
    grid.confidence["encoding"] = found.confidence
    grid.doubts[:0] = found.doubts
    if controls:
        grid.doubts.append(
            Said(
                f"有 {controls} 个控制字符，读入时会去掉。", f"{controls} control characters, removed when it is read."
            )
        )
    return [grid]


def _rows_said(sample: Sample) -> Said:
    counted = (
        Said("行数是数出来的", "lines were counted") if sample.exact else Said("行数是估计的", "lines are estimated")
    )
    return Said(f"{sample.said.zh}；{counted.zh}", f"{sample.said.en}; {counted.en}")


def _separated(lines: list[str], sample: Sample, name: str, books: Sequence[Codebook]) -> Grid:
    found = dialect.detect(lines)
    if found.separator in ("", " ", ":", "#"):
        cut = fixed.detect(lines, name, books)
        if cut is not None:
            return _fixed(lines, sample, cut, name)
    layout: dict[str, Any] = {"format": "csv", "separator": found.separator or ","}
    if found.quote != '"':
        layout["quote"] = found.quote
    if found.multiline:
        layout["multiline"] = True
    rows, physical = _split(lines, found)
    grid = Grid("", rows, physical, layout, sample.lines, why=dict(found.why))
    grid.confidence["separator"] = found.consistency if found.separator else 0.6
    if sample.whole:
        grid.total = len(rows)
    return grid


def _split(lines: Sequence[str], found: dialect.Dialect) -> tuple[list[list[str]], list[int]]:
    """Split lines into cells; a line whose quotation marks do not close is left out, as intake sets it aside."""
    import csv

    separator = found.separator or ","
    rows: list[list[str]] = []
    physical: list[int] = []
    i = 0
    while i < len(lines) and len(rows) < MOST_ROWS * 2:
        whole, j = lines[i], i + 1
        if found.quote and found.quote in whole:
            while found.multiline and whole.count(found.quote) % 2 and j < len(lines) and j - i < 50:
                whole, j = whole + "\n" + lines[j], j + 1
            if whole.count(found.quote) % 2 and j > i + 1:
                whole, j = lines[i], i + 1
            try:
                cells = next(csv.reader([whole], delimiter=separator, quotechar=found.quote, strict=True), [""])
            except csv.Error:
                i = j
                continue
        else:
            cells = whole.split(separator)
        rows.append(cells)
        physical.append(i + 1)
        i = j
    return rows, physical


def _fixed(lines: Sequence[str], sample: Sample, cut: fixed.Widths, name: str) -> Grid:
    layout: dict[str, Any] = {"format": "fixed", "widths": list(cut.widths)}
    if cut.unit != "bytes":
        layout["width_unit"] = cut.unit
    rows = fixed.split(lines[:MOST_ROWS], cut, name)
    grid = Grid("", rows, list(range(1, len(rows) + 1)), layout, sample.lines, doubts=list(cut.doubts))
    grid.why["widths"], grid.confidence["widths"] = cut.why, cut.confidence
    return grid


def _json_lines(lines: Sequence[str], sample: Sample) -> Grid:
    objects, bad = [], 0
    for line in lines[:MOST_ROWS]:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        bad += not isinstance(value, dict)
        if isinstance(value, dict):
            objects.append(value)
    held: dict[str, int] = {}
    for value in objects:
        for key in value:
            held[key] = held.get(key, 0) + 1
    least = max(1, len(objects) // 200)  # as intake: a key that hardly any row holds is a broken key, no column
    names = [key for key, times in held.items() if times > least or len(objects) < 20]
    rows = [[_json_text(value.get(key)) for key in names] for value in objects]
    grid = Grid("", rows, list(range(1, len(rows) + 1)), {"format": "jsonl"}, sample.lines, names=tuple(names))
    grid.why["format"] = Said("每行一个 JSON 对象", "one JSON object a line")
    for key in sorted(set(held) - set(names)):
        grid.doubts.append(
            Said(
                f"键名“{key}”只在 {held[key]} 行出现，多半是写坏的；这些行读入时会放进隔离区。",
                f"The key “{key}” stands in {held[key]} rows alone, most likely damaged; intake sets those rows aside.",
            )
        )
    if bad:
        grid.doubts.append(Said(f"有 {bad} 行不是 JSON 对象。", f"{bad} lines are no JSON object."))
    return grid


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else cell_text(value)


def _binary(path: Path, kind: str, text: encoding.Encoding | None = None) -> list[Grid]:
    from commonground.intake.model import FORMATS

    if kind not in FORMATS:
        raise DeliveryError(
            Said(f"这是 {kind} 格式的文件，还不能读取。", f"This is a file of the format {kind}, which is not read."),
            where=str(path),
            todo=Said("请部门以 xlsx、csv 等格式交付。", "Ask the department for xlsx, csv or the like."),
        )
    layout: dict[str, Any] = {"format": kind}
    why: dict[str, Said] = {"format": Said(f"文件内容是 {kind} 格式", f"its content is {kind}")}
    confidence: dict[str, float] = {"format": 0.99}
    doubts: list[Said] = []
    if text is not None:
        layout["encoding"], why["encoding"], confidence["encoding"] = text.name, text.why, text.confidence
        doubts += text.doubts
    if kind == "dbf":
        name, said, sure, more = _dbf_encoding(path)
        layout["encoding"], why["encoding"], confidence["encoding"] = name, said, sure
        doubts += more
    out = []
    merged = _merged(path) if kind in ("xlsx", "xls", "xlsb", "ods") else {}
    for sheet in _sheets(path, layout):
        grid = Grid(
            sheet["name"],
            sheet["rows"],
            sheet["physical"],
            dict(layout),
            sheet["total"],
            names=sheet["names"],
            value_labels=sheet["labels"],
            labels=sheet["titles"],
            merged=merged.get(sheet["name"], ()),
            why=dict(why),
            confidence=dict(confidence),
            doubts=list(doubts),
        )
        if sheet["total"] > len(sheet["rows"]) + 1:
            kept = len(sheet["rows"])
            grid.why["rows"] = Said(f"看了前 {kept:,} 行", f"the first {kept:,} rows were looked at")
        out.append(grid)
    return out


def _sheets(path: Path, layout: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read by intake's own reader, parts of a sheet put together, up to ``MOST_ROWS`` of each."""
    from commonground.intake.model import Layout
    from commonground.intake.readers import read

    wanted = Layout(format=layout["format"], encoding=layout.get("encoding", ""))
    out: dict[str, dict[str, Any]] = {}
    for part in read(path, wanted):
        start = {"name": part.name, "rows": [], "physical": [], "total": 0, "names": part.names}
        here = out.setdefault(part.name, start | {"labels": part.labels, "titles": part.titles})
        here["total"] += part.total - sum(not bad.text for bad in part.bad)
        room = MOST_ROWS - len(here["rows"])
        if room > 0:
            rows, physical = _rows_of(part, room)
            here["rows"] += rows
            here["physical"] += physical
        elif (rows_said := _total(path, wanted.format)) is not None:
            here["total"] = rows_said
            break  # the file has one sheet and says its rows: there is no need to read on
    return list(out.values())


def _merged(path: Path) -> dict[str, list[tuple[int, int, int]]]:
    """Cells merged downwards, by sheet; none where the library cannot tell."""
    import python_calamine as calamine

    out: dict[str, list[tuple[int, int, int]]] = {}
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            for (top, left), (bottom, right) in book.get_sheet_by_name(name).merged_cell_ranges or ():
                if bottom > top:
                    out.setdefault(name, []).extend((column, top, bottom) for column in range(left, right + 1))
    except (calamine.CalamineError, OSError, ValueError):
        return {}
    return out


def _total(path: Path, kind: str) -> int | None:
    """Rows as the file's own summary says them; None for formats of several sheets, or that do not say it."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    if kind in ("sav", "dta", "sas7bdat"):
        import pyreadstat

        _, meta = getattr(pyreadstat, f"read_{kind}")(str(path), metadataonly=True)
        return None if meta.number_rows is None else int(meta.number_rows)
    return None


def _rows_of(part: Sheet, room: int) -> tuple[list[list[str]], list[int]]:
    """Give the first rows of a part, those that came by column turned into rows."""
    rows, physical = list(part.rows[:room]), list(part.physical[:room])
    if part.columns and part.places is not None and len(rows) < room:
        left = room - len(rows)
        cells = [column.slice(0, left).to_pylist() for column in part.columns]
        rows += [list(row) for row in zip(*cells, strict=True)]
        physical += [int(place) for place in part.places[:left]]
        order = sorted(range(len(rows)), key=physical.__getitem__)
        rows, physical = [rows[i] for i in order], [physical[i] for i in order]
    return rows, physical


def _dbf_encoding(path: Path) -> tuple[str, Said, float, tuple[Said, ...]]:
    """The header's code page byte, held against the bytes of the records."""
    with path.open("rb") as file:
        content = file.read(4 * 1024 * 1024)
    start = int.from_bytes(content[8:10], "little")
    body = content[start:].translate(None, b"\0")
    seen = encoding.detect(body)
    pages = {0x4D: "cp936", 0x7A: "cp936", 0x4F: "cp950", 0x78: "cp950", 0x03: "cp1252", 0x57: "cp1252"}
    page = pages.get(content[29], "")
    if page in ("cp936", "cp950"):
        try:
            body.decode(page)
        except UnicodeDecodeError:
            pass
        else:
            said = Said(
                f"文件头写明代码页 {page}，内容也可解码", f"its header says code page {page}, and it decodes so"
            )
            return page, said, 0.98, ()
    name = "gb18030" if seen.name in ("", "gb18030") or (seen.name == "utf-8" and seen.confidence < 0.95) else seen.name
    said = Said(f"文件头没有写代码页；{seen.why.zh}", f"its header names no code page; {seen.why.en}")
    return name, said, seen.confidence * 0.9, seen.doubts
