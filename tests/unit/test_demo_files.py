"""The writers of the demo city, read back by the libraries that others would use."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from commonground.demo import files


def test_workbook_reads_back_the_same_in_two_libraries(tmp_path: Path) -> None:
    import openpyxl
    import python_calamine

    path = tmp_path / "b.xlsx"
    rows = [["标题", None, None], ["姓名", "数", "空"], ["李 & <四>", 39508, None], ["　王", 1.5, "x"]]
    files.write_xlsx(path, [("表一", rows, ["A1:C1"]), ("表二", [["只有一格"]], [])])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["表一", "表二"]
    assert [[c.value for c in row] for row in book["表一"].iter_rows()] == rows
    assert [str(r) for r in book["表一"].merged_cells.ranges] == ["A1:C1"]
    read = python_calamine.CalamineWorkbook.from_path(path)
    assert read.get_sheet_by_name("表一").to_python() == [["" if v is None else v for v in row] for row in rows]
    assert read.get_sheet_by_name("表二").to_python() == [["只有一格"]]


def test_workbook_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        files.write_xlsx(tmp_path / name, [("s", [["x", 1]], [])])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_columns_beyond_z_have_two_letters(tmp_path: Path) -> None:
    import openpyxl

    files.write_xlsx(tmp_path / "w.xlsx", [("s", [[f"c{i}" for i in range(60)]], [])])
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["s"]
    assert [c.value for c in next(sheet.iter_rows())] == [f"c{i}" for i in range(60)]
    assert sheet["AA1"].value == "c26"


def test_dbase_reads_back_and_cuts_whole_characters(tmp_path: Path) -> None:
    import dbfread

    columns = {"姓名": np.array(["王小明", "阿依古丽·艾力", "a•b"]), "号": np.array(["1", "", "3"])}
    files.write_dbf(tmp_path / "t.DBF", columns, {"姓名": 9, "号": 3})
    read = [list(r.values()) for r in dbfread.DBF(tmp_path / "t.DBF", encoding="gbk", ignore_missing_memofile=True)]
    assert read == [["王小明", "1"], ["阿依古丽", ""], ["a?b", "3"]]


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "utf-8-sig"])
def test_text_tables_round_trip(tmp_path: Path, encoding: str) -> None:
    rows = [["甲", "乙"], ["有,逗号", "1"]]
    files.write_csv(tmp_path / "t.csv", rows, encoding, before=["标题行"], after=[["注"]])
    text = (tmp_path / "t.csv").read_bytes().decode(encoding)
    assert list(csv.reader(io.StringIO(text))) == [["标题行"], *rows, ["注"]]


def test_json_lines(tmp_path: Path) -> None:
    files.write_jsonl(tmp_path / "t.jsonl", {"a": np.array(["甲", "乙"]), "n": np.array([1, 2])})
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "甲", "n": 1}, {"a": "乙", "n": 2}]


def test_shapes_of_dates() -> None:
    day = np.array(["2013-05-03", "NaT", "2008-12-31"], dtype="M8[D]")
    assert files.iso(day).tolist() == ["2013-05-03", "", "2008-12-31"]
    assert files.compact(day).tolist() == ["20130503", "", "20081231"]
    assert files.dotted(day, "/").tolist() == ["2013/5/3", "", "2008/12/31"]
    assert files.chinese(day).tolist() == ["2013年5月3日", "", "2008年12月31日"]
    assert files.month(day).tolist() == ["2013年5月", "", "2008年12月"]
    assert files.serial(np.array(["2008-03-01"], dtype="M8[D]")).tolist() == [39508]  # as spreadsheets count
