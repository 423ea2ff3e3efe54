"""Two tables, or one with itself, linked by the columns that one names: the core without a city around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.assign import best, compete
from commonground.people.fields import Field, read_fields
from commonground.people.priors import RELATIVES
from commonground.people.rules import Plan, budget_of, choose, given, pairs_of

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
IDS = ("unique_id", "record_id", "id")
SAMPLE = 60_000
"""Random pairs for the chances of levels that no value count gives."""
CHUNK = 1_000_000
PER_PERSON = 2.0
"""Relatives of a record in the other table, on average."""
NAMESAKES = 0.05
"""How much rarer one full name is among relatives of one surname than among strangers of one surname."""
LEFT = 0.05
"""Share of the agreeing pairs that stay unrelated at least: relatives agree too, and are no matches."""


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
        Rows; those of the right table follow the left's.
    levels : int8 array (pairs, fields)
        Level of agreement of each field.
    rarity : array (pairs, fields)
        How much rarer (above 0) or commoner than the average the agreeing value is, in bits.
    kinship : array (pairs,)
        What the pair loses because relatives agree like this too, in bits (0 or below).
    weight : array (pairs,)
        Log2 of the odds: prior, for each field log2(m / u) plus rarity, and kinship.
    """

    fields: tuple[Field, ...]
    model: fs.Model
    plan: Plan
    a: Ints
    b: Ints
    levels: Levels
    rarity: Floats
    kinship: Floats
    weight: Floats

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


def weigh_tables(
    left: pa.Table,
    right: pa.Table | None = None,
    *,
    fields: Sequence[str] | Mapping[str, str],
    seed: int = 0,
    rules: Sequence[Sequence[str]] | None = None,
    pair_budget: int | None = None,
) -> Weighed:
    """Find the pairs worth comparing and weigh each; arguments as for ``link_tables``."""
    other = left if right is None else right
    made = read_fields(left, other, fields)
    n = left.num_rows
    rows_a, rows_b = np.arange(n), np.arange(n, n + other.num_rows)
    budget = budget_of(n, other.num_rows) if pair_budget is None else pair_budget
    plan = choose(made, rows_a, rows_b, budget) if rules is None else given(made, rows_a, rows_b, rules, budget)
    a, b = pairs_of(made, plan, rows_a, rows_b)
    if right is None:
        a, b = a[a < b - n], b[a < b - n]
    levels = _levels(made, a, b)
    total = max(n * (n - 1) / 2 if right is None else float(n) * other.num_rows, 2.0)
    shares = _shares(made, n, right is None)
    model = _estimate(made, levels, _random(made, n, other.num_rows, right is None, seed), shares, n, total)
    rarity = _rarity(made, model, shares, a, levels)
    weight, kinship = _weight(model, made, levels, rarity)
    return Weighed(tuple(made), model, plan, a, b, levels, rarity, kinship, weight)


def _levels(fields: Sequence[Field], a: Ints, b: Ints) -> Levels:
    out = np.zeros((len(a), len(fields)), dtype=np.int8)
    for at in range(0, len(a), CHUNK):
        part = slice(at, at + CHUNK)
        for k, f in enumerate(fields):
            out[part, k] = f.compare(a[part], b[part])
    return out


def _random(fields: Sequence[Field], n: int, m: int, same: bool, seed: int) -> Levels:
    """Levels of random pairs."""
    if not n or not m:
        return np.zeros((0, len(fields)), dtype=np.int8)
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, n, SAMPLE), rng.integers(n, n + m, SAMPLE)
    if same:
        x, y = x[x != y - n], y[x != y - n]
    return _levels(fields, x, y)


@dataclass(frozen=True)
class _Share:
    """How often a key agrees by accident: among all pairs, and for each value among the records that have one."""

    level: int
    key: Ints
    among_all: float
    of_value: Floats


def _shares(fields: Sequence[Field], n: int, same: bool) -> list[list[_Share]]:
    """Exact shares of agreeing pairs from how often each value occurs."""
    out = []
    for f in fields:
        mine = []
        for level, key in f.keys:
            known = key[key >= 0]
            _, number = np.unique(known, return_inverse=True)
            dense = np.full(len(key), -1, dtype=np.int64)
            dense[key >= 0] = number
            size = int(number.max(initial=-1)) + 1
            a, b = (np.bincount(d[d >= 0], minlength=size).astype(np.float64) for d in (dense[:n], dense[n:]))
            pairs = (a * (a - 1)).sum() if same else (a * b).sum()
            total = a.sum() * (a.sum() - 1) if same else a.sum() * b.sum()
            both = a + b
            mine.append(_Share(level, dense, pairs / max(total, 1.0), both / max(both.sum(), 1.0)))
        out.append(mine)
    return out


