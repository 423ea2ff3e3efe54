"""Verdicts on counts: by the limits of now, without counting again; and the rules by which checks are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from commonground import intake
from commonground.city import City
from commonground.cli import commonground
from commonground.errors import CityError, ContractError
from commonground.intake.checks import count_checks, counting_hash, forget_last, judge, load_rules, save_checks
from commonground.intake.checks.model import Check, Limits
from commonground.intake.checks.reported import Seen, same_value
from commonground.intake.checks.verdict import Judged, verdict_of
from commonground.intake.contract import load_contracts
from intake_kit import Town
from quality_kit import make_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A city with counted checks as its only version."""
    town = make_town(tmp_path_factory.mktemp("verdicts"), rows=120)
    city = town.city()
    counted = count_checks(intake.run(city), city)
    with city.new_version() as version:
        save_checks(counted, version)
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    return town


def _one(city: City, id: str) -> Judged:
    return next(j for j in judge(city, "edu.pupils") if j.check.id == id)


def test_a_new_limit_changes_the_verdict_without_a_new_run(town: Town) -> None:
    settings = town.folder / "city.toml"
    before = settings.read_text(encoding="utf-8")
    files = {p: p.read_bytes() for p in (town.folder / "warehouse").rglob("*") if p.is_file()}
    first = _one(town.city(), "id_agrees.birth")
    assert first.last.verdict == "fail"
    assert first.last.value == first.last.numerator / first.last.denominator > 0.05
    try:
        for limits, verdict in (("warn = 0.9, fail = 0.95", "pass"), ("warn = 0.001, fail = 0.95", "warn")):
            line = f'\n[quality]\n"edu.pupils/id_agrees.birth" = {{ {limits} }}\n'
            settings.write_text(before + line, encoding="utf-8")
            done = CliRunner().invoke(commonground, ["quality", str(town.folder), "edu.pupils", "--json"])
            told = {c["check"]: c for c in json.loads(done.stdout)["checks"]}
            assert told["id_agrees.birth"]["verdict"] == verdict
            assert told["id_agrees.sex"]["verdict"] == _one(town.city(), "id_agrees.sex").last.verdict
    finally:
        settings.write_text(before, encoding="utf-8")
    assert {p: p.read_bytes() for p in (town.folder / "warehouse").rglob("*") if p.is_file()} == files


def test_limits_are_no_input_of_a_build_but_what_is_counted_is(town: Town) -> None:
    rules, contracts = load_rules(), load_contracts(town.city())
    same = [{**entry, "warn": 0.5, "least": 3} for entry in rules.entries]
    other = [{**entry, "params": {**entry.get("params", {}), "low": 1}} for entry in rules.entries]
    hashes = [
        counting_hash(contracts, type(rules)(rules.types, tuple(e), rules.path)) for e in (rules.entries, same, other)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_numerator_and_denominator_are_stored_by_delivery_and_file(town: Town) -> None:
    table = pq.read_table(town.city().require_current().table("quality/checks"))
    assert {"numerator", "denominator", "delivery", "file", "as_of"} <= set(table.column_names)
    assert not {"verdict", "warn", "fail", "limit"} & set(table.column_names)
    found = _one(town.city(), "not_null.name")
    rows = [r for r in table.to_pylist() if r["check"] == "not_null.name" and r["dataset"] == "pupils"]
    assert {r["file"] for r in rows} == {"东.csv", "西.csv"}
    assert [p.delivery for p in found.trend] == ["2024-05-10", "2025-05-10"]
    assert found.last.numerator == sum(r["numerator"] for r in rows if r["delivery"] == "2025-05-10")


def test_nothing_of_a_person_is_in_the_stored_checks(town: Town) -> None:
    folder = town.city().require_current().path / "quality"
    text = (folder / "checks.json").read_text(encoding="utf-8")
    text += json.dumps(pq.read_table(folder / "checks.parquet").to_pylist(), ensure_ascii=False, default=str)
    assert "529901201" not in text
    assert "王小明" not in text
    assert "12912345678" not in text


def test_a_contract_waives_a_check_with_its_reason_and_adds_another(town: Town) -> None:
    path = town.folder / "sources" / "edu" / "pupils.toml"
    before = path.read_text(encoding="utf-8")
    try:
        reason = 'reason = { zh = "试点数据", en = "a trial" }'
        path.write_text(before + f'\n[[check]]\nwaive = "id_agrees.*"\n{reason}\n', encoding="utf-8")
        waived = _one(town.city(), "id_agrees.birth")
        assert waived.last.verdict == "waived"
        assert waived.check.waived is not None
        assert waived.check.waived.zh == "试点数据"
        for wrong in ('waive = "id_agrees.*"', 'type = "id_agreess"', 'type = "form"\nwarn = "much"'):
            path.write_text(before + f"\n[[check]]\n{wrong}\n", encoding="utf-8")
            with pytest.raises(ContractError) as error:
                load_contracts(town.city())
            assert "[[check]]" in error.value.where
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("line", ['"id_agreess" = { warn = 0.1 }', '"id_agrees" = { wann = 0.1 }', '"id_agrees" = 3'])
def test_wrong_limits_in_city_toml_are_told_with_the_nearest(town: Town, line: str) -> None:
    settings = town.folder / "city.toml"
    before = settings.read_text(encoding="utf-8")
    try:
        settings.write_text(before + f"\n[quality]\n{line}\n", encoding="utf-8")
        with pytest.raises(CityError) as error:
            judge(town.city())
        assert "[quality]" in error.value.where
    finally:
        settings.write_text(before, encoding="utf-8")


def test_verdicts_at_and_around_their_limits(town: Town) -> None:
    check = _one(town.city(), "id_agrees.birth").check
    limits = Limits(warn=0.1, fail=0.2, least=10, expected=0.5)
    both = Limits(warn=0.1, fail=0.2, least=10, expected=0.5, both=True)
    cases = [
        (limits, 0.6, 10, "pass"), (limits, 0.61, 10, "warn"), (limits, 0.71, 10, "fail"), (limits, 0.71, 9, "no_data"),
        (limits, 0.1, 10, "pass"), (both, 0.1, 10, "fail"), (both, 0.39, 10, "warn"), (limits, None, 0, "no_data"),
        (Limits(), 1.0, 10, "pass"),
    ]  # fmt: skip
    for given, value, n, verdict in cases:
        assert verdict_of(check, given, value, n) == verdict, (given, value, n)
    assert verdict_of(check, limits, None, 0, counted=False) == "not_applicable"


def test_the_command_ends_with_an_error_only_when_asked(town: Town) -> None:
    plain = CliRunner().invoke(commonground, ["quality", str(town.folder), "--lang", "zh"])
    assert plain.exit_code == 0, plain.output
    assert "不通过" in plain.stdout
    assert "办法" in plain.stdout
    assert CliRunner().invoke(commonground, ["quality", str(town.folder), "--strict"]).exit_code == 12
    every = CliRunner().invoke(
        commonground, ["quality", str(town.folder), "edu.pupils", "--all", "--trend", "--lang", "en"]
    )
    assert len(every.stdout.splitlines()) > 2 * len(judge(town.city(), "edu.pupils"))
    wrong = CliRunner().invoke(commonground, ["quality", str(town.folder), "edu.pupil"])
    assert isinstance(wrong.exception, CityError)
    assert "edu.pupils" in wrong.exception.message("en")


def test_every_type_and_check_of_the_pack_is_told_in_both_languages(town: Town) -> None:
    for j in judge(town.city()):
        for said in (j.check.said, j.check.todo, j.check.type.title):
            assert said.zh
            assert said.en
            assert "{" not in said.zh + said.en, j.check.id
            assert not any("\u4e00" <= c <= "\u9fff" for c in said.en), j.check.id


def test_a_city_built_before_there_were_checks_says_what_to_do(tmp_path: Path) -> None:
    town = make_town(tmp_path, rows=12)
    with town.city().new_version() as version:
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CityError) as error:
        judge(town.city())
    assert "build" in error.value.message("en")


