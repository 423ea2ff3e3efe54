"""Numbers, dates, schools and places of persons."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from commonground.people.births import NO_DAY, civil, compare_births
from commonground.people.blocking import join, mix
from commonground.people.compare import share_any
from commonground.people.distance import code_points, edit_distance
from commonground.people.mentions import compact, mates
from commonground.people.schools import (
    POSSIBLE,
    School,
    gaps,
    list_schools,
    meant_schools,
    one_school,
    possible,
    resolve,
)


def test_calendar_matches_the_library() -> None:
    days = np.arange(-60_000, 40_000, 37)
    year, month, day = civil(days)
    stamps = days.astype("datetime64[D]").astype(dt.date)
    assert [(d.year, d.month, d.day) for d in stamps] == list(
        zip(year.tolist(), month.tolist(), day.tolist(), strict=True)
    )


def test_missing_birth() -> None:
    day = np.array([NO_DAY, 5])
    assert compare_births(day, np.array([0, 1]), day[::-1], np.array([1, 0])).tolist() == [0, 0]


def test_share_any_against_sets() -> None:
    rng = np.random.default_rng(3)
    a, b = (compact(rng.integers(-3, 6, (200, 5)).clip(-1), 5) for _ in range(2))
    wanted = [
        len({x for x in r if x >= 0} & {x for x in s if x >= 0}) for r, s in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert share_any(a, b).tolist() == wanted


def test_mates_are_the_others_of_the_group() -> None:
    group = np.array([4, -1, 4, 7, 4, -1])
    found = [sorted(x for x in row if x >= 0) for row in mates(group, 3).tolist()]
    assert found == [[2, 4], [], [0, 4], [], [0, 2], []]


def test_join_finds_all_pairs_and_skips_crowds() -> None:
    a = (np.arange(4), mix(np.array([1, 2, 2, -1])))
    b = (np.arange(6), mix(np.array([2, 1, 2, -1, 2, 5])))
    pairs = sorted(zip(*(x.tolist() for x in join(a, b, 3)), strict=True))
    assert pairs == [(0, 1), (1, 0), (1, 2), (1, 4), (2, 0), (2, 2), (2, 4)]
    assert sorted(zip(*(x.tolist() for x in join(a, b, 2)), strict=True)) == [(0, 1)]


def _osa(a: str, b: str) -> int:
    d = {(i, -1): i + 1 for i in range(-1, len(a))} | {(-1, j): j + 1 for j in range(-1, len(b))}
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(a) - 1, len(b) - 1]


def test_edit_distance_counts_characters_not_bytes() -> None:
    texts = ["王小明", "王晓明", "王明小", "王明", "", "smith", "smiht", "smyth", "欧阳修文"]
    grid, length = code_points(texts)
    a, b = np.divmod(np.arange(len(texts) ** 2), len(texts))
    wanted = [_osa(texts[i], texts[j]) for i, j in zip(a, b, strict=True)]
    assert edit_distance(grid, length, a, b).tolist() == wanted


SCHOOLS = {
    "1": School("1", "新塘区第一小学", (), "529904", "primary", None),
    "2": School("2", "新塘区第十一小学", (), "529904", "primary", None),
    "3": School("3", "新塘区第一中学", (), "529904", "junior", None),
    "4": School("4", "白鹭县第一小学", (), "529907", "primary", None),
}


@pytest.mark.parametrize(
    ("short", "county", "code"),
    [("新塘区第一小学", None, "1"), ("新一小", "529904", "1"), ("第一小学", "529904", "1"), ("新一中", "529904", "3"),
     ("一小", None, None), ("鹭一小", "529907", "4"), ("实验小", "529904", None)],
)  # fmt: skip
def test_short_names_of_schools(short: str, county: str | None, code: str | None) -> None:
    assert resolve(short, county, SCHOOLS) == code


@pytest.mark.parametrize(
    ("short", "county", "codes"),
    [("一小", None, "124"), ("一小", "529904", "1"), ("一中", None, "3"), ("实验小", None, ""),
     ("新塘区第一小学", None, "1"), ("新一小", None, "12")],
)  # fmt: skip
def test_a_short_name_can_mean_several_schools(short: str, county: str | None, codes: str) -> None:
    assert sorted(possible(short, county, SCHOOLS)) == list(codes)


def test_a_name_that_very_many_schools_bear_says_nothing() -> None:
    counties = [f"5299{i:02d}" for i in range(POSSIBLE + 1)]
    many = {str(i): School(str(i), f"{c}县中心小学", (), c, "primary", None) for i, c in enumerate(counties)}
    table = pa.table({"school_name": ["中心小学", "中心小学", None], "county": [None, counties[3], counties[3]]})
    grid, codes = meant_schools(table, many)
    assert [[codes[i] for i in row if i >= 0] for row in grid.tolist()] == [[], ["3"], []]
    few = {k: many[k] for k in "012"}
    grid, codes = meant_schools(table, few)
    assert [[codes[i] for i in row if i >= 0] for row in grid.tolist()] == [["0", "1", "2"], [], []]
    assert one_school((grid, codes)) == [None, None, None]


def test_gaps_is_the_fewest_pieces() -> None:
    assert gaps("新一小", "新塘区第一小学") == 2
    assert gaps("第一小学", "新塘区第一小学") == 1
    assert gaps("学小", "新塘区第一小学") is None


def test_schools_are_listed_from_records() -> None:
    table = pa.table(
        {"school_code": ["1", "1", "2"], "school_name": ["甲小学", "甲小学", "乙中学"], "grade": [1, 6, 8],
         "county": ["529901", "529901", None], "hukou_area": ["529902", "529902", "529903"]}
    )  # fmt: skip
    found = list_schools([table])
    assert [(s.name, s.county, s.level) for s in found.values()] == [
        ("甲小学", "529901", "primary"),
        ("乙中学", "529903", "junior"),
    ]
