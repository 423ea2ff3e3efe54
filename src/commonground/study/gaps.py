"""Gaps between groups: raw, adjusted, within and between schools, with intervals that know of the schools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.study.model import Row
from commonground.study.outcome import Outcome
from commonground.study.quantiles import t_width

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClusteredFit:
    """Least squares with a covariance that allows for anything in common within clusters.

    Attributes
    ----------
    beta : Array, shape (k,)
        Coefficients; nan for columns that others add up to.
    covariance : Array, shape (k, k)
    clusters : int
    influence : Array, shape (G, k)
        What each cluster adds to the coefficients, so that two fits on the same clusters can be compared.
    """

    beta: Array
    covariance: Array
    clusters: int
    influence: Array


def clustered_ols(y: Array, x: Array, cluster: IntArray, *, absorbed: int = 0) -> ClusteredFit:
    """Ordinary least squares with cluster-robust covariance (CR1).

    Parameters
    ----------
    y : Array, shape (n,)
    x : Array, shape (n, k)
        With a column of ones where an intercept is wanted.
    cluster : IntArray, shape (n,)
        Codes 0 … G-1.
    absorbed : int
        Parameters already taken out of y and x (as school means), counted in the small-sample factor.

    References
    ----------
    Liang & Zeger (1986), Biometrika 73:13; the factor G/(G-1) (n-1)/(n-k) as in Cameron & Miller (2015), J. Hum.
    Resour. 50:317.
    """
    kept = _independent(x)
    inside = x[:, kept]
    inverse = np.linalg.inv(inside.T @ inside)
    beta = inverse @ (inside.T @ y)
    residual = y - inside @ beta
    groups = int(cluster.max()) + 1
    scores = np.zeros((groups, len(kept)))
    for j in range(len(kept)):
        scores[:, j] = np.bincount(cluster, weights=inside[:, j] * residual, minlength=groups)
    n, k = len(y), len(kept) + absorbed
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    influence = scores @ inverse * np.sqrt(factor)
    full = np.full(x.shape[1], np.nan)
    full[kept] = beta
    wide = np.full((x.shape[1], x.shape[1]), np.nan)
    wide[np.ix_(kept, kept)] = influence.T @ influence
    moved = np.full((groups, x.shape[1]), np.nan)
    moved[:, kept] = influence
    return ClusteredFit(full, wide, groups, moved)


def _independent(x: Array) -> list[int]:
    """Columns that are not sums of earlier ones."""
    kept: list[int] = []
    basis = np.zeros((x.shape[0], 0))
    for j in range(x.shape[1]):
        column = x[:, j]
        size = np.linalg.norm(column)
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if size > 0 and length > 1e-7 * size:
            kept.append(j)
            basis = np.column_stack([basis, rest / length])
    return kept


def demean(values: Array, cluster: IntArray) -> Array:
    """Take each cluster's mean out of the columns."""
    counts = np.bincount(cluster).astype(np.float64)
    columns = values if values.ndim == 2 else values[:, None]
    means = np.column_stack([np.bincount(cluster, weights=c) / counts for c in columns.T]) if columns.shape[1] else None
    result = columns if means is None else columns - means[cluster]
    return result if values.ndim == 2 else result[:, 0]


def _row(outcome: Outcome, group: str, comparison: str, estimate: float, se: float, df: float) -> Row:
    wide = t_width(outcome.sample.coverage, df) * se
    return {
        "subject": outcome.subject,
        "group": group,
        "comparison": comparison,
        "estimate": estimate,
        "low": estimate - wide,
        "high": estimate + wide,
        "n": outcome.n,
        "n_group": outcome.counts[group],
        "schools": outcome.schools,
    }


def gap_rows(outcome: Outcome) -> list[Row]:
    """Compare every group with the reference.

    ``raw`` is the whole difference of means. It is the sum of ``within``, between children of the same school, and
    ``between``, because the groups go to different schools (their mean difference in what a school adds). ``adjusted``
    allows for the covariates. ``city`` compares each group with all children. ``mundlak`` is the mixed model's
    coefficient of the group's share in the school, given the child's own group and the covariates (Mundlak 1978,
    Econometrica 46:69): what a school with the group alone would differ from a school without it.
    ``progress`` allows for the covariates and the same outcome's earlier score: children who stood alike then.
    """
    groups = outcome.group_columns
    covariates = list(outcome.covariates)
    y, every, school = outcome.arrays([*groups, *covariates, *outcome.earlier])
    k = len(groups)
    x = every[:, : k + len(covariates)]
    ones = np.ones((len(y), 1))
    raw = clustered_ols(y, np.hstack([ones, x[:, :k]]), school)
    adjusted = clustered_ols(y, np.hstack([ones, x]), school)
    inside = clustered_ols(demean(y, school), demean(x[:, :k], school), school, absorbed=outcome.schools)
    mundlak = outcome.model([f"{kind}_{v}" for kind in ("w", "m") for v in outcome.present] + covariates, slope=False)
    df = outcome.schools - 1
    fits = [("raw", raw, 1), ("adjusted", adjusted, 1), ("within", inside, 0)]
    if outcome.earlier:
        fits.append(("progress", clustered_ols(y, np.hstack([ones, every]), school), 1))
    rows = []
    for group in outcome.groups:
        i = groups.index(f"g_{group.value}")
        for name, fit, first in fits:
            place = i + first
            se = float(np.sqrt(fit.covariance[place, place]))
            rows.append(_row(outcome, group.value, name, float(fit.beta[place]), se, df))
        apart = raw.influence[:, i + 1] - inside.influence[:, i]
        sorting = float(raw.beta[i + 1] - inside.beta[i])
        rows.append(_row(outcome, group.value, "between", sorting, float(np.sqrt(apart @ apart)), df))
        try:
            found = mundlak.coefficient(f"m_{group.value}")
        except KeyError:
            continue
        rows.append(_row(outcome, group.value, "mundlak", found.estimate, found.se, max(1, df - k)))
    return rows + _city_rows(outcome, y, x[:, :k], school)


def _city_rows(outcome: Outcome, y: Array, dummies: Array, school: IntArray) -> list[Row]:
    """Each group's mean against the mean of all children."""
    spec, rows = outcome.sample.spec, []
    reference = 1 - dummies.sum(axis=1)
    centred = y - y.mean()
    for group in spec.groups:
        if outcome.counts[group.value] < spec.minimum.group:
            continue
        member = reference if group.value == spec.reference else dummies[:, outcome.present.index(group.value)]
        share = member.mean()
        difference = float((member * centred).sum() / member.sum())
        # influence of each child on (group mean - city mean), added up by school
        influence = (member * (centred - difference) / share - centred) / len(y)
        by_school = np.bincount(school, weights=influence)
        g = outcome.schools
        se = float(np.sqrt((by_school**2).sum() * g / (g - 1)))
        rows.append(_row(outcome, group.value, "city", difference, se, g - 1))
    return rows
