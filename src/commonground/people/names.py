"""One written name in its comparable forms: what two ways to write one person's name have in common.

Width and compatibility forms (NFKC), spaces and interpuncts, traditional and variant characters are brought to one
form; then each character gets its reading, the surname its own where it differs. A name typed in pinyin is cut into
syllables, so that it meets the same name in characters. ``nametable.py`` does the same for all names of a city at once.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from commonground.people.characters import (
    COMPOUND_SURNAMES,
    INTERPUNCTS,
    SPACES,
    SURNAME_READINGS,
    character_table,
    dialect,
)

_MARKS = str.maketrans(dict.fromkeys(INTERPUNCTS, "·"))  # before NFKC, which takes some of them to pieces
_DROP = str.maketrans("", "", INTERPUNCTS + SPACES)
_LATIN = re.compile(r"[a-z]+")
_ACCENTED = re.compile(r"[\u00c0-\u024f]")
_TYPED_TONE = re.compile(r"(?<=[a-z])[1-5](?![0-9])")
# a character that a system could not hold: a question mark, a box, a private code, a description of how it is made
_UNKNOWN = re.compile(
    r"[?*□■〇◇◆▯⬜◯○●\ufffd\ue000-\uf8ff\U000f0000-\U0010fffd]|[\u2ff0-\u2ffb](?:[\u2ff0-\u2ffb]|..)|[\[【{<〈《][^\]】}>〉》]*[\]】}>〉》]"
)
_NOTE = re.compile(r"[(（].*?[)）]")
_MARK = re.compile(r"(?<=[\u3400-\u9fff]{2})(?:[0-9]{1,2}|[a-d])$")
"""A school's mark for the second of two namesakes."""
_NOBODY = re.compile(
    r"(?:无名氏?|未取名|未命名|未起名|没取名|不详|不明|不知道?|未知|暂无|无姓名|空|婴儿|新生儿|测试|姓名|[某?]{2,}"
    r"|.+之(?:[长次三四幼]?[子女婴孙]|婴儿|男婴|女婴|子女|妻|夫|父|母))"
)
_SPELT = {"lyu": "lv", "nyu": "nv", "lue": "lve", "nue": "nve", "lyue": "lve", "nyue": "nve"}


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
    others : tuple of str
        A second reading of each unit, or "" where it has one only (单 dan, 单 shan; 茜 xi, 茜 qian).
    turned : str
        Of a typed name of several words, the sounds with the last word first: given name and surname may be exchanged.
    """

    key: str
    units: tuple[str, ...]
    sounds: tuple[str, ...]
    folded: tuple[str, ...]
    surname: int
    typed: bool
    common: str = ""
    others: tuple[str, ...] = ()
    turned: str = ""


def _even(text: str) -> str:
    """Give half-width small letters, typed tones and accents off, spaces still in."""
    text = unicodedata.normalize("NFKC", text.translate(_MARKS)).lower()
    if _ACCENTED.search(text):
        text = "".join(_unaccented(c) if _ACCENTED.match(c) else c for c in text)
    return _TYPED_TONE.sub("", text)


def _unaccented(letter: str) -> str:
    if letter in "üǖǘǚǜ":
        return "v"
    return "".join(c for c in unicodedata.normalize("NFD", letter) if not unicodedata.combining(c))


def _clean(even: str) -> str:
    table = character_table().standard
    text = "".join(table.get(c, c) for c in even.translate(_DROP))
    return _MARK.sub("", _UNKNOWN.sub("?", _NOTE.sub("", text)))


def somebody(text: str) -> str:
    """Give a written name without white space at its ends, or "" where it says that there is none.

    不详, 未取名, 测试 are no names; 王小明之子 is what a newborn child is called until it has one.
    """
    text = text.strip()
    return "" if len(text) < 12 and _NOBODY.fullmatch(_clean(_even(text))) else text


def clean(text: str) -> str:
    """Bring a written name to one form: width, spaces, interpuncts, traditional and variant characters.

    Notes in brackets (大), (曾用名…) are left out; ``?`` stands for what could not be written.
    """
    return _clean(_even(text))


def reading(character: str) -> str:
    """Give a character's common reading without tone, or the character itself when it has none."""
    found = character_table().readings.get(character)
    return found[0] if found else character


def other_reading(character: str) -> str:
    """Give a character's second reading, or ""."""
    found = character_table().readings.get(character, ())
    return found[1] if len(found) > 1 else ""


def cut(latin: str) -> list[str]:
    """Cut typed pinyin into syllables, the fewest that fit; what fits nowhere stays whole."""
    best: list[tuple[float, list[str]] | None] = [(0.0, [])] + [None] * len(latin)
    known = character_table().syllables
    for end in range(1, len(latin) + 1):
        for start in range(max(0, end - 6), end):
            head, piece = best[start], latin[start:end]
            syllable = piece if piece in known else _SPELT.get(piece, "")
            if head is None or syllable not in known:
                continue
            cost = head[0] + (1.0 if syllable == piece else 1.5)  # chan yu rather than cha nyu
            kept = best[end]
            if kept is None or cost < kept[0]:
                best[end] = cost, [*head[1], syllable]
    found = best[-1]
    return found[1] if found and latin else [latin]


def standardise(text: str) -> Name:
    """Bring one written name to its comparable forms.

    Examples
    --------
    >>> standardise("阿依古丽·买买提").key
    '阿依古丽买买提'
    >>> standardise("覃小明").sounds
    ('qin', 'xiao', 'ming')
    """
    even = _even(text)
    key = _clean(even)
    if key and _LATIN.fullmatch(key):
        return _typed([w for w in re.split(r"[^a-z]+", even) if w])
    units: list[str] = []
    for part in re.findall(r"[a-z]+|.", key):
        units += cut(part) if _LATIN.fullmatch(part) else [part]
    surname = 2 if len(key) > 2 and key[:2] in COMPOUND_SURNAMES else 1
    plain = [u == "?" or bool(_LATIN.fullmatch(u)) for u in units]
    sounds_list = [u if p else reading(u) for u, p in zip(units, plain, strict=True)]
    others = tuple("" if p else other_reading(u) for u, p in zip(units, plain, strict=True))
    common = "".join(sounds_list)
    special = SURNAME_READINGS.get(key[:surname]) or SURNAME_READINGS.get(key[:1], "")
    for place, sound in enumerate(special.split()):
        sounds_list[place] = sound
    sounds = tuple(sounds_list)
    return Name(key, tuple(units), sounds, tuple(map(dialect, sounds)), surname, False, common, others)


def _typed(words: list[str]) -> Name:
    parts = [cut(word) for word in words]
    sounds = tuple(s for part in parts for s in part)
    turned = "".join(s for part in (parts[-1], *parts[:-1]) for s in part) if len(parts) > 1 else ""
    folded = tuple(map(dialect, sounds))
    whole = "".join(sounds)
    return Name(whole, sounds, sounds, folded, 1, True, whole, ("",) * len(sounds), turned)
