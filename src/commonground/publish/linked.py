"""Rows of the linkage report for the gate: estimates of groups and deliveries large enough to say anything.

Shares are rounded to a hundredth of a percent, and a share of nothing is left out: what stands here are estimates of
errors, never counts of persons who were or were not linked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.publish.inputs import Inputs

LEAST = 200
"""Links behind a rate; of fewer, the interval says nothing."""
RATE = ("estimate", "low", "high")
DELIVERY = ("precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high")
SWEEP = ("precision", "recall", "gap")


def _share(value: float | None) -> float | None:
    """Round a share; what is not all does not become all."""
    if value is None:
        return None
    return 0.9999 if 0.9999 < value < 1 else round(value, 4)


def _span(found: Mapping[str, float] | None, prefix: str = "") -> dict[str, float | None]:
    names = (prefix or "estimate", f"{prefix}_low" if prefix else "low", f"{prefix}_high" if prefix else "high")
    keys = ("value", "low", "high")
    return {n: _share(found[k]) if found else None for n, k in zip(names, keys, strict=True)}


def _enough(row: Mapping[str, Any], least: int) -> bool:
    return bool(row["linked"] >= max(LEAST, least))


def groups(inputs: Inputs) -> list[dict[str, Any]]:
    """Missed-link rates of the groups that are known and large enough."""
    rows = inputs.linkage.get("analysis", {}).get("by_group", ())
    return [
        {
            "axis": r["axis"], "group": r["group"], "axis_label": r["axis_label"], "label": r["label"],
            "n": r["records"], **_span(r["missed_rate"]),
        }
        for r in rows
        if r["group"] != "unknown" and _enough(r, inputs.city.policy.cell_threshold) and r["missed_rate"]
    ]  # fmt: skip


def deliveries(inputs: Inputs) -> list[dict[str, Any]]:
    """Precision and recall of the deliveries that are large enough."""
    rows = inputs.linkage.get("analysis", {}).get("by_delivery", ())
    return [
        {
            "dataset": r["dataset"], "delivery": r["delivery"], "label": r["title"], "n": r["records"],
            **_span(r["precision"], "precision"), **_span(r["recall"], "recall"),
        }
        for r in rows
        if _enough(r, inputs.city.policy.cell_threshold)
    ]  # fmt: skip


def sweep(inputs: Inputs) -> list[dict[str, Any]]:
    """Links, precision, recall and the widest gap between groups at each threshold."""
    rows = inputs.linkage.get("analysis", {}).get("sweep", ())
    return [
        {
            "threshold": r["threshold"], "links": r["links"], "persons": r["persons"],
            "precision": _share(r["precision"]), "recall": _share(r["recall"]),
            "gap": _share(max((g for g in r["gap"].values() if g is not None), default=None)),
        }
        for r in rows
    ]  # fmt: skip


def differences(inputs: Inputs) -> list[dict[str, Any]]:
    """Standardised differences; the counts behind them, which the gate holds against the smallest, are not shown."""
    rows = inputs.linkage.get("analysis", {}).get("differences", ())
    out = []
    for r in rows:
        few = min(r["joined"] * r["n_joined"], (1 - r["joined"]) * r["n_joined"])
        other = min(r["others"] * r["n_others"], (1 - r["others"]) * r["n_others"])
        span = {name: round(r["difference"][key], 2) for name, key in zip(RATE, ("value", "low", "high"), strict=True)}
        said = {k: r[k] for k in ("axis", "group", "axis_label", "label")}
        out.append({**said, "n": round(min(few, other)), **span})
    return out


def told(inputs: Inputs) -> dict[str, Any]:
    """Give the whole: estimates, how many records were tried without numbers, and what the spoilt ones gave.

    Counts are large sums or samples; shares of them are rounded down to a tenth of a percent where they are published.
    """
    report = inputs.linkage
    if not report:
        return {}
    whole, hidden = report["analysis"]["whole"], report.get("hidden", ())
    tried = sum(r["tried"] for r in hidden)
    gaps = [g for g in report["analysis"]["gaps"] if g["gap"]["low"] > 0]
    spoilt = inputs.recorrupted
    return {
        "n": whole["records"],
        "precision": whole["precision"],
        "recall": whole["recall"],
        "tried": tried,
        "right": sum(r["right"] for r in hidden) / tried if tried else None,
        "gaps": [{k: g[k] for k in ("axis_label", "worst_label", "gap")} for g in gaps],
        "spoilt": spoilt.get("tried") or 0,
        "spoilt_recall": (spoilt.get("whole") or {}).get("recall"),
    }
