"""The education bureau's files: student registry twice, marks of two years, school census twice."""

from __future__ import annotations

import shutil

import numpy as np

from commonground.demo import files
from commonground.demo.clerks import Clerk, Office, guardians, relation_word
from commonground.demo.numbers import student_numbers
from commonground.demo.places import CITY, COUNTIES
from commonground.demo.schooling import FACTORS, SUBJECTS, YEARS, classes_of

GRADES = ("", *"一二三四五六七八九")
#: Which columns stand under which of the registry's merged headings, from which column on.
_GROUPS = ((0, 8, "学生基本信息"), (9, 16, "就学信息"), (17, 20, "第一监护人"), (21, 23, "第二监护人"))
REGISTRY = ("2024-03-20", "2025-03-18")
EXAMS = ("2024-07-05", "2025-07-04")
CENSUS = ("2023-11-10", "2024-11-08")


def write_education(office: Office) -> None:
    """Write everything that the education bureau hands over."""
    for number, year in enumerate(YEARS):
        registry(office, office.clerk(10 + number), number, year)
        exams(office, office.clerk(20 + number), number, year)
        census(office, number, year)


def _rows(office: Office, year: int, county: int) -> np.ndarray:
    """Give the roll's rows of a year and county, by school, grade and class, as lists are kept."""
    r = office.rolls
    at = np.flatnonzero((r.year == year) & (office.schools.county[r.school] == county))
    return at[np.lexsort((r.person[at], r.classroom[at], r.grade[at], r.school[at]))]


def _registry_columns(office: Office, clerk: Clerk, at: np.ndarray, second: bool) -> dict[str, np.ndarray]:
    """Write the registry's columns for rows of the roll; the second delivery codes two of them otherwise."""
    r, s, people = office.rolls, office.schools, office.people
    who, rng = r.person[at], clerk.rng
    family = people.persons.family[who]
    day = np.datetime64(REGISTRY[second])
    one, two = guardians(people, family, day)
    two = np.where(rng.random(len(at)) < 0.15, -1, two)
    flag = np.where(rng.random(len(at)) < 0.12, 0, np.array([0, 1, 1, 2])[r.state[at]]) * people.families.rural[family]
    moved = people.families.migrant[family] & people.families.rural[family] & s.town[r.school[at]]
    words = ("0.非留守", "1.一方外出", "2.双方外出") if second else ("无", "父或母外出", "父母均外出")
    grade = r.grade[at].astype(object) if second else np.array([f"{GRADES[g]}年级" for g in r.grade[at].tolist()])
    return {
        "序号": np.arange(1, len(at) + 1).astype(object),
        "学籍号": registry_numbers(office, who, second),
        "学生姓名": clerk.name(who, 0.03),
        "性别": clerk.sex(who),
        "出生年月日": np.zeros(len(at)),  # each sheet in its own way
        "民族": people.persons.ethnicity[who],
        "证件号码": clerk.idno(who, 0.015, 0.02),
        "户籍县区代码": people.hukou_area()[family],
        "户口类别": np.where(people.families.rural[family], "农业户口", "非农业户口"),
        "学校代码": s.code[r.school[at]],
        "就读学校": s.name[r.school[at]],
        "年级": grade,
        "班": r.classroom[at].astype(str).astype(object),
        "住宿": np.where(r.boarding[at], "住校", "走读"),
        "现居住地": clerk.address(family),
        ("留守情况" if second else "是否留守"): np.array(words)[flag],
        "随迁子女": np.where(moved != (rng.random(len(at)) < 0.03), "是", "否"),
        "监护人姓名": clerk.name(one, 0.04),
        "与学生关系": relation_word(people, one),
        "监护人电话": clerk.phone(family),
        "监护人证件号": clerk.idno(one, 0.02, 0.25),
        "另一监护人姓名": clerk.name(two, 0.04),
        "另一监护人与学生关系": relation_word(people, two),
        "另一监护人电话": np.where(two >= 0, clerk.phone(family, 0.3), ""),
    }


def registry_numbers(office: Office, who: np.ndarray, second: bool) -> np.ndarray:
    """Give registry numbers; half of those without identity number at first have one a year later."""
    p = office.people.persons
    has_id = p.has_id[who] | ((who % 2 == 0) & second)
    area = office.people.hukou_area()[p.family[who]]
    return student_numbers(p.idno[who], area, p.birth[who], has_id, who)


