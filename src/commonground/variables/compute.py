"""All versions of all definitions over one frame: an outcome table for each definition."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.evaluate import sql
from commonground.variables.frame import Frame, add_inputs, input_key
from commonground.variables.linked import inner_names, member_table
from commonground.variables.model import UNVERIFIED, Definition, Input, VersionRule, outcome_case

#: Marks are standardised in ten-thousandths as whole numbers, so that no order of rows changes a digit.
FINE = 10_000


@dataclass(frozen=True)
class Computed:
    """Where a definition's outcomes are: table ``name`` with ``entity_id, ref`` and a column for each version."""

    definition: Definition
    name: str
    versions: tuple[VersionRule, ...]
    wide: str

    def column(self, version: str) -> str:
        """Column of a version."""
        return f"v{[v.id for v in self.versions].index(version)}"


def in_order(definitions: Mapping[str, Definition]) -> list[Definition]:
    """Order definitions so that each stands after those it names.

    Raises
    ------
    DefinitionError
        A definition names one that is not there, or they go in a circle.
    """
    graph: dict[str, set[str]] = {}
    for one in definitions.values():
        graph[one.id] = {i.definition for i in one.inputs.values() if i.definition}
        for missing in sorted(graph[one.id] - set(definitions)):
            raise DefinitionError(
                Said(
                    f"{one.id} 引用了不存在的定义“{missing}”。",
                    f"{one.id} names a definition “{missing}” that is not there.",
                ),
                where=one.path,
                todo=did_you_mean(missing, definitions),
            )
        for used in one.inputs.values():
            if used.definition:
                definitions[used.definition].version(used.version or None)
    try:
        order = list(graphlib.TopologicalSorter({k: sorted(graph[k]) for k in sorted(graph)}).static_order())
    except graphlib.CycleError as fault:
        circle = " → ".join(fault.args[1])
        raise DefinitionError(
            Said(f"定义互相引用，绕成了圈：{circle}", f"Definitions name each other in a circle: {circle}"),
            todo=Said("请让其中一个不再引用另一个。", "Let one of them no longer name the other."),
        ) from None
    return [definitions[name] for name in order]


def needed(definitions: Mapping[str, Definition], wanted: Iterable[str]) -> dict[str, Definition]:
    """Give the wanted definitions and those that they name, however far."""
    found: dict[str, Definition] = {}
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name not in found and name in definitions:
            found[name] = definitions[name]
            queue += [i.definition for i in definitions[name].inputs.values() if i.definition]
    return found


def compute(
    frame: Frame, definitions: Mapping[str, Definition], only: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, Computed]:
    """Compute definitions on the engine.

    Parameters
    ----------
    frame : Frame
        An open frame.
    definitions : mapping
        Definitions by id; those they name must be among them.
    only : mapping, optional
        Versions to compute of a definition; by default all but those still to be verified.
    """
    order = in_order(definitions)
    used = {d.id: _versions(d, order, only or {}) for d in order}
    own = [(d.entity, d.inputs[n]) for d in order for v in used[d.id] for n in v.inputs]
    members = [("person", d.inputs[n]) for d in order for v in used[d.id] for n in inner_names(d, v.inputs)]
    add_inputs(frame, [*own, *members])
    made: dict[str, Computed] = {}
    for number, definition in enumerate(order):
        if not used[definition.id]:  # all its versions are still to be verified
            continue
        made[definition.id] = _one(frame, definition, used[definition.id], number, made)
    return made


def _versions(
    definition: Definition, order: list[Definition], only: Mapping[str, tuple[str, ...]]
) -> tuple[VersionRule, ...]:
    if definition.id in only:
        return tuple(definition.version(v) for v in only[definition.id])
    named = {i.version for d in order for i in d.inputs.values() if i.definition == definition.id}
    return tuple(v for v in definition.versions if v.status != UNVERIFIED or v.id in named)


def _one(
    frame: Frame, definition: Definition, versions: tuple[VersionRule, ...], number: int, made: Mapping[str, Computed]
) -> Computed:
    wide, name = f"def_{number}", f"out_{number}"
    wanted = sorted({n for v in versions for n in v.inputs})
    frame.engine.create(wide, _with_linked(frame, definition, wanted, number, made))
    parts, columns = [], []
    for i, version in enumerate(versions):
        kind = "text" if definition.type == "category" else definition.type
        parts += [f"{sql(version.when, frame.d)} AS g{i}", f"{sql(version.rule, frame.d, kind)} AS r{i}"]
        value = outcome_case(definition.type, f"g{i}", f"r{i}")
        if version.standardise:
            value = f"CASE WHEN {' AND '.join(f'{c} IS NOT NULL' for c in version.standardise)} THEN {value} END"
        columns.append(f"{value} AS v{i}")
    query = f"SELECT entity_id, ref, {', '.join(columns)} FROM (SELECT *, {', '.join(parts)} FROM {wide}) x"
    if any(v.standardise for v in versions):
        query = _standardised(frame, wide, query, versions)
    frame.engine.create(name, query)
    return Computed(definition, name, versions, wide)


