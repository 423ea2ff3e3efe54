"""From hand-made records to values: precedence, conflicts, kin, durations, missing departments, standardising."""

from __future__ import annotations

import datetime as dt
import json
import statistics
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from commonground.city import City, Version
from commonground.errors import DefinitionError
from commonground.variables import compare, count, export_values, get_definition, load_pack, run, run_tests
from variables_kit import D, Maker, make_city, values_of

LAST, THIS = D(2024, 9, 1), D(2025, 9, 1)


def child(maker: Maker, name: str, flag: str | None = None, before: str | None = None, **more: Any) -> None:
    """A rural nine-year-old at a village school in the county of registration, both parents known by name."""
    maker.person(name, more.get("birth", D(2016, 3, 1)))
    maker.relation(name, "father", f"{name}-f").relation(name, "mother", f"{name}-m")
    maker.person(f"{name}-f", D(1988, 1, 1)).person(f"{name}-m", D(1989, 1, 1), "2")
    hukou = more.get("hukou", "529906")
    maker.record("household_register", D(2025, 8, 31), name, area=hukou, hukou_nature=more.get("nature", "rural"))
    school = more.get("county", "529906")
    for day, said in ((LAST, before), (THIS, flag)):
        maker.enrolment(name, day.year, 3 if day == THIS else 2, school)
        maker.record(
            "student_registry", day, name, left_behind=said, migrant_worker_child=more.get("worker"),
            hukou_area=hukou, hukou_nature=more.get("nature", "rural"), entry_month=D(2023, 9, 1),
        )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, Version, dict[tuple[str, str], Any]]:
    city = make_city(tmp_path_factory.mktemp("city") / "test")
    maker = Maker().school("S1").school("S2", "529901", "111")
    child(maker, "home", "0", "0")
    child(maker, "flag", "1", None)
    child(maker, "twice", "1", "2")
    child(maker, "listed", "0", "0")
    maker.record(
        "left_behind_registry", D(2025, 8, 31), "listed", father_since=D(2024, 6, 1), mother_since=None,
        absence_type="one", guardianship="2", village_code="529906001001",
    )  # fmt: skip
    child(maker, "labour", "1", "0")
    maker.record("labour_out_registry", D(2025, 6, 30), "labour-f", since=D(2024, 1, 1), distance="other_province")
    child(maker, "recent", "1", "0")
    maker.record("labour_out_registry", D(2025, 6, 30), "recent-m", since=D(2025, 4, 15), distance="same_city")
    child(maker, "town", "0", "0", nature="non_rural")
    child(maker, "moved", "0", "0", hukou="529906", county="529901", worker=True)
    maker.record("residence_permits", D(2025, 8, 31), "moved-f", village_code="529901001001", arrived=D(2022, 1, 1))
    # a small brother of "twice", on no list of his own
    maker.person("small", D(2022, 5, 5)).relation("small", "father", "twice-f").relation("small", "mother", "twice-m")
    maker.record("household_register", D(2025, 8, 31), "small", area="529906", hukou_nature="rural")
    # a small child about whom nobody says anything
    maker.person("alone", D(2022, 5, 5))
    maker.record("household_register", D(2025, 8, 31), "alone", area="529906", hukou_nature="rural")
    for name, readings in {
        "high": [(150, 95)] * 3,
        "odd": [(150, 80), (130, 80), (131, 80)],
        "once": [(128, 85)],
    }.items():
        maker.person(name, D(1960, 1, 1))
        for n, (sbp, dbp) in enumerate(readings):
            maker.record(
                "adult_checkups", D(2025, 6, 30), name, check_date=D(2025, 5, 1) + dt.timedelta(days=n),
                sbp=float(sbp), dbp=float(dbp), treated=False,
            )  # fmt: skip
    for n, name in enumerate(("home", "flag", "twice", "listed")):
        maker.record("exam_scores", D(2025, 7, 15), name, math=60.0 + 10 * n, chinese=None, grade=2, school_year=2024)
    maker.record("exam_scores", D(2025, 7, 15), "labour", math=99.0, chinese=None, grade=3, school_year=2024)
    maker.record(
        "school_census", LAST, None, school_code="S1", pupils=100, teachers=8, after_school=True, interaction=3.5
    )
    version = maker.write(city)
    run(city, version)
    return city, version, values_of(version)


