"""Finds the rows of earlier deliveries in later ones, to see whether what was asked about is right there.

A corrected file (a delivery that replaces another) answers every question about the file that it replaces: the row
is right, still wrong, or gone. An ordinary later delivery answers only questions about facts that do not change
(a number, a name, a day of birth): a height of last year is not mended by a height of this year.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commonground.intake.model import Contract
from commonground.intake.returns.faults import rows_at
from commonground.intake.returns.model import Fault
from commonground.intake.returns.register import Fate

if TYPE_CHECKING:
    import pyarrow as pa

_FIXED = frozenset({"id_no", "student_no", "name", "birth", "sex", "ethnicity"})
PLACE = ("delivery", "file", "sheet", "row_number")


def tiers(contract: Contract, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the sets of columns by which a row is known again, the surest first.

    A row about a person is known by a number of that person, else by name with birth, else by name with school; where a
    person has many rows, also by every date and code that tells one from another. A row about no person is known by
    the first code or number that its columns hold.
    """
    concepts = [r.concept for r in contract.columns if r.concept is not None and r.concept.name in columns]
    mine = [c for c in concepts if c.role and c.role == contract.subject]
    numbers = [c.name for c in mine if c.field in ("id_no", "student_no", "exam_no")]
    names = [c.name for c in mine if c.field == "name"]
    births = [c.name for c in mine if c.field in ("birth", "birth_year")]
    schools = [c.name for c in concepts if c.name in ("school_code", "school_name", "school_short", "class")]
    which = [c.name for c in concepts if not c.role and c.type in ("date", "month") and c.name != "permit_no"]
    which += [c.name for c in concepts if c.name in ("programme", "event", "service_no", "visit", "role")]
    more = tuple(dict.fromkeys(which)) if contract.rows_per_person == "many" else ()
    out = [(number, *more) for number in numbers]
    if names and births:
        out.append((names[0], births[0], *more))
    if names and schools:
        out.append((names[0], *schools, *more))
    if not mine:
        keys = [c.name for c in concepts if c.name.endswith(("_no", "_code", "village_code"))]
        out += [(key, *more) for key in keys]
    return out


def find_rows(
    old: pa.Table,
    rows: Iterable[Mapping[str, Any]],
    new: pa.Table,
    contract: Contract,
    avoid: str,
    *,
    by_name: bool = False,
) -> dict[tuple[Any, ...], tuple[Any, ...] | None]:
    """Find rows of ``old`` in ``new``, without use of the column ``avoid``.

    Parameters
    ----------
    by_name : bool
        A name that only one row of either has is enough: for a file that replaces another.

    Returns
    -------
    dict
        Place → place in ``new``; None for a row that can be told and is not there. A row that cannot be told, or not
        from others, is left out.
    """
    wanted = list(rows)
    out: dict[tuple[Any, ...], tuple[Any, ...] | None] = {}
    absent: set[tuple[Any, ...]] = set()
    shared = [c for c in old.column_names if c in new.column_names]
    for tier in [*tiers(contract, shared), *([("name",)] if by_name and "name" in shared else [])]:
        if avoid in tier:
            continue
        held = rows_at(old, wanted, list(tier))
        keys = {place: tuple(row[c] for c in tier) for place, row in held.items() if place not in out}
        keys = {place: key for place, key in keys.items() if key[0] is not None and key[1:2] != (None,)}
        places, mine = (_index(table, tier, set(keys.values())) for table in (new, old))
        for place, key in keys.items():
            if len(places.get(key, ())) == len(mine.get(key, ())) == 1:
                out[place] = places[key][0]
            elif key not in places:
                absent.add(place)
    for place in absent:
        out.setdefault(place, None)
    return out


