"""Sampling, intervals, agreement and estimates of link review, held against published figures and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import Said
from commonground.people.review.agreement import agreement, crossed
from commonground.people.review.design import LEAST, allocate, draw, stratify
from commonground.people.review.estimate import DIFFERENT, SAME, UNSURE, by_group, judge
from commonground.people.review.intervals import found_in_strata, ratio, weighted_count
from commonground.people.review.thresholds import FEWEST, cut_at, propose


def test_one_count_has_the_exact_interval_of_garwood() -> None:
    """Limits of a Poisson mean (Garwood 1936; Documenta Geigy): 0 gives 3.689, 5 gives 1.623 to 11.668."""
    assert weighted_count([1.0], [0]) == pytest.approx([0, 0, 3.689], abs=5e-4)
    assert weighted_count([1.0], [5]) == pytest.approx([5, 1.623, 11.668], abs=5e-4)
    assert weighted_count([2.5], [5]) == pytest.approx([12.5, 2.5 * 1.6235, 2.5 * 11.6683], abs=1e-3)
    assert weighted_count([], []).tolist() == [0, 0, 0]


def _binomial(n: int, k: int) -> int:
    return math.comb(n, k) if 0 <= k <= n else 0


@pytest.mark.parametrize("hits", list(itertools.product((0, 1, 2, 5, 30), (0, 1, 3, 10, 20))))
def test_the_interval_of_a_sum_holds_the_truth_in_every_population(hits: tuple[int, int]) -> None:
    """Brute force, all samples of 12 of 60 and 8 of 20: rare things are missed in at most 5 of 100, others in 9."""
    size, n = (60, 20), (12, 8)
    chances = [
        [_binomial(h, k) * _binomial(s - h, d - k) / math.comb(s, d) for k in range(d + 1)]
        for s, d, h in zip(size, n, hits, strict=True)
    ]
    held = 0.0
    for first, second in itertools.product(range(n[0] + 1), range(n[1] + 1)):
        chance = chances[0][first] * chances[1][second]
        if chance:
            _, low, high = found_in_strata(size, n, (first, second), (0.5, 0.5))
            held += chance * (low - 1e-9 <= sum(hits) <= high + 1e-9)
    rare = max(hits) <= 5
    assert held >= (0.95 if rare else 0.91)


def test_a_ratio_turns_over() -> None:
    """The limits of b/a are the reciprocals of those of a/b (a property of the method; Donner and Zou 2012)."""
    top, bottom = np.array([30.0, 21.0, 41.0]), np.array([50.0, 43.0, 58.0])
    value, low, high = ratio(top, bottom)
    assert value == pytest.approx(0.6)
    turned = 1 / ratio(bottom, top)
    assert [value, low, high] == pytest.approx([turned[0], turned[2], turned[1]])
    assert ratio([0, 0, 5], [50, 40, 60])[1] == 0
    assert math.isinf(ratio([5, 1, 9], [50, 0, 60])[2])
    assert np.isnan(ratio([5, 1, 9], [0, 0, 3])).all()


def test_a_stratum_seen_whole_has_no_interval_and_one_unseen_any() -> None:
    assert found_in_strata([10], [10], [7], [0.1]).tolist() == [7, 7, 7]
    assert found_in_strata([50], [0], [0], [0.1]).tolist() == [5, 0, 50]
    both = found_in_strata([10, 50], [10, 0], [7, 0], [0.1, 0.1])
    assert both.tolist() == [12, 7, 57]


def test_kappa_and_ac1_as_published() -> None:
    """Gwet (2008): 118, 5, 2, 0 give kappa −0.0234 and AC1 0.9408; 20, 5, 10, 15 is Cohen's kappa 0.4."""
    rare = agreement([[118, 5], [2, 0]])
    assert rare.kappa is not None
    assert rare.ac1 is not None
    assert rare.kappa[0] == pytest.approx(-0.0234, abs=5e-5)
    assert rare.ac1[0] == pytest.approx(0.9408, abs=5e-5)
    plain = agreement([[20, 5], [10, 15]])
    assert plain.kappa is not None
    assert plain.kappa[0] == pytest.approx(0.4)


