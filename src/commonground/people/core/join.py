"""Pairs found and compared on the engine: one statement a rule, in which earlier rules' pairs are left out.

A pair comes out as three integers: its rows and its pattern, the levels of all fields in one number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.engine.dialect import Dialect
from commonground.engine.duck import Engine
from commonground.errors import ContractError, Said
from commonground.people.blocking import mix
from commonground.people.fields import Field
from commonground.people.rules import Plan

Ints = npt.NDArray[Any]
Levels = npt.NDArray[np.int8]
ABSENT = -2
"""What stands in the right table where a value is missing; in the left it is -1, so that the two are never equal."""


@dataclass(frozen=True)
class Patterns:
    """How the levels of all fields make one number; each field has one level more, for pairs to be asked about.

    ``bases`` and ``sizes`` are of the fields in their order: the level of a field is pattern // base % size.
    """

    bases: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many patterns there could be."""
        return self.bases[-1] * self.sizes[-1]

    def level(self, pattern: Ints, field: int) -> Ints:
        """Level of one field."""
        found: Ints = pattern // self.bases[field] % self.sizes[field]
        return found

    def levels(self, pattern: Ints) -> Levels:
        """Levels (patterns, fields)."""
        columns = [self.level(pattern, k).astype(np.int8) for k in range(len(self.bases))]
        return np.stack(columns, axis=1)


MOST_PATTERNS = 2**62
"""Patterns that a whole number of 64 bits can tell apart, with room for sums."""


def patterns_of(fields: Sequence[Field]) -> Patterns:
    """Lay out the pattern of some fields.

    Raises
    ------
    ContractError
        There are so many fields that their levels do not fit into one number.
    """
    sizes = tuple(f.levels + 2 for f in fields)
    bases = tuple(int(np.prod(sizes[:k], dtype=object)) for k in range(len(sizes)))
    layout = Patterns(bases, sizes)
    if layout.count > MOST_PATTERNS:
        raise ContractError(
            Said(f"要比较的列太多（{len(sizes)} 列）。", f"Too many columns to compare ({len(sizes)})."),
            where="fields",
            why=Said(
                "各列比较结果的组合超过 2 的 62 次方，无法编号。",
                "The combinations of what they may show are more than 2 to the power of 62.",
            ),
            todo=Said("请只留最能认人的列，一般不超过十列。", "Name those that best tell persons apart: ten will do."),
        )
    return layout


def _pattern_sql(d: Dialect, fields: Sequence[Field], layout: Patterns) -> str:
    whole = str if layout.count < 2**31 else d.whole
    terms = []
    for f, base in zip(fields, layout.bases, strict=True):
        level = f.sql(d, f.levels + 1)
        terms.append(f"({level})" if base == 1 else f"({level}) * {whole(base)}")
    return " + ".join(terms)


class Tables:
    """The integer columns of both tables on an engine, as ``cg_left`` and ``cg_right``."""

    def __init__(self, engine: Engine, fields: Sequence[Field], plan: Plan, n: int) -> None:
        self.engine, self.fields, self.plan = engine, fields, plan
        self.parts = {p.name: p for f in fields for p in f.parts}
        used = {self.parts[name].column: self.parts[name].key for r in plan.rules for name in r.parts}
        columns = {c: v for f in fields for c, v in f.columns.items()} | used
        crowded = {
            f"crowded{i}": np.isin(mix(*(self.parts[p].key[n:] for p in r.parts)), np.array(r.crowd)).astype(np.int8)
            for i, r in enumerate(plan.rules)
            if r.crowd
        }
        text = " ".join(self.query(k, False, patterns_of(fields)) for k in range(len(plan.rules)))
        needed = [c for c in columns if re.search(rf"\b{c}\b", text)]
        self.left = arrow({c: columns[c][:n] for c in needed}, False)
        self.right = arrow({c: columns[c][n:] for c in needed} | crowded, True)
        self._show()

    def _show(self) -> None:
        self.engine.add_table("cg_left", self.left)
        self.engine.add_table("cg_right", self.right)

    def without(self, a: Ints, b: Ints) -> None:
        """Take rows out of both tables: further rules do not see them."""
        import pyarrow as pa

        for side, rows in (("left", a), ("right", b)):
            table = getattr(self, side)
            place = table.column("place").to_numpy()
            gone = np.zeros(int(place.max(initial=0)) + 1, dtype=bool)
            gone[rows] = True
            setattr(self, side, table.filter(pa.array(~gone[place])).combine_chunks())
        self._show()

    def found_by(self, rule: int) -> str:
        """Say that a rule finds the rows ``l`` and ``r``."""
        return " AND ".join(self._terms(rule).values())

    def _terms(self, rule: int) -> dict[str, str]:
        r = self.plan.rules[rule]
        terms = {p: f"l.{self.parts[p].column} = r.{self.parts[p].column}" for p in r.parts}
        return terms | ({f"crowded{rule}": f"r.crowded{rule} = 0"} if r.crowd else {})

    def _found_before(self, rule: int) -> list[str]:
        """Conditions that no earlier rule finds a pair of this one, without what this one says already."""
        known = {q for p in self.plan.rules[rule].parts for q in (p, *self.parts[p].implies)}
        left = [{t: sql for t, sql in self._terms(k).items() if t not in known} for k in range(rule)]
        needed = [x for i, x in enumerate(left) if not any(y.keys() < x.keys() for y in left) and x not in left[:i]]
        if {} in needed:
            return ["1 = 0"]
        return [f"NOT ({' AND '.join(x.values())})" for x in needed]

    def query(self, rule: int, same: bool, layout: Patterns) -> str:
        """Select the pairs of one rule that no earlier rule finds, each with its pattern."""
        d = self.engine.dialect
        first = self.parts[self.plan.rules[rule].parts[0]].column
        where = [f"l.{first} >= 0", f"r.{first} >= 0", *self._found_before(rule)]
        if same:
            where.append("l.place < r.place")
        return (
            f"SELECT l.place AS a, r.place AS b, {_pattern_sql(d, self.fields, layout)} AS p "
            f"FROM cg_left l JOIN cg_right r ON {self.found_by(rule)} WHERE {' AND '.join(where)}"
        )


