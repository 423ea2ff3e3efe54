"""Arrow's columns of text as arrays: code points, bytes and hashes, without a Python string for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
"""Base of the polynomial hash: of the texts x and y together it is hash(x) * BASE ** len(y) + hash(y)."""
MISSING = -1


@dataclass(frozen=True)
class Texts:
    """A column of text as Arrow keeps it.

    Attributes
    ----------
    data : uint8 array
        UTF-8 of all values, one after the other.
    offsets : int array (rows + 1,)
        Where each value begins in ``data``.
    null : bool array (rows,)
        Rows without a value.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32] | Ints
    null: npt.NDArray[np.bool_]

    @property
    def sizes(self) -> npt.NDArray[np.int32] | Ints:
        """Bytes of each value; 0 for null."""
        return np.where(self.null, 0, np.diff(self.offsets))


def texts_of(column: pa.ChunkedArray | pa.Array) -> Texts:
    """Look at a column's buffers; other types are written out as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):  # too long for one array of 32-bit offsets, or empty
        whole = pa.concat_arrays([c.cast(pa.large_string()) for c in whole.chunks] or [pa.array([], pa.string())])
    if not (pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type)):
        whole = pc.cast(whole, pa.string())
    width: type[Any] = np.int32 if pa.types.is_string(whole.type) else np.int64
    _, offsets, data = whole.buffers()
    n = len(whole)
    if offsets is None or not n:
        return Texts(np.zeros(0, np.uint8), np.zeros(1, np.int32), np.zeros(0, bool))
    at = np.frombuffer(offsets, width, n + 1, whole.offset * np.dtype(width).itemsize)
    null = np.zeros(n, bool) if not whole.null_count else np.asarray(whole.is_null())
    return Texts(np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), at, null)


Column = tuple["pa.ChunkedArray", "pa.ChunkedArray"]


def both(columns: Column) -> pa.ChunkedArray:
    """Two columns of text, one after the other; where both hold dictionaries they stay so."""
    import pyarrow as pa

    kinds = {c.type for c in columns}
    coded = len(kinds) == 1 and pa.types.is_dictionary(columns[0].type)
    if coded and pa.types.is_string(columns[0].type.value_type):
        return pa.chunked_array([chunk for c in columns for chunk in c.chunks], columns[0].type)
    texts = [c if pa.types.is_string(c.type) else c.cast(pa.string()) for c in columns]
    return pa.chunked_array([chunk for c in texts for chunk in c.chunks], pa.string())


def code_points(texts: Texts) -> tuple[npt.NDArray[np.int32], Ints, Ints]:
    """Code points of all values one after the other, the place of each value's first, and how many it has."""
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    data = texts.data[first:last]
    offsets = texts.offsets - texts.offsets[0]
    if len(data) % 3 == 0 and not (offsets % 3).any() and ((data[::3] & 0xF0) == 0xE0).all():  # Han characters alone
        three = data.reshape(-1, 3)
        flat = (three[:, 0] & 15).astype(np.int32) << 12
        flat |= (three[:, 1] & 63).astype(np.int32) << 6
        flat |= three[:, 2] & 63
        start = offsets[:-1].astype(np.int64) // 3
        return flat, start, np.where(texts.null, 0, np.diff(offsets) // 3).astype(np.int64)
    lead = (data & 0xC0) != 0x80
    count = np.concatenate([[0], np.cumsum(lead)])
    flat = np.frombuffer(data.tobytes().decode("utf-8").encode("utf-32-le"), "<u4").astype(np.int32)
    start, end = count[offsets[:-1]], count[offsets[1:]]
    return flat, start, np.where(texts.null, 0, end - start)


def finish(polynomial: Hashes) -> Ints:
    """Turn polynomial hashes into keys of 63 bits, never negative."""
    with np.errstate(over="ignore"):
        mixed = (polynomial ^ (polynomial >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(1)).astype(np.int64)


def polynomial(text: str) -> int:
    """Polynomial hash of one text."""
    value, base = 0, int(BASE)
    for character in text:
        value = (value * base + ord(character) + 1) & 0xFFFFFFFFFFFFFFFF
    return value


def power(length: int) -> int:
    """Give the base to the power of a text's length."""
    return pow(int(BASE), length, 1 << 64)


def key_of(text: str) -> int:
    """Key of one text, as ``keys_of`` gives it; -1 for none."""
    return int(finish(np.array([polynomial(text)], np.uint64))[0]) if text else MISSING


def keys_of(texts: Sequence[str]) -> Ints:
    """Keys of 63 bits, equal where two texts are; -1 for an empty one.

    Two of ten million different texts share a key with a chance of one in a hundred thousand.
    """
    size = np.fromiter(map(len, texts), np.int64, len(texts))
    flat = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64) + np.uint64(1)
    end = np.cumsum(size)
    if not len(flat):
        return np.full(len(texts), MISSING, np.int64)
    powers = np.ones(int(size.max()), np.uint64)
    with np.errstate(over="ignore"):
        powers[1:] = BASE
        powers = np.cumprod(powers, dtype=np.uint64)
        term = flat * powers[np.repeat(end, size) - 1 - np.arange(len(flat))]
        some = size > 0
        total = np.zeros(len(texts), np.uint64)
        total[some] = np.add.reduceat(term, (end - size)[some])
    return np.where(some, finish(total), MISSING)
