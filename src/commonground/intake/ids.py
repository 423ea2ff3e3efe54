"""Resident identity numbers (GB 11643-1999): check digit and date, for all distinct texts at once.

A number that fails is evidence, not an identity. A number that a spreadsheet held as a number has lost its last
digits for good and is never an identity, whatever the digits look like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECK = "10X98765432"
_AS_NUMBER = re.compile(r"(\d)(?:\.(\d*))?[eE]\+?(\d+)|(\d{15,18})\.0+")
_QUOTES = "'’‘`´\"“”＇"
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class IdCheck:
    """Identity numbers checked.

    Attributes
    ----------
    number : list of str or None
        18 characters, when everything holds.
    soft : list of str or None
        What was written, tidied, when it does not hold; of a number held as a number, the digits that are certain.
    fault : list of str
        "", ``id_as_number``, ``id_characters``, ``id_length``, ``id_date``, ``id_check_digit``.
    cut : bool
        The texts show that a spreadsheet held such numbers as numbers.
    whole : bool
        Numbers that end in 000 were taken for true, since nothing shows that.
    """

    number: list[str | None]
    soft: list[str | None]
    fault: list[str]
    cut: bool = False
    whole: bool = False


def check_digits(bodies: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the check characters of numbers' first 17 digits.

    Parameters
    ----------
    bodies : array of int, shape (n, 17)

    Returns
    -------
    array of str, shape (n,)
        ISO 7064 MOD 11-2, as GB 11643-1999 prescribes.
    """
    digits: np.ndarray[Any, Any] = np.array(list(CHECK))[(bodies @ WEIGHTS) % 11]
    return digits


def tidy(text: str) -> str:
    """Give the text in half-width capitals, without apostrophes, spaces and hyphens."""
    text = unicodedata.normalize("NFKC", text).strip().strip(_QUOTES).upper()
    return re.sub(r"[\s-]", "", text)


def check_ids(texts: Sequence[str], latest: int, cut: bool = False) -> IdCheck:
    """Check identity numbers.

    Parameters
    ----------
    texts : sequence of str
        As written; distinct texts, none blank.
    latest : int
        The year in which the data were delivered: nobody is born after it.
    cut : bool
        Other texts of the same column show that a spreadsheet held numbers as numbers.
    """
    n = len(texts)
    number: list[str | None] = [None] * n
    soft: list[str | None] = [None] * n
    fault = [""] * n
    whole: list[str] = []
    place: list[int] = []
    for i, text in enumerate(texts):
        plain = tidy(text)
        as_number = _AS_NUMBER.fullmatch(plain)
        if as_number:
            soft[i], fault[i] = _certain_digits(as_number), "id_as_number"
        elif not re.fullmatch(r"\d+X?", plain):
            soft[i], fault[i] = plain, "id_characters"
        elif len(plain) == 18 or (len(plain) == 15 and plain.isdigit()):
            whole.append(plain if len(plain) == 18 else f"{plain[:6]}19{plain[6:]}?")
            place.append(i)
        else:
            soft[i], fault[i] = plain, "id_length"
    for i, plain, good, check, dated in zip(place, whole, *_verify(whole, latest), strict=True):
        if good:
            number[i] = plain[:17] + check
        else:
            soft[i] = plain if plain[17] != "?" else plain[:6] + plain[8:17]
            fault[i] = "id_check_digit" if dated else "id_date"
    suspects = {i: t for i, t in zip(place, whole, strict=True) if t.endswith("000")}
    cut = cut or "id_as_number" in fault or any(number[i] is None for i in suspects)
    if cut:
        _set_cut_ones_aside(number, soft, fault, suspects)
    return IdCheck(number, soft, fault, cut, bool(suspects) and not cut)


def _set_cut_ones_aside(
    number: list[str | None], soft: list[str | None], fault: list[str], suspects: dict[int, str]
) -> None:
    """Take numbers that end in three noughts for what a spreadsheet left of others, where the column shows that it was.

    A spreadsheet keeps fifteen digits and writes noughts for the rest; one in eleven of these passes the check digit
    by chance, and one true number in eleven hundred ends so. In a column where one of them fails, or another number
    was held as a number, none is an identity; in a column of whole numbers they are true.
    """
    for i, text in suspects.items():
        number[i], soft[i], fault[i] = None, text[:15], "id_as_number"


def _verify(whole: list[str], latest: int) -> tuple[list[bool], list[str], list[bool]]:
    if not whole:
        return [], [], []
    letters = np.array(whole, "U18").view(np.uint32).reshape(len(whole), 18)
    body = letters[:, :17].astype(np.int64) - ord("0")
    check = check_digits(body)
    last = np.array([text[17] for text in whole])
    year = body[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = body[:, 10:12] @ np.array([10, 1]), body[:, 12:14] @ np.array([10, 1])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _DAYS[np.clip(month, 1, 12) - 1] + (leap & (month == 2))
    dated = (year >= 1880) & (year <= latest) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    good = dated & ((last == check) | (last == "?")) & (body[:, 0] > 0)
    return good.tolist(), check.tolist(), dated.tolist()


def _certain_digits(match: re.Match[str]) -> str:
    """Give the leading digits that survive a spreadsheet's fifteen."""
    if match[4]:
        return match[4][:15]
    return (match[1] + (match[2] or ""))[:15]
