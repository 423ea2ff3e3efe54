"""Definitions: the same children under two definitions, counts under each, every version with its source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from commonground.disclosure import Shown as State
from commonground.present.figures import counts_as_bars, steps_between
from commonground.present.words import both, date_text, label, number, people, percent, sentence
from commonground.publish.examine import CHILD, Safe, Transition
from commonground.publish.model import Cell, Figure, Listed, Page, Section, Shown, Table, Text
from commonground.publish.parts import Facts, facts_list, head, made, table, text

AGES = 100  # years: an age limit that nobody reaches, which is how a definition says that it has none


def _source(version: Any, lang: str) -> str:
    """Write where a version comes from: issuer, document, article."""
    source = version.source or {}
    parts = [both(version.issuer, lang) if version.issuer else ""]
    parts += [both(source[k], lang) for k in ("title", "document", "ref", "article") if source.get(k)]
    return label("fig.list_comma", lang).join(p for p in parts if p) or label("fig.unknown", lang)


def _when(version: Any, lang: str) -> str:
    start, end = version.in_force
    if start and end:
        return sentence("definitions.between_dates", lang, start=start.isoformat(), end=end.isoformat())
    if start:
        return sentence("definitions.from_date", lang, start=start.isoformat())
    return label("definitions.no_date", lang)


def _title_of(safe: Safe, version: str, lang: str) -> str:
    """Name a version by its issuer and its id."""
    for d in safe.inputs.definitions:
        for v in d.versions:
            if v.id == version:
                issuer = both(v.issuer, lang) if v.issuer else ""
                return f"{issuer} {version}".strip()
    return version


def _facts(safe: Safe, lang: str, *, n: int | None, used: tuple[str, ...]) -> Facts:
    settings = safe.inputs.city.settings
    rounding = safe.inputs.city.policy.rounding
    none = label("fig.not_applicable", lang)
    return facts_list(
        lang,
        unit=sentence("fig.counts_unit", lang, rounding=rounding),
        population=sentence("fig.population_city", lang, city=both(settings.name, lang)),
        period=date_text(settings.reference_date, lang),
        children=people(n) if n is not None and n >= 0 else none,
        interval=label("fig.none_count", lang),
        definition=used or (none,),
        source=(label("fig.spine", lang), sentence("fig.warehouse", lang, version=safe.inputs.version)),
    )


def _asked(counts: Mapping[str, int | None]) -> int | None:
    """Children of whom a definition asks at all: the others are adults, or of another age or place."""
    total, others = counts.get("total"), counts.get("not_applicable", 0)
    return None if total is None or others is None else total - others


def _applies(safe: Safe) -> int | None:
    """Children of whom the one or the other definition of the transition asks."""
    found = safe.transition
    if found is None:
        return None
    outcomes = found.table.axes[0].categories
    at = outcomes.index("not_applicable") if "not_applicable" in outcomes else None
    total, others = int(found.table.values[-1, -1]), int(found.table.values[at, at]) if at is not None else 0
    return None if total < 0 or others < 0 else total - others


def _used(version: Any) -> str:
    return f"{version.id} · {str(version.hash)[:12]}"


def _used_id(safe: Safe, version: str) -> str:
    """Write a version with its hash."""
    return next((_used(v) for d in safe.inputs.definitions for v in d.versions if v.id == version), version)


def _said_value(value: Any, unit: str, lang: str) -> str:
    """Write a criterion's value in words with its unit; a limit that nobody reaches is none."""
    try:
        amount = None if isinstance(value, bool) else float(value)
    except ValueError:
        amount = None
    if amount is None:
        return label(f"value.{value}", lang, default=str(value))
    if unit and (amount == 0 or (unit == "year" and amount >= AGES)):
        return label("value.any", lang)
    said = number(amount, 0 if amount == round(amount) else 1)
    return f"{said} {label(f'unit.{unit}', lang, default=unit)}" if unit else said


