"""The nouns of a definition: inputs with their sources, versions with their rules, tests."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from commonground.engine.dialect import Dialect, dialect
from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.evaluate import canonical, evaluate, simplify, sql
from commonground.variables.language import Node, Value, names, substitute

#: A version that must be checked against its source before use; computed only when asked for by name.
UNVERIFIED = "unverified"
STATUSES = ("published", "superseded", "advisory", "project", "illustrative", UNVERIFIED)


@dataclass(frozen=True)
class Take:
    """How one value per person and reference date is taken from many records.

    Attributes
    ----------
    how : str
        ``last``, ``first``, ``max``, ``min``, ``any``, ``count``, ``mean``, ``spell`` or ``months_since``.
    months : int
        How old a record may be on the reference date.
    days : int
        For ``mean``: of how many last distinct days.
    """

    how: str
    months: int
    days: int = 0


@dataclass(frozen=True)
class Source:
    """Where an input's value may come from.

    Attributes
    ----------
    kind : str
        Kind of dataset (packs/china/kinds.toml), or ``@persons``, ``@enrolments``: tables that the people room makes.
    value, where : Node
        What to read of a record, and which records count; in concepts, ``as_of`` and ``reference_date``.
    take : Take
        How one value is taken.
    at, since, until : str
        Concepts that date a record, and that begin and end a spell; ``at`` is the delivery's ``as_of`` by default.
    of : str
        Whose records: ``self``, ``father``, ``mother``, ``parents`` or ``sibling`` (who shares a parent).
    late : int
        Days after the reference date by which a record may be dated and still describe it.
    valid : tuple
        First and last reference date on which this source is used.
    otherwise : value
        For a complete list: the value of whoever is not on it.
    """

    kind: str
    value: Node
    take: Take
    where: Node | None = None
    at: str = "as_of"
    since: str = ""
    until: str = ""
    of: str = "self"
    late: int = 0
    valid: tuple[dt.date | None, dt.date | None] = (None, None)
    otherwise: Value = None
    has_otherwise: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give everything that a value depends on, as plain values."""
        return {
            "kind": self.kind,
            "value": canonical(self.value),
            "where": canonical(self.where) if self.where else "",
            "take": [self.take.how, self.take.months, self.take.days],
            "at": self.at,
            "since": self.since,
            "until": self.until,
            "of": self.of,
            "late": self.late,
            "valid": [d.isoformat() if d else None for d in self.valid],
            "otherwise": [self.has_otherwise, self.otherwise],
        }


@dataclass(frozen=True)
class Linked:
    """One answer of all persons linked to somebody, or to a school.

    Attributes
    ----------
    of : str
        Which persons (``linked.RELATIONS``).
    how : str
        ``any``, ``all``, ``count``, ``share of known``, ``min``, ``max`` or ``mean``.
    value : Node
        What is asked of each of them, over the other inputs of the file.
    """

    of: str
    how: str
    value: Node


@dataclass(frozen=True)
class Input:
    """One thing that a rule asks about a person, with its sources in order of precedence.

    ``definition`` and ``version`` name another variable instead; ``agree`` is how far two sources may differ (in the
    input's unit) before that counts as a conflict; ``lag`` takes the value so many months before the reference date.
    """

    name: str
    title: Said
    type: str
    unit: str = ""
    range: tuple[float, float] | None = None
    sources: tuple[Source, ...] = ()
    definition: str = ""
    version: str = ""
    agree: float = 0.0
    lag: int = 0
    linked: Linked | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give everything that a value depends on, as plain values (titles are not part of the meaning)."""
        if self.linked:
            return {"type": self.type, "linked": [self.linked.of, self.linked.how, canonical(self.linked.value)]}
        return {
            "type": self.type,
            "unit": self.unit,
            "range": self.range,
            "sources": [s.to_dict() for s in self.sources],
            "definition": [self.definition, self.version],
            "lag": self.lag,
        }


@dataclass(frozen=True)
class Parameter:
    """A dated number, code or switch of a version: the criterion that a change of definition turns."""

    name: str
    value: Value
    unit: str = ""
    title: Said | None = None


@dataclass(frozen=True)
class VersionRule:
    """One dated version of a definition.

    ``when`` and ``rule`` are simplified, with derived values and parameters put in; ``raw_when`` and ``raw_rule`` still
    name the parameters, which is what a comparison of versions turns one by one.
    """

    id: str
    status: str
    in_force: tuple[dt.date | None, dt.date | None]
    when: Node
    rule: Node
    raw_when: Node
    raw_rule: Node
    param: Mapping[str, Parameter]
    standardise: tuple[str, ...] = ()
    supersedes: str = ""
    issuer: Said | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    change: Said | None = None
    note: Said | None = None
    checked: dt.date | None = None
    hash: str = ""

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that this version really uses, sorted."""
        return tuple(sorted({*names(self.when), *names(self.rule), *self.standardise}))


