"""From a sheet as it stands to its data rows by column: header, blank rows, notes, totals and broken rows set apart."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commonground.errors import ContractError, DeliveryError, Said, did_you_mean
from commonground.intake.contract import clean_name
from commonground.intake.model import BadRow, Block, Layout, Sheet
from commonground.intake.texts import equals, is_ascii, lengths, matches, trimmed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_TOTAL = re.compile("[合小总共]\\s*计")  # nobody is called so; a row that says it and was not declared is no record
_REASONS = ("", "blank", "note", "total", "header")  # why a row is not data
_ODD = ("", "one_cell", "undeclared_total", "repeated_header")  # why a row looks as if it were not
_NARROW = 4  # with fewer columns a row of one cell is nothing strange


def shape(sheet: Sheet, layout: Layout, where: str, names: Sequence[str] = ()) -> Block:
    """Find the data rows of a sheet, or of one part of it.

    Parameters
    ----------
    where : str
        File and sheet, for messages.
    names : sequence of str
        Column names when an earlier part of the sheet held the header.

    Returns
    -------
    Block
        Row numbers count data rows of the part from 1: rows kept and rows set aside, in the order of the file.

    Raises
    ------
    DeliveryError
        No header where the contract says one is; or most rows do not fit the columns.
    """
    names, head = (list(names), 0) if names else column_names(sheet, layout, where)
    keep = [i for i, row in enumerate(sheet.physical) if row > head]
    rows = [sheet.rows[i] for i in keep]
    physical = [sheet.physical[i] for i in keep]
    rows, physical, bad, mended = _fit(rows, physical, names, layout)
    bad += [row for row in sheet.bad if row.physical > head]
    columns, places = _columns(rows, names), _int_array(physical)
    columns, places, more, cut = _with_columns(columns, places, sheet, names, layout)
    bad += more
    counts: Counter[str] = Counter({"header": head, "mended": mended + cut, "note": sheet.notes.get("deleted", 0)})
    counts["mended"] += sheet.notes.get("control_characters", 0)
    _check_rules(layout, names, where)
    kept, odd = _data_rows(columns, layout, counts)
    bad += [_bad_row(columns, places, i, reason) for i, reason in odd]
    if not sheet.more:
        check_mostly_broken(Counter(row.reason for row in bad), len(kept), where)
    chosen = columns if len(kept) == len(places) else {name: column.take(kept) for name, column in columns.items()}
    places = places[kept]
    numbers = _row_numbers(places, [row.physical for row in bad])
    return Block(sheet.name, chosen, places, numbers[0], tuple(zip(numbers[1], bad, strict=True)), dict(counts))


def check_mostly_broken(reasons: Counter[str], kept: int, where: str) -> None:
    """Refuse a sheet of which most rows cannot be read: it is the contract that is wrong, not the rows."""
    bad = reasons.total()
    if bad > 10 and bad > kept:
        raise _mostly_broken(reasons, kept + bad, where)


def column_names(sheet: Sheet, layout: Layout, where: str) -> tuple[list[str], int]:
    """Column names and the number of the last header row."""
    if sheet.names:
        return _distinct([clean_name(name) for name in sheet.names]), 0
    if layout.header_row == (0,):
        return _distinct(list(layout.columns)), 0
    by_place = dict(zip(sheet.physical, sheet.rows, strict=True))
    levels = [by_place.get(number) for number in layout.header_row]
    if any(level is None or not any(cell.strip() for cell in level) for level in levels):
        raise DeliveryError(
            Said("读取约定所写的表头行是空的。", "The header row that the contract names is empty."),
            where=where,
            why=Said(
                f"表头应在第 {'、'.join(map(str, layout.header_row))} 行。",
                f"The header should be in row {', '.join(map(str, layout.header_row))}.",
            ),
            todo=Said("请核对文件，改约定中的 header_row。", "Look at the file and mend header_row in the contract."),
        )
    merged = _merge([level for level in levels if level is not None])
    while merged and not merged[-1]:
        merged.pop()
    return _distinct([name or f"#{i}" for i, name in enumerate(merged, 1)]), layout.header_row[-1]


def _merge(levels: Sequence[list[str]]) -> list[str]:
    """Names of a header of several rows: upper cells run on to the right (they were merged), parts joined by "/"."""
    width = max(len(level) for level in levels)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, level in enumerate(levels):
        last = ""
        for i in range(width):
            cell = clean_name(level[i]) if i < len(level) else ""
            if depth < len(levels) - 1:
                last = cell or last
                cell = last
            if cell and cell not in parts[i]:
                parts[i].append(cell)
    return ["/".join(part) for part in parts]


def _distinct(names: list[str]) -> list[str]:
    """Give a second column of the same name the name with "#2"."""
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return out


def _fit(
    rows: list[list[str]], physical: list[int], names: list[str], layout: Layout
) -> tuple[list[list[str]], list[int], list[BadRow], int]:
    """Make every row as wide as the header; give those that cannot be, and how many ended in idle separators."""
    bad, mended, odd, width = [], 0, set(), len(names)
    for i, row in enumerate(rows):
        if len(row) == width:
            continue
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            rows[i] = row[:width]
            mended += layout.format == "csv"
        elif len(row) < width and (layout.short_rows == "fill" or _may_be_short(row, names, layout)):
            rows[i] = row + [""] * (width - len(row))
        else:
            reason = "too_few_cells" if len(row) < width else "too_many_cells"
            bad.append(BadRow(physical[i], reason, layout.separator.join(row)))
            odd.add(i)
    if odd:
        rows = [row for i, row in enumerate(rows) if i not in odd]
        physical = [place for i, place in enumerate(physical) if i not in odd]
    return rows, physical, bad, mended


def _may_be_short(row: list[str], names: list[str], layout: Layout) -> bool:
    """Blank rows, notes and totals of a text file need not have all cells."""
    cells = [cell.strip() for cell in row]
    first = next((cell for cell in cells if cell), None)
    if first is None:
        return True
    named = dict(zip(names, cells, strict=False))
    return any(
        rule.matches.fullmatch(named.get(rule.column, first if rule.column == "*" else "")) for rule in layout.non_data
    )


def _columns(rows: list[list[str]], names: list[str]) -> dict[str, pa.Array]:
    import pyarrow as pa

    cells = zip(*rows, strict=True) if rows else ([] for _ in names)
    return {name: trimmed(pa.array(column, pa.string())) for name, column in zip(names, cells, strict=True)}


def _with_columns(
    columns: dict[str, pa.Array], places: np.ndarray[Any, Any], sheet: Sheet, names: list[str], layout: Layout
) -> tuple[dict[str, pa.Array], np.ndarray[Any, Any], list[BadRow], int]:
    """Put the rows that came by column to those that came by row, in the order of the file.

    Cells beyond the header must be empty, as in ``_fit``; gives the rows where they are not, and how many were cut.
    """
    import numpy as np
    import pyarrow as pa

    if not sheet.columns or sheet.places is None:
        return columns, places, [], 0
    width, theirs = len(names), [column if sheet.trimmed else trimmed(column) for column in sheet.columns]
    over = np.zeros(len(sheet.places), bool)
    for column in theirs[width:]:
        over |= lengths(column) > 0
    wide = [(int(i), layout.separator.join(column[int(i)].as_py() for column in theirs)) for i in np.flatnonzero(over)]
    bad = [BadRow(int(sheet.places[i]), "too_many_cells", text) for i, text in wide]
    mended = int((~over).sum()) if len(theirs) > width and layout.format == "csv" else 0
    where = sheet.places
    if bad:
        theirs, where = [column.filter(pa.array(~over)) for column in theirs], where[~over]
    if not len(places):
        return dict(zip(names, theirs, strict=False)), where, bad, mended
    order = np.argsort(places, kind="stable")
    places = places[order]
    at = np.searchsorted(where, places).tolist()
    cuts = list(zip([0, *at], [*at, len(where)], strict=True))
    merged = {}
    for (name, mine), column in zip(columns.items(), theirs, strict=False):
        mine, pieces = mine.take(pa.array(order)), [column.slice(0, at[0])]
        for i, (start, stop) in enumerate(cuts[1:]):
            pieces += [mine.slice(i, 1), column.slice(start, stop - start)]
        merged[name] = pa.concat_arrays(pieces)
    return merged, np.insert(where, at, places), bad, mended


def _int_array(values: Sequence[int]) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.asarray(values, np.int64)


def _data_rows(
    columns: dict[str, pa.Array], layout: Layout, counts: Counter[str]
) -> tuple[np.ndarray[Any, Any], list[tuple[int, str]]]:
    """Positions of data rows, and of rows that look like a footnote or total nobody declared; counts the rest."""
    import numpy as np

    n = len(next(iter(columns.values()))) if columns else 0
    filled = np.zeros(n, np.int16)
    first = np.full(n, -1, np.int16)
    for i, column in enumerate(columns.values()):
        here = lengths(column) > 0
        first[(first < 0) & here] = i
        filled += here
    what = np.zeros(n, np.int8)  # 0: data; else a place in _REASONS
    what[filled == 0] = _REASONS.index("blank")
    for rule in layout.non_data:
        for i, (name, column) in enumerate(columns.items()):
            if rule.column == "*":
                rows = np.flatnonzero((first == i) & (what == 0))
            elif rule.column == name:
                rows = np.flatnonzero(what == 0)
            else:
                continue
            hit = matches(column if len(rows) == n else column.take(rows), rule.matches)
            what[rows[hit]] = _REASONS.index(rule.reason)
    odd = np.zeros(n, np.int8)  # a place in _ODD
    if len(columns) >= _NARROW:
        odd[filled == 1] = _ODD.index("one_cell")
    for column in columns.values():
        odd[_totals(column)] = _ODD.index("undeclared_total")
    odd[_repeats_header(columns, filled, first)] = _ODD.index("repeated_header")
    odd[what != 0] = 0
    for i, reason in enumerate(_REASONS[1:], 1):
        counts[reason] += int(np.count_nonzero(what == i))
    strange = np.flatnonzero(odd)
    return np.flatnonzero((what == 0) & (odd == 0)), [(int(i), _ODD[odd[i]]) for i in strange]


def _totals(column: pa.Array) -> np.ndarray[Any, Any]:
    """Rows whose cell says nothing but that it is a total."""
    import numpy as np
    import pyarrow.compute as pc

    if is_ascii(column):
        return np.array([], np.int64)
    near = np.flatnonzero(pc.ends_with(column, "计").to_numpy(zero_copy_only=False))
    return near[[_TOTAL.fullmatch(column[int(i)].as_py()) is not None for i in near]] if len(near) else near


def _repeats_header(
    columns: dict[str, pa.Array], filled: np.ndarray[Any, Any], first: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Find rows in which every filled cell, and at least two, say nothing but their column's name."""
    import numpy as np

    found = []
    for i, (name, column) in enumerate(columns.items()):
        rows = np.flatnonzero((first == i) & (filled >= 2))
        found.append(rows[equals(column if len(rows) == len(column) else column.take(rows), name, clean_name)])
    near = np.concatenate([np.array([], np.int64), *found])
    same = np.zeros(len(near), np.int16)
    for name, column in columns.items():
        same += equals(column.take(near), name, clean_name)
    out: np.ndarray[Any, Any] = near[same == filled[near]]
    return out


