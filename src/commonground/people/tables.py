"""The pseudonymous tables that the next room reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.births import DAY, NO_DAY, PRECISIONS
from commonground.people.encode import integers
from commonground.people.families import EVIDENCE
from commonground.people.kin import RELATIONS
from commonground.people.model import Linked
from commonground.people.schools import School

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


def mode(entity: Ints, value: Ints, size: int, weight: Ints | None = None) -> Ints:
    """Commonest value (0 or more) of each entity, the smallest of equals; -1 where there is none."""
    known = value >= 0
    base = int(value.max(initial=0)) + 1
    packed, inverse = np.unique(entity[known] * base + value[known], return_inverse=True)
    count = np.bincount(inverse, weights=None if weight is None else weight[known], minlength=len(packed))
    owner, v = np.divmod(packed, base)
    order = np.lexsort((v, -count, owner))
    first = order[np.unique(owner[order], return_index=True)[1]]
    out = np.full(size, -1, dtype=np.int64)
    out[owner[first]] = v[first]
    return out


def births(linked: Linked) -> tuple[Ints, Ints]:
    """Best known day of birth of each entity and its precision.

    The date inside a valid identity number counts twice; full dates come before months, months before years.
    """
    units, entity = linked.spine.units, linked.spine.entity
    n = len(units)
    rank = np.zeros(max(PRECISIONS.values()) + 1, dtype=np.int64)
    for place, name in enumerate(("day", "lunar", "month", "year", "default")):
        rank[PRECISIONS[name]] = place
    owner = np.concatenate([entity, entity, entity])
    day = np.concatenate([units.day, units.id_day, units.id_day])
    precision = np.concatenate([units.precision, np.full(2 * n, DAY)])
    known = (day != NO_DAY) & (owner >= 0)
    owner, day, precision = owner[known], day[known], precision[known]
    base = 200_000
    packed, inverse = np.unique((owner * 10 + rank[precision]) * base + day + 100_000, return_inverse=True)
    count = np.bincount(inverse, minlength=len(packed))
    who, order_of = packed // base // 10, packed // base % 10
    order = np.lexsort((packed, -count, order_of, who))
    first = order[np.unique(who[order], return_index=True)[1]]
    out, how = np.full(n, NO_DAY, dtype=np.int64), np.zeros(n, dtype=np.int64)
    out[who[first]] = packed[first] % base - 100_000
    back = np.argsort(rank[1:]) + 1
    how[who[first]] = back[order_of[first]]
    return out, how


def persons(linked: Linked, pseudonym: Objects, kinds: Sequence[str]) -> pa.Table:
    """Make ``persons``: one row a person of whom some record says who it is.

    ``spine`` is true where an identity number, or a second source, confirms the person.
    """
    import pyarrow as pa

    units, entity, n = linked.spine.units, linked.spine.entity, len(linked.spine.units)
    rows = linked.entity
    kept = np.unique(rows[linked.identified])
    kept = kept[np.argsort(pseudonym[kept].astype(str))]
    day, precision = births(linked)
    sex, ethnic = mode(entity, units.sex, n), mode(entity, units.ethnicity, n)
    names = np.array([*linked.gathered.texts.get("ethnicity", ()), None], dtype=object)
    words = np.array([None, *[w for w, _ in sorted(PRECISIONS.items(), key=lambda x: x[1])]], dtype=object)
    numbered = np.bincount(entity, weights=units.id >= 0, minlength=n) > 0
    several = np.bincount(entity, minlength=n) > 1
    return pa.table(
        {
            "person_id": pa.array(pseudonym[kept], pa.string()),
            "sex": pa.array(
                np.array(["1", "2", None], dtype=object)[np.where(sex[kept] < 0, 2, sex[kept] - 1)], pa.string()
            ),
            "birth": pa.array(day[kept].astype(np.int32), pa.int32(), mask=day[kept] == NO_DAY).cast(pa.date32()),
            "birth_precision": pa.array(words[precision[kept]], pa.string()),
            "ethnicity": pa.array(names[ethnic[kept]], pa.string()),
            "sources": pa.array(_lists(linked, kept, kinds), pa.list_(pa.string())),
            "records": pa.array(np.bincount(rows, minlength=n)[kept].astype(np.int32)),
            "spine": pa.array((numbered | several)[kept]),
        }
    )


def _lists(linked: Linked, kept: Ints, kinds: Sequence[str]) -> list[list[str]]:
    """Kinds of sources of each person kept: one list for each distinct combination."""
    units, entity = linked.spine.units, linked.spine.entity
    words = sorted(set(kinds))
    place = np.array([words.index(k) for k in kinds], dtype=np.int64)
    mask = np.zeros(len(units), dtype=np.int64)
    np.bitwise_or.at(mask, entity, np.int64(1) << place[units.source])
    values, inverse = np.unique(mask[kept], return_inverse=True)
    made = [[w for i, w in enumerate(words) if v >> i & 1] for v in values.tolist()]
    return [made[i] for i in inverse.tolist()]


def relations(linked: Linked, pseudonym: Objects, kinds: Sequence[str], days: Ints) -> pa.Table:
    """Make ``relations``: what ``relative_id`` is to ``person_id``, how sure that is and what it rests on."""
    import pyarrow as pa

    r = linked.relations
    table = pa.table(
        {
            "person_id": pa.array(pseudonym[r.person], pa.string()),
            "relative_id": pa.array(pseudonym[r.relative], pa.string()),
            "relation": pa.array(np.array(RELATIONS, dtype=object)[r.relation], pa.string()),
            "kind": pa.array(np.array(kinds, dtype=object)[r.source], pa.string()),
            "as_of": pa.array(days[r.source].astype(np.int32), pa.int32()).cast(pa.date32()),
            "probability": pa.array(r.probability),
            "evidence": pa.array(np.array(EVIDENCE, dtype=object)[r.evidence], pa.string()),
        }
    )
    return _sorted(table, ("person_id", "relation", "relative_id", "kind", "as_of"))


def households(linked: Linked, pseudonym: Objects, naming: Objects, kinds: Sequence[str], days: Ints) -> pa.Table:
    """Make ``households``: members of registered households, and of those whose members are listed in a cell."""
    import pyarrow as pa

    units, entity = linked.spine.units, linked.spine.entity
    inside = np.flatnonzero(units.household >= 0)
    head, member, _ = linked.members
    listed = np.concatenate([head, np.unique(head)])
    owner = np.concatenate([member, entity[np.unique(head)]])
    codes = np.array([*linked.gathered.texts.get("relation", ()), None], dtype=object)
    house = np.concatenate([naming[inside], naming[listed]])
    where = np.concatenate([units.source[inside], units.source[listed]])
    table = pa.table(
        {
            "household_id": pa.array(house, pa.string()),
            "person_id": pa.array(pseudonym[np.concatenate([entity[inside], owner])], pa.string()),
            "relation": pa.array(
                np.concatenate([codes[units.relation[inside]], np.full(len(listed), None)]), pa.string()
            ),
            "kind": pa.array(np.array(kinds, dtype=object)[where], pa.string()),
            "as_of": pa.array(days[where].astype(np.int32), pa.int32()).cast(pa.date32()),
        }
    )
    return _sorted(table, ("household_id", "person_id", "relation", "kind", "as_of"))


def _sorted(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    return table.sort_by([(k, "ascending") for k in keys])


def enrolments(tables: Mapping[str, pa.Table], people: Mapping[str, Objects], codes: Mapping[str, Any]) -> pa.Table:
    """Make ``enrolments`` from every record that says grade or school of a person who is known.

    A pupil whose grade or school is blank or was set aside is on the roll all the same: that part stays null.
    """
    import pyarrow as pa

    parts = []
    for name in sorted(tables):
        table = tables[name]
        if "grade" not in table.column_names or name not in people:
            continue
        grade = integers(table.column("grade"), table.num_rows)
        school = np.array(codes[name], dtype=object)
        fresh = table.column("status").to_numpy(zero_copy_only=False) == "record"
        rows = np.flatnonzero(((grade > 0) | (school != None)) & (people[name] != None) & fresh)  # noqa: E711
        year = integers(table.column("school_year"), table.num_rows) if "school_year" in table.column_names else None
        if year is None:
            month = integers(table.column("as_of"), table.num_rows).astype("datetime64[D]").astype("datetime64[M]")
            year = 1970 + month.astype(np.int64) // 12 - (month.astype(np.int64) % 12 < 7)

        def text(concept: str, table: pa.Table = table, rows: Ints = rows) -> pa.Array:
            if concept not in table.column_names:
                return pa.nulls(len(rows), pa.string())
            return table.column(concept).take(rows).cast(pa.string()).combine_chunks()

        parts.append(
            pa.table(
                {
                    "person_id": pa.array(people[name][rows], pa.string()),
                    "school_code": pa.array(school[rows], pa.string()),
                    "county": text("county"),
                    "school_year": pa.array(year[rows], pa.int64()),
                    "grade": pa.array(grade[rows], pa.int64(), mask=grade[rows] <= 0),
                    "class": text("class"),
                    "boarding": text("boarding"),
                    "kind": text("kind"),
                }
            )
        )
    return pa.concat_tables(parts) if parts else _no_enrolments()


def _no_enrolments() -> pa.Table:
    import pyarrow as pa

    names = ("person_id", "school_code", "county", "school_year", "grade", "class", "boarding", "kind")
    return pa.schema([(n, pa.int64() if n in ("school_year", "grade") else pa.string()) for n in names]).empty_table()


def with_county(table: pa.Table, schools: Mapping[str, School]) -> pa.Table:
    """Fill the county of each enrolment from its school, and put rows in order, each once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    codes, at = table.column("school_code").combine_chunks().dictionary_encode(), table.column_names.index("county")
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    known = pa.array([schools[c].county if c in schools else None for c in codes.dictionary.to_pylist()], pa.string())
    filled = pc.coalesce(known.take(codes.indices), table.column("county"))
    table = table.set_column(at, "county", filled)
    return _sorted(table.group_by(table.column_names, use_threads=False).aggregate([]), table.column_names)


def school_table(schools: Mapping[str, School]) -> pa.Table:
    """Make ``schools``."""
    import pyarrow as pa

    rows = [schools[c] for c in sorted(schools)]
    text, lists = pa.string(), pa.list_(pa.string())
    return pa.table(
        {
            "school_code": pa.array([s.code for s in rows], text),
            "name": pa.array([s.name for s in rows], text),
            "short_names": pa.array([list(s.shorts) for s in rows], lists),
            "county": pa.array([s.county for s in rows], text),
            "level": pa.array([s.level for s in rows], text),
            "urban_class": pa.array([s.urban_class for s in rows], text),
        }
    )
