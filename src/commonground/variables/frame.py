"""From the tables of a version to one row per entity and reference date, one column per input.

Each distinct source of each distinct input is taken once, however many definitions use it. Where an input has several
sources, the first that has a value decides and a column says whether a later one disagreed: conflicts are counted,
never silently resolved.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from commonground.city import Settings, Version
from commonground.engine import Engine
from commonground.variables.evaluate import simplify, sql
from commonground.variables.language import Call, Const, Name, Node, names, substitute
from commonground.variables.model import Input, Source, Take
from commonground.variables.take import take_sql

if TYPE_CHECKING:
    from commonground.engine import Dialect

#: Concept columns by type, for tables where a concept is absent or has another Arrow type.
_KINDS = {"boolean": "boolean", "number": "number", "text": "text", "date": "date"}
_ENTITY = {"person": "person_id", "school": "school_code"}


@dataclass
class Frame:
    """The engine's view of one version: tables by kind, and what was taken so far.

    Attributes
    ----------
    engine : Engine
        Where the tables are.
    dates : tuple of date
        Reference dates.
    settings : Settings
        The city's settings, for its areas.
    tables : dict
        Table names by kind of dataset.
    taken : dict
        Name of the taken table by what was taken.
    inputs : dict
        Column of the wide table by entity and input.
    links : set
        Tables of linked persons that were made.
    """

    engine: Engine
    dates: tuple[dt.date, ...]
    settings: Settings
    tables: dict[str, list[str]] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    inputs: dict[tuple[str, str], str] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)

    @property
    def d(self) -> Dialect:
        """The engine's dialect."""
        return self.engine.dialect


def open_frame(engine: Engine, version: Version, settings: Settings, dates: Sequence[dt.date]) -> Frame:
    """Make a version's tables known to the engine and set up the entities at the reference dates."""
    frame = Frame(engine, tuple(sorted(set(dates))), settings)
    days = [f"SELECT {frame.d.date(day)} AS ref" for day in frame.dates]
    engine.create("refs", frame.d.union(days))
    for number, name in enumerate(version.tables("records")):
        alias = f"rec_{number}"
        engine.add_parquet(alias, version.table(name))
        for (kind,) in engine.rows(f"SELECT DISTINCT kind FROM {alias} ORDER BY kind"):
            frame.tables.setdefault(str(kind), []).append(alias)
    for name in ("persons", "relations", "households", "enrolments", "schools"):
        _add(engine, name, version.table(name))
    _made_tables(frame)
    engine.create("entities_person", "SELECT p.person_id AS entity_id, f.ref FROM persons p CROSS JOIN refs f")
    engine.create(
        "entities_school",
        "SELECT s.school_code AS entity_id, f.ref FROM (SELECT DISTINCT school_code FROM schools) s CROSS JOIN refs f",
    )
    return frame


_EMPTY = {
    "relations": "person_id:text relative_id:text relation:text kind:text as_of:date probability:number",
    "households": "household_id:text person_id:text relation:text kind:text as_of:date",
    "enrolments": "person_id:text school_code:text county:text school_year:number grade:number class:text"
    " boarding:text kind:text",
    "schools": "school_code:text county:text level:text urban_class:text",
    "persons": "person_id:text sex:text birth:date ethnicity:text",
}


def _add(engine: Engine, name: str, path: Path) -> None:
    """Make a table of the people room known; an absent one is empty, so that a city with less still runs."""
    if path.is_file():
        engine.add_parquet(name, path)
        return
    columns = [c.split(":") for c in _EMPTY[name].split()]
    engine.create(
        name,
        "SELECT * FROM (SELECT "
        + ", ".join(f"{engine.dialect.null(k)} AS {c}" for c, k in columns)
        + ") e WHERE 1 = 0",
    )


