"""The profiled (restricted) likelihood of a linear mixed model from cross-products.

The factor with most effects is eliminated level by level; what is left is one dense system of the other factors'
effects and the fixed ones (a Schur complement). With T the lower triangle of each factor's relative covariance
(Bates, Maechler, Bolker & Walker 2015, J. Stat. Softw. 67(1), section 3), -2 log L is::

    log|T'Z'ZT + I| + [REML: log|X'V^-1 X|] + df (1 + log(2 pi r2 / df)),   df = n - p or n

Its gradient is exact. No cost depends on the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.study.moments import GroupSums, IntArray, Moments

Array = npt.NDArray[np.float64]
_CHUNK = 4_000_000
_SMALL = 150


@dataclass(frozen=True)
class Block:
    """One grouping factor in scaled units: q levels, c effects each, p fixed columns."""

    group: GroupSums
    scale: Array
    zz: Array
    zx: Array
    zy: Array

    @property
    def q(self) -> int:
        """Levels."""
        return int(self.zz.shape[0])

    @property
    def c(self) -> int:
        """Effects a level."""
        return int(self.zz.shape[1])

    @property
    def zxy(self) -> Array:
        """Cross-products with the fixed columns and the response, shape (q, c, p + 1)."""
        return np.concatenate([self.zx, self.zy[:, :, None]], axis=2)


@dataclass(frozen=True)
class Problem:
    """Cross-products scaled to unit root mean square, arranged for elimination.

    Attributes
    ----------
    n : int
        Rows.
    blocks : tuple of Block
        The factor to eliminate first, then the rest.
    order : tuple of int
        Place of each block among the model's grouping factors.
    offsets : tuple of int
        First place of each rest block among the m rest effects.
    cross : tuple of (left codes, right codes, sums)
        Sums of the first block with each rest block.
    rest : Array, shape (m, m)
        Z'Z of the rest blocks.
    xy : Array, shape (p + 1, p + 1)
        Cross-products of the fixed columns and the response.
    scale : Array, shape (p + 1,)
        Root mean squares of the fixed columns and the response.
    """

    n: int
    blocks: tuple[Block, ...]
    order: tuple[int, ...]
    offsets: tuple[int, ...]
    cross: tuple[tuple[IntArray, IntArray, Array], ...]
    rest: Array
    xy: Array
    scale: Array

    @property
    def p(self) -> int:
        """Fixed columns."""
        return int(self.xy.shape[0]) - 1

    @property
    def m(self) -> int:
        """Effects of the rest blocks."""
        return int(self.rest.shape[0])

    @cached_property
    def pattern(self) -> tuple[IntArray, IntArray, IntArray]:
        """Where the sums of the first block with the rest stand in a CSR matrix: permutation, indices, pointers."""
        c = self.blocks[0].c
        rows, columns = [], []
        for (left, right, _), block, offset in zip(self.cross, self.blocks[1:], self.offsets, strict=True):
            shape = (len(left), c, block.c)
            rows.append(np.broadcast_to(left[:, None, None] * c + np.arange(c)[None, :, None], shape).ravel())
            place = offset + right[:, None, None] * block.c + np.arange(block.c)[None, None, :]
            columns.append(np.broadcast_to(place, shape).ravel())
        row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        column = np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)
        permutation = np.lexsort((column, row))
        pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=self.blocks[0].q * c))])
        return permutation, column[permutation], pointers


def _pair(moments: Moments, a: int, b: int) -> tuple[IntArray, IntArray, Array]:
    if a < b:
        pair = moments.pairs[a, b]
        return pair.left, pair.right, pair.sums
    pair = moments.pairs[b, a]
    return pair.right, pair.left, pair.sums.transpose(0, 2, 1)


def make_problem(moments: Moments, fixed: IntArray) -> Problem:
    """Scale and arrange the sums.

    Parameters
    ----------
    moments : Moments
        Sums over the data.
    fixed : IntArray
        Positions of the fixed columns that are kept (of full rank).
    """
    places = np.append(fixed, len(moments.names) - 1)
    rms = np.sqrt(np.maximum(np.diag(moments.products) / moments.n, 1e-300))
    scale = rms[places]
    xy = moments.products[np.ix_(places, places)] / np.outer(scale, scale)
    size = [len(g.levels) * len(g.index) for g in moments.groups]
    order = tuple(sorted(range(len(size)), key=lambda k: (-size[k], k)))
    blocks = []
    for k in order:
        group = moments.groups[k]
        z = rms[group.index]
        sums = group.sums / z[None, :, None]
        blocks.append(
            Block(group, z, sums[:, :, group.index] / z, sums[:, :, fixed] / scale[:-1], sums[:, :, -1] / scale[-1])
        )
    offsets = tuple(np.concatenate([[0], np.cumsum([b.q * b.c for b in blocks[1:]])]).astype(int).tolist())
    cross = []
    for k, block in zip(order[1:], blocks[1:], strict=True):
        left, right, sums = _pair(moments, order[0], k)
        cross.append((left, right, sums / blocks[0].scale[None, :, None] / block.scale[None, None, :]))
    rest = _rest(moments, order, blocks, offsets)
    return Problem(moments.n, tuple(blocks), order, offsets[:-1], tuple(cross), rest, xy, scale)


def _rest(moments: Moments, order: tuple[int, ...], blocks: list[Block], offsets: tuple[int, ...]) -> Array:
    """Z'Z of all blocks but the first, dense."""
    rest = np.zeros((offsets[-1], offsets[-1]))
    for i, a in enumerate(blocks[1:]):
        place = offsets[i] + np.arange(a.q * a.c).reshape(a.q, a.c)
        rest[place[:, :, None], place[:, None, :]] = a.zz
        for j in range(i + 1, len(blocks) - 1):
            b = blocks[1 + j]
            left, right, sums = _pair(moments, order[1 + i], order[1 + j])
            rows = offsets[i] + left[:, None, None] * a.c + np.arange(a.c)[None, :, None]
            columns = offsets[j] + right[:, None, None] * b.c + np.arange(b.c)[None, None, :]
            rest[rows, columns] = sums / a.scale[None, :, None] / b.scale[None, None, :]
            rest[columns, rows] = rest[rows, columns]
    return rest


