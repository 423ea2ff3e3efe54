"""Numbers, dates of birth, telephones, classes and student numbers, as people write them and get them wrong."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.people import births, numbers
from commonground.people.births import DAY, DEFAULT, MONTH, NO_DAY, YEAR, chinese_calendar, compare_births
from commonground.people.compare import FIELDS as COMPARED
from commonground.people.compare import compare
from commonground.people.edges import counted_once
from commonground.people.encode import class_grade, class_label, phone
from commonground.people.gather import gather
from commonground.people.mentions import CROWD, Facts, compact, private
from commonground.people.numbers import NONE, check_character, damage, id_table, number_texts

BODY = "52990120140315002"
GOOD = BODY + check_character(BODY)
BOY = "52990119791103011" + check_character("52990119791103011")
OLD = BOY[:6] + BOY[8:17]


def _day(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("written", "number"),
    [(GOOD, GOOD), (f" {GOOD[:6]} {GOOD[6:14]} {GOOD[14:]}", GOOD), ("'" + GOOD, GOOD), (OLD, BOY),
     ("".join(chr(ord(c) + 0xFEE0) for c in GOOD), GOOD), (GOOD[:-1] + "9", ""), (GOOD[:15], ""), ("无", ""), ("", ""),
     (BODY[:6] + "20140230" + BODY[14:] + "0", ""), ("0" * 18, ""), (GOOD + "1", "")],
)  # fmt: skip
def test_which_numbers_hold(written: str, number: str) -> None:
    assert number_texts(id_table([written])) == [number]


@pytest.mark.parametrize("letter", "xXｘＸ×")
def test_the_check_character_x_in_every_shape(letter: str) -> None:
    body = next(b for b in (f"5299012014031500{i}" for i in range(10)) if check_character(b) == "X")
    assert number_texts(id_table([body + letter])) == [body + "X"]


def test_what_is_inside_a_number() -> None:
    table = id_table([GOOD, OLD, GOOD[:15], "x"])
    assert table.day.tolist() == [_day("2014-03-15"), _day("1979-11-03"), _day("2014-03-15"), NO_DAY]
    assert table.sex.tolist() == [2, 1, -1, -1]
    assert table.area.tolist() == [529901, 529901, 529901, -1]


def _plain_check(text: str) -> bool:
    """The rule of GB 11643-1999, for one number."""
    weights = [2 ** (17 - i) % 11 for i in range(17)]
    total = sum(int(d) * w for d, w in zip(text[:17], weights, strict=True))
    return (total + (10 if text[17] == "X" else int(text[17]))) % 11 == 1


@given(st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|2[0-8])[0-9]{3}[0-9X]", fullmatch=True))
def test_check_characters_against_the_standard(text: str) -> None:
    assert id_table([text]).valid.tolist() == [_plain_check(text)]


@pytest.mark.parametrize(
    ("other", "level"),
    [(GOOD[:-1] + "?", 0), (GOOD[:9] + "9" + GOOD[10:], numbers.SLIP), (GOOD[:17] + "1", numbers.SLIP),
     (GOOD[:15] + GOOD[16] + GOOD[15] + GOOD[17], numbers.SLIP), (GOOD[:15], numbers.FIRST),
     (GOOD[:8] + "9" + GOOD[9:12] + "9" + GOOD[13:], numbers.NEAR), (GOOD[:7] + "999" + GOOD[10:], 0), ("护照", 0)],
)  # fmt: skip
def test_damaged_numbers(other: str, level: int) -> None:
    table = id_table([GOOD, other])
    assert damage(table.digits, np.array([0, 1]), np.array([1, 0])).tolist() == [level, level]


def test_an_old_number_with_a_slip_meets_the_new_one() -> None:
    table = id_table([BOY, OLD[:10] + "9" + OLD[11:]])
    assert not table.valid[1]
    assert damage(table.digits, np.array([0]), np.array([1])).tolist() == [numbers.SLIP]
    assert (table.digits[1] == NONE).sum() <= 1


DATES = """
written    | exactly | also       | exactly | level          | because
2014-03-15 | day     | 2014-03-15 | day     | SAME           |
2014-03-15 | day     | 2014-03-01 | month   | SAME_MONTH     | a census gives no day
2014-02-24 | day     | 2014-03-24 | day     | CALENDAR       | the 24th of the second month is 24 March
2014-09-24 | day     | 2014-11-16 | day     | CALENDAR       | the leap ninth month of 2014
2014-03-05 | day     | 2014-05-03 | day     | SWAPPED        |
2014-03-15 | day     | 2014-03-18 | day     | DIGIT          |
2014-03-15 | day     | 2013-03-15 | day     | DIGIT          |
2019-03-15 | day     | 2020-03-15 | day     | DIGIT          | the neighbouring year, though two digits differ
2014-03-15 | day     | 2014-01-01 | default | SAME_YEAR_ONLY |
2014-03-15 | day     | 2014-01-01 | year    | SAME_YEAR_ONLY |
2014-08-27 | day     | 2014-01-01 | day     | SAME_YEAR_ONLY | 1 January stands where nobody knew the day
2014-03-15 | day     | 2014-04-10 | day     | NEAR           | less than a month apart
2014-03-15 | day     | 2014-04-26 | day     | YEAR_ONLY      | more than a month
2014-03-15 | day     | 2014-11-26 | day     | YEAR_ONLY      |
2014-03-15 | day     | 2011-11-26 | day     | OTHER          |
"""
EXACT = {"day": DAY, "month": MONTH, "year": YEAR, "default": DEFAULT}
BIRTHS = [tuple(c.strip() for c in line.split("|")) for line in DATES.strip().splitlines()[1:]]


@pytest.mark.parametrize(("a", "pa_", "b", "pb", "level", "why"), BIRTHS)
def test_dates_of_birth(a: str, pa_: str, b: str, pb: str, level: str, why: str) -> None:
    x, y, px, py = (np.array([v]) for v in (_day(a), _day(b), EXACT[pa_], EXACT[pb]))
    assert compare_births(x, px, y, py).tolist() == [getattr(births, level)], why
    assert compare_births(y, py, x, px).tolist() == [getattr(births, level)], why


def test_new_year_of_the_chinese_calendar() -> None:
    wanted = {"2008-01-01": "2008-02-07", "2014-01-01": "2014-01-31", "2020-01-01": "2020-01-25"}
    found = chinese_calendar().candidates(np.array([_day(t) for t in wanted]))[0]
    assert found.tolist() == [_day(t) for t in wanted.values()]
    assert chinese_calendar().candidates(np.array([NO_DAY]))[0].tolist() == [NO_DAY]


@pytest.mark.parametrize(
    ("written", "number"),
    [("125 2000 8943", "12520008943"), ("+86-12520008943", "12520008943"), ("0086 125 2000 8943", "12520008943"),
     ("１２５２０００８９４３", "12520008943"), ("12520008943、12520008944", "12520008943"), ("无", ""),
     ("无/12520008944", "12520008944"), ("0851-86812345", "085186812345"), ("0851-86812345转801", "085186812345"),
     ("(0851)86812345", "085186812345"), ("00000000000", ""), ("110", "")],
)  # fmt: skip
def test_telephones(written: str, number: str) -> None:
    assert phone(written) == number


CLASSES = """
written      | class  | grade | because
3班          | 3      |       |
(3)班        | 3      |       |
三班         | 3      |       |
七（3）班    | 3      | 7     | the grade stands before the bracket
八(３)班     | 3      | 8     | full-width figures
七年级三班   | 3      | 7     |
初一3班      | 3      | 7     | the first year of junior school
初二（4）班  | 4      | 8     |
高一(3)班    | 3      | 10    |
2023级03班   | 3      |       | the year of entry alone does not say of which school
小学2023级2班 | 2     | 3     | with the school it does
十二班       | 12     |       |
二十班       | 20     |       |
3            | 3      |       |
12           | 12     |       |
803          | 3      | 8     | no school has a hundred classes of one grade
0803班       | 3      | 8     |
实验班       | 实验班 |       | a class with a name
"""
CLASS_ROWS = [tuple(c.strip() for c in line.split("|")) for line in CLASSES.strip().splitlines()[1:]]


@pytest.mark.parametrize(("written", "label", "grade", "why"), CLASS_ROWS)
def test_classes(written: str, label: str, grade: str, why: str) -> None:
    assert class_label(written) == label, why
    assert class_grade(written, dt.date(2025, 9, 15)) == int(grade or -1), why


def test_a_telephone_beside_very_many_names_is_nobodys() -> None:
    crowd = CROWD + 1
    phones = np.concatenate([np.full((crowd, 1), 7), np.full((5, 1), 8)])
    phones = compact(np.hstack([phones, np.full((len(phones), 1), 9)]), 2)
    phones[:-2, 1] = -1
    kept = private(phones, np.arange(len(phones)), np.zeros(len(phones), dtype=np.int64))
    assert set(kept[:crowd].ravel().tolist()) == {-1}
    assert kept[crowd:].tolist() == phones[crowd:].tolist()


FIELDS = {("self", "name"): ["name"], ("self", "student_no"): ["student_no"], ("self", "area"): ["area"]}


def _gathered(student: list[str | None], area: list[str | None]) -> dict[str, pa.Table]:
    n = len(student)
    return {
        "e.roll": pa.table(
            {
                "record_id": list(range(n)), "delivery": ["d"] * n, "file": ["f"] * n, "sheet": [""] * n,
                "status": ["record"] * n, "as_of": pa.array([dt.date(2025, 9, 1)] * n), "name": ["王小明"] * n,
                "student_no": pa.array(student, pa.string()), "area": pa.array(area, pa.string()),
            }
        )
    }  # fmt: skip


def test_student_numbers_of_all_kinds() -> None:
    numbers_ = ["G" + GOOD, "Ｇ" + GOOD, "G" + GOOD[:17] + "1", "J" + BODY + "4", "L" + BODY[:14] + "0007", None]
    found = gather(_gathered(numbers_, [None] * 6), {"e.roll": Facts("k", "self", False)}, FIELDS)
    p = found.people
    assert [found.ids[i] if i >= 0 else "" for i in p.id.tolist()] == [GOOD, GOOD, "", "", "", ""]
    assert [found.ids[i] if i >= 0 else "" for i in p.soft.tolist()] == ["", "", GOOD[:17] + "1", "", "", ""]
    birth = _day("2014-03-15")
    assert p.id_day.tolist() == [birth, birth, NO_DAY, birth, birth, NO_DAY]
    assert (p.student[3:5] >= 0).all()


def test_codes_of_merged_counties_are_one_county() -> None:
    found = gather(_gathered([None] * 3, ["520114", "520111", "529901"]), {"e.roll": Facts("k", "self", False)}, FIELDS)
    county = found.people.county[:, 0].tolist()
    assert county[0] == county[1] != county[2]


SCHOOL_LEVELS = """
school | grade | class | school also | grade | class | level | because
甲     | 8     | 3     | 甲          | 8     | 3     | 5     |
甲     | 8     | 3     | 甲          | 8     | 1     | 4     | another class of the same grade
甲     |       | 3     | 甲          | 8     | 3     | 4     | a grade that nobody wrote down
甲     |       | 3     | 甲          | 8     | 1     | 3     |
甲     | 8     | 3     | 甲          | 7     | 3     | 3     | a grade apart: a year repeated, or two dates
甲     | 8     | 3     | 甲          | 3     | 3     | 1     | the same school, years apart
甲     | 8     | 3     | 乙          | 8     | 3     | 2     | another school of the county, the same age group
中心   | 8     | 3     | 甲          | 8     | 3     | 4     | a name that several schools bear, one of them this
中心   | 8     | 3     | 甲          | 8     | 1     | 3     |
中心   |       | 3     | 甲          | 8     | 3     | 3     |
中心   |       |       | 甲          | 8     | 3     | 2     |
中心   |       |       | 丙          |       |       | 1     | a name that this school does not bear
中心   | 8     | 3     | 中心        | 8     | 3     | 4     | the same name, which several bear
"""
LEVEL_ROWS = [tuple(c.strip() for c in line.split("|")) for line in SCHOOL_LEVELS.strip().splitlines()[1:]]
CODES = {"甲": "1", "乙": "2", "丙": "3"}


@pytest.mark.parametrize("row", LEVEL_ROWS, ids=[" ".join(r[:6]) for r in LEVEL_ROWS])
def test_school_and_class(row: tuple[str, ...]) -> None:
    n = 2
    said = [row[0], row[3]]
    table = pa.table(
        {
            "record_id": [0, 1], "delivery": ["d"] * n, "file": ["f"] * n, "sheet": [""] * n, "status": ["record"] * n,
            "as_of": pa.array([dt.date(2025, 9, 1)] * n), "name": ["王小明"] * n,
            "school_code": pa.array([CODES.get(s) for s in said], pa.string()),
            "school_name": pa.array([None if s in CODES else s for s in said], pa.string()),
            "grade": pa.array([int(g) if g else None for g in (row[1], row[4])], pa.int64()),
            "class": pa.array([c or None for c in (row[2], row[5])], pa.string()),
        }
    )  # fmt: skip
    schools = pa.table({"school_code": ["1", "2", "3"], "school_name": ["东镇中心小学", "西镇中心小学", "丙镇小学"],
                        "county": ["529901"] * 3})  # fmt: skip
    facts = {"e.roll": Facts("k", "self", False), "e.schools": Facts("s", "", False)}
    p = gather({"e.roll": table, "e.schools": schools}, facts, FIELDS).people
    for a, b in ((0, 1), (1, 0)):
        found = compare(p, np.array([a]), np.array([b]))
        assert found[0, COMPARED.index("school")] == int(row[6]), row[7]


PLACES = """
place | number | place also | number | level | because
529901 | | 529901 | | 2 |
529901 | | 529902 | | 1 |
522401 | | 520502 | | 2 | Bijie of 2010 is Qixingguan of 2020: one county
520114 | | 520111 | | 2 | a district merged into another
529901 | | | 529901 | 2 | the county inside the number, where no place is said
529902 | 529901 | 529901 | | 1 | a place that is said comes before the number's
甲县东镇石村3组5号 | | 甲县东镇石村3组5号 | | 4 | the same address, no county said
甲县东镇石村3组5号 | | 甲县东镇石村8组1号 | | 0 | another address, no county said: nothing is known
"""
PLACE_ROWS = [tuple(c.strip() for c in line.split("|")) for line in PLACES.strip().splitlines()[1:]]


@pytest.mark.parametrize("row", PLACE_ROWS, ids=[" ".join(r[:4]) for r in PLACE_ROWS])
def test_places(row: tuple[str, ...]) -> None:
    said, inside = (row[0], row[2]), (row[1], row[3])
    ids = [f"{a}20140315002" + check_character(f"{a}20140315002") if a else None for a in inside]
    table = _gathered([None, None], [s if s.isdigit() else None for s in said])["e.roll"]
    table = table.append_column("id_no", pa.array(ids, pa.string()))
    table = table.append_column("address", pa.array([s if s and not s.isdigit() else None for s in said], pa.string()))
    fields = {**FIELDS, ("self", "id_no"): ["id_no"], ("self", "address"): ["address"]}
    p = gather({"e.roll": table}, {"e.roll": Facts("k", "self", False)}, fields).people
    for a, b in ((0, 1), (1, 0)):
        assert compare(p, np.array([a]), np.array([b]))[0, COMPARED.index("place")] == int(row[4]), row[5]


def test_what_the_city_says_of_its_areas_comes_first() -> None:
    tables = _gathered([None] * 2, ["529928", "529923"])
    merged = {"529928": "529923", "529923": "529923"}.get
    table = tables["e.roll"]
    number = "52992820140315002" + check_character("52992820140315002")
    inside = table.set_column(table.column_names.index("area"), "area", pa.array([None, "529923"], pa.string()))
    inside = inside.append_column("id_no", pa.array([number, None], pa.string()))
    fields = {**FIELDS, ("self", "id_no"): ["id_no"]}
    both = gather({"e.roll": inside}, {"e.roll": Facts("k", "self", False)}, fields, merged).people.county[:, 0]
    assert both[0] == both[1]
    county = gather(tables, {"e.roll": Facts("k", "self", False)}, FIELDS, merged).people.county[:, 0].tolist()
    assert county[0] == county[1]


ONCE = """
id | birth | sex | place | birth left | sex left | place left | because
5  | 9     | 2   | 2     | 0          | 0        | 0          | the number contains day, sex and county
4  | 9     | 2   | 2     | 0          | 0        | 0          | a number with a slip still contains them
5  | 9     | 2   | 4     | 0          | 0        | 4          | an address says more than the county
5  | 1     | 1   | 1     | 1          | 1        | 1          | what speaks against the pair stays
1  | 9     | 2   | 2     | 9          | 2        | 2          | different numbers
0  | 9     | 2   | 2     | 9          | 2        | 2          | no number
"""
ONCE_ROWS = [tuple(c.strip() for c in line.split("|")) for line in ONCE.strip().splitlines()[1:]]


@pytest.mark.parametrize("row", ONCE_ROWS, ids=[" ".join(r[:4]) for r in ONCE_ROWS])
def test_what_a_number_contains_is_weighed_once(row: tuple[str, ...]) -> None:
    levels = np.zeros((1, len(COMPARED)), dtype=np.int8)
    at = [COMPARED.index(f) for f in ("id", "birth", "sex", "place")]
    levels[0, at] = [int(x) for x in row[:4]]
    assert counted_once(levels)[0, at].tolist() == [int(row[0]), *map(int, row[4:7])], row[7]
    assert levels[0, at].tolist() == [int(x) for x in row[:4]]


def _named(table: pa.Table, **columns: list[str | None]) -> pa.Table:
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table


def test_villages_written_by_name_meet_their_code_and_each_other() -> None:
    table = _named(
        _gathered([None] * 4, [None] * 4)["e.roll"],
        township=["石桥镇", "石桥镇", "石桥 镇", "马场镇"],
        village=["上寨村"] * 4,
        village_code=["529901100201", None, None, None],
    )  # fmt: skip
    p = gather({"e.roll": table}, {"e.roll": Facts("k", "self", False)}, FIELDS).people
    village = p.village[:, 0].tolist()
    assert village[0] == village[1] == village[2] != village[3] >= 0
    assert p.county[:3, 0].tolist() == [p.county[0, 0]] * 3
    assert p.county[3, 0] < 0  # a name alone does not say the county


def test_an_address_that_ends_with_a_village_named_elsewhere_lies_there() -> None:
    table = _named(
        _gathered([None] * 3, [None] * 3)["e.roll"],
        township=["石桥镇", None, None], village=["上寨村", None, None],
        address=[None, "甲县石桥镇上寨村3组5号", "甲县马场镇上寨村3组5号"],
    )  # fmt: skip
    fields = {**FIELDS, ("self", "address"): ["address"]}
    village = gather({"e.roll": table}, {"e.roll": Facts("k", "self", False)}, fields).people.village[:, 0].tolist()
    assert village[0] == village[1] >= 0 > village[2]


def test_schools_that_have_no_code_anywhere_meet_by_name() -> None:
    table = _named(_gathered([None] * 3, [None] * 3)["e.roll"], school_name=["甲镇小学", "甲镇 小学", "乙镇小学"])
    found = gather({"e.roll": table}, {"e.roll": Facts("k", "self", False)}, FIELDS)
    school = found.people.school.tolist()
    assert school[0] == school[1] != school[2] >= 0
    assert found.codes["e.roll"] == [None] * 3
    assert not found.schools
