"""A small city whose deliveries and contracts a test writes itself."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.intake import IntakeResult, run

TOML = """
[city]
name = { zh = "试验市", en = "Trial City" }
area_code = "529900"
reference_date = 2025-09-01
keys = "../keys"

[[area]]
code = "529901"
zh = "东区"
en = "East District"
urban = true

[[area]]
code = "529902"
zh = "西县"
en = "West County"
urban = false

[[area]]
code = "529909"
zh = "旧县"
en = "Old County"
urban = false
merged_into = "529902"
merged_on = 2017-01-01
"""

HEAD = """
[dataset]
kind = "student_registry"
title = { zh = "学籍", en = "Student registry" }
"""

LAYOUT = """
[[layout]]
files = "*.csv"
format = "csv"
encoding = "utf-8"
"""


def column(source: str, concept: str, *lines: str) -> str:
    """One ``[[column]]`` of a contract."""
    return "\n".join([f'\n[[column]]\nsource = "{source}"\nconcept = "{concept}"', *lines, ""])


class Town:
    """A city's folder in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "city"
        self.deliveries = self.folder / "deliveries"
        self.deliveries.mkdir(parents=True)
        (self.folder / "city.toml").write_text(TOML, encoding="utf-8")

    def contract(self, *columns: str, layout: str = LAYOUT, head: str = HEAD, name: str = "edu/pupils") -> Path:
        path = self.folder / "sources" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + layout + "".join(columns), encoding="utf-8")
        return path

    def deliver(
        self, content: str | bytes, file: str = "a.csv", day: str = "2025-09-10", name: str = "edu/pupils"
    ) -> Path:
        path = self.deliveries / name / day / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def city(self) -> City:
        return City(self.folder)


def check_conserved(result: IntakeResult) -> None:
    """Hold the sums of an intake against each other, its tables and its quarantine; counted here, not by intake."""
    told = Counter[str]()
    for row in result.conservation.to_pylist():
        place = f"{row['delivery']}/{row['file']} [{row['sheet']}]"
        assert row["rows"] == row["records"] + row["quarantined"] + row["non_data"], f"the sum does not hold: {place}"
        parts = [row["header"], row["blank"], row["note"], row["total"]]
        assert row["non_data"] == sum(parts), f"what is no data does not add up: {place}"
        assert min(row["rows"], row["records"], row["quarantined"], *parts) >= 0, place
        told[f"{row['department']}.{row['dataset']}"] += row["records"]
    for name, entries in result.tables.entries.items():
        assert sum(entry.taken.records for entry in entries) == told[name], f"records of {name} are not those told"


@contextmanager
def checking_every_intake() -> Iterator[None]:
    """Let every intake of this process pass ``check_conserved`` before its caller sees the result."""
    module: Any = sys.modules[run.__module__]
    gathered = module._Gathered
    plain = gathered.result

    def checked(self: Any, *words: Any) -> IntakeResult:
        result: IntakeResult = plain(self, *words)
        check_conserved(result)
        return result

    gathered.result = checked
    try:
        yield
    finally:
        gathered.result = plain


ID_A, ID_B = "529901201001011231", "529902201102023455"
