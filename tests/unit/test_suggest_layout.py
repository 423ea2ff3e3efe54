"""How a file is to be read, found on files that are as bad as real ones."""

from __future__ import annotations

import itertools
import random
import zipfile
from pathlib import Path

import openpyxl
import pytest

from commonground.errors import DeliveryError
from commonground.intake.suggest import dialect, encoding, places, sample
from commonground.intake.suggest.codebook import read as read_codebook
from suggest_files import NAMES, only, people, profiled, separated, workbook

TABLE = [NAMES, *people()]


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("separator", [",", "\t", "|", ";"])
def test_encoding_and_separator(tmp_path: Path, codec: str, found: str, separator: str) -> None:
    path = tmp_path / "学籍.txt"
    path.write_bytes(separated(TABLE, separator).encode(codec))
    sheet = only(path).profile
    assert (sheet.layout["encoding"], sheet.layout["separator"]) == (found, separator)
    assert sheet.layout["header_row"] == 1
    assert [column.name for column in sheet.columns] == NAMES
    assert sheet.rows == 60
    assert min(sheet.confidence.values()) > 0.8
    assert not sheet.doubts


def test_big5_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    rows = [["序號", "姓名", "性別", "地址"]]
    rows += [[str(i), "陳國華", "男女"[i % 2], f"民權東路{i}號中山區"] for i in range(40)]
    path = tmp_path / "a.csv"
    path.write_bytes(separated(rows).encode("big5"))
    assert only(path).profile.layout["encoding"] == "big5"


def test_supplementary_characters_and_private_use_are_seen(tmp_path: Path) -> None:
    rows = [[*row] for row in TABLE]
    rows[5][1], rows[6][1] = "王𠮷", "李\ue1a0"
    path = tmp_path / "a.csv"
    path.write_bytes(separated(rows).encode("gb18030"))
    sheet = only(path).profile
    assert sheet.layout["encoding"] == "gb18030"
    assert any("private-use" in said.en for said in sheet.doubts)


@pytest.mark.parametrize("content", ["姓名,性别\n王,男\n", "名,值\n联通,1\n"])
def test_short_files_are_said_to_be_ambiguous(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode("gb18030"))
    sheet = only(path).profile
    assert sheet.confidence["encoding"] < 0.8
    assert any("ambiguous" in said.en for said in sheet.doubts)


def test_a_wrong_byte_is_told_with_its_line() -> None:
    content = separated(TABLE).encode("gb18030")
    at = content.index("二班".encode("gb18030"))
    found = encoding.detect(content[:at] + b"\xff" + content[at + 1 :])
    line = content[:at].count(b"\n") + 1
    assert found.confidence < 0.8
    assert f"line {line}" in found.doubts[0].en


def test_ascii_alone_is_said_so() -> None:
    found = encoding.detect(b"id,name\n1,John\n")
    assert found.name == "utf-8"
    assert "ASCII alone" in found.why.en


def test_line_ends_inside_quotations_against_one_stray_mark() -> None:
    head = ["编号,名称,备注"]
    quoted = dialect.detect(head + [line for i in range(40) for line in (f'{i},张三,"一', '二, 三"')])
    assert (quoted.multiline, quoted.separator, quoted.fields) == (True, ",", 3)
    stray = dialect.detect(head + [f"{i},张三,好" for i in range(40)] + ['41,"李四,坏'])
    assert (stray.multiline, stray.quote, stray.fields) == (False, '"', 3)
    inches = dialect.detect(["编号|规格"] + [f'{i}|"{i}' for i in range(40)])
    assert (inches.quote, inches.fields) == ("", 2)


def test_decimal_commas_do_not_split() -> None:
    found = dialect.detect(["姓名;身高;体重"] + [f"张{i};1{i % 10},5;3{i % 9},2" for i in range(40)])
    assert (found.separator, found.fields) == (";", 3)


