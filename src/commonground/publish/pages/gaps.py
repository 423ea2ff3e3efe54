"""Gaps: three subjects by group, and where the gap lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commonground.present.figures import Row, interval_rows, small_multiples
from commonground.present.words import both, label, labels, number, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Figure, Page, Pair, Section, Shown
from commonground.publish.parts import (
    GROUPS,
    SUBJECTS,
    as_row,
    below,
    count,
    crosses_zero,
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

Raw = Mapping[str, Any]
PARTS = ("raw", "adjusted", "progress", "within", "between")
_ROLE = {"raw": "parents_away", "adjusted": "quiet", "progress": "quiet", "within": "estimate", "between": "plain"}


def gap(safe: Safe, subject: str, comparison: str, group: str = "parents_away") -> Raw | None:
    """Find one gap that the gate let through."""
    for row in known(safe.gaps):
        if (row["subject"], row["comparison"], row["group"]) == (subject, comparison, group):
            return row
    return None


def subjects(safe: Safe) -> list[str]:
    """Subjects of the study in the order of the pages."""
    here = {row["subject"] for row in safe.gaps}
    return [s for s in SUBJECTS if s in here and s != "pooled"] or sorted(here)


def main_subject(safe: Safe) -> str | None:
    """Subject of the headline: the first with a gap that can be shown."""
    return next((s for s in subjects(safe) if gap(safe, s, "raw")), None)


def gap_sentence(safe: Safe, subject: str, lang: str, *, bold: bool) -> str:
    """Say the gap of a subject, and within the same school where that is known."""
    raw, within = gap(safe, subject, "raw"), gap(safe, subject, "within")
    if raw is None:
        return ""
    name, base = subject_name(subject, lang), "overview" if bold else "gaps"
    if crosses_zero(raw):
        if bold:
            return sentence("overview.gap_unclear", lang, subject=name, **signed_pair(raw, lang))
        return sentence("gaps.lede_unclear", lang, subject=name, range=signed_pair(raw, lang)["range"])
    if within is None:
        return sentence("overview.gap" if bold else "gaps.lede_simple", lang, subject=name, **below(raw, lang))
    if crosses_zero(within):
        inner = sentence("overview.within_unclear", lang, range=signed_pair(within, lang)["range"])
    else:
        inner = sentence("overview.within_clear", lang, **below(within, lang))
    inner = inner if bold else inner.replace("**", "")
    key = "overview.gap_within" if base == "overview" else "gaps.lede"
    return sentence(key, lang, subject=name, within=inner, **below(raw, lang))


def signed_pair(row: Raw, lang: str) -> dict[str, str]:
    """Write value and range with their signs."""
    low, high = number(row["low"], sign=True), number(row["high"], sign=True)
    return {"value": number(row["estimate"], sign=True), "range": sentence("fig.range", lang, low=low, high=high)}


def _title(safe: Safe, lang: str) -> str:
    raws = [r for s in subjects(safe) if (r := gap(safe, s, "raw"))]
    if raws and all(crosses_zero(r) for r in raws):
        return label("gaps.title_unclear", lang)
    mostly = set()
    for row in raws:
        between, within = (gap(safe, row["subject"], part) for part in ("between", "within"))
        if between and within and not crosses_zero(row):
            larger, name = max((abs(r["estimate"]), k) for k, r in (("between", between), ("within", within)))
            seen = not crosses_zero(between if name == "between" else within)
            # a part is called the larger only where it is seen by itself
            mostly.add(name if seen and larger else "mixed")
    return label(f"gaps.title_{mostly.pop()}" if len(mostly) == 1 else "gaps.title_mixed", lang)


def alike(safe: Safe, lang: str) -> str:
    """List what children have in common in the adjusted comparison: the study's covariates, in words."""
    said = safe.inputs.provenance.get("covariates") or ()
    return label("fig.list_comma", lang).join(both(c, lang) for c in said)


