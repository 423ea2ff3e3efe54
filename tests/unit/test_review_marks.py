"""Where two values differ and how, in words; digits that need not be seen are hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.people.review import marks
from commonground.people.review.marks import HIDDEN, Marked
from commonground.people.review.values import LABELS, Values, compare_values
from commonground.people.review.why import LEVELS, NAMES, Said


def framed(found: Marked) -> tuple[str, str]:
    """Write both sides with what differs in brackets."""
    left, right = ("".join(f"[{p.text}]" if p.differs else p.text for p in side) for side in (found.left, found.right))
    return left, right


@pytest.mark.parametrize(
    ("a", "b", "left", "right", "zh"),
    [
        ("王小明", "王晓明", "王[小]明", "王[晓]明", "小／晓：同音"),
        ("刘宁", "刘林", "刘[宁]", "刘[林]", "宁／林：方言音近"),
        ("侯军", "候军", "[侯]军", "[候]军", "侯／候：同音、形近"),
        ("谢己", "谢已", "谢[己]", "谢[已]", "己／已：形近"),
        ("謝芳", "谢芳", "[謝]芳", "[谢]芳", "謝／谢：繁简或异体，同一个字"),
        ("李小龙", "李龙", "李[小]龙", "李龙", "一方多“小”"),
        ("王明华", "王华明", None, None, "字的先后不同"),
        ("王刚", "王芳", "王[刚]", "王[芳]", "刚／芳：不同的字"),
        ("覃明", "qin ming", "覃明", "qin ming", "拼音与汉字同音"),
        ("覃明", "tan ning", "[覃明]", "[tan ning]", "拼音与汉字不同音"),
        ("阿依古丽·买买提", "阿依古丽买买提", None, None, "只差空格、间隔符或括注"),
        ("王明", "王明", "王明", "王明", "相同"),
        ("王明", "", "王明", "", "一方没有"),
    ],
)
def test_names_are_marked_character_by_character(a: str, b: str, left: str | None, right: str | None, zh: str) -> None:
    found = marks.names(a, b)
    assert found.note.zh == zh
    assert found.note.en
    if left is not None:
        assert framed(found) == (left, right)


def test_the_end_of_a_number_is_seen_only_where_it_differs() -> None:
    one, other = "529901201001011235", "529901201001011253"
    assert framed(marks.numbers(one, one)) == ("529901" + HIDDEN * 12,) * 2
    turned = marks.numbers(one, other)
    assert framed(turned) == (f"52990120100101{HIDDEN * 2}[35]", f"52990120100101{HIDDEN * 2}[53]")
    assert turned.note.zh == "第 17、18 位颠倒"
    assert framed(marks.numbers(one, "")) == ("52990120100101" + HIDDEN * 4, "")
    assert marks.numbers(one, one[:15]).note.zh == "位数不同"


def test_telephone_numbers_are_hidden_unless_one_is_the_other_but_for_a_slip() -> None:
    same = marks.any_number(("12900000001", "12900000002"), ("12900000002",))
    assert framed(same) == ("129" + HIDDEN * 8,) * 2
    slip = marks.any_number(("12900000001",), ("12900000007",))
    assert framed(slip) == (f"129{HIDDEN * 7}[1]", f"129{HIDDEN * 7}[7]")
    other = marks.any_number(("12911111111",), ("12922222222",))
    assert framed(other) == ("129" + HIDDEN * 8,) * 2
    assert other.note.zh == "没有相同的号码"


@pytest.mark.parametrize(
    ("a", "b", "pa", "pb", "zh"),
    [
        ("2010-03-04", "2010-04-03", "day", "day", "月、日颠倒"),
        ("2010-03-04", "2010-03-05", "day", "day", "差一个数字或相邻一年"),
        ("2010-03-01", "2010-03-05", "month", "day", "年月相同，一方没有日"),
        ("2010-03-04", "2012-07-19", "day", "day", "不同"),
        ("2010-01-15", "2010-02-28", "day", "day", "一方是农历，换算后相同"),
    ],
)
def test_dates_are_told_apart_in_words(a: str, b: str, pa: str, pb: str, zh: str) -> None:
    assert marks.dates(a, b, pa, pb).note.zh == zh


TEXT = st.text(st.sampled_from("王李小晓明05·X "), max_size=12)


@given(TEXT, TEXT)
def test_marking_changes_no_character_and_hides_alike_ones_alone(a: str, b: str) -> None:
    for found in (marks.names(a, b), marks.texts(a, b)):
        assert "".join(p.text for p in found.left) == a
        assert "".join(p.text for p in found.right) == b
        assert found.note.zh
        assert found.note.en
    number = marks.numbers(a, b)
    for side, text in ((number.left, a), (number.right, b)):
        seen = "".join(p.text for p in side)
        assert len(seen) == len(text)
        assert all(c in (t, HIDDEN) for c, t in zip(seen, text, strict=True))


def test_only_fields_of_linking_can_be_shown() -> None:
    value = (Said("值", "value"),)
    fields = {**dict.fromkeys(LABELS, value), "birth": (Said("2010-01-01", "2010-01-01"),), "chinese": value}
    both = Values("a.b/1", Said("甲", "A"), "2025-01-01", fields)
    assert [line.field for line in compare_values(both, both, "zh")] == list(LABELS)
    bare = Values("a.b/1", Said("甲", "A"), "2025-01-01", {"name": value})
    shown = [line.field for line in compare_values(both, bare, "zh")]
    assert shown == ["name", "birth", "sex", "id"]  # what one alone says is not shown, but for what says something


def test_every_level_has_words() -> None:
    from commonground.people.compare import FIELDS
    from commonground.people.frozen import general_model

    model = general_model(1000)
    for name in FIELDS:
        assert set(LEVELS[name]) == set(range(1, len(model.m[name])))
        assert NAMES[name].zh
