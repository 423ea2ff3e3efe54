"""What a header says, taken apart: the words, the person they speak of, which of several readings, the unit.

Pure: a header in, a ``Header`` out; no words of any language are written here, they come from the pack.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_BRACKETS = re.compile(r"[(（\[【<〈{]([^)）\]】>〉}]*)[)）\]】>〉}]")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SEPARATORS = re.compile(r"[\s_\-–—:：,，.。;；、'\"“”‘’·*#&+=|@~\\?？!！〇○]+")
_LEADING = re.compile(r"^(?:[（(]?\d{1,2}[)）.、]|[一二三四五六七八九十]{1,2}、)\s*(?=\D)")
_UNIT_TAIL = re.compile(r"(?<=[\u4e00-\u9fff])(cm|kg|mmhg|kpa|km|g/l|g/dl|gl|m|%|mm|℃)$")
_LATIN_TAIL = re.compile(r"(?i)(?<=[a-z0-9])[_\-. ](cm|kg|jin|mmhg|kpa|km|min|mins|minutes?|hours?|hrs?|yuan)$")
_INDEX = (
    (re.compile(r"第([1-9一二三四五六七八九])[次回轮]"), 1),
    (re.compile(r"([1-9一二三])次(?=.)"), 1),
    (re.compile(r"[(（]([1-9一二三])[)）]$"), 1),
    (re.compile(r"(?<=\D)([1-9])$"), 1),
    (re.compile(r"(?<=[\u4e00-\u9fff]{2})([一二三])$"), 1),
)
_LONG = 5
_DIGITS = {c: i for i, c in enumerate("〇一二三四五六七八九")}


@dataclass(frozen=True)
class Header:
    """One header taken apart.

    Attributes
    ----------
    forms : tuple of str
        The header's normal forms, the fullest first: without brackets, with them, its last segment alone.
    stems : tuple of str
        The same without the words of the person and without the number of the reading.
    role : str
        Person it speaks of ("" where it says none).
    index : int
        Which of several readings; 0 where it does not say.
    letters : tuple of str
        Capital letters of a Latin header, whole and without its first or last part ("CSRQSTR", "CSRQ"); else ().
    hints : tuple of str
        What stood in brackets or at the end as a unit.
    """

    forms: tuple[str, ...]
    stems: tuple[str, ...]
    role: str
    index: int
    letters: tuple[str, ...]
    hints: tuple[str, ...]


def normal(text: str) -> str:
    """Give the form in which names are compared: half width, lower case, nothing but letters and digits."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[()（）\[\]【】<>〈〉{}/]", "", text)
    return _SEPARATORS.sub("", text).lower()


def tokens(text: str) -> list[str]:
    """Give the words of a Latin header: ``guardian1Phone`` and ``guardian_1_phone`` alike."""
    return [word.lower() for word in _CAMEL.findall(unicodedata.normalize("NFKC", text))]


