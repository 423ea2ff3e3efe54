"""How well groups of records agree with the groups that are true: pure counts, no row is looked at twice.

All figures follow from the table of how many records group i and person j have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Precision and recall, each from 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class _Common:
    """Groups and persons with records in common: their places, how many; the sizes of all groups and persons."""

    i: Ints
    j: Ints
    count: Floats
    found: Floats
    true: Floats


def _common(found: npt.ArrayLike, true: npt.ArrayLike) -> _Common:
    x = np.unique(np.asarray(found), return_inverse=True)[1].ravel()
    y = np.unique(np.asarray(true), return_inverse=True)[1].ravel()
    if len(x) != len(y):
        raise ValueError("found and true must have as many records")
    width = np.int64(y.max(initial=0) + 1)
    cells, count = np.unique(x * width + y, return_counts=True)
    i, j = np.divmod(cells, width)
    return _Common(i, j, count.astype(float), np.bincount(x).astype(float), np.bincount(y).astype(float))


def pairwise(found: npt.ArrayLike, true: npt.ArrayLike) -> Score:
    """Precision and recall of the pairs of records within one group (pairs of one person that are found in one group).

    Parameters
    ----------
    found, true : arrays (records,)
        Group and person of each record, as any values.

    Returns
    -------
    Score
        Precision is 1 when there is no pair in any group, recall 1 when no person has two records.
    """
    c = _common(found, true)
    hits = float((c.count * (c.count - 1)).sum())
    said, there = (float((size * (size - 1)).sum()) for size in (c.found, c.true))
    return Score(hits / said if said else 1.0, hits / there if there else 1.0)


def b_cubed(found: npt.ArrayLike, true: npt.ArrayLike) -> Score:
    """B-cubed precision and recall (Bagga and Baldwin 1998): the mean over records.

    Of each record, precision is the share of its group that is the same person, recall the share of its person that is
    in the same group; large groups weigh by their records, not by their pairs.

    Parameters
    ----------
    found, true : arrays (records,)
        Group and person of each record, as any values.
    """
    c = _common(found, true)
    n = float(c.found.sum())
    if not n:
        return Score(1.0, 1.0)
    square = c.count**2
    return Score(float((square / c.found[c.i]).sum()) / n, float((square / c.true[c.j]).sum()) / n)


def closest(found: npt.ArrayLike, true: npt.ArrayLike) -> Score:
    """Closest-cluster precision and recall (Benjelloun et al. 2009; Menestrina, Whang and Garcia-Molina 2010).

    Precision is the mean over groups of the Jaccard similarity with the person most like the group, recall the mean
    over persons of that with the group most like the person; small groups weigh as much as large ones.

    Parameters
    ----------
    found, true : arrays (records,)
        Group and person of each record, as any values.
    """
    c = _common(found, true)
    if not len(c.found):
        return Score(1.0, 1.0)
    alike = c.count / (c.found[c.i] + c.true[c.j] - c.count)
    best, like = np.zeros(len(c.found)), np.zeros(len(c.true))
    np.maximum.at(best, c.i, alike)
    np.maximum.at(like, c.j, alike)
    return Score(float(best.mean()), float(like.mean()))
