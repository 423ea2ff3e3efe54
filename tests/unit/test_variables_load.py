"""A definition file with anything wrong says where, what and how to mend it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commonground.errors import DefinitionError
from commonground.variables import load_definition
from commonground.variables.language import parse, unparse
from commonground.variables.pack import check_examples, load_folder, pack_definitions
from commonground.variables.take import parse_take

GOOD = """\
[variable]
id = "health.high"
title = { zh = "偏高", en = "High" }
question = { zh = "是否偏高？", en = "Is it high?" }
entity = "person"
type = "boolean"
default = "A"

[input.age]
title = { zh = "周岁", en = "Age" }
type = "number"
unit = "year"
[[input.age.source]]
kind = "@persons"
value = "age_on(birth, reference_date)"

[input.sbp]
title = { zh = "收缩压", en = "Systolic" }
type = "number"
unit = "mmHg"
[[input.sbp.source]]
kind = "adult_checkups"
concept = "sbp"
at = "check_date"

[[version]]
id = "A"
status = "published"
in_force = [2010-01-01]
when = "age >= p.age"
rule = "sbp >= p.high"
param.age = { value = 18, unit = "year" }
param.high = { value = 140, unit = "mmHg" }
source = { title = "a guideline", date = 2010-01-01 }

[[version]]
id = "B"
status = "advisory"
in_force = [2017-01-01]
when = "age >= p.adult"
rule = "sbp >= p.limit"
param.adult = { value = 18, unit = "year" }
param.limit = { value = 140, unit = "mmHg" }
source = { title = "another", date = 2017-01-01 }

[[test]]
person = { age = 50, sbp = 150 }
expect = { A = true, B = true }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "high.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    made = load_definition(write(tmp_path, GOOD))
    assert made.evaluate({"age": 50, "sbp": 150}) == "true"
    assert made.evaluate({"age": 50, "sbp": 139.9}, "B") == "false"
    assert made.evaluate({"age": 17, "sbp": 150}) == "not_applicable"
    assert made.evaluate({"sbp": 150}) == "unknown"
    assert check_examples([made]).attempted == 2


