"""Every output passes the gate here; what the pages are made of afterwards is safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from commonground.disclosure import (
    Axis,
    CountTable,
    Decision,
    Estimates,
    Gated,
    SafeTable,
    SchoolRows,
    Tally,
    gate,
)
from commonground.disclosure import Shown as State
from commonground.errors import Said, StudyError
from commonground.present.words import both
from commonground.publish import linked
from commonground.publish.inputs import Inputs
from commonground.publish.judged import to_look_at, verdicts

Rows = tuple[dict[str, Any], ...]
CHILD = "child."  # definitions about who a child is; the page of definitions shows these
_SUMS = ("records", "linked")
OUTCOMES = ("true", "false", "unknown", "not_applicable")
_SCHOOL = (
    "school_code", "county", "level", "n", "n_away", "effect", "low", "high", "verdict", "gap", "gap_low", "gap_high",
    "p_gap_nonneg", "shown",
)  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """The same children under two versions, after the gate: rows old, columns new, totals last."""

    old: str
    new: str
    table: SafeTable


@dataclass(frozen=True)
class Safe:
    """What may be shown.

    Attributes
    ----------
    inputs : Inputs
        For settings, facts, definitions; its rows are not to be used by pages.
    gaps, variance, strengths, factors, counts : tuple of dict
        Rows of the study after the gate.
    schools, named : tuple of dict
        The public distribution, and schools that agreed.
    official : tuple of dict
        Schools by code, for officials.
    files, reasons, links : tuple of dict
        Quality.
    link_groups, link_deliveries, link_differences, link_sweep : tuple of dict
        Quality of the links: estimates by group and delivery, standardised differences, thresholds.
    link_told : dict
        What is said of the links as a whole; ``link_line``: the standardised difference that counts.
    verdicts, checks : tuple of dict
        Quality checks: how many of each dataset passed; those to look at, a row a delivery.
    returns : tuple of dict
        Items that went back to the departments, and how many are settled, a row a delivery.
    definition_counts : tuple of dict
        definition, version, value counts.
    transition : Transition or None
    decisions : tuple of Decision
        What the gate did.
    """

    inputs: Inputs
    gaps: Rows = ()
    variance: Rows = ()
    strengths: Rows = ()
    factors: Rows = ()
    counts: Rows = ()
    schools: Rows = ()
    named: Rows = ()
    official: Rows = ()
    files: Rows = ()
    reasons: tuple[tuple[str, int, bool], ...] = ()  # reason, count or -1, withheld for another
    reason_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    links: Rows = ()
    link_groups: Rows = ()
    link_deliveries: Rows = ()
    link_differences: Rows = ()
    link_sweep: Rows = ()
    link_told: Mapping[str, Any] = field(default_factory=dict)
    link_line: float = 0.1
    verdicts: Rows = ()
    checks: Rows = ()
    returns: Rows = ()
    definition_counts: Rows = ()
    transition: Transition | None = None
    decisions: tuple[Decision, ...] = ()

    def facts(self, table: str) -> Mapping[str, Any]:
        """Give the facts of a table of the study; empty where there is none."""
        found = self.inputs.findings.get(table, {}).get("facts")
        return found or {}


class _Gatekeeper:
    """Passes outputs and keeps the decisions."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.policy = inputs, inputs.city.policy
        self.decisions: list[Decision] = []

    def rows(self, name: str) -> list[dict[str, Any]]:
        table = self.inputs.findings.get(name) or {}
        return [dict(row) for row in table.get("rows", ())]

    def passed(self, gated: Gated) -> Gated:
        self.decisions.append(gated.decision)
        return gated

    def estimates(
        self, name: str, counts: tuple[str, ...], values: tuple[str, ...] = ("estimate", "low", "high")
    ) -> Rows:
        rows = self.rows(name)
        present = tuple(c for c in counts if all(c in row for row in rows))
        if "n" not in present:
            n = self.inputs.findings.get(name, {}).get("facts", {}).get("n", 0)
            rows = [{**row, "n": n} for row in rows]
            present = ("n", *present)
        return self.passed(gate(Estimates(name, tuple(rows), values, present), self.policy)).rows


