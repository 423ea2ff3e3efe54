"""How well a header fits each concept by its words: exactly, by initials, by likeness, by the person it speaks of.

Likeness is the cosine of character n-grams weighted by rarity; the beginning and the end of a name count as characters,
so that what a Chinese name ends in (its head) weighs more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.intake.suggest.meaning.header import Header
from commonground.intake.suggest.meaning.lexicon import Lexicon, Words, spelt
from commonground.intake.suggest.meaning.parts import PART_FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME_FEATURES = (
    "exact",
    "exact_stem",
    "vague",
    "code",
    "initials",
    "initials_near",
    "initials_like",
    "likeness",
    "likeness_cubed",
    "margin",
    "contained",
    "role_same",
    "role_near",
    "role_other",
    "role_beside",
    "role_unsaid",
    "role_nobody",
    "index_same",
    "index_other",
    "index_extra",
    "index_unsaid",
    "head_same",
    "head_other",
    *(f"parts_{name}" for name in PART_FEATURES),
)
"""What ``NameIndex.features`` gives for each concept, in this order."""
_AT = {name: i for i, name in enumerate(NAME_FEATURES)}
_NEAR = {("guardian1", "carer"), ("carer", "guardian1")}
_NOBODY = "nobody"


@dataclass(frozen=True)
class Named:
    """What the words of a header say: a row of features for each concept, and how it is like columns without one."""

    features: NDArray[np.float64]
    best: tuple[str, ...]
    other_exact: bool
    other_likeness: float
    likeness: NDArray[np.float64]
    other_parts: float = 0.0
    strange: float = 0.0


class NameIndex:
    """The names of a lexicon, made ready for comparison."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.concepts = tuple(lexicon.concepts)
        self.words = tuple(lexicon.concepts.values())
        self._texts: list[str] = []
        self._owner: list[int] = []
        self._sort: list[str] = []
        for i, words in enumerate(self.words):
            self._add(i, words)
        self._others_from = len(self._texts)
        for names in lexicon.others.values():
            for name in names:
                self._put(name.lower().replace("_", ""), len(self.words), "other")
        self._exact: dict[str, list[int]] = defaultdict(list)
        for at, text in enumerate(self._texts):
            self._exact[text].append(at)
        self._grams: dict[str, int] = {}
        self._matrix, self._rarity = self._vectors()
        self._spelt = sorted(lexicon.initials)
        place = {name: i for i, name in enumerate(self.concepts)}
        self._spelt_by = [[(place[name], source) for name, source in lexicon.initials[key]] for key in self._spelt]
        self._tails = tuple(lexicon.values["letters_after"])  # 代码, 名称, 编码, 类型, 标志
        self._skips: dict[str, int] = {}
        self._spelt_matrix = self._skip_vectors(self._spelt, grow=True)
        self._starts = np.flatnonzero(np.r_[True, np.diff(self._owner) > 0])
        self._heads = [_heads_of(words.full, lexicon.heads) for words in self.words]

    def _put(self, text: str, owner: int, sort: str) -> None:
        self._texts.append(text)
        self._owner.append(owner)
        self._sort.append(sort)

    def _add(self, owner: int, words: Words) -> None:
        for text in words.full:
            self._put(text, owner, "full")
        for text in words.vague:
            self._put(text, owner, "vague")
        if words.role not in ("", "self"):
            for text in self.lexicon.field_words.get(words.field, ()):
                self._put(text, owner, "part")

    def _vectors(self) -> tuple[Any, NDArray[np.float64]]:
        counts = [_grams(text) for text in self._texts]
        seen = Counter(gram for grams in counts for gram in grams)
        self._grams = {gram: i for i, gram in enumerate(seen)}
        rarity = np.log(len(counts) / np.array([seen[gram] for gram in self._grams]) + 1.0)
        return self._sparse(counts, rarity), rarity

    def _sparse(self, counts: Sequence[Counter[str]], rarity: NDArray[np.float64]) -> Any:
        from scipy.sparse import csr_array

        row, column, value = [], [], []
        for i, grams in enumerate(counts):
            # what no name of the pack holds is weighed as the rarest: a header full of unknown signs is like none
            held = {gram: n for gram, n in grams.items() if gram in self._grams}
            strange = sum(n * n for gram, n in grams.items() if gram not in self._grams) * float(rarity.max()) ** 2
            length = np.sqrt(sum((n * rarity[self._grams[gram]]) ** 2 for gram, n in held.items()) + strange) or 1.0
            for gram, n in held.items():
                row.append(i)
                column.append(self._grams[gram])
                value.append(n * rarity[self._grams[gram]] / length)
        return csr_array((value, (row, column)), shape=(len(counts), len(self._grams)))

    def features(self, headers: Sequence[Header], banned: Sequence[Collection[str]] = ()) -> list[Named]:
        """Compare headers with all names.

        Parameters
        ----------
        headers : sequence of Header
        banned : sequence of collections of str
            For each header, names of the pack to be left out (used when the weights are fitted, so that they learn how
            far likeness can be trusted where the very word is not in the pack).
        """
        forms = [tuple(dict.fromkeys((*header.forms, *header.stems))) for header in headers]
        flat = [form for some in forms for form in some]
        like = (self._sparse([_grams(form) for form in flat], self._rarity) @ self._matrix.T).toarray()
        out, start = [], 0
        for i, header in enumerate(headers):
            rows = like[start : start + len(forms[i])]
            start += len(forms[i])
            out.append(self._one(header, forms[i], rows, banned[i] if banned else ()))
        return out

    def _one(self, header: Header, forms: Sequence[str], like: NDArray[np.float64], banned: Collection[str]) -> Named:
        table = np.zeros((len(self.words), len(NAME_FEATURES)))
        by_text = like.max(axis=0) if len(forms) else np.zeros(len(self._texts))
        by_text[np.array([sort == "vague" for sort in self._sort])] *= 0.5
        if banned:
            by_text[[at for text in banned for at in self._exact.get(text, ())]] = 0.0
        best_at = np.maximum.reduceat(by_text, self._starts)
        likeness, other = best_at[: len(self.words)], float(best_at[len(self.words)])
        table[:, _AT["likeness"]] = likeness
        table[:, _AT["likeness_cubed"]] = likeness**3
        top = np.sort(likeness)[-2:]
        table[:, _AT["margin"]] = np.where(likeness >= top[1], likeness - top[0], likeness - top[1])
        self._contained(header, table, banned)
        other_exact = self._exactly(header, table, banned)
        self._letters(header, table, banned)
        self._company(header, table)
        best = self._best(by_text)
        assert self.lexicon.parts is not None
        parted = self.lexicon.parts.features(header, banned)
        table[:, _AT["parts_score"] :] = parted.features
        return Named(table, best, other_exact, other, likeness, parted.other, parted.strange)

    def _contained(self, header: Header, table: NDArray[np.float64], banned: Collection[str]) -> None:
        """Give the share of the header that the longest name of each concept within it makes up."""
        form = header.forms[0] if header.forms else ""
        pieces = {form[i:j] for i in range(len(form)) for j in range(i + 2, min(len(form), i + 12) + 1)}
        for piece in pieces:
            if piece in banned:
                continue
            for at in self._exact.get(piece, ()):
                if self._sort[at] == "full":
                    row = table[self._owner[at]]
                    row[_AT["contained"]] = max(row[_AT["contained"]], len(piece) / len(form))

    def _best(self, by_text: NDArray[np.float64]) -> tuple[str, ...]:
        ends = np.r_[self._starts[1:], len(self._texts)]
        return tuple(
            self._texts[a + int(by_text[a:b].argmax())]
            for a, b in zip(self._starts[:-1].tolist(), ends[:-1].tolist(), strict=True)
        )

    def _exactly(self, header: Header, table: NDArray[np.float64], banned: Collection[str]) -> bool:
        other = False
        for form in dict.fromkeys((*header.forms, *header.stems)):
            if form in banned:
                continue
            whole = form in header.forms
            for at in self._exact.get(form, ()):
                owner, sort = self._owner[at], self._sort[at]
                if sort == "other":
                    other = other or whole
                elif sort == "vague":
                    table[owner, _AT["vague"]] = 1.0
                elif sort == "full" and whole:
                    table[owner, _AT["exact"]] = 1.0
                elif sort == "full" or header.role not in ("", "self"):
                    table[owner, _AT["exact_stem"]] = 1.0
        plain = re.sub(r"[^A-Z0-9]", "", header.forms[0].upper()) if header.forms else ""
        for i, words in enumerate(self.words):
            if plain and plain not in banned and plain in words.codes:
                table[i, _AT["code"]] = 1.0
        return other

    def _skip_vectors(self, texts: Sequence[str], *, grow: bool = False) -> Any:
        """Give initials as vectors of pairs of letters, next to each other or one apart, each of length one."""
        from scipy.sparse import csr_array

        row, column, value = [], [], []
        for i, text in enumerate(texts):
            framed = f"^{text}$"
            pairs = Counter(framed[j : j + 2] for j in range(len(framed) - 1))
            pairs.update(framed[j] + framed[j + 2] for j in range(len(framed) - 2))
            length = np.sqrt(sum(n * n for n in pairs.values()))
            for pair, n in pairs.items():
                at = self._skips.setdefault(pair, len(self._skips)) if grow else self._skips.get(pair, -1)
                if at >= 0:
                    row.append(i)
                    column.append(at)
                    value.append(n / length)
        return csr_array((value, (row, column)), shape=(len(texts), len(self._skips)))

    def _letters(self, header: Header, table: NDArray[np.float64], banned: Collection[str]) -> None:
        """Look for initials and pinyin: the very ones; near ones (a part or a letter more or fewer); alike ones."""
        if not header.letters or len(header.letters[0]) < 2:
            return
        whole, fewer = header.letters[0], header.letters[1:]
        known, place = self.lexicon.initials, {name: i for i, name in enumerate(self.concepts)}
        near = {*fewer, *(text.removesuffix(tail) for text in header.letters for tail in self._tails)} - {whole}
        if len(whole) >= 3:
            near |= {whole[:-1], *(whole + char for char in "HMZDQLJSX")}
        for feature, texts in (("initials", {whole}), ("initials_near", {text for text in near if len(text) > 1})):
            for text in texts:
                for name, source in known.get(text, ()):
                    if source not in banned:
                        table[place[name], _AT[feature]] = 1.0
        if len(whole) >= 3:
            self._alike(whole, table, banned)

    def _alike(self, letters: str, table: NDArray[np.float64], banned: Collection[str]) -> None:
        like = (self._skip_vectors([letters]) @ self._spelt_matrix.T).toarray()[0]
        at = _AT["initials_like"]
        for j in np.flatnonzero(like >= 0.5).tolist():
            for k, source in self._spelt_by[j]:
                if source not in banned:
                    table[k, at] = max(table[k, at], like[j])

    def _company(self, header: Header, table: NDArray[np.float64]) -> None:
        """Hold the person, the number of the reading and the head of the header against each concept's."""
        heads = _heads_of(header.stems[:2], self.lexicon.heads)
        for i, words in enumerate(self.words):
            row, role = table[i], words.role
            if header.role == _NOBODY:
                row[_AT["role_nobody"]] = 1.0
            elif header.role not in ("", "self"):
                near = "role_near" if (header.role, role) in _NEAR else "role_other" if role else "role_beside"
                if not row[_AT["exact"]] or role not in ("", "self"):  # 家长电话 is the family's telephone as it stands
                    row[_AT["role_same" if header.role == role else near]] = 1.0
            elif role not in ("", "self", "members"):
                row[_AT["role_unsaid" if not header.role else "role_other"]] = 1.0
            if words.index and header.index:
                row[_AT["index_same" if words.index == header.index else "index_other"]] = 1.0
            elif words.index:
                row[_AT["index_unsaid"]] = 1.0
            elif header.index and header.role in ("", "self"):
                row[_AT["index_extra"]] = 1.0
            if heads and self._heads[i]:
                row[_AT["head_same" if heads & self._heads[i] else "head_other"]] = 1.0


def _grams(text: str) -> Counter[str]:
    framed = f"^{text}$"
    latin = text.isascii()
    sizes = (2, 3, 4) if latin else (1, 2, 3)
    return Counter(
        framed[i : i + n] for n in sizes for i in range(len(framed) - n + 1) if framed[i : i + n] not in ("^", "$")
    )


def _heads_of(texts: Sequence[str], heads: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Give the sorts of column that names end in; the longest ending of each name counts."""
    found = set()
    for text in texts:
        size, sort = 0, ""
        for name, words in heads.items():
            for word in words:
                fits = text.startswith(word[1:]) if word.startswith("^") else text.endswith(word)
                if fits and len(word) > size:
                    size, sort = len(word), name
        if sort:
            found.add(sort)
    return found


__all__ = ["NAME_FEATURES", "NameIndex", "Named", "spelt"]
