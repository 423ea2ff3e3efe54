"""The choice of blocking rules, slips counted, exchanged names and near postcodes: against plain definitions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.people import choice
from commonground.people.choice import Slips, assumed, choose, counted, drawn
from commonground.people.exchange import EXCHANGED
from commonground.people.fields import read_fields
from commonground.people.pairs import weigh_tables
from commonground.people.rules import Plan, Rule

LETTERS = st.text("abcde", min_size=0, max_size=5)
NAMES = st.lists(st.tuples(LETTERS, LETTERS), min_size=2, max_size=8)


def _table(rows: list[tuple[str, str]]) -> pa.Table:
    return pa.table({"first": [r[0] or None for r in rows], "last": [r[1] or None for r in rows]})


def _edits(x: str, y: str) -> int:
    """Optimal string alignment, by the book."""
    d = {(i, 0): i for i in range(len(x) + 1)} | {(0, j): j for j in range(len(y) + 1)}
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (x[i - 1] != y[j - 1]))
            if i > 1 and j > 1 and x[i - 1] == y[j - 2] and x[i - 2] == y[j - 1]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(x), len(y)]


def _near(x: str, y: str) -> int:
    if not x or not y:
        return 0
    longest, slips = max(len(x), len(y)), _edits(x, y)
    return 4 if x == y else 3 if slips <= 1 < longest else 2 if 0 < slips <= 0.3 * longest and longest > 1 else 1


@given(NAMES)
@settings(max_examples=150, deadline=None)
def test_exchanged_names_are_what_their_definition_says(rows: list[tuple[str, str]]) -> None:
    table = _table(rows)
    first, last = read_fields(table, table, {"first": "given_name", "last": "surname"})
    n = len(rows)
    a, b = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    for x, y, g, s in zip(a, b, first.compare(a, b + n), last.compare(a, b + n), strict=True):
        (f1, l1), (f2, l2) = rows[x], rows[y]
        crossed = sorted((_near(f1, l2), _near(l1, f2)))
        turned = crossed[0] >= 2 and sum(crossed) >= 6
        if g == EXCHANGED:
            assert turned
            assert s == 0
            assert f1 != f2
        elif _near(f1, f2) == 1 and _near(l1, l2) == 1 and g == 1 and s == 1:
            assert not turned
        if f1 and f1 == f2:
            assert g == 5
    either = next(p for p in first.parts if p.name == "first:either order").key[:n]
    for x in range(n):
        for y in range(n):
            known = all(rows[x]) and all(rows[y])
            assert (either[x] == either[y] and either[x] >= 0) == (known and sorted(rows[x]) == sorted(rows[y]))


@given(st.lists(st.text("0123456789ab", min_size=3, max_size=7), min_size=2, max_size=8))
@settings(max_examples=100, deadline=None)
def test_postcodes_are_near_by_their_beginnings(codes: list[str]) -> None:
    table = pa.table({"code": codes})
    (field,) = read_fields(table, table, {"code": "postcode"})
    n = len(codes)
    for x in range(n):
        levels = field.compare(np.full(n, x), np.arange(n) + n)
        for y, level in enumerate(levels.tolist()):
            p, q = codes[x], codes[y]
            cuts = [(5, p, q), (4, p[:-2], q[:-2]), (3, p[:-3], q[:-3]), (2, p[:2], q[:2])]
            assert level == next((k for k, u, v in cuts if u and u == v), 1)


def test_a_year_alone_is_a_date_of_which_no_more_is_known() -> None:
    table = pa.table({"birth": ["1855", "1855-07-21", "1855-03", "no date"]})
    (field,) = read_fields(table, table, {"birth": "birth_date"})
    assert field.word(int(field.compare(np.array([0]), np.array([5]))[0])).en == "same year, no more known"
    assert field.compare(np.array([3]), np.array([4])).tolist() == [0]


def test_drawn_pairs_slip_as_often_as_is_said() -> None:
    slips = [
        Slips(np.array([[True, True], [False, True], [False, False]]), np.array([0.9, 0.0999, 0.0001])),
        Slips(np.array([[True], [False]]), np.array([0.7, 0.3])),
    ]
    ways, weight = drawn(slips)
    assert weight.sum() == pytest.approx(1.0)
    assert (weight * ways[0][:, 0]).sum() == pytest.approx(0.9, abs=0.01)
    assert (weight * ~ways[0][:, 1]).sum() == pytest.approx(0.0001, rel=0.2)  # rare, and yet told well
    assert (weight * (~ways[0][:, 0] & ~ways[1][:, 0])).sum() == pytest.approx(0.03, rel=0.1)


def _known(n: int, wrong: float, seed: int) -> tuple[pa.Table, pa.Table]:
    """Two tables of the same people; the second has a wrong town in the share ``wrong`` of its rows."""
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("abcdefghij"), 7)) for _ in range(n)]
    born = (np.datetime64("1950-01-01") + rng.integers(0, 20_000, n)).astype(str).tolist()
    towns = rng.integers(0, 60, n)
    other = np.where(rng.random(n) < wrong, (towns + rng.integers(1, 60, n)) % 60, towns)
    return (
        pa.table({"name": names, "birth": born, "town": towns.astype(str)}),
        pa.table({"name": names, "birth": born, "town": other.astype(str)}),
    )


@pytest.mark.parametrize("wrong", [0.05, 0.4])
def test_slips_are_counted_from_pairs_that_other_fields_find(wrong: float) -> None:
    left, right = _known(1500, wrong, 3)
    fields = {"name": "text", "birth": "birth_date", "town": "category"}
    found = weigh_tables(left, right, fields=fields, floor=0.0)
    slips = counted(found.fields, found.plan, found.a, found.b, 1 / (1 + np.exp2(-found.weight)))
    town = slips[2]
    assert town.chance.sum() == pytest.approx(1.0)
    assert town.chance[~town.ways[:, 0]].sum() == pytest.approx(wrong, abs=0.05)


def test_a_rule_is_chosen_for_what_the_others_do_not_find() -> None:
    left, right = _known(600, 0.3, 4)
    made = read_fields(left, right, {"name": "text", "birth": "birth_date", "town": "category"})
    rows = np.arange(600), np.arange(600, 1200)
    plan = choose(made, *rows, 20_000)
    assert sum(r.pairs for r in plan.rules) <= plan.budget
    assert 0.99 < plan.found <= 1.0
    assert len(plan.rules) <= choice.MOST
    never = [Slips(np.ones((1, len(f.parts)), dtype=bool), np.ones(1)) for f in made]
    one = choose(made, *rows, 20_000, slips=never)  # where nothing ever slips a single rule finds all
    assert len(one.rules) == 1
    assert one.found == pytest.approx(1.0)


def test_slips_assumed_are_chances_and_a_missing_value_agrees_in_nothing() -> None:
    table = pa.table({"name": ["abcd", None, "efgh", None]})
    (field,) = read_fields(table, table, {"name": "text"})
    slips = assumed(field)
    assert slips.chance.sum() == pytest.approx(1.0)
    assert slips.chance[~slips.ways.any(axis=1)].sum() >= 0.75
    plan = Plan((Rule(("name:whole",), 2.0, 1.0, 0.0),), 10, 1.0)
    seen = counted([field], plan, np.array([0, 2]), np.array([4, 6]), np.array([1.0, 1.0]))
    assert seen[0].chance.sum() == pytest.approx(1.0)
