"""Dates of birth: the civil and the Chinese calendar as arrays, and the levels on which two dates agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

NO_DAY = -10_000_000
DAY, MONTH, YEAR, LUNAR, DEFAULT = 1, 2, 3, 4, 5
PRECISIONS = {"day": DAY, "month": MONTH, "year": YEAR, "lunar": LUNAR, "default": DEFAULT}

SAME, SAME_MONTH, CALENDAR, SWAPPED, DIGIT, SAME_YEAR_ONLY, NEAR, YEAR_ONLY, OTHER = 9, 8, 7, 6, 5, 4, 3, 2, 1
"""Levels: the same day; the same month where one gives no day; the one is the other in the Chinese calendar; day and
month exchanged; one digit apart, or the neighbouring year; the same year where one gives no more or says 1 January; up
to a month apart; the same year; other. 0 where one is missing."""
_MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def civil(day: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of month of days since 1970-01-01 (Hinnant's days-to-civil rule)."""
    z = day + 719468
    era = np.floor_divide(z, 146097)
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = np.where(mp < 10, mp + 3, mp - 9)
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


def days_of(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days from 1970-01-01 to dates that exist."""
    months = (year - 1970) * 12 + month - 1
    found: Ints = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    return found


def valid_date(year: Ints, month: Ints, day: Ints, *, latest: int = 2100, first: int = 1800) -> Bools:
    """Whether such days exist, in years from ``first`` to ``latest``."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _MONTHS[np.clip(month, 1, 12) - 1] + (leap & (month == 2))
    found: Bools = (year >= first) & (year <= latest) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    return found


@dataclass(frozen=True)
class ChineseCalendar:
    """What a date means when its figures are those of the Chinese calendar, by days since 1970-01-01.

    ``ordinary`` and ``leap`` hold, for day ``first + i`` written in figures, the day that it is when these count an
    ordinary or a leap month; ``NO_DAY`` where there is no such day.
    """

    first: int
    ordinary: Ints
    leap: Ints

    def candidates(self, day: Ints) -> tuple[Ints, Ints]:
        """The days that dates may be meant to be: in an ordinary month, in a leap month."""
        at = day - self.first
        inside = (at >= 0) & (at < len(self.ordinary))
        at = np.where(inside, at, 0)
        return np.where(inside, self.ordinary[at], NO_DAY), np.where(inside, self.leap[at], NO_DAY)


@cache
def chinese_calendar(pack: str = "china") -> ChineseCalendar:
    """Make the arrays from the pack's calendar, once a process."""
    from commonground.intake.pack import lunar_years  # the calendar alone: the whole pack takes a quarter of a second

    years = lunar_years(pack)
    begin, end = (
        days_of(*(np.array([v]) for v in (min(years), 1, 1)))[0],
        days_of(*(np.array([v]) for v in (max(years) + 1, 1, 1)))[0],
    )
    ordinary, leap = (np.full(int(end - begin), NO_DAY, dtype=np.int64) for _ in range(2))
    for year, (opening, months) in years.items():
        start = int(np.datetime64(opening, "D").astype(np.int64))
        for number, is_leap, size in months:
            day = np.arange(1, size + 1)
            exists = valid_date(np.full(size, year), np.full(size, number), day)
            written = days_of(np.full(size, year), np.full(size, number), day)[exists] - begin
            (leap if is_leap else ordinary)[written] = (start + day - 1)[exists]
            start += size
    return ChineseCalendar(int(begin), ordinary, leap)


def compare_births(a: Ints, pa: Ints, b: Ints, pb: Ints) -> Levels:
    """Give the level of agreement of dates of birth (days since 1970) with their precisions."""
    level = np.full(a.shape, OTHER, dtype=np.int8)
    missing = (a == NO_DAY) | (b == NO_DAY)
    same = (a == b) & ~missing
    rest = np.flatnonzero(~same & ~missing)
    level[rest] = _different(a[rest], pa[rest], b[rest], pb[rest])
    coarse_a, coarse_b = np.isin(pa, (YEAR, DEFAULT)), np.isin(pb, (YEAR, DEFAULT))
    level[same] = np.where(
        coarse_a | coarse_b, SAME_YEAR_ONLY, np.where((pa == MONTH) | (pb == MONTH), SAME_MONTH, SAME)
    )[same]
    level[missing] = 0
    return level


def _different(a: Ints, pa: Ints, b: Ints, pb: Ints) -> Levels:
    """Levels of dates that differ."""
    level = np.full(a.shape, OTHER, dtype=np.int8)
    (ya, ma, da), (yb, mb, db) = civil(a), civil(b)
    coarse = np.isin(pa, (YEAR, DEFAULT)) | np.isin(pb, (YEAR, DEFAULT))
    by_month = (pa == MONTH) | (pb == MONTH)
    year, full = ya == yb, ~coarse & ~by_month
    new_year = ((ma == 1) & (da == 1)) | ((mb == 1) & (db == 1))
    level[year] = YEAR_ONLY
    level[np.abs(a - b) <= 31] = NEAR
    level[year & (coarse | (new_year & full))] = SAME_YEAR_ONLY
    digits = _digits(ya, yb, 4) + _digits(ma, mb, 2) + _digits(da, db, 2)
    neighbour = (np.abs(ya - yb) == 1) & (ma == mb) & (da == db)
    level[full & ((digits == 1) | neighbour)] = DIGIT
    level[full & year & (ma == db) & (da == mb)] = SWAPPED
    calendar, lunar = chinese_calendar(), np.zeros(a.shape, dtype=bool)
    for x, y in ((a, b), (b, a)):
        for meant in calendar.candidates(x):
            lunar |= meant == y
    level[full & lunar] = CALENDAR
    level[year & (ma == mb) & ~coarse & by_month] = SAME_MONTH
    return level


def _digits(a: Ints, b: Ints, size: int) -> Levels:
    count = np.zeros(a.shape, dtype=np.int8)
    for _ in range(size):
        count += (a % 10 != b % 10).astype(np.int8)
        a, b = a // 10, b // 10
    return count
