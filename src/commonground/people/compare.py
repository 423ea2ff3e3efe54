"""What two records of persons have in common, field by field, as small integers.

0 means that a value is missing on one side; 1 is plain disagreement; higher is closer. Pure functions of arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import numbers
from commonground.people.births import DAY, NO_DAY, compare_births
from commonground.people.nametable import compare_names

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

FIELDS = ("name", "birth", "sex", "id", "student", "school", "place", "phone", "kin", "ethnicity")


def share_any(a: Ints, b: Ints) -> Ints:
    """How many distinct entries of each row of ``a`` occur in the same row of ``b``; -1 is none, entries stand left."""
    out = np.zeros(len(a), dtype=np.int64)
    at = np.flatnonzero((a[:, 0] >= 0) & (b[:, 0] >= 0)) if len(a) else out
    # entries stand to the left, so that the columns that no row uses can be left out
    a, b = a[at], b[at]
    a, b = a[:, (a >= 0).any(0)].T.copy(), b[:, (b >= 0).any(0)].T.copy()
    count = np.zeros(len(at), dtype=np.int64)
    for column, x in enumerate(a):
        found, fresh = np.zeros(len(at), dtype=bool), x >= 0
        for y in b:
            found |= x == y
        for z in a[:column]:
            fresh &= z != x
        count += found & fresh
    out[at] = count
    return out


def _empty(grid: Ints) -> Bools:
    return np.asarray((grid < 0).all(axis=1), dtype=np.bool_)


def _pairwise(equal: Bools, missing: Bools) -> Levels:
    level = np.where(equal, 2, 1).astype(np.int8)
    level[missing] = 0
    return level


def _name(p: People, a: Ints, b: Ints) -> Levels:
    level = compare_names(p.names, p.name[a], p.name[b])
    for x, y in ((p.name[a], p.pinyin[b]), (p.pinyin[a], p.name[b])):
        other = compare_names(p.names, x, y)
        # a second column with the same name in pinyin can show one sound, never that characters agree
        level = np.where((level < other) & (other >= 4) & (level < 6), other, level)
    return level


def _birth(p: People, a: Ints, b: Ints) -> Levels:
    level = compare_births(p.day[a], p.precision[a], p.day[b], p.precision[b])
    for da, db in ((p.id_day, p.day), (p.day, p.id_day), (p.id_day, p.id_day)):
        pa = np.where(da[a] == NO_DAY, 0, DAY) if da is p.id_day else p.precision[a]
        pb = np.where(db[b] == NO_DAY, 0, DAY) if db is p.id_day else p.precision[b]
        level = np.maximum(level, compare_births(da[a], pa, db[b], pb))
    return level


def _id(p: People, a: Ints, b: Ints) -> Levels:
    """Levels of ``numbers``; 0 also where a damaged number is far from the other, which says nothing."""
    ia, ib = p.id[a], p.id[b]
    level = np.where(ia == ib, numbers.SAME, numbers.OTHER).astype(np.int8)
    level[(ia < 0) | (ib < 0)] = 0
    sa, sb = np.where(ia >= 0, ia, p.soft[a]), np.where(ib >= 0, ib, p.soft[b])
    damaged = np.flatnonzero((level == 0) & (sa >= 0) & (sb >= 0))
    level[damaged] = numbers.damage(p.digits, sa[damaged], sb[damaged])
    return level


def _school(p: People, a: Ints, b: Ints) -> Levels:
    """5 class, 4 school and cohort (or class, where a grade is not said), 3 school, 2 cohort in a county, 1 neither.

    A name that several schools bear gives a level less: 4 class, 3 cohort or class, 2 no more than the name.
    """
    level = np.zeros(len(a), dtype=np.int8)
    sa, sb, ca, cb = p.school[a], p.school[b], p.cohort[a], p.cohort[b]
    schools, cohorts = (sa >= 0) & (sb >= 0), (ca >= 0) & (cb >= 0)
    shared = _shared_school(p, a, b)
    level[schools | cohorts | (shared >= 0)] = 1
    near = ~cohorts | (np.abs(ca - cb) <= 1)
    county = (p.school_county[a] == p.school_county[b]) | (p.school_county[a] < 0) | (p.school_county[b] < 0)
    level[cohorts & (ca == cb) & county] = 2
    same = schools & (sa == sb) & near
    classes = (p.klass[a] == p.klass[b]) & (p.klass[a] >= 0)
    for at, less in ((same, 0), ((shared > 0) & near, 1)):
        level[at] = np.maximum(level[at], 3 - less)
        level[at & classes & ~cohorts] = 4 - less
        level[at & cohorts & (ca == cb)] = 4 - less
        level[at & cohorts & (ca == cb) & classes] = 5 - less
    return level


def _shared_school(p: People, a: Ints, b: Ints) -> Ints:
    """1 where a name that several schools bear can mean the other's school, 0 where it cannot, -1 where none is so."""
    out = np.full(len(a), -1, dtype=np.int64)
    vague = p.schools[:, 0] >= 0
    at = np.flatnonzero(
        ((vague[a] & (vague[b] | (p.school[b] >= 0))) | (vague[b] & (p.school[a] >= 0))) if len(p) else out
    )
    if len(at):
        x, y = (np.column_stack([p.school[r], p.schools[r]]) for r in (a[at], b[at]))
        out[at] = share_any(-np.sort(-x, axis=1), -np.sort(-y, axis=1)) > 0
    return out


