"""Gradient and average-information matrix of the criterion in the entries of T.

The average information (Gilmour, Thompson & Cullis 1995, Biometrics 51:1440) stands in for the Hessian: it needs no
traces, only solutions of the system that the criterion has already factored.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commonground.study.moments import IntArray
from commonground.study.schur import Problem, State, inverse_blocks

Array = npt.NDArray[np.float64]
Pattern = tuple[IntArray, IntArray]


def residuals(problem: Problem, state: State) -> tuple[Array, ...]:
    """Z'P y of every block, scaled, each (q, c): what is left of the response after the fixed and varying effects."""
    effects = [b @ t.T for b, t in zip(state.spherical, state.factors, strict=True)]
    fitted = z_products(problem, effects)
    return tuple(block.zy - block.zx @ state.beta - z for block, z in zip(problem.blocks, fitted, strict=True))


def z_products(problem: Problem, effects: list[Array]) -> list[Array]:
    """Z'Z h block by block, h given as one (q, c) array a block."""
    found = [np.einsum("gab,gb->ga", block.zz, h) for block, h in zip(problem.blocks, effects, strict=True)]
    first = problem.blocks[0]
    for k, (left, right, sums) in enumerate(problem.cross):
        block = problem.blocks[1 + k]
        to_first = np.einsum("nab,nb->na", sums, effects[1 + k][right])
        to_rest = np.einsum("nab,na->nb", sums, effects[0][left])
        for a in range(first.c):
            found[0][:, a] += np.bincount(left, weights=to_first[:, a], minlength=first.q)
        for b in range(block.c):
            found[1 + k][:, b] += np.bincount(right, weights=to_rest[:, b], minlength=block.q)
    if len(problem.blocks) > 2:
        rest = np.concatenate([h.ravel() for h in effects[1:]])
        for k, block in enumerate(problem.blocks[1:]):
            start, stop = problem.offsets[k], problem.offsets[k] + block.q * block.c
            others = rest.copy()
            others[start:stop] = 0  # the block itself is counted already
            found[1 + k] = found[1 + k] + (problem.rest[start:stop] @ others).reshape(block.q, block.c)
    return found


def covariance_gradients(problem: Problem, state: State, reml: bool) -> tuple[tuple[Array, Array], ...]:
    """Two parts of the gradient in each block's relative covariance: sum of Z'PZ, and of the residuals' products.

    The gradient is the first minus the second times df / r2. T must have an inverse.
    """
    parts = []
    for block, t, inverse, r in zip(
        problem.blocks,
        state.factors,
        inverse_blocks(problem, state, fixed=reml),
        residuals(problem, state),
        strict=True,
    ):
        back = np.linalg.inv(t)
        trace = back.T @ (block.q * np.eye(block.c) - inverse.sum(axis=0)) @ back
        parts.append((trace, r.T @ r))
    return tuple(parts)


def gradient(problem: Problem, state: State, reml: bool, patterns: tuple[Pattern, ...]) -> Array:
    """Exact gradient of the criterion in the free entries of T (rows and columns by block), block after block."""
    found = []
    for free, t, (trace, outer) in zip(
        patterns, state.factors, covariance_gradients(problem, state, reml), strict=True
    ):
        full = 2 * (trace - outer / state.sigma2) @ t
        found.append(full[free])
    return np.concatenate(found)


def average_information(problem: Problem, state: State, patterns: tuple[Pattern, ...]) -> Array:
    """Average information of the criterion in the free entries of T, residual variance profiled out."""
    from scipy.linalg import solve_triangular

    r = residuals(problem, state)
    directions: list[list[Array]] = []
    for k, (block, t) in enumerate(zip(problem.blocks, state.factors, strict=True)):
        for i, j in zip(*patterns[k], strict=True):
            change = np.zeros((block.c, block.c))
            change[i, j] = 1
            h = [np.zeros_like(b) for b in state.spherical]
            h[k] = state.spherical[k] @ change.T + r[k] @ change @ t.T
            directions.append(h)
    m = problem.m
    left = state.inner @ state.factors[0].T
    products = [z_products(problem, h) for h in directions]
    heads = [np.einsum("gab,gb->ga", left, z[0]).ravel() for z in products]
    tails = []
    for h, z, head in zip(directions, products, heads, strict=True):
        tail = np.zeros(m + problem.p)
        if m:
            tail[:m] = np.concatenate([(zk @ t).ravel() for zk, t in zip(z[1:], state.factors[1:], strict=True)])
            tail[:m] -= state.cross.T @ head
        tail[m:] = sum(np.einsum("gcp,gc->p", b.zx, hk) for b, hk in zip(problem.blocks, h, strict=True))
        tail[m:] -= state.wide[:, :-1].T @ head
        tails.append(solve_triangular(state.chol, tail, trans=1, check_finite=False))
    flat = np.array([np.concatenate([x.ravel() for x in h]) for h in directions])
    flat_z = np.array([np.concatenate([x.ravel() for x in z]) for z in products])
    head, tail = np.array(heads), np.array(tails)
    information = (flat @ flat_z.T - head @ head.T - tail @ tail.T) / (2 * state.sigma2)
    slope = flat @ np.concatenate([x.ravel() for x in r]) / (2 * state.sigma2**2)
    profiled: Array = information - np.outer(slope, slope) * (2 * state.sigma2**2 / state.df)
    symmetric: Array = profiled + profiled.T
    return symmetric
