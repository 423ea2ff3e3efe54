"""From a TOML file to a Definition; everything that can be wrong in the file is found here."""

from __future__ import annotations

import datetime as dt
import functools
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.toml import SHAPES, check_types, read_toml
from commonground.variables.check import Kind, check
from commonground.variables.keys import check_table
from commonground.variables.language import Node, Value
from commonground.variables.linked import RELATIONS, check_linked, read_linked
from commonground.variables.lookup import opener, read_tables
from commonground.variables.model import (
    STATUSES,
    Definition,
    Example,
    Input,
    Parameter,
    Source,
    VersionRule,
    expand,
    put_in,
    semantic_hash,
)
from commonground.variables.place import Place
from commonground.variables.take import parse_take

TYPES = ("boolean", "number", "text", "date")
ENTITIES = ("person", "school")
WHOSE = ("self", "father", "mother", "parents", "sibling")
CONCEPT_KINDS = {"boolean": "boolean", "number": "number", "integer": "number", "date": "date", "month": "date"}
#: Columns of the tables that the people room makes, in place of concepts.
MADE = {
    "@persons": {"sex": "text", "birth": "date", "ethnicity": "text"},
    "@enrolments": {
        **dict.fromkeys(("school_code", "county", "class", "boarding", "level", "urban_class"), "text"),
        **dict.fromkeys(("school_year", "grade"), "number"),
    },
}
#: How a fact that has no date is taken.
ALWAYS = "last within 6000 months"
EVERYWHERE = {
    "reference_date": Kind("date"),
    "as_of": Kind("date"),
    "person_id": Kind("text"),
    "school_code": Kind("text"),
}


def load_definition(path: str | Path) -> Definition:
    """Read one definition file, check it, and run nothing.

    Parameters
    ----------
    path : path
        A TOML file; see the reference of the language.

    Raises
    ------
    DefinitionError
        Anything wrong, with file, line, key and remedy.
    """
    path = Path(path)
    raw = read_toml(path, DefinitionError)
    place = Place(path)
    check_table(raw, "", place, "")
    tables = read_tables(raw.get("table", {}), place, path.parent)
    variable = place.need(raw, "variable", "")
    check_table(variable, "variable", place, "variable")
    inputs, derive, titles = _shared(variable, place, path)
    place.open = opener(tables)
    inputs |= {n: _input(n, i, place) for n, i in raw.get("input", {}).items()}
    _derive(raw, place, derive, titles)
    check_linked(inputs, place)
    kind = place.one_of(variable, "type", ("boolean", "category", "number", "date"), "variable")
    versions = tuple(
        _version(v, i, variable, kind, inputs, derive, place) for i, v in enumerate(raw.get("version", []))
    )
    if not versions:
        raise place.fault("version", "", Said("定义没有任何版本。", "The definition has no version."))
    made = Definition(
        id=str(place.need(variable, "id", "variable")),
        title=place.said(variable, "title", "variable"),
        question=place.said(variable, "question", "variable"),
        entity=place.one_of(variable, "entity", ENTITIES, "variable"),
        type=kind,
        versions=versions,
        inputs=inputs,
        default=str(variable.get("default", versions[-1].id)),
        derive=derive,
        derived=titles,
        categories={
            k: place.said(variable.get("categories", {}), k, "variable") for k in variable.get("categories", {})
        },
        unit=variable.get("unit", ""),
        owner=place.said(variable, "owner", "variable") if "owner" in variable else None,
        sensitivity=variable.get("sensitivity", ""),
        purposes=tuple(variable.get("purposes", ())),
        labels_individuals=bool(variable.get("labels_individuals", False)),
        tests=tuple(_example(t, i, place) for i, t in enumerate(raw.get("test", []))),
        path=str(path),
    )
    _whole(made, place)
    return made