@dataclass(frozen=True)
class Example:
    """A test inside the file: a person and what each version must say."""

    person: Mapping[str, Any]
    expect: Mapping[str, str | float]
    line: int = 0


@dataclass(frozen=True)
class Definition:
    """A variable with all its versions.

    Examples
    --------
    >>> from commonground import load_definition
    >>> htn = load_definition("definitions/health.hypertension.toml")      # doctest: +SKIP
    >>> htn.evaluate({"age": 50, "sbp": 125, "dbp": 85}, "HTN_ACCAHA_2017")  # doctest: +SKIP
    'true'
    """

    id: str
    title: Said
    question: Said
    entity: str
    type: str
    versions: tuple[VersionRule, ...]
    inputs: Mapping[str, Input]
    default: str
    derive: Mapping[str, Node] = field(default_factory=dict)
    derived: Mapping[str, Said] = field(default_factory=dict)
    categories: Mapping[str, Said] = field(default_factory=dict)
    unit: str = ""
    owner: Said | None = None
    sensitivity: str = ""
    purposes: tuple[str, ...] = ()
    labels_individuals: bool = False
    tests: tuple[Example, ...] = ()
    path: str = ""

    def version(self, version: str | None = None) -> VersionRule:
        """Find a version by its id; without one, the default.

        Raises
        ------
        DefinitionError
            There is no such version.
        """
        wanted = version or self.default
        for one in self.versions:
            if one.id == wanted:
                return one
        raise DefinitionError(
            Said(f"{self.id} 没有版本“{wanted}”。", f"{self.id} has no version “{wanted}”."),
            where=self.path,
            todo=did_you_mean(wanted, [v.id for v in self.versions]),
        )

    def in_force(self, day: dt.date) -> tuple[VersionRule, ...]:
        """Versions that were in force on a day."""
        return tuple(
            v for v in self.versions if (v.in_force[0] or dt.date.min) <= day <= (v.in_force[1] or dt.date.max)
        )

    def chain(self, version: str | None = None) -> tuple[VersionRule, ...]:
        """Give the line of succession of a version: what it supersedes and what supersedes it, oldest first."""
        start = self.version(version)
        line, by_id = [start], {v.id: v for v in self.versions}
        while line[0].supersedes in by_id and by_id[line[0].supersedes] not in line:
            line.insert(0, by_id[line[0].supersedes])
        while later := [v for v in self.versions if v.supersedes == line[-1].id and v not in line]:
            line.append(later[0])
        return tuple(line)

    def in_force_on(self, day: dt.date, version: str | None = None) -> VersionRule | None:
        """Give the version of a line of succession that was in force on a day; the latest where two were."""
        return next((v for v in reversed(self.chain(version)) if v in self.in_force(day)), None)

    def sql(self, to: str | Dialect = "duckdb", version: str | None = None, column: str = "{}") -> str:
        """Write a version as one SQL expression over columns named as the inputs.

        Boolean rules give ``'true' | 'false' | 'unknown' | 'not_applicable'``, categories their code in place of the
        first two, numbers and dates a value that is NULL where unknown or not applicable.
        """
        found = self.version(version)
        return outcome_sql(self.type, found.when, found.rule, dialect(to), column)

    def evaluate(self, person: Mapping[str, Any], version: str | None = None) -> str | float | dt.date | None:
        """Evaluate a version for one person in plain Python; the same outcomes as ``sql``."""
        from commonground.variables.linked import with_linked

        found = self.version(version)
        person = with_linked(self, person)
        applies = evaluate(found.when, person)
        value = evaluate(found.rule, person) if applies else None
        if self.type in ("number", "date"):
            return value
        if applies is None:
            return "unknown"
        if applies is False:
            return "not_applicable"
        return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    def explain(self, person: Mapping[str, Any], version: str | None = None, lang: str = "zh") -> str:
        """Say in words, line by line, why a version gives what it gives for one person."""
        from commonground.variables.explain import explain

        return explain(self, person, self.version(version), lang)

    def describe(self, lang: str) -> str:
        """Describe the definition in words: question, inputs and sources, versions."""
        from commonground.variables.explain import describe

        return describe(self, lang)

    def to_dict(self) -> dict[str, Any]:
        """Give the definition as plain values."""
        from commonground.variables.explain import to_dict

        return to_dict(self)


