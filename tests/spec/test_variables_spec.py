"""The tests inside the pack's definitions, as the readable specification: plain Python and DuckDB both keep it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from commonground.city import EngineSettings
from commonground.engine import DuckEngine
from commonground.variables.evaluate import sql
from commonground.variables.language import Const
from commonground.variables.model import Definition
from commonground.variables.pack import load_folder, pack_definitions

PACK = load_folder(pack_definitions())


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    made = DuckEngine(EngineSettings(memory="500MB", threads=1))
    yield made
    made.close()


def as_columns(definition: Definition, person: dict[str, object]) -> str:
    """One row with a column for each input, typed, unknown where the person has none."""
    dialect = DuckEngine.dialect
    cells = []
    for name, one in definition.inputs.items():
        value = person.get(name)
        plain = float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        assert plain is None or isinstance(plain, bool | float | str | dt.date)
        cells.append(f"{sql(Const(plain), dialect, one.type)} AS {name}")
    return "SELECT " + ", ".join(cells)


@pytest.mark.parametrize("name", sorted(PACK))
def test_examples(engine: DuckEngine, name: str) -> None:
    definition = PACK[name]
    attempted = 0
    for example in definition.tests:
        for version, wanted in example.expect.items():
            person = dict(example.person)
            got = engine.rows(f"SELECT {definition.sql('duckdb', version)} FROM ({as_columns(definition, person)}) p")
            assert definition.evaluate(person, version) == wanted, (name, example.line, version)
            assert got == [(wanted,)], (name, example.line, version)
            attempted += 1
    assert attempted


def test_the_cleanest_pair_differs_in_one_criterion() -> None:
    """58.0 million against 14.5 to 18.5 million: the same survey, both parents in place of one or both."""
    one = PACK["child.left_behind"]
    old, new = one.version("LBC_ACWF_2008"), one.version("LBC_LIU_2008")
    differ = {n for n in old.param if old.param[n].value != new.param[n].value}
    assert differ == {"parents"}
    assert old.source["published_count"] / new.source["published_low"] == pytest.approx(4)
    assert old.source["published_count"] / new.source["published_high"] > 3


def test_what_must_be_verified_says_so() -> None:
    flagged = {v.id for d in PACK.values() for v in d.versions if v.status == "unverified"}
    assert flagged == {
        "LBC_LOCAL_6M_BOTH", "OVERWEIGHT_WST586", "OBESITY_WST586", "STUNTING_WST456", "THINNESS_WST456",
        "EBP_CHILD_WST610",
    }  # fmt: skip
    for definition in PACK.values():
        for version in definition.versions:
            assert version.status != "unverified" or version.note or version.change


def test_versions_in_force() -> None:
    one = PACK["child.left_behind"]
    ids = [v.id for v in one.in_force(dt.date(2014, 1, 1))]
    assert "LBC_ACWF_2013" in ids
    assert "LBC_SC_2016_13" not in ids
    assert "LBC_SC_2016_13" in [v.id for v in one.in_force(dt.date(2025, 9, 1))]
