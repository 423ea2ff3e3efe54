"""The correction loop: items keep their numbers, sheets and files that come back close them, wrong ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonground import intake
from commonground.errors import AccessError, DeliveryError
from commonground.governance import Ledger
from commonground.governance.vault import Vault
from commonground.intake.returns import layer
from commonground.intake.returns.run import fingerprint, make
from commonground.intake.returns.settle import close
from commonground.intake.returns.shown import rates, standing, told
from intake_kit import Town, column
from returns_kit import BAD_ID, GOOD_ID, HEADER, PUPILS, begin, fill, hand_in, registered, sheets, two_departments


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return two_departments(tmp_path)


def by_column(town: Town) -> dict[tuple[str, str], str]:
    """State of each item by column and text or reason; settled ones have forgotten their text."""
    return {(item.fault.column, item.fault.reason): item.state for item in registered(town.city()).items.values()}


def test_items_are_what_a_department_can_act_on(town: Town) -> None:
    items = list(registered(town.city()).items.values())
    said = {(i.fault.scope, i.fault.column, i.fault.rows, i.fault.text) for i in items}
    assert said == {
        ("row", "", (5,), "丁,男"),
        ("group", "性别", (3, 4), "9"),
        ("value", "身份证号", (2,), BAD_ID),
        ("value", "出生日期", (3,), "2010-02-30"),
        ("value", "身高", (4,), "999"),
        ("value", "身高", (6,), "250"),
    }
    assert [i.number for i in items] == [1, 2, 3, 4, 5, 6]
    assert next(i.fault.mark for i in items if i.fault.column == "身份证号") == "甲"


def test_numbers_and_age_are_kept(town: Town) -> None:
    first = registered(town.city())
    again = registered(town.city())
    assert first.items == again.items
    town.deliver(HEADER + f"戊,女,{BAD_ID[:-1]}9,2012-01-01,150\n", "b.csv", "2025-10-10")
    later = registered(town.city())
    assert {n: i.key for n, i in first.items.items()}.items() <= {n: i.key for n, i in later.items.items()}.items()
    assert len(later.items) == 8  # the number of 戊, and far fewer rows than before


def test_a_sheet_that_comes_back_closes_what_it_mends(town: Town) -> None:
    city = town.city()
    before = intake.run(city)
    (made,) = sheets(city)
    assert made.path.stat().st_mode & 0o777 == 0o600
    answers = {
        "9": ("", "女", ""),
        BAD_ID: ("更正 correct", GOOD_ID, "查了户口本"),
        "2010-02-30": ("", "2010-02-31", ""),
        "999": ("无值", "", ""),
        "250": ("属实 as it is", "", "篮球队"),
        "丁,男": ("另交文件 new file", "", ""),
    }
    taken = hand_in(city, fill(made.path.read_bytes(), lambda line: answers[line["text"]]))
    assert taken.counts() == {
        "corrected": 2, "no_value": 1, "accepted": 1, "new_file": 1, "settled": 0, "refused": 1
    }  # fmt: skip
    assert list(taken.refused.values()) == ["not_a_date"]
    result = intake.run(city)
    pupils = result.tables["edu.pupils"].to_pylist()
    assert [(p["sex"], p["id_no"], p["height"], p["corrected"]) for p in pupils] == [
        ("1", GOOD_ID, 140.0, "id_no"),
        ("2", None, 141.0, "sex"),
        ("2", None, None, "height、sex"),
        ("1", None, 250.0, "height"),
    ]
    assert pupils[0]["id_no_soft"] is None
    assert result.conservation.equals(before.conservation)
    left = [(row["column"], row["text"]) for row in result.quarantine.to_pylist() if row["dataset"] == "pupils"]
    assert sorted(left) == [("", "丁,男"), ("出生日期", "2010-02-30")]
    assert by_column(town) == {
        ("", "too_few_cells"): "sent",
        ("性别", "code_outside_list:9"): "closed",
        ("身份证号", "id_check_digit"): "closed",
        ("出生日期", "not_a_date"): "sent",
        ("身高", "out_of_range"): "accepted",
    }
    assert made.path.read_bytes()  # what was sent stays as it was
    history = [event for item in registered(city).items.values() for event in item.history]
    assert any(event["what"] == "closed" and event["note"] == made.identity for event in history)
    assert any(event["note"] == "篮球队" and event["by"].startswith("local:") for event in history)


def test_the_delivered_file_and_other_records_are_untouched(town: Town) -> None:
    city = town.city()
    original = (city.deliveries / "edu/pupils/2025-09-10/a.csv").read_bytes()
    before, mark = intake.run(city).tables["edu.pupils"], fingerprint(city)
    (made,) = sheets(city)
    hand_in(city, fill(made.path.read_bytes(), lambda line: ("", "女", "") if line["text"] == "9" else None))
    after = intake.run(city).tables["edu.pupils"]
    assert (city.deliveries / "edu/pupils/2025-09-10/a.csv").read_bytes() == original
    assert fingerprint(city) != mark
    assert before["corrected"].null_count == before.num_rows
    same = [c for c in before.column_names if c not in ("sex", "corrected")]
    assert after.select(same).equals(before.select(same))


def test_a_sheet_among_the_deliveries_is_taken(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    filled = fill(made.path.read_bytes(), lambda line: ("", "女", "") if line["text"] == "9" else None)
    town.deliver(filled, "退回核对单（已填）.xlsx", "2025-09-10-更正")
    result = intake.run(town.city())
    listed = {(r["file"], r["status"]) for r in result.conservation.to_pylist()}
    assert ("退回核对单（已填）.xlsx", "return sheet") in listed
    assert result.tables["edu.pupils"]["sex"].to_pylist() == ["1", "2", "2", "1"]
    assert by_column(town)["性别", "code_outside_list:9"] == "closed"
    assert intake.run(town.city()).conservation.equals(result.conservation)


def test_a_corrected_file_closes_what_is_right_in_it(town: Town) -> None:
    sheets(town.city())
    before = registered(town.city())
    corrected = f"丙,9,,2010-03-03,141\n甲,男,{GOOD_ID},2010-01-01,140\n丁,男,,2010-05-05,142\n乙,女,,2010-02-30,141\n"
    town.deliver(HEADER + corrected, "a（更正）.csv", "2025-09-10-更正")
    result = intake.run(town.city())
    status = {(r["delivery"], r["status"]) for r in result.conservation.to_pylist() if r["dataset"] == "pupils"}
    assert status == {("2025-09-10", "replaced"), ("2025-09-10-更正", "read")}
    table = result.tables["edu.pupils"]
    assert table.filter([s == "record" for s in table["status"].to_pylist()]).num_rows == 4
    assert len(set(table["as_of"].to_pylist())) == 1
    after = registered(town.city())
    assert len(after.items) == len(before.items)
    state = {(i.fault.column, i.fault.reason): (i.state, i.via, i.fault.delivery) for i in after.items.values()}
    assert state["身份证号", "id_check_digit"][:2] == ("closed", "file")
    assert state["", "too_few_cells"][:2] == ("closed", "file")
    assert state["出生日期", "not_a_date"] == ("sent", "", "2025-09-10-更正")
    assert state["性别", "code_outside_list:9"] == ("sent", "", "2025-09-10-更正")
    vias = sorted(i.via for i in after.items.values() if i.fault.column == "身高")
    assert vias == ["file", "gone"]
    assert [i.number for i in after.items.values()] == [i.number for i in before.items.values()]


def test_what_was_accepted_is_not_asked_again_in_a_corrected_file(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    hand_in(
        city, fill(made.path.read_bytes(), lambda line: ("属实", "", "量过两次") if line["text"] == "999" else None)
    )
    before = registered(city)
    (accepted,) = [i for i in before.items.values() if i.state == "accepted"]
    town.deliver(
        HEADER + "戊,男,,2011-02-02,150\n丙,男,,2010-03-03,999\n乙,女,,2010-02-28,998\n", "a.csv", "2025-09-10-更正"
    )
    for _ in range(2):
        after = registered(town.city()).items
        assert (after[accepted.number].state, after[accepted.number].fault.delivery) == ("accepted", "2025-09-10-更正")
        assert [(i.fault.rows, i.fault.text) for i in after.values() if not i.settled] == [((4,), "998")]
    table = intake.run(town.city()).tables["edu.pupils"].to_pylist()
    assert [(p["name"], p["height"]) for p in table if p["status"] == "record"] == [
        ("戊", 150.0), ("丙", 999.0), ("乙", None)
    ]  # fmt: skip


def test_a_later_delivery_mends_facts_that_do_not_change_and_no_others(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.contract(*PUPILS)
    town.deliver(HEADER + f"甲,男,{BAD_ID},2010-01-01,999\n乙,女,{BAD_ID[:-1]}7,2010-02-02,140\n")
    begin(town.city())
    first = registered(town.city())
    town.deliver(HEADER + f"乙,女,{BAD_ID[:-1]}7,2010-02-02,145\n甲,男,{GOOD_ID},2010-01-01,150\n", day="2026-09-10")
    after = registered(town.city())
    assert {(i.number, i.fault.column, i.state, i.via, i.fault.delivery) for i in after.items.values()} == {
        (next(n for n, i in first.items.items() if i.fault.column == "身高"), "身高", "open", "", "2025-09-10"),
        (next(n for n, i in first.items.items() if i.fault.rows == (2,) and i.fault.column == "身份证号"),
         "身份证号", "closed", "later", "2025-09-10"),
        (next(n for n, i in first.items.items() if i.fault.rows == (3,)), "身份证号", "open", "", "2026-09-10"),
    }  # fmt: skip


def test_one_answer_serves_six_hundred_rows(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.contract(column("性别", "sex"), column("身高", "height"))
    rows = "".join(f"{'未' if i % 3 == 0 else '男'},{900 if i % 200 == 7 else 120 + i % 40}\n" for i in range(1800))
    town.deliver("性别,身高\n" + rows)
    begin(town.city())
    city = town.city()
    items = registered(city).items.values()
    (group,) = [i for i in items if i.fault.column == "性别"]
    assert (group.fault.scope, group.fault.count, len(group.fault.rows)) == ("group", 600, 600)
    heights = [i.fault for i in items if i.fault.column == "身高"]
    assert [(f.scope, f.count, f.text) for f in heights] == [("value", 1, "900")] * 9
    (made,) = sheets(city, "edu.pupils")
    filled = fill(made.path.read_bytes(), lambda line: ("", "女", "") if line["text"] == "未" else None)
    assert hand_in(city, filled).counts()["corrected"] == 1
    sexes = intake.run(city).tables["edu.pupils"]["sex"].to_pylist()
    assert (sexes.count("2"), sexes.count("1")) == (600, 1200)


def test_rows_of_a_group_can_differ(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    number = next(f"{i.number:05d}" for i in registered(city).items.values() if i.fault.column == "性别")
    filled = fill(made.path.read_bytes(), lambda line: None, {(number, "3"): "男", (number, "4"): "女"})
    assert hand_in(city, filled).counts()["corrected"] == 1
    assert intake.run(city).tables["edu.pupils"]["sex"].to_pylist() == ["1", "1", "2", "1"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("", BAD_ID, ""), "unchanged"),
        (("", "5299012010010112", ""), "id_length"),
        (("属实", "", ""), "reason"),
        (("属实", GOOD_ID, "对"), "both"),
        (("更正", "", ""), "empty"),
        (("大概", "", ""), "decision"),
    ],
)
def test_a_wrong_answer_stays_open_with_its_reason(town: Town, given: tuple[str, str, str], why: str) -> None:
    city = town.city()
    (made,) = sheets(city)
    taken = hand_in(city, fill(made.path.read_bytes(), lambda line: given if line["text"] == BAD_ID else None))
    (number,) = taken.refused
    assert taken.refused[number] == why
    item = registered(city).items[number]
    assert (item.state, item.history[-1]["what"], item.history[-1]["note"]) == ("sent", "refused", why)
    assert layer.load(Vault(city)) == {}


def test_an_accepted_value_whose_type_allows_none_stays_missing(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    filled = fill(made.path.read_bytes(), lambda line: ("属实", "", "证上如此") if line["text"] == BAD_ID else None)
    assert hand_in(city, filled).counts()["accepted"] == 1
    assert by_column(town)["身份证号", "id_check_digit"] == "accepted"
    pupil = intake.run(city).tables["edu.pupils"].to_pylist()[0]
    assert (pupil["id_no"], pupil["id_no_soft"]) == (None, BAD_ID)
    assert BAD_ID not in sheets(city)[0].path.read_bytes().decode("latin-1")


def test_an_older_sheet_still_counts_and_the_same_one_only_once(town: Town) -> None:
    city = town.city()
    (old,) = sheets(city)
    content = old.path.read_bytes()
    town.deliver(
        HEADER + "庚,女,,2012-01-01,150\n辛,女,,2012-01-01,150\n壬,女,,2012-01-01,150\n癸,女,,2012-01-01,1\n",
        day="2025-10-10",
    )
    assert len(sheets(town.city())) == 2
    filled = fill(content, lambda line: ("", "女", "") if line["text"] == "9" else None)
    assert hand_in(city, filled).counts()["corrected"] == 1
    again = hand_in(city, filled)
    assert again.before
    assert again.counts()["corrected"] == 1
    by_column(town)
    late = fill(content, lambda line: ("", "男", "") if line["text"] == "9" else None)
    assert hand_in(city, late).counts()["settled"] == 1
    assert intake.run(city).tables["edu.pupils"]["sex"].to_pylist()[1:3] == ["2", "2"]


def test_items_can_be_settled_by_hand(town: Town) -> None:
    city = town.city()
    registered(city)
    with pytest.raises(DeliveryError) as caught:
        close(city, "edu.pupils", [99], "电话核实", "local:x")
    assert "99" in caught.value.message("zh")
    with pytest.raises(DeliveryError):
        close(city, "edu.pupils", [1], " ", "local:x")
    settled = close(city, "edu.pupils", [1, 2], "电话核实", "local:x", accept=True)
    assert [(i.state, i.via, i.fault.text) for i in settled] == [("accepted", "as_is", "")] * 2
    assert [i.number for i in registered(city).unsettled] == [3, 4, 5, 6]
    with Ledger(city) as ledger:
        (entry,) = ledger.entries("return_closed")
    assert entry.detail == {"items": ["1", "2"], "via": "as_is"}


def test_making_and_taking_stand_in_the_ledger(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    sheets(city)  # the same once more: nothing new leaves
    hand_in(city, fill(made.path.read_bytes(), lambda line: ("", "女", "") if line["text"] == "9" else None))
    registered(city)
    with Ledger(city) as ledger:
        (sent,), (back,), (closed,) = (ledger.entries(k) for k in ("return_sheet", "return_taken", "return_closed"))
        assert ledger.verify().require()
    assert sent.subject == "edu"
    assert sent.detail["items"] == "6"
    assert sent.detail["destroy_by"] == made.destroy_by.isoformat()
    assert len(sent.detail["files"][0]["sha256"]) == 64
    assert back.detail["sheet"] == made.identity == sent.detail["sheet"]
    assert back.detail["corrected"] == 1
    assert closed.detail == {"via": {"sheet": 1}}


def test_who_may_not_hand_files_over_makes_none(town: Town) -> None:
    city = town.city()
    with pytest.raises(AccessError):
        make(city, intake.run(city), actor="desk:somebody")
    assert not list(city.vault.rglob("*.xlsx"))


def test_what_is_told_holds_counts_and_places_alone(town: Town) -> None:
    city = town.city()
    book = registered(city)
    with Ledger(city) as ledger:
        today = ledger.clock().date()
    (row,) = standing({"edu.pupils": book}, today)
    assert (row["open"], row["sent"], row["oldest"]) == (6, 0, 0)
    shown = str([told(item, today) for item in book.items.values()]) + str(rates(city))
    assert BAD_ID not in shown
    assert "甲" not in shown
    by_set = {r["dataset"]: r for r in rates(city)}
    assert by_set["pupils"]["items"] == "<10"
    assert by_set["pupils"]["settled_share"] is None
