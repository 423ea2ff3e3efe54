"""The room's main path: from a version's tables to the table of values and the report on their quality."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Version
from commonground.engine import Engine, open_engine
from commonground.files import storage_errors
from commonground.variables.compute import Computed, compute
from commonground.variables.evaluate import canonical, sql
from commonground.variables.frame import Frame, open_frame
from commonground.variables.functions import add_months
from commonground.variables.language import Call, Node
from commonground.variables.model import Definition, VersionRule, put_in
from commonground.variables.pack import load_pack

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str, int, int], None]


def reference_dates(city: City) -> tuple[dt.date, dt.date]:
    """Give the days that values are computed for: the city's reference date and the one a year earlier."""
    day = city.settings.reference_date
    return add_months(day, -12), day


def run(city: City, version: Version, *, progress: Progress | None = None) -> None:
    """Compute all definitions of a city over a version's tables.

    Writes ``values.parquet`` and ``quality/variables.json`` into the version's folder. A kind of source that the city
    does not have is skipped, and what it alone could tell stays unknown.

    Parameters
    ----------
    city : City
        Its settings and definitions.
    version : Version
        The version that is being made; its tables by ``people`` must be there.
    progress : callable, optional
        Called as ``(stage, done, total)``.

    Raises
    ------
    DefinitionError
        A definition is wrong.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    definitions = load_pack(city)
    engine = open_engine(city.settings.engine)
    try:
        frame = open_frame(engine, version, city.settings, reference_dates(city))
        made = compute(frame, definitions)
        tables, report = [], {}
        for number, name in enumerate(sorted(made)):
            tables += list(_tables(frame, made[name]))
            report[name] = _quality(frame, made[name])
            if progress:
                progress("variables", number + 1, len(made))
    finally:
        engine.close()
    with storage_errors(version.path):
        pq.write_table(pa.concat_tables(tables), version.table("values"), compression="zstd")
        _write(version.path / "quality" / "variables.json", _report(frame, report))


def _report(frame: Frame, by_definition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "reference_dates": [day.isoformat() for day in frame.dates],
        "sources": {kind: len(tables) for kind, tables in sorted(frame.tables.items())},
        "definitions": dict(by_definition),
    }


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def _tables(frame: Frame, computed: Computed) -> Iterator[pa.Table]:
    """Give a definition's rows of ``values``, a table for each version, in a fixed order of rows."""
    columns = ", ".join(f"v{n}" for n in range(len(computed.versions)))
    table = frame.engine.table(
        f"SELECT entity_id, ref AS reference_date, {columns} FROM {computed.name} ORDER BY ref, entity_id"
    )
    for version in computed.versions:
        yield _shaped(table, table[computed.column(version.id)], computed.definition, version)


