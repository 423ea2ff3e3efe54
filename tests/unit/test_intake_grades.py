"""Grades in their writings, by the school year of the data."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.intake.grades import normalise, school_year

AUTUMN, SPRING = dt.date(2020, 9, 1), dt.date(2021, 6, 30)


def one(text: str, at: dt.date = AUTUMN, **more: object) -> int | str | None:
    got = normalise([text], at, **more)  # type: ignore[arg-type]
    assert (got.grade[0] is None) == bool(got.fault[0])
    return got.grade[0] if got.grade[0] is not None else got.fault[0]


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        *[(str(i), i) for i in range(1, 13)],
        *[(f"{c}年级", i) for i, c in enumerate("一二三四五六七八九", 1)],
        *[("小学一年级", 1), ("小六", 6), ("小学6年级", 6), ("五", 5), ("０７", 7), ("7.0", 7)],
        *[("初一", 7), ("初中一年级", 7), ("初三", 9), ("初中九年级", 9), ("初2", 8), ("初中八年级", 8)],
        *[("高一", 10), ("高中三年级", 12), ("高三(2)班", 12), ("十一年级", 11)],
        *[("G1", 1), ("grade 7", 7), ("Gr.9", 9), ("Primary 3", 3), ("Junior 1", 7), ("S2", 11)],
        *[
            ("八上", 8),
            ("八年级下册", 8),
            ("初二下", 8),
            ("三年级（上）", 3),
            ("七年级3班上学期", 7),
            ("一年级第二学期", 1),
        ],
        *[("上", "not_a_grade"), ("八上下", "not_a_grade"), ("初四上", "out_of_range")],
        *[("七年级3班", 7), ("三（2）班", 3), ("初一（2）班", 7), ("四年级(1)班", 4)],
        *[("初中2019级", 8), ("2019级初中", 8), ("小学2019级", 2), ("高2020级", 10), ("初19级", 8), ("初2023届", 7)],
        *[("2019级", "grade_stage"), ("初中2016级", "out_of_range"), ("小学2021级", "out_of_range")],
        *[("初四", "out_of_range"), ("十三", "not_a_grade"), ("0", "out_of_range"), ("13", "out_of_range")],
        *[("学前班", "not_a_grade"), ("大班", "not_a_grade"), ("张三", "not_a_grade"), ("", "not_a_grade")],
        *[("小学七年级", "out_of_range"), ("高中七年级", "out_of_range"), ("2019", "not_a_grade")],
    ],
)
def test_writings(text: str, grade: int | str) -> None:
    assert one(text) == grade


def test_the_year_of_entry_means_another_grade_each_september() -> None:
    assert [one("2019级", day, level="junior") for day in (dt.date(2019, 9, 1), SPRING, dt.date(2021, 9, 1))] == [
        7,
        8,
        9,
    ]
    assert one("2019级", dt.date(2020, 8, 31), level="junior") == 7
    assert one("2019级", dt.date(2020, 3, 1), level="junior", entry_month=3) == 8
    assert one("2021届", SPRING, level="primary") == 6
    assert one("初一", SPRING, level="primary") == 7  # its own stage holds


def test_five_years_of_primary_school() -> None:
    assert [one(t, primary_years=5) for t in ("初一", "初四", "小五", "初2019级")] == [6, 9, 5, 7]
    assert one("小六", primary_years=5) == "out_of_range"


@given(st.integers(1, 12), st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31)))
def test_entry_and_leaving_years_agree(grade: int, day: dt.date) -> None:
    stage, first, last = (("小学", 1, 6), ("初中", 7, 9), ("高中", 10, 12))[(grade > 6) + (grade > 9)]
    entered = school_year(day) - (grade - first)
    left = school_year(day) + 1 + (last - grade)
    assert one(f"{stage}{entered}级", day) == one(f"{stage}{left}届", day) == grade


@given(st.lists(st.text(max_size=8)))
def test_nothing_else_is_a_grade_and_nothing_breaks(texts: list[str]) -> None:
    got = normalise(texts, AUTUMN)
    assert len(got.grade) == len(got.fault) == len(texts)
    assert all(g is None or 1 <= g <= 12 for g in got.grade)
    assert all((g is None) == bool(f) for g, f in zip(got.grade, got.fault, strict=True))
