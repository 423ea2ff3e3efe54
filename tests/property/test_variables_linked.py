"""Inputs about linked persons: the engine against the plain meaning, on random small cities."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonground.engine import DuckEngine
from commonground.errors import DefinitionError
from commonground.variables import load_definition
from commonground.variables.compute import compute
from commonground.variables.frame import open_frame
from commonground.variables.linked import LOGIC, NUMBERS, RELATIONS, over
from variables_kit import REFERENCE, D, Maker, make_city

HEAD = """\
[variable]
id = "x.linked"
title = { zh = "关联", en = "Linked" }
question = { zh = "？", en = "?" }
entity = "person"
type = "number"

[input.sbp]
title = { zh = "收缩压", en = "Systolic" }
type = "number"
unit = "mmHg"
[[input.sbp.source]]
kind = "adult_checkups"
concept = "sbp"
at = "check_date"
"""


def definition(relations: tuple[str, ...] = RELATIONS["person"]) -> str:
    """One version for each relation and way of taking."""
    text = HEAD
    for of in relations:
        for how in (*LOGIC, *NUMBERS):
            name = f"{of}_{how.replace(' ', '_')}"
            kind, value = ("boolean", "sbp >= 140") if how in ("any", "all") else ("number", "sbp")
            value = "sbp >= 140" if how in LOGIC else value
            unit = "" if how in LOGIC else 'unit = "mmHg"\n'
            text += f'[input.{name}]\ntitle = {{ zh = "甲", en = "a" }}\ntype = "{kind}"\nof = "{of}"\ntake = "{how}"\n'
            text += f'{unit}value = "{value}"\n'
            rule = f"1 if {name} else 0" if kind == "boolean" else name
            text += f'[[version]]\nid = "{name}"\nstatus = "project"\nrule = "{rule}"\nsource = {{ title = "t" }}\n'
    return text


@st.composite
def cities(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(2, 7))
    some = st.integers(0, n - 1)
    return {
        "sbp": draw(st.lists(st.sampled_from([None, 120.0, 139.5, 140.0, 150.25]), min_size=n, max_size=n)),
        "fathers": draw(st.dictionaries(some, some, max_size=n)),
        "mothers": draw(st.dictionaries(some, some, max_size=n)),
        "homes": draw(st.lists(st.sampled_from([None, "h1", "h2"]), min_size=n, max_size=n)),
        "schools": [None] * n,
    }


def maker_of(city: dict[str, Any]) -> Maker:
    maker = Maker().school("S1").school("S2")
    for i, sbp in enumerate(city["sbp"]):
        maker.person(f"p{i}", D(1980, 1, 1))
        maker.record("adult_checkups", D(2025, 5, 1), f"p{i}", check_date=D(2025, 5, 1), sbp=sbp)
        if city["schools"][i]:
            maker.enrolment(f"p{i}", 2025, 1, school=city["schools"][i])
        if city["homes"][i]:
            maker.tables.setdefault("households", []).append(
                {"household_id": city["homes"][i], "person_id": f"p{i}", "relation": "01",
                 "kind": "household_register", "as_of": D(2025, 3, 1)}
            )  # fmt: skip
    for relation, listed in (("father", city["fathers"]), ("mother", city["mothers"])):
        for child, parent in listed.items():
            maker.relation(f"p{child}", relation, f"p{parent}")
    return maker


def linked(city: dict[str, Any], i: int) -> dict[str, list[int]]:
    """Whom each relation leads to, by going through everybody."""
    fathers, mothers = city["fathers"], city["mothers"]
    everybody = [j for j in range(len(city["sbp"])) if j != i]

    def same(column: str) -> list[int]:
        return [j for j in everybody if city[column][i] and city[column][i] == city[column][j]]

    siblings = [
        j
        for j in everybody
        if (i in fathers and fathers.get(j) == fathers[i]) or (i in mothers and mothers.get(j) == mothers[i])
    ]
    return {
        "father": [fathers[i]] if i in fathers else [],
        "mother": [mothers[i]] if i in mothers else [],
        "parents": sorted({p[i] for p in (fathers, mothers) if i in p}),
        "siblings": siblings,
        "household": same("homes"),
    }


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(cities())
def test_the_engine_gives_the_plain_meaning(city: dict[str, Any]) -> None:
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "linked.toml").write_text(definition(), encoding="utf-8")
        one = load_definition(path / "linked.toml")
        made_city = make_city(path / "city")
        version = maker_of(city).write(made_city)
        engine = DuckEngine(made_city.settings.engine)
        frame = open_frame(engine, version, made_city.settings, (REFERENCE,))
        made = compute(frame, {one.id: one})[one.id]
        columns = ", ".join(made.column(v.id) for v in one.versions)
        got = {r[0]: r[1:] for r in engine.rows(f"SELECT entity_id, {columns} FROM {made.name}")}
        engine.close()
    for i in range(len(city["sbp"])):
        person = {of: [{"sbp": city["sbp"][j]} for j in members] for of, members in linked(city, i).items()}
        for version_, value in zip(one.versions, got[f"p{i}"], strict=True):
            wanted = one.evaluate(person, version_.id)
            assert value == pytest.approx(wanted, abs=1e-9), (version_.id, person)
            compared += 1
    assert compared == len(city["sbp"]) * len(one.versions)


def test_a_school_is_asked_of_its_pupils(tmp_path: Path) -> None:
    text = definition(RELATIONS["school"]).replace('entity = "person"', 'entity = "school"')
    (tmp_path / "linked.toml").write_text(text, encoding="utf-8")
    one = load_definition(tmp_path / "linked.toml")
    city = make_city(tmp_path / "city")
    version = maker_of(
        {"sbp": [150.0, None, 130.0, 120.0], "fathers": {}, "mothers": {}, "homes": [None] * 4,
         "schools": ["S1", "S1", "S1", None]}
    ).write(city)  # fmt: skip
    engine = DuckEngine(city.settings.engine)
    made = compute(open_frame(engine, version, city.settings, (REFERENCE,)), {one.id: one})[one.id]
    wanted = {"pupils_any": 1, "pupils_all": 0, "pupils_count": None, "pupils_share_of_known": 0.5, "pupils_min": 130,
              "pupils_max": 150, "pupils_mean": 140}  # fmt: skip
    columns = ", ".join(made.column(v) for v in wanted)
    rows = {r[0]: r[1:] for r in engine.rows(f"SELECT entity_id, {columns} FROM {made.name}")}
    engine.close()
    assert rows == {"S1": tuple(wanted.values()), "S2": (None,) * 7}


def test_nobody_linked_is_no_answer() -> None:
    assert [over(how, []) for how in (*LOGIC, *NUMBERS)] == [None] * 7


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('of = "parents"', 'of = "parent"', "parents"),
        ('of = "parents"', 'of = "pupils"', "pupils"),
        ('take = "any"', 'take = "most"', "any"),
        ('take = "any"', 'take = "mean"', "number"),
        ('value = "sbp >= 140"', 'value = "sbp"', "wanted here"),
        ('value = "sbp >= 140"', 'value = "parents_all"', "There is no input"),
        ('value = "sbp >= 140"', 'value = "sbp >= 140"\nlag = 3', "lag"),
        ('take = "any"', 'taken = "any"', "take"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = definition()
    assert old in text
    (tmp_path / "linked.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_definition(tmp_path / "linked.toml")
    assert says in caught.value.message("en")
    assert "linked.toml:" in caught.value.where