def test_absence(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    values = built[2]
    wanted = {  # MOE (3 months), ACWF (6 months, rural), SC 2016 (both, or one and the other unable), NBS (any hukou)
        "home": ("false", "false", "false", "false"),
        "flag": ("true", "unknown", "unknown", "unknown"),
        "twice": ("true", "true", "unknown", "true"),
        "listed": ("true", "true", "true", "true"),
        "labour": ("true", "true", "unknown", "true"),
        "recent": ("true", "unknown", "unknown", "unknown"),
        "town": ("not_applicable", "not_applicable", "not_applicable", "false"),
        "moved": ("false", "false", "false", "false"),
        "small": ("not_applicable", "true", "unknown", "true"),
        "alone": ("not_applicable", "unknown", "unknown", "unknown"),
        "home-f": ("not_applicable", "not_applicable", "not_applicable", "not_applicable"),
    }
    versions = ("LBC_MOE", "LBC_ACWF_2013", "LBC_SC_2016_13", "LBC_NBS_2020")
    assert {name: tuple(values[v, name] for v in versions) for name in wanted} == wanted


def test_one_parent_away_is_never_both(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    assert built[2]["LBC_LIU_2008", "flag"] == "false"
    assert built[2]["LBC_LIU_2008", "listed"] == "false"


def test_migrants_and_groups(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    values = built[2]
    assert {v: values[v, "moved"] for v in ("MIG_MOE_WORKER", "MIG_MOE_ALL", "MIG_NBS_2020", "MIG_CENSUS_2010")} == {
        "MIG_MOE_WORKER": "true", "MIG_MOE_ALL": "true", "MIG_NBS_2020": "true", "MIG_CENSUS_2010": "true",
    }  # fmt: skip
    assert values["MIG_NBS_2020", "home"] == "false"
    assert values["MIG_NBS_2020", "alone"] == "unknown"
    groups = {n: values["GROUP_NBS_2020", n] for n in ("home", "twice", "moved", "flag", "small", "high")}
    assert groups == {
        "home": "local", "twice": "parents_away", "moved": "migrant", "flag": "unknown", "small": "not_applicable",
        "high": "not_applicable",
    }  # fmt: skip


def test_blood_pressure(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    values = built[2]
    found = {
        n: (values["HTN_CN_2024", n], values["HTN_ACCAHA_2017", n]) for n in ("high", "odd", "once", "home-f", "home")
    }
    assert found == {
        "high": ("true", "true"), "odd": ("false", "true"), "once": ("false", "true"),
        "home-f": ("unknown", "unknown"), "home": ("not_applicable", "not_applicable"),
    }  # fmt: skip


def test_scores_are_standardised_within_year_and_grade(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    values, marks = built[2], [60.0, 70.0, 80.0, 90.0]
    mean, sd = statistics.mean(marks), statistics.stdev(marks)
    for name, mark in zip(("home", "flag", "twice", "listed"), marks, strict=True):
        assert values["SCORE_MATH_Z", name] == pytest.approx((mark - mean) / sd, abs=1e-12)
        assert values["SCORE_MATH_PCT", name] == mark
    assert ("SCORE_MATH_Z", "labour") not in values, "alone in the grade: no spread, no score"
    assert not [k for k in values if k[0] == "SCORE_CHINESE_Z"]


def test_school_factors(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    rows = [r for r in pq.read_table(built[1].table("values")).to_pylist() if r["entity"] == "school"]
    last = {r["definition"]: r for r in rows if r["entity_id"] == "S1" and r["reference_date"] == LAST}
    assert last["school.pupils_per_teacher"]["number"] == 12.5
    assert (last["school.after_school"]["value"], last["school.after_school"]["number"]) == ("true", 1.0)
    assert all(r["person_id"] is None for r in rows)


def test_the_report_counts_conflicts_and_what_is_missing(
    built: tuple[City, Version, dict[tuple[str, str], Any]],
) -> None:
    report = json.loads((built[1].path / "quality" / "variables.json").read_text(encoding="utf-8"))
    found = report["definitions"]["child.left_behind"]
    # The civil-affairs list says that the father of "listed" is away, the school that nobody is: counted, not hidden.
    assert found["conflicts"]["one_away (LBC_MOE)"] == 1
    version = found["versions"]["LBC_ACWF_2013"]
    counts = version["counts"]["2025-09-01"]
    assert counts["true"] == 4
    assert counts["unknown"] == 3
    assert version["unknown_inputs"]["father_away"] == 3
    assert version["hash"] == found["versions"]["LBC_ACWF_2008"]["hash"]
    assert "LBC_LOCAL_6M_BOTH" not in found["versions"], "what is to be verified is not computed by default"


def test_comparison(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    city, _, values = built
    found = compare(city, "child.left_behind", "LBC_ACWF_2013", "LBC_SC_2016_13")
    persons = {e for v, e in values if v == "LBC_ACWF_2013"}
    assert sum(map(sum, found.counts)) == len(persons)
    for old in found.values:
        for new in found.values:
            wanted = sum(values["LBC_ACWF_2013", p] == old and values["LBC_SC_2016_13", p] == new for p in persons)
            assert found.moved(old, new) == wanted
    assert (found.under("old"), found.under("new")) == (4, 1)
    assert sum(c.persons for c in found.clauses) == pytest.approx(-3)
    assert {c.name for c in found.clauses} == {"age_below", "months", "parents"}
    assert max(found.clauses, key=lambda c: abs(c.persons)).name == "parents"
    assert "4 count" in found.sentence("en")
    assert "按 LBC_ACWF_2013 有 4 人" in found.sentence("zh")
    assert found.table().num_rows == 16
    assert json.dumps(found.to_dict(), ensure_ascii=False)
    same = compare(city, "LBC_SC_2016_13", "LBC_SC_2016_13", "LBC_MCA_2018")
    assert same.hashes[0] == same.hashes[1]
    assert same.moved("true", "true") == 1
    with pytest.raises(DefinitionError, match="no transition table"):
        compare(city, "score.math", "SCORE_MATH_Z", "SCORE_MATH_PCT")
    with pytest.raises(DefinitionError, match="LBC_MOE"):
        compare(city, "child.left_behind", "LBC_MOEE", "LBC_MOE")


def test_export_and_count(built: tuple[City, Version, dict[tuple[str, str], Any]], tmp_path: Path) -> None:
    city, _, values = built
    rows = export_values(city, "child.left_behind", tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet")
    assert rows == table.num_rows > 0
    assert table.column_names == [
        "department", "dataset", "delivery", "file", "sheet", "row_number", "definition", "value", "reference_date",
    ]  # fmt: skip
    one = [
        r for r in table.to_pylist() if r["dataset"] == "left_behind_registry" and r["reference_date"] == "2025-09-01"
    ]
    assert {r["definition"]: r["value"] for r in one}["LBC_SC_2016_13"] == values["LBC_SC_2016_13", "listed"]
    assert export_values(city, "LBC_MOE", tmp_path / "w.parquet") < rows
    counted = {(r["version"], r["value"]): r["n"] for r in count(city, "child.left_behind")}
    assert counted["LBC_MOE", "true"] is None, "fewer than the city's threshold"
    assert counted["LBC_MOE", "not_applicable"] == 20


def test_a_city_with_next_to_nothing_still_runs(tmp_path: Path) -> None:
    city = make_city(tmp_path / "bare")
    version = Maker().person("a", D(2016, 1, 1)).write(city)
    run(city, version)
    values = values_of(version)
    assert values["LBC_ACWF_2013", "a"] == "unknown"
    assert values["LBC_MOE", "a"] == "unknown"
    assert values["CHILD_AGE", "a"] == 9
    report = json.loads((version.path / "quality" / "variables.json").read_text(encoding="utf-8"))
    assert report["definitions"]["child.left_behind"]["versions"]["LBC_ACWF_2013"]["unknown_share"]["2025-09-01"] == 1


def test_twice_the_same_bytes(built: tuple[City, Version, dict[tuple[str, str], Any]]) -> None:
    city, version, _ = built
    before = version.table("values").read_bytes()
    run(city, version)
    assert version.table("values").read_bytes() == before


def test_the_citys_own_definition_stands_beside_the_packs(tmp_path: Path) -> None:
    city = make_city(tmp_path / "own")
    path = city.definitions / "teen.toml"
    path.write_text(
        '[variable]\nid = "own.teen"\ntitle = { zh = "青少年", en = "Teenager" }\nquestion = { zh = "？", en = "?" }\n'
        'entity = "person"\ntype = "boolean"\n[input.age]\ntitle = { zh = "周岁", en = "Age" }\ntype = "number"\n'
        'definition = "child.age"\n[[version]]\nid = "OWN_TEEN"\nstatus = "project"\nrule = "age >= 13"\n'
        'source = { title = "x" }\n[[test]]\nperson = { age = 13 }\nexpect = { OWN_TEEN = true }\n',
        encoding="utf-8",
    )
    version = Maker().person("a", D(2016, 1, 1)).person("b", D(2010, 1, 1)).person("c", D(1990, 1, 1)).write(city)
    run(city, version)
    values = values_of(version)
    assert [values["OWN_TEEN", p] for p in "abc"] == ["false", "true", "unknown"]
    assert get_definition(city, "OWN_TEEN").id == "own.teen"
    assert run_tests(city, "own.teen").attempted == 1
    assert "child.left_behind" in load_pack(city)
    path.write_text(path.read_text(encoding="utf-8").replace("child.age", "child.aeg"), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"child\.age"):
        run(city, version)


def test_on_the_roll_without_a_grade_is_not_off_the_roll(tmp_path: Path) -> None:
    city = make_city(tmp_path / "roll")
    maker = Maker().school("S1")
    for name in ("graded", "blank", "elsewhere"):
        maker.person(name, D(2016, 3, 1))
    maker.enrolment("graded", 2025, 3).enrolment("blank", 2025, 3)
    maker.tables["enrolments"][-1]["grade"] = None
    version = maker.write(city)
    run(city, version)
    said = values_of(version)
    assert {n: said["GROUP_NBS_2020", n] for n in ("blank", "elsewhere")} == {
        "blank": "unknown",
        "elsewhere": "not_applicable",
    }


OWN_COUNT = """
[variable]
id = "local.parent_trips"
title = { zh = "父母外出次数", en = "Trips of the parents" }
question = { zh = "?", en = "?" }
entity = "person"
type = "number"
missing = "unknown"
labels_individuals = false
sensitivity = "minor"
purposes = ["study"]
owner = { zh = "测试", en = "test" }
default = "TRIPS"
[input.trips]
title = { zh = "次数", en = "Trips" }
type = "number"
[[input.trips.source]]
kind = "labour_out_registry"
of = "parents"
value = "1"
take = "count within 24 months"
[[version]]
id = "TRIPS"
status = "project"
in_force = [2025-01-01]
issuer = { zh = "测试", en = "test" }
source = { title = "test", date = 2025-01-01 }
when = "True"
rule = "trips"
checked = 2025-01-01
[[test]]
person = { trips = 2 }
expect = { TRIPS = 2 }
"""


def test_a_parents_record_in_a_file_delivered_twice_counts_once(tmp_path: Path) -> None:
    city = make_city(tmp_path / "twice")
    (city.definitions / "trips.toml").write_text(OWN_COUNT, encoding="utf-8")
    maker = Maker().school("S1").person("child", D(2016, 3, 1)).person("father", D(1988, 1, 1))
    maker.relation("child", "father", "father")
    for _ in range(2):
        maker.record("labour_out_registry", D(2025, 6, 30), "father", since=D(2024, 1, 1))
    maker.records["labour_out_registry"][1]["status"] = "repeated"
    version = maker.write(city)
    run(city, version)
    assert values_of(version)["TRIPS", "child"] == 1.0
