"""Quality checks on the page of data quality: verdicts by dataset, and what somebody should look at, with its trend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from commonground.present.figures import Bar, bars
from commonground.present.tokens import ABSENT_DARK, BLUE, UNCLEAR
from commonground.present.words import both, label, people, percent, sentence
from commonground.publish.examine import Safe, kind_label
from commonground.publish.model import Cell, Figure
from commonground.publish.parts import count, department_name, head, quality_facts, table, text

VERDICTS = ("pass", "warn", "fail")


def _dataset(safe: Safe, row: Mapping[str, Any], lang: str) -> str:
    kind = str(row["kind"])
    return kind_label(safe.inputs, kind, lang) if kind in safe.inputs.kinds else str(row["dataset"])


def verdicts(safe: Safe, lang: str) -> Figure | None:
    """Draw how many checks of each dataset's last delivery passed, need a look, or failed."""
    rows = [row for row in safe.verdicts if sum(row[v] for v in VERDICTS)]
    if not rows:
        return None
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update({v: row[v] for v in (*VERDICTS, "other")})
    judged = sum(sums[v] for v in VERDICTS)
    finding = sentence("quality.checks_finding", lang, judged=people(judged), failed=people(sums["fail"]))
    colours = (("pass", BLUE), ("warn", UNCLEAR), ("fail", ABSENT_DARK))
    drawn = []
    for row in rows:
        whole = sum(row[v] for v in VERDICTS)
        parts = tuple((row[v] / whole, colour) for v, colour in colours)
        drawn.append(Bar(_dataset(safe, row, lang), parts, people(row["fail"]), inside=people(row["pass"])))
    axis = label("quality.checks_axis", lang)
    keys = (*VERDICTS, "other")
    cells = [(text(_dataset(safe, r, lang)), *(Cell(people(r[k]), True) for k in keys)) for r in rows]
    cells.append((Cell(label("fig.total", lang)), *(Cell(people(sums[k]), True) for k in keys)))
    columns = (*head("dataset", lang=lang), *(Cell(label(f"quality.checks_{k}", lang), True) for k in keys))
    return Figure(
        id="quality-checks",
        number="",
        finding=finding,
        sub=label("quality.checks_sub", lang),
        draw=lambda width: bars(drawn, width, title=finding, axis=axis),
        facts=quality_facts(
            safe,
            lang,
            unit=label("quality.unit_checks", lang),
            population=sentence("quality.checks_population", lang, n=len(rows)),
            definition=label("quality.checks_rule", lang),
        ),
        notsaid=label("quality.checks_notsaid", lang),
        made=label("quality.made_checks", lang),
        table=table(columns, cells, total=True, stack=True),
        data=tuple(rows),
        key=tuple((colour, label(f"quality.checks_{v}", lang)) for v, colour in colours),
    )


def _share(row: Mapping[str, Any] | None) -> str:
    """Write the share of the counts that passed the gate, so that it tells no more than they do."""
    if row is None or row["numerator"] is None or row["denominator"] is None:
        return "—"
    return percent(min(row["numerator"] / row["denominator"], 1.0), 1) if row["denominator"] else "—"


def to_look_at(safe: Safe, lang: str) -> Figure | None:
    """List the checks that failed or need a look: what, how many of how many, and the share in every delivery."""
    if not safe.checks:
        return None
    last: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in safe.checks:
        last.setdefault((str(row["dataset"]), str(row["check"])), []).append(row)
    cells = []
    for points in last.values():
        at = points[-1]
        trend = sentence("quality.checks_then", lang).join(_share(p) for p in points)
        cells.append(
            (
                text(_dataset(safe, at, lang)),
                text(both(at["said"], lang)),
                Cell(label(f"quality.checks_{at['verdict']}", lang), together=True),
                count(at["numerator"], safe),
                count(at["denominator"], safe),
                text(trend),
            )
        )
    columns = head("dataset", "check", "verdict", "count", "of_all", "trend", lang=lang, numeric=("count", "of_all"))
    hidden = ("said", "todo")
    return Figure(
        id="quality-look",
        number="",
        finding=sentence("quality.look_finding", lang, n=people(len(last))),
        sub=sentence("quality.look_sub", lang, rounding=safe.inputs.city.policy.rounding),
        draw=None,
        facts=quality_facts(
            safe,
            lang,
            unit=label("quality.unit_values", lang),
            population=sentence("quality.checks_population", lang, n=len({d for d, _ in last})),
            definition=label("quality.checks_rule", lang),
        ),
        notsaid=label("quality.look_notsaid", lang),
        made=sentence("quality.made_look", lang, threshold=safe.inputs.city.policy.cell_threshold),
        table=table(columns, cells, stack=True),
        data=tuple({k: v for k, v in row.items() if k not in hidden} for row in safe.checks),
    )


def returned(safe: Safe, lang: str) -> Figure | None:
    """List what went back to the departments to be corrected: items of each delivery, and the share that is settled."""
    if not safe.returns:
        return None
    kinds = {(r["department"], r["dataset"]): r["kind"] for r in safe.files}
    cells = []
    for row in safe.returns:
        kind = kinds.get((row["department"], row["dataset"]), "")
        share = _share({"numerator": row["settled"], "denominator": row["items"]})
        cells.append(
            (
                text(department_name(str(row["department"]), lang)),
                text(_dataset(safe, {**row, "kind": kind}, lang)),
                text(str(row["delivery"])),
                count(row["items"], safe),
                count(row["settled"], safe),
                Cell(share, True),
            )
        )
    columns = head(
        "department", "dataset", "delivery", "items", "settled", "settled_share", lang=lang,
        numeric=("items", "settled", "settled_share"),
    )  # fmt: skip
    return Figure(
        id="quality-returned",
        number="",
        finding=sentence("quality.returned_finding", lang, n=people(len(cells))),
        sub=sentence("quality.returned_sub", lang, rounding=safe.inputs.city.policy.rounding),
        draw=None,
        facts=quality_facts(
            safe,
            lang,
            unit=label("quality.unit_items", lang),
            population=sentence("quality.returned_population", lang, n=len(cells)),
            definition=label("quality.contracts", lang),
        ),
        notsaid=label("quality.returned_notsaid", lang),
        made=sentence("quality.made_look", lang, threshold=safe.inputs.city.policy.cell_threshold),
        table=table(columns, cells, stack=True),
        data=tuple(safe.returns),
    )