def test_title_rows_merged_header_units_notes_and_totals(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "体检.xlsx",
        体检=[
            ["云台区2024—2025学年学生体检汇总表"],
            ["填报单位：云台区教育局", "", "", "统计时点：2024年9月1日"],
            ["序号", "姓名", "性别", "体检", "", "监护人", ""],
            ["", "", "", "身高", "体重", "姓名", "电话"],
            ["", "", "", "（cm）", "(kg)", "", ""],
            *([int(r[0]), r[1], r[2], int(r[5]), int(r[5]) / 3, r[1], r[7]] for r in people()),
            ["合计", "", "", 7000, 2000, "", ""],
            ["制表人：王某", "", "", "审核人：李某"],
            ["注：数据由各校上报"],
        ],
        填表说明=[["本表由学校填写"], ["身高单位为厘米"]],
        Sheet3=[],
    )
    groups = profiled(path)
    assert {(one.sheet, one.why) for one in groups[0].aside} == {("填表说明", "notes"), ("Sheet3", "blank")}
    one = groups[0].found[0]
    assert one.profile.layout["header_row"] == [3, 4, 5]
    assert [c.name for c in one.profile.columns] == [
        "序号", "姓名", "性别", "体检/身高/(cm)", "体检/体重/(kg)", "监护人/姓名", "监护人/电话",
    ]  # fmt: skip
    assert one.profile.rows == 60
    rules = {(rule["column"], rule["matches"], rule["reason"]) for rule in one.profile.layout["non_data"]}
    assert rules == {
        ("序号", "合计", "total"),
        ("*", "制表人[:：].*", "note"),
        ("*", "注[:：].*", "note"),
    }
    assert places.school_year(one.titles) == (2024, "2024—2025学年")
    assert places.as_of(one.titles)[0].isoformat() == "2024-09-01"


def test_subtotals_inside_and_the_header_once_more(tmp_path: Path) -> None:
    rows: list[list[object]] = [["街道", "学校", "人数"]]
    for k in range(4):
        rows += [[f"第{k}街道", f"第{k}{i}小学", 100 + i] for i in range(6)]
        rows += [[f"第{k}街道小计", "", 615]]
    rows.insert(15, ["街道", "学校", "人数"])
    sheet = only(workbook(tmp_path / "a.xlsx", 表=[*rows, ["总  计", "", 2460], ["共 24 所学校"]])).profile
    assert sheet.rows == 24
    reasons = [rule["reason"] for rule in sheet.layout["non_data"]]
    assert sorted(reasons) == ["header", "total"] or sorted(reasons) == ["header", "note", "total"]


def test_merged_cells_among_the_data(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["学校", "姓名", "性别", "年级", "备注"])
    for i in range(24):
        sheet.append(
            ["文昌小学" if i == 0 else "观音小学" if i == 12 else None, f"张{i}", "男", 3, None if i else "好"]
        )
    sheet.merge_cells("A2:A13")
    sheet.merge_cells("A14:A25")
    book.save(tmp_path / "a.xlsx")
    profile = only(tmp_path / "a.xlsx").profile
    assert profile.layout["fill_down"] == ["学校"]
    assert dict(profile.columns[0].values) == {"文昌小学": 12, "观音小学": 12}
    sheet.merge_cells("E2:E5")
    book.save(tmp_path / "a.xlsx")
    again = only(tmp_path / "a.xlsx").profile
    assert again.layout["fill_down"] == ["学校"]
    assert any("“备注” has merged cells" in said.en for said in again.doubts)


def test_a_sheet_that_describes_the_others(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        数据=[["XM", "XB", "SG"], *([f"张{i}", 1 + i % 2, 120 + i] for i in range(30))],
        字段说明=[["字段名", "含义", "代码"], ["XM", "姓名", ""], ["XB", "性别", "1男 2女"], ["SG", "身高", ""]],
    )
    found = only(path)
    assert [column.label for column in found.profile.columns] == ["姓名", "性别", "身高"]
    assert found.profile.columns[1].value_labels == {"1": "男", "2": "女"}


def test_a_letter_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(separated(TABLE), encoding="utf-8")
    (tmp_path / "通知.txt").write_text("各区县：\n现将数据报送如下。\n联系人：教研室。\n谢谢！\n", encoding="utf-8")
    (group,) = profiled(tmp_path)
    assert [(one.place.file, one.why) for one in group.aside] == [("通知.txt", "notes")]
    one = tmp_path / "list.csv"
    one.write_text(separated([["身份证号"], *([row[4]] for row in people())]), encoding="utf-8")
    assert only(one).profile.rows == 60


def test_headings_of_parts_are_left_to_a_person(tmp_path: Path) -> None:
    rows: list[list[object]] = [["学号", "姓名", "性别", "身高"]]
    for k in range(3):
        rows += [[f"一年级{k}班"]]
        rows += [[f"{k}{i:03d}", f"张{i}", "男", 120 + i] for i in range(15)]
    sheet = only(workbook(tmp_path / "a.xlsx", 表=rows)).profile
    assert "non_data" not in sheet.layout
    assert any("3 rows inside" in said.en for said in sheet.doubts)


