"""The further keys of a column's rule: codes, missing texts, unit, order of dates, pattern; and what is in doubt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.errors import Said
from commonground.intake.convert import plain
from commonground.intake.model import Concept, Pack
from commonground.intake.suggest.meaning.codes import code_rule
from commonground.intake.suggest.meaning.features import usual
from commonground.intake.suggest.meaning.header import Header
from commonground.intake.suggest.meaning.lexicon import Lexicon, Words
from commonground.intake.suggest.meaning.values import Digest
from commonground.intake.suggest.model import ColumnProposal
from commonground.intake.units import PERCENT_OF_FULL, factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FULL_MARKS = (100, 120, 150)
_BMI_IN_JIN = 30.0
_RECURS = 5  # rows from which a word is no slip, nor one person's
_APART = 4.0  # units whose factor is greater than this tell a single value's unit
_SECOND = 0.02  # share of values in another unit from which it is said
_EXPLAINED = {
    "absent": ("缺考", "absent"),
    "unknown": ("不详", "unknown"),
    "not_stated": ("未填", "not stated"),
    "not_applicable": ("不适用", "not applicable"),
    "not_measured": ("未测", "not measured"),
    "refused": ("拒绝", "refused"),
    "blank": ("空", "blank"),
    "other": ("其他", "other"),
    "exempt": ("免考", "exempt"),
    "deferred": ("缓考", "deferred"),
    "disqualified": ("取消成绩", "disqualified"),
}


@dataclass
class _Rule:
    """A rule in the making."""

    keys: dict[str, Any] = field(default_factory=dict)
    why: dict[str, Said] = field(default_factory=dict)
    doubts: list[Said] = field(default_factory=list)


def settle(
    columns: Sequence[ColumnProposal],
    headers: Sequence[Header],
    digests: Sequence[Digest],
    pack: Pack,
    lexicon: Lexicon,
    kind: str = "",
) -> tuple[list[ColumnProposal], list[Said]]:
    """Add to each proposal what its rule must say, and collect what a person must decide.

    Of a column without a concept the rule is that of its likeliest one, so that a clerk who takes it has it whole;
    its doubts are not told before that.
    """
    out, doubts = [], []
    for column, header, digest in zip(columns, headers, digests, strict=True):
        name = column.concept or next((name for name, _ in column.alternatives), None)
        if name is None or not digest.filled:
            out.append(column)
            continue
        rule = rule_of(column.column.name, pack.concepts[name], lexicon.concepts[name], header, digest, lexicon, kind)
        out.append(replace(column, rule=rule.keys, why=rule.why))
        if column.concept is not None:
            doubts += rule.doubts
    out, more = _weigh_by_height(out, headers, digests, lexicon)
    return out, doubts + more


def _weigh_by_height(
    columns: list[ColumnProposal], headers: Sequence[Header], digests: Sequence[Digest], lexicon: Lexicon
) -> tuple[list[ColumnProposal], list[Said]]:
    """Tell jin from kg by height: a body-mass index above 30 in the middle of a file is a weight in jin.

    Where the header says kg it is only a doubt.
    """
    middle = {}
    for column, digest in zip(columns, digests, strict=True):
        if column.concept in ("height", "weight") and len(digest.numbers):
            own = {"height": "cm", "weight": "kg"}[column.concept]
            times = factor(column.rule.get("unit", own), own) or 1.0
            middle[column.concept] = float(np.median(digest.numbers)) * times
    if len(middle) < 2 or middle["weight"] / (middle["height"] / 100) ** 2 <= _BMI_IN_JIN:
        return columns, []
    index = middle["weight"] / (middle["height"] / 100) ** 2
    out, doubts = [], []
    for column, header in zip(columns, headers, strict=True):
        if column.concept == "weight" and "unit" not in column.rule:
            if any(lexicon.values["unit_words"].get(hint) == "kg" for hint in header.hints):
                doubts.append(
                    Said(
                        f"“{column.column.name}”：写的是公斤，体重指数的中位数却约为 {index:.0f}，像是市斤，请核实。",
                        f"“{column.column.name}”: it says kg, but the body-mass index would be {index:.0f} "
                        "in the middle, as of weights in jin: check it.",
                    )
                )
                out.append(column)
                continue
            why = Said(
                f"如按公斤，体重指数的中位数约为 {index:.0f}，不合常情",
                f"in kg the body-mass index would be {index:.0f} in the middle, which is unusual",
            )
            out.append(replace(column, rule={**column.rule, "unit": "jin"}, why={**column.why, "unit": why}))
        else:
            out.append(column)
    return out, doubts


def rule_of(
    name: str, concept: Concept, words: Words, header: Header, digest: Digest, lexicon: Lexicon, kind: str = ""
) -> _Rule:
    """Give the keys of one column's rule for a concept, in a dataset of ``kind``."""
    rule = _Rule()
    if concept.type in ("code", "boolean"):
        coded = code_rule(name, concept, digest, lexicon, kind)
        if coded.codes:
            rule.keys["codes"] = dict(coded.codes)
            rule.why["codes"] = coded.why or Said("", "")
        rule.doubts += coded.doubts
        _missing(rule, concept, digest, coded.missing)
    else:
        _missing(rule, concept, digest, _strays(rule, name, concept, digest))
    if concept.type in ("number", "integer"):
        _unit(rule, name, concept, words, header, digest, lexicon.values["unit_words"])
    elif concept.type in ("date", "month"):
        _order(rule, name, digest)
    elif concept.pattern is not None:
        _pattern(rule, name, concept, digest)
    return rule


