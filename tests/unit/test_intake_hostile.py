"""Files that are damaged, lie or attack the reader: named, refused or set aside, never lost in silence."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

import formats_kit as kit
from commonground.errors import DeliveryError
from commonground.intake import IntakeResult, run
from commonground.intake.model import Layout, Limits
from commonground.intake.readers import read
from commonground.intake.readers.transport import count_rows
from intake_kit import Town, column

NAME = column("姓名", "name")
BIRTH = column("生日", "birth", "optional = true")
HEIGHT = column("身高", "height", "optional = true")
HEAD = "姓名,生日,身高\n"
ROW = "甲,2010-01-01,100\n"


def layout(kind: str, *lines: str) -> str:
    return "\n".join(["\n[[layout]]", f'format = "{kind}"', *lines, ""])


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.contract(NAME, BIRTH, HEIGHT)
    return town


def refused(town: Town, *words: str) -> DeliveryError:
    """Expect intake to refuse with exit code 12, and each of ``words`` in both messages."""
    with pytest.raises(DeliveryError) as caught:
        run(town.city())
    assert caught.value.exit_code == 12
    for said in (caught.value.message("zh"), caught.value.message("en")):
        for word in words:
            assert word in said, f"{word} not in\n{said}"
    return caught.value


def sums(result: IntakeResult) -> tuple[int, ...]:
    names = ("rows", "records", "quarantined", "non_data")
    return tuple(sum(result.conservation[name].to_pylist()) for name in names)


def names(result: IntakeResult) -> list[str | None]:
    return list(result.tables["edu.pupils"]["name"].to_pylist())


def aside(result: IntakeResult) -> list[tuple[int, str, str, str]]:
    table = result.quarantine
    columns = (table[name].to_pylist() for name in ("physical_row", "column", "reason", "text"))
    return list(zip(*columns, strict=True))


# Bytes that are not in the declared encoding


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("block", [60, 1 << 20])
def test_one_undecodable_line_costs_that_line(tmp_path: Path, encoding: str, block: int) -> None:
    path = tmp_path / "a.csv"
    good = [f"王小{i},1\n".encode(encoding) for i in range(30)]
    path.write_bytes(b"".join(["姓名,班级\n".encode(encoding), *good[:20], b"\xff,2\n", *good[20:]]))
    parts = list(read(path, Layout("csv", encoding=encoding), Limits(block=block, line=1 << 20)))
    bad = [one for part in parts for one in part.bad]
    assert [(one.physical, one.reason, one.text) for one in bad] == [(22, "not_decodable", "\\xff,2")]
    assert sum(part.total for part in parts) == 32
    assert sum(len(part.rows) + (len(part.columns[0]) if part.columns else 0) for part in parts) == 31


def test_a_broken_header_or_many_broken_lines_refuse_the_file(town: Town) -> None:
    town.deliver(b"\xff" + (HEAD + ROW * 50).encode())
    refused(town, "a.csv row 1", "utf-8")
    town.deliver((HEAD + ROW * 50).encode() + b"\xff,,\n" * 3)
    refused(town, "a.csv row 52", "utf-8")
    town.deliver((HEAD + ROW * 60).encode() + b"\xff,,\n" * 3)
    assert sums(run(town.city())) == (64, 60, 3, 1)


def test_blocks_together_judge_how_many_lines_are_broken(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.contract(NAME, BIRTH, HEIGHT)
    settings = town.folder / "city.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[intake]\nmemory = "4 MB"\n', encoding="utf-8")
    body = (ROW * 5000).encode()
    town.deliver(HEAD.encode() + (body + b"\xff,,\n") * 2)
    assert sums(run(town.city())) == (10003, 10000, 2, 1)


def test_a_broken_line_inside_a_quoted_cell(town: Town) -> None:
    town.contract(NAME, BIRTH, HEIGHT, layout=layout("csv", 'encoding = "utf-8"', "multiline = true"))
    town.deliver(HEAD.encode() + b'"\xe7\xff\n",2010-01-01,100\n' + ROW.encode())
    result = run(town.city())
    assert names(result) == ["甲"]
    assert [(row, reason) for row, _, reason, _ in aside(result)] == [(2, "not_decodable")]


def test_a_broken_line_of_json(town: Town) -> None:
    town.contract(NAME, layout=layout("jsonl", 'encoding = "utf-8"'))
    town.deliver('{"姓名":"甲"}\n{"姓名":"'.encode() + b'\xff"}\n' + '{"姓名":"乙"}\n'.encode(), "a.jsonl")
    result = run(town.city())
    assert names(result) == ["甲", "乙"]
    assert aside(result) == [(2, "", "not_decodable", '{"姓名":"\\xff"}')]


def test_utf16_without_its_mark_is_refused(town: Town) -> None:
    town.contract(NAME, layout=layout("csv", 'encoding = "utf-16"'))
    town.deliver(b"\x01\x02\x03\x04\x05\x06\x07")
    refused(town, "a.csv", "utf-16")


# Odd text


def test_marks_ends_and_separators_of_lines(town: Town) -> None:
    town.deliver(HEAD + "甲\0,2010-01-01,100\r\ufeff乙,2010-01-01,100\r\n丙\u2028子,2010-01-01,100\n")
    assert names(run(town.city())) == ["甲", "乙", "丙\u2028子"]


def test_an_unclosed_quote_in_the_middle_costs_its_row(town: Town) -> None:
    town.deliver(HEAD + ROW + '"乙,2010-01-01,100\n' + ROW)
    result = run(town.city())
    assert sums(result) == (4, 2, 1, 1)
    assert aside(result)[0][:3] == (3, "", "quote")


def test_a_line_beyond_the_limit_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + ROW + "长" * 100_000 + "\n" + ROW, encoding="utf-8")
    parts = list(read(path, Layout("csv", encoding="utf-8"), Limits(block=1000, line=5000)))
    bad = [one for part in parts for one in part.bad]
    assert [(one.physical, one.reason) for one in bad] == [(3, "line_too_long")]
    assert len(bad[0].text) <= 200
    assert sum(part.total for part in parts) == 4


@pytest.mark.parametrize(
    ("birth", "height"),
    [("0000-00-00", "1e400"), ("9999-12-31", "NaN"), ("-1", "inf"), ("2958466", "-5"), ("2010-02-30", "９" * 30)],
)
def test_impossible_values_are_set_aside_one_by_one(town: Town, birth: str, height: str) -> None:
    town.deliver(HEAD + ROW * 3 + f"乙,{birth},{height}\n")
    result = run(town.city())
    assert len(names(result)) == 4
    assert {(row, name) for row, name, _, _ in aside(result)} == {(5, "生日"), (5, "身高")}


def test_a_count_beyond_every_integer(town: Town) -> None:
    town.contract(NAME, column("数", "left_behind_pupils"))
    town.deliver("姓名,数\n甲,3\n乙,99999999999999999999\n丙,-1e30\n")
    result = run(town.city())
    assert result.tables["edu.pupils"]["left_behind_pupils"].to_pylist() == [3, None, None]
    assert {row for row, *_ in aside(result)} == {3, 4}


def test_half_characters_and_controls_written_as_escapes(town: Town) -> None:
    town.contract(NAME, HEIGHT, layout=layout("jsonl", 'encoding = "utf-8"'))
    lines = ['{"姓名":"\\ud800甲"}', '{"姓名":"\\u0000乙"}', '{"姓名":"丙","身高":1e400}', '{"姓名":"\\ud842\\udfb7"}']
    lines += ['{"姓名":' + "9" * 5000 + "}", '{"姓名":' + "[" * 100_000]
    town.deliver("\n".join(lines), "a.jsonl")
    result = run(town.city())
    assert names(result) == ["乙", "丙", "𠮷"]
    told = sorted((row, reason) for row, _, reason, _ in aside(result))
    assert told == [(1, "not_json"), (3, "not_a_number"), (5, "not_json"), (6, "not_json")]


@pytest.mark.parametrize("kind", ["json", "geojson"])
def test_brackets_without_end(town: Town, kind: str) -> None:
    town.contract(NAME, layout=layout(kind, 'encoding = "utf-8"'))
    town.deliver('{"features":' + "[" * 100_000, f"a.{kind}")
    refused(town, f"a.{kind}")


def test_a_rare_key_is_rare_in_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"姓名": f"甲{i}", **({"错": 1} if i == 300 else {})}, ensure_ascii=False) for i in range(400)]
    path.write_text("\n".join(lines), encoding="utf-8")
    parts = list(read(path, Layout("jsonl", encoding="utf-8"), Limits(block=500, line=5000)))
    assert len(parts) > 3
    assert {part.rare for part in parts} == {frozenset({"错"})}


# Workbooks


def _book(change: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["姓名", "生日", "身高"])
    book.active.append(["甲", dt.date(2010, 1, 2), 100])
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _patched(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    data = members[member]
    assert isinstance(data, bytes)
    assert old in data
    members[member] = data.replace(old, new, 1)
    return kit.packed(members)


SHEET = "xl/worksheets/sheet1.xml"


def test_a_stray_cell_far_out_is_named_before_anything_is_held(town: Town) -> None:
    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xlsx"))
    town.deliver(_book(lambda book: book.active.__setitem__("XFD1048576", "x")), "a.xlsx")
    refused(town, "a.xlsx [Sheet] XFD1048576", "CSV", "17,179,869,184")


def test_far_cells_without_content_are_no_stray_cells(town: Town) -> None:
    def bold(book: openpyxl.Workbook) -> None:
        book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)

    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xlsx"))
    town.deliver(_book(bold), "a.xlsx")
    assert names(run(town.city())) == ["甲"]


def test_a_cell_beyond_every_sheet_and_a_row_that_stands_twice(town: Town) -> None:
    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xlsx"))
    good = _book(lambda book: None)
    town.deliver(_patched(good, SHEET, b'r="A2"', b'r="A99999999"'), "a.xlsx")
    refused(town, "a.xlsx [Sheet] row 99999999", "1,048,576")
    town.deliver(_patched(good, SHEET, b'<row r="2"', b'<row r="1"'), "a.xlsx")
    refused(town, "a.xlsx", "the row 1 stands twice")


def test_far_cells_of_the_other_workbooks(town: Town) -> None:
    town.contract(NAME, layout=layout("ods", 'files = "*.ods"') + layout("xlsb", 'files = "*.xlsb"'))
    good = kit.ods({"一": [["姓名"], ["甲"]]})
    rows, cells = b"<table:table-row>", b"<table:table-cell "
    many = _patched(good, "content.xml", rows, b'<table:table-row table:number-rows-repeated="1048576">')
    town.deliver(_patched(many, "content.xml", cells, cells + b'table:number-columns-repeated="16384" '), "a.ods")
    refused(town, "a.ods [一]")
    town.deliver(_patched(good, "content.xml", rows, b'<table:table-row table:number-rows-repeated="0">'), "a.ods")
    refused(town, "a.ods", "repeated 0 times")
    (town.deliveries / "edu/pupils/2025-09-10/a.ods").unlink()
    row = struct.pack("<IIHHBBI", 0, 0, 300, 0, 0, 0, 0)
    far = struct.pack("<IIHHBBI", 1_048_575, 0, 300, 0, 0, 0, 0)
    content = _patched(kit.xlsb({"一": [["姓名"]]}), "xl/worksheets/sheet1.bin", row, far)
    wide = _patched(
        content,
        "xl/worksheets/sheet1.bin",
        struct.pack("<II", 0, 0) + kit._wide("姓名"),
        struct.pack("<II", 16_383, 0) + kit._wide("姓名"),
    )
    town.deliver(wide, "a.xlsb")
    refused(town, "a.xlsb [一] XFD1048576")


def test_entities_that_grow_without_end(town: Town) -> None:
    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xlsx"))
    layers = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    bomb = f'<!DOCTYPE z [<!ENTITY a "{"a" * 20}">{layers}]>'.encode()
    content = _patched(_book(lambda book: None), "xl/workbook.xml", b"<workbook", bomb + b"<workbook")
    town.deliver(_patched(content, "xl/workbook.xml", b'name="Sheet"', b'name="&j;"'), "a.xlsx")
    refused(town, "a.xlsx")


def test_a_panic_of_the_library_is_damage_and_off_the_screen(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    town.contract(NAME, layout=layout("xls"))
    good = kit.xls({"一": [["姓名"], *[["甲"]] * 60]})
    town.deliver(good[:514] + good[515:1114] + b"\0" + good[1114:], "a.xls")
    refused(town, "a.xls", "the reader gave up")
    assert "panicked" not in capfd.readouterr().err


def test_sectors_in_a_circle(town: Town) -> None:
    town.contract(NAME, layout=layout("xls"))
    good = bytearray(kit.xls({"一": [["姓名"], ["甲"]]}))
    table = 512 + 512 * struct.unpack_from("<I", good, 76)[0]
    struct.pack_into("<I", good, table + 4, 0)
    town.deliver(bytes(good), "a.xls")
    refused(town, "a.xls", "circle")


def test_days_of_the_1904_system_and_negative_ones(town: Town) -> None:
    def old(book: openpyxl.Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904
        book.active.append(["乙", -5, 100])

    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xlsx"))
    town.deliver(_book(old), "a.xlsx")
    result = run(town.city())
    assert result.tables["edu.pupils"]["birth"].to_pylist() == [dt.date(2010, 1, 2), None]
    assert aside(result) == [(3, "生日", "not_a_date", "-5")]


# Headers that lie


def _dbf(promised: int, records: int, end: bytes = b"\x1a") -> bytes:
    field = b"XM".ljust(11, b"\0") + b"C" + bytes(4) + bytes([10, 0]) + bytes(14)
    head = struct.pack("<BBBBIHH20x", 3, 125, 1, 1, promised, 65, 11) + field + b"\r"
    return head + (b" " + "甲".encode("gbk").ljust(10)) * records + end


@pytest.mark.parametrize(
    ("promised", "records", "end", "wanted"),
    [
        (3, 3, b"\x1a", (3, 3, 0, 0)),
        (1, 3, b"\x1a", (3, 1, 2, 0)),
        (3, 3, b"", (3, 3, 0, 0)),
        (4, 3, b"", (4, 3, 1, 0)),
        (3, 3, b"\0" * 400, (3, 3, 0, 0)),
    ],
)
def test_a_count_of_records_that_is_not_theirs(
    town: Town, promised: int, records: int, end: bytes, wanted: tuple[int, ...]
) -> None:
    town.contract(column("XM", "name"), layout=layout("dbf", 'encoding = "gbk"'))
    town.deliver(_dbf(promised, records, end), "a.dbf")
    assert sums(run(town.city())) == wanted


def test_thousands_of_millions_of_records_promised(town: Town) -> None:
    town.contract(column("XM", "name"), layout=layout("dbf", 'encoding = "gbk"'))
    town.deliver(_dbf(4_000_000_000, 3), "a.dbf")
    refused(town, "a.dbf", "4,000,000,000")


def test_an_spss_header_that_counts_too_few(town: Town, tmp_path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"XM": ["甲", "乙", "丙"]}), str(tmp_path / "a.sav"))
    content = bytearray((tmp_path / "a.sav").read_bytes())
    town.contract(column("XM", "name"), layout=layout("sav"))
    town.deliver(bytes(content), "a.sav")
    assert names(run(town.city())) == ["甲", "乙", "丙"]
    struct.pack_into("<i", content, 80, 2)
    town.deliver(bytes(content), "a.sav")
    refused(town, "a.sav", "2 rows")


def test_a_transport_file_cut_inside_a_card(town: Town, tmp_path: Path) -> None:
    pyreadstat.write_xport(pd.DataFrame({"XM": ["甲", "乙"]}), str(tmp_path / "a.xpt"), table_name="X")
    town.contract(column("XM", "name"), layout=layout("xpt"))
    town.deliver((tmp_path / "a.xpt").read_bytes()[:-5], "a.xpt")
    refused(town, "a.xpt", "80")


# The folder


def test_links_pipes_and_names_that_cannot_be_shown(town: Town, tmp_path: Path) -> None:
    folder = town.deliver(HEAD + ROW).parent
    (tmp_path / "secret.csv").write_text(HEAD + ROW, encoding="utf-8")
    odd = folder / "b.csv"
    for make in (
        lambda: odd.symlink_to(tmp_path / "secret.csv"),
        lambda: odd.symlink_to("/nowhere"),
        lambda: odd.symlink_to(tmp_path, target_is_directory=True),
        lambda: os.mkfifo(odd),
    ):
        make()
        refused(town, "b.csv")
        odd.unlink()
    for name in ("b\n.csv", "b\x1b[2J.csv", os.fsdecode(b"b\xff.csv")):
        town.deliver(HEAD + ROW, name)
        said = refused(town, "\\x").message("en")
        assert "\x1b" not in said
        (folder / name).unlink()
    town.deliver(HEAD + ROW, "长" * 80 + ".csv")
    assert names(run(town.city())) == ["甲", "甲"]


def test_a_file_that_vanishes_or_changes_while_files_are_read(town: Town) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        path = town.deliver(HEAD + name[0] + ROW, name)
    before = path.read_bytes()

    def change(_stage: str, _done: int, _total: int) -> None:
        path.write_bytes((HEAD + ROW * 3).encode())

    with pytest.raises(DeliveryError, match="changed while it was being read"):
        run(town.city(), progress=change)
    path.write_bytes(before)
    assert names(run(town.city())) == ["a甲", "b甲", "c甲"]
    town.deliver(HEAD + "d" + ROW, "b.csv")
    with pytest.raises(DeliveryError, match="is gone"):
        run(town.city(), progress=lambda *_: path.unlink(missing_ok=True))


def test_killed_in_the_middle_and_two_at_once(town: Town) -> None:
    for number in range(6):
        town.deliver(HEAD + f"甲{number},2010-01-01,100\n" * 50, f"{number}.csv")
    head = "import os, sys\nfrom pathlib import Path\nfrom commonground.city import City\n"
    head += "from commonground.intake import run\ncity = City(Path(sys.argv[1]))\n"
    kill = head + "run(city, progress=lambda s, d, n: os.kill(os.getpid(), 9) if d >= 3 else None)"
    assert subprocess.run([sys.executable, "-c", kill, str(town.folder)], check=False).returncode == -9
    whole = head + "print(sum(run(city).conservation['records'].to_pylist()))"
    both = [subprocess.Popen([sys.executable, "-c", whole, str(town.folder)], stdout=-1) for _ in range(2)]
    assert [one.communicate()[0].strip() for one in both] == [b"300", b"300"]
    assert sums(run(town.city())) == (306, 300, 0, 6)


def test_an_old_workbook_that_lies_about_its_size_does_not_end_the_process(town: Town) -> None:
    town.contract(NAME, BIRTH, HEIGHT, layout=layout("xls"))
    rows = [["姓名", "生日", "身高"], *(["甲", "2010-01-01", "100"] for _ in range(60))]
    good = kit.xls({"Sheet": rows})
    town.deliver(good, "a.xls")
    assert sums(run(town.city())) == (61, 60, 0, 1)
    bad = bytearray(good)
    bad[595] ^= 0x10  # of the dimensions of the sheet: the library asks for 687 GB and ends the process
    town.deliver(bytes(bad), "a.xls")
    refused(town, "a.xls", "ended its own process")


@pytest.mark.parametrize("version", [5, 8])
@pytest.mark.parametrize("count", [1, 2, 9, 60])
def test_rows_of_a_transport_file_are_counted_from_its_length(tmp_path: Path, version: int, count: int) -> None:
    for columns in ({"XM": "A"}, {"XM": "A", "SG": 1.0}, {"XM": "A" * 30, "SG": None}):
        frame = pd.DataFrame({k: pd.Series([v] * count, dtype=None if v else float) for k, v in columns.items()})
        pyreadstat.write_xport(frame, str(tmp_path / "a.xpt"), table_name="X", file_format_version=version)
        assert count_rows(tmp_path / "a.xpt") == count


def test_a_transport_file_whose_rows_are_not_all_read_is_refused(town: Town, tmp_path: Path) -> None:
    town.contract(column("XM", "name"), column("SG", "height"), layout=layout("xpt"))
    frame = pd.DataFrame({"XM": ["甲"] * 60, "SG": [100.0] * 60})
    pyreadstat.write_xport(frame, str(tmp_path / "a.xpt"), table_name="X", file_format_version=8)
    good = (tmp_path / "a.xpt").read_bytes()
    town.deliver(good, "a.xpt")
    assert sums(run(town.city())) == (60, 60, 0, 0)
    town.deliver(good[:-160] + b" " * 160, "a.xpt")  # what looks like the filling of the last record, and is too long
    refused(town, "a.xpt", "could be read")
    town.deliver(good + good[240:], "a.xpt")  # a library of two datasets, of which the reader gives the first
    refused(town, "a.xpt")
    town.deliver(good.replace(b"NAMSTV8 ", b"NAMSTX8 "), "a.xpt")
    refused(town, "a.xpt")
