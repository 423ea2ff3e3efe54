"""What a change of definition does: by group, over time, in what stays unknown, and where else the number is used.

``compare.compare`` gives the transition of all persons and the criteria behind it; this module puts around it what an
official asks next: who is it (by county, sex, age and school), what becomes of the trend (each rule fixed, and the
official figure with its break), which missing records would settle the unknown, and which results rest on the rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from commonground.city import City, Settings, Version
from commonground.disclosure import Axis, CountTable, SafeTable, gate
from commonground.engine import Engine
from commonground.errors import Said
from commonground.variables.compare import Comparison, compare
from commonground.variables.compute import Computed, compute, needed
from commonground.variables.linked import links_table
from commonground.variables.missing import Missing, missing
from commonground.variables.model import Definition, VersionRule
from commonground.variables.pack import get_definition, load_pack
from commonground.variables.run import open_on
from commonground.variables.uses import Use, uses

MOVES = ("both", "only_old", "only_new", "neither")
"""How a person stands under the two versions: both say yes, only one does, or neither."""
AGES = (0, 3, 6, 12, 15, 18, 40, 60, 75)
"""First ages of the bands: nursery, kindergarten, primary, junior, senior school, and adults by stage of life."""
AXES = ("county", "sex", "age", "school_level", "school_place")
TITLES = {
    "county": Said("学校所在县（市、区）", "county of the school"),
    "sex": Said("性别", "sex"),
    "age": Said("年龄", "age"),
    "school_level": Said("学段", "level of school"),
    "school_place": Said("学校所在地", "place of the school"),
    "both": Said("两种口径都属于", "under both"),
    "only_old": Said("只按旧口径属于", "under the old only"),
    "only_new": Said("只按新口径属于", "under the new only"),
    "neither": Said("都不属于或不清楚", "under neither, or unknown"),
}


PLACES = {"1": Said("城区", "city"), "2": Said("镇区", "town"), "3": Said("乡村", "countryside")}
"""First digit of the statistical classes of urban and rural areas (国家统计局, 统计用城乡分类代码)."""


def group_title(axis: str, group: str, settings: Settings) -> Said:
    """Name a group for a reader."""
    from commonground.intake import load_pack as intake_pack

    if axis == "age":
        low, later = int(group), [a for a in AGES if a > int(group)]
        return Said(f"{low}–{later[0] - 1}岁", f"{low}–{later[0] - 1}") if later else Said(f"{low}岁及以上", f"{low}+")
    if axis == "county":
        return next((Said(a.zh, a.en) for a in settings.areas if a.code == group), Said(group, group))
    if axis == "school_place":
        return PLACES.get(group, Said(group, group))
    codes = intake_pack(settings.pack).codes
    return codes[{"sex": "sex", "school_level": "school_level"}[axis]].labels.get(group, Said(group, group))


@dataclass(frozen=True)
class Trend:
    """Persons to whom a rule applies as true on each day.

    Attributes
    ----------
    rule : str
        A version, or ``in_force``: on each day the version that was then in force.
    days : tuple of date
        Reference dates.
    versions : tuple of str
        The version used on each day; empty where none was in force.
    true, unknown, asked : tuple of int
        Persons who meet it, of whom it is unknown, and of whom it asks at all.
    """

    rule: str
    days: tuple[dt.date, ...]
    versions: tuple[str, ...]
    true: tuple[int, ...]
    unknown: tuple[int, ...]
    asked: tuple[int, ...]

    @property
    def breaks(self) -> tuple[int, ...]:
        """Places at which another version than on the day before was in force."""
        return tuple(i for i in range(1, len(self.days)) if self.versions[i] != self.versions[i - 1])


@dataclass(frozen=True)
class Change:
    """The whole report of a change.

    Attributes
    ----------
    comparison : Comparison
        Transition and criteria.
    groups : tuple of SafeTable
        Persons by group and ``MOVES``, after the gate; one table for each of ``AXES`` that the city knows, and none
        where fewer persons moved than the gate shows.
    trends : tuple of Trend
        Old and new rule fixed on all days, then the rule in force.
    missing : tuple of Missing
        What would settle the unknown, most persons first.
    uses : tuple of Use
        What rests on one of the two versions.
    """

    comparison: Comparison
    groups: tuple[SafeTable, ...]
    trends: tuple[Trend, ...]
    missing: tuple[Missing, ...]
    uses: tuple[Use, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return {
            **self.comparison.to_dict(),
            "groups": [g.to_dict() for g in self.groups],
            "trends": [
                {
                    "rule": t.rule,
                    "days": [d.isoformat() for d in t.days],
                    "versions": list(t.versions),
                    "true": list(t.true),
                    "unknown": list(t.unknown),
                    "asked": list(t.asked),
                    "breaks": list(t.breaks),
                }
                for t in self.trends
            ],
            "missing": [
                {"version": m.version, "input": m.input, "zh": m.title.zh, "en": m.title.en, "persons": m.persons,
                 "settles": m.settles}
                for m in self.missing
            ],
            "uses": [u.to_dict() for u in self.uses],
        }  # fmt: skip


def change(
    city: City,
    definition_id: str,
    old: str,
    new: str,
    *,
    day: dt.date | None = None,
    days: Sequence[dt.date] = (),
) -> Change:
    """Make the report of what replacing one version by another does.

    Parameters
    ----------
    city : City
        A built city.
    definition_id : str
        Id of the definition.
    old, new : str
        Versions.
    day : date, optional
        The day of the comparison; by default the city's reference date.
    days : sequence of date, optional
        Days of the trend; by default those of the comparison and of the four years before it.

    Raises
    ------
    DefinitionError
        No such definition or version, or one whose values cannot be cross-tabulated.
    """
    compared = compare(city, definition_id, old, new, day)
    definition = get_definition(city, definition_id)
    day = compared.reference_date
    version = city.require_current()
    first_day = first_record(version)
    wanted_days = tuple(d for d in (sorted({*days, day}) if days else autumns(day)) if d >= first_day or d == day)
    first, second = definition.version(old), definition.version(new)
    pair = (first,) if first.id == second.id else (first, second)
    # the official figure follows the line of an official rule, also where an advisory one is looked at
    line = new if second.status in ("published", "superseded", "project") else definition.default
    engine, frame = open_on(city, version, wanted_days)
    try:
        ids = tuple(dict.fromkeys([first.id, second.id, *(v.id for v in definition.chain(line))]))
        known = load_pack(city)
        made = compute(frame, needed(known, [definition.id]), {definition.id: ids})[definition.id]
        roll = links_table(frame, "pupils")
        groups = tuple(
            table
            for axis in AXES
            if (table := _by_group(engine, made, first, second, day, axis, roll, city)) is not None
        )
        counted = _counts(engine, made)
        seen = {d for (_, d, value), n in counted.items() if n and value in ("true", "false")}
        wanted_days = tuple(d for d in wanted_days if d in seen or d == day)  # before there were records, no trend
        trends = tuple(_fixed(v, wanted_days, counted) for v in pair)
        trends = (*trends, _in_force(definition, line, wanted_days, counted))
        found = tuple(m for v in pair for m in missing(engine, made, v, day))
    finally:
        engine.close()
    return Change(compared, groups, trends, found, uses(city, known, definition.id, {old, new}))


def autumns(day: dt.date, years: int = 5) -> tuple[dt.date, ...]:
    """Give the same day of some years, the last of them this one; 29 February becomes 28 February."""
    from commonground.variables.functions import add_months

    return tuple(add_months(day, -12 * k) for k in reversed(range(years)))


def first_record(version: Version) -> dt.date:
    """Day of the oldest record: before it there is no trend, and nothing to compute."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    days = [pq.read_table(version.table(name), columns=["as_of"])["as_of"] for name in version.tables("records")]
    found = [d for d in (pc.min(column).as_py() for column in days) if d is not None]
    return min(found, default=dt.date.min)


