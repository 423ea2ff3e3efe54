"""Check types that look at a delivery as a whole, or at two deliveries: SQL over the few columns that they need.

The columns are kept in a table ``slim`` of the engine while the dataset's parts pass by: numbers, dates and codes as
they are, texts and identity numbers as 64-bit hashes with a salt that is drawn for each run and kept nowhere.
``deliveries(delivery, place)`` numbers the dataset's deliveries in the order of the days that they describe, then
of their names.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonground.intake.checks.model import Check, Count
from commonground.intake.checks.rowwise import q

if TYPE_CHECKING:
    from commonground.engine import Engine

BINS = 10
"""Bins of a number's distribution in the earlier delivery, as usual for the population stability index."""


@dataclass(frozen=True)
class Setting:
    """What a whole-delivery check may ask: the engine with ``slim`` and ``deliveries``, and the units a concept has."""

    engine: Engine
    factors: Mapping[str, tuple[float, ...]]


def _counts(check: Check, rows: list[tuple[object, ...]]) -> list[Count]:
    """Make counts of rows (delivery, file, numerator, denominator)."""
    return [Count(check, str(d), str(f), int(str(n or 0)), int(str(m or 0))) for d, f, n, m in rows]


def unique(check: Check, setting: Setting) -> list[Count]:
    """Rows beyond the first with the same values in all the columns, of all rows that have them.

    ``within`` is "delivery" or "file".
    """
    file = "file" if check.params.get("within", "delivery") == "file" else "''"
    names = [q(name) for name in check.columns] or ['"@row"']
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    keys = ", ".join(names)
    inner = f"SELECT delivery, {file} AS f, count(*) AS c FROM slim WHERE {known} GROUP BY delivery, {file}, {keys}"
    return _counts(
        check,
        setting.engine.rows(f"SELECT delivery, f, sum(c - 1), sum(c) FROM ({inner}) GROUP BY delivery, f ORDER BY ALL"),
    )


def row_count(check: Check, setting: Setting) -> list[Count]:
    """Rows more or fewer than in the delivery before, of the rows of that one."""
    inner = "SELECT place, delivery, count(*) AS c FROM slim JOIN deliveries USING (delivery) GROUP BY ALL"
    rows = setting.engine.rows(
        f"WITH n AS ({inner}) SELECT n.delivery, '', abs(n.c - m.c), m.c FROM n LEFT JOIN n AS m"
        " ON m.place = n.place - 1 ORDER BY n.place"
    )
    return [_against(check, row) for row in rows]


def _against(check: Check, row: tuple[object, ...]) -> Count:
    """Make a count against an earlier delivery; not applicable where there is none."""
    if row[3] is None:
        return Count(check, str(row[0]), "", 0, 0, None, "not_applicable")
    return Count(check, str(row[0]), "", int(str(row[2])), int(str(row[3])))


def gone(check: Check, setting: Setting) -> list[Count]:
    """Persons of the delivery before who are in this one no more, of all persons of that one."""
    key = q(check.columns[0])
    keys = f"SELECT DISTINCT place, {key} AS k FROM slim JOIN deliveries USING (delivery) WHERE {key} IS NOT NULL"
    lost = "SELECT a.place + 1 AS place, count(*) FILTER (WHERE b.k IS NULL) AS lost, count(*) AS n"
    rows = setting.engine.rows(
        f"WITH k AS ({keys}), l AS ({lost} FROM k AS a LEFT JOIN k AS b"
        " ON b.place = a.place + 1 AND b.k = a.k GROUP BY a.place)"
        " SELECT delivery, '', lost, n FROM deliveries LEFT JOIN l USING (place) ORDER BY place"
    )
    return [_against(check, row) for row in rows]


def changed(check: Check, setting: Setting) -> list[Count]:
    """Persons, once in each of two deliveries, whose value changed: at all, or outside ``low`` to ``high``.

    Columns: the person's number, the value. With ``per_year`` the range is that of a year between the deliveries.
    """
    key, value = (q(name) for name in check.columns)
    low, high = check.params.get("low"), check.params.get("high")
    once = (
        f"SELECT place, {key} AS k, any_value({value}) AS v, any_value(as_of) AS day FROM slim JOIN deliveries"
        f" USING (delivery) WHERE {key} IS NOT NULL AND {value} IS NOT NULL GROUP BY place, {key} HAVING count(*) = 1"
    )
    bad = "b.v <> a.v"
    if low is not None or high is not None:
        years = "greatest(date_diff('day', a.day, b.day) / 365.25, 0)" if check.params.get("per_year") else "1"
        ends = [
            f"b.v - a.v < {float(low)}" if low is not None else "",
            f"b.v - a.v > {float(high)} * {years}" if high is not None else "",
        ]
        bad = " OR ".join(end for end in ends if end)
    rows = setting.engine.rows(
        f"WITH o AS ({once}), c AS (SELECT b.place, count(*) FILTER (WHERE {bad}) AS n, count(*) AS m"
        " FROM o AS a JOIN o AS b"
        " ON b.place = a.place + 1 AND b.k = a.k GROUP BY b.place)"
        " SELECT delivery, '', n, m FROM deliveries LEFT JOIN c USING (place) ORDER BY place"
    )
    return [_against(check, row) for row in rows]