def registry(office: Office, clerk: Clerk, number: int, year: int) -> None:
    """Write the student registry: one workbook with a sheet a county, a year later one workbook a county."""
    delivery = REGISTRY[number]
    sheets: list[files.SheetOut] = []
    persons = []
    for c, where in enumerate(COUNTIES):
        at = _rows(office, year, c)
        at = at[np.sort(clerk.pick(len(at), 0.99))]
        left = _rows(office, year, (c + 1) % len(COUNTIES))  # still on the list of a county that they have left
        at = np.concatenate([at, clerk.rng.choice(left, max(1, len(at) // 200), replace=False)])
        columns = _registry_columns(office, clerk, at, bool(number))
        born = clerk.birth(office.rolls.person[at], 0.005)
        ways = (files.iso, files.serial, lambda d: files.dotted(d, "/"), files.compact, files.chinese)
        columns["出生年月日"] = ways[c % 5 if number else (c + 2) % 5](born).astype(object)
        heads: list[str | None] = [None] * len(columns)
        for first, _, text in _GROUPS:
            heads[first] = text
        title = f"{CITY[0]}义务教育阶段学生花名册（{year + 1}年春季学期）"
        rows: list[files.Row] = [
            [title],
            [f"填报单位：{where.zh}教育局", None, None, f"统计时点：{year + 1}年3月1日"],
            heads,
            list(columns),
        ]
        rows += files.rows_of(columns)
        rows += [["合计", None, f"{len(at)}人"], [], ["注：1.留守情况由班主任每学期核对。2.户籍地按户口簿填写。"]]
        last = f"{chr(64 + len(columns))}1"
        merged = [f"A1:{last}"] + [f"{chr(65 + a)}3:{chr(65 + b)}3" for a, b, _ in _GROUPS]
        sheets.append((where.zh, rows, merged))
        persons.append(office.rolls.person[at])
    if number == 0:
        path = office.file("education", "student_registry", delivery, f"{CITY[0]}学生花名册{year + 1}春.xlsx")
        files.write_xlsx(path, sheets)
        for sheet, who in zip(sheets, persons, strict=True):
            office.note(path, sheet[0], who)
        return
    for sheet, who in zip(sheets, persons, strict=True):
        path = office.file("education", "student_registry", delivery, f"{sheet[0]}学生花名册{year + 1}春.xlsx")
        files.write_xlsx(path, [("花名册", sheet[1], sheet[2])])
        office.note(path, "花名册", who)
    again = path.with_name(path.stem + "（重报）.xlsx")  # one county sent the same file twice
    shutil.copyfile(path, again)
    office.note(again, "花名册", persons[-1])


def full_mark(county: np.ndarray, grade: np.ndarray) -> np.ndarray:
    """Give the full mark of a paper: 100 in primary school, 120 in junior school, 150 there in the last county."""
    return np.where(grade < 7, 100, np.where(county == len(COUNTIES) - 1, 150, 120))


def marks_as_written(office: Office, at: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Turn standard units into marks in half points, and draw who was absent.

    Returns
    -------
    marks, absent : arrays of shape (rows, subjects)
        English is NaN in grades 1 and 2.
    """
    r = office.rolls
    full = full_mark(office.schools.county[r.school[at]], r.grade[at])[:, None]
    marks = (np.clip(full * (0.70 + 0.12 * r.mark[at]), 0, full) * 2).round() / 2
    marks[r.grade[at] < 3, SUBJECTS.index("english")] = np.nan
    return marks, rng.random(marks.shape) < 0.012


def exams(office: Office, clerk: Clerk, number: int, year: int) -> None:
    """Write the marks: one GB18030 file a county; in the second year without registry numbers."""
    r, s = office.rolls, office.schools
    for c, where in enumerate(COUNTIES):
        at = _rows(office, year, c)
        at = at[np.sort(clerk.pick(len(at), 0.98))]
        who = r.person[at]
        marks, absent = marks_as_written(office, at, clerk.rng)
        short = clerk.rng.random(len(at)) < (0.3, 0.85)[number]
        texts = [_mark_texts(marks[:, k], absent[:, k], number) for k in range(len(SUBJECTS))]
        columns = {"考号": np.array([f"{year + 1 - 2000}{where.code[-2:]}{i:05d}" for i in range(1, len(at) + 1)])}
        if number == 0:
            columns["学籍编号"] = registry_numbers(office, who, second=False)
        columns |= {"考生": clerk.name(who, 0.04), "性别": clerk.sex(who)}
        if number == 1:
            columns["出生年月"] = files.month(clerk.birth(who, 0.005))
        columns |= {
            "学校": np.where(short, s.short[r.school[at]], s.name[r.school[at]]),
            "年级": r.grade[at].astype(str),
            "班级": np.array([f"{k}班" if number else str(k) for k in r.classroom[at].tolist()]),
            **dict(zip(("语文成绩", "数学成绩", "英语成绩"), texts, strict=True)),
            "三科合计": np.array([f"{v:g}" for v in np.where(absent | np.isnan(marks), 0, marks).sum(axis=1).tolist()]),
        }
        after = [[""] * len(columns), [f"备注：{where.zh}教研室统计，缺考学生不计入平均分。"]]
        path = office.file("education", "exam_scores", EXAMS[number], f"{where.zh}{year + 1}年春季期末检测成绩.csv")
        files.write_csv(path, [list(columns), *files.rows_of(columns)], "gb18030", after=after)
        office.note(path, "", who)


def _mark_texts(marks: np.ndarray, absent: np.ndarray, number: int) -> np.ndarray:
    """Write one subject's marks; absence and subjects not taught have their own words each year."""
    gone, untaught = (("缺考", ""), ("缺", "/"))[number]
    texts = np.array([untaught if m != m else f"{m:g}" for m in marks.tolist()], dtype="U6")
    texts[absent & ~np.isnan(marks)] = gone
    return texts


def census(office: Office, number: int, year: int) -> None:
    """Write the autumn school census: one table with a subtotal a county and a grand total."""
    r, s = office.rolls, office.schools
    at = np.flatnonzero(r.year == year)
    persons, families = office.people.persons, office.people.families
    family = persons.family[r.person[at]]

    def count(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(r.school[at], chosen, len(s.code)).astype(int)

    pupils = count(np.ones(len(at)))
    factor = dict(zip(FACTORS, s.factor.T, strict=True))
    counts = {
        "教学班": classes_of(pupils, factor["class_size"]),
        "在校学生": pupils,
        "女生": count(~persons.male[r.person[at]]),
        "寄宿学生": count(r.boarding[at]),
        "留守学生": count((r.state[at] > 0) & families.rural[family]),
        "随迁子女": count(r.migrant[at]),
        "专任教师": np.round(pupils / 16).astype(int) + 2,
        "学生用计算机（台）": np.round(factor["computers_per_pupil"] * pupils).astype(int),
    }
    texts = {
        "平均班额": np.array([f"{v:.1f}" for v in pupils / counts["教学班"]]),
        "持证班主任占比（%）": np.array([f"{v:g}" for v in factor["certified_head_teachers_pct"]]),
        "师生互动均分": np.array([f"{v:.2f}" for v in factor["interaction"]]),
        "课后服务": np.where(factor["after_school"] > 0, "有", "无"),
        "家长（祖辈）课堂次数": factor["engagement_sessions"].astype(int).astype(str),
        "生均计算机": np.array([f"{v:g}" for v in factor["computers_per_pupil"]]),
    }
    header = ["学校代码", "学校全称", "所在县区", "城乡分类", *counts, *texts]
    table, total = [header], np.array(list(counts.values()))
    urban_class = np.where(s.town, np.where(np.array([COUNTIES[c].urban for c in s.county]), "111", "121"), "220")
    for c, where in enumerate(COUNTIES):
        here = np.flatnonzero(s.county == c)
        for j in here.tolist():
            first = [s.code[j], s.name[j], where.zh, urban_class[j]]
            table.append([*first, *total[:, j].tolist(), *[t[j] for t in texts.values()]])
        table.append(["", "小计", where.zh, "", *total[:, here].sum(axis=1).tolist(), *[""] * len(texts)])
    table.append(["", "全市合计", "", "", *total.sum(axis=1).tolist(), *[""] * len(texts)])
    path = office.file("education", "school_census", CENSUS[number], f"学校基本情况统计表{year}.csv")
    files.write_csv(path, table, "utf-8", before=[f"{CITY[0]}{year}年秋季学校基本情况统计表"])
    office.note(path, "", np.full(len(s.code), -1))
