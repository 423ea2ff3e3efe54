"""Which missing records leave an answer open, and which of them would settle it.

An input settles an unknown answer when there is a value that, put in its place alone, makes the outcome known. The
values tried are those that the rule itself tells apart: yes and no, the codes it names, and the numbers on either side
of every limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from commonground.engine import Engine
from commonground.errors import Said
from commonground.variables.compute import Computed
from commonground.variables.evaluate import simplify
from commonground.variables.language import Call, Const, Node, Value, substitute
from commonground.variables.model import Input, VersionRule, outcome_sql

MOST = 24
"""Values tried for one input at most."""


@dataclass(frozen=True)
class Missing:
    """An input that is missing where the answer is unknown.

    Attributes
    ----------
    version, input : str
        Version and input.
    title : Said
        The input's name.
    persons : int
        Persons with an unknown answer who lack it.
    settles : int
        Of these, persons whose answer some value of this input alone would settle.
    """

    version: str
    input: str
    title: Said
    persons: int
    settles: int


def missing(engine: Engine, made: Computed, version: VersionRule, day: dt.date) -> tuple[Missing, ...]:
    """List the missing inputs of a version on a day, those that would settle most answers first."""
    inputs = {n: made.definition.inputs[n] for n in version.inputs}
    if not inputs:
        return ()
    picked = []
    for name, one in inputs.items():
        absent = f"w.{name} IS NULL"
        known = " OR ".join(_known(made, version, name, value, engine) for value in tried(version, one)) or "FALSE"
        picked.append(f"sum(CASE WHEN {absent} THEN 1 ELSE 0 END)")
        picked.append(f"sum(CASE WHEN {absent} AND ({known}) THEN 1 ELSE 0 END)")
    row = engine.rows(
        f"SELECT {', '.join(picked)} FROM {made.name} o JOIN {made.wide} w ON w.entity_id = o.entity_id"
        f" AND w.ref = o.ref WHERE o.{made.column(version.id)} = 'unknown' AND o.ref = {engine.dialect.date(day)}"
    )[0]
    found = [
        Missing(version.id, name, one.title, int(row[2 * k] or 0), int(row[2 * k + 1] or 0))
        for k, (name, one) in enumerate(inputs.items())
    ]
    return tuple(sorted((m for m in found if m.persons), key=lambda m: (-m.settles, -m.persons, m.input)))


def _known(made: Computed, version: VersionRule, name: str, value: Value, engine: Engine) -> str:
    """Write that the outcome is known once an input has a value."""
    when, rule = (simplify(substitute(n, {name: Const(value)})) for n in (version.when, version.rule))
    return f"{outcome_sql(made.definition.type, when, rule, engine.dialect, 'w.{}')} <> 'unknown'"


def tried(version: VersionRule, one: Input) -> list[Value]:
    """Values of an input that the rule tells apart."""
    if one.type == "boolean":
        return [True, False]
    constants = [c for node in (version.when, version.rule) for c in _constants(node)]
    if one.type == "text":
        texts = sorted({c for c in constants if isinstance(c, str)})
        return [*texts[: MOST - 1], "-"]
    if one.type == "number":
        limits = {c for c in constants if isinstance(c, float)}
        around = sorted({x for c in limits for x in (c - 1, c, c + 1)})
        return list(around[:MOST]) or [0.0]
    return []


def _constants(node: Node) -> Iterator[Value]:
    if isinstance(node, Const) and isinstance(node.value, bool | float | str):
        yield node.value
    elif isinstance(node, Call):
        for arg in node.args:
            yield from _constants(arg)
