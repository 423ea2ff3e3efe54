"""Inputs about linked persons: whether any parent is away, how many of a household are old, which share of a school.

An input with ``of`` and ``value`` evaluates ``value`` for each linked person, over the other inputs of the file, and
takes one answer of all: ``any``, ``all``, ``count`` (Kleene's logic: one unknown leaves them open unless the others
decide), ``share of known``, ``min``, ``max`` and ``mean`` (of those that are known). Who has nobody linked has no
answer: that nobody is on record does not say that there is nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commonground.engine.dialect import Dialect
from commonground.errors import Said
from commonground.variables.check import Kind, check
from commonground.variables.evaluate import evaluate, sql
from commonground.variables.language import Value
from commonground.variables.model import Definition, Input, Linked
from commonground.variables.place import Place
from commonground.variables.take import SCALE

if TYPE_CHECKING:
    from commonground.variables.frame import Frame

LOGIC = ("any", "all", "count", "share of known")
NUMBERS = ("min", "max", "mean")
RELATIONS = {
    "person": ("parents", "father", "mother", "siblings", "household"),
    "school": ("pupils",),
}
"""Whose linked persons: a child's parents and siblings, the others of the household; a school's pupils."""
HOUSEHOLD_MONTHS = 36
"""A household is the one of the latest list within so many months (as for the registration: lists come seldom)."""


def gives(linked: Linked) -> str:
    """Type of the answer."""
    return "boolean" if linked.how in ("any", "all") else "number"


def over(how: str, values: Sequence[Value]) -> Value:
    """Take one answer of those of all linked persons: the plain Python meaning.

    >>> over("any", [False, None])
    >>> over("share of known", [True, False, None])
    0.5
    """
    known = [v for v in values if v is not None]
    decided: dict[str, Callable[[], Value]] = {
        "any": lambda: True if True in known else None if len(known) < len(values) else False,
        "all": lambda: False if False in known else None if len(known) < len(values) else True,
        "count": lambda: float(sum(map(bool, known))) if len(known) == len(values) else None,
        "share of known": lambda: sum(map(bool, known)) / len(known) if known else None,
        "min": lambda: min(known, default=None),
        "max": lambda: max(known, default=None),
        "mean": lambda: _mean(known) if known else None,
    }
    return decided[how]() if values else None


def _mean(known: Sequence[Any]) -> float:
    """Mean in millionths as whole numbers, as the engines make it."""
    from commonground.variables.functions import round_half_away

    return sum(int(round_half_away(v * SCALE)) for v in known) / len(known) / SCALE


def with_linked(definition: Definition, person: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in the inputs about linked persons, from the persons listed under the name of the relation."""
    values = dict(person)
    for name, one in definition.inputs.items():
        if one.linked and name not in values and one.linked.of in person:
            members = [evaluate(one.linked.value, m) for m in person[one.linked.of]]
            values[name] = over(one.linked.how, members)
    return values


def aggregate_sql(linked: Linked, d: Dialect) -> str:
    """Write the aggregate over ``x``, the value of each linked person."""
    if linked.how in ("min", "max"):
        return f"{linked.how}(x)"
    if linked.how == "mean":
        whole = f"CAST({d.round(f'x * {SCALE}e0')} AS BIGINT)"
        return f"CAST(sum({whole}) AS DOUBLE) / CAST(count(x) AS DOUBLE) / {SCALE}e0"
    yes, no = ("sum(CASE WHEN x THEN 1 ELSE 0 END)", "sum(CASE WHEN NOT x THEN 1 ELSE 0 END)")
    return {
        "any": f"CASE WHEN {yes} > 0 THEN TRUE WHEN count(x) = count(*) THEN FALSE END",
        "all": f"CASE WHEN {no} > 0 THEN FALSE WHEN count(x) = count(*) THEN TRUE END",
        "count": f"CASE WHEN count(x) = count(*) THEN CAST({yes} AS DOUBLE) END",
        "share of known": f"CASE WHEN count(x) > 0 THEN CAST({yes} AS DOUBLE) / CAST(count(x) AS DOUBLE) END",
    }[linked.how]


def links_table(frame: Frame, of: str) -> str:
    """Name of the table ``entity_id, ref, relative_id`` of a relation; made on first use."""
    name = f"links_{of}"
    if name not in frame.links:
        frame.engine.create(name, _LINKS[of](frame))
        frame.links.add(name)
    return name


def member_table(frame: Frame, linked: Linked, inner: str, name: str) -> None:
    """Make the table ``entity_id, ref, v`` of one linked input from ``inner``, the persons' own inputs."""
    value = sql(linked.value, frame.d, "boolean" if linked.how in LOGIC else "number")
    frame.engine.create(
        name,
        f"SELECT entity_id, ref, {aggregate_sql(linked, frame.d)} AS v FROM"
        f" (SELECT l.entity_id, l.ref, m.x FROM {links_table(frame, linked.of)} l"
        f" JOIN (SELECT entity_id, ref, {value} AS x FROM {inner}) m"
        " ON m.entity_id = l.relative_id AND m.ref = l.ref) j GROUP BY entity_id, ref",
    )


