"""School factors that go with results: for all children, for those whose parents are away, and the difference.

The factors and their interactions are fixed in the specification before the data are seen. False discoveries are held
down within each family (one subject and one question, all factors) by Benjamini & Hochberg (1995), J. R. Stat. Soc. B
57:289. Association, not effect: schools differ in more than these factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.study.design import Column, quote
from commonground.study.mixed import MixedModel
from commonground.study.model import Row
from commonground.study.outcome import Outcome
from commonground.study.quantiles import t_two_sided, t_width

Array = npt.NDArray[np.float64]
TERMS = ("all_children", "parents_away", "difference")


def benjamini_hochberg(p: Array) -> Array:
    """Give q-values: the least false-discovery rate at which each would be declared.

    Parameters
    ----------
    p : Array, shape (m,)

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57:289.
    """
    m = len(p)
    order = np.argsort(p, kind="stable")
    raised = p[order] * m / np.arange(1, m + 1)
    q = np.empty(m)
    q[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return q


def _scaled(outcome: Outcome, name: str) -> _Usable | None:
    """Write the SQL of a factor per standard deviation between schools (yes-no factors stay 0 and 1)."""
    rows = outcome.sample.engine.rows(
        f"SELECT school, min({name}) FROM {outcome.table} GROUP BY school ORDER BY school"
    )
    values = np.array([float(v) for _, v in rows if v is not None])
    if len(values) < outcome.sample.spec.minimum.schools or np.ptp(values) == 0:
        return None
    if set(values.tolist()) <= {0.0, 1.0}:
        return _Usable(name, len(values), "yes_no")
    mean, sd = round(float(values.mean()), 9), round(float(values.std()), 9)
    return _Usable(f"(({name} - {mean}) / {sd})", len(values), "sd")


def _patterns(outcome: Outcome) -> list[tuple[str, list[str]]]:
    """Factors grouped by the schools that have them, so that one pass over the children serves many."""
    patterns: dict[tuple[str, ...], list[str]] = {}
    for name in outcome.sample.factors:
        rows = outcome.sample.engine.rows(
            f"SELECT DISTINCT school FROM {outcome.table} WHERE {name} IS NULL ORDER BY school"
        )
        patterns.setdefault(tuple(str(r[0]) for r in rows), []).append(name)
    return [(f"{names[0]} IS NOT NULL", names) for names in patterns.values()]


@dataclass(frozen=True)
class _Usable:
    """A factor that differs between enough schools: its SQL, its schools, what one unit of it is (sd, yes_no)."""

    sql: str
    schools: int
    scale: str


def _term_row(outcome: Outcome, name: str, term: str, estimate: float, se: float, used: _Usable, n: int) -> Row:
    # a school-level association has as many cases as there are schools
    df = max(1, used.schools - 3)
    wide = t_width(outcome.sample.coverage, df) * se
    return {
        "factor": outcome.sample.factors[name][0].definition,
        "subject": outcome.subject,
        "term": term,
        "scale": used.scale,
        "estimate": estimate,
        "low": estimate - wide,
        "high": estimate + wide,
        "p": t_two_sided(estimate / se, df) if se > 0 else 1.0,
        "q": 1.0,
        "schools": used.schools,
        "n": n,
    }


def _fit_rows(outcome: Outcome, name: str, main: MixedModel, both: MixedModel | None, used: _Usable) -> list[Row]:
    found = main.coefficient(name)
    rows = [_term_row(outcome, name, "all_children", found.estimate, found.se, used, main.n)]
    if both is None:
        return rows
    names = [c.name for c in both.fixef]
    product = f"{name} x focus"
    if product not in names or name not in names:
        return rows
    i, j = names.index(name), names.index(product)
    total = both.fixef[i].estimate + both.fixef[j].estimate
    variance = both.covariance[i, i] + both.covariance[j, j] + 2 * both.covariance[i, j]
    rows.append(_term_row(outcome, name, "parents_away", total, float(np.sqrt(variance)), used, both.n))
    difference = both.fixef[j]
    rows.append(_term_row(outcome, name, "difference", difference.estimate, difference.se, used, both.n))
    return rows


def factor_rows(outcome: Outcome) -> list[Row]:
    """Associate every school factor with the outcome, one factor at a time, allowing for groups and covariates."""
    rows: list[Row] = []
    for where, names in _patterns(outcome):
        usable = {name: scaled for name in names if (scaled := _scaled(outcome, name)) is not None}
        if not usable:
            continue
        extra = [Column(name, used.sql) for name, used in usable.items()]
        if outcome.away_in_some:
            extra += [Column(f"{n} x focus", f"{used.sql} * {quote(outcome.focus)}") for n, used in usable.items()]
        moments = outcome.sums(outcome.adjusted, where, extra)
        for name, used in usable.items():
            slope = outcome.away_in_some
            main = outcome.model([*outcome.adjusted, name], slope=slope, moments=moments)
            both = None
            if slope:
                both = outcome.model([*outcome.adjusted, name, f"{name} x focus"], slope=True, moments=moments)
            if name in {c.name for c in main.fixef}:
                rows += _fit_rows(outcome, name, main, both, used)
    for term in TERMS:
        family = [r for r in rows if r["term"] == term]
        if family:
            q = benjamini_hochberg(np.array([r["p"] for r in family]))
            for row, value in zip(family, q.tolist(), strict=True):
                row["q"] = value
    return rows