def _files(inputs: Inputs) -> list[dict[str, Any]]:
    """Sum the conservation of sheets by department and dataset."""
    kept = ("rows", "records", "quarantined", "non_data")
    sums: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in inputs.intake.get("conservation", ()):
        key = (str(row["department"]), str(row["dataset"]), str(row.get("kind", "")))
        here = sums.setdefault(key, dict.fromkeys((*kept, "files"), 0))
        for column in kept:
            here[column] += int(row[column])
        here["files"] += 1
    keys = ("department", "dataset", "kind")
    return [dict(zip(keys, key, strict=True)) | value for key, value in sorted(sums.items())]


def _reasons(inputs: Inputs) -> tuple[Counter[str], dict[str, Mapping[str, str]]]:
    counted: Counter[str] = Counter()
    names: dict[str, Mapping[str, str]] = {}
    for row in inputs.intake.get("quarantine", ()):
        head = str(row["reason"]).partition(":")[0]
        counted[head] += int(row.get("count", 0))
        said = row.get("label") or {"zh": head, "en": head}
        # the label of a reason that names a code ends in that code: keep the part that all share
        names.setdefault(head, {"zh": said["zh"].partition("：")[0], "en": said["en"].partition(":")[0]})
    return counted, names


def _counts(keeper: _Gatekeeper, inputs: Inputs, transition: Transition | None) -> Rows:
    """Count by definition and version: each version one suppressed table over its outcomes.

    The two versions of the transition table take its margins: two tables of the same children must not tell together
    what each withholds. Versions with the same counts, as those whose rule is the same, get the same table: rounded
    twice in two ways, a count would be known better than once.
    """
    day = inputs.city.settings.reference_date.isoformat()
    rows = [
        row
        for row in _definition_counts(inputs.variables)  # what no page shows is not released
        if row["counts"]
        and row["entity"] == "person"
        and row["definition"].startswith(CHILD)
        and row["reference_date"] == day
    ]
    seen = {
        _same(row): line
        for row in rows
        if transition is not None and (line := _margin(transition, inputs, row)) is not None
    }
    out: list[dict[str, Any]] = []
    for row in rows:
        if _same(row) not in seen:
            line = _suppressed(keeper, row)
            if line is None:
                continue
            seen[_same(row)] = line
        out.append({k: v for k, v in row.items() if k != "counts"} | seen[_same(row)])
    return tuple(out)


def _same(row: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((v, int(n)) for v, n in row["counts"].items() if n))


