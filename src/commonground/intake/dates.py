"""Dates in all the shapes in which departments write them.

Pure: texts in, days since 1970-01-01 and a precision out. Lunar dates are converted by the table of the pack.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Lunar = Mapping[int, tuple[dt.date, tuple[tuple[int, bool, int], ...]]]

_EPOCH = dt.date(1970, 1, 1).toordinal()
_SERIAL_ZERO = dt.date(1899, 12, 30).toordinal()
_YEARS = range(1800, 2200)
_SERIAL = range(3_000, 73_051)  # 1908 to 2100; Excel counts days from 1900
_YMD = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?(?:[ T]\d{1,2}:.*)?")
_YM = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*月?")
_Y = re.compile(r"((?:18|19|20|21)\d\d)\s*年?")
_COMPACT = re.compile(r"((?:18|19|20|21)\d\d)(\d\d)(\d\d)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})")
_LUNAR = re.compile(r"(?:农历|阴历|旧历|夏历)[:\s]*(.+)")
_LUNAR_PARTS = re.compile(r"(\d{4})\s*[-./年]\s*(闰?)\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*[日号]?")
# Days that systems fill in when none is known; nobody's birthday as far as records go.
_DEFAULTS = frozenset({dt.date(1900, 1, 1), dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1, 1, 1)})
_DEFAULT_DAYS = [day.toordinal() - _EPOCH for day in sorted(_DEFAULTS)]
# By width: where the digits of year, month and day stand (one of a single digit twice), and where the marks.
_SHAPES: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {
    10: [((0, 1, 2, 3, 5, 6, 8, 9), (4, 7))],
    9: [((0, 1, 2, 3, 5, 5, 7, 8), (4, 6)), ((0, 1, 2, 3, 5, 6, 8, 8), (4, 7))],
    8: [((0, 1, 2, 3, 4, 5, 6, 7), ()), ((0, 1, 2, 3, 5, 5, 7, 7), (4, 6))],
}
_DIGITS = {**{c: str(i) for i, c in enumerate("〇一二三四五六七八九")}, "零": "0", "○": "0"}


@dataclass(frozen=True)
class Parsed:
    """One text read as a date: ``day`` counts from 1970-01-01; None with precision "default" or with a fault."""

    day: int | None
    precision: str = ""
    fault: str = ""


def parse_date(text: str, lunar: Lunar, order: str = "") -> Parsed:
    """Read one text as a date.

    Parameters
    ----------
    text : str
        ``20080301``, ``2008.3.1``, ``2008-03-01``, ``2008/3/1``, ``2008年3月1日``, ``2008年3月``, ``200803``, ``2008``,
        a spreadsheet's serial number, ``农历2007.7.19``, full-width digits, with or without a time of day.
    lunar : mapping
        Year → first day and months of the Chinese calendar.
    order : str
        "dmy" or "mdy" to take dates with the year at the end.
    """
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip()
    found = _LUNAR.fullmatch(text)
    if found:
        return _lunar(found[1], lunar)
    for pattern, precision in ((_YMD, "day"), (_COMPACT, "day"), (_YM, "month"), (_Y, "year")):
        match = pattern.fullmatch(text)
        if match:
            parts = [int(part) for part in match.groups() if part is not None]
            return _gregorian(parts, "month" if len(parts) == 2 else precision)
    number = text.removesuffix(".0")
    if number.isdecimal() and int(number) in _SERIAL:
        return Parsed(int(number) + _SERIAL_ZERO - _EPOCH, "day")
    match = _YEAR_LAST.fullmatch(text) if order else None
    if match:
        first, second, year = map(int, match.groups())
        return _gregorian([year, second, first] if order == "dmy" else [year, first, second], "day")
    return Parsed(None, fault="not_a_date")


def usual_days(column: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Read the usual shapes ``2008-03-01``, ``2008/3/1``, ``2008.03.1`` and ``20080301`` of a whole column.

    Returns
    -------
    days : array of int32
        Days since 1970-01-01, meaningless where not told.
    told : array of bool
        Where ``parse_date`` gives that day with precision "day"; it judges the others.
    """
    import numpy as np

    from commonground.intake.texts import data_of, lengths

    size = lengths(column)
    days, told = np.zeros(len(size), np.int32), np.zeros(len(size), bool)
    for width, shapes in _SHAPES.items():
        rows = np.flatnonzero(size == width)
        if not len(rows):
            continue
        chosen = column if len(rows) == len(size) else column.take(rows)
        letters = np.frombuffer(data_of(chosen), np.uint8)
        # places of a date by column: a strided array is slow to work on
        letters = np.ascontiguousarray(letters.reshape(-1, width).T)
        for places, marks in shapes:
            digits = letters[list(places)] - np.uint8(48)
            for at in range(1, 8):  # a month or day of one digit
                if places[at] == places[at - 1]:
                    digits[at - 1] = 0
            good = (digits <= 9).all(axis=0)
            for mark in (letters[at] for at in marks):
                good &= (mark == ord("-")) | (mark == ord(".")) | (mark == ord("/"))
            if good.any():
                found, real = _days(digits.astype(np.int32))
                good &= real
                days[rows[good]], told[rows[good]] = found[good], True
    return days, told


