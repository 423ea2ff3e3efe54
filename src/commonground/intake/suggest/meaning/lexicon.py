"""The pack's words about columns, made ready: names with their initials and pinyin, kinds, shapes, missing texts."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import ContractError
from commonground.intake.model import Pack
from commonground.intake.suggest.meaning.header import normal
from commonground.intake.suggest.meaning.parts import PERSONS, Parts
from commonground.packs import pack_folder
from commonground.toml import read_toml

_SELF = ("", "self")


@dataclass(frozen=True)
class Words:
    """What the pack says of one concept beside concepts.toml; see ``meaning/names.toml`` for each key."""

    name: str
    full: tuple[str, ...]
    vague: tuple[str, ...]
    codes: tuple[str, ...]
    role: str
    field: str
    index: int
    shape: str
    typical: tuple[float, float, float] | None
    units: tuple[str, ...]
    words: re.Pattern[str] | None


@dataclass(frozen=True)
class KindWords:
    """Words and usual concepts of a kind of dataset."""

    words: tuple[str, ...]
    core: frozenset[str]
    often: frozenset[str]
    rows: str


@dataclass(frozen=True)
class Lexicon:
    """All that ``meaning`` knows of a country.

    ``roles``: word → role. ``field_words``: field → its names. ``initials`` and ``pinyin``: letters → (concept, the
    word they come from). ``others``: names of columns that no concept stands for.
    """

    concepts: Mapping[str, Words]
    roles: Mapping[str, str]
    role_words: Mapping[str, tuple[str, ...]]
    field_words: Mapping[str, tuple[str, ...]]
    initials: Mapping[str, tuple[tuple[str, str], ...]]
    kinds: Mapping[str, KindWords]
    others: Mapping[str, tuple[str, ...]]
    heads: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Any]
    codes: Mapping[str, Any]
    shapes: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    parts: Parts | None = None


@functools.lru_cache(maxsize=4)
def load(pack: str = "china") -> Lexicon:
    """Read the words of a pack once a process.

    Raises
    ------
    ContractError
        A file of the pack names a concept that concepts.toml lacks, or lacks one.
    """
    from commonground.intake.pack import load_pack

    folder = pack_folder(pack) / "meaning"
    raw = read_toml(folder / "names.toml", ContractError)
    known = load_pack(pack)
    fields = {name: tuple(_names(entry)) for name, entry in raw["fields"].items()}
    roles, role_words = _roles(raw["roles"])
    for word, role in sorted(roles.items(), key=lambda item: item[1] == "self"):  # HZ is 户主 before 患者
        for letters in spelt(word)[:1]:
            number = re.sub(r"\D", "", word)
            if len(letters) > 1:
                roles.setdefault(f"={letters}{number}", role)
    concepts = {name: _words(name, raw["concept"], known, fields) for name in known.concepts}
    kinds = {
        name: KindWords(
            tuple(normal(word) for word in entry["words"]),
            frozenset(entry["core"]),
            frozenset(entry["often"]),
            entry.get("rows", "one"),
        )
        for name, entry in read_toml(folder / "kinds.toml", ContractError).items()
    }
    others = {
        shape: tuple(names) for shape, names in read_toml(folder / "others.toml", ContractError)["columns"].items()
    }
    heads = {sort: tuple(words) for sort, words in raw["heads"].items()}
    values = read_toml(folder / "values.toml", ContractError)
    shapes = {name: re.compile(text.lstrip("…")) for name, text in values["shapes"].items()}
    codes = read_toml(folder / "codes.toml", ContractError)
    initials = _initials(concepts, role_words, fields)
    said = read_toml(folder / "parts.toml", ContractError)
    parts = Parts(said, [(name, words.role, words.field) for name, words in concepts.items()])
    for role, part in (("self", "child"), *PERSONS.items()):
        for word in parts.of_part[part]:
            if (len(word) > 1 or word in said["short_persons"]) and word not in said["not_first"]:
                roles.setdefault(word, role)
    return Lexicon(concepts, roles, role_words, fields, initials, kinds, others, heads, values, codes, shapes, parts)


def _names(entry: Mapping[str, Any]) -> Iterable[str]:
    return dict.fromkeys(normal(word) for word in [*entry.get("zh", ()), *entry.get("en", ())])


def _roles(raw: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Give word → role, and role → words; a word of two roles belongs to the first."""
    roles: dict[str, str] = {}
    words = {}
    for role, entry in raw.items():
        words[role] = tuple(_names(entry))
        for word in words[role]:
            roles.setdefault(word, role)
    return roles, words


def _words(name: str, raw: Mapping[str, Any], pack: Pack, fields: Mapping[str, tuple[str, ...]]) -> Words:
    entry = raw.get(name, {})
    entry = {**raw.get(entry.get("like", ""), {}), **entry}
    if "like" in entry and "index" not in raw[name]:
        entry.pop("index", None)
    concept = pack.concepts[name]
    role, part = entry.get("role", concept.role), entry.get("field", concept.field)
    label = [normal(concept.label.zh), normal(concept.label.en), normal(name)]
    full = [*label, *_names(entry)]
    if role in _SELF and part in fields:
        full += fields[part]
    typical = entry.get("typical")
    return Words(
        name,
        tuple(dict.fromkeys(full)),
        tuple(normal(word) for word in entry.get("vague", ())),
        tuple(word.upper() for word in entry.get("code", ())),
        role,
        part,
        entry.get("index", 0),
        entry.get("shape", ""),
        None if typical is None else (float(typical[0]), float(typical[1]), float(typical[2])),
        tuple(entry.get("units", ())),
        re.compile(entry["words"]) if "words" in entry else None,
    )


def _initials(
    concepts: Mapping[str, Words], role_words: Mapping[str, tuple[str, ...]], fields: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Make the letters by which systems name their fields: 出生日期 gives CSRQ and CHUSHENGRIQI."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for words in concepts.values():
        for text in (*words.full, *words.vague):
            for letters in spelt(text):
                found[letters].setdefault(words.name, text)
        if not words.role or words.field not in fields:
            continue
        for person in role_words.get(words.role, ()):
            for part in fields[words.field]:
                for letters in spelt(person + part):
                    found[letters].setdefault(words.name, part)
    return {letters: tuple(by.items()) for letters, by in found.items()}


@functools.lru_cache(maxsize=20_000)
def spelt(text: str) -> tuple[str, ...]:
    """Give the initials and the full pinyin of a Chinese word in capitals; nothing for other words."""
    from pypinyin import Style, lazy_pinyin

    text = re.sub(r"\d+$", "", text)
    if len(text) < 2 or not all("\u4e00" <= char <= "\u9fff" for char in text):
        return ()
    syllables = lazy_pinyin(text, style=Style.NORMAL)
    return "".join(part[0] for part in syllables).upper(), "".join(syllables).upper()
