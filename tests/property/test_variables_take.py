"""Taking one value from many records, against a brute-force twin; Shapley's shares against all orders."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.city import EngineSettings
from commonground.engine import DuckEngine
from commonground.variables.compare import shapley
from commonground.variables.functions import add_months, months_between, round_half_away
from commonground.variables.language import Name
from commonground.variables.model import Source
from commonground.variables.take import SCALE, parse_take, take_sql

DAY = dt.date(2025, 9, 1)
days = st.integers(-900, 60).map(lambda n: DAY + dt.timedelta(days=n))
record = st.fixed_dictionaries(
    {
        "dated": days,
        "v": st.integers(-300, 300).map(lambda n: n / 3),
        "since": st.none() | days,
        "until": st.none() | days,
    }
)
records = st.lists(record, max_size=12)
PHRASES = [
    "last within 12 months", "first within 24 months", "max within 18 months", "min within 6 months",
    "count within 12 months", "mean of last 3 distinct days within 24 months", "spell covering within 6 months",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> DuckEngine:
    return DuckEngine(EngineSettings(memory="500MB", threads=1))


def brute(phrase: str, late: int, rows: list[dict[str, Any]]) -> float | None:
    take = parse_take(phrase, "")
    first, last = add_months(DAY, -take.months), DAY + dt.timedelta(days=late)
    if take.how == "spell":
        spells = [
            r for r in rows
            if r["since"] and r["since"] <= DAY and (r["until"] is None or r["until"] > DAY) and r["dated"] > first
        ]  # fmt: skip
        nearest = sorted(spells, key=lambda r: (abs((DAY - r["dated"]).days), -r["dated"].toordinal(), -r["record_id"]))
        return nearest[0]["v"] if nearest else None
    inside = [r for r in rows if first < r["dated"] <= last]
    if not inside:
        return None
    if take.how == "count":
        return float(len(inside))
    if take.how in ("max", "min"):
        return float((max if take.how == "max" else min)(r["v"] for r in inside))
    if take.how == "mean":
        by_day: dict[dt.date, list[int]] = {}
        for r in inside:
            by_day.setdefault(r["dated"], []).append(int(round_half_away(r["v"] * SCALE)))
        means = [int(round_half_away(sum(v) / len(v))) for _, v in sorted(by_day.items(), reverse=True)][: take.days]
        return sum(means) / len(means) / SCALE
    ordered = sorted(inside, key=lambda r: (r["dated"], r["record_id"]))
    if take.how == "first":
        return float(min(inside, key=lambda r: (r["dated"], r["record_id"]))["v"])
    return float(ordered[-1]["v"])


@settings(max_examples=25, derandomize=True, deadline=None, database=None)
@given(rows=records, late=st.sampled_from([0, 31, 60]))
def test_takes_equal_brute_force(engine: DuckEngine, rows: list[dict[str, Any]], late: int) -> None:
    rows = [{"record_id": n, **r} for n, r in enumerate(rows)]
    types = [
        ("record_id", pa.int64()),
        ("dated", pa.date32()),
        ("v", pa.float64()),
        ("since", pa.date32()),
        ("until", pa.date32()),
    ]
    table = pa.table({n: pa.array([r[n] for r in rows], t) for n, t in types})
    engine.add_table("given_rows", table)
    query = f"SELECT 'a' AS entity_id, DATE '{DAY}' AS ref, DATE '{DAY}' AS day, * FROM given_rows"
    for phrase in PHRASES:
        source = Source("x", Name("v"), parse_take(phrase, ""), late=late, since="since", until="until")
        got = engine.rows(take_sql(source, "number", query, engine.dialect))
        wanted = brute(phrase, late, rows)
        assert [r[2] for r in got] == ([] if wanted is None else [wanted]), phrase


def test_months_since() -> None:
    engine = DuckEngine(EngineSettings(memory="500MB", threads=1))
    head = f"SELECT 'a' AS entity_id, DATE '{DAY}' AS ref, DATE '{DAY}' AS day"
    query = f"{head}, DATE '2025-08-01' AS dated, 1 AS record_id, DATE '2020-02-29' AS v"
    source = Source("x", Name("v"), parse_take("months since last within 12 months", ""))
    assert engine.rows(take_sql(source, "number", query, engine.dialect)) == [("a", DAY, 66.0)]
    engine.close()


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(st.lists(st.integers(0, 50), min_size=16, max_size=16))
def test_shapley_is_the_mean_over_all_orders(numbers: list[int]) -> None:
    players = ("a", "b", "c", "d")
    subsets = [frozenset(s) for n in range(5) for s in itertools.combinations(players, n)]
    worth = {s: float(n) for s, n in zip(subsets, numbers, strict=True)}
    total = dict.fromkeys(players, 0.0)
    orders = list(itertools.permutations(players))
    for order in orders:
        seen: frozenset[str] = frozenset()
        for one in order:
            total[one] += worth[seen | {one}] - worth[seen]
            seen |= {one}
    shares = shapley(players, worth)
    for one in players:
        assert shares[one] == pytest.approx(total[one] / len(orders))
    assert sum(shares.values()) == pytest.approx(worth[frozenset(players)] - worth[frozenset()])


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.dates(dt.date(1930, 1, 1), dt.date(2060, 1, 1)), st.integers(0, 400))
def test_a_month_later_is_a_month_later(day: dt.date, months: int) -> None:
    assert months_between(day, add_months(day, months)) == months
    assert months_between(add_months(day, months), day) == -months