def outcome_sql(kind: str, when: Node, rule: Node, to: Dialect, column: str = "{}") -> str:
    """Write guard and rule as one CASE with the four outcomes; see ``Definition.sql``."""
    value = sql(rule, to, "text" if kind == "category" else kind, column)
    return outcome_case(kind, f"({sql(when, to, 'boolean', column)})", f"({value})")


def outcome_case(kind: str, guard: str, value: str) -> str:
    """Write the four outcomes from the SQL of a guard and of a value."""
    if kind in ("number", "date"):
        return f"CASE WHEN {guard} THEN {value} END"
    head = f"CASE WHEN {guard} IS NULL THEN 'unknown' WHEN NOT {guard} THEN 'not_applicable'"
    if kind == "category":
        return f"{head} ELSE coalesce({value}, 'unknown') END"
    return f"{head} WHEN {value} IS NULL THEN 'unknown' WHEN {value} THEN 'true' ELSE 'false' END"


def put_in(node: Node, derive: Mapping[str, Node], param: Mapping[str, Parameter]) -> Node:
    """Put derived values and parameters into an expression and settle what they decide."""
    from commonground.variables.language import Const

    parameters: dict[str, Node] = {f"p.{n}": Const(p.value, p.unit) for n, p in param.items()}
    return simplify(substitute(expand(node, derive), parameters))


def expand(node: Node, derive: Mapping[str, Node]) -> Node:
    """Put derived values in the place of their names; they may use each other but not go in a circle."""
    for _ in range(len(derive) + 1):
        if not any(n in derive for n in names(node)):
            return node
        node = substitute(node, derive)
    raise DefinitionError(
        Said("推导值互相引用，绕成了圈。", "Derived values refer to each other in a circle."),
        todo=Said("请拆开其中一个。", "Take one of them apart."),
    )


def all_names(direct: Iterable[str], inputs: Mapping[str, Input]) -> set[str]:
    """Give some inputs and those that are asked of linked persons for them."""
    found = set(direct)
    for name in direct:
        linked = inputs[name].linked
        if linked:
            found |= set(names(linked.value))
    return found


def semantic_hash(kind: str, when: Node, rule: Node, standardise: tuple[str, ...], inputs: Mapping[str, Input]) -> str:
    """Hash what decides the value and nothing else: identical rules have identical hashes, whatever their names."""
    used = sorted(all_names({*names(when), *names(rule), *standardise}, inputs))
    content = {
        "type": kind,
        "when": canonical(when),
        "rule": canonical(rule),
        "standardise": standardise,
        "inputs": {name: inputs[name].to_dict() for name in used},
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
