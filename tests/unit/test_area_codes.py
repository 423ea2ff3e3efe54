"""Area codes of all years: the files' own rules, Guizhou against the shared file, changes that documents tell of."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.intake import areas
from commonground.intake.carry import SURE, carry, why
from commonground.packs import pack_folder

CODES = pack_folder("china") / "codes"
KINDS = {"recode", "status", "rename", "merge", "split", "part"}


def day(year: int, month: int = 6) -> dt.date:
    return dt.date(year, month, 15)


def read(name: str) -> list[dict[str, str]]:
    with (CODES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_code_has_one_name_at_a_time() -> None:
    for code, periods in areas.history().items():
        assert len(code) == 6
        assert code.isdigit()
        for one, after in itertools.pairwise(periods):
            assert 0 < one.until <= after.since, (code, one, after)
        assert all(not p.until or p.since < p.until for p in periods)
        assert all(1980 <= p.since // 12 <= 2026 for p in periods)


def test_every_change_starts_from_a_period_that_ended_then_and_leads_to_one_that_is_listed() -> None:
    ended = {(r["code"], r["name"], r["until"]) for r in read("areas.csv")}
    listed = {(r["code"], r["name"]) for r in read("areas.csv")}
    rows = read("area_changes.csv")
    for row in rows:
        assert row["kind"] in KINDS
        assert row["source"]
        assert (row["new"], row["new_name"]) in listed
        if row["kind"] == "part":
            assert (row["old"], row["old_name"]) in listed
        else:
            assert (row["old"], row["old_name"], row["month"]) in ended, row
    assert [list(r.values()) for r in rows] == sorted(list(r.values()) for r in rows)


def test_nearly_every_period_that_ended_has_a_successor() -> None:
    """The rest are suburbs shared out, small old cities of the 1980s, and zones of the statistical office."""
    followed = {(r["month"], r["old"]) for r in read("area_changes.csv")}
    ended = [r for r in read("areas.csv") if r["until"] and r["source"] != "stat"]
    lost = [r for r in ended if (r["until"], r["code"]) not in followed]
    assert len(lost) < 0.04 * len(ended)
    assert sum(r["until"] >= "2004" for r in lost) < 20


def test_the_list_of_today_has_the_number_of_areas_that_there_are() -> None:
    today = [p.code for periods in areas.history().values() for p in periods if not p.until and p.source != "stat"]
    assert len(today) == len(set(today))
    mainland = [c for c in today if c[:2] not in ("71", "81", "82", "83")]
    ranks = Counter(areas.level(code) for code in mainland)
    assert ranks["province"] == 31
    assert ranks["prefecture"] == 333  # of which 293 cities
    assert 2840 <= ranks["county"] <= 2860


def test_guizhou_is_as_in_the_shared_file(shared: Path) -> None:
    with (shared / "facts/guizhou_admin_code_history.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["first_revision_yyyymm"] and r["name"] != "市辖区"]
    assert len(rows) > 150
    for row in rows:
        first, last = (int(row[f"{k}_revision_yyyymm"] or "202609") for k in ("first", "last"))
        months = [v // 100 * 12 + v % 100 - 1 for v in (first, last)]
        found = [p for p in areas.history()[row["code"]] if p.name == row["name"]]
        assert any(p.since == months[0] for p in found), row
        assert any(p.holds(months[1]) for p in found), row
        if row["in_last_revision_201904"] == "0":
            assert any(p.until and months[1] < p.until <= months[1] + 12 for p in found), row


@pytest.mark.parametrize(
    ("code", "at", "to", "becomes", "sure"),
    [
        ("510211", 1990, 2005, "500105", "carried"),  # Chongqing's own province, March 1997
        ("500105", 2005, 1990, "510211", "carried"),
        ("510200", 1990, 2005, "500000", "merged"),
        ("511200", 1995, 2005, "500000", "merged"),
        ("440025", 1985, 2005, None, "unknown"),  # never a code
        ("522401", 2005, 2020, "520502", "carried"),  # Bijie prefecture to city, 国函〔2011〕130号
        ("522400", 2005, 2020, "520500", "carried"),
        ("520502", 2020, 2005, "522401", "carried"),
        ("522421", 1990, 2020, "520502", "carried"),  # county, county-level city, district
        ("522422", 2005, 2020, "520521", "carried"),
        ("522201", 2005, 2020, "520602", "carried"),  # Tongren, the same year
        ("522200", 2005, 2020, "520600", "carried"),
        ("522101", 1990, 2020, "520302", "carried"),  # Zunyi city became Honghuagang, Zunyi county Bozhou
        ("522121", 1990, 2020, "520304", "carried"),
        ("520322", 2015, 2023, "520322", "same"),  # Tongzi: nothing changed in 2020
        ("520221", 2015, 2023, "520204", "carried"),  # Shuicheng, 国函〔2020〕83号
        ("520222", 2010, 2020, "520281", "carried"),
        ("520522", 2015, 2023, "520581", "carried"),  # Qianxi, list of changes of 2021
        ("520114", 2010, 2020, "520111", "merged"),  # Xiaohe into Huaxi
        ("520111", 2020, 2010, None, "split"),
        ("110103", 2005, 2020, "110101", "merged"),  # Chongwen into Dongcheng
        ("310103", 2005, 2020, "310101", "merged"),  # Luwan into Huangpu
        ("341400", 2005, 2020, None, "split"),  # Chaohu shared out, 国函〔2011〕84号
        ("441900", 2020, 1986, "442502", "carried"),  # Dongguan, a city without counties
        ("442000", 2020, 2020, "442000", "same"),
        ("419001", 2020, 2005, "419001", "same"),  # Jiyuan, run by the province
        ("520502001", 2020, 2005, "522401", "carried"),  # a township's code
        ("522401101205", 2005, 2020, "520502", "carried"),  # a village's
        ("5224", 2005, 2020, "520500", "carried"),
        ("52", 2005, 2020, "520000", "same"),
        ("130604", 2010, 2020, "130606", "merged"),  # 国函〔2015〕73号
    ],
)
def test_changes_that_documents_tell_of(code: str, at: int, to: int, becomes: str | None, sure: str) -> None:
    got = carry([code], day(at), day(to))
    assert (got.codes[0], got.sure[0]) == (becomes, sure), why(code, day(at), day(to)).en


def test_candidates_are_named_where_several_are_possible() -> None:
    got = carry(["341400", "520115", "520112", "520111"], day(2005), day(2020))
    assert got.candidates["341400"] == ("340100", "340200", "340500")
    assert got.codes.tolist()[2] == "520112"
    assert set(got.candidates["520112"]) == {"520112", "520115"}
    back = carry(["520115", "520111"], day(2020), day(2005))
    assert set(back.candidates["520115"]) == {"520112", "520181"}
    assert set(back.candidates["520111"]) == {"520111", "520114"}
    said = why("520111", day(2020), day(2005))
    assert "小河区" in said.zh
    assert "小河区" in said.en
    assert "several" in said.en


def test_a_code_written_after_it_ended_counts_as_of_its_last_day() -> None:
    """A person registered in Bijie in 1995 keeps 522401 in the identity number."""
    assert carry(["522401"], day(2024), day(2024)).codes[0] == "520502"
    assert carry(["520502"], day(2005), day(2005)).codes[0] == "522401"


def test_names_and_ranks() -> None:
    assert areas.name("520502", day(2020), full=True) == "贵州省毕节市七星关区"
    assert areas.name("522401", day(2000), full=True) == "贵州省毕节地区毕节市"
    assert areas.name("441900", day(2020), full=True) == "广东省东莞市"
    assert areas.name("429004", day(2020), full=True) == "湖北省仙桃市"
    assert areas.name("210200", dt.date(1980, 12, 31)) == "旅大市"
    assert areas.name("210200", day(1990)) == "大连市"
    assert areas.name("529901", day(2020)) is None
    assert [areas.level(c) for c in ("52", "5205", "520502", "520502001", "5205020", "abcdef")] == [
        *("province", "prefecture", "county", "county", "", "")
    ]
    assert areas.parents("520502001001") == ("520000", "520500")
    assert areas.parents("429004") == ("420000",)
    assert areas.parents("520000") == ()


def test_years() -> None:
    assert areas.years("522401") == (1993, 2011)
    assert areas.years("520502") == (2011, None)
    assert areas.years("529901") is None
    assert areas.years("hello") is None


def test_the_codes_of_invented_cities_were_never_assigned() -> None:
    assert not areas.known([f"5299{i:02d}" for i in range(100)]).any()


@given(st.lists(st.one_of(st.from_regex(r"[1-8]\d{5}", fullmatch=True), st.text(max_size=12))))
def test_known_is_membership(codes: list[str]) -> None:
    every = set(areas.history())
    expected = [len(c) in (2, 4, 6, 9, 12) and c.isascii() and c[:6].ljust(6, "0") in every for c in codes]
    assert areas.known(codes).tolist() == expected


LIVE = sorted(code for code, periods in areas.history().items() if any(p.source != "stat" for p in periods))


@given(st.lists(st.sampled_from(LIVE), min_size=1), st.integers(1981, 2026), st.integers(1981, 2026))
def test_carrying_many_is_carrying_each_and_ends_in_codes_of_that_day(codes: list[str], at: int, to: int) -> None:
    got = carry(codes, day(at), day(to))
    month = areas.month_of(day(to))
    for code, becomes, sure in zip(codes, got.codes, got.sure, strict=True):
        alone = carry([code], day(at), day(to))
        assert (alone.codes[0], alone.sure[0]) == (becomes, sure)
        assert sure in SURE
        assert (becomes is None) or sure in ("same", "carried", "merged", "split")
        for one in filter(None, (becomes, *got.candidates.get(code, ()))):
            assert any(p.holds(month) for p in areas.history()[one]), (code, one)
        assert (sure == "split") == (len(got.candidates.get(code, ())) > 1) or sure == "unknown"


@given(st.sampled_from(LIVE), st.integers(1981, 2026), st.integers(1981, 2026))
def test_there_and_back_comes_home(code: str, at: int, to: int) -> None:
    """What was carried one to one leads back to where it came from, alone or as one of several."""
    if not any(p.holds(areas.month_of(day(at))) for p in areas.history()[code]):
        return
    there = carry([code], day(at), day(to))
    if there.sure[0] not in ("same", "carried", "merged"):
        return
    back = carry([there.codes[0]], day(to), day(at))
    options = back.candidates.get(there.codes[0], (back.codes[0],))
    assert code in options, (there.codes[0], options)


def test_brute_force_forward_over_all_codes() -> None:
    """The same answer as following the rows of the file one change after another."""
    after = defaultdict(list)
    for r in read("area_changes.csv"):
        if r["kind"] != "part":
            after[r["old"], r["old_name"], r["month"]].append((r["new"], r["new_name"]))
    rows = defaultdict(list)
    for r in read("areas.csv"):
        rows[r["code"], r["name"]].append((r["since"], r["until"] or "9999-99"))
    goal = "2020-06"

    def follow(code: str, name: str, since: str) -> set[str]:
        until = min(u for s, u in rows[code, name] if u > since)
        if until > goal:
            return {code}
        ends: set[str] = set()
        for new, new_name in after[code, name, until]:
            ends |= follow(new, new_name, until)
        return ends

    parts = {r["old"] for r in read("area_changes.csv") if r["kind"] == "part"}
    start = "1990-06"
    held = [(c, n) for (c, n), spans in rows.items() if any(s <= start < u for s, u in spans) and c not in parts]
    got = carry([c for c, _ in held], dt.date(1990, 6, 15), day(2020))
    for (code, name), becomes, sure in zip(held, got.codes, got.sure, strict=True):
        ends = follow(code, name, start)
        if sure in ("same", "carried", "merged"):
            assert ends == {becomes}, (code, ends, becomes)
        elif sure == "split":
            assert ends >= set(got.candidates[code]) - parts or ends & set(got.candidates[code])
    assert len(held) > 3000


def test_many_at_once_is_fast() -> None:
    codes = np.array(LIVE)[np.random.default_rng(1).integers(0, len(LIVE), 300_000)]
    got = carry(codes, day(2000), day(2020))
    assert len(got.codes) == 300_000
    assert Counter(got.sure.tolist())["same"] > 100_000
