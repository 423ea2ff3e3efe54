"""The report of a change of definition: by group, over time, what is missing, what rests on it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from commonground.city import City
from commonground.engine import DuckEngine
from commonground.variables import change, load_definition
from commonground.variables.change import Change, Trend
from commonground.variables.compute import compute, needed
from commonground.variables.frame import open_frame
from commonground.variables.missing import missing, tried
from commonground.variables.pack import load_folder, load_pack, pack_definitions
from commonground.variables.uses import uses
from variables_kit import REFERENCE, D, Maker, make_city

PACK = load_folder(pack_definitions())
OLD, NEW = "LBC_ACWF_2013", "LBC_SC_2016_13"


def a_city(folder: Path) -> City:
    """Sixty pupils of two schools and two years: one parent away, both, none, or nobody knows."""
    city = make_city(folder)
    maker = Maker().school("S1", "529906", "220").school("S2", "529901", "111")
    for n in range(60):
        child = f"c{n}"
        maker.person(child, D(2010 + n % 8, 3, 1), sex=str(1 + n % 2))
        maker.enrolment(child, 2025, 3, county="529906", school="S1" if n % 3 else "S2")
        for role in ("father", "mother"):
            maker.person(f"{child}-{role}", D(1985, 1, 1)).relation(child, role, f"{child}-{role}")
        maker.record("household_register", D(2025, 8, 31), child, area="529906", hukou_nature="rural")
        flag = ("0", "1", "2", None)[n % 4]
        for year in (2024, 2025):
            maker.record(
                "student_registry", D(year, 9, 1), child, left_behind=flag, hukou_area="529906", hukou_nature="rural"
            )
    maker.write(city)
    return city


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return a_city(tmp_path_factory.mktemp("change") / "city")


@pytest.fixture(scope="module")
def report(city: City) -> Change:
    return change(city, "child.left_behind", OLD, NEW)


def test_groups_add_up_and_small_ones_are_held_back(report: Change) -> None:
    assert {g.axes[0].name for g in report.groups} == {"county", "sex", "age", "school_level", "school_place"}
    sex = next(g for g in report.groups if g.axes[0].name == "sex")
    assert sex.axes[0].categories == ("1", "2")
    asked = sum(report.comparison.counts[i][j] for i in range(5) for j in range(5)
                if len(report.comparison.counts) > max(i, j)
                and (report.comparison.values[i], report.comparison.values[j]) != ("not_applicable",) * 2)  # fmt: skip
    assert abs(int(sex.values[-1, -1]) - asked) <= sex.rounding
    for group in report.groups:
        shown = group.values[group.values >= 0]
        assert all(v == 0 or v >= group.threshold - group.rounding for v in shown.tolist())


def test_the_trend_follows_the_line_of_succession(report: Change) -> None:
    fixed_old, fixed_new, official = report.trends
    assert (fixed_old.rule, fixed_new.rule, official.rule) == (OLD, NEW, "in_force")
    assert set(fixed_old.versions) == {OLD}
    assert official.versions[-1] == NEW
    assert official.true[-1] == fixed_new.true[-1] == report.comparison.under("new")
    assert fixed_old.true[-1] == report.comparison.under("old")
    assert all(a <= b for a, b in zip(official.true, official.asked, strict=True))


def test_the_official_figure_breaks_where_the_rule_changes(city: City) -> None:
    days = (D(2014, 9, 1), D(2025, 9, 1))
    found = change(city, "child.left_behind", OLD, NEW, days=days)
    one = PACK["child.left_behind"]
    assert [v.id for v in one.chain(NEW)] == ["LBC_ACWF_2008", OLD, NEW]
    assert one.in_force_on(D(2010, 1, 1), NEW) is one.version("LBC_ACWF_2008")
    assert one.in_force_on(D(2014, 9, 1), NEW) is one.version(OLD)
    assert one.in_force_on(D(1999, 1, 1), NEW) is None
    assert one.in_force_on(D(2016, 2, 4), OLD) is one.version(NEW)
    official = found.trends[-1]
    assert official.days == (D(2025, 9, 1),)  # of 2014 there is no record, so that day falls away
    broken = Trend("in_force", days, (OLD, NEW), (5, 3), (0, 0), (9, 9))
    assert broken.breaks == (1,)
    assert official.breaks == ()


def test_what_would_settle_the_unknown_is_what_brute_force_finds(city: City) -> None:
    version = city.require_current()
    engine = DuckEngine(city.settings.engine)
    frame = open_frame(engine, version, city.settings, (REFERENCE,))
    made = compute(frame, needed(load_pack(city), ["child.left_behind"]))["child.left_behind"]
    one = made.definition
    attempted = 0
    for rule in one.versions[:6]:
        names = list(rule.inputs)
        rows = engine.rows(f"SELECT entity_id, {', '.join(names)} FROM {made.wide}")
        persons: list[dict[str, Any]] = [dict(zip(names, r[1:], strict=True)) for r in rows]
        unknown = [p for p in persons if one.evaluate(p, rule.id) == "unknown"]
        found = {m.input: m for m in missing(engine, made, rule, REFERENCE)}
        for name in names:
            lack = [p for p in unknown if p[name] is None]
            settled = [
                p
                for p in lack
                if any(one.evaluate({**p, name: v}, rule.id) != "unknown" for v in tried(rule, one.inputs[name]))
            ]
            got = found.get(name)
            assert (got.persons if got else 0) == len(lack), (rule.id, name)
            assert (got.settles if got else 0) == len(settled), (rule.id, name)
            attempted += len(lack)
    engine.close()
    assert attempted > 100


def test_what_rests_on_a_version_is_found_through_other_definitions(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city")
    text = """\
