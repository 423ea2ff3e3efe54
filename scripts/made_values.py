"""Values of made columns: persons, numbers, dates and codes in the ways in which departments write them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from commonground.intake.ids import CHECK, WEIGHTS
from commonground.intake.model import Concept, Pack
from commonground.intake.suggest.meaning.features import expectation
from commonground.intake.suggest.meaning.lexicon import Lexicon, Words
from commonground.intake.units import factor

Draw = Callable[[], str]
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华文玉梅宇轩子涵梓萱浩然欣怡思雨佳琪俊豪诗瑶晨曦博雅婷雪慧"
PLACES = [
    "广东省深圳市",
    "浙江省杭州市",
    "福建泉州",
    "贵阳市",
    "江苏省苏州市",
    "上海市",
    "东莞",
    "遵义市",
    "云南省昆明市",
    "本县县城",
    "广东",
    "浙江宁波",
    "深圳",
    "重庆",
    "福建",
    "中山市",
]
TOWNS = ["城关镇", "河口乡", "新华街道", "大坝镇", "石门乡", "太平街道", "龙潭镇", "白云镇"]
VILLAGES = ["红星村", "前进村", "大湾村", "幸福社区", "桥头村", "双井村", "朝阳社区", "水塘村", "小寨村"]
SCHOOLS = [
    "第一小学",
    "实验小学",
    "中心小学",
    "第二中学",
    "民族中学",
    "希望小学",
    "育才学校",
    "红旗小学",
    "城南初级中学",
]
ORGS = [
    "阳光社工服务中心",
    "青少年发展协会",
    "爱心公益基金会",
    "春晖家庭服务社",
    "BrightFutureFoundation",
    "幸福里社会工作服务中心",
]
CLINICS = ["中心卫生院", "县人民医院", "社区卫生服务中心", "村卫生室", "妇幼保健院", "中医院"]
COUNTIES = ["城东区", "云山县", "平江县", "河西区", "金沙县", "长岭县", "南湖区", "临江县"]
SENTENCES = [
    "家庭经济困难，父亲常年在外",
    "已落实帮扶措施。",
    "学习认真，尊敬老师",
    "孩子需要更多陪伴，学校应当开放操场",
    "增设课后托管，延长到晚上六点",
    "转入前在外省就读；材料待补",
    "公交线路应当经过学校",
    "情况属实",
    "身体状况良好，无异常",
    "建议每周安排一次家访。",
]
WORDS = [
    "课后辅导",
    "心理咨询",
    "家访",
    "体检",
    "营养餐",
    "阅读",
    "助学金",
    "亲子活动",
    "校车",
    "培训",
    "设备购置",
    "人员经费",
    "成年人",
    "改善学习",
    "身心健康",
]
ENGLISH = ["After-school tutoring", "Counselling", "Home visits", "Reading club", "School bus", "Parents' class"]
CATEGORIES = [
    group.split(",")
    for group in [
        "群众,团员,少先队员",
        "未婚,已婚,离异,丧偶",
        "A,B,O,AB",
        "正常,异常",
        "1,2,3",
        "健康,一般,患病",
        "公办,民办",
        "步行,校车,家长接送,公交车",
        "01,02,09",
        "在读,休学,转出",
        "CHN",
        "中国",
        "参保,停保",
        "active,closed",
        "I,II,III,IV",
        "达标,超标",
        "小型汽车,摩托车",
        "合格,不合格",
    ]
]
YES_NO = ["是,否", "1,0", "Y,N", "有,无", "true,false", "1,2"]
DAYS = [
    "{y}{m:02}{d:02}",
    "{y}-{m:02}-{d:02}",
    "{y}/{m}/{d}",
    "{y}.{m}.{d}",
    "{y}年{m}月{d}日",
    "serial",
    "{y}-{m:02}",
    "{d}/{m}/{y}",
]
MONTHS = ["{y}{m:02}", "{y}-{m:02}", "{y}年{m}月", "{y}.{m}", "{y}{m:02}01"]


class Values:
    """Draws values; a drawer is chosen once a column, so that a column is written in one way."""

    def __init__(self, lexicon: Lexicon, pack: Pack, rng: random.Random) -> None:
        self.lexicon, self.pack, self.r = lexicon, pack, rng

    def of(self, concept: Concept, words: Words, *, english: bool) -> Draw:
        """Give a drawer for a concept's values."""
        want = expectation(concept, words)
        if want.listed:
            return self.codes(want.listed, english=english)
        plain = want.sort not in ("grade", "rank", "sequence", "position", "coordinate")
        if concept.type in ("number", "integer") and plain:
            return self.numbers(concept, words)
        if want.sort == "date":
            return self.dates(birth=concept.field == "birth")
        return self.shape(want.sort, english=english)

    def other(self, shape: str) -> Draw:
        """Give a drawer for a column that no concept stands for."""
        r = self.r
        if shape == "category":
            return self.pick(r.choice(CATEGORIES))
        if shape == "count":
            low, high = r.choice([(0, 9), (10, 300), (40, 100), (1000, 90000)])
            digits = r.choice([0, 0, 1, 2])
            return lambda: f"{r.uniform(low, high):.{digits}f}"
        return self.dates(birth=False) if shape == "date" else self.shape(shape, english=False)

    def pick(self, texts: list[str]) -> Draw:
        """Draw from a few texts, some oftener than others."""
        weights = [self.r.uniform(0.05, 1) for _ in texts]
        return lambda: self.r.choices(texts, weights)[0]

    def codes(self, name: str, *, english: bool) -> Draw:
        """Draw from a code list in one of the ways in which it is written."""
        r, entry, listed = self.r, self.lexicon.codes.get(name, {}), self.pack.codes[name]
        labels = list(listed.labels)
        if r.random() < 0.45 and entry.get("codings"):
            return self.pick(list(r.choice(entry["codings"])["codes"]))
        if r.random() < 0.2:
            return self.pick(labels)
        words = {code: [listed.labels[code].zh, *entry.get("words", {}).get(code, ())] for code in labels}
        some = [r.choice([w for w in ways if w.isascii() == english] or ways) for ways in words.values()]
        if r.random() < 0.12:
            some = [f"{i + 1}.{word}" for i, word in enumerate(some)]
        return self.pick(r.sample(some, min(len(some), r.choice([3, 6, 30]))))

    def numbers(self, concept: Concept, words: Words) -> Draw:
        """Draw numbers spread as is usual for the concept, in one of its units."""
        r = self.r
        if words.shape in ("mark", "total"):
            full = r.choice([100, 100, 120, 150]) * (3 if words.shape == "total" else 1)
            return lambda: f"{min(full, max(0, round(r.gauss(0.7, 0.15) * full * 2) / 2)):g}"
        low, usual, high = words.typical or (0.0, 10.0, 100.0)
        unit = words.units[1] if len(words.units) > 1 and r.random() < 0.25 else concept.unit
        times = 1 / (factor(unit, concept.unit) or 1.0)
        digits = (0 if concept.type == "integer" else r.choice([0, 1, 1, 2])) + 2 * (times < 1)
        factors = low > 0 and high / low > 6

        def one() -> str:
            side, far = r.choice([low, high]), abs(r.gauss(0, 1)) / 1.645
            value = usual * (side / usual) ** far if factors else usual + (side - usual) * far
            return f"{max(value, 0.0 if low >= 0 else value) * times:.{digits}f}"

        return one

    def dates(self, *, birth: bool) -> Draw:
        """Draw days in one of the ways of writing them."""
        r, form = self.r, self.r.choice(DAYS)
        years = (r.choice([1940, 2005]), 2019) if birth else (r.choice([2010, 2022]), 2025)

        def one() -> str:
            y, m, d = r.randint(*years), r.randint(1, 12), r.randint(1, 28)
            return str(int((y - 1900) * 365.25) + 30 * m + d) if form == "serial" else form.format(y=y, m=m, d=d)

        return one

    def months(self) -> Draw:
        """Draw months in one of the ways of writing them."""
        r, form = self.r, self.r.choice(MONTHS)
        return lambda: form.format(y=r.randint(2012, 2025), m=r.randint(1, 12))

    def grades(self) -> Draw:
        """Draw grades."""
        r = self.r
        low, high = r.choice([(1, 6), (7, 9), (1, 9)])
        form = r.choice(["{c}年级", "{n}", "{y}级", "{c}"])
        return lambda: form.format(n=(n := r.randint(low, high)), c="一二三四五六七八九"[n - 1], y=2026 - n)

    def classes(self) -> Draw:
        """Draw classes."""
        r = self.r
        form = r.choice(["{n}班", "{n}", "{c}（{n}）班", "{g}0{n}", "{c}年级{n}班", "{n:02}"])
        return lambda: form.format(n=r.randint(1, 8), g=(g := r.randint(1, 9)), c="一二三四五六七八九"[g - 1])

    def areas(self) -> Draw:
        """Draw areas: codes of six or twelve digits, or names."""
        r, form = self.r, self.r.choice(["code", "code", "12", "name", "long"])
        codes = [f"{r.choice(['52', '43', '51', '44'])}{r.randint(1, 30):02}{r.randint(1, 30):02}" for _ in range(12)]
        if form in ("code", "12"):
            return lambda: r.choice(codes) + (f"{r.randint(1, 20):03}{r.randint(1, 30):03}" if form == "12" else "")
        return lambda: r.choice(COUNTIES) if form == "name" else f"某省{r.choice(PLACES)[-3:]}{r.choice(COUNTIES)}"

    def person(self) -> str:
        """Draw a name."""
        r = self.r
        if r.random() < 0.02:
            return r.choice(["阿依古丽·买买提", "努尔兰·卡德尔", "石依依"])
        return r.choice(self.lexicon.values["surnames"][:120]) + "".join(r.choices(GIVEN, k=r.choice([1, 2, 2])))

    def id(self) -> str:
        """Draw an identity number of an area that was never assigned; a few have fifteen digits."""
        r = self.r
        day = f"{r.randint(1950, 2018)}{r.randint(1, 12):02}{r.randint(1, 28):02}"
        body = f"{self.area()}{day}{r.randint(0, 999):03}"
        whole = body + CHECK[sum(int(d) * int(w) for d, w in zip(body, WEIGHTS, strict=True)) % 11]
        return whole if r.random() < 0.97 else whole[:6] + whole[8:17]

    def area(self) -> str:
        """Draw a code of an area that was never assigned."""
        return f"5299{self.r.randint(1, 12):02}"

    def shape(self, sort: str, *, english: bool) -> Draw:
        """Give a drawer for a shape of text."""
        r = self.r
        prefix = r.choice(["", "", "T", "JZ", "No"])
        width = r.choice([4, 6, 10])
        makers: dict[str, Any] = {
            "yes_no": lambda: self.pick(r.choice(YES_NO).split(",")),
            "month": self.months,
            "grade": self.grades,
            "class": self.classes,
            "area": self.areas,
            "grade_letter": lambda: self.pick(
                r.choice(["A,B,C", "一类,二类,三类", "A类,B类,C类", "甲,乙", "good,fair,poor"]).split(",")
            ),
        }
        if sort in makers:
            found: Draw = makers[sort]()
            return found
        short = r.random() < 0.5
        drawers: dict[str, Draw] = {
            "id": self.id,
            "phone": lambda: (
                f"12{r.randint(10**8, 10**9 - 1)}" if r.random() < 0.93 else f"0851-8{r.randint(10**6, 10**7 - 1)}"
            ),
            "student_no": lambda: (
                "G" + self.id() if r.random() < 0.9 else f"L{self.area()}{r.randint(10**10, 10**11 - 1)}X"
            ),
            "village_code": lambda: f"{self.area()}{r.randint(1, 20):03}{r.randint(200, 230):03}",
            "school_code": lambda: f"21{self.area()}{r.randint(10, 60):02}",
            "pressure": lambda: f"{(s := r.randint(95, 170))}/{int(s * 0.6) + r.randint(-8, 8)}",
            "icd10": lambda: r.choice(["I10", "E11", "J44", "I10,E11", "I25.1", "M81"]),
            "person_name": self.person,
            "pinyin": lambda: f"{r.choice(['Wang', 'LI', 'Zhang'])} {r.choice(['Wei', 'XIAO MING', 'Fang', 'ZIXUAN'])}",
            "name_list": lambda: "、".join(self.person() for _ in range(r.randint(2, 4))),
            "address": lambda: f"{r.choice(COUNTIES)}{r.choice(TOWNS)}{r.choice(VILLAGES)}{r.randint(1, 12)}组",
            "place_name": lambda: r.choice(PLACES),
            "province": lambda: r.choice(self.lexicon.values["provinces"]) + r.choice(["省", "", ""]),
            "school": lambda: r.choice(COUNTIES)[:2] + r.choice(SCHOOLS),
            "school_short": lambda: r.choice(COUNTIES)[:2] + r.choice(["一小", "二中", "三小", "民中", "实小", "五中"]),
            "organisation": lambda: r.choice(ORGS),
            "clinic": lambda: r.choice(TOWNS) + r.choice(CLINICS),
            "village_name": lambda: r.choice(VILLAGES),
            "township_name": lambda: r.choice(TOWNS),
            "identifier": lambda: f"{prefix}{r.randint(0, 10**width - 1):0{width}}",
            "position": lambda: r.choice(["1", "0", "-1"]),
            "place_list": lambda: "、".join(r.sample(COUNTIES, r.randint(1, 4))),
            "code_list": lambda: ",".join(f"S{i:02}" for i in sorted(r.sample(range(1, 20), r.randint(2, 5)))),
            "coordinate": lambda: f"{r.uniform(1, 80):.3f}",
            "english": lambda: r.choice(ENGLISH),
            "sentence": lambda: r.choice(SENTENCES) if not short else r.choice(["", "", "", r.choice(SENTENCES)]),
        }
        words = ["tutoring", "health", "reading", "family", "transport"] if english else WORDS
        return drawers.get(sort, lambda: r.choice(words))
