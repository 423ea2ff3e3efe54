"""After suppression no attacker recovers a cell, and what is shown adds up; checked against a brute-force twin."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.city import Policy
from commonground.disclosure import Axis, CountTable, Shown, audit, suppress
from commonground.disclosure.attack import attack, bounds, equations
from commonground.disclosure.model import with_margins

QUICK = settings(max_examples=10, deadline=None)
SHAPES = st.one_of(
    st.tuples(st.integers(2, 6)),
    st.tuples(st.integers(2, 6), st.integers(2, 4)),
    st.tuples(st.integers(2, 3), st.integers(2, 3), st.integers(2, 3)),
)
COUNTS = st.one_of(st.integers(0, 14), st.integers(10, 400))


@st.composite
def tables(draw: st.DrawFn) -> CountTable:
    shape = draw(SHAPES)
    counts = draw(hnp.arrays(np.int64, shape, elements=COUNTS))
    return CountTable("t", tuple(Axis(str(a), tuple(map(str, range(n)))) for a, n in enumerate(shape)), counts)


@QUICK
@given(tables())
def test_the_attacker_recovers_nothing(table: CountTable) -> None:
    safe = suppress(table, Policy())
    full = with_margins(table.counts)
    assert (safe.shown[full < 10] == Shown.SMALL).all()
    result = audit(table, safe, Policy())
    assert result.recovered == () or (safe.shown != Shown.VALUE).all()
    assert result.safe or (safe.shown != Shown.VALUE).all()


@QUICK
@given(tables())
def test_a_plain_attacker_who_ignores_the_marks_finds_no_small_cell_within_ten(table: CountTable) -> None:
    safe = suppress(table, Policy())
    full = with_margins(table.counts)
    if (safe.shown != Shown.VALUE).all():
        return
    interval = bounds(equations(full, safe.shown, 10, marks=False), 10, exact=True)
    small = safe.shown[safe.shown != Shown.VALUE] == Shown.SMALL
    assert (interval[small, 1] - interval[small, 0] >= 10 - 1e-6).all()


@QUICK
@given(tables())
def test_shown_sums_add_up_and_are_multiples(table: CountTable) -> None:
    safe = suppress(table, Policy())
    published = safe.shown == Shown.VALUE
    full = with_margins(table.counts)
    assert (safe.values[published] % 5 == 0).all()
    assert (np.abs(safe.values - full)[published] <= 5).all()
    if table.counts.ndim == 3:
        return  # three dimensions may lack a rounding that adds up everywhere
    for axis in range(full.ndim):
        values, shown = np.moveaxis(safe.values, axis, 0), np.moveaxis(published, axis, 0)
        whole = shown.all(axis=0)
        assert (values[:-1].sum(axis=0)[whole] == values[-1][whole]).all()


@settings(max_examples=10, deadline=None)
@given(hnp.arrays(np.int64, (2, 3), elements=st.integers(0, 6)), hnp.arrays(np.bool_, (3, 4)))
def test_the_programme_finds_the_interval_that_enumeration_finds(counts: np.ndarray, hide: np.ndarray) -> None:
    full = with_margins(counts)
    hide[-1] = False
    hide[:, -1] = False  # margins known, so that whole tables can be counted out
    shown = np.where(hide, Shown.SMALL, Shown.VALUE).astype(np.int8)
    known = equations(full, shown, 10, marks=False)
    if not len(known.low):
        return
    fits = []
    for values in itertools.product(range(int(full.max()) + 1), repeat=2):
        for first in itertools.product(range(int(full.max()) + 1), repeat=1):
            top = np.array([values[0], values[1], first[0]])
            trial = np.stack([top, full[-1, :-1] - top])
            if (trial < 0).any() or (trial.sum(1) != full[:-1, -1]).any() or (trial != counts)[~hide[:-1, :-1]].any():
                continue
            fits.append(trial)
    every = np.stack(fits)
    interval = bounds(known, 0.0, exact=True)
    for k, (i, j) in enumerate(known.index):
        assert interval[k, 0] == every[:, i, j].min()
        assert interval[k, 1] == every[:, i, j].max()


@QUICK
@given(tables(), st.integers(3, 20), st.sampled_from([1, 3, 5, 10]))
def test_any_policy_holds(table: CountTable, threshold: int, rounding: int) -> None:
    policy = Policy(cell_threshold=threshold, rounding=rounding)
    safe = suppress(table, policy)
    result = attack(with_margins(table.counts), safe.shown, policy)
    assert result.safe or (safe.shown != Shown.VALUE).all()