def _place(p: People, a: Ints, b: Ints) -> Levels:
    """4 address, 3 village, 2 county, 1 other; a person has a present place and one of registration.

    Where a record says no county, the same address or village counts, and different ones say nothing.
    """
    level = np.ones(len(a), dtype=np.int8)
    for column, value in ((p.county, 2), (p.village, 3), (p.address, 4)):
        level[share_any(column[a], column[b]) > 0] = value
    empty = _empty(p.county)
    level[(empty[a] | empty[b]) & (level < 3)] = 0
    return level


def _phone(p: People, a: Ints, b: Ints) -> Levels:
    empty = _empty(p.phones)
    return _pairwise(share_any(p.phones[a], p.phones[b]) > 0, empty[a] | empty[b])


def _kin(p: People, a: Ints, b: Ints) -> Levels:
    """4 a relative with the same number, 3 two or more of the same name, 2 one, 1 none."""
    names = share_any(p.kin_names[a], p.kin_names[b])
    level = np.where(names >= 2, 3, np.where(names == 1, 2, 1)).astype(np.int8)
    no_names, no_ids = _empty(p.kin_names), _empty(p.kin_ids)
    level[no_names[a] | no_names[b]] = 0
    ids = share_any(p.kin_ids[a], p.kin_ids[b]) > 0
    both = ~(no_ids[a] | no_ids[b])
    level[both & ids] = 4
    level[both & ~ids & (level == 0)] = 1
    return level


def compare(p: People, a: Ints, b: Ints) -> Levels:
    """Compare persons ``a`` with persons ``b``: levels (pairs, fields) in the order of ``FIELDS``."""
    sexes = _pairwise(p.sex[a] == p.sex[b], (p.sex[a] < 0) | (p.sex[b] < 0))
    student = np.where((p.student[a] >= 0) & (p.student[a] == p.student[b]), 2, 0).astype(np.int8)
    ethnic = _pairwise(p.ethnicity[a] == p.ethnicity[b], (p.ethnicity[a] < 0) | (p.ethnicity[b] < 0))
    columns = (
        _name(p, a, b), _birth(p, a, b), sexes, _id(p, a, b), student,
        _school(p, a, b), _place(p, a, b), _phone(p, a, b), _kin(p, a, b), ethnic,
    )  # fmt: skip
    return np.stack(columns, axis=1)