def _days(digits: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Days of eight digits each, and which of them are days of the years in question and not defaults."""
    import numpy as np

    year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3]
    month, day = digits[4] * 10 + digits[5], digits[6] * 10 + digits[7]
    real = (year >= _YEARS[0]) & (year <= _YEARS[-1]) & (month >= 1) & (month <= 12) & (day >= 1)
    start = np.where(real, (year - 1970) * 12 + month - 1, 0)
    months = np.arange(start.min(), start.max() + 2) if len(start) else np.zeros(1, np.int64)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int32)
    at = start - months[0]
    out = first[at] + day - 1
    real &= (out < first[np.minimum(at + 1, len(first) - 1)]) & ~np.isin(out, _DEFAULT_DAYS)
    return out, real


def _gregorian(parts: list[int], precision: str) -> Parsed:
    year, month, day = (*parts, 1, 1)[:3]
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return Parsed(None, fault="not_a_date")
    if date in _DEFAULTS and precision == "day":
        return Parsed(None, "default")
    if year not in _YEARS:
        return Parsed(None, fault="not_a_date")
    return Parsed(date.toordinal() - _EPOCH, precision)


def _lunar(text: str, lunar: Lunar) -> Parsed:
    match = _LUNAR_PARTS.fullmatch(_arabic(text))
    if not match:
        return Parsed(None, fault="not_a_date")
    year, leap, month, day = int(match[1]), bool(match[2]), int(match[3]), int(match[4])
    if year not in lunar:
        return Parsed(None, fault="not_a_date")
    first, months = lunar[year]
    start = first.toordinal()
    for number, is_leap, days in months:
        if (number, is_leap) == (month, leap):
            return Parsed(start + day - 1 - _EPOCH, "lunar") if 1 <= day <= days else Parsed(None, fault="not_a_date")
        start += days
    return Parsed(None, fault="not_a_date")


def _arabic(text: str) -> str:
    """Turn 二〇一七年七月十九 into 2017年7月19, and the words of the calendar into numbers."""
    text = (
        text.replace("正月", "1月")
        .replace("冬月", "11月")
        .replace("腊月", "12月")
        .replace("初", "")
        .replace("廿", "二十")
    )
    text = re.sub(r"([一二三四五六七八九])?十([一二三四五六七八九])?", _ten, text)
    return "".join(_DIGITS.get(c, c) for c in text)


def _ten(match: re.Match[str]) -> str:
    tens, ones = _DIGITS.get(match[1] or "一", "1"), _DIGITS.get(match[2] or "〇", "0")
    return tens + ones
