"""Strengths: how many children of the focus group do better than the middle of the others, and where."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonground.study.model import Row
from commonground.study.outcome import Outcome
from commonground.study.quantiles import normal_width

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_DRAWS = 1000
_SURE = 0.9


def share_above(y: Array, focus: IntArray, reference: IntArray, school: IntArray, draws: int, seed: int) -> Array:
    """Share of the focus group above the reference group's median; first as found, then in draws of schools.

    Schools are drawn with replacement, so that children of one school stay together; the median is drawn too.

    Parameters
    ----------
    y : Array, shape (n,)
    focus, reference : array of 0 and 1, shape (n,)
    school : IntArray, shape (n,)
        Codes 0 … G-1.
    draws, seed : int

    Returns
    -------
    Array, shape (1 + draws,)
    """
    order = np.argsort(y, kind="stable")
    y, focus, reference, school = y[order], focus[order].astype(float), reference[order].astype(float), school[order]
    groups = int(school.max()) + 1
    rng = np.random.default_rng(seed)
    weights = np.vstack([np.ones(groups), rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)])
    result = np.empty(draws + 1)
    for i, weight in enumerate(weights):
        below = np.cumsum(reference * weight[school])
        median = y[np.searchsorted(below, below[-1] / 2)]
        mine = focus * weight[school]
        total = mine.sum()
        result[i] = mine[y > median].sum() / total if total else np.nan
    return result


def strength_rows(outcome: Outcome, schools: list[Row]) -> list[Row]:
    """Give the statements for one outcome: statement, subject, value, interval, number of children or schools."""
    spec = outcome.sample.spec
    if outcome.counts.get(spec.focus, 0) < spec.minimum.group or outcome.counts[spec.reference] < spec.minimum.group:
        return []
    y, x, school = outcome.arrays(outcome.group_columns)
    focus = x[:, outcome.group_columns.index(outcome.focus)].astype(np.int64)
    reference = (1 - x.sum(axis=1)).astype(np.int64)
    share = share_above(y, focus, reference, school, _DRAWS, seed=2026)
    tail = (1 - outcome.sample.coverage) / 2
    low, high = np.nanquantile(share[1:], [tail, 1 - tail]).tolist()
    rows: list[Row] = [
        {
            "statement": f"away_above_local_median.{outcome.subject}",
            "subject": outcome.subject,
            "value": float(share[0]),
            "low": low,
            "high": high,
            "n": outcome.counts[spec.focus],
        }
    ]
    wide = normal_width(outcome.sample.coverage)
    chances = np.array([r["p_gap_nonneg"] for r in schools if r["shown"] and r["p_gap_nonneg"] is not None])
    if len(chances):
        mean, sd = float(chances.mean()), float(np.sqrt((chances * (1 - chances)).sum())) / len(chances)
        rows.append(
            {
                "statement": f"schools_gap_nonneg_share.{outcome.subject}",
                "subject": outcome.subject,
                "value": mean,
                "low": max(0.0, mean - wide * sd),
                "high": min(1.0, mean + wide * sd),
                "n": len(chances),
            }
        )
        rows.append(
            {
                "statement": f"schools_gap_nonneg_sure.{outcome.subject}",
                "subject": outcome.subject,
                "value": float((chances >= _SURE).sum()),
                "low": None,
                "high": None,
                "n": len(chances),
            }
        )
    return rows
