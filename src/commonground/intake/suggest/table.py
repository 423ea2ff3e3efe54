"""A grid to a profile: header and footer found, columns named and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from commonground.errors import Said
from commonground.intake.contract import clean_name
from commonground.intake.shape import _distinct as distinct_names
from commonground.intake.shape import _merge as merge_levels
from commonground.intake.suggest import footer, header
from commonground.intake.suggest.codebook import Codebook, Entry, codes_in
from commonground.intake.suggest.grids import Grid
from commonground.intake.suggest.model import MOST_SAMPLE, MOST_VALUES, ColumnProfile, SheetProfile

_FILL = 0.02  # so many rows shorter than the header are no accident


def is_blank(grid: Grid) -> bool:
    """Tell whether a sheet has no filled cell."""
    return not any(cell.strip() for row in grid.rows for cell in row)


def is_notes(grid: Grid) -> bool:
    """Tell whether a sheet or text holds words and no table: few cells, nearly all in one column."""
    if grid.names or (not grid.sheet and not _is_prose(grid)):
        return False
    filled = [[j for j, cell in enumerate(row) if cell.strip()] for row in grid.rows]
    rows = [cells for cells in filled if cells]
    alone = sum(len(cells) == 1 for cells in rows)
    return len(rows) < 200 and alone >= 0.8 * len(rows) and max(map(len, rows), default=0) <= 2


def _is_prose(grid: Grid) -> bool:
    """Tell text of sentences from a list in one column: lines of uneven length with punctuation."""
    lines = [row[0].strip() for row in grid.rows if row and row[0].strip()]
    if grid.layout.get("format") != "csv" or any(len(row) > 2 for row in grid.rows) or len(lines) > 200:
        return False
    return sum(bool(re.search("[。；，,:：！？.]", line)) for line in lines) >= 0.4 * len(lines)


def profile(grid: Grid, file: str, books: Sequence[Codebook] = ()) -> SheetProfile:
    """Profile one sheet that holds something."""
    layout, why, confidence, doubts = dict(grid.layout), dict(grid.why), dict(grid.confidence), list(grid.doubts)
    if grid.names:
        names, first = distinct_names([clean_name(name) for name in grid.names]), 0
        entries: list[Entry | None] = [None] * len(names)
    else:
        found = header.find(grid.rows)
        names, entries, first = _names(grid, found, books, layout, why, doubts)
        confidence["header_row"] = found.confidence
    ends = footer.find(grid.rows, names, first)
    if ends.rules:
        layout["non_data"] = ends.rules
        zh, en = "；".join(s.zh for s in ends.why), "; ".join(s.en for s in ends.why)
        why["non_data"] = Said(zh, en)
        confidence["non_data"] = 0.9
    doubts += ends.doubts
    _fill_merged(grid, names, first, ends.places, layout, why, doubts)
    rows = [row for i, row in enumerate(grid.rows) if i >= first and i not in ends.places and any(map(str.strip, row))]
    _short_rows(rows, len(names), layout, why, confidence, doubts)
    if not rows:
        doubts.append(Said("表头以下没有数据行。", "There is no row of data below the header."))
    columns = _columns(rows, names, grid, entries, books)
    seen = len(rows)
    total = max(seen, grid.total - (len(grid.rows) - seen))
    return SheetProfile(file, grid.sheet, total, columns, layout, why, confidence, tuple(doubts))


def _names(
    grid: Grid, found: header.Header, books: Sequence[Codebook], layout: dict[str, object], why: dict[str, Said],
    doubts: list[Said],
) -> tuple[list[str], list[Entry | None], int]:  # fmt: skip
    """Names of the columns: of the header, of a layout file where there is none, or made up."""
    doubts += found.doubts
    if found.levels:
        levels = [grid.physical[i] for i in found.levels]
        layout["header_row"] = levels[0] if len(levels) == 1 else levels
        why["header_row"] = found.why
        merged = merge_levels([grid.rows[i] for i in found.levels])
        while merged and not merged[-1]:
            merged.pop()
        names = distinct_names([name or f"#{i}" for i, name in enumerate(merged, 1)])
        return names, [None] * len(names), found.first
    lengths = Counter(len(row) for row in grid.rows[found.first :] if any(map(str.strip, row)))
    width = max(lengths, key=lambda length: (lengths[length], length), default=0)
    layout["header_row"] = 0
    for book in books:
        if len(book.entries) == width:
            names = distinct_names([clean_name(entry.name) for entry in book.entries])
            layout["columns"] = names
            why["header_row"] = found.why
            why["columns"] = Said(
                f"列名取自“{book.path.name}”，列数相同（{width}）",
                f"names from “{book.path.name}”, which lists as many columns ({width})",
            )
            return names, list(book.entries), found.first
    names = [f"第{i}列" for i in range(1, width + 1)]
    layout["columns"] = names
    why["header_row"] = found.why
    doubts.append(
        Said(
            "没有表头，也没有相符的字段说明；列名是临时起的，请按部门的说明改 columns。",
            "No header and no layout file that fits; the names are made up: mend columns by what the department says.",
        )
    )
    return names, [None] * width, found.first


def _fill_merged(
    grid: Grid,
    names: Sequence[str],
    first: int,
    aside: set[int],
    layout: dict[str, object],
    why: dict[str, Said],
    doubts: list[Said],
) -> None:
    """Carry down what stands in cells merged over rows of data, in columns whose blanks are all of that kind."""
    covered: dict[int, set[int]] = {}
    for column, top, bottom in grid.merged:
        if top >= first and column < len(names):
            covered.setdefault(column, set()).update(range(top + 1, bottom + 1))
    filled = []
    for column, inside in sorted(covered.items()):
        blank = {
            i
            for i, row in enumerate(grid.rows)
            if i >= first and i not in aside and any(map(str.strip, row)) and not row[column].strip()
        }
        if blank <= inside:
            filled.append(names[column])
            for i in sorted(blank):
                grid.rows[i][column] = grid.rows[i - 1][column]
        else:
            doubts.append(
                Said(
                    f"“{names[column]}”有合并的数据单元格，也有真正的空白；请部门取消合并，填满各行。",
                    f"“{names[column]}” has merged cells among the data and real blanks as well; ask the department to "
                    "unmerge them and fill every row.",
                )
            )
    if filled:
        layout["fill_down"] = filled
        why["fill_down"] = Said("数据中有上下合并的单元格，各行取上面一格的值", "cells merged over rows of data")


def _short_rows(
    rows: Sequence[Sequence[str]],
    width: int,
    layout: dict[str, object],
    why: dict[str, Said],
    confidence: dict[str, float],
    doubts: list[Said],
) -> None:
    """Tell an export that leaves out empty cells at the end of its rows from rows that were cut."""
    if layout.get("format") != "csv" or not rows:
        return
    short = sum(len(row) < width for row in rows)
    long = sum(len(row) > width and any(cell.strip() for cell in row[width:]) for row in rows)
    empty_end = sum(len(row) == width and not row[-1].strip() for row in rows)
    if short >= _FILL * len(rows) and empty_end * 20 < short:
        layout["short_rows"] = "fill"
        share = short / len(rows)
        why["short_rows"] = Said(
            f"{share:.1%} 的行比表头短，而没有一行以空格结尾：导出时省去了末尾的空单元格",
            f"{share:.1%} of rows are shorter than the header, none ends in an empty cell: the export drops these",
        )
        return
    sure = confidence.get("separator", 1.0)
    if sure < 0.9:
        doubts.append(
            Said(
                f"只有 {sure:.1%} 的行格数相同，请核对分隔符。",
                f"Only {sure:.1%} of lines have the same number of cells; check the separator.",
            )
        )
    if short:
        doubts.append(
            Said(f"有 {short} 行不完整，读入时会放进隔离区。", f"{short} rows are cut short; intake sets them aside.")
        )
    if long:
        doubts.append(
            Said(
                f"有 {long} 行的单元格多于表头，读入时会放进隔离区。",
                f"{long} rows have too many cells; intake sets them aside.",
            )
        )


def _columns(
    rows: Sequence[Sequence[str]],
    names: Sequence[str],
    grid: Grid,
    entries: Sequence[Entry | None],
    books: Sequence[Codebook],
) -> tuple[ColumnProfile, ...]:
    out = []
    for j, name in enumerate(names):
        cells = [row[j].strip() for row in rows if j < len(row)]
        column = count(name, j, len(rows), cells)
        entry = entries[j] or next((e for book in books if (e := book.of(name)) is not None), None)
        own = grid.names[j] if grid.names else name
        label = grid.labels.get(own, "")
        values = dict(grid.value_labels.get(own, {}))
        if entry is not None:
            label = label or entry.label
            values = values or dict(entry.codes)
        values = values or codes_in(name, column.values)
        out.append(replace(column, label=label, value_labels=values, kind=grid.types.get(own, "")))
    return tuple(out)


def count(name: str, position: int, rows: int, cells: Sequence[str]) -> ColumnProfile:
    """Count the texts of a column and draw its sample evenly."""
    filled = [cell for cell in cells if cell]
    seen = Counter(filled)
    values = tuple(sorted(seen.most_common(MOST_VALUES), key=lambda item: (-item[1], item[0])))
    step = max(1.0, len(filled) / MOST_SAMPLE)
    sample = tuple(filled[int(i * step)] for i in range(min(len(filled), MOST_SAMPLE)))
    return ColumnProfile(name, position, rows, len(filled), len(seen), values, sample)
