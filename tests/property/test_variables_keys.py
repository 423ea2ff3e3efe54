"""A definition file with a wrong value anywhere is a user's mistake: it is told, never a traceback."""

from __future__ import annotations

import copy
import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonground.errors import DefinitionError
from commonground.variables import load_definition
from commonground.variables.pack import definition_files, pack_definitions

FILES = [p for p in definition_files(pack_definitions()) if p.stem in {
    "health.hypertension", "health.child_blood_pressure", "score.math", "child.sex", "child.left_behind",
}]  # fmt: skip
ODD: list[Any] = ["", "x", "日", -1, 0, 10**20, 1.5, True, False, [], [1], ["x"], [[]], {}, {"zh": "甲"}, {"x": {}},
                  dt.date(2025, 2, 28), [dt.date(2025, 1, 1)] * 3, "p.x", "lookup('a.b')", "((", "1 / 0",
                  "x" * 3000]  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a file."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*at, key))


def changed(raw: dict[str, Any], path: tuple[Any, ...], value: Any, how: str) -> dict[str, Any]:
    made = copy.deepcopy(raw)
    at: Any = made
    for key in path[:-1]:
        at = at[key]
    if how == "remove":
        del at[path[-1]]
    elif how == "add" and isinstance(at, dict):
        at["unheard_of"] = value
    else:
        at[path[-1]] = value
    return made


RAW = {p.stem: tomlkit.parse(p.read_text(encoding="utf-8")).unwrap() for p in FILES}
PLACES = {name: [p for p in paths(raw) if p] for name, raw in RAW.items()}


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(RAW)))
    made = RAW[name]
    path = draw(st.sampled_from(PLACES[name]))
    return name, changed(made, path, draw(st.sampled_from(ODD)), draw(st.sampled_from(["set", "set", "remove", "add"])))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_whatever_is_wrong_is_told(case: tuple[str, dict[str, Any]]) -> None:
    name, raw = case
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for shared in ("inputs", "tables"):
            shutil.copytree(pack_definitions() / shared, home / shared)
        path = home / f"{name}.toml"
        path.write_text(tomlkit.dumps(raw), encoding="utf-8")
        try:
            made = load_definition(path)
        except DefinitionError as fault:
            told = (fault.message("zh"), fault.message("en"), fault.where)
        else:
            told = ("loaded",)
        assert all(told)
        if told != ("loaded",):
            return
        for version in made.versions:
            made.sql("duckdb", version.id)
            made.describe("zh")


def test_the_files_as_they_are_load() -> None:
    assert len(FILES) == 5
    for path in FILES:
        assert load_definition(path).versions
