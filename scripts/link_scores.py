"""How right a linkage is, by group: pairs of records of one person against pairs that were put together.

Every record is looked at with each of its partners, so that a pair counts once for either record, in that record's
group. Persons are drawn, not pairs: intervals are Wilson's at 95% on the number of independent records that the spread
between persons leaves (design effect by linearisation; Wolter, Introduction to Variance Estimation, 2007, ch. 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Z = 1.959964
OF_RECORDS = ("dataset",)
"""Divisions of records, not of persons: shown, but no group that could be treated worse."""
FEW = 100
"""Persons with a pair whom a group must have before it counts among the differences between groups."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95% interval; ``persons`` are those on whom it rests."""

    right: int
    of: int
    persons: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share; 1 where nothing was asked for."""
        return self.right / self.of if self.of else 1.0

    def text(self) -> str:
        """Give the share, its interval and its counts."""
        if not self.of:
            return "nothing attempted"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}] failed {self.of - self.right} of {self.of}"


@dataclass(frozen=True)
class Score:
    """What was attempted and failed in one group of records."""

    precision: Rate
    recall: Rate
    b_precision: float
    b_recall: float
    records: int
    persons: int


@dataclass(frozen=True)
class Scores:
    """Scores of all records, and of each group of each division."""

    whole: Score
    by: Mapping[str, Mapping[str, Score]]

    def widest(self, of: str) -> tuple[float, str, str, str]:
        """Largest difference of ``precision`` or ``recall`` between groups of one division, the lower group first."""
        found = (0.0, "", "", "")
        for division, groups in self.by.items():
            if division in OF_RECORDS:
                continue
            rates = sorted(
                (getattr(s, of).value, name) for name, s in groups.items() if getattr(s, of).persons >= FEW
            )  # fmt: skip
            if len(rates) > 1:
                found = max(found, (rates[-1][0] - rates[0][0], division, rates[0][1], rates[-1][1]))
        return found


def numbered(values: npt.NDArray[np.object_]) -> Ints:
    """Numbers of texts; a missing one is alone."""
    texts = np.array([f"~{i}" if v is None else str(v) for i, v in enumerate(values.tolist())])
    return np.unique(texts, return_inverse=True)[1].astype(np.int64)


def score(
    cluster: npt.NDArray[np.object_], person: npt.NDArray[np.object_], groups: Mapping[str, npt.NDArray[np.object_]]
) -> Scores:
    """Compare who was put together with who belongs together.

    Parameters
    ----------
    cluster, person : object arrays (records,)
        Who a record was said to be (None: nobody) and who it is.
    groups : mapping
        Division → group of each record (None: not in this division).
    """
    c, p = numbered(cluster), numbered(person)
    both = np.unique(c * (p.max(initial=0) + 1) + p, return_inverse=True)[1]
    together, said, true = (np.bincount(x)[x] for x in (both, c, p))

    def part(rows: Ints) -> Score:
        return Score(
            _rate(p[rows], together[rows] - 1, said[rows] - 1),
            _rate(p[rows], together[rows] - 1, true[rows] - 1),
            float((together[rows] / said[rows]).mean()) if len(rows) else 1.0,
            float((together[rows] / true[rows]).mean()) if len(rows) else 1.0,
            len(rows),
            len(np.unique(p[rows])),
        )

    by = {
        division: {str(g): part(np.flatnonzero(of == g)) for g in sorted({x for x in of.tolist() if x is not None})}
        for division, of in groups.items()
    }
    return Scores(part(np.arange(len(c))), by)


def _rate(person: Ints, right: Ints, of: Ints) -> Rate:
    """Share of partners that are right, with persons as the units that were drawn."""
    whole, good = int(of.sum()), int(right.sum())
    if not whole:
        return Rate(0, 0, 0, 0.0, 1.0)
    _, at = np.unique(person, return_inverse=True)
    asked, found = np.bincount(at, of), np.bincount(at, right)
    units = int((asked > 0).sum())
    share = good / whole
    spread = float(((found - share * asked) ** 2).sum()) / whole**2
    n = min(float(whole), share * (1 - share) / spread) if spread > 0 and 0 < share < 1 else float(units)
    middle, half = (share + Z * Z / (2 * n)), Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return Rate(
        good, whole, units, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
    )  # fmt: skip
