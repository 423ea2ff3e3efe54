"""What stands on a return sheet: lines of cells as text, so that the sheet that comes back can be held against it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.intake.model import ColumnRule, Contract
from commonground.intake.returns.book import both
from commonground.intake.returns.faults import order
from commonground.intake.returns.model import Item
from commonground.intake.returns.words import choice, todo, what

if TYPE_CHECKING:
    from commonground.city import City

LINES = 10_000
"""Items on one sheet: more than any office mends before the next; the rest follow on the next sheet."""
PLACES = 10_000
"""Rows of grouped items that are listed one by one."""
NAMED = 8
"""Row numbers named in an item's own line."""
CODES = 400
"""Codes offered in a list; a longer list is typed."""
LONGEST = 1000
"""Characters of a text that a cell shows: a row in one piece may be much longer, and nobody reads that in a cell."""
_NO_CELL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
BEGINNING = 40
"""Characters of a whole row that a cell shows: enough to find it by; the rest is data about somebody."""
DAYS = 90
"""Days until a sheet is to be destroyed, unless said otherwise."""


@dataclass(frozen=True)
class Line:
    """One line to be filled in: an item, or one row of an item.

    Attributes
    ----------
    number : int
        The item's number.
    row : int
        The physical row; 0 in the line of the item itself.
    cells : tuple of str
        The locked cells, as they are shown.
    decisions : tuple of str
        What may be decided.
    codes : str
        Name of the list of codes offered, or "".
    hint : str
        What to do, shown while a cell is filled in.
    """

    number: int
    row: int
    cells: tuple[str, ...]
    decisions: tuple[str, ...] = ()
    codes: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Content:
    """A whole return sheet, before it is drawn.

    Attributes
    ----------
    identity : str
        Number of the sheet, computed from all that is on it.
    lines, places : tuple of Line
        The items, and the rows of items that are about several.
    summary : tuple of tuple
        File, sheet, column, what is wrong, what to do (both languages), items, rows, rows of the sheet.
    codes : dict
        Column → texts that its cells may hold.
    unlisted : int
        Open items that found no room.
    """

    city: Said
    department: str
    dataset: str
    delivery: str
    title: Said
    made_on: dt.date
    destroy_by: dt.date
    lines: tuple[Line, ...]
    places: tuple[Line, ...]
    summary: tuple[tuple[Any, ...], ...]
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unlisted: int = 0
    identity: str = ""

    @property
    def subject(self) -> str:
        """The delivery, as the ledger names it."""
        return f"{self.department}/{self.dataset}/{self.delivery}"


def make_content(
    city: City, contract: Contract, delivery: str, items: Sequence[Item], made_on: dt.date, destroy_by: dt.date
) -> Content:
    """Lay out the unsettled items of one delivery."""
    # where there are too many, those that never stood on a sheet come first, so that the next one holds the rest
    waiting = sorted(items, key=lambda item: (len(item.sheets), item.number))[:LINES]
    shown = sorted(waiting, key=lambda item: order(item.fault))
    codes = {}
    for item in shown:
        listed = _codes(_rule(contract, item.fault.column, item.fault.concept), city)
        if item.fault.scope in ("value", "group") and listed:
            codes[item.fault.column] = listed
    lines = tuple(_line(item, item.fault.column if item.fault.column in codes else "") for item in shown)
    places: list[Line] = []
    for item in shown:
        if item.fault.scope == "group" and item.fault.count > 1 and len(places) + item.fault.count <= PLACES:
            places += _places(item, item.fault.column if item.fault.column in codes else "")
    content = Content(
        city=city.settings.name,
        department=contract.department,
        dataset=contract.dataset,
        delivery=delivery,
        title=contract.title,
        made_on=made_on,
        destroy_by=destroy_by,
        lines=lines,
        places=tuple(places),
        summary=_summary(items),
        codes=codes,
        unlisted=len(items) - len(shown),
    )
    said = json.dumps(
        [city.settings.area_code, content.subject, str(made_on), str(destroy_by)]
        + [[line.number, line.row, *line.cells] for line in (*lines, *places)],
        ensure_ascii=False,
    )
    digest = hashlib.sha256(said.encode()).hexdigest()[:12].upper()
    return replace(content, identity=f"R{made_on:%Y%m%d}-{digest}")


