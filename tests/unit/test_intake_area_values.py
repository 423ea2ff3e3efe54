"""A column of area codes: the city's own areas, and those of the whole country carried to the city's reference date."""

from __future__ import annotations

import datetime as dt

import pytest

import commonground.intake.convert as convert_module
from commonground.city import Area, Settings
from commonground.errors import Said
from commonground.intake.convert import Setting, convert
from commonground.intake.model import ColumnRule, Values
from commonground.intake.pack import load_pack


def read(
    texts: list[str], written: dt.date = dt.date(2013, 6, 1), reference: dt.date = dt.date(2022, 1, 1)
) -> list[str]:
    pack = load_pack()
    areas = (
        Area("529902", "东山区", "Dongshan", True),
        Area("529903", "东山县", "Dongshan", False, "529902", dt.date(2012, 1, 1)),
    )
    settings = Settings(Said("某市", "Some City"), "529900", reference, None, None, areas=areas)  # type: ignore[arg-type]
    setting = Setting(pack, settings, written.year, (written - dt.date(1970, 1, 1)).days)
    return convert(texts, ColumnRule(("区划",), pack.concepts["area"]), Values(), setting).values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("529903", "529902"),  # the city's own merger
        ("某市东山区", "529902"),
        ("529988", "529988"),  # nobody assigned it
        ("520221", "520204"),  # a county that became a district before the reference date
        ("522401", "520502"),  # an old code in a later delivery
        ("520221001002", "520204"),
        ("341400", "341400"),  # shared out among three cities: stays as written
        ("520114", "520111"),
        ("贵阳", None),
    ],
)
def test_area_codes_of_the_country_are_those_of_the_reference_date(text: str, value: str | None) -> None:
    assert read([text]) == [value]


def test_a_delivery_after_the_reference_date_keeps_the_codes_of_its_own_day() -> None:
    assert read(["520204", "520221"], dt.date(2022, 6, 1), dt.date(2015, 1, 1)) == ["520204", "520204"]
    assert read(["520221"], dt.date(2013, 6, 1), dt.date(2014, 1, 1)) == ["520221"]


def test_grades_in_words_are_read_by_the_day_of_the_data() -> None:
    pack = load_pack()
    settings = Settings(Said("某市", "Some City"), "529900", dt.date(2022, 1, 1), None, None)  # type: ignore[arg-type]
    setting = Setting(
        pack, settings, 2021, (dt.date(2021, 10, 1) - dt.date(1970, 1, 1)).days, as_of=dt.date(2021, 6, 1)
    )
    rule = ColumnRule(("年级",), pack.concepts["grade"])
    texts = ["7", "七年级", "初一", "初中2019级", "2019级", "13", "大班", "7.5"]
    got = convert(texts, rule, Values(), setting)
    assert got.values == [7, 7, 7, 8, None, None, None, None]
    assert got.faults == ["", "", "", "", "grade_stage", "out_of_range", "not_a_grade", "not_whole"]


def test_yes_and_no_in_their_writings() -> None:
    pack = load_pack()
    settings = Settings(Said("某市", "Some City"), "529900", dt.date(2022, 1, 1), None, None)  # type: ignore[arg-type]
    rule = ColumnRule(("是否",), pack.concepts["only_child"])
    yes = ["1", "是", "有", "√", "✓", "Y", "y", "Yes", "TRUE", "true", "T", "Ｙ"]
    no = ["0", "否", "无", "没有", "×", "N", "no", "False", "f"]
    got = convert([*yes, *no, "2", "也许"], rule, Values(), Setting(pack, settings, 2021, 18900))
    assert got.values == [True] * len(yes) + [False] * len(no) + [None, None]
    listed = pack.codes["yes_no"]
    for words, code in ((convert_module.YES, "1"), (convert_module.NO, "0")):
        assert words == {code, *(w.upper() for w, c in listed.aliases.items() if c == code)}
    one_two = Values(codes=pack.codes["yes_no"].writings["one_two"].codes)
    assert convert(["1", "2", "3"], rule, one_two, Setting(pack, settings, 2021, 18900)).values == [True, False, None]
