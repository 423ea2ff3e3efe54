"""Which records are one person, from weighed pairs: the surest link first, and none that contradicts.

Every record begins alone. Links are tried from the surest down, and two groups become one unless

- a rule forbids it: a source in which a person stands once is in both groups, or both groups hold a key (a valid
  identity number) that is known and not the same;
- all that was compared between the two groups, taken together, speaks against it. A chain of good links alone does not
  make one person of two who are plainly different.

The sum of the log odds between two groups is what the likelihood of the grouping gains when they become one, if pairs
are taken as independent: the objective of correlation clustering (Bansal, Blum and Chawla 2004, Machine Learning 56),
for which to join greedily from the strongest down is the method of Keuper et al. (2015, ICCV). One link within a source
at most is the rule of single best links (Splink 4.0.7 has it for sources without duplicates).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
UNTRIED, JOINED, WITHIN, ONCE, CONFLICT, AGAINST = range(6)
"""What became of a pair: too weak to be tried, joined two groups, was within one already, or was refused because both
groups hold a record of a source in which a person stands once, or different keys, or more speaks against than for."""
PARTS = 1_000_000
"""Weights are added in whole millionths of a bit, so that no order of adding changes a sum."""
MOST_BITS = 60.0


@dataclass(frozen=True)
class Clusters:
    """Groups of records that are one person each.

    Attributes
    ----------
    cluster : int array (rows,)
        Number of each row's group, from 0 in the order of the groups' first rows.
    fate : int8 array (pairs,)
        What became of each pair in the end: ``UNTRIED``, ``JOINED``, ``WITHIN``, ``ONCE``, ``CONFLICT`` or ``AGAINST``.
    """

    cluster: Ints
    fate: npt.NDArray[np.int8]

    @property
    def refused(self) -> Bools:
        """Pairs that were sure enough by themselves and yet lie in two groups, for somebody to look at."""
        return self.fate >= ONCE


def join_best(
    rows: int,
    a: Ints,
    b: Ints,
    weight: Floats,
    *,
    least: float = 0.0,
    once: Ints | None = None,
    keys: Ints | None = None,
    absent: float = 0.0,
    rank: Ints | None = None,
) -> Clusters:
    """Group rows by the best links among them.

    Parameters
    ----------
    rows : int
        Number of rows; a row in no pair is a group by itself.
    a, b : int arrays (pairs,)
        Rows of each pair compared, also of those that speak against being one person; a pair at most once.
    weight : array (pairs,)
        Log2 of the odds that the two are one person, prior included; beyond 60 bits it counts as 60.
    least : float
        Least weight of a link that is tried.
    once : int array (rows,), optional
        Number of the row's source where a person stands once in it, -1 where a person may stand in it several times.
    keys : int array (rows,) or (rows, kinds), optional
        Numbers that one person has one of (a valid identity number), -1 where not known.
    absent : float
        What a pair that was not compared counts between two groups, in bits (0 or below).
    rank : int array (rows,), optional
        Order by which equal weights are taken, each number once; the rows' own order by default. With a rank that
        belongs to the records, such as that of their ids, the groups do not depend on the order of the rows.

    Returns
    -------
    Clusters
        Groups, and what became of each pair.
    """
    order_of = np.arange(rows) if rank is None else np.asarray(rank, dtype=np.int64)
    fixed = np.rint(np.clip(weight, -MOST_BITS, MOST_BITS) * PARTS).astype(np.int64)
    first, second = np.minimum(order_of[a], order_of[b]), np.maximum(order_of[a], order_of[b])
    tried = np.flatnonzero((weight >= least) & (a != b))
    tried = tried[np.lexsort((second[tried], first[tried], -fixed[tried]))]
    source = np.full(rows, -1, dtype=np.int64) if once is None else np.asarray(once, dtype=np.int64)
    known = np.zeros((rows, 0), dtype=np.int64) if keys is None else np.asarray(keys, dtype=np.int64).reshape(rows, -1)
    group = np.arange(rows)
    fate = np.zeros(len(a), dtype=np.int8)
    if rows:
        pairs = np.ascontiguousarray(a[tried]), np.ascontiguousarray(b[tried])
        found = np.zeros(len(tried), dtype=np.int8)
        missing = np.int64(round(absent * PARTS))
        _kernel()(*pairs, _neighbours(rows, a, b, fixed), source, known.copy(), missing, group, found)
        fate[tried] = np.where((found >= ONCE) & (group[a[tried]] == group[b[tried]]), WITHIN, found)
    return Clusters(_numbered(group), fate)


def _neighbours(rows: int, a: Ints, b: Ints, value: Ints) -> tuple[Ints, Ints, Ints]:
    """For each row where its neighbours begin, and all neighbours with their weights, row by row."""
    left, right = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.argsort(left, kind="stable")
    start = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(left, minlength=rows), out=start[1:])
    return start, right[order], np.concatenate([value, value])[order]


def _numbered(group: Ints) -> Ints:
    """Number groups from 0 in the order of their first rows."""
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    numbered: Ints = place[inverse]
    return numbered


# A group is a linked list of its rows, from its root along `following`; `up` leads from every row to the root.
@cache
def _root() -> Callable[..., Any]:
    import numba

    def root(up: Any, x: int) -> int:
        while up[x] != x:
            up[x] = up[up[x]]
            x = up[x]
        return x

    compiled: Callable[..., Any] = numba.njit(cache=True)(root)
    return compiled


@cache
def _shares_source() -> Callable[..., Any]:
    import numba

    def shares_source(x: int, y: int, following: Any, source: Any, stamp: Any, turn: int) -> bool:
        while x >= 0:
            if source[x] >= 0:
                stamp[source[x]] = turn
            x = following[x]
        while y >= 0:
            if source[y] >= 0 and stamp[source[y]] == turn:
                return True
            y = following[y]
        return False

    compiled: Callable[..., Any] = numba.njit(cache=True)(shares_source)
    return compiled


@cache
def _evidence() -> Callable[..., Any]:
    import numba

    root = _root()

    def evidence(x: int, y: int, up: Any, following: Any, start: Any, other: Any, value: Any) -> Any:
        """Sum of the weights between group x and group y, and their number."""
        total, count = 0, 0
        while x >= 0:
            for k in range(start[x], start[x + 1]):
                if root(up, other[k]) == y:
                    total += value[k]
                    count += 1
            x = following[x]
        return total, count

    compiled: Callable[..., Any] = numba.njit(cache=True)(evidence)
    return compiled


@cache
def _verdict() -> Callable[..., Any]:
    import numba

    shares_source, evidence = _shares_source(), _evidence()

    def verdict(
        x: int, y: int, turn: int, up: Any, following: Any, size: Any, near: Any, source: Any, stamp: Any,
        key: Any, missing: int,
    ) -> int:  # fmt: skip
        for k in range(key.shape[1]):
            if key[x, k] >= 0 and key[y, k] >= 0 and key[x, k] != key[y, k]:
                return CONFLICT
        if shares_source(x, y, following, source, stamp, turn):
            return ONCE
        if size[x] * size[y] == 1:
            return JOINED
        total, count = evidence(x, y, up, following, near[0], near[1], near[2])
        return AGAINST if total + missing * (size[x] * size[y] - count) < 0 else JOINED

    compiled: Callable[..., Any] = numba.njit(cache=True)(verdict)
    return compiled


@cache
def _kernel() -> Callable[..., Any]:
    import numba

    root, verdict = _root(), _verdict()

    def join(a: Any, b: Any, near: Any, source: Any, key: Any, missing: int, up: Any, fate: Any) -> None:
        rows = len(up)
        following, last, size = np.full(rows, -1, np.int64), np.arange(rows), np.ones(rows, np.int64)
        links, stamp = near[0][1:] - near[0][:-1], np.full(source.max() + 2, -1, np.int64)
        slots = 1 << 12  # what was refused is not worked out again until one of the two groups has grown
        while slots < 2 * rows and slots < 1 << 22:
            slots *= 2
        seen = np.full((slots, 4), -1, np.int64)
        for turn in range(len(a)):
            x, y = root(up, a[turn]), root(up, b[turn])
            if x == y:
                fate[turn] = WITHIN
                continue
            if links[x] > links[y] or (links[x] == links[y] and x > y):
                x, y = y, x
            slot, grown = (x * 1_000_003 ^ y) & (slots - 1), size[x] + size[y]
            if seen[slot, 0] == x and seen[slot, 1] == y and seen[slot, 2] == grown:
                fate[turn] = seen[slot, 3]
                continue
            fate[turn] = verdict(x, y, turn, up, following, size, near, source, stamp, key, missing)
            if fate[turn] != JOINED:
                seen[slot, 0], seen[slot, 1], seen[slot, 2], seen[slot, 3] = x, y, grown, fate[turn]
                continue
            up[x] = y  # the group with fewer links is taken into the other
            following[last[y]], last[y] = x, last[x]
            size[y], links[y] = grown, links[x] + links[y]
            for k in range(key.shape[1]):
                key[y, k] = max(key[x, k], key[y, k])
        for i in range(rows):
            up[i] = root(up, i)

    compiled: Callable[..., Any] = numba.njit(cache=True)(join)
    return compiled
