"""The pack's code lists: dated, sourced, in both languages, as the shared facts have them; numbers of the schools."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import ContractError
from commonground.intake.ids import check_digits
from commonground.intake.pack import _code_list, load_pack
from commonground.intake.school_numbers import check_pupil_numbers, check_school_codes

LISTS = load_pack().codes
SHARED = {
    "GB/T 2261.1 sex": "sex",
    "GB/T 4761 relation": "relation",
    "GB/T 3304 ethnicity": "ethnicity",
    "student registry: id type": "id_type",
    "student registry: left-behind": "left_behind",
    "student registry: boarding": "boarding",
    "student registry: entry mode": "entry_mode",
    "student registry: pupil source": "pupil_source",
    "student registry: health": "pupil_health",
    "census 2010 R8 time away": "census_time_away_2010",
    "census 2010 R9 reason": "census_reason_away",
    "census 2020 D2 relation": "census_relation",
    "census 2020 D7 residence": "census_residence",
    "census 2020 D8 hukou place": "census_hukou_place",
}
NOT_VALUES = {("sex", "0"), ("sex", "9")}  # unknown and not stated: a contract names them under missing


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_list_is_dated_and_sourced_and_has_one_meaning_a_word(name: str) -> None:
    one = LISTS[name]
    since = dt.date.fromisoformat(one.since)
    assert one.source
    assert not one.until or since < dt.date.fromisoformat(one.until)
    assert all(label.zh and label.en for label in one.labels.values())
    for code, label in one.labels.items():
        assert one.canonical(code) == code
        assert one.canonical(label.zh) == code, f"{label.zh} of {code} means {one.canonical(label.zh)}"
        assert one.canonical(label.en) == code
        assert one.holds(code, since)
        assert not one.holds(code, dt.date(1900, 1, 1))
    for writing in one.writings.values():
        assert writing.source
        assert set(writing.codes.values()) <= set(one.labels)


def test_lists_are_as_in_the_shared_facts(shared: Path) -> None:
    facts = defaultdict(dict)
    with (shared / "facts/gb_and_form_codes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            facts[row["code_list"]][row["code"]] = row["label"]
    for title, name in SHARED.items():
        given_codes = {c for c in facts[title] if (name, c) not in NOT_VALUES}
        assert given_codes <= set(LISTS[name].labels), title
        if name != "relation":  # there the shared file leaves out what the student registry never writes
            assert given_codes == set(LISTS[name].labels), title
    for title in ("GB/T 3304 ethnicity", "GB/T 4761 relation"):
        for code, label in facts[title].items():
            if code != "97" or "relation" in title:
                assert LISTS[SHARED[title]].canonical(label) == code, (code, label)
    for title, name in (
        ("student registry: hukou nature", "student_registry"),
        ("population registry (full-population system): hukou nature", "population_registry"),
        ("census 2010 R10 hukou nature", "census2010"),
    ):
        for code, canonical in LISTS["hukou_nature"].writings[name].codes.items():
            assert facts[title][code].removesuffix("户口") == LISTS["hukou_nature"].labels[canonical].zh


def test_the_56_peoples_have_their_letters() -> None:
    peoples = LISTS["ethnicity"]
    letters = {w: c for w, c in peoples.aliases.items() if len(w) == 2 and w.isascii() and w.isupper()}
    assert sorted(letters.values()) == [f"{i:02d}" for i in range(1, 57)]
    assert [peoples.canonical(w) for w in ("HA", "汉", "MG", "布依", "穿青人", "7", "97")] == [
        *("01", "01", "02", "09", "97", "07", "97")
    ]


def test_family_relations_are_the_full_list() -> None:
    expected = {"01", "02", *(f"{i}" for i in range(10, 13)), *(f"{i}" for i in range(20, 98)), "99"}
    assert set(LISTS["relation"].labels) == expected


def test_a_list_with_a_wrong_key_or_a_numbering_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    text = 'zh = "甲"\nen = "A"\nsource = "s"\nsince = 2000-01-01\n[codes]\n"1" = { zh = "一", en = "one" }\n'
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    assert _code_list(path).labels["1"].en == "one"
    path.write_text(text.replace('en = "one"', 'en = "one", sinse = 2001-01-01'), encoding="utf-8")
    with pytest.raises(ContractError, match="sinse"):
        _code_list(path)
    more = '[writings.w]\nzh = "甲"\nen = "A"\nsource = "s"\nsince = 2000-01-01\ncodes = { "9" = "2" }\n'
    path.write_text(text + more, encoding="utf-8")
    with pytest.raises(ContractError, match="no code 2"):
        _code_list(path)


def test_a_code_has_its_own_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        'zh = "甲"\nen = "A"\nsource = "s"\nsince = 2000-01-01\nuntil = 2010-01-01\n[codes]\n'
        '"1" = { zh = "一", en = "one", since = 2005-01-01 }\n"2" = { zh = "二", en = "two", until = 2003-01-01 }\n',
        encoding="utf-8",
    )
    one = _code_list(path)
    days = [dt.date(y, 6, 1) for y in (1999, 2002, 2004, 2006, 2011)]
    assert [one.holds("1", d) for d in days] == [False, False, False, True, False]
    assert [one.holds("2", d) for d in days] == [False, True, False, False, False]
    assert one.canonical("二") == "2"  # an old code in an old file is read all the same


def pupil(kind: str, body: str) -> str:
    return kind + body + str(check_digits(np.array([[int(c) for c in body]]))[0])


@given(
    st.sampled_from("GJ"), st.integers(0, 99), st.dates(dt.date(2000, 1, 1), dt.date(2020, 12, 31)), st.integers(0, 999)
)
def test_a_pupils_number_holds_and_one_wrong_digit_does_not(kind: str, area: int, born: dt.date, order: int) -> None:
    right = pupil(kind, f"5299{area:02d}{born:%Y%m%d}{order:03d}")
    got = check_pupil_numbers([right, right.lower(), f" {right} "], 2024, areas=False)
    assert got.number == [right] * 3
    assert got.kind == [kind] * 3
    assert check_pupil_numbers([right], 2024).fault == ["area"]  # an invented city's
    wrong = right[:-2] + str((int(right[-2]) + 1) % 10) + right[-1]
    assert check_pupil_numbers([wrong], 2024, areas=False).fault == ["check_digit"]
    temporary = "L" + right[1:-1] + "7"
    assert check_pupil_numbers([temporary], 2024, areas=False).kind == ["L"]


def test_what_is_no_pupils_number() -> None:
    texts = [
        "G",
        "",
        "K52990120100101123X",
        "G5299012010010112",
        pupil("G", "52990120101301123"),
        "L529901201013011234",
    ]
    assert check_pupil_numbers(texts, 2024, areas=False).fault == ["form", "form", "form", "form", "date", "date"]
    assert check_pupil_numbers([], 2024).number == []


def test_school_codes() -> None:
    got = check_school_codes(
        ["2152000123", "3152000123", "２１５２０００１２３", "9952000123", "2199000123", "215200012", "abc"]
    )
    assert got.fault == ["", "", "", "class", "area", "form", "form"]
    assert got.kind[:3] == ["21", "31", "21"]
    assert set(LISTS["school_class"].labels) >= set(filter(None, got.kind))
