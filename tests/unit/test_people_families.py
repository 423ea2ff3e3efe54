"""Parents that rule each other out, siblings by their parents, and each pair once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.people.families import EVIDENCE, HOUSEHOLD, MANY, NUMBER, PARENTS, Relations, shared_out, tidy
from commonground.people.kin import FATHER, GUARDIAN, MOTHER, RELATIONS, SIBLING

Row = tuple[int, int, int, int, int, float]


def _made(rows: list[Row]) -> Relations:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    whole = [np.array(c, dtype=np.int64) for c in columns[:5]]
    return Relations(*whole, np.array(columns[5], dtype=np.float64))


def _rows(r: Relations) -> list[Row]:
    columns = (r.person, r.relative, r.relation, r.source, r.evidence, r.probability.round(6))
    return list(zip(*(c.tolist() for c in columns), strict=True))


def test_children_of_one_parent_are_siblings() -> None:
    rows = [(1, 9, MOTHER, 0, NUMBER, 0.999), (2, 9, MOTHER, 1, HOUSEHOLD, 0.99), (3, 8, FATHER, 0, NUMBER, 0.999)]
    found = [r for r in _rows(tidy([_made(rows)])) if r[2] == SIBLING]
    assert found == [(1, 2, SIBLING, 1, PARENTS, 0.98901), (2, 1, SIBLING, 1, PARENTS, 0.98901)]


def test_siblings_that_a_source_names_are_not_made_again() -> None:
    rows = [(1, 9, MOTHER, 0, NUMBER, 0.999), (2, 9, MOTHER, 0, NUMBER, 0.999), (1, 2, SIBLING, 0, HOUSEHOLD, 0.99)]
    found = {r[:2]: r[4] for r in _rows(tidy([_made(rows)])) if r[2] == SIBLING}
    assert found == {(1, 2): HOUSEHOLD, (2, 1): PARENTS}


def test_a_parent_of_very_many_makes_no_siblings() -> None:
    rows = [(i, 999, FATHER, 0, HOUSEHOLD, 0.99) for i in range(MANY + 1)]
    assert not [r for r in _rows(tidy([_made(rows)])) if r[2] == SIBLING]


def test_two_fathers_share_the_trust() -> None:
    """One is said by number and in a household, the other by a name in the village: the first keeps nearly all."""
    rows = [(1, 9, FATHER, 0, NUMBER, 0.999), (1, 9, FATHER, 1, HOUSEHOLD, 0.99), (1, 8, FATHER, 2, 3, 0.9)]
    found = {(r[1], r[3]): r[5] for r in _rows(tidy([_made(rows)]))}
    first, second = 1 / (0.001 * 0.01) - 1, 1 / 0.1 - 1
    assert found[9, 0] == pytest.approx(0.999 * first / (first + second), abs=1e-6)
    assert found[8, 2] == pytest.approx(0.9 * second / (first + second), abs=1e-6)
    equal = _rows(tidy([_made([(1, 9, MOTHER, 0, HOUSEHOLD, 0.99), (1, 8, MOTHER, 1, HOUSEHOLD, 0.99)])]))
    assert [r[5] for r in equal] == [0.495, 0.495]


def test_guardians_do_not_compete() -> None:
    rows = [(1, 9, GUARDIAN, 0, NUMBER, 0.999), (1, 8, GUARDIAN, 0, NUMBER, 0.999)]
    assert [r[5] for r in _rows(tidy([_made(rows)]))] == [0.999, 0.999]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6),
            st.integers(0, 6),
            st.integers(0, len(RELATIONS) - 1),
            st.integers(0, 2),
            st.integers(0, len(EVIDENCE) - 1),
            st.floats(0.1, 0.999),
        ),
        max_size=25,
    )
)
def test_whatever_is_said_each_pair_stands_once_and_is_possible(rows: list[Row]) -> None:
    found = tidy([_made(rows)])
    keys = [r[:4] for r in _rows(found)]
    assert len(keys) == len(set(keys))
    assert keys == sorted(keys)
    assert ((found.probability >= 0) & (found.probability <= 1)).all()
    assert _rows(tidy([_made(rows[::-1])])) == _rows(found)
    for relation in (FATHER, MOTHER):
        best: dict[tuple[int, int], float] = {}
        for person, relative, kind, _, _, p in _rows(shared_out(_made(rows))):
            if kind == relation:
                best[person, relative] = max(p, best.get((person, relative), 0.0))
        for person in {a for a, _ in best}:
            assert sum(p for (a, _), p in best.items() if a == person) <= 1.0 + 1e-6