def _index(
    table: pa.Table, tier: Sequence[str], keys: set[tuple[Any, ...]]
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Give the places of the rows with some keys."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not keys:
        return {}
    slim = table.select([*PLACE, *tier])
    first = pa.array(sorted({key[0] for key in keys}), slim.schema.field(tier[0]).type)
    slim = slim.filter(pc.is_in(slim[tier[0]], value_set=first))
    out: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in slim.to_pylist():
        key = tuple(row[c] for c in tier)
        if key in keys:
            out.setdefault(key, []).append(tuple(row[c] for c in PLACE))
    return out


def fixed(contract: Contract, concept: str) -> bool:
    """Tell whether a concept is a fact about the row's person that no later delivery changes."""
    for rule in contract.columns:
        if rule.concept is not None and rule.concept.name == concept:
            return rule.concept.field in _FIXED and rule.concept.role == contract.subject
    return False


class _Now:
    """The faults as they stand, found by place and column."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.rows: dict[tuple[Any, ...], Fault] = {}
        self.columns: dict[tuple[Any, ...], Fault] = {}
        self.whole: dict[tuple[str, str], list[Fault]] = {}
        for fault in faults:
            place = (fault.delivery, fault.file, fault.sheet)
            if fault.scope in ("value", "group"):
                for number in fault.numbers:
                    self.rows[(*place, number, fault.column)] = fault
            elif fault.scope == "column":
                self.columns[(*place, fault.column)] = fault
            else:
                self.whole.setdefault((fault.delivery, fault.file), []).append(fault)

    def at(self, place: tuple[Any, ...], column: str) -> Fault | None:
        """Give the fault of a column in a row."""
        return self.rows.get((*place, column)) or self.columns.get((*place[:3], column))

    def like(self, fault: Fault, target: tuple[str, str]) -> Fault | None:
        """Give the fault of a whole row or file in ``target`` that is the same as an earlier one."""
        for other in self.whole.get(target, ()):
            if other.scope == fault.scope and (other.text, other.reason) == (fault.text, fault.reason):
                return other
        return None


def fates(
    faults: Sequence[Fault],
    now: Sequence[Fault],
    table: pa.Table,
    contract: Contract,
    replaced: Mapping[tuple[str, str], tuple[str, str]],
) -> dict[str, Fate]:
    """Say what became of faults in later deliveries; those of which nothing is known are left out.

    Parameters
    ----------
    faults, now : sequence of Fault
        Of one dataset: those that are asked about, and those that stand now.
    table : pa.Table
        The dataset's records, all deliveries.
    replaced : mapping
        Delivery and file → the delivery and file that replaced it.
    """
    here = _Now(now)
    out: dict[str, Fate] = {}
    batches: dict[tuple[Any, ...], list[Fault]] = {}
    for fault in faults:
        target = replaced.get((fault.delivery, fault.file))
        if fault.scope in ("value", "group"):
            if target is not None or (fault.scope == "value" and fixed(contract, fault.concept)):
                batches.setdefault((fault.delivery, fault.file, fault.concept, target), []).append(fault)
        elif target is not None:
            out[fault.key] = _whole(fault, here, target)
    for (delivery, file, concept, target), members in batches.items():
        old = _part(table, delivery, file)
        if target is not None:
            out |= _replaced(members, here, old, _part(table, *target), contract, concept, target)
        else:
            days = sorted(day for day in _deliveries(table) if day > delivery)
            out |= _later(members, here, old, [(d, _part(table, d)) for d in days], contract, concept)
    return out


def _whole(fault: Fault, now: _Now, target: tuple[str, str]) -> Fate:
    """Say whether a fault of a whole column, row or file is in the file that replaced it."""
    if fault.scope == "column":
        place = (*target, fault.sheet, fault.column)
        still = now.columns.get(place)
        if still is None and any(key[:3] == place[:3] and key[4] == fault.column for key in now.rows):
            return Fate("listed", target[0])
        return Fate("file", target[0]) if still is None else Fate("", target[0], still)
    still = now.like(fault, target)
    return Fate("file", target[0]) if still is None else Fate("", target[0], still)


def _replaced(
    faults: Sequence[Fault],
    now: _Now,
    old: pa.Table,
    new: pa.Table,
    contract: Contract,
    concept: str,
    target: tuple[str, str],
) -> dict[str, Fate]:
    """Say what became of values in a file that replaces theirs; where rows cannot be told, by their place."""
    places = find_rows(old, _places(faults), new, contract, concept, by_name=True)
    in_step = old.num_rows == new.num_rows
    out = {}
    for fault in faults:
        found: list[tuple[Any, ...] | None] = []
        for number in fault.numbers:
            same = (*target, fault.sheet, number) if in_step else ()
            found.append(places.get((fault.delivery, fault.file, fault.sheet, number), same))
        still = next((f for p in found if p and (f := now.at(p, fault.column)) is not None), None)
        if still is not None:
            out[fault.key] = Fate("", target[0], still)
        elif all(place is None for place in found):
            out[fault.key] = Fate("gone", target[0])
        elif () in found:
            out[fault.key] = Fate("", target[0], fault)  # nobody can tell: it is asked about still
        else:
            out[fault.key] = Fate("file", target[0])
    return out


def _later(
    faults: Sequence[Fault],
    now: _Now,
    old: pa.Table,
    days: Sequence[tuple[str, pa.Table]],
    contract: Contract,
    concept: str,
) -> dict[str, Fate]:
    """Say what the last later delivery that has the row says of a fact that does not change."""
    out: dict[str, Fate] = {}
    if concept not in old.column_names:
        return out
    for day, new in days:
        places = find_rows(old, _places(faults), new, contract, concept)
        there = [dict(zip(PLACE, place, strict=True)) for place in places.values() if place is not None]
        values = rows_at(new, there, [concept])
        for fault in faults:
            place = places.get((fault.delivery, fault.file, fault.sheet, fault.numbers[0]))
            if place is None:
                continue
            still = now.at(place, fault.column)
            if still is not None:
                out[fault.key] = Fate("", day, still)
            elif values.get(place, {}).get(concept) is not None:
                out[fault.key] = Fate("later", day)
    return out


def _places(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    return [
        dict(zip(PLACE, (fault.delivery, fault.file, fault.sheet, number), strict=True))
        for fault in faults
        for number in fault.numbers
    ]


def _part(table: pa.Table, delivery: str, file: str | None = None) -> pa.Table:
    import pyarrow.compute as pc

    hit = pc.equal(table["delivery"], delivery)
    return table.filter(hit if file is None else pc.and_(hit, pc.equal(table["file"], file)))


def _deliveries(table: pa.Table) -> list[str]:
    import pyarrow.compute as pc

    return [d for d in pc.unique(table["delivery"]).to_pylist() if d]
