"""TOML files of a city: read, with known keys and values of the right kind, or a message and not a traceback."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from commonground.errors import CityError, Said, did_you_mean


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value)) and value[0] <= value[1]


def _list(value: Any, of: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, of) for one in value)


SHAPES: dict[str, tuple[Callable[[Any], bool], Said]] = {
    "text": (lambda v: isinstance(v, str), Said("加引号的文字", "a text in quotes")),
    "character": (lambda v: isinstance(v, str) and len(v) == 1, Said("加引号的一个字符", "one character in quotes")),
    "nothing": (lambda v: v == "", Said('空的 ""', 'an empty ""')),
    "flag": (lambda v: isinstance(v, bool), Said("true 或 false", "true or false")),
    "whole": (_whole, Said("不小于 0 的整数", "a whole number, not below 0")),
    "count": (lambda v: _whole(v) and v > 0, Said("大于 0 的整数", "a whole number above 0")),
    "number": (_number, Said("数，如 0.05", "a number such as 0.05")),
    "share": (lambda v: _number(v) and 0 < v < 1, Said("0 与 1 之间的数，如 0.95", "a number between 0 and 1: 0.95")),
    "memory": (
        lambda v: isinstance(v, str) and re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", v) is not None,
        Said('内存大小，如 "4GB"', 'an amount of memory such as "4GB"'),
    ),
    "date": (
        lambda v: isinstance(v, dt.date) and not isinstance(v, dt.datetime),
        Said("日期，如 2025-09-01，不加引号", "a date such as 2025-09-01, without quotes"),
    ),
    "texts": (lambda v: _list(v, str), Said('文字的列表，如 ["甲", "乙"]', 'a list of texts, such as ["a", "b"]')),
    "wholes": (
        lambda v: isinstance(v, list) and len(v) > 0 and all(map(_whole, v)),
        Said("整数的列表，如 [2, 3]", "a list of whole numbers, such as [2, 3]"),
    ),
    "dates": (
        lambda v: _list(v, dt.date) and len(v) <= 2,
        Said("起止日期，如 [2018-01-01, 2023-12-31]", "a first and a last date, such as [2018-01-01, 2023-12-31]"),
    ),
    "range": (_range, Said("两个数，小的在前，如 [0, 100]", "two numbers, the smaller first, such as [0, 100]")),
    "table": (lambda v: isinstance(v, dict), Said('表，如 { "甲" = "1" }', 'a table, such as { "a" = "1" }')),
    "tables": (lambda v: _list(v, dict), Said("表的列表，如 [[…]] 或 [{ … }]", "a list of tables: [[…]] or [{ … }]")),
    "said": (
        lambda v: isinstance(v, dict) and set(v) == {"zh", "en"} and all(isinstance(t, str) for t in v.values()),
        Said('中英文两项：{ zh = "…", en = "…" }', 'both languages: { zh = "…", en = "…" }'),
    ),
}
"""Names of the kinds of values, the test of each, and how it is put into words."""


def check_types(given: Mapping[str, Any], wanted: Mapping[str, str], where: str, error: type[Any] = CityError) -> None:
    """Raise ``error`` for the first setting whose value is of another kind than ``wanted`` says.

    Parameters
    ----------
    wanted : mapping
        Setting → names of ``SHAPES`` separated by ``|``; settings that are not given are not asked for.
    where : str
        File and section, for the message.
    """
    for key, shapes in wanted.items():
        names = shapes.split("|")
        if key in given and not any(SHAPES[name][0](given[key]) for name in names):
            says = [SHAPES[name][1] for name in names]
            raise error(
                Said(f"“{key}”的值写法不对。", f"The value of “{key}” is of the wrong kind."),
                where=f"{where} {key}",
                todo=Said(
                    f"应写成{'或'.join(said.zh for said in says)}。", f"Write {' or '.join(said.en for said in says)}."
                ),
            )


def read_toml(path: Path, error: type[CityError] | type[Any] = CityError) -> dict[str, Any]:
    """Read a TOML file; a missing file or a typo raises ``error`` with the file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(
            Said(f"找不到文件 {path.name}。", f"The file {path.name} is not there."),
            where=str(path),
            todo=Said("请检查路径是否写对。", "Check that the path is right."),
        ) from None
    except tomllib.TOMLDecodeError as fault:
        raise error(
            Said(f"{path.name} 的 TOML 写法有误。", f"{path.name} is not valid TOML."),
            where=str(path),
            why=Said(str(fault), str(fault)),
            todo=Said('请改正该行；代码要加引号，如 "01"。', 'Mend that line; codes need quotes, such as "01".'),
        ) from None
    except UnicodeDecodeError:
        raise error(
            Said(f"{path.name} 不是 UTF-8 编码。", f"{path.name} is not UTF-8."),
            where=str(path),
            todo=Said("请另存为 UTF-8。", "Save it as UTF-8."),
        ) from None


def check_keys(given: Mapping[str, Any], known: set[str], where: str, error: type[Any] = CityError) -> None:
    """Raise ``error`` for the first key that is not known, with the nearest known ones."""
    names = set(known)
    for key in given:
        if key not in names:
            raise error(
                Said(f"不认识的设置“{key}”。", f"Unknown setting “{key}”."),
                where=where,
                todo=did_you_mean(key, names),
            )
