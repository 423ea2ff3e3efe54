"""What must hold of ``suggest`` for every file, good or broken."""

from __future__ import annotations

import json
import random
import tempfile
import tomllib
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonground.errors import CommonGroundError
from commonground.intake import load_contract
from commonground.intake.pack import load_pack
from commonground.intake.suggest import suggest
from commonground.intake.suggest.gather import gather
from commonground.intake.suggest.places import file_pattern, glob_of
from commonground.intake.suggest.write import toml
from suggest_files import NAMES, people, separated

TITLES = ["2024—2025学年学生花名册", "填报单位：云台区教育局", "附件1"]
FOOTERS = ["注：缺考记空白", "制表人：王某", "共60人"]
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.recursive(
    st.one_of(plain, st.integers(-(10**12), 10**12), st.booleans(), st.dates(), st.floats(-1e6, 1e6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(plain, inner, max_size=4)),
    max_leaves=8,
)


@given(values)
def test_what_is_written_is_read_back(value: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value


@settings(max_examples=30)
@given(
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"]),
    st.sampled_from([",", "\t", "|", ";"]),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.sampled_from(TITLES), max_size=3, unique=True),
    st.lists(st.sampled_from(FOOTERS), max_size=3, unique=True),
    st.booleans(),
    st.permutations(range(8)),
    st.integers(0, 10**6),
)
def test_the_layout_of_a_made_file_is_found(
    codec: str,
    separator: str,
    end: str,
    titles: list[str],
    footers: list[str],
    header: bool,
    order: list[int],
    seed: int,
) -> None:
    table = [NAMES, *people(40, seed)] if header else people(40, seed)
    rows = [[text] for text in titles] + [[row[i] for i in order] for row in table] + [[text] for text in footers]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(separated(rows, separator, end).encode(codec))
        (group,) = gather([path])
    (one,) = group.found
    layout = one.profile.layout
    assert layout["encoding"] == ("utf-8" if codec == "utf-8-sig" else codec)
    assert layout["separator"] == separator
    assert layout["header_row"] == (len(titles) + 1 if header else 0)
    assert len(one.profile.columns) == 8
    assert len(layout.get("non_data", [])) == len(footers)
    if header:
        assert one.profile.rows == 40
        assert [column.name for column in one.profile.columns] == [NAMES[i] for i in order]


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from(["utf-8", "gb18030", "utf-16"]), st.integers(1, 12))
def test_broken_files_are_profiled_or_refused_but_never_break(seed: int, codec: str, faults: int) -> None:
    """Bytes are changed, dropped, doubled and cut at random; whatever comes out, a contract that is given loads."""
    draw = random.Random(seed)
    content = bytearray(separated([NAMES, *people(30, seed)]).encode(codec))
    for _ in range(faults):
        at = draw.randrange(len(content))
        kind = draw.randrange(4)
        if kind == 0:
            content[at] = draw.choice([0, 10, 13, 34, 44, 255, draw.randrange(256)])
        elif kind == 1:
            del content[at : at + draw.randrange(1, 40)]
        elif kind == 2:
            content[at:at] = content[at : at + draw.randrange(1, 200)]
        else:
            content = content[: max(1, at)] if draw.random() < 0.2 else content
        content = content or bytearray(b"x")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(bytes(content))
        try:
            found = suggest([path])
        except CommonGroundError:  # refused, with the reason: which reasons there are is tested one by one
            return
        for one in found:
            written = Path(folder) / "contract.toml"
            written.write_text(one.contract, encoding="utf-8")
            named = {name for rule in load_contract(written).columns for name in rule.source}
            open_still = {name for column in one.draft.undecided for name in column.sources}
            held = {column.name for sheet in one.draft.found for column in sheet.profile.columns}
            assert held <= named | open_still  # no column is lost between the two


@settings(max_examples=20)
@given(st.lists(st.text("东西南北云台区县市小学_-年级一二2025.[]*?", min_size=1, max_size=14), min_size=1, max_size=5))
def test_globs_match_their_files_and_patterns_compile(names: list[str]) -> None:
    import fnmatch
    import re

    files = [f"{name}.csv" for name in names]
    assert all(fnmatch.fnmatchcase(file, glob_of(files)) for file in files)
    pattern = re.compile(file_pattern(files))
    assert all(pattern.search(file) for file in files)


@settings(max_examples=8)
@given(st.lists(st.sampled_from("甲乙丙丁戊己庚辛"), min_size=20, max_size=60), st.integers(3, 10))
def test_texts_that_few_rows_hold_are_never_shown(cells: list[str], limit: int) -> None:
    assume(len(set(cells)) > 1)
    rows = [["记号", "数量"], *([f"{cell}类标记", str(i)] for i, cell in enumerate(cells))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(separated(rows), encoding="utf-8")
        (one,) = suggest([path], hide_under=limit)
    text = json.dumps(one.profile, ensure_ascii=False) + one.page()
    for cell in set(cells):
        if cells.count(cell) < limit:
            assert f"{cell}类标记" not in text


def test_the_pack_has_the_kind_for_what_is_not_decided() -> None:
    assert "other" in load_pack().kinds
