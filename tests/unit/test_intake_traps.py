"""What departments' files do: each trap in a small file of its own."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonground.errors import ConservationError, ContractError, DeliveryError
from commonground.intake import IntakeResult, run
from commonground.intake.file import Outcome
from commonground.intake.work import account
from intake_kit import HEAD, LAYOUT, Town, column

NAME = column("姓名", "name")


def layout(kind: str, *lines: str) -> str:
    return "\n".join(["\n[[layout]]", f'format = "{kind}"', *lines, ""])


def text_layout(*lines: str, encoding: str = "utf-8") -> str:
    return layout("csv", f'encoding = "{encoding}"', *lines)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def rows(result: IntakeResult, *names: str) -> list[tuple[Any, ...]]:
    table = result.tables["edu.pupils"]
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def sums(result: IntakeResult, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(result.conservation[name].to_pylist() for name in names), strict=True))


def set_aside(result: IntakeResult) -> list[tuple[int, int, str, str, str]]:
    columns = ("row_number", "physical_row", "column", "reason", "text")
    return list(zip(*(result.quarantine[name].to_pylist() for name in columns), strict=True))


def test_unescaped_quote_and_cut_row_cost_one_row_each(town: Town) -> None:
    town.contract(NAME, column("班级", "class"))
    town.deliver('姓名,班级\n甲,1\n"乙,2\n丙,3\n丁\n"戊",5\n')
    result = run(town.city())
    assert rows(result, "row_number", "name", "class") == [(1, "甲", "1"), (3, "丙", "3"), (5, "戊", "5")]
    assert set_aside(result) == [(2, 3, "", "quote", '"乙,2'), (4, 5, "", "too_few_cells", "丁")]
    assert sums(result, "rows", "records", "quarantined", "non_data") == [(6, 3, 2, 1)]


def test_short_rows_may_be_filled_when_the_contract_says_so(town: Town) -> None:
    town.contract(NAME, column("班级", "class"), layout=text_layout('short_rows = "fill"'))
    town.deliver("姓名,班级\n甲\n乙,2\n")
    assert rows(run(town.city()), "name", "class") == [("甲", None), ("乙", "2")]


def test_a_quoted_line_end_is_one_row_when_the_contract_says_so(town: Town) -> None:
    town.contract(NAME, column("班级", "class"), layout=text_layout("multiline = true"))
    town.deliver('姓名,班级\n"甲\n乙",1\n丙,2\n"丁,3\n戊,4\n')
    result = run(town.city())
    assert rows(result, "row_number", "name") == [(1, "甲\n乙"), (2, "丙"), (4, "戊")]
    assert sums(result, "rows", "records", "quarantined", "non_data") == [(5, 3, 1, 1)]


def test_control_characters_and_idle_separators_are_mended_and_counted(town: Town) -> None:
    town.contract(NAME, column("班级", "class"))
    town.deliver("姓名,班级\n甲\x0b乙,1\n\x00丙,2,,\n丁,3\n")
    result = run(town.city())
    assert rows(result, "name", "class") == [("甲乙", "1"), ("丙", "2"), ("丁", "3")]
    assert sums(result, "mended") == [(3,)]


def test_too_many_cells_set_a_row_aside(town: Town) -> None:
    town.contract(NAME)
    town.deliver("姓名\n甲\n乙,多\n")
    assert [reason for *_, reason, _ in set_aside(run(town.city()))] == ["too_many_cells"]


def test_totals_notes_and_blank_rows_take_no_row_number(town: Town) -> None:
    rules = 'non_data = [{ column = "姓名", matches = ".*计", reason = "total" }, { column = "*", matches = "注：.*" }]'
    town.contract(NAME, column("班级", "class"), layout=text_layout(rules))
    town.deliver("姓名,班级\n甲,1\n小计,1\n\n乙,2\n合计,2\n注：以上\n")
    result = run(town.city())
    assert rows(result, "row_number", "name") == [(1, "甲"), (2, "乙")]
    assert sums(result, "rows", "header", "blank", "note", "total", "non_data") == [(7, 1, 1, 1, 2, 5)]


def test_a_footnote_that_nobody_declared_is_no_record(town: Town) -> None:
    town.contract(NAME, *(column(f"c{i}", concept) for i, concept in enumerate(("class", "phone", "school_name"))))
    town.deliver("姓名,c0,c1,c2\n甲,1,2,3\n说明,,,\n")
    assert [(number, reason) for number, _, _, reason, _ in set_aside(run(town.city()))] == [(2, "one_cell")]


def test_a_total_that_nobody_declared_is_no_record(town: Town) -> None:
    town.contract(NAME, column("班级", "class"))
    town.deliver("姓名,班级\n甲,1\n合计,1\n")
    assert [(number, reason) for number, _, _, reason, _ in set_aside(run(town.city()))] == [(2, "undeclared_total")]


def test_where_may_name_a_column_by_any_of_its_names(town: Town) -> None:
    weight = column("体重", "weight", 'where = [{ when = { "旧编号" = "2*" }, unit = "jin" }]')
    town.contract(column("编号", "check_no").replace('"编号"', '["旧编号", "编号"]'), weight)
    town.deliver("编号,体重\n11,30\n21,60\n")
    assert rows(run(town.city()), "weight") == [(30.0,), (30.0,)]


def test_two_codings_of_one_thing(town: Town) -> None:
    town.contract(column("户口", "hukou_nature", 'codes = { "1" = "rural", "2" = "non_rural" }'), NAME)
    town.contract(
        column("户口", "hukou_nature", 'codes = { "1" = "non_rural", "2" = "rural" }'), NAME, name="police/register"
    )
    for name in ("edu/pupils", "police/register"):
        town.deliver("户口,姓名\n1,甲\n2,乙\n", name=name)
    result = run(town.city())
    assert result.tables["edu.pupils"]["hukou_nature"].to_pylist() == ["rural", "non_rural"]
    assert result.tables["police.register"]["hukou_nature"].to_pylist() == ["non_rural", "rural"]


def test_a_code_outside_its_list_is_named(town: Town) -> None:
    town.contract(column("性别", "sex"), NAME)
    town.deliver("性别,姓名\n1,甲\n女,乙\n7,丙\n,丁\n")
    result = run(town.city())
    assert rows(result, "sex") == [("1",), ("2",), (None,), (None,)]
    assert set_aside(result) == [(3, 4, "性别", "code_outside_list:7", "7")]


def test_most_codes_outside_the_list_blame_the_contract(town: Town) -> None:
    town.contract(column("性别", "sex"), NAME)
    town.deliver("性别,姓名\n" + "M,甲\n" * 30 + "1,乙\n" * 10)
    with pytest.raises(ContractError, match="30 of 40 values") as caught:
        run(town.city())
    assert "M" in caught.value.message("zh")


def test_ids_stored_as_numbers_are_never_identities(town: Town) -> None:
    book = openpyxl.Workbook()
    for row in (["姓名", "证件号"], ["甲", 110105194912310020], ["乙", "11010519491231002X"], ["丙", 110105491231002]):
        book.active.append(row)
    town.contract(NAME, column("证件号", "id_no"), layout=layout("xlsx"))
    town.deliver(_saved(book), "a.xlsx")
    result = run(town.city())
    assert rows(result, "id_no", "id_no_soft") == [
        (None, "110105194912310"),
        ("11010519491231002X", None),
        ("11010519491231002X", None),
    ]
    assert [reason for *_, reason, _ in set_aside(result)] == ["id_as_number"]


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_merged_headers_of_two_rows(town: Town) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "东区"
    for row in (["成绩册"], ["考生", None, "成绩", None], ["姓名", "性别", "上", "下"], ["甲", 1, 80, 90.5]):
        sheet.append(row)
    sheet.merge_cells("A2:B2")
    sheet.merge_cells("C2:D2")
    town.contract(
        column("考生/姓名", "name"),
        column("考生/性别", "sex"),
        column("成绩/上", "chinese"),
        column("成绩/下", "math"),
        column("@sheet", "county"),
        layout=layout("xlsx", "header_row = [2, 3]"),
    )
    town.deliver(_saved(book), "a.xlsx")
    result = run(town.city())
    assert rows(result, "name", "sex", "chinese", "math", "county") == [("甲", "1", 80.0, 90.5, "529901")]
    assert sums(result, "rows", "header") == [(4, 3)]


def test_a_sheet_without_layout_is_an_error_and_an_empty_one_is_not(town: Town) -> None:
    book = openpyxl.Workbook()
    book.active.title = "一班"
    book.active.append(["姓名"])
    book.active.append(["甲"])
    book.create_sheet("Sheet2")
    town.contract(NAME, layout=layout("xlsx", 'sheets = "*班"'))
    town.deliver(_saved(book), "a.xlsx")
    assert sums(run(town.city()), "sheet", "status") == [("一班", "read"), ("Sheet2", "empty")]
    book["Sheet2"].append(["内容"])
    town.deliver(_saved(book), "a.xlsx")
    with pytest.raises(DeliveryError, match="Sheet2"):
        run(town.city())


def test_marks_absent_out_of_range_and_on_other_scales(town: Town) -> None:
    town.contract(
        NAME,
        column("@grade", "grade", 'codes = { "五" = "5", "九" = "9" }'),
        column(
            "语文",
            "chinese",
            'unit = "mark/100"',
            'missing = { "" = "absent", "缺考" = "absent", "-1" = "absent", "0" = "absent" }',
            'where = [{ when = { "@grade" = "九" }, unit = "mark/150" }]',
        ),
        layout=text_layout("file_pattern = '(?P<grade>.)年级'"),
    )
    marks = "姓名,语文\n甲,75\n乙,缺考\n丙,-1\n丁,0\n戊,\n己,150.5\n"
    town.deliver(marks, "五年级.csv")
    town.deliver(marks, "九年级.csv")
    result = run(town.city())
    got = [(g, m, a) for g, m, a in rows(result, "grade", "chinese", "chinese_absent")]
    absent = [(None, True)] * 4
    assert [(m, a) for g, m, a in got if g == 5] == [(75.0, False), *absent, (None, False)]
    assert [(m, a) for g, m, a in got if g == 9] == [(50.0, False), *absent, (None, False)]
    assert [(reason, text) for *_, reason, text in set_aside(result)] == [("out_of_range", "150.5")] * 2


def test_units_of_one_county_differ(town: Town) -> None:
    rule = 'where = [{ when = { "编号" = "529902*" }, unit = "jin" }]'
    blood = 'where = [{ when = { "编号" = "529902*" }, unit = "g/dL" }]'
    town.contract(
        column("编号", "check_no"), column("体重", "weight", 'unit = "kg"', rule), column("血", "haemoglobin", blood)
    )
    town.deliver("编号,体重,血\n5299010001,30,121\n5299020001,60,12.1\n5299020002,1000,121\n")
    result = run(town.city())
    assert rows(result, "weight", "haemoglobin") == [(30.0, 121.0), (30.0, 121.0), (None, None)]
    assert [reason for *_, reason, _ in set_aside(result)] == ["out_of_range", "out_of_range"]


def test_areas_by_code_name_and_merger(town: Town) -> None:
    town.contract(NAME, column("区", "county"))
    town.deliver("姓名,区\n甲,529909\n乙,东区\n丙,529902001001\n丁,440300\n戊,某地\n己,试验市西县\n")
    result = run(town.city())
    assert rows(result, "county") == [("529902",), ("529901",), ("529902",), ("440300",), (None,), ("529902",)]
    assert [reason for *_, reason, _ in set_aside(result)] == ["not_an_area"]


def test_blood_pressure_in_one_cell(town: Town) -> None:
    town.contract(NAME, column("血压", "bp"))
    town.deliver("姓名,血压\n甲,122/65\n乙,１２２／６５\n丙,65/122\n丁,高\n戊,\n")
    result = run(town.city())
    assert rows(result, "sbp", "dbp") == [(122.0, 65.0), (122.0, 65.0), (None, None), (None, None), (None, None)]
    assert [reason for *_, reason, _ in set_aside(result)] == ["out_of_range", "not_a_pressure"]


def test_birth_later_than_the_delivery_is_set_aside_and_a_month_is_told(town: Town) -> None:
    town.contract(NAME, column("生日", "birth"))
    town.deliver("姓名,生日\n甲,2026-01-01\n乙,2015年3月\n丙,农历2017.7.19\n丁,20151301\n")
    result = run(town.city())
    births = [(str(b), p) for b, p in rows(result, "birth", "birth_precision")]
    assert births == [("None", None), ("2015-03-01", "month"), ("2017-09-09", "lunar"), ("None", None)]
    assert [reason for *_, reason, _ in set_aside(result)] == ["date_in_future", "not_a_date"]


def test_birth_from_year_and_month(town: Town) -> None:
    table = pa.table(
        {"Y": pa.array([2010, 2011, None]), "M": pa.array([5, None, 3]), "ID": ["11010519491231002X", None, ""]}
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    town.contract(
        column("Y", "birth_year"), column("M", "birth_month"), column("ID", "id_no"), layout=layout("parquet")
    )
    town.deliver(out.getvalue(), "a.parquet")
    births = [(str(b), p) for b, p in rows(run(town.city()), "birth", "birth_precision")]
    assert births == [("2010-05-01", "month"), ("2011-01-01", "year"), ("None", None)]


def test_a_delivery_sent_twice(town: Town) -> None:
    town.contract(NAME, head=HEAD + 'rows_per_person = "many"\n')
    town.deliver("姓名\n甲\n", "a.csv")
    town.deliver("姓名\n甲\n", "副本.csv")
    town.deliver("姓名\n甲\n", "a.csv", day="2025-10-10")
    result = run(town.city())
    assert rows(result, "record_id", "delivery", "status") == [
        (1, "2025-09-10", "record"),
        (2, "2025-09-10", "repeated"),
        (3, "2025-10-10", "repeated"),
    ]
    assert sums(result, "status") == [("read",), ("repeated",), ("repeated",)]


def test_a_register_delivered_again_unchanged_is_still_true(town: Town) -> None:
    town.contract(NAME)
    town.deliver("姓名\n甲\n", "a.csv")
    town.deliver("姓名\n甲\n", "副本.csv")
    town.deliver("姓名\n甲\n", "a.csv", day="2025-10-10")
    days = [(str(day), status) for day, status in rows(run(town.city()), "as_of", "status")]
    assert days == [("2025-09-10", "record"), ("2025-09-10", "repeated"), ("2025-10-10", "record")]
    again = '[[delivery]]\nmatch = "2025-1*"\nrepeats = "repeated"\n'
    town.contract(NAME, layout=again + LAYOUT)
    assert rows(run(town.city()), "status") == [("record",), ("repeated",), ("repeated",)]
    town.contract(NAME, layout='[[delivery]]\nas_of = 2025-09-01\nrepeats = "confirmed"\n' + LAYOUT)
    assert rows(run(town.city()), "status") == [("record",), ("repeated",), ("repeated",)]  # both tell of one day
    town.contract(NAME, layout='[[delivery]]\nrepeats = "confirm"\n' + LAYOUT)
    with pytest.raises(ContractError, match="confirmed"):
        run(town.city())


def test_a_sheet_that_the_contract_names_must_be_there(town: Town) -> None:
    book = openpyxl.Workbook()
    book.active.title = "一班"
    book.active.append(["姓名"])
    book.active.append(["甲"])
    town.deliver(_saved(book), "a.xlsx")
    town.contract(NAME, layout=layout("xlsx", 'sheets = "一班"') + layout("xlsx", 'sheets = "二班"'))
    with pytest.raises(DeliveryError, match="no sheet “二班”"):
        run(town.city())
    town.contract(NAME, layout=layout("xlsx", 'sheets = "一班"') + layout("xlsx", 'sheets = "二*"'))
    assert rows(run(town.city()), "name") == [("甲",)]


def test_an_empty_file_among_others_is_told_and_not_read(town: Town) -> None:
    town.contract(NAME)
    town.deliver("姓名\n甲\n", "a.csv")
    town.deliver("", "b.csv")
    town.deliver("任何\n", "c.csv", name="edu/other")
    result = run(town.city())
    assert sums(result, "file", "status", "rows") == [
        ("c.csv", "no contract", 0),
        ("a.csv", "read", 2),
        ("b.csv", "empty", 0),
    ]
    assert [one["status"] for one in result.summary()["set_aside"]] == ["no contract", "empty"]


def test_dbf_in_cp936_with_a_deleted_record_and_a_cut_end(town: Town) -> None:
    town.contract(column("XM", "name"), column("XB", "sex"), layout=layout("dbf", 'encoding = "cp936"'))
    town.deliver(_dbf([" 王小明1", "*李四  2", " 张三\x0b 2", " 赵六  1"])[:-4], "A.DBF")
    result = run(town.city())
    assert rows(result, "row_number", "name", "sex") == [(1, "王小明", "1"), (2, "张三", "2")]
    assert sums(result, "rows", "records", "quarantined", "note", "mended") == [(4, 2, 1, 1, 1)]
    assert set_aside(result)[0][:4] == (3, 4, "", "cut_off")


def _dbf(records: list[str]) -> bytes:
    fields = [("XM", 6), ("XB", 1)]
    size = 1 + sum(width for _, width in fields)
    out = struct.pack("<BBBBIHH20x", 3, 125, 9, 1, len(records), 32 + 32 * len(fields) + 1, size)
    for name, width in fields:
        out += struct.pack("<11sc4xBB14x", name.encode(), b"C", width, 0)
    out += b"\r"
    for record in records:
        text = record.encode("cp936")
        out += text[:-1].ljust(size - 1) + text[-1:]
    return out + b"\x1a"


def test_spss_labels_are_held_against_the_contract(town: Town, tmp_path: Path) -> None:
    import pandas as pd
    import pyreadstat

    file = tmp_path / "a.sav"
    frame = pd.DataFrame({"XM": ["甲", "乙"], "XB": [1.0, 2.0], "CSRQ": pd.to_datetime(["2014-03-15", "2015-01-02"])})
    pyreadstat.write_sav(frame, str(file), variable_value_labels={"XB": {1.0: "男", 2.0: "女"}})
    columns = [column("XM", "name"), column("CSRQ", "birth")]
    town.deliver(file.read_bytes(), "a.sav")
    town.contract(*columns, column("XB", "sex"), layout=layout("sav"))
    result = run(town.city())
    assert [(n, s, str(b)) for n, s, b in rows(result, "name", "sex", "birth")] == [
        ("甲", "1", "2014-03-15"),
        ("乙", "2", "2015-01-02"),
    ]
    town.contract(*columns, column("XB", "sex", 'codes = { "1" = "2", "2" = "1" }'), layout=layout("sav"))
    with pytest.raises(ContractError, match="labels 1"):
        run(town.city())


def test_json_lines_and_geojson(town: Town) -> None:
    lines = [json.dumps({"n": "甲", "k": 3}, ensure_ascii=False), '{"n": "乙", "k": 1', "", '{"n": "丙\x0b"}']
    town.contract(column("n", "name"), column("k", "sessions"), layout=layout("jsonl", 'encoding = "utf-8"'))
    town.deliver("\n".join(lines) + "\n", "a.jsonl")
    result = run(town.city())
    assert rows(result, "row_number", "name", "sessions") == [(1, "甲", 3), (3, "丙", None)]
    assert sums(result, "rows", "records", "quarantined", "blank") == [(4, 2, 1, 1)]
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1.5, 2]}, "properties": {"n": "校"}}
    town.contract(
        column("n", "site"),
        column("@x", "x_km"),
        column("@y", "y_km"),
        head=HEAD.replace("student_registry", "school_sites"),
        layout=layout("geojson", 'encoding = "utf-8"'),
        name="plan/sites",
    )
    town.deliver(json.dumps({"features": [point]}, ensure_ascii=False), "a.geojson", name="plan/sites")
    sites = run(town.city()).tables["plan.sites"]
    assert sites.select(["site", "x_km", "y_km"]).to_pylist() == [{"site": "校", "x_km": 1.5, "y_km": 2.0}]


def test_one_broken_key_among_many_objects_costs_one_row(town: Town) -> None:
    town.contract(
        column("n", "name"), column("k", "sessions", "optional = true"), layout=layout("jsonl", 'encoding = "utf-8"')
    )
    good = '{"n": "甲", "k": 1}\n' * 300
    town.deliver(good + '{"n": "乙", "kk": 7}\n', "a.jsonl")
    result = run(town.city())
    assert sums(result, "rows", "records", "quarantined") == [(301, 300, 1)]
    assert set_aside(result)[0][:4] == (301, 301, "", "unknown_key")
    town.deliver(good + '{"n": "乙", "kk": 7}\n' * 30, "a.jsonl")
    with pytest.raises(DeliveryError, match="kk"):
        run(town.city())


@pytest.mark.parametrize(("encoding", "mark"), [("gb18030", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16", b"")])
def test_declared_encodings_are_strict(town: Town, encoding: str, mark: bytes) -> None:
    text = "姓名,班级\n𠮷野,1\n王小明,2\n李小红,3\n"
    town.contract(NAME, column("班级", "class"), layout=text_layout(encoding=encoding))
    town.deliver(mark + text.encode(encoding))
    assert rows(run(town.city()), "name") == [("𠮷野",), ("王小明",), ("李小红",)]
    other = "utf-8" if encoding != "utf-8" else "gb18030"
    town.contract(NAME, column("班级", "class"), layout=text_layout(encoding=other))
    with pytest.raises(DeliveryError, match="encoding") as caught:
        run(town.city())
    fits = {"gb18030": "gb18030", "utf-8": "utf-8", "utf-16": "utf-16"}[encoding]
    assert f"fits {fits}" in caught.value.message("en")


def test_a_text_file_cut_inside_a_character_keeps_its_whole_rows(town: Town) -> None:
    town.contract(NAME, column("班级", "class"), layout=text_layout(encoding="gb18030"))
    town.deliver("姓名,班级\n甲,一\n乙,二\n丙,三".encode("gb18030")[:-1])
    result = run(town.city())
    assert rows(result, "name") == [("甲",), ("乙",)]
    assert sums(result, "rows", "records", "quarantined", "non_data") == [(4, 2, 1, 1)]
    assert set_aside(result) == [(3, 4, "", "cut_off", "丙,")]


def test_constants_and_days_of_a_delivery(town: Town) -> None:
    rule = '\n[[delivery]]\nmatch = "2025-*"\nas_of = 2025-09-01\nconstants = { school_year = 2025 }\n'
    town.contract(NAME, layout=rule + text_layout())
    town.deliver("姓名\n甲\n")
    assert [(str(d), y) for d, y in rows(run(town.city()), "as_of", "school_year")] == [("2025-09-01", 2025)]


def test_headerless_file_and_ignored_note(town: Town) -> None:
    ignore = HEAD + 'ignore = [{ files = "说明.txt", reason = { zh = "说明", en = "a note" } }]\n'
    town.contract(
        NAME,
        column("班级", "class"),
        head=ignore,
        layout=text_layout("header_row = 0", 'columns = ["姓名", "班级"]', 'separator = "|"'),
    )
    town.deliver("甲|1\n乙|2\n", "a.txt")
    town.deliver("01 姓名\n", "说明.txt")
    result = run(town.city())
    assert rows(result, "row_number", "name", "class") == [(1, "甲", "1"), (2, "乙", "2")]
    assert sums(result, "file", "status") == [("a.txt", "read"), ("说明.txt", "ignored")]


def _sealed(town: Town) -> dict[str, bytes]:
    """Entries of the vault; each writing of one gives other bytes, even of the same content."""
    vault = town.folder / "vault"
    return {path.relative_to(vault).as_posix(): path.read_bytes() for path in vault.rglob("*.sealed")}


def test_unchanged_files_come_from_the_vault(town: Town) -> None:
    town.contract(NAME, column("性别", "sex"))
    town.deliver("姓名,性别\n甲,9\n", "a.csv")
    town.deliver("姓名,性别\n乙,1\n", "b.csv")
    first = run(town.city())
    sealed = _sealed(town)
    assert sorted(path.split("/")[0] for path in sealed) == ["intake"] * 2 + ["quarantine"] + ["records"] * 2
    again = run(town.city())
    assert _sealed(town) == sealed  # not one entry was written again
    for name in ("quarantine", "conservation"):
        assert getattr(again, name).equals(getattr(first, name))
    assert again.tables["edu.pupils"].equals(first.tables["edu.pupils"])
    town.deliver("姓名,性别\n丙,1\n", "b.csv")
    changed = run(town.city())
    assert len(_sealed(town)) == 5  # what b.csv held before is gone
    assert len(_sealed(town).items() & sealed.items()) == 3  # a.csv was not read again
    assert rows(changed, "name") == [("甲",), ("丙",)]
    assert "甲".encode() not in b"".join(p.read_bytes() for p in (town.folder / "vault").rglob("*") if p.is_file())


def test_a_damaged_cache_is_read_again(town: Town) -> None:
    town.contract(NAME)
    town.deliver("姓名\n甲\n")
    run(town.city())
    for path in (town.folder / "vault" / "records").iterdir():
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert rows(run(town.city()), "name") == [("甲",)]


def test_a_reader_that_loses_a_row_fails_the_build() -> None:
    parts = [Outcome(0, "", "read", total=2, records=1, more=True, counts={"header": 1}), Outcome(1, "", "read", 1)]
    with pytest.raises(ConservationError, match="3 rows, 2 are accounted for"):
        account(parts, "a.csv")


def test_the_summary_holds_no_text_of_a_record(town: Town) -> None:
    town.contract(NAME, column("证件号", "id_no"), column("性别", "sex"))
    town.deliver("姓名,证件号,性别\n王小明,110105194912310021,阴\n")
    summary = run(town.city()).summary()
    written = json.dumps(summary, ensure_ascii=False)
    assert "王小明" not in written
    assert "110105194912310021" not in written
    assert "阴" not in written.replace("阴历", "")
    assert [(one["reason"], one["count"]) for one in summary["quarantine"]] == [
        ("code_outside_list", 1),
        ("id_check_digit", 1),
    ]
    assert summary["by_dataset"][-1]["balanced"]


def test_the_header_once_more_inside_a_table_is_nobody(town: Town) -> None:
    town.contract(NAME, column("性别", "sex"), layout=text_layout())
    town.deliver("姓名,性别\n甲,1\n姓 名,性别\n姓名,\n乙,2\n")
    result = run(town.city())
    assert rows(result, "name", "row_number") == [("甲", 1), ("姓名", 3), ("乙", 4)]  # one cell alone proves nothing
    assert result.quarantine["reason"].to_pylist() == ["repeated_header"]


def test_empty_sheets_of_a_workbook_are_listed_and_not_read(town: Town) -> None:
    town.contract(NAME, layout=layout("xlsx"))
    book = openpyxl.Workbook()
    book.active.append(["姓名"])
    book.active.append(["甲"])
    book.create_sheet("Sheet3")
    town.deliver(_saved(book), "a.xlsx")
    found = run(town.city()).conservation.select(["sheet", "status", "records"]).to_pylist()
    assert found == [
        {"sheet": "Sheet", "status": "read", "records": 1},
        {"sheet": "Sheet3", "status": "empty", "records": 0},
    ]
    town.deliver(_saved(openpyxl.Workbook()), "b.xlsx")
    with pytest.raises(DeliveryError, match="workbook holds no data"):
        run(town.city())


def test_a_broken_coordinate_is_not_quoted(town: Town) -> None:
    town.contract(NAME, layout=layout("geojson", 'encoding = "utf-8"'))
    point = {"type": "Point", "coordinates": ["欧阳测试", 1]}
    town.deliver(json.dumps({"features": [{"properties": {"姓名": "甲"}, "geometry": point}]}), "a.geojson")
    with pytest.raises(DeliveryError) as caught:
        run(town.city())
    assert "欧阳" not in caught.value.message("zh")