def test_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(separated(people()), encoding="utf-8")
    sheet = only(path).profile
    assert sheet.layout["header_row"] == 0
    assert sheet.layout["columns"] == [f"第{i}列" for i in range(1, 9)]
    assert sheet.rows == 60
    assert any("No header" in said.en for said in sheet.doubts)


def test_a_layout_file_names_the_columns(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(separated(people(), "|"), encoding="gb18030")
    lines = [f"{i:02d}  {name}" for i, name in enumerate(NAMES, 1)]
    lines[2] += "  (1男 2女)"
    (tmp_path / "字段说明.txt").write_text("字段说明 (无表头)\n" + "\n".join(lines), encoding="gb18030")
    sheet = only(tmp_path / "a.txt").profile
    assert sheet.layout["columns"] == NAMES
    assert sheet.columns[2].value_labels == {"1": "男", "2": "女"}
    groups = profiled(tmp_path)
    assert [one.why for one in groups[0].aside] == ["codebook"]


def test_fixed_widths_in_bytes_by_a_layout_file_and_by_gaps(tmp_path: Path) -> None:
    widths = (6, 12, 2, 8, 18)
    lines = [
        b"".join(cell.encode("gb18030").ljust(width) for cell, width in zip(row[:5], widths, strict=True))
        for row in people()
    ]
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.dat").write_bytes(b"\r\n".join(lines))
    book = "字段名,含义,起始位,长度\nXH,序号,1,6\nXM,姓名,7,12\nXB,性别,19,2\nCSRQ,出生日期,21,8\nSFZH,身份证号,29,18\n"
    (tmp_path / "with" / "字段说明.csv").write_text(book, encoding="utf-8")
    sheet = only(tmp_path / "with" / "data.dat").profile
    assert (sheet.layout["format"], sheet.layout["widths"]) == ("fixed", list(widths))
    assert [column.label for column in sheet.columns] == ["序号", "姓名", "性别", "出生日期", "身份证号"]
    assert sheet.columns[1].sample[0] == people()[0][1]
    guessed = only(tmp_path / "without" / "data.dat").profile
    assert guessed.layout["widths"] == [6, 12, 2, 26]
    assert guessed.confidence["widths"] < 0.8
    assert any("columns that touch" in said.en for said in guessed.doubts)


def test_codebooks_as_tables_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "字段说明.txt"
    path.write_text("XM：姓名\nXB：性别 1男 2女\n", encoding="utf-8")
    book = read_codebook(path)
    assert [(one.name, one.label) for one in book.entries] == [("XM", "姓名"), ("XB", "性别 1男 2女")]
    assert dict(book.entries[1].codes) == {"1": "男", "2": "女"}
    assert book.of("XB") is book.entries[1]


def test_empty_cells_left_out_at_the_end(tmp_path: Path) -> None:
    rows = [["姓名", "性别", "备注"]] + [r[1:3] + (["好"] if i % 5 == 0 else []) for i, r in enumerate(people())]
    path = tmp_path / "a.csv"
    path.write_text(separated(rows), encoding="utf-8")
    assert only(path).profile.layout["short_rows"] == "fill"
    few = [["姓名", "性别", "备注"]] + [[r[1], r[2], ""] for r in people()]
    few[9] = few[9][:2]
    path.write_text(separated(few), encoding="utf-8")
    sheet = only(path).profile
    assert "short_rows" not in sheet.layout
    assert any("1 rows are cut short" in said.en for said in sheet.doubts)


def test_archives_are_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("学籍.csv", separated(TABLE))
        archive.writestr("字段说明.txt", "01 序号\n02 姓名\n")
    groups = profiled(tmp_path / "a.zip")
    assert [one.place.file for one in groups[0].found] == ["a.zip/学籍.csv"]
    assert [one.why for one in groups[0].aside] == ["codebook"]


def bad_files() -> dict[str, tuple[str, bytes, str]]:
    draw = random.Random(3)
    book = b"PK\x03\x04" + draw.randbytes(500)
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    old = b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
    return {
        "empty": ("a.csv", b"", "0 bytes"),
        "garbage": ("a.csv", draw.randbytes(6000), "neither text nor"),
        "page": ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "web page"),
        "xml of 2003": ("a.xls", old, "XML workbook of 2003"),
        "password": ("a.xlsx", ole + "EncryptedPackage".encode("utf-16-le") + bytes(99), "password"),
        "word": ("a.doc", ole, "no workbook"),
        "cut off": ("a.xlsx", book, "not whole"),
        "pdf": ("a.xlsx", b"%PDF-1.7 ...", "PDF"),
        "cut parquet": ("a.parquet", b"PAR1" + bytes(99), "cannot be read as parquet"),
    }


