"""How well records were linked to persons: who is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.present.figures import Bar, bars
from commonground.present.tokens import UNCLEAR
from commonground.present.words import both, label, people, percent, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Cell, Figure
from commonground.publish.parts import Facts, head, made, quality_facts, table, text

Raw = Mapping[str, Any]
TOPS = (0.004, 0.008, 0.02, 0.04, 0.08, 0.2, 0.4, 0.8)  # ends of a scale whose quarters are round


def _facts(safe: Safe, lang: str) -> Facts:
    return quality_facts(
        safe,
        lang,
        unit="%",
        population=label("quality.population_records", lang),
        definition=label("quality.link_rule", lang),
    )


def _missing(row: Raw) -> float:
    return 1 - float(row["estimate"]) + 0.0


def fair(safe: Safe, lang: str) -> Figure | None:
    """Draw the records that were linked to nobody, by kind of area and by source."""
    rows = sorted((r for r in safe.links if r["estimate"] is not None), key=lambda r: r["group"] != "county")
    if not rows:
        return None
    worst = max(rows, key=lambda r: (_missing(r), str(r["label"])))
    most = _missing(worst)
    rate = percent(most, 1)
    if most < 0.0005:
        finding = label("quality.fair_all", lang)
    elif most > 0.05:
        finding = sentence("quality.fair_finding", lang, name=both(worst["label"], lang), rate=rate)
    else:
        finding = sentence("quality.fair_even", lang, rate=rate)
    drawn: list[Bar] = []
    for group in ("county", "source"):
        inside = [r for r in rows if r["group"] == group]
        if inside:
            drawn.append(Bar(label(f"quality.fair_by_{group}", lang), ()))
        drawn += [Bar(both(r["label"], lang), ((_missing(r), UNCLEAR),), percent(_missing(r), 1)) for r in inside]
    axis, top = label("quality.fair_axis", lang), next((t for t in TOPS if most <= t), 1.0)
    cells = [
        (
            text(both(r["label"], lang)),
            text(label(f"quality.fair_{r['group']}", lang)),
            Cell(percent(_missing(r), 1), True),
            Cell(people(r["n"]), True),
        )
        for r in rows
    ]
    columns = head("of", "by", "rate", "records_all", lang=lang, numeric=("rate", "records_all"))
    return Figure(
        id="quality-fair",
        number="",
        finding=finding,
        sub=label("quality.fair_sub", lang),
        draw=lambda width: bars(drawn, width, title=finding, axis=axis, top=top),
        facts=_facts(safe, lang),
        notsaid=label("quality.fair_notsaid", lang),
        made=made(safe, "quality.made_link", lang),
        table=table(columns, cells, stack=True),
        data=tuple(
            {"group": r["group"], "label": both(r["label"], "en"), "linked": r["estimate"], "records": r["n"]}
            for r in rows
        ),
    )
