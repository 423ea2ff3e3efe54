"""The sample city's deliveries, whole: every row accounted for, and the traps in it sprung.

The truth beside it is looked at for counts and row numbers only, and nothing was fitted to it.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cities import copy_sample
from commonground.city import City
from commonground.intake import IntakeResult, run
from commonground.intake.report import conservation_by_dataset

KEYS = ["department", "dataset", "delivery", "file", "sheet", "row_number"]


@pytest.fixture(scope="module")
def taken(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[City, IntakeResult]:
    city = City(copy_sample(shared, tmp_path_factory.mktemp("intake")))
    return city, run(city)


def test_every_row_of_every_sheet_is_accounted_for(taken: tuple[City, IntakeResult], shared: Path) -> None:
    _, result = taken
    delivered = [p for p in (shared / "sample-city" / "deliveries").rglob("*") if p.is_file()]
    sums = result.conservation.to_pylist()
    assert len({(s["department"], s["dataset"], s["delivery"], s["file"]) for s in sums}) == len(delivered)
    assert all(s["rows"] == s["records"] + s["quarantined"] + s["non_data"] for s in sums)
    assert {s["status"] for s in sums} == {"read", "repeated", "empty", "ignored"}
    assert conservation_by_dataset(result.conservation)[-1]["balanced"]


def test_counts_and_row_numbers_are_those_of_the_truth(taken: tuple[City, IntakeResult], shared: Path) -> None:
    _, result = taken
    truth = shared / "sample-city" / "truth"
    told = {
        (f["department"], f["dataset"], f["delivery"], f["file"], f["sheet"] or ""): (f["data_rows"], f["total_rows"])
        for f in json.loads((truth / "counts.json").read_text(encoding="utf-8"))["files"]
    }
    got = {
        tuple(s[k] for k in KEYS[:5]): (s["records"] + s["quarantined"], s["total"])
        for s in result.conservation.to_pylist()
    }
    assert got == told
    parts = [table.select(KEYS) for table in result.tables.values()]
    whole_rows = result.quarantine.filter(pc.equal(result.quarantine["column"], ""))
    ours = pa.concat_tables([*parts, whole_rows.select(KEYS)])
    records = pq.read_table(truth / "records.parquet", columns=KEYS)
    records = records.set_column(4, "sheet", pc.fill_null(records["sheet"].cast(pa.string()), ""))
    theirs = pa.table({name: records[name].cast(ours.schema.field(name).type) for name in KEYS})
    assert theirs.num_rows == ours.num_rows
    assert theirs.join(ours, KEYS, join_type="left anti").num_rows == 0


def test_traps(taken: tuple[City, IntakeResult]) -> None:
    _, result = taken
    reasons: dict[str, int] = {}
    for one in result.summary()["quarantine"]:
        reasons[one["reason"]] = reasons.get(one["reason"], 0) + one["count"]
    assert reasons["quote"] == 1
    assert reasons["id_as_number"] == 1781
    assert set(reasons) == {"quote", "too_few_cells", "id_as_number", "id_check_digit", "id_date", "out_of_range"}
    assert result.summary()["repeated"] == 932
    marks = result.tables["education.exam_scores"]
    for name in ("chinese", "math", "english"):
        assert pc.min_max(marks[name]).as_py()["max"] == 100
        assert pc.all(pc.is_null(marks[name].filter(marks[f"{name}_absent"]))).as_py()
    first = marks.filter(pc.less_equal(marks["grade"], 2))
    assert pc.any(first["english_absent"]).as_py() is False  # not taught is not absent
    checks = result.tables["health.pupil_checkups"]
    place = pc.utf8_slice_codeunits(checks["check_no"], 0, 6)
    for code in sorted(set(place.to_pylist())):
        here = checks.filter(pc.equal(place, code))
        assert 30 < pc.mean(here["weight"]).as_py() < 40  # kg, in every county
        assert 110 < pc.mean(here["haemoglobin"]).as_py() < 150  # g/L, in every county
    rural = {
        name: pc.mean(pc.equal(result.tables[name]["hukou_nature"], "rural")).as_py()
        for name in ("education.student_registry", "public_security.household_register")
    }
    assert all(0.5 < share < 0.7 for share in rural.values()), rural


def test_no_old_area_code_and_no_wrong_identity_is_left(taken: tuple[City, IntakeResult]) -> None:
    _, result = taken
    for name, table in result.tables.items():
        for concept in ("hukou_area", "area", "birth_area", "county", "five_years_ago_area"):
            if concept in table.column_names:
                assert pc.any(pc.equal(table[concept], "529911")).as_py() is not True, (name, concept)
        for column in [c for c in table.column_names if f"{c}_soft" in table.column_names]:
            lengths = pc.unique(pc.utf8_length(table[column].drop_null())).to_pylist()
            assert lengths in ([18], []), (name, column)
            both = pc.and_(pc.is_valid(table[column]), pc.is_valid(table[f"{column}_soft"]))
            assert pc.any(both).as_py() is not True


def test_a_second_run_gives_the_same_and_reads_nothing(taken: tuple[City, IntakeResult]) -> None:
    city, result = taken
    before = {p: p.stat().st_mtime_ns for p in city.vault.rglob("*.sealed")}
    again = run(city)
    assert {p: p.stat().st_mtime_ns for p in city.vault.rglob("*.sealed")} == before
    assert again.conservation.equals(result.conservation)
    assert again.quarantine.equals(result.quarantine)
    for name, table in result.tables.items():
        assert again.tables[name].equals(table), name


def test_record_ids_number_the_city(taken: tuple[City, IntakeResult]) -> None:
    _, result = taken
    ids: list[Any] = sorted(i for table in result.tables.values() for i in table["record_id"].to_pylist())
    assert ids == list(range(1, len(ids) + 1))


def test_a_department_without_contracts_is_told_and_not_read(shared: Path, tmp_path: Path) -> None:
    folder = copy_sample(shared, tmp_path)
    for path in sorted((folder / "sources").rglob("*.toml")):
        if path.stem not in ("dibao", "villages"):
            path.unlink()
    city = City(folder)
    city.settings = dataclasses.replace(city.settings, keys=tmp_path / "keys")
    result = run(city)
    assert list(result.tables) == ["civil_affairs.dibao", "planning.villages"]
    left = {row["department"] for row in result.summary()["set_aside"] if row["status"] == "no contract"}
    assert {"health", "education", "police"} & left == {"health", "education"}