def test_identical_rules_have_identical_hashes(tmp_path: Path) -> None:
    made = load_definition(write(tmp_path, GOOD))
    assert made.version("A").hash == made.version("B").hash
    other = load_definition(write(tmp_path, GOOD.replace("value = 140", "value = 130", 1)))
    assert other.version("A").hash != other.version("B").hash == made.version("B").hash
    flipped = load_definition(
        write(tmp_path, GOOD.replace('"sbp >= p.limit"', '"sbp >= p.limit and (True or age > 3)"'))
    )
    assert flipped.version("B").hash == made.version("B").hash
    sourced = load_definition(write(tmp_path, GOOD.replace('at = "check_date"', 'at = "check_date"\nlate = 3')))
    assert sourced.version("A").hash != made.version("A").hash


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('rule = "sbp >= p.high"', 'rule = "sbp >= p.hihg"', 30, "p.high"),
        ('rule = "sbp >= p.high"', 'rule = "spb >= p.high"', 30, "sbp"),
        ('rule = "sbp >= p.high"', 'rule = "sbp >= p.age"', 30, "same unit"),
        ('rule = "sbp >= p.high"', 'rule = "sbp >= "', 30, "=="),
        ('rule = "sbp >= p.high"', 'rule = "__import__(1)"', 30, "age_on"),
        ('rule = "sbp >= p.high"', 'rule = "sbp.real > 3"', 30, "p.months"),
        ('rule = "sbp >= p.high"', 'rule = "[x for x in sbp]"', 30, "comparisons"),
        ('rule = "sbp >= p.high"', 'rule = "sbp + 1"', 30, "type"),
        ('rule = "sbp >= p.high"', 'rule = "sbp > \'a\'"', 30, "type"),
        ('rule = "sbp >= p.high"', 'rule = "starts(sbp)"', 30, "starts"),
        ('status = "published"', 'status = "publishd"', 27, "published"),
        ('id = "A"', 'idd = "A"', 26, "id"),
        ('kind = "adult_checkups"', 'kind = "adult_checkup"', 21, "adult_checkups"),
        ('concept = "sbp"', 'concept = "spb"', 22, "sbp"),
        ('at = "check_date"', 'at = "sbp"', 23, "type"),
        ('at = "check_date"', 'take = "newest"', 23, "last within"),
        ('type = "boolean"', 'type = "bool"', 6, "boolean"),
        ('title = { zh = "偏高", en = "High" }', 'title = "High"', 3, "zh"),
        ("expect = { A = true", "expect = { C = true", 48, "A"),
        ("person = { age", "person = { ages", 47, "age"),
        ('default = "A"', 'default = "C"', 7, "A"),
        ("source = { title = \"a guideline\"", "sauce = { title = \"a guideline\"", 34, "source"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_where_and_what_to_do(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    with pytest.raises(DefinitionError) as caught:
        load_definition(write(tmp_path, GOOD.replace(old, new, 1)))
    fault = caught.value
    found = re.search(r"high\.toml:(\d+)", fault.where)
    assert found, fault.where
    assert abs(int(found[1]) - line) <= 2, fault.where
    assert fault.todo is not None
    assert says in fault.message("en")
    assert re.search("[\u4e00-\u9fff]", fault.message("zh"))


def test_not_toml(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="not valid TOML"):
        load_definition(write(tmp_path, GOOD.replace("unit = ", "unit  ", 1)))


def test_derived_values_in_a_circle(tmp_path: Path) -> None:
    text = GOOD.replace("[[version]]", '[derive]\na = "b or age > 3"\nb = "a"\n\n[[version]]', 1).replace(
        '"sbp >= p.high"', '"a"'
    )
    with pytest.raises(DefinitionError, match="circle"):
        load_definition(write(tmp_path, text))


def test_expressions_are_written_back() -> None:
    for text in ("a and (b or not c)", "x + 1 >= y", "'甲' if a else 'b'", "known(x, unknown)", "x in ('a', 'b')"):
        node = parse(text, "here")
        assert parse(unparse(node), "here") == node


def test_takes() -> None:
    assert parse_take("mean of last 3 distinct days within 24 months", "").days == 3
    assert parse_take("spell covering", "").months == 12
    assert parse_take("months since last within 60 months", "").how == "months_since"


def test_the_pack_passes_its_own_tests() -> None:
    made = load_folder(pack_definitions())
    report = check_examples(made.values())
    assert report.failures == ()
    assert report.attempted >= 90
    for one in made.values():
        assert one.tests, one.id
        assert not one.labels_individuals
        for version in one.versions:
            assert version.source.get("title"), version.id
            assert version.checked, version.id
            assert version.supersedes in ("", *(v.id for v in one.versions))


def test_words_in_both_languages() -> None:
    made = load_folder(pack_definitions())["health.hypertension"]
    person = {"age": 50, "sbp": 125, "dbp": 85, "treated": False}
    english, chinese = (made.explain(person, "HTN_ACCAHA_2017", lang) for lang in ("en", "zh"))
    assert "≥ 130 mmHg" in english
    assert english.endswith("Outcome: yes")
    assert chinese.endswith("结果：是")
    assert "收缩压" in made.describe("zh")
    assert "Systolic" in made.describe("en")
    assert made.to_dict()["versions"][0]["param"]["sbp"]["value"] == 140


def test_the_interviews_question() -> None:
    """125/85 changes class because the definition did."""
    made = load_folder(pack_definitions())["health.hypertension"]
    person = {"age": 50, "sbp": 125, "dbp": 85, "treated": False}
    assert [made.evaluate(person, v) for v in ("HTN_CN_2010", "HTN_CN_2024", "HTN_ACCAHA_2017")] == [
        "false",
        "false",
        "true",
    ]
    assert made.version("HTN_CN_2010").hash == made.version("HTN_CN_2024").hash != made.version("HTN_ACCAHA_2017").hash


def test_descriptions_keep_to_the_marks_of_their_language() -> None:
    found = load_folder(pack_definitions())
    for definition in found.values():
        rules = [line for line in definition.describe("en").splitlines() if not line.startswith("  source")]
        assert not [line for line in rules if re.search("[（）：，；、]", line)], definition.id
        rules = [line for line in definition.describe("zh").splitlines() if line.startswith(("  适用", "  规则"))]
        assert not [line for line in rules if re.search("year|month| if | and ", line)], definition.id


def test_the_kinds_behind_a_version_include_those_of_the_definitions_it_builds_on() -> None:
    from commonground.variables.pack import kinds_behind, load_folder, pack_definitions

    pack = load_folder(pack_definitions())
    group = kinds_behind(pack, "child.group", pack["child.group"].default)
    assert {"@enrolments", "left_behind_registry", "labour_out_registry", "student_registry"} <= group
    assert kinds_behind(pack, "school.class_size", pack["school.class_size"].default) == {"school_census"}
    assert kinds_behind(pack, "child.group", "no such version") == frozenset()
