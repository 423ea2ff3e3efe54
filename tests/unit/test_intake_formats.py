"""Each format that departments deliver: read whole and right, and refused in words where it is bad."""

from __future__ import annotations

import io
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import formats_kit as kit
from commonground.errors import CommonGroundError, ContractError, DeliveryError, EngineError
from commonground.intake import IntakeResult, run
from commonground.intake.model import Layout, Limits
from commonground.intake.readers import read
from commonground.intake.readers.decode import BEYOND, utf8_excess
from intake_kit import HEAD, Town, column

NAME, CLASS, HEIGHT = column("姓名", "name"), column("班级", "class"), column("身高", "height")


def layout(kind: str, *lines: str, files: str = "*") -> str:
    return "\n".join(["\n[[layout]]", f'format = "{kind}"', f'files = "{files}"', *lines, ""])


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def rows(result: IntakeResult, *names: str) -> list[tuple[Any, ...]]:
    table = result.tables["edu.pupils"]
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def sums(result: IntakeResult, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(result.conservation[name].to_pylist() for name in names), strict=True))


def set_aside(result: IntakeResult) -> list[tuple[int, str, str]]:
    return list(
        zip(*(result.quarantine[name].to_pylist() for name in ("physical_row", "column", "reason")), strict=True)
    )


def refused(town: Town, *words: str, kind: type[CommonGroundError] = DeliveryError) -> CommonGroundError:
    with pytest.raises(kind) as caught:
        run(town.city())
    said = caught.value.message("zh") + caught.value.message("en")
    for word in words:
        assert word in said, f"{word} not in\n{said}"
    assert caught.value.todo is not None
    return caught.value


# Separated text: comma, tab, bar; with a byte-order mark or without


