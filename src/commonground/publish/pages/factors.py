"""School factors: what goes with results, and whether it differs for children whose parents are away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.present.figures import Row, interval_rows
from commonground.present.words import both, label, number, percent, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Cell, Figure, Page, Pair, Section, Shown
from commonground.publish.parts import (
    crosses_zero,
    head,
    known,
    num,
    study_facts,
    table,
    text,
)

Raw = Mapping[str, Any]
RESTS_ON = ("group", "outcome", "covariate", "factor")


def clear(safe: Safe, row: Raw) -> bool:
    """Whether a factor is still seen after correction for the number of factors looked at.

    The share of false discoveries that is accepted is the study's own.
    """
    q, rate = row.get("q"), safe.inputs.provenance.get("discovery_rate")
    return not crosses_zero(row) and (q is None or rate is None or q <= rate)


def factor_name(safe: Safe, factor: str, lang: str) -> str:
    """Name a factor by the title of its definition."""
    for d in safe.inputs.definitions:
        if d.id == factor:
            return both(d.title, lang)
    for d in safe.facts("factors").get("definitions", ()):
        if d.get("id") == factor:
            return both(d.get("title"), lang)
    return factor


def _subject(safe: Safe) -> str | None:
    here = {r["subject"] for r in safe.factors}
    return next((s for s in ("pooled", "math", "chinese", "english") if s in here), None)


def of_term(safe: Safe, term: str) -> list[Raw]:
    """Rows of one term in the subject of the page, in the order of the study."""
    subject = _subject(safe)
    return [r for r in known(safe.factors) if r["term"] == term and r["subject"] == subject]


def _figure(safe: Safe, rows: list[Raw], lang: str, *, name: str, finding: str, key: str) -> Figure:
    drawn = [
        Row(
            factor_name(safe, r["factor"], lang),
            r["estimate"],
            r["low"],
            r["high"],
            "estimate" if clear(safe, r) else "quiet",
        )
        for r in rows
    ]
    axis, zero = label("factors.axis", lang), label("factors.zero", lang)
    columns = head(
        "factor", "subject", "estimate", "low", "high", "q", "schools", lang=lang,
        numeric=("estimate", "low", "high", "q", "schools"),
    )  # fmt: skip
    term = rows[0]["term"]
    every = [r for r in safe.factors if r["term"] == term]
    cells = [
        (
            text(factor_name(safe, r["factor"], lang)),
            text(label(f"subject.{r['subject']}", lang)),
            *(num(r.get(k), safe, lang) for k in ("estimate", "low", "high")),
            Cell(number(r["q"], 3), True) if r.get("q") is not None else Cell(label("fig.not_applicable", lang), True),
            Cell(str(r.get("schools", "")), True),
        )
        for r in every
    ]
    return Figure(
        id=f"factors-{name}",
        number="",
        finding=finding,
        sub=label(f"factors.{key}", lang),
        draw=lambda width: interval_rows(drawn, width, title=finding, axis=axis, zero_label=zero),
        facts=study_facts(safe, "factors", lang, rests_on=RESTS_ON),
        notsaid=label("factors.notsaid" if name == "what" else "factors.whom_notsaid", lang),
        made=_made(safe, lang),
        table=table(columns, cells, stack=True),
        data=tuple({k: v for k, v in r.items() if k != "small"} for r in every),
        key=(("estimate", label("factors.clear", lang)), ("quiet", label("factors.not_clear", lang))),
    )


def _made(safe: Safe, lang: str) -> str:
    rate = safe.inputs.provenance.get("discovery_rate")
    text = label("factors.made", lang)
    return text if rate is None else f"{text}{sentence('factors.made_rate', lang, rate=percent(rate))}"


def factors(safe: Safe, lang: str) -> Page:
    """Make the page of school factors."""
    rows = of_term(safe, "all_children")
    extra = of_term(safe, "difference") or of_term(safe, "parents_away")
    seen = [r for r in rows if clear(safe, r)]
    title = label("factors.title_none", lang)
    if len(seen) == 1:
        title = sentence("factors.title_one", lang, name=factor_name(safe, seen[0]["factor"], lang))
    elif seen:
        title = label("factors.title_some", lang)
    lede = sentence("factors.lede", lang, total=len(rows), n=len(seen)) if rows else ""
    sections = []
    if rows:
        finding = label("factors.finding_none", lang)
        if seen:
            best = max(seen, key=lambda r: abs(r["estimate"]))
            finding = sentence("factors.finding_some", lang, name=factor_name(safe, best["factor"], lang), n=len(seen))
        figure = _figure(safe, rows, lang, name="what", finding=finding, key="sub")
        sections.append(Section("what", label("factors.what", lang), (Shown(figure),)))
    if extra:
        other = [r for r in extra if clear(safe, r)]
        finding = label("factors.whom_none", lang)
        if other:
            best = max(other, key=lambda r: abs(r["estimate"]))
            # more or less than for all children: a difference against the sign of the association is "less"
            same = next((r["estimate"] for r in rows if r["factor"] == best["factor"]), 1.0)
            key = "factors.whom_some" if (best["estimate"] > 0) == (same > 0) else "factors.whom_less"
            finding = sentence(key, lang, name=factor_name(safe, best["factor"], lang))
        figure = _figure(safe, extra, lang, name="whom", finding=finding, key="whom_sub")
        sections.append(Section("whom", label("factors.whom", lang), (Shown(figure),)))
    if rows:
        unclear = sum(1 for r in rows if crosses_zero(r))
        wait = sentence("factors.wait_text", lang, n=unclear)
        pair = Pair(
            (label("factors.try", lang), (label("factors.try_text", lang),)), (label("factors.wait", lang), (wait,))
        )
        sections.append(Section("next", label("factors.next", lang), (pair,)))
    nav = tuple((s.id, label(f"factors.nav_{s.id}", lang)) for s in sections if s.id != "next")
    return Page("factors", title, lede, tuple(sections), nav)
