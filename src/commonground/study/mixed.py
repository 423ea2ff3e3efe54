"""``fit_mixed``: linear mixed models with lme4's formulas, from sums that the engine makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.engine import Engine, open_engine
from commonground.errors import Said, StudyError
from commonground.study.design import INTERCEPT_NAME, Design, attach, make_design
from commonground.study.effects import GroupEffects, fixed_effects, group_effects, varying_covariance
from commonground.study.formula import parse
from commonground.study.moments import IntArray, Moments, compute_moments
from commonground.study.quantiles import normal_above, normal_width
from commonground.study.reml import Certificate, Fit, fit
from commonground.study.schur import Problem, make_problem

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from commonground.present.drawing import Chart

Array = npt.NDArray[np.float64]
# share of a column's variation that must be its own; below, it is a sum of the others (R's qr uses 1e-7 on lengths)
_RANK = 1e-11


@dataclass(frozen=True)
class Coefficient:
    """A fixed effect: estimate, standard error, z = estimate / se, two-sided normal p, and interval."""

    name: str
    estimate: float
    se: float
    z: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Variance:
    """A variance (``var2`` is None) or covariance of varying effects, as lme4's ``VarCorr`` lists them.

    ``sdcor`` is the standard deviation, or the correlation (nan where a variance is zero).
    """

    grp: str
    var1: str | None
    var2: str | None
    vcov: float
    sdcor: float


@dataclass(frozen=True)
class MixedModel:
    """A fitted linear mixed model.

    Attributes
    ----------
    formula : str
        As given.
    reml : bool
        Restricted likelihood, else likelihood.
    n, dropped : int
        Rows used, and rows left out because a value is missing.
    groups : dict
        Levels of each grouping factor.
    fixef : tuple of Coefficient
        Fixed effects in R's order.
    covariance : Array, shape (p, p)
        Covariance of the fixed effects.
    varcomp : tuple of Variance
        Variances and covariances, the residual last.
    sigma : float
        Residual standard deviation.
    criterion : float
        REML criterion or -2 log-likelihood, as lme4 counts it.
    effects : dict
        Shrunken effects of each grouping factor with their uncertainty.
    references : dict
        Reference level of each factor.
    collinear : tuple of str
        Columns left out because the others add up to them.
    certificate : Certificate
        Evidence of an optimum.
    level : float
        Coverage of the intervals.
    """

    formula: str
    reml: bool
    n: int
    dropped: int
    groups: dict[str, int]
    fixef: tuple[Coefficient, ...]
    covariance: Array
    varcomp: tuple[Variance, ...]
    sigma: float
    criterion: float
    effects: dict[str, GroupEffects]
    references: dict[str, str]
    collinear: tuple[str, ...]
    certificate: Certificate
    level: float

    @property
    def converged(self) -> bool:
        """Whether the point is certified as an optimum."""
        return self.certificate.converged

    def coefficient(self, name: str) -> Coefficient:
        """Find a fixed effect by R's name; KeyError if it is not in the model."""
        for found in self.fixef:
            if found.name == name:
                return found
        raise KeyError(name)

    def variance(self, group: str, var1: str | None = INTERCEPT_NAME, var2: str | None = None) -> float:
        """Find a variance or covariance; ``group`` "Residual" with ``var1`` None is the residual variance."""
        for found in self.varcomp:
            if found.grp == group and (found.var1, found.var2) in ((var1, var2), (var2, var1)):
                return found.vcov
        raise KeyError((group, var1, var2))

    def table(self) -> pa.Table:
        """Give the fixed effects as an Arrow table."""
        import pyarrow as pa

        return pa.Table.from_pylist([vars(c) for c in self.fixef])

    def to_dict(self) -> dict[str, Any]:
        """Give the model as plain values; effects of groups are left out (``effects[...].table()`` has them)."""
        return {
            "formula": self.formula,
            "reml": self.reml,
            "n": self.n,
            "dropped": self.dropped,
            "groups": dict(self.groups),
            "coefficients": {
                c.name: {"estimate": c.estimate, "se": c.se, "z": c.z, "p": c.p, "low": c.low, "high": c.high}
                for c in self.fixef
            },
            "variances": [vars(v) for v in self.varcomp],
            "sigma": self.sigma,
            "deviance": self.criterion,
            "references": dict(self.references),
            "collinear": list(self.collinear),
            "converged": self.converged,
            "certificate": vars(self.certificate),
            "level": self.level,
        }

    def figure(self, lang: str = "zh", width: int = 736) -> Chart:
        """Draw the fixed effects with their intervals, without the intercept; unit: that of the response."""
        from commonground.study.drawn import draw_model

        return draw_model(self, lang, width)

    @property
    def provenance(self) -> dict[str, Any]:
        """How the model was made: formula, criterion, rows, and the evidence of an optimum."""
        return {
            "formula": self.formula,
            "method": "REML" if self.reml else "ML",
            "n": self.n,
            "dropped": self.dropped,
            "level": self.level,
            "certificate": vars(self.certificate),
        }

    def sentence(self, lang: str = "zh") -> str:
        """Say in one sentence what was fitted and whether it may be trusted."""
        groups = "、".join(f"{v:,} 个 {k}" for k, v in self.groups.items())
        counted = " and ".join(f"{v:,} {k}" for k, v in self.groups.items())
        how = ("REML" if self.reml else "ML", f"{self.criterion:.3f}")
        if lang == "zh":
            state = "已收敛" if self.converged else "没有收敛，结果不能使用"
            return f"{self.n:,} 行、{groups}；{how[0]} 准则值 {how[1]}，{state}。"
        state = "converged" if self.converged else "did not converge and must not be used"
        return f"{self.n:,} rows in {counted}; {how[0]} criterion {how[1]}, {state}."


