"""A definition in words, and why one person has the value that they have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from commonground.errors import Said
from commonground.variables.evaluate import evaluate
from commonground.variables.fixed import LOOKING, fixed_of
from commonground.variables.functions import FUNCTIONS
from commonground.variables.language import Call, Const, Name, Node, unparse
from commonground.variables.model import Definition, Input, Source, VersionRule

WORDS = {
    "true": Said("是", "yes"),
    "false": Said("否", "no"),
    "unknown": Said("不清楚", "unknown"),
    "not_applicable": Said("不适用", "not applicable"),
}
STATUS = {
    "published": Said("现行", "in use"),
    "superseded": Said("已被取代", "superseded"),
    "advisory": Said("学会或研究口径，非国家标准", "advisory, not a national standard"),
    "project": Said("本项目自定", "defined by this project"),
    "illustrative": Said("示例", "illustrative"),
    "unverified": Said("待核对原文，默认不计算", "to be checked against its source; not computed by default"),
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


def shown(value: Any, lang: str, unit: str = "") -> str:
    """Write a value for a reader."""
    if value is None:
        return WORDS["unknown"](lang)
    if isinstance(value, bool):
        return WORDS[str(value).lower()](lang)
    if isinstance(value, int | float):
        if unit in _UNITS:
            return f"{value:g}{_UNITS[unit].zh}" if lang == "zh" else f"{value:g} {_UNITS[unit].en}"
        return f"{value:g}{' ' + unit if unit else ''}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def explain(definition: Definition, person: Mapping[str, Any], version: VersionRule, lang: str) -> str:
    """Say line by line what was known, what each condition gave, and the outcome."""
    lines = [f"{definition.title(lang)} · {version.id}"]
    for name in version.inputs:
        one = definition.inputs[name]
        lines.append(f"{one.title(lang)}：{shown(person.get(name), lang, one.unit)}" if lang == "zh" else
                     f"{one.title(lang)}: {shown(person.get(name), lang, one.unit)}")  # fmt: skip
    seen: set[str] = set()
    for head, node in ((Said("适用条件", "applies when"), version.when), (Said("规则", "rule"), version.rule)):
        for step in _steps(node):
            text = in_words(step, definition.inputs, lang)
            if text not in seen:
                seen.add(text)
                lines.append(f"{head(lang)} · {text} → {shown(evaluate(step, person), lang)}")
    outcome = definition.evaluate(person, version.id)
    word = WORDS[str(outcome)](lang) if str(outcome) in WORDS else shown(outcome, lang, definition.unit)
    lines.append(f"结果：{word}" if lang == "zh" else f"Outcome: {word}")
    return "\n".join(lines)


def _steps(node: Node) -> list[Node]:
    """Conditions of an expression that can be read by themselves, innermost first."""
    if not isinstance(node, Call):
        return []
    inner = [s for a in node.args for s in _steps(a)]
    plain = not FUNCTIONS[node.function].infix or node.function in ("and", "or", "not", "if")
    return inner if plain and inner else [*inner, node] if FUNCTIONS[node.function].gives == "boolean" else inner


def in_words(node: Node, inputs: Mapping[str, Input], lang: str) -> str:
    """Write an expression with the titles of its inputs in place of their names."""
    if isinstance(node, Name):
        return f"“{inputs[node.id].title(lang)}”" if node.id in inputs else node.id
    if isinstance(node, Const):
        return shown(node.value, lang, node.unit)
    if node.function in LOOKING:
        return _looked_up(node, [in_words(a, inputs, lang) for a in node.args[1:]], lang)
    args = [in_words(a, inputs, lang) for a in node.args]
    bracket, comma = ("（{}）", "、") if lang == "zh" else ("({})", ", ")
    inner = node.args if _infix(node) else ()  # between the arguments of a function commas are enough
    args = [bracket.format(t) if k < len(inner) and _infix(inner[k]) else t for k, t in enumerate(args)]
    if node.function == "not":
        return f"{'并非' if lang == 'zh' else 'not '}{args[0]}"
    if node.function == "if":
        words = (f"若{args[0]}则{args[1]}，否则{args[2]}", f"{args[1]} if {args[0]}, otherwise {args[2]}")
        return words[0] if lang == "zh" else words[1]
    if FUNCTIONS[node.function].infix and len(args) > 1:
        word = _OPERATORS.get(node.function, Said(node.function, node.function))(lang)
        return (f" {word} " if lang == "en" else word).join(args)
    if node.function == "in_list":
        listed = comma.join(args[1:])
        return f"{args[0]}属于{listed}" if lang == "zh" else f"{args[0]} is one of {listed}"
    says = FUNCTIONS[node.function].says[0 if lang == "zh" else 1] or node.function
    return says + ("" if lang == "zh" else " ") + bracket.format(comma.join(args))


def _looked_up(node: Call, asked: list[str], lang: str) -> str:
    """Say what a table or a code list is asked."""
    title = fixed_of(node).title(lang)
    if node.function == "lookup":
        keys = ("、" if lang == "zh" else ", ").join(asked)
        return f"“{title}”（按{keys}查表）" if lang == "zh" else f"“{title}” (by {keys})"
    on = "".join(f"（{day}）" if lang == "zh" else f" on {day}" for day in asked[1:])
    return f"{asked[0]}属于“{title}”{on}" if lang == "zh" else f"{asked[0]} is “{title}”{on}"


def _infix(node: Node) -> bool:
    return isinstance(node, Call) and (FUNCTIONS[node.function].infix or node.function in ("not", "if"))


def describe(definition: Definition, lang: str) -> str:
    """Describe a definition: question, versions in words with their sources, inputs with theirs."""
    zh = lang == "zh"
    colon = "：" if zh else ": "
    lines = [f"{definition.id}{colon}{definition.title(lang)}", definition.question(lang), ""]
    for version in definition.versions:
        since, until = (d.isoformat() if d else "" for d in version.in_force)
        facts = (STATUS[version.status](lang), f"{since}–{until}", version.hash)
        lines.append(version.id + (f"（{'，'.join(facts)}）" if zh else f" ({', '.join(facts)})"))
        lines.append(f"  {'适用' if zh else 'applies'}{colon}{in_words(version.when, definition.inputs, lang)}")
        lines.append(f"  {'规则' if zh else 'rule'}{colon}{in_words(version.rule, definition.inputs, lang)}")
        ref = " ".join(str(version.source[k]) for k in ("title", "ref", "date") if version.source.get(k))
        lines.append(f"  {'出处' if zh else 'source'}{colon}{ref}")
        lines += [f"  {said(lang)}" for said in (version.change, version.note) if said]
    used = sorted({name for v in definition.versions for name in v.inputs})
    lines += ["", "输入及来源（按先后）" if zh else "Inputs and their sources, in order"]
    for name in used:
        one = definition.inputs[name]
        where = [one.definition + " " + one.version] if one.definition else [_source(s) for s in one.sources]
        lines.append(f"  {one.title(lang)}{colon}{(' ＞ ' if zh else ' > ').join(where)}")
    return "\n".join(lines)


def _source(source: Source) -> str:
    of = "" if source.of == "self" else f"{source.of} · "
    return f"{of}{source.kind} · {unparse(source.value)}"


def to_dict(definition: Definition) -> dict[str, Any]:
    """Give a definition as plain values, for JSON and for the pages that print it."""

    def both(said: Said | None) -> dict[str, str] | None:
        return {"zh": said.zh, "en": said.en} if said else None

    def words(node: Node) -> dict[str, str]:
        return {lang: in_words(node, definition.inputs, lang) for lang in ("zh", "en")}

    versions = [
        {
            "id": v.id,
            "status": v.status,
            "status_words": both(STATUS[v.status]),
            "in_force": [d.isoformat() if d else None for d in v.in_force],
            "hash": v.hash,
            "when": unparse(v.when),
            "rule": unparse(v.rule),
            "when_words": words(v.when),
            "rule_words": words(v.rule),
            "param": {n: {"value": p.value, "unit": p.unit, "title": both(p.title)} for n, p in v.param.items()},
            "standardise": list(v.standardise),
            "supersedes": v.supersedes,
            "issuer": both(v.issuer),
            "source": {k: d.isoformat() if isinstance(d, dt.date) else d for k, d in v.source.items()},
            "change": both(v.change),
            "note": both(v.note),
            "checked": v.checked.isoformat() if v.checked else None,
        }
        for v in definition.versions
    ]
    inputs = {
        name: {"title": both(one.title), "unit": one.unit, **one.to_dict()}
        for name, one in sorted(definition.inputs.items())
    }
    return {
        "id": definition.id,
        "title": both(definition.title),
        "question": both(definition.question),
        "entity": definition.entity,
        "type": definition.type,
        "unit": definition.unit,
        "default": definition.default,
        "owner": both(definition.owner),
        "sensitivity": definition.sensitivity,
        "purposes": list(definition.purposes),
        "labels_individuals": definition.labels_individuals,
        "categories": {k: both(c) for k, c in definition.categories.items()},
        "versions": versions,
        "inputs": inputs,
    }
