"""Counts of quality checks for the gate: verdicts by dataset, and the checks that somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.publish.inputs import Inputs


def public_checks(inputs: Inputs) -> list[Mapping[str, Any]]:
    """Give the checks with verdicts that tell no small count.

    Limits are public: "warn, not fail" of a hundred rows would say that it is exactly one. What stands on a count below
    the city's smallest, or on all rows but so few, is therefore not told apart: "warn" whether it warns or fails.
    """
    least = inputs.city.policy.cell_threshold
    out = []
    for row in inputs.checks:
        last = row["trend"][-1] if row["trend"] else {"numerator": 0, "denominator": 0}
        few = min(last["numerator"], abs(last["denominator"] - last["numerator"])) < least
        out.append({**row, "verdict": "warn"} if few and row["verdict"] == "fail" else row)
    return out


def verdicts(inputs: Inputs) -> list[dict[str, Any]]:
    """Count the checks of each dataset's last delivery by verdict: checks, not persons."""
    out: dict[str, dict[str, Any]] = {}
    for row in public_checks(inputs):
        start = {"dataset": row["dataset"], "kind": row["kind"], "pass": 0, "warn": 0, "fail": 0, "other": 0}
        here = out.setdefault(row["dataset"], start)
        here[row["verdict"] if row["verdict"] in ("pass", "warn", "fail") else "other"] += 1
    return list(out.values())


def to_look_at(inputs: Inputs) -> list[dict[str, Any]]:
    """Give the counts of every delivery of the checks that failed or need a look, in shares of something counted."""
    return [
        {
            "dataset": row["dataset"],
            "kind": row["kind"],
            "check": row["check"],
            "category": row["category"],
            "said": row["said"],
            "verdict": row["verdict"],
            "delivery": point["delivery"],
            "numerator": point["numerator"],
            "denominator": point["denominator"],
        }
        for row in public_checks(inputs)
        if row["verdict"] in ("warn", "fail") and row["measure"] != "days"
        for point in row["trend"]
        if point["verdict"] != "not_applicable"
    ]
