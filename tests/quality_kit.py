"""A small city with two deliveries of a registry full of faults, and every check type put to use by its contract."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

from commonground.intake.ids import CHECK, WEIGHTS
from intake_kit import Town, column

COLUMNS = {
    "姓名": "name", "性别": "sex", "生日": "birth", "证件": "id_no", "学籍": "student_no", "校": "school_code",
    "年级": "grade", "入学": "entry_month", "体检": "check_date", "身高": "height", "体重": "weight",
    "高压": "sbp",
    "低压": "dbp", "数学": "math", "电话": "phone", "户籍": "hukou_area", "家长证": "g1_id", "关系": "g1_relation",
    "母证": "mother_id", "班数": "classes", "总数": "pupils", "女生": "girls", "平均": "class_size",
    "民族": "ethnicity",
    "低保": "dibao",
}  # fmt: skip
SCHOOLS = [f"529901000{i}" for i in range(6)]

CHECKS = """
[[check]]
type = "required"
params = { concepts = ["name", "english", "dibao"] }

[[check]]
type = "form"
name = "class"
columns = ["phone"]
params = { pattern = '12\\\\d{9}' }

[[check]]
type = "plausible_range"
name = "weight"
columns = ["weight"]
params = { low = 15, high = 90, when = { column = "grade", from = 2, to = 5 } }

[[check]]
type = "range_by_age_sex"
columns = ["height", "birth", "sex", "check_date"]

[check.params]
from_age = 6
male_low = [100, 105, 110]
male_high = [130, 135, 140]
female_low = [99, 104, 109]
female_high = [129, 134, 139]

[[check]]
type = "sum_of_parts"
columns = ["pupils", "girls", "classes"]
params = { tolerance = 30 }

[[check]]
type = "years_between"
columns = ["birth", "check_date"]
params = { low = 7, high = 11 }

[[check]]
type = "age_grade"
name = "here"
columns = ["birth", "grade"]
params = { low = 0, high = 3 }

[[check]]
type = "filled_by_group"
name = "phone"
columns = ["phone", "school_code"]
params = { rows = 5 }

[[check]]
type = "unit_suspect"
name = "here"
columns = ["weight", "school_code"]
params = { rows = 5 }

[[check]]
type = "unique"
name = "pair"
columns = ["name", "birth"]
params = { within = "file" }

[[check]]
type = "changed"
name = "weight"
columns = ["id_no", "weight"]
params = { low = -2, high = 5, per_year = true }

[[check]]
type = "same_value"
name = "dibao"
columns = ["dibao"]
params = { rows = 5 }

[[check]]
type = "heaping"
name = "weight"
columns = ["weight"]
params = { at = "last digit", digits = [0, 5] }

[[check]]
type = "code_share"
name = "mothers"
columns = ["g1_relation"]
params = { values = ["52"] }

