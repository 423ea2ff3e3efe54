"""Random people in random order: adding deliveries one by one gives what one whole build gives."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import permutations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_people_assign import FIELDS, ROW, _tables

from commonground.errors import LinkError
from commonground.people.collapse import collapse, represent
from commonground.people.frozen import Frozen, Rarity, general_model
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.resolve import Decisions
from commonground.people.spine import Given, Spine, build
from commonground.people.stable import marks, stable
from commonground.people.standing.decisions import Decided, Decision, add_decisions

Pair = tuple[int, int]
FACTS = {f"d.s{i}": Facts("k", "self", i == 1) for i in range(3)}
NONE = tuple(np.zeros(0, dtype=np.uint32) for _ in range(30))


def frozen(threshold: float) -> Frozen:
    """The general chances for a small town, linked from ``threshold`` on."""
    from commonground.people.blocking import RULES

    model, names = general_model(200), tuple(sorted(FACTS))
    rarity = Rarity(*[tuple(np.zeros(0, dtype=np.int64) for _ in range(4))] * 2, total=0)
    return Frozen({}, {n: threshold for n in names}, names, model, rarity, NONE[: len(RULES)])


def link(
    tables: dict[str, pa.Table],
    model: Frozen,
    before: tuple[Spine, np.ndarray, np.ndarray] | None,
    apart: Sequence[Pair],
    same: Sequence[Pair] = (),
) -> tuple[tuple[Spine, np.ndarray, np.ndarray], dict[int, int]]:
    """Link tables, onto what stands where there is something; ``apart`` and ``same`` are decided pairs of records."""
    gathered = gather(tables, FACTS, FIELDS)
    unit = collapse(gathered.people)
    keyed, place = represent(stable(gathered.people, gathered.texts, gathered.ids), unit)
    mark, at = marks(keyed), None
    if before is not None:
        there = {pair: i for i, pair in enumerate(zip(keyed.record.tolist(), mark.tolist(), strict=True))}
        old = zip(before[1].tolist(), before[2].tolist(), strict=True)
        at = np.array([there.get(pair, -1) for pair in old], dtype=np.int64)
    row = {r: i for i, r in enumerate(gathered.people.record.tolist())}

    def units(pairs: Sequence[Pair]) -> np.ndarray:
        known = [(place[row[a]], place[row[b]]) for a, b in pairs if a in row and b in row]
        return np.array([p for p in known if p[0] != p[1]], dtype=np.int64).reshape(-1, 2).T

    decisions = Decisions(units(same), units(apart))
    standing = before[0].standing if before else None
    spine, of = build(
        gathered.people, unit,
        Given(gathered.sources, keyed, keyed.record, model, decisions, before=standing, place=at),
    )  # fmt: skip
    entity = spine.entity[of].tolist()
    return (spine, keyed.record, mark), dict(zip(gathered.people.record.tolist(), entity, strict=True))


def groups(of: dict[int, int]) -> set[frozenset[int]]:
    out: dict[int, set[int]] = {}
    for record, person in of.items():
        out.setdefault(person, set()).add(record)
    return {frozenset(g) for g in out.values()}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ROW, min_size=2, max_size=16),
    st.permutations(range(3)),
    st.sampled_from([0.5, 0.9]),
    st.tuples(st.integers(0, 15), st.integers(0, 15)),
)
def test_any_order_gives_the_persons_of_a_whole_build(
    rows: list[tuple[str, str | None, str | None, str | None, int]],
    order: list[int],
    threshold: float,
    pair: tuple[int, int],
) -> None:
    tables, model = _tables(rows), frozen(threshold)
    apart = [(pair[0] % len(rows), pair[1] % len(rows))]
    built, of = None, dict[int, int]()
    for i in range(1, 4):
        so_far = {f"d.s{k}": tables[f"d.s{k}"] for k in order[:i]}
        if sum(t.num_rows for t in so_far.values()):
            built, of = link(so_far, model, built, apart)
    assert built is not None
    whole, all_ = link(tables, model, None, apart)
    assert groups(of) == groups(all_)
    one, two = (dict(zip(b[1].tolist(), b[0].probability.tolist(), strict=True)) for b in (built, whole))
    assert one == two
    numbers: dict[int, set[str]] = {}
    for record, person in of.items():
        if rows[record][1]:
            numbers.setdefault(person, set()).add(str(rows[record][1]))
    assert all(len(n) == 1 for n in numbers.values())


def test_what_is_decided_of_one_holds_for_those_who_are_one_person_with_it() -> None:
    """Two are one person, the third is not the first: then it is not the second either, in whatever order they come."""
    tables = _tables([("王小明", None, "2014-03-15", None, i) for i in range(3)])
    for a, b, c in permutations(range(3)):
        _, entity = link(tables, frozen(0.5), None, [(a, c)], [(a, b)])
        assert entity[a] == entity[b] != entity[c]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ROW, min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.booleans()), min_size=1, max_size=6),
    st.permutations(range(3)),
)
def test_two_persons_by_decision_are_never_one(
    rows: list[tuple[str, str | None, str | None, str | None, int]],
    asked: list[tuple[int, int, bool]],
    order: list[int],
) -> None:
    numbers = {str(i): hash(row[1]) for i, row in enumerate(rows) if row[1]}
    decided = Decided()
    for a, b, same in asked:
        pair = str(a % len(rows)), str(b % len(rows))
        with suppress(LinkError):
            decided = add_decisions(decided, [Decision(0, *pair, same, "", "")], numbers)
    one, two = ([(int(d.left), int(d.right)) for d in decided.holding if d.same == same] for same in (True, False))
    tables, model = _tables(rows), frozen(0.5)
    (_, record, _), of = link(tables, model, None, two, one)
    unit = set(record.tolist())
    assert all(of[a] != of[b] for a, b in two if a in unit and b in unit)
    held: dict[int, set[str]] = {}
    for r, person in of.items():
        held.setdefault(person, set()).update({rows[r][1]} - {None})  # type: ignore[arg-type]
    assert all(len(n) <= 1 for n in held.values())
    built, parted = None, dict[int, int]()
    for i in range(1, 4):
        so_far = {f"d.s{k}": tables[f"d.s{k}"] for k in order[:i]}
        if sum(t.num_rows for t in so_far.values()):
            built, parted = link(so_far, model, built, two, one)
    assert groups(parted) == groups(of)
