"""Return sheets as an officer uses them: make, show, a clerk fills one in, take, close."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from commonground.cli import commonground
from commonground.errors import DeliveryError
from returns_kit import BAD_ID, GOOD_ID, SECRET, fill, two_departments


def run(*words: object, lang: str = "en") -> str:
    """Run a command in this process and give what it printed."""
    done = CliRunner().invoke(commonground, [*map(str, words), "--lang", lang], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_whole_loop_by_commands(tmp_path: Path) -> None:
    city = two_departments(tmp_path).folder
    made = json.loads(run("returns", "make", city, "--dataset", "edu.pupils", "--json"))["sheets"]
    assert [(s["delivery"], s["items"]) for s in made] == [("2025-09-10", 6)]
    filled = tmp_path / "back.xlsx"
    answers = {"9": ("", "女", ""), BAD_ID: ("", GOOD_ID, ""), "2010-02-30": ("", "2010-02-31", "")}
    filled.write_bytes(fill(Path(made[0]["path"]).read_bytes(), lambda line: answers.get(line["text"])))
    assert "不是日期" in run("returns", "take", city, filled, lang="zh")
    refused = json.loads(run("returns", "take", city, filled, "--json"))
    assert (refused["corrected"], refused["refused"], refused["before"]) == (2, 1, True)
    number = refused["refusals"][0]["number"]
    assert "1 items settled" in run("returns", "close", city, "edu.pupils", number, "--reason", "called", "--as-is")
    shown = run("returns", "show", city, "--items", lang="zh")
    assert "部门确认属实" in shown
    assert "行不完整" in shown
    told = json.loads(run("returns", "show", city, "--dataset", "edu.pupils", "--json"))
    (row,) = told["deliveries"]
    assert {state: row[state] for state in ("open", "sent", "closed", "accepted")} == {
        "open": 0, "sent": 3, "closed": 2, "accepted": 1
    }  # fmt: skip
    for text in (shown, json.dumps(told, ensure_ascii=False)):
        assert not any(word in text for word in (BAD_ID, GOOD_ID, SECRET, "甲"))


def test_wrong_words_are_said(tmp_path: Path) -> None:
    city = two_departments(tmp_path).folder
    with pytest.raises(DeliveryError) as wrong:
        run("returns", "make", city, "--dataset", "edu.pupil")
    assert "edu.pupils" in wrong.value.message("zh")
    with pytest.raises(DeliveryError) as nothing:
        run("returns", "take", city, tmp_path / "none.xlsx")
    assert "cannot be opened" in nothing.value.message("en")
    assert "Would read" in run("returns", "make", city, "--dry-run")
    assert not list(city.rglob("*.xlsx"))
