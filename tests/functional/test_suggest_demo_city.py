"""``suggest`` on the demo city's files, and the command as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cities import run_command
from commonground.intake.suggest.gather import gather, list_files
from commonground.intake.suggest.layouts import layouts
from suggest_files import NAMES, by_hand, compared, people, separated

pytestmark = pytest.mark.xdist_group("demo")


def test_layouts_are_those_written_by_hand(demo_city: Path) -> None:
    deliveries = demo_city / "deliveries"
    files: list[Path] = []
    for folder in sorted({path.parent for path in list_files([deliveries])}):
        files += sorted(folder.iterdir())[:2]
    seen, wrong = 0, []
    for group in gather(files, deliveries=deliveries):
        for written in layouts(group.found, group.aside):
            for found in written.found:
                both = compared(written, by_hand(found, group, demo_city / "sources"))
                both.pop("short_rows")  # by hand "fill" for the note of one cell, which its own rule takes anyhow
                for name, (ours, theirs) in both.items():
                    seen += 1
                    if ours != theirs:
                        wrong.append((found.place.file, name, ours, theirs))
    assert seen > 80
    assert not wrong


def test_the_command_prints_a_contract_and_says_the_rest_beside_it(tmp_path: Path) -> None:
    import tomllib

    path = tmp_path / "学籍.csv"
    path.write_text(separated([NAMES, *people()]), encoding="gb18030")
    ran = run_command("suggest", path, lang="en")
    assert ran.code == 0, ran.err
    contract = tomllib.loads(ran.out)
    assert contract["layout"][0]["encoding"] == "gb18030"
    assert "concept" in ran.err
    assert "姓名" in ran.err
    ran = run_command("suggest", path, "--json", lang="zh")
    (one,) = json.loads(ran.out)["datasets"]
    assert tomllib.loads(one["contract"]) == contract
    assert one["profile"]["hidden_under"] == 5


def test_bad_files_end_with_the_exit_code_of_deliveries(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_text("<html><table><tr><td>1</td></tr></table></html>", encoding="utf-8")
    ran = run_command("suggest", path, lang="zh")
    assert ran.code == 12
    assert "网页" in ran.err
    assert "Traceback" not in ran.err
    ran = run_command("suggest", tmp_path / "nothing.csv", lang="en")
    assert ran.code == 12
    assert "not there" in ran.err


def test_a_dry_run_writes_nothing(tmp_path: Path, demo_city: Path) -> None:
    path = tmp_path / "学籍.csv"
    path.write_text(separated([NAMES, *people()]), encoding="utf-8")
    before = sorted(demo_city.glob("sources/*/*")) + sorted(demo_city.glob("vault/profiles/*"))
    words = ("suggest", path, "--into", demo_city, "--department", "new", "--dataset", "pupils", "--dry-run")
    ran = run_command(*words, lang="en")
    assert ran.code == 0, ran.err
    assert "Nothing was written" in ran.err
    assert sorted(demo_city.glob("sources/*/*")) + sorted(demo_city.glob("vault/profiles/*")) == before
