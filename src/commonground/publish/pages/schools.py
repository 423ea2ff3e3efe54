"""Schools: the distribution without names, strengths of those that agreed, and where differences lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from commonground.disclosure import STEP
from commonground.present.figures import Bar, Row, bars, caterpillar, interval_rows
from commonground.present.tokens import BLUE
from commonground.present.words import label, number, percent, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Cell, Figure, Listed, Page, Section, Shown, Text
from commonground.publish.parts import (
    area_name,
    count,
    head,
    known,
    made,
    num,
    share,
    study_facts,
    subject_name,
    table,
    text,
)

RESTS_ON = ("group", "outcome", "covariate")
VERDICTS = ("above", "unclear", "below")


def between_schools(safe: Safe) -> Mapping[str, Any] | None:
    """Find the share of differences that lies between schools, with its interval; mathematics before the others."""
    rows = [r for r in known(safe.variance, "share") if r["level"] == "school"]
    order = {"null": 0, "adjusted": 1}
    subjects = {"pooled": 0, "math": 1}
    rows.sort(key=lambda r: (order.get(r["model"], 2), subjects.get(r["subject"], 2), str(r["subject"])))
    return rows[0] if rows else None


def verdicts(safe: Safe) -> Counter[str]:
    """Count schools by verdict."""
    return Counter(r["verdict"] for r in safe.schools)


def _distribution(safe: Safe, lang: str) -> Figure | None:
    if not safe.schools:
        return None
    counts = verdicts(safe)
    finding = sentence("schools.all_finding", lang, total=len(safe.schools), unclear=counts["unclear"])
    axis, mean = label("schools.all_axis", lang), label("schools.all_mean", lang)
    rows = [(text(label(f"verdict.{v}", lang)), Cell(str(counts[v]), True)) for v in VERDICTS]
    data = tuple({"verdict": v, "schools": counts[v]} for v in VERDICTS)
    return Figure(
        id="schools-all",
        number="",
        finding=finding,
        sub=sentence("schools.all_sub", lang, step=number(STEP)),
        draw=lambda width: caterpillar(safe.schools, lang, width, title=finding, axis=axis, mean=mean),
        facts=study_facts(safe, "schools", lang, rests_on=RESTS_ON),
        notsaid=label("schools.all_notsaid", lang),
        made=made(safe, "schools.made", lang),
        table=table(head("verdict", "schools", lang=lang, numeric=("schools",)), rows),
        data=data,
        key=tuple((v, label(f"verdict.{v}", lang)) for v in VERDICTS),
    )


def _strong(safe: Safe, lang: str) -> Figure | None:
    rows = [r for r in safe.named if r.get("gap") is not None and r["gap_low"] is not None]
    if not rows:
        return None
    drawn: list[Row] = []
    for row in rows:
        county = area_name(safe, str(row["county"]), lang)
        if county not in [r.label for r in drawn if r.estimate is None]:
            drawn.append(Row(county))
        drawn.append(Row(str(row["school"]), row["gap"], row["gap_low"], row["gap_high"]))
    finding = sentence("schools.strong_finding", lang, n=len(rows))
    axis, same = label("schools.strong_axis", lang), label("schools.strong_same", lang)
    columns = head("school", "estimate", "low", "high", lang=lang, numeric=("estimate", "low", "high"))
    cells = [(text(r["school"]), *(num(r[k], safe, lang) for k in ("gap", "gap_low", "gap_high"))) for r in rows]
    return Figure(
        id="schools-strong",
        number="",
        finding=finding,
        sub=label("schools.strong_sub", lang),
        draw=lambda width: interval_rows(drawn, width, title=finding, axis=axis, zero_label=same),
        facts=study_facts(safe, "schools", lang, rests_on=RESTS_ON),
        notsaid=label("schools.strong_notsaid", lang),
        made=made(safe, "schools.made", lang),
        table=table(columns, cells),
        data=tuple(dict(r) for r in rows),
    )


def _variance(safe: Safe, lang: str) -> Figure | None:
    rows = [r for r in known(safe.variance, "share") if r["level"] == "school"]
    best = between_schools(safe)
    if not rows or best is None:
        return None
    value, _ = share(best["share"], best["low"], best["high"], lang)
    finding = sentence("schools.variance_finding", lang, share=value)
    drawn = []
    for r in rows:
        name = " · ".join((label(f"subject.{r['subject']}", lang), label(f"model.{r['model']}", lang)))
        said = f"{number(100 * r['share'], 1)}% ({number(100 * r['low'], 1)}, {number(100 * r['high'], 1)})"
        drawn.append(Bar(name, ((r["share"], BLUE),), said, (r["low"], r["high"])))
    top = next((t for t in (0.1, 0.2, 0.4, 0.6, 0.8) if max(r["high"] for r in rows) <= t), 1.0)
    axis = label("schools.variance_axis", lang)
    every = [r for r in safe.variance if r.get("share") is not None]
    columns = head("subject", "model", "level", "share", "low", "high", lang=lang, numeric=("share", "low", "high"))

    def cell(value: float | None) -> Cell:
        return Cell(label("fig.not_applicable", lang) if value is None else percent(value, 1), True)

    cells = [
        (
            text(label(f"subject.{r['subject']}", lang)),
            text(label(f"model.{r['model']}", lang)),
            text(label(f"level.{r['level']}", lang)),
            *(cell(r.get(k)) for k in ("share", "low", "high")),
        )
        for r in every
    ]
    return Figure(
        id="schools-variance",
        number="",
        finding=finding,
        sub=label("schools.variance_sub", lang),
        draw=lambda width: bars(drawn, width, title=finding, axis=axis, top=top),
        facts=study_facts(safe, "variance", lang, unit="%", rests_on=RESTS_ON),
        notsaid=label("schools.variance_notsaid", lang),
        made=made(safe, "schools.made", lang),
        table=table(columns, cells, stack=True),
        data=tuple({k: v for k, v in r.items() if k != "small"} for r in every),
    )


def _judged(safe: Safe) -> tuple[int, int]:
    """Count schools whose gap can be judged, and those where it is probably not negative."""
    judged = [r for r in safe.official if r.get("p_gap_nonneg") is not None]
    return len(judged), sum(1 for r in judged if r["p_gap_nonneg"] >= 0.5)


def lede(safe: Safe, lang: str) -> str:
    """Say the two numbers of the page."""
    if not safe.schools:
        return ""
    slots = {"total": len(safe.schools), "unclear": verdicts(safe)["unclear"]}
    best = between_schools(safe)
    if best is None:
        return sentence("schools.lede_plain", lang, **slots)
    value, span = share(best["share"], best["low"], best["high"], lang)
    return sentence("schools.lede", lang, share=value, range=span, **slots)


def schools(safe: Safe, lang: str) -> Page:
    """Make the page of schools for the public."""
    counts = verdicts(safe)
    if not safe.schools:
        title = label("schools.title_none", lang)
    else:
        most = counts["unclear"] * 2 >= len(safe.schools)
        title = label("schools.title_some" if most else "schools.title_differ", lang)
    strong, all_, variance = _strong(safe, lang), _distribution(safe, lang), _variance(safe, lang)
    sections = []
    total, well = _judged(safe)
    if strong:
        sections.append(Section("strong", label("schools.strong", lang), (Shown(strong),)))
    elif total:
        minimum = safe.inputs.city.policy.school_minimum
        said = sentence("schools.strong_none_text", lang, minimum=minimum, n=well, total=total)
        sections.append(Section("strong", label("schools.strong_none", lang), (Text(said),)))
    if all_:
        note = Text(label("schools.official_note", lang), quiet=True)
        sections.append(Section("all", label("schools.all", lang), (Shown(all_), note)))
    if variance:
        sections.append(Section("var", label("schools.variance", lang), (Shown(variance),)))
    nav = tuple((s.id, label(f"schools.nav_{s.id}", lang)) for s in sections)
    return Page("schools", title, lede(safe, lang), tuple(sections), nav)


def official(safe: Safe, lang: str) -> Page:
    """Make the page of schools by name, for signed-in officials: intervals, in the order of the codes."""
    columns = head(
        "school", "county", "level", "effect", "verdict", "gap", "n", "children_away", lang=lang,
        numeric=("effect", "gap", "n", "children_away"),
    )  # fmt: skip

    def interval(row: Mapping[str, Any], value: str, low: str, high: str) -> Cell:
        if row.get(value) is None:
            return Cell(label("fig.not_applicable", lang), True)
        parts = (number(row[value], sign=True), number(row[low], sign=True), number(row[high], sign=True))
        return Cell(f"{parts[0]} ({parts[1]}, {parts[2]})", True)

    rows = [
        (
            text(r["school"]),
            text(area_name(safe, str(r["county"]), lang)),
            text(label(f"level.{r['level']}", lang)),
            interval(r, "effect", "low", "high"),
            text(label(f"verdict.{r['verdict']}", lang)),
            interval(r, "gap", "gap_low", "gap_high"),
            count(r["n"], safe),
            count(r["n_away"], safe),
        )
        for r in safe.official
    ]
    listed = Listed(table(columns, rows, stack=True))
    title = label("schools.official_title", lang)
    said = sentence("schools.official_lede", lang, n=len(rows))
    return Page("schools", title, said, (Section("all", label("schools.official_table", lang), (listed,)),))


__all__ = ["between_schools", "official", "schools", "subject_name", "verdicts"]
