"""Ids of persons that outlive a build: which person of today is which of yesterday, and what merged, split or moved.

An id is a running number: it says nothing about its person. It goes to the successor that holds most of the records
that it had; of several ids that one person could take, it takes the one that brings most records. The others end in a
merge; persons that get none are given new numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
MERGE, SPLIT, MOVE = 0, 1, 2
KINDS = ("merge", "split", "move")
"""What can happen to ids: one ends in another; part of its records get an id of their own; records go to another id."""


@dataclass(frozen=True)
class Events:
    """What happened to ids, one line a pair of ids.

    ``kind`` is a place in ``KINDS``; ``before`` the id that records had, ``after`` the one that they have; ``records``
    how many.
    """

    kind: Ints
    before: Ints
    after: Ints
    records: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def count(self, kind: int) -> int:
        """Lines of one kind."""
        return int((self.kind == kind).sum())


@dataclass(frozen=True)
class Named:
    """The id of each person, the next id that is free, and what happened to the ids of before."""

    ids: Ints
    next: int
    minted: int
    events: Events


def succeed(person: Ints, old: Ints, age: Ints, persons: int, following: int) -> Named:
    """Give persons their ids.

    Parameters
    ----------
    person : int array (records,)
        Person of each record, 0 … ``persons`` - 1.
    old : int array (records,)
        Id that each record had, -1 for a new record.
    age : int array (records,)
        By which ties are broken: the oldest record is the least. Must not depend on the order of arrays.
    persons : int
        How many there are.
    following : int
        The next free id.

    Returns
    -------
    Named
        Ids and events.
    """
    had = np.flatnonzero(old >= 0)
    had = had[np.lexsort((age[had], person[had], old[had]))]
    a, b = old[had], person[had]
    first = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))[: len(had)])
    size = np.diff(np.append(first, len(had)))
    was, now, oldest = a[first], b[first], age[had][first]
    heir = _firsts(np.lexsort((oldest, -size, was)), was)  # of each id, the person with most of its records
    claims = np.flatnonzero(heir)
    winner = claims[_firsts(np.lexsort((was[claims], -size[claims], now[claims])), now[claims])]
    ids = np.full(persons, -1, dtype=np.int64)
    ids[now[winner]] = was[winner]
    new = np.flatnonzero(ids < 0)
    eldest = np.full(persons, np.iinfo(np.int64).max)
    np.minimum.at(eldest, person, age)
    new = new[np.argsort(eldest[new], kind="stable")]
    ids[new] = following + np.arange(len(new))
    return Named(ids, following + len(new), len(new), _events(was, ids[now], size, following))


def _firsts(order: Ints, group: Ints) -> npt.NDArray[np.bool_]:
    """Mark the first of each group in ``order``, which begins with the group."""
    sorted_ = group[order]
    out = np.zeros(len(group), dtype=bool)
    out[order[np.append(True, sorted_[1:] != sorted_[:-1])[: len(order)]]] = True
    return out


def _events(was: Ints, now: Ints, size: Ints, following: int) -> Events:
    """Read events from pairs of an old id and the id that some of its records have now."""
    stayed = was == now
    alive = np.isin(was, now)
    kind = np.where(now >= following, SPLIT, np.where(alive, MOVE, MERGE))
    at = np.flatnonzero(~stayed)
    # an id that ended and whose records went several ways: the most are its merge, the others moved
    order = at[np.lexsort((now[at], -size[at], was[at]))]
    return Events(kind[order], was[order], now[order], size[order])
