"""A definition in words, and why one person has the value that they have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from commonground.errors import Said
from commonground.variables.evaluate import canonical, evaluate
from commonground.variables.functions import FUNCTIONS
from commonground.variables.language import Call, Node, unparse
from commonground.variables.linked import with_linked
from commonground.variables.model import Definition, Source, VersionRule, put_in
from commonground.variables.words import OUTCOMES, in_words, linked_in_words, shown

STATUS = {
    "published": Said("现行", "in use"),
    "superseded": Said("已被取代", "superseded"),
    "advisory": Said("学会或研究口径，非国家标准", "advisory, not a national standard"),
    "project": Said("本项目自定", "defined by this project"),
    "illustrative": Said("示例", "illustrative"),
    "unverified": Said("待核对原文，默认不计算", "to be checked against its source; not computed by default"),
}


def titles_of_derived(definition: Definition, version: VersionRule) -> dict[str, Said]:
    """Titles of derived values by what they stand for in a version, as ``in_words`` wants them."""
    found = {n: put_in(definition.derive[n], definition.derive, version.param) for n in definition.derived}
    return {canonical(node): definition.derived[n] for n, node in found.items()}


def explain(definition: Definition, person: Mapping[str, Any], version: VersionRule, lang: str) -> str:
    """Say line by line what was known, what each condition gave, and the outcome."""
    lines = [f"{definition.title(lang)} · {version.id}"]
    for name in version.inputs:
        one = definition.inputs[name]
        lines.append(f"{one.title(lang)}：{shown(person.get(name), lang, one.unit)}" if lang == "zh" else
                     f"{one.title(lang)}: {shown(person.get(name), lang, one.unit)}")  # fmt: skip
    seen: set[str] = set()
    derived = titles_of_derived(definition, version)
    person = with_linked(definition, person)
    for head, node in ((Said("适用条件", "applies when"), version.when), (Said("规则", "rule"), version.rule)):
        for step in _steps(node):
            text = in_words(step, definition.inputs, lang, derived)
            if text not in seen:
                seen.add(text)
                lines.append(f"{head(lang)} · {text} → {shown(evaluate(step, person), lang)}")
    outcome = definition.evaluate(person, version.id)
    word = OUTCOMES[str(outcome)](lang) if str(outcome) in OUTCOMES else shown(outcome, lang, definition.unit)
    lines.append(f"结果：{word}" if lang == "zh" else f"Outcome: {word}")
    return "\n".join(lines)


def _steps(node: Node) -> list[Node]:
    """Conditions of an expression that can be read by themselves, innermost first."""
    if not isinstance(node, Call):
        return []
    inner = [s for a in node.args for s in _steps(a)]
    plain = not FUNCTIONS[node.function].infix or node.function in ("and", "or", "not", "if")
    return inner if plain and inner else [*inner, node] if FUNCTIONS[node.function].gives == "boolean" else inner


def describe(definition: Definition, lang: str) -> str:
    """Describe a definition: question, versions in words with their sources, inputs with theirs."""
    zh = lang == "zh"
    colon = "：" if zh else ": "
    lines = [f"{definition.id}{colon}{definition.title(lang)}", definition.question(lang), ""]
    for version in definition.versions:
        since, until = (d.isoformat() if d else "" for d in version.in_force)
        facts = (STATUS[version.status](lang), f"{since}–{until}", version.hash)
        lines.append(version.id + (f"（{'，'.join(facts)}）" if zh else f" ({', '.join(facts)})"))
        derived = titles_of_derived(definition, version)
        for head, node in ((Said("适用", "applies"), version.when), (Said("规则", "rule"), version.rule)):
            lines.append(f"  {head(lang)}{colon}{in_words(node, definition.inputs, lang, derived)}")
        ref = " ".join(str(version.source[k]) for k in ("title", "ref", "date") if version.source.get(k))
        lines.append(f"  {'出处' if zh else 'source'}{colon}{ref}")
        lines += [f"  {said(lang)}" for said in (version.change, version.note) if said]
    lines += _derived_lines(definition, lang)
    used = sorted({name for v in definition.versions for name in v.inputs})
    lines += ["", "输入及来源（按先后）" if zh else "Inputs and their sources, in order"]
    for name in used:
        one = definition.inputs[name]
        where = [one.definition + " " + one.version] if one.definition else [_source(s) for s in one.sources]
        where = where if one.linked is None else [linked_in_words(one.linked, definition.inputs, lang)]
        lines.append(f"  {one.title(lang)}{colon}{(' ＞ ' if zh else ' > ').join(where)}")
    return "\n".join(lines)


def _derived_lines(definition: Definition, lang: str) -> list[str]:
    """Say what the titled derived values stand for, with the default version's parameters."""
    version = definition.version()
    titles = titles_of_derived(definition, version)
    used = {canonical(n) for node in (version.when, version.rule) for n in calls_in(node)}
    lines = []
    for name, title in definition.derived.items():
        node = put_in(definition.derive[name], definition.derive, version.param)
        if canonical(node) in used and isinstance(node, Call):
            said = in_words(node, definition.inputs, lang, titles)
            lines.append(f"  {title(lang)}{'：' if lang == 'zh' else ': '}{said}")
    head = f"推导值（按 {version.id}）" if lang == "zh" else f"Derived values (under {version.id})"
    return ["", head, *lines] if lines else []


def calls_in(node: Node) -> Iterator[Call]:
    """Every call in an expression, itself included."""
    if isinstance(node, Call):
        yield node
        for arg in node.args:
            yield from calls_in(arg)


def _source(source: Source) -> str:
    of = "" if source.of == "self" else f"{source.of} · "
    return f"{of}{source.kind} · {unparse(source.value)}"


def to_dict(definition: Definition) -> dict[str, Any]:
    """Give a definition as plain values, for JSON and for the pages that print it."""

    def both(said: Said | None) -> dict[str, str] | None:
        return {"zh": said.zh, "en": said.en} if said else None

    def words(node: Node, version: VersionRule) -> dict[str, str]:
        derived = titles_of_derived(definition, version)
        return {lang: in_words(node, definition.inputs, lang, derived) for lang in ("zh", "en")}

    versions = [
        {
            "id": v.id,
            "status": v.status,
            "status_words": both(STATUS[v.status]),
            "in_force": [d.isoformat() if d else None for d in v.in_force],
            "hash": v.hash,
            "when": unparse(v.when),
            "rule": unparse(v.rule),
            "when_words": words(v.when, v),
            "rule_words": words(v.rule, v),
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
