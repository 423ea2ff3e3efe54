"""Rows of one person within one source: visits, transfers, repeats.

Only agreement that needs no weighing joins rows here; what is less sure is left for the linking of sources. Rows with
two different valid identity numbers are never joined, not even through a third row without one.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import numbers
from commonground.people.births import NO_DAY
from commonground.people.blocking import join, parts
from commonground.people.compare import FIELDS, compare

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_AT = {name: i for i, name in enumerate(FIELDS)}


def _same_by_number(levels: npt.NDArray[np.int8], many: Bools) -> Bools:
    """The same valid number, and a name that is alike or missing."""
    name = levels[:, _AT["name"]]
    found: Bools = (levels[:, _AT["id"]] == numbers.SAME) & ((name >= 4) | (name == 0))
    return found


def _same_by_student(levels: npt.NDArray[np.int8], many: Bools) -> Bools:
    found: Bools = (levels[:, _AT["student"]] == 2) & (levels[:, _AT["name"]] >= 4) & (levels[:, _AT["id"]] != 1)
    return found


def _same_by_life(levels: npt.NDArray[np.int8], many: Bools) -> Bools:
    """Name, day of birth and sex agree, and so does a telephone, a home, a school or a relative."""
    near = (levels[:, _AT["phone"]] == 2) | (levels[:, _AT["place"]] >= 3) | (levels[:, _AT["school"]] >= 3)
    near |= levels[:, _AT["kin"]] >= 3
    who = (levels[:, _AT["name"]] >= 6) & (levels[:, _AT["birth"]] >= 5) & (levels[:, _AT["sex"]] != 1)
    found: Bools = who & near & (levels[:, _AT["id"]] != 1)
    return found


def _same_by_contact(levels: npt.NDArray[np.int8], many: Bools) -> Bools:
    """In a source of visits: name and telephone or exact address agree and nothing speaks against it."""
    near = (levels[:, _AT["phone"]] == 2) | (levels[:, _AT["place"]] == 4)
    birth = levels[:, _AT["birth"]]
    calm = ((birth == 0) | (birth >= 4)) & (levels[:, _AT["sex"]] != 1) & (levels[:, _AT["id"]] != 1)
    found: Bools = many & near & calm & (levels[:, _AT["name"]] >= 6)
    return found


def collapse(p: People) -> Ints:
    """Give each row the number of its unit: the first row of the same person in the same source."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(p))
    key = parts(p, rows)
    key.columns["source"] = p.source
    edges, sure = [], []
    for names, rule in (
        (("source", "id"), _same_by_number),
        (("source", "student"), _same_by_student),
        (("source", "sound", "day"), _same_by_life),
        (("source", "sound", "phone"), _same_by_contact),
        (("source", "sound", "village"), _same_by_contact),
    ):
        one = _first(key.key(*names)) if names[-1] == "id" else key.key(*names)
        left, right = join(one, key.key(*names), 60)
        left, right = left[left != right], right[left != right]
        good = np.zeros(len(left), dtype=bool)
        for at in range(0, len(left), 500_000):
            part = slice(at, at + 500_000)
            good[part] = rule(compare(p, left[part], right[part]), p.many[left[part]])
        edges.append(np.stack([left[good], right[good]]))
        sure.append(np.full(int(good.sum()), names[-1] == "id"))
    both, certain = np.concatenate(edges, axis=1), np.concatenate(sure)

    def components(pairs: Ints) -> Ints:
        ones = np.ones(pairs.shape[1], dtype=np.int8)
        labels = connected_components(coo_array((ones, (pairs[0], pairs[1])), shape=(len(p), len(p))), directed=False)[
            1
        ]
        return _first_row(labels.astype(np.int64))

    unit = components(both)
    clash = _conflicts(unit, p.id)
    return components(both[:, certain | ~clash[unit[both[0]]]]) if clash.any() else unit


def _first(keyed: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Keep the first row of each key."""
    _, at = np.unique(keyed[1], return_index=True)
    return keyed[0][at], keyed[1][at]


def _first_row(labels: Ints) -> Ints:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    out: Ints = first[inverse]
    return out


def _conflicts(unit: Ints, number: Ints) -> Bools:
    """Which units hold two different valid identity numbers."""
    known = number >= 0
    low = np.full(len(unit), np.iinfo(np.int64).max)
    high = np.full(len(unit), -1, dtype=np.int64)
    np.minimum.at(low, unit[known], number[known])
    np.maximum.at(high, unit[known], number[known])
    found: Bools = (high >= 0) & (low != high)
    return found


def represent(p: People, unit: Ints) -> tuple[People, Ints]:
    """Make one row of each unit, each field filled from the unit's fullest row that has it.

    Returns
    -------
    People, int array
        The units, and for each row of ``p`` the place of its unit among them.
    """
    typed = np.where(p.name >= 0, p.names.typed[np.maximum(p.name, 0)], False) if len(p.names.texts) else p.name >= 0
    filled = sum((getattr(p, f) >= 0).astype(np.int64) for f in ("name", "sex", "id", "school", "student"))
    order = np.lexsort((np.arange(len(p)), -(filled - 10 * typed), unit))
    firsts, place = np.unique(unit, return_inverse=True)
    at = place[order]
    start = np.searchsorted(at, np.arange(len(firsts)))
    chosen: dict[str, npt.NDArray[np.generic]] = {}
    for f in fields(p):
        if f.name in ("names", "digits"):
            continue
        column = getattr(p, f.name)
        taken = column[order[start]].copy()
        if column.dtype != bool:
            empty = (
                (column <= (NO_DAY if f.name in ("day", "id_day") else -1)) if column.ndim == 1 else (column < 0).all(1)
            )
            known = order[~empty[order]]
            _, first = np.unique(place[known], return_index=True)
            taken[place[known[first]]] = column[known[first]]
        chosen[f.name] = taken
    # precision goes with the day it describes
    known = order[p.day[order] != NO_DAY]
    _, first = np.unique(place[known], return_index=True)
    precision = np.zeros(len(firsts), dtype=np.int64)
    precision[place[known[first]]] = p.precision[known[first]]
    chosen["precision"] = precision
    return type(p)(names=p.names, digits=p.digits, **chosen), place  # type: ignore[arg-type]
