"""One delivered file to records: read, shape, recode part by part; with its conservation sum."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import Settings
from commonground.errors import ContractError, DeliveryError, Said, did_you_mean
from commonground.intake.columns import check_labels, match_columns, set_stray_rows_aside
from commonground.intake.convert import Setting
from commonground.intake.deliveries import Delivered, layouts_of, pick_layout
from commonground.intake.fill_down import fill_down
from commonground.intake.ids import Suspects
from commonground.intake.model import Block, Contract, DeliveryRule, Layout, Limits, Pack, Sheet
from commonground.intake.readers import read
from commonground.intake.recode import Share, arrow_type, output_types, recode
from commonground.intake.returns.replaced import matches
from commonground.intake.shape import shape
from commonground.intake.store import quarantine_schema, same

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = dt.date(1970, 1, 1).toordinal()
NOTHING: Mapping[tuple[str, str], bool] = {}
Keep = Callable[[int, "pa.Table", "pa.Table"], None]
"""Takes a part's number, records and quarantine (without the columns that are the same for all rows of the file)."""


@dataclass(frozen=True)
class Reading:
    """All that reading one file needs to know; the same for each of its parts."""

    found: Delivered
    contract: Contract
    layout: Layout
    constants: Mapping[str, Any]
    setting: Setting
    limits: Limits
    schema: pa.Schema
    path: Path

    def where(self, sheet: str) -> str:
        """File and sheet, for messages."""
        return f"{self.found.path}{f' [{sheet}]' if sheet else ''}"


@dataclass
class Outcome:
    """What one part of a file gave beside its records: sums alone, small enough to go between processes.

    Attributes
    ----------
    shares : list
        Of each column how many values lie outside the code list, which only all parts together can judge.
    suspects : mapping
        Column of identity numbers → what this part shows of a spreadsheet that cut them; where all parts together show
        something else, this one must be read again.
    """

    number: int
    sheet: str
    status: str
    total: int = 0
    encoding: str = ""
    records: int = 0
    aside: int = 0
    bad: int = 0
    more: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    shares: list[Share] = field(default_factory=list)
    suspects: dict[str, Suspects] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def decided_otherwise(self, cut: Mapping[tuple[str, str], bool]) -> bool:
        """Tell whether a column of this part was judged otherwise than all parts together show."""
        mine = ((self.suspects.get(name), is_cut) for (sheet, name), is_cut in cut.items() if sheet == self.sheet)
        return any(one is not None and one.ending > 0 and one.cut != is_cut for one, is_cut in mine)


def prepare(
    found: Delivered, contract: Contract, pack: Pack, settings: Settings, limits: Limits, path: Path | None = None
) -> Reading:
    """Find what holds for a file.

    Parameters
    ----------
    path : Path, optional
        Where its content is, if not where it was delivered: a file in an archive is unpacked first.

    Raises
    ------
    DeliveryError, ContractError
        No layout takes the file; nothing says which day it describes.
    """
    day, rule = as_of(found, contract)
    received = _delivered_on(found, day)
    setting = Setting(pack, settings, received.year, received.toordinal() - _EPOCH, as_of=day)
    layout = pick_layout(found, contract)
    return Reading(
        found, contract, layout, rule.constants, setting, limits, file_schema(contract, pack), path or found.path
    )


def read_parts(reading: Reading, keep: Keep, cut: Mapping[tuple[str, str], bool] = NOTHING) -> Iterator[Outcome]:
    """Read one file from its beginning to its end, handing on its parts.

    Parameters
    ----------
    cut : mapping
        Sheet and column of identity numbers → whether a spreadsheet cut them, as all parts together have shown.

    Raises
    ------
    DeliveryError, ContractError
        The file and the contract do not fit.
    """
    names: tuple[str, ...] = ()
    seen: set[str] = set()
    for number, sheet in enumerate(read(reading.path, reading.layout, reading.limits)):
        outcome = take_part(reading, number, sheet, names, keep, cut)
        names = outcome.names if sheet.more else ()
        seen.add(sheet.name)
        yield outcome
    _check_sheets(reading, seen)


def _check_sheets(reading: Reading, seen: set[str]) -> None:
    """Refuse a workbook without a sheet that a layout names outright: whoever named it counted on it."""
    for layout in layouts_of(reading.found, reading.contract):
        outright = not set(layout.sheets) & set("*?[")
        if outright and layout.format == reading.layout.format and layout.sheets not in seen:
            raise DeliveryError(
                Said(f"文件里没有工作表“{layout.sheets}”。", f"The file has no sheet “{layout.sheets}”."),
                where=str(reading.found.path),
                why=Said("读取约定的 [[layout]] 写明了它。", "A [[layout]] of the contract names it."),
                todo=did_you_mean(layout.sheets, seen),
            )


