"""How one value per person and reference date is taken from many records: the phrase, and its SQL.

The phrases: ``last within 12 months``, ``first within …``, ``max|min|any|count within …``,
``mean of last 3 distinct days within 24 months``, ``spell covering within 12 months`` (the spell that began on or
before the reference date, listed no longer than so many months before it), ``months since last within 60 months``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from commonground.engine.dialect import Dialect
from commonground.errors import DefinitionError, Said
from commonground.variables.model import Source, Take

_PHRASES: tuple[tuple[str, Callable[[re.Match[str]], Take]], ...] = (
    (r"(last|first|max|min|any|count) within (\d+) months?", lambda m: Take(m[1], int(m[2]))),
    (r"mean of last (\d+) distinct days within (\d+) months?", lambda m: Take("mean", int(m[2]), int(m[1]))),
    (r"spell covering(?: within (\d+) months?)?", lambda m: Take("spell", int(m[1] or 12))),
    (r"months since last within (\d+) months?", lambda m: Take("months_since", int(m[1]))),
)

EXAMPLES = (
    "last within 12 months",
    "any within 24 months",
    "mean of last 3 distinct days within 24 months",
    "spell covering within 12 months",
    "months since last within 60 months",
)
"""Phrases as they may be written."""

#: Means are summed in millionths as whole numbers, so that no order of rows can change the last digit.
SCALE = 1_000_000


def parse_take(phrase: str, where: str) -> Take:
    """Read a phrase.

    Raises
    ------
    DefinitionError
        The phrase is none of the known ones.
    """
    for pattern, make in _PHRASES:
        found = re.fullmatch(pattern, " ".join(phrase.split()))
        if found:
            return make(found)
    raise DefinitionError(
        Said(f"看不懂取值方式“{phrase}”。", f"The way of taking “{phrase}” is not understood."),
        where=where,
        todo=Said("可写：" + "；".join(EXAMPLES) + "。", "Write: " + "; ".join(EXAMPLES) + "."),
    )


def take_sql(source: Source, kind: str, rows: str, d: Dialect) -> str:
    """Write the query that takes one value ``v`` per ``entity_id`` and ``ref``.

    Parameters
    ----------
    source : Source
        What to take.
    kind : str
        Type of the input.
    rows : str
        Query that gives ``entity_id, ref, day`` (the reference day, moved by the input's lag), ``dated, record_id, v``
        and, for spells, ``since`` and ``until``; only rows with a value.
    d : Dialect
        The engine's spelling.
    """
    take = source.take
    if take.how == "spell":
        return _spell(rows, take, d)
    window = f"dated <= {d.add_days('day', source.late)} AND dated > {d.add_months('day', -take.months)}"
    inside = f"SELECT * FROM ({rows}) w WHERE {window}"
    if take.how == "mean":
        return _mean(inside, take, d)
    if take.how in ("max", "min"):
        return f"SELECT entity_id, ref, {take.how}(v) AS v FROM ({inside}) i GROUP BY entity_id, ref"
    if take.how == "count":
        return f"SELECT entity_id, ref, CAST(count(*) AS DOUBLE) AS v FROM ({inside}) i GROUP BY entity_id, ref"
    if take.how == "any":
        value = "max(CASE WHEN v THEN 1 ELSE 0 END) = 1"
        return f"SELECT entity_id, ref, {value} AS v FROM ({inside}) i GROUP BY entity_id, ref"
    order = "dated ASC, record_id ASC" if take.how == "first" else "dated DESC, record_id DESC"
    value = d.months_between("v", "day") if take.how == "months_since" else "v"
    return _ranked(inside, order, value)


def _ranked(rows: str, order: str, value: str = "v") -> str:
    ranked = f"SELECT *, row_number() OVER (PARTITION BY entity_id, ref ORDER BY {order}) AS place FROM ({rows}) r"
    return f"SELECT entity_id, ref, {value} AS v FROM ({ranked}) t WHERE place = 1"


def _spell(rows: str, take: Take, d: Dialect) -> str:
    # A later list also tells of an earlier day, when the spell had begun by then; the nearest list decides.
    covering = (
        f"SELECT * FROM ({rows}) w WHERE since <= day AND (until IS NULL OR until > day)"
        f" AND dated > {d.add_months('day', -take.months)}"
    )
    return _ranked(covering, f"abs({d.days_between('dated', 'day')}) ASC, dated DESC, record_id DESC")


def _mean(rows: str, take: Take, d: Dialect) -> str:
    scaled = f"CAST({d.round(f'v * {SCALE}e0')} AS BIGINT)"
    groups = "entity_id, ref, dated"
    daily = f"SELECT {groups}, sum({scaled}) AS s, count(*) AS n FROM ({rows}) w GROUP BY {groups}"
    each = f"SELECT entity_id, ref, dated, CAST({d.round('CAST(s AS DOUBLE) / n')} AS BIGINT) AS s FROM ({daily}) q"
    ranked = f"SELECT *, row_number() OVER (PARTITION BY entity_id, ref ORDER BY dated DESC) AS place FROM ({each}) e"
    return (
        f"SELECT entity_id, ref, CAST(sum(s) AS DOUBLE) / CAST(count(*) AS DOUBLE) / {SCALE}e0 AS v"
        f" FROM ({ranked}) t WHERE place <= {take.days} GROUP BY entity_id, ref"
    )
