"""The pair budget of a city's spine: counted as looking at each pair would, and kept to before anything is joined."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.people import edges
from commonground.people.edges import PER_RECORD, find, pairs_of, within_budget

RULE = st.lists(st.integers(0, 4), min_size=0, max_size=9)


def _keyed(values: list[int]) -> edges.Keyed:
    key = np.array(values, dtype=np.uint32)
    order = np.argsort(key, kind="stable")
    return np.arange(len(values))[order], key[order]


@given(st.lists(RULE, min_size=1, max_size=3), st.sets(st.integers(0, 4), max_size=2), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_pairs_keep_to_the_budget_and_only_crowded_keys_are_skipped(
    rules: list[list[int]], skip: set[int], budget: int
) -> None:
    keys = [_keyed(r) for r in rules]
    crowded = tuple(np.array(sorted(skip), dtype=np.uint32) for _ in rules)

    def plain(skipped: list[set[int]]) -> int:
        return sum(
            r[i] == r[j] and r[i] not in s
            for r, s in zip(rules, skipped, strict=True)
            for i in range(len(r))
            for j in range(i)
        )

    assert pairs_of(keys, crowded) == plain([skip] * len(rules))
    found = within_budget(keys, crowded, budget)
    skipped = [set(f.tolist()) for f in found]
    assert pairs_of(keys, found) == plain(skipped) <= budget
    assert all(skip <= s for s in skipped)
    kept = max((r.count(v) for r, s in zip(rules, skipped, strict=True) for v in r if v not in s), default=0)
    more = min((r.count(v) for r, s in zip(rules, skipped, strict=True) for v in s - skip), default=99)
    assert kept < more  # those of most rows go first
    if pairs_of(keys, crowded) <= budget:
        assert skipped == [skip] * len(rules)
    size = max(map(len, rules)) + 1
    a, _ = find(keys, keys, found, size)
    assert len(a) <= budget


def test_without_a_budget_there_are_so_many_pairs_for_each_record() -> None:
    values = [7] * 1000 + list(range(100, 200))
    assert pairs_of([_keyed(values)], (np.array([], dtype=np.uint32),)) == 499_500 > PER_RECORD * 1100
    found = within_budget([_keyed(values)], (np.array([], dtype=np.uint32),), 0)
    assert found[0].tolist() == [7]
    assert within_budget([_keyed([])], (np.array([], dtype=np.uint32),), 0)[0].tolist() == []
