"""The shareable profile: what a file is like, without anything about a person in it.

Hidden are all texts of columns that name or may name persons, all counts under a limit, and texts that so few rows
hold. The counts that remain are rounded, so that a hidden one cannot be had by subtracting. What stands instead of
texts is their form: ``9×18`` for eighteen figures, ``汉×2`` for two Han characters.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from commonground.errors import Said
from commonground.intake.model import Concept, Pack
from commonground.intake.suggest.assemble import Column, Draft
from commonground.intake.suggest.gather import Found
from commonground.intake.suggest.model import MOST_SURE, ColumnProfile

STEP = 5  # counts are given to the nearest multiple of this
_SHOWN = 25  # texts of a column that are listed
_FORMS = 8
_QUOTED = 40  # a reason quotes no longer text
_TYPES_OF_PERSONS = ("id",)
_ID = re.compile(r"[A-Za-z]?\d{6}(18|19|20)?\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]?|\d\.\d+[eE]\+1[4-9]")
_PHONE = re.compile(r"(\+?86[- ]?)?1[2-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8}|\d{7,8}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HAN_NAME = re.compile(
    "[\u4e00-\u9fff·\U00020000-\U0003ffff]{2,4}|[\u4e00-\u9fff]+·[\u4e00-\u9fff·]+|[A-Z][a-z]+ [A-Z][a-z]+.*"
)
# a file or sheet called by somebody's name: a frequent surname, one or two characters, no word for a place or a table
_PERSON = re.compile(
    "[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚"
    "谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文][\u4e00-\u9fff]{0,1}"
    "[^\u0000-\u4dff区县市镇乡村组校班级表册台账单数据库点一二三四五六七八九十年]"
)
_ADDRESS = re.compile(r".*[\u4e00-\u9fff].*(村|组|社区|路|街|巷|栋|单元|室|号|镇|乡).*")


def profile(draft: Draft, pack: Pack, hide_under: int) -> dict[str, Any]:
    """Give the shareable profile of a dataset as plain values."""
    kind = draft.proposal.kind
    columns = [_column(column, draft.found, pack, hide_under) for column in draft.columns]
    secret = {text for column in columns for text in column.pop("secret")}
    called = {name for one in draft.found for name in (one.place.file, one.profile.sheet)}
    secret |= {name for name in called if name and _called(name) == "*"}
    for shown, column in zip(columns, draft.columns, strict=True):
        shown["evidence"] = _evidence(column, secret) if shown["name"] != "*" else []
    return {
        "format": "commonground-profile",
        "version": 1,
        "department": draft.department,
        "dataset": draft.dataset,
        "kind": kind,
        "kind_label": _both(pack.kinds[kind].label) if kind else None,
        "kind_confidence": _sure(draft.proposal.kind_confidence),
        "hidden_under": hide_under,
        "rounded_to": STEP,
        "about": _both(
            Said(
                f"本文件可以带出保险库：不含任何一行记录；可能指向个人的列不显示内容；"
                f"少于 {hide_under} 的计数和内容不显示，其余计数取 {STEP} 的倍数。",
                f"This file may leave the vault: it holds no row, and no text of columns that may point to persons; "
                f"counts under {hide_under} and texts of so few rows are hidden, others rounded to {STEP}.",
            )
        ),
        "files": [_file(one, hide_under) for one in draft.found],
        "set_aside": [
            {"file": _called(one.place.file), "sheet": _called(one.sheet), "why": one.why} for one in draft.aside
        ],
        "columns": columns,
        "undecided": [_name(column.sources[0]) for column in draft.undecided],
        "check": [_both(said) for said in draft.doubts if not _tells(said, secret)],
    }


def to_json(content: Mapping[str, Any]) -> bytes:
    """Write a profile as JSON."""
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _sure(confidence: float) -> float:
    return min(round(confidence, 2), MOST_SURE)


def _both(said: Said) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def _name(text: str) -> str:
    """Give a name of a file or column unless it is somebody's number or a row taken for a header."""
    from commonground.governance.guard import personal_text

    return "*" if personal_text(text) or re.search(r"\d{7}", text) else text


def _called(text: str) -> str:
    """Give the name of a file or sheet unless it may be somebody's."""
    return "*" if _PERSON.fullmatch(text.rsplit("/", 1)[-1].rsplit(".", 1)[0]) else _name(text)


