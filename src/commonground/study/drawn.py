"""A study's tables as figures, for notebooks and for whoever works inside the city; releases draw their own.

Rows stand in the order of the study. Schools are drawn without names, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from commonground.errors import Said, StudyError
from commonground.present.figures import WIDE, Row, caterpillar, counts_as_bars, interval_rows
from commonground.present.words import label, number, people

if TYPE_CHECKING:
    from commonground.present.drawing import Chart
    from commonground.study.mixed import MixedModel
    from commonground.study.model import FindingTable
    from commonground.study.model import Row as Found

# columns that a figure writes above its rows, and those that name a row
_ABOVE = ("subject", "model", "term")
_NAMES = ("comparison", "group", "level", "factor", "version")
_INTERVALS = ("gaps", "variance", "factors", "specifications")
_SCHOOLS = ("schools", "schools_by_subject")
_COUNTS = ("counts", "flow")
_PARTS = ("raw", "within")  # of the comparisons; the others can be read in the table


def draw(table: FindingTable, lang: str, width: int = WIDE) -> Chart:
    """Draw a table of findings.

    Parameters
    ----------
    table : FindingTable
    lang : str
        "zh" or "en".
    width : int
        Unit: pixels; 736, or 358 for a narrow screen.

    Raises
    ------
    StudyError
        There is no figure of this table; it can be read by ``to_arrow``.
    """
    title, unit = table.title(lang), table.facts.unit(lang)
    if table.name == "variance":
        return interval_rows(
            list(_rows(table, lang)), width, title=title, axis=Said("方差", "variance")(lang), zero=False
        )
    if table.name in _INTERVALS:
        return interval_rows(list(_rows(table, lang)), width, title=title, axis=unit)
    if table.name in _SCHOOLS:
        mean = label("group.city_mean", lang)
        shown = [r for r in table.rows if r["shown"] and r.get("subject", "pooled") == "pooled"]
        return caterpillar(shown, lang, width, title=title, axis=unit, mean=mean)
    if table.name in _COUNTS:
        counts = [(_count_name(r, lang), r["n"], people(r["n"])) for r in table.rows]
        return counts_as_bars(counts, width, title=title, axis=unit)
    known = (*_INTERVALS, *_SCHOOLS, *_COUNTS)
    raise StudyError(
        Said(f"表“{table.name}”没有图。", f"There is no figure of the table “{table.name}”."),
        where=table.name,
        todo=Said(f"可以画的有：{'、'.join(known)}", f"Known: {', '.join(known)}"),
    )


def draw_model(model: MixedModel, lang: str, width: int = WIDE) -> Chart:
    """Draw the fixed effects of a mixed model with their intervals, the intercept left out."""
    rows = [Row(c.name, c.estimate, c.low, c.high) for c in model.fixef if c.name != "(Intercept)"]
    said = Said("固定效应与 {level} 区间", "Fixed effects with {level} intervals")(lang)
    response = model.formula.partition("~")[0].strip()
    return interval_rows(rows, width, title=said.format(level=f"{model.level:.0%}"), axis=response)


def _rows(table: FindingTable, lang: str) -> Iterator[Row]:
    above = ""
    titles = {d.id: d.title(lang) for d in table.facts.definitions}
    together = table.name == "factors" and any(r["subject"] == "pooled" for r in table.rows)
    for row in table.rows:
        values = _values(table.name, row)
        if values is None or row.get("comparison", "raw") not in _PARTS or (together and row["subject"] != "pooled"):
            continue
        head = _joined(row, _ABOVE, titles, lang)
        if head != above:
            yield Row(head)
            above = head
        plain = "{} ({}, {})".format(*map(number, values)) if table.name == "variance" else ""
        yield Row(_joined(row, _NAMES, titles, lang), *values, text=plain)


def _values(name: str, row: Found) -> tuple[float, float, float] | None:
    """Give estimate, low and high of a row; of a variance its share is left to the table."""
    found = tuple(row.get(k) for k in ("variance" if name == "variance" else "estimate", "low", "high"))
    return None if None in found else (float(found[0]), float(found[1]), float(found[2]))  # type: ignore[arg-type]


def _joined(row: Found, columns: Sequence[str], titles: dict[str, str], lang: str) -> str:
    said = [_said(column, str(row[column]), titles, lang) for column in columns if row.get(column) is not None]
    return " · ".join(said)


def _said(column: str, value: str, titles: dict[str, str], lang: str) -> str:
    return titles.get(value) or label(f"{column}.{value}", lang, value)


def _count_name(row: Found, lang: str) -> str:
    return str(row[lang]) if lang in row else _joined(row, ("group", "subject"), {}, lang)
