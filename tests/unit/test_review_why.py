"""The waterfall of a city's pair: from stored levels and weight back to what each field said."""

from __future__ import annotations

import numpy as np
import pytest

from commonground.people.compare import FIELDS
from commonground.people.edges import log_odds, rarity
from commonground.people.frozen import general_model
from commonground.people.review.why import BIT, explain

MODEL = general_model(50_000)


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = np.stack([rng.integers(0, len(MODEL.m[f]), n) for f in FIELDS], axis=1).astype(np.int8)
    return levels, np.log(rng.uniform(1e-5, 0.1, (n, 4)))


def test_the_last_sum_is_the_weight_and_nothing_is_left_over() -> None:
    levels, rare = drawn(1500)
    odds = log_odds(MODEL, levels, rare) / BIT
    for row, weight in zip(levels.tolist(), odds.tolist(), strict=True):
        told = explain(MODEL, row, weight, "weight")
        assert told.weight == pytest.approx(weight, abs=1e-9)
        assert told.steps[-1].found.en != "other"  # every bit has a reason


def test_how_common_the_name_is_comes_back_from_the_weight() -> None:
    levels, rare = drawn(800, seed=2)
    odds = log_odds(MODEL, levels, rare) / BIT
    true = rarity(rare, levels, MODEL.u["name"]) / BIT
    checked = 0
    for row, weight, bits in zip(levels.tolist(), odds.tolist(), true.tolist(), strict=True):
        steps = [s for s in explain(MODEL, row, weight, "weight").steps if s.what.zh == "姓名：这个名字"]
        relatives = explain(MODEL, row, weight, "weight").steps[-1].bits
        if steps and relatives > -3:  # where relatives do not drown it
            assert steps[0].bits == pytest.approx(-bits, abs=0.01)
            checked += 1
    assert checked > 20


def test_a_number_is_not_counted_twice_and_a_rule_is_named() -> None:
    levels = [7, 9, 2, 5, 0, 0, 0, 0, 0, 0]
    weight = float(log_odds(MODEL, np.array([levels], dtype=np.int8), np.zeros((1, 4)))[0]) / BIT
    told = explain(MODEL, levels, weight, "number")
    found = {s.what.zh: s for s in told.steps}
    assert found["出生日期"].bits == 0
    assert found["出生日期"].found.zh == "已含在证件号中，不重复计"
    assert found["认定规则"].found.zh == "同一有效证件号且姓名相符，直接认定"
    assert told.weight == pytest.approx(weight)
    for lang in ("zh", "en"):
        assert len(told.table(lang)) == len(told.steps) + 1
