"""Bad input gets a message that says what, where, why and what to do, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonground.errors import CommonGroundError, ContractError, DeliveryError
from commonground.intake import load_contract, run
from intake_kit import HEAD, ID_A, LAYOUT, Town, column

NAME, SEX = column("姓名", "name"), column("性别", "sex")
GOOD = "姓名,性别\n甲,1\n乙,2\n"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def check(town: Town, kind: type[CommonGroundError], *words: str) -> CommonGroundError:
    """Run intake, expect ``kind``, and find each word in the English or Chinese message."""
    with pytest.raises(kind) as caught:
        run(town.city())
    zh, en = caught.value.message("zh"), caught.value.message("en")
    assert "办法：" in zh
    assert "What to do: " in en
    assert "位置：" in zh
    for word in words:
        assert word in zh + en, f"{word} not in\n{zh}\n{en}"
    return caught.value


def test_no_contract_at_all(town: Town) -> None:
    check(town, ContractError, "sources")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (HEAD.replace("student_registry", "student_register") + LAYOUT + NAME, ("student_registry",)),
        (HEAD.replace("kind", "kinds") + LAYOUT + NAME, ("kinds", "kind")),
        (HEAD + LAYOUT + column("姓名", "nmae"), ("nmae", "name", "姓名")),
        (HEAD + LAYOUT + NAME.replace("concept", "concpet"), ("concpet", "concept")),
        (HEAD + LAYOUT + column("体重", "weight", 'unit = "jni"'), ("jni", "jin")),
        (HEAD + LAYOUT + column("性别", "sex", 'codes = { "男" = "3" }'), ("3",)),
        (HEAD + LAYOUT + column("户口", "hukou_nature", 'codes = { "1" = "rurla" }'), ("rurla", "rural")),
        (HEAD + LAYOUT.replace("utf-8", "gb18300") + NAME, ("gb18300", "gb18030")),
        (HEAD + LAYOUT.replace('encoding = "utf-8"', "") + NAME, ("encoding",)),
        (HEAD + LAYOUT.replace('"csv"', '"cvs"') + NAME, ("cvs", "csv")),
        (HEAD + LAYOUT + 'file_pattern = "(年级"\n' + NAME, ("(年级",)),
        (HEAD + NAME, ("[[layout]]",)),
        (HEAD + LAYOUT + '\n[[column]]\nsource = "姓名"\n', ("ignore",)),
        (HEAD + '\n[[delivery]]\nconstants = { school_year = "2025" }\n' + LAYOUT + NAME, ("school_year",)),
        (HEAD + LAYOUT + "\n[[column]]\nsource = 姓名\n", ("TOML",)),
    ],
)
def test_a_contract_with_a_typo(tmp_path: Path, wrong: str, words: tuple[str, ...]) -> None:
    path = tmp_path / "sources" / "edu" / "pupils.toml"
    path.parent.mkdir(parents=True)
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    zh, en = caught.value.message("zh"), caught.value.message("en")
    for word in (*words, str(path)):
        assert word in zh
        assert word in en or word not in zh or not word.isascii()


def test_missing_folder_and_its_two_ways_out(town: Town) -> None:
    town.contract(NAME, SEX)
    check(town, DeliveryError, "absent = true", "edu.pupils")
    town.contract(NAME, SEX, head=HEAD + "absent = true\n")
    town.contract(NAME, SEX, name="edu/other")
    town.deliver(GOOD, name="edu/other")
    assert list(run(town.city()).tables) == ["edu.other"]


def test_a_misspelt_folder_is_hinted(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver(GOOD, name="edu/pupil")
    check(town, DeliveryError, "edu.pupil")


def test_empty_deliveries(town: Town) -> None:
    town.contract(NAME, SEX)
    (town.deliveries / "edu" / "pupils" / "2025-09-10").mkdir(parents=True)
    check(town, DeliveryError, "2025-09-10")
    town.deliver("", "a.csv")
    check(town, DeliveryError, "a.csv", "0 ")
    town.deliver("姓名,性别\n", "a.csv")
    check(town, DeliveryError, "edu.pupils")


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "dbf", "sav", "dta", "parquet", "jsonl", "geojson", "csv"])
def test_binary_rubbish_under_every_format(town: Town, kind: str) -> None:
    encoding = 'encoding = "gb18030"' if kind in ("dbf", "jsonl", "geojson", "csv") else ""
    town.contract(NAME, SEX, layout=f'\n[[layout]]\nformat = "{kind}"\n{encoding}\n')
    town.deliver(bytes(range(256)) * 20, f"a.{kind}")
    check(town, DeliveryError, f"a.{kind}")
    town.deliver(b"\x00\x01\x02 x y\n" * 50, f"a.{kind}")
    check(town, DeliveryError, f"a.{kind}")


def test_unknown_and_lacking_columns(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver("姓名,性別\n甲,1\n")
    check(town, DeliveryError, "性別", "性别", "[[column]]")
    town.deliver("姓名\n甲\n")
    check(town, DeliveryError, "性别", "optional = true")
    town.contract(NAME, column("性别", "sex", "optional = true"))
    assert run(town.city()).tables["edu.pupils"]["sex"].to_pylist() == [None]


def test_a_header_that_is_a_person_is_not_shown(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver("王小明,110105194912310021\n李红,110105194912310022\n")
    error = check(town, DeliveryError, "header_row = 0")
    for lang in ("zh", "en"):
        assert "王小明" not in error.message(lang)
        assert "110105" not in error.message(lang)


def test_rules_that_name_a_column_which_is_not_there(town: Town) -> None:
    town.contract(NAME, column("性别", "sex", 'where = [{ when = { "姓命" = "*" }, codes = { "1" = "1" } }]'))
    town.deliver(GOOD)
    check(town, ContractError, "姓命", "姓名")
    town.contract(NAME, SEX, layout=LAYOUT + 'non_data = [{ column = "姓命", matches = "合计", reason = "total" }]\n')
    check(town, ContractError, "姓命", "姓名")


def test_two_columns_for_one_meaning(town: Town) -> None:
    town.contract(NAME, column("名", "name"))
    town.deliver("姓名,名\n甲,乙\n")
    check(town, ContractError, "name")


def test_a_file_that_no_layout_takes(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver(GOOD)
    town.deliver(GOOD, "b.doc")
    check(town, DeliveryError, "b.doc", "ignore")


def test_another_separator_than_declared(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver("姓名,性别\n" + "甲;1\n" * 30)
    check(town, DeliveryError, "30", "[[layout]]")


def test_a_file_outside_a_delivery_and_a_day_that_is_none(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver(GOOD, "../a.csv")
    check(town, DeliveryError, "2025-09-10")
    (town.deliveries / "edu" / "pupils" / "a.csv").unlink()
    town.deliver(GOOD, day="第一次")
    (town.deliveries / "edu" / "pupils" / "2025-09-10").rmdir()
    check(town, ContractError, "第一次", "as_of")


def test_a_name_that_does_not_fit_its_pattern(town: Town) -> None:
    town.contract(NAME, SEX, layout=LAYOUT + "file_pattern = '(?P<year>\\d{4})年'\n")
    town.deliver(GOOD)
    check(town, DeliveryError, "file_pattern", "a.csv")


def test_an_empty_header_row(town: Town) -> None:
    town.contract(NAME, SEX, layout=LAYOUT + "header_row = 5\n")
    town.deliver(GOOD)
    check(town, DeliveryError, "header_row")


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (HEAD + LAYOUT + 'header_row = "first"\n' + NAME, "header_row"),
        (HEAD + LAYOUT + "header_row = []\n" + NAME, "header_row"),
        (HEAD + LAYOUT + "header_row = -1\n" + NAME, "header_row"),
        (HEAD + LAYOUT + "header_row = 0\n" + NAME, "columns"),
        (HEAD + LAYOUT + 'separator = ""\n' + NAME, "separator"),
        (HEAD + LAYOUT + 'separator = "||"\n' + NAME, "separator"),
        (HEAD + LAYOUT + 'quote = "ab"\n' + NAME, "quote"),
        (HEAD + LAYOUT.replace('"utf-8"', "8") + NAME, "encoding"),
        (HEAD + LAYOUT.replace('"utf-8"', '"hex"') + NAME, "encoding"),
        (HEAD + LAYOUT + '\n[[column]]\nsource = 5\nconcept = "name"\n', "source"),
        (HEAD + LAYOUT + '\n[[column]]\nsource = [1]\nconcept = "name"\n', "source"),
        (HEAD + LAYOUT + column("性别", "sex", 'codes = ["男"]'), "codes"),
        (HEAD + LAYOUT + column("性别", "sex", 'missing = "-1"'), "missing"),
        (HEAD + LAYOUT + column("体重", "weight", "range = [1]"), "range"),
        (HEAD + LAYOUT + column("体重", "weight", "range = [9, 1]"), "range"),
        (HEAD + LAYOUT + column("体重", "weight", "unit = 3"), "unit"),
        (HEAD + LAYOUT + '\n[[column]]\nsource = "备注"\nignore = "不要"\n', "ignore"),
        (HEAD.replace("[dataset]", "[[dataset]]") + LAYOUT + NAME, "dataset"),
        (HEAD + 'subject = "selff"\n' + LAYOUT + NAME, "subject"),
        (HEAD + "\n[[delivery]]\nas_of = 2025-09-01T08:00:00\n" + LAYOUT + NAME, "as_of"),
    ],
)
def test_a_setting_of_another_kind(tmp_path: Path, wrong: str, key: str) -> None:
    path = tmp_path / "sources" / "edu" / "pupils.toml"
    path.parent.mkdir(parents=True)
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert key in caught.value.message("zh")
    assert key in caught.value.message("en")


@pytest.mark.parametrize(
    "layout", ["header_row = 2\n", 'header_row = 2\nnon_data = [{ column = "学校", matches = "计" }]\n']
)
@pytest.mark.parametrize("row", [f"欧阳测试,{ID_A}", "欧阳测试,七班"])
def test_no_message_shows_a_row_taken_for_the_header(town: Town, layout: str, row: str) -> None:
    town.contract(NAME, column("证件", "id_no"), layout=LAYOUT + layout)
    town.deliver(f"姓名,证件\n{row}\n{row}\n")
    with pytest.raises(CommonGroundError) as caught:
        run(town.city())
    said = caught.value.message("zh") + caught.value.message("en") + str(caught.value.to_dict())
    assert "欧阳测试" not in said
    assert ID_A not in said
    assert "七班" not in said


def test_no_message_shows_names_that_a_wrong_concept_was_given(town: Town) -> None:
    town.contract(column("姓名", "sex"))
    names = [f"欧{chr(0x4E00 + n)}" for n in range(60)]
    town.deliver("姓名\n" + "\n".join(name for name in names for _ in range(6)) + "\n")
    error = check(town, ContractError, "360")
    assert "欧" not in error.message("zh")


def test_files_put_beside_the_folders_are_listed(town: Town) -> None:
    town.contract(NAME, SEX)
    town.deliver(GOOD)
    (town.deliveries / "名单.xlsx").write_bytes(b"PK")
    (town.deliveries / "edu" / "补交.csv").write_text(GOOD, encoding="utf-8")
    sums = run(town.city()).conservation.to_pylist()
    aside = {(row["department"], row["file"]): row["status"] for row in sums if row["status"] != "read"}
    assert aside == {("", "名单.xlsx"): "no contract", ("edu", "补交.csv"): "no contract"}
