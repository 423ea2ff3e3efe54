"""The main job on the sample city: departments' files that nobody here tidied, scored against their truth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cities import Ran

pytestmark = pytest.mark.xdist_group("sample")


def score(shared: Path, what: str, *words: object) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", shared / "tools" / "score_city.py", what, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: dict[str, object] = json.loads(done.stdout)
    return loaded


def test_linkage_reaches_the_issue_s_bars(
    shared: Path, sample_city: Path, command: Callable[..., Ran], tmp_path: Path
) -> None:
    links = tmp_path / "links.parquet"
    assert command("link", sample_city, "--export", links).code == 0
    told = score(shared, "links", "--truth", shared / "sample-city" / "truth", "--links", links)
    pairwise, conservation = told["pairwise"], told["conservation"]
    assert isinstance(pairwise, dict)
    assert isinstance(conservation, dict)
    assert pairwise["precision"] >= 0.99
    assert pairwise["recall"] >= 0.90
    assert told["repeated_keys"] == 0
    assert conservation["missing"] == 0
    assert conservation["keys_not_in_any_file"] == 0


@pytest.mark.parametrize("version", ["LBC_ACWF_2013", "LBC_SC_2016_13", "MIG_NBS_2020"])
def test_values_by_row_can_be_checked(
    shared: Path, sample_city: Path, command: Callable[..., Ran], tmp_path: Path, version: str
) -> None:
    values = tmp_path / "values.parquet"
    done = command("define", "values", sample_city, "--definition", version, "--export", values)
    assert done.code == 0, done.err
    told = score(shared, "groups", "--truth", shared / "sample-city" / "truth", "--values", values)
    definitions = told["definitions"]
    assert isinstance(definitions, dict)
    assert definitions[version]["compared"] > 5000
    assert definitions[version]["agree"] > 0.8


def test_the_study_tells_of_three_subjects_and_their_schools(sample_city: Path) -> None:
    findings = json.loads((sample_city / "results" / "achievement.json").read_text(encoding="utf-8"))
    gaps = findings["tables"]["gaps"]["rows"]
    assert {"chinese", "math", "english"} <= {r["subject"] for r in gaps}
    assert {"parents_away", "migrant", "local"} <= {r["group"] for r in gaps}
    assert all(r["low"] <= r["estimate"] <= r["high"] for r in gaps if r["estimate"] is not None)
    assert len(findings["tables"]["schools"]["rows"]) == 43
    assert {"all_children", "parents_away"} <= {r["term"] for r in findings["tables"]["factors"]["rows"]}
