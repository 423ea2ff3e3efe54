"""What suppression shows of small tables, as pictures: `<10` small, `--` withheld for its neighbour's sake."""

from __future__ import annotations

import numpy as np
import pytest

from commonground.city import Policy
from commonground.disclosure import Axis, CountTable, SafeTable, Shown, audit, round_counts, suppress


def table(text: str) -> CountTable:
    counts = np.array([[int(n) for n in line.split()] for line in text.strip().splitlines()])
    rows, columns = counts.shape
    axes = (Axis("row", tuple(f"r{i}" for i in range(rows))), Axis("column", tuple(f"c{i}" for i in range(columns))))
    return CountTable("spec", axes, counts)


def picture(safe: SafeTable) -> str:
    marks = {Shown.SMALL: "<10", Shown.HIDDEN: "--"}
    cells = [
        [marks[Shown(s)] if s != Shown.VALUE else str(v) for v, s in zip(vs, ss, strict=True)]
        for vs, ss in zip(safe.values.tolist(), safe.shown.tolist(), strict=True)
    ]
    return "\n".join(" ".join(row) for row in cells)


SPECS = {
    "nothing is small: only rounding": ("20 30\n40 50", "20 30 50\n40 50 90\n60 80 140"),
    "one small cell takes three companions": (
        "3 40\n60 80\n90 95",
        "<10 -- 45\n-- -- 140\n90 95 185\n155 215 370",
    ),
    "a zero is small too": ("0 40\n60 80", "<10 -- 40\n-- -- 140\n60 120 180"),
}


@pytest.mark.parametrize(("given", "expected"), SPECS.values(), ids=SPECS.keys())
def test_suppressed_picture(given: str, expected: str) -> None:
    assert picture(suppress(table(given), Policy())) == expected


def test_rounded_parts_still_add_up() -> None:
    # rounded one by one, 12 + 12 = 24 would read 10 + 10 = 25
    values = suppress(table("12 12\n12 12"), Policy()).values
    assert (values[:-1].sum(axis=0) == values[-1]).all()
    assert (values[:, :-1].sum(axis=1) == values[:, -1]).all()
    assert values[-1, -1] in (45, 50)


def test_suppression_without_companions_gives_the_cell_back() -> None:
    given = table("3 40\n60 80\n90 95")
    naive = suppress(given, Policy())
    shown = np.zeros_like(naive.shown)
    shown[0, 0] = Shown.SMALL
    result = audit(given, SafeTable("naive", given.axes, naive.values, shown, 10, 5), Policy())
    assert [(f.index, f.low, f.high) for f in result.recovered] == [((0, 0), 3.0, 3.0)]
    assert audit(given, naive, Policy()).safe


def test_two_cells_marked_small_that_sum_to_the_most_they_can_are_not_enough() -> None:
    # 9 + 9 = 18: whoever reads "<10" twice knows both, so a third is withheld
    safe = suppress(table("9 9 60\n50 60 70\n70 80 90"), Policy())
    assert safe.shown[0].tolist()[:3] == [Shown.SMALL, Shown.SMALL, Shown.HIDDEN]


def test_a_table_of_few_children_shows_nothing() -> None:
    safe = suppress(table("1 2\n0 3"), Policy())
    assert (safe.values == -1).all()
    assert set(safe.shown.ravel().tolist()) == {int(Shown.SMALL)}


def test_what_is_impossible_is_shown_as_nought_and_shelters_nothing() -> None:
    counts = np.array([[50, 0], [3, 60], [70, 80]])
    given = CountTable("spec", (Axis("r", ("a", "b", "c")), Axis("c", ("x", "y"))), counts, counts == 0)
    safe = suppress(given, Policy())
    assert safe.values[0, 1] == 0
    assert safe.shown[1, 0] == Shown.SMALL
    assert audit(given, safe, Policy()).safe


@pytest.mark.parametrize(("given", "expected"), [(0, 0), (2, 0), (3, 5), (7, 5), (8, 10), (12, 10), (13, 15)])
def test_rounding_to_five(given: int, expected: int) -> None:
    assert round_counts(given, 5) == expected


def test_rounding_half_up_to_ten() -> None:
    assert round_counts([5, 15, 25, 4], 10).tolist() == [10, 20, 30, 0]


def test_safe_table_as_plain_values() -> None:
    plain = suppress(table("0 40\n60 80"), Policy()).to_dict()
    assert plain["values"][0] == [None, None, 40]
    assert plain["shown"][0] == ["small", "hidden", "value"]
    assert plain["axes"][0]["categories"][-1] == "total"


def test_what_readers_need_most_is_withheld_last() -> None:
    given = table("30 4 90")
    plain = suppress(given, Policy())
    assert plain.shown[0].tolist() == [Shown.HIDDEN, Shown.SMALL, Shown.VALUE, Shown.VALUE]
    keep = np.zeros((2, 4), bool)
    keep[:, 0] = True
    kept = suppress(CountTable("spec", given.axes, given.counts, keep=keep), Policy())
    assert kept.shown[0].tolist() == [Shown.VALUE, Shown.SMALL, Shown.HIDDEN, Shown.VALUE]
