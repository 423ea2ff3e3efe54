"""Pairs that linking looked at, kept in the vault with their probability: for review, for the report, for studies.

A study that takes links as certain forgets that some are wrong; with the candidates and their probabilities it can
draw other spines that the evidence allows. A pair says nothing by itself but holds record ids, so that it stays in the
vault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.compare import FIELDS

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
LEAST_BITS = -10.0
"""Pairs of less weight are not kept unless they were chosen: a thousand of them hold one match at most."""


@dataclass(frozen=True)
class Compared:
    """Pairs of units with what was found of them.

    Attributes
    ----------
    left, right : int arrays (pairs,)
        Unit that was linked, and the closest unit of the person that it was compared with.
    weight : array (pairs,)
        Log2 of the odds that the two are one person.
    probability : array (pairs,)
        The same as a probability, after competition with the other pairs of the record and of the person.
    chosen : bool array (pairs,)
        Whether the record was linked to that person.
    method : int array (pairs,)
        Place in ``spine.METHODS``.
    levels : int8 array (pairs, fields)
        Closest agreement with the person, field by field.
    """

    left: Ints
    right: Ints
    weight: Floats
    probability: Floats
    chosen: npt.NDArray[np.bool_]
    method: Ints
    levels: npt.NDArray[np.int8]

    def without(self, units: Ints) -> Compared:
        """Leave out the pairs of ``units``, that are compared once more."""
        return self.take(~np.isin(self.left, units))

    def take(self, at: npt.NDArray[np.bool_] | Ints) -> Compared:
        """Give some of the pairs."""
        return Compared(
            self.left[at], self.right[at], self.weight[at], self.probability[at], self.chosen[at], self.method[at],
            self.levels[at],
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Compared]) -> Compared:
        """Put the pairs of all sources together."""
        rows, numbers = np.zeros(0, dtype=np.int64), np.zeros(0)
        levels = np.zeros((0, len(FIELDS)), dtype=np.int8)
        none = cls(rows, rows, numbers, numbers, np.zeros(0, dtype=bool), rows, levels)
        names = ("left", "right", "weight", "probability", "chosen", "method", "levels")
        every = (none, *parts)
        return cls(*(np.concatenate([getattr(p, n) for p in every]) for n in names))


def pair_table(found: Compared, record: Ints, source: Ints, sources: Sequence[str], methods: Sequence[str]) -> pa.Table:
    """Make the vault's table of pairs, in the order of the records.

    Parameters
    ----------
    found : Compared
        Pairs of units.
    record, source : int arrays (units,)
        Record that stands for each unit, and its place in ``sources``.
    sources : sequence of str
        ``department.dataset/delivery``.
    methods : sequence of str
        Names of the methods.
    """
    import pyarrow as pa

    order = np.lexsort((record[found.right], record[found.left]))
    left, right = found.left[order], found.right[order]

    def named(places: Ints, names: Sequence[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(list(names), pa.string()))

    return pa.table(
        {
            "left_record": pa.array(record[left]),
            "right_record": pa.array(record[right]),
            "left_source": named(source[left], sources),
            "right_source": named(source[right], sources),
            "weight": pa.array(found.weight[order]),
            "probability": pa.array(found.probability[order]),
            "chosen": pa.array(found.chosen[order]),
            "method": named(found.method[order], methods),
            **{f"level_{f}": pa.array(found.levels[order, k]) for k, f in enumerate(FIELDS)},
        }
    )
