"""Two tables, or one with itself, linked by the columns that one names: the core without a city around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.assign import best, compete
from commonground.people.core.counts import shares
from commonground.people.core.estimate import RANGE, estimate, rarity_rows
from commonground.people.core.join import Patterns, compare_rows, find_pairs, patterns_of
from commonground.people.fields import Field, read_fields
from commonground.people.rules import Plan, budget_of, choose, content, given

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
IDS = ("unique_id", "record_id", "id")
SAMPLE = 200_000
"""Random pairs for the chances of levels that no value count gives."""
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
    other = left if right is None else right
    made = read_fields(left, other, fields)
    n, m = left.num_rows, other.num_rows
    rows_a, rows_b = np.arange(n), np.arange(n, n + m)
    budget = budget_of(n, m) if pair_budget is None else pair_budget
    plan = choose(made, rows_a, rows_b, budget) if rules is None else given(made, rows_a, rows_b, rules, budget)
    using = engine or _own_engine()
    try:
        a, b, pattern = find_pairs(using, made, plan, n, right is None)
        random = _random(using, made, n, m, right is None, seed)
    finally:
        if engine is None:
            using.close()
    layout = patterns_of(made)
    total = max(n * (n - 1) / 2 if right is None else float(n) * m, 2.0)
    counted = shares(made, n, right is None)
    distinct, place, counts = _distinct(pattern, layout)
    seen = layout.levels(distinct)
    model = estimate(made, seen, counts, layout.levels(random), counted, n, total)
    rare = rarity_rows(made, model, counted)
    weight, kept = _weights(model, seen, place, a, rare, floor)
    x, y = a[kept].astype(np.int64), b[kept].astype(np.int64)
    order = np.argsort(x * np.int64(m + 1) + y, kind="stable")
    found = pattern[kept[order]]
    return Weighed(tuple(made), model, plan, x[order], y[order] + n, found, layout, rare, weight[order], len(place))


def _own_engine() -> Engine:
    import os

    from commonground.city import EngineSettings
    from commonground.engine import DuckEngine

    return DuckEngine(EngineSettings(threads=len(os.sched_getaffinity(0))))


def _random(engine: Engine, fields: Sequence[Field], n: int, m: int, same: bool, seed: int) -> Ints:
    """Patterns of random pairs: rows drawn by what they hold, so that their order does not matter."""
    if not n or not m:
        return np.zeros(0, dtype=np.int64)
    parts = [p for f in fields for p in f.parts]
    x, y = (_shuffled(parts, rows, 2 * seed + side) for side, rows in ((3, np.arange(n)), (4, np.arange(n, n + m))))
    turns = np.arange(min(SAMPLE, n * m))
    a, b = x[turns % len(x)], y[(turns + turns // len(x)) % len(y)]
    if same:
        a, b = a[a != b - n], b[a != b - n]
    return compare_rows(engine, fields, a, b)


def _shuffled(parts: Sequence[object], rows: Ints, salt: int) -> Ints:
    score = content(parts, rows, salt)  # type: ignore[arg-type]
    first = np.argpartition(score, SAMPLE)[:SAMPLE] if len(rows) > SAMPLE else np.arange(len(rows))
    found: Ints = rows[first[np.argsort(score[first], kind="stable")]]
    return found


def _distinct(pattern: Ints, layout: Patterns) -> tuple[Ints, Ints, Floats]:
    """Distinct patterns in order, the place of each pair's among them, and how many pairs have each."""
    if layout.count > 8_000_000:
        distinct, place, counts = np.unique(pattern, return_inverse=True, return_counts=True)
        return distinct.astype(np.int64), place, counts.astype(np.float64)
    counts = np.bincount(pattern, minlength=1)
    distinct = np.flatnonzero(counts)
    number = np.zeros(len(counts), dtype=np.int32)
    number[distinct] = np.arange(len(distinct))
    return distinct, number[pattern], counts[distinct].astype(np.float64)


def _weights(
    model: fs.Model, seen: Levels, place: Ints, a: Ints, rare: list[dict[int, Floats]], floor: float | None
) -> tuple[Floats, Ints]:
    """Weight of the pairs that reach the floor, and which these are."""
    base, kin = pattern_bits(model, seen)
    kept = np.arange(len(place))
    if floor is not None:
        most = RANGE * sum(bool(levels) for levels in rare)
        kept = np.flatnonzero((base + most >= floor)[place])
    at, rows = place[kept], a[kept]
    bits = np.zeros(len(kept))
    for k, of_level in enumerate(rare):
        for level, of_row in of_level.items():
            here = np.flatnonzero((seen[:, k] == level)[at])
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
        Most pairs that may be compared; by default fifteen for each record of the smaller table, at least 200,000.

    Returns
    -------
    pa.Table
        ``left_id, right_id`` (column ``unique_id``, ``record_id`` or ``id``, else row numbers from 0), ``weight``
        (log2 of the odds) and ``probability``. The schema's metadata ``blocking`` holds the rules with their pairs.

    Raises
    ------
    ContractError
        A column is not in both tables, a kind of comparison is not known, or the rules given exceed the budget.
    """
    import pyarrow as pa

    found = weigh_tables(left, right, fields=fields, seed=seed, rules=rules, pair_budget=pair_budget, floor=FLOOR)
    single = right is not None if one_to_one is None else one_to_one
    odds = found.weight * np.log(2.0)
    p = compete(found.a, found.b, odds, True) if single else 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60)))
    keep = np.flatnonzero(p >= threshold)
    if single:
        keep = keep[best(found.a[keep], found.b[keep], p[keep], True)]
    made = pa.table(
        {
            "left_id": _ids(left).take(pa.array(found.a[keep])),
            "right_id": _ids(left if right is None else right).take(pa.array(found.b[keep] - left.num_rows)),
            "weight": pa.array(found.weight[keep]),
            "probability": pa.array(p[keep]),
        }
    )
    return made.replace_schema_metadata({"blocking": json.dumps(found.plan.to_dict(), ensure_ascii=False)})


def _ids(table: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa

    for name in IDS:
        if name in table.column_names:
            return table.column(name)
    return pa.chunked_array([pa.array(np.arange(table.num_rows))])
