"""Invented people, villages and schools: area codes never assigned, phones that begin with 12."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from .overlap import AGAIN, Overlapping

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗梁谢宋唐许邓曹曾彭蔡潘田董袁余叶杜魏丁任姚卢钟姜石韦夏龙"
BOYS = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆旭宁龙林欢成亮建志海峰子轩博文家豪天佑承泽"
GIRLS = "芳娜敏静丽艳娟霞秀燕玲婷雪琳晶倩兰英洁红梅妍茜蓉怡欣悦雨涵梦瑶诗琪思语佳慧紫萱"
OLD = "德福贵发财清芝珍明顺银秀桂成国全光兴荣华昌"
PLACES = [
    ("广东省", "东莞市", "长安镇"), ("广东省", "深圳市", "宝安区"), ("浙江省", "温州市", "瓯海区"),
    ("浙江省", "义乌市", ""),
    ("福建省", "晋江市", ""), ("江苏省", "昆山市", ""), ("上海市", "上海市", "松江区"), ("重庆市", "重庆市", "渝北区"),
    ("云南省", "昆明市", ""), ("广西壮族自治区", "南宁市", ""),
]  # fmt: skip
ETHNIC = {
    "汉族": "01", "苗族": "06", "彝族": "07", "布依族": "09", "侗族": "12", "土家族": "15", "仡佬族": "37",
    "水族": "25",
}  # fmt: skip
TODAY = date(2025, 9, 1)


@dataclass(frozen=True)
class Village:
    """A village with its 12-digit code, and where it lies."""

    code: str
    name: str
    township: str
    county_code: str
    county: str


@dataclass(frozen=True)
class School:
    """A school with its 10-digit code, full and short name, and level (primary, junior)."""

    code: str
    name: str
    short: str
    level: str
    village: Village
    pupils: int

    @property
    def classes(self) -> int:
        return self.pupils // 41 + 1


@dataclass
class Adult:
    """A grown-up: what registries of workers, households and clinics ask."""

    name: str
    sex: str
    birth: date
    id_no: str
    phone: str
    ethnicity: str
    village: Village
    address: str
    place: tuple[str, str, str]
    since: date
    wage: int
    sector: str
    reach: str
    education: str
    relation: str = "02"
    head_id: str = ""
    household_no: str = ""


@dataclass
class Child:
    """A pupil with both parents and whoever looks after the child."""

    name: str
    sex: str
    birth: date
    id_no: str
    ethnicity: str
    village: Village
    address: str
    school: School
    grade: int
    klass: int
    father: Adult
    mother: Adult
    carer: Adult
    carer_kind: str
    away: str
    state: str
    dibao: bool
    boarder: bool
    only: bool
    orphan: bool
    migrant: bool
    rural: bool
    glasses: bool
    km: float
    height: float
    weight: float
    sbp: int
    dbp: int
    hb: int
    vision: float


def identity(rng: random.Random, area: str, born: date, sex: str) -> str:
    """Give an identity number with a right check digit, of an area that was never assigned."""
    odd = rng.randrange(50) * 2 + (1 if sex == "1" else 0)
    body = f"{area}{born:%Y%m%d}{rng.randrange(1, 9)}{odd:02d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def phone(rng: random.Random) -> str:
    """Give a phone number of a range that no operator gives out."""
    return "12" + "".join(rng.choice("0123456789") for _ in range(9))


class World:
    """The people and places of one city, drawn from its own seed."""

    def __init__(self, rng: random.Random, counties: dict[str, tuple[str, list[str]]], villages: list[str]) -> None:
        self.rng = rng
        self.villages = [
            Village(f"{code}{100 + t}{200 + i}", village, township, code, county)
            for code, (county, townships) in counties.items()
            for t, township in enumerate(townships)
            for i, village in enumerate(rng.sample(villages, 10))
        ]
        self.schools = [self.school(i, v) for i, v in enumerate(self.villages)]
        if isinstance(rng, Overlapping):
            for ages, n in rng.stock().items():
                for _ in range(n):
                    rng.remember("child", self.new_child(ages))

    def school(self, i: int, v: Village) -> School:
        """Give a village its school; the first two of a township are its central and its junior school."""
        town, junior = re.sub("(街道|镇|乡)$", "", v.township), i % 10 == 1
        short = [town + "中心小学", town + "中学"][i % 10] if i % 10 < 2 else re.sub("(村|社区)$", "", v.name) + "小学"
        name = v.county + (v.township + town + "初级中学" if junior else v.township + short)
        code = f"{'31' if junior else '21'}{v.county_code[:2]}{i + 101:06d}"
        size = self.rng.randrange(300, 1500) if i % 10 < 2 else self.rng.randrange(25, 420)
        return School(code, name, short, "junior" if junior else "primary", v, size)

    def given(self, sex: str, old: bool = False) -> str:
        letters = OLD if old else BOYS if sex == "1" else GIRLS
        return "".join(self.rng.choice(letters) for _ in range(self.rng.choice([1, 2, 2, 2])))

    def born(self, youngest: float, oldest: float) -> date:
        return TODAY - timedelta(days=int(365.25 * self.rng.uniform(youngest, oldest)))

    def adult(
        self,
        sex: str | None = None,
        ages: tuple[float, float] = (22, 58),
        surname: str = "",
        village: Village | None = None,
    ) -> Adult:
        """Draw a grown-up, in an overlapping city perhaps one whom an earlier file held."""
        if not isinstance(self.rng, Overlapping):
            return self.new_adult(sex, ages, surname, village)

        def fits(a: Adult) -> bool:
            near = sex in (None, a.sex) and ages[0] <= (TODAY - a.birth).days / 365.25 <= ages[1]
            return near and a.name.startswith(surname) and village in (None, a.village)

        found: Adult = self.rng.meet("adult", fits, lambda: self.new_adult(sex, ages, surname, village))
        return found

    def new_adult(
        self,
        sex: str | None = None,
        ages: tuple[float, float] = (22, 58),
        surname: str = "",
        village: Village | None = None,
    ) -> Adult:
        """Draw a grown-up."""
        r = self.rng
        sex = sex or r.choice("12")
        village = village or r.choice(self.villages)
        born = self.born(*ages)
        days = (TODAY - born).days
        grown = days - 16 * 365 if days > 17 * 365 else days
        learnt = "0" if days < 2200 else "2" if days < 5000 else r.choice("0223333456")
        return Adult(
            name=(surname or r.choice(SURNAMES)) + self.given(sex, old=ages[0] > 50),
            sex=sex,
            birth=born,
            id_no=identity(r, village.county_code, born, sex),
            phone=phone(r),
            ethnicity=r.choice(["01", "01", "01", *ETHNIC.values()]),
            village=village,
            address=f"{village.county}{village.township}{village.name}{r.randrange(1, 12)}组{r.randrange(1, 90)}号",
            place=r.choice(PLACES),
            since=TODAY - timedelta(days=r.randrange(30, max(31, min(3000, grown)))),
            wage=r.randrange(24, 90) * 100,
            sector=r.choice(["construction", "manufacturing", "manufacturing", "services", "services", "agriculture"]),
            reach=r.choice(["same_county", "same_city", "same_province", *["other_province"] * 4]),
            education=learnt,
        )

    def household(self) -> list[Adult]:
        """Draw the members of a household book: head, spouse, children, sometimes the head's mother."""
        r = self.rng
        if isinstance(r, Overlapping) and r.random() < AGAIN:
            return self.household_of(r.meet("child", lambda c: c.father.id_no not in r.used, self.new_child))
        head = self.new_adult("1", (28, 70))
        years = (TODAY - head.birth).days / 365.25
        people = [head, self.new_adult("2", (years - 5, years + 3), village=head.village)]
        people[1].relation = "10"
        for _ in range(r.choice([0, 1, 1, 2])):
            young = self.new_adult(None, (max(0.3, years - 30), years - 22), head.name[0], head.village)
            young.relation = "20" if young.sex == "1" else "30"
            people.append(young)
        if r.random() < 0.25 and years < 60:
            people.append(self.new_adult("2", (years + 20, years + 30), village=head.village))
            people[-1].relation = "52"
        return self.bound(people)

    def bound(self, people: list[Adult]) -> list[Adult]:
        """Put people into one household book; the first is the head."""
        head = people[0]
        for member in people:
            member.address, member.head_id = head.address, head.id_no
            member.household_no = head.village.code[:9] + head.id_no[9:14]
        return people

    def household_of(self, child: Child) -> list[Adult]:
        """Give the household book of a child: father, mother, child."""
        head, wife = replace(child.father, relation="02"), replace(child.mother, relation="10")
        young = replace(
            child.father, name=child.name, sex=child.sex, birth=child.birth, id_no=child.id_no, since=child.birth,
            education="0", relation="20" if child.sex == "1" else "30",
        )  # fmt: skip
        return self.bound([head, wife, young])

    def child(self, ages: tuple[float, float] = (6.3, 15.4)) -> Child:
        """Draw a pupil of the compulsory grades, in an overlapping city perhaps one whom an earlier file held."""
        if not isinstance(self.rng, Overlapping):
            return self.new_child(ages)

        self.rng.asked[ages] += 1

        def fits(c: Child) -> bool:
            return ages[0] <= (TODAY - c.birth).days / 365.25 <= ages[1]

        found: Child = self.rng.meet("child", fits, lambda: self.new_child(ages))
        return found

    def new_child(self, ages: tuple[float, float] = (6.3, 15.4)) -> Child:
        """Draw a pupil whom no file has held yet."""
        r = self.rng
        sex = r.choice("12")
        born = self.born(*ages)
        years = (TODAY - born).days / 365.25
        grade = min(9, max(1, int(years - 5.2)))
        level = "junior" if grade > 6 else "primary"
        school = r.choice([s for s in self.schools if s.level == level])
        village = r.choice([school.village, r.choice(self.villages)])
        father = self.new_adult("1", (years + 21, years + 33), village=village)
        mother = self.new_adult("2", (years + 20, years + 30), village=village)
        away = r.choice("0001222")
        kind = r.choice(["grandparents", "grandparents", "maternal_grandparents", "relative"])
        kind = kind if away == "2" else r.choice(["mother", "father"]) if away == "1" else "parents"
        elder = self.new_adult(None, (55, 74), surname=father.name[0], village=village)
        carer = {"mother": mother, "parents": mother, "father": father}.get(kind, elder)
        height = round(115 + (years - 6) * 6 + r.gauss(0, 5), 1)
        return Child(
            name=father.name[0] + self.given(sex),
            sex=sex,
            birth=born,
            id_no=identity(r, village.county_code, born, sex),
            ethnicity=father.ethnicity,
            village=village,
            address=father.address,
            school=school,
            grade=grade,
            klass=r.randrange(1, 5),
            father=father,
            mother=mother,
            carer=carer,
            carer_kind=kind,
            away=away,
            state=r.choice("2344455"),
            dibao=r.random() < 0.12,
            boarder=grade > 3 and r.random() < 0.5,
            only=r.random() < 0.2,
            orphan=r.random() < 0.02,
            migrant=r.random() < 0.08,
            rural=r.random() < 0.8,
            glasses=r.random() < 0.2,
            km=round(r.uniform(0.2, 9), 1),
            height=height,
            weight=round(16.5 * (height / 100) ** 2 + r.gauss(0, 3), 1),
            sbp=int(86 + years * 1.8 + r.gauss(0, 7)),
            dbp=int(54 + years + r.gauss(0, 5)),
            hb=int(r.gauss(127, 11)),
            vision=round(min(5.2, max(4.0, r.gauss(4.9, 0.2))), 1),
        )
