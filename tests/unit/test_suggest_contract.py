"""Contracts as they are proposed: they load, lose nothing, and are written beside what stands there, never over it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from commonground.city import City
from commonground.errors import CityError, DeliveryError, Said
from commonground.governance import Ledger
from commonground.intake import load_contract, load_contracts, run
from commonground.intake.model import Pack
from commonground.intake.suggest import Suggestion, into, suggest
from commonground.intake.suggest.model import ColumnProposal, DatasetProposal, Evidence, SheetProfile
from commonground.intake.suggest.share import about, form
from intake_kit import Town
from suggest_files import NAMES, people, separated, workbook

MEANING = {
    "序号": "seq",
    "姓名": "name",
    "性别": "sex",
    "出生日期": "birth",
    "身份证号": "id_no",
    "班级": "class",
    "联系电话": "phone",
}
RULES = {"sex": {"codes": {"男": "1", "女": "2"}}}


def known(sheets: Sequence[SheetProfile], pack: Pack, *, dataset: str = "", department: str = "") -> DatasetProposal:
    """Stand in for what finds the meaning of columns: these names are known and no others."""
    columns = {column.name: column for sheet in sheets for column in sheet.columns}
    proposed = [
        ColumnProposal(
            column,
            MEANING.get(name),
            0.95 if name in MEANING else 0.2,
            alternatives=((MEANING.get(name, "class"), 0.2),),
            rule=RULES.get(MEANING.get(name, ""), {}),
        )
        for name, column in columns.items()
    ]
    kinds = (("student_registry", 0.9),)
    return DatasetProposal("student_registry", 0.9, kinds, "self", "one", tuple(sheets), tuple(proposed))


def pupils(town: Town, rows: list[list[str]], **more: str) -> Path:
    return town.deliver(separated(rows), **more)


def proposed(town: Town, *paths: Path, lang: str = "en") -> Suggestion:
    (one,) = suggest(paths or [town.deliveries], city=town.city(), lang=lang, propose=known)
    return one


def test_an_undecided_column_stops_intake_until_somebody_decides(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    one = proposed(town)
    assert [column.sources for column in one.draft.undecided] == [["身高"]]
    path = into(town.city(), one).contract
    assert path == town.city().sources / "edu" / "pupils.toml"
    assert "身高" not in {name for rule in load_contract(path).columns for name in rule.source}
    with pytest.raises(DeliveryError) as caught:
        run(town.city())
    assert "身高" in caught.value.message("en")
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("# [[column]]")
    lines = rest.splitlines()
    chosen = ["[[column]]", lines[1].removeprefix("# "), 'ignore = { zh = "不用", en = "not needed" }']
    path.write_text(head + "\n".join(chosen) + "\n", encoding="utf-8")
    result = run(town.city())
    assert result.tables["edu.pupils"].num_rows == 60
    assert result.tables["edu.pupils"]["sex"].to_pylist().count("1") == sum(row[2] == "男" for row in people())


def test_comments_are_in_the_language_asked_for(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    zh, en, both = (proposed(town, lang=lang).contract for lang in ("zh", "en", "both"))
    assert "还有 1 列没有确定" in zh
    assert "columns are not decided" not in zh
    assert "1 columns are not decided" in en
    assert "还有 1 列" in both
    assert "1 columns are not decided" in both
    without = ["\n".join(line for line in text.splitlines() if line[:1] != "#") for text in (zh, en, both)]
    assert without[0] == without[1] == without[2]


def test_a_column_renamed_between_deliveries_is_one_column(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()], day="2024-09-10")
    renamed = [name if name != "身高" else "身高值" for name in NAMES]
    pupils(town, [renamed, *people(seed=2)], day="2025-09-10")
    one = proposed(town)
    (column,) = one.draft.undecided
    assert column.sources == ["身高", "身高值"]
    assert "never in one file" in one.contract


def test_a_column_of_one_delivery_is_limited_to_it(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()], day="2024-09-10")
    pupils(town, [NAMES[:-1], *(row[:-1] for row in people())], day="2025-09-10")
    pupils(town, [NAMES[:-2], *(row[:-2] for row in people())], day="2025-09-10", file="b.csv")
    rules = {rule.source[0]: rule for rule in load_contract(into(town.city(), proposed(town)).contract).columns}
    assert rules["联系电话"].deliveries == "2024-*"
    assert rules["班级"].optional
    assert not rules["姓名"].optional


def test_files_that_differ_get_layouts_of_their_own(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()], file="东区_2025.csv")
    pupils(town, [NAMES, *people(seed=2)], file="南区_2025.csv")
    text = separated([["西县学籍表"], NAMES, *people(seed=3)], "|")
    town.deliver(text.encode("gb18030"), file="西县_2025.txt")
    path = into(town.city(), proposed(town)).contract
    layouts = load_contract(path).layouts
    assert [(one.files, one.encoding, one.separator, one.header_row) for one in layouts] == [
        ("西县_*.txt", "gb18030", "|", (2,)),
        ("*区_*.csv", "utf-8", ",", (1,)),
    ]


def test_a_rule_that_does_not_load_is_left_to_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "sex", {"codes": {"男": "male"}})
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    one = proposed(town)
    assert [column.sources[0] for column in one.draft.undecided] == ["性别", "身高"]
    assert any("male" in said.en for said in one.draft.doubts)
    assert load_contract(into(town.city(), one).contract).columns


def test_a_value_is_never_taken_for_a_sign_of_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade 9 among grades 1 to 9 is a grade; 99 is none; a code of the list is a code."""
    monkeypatch.setitem(MEANING, "年级", "grade")
    monkeypatch.setitem(RULES, "grade", {"missing": {"9": "unknown", "99": "unknown"}})
    monkeypatch.setitem(RULES, "sex", {"missing": {"女": "unknown"}})
    town = Town(tmp_path)
    rows = [[row[1], row[2], "99" if i == 0 else str(1 + i % 9)] for i, row in enumerate(people(90))]
    pupils(town, [["姓名", "性别", "年级"], *rows])
    rules = {c.sources[0]: c.proposal.rule for c in proposed(town).draft.columns}
    assert rules["年级"] == {"missing": {"99": "unknown"}}
    assert "missing" not in rules["性别"]