def comparison_name(safe: Safe, comparison: str, lang: str) -> str:
    """Name a comparison; the adjusted one says for what."""
    listed = alike(safe, lang)
    if comparison == "adjusted" and listed:
        return sentence("comparison.adjusted_for", lang, list=listed)
    return label(f"comparison.{comparison}", lang)


def _table_of(safe: Safe, rows: Sequence[Raw], lang: str) -> Any:
    columns = head(
        "subject", "group", "comparison", "estimate", "low", "high", "n", lang=lang,
        numeric=("estimate", "low", "high", "n"),
    )  # fmt: skip
    cells = [
        (
            text(label(f"subject.{r['subject']}", lang)),
            text(label(f"group.{r['group']}", lang)),
            text(comparison_name(safe, r["comparison"], lang)),
            *(num(r.get(k), safe, lang) for k in ("estimate", "low", "high")),
            count(r.get("n_group", r.get("n")), safe),
        )
        for r in rows
    ]
    return table(columns, cells, stack=True)


def _panels(safe: Safe, rows: list[Raw], lang: str) -> list[tuple[str, list[Row]]]:
    """Put the groups of each subject in one order."""
    groups = [g for g in GROUPS if any(r["group"] == g for r in rows)]
    panels = []
    for subject in subjects(safe):
        found = {r["group"]: r for r in rows if r["subject"] == subject}
        panel = []
        for group in groups:
            name = label(f"group.{group}", lang)
            panel.append(as_row(found[group], name, group) if group in found else Row(name))
        panels.append((label(f"subject.{subject}", lang), panel))
    return panels


def _three(safe: Safe, lang: str) -> Figure | None:
    single = [r for r in safe.gaps if r["subject"] != "pooled"]
    raw = known(r for r in single if r["comparison"] == "raw" and r["group"] in GROUPS)
    if not raw:
        return None
    # each group against the city where the study says so, so that local children are drawn too
    kind = "city" if known(r for r in single if r["comparison"] == "city") else "raw"
    rows = [r for r in single if r["comparison"] == kind]
    panels = _panels(safe, known(rows), lang)
    clear = [r for r in raw if not crosses_zero(r)]
    if clear:
        widest = max(clear, key=lambda r: abs(r["estimate"]))
        name = subject_name(widest["subject"], lang)
        finding = sentence("gaps.three_clear", lang, clear=len(raw), n=len(clear), subject=name)
    else:
        finding = sentence("gaps.three_none", lang, clear=len(raw))
    axis = label("gaps.city_axis" if kind == "city" else "gaps.three_axis", lang)
    period = both(safe.facts("gaps").get("period"), lang)
    listed = [r for r in single if r["comparison"] in (kind, "raw")]
    return Figure(
        id="gaps-three",
        number="",
        finding=finding,
        sub=sentence("gaps.city_sub" if kind == "city" else "gaps.three_sub", lang, period=period),
        draw=lambda width: small_multiples(panels, width, title=finding, axis=axis),
        facts=study_facts(safe, "gaps", lang, rests_on=("group", "outcome")),
        notsaid=label("gaps.three_notsaid", lang),
        made=made(safe, "gaps.three_made", lang),
        table=_table_of(safe, listed, lang),
        data=tuple(dict(r) for r in listed),
    )


def _parts_made(safe: Safe, rows: Sequence[Raw], lang: str) -> str:
    """Say how the parts were made, and of the earlier scores where there are any."""
    listed = alike(safe, lang) or label("comparison.adjusted", lang)
    said = [made(safe, "gaps.parts_made", lang, list=listed)]
    if any(r["comparison"] == "progress" for r in rows):
        said.append(label("gaps.parts_progress", lang))
    return ("" if lang == "zh" else " ").join(said)


