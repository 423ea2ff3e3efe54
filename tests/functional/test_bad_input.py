"""Bad input gets a message that says what, where, why and what to do; the standing version stays as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cities import Ran

pytestmark = pytest.mark.xdist_group("demo")

MARKS = "deliveries/education/exam_scores"
CONTRACT = "sources/education/exam_scores.toml"


@pytest.fixture
def city(demo_city: Path, tmp_path: Path) -> Path:
    """Copy the demo city with its keys, free to be spoilt."""
    folder = tmp_path / demo_city.name
    shutil.copytree(demo_city, folder)
    shutil.copytree(demo_city.with_name(demo_city.name + ".keys"), tmp_path / (demo_city.name + ".keys"))
    return folder


def a_file(city: Path) -> Path:
    """Give one delivered text file."""
    return sorted((city / MARKS).rglob("*.csv"))[0]


def remove_contract_folder(city: Path) -> None:
    shutil.rmtree(city / "deliveries/education/school_census")


def binary_garbage(city: Path) -> None:
    a_file(city).write_bytes(bytes(range(256)) * 40)


def not_a_workbook(city: Path) -> None:
    sorted((city / "deliveries/education/student_registry").rglob("*.xlsx"))[0].write_bytes(b"PK\x03\x04 cut off")


def unknown_column(city: Path) -> None:
    text = (city / CONTRACT).read_text(encoding="utf-8")
    start = text.index("[[column]]")
    spoilt = text[:start] + text[start:].replace('source = "', 'source = "没有这一列', 1)
    (city / CONTRACT).write_text(spoilt, encoding="utf-8")


def typo_in_contract(city: Path) -> None:
    text = (city / CONTRACT).read_text(encoding="utf-8")
    (city / CONTRACT).write_text(text.replace("encoding =", "encodng =", 1), encoding="utf-8")


def unknown_concept(city: Path) -> None:
    text = (city / CONTRACT).read_text(encoding="utf-8")
    (city / CONTRACT).write_text(text.replace('concept = "chinese"', 'concept = "chinees"', 1), encoding="utf-8")


def not_toml(city: Path) -> None:
    (city / CONTRACT).write_text("[dataset\n", encoding="utf-8")


def empty_delivery(city: Path) -> None:
    for folder in (city / MARKS).iterdir():
        for path in folder.iterdir():
            path.unlink()


SPOILT = [
    (remove_contract_folder, 12, "school_census"),
    (binary_garbage, 12, ".csv"),
    (not_a_workbook, 12, ".xlsx"),
    (unknown_column, 12, "没有这一列"),
    (typo_in_contract, 11, "encoding"),
    (unknown_concept, 11, "chinese"),
    (not_toml, 11, "exam_scores.toml"),
    (empty_delivery, 12, "exam_scores"),
]


@pytest.mark.parametrize(("spoil", "code", "named"), SPOILT, ids=[s[0].__name__ for s in SPOILT])
def test_bad_input_is_said_and_nothing_changes(
    city: Path, command: Callable[..., Ran], spoil: Callable[[Path], None], code: int, named: str
) -> None:
    before = (city / "warehouse" / "current").read_text(encoding="ascii")
    standing = sorted(p.name for p in (city / "warehouse" / "versions").iterdir())
    spoil(city)
    done = command("build", city)
    assert done.code == code, done.err
    assert named in done.err
    assert "What to do: " in done.err
    assert "Traceback" not in done.err
    assert (city / "warehouse" / "current").read_text(encoding="ascii") == before
    assert sorted(p.name for p in (city / "warehouse" / "versions").iterdir()) == standing
    in_chinese = command("build", city, "--lang", "zh")
    assert "办法：" in in_chinese.err


def test_a_missing_city_has_its_own_exit_code(tmp_path: Path, command: Callable[..., Ran]) -> None:
    done = command("build", tmp_path / "nowhere")
    assert done.code == 10
    assert "city.toml" in done.err


def test_a_city_that_is_not_built_says_what_to_do_first(tmp_path: Path, command: Callable[..., Ran]) -> None:
    assert command("new", tmp_path / "c").code == 0
    done = command("study", tmp_path / "c")
    assert done.code == 10
    assert "commonground build" in done.err