def _check_rules(layout: Layout, names: Sequence[str], where: str) -> None:
    """Refuse a rule for a column that the file lacks: its totals would become records.

    Of the file's names only those much like the rule's are shown: where header_row is wrong they are a person's data.
    """
    for rule in layout.non_data:
        if rule.column != "*" and rule.column not in names:
            near = difflib.get_close_matches(rule.column, names, n=3, cutoff=0.5)
            raise ContractError(
                Said(
                    f"non_data 用到的列“{rule.column}”不在文件里。",
                    f"The column “{rule.column}” of non_data is not in the file.",
                ),
                where=where,
                todo=did_you_mean(rule.column, near)
                if near
                else Said("请核对列名和 header_row。", "Check the column's name and header_row."),
            )


def _bad_row(columns: dict[str, pa.Array], physical: np.ndarray[Any, Any], i: int, reason: str) -> BadRow:
    text = "\t".join(column[i].as_py() for column in columns.values()).strip()
    return BadRow(int(physical[i]), reason, text)


def _row_numbers(kept: np.ndarray[Any, Any], bad: list[int]) -> tuple[np.ndarray[Any, Any], list[int]]:
    """Count the data rows from 1 in the order of the file."""
    import numpy as np

    places = np.concatenate([kept, np.asarray(bad, np.int64)])
    numbers = np.empty(len(places), np.int64)
    numbers[np.argsort(places, kind="stable")] = np.arange(1, len(places) + 1)
    return numbers[: len(kept)], numbers[len(kept) :].tolist()


def _mostly_broken(reasons: Counter[str], rows: int, where: str) -> DeliveryError:
    counted = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    bad = reasons.total()
    return DeliveryError(
        Said(f"{rows} 行中有 {bad} 行无法读取。", f"{bad} of {rows} rows cannot be read."),
        where=where,
        why=Said(
            f"分隔符、列数或表头与读取约定不符（{counted}）。",
            f"Separator, columns or header differ from the contract ({counted}).",
        ),
        todo=Said("请核对读取约定的 [[layout]]。", "Check [[layout]] in the contract."),
    )
