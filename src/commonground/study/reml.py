"""(Restricted) maximum likelihood by Newton steps with exact gradients, and a certificate that it is an optimum.

The search runs over the triangles T of the relative covariances, with a small floor under their diagonals (the gradient
in T vanishes at zero whether or not zero is best). The curvature is the average information; where that is slow, the
Hessian from differences of the exact gradient. Where a covariance becomes singular, its columns are put in order of
variance, so that what is singular stands last and the rest stays smooth. At the end the floor is taken away where that
is better, and the Karush-Kuhn-Tucker conditions are checked in the covariances themselves: no direction into the cone
of covariances may lower the criterion. A point that fails is left, and if that does not help, it is not called
converged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.study.ai import Pattern, average_information, covariance_gradients, gradient
from commonground.study.moments import IntArray
from commonground.study.schur import Block, Problem, State, evaluate

Array = npt.NDArray[np.float64]
FLOOR = 1e-4
_START = 0.5
_PATIENCE = 12
_LARGE = 300
_NOTHING = 1e-6


@dataclass(frozen=True)
class Certificate:
    """Evidence that a point is an optimum, in units of the criterion.

    Attributes
    ----------
    decrement : float
        How much a further Newton step would lower the criterion.
    boundary_gain : float
        How much leaving the boundary would lower it.
    boundary : bool
        Whether some variance is zero or some correlation is one.
    evaluations : int
        How often the criterion was evaluated.
    """

    decrement: float
    boundary_gain: float
    boundary: bool
    evaluations: int

    @property
    def converged(self) -> bool:
        """Whether the point may be called an optimum."""
        return bool(self.decrement < _NOTHING and self.boundary_gain < 1e-4)


@dataclass(frozen=True)
class Fit:
    """Where the search ended: the state at the (possibly singular) optimum and its certificate."""

    state: State
    certificate: Certificate


@dataclass(frozen=True)
class _Arranged:
    """One block's T, its free entries, which of them are pivots, and to which correlated set each belongs."""

    t: Array
    pattern: Pattern
    pivots: npt.NDArray[np.bool_]
    sets: IntArray


def _arranged(block: Block, covariance: Array) -> _Arranged:
    """Factor a covariance with columns in order of what they add: T with T T' = covariance."""
    t, entries = np.zeros_like(covariance), []
    sets = sorted({tuple(np.flatnonzero(row).tolist()) for row in block.group.mask})
    for number, members in enumerate(sets):
        rest = covariance[np.ix_(members, members)].copy()
        left = list(range(len(members)))
        for place in members:
            pivot = max(left, key=lambda i: (rest[i, i], -i))
            size = np.sqrt(max(rest[pivot, pivot], 0.0))
            column = np.zeros(len(members))
            column[left] = rest[left, pivot] / size if size > FLOOR else 0.0
            column[pivot] = max(size, FLOOR)
            entries += [(members[i], place, i == pivot, number) for i in left]
            t[list(members), place] = column
            rest -= np.outer(column, column)
            left.remove(pivot)
    rows, columns, pivots, owner = (np.array(v) for v in zip(*entries, strict=True))
    return _Arranged(t, (rows, columns), pivots.astype(bool), owner)


