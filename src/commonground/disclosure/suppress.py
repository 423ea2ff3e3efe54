"""Suppression: small counts, and as many others as it takes that totals do not give them back; then rounding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonground.disclosure.attack import attack, needed
from commonground.disclosure.model import Audit, CountTable, Ints, PolicyLike, SafeTable, Shown, with_margins


def round_counts(values: ArrayLike, base: int) -> Ints:
    """Round counts to the nearest multiple of ``base``, halves up; each by itself."""
    array = np.asarray(values, dtype=np.int64)
    rounded: Ints = (2 * array + base) // (2 * base) * base
    return rounded


def _lines(index: tuple[int, ...], shape: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Give the sums that an entry takes part in, each as the list of its entries."""
    for axis, length in enumerate(shape):
        yield [(*index[:axis], k, *index[axis + 1 :]) for k in range(length)]


def _cost(
    entry: tuple[int, ...], full: Ints, shown: NDArray[np.int8], precious: NDArray[np.bool_], slack: int
) -> tuple[bool, int, int, int, tuple[int, ...]]:
    """Order entries by what hiding them costs.

    Cells that readers need come last, inner cells before totals, those whose other sums already hold an unknown
    before those that would need a partner of their own, then small before large; but an entry just above the threshold
    shelters little, since everybody sees that it is not below.
    """
    totals = sum(i == n - 1 for i, n in zip(entry, full.shape, strict=True))
    alone = sum(all(shown[e] == Shown.VALUE for e in line) for line in _lines(entry, full.shape))
    count = int(full[entry])
    return (bool(precious[entry]), totals, alone, count if count >= slack else count + 10 * slack, entry)


def _partner(
    index: tuple[int, ...], full: Ints, shown: NDArray[np.int8], table: CountTable, slack: int, *, lone: bool
) -> tuple[int, ...] | None:
    """Choose the cheapest entry that shares a sum with ``index``; with ``lone``, one that it alone keeps."""
    free: set[tuple[int, ...]] = set()
    fixed, precious = table.known_zero, table.precious
    for line in _lines(index, full.shape):
        if lone and sum(shown[entry] != Shown.VALUE for entry in line) != 1:
            continue
        free |= {entry for entry in line if shown[entry] == Shown.VALUE and not fixed[entry]}
    return min(free, key=lambda entry: _cost(entry, full, shown, precious, slack), default=None)


def _single(shown: NDArray[np.int8]) -> tuple[int, ...] | None:
    """Find an entry that is the only unknown of one of its sums: recovered by a subtraction, no programme needed."""
    for axis in range(shown.ndim):
        held = (shown != Shown.VALUE).sum(axis=axis, keepdims=True) == 1
        lone = held & (shown != Shown.VALUE)
        if lone.any():
            return tuple(int(i) for i in np.argwhere(lone)[0])
    return None


def _choose(full: Ints, table: CountTable, policy: PolicyLike) -> tuple[NDArray[np.int8], Audit]:
    """Mark what is not shown: small entries, then partners until the attacker fails."""
    fixed = table.known_zero
    small = (full < policy.cell_threshold) & ~fixed
    shown = np.where(small, Shown.SMALL, Shown.VALUE).astype(np.int8)
    slack = policy.cell_threshold + needed(policy)
    while True:
        lone = _single(shown)
        if lone is None:
            result = attack(full, shown, policy)
            if result.safe:
                return shown, result
            targets = [finding.index for finding in result.narrow]
        else:
            targets = [lone]
        progress = False
        touched: set[tuple[int, int]] = set()  # sums that got a partner in this round: the next attack judges them
        for index in targets:
            if any((axis, i) in touched for axis, i in enumerate(index)):
                continue
            partner = _partner(index, full, shown, table, slack, lone=True)
            partner = partner or _partner(index, full, shown, table, slack, lone=False)
            if partner is not None:
                shown[partner] = Shown.HIDDEN
                touched |= set(enumerate(partner)) | set(enumerate(index))
                progress = True
        if not progress:
            last = _any_left(full, shown, fixed)
            if last is None:
                return shown, attack(full, shown, policy)
            shown[last] = Shown.HIDDEN


def _any_left(full: Ints, shown: NDArray[np.int8], fixed: NDArray[np.bool_]) -> tuple[int, ...] | None:
    free = np.argwhere((shown == Shown.VALUE) & ~fixed)
    if not len(free):
        return None
    candidates = [tuple(int(i) for i in index) for index in free]
    return min(candidates, key=lambda e: (sum(i == n - 1 for i, n in zip(e, full.shape, strict=True)), int(full[e])))


def _controlled(full: Ints, published: NDArray[np.bool_], base: int, threshold: int) -> Ints:
    """Round so that every sum whose entries are all published still adds up (Cox 1987, JASA 82).

    Each entry goes to one of its two neighbouring multiples. Only published entries decide, so that the choice says
    nothing about the others. Where no such rounding exists (rare, three dimensions), each is rounded by itself.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    floor = full // base * base
    rest = full - floor
    number = np.where(published, np.cumsum(published).reshape(full.shape) - 1, -1)
    n = int(published.sum())
    rows: list[int] = []
    columns: list[int] = []
    signs: list[float] = []
    right: list[float] = []
    for axis in range(full.ndim):
        for start in itertools.product(*(range(k) if a != axis else [0] for a, k in enumerate(full.shape))):
            line = [(*start[:axis], k, *start[axis + 1 :]) for k in range(full.shape[axis])]
            if not all(published[e] for e in line):
                continue
            sign = [1.0] * (len(line) - 1) + [-1.0]
            right.append(-sum(s * float(floor[e]) for s, e in zip(sign, line, strict=True)) / base)
            rows += [len(right) - 1] * len(line)
            columns += [int(number[e]) for e in line]
            signs += sign
    if not right:
        return round_counts(full, base)
    left = rest[published].astype(float)
    upper = (left > 0).astype(float)  # a multiple stays as it is
    lower = ((floor[published] < threshold) & (left > 0) & (full[published] >= threshold)).astype(float)
    matrix = csr_array((signs, (rows, columns)), shape=(len(right), n))
    answer = milp(
        base - 2 * left,
        constraints=LinearConstraint(matrix, right, right),
        bounds=Bounds(lower, np.maximum(lower, upper)),
        integrality=np.ones(n),
    )
    if answer.x is None:
        return round_counts(full, base)
    rounded = floor.copy()
    rounded[published] += base * np.rint(answer.x).astype(np.int64)
    return rounded


def suppress(table: CountTable, policy: PolicyLike) -> SafeTable:
    """Hold back small counts and what would give them back, round the rest.

    Parameters
    ----------
    table : CountTable
        Exact counts.
    policy : Policy
        ``cell_threshold`` and ``rounding`` are used.

    Returns
    -------
    SafeTable
        Every total whose parts are all shown is the sum of them; the attacker of ``attack`` recovers nothing, or
        nothing at all is shown.
    """
    full = with_margins(table.counts)
    shown, _ = _choose(full, table, policy)
    base = max(policy.rounding, 1)
    published = shown == Shown.VALUE
    rounded = full if base == 1 else _controlled(full, published, base, policy.cell_threshold)
    values = np.where(published, rounded, -1)
    return SafeTable(table.name, table.axes, values, shown, policy.cell_threshold, base)
