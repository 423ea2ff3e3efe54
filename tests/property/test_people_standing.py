"""Random people in random order: adding deliveries one by one gives what one whole build gives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_people_assign import FIELDS, ROW, _tables

from commonground.people.collapse import collapse, represent
from commonground.people.frozen import Frozen, Rarity, general_model
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.resolve import Decisions
from commonground.people.spine import Given, Spine, build
from commonground.people.stable import marks, stable

FACTS = {f"d.s{i}": Facts("k", "self", i == 1) for i in range(3)}
NONE = tuple(np.zeros(0, dtype=np.uint32) for _ in range(30))


def frozen(threshold: float) -> Frozen:
    """The general chances for a small town, linked from ``threshold`` on."""
    from commonground.people.blocking import RULES

    model, names = general_model(200), tuple(sorted(FACTS))
    rarity = Rarity(*[tuple(np.zeros(0, dtype=np.int64) for _ in range(4))] * 2, total=0)
    return Frozen({}, {n: threshold for n in names}, names, model, rarity, NONE[: len(RULES)])


def link(
    tables: dict[str, pa.Table], model: Frozen, before: tuple[Spine, np.ndarray, np.ndarray] | None, apart: list[int]
) -> tuple[tuple[Spine, np.ndarray, np.ndarray], dict[int, int]]:
    """Link tables, onto what stands where there is something; ``apart`` are two records that are two persons."""
    gathered = gather(tables, FACTS, FIELDS)
    unit = collapse(gathered.people)
    keyed, place = represent(stable(gathered.people, gathered.texts, gathered.ids), unit)
    mark, at = marks(keyed), None
    if before is not None:
        there = {pair: i for i, pair in enumerate(zip(keyed.record.tolist(), mark.tolist(), strict=True))}
        old = zip(before[1].tolist(), before[2].tolist(), strict=True)
        at = np.array([there.get(pair, -1) for pair in old], dtype=np.int64)
    row = {r: i for i, r in enumerate(gathered.people.record.tolist())}
    pairs = np.array([[place[row[r]]] for r in apart] if all(r in row for r in apart) else [[], []], dtype=np.int64)
    decisions = Decisions(other=pairs[:, pairs[0] != pairs[1]])
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
    apart = [p % len(rows) for p in pair]
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
