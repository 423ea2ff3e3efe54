"""Pairs of units that may be one person, with what agrees in them; a pair depends on the two and the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people import numbers
from commonground.people.blocking import RULES, parts
from commonground.people.compare import FIELDS, compare
from commonground.people.frozen import RARE_LEVELS, Frozen

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.int8]
Keys = npt.NDArray[np.uint32]
Keyed = tuple[Ints, Keys]
"""Rows and their keys, sorted by key; a row may stand several times."""
AT = {name: i for i, name in enumerate(FIELDS)}
_PART = 250_000
"""Pairs that are compared at once."""


@dataclass(frozen=True)
class Edges:
    """Pairs of units, the one that is linked later first, with levels (pairs, fields) and log odds, once weighed."""

    a: Ints
    b: Ints
    levels: Levels
    odds: Floats

    def __len__(self) -> int:
        return len(self.a)

    def take(self, at: Ints | Bools) -> Edges:
        """Give some of the pairs."""
        return Edges(self.a[at], self.b[at], self.levels[at], self.odds[at])


def keys_of(people: People) -> list[Keyed]:
    """Rows and keys for each rule, sorted by key, without those that are missing; ``people`` as of ``stable``.

    Keys are cut to 32 bits, by which an index of millions is half as large: two keys in some billions are taken for
    one, and a pair more is compared.
    """
    every = parts(people, np.arange(len(people)))
    out = []
    for _, names in RULES:
        rows, keys = every.key(*names)
        there = np.flatnonzero(keys >= 0)
        short = (keys[there] & 0xFFFFFFFF).astype(np.uint32)
        order = np.argsort(short, kind="stable")
        out.append((rows[there][order], short[order]))
    return out


def crowded_keys(keys: Sequence[Keyed]) -> tuple[Keys, ...]:
    """Find for each rule the keys that more rows share than the rule allows."""
    out = []
    for (cap, _), (_, key) in zip(RULES, keys, strict=True):
        values, count = np.unique(key, return_counts=True)
        out.append(values[count > cap])
    return tuple(out)


PER_RECORD = 300
"""Pairs that may be compared for each record where nobody says how many in all."""


def pairs_of(keys: Sequence[Keyed], crowded: Sequence[Keys]) -> int:
    """Count the pairs that the rules give before any is joined, those that two rules find twice.

    Parameters
    ----------
    keys, crowded : sequences
        For each rule, rows and keys sorted by key, and the keys that are skipped.
    """
    total = 0
    for mine, skip in zip(keys, crowded, strict=True):
        count = np.unique(without(mine, skip)[1], return_counts=True)[1].astype(np.int64)
        total += int((count * (count - 1) // 2).sum())
    return total


def within_budget(keys: Sequence[Keyed], crowded: Sequence[Keys], budget: int) -> tuple[Keys, ...]:
    """Skip more keys, those of most rows first, until the pairs of the rest keep to ``budget``.

    Parameters
    ----------
    keys, crowded : sequences
        As for ``pairs_of``.
    budget : int
        Most pairs; 0 for ``PER_RECORD`` times the rows that have a key.

    Returns
    -------
    tuple of arrays
        For each rule, sorted, the keys that are skipped.
    """
    rows = max((int(mine[0].max(initial=-1)) + 1 for mine in keys), default=0)
    counted = [np.unique(without(mine, skip)[1], return_counts=True) for mine, skip in zip(keys, crowded, strict=True)]
    sizes = np.concatenate([count for _, count in counted]).astype(np.int64)
    size, keys_of_size = np.unique(sizes, return_counts=True)
    pairs = np.cumsum(keys_of_size * (size * (size - 1) // 2))
    enough = np.flatnonzero(pairs <= (budget or PER_RECORD * rows))
    most = int(size[enough[-1]]) if len(enough) else 1
    both = zip(counted, crowded, strict=True)
    return tuple(np.union1d(skip, values[count > most]) for (values, count), skip in both)


MOST = 4
"""How many times a rule's cap a key may grow after training before it is skipped all the same."""


def overgrown(keys: Sequence[Keyed], crowded: Sequence[Keys]) -> tuple[Keys, ...]:
    """Crowded keys together with those that have grown beyond ``MOST`` caps: the pairs of a key never explode."""
    out = []
    for (cap, _), (_, key), known in zip(RULES, keys, crowded, strict=True):
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
        count = np.diff(np.append(first, len(key)))
        out.append(np.union1d(known, key[first][count > MOST * cap]))
    return tuple(out)


def outgrows(old: Sequence[Sequence[Keyed]], fresh: Sequence[Keyed], crowded: Sequence[Keys]) -> bool:
    """Whether some key that is not ``crowded`` would have grown too far with the rows of ``fresh``."""
    for rule, ((cap, _), mine, known) in enumerate(zip(RULES, fresh, crowded, strict=True)):
        values, count = np.unique(without(mine, known)[1], return_counts=True)
        for part in old:
            key = part[rule][1]
            count = count + np.searchsorted(key, values, "right") - np.searchsorted(key, values, "left")
        if (count > MOST * cap).any():
            return True
    return False