def _counts(engine: Engine, made: Computed) -> dict[tuple[str, dt.date, str], int]:
    """Persons by version, day and value."""
    found: dict[tuple[str, dt.date, str], int] = {}
    for version in made.versions:
        column = made.column(version.id)
        for ref, value, n in engine.rows(f"SELECT ref, {column}, count(*) FROM {made.name} GROUP BY ref, {column}"):
            found[version.id, ref, str(value)] = int(n)
    return found


def _line(
    rule: str, versions: Sequence[str], days: tuple[dt.date, ...], counted: Mapping[tuple[str, dt.date, str], int]
) -> Trend:
    def number(value: str) -> tuple[int, ...]:
        return tuple(counted.get((v, d, value), 0) for v, d in zip(versions, days, strict=True))

    true, unknown, false = number("true"), number("unknown"), number("false")
    asked = tuple(a + b + c for a, b, c in zip(true, unknown, false, strict=True))
    return Trend(rule, days, tuple(versions), true, unknown, asked)


def _fixed(version: VersionRule, days: tuple[dt.date, ...], counted: Mapping[tuple[str, dt.date, str], int]) -> Trend:
    return _line(version.id, [version.id] * len(days), days, counted)


def _in_force(
    definition: Definition, line: str, days: tuple[dt.date, ...], counted: Mapping[tuple[str, dt.date, str], int]
) -> Trend:
    """The official figure: on each day the version of the same line of succession that was then in force."""
    versions = [v.id if (v := definition.in_force_on(day, line)) else "" for day in days]
    return _line("in_force", versions, days, counted)


