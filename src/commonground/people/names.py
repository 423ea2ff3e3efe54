"""Names as integers: what two ways to write one person's name have in common.

Every distinct name is standardised once: width and compatibility forms (NFKC), spaces and interpuncts, traditional and
variant characters, then each character's reading, with the surname's own reading where it differs. A name typed in
pinyin is cut into syllables, so that it meets the same name in characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from commonground.people.characters import COMPOUND_SURNAMES, INTERPUNCTS, STANDARD, SURNAME_READINGS, dialect

Ints = npt.NDArray[np.int64]
WIDTH = 10
"""Units (characters or syllables) of a name that are compared; longer names are also compared whole."""

_DROP = str.maketrans("", "", INTERPUNCTS + " \t\r\n\u3000\u00a0\u200b\ufeff\x00")
_STANDARD = str.maketrans(STANDARD)
_LATIN = re.compile(r"[a-z]+")
_UNKNOWN = re.compile(r"[?*□■〇\ufffd\ue000-\uf8ff]")


@dataclass(frozen=True)
class Name:
    """One name in its comparable forms.

    Attributes
    ----------
    key : str
        Standard characters without spaces and interpuncts; ``?`` for a character that could not be written.
    units, sounds, folded : tuple of str
        The characters (or typed syllables), their readings, and the readings as dialect speakers hear them.
    surname : int
        How many units the surname has.
    typed : bool
        Whether the name was typed in pinyin.
    common : str
        The sounds with the surname's common reading, as a clerk may type it who does not know the name's own.
    """

    key: str
    units: tuple[str, ...]
    sounds: tuple[str, ...]
    folded: tuple[str, ...]
    surname: int
    typed: bool
    common: str = ""


def clean(text: str) -> str:
    """Bring a written name to one form: width, spaces, interpuncts, traditional and variant characters."""
    text = unicodedata.normalize("NFKC", text).translate(_DROP).translate(_STANDARD)
    return _UNKNOWN.sub("?", re.sub(r"[(].*?[)]", "", text))


@cache
def _syllables() -> frozenset[str]:
    from pypinyin.constants import PINYIN_DICT

    readings = {_plain(r) for code, text in PINYIN_DICT.items() if 0x4E00 <= code < 0x9FA6 for r in text.split(",")}
    return frozenset(r for r in readings if r.isascii() and r.isalpha() and (len(r) > 1 or r in "aeo"))


def _plain(reading: str) -> str:
    text = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(c for c in text if not unicodedata.combining(c)).replace("ü", "v")


@cache
def reading(character: str) -> str:
    """Give a character's common reading without tone, or the character itself when it has none."""
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.NORMAL, heteronym=False, v_to_u=False)
    return str(found[0][0]).replace("ü", "v").lower()


def cut(latin: str) -> list[str]:
    """Cut typed pinyin into syllables, the fewest that fit; what fits nowhere stays whole."""
    best: list[list[str] | None] = [[]] + [None] * len(latin)
    known = _syllables()
    for end in range(1, len(latin) + 1):
        for start in range(max(0, end - 6), end):
            head = best[start]
            if head is not None and latin[start:end] in known:
                longer = [*head, latin[start:end]]
                kept = best[end]
                if kept is None or len(longer) < len(kept):
                    best[end] = longer
    return best[-1] or [latin]


def standardise(text: str) -> Name:
    """Bring one written name to its comparable forms.

    Examples
    --------
    >>> standardise("阿依古丽·买买提").key
    '阿依古丽买买提'
    >>> standardise("覃小明").sounds
    ('qin', 'xiao', 'ming')
    """
    spaced = unicodedata.normalize("NFKC", text).lower().replace("ü", "v")
    key = clean(spaced)
    if key and _LATIN.fullmatch(key):
        words = [w for w in re.split(r"[^a-z]+", spaced) if w]
        sounds = tuple(s for word in words for s in cut(word))
        return Name("".join(sounds), sounds, sounds, tuple(map(dialect, sounds)), 1, True, "".join(sounds))
    units: list[str] = []
    for part in re.findall(r"[a-z]+|.", key):
        units += cut(part) if _LATIN.fullmatch(part) else [part]
    surname = 2 if len(key) > 2 and key[:2] in COMPOUND_SURNAMES else 1
    sounds_list = [u if u == "?" or _LATIN.fullmatch(u) else reading(u) for u in units]
    common = "".join(sounds_list)
    special = SURNAME_READINGS.get(key[:surname]) or SURNAME_READINGS.get(key[:1], "")
    for place, sound in enumerate(special.split()):
        sounds_list[place] = sound
    sounds = tuple(sounds_list)
    return Name(key, tuple(units), sounds, tuple(map(dialect, sounds)), surname, False, common)


