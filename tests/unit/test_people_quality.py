"""Estimates of the linkage report: sums, corrections, intervals, thresholds, differences, draws; twins by hand."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

from commonground.city import City
from commonground.intake import load_pack
from commonground.people.compare import FIELDS
from commonground.people.compared import Compared
from commonground.people.gather import gather
from commonground.people.mentions import person_fields
from commonground.people.quality.differences import differences, standardised
from commonground.people.quality.draws import candidates, combine, draw
from commonground.people.quality.estimate import Hidden, errors, gap, rates, sums, wilson
from commonground.people.quality.groups import AXES, person_value, spread
from commonground.people.quality.guild import assess, groups_of
from commonground.people.quality.judged import judge, missed_pairs
from commonground.people.quality.recorrupt import recorrupt
from commonground.people.quality.said import findings, limits
from commonground.people.quality.sweep import sweep
from commonground.people.report import quality_report
from release_city import make_city


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def pairs(*rows: tuple[int, int, float, bool]) -> Compared:
    """Pairs (left, right, probability, chosen)."""
    left, right, p, chosen = (np.array(x) for x in zip(*rows, strict=True))
    levels = np.zeros((len(rows), len(FIELDS)), dtype=np.int8)
    return Compared(left, right, np.zeros(len(rows)), p.astype(float), chosen.astype(bool), 0 * left, levels)


def hidden(*rows: tuple[int, int, int, int, int, int, float, float]) -> Hidden:
    """Strata (source, tried, right, wrong, never, unforeseen, expected wrong, expected missed)."""
    columns = [np.array(x) for x in zip(*rows, strict=True)]
    return Hidden(*(c.astype(np.int64) for c in columns[:6]), *(c.astype(float) for c in columns[6:]))


def test_a_pair_of_persons_counts_once_however_often_it_was_looked_at() -> None:
    entity = ints(0, 1, 2, 0)
    left, right, p = missed_pairs(
        pairs((1, 0, 0.3, False), (3, 1, 0.4, False), (2, 1, 0.2, False), (3, 0, 0.9, True)), entity
    )
    assert sorted(zip(left.tolist(), right.tolist(), p.tolist(), strict=True)) == [(2, 1, 0.2), (3, 1, 0.4)]


none = Compared.joined([])


def test_what_became_of_each_record() -> None:
    found = judge(
        source=ints(0, 0, 1, 1, 1), entity=ints(0, 1, 0, 3, 4), probability=np.array([1.0, 1.0, 0.97, 1.0, 1.0]),
        joined=np.array([False, False, True, False, False]),
        found=pairs((2, 0, 0.97, True), (3, 0, 0.3, False), (3, 1, 0.9, False), (4, 1, 0.01, False)),
        conflicts=none, founding=0,
    )  # fmt: skip
    assert found.unit.tolist() == [2, 3, 4]
    assert found.wrong.tolist() == pytest.approx([0.03, 0, 0])
    assert found.missed.tolist() == pytest.approx([0, 1.0, 0.01]), "several candidates make at most one miss"
    assert found.best.tolist() == pytest.approx([0.97, 0.9, 0.01])
    assert found.likeliest.tolist() == [-1, 1, 1]


def test_a_record_that_says_nothing_takes_the_group_of_its_person_or_of_the_likeliest() -> None:
    value, entity = ints(0, 2, 2, 1, 2), ints(0, 0, 2, 3, 4)
    assert person_value(ints(0, 0, 1, 2), ints(0, 0, 0, 1), 2, 2).tolist() == [0, 2]
    assert spread(value, entity, ints(-1, -1, 3, -1, -1), unknown=2).tolist() == [0, 0, 1, 1, 2]


def test_every_axis_ends_in_not_known_and_has_words_in_both_languages() -> None:
    wanted = {"county_type", "name_form", "migrant", "parents_away", "sex", "age"}
    assert wanted <= {axis.name for axis in AXES}
    for axis in AXES:
        assert axis.categories[axis.unknown][0] == "unknown"
        assert all(said.zh and said.en for said in (axis.said, *(c[1] for c in axis.categories)))


def test_hidden_numbers_correct_the_model_towards_what_was_found() -> None:
    model = errors(hidden((0, 1000, 900, 0, 10, 50, 1.0, 20.0), (1, 0, 0, 0, 0, 0, 0.0, 0.0)))
    lost = model.lost[0] / model.lost[1]
    assert lost[0] == pytest.approx(100 / 900, rel=0.02), "a hundred missed for nine hundred found"
    assert (model.missed[0] / model.missed[1])[0] == pytest.approx(0, abs=1e-8), "and not counted twice"
    assert lost[1] == pytest.approx(50 / 900, rel=0.02), "a delivery that was not tried: what the model did not foresee"
    assert (model.missed[0] / model.missed[1])[1] == pytest.approx(50 / 20, rel=0.05)


def test_without_hidden_numbers_the_model_is_taken_at_its_word() -> None:
    model = errors(hidden((0, 0, 0, 0, 0, 0, 0.0, 0.0)))
    assert (model.missed[0] / model.missed[1]).tolist() == [1.0]
    assert (model.lost[0] / model.lost[1])[0] < 1e-6


def test_rates_are_shares_of_what_should_have_been_linked() -> None:
    n = 1000
    linked = np.arange(n) < 900
    missed = np.where(linked, 0.0, 0.5)
    wrong = np.where(linked, 0.01, 0.0)
    cell = (np.arange(n) % 2).astype(np.int64)
    total = sums(cell, 2, 0 * cell, 1, np.arange(n), linked, linked, wrong, missed, 0 * missed)
    found = rates(total, errors(hidden((0, 0, 0, 0, 0, 0, 0.0, 0.0))), seed=3)
    assert found.records == (500, 500)
    assert found.linked == (450, 450)
    assert found.missed[0].value == pytest.approx(25, rel=1e-5)
    right = 450 - 4.5
    assert found.missed_rate[0] is not None
    assert found.missed_rate[0].value == pytest.approx(25 / (25 + right), rel=1e-5)
    assert found.missed_rate[0].low < found.missed_rate[0].value < found.missed_rate[0].high
    assert found.false_rate[0] is not None
    assert found.false_rate[0].value == pytest.approx(0.01)
    apart = gap(found, (0, 1))
    assert apart is not None
    assert apart.value == pytest.approx(0, abs=1e-9)
    assert apart.low <= 0 <= apart.high


def test_records_of_one_person_widen_the_interval() -> None:
    n = 1200
    linked, cell = np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64)
    missed = np.full(n, 0.2)
    model = errors(hidden((0, 0, 0, 0, 0, 0, 0.0, 0.0)))
    alone = rates(sums(cell, 1, cell, 1, np.arange(n), linked, linked, 0 * missed, missed, 0 * missed), model)
    crowd = rates(sums(cell, 1, cell, 1, np.arange(n) // 12, linked, linked, 0 * missed, missed, 0 * missed), model)
    assert alone.missed[0].value == pytest.approx(crowd.missed[0].value)
    assert crowd.missed[0].high - crowd.missed[0].low > alone.missed[0].high - alone.missed[0].low


def test_wilson_has_an_interval_where_nothing_was_found() -> None:
    low, high = wilson(np.array([0.0, 10.0, 0.0]), np.array([10.0, 10.0, 0.0]))
    assert low.tolist() == pytest.approx([0, 0.7225, 0], abs=1e-4)  # 1 - z²/(n + z²)
    assert high.tolist() == pytest.approx([0.2775, 1, 1], abs=1e-4)


def test_the_standardised_difference_is_austins() -> None:
    # by hand: 0.30 v. 0.20 of 400 and 100; sqrt((0.21 + 0.16) / 2) = 0.430116
    found = standardised(0.30, 0.20, 400, 100)
    assert found is not None
    assert found.value == pytest.approx(0.10 / 0.430116, rel=1e-5)
    half = 1.959964 * math.sqrt(500 / 40_000 + found.value**2 / 1000)
    assert found.high - found.value == pytest.approx(half, rel=1e-6)
    assert standardised(1.0, 1.0, 5, 5) is None
    assert standardised(0.5, 0.5, 5, 0) is None


def test_differences_leave_out_those_not_known() -> None:
    cell = ints(0, 0, 1, 2, 0, 1, 2, 2)
    found = differences(cell, 3, np.array([True, True, True, True, False, False, False, False]))
    assert [(d.n_joined, d.n_others) for d in found] == [(3, 2), (3, 2)]
    assert found[0].joined == pytest.approx(2 / 3)
    assert found[0].others == pytest.approx(1 / 2)
    assert found[0].unlike


def test_a_stricter_threshold_gives_up_links_and_a_looser_one_takes_more() -> None:
    judged = judge(
        source=ints(0, 1, 1, 1, 1), entity=ints(0, 0, 0, 3, 4), probability=np.array([1, 1.0, 0.8, 1, 1]),
        joined=np.array([False, True, True, False, False]),
        found=pairs((1, 0, 1.0, True), (2, 0, 0.8, True), (3, 0, 0.6, False), (4, 0, 0.1, False)),
        conflicts=none, founding=0,
    )  # fmt: skip
    by_number = np.array([True, False, False, False])
    cell = ints(0, 0, 1, 1)
    rows = sweep(judged, by_number, {"x": (cell, 3)}, {"x": np.array([0.0, 0.7, 0.0])}, 3, thresholds=(0.5, 0.7, 0.9),
                 least=1)  # fmt: skip
    assert [r.links for r in rows] == [3, 2, 1]
    assert [r.persons for r in rows] == [2, 3, 4]
    assert rows[1].precision == pytest.approx(1.8 / 2)
    assert rows[1].recall == pytest.approx(1.8 / 2.5)
    assert rows[2].recall == pytest.approx(1.0 / (1.0 + 0.7 + 0.8)), (
        "the link given up is missed as far as it was right"
    )
    assert rows[0].recall == pytest.approx(2.4 / (2.4 + 0.1)), "the record taken is not missed any more"
    assert rows[1].gap["x"] is None, "a group without a link does not count"
    assert rows[0].gap["x"] == pytest.approx(0.1 / 0.7 - 0.0)


def test_the_probabilities_of_one_record_never_exceed_one() -> None:
    rng = np.random.default_rng(1)
    record, person = rng.integers(0, 50, 400), rng.integers(0, 30, 400)
    found = candidates(record, person, rng.random(400), rng.random(400) < 0.1)
    assert np.bincount(found.record, weights=found.probability).max() <= 1 + 1e-12
    assert len(np.unique(found.record * 100 + found.person)) == len(found.record)


def test_draws_follow_the_probabilities_and_the_seed() -> None:
    found = candidates(ints(7, 7, 9), ints(1, 2, 3), np.array([0.6, 0.3, 1.0]), np.array([True, False, True]))
    record, person = draw(found, 4000, seed=5)
    assert record.tolist() == [7, 9]
    assert (person[:, 1] == 3).all()
    share = [float((person[:, 0] == k).mean()) for k in (1, 2, -1)]
    assert share == pytest.approx([0.6, 0.3, 0.1], abs=0.025)
    assert (draw(found, 4000, seed=5)[1] == person).all()
    assert (draw(found, 4000, seed=6)[1] != person).any()
    assert draw(candidates(ints(), ints(), np.zeros(0), np.zeros(0, dtype=bool)), 3)[1].shape == (3, 0)


def test_rubins_rules_by_hand() -> None:
    # means 10, 12, 14, each variance 1: total 1 + 4/3 * 4 = 6.3333; freedom 2 (1 + 1 / 5.3333)^2 = 2.8203
    found = combine([10, 12, 14], [1, 1, 1])
    assert found.value == 12
    from scipy.stats import t

    assert found.high - 12 == pytest.approx(t.ppf(0.975, 2 * (1 + 1 / (16 / 3)) ** 2) * math.sqrt(1 + 16 / 3))
    assert combine([5, 5], [4, 4]).high == pytest.approx(5 + 2 * 1.959964, rel=1e-6)


def test_a_city_without_records_about_persons_gets_a_report_that_says_so(tmp_path: Path) -> None:
    gathered = gather({}, {}, person_fields(load_pack("china").concepts))
    linked = importlib.import_module("commonground.people.run").link_records(gathered)
    settings = City(make_city(tmp_path / "city", schools=5)).settings
    report, groups = quality_report(linked, {}, settings, {}, {}, 0.998)
    assert report["analysis"]["whole"]["records"] == groups.num_rows == 0
    assert findings(report, None, None)[0]["en"] == "There were no records to be linked."
    assert limits(report, None, None)
    standing, judged = assess(linked)
    county = np.zeros(0, dtype=np.int64)
    assert recorrupt(linked, standing, groups_of(linked, judged, {}, settings, county))["tried"] == 0


def test_a_review_is_held_against_the_estimate() -> None:
    def span(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.001, "high": value + 0.001}

    whole = {
        "records": 100, "linked": 90, "by_number": 80, "by_weight": 10, "link_rate": span(0.9),
        "precision": span(0.999), "recall": span(0.99), "model": {"precision": 0.999, "recall": 0.99},
    }  # fmt: skip
    analysis = {"whole": whole, "gaps": [], "differences": [], "line": 0.1, "sweep": []}
    report = {"analysis": analysis, "hidden": []}
    review = {"sentence": {"zh": "复核。", "en": "Reviewed."}, "whole": {"precision": span(0.98), "recall": span(0.99)}}
    said = findings(report, review, None)[2]
    assert (
        said["zh"]
        == "复核。查准率两法相差 1.90 个百分点，区间不相交，应查明原因；查全率两法相差 0.00 个百分点，区间相交。"
    )
    assert "1.90 points, their intervals apart" in said["en"]
