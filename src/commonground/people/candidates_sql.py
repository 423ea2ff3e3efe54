"""Candidate pairs of the city's spine as joins of an engine: the pairs of ``edges.find``, beyond one machine.

The keys of all rules are whole numbers, made once a record; the engine joins them, leaves out those that too many
share, and keeps each pair once. Nothing but row numbers and hashed keys goes to the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.edges import without

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine
    from commonground.people.edges import Find, Keyed, Keys

Ints = npt.NDArray[np.int64]
QUERY = """
SELECT DISTINCT least(l.place, r.place) AS low, greatest(l.place, r.place) AS high
FROM candidate_left AS l
JOIN candidate_right AS r ON l.rule = r.rule AND l.key = r.key
WHERE l.place <> r.place
ORDER BY low, high
"""


def finder(engine: Engine) -> Find:
    """Make what ``edges.find`` is, computed by ``engine``: the same pairs in the same order."""

    def find(fresh: Sequence[Keyed], every: Sequence[Keyed], crowded: Sequence[Keys], size: int) -> tuple[Ints, Ints]:
        engine.add_table("candidate_left", _keys([without(k, c) for k, c in zip(fresh, crowded, strict=True)]))
        engine.add_table("candidate_right", _keys(every))
        found = engine.table(QUERY)
        low, high = (found.column(n).to_numpy().astype(np.int64) for n in ("low", "high"))
        return low, high

    return find


def _keys(keyed: Sequence[Keyed]) -> pa.Table:
    """Keys of all rules in one table."""
    import pyarrow as pa

    rule = np.repeat(np.arange(len(keyed)), [len(k) for _, k in keyed])
    rows, keys = (np.concatenate([k[i] for k in keyed]) for i in (0, 1))
    return pa.table({"rule": rule, "key": keys.astype(np.int64), "place": rows})
