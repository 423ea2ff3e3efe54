"""A return sheet made to do harm, texts that no cell holds, two people at once, and being ended in the middle."""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing
import zipfile
from pathlib import Path

import pytest

from commonground import intake
from commonground.errors import DeliveryError, StorageError
from commonground.governance import Ledger, current_actor
from commonground.governance.events import Kind
from commonground.governance.vault import Vault
from commonground.intake.returns import answers, layer, register
from commonground.intake.returns.answers import Sent, read_answers
from commonground.intake.returns.content import LONGEST, make_content
from commonground.intake.returns.model import Fault, Item
from commonground.intake.returns.settle import close
from commonground.intake.returns.workbook import draw
from commonground.jobs.returns import take_return
from intake_kit import Town
from returns_kit import BAD_ID, GOOD_ID, PUPILS, fill, hand_in, registered, sheets, two_departments

DAY = dt.date(2026, 11, 22)
TEXTS = (
    "a\x01b", "a\x00b", "a\ufffe", "a\uffff", "_x0001_", "_x000D_", "a\rb", "a\r\nb",
    "\n", "\t=1", " lead", "trail ", "x" * 40_000, "张" * 40_000, "'quoted", "𠮷", "#N/A", "1e400", "\x7f",
)  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return two_departments(tmp_path)


@pytest.mark.parametrize("text", TEXTS, ids=[repr(text[:12]) for text in TEXTS])
def test_no_text_makes_a_sheet_that_cannot_come_back(tmp_path: Path, text: str) -> None:
    town = Town(tmp_path)
    town.contract(*PUPILS)
    city = town.city()
    contract = intake.load_contracts(city)["edu.pupils"]
    fault = Fault(
        "group", "edu", "pupils", "2025-09-10", "a.csv", "", "姓名", "name", "pattern", text, (2, 3), (1, 2), 2
    )
    page = make_content(city, contract, "2025-09-10", [Item(1, fault, since="2026-01-01")], DAY, DAY)
    assert all(len(cell) < LONGEST + 40 for line in page.lines for cell in line.cells)
    sent = Sent(page.identity, "edu", "pupils", "2025-09-10", str(DAY), page.lines, page.places, {1: fault})
    answers.keep(Vault(city), sent)
    filled = fill(draw(page), lambda line: ("", "新", ""), {("00001", "3"): "别"})
    for returned, expected in ((draw(page), []), (filled, [(0, "新"), (3, "别")])):
        given = read_answers(returned, "x", Vault(city))[1]
        assert [(a.row, a.text) for a in given] == expected


