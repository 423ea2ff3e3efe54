"""Which column of the new delivery is which of the old: one to one, with how sure that is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from commonground.intake.drift.similar import Column, Link, agreement, content

_NONE = 0.45
"""Score of "none of them": below it two columns are rather not the same."""
_SPREAD = 0.06
"""How far apart scores must be to tell columns apart; scores of equal columns differ by less from year to year."""
_NAME = 0.08
_FEW = 12
"""Most values of a plain code; of more, as schools, another column often tells them all."""


@dataclass(frozen=True)
class Pair:
    """An old column and the new one that it is taken for.

    ``score`` is the likeness of the two, ``agree`` that of the same persons' values (None: no persons to compare),
    ``rival`` the name and score of the next best.
    """

    old: str
    new: str
    score: float
    confidence: float
    content: float
    agree: float | None
    rival: tuple[str, float]


def likeness(a: Column, b: Column, link: Link | None, words: Sequence[str] = ()) -> tuple[float, float, float | None]:
    """Score two columns: (score, content, agreement of the same persons' values).

    Parameters
    ----------
    words : sequence of str
        Other names of the old column's concept: a new name that is among them speaks for it.
    """
    alike = content(a, b)
    agree = agreement(a, b, link) if link is not None else None
    score = alike if agree is None else 0.65 * agree + 0.35 * alike
    if agree is not None and max(len(a.values), len(b.values)) <= _FEW:
        score = max(score, 0.9 * agree)  # a column may be renamed and recoded at once: then no content is alike
    near = max((difflib.SequenceMatcher(None, b.name, word).ratio() for word in (a.name, *words)), default=0.0)
    return min(1.0, score + _NAME * near * (score > _NONE / 2)), alike, agree


def assign(
    lost: Sequence[Column],
    new: Sequence[Column],
    kept: Sequence[tuple[Column, Column]],
    link: Link | None,
    words: Mapping[str, Sequence[str]],
) -> list[Pair]:
    """Pair lost columns with new ones.

    Parameters
    ----------
    kept : sequence of pairs
        Columns of the same name in both: a new column that is rather like one of these is no renamed one.
    """
    from scipy.optimize import linear_sum_assignment

    if not lost or not new:
        return []
    told = [[likeness(a, b, link, words.get(a.name, ())) for b in new] for a in lost]
    scores = np.array([[one[0] for one in row] for row in told])
    beside = np.array([[likeness(a, b, link)[0] for b in new] for a, _ in kept] or [[0.0] * len(new)])
    rows, columns = linear_sum_assignment(-np.maximum(scores - _NONE, 0))
    out = []
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        score, alike, agree = told[i][j]
        if score <= _NONE:
            continue
        others = [(new[k].name, float(scores[i, k])) for k in range(len(new)) if k != j]
        others += [(lost[k].name, float(scores[k, j])) for k in range(len(lost)) if k != i]
        others += [(a.name, float(beside[k, j]) - 0.05) for k, (a, _) in enumerate(kept)]
        confidence = _confidence(score, [s for _, s in others])
        rival = max(others, key=lambda one: one[1], default=("", 0.0))
        out.append(Pair(lost[i].name, new[j].name, score, confidence, alike, agree, rival))
    return out


def _confidence(score: float, others: Sequence[float]) -> float:
    """Probability of a score among its rivals and "none", by a softmax; never above what the score itself bears."""
    weights = np.exp((np.array([score, _NONE, *others]) - score) / _SPREAD)
    return float(weights[0] / weights.sum()) * min(1.0, score / 0.6)


def swapped(kept: Sequence[tuple[Column, Column]], link: Link | None) -> list[tuple[str, str, float]]:
    """Find columns whose contents have changed places under their names: (one, other, confidence)."""
    scores: dict[tuple[int, int], float] = {}

    def score(i: int, j: int) -> float:
        if (i, j) not in scores:
            scores[i, j] = likeness(kept[i][0], kept[j][1], link)[0]
        return scores[i, j]

    strange = [i for i in range(len(kept)) if kept[i][0].filled and kept[i][1].filled and score(i, i) < 0.6]
    out = []
    for at, i in enumerate(strange):
        for j in strange[at + 1 :]:
            cross, own = min(score(i, j), score(j, i)), max(score(i, i), score(j, j))
            if cross > own + 0.2 and cross > _NONE:
                out.append((kept[i][0].name, kept[j][0].name, _confidence(cross, [own])))
    return out
