"""The demo city's contracts read every row of every file, and the rows stand where the truth says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from commonground.city import City
from commonground.demo import make_demo
from commonground.intake import run

KEY = ("department", "dataset", "delivery", "file", "sheet", "row_number")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("intake") / "city", seed=5, children=900)


@pytest.fixture(scope="module")
def taken(city: Path) -> Any:
    return run(City(city))


def test_rows_are_conserved_and_none_is_lost(city: Path, taken: Any) -> None:
    truth = pq.read_table(city / "truth" / "records.parquet")
    expected = Counter(zip(*(truth[k].to_pylist() for k in KEY[:-1]), strict=True))
    found = {tuple(r[k] for k in KEY[:-1]): r for r in taken.conservation.to_pylist()}
    assert set(found) == set(expected)
    for key, row in found.items():
        assert row["rows"] == row["records"] + row["quarantined"] + row["non_data"], key
        assert row["records"] == expected[key], key
        assert row["quarantined"] == 0, key
    assert {r["status"] for r in found.values()} == {"read", "repeated"}
    assert sum(r["status"] == "repeated" for r in found.values()) == 1


def test_records_carry_the_values_of_their_person(city: Path, taken: Any) -> None:
    truth = pq.read_table(city / "truth" / "records.parquet")
    who = dict(zip(zip(*(truth[k].to_pylist() for k in KEY), strict=True), truth["person_id"].to_pylist(), strict=True))
    persons = {r["person_id"]: r for r in pq.read_table(city / "truth" / "persons.parquet").to_pylist()}
    for name, table in taken.tables.items():
        if name == "education.school_census":
            continue
        same: Counter[str] = Counter()
        for row in table.to_pylist():
            person = persons[who[tuple(row[k] for k in KEY)]]
            same["name"] += row["name"] == person["name"]
            same["sex"] += row["sex"] == person["sex"]
            if row.get("birth") is not None and row["birth_precision"] == "day":
                same["dated"] += 1
                same["birth"] += row["birth"] == person["birth"]
            if row.get("id_no"):
                same["numbered"] += 1
                same["id"] += row["id_no"] == person["id_no"]
        assert same["sex"] == table.num_rows, name
        assert same["name"] > 0.9 * table.num_rows, name
        assert same["birth"] >= 0.975 * same["dated"], name
        assert same["id"] == same["numbered"], name  # a mistyped number is evidence, never an identity


def test_units_codes_and_scales_are_brought_together(taken: Any) -> None:
    checkups = taken.tables["health.pupil_checkups"]
    heights: dict[str, list[float]] = {}
    for file, height in zip(checkups["file"].to_pylist(), checkups["height"].to_pylist(), strict=True):
        heights.setdefault(file, []).append(height)
    means = [sum(v) / len(v) for v in heights.values()]
    assert len(means) == 7
    assert max(means) - min(means) < 12  # one county wrote metres
    marks = taken.tables["education.exam_scores"]
    for subject in ("chinese", "math", "english"):
        values = [v for v in marks[subject].to_pylist() if v is not None]
        assert max(values) <= 100
        assert 60 < sum(values) / len(values) < 80
        assert sum(marks[f"{subject}_absent"].to_pylist()) > 5
    untaught = [e for g, e in zip(marks["grade"].to_pylist(), marks["english"].to_pylist(), strict=True) if g < 3]
    assert set(untaught) == {None}
    by_grade = [v for g, v in zip(marks["grade"].to_pylist(), marks["math"].to_pylist(), strict=True) if g > 6 and v]
    assert 60 < sum(by_grade) / len(by_grade) < 80  # out of 120 or 150 in the files
    nature = {
        n: set(t["hukou_nature"].to_pylist()) for n, t in taken.tables.items() if "hukou_nature" in t.schema.names
    }
    assert len(nature) == 3
    assert all(v == {"rural", "non_rural"} for v in nature.values())


def test_what_is_set_aside_has_the_reasons_that_were_planted(taken: Any) -> None:
    reasons = Counter(taken.quarantine["reason"].to_pylist())
    assert set(reasons) <= {"id_check_digit", "id_date", "id_length", "id_as_number", "date_invalid"}, reasons
    assert reasons["id_check_digit"] > 20
