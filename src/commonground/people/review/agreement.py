"""How far two reviewers who decide alone agree beyond chance: Cohen's kappa and Gwet's AC1 with intervals.

Kappa (Cohen 1960, Educ. Psychol. Meas. 20:37; its variance by Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72:323)
falls towards zero when nearly all pairs are of one kind, although the reviewers agree; AC1 (Gwet 2008, Br. J. Math.
Stat. Psychol. 61:29) does not. Both are given, for links are often nearly all right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Z95 = 1.959963984540054
"""Normal quantile of a two-sided interval of 95%."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two reviewers.

    Attributes
    ----------
    n : int
        Pairs that both decided.
    share : float
        Share on which they said the same.
    kappa, ac1 : (estimate, low, high) or None
        None where it is not defined: nothing decided, or (kappa) both used one and the same answer throughout.
    """

    n: int
    share: float
    kappa: tuple[float, float, float] | None
    ac1: tuple[float, float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {"n": self.n, "share": self.share, "kappa": self.kappa, "ac1": self.ac1}


def crossed(first: npt.ArrayLike, second: npt.ArrayLike, kinds: int) -> Floats:
    """Count pairs by both reviewers' answers, numbers from 0 to ``kinds - 1``: array (kinds, kinds)."""
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    counts = np.bincount(a * kinds + b, minlength=kinds * kinds)
    return counts.reshape(kinds, kinds).astype(np.float64)


def agreement(counts: npt.ArrayLike, z: float = Z95) -> Agreement:
    """Measure agreement from a square table of counts (first reviewer by second reviewer)."""
    table = np.asarray(counts, dtype=np.float64)
    n = float(table.sum())
    if n == 0:
        return Agreement(0, float("nan"), None, None)
    p = table / n
    same = float(np.trace(p))
    return Agreement(int(n), same, _kappa(p, n, z), _ac1(p, n, z))


def _limits(value: float, variance: float, z: float) -> tuple[float, float, float]:
    half = z * float(np.sqrt(max(variance, 0.0)))
    return value, max(value - half, -1.0), min(value + half, 1.0)


def _kappa(p: Floats, n: float, z: float) -> tuple[float, float, float] | None:
    rows, columns, same = p.sum(axis=1), p.sum(axis=0), float(np.trace(p))
    chance = float((rows * columns).sum())
    if chance >= 1.0:
        return None
    kappa = (same - chance) / (1 - chance)
    diagonal = (np.diag(p) * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    cross = p * (columns[:, None] + rows[None, :]) ** 2
    rest = (1 - kappa) ** 2 * (cross.sum() - np.trace(cross))
    variance = (diagonal + rest - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    return _limits(kappa, float(variance), z)


def _ac1(p: Floats, n: float, z: float) -> tuple[float, float, float] | None:
    kinds, same = len(p), float(np.trace(p))
    used = (p.sum(axis=1) + p.sum(axis=0)) / 2
    chance = float((used * (1 - used)).sum()) / (kinds - 1)
    ac1 = (same - chance) / (1 - chance)
    first = (np.diag(p) * (1 - used)).sum() / (kinds - 1) - same * chance
    mean = (used[:, None] + used[None, :]) / 2
    second = (p * (1 - mean) ** 2).sum() / (kinds - 1) ** 2 - chance**2
    inside = same * (1 - same) - 4 * (1 - ac1) * first + 4 * (1 - ac1) ** 2 * second
    return _limits(ac1, float(inside) / (n * (1 - chance) ** 2), z)