def _criteria(version: Any, lang: str) -> str:
    """Write a version's criteria: each parameter's title and value, then what changed and notes."""
    said, none = [], label("value.any", lang)
    for p in version.param.values():
        value = _said_value(p.value, p.unit, lang)
        if str(p.value) == "False" or value == none:
            continue  # a criterion that this version does not use
        name = both(p.title, lang) if p.title else p.name
        said.append(sentence("definitions.criterion", lang, name=name, value=value))
    criteria = label("fig.list_stop", lang).join(said)
    notes = label("fig.list_stop", lang).join(both(x, lang) for x in (version.change, version.note) if x)
    if criteria and notes:
        return sentence("definitions.criteria_end", lang, criteria=criteria, notes=notes)
    return criteria or notes or label("definitions.rule_in_file", lang)


def _unit(safe: Safe, version: str, criterion: str) -> str:
    """Find the unit of a version's criterion."""
    found = (v.param.get(criterion) for d in safe.inputs.definitions for v in d.versions if v.id == version)
    return next((p.unit for p in found if p is not None), "")


def _moved(found: Transition, lang: str) -> str:
    """Say how many children meet the old and the new version."""
    values, outcomes = found.table.values, found.table.axes[0].categories
    where = outcomes.index("true") if "true" in outcomes else 0
    before, after = int(values[where, -1]), int(values[-1, where])
    if before <= 0 or after < 0:
        return label("definitions.same", lang)
    if after <= before:
        slots = {"n_old": people(before), "n_new": people(after), "share": percent((before - after) / before)}
        return sentence("definitions.same_down", lang, **slots)
    return sentence("definitions.same_up", lang, n_old=people(before), n_new=people(after))


def _transition(safe: Safe, lang: str) -> Figure | None:
    found = safe.transition
    if found is None:
        return None
    threshold, rounding = safe.inputs.city.policy.cell_threshold, safe.inputs.city.policy.rounding
    values, shown = found.table.values, found.table.shown
    outcomes = found.table.axes[0].categories
    names = [label(f"truth.{o}", lang, default=o) for o in outcomes]
    total = label("fig.total", lang)

    def cell(i: int, j: int) -> Cell:
        state = State(int(shown[i, j]))
        moved = i < len(outcomes) and j < len(outcomes) and i != j
        if state == State.VALUE:
            return Cell(people(int(values[i, j])), True, moved=moved)
        if state == State.SMALL:
            return Cell(f"<{threshold}", True, "small", moved)
        return Cell(label("fig.hidden", lang), True, "hidden", moved)

    rows = tuple(
        (Cell(name), *(cell(i, j) for j in range(len(outcomes) + 1))) for i, name in enumerate([*names, total])
    )
    old, new = found.old, found.new
    caption = sentence("definitions.same_caption", lang, old=_title_of(safe, old, lang), new=_title_of(safe, new, lang))
    columns = (Cell(""), *(Cell(n, True) for n in [*names, total]))
    finding = _moved(found, lang)
    data = [
        {
            "old": old,
            "new": new,
            "old_result": a,
            "new_result": b,
            "children": int(values[i, j]) if values[i, j] >= 0 else None,
        }
        for i, a in enumerate([*outcomes, "total"])
        for j, b in enumerate([*outcomes, "total"])
    ]
    return Figure(
        id="definitions-same",
        number="",
        finding=finding,
        sub=sentence("definitions.same_sub", lang, rounding=rounding),
        draw=None,
        facts=_facts(safe, lang, n=_applies(safe), used=(_used_id(safe, old), _used_id(safe, new))),
        notsaid=label("definitions.same_notsaid", lang),
        made=made(safe, "definitions.made", lang),
        table=Table(columns, rows, caption, total=True),
        data=tuple(data),
    )


