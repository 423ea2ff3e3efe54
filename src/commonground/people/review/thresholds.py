"""Which probability a link should have at least, by what people decided about a sample of pairs.

For each threshold the sampled strata are cut once more at the threshold (post-strata of known size; Holt and Smith
1979, J. R. Stat. Soc. A 142:33), and the pairs above it count as links: what is then right and what is missed follows
as in ``estimate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.people.review.estimate import Quality, judge

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
GRID = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)
"""Thresholds that are tried."""
FEWEST = 30
"""Pairs that must have been decided before a threshold is proposed."""


@dataclass(frozen=True)
class Step:
    """One threshold: how many links it gives, and how good they are."""

    threshold: float
    links: int
    quality: Quality

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {"threshold": self.threshold, "links": self.links, **self.quality.to_dict()}


@dataclass(frozen=True)
class Proposal:
    """A threshold that is proposed, beside what holds now.

    Attributes
    ----------
    target : float
        Precision that is asked for.
    now : Quality
        Of the links as they are.
    links_now : int
        How many there are.
    steps : tuple of Step
        Every threshold that was tried.
    proposed : Step or None
        The lowest threshold whose precision reaches the target; None where none does or too few pairs are decided.
    proven : bool
        Whether even the lower limit of its precision reaches the target.
    """

    target: float
    now: Quality
    links_now: int
    steps: tuple[Step, ...]
    proposed: Step | None
    proven: bool

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "target": self.target,
            "links_now": self.links_now,
            "now": self.now.to_dict(),
            "steps": [s.to_dict() for s in self.steps],
            "proposed": self.proposed.to_dict() if self.proposed else None,
            "proven": self.proven,
        }


def cut_at(threshold: float, stratum: Ints, probability: Floats, drawn: Ints, outcome: Ints) -> tuple[int, Quality]:
    """Estimate the quality of the links if every pair from ``threshold`` on were one.

    Parameters
    ----------
    stratum, probability : arrays (pairs,)
        Of all candidate pairs.
    drawn : int array
        Places of the pairs that people looked at.
    outcome : int array (pairs drawn,)
        What they decided.
    """
    above = probability >= threshold
    packed = stratum * 2 + above
    values, place = np.unique(packed, return_inverse=True)
    size = np.bincount(place, minlength=len(values)).astype(np.int64)
    model = np.bincount(place, weights=probability, minlength=len(values)) / size
    return int(above.sum()), judge(size, values % 2 == 1, model, place[drawn], outcome)


def propose(
    stratum: Ints,
    probability: Floats,
    chosen: npt.NDArray[np.bool_],
    drawn: Ints,
    outcome: Ints,
    *,
    target: float,
    grid: tuple[float, ...] = GRID,
) -> Proposal:
    """Try every threshold of ``grid`` and propose the lowest that reaches ``target``.

    Only pairs that stand alone or win against their rivals have a probability of one half or more, so that the pairs
    above a threshold of at least one half contradict each other no more than the links do now.
    """
    steps = tuple(Step(t, *cut_at(t, stratum, probability, drawn, outcome)) for t in grid)
    packed = stratum * 2 + chosen
    values, place = np.unique(packed, return_inverse=True)
    size = np.bincount(place, minlength=len(values)).astype(np.int64)
    model = np.bincount(place, weights=probability, minlength=len(values)) / size
    now = judge(size, values % 2 == 1, model, place[drawn], outcome)
    enough = int((outcome >= 0).sum()) >= FEWEST
    good = [s for s in steps if s.quality.precision is not None and s.quality.precision.value >= target]
    proposed = good[0] if good and enough else None
    reached = (
        proposed is not None and proposed.quality.precision is not None and proposed.quality.precision.low >= target
    )
    return Proposal(target, now, int(chosen.sum()), steps, proposed, reached)