[[check]]
type = "distribution"
name = "weight"
columns = ["weight"]
params = { as = "number" }
"""


def id_number(birth: dt.date, serial: int, area: str = "529901") -> str:
    """An identity number of an area that was never assigned."""
    body = f"{area}{birth:%Y%m%d}{serial % 1000:03d}"
    return body + CHECK[sum(int(c) * int(w) for c, w in zip(body, WEIGHTS, strict=True)) % 11]


def _row(rng: random.Random, i: int) -> dict[str, str]:
    """A child with faults at random."""
    birth = dt.date(2016, 1, 1) + dt.timedelta(days=rng.randrange(1400))
    if rng.random() < 0.1:
        birth = birth.replace(month=1, day=1)
    serial = i % 1000
    number = id_number(birth, serial)
    sex = "男" if serial % 2 else "女"
    written = birth if rng.random() < 0.9 else birth + dt.timedelta(days=40)
    if birth.day <= 12 and rng.random() < 0.2:
        written = birth.replace(month=birth.day, day=birth.month)
    grade = rng.randrange(1, 7)
    parent = dt.date(rng.choice([1960, 1988, 1990, 1992, 2008]), 5, 6)
    mother = id_number(dt.date(1990, 3, 1 + rng.randrange(28)), 2)
    school = rng.choice([*SCHOOLS[:5], "5299019999"])
    weight = rng.randrange(16, 50) * (2 if school == SCHOOLS[3] else 1)
    row = {
        "姓名": rng.choice(["王小明", "李\ue000花", "张3", "欧阳娜娜", "赵六"]),
        "性别": sex if rng.random() < 0.95 else "男",
        "生日": f"{written:%Y-%m-%d}", "证件": number,
        "学籍": f"G{number if rng.random() < 0.9 else id_number(birth, 7)}",
        "校": school, "年级": str(grade), "入学": f"{rng.choice([2014, 2022, 2023])}-09",
        "体检": rng.choice(["2024-05-01", "2024-12-24", "1904-03-03"]), "身高": str(rng.randrange(85, 150)),
        "体重": str(weight), "高压": str(rng.choice([100, 110, 103, 65])), "低压": str(rng.choice([60, 70, 108, 71])),
        "数学": str(rng.randrange(57, 64)),
        "电话": "" if school == SCHOOLS[2] else rng.choice(["12912345678", "139", "12x"]),
        "户籍": rng.choice(["529901", "529902", "529909", "110101", "522401", "529955"]),
        "家长证": id_number(parent, 11),
        "关系": rng.choice(["父亲", "母亲", "祖父"]), "母证": mother, "班数": str(rng.randrange(1, 9)),
        "总数": str(rng.randrange(20, 99)), "女生": str(rng.randrange(0, 110)), "平均": str(rng.choice([10, 20.5])),
        "民族": rng.choice(["汉族", "苗族"]), "低保": "0",
    }  # fmt: skip
    for name in row:
        if rng.random() < 0.06:
            whole = name in ("民族", "低保", "关系", "性别", "电话")
            row[name] = "" if whole else rng.choice(["", "", "??", "无法识别"])
    return row


def _csv(rows: list[dict[str, str]]) -> str:
    return "\n".join([",".join(COLUMNS), *(",".join(r.values()) for r in rows)]) + "\n"


def make_town(folder: Path, rows: int = 240, seed: int = 5) -> Town:
    """Write the city: two deliveries of two files, one of them delivered again, and a school census."""
    rng = random.Random(seed)
    town = Town(folder)
    first = [_row(rng, i) for i in range(rows)]
    second = [dict(r) for r in first[rows // 6 :]] + [_row(rng, rows + i) for i in range(rows // 4)]
    for row in second:
        if rng.random() < 0.3 and row["体重"].isdigit():
            row["体重"] = str(int(row["体重"]) + rng.randrange(-6, 9))
        if rng.random() < 0.05:
            row["民族"] = "侗族"
    second += [dict(row) for row in second[:7]]
    columns = [column(source, concept, "optional = true") for source, concept in COLUMNS.items()]
    head = '[dataset]\nkind = "student_registry"\n[[delivery]]\nmatch = "2024-*"\nas_of = 2024-03-01\n'
    town.contract(*columns, CHECKS, head=head)
    for day, all_rows in (("2024-05-10", first), ("2025-05-10", second)):
        half = len(all_rows) // 2
        town.deliver(_csv(all_rows[:half]), "东.csv", day)
        town.deliver(_csv(all_rows[half:]), "西.csv", day)
    town.deliver(_csv(second[len(second) // 2 :]), "西again.csv", "2025-05-10")
    census = 'source = "码"\nconcept = "school_code"\n[[column]]\nsource = "人"\nconcept = "pupils"\n'
    town.contract(f"\n[[column]]\n{census}", head='[dataset]\nkind = "school_census"\n', name="edu/census")
    for day in ("2024-03-02", "2025-04-01"):
        town.deliver(
            "码,人\n" + "".join(f"{code},{20 + i}\n" for i, code in enumerate(SCHOOLS)), "c.csv", day, "edu/census"
        )
    return town
