"""Pairs found and compared on the engine: one statement a rule, in which earlier rules' pairs are left out.

A pair comes out as three integers: its rows and its pattern, the levels of all fields in one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.engine.dialect import Dialect
from commonground.engine.duck import Engine
from commonground.people.blocking import mix
from commonground.people.fields import Field
from commonground.people.rules import Plan

Ints = npt.NDArray[Any]
Levels = npt.NDArray[np.int8]
LARGEST = 2**62
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


def patterns_of(fields: Sequence[Field]) -> Patterns:
    """Lay out the pattern of some fields."""
    sizes = tuple(f.levels + 2 for f in fields)
    bases = tuple(int(np.prod(sizes[:k], dtype=object)) for k in range(len(sizes)))
    return Patterns(bases, sizes)


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
        size = len(next(iter(columns.values())))
        self._add("cg_left", columns, np.arange(0, n), {})
        crowded = {
            f"crowded{i}": np.isin(mix(*(self.parts[p].key[n:] for p in r.parts)), np.array(r.crowd)).astype(np.int8)
            for i, r in enumerate(plan.rules)
            if r.crowd
        }
        self._add("cg_right", columns, np.arange(n, size), crowded)

    def _add(self, name: str, columns: dict[str, Ints], rows: Ints, more: dict[str, npt.NDArray[np.int8]]) -> None:
        self.engine.add_table(name, arrow(columns, rows, name == "cg_right", more))

    def found_by(self, rule: int) -> str:
        """Say that a rule finds the rows ``l`` and ``r``."""
        r = self.plan.rules[rule]
        terms = [f"l.{self.parts[p].column} = r.{self.parts[p].column}" for p in r.parts]
        if r.crowd:
            terms.append(f"r.crowded{rule} = 0")
        return " AND ".join(terms)

    def query(self, rule: int, same: bool, layout: Patterns) -> str:
        """Select the pairs of one rule that no earlier rule finds, each with its pattern."""
        d = self.engine.dialect
        first = self.parts[self.plan.rules[rule].parts[0]].column
        where = [f"l.{first} >= 0", f"r.{first} >= 0"]
        where += [f"NOT ({self.found_by(k)})" for k in range(rule)]
        if same:
            where.append("l.place < r.place")
        return (
            f"SELECT l.place AS a, r.place AS b, {_pattern_sql(d, self.fields, layout)} AS p "
            f"FROM cg_left l JOIN cg_right r ON {self.found_by(rule)} WHERE {' AND '.join(where)}"
        )


def arrow(
    columns: dict[str, Ints], rows: Ints, right: bool, more: dict[str, npt.NDArray[np.int8]] | None = None
) -> object:
    """Some rows of integer columns as an Arrow table, with their ``place`` among these rows."""
    import pyarrow as pa

    made = {"place": pa.array(np.arange(len(rows), dtype=np.int32))}
    together = len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1
    for name, values in columns.items():
        part = values[int(rows[0]) : int(rows[-1]) + 1] if together else values[rows]
        if right and len(part) and part.min() < 0:
            part = np.where(part == -1, part.dtype.type(ABSENT), part)
        made[name] = pa.array(part)
    return pa.table(made | {k: pa.array(v) for k, v in (more or {}).items()})


def find_pairs(
    engine: Engine, fields: Sequence[Field], plan: Plan, n: int, same: bool
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]:
    """Rows (of the left and of the right table) and patterns of all pairs that the rules find, each pair once."""
    layout = patterns_of(fields)
    tables = Tables(engine, fields, plan, n)
    found = [_arrays(engine.table(tables.query(k, same, layout))) for k in range(len(plan.rules))]
    if not found:
        none = np.zeros(0, dtype=np.int32)
        return none, none, none.astype(np.int64)
    a, b, p = (np.concatenate(x) for x in zip(*found, strict=True))
    return a, b, asked(fields, layout, a, b.astype(np.int64) + n, p)


def _arrays(table: object) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]:
    a, b, p = (table.column(c).to_numpy() for c in "abp")  # type: ignore[attr-defined]
    return a, b, p


def compare_rows(engine: Engine, fields: Sequence[Field], a: Ints, b: Ints) -> Ints:
    """Patterns of given pairs of rows (those of the right table after the left's)."""
    layout = patterns_of(fields)
    columns = {c: v for f in fields for c, v in f.columns.items()}
    engine.add_table("cg_one", arrow(columns, a, False))
    engine.add_table("cg_other", arrow(columns, b, True))
    made = engine.table(
        f"SELECT l.place AS a, {_pattern_sql(engine.dialect, fields, layout)} AS p "
        "FROM cg_one l JOIN cg_other r ON l.place = r.place"
    )
    out = np.zeros(len(a), dtype=np.int64)
    out[made.column("a").to_numpy()] = made.column("p").to_numpy()
    return asked(fields, layout, a, b, out)


def asked(fields: Sequence[Field], layout: Patterns, a: Ints, b: Ints, pattern: Ints) -> Ints:
    """Put the exact level where SQL could not tell."""
    for k, f in enumerate(fields):
        ask = f.levels + 1
        at = np.flatnonzero(layout.level(pattern, k) == ask)
        if len(at):
            exact = f.compare(a[at].astype(np.int64), b[at].astype(np.int64)).astype(np.int64)
            pattern = pattern.copy() if not pattern.flags.writeable else pattern
            pattern[at] += ((exact - ask) * layout.bases[k]).astype(pattern.dtype)
    return pattern
