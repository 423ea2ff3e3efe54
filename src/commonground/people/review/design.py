"""Which candidate pairs people look at: a random sample, stratified by weight, by link and by group of persons.

Every pair has a known chance of being drawn, so that what the sample shows can be told of all pairs. More are drawn
where the model is least sure (Neyman 1934, J. R. Stat. Soc. 97:558), and some in every stratum, so that no group and no
weight is taken on trust.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
EDGES = (-5.0, 0.0, 5.0, 10.0, 20.0)
"""Borders of the bands of weight, in bits."""
LEAST = 4
"""Pairs of every stratum that are drawn at least, where it has so many."""
DOUBT = 0.02
"""Chance of error that is reckoned with where the model has no doubt, so that sure links are looked at too."""


@dataclass(frozen=True)
class Strata:
    """The candidate pairs in strata, and how many of each are drawn.

    Attributes
    ----------
    stratum : int array (pairs,)
        Stratum of each pair.
    chosen : bool array (strata,)
        Whether the pairs of the stratum were linked.
    band, group : int arrays (strata,)
        Place of the band of weight (0 is the lowest), and group.
    size, drawn : int arrays (strata,)
        Pairs, and pairs drawn.
    model : array (strata,)
        Mean probability that the model gives.
    """

    stratum: Ints
    chosen: Bools
    band: Ints
    group: Ints
    size: Ints
    drawn: Ints
    model: Floats

    @property
    def inclusion(self) -> Floats:
        """Chance of each stratum's pairs to be drawn."""
        return self.drawn / np.maximum(self.size, 1)


def stratify(
    weight: npt.ArrayLike,
    probability: npt.ArrayLike,
    chosen: npt.ArrayLike,
    group: npt.ArrayLike,
    n: int,
    *,
    edges: tuple[float, ...] = EDGES,
    least: int = LEAST,
) -> Strata:
    """Put pairs into strata and say how many of each to draw.

    Parameters
    ----------
    weight, probability, chosen, group : array-like (pairs,)
        Bits, chance of being one person, whether linked, number of the group (from 0).
    n : int
        Pairs to draw in all. With few, bands of weight are joined; there is one of every stratum in any case.
    """
    bits = np.asarray(weight, dtype=np.float64)
    chance = np.clip(np.asarray(probability, dtype=np.float64), 0.0, 1.0)
    linked, mine = np.asarray(chosen, dtype=np.bool_), np.asarray(group, dtype=np.int64)
    groups = int(mine.max(initial=0)) + 1
    edges = _fewer(bits, linked, mine, groups, edges, n)
    band, bands = np.searchsorted(np.asarray(edges), bits, side="right").astype(np.int64), len(edges) + 1
    packed = (linked.astype(np.int64) * bands + band) * groups + mine
    values, stratum = np.unique(packed, return_inverse=True)
    size = np.bincount(stratum, minlength=len(values)).astype(np.int64)
    mean = np.bincount(stratum, weights=chance, minlength=len(values)) / np.maximum(size, 1)
    rest, of_group = np.divmod(values, groups)
    of_chosen, of_band = np.divmod(rest, bands)
    while least > 1 and np.minimum(size, least).sum() > n:
        least -= 1
    drawn = allocate(size, mean, n, least)
    return Strata(stratum.astype(np.int64), of_chosen > 0, of_band, of_group, size, drawn, mean)


def _fewer(
    bits: Floats, linked: Bools, group: Ints, groups: int, edges: tuple[float, ...], n: int
) -> tuple[float, ...]:
    """Join bands of weight, two by two, until two pairs of every stratum can be drawn."""
    while edges:
        band = np.searchsorted(np.asarray(edges), bits, side="right")
        strata = len(np.unique((linked * (len(edges) + 1) + band) * groups + group))
        if 2 * strata <= n:
            return edges
        edges = edges[1::2]
    return edges


def allocate(size: Ints, model: Floats, n: int, least: int = LEAST) -> Ints:
    """Share ``n`` draws among strata: the least first, the rest by size times the model's doubt."""
    drawn = np.minimum(size, least).astype(np.int64)
    doubt = np.sqrt(np.clip(model, DOUBT, 1 - DOUBT) * (1 - np.clip(model, DOUBT, 1 - DOUBT)))
    want = size * doubt
    while (left := n - int(drawn.sum())) > 0 and (drawn < size).any():
        open_ones = np.where(drawn < size, want, 0.0)
        exact = left * open_ones / open_ones.sum()
        more = np.minimum(np.floor(exact).astype(np.int64), size - drawn)
        if not more.any():  # fewer left than strata: one each, largest remainder first
            order = np.lexsort((np.arange(len(size)), -exact))
            more[[i for i in order.tolist() if drawn[i] < size[i]][:left]] = 1
        drawn = drawn + more
    return drawn


def draw(strata: Strata, seed: int) -> Ints:
    """Draw pairs at random within each stratum, without putting back: their places, in random order."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(strata.stratum)), strata.stratum))
    begin = np.concatenate([[0], np.cumsum(strata.size)[:-1]])
    rank = np.arange(len(order)) - begin[strata.stratum[order]]
    taken = order[rank < strata.drawn[strata.stratum[order]]]
    found: Ints = rng.permutation(taken).astype(np.int64)
    return found
