"""One delivered file to records: read, shape, recode; with its conservation sum."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.city import Settings
from commonground.errors import ConservationError, ContractError, DeliveryError, Said
from commonground.intake.columns import check_labels, match_columns, set_stray_rows_aside
from commonground.intake.convert import Setting
from commonground.intake.deliveries import Delivered, layouts_of, pick_layout
from commonground.intake.model import COUNTS, Block, Contract, DeliveryRule, Layout, Pack, Sheet
from commonground.intake.readers import read
from commonground.intake.recode import arrow_type, output_types, recode
from commonground.intake.shape import shape

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class FileResult:
    """Records and quarantine of one file (without the columns that are the same for all its rows), and its sums."""

    records: pa.Table
    quarantine: pa.Table
    sheets: tuple[dict[str, Any], ...]


def as_of(found: Delivered, contract: Contract) -> tuple[dt.date, DeliveryRule]:
    """Give the day that a delivery's data describe and the rule that says so.

    Raises
    ------
    ContractError
        The folder's name is no date and no ``[[delivery]]`` says the day.
    """
    rule = next((r for r in contract.deliveries if fnmatch.fnmatchcase(found.delivery, r.match)), DeliveryRule("*"))
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


def read_file(found: Delivered, content: bytes, contract: Contract, pack: Pack, settings: Settings) -> FileResult:
    """Read one file wholly.

    Raises
    ------
    DeliveryError, ContractError
        The file and the contract do not fit.
    ConservationError
        Rows of the file are not all accounted for.
    """
    import pyarrow as pa

    day, rule = as_of(found, contract)
    received = _delivered_on(found, day)
    setting = Setting(pack, settings, received.year, received.toordinal() - _EPOCH)
    first = pick_layout(found, contract)
    schema = file_schema(contract, pack)
    tables, quarantines, sums = [], [], []
    for sheet in read(found.path, content, first):
        where = f"{found.path}{f' [{sheet.name}]' if sheet.name else ''}"
        layout = _sheet_layout(found, sheet, contract, first, where)
        if layout is None:
            sums.append({"sheet": sheet.name, "status": "ignored", "encoding": "", **dict.fromkeys(COUNTS, 0)})
            continue
        if sheet.name and _blank(sheet):
            sums.append(_empty_sheet(sheet))
            continue
        block = shape(sheet, layout, where)
        if layout.format == "jsonl":
            block = set_stray_rows_aside(found, contract, block)
        constants = {**rule.constants, **layout.constants}
        table, quarantine = _records(found, block, sheet, layout, contract, constants, setting, schema, where)
        sums.append(account(sheet, block, table, quarantine, layout, where))
        tables.append(table)
        quarantines.append(quarantine)
    if not tables and any(one["status"] == "empty" for one in sums):
        raise _no_sheet(found)
    records = pa.concat_tables(tables) if tables else schema.empty_table()
    return FileResult(records, pa.concat_tables([quarantine_schema().empty_table(), *quarantines]), tuple(sums))


def _delivered_on(found: Delivered, day: dt.date) -> dt.date:
    try:
        return max(day, dt.date.fromisoformat(found.delivery[:10]))
    except ValueError:
        return day


def _sheet_layout(found: Delivered, sheet: Sheet, contract: Contract, first: Layout, where: str) -> Layout | None:
    """Give the layout of a sheet; None for one that the contract ignores."""
    for entry in contract.ignore:
        if (
            entry.sheets
            and fnmatch.fnmatchcase(found.file, entry.files)
            and fnmatch.fnmatchcase(sheet.name, entry.sheets)
        ):
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


def _blank(sheet: Sheet) -> bool:
    return not any(cell for row in sheet.rows for cell in row)


def _empty_sheet(sheet: Sheet) -> dict[str, Any]:
    """Account for a sheet of a workbook without a single filled cell: new workbooks come with some."""
    blank = {"rows": sheet.total, "non_data": sheet.total, "blank": sheet.total}
    return {"sheet": sheet.name, "status": "empty", "encoding": "", **dict.fromkeys(COUNTS, 0), **blank}


def _no_sheet(found: Delivered) -> DeliveryError:
    return DeliveryError(
        Said("工作簿里没有数据。", "The workbook holds no data."),
        where=str(found.path),
        why=Said(
            "各工作表都是空的，或读取约定声明不是数据。", "Its sheets are empty or no data, as the contract says."
        ),
        todo=Said("请部门重新交付。", "Ask the department to deliver it again."),
    )


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


def quarantine_schema() -> pa.Schema:
    """Columns of a file's quarantine."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    names = ("sheet", "row_number", "physical_row", "column", "concept", "reason", "text")
    return pa.schema([(name, number if name in ("row_number", "physical_row") else text) for name in names])


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
    found: Delivered,
    block: Block,
    sheet: Sheet,
    layout: Layout,
    contract: Contract,
    constants: Mapping[str, Any],
    setting: Setting,
    schema: pa.Schema,
    where: str,
) -> tuple[pa.Table, pa.Table]:
    import pyarrow as pa

    n = len(block.row_number)
    columns = dict(block.columns)
    columns |= {name: pa.array([text] * n, pa.string()) for name, text in _pseudo(found, sheet.name, layout).items()}
    pairs = match_columns(found, contract, columns, where)
    check_labels(pairs, sheet.labels, where)
    for rule, name in pairs:  # a column may be asked for by any of its names
        columns |= {alias: columns[name] for alias in rule.source}
    arrays: dict[str, pa.Array] = {
        "row_number": pa.array(block.row_number),
        "sheet": pa.array([block.sheet] * n, pa.string()),
    }
    parts = [_bad_rows(block)]
    for rule, name in pairs:
        done = recode(columns[name], rule, columns, setting, f"{where} {name}")
        for output, array in done.arrays.items():
            if output in arrays:
                raise _same_concept(output, name, contract)
            arrays[output] = array
        assert rule.concept is not None
        parts.append(_values(block, done.faulty, name, rule.concept.name, done.reasons, done.texts))
    for name, value in constants.items():
        arrays.setdefault(name, pa.array([value] * n, schema.field(name).type))
    _derive_birth(arrays, n)
    full = [arrays.get(field.name, pa.nulls(n, field.type)) for field in schema]
    return pa.Table.from_arrays(full, schema=schema), pa.concat_tables(parts)


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
    lists = [
        [block.sheet] * n,
        block.row_number[rows],
        block.physical[rows],
        [column] * n,
        [concept] * n,
        reasons,
        texts,
    ]
    schema = quarantine_schema()
    return pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(lists, schema, strict=True)], schema=schema)


