"""Resident identity numbers (GB 11643-1999) as arrays: what is inside each, whether it holds, how near two are.

A number contains the county of first registration, the date of birth and the sex. Where two numbers agree, wholly or
but for a slip, these agree with them, so that none of the three is weighed beside it (``edges.counted_once``).
A number that fails its check is evidence all the same: one digit wrong, two exchanged, or the first fifteen digits
that a spreadsheet leaves of a number that it held as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from commonground.intake.ids import check_digits, check_values
from commonground.people.births import NO_DAY, days_of, valid_date
from commonground.people.encode import points

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Digits = npt.NDArray[np.uint8]
X, NONE = 10, 255
"""The check character X, and a place of which nothing is known."""
_DROP, _BAD = 254, 253
FIRST_YEAR = 1880

SAME, SLIP, FIRST, NEAR, OTHER = 5, 4, 3, 2, 1
"""Levels of agreement: the same valid number; a damaged one that is one character off or has two neighbours exchanged;
the same first fifteen digits, all that is left of one; a damaged one two characters off; different valid ones."""


@dataclass(frozen=True)
class IdTable:
    """Identity numbers as integers, in the order in which they were given.

    Attributes
    ----------
    digits : uint8 array (n, 18)
        0 to 9, 10 for X, 255 where nothing is known: beyond a number cut to fifteen digits, and all of a text that is
        no number. A number of fifteen digits (until 1999) is written with the century and, if its date holds, the
        check character that it would have.
    valid : bool array
        The check character and the date hold.
    day, sex, area : int arrays
        Days from 1970-01-01 to the date inside (``NO_DAY`` where it is none); 1 male, 2 female, -1 not known; first six
        digits, -1 where not known.
    """

    digits: Digits
    valid: Bools
    day: Ints
    sex: Ints
    area: Ints

    def __len__(self) -> int:
        return len(self.valid)


@cache
def _digit_of() -> Digits:
    """Code point → digit, X, or a mark for what is left out or makes a text no number."""
    table = np.full(0x10000, _BAD, dtype=np.uint8)
    for i in range(10):
        table[ord("0") + i] = table[ord("０") + i] = i
    for letter in "xXｘＸ×✕":
        table[ord(letter)] = X
    for mark in " \t\r\n\x00\u3000\u00a0\u200b\ufeff'’‘`´＇\"“”-－–—":
        table[ord(mark)] = _DROP
    return table


def check_character(first17: str) -> str:
    """Check character of one number, from its first 17 digits."""
    return str(check_digits(np.array([list(map(int, first17))]))[0])


def id_table(texts: Sequence[str], latest: int = 2100) -> IdTable:
    """Read identity numbers of 18 or 15 digits, or what is left of them.

    Parameters
    ----------
    texts : sequence of str
        As written: any width, x or X, spaces, hyphens and apostrophes do not matter.
    latest : int
        Last year in which somebody can be born.
    """
    n = len(texts)
    grid = np.full((n, 20), NONE, dtype=np.uint8)
    flat, row = points(texts)
    value = np.where(flat < 0x10000, _digit_of()[np.minimum(flat, 0xFFFF)], _BAD)
    kept = np.flatnonzero(value != _DROP)
    row, value = row[kept], value[kept]
    size = np.bincount(row, minlength=n)
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    inside = place < 20
    grid[row[inside], place[inside]] = value[inside]
    whole = (size == 18) & (grid[:, :17] <= 9).all(axis=1) & (grid[:, 17] <= X)
    fifteen = (size == 15) & (grid[:, :15] <= 9).all(axis=1)
    start = fifteen & valid_date(*_date(grid), latest=latest, first=FIRST_YEAR)  # the first fifteen of eighteen
    old = fifteen & ~start
    digits = np.full((n, 18), NONE, dtype=np.uint8)
    digits[whole] = grid[whole, :18]
    digits[start, :15] = grid[start, :15]
    digits[old, :6], digits[old, 6], digits[old, 7] = grid[old, :6], 1, 9
    digits[old, 8:17] = grid[old, 6:15]
    full = whole | old
    dated = np.zeros(n, dtype=bool)
    dated[full | start] = valid_date(*_date(digits[full | start]), latest=latest, first=FIRST_YEAR)
    digits[old & dated, 17] = check_values(digits[old & dated, :17])
    check = np.zeros(n, dtype=bool)
    check[full] = check_values(digits[full, :17]) == digits[full, 17]
    day = np.full(n, NO_DAY, dtype=np.int64)
    day[dated] = days_of(*_date(digits[dated]))
    sex = np.where(full, 2 - digits[:, 16].astype(np.int64) % 2, -1)
    known = (digits[:, :6] <= 9).all(axis=1)
    area = np.where(known, _number(digits[:, :6]), -1)
    return IdTable(digits, full & dated & check & (digits[:, 0] > 0), day, sex, area)


def _number(digits: Digits) -> Ints:
    found: Ints = digits.astype(np.int64) @ 10 ** np.arange(digits.shape[1] - 1, -1, -1)
    return found


def _date(digits: Digits) -> tuple[Ints, Ints, Ints]:
    return _number(digits[:, 6:10]), _number(digits[:, 10:12]), _number(digits[:, 12:14])


def number_texts(table: IdTable) -> list[str]:
    """The valid numbers with 18 characters, "" for the others."""
    letters = np.array(list("0123456789X?"))[np.minimum(table.digits, 11)]
    texts = np.ascontiguousarray(letters).view("U18").ravel() if len(table) else np.zeros(0, dtype="U18")
    found: list[str] = np.where(table.valid, texts, "").tolist()
    return found


def damage(digits: Digits, a: Ints, b: Ints) -> npt.NDArray[np.int8]:
    """Level on which two numbers agree that are not both valid: SLIP, FIRST, NEAR, or 0 when they are far apart.

    Parameters
    ----------
    digits : uint8 array (numbers, 18)
        As in ``IdTable``.
    a, b : int arrays
        Places of the numbers of each pair.
    """
    x, y = digits[a], digits[b]
    both = (x != NONE) & (y != NONE)
    off = (x != y) & both
    count, enough = off.sum(axis=1), both.sum(axis=1)
    first = np.argmax(off, axis=1)
    after = np.minimum(first + 1, 17)
    row = np.arange(len(a))
    turned = (count == 2) & (after > first) & (x[row, first] == y[row, after]) & (x[row, after] == y[row, first])
    level = np.zeros(len(a), dtype=np.int8)
    level[(count == 2) & (enough >= 17)] = NEAR
    level[(count == 0) & (enough == 15)] = FIRST
    level[((count <= 1) | turned) & (enough >= 17)] = SLIP
    return level
