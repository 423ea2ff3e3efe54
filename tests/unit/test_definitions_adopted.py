"""A version that is in use is never edited, only superseded; a correction is adopted by who may, and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commonground import jobs
from commonground.city import City
from commonground.errors import AccessError, CommonGroundError, DefinitionError
from commonground.governance import Ledger
from commonground.jobs.definitions import adopt_new, check_adopted, in_use
from commonground.variables import load_pack
from commonground.variables.pack import load_folder, pack_definitions
from variables_kit import D, Maker, make_city

OWN = """\
[variable]
id = "x.adult"
title = { zh = "成年", en = "Adult" }
question = { zh = "是否成年？", en = "Is this person an adult?" }
entity = "person"
type = "boolean"
[input.age]
title = { zh = "周岁", en = "Age" }
type = "number"
unit = "year"
[[input.age.source]]
kind = "@persons"
value = "age_on(birth, reference_date)"
[[version]]
id = "ADULT_1"
status = "project"
rule = "age >= p.least"
param.least = { value = 18, unit = "year" }
source = { title = "民法典第十七条" }
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    made = make_city(tmp_path / "city")
    (made.definitions / "x.adult.toml").write_text(OWN)
    with Ledger(made) as ledger:
        adopt_new(made, ledger, "local:test")
    return made


def edit(city: City, old: str, new: str) -> None:
    path = city.definitions / "x.adult.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_in_use_is_adopted_once(city: City) -> None:
    with Ledger(city) as ledger:
        adopt_new(city, ledger, "local:test")
        assert len(ledger.entries("definition_adopted")) == 1
    found = jobs.load_adopted(city)
    assert found["ADULT_1"].hash == load_pack(city)["x.adult"].version("ADULT_1").hash
    assert "HTN_CN_2010" in found
    assert not {"OVERWEIGHT_WST586", "LBC_LOCAL_6M_BOTH"} & set(found)  # not verified, so not in use
    check_adopted(city)


def test_an_edited_version_is_refused_and_a_new_one_is_not(city: City) -> None:
    edit(city, 'zh = "成年"', 'zh = "成年人"')  # words may change: the meaning is the same
    check_adopted(city)
    edit(city, "value = 18", "value = 16")
    with pytest.raises(DefinitionError) as caught:
        check_adopted(city)
    assert "ADULT_1" in caught.value.message("en")
    assert "supersedes" in caught.value.message("en")
    assert "x.adult.toml" in caught.value.where
    assert "另写一个新版本" in caught.value.message("zh")
    edit(city, "value = 16", "value = 18")
    more = (city.definitions / "x.adult.toml").read_text(encoding="utf-8").partition("[[version]]")
    new = more[2].replace("ADULT_1", "ADULT_2").replace("value = 18", "value = 16")
    (city.definitions / "x.adult.toml").write_text("".join(more) + "\n[[version]]" + new, encoding="utf-8")
    check_adopted(city)


def test_a_correction_is_adopted_with_its_reason(city: City) -> None:
    with pytest.raises(DefinitionError):
        jobs.adopt(city, "ADULT_1", "nothing was changed")
    edit(city, "value = 18", "value = 17")
    before = jobs.load_adopted(city)["ADULT_1"]
    found = jobs.adopt(city, "ADULT_1", "the limit was typed wrongly")
    assert found.hash != before.hash
    assert found.on == before.on
    assert found.reason == "the limit was typed wrongly"
    check_adopted(city)


def test_the_packs_versions_are_those_that_were_published() -> None:
    """Each line of published.json was written when the version was first released; none may change its hash."""
    path = pack_definitions().parent / "published.json"
    listed = json.loads(path.read_text(encoding="utf-8"))
    now = in_use(load_folder(pack_definitions()).values())
    edited = {v for v in listed if v in now and now[v] != listed[v]}
    assert not edited, f"edited after publication: {sorted(edited)}; write a new version that supersedes it"
    assert set(listed) == set(now), "run scripts/publish_definitions for new versions; none is ever taken out"


def test_one_person_is_explained_and_the_ledger_says_so(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city")
    maker = Maker().school("S1").person("p1", D(2016, 3, 1)).enrolment("p1", 2025, 3)
    maker.record("household_register", D(2025, 8, 31), "p1", area="529906", hukou_nature="rural")
    maker.write(city)
    found = jobs.explain_person(city, "child.left_behind", "p1", None, None)
    assert found.outcome == "unknown"
    assert found.values["age"] == 9
    assert found.values["father_away"] is None
    assert "“周岁”小于16岁 → 是" in found.text("zh")
    assert "Outcome: unknown" in found.text("en")
    assert json.loads(json.dumps(found.to_dict()))["version"] == "LBC_SC_2016_13"
    with Ledger(city) as ledger:
        entry = ledger.entries("value_explained")[0]
    assert entry.subject == "child.left_behind"
    assert "p1" not in json.dumps(dict(entry.detail))
    with pytest.raises(DefinitionError):
        jobs.explain_person(city, "child.left_behind", "p2", None, None)


def test_who_may_not_is_refused_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = make_city(tmp_path / "city")
    jobs.load_adopted(city)
    with pytest.raises(CommonGroundError):  # the first at work is its data officer, so only the version is missing
        jobs.explain_person(city, "child.left_behind", "p1", None, None)
    monkeypatch.setattr("commonground.governance.current_actor", lambda: "local:stranger")
    monkeypatch.setattr("commonground.jobs.office.current_actor", lambda: "local:stranger", raising=False)
    with pytest.raises(AccessError):
        jobs.explain_person(city, "child.left_behind", "p1", None, None)
