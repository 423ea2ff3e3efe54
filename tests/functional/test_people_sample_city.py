"""The sample city, linked and scored by the scorer that lies beside it; an honest check, not a target to tune to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from commonground import people
from commonground.city import City
from commonground.intake import load_pack


@pytest.mark.shared
@pytest.mark.xdist_group("sample")
def test_sample_city_is_linked(shared: Path, sample_city: Path, tmp_path: Path) -> None:
    city = City(sample_city)
    links = tmp_path / "links.parquet"
    people.export_links(city, links)
    score = _score(shared, links)
    assert score["pairwise"]["precision"] >= 0.99
    assert score["pairwise"]["recall"] >= 0.97
    assert score["conservation"]["missing"] == 0
    assert score["repeated_keys"] == 0
    report = json.loads((city.require_current().path / "quality" / "links.json").read_text(encoding="utf-8"))
    assert report["precision"] == pytest.approx(score["pairwise"]["precision"], abs=0.005)
    _holds_no_names(city)


def _score(shared: Path, links: Path) -> dict[str, dict[str, float]]:
    command = [sys.executable, str(shared / "tools" / "score_city.py"), "links"]
    command += ["--truth", str(shared / "sample-city" / "truth"), "--links", str(links)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    scored: dict[str, dict[str, float]] = json.loads(done.stdout)
    return scored


def _holds_no_names(city: City) -> None:
    """No column of any table of the version is one that identifies a person."""
    concepts = load_pack("china").concepts
    version = city.require_current()
    for name in version.tables():
        for column in pq.read_schema(version.table(name)).names:
            if name == "schools":
                continue
            assert not (column in concepts and concepts[column].identifying), (name, column)
            assert not column.endswith("_soft"), (name, column)