def distribution(check: Check, setting: Setting) -> list[Count]:
    """How far a column's distribution has moved since the delivery before.

    Numerator: rows that would have to take another value (or bin) for the old distribution to come back; denominator:
    rows with a value; statistic: the population stability index over the values of a code, or over ten bins of equal
    share in the earlier delivery.
    """
    name, rows = q(check.columns[0]), setting.engine.rows
    places = rows("SELECT place, delivery FROM deliveries ORDER BY place")
    tables = {}
    for place, delivery in places:
        quoted = str(delivery).replace("'", "''")
        tables[place] = dict(
            rows(f"SELECT {name}, count(*) FROM slim WHERE delivery = '{quoted}' AND {name} IS NOT NULL GROUP BY 1")
        )
    out = []
    for place, delivery in places:
        before, now = tables.get(place - 1, {}), tables[place]
        if not before or not now:
            out.append(Count(check, str(delivery), "", 0, 0, None, "not_applicable"))
            continue
        numeric = check.params.get("as") == "number"
        moved, index = shift(*(binned(before, now) if numeric else _aligned(before, now)))
        n = sum(now.values())
        out.append(Count(check, str(delivery), "", round(moved * n), n, round(index, 6)))
    return out


def _aligned(before: Mapping[object, int], now: Mapping[object, int]) -> tuple[list[int], list[int]]:
    values = sorted(set(before) | set(now), key=str)
    return [before.get(v, 0) for v in values], [now.get(v, 0) for v in values]


def binned(before: Mapping[float, int], now: Mapping[float, int]) -> tuple[list[int], list[int]]:
    """Put two distributions into bins of about equal share of the first; equal values stay together."""
    whole, sofar = sum(before.values()), 0
    edges: list[float] = []
    for value in sorted(before):
        sofar += before[value]
        if sofar >= whole * (len(edges) + 1) / BINS:
            edges.append(value)
            while sofar >= whole * (len(edges) + 1) / BINS and len(edges) < BINS:
                edges.append(value)
    edges = sorted(set(edges))[:-1]
    tables = []
    for table in (before, now):
        counts = [0] * (len(edges) + 1)
        for value, n in table.items():
            counts[sum(value > edge for edge in edges)] += n
        tables.append(counts)
    return tables[0], tables[1]


def shift(before: list[int], now: list[int]) -> tuple[float, float]:
    """Give the total variation distance and the population stability index of two tables of counts.

    Empty cells count half a row, so that the index stays finite.
    """
    import math

    n, m = sum(before), sum(now)
    shares = [(a / n, b / m) for a, b in zip(before, now, strict=True)]
    smooth = [((a or 0.5) / n, (b or 0.5) / m) for a, b in zip(before, now, strict=True) if a or b]
    return sum(abs(b - a) for a, b in shares) / 2, sum((b - a) * math.log(b / a) for a, b in smooth)


def filled_by_group(check: Check, setting: Setting) -> list[Count]:
    """Groups (schools, counties) of ten rows or more in which nobody has a value, of all such groups."""
    value, by = (q(name) for name in check.columns)
    least = int(check.params.get("rows", 10))
    inner = f"SELECT delivery, {by}, count({value}) AS c FROM slim WHERE {by} IS NOT NULL"
    inner += f" GROUP BY ALL HAVING count(*) >= {least}"
    return _counts(
        check,
        setting.engine.rows(
            f"SELECT delivery, '', count(*) FILTER (WHERE c = 0), count(*) FROM ({inner}) GROUP BY 1 ORDER BY 1"
        ),
    )


def unit_suspect(check: Check, setting: Setting) -> list[Count]:
    """Rows of groups whose median is another unit's multiple of the other groups' median.

    Columns: the number, the group (school, file) and, where given, what must be alike (grade). A group is suspect when
    the ratio of medians is nearer than 15% to one of the factors between units of its kind (jin and kg, cm and m).
    """
    value, by = (q(name) for name in check.columns[:2])
    alike = q(check.columns[2]) if len(check.columns) > 2 else "0"
    factors = setting.factors.get(check.columns[0], ())
    least = int(check.params.get("rows", 10))
    groups = setting.engine.rows(
        f"SELECT delivery, {by}, {alike}, median({value}), count({value}) FROM slim WHERE {value} IS NOT NULL"
        f" AND {by} IS NOT NULL GROUP BY 1, 2, 3 HAVING count({value}) >= {least} ORDER BY ALL"
    )
    rest: dict[tuple[object, object], list[float]] = {}
    for delivery, _, kind, middle, _ in groups:
        rest.setdefault((delivery, kind), []).append(middle)
    typical = {key: statistics.median(values) for key, values in rest.items() if len(values) >= 3}
    sums: dict[str, list[int]] = {}
    for delivery, _, kind, middle, n in groups:
        usual = typical.get((delivery, kind))
        here = sums.setdefault(str(delivery), [0, 0])
        if usual:
            here[0] += n if any(abs(middle / usual / f - 1) < 0.15 for f in factors) else 0
            here[1] += n
    return [Count(check, delivery, "", bad, n) for delivery, (bad, n) in sorted(sums.items())]


