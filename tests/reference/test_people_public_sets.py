"""Public sets with known truth: FEBRL is linked without an error, by one configuration for all of them.

The sets lie in packages of the benchmarks' environment (``benchmarks/.env``, which ``benchmarks/linkage_public.py``
makes) or in this one; where a set is absent its test is skipped by name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import commonground
from commonground.people.clusters_score import b_cubed, pairwise

HERE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HERE / "benchmarks"))
from public_sets import Public, load, packages  # noqa: E402


def _set(name: str) -> Public:
    for python in (HERE / "benchmarks/.env/bin/python", Path(sys.executable)):
        found = load(name, packages(python))
        if found is not None:
            return found
    pytest.skip(
        f"the public set {name} is not here: run benchmarks/linkage_public.py once, or see benchmarks/public_sets.py"
    )


def _groups(public: Public) -> np.ndarray:
    found = commonground.cluster_tables(public.left, fields=public.fields)
    assert found["id"].to_pylist() == public.left["unique_id"].to_pylist()
    return found["cluster"].to_numpy()


@pytest.mark.parametrize("name", ["febrl1", "febrl2", "febrl3"])
def test_duplicates_of_febrl_are_found_without_an_error(name: str) -> None:
    public = _set(name)
    groups = _groups(public)
    assert pairwise(groups, public.person).f1 == 1.0
    assert b_cubed(groups, public.person).f1 == 1.0


def test_two_files_of_febrl_are_linked_without_an_error() -> None:
    public = _set("febrl4")
    assert public.right is not None
    found = commonground.link_tables(public.left, public.right, fields=public.fields)
    left = dict(zip(public.left["unique_id"].to_pylist(), public.person.tolist(), strict=True))
    right = dict(zip(public.right["unique_id"].to_pylist(), public.other.tolist(), strict=True))
    pairs = zip(found["left_id"].to_pylist(), found["right_id"].to_pylist(), strict=True)
    hits = sum(left[a] == right[b] for a, b in pairs)
    assert hits == found.num_rows == public.pairs == 5000


def test_invented_germans_with_little_to_go_by() -> None:
    """Two names and a date of birth, an error in each duplicate: far from all can be told."""
    public = _set("rldata10000")
    groups = _groups(public)
    assert pairwise(groups, public.person).f1 > 0.93
    assert b_cubed(groups, public.person).f1 > 0.99


def test_people_of_history_reach_the_figures_asked_for() -> None:
    public = _set("historical_50k")
    groups = _groups(public)
    assert pairwise(groups, public.person).f1 > 0.83
    assert b_cubed(groups, public.person).f1 > 0.865