def _estimate(
    fields: Sequence[Field], levels: Levels, random: Levels, shares: list[list[_Share]], n: int, total: float
) -> fs.Model:
    """Chances of the levels: u from value counts and random pairs, m and the share of matches by EM.

    Value counts hold the true pairs too; once EM has said how many these are they are taken out, and EM runs again.
    """
    names = tuple(f.name for f in fields)
    flat = {f.name: np.array([1.0] + [1.0 / f.levels] * f.levels) for f in fields}
    start = {}
    for f in fields:
        guess = np.array([0.05 / max(1, f.levels - 1)] * (f.levels - 1) + [0.95])
        start[f.name] = np.concatenate([[1.0], guess])
    sampled = fs.frequencies(random, names, flat, 0.5)
    seen, counts = fs.patterns(levels)
    matches = min(max(0.3 * n, 1.0) / total, 0.5)
    kin = PER_PERSON * n / total if any(f.kind == "person_name" for f in fields) else 1e-12
    kin = min(max(kin, 1e-12), 0.2)
    model = fs.Model(names, start, sampled, sampled, np.array([matches, kin, 1.0 - matches - kin]))
    for turn in range(2):
        taken = model.prior[0] if turn else 0.0
        u = {
            f.name: _exact(sampled[f.name], model.m[f.name], mine, taken, total)
            for f, mine in zip(fields, shares, strict=True)
        }
        begin = fs.Model(names, start, u, {f.name: _kin_chances(f, u[f.name]) for f in fields}, model.prior)
        model = fs.fit(begin, seen, counts, total, pseudo=5.0)
    return model


def _kin_chances(field: Field, u: Floats) -> Floats:
    """Chances of the levels among relatives: general figures where they differ from strangers', else the strangers'."""
    if field.kind == "person_name":  # half share the surname, and no two children of a family get one given name
        out = RELATIVES["name"].copy()
        of_surname = u[2] + u[4:].sum()
        out[5:] = NAMESAKES * u[5:] / max(of_surname, fs.FLOOR)
        out[1:] /= out[1:].sum()
        return out
    known = {"birth_date": "birth", "id_number": "id", "phone": "phone"}
    if field.kind in known:
        return RELATIVES[known[field.kind]]
    if field.kind in ("address", "text", "postcode"):  # a text may be a telephone, a home, a parent's name
        out = 0.5 * u
        out[0], out[field.levels] = 1.0, out[field.levels] + 0.5
        return out
    return u


def _exact(sampled: Floats, m: Floats, shares: list[_Share], taken: float, total: float) -> Floats:
    """Put the chances that value counts give in the place of those from random pairs."""
    out, above, exact = sampled.copy(), 0.0, []
    for share in shares:
        matched = float(m[share.level :].sum()) if taken else 0.0
        clean = max((share.among_all - matched * taken) / (1.0 - taken), 0.1 / total, LEFT * share.among_all)
        out[share.level] = max(clean - above, 0.1 / total)
        above = max(clean, above)
        exact.append(share.level)
    rest = [k for k in range(1, len(out)) if k not in exact]
    if rest:
        out[rest] *= max(1.0 - out[exact].sum(), fs.FLOOR) / out[rest].sum()
    else:
        out[1:] /= out[1:].sum()
    return out


def _rarity(fields: Sequence[Field], model: fs.Model, shares: list[list[_Share]], a: Ints, levels: Levels) -> Floats:
    """Winkler's frequency adjustment in bits: agreeing on a rare value says more than on a common one."""
    out = np.zeros(levels.shape)
    for k, (f, mine) in enumerate(zip(fields, shares, strict=True)):
        for share in mine:
            average = model.u[f.name][share.level :].sum()
            at = np.flatnonzero(levels[:, k] == share.level)
            value = share.key[a[at]]
            there = value >= 0
            bits = np.log2(average / share.of_value[value[there]])
            out[at[there], k] = np.clip(bits, -7.0, 7.0)
    return out


def _weight(model: fs.Model, fields: Sequence[Field], levels: Levels, rarity: Floats) -> tuple[Floats, Floats]:
    """Weight of each pair, and the part of it that relatives take away."""
    weight = np.zeros(len(levels))
    kin = np.full(len(levels), float(np.log2(model.prior[1] / model.prior[2])))
    for k, f in enumerate(fields):
        weight += level_bits(model, f.name)[levels[:, k]] + rarity[:, k]
        ratio = np.log2(np.maximum(model.f[f.name], fs.FLOOR) / np.maximum(model.u[f.name], fs.FLOOR))
        kin += ratio[levels[:, k]] + rarity[:, k]
    kinship = -np.logaddexp2(0.0, kin)
    return weight + float(np.log2(model.prior[0] / model.prior[2])) + kinship, kinship


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

    found = weigh_tables(left, right, fields=fields, seed=seed, rules=rules, pair_budget=pair_budget)
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
