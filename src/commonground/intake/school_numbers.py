"""Numbers that the education system gives: pupils' national numbers (全国学籍号) and codes of schools (学校标识码).

A pupil's number has 19 characters: a letter and 18 as in an identity number (《中小学生学籍管理办法》 2013; rule as the
student registry publishes it): ``G`` and the identity number; ``J``, for pupils without one, the six digits of the
school's county, eight of birth, three of sequence and a check digit; ``L``, temporary, the same with four random digits
and no check. A school's code has ten digits: two for the class of school (list ``school_class``), two for the province,
six of sequence; it keeps no check digit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from commonground.intake.areas import known
from commonground.intake.ids import check_ids, tidy

_PUPIL = re.compile(r"[GJL]\d{17}[\dX]")
_SCHOOL = re.compile(r"\d{10}")
_CLASSES = frozenset(("11", "21", "22", *map(str, range(31, 38)), "41", "42", "51", "91", "92", "93"))


@dataclass(frozen=True)
class Numbers:
    """Numbers checked.

    Attributes
    ----------
    number : list of str or None
        The number in capitals and half width, when everything holds.
    kind : list of str
        ``G``, ``J``, ``L`` for a pupil's; the class of school for a school's; "" where it is none.
    fault : list of str
        "", ``form`` (wrong length or characters), ``date``, ``check_digit``, ``area`` (never assigned), ``class``.
    """

    number: list[str | None]
    kind: list[str]
    fault: list[str]


def check_pupil_numbers(texts: Sequence[str], latest: int, areas: bool = True) -> Numbers:
    """Check pupils' national numbers.

    Parameters
    ----------
    texts : sequence of str
        As written.
    latest : int
        Year of the delivery: nobody is born after it.
    areas : bool
        Whether the first six digits must be an area code of some year; no for invented cities.
    """
    plain = [tidy(text) for text in texts]
    formed = [i for i, text in enumerate(plain) if _PUPIL.fullmatch(text)]
    fault = ["form"] * len(plain)
    # a temporary number has no check digit: the right one is put in its place, so that only its date is judged
    bodies = [plain[i][1:18] if plain[i][0] == "L" else plain[i][1:] for i in formed]
    checked = check_ids([body if len(body) == 18 else _completed(body) for body in bodies], latest, cut=False)
    assigned = known([plain[i][1:7] for i in formed])
    for j, i in enumerate(formed):
        fault[i] = checked.fault[j].removeprefix("id_")
        if not fault[i] and areas and not assigned[j]:
            fault[i] = "area"
    good = [not f for f in fault]
    return Numbers(
        [text if ok else None for text, ok in zip(plain, good, strict=True)],
        [text[0] if ok else "" for text, ok in zip(plain, good, strict=True)],
        fault,
    )


def _completed(body: str) -> str:
    import numpy as np

    from commonground.intake.ids import check_digits

    return body + str(check_digits(np.array([[int(c) for c in body]]))[0])


def check_school_codes(texts: Sequence[str], areas: bool = True) -> Numbers:
    """Check codes of schools: form, class of school and province.

    Parameters
    ----------
    texts : sequence of str
        As written. A spreadsheet's ``2152000123.0`` is no code: make the column text.
    areas : bool
        Whether the province must be one.
    """
    plain = [tidy(text) for text in texts]
    provinces = known([text[2:4] if _SCHOOL.fullmatch(text) else "" for text in plain])
    fault = []
    for text, province in zip(plain, provinces, strict=True):
        if not _SCHOOL.fullmatch(text):
            fault.append("form")
        elif text[:2] not in _CLASSES:
            fault.append("class")
        else:
            fault.append("" if province or not areas else "area")
    good = [not f for f in fault]
    return Numbers(
        [text if ok else None for text, ok in zip(plain, good, strict=True)],
        [text[:2] if ok else "" for text, ok in zip(plain, good, strict=True)],
        fault,
    )