@pytest.mark.parametrize(("separator", "written"), [(",", ","), ("\t", "\\t"), ("|", "|"), (";", ";")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_separated_text(town: Town, separator: str, written: str, encoding: str) -> None:
    text = f"姓名{separator}班级\r\n王小明{separator}1\r\n李红{separator}2\r\n"
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    town.contract(NAME, CLASS, layout=layout("csv", f'encoding = "{declared}"', f'separator = "{written}"'))
    town.deliver(text.encode(encoding))
    result = run(town.city())
    assert rows(result, "name", "class") == [("王小明", "1"), ("李红", "2")]
    assert sums(result, "rows", "records", "non_data") == [(3, 2, 1)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf16_in_either_order_with_and_without_its_mark(town: Town, encoding: str, mark: str) -> None:
    town.contract(NAME, CLASS, layout=layout("csv", f'encoding = "{encoding}"'))
    town.deliver((mark + "姓名,班级\n王小明,1\n𠮷野,2\n").encode(encoding))
    assert rows(run(town.city()), "name") == [("王小明",), ("𠮷野",)]


def test_gbk_is_not_gb18030(town: Town) -> None:
    """Characters of four bytes are GB18030 alone: declared as GBK the file is refused and told what would fit."""
    text = "姓名,班级\n𬱖明,1\n㐀红,2\n"
    town.deliver(text.encode("gb18030"))
    town.contract(NAME, CLASS, layout=layout("csv", 'encoding = "gbk"'))
    refused(town, "gbk", "gb18030", "a.csv")
    town.contract(NAME, CLASS, layout=layout("csv", 'encoding = "gb18030"'))
    assert rows(run(town.city()), "name") == [("𬱖明",), ("㐀红",)]


EDITIONS = {"A8BC": "ḿ", "A6D9": "︐", "FE51": "𠂇", "FE59": "龴", "FEA0": "龻", "FE91": "𤇾"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "fixed", "dbf", "mysqldump"])
def test_characters_that_gb18030_once_kept_private_are_those_of_today(town: Town, kind: str) -> None:
    """As GB 18030-2022 maps them; AAA1 is somebody's own drawing and stays in the private use area."""
    given = b"".join(map(bytes.fromhex, EDITIONS)) + bytes.fromhex("AAA1")
    wanted = "".join(EDITIONS.values()) + "\ue000"
    dbf = struct.pack("<BBBBIHH20x", 3, 125, 9, 1, 1, 65, 21) + struct.pack("<11sc4xBB14x", b"XM", b"C", 20, 0) + b"\r"
    contents = {
        "csv": b"XM,BJ\n" + given + b",1\n",
        "jsonl": b'{"XM": "' + given + b'"}\n',
        "json": b'[{"XM": "' + given + b'"}]',
        "fixed": given.ljust(20) + b"\n",
        "dbf": dbf + b" " + given.ljust(20) + b"\x1a",
        "mysqldump": b"SET NAMES gb18030;\nINSERT INTO t (XM) VALUES ('" + given + b"');\n",
    }
    lines = ['encoding = "gb18030"'] if kind != "mysqldump" else []
    lines += ["widths = [20]", 'columns = ["XM"]'] if kind == "fixed" else []
    town.contract(column("XM", "name"), column("BJ", "class", "optional = true"), layout=layout(kind, *lines))
    town.deliver(contents[kind], "a")
    assert rows(run(town.city()), "name") == [(wanted,)]


def test_a_wrong_encoding_names_the_row(town: Town) -> None:
    town.contract(NAME, CLASS, layout=layout("csv", 'encoding = "utf-8"'))
    town.deliver("姓名,班级\n".encode() + "王小明,1\n".encode() * 5 + "李红,2\n".encode("gb18030") * 2)
    refused(town, "a.csv", "row 7", "第 7 行")


def test_a_line_end_at_the_end_of_a_cell_is_white_space(town: Town) -> None:
    town.contract(NAME, CLASS, layout=layout("csv", 'encoding = "utf-8"', "multiline = true"))
    town.deliver('姓名,班级\n"甲\n",1\n乙,2\n')
    assert rows(run(town.city()), "name") == [("甲",), ("乙",)]


# Fixed widths and layout files

PUPILS = [("王小明", "1", "151.5"), ("欧阳 娜娜", "12", "98"), ("𠮷野", "3", "")]
WIDTHS = (12, 4, 6)


def fixed(encoding: str, widths: tuple[int, ...] = WIDTHS, end: str = "\r\n") -> bytes:
    out = b""
    for row in PUPILS:
        out += b"".join(cell.encode(encoding).ljust(w) for cell, w in zip(row, widths, strict=True)) + end.encode()
    return out


def fixed_layout(*lines: str, encoding: str = "gb18030") -> str:
    return layout("fixed", f'encoding = "{encoding}"', *lines)


COLUMNS = 'columns = ["姓名", "班级", "身高"]'
EXPECTED = [("王小明", "1", 151.5), ("欧阳 娜娜", "12", 98.0), ("𠮷野", "3", None)]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_fixed_widths_count_bytes(town: Town, encoding: str) -> None:
    widths = (14, 4, 6)
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout(f"widths = {list(widths)}", COLUMNS, encoding=encoding))
    town.deliver(fixed(encoding, widths), "a.txt")
    result = run(town.city())
    assert rows(result, "name", "class", "height") == EXPECTED
    assert sums(result, "rows", "records", "quarantined") == [(3, 3, 0)]


def test_fixed_widths_may_count_characters(town: Town) -> None:
    text = "".join(f"{a:<6}{b:<4}{c:<6}\n" for a, b, c in PUPILS)
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout("widths = [6, 4, 6]", 'width_unit = "characters"', COLUMNS))
    town.deliver(text.encode("gb18030"), "a.txt")
    assert rows(run(town.city()), "name", "class", "height") == EXPECTED


def test_fixed_rows_that_do_not_fit_are_set_aside_one_by_one(town: Town) -> None:
    good = "王小明      1   151.5 ".encode("gb18030")
    halved = "欧阳娜娜娜娜".encode("gb18030")[:11] + b" 2   98    "[:11]
    lines = [good, good[:9], good + b"  ", good + b"xyz", halved, b"\xff\xfe" + good[2:], b"", good[:15]]
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout("widths = [12, 4, 6]", COLUMNS))
    town.deliver(b"\n".join(lines), "a.txt")
    result = run(town.city())
    assert [name for (name,) in rows(result, "name")] == ["王小明", "王小明", "欧阳娜娜娜"]
    assert set_aside(result) == [
        (2, "", "too_few_cells"),
        (4, "", "too_many_cells"),
        (6, "", "not_decodable"),
        (8, "", "cut_off"),
    ]
    assert sums(result, "rows", "records", "quarantined", "blank") == [(8, 3, 4, 1)]


