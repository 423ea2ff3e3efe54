"""The health commission's files: pupils' check-ups, and adults' check-ups with repeated visits."""

from __future__ import annotations

import numpy as np

from commonground.demo import files
from commonground.demo.clerks import Clerk, Office
from commonground.demo.places import COUNTIES
from commonground.demo.population import FATHER, GRANDFATHER, GRANDMOTHER, MOTHER
from commonground.demo.registers import age_on

PUPILS, ADULTS = "2024-11-29", "2025-05-20"
#: This county's doctors measure height in metres.
METRES = 5


def write_health(office: Office) -> None:
    """Write both check-ups."""
    pupils(office, office.clerk(40))
    adults(office, office.clerk(41))


def _growth(rng: np.random.Generator, age: np.ndarray, male: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw height in cm and weight in kg at an age in years."""
    height = 118 + 5.6 * (age - 6) + np.where(male, 0.35, 0.0) * (age - 6) - 0.9 * (age > 13) * (age - 13)
    height = height + rng.normal(0, 5.5, len(age))
    index = 15.2 + 0.42 * (age - 6) + rng.gamma(2.0, 1.1, len(age)) - 1.2
    return height.round(1), (index * (height / 100) ** 2).round(1)


def pupils(office: Office, clerk: Clerk) -> None:
    """Write pupils' check-ups of the second autumn: UTF-8 with a signature, one file a county."""
    r, s, p, rng = office.rolls, office.schools, office.people.persons, clerk.rng
    rows = np.flatnonzero(r.year == 2024)
    rows = rows[clerk.pick(len(rows), 0.93)]
    who, day = (
        r.person[rows],
        np.datetime64("2024-10-08"),
    )  # the third reading, up to six weeks on, precedes the delivery
    age = (day - p.birth[who]).astype(int) / 365.25
    height, weight = _growth(rng, age, p.male[who])
    first = day + rng.integers(0, 15, len(rows))
    level = 82 + 1.9 * age + 0.35 * (weight - 30) + rng.normal(0, 7, len(rows))
    readings: list[dict[str, np.ndarray]] = []
    for number in range(3):
        high = np.ones(len(rows), bool) if number == 0 else readings[number - 1]["high"]
        upper = (level + rng.normal(0, 5, len(rows)) - 2 * number).round().astype(int)
        lower = (0.58 * upper + rng.normal(0, 5, len(rows))).round().clip(35, 110).astype(int)
        readings.append({"taken": high, "upper": upper, "lower": lower, "high": high & (upper >= 118)})
    columns = {
        "体检号": np.array([f"T{v:06d}" for v in rng.permutation(10**6)[: len(rows)].tolist()]),
        "姓名": clerk.name(who, 0.05),
        "性别": clerk.sex(who),
        "出生日期": files.dotted(clerk.birth(who), "-"),
        "身份证": clerk.idno(who, 0.02, 0.12),
        "学校": s.name[r.school[rows]],
        "年级": r.grade[rows].astype(str),
        "身高": height,
        "体重kg": np.array([f"{v:g}" for v in weight.tolist()]),
        "血红蛋白g/L": (rng.normal(129, 11, len(rows)).round().astype(int)).astype(str),
        "左眼视力": rng.normal(4.9, 0.22, len(rows)).clip(4.0, 5.2).round(1).astype(str),
        "右眼视力": rng.normal(4.9, 0.22, len(rows)).clip(4.0, 5.2).round(1).astype(str),
    }
    for number, reading in enumerate(readings, 1):
        taken = reading["taken"]
        columns[f"测压日期{number}"] = np.where(taken, files.iso(first + 14 * (number - 1)), "")
        columns[f"收缩压{number}"] = np.where(taken, reading["upper"].astype(str), "")
        columns[f"舒张压{number}"] = np.where(taken, reading["lower"].astype(str), "")
    for c, where in enumerate(COUNTIES):
        here = np.flatnonzero(s.county[r.school[rows]] == c)
        part = {name: values[here] for name, values in columns.items()}
        form, unit = (".3f", 100) if c == METRES else (".1f", 1)
        part["身高"] = np.array([format(v / unit, form) for v in part["身高"].tolist()])
        path = office.file("health", "pupil_checkups", PUPILS, f"学生体检_{where.zh}.csv")
        files.write_csv(path, [list(part), *files.rows_of(part)], "utf-8-sig")
        office.note(path, "", who[here])


def adults(office: Office, clerk: Clerk) -> None:
    """Write adults' check-ups: one GB18030 file, a row a visit; those with a high first reading came back twice."""
    people, rng, day = office.people, clerk.rng, np.datetime64("2025-03-03")
    p, f = people.persons, people.families
    elder = np.isin(p.role, (GRANDFATHER, GRANDMOTHER))
    home = np.zeros(len(p.role), bool)
    for role, parent in ((FATHER, "father"), (MOTHER, "mother")):
        home[people.member[role]] = ~people.away(parent, day, 0)
    chance = np.where(elder, 0.55, np.where(home, 0.16, 0.0))
    who = np.flatnonzero((rng.random(len(p.role)) < chance) & (f.home[p.family] >= 0))
    age = age_on(p.birth[who], day)
    level = 104 + 0.45 * age + rng.normal(0, 13, len(who))
    treated = (level > 138) & (rng.random(len(who)) < 0.45)
    start = day + rng.integers(0, 55, len(who))
    alone = elder[who] & (rng.random(len(who)) < 0.12)
    name, born = clerk.name(who, 0.05), files.dotted(clerk.birth(who))
    idno = _older(clerk.idno(who, 0.02, 0.03), rng)
    address, phone = clerk.home_address(p.family[who]), clerk.phone(p.family[who], 0.25)
    rows, persons = [], []
    keep = np.ones(len(who), bool)
    for visit in range(1, 4):
        upper = (level - 8 * treated - 1.5 * visit + rng.normal(0, 6, len(who))).round().astype(int).clip(85, 230)
        lower = (0.52 * upper + 10 + rng.normal(0, 6, len(who))).round().astype(int).clip(45, 130)
        at = np.flatnonzero(keep)
        columns = {
            "姓名": name[at],
            "性别": clerk.sex(who[at]),
            "身份证号": idno[at],
            "出生日期": born[at],
            "联系方式": phone[at],
            "户籍住址": address[at],
            "检查日期": files.dotted(start[at] + 10 * (visit - 1), "/"),
            "第几次测量": np.full(len(at), str(visit)),
            "血压(mmHg)": np.array([f"{u}/{v}" for u, v in zip(upper[at].tolist(), lower[at].tolist(), strict=True)]),
            "服降压药": np.where(treated[at], "是", "否"),
            "独居": np.where(alone[at], "是", "否"),
        }
        rows += files.rows_of(columns)
        persons.append(who[at])
        keep = keep & ((upper >= 130) | (lower >= 85)) & (rng.random(len(who)) < 0.95)
    everyone = np.concatenate(persons)
    order = np.argsort(everyone, kind="stable").tolist()
    path = office.file("health", "adult_checkups", ADULTS, "居民健康体检2025.csv")
    files.write_csv(path, [list(columns), *[rows[i] for i in order]], "gb18030")
    office.note(path, "", everyone[order])


def _older(idno: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Write a few numbers as they were before 1999: fifteen digits, without century and check character."""
    out = idno.copy()
    old = np.flatnonzero((rng.random(len(out)) < 0.03) & (np.char.str_len(out) == 18))
    out[old] = [t[:6] + t[8:17] if t[6:8] == "19" else t for t in out[old].tolist()]
    return out
