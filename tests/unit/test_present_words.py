"""Words in two languages, numbers as each writes them."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from commonground.present import label, labels, sentence
from commonground.present.words import (
    both,
    date_text,
    helplines,
    html,
    number,
    percent,
    percent_span,
    plain,
    span,
    value_label,
    wan,
)

SLOT = re.compile(r"\{(\w+)\}")


def test_both_languages_have_the_same_keys() -> None:
    assert set(labels("zh")) == set(labels("en"))


def test_placeholders_match() -> None:
    for key, text in labels("zh").items():
        assert set(SLOT.findall(text)) == set(SLOT.findall(labels("en")[key])), key


def test_no_template_holds_a_digit() -> None:
    for lang in ("zh", "en"):
        for key, text in labels(lang).items():
            if key.startswith("value."):  # names of grades, not results
                continue
            assert not re.search(r"\d", SLOT.sub("", text)), f"{lang} {key}: {text}"


def test_chinese_has_full_width_marks_and_no_english_words() -> None:
    allowed = {"CSV", "JSON", "SVG", "PNG", "q", "Benjamini", "Hedges", "Hochberg", "Olkin", "Shapley", "English"}
    for key, text in labels("zh").items():
        words = set(re.findall(r"[A-Za-z]{2,}", SLOT.sub("", text)))
        assert words <= allowed, f"{key}: {words - allowed}"
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", text), key


def test_words_about_children_are_those_of_the_language() -> None:
    banned_words = {
        "zh": ("留守", "导致成绩", "提高了成绩", "不显著"),
        "en": ("left-behind", "significant", "improves"),
    }
    for lang, banned in banned_words.items():
        for key, text in labels(lang).items():
            for word in banned:
                assert word not in text, f"{key}: {word}"


def test_a_sentence_takes_its_slots_and_no_others() -> None:
    assert sentence("fig.range", "zh", low="0.10", high="0.18") == "（0.10 至 0.18）"
    with pytest.raises(KeyError, match="slots"):
        sentence("fig.range", "zh", low="0.10")
    with pytest.raises(KeyError, match="slots"):
        sentence("fig.range", "zh", low="0.10", high="0.18", more="x")


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "expected"),
    [
        (-0.14, 2, False, "−0.14"),
        (0.05, 2, True, "+0.05"),
        (-0.001, 2, True, "0.00"),
        (1234.5, 1, False, "1,234.5"),
        (0.0, 1, True, "0.0"),
    ],
)
def test_numbers_have_a_true_minus_and_no_signed_nought(value: float, decimals: int, sign: bool, expected: str) -> None:
    assert number(value, decimals, sign=sign) == expected


def test_ranges_and_shares() -> None:
    assert span(0.10, 0.18, "en") == "(0.10 to 0.18)"
    assert span(-0.04, 0.04, "zh", sign=True) == "（−0.04 至 +0.04）"
    assert percent_span(0.16, 0.24, "zh") == "（16 至 24%）"
    assert percent(0.946, 1) == "94.6%"
    assert value_label(-0.14, -0.18, -0.10) == "−0.14 (−0.18, −0.10)"


def test_large_numbers_before_a_noun() -> None:
    assert wan(343898, "zh") + "行" == "34.39 万行"
    assert wan(9000, "zh") + "行" == "9,000 行"
    assert wan(343898, "en") + "rows" == "343,898 rows"


def test_dates() -> None:
    day = dt.date(2025, 9, 1)
    assert date_text(day, "zh") == "2025 年 9 月 1 日"
    assert date_text(day, "en") == "1 September 2025"


def test_marks_become_markup_and_everything_else_is_escaped() -> None:
    assert html("一｜二 **3**[[（1 至 2）]]<b>", "zh") == (
        '<span class="ph">一</span><span class="ph">二 <b>3</b><span class="r">（1 至 2）</span>&lt;b&gt;</span>'
    )
    assert html("one｜ two", "en") == "one two"
    assert plain("一｜**二**[[三]]") == "一二三"


def test_unknown_words_of_a_city_are_passed_on() -> None:
    assert label("group.returned", "en", default="Returned") == "Returned"
    assert both({"zh": "甲", "en": "A"}, "en") == "A"
    assert both("plain", "zh") == "plain"
    assert both(None, "zh") == ""


def test_helplines_are_named_in_both_languages() -> None:
    assert len(helplines()) == 5
    for _, key in helplines():
        assert labels("zh")[key]
        assert labels("en")[key]
