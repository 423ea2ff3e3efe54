"""Texts and rows of integers as 63-bit hashes that mean the same in every build.

Running numbers change with every delivery that brings a new text. What is kept from build to build (keys of blocking,
shares of names, marks of records) is kept under hashes of the texts instead. They are no secret keys: whatever they
stand in lives in the vault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
_STEP = 0x9E3779B97F4A7C15
_TEXTS = 200_000
"""Texts that are hashed at once, to keep memory small."""


def _scramble(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014): every bit depends on every bit."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
        return out


def _multipliers(size: int) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        return _scramble((np.arange(1, size + 1, dtype=np.uint64)) * np.uint64(_STEP)) | np.uint64(1)


def hash_texts(texts: pa.Array | Sequence[str]) -> Ints:
    """Hash each text: a multilinear hash of its UTF-8 bytes, 0 or more; -1 for the empty text and for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = texts if isinstance(texts, pa.Array) else pa.array(list(texts), pa.string())
    column = pc.fill_null(pc.cast(column, pa.large_string()), "")
    out = np.full(len(column), -1, dtype=np.int64)
    for at in range(0, len(column), _TEXTS):
        out[at : at + _TEXTS] = _hash_some(column.slice(at, _TEXTS))
    return out


def _hash_some(column: pa.LargeStringArray) -> Ints:
    _, offsets, values = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    size = np.diff(ends)
    out = np.full(len(column), -1, dtype=np.int64)
    some = np.flatnonzero(size > 0)
    if not len(some):
        return out
    flat = np.frombuffer(values, dtype=np.uint8)[ends[0] : ends[-1]].astype(np.uint64)
    begin = (ends[:-1] - ends[0])[some]  # empty texts take no bytes, so that these follow one another
    place = np.arange(len(flat)) - np.repeat(begin, size[some])
    with np.errstate(over="ignore"):
        weighed = (flat + np.uint64(1)) * _multipliers(int(size.max()))[place]
        total = np.add.reduceat(weighed, begin) + size[some].astype(np.uint64) * np.uint64(_STEP)
    out[some] = (_scramble(total) >> np.uint64(1)).astype(np.int64)
    return out


def hash_columns(columns: Sequence[Ints]) -> Ints:
    """Hash each row of several columns of integers into one number of 63 bits."""
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns):
            total = _scramble(total + column.astype(np.uint64) * np.uint64(_STEP) + np.uint64(k + 1))
    return (total >> np.uint64(1)).astype(np.int64)