def _groups_sql(axis: str, engine: Engine, roll: str) -> str:
    """Query ``entity_id, ref, g`` of a group; who is in no group is left out."""
    d = engine.dialect
    if axis == "sex":
        return "SELECT person_id AS entity_id, ref, sex AS g FROM persons CROSS JOIN refs WHERE sex IN ('1', '2')"
    if axis == "age":
        age = d.age("birth", "ref")
        bands = " ".join(f"WHEN a >= {d.number(low)} THEN {d.text(f'{low:02d}')}" for low in reversed(AGES))
        inner = f"SELECT person_id AS entity_id, ref, {age} AS a FROM persons CROSS JOIN refs WHERE birth <= ref"
        return f"SELECT entity_id, ref, CASE {bands} END AS g FROM ({inner}) p"
    column = {
        "county": "s.county", "school_level": "s.level", "school_place": d.prefix("s.urban_class", 1)
    }[axis]  # fmt: skip
    return (
        f"SELECT l.relative_id AS entity_id, l.ref, {column} AS g FROM {roll} l"
        " JOIN (SELECT school_code, min(county) AS county, min(level) AS level, min(urban_class) AS urban_class"
        " FROM schools GROUP BY school_code) s ON s.school_code = l.entity_id"
    )


def _by_group(
    engine: Engine, made: Computed, old: VersionRule, new: VersionRule, day: dt.date, axis: str, roll: str, city: City
) -> SafeTable | None:
    """Count persons by group and by how they stand under the two versions, and pass that through the gate."""
    a, b = (f"o.{made.column(v.id)} = 'true'" for v in (old, new))
    move = f"CASE WHEN {a} AND {b} THEN 0 WHEN {a} THEN 1 WHEN {b} THEN 2 ELSE 3 END"
    rows = engine.rows(
        f"SELECT q.g, {move} AS m, count(*) FROM {made.name} o JOIN ({_groups_sql(axis, engine, roll)}) q"
        f" ON q.entity_id = o.entity_id AND q.ref = o.ref WHERE o.ref = {engine.dialect.date(day)} AND q.g IS NOT NULL"
        f" AND NOT (o.{made.column(old.id)} = 'not_applicable' AND o.{made.column(new.id)} = 'not_applicable')"
        " GROUP BY q.g, m ORDER BY q.g, m"
    )
    if not rows:
        return None
    groups = tuple(sorted({str(g) for g, _, _ in rows}))
    counts = np.zeros((len(groups), len(MOVES)), dtype=np.int64)
    for g, m, n in rows:
        counts[groups.index(str(g)), int(m)] = int(n)
    moved = counts[:, 1:3].sum()
    if 0 < moved < city.policy.cell_threshold:  # to hide so few would hide nearly everything
        return None
    # that nobody moves one way is a fact about the two rules, not about a person: noughts are shown
    nobody = np.broadcast_to(counts.sum(axis=0) == 0, counts.shape)
    table = CountTable(f"change.{axis}", (Axis(axis, groups), Axis("move", MOVES)), counts, impossible=nobody)
    return gate(table, city.policy).table
