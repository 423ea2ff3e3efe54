"""Reads a delivery's columns as they were written, also where the contract no longer fits the way of writing."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from commonground.errors import CommonGroundError
from commonground.intake.contract import clean_name
from commonground.intake.deliveries import Delivered, layouts_of, opened
from commonground.intake.model import TEXT_FORMATS, Contract, Layout, Sheet
from commonground.intake.readers import read
from commonground.intake.shape import shape

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 120_000
"""Rows of a delivery that are compared; of larger ones the first of each file."""
_ENCODINGS = ("utf-8-sig", "gb18030", "utf-16", "big5")
_SEPARATORS = (",", "\t", ";", "|")
_DEEPEST_HEADER = 12
_SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xls": "xls", ".ods": "ods", ".dbf": "dbf"}
_SUFFIXES |= {".sav": "sav", ".dta": "dta", ".jsonl": "jsonl", ".parquet": "parquet"}
_DIGITS = re.compile(r"\d{6}")


@dataclass
class RawSheet:
    """One sheet of a delivered file: its columns as text, and the layout that made sense of it."""

    found: Delivered
    sheet: str
    columns: pa.Table
    layout: Layout
    changed: dict[str, object] = field(default_factory=dict)


@dataclass
class RawDelivery:
    """A delivery's sheets; ``failed`` are files of which no way of reading made sense."""

    name: str
    sheets: list[RawSheet] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return sum(sheet.columns.num_rows for sheet in self.sheets)


def load(name: str, files: Sequence[Delivered], contract: Contract) -> RawDelivery:
    """Read the files of one delivery.

    Parameters
    ----------
    name : str
        The delivery's folder.
    files : sequence of Delivered
        Those that are to be read.
    """
    out = RawDelivery(name)
    known = {source for rule in contract.columns for source in rule.source}
    most = max(MOST_ROWS // max(len(files), 1), 2000)
    for found in files:
        with opened(found) as path:
            sheets = list(_sheets(dataclasses.replace(found, path=path, archive=None), contract, known, most))
        if not sheets:
            out.failed.append(found.file)
        out.sheets += sheets
    return out


def _sheets(found: Delivered, contract: Contract, known: set[str], most: int) -> Iterator[RawSheet]:
    """Read a file by its layout; where that makes no sense, by the nearest change of it that does."""
    best: list[RawSheet] = []
    plain: list[RawSheet] = []
    score = 0.0
    for changed, layout in _layouts(found, contract):
        sheets = _by_layout(found, layout, contract, most)
        for sheet in sheets:
            sheet.changed = dict(changed)
        hits = [_fit(sheet.columns.column_names, known) for sheet in sheets]
        fit = sum(hits) / len(hits) if hits else 0.0
        if fit > score + 0.1:
            best, score = sheets, fit
        if not changed:
            plain = [sheet for sheet in sheets if not any(_DIGITS.search(n) for n in sheet.columns.column_names)]
        if not changed and fit >= 0.5:
            break
    yield from best or plain


def _fit(names: Iterable[str], known: set[str]) -> float:
    """Share of a header's names that the contract knows; a row of data has none."""
    plain = list(names)
    if not plain or any(_DIGITS.search(name) for name in plain):
        return 0.0
    return sum(name in known for name in plain) / len(plain)


def _layouts(found: Delivered, contract: Contract) -> Iterator[tuple[dict[str, object], Layout]]:
    """Give the contract's layout of a file, then changes of it: encoding, separator, header row, format."""
    fitting = layouts_of(found, contract)
    bases: list[tuple[dict[str, object], Layout]] = [({}, layout) for layout in fitting[:1]]
    if not fitting:
        kind = _SUFFIXES.get(PurePath(found.file).suffix.lower())
        if kind is None or not contract.layouts:
            return
        of_kind = [layout for layout in contract.layouts if layout.format == kind]
        base = of_kind[0] if of_kind else dataclasses.replace(contract.layouts[0], format=kind)
        bases = [
            (
                {"format": kind, "files": f"*{PurePath(found.file).suffix}"},
                dataclasses.replace(base, files="*", sheets="*"),
            )
        ]
    for changed, base in bases:
        if changed and base.format in TEXT_FORMATS and not base.encoding:
            base = dataclasses.replace(base, encoding="utf-8-sig")
            changed = {**changed, "encoding": "utf-8-sig"}
        yield changed, base
        for told, other in _variations(base):
            yield {**changed, **told}, other


def _variations(base: Layout) -> Iterator[tuple[dict[str, object], Layout]]:
    """Give changes of a layout, the likeliest first, each with what was changed."""
    encodings = [base.encoding, *(e for e in _ENCODINGS if e != base.encoding)]
    marks = [base.separator, *(s for s in _SEPARATORS if s != base.separator)]
    if base.format not in (*TEXT_FORMATS, "dbf"):
        encodings = encodings[:1]
    if base.format != "csv":
        marks = marks[:1]
    for encoding in encodings:
        for mark in marks:
            told: dict[str, object] = {"encoding": encoding} if encoding != base.encoding else {}
            told |= {"separator": mark} if mark != base.separator else {}
            if told:
                yield told, dataclasses.replace(base, encoding=encoding, separator=mark)
    if base.format in ("csv", "xlsx", "xls", "ods", "xlsb") and base.header_row != (0,):
        for number in range(1, _DEEPEST_HEADER + 1):
            if (number,) != base.header_row:
                yield {"header_row": number}, dataclasses.replace(base, header_row=(number,))


def _by_layout(found: Delivered, layout: Layout, contract: Contract, most: int) -> list[RawSheet]:
    """Read the sheets of a file by one layout; none where it does not fit."""
    import pyarrow as pa

    parts: dict[str, list[pa.Table]] = {}
    names: tuple[str, ...] = ()
    left = most
    try:
        for sheet in read(found.path, layout):
            if not names and _empty(sheet):
                continue
            if any(e.sheets and fnmatch.fnmatchcase(sheet.name, e.sheets) for e in contract.ignore):
                continue
            here = _of_sheet(found, sheet, layout, contract)
            block = shape(sheet, here, "", names)
            names = tuple(block.columns) if sheet.more else ()
            table = pa.table({clean_name(name): _text(column) for name, column in block.columns.items()})
            parts.setdefault(sheet.name, []).append(table.slice(0, left))
            left -= min(table.num_rows, left)
            if left <= 0:
                break
    except (CommonGroundError, UnicodeError):
        return []
    tables = {name: pa.concat_tables(tables, promote_options="default") for name, tables in parts.items()}
    return [RawSheet(found, name, table, layout) for name, table in tables.items() if table.num_columns]


def _of_sheet(found: Delivered, sheet: Sheet, layout: Layout, contract: Contract) -> Layout:
    """Give the layout that the contract has for a sheet, where the file's own is the contract's too."""
    if not sheet.name or layout not in contract.layouts:
        return layout
    fitting = [one for one in layouts_of(found, contract) if one.format == layout.format]
    return next((one for one in fitting if fnmatch.fnmatchcase(sheet.name, one.sheets)), layout)


def _text(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.cast(pa.string())


def _empty(sheet: Sheet) -> bool:
    return not sheet.columns and not any(cell for row in sheet.rows for cell in row)
