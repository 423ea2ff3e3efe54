"""Texts to integers, each distinct text once."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
_NOT_DIGIT = re.compile(r"\D")
_SPLIT = re.compile(r"[、,，;；/\s|]+")


class Coder:
    """Numbers distinct texts in the order in which they come; a text that ``clean`` makes empty has none (-1)."""

    def __init__(self, clean: Callable[[str], str] | None = None) -> None:
        self.clean = clean
        self.index: dict[str, int] = {}

    def one(self, text: str | None) -> int:
        """Number of one text."""
        if text is None:
            return -1
        key = self.clean(text) if self.clean else text
        return self.index.setdefault(key, len(self.index)) if key else -1

    def column(self, column: pa.ChunkedArray | None, rows: int) -> Ints:
        """Numbers of a column of texts."""
        if column is None:
            return np.full(rows, -1, dtype=np.int64)
        values, inverse = distinct(column)
        numbers = np.array([self.one(v) for v in values], dtype=np.int64)
        return np.where(inverse >= 0, numbers[inverse], -1) if len(numbers) else np.full(rows, -1, dtype=np.int64)

    @property
    def texts(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self.index)


def distinct(column: pa.ChunkedArray) -> tuple[list[Any], Ints]:
    """Distinct values of a column as texts, and the place of each row's value among them (-1: null)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type) and column.num_chunks:
        encoded = column.unify_dictionaries().combine_chunks()  # read so from Parquet: nothing to do
    else:
        encoded = (column if pa.types.is_string(column.type) else pc.cast(column, pa.string())).combine_chunks()
        encoded = encoded.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_pylist(), indices


def integers(column: pa.ChunkedArray | None, rows: int, missing: int = -1) -> Ints:
    """An integer column as int64, with ``missing`` for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None:
        return np.full(rows, missing, dtype=np.int64)
    if pa.types.is_date(column.type):
        column = pc.cast(pc.cast(column, pa.date32()), pa.int32())
    elif pa.types.is_string(column.type):
        column = pc.cast(
            pc.replace_with_mask(column, pc.invert(pc.match_substring_regex(column, r"^\d+$")), None), pa.int64()
        )
    filled: Ints = pc.fill_null(pc.cast(column, pa.int64()), missing).to_numpy().astype(np.int64)
    return filled


def narrow(text: str) -> str:
    """Bring full-width forms to plain ones and take out all white space."""
    return "".join(unicodedata.normalize("NFKC", text).split()).replace("\x00", "")


_PHONES = re.compile(r"[、,;/|或及]|\s{2,}")
_EXTENSION = re.compile(r"(?:转|-|ext\.?|#)\s*\d{1,5}$", re.IGNORECASE)


def phone(text: str) -> str:
    """Digits of the first telephone number of a cell without the country's; "" when too few to be one.

    A number of the fixed network loses its extension and keeps its area code (0851 …).
    """
    for part in _PHONES.split(unicodedata.normalize("NFKC", text)):
        plain = narrow(part)
        digits = _NOT_DIGIT.sub("", plain)
        if len(digits) > 12 and not digits.startswith(("86", "0086")):
            digits = _NOT_DIGIT.sub("", _EXTENSION.sub("", plain))
        digits = digits.removeprefix("00")
        digits = digits[2:] if len(digits) in (12, 13) and digits.startswith("86") else digits
        if len(digits) >= 7 and len(set(digits)) > 2:
            return digits
    return ""


_NUMERALS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_CLASS = re.compile(r"(\d+)\D*$")
_GRADE_AND_CLASS = re.compile(r"0?([1-9])(0[1-9]|[1-4]\d)班?")
"""803: a grade of one digit and a class of two; no school has a hundred classes of one grade."""


def class_label(text: str) -> str:
    """Number of a class within its grade, however it is written: 3班, (3)班, 三班, 七（3）班, 703, 2023级03班 → 3."""
    plain = re.sub("[零〇一二两三四五六七八九十]+", lambda m: f" {_numeral(m[0])} ", narrow(text)).strip()
    both = _GRADE_AND_CLASS.fullmatch(plain)
    found = _CLASS.search(plain)
    return str(int(both[2])) if both else str(int(found[1])) if found else narrow(text)


def class_grade(text: str, at: dt.date) -> int:
    """Grade that stands in the name of a class (七（3）班, 初一3班, 703 → 7), else -1; ``at`` dates 2023级."""
    from commonground.intake.grades import normalise

    plain = narrow(text)
    both = _GRADE_AND_CLASS.fullmatch(plain)
    if both:
        return int(both[1])
    if len(_NUMBERS.findall(plain)) < 2:
        return -1
    return normalise([plain], at).grade[0] or -1


_NUMBERS = re.compile(r"\d+|[零〇一二两三四五六七八九十]+")


def _numeral(text: str) -> int:
    """Chinese numeral below a hundred."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(_NUMERALS[c]) for c in text))
    return 10 * (_NUMERALS.get(tens, 1) if tens else 1) + (_NUMERALS.get(ones, 0) if ones else 0)


def area_stem(text: str) -> str:
    """Cut an address before its first number: what is left names the village or community."""
    stem = re.split(r"[0-9]", narrow(text), maxsplit=1)[0]
    return stem if len(stem) >= 4 else ""


def split_names(text: str) -> list[str]:
    """Cut a cell that lists several names."""
    return [part for part in _SPLIT.split(unicodedata.normalize("NFKC", text)) if part]


def points(texts: Sequence[str]) -> tuple[npt.NDArray[np.int32], Ints]:
    """Code points of all texts one after the other, and the text that each belongs to."""
    flat = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int32)
    size = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    return flat, np.repeat(np.arange(len(texts)), size)