def _clauses(safe: Safe, lang: str) -> Figure | None:
    """Share the change out among the criteria that differ; small shares are put together."""
    found, shown = safe.inputs.comparison, safe.transition
    if found is None or shown is None or not found.clauses:
        return None
    policy = safe.inputs.city.policy
    where = shown.table.axes[0].categories.index("true") if "true" in shown.table.axes[0].categories else -1
    before, after = int(shown.table.values[where, -1]), int(shown.table.values[-1, where])
    if where < 0 or before < 0 or after < 0:
        return None
    ordered = sorted(found.clauses, key=lambda c: (-abs(c.persons), c.name))
    large = [c for c in ordered if abs(c.persons) >= policy.cell_threshold]
    if not large:
        return None
    base = max(policy.rounding, 1)
    between = "：" if lang == "zh" else ": "
    steps = []
    for c in large:
        unit = _unit(safe, shown.new, c.name)
        was, now = (_said_value(value, unit, lang) for value in (c.old, c.new))
        steps.append((f"{c.title(lang)}{between}{was} → {now}", c.persons))
    rounded = [(name, base * round(value / base)) for name, value in steps]
    # what is left over closes the sum of the rounded numbers
    rest = after - before - sum(value for _, value in rounded)
    if rest:
        rounded.append((label("definitions.clauses_other", lang), rest))
    finding = sentence("definitions.clauses_finding", lang, name=large[0].title(lang))
    rows = [
        (shown.old, before, people(before)),
        *((n, v, number(v, 0, sign=True)) for n, v in rounded),
        (shown.new, after, people(after)),
    ]
    axis = label("definitions.clauses_axis", lang)
    columns = head("clause", "count", lang=lang, numeric=("count",))
    return Figure(
        id="definitions-clauses",
        number="",
        finding=finding,
        sub=sentence("definitions.clauses_sub", lang, rounding=policy.rounding),
        draw=lambda width: steps_between(rows, width, title=finding, axis=axis),
        facts=_facts(safe, lang, n=_applies(safe), used=(_used_id(safe, shown.old), _used_id(safe, shown.new))),
        notsaid=label("definitions.clauses_notsaid", lang),
        made=made(safe, "definitions.clauses_made", lang),
        table=table(columns, [(text(n), Cell(t, True)) for n, _, t in rows]),
        data=tuple({"step": n, "children": v} for n, v, _ in rows),
    )


def _counts(safe: Safe, lang: str) -> list[Mapping[str, Any]]:
    """Counts of children who meet each version of the definition that is compared."""
    rows = [r for r in safe.definition_counts if str(r["definition"]).startswith(CHILD) and "true" in r["counts"]]
    wanted = str(safe.inputs.city.settings.reference_date)
    days = sorted({str(r.get("reference_date") or "") for r in rows})
    day = wanted if wanted in days else (days[-1] if days else "")
    return [r for r in rows if str(r.get("reference_date") or "") == day]