def test_fixed_in_another_encoding_is_refused(town: Town) -> None:
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout("widths = [14, 4, 6]", COLUMNS))
    town.deliver(fixed("utf-8", (14, 4, 6)), "a.txt")
    refused(town, "utf-8", "a.txt")
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout("widths = [12, 4, 6]", COLUMNS, encoding="utf-8"))
    town.deliver(fixed("gb18030") * 20, "a.txt")
    refused(town, "gb18030", "a.txt")


@pytest.mark.parametrize(
    "told",
    [
        "字段说明\n序号,字段名,起始位置,长度\n1,姓名,1,12\n2,班级,13,4\n3,身高,17,6\n",
        "姓名 1 12\n班级 13 4\n身高 17 6\n",
        "姓名\t1-12\n班级\t13-16\n身高\t17-22\n",
        "01  姓名  12\n02  班级  4\n03  身高  6  (厘米)\n",
        "序号|中文名称|起始|结束\n1|姓名|1|12\n2|班级|13|16\n3|身高|17|22\n",
        "1 姓名 1 12\n2 班级 13 16\n3 身高 17 22\n",
    ],
)
def test_a_delivered_layout_file_tells_the_widths(town: Town, told: str) -> None:
    town.contract(NAME, CLASS, HEIGHT, layout=fixed_layout('layout_file = "字段说明.txt"'))
    town.deliver(fixed("gb18030"), "a.txt")
    town.deliver(told.encode("gb18030"), "字段说明.txt")
    result = run(town.city())
    assert rows(result, "name", "class", "height") == EXPECTED
    assert sums(result, "file", "status") == [("a.txt", "read"), ("字段说明.txt", "ignored")]


def test_a_layout_file_names_the_columns_of_barred_text_and_its_change_is_noticed(town: Town) -> None:
    town.contract(
        NAME, CLASS, layout=layout("csv", 'encoding = "gb18030"', 'separator = "|"', 'layout_file = "说明.txt"')
    )
    town.deliver("王小明|1\n李红|2\n".encode("gb18030"), "a.txt")
    town.deliver("字段说明 (无表头,以 | 分隔)\n01  姓名\n02  班级  (1 至 20)\n".encode("gb18030"), "说明.txt")
    assert rows(run(town.city()), "name", "class") == [("王小明", "1"), ("李红", "2")]
    town.deliver("01  班级\n02  姓名\n".encode("gb18030"), "说明.txt")
    assert rows(run(town.city()), "name", "class") == [("1", "王小明"), ("2", "李红")]
    (town.deliveries / "edu" / "pupils" / "2025-09-10" / "说明.txt").unlink()
    refused(town, "说明.txt")
    town.deliver("没有列\n".encode("gb18030"), "说明.txt")
    refused(town, "说明.txt", "columns")


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (("widths = [1]", COLUMNS), "widths"),
        ((COLUMNS,), "layout_file"),
        (("widths = [1, 0, 2]", COLUMNS), "widths"),
        (("widths = [1, 2, 3]", COLUMNS, 'width_unit = "bits"'), "bytes"),
        (("widths = [1, 2, 3]", COLUMNS, 'fill_down = ["班级"]'), "xlsx"),
    ],
)
def test_fixed_layouts_written_wrongly(town: Town, lines: tuple[str, ...], word: str) -> None:
    town.contract(NAME, layout=fixed_layout(*lines))
    refused(town, word, kind=ContractError)


LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
FIXED_ROW = st.lists(st.text(LETTERS, max_size=5), min_size=3, max_size=3)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(FIXED_ROW, min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    unit=st.sampled_from(["bytes", "characters"]),
    block=st.integers(1, 60),
)
def test_fixed_widths_give_back_what_was_cut_to_them(
    tmp_path: Path, table: list[list[str]], encoding: str, unit: str, block: int
) -> None:
    def size(cell: str) -> int:
        return len(cell.encode(encoding)) if unit == "bytes" else len(cell)

    widths = tuple(max(1, *(size(row[i]) for row in table)) for i in range(3))
    text = "".join(
        "".join(cell + " " * (width - size(cell)) for cell, width in zip(row, widths, strict=True)) + "\r\n"
        for row in table
    )
    path = tmp_path / "a.dat"
    path.write_bytes(text.encode(encoding))
    layout = Layout(
        "fixed", encoding=encoding, widths=widths, width_unit=unit, header_row=(0,), columns=("甲", "乙", "丙")
    )
    assume(encoding == "utf-8" or utf8_excess(path.read_bytes()) < BEYOND)  # else refused, as it should be
    parts = list(read(path, layout, Limits(block=block, line=1 << 16)))
    got = [list(row) for part in parts for row in zip(*(c.to_pylist() for c in part.columns), strict=True)]
    assert got == table
    assert sum(part.total for part in parts) == len(table)
    assert [int(n) for part in parts for n in (part.places if part.places is not None else ())] == list(
        range(1, len(table) + 1)
    )


