"""The main job on the demo city, from its files to the site, as a user runs it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import commonground
from cities import Ran

pytestmark = pytest.mark.xdist_group("demo")


def version_folder(city: Path) -> Path:
    number = (city / "warehouse" / "current").read_text(encoding="ascii").strip()
    return city / "warehouse" / "versions" / number


def as_json(done: Ran) -> dict[str, Any]:
    assert done.code == 0, done.err
    loaded: dict[str, Any] = json.loads(done.out)
    return loaded


def test_every_row_of_every_sheet_is_accounted_for(demo_city: Path, command: Callable[..., Ran]) -> None:
    table = as_json(command("intake", demo_city, "--json"))["conservation"]
    assert len(table) > 30
    assert all(r["rows"] == r["records"] + r["quarantined"] + r["non_data"] for r in table)
    assert any(r["status"] == "repeated" for r in table)


def test_a_second_build_changes_nothing_and_a_forced_one_gives_the_same_bytes(
    demo_city: Path, command: Callable[..., Ran]
) -> None:
    first = json.loads((version_folder(demo_city) / "manifest.json").read_text(encoding="utf-8"))
    again = as_json(command("build", demo_city, "--json"))
    assert again["changed"] is False
    assert again["version"] == first["number"]
    forced = as_json(command("build", demo_city, "--force", "--json"))
    assert forced["version"] == first["number"] + 1
    second = json.loads((version_folder(demo_city) / "manifest.json").read_text(encoding="utf-8"))
    assert second["tables"] == first["tables"]
    assert second["inputs"] == first["inputs"]


def test_a_dry_run_writes_nothing(demo_city: Path, command: Callable[..., Ran]) -> None:
    before = sorted(p.name for p in (demo_city / "warehouse" / "versions").iterdir())
    plan = as_json(command("build", demo_city, "--dry-run", "--json"))
    assert len(plan["datasets"]) >= 9
    assert sorted(p.name for p in (demo_city / "warehouse" / "versions").iterdir()) == before


def test_links_are_exported_for_every_record_and_recorded(
    demo_city: Path, command: Callable[..., Ran], tmp_path: Path
) -> None:
    target = tmp_path / "links.parquet"
    report = as_json(command("link", demo_city, "--export", target, "--json"))
    assert {"by_source", "unlinked_by_county_type"} <= set(report)
    links = pq.read_table(target)
    assert links.column_names[:7] == ["department", "dataset", "delivery", "file", "sheet", "row_number", "person_id"]
    statuses = set(links["status"].to_pylist())
    assert {"linked", "repeated"} <= statuses <= {"linked", "unlinked", "quarantined", "repeated"}
    assert as_json(command("audit", demo_city, "--json"))["entries"] > 10


def test_an_altered_table_is_found_by_the_audit(demo_city: Path, command: Callable[..., Ran]) -> None:
    spoilt = version_folder(demo_city) / "enrolments.parquet"
    kept = spoilt.read_bytes()
    spoilt.write_bytes(kept[:-1] + b"\0")
    try:
        done = command("audit", demo_city)
    finally:
        spoilt.write_bytes(kept)
    assert done.code == 18
    assert "enrolments.parquet" in done.err
    assert as_json(command("audit", demo_city, "--json"))["tables"] > 10


def test_a_release_refuses_numbers_of_other_definitions(demo_city: Path, command: Callable[..., Ran]) -> None:
    pack = Path(commonground.__file__).parent / "packs" / "china" / "definitions"
    own = demo_city / "definitions"
    assert command("study", demo_city).code == 0  # of the version that stands now, whatever ran before
    shutil.copytree(pack / "inputs", own / "inputs")
    text = (pack / "child.group.toml").read_text(encoding="utf-8")
    assert "age < 18" in text
    (own / "child.group.toml").write_text(text.replace("age < 18", "age < 17"), encoding="utf-8")
    try:
        done = command("publish", demo_city)
    finally:
        shutil.rmtree(own)
    assert done.code == 15, done.err
    assert "have changed since" in done.err


def test_two_definitions_are_compared_on_the_same_children(demo_city: Path, command: Callable[..., Ran]) -> None:
    words = ("define", "compare", demo_city, "child.left_behind", "LBC_ACWF_2013", "LBC_SC_2016_13")
    told = as_json(command(*words, "--json"))
    assert told["definition"] == "child.left_behind"
    shown = command(*words)
    assert "LBC_SC_2016_13" in shown.out
    assert "同一批人" in command(*words, "--lang", "zh").out


def test_definitions_pass_their_own_tests(demo_city: Path, command: Callable[..., Ran]) -> None:
    told = as_json(command("define", "test", demo_city, "--json"))
    assert told["attempted"] > 50
    assert told["failed"] == 0


def test_nothing_about_a_person_is_in_results_or_releases(demo_city: Path) -> None:
    persons = set(pq.read_table(version_folder(demo_city) / "persons.parquet")["person_id"].to_pylist())
    assert persons
    looked_at = 0
    for folder in ("results", "releases"):
        for path in (demo_city / folder).rglob("*"):
            if path.suffix in {".json", ".csv", ".html", ".svg"}:
                text = path.read_text(encoding="utf-8")
                looked_at += 1
                found = set(re.findall(r"\b[0-9a-f]{24}\b", text)) & persons
                assert not found, path
                assert not re.search(r"(?<!\d)52992\d{13}[\dX]", text), path
    assert looked_at > 40


def test_names_are_nowhere_outside_the_vault(demo_city: Path) -> None:
    concepts = {"name", "id_no", "phone", "address", "g1_name", "student_no", "name_pinyin"}
    for path in version_folder(demo_city).rglob("*.parquet"):
        held = set(pq.read_schema(path).names)
        if path.stem in {"schools", "planning.villages"}:
            continue
        assert not held & concepts, path


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_release_has_every_page(demo_city: Path, lang: str) -> None:
    current = (demo_city / "releases" / "current").resolve()
    for page in ("overview", "gaps", "schools", "factors", "definitions", "quality"):
        text = (current / "public" / lang / f"{page}.html").read_text(encoding="utf-8")
        assert "<h1" in text
    assert (current / "public" / f"report.{lang}.html").is_file()
    assert (current / "official" / lang / "schools.html").is_file()
