"""The error model of the re-corruption test: slips are of the kind that was asked for, and as frequent."""

from __future__ import annotations

import numpy as np
import pytest

from commonground.people import births
from commonground.people.births import DAY, MONTH, NO_DAY, YEAR, civil, compare_births
from commonground.people.nametable import FOLDED, NEARLY, SAME, SOUND, compare_names, name_table
from commonground.people.quality.slips import Characters, draw_levels, slip_in_day, slip_in_name

NAMES = (
    "王伟",
    "李娜芳",
    "张志强",
    "陈思思",
    "黄芬",
    "杨兰",
    "韩峰",
    "刘方",
    "冯娜",
    "章治",
    "宋丽南",
    "钟梨",
    "曾立",
    "莉",
)


@pytest.mark.parametrize("level", [SOUND, FOLDED, NEARLY])
def test_a_slip_in_a_name_agrees_on_the_level_that_was_drawn(level: int) -> None:
    pool, rng = Characters.of(NAMES), np.random.default_rng(3)
    slipped = [(name, slip_in_name(name, level, pool, rng)) for name in NAMES if len(name) == 3 for _ in range(5)]
    changed = [(a, b) for a, b in slipped if a != b]
    assert changed
    texts = sorted({t for pair in changed for t in pair})
    table = name_table(texts, stable=True)
    at = {t: k for k, t in enumerate(texts)}
    found = compare_names(table, *(np.array([at[p[k]] for p in changed]) for k in (0, 1)))
    if level == NEARLY:
        assert (found >= NEARLY).all(), "one character of three differs"
    else:
        assert (found == level).all(), list(zip(changed, found.tolist(), strict=True))


def test_the_same_name_stays_and_unwritable_names_are_left_alone() -> None:
    pool, rng = Characters.of(NAMES), np.random.default_rng(0)
    assert slip_in_name("张志强", SAME, pool, rng) == "张志强"
    assert slip_in_name("??", SOUND, pool, rng) == "??"


def test_slips_in_days_are_of_their_kind() -> None:
    rng = np.random.default_rng(1)
    day = rng.integers(12_000, 20_000, 4000)
    for level in (births.SAME_MONTH, births.SWAPPED, births.DIGIT, births.SAME_YEAR_ONLY):
        made, precision = slip_in_day(day, np.full(len(day), level), rng)
        if level == births.SAME_MONTH:
            assert (precision == MONTH).all()
        elif level == births.SAME_YEAR_ONLY:
            assert (precision == YEAR).all()
        else:
            moved = made != day
            assert moved.any()
            _, month, within = civil(day)
            could = (within <= 12) & (month != within) if level == births.SWAPPED else np.ones(len(day), dtype=bool)
            assert not moved[~could].any()
        plain = np.full(len(day), DAY, dtype=np.int64)
        found = compare_births(day, plain, made, precision)
        assert (found[made != day] < births.SAME).all() or level == births.SAME_MONTH
    same, precision = slip_in_day(np.array([NO_DAY]), np.array([births.OTHER]), rng)
    assert same[0] == NO_DAY
    assert precision[0] == 0


def test_levels_are_drawn_at_the_rates_of_each_group() -> None:
    rates = np.array([[0.0, 0.1, 0.9], [0.0, 0.6, 0.4]])
    group = np.repeat([0, 1], 20_000)
    found = draw_levels(rates, group, np.random.default_rng(2))
    assert set(found.tolist()) == {1, 2}
    assert (found[:20_000] == 1).mean() == pytest.approx(0.1, abs=0.01)
    assert (found[20_000:] == 1).mean() == pytest.approx(0.6, abs=0.01)
