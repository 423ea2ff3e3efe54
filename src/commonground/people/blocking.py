"""Which pairs are worth comparing: joins on keys of whole numbers.

A pair is a candidate when any rule's key is equal on both sides. The rules are chosen so that one slip in any one
field leaves another rule that finds the pair; a key that too many share (a common name without a date) is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.births import NO_DAY, civil

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Keyed = tuple[Ints, Ints]
"""Rows and their keys; a row may stand several times."""


def mix(*columns: Ints) -> Ints:
    """Make one key of several columns; -1 where any of them is negative (missing)."""
    with np.errstate(over="ignore"):
        key = np.zeros(columns[0].shape, dtype=np.uint64)
        missing = np.zeros(columns[0].shape, dtype=bool)
        for column in columns:
            missing |= column < 0
            key = (key ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    out: Ints = (key >> np.uint64(1)).astype(np.int64)
    out[missing] = -1
    return out


def join(a: Keyed, b: Keyed, cap: int) -> tuple[Ints, Ints]:
    """Pairs of rows with equal keys; keys with more than ``cap`` rows in ``b`` are skipped."""
    known_a, known_b = np.flatnonzero(a[1] >= 0), np.flatnonzero(b[1] >= 0)
    keys_a, keys_b = a[1][known_a], b[1][known_b]
    first = np.argsort(keys_a, kind="stable")  # sorted on both sides, a search stays where it was
    rows_a, keys_a = a[0][known_a][first], keys_a[first]
    order = np.argsort(keys_b, kind="stable")
    keys_b, rows_b = keys_b[order], b[0][known_b][order]
    low, high = np.searchsorted(keys_b, keys_a, "left"), np.searchsorted(keys_b, keys_a, "right")
    size = np.where(high - low <= cap, high - low, 0)
    left = np.repeat(rows_a, size)
    start = (
        np.repeat(low - np.concatenate([[0], np.cumsum(size)[:-1]]), size) if len(size) else np.zeros(0, dtype=np.int64)
    )
    right = rows_b[start + np.arange(len(left))] if len(left) else np.zeros(0, dtype=np.int64)
    return left, right


@dataclass(frozen=True)
class Parts:
    """Columns of keys for some rows."""

    rows: Ints
    columns: dict[str, Ints]

    def key(self, *names: str) -> Keyed:
        """Rows and keys of a rule; columns with several values a row give an entry for each choice of values."""
        width = [self.columns[n].shape[1] if self.columns[n].ndim > 1 else 1 for n in names]

        def at(name: str, k: int) -> Ints:
            column = self.columns[name]
            return column[:, k] if column.ndim > 1 else column

        chosen = list(product(*(range(w) for w in width)))
        parts = [mix(*(at(n, k) for n, k in zip(names, one, strict=True))) for one in chosen]
        return np.tile(self.rows, len(chosen)), np.concatenate(parts) if len(chosen) > 1 else parts[0]


def parts(p: People, rows: Ints) -> Parts:
    """Prepare the columns that rules use."""
    t = p.names

    def named(column: Ints, attribute: Ints) -> Ints:
        if not len(attribute):
            return np.full(len(rows), -1, dtype=np.int64)
        found: Ints = np.where(column[rows] >= 0, attribute[np.maximum(column[rows], 0)], -1)
        return found

    day = p.day[rows]
    known = day != NO_DAY
    year, month, _ = civil(np.where(known, day, 0))
    sound, typed = named(p.name, t.sound), named(p.pinyin, t.sound)
    return Parts(
        rows,
        {
            "id": p.id[rows],
            "student": p.student[rows],
            "sound": np.column_stack([sound, np.where(typed == sound, -1, typed)]),
            "fold": named(p.name, t.fold),
            "surname": named(p.name, t.surname),
            "given": named(p.name, t.given),
            "day": np.where(known, day + 100_000, -1),
            "year": np.where(known, year, -1),
            "month": np.where(known, year * 12 + month, -1),
            "sex": p.sex[rows],
            "school": _schools(p, rows),
            "cohort": p.cohort[rows],
            "class": p.klass[rows],
            "village": p.village[rows],
            "county": p.county[rows],
            "phone": p.phones[rows],
            "kin": p.kin_ids[rows],
            "nearby": p.county[rows][:, 0],
        },
    )


def _schools(p: People, rows: Ints) -> Ints:
    """The school, and those that a name can mean that fits several: as many columns as are in use."""
    used = np.flatnonzero((p.schools >= 0).any(axis=0))
    if not len(used):
        return p.school[rows]
    several: Ints = p.schools[np.ix_(rows, used)]
    several[:, 0] = np.where(p.school[rows] >= 0, p.school[rows], several[:, 0])
    return several


RULES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (100, ("id",)),
    (100, ("student",)),
    (300, ("sound", "year")),
    (300, ("day", "surname")),
    (300, ("day", "given")),
    (60, ("village", "day")),
    (60, ("village", "month", "sex")),
    (60, ("kin", "year")),
    (60, ("kin", "given")),
    (60, ("phone", "year")),
    (60, ("phone", "given")),
    (100, ("school", "cohort", "given")),
    (60, ("school", "cohort", "class", "surname")),
    (100, ("sound", "school")),
    (100, ("fold", "village")),
    (100, ("fold", "cohort", "nearby")),
    (40, ("fold", "nearby")),
    (30, ("sound",)),
)
"""Rules with the largest number of rows a key may have."""


@dataclass(frozen=True)
class Index:
    """Keys of all rules for all rows, made once: (largest number of rows a key, keys (rows, values))."""

    grids: tuple[tuple[int, Ints], ...]

    @classmethod
    def of(cls, p: People, rules: Sequence[tuple[int, tuple[str, ...]]] = RULES) -> Index:
        """Make the keys of all rows."""
        every = parts(p, np.arange(len(p)))
        made = []
        for cap, names in rules:
            keys = every.key(*names)[1]
            made.append((cap, keys.reshape(-1, len(p)).T.copy() if len(p) else keys.reshape(0, 1)))
        return cls(tuple(made))


Find = Callable[[Index, Ints, Ints, Callable[[Ints], Ints]], tuple[Ints, Ints]]
"""What finds candidates as ``candidates`` does; ``candidates_sql`` has one for an engine."""


def candidates(index: Index, a: Ints, b: Ints, group: Callable[[Ints], Ints] = lambda rows: rows) -> tuple[Ints, Ints]:
    """Pairs (row of ``a``, group of a row of ``b``) that at least one rule finds, each once and in order."""
    total = np.int64(max(a.max(initial=0), b.max(initial=0), index.grids[0][1].shape[0]) + 1)
    found = []
    for cap, grid in index.grids:
        left, right = _flat(grid, a), _flat(grid, b)
        rows_a, rows_b = join(left, _within(left[1], right), cap)
        found.append(rows_a * total + group(rows_b))
    return np.divmod(np.unique(np.concatenate(found)), total)


def _flat(grid: Ints, rows: Ints) -> Keyed:
    return np.tile(rows, grid.shape[1]), grid[rows].T.ravel()


def _within(keys: Ints, keyed: Keyed) -> Keyed:
    """Leave out most rows whose key does not occur in ``keys``, by the last bits, before anything is sorted."""
    bits = np.int64((1 << 21) - 1)
    seen = np.zeros(int(bits) + 1, dtype=bool)
    seen[keys[keys >= 0] & bits] = True
    keep = np.flatnonzero((keyed[1] >= 0) & seen[keyed[1] & bits])
    return keyed[0][keep], keyed[1][keep]
