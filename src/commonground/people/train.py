"""Training: one pass over a city's records from which a version of the model is frozen.

The sources are linked one after the other with chances that each learns for itself (EM on patterns of agreement);
the patterns of all deliveries of a dataset are then put together, its chances estimated from them, the sources linked
once more with these, and the least probability at which a link is taken read from what they give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import births, numbers
from commonground.people import fellegi_sunter as fs
from commonground.people.assign import CERTAIN, threshold
from commonground.people.compare import FIELDS, compare
from commonground.people.edges import AT, Edges, Keys, by_number, counted_once
from commonground.people.frozen import Frozen, Rarity, general_model
from commonground.people.mentions import mates
from commonground.people.priors import RELATIVES, SAME_PERSON, UNRELATED
from commonground.people.resolve import Nodes, resolve

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
SAMPLE = 40_000
"""Random pairs from which the chances among unrelated persons are counted."""
LEAST_MATCHES = 10.0
"""Matches that a dataset must be expected to show before its own chances are believed."""
PRIOR_SHARE = 0.25
"""Weight of the general figures beside those pairs: what never happened among them is rare, not impossible."""


def dataset_order(units: People, dataset: Ints, names: Sequence[str]) -> tuple[str, ...]:
    """Order of datasets: most valid identity numbers with names first."""
    count = np.bincount(dataset, minlength=len(names))
    both = np.bincount(dataset, weights=(units.id >= 0) & (units.name >= 0), minlength=len(names))
    ids = np.bincount(dataset, weights=units.id >= 0, minlength=len(names))
    present = [s for s in range(len(names)) if count[s]]
    return tuple(names[s] for s in sorted(present, key=lambda s: (-both[s], -ids[s], -count[s], names[s])))


def relatives(units: People, pseudo: float = 50.0, limit: int = 60_000) -> dict[str, Floats]:
    """Chances of agreement among relatives, counted on pairs within sources that hold a person once."""
    left, right = [], []
    for group in (units.household, units.address[:, 0], units.phones[:, 0], units.kin_ids[:, 0]):
        _, dense = np.unique(group, return_inverse=True)
        keyed = np.where((group >= 0) & ~units.many, dense * (units.source.max(initial=0) + 1) + units.source, -1)
        others = mates(keyed, 3)
        row = np.repeat(np.arange(len(units)), others.shape[1])
        there = (others.ravel() >= 0) & (row < others.ravel())
        left.append(row[there])
        right.append(others.ravel()[there])
    a, b = np.concatenate(left), np.concatenate(right)
    packed = np.unique(a * (len(units) + 1) + b)
    packed = packed[:: max(1, len(packed) // limit)]
    a, b = np.divmod(packed, len(units) + 1)
    return fs.frequencies(compare(units, a, b), FIELDS, RELATIVES, pseudo)


@dataclass(frozen=True)
class Members:
    """Units of each person, to compare a record with all of them."""

    order: Ints
    start: Ints
    size: Ints

    @classmethod
    def of(cls, entity: Ints) -> Members:
        """Index the units that have a person."""
        order = np.argsort(entity, kind="stable")
        order = order[entity[order] >= 0]
        size = np.bincount(entity[order], minlength=len(entity))
        return cls(order, np.concatenate([[0], np.cumsum(size)[:-1]]), size)

    def compare(self, units: People, a: Ints, person: Ints) -> Levels:
        """Closest agreement of unit ``a`` with any unit of ``person``, field by field."""
        if not len(a):
            return np.zeros((0, len(FIELDS)), dtype=np.int8)
        size = self.size[person]
        begin = np.concatenate([[0], np.cumsum(size)[:-1]])
        row = np.repeat(np.arange(len(a)), size)
        unit = self.order[self.start[person][row] + np.arange(len(row)) - begin[row]]
        return np.maximum.reduceat(compare(units, a[row], unit), begin, axis=0)


def unrelated(units: People, rows: Ints, entity: Ints, rng: np.random.Generator) -> Levels:
    """Compare random units of ``rows`` with random persons, without the evident matches."""
    members = Members.of(entity)
    persons = np.flatnonzero(members.size)
    size = min(SAMPLE, 4 * len(rows) * len(persons))
    levels = members.compare(units, rng.choice(rows, size), rng.choice(persons, size))
    evident = (levels[:, AT["id"]] == numbers.SAME) | (
        (levels[:, AT["name"]] >= 6) & (levels[:, AT["birth"]] >= births.SAME_MONTH)
    )
    found: Levels = levels[~evident]
    return found


@dataclass
class _Seen:
    """What one or several sources showed: patterns in doubt, patterns beyond doubt, random pairs, sizes."""

    doubtful: tuple[Levels, Floats]
    sure: tuple[Levels, Floats]
    random: Levels
    total: float
    rows: int
    persons: int

    @classmethod
    def together(cls, parts: Sequence[_Seen]) -> _Seen:
        def counted(pairs: Sequence[tuple[Levels, Floats]]) -> tuple[Levels, Floats]:
            return fs.patterns(np.concatenate([p for p, _ in pairs]), np.concatenate([c for _, c in pairs]))

        return cls(
            counted([p.doubtful for p in parts]), counted([p.sure for p in parts]),
            np.concatenate([p.random for p in parts]), sum(p.total for p in parts), sum(p.rows for p in parts),
            max(p.persons for p in parts),
        )  # fmt: skip

    def fitted(self, family: dict[str, Floats]) -> fs.Model:
        """Estimate the chances."""
        u = fs.frequencies(self.random, FIELDS, UNRELATED, PRIOR_SHARE * SAMPLE)
        left = max(1.0, self.rows - float(self.sure[1].sum()))
        prior = np.array([0.5 * left / self.total, 2.0 / self.persons, 1.0])
        start = fs.Model(FIELDS, SAME_PERSON, u, family, prior)
        return fs.fit(start, *self.doubtful, self.total, known=self.sure)


@dataclass
class _Learner:
    """Learns the chances of each source, or uses those of its dataset and learns the limits."""

    units: People
    order: Ints
    family: dict[str, Floats]
    precision: float
    seed: int
    given: dict[int, fs.Model] = field(default_factory=dict)
    seen: dict[int, _Seen] = field(default_factory=dict)
    best: dict[int, list[Floats]] = field(default_factory=dict)
    limits: dict[int, float] = field(default_factory=dict)

    def model(self, step: int, rows: Ints, a: Ints, person: Ints, levels: Levels, entity: Ints) -> fs.Model:
        """Give the chances of the source, learnt when it is linked for the first time."""
        if step in self.given:
            return self.given[step]
        known = np.flatnonzero(entity >= 0)
        if not len(known):
            return general_model(len(rows))
        # positions of the resolution are places in ``order``
        mine = np.full(len(self.units), -1, dtype=np.int64)
        mine[self.order[known]] = self.order[entity[known]]
        rng = np.random.default_rng((self.seed, step))
        random = unrelated(self.units, self.order[rows], mine, rng)
        sure = by_number(levels)
        once = counted_once(levels)
        gone = np.isin(a, a[sure]) | (np.isin(person, person[sure]) & ~self.units.many[self.order[rows[0]]])
        keep = (levels[:, AT["id"]] != 1) & ~sure & ~gone
        persons = len(np.unique(entity[known]))
        total = max(1.0, float(len(rows)) * persons - float(sure.sum()))
        self.seen[step] = _Seen(fs.patterns(once[keep]), fs.patterns(once[sure]), random, total, len(rows), persons)
        self.given[step] = self.seen[step].fitted(self.family)
        return self.given[step]

    def found(self, step: int, best: Floats) -> float:
        """Hear the probabilities of the best pairs; gives the least that is taken."""
        before = [b[b >= self.limits.get(step, 1.0)] for b in self.best.get(step, [])]
        taken = np.concatenate(before) if before else None
        self.limits[step] = min(CERTAIN, threshold(best, self.precision, taken))
        self.best.setdefault(step, []).append(best)
        return self.limits[step]


def train(
    units: People,
    nodes: Nodes,
    edges: Edges,
    names: Sequence[str],
    blank: Frozen,
    *,
    precision: float = 0.998,
    seed: int = 0,
) -> Frozen:
    """Learn a model from a city's units.

    Parameters
    ----------
    units : People
        Units, as they are compared.
    nodes, edges : Nodes, Edges
        The same units for the resolution, and all pairs that the rules of blocking find.
    names : sequence of str
        Datasets.
    blank : Frozen
        Order, rarity and crowded keys, which are counted beforehand.
    precision : float
        Share of right links that the model must expect of what it takes.
    seed : int
        Of the random pairs.
    """
    family = relatives(units)
    order = np.lexsort((nodes.key, nodes.step))
    first = _Learner(units, order, family, precision, seed)
    resolve(nodes, edges, blank, names, learner=first)
    of = {int(s): int(d) for s, d in zip(nodes.step.tolist(), nodes.dataset.tolist(), strict=True)}
    models = {}
    for dataset in sorted({of[s] for s in first.seen}):
        parts = [first.seen[s] for s in sorted(first.seen) if of[s] == dataset]
        seen = _Seen.together(parts)
        model = seen.fitted(family)
        if model.prior[0] * seen.total >= LEAST_MATCHES:  # else nothing was learnt, and the general chances hold
            models[dataset] = model
    second = _Learner(
        units, order, family, precision, seed, given={s: models.get(d, blank.general) for s, d in of.items()}
    )
    resolve(nodes, edges, blank, names, learner=second)
    thresholds = {}
    for dataset in models:
        best = [second.best[s][0] for s in sorted(second.best) if of[s] == dataset]
        thresholds[names[dataset]] = min(CERTAIN, threshold(np.concatenate(best), precision)) if best else CERTAIN
    return Frozen(
        models={names[d]: m for d, m in models.items()},
        thresholds=thresholds,
        order=blank.order,
        general=blank.general,
        rarity=blank.rarity,
        crowded=blank.crowded,
        about={"records": len(units), "datasets": len(models), "target_precision": precision},
    )


def blank(units: People, names: Ints, order: tuple[str, ...], crowded: tuple[Keys, ...]) -> Frozen:
    """Count what training takes for granted: order, rarity of names, crowded keys."""
    persons = int(np.bincount(units.source).max(initial=1))
    return Frozen({}, {}, order, general_model(persons), Rarity.of(units.names, names), crowded)
