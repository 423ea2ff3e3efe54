"""How good the links are, as people see it: precision and recall from a stratified sample of candidate pairs.

The machine has looked at every candidate pair (first phase); people have decided a known random part of every stratum
(second phase). Each stratum's share of right pairs is told of the whole stratum, and the strata are added up: Cochran,
Sampling Techniques (1977), chapters 5 and 12; the intervals are those of ``intervals``. Nothing is taken from the
model but the point value of strata in which nobody decided anything; their interval is 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.errors import Said
from commonground.people.review.agreement import Agreement
from commonground.people.review.intervals import found_in_strata, ratio

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SAME, DIFFERENT, UNSURE = 1, 0, -1
"""What people decided about a pair: one person, two persons, cannot tell."""


@dataclass(frozen=True)
class Share:
    """A share or an amount with its interval.

    Attributes
    ----------
    value, low, high : float
        Estimate and limits of the 95% interval.
    n : int
        Pairs that people decided.
    of : int
        Candidate pairs for which they stand.
    """

    value: float
    low: float
    high: float
    n: int
    of: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return dict(self.__dict__)

    def said(self, lang: str) -> str:
        """Give the share in percent with its interval."""
        figures = [f"{100 * v:.2f}%" for v in (self.value, self.low, self.high)]
        if lang == "zh":
            return f"{figures[0]}（{figures[1]} 至 {figures[2]}）"
        return f"{figures[0]} ({figures[1]} to {figures[2]})"


@dataclass(frozen=True)
class Quality:
    """Precision and recall of the links of all pairs or of one group.

    Attributes
    ----------
    precision : Share or None
        Share of right links among the links; None where there are none.
    recall : Share or None
        Share of the right pairs among the candidates that were linked. Pairs that no blocking rule found are not among
        the candidates, so that the true recall is at most this.
    missed : Share
        Right pairs among the candidates that were not linked, a number of pairs.
    undecided : int
        Pairs drawn that have no conclusion: nobody could tell, or the third has not decided; left out of the shares.
    precision_between : (float, float) or None
        Precision if all undecided pairs were wrong, and if all were right.
    """

    precision: Share | None
    recall: Share | None
    missed: Share
    undecided: int
    precision_between: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "precision": self.precision.to_dict() if self.precision else None,
            "recall": self.recall.to_dict() if self.recall else None,
            "missed": self.missed.to_dict(),
            "undecided": self.undecided,
            "precision_between": self.precision_between,
        }


@dataclass(frozen=True)
class GroupQuality:
    """Quality of the links of one group: its key, its name for readers, and the shares."""

    group: str
    label: Said
    quality: Quality

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        label = {"zh": self.label.zh, "en": self.label.en}
        return {"group": self.group, "label": label, **self.quality.to_dict()}


@dataclass(frozen=True)
class ReviewEstimate:
    """What a round of review says about the links of one version.

    Attributes
    ----------
    round, version, purpose
        Which round, of which version, and for what it was opened.
    made_on : str
        Day of the estimate (ISO).
    population, drawn, decided : int
        Candidate pairs, pairs drawn, and pairs that both reviewers have looked at.
    whole : Quality
        Of all candidate pairs.
    by : str
        What the groups are, such as ``county_type``.
    groups : tuple of GroupQuality
        The same by group.
    agreement : Agreement
        Of the two reviewers, before the third.
    """

    round: str
    version: int
    purpose: str
    made_on: str
    population: int
    drawn: int
    decided: int
    whole: Quality
    by: str
    groups: tuple[GroupQuality, ...]
    agreement: Agreement
    method: Said = field(
        default=Said(
            "分层随机抽样，两人独立判断，分歧由第三人裁定；按各层抽样比例推算，95% 区间用加权计数的伽马区间。"
            "查全率只计候选记录对，是上限。",
            "Stratified random sample; two decide alone, a third where they differ; weighted by each stratum's "
            "sampling share; 95% gamma intervals for weighted counts. Recall counts candidate pairs only and is an "
            "upper estimate.",
        )
    )

    def to_dict(self) -> dict[str, Any]:
        """Give plain values: counts and shares, nothing about any one person."""
        plain = {n: getattr(self, n) for n in ("round", "version", "purpose", "made_on", "population", "drawn")}
        return {
            **plain,
            "decided": self.decided,
            "whole": self.whole.to_dict(),
            "by": self.by,
            "groups": [g.to_dict() for g in self.groups],
            "agreement": self.agreement.to_dict(),
            "method": {"zh": self.method.zh, "en": self.method.en},
            "sentence": {lang: self.sentence(lang) for lang in ("zh", "en")},
        }

    def sentence(self, lang: str) -> str:
        """Say precision and recall with their intervals."""
        both = [q.said(lang) if q else None for q in (self.whole.precision, self.whole.recall)]
        zh = lang == "zh"
        none = "不能估计" if zh else "cannot be estimated"
        precision, recall = (none if b is None else b for b in both)
        if zh:
            return (
                f"人工复核 {self.decided:,} 对（共 {self.population:,} 对候选）：查准率 {precision}，查全率 {recall}。"
            )
        return (
            f"{self.decided:,} of {self.population:,} candidate pairs reviewed: precision {precision}, recall {recall}."
        )


def judge(
    size: npt.ArrayLike, chosen: npt.ArrayLike, model: npt.ArrayLike, stratum: npt.ArrayLike, outcome: npt.ArrayLike
) -> Quality:
    """Estimate precision and recall.

    Parameters
    ----------
    size, chosen, model : array-like (strata,)
        Pairs of each stratum, whether they were linked, and the model's mean probability.
    stratum, outcome : array-like (pairs drawn,)
        Stratum of each pair drawn, and SAME, DIFFERENT or UNSURE; pairs drawn within a stratum at random.
    """
    pairs, linked = np.asarray(size, dtype=np.float64), np.asarray(chosen, dtype=np.bool_)
    mine, said = np.asarray(stratum, dtype=np.int64), np.asarray(outcome, dtype=np.int64)
    strata = len(pairs)
    n = np.bincount(mine[said >= 0], minlength=strata).astype(np.float64)
    right = np.bincount(mine[said == SAME], minlength=strata).astype(np.float64)
    open_ones = np.bincount(mine[said == UNSURE], minlength=strata).astype(np.float64)
    chance = np.asarray(model, dtype=np.float64)
    share = np.where(n > 0, right / np.maximum(n, 1), chance)
    total = float(pairs[linked].sum())
    wrong = found_in_strata(pairs[linked], n[linked], (n - right)[linked], 1 - chance[linked])
    links = total - wrong[[0, 2, 1]]
    rest = found_in_strata(pairs[~linked], n[~linked], right[~linked], chance[~linked])
    decided, of_links = int(n.sum()), int(n[linked].sum())
    precision = recall = between = None
    if total:
        precision = _share(links / total, of_links, int(total))
        seen = n + open_ones
        ends = []
        for extra in (0.0, open_ones):
            filled = np.where(seen > 0, (right + extra) / np.maximum(seen, 1), share)
            ends.append(float((pairs * filled)[linked].sum() / total))
        between = (ends[0], ends[1])
    if links[0] > 0:
        missed_for_each = ratio(rest, links)
        turned = 1.0 / (1.0 + missed_for_each)
        recall = _share(turned[[0, 2, 1]], decided, int(pairs.sum()))
    missed = Share(float(rest[0]), float(rest[1]), float(rest[2]), int(n[~linked].sum()), int(pairs[~linked].sum()))
    return Quality(precision, recall, missed, int(open_ones.sum()), between)


def _share(limits: Floats, n: int, of: int) -> Share:
    value, low, high = (float(v) for v in np.clip(limits, 0.0, 1.0))
    return Share(value, low, high, n, of)


def by_group(
    size: Ints, chosen: Bools, model: Floats, group: Ints, stratum: Ints, outcome: Ints, labels: dict[str, Said]
) -> tuple[GroupQuality, ...]:
    """Estimate the same for each group; ``group`` (strata,) numbers the groups in the order of ``labels``."""
    out = []
    for number, (key, label) in enumerate(labels.items()):
        mine = group == number
        if not mine.any():
            continue
        place = np.cumsum(mine) - 1
        rows = mine[stratum]
        quality = judge(size[mine], chosen[mine], model[mine], place[stratum[rows]], outcome[rows])
        out.append(GroupQuality(key, label, quality))
    return tuple(out)