def parse(name: str, roles: Mapping[str, str]) -> Header:
    """Take a header apart.

    Parameters
    ----------
    name : str
        As the contract would name it; parts of a header of several rows joined with "/".
    roles : mapping
        Normal form of a word for a person → the role; longest words are tried first.
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    if any("\u4e00" <= char <= "\u9fff" for char in plain):
        plain = re.sub(r"[ \t\u3000]", "", plain)
    hints = [part.strip().lower() for part in _BRACKETS.findall(plain)]
    segments = [part for part in re.split(r"[/／\n]", plain) if part.strip()] or [plain]
    if len(segments) > 1 and any(re.fullmatch(r"(?i)(k?g|mg|d?l|km|m)\W*", part.strip()) for part in segments[1:]):
        segments = [plain]  # 血红蛋白g/L
    segments = [_LEADING.sub("", part) for part in segments]
    last = _unique([_BRACKETS.sub("", segments[-1]), segments[-1]])
    raw = last if len(segments) == 1 else _unique(["".join(segments), _BRACKETS.sub("", "".join(segments))])
    forms = _unique([normal(part) for part in raw])
    tails = [match[1] for form in forms if (match := _UNIT_TAIL.search(form))]
    tails += [match[1].lower() for match in [_LATIN_TAIL.search(segments[-1])] if match]  # duration_min
    forms = _unique([*forms, *(_UNIT_TAIL.sub("", form) for form in forms)])
    index = _index_of(_BRACKETS.sub("", segments[-1]), hints) or _index_of(plain, hints)
    parts = forms if len(segments) == 1 else [normal(part) for part in last] + forms
    ends = set(itertools.accumulate(len(word) for word in tokens(segments[-1])))
    role, stems = _strip(parts, [normal(part) for part in segments[:-1]], roles, ends)
    stems = _unique([*stems, *(_drop_index(stem) for stem in stems)])
    han = any("\u4e00" <= char <= "\u9fff" for char in plain)
    letters = () if han else _letters(segments[-1])
    if letters and not role:
        role = _role_by_letters(segments[-1], roles)
    return Header(tuple(forms), tuple(stems), role, index, letters, tuple([*hints, *tails]))


def _letters(text: str) -> tuple[str, ...]:
    """Give a Latin header's capitals, whole and without its first or its last part."""
    parts = [part for part in (re.sub(r"[^A-Za-z]", "", part).upper() for part in re.split(r"[_\-\s.]", text)) if part]
    whole = "".join(parts)
    fewer = ["".join(parts[:-1]), "".join(parts[1:])] if len(parts) > 1 else []
    return tuple(_unique([whole, *(part for part in fewer if len(part) > 1)]))


def _role_by_letters(text: str, roles: Mapping[str, str]) -> str:
    """Find the person in the first part of ``JHR1_XM``: the initials of a word for him, with his number."""
    first = re.split(r"[_\-\s.]", text)[0].upper()
    return roles.get(f"={first}", "")


def _index_of(text: str, hints: Sequence[str]) -> int:
    for pattern, group in _INDEX:
        found = pattern.search(text.strip())
        if found:
            return _DIGITS.get(found[group]) or int(found[group])
    for hint in hints:
        found = re.fullmatch(r"第?([1-9一二三])次?", hint)
        if found:
            return _DIGITS.get(found[1]) or int(found[1])
    return 0


def _drop_index(stem: str) -> str:
    for pattern, _ in _INDEX:
        cut = pattern.sub("", stem)
        if cut and cut != stem:
            return cut
    return stem


def _strip(
    forms: Sequence[str], above: Sequence[str], roles: Mapping[str, str], ends: Collection[int]
) -> tuple[str, list[str]]:
    """Find the person in the header or above it, and give the forms without his words."""
    role, stems = "", []
    words = sorted((word for word in roles if not word.startswith("=")), key=len, reverse=True)
    for form in forms:
        named, rest = "", form
        for _ in range(2):  # 学生父亲姓名 speaks of the father
            if rest in roles:  # nothing but the person: his name, as a rule
                named = roles[rest]
                break
            word = next((w for w in words if rest.startswith(w) and _whole(rest, w, ends)), "")
            if word:
                named, rest = roles[word], rest.removeprefix(word).removeprefix("的")
        role = role or named
        stems.append(rest or form)
    if role in ("", "self"):
        for part in above:
            word = next((w for w in words if part.startswith(w) and len(w) > 1), "")
            if word and roles[word] != "self":
                role = roles[word]
    return role, _unique([*stems, *forms])


def _whole(form: str, word: str, ends: Collection[int]) -> bool:
    """Tell whether a word for a person is more than the beginning of another word (``mo`` of ``monthly``).

    ``ends`` are the places where words of a Latin header end; long words need none.
    """
    if len(form) - len(word) < (2 if word.isascii() else 1):
        return False
    return not word.isascii() or len(word) > _LONG or len(word) in ends


def _unique(texts: Sequence[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
