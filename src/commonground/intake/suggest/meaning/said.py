"""Puts the evidence for a column's meaning into words, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from commonground.errors import Said
from commonground.intake.model import Pack
from commonground.intake.suggest.meaning.features import AT, FEATURES, certainty
from commonground.intake.suggest.model import Evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commonground.intake.suggest.meaning.infer import Inferred, Weights
    from commonground.intake.suggest.meaning.lexicon import Lexicon
    from commonground.intake.suggest.meaning.propose import Table
    from commonground.intake.suggest.meaning.values import Digest

_Put = Callable[[str, str, str, float], None]
_LEAST = 0.2  # nats below which a reason is not worth a line
_SHAPES = {
    "id": ("身份证号码", "identity numbers"),
    "phone": ("电话号码", "telephone numbers"),
    "mobile": ("手机号码", "mobile numbers"),
    "student_no": ("学籍号", "student numbers"),
    "village_code": ("村级区划代码", "codes of villages"),
    "school_code": ("学校标识码", "school codes"),
    "pressure": ("“高压/低压”", "readings such as 122/65"),
    "icd10": ("ICD-10 编码", "ICD-10 codes"),
    "person_name": ("人名", "names of persons"),
    "pinyin": ("拼音", "pinyin"),
    "name_list": ("几个人名", "lists of names"),
    "date": ("日期", "dates"),
    "month": ("年月", "months"),
    "date_month": ("年月", "months"),
    "area": ("行政区划", "areas"),
    "yes_no": ("是或否", "yes or no"),
    "address": ("地址", "addresses"),
    "place_name": ("地名", "names of places"),
    "province": ("省份", "provinces"),
    "school": ("学校名称", "names of schools"),
    "school_short": ("学校简称", "short names of schools"),
    "organisation": ("机构名称", "names of organisations"),
    "clinic": ("医疗机构名称", "names of clinics"),
    "village_name": ("村居名称", "names of villages"),
    "township_name": ("乡镇名称", "names of townships"),
    "grade": ("年级", "grades"),
    "class": ("班级", "classes"),
    "mark": ("分数", "marks"),
    "total": ("总分", "totals"),
    "rank": ("名次", "ranks"),
    "sequence": ("逐行递增的序号", "numbers that count the rows"),
    "identifier": ("编号", "identifiers"),
    "grade_letter": ("等级", "grades such as A, B, C"),
    "position": ("表态", "positions"),
    "place_list": ("几个地名", "lists of places"),
    "code_list": ("几个编号", "lists of codes"),
    "coordinate": ("坐标", "coordinates"),
    "english": ("英文", "English words"),
    "sentence": ("成句的文字", "sentences"),
    "number": ("数", "numbers"),
    "list": ("该概念代码表内的值", "values of the concept's code list"),
    "text": ("文字", "texts"),
    "words": ("另一代码表的用语", "words of another code list"),
    "han": ("汉字", "Chinese characters"),
}


def evidence(
    i: int, k: int, table: Table, found: Inferred, lexicon: Lexicon, pack: Pack, weights: Weights, kind: str
) -> tuple[Evidence, ...]:
    """Give the reasons for and against concept ``k`` of column ``i``, the weightiest first.

    A reason's weight is what it adds to the log-odds of the concept, against the mean of all concepts.
    """
    row = found.evidence[i]
    gain = (row[k] - row[:-1].mean(axis=0)) * weights.vector
    name = list(lexicon.concepts)[k]
    concept = pack.concepts[name]
    column, named = table.columns[i], table.named[i]
    out: list[Evidence] = []

    def put(source: str, zh: str, en: str, weight: float) -> None:
        if abs(weight) >= _LEAST:
            out.append(Evidence(source, Said(zh, en), round(float(weight), 2)))

    by = {feature: float(gain[AT[feature]]) for feature in FEATURES}
    called = f"{column.name}（{column.label}）" if column.label else column.name
    _name(put, by, row[k], called, concept.label, named.best[k])
    label = by["label:exact"] + by["label:likeness"]
    if column.label:
        put("label", f"文件自带说明：“{column.label}”", f"the file says: “{column.label}”", label)
    _values(put, by, row[k], table.digests[i])
    _company(put, by, pack.kinds[kind].label)
    return tuple(sorted(out, key=lambda one: (-abs(one.weight), one.said.en)))


def _name(put: _Put, by: Mapping[str, float], row: NDArray[np.float64], name: str, label: Said, like: str) -> None:
    words = sum(w for f, w in by.items() if f.startswith("name:") and not f.startswith(("name:role", "name:index")))
    if row[AT["name:exact"]] or row[AT["name:exact_stem"]]:
        put("name", f"列名“{name}”就是“{label.zh}”的叫法", f"“{name}” is a name of “{label.en}”", words)
    elif row[AT["name:initials"]] or row[AT["name:code"]] or row[AT["name:initials_near"]]:
        put("name", f"列名“{name}”是“{label.zh}”的缩写或代码", f"“{name}” abbreviates “{label.en}”", words)
    elif words > 0:
        put("name", f"列名“{name}”与“{like}”相近", f"“{name}” is like “{like}”", words)
    else:
        put("name", f"列名“{name}”不像“{label.zh}”", f"“{name}” is unlike “{label.en}”", words)
    role = sum(weight for feature, weight in by.items() if feature.startswith("name:role"))
    fits = ("相符", "fits") if role > 0 else ("不符", "does not fit")
    put("name", f"列名所指的人{fits[0]}", f"the person that the header names {fits[1]}", role)
    index = sum(weight for feature, weight in by.items() if feature.startswith("name:index"))
    fits = ("相符", "fits") if index > 0 else ("不符", "does not fit")
    put("name", f"列名中的第几次{fits[0]}", f"the number of the reading {fits[1]}", index)
    put("name", "列名里写了单位", "the header holds the unit", by["hint:unit"])


def _company(put: _Put, by: Mapping[str, float], kind: Said) -> None:
    usual = by["company:kind"] + by["company:kind_vague"] + by["company:kind_away"]
    often = ("常有", "often") if usual > 0 else ("少有", "seldom")
    put("kind", f"“{kind.zh}”类数据{often[0]}此列", f"datasets of the kind “{kind.en}” {often[1]} have it", usual)
    near = by["company:neighbour_role"] + by["company:neighbour_none"]
    same = ("说的也是此人", "about") if near > 0 else ("说的不是此人", "not about")
    put("neighbour", f"相邻的列{same[0]}", f"its neighbours are {same[1]} the same person", near)


def _values(put: _Put, by: Mapping[str, float], row: NDArray[np.float64], digest: Digest) -> None:
    certain = certainty(digest)
    for name, (zh, en) in _SHAPES.items():
        if f"fit:{name}" in by and (row[AT[f"fit:{name}"]] or row[AT[f"poor:{name}"]]):
            share = round(100 * float(row[AT[f"fit:{name}"]]) / certain)
            put(
                "shape",
                f"内容有 {share}% 像{zh}" if share else f"内容不像{zh}",
                f"{share}% of its values look like {en}" if share else f"its values do not look like {en}",
                by[f"fit:{name}"] + by[f"poor:{name}"],
            )
        if f"alien:{name}" in by and row[AT[f"alien:{name}"]]:
            share = round(100 * float(row[AT[f"alien:{name}"]]) / certain)
            put(
                "shape",
                f"内容有 {share}% 是{zh}，与此不合",
                f"{share}% of its values are {en}, which does not fit",
                by[f"alien:{name}"],
            )
    listed = by["list:words"] + by["list:codes"]
    if row[AT["list:words"]] or row[AT["list:codes"]]:
        put("codes", "取值在其代码表内", "its values stand in the concept's code list", listed)
    if row[AT["typical"]] and len(digest.numbers):
        middle = float(np.median(digest.numbers))
        fits = ("合乎", "usual") if by["typical"] > 0 else ("不合", "unusual")
        put("values", f"中位数 {middle:g} {fits[0]}常情", f"a median of {middle:g} is {fits[1]} for it", by["typical"])
    put("values", "用词相符", "its words fit", by["words"])
    put("values", "取值重复太多或太杂", "its values repeat too often or vary too much", by["few"] + by["many"])
