"""Tables of standards and groups of codes: read, checked, explained, part of a rule's meaning."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.engine import DuckEngine
from commonground.errors import DefinitionError
from commonground.intake.pack import load_pack as intake_pack
from commonground.variables import load_definition
from commonground.variables.codelist import open_codes
from commonground.variables.compute import compute, needed
from commonground.variables.frame import open_frame
from commonground.variables.pack import load_folder, load_pack, pack_definitions
from variables_kit import REFERENCE, D, Maker, make_city

PACK = load_folder(pack_definitions())
TABLE = "sex,months,cut\n1,72,16.4\n1,78,16.7\n2,72,16.2\n2,78,\n"
FILE = """\
[variable]
id = "x.high"
title = { zh = "偏高", en = "High" }
question = { zh = "是否偏高？", en = "Is it high?" }
entity = "person"
type = "boolean"

[table.cuts]
file = "cuts.csv"
keys = [{ column = "sex", type = "text" }, { column = "months", unit = "month", match = "from" }]
columns = { cut = { unit = "kg/m2", zh = "界值", en = "cut-off" } }
source = { title = "a standard" }

[input.sex]
title = { zh = "性别", en = "Sex" }
type = "text"
[input.months]
title = { zh = "月龄", en = "Age in months" }
type = "number"
unit = "month"
[input.bmi]
title = { zh = "体质指数", en = "Body-mass index" }
type = "number"
unit = "kg/m2"