@dataclass(frozen=True)
class State:
    """The likelihood and all that hangs on it at one set of T.

    Attributes
    ----------
    criterion : float
        -2 log (restricted) likelihood in the data's units.
    r2, df : float
        Penalised residual sum of squares (scaled) and its divisor.
    beta : Array, shape (p,)
        Fixed effects, scaled.
    spherical : tuple of Array, each (q, c)
        Effects before T, in the order of the blocks.
    factors : tuple of Array
        T of each block.
    chol : Array
        Upper triangle U of the rest system, U'U.
    inner : Array, shape (q, c, c)
        Inverse Cholesky factors of the first block.
    cross : sparse matrix
        (q c, m), first block with the rest after scaling by T and the inverse Cholesky factors.
    wide : Array, shape (q c, p + 1)
        The same with the fixed columns and the response.
    """

    criterion: float
    r2: float
    df: float
    beta: Array
    spherical: tuple[Array, ...]
    factors: tuple[Array, ...]
    chol: Array
    inner: Array
    cross: Any
    wide: Array

    @property
    def sigma2(self) -> float:
        """Residual variance in scaled units."""
        return self.r2 / self.df

    @cached_property
    def inverse(self) -> Array:
        """Inverse of the rest system, fixed effects last."""
        return _inverse(self.chol)

    def inverse_of(self, k: int) -> Array:
        """Inverse of the first k rows and columns of the rest system, by themselves."""
        return self.inverse if k == len(self.chol) else _inverse(self.chol[:k, :k])


def _inverse(chol: Array) -> Array:
    if len(chol) < _SMALL:
        # threads of LAPACK cost more than they save on small systems
        root = np.linalg.inv(chol)
        small: Array = root @ root.T
        return small
    from scipy.linalg.lapack import dpotri

    upper, _ = dpotri(np.asfortranarray(chol), lower=0)
    inverse: Array = np.triu(upper) + np.triu(upper, 1).T
    return inverse


def _scaled_rest(problem: Problem, factors: tuple[Array, ...]) -> Array:
    """T'Z'ZT + I of the rest blocks."""
    rest = problem.rest.copy()
    m = problem.m
    for block, t, offset in zip(problem.blocks[1:], factors[1:], problem.offsets, strict=True):
        part = slice(offset, offset + block.q * block.c)
        if block.c == 1:
            rest[part, :] *= t[0, 0]
            rest[:, part] *= t[0, 0]
        else:
            rows = rest[part, :].reshape(block.q, block.c, m)
            rest[part, :] = np.matmul(t.T, rows).reshape(-1, m)
            columns = rest[:, part].reshape(m, block.q, block.c)
            rest[:, part] = (columns @ t).reshape(m, -1)
    rest[np.arange(m), np.arange(m)] += 1
    return rest


def _cross_matrix(problem: Problem, factors: tuple[Array, ...], left: Array) -> Any:
    """First block with the rest, scaled, as a sparse matrix (q c, m)."""
    first = problem.blocks[0]
    if not problem.m:
        return np.zeros((first.q * first.c, 0))
    from scipy.sparse import csr_array

    permutation, indices, pointers = problem.pattern
    values = [
        np.matmul(left[codes], sums @ t).ravel() for (codes, _, sums), t in zip(problem.cross, factors[1:], strict=True)
    ]
    data = np.concatenate(values)[permutation]
    return csr_array((data, indices, pointers), shape=(first.q * first.c, problem.m))


def _gram(cross: Any) -> Array:
    """E'E as a dense array: sparse while few cells are filled, else by BLAS."""
    rows, columns = cross.shape
    if cross.nnz > 0.1 * rows * columns:
        dense = cross.toarray()
        product: Array = dense.T @ dense
    else:
        product = (cross.T @ cross).toarray()
    return product


