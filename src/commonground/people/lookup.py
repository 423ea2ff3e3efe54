"""What every character of a name is, as arrays over code points: kind, standard form, readings."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from commonground.people.characters import (
    COMPOUND_SURNAMES,
    INTERPUNCTS,
    SPACES,
    SURNAME_READINGS,
    character_table,
)

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
END = -1
"""Beyond the end of a name, and a character without a reading."""
PLANES = 0x32400
"""Code points that the arrays hold: beyond are private planes."""
DROPPED, HAN, OTHER_KIND = 0, 1, 2
"""Kinds of characters: left out (spaces, interpuncts), Chinese, all others."""


@dataclass(frozen=True)
class Lookup:
    """Arrays over code points: class, standard form, first and second reading; and the syllables by number."""

    kind: npt.NDArray[np.int8]
    standard: Codes
    reading: Codes
    other: Codes
    syllables: tuple[str, ...]
    number: dict[str, int]
    surname: Codes
    compound: Ints


@cache
def lookup() -> Lookup:
    """Make the arrays, once a process."""
    table = character_table()
    kind = np.full(PLANES, OTHER_KIND, dtype=np.int8)
    kind[0x3400:0xA000] = kind[0x20000:] = HAN
    form = np.arange(PLANES, dtype=np.int32)
    for code in (*range(0x80, 0x3400), *range(0xF900, 0x10000), *range(0x2F800, 0x2FA20)):
        text = unicodedata.normalize("NFKC", chr(code))
        if len(text) == 1 and text != chr(code) and ord(text) < PLANES:
            kind[code], form[code] = kind[ord(text)], ord(text)
    for character in INTERPUNCTS + SPACES:
        kind[ord(character)] = DROPPED
    written = np.array([ord(c) for c in table.standard], dtype=np.int64)
    step = np.arange(PLANES, dtype=np.int32)
    step[written] = [ord(c) for c in table.standard.values()]
    form, kind[written] = step[form], HAN
    syllables = sorted(
        {s for r in table.readings.values() for s in r} | set(" ".join(SURNAME_READINGS.values()).split())
    )
    number = {s: i for i, s in enumerate(syllables)}
    reading, other = np.full(PLANES, END, dtype=np.int32), np.full(PLANES, END, dtype=np.int32)
    for character, found in table.readings.items():
        reading[ord(character)] = number[found[0]]
        if len(found) > 1:
            other[ord(character)] = number[found[1]]
    surname = np.full(PLANES, END, dtype=np.int32)
    for text, special in SURNAME_READINGS.items():
        if len(text) == 1:
            surname[ord(text)] = number[special]
    pairs = np.array([ord(c[0]) << 21 | ord(c[1]) for c in sorted(COMPOUND_SURNAMES)], dtype=np.int64)
    return Lookup(kind, form, reading, other, tuple(syllables), number, surname, pairs)
