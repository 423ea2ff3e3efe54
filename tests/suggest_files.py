"""Files as departments send them, made by hand for the tests of ``suggest``; numbers are of areas never assigned."""

from __future__ import annotations

import fnmatch
import functools
import random
from pathlib import Path
from typing import Any

import openpyxl

from commonground.intake import load_contract
from commonground.intake.model import Layout
from commonground.intake.suggest.gather import Found, Group, gather, list_files
from commonground.intake.suggest.layouts import Written, layouts

ALIKE = {"cp936": "gb18030", "gbk": "gb18030"}  # subsets: files decode to the same text
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀英"


def person(i: int, draw: random.Random) -> list[str]:
    """A row about somebody: number, name, sex, birth, identity number, height, class, phone."""
    name = draw.choice(SURNAMES) + draw.choice(GIVEN) + draw.choice(GIVEN)
    born = f"201{draw.randint(0, 5)}{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"
    number = f"529901{born}{i:03d}X"
    height = str(draw.randint(90, 160))
    return [str(i), name, draw.choice("男女"), born, number, height, draw.choice(["一班", "二班"]), f"12{i:09d}"]


NAMES = ["序号", "姓名", "性别", "出生日期", "身份证号", "身高", "班级", "联系电话"]


def people(n: int = 60, seed: int = 1) -> list[list[str]]:
    draw = random.Random(seed)
    return [person(i, draw) for i in range(1, n + 1)]


def separated(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    return end.join(separator.join(row) for row in rows) + end


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def profiled(*paths: Path) -> list[Group]:
    return gather(list_files(paths))


def only(path: Path) -> Found:
    """The single sheet with data of a file."""
    groups = profiled(path)
    found = [one for group in groups for one in group.found]
    assert len(found) == 1, [group.aside for group in groups]
    return found[0]


def written(path: Path) -> list[Written]:
    return [layout for group in profiled(path) for layout in layouts(group.found, group.aside)]


_contract = functools.lru_cache(load_contract)


def by_hand(found: Found, group: Group, sources: Path) -> Layout:
    """The layout that somebody wrote for a sheet."""
    contract = _contract(sources / group.department / f"{group.dataset}.toml")
    return next(
        one
        for one in contract.layouts
        if fnmatch.fnmatchcase(found.place.file, one.files) and fnmatch.fnmatchcase(found.profile.sheet, one.sheets)
    )


def compared(written: Written, hand: Layout) -> dict[str, tuple[Any, Any]]:
    keys = written.keys
    header = keys.get("header_row", 1)
    out = {
        "format": (keys["format"], hand.format),
        "encoding": (
            ALIKE.get(keys.get("encoding", ""), keys.get("encoding", "")),
            ALIKE.get(hand.encoding, hand.encoding),
        ),
        "columns": (tuple(keys.get("columns", ())), hand.columns),
        "short_rows": (keys.get("short_rows", "quarantine"), hand.short_rows),
    }
    if hand.format == "csv":
        out["separator"] = (keys.get("separator"), hand.separator)
    if hand.format in ("csv", "xlsx", "xls"):
        out["header_row"] = (tuple(header) if isinstance(header, list) else (header,), hand.header_row)
    return out