def account(
    sheet: Sheet, block: Block, table: pa.Table, quarantine: pa.Table, layout: Layout, where: str
) -> dict[str, Any]:
    """Make the conservation sum of a sheet, against the number of rows that the reader counted apart."""
    counts = {name: block.counts.get(name, 0) for name in ("header", "blank", "note", "total", "mended")}
    non_data = counts["header"] + counts["blank"] + counts["note"] + counts["total"]
    out = {
        "sheet": sheet.name,
        "status": "read",
        "encoding": layout.encoding,
        "rows": sheet.total,
        "records": table.num_rows,
        "quarantined": len(block.bad),
        "non_data": non_data,
        **counts,
        "values_quarantined": quarantine.num_rows - len(block.bad),
    }
    accounted = table.num_rows + len(block.bad) + non_data
    if accounted != sheet.total:
        raise ConservationError(
            Said(
                f"文件有 {sheet.total} 行，只有 {accounted} 行有去处。",
                f"The file has {sheet.total} rows, {accounted} are accounted for.",
            ),
            where=where,
            why=Said(
                f"记录 {table.num_rows}，隔离 {len(block.bad)}，非数据 {non_data}。",
                f"Records {table.num_rows}, quarantined {len(block.bad)}, not data {non_data}.",
            ),
            todo=Said(
                "这可能是读取程序的错误，请连同读取约定一起报告。",
                "This may be a fault of the reader; please report it with the contract.",
            ),
        )
    return out


def _same_concept(name: str, column: str, contract: Contract) -> ContractError:
    return ContractError(
        Said(f"同一文件有两列都对应概念“{name}”。", f"Two columns of one file stand for the concept “{name}”."),
        where=f"{contract.path} [[column]] {column}",
        todo=Said(
            "请保留一列，另一列写 ignore 或换一个概念。", "Keep one; ignore the other or give it another concept."
        ),
    )
