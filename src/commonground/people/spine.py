"""The spine: sources are linked one after the other to the persons known so far.

A person is all that earlier sources said about them: a record is compared with each of a person's records and keeps
the closest agreement of each field, so that a changed class or telephone does no harm as long as one source has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import births, numbers
from commonground.people import fellegi_sunter as fs
from commonground.people.assign import assign
from commonground.people.blocking import Find, Index, candidates
from commonground.people.collapse import represent
from commonground.people.compare import FIELDS, compare
from commonground.people.compared import LEAST_BITS, Compared
from commonground.people.mentions import mates
from commonground.people.priors import RELATIVES, SAME_PERSON, UNRELATED

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
AT = {name: i for i, name in enumerate(FIELDS)}
SAMPLE = 40_000
"""Random pairs from which the chances among unrelated persons are counted."""
PRIOR_SHARE = 0.25
"""Weight of the general figures beside those pairs: what never happened among them is rare, not impossible."""
NEW, NUMBER, WEIGHT, REPEATED = 0, 1, 2, 3
METHODS = ("new", "number", "weight", "repeated")
"""How a record came to its person: the first of its person, by identity number and name, by weight, as a copy."""


@dataclass
class Spine:
    """Units (persons within a source) and the person that each belongs to.

    Attributes
    ----------
    units : People
        One row a unit.
    entity : int array
        The first unit of the person that a unit belongs to; -1 before its source was linked.
    weight, probability : arrays
        Log2 of the odds, and the probability, with which the unit was linked; 1 for the first of a person.
    method : int array
        NEW, NUMBER or WEIGHT.
    index : Index
        Keys of the units, by which candidates are found.
    missed : dict
        Source → matches that the model expects among the pairs it did not take.
    compared : list
        Candidate pairs that are worth keeping, with their probabilities.
    find : Find
        What finds candidates: ``blocking.candidates``, or the same as a join of an engine.
    """

    units: People
    entity: Ints
    weight: Floats
    probability: Floats
    method: Ints
    index: Index
    missed: dict[int, float] = field(default_factory=dict)
    thresholds: dict[int, float] = field(default_factory=dict)
    models: dict[int, fs.Model] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    find: Find = candidates

    @classmethod
    def empty(cls, units: People) -> Spine:
        """Make a spine on which nobody stands yet."""
        n = len(units)
        return cls(
            units, np.full(n, -1, dtype=np.int64), np.zeros(n), np.ones(n), np.zeros(n, dtype=np.int64), Index.of(units)
        )


def source_order(units: People) -> list[int]:
    """Order in which sources are linked: most valid identity numbers with names first, those without either last."""
    count = np.bincount(units.source)
    both = np.bincount(units.source, weights=(units.id >= 0) & (units.name >= 0), minlength=len(count))
    numbers = np.bincount(units.source, weights=units.id >= 0, minlength=len(count))
    present = [s for s in range(len(count)) if count[s]]
    return sorted(present, key=lambda s: (-both[s], -numbers[s], -count[s], s))


def relatives(units: People, pseudo: float = 50.0, limit: int = 60_000) -> dict[str, Floats]:
    """Chances of agreement among relatives, counted on pairs within sources that hold a person once."""
    left, right = [], []
    for group in (units.household, units.address[:, 0], units.phones[:, 0], units.kin_ids[:, 0]):
        keyed = np.where((group >= 0) & ~units.many, group * (units.source.max(initial=0) + 1) + units.source, -1)
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
        out = []
        for at in range(0, len(a), 200_000):
            x, y = a[at : at + 200_000], person[at : at + 200_000]
            size = self.size[y]
            begin = np.concatenate([[0], np.cumsum(size)[:-1]])
            row = np.repeat(np.arange(len(x)), size)
            unit = self.order[self.start[y][row] + np.arange(len(row)) - begin[row]]
            out.append(np.maximum.reduceat(compare(units, x[row], unit), begin, axis=0))
        return np.concatenate(out)

    def closest(self, units: People, a: Ints, person: Ints, model: fs.Model) -> Ints:
        """Unit of ``person`` that ``model`` finds closest to unit ``a``; the first of equals."""
        if not len(a):
            return a
        size = self.size[person]
        begin = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
        row = np.repeat(np.arange(len(a)), size)
        unit = self.order[self.start[person][row] + np.arange(len(row)) - begin[row]]
        odds = fs.weights(model, compare(units, a[row], unit))
        order = np.lexsort((unit, -odds, row))
        found: Ints = unit[order[begin]]
        return found


def counted_once(levels: Levels) -> Levels:
    """Take birth and sex out of pairs whose identity numbers agree, if but nearly: the number contains both."""
    levels = levels.copy()
    same = levels[:, AT["id"]] >= numbers.NEAR
    for name, above in (("birth", 3), ("sex", 1)):
        column = levels[:, AT[name]]
        column[same & (column > above)] = 0
    return levels


def by_number(levels: Levels) -> npt.NDArray[np.bool_]:
    """Pairs that need no weighing: the same valid number, and a name alike, or no name but the same birth."""
    name, birth = levels[:, AT["name"]], levels[:, AT["birth"]]
    alike = (name >= 4) | ((name == 0) & (birth >= 4) & (levels[:, AT["sex"]] != 1))
    found: npt.NDArray[np.bool_] = (levels[:, AT["id"]] == numbers.SAME) & alike
    return found


def name_rarity(units: People, rows: Ints, a: Ints, levels: Levels, u: Floats) -> Floats:
    """Adjust the chance of agreeing by accident to how common the very name is (log, added to u).

    Winkler's frequency adjustment: agreeing on a rare name is stronger evidence than on a common one.
    """
    t, level = units.names, levels[:, AT["name"]]
    out = np.zeros(len(a))
    if not len(t.texts):
        return out
    known = units.name[rows]
    known = known[known >= 0]
    mine = np.maximum(units.name[a], 0)
    for value, attribute in ((7, t.key), (6, t.sound), (5, t.fold), (2, t.surname)):
        values, count = np.unique(attribute[known], return_counts=True)
        place = np.minimum(np.searchsorted(values, attribute[mine]), max(0, len(values) - 1))
        found = count[place] * (values[place] == attribute[mine]) if len(values) else np.zeros(len(mine))
        share = (found + 0.5) / (len(known) + 1.0)
        at = (level == value) & (units.name[a] >= 0)
        out[at] = np.log(share[at] / u[value])
    return np.clip(out, -7.0, 7.0)


def unrelated(spine: Spine, members: Members, a: Ints, persons: Ints, rng: np.random.Generator) -> dict[str, Floats]:
    """Chances of agreement among unrelated persons, counted on random pairs without the evident matches."""
    size = min(SAMPLE, 4 * len(a) * len(persons))
    x, y = rng.choice(a, size), rng.choice(persons, size)
    levels = members.compare(spine.units, x, y)
    evident = (levels[:, AT["id"]] == numbers.SAME) | (
        (levels[:, AT["name"]] >= 6) & (levels[:, AT["birth"]] >= births.SAME_MONTH)
    )
    return fs.frequencies(levels[~evident], FIELDS, UNRELATED, PRIOR_SHARE * SAMPLE)


def link(spine: Spine, rows: Ints, family: dict[str, Floats], *, precision: float = 0.998, seed: int = 0) -> None:
    """Link the units ``rows``, all of one source, to the persons on the spine; who fits nobody becomes a new person."""
    units = spine.units
    known = np.flatnonzero(spine.entity >= 0)
    source = int(units.source[rows[0]])
    many = bool(units.many[rows[0]])
    spine.entity[rows], spine.method[rows] = rows, NEW
    spine.weight[rows], spine.probability[rows] = 0.0, 1.0
    spine.missed[source] = 0.0
    if not len(known):
        return
    before = spine.entity.copy()
    before[rows] = -1
    members = Members.of(before)
    a, person = spine.find(spine.index, rows, known, lambda unit: before[unit])
    if not many:  # a person stands once in such a source, so who has a record of it is not a candidate for another
        taken = np.unique(before[known[units.source[known] == source]])
        free = ~np.isin(person, taken)
        a, person = a[free], person[free]
    levels = members.compare(units, a, person)
    levels_once, sure = counted_once(levels), by_number(levels)
    keep = (levels[:, AT["id"]] != 1) & ~_elsewhere(a, person, sure, many)
    persons = np.unique(before[known])
    if source not in spine.models:
        u = unrelated(spine, members, rows, persons, np.random.default_rng(seed))
        total = max(1.0, float(len(rows)) * len(persons) - sure.sum())
        prior = np.array([0.5 * max(1, len(rows) - sure.sum()) / total, 2.0 / len(persons), 1.0])
        start = fs.Model(FIELDS, SAME_PERSON, u, family, prior)
        doubtful = fs.patterns(levels_once[keep & ~sure])
        spine.models[source] = fs.fit(start, *doubtful, total, known=fs.patterns(levels_once[sure]))
    model = spine.models[source]
    extra = name_rarity(units, known, a, levels, model.u["name"])
    odds = fs.weights(model, levels_once, extra)
    odds[sure] = np.maximum(odds[sure], 0.0) + 10.0
    p = _settle(spine, a, person, odds, sure, keep, many, precision, source)
    chosen = keep & (spine.entity[a] == person)
    worth = np.flatnonzero(((levels[:, AT["id"]] != 1) & (odds >= LEAST_BITS * np.log(2.0))) | chosen)
    spine.compared.append(
        Compared(
            a[worth], members.closest(units, a[worth], person[worth], model), odds[worth] / np.log(2.0), p[worth],
            chosen[worth], np.where(sure, NUMBER, WEIGHT)[worth], levels[worth],
        )
    )  # fmt: skip


def _elsewhere(a: Ints, person: Ints, sure: npt.NDArray[np.bool_], many: bool) -> npt.NDArray[np.bool_]:
    """Pairs of a record, or of a person, that the identity number has already given to another pair."""
    gone = np.isin(a, a[sure])
    if not many:
        gone |= np.isin(person, person[sure])
    out: npt.NDArray[np.bool_] = gone & ~sure
    return out


def _settle(
    spine: Spine,
    a: Ints,
    person: Ints,
    odds: Floats,
    sure: npt.NDArray[np.bool_],
    keep: npt.NDArray[np.bool_],
    many: bool,
    precision: float,
    source: int,
) -> Floats:
    """Choose pairs, first by number and then by weight; give the probability of each pair."""
    p = np.zeros(len(a))
    for part, method in ((keep & sure, NUMBER), (keep & ~sure, WEIGHT)):
        at = np.flatnonzero(part)
        mine = (spine.units.source == source) & (spine.method == method)
        wanted = precision if method == WEIGHT else 0.5
        result = assign(
            a[at], person[at], odds[at], one_to_one=not many, precision=wanted, taken=spine.probability[mine]
        )
        p[at] = result.probability
        fits = _one_number(spine, a[at[result.chosen]], person[at[result.chosen]], odds[at[result.chosen]])
        taken = result.chosen[fits]
        chosen = at[taken]
        spine.entity[a[chosen]] = person[chosen]
        spine.weight[a[chosen]] = odds[chosen] / np.log(2.0)
        spine.probability[a[chosen]] = result.probability[taken]
        spine.method[a[chosen]] = method
        if method == WEIGHT:
            rest = result.probability.copy()
            rest[taken] = 0.0
            rest[np.isin(a[at], a[chosen])] = 0.0
            spine.missed[source] = float(rest.sum())
            if len(chosen):
                spine.thresholds[source] = min(result.threshold, spine.thresholds.get(source, 1.0))
    return p


def _one_number(spine: Spine, a: Ints, person: Ints, odds: Floats) -> npt.NDArray[np.bool_]:
    """Pairs that leave each person with one identity number: its own, or else that of the likeliest pair.

    In a source of visits several records may join one person; two of them with different numbers are two persons,
    also where the person itself has no number yet.
    """
    number = np.full(len(spine.units), -1, dtype=np.int64)
    rows = np.flatnonzero((spine.entity >= 0) & (spine.units.id >= 0))
    number[spine.entity[rows]] = spine.units.id[rows]
    claims = np.flatnonzero((spine.units.id[a] >= 0) & (number[person] < 0))
    claims = claims[np.lexsort((spine.units.id[a[claims]], -odds[claims], person[claims]))]
    persons, best = np.unique(person[claims], return_index=True)
    number[persons] = spine.units.id[a[claims[best]]]
    theirs, mine = number[person], spine.units.id[a]
    out: npt.NDArray[np.bool_] = (theirs < 0) | (mine < 0) | (theirs == mine)
    return out


def build(
    people: People, unit: Ints, *, precision: float = 0.998, seed: int = 0, find: Find = candidates
) -> tuple[Spine, Ints]:
    """Link all sources, then once more those that stayed alone.

    Returns
    -------
    Spine, int array
        The spine over units, and the place of each row's unit on it.
    """
    units, place = represent(people, unit)
    spine = Spine.empty(units)
    spine.find = find
    if not len(units):
        return spine, place
    family = relatives(units)
    order = source_order(units)
    for turn in range(2):
        for source in order:
            rows = np.flatnonzero(units.source == source)
            if turn:
                size = np.bincount(spine.entity, minlength=len(units))
                rows = rows[size[spine.entity[rows]] == 1]
                spine.entity[rows] = -1
                spine.compared = [c.without(rows) for c in spine.compared]
            if len(rows):
                link(spine, rows, family, precision=precision, seed=seed)
    return spine, place