def _suppressed(keeper: _Gatekeeper, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pass one version's counts through the gate by themselves."""
    values = tuple(sorted(row["counts"], key=lambda v: (OUTCOMES.index(v) if v in OUTCOMES else 99, v)))
    counts = np.array([int(row["counts"][v]) for v in values], dtype=np.int64)
    keep = np.array([v in ("true", "total") for v in (*values, "total")])
    name = f"{row['definition']} {row['version']}"
    safe = keeper.passed(gate(CountTable(name, (Axis("value", values),), counts, keep=keep), keeper.policy)).table
    return None if safe is None else _line((*values, "total"), safe.values, safe.shown)


def _line(names: tuple[str, ...], values: Any, shown: Any) -> dict[str, Any]:
    """Give one line of a safe table by name: ``counts`` (None where not shown) and ``hidden`` (withheld, not small)."""
    pairs = list(zip(names, values, shown, strict=True))
    return {
        "counts": {name: (int(n) if n >= 0 else None) for name, n, _ in pairs},
        "hidden": tuple(name for name, _, state in pairs if state == State.HIDDEN),
    }


def _margin(transition: Transition | None, inputs: Inputs, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read a version's counts off the transition table; None where that table is about another version or day."""
    compared = inputs.comparison
    day = str(row["reference_date"])
    if transition is None or compared is None or day != str(compared.reference_date):
        return None
    if row["version"] not in (transition.old, transition.new):
        return None
    axis = 1 if row["version"] == transition.old else 0
    matrix = np.asarray(compared.counts, dtype=np.int64)
    exact = dict(zip(compared.values, (int(n) for n in matrix.sum(axis=axis)), strict=True))
    if {k: n for k, n in exact.items() if n} != {k: n for k, n in row["counts"].items() if n}:
        raise StudyError(
            Said(f"{row['version']} 的人数前后不一致。", f"The counts of {row['version']} contradict each other."),
            where=f"{row['definition']}, {day}",
            why=Said(
                "比较时算出的人数与数据库里的不同，数据库是用另一版程序建的。",
                "The comparison counts other children than the database, which other code has built.",
            ),
            todo=Said("请重新建库、研究，再发布。", "Build and study again, then publish."),
        )
    here = (slice(None), -1) if axis == 1 else (-1, slice(None))
    categories = (*transition.table.axes[0].categories, "total")
    return _line(categories, transition.table.values[here], transition.table.shown[here])


def _definition_counts(variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the counts by definition, version and day from ``quality/variables.json``."""
    out = []
    for definition, found in sorted(variables.get("definitions", {}).items()):
        for version, quality in sorted(found.get("versions", {}).items()):
            for day, counts in sorted(quality.get("counts", {}).items()):
                head = {"definition": definition, "version": version, "reference_date": day, "type": found.get("type")}
                out.append({**head, "entity": found.get("entity", "person"), "counts": dict(counts)})
    return out


def _transition(keeper: _Gatekeeper, inputs: Inputs) -> Transition | None:
    found = inputs.comparison
    if found is None:
        return None
    matrix = np.asarray(found.counts, dtype=np.int64)
    labels = tuple(found.values)
    used = [k for k in range(len(labels)) if matrix[k].any() or matrix[:, k].any()]
    axes = (Axis("old", tuple(labels[k] for k in used)), Axis("new", tuple(labels[k] for k in used)))
    inner = matrix[np.ix_(used, used)]
    keep = np.zeros((len(used) + 1, len(used) + 1), bool)
    keep[-1, -1] = True
    if "true" in labels and labels.index("true") in used:
        here = used.index(labels.index("true"))
        keep[here, -1] = keep[-1, here] = True  # the two numbers that the page is about
    # that no child goes from one class to another is a fact about the two rules, not about a child: noughts are shown
    table = CountTable("transition", axes, inner, impossible=inner == 0, keep=keep)
    safe = keeper.passed(gate(table, keeper.policy)).table
    return None if safe is None else Transition(found.old, found.new, safe)


def _links(inputs: Inputs) -> list[dict[str, Any]]:
    """Read linkage by dataset (its deliveries together) and by kind of county: records, and the share not linked.

    Records that were not linked are counted in steps of the threshold: their share must not give back a few persons.
    """
    step = max(inputs.city.policy.cell_threshold, 1)
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for group, key, name in (("source", "by_source", "dataset"), ("county", "by_county_type", "county_type")):
        for row in inputs.links.get(key, ()):
            label = row.get("label") or row[name]
            if isinstance(label, Mapping):  # the title ends in the delivery, which is summed over here
                label = {"zh": label["zh"].partition("（")[0], "en": label["en"].partition(" (")[0]}
            here = out.setdefault((group, str(row[name])), {"group": group, "label": label} | dict.fromkeys(_SUMS, 0.0))
            for column in _SUMS:
                here[column] += float(row.get(column) or 0)
    rows = []
    for key2 in out:
        row = out[key2]
        left = step * round((row["records"] - row["linked"]) / step)
        rates = {"estimate": 1 - left / row["records"] if row["records"] else None}
        rows.append({"group": row["group"], "label": row["label"], "n": int(row["records"]), **rates})
    return rows


def examine(inputs: Inputs) -> Safe:
    """Pass every output through the gate.

    Raises
    ------
    DisclosureError
        An output may not leave; nothing is released.
    """
    keeper = _Gatekeeper(inputs)
    policy = inputs.city.policy
    gaps = keeper.estimates("gaps", ("n", "n_group"))
    variance = keeper.estimates("variance", ("n",), ("variance", "share", "low", "high"))
    strengths = keeper.estimates("strengths", ("n",), ("value", "low", "high"))
    factors = keeper.estimates("factors", ("n",), ("estimate", "low", "high", "p", "q"))
    counts = keeper.estimates("counts", ("n",), ())
    schools = SchoolRows(
        "schools",
        tuple({k: row.get(k) for k in _SCHOOL} | {"school": _school(inputs, row)} for row in keeper.rows("schools")),
    )
    public = keeper.passed(gate(schools, policy))
    official = keeper.passed(gate(schools, policy, "official"))
    counted, names = _reasons(inputs)
    reasons: list[tuple[str, int, bool]] = []
    if counted:
        order = tuple(reason for reason, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))
        values = np.array([counted[r] for r in order], dtype=np.int64)
        table = keeper.passed(gate(CountTable("reasons", (Axis("reason", order),), values), policy)).table
        if table is not None:
            states = zip((*order, "total"), table.values, table.shown, strict=True)
            reasons = [(r, int(n), bool(state == State.HIDDEN)) for r, n, state in states]
    transition = _transition(keeper, inputs)
    looked = Estimates("checks_looked", tuple(to_look_at(inputs)), (), ("numerator", "denominator"))
    returned = Estimates("returns", inputs.returns, (), ("items", "settled"))
    links = Estimates("links", tuple(_links(inputs)), ("estimate",), ("n",))

    def linked_rows(name: str, rows: list[dict[str, Any]], values: tuple[str, ...], counts: tuple[str, ...]) -> Rows:
        return keeper.passed(gate(Estimates(name, tuple(rows), values, counts), policy)).rows if rows else ()

    return Safe(
        inputs=inputs,
        gaps=gaps,
        variance=variance,
        strengths=strengths,
        factors=factors,
        counts=counts,
        schools=public.rows,
        named=public.named,
        official=official.rows,
        files=keeper.passed(gate(Tally("conservation", tuple(_files(inputs))), policy)).rows,
        reasons=tuple(reasons),
        reason_labels=names,
        links=keeper.passed(gate(links, policy)).rows,
        link_groups=linked_rows("link_groups", linked.groups(inputs), linked.RATE, ("n",)),
        link_deliveries=linked_rows("link_deliveries", linked.deliveries(inputs), linked.DELIVERY, ("n",)),
        link_differences=linked_rows("link_differences", linked.differences(inputs), linked.RATE, ("n",)),
        link_sweep=linked_rows("link_sweep", linked.sweep(inputs), linked.SWEEP, ("links", "persons")),
        link_told=linked.told(inputs),
        link_line=float(inputs.linkage.get("analysis", {}).get("line", 0.1)),
        verdicts=keeper.passed(gate(Tally("checks", tuple(verdicts(inputs))), policy)).rows,
        checks=keeper.passed(gate(looked, policy)).rows,
        returns=keeper.passed(gate(returned, policy)).rows,
        definition_counts=_counts(keeper, inputs, transition),
        transition=transition,
        decisions=tuple(keeper.decisions),
    )


def _school(inputs: Inputs, row: Mapping[str, Any]) -> str:
    code = str(row.get("school_code", ""))
    return inputs.schools.get(code, code)


def kind_label(inputs: Inputs, kind: str, lang: str) -> str:
    """Name a kind of dataset in words."""
    return both(inputs.kinds.get(kind, kind), lang)
