"""The inner loop of ``clusters``: groups joined link by link, in machine code.

numba is imported here at once, so that what is compiled can be kept on disk; only the function that needs it imports
this module.
"""

from __future__ import annotations

from typing import Any

import numba  # noqa: TID253
import numpy as np

from commonground.people.clusters import AGAINST, CONFLICT, JOINED, ONCE, WITHIN

# A group is a linked list of its rows, from its root along `following`; `up` leads from every row to the root.


@numba.njit(cache=True)
def root(up: Any, x: int) -> int:
    """Root of the group of a row."""
    while up[x] != x:
        up[x] = up[up[x]]
        x = up[x]
    return x


@numba.njit(cache=True)
def shares_source(x: int, y: int, following: Any, source: Any, stamp: Any, turn: int) -> bool:
    """Whether two groups hold records of one source in which a person stands once."""
    while x >= 0:
        if source[x] >= 0:
            stamp[source[x]] = turn
        x = following[x]
    while y >= 0:
        if source[y] >= 0 and stamp[source[y]] == turn:
            return True
        y = following[y]
    return False


@numba.njit(cache=True)
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


@numba.njit(cache=True)
def verdict(
    x: int, y: int, turn: int, up: Any, following: Any, size: Any, near: Any, source: Any, stamp: Any,
    key: Any, missing: int,
) -> int:  # fmt: skip
    """Say what becomes of the link between two groups."""
    for k in range(key.shape[1]):
        if key[x, k] >= 0 and key[y, k] >= 0 and key[x, k] != key[y, k]:
            return CONFLICT
    if shares_source(x, y, following, source, stamp, turn):
        return ONCE
    if size[x] * size[y] == 1:
        return JOINED
    total, count = evidence(x, y, up, following, near[0], near[1], near[2])
    return AGAINST if total + missing * (size[x] * size[y] - count) < 0 else JOINED


@numba.njit(cache=True)
def join(a: Any, b: Any, near: Any, source: Any, key: Any, missing: int, up: Any, fate: Any) -> None:
    """Join the groups of the pairs in their order; ``up`` comes back as the root of each row."""
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
