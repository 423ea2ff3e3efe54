"""Downloads: the rows behind each figure as CSV and JSON, with intervals as columns and the facts beside them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from commonground.disclosure import DECIMALS
from commonground.present.words import label, plain
from commonground.publish.model import Figure

_CONTEXT = ("unit", "population", "period", "interval", "definition", "source")


def _facts(figure: Figure, lang: str) -> dict[str, list[str]]:
    named = dict(figure.facts)
    return {key: list(named[label(f"fig.{key}", lang)]) for key in (*_CONTEXT, "children")}


def _shown(value: Any) -> Any:
    """Round what a download holds: more digits than these tell nothing, but give back the counts behind a share."""
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value


def as_csv(figure: Figure, release: str) -> bytes:
    """Write the rows with the figure's facts as further columns, UTF-8 with a mark for spreadsheets."""
    facts = _facts(figure, "en")
    context = {k: "; ".join(facts[k]) for k in _CONTEXT} | {"release": release}
    columns: list[str] = []
    for row in figure.data:
        columns += [k for k in row if k not in columns and k != "small"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*columns, *context])
    for row in figure.data:
        writer.writerow([*("" if row.get(k) is None else _shown(row[k]) for k in columns), *context.values()])
    return ("\ufeff" + out.getvalue()).encode("utf-8")


def as_json(figures: Mapping[str, Figure], release: str) -> bytes:
    """Write the rows with title, facts and notes in both languages."""
    one = figures["zh"]
    said: dict[str, Any] = {
        "id": one.id,
        "release": release,
        "finding": {lang: plain(f.finding) for lang, f in figures.items()},
        "subtitle": {lang: plain(f.sub) for lang, f in figures.items()},
        "facts": {lang: _facts(f, lang) for lang, f in figures.items()},
        "does_not_say": {lang: plain(f.notsaid) for lang, f in figures.items()},
        "made": {lang: plain(f.made) for lang, f in figures.items()},
        "rows": [{k: _shown(v) for k, v in row.items() if k != "small"} for row in one.data],
    }
    return (json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")
