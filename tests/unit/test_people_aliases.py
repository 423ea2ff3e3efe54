"""Student numbers that were replaced: learnt once, used in later deliveries, the same however often one builds."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from commonground.people import aliases
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.model import Linked
from commonground.people.numbers import check_character
from commonground.people.run import link_records

FIELDS = {("self", f): [f] for f in ("name", "student_no", "id_no", "birth", "sex")}
FACTS = {"e.roll": Facts("student_registry", "self", False), "e.marks": Facts("exam_scores", "self", False)}
DAYS = {"2024": dt.date(2024, 3, 1), "2025": dt.date(2025, 3, 1), "2026": dt.date(2026, 3, 1)}
OLD = "J52990120140315012X"
BODY = "52990120140315002"
NUMBER = BODY + check_character(BODY)


def _number(i: int) -> str:
    body = f"5299012013{1 + i % 12:02d}{1 + i % 28:02d}{100 + i:03d}"
    return body + check_character(body)


def _others(n: int = 120) -> list[tuple[str, str | None, str | None, str]]:
    letters = "伟强磊军洋勇杰涛明超刚平辉鹏"
    names = ["李王张刘陈杨黄赵"[i % 8] + letters[i % 14] + letters[(i // 14) % 14] for i in range(n)]
    return [(names[i], "G" + _number(i), _number(i), f"2013-{1 + i % 12:02d}-{1 + i % 28:02d}") for i in range(n)]


def _table(name: str, deliveries: dict[str, list[tuple[str, str | None, str | None, str]]], first: int) -> pa.Table:
    rows = [(d, *r) for d, rs in deliveries.items() for r in rs]
    return pa.table(
        {
            "record_id": list(range(first, first + len(rows))), "delivery": [r[0] for r in rows],
            "file": ["f"] * len(rows), "sheet": [""] * len(rows), "status": ["record"] * len(rows),
            "as_of": pa.array([DAYS[r[0]] for r in rows]), "name": [r[1] for r in rows],
            "student_no": pa.array([r[2] for r in rows], pa.string()),
            "id_no": pa.array([r[3] for r in rows], pa.string()),
            "birth": pa.array([dt.date.fromisoformat(r[4]) for r in rows]), "sex": ["1"] * len(rows),
            "department": ["e"] * len(rows), "dataset": [name] * len(rows), "row_number": list(range(len(rows))),
        }
    )  # fmt: skip


def _linked(tables: dict[str, pa.Table], known: pa.Table | None = None) -> Linked:
    return link_records(gather(tables, FACTS, FIELDS, aliases=known))


def _days(linked: Linked) -> np.ndarray:
    return np.array([(DAYS[d] - dt.date(1970, 1, 1)).days for _, d in linked.gathered.sources])


CHILD = ("王小明", OLD, None, "2014-03-15")


@pytest.fixture(scope="module")
def learnt() -> pa.Table:
    """The child has J in 2024 and G in 2025; name and birth say that it is the same."""
    roll = {"2024": [*_others(), CHILD], "2025": [*_others(), ("王小明", "G" + NUMBER, NUMBER, "2014-03-15")]}
    linked = _linked({"e.roll": _table("roll", roll, 0)})
    return aliases.kept(aliases.empty(), aliases.learn(linked, _days(linked)))


def test_an_old_number_is_learnt_from_linked_records(learnt: pa.Table) -> None:
    (row,) = learnt.to_pylist()
    assert (row["alias"], row["id_no"], row["how"], row["since"]) == (OLD, NUMBER, "linked", DAYS["2025"])
    assert row["probability"] >= aliases.LEAST


def test_a_record_that_says_both_numbers_states_it() -> None:
    linked = _linked({"e.roll": _table("roll", {"2024": [*_others(), (CHILD[0], OLD, NUMBER, CHILD[3])]}, 0)})
    (row,) = aliases.learn(linked, _days(linked)).to_pylist()
    assert (row["alias"], row["id_no"], row["how"], row["probability"]) == (OLD, NUMBER, "stated", 1.0)


def test_a_later_delivery_with_the_old_number_finds_the_child(learnt: pa.Table) -> None:
    """The marks of 2026 have the old number, another spelling and birthday; the roll of 2024 is no longer there."""
    roll = _table("roll", {"2025": [*_others(), ("王小明", "G" + NUMBER, NUMBER, "2014-03-15")]}, 0)
    marks = _table("marks", {"2026": [*_others()[:60], ("王晓敏", OLD, None, "2014-11-29")]}, roll.num_rows)
    tables = {"e.roll": roll, "e.marks": marks}
    child, mark = roll.num_rows - 1, roll.num_rows + marks.num_rows - 1

    def together(linked: Linked) -> bool:
        row = {r: i for i, r in enumerate(linked.gathered.people.record.tolist())}
        return bool(linked.entity[row[child]] == linked.entity[row[mark]])

    assert not together(_linked(tables))
    assert together(_linked(tables, learnt))


def test_building_again_from_the_same_deliveries_changes_nothing(learnt: pa.Table) -> None:
    roll = {"2024": [*_others(), CHILD], "2025": [*_others(), ("王小明", "G" + NUMBER, NUMBER, "2014-03-15")]}
    table = {"e.roll": _table("roll", roll, 0)}
    before, after = (gather(table, FACTS, FIELDS, aliases=t).people for t in (None, learnt))
    assert before.student.tolist() == after.student.tolist()


def test_an_alias_changes_nothing_about_the_deliveries_it_was_learnt_beside(learnt: pa.Table) -> None:
    """The marks of 2026 came with the rolls of 2024 and 2025, and were not linked: so it stays when built again."""
    roll = {"2024": [*_others(), CHILD], "2025": [*_others(), ("王小明", "G" + NUMBER, NUMBER, "2014-03-15")]}
    tables = {"e.roll": _table("roll", roll, 0)}
    tables["e.marks"] = _table("marks", {"2026": [*_others()[:60], ("王晓敏", OLD, None, "2014-11-29")]}, 1000)
    first = _linked(tables)
    found = aliases.kept(aliases.empty(), aliases.learn(first, _days(first)))
    assert found.column("alias").to_pylist() == [OLD]
    again = gather(tables, FACTS, FIELDS, aliases=found)
    assert again.people.student.tolist() == first.gathered.people.student.tolist()


def test_what_was_known_keeps_its_day_and_a_dispute_is_left_out(learnt: pa.Table) -> None:
    (row,) = learnt.to_pylist()
    later = pa.Table.from_pylist([{**row, "since": DAYS["2026"], "how": "stated"}], learnt.schema)
    (both,) = aliases.kept(learnt, later).to_pylist()
    assert (both["since"], both["how"]) == (DAYS["2025"], "stated")
    other = pa.Table.from_pylist([{**row, "id_no": _number(5)}], learnt.schema)
    assert aliases.kept(learnt, other).num_rows == 0
    assert aliases.kept(learnt, aliases.empty()).to_pylist() == [row]