@pytest.mark.parametrize("case", bad_files())
def test_bad_files_are_refused_with_what_to_do(tmp_path: Path, case: str) -> None:
    name, content, words = bad_files()[case]
    path = tmp_path / name
    path.write_bytes(content)
    (group,) = profiled(path)
    fault = group.aside[0].fault
    assert isinstance(fault, DeliveryError)
    assert words in fault.message("en")
    assert str(path) in fault.where
    assert fault.todo is not None


def test_large_files_are_drawn_from_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HEAD": 4000, "TAIL": 1000, "BLOCK": 700, "BLOCKS": 10, "COUNTED": 10**9}.items():
        monkeypatch.setattr(sample, name, value)
    lines = [separated([row]).encode("gb18030") for row in people(3000)]
    path = tmp_path / "a.csv"
    path.write_bytes(separated([NAMES]).encode("gb18030") + b"".join(lines))
    drawn = sample.draw(path, whole=10_000)
    assert not drawn.whole
    assert (drawn.lines, drawn.exact) == (3001, True)
    assert len(drawn.content) < 14_000
    every = set(lines)
    kept = drawn.content.splitlines(keepends=True)[1:]
    assert set(kept) <= every
    numbers = [int(line.split(b",")[0]) for line in kept]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 3000
    assert max(b - a for a, b in itertools.pairwise(numbers)) < 600
    monkeypatch.setattr(sample, "COUNTED", 100)
    guessed = sample.draw(path, whole=10_000)
    assert not guessed.exact
    assert abs(guessed.lines - 3001) < 60
    assert "drawn evenly" in guessed.said.en


def test_large_utf16_files_are_cut_at_whole_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HEAD": 4001, "TAIL": 1001, "BLOCK": 701, "BLOCKS": 9}.items():
        monkeypatch.setattr(sample, name, value)
    text = separated([NAMES, *people(2000)])
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("utf-16"))
    drawn = sample.draw(path, whole=5000)
    assert set(drawn.content.decode("utf-16").splitlines()) <= set(text.splitlines())
    assert drawn.lines == 2001


def test_one_endless_line_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "HEAD", 4000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 3_000_000)
    assert len(sample.draw(path, whole=10_000).content) < 2_000_000


@pytest.mark.parametrize(
    ("files", "glob"),
    [
        (["学籍_云台区.csv", "副本_学籍_锦溪区.csv"], "*学籍_*.csv"),
        (["低保台账2025.csv"], "低保台账*.csv"),
        (["2024年一年级成绩.xlsx", "2025年二年级成绩.xlsx"], "*年级成绩.xlsx"),
        (["a[1].csv"], "a[[]1].csv"),
        (["x.csv", "y.csv"], "*.csv"),
    ],
)
def test_globs(files: list[str], glob: str) -> None:
    import fnmatch

    assert places.glob_of(files) == glob
    assert all(fnmatch.fnmatchcase(file, glob) for file in files)


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        (["学籍_云台区.csv", "副本_学籍_锦溪区.csv"], {"county": ["云台区", "锦溪区"]}),
        (["2024年一年级成绩.xlsx", "2024年九年级成绩.xlsx"], {"grade": ["一", "九"]}),
        (["CZRK_529901.txt", "CZRK_529902.txt"], {"area": ["529901", "529902"]}),
        (["体检_文昌小学_2024.xls", "体检_观音小学_2024.xls"], {"school": ["文昌小学", "观音小学"]}),
        (["clinics.csv"], {}),
    ],
)
def test_what_file_names_say(files: list[str], groups: dict[str, list[str]]) -> None:
    import re

    pattern = places.file_pattern(files)
    found: dict[str, list[str]] = {}
    for file in files:
        hit = re.search(pattern, file)
        assert hit
        for name, text in hit.groupdict().items():
            found.setdefault(name, []).append(text)
    assert found == groups


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2024-2025学年度期末", 2024),
        ("2024年秋季学籍", 2024),
        ("2025年春季", 2024),
        ("2024/25学年", 2024),
        ("2024年", None),
    ],
)
def test_school_years(text: str, year: int | None) -> None:
    found = places.school_year([text])
    assert (found[0] if found else None) == year
