"""What pairs connect: the parts that resolve apart from one another, and the pairs that identity numbers forbid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from commonground.people.compared import Compared
from commonground.people.edges import AT, Edges, weigh
from commonground.people.frozen import Frozen
from commonground.people.resolve import WEIGHT, Decisions, Nodes

Ints = npt.NDArray[np.int64]
LINK_BITS = -10.0
"""Pairs of less weight cannot make a link, nor hinder one: what no other pair connects resolves apart."""
FLOOR_BITS = -30.0
"""Pairs of less weight are left out. Those between the two are evidence about records that others connect: a mark
list's misspelt name may show nothing but the class, which counts once the name stands in a register."""
STRONG = np.log(9.0)
"""Odds from which two records with different identity numbers are worth a look: nine to one, the numbers left aside."""


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


def conflicting(edges: Edges) -> Compared:
    """Pairs that would be one person but for two valid identity numbers; ``odds`` leave the numbers aside."""
    at = np.flatnonzero((edges.levels[:, AT["id"]] == 1) & (edges.odds >= STRONG))
    few = edges.take(at)
    probability = 1.0 / (1.0 + np.exp(-few.odds))
    return Compared(
        few.a, few.b, few.odds / np.log(2.0), probability, np.zeros(len(at), dtype=bool),
        np.full(len(at), WEIGHT), few.levels,
    )  # fmt: skip


def component(size: int, a: Ints, b: Ints) -> Ints:
    """Connected part of each of ``size`` units under the pairs (a, b), by number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    found: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def reached(size: int, a: Ints, b: Ints, start: Ints) -> npt.NDArray[np.bool_]:
    """Mark which of ``size`` units the pairs (a, b) connect with any of ``start``; wave by wave, as parts are small."""
    out = np.zeros(size, dtype=bool)
    out[start] = True
    while True:
        one, two = out[a], out[b]
        edge = np.flatnonzero(one != two)
        if not len(edge):
            return out
        out[a[edge]] = out[b[edge]] = True


def connecting(edges: Edges) -> Edges:
    """Pairs that connect."""
    return edges.take(edges.odds >= LINK_BITS * np.log(2.0))
