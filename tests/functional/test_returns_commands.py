"""Return sheets as an officer uses them: make, show, a clerk fills one in, take, close."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from cities import Ran
from returns_kit import BAD_ID, GOOD_ID, SECRET, fill, two_departments


def test_the_whole_loop_by_commands(tmp_path: Path, command: Callable[..., Ran]) -> None:
    city = two_departments(tmp_path).folder
    made = json.loads(command("returns", "make", city, "--dataset", "edu.pupils", "--json").out)["sheets"]
    assert [(s["delivery"], s["items"]) for s in made] == [("2025-09-10", 6)]
    filled = tmp_path / "back.xlsx"
    answers = {"9": ("", "女", ""), BAD_ID: ("", GOOD_ID, ""), "2010-02-30": ("", "2010-02-31", "")}
    filled.write_bytes(fill(Path(made[0]["path"]).read_bytes(), lambda line: answers.get(line["text"])))
    taken = command("returns", "take", city, filled, lang="zh")
    assert taken.code == 0, taken.err
    assert "不是日期" in taken.out
    refused = json.loads(command("returns", "take", city, filled, "--json").out)
    assert (refused["corrected"], refused["refused"], refused["before"]) == (2, 1, True)
    number = refused["refusals"][0]["number"]
    closed = command("returns", "close", city, "edu.pupils", number, "--reason", "called", "--as-is")
    assert "1 items settled" in closed.out
    shown = command("returns", "show", city, "--items", lang="zh")
    assert "部门确认属实" in shown.out
    assert "行不完整" in shown.out
    told = json.loads(command("returns", "show", city, "--dataset", "edu.pupils", "--json").out)
    (row,) = told["deliveries"]
    assert {state: row[state] for state in ("open", "sent", "closed", "accepted")} == {
        "open": 0, "sent": 3, "closed": 2, "accepted": 1
    }  # fmt: skip
    for text in (shown.out, json.dumps(told, ensure_ascii=False)):
        assert not any(word in text for word in (BAD_ID, GOOD_ID, SECRET, "甲"))


def test_wrong_words_are_said(tmp_path: Path, command: Callable[..., Ran]) -> None:
    city = two_departments(tmp_path).folder
    wrong = command("returns", "make", city, "--dataset", "edu.pupil", lang="zh")
    assert (wrong.code, "edu.pupils" in wrong.err) == (12, True)
    nothing = command("returns", "take", city, tmp_path / "none.xlsx")
    assert (nothing.code, "cannot be opened" in nothing.err) == (12, True)
    dry = command("returns", "make", city, "--dry-run")
    assert dry.code == 0
    assert not list(city.rglob("*.xlsx"))
