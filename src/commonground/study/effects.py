"""From the scaled, centred solution back to the data's units: fixed effects, covariances, shrunken effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.study.design import INTERCEPT_NAME
from commonground.study.moments import IntArray, Moments
from commonground.study.reml import Fit
from commonground.study.schur import Problem, inverse_blocks

if TYPE_CHECKING:
    import pyarrow as pa

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupEffects:
    """Shrunken effects (empirical Bayes) of the levels of one grouping factor.

    Attributes
    ----------
    name : str
        The factor.
    levels : tuple of str
        Labels, q of them.
    columns : tuple of str
        What varies, c of them.
    values : Array, shape (q, c)
        Conditional means.
    sd : Array, shape (q, c)
        Conditional standard deviations given the fixed effects, as lme4's ``condVar``.
    joint : Array, shape (q, c, c)
        Prediction error covariances, which include the uncertainty of the fixed effects.
    with_fixed : Array, shape (q, c, p)
        Prediction error covariances with the fixed effects.
    rows : Array, shape (q,)
        Rows of each level.
    """

    name: str
    levels: tuple[str, ...]
    columns: tuple[str, ...]
    values: Array
    sd: Array
    joint: Array
    with_fixed: Array
    rows: Array

    def table(self) -> pa.Table:
        """Give levels, effects and conditional standard deviations as an Arrow table."""
        import pyarrow as pa

        content: dict[str, object] = {"level": list(self.levels), "rows": self.rows.astype(int)}
        for j, column in enumerate(self.columns):
            content[column] = self.values[:, j]
            content[f"{column} sd"] = self.sd[:, j]
        return pa.table(content)


def _uncentre(names: list[str], mean: Array) -> Array:
    """Matrix that turns effects of centred columns into effects of the columns as they are."""
    back = np.eye(len(names))
    if INTERCEPT_NAME in names:
        back[names.index(INTERCEPT_NAME), :] -= mean
    return back


def _fixed_back(moments: Moments, problem: Problem, kept: IntArray) -> Array:
    names = [moments.names[i] for i in kept]
    return _uncentre(names, moments.mean[kept]) @ np.diag(problem.scale[-1] / problem.scale[:-1])


def _varying_back(moments: Moments, problem: Problem, k: int) -> Array:
    """Do the same for the varying effects of the model's k-th grouping factor: each correlated block by itself."""
    group = moments.groups[k]
    block = problem.blocks[problem.order.index(k)]
    names = [moments.names[i] for i in group.index]
    back = np.eye(len(names))
    for i, name in enumerate(names):
        if name == INTERCEPT_NAME:
            back[i, :] -= np.where(group.mask[i], moments.mean[group.index], 0.0)
    result: Array = back @ np.diag(problem.scale[-1] / block.scale)
    return result


def fixed_effects(moments: Moments, problem: Problem, found: Fit, kept: IntArray) -> tuple[Array, Array]:
    """Give the fixed effects and their covariance in the data's units."""
    back = _fixed_back(moments, problem, kept)
    beta = back @ found.state.beta
    names = [moments.names[i] for i in kept]
    if INTERCEPT_NAME in names:
        beta[names.index(INTERCEPT_NAME)] += moments.mean[-1]
    inverse = found.state.inverse[problem.m :, problem.m :]
    return beta, back @ inverse @ back.T * found.state.sigma2


def varying_covariance(moments: Moments, problem: Problem, found: Fit, k: int) -> Array:
    """Give the covariance of the varying effects of the k-th grouping factor in the data's units."""
    t = found.state.factors[problem.order.index(k)]
    back = _varying_back(moments, problem, k) @ t
    result: Array = back @ back.T * found.state.sigma2
    return result


def group_effects(moments: Moments, problem: Problem, found: Fit, kept: IntArray) -> dict[str, GroupEffects]:
    """Give the shrunken effects of every grouping factor with their uncertainty."""
    given_fixed = inverse_blocks(problem, found.state, fixed=False)
    with_fixed = inverse_blocks(problem, found.state, fixed=True)
    result = {}
    for k, group in enumerate(moments.groups):
        place = problem.order.index(k)
        back = _varying_back(moments, problem, k) @ found.state.factors[place]
        conditional = back @ given_fixed[place] @ back.T * found.state.sigma2
        variances = np.diagonal(conditional, axis1=1, axis2=2)
        across = back @ _with_fixed(problem, found, place) @ _fixed_back(moments, problem, kept).T
        result[group.name] = GroupEffects(
            name=group.name,
            levels=group.levels,
            columns=tuple(moments.names[i] for i in group.index),
            values=found.state.spherical[place] @ back.T,
            sd=np.sqrt(np.maximum(variances, 0.0)),
            joint=back @ with_fixed[place] @ back.T * found.state.sigma2,
            with_fixed=across * found.state.sigma2,
            rows=group.count,
        )
    return result


def _with_fixed(problem: Problem, found: Fit, place: int) -> Array:
    """Inverse of the whole system between the spherical effects of a block and the fixed effects, (q, c, p)."""
    state, block, m = found.state, problem.blocks[place], problem.m
    if place > 0:
        start = problem.offsets[place - 1]
        return state.inverse[start : start + block.q * block.c, m:].reshape(block.q, block.c, -1)
    met = state.wide[:, :-1] @ state.inverse[m:, m:]
    if m:
        met = met + state.cross @ state.inverse[:m, m:]
    result: Array = -np.einsum("gba,gbp->gap", state.inner, met.reshape(block.q, block.c, -1))
    return result
