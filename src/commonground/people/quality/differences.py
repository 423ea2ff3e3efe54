"""How unlike the records that were joined and those that were not are: standardised differences of shares.

For a share ``p1`` among the joined and ``p0`` among the others the standardised difference is
``(p1 − p0) / sqrt((p1 (1 − p1) + p0 (1 − p0)) / 2)`` (Austin 2009, Commun. Stat. Simul. Comput. 38:1228; an absolute
value of 0.1 answers to a phi coefficient of 0.05 and is the customary line). Its variance is that of Hedges and Olkin
(1985). Unlike a test it does not grow with the number of records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.people.quality.estimate import Z95, Estimate

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
LINE = 0.1
"""Absolute value from which the two are called unlike."""


@dataclass(frozen=True)
class Difference:
    """One category: shares among the joined and the others, how many these are, and the standardised difference."""

    joined: float
    others: float
    n_joined: int
    n_others: int
    difference: Estimate | None

    @property
    def unlike(self) -> bool:
        """Whether the absolute value reaches the line."""
        return self.difference is not None and abs(self.difference.value) >= LINE


def standardised(p1: float, p0: float, n1: int, n0: int) -> Estimate | None:
    """Standardised difference of two shares with its 95% interval; None where there is no spread or nobody."""
    spread = (p1 * (1 - p1) + p0 * (1 - p0)) / 2
    if spread <= 0 or n1 == 0 or n0 == 0:
        return None
    d = (p1 - p0) / np.sqrt(spread)
    half = Z95 * np.sqrt((n1 + n0) / (n1 * n0) + d * d / (2 * (n1 + n0)))
    return Estimate(float(d), float(d - half), float(d + half))


def differences(cell: Ints, size: int, linked: Bools) -> tuple[Difference, ...]:
    """Compare the joined and the others in each of ``size`` categories, the last of them “not known” and left out.

    Parameters
    ----------
    cell : int array (records,)
        Category of each record.
    size : int
        Number of categories.
    linked : bool array (records,)
        Whether each was joined.
    """
    known = cell < size - 1
    n1, n0 = int((known & linked).sum()), int((known & ~linked).sum())
    yes = np.bincount(cell[known & linked], minlength=size)
    no = np.bincount(cell[known & ~linked], minlength=size)
    out = []
    for k in range(size - 1):
        p1, p0 = float(yes[k] / n1) if n1 else 0.0, float(no[k] / n0) if n0 else 0.0
        out.append(Difference(p1, p0, n1, n0, standardised(p1, p0, n1, n0)))
    return tuple(out)