def _strays(rule: _Rule, name: str, concept: Concept, digest: Digest) -> dict[str, str]:
    """Take short words that recur among numbers or dates for texts that mean no value, with a doubt."""
    if concept.type not in ("number", "integer", "date", "month", "id"):
        return {}
    total = sum(n for _, n in digest.texts) or 1
    words = {
        plain(text): n
        for text, n in digest.texts
        if n >= max(_RECURS, 0.001 * total) and re.fullmatch(r"[\u4e00-\u9fff]{1,4}|[A-Za-z]{1,4}|0{6,}", plain(text))
    }
    if sum(words.values()) > 0.3 * total:
        zeros = concept.type in ("date", "month", "id")  # 00000000 is no day, however often it stands there
        words = {text: n for text, n in words.items() if zeros and not text.strip("0")}
    if not words:
        return {}
    told = "、".join(sorted(words))
    rule.doubts.append(
        Said(
            f"“{name}”：“{told}”夹在数字或日期中，当作没有值；请写明原因。",
            f"“{name}”: “{told}” among numbers or dates is taken to mean no value; say why.",
        )
    )
    return dict.fromkeys(words, "not_stated")


def _missing(rule: _Rule, concept: Concept, digest: Digest, more: Any) -> None:
    """Name the texts that mean no value; what a list or a yes-or-no column reads itself is none of them."""
    found = {plain(text): why for text, (why, _) in digest.missing.items()}
    if concept.type == "boolean":
        found = {text: why for text, why in found.items() if text not in ("0", "1", "无", "×")}
    if concept.absence:
        found = {text: "absent" if text in ("-1", "缺") else why for text, why in found.items()}
    found |= dict(more)
    if found:
        rule.keys["missing"] = dict(sorted(found.items()))
        zh = "、".join(f"“{text}”" for text in sorted(found))
        en = ", ".join(f"“{text}” ({_EXPLAINED.get(why, ('', why))[1]})" for text, why in sorted(found.items()))
        rule.why["missing"] = Said(
            f"{zh}与其他取值不同类，表示没有值", f"unlike the other values, they mean none: {en}"
        )


def _unit(
    rule: _Rule,
    name: str,
    concept: Concept,
    words: Words,
    header: Header,
    digest: Digest,
    hinted_units: Mapping[str, str],
) -> None:
    if not len(digest.numbers):
        return
    if concept.unit == PERCENT_OF_FULL:
        _full_mark(rule, name, digest)
        return
    hinted = next((hinted_units[hint] for hint in header.hints if hint in hinted_units), "")
    if factor(hinted, concept.unit) is None:
        hinted = ""
    units = [unit for unit in dict.fromkeys((concept.unit, *words.units)) if unit]
    fitted = _best_unit(digest.numbers, units, concept, words) if len(units) > 1 else concept.unit
    unit = hinted or fitted
    if hinted and fitted != hinted and len(units) > 1 and _misfit(digest.numbers, hinted, concept, words) > 2.0:
        rule.doubts.append(
            Said(
                f"“{name}”：列名写的是 {hinted}，数值却像 {fitted}，请核实。",
                f"“{name}”: the header says {hinted}, the values look like {fitted}: check it.",
            )
        )
        unit = fitted
    if unit and unit != concept.unit:
        rule.keys["unit"] = unit
        middle = float(np.median(digest.numbers))
        rule.why["unit"] = (
            Said("列名里写着", "the header says so")
            if hinted == unit
            else Said(f"中位数为 {middle:g}", f"the median is {middle:g}")
        )
    _mixed(rule, name, concept, words, units, unit, digest.numbers)


def _misfit(numbers: NDArray[np.float64], unit: str, concept: Concept, words: Words) -> float:
    times = factor(unit, concept.unit) or 1.0
    return -usual(float(np.median(numbers)) * times, words.typical) if words.typical else 0.0


def _best_unit(numbers: NDArray[np.float64], units: Sequence[str], concept: Concept, words: Words) -> str:
    """Give the unit in which the median is most usual; the concept's own unless another is clearly better."""
    own = _misfit(numbers, concept.unit, concept, words)
    other = min(units, key=lambda unit: (_misfit(numbers, unit, concept, words), unit))
    return other if _misfit(numbers, other, concept, words) < own - 0.7 else concept.unit


