"""Suggest on files as offices make them by hand: headers that explain their codes, layout files, strange tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonground.intake.suggest import Suggestion, suggest
from commonground.intake.suggest.codebook import read
from commonground.intake.suggest.model import sure
from suggest_files import separated


def proposed(folder: Path, **files: bytes) -> Suggestion:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    (one,) = suggest([folder], department="edu", dataset="pupils", lang="zh")
    return one


def registry(header: str) -> bytes:
    rows = [["学籍号", "姓名", "性别", header, "年级"]]
    rows += [
        [f"G52990120130101{i:04d}", f"王{'伟芳娜敏'[i % 4]}", "男女"[i % 2], "1112"[i % 4], "三年级"] for i in range(60)
    ]
    return separated(rows).encode()


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("户籍类型(1非农业2农业)", {"1": "non_rural", "2": "rural"}),
        ("户口性质:1.非农业;2.农业", {"1": "non_rural", "2": "rural"}),
        ("户籍类型(1农业2非农业)", {"1": "rural", "2": "non_rural"}),
    ],
)
def test_codes_that_the_header_explains_are_taken_before_any_usual_numbering(
    tmp_path: Path, header: str, codes: dict[str, str]
) -> None:
    one = proposed(tmp_path, a_csv=registry(header))
    (column,) = [c for c in one.draft.columns if c.proposal.concept == "hukou_nature"]
    assert column.proposal.rule["codes"] == codes
    assert not any("相反" in doubt.zh for doubt in one.draft.doubts)


def test_a_bare_header_leaves_the_numbering_in_doubt(tmp_path: Path) -> None:
    assert any("相反" in doubt.zh for doubt in proposed(tmp_path, a_csv=registry("户口性质")).draft.doubts)


def test_numbers_in_a_header_that_no_cell_holds_are_no_codes(tmp_path: Path) -> None:
    one = proposed(tmp_path, a_csv=registry("户籍类型(7农业8非农业)"))
    assert all(not c.value_labels for found in one.draft.found for c in found.profile.columns)


def test_a_unit_at_the_end_of_a_latin_header_is_read(tmp_path: Path) -> None:
    rows = [
        ["name", "date", "duration_min"],
        *([f"王{i}", f"2025-03-{i % 28 + 1:02d}", str(20 + i)] for i in range(40)),
    ]
    one = proposed(tmp_path, a_csv=separated(rows).encode())
    (column,) = [c for c in one.draft.columns if c.proposal.concept == "hours"]
    assert column.proposal.rule["unit"] == "minute"


def test_a_layout_file_in_columns_of_blanks_tells_names_starts_and_widths(tmp_path: Path) -> None:
    path = tmp_path / "结构说明.txt"
    path.write_bytes("序号  字段名  中文名称  起始位  长度\n1  HH  户号  1  8\n2  XM  姓名  9  20\n".encode("gb18030"))
    found = [(entry.name, entry.label, entry.start, entry.width) for entry in read(path).entries]
    assert found == [("HH", "户号", 1, 8), ("XM", "姓名", 9, 20)]


def test_a_strange_table_of_a_dump_is_asked_about(tmp_path: Path) -> None:
    pupils = "".join(f"INSERT INTO `xs` VALUES ('王{i}','男','G529901201301010{i:03d}');\n" for i in range(30))
    dump = (
        "CREATE TABLE `xs` (`xm` varchar(9), `xb` char(1), `xjh` char(19));\n" + pupils
        + "CREATE TABLE `sys_log` (`op` char(9), `at` char(9));\nINSERT INTO `sys_log` VALUES ('login','1');\n"
    )  # fmt: skip
    one = proposed(tmp_path, a_sql=dump.encode())
    (doubt,) = [d for d in one.draft.doubts if "sys_log" in d.zh]
    assert 'sheets = "sys_log"' in doubt.en


def test_nothing_is_said_to_be_certain(tmp_path: Path) -> None:
    one = proposed(tmp_path, a_csv=registry("户口性质"))
    assert sure(1.0) == "99%"
    assert "把握 100%" not in one.contract
    assert all(column["confidence"] <= 0.99 for column in one.profile["columns"])


def test_reasons_give_the_true_share_of_the_cells(tmp_path: Path) -> None:
    contract = proposed(tmp_path, a_csv=registry("户口性质")).contract
    (line,) = [x for x in contract.splitlines() if x.startswith("# 性别")]
    assert "内容有 100% 像该概念代码表内的值" in line


def test_yes_and_no_are_never_proposed_as_days(tmp_path: Path) -> None:
    rows = [["出生日期", "父亲外出时间"], *([f"2013-0{i % 9 + 1}-1{i % 9}", str(i % 2)] for i in range(60))]
    one = proposed(tmp_path, a_csv=separated(rows).encode())
    assert [column.sources for column in one.draft.undecided] == [["父亲外出时间"]]


def test_zeros_are_no_days_however_many_there_are(tmp_path: Path) -> None:
    rows = [["姓名", "出生日期"], *([f"王{i}", "00000000" if i % 2 else f"2013010{i % 9 + 1}"] for i in range(60))]
    one = proposed(tmp_path, a_csv=separated(rows).encode())
    (column,) = [c for c in one.draft.columns if c.proposal.concept == "birth"]
    assert column.proposal.rule["missing"] == {"00000000": "not_stated"}


def test_a_kind_that_rests_on_a_few_common_columns_is_in_doubt(tmp_path: Path) -> None:
    heads = ["车主姓名", "车主电话", "登记日期", "号牌号码", "车辆品牌", "车身颜色", "发动机号", "核定载客", "使用性质"]
    rows = [
        heads,
        *([f"王{i}", f"12{i:09d}", "2024-03-05", f"某A{i:05d}", "某牌", "白", f"E{i}", "5", "自用"] for i in range(40)),
    ]
    one = proposed(tmp_path, a_csv=separated(rows).encode())
    assert one.draft.proposal.kind is None or any("依据不足" in doubt.zh for doubt in one.draft.doubts)
    sure_of = proposed(tmp_path, a_csv=registry("户口性质"))
    assert not any("依据不足" in doubt.zh for doubt in sure_of.draft.doubts)
