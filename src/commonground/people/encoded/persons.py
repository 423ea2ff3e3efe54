"""Persons in the clear, standardised: the input of an encoding, at the site that may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.births import NO_DAY
from commonground.people.core.numbercodes import parsed
from commonground.people.encode import area_stem, distinct, integers, narrow, phone
from commonground.people.names import Name, standardise
from commonground.people.numbers import id_table, number_texts

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
TOWN = 9
"""Digits of an area code that name the township."""


@dataclass(frozen=True)
class Persons:
    """Persons, one a row; -1 (``NO_DAY``) where nothing is said.

    Attributes
    ----------
    names : tuple of Name
        Distinct names in their comparable forms; ``name`` gives each row's.
    numbers, phones, places : tuple of str
        Distinct valid identity numbers of 18 characters, telephones as digits, townships (nine digits of the area code,
        or the address up to its first number); ``number``, ``phone``, ``place`` give each row's.
    day : int array
        Day of birth since 1970.
    sex : int array
        1 male, 2 female.
    """

    names: tuple[Name, ...]
    numbers: tuple[str, ...]
    phones: tuple[str, ...]
    places: tuple[str, ...]
    name: Ints
    number: Ints
    phone: Ints
    place: Ints
    day: Ints
    sex: Ints

    def __len__(self) -> int:
        return len(self.name)


def read_persons(table: pa.Table, columns: Mapping[str, str]) -> Persons:
    """Standardise the columns of a table.

    Parameters
    ----------
    table : pa.Table
        One row a person.
    columns : mapping
        ``name``, ``birth``, ``sex``, ``id_number``, ``phone``, ``place`` → column; what is left out is missing.
    """
    n = table.num_rows

    def coded(kind: str, clean: Callable[[list[str]], list[str]]) -> tuple[tuple[str, ...], Ints]:
        if kind not in columns:
            return (), np.full(n, -1, dtype=np.int64)
        values, inverse = distinct(table.column(columns[kind]))
        index: dict[str, int] = {}
        cleaned = clean(values)
        number = np.array([*(index.setdefault(c, len(index)) if c else -1 for c in cleaned), -1], dtype=np.int64)
        return tuple(index), number[inverse]

    texts, name = coded("name", lambda values: [v.strip() for v in values])
    forms = tuple(standardise(t) for t in texts)
    empty = np.array([not f.key.strip("?") for f in forms] + [True], dtype=bool)
    numbers, number = coded("id_number", lambda values: number_texts(id_table(values)))
    phones, telephone = coded("phone", lambda values: [phone(v) for v in values])
    places, place = coded("place", lambda values: [_township(v) for v in values])
    sexes, sex = coded("sex", lambda values: [_SEXES.get(narrow(v).lower(), "") for v in values])
    codes = np.array([*map(int, sexes), -1], dtype=np.int64)
    day = _days(table.column(columns["birth"])) if "birth" in columns else np.full(n, NO_DAY, dtype=np.int64)
    return Persons(
        forms, numbers, phones, places, np.where(empty[name], -1, name), number, telephone, place, day, codes[sex]
    )


def _days(column: pa.ChunkedArray) -> Ints:
    import pyarrow as pa

    if pa.types.is_date(column.type):
        return integers(column, len(column), NO_DAY)
    values, inverse = distinct(column)
    found: Ints = np.array([*parsed(values), NO_DAY], dtype=np.int64)[inverse]
    return found


_SEXES = {"1": "1", "男": "1", "m": "1", "male": "1", "2": "2", "女": "2", "f": "2", "female": "2"}


def _township(text: str) -> str:
    plain = narrow(text)
    if plain.isascii() and plain.isdigit():
        return plain[:TOWN] if len(plain) >= TOWN else ""
    return area_stem(text)