[[version]]
id = "A"
status = "project"
rule = "bmi >= lookup('cuts.cut', sex, months)"
source = { title = "a standard" }
"""


def write(folder: Path, text: str = FILE, table: str | bytes = TABLE) -> Path:
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "cuts.csv").write_bytes(data)
    (folder / "high.toml").write_text(text, encoding="utf-8")
    return folder / "high.toml"


def test_a_table_decides(tmp_path: Path) -> None:
    one = load_definition(write(tmp_path))
    assert one.evaluate({"sex": "1", "months": 77, "bmi": 16.4}) == "true"
    assert one.evaluate({"sex": "1", "months": 78, "bmi": 16.4}) == "false"
    assert one.evaluate({"sex": "1", "months": 71, "bmi": 30.0}) == "unknown"  # below the first row
    assert one.evaluate({"sex": "2", "months": 80, "bmi": 16.2}) == "true"  # an empty cell is no row
    assert one.evaluate({"sex": "9", "months": 80, "bmi": 16.2}) == "unknown"
    assert one.evaluate({"months": 80, "bmi": 16.2}) == "unknown"
    assert "“界值”（按“性别”、“月龄”查表）" in one.describe("zh")
    assert "“cut-off” (by “Sex”, “Age in months”)" in one.explain({"sex": "1", "months": 80, "bmi": 20.0}, lang="en")


def test_the_table_is_part_of_the_meaning(tmp_path: Path) -> None:
    first = load_definition(write(tmp_path)).version().hash
    assert load_definition(write(tmp_path, FILE.replace("cuts.cut", "c.cut").replace("table.cuts", "table.c"))).version(
    ).hash == first  # fmt: skip
    assert load_definition(write(tmp_path, table=TABLE.replace("16.7", "16.8"))).version().hash != first
    assert load_definition(write(tmp_path, FILE.replace(', match = "from"', ""))).version().hash != first
    lines = TABLE.splitlines()
    assert load_definition(write(tmp_path, table="\n".join([lines[0], *lines[:0:-1]]))).version().hash == first


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cuts.csv", "cut.csv", "cut.csv"),
        ("'cuts.cut'", "'cuts.cat'", "cuts.cut"),
        ("'cuts.cut'", "sex", "name its table"),
        ("sex, months)", "sex)", "2 keys"),
        ("sex, months)", "sex, months, months)", "2 keys"),
        ("sex, months)", "months, sex)", "wanted here"),
        ("sex, months)", "sex, bmi)", "Units differ"),
        ('unit = "kg/m2", zh = "界值"', 'unit = "kg", zh = "界值"', "Units differ"),
        ('match = "from"', 'match = "near"', "from"),
        ('type = "text" }', 'type = "text", match = "from" }', "equal"),
        ('column = "months"', 'column = "month"', "months"),
        ("{ cut = {", "{ cuts = {", "cut"),
        ('zh = "界值", ', "", "zh"),
        ("source = { title", "sources = { title", "source"),
        ("lookup(", "in_codelist(sex, 'nowhere', ", "code list"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in FILE
    with pytest.raises(DefinitionError) as caught:
        load_definition(write(tmp_path, FILE.replace(old, new, 1)))
    assert says in caught.value.message("en")
    assert re.search(r"high\.toml:\d+", caught.value.where)
    assert re.search("[\u4e00-\u9fff]", caught.value.message("zh"))


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("sex,months,cut\n1,72,high\n", 2),
        ("sex,months,cut\n1,72,1\n1,seven,2\n", 3),
        ("sex,months,cut\n1,72,1\n1,72,2\n", 3),
        ("sex,months,cut\n1,72,inf\n", 2),
    ],
)
def test_a_wrong_cell_says_its_line(tmp_path: Path, table: str, line: int) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_definition(write(tmp_path, table=table))
    assert f"cuts.csv:{line}" in caught.value.where


def test_an_empty_table_and_one_in_another_encoding_are_refused(tmp_path: Path) -> None:
    for table in (b"sex,months,cut\n", "sex,months,cut\n男,72,1\n".encode("gb18030")):
        with pytest.raises(DefinitionError):
            load_definition(write(tmp_path, table=table))


def test_cut_offs_are_as_in_the_shared_facts(shared: Path) -> None:
    import csv

    sex = {"M": "1", "F": "2"}
    with (shared / "facts/school_age_growth_cutoffs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    person = dt.date(2010, 1, 1)
    for row in rows:
        months = round(float(row["age_half_year"]) * 12)
        there = {"sex": sex[row["sex"]], "birth": person,
                 "checked_on": dt.date(2010 + months // 12, months % 12 + 1, 15)}  # fmt: skip
        for name, column, input_, at_or_above in (
            ("health.overweight", "overweight_bmi", "bmi", True), ("health.obesity", "obese_bmi", "bmi", True),
            ("health.thinness", "mild_thin_bmi", "bmi", False),
            ("health.stunting", "stunting_height_cm", "height", False),
        ):  # fmt: skip
            if not row[column]:
                assert PACK[name].evaluate({**there, input_: 100.0}) == "unknown"
                continue
            cut = float(row[column])
            assert PACK[name].evaluate({**there, input_: cut}) == "true"
            beyond = cut - 0.1 if at_or_above else cut + 0.1
            assert PACK[name].evaluate({**there, input_: beyond}) == "false"


def test_blood_pressure_is_as_in_the_shared_facts(shared: Path) -> None:
    import csv

    with (shared / "facts/wst610_2018_height_percentiles.csv").open(encoding="utf-8", newline="") as file:
        heights = {(r["sex"], r["age_year"]): r for r in csv.DictReader(file)}
    with (shared / "facts/wst610_2018_bp_p95.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 176
    for row in rows:
        bands = heights[row["sex"], row["age_year"]]
        bucket = row["height_bucket"].lower()
        height = float(bands["p5"]) - 0.1 if bucket == "lt_p5" else float(bands[bucket])
        child = {"sex": {"M": "1", "F": "2"}[row["sex"]], "birth": D(2005, 6, 15), "height": height,
                 "checked_on": D(2005 + int(row["age_year"]), 9, 1)}  # fmt: skip
        one = PACK["health.child_blood_pressure"]
        sbp, dbp = float(row["sbp_p95"]), float(row["dbp_p95"])
        assert one.evaluate({**child, "sbp": sbp, "dbp": dbp - 1}) == "true"
        assert one.evaluate({**child, "sbp": sbp - 1, "dbp": dbp}) == "true"
        assert one.evaluate({**child, "sbp": sbp - 1, "dbp": dbp - 1}) == "false"


def test_codes_belong_to_groups_of_groups() -> None:
    found = open_codes(["carer", "kin"], "here")
    assert [found.find([c]) for c in ("father", "grandparents", "relative", "none", "stranger")] == [
        True, True, True, False, None,
    ]  # fmt: skip
    assert open_codes(["carer", "father"], "here").find(["mother"]) is False
    assert open_codes(["carer"], "here").find(["stranger"]) is False
    day = dt.date(2016, 2, 29)  # the list begins on 1 March 2016
    assert open_codes(["carer", "kin"], "here").find(["father", day]) is None
    assert open_codes(["carer"], "here").find(["father", day]) is False
    with pytest.raises(DefinitionError) as caught:
        open_codes(["carer", "grandparens"], "here")
    assert "grandparents" in caught.value.message("en")


@given(st.sampled_from(sorted(intake_pack().codes)), st.dates(dt.date(1980, 1, 1), dt.date(2030, 1, 1)))
def test_a_code_is_in_the_list_when_intake_says_so(name: str, day: dt.date) -> None:
    one, found = intake_pack().codes[name], open_codes([name], "here")
    for code in one.labels:
        assert found.find([code, day]) is one.holds(code, day)


def test_a_table_is_computed_on_a_citys_own_records(tmp_path: Path) -> None:
    """What is still to be verified is computed when it is asked for by name, and only then."""
    city = make_city(tmp_path / "city")
    maker = Maker().school("S1")
    for n, (weight, height) in enumerate(((25.0, 118.0), (30.0, 118.0), (None, 118.0))):
        maker.person(f"c{n}", D(2018, 2, 1))
        day = D(2025, 5, 10)
        maker.record("pupil_checkups", day, f"c{n}", check_date=day, weight=weight, height=height)
    version = maker.write(city)
    engine = DuckEngine(city.settings.engine)
    frame = open_frame(engine, version, city.settings, (REFERENCE,))
    wanted = needed(load_pack(city), ["health.overweight"])
    assert compute(frame, wanted) == {}
    made = compute(frame, wanted, {"health.overweight": ("OVERWEIGHT_WST586",)})["health.overweight"]
    rows = dict(engine.rows(f"SELECT entity_id, {made.column('OVERWEIGHT_WST586')} FROM {made.name}"))
    engine.close()
    assert rows == {"c0": "true", "c1": "true", "c2": "unknown"}  # a boy of seven years and three months: 17.0