[variable]
id = "x.group"
title = { zh = "组", en = "Group" }
question = { zh = "？", en = "?" }
entity = "person"
type = "boolean"
[input.away]
title = { zh = "甲", en = "a" }
type = "boolean"
definition = "child.left_behind"
version = "LBC_SC_2016_13"
[[version]]
id = "X"
status = "project"
rule = "away"
source = { title = "t" }
"""
    (city.definitions / "x.group.toml").write_text(text, encoding="utf-8")
    second = (
        text.replace("x.group", "x.second").replace("child.left_behind", "x.group").replace('"LBC_SC_2016_13"', '"X"')
    )
    (city.definitions / "x.second.toml").write_text(second.replace('id = "X"', 'id = "Y"'), encoding="utf-8")
    (city.path / "plans").mkdir()
    (city.path / "plans" / "beds.toml").write_text(
        '[plan]\nid = "beds"\ntitle = { zh = "床位", en = "Beds" }\n[demand]\ndefinition = "x.second"\n',
        encoding="utf-8",
    )
    known = load_pack(city)
    found = {(u.kind, u.id): u for u in uses(city, known, "child.left_behind", {OLD, NEW})}
    assert found["definition", "X"].versions == (NEW,)
    assert found["definition", "X"].through == ""
    assert found["definition", "Y"].through == "X"
    assert found["plan", "beds"].title.zh == "床位"
    assert found["plan", "beds"].versions == (NEW,)
    assert found["study", "achievement"].versions == (OLD, NEW)  # its robustness tries every version
    assert uses(city, known, "x.second", {"Y"})[0].id == "beds"


def test_values_tried_are_those_that_a_rule_tells_apart(tmp_path: Path) -> None:
    one = load_definition(pack_definitions() / "health.hypertension.toml")
    rule = one.version("HTN_CN_2010")
    assert {139.0, 140.0, 141.0} <= set(tried(rule, one.inputs["sbp"]))
    assert tried(rule, one.inputs["treated"]) == [True, False]


def test_it_is_given_as_plain_values(report: Change) -> None:
    import json

    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["old"] == OLD
    assert plain["trends"][2]["rule"] == "in_force"
    assert all(isinstance(m["settles"], int) for m in plain["missing"])
    assert all(set(u) == {"kind", "id", "title", "versions", "through"} for u in plain["uses"])
    assert dt.date.fromisoformat(plain["trends"][0]["days"][-1]) == REFERENCE