def test_two_columns_of_a_file_never_share_a_concept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEANING, "身高", "class")
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    one = proposed(town)
    assert len(one.draft.undecided) == 1
    assert one.draft.undecided[0].clash


def test_an_existing_contract_is_never_overwritten(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    path = into(town.city(), proposed(town)).contract
    mine = path.read_text(encoding="utf-8").replace('encoding = "utf-8"', 'encoding = "gb18030"')
    path.write_text(mine, encoding="utf-8")
    again = into(town.city(), proposed(town))
    assert path.read_text(encoding="utf-8") == mine
    assert again.contract.name == "pupils.suggested.toml"
    changed = [line for line in again.difference.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ['-encoding = "gb18030"', '+encoding = "utf-8"']
    assert list(load_contracts(town.city())) == ["edu.pupils"]


def test_the_ledger_is_told_where_there_is_one(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    into(town.city(), proposed(town))
    assert not (town.folder / "ledger.db").exists()
    with Ledger(town.city()) as ledger:
        ledger.append("build", "local:chen", "version 1", {})
    into(town.city(), proposed(town))
    with Ledger(town.city()) as ledger:
        (entry,) = ledger.entries("contract_suggested")
    assert entry.subject == "edu/pupils"
    assert (entry.detail["columns"], entry.detail["undecided"]) == (8, 1)


def test_department_and_dataset_must_be_known_to_write(tmp_path: Path) -> None:
    town = Town(tmp_path)
    loose = tmp_path / "loose.csv"
    loose.write_text(separated([NAMES, *people()]), encoding="utf-8")
    with pytest.raises(CityError, match="--department"):
        into(town.city(), proposed(town, loose))
    (one,) = suggest([loose], city=town.city(), department="edu", dataset="new", propose=known)
    assert into(town.city(), one).contract == City(town.folder).sources / "edu" / "new.toml"


def test_files_without_a_place_are_grouped_by_their_columns(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(separated([NAMES, *people()]), encoding="utf-8")
    other = [["商品", "数量"], *([f"货{i}", str(i)] for i in range(30))]
    (tmp_path / "c.csv").write_text(separated(other), encoding="utf-8")
    found = suggest([tmp_path], propose=known)
    assert [sorted(one.place.file for one in s.draft.found) for s in found] == [["a.csv", "b.csv"], ["c.csv"]]


def test_tables_of_one_file_that_differ_become_datasets_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    goods: list[list[object]] = [["商品", "数量"], *([f"货{i}", i] for i in range(30))]
    workbook(path, 学生=[list(NAMES), *(list(row) for row in people())], 商品=goods)
    first, second = suggest([path], propose=known)
    for one, other in ((first, "商品"), (second, "学生")):
        written = tmp_path / "c.toml"
        written.write_text(one.contract, encoding="utf-8")
        assert [entry.sheets for entry in load_contract(written).ignore] == [other]


def test_nothing_about_a_person_is_in_the_profile(tmp_path: Path) -> None:
    town = Town(tmp_path)
    rows = people(200)
    for row in rows[:3]:
        row[6] = "罕见班"
    pupils(town, [[*NAMES, "备注"], *([*row, f"家住{row[1]}隔壁"] for row in rows)])
    one = proposed(town)
    texts = [json.dumps(one.profile, ensure_ascii=False), one.page()]
    for text in texts:
        for row in rows:
            assert not any(cell in text for cell in (row[1], row[3], row[4], row[7]))
        assert "罕见班" not in text
        assert "一班" in text
    columns = {column["name"]: column for column in one.profile["columns"]}
    assert columns["姓名"]["values_hidden"]
    assert columns["备注"]["values_hidden"]
    assert {value["text"] for value in columns["班级"]["values"]} == {"一班", "二班"}
    assert all(value["count"] % 5 == 0 for value in columns["班级"]["values"])
    assert columns["身份证号"]["forms"][0]["form"] == "9×17 a"
    assert one.profile["hidden_under"] == 10


def test_names_of_sheets_and_files_say_what_no_column_says(tmp_path: Path) -> None:
    town = Town(tmp_path)
    for number in ("529901", "529902"):
        pupils(town, [[*NAMES, "行政区划"], *([*row, number] for row in people())], file=f"HK_{number}.csv")
    one = proposed(town)
    (area,) = [column for column in one.draft.columns if column.sources == ["@area"]]
    assert area.decided
    (column,) = [column for column in proposed(town).draft.undecided if column.sources == ["行政区划"]]
    assert column.proposal.concept is None
    MEANING["行政区划"] = "area"
    try:
        taken = proposed(town)
    finally:
        del MEANING["行政区划"]
    assert "行政区划" not in {column.sources[0] for column in taken.draft.undecided}
    assert '# source = "@area"' in taken.contract
    assert load_contract(into(town.city(), taken).contract).layouts[0].file_pattern is None
    assert "# file_pattern = '(?P<area>" in taken.contract


def test_sheets_of_counties(tmp_path: Path) -> None:
    town = Town(tmp_path)
    rows: list[list[object]] = [list(NAMES), *(list(row) for row in people())]
    path = town.deliver("", file="a.xlsx")
    workbook(path, 东区=rows, 西县=rows, 旧县=rows)
    one = proposed(town)
    assert one.draft.columns[0].sources == ["@sheet"]
    assert one.draft.columns[0].proposal.concept == "county"
    workbook(path, 王小明=rows, 李天佑=rows, 张雨桐=rows)
    again = proposed(town)
    assert not again.draft.columns[0].decided
    text = json.dumps(again.profile, ensure_ascii=False) + again.page()
    assert not any(name in text for name in ("王小明", "李天佑", "张雨桐"))


def test_what_quotes_a_person_stays_out_of_the_profile(tmp_path: Path) -> None:
    rows = people()
    town = Town(tmp_path)
    pupils(town, [NAMES, *rows])

    def telling(sheets: Sequence[SheetProfile], pack: Pack, **more: str) -> DatasetProposal:
        plain = known(sheets, pack, **more)
        told = Evidence("values", Said(f"例如{rows[3][1]}", f"such as {rows[3][1]}"), 2.0)
        columns = tuple(replace(column, evidence=(told,)) for column in plain.columns)
        doubts = (Said(f"{rows[5][4]} 不合", f"{rows[5][4]} fails"), Said("请看一看", "look at it"))
        return replace(plain, columns=columns, doubts=doubts)

    (one,) = suggest([town.deliveries], city=town.city(), propose=telling)
    assert [said["en"] for said in one.profile["check"]] == ["look at it"]
    assert not any(column["evidence"] for column in one.profile["columns"])
    assert rows[3][1] not in one.page()
    assert one.draft.doubts[0].zh.startswith(rows[5][4])


def test_a_row_taken_for_the_header_is_not_shown(tmp_path: Path) -> None:
    town = Town(tmp_path)
    row = people()[0]
    pupils(town, [row, ["某人", "甲", "乙", "丙", "丁", "戊", "己", "庚"]])
    (one,) = suggest([town.deliveries], city=town.city(), propose=known)
    assert row[4] not in json.dumps(one.profile, ensure_ascii=False) + one.page()


def test_the_page_needs_nothing_beside_it_and_speaks_both_languages(tmp_path: Path) -> None:
    town = Town(tmp_path)
    pupils(town, [NAMES, *people()])
    page = proposed(town).page()
    assert "http" not in page.replace("http-equiv", "")
    assert "src=" not in page
    assert "本文件可以带出保险库" in page
    assert "This file may leave the vault" in page
    assert "<script" not in page


def test_small_counts_and_forms() -> None:
    assert [about(n, 5) for n in (0, 1, 4, 5, 7, 8, 1234)] == [0, "<5", "<5", 5, 5, 10, 1235]
    assert about(11, 10) == 10
    assert form("52990119X") == "9×8 a"
    assert form("张三 12-3") == "汉×2   9×2 - 9"
