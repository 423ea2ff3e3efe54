"""Headers in a clerk's own words, understood by their parts: 娃他爸在哪打工 is child, father, where, work.

The pack's ``meaning/parts.toml`` gives the words of each part, and the frames: which parts together mean a concept. A
frame's score is the share of the header that it explains times the share of its parts that are there. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.intake.suggest.meaning.header import Header, normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERSONS = {"father": "father", "mother": "mother", "carer": "carer", "head": "head"}
"""Role → the part whose words name that person; further roles are in the pack's ``[persons]``."""
PART_FEATURES = ("score", "full", "alone", "behind")
"""Share explained; all of it; all of it and by few concepts; how far behind the best frame of all."""
_LONGEST = 8
_UNKNOWN, _TOKEN = 1.2, 0.1  # cost of a sign that no word explains, and of each word: few long words are best
_SOFT = 0.3  # weight of parts that say little, where a frame does not ask for them


@dataclass(frozen=True)
class Frame:
    """Parts that mean concept ``owner`` (its place; the number of concepts for none of them)."""

    owner: int
    asked: tuple[str, ...]
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class Parted:
    """What the parts of a header say: features for each concept, and how well a frame of no concept fits."""

    features: NDArray[np.float64]
    other: float
    strange: float


class Parts:
    """The parts and frames of a pack, made ready.

    Parameters
    ----------
    raw : mapping
        ``parts.toml``.
    owners : sequence of (str, str, str)
        Each concept with its role and its field.
    """

    def __init__(self, raw: Mapping[str, Any], owners: Sequence[tuple[str, str, str]]) -> None:
        self.soft = frozenset(raw["soft"])
        self.words: dict[str, set[str]] = {normal(word): set() for word in raw["filler"]}
        self.of_part = {part: tuple(dict.fromkeys(map(normal, words))) for part, words in raw["parts"].items()}
        for part, words in self.of_part.items():
            for word in words:
                self.words.setdefault(word, set()).add(part)
        self.n = len(owners)
        self.frames = [frame for i, owner in enumerate(owners) for frame in _frames(i, owner, raw)]
        self.frames += [_frame(self.n, text) for text in raw["nobody"]["frames"]]
        self._at = {part: j for j, part in enumerate(self.of_part)}
        self._owner = np.array([frame.owner for frame in self.frames])
        self._asked = self._matrix([frame.asked for frame in self.frames])
        self._takes = self._matrix([(*frame.asked, *frame.allowed) for frame in self.frames])

    def _matrix(self, parts: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        out = np.zeros((len(parts), len(self._at)))
        for i, some in enumerate(parts):
            out[i, [self._at[part] for part in some]] = 1.0
        return out

    def cut(self, text: str, banned: Collection[str] = ()) -> list[tuple[str, bool]]:
        """Cut a text into words that are known (True) and signs that are not, at the least cost."""
        best: list[tuple[float, int, bool]] = [(0.0, 0, True)]
        for end in range(1, len(text) + 1):
            options = [(best[end - 1][0] + _UNKNOWN, end - 1, False)]
            for start in range(max(0, end - _LONGEST), end):
                word = text[start:end]
                if word in self.words and word not in banned:
                    options.append((best[start][0] + _TOKEN, start, True))
            best.append(min(options))
        out, end = [], len(text)
        while end:
            _, start, known = best[end]
            out.append((text[start:end], known))
            end = start
        return out[::-1]

    def features(self, header: Header, banned: Collection[str] = ()) -> Parted:
        """Hold every frame against a header; the best of its forms counts."""
        score, strange = np.zeros(self.n + 1), 1.0
        forms = header.forms[:3] if header.role else (*header.forms[:3], *header.stems[:3])
        for form in dict.fromkeys(re.sub(r"[0-9]", "", form) for form in forms):
            if any("\u4e00" <= char <= "\u9fff" for char in form):
                found, unknown = self._scores(form, banned)
                score, strange = np.maximum(score, found), min(strange, unknown)
        table = np.zeros((self.n, len(PART_FEATURES)))
        own, top = score[:-1], float(score.max())
        table[:, 0] = own
        table[:, 1] = own >= 0.999
        table[:, 2] = table[:, 1] / max(1.0, float((score >= 0.999).sum()))
        table[:, 3] = own - top
        return Parted(table, float(score[-1]), strange if top or strange < 1 else 0.0)

    def _scores(self, form: str, banned: Collection[str]) -> tuple[NDArray[np.float64], float]:
        """Give each concept's best frame's score, the last for none, and the share of signs that are unknown."""
        cut = self.cut(form, banned)
        unknown = sum(len(word) for word, known in cut if not known)
        held = [(len(word), self.words[word]) for word, known in cut if known and self.words[word]]
        best = np.zeros(self.n + 1)
        if not held:
            return best, unknown / len(form)
        has = np.zeros((len(held), len(self._at)))
        for i, (_, parts) in enumerate(held):
            has[i, [self._at[part] for part in parts]] = 1.0
        size = np.array([size for size, _ in held], float)
        loose = np.array([size * (_SOFT if parts & self.soft else 1.0) for size, parts in held])
        taken = (self._takes @ has.T) > 0  # frames × words
        matched, left = taken @ size, (~taken) @ loose
        recall = np.minimum(self._asked, has.max(axis=0)).sum(axis=1) / np.maximum(1.0, self._asked.sum(axis=1))
        score = matched / np.maximum(matched + left + _UNKNOWN * unknown, 1e-9) * recall
        np.maximum.at(best, self._owner, score)
        return best, unknown / len(form)


def _frames(at: int, owner: tuple[str, str, str], raw: Mapping[str, Any]) -> list[Frame]:
    name, role, field = owner
    texts = list(raw["frames"].get(name, ()))
    person = raw["persons"].get(role, PERSONS.get(role))
    if person:
        texts += [f"{person} {text}" for text in raw["fields"].get(field, ())]
    return [_frame(at, text) for text in texts]


def _frame(at: int, text: str) -> Frame:
    parts = text.split()
    return Frame(
        at,
        tuple(part for part in parts if not part.endswith("?")),
        tuple(part[:-1] for part in parts if part.endswith("?")),
    )