def _kin(*relations: str) -> Callable[[Frame], str]:
    def made(frame: Frame) -> str:
        listed = ", ".join(frame.d.text(r) for r in relations)
        return (
            "SELECT DISTINCT k.person_id AS entity_id, f.ref, k.relative_id FROM kin k CROSS JOIN refs f"
            f" WHERE k.relation IN ({listed})"
        )

    return made


def _household(frame: Frame) -> str:
    """The others of the household in which a person stands on the latest list before the day."""
    d = frame.d
    window = f"h.as_of <= f.ref AND h.as_of > {d.add_months('f.ref', -HOUSEHOLD_MONTHS)}"
    order = "ORDER BY h.as_of DESC, h.household_id"
    ranked = (
        "SELECT h.person_id, f.ref, h.household_id,"
        f" row_number() OVER (PARTITION BY h.person_id, f.ref {order}) AS place"
        f" FROM households h CROSS JOIN refs f WHERE h.person_id IS NOT NULL AND {window}"
    )
    mine = f"SELECT person_id, ref, household_id FROM ({ranked}) r WHERE place = 1"
    return (
        "SELECT DISTINCT a.person_id AS entity_id, a.ref, b.person_id AS relative_id"
        f" FROM ({mine}) a JOIN households b ON b.household_id = a.household_id AND b.person_id <> a.person_id"
    )


def _roll(frame: Frame) -> str:
    """Write who is on the roll of which school on each day."""
    d = frame.d
    window = f"e.as_of <= f.ref AND e.as_of > {d.add_months('f.ref', -12)}"
    ranked = (
        "SELECT e.person_id, f.ref, e.school_code, row_number() OVER"
        " (PARTITION BY e.person_id, f.ref ORDER BY e.as_of DESC, e.record_id DESC) AS place"
        f" FROM made_enrolments e CROSS JOIN refs f WHERE {window}"
    )
    return f"SELECT person_id, ref, school_code FROM ({ranked}) r WHERE place = 1 AND school_code IS NOT NULL"


def _pupils(frame: Frame) -> str:
    return f"SELECT school_code AS entity_id, ref, person_id AS relative_id FROM ({_roll(frame)}) p"


_LINKS: dict[str, Callable[[Frame], str]] = {
    "parents": _kin("father", "mother"),
    "father": _kin("father"),
    "mother": _kin("mother"),
    "siblings": _kin("sibling"),
    "household": _household,
    "pupils": _pupils,
}


def inner_names(definition: Definition, names: Sequence[str]) -> list[str]:
    """Inputs of linked persons that some inputs of a definition need."""
    from commonground.variables.language import names as names_in

    found: set[str] = set()
    for name in names:
        linked = definition.inputs[name].linked
        if linked is not None:
            found |= set(names_in(linked.value))
    return sorted(found)


def read_linked(raw: Mapping[str, Any], section: str, place: Place) -> Linked:
    """Read an input about linked persons; what it asks of them is checked when all inputs are known."""
    of = place.one_of(raw, "of", tuple(r for some in RELATIONS.values() for r in some), section)
    how = place.one_of(raw, "take", (*LOGIC, *NUMBERS), section)
    for key in ("source", "definition", "range", "lag"):
        if key in raw:
            said = Said(f"写了 of 的输入不能再写 {key}。", f"An input with “of” has no “{key}” of its own.")
            todo = Said("请把它写在 value 用到的输入里。", "Write it in the inputs that value names.")
            raise place.fault(section, key, said, todo=todo)
    return Linked(of, how, place.parse(str(place.need(raw, "value", section)), place.at(section, "value")))


def check_linked(inputs: Mapping[str, Input], place: Place) -> None:
    """Check what inputs about linked persons ask of them: types, and that it is not itself about linked persons."""
    known = {n: Kind(i.type, i.unit) for n, i in inputs.items() if not i.linked}
    for name, one in inputs.items():
        if one.linked:
            section = f"input.{name}"
            at = place.at(section, "value")
            check(one.linked.value, known, at, "boolean" if one.linked.how in LOGIC else "number")
            if one.type != gives(one.linked):
                said = Said(
                    f"take = “{one.linked.how}” 给出的不是 {one.type}。", f"“{one.linked.how}” gives no {one.type}."
                )
                todo = Said(f"请写 type = “{gives(one.linked)}”。", f"Write type = “{gives(one.linked)}”.")
                raise place.fault(section, "type", said, todo=todo)
