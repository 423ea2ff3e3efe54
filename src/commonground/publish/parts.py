"""What all pages share: facts beside a figure, cells of tables, numbers in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commonground.present.figures import Row
from commonground.present.words import both, date_text, label, number, people, percent, sentence
from commonground.publish.examine import Safe, kind_label
from commonground.publish.model import Cell, Table

SUBJECTS = ("math", "chinese", "english", "pooled")
GROUPS = ("parents_away", "migrant", "local")
Facts = tuple[tuple[str, tuple[str, ...]], ...]


def crosses_zero(row: Mapping[str, Any]) -> bool:
    """Whether the interval of a row holds nought: no clear difference."""
    return bool(row["low"] <= 0 <= row["high"])


def known(rows: Iterable[Mapping[str, Any]], value: str = "estimate") -> list[Mapping[str, Any]]:
    """Keep the rows whose value the gate let through and whose interval is complete."""
    return [r for r in rows if all(r.get(k) is not None for k in (value, "low", "high"))]


def below(row: Mapping[str, Any], lang: str) -> dict[str, str]:
    """Write an estimate as a distance below or above: direction, value, range with the same sign."""
    down = row["estimate"] < 0
    ends = (-row["high"], -row["low"]) if down else (row["low"], row["high"])
    ends = (ends[0], ends[1])
    text = sentence("fig.range", lang, low=number(ends[0]), high=number(ends[1]))
    return {
        "dir": sentence("dir.lower" if down else "dir.higher", lang),
        "value": number(abs(row["estimate"])),
        "range": text,
    }


def signed(row: Mapping[str, Any], lang: str) -> dict[str, str]:
    """Write an estimate with its sign, and its range."""
    low, high = number(row["low"], sign=True), number(row["high"], sign=True)
    return {"value": number(row["estimate"], sign=True), "range": sentence("fig.range", lang, low=low, high=high)}


def share(value: float, low: float, high: float, lang: str) -> tuple[str, str]:
    """Write a share and its range as per cent; small shares keep a decimal."""
    decimals = 1 if max(abs(value), abs(high)) < 0.1 else 0
    text = sentence("fig.range", lang, low=number(100 * low, decimals), high=percent(high, decimals))
    return percent(value, decimals), text


def subject_name(subject: str, lang: str) -> str:
    """Name a subject within a sentence: small letters in English, but for languages."""
    name = label(f"subject.{subject}", lang)
    return name.lower() if lang == "en" and subject in ("math", "pooled") else name


def text(value: object) -> Cell:
    """Make a cell of text."""
    return Cell(str(value))


def num(value: float | None, safe: Safe, lang: str, decimals: int = 2, *, sign: bool = True) -> Cell:
    """Make a cell of an estimate; withheld when the gate took it out."""
    if value is None:
        return Cell(f"<{safe.inputs.city.policy.cell_threshold}", True, "small")
    return Cell(number(value, decimals, sign=sign), True)


def head(*keys: str, lang: str, numeric: Sequence[str] = ()) -> tuple[Cell, ...]:
    """Make the header cells from labels of columns."""
    return tuple(Cell(label(f"col.{k}", lang), k in numeric) for k in keys)


def count(value: int | None, safe: Safe) -> Cell:
    """Make a cell of a count; ``<10`` when the gate took it out."""
    if value is None:
        return Cell(f"<{safe.inputs.city.policy.cell_threshold}", True, "small")
    return Cell(people(value), True)


def table(columns: tuple[Cell, ...], rows: Iterable[tuple[Cell, ...]], **more: Any) -> Table:
    """Make a table of data."""
    return Table(columns, tuple(rows), **more)


def as_row(row: Mapping[str, Any], name: str, role: str) -> Row:
    """Make a row of a figure from a row of the study."""
    if row.get("estimate") is None:
        return Row(name)
    return Row(name, float(row["estimate"]), float(row["low"]), float(row["high"]), role)


def study_facts(
    safe: Safe,
    name: str,
    lang: str,
    *,
    unit: str = "",
    interval: str = "",
    n: int | None = None,
    rests_on: Sequence[str] = (),
) -> Facts:
    """Give the facts of a table of the study.

    Parameters
    ----------
    rests_on : sequence of str
        Roles of the definitions that the figure rests on (``outcome, group, covariate, earlier, factor``), where the
        table holds more than the figure shows; empty for all of the table's.
    """
    facts = safe.facts(name)
    policy = safe.inputs.city.policy
    none = label("fig.not_applicable", lang)
    base = max(policy.rounding, 1)
    children = n if n is not None else facts.get("n")
    shown = people((2 * int(children) + base) // (2 * base) * base) if children else none
    definitions = _definitions(safe, facts, rests_on, lang)
    sources = [kind_label(safe.inputs, str(s), lang) for s in facts.get("sources", ())]
    origin = [label("fig.list_comma", lang).join(sources)] if sources else []
    if facts.get("linkage_rate") is not None:
        origin.append(sentence("fig.link_rate", lang, rate=percent(float(facts["linkage_rate"]), 1)))
    origin.append(sentence("fig.warehouse", lang, version=safe.inputs.version))
    return facts_list(
        lang,
        unit=unit or both(facts.get("unit"), lang) or none,
        population=both(facts.get("population"), lang) or none,
        period=both(facts.get("period"), lang) or none,
        children=shown,
        interval=interval or both(facts.get("interval"), lang) or none,
        definition=tuple(definitions) or (none,),
        source=tuple(origin),
    )


def _definitions(safe: Safe, facts: Mapping[str, Any], rests_on: Sequence[str], lang: str) -> list[str]:
    """Name the definitions of a figure with version and hash, groups first, then outcomes, in the order of roles."""
    roles = safe.inputs.provenance.get("roles") or {}
    listed = list(facts.get("definitions", ()))
    if rests_on and roles:
        order = [id for role in rests_on for id in roles.get(role, ())]
        listed = sorted((d for d in listed if d.get("id") in order), key=lambda d: order.index(d["id"]))
    out = []
    for d in listed:
        version = str(d.get("version") or d.get("id", ""))
        out.append(f"“{both(d.get('title'), lang)}” {version} · {str(d.get('hash', ''))[:12]}".strip())
    return out


def quality_facts(safe: Safe, lang: str, *, unit: str, population: str, definition: str) -> Facts:
    """Give the facts of a figure about records."""
    none = label("fig.not_applicable", lang)
    return facts_list(
        lang,
        unit=unit,
        population=population,
        period=date_text(safe.inputs.city.settings.reference_date, lang),
        children=none,
        interval=label("fig.none_count", lang),
        definition=definition,
        source=sentence("fig.warehouse", lang, version=safe.inputs.version),
    )


def facts_list(lang: str, **lines: str | tuple[str, ...]) -> Facts:
    """Order the facts as the grammar of a figure says; none may be empty."""
    order = ("unit", "population", "period", "children", "interval", "definition", "source")
    out = []
    for key in order:
        value = lines[key]
        out.append((label(f"fig.{key}", lang), (value,) if isinstance(value, str) else value))
    return tuple(out)


def made(safe: Safe, key: str, lang: str, **slots: str | int) -> str:
    """Say how a figure was made; slots of the template are the policy's and those given."""
    policy = safe.inputs.city.policy
    template = label(key, lang)
    if "{threshold}" in template:
        slots["threshold"] = policy.cell_threshold
    return sentence(key, lang, **slots)


def department_name(department: str, lang: str) -> str:
    """Name a department; its folder's name where we have no word for it."""
    return label(f"department.{department}", lang, default=department)


def area_name(safe: Safe, code: str, lang: str) -> str:
    """Name a county."""
    area = safe.inputs.city.settings.area(code)
    return both({"zh": area.zh, "en": area.en}, lang) if area else code
