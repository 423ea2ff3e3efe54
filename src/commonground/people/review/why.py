"""Why two records of a city were linked or not: the waterfall of a pair, from the frozen model and its stored levels.

Nothing is compared anew: levels and weight are those that the build kept, so that the explanation is of what was done.
How common the name is does not stand in the table of pairs; it is what the weight leaves, and is computed from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from commonground.errors import Said
from commonground.people import fellegi_sunter as fs
from commonground.people.compare import FIELDS
from commonground.people.edges import by_number, counted_once
from commonground.people.explain import Waterfall, running
from commonground.people.frozen import RARE_LEVELS
from commonground.people.review.marks import BIRTHS

BIT = math.log(2.0)
NAMES = {
    "name": Said("姓名", "name"),
    "birth": Said("出生日期", "date of birth"),
    "sex": Said("性别", "sex"),
    "id": Said("证件号", "identity number"),
    "student": Said("学籍号", "student number"),
    "school": Said("学校、班级", "school and class"),
    "place": Said("住址、户籍地", "address, place of registration"),
    "phone": Said("电话", "telephone"),
    "kin": Said("亲属", "relatives"),
    "ethnicity": Said("民族", "ethnicity"),
}
_SAME, _OTHER = Said("相同", "the same"), Said("不同", "different")
LEVELS: dict[str, dict[int, Said]] = {
    "name": {
        1: _OTHER,
        2: Said("只有姓相同", "the surname alone"),
        3: Said("名的读音相近，姓不同", "the given name by sound, another surname"),
        4: Said("只差一个字", "one character apart"),
        5: Said("方言音近", "the same in dialect"),
        6: Said("同音", "the same sound"),
        7: Said("字相同", "the same characters"),
    },
    "birth": dict(BIRTHS),
    "sex": {1: _OTHER, 2: _SAME},
    "id": {
        1: Said("两个不同的有效号码", "two different valid numbers"),
        2: Said("号码有误，差两位", "damaged, two characters apart"),
        3: Said("前 15 位相同（后面已丢失）", "the first 15 agree (the rest is lost)"),
        4: Said("号码有误，差一位或相邻两位颠倒", "damaged, one character off or two exchanged"),
        5: Said("同一有效号码", "the same valid number"),
    },
    "student": {1: _OTHER, 2: _SAME},
    "school": {
        1: Said("不同校、不同届", "neither school nor year"),
        2: Said("同县同届", "the same year in one county"),
        3: Said("同校", "the same school"),
        4: Said("同校同届", "the same school and year"),
        5: Said("同校同班", "the same class"),
    },
    "place": {1: _OTHER, 2: Said("同县", "the same county"), 3: Said("同村", "the same village"), 4: _SAME},
    "phone": {1: Said("没有相同的", "none in common"), 2: Said("有相同的", "one in common")},
    "kin": {
        1: Said("没有相同的", "none in common"),
        2: Said("一人同名", "one of the same name"),
        3: Said("两人以上同名", "two or more of the same name"),
        4: Said("亲属证件号相同", "a relative with the same number"),
    },
    "ethnicity": {1: _OTHER, 2: _SAME},
}
"""What each stored level means, for a clerk; 0 is a missing value."""
_MISSING = Said("一方没有", "missing on one side")
_INSIDE = Said("已含在证件号中，不重复计", "inside the identity number, not counted twice")
_RULES = {
    "number": Said("同一有效证件号且姓名相符，直接认定", "the same valid number and a name that fits: taken at once"),
    "decided": Said("按人工复核的结论", "as reviewers decided"),
}


def explain(model: fs.Model, levels: Sequence[int], weight: float, method: str) -> Waterfall:
    """Explain the weight of one pair.

    Parameters
    ----------
    model : fs.Model
        Chances of the dataset that was linked, from the frozen model.
    levels : sequence of int
        Agreement of each of ``compare.FIELDS``, as stored.
    weight : float
        Bits, as stored; the last sum is this.
    method : str
        How the pair was, or would have been, linked.

    Returns
    -------
    Waterfall
        Before comparing; each field; how common the name is; relatives; a rule that holds whatever the weights say.
    """
    raw = np.array([levels], dtype=np.int8)
    once, sure = counted_once(raw)[0], bool(by_number(raw)[0])
    m, f, u = (float(part[0]) for part in model.log_likelihoods(once[None, :]))
    match, family, other = np.log(np.maximum(model.prior, 1e-300)).tolist()
    rare = 0.0 if sure or levels[0] not in RARE_LEVELS else _rarity(match + m - weight * BIT, family + f, other + u)
    rows = []
    for k, name in enumerate(FIELDS):
        level = int(once[k])
        bits = float(np.log(np.maximum(model.m[name][level], fs.FLOOR) / np.maximum(model.u[name][level], fs.FLOOR)))
        said = _INSIDE if level != levels[k] else _MISSING if level == 0 else LEVELS[name][level]
        rows.append((NAMES[name], said, bits / BIT if level else 0.0))
    if rare:
        said = Said("少见", "rare") if rare < 0 else Said("常见", "common")
        rows.insert(1, (Said("姓名：这个名字", "name: this very name"), said, -rare / BIT))
    kin = -float(np.logaddexp(0.0, family + f - (other + u + rare))) / BIT
    rows.append((Said("亲属之间", "among relatives"), Said("亲属也会这样一致", "relatives agree like this too"), kin))
    start = (match - other) / BIT
    left = weight - start - sum(bits for _, _, bits in rows)
    if abs(left) >= 0.005:
        rule = _RULES.get("number" if sure else method, Said("其他", "other"))
        rows.append((Said("认定规则", "rule"), rule, left))
    else:  # the stored weight is rounded
        what, said, bits = rows.pop()
        rows.append((what, said, bits + left))
    return running(start, rows)


def _rarity(unmatched: float, family: float, other: float) -> float:
    """What must be added to the log chance among unrelated persons to give the stored weight; 0 where nothing fits."""
    if unmatched <= family:
        return 0.0
    found = unmatched + math.log1p(-math.exp(family - unmatched)) - other
    return found if abs(found) <= 7.01 else 0.0
