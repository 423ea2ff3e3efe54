"""Relatives that records name: guardians, fathers, mothers, heads and members of households, as rows of integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.people.encode import distinct, split_names
from commonground.people.mentions import KIN_ROLES, TableReader

Ints = npt.NDArray[np.int64]
ROLES = (*KIN_ROLES, "members")
FATHER, MOTHER, GRANDPARENT, GUARDIAN, SPOUSE, SIBLING = range(6)
RELATIONS = ("father", "mother", "grandparent", "guardian", "spouse", "sibling")


@dataclass(frozen=True)
class Kin:
    """Relatives named, one a row.

    Attributes
    ----------
    row : int array
        Row of ``People`` of the record that names the relative.
    role : int array
        Place in ``ROLES``.
    name, number, phone : int arrays
        What is said of the relative; -1 where nothing is.
    code : int array
        Relation to the person of the record (GB/T 4761) as a number; -1 where it is not said.
    """

    row: Ints
    role: Ints
    name: Ints
    number: Ints
    phone: Ints
    code: Ints


def read_kin(reader: TableReader, at: int) -> Kin:
    """Read the relatives that one table names; ``at`` is the row of its first record in ``People``."""
    coders, parts = reader.coders, []
    for place, role in enumerate(KIN_ROLES):
        if role == reader.facts.subject:
            continue
        name, number = reader.numbers(role, "name", coders.name), reader.valid(role)
        some = np.flatnonzero((name >= 0) | (number >= 0))
        if not len(some):
            continue
        phone, code = reader.numbers(role, "phone", coders.of("phone")), _codes(reader, role)
        fixed = np.full(len(some), place)
        parts.append(np.stack([some + at, fixed, name[some], number[some], phone[some], code[some]]))
    for concept in reader.said("members", "name"):
        values, inverse = distinct(reader.table.column(concept))
        lists = [[coders.name.one(n) for n in split_names(v)] for v in values]
        size = np.array([len(x) for x in lists] + [0])[inverse]
        row = np.repeat(np.arange(reader.rows), size)
        names = np.array([n for i in inverse.tolist() if i >= 0 for n in lists[i]], dtype=np.int64)
        none = np.full(len(row), -1)
        parts.append(np.stack([row + at, np.full(len(row), len(KIN_ROLES)), names, none, none, none]))
    return Kin(*(np.concatenate(parts, axis=1).astype(np.int64) if parts else np.zeros((6, 0), dtype=np.int64)))


def _codes(reader: TableReader, role: str) -> Ints:
    for concept in reader.said(role, "relation"):
        values, inverse = distinct(reader.table.column(concept))
        return np.array([int(v) if v.isdigit() else -1 for v in values] + [-1], dtype=np.int64)[inverse]
    return np.full(reader.rows, -1, dtype=np.int64)


def joined(parts: list[Kin]) -> Kin:
    """Put the relatives of all tables together."""
    if not parts:
        return Kin(*np.zeros((6, 0), dtype=np.int64))
    return Kin(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in ("row", "role", "name", "number", "phone", "code"))
    )


def relation_of(role: Ints, code: Ints) -> Ints:
    """What a named relative is to the person, from the role and the relation code; -1 for members and heads."""
    out = np.full(len(role), -1, dtype=np.int64)
    for name, meaning in (("guardian1", GUARDIAN), ("guardian2", GUARDIAN), ("father", FATHER), ("mother", MOTHER),
                          ("spouse", SPOUSE)):  # fmt: skip
        out[role == ROLES.index(name)] = meaning
    guardian = out == GUARDIAN
    out[guardian & np.isin(code, (51, 57))] = FATHER
    out[guardian & np.isin(code, (52, 58))] = MOTHER
    out[guardian & (code >= 60) & (code < 70)] = GRANDPARENT
    out[guardian & (code >= 70) & (code < 80)] = SIBLING
    return out
