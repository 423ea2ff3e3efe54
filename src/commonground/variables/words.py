"""An expression as a sentence that an official reads: the titles of inputs, the meaning of functions, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from commonground.errors import Said
from commonground.variables.evaluate import canonical
from commonground.variables.fixed import LOOKING, fixed_of
from commonground.variables.functions import FUNCTIONS
from commonground.variables.language import Call, Const, Name, Node
from commonground.variables.model import Input, Linked

OUTCOMES = {
    "true": Said("是", "yes"),
    "false": Said("否", "no"),
    "unknown": Said("不清楚", "unknown"),
    "not_applicable": Said("不适用", "not applicable"),
}
_UNITS = {
    "year": Said("岁", "years"), "month": Said("个月", "months"), "day": Said("天", "days"),
    "parent": Said("人", "parents"), "pupil": Said("名学生", "pupils"), "SD": Said("个标准差", "SD"),
    "percent of full mark": Said("% 满分", "% of the full mark"),
}  # fmt: skip
_OPERATORS = {
    "and": Said("且", "and"), "or": Said("或", "or"), "==": Said("是", "is"), "!=": Said("不是", "is not"),
    "<": Said("小于", "<"), "<=": Said("不超过", "≤"), ">": Said("大于", ">"), ">=": Said("不少于", "≥"),
}  # fmt: skip
_PHRASES = {
    "between": Said("{0}在{1}至{2}之间（含两端）", "{0} is between {1} and {2}, both included"),
    "is_known": Said("{0}有记录", "{0} is known"),
    "months_between": Said("从{0}到{1}的满月数", "completed months from {0} to {1}"),
    "days_between": Said("从{0}到{1}的天数", "days from {0} to {1}"),
    "age_on": Said("{0}出生者在{1}的周岁", "age in completed years on {1} of who was born on {0}"),
    "add_months": Said("{0}之后{1}个月", "{1} months after {0}"),
    "year_of": Said("{0}的年份", "the year of {0}"),
    "month_of": Said("{0}的月份", "the month of {0}"),
    "length": Said("{0}的字数", "the number of characters of {0}"),
    "prefix": Said("{0}的前{1}个字符", "the first {1} characters of {0}"),
    "starts": Said("{0}以{1}开头", "{0} begins with {1}"),
    "floor": Said("{0}向下取整", "{0} rounded down"),
    "round": Said("{0}四舍五入取整", "{0} rounded"),
    "abs": Said("{0}的绝对值", "the size of {0}"),
    "area_is_urban": Said("{0}是本市市辖区", "{0} is an urban district of the city"),
}
_LISTED = {
    "known": Said("{}中第一个有记录的", "the first known of {}"),
    "any": Said("{}至少一项成立", "at least one of {}"),
    "all": Said("{}各项都成立", "all of {}"),
    "count": Said("{}中成立的项数", "how many hold of {}"),
    "min": Said("{}中最小的", "the smallest of {}"),
    "max": Said("{}中最大的", "the largest of {}"),
}
RELATED = {
    "parents": Said("父母", "parents"), "father": Said("父亲", "father"), "mother": Said("母亲", "mother"),
    "siblings": Said("兄弟姐妹", "brothers and sisters"), "household": Said("同户其他成员", "others of the household"),
    "pupils": Said("在校学生", "pupils"),
}  # fmt: skip
_TAKEN = {
    "any": Said("{0}中至少一人：{1}", "at least one of the {0}: {1}"),
    "all": Said("{0}都：{1}", "all of the {0}: {1}"),
    "count": Said("{0}中符合的人数：{1}", "how many of the {0}: {1}"),
    "share of known": Said("{0}中符合者的比例（只计清楚的）：{1}", "share of the {0}, of those known: {1}"),
    "min": Said("{0}中最小的{1}", "the smallest of the {0}: {1}"),
    "max": Said("{0}中最大的{1}", "the largest of the {0}: {1}"),
    "mean": Said("{0}的平均{1}", "the mean of the {0}: {1}"),
}


def shown(value: Any, lang: str, unit: str = "") -> str:
    """Write a value for a reader."""
    if value is None:
        return OUTCOMES["unknown"](lang)
    if isinstance(value, bool):
        return OUTCOMES[str(value).lower()](lang)
    if isinstance(value, int | float):
        if unit in _UNITS:
            return f"{value:g}{_UNITS[unit].zh}" if lang == "zh" else f"{value:g} {_UNITS[unit].en}"
        return f"{value:g}{' ' + unit if unit else ''}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def in_words(
    node: Node, inputs: Mapping[str, Input], lang: str, derived: Mapping[str, Said] | None = None, top: bool = True
) -> str:
    """Write an expression with titles in place of names.

    Parameters
    ----------
    node : Node
        The expression.
    inputs : mapping
        Inputs by name.
    lang : str
        ``zh`` or ``en``.
    derived : mapping, optional
        Titles of derived values by the canonical text of what they stand for.
    top : bool
        Whether this is the whole expression, which is written out even when it is a derived value.
    """
    derived = derived or {}
    if isinstance(node, Name):
        return f"“{inputs[node.id].title(lang)}”" if node.id in inputs else node.id
    if isinstance(node, Const):
        return shown(node.value, lang, node.unit)
    title = None if top else derived.get(canonical(node))
    if title:
        return f"“{title(lang)}”"
    if node.function in LOOKING:
        return _looked_up(node, [in_words(a, inputs, lang, derived, False) for a in node.args[1:]], lang)
    operands = _flat(node, derived) if node.function == "known" else node.args
    args = [in_words(a, inputs, lang, derived, False) for a in operands]
    if _infix(node) or node.function == "known":
        bracket = "（{}）" if lang == "zh" else "({})"
        titled = [isinstance(a, Call) and canonical(a) in derived for a in operands]
        args = [bracket.format(t) if _infix(a) and not named else t
                for t, a, named in zip(args, operands, titled, strict=True)]  # fmt: skip
    return _written(node.function, args, lang)


def _written(function: str, args: list[str], lang: str) -> str:
    comma = "、" if lang == "zh" else ", "
    if function == "not":
        return f"{'并非' if lang == 'zh' else 'not '}{args[0]}"
    if function == "if":
        words = (f"若{args[0]}则{args[1]}，否则{args[2]}", f"{args[1]} if {args[0]}, otherwise {args[2]}")
        return words[0] if lang == "zh" else words[1]
    if function == "negative":
        return f"−{args[0]}"
    if FUNCTIONS[function].infix:
        word = _OPERATORS.get(function, Said(function, function))(lang)
        return (f" {word} " if lang == "en" else word).join(args)
    if function == "in_list":
        listed = comma.join(args[1:])
        return f"{args[0]}属于{listed}" if lang == "zh" else f"{args[0]} is one of {listed}"
    if function in _LISTED:
        return _LISTED[function](lang).format(comma.join(args))
    return _PHRASES[function](lang).format(*args)


def _flat(node: Call, derived: Mapping[str, Said]) -> tuple[Node, ...]:
    """Operands of ``known`` with those of another inside it in their places; the first known is the same."""
    found: list[Node] = []
    for arg in node.args:
        inner = isinstance(arg, Call) and arg.function == "known" and canonical(arg) not in derived
        found.extend(_flat(arg, derived) if inner and isinstance(arg, Call) else (arg,))
    return tuple(found)


def _infix(node: Node) -> bool:
    return isinstance(node, Call) and (FUNCTIONS[node.function].infix or node.function in ("not", "if"))


def _looked_up(node: Call, asked: list[str], lang: str) -> str:
    """Say what a table or a code list is asked."""
    title = fixed_of(node).title(lang)
    if node.function == "lookup":
        keys = ("、" if lang == "zh" else ", ").join(asked)
        return f"“{title}”（按{keys}查表）" if lang == "zh" else f"“{title}” (by {keys})"
    on = "".join(f"（{day}）" if lang == "zh" else f" on {day}" for day in asked[1:])
    return f"{asked[0]}属于“{title}”{on}" if lang == "zh" else f"{asked[0]} is “{title}”{on}"


def linked_in_words(linked: Linked, inputs: Mapping[str, Input], lang: str) -> str:
    """Say what is asked of linked persons."""
    return _TAKEN[linked.how](lang).format(RELATED[linked.of](lang), in_words(linked.value, inputs, lang))
