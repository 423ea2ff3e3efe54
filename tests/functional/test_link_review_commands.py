"""The commands of link review as an office runs them, in both languages; nothing about a person in what they print."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import openpyxl
import pytest

from cities import run_command
from commonground.city import City
from commonground.intake.returns.book import HEAD
from commonground.people.review import rounds
from commonground.people.review.sheet import LOCKED, PAIRS
from review_kit import children, small_town

pytestmark = pytest.mark.xdist_group("link_review_commands")
OPEN = ("--reviewers", "li.wei,wang", "--third", "zhao", "--purpose", "检验连接质量", "--by", "source")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands") / "whole"
    small_town(folder)
    return folder


@pytest.fixture
def city(town: Path, tmp_path: Path) -> Path:
    shutil.copytree(town, tmp_path / "copy")
    return tmp_path / "copy" / "city"


def test_a_round_from_opening_to_the_end(city: Path, tmp_path: Path) -> None:
    said = []

    def run(*words: object, lang: str = "zh", code: int = 0) -> str:
        done = run_command("people", *words, lang=lang)
        assert done.code == code, done.err
        said.append(done.out + done.err)
        return done.out

    plan = json.loads(run("review", "open", city, *OPEN, "--pairs", 20, "--dry-run", "--json"))
    assert (plan["dry_run"], plan["pairs"]) == (True, 20)
    assert rounds.load_all(City(city)) == []
    opened = json.loads(run("review", "open", city, *OPEN, "--pairs", 20, "--seed", 7, "--json"))
    name = opened["round"]
    assert opened["pairs"] == 20
    for lang, word in (("zh", "连接复核批次"), ("en", "Rounds of link review")):
        assert word in run("review", "list", city, lang=lang)
    assert "会为" in run("review", "sheet", city, name, "--reviewer", "wang", "--dry-run")
    for reviewer in ("li.wei", "wang"):
        sent = json.loads(run("review", "sheet", city, name, "--reviewer", reviewer, "--json"))
        book = openpyxl.load_workbook(sent["path"])
        for line in book[PAIRS].iter_rows(min_row=HEAD + 2):
            line[LOCKED].value = "看不出" if reviewer == "wang" and line[0].value == "1" else "同一人 one person"
        book.save(tmp_path / "back.xlsx")
        assert json.loads(run("review", "take", city, tmp_path / "back.xlsx", "--json"))["decided"] == 20
        assert "这份复核单已经收过" in _refused(city, tmp_path / "back.xlsx")
    told = json.loads(run("review", "estimate", city, name, "--json"))
    assert told["estimate"]["agreement"]["n"] == 20
    assert told["estimate"]["whole"]["undecided"] == 1
    for lang, word in (("zh", "查准率"), ("en", "precision")):
        assert word in run("review", "estimate", city, name, lang=lang)
    assert "没有可以采用的门槛" in run_command("people", "review", "estimate", city, name, "--adopt", lang="zh").err
    assert "裁定" in run("review", "settle", city, name, "--dry-run")
    settled = json.loads(run("review", "settle", city, name, "--json"))
    assert settled["same"] + settled["refused"] == 19
    assert settled["undecided"] == 1
    assert "已结束" in run("review", "close", city, name)
    assert run_command("people", "review", "close", city, name).code == 10
    assert run_command("people", "review", "estimate", city, "V20260101-00000000").code == 10
    everything = "\n".join(said)
    for child in children(120):
        assert child["id"] not in everything
        assert child["phone"] not in everything
        assert child["name"] not in everything


def _refused(city: Path, file: Path) -> str:
    done = run_command("people", "review", "take", city, file, lang="zh")
    assert done.code == 12
    assert "Traceback" not in done.err
    return done.err


def test_why_prints_the_waterfall_in_both_languages(city: Path) -> None:
    opened = json.loads(run_command("people", "review", "open", city, *OPEN, "--pairs", 5000, "--json").out)
    made = rounds.load(City(city), opened["round"])
    assert made is not None
    one = next(p for p in made.pairs if p.method == "weight" and p.chosen)
    left, right = (f"{p[0]}.{p[1]}/{p[2]}/{p[3]}#{p[5]}" for p in (one.left, one.right))
    for lang, head, end in (("zh", "权重（比特）", "已连接为同一人"), ("en", "weight (bits)", "Linked as one person")):
        done = run_command("people", "why", city, "--pair", left, right, lang=lang)
        assert done.code == 0, done.err
        assert head in done.out
        assert end in done.out
    told = json.loads(run_command("people", "why", city, "--pair", left, right, "--json").out)
    assert told["weight"] == pytest.approx(one.weight)
    assert told["steps"][-1]["sum"] == told["weight"]
    assert run_command("people", "why", city, "--pair", "x", "y").code == 10


def test_misuse_is_said(city: Path) -> None:
    one = run_command("people", "review", "open", city, "--reviewers", "li.wei", "--third", "zhao", "--purpose", "x")
    assert one.code == 2
    stranger = run_command(
        "people", "review", "open", city, "--reviewers", "li.wei,nobody", "--third", "zhao", "--purpose", "x", lang="zh"
    )
    assert stranger.code == 17
    assert "--role link_reviewer" in stranger.err
