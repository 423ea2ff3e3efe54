"""The fast ways of intake give what its exact ways give, whatever is written and wherever a file is cut."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonground.city import load_settings
from commonground.errors import CommonGroundError, DeliveryError
from commonground.intake import direct, recode
from commonground.intake.convert import Setting
from commonground.intake.ids import check_digits
from commonground.intake.model import ColumnRule, Layout, Limits, Sheet, Values
from commonground.intake.pack import load_pack
from commonground.intake.readers import read
from commonground.intake.readers.lines import blocks
from commonground.intake.readers.text import check_text
from commonground.intake.shape import shape
from commonground.intake.texts import equals, linear_pattern, matches, trimmed
from intake_kit import TOML

PACK = load_pack()
spaces = st.sampled_from(["", " ", "\t", "\u3000", "\u00a0", "\u2003", "x"])
words = st.one_of(st.text(max_size=12), st.text("0123456789-./Xx 年月日计合１", max_size=19))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    path = tmp_path_factory.mktemp("city") / "city.toml"
    path.write_text(TOML, encoding="utf-8")
    return Setting(PACK, load_settings(path), 2025, 20_341)


def numbers(draw: st.DrawFn) -> str:
    body = f"52990{draw(st.integers(1, 9))}{draw(st.integers(1875, 2027))}{draw(st.integers(0, 9999)):04}"
    body += f"{draw(st.integers(0, 999)):03}"
    check = str(check_digits(np.array([[int(c) for c in body]]))[0])
    return body + draw(st.sampled_from([check, check.lower(), "0", "5"]))


days = st.tuples(st.integers(1799, 2201), st.integers(0, 13), st.integers(0, 32))
usual = st.one_of(
    st.composite(numbers)(),
    st.dates().map(lambda day: day.isoformat().replace("-", "/")),
    days.map(lambda d: f"{d[0]}{d[1]:02}{d[2]:02}"),
    days.map(lambda d: f"{d[0]}-{d[1]:02}.{d[2]:02}"),
    days.map(lambda d: f"{d[0]}.{d[1]}/{d[2]}"),
    st.sampled_from(["1900-01-01", "18991230", "0001-01-01", "", "不详", "-1", "1e5", "12.50", "+3", "99999999999"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**16), 10**16).map(str),
)


@pytest.mark.parametrize("name", ["id_no", "birth", "moved_in", "name", "village_code", "income", "persons", "chinese"])
@given(st.lists(st.one_of(usual, words.map(str.strip)), min_size=1, max_size=40), st.sampled_from(["", "-1", "absent"]))
@settings(max_examples=40, deadline=None)
def test_what_is_told_from_bytes_is_what_conversion_gives(
    name: str, setting: Setting, texts: list[str], missing: str
) -> None:
    absent: Mapping[str, str] = {"": "absent"} if missing == "absent" else {missing: "absent"}
    concept = PACK.concepts[name]
    rule = ColumnRule((name,), concept, values=Values(missing=absent), pattern=concept.pattern)
    column = trimmed(pa.array(texts, pa.string()))
    slow = recode._by_distinct(column, rule, {}, Setting(PACK, setting.settings, 2025, 20_341), name, False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct, "_FEW_ROWS", 1)
        patch.setattr(direct, "_MANY", 0)
        fast = recode.recode(column, rule, {}, Setting(PACK, setting.settings, 2025, 20_341), name, cut=False)
    for output, array in slow.arrays.items():
        assert fast.arrays[output].cast(_plain(array.type)).to_pylist() == array.to_pylist(), output
    assert fast.faulty.tolist() == slow.faulty.tolist()
    assert (fast.reasons, fast.texts) == (slow.reasons, slow.texts)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@given(st.lists(st.tuples(spaces, words, spaces).map("".join), max_size=20))
@settings(deadline=None)
def test_texts_are_trimmed_and_compared_as_python_does(texts: list[str]) -> None:
    from commonground.intake.contract import clean_name

    column = trimmed(pa.array(texts, pa.string()))
    assert column.to_pylist() == [text.strip() for text in texts]
    names = [clean_name(text) for text in column.to_pylist()]
    assert equals(column, "合计1", clean_name).tolist() == [name == "合计1" for name in names]


@pytest.mark.parametrize(
    "pattern", [r"\d{3}", "注：.*", "小计|合计", "[0-9X]+(?:年级)?", r"\d+\.\d+", ".+校", "(a|b)c?"]
)
@given(st.lists(st.one_of(words, st.sampled_from(["注：一", "合计", "3年级", "123", "1.5", "ac", "一校", "٣٣٣"]))))
@settings(max_examples=30, deadline=None)
def test_patterns_mean_the_same_to_both_engines(pattern: str, texts: list[str]) -> None:
    import re

    compiled = re.compile(pattern)
    assert linear_pattern(compiled) is not None
    column = pa.array(texts, pa.string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("commonground.intake.texts._FEW_ROWS", -1)
        assert matches(column, compiled).tolist() == [compiled.fullmatch(text) is not None for text in texts]


@pytest.mark.parametrize("pattern", ["a*?", r"\w+", "(?i)a", r"\bx", "a{2}+", "^a$", "[^a]", r"\s*计", "(?=a)a"])
def test_patterns_that_may_differ_are_left_to_python(pattern: str) -> None:
    import re

    assert linear_pattern(re.compile(pattern)) is None


lines = st.lists(
    st.one_of(
        st.sampled_from(
            ["甲,1,x", '"乙,2",3,y', '"丙', 'a"b,c,d', '"x""y",1,2', ",,", "", "一格", "1,2,3,4", "1,2,3,"]
        ),
        st.sampled_from(["甲\x00,1,2", "\u200b乙,1,2", "\ufeff,1,2", "“丙”—,1,2", " 丁 ,1,2", "戊,1", "1,2,3,"]),
        st.text('甲1",\x0b长 ', max_size=30),
    ),
    max_size=30,
)


@given(lines, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["gb18030", "utf-8", "utf-16"]), st.booleans())
@settings(max_examples=150, deadline=None)
@example(["甲,1,x"] * 8, "\r\n", "gb18030", False)
@example(["长" * 90 + ",1,2"] * 3, "\n", "utf-16", False)
def test_a_file_in_blocks_gives_what_the_whole_gives(body: list[str], end: str, encoding: str, multiline: bool) -> None:
    layout = Layout("csv", encoding=encoding, multiline=multiline)
    content = (end.join(["姓名,班级,号", *body]) + end).encode(encoding)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        whole, parts = (_rows(path, layout, limits) for limits in (Limits(), Limits(64, 4096)))
        exact = _rows(path, layout, Limits(), exact=True)
    assert parts == whole == exact


def _rows(path: Path, layout: Layout, limits: Limits, exact: bool = False) -> Any:
    """All rows by physical row, those set aside with their reasons, and the rows counted; "refused" for an error."""
    with pytest.MonkeyPatch.context() as patch:
        if exact:
            patch.setattr("commonground.intake.readers.text._by_arrow", lambda *_: False)
        kept: dict[int, tuple[str, ...]] = {}
        bad: dict[int, tuple[str, str]] = {}
        total = mended = 0
        names: tuple[str, ...] = ()
        notes: list[Any] = []
        try:
            for sheet in read(path, layout, limits):
                block = shape(Sheet(**{**vars(sheet), "more": True}), layout, "a.csv", names)
                names = tuple(block.columns)
                columns = [column.to_pylist() for column in block.columns.values()]
                kept |= dict(zip(block.physical.tolist(), zip(*columns, strict=True), strict=True))
                bad |= {one.physical: (one.reason, one.text) for _, one in block.bad}
                total += sheet.total
                mended += block.counts["mended"]
                notes.append(sheet.notes)
            check_text(path, notes)
        except CommonGroundError as fault:
            return "refused", type(fault)
        return kept, bad, total, mended


@given(st.text("甲1\n\r,", max_size=200), st.integers(1, 40), st.sampled_from(["gb18030", "utf-16", "utf-8"]))
@settings(max_examples=200, deadline=None)
@example("甲" * 30 + "\n1\r\n", 4, "utf-16")
@example("1\r\n" * 20, 1, "gb18030")
def test_blocks_hold_all_lines_once(text: str, size: int, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.encode(encoding))
        found = list(blocks(path, encoding, Limits(size, 10_000)))
    assert b"".join(one.data for one in found).decode() == text
    line = 1
    for one in found:
        assert one.first_line == line
        line += one.lines
    assert line - 1 == len(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")) * bool(text)
    assert [one.last for one in found][:-1] == [False] * max(0, len(found) - 1)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-16"])
def test_a_line_too_long_is_set_aside_unread(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("姓名,班级\n甲,1\n" + "长" * 5000 + ",2\n乙,3\n").encode(encoding))
    layout = Layout("csv", encoding=encoding)
    kept, bad, total, _ = _rows(path, layout, Limits(256, 1024))
    assert list(kept.values()) == [("甲", "1"), ("乙", "3")]
    assert [(row, reason, text[:2], len(text) <= 200) for row, (reason, text) in bad.items()] == [
        (3, "line_too_long", "长长", True)
    ]
    assert total == 4


def test_a_file_of_one_endless_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 50_000)
    layout = Layout("csv", encoding="utf-8")
    (sheet,) = read(path, layout, Limits(256, 1024))
    with pytest.raises(DeliveryError, match="header row"):
        shape(sheet, layout, "a.csv")


@given(st.binary(max_size=60), st.integers(1, 9))
@settings(deadline=None)
def test_bytes_are_counted_the_same_piece_by_piece(data: bytes, piece: int) -> None:
    from commonground.intake import texts
    from commonground.intake.readers import lines as reader
    from commonground.intake.readers import text as splitter

    array = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(array == 34)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_PIECE", piece)
        patch.setattr(texts, "_PIECE", piece)
        alone = data.count(b"\r") - data.count(b"\r\n")
        assert reader.count_ends(data) == (data.count(b"\n") + alone, alone)
        assert texts.holds_low(data) == any(byte <= 32 and byte not in b"\r\n" for byte in data)
        for many in (0, 1000):  # by all line ends, and by counting between the marks
            patch.setattr(splitter, "_MANY", many)
            found = splitter._line_numbers(array, marks)
            assert found.tolist() == [data.count(b"\n", 0, at) for at in marks.tolist()]