class _Search:
    """The criterion as a function of one vector theta, the free entries of every T; evaluations are counted."""

    def __init__(self, problem: Problem, reml: bool, covariances: list[Array]) -> None:
        self.problem, self.reml, self.evaluations = problem, reml, 0
        self.theta = self.arrange(covariances)

    def arrange(self, covariances: list[Array]) -> Array:
        """Order the columns of every block by variance; give theta."""
        self.blocks = [_arranged(b, s) for b, s in zip(self.problem.blocks, covariances, strict=True)]
        self.patterns = tuple(b.pattern for b in self.blocks)
        self.pivots = np.concatenate([b.pivots for b in self.blocks])
        self.lower = np.where(self.pivots, FLOOR, -np.inf)
        theta: Array = np.concatenate([b.t[b.pattern] for b in self.blocks])
        return theta

    def factors(self, theta: Array) -> tuple[Array, ...]:
        found, at = [], 0
        for block, (rows, columns) in zip(self.problem.blocks, self.patterns, strict=True):
            t = np.zeros((block.c, block.c))
            t[rows, columns] = theta[at : at + len(rows)]
            found.append(t)
            at += len(rows)
        return tuple(found)

    def at(self, theta: Array) -> State | None:
        self.evaluations += 1
        try:
            return evaluate(self.problem, self.factors(theta), self.reml)
        except np.linalg.LinAlgError:
            return None

    def slope(self, state: State) -> Array:
        return gradient(self.problem, state, self.reml, self.patterns)

    def floored(self, theta: Array) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = self.pivots & (theta <= FLOOR * (1 + 1e-9))
        return found

    def curvature(self, theta: Array, state: State, exact: bool) -> Array:
        """Average information, or the Hessian by differences of the exact gradient."""
        if not exact:
            return average_information(self.problem, state, self.patterns)
        hessian: Array = np.zeros((len(theta), len(theta)))
        for i in range(len(theta)):
            step = 1e-4 * max(abs(theta[i]), 1e-2)
            up, down = theta.copy(), theta.copy()
            up[i] += step
            down[i] -= step
            above, below = self.at(up), self.at(down)
            if above is None or below is None:
                return average_information(self.problem, state, self.patterns)
            hessian[i] = (self.slope(above) - self.slope(below)) / (2 * step)
        symmetric: Array = (hessian + hessian.T) / 2
        return symmetric

    def newton(self, theta: Array, steps: int) -> tuple[Array, State]:
        """Step until the expected gain is nothing; give the point and its state."""
        state = self.at(theta)
        if state is None:
            raise np.linalg.LinAlgError("the system is not positive definite at the start")
        damping = 0.0
        # differences cost two evaluations an entry: on large systems more slow steps are cheaper
        patience = _PATIENCE if self.problem.m < _LARGE else 4 * _PATIENCE
        for number in range(steps):
            slope = self.slope(state)
            curve = self.curvature(theta, state, exact=number >= patience)
            free = ~(self.floored(theta) & (slope > 0))
            moved = None
            while moved is None:
                new = theta.copy()
                new[free] += _damped(curve[np.ix_(free, free)], slope[free], damping)
                new = np.maximum(new, self.lower)
                if abs(float(slope @ (new - theta))) < 2e-13 or damping > 1e12:
                    return theta, state
                trial = self.at(new)
                if trial is not None and trial.criterion <= state.criterion + 1e-11 * abs(state.criterion):
                    moved = trial
                else:
                    damping = max(4 * damping, 0.25)
            damping = damping / 4 if damping > 1e-2 else 0.0
            theta, state = new, moved
            if self.out_of_order(theta):
                theta = self.arrange([t @ t.T for t in state.factors])
                state = self.at(theta) or state
        return theta, state

    def out_of_order(self, theta: Array) -> bool:
        """Whether in some correlated set a column on the floor stands before one that is not."""
        on, at = self.floored(theta), 0
        for block in self.blocks:
            part = on[at : at + len(block.pivots)]
            at += len(block.pivots)
            for number in set(block.sets.tolist()):
                floored = part[block.pivots & (block.sets == number)]
                if np.any(floored[:-1] & ~floored[1:]):
                    return True
        return False


def _damped(curve: Array, slope: Array, damping: float) -> Array:
    """Newton step with the curvature kept positive and, if asked, raised (Levenberg-Marquardt)."""
    if not len(slope):
        return np.zeros(0)
    size = np.sqrt(np.maximum(np.abs(np.diag(curve)), 1e-8))
    values, vectors = np.linalg.eigh(curve / np.outer(size, size))
    values = np.maximum(np.abs(values), 1e-6) + damping
    step: Array = -(vectors @ ((vectors.T @ (slope / size)) / values)) / size
    return step