def _shared(
    variable: Mapping[str, Any], place: Place, path: Path
) -> tuple[dict[str, Input], dict[str, Node], dict[str, Said]]:
    """Read inputs and derived values that several definitions share, from the files under ``inputs_from``."""
    inputs: dict[str, Input] = {}
    derive: dict[str, Node] = {}
    titles: dict[str, Said] = {}
    for name in variable.get("inputs_from", []):
        other = path.parent / name
        if not other.is_file():
            fault = Said(f"找不到共用输入文件 {name}。", f"The file of shared inputs {name} is not there.")
            raise place.fault("variable", "inputs_from", fault)
        shared, there = read_toml(other, DefinitionError), Place(other)
        there.keys(shared, {"table", "input", "derive"}, "")
        check_table(shared, "", there, "")
        there.open = opener(read_tables(shared.get("table", {}), there, other.parent))
        inputs |= {n: _input(n, i, there) for n, i in shared.get("input", {}).items()}
        _derive(shared, there, derive, titles)
    return inputs, derive, titles


def _derive(raw: Mapping[str, Any], place: Place, derive: dict[str, Node], titles: dict[str, Said]) -> None:
    """Read derived values: an expression, or ``{ value, zh, en }`` with a title that descriptions use."""
    for name, said in raw.get("derive", {}).items():
        at = place.at("derive", name)
        if isinstance(said, Mapping):
            check_table(said, "derive", place, "derive")
            titles[name] = Said(place.need(said, "zh", "derive"), place.need(said, "en", "derive"))
            said = place.need(said, "value", "derive")
        derive[name] = place.parse(str(said), at)


def _whole(made: Definition, place: Place) -> None:
    """Check what needs the whole definition: ids, default, tests, supersedes."""
    for name, one in made.inputs.items():
        if one.linked and one.linked.of not in RELATIONS[made.entity]:
            said = Said(f"{made.entity} 没有“{one.linked.of}”。", f"A {made.entity} has no “{one.linked.of}”.")
            raise place.fault(f"input.{name}", "of", said, todo=did_you_mean(one.linked.of, RELATIONS[made.entity]))
    ids = [v.id for v in made.versions]
    for i, version in enumerate(made.versions):
        if ids.count(version.id) > 1:
            raise place.fault(
                "version", "id", Said(f"版本“{version.id}”写了两次。", f"Version “{version.id}” stands twice."), i
            )
    if made.default not in ids:
        raise place.fault(
            "variable",
            "default",
            Said(f"没有版本“{made.default}”。", f"There is no version “{made.default}”."),
            todo=did_you_mean(made.default, ids),
        )
    for i, test in enumerate(made.tests):
        for wanted in test.expect:
            if wanted not in ids:
                said = Said(
                    f"检验用到不存在的版本“{wanted}”。", f"A test names a version “{wanted}” that does not exist."
                )
                raise place.fault("test", "expect", said, i, todo=did_you_mean(wanted, ids))
        _check_person(test.person, made.inputs, place, i)


_SHAPE = {"boolean": "flag", "number": "number", "text": "text", "date": "date"}


def _check_person(person: Any, inputs: Mapping[str, Input], place: Place, index: int) -> None:
    """Check that a test's person has inputs of the file with values of their types; linked persons likewise."""
    for name, value in person.items():
        if name in RELATIONS["person"] + RELATIONS["school"]:
            check_types({name: value}, {name: "tables"}, place.at("test", "person", index), DefinitionError)
            for member in value:
                _check_person(member, inputs, place, index)
        elif name not in inputs:
            said = Said(f"检验用到不存在的输入“{name}”。", f"A test names an input “{name}” that does not exist.")
            raise place.fault("test", "person", said, index, todo=did_you_mean(name, inputs))
        else:
            wanted = {name: _SHAPE[inputs[name].type]}
            check_types({name: value}, wanted, place.at("test", "person", index), DefinitionError)


