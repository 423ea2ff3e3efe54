"""Names in their comparable forms."""

from __future__ import annotations

import numpy as np
import pytest

from commonground.people.characters import dialect
from commonground.people.names import clean, cut, standardise
from commonground.people.nametable import (
    FOLDED,
    NEARLY,
    OTHER,
    SAME,
    SOUND,
    SURNAME,
    compare_names,
    name_table,
)


@pytest.mark.parametrize(
    ("written", "sound"),
    [
        ("曾强", "zeng"),
        ("覃小明", "qin"),
        ("单丽", "shan"),
        ("解军", "xie"),
        ("仇英", "qiu"),
        ("区文", "ou"),
        ("盖勇", "ge"),
    ],
)
def test_surnames_are_read_as_surnames(written: str, sound: str) -> None:
    assert standardise(written).sounds[0] == sound


def test_compound_surname_is_one() -> None:
    name = standardise("尉迟明")
    assert name.surname == 2
    assert name.sounds == ("yu", "chi", "ming")


@pytest.mark.parametrize("mark", ["·", "•", "．", "・", ".", " ", "", "‧"])
def test_interpuncts_make_no_difference(mark: str) -> None:
    assert clean(f"阿依古丽{mark}买买提") == "阿依古丽买买提"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("張  偉", "张伟"),
        ("謝熠江", "谢熠江"),
        ("楊麗華", "杨丽华"),
        ("ＬＩ ＭＩＮＧ", "li ming"),
        ("王\u3000明", "王明"),
    ],
)
def test_width_spaces_and_traditional_characters(one: str, other: str) -> None:
    assert standardise(one).key == standardise(other).key


def test_typed_pinyin_is_cut_into_syllables() -> None:
    assert cut("panhongyang") == ["pan", "hong", "yang"]
    assert standardise("PAN HONGYANG").sounds == standardise("潘洪阳").sounds
    assert standardise("LV XUE").sounds == standardise("吕雪").sounds


@pytest.mark.parametrize(
    ("a", "b"),
    [("nan", "lan"), ("zhang", "zan"), ("hui", "fei"), ("huang", "fan"), ("hu", "fu"), ("ling", "nin"), ("shi", "si")],
)
def test_dialect_folds(a: str, b: str) -> None:
    assert dialect(a) == dialect(b)


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ("王小明", SAME), ("王 小明", SAME), ("王曉明", SOUND), ("WANG XIAOMING", SOUND), ("王晓民", FOLDED),
        ("王小花", NEARLY), ("王明小", NEARLY), ("王明", NEARLY), ("王?明", NEARLY),
        ("王建国", SURNAME), ("李建国", OTHER),
    ],
)  # fmt: skip
def test_levels_of_names(other: str, level: int) -> None:
    table = name_table(["王小明", other])
    assert compare_names(table, np.array([0]), np.array([1])).tolist() == [level]
    assert compare_names(table, np.array([1]), np.array([0])).tolist() == [level]


def test_common_reading_of_a_surname_meets_its_own() -> None:
    table = name_table(["曾涵", "CENG HAN", "ZENG HAN"])
    assert compare_names(table, np.array([0, 0]), np.array([1, 2])).tolist() == [SOUND, SOUND]


def test_missing_name_has_no_level() -> None:
    table = name_table(["王小明"])
    assert compare_names(table, np.array([0, -1]), np.array([-1, -1])).tolist() == [0, 0]
