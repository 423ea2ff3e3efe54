"""The return sheet itself: the same bytes each time, nothing of other departments, nothing forged."""

from __future__ import annotations

import datetime as dt
import io
import re
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from commonground import intake
from commonground.errors import DeliveryError
from commonground.governance import Ledger, current_actor
from commonground.intake.contract import load_contract
from commonground.intake.returns.book import HEAD, MARK
from commonground.intake.returns.content import LINES, make_content
from commonground.intake.returns.faults import find_faults
from commonground.intake.returns.model import Fault, Item
from commonground.intake.returns.run import destroy_expired, make
from commonground.intake.returns.words import DECISIONS, TODO, choice, decision, todo, what
from commonground.intake.returns.workbook import CODES, ITEM_LOCKED, ITEMS, README, SUMMARY, draw
from intake_kit import HEAD as TOML_HEAD
from intake_kit import LAYOUT, Town
from returns_kit import BAD_ID, HEADER, PUPILS, SECRET, begin, fill, hand_in, registered, saved, sheets, two_departments

DAY = dt.date(2026, 11, 22)
SENTINELS = (SECRET, "哨兵", "sentinel", "Sentinel", "9999", "8888", "health", BAD_ID[:-1] + "9")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return two_departments(tmp_path_factory.mktemp("returns"))


@pytest.fixture(scope="module")
def content(town: Town) -> bytes:
    (made,) = sheets(town.city())
    return made.path.read_bytes()


