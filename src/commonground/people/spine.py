"""The spine: every unit (a person within one delivery) and the person that it belongs to.

A person is all that earlier sources said about them: a record is compared with a person by the closest agreement of
each field, so that a changed class or telephone does no harm as long as one source has it. ``train`` learns how much
agreement says, ``edges`` finds and compares pairs, ``resolve`` decides; ``standing`` keeps all
this from build to build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.collapse import represent
from commonground.people.compared import Compared
from commonground.people.connect import above_floor, component, conflicting, oriented, ties
from commonground.people.edges import (
    Edges,
    Find,
    Keyed,
    Keys,
    compared,
    crowded_keys,
    find,
    keys_of,
    outgrows,
    overgrown,
    within_budget,
)
from commonground.people.frozen import Frozen
from commonground.people.resolve import METHODS, NEW, NUMBER, REPEATED, WEIGHT, Decisions, Nodes, resolve
from commonground.people.standing.add import Standing, relink
from commonground.people.train import blank, dataset_order, train

if TYPE_CHECKING:
    from commonground.people.mentions import People

__all__ = ["METHODS", "NEW", "NUMBER", "REPEATED", "WEIGHT", "Spine", "build"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass
class Spine:
    """Units (persons within a source) and the person that each belongs to.

    Attributes
    ----------
    units : People
        One row a unit.
    entity : int array
        The first unit of the person that a unit belongs to.
    weight, probability : arrays
        Log2 of the odds, and the probability, with which the unit was linked; 0 and 1 for the first of a person.
    method : int array
        Place in ``METHODS``.
    frozen : Frozen
        The model.
    standing : Standing
        What the resolution saw and found, to which the next delivery is added.
    fresh : int array
        Units that were resolved in this build; the others stand as they stood.
    conflicts : Compared
        Pairs that would be one person but for two valid identity numbers that differ.
    missed : dict
        Source → matches that the model expects among the pairs it did not take.
    thresholds : dict
        Source → least probability that was taken by weight.
    """

    units: People
    entity: Ints
    weight: Floats
    probability: Floats
    method: Ints
    frozen: Frozen
    standing: Standing
    fresh: Ints
    conflicts: Compared
    missed: dict[int, float] = field(default_factory=dict)
    thresholds: dict[int, float] = field(default_factory=dict)

    @property
    def compared(self) -> Compared:
        """Candidate pairs with their probabilities."""
        return self.standing.found.compared


@dataclass(frozen=True)
class Given:
    """What a build starts from.

    ``sources`` are (dataset, delivery) by number; ``keyed`` the units under stable hashes and ``key`` their marks (both
    default to the units' own numbers); ``frozen`` the model in force, None to train one; ``decisions`` what reviewers
    decided, as units; ``find`` joins the candidates. With ``before``, what stood under the same model, and ``place``,
    the numbers of its units now (-1: gone or changed), only what is new is linked; ``changed`` are units to be seen
    again. ``pair_budget`` is how many pairs may be compared when a model is learnt (0: ``edges.PER_RECORD`` a unit).
    """

    sources: Sequence[tuple[str, str]]
    keyed: People
    key: Ints
    frozen: Frozen | None = None
    decisions: Decisions = field(default_factory=Decisions)
    find: Find = find
    before: Standing | None = None
    place: Ints | None = None
    changed: Ints | None = None
    pair_budget: int = 0


def steps(units: People, sources: Sequence[tuple[str, str]], order: Sequence[str]) -> Ints:
    """Place of each unit's source in the order of linking: those with identity numbers and names first.

    It depends on the delivery itself, on the order of datasets in the model, and on the delivery's name: not on what
    else was delivered. (Places are consecutive only within one build.)
    """
    count = np.bincount(units.source, minlength=len(sources))
    both = np.bincount(units.source, weights=(units.id >= 0) & (units.name >= 0), minlength=len(sources))
    place = {name: i for i, name in enumerate(order)}

    def rank(s: int) -> tuple[bool, int, str, str]:
        name, delivery = sources[s]
        return bool(2 * both[s] < count[s]), place.get(name, len(place)), name, delivery

    ranked = sorted(range(len(sources)), key=rank)
    at = np.empty(len(sources), dtype=np.int64)
    at[ranked] = np.arange(len(sources))
    found: Ints = at[units.source]
    return found


def nodes_of(units: People, given: Given, frozen: Frozen, names: Sequence[str], rare: Floats | None = None) -> Nodes:
    """Give units as the resolution sees them; ``rare`` where the rarity of their names is known already."""
    index = {name: i for i, name in enumerate(names)}
    dataset = np.array([index[name] for name, _ in given.sources], dtype=np.int64)[units.source]
    return Nodes(
        step=steps(units, given.sources, frozen.order),
        many=units.many,
        number=given.keyed.id,
        dataset=dataset,
        key=given.key,
        rare=frozen.rarity.shares(units.names, units.name) if rare is None else rare,
    )


def all_edges(units: People, given: Given, keys: Sequence[Keyed], nodes: Nodes, crowded: Sequence[Keys]) -> Edges:
    """Find and compare all pairs."""
    a, b = oriented(nodes, *given.find(keys, keys, crowded, len(units)))
    return Edges(a, b, compared(units, a, b), np.zeros(len(a)))


def build(
    people: People, unit: Ints, given: Given | None = None, *, precision: float = 0.998, seed: int = 0
) -> tuple[Spine, Ints]:
    """Link all sources, then once more those that stayed alone.

    Parameters
    ----------
    people : People
        Persons mentioned.
    unit : int array
        The unit of each, from ``collapse``.
    given : Given, optional
        What the build starts from, for the units that ``represent`` makes; by default every source is a dataset of its
        own and the model is trained.

    Returns
    -------
    Spine, int array
        The spine over units, and the place of each row's unit on it.
    """
    units, place = represent(people, unit)
    if given is None:
        sources = [(f"{s:06d}", "") for s in range(int(units.source.max(initial=-1)) + 1)]
        given = Given(sources, units, units.record)
    return link_units(units, given, precision=precision, seed=seed), place


def link_units(units: People, given: Given, *, precision: float = 0.998, seed: int = 0) -> Spine:
    """Do as ``build`` for units that are made already."""
    names, frozen, added = sorted({name for name, _ in given.sources}), given.frozen, None
    if frozen is not None and given.before is not None and given.place is not None:
        added = _added(units, given, frozen, names, given.before, given.place)
    if added is not None and frozen is not None:
        standing, fresh = added
    else:
        standing, frozen = _whole(units, given, names, precision, seed)
        fresh = np.arange(len(units))
    return finished(units, standing, fresh, frozen, names)


def _added(
    units: People, given: Given, frozen: Frozen, names: Sequence[str], before: Standing, place: Ints
) -> tuple[Standing, Ints] | None:
    """Link what is new to what stands; None where keys have grown so that others must be skipped than before."""
    new, stay = np.ones(len(units), dtype=bool), place >= 0
    new[place[stay]] = False
    rows = np.flatnonzero(new)
    rare = np.empty((len(units), before.nodes.rare.shape[1]))
    rare[place[stay]] = before.nodes.rare[stay]
    rare[rows] = frozen.rarity.shares(units.names, units.name[rows])
    nodes = nodes_of(units, given, frozen, names, rare)
    keys = [(rows[r], k) for r, k in keys_of(given.keyed.take(rows))]
    more = sum(map(len, before.crowded)) > sum(map(len, frozen.crowded))
    if (more and not stay.all()) or outgrows(before.segments, keys, before.crowded):
        return None
    return relink(
        before, place, nodes, keys, lambda a, b: compared(units, a, b), frozen, names, decisions=given.decisions,
        changed=given.changed, finder=given.find,
    )  # fmt: skip


def _whole(units: People, given: Given, names: Sequence[str], precision: float, seed: int) -> tuple[Standing, Frozen]:
    """Link everything, and learn a model where none is given."""
    keys, frozen = keys_of(given.keyed), given.frozen
    if frozen is None:
        frozen, nodes, edges = _trained(units, given, keys, names, precision, seed)
    else:
        nodes = nodes_of(units, given, frozen, names)
        edges = all_edges(units, given, keys, nodes, overgrown(keys, frozen.crowded))
    edges = above_floor(frozen, nodes, names, edges)
    part = component(len(nodes), *ties(edges, given.decisions))
    inside = edges.take(part[edges.a] == part[edges.b])
    found = resolve(nodes, inside, frozen, names, given.decisions)
    return Standing(nodes, edges, [keys], found, overgrown(keys, frozen.crowded)), frozen


def _trained(
    units: People, given: Given, keys: Sequence[Keyed], names: Sequence[str], precision: float, seed: int
) -> tuple[Frozen, Nodes, Edges]:
    index = {name: i for i, name in enumerate(names)}
    dataset = np.array([index[name] for name, _ in given.sources], dtype=np.int64)[units.source]
    crowded = within_budget(keys, crowded_keys(keys), given.pair_budget)
    start = blank(units, units.name, dataset_order(units, dataset, names), crowded)
    nodes = nodes_of(units, given, start, names)
    edges = all_edges(units, given, keys, nodes, crowded)
    return train(units, nodes, edges, names, start, precision=precision, seed=seed), nodes, edges


def finished(units: People, standing: Standing, fresh: Ints, frozen: Frozen, names: Sequence[str]) -> Spine:
    """Make the spine of what was resolved: persons by their first unit, pairs with their probability."""
    found, nodes = standing.found, standing.nodes
    entity = first_units(found.entity)
    kept = found.compared
    alone = (kept.method == WEIGHT) & ~kept.chosen & (found.method[kept.left] == NEW)
    missed = np.bincount(units.source[kept.left[alone]], weights=kept.probability[alone], minlength=1)
    sources, first = np.unique(units.source, return_index=True)
    of = dict(zip(sources.tolist(), nodes.dataset[first].tolist(), strict=True))
    return Spine(
        units, entity, found.weight, found.probability, found.method, frozen, standing, fresh,
        conflicting(standing.edges),
        missed={s: float(missed[s]) if s < len(missed) else 0.0 for s in of},
        thresholds={s: frozen.threshold(names[d]) for s, d in of.items()},
    )  # fmt: skip


def first_units(entity: Ints) -> Ints:
    """Name each person by its first unit."""
    first = np.full(int(entity.max(initial=-1)) + 1, len(entity), dtype=np.int64)
    np.minimum.at(first, entity, np.arange(len(entity)))
    found: Ints = first[entity]
    return found
