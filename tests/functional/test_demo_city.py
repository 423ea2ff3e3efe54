"""The demo city as a whole: complete, the same for the same seed, nobody's, and independent of how it is read."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import commonground.demo
from commonground.city import City
from commonground.demo import make_demo
from commonground.demo.population import CHILD, REFERENCE, make_population
from commonground.demo.registers import age_on
from commonground.demo.schooling import make_rolls, make_schools
from commonground.errors import CityError

DATASETS = {
    "education": {"student_registry", "exam_scores", "school_census"},
    "civil_affairs": {"left_behind_registry"},
    "public_security": {"household_register", "residence_permits"},
    "human_resources": {"labour_out_registry"},
    "health": {"pupil_checkups", "adult_checkups"},
}


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "city", seed=7, children=1200)


def columns(small: Path, name: str) -> dict[str, list[object]]:
    """One table of the truth as lists."""
    loaded: dict[str, list[object]] = pq.read_table(small / "truth" / f"{name}.parquet").to_pydict()
    return loaded


def test_same_seed_same_bytes_and_another_seed_others(small: Path, tmp_path: Path) -> None:
    again = make_demo(tmp_path / "again", seed=7, children=1200)
    other = make_demo(tmp_path / "other", seed=8, children=1200)
    assert fingerprint(again) == fingerprint(small)
    changed = {n for n, h in fingerprint(other).items() if h != fingerprint(small).get(n)}
    assert {n for n in changed if n.startswith("deliveries")} == {
        n for n in fingerprint(other) if n.startswith("deliveries")
    }


def test_a_new_process_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path

class Absent:  # the core's own dependencies are enough
    def find_spec(self, name, path=None, target=None):
        if name in ("openpyxl", "pandas"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from commonground.demo import make_demo
make_demo(Path(sys.argv[1]), seed=7, children=1200)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "p")], check=True)
    assert fingerprint(tmp_path / "p") == fingerprint(small)


def test_default_city_is_as_large_as_promised() -> None:
    people = make_population(2026, 6000)
    schools, rolls = make_rolls(2026, people, make_schools(2026))
    children = people.persons.role == CHILD
    ages = age_on(people.persons.birth[children], REFERENCE)
    assert children.sum() >= 6000
    assert ages.min() == 0
    assert ages.max() == 17
    for year in (2023, 2024):
        here = rolls.year == year
        assert here.sum() >= 4500
        assert len(set(rolls.person[here].tolist())) == here.sum()
        assert set(rolls.grade[here].tolist()) == set(range(1, 10))
    assert len(schools.code) == 42
    assert np.bincount(rolls.school[rolls.year == 2024], minlength=42).min() >= 30
    assert (schools.junior[rolls.school] == (rolls.grade >= 7)).all()


def test_every_department_delivers_and_has_a_contract(small: Path) -> None:
    city = City(small)
    assert city.settings.name.en == "Yunling"
    assert [a.code for a in city.settings.counties] == [f"52992{i}" for i in range(1, 8)]
    for department, datasets in DATASETS.items():
        for dataset in datasets:
            assert list((small / "deliveries" / department / dataset).rglob("*.*"))
            assert (small / "sources" / department / f"{dataset}.toml").is_file()
    assert {p.name for p in (small / "deliveries").iterdir()} == set(DATASETS)


def test_truth_knows_every_row_of_every_file_but_no_other(small: Path) -> None:
    records = pq.read_table(small / "truth" / "records.parquet")
    named = {
        "/".join(row)
        for row in zip(*(records[c].to_pylist() for c in ("department", "dataset", "delivery", "file")), strict=True)
    }
    assert named == {
        p.relative_to(small / "deliveries").as_posix() for p in (small / "deliveries").rglob("*.*") if p.is_file()
    }
    persons = set(columns(small, "persons")["person_id"])
    assert set(pc.drop_null(records["person_id"]).to_pylist()) <= persons
    nobody = {
        d for d, p in zip(records["dataset"].to_pylist(), records["person_id"].to_pylist(), strict=True) if p is None
    }
    assert nobody == {"school_census"}


def test_truth_rows_stand_where_it_says(small: Path) -> None:
    import csv

    records = pq.read_table(small / "truth" / "records.parquet").to_pylist()
    names = dict(zip(columns(small, "persons")["person_id"], columns(small, "persons")["name"], strict=True))
    file = "望岭县2025年春季期末检测成绩.csv"
    text = (small / "deliveries/education/exam_scores/2025-07-04" / file).read_text(encoding="gb18030")
    rows = list(csv.DictReader(text.splitlines()))
    truth = [r for r in records if r["file"] == file]
    assert len(rows) == len(truth) + 2  # an empty row and a remark
    same = [names[t["person_id"]] == rows[t["row_number"] - 1]["考生"] for t in truth]
    assert np.mean(same) > 0.93
    assert np.mean(same) < 1.0


def test_no_identity_number_or_telephone_can_be_real(small: Path) -> None:
    persons = columns(small, "persons")
    ids = [t for t in persons["id_no"] if t]
    assert len(ids) == len(set(ids)) > 3000
    assert all(str(t)[:4] in ("5298", "5299") or str(t)[:2] == "57" for t in ids)
    texts = [p.read_bytes() for p in (small / "deliveries").rglob("*") if p.suffix in {".csv", ".DBF", ".jsonl"}]
    phones = {m for t in texts for m in re.findall(rb"(?<!\d)1\d{10}(?!\d)", t)}
    assert len(phones) > 300
    assert all(p.startswith(b"12") for p in phones)


def test_definitions_differ_on_the_same_children(small: Path) -> None:
    groups = pq.read_table(small / "truth" / "groups.parquet")
    true = groups.filter(pc.equal(groups["value"], "true")).group_by("definition").aggregate([([], "count_all")])
    count = dict(zip(true["definition"].to_pylist(), true["count_all"].to_pylist(), strict=True))
    assert count["LBC_NBS_2020"] > count["LBC_ACWF_2013"] > count["LBC_SC_2016_13"] > 50
    assert count["MIG_NBS_2020"] > count["MIG_MOE_WORKER"] > 50
    assert count["LBC_CEPS"] > 20


def test_generator_shares_nothing_with_the_rooms_that_read() -> None:
    folder = Path(commonground.demo.__file__).parent
    imported = set(_imports(folder))
    assert {"commonground.demo.files", "numpy"} <= imported
    ours = {name for name in imported if name.startswith("commonground")}
    assert all(name.startswith(("commonground.demo", "commonground.errors")) for name in ours), ours
    for path in folder.rglob("*.py"):  # nor does it read a pack's tables
        assert "packs" not in path.read_text(encoding="utf-8")


def _imports(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                yield node.module or ""
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CityError) as caught:
        make_demo(tmp_path, children=300)
    assert str(tmp_path) in caught.value.message("zh")
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_made_again_in_place_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    make_demo(tmp_path / "c", seed=1, children=300)
    (tmp_path / "c" / "warehouse").mkdir()
    make_demo(tmp_path / "c", seed=2, children=300, progress=lambda *a: told.append(a))
    assert (tmp_path / "c" / "warehouse").is_dir()
    assert [t[1] for t in told] == [0, 1, 2, 3, 4, 5]
    assert {t[2] for t in told} == {5}
