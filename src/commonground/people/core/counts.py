"""How often each value occurs: the chance of agreeing by accident, and how rare a value is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.people.core.kinds import Key
from commonground.people.fields import Field

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[Any]
NARROW = 4_000_000
"""Values of no wider a range are counted in an array, others by their hash."""


@dataclass(frozen=True)
class Share:
    """How often a key agrees by accident.

    Attributes
    ----------
    level : int
        Level of agreement of which the key tells.
    among_all : float
        Share of agreeing pairs among all pairs of records that both have a value, true pairs included.
    of_row : array (left rows,)
        Share of each left row's value among the records that have one; 1 where the row has none, empty for a key whose
        rarity says nothing.
    """

    level: int
    among_all: float
    of_row: Floats


def shares(fields: Sequence[Field], n: int, same: bool) -> list[list[Share]]:
    """Count the values of all keys of all fields; the first ``n`` rows are the left table's."""
    return [[_share(key, n, same) for key in f.keys] for f in fields]


def _share(key: Key, n: int, same: bool) -> Share:
    number, size = numbered(key.values)
    left = number[:n]
    a, b = (np.bincount(x[x >= 0], minlength=size).astype(np.float64) for x in (left, number[n:]))
    pairs = (a * (a - 1)).sum() if same else (a * b).sum()
    total = a.sum() * (a.sum() - 1) if same else a.sum() * b.sum()
    of_row: Floats = np.zeros(0)
    if key.rare:
        both = a + b
        of_value = np.append(both / max(both.sum(), 1.0), 1.0).astype(np.float32)
        of_row = of_value[left]
    return Share(key.level, float(pairs / max(total, 1.0)), of_row)


def numbered(values: Ints) -> tuple[Ints, int]:
    """Small numbers for values that are not negative, and how many there may be; -1 for the others."""
    import pyarrow as pa

    if not len(values):
        return values, 0
    top = int(values.max())
    if top < NARROW:
        return values, top + 1
    codes = pa.array(values).dictionary_encode()
    pa.default_memory_pool().release_unused()  # what the table of values took
    number = codes.indices.to_numpy(zero_copy_only=False)
    missing = np.asarray(codes.dictionary) < 0
    if missing.any():
        number = np.where(missing[number], -1, number)
    return number, len(codes.dictionary)