def siblings(check: Check, setting: Setting) -> list[Count]:
    """Children of one mother born ``from_days`` to ``to_days`` apart, of all who have a sibling here.

    Columns: the mother's number, the child's birth and, where given, the relation, one of ``relations``.
    """
    mother, birth, *relation = (q(name) for name in check.columns)
    wanted = ", ".join(f"'{v}'" for v in check.params.get("relations", ()))
    only = f" AND {relation[0]} IN ({wanted})" if relation else ""
    low, high = int(check.params["from_days"]), int(check.params["to_days"])
    gaps = (
        f"SELECT delivery, date_diff('day', lag({birth}) OVER w, {birth}) AS g,"
        f" date_diff('day', {birth}, lead({birth}) OVER w) AS h FROM slim"
        f" WHERE {mother} IS NOT NULL AND {birth} IS NOT NULL{only}"
        f" WINDOW w AS (PARTITION BY delivery, {mother} ORDER BY {birth})"
    )
    bad = f"coalesce(g BETWEEN {low} AND {high}, FALSE) OR coalesce(h BETWEEN {low} AND {high}, FALSE)"
    return _counts(
        check,
        setting.engine.rows(
            f"SELECT delivery, '', count(*) FILTER (WHERE {bad}), count(*) FROM ({gaps})"
            " WHERE g IS NOT NULL OR h IS NOT NULL GROUP BY 1 ORDER BY 1"
        ),
    )


def covered(check: Check, setting: Setting) -> list[Count]:
    """Groups that another dataset lists and that have no row here, of all that it lists.

    Parameters ``kind`` and ``to`` name the other dataset and column; its delivery nearest in time is taken.
    """
    name, other = q(check.columns[0]), f"by_{check.params['kind']}_{check.params['to']}"
    here = f"SELECT DISTINCT delivery, {name} AS v FROM slim"
    rows = setting.engine.rows(
        f"{_nearest(other)}, h AS ({here}) SELECT p.delivery, '',"
        f" count(*) FILTER (WHERE h.v IS NULL AND r.v IS NOT NULL), count(r.v) FROM pair AS p"
        f" LEFT JOIN (SELECT DISTINCT delivery, v FROM {other}) AS r ON r.delivery = p.other"
        " LEFT JOIN h ON h.delivery = p.delivery AND h.v = r.v GROUP BY p.delivery ORDER BY p.delivery"
    )
    return [_or_none(check, row) for row in rows]


def roll_total(check: Check, setting: Setting) -> list[Count]:
    """Rows too many or too few against the totals that another dataset gives by group, of the sum of its totals.

    Columns: the group. Parameters ``kind``, ``to`` and ``total`` name the other dataset, its group and its total.
    """
    name, other = q(check.columns[0]), f"by_{check.params['kind']}_{check.params['to']}"
    here = f"SELECT delivery, {name} AS v, count(*) AS c FROM slim WHERE {name} IS NOT NULL GROUP BY ALL"
    told = f"SELECT delivery, v, sum({q(check.params['total'])}) AS t FROM {other} WHERE v IS NOT NULL GROUP BY ALL"
    rows = setting.engine.rows(
        f"{_nearest(other)}, h AS ({here}), r AS ({told})"
        " SELECT p.delivery, '', sum(abs(coalesce(h.c, 0) - r.t)), sum(r.t)"
        " FROM pair AS p LEFT JOIN r ON r.delivery = p.other LEFT JOIN h ON h.delivery = p.delivery AND h.v = r.v"
        " GROUP BY p.delivery ORDER BY p.delivery"
    )
    return [_or_none(check, row) for row in rows]


def _nearest(other: str) -> str:
    """SQL that pairs each delivery with the other dataset's delivery nearest in time, at most 400 days away."""
    return (
        f"WITH o AS (SELECT DISTINCT delivery, as_of FROM {other}),"
        " s AS (SELECT delivery, min(as_of) AS as_of FROM slim GROUP BY 1),"
        " pair AS (SELECT s.delivery, arg_min(o.delivery, struct_pack(d := abs(date_diff('day', o.as_of,"
        " s.as_of)), n := o.delivery)) FILTER (WHERE abs(date_diff('day', o.as_of, s.as_of)) <= 400) AS other"
        " FROM s CROSS JOIN o GROUP BY s.delivery)"
    )


def _or_none(check: Check, row: tuple[object, ...]) -> Count:
    if not row[3]:
        return Count(check, str(row[0]), "", 0, 0, None, "not_applicable")
    return Count(check, str(row[0]), "", round(float(str(row[2] or 0))), round(float(str(row[3]))))


WHOLE: dict[str, Callable[[Check, Setting], list[Count]]] = {
    f.__name__: f
    for f in (
        unique,
        row_count,
        gone,
        changed,
        distribution,
        filled_by_group,
        unit_suspect,
        siblings,
        covered,
        roll_total,
    )
}
