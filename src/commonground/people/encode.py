"""Texts to integers, each distinct text once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
_NOT_DIGIT = re.compile(r"\D")
_SPLIT = re.compile(r"[、,，;；/\s|]+")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


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

    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    encoded = column.combine_chunks().dictionary_encode()
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


def phone(text: str) -> str:
    """Digits of a telephone number without the country's; "" when too few to be one."""
    digits = _NOT_DIGIT.sub("", narrow(text))
    digits = digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
    return digits if len(digits) >= 7 and len(set(digits)) > 2 else ""


def area_stem(text: str) -> str:
    """Cut an address before its first number: what is left names the village or community."""
    stem = re.split(r"[0-9]", narrow(text), maxsplit=1)[0]
    return stem if len(stem) >= 4 else ""


def split_names(text: str) -> list[str]:
    """Cut a cell that lists several names."""
    return [part for part in _SPLIT.split(unicodedata.normalize("NFKC", text)) if part]


def check_character(first17: str) -> str:
    """Check character of an identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(d) * w for d, w in zip(first17, _WEIGHTS, strict=True)) % 11]


def valid_id(text: str) -> str:
    """Give the 18 characters of a valid identity number, or ""; 15 digits are lengthened with the century 19."""
    number = narrow(text).upper()
    if re.fullmatch(r"\d{15}", number):
        number = number[:6] + "19" + number[6:]
        number += check_character(number)
    if not re.fullmatch(r"\d{17}[\dX]", number) or check_character(number[:17]) != number[17]:
        return ""
    return number if birth_day(number) is not None else ""


def birth_day(number: str) -> int | None:
    """Days from 1970-01-01 to the date inside an identity number, or None when it is no date."""
    text = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    try:
        return int(np.datetime64(text, "D").astype(np.int64)) if text[:2] in ("18", "19", "20") else None
    except ValueError:
        return None