def without(keyed: Keyed, crowded: Keys) -> Keyed:
    """Leave out rows whose key is crowded."""
    if not len(crowded) or not len(keyed[1]):
        return keyed
    place = np.minimum(np.searchsorted(crowded, keyed[1]), len(crowded) - 1)
    keep = crowded[place] != keyed[1]
    return keyed[0][keep], keyed[1][keep]


Find = Callable[[Sequence[Keyed], Sequence[Keyed], Sequence[Keys], int], tuple[Ints, Ints]]
"""What finds pairs: see ``find``."""


def find(fresh: Sequence[Keyed], every: Sequence[Keyed], crowded: Sequence[Keys], size: int) -> tuple[Ints, Ints]:
    """Pairs (fresh row, any row) that share a key of some rule, each once, in order; both may hold the same rows.

    Parameters
    ----------
    fresh, every : sequences of (rows, keys)
        For each rule, sorted by key.
    crowded : sequence of int arrays
        For each rule, keys that are skipped.
    size : int
        More than any row.
    """
    found = []
    for left, right, skip in zip(fresh, every, crowded, strict=True):
        rows_a, rows_b = _joined(without(left, skip), right)
        low, high = np.minimum(rows_a, rows_b), np.maximum(rows_a, rows_b)
        found.append(_once(low[low != high] * np.int64(size) + high[low != high]))
    packed = _once(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return np.divmod(packed, np.int64(size))


def _joined(left: Keyed, right: Keyed) -> tuple[Ints, Ints]:
    """Rows with equal keys; both sides are sorted by key."""
    low, high = np.searchsorted(right[1], left[1], "left"), np.searchsorted(right[1], left[1], "right")
    size = high - low
    begin = np.cumsum(size) - size
    at = np.repeat(low - begin, size) + np.arange(int(size.sum()))
    return np.repeat(left[0], size), right[0][at].astype(np.int64)


def _once(packed: Ints) -> Ints:
    """Each value once, in order; by sorting, which is faster on millions of numbers than a table of hashes."""
    packed = np.sort(packed)
    out: Ints = packed[np.append(True, packed[1:] != packed[:-1])[: len(packed)]]
    return out


def counted_once(levels: Levels) -> Levels:
    """Take birth, sex and county out of pairs whose numbers agree, if but nearly: the number contains all three.

    The same village or address says more than the county, and stays.
    """
    levels = levels.copy()
    same = levels[:, AT["id"]] >= numbers.NEAR
    for name, above, below in (("birth", 3, 99), ("sex", 1, 99), ("place", 1, 3)):
        column = levels[:, AT[name]]
        column[same & (column > above) & (column < below)] = 0
    return levels


def by_number(levels: Levels) -> Bools:
    """Pairs that need no weighing: the same valid number, and a name alike, or no name but the same birth."""
    name, birth = levels[:, AT["name"]], levels[:, AT["birth"]]
    alike = (name >= 4) | ((name == 0) & (birth >= 4) & (levels[:, AT["sex"]] != 1))
    found: Bools = (levels[:, AT["id"]] == numbers.SAME) & alike
    return found


def rarity(rare: Floats, levels: Levels, u: Floats) -> Floats:
    """Adjust the chance of agreeing by accident to how common the very name is (log, added to u).

    Winkler's frequency adjustment: agreeing on a rare name is stronger evidence than on a common one. ``rare`` is
    ``Rarity.shares`` of the record of each pair.
    """
    level = levels[:, AT["name"]]
    out = np.zeros(len(levels))
    for k, value in enumerate(RARE_LEVELS):
        at = (level == value) & (rare[:, k] != 0)
        out[at] = rare[at, k] - np.log(u[value])
    return np.clip(out, -7.0, 7.0)


def log_odds(model: fs.Model, levels: Levels, rare: Floats) -> Floats:
    """Log odds (natural) that pairs are one person; those that need no weighing get 10 more.

    Rounded, so that a pair has the same odds wherever it stands in an array.
    """
    sure = by_number(levels)
    odds = fs.weights(model, counted_once(levels), rarity(rare, levels, model.u["name"]))
    odds[sure] = np.maximum(odds[sure], 0.0) + 10.0
    rounded: Floats = np.round(odds, 6)
    return rounded


def compared(people: People, a: Ints, b: Ints) -> Levels:
    """Compare pairs of rows, some at a time; of few pairs only the rows that they hold are looked at."""
    if 2 * len(a) < len(people):
        rows, at = np.unique(np.concatenate([a, b]), return_inverse=True)
        people, a, b = people.take(rows), at[: len(a)], at[len(a) :]
    some = [compare(people, a[at : at + _PART], b[at : at + _PART]) for at in range(0, len(a), _PART)]
    return np.concatenate(some) if some else np.zeros((0, len(FIELDS)), dtype=np.int8)


def weigh(frozen: Frozen, dataset: Ints, names: Sequence[str], edges: Edges, rare: Floats) -> Floats:
    """Log odds of each pair by the model of its first unit's dataset (``names``)."""
    odds = np.zeros(len(edges))
    mine = dataset[edges.a]
    for k in np.unique(mine).tolist():
        at = np.flatnonzero(mine == k)
        odds[at] = log_odds(frozen.model(names[k]), edges.levels[at], rare[edges.a[at]])
    return odds
