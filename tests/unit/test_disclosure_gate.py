"""The gate refuses what speaks of persons and passes the rest safely."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from commonground.city import Policy
from commonground.disclosure import Axis, CountTable, Estimates, SchoolRows, Tally, gate
from commonground.errors import DisclosureError

POLICY = Policy(consent=("S1",))


def school(code: str, n: int, away: int = 20, **more: Any) -> dict[str, Any]:
    row = {"school_code": code, "county": "529901", "level": "primary", "n": n, "n_away": away, "effect": 0.1234,
           "low": -0.05, "high": 0.3, "verdict": "unclear", "gap": -0.1, "gap_low": -0.2, "gap_high": 0.0,
           "p_gap_nonneg": 0.1, "shown": True}  # fmt: skip
    return row | more


@pytest.mark.parametrize("column", ["person_id", "record_id", "name", "id_no", "g1_name", "phone", "row_number"])
def test_a_forbidden_column_is_refused(column: str) -> None:
    with pytest.raises(DisclosureError, match=column):
        gate(Estimates("gaps", ({"estimate": 1.0, "n": 100, column: "x"},)), POLICY)


@pytest.mark.parametrize("value", ["529901201301011239", "number 52990120130101123X here", "12812345678"])
def test_a_value_like_a_persons_number_is_refused(value: str) -> None:
    with pytest.raises(DisclosureError, match="identity or phone"):
        gate(Tally("files", ({"reason": value},)), POLICY)


def test_an_estimate_without_its_number_of_children_is_refused() -> None:
    with pytest.raises(DisclosureError, match="missing"):
        gate(Estimates("gaps", ({"estimate": 1.0},)), POLICY)
    with pytest.raises(DisclosureError, match="not a number"):
        gate(Estimates("gaps", ({"estimate": 1.0, "n": "many"},)), POLICY)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DisclosureError, match="unknown kind"):
        gate([{"child": 1}], POLICY)  # type: ignore[arg-type]


def test_estimates_on_few_children_lose_their_values_and_counts_are_rounded() -> None:
    interval = {"estimate": 0.1, "low": 0.0, "high": 0.2}
    rows = ({"group": "a", **interval, "n": 9}, {"group": "b", **interval, "n": 1003})
    gated = gate(Estimates("gaps", rows), POLICY)
    assert gated.rows[0] == {"group": "a", "estimate": None, "low": None, "high": None, "n": None, "small": True}
    assert gated.rows[1]["n"] == 1005
    assert gated.decision.withheld == 1
    assert "10" in gated.decision.reasons[0].zh


def test_each_named_count_must_reach_the_threshold() -> None:
    rows = ({"estimate": 0.1, "low": 0.0, "high": 0.2, "n": 500, "n_group": 4},)
    assert gate(Estimates("gaps", rows, counts=("n", "n_group")), POLICY).rows[0]["estimate"] is None


def test_the_public_sees_schools_without_names_and_on_a_coarse_grid() -> None:
    gated = gate(SchoolRows("schools", (school("S1", 100), school("S2", 200, effect=-0.2), school("S3", 9))), POLICY)
    assert [r["effect"] for r in gated.rows] == [-0.2, 0.1]
    assert "school_code" not in json.dumps(gated.rows)
    assert "529901" not in json.dumps(gated.rows)
    assert gated.decision.withheld == 1


def test_the_width_of_a_public_interval_does_not_tell_the_school() -> None:
    sizes = [60 + 3 * k for k in range(40)]
    rows = []
    for k, n in enumerate(sizes):
        half, effect = 1.96 * 0.9 / n**0.5, 0.02 * (k % 7) - 0.06
        verdict = "above" if effect > half else "below" if effect < -half else "unclear"
        given = school(f"S{k}", n) | {"effect": effect, "low": effect - half, "high": effect + half, "verdict": verdict}
        rows.append(given)
    public = gate(SchoolRows("schools", tuple(rows)), POLICY).rows
    widths = {round(r["high"] - r["low"], 4) for r in public}
    assert len(widths) <= 7  # forty sizes, a handful of widths
    for row in public:
        touches = row["low"] <= 0 <= row["high"]
        assert touches == (row["verdict"] == "unclear")


def test_a_clear_school_stays_clear_on_the_grid() -> None:
    clear = school("S1", 100) | {"effect": 0.2, "low": 0.01, "high": 0.39, "verdict": "above"}
    below = school("S2", 100) | {"effect": -0.2, "low": -0.39, "high": -0.004, "verdict": "below"}
    unclear = school("S3", 100) | {"effect": 0.2, "low": -0.01, "high": 0.41, "verdict": "unclear"}
    rows = {r["verdict"]: r for r in gate(SchoolRows("schools", (clear, below, unclear)), POLICY).rows}
    assert rows["above"]["low"] == 0.05
    assert rows["below"]["high"] == -0.05
    assert rows["unclear"]["low"] == 0.0


def test_a_school_is_named_in_public_with_consent_and_children_enough_only() -> None:
    rows = (school("S1", 29), school("S2", 300))
    assert gate(SchoolRows("schools", rows), POLICY).named == ()
    gated = gate(SchoolRows("schools", (school("S1", 30), school("S2", 300))), POLICY)
    assert [r["school_code"] for r in gated.named] == ["S1"]
    assert gate(SchoolRows("schools", (school("S1", 30, away=9),)), POLICY).named == ()


def test_officials_see_names_but_no_gap_of_a_few_children() -> None:
    gated = gate(SchoolRows("schools", (school("S2", 203), school("S1", 50, away=3))), POLICY, "official")
    assert [r["school_code"] for r in gated.rows] == ["S1", "S2"]
    assert gated.rows[0]["gap"] is None
    assert gated.rows[0]["p_gap_nonneg"] is None
    assert gated.rows[0]["n_away"] is None
    assert gated.rows[1]["n"] == 205


def test_counts_pass_through_suppression_and_the_attacker() -> None:
    table = CountTable("by group", (Axis("group", ("a", "b", "c")),), np.array([3, 500, 200]))
    gated = gate(table, POLICY)
    assert gated.table is not None
    assert gated.table.values.tolist() == [-1, 500, -1, 705]
    assert gated.decision.small == 1
    assert gated.decision.hidden == 1
    assert "0 recovered" in gated.decision.attack
    assert json.loads(json.dumps(gated.decision.to_dict()))["rounded_to"] == 5


def test_a_table_must_be_of_counts() -> None:
    with pytest.raises(ValueError, match="shape"):
        CountTable("x", (Axis("a", ("1", "2")),), np.array([1]))
    with pytest.raises(ValueError, match="non-negative"):
        CountTable("x", (Axis("a", ("1",)),), np.array([-1]))
    with pytest.raises(ValueError, match="not zero"):
        CountTable("x", (Axis("a", ("1",)),), np.array([4]), np.array([True]))