def _made_tables(frame: Frame) -> None:
    d, engine = frame.d, frame.engine
    # One father and one mother a person: the likeliest, then the latest record, then the smallest id.
    order = "ORDER BY coalesce(probability, 0) DESC, as_of DESC, relative_id ASC"
    ranked = f"SELECT *, row_number() OVER (PARTITION BY person_id, relation {order}) AS place FROM relations"
    engine.create(
        "parents",
        f"SELECT person_id, relative_id, relation FROM ({ranked}) r"
        " WHERE place = 1 AND relation IN ('father', 'mother')",
    )
    shared = (
        "SELECT a.person_id, b.person_id AS relative_id FROM parents a JOIN parents b"
        " ON b.relative_id = a.relative_id AND b.relation = a.relation AND b.person_id <> a.person_id"
    )
    named = "SELECT person_id, relative_id FROM relations WHERE relation = 'sibling' AND relative_id <> person_id"
    siblings = f"SELECT DISTINCT person_id, relative_id, 'sibling' AS relation FROM ({d.union([shared, named])}) s"
    engine.create("kin", d.union(["SELECT person_id, relative_id, relation FROM parents", siblings]))
    first = d.date(dt.date(1900, 1, 1))
    engine.create(
        "made_persons",
        f"SELECT person_id, CAST(NULL AS {d.type_name('text')}) AS school_code, {d.to_text('sex')} AS sex,"
        f" CAST(birth AS DATE) AS birth, {d.to_text('ethnicity')} AS ethnicity, {first} AS as_of, 1 AS record_id"
        " FROM persons",
    )
    # Where two kinds of record name a school for the same year, the student registry's own word stands first. Blanks
    # are given a place in the order, since engines put NULL at different ends.
    order = (
        "ORDER BY CASE WHEN e.kind = 'student_registry' THEN 1 ELSE 0 END, coalesce(e.kind, ''),"
        " coalesce(e.school_code, ''), coalesce(e.class, ''), coalesce(e.grade, -1), e.person_id"
    )
    engine.create(
        "made_enrolments",
        "SELECT e.person_id, e.school_code, e.county, e.school_year, e.grade, e.class,"
        f" {d.to_text('e.boarding')} AS boarding, s.level, s.urban_class,"
        f" {d.make_date('e.school_year', 9, 1)} AS as_of, row_number() OVER ({order}) AS record_id"
        " FROM enrolments e LEFT JOIN schools s ON s.school_code = e.school_code",
    )
    frame.tables["@persons"] = ["made_persons"]
    frame.tables["@enrolments"] = ["made_enrolments"]


def expand_areas(node: Node, settings: Settings) -> Node:
    """Put the city's own districts and counties in the place of ``area_is_urban``; elsewhere it stays unknown."""
    if not isinstance(node, Call):
        return node
    args = tuple(expand_areas(a, settings) for a in node.args)
    if node.function != "area_is_urban":
        return Call(node.function, args)
    lists = {flag: tuple(Const(a.code) for a in settings.areas if a.urban is flag) for flag in (True, False)}
    answer: Node = Const(None)
    for flag in (False, True):
        if lists[flag]:
            answer = Call("if", (Call("in_list", (args[0], *lists[flag])), Const(flag), answer))
    return answer


def add_inputs(frame: Frame, wanted: Iterable[tuple[str, Input]]) -> None:
    """Take every input that is wanted and join them into ``wide_person`` and ``wide_school``."""
    columns: dict[str, list[tuple[str, str]]] = {"person": [], "school": []}
    for entity, one in wanted:
        key = input_key(one)
        if (entity, key) in frame.inputs or one.definition or one.linked:
            continue
        name = f"i{len(frame.inputs)}"
        frame.inputs[(entity, key)] = name
        columns[entity].append((name, _input_table(frame, entity, one, name)))
    for entity, made in columns.items():
        _widen(frame, entity, made)


def input_key(one: Input) -> str:
    """Give the text that is equal for inputs that have equal values."""
    return json.dumps([one.to_dict(), one.agree], ensure_ascii=False, sort_keys=True, default=str)