def take_part(
    reading: Reading, number: int, sheet: Sheet, names: Sequence[str], keep: Keep, cut: Mapping[tuple[str, str], bool]
) -> Outcome:
    """Shape and recode one sheet or part of a sheet.

    Parameters
    ----------
    names : sequence of str
        Column names, when an earlier part of the sheet told them.
    """
    where = reading.where(sheet.name)
    layout = _sheet_layout(reading, sheet, where)
    if layout is None:
        return Outcome(number, sheet.name, "ignored", more=sheet.more)
    if sheet.name and not names and not sheet.more and _blank(sheet):
        blank = {"blank": sheet.total}
        return Outcome(number, sheet.name, "empty", sheet.total, counts=blank)
    block = shape(sheet, layout, where, names)
    block = fill_down(block, layout, where)
    told = tuple(block.columns)
    if sheet.rare:
        block = set_stray_rows_aside(reading.found, reading.contract, block, sheet.rare)
    table, quarantine, outcome = _records(reading, block, sheet, layout, where, cut)
    outcome.number, outcome.names = number, told
    keep(number, table, quarantine)
    return outcome


def as_of(found: Delivered, contract: Contract) -> tuple[dt.date, DeliveryRule]:
    """Give the day that a delivery's data describe and the rule that says so.

    Raises
    ------
    ContractError
        The folder's name is no date and no ``[[delivery]]`` says the day.
    """
    rule = next((r for r in contract.deliveries if matches(found.delivery, r.match)), DeliveryRule("*"))
    if rule.as_of is not None:
        return rule.as_of, rule
    try:
        return dt.date.fromisoformat(found.delivery[:10]), rule
    except ValueError:
        raise ContractError(
            Said(
                f"不知道交付“{found.delivery}”的统计时点。",
                f"Nothing says which day the delivery “{found.delivery}” describes.",
            ),
            where=str(contract.path),
            todo=Said("请写 [[delivery]] match 与 as_of。", "Write [[delivery]] with match and as_of."),
        ) from None


def _delivered_on(found: Delivered, day: dt.date) -> dt.date:
    try:
        return max(day, dt.date.fromisoformat(found.delivery[:10]))
    except ValueError:
        return day


def _sheet_layout(reading: Reading, sheet: Sheet, where: str) -> Layout | None:
    """Give the layout of a sheet; None for one that the contract ignores."""
    found, contract, first = reading.found, reading.contract, reading.layout
    for entry in contract.ignore:
        if entry.sheets and fnmatch.fnmatchcase(found.file, entry.files) and _names_sheet(entry.sheets, sheet.name):
            return None
    for layout in layouts_of(found, contract):
        if layout.format == first.format and fnmatch.fnmatchcase(sheet.name, layout.sheets):
            return layout
    if _blank(sheet):
        return first
    raise DeliveryError(
        Said(
            f"读取约定没有说明工作表“{sheet.name}”怎样读。",
            f"The contract does not say how to read the sheet “{sheet.name}”.",
        ),
        where=where,
        todo=Said(
            "请加 [[layout]] 并写 sheets；如果不是数据，列入 [dataset] ignore。",
            "Add a [[layout]] with sheets; if it is no data, list it under ignore of [dataset].",
        ),
    )


def _names_sheet(glob: str, name: str) -> bool:
    """Tell whether a glob names a sheet; "!xueji" names all but that one, as a dump may have hundreds of tables."""
    if glob.startswith("!"):
        return not fnmatch.fnmatchcase(name, glob[1:])
    return fnmatch.fnmatchcase(name, glob)


def _blank(sheet: Sheet) -> bool:
    return not sheet.columns and not any(cell for row in sheet.rows for cell in row)


def file_schema(contract: Contract, pack: Pack) -> pa.Schema:
    """Columns that every file of a dataset gives, whether the file holds them or not."""
    import pyarrow as pa

    fields = {"sheet": pa.string(), "row_number": pa.int64()}
    for rule in contract.columns:
        fields |= output_types(rule)
    constants: list[str] = [name for rule in contract.deliveries for name in rule.constants]
    constants += [name for layout in contract.layouts for name in layout.constants]
    for name in constants:
        fields.setdefault(name, arrow_type(pack.concepts[name]))
    if "birth_year" in fields and "birth" not in fields:
        fields |= {"birth": pa.date32(), "birth_precision": pa.string()}
    return pa.schema(list(fields.items()))


def _pseudo(found: Delivered, sheet: str, layout: Layout) -> dict[str, str]:
    """Columns that the file's name, sheet and delivery give: ``@file``, ``@sheet``, ``@delivery``, named groups."""
    out = {"@file": found.file, "@sheet": sheet, "@delivery": found.delivery}
    match = layout.file_pattern.search(found.file) if layout.file_pattern else None
    if match:
        out |= {f"@{name}": text or "" for name, text in match.groupdict().items()}
    elif layout.file_pattern:
        raise DeliveryError(
            Said(f"文件名“{found.file}”不符合 file_pattern。", f"The name “{found.file}” does not fit file_pattern."),
            where=str(found.path),
            todo=Said(
                "请核对文件名，或改读取约定中的 file_pattern。", "Check the name, or mend file_pattern in the contract."
            ),
        )
    return out


