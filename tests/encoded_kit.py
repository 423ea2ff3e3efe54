"""People for the tests of linkage without names: a town written twice, the second time with slips."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa

from commonground.people.numbers import check_character

SURNAMES = "杨王李张刘陈吴罗黄赵周覃曾韦莫龙石潘"
WEIGHTS = [20, 14, 12, 10, 8, 7, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1]
GIVEN = "明伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英华文玉林建国云春晨思雨欣浩宇轩梓涵佳俊豪鹏飞雪梅兰竹菊秋冬阳光亮红"
ALIKE = {
    "明": "铭",
    "伟": "玮",
    "芳": "方",
    "静": "婧",
    "强": "墙",
    "军": "君",
    "平": "萍",
    "英": "瑛",
    "欣": "新",
    "宇": "雨",
}
COLUMNS = {c: c for c in ("name", "birth", "sex", "id_number", "phone", "place")}


def make_town(people: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Two tables with the column ``who``: all people, and seven tenths of them written by another clerk."""
    rng = random.Random(seed)
    first, second = [], []
    for who in range(people):
        sex = rng.choice("12")
        birth = f"{rng.randint(1950, 2018)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        body = f"5299{rng.randint(1, 9):02d}{birth.replace('-', '')}{rng.randint(0, 99):02d}"
        body += str(2 * rng.randint(0, 4) + (sex == "1"))
        row = {
            "who": who,
            "name": rng.choices(SURNAMES, WEIGHTS)[0] + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2, 2)))),
            "birth": birth,
            "sex": sex,
            "id_number": body + check_character(body) if rng.random() < 0.7 else None,
            "phone": f"12{rng.randint(0, 10**9 - 1):09d}",
            "place": f"5299{rng.randint(1, 9):02d}{rng.randint(100, 120)}{rng.randint(200, 210)}",
        }
        first.append(row)
        if rng.random() < 0.7:
            second.append(_written(row, rng))
    rng.shuffle(second)
    return pa.Table.from_pylist(first), pa.Table.from_pylist(second)


def _written(row: dict[str, object], rng: random.Random) -> dict[str, object]:
    other = dict(row)
    name, birth = str(row["name"]), str(row["birth"])
    if rng.random() < 0.06:
        other["name"] = name[:-1] + ALIKE.get(name[-1], rng.choice(GIVEN))
    if rng.random() < 0.05:
        other["birth"] = birth[:8] + f"{rng.randint(1, 28):02d}"
    if rng.random() < 0.02:
        other["birth"] = f"{int(birth[:4]) + 1}{birth[4:]}"
    if rng.random() < 0.3:
        other["id_number"] = None
    if rng.random() < 0.3:
        other["phone"] = f"12{rng.randint(0, 10**9 - 1):09d}"
    return other


CONTRACT = """
[dataset]
kind = "dibao"
subject = "self"

[[layout]]
format = "csv"
encoding = "utf-8"

[[column]]
source = "姓名"
concept = "name"

[[column]]
source = "出生日期"
concept = "birth"

[[column]]
source = "性别"
concept = "sex"

[[column]]
source = "身份证号"
concept = "id_no"

[[column]]
source = "电话"
concept = "phone"

[[column]]
source = "村"
concept = "village_code"
"""
HEADS = {"name": "姓名", "birth": "出生日期", "sex": "性别", "id_number": "身份证号", "phone": "电话", "place": "村"}


def write_csv(table: pa.Table, path: Path) -> Path:
    """Write a table of ``make_town`` as a department's file, in its order."""
    lines = [",".join(HEADS.values())]
    lines += [",".join(str(row[c] or "") for c in HEADS) for row in table.to_pylist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
