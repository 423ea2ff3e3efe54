"""Identity numbers and dates of birth as columns of integers.

A figure takes four bits, so that the figures in which two values differ are counted by an exclusive or.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.births import NO_DAY, chinese_calendar, civil, days_of, valid_date
from commonground.people.core.texts import MISSING, Column, Texts, both, texts_of
from commonground.people.encode import distinct, integers
from commonground.people.numbers import FIRST_YEAR, NONE, IdTable, X, id_table

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[Any]
"""Of 32 bits."""
Digits = npt.NDArray[np.uint8]
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = np.array([1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2], np.uint8)
PARTIAL = -3
"""In ``high`` and ``low``: a number of which some figures are not known."""
LATEST = 2100
EPOCH = 1_000_000
"""Days are counted from so many days before 1970, so that none is negative and -1 can mean that there is none."""


@dataclass(frozen=True)
class NumberColumns:
    """Identity numbers, one row each.

    Attributes
    ----------
    valid : int array
        The number without its check character where check and date hold, else -1.
    high, low : int arrays
        First and last nine figures, four bits each; -1 where there is no number, ``PARTIAL`` where some are not known.
    first : int array
        First fifteen figures as a number, -1 where not all are known.
    day : int32 array
        Date inside, in days since ``EPOCH``; -1 where there is none.
    area : int32 array
        First six figures, -1 where not known.
    """

    valid: Ints
    high: Ints
    low: Ints
    first: Ints
    day: Small
    area: Small


def number_columns(*columns: pa.ChunkedArray) -> NumberColumns:
    """Turn columns of identity numbers into integers, the rows of one after those of the other."""
    texts = [texts_of(c) for c in columns]
    sizes = [len(t.null) for t in texts]
    n = sum(sizes)
    a, b, c, d = (np.full(n, MISSING, np.int64) for _ in range(4))
    out = NumberColumns(a, b, c, d, np.full(n, MISSING, np.int32), np.full(n, MISSING, np.int32))
    for t, end in zip(texts, np.cumsum(sizes).tolist(), strict=True):
        part = NumberColumns(*(v[end - len(t.null) : end] for v in vars(out).values()))
        size = t.sizes
        slow = [np.flatnonzero((size > 0) & (size != 18))]
        whole = np.flatnonzero(size == 18)
        for at in range(0, len(whole), BLOCK):  # what a block needs stays in the processor's cache
            rows = whole[at : at + BLOCK]
            digits, good = _written(t, rows)
            _put(part, rows[good], *_read(digits[good]))
            slow.append(rows[~good])
        rest = np.concatenate(slow)
        if len(rest):
            _slow(part, rest, t)
    return out


BLOCK = 1 << 16


def _written(texts: Texts, rows: Ints) -> tuple[Digits, npt.NDArray[np.bool_]]:
    """Figures of texts of 18 bytes, and which of these are nothing but figures."""
    offsets = texts.offsets
    if len(rows) and int(offsets[rows[-1]]) - int(offsets[rows[0]]) == 18 * (len(rows) - 1):  # nothing lies between
        start = int(offsets[rows[0]])
        raw = texts.data[start : start + 18 * len(rows)].reshape(-1, 18)
    else:
        raw = texts.data[offsets[rows][:, None] + np.arange(18)]
    digits = raw - np.uint8(48)
    last = raw[:, 17] | np.uint8(32)
    digits[last == ord("x"), 17] = X
    good = (digits[:, :17] <= 9).all(axis=1) & (digits[:, 17] <= X)
    return digits, good


def _read(digits: Digits) -> tuple[Ints, ...]:
    """Columns of whole numbers, in the order of ``NumberColumns``."""
    columns = np.ascontiguousarray(digits.T)
    total = np.zeros(len(digits), np.uint16)
    high, low, first = (np.zeros(len(digits), np.int64) for _ in range(3))
    for k in range(17):
        total += columns[k].astype(np.uint16) * np.uint16(WEIGHTS[k])
    for k in range(9):
        high = (high << 4) | columns[k]
        low = (low << 4) | columns[9 + k]
    for k in range(15):
        first = first * 10 + columns[k]
    area = first // 10**9
    year, rest = np.divmod(first // 10 - area * 10**8, 10**4)
    day = _calendar()[np.clip(year - FIRST_YEAR, -1, LATEST - FIRST_YEAR + 1) + 1, rest]
    holds = (CHECKS[total % 11] == columns[17]) & (day >= 0) & (columns[0] > 0)
    body = first * 100 + columns[15] * np.int64(10) + columns[16]
    return np.where(holds, body, MISSING), high, low, first, day, area


@cache
def _calendar() -> Small:
    """Days by year (from the one before ``FIRST_YEAR``, which has none) and the figures of month and day."""
    years = LATEST - FIRST_YEAR + 3
    out = np.full((years, 10**4), MISSING, np.int32)
    year, month, day = (x.ravel() for x in np.mgrid[FIRST_YEAR : LATEST + 1, 1:13, 1:32])
    there = valid_date(year, month, day, latest=LATEST, first=FIRST_YEAR)
    year, month, day = year[there], month[there], day[there]
    out[year - FIRST_YEAR + 1, month * 100 + day] = days_of(year, month, day) + EPOCH
    return out


def _put(out: NumberColumns, rows: Ints, *values: Ints) -> None:
    for column, value in zip(vars(out).values(), values, strict=True):
        if len(rows) == len(column):
            column[:] = value
        else:
            column[rows] = value


def _slow(out: NumberColumns, rows: Ints, texts: Texts) -> None:
    """Numbers of fifteen figures, in full width, with spaces, or damaged: each distinct text once."""
    offsets, raw = texts.offsets, texts.data
    written = [raw[offsets[i] : offsets[i + 1]].tobytes() for i in rows.tolist()]
    distinct = {w: k for k, w in enumerate(dict.fromkeys(written))}
    t = id_table([w.decode("utf-8", "replace") for w in distinct])
    at = np.array([distinct[w] for w in written])
    some = (t.digits != NONE).any(axis=1)
    values = _of_table(t)
    there = some[at]
    _put(out, rows[there], *(v[at[there]] for v in values))


def _of_table(t: IdTable) -> tuple[Ints, ...]:
    whole = (t.digits != NONE).all(axis=1)
    digits = np.where(t.digits == NONE, 0, t.digits)
    _, high, low, first, _, _ = _read(digits.astype(np.uint8))
    fifteen = (t.digits[:, :15] <= 9).all(axis=1)
    body = digits[:, :17].astype(np.int64) @ 10 ** np.arange(16, -1, -1)
    return (
        np.where(t.valid, body, MISSING), np.where(whole, high, PARTIAL), np.where(whole, low, PARTIAL),
        np.where(fifteen, first, MISSING), np.where(t.day == NO_DAY, MISSING, t.day + EPOCH), t.area,
    )  # fmt: skip


@dataclass(frozen=True)
class BirthColumns:
    """Dates, one row each.

    Attributes
    ----------
    day : int32 array
        Days since ``EPOCH``; -1 where there is none.
    figures : int32 array
        Year, month and day, four bits a figure; 0 where there is none.
    calendar : int32 array
        Days until the day that is meant if the figures are of the Chinese calendar (low byte) or of one of its leap
        months (next byte); 0 where there is no such day.
    year, month, birthday : int32 arrays
        Year, year and month (year * 12 + month), and day of the year (month * 32 + day); -1 where there is none.
    """

    day: Small
    figures: Small
    calendar: Small
    year: Small
    month: Small
    birthday: Small


def birth_columns(values: Ints, rows: Ints) -> BirthColumns:
    """Turn dates into integers.

    Parameters
    ----------
    values : int array
        Distinct days since 1970, ``NO_DAY`` where a text is no date.
    rows : int array
        Place of each row's value; -1 where there is none.
    """
    day = np.append(values, NO_DAY)
    known = day != NO_DAY
    year, month, date = civil(np.where(known, day, 0))
    figures = np.zeros(len(day), np.int64)
    for value, size in ((year, 4), (month, 2), (date, 2)):
        for place in range(size - 1, -1, -1):
            figures = (figures << 4) | value // 10**place % 10
    offsets = []
    for meant in chinese_calendar().candidates(np.where(known, day, 0)):
        there = known & (meant != NO_DAY) & (meant > day) & (meant - day < 256)
        offsets.append(np.where(there, meant - day, 0))
    calendar = offsets[0] | offsets[1] << 8
    columns = (
        np.where(known, day + EPOCH, MISSING), np.where(known, figures, 0), np.where(known, calendar, 0),
        np.where(known, year, MISSING),
        np.where(known, year * 12 + month, MISSING), np.where(known, month * 32 + date, MISSING),
    )  # fmt: skip
    return BirthColumns(*(c.astype(np.int32)[rows] for c in columns))


def days(columns: Column) -> tuple[Ints, Ints]:
    """Distinct days since 1970 of two columns of dates or of texts such as 2014-03-15, 2014年3月5日 or 20140315.

    Returns
    -------
    tuple of arrays
        The days (``NO_DAY`` where a text is none), and the place of each row's day; -1 where there is none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if all(pa.types.is_temporal(c.type) for c in columns):
        parts = [pc.cast(c, pa.date32(), safe=False) if pa.types.is_timestamp(c.type) else c for c in columns]
        found = np.concatenate([integers(c, len(c), NO_DAY) for c in parts])
        values, inverse = np.unique(found, return_inverse=True)
        return values, inverse
    texts, place = distinct(both(columns))
    return np.array(parsed(texts), dtype=np.int64), place


def parsed(values: list[str]) -> list[int]:
    """Days of texts: ISO dates all at once, the rest by intake's reader."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from commonground.intake.dates import parse_date

    texts = pa.array(values, pa.string())
    iso = pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\d$")
    quick = pc.strptime(pc.if_else(iso, texts, None), "%Y-%m-%d", "s", error_is_null=True)
    out: list[int] = integers(pc.cast(quick, pa.date32()), len(values), NO_DAY).tolist()
    for i in np.flatnonzero(np.array(out) == NO_DAY).tolist():
        found = parse_date(values[i], {})  # a year alone is its 1 January, of which the comparison expects no more
        out[i] = NO_DAY if found.day is None or found.precision not in ("day", "month", "year") else found.day
    return out
