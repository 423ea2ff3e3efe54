"""Units under hashes that mean the same in every build, for keys that are kept, and marks by which changes are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.hashing import hash_columns, hash_texts

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
_SPACES = {
    "village": "village", "address": "address", "county": "county", "school_county": "county", "phones": "phone",
    "school": "school", "schools": "school", "klass": "class", "student": "student", "ethnicity": "ethnicity",
}  # fmt: skip
"""Columns of ``People`` and the space of texts that their numbers are places in."""
_NOT_COMPARED = ("names", "digits", "name", "pinyin", "record", "source", "block", "household", "relation")


def _looked_up(table: Ints, column: Ints) -> Ints:
    found: Ints = np.append(table, -1)[np.where(column >= 0, column, len(table))]
    return found


def stable(people: People, texts: Mapping[str, Sequence[str]], ids: Sequence[str]) -> People:
    """Put hashes of texts in place of their running numbers.

    Parameters
    ----------
    people : People
        Rows; what stands in ``names`` is left as it is.
    texts : mapping
        Space → texts by number, as in ``Gathered``.
    ids : sequence of str
        Identity numbers by number.
    """
    tables = {space: hash_texts(list(texts.get(space, ()))) for space in set(_SPACES.values())}
    columns = {c: _looked_up(tables[space], getattr(people, c)) for c, space in _SPACES.items() if hasattr(people, c)}
    numbers = hash_texts(list(ids))
    columns |= {c: _looked_up(numbers, getattr(people, c)) for c in ("id", "soft", "kin_ids")}
    return people.with_columns(**columns)


def marks(people: People) -> Ints:
    """Hash of all that is compared of each row of ``stable`` people: a row that says something else has another."""
    names = _looked_up(hash_texts(list(people.names.texts)), people.name)
    pinyin = _looked_up(hash_texts(list(people.names.texts)), people.pinyin)
    columns = [names, pinyin]
    for field in fields(people):
        if field.name not in _NOT_COMPARED:
            values = getattr(people, field.name).astype(np.int64)
            columns += [values] if values.ndim == 1 else [values[:, k] for k in range(values.shape[1])]
    return hash_columns(columns)