def independent_columns(moments: Moments) -> tuple[IntArray, tuple[str, ...]]:
    """Give the fixed columns that are not sums of earlier ones, and the names of those that are.

    Earlier columns in the formula's order are kept, as in R.
    """
    kept: list[int] = []
    left_out = []
    inverse = np.zeros((0, 0))
    for place in moments.fixed:
        own = moments.products[place, place]
        rest = own
        if kept:
            with_kept = moments.products[kept, place]
            rest = own - with_kept @ inverse @ with_kept
        if own <= 0 or rest <= _RANK * own:
            left_out.append(moments.names[place])
            continue
        kept.append(int(place))
        gram = moments.products[np.ix_(kept, kept)]
        size = np.sqrt(np.diag(gram))
        inverse = np.linalg.inv(gram / np.outer(size, size)) / np.outer(size, size)
    return np.array(kept, dtype=np.int64), tuple(left_out)


def _check(moments: Moments, formula: str) -> None:
    variation = moments.products[-1, -1]
    scale = max(abs(moments.mean[-1]), 1e-300) ** 2 * moments.n
    if variation <= 1e-20 * scale:
        raise StudyError(
            Said(
                "结果变量只有一个值，没有差别可以解释。",
                "The response has one value only; there is nothing to explain.",
            ),
            where=formula,
            todo=Said(
                "请检查成绩是否读错，或换一个结果变量。",
                "Check whether it was read rightly, or choose another response.",
            ),
        )
    for group in moments.groups:
        q = len(group.levels)
        if q < 2:
            raise StudyError(
                Said(
                    f"分组“{group.name}”只有一组，无法估计组间差别。",
                    f"“{group.name}” has one group only; groups cannot be compared.",
                ),
                where=formula,
                todo=Said(
                    "请去掉这一分组，或补充其他组的数据。", "Leave this grouping out, or add data of other groups."
                ),
            )
        if q >= moments.n:
            raise StudyError(
                Said(
                    f"分组“{group.name}”每行各成一组，无法与残差区分。",
                    f"Every row is a group of its own in “{group.name}”; that cannot be told from the residual.",
                ),
                where=formula,
                todo=Said("请换用更大的分组。", "Use a coarser grouping."),
            )


