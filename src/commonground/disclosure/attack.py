"""The attacker: what linear arithmetic gives back of the entries that a table does not show.

He knows every published entry exactly (more than the rounded numbers tell), that counts are not negative, that an
entry marked small is below the threshold, and that one marked hidden is not. For each suppressed entry the smallest
and largest value that fit all sums are the optima of a linear programme (Fischetti & Salazar 2000, Management
Science 47(7); Cox 1995, JASA 90). Most entries are proved wide by a few feasible tables seen on the way, so that only
the doubtful ones cost a programme of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonground.disclosure.model import Audit, CountTable, Finding, Ints, PolicyLike, SafeTable, Shown, with_margins

_EPS = 1e-6


@dataclass(frozen=True)
class Programme:
    """The attacker's equations over the suppressed entries.

    Attributes
    ----------
    index : ndarray of int64, shape (n, ndim)
        Position of each unknown in the table with margins.
    matrix : scipy sparse array, shape (m, n)
        Parts +1, total -1, one row a sum that holds an unknown.
    right : ndarray, shape (m,)
        What the known entries of the sum leave over.
    low, high : ndarray, shape (n,)
        What the marks alone say of each unknown.
    """

    index: Ints
    matrix: Any
    right: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def equations(full: Ints, shown: NDArray[np.int8], threshold: int, marks: bool) -> Programme:
    """Write down what the attacker knows.

    Parameters
    ----------
    full : ndarray, shape (n1 + 1, ...)
        Exact entries with margins.
    shown : ndarray, same shape
        ``Shown`` of each entry.
    threshold : int
        Of the policy.
    marks : bool
        Whether he can tell small entries from hidden ones.
    """
    from scipy.sparse import csr_array

    unknown = shown != Shown.VALUE
    number = np.full(full.shape, -1, np.int64)
    number[unknown] = np.arange(int(unknown.sum()))
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    signs: list[NDArray[np.float64]] = []
    right: list[NDArray[np.float64]] = []
    start = 0
    for axis in range(full.ndim):
        lines = np.moveaxis(number, axis, -1).reshape(-1, full.shape[axis])
        entries = np.moveaxis(full, axis, -1).reshape(-1, full.shape[axis])
        sign = np.ones(full.shape[axis])
        sign[-1] = -1.0
        keep = (lines >= 0).any(axis=1)
        lines, entries = lines[keep], entries[keep]
        row, column = np.nonzero(lines >= 0)
        rows.append(row + start)
        columns.append(lines[row, column])
        signs.append(sign[column])
        right.append(-(np.where(lines < 0, entries, 0) * sign).sum(axis=1))
        start += len(lines)
    n = int(unknown.sum())
    matrix = csr_array((np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))), shape=(start, n))
    state = shown[unknown]
    low = np.where((state == Shown.HIDDEN) & marks, threshold, 0).astype(float)
    high = np.where((state == Shown.SMALL) & marks, threshold - 1, np.inf).astype(float)
    return Programme(np.argwhere(unknown), matrix, np.concatenate(right), low, high)


def _solve(cost: NDArray[np.float64], known: Programme) -> NDArray[np.float64]:
    from scipy.optimize import linprog

    bounds = np.column_stack([known.low, known.high])
    answer = linprog(cost, A_eq=known.matrix, b_eq=known.right, bounds=bounds, method="highs")
    if answer.status == 3:  # unbounded: everything is suppressed, nothing is known
        return np.where(cost < 0, np.inf, np.where(cost > 0, known.low, 0.0))
    if answer.x is None:
        raise RuntimeError(f"the attacker's programme has no solution: {answer.message}")
    solution: NDArray[np.float64] = answer.x
    return solution


def bounds(known: Programme, need: float, *, exact: bool = False, seed: int = 0) -> NDArray[np.float64]:
    """Find how far each unknown can be narrowed down.

    Parameters
    ----------
    known : Programme
        The attacker's equations.
    need : float
        Width at which an entry counts as safe.
    exact : bool
        Whether to solve for every entry; otherwise an entry that is seen to be at least ``need`` wide keeps the
        interval seen, which lies inside the true one.

    Returns
    -------
    ndarray, shape (n, 2)
        Low and high of each unknown.
    """
    n = len(known.low)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    if n == 0:
        return np.empty((0, 2))
    rng = np.random.default_rng(seed)

    def see(cost: NDArray[np.float64]) -> None:
        point = _solve(cost, known)
        np.minimum(low, point, out=low)
        np.maximum(high, point, out=high)

    if not exact:
        for _ in range(3):
            direction = rng.normal(size=n)
            see(direction)
            see(-direction)
    for k in range(n):
        if not exact and high[k] - low[k] >= need - _EPS:
            continue
        unit = np.zeros(n)
        unit[k] = 1.0
        see(unit)
        see(-unit)
    return np.column_stack([low, high])


def needed(policy: PolicyLike) -> int:
    """Width that a suppressed entry must keep when marks are known: half the threshold, at least the rounding."""
    return max(min(policy.rounding, policy.cell_threshold - 1), policy.cell_threshold // 2, 1)


def attack(full: Ints, shown: NDArray[np.int8], policy: PolicyLike, *, exact: bool = False) -> Audit:
    """Attack a published table as both attackers: one who sees the marks and one who does not.

    An entry is narrow when the first leaves small entries less than ``needed(policy)`` wide, or the second leaves
    them less than the threshold wide; a hidden entry is narrow only when it is recovered exactly.
    """
    small = shown[shown != Shown.VALUE] == Shown.SMALL
    found: dict[tuple[int, ...], Finding] = {}
    for marks, need in ((True, needed(policy)), (False, policy.cell_threshold)):
        known = equations(full, shown, policy.cell_threshold, marks)
        interval = bounds(known, need, exact=exact)
        width = interval[:, 1] - interval[:, 0] if len(interval) else np.empty(0)
        for k in np.flatnonzero(width < np.where(small, need, 1) - _EPS):
            index = tuple(int(i) for i in known.index[k])
            found.setdefault(index, Finding(index, float(interval[k, 0]), float(interval[k, 1])))
    narrow = tuple(found[i] for i in sorted(found))
    recovered = tuple(f for f in narrow if f.high - f.low < _EPS)
    return Audit(len(small), recovered, narrow, needed(policy))


def audit(table: CountTable, safe: SafeTable, policy: PolicyLike, *, exact: bool = True) -> Audit:
    """Try to recover what ``safe`` does not show of ``table``.

    With ``exact`` each entry costs a pair of linear programmes; without, entries that a few feasible tables prove
    wide are not pursued further. The verdict is the same.
    """
    return attack(with_margins(table.counts), safe.shown, policy, exact=exact)
