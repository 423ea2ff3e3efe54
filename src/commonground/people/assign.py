"""Which candidate each record belongs to: probabilities that compete, then one to one.

A record is at most one person, and in a source where a person stands once, a person is at most one record. So the
odds of a pair compete with the odds of every other pair of the same record and of the same person: two namesakes that
fit equally well get half each, and neither is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Assignment:
    """Chosen pairs, as places among the pairs given, and the probability of every pair.

    ``threshold`` is the least probability that was taken; ``best`` are the probabilities of the pairs that are the best
    of both their sides before any was chosen.
    """

    chosen: Ints
    probability: Floats
    threshold: float
    best: Floats


def compete(a: Ints, b: Ints, log_odds: Floats, one_to_one: bool) -> Floats:
    """Probability of each pair given that its record, and if ``one_to_one`` its person, can be in one pair only."""
    odds = np.exp(np.clip(log_odds, -60, 60))
    rivals = np.bincount(a, weights=odds)[a] if len(a) else odds
    if one_to_one and len(b):
        rivals = rivals + np.bincount(b, weights=odds)[b] - odds
    probability: Floats = np.round(odds / (1.0 + rivals), 12)  # the same wherever the pair stands in the arrays
    return probability


def best(a: Ints, b: Ints, p: Floats, one_to_one: bool) -> Bools:
    """Mark the best pair of each record, if ``one_to_one`` of each person too; the first of equals."""
    sorted_already = len(a) < 2 or bool(((a[1:] > a[:-1]) | ((a[1:] == a[:-1]) & (b[1:] >= b[:-1]))).all())
    order = np.argsort(-p, kind="stable") if sorted_already else np.lexsort((b, a, -p))
    mine = _first(a, order)
    return mine & _first(b, order) if one_to_one else mine


def _first(key: Ints, order: Ints) -> Bools:
    """Mark the first of each key in an order."""
    backwards = order[::-1]
    first = np.zeros(int(key.max(initial=-1)) + 1, dtype=np.int64)
    first[key[backwards]] = backwards  # the last that is written stands
    found: Bools = first[key] == np.arange(len(key))
    return found


CERTAIN = 0.9
"""A pair of this probability is taken even in a source whose evidence cannot reach the precision asked for."""


def threshold(p: Floats, precision: float, taken: Floats | None = None, least: float = 0.5) -> float:
    """Least probability from which the pairs taken are right in the share ``precision`` on average.

    The expected share of right pairs among those with probability t or more is the mean of their probabilities
    (Fellegi and Sunter's error rates read from the model), so that t is where that mean reaches the target; ``least``
    when all of them together reach it. ``taken`` are probabilities of links that were taken before and count with them.
    """
    ordered = np.sort(p[p >= least])[::-1]
    before = np.zeros(0) if taken is None else taken
    mean = (before.sum() + np.cumsum(ordered)) / (len(before) + np.arange(1, len(ordered) + 1))
    last_of_equals = np.append(ordered[1:] < ordered[:-1], True)[: len(ordered)]
    enough = np.flatnonzero((mean >= precision) & last_of_equals)
    if not len(ordered) or (len(enough) and enough[-1] == len(ordered) - 1):
        return least
    return float(ordered[enough[-1]]) if len(enough) else 1.0


def assign(
    a: Ints,
    b: Ints,
    log_odds: Floats,
    *,
    one_to_one: bool = True,
    precision: float = 0.998,
    taken: Floats | None = None,
    limit: float | None = None,
    rounds: int = 4,
) -> Assignment:
    """Choose pairs.

    Parameters
    ----------
    a, b : int arrays (pairs,)
        Record and person of each pair.
    log_odds : array (pairs,)
        Natural log of the odds that the pair is one person.
    one_to_one : bool
        Whether a person can be one record only.
    precision : float
        Share of right pairs among those chosen that the model must expect, so that pairs less probable than
        ``CERTAIN`` are chosen too; one that is as probable as that is chosen in any case.
    taken : array, optional
        Probabilities of links that were chosen before and count towards that share.
    limit : float, optional
        Least probability of a pair that is chosen, where it is known already.
    rounds : int
        After each round the chosen leave the field, and the rest compete again.
    """
    first = compete(a, b, log_odds, one_to_one)
    probability, open_ = first.copy(), np.ones(len(a), dtype=bool)
    done = np.zeros(len(a), dtype=bool)
    least, top = 1.0, np.zeros(0)
    for turn in range(rounds):
        at = np.flatnonzero(open_)
        if not len(at):
            break
        now = compete(a[at], b[at], log_odds[at], one_to_one) if turn else first
        probability[at] = now
        mutual = best(a[at], b[at], now, one_to_one)
        if turn == 0:
            top = now[mutual]
            least = min(CERTAIN, threshold(top, precision, taken)) if limit is None else limit
        chosen = at[mutual & (now >= least)]
        if not len(chosen):
            break
        done[chosen] = True
        open_ &= ~np.isin(a, a[chosen])
        if one_to_one:
            open_ &= ~np.isin(b, b[chosen])
    return Assignment(np.flatnonzero(done), probability, least, top)