def _mixed(
    rule: _Rule,
    name: str,
    concept: Concept,
    words: Words,
    units: Sequence[str],
    unit: str,
    numbers: NDArray[np.float64],
) -> None:
    """Say that some rows are in another unit, where single values show it (1.42 among 142)."""
    if words.typical is None or len(numbers) < 20:
        return
    low, _, high = words.typical
    here = factor(unit, concept.unit) or 1.0
    inside = (numbers * here >= low * 0.7) & (numbers * here <= high * 1.4)
    for other in units:
        there = factor(other, concept.unit) or 1.0
        if other == unit or max(here / there, there / here) < _APART:
            continue
        also = ~inside & (numbers * there >= low * 0.7) & (numbers * there <= high * 1.4)
        if also.mean() >= _SECOND:
            rule.doubts.append(
                Said(
                    f"“{name}”：约 {also.mean():.0%} 的数值像 {other}，其余像 {unit or concept.unit}；"
                    "请查明哪些行如此，用 where 写明。",
                    f"“{name}”: about {also.mean():.0%} of the values look like {other}, the others like "
                    f"{unit or concept.unit}: find out which rows, and say so with where.",
                )
            )


def _full_mark(rule: _Rule, name: str, digest: Digest) -> None:
    """Give the full mark: the least usual one that no mark exceeds."""
    top = float(np.max(digest.numbers))
    full = next((mark for mark in _FULL_MARKS if top <= mark), None)
    if full is None:
        rule.doubts.append(
            Said(
                f"“{name}”：最高分 {top:g} 超过 150，请写明满分。",
                f"“{name}”: the best mark {top:g} exceeds 150: say the full mark.",
            )
        )
        return
    rule.keys["unit"] = f"mark/{full}"
    rule.why["unit"] = Said(f"最高分不超过 {full}", f"no mark exceeds {full}")
    upper = float(np.percentile(digest.numbers, 99))
    if full > 100:
        rule.doubts.append(
            Said(
                f"“{name}”：按满分 {full} 换算；如有的年级或县区满分不同，请用 where 分别写明。",
                f"“{name}”: taken as marks of {full}; "
                "where grades or counties have other full marks, say so with where.",
            )
        )
    elif upper < 0.8 * full:
        rule.doubts.append(
            Said(
                f"“{name}”：分数普遍偏低，请核实满分是否为 {full}。",
                f"“{name}”: marks are low: check that the full mark is {full}.",
            )
        )


def _order(rule: _Rule, name: str, digest: Digest) -> None:
    if digest.share.get("date_year_last", 0.0) < 0.02:
        return
    parts = [re.match(r"(\d{1,2})[-./](\d{1,2})[-./]", plain(text)) for text, _ in digest.texts]
    first = max((int(part[1]) for part in parts if part), default=0)
    second = max((int(part[2]) for part in parts if part), default=0)
    order = "mdy" if second > 12 >= first else "dmy"
    rule.keys["order"] = order
    if (first > 12 and second > 12) or max(first, second) <= 12:
        rule.why["order"] = Said("看不出日和月的先后", "whether day or month comes first cannot be seen")
        rule.doubts.append(
            Said(
                f"“{name}”：年份在后的日期，看不出日在先还是月在先；现按日在先。",
                f"“{name}”: of dates with the year last it cannot be seen whether the day comes first; so it is taken.",
            )
        )
    else:
        rule.why["order"] = Said("有一部分大于 12", "one of the parts goes beyond 12")


def _pattern(rule: _Rule, name: str, concept: Concept, digest: Digest) -> None:
    """Propose another pattern where the values plainly follow one, and not the concept's."""
    total = sum(n for _, n in digest.texts) or 1
    assert concept.pattern is not None
    fits = sum(n for text, n in digest.texts if concept.pattern.fullmatch(plain(text))) / total
    if fits >= 0.95:
        return
    forms: Counter[str] = Counter()
    for text, n in digest.texts:
        forms[re.sub(r"\d+", lambda run: rf"\d{{{len(run[0])}}}", re.escape(plain(text)).replace("\\-", "-"))] += n
    best = [form for form, n in forms.most_common(3) if n >= 0.05 * total]
    covered = sum(forms[form] for form in best) / total
    if covered >= 0.95:
        rule.keys["pattern"] = "|".join(best)
        rule.why["pattern"] = Said(f"{covered:.0%} 的值是这种写法", f"{covered:.0%} of the values are written so")
    else:
        rule.doubts.append(
            Said(
                f"“{name}”：只有 {fits:.0%} 的值符合“{concept.label.zh}”的格式，其余将进入隔离区。",
                f"“{name}”: only {fits:.0%} of the values have the form of “{concept.label.en}”; "
                "the others would go to quarantine.",
            )
        )
