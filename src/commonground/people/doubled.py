"""A person who stands twice in a delivery where each should stand once: found and reported, neither lost nor hidden.

Rows of one delivery whose agreement needs no weighing are one person (``collapse``): both stay linked, and the pair is
reported as joined. Two persons of one delivery who are likely the same, but not beyond doubt, stay two, because hardly
anybody stands twice in such a register, and twins and namesakes do stand beside each other; the pair is reported as
doubtful, and a reviewer's decision makes one person of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.blocking import join, parts
from commonground.people.compare import compare
from commonground.people.edges import log_odds

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
RARE = 0.01
"""Share of persons of such a register who stand in it twice: a pair within it is that much less likely than across."""
LEAST = 0.5
"""Probability from which a pair is reported as doubtful."""
KEYS = (("source", "id"), ("source", "student"), ("source", "sound", "day"), ("source", "fold", "month"))
CAP = 60


@dataclass(frozen=True)
class Doubled:
    """Pairs of rows of ``People``, of one delivery each; ``joined`` where they are one person, with probability 1."""

    left: Ints
    right: Ints
    joined: npt.NDArray[np.bool_]
    probability: Floats

    def counts(self, source: Ints, sources: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Give for each source that has any: dataset, delivery, pairs joined and doubtful."""
        of = source[self.left]
        found = []
        for s in np.unique(of).tolist():
            name, delivery = sources[s]
            mine = self.joined[of == s]
            found.append(
                {"dataset": name, "delivery": delivery, "joined": int(mine.sum()), "doubtful": int((~mine).sum())}
            )
        return found


def find_doubled(linked: Linked) -> Doubled:
    """Find who stands twice in deliveries that should hold a person once."""
    people, place = linked.gathered.people, linked.place
    once = np.flatnonzero(~people.many)
    order = once[np.argsort(place[once], kind="stable")]
    first = np.append(True, place[order][1:] != place[order][:-1])[: len(order)]
    head = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    left, right = head[~first], order[~first]
    a, b, p = _doubtful(linked)
    row = np.full(len(linked.spine.units), -1, dtype=np.int64)
    row[place[::-1]] = np.arange(len(place))[::-1]
    return Doubled(
        np.concatenate([left, row[a]]), np.concatenate([right, row[b]]),
        np.arange(len(left) + len(a)) < len(left), np.concatenate([np.ones(len(left)), p]),
    )  # fmt: skip


def _doubtful(linked: Linked) -> tuple[Ints, Ints, Floats]:
    """Pairs of units of one source, in different persons, that may be one; without two different valid numbers."""
    spine = linked.spine
    units, rows = spine.units, np.flatnonzero(~spine.units.many)
    key = parts(units, rows)
    key.columns["source"] = units.source[rows]
    found = [np.stack(join(key.key(*names), key.key(*names), CAP)) for names in KEYS]
    pairs = np.concatenate(found, axis=1)
    pairs = np.unique(pairs[:, pairs[0] < pairs[1]], axis=1)
    a, b = pairs[:, spine.entity[pairs[0]] != spine.entity[pairs[1]]]
    a, b = (x[(units.id[a] < 0) | (units.id[b] < 0) | (units.id[a] == units.id[b])] for x in (a, b))
    rare = spine.frozen.rarity.shares(units.names, units.name[a])
    odds = log_odds(spine.frozen.general, compare(units, a, b), rare) + np.log(RARE)
    probability = 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60)))
    keep = probability >= LEAST
    return a[keep], b[keep], probability[keep]


def doubled_table(found: Doubled, record: Ints, source: Ints, sources: Sequence[tuple[str, str]]) -> pa.Table:
    """Make the vault's table: left_record, right_record, source, joined, probability, in the order of the records."""
    import pyarrow as pa

    order = np.lexsort((record[found.right], record[found.left]))
    names = np.array([f"{name}/{delivery}" for name, delivery in sources], dtype=object)
    return pa.table(
        {
            "left_record": pa.array(record[found.left][order]),
            "right_record": pa.array(record[found.right][order]),
            "source": pa.array(names[source[found.left][order]], pa.string()).dictionary_encode(),
            "joined": pa.array(found.joined[order]),
            "probability": pa.array(found.probability[order]),
        }
    )