def swapped(sheet: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """A workbook with something else in one part."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet)) as was, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for info in was.infolist():
            held = was.read(info)
            book.writestr(info.filename, held.replace(old, new) if info.filename.endswith(part) else held)
    return buffer.getvalue()


def test_a_workbook_made_to_end_the_process_is_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    city = town.city()
    (made,) = sheets(city)
    good = made.path.read_bytes()
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    bad = {
        "far": swapped(good, "sheet3.xml", b"</sheetData>", far),
        "cut": good[: len(good) // 2],
        "garbage": b"PK\x03\x04" + b"x" * 500,
        "nothing": b"",
        "broken": swapped(good, "sheet3.xml", b"<sheetData>", b"<sheetData><row r='zzz'><c r='A0'>"),
    }
    for name, content in bad.items():
        with pytest.raises(DeliveryError) as told:
            hand_in(city, content)
        assert told.value.why is not None, name
    monkeypatch.setattr(answers, "LARGEST", 10_000)
    with pytest.raises(DeliveryError):
        hand_in(city, good)
    assert not layer.load(Vault(city))


def test_one_among_the_deliveries_is_listed_as_refused_and_nothing_else_suffers(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    town.deliver(swapped(made.path.read_bytes(), "sheet3.xml", b"</sheetData>", far), "back.xlsx", "2025-09-10-更正")
    status = {r["file"]: r["status"] for r in intake.run(city).conservation.to_pylist()}
    assert status["back.xlsx"] == "return refused"
    assert status["a.csv"] == "read"


def test_a_file_that_is_none_is_told_in_words(town: Town, tmp_path: Path) -> None:
    for path in (tmp_path / "no.xlsx", tmp_path):
        with pytest.raises(DeliveryError) as told:
            take_return(town.city(), path)
        assert told.value.where == str(path)


def answer_one(folder: Path, content: bytes, number: int, value: str) -> None:
    city = Town.__new__(Town)
    city.folder = folder
    given = {f"{number:05d}": ("", value, "")}
    hand_in(city.city(), fill(content, lambda line: given.get(line["number"])))


def test_sheets_taken_at_the_same_time_all_count(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    content = made.path.read_bytes()
    asked = {(i.fault.column, i.fault.text): i.number for i in registered(city).unsettled if i.fault.scope == "value"}
    given = {asked["身份证号", BAD_ID]: GOOD_ID, asked["出生日期", "2010-02-30"]: "2010-02-28"}
    context = multiprocessing.get_context("spawn")
    several = [context.Process(target=answer_one, args=(town.folder, content, n, v)) for n, v in given.items()]
    for one in several:
        one.start()
    for one in several:
        one.join(60)
    assert [one.exitcode for one in several] == [0, 0]
    assert {c.item for held in layer.load(Vault(city)).values() for c in held} == set(given)
    book = registered(city)
    assert all(book.items[number].state == "closed" for number in given)


def test_being_ended_in_the_middle_loses_neither_answer_nor_entry(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    city = town.city()
    with monkeypatch.context() as broken:
        broken.setattr("commonground.intake.returns.run.transfer.record", _die)
        with pytest.raises(KeyboardInterrupt):
            sheets(city)
    (made,) = sheets(city)
    assert made.new
    with Ledger(city) as ledger:
        assert [e.detail["sheet"] for e in ledger.entries(Kind.RETURN_SHEET)] == [made.identity]
    filled = fill(made.path.read_bytes(), lambda line: ("", GOOD_ID, "") if line["text"] == BAD_ID else None)
    with monkeypatch.context() as broken:
        broken.setattr("commonground.intake.returns.take.register.save", _die)
        with pytest.raises(KeyboardInterrupt):
            hand_in(city, filled)
    assert hand_in(city, filled).counts()["corrected"] == 1
    assert hand_in(city, filled).before
    with Ledger(city) as ledger:
        (entry,) = ledger.entries(Kind.RETURN_TAKEN)
        assert ledger.verify().ok
    assert entry.detail["corrected"] == 1


def _die(*args: object, **named: object) -> None:
    raise KeyboardInterrupt


def test_closing_by_hand_takes_no_path_and_counts_once(town: Town) -> None:
    city = town.city()
    sheets(city)
    for name in ("../../city", "../register/edu.pupils", "edu.pupil", ""):
        with pytest.raises(DeliveryError) as told:
            close(city, name, [1], "x", current_actor())
        assert told.value.where == name
    assert [item.number for item in close(city, "edu.pupils", [1, 1], "电话", current_actor())] == [1]
    with Ledger(city) as ledger:
        assert [e.detail["items"] for e in ledger.entries(Kind.RETURN_CLOSED)] == [["1"]]


def test_a_number_with_a_wrong_check_digit_is_no_correction(town: Town) -> None:
    city = town.city()
    (made,) = sheets(city)
    wrong = GOOD_ID[:-1] + "6"
    done = hand_in(city, fill(made.path.read_bytes(), lambda line: ("", wrong, "") if line["text"] == BAD_ID else None))
    assert list(done.refused.values()) == ["id_check_digit"]
    assert not layer.load(Vault(city))
    assert register.load(Vault(city), "edu.pupils").items[next(iter(done.refused))].state == "sent"


def test_records_that_a_later_run_swept_away_are_told_in_words(town: Town) -> None:
    early = intake.run(town.city())
    town.deliver("姓名,性别,身份证号,出生日期,身高\n甲,男,,2010-01-01,140\n")
    intake.run(town.city())
    with pytest.raises(StorageError) as told:
        early.tables["edu.pupils"]
    assert told.value.todo is not None
    assert "Run this again" in told.value.todo.en
    assert "edu.pupils" in told.value.what.zh
