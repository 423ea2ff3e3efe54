"""Fellegi-Sunter weights by EM on counts of agreement patterns, with a class for relatives.

Fellegi and Sunter (1969) weigh the agreement of two records by the ratio of its chance among pairs of one person (m)
and of two persons (u). Winkler (1988) estimates m by EM; working on counts of distinct patterns instead of pairs is
the idea of Enamorado, Fifield and Imai (2019). Children of one family share surname, address, telephone and parents
without being one person, so that the independence of fields fails just where a false link does most harm. A third
class, relatives, takes those pairs; its chances are counted on pairs that are known to be two persons of one family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
FLOOR = 1e-9


@dataclass(frozen=True)
class Model:
    """Chances of each level of each field in the three classes.

    Attributes
    ----------
    fields : tuple of str
        Fields in the order of the columns of a matrix of levels.
    m, u, f : dict of arrays
        Field → chance of level 1, 2, … among pairs of one person, of two unrelated persons, of two relatives; place 0
        is for a missing value and is 1.
    prior : array (3,)
        Share of pairs of one person, of relatives, of unrelated persons among all pairs that could be formed.
    iterations : int
        Rounds of EM.
    """

    fields: tuple[str, ...]
    m: Mapping[str, Floats]
    u: Mapping[str, Floats]
    f: Mapping[str, Floats]
    prior: Floats
    iterations: int = 0

    def log_likelihoods(self, levels: Levels) -> tuple[Floats, Floats, Floats]:
        """Natural log of the chance of each row of ``levels`` (pairs, fields) in the classes m, f and u."""
        out = []
        for chances in (self.m, self.f, self.u):
            total = np.zeros(len(levels))
            for column, name in enumerate(self.fields):
                total += np.log(np.maximum(chances[name], FLOOR))[levels[:, column]]
            out.append(total)
        return out[0], out[1], out[2]


def weights(model: Model, levels: Levels, extra_u: Floats | float = 0.0) -> Floats:
    """Log odds (natural) that each pair is one person, prior included.

    Parameters
    ----------
    model : Model
        Chances of the levels.
    levels : int8 array (pairs, fields)
        0 where a value is missing.
    extra_u : array
        Added to the log chance among unrelated pairs: the adjustment for how common the value itself is.
    """
    m, f, u = model.log_likelihoods(levels)
    match, family, other = np.log(np.maximum(model.prior, 1e-300))
    result: Floats = match + m - np.logaddexp(family + f, other + u + extra_u)
    return result


def patterns(levels: Levels, counts: Floats | None = None) -> tuple[Levels, Floats]:
    """Give the distinct rows of ``levels`` and how often each occurs."""
    if not len(levels):
        return levels, np.zeros(0)
    sizes = levels.max(axis=0).astype(np.int64) + 1
    packed = np.zeros(len(levels), dtype=np.int64)
    for column, size in enumerate(sizes):
        packed = packed * size + levels[:, column]
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    found = np.bincount(inverse, weights=counts, minlength=len(first)).astype(np.float64)
    return levels[first], found


def frequencies(
    levels: Levels, fields: tuple[str, ...], default: Mapping[str, Floats], pseudo: float
) -> dict[str, Floats]:
    """Chance of each level among pairs whose class is known, drawn towards ``default`` by ``pseudo`` pairs."""
    out = {}
    for column, name in enumerate(fields):
        count = np.bincount(levels[:, column], minlength=len(default[name])).astype(np.float64)
        out[name] = _share(count, default[name], pseudo)
    return out


def _share(count: Floats, default: Floats, pseudo: float) -> Floats:
    share = np.ones(len(default))
    base = count[1:] + pseudo * default[1:] / default[1:].sum()
    share[1:] = np.maximum(base / base.sum(), FLOOR)
    return share


def fit(
    start: Model,
    levels: Levels,
    counts: Floats,
    total: float,
    *,
    known: tuple[Levels, Floats] | None = None,
    pseudo: float = 20.0,
    rounds: int = 100,
    tolerance: float = 1e-5,
) -> Model:
    """Estimate m and the prior by EM; u and f stay as they are.

    Parameters
    ----------
    start : Model
        Chances to begin with; its m is also the prior mean of the estimate.
    levels, counts : arrays (patterns, fields) and (patterns,)
        Distinct patterns among the candidate pairs and their counts.
    total : float
        Number of all pairs that could be formed; those that are no candidates count as not matching.
    known : levels and counts, optional
        Patterns of pairs that are matches beyond doubt.
    pseudo : float
        Weight of ``start.m``, in pairs.

    Returns
    -------
    Model
        With m and prior estimated.
    """
    model, step = start, 0
    sure = 0.0 if known is None else float(known[1].sum())
    for step in range(1, rounds + 1):
        posterior = counts / (1.0 + np.exp(-np.clip(weights(model, levels), -500, 500)))
        share = max((posterior.sum() + sure) / max(total, 1.0), FLOOR**2)
        updated = {}
        for column, name in enumerate(model.fields):
            size = len(model.m[name])
            count = np.bincount(levels[:, column], weights=posterior, minlength=size).astype(np.float64)
            if known is not None:
                count = count + np.bincount(known[0][:, column], weights=known[1], minlength=size)
            updated[name] = _share(count, start.m[name], pseudo)
        prior = np.array([share, start.prior[1], max(1.0 - share - start.prior[1], FLOOR)])
        change = max(float(np.abs(updated[n] - model.m[n]).max()) for n in model.fields)
        model = Model(model.fields, updated, model.u, model.f, prior, step)
        if change < tolerance:
            break
    return model
