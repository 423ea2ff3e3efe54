"""Ids of persons from build to build: whatever merges and splits, no id is given twice and none is lost unsaid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commonground.people.standing.ids import MERGE, MOVE, SPLIT, succeed

RECORDS = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 5)), min_size=1, max_size=30)


def named(rows: list[tuple[int, int]], order: list[int] | None = None):  # type: ignore[no-untyped-def]
    """Ids of the persons of each record, in the order of the records."""
    at = order if order is not None else list(range(len(rows)))
    labels, person = np.unique([rows[i][0] for i in at], return_inverse=True)
    old = np.array([rows[i][1] for i in at], dtype=np.int64)
    found = succeed(person.astype(np.int64), old, np.array(at, dtype=np.int64), len(labels), 100)
    return found, {i: int(found.ids[p]) for i, p in zip(at, person.tolist(), strict=True)}


@given(RECORDS, st.randoms())
def test_ids_do_not_depend_on_the_order_of_records(rows: list[tuple[int, int]], rng) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(rows)))
    rng.shuffle(order)
    assert named(rows)[1] == named(rows, order)[1]


@given(RECORDS)
def test_every_person_has_an_id_of_its_own(rows: list[tuple[int, int]]) -> None:
    found, _ = named(rows)
    assert len(set(found.ids.tolist())) == len(found.ids)
    assert found.next - 100 == found.minted == (found.ids >= 100).sum()
    kept = {i for i in found.ids.tolist() if i < 100}
    assert kept <= {old for _, old in rows}


@given(RECORDS)
def test_a_record_changes_its_id_only_by_an_event(rows: list[tuple[int, int]]) -> None:
    found, of = named(rows)
    e = found.events
    said = dict(zip(zip(e.before.tolist(), e.after.tolist(), strict=True), e.records.tolist(), strict=True))
    seen: dict[tuple[int, int], int] = {}
    for i, (_, old) in enumerate(rows):
        if old >= 0 and old != of[i]:
            seen[old, of[i]] = seen.get((old, of[i]), 0) + 1
    assert said == seen


@given(RECORDS)
def test_an_unchanged_person_keeps_its_id(rows: list[tuple[int, int]]) -> None:
    _, of = named(rows)
    groups: dict[int, set[int]] = {}
    old: dict[int, set[int]] = {}
    for i, (person, was) in enumerate(rows):
        groups.setdefault(person, set()).add(i)
        old.setdefault(was, set()).add(i)
    for was, members in old.items():
        if was >= 0 and members in groups.values():
            assert {of[i] for i in members} == {was}


def test_merge_split_and_move_are_told_apart() -> None:
    merged, _ = named([(0, 1), (0, 1), (0, 2)])
    assert merged.ids.tolist() == [1]
    assert (merged.events.kind.tolist(), merged.events.before.tolist()) == ([MERGE], [2])
    split, _ = named([(0, 1), (0, 1), (1, 1)])
    assert split.events.kind.tolist() == [SPLIT]
    assert split.ids.tolist() == [1, 100]
    moved, _ = named([(0, 1), (0, 1), (1, 1), (1, 2), (1, 2)])
    assert (moved.events.kind.tolist(), moved.events.after.tolist()) == ([MOVE], [2])
    tie, _ = named([(1, 1), (0, 1)])
    assert tie.ids.tolist() == [100, 1]  # the oldest record decides
