"""A city that nobody saw while choosing synonyms runs from ``suggest`` to the site with edits of TOML alone.

Unseen city 1 (``tests/unseen_cities``): the proposals are written into an empty city; a clerk, played by the key,
decides the columns that suggest left undecided, and nothing else is touched.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cities import Ran
from unseen_cities.make_unseen import make_unseen

DAY = "2025-09-15"
GRADES = "一二三四五六七八九"
AREAS = {"539901": "滨澜区", "539902": "乌石区", "539903": "长塘县"}
IGNORED = 'ignore = { zh = "用不到", en = "not needed" }'
NOT_GIVEN = ("社会救助", "居住证")  # two departments' datasets are missing


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return [row for row in csv.DictReader(text) if row["city"] == "city1" and row["dataset"] not in NOT_GIVEN]


def decide(contract: Path, undecided: list[str], key: dict[str, dict[str, str]]) -> None:
    """Write what the clerk knows of the columns that nobody could tell: the concept, or that it is not needed."""
    text = contract.read_text(encoding="utf-8")
    taken = {c["concept"] for c in tomllib.loads(text)["column"] if "concept" in c}
    for name in undecided:
        concept = key[name]["concept"]
        known = f'concept = "{concept}"' if concept and concept not in taken else ""
        if known and key[name]["codes"]:
            pairs = json.loads(key[name]["codes"]).items()
            known += "\ncodes = { " + ", ".join(f'"{a}" = "{b}"' for a, b in pairs) + " }"
        taken.add(concept)
        text += f'\n[[column]]\nsource = "{name}"\n{known or IGNORED}\n'
    contract.write_text(text, encoding="utf-8")


def _marks(deliveries: Path) -> None:
    """Deliver marks of the pupils of the registry: the city's own examination is of other children."""
    pupils = []
    for registry in sorted((deliveries / "教育局" / "学籍" / DAY).iterdir()):
        head, *rows = openpyxl.load_workbook(registry).worksheets[0].iter_rows(values_only=True)
        pupils += [dict(zip(head, row, strict=True)) for row in rows]
    r = random.Random(11)
    lines = ["学籍号,姓名,学校,年级,班级,语文,数学,英语"]
    for one in pupils:
        grade = GRADES.index(str(one["年级名称"])[0])
        if grade:  # last summer they were a grade lower
            who = f"{one['学籍主号']},{one['学生姓名']},{one['就读学校']},{GRADES[grade - 1]}年级,1"
            lines.append(f"{who},{','.join(str(r.randint(35, 100)) for _ in range(3))}")
    folder = deliveries / "教育局" / "期末成绩" / "2025-07-05"
    folder.mkdir(parents=True)
    (folder / "2024-2025学年下期末成绩.csv").write_bytes("\r\n".join(lines).encode("gb18030"))


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Ran]) -> tuple[Path, list[Any]]:
    """Put the files into a new city, let the contracts be proposed and the clerk decide."""
    folder = tmp_path_factory.mktemp("unseen")
    make_unseen(folder, cities=("city1",))
    city = folder / "our-city"
    assert command("new", city).code == 0
    settings = (city / "city.toml").read_text(encoding="utf-8")
    areas = "".join(
        f'\n[[area]]\ncode = "{code}"\nzh = "{name}"\nen = "{code}"\nurban = true\n' for code, name in AREAS.items()
    )
    head = settings[: settings.index("[[area]]")].replace('"529900"', '"539900"')
    (city / "city.toml").write_text(head + areas, encoding="utf-8")
    for row in rows_of(folder / "files.csv"):
        target = city / "deliveries" / row["department"] / row["dataset"] / DAY
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / "city1" / row["department"] / row["file"], target / row["file"])
    registry = city / "deliveries" / "教育局" / "学籍" / DAY
    for seed in (1, 2, 3):  # more children of the same offices: a study wants some hundreds
        make_unseen(folder / str(seed), seed, ("city1",))
        (more,) = (folder / str(seed) / "city1" / "教育局").glob("学籍*.xlsx")
        shutil.copyfile(more, registry / f"学籍信息导出_2025091{seed}.xlsx")
    _marks(city / "deliveries")
    done = command("suggest", city / "deliveries", "--into", city, "--json")
    assert done.code == 0, done.err
    datasets = json.loads(done.out)["datasets"]
    for one in datasets:
        key = {
            row["column"]: row for row in rows_of(folder / "columns.csv") if row["dataset"] == one["dataset"]
        }  # fmt: skip
        contract = city / "sources" / one["department"] / f"{one['dataset']}.toml"
        decide(contract, one["undecided"], {**key, **{k.replace(" ", ""): v for k, v in key.items()}})
    return city, rows_of(folder / "files.csv")


def test_the_unseen_city_runs_from_suggest_to_the_site(
    proposed: tuple[Path, list[Any]], command: Callable[..., Ran]
) -> None:
    city, files = proposed
    built = command("build", city, "--json")
    assert built.code == 0, built.err
    conservation = {row["file"]: row for row in json.loads(built.out)["conservation"] if row["rows"]}
    assert {name: row["records"] + row["quarantined"] for name, row in conservation.items()} == {
        "2024-2025学年下期末成绩.csv": conservation["2024-2025学年下期末成绩.csv"]["records"],
        **{f"学籍信息导出_2025091{seed}.xlsx": 220 for seed in (1, 2, 3)},
        **{row["file"]: int(row["rows"]) for row in files},
    }
    assert sum(row["quarantined"] for row in conservation.values()) <= 0.01 * sum(int(row["rows"]) for row in files)
    studied = command("study", city, "achievement", "--json")
    assert studied.code == 0, studied.err
    published = command("publish", city, "--json")
    assert published.code == 0, published.err
    for lang in ("zh", "en"):
        assert (city / "releases" / "current" / "public" / lang / "gaps.html").is_file()
    assert not list(city.rglob("*.py"))
