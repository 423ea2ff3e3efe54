"""Two tables, or one with itself, linked by the columns that one names: the core without a city around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.assign import best, compete
from commonground.people.choice import choose_twice
from commonground.people.core.counts import Share, shares
from commonground.people.core.estimate import estimate, rarity_rows
from commonground.people.core.join import Patterns, compare_rows, distinct_patterns, find_pairs, patterns_of
from commonground.people.fields import Field, read_fields
from commonground.people.rules import Drawn, Plan, budget_of, draw, given

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
IDS = ("unique_id", "record_id", "id")
SAMPLE = 100_000
"""Random pairs for the chances of levels that no value count gives."""
LARGE = 100_000
"""Rows of either table from which sure pairs go ahead of the others."""
SETTLED = -3.0
"""Log2 of the pairs that would agree so by accident, below which a pair is sure."""
FLOOR = -12.0
"""Weight in bits below which ``link_tables`` forgets a pair: all such rivals together take next to nothing."""


@dataclass(frozen=True)
class Weighed:
    """Pairs of rows with what speaks for and against each.

    Attributes
    ----------
    fields : tuple of Field
        What was compared.
    model : fs.Model
        Chances of each level; ``prior[0]`` is the share of pairs that are one person.
    plan : Plan
        Blocking rules with their pairs.
    a, b : int arrays (pairs,)
        Rows, in order; those of the right table follow the left's.
    pattern : int array (pairs,)
        Levels of all fields in one number, laid out as ``layout`` says.
    rare : list of dicts
        For each field, level → bits of each left row's value.
    weight : array (pairs,)
        Log2 of the odds: prior, for each field log2(m / u) plus rarity, and kinship.
    compared : int
        Pairs that were compared; those given may be fewer.
    """

    fields: tuple[Field, ...]
    model: fs.Model
    plan: Plan
    a: Ints
    b: Ints
    pattern: Ints
    layout: Patterns
    rare: list[dict[int, Floats]]
    weight: Floats
    compared: int

    @cached_property
    def levels(self) -> Levels:
        """Level of agreement of each field, int8 (pairs, fields)."""
        return self.layout.levels(self.pattern)

    @cached_property
    def rarity(self) -> Floats:
        """How much rarer (above 0) or commoner than the average the agreeing value is, in bits (pairs, fields)."""
        out = np.zeros(self.levels.shape)
        for k, of_level in enumerate(self.rare):
            for level, bits in of_level.items():
                at = np.flatnonzero(self.levels[:, k] == level)
                out[at, k] = bits[self.a[at]]
        return out

    @cached_property
    def kinship(self) -> Floats:
        """What each pair loses because relatives agree like this too, in bits (0 or below)."""
        _, kin = pattern_bits(self.model, self.levels)
        return _kinship(kin + self.rarity.sum(axis=1))

    def bits(self, field: int) -> Floats:
        """Weight of each level of a field in bits, before rarity; 0 for a missing value."""
        return level_bits(self.model, self.fields[field].name)

    def score(self, a: Ints, b: Ints) -> Floats:
        """Weight of exactly these pairs of rows (those of the right table after the left's), found or not."""
        engine = _own_engine()
        try:
            pattern = compare_rows(engine, self.fields, a, b)
        finally:
            engine.close()
        seen, place, _ = distinct_patterns(pattern, self.layout)
        return _weights(self.model, self.layout.levels(seen), place, a, self.rare, None)[0]

    @property
    def prior_bits(self) -> float:
        """Log2 of the odds before anything was compared."""
        return float(np.log2(self.model.prior[0] / self.model.prior[2]))


def level_bits(model: fs.Model, name: str) -> Floats:
    """Weight of each level of a field in bits: log2(m / u), 0 for level 0."""
    found: Floats = np.log2(np.maximum(model.m[name], fs.FLOOR) / np.maximum(model.u[name], fs.FLOOR))
    return found


def pattern_bits(model: fs.Model, levels: Levels) -> tuple[Floats, Floats]:
    """Weight of each row of levels in bits, prior included, and log2 of the odds of relatives against strangers."""
    weight = np.full(len(levels), float(np.log2(model.prior[0] / model.prior[2])))
    kin = np.full(len(levels), float(np.log2(model.prior[1] / model.prior[2])))
    for k, name in enumerate(model.fields):
        weight += level_bits(model, name)[levels[:, k]]
        ratio = np.log2(np.maximum(model.f[name], fs.FLOOR) / np.maximum(model.u[name], fs.FLOOR))
        kin += ratio[levels[:, k]]
    return weight, kin


def _kinship(kin: Floats) -> Floats:
    found: Floats = -np.logaddexp2(0.0, kin)
    return found


def weigh_tables(
    left: pa.Table,
    right: pa.Table | None = None,
    *,
    fields: Sequence[str] | Mapping[str, str],
    seed: int = 0,
    rules: Sequence[Sequence[str]] | None = None,
    pair_budget: int | None = None,
    floor: float | None = None,
    engine: Engine | None = None,
) -> Weighed:
    """Find the pairs worth comparing and weigh each; arguments as for ``link_tables``.

    ``floor`` leaves out pairs of less weight (bits); ``engine`` is where the pairs are found, by default a DuckDB of
    this process with all its processors.
    """
    return _weigh(left, right, fields, seed, rules, pair_budget, floor, False, engine)


def _weigh(
    left: pa.Table, right: pa.Table | None, fields: Sequence[str] | Mapping[str, str], seed: int,
    rules: Sequence[Sequence[str]] | None, pair_budget: int | None, floor: float | None, settle: bool,
    engine: Engine | None,
) -> Weighed:  # fmt: skip
    """Weigh as ``weigh_tables``; ``settle`` lets sure pairs of large tables go ahead of the others."""
    other = left if right is None else right
    made = read_fields(left, other, fields)
    n, m = left.num_rows, other.num_rows
    rows = np.arange(n), np.arange(n, n + m)
    budget = budget_of(n, m) if pair_budget is None else pair_budget
    drawn = draw(made, rows[0], 2 * seed + 1, SAMPLE), draw(made, rows[1], 2 * seed + 2, SAMPLE)
    layout = patterns_of(made)
    total = max(n * (n - 1) / 2 if right is None else float(n) * m, 2.0)
    using = engine or _own_engine()
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:  # values are counted while the engine finds pairs
            counting = pool.submit(shares, made, n, right is None)
            random = layout.levels(_random(using, made, n, m, right is None, drawn))
            sure = _sure(made, layout, random, counting, total) if settle and min(n, m) >= LARGE else None

            def weighed(plan: Plan, least: float | None) -> Weighed:
                a, b, pattern = find_pairs(using, made, plan, n, right is None, sure)
                distinct, place, counts = distinct_patterns(pattern, layout)
                seen = layout.levels(distinct)
                model = estimate(made, seen, counts, random, counting.result(), n, total)
                rare = rarity_rows(made, model, counting.result())
                weight, kept = _weights(model, seen, place, a, rare, least)
                x, y = a[kept].astype(np.int64), b[kept].astype(np.int64)
                order = np.argsort(x * np.int64(m + 1) + y, kind="stable")
                found = pattern[kept[order]]
                return Weighed(
                    tuple(made), model, plan, x[order], y[order] + n, found, layout, rare, weight[order], len(place)
                )  # fmt: skip

            def probable(plan: Plan) -> tuple[Ints, Ints, Floats]:
                found = weighed(plan, 0.0)
                return found.a, found.b, 1.0 / (1.0 + np.exp2(-np.minimum(found.weight, 60.0)))

            if rules is None:
                return weighed(choose_twice(made, *rows, budget, drawn, probable), floor)
            return weighed(given(made, *rows, rules, budget, drawn), floor)
    finally:
        if engine is None:
            using.close()


def _sure(
    fields: Sequence[Field], layout: Patterns, random: Levels, counting: Future[list[list[Share]]], total: float
) -> Callable[[Ints], npt.NDArray[np.bool_]]:
    """Say which patterns are sure: no field disagrees, and by accident not one pair of the tables would agree so."""

    def sure(pattern: Ints) -> npt.NDArray[np.bool_]:
        levels = layout.levels(pattern)
        by_accident = np.full(len(levels), np.log2(total))
        agree = np.ones(len(levels), dtype=bool)
        for k, (f, mine) in enumerate(zip(fields, counting.result(), strict=True)):
            chance = np.ones(f.levels + 2)
            for share in mine:
                chance[share.level] = max(share.among_all, 1.0 / total)
            exact = [0, *(share.level for share in mine)]
            agree &= np.isin(levels[:, k], exact)
            by_accident += np.log2(chance)[levels[:, k]]
        return agree & (by_accident < SETTLED)

    return sure


def _own_engine(name: str = "duckdb") -> Engine:
    import os

    from commonground.city import EngineSettings
    from commonground.engine import open_engine

    return open_engine(EngineSettings(name, threads=len(os.sched_getaffinity(0))))


def _random(engine: Engine, fields: Sequence[Field], n: int, m: int, same: bool, drawn: Drawn) -> Ints:
    """Patterns of random pairs: rows drawn by what they hold, so that their order does not matter."""
    if not n or not m:
        return np.zeros(0, dtype=np.int64)
    x, y = drawn
    turns = np.arange(min(SAMPLE, n * m))
    a, b = x[turns % len(x)], y[(turns + turns // len(x)) % len(y)]
    if same:
        a, b = a[a != b - n], b[a != b - n]
    return compare_rows(engine, fields, a, b)


def _weights(
    model: fs.Model, seen: Levels, place: Ints, a: Ints, rare: list[dict[int, Floats]], floor: float | None
) -> tuple[Floats, Ints]:
    """Weight of the pairs that reach the floor, and which these are."""
    base, kin = pattern_bits(model, seen)
    most = np.zeros(len(seen))
    for k, of_level in enumerate(rare):
        for level, of_row in of_level.items():
            most[seen[:, k] == level] += float(of_row.max(initial=0.0))
    kept = np.arange(len(place)) if floor is None else np.flatnonzero((base + most >= floor)[place])
    at, rows = place[kept], a[kept]
    bits = np.zeros(len(kept))
    for k, of_level in enumerate(rare):
        level_of = seen[:, k][at]
        for level, of_row in of_level.items():
            here = np.flatnonzero(level_of == level)
            bits[here] += of_row[rows[here]]
    weight = base[at] + bits + _kinship(kin[at] + bits)
    if floor is None:
        return weight, kept
    enough = np.flatnonzero(weight >= floor)
    return weight[enough], kept[enough]


def link_tables(
    left: pa.Table,
    right: pa.Table | None = None,
    *,
    fields: Sequence[str] | Mapping[str, str],
    seed: int = 0,
    one_to_one: bool | None = None,
    threshold: float = 0.5,
    rules: Sequence[Sequence[str]] | None = None,
    pair_budget: int | None = None,
    engine: str | Engine = "duckdb",
) -> pa.Table:
    """Link the records of two tables, or of one table with itself.

    Parameters
    ----------
    left, right : pa.Table
        Tables with the same columns; without ``right`` the duplicates within ``left`` are sought.
    fields : sequence of str, or mapping
        Columns to compare; a mapping says what each is: ``person_name`` (Chinese names: characters, sound, dialect),
        ``given_name``, ``surname``, ``birth_date``, ``id_number``, ``address``, ``phone``, ``postcode``, ``category``
        (same or not), ``text`` (edit distance on characters), or the same in Chinese (姓名 …). Otherwise it is read
        off column and type.
    seed : int
        For the random pairs on which the chances of accidental agreement are counted where value counts give none.
    one_to_one : bool, optional
        Whether a record is in one pair at most; by default so between two tables, not within one.
    threshold : float
        Least probability of the pairs that are given.
    rules : sequence of sequences of str, optional
        Blocking rules, each the parts that must be equal (``["name:sound", "birth:year"]``; a column alone is its whole
        value). By default they are chosen from the data.
    pair_budget : int, optional
        Most pairs that may be compared; by default fifteen for each record of the smaller table, at least a million.
    engine : str or Engine
        Where the pairs are found and compared: ``duckdb``, ``spark`` (a session inside this process), or an engine that
        is open, such as that of a cluster; the result is the same.

    Returns
    -------
    pa.Table
        ``left_id, right_id`` (column ``unique_id``, ``record_id`` or ``id``, else row numbers from 0), ``weight``
        (log2 of the odds) and ``probability``. The schema's metadata ``blocking`` holds the rules with their pairs.

    Raises
    ------
    ContractError
        A column is not in both tables, a kind of comparison is not known, or the rules given exceed the budget.
    EngineError
        There is no such engine, or Spark does not start.
    """
    import pyarrow as pa

    single = right is not None if one_to_one is None else one_to_one
    using = _own_engine(engine) if isinstance(engine, str) else engine
    try:
        found = _weigh(left, right, fields, seed, rules, pair_budget, FLOOR, single and right is not None, using)
    finally:
        if isinstance(engine, str):
            using.close()
    odds = found.weight * np.log(2.0)
    p = compete(found.a, found.b, odds, True) if single else 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60)))
    keep = np.flatnonzero(p >= threshold)
    if single:
        keep = keep[best(found.a[keep], found.b[keep], p[keep], True)]
    made = pa.table(
        {
            "left_id": ids_of(left).take(pa.array(found.a[keep])),
            "right_id": ids_of(left if right is None else right).take(pa.array(found.b[keep] - left.num_rows)),
            "weight": pa.array(found.weight[keep]),
            "probability": pa.array(p[keep]),
        }
    )
    return made.replace_schema_metadata({"blocking": json.dumps(found.plan.to_dict(), ensure_ascii=False)})


def ids_of(table: pa.Table) -> pa.ChunkedArray:
    """Ids of a table's records: its column ``unique_id``, ``record_id`` or ``id``, else the rows' numbers from 0."""
    import pyarrow as pa

    for name in IDS:
        if name in table.column_names:
            return table.column(name)
    return pa.chunked_array([pa.array(np.arange(table.num_rows))])
