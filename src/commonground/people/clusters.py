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

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
UNTRIED, JOINED, WITHIN, ONCE, CONFLICT, AGAINST = 0, 1, 2, 3, 4, 5
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
        from commonground.people.clusters_kernel import join

        pairs = np.ascontiguousarray(a[tried]), np.ascontiguousarray(b[tried])
        found = np.zeros(len(tried), dtype=np.int8)
        missing = round(absent * PARTS)
        join(*pairs, _neighbours(rows, a, b, fixed), source, known.copy(), missing, group, found)
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