@pytest.mark.parametrize("table", [[[40, 3, 5], [4, 30, 2], [1, 2, 8]], [[118, 5, 1], [2, 20, 1], [1, 1, 3]]])
def test_variances_of_agreement_are_those_of_the_bootstrap(table: list[list[int]]) -> None:
    counts = np.array(table, dtype=float)
    n = int(counts.sum())
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(n, counts.ravel() / n, 4000).reshape(-1, 3, 3)
    again = [agreement(d) for d in drawn]
    for name in ("kappa", "ac1"):
        found = getattr(agreement(counts), name)
        spread = np.std([getattr(a, name)[0] for a in again])
        half = (found[2] - found[1]) / 2 / 1.96
        assert half == pytest.approx(spread, rel=0.08)


def test_kappa_is_what_chance_leaves_and_is_told_where_undefined() -> None:
    """Brute force: agreement by chance is that of every answer of the one with every answer of the other."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 3, 200)
    second = np.where(rng.random(200) < 0.7, first, rng.integers(0, 3, 200))
    found = agreement(crossed(first, second, 3)).kappa
    assert found is not None
    chance = (first[:, None] == second[None, :]).mean()
    assert found[0] == pytest.approx(((first == second).mean() - chance) / (1 - chance))
    alike = agreement(crossed([0, 0, 0], [0, 0, 0], 3))
    assert alike.kappa is None
    assert alike.ac1 == (1.0, 1.0, 1.0)
    assert agreement(np.zeros((3, 3))).ac1 is None


@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=12),
    n=st.integers(0, 900),
    model=st.floats(0, 1),
)
def test_an_allocation_gives_what_is_asked_and_no_more_than_there_is(sizes: list[int], n: int, model: float) -> None:
    size = np.array(sizes)
    drawn = allocate(size, np.full(len(size), model), n)
    assert (drawn <= size).all()
    assert (drawn >= np.minimum(size, LEAST)).all()
    assert drawn.sum() == max(min(n, size.sum()), np.minimum(size, LEAST).sum())


def _pairs(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weight, probability, chosen, group and truth of ``n`` pairs whose model is a little too sure."""
    weight = np.where(rng.random(n) < 0.7, rng.normal(12, 4, n), rng.normal(-4, 4, n)).clip(-10, 30)
    probability = 1 / (1 + 2.0**-weight)
    truth = rng.random(n) < 1 / (1 + 2.0 ** -(0.7 * weight))
    return weight, probability, probability >= 0.9, rng.integers(0, 3, n), truth


def test_the_draw_has_the_chances_that_are_told() -> None:
    rng = np.random.default_rng(0)
    weight, probability, chosen, group, _ = _pairs(rng, 400)
    strata = stratify(weight, probability, chosen, group, 120)
    assert strata.drawn.sum() == 120
    assert (strata.chosen[strata.stratum] == chosen).all()
    assert (strata.group[strata.stratum] == group).all()
    seen = np.zeros(400)
    for seed in range(600):
        places = draw(strata, seed)
        assert len(np.unique(places)) == 120
        assert (np.bincount(strata.stratum[places], minlength=len(strata.size)) == strata.drawn).all()
        seen[places] += 1
    expected = strata.inclusion[strata.stratum]
    assert np.abs(seen / 600 - expected).max() < 5 * np.sqrt(0.25 / 600)
    assert (draw(strata, 5) == draw(strata, 5)).all()


def test_the_estimate_is_right_on_average_over_every_possible_sample() -> None:
    """Brute force: all samples of a population of eleven pairs in three strata."""
    truth = [np.array([1, 1, 1, 0]), np.array([1, 0, 0]), np.array([1, 0, 0, 0])]
    size, chosen = np.array([4, 3, 4]), np.array([True, True, False])
    precisions, missed = [], []
    for drawn in itertools.product(*(itertools.combinations(range(len(t)), 2) for t in truth)):
        stratum = np.repeat([0, 1, 2], 2)
        outcome = np.concatenate([t[list(d)] for t, d in zip(truth, drawn, strict=True)])
        quality = judge(size, chosen, np.full(3, 0.5), stratum, outcome)
        assert quality.precision is not None
        precisions.append(quality.precision.value)
        missed.append(quality.missed.value)
    assert np.mean(precisions) == pytest.approx(4 / 7)
    assert np.mean(missed) == pytest.approx(1.0)