def _parts(safe: Safe, lang: str) -> Figure | None:
    rows: list[Raw] = []
    drawn: list[Row] = []
    for subject in [*subjects(safe), "pooled"]:
        found = [r for p in PARTS if (r := gap(safe, subject, p)) is not None]
        if len(found) < 2:
            continue
        drawn.append(Row(label(f"subject.{subject}", lang)))
        drawn += [as_row(r, comparison_name(safe, r["comparison"], lang), _ROLE[r["comparison"]]) for r in found]
        rows += found
    first = next((s for s in subjects(safe) if gap(safe, s, "raw") and gap(safe, s, "within")), None)
    if not rows or first is None:
        return None
    raw, within = gap(safe, first, "raw"), gap(safe, first, "within")
    if raw is None or within is None:
        return None
    name = subject_name(first, lang)
    if crosses_zero(within):
        finding = sentence("gaps.parts_unclear", lang, subject=name)
    else:
        flip = -1 if raw["estimate"] < 0 else 1
        shown = {"raw": number(flip * raw["estimate"]), "within": number(flip * within["estimate"])}
        finding = sentence("gaps.parts_shrink", lang, subject=name, **shown)
    axis, zero = label("gaps.parts_axis", lang), label("gaps.zero", lang)
    return Figure(
        id="gaps-parts",
        number="",
        finding=finding,
        sub=label("gaps.parts_sub", lang),
        draw=lambda width: interval_rows(drawn, width, title=finding, axis=axis, zero_label=zero),
        facts=study_facts(safe, "gaps", lang, rests_on=("group", "outcome", "covariate", "earlier")),
        notsaid=label("gaps.parts_notsaid", lang),
        made=_parts_made(safe, rows, lang),
        table=_table_of(safe, rows, lang),
        data=tuple(dict(r) for r in rows),
    )


def strength_sentence(row: Raw, lang: str) -> str:
    """Say one strength; a statement of the study is a key with its subject, or a text in both languages."""
    value, span = share(row["value"], row["low"], row["high"], lang)
    statement = row["statement"]
    key, _, subject = str(statement).partition(".")
    if isinstance(statement, str) and f"strength.{key}" in labels(lang) and subject:
        return sentence(f"strength.{key}", lang, value=value, range=span, subject=subject_name(subject, lang))
    return sentence("strength.other", lang, statement=both(statement, lang), value=value, range=span)


def strengths(safe: Safe, lang: str) -> list[str]:
    """Say the strengths: each subject's by itself, what is pooled only where subjects are not."""
    rows = known(safe.strengths, "value")
    by_key: dict[str, list[Raw]] = {}
    for row in rows:
        by_key.setdefault(str(row["statement"]).partition(".")[0], []).append(row)
    chosen: list[Raw] = []
    for key, found in by_key.items():
        pooled = [r for r in found if str(r["statement"]).endswith(".pooled")]
        single = [r for r in found if r not in pooled]
        chosen += (pooled or single[:1]) if key.startswith("schools") else (single or pooled)
    return [strength_sentence(r, lang) for r in chosen]


def pair(safe: Safe, lang: str) -> Pair | None:
    """Put strengths beside the gap, strengths first."""
    left = tuple(strengths(safe, lang))
    subject = main_subject(safe)
    right = (gap_sentence(safe, subject, lang, bold=True),) if subject else ()
    if not left or not right:
        return None
    return Pair((label("gaps.strength", lang), left), (label("gaps.gap", lang), right))


def gaps(safe: Safe, lang: str) -> Page:
    """Make the page of gaps."""
    subject = main_subject(safe)
    lede = gap_sentence(safe, subject, lang, bold=False) if subject else ""
    sections = []
    three, parts, beside = _three(safe, lang), _parts(safe, lang), pair(safe, lang)
    if three:
        sections.append(Section("three", label("gaps.three", lang), (Shown(three), *((beside,) if beside else ()))))
    if parts:
        sections.append(Section("parts", label("gaps.parts", lang), (Shown(parts),)))
    nav = tuple((s.id, label(f"gaps.nav_{s.id}", lang)) for s in sections)
    return Page("gaps", _title(safe, lang), lede, tuple(sections), nav)