def _counted(safe: Safe, lang: str) -> Figure | None:
    rows = [
        r
        for r in _counts(safe, lang)
        if str(r["definition"]) == "child.left_behind" and r["counts"]["true"] is not None
    ]
    if len(rows) < 2:
        return None
    numbers = sorted(int(r["counts"]["true"]) for r in rows)
    finding = sentence(
        "definitions.counts_finding", lang, low=people(numbers[0]), high=people(numbers[-1]), n=len(rows)
    )
    drawn = [(str(r["version"]), int(r["counts"]["true"]), people(int(r["counts"]["true"]))) for r in rows]
    axis = label("definitions.counts_axis", lang)
    outcomes = ("true", "false", "unknown", "not_applicable", "total")
    threshold = safe.inputs.city.policy.cell_threshold

    def cell(r: Mapping[str, Any], outcome: str) -> Cell:
        value = r["counts"].get(outcome)
        if outcome not in r["counts"]:
            return Cell("0", True)
        if outcome in r["hidden"]:
            return Cell(label("fig.hidden", lang), True, "hidden")
        return Cell(f"<{threshold}", True, "small") if value is None else Cell(people(int(value)), True)

    columns = (
        *head("version", lang=lang),
        *(Cell(label(f"truth.{o}", lang), True) for o in outcomes[:-1]),
        Cell(label("fig.total", lang), True),
    )
    every = [r for r in _counts(safe, lang) if str(r["definition"]).startswith(CHILD)]
    cells = [(text(r["version"]), *(cell(r, o) for o in outcomes)) for r in every]
    asked = max((n for r in rows if (n := _asked(r["counts"])) is not None), default=None)
    used = tuple(_used_id(safe, str(r["version"])) for r in rows)
    day = safe.inputs.city.settings.reference_date
    return Figure(
        id="definitions-counts",
        number="",
        finding=finding,
        sub=sentence(
            "definitions.counts_sub", lang, date=date_text(day, lang), rounding=safe.inputs.city.policy.rounding
        ),
        draw=lambda width: counts_as_bars(drawn, width, title=finding, axis=axis),
        facts=_facts(safe, lang, n=asked, used=used),
        notsaid=label("definitions.counts_notsaid", lang),
        made=made(safe, "definitions.made", lang),
        table=table(columns, cells, stack=True),
        data=tuple({"definition": r["definition"], "version": r["version"], **r["counts"]} for r in every),
    )


def _versions(safe: Safe, lang: str) -> tuple[Section, ...]:
    """List every version of every definition about children, one table a definition."""
    out: list[Any] = [
        Text(label("definitions.versions_text", lang)),
        Text(label("definitions.nature", lang), quiet=True),
    ]
    counts = {str(r["version"]): r["counts"].get("true") for r in _counts(safe, lang)}
    for d in safe.inputs.definitions:
        if not str(d.id).startswith(CHILD) or len(d.versions) < 2:
            continue  # age or sex has one meaning
        order = sorted(d.versions, key=lambda v: (v.in_force[0] or dt.date.min, str(v.id)))
        columns = head("version", "in_force", "criteria", "issuer", "count", lang=lang, numeric=("count",))
        rows = []
        for v in order:
            n = counts.get(str(v.id))
            met = Cell(people(int(n)), True) if n is not None else Cell(label("definitions.not_counted", lang), True)
            when = Cell(_when(v, lang), together=True)
            rows.append((Cell(_used(v)), when, Cell(_criteria(v, lang)), Cell(_source(v, lang)), met))
        out.append(Listed(Table(columns, tuple(rows), caption=f"“{both(d.title, lang)}” · {d.id}", stack=True)))
    if len(out) == 2:
        return ()
    return (Section("versions", label("definitions.versions", lang), tuple(out)),)


def definitions(safe: Safe, lang: str) -> Page:
    """Make the page of groups and definitions."""
    same, clauses, counted = _transition(safe, lang), _clauses(safe, lang), _counted(safe, lang)
    sections = [Section("who", label("definitions.who", lang), (Text(label("definitions.who_text", lang)),))]
    title, lede = label("definitions.title_none", lang), label("definitions.lede_plain", lang)
    if same and safe.transition:
        values, outcomes = safe.transition.table.values, safe.transition.table.axes[0].categories
        where = outcomes.index("true") if "true" in outcomes else 0
        if values[where, -1] >= 0 and values[-1, where] >= 0:
            title = label("definitions.title_change", lang)
            lede = sentence(
                "definitions.lede",
                lang,
                old=_title_of(safe, safe.transition.old, lang),
                new=_title_of(safe, safe.transition.new, lang),
                n_old=people(int(values[where, -1])),
                n_new=people(int(values[-1, where])),
            )
    parts = tuple(Shown(f) for f in (same, clauses, counted) if f)
    if parts:
        sections.append(Section("same", label("definitions.same" if same else "definitions.counts", lang), parts))
    sections += _versions(safe, lang)
    nav = tuple((s.id, label(f"definitions.nav_{s.id}", lang)) for s in sections if s.id != "who")
    return Page("definitions", title, lede, tuple(sections), nav)
