"""Which pairs of records to compare: rules chosen from the data, with the number of pairs counted before any join.

A rule is a set of parts of fields that must be equal (the sound of the name and the year of birth). How many pairs it
gives follows exactly from how often each value occurs. Values that very many records share are left out of a rule and
counted as not found by it, so that no value can make the pairs explode. Which rules to take: ``choice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said, did_you_mean
from commonground.people.blocking import mix
from commonground.people.fields import Field

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Drawn = tuple[Ints, Ints]
CROWD = 400
"""Records of one value in the other table beyond which a rule leaves the value out."""
PER_RECORD, LEAST = 15, 1_000_000
"""Budget of pairs: so many for each record of the smaller table, but at least so many."""
DRAWN = 100_000
"""Records of each table by which pairs are counted where tables are larger; they are drawn independently of each other,
so that the count has no bias. Values that many share are among them without fail."""


@dataclass(frozen=True)
class Rule:
    """Parts that must be equal; ``pairs`` is their number, ``found`` the share of true pairs it is expected to find.

    ``left_out`` is the share of the left table's records whose value is shared by too many, ``crowd`` the keys of these
    values (``blocking.mix`` of the parts).
    """

    parts: tuple[str, ...]
    pairs: float
    found: float
    left_out: float
    crowd: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Give the rule as plain values."""
        return {"parts": list(self.parts), "pairs": round(self.pairs), "found": self.found, "left_out": self.left_out}


@dataclass(frozen=True)
class Plan:
    """Rules in the order in which they were chosen, the budget, and the share of true pairs expected to be found."""

    rules: tuple[Rule, ...]
    budget: int
    found: float

    def to_dict(self) -> dict[str, object]:
        """Give the plan as plain values."""
        return {"budget": self.budget, "found": self.found, "rules": [r.to_dict() for r in self.rules]}

    def sentence(self, lang: str) -> str:
        """Say in one sentence how many pairs will be compared, of how many allowed."""
        pairs = sum(r.pairs for r in self.rules)
        if lang == "zh":
            return f"{len(self.rules)} 条分块规则，至多 {pairs:,.0f} 对（上限 {self.budget:,}）。"
        return f"{len(self.rules)} blocking rules, {pairs:,.0f} pairs at most (budget {self.budget:,})."


class Counter:
    """Counts the pairs of rules, each once."""

    def __init__(self, fields: Sequence[Field], left: Ints, right: Ints, drawn: Drawn | None) -> None:
        self.parts, self.left, self.right = {p.name: p for f in fields for p in f.parts}, left, right
        self.known: dict[tuple[str, ...], tuple[float, float]] = {}
        self.drawn = [d[:DRAWN] for d in drawn or (draw(fields, left, 1), draw(fields, right, 2))]
        self.shares = [
            len(d) / len(rows) if len(rows) else 1.0 for d, rows in zip(self.drawn, (left, right), strict=True)
        ]
        self.crowd = crowd_of(len(right))

    def keys(self, names: tuple[str, ...], rows: Ints) -> Ints:
        """One key of several parts for some rows."""
        return mix(*(self.parts[n].key[rows] for n in names))

    def count(self, names: tuple[str, ...]) -> tuple[float, float]:
        """Pairs, and the share of the left records that the rule leaves out, as far as the drawn records tell."""
        if names not in self.known:
            a, b = (self.keys(names, rows) for rows in self.drawn)
            va, ca = np.unique(a[a >= 0], return_counts=True)
            vb, cb = np.unique(b[b >= 0], return_counts=True)
            n = _matched(va, vb, cb)
            crowded = n > self.crowd * self.shares[1]
            pairs = float((ca * np.where(crowded, 0, n)).sum()) / (self.shares[0] * self.shares[1])
            self.known[names] = pairs, float(ca[crowded].sum()) / max(1, int(ca.sum()))
        return self.known[names]

    def crowded(self, names: tuple[str, ...]) -> Ints:
        """Keys of the values that too many records of the right table share, each counted."""
        key = self.keys(names, self.drawn[1])
        values, n = np.unique(key[key >= 0], return_counts=True)
        maybe = values[n > 0.5 * self.crowd * self.shares[1]]
        if len(self.drawn[1]) == len(self.right) or not len(maybe):
            return maybe[n[n > 0.5 * self.crowd * self.shares[1]] > self.crowd]
        whole = self.keys(names, self.right)
        at = np.searchsorted(maybe, whole[np.isin(whole, maybe)])
        found: Ints = maybe[np.bincount(at, minlength=len(maybe)) > self.crowd]
        return found


def crowd_of(rows: int) -> int:
    """Records of one value in a table of so many rows beyond which a rule leaves the value out."""
    return max(CROWD, rows // 1000)


def _matched(values: Ints, among: Ints, counts: Ints) -> Ints:
    """Counts of ``values`` among the sorted values ``among``; 0 where there is none."""
    if not len(among):
        return np.zeros(len(values), dtype=np.int64)
    at = np.minimum(np.searchsorted(among, values), len(among) - 1)
    found: Ints = np.where(among[at] == values, counts[at], 0)
    return found


def draw(fields: Sequence[Field], rows: Ints, salt: int, size: int = DRAWN) -> Ints:
    """Draw rows in an order that looks like chance but is that of a hash of what they hold, another for another salt.

    The order of the rows makes no difference: rows of equal hash hold the same.
    """
    score = np.full(len(rows), salt * 0x9E3779B9, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for f in fields:
            score = (score ^ f.parts[0].key[rows].astype(np.uint64)) * np.uint64(0xD6E8FEB86659FD93)
            score ^= score >> np.uint64(32)
    first = np.argpartition(score, size)[:size] if len(rows) > size else np.arange(len(rows))
    found: Ints = rows[first[np.argsort(score[first], kind="stable")]]
    return found


def budget_of(left: int, right: int) -> int:
    """The number of pairs that may be compared where nobody says how many."""
    return max(LEAST, PER_RECORD * min(left, right))


def given(
    fields: Sequence[Field], left: Ints, right: Ints, rules: Sequence[Sequence[str]], budget: int,
    drawn: Drawn | None = None,
) -> Plan:  # fmt: skip
    """Take the rules that somebody gives, each a list of parts such as ``name:sound``, if the budget allows them.

    Raises
    ------
    ContractError
        A part is not known, or the pairs are more than the budget allows.
    """
    parts = {p.name: p for f in fields for p in f.parts}
    whole = {f.name: f.parts[0].name for f in fields}
    counter, made = Counter(fields, left, right, drawn), []
    for rule in rules:
        names = tuple(whole.get(n, n) for n in rule)
        for n in names:
            if n not in parts:
                raise ContractError(
                    Said(f"分块规则里没有“{n}”。", f"No part of a blocking rule is called “{n}”."),
                    todo=did_you_mean(n, parts),
                )
        pairs, left_out = counter.count(names)
        share = float(np.prod([1 - parts[n].slips for n in names]))
        made.append(Rule(names, pairs, share, left_out, tuple(counter.crowded(names).tolist())))
    total = sum(r.pairs for r in made)
    if total > budget:
        raise ContractError(
            Said(f"分块规则给出 {total:,.0f} 对，超过上限 {budget:,}。",
                 f"The blocking rules give {total:,.0f} pairs, more than the budget of {budget:,}."),
            why=Said("比较这么多对记录会耗尽时间和内存。", "To compare as many would use up time and memory."),
            todo=Said("请让规则更严，或提高 pair_budget。", "Make the rules stricter, or raise pair_budget."),
        )  # fmt: skip
    return Plan(tuple(made), budget, 1 - float(np.prod([1 - r.found for r in made])))
