"""Whatever is done to a file, every row of it is accounted for; whatever date or number is written is read back."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonground.errors import DeliveryError
from commonground.intake import run
from commonground.intake.dates import parse_date
from commonground.intake.ids import check_digits, check_ids
from commonground.intake.model import Layout
from commonground.intake.pack import load_pack
from commonground.intake.readers import read
from commonground.intake.shape import shape
from intake_kit import Town, column

LUNAR = load_pack().lunar
EPOCH = dt.date(1970, 1, 1)
days = st.dates(dt.date(1910, 1, 1), dt.date(2049, 12, 31))


@given(days)
@settings(deadline=None)
def test_every_day_comes_back_from_every_shape(day: dt.date) -> None:
    y, m, d = day.year, day.month, day.day
    serial = day.toordinal() - dt.date(1899, 12, 30).toordinal()
    shapes = [f"{y}{m:02}{d:02}", f"{y}.{m}.{d}", f"{y}-{m:02}-{d:02}", f"{y}/{m}/{d}", f"{y}年{m}月{d}日", str(serial)]
    for text in [*shapes, "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in shapes[1])]:
        got = parse_date(text, LUNAR)
        assert (got.day, got.precision) == ((day - EPOCH).days, "day"), text


@given(days)
@settings(deadline=None)
def test_every_day_has_one_lunar_name(day: dt.date) -> None:
    text = _lunar_name(day)
    got = parse_date(text, LUNAR)
    assert got.day == (day - EPOCH).days, text


def _lunar_name(day: dt.date) -> str:
    year = max(y for y, (first, _) in LUNAR.items() if first <= day)
    left = (day - LUNAR[year][0]).days
    for month, leap, length in LUNAR[year][1]:
        if left < length:
            return f"农历{year}年{'闰' if leap else ''}{month}月{left + 1}日"
        left -= length
    raise AssertionError(day)


@given(st.text(max_size=20))
@settings(deadline=None)
def test_any_text_is_a_date_or_a_fault(text: str) -> None:
    got = parse_date(text, LUNAR)
    assert (got.day is None) == (got.fault != "" or got.precision == "default")


@given(st.integers(100000, 999999), st.dates(dt.date(1900, 1, 2), dt.date(2025, 8, 31)), st.integers(0, 999))
@settings(deadline=None)
def test_numbers_round_trip_and_one_wrong_digit_is_found(area: int, birth: dt.date, serial: int) -> None:
    body = f"{area}{birth:%Y%m%d}{serial:03}"
    number = body + check_digits(np.array([[int(c) for c in body]]))[0]
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    assert check_ids([number, "'" + number.lower(), wide], 2025).number == [number] * 3
    if 1900 <= birth.year <= 1999:
        assert check_ids([number[:6] + number[8:17]], 2025).number == [number]
    for at in random.Random(serial).sample(range(17), 4):
        wrong = number[:at] + str((int(number[at]) + 1 + serial % 9) % 10) + number[at + 1 :]
        if wrong != number:
            got = check_ids([wrong], 2025)
            assert got.number == [None]
            assert got.soft == [wrong[:15] if wrong.endswith("000") else wrong]


@given(st.lists(st.text(max_size=24).filter(str.strip), max_size=20))
@settings(deadline=None)
def test_any_text_is_an_identity_or_evidence(texts: list[str]) -> None:
    got = check_ids(texts, 2025)
    for number, soft, fault in zip(got.number, got.soft, got.fault, strict=True):
        assert (number is None) == (fault != "") == (soft is not None)


HEADER = "姓名,性别,生日,身高\r\n"
BASE = HEADER + "".join(f"王{i},{1 + i % 2},2015-0{1 + i % 9}-1{i % 10},{120 + i}\r\n" for i in range(12))
STRAY = [b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\x0b", b"\x1a", b" ", b"\t", b"7"]


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A small file after some cuts, insertions, swaps of bytes and doubled lines."""
    content = bytearray(BASE.encode("gb18030"))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(len(HEADER.encode("gb18030")), len(content)))
        what = draw(st.sampled_from(["cut", "insert", "drop", "line"]))
        if what == "cut":
            content = content[:at]
        elif what == "insert":
            content[at:at] = draw(st.sampled_from(STRAY))
        elif what == "drop":
            del content[at : at + draw(st.integers(1, 5))]
        else:
            content += content[at : at + 40]
    return bytes(content)


@given(mutations(), st.booleans(), st.sampled_from(["quarantine", "fill"]))
@settings(max_examples=200, deadline=None)
@example("姓名,性别,生日,身高\r\n王".encode("gb18030"), False, "quarantine")
@example("姓名,性别,生日,身高\r\n王".encode("gb18030")[:-1], False, "quarantine")
@example('姓名,性别,生日,身高\r\n"\r\n""\r\n'.encode("gb18030"), True, "quarantine")
def test_no_damage_loses_a_row(content: bytes, multiline: bool, short: str) -> None:
    layout = Layout("csv", encoding="gb18030", multiline=multiline, short_rows=short)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        try:
            (sheet,) = read(path, layout)
            block = shape(sheet, layout, "a.csv")
        except DeliveryError:
            return  # refused as a whole, with a message: nothing is lost silently
    kept = len(block.row_number)
    non_data = sum(block.counts.get(name, 0) for name in ("header", "blank", "note", "total"))
    assert kept + len(block.bad) + non_data == sheet.total
    numbers = sorted([*block.row_number.tolist(), *(number for number, _ in block.bad)])
    assert numbers == list(range(1, kept + len(block.bad) + 1))
    assert all(len(column) == kept for column in block.columns.values())


@given(mutations())
@settings(max_examples=25, deadline=None)
def test_no_damage_breaks_the_sums_of_a_city(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder))
        columns = [column("姓名", "name"), column("性别", "sex"), column("生日", "birth"), column("身高", "height")]
        layout = '\n[[layout]]\nformat = "csv"\nencoding = "gb18030"\n'
        town.contract(*columns, layout=layout)
        town.deliver(content)
        town.deliver(BASE.encode("gb18030"), "b.csv")
        try:
            result = run(town.city())
        except DeliveryError:
            return
        for row in result.conservation.to_pylist():
            assert row["rows"] == row["records"] + row["quarantined"] + row["non_data"]
        assert result.tables["edu.pupils"].num_rows == sum(result.conservation["records"].to_pylist())
        rows = [row for row in result.quarantine.to_pylist() if not row["column"]]
        assert len(rows) == sum(result.conservation["quarantined"].to_pylist())
