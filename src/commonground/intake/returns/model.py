"""The nouns of the return sheet: a fault as intake finds it, and the item that follows it until it is settled."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from commonground.errors import Said

SCOPES = {
    "value": Said("单个值", "a value"),
    "group": Said("相同原文的多行", "rows with the same text"),
    "column": Said("整列", "a whole column"),
    "row": Said("整行", "a whole row"),
    "file": Said("整个文件", "a whole file"),
    "delivery": Said("整次交付", "a whole delivery"),
}
"""What an item is about, from the smallest to the largest."""

STATES = {
    "open": Said("待退回", "open"),
    "sent": Said("已退回", "sent"),
    "closed": Said("已销号", "closed"),
    "accepted": Said("部门确认属实", "accepted as delivered"),
}
"""Where an item stands; ``closed`` and ``accepted`` are settled."""

VIA = {
    "sheet": Said("核对单更正", "corrected on the return sheet"),
    "file": Said("更正文件中已改好", "right in the corrected file"),
    "gone": Said("更正文件中已无此行", "the row is gone from the corrected file"),
    "later": Said("以后的交付中已改好", "right in a later delivery"),
    "contract": Said("按现行读取约定已无此问题", "no fault under the contract as it is now"),
    "hand": Said("人工销号", "closed by hand"),
    "as_is": Said("部门确认属实", "right as delivered, says the department"),
    "same": Said("并入同一问题的另一项", "the same as another item"),
    "listed": Said("已改为逐行列出", "now listed row by row"),
}
"""How an item was settled."""

MANY = 500
"""More items of one kind in one column of one sheet are a fault of the column: nobody mends them one by one."""
ROWS = 50_000
"""More rows with one fault are a fault of the column, even where one answer would serve for all."""
REEXPORT = {"id_as_number": 50}
"""Faults that a department mends by exporting again; so many of them make a fault of the column."""
SAME = 20
"""So many rows with the same text are one item even where the column is a number, a day or somebody's own."""
KEPT = 20
"""Rows that an item about a whole column names as examples."""

READ_AS = "读作 read as "
"""Stands before a value that is shown as it was read, because how it was written is not kept."""


@dataclass(frozen=True)
class Fault:
    """One thing to be mended in one delivered file, with its place as the department sees it.

    Attributes
    ----------
    scope : str
        Of ``SCOPES``.
    rows, numbers : tuple of int
        Physical rows, and row numbers counted from 1 below the header; of a whole column the first few.
    count : int
        Rows that it is about.
    of : int
        Data rows of the sheet.
    text : str
        As delivered; "" where it is about no text.
    mark : str
        What the department can find the row by: its own number and name in the row.
    sha256 : str
        Of the file.
    by_number : bool
        ``rows`` are row numbers too, because nobody knows where exactly the rows stand (blank rows, notes between).
    """

    scope: str
    department: str
    dataset: str
    delivery: str
    file: str
    sheet: str
    column: str
    concept: str
    reason: str
    text: str = ""
    rows: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    count: int = 0
    of: int = 0
    mark: str = ""
    sha256: str = ""
    by_number: bool = False

    @property
    def name(self) -> str:
        """Department and dataset, as tables are named."""
        return f"{self.department}.{self.dataset}"

    @property
    def key(self) -> str:
        """What makes it the same fault in another run: its place; of groups also the text, of columns the reason.

        A value that was mended wrongly may have another reason, and is the same fault still.
        """
        place: list[str] = [self.delivery, self.file, self.sheet, self.column]
        more: dict[str, list[str]] = {
            "value": [str(n) for n in self.rows],
            "group": [self.text],
            "row": [str(n) for n in self.rows],
        }
        parts = [self.scope, self.name, *place, *more.get(self.scope, [self.reason])]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Item:
    """A fault followed from the first time it was seen until it is settled.

    Attributes
    ----------
    number : int
        Counted from 1 within the dataset; never given twice.
    state, via : str
        Of ``STATES`` and, once settled, of ``VIA``.
    since : str
        The day when it was first seen.
    sheets : tuple of str
        Return sheets that it stood on.
    history : tuple of dict
        What happened: ``at``, ``by``, ``what``, ``note``.
    key : str
        The fault's; kept when the fault moves to a later delivery, where it becomes that delivery's.
    """

    number: int
    fault: Fault
    state: str = "open"
    via: str = ""
    since: str = ""
    sheets: tuple[str, ...] = ()
    history: tuple[dict[str, str], ...] = ()
    key: str = field(default="")

    @property
    def settled(self) -> bool:
        """Tell whether nothing more is asked of the department."""
        return self.state in ("closed", "accepted")

    def told(self, at: str, by: str, what: str, note: str = "", **changes: Any) -> Item:
        """Give the item with one more event and other changes."""
        event = {"at": at, "by": by, "what": what, "note": note}
        return replace(self, history=(*self.history, event), **changes)

    def forgotten(self) -> Item:
        """Give a settled item without what was about a person: its number and history are enough."""
        return replace(self, fault=replace(self.fault, text="", mark=""))

    def to_dict(self) -> dict[str, Any]:
        """Give the item as plain values, for the vault."""
        return asdict(self)


def item_of(raw: dict[str, Any]) -> Item:
    """Give back what ``Item.to_dict`` gave."""
    fault = raw["fault"]
    fault = Fault(**{**fault, "rows": tuple(fault["rows"]), "numbers": tuple(fault["numbers"])})
    return Item(**{**raw, "fault": fault, "sheets": tuple(raw["sheets"]), "history": tuple(raw["history"])})