def evaluate(problem: Problem, factors: tuple[Array, ...], reml: bool) -> State:
    """Evaluate the criterion and its solution at T.

    Parameters
    ----------
    problem : Problem
        Arranged sums.
    factors : tuple of Array
        T of each block, in the order of the blocks; singular T are allowed.
    reml : bool
        Restricted likelihood, else likelihood.

    Raises
    ------
    numpy.linalg.LinAlgError
        The system is not positive definite.
    """
    from scipy.linalg import solve_triangular

    first, t = problem.blocks[0], factors[0]
    m, p = problem.m, problem.p
    low: Any = np.linalg.cholesky(t.T @ first.zz @ t + np.eye(first.c))
    inner: Any = np.linalg.inv(low)
    left = inner @ t.T
    wide: Array = (left @ first.zxy).reshape(-1, p + 1)
    system: Array = np.zeros((m + p + 1, m + p + 1))
    system[m:, m:] = problem.xy - wide.T @ wide
    cross = _cross_matrix(problem, factors, left)
    if m:
        rest_xy = np.concatenate(
            [(s.T @ b.zxy).reshape(-1, p + 1) for b, s in zip(problem.blocks[1:], factors[1:], strict=True)]
        )
        system[:m, :m] = _scaled_rest(problem, factors) - _gram(cross)
        system[:m, m:] = rest_xy - cross.T @ wide
        system[m:, :m] = system[:m, m:].T
    k = m + p
    chol: Any = np.linalg.cholesky(system[:k, :k]).T
    half = solve_triangular(chol, system[:k, k], trans=1, check_finite=False)
    r2 = float(system[k, k] - half @ half)
    df = problem.n - p if reml else problem.n
    if not r2 > 0:
        raise np.linalg.LinAlgError("no residual variation")
    logs = 2 * np.log(np.diag(chol))
    criterion = 2 * np.log(np.diagonal(low, axis1=1, axis2=2)).sum() + logs[:m].sum()
    criterion += df * (1 + np.log(2 * np.pi * r2 / df) + 2 * np.log(problem.scale[-1]))
    if reml:
        criterion += logs[m:].sum() + 2 * np.log(problem.scale[:-1]).sum()
    solution = solve_triangular(chol, half, check_finite=False)
    remaining = wide[:, -1] - wide[:, :-1] @ solution[m:]
    if m:
        remaining = remaining - cross @ solution[:m]
    spherical = [np.einsum("gba,gb->ga", inner, remaining.reshape(first.q, first.c))]
    for block, offset in zip(problem.blocks[1:], problem.offsets, strict=True):
        spherical.append(solution[offset : offset + block.q * block.c].reshape(block.q, block.c))
    return State(float(criterion), r2, float(df), solution[m:], tuple(spherical), factors, chol, inner, cross, wide)


def inverse_blocks(problem: Problem, state: State, fixed: bool) -> tuple[Array, ...]:
    """Diagonal blocks (one a level) of the inverse of the system of spherical effects.

    Parameters
    ----------
    problem, state : Problem, State
        What was solved.
    fixed : bool
        Whether the fixed effects are part of the system (their uncertainty is then included).

    Returns
    -------
    tuple of Array, each (q, c, c)
        In the order of the blocks; times sigma squared they are covariances of the spherical effects.
    """
    first, m = problem.blocks[0], problem.m
    k = m + problem.p if fixed else m
    inner = state.inner
    identity = np.broadcast_to(np.eye(first.c), (first.q, first.c, first.c))
    if k == 0:
        return (np.matmul(inner.transpose(0, 2, 1), inner),)
    inverse = state.inverse_of(k)
    middle = identity + _quadratic(problem, state, inverse, fixed)
    blocks = [inner.transpose(0, 2, 1) @ middle @ inner]
    for block, offset in zip(problem.blocks[1:], problem.offsets, strict=True):
        place = offset + np.arange(block.q * block.c).reshape(block.q, block.c)
        blocks.append(inverse[place[:, :, None], place[:, None, :]])
    return tuple(blocks)


def _quadratic(problem: Problem, state: State, inverse: Array, fixed: bool) -> Array:
    """F_g S F_g' for every level g of the first block, F = [cross, wide], S the inverse of the rest system."""
    first, m = problem.blocks[0], problem.m
    q, c = first.q, first.c
    wide = state.wide[:, :-1]
    result = np.zeros((q, c, c))
    if fixed:
        w = wide.reshape(q, c, -1)
        result += w @ inverse[m:, m:] @ w.transpose(0, 2, 1)
    if not m:
        return result
    cross = state.cross
    step = max(1, _CHUNK // max(1, m * c))
    for start in range(0, q, step):
        stop = min(q, start + step)
        part = cross[start * c : stop * c]
        product = part @ inverse[:m, :m]
        if fixed:
            product = product + 2 * wide[start * c : stop * c] @ inverse[m:, :m]
        counts = np.diff(part.indptr)
        row = np.repeat(np.arange(part.shape[0]), counts)
        for a in range(c):
            # product row (g, a) met with the cells of row (g, b)
            met = product[(row // c) * c + a, part.indices] * part.data
            cell = np.bincount(row, weights=met, minlength=part.shape[0])
            result[start:stop, a, :] += cell.reshape(-1, c)
    return (result + result.transpose(0, 2, 1)) / 2
