"""Grades of school in all their writings, as a number from 1 to 12: 七年级, 初一, G7, 初中2019级, Junior 1.

Primary school has six years unless told otherwise (五四学制: five, and four of junior school). A writing by the year of
entry (级) or of leaving (届) is turned into a grade by the school year of a date: it begins on the first day of
``entry_month``, in China September.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMBER = r"(?P<n>十[一二]?|[一二三四五六七八九]|\d{1,2})"
_STAGE = r"(?P<stage>小学|小|初中|初|高中|高)"
_TERM = r"(?:[(（]?(?:上|下|第[一二]|[12])学期[)）]?|[(（]?[上下]册?[)）]?)?"  # which half of the year says nothing
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_STAGE}?(?:第)?{_NUMBER}(?:年级|年)(?:[(（]?[\d一二三四五六七八九十]{{1,3}}[)）]?班)?{_TERM}",
        rf"(?P<stage>小|初|高){_NUMBER}(?:年级)?(?:[(（]?[\d一二三四五六七八九十]{{1,3}}[)）]?班)?{_TERM}",
        rf"{_NUMBER}(?:[(（][\d一二三四五六七八九十]{{1,3}}[)）]班?)?{_TERM}",
        r"(?:G|GR|GRADE|YEAR|Y)\.?(?P<n>\d{1,2})",
        r"(?P<stage>P|PRIMARY|J|JUNIOR|S|SENIOR)\.?(?P<n>\d{1,2})",
        r"(?P<n>\d{1,2})\.0",
    )
)
_YEARS = (
    re.compile(rf"{_STAGE}?(?P<year>(?:19|20)\d\d)(?P<of>级|届)(?P<late>小学|初中|高中)?.*"),
    re.compile(rf"{_STAGE}(?P<year>\d\d)(?P<of>级|届)(?P<late>小学|初中|高中)?.*"),
)
_LEVELS = {
    **dict.fromkeys(("小学", "小", "P", "PRIMARY", "primary"), 0),
    **dict.fromkeys(("初中", "初", "J", "JUNIOR", "junior"), 1),
    **dict.fromkeys(("高中", "高", "S", "SENIOR", "senior"), 2),
}


@dataclass(frozen=True)
class Grades:
    """Grades of texts.

    Attributes
    ----------
    grade : list of int or None
        1 to 12; 1 is the first year of primary school.
    fault : list of str
        "", ``not_a_grade``, ``grade_stage`` (a year without the stage of school), ``out_of_range``.
    """

    grade: list[int | None]
    fault: list[str]


def school_year(at: dt.date, entry_month: int = 9) -> int:
    """Give the year in which the school year of a date began."""
    return at.year - (at.month < entry_month)


def normalise(
    texts: Sequence[str], at: dt.date, level: str = "", entry_month: int = 9, primary_years: int = 6
) -> Grades:
    """Read grades.

    Parameters
    ----------
    texts : sequence of str
        As written, full or half width; a class after the grade (七年级3班) is passed over.
    at : datetime.date
        The day that the data describe: what 2019级 means changes each September.
    level : str
        ``primary``, ``junior`` or ``senior`` where all come from one stage; it decides what 2019级 means. A grade
        written with its own stage keeps that.
    entry_month : int
        First month of the school year.
    primary_years : int
        6, or 5 where junior school has four years.
    """
    known: dict[str, tuple[int | None, str]] = {}
    for text in texts:
        if text not in known:
            known[text] = _one(text, school_year(at, entry_month), level, primary_years)
    return Grades([known[t][0] for t in texts], [known[t][1] for t in texts])


def _one(text: str, year: int, level: str, primary_years: int) -> tuple[int | None, str]:
    key = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()
    starts = (0, primary_years, 9)
    for pattern in _YEARS:
        match = pattern.fullmatch(key)
        if match:
            stage = match["stage"] or match["late"] or level
            if not stage:
                return None, "grade_stage"
            return _by_year(match["year"], match["of"], _LEVELS[stage], year, starts)
    for pattern in _PATTERNS:
        match = pattern.fullmatch(key)
        if match:
            number = _number(match["n"])
            stage = match.groupdict().get("stage") or ""
            first = starts[_LEVELS[stage]] if stage else 0
            last = (*starts[1:], 12)[_LEVELS[stage]] if stage else 12
            if first and number > last - first:  # 初中七年级: counted from the first year of primary school
                first = 0
            grade = first + number
            low = starts[_LEVELS[stage]] if stage else 0
            return (grade, "") if low < grade <= last else (None, "out_of_range")
    return None, "not_a_grade"


def _by_year(text: str, of: str, stage: int, year: int, starts: tuple[int, int, int]) -> tuple[int | None, str]:
    """级 names the year of entry, 届 the year of leaving."""
    named = int(text) if len(text) == 4 else 2000 + int(text)
    first, last = starts[stage], (*starts[1:], 12)[stage]
    grade = first + year - named + 1 if of == "级" else last - (named - year - 1)
    return (grade, "") if first < grade <= last else (None, "out_of_range")


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    if text.startswith("十"):
        return 10 + _DIGITS.get(text[1:], 0)
    return _DIGITS[text]
