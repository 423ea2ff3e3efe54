"""Unseen cities 1 and 2 with people who stand in several files: linked by contracts that the key alone wrote.

Cities 3 and 4 are hold-outs: ``scripts/score_links`` gives their totals, no test looks at them.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import link_truth
from link_scores import Scores, score

from commonground import intake, people
from commonground.governance.vault import Vault
from unseen_cities.make_unseen import make_unseen


def _linked(folder: Path, city: str, seed: int) -> tuple[list[str | None], list[str], dict[str, list[str | None]]]:
    known = link_truth.unseen(folder, city, seed)
    with known.city.new_version() as version:
        people.run(known.city, intake.run(known.city), version)
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    links = Vault(known.city).read_table(f"links/{known.city.require_current().number}").to_pylist()
    said = {
        tuple(r[c] or "" if c == "sheet" else r[c] for c in link_truth.PLACE): r["person_id"] for r in links
    }  # fmt: skip
    assert all(place in said for place in known.place)
    cluster = [said[place] and f"{seed}.{said[place]}" for place in known.place]
    return cluster, [f"{seed}.{p}" for p in known.person], {k: v.tolist() for k, v in known.groups.items()}


@pytest.mark.parametrize("city", ["city1", "city2"])
def test_a_city_never_seen_is_linked(city: str, tmp_path: Path) -> None:
    runs = [_linked(tmp_path / str(seed), city, seed) for seed in (1, 2)]
    cluster, person = (np.array([x for r in runs for x in r[k]], dtype=object) for k in (0, 1))
    groups = {d: np.array([x for r in runs for x in r[2][d]], dtype=object) for d in runs[0][2]}
    found: Scores = score(cluster, person, groups)
    assert found.whole.recall.of > 3000
    assert found.whole.precision.value >= 0.998
    assert found.whole.recall.high >= 0.975  # two seeds: the floor must lie within the interval
    assert found.whole.recall.value >= 0.96


def test_the_truth_names_the_person_of_each_row(tmp_path: Path) -> None:
    make_unseen(tmp_path, 3, ("city1",), overlapping=True)
    rows = _read(tmp_path / "persons.csv")
    files = {(f["department"], f["file"], f["sheet"]): int(f["rows"]) for f in _read(tmp_path / "files.csv")}
    counts = Counter((r["department"], r["file"], r["sheet"]) for r in rows)
    assert counts
    assert all(counts[place] == files[place] for place in counts)
    pupils = _read(tmp_path / "city1" / "民政局" / "社会救助对象明细.csv", "gb18030")
    truth = [r["person"] for r in rows if r["file"] == "社会救助对象明细.csv"]
    same = sum(a["申请人身份证号码"] == b for a, b in zip(pupils, truth, strict=True))
    assert 0.85 * len(truth) < same < len(truth)  # some numbers are miswritten or left out
    assert max(Counter(r["person"] for r in rows).values()) >= 4


def _read(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as text:
        return list(csv.DictReader(text))
