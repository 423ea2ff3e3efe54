"""How the differences between children divide into schools and pupils, with profile-likelihood intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from commonground.study.ai import gradient
from commonground.study.design import INTERCEPT_NAME
from commonground.study.mixed import MixedModel, independent_columns
from commonground.study.model import Row
from commonground.study.moments import Moments, select
from commonground.study.outcome import SCHOOL, Outcome
from commonground.study.quantiles import chi2_quantile
from commonground.study.reml import fit
from commonground.study.schur import evaluate, make_problem

Array = npt.NDArray[np.float64]
_LOWER = ((np.array([0, 1, 1]), np.array([0, 0, 1])),)


def share_interval(moments: Moments, level: float, reml: bool = True) -> tuple[float, float]:
    """Profile-likelihood interval of the share of variance between groups, for one random intercept.

    Parameters
    ----------
    moments : Moments
        Of a model with one grouping factor whose intercept alone varies.
    level : float
        Coverage.

    Returns
    -------
    (low, high)
        Shares between 0 and 1; low is 0 when the data do not rule it out.
    """
    problem = make_problem(moments, independent_columns(moments)[0])
    best = float(fit(problem, reml).state.factors[0][0, 0]) ** 2

    def criterion(ratio: float) -> float:
        return evaluate(problem, (np.array([[np.sqrt(ratio)]]),), reml).criterion

    low, high = _profile(criterion, best, level)
    return low / (1 + low), high / (1 + high)


def slope_interval(moments: Moments, level: float, reml: bool = True) -> tuple[float, float]:
    """Profile-likelihood interval of a slope's variance divided by the residual variance.

    The model has one grouping factor with an intercept and one slope, correlated; the intercept's variance and the
    correlation are optimised at each value, by exact gradients.
    """
    from scipy.optimize import minimize

    problem = make_problem(moments, independent_columns(moments)[0])
    size = float(problem.blocks[0].scale[1])
    found = fit(problem, reml).state.factors[0]
    # the search may have put the slope first: back to a lower triangle
    covariance = found @ found.T
    first = float(np.sqrt(covariance[0, 0]))
    low = covariance[1, 0] / first if first > 0 else 0.0
    best = np.array([[first, 0.0], [low, np.sqrt(max(covariance[1, 1] - low**2, 0.0))]])
    angle = float(np.arctan2(best[1, 0], max(best[1, 1], 1e-6)))
    state = {"at": np.array([max(best[0, 0], 1e-2), np.clip(angle, -1.4, 1.4)])}

    def criterion(ratio: float) -> float:
        # slope sd relative to the residual, in the problem's scale; not quite zero, where the gradient has no meaning
        slope = max(np.sqrt(ratio) * size, 1e-4)

        def given(p: Array) -> tuple[float, Array]:
            t = np.array([[p[0], 0.0], [slope * np.sin(p[1]), slope * np.cos(p[1])]])
            there = evaluate(problem, (t,), reml)
            g = gradient(problem, there, reml, _LOWER)
            return there.criterion, np.array([g[0], slope * (g[1] * np.cos(p[1]) - g[2] * np.sin(p[1]))])

        there = minimize(given, state["at"], jac=True, method="L-BFGS-B", bounds=[(1e-4, None), (-1.55, 1.55)])
        state["at"] = there.x
        return float(there.fun)

    return _profile(criterion, float(best[1] @ best[1]) / size**2, level)


def _profile(criterion: Callable[[float], float], best: float, level: float) -> tuple[float, float]:
    """Where a criterion over the positive numbers rises by the chi-square quantile above its value at the best."""
    from scipy.optimize import brentq

    limit = criterion(best) + chi2_quantile(level, 1)

    def over(ratio: float) -> float:
        return criterion(ratio) - limit

    low = 0.0
    if best > 0 and over(0.0) > 0:
        low = float(brentq(over, 0.0, best, xtol=1e-6, rtol=1e-3))
    inside, outside = best, 2 * best + 1e-3
    while over(outside) < 0 and outside < 1e6:
        inside, outside = outside, 3 * outside
    return low, float(brentq(over, inside, outside, xtol=1e-6, rtol=1e-3)) if outside < 1e6 else float("inf")


def _rows(outcome: Outcome, name: str, model: MixedModel, low: float, high: float) -> list[Row]:
    school = model.variance(SCHOOL)
    pupil = model.sigma**2
    share = school / (school + pupil)
    base = {"subject": outcome.subject, "model": name}
    return [
        {**base, "level": "school", "variance": school, "share": share, "low": low, "high": high},
        {**base, "level": "pupil", "variance": pupil, "share": 1 - share, "low": 1 - high, "high": 1 - low},
    ]


def variance_rows(outcome: Outcome, null: MixedModel, adjusted: MixedModel, slope: MixedModel | None) -> list[Row]:
    """Divide the variance in the null and the adjusted model; the interval is of the share.

    For the slope the share is its variance against that of schools and pupils in the adjusted model.
    """
    level, rows = outcome.sample.coverage, []
    for name, model, fixed in (("null", null, []), ("adjusted", adjusted, outcome.adjusted)):
        chosen = select(outcome.moments, [INTERCEPT_NAME, *fixed], {SCHOOL: [[INTERCEPT_NAME]]})
        low, high = share_interval(chosen, level)
        rows += _rows(outcome, name, model, low, high)
    if slope is not None:
        chosen = select(outcome.moments, [INTERCEPT_NAME, *outcome.adjusted], {SCHOOL: outcome.varying})
        low, high = slope_interval(chosen, level)
        variance = slope.variance(SCHOOL, outcome.focus)
        total = adjusted.variance(SCHOOL) + adjusted.sigma**2
        residual = slope.sigma**2
        rows.append(
            {
                "subject": outcome.subject,
                "model": "adjusted",
                "level": "slope",
                "variance": variance,
                "share": variance / total,
                "low": low * residual / total,
                "high": high * residual / total,
            }
        )
    return rows
