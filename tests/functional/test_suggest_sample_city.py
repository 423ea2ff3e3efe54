"""``suggest`` on the sample city: the layouts are those that were written by hand, and what it proposes can be read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cities import ROOT, Ran, run_command
from commonground.intake import load_contract
from commonground.intake.suggest.gather import Group, gather, list_files
from commonground.intake.suggest.layouts import layouts
from suggest_files import by_hand, compared

pytestmark = pytest.mark.xdist_group("suggest")

SOURCES = ROOT / "examples" / "sample-city" / "sources"


@pytest.fixture(scope="module")
def groups(shared: Path) -> list[Group]:
    """Every dataset; of every delivery the first file."""
    deliveries = shared / "sample-city" / "deliveries"
    files: list[Path] = []
    for folder in sorted({path.parent for path in list_files([deliveries])}):
        files += sorted(folder.iterdir())[:1]
    return gather(files, deliveries=deliveries)


def test_layouts_are_those_written_by_hand(groups: list[Group]) -> None:
    same: list[bool] = []
    wrong = []
    for group in groups:
        for written in layouts(group.found, group.aside):
            for found in written.found:
                for name, (ours, theirs) in compared(written, by_hand(found, group, SOURCES)).items():
                    same.append(ours == theirs)
                    if ours != theirs:
                        wrong.append((found.place.file, found.profile.sheet, name, ours, theirs))
    assert len(same) > 150
    assert not wrong


def test_rows_of_data_are_those_of_the_truth(groups: list[Group], shared: Path) -> None:
    """Titles, headers, totals and notes set aside, what is left is what the truth counts."""
    counts = json.loads((shared / "sample-city" / "truth" / "counts.json").read_text(encoding="utf-8"))
    told = {
        (f["department"], f["dataset"], f["delivery"], f["file"], f["sheet"] or ""): f["data_rows"]
        for f in counts["files"]
    }
    seen = 0
    for found in (one for group in groups for one in group.found):
        place = found.place
        rows = told[place.department, place.dataset, place.delivery, place.file, found.profile.sheet]
        assert found.profile.rows == rows, place
        seen += 1
    assert seen > 35


def test_rules_are_as_general_as_those_by_hand(groups: list[Group]) -> None:
    """Rules by hand and proposed are asked about texts of next year's totals and notes, and about data."""
    texts = [
        ("学校名称", "合计"), ("学校名称", "小计"), ("学校名称", "云台区第一小学"),
        ("*", "注：缺考记空白"), ("*", "备注一"), ("*", "云台区"),
    ]  # fmt: skip
    seen = 0
    for group in groups:
        for written in layouts(group.found, group.aside):
            hand = by_hand(written.found[0], group, SOURCES)
            ours = [(r["column"], re.compile(r["matches"]), r["reason"]) for r in written.keys.get("non_data", [])]
            theirs = [(r.column, r.matches, r.reason) for r in hand.non_data]
            hits = [
                {(column, text, reason) for column, text in texts for at, pattern, reason in rules
                 if at in ("*", column) and pattern.fullmatch(text)}
                for rules in (ours, theirs)
            ]  # fmt: skip
            assert hits[0] == hits[1], (group.dataset, ours, theirs)
            seen += len(theirs)
    assert seen >= 4


@pytest.fixture(scope="module")
def suggested(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A city without contracts, and what the command makes of four of its datasets."""
    city = tmp_path_factory.mktemp("suggested") / "city"
    city.mkdir()
    deliveries = city / "deliveries"
    for name in ("civil_affairs/dibao", "education/school_census", "planning/villages", "education/exam_scores"):
        for path in sorted((shared / "sample-city" / "deliveries" / name).glob("*/*"))[:1]:
            target = deliveries / name / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)  # a link out of the deliveries is refused
    settings = (ROOT / "examples" / "sample-city" / "city.toml").read_text(encoding="utf-8")
    line = next(x for x in settings.splitlines() if x.startswith("deliveries"))
    (city / "city.toml").write_text(settings.replace(line, 'deliveries = "deliveries"'), encoding="utf-8")
    return city, run_command("suggest", deliveries, "--into", city, lang="zh")


def test_what_is_proposed_loads_and_intake_reads_with_it(suggested: tuple[Path, Ran]) -> None:
    city, ran = suggested
    assert ran.code == 0, ran.err
    contracts = sorted(city.glob("sources/*/*.toml"))
    assert len(contracts) == 4
    for path in contracts:
        assert load_contract(path).columns
    read = run_command("intake", city, "--json")
    assert read.code == 0, read.err
    rows = json.loads(read.out)["conservation"]
    assert sum(row["records"] for row in rows) > 1500
    assert all(row["rows"] == row["records"] + row["quarantined"] + row["non_data"] for row in rows)


def test_no_person_is_in_any_profile(suggested: tuple[Path, Ran]) -> None:
    city, _ = suggested
    people: set[str] = set()
    for group in gather(list_files([city / "deliveries"]), deliveries=city / "deliveries"):
        for column in (c for found in group.found for c in found.profile.columns):
            if column.name in ("姓名", "户主姓名"):
                people |= {text for text in column.sample if len(text) > 2}
            people |= {text for text in column.sample if re.fullmatch(r"\d{17}[\dX]|12\d{9}", text)}
    assert len(people) > 1000
    pages = sorted((city / "vault" / "profiles").iterdir())
    assert len(pages) == 8
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not [person for person in people if person in text], page.name
