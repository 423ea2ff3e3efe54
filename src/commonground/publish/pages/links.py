"""The quality of who is who: links missed and false by group and by delivery, thresholds, and who was not joined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from commonground.present.figures import Row, interval_rows, small_multiples
from commonground.present.words import both, label, number, people, percent, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Cell, Figure, Page, Part, Section, Shown, Text
from commonground.publish.parts import Facts, facts_list, head, table, text

Raw = Mapping[str, Any]
LEVEL = percent(0.95)
"""Coverage of the report's intervals (``people.quality`` makes all of them at this level)."""


def _interval(kind: str, lang: str) -> str:
    return (
        label("links.interval_none", lang) if kind == "none" else sentence(f"links.interval_{kind}", lang, level=LEVEL)
    )


def _facts(safe: Safe, lang: str, *, unit: str, interval: str) -> Facts:
    return facts_list(
        lang,
        unit=label(f"links.unit_{unit}", lang),
        population=label("links.population", lang),
        period=sentence("links.period", lang, version=safe.inputs.version),
        children=label("fig.not_applicable", lang),
        interval=_interval(interval, lang),
        definition=label("links.definition", lang),
        source=sentence("fig.warehouse", lang, version=safe.inputs.version),
    )


def _least(value: float, decimals: int = 2) -> str:
    """Write a share of nearly all, rounded down: what is not all is not called so."""
    scale = 10 ** (decimals + 2)
    return percent(math.floor(value * scale + 1e-9) / scale, decimals)


def _range(row: Raw, lang: str, low: str = "low", high: str = "high", decimals: int = 2) -> str:
    return sentence("fig.range", lang, low=number(100 * row[low], decimals), high=percent(row[high], decimals))


def _value(row: Raw) -> str:
    """Write a rate with its interval, as beside its row."""
    return f"{number(100 * row['estimate'])} ({number(100 * row['low'])}, {number(100 * row['high'])})"


def _by_axis(rows: Sequence[Raw], lang: str, draw: Any) -> list[Row]:
    """Make rows of a figure under the name of their axis."""
    out: list[Row] = []
    for name in dict.fromkeys(r["axis"] for r in rows):
        inside = [r for r in rows if r["axis"] == name]
        out.append(Row(both(inside[0]["axis_label"], lang)))
        out += [draw(r, both(r["label"], lang)) for r in inside]
    return out


def missed(safe: Safe, lang: str) -> Figure | None:
    """Draw the missed-link rate of each group with its interval."""
    rows = [r for r in safe.link_groups if r["estimate"] is not None]
    if not rows:
        return None
    gaps = safe.link_told.get("gaps", ())
    finding = label("links.missed_even", lang)
    if gaps:
        first = max(gaps, key=lambda g: g["gap"]["value"])
        finding = sentence(
            "links.missed_finding",
            lang,
            axis=both(first["axis_label"], lang),
            name=both(first["worst_label"], lang),
            points=number(100 * first["gap"]["value"]),
        )
    drawn = _by_axis(
        rows, lang, lambda r, name: Row(name, 100 * r["estimate"], 100 * r["low"], 100 * r["high"], text=_value(r))
    )
    axis = sentence("links.missed_axis", lang, level=LEVEL)
    cells = [
        (
            text(both(r["axis_label"], lang)),
            text(both(r["label"], lang)),
            Cell(percent(r["estimate"], 2), True),
            Cell(percent(r["low"], 2), True),
            Cell(percent(r["high"], 2), True),
            Cell(people(r["n"]), True),
        )
        for r in rows
    ]
    columns = head("by", "group", "missed_rate", "low", "high", "records_all", lang=lang,
                   numeric=("missed_rate", "low", "high", "records_all"))  # fmt: skip
    return Figure(
        id="links-missed",
        number="",
        finding=finding,
        sub=label("links.missed_sub", lang),
        draw=lambda width: interval_rows(drawn, width, title=finding, axis=axis, zero=False),
        facts=_facts(safe, lang, unit="share", interval="draws"),
        notsaid=label("links.missed_notsaid", lang),
        made=label("links.missed_made", lang),
        table=table(columns, cells, stack=True),
        data=tuple({"axis": r["axis"], "group": r["group"], "missed_rate": r["estimate"], "low": r["low"],
                    "high": r["high"], "records": r["n"]} for r in rows),
    )  # fmt: skip


def deliveries(safe: Safe, lang: str) -> Figure | None:
    """Draw estimated precision and recall of each delivery with intervals."""
    rows = [r for r in safe.link_deliveries if r["precision"] is not None and r["recall"] is not None]
    if not rows:
        return None
    measures = ("precision", "recall")
    finding = sentence("links.deliveries_finding", lang, **{m: _least(min(r[m] for r in rows)) for m in measures})
    names = [f"{both(r['label'], lang)} {r['delivery']}" for r in rows]
    panels = [
        (
            label(f"col.{m}", lang),
            [
                Row(n, 100 * r[m], 100 * r[f"{m}_low"], 100 * r[f"{m}_high"], text=_least(r[m]))
                for n, r in zip(names, rows, strict=True)
            ],
        )
        for m in measures
    ]
    axis = label("links.percent_axis", lang)
    cells = [
        (text(n), *(Cell(f"{_least(r[m])} {_range(r, lang, f'{m}_low', f'{m}_high')}", True) for m in measures))
        for n, r in zip(names, rows, strict=True)
    ]
    return Figure(
        id="links-deliveries",
        number="",
        finding=finding,
        sub=sentence("links.deliveries_sub", lang, level=LEVEL),
        draw=lambda width: small_multiples(panels, width, title=finding, axis=axis, zero=False),
        facts=_facts(safe, lang, unit="share", interval="draws"),
        notsaid=label("links.deliveries_notsaid", lang),
        made=label("links.missed_made", lang),
        table=table(head("dataset", *measures, lang=lang, numeric=measures), cells, stack=True),
        data=tuple({k: v for k, v in r.items() if k not in ("label", "small")} for r in rows),
    )


