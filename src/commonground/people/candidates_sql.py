"""Candidate pairs of the city's spine as joins of an engine: the pairs of ``blocking.candidates``, beyond one machine.

The keys of all rules are whole numbers, made once a record; the engine joins them, leaves out keys that too many share,
and keeps each pair once. Nothing but row numbers and hashed keys goes to the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine
    from commonground.people.blocking import Find, Index

Ints = npt.NDArray[np.int64]
QUERY = """
WITH narrow AS (SELECT rule, key FROM candidate_right GROUP BY rule, key, most HAVING count(*) <= most)
SELECT DISTINCT l.place AS place, r.grouped AS grouped
FROM candidate_left AS l
JOIN candidate_right AS r ON l.rule = r.rule AND l.key = r.key
JOIN narrow AS n ON n.rule = r.rule AND n.key = r.key
ORDER BY place, grouped
"""


def finder(engine: Engine) -> Find:
    """Make what ``blocking.candidates`` is, computed by ``engine``: the same pairs in the same order."""

    def find(index: Index, a: Ints, b: Ints, group: Callable[[Ints], Ints]) -> tuple[Ints, Ints]:
        engine.add_table("candidate_left", _keys(index, a, a, "place"))
        engine.add_table("candidate_right", _keys(index, b, group(b), "grouped"))
        found = engine.table(QUERY)
        rows, groups = (found.column(n).to_numpy().astype(np.int64) for n in ("place", "grouped"))
        return rows, groups

    return find


def _keys(index: Index, rows: Ints, numbers: Ints, column: str) -> pa.Table:
    """Known keys of ``rows`` for each rule, how many rows a key may have, and the rows' ``numbers`` as ``column``."""
    import pyarrow as pa

    parts = []
    for rule, (most, grid) in enumerate(index.grids):
        keys = grid[rows].T.ravel()
        known = np.flatnonzero(keys >= 0)
        mine = np.tile(numbers, grid.shape[1])[known]
        parts.append((np.full(len(known), rule), np.full(len(known), most), keys[known], mine))
    columns = [np.concatenate(one) for one in zip(*parts, strict=True)]
    return pa.table(dict(zip(("rule", "most", "key", column), columns, strict=True)))
