"""Who is who, given pairs and a model: a pure function that falls apart into the connected parts of the pairs.

Sources are linked one after the other, in an order that the model fixes, to the persons known so far; then once more
those that stayed alone. A record is compared with a person by the closest agreement, field by field, with any record
of that person that it forms a pair with. Nothing here looks beyond the pairs of a record and of its person, ties are
broken by marks of the records themselves, and probabilities are rounded: a part of the pairs that no new record
touches resolves as it did before, wherever it stands and in whatever order records came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.assign import assign
from commonground.people.compared import LEAST_BITS, Compared
from commonground.people.edges import AT, Edges, by_number, log_odds
from commonground.people.frozen import Frozen

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.int8]
NEW, NUMBER, WEIGHT, REPEATED, DECIDED = range(5)
METHODS = ("new", "number", "weight", "repeated", "decided")
"""How a record came to its person: the first of its person, by identity number and name, by weight, as a copy, by a
decision of a reviewer."""


@dataclass(frozen=True)
class Nodes:
    """Units as the resolution sees them: arrays (units,), and ``rare`` (units, levels of names).

    ``step`` is the place of the unit's source in the order of linking, ``many`` whether it may hold a person more than
    once, ``number`` the identity number or -1, ``dataset`` its place among the names, ``key`` a mark by which ties are
    broken.
    """

    step: Ints
    many: Bools
    number: Ints
    dataset: Ints
    key: Ints
    rare: Floats

    def __len__(self) -> int:
        return len(self.step)

    def take(self, at: Ints) -> Nodes:
        """Give some units."""
        return Nodes(self.step[at], self.many[at], self.number[at], self.dataset[at], self.key[at], self.rare[at])


@dataclass(frozen=True)
class Decisions:
    """Pairs of units that reviewers decided: ``same`` and ``other`` are (2, pairs)."""

    same: Ints = field(default_factory=lambda: np.zeros((2, 0), dtype=np.int64))
    other: Ints = field(default_factory=lambda: np.zeros((2, 0), dtype=np.int64))


@dataclass(frozen=True)
class Candidates:
    """A record and a person each: unit, person, its closest unit, agreement, log odds, whether the number decides."""

    a: Ints
    person: Ints
    closest: Ints
    levels: Levels
    odds: Floats
    sure: Bools


class Learner(Protocol):
    """Learns a model while sources are linked; see ``train``."""

    def model(self, step: int, rows: Ints, a: Ints, person: Ints, levels: Levels, entity: Ints) -> fs.Model:
        """Give the chances for one source."""
        ...

    def found(self, step: int, best: Floats) -> float:
        """Hear the probabilities of the best pairs of a source; gives the least that is taken."""
        ...


@dataclass
class Resolved:
    """The person of each unit (a unit of it), how it came to it, and the candidates."""

    entity: Ints
    weight: Floats
    probability: Floats
    method: Ints
    compared: Compared


def resolve(
    nodes: Nodes,
    edges: Edges,
    frozen: Frozen,
    names: Sequence[str],
    decisions: Decisions | None = None,
    learner: Learner | None = None,
) -> Resolved:
    """Link units to persons.

    Parameters
    ----------
    nodes : Nodes
        Units.
    edges : Edges
        Pairs of units.
    frozen : Frozen
        The model.
    names : sequence of str
        Datasets.
    decisions : Decisions, optional
        What reviewers decided.
    learner : Learner, optional
        Gives the model of each source in place of ``frozen``.
    """
    order = np.lexsort((nodes.key, nodes.step))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    a, b = place[edges.a], place[edges.b]
    both = np.lexsort((np.concatenate([b, a]), np.concatenate([a, b])))
    once = both % max(1, len(a))
    sym = Edges(np.concatenate([a, b])[both], np.concatenate([b, a])[both], edges.levels[once], edges.odds[once])
    given, number = closed(decisions or Decisions(), nodes.number)
    own = Decisions(place[given.same], place[given.other])
    work = _Work(replace(nodes, number=number).take(order), sym, own, frozen, names, learner)
    work.run()
    kept = Compared.joined(work.compared)
    kept = replace(kept, left=order[kept.left], right=order[kept.right])
    return Resolved(
        order[work.entity][place], work.weight[place], work.probability[place], work.method[place], kept
    )  # fmt: skip


def _together(given: Decisions) -> dict[int, set[int]]:
    """Units that decisions make one person: of each such unit all of them."""
    together: dict[int, set[int]] = {}
    for x, y in given.same.T.tolist():
        group = together.get(x, {x}) | together.get(y, {y})
        together |= dict.fromkeys(group, group)
    return together


def closed(given: Decisions, number: Ints) -> tuple[Decisions, Ints]:
    """Add what follows from decisions, so that no link that is made before two units meet can stand against them.

    Whoever is one person with somebody is not those whom that one is not, and has that one's identity number.
    """
    together, number = _together(given), number.copy()
    for unit, group in together.items():
        known = {n for n in number[list(group)].tolist() if n >= 0}
        if len(known) == 1:
            number[unit] = known.pop()
    pairs = {
        (a, b) for x, y in given.other.T.tolist() for a in together.get(x, {x}) for b in together.get(y, {y}) if a != b
    }
    return replace(given, other=np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T), number


class _Work:
    """The state of one resolution; units stand in the order of linking, pairs both ways, sorted."""

    def __init__(
        self, nodes: Nodes, edges: Edges, decisions: Decisions, frozen: Frozen, names: Sequence[str],
        learner: Learner | None,
    ) -> None:  # fmt: skip
        n = len(nodes)
        self.nodes, self.edges, self.decisions = nodes, edges, decisions
        self.frozen, self.names, self.learner = frozen, names, learner
        self.entity = np.full(n, -1, dtype=np.int64)
        self.weight, self.probability = np.zeros(n), np.ones(n)
        self.method = np.zeros(n, dtype=np.int64)
        self.number = nodes.number.copy()  # of each person, at the place of its first unit
        self.compared: list[Compared] = []

    def run(self) -> None:
        steps, start = np.unique(self.nodes.step, return_index=True)
        ends = [*start[1:].tolist(), len(self.nodes)][: len(start)]
        for turn in range(2):
            for step, low, high in zip(steps.tolist(), start.tolist(), ends, strict=True):
                rows = np.arange(low, high)
                if turn:
                    size = np.bincount(self.entity, minlength=len(self.nodes))
                    rows = rows[size[self.entity[rows]] == 1]
                    self.entity[rows] = -1
                    self.compared = [c.without(rows) for c in self.compared]
                if len(rows):
                    self.link(step, rows)

    def link(self, step: int, rows: Ints) -> None:
        """Link the units ``rows`` of one source; who fits nobody becomes a new person."""
        open_ = np.ones(len(rows), dtype=bool)
        open_[np.searchsorted(rows, self._decided(rows))] = False
        free = rows[open_]
        found = self._candidates(step, free)
        self.entity[free], self.method[free] = free, NEW
        self.number[free] = self.nodes.number[free]
        self.weight[free], self.probability[free] = 0.0, 1.0
        if len(found.a):
            self._settle(step, found)
        self._join_decided()

    def _decided(self, rows: Ints) -> Ints:
        """Give units that a reviewer put to a known person to that person; returns them."""
        x, y = (np.concatenate(s) for s in (self.decisions.same, self.decisions.same[::-1]))
        done = []
        for unit, other in zip(x.tolist(), y.tolist(), strict=True):
            person = self.entity[other]
            mine = np.searchsorted(rows, unit)
            if person < 0 or mine == len(rows) or rows[mine] != unit or self.entity[unit] >= 0:
                continue
            if self.nodes.number[unit] >= 0 <= self.number[person] != self.nodes.number[unit]:
                continue
            if self._forbidden(np.array([unit]), np.array([person]))[0]:
                continue
            self._put(np.array([unit]), np.array([person]), np.zeros(1), np.ones(1), DECIDED)
            done.append(unit)
        return np.array(done, dtype=np.int64)

    def _join_decided(self) -> None:
        """Make one person of two that a reviewer found to be one."""
        for x, y in self.decisions.same.T.tolist():
            one, two = sorted((int(self.entity[x]), int(self.entity[y])))
            if one < 0 or one == two or (self.number[one] >= 0 <= self.number[two] != self.number[one]):
                continue
            sides = np.sort(self.entity[self.decisions.other], axis=0)
            if ((sides[0] == one) & (sides[1] == two)).any():  # others of the two were held to be two persons
                continue
            self.entity[self.entity == two] = one
            self.method[two], self.number[one] = DECIDED, max(self.number[one], self.number[two])

    def _put(self, units: Ints, persons: Ints, odds: Floats, probability: Floats, method: int) -> None:
        self.entity[units], self.method[units] = persons, method
        self.weight[units], self.probability[units] = odds / np.log(2.0), probability
        known = self.nodes.number[units] >= 0
        self.number[persons[known]] = self.nodes.number[units[known]]

    def _candidates(self, step: int, rows: Ints) -> Candidates:
        """Compare units with the persons that they form pairs with, and weigh."""
        none = np.zeros(0, dtype=np.int64)
        if not len(rows):
            return Candidates(none, none, none, self.edges.levels[:0], none.astype(float), none.astype(bool))
        low, high = np.searchsorted(self.edges.a, [rows[0], rows[-1] + 1])
        a, person = self.edges.a[low:high], self.entity[self.edges.b[low:high]]
        wanted = np.zeros(rows[-1] + 1 - rows[0], dtype=bool)
        wanted[rows - rows[0]] = True
        keep = (person >= 0) & wanted[a - rows[0]]
        if not self.nodes.many[rows[0]]:  # a person stands once in such a source
            taken = np.zeros(len(self.nodes), dtype=bool)
            here = slice(*np.searchsorted(self.nodes.step, [step, step + 1]))
            mine = self.entity[here]
            taken[mine[mine >= 0]] = True
            keep &= ~taken[person]
        numbers = self.nodes.number[a], self.number[np.maximum(person, 0)]
        keep &= (numbers[0] < 0) | (numbers[1] < 0) | (numbers[0] == numbers[1])
        keep &= ~self._forbidden(a, person)
        at = np.flatnonzero(keep)
        at = at[np.lexsort((-self.edges.odds[low:high][at], person[at], a[at]))]
        a, person, closest = a[at], person[at], self.edges.b[low:high][at]
        first = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (person[1:] != person[:-1]))[: len(a)])
        levels = self.edges.levels[low:high][at]
        levels = np.maximum.reduceat(levels, first, axis=0) if len(first) else levels
        a, person, closest = a[first], person[first], closest[first]
        sure = by_number(levels)
        if self.learner is not None:
            model = self.learner.model(step, rows, a, person, levels, self.entity)
        else:
            model = self.frozen.model(self.names[int(self.nodes.dataset[rows[0]])])
        odds = log_odds(model, levels, self.nodes.rare[a])
        gone = np.isin(a, a[sure])
        if not self.nodes.many[rows[0]]:
            gone |= np.isin(person, person[sure])
        keep = (levels[:, AT["id"]] != 1) & (sure | ~gone)  # whom the number gave to another pair is no candidate
        return Candidates(a[keep], person[keep], closest[keep], levels[keep], odds[keep], sure[keep])

    def _forbidden(self, a: Ints, person: Ints) -> Bools:
        """Pairs that a reviewer found to be two persons."""
        if not self.decisions.other.shape[1]:
            return np.zeros(len(a), dtype=bool)
        x, y = (np.concatenate(s) for s in (self.decisions.other, self.decisions.other[::-1]))
        n = np.int64(len(self.nodes) + 1)
        return np.isin(a * n + person, (x * n + self.entity[y])[self.entity[y] >= 0])

    def _settle(self, step: int, found: Candidates) -> None:
        """Choose pairs, first by number and then by weight."""
        one_to_one = not self.nodes.many[found.a[0]]
        every = np.zeros(len(found.a))
        limit = self.frozen.threshold(self.names[int(self.nodes.dataset[found.a[0]])])
        for part, method in ((found.sure, NUMBER), (~found.sure, WEIGHT)):
            at = np.flatnonzero(part & ~self._forbidden(found.a, found.person))  # also whom the number just brought
            if self.learner is not None and method == WEIGHT:
                first = assign(found.a[at], found.person[at], found.odds[at], one_to_one=one_to_one, limit=2.0)
                limit = self.learner.found(step, first.best)
            least = 0.5 if method == NUMBER else limit
            result = assign(found.a[at], found.person[at], found.odds[at], one_to_one=one_to_one, limit=least)
            chosen = at[result.chosen]
            fits = self._fitting(found.a[chosen], found.person[chosen], found.odds[chosen])
            chosen, every[at] = chosen[fits], result.probability
            self._put(found.a[chosen], found.person[chosen], found.odds[chosen], every[chosen], method)
        taken = self.entity[found.a] == found.person
        worth = np.flatnonzero(taken | (found.odds >= LEAST_BITS * np.log(2.0)))
        self.compared.append(
            Compared(
                found.a[worth], found.closest[worth], found.odds[worth] / np.log(2.0), every[worth], taken[worth],
                np.where(found.sure, NUMBER, WEIGHT)[worth], found.levels[worth],
            )
        )  # fmt: skip

    def _fitting(self, a: Ints, person: Ints, odds: Floats) -> Bools:
        """Pairs that leave each person with one identity number and with nobody whom a reviewer held to be another.

        In a source of visits several records may join one person; two of them with different numbers are two persons,
        also where the person itself has no number yet.
        """
        number = self.number[person]
        claims = np.flatnonzero((self.nodes.number[a] >= 0) & (number < 0))
        claims = claims[np.lexsort((a[claims], -odds[claims], person[claims]))]
        persons, best = np.unique(person[claims], return_index=True)
        claimed = np.full(len(self.nodes), -1, dtype=np.int64)
        claimed[persons] = self.nodes.number[a[claims[best]]]
        number = np.where(number < 0, claimed[person], number)
        mine = self.nodes.number[a]
        fits: Bools = (number < 0) | (mine < 0) | (number == mine)
        given = dict(zip(a.tolist(), person.tolist(), strict=True)) if self.decisions.other.shape[1] else {}
        for x, y in self.decisions.other.T.tolist():
            if x in given and given[x] == given.get(y):
                fits &= a != y
        return fits
