"""What became of each record that was to be linked: joined or not, with what chance wrongly, with what chance missed.

A unit is a person within one delivery. The delivery with most identity numbers founds the spine; its units are not
"to be linked", they are what the others are linked to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.priors import SAME_PERSON

if TYPE_CHECKING:
    from commonground.people.compared import Compared

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """One row a unit that was to be linked.

    Attributes
    ----------
    unit, source, person : int arrays (n,)
        The unit, its delivery, and the person that it now belongs to; units of one person are one cluster.
    linked : bool array (n,)
        Whether it was joined to a person known from an earlier delivery.
    wrong : array (n,)
        Chance that this join is false, by the model; 0 where it was not joined.
    missed : array (n,)
        Chance that it should have been joined, by the pairs that were compared; 0 where it was joined.
    parted : array (n,)
        Chance that a miswritten number parts it from its own person: both numbers are valid and differ, and all else
        agrees. Each pair of persons counts once, with the record that is linked later.
    best : array (n,)
        Probability of the likeliest of those pairs; of a unit that was joined, that of its link.
    likeliest : int array (n,)
        Unit that it would most likely have been joined to; -1 where it was joined, or nothing came near.
    """

    unit: Ints
    source: Ints
    person: Ints
    linked: Bools
    wrong: Floats
    missed: Floats
    parted: Floats
    best: Floats
    likeliest: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Ints | Bools) -> Judged:
        """Give some rows."""
        return Judged(
            self.unit[rows], self.source[rows], self.person[rows], self.linked[rows], self.wrong[rows],
            self.missed[rows], self.parted[rows], self.best[rows], self.likeliest[rows],
        )  # fmt: skip


def missed_pairs(found: Compared, entity: Ints) -> tuple[Ints, Ints, Floats]:
    """Pairs that were not taken between two persons who stayed apart, each pair of persons once, with probability.

    A pair of persons may have been looked at from both sides, or in two rounds; the highest probability counts.

    Returns
    -------
    left, right : int arrays
        Units.
    p : array
        Probability after competition.
    """
    a, b = entity[found.left], entity[found.right]
    apart = np.flatnonzero(~found.chosen & (a != b) & (found.probability > 0))
    low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
    order = np.lexsort((found.left[apart], -found.probability[apart], high, low))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    kept = apart[order[first]]
    return found.left[kept], found.right[kept], found.probability[kept]


def parted_pairs(conflicts: Compared, entity: Ints) -> tuple[Ints, Floats]:
    """Chance that two persons with different valid numbers are one whose number was miswritten, for each such pair.

    The weight of such a pair leaves the numbers aside; how seldom one person has two valid numbers is added here.

    Returns
    -------
    left : int array
        Unit.
    p : array
        Chance.
    """
    bits = np.log2(SAME_PERSON["id"][1] / SAME_PERSON["id"][1:].sum())
    p = 1.0 / (1.0 + np.exp2(-np.clip(conflicts.weight + bits, -60, 60)))
    left, _, chance = missed_pairs(replace(conflicts, probability=p), entity)
    return left, chance


def judge(
    source: Ints,
    entity: Ints,
    probability: Floats,
    joined: Bools,
    found: Compared,
    conflicts: Compared,
    founding: int,
) -> Judged:
    """Say of each unit that was to be linked what became of it.

    Parameters
    ----------
    source, entity : int arrays (units,)
        Delivery and person of each unit.
    probability : array (units,)
        With which it was joined.
    joined : bool array (units,)
        Whether it was joined to somebody.
    found : Compared
        Pairs of units that linking looked at.
    conflicts : Compared
        Pairs that would be one person but for two valid numbers.
    founding : int
        The delivery that founds the spine.
    """
    n = len(entity)
    left, right, p = missed_pairs(found, entity)
    alone = ~joined[left]
    left, right, p = left[alone], right[alone], p[alone]
    missed = np.minimum(np.bincount(left, weights=p, minlength=n), 1.0)
    likeliest = np.full(n, -1, dtype=np.int64)
    order = np.argsort(p, kind="stable")  # the likeliest is written last and stays
    likeliest[left[order]] = right[order]
    clashing, chance = parted_pairs(conflicts, entity)
    parted = np.minimum(np.bincount(clashing, weights=chance, minlength=n), 1.0)
    best = np.where(joined, probability, 0.0)
    np.maximum.at(best, left, p)
    rows = np.flatnonzero((source != founding) | joined | (parted > 0))
    return Judged(
        rows, source[rows], entity[rows], joined[rows], np.where(joined, 1.0 - probability, 0.0)[rows], missed[rows],
        parted[rows], best[rows], likeliest[rows],
    )  # fmt: skip
