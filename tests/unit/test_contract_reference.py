"""Each key of a contract is documented in both languages, and its example is taken by the reader of contracts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from commonground.errors import ContractError
from commonground.intake import contract as reader
from commonground.intake.contract import load_contract
from commonground.intake.keys import kinds_of
from commonground.toml import SHAPES

KEYS = tomllib.loads((Path(reader.__file__).parent / "contract_keys.toml").read_text(encoding="utf-8"))
EVERY = [(section, key) for section, keys in KEYS.items() for key in keys]
BASE = {
    "dataset": 'kind = "student_registry"',
    "layout": 'format = "csv"\nencoding = "utf-8"',
    "column": 'source = "姓名"\nconcept = "name"',
}
OTHERS = {  # what a key's example needs beside it
    ("database", "url"): 'table = "pupils"',
    **{("database", key): 'url = "mysql://reader@db/xueji"' for key in ("table", "query")},
    **{("database", key): 'url = "mysql://reader@db/xueji"\ntable = "t"' for key in ("key", "password_env")},
    ("layout", "format"): 'encoding = "utf-8"',
    ("layout", "encoding"): 'format = "csv"',
    ("layout", "widths"): 'format = "fixed"\nencoding = "gb18030"\nheader_row = 0\ncolumns = ["a", "b", "c"]',
    ("layout", "width_unit"): 'format = "fixed"\nencoding = "gb18030"\nlayout_file = "字段说明.txt"',
    ("layout", "fill_down"): 'format = "xlsx"',
    ("dataset", "kind"): "",
    ("column", "source"): 'concept = "class"',
    ("column", "concept"): 'source = "班级"',
    ("column", "ignore"): 'source = "班级"',
    ("column", "codes"): 'source = "性别"\nconcept = "sex"',
    ("column", "missing"): 'source = "语文"\nconcept = "chinese"',
    ("column", "unit"): 'source = "体重"\nconcept = "weight"',
    ("column", "where"): 'source = "体重"\nconcept = "weight"',
    ("column", "order"): 'source = "出生日期"\nconcept = "birth"',
}


def _write(folder: Path, section: str, text: str) -> Path:
    sections = dict(BASE) | {section: text}
    heads = {"dataset": "[dataset]", "database": "[database]"}
    path = folder / "edu" / "pupils.toml"
    path.parent.mkdir()
    path.write_text("\n".join(f"{heads.get(s, f'[[{s}]]')}\n{t}" for s, t in sections.items()), encoding="utf-8")
    return path


@pytest.mark.parametrize(("section", "key"), EVERY, ids=[f"{s}.{k}" for s, k in EVERY])
def test_the_example_of_each_key_is_taken(tmp_path: Path, section: str, key: str) -> None:
    entry = KEYS[section][key]
    beside = OTHERS.get((section, key), BASE.get(section, ""))
    assert load_contract(_write(tmp_path, section, f"{beside}\n{entry['example']}")) is not None
    assert entry["zh"].endswith("。")
    assert entry["en"].endswith(".")
    assert all(name in SHAPES for name in entry["is"].split("|"))
    assert entry.get("required") or "default" in entry


@pytest.mark.parametrize(("section", "key"), EVERY, ids=[f"{s}.{k}" for s, k in EVERY])
def test_a_key_mistyped_is_met_with_the_right_one(tmp_path: Path, section: str, key: str) -> None:
    wrong = key[:-1] + "qq"
    with pytest.raises(ContractError) as caught:
        load_contract(_write(tmp_path, section, f"{BASE.get(section, '')}\n{wrong} = 1"))
    assert wrong in caught.value.what.en
    assert key in caught.value.todo.en


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('type = "not_future"', "which columns"),
        ('type = "in_order"\ncolumns = ["birth"]', "which columns"),
        ('type = "code_share"\nconcepts = ["sex"]', "lacks values"),
    ],
)
def test_a_check_without_its_columns_or_parameters_is_refused_before_anything_is_read(
    tmp_path: Path, entry: str, said: str
) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(_write(tmp_path, "check", entry))
    assert said in caught.value.what.en
    assert "[[check]] 1" in caught.value.where


@pytest.mark.parametrize("reason", ["{}", '{ zh = "不需要" }', '{ zh = "不需要", em = "not needed" }'])
def test_a_column_is_not_ignored_without_its_reason_in_both_languages(tmp_path: Path, reason: str) -> None:
    with pytest.raises(ContractError) as caught:
        load_contract(_write(tmp_path, "column", f'source = "班级"\nignore = {reason}'))
    assert "ignore" in caught.value.what.en
    assert "en = " in caught.value.todo.en


def test_the_keys_that_are_documented_are_the_keys_that_are_taken() -> None:
    for section, keys in KEYS.items():
        assert kinds_of(section) == {key: entry["is"] for key, entry in keys.items()}
