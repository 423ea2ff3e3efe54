"""Groups of records by their best links, held against a plain twin; scores against their definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.people.clusters import AGAINST, CONFLICT, JOINED, ONCE, PARTS, UNTRIED, WITHIN, join_best
from commonground.people.clusters_score import b_cubed, closest, pairwise


@st.composite
def graphs(draw: st.DrawFn) -> dict:
    rows = draw(st.integers(1, 9))
    every = list(combinations(range(rows), 2))
    pairs = draw(st.lists(st.sampled_from(every), unique=True, max_size=len(every))) if every else []
    weights = draw(st.lists(st.integers(-6, 6), min_size=len(pairs), max_size=len(pairs)))
    small = st.lists(st.integers(-1, 2), min_size=rows, max_size=rows)
    return {
        "rows": rows,
        "a": np.array([p[0] for p in pairs], dtype=np.int64),
        "b": np.array([p[1] for p in pairs], dtype=np.int64),
        "weight": np.array(weights, dtype=float),
        "least": draw(st.sampled_from([0.0, 1.0, 3.0])),
        "once": np.array(draw(small)) if draw(st.booleans()) else None,
        "keys": np.array([draw(small), draw(small)]).T if draw(st.booleans()) else None,
        "absent": draw(st.sampled_from([0.0, -1.0, -0.5])),
        "rank": np.array(draw(st.permutations(range(rows)))),
    }


def twin(rows, a, b, weight, least, once, keys, absent, rank):
    """The same by sets: slow, and as the rule is said."""
    groups = [{i} for i in range(rows)]
    value = {frozenset((int(x), int(y))): w for x, y, w in zip(a, b, weight, strict=True)}
    fates = [UNTRIED] * len(a)
    order = sorted(range(len(a)), key=lambda i: (-weight[i], *sorted((rank[a[i]], rank[b[i]]))))
    for i in order:
        if weight[i] < least:
            continue
        one, two = (next(g for g in groups if r in g) for r in (a[i], b[i]))
        if one is two:
            fates[i] = WITHIN
            continue
        known = (
            [[{int(keys[r, k]) for r in g} - {-1} for g in (one, two)] for k in range(keys.shape[1])]
            if keys is not None
            else []
        )
        sources = [{int(once[r]) for r in g} - {-1} for g in (one, two)] if once is not None else [set(), set()]
        sum_ = sum(value.get(frozenset((r, s)), absent) for r in one for s in two)
        if any(x and y and x != y for x, y in known):
            fates[i] = CONFLICT
        elif sources[0] & sources[1]:
            fates[i] = ONCE
        elif sum_ < 0 and len(one) * len(two) > 1:
            fates[i] = AGAINST
        else:
            fates[i] = JOINED
            groups.remove(two)
            one |= two
    home = {r: min(g) for g in groups for r in g}
    fates = [WITHIN if f >= ONCE and home[x] == home[y] else f for f, x, y in zip(fates, a, b, strict=True)]
    return [home[r] for r in range(rows)], fates


def partition(cluster) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(cluster == c).tolist()) for c in np.unique(cluster)}


@given(graphs())
@settings(max_examples=400, deadline=None)
def test_groups_are_those_of_the_plain_twin(graph: dict) -> None:
    found = join_best(**graph)
    home, fates = twin(**graph)
    assert partition(found.cluster) == partition(np.array(home))
    assert found.fate.tolist() == fates
    assert found.cluster.tolist() == [sorted(set(home)).index(h) for h in home]


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_groups_do_not_depend_on_the_order_of_rows_and_pairs(graph: dict, random) -> None:
    """Also with weights that no binary fraction holds: sums are exact."""
    graph["weight"] = graph["weight"] / 3
    before = join_best(**graph)
    rows = graph["rows"]
    moved = np.array(random.sample(range(rows), rows))  # row i becomes row moved[i]
    back = np.argsort(moved)
    shuffled = np.array(random.sample(range(len(graph["a"])), len(graph["a"])), dtype=np.int64)
    turned = dict(graph, a=moved[graph["b"]][shuffled], b=moved[graph["a"]][shuffled], weight=graph["weight"][shuffled])
    for name in ("once", "keys", "rank"):
        turned[name] = None if graph[name] is None else graph[name][back]
    after = join_best(**turned)
    assert partition(before.cluster) == partition(after.cluster[moved])
    assert before.fate[shuffled].tolist() == after.fate.tolist()


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_no_group_breaks_a_rule(graph: dict) -> None:
    found = join_best(**graph)
    for group in partition(found.cluster):
        members = sorted(group)
        if graph["once"] is not None:
            sources = [s for s in graph["once"][members].tolist() if s >= 0]
            assert len(sources) == len(set(sources)) or len(members) == 1
        if graph["keys"] is not None:
            for column in graph["keys"][members].T:
                assert len(set(column.tolist()) - {-1}) <= 1
    assert (found.fate[graph["weight"] < graph["least"]] == UNTRIED).all()
    apart = found.cluster[graph["a"]] != found.cluster[graph["b"]]
    assert (found.refused == (apart & (graph["weight"] >= graph["least"]))).all()


def test_a_chain_whose_ends_contradict_is_cut_at_its_weakest_link() -> None:
    a, b = np.array([0, 1, 2, 0, 1, 0]), np.array([1, 2, 3, 2, 3, 3])
    found = join_best(4, a, b, np.array([9.0, 5.0, 8.0, -6.0, -6.0, -6.0]))
    assert found.cluster.tolist() == [0, 0, 1, 1]
    assert found.fate.tolist() == [JOINED, AGAINST, JOINED, UNTRIED, UNTRIED, UNTRIED]


def test_sums_of_millionths_are_exact_and_large_weights_are_cut() -> None:
    found = join_best(3, np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([1e300, 0.5 / PARTS, -np.inf]))
    assert found.cluster.tolist() == [0, 0, 1]


def test_nothing_and_rows_without_pairs() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert join_best(0, none, none, np.zeros(0)).cluster.tolist() == []
    assert join_best(3, none, none, np.zeros(0)).cluster.tolist() == [0, 1, 2]


labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@given(labels)
@settings(max_examples=200, deadline=None)
def test_scores_are_what_their_definitions_say(rows: list[tuple[int, int]]) -> None:
    found, true = [r[0] for r in rows], [f"p{r[1]}" for r in rows]
    n = range(len(rows))
    said = {p for p in combinations(n, 2) if found[p[0]] == found[p[1]]}
    there = {p for p in combinations(n, 2) if true[p[0]] == true[p[1]]}
    score = pairwise(found, true)
    assert score.precision == pytest.approx(len(said & there) / len(said) if said else 1)
    assert score.recall == pytest.approx(len(said & there) / len(there) if there else 1)
    groups = [{i for i in n if found[i] == g} for g in set(found)]
    persons = [{i for i in n if true[i] == t} for t in set(true)]
    of = [next(g for g in groups if i in g) for i in n], [next(p for p in persons if i in p) for i in n]
    score = b_cubed(found, true)
    assert score.precision == pytest.approx(np.mean([len(of[0][i] & of[1][i]) / len(of[0][i]) for i in n]))
    assert score.recall == pytest.approx(np.mean([len(of[0][i] & of[1][i]) / len(of[1][i]) for i in n]))
    score = closest(found, true)
    assert score.precision == pytest.approx(np.mean([max(len(g & p) / len(g | p) for p in persons) for g in groups]))
    assert score.recall == pytest.approx(np.mean([max(len(g & p) / len(g | p) for g in groups) for p in persons]))


def test_scores_of_a_worked_example() -> None:
    """Bagga and Baldwin (1998): three chains of 5, 2 and 5 records, of which an answer joins 2 and 5, or 5 and 5."""
    true = [1] * 5 + [2] * 2 + [3] * 5
    one, two = [1] * 5 + [2] * 2 + [2] * 5, [1] * 5 + [2] * 2 + [1] * 5
    assert b_cubed(one, true).precision == pytest.approx(0.76, abs=0.005)
    assert b_cubed(two, true).precision == pytest.approx(0.58, abs=0.005)
    assert b_cubed(one, true).recall == b_cubed(two, true).recall == 1.0
    assert pairwise(two, true).recall == 1.0
    assert pairwise([1, 2], [1, 2]).f1 == 1.0
    assert closest([1, 1], [1, 2]).f1 == pytest.approx(0.5)
