"""The spine: every unit (a person within one delivery) and the person that it belongs to.

A person is all that earlier sources said about them: a record is compared with a person by the closest agreement of
each field, so that a changed class or telephone does no harm as long as one source has it. ``train`` learns how much
agreement says, ``edges`` finds and compares pairs, ``resolve`` decides; ``standing`` keeps all
this from build to build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.collapse import represent
from commonground.people.compared import Compared
from commonground.people.edges import (
    AT,
    FLOOR_BITS,
    Edges,
    Find,
    compared,
    component,
    connecting,
    crowded_keys,
    find,
    keys_of,
    weigh,
)
from commonground.people.frozen import Frozen
from commonground.people.resolve import METHODS, NEW, NUMBER, REPEATED, WEIGHT, Decisions, Nodes, Resolved, resolve
from commonground.people.train import blank, dataset_order, train

if TYPE_CHECKING:
    from commonground.people.mentions import People

__all__ = ["METHODS", "NEW", "NUMBER", "REPEATED", "WEIGHT", "Spine", "build"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
STRONG = np.log(9.0)
"""Odds from which two records with different identity numbers are worth a look: nine to one, the numbers left aside."""


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
    nodes, edges : Nodes, Edges
        What the resolution saw.
    compared : Compared
        Candidate pairs with their probabilities.
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
    nodes: Nodes
    edges: Edges
    compared: Compared
    conflicts: Compared
    missed: dict[int, float] = field(default_factory=dict)
    thresholds: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What a build starts from.

    ``sources`` are (dataset, delivery) by number; ``keyed`` the units under stable hashes and ``key`` their marks (both
    default to the units' own numbers); ``frozen`` the model in force, None to train one; ``decisions`` what reviewers
    decided, as units; ``find`` joins the candidates.
    """

    sources: Sequence[tuple[str, str]]
    keyed: People
    key: Ints
    frozen: Frozen | None = None
    decisions: Decisions = field(default_factory=Decisions)
    find: Find = find


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


def nodes_of(units: People, given: Given, frozen: Frozen, names: Sequence[str]) -> Nodes:
    """Give units as the resolution sees them."""
    index = {name: i for i, name in enumerate(names)}
    dataset = np.array([index[name] for name, _ in given.sources], dtype=np.int64)[units.source]
    return Nodes(
        step=steps(units, given.sources, frozen.order),
        many=units.many,
        number=given.keyed.id,
        dataset=dataset,
        key=given.key,
        rare=frozen.rarity.shares(units.names, units.name),
    )


def oriented(nodes: Nodes, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Put the unit that is linked later first; drop pairs within a source where a person stands once."""
    keep = (nodes.step[a] != nodes.step[b]) | nodes.many[a]
    a, b = a[keep], b[keep]
    later = (nodes.step[a] > nodes.step[b]) | ((nodes.step[a] == nodes.step[b]) & (nodes.key[a] > nodes.key[b]))
    return np.where(later, a, b), np.where(later, b, a)


def above_floor(frozen: Frozen, nodes: Nodes, names: Sequence[str], edges: Edges) -> Edges:
    """Leave out pairs that can neither make nor hinder a link; different identity numbers are left aside here."""
    levels = edges.levels.copy()
    levels[levels[:, AT["id"]] == 1, AT["id"]] = 0
    odds = weigh(frozen, nodes.dataset, names, replace(edges, levels=levels), nodes.rare)
    return replace(edges, odds=odds).take(odds >= FLOOR_BITS * np.log(2.0))


def ties(edges: Edges, decisions: Decisions) -> tuple[Ints, Ints]:
    """Pairs that connect: strong enough to link, or decided upon by a reviewer."""
    strong = connecting(edges)
    left, right = np.concatenate([decisions.same, decisions.other], axis=1)
    return np.concatenate([strong.a, left]), np.concatenate([strong.b, right])


def all_edges(units: People, given: Given, nodes: Nodes, crowded: Sequence[Ints]) -> Edges:
    """Find and compare all pairs."""
    keys = keys_of(given.keyed)
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
    names = sorted({name for name, _ in given.sources})
    frozen = given.frozen
    if frozen is None:
        frozen, nodes, edges = _trained(units, given, names, precision, seed)
    else:
        nodes = nodes_of(units, given, frozen, names)
        edges = all_edges(units, given, nodes, frozen.crowded)
    edges = above_floor(frozen, nodes, names, edges)
    part = component(len(nodes), *ties(edges, given.decisions))
    inside = edges.take(part[edges.a] == part[edges.b])
    found = resolve(nodes, inside, frozen, names, given.decisions)
    return finished(units, nodes, edges, frozen, names, found), place


def _trained(
    units: People, given: Given, names: Sequence[str], precision: float, seed: int
) -> tuple[Frozen, Nodes, Edges]:
    index = {name: i for i, name in enumerate(names)}
    dataset = np.array([index[name] for name, _ in given.sources], dtype=np.int64)[units.source]
    crowded = crowded_keys(keys_of(given.keyed))
    start = blank(units, units.name, dataset_order(units, dataset, names), crowded)
    nodes = nodes_of(units, given, start, names)
    edges = all_edges(units, given, nodes, crowded)
    return train(units, nodes, edges, names, start, precision=precision, seed=seed), nodes, edges


def finished(units: People, nodes: Nodes, edges: Edges, frozen: Frozen, names: Sequence[str], found: Resolved) -> Spine:
    """Make the spine of what was resolved: persons by their first unit, pairs with their probability."""
    _, first, inverse = np.unique(found.entity, return_index=True, return_inverse=True)
    entity = first[inverse]
    kept, conflicts = found.compared, conflicting(edges)
    alone = (kept.method == WEIGHT) & ~kept.chosen & (found.method[kept.left] == NEW)
    missed = np.bincount(units.source[kept.left[alone]], weights=kept.probability[alone], minlength=1)
    of = {int(s): int(d) for s, d in zip(units.source.tolist(), nodes.dataset.tolist(), strict=True)}
    return Spine(
        units, entity, found.weight, found.probability, found.method, frozen, nodes, edges, kept, conflicts,
        missed={s: float(missed[s]) if s < len(missed) else 0.0 for s in of},
        thresholds={s: frozen.threshold(names[d]) for s, d in of.items()},
    )  # fmt: skip


def conflicting(edges: Edges) -> Compared:
    """Pairs that would be one person but for two valid identity numbers; ``odds`` leave the numbers aside."""
    at = np.flatnonzero((edges.levels[:, AT["id"]] == 1) & (edges.odds >= STRONG))
    few = edges.take(at)
    probability = 1.0 / (1.0 + np.exp(-few.odds))
    return Compared(
        few.a, few.b, few.odds / np.log(2.0), probability, np.zeros(len(at), dtype=bool),
        np.full(len(at), WEIGHT), few.levels,
    )  # fmt: skip