def _variances(moments: Moments, problem: Problem, found: Fit) -> tuple[Variance, ...]:
    result = []
    for k, group in enumerate(moments.groups):
        covariance = varying_covariance(moments, problem, found, k)
        names = [moments.names[i] for i in group.index]
        for i, name in enumerate(names):
            result.append(Variance(group.name, name, None, float(covariance[i, i]), float(np.sqrt(covariance[i, i]))))
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                if group.mask[i, j]:
                    size = float(np.sqrt(covariance[i, i] * covariance[j, j]))
                    value = float(covariance[j, i])
                    result.append(
                        Variance(group.name, names[i], names[j], value, value / size if size else float("nan"))
                    )
    sigma2 = found.state.sigma2 * problem.scale[-1] ** 2
    return (*result, Variance("Residual", None, None, float(sigma2), float(np.sqrt(sigma2))))


def fit_moments(
    formula: str, moments: Moments, references: dict[str, str], *, reml: bool = True, level: float = 0.95
) -> MixedModel:
    """Fit from sums that were made before (:func:`commonground.study.moments.compute_moments`)."""
    _check(moments, formula)
    kept, collinear = independent_columns(moments)
    if len(kept) >= moments.n:
        raise StudyError(
            Said("变量比数据行还多。", "There are more columns than rows."),
            where=formula,
            todo=Said("请减少变量，或补充数据。", "Use fewer variables, or more data."),
        )
    problem = make_problem(moments, kept)
    try:
        found = fit(problem, reml)
    except np.linalg.LinAlgError:
        raise StudyError(
            Said(
                "模型无法计算：结果可能被变量完全解释。",
                "The model cannot be computed: the response may be explained exactly.",
            ),
            where=formula,
            todo=Said("请检查变量是否由结果变量算出。", "Check whether a variable was computed from the response."),
        ) from None
    beta, covariance = fixed_effects(moments, problem, found, kept)
    se = np.sqrt(np.diag(covariance))
    z = beta / se
    wide = normal_width(level)
    fixef = tuple(
        Coefficient(moments.names[place], b, s, t, 2 * normal_above(abs(t)), b - wide * s, b + wide * s)
        for place, b, s, t in zip(kept, beta.tolist(), se.tolist(), z.tolist(), strict=True)
    )
    varcomp = _variances(moments, problem, found)
    return MixedModel(
        formula=formula,
        reml=reml,
        n=moments.n,
        dropped=moments.dropped,
        groups={g.name: len(g.levels) for g in moments.groups},
        fixef=fixef,
        covariance=covariance,
        varcomp=varcomp,
        sigma=varcomp[-1].sdcor,
        criterion=found.state.criterion,
        effects=group_effects(moments, problem, found, kept),
        references=references,
        collinear=collinear,
        certificate=found.certificate,
        level=level,
    )


def fit_mixed(
    formula: str,
    data: str | Path | pa.Table | duckdb.DuckDBPyRelation,
    *,
    reml: bool = True,
    levels: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
    engine: Engine | None = None,
) -> MixedModel:
    """Fit a linear mixed model with lme4's formula grammar.

    Parameters
    ----------
    formula : str
        Such as ``"math ~ prior + girl + (1 + away | school) + (1 | county)"``; factors with treatment contrasts.
    data : path, Arrow table or DuckDB relation
        Parquet or CSV by path. Rows with a missing value in any variable of the formula are dropped and counted.
    reml : bool
        Restricted maximum likelihood, else maximum likelihood.
    levels : mapping, optional
        Order of the levels of factors, reference first. Without it: the order of a dictionary column; else the most
        frequent level is the reference.
    level : float
        Coverage of the intervals.
    engine : Engine, optional
        Where the sums are made; one of its own otherwise.

    Returns
    -------
    MixedModel

    Raises
    ------
    StudyError
        The formula cannot be read, a variable is unknown, no row is complete, the response is constant, or a grouping
        cannot be told from the residual.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67(1); Gilmour, Thompson & Cullis (1995), Biometrics 51.
    """
    parsed = parse(formula)
    if not parsed.random:
        raise StudyError(
            Said("公式中没有随机项。", "The formula has no random term."),
            where=formula,
            todo=Said("请加上如 (1 | school) 的项。", "Add a term such as (1 | school)."),
        )
    own = engine is None
    used = engine or open_engine()
    try:
        attach(used, data)
        design: Design = make_design(used, parsed, levels)
        moments = compute_moments(used, design)
    finally:
        if own:
            used.close()
    return fit_moments(formula, moments, design.references, reml=reml, level=level)
