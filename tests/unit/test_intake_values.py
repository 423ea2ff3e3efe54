"""Dates, identity numbers, units and codes: each shape in which departments write them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from commonground.intake.convert import to_number
from commonground.intake.dates import parse_date
from commonground.intake.ids import check_digits, check_ids
from commonground.intake.pack import load_pack
from commonground.intake.readers.cells import cell_text
from commonground.intake.units import factor

LUNAR = load_pack().lunar


def day(text: str, order: str = "") -> tuple[str | None, str, str]:
    got = parse_date(text, LUNAR, order)
    date = None if got.day is None else (dt.date(1970, 1, 1) + dt.timedelta(got.day)).isoformat()
    return date, got.precision, got.fault


@pytest.mark.parametrize(
    "text",
    [
        "20080301",
        "2008.3.1",
        "2008-3-1",
        "2008-03-01",
        "2008/3/1",
        "2008年3月1日",
        "2008年03月01日",
        "２００８．３．１",
        "39508",
        "39508.0",
        "2008-03-01 00:00:00",
        "2008-03-01T12:30:00",
        " 2008.3.1 ",
    ],
)
def test_all_shapes_of_one_day(text: str) -> None:
    assert day(text) == ("2008-03-01", "day", "")


@pytest.mark.parametrize(
    ("text", "date", "precision"),
    [
        ("2008年3月", "2008-03-01", "month"),
        ("2008.3", "2008-03-01", "month"),
        ("200803", "2008-03-01", "month"),
        ("2008", "2008-01-01", "year"),
        ("2008年", "2008-01-01", "year"),
        ("19000101", None, "default"),
    ],
)
def test_less_than_a_day_is_told(text: str, date: str | None, precision: str) -> None:
    assert day(text) == (date, precision, "")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        # New year's days and leap months as published in almanacs.
        ("农历2017.1.1", "2017-01-28"),
        ("农历2016.12.10", "2017-01-07"),
        ("阴历2020年4月1日", "2020-04-23"),
        ("农历2020年闰4月1日", "2020-05-23"),
        ("农历1978.8.15", "1978-09-17"),
        ("农历二〇一七年七月十九", "2017-09-09"),
        ("农历二零二四年腊月廿三", "2025-01-22"),
    ],
)
def test_lunar_dates_are_converted_and_told(text: str, date: str) -> None:
    assert day(text) == (date, "lunar", "")


@pytest.mark.parametrize(
    "text", ["20081301", "2008.2.30", "2009-02-29", "农历2017.7.31", "农历2017.13.1", "不详", "08.3.1", "1/3/2008"]
)
def test_what_is_no_date_stays_none(text: str) -> None:
    assert day(text) == (None, "", "not_a_date")


def test_year_last_needs_the_contract_to_say_the_order() -> None:
    assert day("1/3/2008", "dmy")[0] == "2008-03-01"
    assert day("1/3/2008", "mdy")[0] == "2008-01-03"


def test_check_digit_against_the_plain_formula() -> None:
    rng = np.random.default_rng(7)
    bodies = rng.integers(0, 10, (500, 17))
    for body, got in zip(bodies, check_digits(bodies), strict=True):
        # ISO 7064 MOD 11-2: the sum with the check character is 1 modulo 11.
        value = 10 if got == "X" else int(got)
        total = sum(int(digit) * 2 ** (17 - i) for i, digit in enumerate(body)) + value
        assert total % 11 == 1


GOOD = "52990120100101123"


@pytest.mark.parametrize("shape", ["{}", "'{}", "’{}", " {} ", "{}\u3000"])
def test_one_number_in_many_shapes(shape: str) -> None:
    whole = GOOD + check_digits(np.array([[int(c) for c in GOOD]]))[0]
    for text in (whole, whole.lower(), "".join(chr(ord(c) + 0xFEE0) for c in whole)):
        got = check_ids([shape.format(text)], 2025)
        assert got.number == [whole]
        assert got.fault == [""]


def test_lower_x_and_full_width_x() -> None:
    for text in ("52990119920629184x", "52990119920629184Ｘ"):
        got = check_ids([text], 2025)
        assert got.number[0] in (None, "52990119920629184X")
        assert got.fault[0] in ("", "id_check_digit")
    assert check_ids(["11010519491231002x"], 2025).number == ["11010519491231002X"]  # the example of GB 11643


def test_fifteen_digits_become_eighteen() -> None:
    assert check_ids(["110105491231002"], 2025).number == ["11010519491231002X"]


@pytest.mark.parametrize(
    ("text", "fault", "soft"),
    [
        ("110105194912310021", "id_check_digit", "110105194912310021"),
        ("11010519491331002X", "id_date", "11010519491331002X"),
        ("11010520301231002X", "id_date", "11010520301231002X"),
        ("110105491331002", "id_date", "110105491331002"),
        ("1101051949", "id_length", "1101051949"),
        ("不详", "id_characters", "不详"),
        ("5.29901201712172e+17", "id_as_number", "529901201712172"),
        ("5.29903E+17", "id_as_number", "529903"),
        ("529901201712172000.0", "id_as_number", "529901201712172"),
        ("529901201712173000", "id_as_number", "529901201712173"),
    ],
)
def test_what_fails_is_evidence_and_never_an_identity(text: str, fault: str, soft: str) -> None:
    got = check_ids([text], 2025)
    assert got.number == [None]
    assert (got.fault, got.soft) == ([fault], [soft])


def test_a_number_held_as_a_number_shows_it_in_its_text() -> None:
    assert cell_text(529901201001011231.0) == "5.29901201001011e+17"
    assert cell_text(529901201001010000.0) == "5.29901201001010e+17"  # the zeros are kept: fifteen digits are certain
    assert check_ids([cell_text(110105194912310020.0)], 2025).number == [None]
    assert cell_text(110105491231002.0) == "110105491231002"  # fifteen digits survive


def test_cells_as_text() -> None:
    assert [
        cell_text(v) for v in (None, 3.0, 3.5, True, dt.datetime(2008, 3, 1), dt.date(2008, 3, 1), float("nan"))
    ] == [
        "",
        "3",
        "3.5",
        "TRUE",
        "2008-03-01",
        "2008-03-01",
        "",
    ]


def test_units() -> None:
    assert factor("jin", "kg") == 0.5
    assert factor("g/dL", "g/L") == 10
    assert factor("mark/120", "percent of full mark") == pytest.approx(100 / 120)
    assert factor("", "kg") == 1
    assert factor("kg", "cm") is None
    assert factor("mark/120", "kg") is None


def test_the_calendar_has_no_gaps() -> None:
    for year, (first, months) in LUNAR.items():
        if year + 1 in LUNAR:
            assert first + dt.timedelta(sum(days for _, _, days in months)) == LUNAR[year + 1][0]
        assert [n for n, leap, _ in months if not leap] == list(range(1, 13))


def test_pack_lists_are_complete() -> None:
    pack = load_pack()
    assert len(pack.codes["ethnicity"].labels) == 58
    assert pack.codes["ethnicity"].canonical("1") == "01"
    assert pack.codes["ethnicity"].canonical("苗族") == "06"
    assert pack.codes["hukou_nature"].canonical("1") is None  # the registers code it in opposite ways
    for concept in pack.concepts.values():
        assert concept.label.zh
        assert concept.label.en
    assert {"self", "guardian1", "guardian2", "father", "mother", "head", "members"} <= {
        concept.role for concept in pack.concepts.values()
    }


@pytest.mark.parametrize("text", ["1e400", "-9e999", "①e999"])
def test_a_number_too_large_to_hold_is_none(text: str) -> None:
    assert to_number(text) is None


def test_digits_that_are_no_decimals_are_no_date() -> None:
    assert parse_date("፩፪፫፬", {}).fault == "not_a_date"


def test_three_noughts_are_a_spreadsheets_only_in_a_column_that_went_through_one() -> None:
    passes, whole = "529901201712172000", "11010519491231002X"  # the first passes its check digit
    assert check_ids([passes, whole], 2025).number == [passes, whole]
    for sign in ("529901201712173000", "5.29903E+17"):
        got = check_ids([passes, whole, sign], 2025)
        assert got.number == [None, whole, None]
        assert got.fault == ["id_as_number", "", "id_as_number"]
        assert got.soft[0] == passes[:15]