def unlike(safe: Safe, lang: str) -> Figure | None:
    """Draw standardised differences between joined and other records."""
    rows = [r for r in safe.link_differences if r["estimate"] is not None]
    if not rows:
        return None
    many = sum(abs(r["estimate"]) >= safe.link_line for r in rows)
    line = number(safe.link_line, 1)
    finding = sentence("links.unlike_finding", lang, n=many) if many else label("links.unlike_none", lang)
    drawn = _by_axis(rows, lang, lambda r, name: Row(name, r["estimate"], r["low"], r["high"]))
    cells = [
        (
            text(both(r["axis_label"], lang)),
            text(both(r["label"], lang)),
            *(Cell(number(r[k], sign=True), True) for k in ("estimate", "low", "high")),
        )
        for r in rows
    ]
    columns = head("by", "group", "estimate", "low", "high", lang=lang, numeric=("estimate", "low", "high"))
    return Figure(
        id="links-unlike",
        number="",
        finding=finding,
        sub=label("links.unlike_sub", lang),
        draw=lambda width: interval_rows(
            drawn, width, title=finding, axis=label("links.unlike_axis", lang), zero_label=label("links.alike", lang)
        ),
        facts=_facts(safe, lang, unit="difference", interval="normal"),
        notsaid=label("links.unlike_notsaid", lang),
        made=sentence("links.unlike_made", lang, line=line),
        table=table(columns, cells, stack=True),
        data=tuple({k: r[k] for k in ("axis", "group", "estimate", "low", "high")} for r in rows),
    )


def thresholds(safe: Safe, lang: str) -> Figure | None:
    """Draw what another threshold would change."""
    rows = [r for r in safe.link_sweep if r["precision"] is not None and r["recall"] is not None]
    if not rows:
        return None
    last = rows[-1]
    finding = sentence("links.sweep_finding", lang, threshold=f"{last['threshold']:g}", recall=_least(last["recall"]),
                       precision=_least(last["precision"]))  # fmt: skip

    def panel(key: str) -> list[Row]:
        return [
            Row(f"≥ {100 * r['threshold']:g}%", 100 * r[key], 100 * r[key], 100 * r[key], text=_least(r[key]))
            for r in rows
        ]

    panels = [
        (label(f"col.{k}", lang), panel(k)) for k in ("precision", "recall")
    ]  # one scale: the gap has no place on it
    axis = label("links.sweep_axis", lang)
    cells = [
        (
            text(f"{r['threshold']:g}"),
            Cell(people(r["links"]), True),
            Cell(people(r["persons"]), True),
            Cell(_least(r["precision"]), True),
            Cell(_least(r["recall"]), True),
            Cell("—" if r["gap"] is None else percent(r["gap"], 2), True),
        )
        for r in rows
    ]
    keys = ("threshold", "links_made", "persons", "precision", "recall", "gap_groups")
    return Figure(
        id="links-thresholds",
        number="",
        finding=finding,
        sub=sentence("links.sweep_sub", lang, rounding=safe.inputs.city.policy.rounding),
        draw=lambda width: small_multiples(panels, width, title=finding, axis=axis, zero=False),
        facts=_facts(safe, lang, unit="share", interval="none"),
        notsaid=label("links.sweep_notsaid", lang),
        made=label("links.sweep_made", lang),
        table=table(head(*keys, lang=lang, numeric=keys[1:]), cells, stack=True),
        data=tuple({k: v for k, v in r.items() if k != "small"} for r in rows),
    )


def _words(safe: Safe, lang: str) -> tuple[Part, ...]:
    """Say how the estimates were checked and what they do not cover."""
    found, out = safe.link_told, []
    if found.get("tried"):
        out.append(
            Text(sentence("links.hidden", lang, tried=people(found["tried"]), right=_least(found["right"], 1)))
        )  # fmt: skip
    else:
        out.append(Text(label("links.hidden_none", lang)))
    if found.get("spoilt") and found.get("spoilt_recall"):
        recall = _least(found["spoilt_recall"]["value"], 1)
        out.append(Text(sentence("links.spoilt", lang, tried=people(found["spoilt"]), recall=recall)))
    out += [Text(label(f"links.limit_{k}", lang)) for k in ("papers", "within", "numbers", "known")]
    return tuple(out)


def links(safe: Safe, lang: str) -> Page:
    """Make the page on the quality of links."""
    found, lede = safe.link_told, ""
    title = label("links.title", lang)
    if found.get("precision") and found.get("recall"):
        shown = {m: _least(found[m]["value"]) for m in ("precision", "recall")}
        spans = {f"{m}_range": _range(found[m], lang) for m in ("precision", "recall")}
        lede = sentence("links.lede", lang, **shown, **spans)
    sections = []
    for name, figure in (
        ("missed", missed(safe, lang)),
        ("deliveries", deliveries(safe, lang)),
        ("unlike", unlike(safe, lang)),
        ("sweep", thresholds(safe, lang)),
    ):
        if figure:
            sections.append(Section(name, label(f"links.{name}", lang), (Shown(figure),)))
    if found:
        sections.append(Section("words", label("links.words", lang), _words(safe, lang)))
    nav = tuple((s.id, label(f"links.nav_{s.id}", lang)) for s in sections)
    return Page("links", title, lede, tuple(sections), nav)
