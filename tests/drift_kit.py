"""Two deliveries of a registry and of check-ups, the second made of the first by sampling and by a mutation."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commonground.city import City
from commonground.demo import make_demo
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import find_files
from commonground.intake.drift.raw import load

Table = dict[str, list[str]]
OLD, NEW = "2024-09-10", "2025-09-10"

REGISTRY = {
    "学籍号": "student_no", "学生姓名": "name", "性别": "sex", "民族": "ethnicity", "证件号码": "id_no",
    "户籍县区代码": "hukou_area", "户口类别": "hukou_nature", "学校代码": "school_code", "就读学校": "school_name",
    "班": "class", "住宿": "boarding", "现居住地": "address", "是否留守": "left_behind",
    "随迁子女": "migrant_worker_child",
    "监护人姓名": "g1_name", "与学生关系": "g1_relation", "监护人电话": "g1_phone", "监护人证件号": "g1_id",
    "另一监护人姓名": "g2_name", "另一监护人与学生关系": "g2_relation", "另一监护人电话": "g2_phone",
}  # fmt: skip
CHECKUPS = {
    "姓名": "name", "性别": "sex", "出生日期": "birth", "身份证": "id_no", "学校": "school_name", "年级": "grade",
    "身高": "height", "体重kg": "weight", "血红蛋白g/L": "haemoglobin", "左眼视力": "vision_left",
    "右眼视力": "vision_right", "收缩压1": "sbp1", "舒张压1": "dbp1",
}  # fmt: skip
CODES = {
    "户口类别": '{ "农业户口" = "rural", "非农业户口" = "non_rural" }',
    "住宿": '{ "走读" = "1", "住校" = "2" }',
    "是否留守": '{ "无" = "0", "父或母外出" = "1", "父母均外出" = "2" }',
    "随迁子女": '{ "是" = "1", "否" = "0" }',
}


@dataclass(frozen=True)
class Source:
    """A dataset's rows and its concepts."""

    name: str
    kind: str
    table: Table
    concepts: dict[str, str]


def sources(folder: Path, children: int = 2400) -> dict[str, Source]:
    """Make a demo city and give two of its datasets as tables of texts."""
    make_demo(folder / "demo", seed=7, children=children)
    city = City(folder / "demo")
    contracts = load_contracts(city)
    out = {}
    for name, kind, day, concepts in (
        ("education.student_registry", "student_registry", "2024-03-20", REGISTRY),
        ("health.pupil_checkups", "pupil_checkups", "2024-11-29", CHECKUPS),
    ):
        contract = contracts[name]
        files = [f for f in find_files(city.deliveries, {name: contract}) if f.contract and f.delivery == day]
        sheets = load(day, files, contract).sheets
        whole = {c: [v for s in sheets for v in s.columns[c].to_pylist()] for c in concepts}
        out[kind] = Source(name, kind, whole, concepts)
    return out


def sampled(table: Table, rng: np.random.Generator, keep: float = 0.85) -> tuple[Table, Table]:
    """Draw two overlapping deliveries of one population: each has rows that the other lacks."""
    n = len(next(iter(table.values())))
    first = np.flatnonzero(rng.random(n) < keep)
    second = rng.permutation(np.flatnonzero(rng.random(n) < keep))
    return ({k: [v[i] for i in first] for k, v in table.items()}, {k: [v[i] for i in second] for k, v in table.items()})


def write(table: Table, path: Path, encoding: str = "utf-8", separator: str = ",", above: int = 0) -> None:
    """Write a table as a text file, with ``above`` lines over the header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    for _ in range(above):
        writer.writerow(["某市学生花名册"])
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


def make_city(folder: Path, source: Source, old: Table, new: Table, **how: object) -> City:
    """Make a city with one dataset delivered twice; ``how`` is how the second is written."""
    from intake_kit import TOML

    folder.mkdir(parents=True)
    (folder / "city.toml").write_text(TOML, encoding="utf-8")
    department, dataset = source.name.split(".")
    columns = []
    for name, concept in source.concepts.items():
        columns.append(f'[[column]]\nsource = "{name}"   # 原名\nconcept = "{concept}"\n')
        columns[-1] += f"codes = {CODES[name]}\n" if name in CODES else ""
        columns[-1] += 'unit = "kg"\n' if concept == "weight" else ""
    layout = '[[layout]]\nfiles = "*.csv"\nformat = "csv"\nencoding = "utf-8"\n'
    path = folder / "sources" / department / f"{dataset}.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[dataset]\nkind = "{source.kind}"\n{layout}' + "".join(columns), encoding="utf-8")
    base = folder / "deliveries" / department / dataset
    write(old, base / OLD / "a.csv")
    write(new, base / NEW / "a.csv", **how)  # type: ignore[arg-type]
    return City(folder)


def renamed(table: Table, names: dict[str, str]) -> Table:
    """Give columns other names."""
    return {names.get(k, k): v for k, v in table.items()}


def mapped(table: Table, column: str, change: Callable[[str], str]) -> Table:
    """Change every filled value of a column."""
    return {k: [change(x) if x else x for x in v] if k == column else v for k, v in table.items()}
