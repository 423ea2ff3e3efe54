"""A small version of a city, written by hand as the people room writes it, for tests of definitions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from commonground.city import City, Version

D = dt.date
REFERENCE = D(2025, 9, 1)
CITY = """\
[city]
name = { zh = "测试市", en = "Test City" }
area_code = "5299"
reference_date = 2025-09-01
deliveries = "deliveries"

[engine]
memory = "1GB"
threads = 1

[[area]]
code = "529901"
zh = "甲区"
en = "First District"
urban = true
[[area]]
code = "529902"
zh = "乙区"
en = "Second District"
urban = true
[[area]]
code = "529906"
zh = "丙县"
en = "Third County"
urban = false
"""
TYPES = {dt.date: pa.date32(), str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}


def make_city(folder: Path) -> City:
    """A city's folder with nothing in it."""
    for part in ("deliveries", "definitions"):
        (folder / part).mkdir(parents=True)
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    return City(folder)


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows to Arrow; a column's type is that of its first value."""
    names = list(dict.fromkeys(n for row in rows for n in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        found = next((type(v) for v in values if v is not None), str)
        columns[name] = pa.array(values, TYPES[found])
    return pa.table(columns)


class Maker:
    """Collects records and writes them as version 1 of a city."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.tables: dict[str, list[dict[str, Any]]] = {"persons": [], "relations": [], "enrolments": [], "schools": []}
        self.count = 0

    def person(self, person_id: str, birth: dt.date, sex: str = "1") -> Maker:
        self.tables["persons"].append(
            {
                "person_id": person_id,
                "sex": sex,
                "birth": birth,
                "birth_precision": "day",
                "ethnicity": "01",
                "spine": True,
            }
        )
        return self

    def relation(self, person_id: str, relation: str, relative_id: str, probability: float = 1.0) -> Maker:
        self.tables["relations"].append(
            {
                "person_id": person_id, "relative_id": relative_id, "relation": relation, "kind": "household_register",
                "as_of": D(2025, 8, 31), "probability": probability,
            }
        )  # fmt: skip
        return self

    def school(self, school_code: str, county: str = "529906", urban_class: str = "220") -> Maker:
        self.tables["schools"].append(
            {"school_code": school_code, "county": county, "level": "primary", "urban_class": urban_class}
        )
        return self

    def enrolment(self, person_id: str, year: int, grade: int, county: str = "529906", school: str = "S1") -> Maker:
        self.tables["enrolments"].append(
            {
                "person_id": person_id, "school_code": school, "county": county, "school_year": year, "grade": grade,
                "class": "1", "boarding": "1", "kind": "student_registry",
            }
        )  # fmt: skip
        return self

    def record(self, kind: str, as_of: dt.date, person_id: str | None = None, **concepts: Any) -> Maker:
        self.count += 1
        place = {
            "department": "some",
            "dataset": kind,
            "kind": kind,
            "delivery": as_of.isoformat(),
            "file": "f.csv",
            "sheet": "",
        }
        self.records.setdefault(kind, []).append(
            {
                "record_id": self.count, "person_id": person_id, **place, "row_number": self.count, "as_of": as_of,
                "status": "record", **concepts,
            }
        )  # fmt: skip
        return self

    def write(self, city: City) -> Version:
        version = Version(1, city.warehouse / "versions" / "1")
        (version.path / "records").mkdir(parents=True)
        for name, rows in self.tables.items():
            if rows:
                pq.write_table(table(rows), version.table(name))
        for kind, rows in self.records.items():
            pq.write_table(table(rows), version.table(f"records/some.{kind}"))
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
        (city.warehouse / "current").write_text("1", encoding="ascii")
        return version


def values_of(version: Version, when: dt.date = REFERENCE) -> dict[tuple[str, str], Any]:
    """(version id, entity) to value or number, on one day."""
    rows = pq.read_table(version.table("values")).to_pylist()
    return {
        (r["version"], r["entity_id"]): r["number"] if r["value"] is None else r["value"]
        for r in rows
        if r["reference_date"] == when
    }
