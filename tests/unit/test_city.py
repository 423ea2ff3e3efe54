"""A city's folder: settings, and versions that become current all or nothing."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commonground.city import City, load_settings
from commonground.errors import CityError, StorageError
from commonground.files import write_atomically

SETTINGS = """
[city]
name = { zh = "试城", en = "Trial" }
area_code = "5299"
reference_date = 2025-09-01
[policy]
cell_threshold = 12
[[area]]
code = "529907"
zh = "甲县"
en = "A"
urban = false
[[area]]
code = "529911"
zh = "乙县"
en = "B"
urban = false
merged_into = "529907"
merged_on = 2017-01-01
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "city.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "deliveries").mkdir()
    return tmp_path


def test_settings_are_read_and_mergers_carried_forward(folder: Path) -> None:
    settings = load_settings(folder / "city.toml")
    assert settings.reference_date == dt.date(2025, 9, 1)
    assert settings.policy.cell_threshold == 12
    found = settings.area("529911")
    assert found is not None
    assert found.code == "529907"
    assert settings.area("999999") is None
    assert [a.code for a in settings.counties] == ["529907"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cell_threshold = 12", "cell_treshold = 12", "Did you mean cell_threshold?"),
        ('area_code = "5299"', "", "“area_code” is missing"),
        ("2025-09-01\n[policy]", '"2025-09-01"\n[policy]', "a date such as"),
        ("2025-09-01\n[policy]", "2025-09-01T08:00:00\n[policy]", "a date such as"),
        ('{ zh = "试城", en = "Trial" }', '"试城"', "both languages"),
        ("cell_threshold = 12", 'cell_threshold = "ten"', "a whole number"),
        ("cell_threshold = 12", "rounding = 0", "a whole number"),
        ("cell_threshold = 12", "interval = 95", "between 0 and 1"),
        ("[policy]", '[engine]\nmemory = "lots"\n[policy]', "4GB"),
        ('code = "529907"', "code = 529907", "a text in quotes"),
        ('code = "529907"\n', "", "“code” is missing"),
        ("[[area]]", "[area]", "not valid TOML"),
        ('merged_into = "529907"', 'merged_into = "529911"', "circle"),
        ('merged_into = "529907"', 'merged_into = "529999"', "not listed"),
        ("[city]", "[city", "not valid TOML"),
    ],
)
def test_a_typo_in_city_toml_is_said_with_its_mend(folder: Path, old: str, new: str, said: str) -> None:
    (folder / "city.toml").write_text(SETTINGS.replace(old, new), encoding="utf-8")
    with pytest.raises(CityError) as caught:
        City(folder)
    assert said in caught.value.message("en")
    assert str(folder / "city.toml") in caught.value.where


def test_a_missing_city_and_missing_deliveries_are_said(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(CityError, match="is not there"):
        City(tmp_path / "nowhere")
    with pytest.raises(CityError, match="--deliveries"):
        City(folder, tmp_path / "no-such-folder")


def make_version(city: City, content: str) -> None:
    with city.new_version() as version:
        (version.path / "t.txt").write_text(content, encoding="utf-8")
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")


def break_a_version(city: City) -> None:
    with city.new_version() as version:
        (version.path / "half.txt").write_text("half", encoding="utf-8")
        raise RuntimeError("broken")


def test_a_version_becomes_current_only_when_complete(folder: Path) -> None:
    city = City(folder)
    with pytest.raises(CityError, match="not been built"):
        city.require_current()
    make_version(city, "first")
    with pytest.raises(RuntimeError, match="broken"):
        break_a_version(city)
    current = city.require_current()
    assert current.number == 1
    assert (current.path / "t.txt").read_text(encoding="utf-8") == "first"
    assert sorted(p.name for p in (city.warehouse / "versions").iterdir()) == ["1"]
    make_version(city, "second")
    assert city.require_current().number == 2
    assert oct((city.require_current().path / "t.txt").stat().st_mode & 0o777) == "0o600"


def test_killed_in_the_middle_the_city_keeps_the_old_version(folder: Path) -> None:
    city = City(folder)
    make_version(city, "first")
    program = (
        "import os,sys;from pathlib import Path;from commonground.city import City\n"
        "with City(Path(sys.argv[1])).new_version() as v:\n"
        "    (v.path/'half.txt').write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(folder)], check=False)
    assert killed.returncode == -9
    assert city.require_current().number == 1
    make_version(city, "second")
    assert sorted(p.name for p in (city.warehouse / "versions").iterdir()) == ["1", "2"]


def fill_the_disk(city: City) -> None:
    with city.new_version() as version:
        os.symlink("/dev/full", version.path / "table.parquet")
        with (version.path / "table.parquet").open("wb", buffering=0) as file:
            file.write(b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_and_changes_nothing(folder: Path) -> None:
    city = City(folder)
    make_version(city, "first")
    with pytest.raises(StorageError, match="disk is full") as caught:
        fill_the_disk(city)
    assert caught.value.exit_code == 18
    assert city.require_current().number == 1


def test_what_could_not_be_written_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
