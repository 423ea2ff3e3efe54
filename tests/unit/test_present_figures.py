"""Figures: data in, tokens only, text stays text, the same bytes twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from commonground.present import figures as F
from commonground.present.drawing import Lane, lane, nice_ticks, text_width, tick_text, wrap
from commonground.present.render import render
from commonground.present.tokens import ABSENT_DARK, ALLOWED, BLUE, UNCLEAR

ROWS = (
    F.Row("数学"),
    F.Row("全部差距", -0.14, -0.18, -0.10, "parents_away"),
    F.Row("同一所学校之内", -0.05, -0.09, 0.01),
    F.Row("本地", 0.03, 0.0, 0.06, "local"),
)
SCHOOLS = [
    {"effect": e, "low": e - 0.2, "high": e + 0.2, "verdict": v}
    for e, v in ((0.4, "above"), (0.1, "unclear"), (-0.1, "unclear"), (-0.5, "below"))
]
KINDS: dict[str, Callable[[int], Any]] = {
    "interval rows": lambda w: F.interval_rows(ROWS, w, title="t", axis="轴", zero_label="没有差距"),
    "small multiples": lambda w: F.small_multiples([("数学", ROWS[1:]), ("语文", ROWS[1:])], w, title="t", axis="轴"),
    "caterpillar": lambda w: F.caterpillar(SCHOOLS, "zh", w, title="t", axis="轴", mean="全市平均"),
    "stacked share": lambda w: F.bars(
        [F.Bar("学籍", ((0.97, BLUE), (0.02, UNCLEAR), (0.01, ABSENT_DARK)), "2.0%", inside="97.0%")],
        w, title="t", axis="轴",
    ),
    "variance": lambda w: F.bars(
        [F.Bar("数学", ((0.2, BLUE),), "20%", (0.16, 0.24))], w, title="t", axis="轴", top=0.4
    ),
    "counts": lambda w: F.counts_as_bars([("甲", 27410, "27,410"), ("乙", 7530, "7,530")], w, title="t", axis="人"),
    "steps": lambda w: F.steps_between(
        [("旧", 100, "100"), ("年龄", -30, "−30"), ("双方", -50, "−50"), ("新", 20, "20")], w, title="t", axis="人"
    ),
    "reading": lambda w: F.reading_example("zh", w, "95%"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [F.WIDE, F.NARROW])
def test_every_kind_draws_at_both_widths_in_tokens_only(kind: str, width: int) -> None:
    drawn = render(KINDS[kind](width), "标题 “a” & b")
    assert abs(drawn.width - width) <= 4
    colours = {c.lower() for c in re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{3,6})"', drawn.inline)}
    assert colours <= ALLOWED | {"#e8ecf0"}
    assert "<text" in drawn.inline
    assert 'role="img" aria-label="标题 “a” &amp; b"' in drawn.inline
    assert "style=" not in drawn.inline  # a strict content security policy drops it
    assert "NaN" not in drawn.inline
    assert drawn.svg == render(KINDS[kind](width), "标题 “a” & b").svg


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_valid_altair_chart(kind: str) -> None:
    chart = KINDS[kind](F.WIDE)
    assert chart.altair().to_dict()["layer"][0]["mark"]["type"] == chart.spec["layer"][0]["mark"]["type"]


def test_a_bitmap_is_made_when_asked_for() -> None:
    drawn = render(KINDS["counts"](F.WIDE), "t", png=True)
    assert drawn.png.startswith(b"\x89PNG")
    assert render(KINDS["counts"](F.WIDE), "t").png == b""


def test_values_stand_beside_their_rows_with_a_true_minus() -> None:
    text = render(KINDS["interval rows"](F.NARROW), "t").inline
    assert "−0.14 (−0.18, −0.10)" in text
    assert "-0.14 (" not in text


def test_the_caterpillar_has_no_names_and_counts_its_verdicts() -> None:
    named = [{**row, "school_code": "529901S001", "school": "第三中学"} for row in SCHOOLS]
    text = render(F.caterpillar(named, "zh", F.WIDE, title="t", axis="轴", mean="全市平均"), "t").inline
    assert "第三中学" not in text
    assert "529901" not in text
    for said in ("1 所明显高于平均", "2 所看不出差别", "1 所明显低于平均"):
        assert said in text


def test_rows_keep_their_order() -> None:
    text = render(KINDS["interval rows"](F.WIDE), "t").inline
    assert text.index("全部差距") < text.index("同一所学校之内") < text.index("本地")


def test_a_strip_is_hidden_from_readers_of_the_sentence() -> None:
    drawn = render(F.strip(F.Row("", 0.2, 0.16, 0.24), unit="%", percent=True), "", hidden=True)
    assert 'aria-hidden="true"' in drawn.inline
    assert "20%" in drawn.inline


SPANS = [(-0.18, 0.03), (0.0, 0.4), (-1e-5, 1e-5), (0, 27410), (3.0, 3.0), (float("nan"), 1)]


@pytest.mark.parametrize(("low", "high"), SPANS)
def test_ticks_are_round_and_cover(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert list(ticks) == sorted(set(ticks))
    if low == low and high > low:
        assert ticks[0] <= low
        assert ticks[-1] >= high


def test_tick_texts() -> None:
    ticks = (-0.2, -0.1, 0.0, 0.1)
    assert [tick_text(t, ticks) for t in ticks] == ["−0.2", "−0.1", "0", "+0.1"]
    assert tick_text(25.0, (0.0, 25.0), "%", sign=False) == "25%"


def test_lanes_hold_nought_and_place_values() -> None:
    here = lane(100, 200, [0.1, 0.4])
    assert here.low == 0
    assert here.at(here.low) == 100
    assert here.at(here.high) == 200
    assert Lane(0, 10, 0, 1, ()).at(0.5) == 5


def test_labels_break_between_words_or_han_characters() -> None:
    assert wrap("Children whose parents are away", 110) == ["Children whose", "parents are", "away"]
    assert all(text_width(line) <= 60 for line in wrap("父母外出的孩子们，在家", 60))
    assert not any(line.startswith("，") for line in wrap("父母外出，在家", 56))
    assert wrap("", 50) == [""]