def _records(
    reading: Reading, block: Block, sheet: Sheet, layout: Layout, where: str, cut: Mapping[tuple[str, str], bool]
) -> tuple[pa.Table, pa.Table, Outcome]:
    import numpy as np
    import pyarrow as pa

    n, found, contract = len(block.row_number), reading.found, reading.contract
    columns = dict(block.columns)
    columns |= {name: same(text, n) for name, text in _pseudo(found, sheet.name, layout).items()}
    pairs = match_columns(found, contract, columns, where)
    check_labels(pairs, sheet.labels, where)
    for rule, name in pairs:  # a column may be asked for by any of its names
        columns |= {alias: columns[name] for alias in rule.source}
    arrays: dict[str, pa.Array] = {"row_number": pa.array(block.row_number), "sheet": same(block.sheet, n)}
    parts = [_bad_rows(block)]
    reasons = Counter(bad.reason for _, bad in block.bad)
    out = Outcome(0, sheet.name, "read", sheet.total, layout.encoding, n, bad=len(block.bad), more=sheet.more)
    out.counts, out.notes, out.reasons = block.counts, sheet.notes, reasons
    for rule, name in pairs:
        done = recode(columns[name], rule, columns, reading.setting, f"{where} {name}", cut=cut.get((sheet.name, name)))
        for output, array in done.arrays.items():
            if output in arrays:
                raise _same_concept(output, name, contract)
            arrays[output] = array
        assert rule.concept is not None
        parts.append(_values(block, done.faulty, name, rule.concept.name, done.reasons, done.texts))
        if done.suspects is not None:
            out.suspects[name] = done.suspects
        if done.share is not None:
            out.shares.append(done.share)
    for name, value in {**reading.constants, **layout.constants}.items():
        arrays.setdefault(name, pa.repeat(pa.scalar(value, reading.schema.field(name).type), n))
    _derive_birth(arrays, n)
    full = {field.name: arrays.get(field.name, pa.nulls(n, field.type)) for field in reading.schema}
    quarantine = pa.concat_tables(parts)
    # by row, so that the order does not depend on where the file was cut into parts
    quarantine = quarantine.take(np.argsort(quarantine["row_number"].to_numpy(), kind="stable"))
    out.aside = quarantine.num_rows
    return pa.table(full), quarantine, out


def _derive_birth(arrays: dict[str, pa.Array], n: int) -> None:
    """Give ``birth`` to the month or year where a source asks for those alone (a census does)."""
    import numpy as np
    import pyarrow as pa

    if "birth" in arrays or "birth_year" not in arrays:
        return
    year = arrays["birth_year"].to_numpy(zero_copy_only=False).astype(float)
    month = arrays.get("birth_month", pa.nulls(n, pa.int64())).to_numpy(zero_copy_only=False).astype(float)
    known, to_month = ~np.isnan(year), ~np.isnan(month)
    first = (np.where(known, year, 1970).astype(int) - 1970) * 12 + np.where(to_month, month, 1).astype(int) - 1
    days = first.astype("datetime64[M]").astype("datetime64[D]")
    precision = np.where(to_month, "month", "year").astype(object)
    arrays["birth"] = pa.array(days, mask=~known).cast(pa.date32())
    arrays["birth_precision"] = pa.array(precision, pa.string(), mask=~known)


def _bad_rows(block: Block) -> pa.Table:
    import pyarrow as pa

    rows = [
        (block.sheet, number, bad.physical, "", "", bad.reason, bad.text)
        for number, bad in sorted(block.bad, key=lambda one: one[0])
    ]
    lists: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in quarantine_schema()]
    schema = quarantine_schema()
    return pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(lists, schema, strict=True)], schema=schema)


def _values(block: Block, rows: Any, column: str, concept: str, reasons: list[str], texts: list[str]) -> pa.Table:
    import pyarrow as pa

    n = len(rows)
    schema = quarantine_schema()
    if not n:
        return schema.empty_table()
    places = [block.row_number[rows], block.physical[rows]]
    lists = [same(block.sheet, n), *places, same(column, n), same(concept, n), reasons, texts]
    return pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(lists, schema, strict=True)], schema=schema)


def _same_concept(name: str, column: str, contract: Contract) -> ContractError:
    return ContractError(
        Said(f"同一文件有两列都对应概念“{name}”。", f"Two columns of one file stand for the concept “{name}”."),
        where=f"{contract.path} [[column]] {column}",
        todo=Said(
            "请保留一列，另一列写 ignore 或换一个概念。", "Keep one; ignore the other or give it another concept."
        ),
    )