def _widen(frame: Frame, entity: str, made: list[tuple[str, str]]) -> None:
    joins = [
        f"LEFT JOIN {table} t{n} ON t{n}.entity_id = e.entity_id AND t{n}.ref = e.ref"
        for n, (_, table) in enumerate(made)
    ]
    picked = []
    for n, (name, table) in enumerate(made):
        clash = f"coalesce(t{n}.clash, FALSE)" if table.startswith("in_") else "FALSE"
        picked.append(f"t{n}.v AS {name}, {clash} AS {name}_clash")
    columns = ", ".join(["e.entity_id", "e.ref", *picked])
    frame.engine.create(f"wide_{entity}", f"SELECT {columns} FROM entities_{entity} e " + " ".join(joins))


def _input_table(frame: Frame, entity: str, one: Input, name: str) -> str:
    """Make the table ``entity_id, ref, v`` of one input, with ``clash`` where it has several sources (``in_…``)."""
    sources = [t for t in (_taken(frame, entity, one, s) for s in one.sources) if t]
    if not sources:
        nothing = f"{frame.d.null(one.type)} AS v, FALSE AS clash"
        frame.engine.create(f"in_{name}", f"SELECT entity_id, ref, {nothing} FROM entities_{entity} WHERE 1 = 0")
        return f"in_{name}"
    if len(sources) == 1:  # nobody to disagree with
        return sources[0]
    joins = [f"LEFT JOIN {t} s{n} ON s{n}.entity_id = e.entity_id AND s{n}.ref = e.ref" for n, t in enumerate(sources)]
    values = [f"s{n}.v" for n in range(len(sources))]
    value = f"coalesce({', '.join(values)})"
    clash = " OR ".join(f"coalesce({_differs(value, v, one)}, FALSE)" for v in values[1:])
    query = f"SELECT e.entity_id, e.ref, {value} AS v, {clash} AS clash FROM entities_{entity} e {' '.join(joins)}"
    frame.engine.create(f"in_{name}", f"SELECT * FROM ({query}) q WHERE v IS NOT NULL")
    return f"in_{name}"


def _differs(chosen: str, other: str, one: Input) -> str:
    return f"abs({chosen} - {other}) > {one.agree}e0" if one.type == "number" else f"{chosen} <> {other}"


def _taken(frame: Frame, entity: str, one: Input, source: Source) -> str | None:
    """Take one source; None when no delivery of the city holds it."""
    key = json.dumps([entity, source.to_dict(), one.type, one.range, one.lag], ensure_ascii=False, default=str)
    if key in frame.taken:
        return frame.taken[key]
    rows = _rows(frame, entity, one, source)
    if rows is None:
        return None
    name = f"take_{len(frame.taken)}"
    query = take_sql(source, one.type, rows, frame.d)
    if source.has_otherwise:
        query = _of_complete_list(frame, entity, one, source, name, query)
    frame.engine.create(name, query)
    frame.taken[key] = name
    return name


def _of_complete_list(frame: Frame, entity: str, one: Input, source: Source, name: str, query: str) -> str:
    """Let a complete list speak of everybody, once there is a list for that day at all.

    Only who does not stand in it gets ``otherwise``; who does, with the value itself left blank, stays unknown.
    """
    constant = sql(Const(source.otherwise), frame.d, one.type)
    rows = _rows(frame, entity, one, source, blank=True) or ""
    present = source if source.take.how == "spell" else replace(source, take=Take("count", source.take.months))
    frame.engine.create(f"{name}_known", query)
    frame.engine.create(f"{name}_listed", take_sql(present, one.type, rows, frame.d))
    return (
        f"SELECT e.entity_id, e.ref, CASE WHEN t.entity_id IS NOT NULL THEN t.v"
        f" WHEN p.entity_id IS NULL THEN {constant} END AS v FROM entities_{entity} e"
        f" JOIN (SELECT DISTINCT ref FROM {name}_listed) l ON l.ref = e.ref"
        f" LEFT JOIN {name}_listed p ON p.entity_id = e.entity_id AND p.ref = e.ref"
        f" LEFT JOIN {name}_known t ON t.entity_id = e.entity_id AND t.ref = e.ref"
    )


