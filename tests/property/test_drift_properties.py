"""Measures of likeness and of shift: bounds, symmetry, nothing lost in bins, for any values."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.intake.checks.whole import BINS, binned, shift
from commonground.intake.drift.similar import columns_of, content, ks, overlap

numbers = st.lists(st.integers(-50, 50), min_size=1, max_size=60)
texts = st.lists(st.text(alphabet="王李12aＡA- .", max_size=6), min_size=1, max_size=40)


@given(numbers, numbers)
def test_bins_keep_every_value_and_hold_at_most_as_many_as_asked(before: list[int], now: list[int]) -> None:
    a, b = binned(Counter(map(float, before)), Counter(map(float, now)))
    assert (sum(a), sum(b)) == (len(before), len(now))
    assert len(a) == len(b) <= BINS
    assert all(a), "each bin has a share of the earlier delivery"


@given(numbers, numbers)
def test_a_shift_lies_between_nought_and_one_and_is_nought_for_the_same(before: list[int], now: list[int]) -> None:
    moved, index = shift(*binned(Counter(map(float, before)), Counter(map(float, now))))
    assert 0 <= moved <= 1 + 1e-12
    assert index >= -1e-12 or min(len(before), len(now)) < 20  # half a row for an empty bin weighs in a handful
    same = shift(*binned(Counter(map(float, before)), Counter(map(float, before))))
    assert same == (0.0, 0.0)


@settings(max_examples=60)
@given(texts, texts)
def test_likeness_is_symmetric_bounded_and_whole_for_the_same(left: list[str], right: list[str]) -> None:
    a, b = columns_of(pa.table({"a": left}))["a"], columns_of(pa.table({"b": right}))["b"]
    assert abs(content(a, b) - content(b, a)) < 1e-9
    assert -1e-9 <= content(a, b) <= 1 + 1e-9
    assert abs(overlap(a.shares, b.shares) - overlap(b.shares, a.shares)) < 1e-9
    assert abs(ks(a, b) - ks(b, a)) < 1e-9
    assert a.filled == sum(text.strip() != "" for text in left)
    if a.filled:
        assert content(a, a) > 1 - 1e-9