def parts(workbook: bytes) -> dict[str, str]:
    """Every part of a workbook as text: cells, shared strings, properties, comments, validation."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        return {name: book.read(name).decode("utf-8") for name in book.namelist()}


def test_nothing_of_another_department_is_in_any_part(town: Town, content: bytes) -> None:
    theirs = "".join(parts(sheets(town.city(), "health.sentinel")[0].path.read_bytes()).values())
    assert all(word in theirs for word in SENTINELS if word != "Sentinel")  # they are where they belong
    for name, text in parts(content).items():
        for word in SENTINELS:
            assert word not in text, (word, name)


def test_the_summary_alone_holds_no_text_and_no_small_count(town: Town) -> None:
    (made,) = sheets(town.city())
    book = openpyxl.load_workbook(made.summary)
    assert book.sheetnames == [SUMMARY]
    text = "".join(parts(made.summary.read_bytes()).values())
    for word in (*SENTINELS, "甲", BAD_ID, "2010-02-30", "HYPERLINK"):
        assert word not in text
    counts = {cell.value for row in book[SUMMARY].iter_rows(min_row=HEAD + 2, min_col=6, max_col=8) for cell in row}
    assert counts == {"<10"}


def test_the_same_input_gives_the_same_bytes(town: Town) -> None:
    result = intake.run(town.city())
    made = []
    for _ in range(2):
        items = [Item(i, f, since="2026-01-01") for i, f in enumerate(find_faults(result, town.city().settings), 1)]
        mine = [item for item in items if item.fault.dataset == "pupils"]
        page = make_content(town.city(), result.contracts["edu.pupils"], "2025-09-10", mine, DAY, DAY)
        made.append(draw(page))
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0])) as book:
        assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert set(re.findall(r"20\d\d-\d\d-\d\dT", parts(made[0])["docProps/core.xml"])) == {"2026-11-22T"}


def test_texts_of_departments_never_run(content: bytes) -> None:
    for name, text in parts(content).items():
        assert "<f>" not in text, name
        assert "<hyperlink" not in text, name
    book = openpyxl.load_workbook(io.BytesIO(content))
    marks = [row[4] for row in book[ITEMS].iter_rows(min_row=HEAD + 2) if str(row[4].value).startswith("=")]
    assert marks
    for cell in marks:
        assert cell.data_type == "s"
        assert cell.quotePrefix


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "http://x/", "00012", "1e5", "TRUE"])
def test_any_text_stays_a_text(town: Town, text: str) -> None:
    contract = intake.load_contracts(town.city())["edu.pupils"]
    fault = Fault(
        "value", "edu", "pupils", "2025-09-10", text, text, "姓名", "name", "pattern", text, (2,), (1,), 1, 9, text
    )
    page = make_content(town.city(), contract, "2025-09-10", [Item(1, fault, since="2026-01-01")], DAY, DAY)
    row = next(openpyxl.load_workbook(io.BytesIO(draw(page)))[ITEMS].iter_rows(min_row=HEAD + 2))
    for place in (4, 7):
        assert (row[place].value, row[place].data_type) == (text, "s")


def test_a_clerk_can_fill_it_in_and_nothing_else(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book[ITEMS]
    assert sheet.protection.sheet
    assert sheet.freeze_panes == "B3"
    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
    assert sheet.print_title_rows == "$2:$2"
    assert book[MARK].sheet_state == "veryHidden"
    for row in sheet.iter_rows(min_row=HEAD + 2):
        for i, cell in enumerate(row):
            assert cell.protection.locked == (i < ITEM_LOCKED)
            assert cell.number_format == "@"
            assert cell.font.name == "宋体"
    lists = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation if rule.type == "list"}
    offered = {rule.formula1 for rule in lists.values()}
    assert any(choice("no_value") in said for said in offered)
    assert any(said.startswith(f"'{CODES}'!") for said in offered)
    codes = [cell.value for cell in book[CODES]["A"][HEAD:]]
    assert codes == ["性别", "男", "女"]


def test_it_says_what_it_is_for_and_until_when(content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    said = "\n".join(str(cell.value) for row in book[README].iter_rows() for cell in row if cell.value)
    for word in ("内部资料", "Internal", "用途", "Purpose", "销毁期限", "Destroy by", "学籍", "试验市", "2025-09-10"):
        assert word in said
    assert "内部资料" in book[ITEMS].oddFooter.left.text
    assert {row[0].value for row in book[SUMMARY].iter_rows(min_row=HEAD + 2)} == {"a.csv"}


def change(content: bytes, row: int, column: int, text: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    book[ITEMS].cell(HEAD + 1 + row, column + 1).value = text
    return saved(book)


@pytest.mark.parametrize(("column", "text"), [(2, "7"), (0, "00099"), (7, "别的"), (3, "姓名"), (4, "他人")])
def test_a_changed_locked_cell_refuses_the_whole_sheet(town: Town, content: bytes, column: int, text: str) -> None:
    city = town.city()
    with pytest.raises(DeliveryError) as caught:
        hand_in(city, change(content, 2, column, text))
    assert "4" in caught.value.message("zh")
    assert "锁定" in caught.value.message("zh")
    assert text not in caught.value.message("zh").replace("第 4 行", "") or text == "7"
    assert registered(city).unsettled


def test_lines_may_be_sorted_and_taken_out(town: Town, content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book[ITEMS]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=HEAD + 2)]
    sheet.delete_rows(HEAD + 2, len(rows))
    for place, row in enumerate(reversed(rows[1:]), HEAD + 2):
        for i, value in enumerate(row, 1):
            cell = sheet.cell(place, i, value)
            cell.data_type = "s" if value else "n"  # openpyxl takes a text that begins with = for a formula
    assert hand_in(town.city(), saved(book)).counts() == dict.fromkeys(
        ("corrected", "no_value", "accepted", "new_file", "settled", "refused"), 0
    )


def test_a_doubled_line_is_refused(town: Town, content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    book[ITEMS].append([cell.value for cell in book[ITEMS][HEAD + 2]])
    with pytest.raises(DeliveryError):
        hand_in(town.city(), saved(book))


def test_another_departments_sheet_and_a_strangers_are_refused(town: Town, content: bytes, tmp_path: Path) -> None:
    city = town.city()
    with pytest.raises(DeliveryError) as caught:
        hand_in(city, content, "health.sentinel")
    assert "edu.pupils" in caught.value.message("zh")
    stranger = two_departments(tmp_path).city()
    with pytest.raises(DeliveryError) as caught:
        hand_in(stranger, content)
    assert "核对单号" in caught.value.message("zh")
    for wrong in (b"", b"PK\x03\x04 no workbook", saved(openpyxl.Workbook())):
        with pytest.raises(DeliveryError):
            hand_in(city, wrong)


def test_a_sheet_in_another_departments_folder_is_listed_as_refused(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    (made,) = sheets(town.city())
    town.deliver(made.path.read_bytes(), "back.xlsx", "2025-09-10-更正", "health/sentinel")
    result = intake.run(town.city())
    listed = {(r["dataset"], r["file"], r["status"]) for r in result.conservation.to_pylist()}
    assert ("sentinel", "back.xlsx", "return refused") in listed
    assert [r["status"] for r in result.summary()["set_aside"]] == ["return refused"]


def test_the_number_is_found_where_the_hidden_sheet_was_lost(town: Town, content: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content))
    del book[MARK]
    assert hand_in(town.city(), saved(book)).dataset == "pupils"


def test_a_sheet_is_destroyed_when_its_day_has_passed(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    city = town.city()
    with Ledger(city) as ledger:
        today = ledger.clock().date()
    (made,) = make(city, intake.run(city), actor=current_actor(), dataset="edu.pupils", destroy_by=today)
    filled = fill(made.path.read_bytes(), lambda line: ("", "女", "") if line["text"] == "9" else None)
    assert destroy_expired(city, today) == []
    gone = destroy_expired(city, today + dt.timedelta(days=1))
    assert {path.name[:2] for path in gone} == {"退回", "汇总"}
    assert not made.path.exists()
    assert hand_in(city, filled).counts()["corrected"] == 1  # what was sent is known without it


def test_a_hundred_thousand_items_stay_bounded(tmp_path: Path) -> None:
    path = tmp_path / "sources" / "edu" / "pupils.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TOML_HEAD + LAYOUT + "".join(PUPILS), encoding="utf-8")
    contract = load_contract(path)
    city = two_departments(tmp_path / "town").city()
    items = [
        Item(
            i,
            Fault(
                "value", "edu", "pupils", "d", "a.csv", "", "姓名", "name", "pattern", f"甲{i}", (i,), (i,), 1, 10**5
            ),
        )
        for i in range(1, 100_001)
    ]
    start = time.process_time()
    page = make_content(city, contract, "d", items, DAY, DAY)
    drawn = draw(page)
    assert time.process_time() - start < 15  # unit: seconds of one core; a few on an idle one
    assert len(drawn) < 3_000_000
    assert (len(page.lines), page.unlisted) == (LINES, 100_000 - LINES)


def test_what_found_no_room_stands_on_the_next_sheet(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonground.intake.returns.content.LINES", 10)
    contract = intake.load_contracts(town.city())["edu.pupils"]
    place = ("edu", "pupils", "d", "a.csv", "", "姓名", "name", "pattern")
    items = [Item(i, Fault("value", *place, f"甲{i}", (i,), (i,), 1, 99), since="2026-01-01") for i in range(1, 26)]
    first = make_content(town.city(), contract, "d", items, DAY, DAY)
    assert ([line.number for line in first.lines], first.unlisted) == ([*range(1, 11)], 15)
    items = [replace(item, sheets=("R",)) if item.number < 11 else item for item in items]
    assert [line.number for line in make_content(town.city(), contract, "d", items, DAY, DAY).lines] == [*range(11, 21)]


def test_a_column_wholly_wrong_is_one_item(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.contract(*PUPILS)
    rows = "".join(f"甲{i},男,5299{i:05d},2010-01-01,140\n" for i in range(3000))
    town.deliver(HEADER + rows)
    faults = find_faults(intake.run(town.city()), town.city().settings)
    (fault,) = [f for f in faults if f.reason == "id_length"]
    assert (fault.scope, fault.count, fault.of, len(fault.rows)) == ("column", 3000, 3000, 20)
    assert "529900001" not in str(fault)


def test_gaps_between_deliveries_are_asked_about(tmp_path: Path) -> None:
    town = Town(tmp_path)
    layouts = LAYOUT.replace("*.csv", "东*.csv") + LAYOUT.replace("*.csv", "西*.csv")
    county = '\n[[column]]\nsource = "区县"\nconcept = "county"\n'
    town.contract(PUPILS[0], county, layout=layouts)
    town.deliver("姓名,区县\n" + "甲,东区\n" * 10, "东.csv")
    town.deliver("姓名,区县\n" + "乙,西县\n" * 10, "西.csv")
    town.deliver("姓名,区县\n" + "甲,东区\n" * 9, "东.csv", "2026-09-10")
    town.deliver("", "空.csv", "2026-09-10")
    faults = find_faults(intake.run(town.city()), town.city().settings)
    assert {(f.scope, f.delivery, f.reason) for f in faults} == {
        ("delivery", "2026-09-10", "county_missing:西县"),
        ("delivery", "2026-09-10", "file_missing:西*.csv"),
        ("delivery", "2026-09-10", "fewer_rows"),
        ("file", "2026-09-10", "empty"),
    }


def test_a_wrong_sheet_name_is_asked_about_in_words(tmp_path: Path) -> None:
    town = Town(tmp_path)
    county = '\n[[column]]\nsource = "@sheet"\nconcept = "county"\n'
    layout = LAYOUT.replace("csv", "xlsx").replace('encoding = "utf-8"', "")
    town.contract(PUPILS[0], PUPILS[4], county, layout=layout)
    book = openpyxl.Workbook()
    book.active.title = "东区"
    for row in (["姓名", "身高"], ["甲", 140], ["乙", 141]):
        book.active.append(row)
    wrong = book.copy_worksheet(book.active)
    wrong.title = "Sheet2"
    town.deliver(saved(book), "体检.xlsx")
    begin(town.city())
    (made,) = sheets(town.city())
    (line,) = openpyxl.load_workbook(made.path)[ITEMS].iter_rows(min_row=HEAD + 2, values_only=True)
    assert line[1:4] == ("体检.xlsx\n[Sheet2]", "2、3", "（工作表名）\n(the sheet's name)")
    filled = fill(made.path.read_bytes(), lambda line: ("", "西县", ""))
    assert hand_in(town.city(), filled).counts()["corrected"] == 1
    counties = intake.run(town.city()).tables["edu.pupils"]["county"].to_pylist()
    assert counties == ["529901", "529901", "529902", "529902"]


def test_of_a_comparison_with_others_it_says_no_more_than_please_verify(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    city = town.city()
    result = intake.run(city)
    (digest,) = {r["sha256"] for r in result.conservation.to_pylist() if r["dataset"] == "pupils"}
    place = ("edu", "pupils", "2025-09-10", "a.csv", "", "出生日期", "birth", "compared")
    found = Fault("value", *place, "2010-03-03", (4,), (3,), 1, 5, "丙", digest)
    (made,) = make(city, result, actor=current_actor(), dataset="edu.pupils", faults=[found])
    rows = openpyxl.load_workbook(made.path)[ITEMS].iter_rows(min_row=HEAD + 2, values_only=True)
    (line,) = [row for row in rows if row[7] == "2010-03-03"]
    assert line[5] == "请核对\nplease verify"
    number = int(line[0])
    assert registered(city).items[number].state == "sent"  # intake alone says nothing about it
    answered = fill(made.path.read_bytes(), lambda line: ("属实", "", "查过") if line["text"] == "2010-03-03" else None)
    assert hand_in(city, answered).accepted == [number]
    closed = make(city, intake.run(city), actor=current_actor(), dataset="edu.pupils", faults=[found])
    assert f"{number:05d}" not in "".join(parts(closed[0].path.read_bytes()).values())


def test_every_reason_and_decision_is_said_in_both_languages() -> None:
    from commonground.intake.report import REASONS

    for reason in {*REASONS, *TODO}:
        for scope in ("value", "column", "row", "file"):
            for said in (what(reason), todo(reason, scope)):
                assert any("\u4e00" <= c <= "\u9fff" for c in said.zh), reason
                assert re.search("[a-z]{3}", said.en), reason
    for key, said in DECISIONS.items():
        assert decision(choice(key)) == decision(said.zh) == decision(said.en.upper()) == key
    assert decision("  ") == ""
    assert decision("也许") is None
    assert len(", ".join(choice(key) for key in DECISIONS)) < 255  # what the list of a cell may hold
