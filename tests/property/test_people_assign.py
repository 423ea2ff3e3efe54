"""One record, one person; two different identity numbers, two persons; whatever the order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonground.people.assign import assign, compete, threshold
from commonground.people.collapse import collapse
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.numbers import check_character
from commonground.people.spine import build

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.floats(-20, 20)), max_size=40)


@given(PAIRS, st.booleans())
def test_assignment_is_one_to_one(pairs: list[tuple[int, int, float]], one: bool) -> None:
    seen = {(a, b): w for a, b, w in pairs}
    a, b = (np.array([k[i] for k in seen], dtype=np.int64) for i in (0, 1))
    odds = np.array(list(seen.values()), dtype=np.float64)
    found = assign(a, b, odds, one_to_one=one, precision=0.5)
    assert len(set(a[found.chosen].tolist())) == len(found.chosen)
    if one:
        assert len(set(b[found.chosen].tolist())) == len(found.chosen)
    assert ((found.probability >= 0) & (found.probability <= 1)).all()


@given(PAIRS)
def test_probabilities_of_a_record_do_not_exceed_one(pairs: list[tuple[int, int, float]]) -> None:
    seen = {(a, b): w for a, b, w in pairs}
    a, b = (np.array([k[i] for k in seen], dtype=np.int64) for i in (0, 1))
    p = compete(a, b, np.array(list(seen.values()), dtype=np.float64), True)
    for side in (a, b):
        assert (np.bincount(side, weights=p, minlength=1) <= 1 + 1e-9).all()


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=50), st.floats(0.6, 0.999))
def test_threshold_keeps_its_promise(p: list[float], target: float) -> None:
    values = np.array(p)
    taken = values[values >= threshold(values, target)]
    assert len(taken) == 0 or taken.mean() >= target - 1e-9


NAMES = ["王小明", "王晓明", "张伟", "李娜", "覃小明"]
NUMBERS = [(body := f"5299052014031500{i}") + check_character(body) for i in range(4)]
ROW = st.tuples(
    st.sampled_from(NAMES), st.sampled_from([None, *NUMBERS]), st.sampled_from(["2014-03-15", "2014-03-16", None]),
    st.sampled_from(["12520008943", "12520008944", None]), st.integers(0, 2),
)  # fmt: skip
TWO_VISITS = [
    *[("王小明", None, "2014-03-15", "12520008943", 0)] * 3,
    *[("王小明", number, "2014-03-15", "12520008943", 1) for number in NUMBERS[:2]],
]
"""Two visitors with numbers of their own, and one person without a number whom both would join."""
FIELDS = {
    ("self", "name"): ["name"],
    ("self", "id_no"): ["id_no"],
    ("self", "birth"): ["birth"],
    ("self", "phone"): ["phone"],
}


def _tables(rows: list[tuple[str, str | None, str | None, str | None, int]]) -> dict[str, pa.Table]:
    out = {}
    for source in range(3):
        mine = [(i, r) for i, r in enumerate(rows) if r[4] == source]
        n, name = len(mine), f"d.s{source}"
        place = {
            k: [v] * n for k, v in (("delivery", "2025-01-01"), ("file", "f"), ("sheet", ""), ("status", "record"))
        }
        births = pa.array([r[2] for _, r in mine], pa.string()).cast(pa.date32())
        out[name] = pa.table(
            {
                "record_id": pa.array([i for i, _ in mine], pa.int64()),
                **{k: pa.array(v, pa.string()) for k, v in place.items()},
                "name": pa.array([r[0] for _, r in mine], pa.string()),
                "id_no": pa.array([r[1] for _, r in mine], pa.string()),
                "birth": births,
                "phone": pa.array([r[3] for _, r in mine], pa.string()),
            }
        )
    return out


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=14), st.integers(0, 2))
@example(TWO_VISITS, 1)
def test_two_different_numbers_are_never_one_person(
    rows: list[tuple[str, str | None, str | None, str | None, int]], many: int
) -> None:
    facts = {f"d.s{i}": Facts("k", "self", i == many) for i in range(3)}
    gathered = gather(_tables(rows), facts, FIELDS)
    spine, place = build(gathered.people, collapse(gathered.people))
    person: dict[int, set[int]] = {}
    for entity, number in zip(spine.entity[place].tolist(), gathered.people.id.tolist(), strict=True):
        if number >= 0:
            person.setdefault(entity, set()).add(number)
    assert all(len(numbers) == 1 for numbers in person.values())
    assert sorted(gathered.people.record.tolist()) == list(range(len(rows)))