# Workbooks

SHEET: list[list[str | float]] = [
    ["姓名", "班级", "身高"],
    ["王小明", "1", 151.5],
    ["𠮷野", "2", "#REF!"],
    ["#N/A", "3", 98],
]


def xlsx(table: list[list[str | float]], merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row in table:
        book.active.append(row)
    for place in merged:
        book.active.merge_cells(place)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls", "ods"])
def test_every_workbook_and_its_formula_errors(town: Town, kind: str) -> None:
    write = {"xlsb": kit.xlsb, "xls": kit.xls, "ods": kit.ods}
    content = write[kind]({"学籍": SHEET}) if kind in write else xlsx(SHEET)
    town.contract(NAME, CLASS, HEIGHT, layout=layout(kind))
    town.deliver(content, f"a.{kind}")
    result = run(town.city())
    assert rows(result, "name", "class", "height") == [("王小明", "1", 151.5), ("𠮷野", "2", None), (None, "3", 98.0)]
    assert sorted(set_aside(result)) == [(3, "身高", "formula_error"), (4, "姓名", "formula_error")]
    assert sums(result, "rows", "records", "values_quarantined") == [(4, 3, 2)]


def test_an_error_may_be_declared_to_mean_no_value(town: Town) -> None:
    town.contract(column("姓名", "name", 'missing = { "#N/A" = "blank" }'), CLASS, HEIGHT, layout=layout("xlsx"))
    town.deliver(xlsx(SHEET), "a.xlsx")
    assert [reason for _, name, reason in set_aside(run(town.city())) if name == "姓名"] == []


def test_merged_data_cells_are_filled_down(town: Town) -> None:
    table: list[list[str | float]] = [
        ["学校", "姓名", "班级", "身高"],
        ["东区小学", "甲", "1", 120],
        ["", "乙", "1", 121],
        ["", "丙", "2", 122],
        ["西县小学", "丁", "1", 123],
        ["", "戊", "1", 124],
        ["", "合计", "", 5],
        ["注：以上为在校生", "", "", ""],
        ["", "己", "1", 125],
    ]
    school = column("学校", "school_name")
    town.contract(school, NAME, CLASS, HEIGHT, layout=layout("xlsx", 'fill_down = ["学 校"]'))
    town.deliver(xlsx(table, ("A2:A4", "A5:A6")), "a.xlsx")
    result = run(town.city())
    assert rows(result, "school_name", "name") == [
        ("东区小学", "甲"),
        ("东区小学", "乙"),
        ("东区小学", "丙"),
        ("西县小学", "丁"),
        ("西县小学", "戊"),
        (None, "己"),  # a note stands between: nobody knows whether the merged cell went on
    ]
    town.contract(school, NAME, CLASS, HEIGHT, layout=layout("xlsx", 'fill_down = ["校名"]'))
    refused(town, "校名", "fill_down", kind=ContractError)


def test_what_comes_under_a_workbooks_name(town: Town) -> None:
    town.contract(NAME, layout=layout("xls"))
    town.deliver("<html><table><tr><td>姓名</td></tr></table></html>".encode("gb18030"), "a.xls")
    refused(town, "HTML", "a.xls", ".xlsx")
    locked = kit._compound("EncryptedPackage", bytes(5000))
    town.deliver(locked, "a.xls")
    refused(town, "a.xls", "密码")
    town.deliver(kit.xls({"学籍": SHEET})[:3000], "a.xls")
    refused(town, "a.xls")


def test_a_workbook_that_is_a_bomb_is_not_unpacked(town: Town) -> None:
    town.contract(NAME, layout=layout("xlsx"))
    town.deliver(kit.packed({"xl/workbook.xml": b"0" * (110 * 1024**2)}), "a.xlsx")
    refused(town, "a.xlsx", "300", "bomb")


# Statistical files, dBase, Parquet, JSON


def test_sas_and_its_transport_format(town: Town, tmp_path: Path) -> None:
    kit.sas7bdat(tmp_path / "a.sas7bdat", {"XM": ["王小明", "𠮷野", "丙"], "SG": [151.5, None, 98]})
    columns = (column("XM", "name"), column("SG", "height"))
    town.contract(*columns, layout=layout("sas7bdat", files="*.sas7bdat") + layout("xpt", files="*.xpt"))
    town.deliver((tmp_path / "a.sas7bdat").read_bytes(), "a.sas7bdat")
    frame = pd.DataFrame({"XM": ["甲", "乙"], "SG": [100.0, None]})
    pyreadstat.write_xport(frame, str(tmp_path / "b.xpt"), table_name="X", file_format_version=8)
    town.deliver((tmp_path / "b.xpt").read_bytes(), "b.xpt")
    result = run(town.city())
    assert rows(result, "name", "height") == [
        ("王小明", 151.5),
        ("𠮷野", None),
        ("丙", 98.0),
        ("甲", 100.0),
        ("乙", None),
    ]
    assert sums(result, "rows", "records") == [(3, 3), (2, 2)]
    whole = (tmp_path / "a.sas7bdat").read_bytes()
    town.deliver(whole[: len(whole) // 2], "a.sas7bdat")
    refused(town, "a.sas7bdat", "sas7bdat")


def test_stata_with_titles_and_labels(town: Town, tmp_path: Path) -> None:
    frame = pd.DataFrame({"xm": ["甲", "乙"], "xb": [1.0, 2.0]})
    pyreadstat.write_dta(
        frame, str(tmp_path / "a.dta"), column_labels=["姓名", "性别"], variable_value_labels={"xb": {1: "男", 2: "女"}}
    )
    town.contract(column("xm", "name"), column("xb", "sex"), layout=layout("dta"))
    town.deliver((tmp_path / "a.dta").read_bytes(), "a.dta")
    assert rows(run(town.city()), "name", "sex") == [("甲", "1"), ("乙", "2")]


def test_foxpro_fields_of_bytes(town: Town) -> None:
    fields = [("XM", "C", 6), ("SG", "B", 8), ("BH", "I", 4), ("RQ", "D", 8)]
    head = struct.pack("<BBBBIHH20x", 0x30, 125, 9, 1, 2, 32 + 32 * len(fields) + 1, 1 + 26)
    for name, kind, width in fields:
        head += struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), width, 0)
    record = b" " + "甲".encode("gbk").ljust(6) + struct.pack("<di", 151.5, -7) + b"20140315"
    other = b" " + "乙".encode("gbk").ljust(6) + struct.pack("<di", 0, 12) + b" " * 8
    town.contract(
        column("XM", "name"),
        column("SG", "height", "range = [0, 250]"),
        column("BH", "class"),
        column("RQ", "birth"),
        layout=layout("dbf", 'encoding = "gbk"'),
    )
    town.deliver(head + b"\r" + record + other + b"\x1a", "a.dbf")
    found = [(n, h, c, str(b)) for n, h, c, b in rows(run(town.city()), "name", "height", "class", "birth")]
    assert found == [("甲", 151.5, "-7", "2014-03-15"), ("乙", 0.0, "12", "None")]


def test_parquet_of_every_plain_type_and_none_nested(town: Town) -> None:
    import datetime as dt
    from decimal import Decimal

    table = pa.table(
        {
            "姓名": pa.array(["甲", None], pa.string()).dictionary_encode(),
            "班级": pa.array([3, 4], pa.int8()),
            "身高": pa.array([Decimal("151.50"), None], pa.decimal128(6, 2)),
            "体重": pa.array([40.5, 41], pa.float32()),
            "生日": pa.array([dt.datetime(2014, 3, 15), None], pa.timestamp("us")),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    columns = (NAME, CLASS, HEIGHT, column("体重", "weight"), column("生日", "birth"))
    town.contract(*columns, layout=layout("parquet"))
    town.deliver(out.getvalue(), "a.parquet")
    first, second = rows(run(town.city()), "name", "class", "height", "weight", "birth")
    assert (*first[:4], str(first[4])) == ("甲", "3", 151.5, 40.5, "2014-03-15")
    assert second == (None, "4", None, 41.0, None)
    out = io.BytesIO()
    pq.write_table(pa.table({"姓名": [["甲"]], "班级": [{"a": 1}]}), out)
    town.deliver(out.getvalue(), "a.parquet")
    refused(town, "姓名", "班级", "a.parquet", "Nested")


@pytest.mark.parametrize("wrapped", ["[{}]", '{{"code": 0, "data": [{}], "total": 2}}'])
def test_an_array_of_objects(town: Town, wrapped: str) -> None:
    town.contract(NAME, CLASS, layout=layout("json", 'encoding = "utf-8"'))
    objects = ",\n".join(
        json.dumps(o, ensure_ascii=False) for o in ({"姓名": "甲", "班级": 1}, {"班级": 2, "姓名": "乙"})
    )
    town.deliver(wrapped.format(objects), "a.json")
    result = run(town.city())
    assert rows(result, "name", "class") == [("甲", "1"), ("乙", "2")]
    assert sums(result, "rows", "records") == [(2, 2)]


def test_an_array_cut_off_keeps_what_is_whole(town: Town) -> None:
    town.contract(NAME, layout=layout("json", 'encoding = "utf-8"'))
    town.deliver('[{"姓名": "甲"}, 5, {"姓名": "乙"}, {"姓名": "丙', "a.json")
    result = run(town.city())
    assert rows(result, "name") == [("甲",), ("乙",)]
    assert [reason for *_, reason in set_aside(result)] == ["not_json", "not_json"]
    assert sums(result, "rows", "records", "quarantined") == [(4, 2, 2)]
    town.deliver('{"姓名": "甲"}', "a.json")
    refused(town, "a.json")


def test_lines_of_json_come_in_parts_with_the_same_columns(tmp_path: Path) -> None:
    lines = [json.dumps({"姓名": f"学生{i}"} | ({"班级": i} if i > 5 else {}), ensure_ascii=False) for i in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    parts = list(read(tmp_path / "a.jsonl", Layout("jsonl", encoding="utf-8"), Limits(block=200)))
    assert len(parts) > 5
    assert {part.names for part in parts} == {("姓名", "班级")}
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert [row for part in parts for row in part.rows] == [[f"学生{i}", str(i) if i > 5 else ""] for i in range(40)]
    assert [place for part in parts for place in part.physical] == list(range(1, 41))
    assert sum(part.total for part in parts) == 40


# Access, where mdbtools is installed


@pytest.fixture
def mdbtools() -> None:
    if shutil.which("mdb-export") is None:
        pytest.skip("mdbtools is not installed: Access databases are not read")


ACCESS = {"姓名": "text", "班级": "integer", "身高": "number", "生日": "moment"}


@pytest.mark.usefixtures("mdbtools")
def test_access_tables_are_sheets(town: Town) -> None:
    content = kit.mdb(
        {
            "学籍": (ACCESS, [["王小明", 1, 151.5, 41713], ['李,\n"红"', 2, "", 41000], ["𠮷", 3, 98, ""]]),
            "rz": ({"a": "text"}, [["x"]]),
        }
    )
    ignore = HEAD + 'ignore = [{ files = "*", sheets = "rz", reason = { zh = "日志", en = "a log" } }]\n'
    town.contract(NAME, CLASS, HEIGHT, column("生日", "birth"), head=ignore, layout=layout("access"))
    town.deliver(content, "a.mdb")
    result = run(town.city())
    assert [(n, c, h, str(b)) for n, c, h, b in rows(result, "name", "class", "height", "birth")] == [
        ("王小明", "1", 151.5, "2014-03-15"),
        ('李,\n"红"', "2", None, "2012-04-01"),
        ("??", "3", 98.0, "None"),  # mdbtools knows no letters beyond the first 65,536; linking takes ? for unknown
    ]
    assert sums(result, "sheet", "status", "rows", "records") == [("学籍", "read", 3, 3), ("rz", "ignored", 0, 0)]


@pytest.mark.usefixtures("mdbtools")
def test_access_that_is_cut_or_no_database(town: Town) -> None:
    town.contract(NAME, CLASS, layout=layout("access"))
    town.deliver(kit.mdb({"学籍": (ACCESS, [["王小明", 1, 151.5, 41713]])})[:9000], "a.mdb")
    refused(town, "a.mdb")
    town.deliver(b"\0\1\0\0Standard Jet DB\0" + bytes(3000), "a.mdb")
    refused(town, "a.mdb", "access")


def test_access_without_mdbtools_says_what_to_install(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    town.contract(NAME, layout=layout("access"))
    town.deliver(b"\0\1\0\0Standard Jet DB\0", "a.mdb")
    refused(town, "apt-get install mdbtools", kind=EngineError)