def _file(one: Found, hide_under: int) -> dict[str, Any]:
    sheet = one.profile
    layout = {name: value for name, value in sheet.layout.items() if name not in ("columns", "non_data")}
    return {
        "file": _called(one.place.file),
        "delivery": one.place.delivery,
        "sheet": _called(sheet.sheet),
        "rows": sheet.rows if not 0 < sheet.rows < hide_under else f"<{hide_under}",
        "columns": len(sheet.columns),
        "layout": layout,
        "non_data": [rule for rule in sheet.layout.get("non_data", []) if rule["reason"] != "note"],
        "why": {name: _both(said) for name, said in sheet.why.items() if name != "non_data"},
        "confidence": {name: _sure(value) for name, value in sheet.confidence.items()},
    }


def pooled(column: Column, found: Sequence[Found]) -> ColumnProfile:
    """Put a column's profiles of all sheets together, under any of its names."""
    parts = [c for one in found for c in one.profile.columns if c.name in column.sources]
    if len(parts) <= 1:
        return parts[0] if parts else column.proposal.column
    values: Counter[str] = Counter()
    for part in parts:
        values.update(dict(part.values))
    step = max(1, len(parts) // 10)
    return ColumnProfile(
        parts[0].name,
        parts[0].position,
        sum(part.rows for part in parts),
        sum(part.filled for part in parts),
        max(len(values), *(part.distinct for part in parts)),
        tuple(sorted(values.items(), key=lambda item: (-item[1], item[0]))),
        tuple(text for part in parts[::step] for text in part.sample[:500]),
        label=parts[0].label,
        value_labels=parts[0].value_labels,
    )


def _column(column: Column, found: Sequence[Found], pack: Pack, hide_under: int) -> dict[str, Any]:
    whole = pooled(column, found)
    concept = pack.concepts.get(column.proposal.concept or "")
    hidden = identifying(whole, concept)
    guesses = column.proposal.alternatives
    out: dict[str, Any] = {
        "name": _name(column.sources[0]),
        "other_names": [_name(name) for name in column.sources[1:]],
        "label": "" if hidden and not concept else _name(whole.label),
        "concept": concept.name if concept and column.decided else None,
        "concept_label": _both(concept.label) if concept and column.decided else None,
        "confidence": _sure(column.proposal.confidence),
        "may_be": [{"concept": name, "probability": _sure(sure)} for name, sure in guesses[:4]],
        "evidence": [],
        "rows": about(whole.rows, hide_under),
        "blank": about(whole.rows - whole.filled, hide_under),
        "distinct": whole.distinct if whole.distinct <= 20 else float(f"{whole.distinct:.2g}"),
        "values_hidden": hidden is not None,
        "hidden_because": _both(hidden) if hidden else None,
        "forms": _forms(whole, hide_under),
        "secret": _secret(column, found, whole, hidden=hidden is not None, hide_under=hide_under),
    }
    if hidden is None:
        out |= _values(whole, hide_under)
    return out


def about(count: int, hide_under: int) -> int | str:
    """Give a count as it may be shown: 0, ``<5``, or rounded."""
    if count == 0:
        return 0
    if count < hide_under:
        return f"<{hide_under}"
    return max(hide_under, STEP * round(count / STEP))


def identifying(column: ColumnProfile, concept: Concept | None) -> Said | None:
    """Tell why a column may point to persons; None where it does not. In doubt it does."""
    if concept is not None and (concept.identifying or concept.type in _TYPES_OF_PERSONS):
        return Said(f"“{concept.label.zh}”是可识别个人的信息", f"“{concept.label.en}” identifies persons")
    sample = column.sample
    if not sample:
        return None
    for pattern, said, share in (
        (_ID, Said("有像身份证号的内容", "texts like identity numbers"), 0.01),
        (_PHONE, Said("有像电话号码的内容", "texts like telephone numbers"), 0.2),
        (_MAIL, Said("有像电子邮箱的内容", "texts like e-mail addresses"), 0.01),
    ):
        if sum(bool(pattern.fullmatch(text)) for text in sample) > share * len(sample):
            return said
    if concept is not None and (concept.codes is not None or concept.type in ("boolean", "code", "area")):
        return None
    texts = {text for text, _ in column.values}
    many = column.distinct > max(20, 0.05 * column.filled)
    if many and sum(bool(_HAN_NAME.fullmatch(text)) for text in texts) > 0.5 * len(texts):
        return Said("有像姓名的内容", "texts like names of persons")
    if many and sum(bool(_ADDRESS.fullmatch(text)) for text in texts) > 0.3 * len(texts):
        return Said("有像住址的内容", "texts like addresses")
    number = concept is not None and concept.type in ("number", "integer", "date", "month")
    if column.distinct > 0.5 * column.filled and not number and not all(map(_is_number, sample)):
        return Said(
            "各行内容几乎都不同，可能是编号或自由文字", "nearly every row differs: numbers of persons or free text"
        )
    if column.distinct > 0.9 * column.filled and column.filled > 20 and not number:
        return Said("各行都不同，可能是编号", "every row differs: it may number persons")
    return None


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _secret(column: Column, found: Sequence[Found], whole: ColumnProfile, *, hidden: bool, hide_under: int) -> set[str]:
    """Texts of a column that are not shown, but for numbers so short that they say nothing."""
    shown = set() if hidden else {text for text, times in whole.values if times >= hide_under}
    texts: set[str] = set()
    for part in (c for one in found for c in one.profile.columns if c.name in column.sources):
        texts.update(part.sample, (text for text, _ in part.values))
    return {text for text in texts - shown if len(text) > 1 and not (len(text) < 4 and text.isdigit())}


def _tells(said: Said, secret: set[str]) -> bool:
    """Tell whether a sentence quotes a text that is not shown, of this column or another."""
    return any(
        text[i:j] in secret
        for text in (said.zh, said.en)
        for i in range(len(text) - 1)
        for j in range(i + 2, min(len(text), i + _QUOTED) + 1)
    )


def _evidence(column: Column, secret: set[str]) -> list[dict[str, str]]:
    """Reasons that quote no text that is not shown."""
    out = []
    for one in sorted(column.proposal.evidence, key=lambda one: -abs(one.weight))[:4]:
        if one.source == "name" or not _tells(one.said, secret):
            out.append({"source": one.source, "weight": f"{one.weight:+.1f}", **_both(one.said)})
    return out


def _forms(column: ColumnProfile, hide_under: int) -> list[dict[str, Any]]:
    """Give the commonest forms of a column's texts, as shares of the sample."""
    seen = Counter(form(text) for text in column.sample)
    total = sum(seen.values())
    kept = [(text, times) for text, times in seen.most_common(_FORMS) if times >= hide_under]
    return [{"form": text, "share": f"{times / total:.0%}"} for text, times in kept]


def form(text: str) -> str:
    """Write the form of a text: runs of figures, letters and Han characters by their length, the rest as ``·``."""
    out: list[list[Any]] = []
    for char in text[:60]:
        if char.isascii() and char.isdigit():
            kind = "9"
        elif char.isascii() and char.isalpha():
            kind = "a"
        elif "\u3400" <= char <= "\u9fff" or char >= "\U00020000":
            kind = "汉"
        elif char in "-/.:,|+ 年月日%、，（）()":
            kind = char
        else:
            kind = "·"
        if out and out[-1][0] == kind:
            out[-1][1] += 1
        else:
            out.append([kind, 1])
    parts = [f"{kind}×{times}" if times > 1 and kind in "9a汉·" else kind * times for kind, times in out]
    return " ".join(parts[:12]) + (" …" if len(parts) > 12 or len(text) > 60 else "")


def _values(column: ColumnProfile, hide_under: int) -> dict[str, Any]:
    """Texts that enough rows hold with rounded counts, and quantiles of numbers."""
    frequent = [(text, times) for text, times in column.values if times >= hide_under]
    listed = frequent[:_SHOWN]
    out: dict[str, Any] = {
        "values": [
            {"text": text, "count": about(times, hide_under), "label": column.value_labels.get(text, "")}
            for text, times in listed
            if not _ID.search(text)
        ],
        "values_not_listed": max(0, column.distinct - len(listed)) > 0,
    }
    numbers = sorted(float(text.replace(",", "")) for text in column.sample if _is_number(text))
    numbers = [number for number in numbers if abs(number) < 1e12]
    if len(numbers) > 0.8 * len(column.sample) and len(numbers) * 0.05 >= hide_under and column.distinct > 10:
        places = (0.05, 0.25, 0.5, 0.75, 0.95)
        out["quantiles"] = {f"{p:.0%}": float(f"{numbers[int(p * (len(numbers) - 1))]:.3g}") for p in places}
    return out