def arrow(columns: dict[str, Ints], right: bool) -> Any:
    """Integer columns as an Arrow table with the ``place`` of each row, every column as narrow as its values are."""
    import pyarrow as pa

    size = len(next(iter(columns.values())))
    made = {"place": pa.array(np.arange(size, dtype=np.int32))}
    for name, values in columns.items():
        least, most = (int(values.min()), int(values.max())) if size else (0, 0)
        for kind in (np.int8, np.int32):
            if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max:
                values = values.astype(kind, copy=False)
                break
        if right and least < 0:
            values = np.where(values == -1, values.dtype.type(ABSENT), values)
        made[name] = pa.array(values)
    return pa.table(made)


Sure = Callable[[Ints], npt.NDArray[np.bool_]]
"""Says of patterns whether pairs that have them are one person beyond doubt."""
WORTH = 0.04
"""Share of the rows that must be settled for it to pay to go on without them."""


def find_pairs(
    engine: Engine, fields: Sequence[Field], plan: Plan, n: int, same: bool, sure: Sure | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]:
    """Rows (of the left and of the right table) and patterns of all pairs that the rules find, each pair once.

    With ``sure``, rows whose one sure partner has no other are settled: later rules do without them.
    """
    if not plan.rules:
        none = np.zeros(0, dtype=np.int32)
        return none, none, none.astype(np.int64)
    layout = patterns_of(fields)
    tables = Tables(engine, fields, plan, n)
    found = []
    for k in range(len(plan.rules)):
        a, b, p = _arrays(engine.table(tables.query(k, same, layout)))
        found.append((a, b, p))
        if sure is not None and k < len(plan.rules) - 1 and len(p) > WORTH * len(tables.left):
            at = _settled(a, b, p, layout, sure)
            if len(at) > WORTH * len(tables.left):
                tables.without(a[at], b[at])
    a, b, p = (np.concatenate(x) for x in zip(*found, strict=True))
    return a, b, asked(fields, layout, a, b.astype(np.int64) + n, p)


def _settled(a: Ints, b: Ints, pattern: Ints, layout: Patterns, sure: Sure) -> Ints:
    """Pairs that are sure and the only sure ones of both their rows."""
    distinct, place, _ = distinct_patterns(pattern, layout)
    at = np.flatnonzero(sure(distinct)[place])
    alone = (np.bincount(a[at])[a[at]] == 1) & (np.bincount(b[at])[b[at]] == 1) if len(at) else np.zeros(0, dtype=bool)
    found: Ints = at[alone]
    return found


def _arrays(table: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]:
    a, b, p = (table.column(c).to_numpy() for c in "abp")
    return a, b, p


def compare_rows(engine: Engine, fields: Sequence[Field], a: Ints, b: Ints) -> Ints:
    """Patterns of given pairs of rows (those of the right table after the left's)."""
    layout = patterns_of(fields)
    pattern = _pattern_sql(engine.dialect, fields, layout)
    needed = {c: v for f in fields for c, v in f.columns.items() if re.search(rf"\b{c}\b", pattern)}
    engine.add_table("cg_one", arrow({c: v[a] for c, v in needed.items()}, False))
    engine.add_table("cg_other", arrow({c: v[b] for c, v in needed.items()}, True))
    made = engine.table(f"SELECT l.place AS a, {pattern} AS p FROM cg_one l JOIN cg_other r ON l.place = r.place")
    out = np.zeros(len(a), dtype=np.int64)
    out[made.column("a").to_numpy()] = made.column("p").to_numpy()
    return asked(fields, layout, a, b, out)


def asked(fields: Sequence[Field], layout: Patterns, a: Ints, b: Ints, pattern: Ints) -> Ints:
    """Put the exact level where SQL could not tell."""
    if not len(pattern):
        return pattern
    distinct, place, _ = distinct_patterns(pattern, layout)
    for k, f in enumerate(fields):
        ask = f.levels + 1
        asking = layout.level(distinct, k) == ask
        at = np.flatnonzero(asking[place]) if asking.any() else np.zeros(0, dtype=np.int64)
        if len(at):
            exact = f.compare(a[at].astype(np.int64), b[at].astype(np.int64)).astype(np.int64)
            pattern = pattern.copy() if not pattern.flags.writeable else pattern
            pattern[at] += ((exact - ask) * layout.bases[k]).astype(pattern.dtype)
    return pattern


def distinct_patterns(pattern: Ints, layout: Patterns) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Distinct patterns in order, the place of each pair's among them, and how many pairs have each."""
    if layout.count > FEW:
        distinct, place, counts = np.unique(pattern, return_inverse=True, return_counts=True)
        return distinct.astype(np.int64), place, counts.astype(np.float64)
    counts = np.bincount(pattern, minlength=1)
    distinct = np.flatnonzero(counts)
    number = np.zeros(len(counts), dtype=np.int32)
    number[distinct] = np.arange(len(distinct))
    return distinct, number[pattern], counts[distinct].astype(np.float64)


FEW = 8_000_000
"""Patterns that are counted in an array."""
