"""Who stands twice in a register that should hold everybody once is found, and twins are not."""

from __future__ import annotations

import datetime as dt
import random

import pyarrow as pa
import pytest

from commonground.people.births import NO_DAY
from commonground.people.doubled import Doubled, doubled_table, find_doubled
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.model import Linked
from commonground.people.numbers import check_character
from commonground.people.run import link_records

FIELDS = {("self", f): [f] for f in ("name", "student_no", "id_no", "birth", "sex", "address", "phone")}
FACTS = {"e.roll": Facts("student_registry", "self", False), "h.visits": Facts("adult_checkups", "self", True)}
LETTERS = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊"


def _child(r: random.Random, i: int) -> dict[str, object]:
    born = dt.date(2012, 1, 1) + dt.timedelta(days=r.randrange(2000))
    sex = r.choice("12")
    body = f"5299{r.randrange(1, 9):02d}{born:%Y%m%d}{r.randrange(0, 50) * 2 + (sex == '1') + 100:03d}"
    return {
        "name": r.choice("李王张刘陈杨黄赵吴周") + r.choice(LETTERS) + r.choice(LETTERS), "birth": born, "sex": sex,
        "id_no": body + check_character(body), "address": f"甲县乙镇石村{i}号", "phone": f"12{i:09d}",
        "school_code": str(i % 20), "grade": 3, "class": "1",
    }  # fmt: skip


def _rows() -> tuple[list[dict[str, object]], dict[str, int]]:
    """Make a register: 400 children, then the doubled ones and the twins; gives the place of each case."""
    r = random.Random(5)
    rows = [_child(r, i) for i in range(400)]
    case = {}

    def add(what: str, **row: object) -> None:
        case[what] = len(rows)
        rows.append(row)

    one, two, three, four = rows[10], rows[20], rows[30], rows[40]
    add("moved", **{**one, "school_code": "77", "address": "丙县丁镇河村9号", "phone": "12999999991"})
    no_number = {"id_no": None, "school_code": "78", "phone": "12999999992"}
    add("no number", **{**two, **no_number, "address": "丙县丁镇河村8号"})
    body = str(three["id_no"])[:14] + "997"
    add("twin", **{**three, "name": str(three["name"])[0] + "芳芳", "sex": "1", "id_no": body + check_character(body)})
    body = str(four["id_no"])[:14] + "995"
    add("namesake", **{**four, "school_code": "79", "id_no": body + check_character(body)})
    return rows, case


def _visits(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give visits of half the children, each twice; some with another telephone or school, some without number."""
    r = random.Random(6)
    out = []
    for one in [rows[i] for i in range(0, 400, 2)] * 2:
        phone = one["phone"] if r.random() < 0.7 else f"12{r.randrange(10**9):09d}"
        school = one["school_code"] if r.random() < 0.8 else str(r.randrange(20))
        out.append({**one, "phone": phone, "school_code": school, "id_no": one["id_no"] if r.random() < 0.7 else None})
    return out


def _table(rows: list[dict[str, object]], first: int = 0) -> pa.Table:
    n = len(rows)
    fixed = {"delivery": ["d"] * n, "file": ["f"] * n, "sheet": [""] * n, "status": ["record"] * n}
    columns = {k: pa.array([x.get(k) for x in rows]) for k in rows[0]}
    return pa.table(
        {"record_id": list(range(first, first + n)), **fixed, "as_of": pa.array([dt.date(2025, 9, 1)] * n), **columns}
    )


@pytest.fixture(scope="module")
def found() -> tuple[Linked, Doubled, dict[str, int]]:
    rows, case = _rows()
    tables = {"e.roll": _table(rows), "h.visits": _table(_visits(rows), len(rows))}
    linked = link_records(gather(tables, FACTS, FIELDS))
    return linked, find_doubled(linked), case


def _pairs(found: tuple[Linked, Doubled, dict[str, int]]) -> dict[tuple[int, int], tuple[bool, float]]:
    linked, doubled, _ = found
    record = linked.gathered.people.record
    return {
        (int(record[a]), int(record[b])): (bool(j), float(p))
        for a, b, j, p in zip(doubled.left, doubled.right, doubled.joined, doubled.probability, strict=True)
    }


def test_a_child_who_moved_and_stands_in_two_schools_is_one_person(found) -> None:  # type: ignore[no-untyped-def]
    assert _pairs(found)[10, found[2]["moved"]] == (True, 1.0)
    linked = found[0]
    row = {r: i for i, r in enumerate(linked.gathered.people.record.tolist())}
    assert linked.entity[row[10]] == linked.entity[row[found[2]["moved"]]]


def test_without_a_number_the_pair_is_doubtful_and_stays_two(found) -> None:  # type: ignore[no-untyped-def]
    joined, probability = _pairs(found)[20, found[2]["no number"]]
    assert not joined
    assert 0.5 <= probability < 1.0


def test_twins_and_namesakes_with_numbers_of_their_own_are_not_doubled(found) -> None:  # type: ignore[no-untyped-def]
    alone = {found[2]["twin"], found[2]["namesake"]}
    assert not [pair for pair in _pairs(found) if alone & set(pair)]
    assert len(_pairs(found)) == 2


def test_visits_are_not_doubled_and_the_report_counts(found) -> None:  # type: ignore[no-untyped-def]
    linked, doubled, case = found
    people, sources = linked.gathered.people, linked.gathered.sources
    assert doubled.counts(people.source, sources) == [
        {"dataset": "e.roll", "delivery": "d", "joined": 1, "doubtful": 1}
    ]
    table = doubled_table(doubled, people.record, people.source, sources).to_pylist()
    assert [(t["left_record"], t["right_record"], t["joined"]) for t in table] == [
        (10, case["moved"], True), (20, case["no number"], False),
    ]  # fmt: skip
    assert {t["source"] for t in table} == {"e.roll/d"}
    assert (people.day != NO_DAY).all()
