"""Resident identity numbers (GB 11643-1999): check digit and date, for all distinct texts at once.

A number that fails is evidence, not an identity. A number that a spreadsheet held as a number has lost its last
digits for good and is never an identity, whatever the digits look like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.intake.texts import data_of, lengths

if TYPE_CHECKING:
    import pyarrow as pa

WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECK = "10X98765432"
_CHECKS = np.array(["0123456789X".index(c) for c in CHECK], np.uint8)
_WRITTEN = np.array(list("0123456789X"))
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
    suspects : Suspects
        What the texts show of a spreadsheet that held numbers as numbers.
    """

    number: list[str | None]
    soft: list[str | None]
    fault: list[str]
    suspects: Suspects


@dataclass(frozen=True)
class Suspects:
    """What a column shows of a spreadsheet that held its numbers as numbers; the parts of a column add up.

    A spreadsheet keeps fifteen digits and writes noughts for the rest; one in eleven of these passes the check digit
    by chance, and one true number in eleven hundred ends so.

    Attributes
    ----------
    ending, failing : int
        Texts that end in 000, and how many of them fail the check digit or the date.
    as_number : bool
        Another number was held as a number.
    """

    ending: int = 0
    failing: int = 0
    as_number: bool = False

    def __add__(self, other: Suspects) -> Suspects:
        return Suspects(self.ending + other.ending, self.failing + other.failing, self.as_number or other.as_number)

    @property
    def cut(self) -> bool:
        """Whether no number of the column that ends in 000 is an identity.

        More than one in ten of them must fail: of cut ones ten in eleven do, of true ones no more than slips.
        """
        return self.ending > 0 and (self.as_number or self.failing * 10 > self.ending)


def check_values(bodies: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the check characters of numbers' first 17 digits as numbers; 10 is X.

    Parameters
    ----------
    bodies : array of int, shape (n, 17)

    Returns
    -------
    array of uint8, shape (n,)
        ISO 7064 MOD 11-2, as GB 11643-1999 prescribes.
    """
    values: np.ndarray[Any, Any] = _CHECKS[(bodies.astype(np.int64) @ WEIGHTS) % 11]
    return values


def check_digits(bodies: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the check characters of numbers' first 17 digits as they are written.

    Parameters
    ----------
    bodies : array of int, shape (n, 17)

    Returns
    -------
    array of str, shape (n,)
    """
    digits: np.ndarray[Any, Any] = _WRITTEN[check_values(bodies)]
    return digits


def tidy(text: str) -> str:
    """Give the text in half-width capitals, without apostrophes, spaces and hyphens."""
    if text.isascii() and text.isalnum():
        return text.upper()
    text = unicodedata.normalize("NFKC", text).strip().strip(_QUOTES).upper()
    return re.sub(r"[\s-]", "", text)


def _of_digits(plain: str) -> bool:
    """Tell whether a text is nothing but digits, the last perhaps an X."""
    digits = plain.removesuffix("X")
    return digits.isdigit() if plain.isascii() else re.fullmatch(r"\d+X?", plain) is not None


def check_ids(texts: Sequence[str], latest: int, cut: bool | None = None) -> IdCheck:
    """Check identity numbers.

    Parameters
    ----------
    texts : sequence of str
        As written; distinct texts, none blank.
    latest : int
        The year in which the data were delivered: nobody is born after it.
    cut : bool, optional
        What the whole column shows, where these texts are a part of it; by default they tell themselves.
    """
    n = len(texts)
    number: list[str | None] = [None] * n
    soft: list[str | None] = [None] * n
    fault = [""] * n
    whole: list[str] = []
    place: list[int] = []
    for i, text in enumerate(texts):
        plain = tidy(text)
        digits = _of_digits(plain)
        as_number = None if digits else _AS_NUMBER.fullmatch(plain)
        if as_number:
            soft[i], fault[i] = _certain_digits(as_number), "id_as_number"
        elif not digits:
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
    shown = Suspects(len(suspects), sum(number[i] is None for i in suspects), "id_as_number" in fault)
    if shown.cut if cut is None else cut:
        for i, text in suspects.items():
            number[i], soft[i], fault[i] = None, text[:15], "id_as_number"
    return IdCheck(number, soft, fault, shown)


def whole_numbers(column: pa.Array, latest: int) -> np.ndarray[Any, Any]:
    """Tell which texts are numbers of 18 characters as they should be; ``check_ids`` judges all others.

    Numbers that end in 000 are others too, since what they are depends on the rest of the column.
    """
    size = lengths(column)
    right = size == 18
    out = np.zeros(len(size), bool)
    chosen = column if right.all() else column.take(np.flatnonzero(right))
    data = np.frombuffer(data_of(chosen), np.uint8)
    if not len(data):
        return out
    letters = data.reshape(-1, 18)
    digits = (letters - np.uint8(48)).astype(np.int16)
    # places of a number by column: a strided array is slow to sum over
    body = np.ascontiguousarray(digits[:, :17].T)
    good = (body >= 0).all(axis=0) & (body <= 9).all(axis=0) & (body[0] > 0)
    total = np.zeros(len(letters), np.int16)
    for digit, weight in zip(body, WEIGHTS.astype(np.int16), strict=True):
        total += digit * weight
    good &= letters[:, 17] == np.frombuffer(CHECK.encode(), np.uint8)[total % 11]
    good &= _dated(body[6:14], latest)
    good &= (body[15] != 0) | (body[16] != 0) | (letters[:, 17] != ord("0"))
    out[right] = good
    return out


def _dated(places: np.ndarray[Any, Any], latest: int) -> np.ndarray[Any, Any]:
    """Tell which eight digits are a day between 1880 and the end of ``latest``."""
    year = places[0] * 1000 + places[1] * 100 + places[2] * 10 + places[3]
    month, day = places[4] * 10 + places[5], places[6] * 10 + places[7]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _DAYS[np.clip(month, 1, 12) - 1] + (leap & (month == 2))
    out: np.ndarray[Any, Any] = (
        (year >= 1880) & (year <= latest) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    )
    return out


def _verify(whole: list[str], latest: int) -> tuple[list[bool], list[str], list[bool]]:
    if not whole:
        return [], [], []
    letters = np.array(whole, "U18").view(np.uint32).reshape(len(whole), 18)
    body = letters[:, :17].astype(np.int64) - ord("0")
    check = check_digits(body)
    last = np.array([text[17] for text in whole])
    dated = _dated(body[:, 6:14].T, latest)
    good = dated & ((last == check) | (last == "?")) & (body[:, 0] > 0)
    return good.tolist(), check.tolist(), dated.tolist()


def _certain_digits(match: re.Match[str]) -> str:
    """Give the leading digits that survive a spreadsheet's fifteen."""
    if match[4]:
        return match[4][:15]
    return (match[1] + (match[2] or ""))[:15]
