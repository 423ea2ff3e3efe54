"""People who stand in several files, and what clerks make of them: for scoring who is who.

A city made with ``Overlapping`` instead of ``random.Random`` draws, for each file, most people from a stock of children
and those whom earlier files held, writes them with slips, and keeps who each row is. A rehearsal counts the children of
each age that one file asks for. As many are in stock as the first file holds, narrow ages first: the first is the
registry, and a registry of pupils holds nearly all of them. With ``random.Random`` every file holds people of its own.
The slips are independent of those of the demo city: shapes and meanings confused as well as sounds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

AGAIN = 0.98
"""Chance that a person of a file is one of those whom the files have in common, where one of that age is left."""
# sounds, then shapes; both ways
_CONFUSED = """
伟玮 洋扬 杰洁 涛韬 超朝 平萍 辉晖 鹏朋 宇雨 健建 俊君 海航 轩宣 博波 文雯 豪浩 承成 泽则 娜纳
敏闵 静晶 丽莉 艳燕 娟捐 霞夏 玲铃 婷亭 雪学 琳林 倩茜 兰蓝 英瑛 洁浩 梅海 欣心 悦月 涵函 梦孟
瑶摇 诗师 琪其 思丝 语雨 佳家 慧惠 紫子 萱宣 德得 福富 秀绣 芝枝 珍真 明铭 银根 桂贵 国囯 光先
荣容 张章 陈程 黄王 刘柳 周邹 徐许 罗骆 曾增 谢射 石右 韦苇 余佘 姜江 叶业 杜社 卢芦 贺加
"""
CONFUSED = _CONFUSED.split()
SWAP = {a: b for pair in CONFUSED for a, b in (pair, pair[::-1])}
ID_CONCEPTS = ("id_no", "_id", "idno")


Ages = dict[tuple[float, float], int]
"""How many children of each range of ages."""


class Overlapping(random.Random):
    """Chance that remembers whom it has drawn, and who stands in each row that was written.

    Attributes
    ----------
    truth : list of dict
        department, dataset, file, sheet, row_number, person (true identity number) and facts for grouping.
    """

    def __init__(self, seed: str, plan: list[Ages] | None = None) -> None:
        super().__init__(seed)
        self.plan, self.asked, self.files = plan or [], Counter[tuple[float, float]](), list[Ages]()
        self.known: dict[str, dict[str, Any]] = {"child": {}, "adult": {}}
        self.persons: dict[str, tuple[str, date]] = {}
        self.used: set[str] = set()
        self.truth: list[dict[str, Any]] = []
        self.waiting: list[dict[str, Any]] = []

    def stock(self) -> Ages:
        """Children of each age to have in stock: as many as the first file asks for, those of narrow ages first."""
        left, out = sum(self.plan[0].values()) if self.plan else 0, {}
        wanted = {ages: max(f.get(ages, 0) for f in self.plan) for f in self.plan for ages in f}
        for ages in sorted(wanted, key=lambda a: a[1] - a[0]):
            out[ages] = min(left, wanted[ages])
            left -= out[ages]
        return out

    def meet(self, kind: str, fits: Callable[[Any], bool], draw: Callable[[], Any]) -> Any:
        """Give somebody met before who fits, not yet in this file, or somebody new."""
        pool = [x for i, x in self.known[kind].items() if i not in self.used and fits(x)]
        found = self.choice(pool) if pool and self.random() < AGAIN else draw()
        self.remember(kind, found)
        self.used.add(found.id_no)
        return self.moved(replace(found)) if found in pool else replace(found)

    def remember(self, kind: str, one: Any) -> None:
        """Let ``one`` be met again; of a child, both parents and the carer too."""
        self.known[kind][one.id_no] = one
        self.persons[one.id_no] = one.name, one.birth
        if kind == "child":
            for grown in (one.father, one.mother, one.carer):
                self.remember("adult", grown)

    def moved(self, one: Any) -> Any:
        """Some have another house or telephone by the time of the next file."""
        if self.random() < 0.12:
            one.address = one.address.split("村")[0] + f"村{self.randrange(1, 12)}组{self.randrange(1, 90)}号"
        if hasattr(one, "phone") and self.random() < 0.15:
            one.phone = self.new_phone()
        return one

    @contextmanager
    def written(self, record: Any) -> Iterator[None]:
        """Note who a record is about, and let it be as a clerk writes it while its row is written."""
        if not hasattr(record, "id_no"):
            self.waiting.append({})
            yield
            return
        self.waiting.append({"person": record.id_no, **_facts(record)})
        kept = dict(vars(record))
        known = self.persons.get(record.id_no)
        if known is None or known[1] != record.birth:  # a file gave the number of somebody else: another person
            record.name = self.stranger(record.name)
            if hasattr(record, "phone"):
                record.phone = self.new_phone()
        record.name, record.birth = self.slip(record.name), self.off(record.birth)
        for relative in ("father", "mother", "carer"):
            if hasattr(record, relative):
                grown = getattr(record, relative)
                setattr(record, relative, replace(grown, name=self.slip(grown.name)))
        yield
        vars(record).update(kept)

    def new_phone(self) -> str:
        """Give another telephone."""
        return "12" + "".join(self.choice("0123456789") for _ in range(9))

    def stranger(self, name: str) -> str:
        """Another name: that of somebody whom the pool does not hold."""
        return self.choice("申毛邹严令莫") + "".join(self.choice("康乐嵩恺岚芸") for _ in range(max(1, len(name) - 1)))

    def slip(self, name: str) -> str:
        """Write a name: confused characters 3%, a space 1%, two exchanged 0.3%, one left out 0.2%."""
        draw = self.random()
        places = [i for i, c in enumerate(name) if c in SWAP]
        if draw < 0.03 and places:
            at = self.choice(places)
            return name[:at] + SWAP[name[at]] + name[at + 1 :]
        if draw < 0.04:
            return name[0] + "　" + name[1:]
        if draw < 0.043 and len(name) > 2:
            return name[0] + name[2] + name[1] + name[3:]
        if draw < 0.045 and len(name) > 2:
            return name[:-1]
        return name

    def off(self, born: date) -> date:
        """Write a date of birth: 1.2% wrongly."""
        draw = self.random()
        if draw < 0.004:
            return born + timedelta(days=self.choice([-30, -10, -1, 1, 10, 30]))
        if draw < 0.007:
            return date(born.year, 1, 1)
        if draw < 0.010:
            return born.replace(year=born.year - 1, day=min(born.day, 28))
        if draw < 0.012 and born.day <= 12:
            return date(born.year, born.day, born.month)
        return born

    def number(self, concept: str, text: Any) -> Any:
        """Write an identity number: a digit wrong 1.5%, two exchanged 0.5%, left out 3%; student numbers are right."""
        if not isinstance(text, str) or len(text) != 18 or not concept.endswith(ID_CONCEPTS):
            return text
        draw, at = self.random(), self.randrange(6, 16)
        if draw < 0.015:
            return text[:at] + str((int(text[at]) + self.randrange(1, 10)) % 10) + text[at + 1 :]
        if draw < 0.02:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return "" if draw < 0.05 else text

    def end_file(self, where: tuple[str, str, str, str]) -> None:
        """Keep who stands in the rows of the file that was written last."""
        for i, line in enumerate(self.waiting, 1):
            if line:
                place = dict(zip(("department", "dataset", "file", "sheet"), where, strict=True))
                self.truth.append({**place, "row_number": i, **line})
        if self.asked:
            self.files.append(dict(self.asked))
        self.asked.clear()
        self.waiting.clear()
        self.used.clear()


def _facts(record: Any) -> dict[str, Any]:
    """Give what groups are made of."""
    return {
        "sex": record.sex,
        "birth": record.birth,
        "minority": record.ethnicity != "01",
        "away": getattr(record, "away", "0") != "0",
        "migrant": getattr(record, "migrant", record.id_no[:6] != record.village.county_code),
        "county": record.village.county_code,
        "county_name": record.village.county,
        "child": hasattr(record, "father"),
    }