@dataclass(frozen=True)
class NameTable:
    """All distinct names of a city, as integers; a name's number is its place here.

    ``key``, ``sound``, ``fold`` number the whole name's characters, sounds and folded sounds; ``surname``,
    ``given`` the sounds of its parts; ``units``, ``sounds`` and ``folds`` are arrays (names, WIDTH), -1 beyond the end
    and -2 where a character could not be written.
    """

    texts: tuple[str, ...]
    key: Ints
    sound: Ints
    common: Ints
    fold: Ints
    surname: Ints
    given: Ints
    typed: npt.NDArray[np.bool_]
    length: Ints
    units: Ints
    sounds: Ints
    folds: Ints


def _number(values: Sequence[str]) -> Ints:
    index: dict[str, int] = {}
    return np.array([index.setdefault(v, len(index)) for v in values], dtype=np.int64)


def _grid(rows: Sequence[tuple[str, ...]]) -> Ints:
    index: dict[str, int] = {"?": -2}
    grid = np.full((len(rows), WIDTH), -1, dtype=np.int64)
    for i, row in enumerate(rows):
        for j, unit in enumerate(row[:WIDTH]):
            grid[i, j] = index.setdefault(unit, len(index))
    return grid


def name_table(texts: Iterable[str]) -> NameTable:
    """Number the distinct names ``texts`` (in order, each once)."""
    given = tuple(texts)
    names = [standardise(t) for t in given]
    sounds = _number(["".join(n.sounds) for n in names] + [n.common for n in names])
    return NameTable(
        texts=given,
        key=_number([n.key for n in names]),
        sound=sounds[: len(names)],
        common=sounds[len(names) :],
        fold=_number(["".join(n.folded) for n in names]),
        surname=_number(["".join(n.folded[: n.surname]) for n in names]),
        given=_number(["".join(n.folded[n.surname :]) for n in names]),
        typed=np.array([n.typed for n in names], dtype=bool),
        length=np.array([len(n.units) for n in names], dtype=np.int64),
        units=_grid([n.units for n in names]),
        sounds=_grid([n.sounds for n in names]),
        folds=_grid([n.folded for n in names]),
    )


SAME, SOUND, FOLDED, NEARLY, GIVEN, SURNAME, OTHER = 7, 6, 5, 4, 3, 2, 1
"""Levels of agreement of two names, from the same characters down to nothing in common; 0 where one is missing."""


def compare_names(table: NameTable, a: Ints, b: Ints) -> npt.NDArray[np.int8]:
    """Give the level of agreement of each pair of names.

    Parameters
    ----------
    table : NameTable
        The names.
    a, b : integer arrays of one shape
        Numbers of names, -1 where there is none.
    """
    level = np.full(a.shape, 0, dtype=np.int8)
    both = (a >= 0) & (b >= 0)
    pair = np.unique(a[both] * np.int64(len(table.texts)) + b[both], return_inverse=True)
    left, right = np.divmod(pair[0], max(1, len(table.texts)))
    level[both] = _levels(table, left, right)[pair[1]]
    return level


def _levels(t: NameTable, a: Ints, b: Ints) -> npt.NDArray[np.int8]:
    level = np.full(a.shape, OTHER, dtype=np.int8)
    surname, given = t.surname[a] == t.surname[b], t.given[a] == t.given[b]
    level[surname] = SURNAME
    level[given & (t.length[a] > 2)] = GIVEN
    level[_nearly(t, a, b)] = NEARLY
    level[t.fold[a] == t.fold[b]] = FOLDED
    level[(t.sound[a] == t.sound[b]) | (t.common[a] == t.sound[b]) | (t.sound[a] == t.common[b])] = SOUND
    level[t.key[a] == t.key[b]] = SAME
    return level


def _nearly(t: NameTable, a: Ints, b: Ints) -> npt.NDArray[np.bool_]:
    """One character replaced, dropped, added, swapped or unwritable; the rest, at least two, agree by sound."""
    x, y = t.folds[a], t.folds[b]
    same = (x == y) & (x >= 0)
    wild = (x == -2) | (y == -2)
    agree = (same | wild).sum(1)
    la, lb = t.length[a], t.length[b]
    replaced = (la == lb) & (agree >= la - 1) & (same.sum(1) >= 2)
    swapped = (la == lb) & (la > 2) & (np.sort(x, axis=1) == np.sort(y, axis=1)).all(1)
    short, long = np.where((la <= lb)[:, None], x, y), np.where((la <= lb)[:, None], y, x)
    front = np.cumprod((short == long) & (short >= 0), axis=1).sum(1)
    back = np.cumprod(((short == np.roll(long, -1, axis=1)) & (short >= 0))[:, ::-1] | (short[:, ::-1] < 0), axis=1)
    size = np.minimum(la, lb)
    tail = back.sum(1) - (WIDTH - size)
    dropped = (np.abs(la - lb) == 1) & (size >= 2) & (front + tail >= size)
    out: npt.NDArray[np.bool_] = replaced | swapped | dropped
    return out
