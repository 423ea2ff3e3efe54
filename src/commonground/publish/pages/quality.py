"""Data quality: conservation, reasons of quarantine, quality checks, linkage, small numbers."""

from __future__ import annotations

from typing import Any

from commonground.present.figures import Bar, bars, counts_as_bars
from commonground.present.tokens import ABSENT_DARK, BLUE, UNCLEAR
from commonground.present.words import both, label, people, percent, sentence, wan
from commonground.publish.examine import Safe, kind_label
from commonground.publish.model import Cell, Figure, Help, Listed, Page, Section, Shown, Table, Text
from commonground.publish.pages.checks import returned, to_look_at, verdicts
from commonground.publish.pages.linkage import fair
from commonground.publish.parts import department_name, head, made, quality_facts, table, text


def _name(safe: Safe, row: dict[str, object], lang: str) -> str:
    kind = str(row.get("kind") or "")
    return kind_label(safe.inputs, kind, lang) if kind in safe.inputs.kinds else str(row["dataset"])


def _percent(part: int, whole: int) -> str:
    return percent(part / whole, 1) if whole else percent(0.0)


def _sums(safe: Safe, rows: list[dict[str, Any]], lang: str) -> Table:
    columns = head(
        "dataset", "department", "rows", "records", "quarantined", "non_data", lang=lang,
        numeric=("rows", "records", "quarantined", "non_data"),
    )  # fmt: skip
    numbers = ("rows", "records", "quarantined", "non_data")
    cells = [
        (
            text(_name(safe, r, lang)),
            text(department_name(str(r["department"]), lang)),
            *(Cell(people(r[k]), True) for k in numbers),
        )
        for r in rows
    ]
    whole = tuple(Cell(people(sum(r[k] for r in rows)), True) for k in numbers)
    cells.append((Cell(label("fig.total", lang)), Cell(""), *whole))
    return table(columns, cells, total=True, stack=True)


def _sum(safe: Safe, lang: str) -> Figure | None:
    rows = list(safe.files)
    if not rows:
        return None
    total = sum(r["rows"] for r in rows)
    finding = sentence("quality.sum_finding", lang, rows=people(total))
    drawn = [
        Bar(
            _name(safe, r, lang),
            tuple(
                (r[k] / r["rows"], c)
                for k, c in (("records", BLUE), ("quarantined", UNCLEAR), ("non_data", ABSENT_DARK))
            ),
            people(r["quarantined"]),
            inside=_percent(r["records"], r["rows"]),
        )
        for r in rows
        if r["rows"]
    ]
    axis = label("quality.sum_axis", lang)
    return Figure(
        id="quality-sum",
        number="",
        finding=finding,
        sub=label("quality.sum_sub", lang),
        draw=lambda width: bars(drawn, width, title=finding, axis=axis),
        facts=quality_facts(
            safe,
            lang,
            unit=label("quality.unit_rows", lang),
            population=sentence("quality.population", lang, n=len(rows)),
            definition=label("quality.contracts", lang),
        ),
        notsaid=label("quality.sum_notsaid", lang),
        made=label("quality.made", lang),
        table=_sums(safe, rows, lang),
        data=tuple(rows),
        key=(
            (BLUE, label("quality.used", lang)),
            (UNCLEAR, label("quality.quarantined", lang)),
            (ABSENT_DARK, label("quality.non_data", lang)),
        ),
    )


def _why(safe: Safe, lang: str) -> Figure | None:
    shown = [(r, n, held) for r, n, held in safe.reasons if r != "total"]
    if not shown or shown[0][1] < 0:
        return None
    names = {r: both(safe.reason_labels.get(r, r), lang) for r, _, _ in shown}
    finding = sentence("quality.why_finding", lang, reason=names[shown[0][0]])
    drawn = [(names[r], n, people(n)) for r, n, _ in shown if n >= 0][:12]
    axis = label("quality.unit_values", lang)
    threshold, rounding = safe.inputs.city.policy.cell_threshold, safe.inputs.city.policy.rounding

    def cell(n: int, held: bool) -> Cell:
        if held:
            return Cell(label("fig.hidden", lang), True, "hidden")
        return Cell(people(n), True) if n >= 0 else Cell(f"<{threshold}", True, "small")

    cells = [(text(names[r]), cell(n, held)) for r, n, held in shown]
    return Figure(
        id="quality-why",
        number="",
        finding=finding,
        sub=sentence("quality.why_sub", lang, rounding=rounding),
        draw=lambda width: counts_as_bars(drawn, width, title=finding, axis=axis),
        facts=quality_facts(
            safe,
            lang,
            unit=label("quality.unit_values", lang),
            population=sentence("quality.population", lang, n=len(safe.files)),
            definition=label("quality.contracts", lang),
        ),
        notsaid=label("quality.why_notsaid", lang),
        made=made(safe, "quality.made_why", lang),
        table=table(head("reason", "count", lang=lang, numeric=("count",)), cells),
        data=tuple({"reason": r, "count": n if n >= 0 else None} for r, n, _ in shown),
    )


def _output_name(safe: Safe, output: str, lang: str) -> str:
    """Name an output; counts of a version are named by the definition's title."""
    id, _, version = output.partition(" ")
    title = next((both(d.title, lang) for d in safe.inputs.definitions if d.id == id and version), None)
    if title is not None:
        return sentence("output.definition", lang, title=title, version=version)
    return label(f"output.{output}", lang, default=output)


def _small(safe: Safe, lang: str) -> Section:
    policy = safe.inputs.city.policy
    decisions = safe.decisions
    said = sentence(
        "quality.small_text",
        lang,
        threshold=policy.cell_threshold,
        outputs=len(decisions),
        cells=people(sum(d.entries for d in decisions)),
        small=people(sum(d.small + d.withheld for d in decisions)),
        hidden=people(sum(d.hidden for d in decisions)),
        recovered=sum(d.recovered for d in decisions),
    )
    columns = head("output", "cells", "small", "hidden", lang=lang, numeric=("cells", "small", "hidden"))
    rows = [
        (
            text(_output_name(safe, d.output, lang)),
            *(Cell(people(v), True) for v in (d.entries, d.small + d.withheld, d.hidden)),
        )
        for d in decisions
    ]
    listed = Listed(table(columns, rows, caption=label("quality.decisions", lang), stack=True))
    return Section("small", sentence("quality.small", lang, threshold=policy.cell_threshold), (Text(said), listed))


def quality(safe: Safe, lang: str) -> Page:
    """Make the page of data quality."""
    total = sum(r["rows"] for r in safe.files)
    title, lede = label("quality.title_plain", lang), ""
    if total:
        title = label("quality.title", lang)
        lede = sentence(
            "quality.lede",
            lang,
            departments=len({r["department"] for r in safe.files}),
            rows=wan(total, lang),
            share=_percent(sum(r["records"] for r in safe.files), total),
            quarantined=people(sum(r["quarantined"] for r in safe.files)),
        )
    sections = []
    for name, figure in (
        ("sum", _sum(safe, lang)),
        ("why", _why(safe, lang)),
        ("checks", verdicts(safe, lang)),
        ("look", to_look_at(safe, lang)),
        ("returned", returned(safe, lang)),
        ("fair", fair(safe, lang)),
    ):
        if figure:
            sections.append(Section(name, label(f"quality.{name}", lang), (Shown(figure),)))
    sections.append(_small(safe, lang))
    nav = tuple((s.id, label(f"quality.nav_{s.id}", lang)) for s in sections)
    sections.append(Section("help", "", (Help(),)))
    return Page("quality", title, lede, tuple(sections), nav)
