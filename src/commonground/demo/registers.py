"""The files of civil affairs, public security and human resources."""

from __future__ import annotations

import numpy as np

from commonground.demo import files
from commonground.demo.clerks import Clerk, Office, county_codes
from commonground.demo.places import CITY, COUNTIES
from commonground.demo.population import CHILD, FATHER, GRANDFATHER, GRANDMOTHER, MOTHER, PLACES, REFERENCE

LEFT_BEHIND, HOUSEHOLDS, PERMITS, LABOUR = "2025-05-31", "2025-05-31", "2025-06-10", "2025-04-30"
_DISTANCE = {"other_province": "出省", "same_province": "省内跨市", "same_city": "市内跨县", "same_county": "县内跨乡"}


def write_registers(office: Office) -> None:
    """Write the registers of persons outside school."""
    left_behind(office, office.clerk(30))
    households(office, office.clerk(31))
    permits(office, office.clerk(32))
    labour(office, office.clerk(33))


def age_on(birth: np.ndarray, day: np.datetime64) -> np.ndarray:
    """Give completed years on a day."""
    born, now = birth.astype("M8[M]").astype(int), day.astype("M8[M]").astype(int)
    after = (birth - birth.astype("M8[M]")) > (day - day.astype("M8[M]"))
    return np.asarray((now - born - after) // 12)


def left_behind(office: Office, clerk: Clerk) -> None:
    """Write civil affairs' registry: under 16, rural, both parents out, or one out and the other unable to care."""
    people, day = office.people, np.datetime64(LEFT_BEHIND)
    p, f = people.persons, people.families
    gone_f, gone_m = people.away("father", day, 0), people.away("mother", day, 0)
    rule = (gone_f & gone_m) | ((gone_f | gone_m) & f.unable)
    child = (p.role == CHILD) & (age_on(p.birth, day) < 16) & f.rural[p.family] & (f.home[p.family] >= 0)
    listed = child & rule[p.family]
    wrongly = child & (gone_f | gone_m)[p.family] & ~listed
    chance = np.where(listed, 0.9, np.where(wrongly, 0.05, 0.0))
    who = np.flatnonzero(clerk.rng.random(len(p.role)) < chance)
    family = p.family[who]
    father, mother, elder = (people.member[r][family] for r in (FATHER, MOTHER, GRANDMOTHER))
    both = (gone_f & gone_m)[family]
    carer = np.where(both & (elder >= 0), elder, np.where(gone_f[family], mother, father))
    columns = {
        "儿童姓名": clerk.name(who),
        "性别": clerk.sex(who),
        "出生日期": files.compact(clerk.birth(who)),
        "民族": np.char.rstrip(p.ethnicity[who], "族"),
        "身份证号": clerk.idno(who, 0.02, 0.04),
        "村居代码": people.villages.code[f.home[family]],
        "户籍地址": clerk.home_address(family),
        "父亲姓名": clerk.name(father, 0.04),
        "父身份证": clerk.idno(father, 0.02, 0.15),
        "母亲姓名": clerk.name(mother, 0.04),
        "母身份证": clerk.idno(mother, 0.02, 0.15),
        "外出情况": np.where(both, "父母双方", "父母一方"),
        "监护类型": np.where(both, "祖父母", np.where(gone_f[family], "母亲", "父亲")),
        "照料人": clerk.name(carer, 0.04),
        "照料电话": clerk.phone(family),
        "监护情况": np.where(f.unable[family], "2", clerk.rng.choice(["3", "4", "5"], len(who))),
    }
    for prefix, gone in (("父", gone_f), ("母", gone_m)):
        who_ = "father" if prefix == "父" else "mother"
        start, place = getattr(f, f"{who_}_from")[family], getattr(f, f"{who_}_place")[family]
        months = np.char.replace(np.datetime_as_string(start, unit="M"), "-", "")
        columns[f"{prefix}外出月"] = np.where(gone[family], months, "")
        columns[f"{prefix}外出地"] = np.where(gone[family], np.array([x[2] for x in PLACES])[place], "")
    width = {"户籍地址": 60, "父亲姓名": 24, "母亲姓名": 24, "儿童姓名": 24, "照料人": 24}
    widths = {name: width.get(name, 20) for name in columns}
    path = office.file("civil_affairs", "left_behind_registry", LEFT_BEHIND, "LSET_TZ.DBF")
    files.write_dbf(path, columns, widths)
    office.note(path, "", who)


def _books(office: Office, clerk: Clerk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give person, head and relation of each row of the hukou books, for families registered in the city."""
    people = office.people
    p, f = people.persons, people.families
    together = clerk.rng.random(len(f.rural)) < 0.6  # three generations in one book
    elder = np.isin(p.role, (GRANDFATHER, GRANDMOTHER))
    in_book = (f.home[p.family] >= 0) & (~elder | together[p.family])
    old_head = (people.member[GRANDFATHER] >= 0) & together
    head = np.where(old_head, people.member[GRANDFATHER], people.member[FATHER])
    who = np.flatnonzero(in_book)
    who = who[np.lexsort((p.birth[who], who != head[p.family[who]], p.family[who]))]  # the head first
    role, family = p.role[who], p.family[who]
    old = old_head[family]
    male = p.male[who]
    relation = np.select(
        [
            role == GRANDFATHER,
            role == GRANDMOTHER,
            (role == FATHER) & old,
            role == FATHER,
            (role == MOTHER) & old,
            role == MOTHER,
            old & male,
            old,
            male,
        ],
        ["户主", np.where(old, "妻", "母亲"), "儿子", "户主", "儿媳", "妻", "孙子", "孙女", "儿子"],
        "女儿",
    )
    return who, head[family], relation


def households(office: Office, clerk: Clerk) -> None:
    """Write the hukou books: UTF-16 text with tabs, one file a county."""
    people = office.people
    p, f = people.persons, people.families
    who, head, relation = _books(office, clerk)
    family = p.family[who]
    county = people.villages.county[f.home[family]]
    columns = {
        "户编号": np.char.add(county_codes()[county], np.char.zfill(family.astype(str), 7)),
        "户类型": np.full(len(who), "家庭户"),
        "户主": p.name[head],
        "与户主关系": relation,
        "姓名": clerk.name(who, 0.02),
        "性别代码": clerk.sex(who, "1", "2"),
        "出生日期": files.compact(clerk.birth(who, 0.003)),
        "民族": p.ethnicity[who],
        "身份号码": clerk.idno(who, 0.003, 0.0),
        "户口性质": np.where(f.rural[family], "20", "10"),
        "户籍地址": clerk.home_address(family),
        "村居代码": people.villages.code[f.home[family]],
    }
    for c, where in enumerate(COUNTIES):
        here = np.flatnonzero(county == c)
        part = {name: values[here] for name, values in columns.items()}
        path = office.file("public_security", "household_register", HOUSEHOLDS, f"HKB_{where.code}.txt")
        files.write_csv(path, [list(part), *files.rows_of(part)], "utf-16", separator="\t")
        office.note(path, "", who[here])


def permits(office: Office, clerk: Clerk) -> None:
    """Write residence permits: parents of families from elsewhere who have lived here for half a year, JSON lines."""
    people = office.people
    p, f = people.persons, people.families
    settled = f.migrant & (f.arrived <= REFERENCE - 183)
    who = np.flatnonzero(np.isin(p.role, (FATHER, MOTHER)) & settled[p.family])
    who = who[clerk.pick(len(who), 0.85)]
    family = p.family[who]
    arrived = f.arrived[family]
    issued = np.minimum(arrived + 200 + clerk.rng.integers(0, 500, len(who)), np.datetime64(PERMITS) - 5)
    months = (np.datetime64(PERMITS) - arrived).astype(int) // 30
    columns = {
        "permit_no": np.array([f"YL{v:010d}" for v in clerk.rng.permutation(10**6)[: len(who)].tolist()]),
        "full_name": clerk.name(who, 0.03),
        "gender": clerk.sex(who, "M", "F"),
        "birth_date": files.iso(clerk.birth(who, 0.005)),
        "identity_no": clerk.idno(who, 0.01, 0.0),
        "hukou_area": people.hukou_area()[family],
        "hukou_address": clerk.home_address(family),
        "hukou_type": np.where(f.rural[family], "agricultural", "non-agricultural"),
        "address": clerk.address(family, 0.03),
        "village_code": people.villages.code[f.lives[family]],
        "arrived_on": files.iso(arrived),
        "issued_on": files.iso(issued),
        "months_here": months.astype(object),
        "labour_contract": (clerk.rng.random(len(who)) < 0.55).astype(int).astype(object),
        "insurance_months": np.minimum(months, clerk.rng.integers(0, 60, len(who))).astype(object),
        "dwelling": clerk.rng.choice(["own", "rent", "dormitory", "relatives"], len(who), p=[0.2, 0.6, 0.12, 0.08]),
    }
    path = office.file("public_security", "residence_permits", PERMITS, "residence_permits.jsonl")
    files.write_jsonl(path, columns)
    office.note(path, "", who)


def labour(office: Office, clerk: Clerk) -> None:
    """Write the townships' list of workers away: one sheet, a subtotal a county, numbers where texts should be."""
    people, day = office.people, np.datetime64(LABOUR)
    p, f = people.persons, people.families
    keep = np.zeros(len(p.role), bool)
    for role, parent, end in ((FATHER, "father", f.father_to), (MOTHER, "mother", f.mother_to)):
        chance = np.where(end <= day, 0.1, np.where(people.away(parent, day, 0), 0.88, 0.0))  # some are back
        keep[people.member[role]] = clerk.rng.random(len(chance)) < chance
    who = np.flatnonzero(keep & (f.home[p.family] >= 0))
    county = people.villages.county[f.home[p.family[who]]]
    order = np.argsort(county, kind="stable")
    who, county = who[order], county[order]
    family, father = p.family[who], p.role[who] == FATHER
    place = np.where(father, f.father_place[family], f.mother_place[family])
    start = np.where(father, f.father_from[family], f.mother_from[family])
    idno: np.ndarray = clerk.idno(who, 0.02, 0.02).astype(object)
    for i in clerk.pick(len(who), 0.01).tolist():
        if len(idno[i]) == 18 and idno[i].isascii() and idno[i].isdigit():
            idno[i] = float(f"{float(idno[i]):.14e}")  # a spreadsheet keeps fifteen digits
    columns = {
        "姓名": clerk.name(who),
        "性别": clerk.sex(who),
        "身份证号码": idno,
        "出生日期": files.serial(clerk.birth(who)).astype(object),
        "户籍村（社区）代码": people.villages.code[f.home[family]],
        "家庭住址": clerk.home_address(family),
        "手机": clerk.phone(family, 0.2, 0.2),
        "务工省份": np.array([x[1] for x in PLACES])[place],
        "务工地点": np.array([x[2] for x in PLACES])[place],
        "外出范围": np.array([_DISTANCE[x[0]] for x in PLACES])[place],
        "从事行业": clerk.rng.choice(["建筑", "制造", "服务", "种养殖"], len(who), p=[0.34, 0.36, 0.26, 0.04]),
        "外出日期": files.dotted(start),
        "月工资（元）": (clerk.rng.normal(52, 13, len(who)).clip(22, 120).round() * 100).astype(int).astype(object),
    }
    rows: list[files.Row] = [[f"{CITY[0]}农村劳动力外出务工台账"], [f"截止日期：{LABOUR}　单位：人、元"], list(columns)]
    body = files.rows_of(columns)
    for c, where in enumerate(COUNTIES):
        here = np.flatnonzero(county == c).tolist()
        rows += [body[i] for i in here]
        rows.append([f"{where.zh}小计", None, f"{len(here)}人"])
    rows += [["合计", None, f"{len(who)}人"], ["注：外出指离开本乡镇务工；已返乡人员由村干部及时核减。"]]
    path = office.file("human_resources", "labour_out_registry", LABOUR, "外出务工台账.xlsx")
    files.write_xlsx(path, [("台账", rows, ["A1:M1", "A2:M2"])])
    office.note(path, "台账", who)
