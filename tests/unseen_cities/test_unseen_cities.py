"""The unseen cities: the same each time, and their key names every column of every file."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from dbfread import DBF

from unseen_cities.make_unseen import make_unseen

ROOT = Path(__file__).parents[2]
CONCEPTS = ROOT / "src" / "commonground" / "packs" / "china" / "concepts.toml"
KINDS = CONCEPTS.with_name("kinds.toml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unseen")
    make_unseen(folder)
    return folder


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _sheet(path: Path, file: dict[str, str]) -> tuple[list[str], list[list[object]]]:
    """Read a sheet with a reader that knows nothing of how it was written: groups run on to the right."""
    sheet = openpyxl.load_workbook(path)[file["sheet"]]
    written = json.loads(file["header_row"])
    rows = written if isinstance(written, list) else [written]
    spread = {}
    for area in sheet.merged_cells.ranges:
        for row, column in ((r, c) for r in range(area.min_row, area.max_row + 1) for c in range(*_span(area))):
            spread[row, column] = sheet.cell(area.min_row, area.min_col).value
    names = []
    for column in range(1, sheet.max_column + 1):
        parts = [spread.get((row, column)) or sheet.cell(row, column).value for row in rows]
        names.append("/".join(dict.fromkeys(str(x) for x in parts if x)))
    body = sheet.iter_rows(min_row=rows[-1] + 1, max_row=rows[-1] + int(file["rows"]), values_only=True)
    return names, [list(row) for row in body]


def _span(area: object) -> tuple[int, int]:
    return area.min_col, area.max_col + 1  # type: ignore[attr-defined]


def _dump(text: str, dialect: str) -> tuple[list[str], list[list[object]]]:
    if dialect == "mysql":
        names = re.findall(r"^  `(\w+)` varchar", text, re.MULTILINE)
        values = re.findall(r"^\((.+)\)[,;]$", text, re.MULTILINE)
        return names, [next(csv.reader([x], quotechar="'")) for x in values]
    head, body = re.search(r"COPY \S+ \((.+?)\) FROM stdin;\n(.+?)\n\\\.", text, re.DOTALL).groups()
    return head.split(", "), [["" if x == "\\N" else x for x in line.split("\t")] for line in body.split("\n")]


def _table(path: Path, file: dict[str, str]) -> tuple[list[str], list[list[object]]]:
    if file["format"] == "xlsx":
        return _sheet(path, file)
    if file["format"] == "dbf":
        table = DBF(path, encoding="gb18030", load=True)
        return list(table.field_names), [list(x.values()) for x in table.records]
    text = path.read_bytes().decode(file["encoding"])
    if file["format"] == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        return list(rows[0]), [list(x.values()) for x in rows]
    if file["format"] == "csv":
        lines = list(csv.reader(text.splitlines(), delimiter=file["separator"]))[int(file["header_row"]) - 1 :]
        return lines[0], [list(x) for x in lines[1 : int(file["rows"]) + 1]]
    return _dump(text, file["format"])


def _tables(made: Path) -> Iterator[tuple[list[dict[str, str]], list[str], list[list[object]]]]:
    answers = defaultdict(list)
    for answer in _read(made / "columns.csv"):
        answers[answer["city"], answer["department"], answer["file"], answer["sheet"]].append(answer)
    for file in _read(made / "files.csv"):
        if file["format"] != "note":
            where = file["city"], file["department"], file["file"], file["sheet"]
            yield answers[where], *_table(made.joinpath(*where[:3]), file)


def test_it_writes_the_same_bytes_each_time(made: Path, tmp_path: Path) -> None:
    make_unseen(tmp_path)
    first = {x.relative_to(made): x.read_bytes() for x in made.rglob("*") if x.is_file()}
    again = {x.relative_to(tmp_path): x.read_bytes() for x in tmp_path.rglob("*") if x.is_file()}
    assert first == again
    assert len(first) > 40


def test_another_seed_gives_other_people(made: Path, tmp_path: Path) -> None:
    make_unseen(tmp_path, seed=7, cities=("city1",))
    file = Path("city1") / "教育局" / "2025年八年级期末质量监测.csv"
    assert (made / file).read_bytes() != (tmp_path / file).read_bytes()


def test_city_4_alone_is_the_same_as_among_all(made: Path, tmp_path: Path) -> None:
    make_unseen(tmp_path, cities=("city4",))
    alone = {x.relative_to(tmp_path): x.read_bytes() for x in tmp_path.glob("city4/*/*")}
    assert len(alone) == 11
    assert alone == {x.relative_to(made): x.read_bytes() for x in made.glob("city4/*/*")}


def test_city_4_has_its_share_of_columns_that_mean_nothing(made: Path) -> None:
    answers = [x for x in _read(made / "columns.csv") if x["city"] == "city4"]
    assert 110 <= len(answers) <= 150
    assert 0.2 <= sum(not x["concept"] for x in answers) / len(answers) <= 0.25


@pytest.mark.parametrize("script", ["score_suggest", "score_layouts"])
def test_the_misses_of_a_hold_out_are_refused(script: str) -> None:
    command = [sys.executable, ROOT / "scripts" / script, "city4", "--misses"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert "hold-out" in tried.stderr
    assert not tried.stdout


def test_every_column_of_every_file_stands_in_the_key(made: Path) -> None:
    listed = {made.joinpath(x["city"], x["department"], x["file"]) for x in _read(made / "files.csv")}
    assert listed == {x for x in made.glob("city*/*/*") if x.is_file()}
    count = 0
    for answers, names, rows in _tables(made):
        assert [x["column"] for x in answers] == names, answers[0]["file"]
        assert 25 <= len(rows) <= 300, answers[0]["file"]
        assert {len(row) for row in rows} == {len(names)}, answers[0]["file"]
        assert answers[0]["city"] != "city4" or 60 <= len(rows) <= 150, answers[0]["file"]
        count += len(names)
    assert count == len(_read(made / "columns.csv"))


def test_the_key_speaks_the_vocabulary(made: Path) -> None:
    concepts = tomllib.loads(CONCEPTS.read_text(encoding="utf-8"))
    kinds = tomllib.loads(KINDS.read_text(encoding="utf-8"))
    for answer in _read(made / "columns.csv"):
        assert {answer["concept"], *answer["also"].split()} <= {"", *concepts}, answer
        assert answer["kind"] in {"", *kinds}, answer


def test_codes_and_missing_texts_are_all_that_coded_columns_hold(made: Path) -> None:
    checked = 0
    for answers, _, rows in _tables(made):
        for i, answer in enumerate(answers):
            found = {str(row[i]) for row in rows if row[i] not in (None, "")}
            if answer["missing"]:
                assert found & set(json.loads(answer["missing"])), answer
                assert answer["city"] != "city4" or found >= set(json.loads(answer["missing"])), answer
            if answer["codes"]:
                assert found <= {*json.loads(answer["codes"]), *json.loads(answer["missing"] or "[]")}, answer
                checked += 1
    assert checked > 60


def test_nobody_in_it_can_be_real(made: Path) -> None:
    for answers, _, rows in _tables(made):
        for i, answer in enumerate(answers):
            cells = [str(row[i]).strip("'") for row in rows if row[i] not in (None, "")]
            texts = [x for x in cells if re.fullmatch(r"\d{17}[\dX]|\d{11}", x)]
            if answer["concept"].endswith(("id_no", "_id")):
                assert texts, answer
                assert all(re.match(r"5[23]99", x) for x in texts), answer
            if answer["concept"].endswith("phone"):
                assert texts, answer
                assert all(x.startswith("12") for x in texts), answer