def _with_linked(
    frame: Frame, definition: Definition, wanted: Sequence[str], number: int, made: Mapping[str, Computed]
) -> str:
    """Write the query of all inputs of a definition, those about linked persons too."""
    linked = [n for n in wanted if definition.inputs[n].linked]
    plain = _named_inputs(frame, definition, definition.entity, [n for n in wanted if n not in linked], made)
    if not linked:
        return plain
    inner = f"member_{number}"
    frame.engine.create(inner, _named_inputs(frame, definition, "person", inner_names(definition, linked), made))
    columns, joins = ["b.*"], []
    for k, name in enumerate(linked):
        asked = definition.inputs[name].linked
        assert asked is not None
        member_table(frame, asked, inner, f"linked_{number}_{k}")
        columns.append(f"l{k}.v AS {name}, FALSE AS {name}_clash")
        joins.append(f"LEFT JOIN linked_{number}_{k} l{k} ON l{k}.entity_id = b.entity_id AND l{k}.ref = b.ref")
    return f"SELECT {', '.join(columns)} FROM ({plain}) b {' '.join(joins)}"


def _named_inputs(
    frame: Frame, definition: Definition, entity: str, wanted: Sequence[str], made: Mapping[str, Computed]
) -> str:
    """Write the query that gives inputs of an entity their own names, and their clashes ``<name>_clash``."""
    columns: list[str] = ["w.entity_id", "w.ref"]
    joins: list[str] = []
    for name in wanted:
        one = definition.inputs[name]
        if not one.definition:
            column = frame.inputs[(entity, input_key(one))]
            columns += [f"w.{column} AS {name}", f"w.{column}_clash AS {name}_clash"]
            continue
        other, alias = made[one.definition], f"o{len(joins)}"
        version = one.version or other.definition.default
        columns += [f"{_as_input(f'{alias}.{other.column(version)}', one, other)} AS {name}", f"FALSE AS {name}_clash"]
        joins.append(f"LEFT JOIN {other.name} {alias} ON {alias}.entity_id = w.entity_id AND {alias}.ref = w.ref")
    return f"SELECT {', '.join(columns)} FROM wide_{entity} w {' '.join(joins)}"


def _as_input(column: str, one: Input, other: Computed) -> str:
    if one.type == "boolean":
        return f"CASE {column} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    if other.definition.type == "category":
        return f"CASE WHEN {column} NOT IN ('unknown', 'not_applicable') THEN {column} END"
    return column


def _standardised(frame: Frame, wide: str, query: str, versions: tuple[VersionRule, ...]) -> str:
    """Turn values into z-scores within groups of the same population, from exact whole-number sums."""
    d = frame.d
    by = sorted({c for v in versions for c in v.standardise})
    scaled, sums, final = [], [], []
    for i, version in enumerate(versions):
        if not version.standardise:
            scaled.append(f"o.v{i}")
            sums.append(f"v{i}")
            final.append(f"v{i}")
            continue
        over = f"OVER (PARTITION BY {', '.join(['ref', *version.standardise])})"
        scaled.append(f"CAST({d.round(f'(o.v{i} * {FINE}e0)')} AS BIGINT) AS e{i}")
        wide_e = d.wide_integer(f"e{i}")
        sums.append(f"e{i}, count(e{i}) {over} AS n{i}, sum({wide_e}) {over} AS s{i}")
        sums.append(f"sum({wide_e} * {wide_e}) {over} AS q{i}")
        final.append(f"{_z(i)} AS v{i}")
    groups = "".join(f", w.{c} AS {c}" for c in by)
    inner = (
        f"SELECT o.entity_id, o.ref, {', '.join(scaled)}{groups} FROM ({query}) o"
        f" JOIN {wide} w ON w.entity_id = o.entity_id AND w.ref = o.ref"
    )
    return (
        f"SELECT entity_id, ref, {', '.join(final)} FROM (SELECT entity_id, ref, {', '.join(sums)} FROM ({inner}) a) b"
    )


def _z(i: int) -> str:
    """The z-score (n e - s) / (n sd) with sd² = (n q - s²) / (n (n - 1)); unknown where there is no spread."""
    n, spread = f"CAST(n{i} AS DOUBLE)", f"CAST(n{i} * q{i} - s{i} * s{i} AS DOUBLE)"
    sd = f"sqrt({spread} / ({n} * ({n} - 1e0)))"
    return (
        f"CASE WHEN n{i} > 1 AND n{i} * q{i} > s{i} * s{i} THEN CAST(n{i} * e{i} - s{i} AS DOUBLE) / ({n} * {sd}) END"
    )