def _rows(frame: Frame, entity: str, one: Input, source: Source, *, blank: bool = False) -> str | None:
    """Write the rows that a source offers: ``entity_id, ref, day, dated, record_id, v`` and a spell's ends.

    ``blank`` keeps the rows whose value is not given.
    """
    value, where = _prepare(source.value, frame), _prepare(source.where or Const(True), frame)
    needed = {*names(value), *names(where), source.at, source.since, source.until} - {"", "reference_date"}
    tables = []
    for table in frame.tables.get(source.kind, []):
        tables.append(_columns(frame, entity, table, needed, source))
    if not tables:
        return None
    d = frame.d
    # Each expression is given its columns as r.<concept>; the reference day is moved by the input's lag.
    to = {"reference_date": "f.day"}
    columns: Mapping[str, Node] = {n: Name(to.get(n, f"r.{n}")) for n in (needed | {"reference_date"})}
    value_sql = sql(substitute(value, columns), d, one.type)
    where_sql = sql(substitute(where, columns), d)
    ends = ", ".join(
        f"{'r.' + end if end else d.null('date')} AS {name}"
        for name, end in (("since", source.since), ("until", source.until))
    )
    query = (
        f"SELECT r.entity_id, f.ref, f.day, r.{source.at} AS dated, r.record_id, {value_sql} AS v, {ends}"
        f" FROM ({d.union(tables)}) r CROSS JOIN ({_days(frame, one, source)}) f WHERE {where_sql}"
    )
    inside = f" AND v >= {one.range[0]}e0 AND v <= {one.range[1]}e0" if one.range else ""
    return query if blank else f"SELECT * FROM ({query}) v WHERE v IS NOT NULL{inside}"


def _days(frame: Frame, one: Input, source: Source) -> str:
    day = frame.d.add_months("ref", -one.lag) if one.lag else "ref"
    first, last = source.valid
    bounds = ["1 = 1"]
    if first:
        bounds.append(f"ref >= {frame.d.date(first)}")
    if last:
        bounds.append(f"ref <= {frame.d.date(last)}")
    return f"SELECT ref, {day} AS day FROM refs WHERE {' AND '.join(bounds)}"


def _prepare(node: Node, frame: Frame) -> Node:
    return simplify(expand_areas(node, frame.settings))


def _columns(frame: Frame, entity: str, table: str, needed: set[str], source: Source) -> str:
    """Write one table with the columns that are needed, each in the type of its concept; absent ones are unknown."""
    from commonground.variables.load import MADE, pack_concepts

    present = set(frame.engine.columns(table))
    made = MADE.get(source.kind, {})
    person = _ENTITY[entity]
    if person not in present:
        return (
            f"SELECT CAST(NULL AS {frame.d.type_name('text')}) AS entity_id, 0 AS record_id"
            + "".join(f", {frame.d.null(_kind(c, made, pack_concepts()))} AS {c}" for c in sorted(needed))
            + f" FROM {table} WHERE 1 = 0"
        )
    picked = []
    for column in sorted(needed):
        kind = _kind(column, made, pack_concepts())
        picked.append(
            f"{_typed(frame.d, 'x.' + column, kind) if column in present else frame.d.null(kind)} AS {column}"
        )
    rows = ", ".join(["x.record_id", *picked])
    only = f" AND x.kind = {frame.d.text(source.kind)}" if "kind" in present and not made else ""
    only += " AND x.status = 'record'" if "status" in present else ""  # a file delivered twice counts once
    if source.of == "self":
        return f"SELECT x.{person} AS entity_id, {rows} FROM {table} x WHERE x.{person} IS NOT NULL{only}"
    relation = "IN ('father', 'mother')" if source.of == "parents" else f"= '{source.of}'"
    return (
        f"SELECT p.person_id AS entity_id, {rows} FROM {table} x JOIN kin p ON p.relative_id = x.person_id"
        f" AND p.relation {relation}{only}"
    )


def _kind(column: str, made: Mapping[str, str], concepts: Mapping[str, object]) -> str:
    if column in ("as_of", "reference_date"):
        return "date"
    if column in made:
        return made[column]
    known = concepts.get(column)
    return str(getattr(known, "type", "text"))


def _typed(d: Dialect, column: str, kind: str) -> str:
    if kind == "number":
        return d.to_number(column)
    return d.to_text(column) if kind == "text" else f"CAST({column} AS {d.type_name(kind)})"
