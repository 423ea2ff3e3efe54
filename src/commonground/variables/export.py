"""Values by row for checking, and counts for a screen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.engine import open_engine
from commonground.files import storage_errors
from commonground.variables.pack import get_definition, load_pack

KEY = ("department", "dataset", "delivery", "file", "sheet", "row_number")


def export_values(city: City, definition: str, path: Path) -> int:
    """Write each record's person's values, keyed by the row of the file that the record came from.

    Parameters
    ----------
    city : City
        A built city.
    definition : str
        Id of a definition, of one of its versions, or ``all``.
    path : Path
        Parquet file: department, dataset, delivery, file, sheet, row_number, definition (version id), value,
        reference_date.

    Returns
    -------
    int
        Rows written.
    """
    import pyarrow.parquet as pq

    version = city.require_current()
    wanted = _wanted(city, definition)
    engine = open_engine(city.settings.engine)
    try:
        engine.add_parquet("vals", version.table("values"))
        parts = []
        for number, name in enumerate(version.tables("records")):
            engine.add_parquet(f"rec_{number}", version.table(name))
            if {"person_id", *KEY} <= set(engine.columns(f"rec_{number}")):
                keys = ", ".join(KEY)
                parts.append(f"SELECT {keys}, person_id FROM rec_{number} WHERE person_id IS NOT NULL")
        listed = ", ".join(engine.dialect.text(v) for v in wanted)
        number_text = f"CAST(v.number AS {engine.dialect.type_name('text')})"
        table = engine.table(
            f"SELECT {', '.join('r.' + k for k in KEY)}, v.version AS definition,"
            f" coalesce(v.value, {number_text}) AS value, CAST(v.reference_date AS"
            f" {engine.dialect.type_name('text')}) AS reference_date"
            f" FROM ({engine.dialect.union(parts)}) r JOIN vals v ON v.person_id = r.person_id"
            f" WHERE v.version IN ({listed}) ORDER BY {', '.join(str(n + 1) for n in range(8))}, 9"
        )
    finally:
        engine.close()
    with storage_errors(path, chosen=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        path.chmod(0o600)
    return int(table.num_rows)


def _wanted(city: City, definition: str) -> list[str]:
    if definition == "all":
        return [v.id for d in load_pack(city).values() for v in d.versions]
    found = get_definition(city, definition)
    ids = [v.id for v in found.versions]
    return [definition] if definition in ids else ids


def count(city: City, definition: str, date: dt.date | None = None) -> list[dict[str, Any]]:
    """Count entities by value under every version of a definition, as kept in the current database.

    Counts below the city's threshold are None, others are rounded to its multiple.

    Returns
    -------
    list of dict
        version, value, n.
    """
    version, found = city.require_current(), get_definition(city, definition)
    day = date or city.settings.reference_date
    engine = open_engine(city.settings.engine)
    try:
        engine.add_parquet("vals", version.table("values"))
        d = engine.dialect
        rows = engine.rows(
            "SELECT version, coalesce(value, 'known') AS value, count(*) AS n FROM vals WHERE definition ="
            f" {d.text(found.id)} AND reference_date = {d.date(day)} GROUP BY 1, 2 ORDER BY 1, 2"
        )
    finally:
        engine.close()
    policy = city.policy
    return [
        {
            "version": v,
            "value": value,
            "n": None if n < policy.cell_threshold else policy.rounding * round(n / policy.rounding),
        }
        for v, value, n in rows
    ]
