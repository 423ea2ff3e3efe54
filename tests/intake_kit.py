"""A small city whose deliveries and contracts a test writes itself."""

from __future__ import annotations

from pathlib import Path

from commonground.city import City

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


ID_A, ID_B = "529901201001011231", "529902201102023455"
