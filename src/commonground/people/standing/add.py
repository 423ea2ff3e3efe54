"""Linking new records to a standing spine: only the parts that they touch are resolved again.

What stands is kept as pairs, not as a verdict: the units, the pairs between them, sorted keys by which partners are
found. New or changed units are joined with all by their keys, the connected parts that hold one of them, or lost one,
are resolved anew, and everything else stays as it is. ``resolve`` sees nothing beyond a part, so that the outcome is
that of a whole build with the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from commonground.people.compared import Compared
from commonground.people.connect import above_floor, component, oriented, reached, ties
from commonground.people.edges import Edges, Find, Keyed, Keys, find
from commonground.people.frozen import Frozen
from commonground.people.resolve import Decisions, Nodes, Resolved, resolve

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.int8]
Comparer = Callable[[Ints, Ints], Levels]


@dataclass(frozen=True)
class Standing:
    """A resolved spine with all that is needed to add to it.

    Attributes
    ----------
    nodes : Nodes
        Units.
    edges : Edges
        Pairs of units above the floor, weighed.
    segments : sequence of sequences of (rows, keys)
        For each rule of blocking, sorted by key; in several parts, so that adding a few need not copy all.
    found : Resolved
        Persons.
    crowded : sequence of uint32 arrays
        For each rule the keys that were skipped: the model's, and those that have grown too far since.
    """

    nodes: Nodes
    edges: Edges
    segments: Sequence[Sequence[Keyed]]
    found: Resolved
    crowded: Sequence[Keys]

    @property
    def keys(self) -> Sequence[Keyed]:
        """For each rule the rows and keys of all units."""
        joined = self.segments[0]
        for more in self.segments[1:]:
            joined = keys_joined(joined, more)
        return joined


def keys_joined(old: Sequence[Keyed], new: Sequence[Keyed]) -> list[Keyed]:
    """Put two sorted lists of keys together, rule by rule."""
    out = []
    for (rows_a, keys_a), (rows_b, keys_b) in zip(old, new, strict=True):
        keys = np.concatenate([keys_a, keys_b])
        order = np.argsort(keys, kind="stable")  # two sorted runs: merged, not sorted
        out.append((np.concatenate([rows_a, rows_b])[order], keys[order]))
    return out


def renumbered(old: Standing, place: Ints, size: int) -> Standing:
    """Give what stands under new numbers of units; ``place`` is -1 for units that are no more."""
    keys = []
    for rows, key in old.keys:
        now = place[rows]
        keys.append((now[now >= 0], key[now >= 0]))
    edges = replace(old.edges, a=place[old.edges.a], b=place[old.edges.b])
    f = old.found
    stay = np.flatnonzero(place >= 0)
    entity = np.arange(size)
    entity[place[stay]] = place[f.entity[stay]]  # -1 where the unit that names the person is gone: resolved anew
    weight, probability, method = np.zeros(size), np.ones(size), np.zeros(size, dtype=np.int64)
    weight[place[stay]], probability[place[stay]] = f.weight[stay], f.probability[stay]
    method[place[stay]] = f.method[stay]
    pairs = replace(f.compared, left=place[f.compared.left], right=place[f.compared.right])
    there = (pairs.left >= 0) & (pairs.right >= 0)
    return Standing(
        old.nodes, edges, [keys], Resolved(entity, weight, probability, method, pairs.take(there)), old.crowded
    )


def relink(
    old: Standing,
    place: Ints,
    nodes: Nodes,
    fresh_keys: Sequence[Keyed],
    compare: Comparer,
    frozen: Frozen,
    names: Sequence[str],
    *,
    decisions: Decisions | None = None,
    changed: Ints | None = None,
    finder: Find = find,
) -> tuple[Standing, Ints]:
    """Add units to what stands, and take out those that are gone.

    Parameters
    ----------
    old : Standing
        What stands.
    place : int array (old units,)
        Number of each old unit among the new, -1 where it is gone or says something else now.
    nodes : Nodes
        All units, old and new; what no ``place`` names is new.
    fresh_keys : sequence of (rows, keys)
        Keys of the new units.
    compare : callable
        Compares pairs of units.
    frozen : Frozen
        The model in force, with which ``old`` was resolved.
    names : sequence of str
        Datasets.
    decisions : Decisions, optional
        What reviewers decided, all of it.
    changed : int array, optional
        Units to be resolved anew for another reason, such as a decision that was made or withdrawn.
    finder : callable
        Joins the keys.

    Returns
    -------
    Standing, int array
        What stands now, and the units that were resolved anew.
    """
    given = decisions or Decisions()
    size = len(nodes)
    base = old if bool((place == np.arange(len(place))).all()) else renumbered(old, place, size)
    fresh = np.ones(size, dtype=bool)
    fresh[place[place >= 0]] = False
    segments, skipped = [*base.segments, fresh_keys], base.crowded
    sides = [finder(fresh_keys, part, skipped, size) for part in segments]
    a, b = oriented(nodes, *(np.concatenate([side[k] for side in sides]) for k in (0, 1)))
    new = above_floor(frozen, nodes, names, Edges(a, b, compare(a, b), np.zeros(len(a))))
    kept = (base.edges.a >= 0) & (base.edges.b >= 0)
    bereft = np.concatenate([base.edges.a[~kept], base.edges.b[~kept]])
    edges = _together(base.edges if kept.all() else base.edges.take(kept), new)
    left, right = ties(edges, given)
    start = np.concatenate([np.flatnonzero(fresh), bereft[bereft >= 0], np.unique(given.same), np.unique(given.other)])
    start = start if changed is None else np.concatenate([start, changed])
    touched = reached(size, left, right, start)
    inner = np.flatnonzero(touched[left])
    found = _resolved(base.found, nodes, edges, (left[inner], right[inner]), touched, frozen, names, given)
    return Standing(nodes, edges, segments, found, base.crowded), np.flatnonzero(touched)


def _together(one: Edges, two: Edges) -> Edges:
    if not len(two):
        return one
    names = ("a", "b", "levels", "odds")
    return Edges(*(np.concatenate([getattr(one, n), getattr(two, n)]) for n in names))


def _resolved(
    base: Resolved, nodes: Nodes, edges: Edges, inner: tuple[Ints, Ints], touched: Bools, frozen: Frozen,
    names: Sequence[str], given: Decisions,
) -> Resolved:  # fmt: skip
    """Resolve the touched units, and leave the others as they are."""
    units = np.flatnonzero(touched)
    local = np.full(len(nodes), -1, dtype=np.int64)
    local[units] = np.arange(len(units))
    some = edges.take(np.flatnonzero(touched[edges.a] & touched[edges.b]))
    some = replace(some, a=local[some.a], b=local[some.b])
    part = component(len(units), local[inner[0]], local[inner[1]])
    some = some.take(part[some.a] == part[some.b])
    own = Decisions(_inside(local, given.same), _inside(local, given.other))
    now = resolve(nodes.take(units), some, frozen, names, own)
    more = len(nodes) - len(base.entity)  # a unit more is a person of its own
    entity = np.concatenate([base.entity, np.arange(len(base.entity), len(nodes))])
    weight, probability = np.append(base.weight, np.zeros(more)), np.append(base.probability, np.ones(more))
    method = np.append(base.method, np.zeros(more, dtype=np.int64))
    entity[units], weight[units], probability[units], method[units] = (
        units[now.entity], now.weight, now.probability, now.method,
    )  # fmt: skip
    pairs = replace(now.compared, left=units[now.compared.left], right=units[now.compared.right])
    old = base.compared.take(~touched[base.compared.left])
    return Resolved(entity, weight, probability, method, Compared.joined([old, pairs]))


def _inside(local: Ints, pairs: Ints) -> Ints:
    moved = local[pairs]
    found: Ints = moved[:, (moved >= 0).all(axis=0)]
    return found