def shown(text: str, longest: int = LONGEST) -> str:
    """Give a text as a cell can hold it and give it back: no carriage returns or control characters, no book."""
    plain = _NO_CELL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return plain if len(plain) <= longest else f"{plain[:longest]} …（{len(text):,} 字 characters）"


def place(file: str, sheet: str) -> str:
    """Name file and sheet in one cell."""
    return f"{file}\n[{sheet}]" if sheet else file


def column_said(column: str) -> str:
    """Name a column; what intake takes from the name of the file, sheet or delivery is no column to a department."""
    if column == "@sheet":
        return "（工作表名）\n(the sheet's name)"
    return "（文件名）\n(the file's name)" if column.startswith("@") else column


def number(item: Item) -> str:
    """Write an item's number as the sheet shows it."""
    return f"{item.number:05d}"


def rows_said(item: Item) -> str:
    """Name the physical rows of an item, the first few of many."""
    rows = item.fault.rows
    if item.fault.scope == "column":
        return f"全列，例如 e.g. {'、'.join(map(str, rows[:3]))}"
    said = "、".join(map(str, rows[:NAMED])) + (" …" if len(rows) > NAMED else "")
    return f"表头下第 {said} 条\nrecord {said}" if item.fault.by_number else said


def _line(item: Item, codes: str) -> Line:
    fault = item.fault
    cells = (
        number(item),
        place(fault.file, fault.sheet),
        rows_said(item),
        column_said(fault.column),
        fault.mark,
        both(what(fault.reason)),
        str(fault.count),
        shown(fault.text, BEGINNING) if fault.scope == "row" else fault.text,
    )
    usual = ("correct", "as_is", "no_value") if fault.scope in ("value", "group") else ("new_file", "as_is")
    hint = both(todo(fault.reason, fault.scope))
    return Line(item.number, 0, tuple(map(shown, cells)), tuple(choice(key) for key in usual), codes, hint)


def _places(item: Item, codes: str) -> list[Line]:
    fault = item.fault
    where, text = shown(place(fault.file, fault.sheet)), shown(fault.text)
    named = "第{}条 record {}" if fault.by_number else "{}"
    return [
        Line(
            item.number,
            row,
            (number(item), where, named.format(row, row), shown(column_said(fault.column)), text),
            (),
            codes,
        )
        for row in fault.rows
    ]


def _summary(items: Sequence[Item]) -> tuple[tuple[Any, ...], ...]:
    sums: dict[tuple[str, str, str, str, Said], list[int]] = {}
    for item in items:
        fault = item.fault
        reason = fault.reason.partition(":")[0] if fault.scope in ("value", "group", "column", "row") else fault.reason
        key = (fault.file, fault.sheet, fault.column, reason, todo(fault.reason, fault.scope))
        here = sums.setdefault(key, [0, 0, fault.of])
        here[0] += 1
        here[1] += fault.count
    ordered = sorted(sums.items(), key=lambda one: one[0][:4])
    return tuple((*key[:2], column_said(key[2]), what(key[3]), key[4], *numbers) for key, numbers in ordered)


def _rule(contract: Contract, column: str, concept: str) -> ColumnRule | None:
    found = (r for r in contract.columns if column in r.source and r.concept is not None and r.concept.name == concept)
    return next(found, None)


def _codes(rule: ColumnRule | None, city: City) -> tuple[str, ...]:
    """Give the texts that a coded column takes, in the department's own writing where the contract tells it."""
    if rule is None or rule.concept is None:
        return ()
    concept = rule.concept
    if rule.values.codes:
        listed = tuple(rule.values.codes)
    elif concept.type == "boolean":
        listed = ("是", "否")
    elif concept.type == "area":
        listed = tuple(area.zh for area in city.settings.counties)
    elif concept.type == "code" and concept.codes is not None:
        names = concept.codes
        listed = tuple(s.zh if names.canonical(s.zh) == code else code for code, s in names.labels.items())
    else:
        listed = ()
    return listed if len(listed) <= CODES else ()