def _shaped(table: pa.Table, outcome: Any, definition: Definition, version: VersionRule) -> pa.Table:
    """Shape one version's column as ``values``; numbers and dates have rows only where there is one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if definition.type in ("number", "date"):
        kept = pc.is_valid(outcome)
        table, outcome = table.filter(kept), outcome.filter(kept)
    n = table.num_rows
    nothing: dict[str, Any] = {"text": pa.nulls(n, pa.string()), "number": pa.nulls(n, pa.float64())}
    number = outcome if definition.type == "number" else nothing["number"]
    if definition.type == "boolean":
        known = pc.is_in(outcome, pa.array(["true", "false"]))
        number = pc.if_else(known, pc.equal(outcome, "true").cast(pa.float64()), None)

    def constant(value: str) -> Any:
        return pa.repeat(pa.scalar(value, pa.string()), n)

    entity = table["entity_id"].cast(pa.string())
    return pa.table(
        {
            "person_id": entity if definition.entity == "person" else nothing["text"],
            "entity_id": entity,
            "entity": constant(definition.entity),
            "definition": constant(definition.id),
            "version": constant(version.id),
            "reference_date": table["reference_date"].cast(pa.date32()),
            "value": nothing["text"] if definition.type == "number" else outcome.cast(pa.string()),
            "number": number.cast(pa.float64()),
            "hash": constant(version.hash),
        }
    )


def _quality(frame: Frame, computed: Computed) -> dict[str, Any]:
    """Count outcomes, what was missing where the outcome is unknown, and conflicts between sources."""
    definition = computed.definition
    return {
        "title": {"zh": definition.title.zh, "en": definition.title.en},
        "entity": definition.entity,
        "type": definition.type,
        "versions": {v.id: _version_quality(frame, computed, v) for v in computed.versions},
        "conflicts": _conflicts(frame, computed),
    }


def _version_quality(frame: Frame, computed: Computed, version: VersionRule) -> dict[str, Any]:
    engine, column = frame.engine, f"o.{computed.column(version.id)}"
    definition = computed.definition
    by_value = column
    if definition.type in ("number", "date"):
        applies = sql(version.when, frame.d)
        by_value = f"CASE WHEN ({applies}) IS NULL OR (({applies}) AND {column} IS NULL) THEN 'unknown'"
        by_value += f" WHEN {column} IS NULL THEN 'not_applicable' ELSE 'known' END"
    joined = f"SELECT w.*, {by_value} AS said FROM {computed.name} o"
    joined += f" JOIN {computed.wide} w ON w.entity_id = o.entity_id AND w.ref = o.ref"
    counts: dict[str, dict[str, int]] = {day.isoformat(): {} for day in frame.dates}
    for ref, value, n in engine.rows(
        f"SELECT ref, said, count(*) FROM ({joined}) j GROUP BY ref, said ORDER BY ref, said"
    ):
        counts[ref.isoformat()][str(value)] = int(n)
    missing = _missing(frame, version, joined)
    decided = {day: sum(n for v, n in c.items() if v != "not_applicable") for day, c in counts.items()}
    shares = {d: round(c.get("unknown", 0) / decided[d], 6) if decided[d] else None for d, c in counts.items()}
    return {
        "hash": version.hash,
        "status": version.status,
        "counts": counts,
        "unknown_share": shares,
        "unknown_inputs": missing,
    }


def _missing(frame: Frame, version: VersionRule, joined: str) -> dict[str, int]:
    """Count, among entities with an unknown outcome on the last reference date, which inputs had no value."""
    if not version.inputs:
        return {}
    picked = ", ".join(f"sum(CASE WHEN {n} IS NULL THEN 1 ELSE 0 END)" for n in version.inputs)
    last = frame.d.date(frame.dates[-1])
    row = frame.engine.rows(f"SELECT {picked} FROM ({joined}) j WHERE said = 'unknown' AND ref = {last}")[0]
    return {name: int(n or 0) for name, n in zip(version.inputs, row, strict=True)}


def _conflicts(frame: Frame, computed: Computed) -> dict[str, int]:
    """Count, on the last reference date, entities whose sources of an input disagree, and evidence that does."""
    clashes = {
        n: f"{n}_clash" for v in computed.versions for n in v.inputs if not computed.definition.inputs[n].definition
    }
    clashes |= dict(_evidence(frame, computed))
    if not clashes:
        return {}
    names = sorted(clashes)
    picked = ", ".join(f"sum(CASE WHEN {clashes[n]} THEN 1 ELSE 0 END)" for n in names)
    row = frame.engine.rows(f"SELECT {picked} FROM {computed.wide} WHERE ref = {frame.d.date(frame.dates[-1])}")[0]
    return {name: int(n or 0) for name, n in zip(names, row, strict=True)}


def _evidence(frame: Frame, computed: Computed) -> Iterator[tuple[str, str]]:
    """Give the conditions under which two known answers inside ``known(...)`` differ, by derived value and version."""
    for version in computed.versions:
        labels = {
            canonical(put_in(node, computed.definition.derive, version.param)): name
            for name, node in sorted(computed.definition.derive.items())
            if isinstance(node, Call) and node.function == "known"
        }
        for node in (*_calls(version.when), *_calls(version.rule)):
            label = labels.get(canonical(node))
            if label:
                first, *others = (f"({sql(a, frame.d, '')})" for a in node.args)
                guard = f"({sql(version.when, frame.d)}) AND "
                yield f"{label} ({version.id})", guard + "(" + " OR ".join(f"{first} <> {o}" for o in others) + ")"


def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call):
        if node.function == "known":
            yield node
        for arg in node.args:
            yield from _calls(arg)


def open_on(city: City, version: Version, dates: tuple[dt.date, ...]) -> tuple[Engine, Frame]:
    """Open an engine with a frame over a version, for a question asked later; the caller closes the engine."""
    engine = open_engine(city.settings.engine)
    return engine, open_frame(engine, version, city.settings, dates)