def test_everything_seen_is_the_truth_without_an_interval() -> None:
    quality = judge([3, 2], [True, False], [0.9, 0.1], [0, 0, 0, 1, 1], [1, 1, 0, 1, 0])
    assert quality.precision is not None
    assert quality.recall is not None
    assert (quality.precision.value, quality.precision.low, quality.precision.high) == pytest.approx((2 / 3,) * 3)
    assert (quality.recall.value, quality.recall.low, quality.recall.high) == pytest.approx((2 / 3,) * 3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """In 400 samples from links nearly all right the 95% intervals hold the truth in at least 93 of 100."""
    rng = np.random.default_rng(11)
    weight, probability, chosen, group, truth = _pairs(rng, 20_000)
    strata = stratify(weight, probability, chosen, group, 500)
    precision, recall = truth[chosen].mean(), truth[chosen].sum() / truth.sum()
    inside = np.zeros(2)
    for seed in range(400):
        places = draw(strata, seed)
        found = judge(strata.size, strata.chosen, strata.model, strata.stratum[places], truth[places])
        assert found.precision is not None
        assert found.recall is not None
        inside += [
            found.precision.low <= precision <= found.precision.high,
            found.recall.low <= recall <= found.recall.high,
        ]
    assert (inside / 400 > 0.93).all()


def test_no_error_found_still_leaves_an_interval() -> None:
    quality = judge([1000, 1000], [True, False], [0.99, 0.01], np.repeat([0, 1], 50), np.repeat([1, 0], 50))
    assert quality.precision is not None
    assert quality.recall is not None
    assert (quality.precision.value, quality.recall.value) == (1.0, 1.0)
    assert 0.9 < quality.precision.low < 0.95
    assert quality.recall.low < 0.95
    assert quality.missed.high > 20


def test_the_undecided_are_left_out_and_told() -> None:
    quality = judge([10], [True], [0.9], [0] * 5, [SAME, SAME, DIFFERENT, UNSURE, UNSURE])
    assert quality.precision is not None
    assert quality.precision.value == pytest.approx(2 / 3)
    assert (quality.undecided, quality.precision.n) == (2, 3)
    assert quality.precision_between == pytest.approx((0.4, 0.8))


def test_nothing_decided_or_no_links_at_all() -> None:
    nothing = judge([10, 5], [True, False], [0.9, 0.1], [], [])
    assert nothing.precision is not None
    assert (nothing.precision.low, nothing.precision.high, nothing.precision.n) == (0.0, 1.0, 0)
    none = judge([5], [False], [0.1], [0, 0], [0, 0])
    assert none.precision is None
    assert none.recall is None
    assert judge([], [], [], [], []).precision is None


def test_groups_are_the_whole_when_put_together() -> None:
    rng = np.random.default_rng(2)
    weight, probability, chosen, group, truth = _pairs(rng, 3000)
    strata = stratify(weight, probability, chosen, group, 3000)
    places = draw(strata, 1)
    labels = {name: Said(name, name) for name in ("a", "b", "c")}
    parts = by_group(
        strata.size,
        strata.chosen,
        strata.model,
        strata.group,
        strata.stratum[places],
        truth[places].astype(int),
        labels,
    )
    assert [p.group for p in parts] == ["a", "b", "c"]
    for number, part in enumerate(parts):
        mine = group == number
        assert part.quality.precision is not None
        assert part.quality.precision.value == pytest.approx(truth[mine & chosen].mean())
        assert part.quality.missed.value == pytest.approx((truth & mine & ~chosen).sum())


def test_a_threshold_is_proposed_by_what_was_seen() -> None:
    rng = np.random.default_rng(4)
    weight, probability, chosen, group, truth = _pairs(rng, 4000)
    strata = stratify(weight, probability, chosen, group, 4000)
    places = draw(strata, 1)
    outcome = truth[places].astype(np.int64)
    for threshold in (0.6, 0.9, 0.99):
        links, quality = cut_at(threshold, strata.stratum, probability, places, outcome)
        above = probability >= threshold
        assert links == above.sum()
        assert quality.precision is not None
        assert quality.precision.value == pytest.approx(truth[above].mean())
    proposal = propose(strata.stratum, probability, chosen, places, outcome, target=0.98)
    good = [s.threshold for s in proposal.steps if truth[probability >= s.threshold].mean() >= 0.98]
    assert proposal.proposed is not None
    assert proposal.proposed.threshold == min(good)
    assert proposal.proven
    few = propose(strata.stratum, probability, chosen, places[: FEWEST - 1], outcome[: FEWEST - 1], target=0.98)
    assert few.proposed is None