def _input(name: str, raw: Mapping[str, Any], place: Place) -> Input:
    section = f"input.{name}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise place.fault(
            section,
            "",
            Said(
                f"输入名“{name}”只能用小写字母、数字和下划线。", f"An input's name has only a-z, 0-9 and _: “{name}”."
            ),
        )
    check_table(raw, "input", place, section)
    kind = place.one_of(raw, "type", TYPES, section)
    sources = tuple(_source(s, name, i, kind, place) for i, s in enumerate(raw.get("source", [])))
    bounds = raw.get("range")
    return Input(
        name=name,
        title=place.said(raw, "title", section),
        type=kind,
        unit=raw.get("unit", ""),
        range=(float(bounds[0]), float(bounds[1])) if bounds else None,
        sources=sources,
        definition=raw.get("definition", ""),
        version=raw.get("version", ""),
        agree=float(raw.get("agree", 0)),
        lag=int(raw.get("lag", 0)),
        linked=read_linked(raw, section, place) if "of" in raw else None,
    )


def _source(raw: Mapping[str, Any], name: str, index: int, kind: str, place: Place) -> Source:
    section = f"input.{name}.source"
    check_table(raw, "source", place, section, index)
    dataset = str(place.need(raw, "kind", section, index))
    known = _concepts(dataset, place, section, index)
    where = place.at(section, "value" if "value" in raw else "concept", index)
    value = place.parse(str(raw.get("value") or place.need(raw, "concept", section, index)), where)
    check(value, known, where, "" if kind == "text" else kind)
    condition = place.parse(raw["where"], place.at(section, "where", index)) if "where" in raw else None
    if condition is not None:
        check(condition, known, place.at(section, "where", index), "boolean")
    for key in ("at", "since", "until"):
        if raw.get(key):
            check(place.parse(raw[key], place.at(section, key, index)), known, place.at(section, key, index), "date")
    valid = list(raw.get("valid", []))
    return Source(
        kind=dataset,
        value=value,
        take=parse_take(
            str(raw.get("take", ALWAYS if dataset == "@persons" else "last within 12 months")),
            place.at(section, "take", index),
        ),
        where=condition,
        at=raw.get("at", "as_of"),
        since=raw.get("since", ""),
        until=raw.get("until", ""),
        of=place.one_of({"of": "self", **raw}, "of", WHOSE, section, index),
        late=int(raw.get("late", 0)),
        valid=(valid[0] if valid else None, valid[1] if len(valid) > 1 else None),
        otherwise=_plain(raw.get("otherwise")),
        has_otherwise="otherwise" in raw,
    )


@functools.cache
def pack_concepts() -> dict[str, Kind]:
    """Types and units of the pack's concepts; ``pressure`` gives two."""
    from commonground import packs

    path = Path(packs.__file__).parent / "china" / "concepts.toml"
    raw = read_toml(path, DefinitionError)
    return {n: Kind(CONCEPT_KINDS.get(c.get("type", "text"), "text"), c.get("unit", "")) for n, c in raw.items()}


@functools.cache
def pack_kinds() -> frozenset[str]:
    """Kinds of datasets that the pack knows."""
    from commonground import packs

    return frozenset(read_toml(Path(packs.__file__).parent / "china" / "kinds.toml", DefinitionError))


def _concepts(dataset: str, place: Place, section: str, index: int) -> dict[str, Kind]:
    """Names that a source's expressions may use."""
    if dataset in MADE:
        return {**EVERYWHERE, **{n: Kind(t) for n, t in MADE[dataset].items()}}
    if dataset not in pack_kinds():
        said = Said(f"没有数据种类“{dataset}”。", f"There is no kind of dataset “{dataset}”.")
        raise place.fault(section, "kind", said, index, todo=did_you_mean(dataset, [*pack_kinds(), *MADE]))
    return {**pack_concepts(), **EVERYWHERE}