def _boundary_gain(search: _Search, state: State) -> tuple[float, list[Array]]:
    """How much the criterion could fall by a direction into the cone, and covariances in the best such direction."""
    gain, best = 0.0, []
    covariances = [t @ t.T for t in state.factors]
    parts = covariance_gradients(search.problem, state, search.reml)
    for k, (block, (trace, outer)) in enumerate(zip(search.problem.blocks, parts, strict=True)):
        slope = np.where(block.group.mask, trace - outer / state.sigma2, 0.0)
        size = np.sqrt(np.maximum(np.diag(trace), 1e-12))
        values, vectors = np.linalg.eigh(slope / np.outer(size, size))
        # the second derivative along a direction of unit (scaled) trace is at least about half of 1 / q
        possible = float(values[0] ** 2 * block.q) if values[0] < 0 else 0.0
        if possible > gain:
            gain = possible
            direction = vectors[:, 0] / size
            moved = covariances[k] - values[0] * block.q * np.outer(direction, direction) * block.group.mask
            best = [*covariances[:k], moved, *covariances[k + 1 :]]
    return gain, best


def _decrement(search: _Search, theta: Array, state: State, exact: bool) -> float:
    """How much one more step, kept inside the bounds, would lower the criterion."""
    slope = search.slope(state)
    free = ~(search.floored(theta) & (slope > 0))
    new = theta.copy()
    new[free] += _damped(search.curvature(theta, state, exact)[np.ix_(free, free)], slope[free], 0.0)
    return abs(float(slope @ (np.maximum(new, search.lower) - theta)))


def certify(problem: Problem, factors: tuple[Array, ...], reml: bool) -> Certificate:
    """Check the Karush-Kuhn-Tucker conditions at a point, without searching.

    Parameters
    ----------
    problem : Problem
        Arranged sums.
    factors : tuple of Array
        T of each block; any T with T T' the relative covariance.
    reml : bool
        Restricted likelihood, else likelihood.
    """
    search = _Search(problem, reml, [t @ t.T for t in factors])
    theta = search.theta
    state = search.at(theta)
    if state is None:
        return Certificate(np.inf, np.inf, False, search.evaluations)
    decrement = _decrement(search, theta, state, exact=False)
    if decrement >= _NOTHING:
        decrement = _decrement(search, theta, state, exact=True)
    boundary = bool(search.floored(theta).any())
    gain = _boundary_gain(search, state)[0] if boundary else 0.0
    return Certificate(decrement, gain, boundary, search.evaluations)


def fit(problem: Problem, reml: bool = True, *, steps: int = 100) -> Fit:
    """Find the optimum and certify it.

    Parameters
    ----------
    problem : Problem
        Arranged sums (:func:`commonground.study.schur.make_problem`).
    reml : bool
        Restricted likelihood, else likelihood.
    steps : int
        Newton steps allowed.

    Returns
    -------
    Fit
        ``fit.certificate.converged`` says whether the point is an optimum; it is never assumed.
    """
    search = _Search(problem, reml, [_START**2 * np.eye(b.c) for b in problem.blocks])
    theta, state = search.newton(search.theta, steps)
    for _ in range(5):
        if not search.floored(theta).any():
            break
        gain, inside = _boundary_gain(search, state)
        if gain < 1e-6:
            break
        other = _Search(problem, reml, inside)
        moved, found = other.newton(other.theta, steps)
        other.evaluations += search.evaluations
        if found.criterion >= state.criterion - 1e-9:
            search.evaluations = other.evaluations
            break
        search, theta, state = other, moved, found
    certificate = certify(problem, state.factors, reml)
    state = _drop_floor(search, theta, state)
    evaluations = search.evaluations + certificate.evaluations
    return Fit(state, Certificate(certificate.decrement, certificate.boundary_gain, certificate.boundary, evaluations))


def _drop_floor(search: _Search, theta: Array, state: State) -> State:
    """Put pivots that lie on the floor at zero, where the criterion is no worse there."""
    on_floor = search.floored(theta)
    if not on_floor.any():
        return state
    there = search.at(np.where(on_floor, 0.0, theta))
    return there if there is not None and there.criterion <= state.criterion + 1e-6 else state