def test_an_intake_run_is_judged_before_the_next_build(tmp_path: Path) -> None:
    town = make_town(tmp_path, rows=60)

    def run(*words: str) -> Result:
        return CliRunner().invoke(commonground, [*words, "--lang", "en"])

    assert run("quality", str(town.folder)).exit_code != 0, "there is nothing to judge yet"
    assert run("intake", str(town.folder)).exit_code == 0
    told = json.loads(run("quality", str(town.folder), "--json").stdout)
    assert told["run"]["en"] == "the last intake, not built yet"
    assert {c["dataset"] for c in told["checks"]} == {"edu.pupils", "edu.census"}
    assert "the last intake, not built yet" in run("quality", str(town.folder)).stdout
    city = town.city()
    with pytest.raises(CityError):
        judge(city)  # what is published is judged on a version alone
    counted = count_checks(intake.run(city), city)
    with city.new_version() as version:
        save_checks(counted, version)
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    forget_last(city)
    assert json.loads(run("quality", str(town.folder), "--json").stdout)["run"]["en"] == "version 1"


def test_a_school_without_orphans_is_no_default() -> None:
    check = next(iter(_same("orphan")))
    seen = Seen(cast(Any, None))
    for file, n, orphans in (("a.csv", 100, 0), ("b.csv", 1000, 5), ("c.csv", 3000, 0)):
        place = ("2025", file)
        seen.filled[place] = {"orphan": n}
        seen.constant[place] = {"orphan": (1, 1) if not orphans else (1, 2)}
        values = {"false": n - orphans} | ({"true": orphans} if orphans else {})
        seen.held.setdefault("orphan", {})[place] = values
    # 100 pupils without one are no wonder where 5 of 4,000 are one; 3,000 where 5 of 1,100 are would be: 0.000001
    assert {c.file: c.numerator for c in same_value(check, seen)} == {"a.csv": 0, "b.csv": 0, "c.csv": 3000}
    for place in seen.held["orphan"]:
        seen.held["orphan"][place] = {"false": seen.filled[place]["orphan"]}
        seen.constant[place] = {"orphan": (1, 1)}
    assert sum(c.numerator for c in same_value(check, seen)) == 4100, "nobody at all is one: a default"


def _same(column: str) -> list[Check]:
    kind = load_rules().types["same_value"]
    return [Check(f"same_value.{column}", kind, (column,), {}, kind.said, kind.todo, kind.limits)]