def _version(
    raw: Mapping[str, Any],
    index: int,
    variable: Mapping[str, Any],
    kind: str,
    inputs: Mapping[str, Input],
    derive: Mapping[str, Node],
    place: Place,
) -> VersionRule:
    check_table(raw, "version", place, "version", index)
    param = {n: _parameter(n, p, index, place) for n, p in raw.get("param", {}).items()}
    known = {n: Kind(i.type, i.unit) for n, i in inputs.items()}
    known |= {f"p.{n}": Kind(_type(p.value), p.unit) for n, p in param.items()}
    trees: dict[str, Node] = {}
    for key, wanted in (("when", "boolean"), ("rule", {"category": "text"}.get(kind, kind))):
        text = raw.get(key, variable.get(key, "True" if key == "when" else None))
        if text is None:
            raise place.fault("version", key, Said("版本没有 rule。", "The version has no rule."), index)
        where = place.at("version", key, index) if key in raw else place.at("variable", key)
        trees[key] = expand(place.parse(text, where), derive)
        check(trees[key], known, where, wanted)
    standardise = _standardise(raw, index, place)
    for name in standardise:
        if name not in inputs:
            said = Said(
                f"standardise 用到不存在的输入“{name}”。", f"standardise names an input “{name}” that does not exist."
            )
            raise place.fault("version", "standardise", said, index, todo=did_you_mean(name, inputs))
    when, rule = put_in(trees["when"], {}, param), put_in(trees["rule"], {}, param)
    span = list(raw.get("in_force", []))
    return VersionRule(
        id=str(place.need(raw, "id", "version", index)),
        status=place.one_of(raw, "status", STATUSES, "version", index),
        in_force=(span[0] if span else None, span[1] if len(span) > 1 else None),
        when=when,
        rule=rule,
        raw_when=trees["when"],
        raw_rule=trees["rule"],
        param=param,
        standardise=standardise,
        supersedes=raw.get("supersedes", ""),
        issuer=place.said(raw, "issuer", "version", index) if "issuer" in raw else None,
        source=dict(place.need(raw, "source", "version", index)),
        change=place.said(raw, "change", "version", index) if "change" in raw else None,
        note=place.said(raw, "note", "version", index) if "note" in raw else None,
        checked=raw.get("checked"),
        hash=semantic_hash(kind, when, rule, standardise, inputs),
    )


def _standardise(raw: Mapping[str, Any], index: int, place: Place) -> tuple[str, ...]:
    given = raw.get("standardise", {})
    if given and (set(given) != {"by"} or not SHAPES["texts"][0](given["by"])):
        said = Said('standardise 只写 by = ["输入名", …]。', 'standardise takes by = ["input", …] and nothing else.')
        raise place.fault("version", "standardise", said, index)
    return tuple(given.get("by", ()))


def _parameter(name: str, raw: Any, index: int, place: Place) -> Parameter:
    if keyword.iskeyword(name):
        said = Said(
            f"参数不能叫“{name}”，它是语言本身的词。", f"A parameter cannot be called “{name}”: the language uses it."
        )
        raise place.fault("version", f"param.{name}", said, index)
    if not isinstance(raw, Mapping):
        raw = {"value": raw}
    check_table(raw, "param", place, "version", index)
    title = place.said(raw, "title", "version", index) if "title" in raw else None
    return Parameter(name, _plain(place.need(raw, "value", "version", index)), raw.get("unit", ""), title)


def _plain(value: Any) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain: Value = value
    return plain


def _type(value: Value) -> str:
    return {bool: "boolean", float: "number", str: "text", dt.date: "date"}.get(type(value), "")


def _example(raw: Mapping[str, Any], index: int, place: Place) -> Example:
    check_table(raw, "test", place, "test", index)
    expect = {
        version: wanted
        if isinstance(wanted, int | float) and not isinstance(wanted, bool)
        else str(wanted).lower()
        if isinstance(wanted, bool)
        else str(wanted)
        for version, wanted in place.need(raw, "expect", "test", index).items()
    }
    return Example(dict(raw.get("person", {})), expect, place.line("test", "", index))
