"""Whatever the counts: rates stay within 0 and 1, intervals hold their estimate, draws choose only candidates."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commonground.people.quality.draws import candidates, draw
from commonground.people.quality.estimate import Hidden, errors, rates, sums

whole = st.integers(0, 400)


@st.composite
def outcomes(draw_: st.DrawFn) -> Hidden:
    """Strata of three deliveries, some tried, with any outcome."""
    rows = []
    for source in draw_(st.lists(st.integers(0, 2), min_size=1, max_size=5)):
        right, wrong, missed = (draw_(whole) for _ in range(3))
        unforeseen = draw_(st.integers(0, missed))
        expected = [draw_(st.floats(0, 50)) for _ in range(2)]
        rows.append([source, right + wrong + missed, right, wrong, 0, unforeseen, *expected])
    columns = [np.array(c) for c in zip(*rows, strict=True)]
    return Hidden(*(c.astype(np.int64) for c in columns[:6]), *(c.astype(float) for c in columns[6:]))


@given(outcomes(), st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_rates_are_rates_and_intervals_hold_them(hidden: Hidden, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    strata = len(hidden.source)
    linked = rng.random(n) < rng.random()
    chance = rng.random((3, n)) * rng.random()
    total = sums(
        rng.integers(0, 3, n), 3, rng.integers(0, strata, n), strata, rng.integers(0, n, n), linked,
        linked & (rng.random(n) < 0.5), chance[0] * linked, chance[1] * ~linked, chance[2],
    )  # fmt: skip
    found = rates(total, errors(hidden), seed=1, draws=200)
    assert sum(found.records) == n
    for group in (found.link_rate, found.missed_rate, found.false_rate):
        for e in group:
            assert e is None or 0 <= e.low <= e.value <= e.high <= 1 + 1e-9
    for e in (*found.missed, *found.wrong):
        assert 0 <= e.low <= e.value <= e.high
        assert np.isfinite(e.high)


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_draws_choose_candidates_or_nobody(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    found = candidates(rng.integers(0, 10, n), rng.integers(0, 8, n), rng.random(n), rng.random(n) < 0.3)
    record, person = draw(found, 5, seed=seed)
    allowed = set(zip(found.record.tolist(), found.person.tolist(), strict=True))
    for row in person:
        assert all(p == -1 or (r, p) in allowed for r, p in zip(record.tolist(), row.tolist(), strict=True))
