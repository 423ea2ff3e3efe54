"""The records of one table, or of several together, grouped by person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said
from commonground.people.clusters import AGAINST, CONFLICT, ONCE, Clusters, join_best
from commonground.people.pairs import Weighed, ids_of, weigh_tables

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FLOOR = -30.0
"""Pairs of less weight (bits) are forgotten; what they say is heard again where links join their records."""
COMPLETE = 100
"""Records that good links join, up to which all pairs among them are compared before they become one person."""
REASONS = {ONCE: "once", CONFLICT: "conflict", AGAINST: "against"}


@dataclass(frozen=True)
class Grouped:
    """Records grouped by person.

    Attributes
    ----------
    clusters : Clusters
        Group of each row (the tables' rows one after the other), and what became of each pair.
    a, b : int arrays (pairs,)
        Rows of the pairs.
    weight : array (pairs,)
        Log2 of the odds that the two are one person.
    weighed : Weighed
        Model and blocking rules.
    """

    clusters: Clusters
    a: Ints
    b: Ints
    weight: Floats
    weighed: Weighed

    def refused(self) -> dict[str, int]:
        """Count the links that were good enough by themselves and yet not made, by reason.

        ``once``: a table in which a person stands once would hold the person twice; ``conflict``: valid identity
        numbers differ; ``against``: more speaks against than for it when the records are taken together.
        """
        return {word: int((self.clusters.fate == fate).sum()) for fate, word in REASONS.items()}


def group_rows(
    table: pa.Table,
    *,
    fields: Sequence[str] | Mapping[str, str],
    seed: int = 0,
    threshold: float = 0.5,
    once: Ints | None = None,
    rank: Ints | None = None,
    rules: Sequence[Sequence[str]] | None = None,
    pair_budget: int | None = None,
    engine: Engine | None = None,
) -> Grouped:
    """Group the rows of one table by person; ``once`` and ``rank`` as for ``clusters.join_best``, else as below."""
    n = table.num_rows
    found = weigh_tables(
        table, fields=fields, seed=seed, rules=rules, pair_budget=pair_budget, floor=FLOOR, engine=engine
    )
    a, b, weight = found.a, found.b - n, found.weight
    least = float(np.log2(threshold / (1.0 - threshold)))
    x, y = unseen(n, a, b, weight >= least)
    if len(x):
        a, b = np.concatenate([a, x]), np.concatenate([b, y])
        weight = np.concatenate([weight, found.score(x, y + n)])
    numbers = [f.keys[0].values[:n] for f in found.fields if f.kind == "id_number"]
    keys = np.column_stack(numbers) if numbers else None
    clusters = join_best(n, a, b, weight, least=least, once=once, keys=keys, rank=rank)
    return Grouped(clusters, a, b, weight, found)


def unseen(rows: int, a: Ints, b: Ints, good: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pairs of rows that good links join, over others perhaps, and that no blocking rule has found.

    Where more than ``COMPLETE`` rows hang together none are given: that is no person, and what was compared decides.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(int(good.sum()), dtype=np.int8), (a[good], b[good])), shape=(rows, rows))
    _, part = connected_components(links, directed=False)
    size = np.bincount(part)
    order = np.argsort(part, kind="stable")
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    left, right = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for s in range(3, min(COMPLETE, int(size.max(initial=0))) + 1):  # all groups of one size at once
        members = order[start[np.flatnonzero(size == s)][:, None] + np.arange(s)]
        i, j = np.triu_indices(s, 1)
        left.append(members[:, i].ravel())
        right.append(members[:, j].ravel())
    x, y = np.concatenate(left), np.concatenate(right)
    packed = np.setdiff1d(
        np.minimum(x, y) * np.int64(rows) + np.maximum(x, y), np.minimum(a, b) * np.int64(rows) + np.maximum(a, b)
    )
    return np.divmod(packed, np.int64(max(rows, 1)))


def cluster_tables(
    tables: pa.Table | Sequence[pa.Table],
    *,
    fields: Sequence[str] | Mapping[str, str],
    seed: int = 0,
    threshold: float = 0.5,
    once: bool | Sequence[bool] | None = None,
    rules: Sequence[Sequence[str]] | None = None,
    pair_budget: int | None = None,
) -> pa.Table:
    """Group the records of one table, or of several tables together, by person.

    Links are tried from the surest down. Two groups become one person unless a table in which a person stands once is
    in both, or both hold a valid identity number and not the same one, or all comparisons between the two groups,
    taken together, speak against it. The groups do not depend on the order of the rows where the tables have ids.

    Parameters
    ----------
    tables : pa.Table or sequence of pa.Table
        Tables with the same columns.
    fields : sequence of str, or mapping
        Columns to compare and their kinds, as for ``link_tables``.
    seed : int
        As for ``link_tables``.
    threshold : float
        Least probability of a link that is tried.
    once : bool or sequence of bool, optional
        Whether a person stands once in a table, for all tables or for each; by default so in several tables, while in
        one table by itself duplicates are sought.
    rules, pair_budget
        As for ``link_tables``.

    Returns
    -------
    pa.Table
        A row for each record, in order: ``table`` (its number from 0), ``id`` (column ``unique_id``, ``record_id`` or
        ``id``, else the row's number from 0) and ``cluster`` (the person's number, from 0 in the order of the first
        records). The schema's metadata ``blocking`` holds the rules with their pairs, ``refused`` how many links that
        were good by themselves were not made: ``once``, ``conflict`` (identity numbers) or ``against``.

    Raises
    ------
    ContractError
        No table is given, a column is not in all tables, a kind of comparison is not known, ``once`` is not said of
        each table, ``threshold`` is not between 0 and 1, or the rules given exceed the budget.
    """
    import pyarrow as pa

    every = [tables] if isinstance(tables, pa.Table) else list(tables)
    if not 0.0 < threshold < 1.0:
        raise ContractError(
            Said(
                f"threshold 应在 0 与 1 之间，给出的是 {threshold}。",
                f"threshold must lie between 0 and 1, not {threshold}.",
            ),
            todo=Said("一般用 0.5。", "0.5 is usual."),
        )
    single = _once(every, once)
    whole = _together(every, list(fields))
    number = np.repeat(np.arange(len(every)), [t.num_rows for t in every])
    ids = [ids_of(t).cast(pa.string()) for t in every]
    names = pa.chunked_array([c for i in ids for c in i.chunks], pa.string())
    source = np.where(single[number], number, -1)
    found = group_rows(
        whole, fields=fields, seed=seed, threshold=threshold, once=source, rank=_rank(names, number), rules=rules,
        pair_budget=pair_budget,
    )  # fmt: skip
    alike = len({str(ids_of(t).type) for t in every}) == 1
    shown = pa.chunked_array([c for t in every for c in ids_of(t).chunks], ids_of(every[0]).type) if alike else names
    made = pa.table({"table": pa.array(number), "id": shown, "cluster": pa.array(found.clusters.cluster)})
    told = {"blocking": found.weighed.plan.to_dict(), "refused": found.refused()}
    return made.replace_schema_metadata({k: json.dumps(v, ensure_ascii=False) for k, v in told.items()})


def _once(every: Sequence[pa.Table], once: bool | Sequence[bool] | None) -> npt.NDArray[np.bool_]:
    if not every:
        raise ContractError(
            Said("没有给出任何表。", "No table is given."), todo=Said("请给出至少一张表。", "Give at least one table.")
        )
    if once is None or isinstance(once, bool):
        return np.full(len(every), len(every) > 1 if once is None else once)
    if len(once) != len(every):
        raise ContractError(
            Said(
                f"once 有 {len(once)} 个值，表有 {len(every)} 张。",
                f"once has {len(once)} values for {len(every)} tables.",
            ),
            todo=Said("请为每张表各写一个值，或只写一个。", "Give one value for each table, or a single one."),
        )
    return np.asarray(once, dtype=bool)


def _together(every: Sequence[pa.Table], columns: Sequence[str]) -> pa.Table:
    """The columns of all tables, one under the other; columns that do not have one type as texts."""
    import pyarrow as pa

    for table in every[1:]:
        for column in columns:
            if (column in table.column_names) != (column in every[0].column_names):
                raise ContractError(
                    Said(f"不是每张表都有列“{column}”。", f"The column “{column}” is not in all tables.")
                )
    kept = [c for c in columns if c in every[0].column_names]
    out = {}
    for column in kept:
        parts = [t.column(column) for t in every]
        same = len({str(p.type) for p in parts}) == 1
        kind = parts[0].type if same else pa.string()
        out[column] = pa.chunked_array([c for p in parts for c in (p if same else p.cast(kind)).chunks], kind)
    return pa.table(out)


def _rank(names: pa.ChunkedArray, number: Ints) -> Ints:
    """Place of each record in the order of ids and tables, which does not depend on the order of the rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = pa.table({"id": names, "table": pa.array(number)})
    order = pc.sort_indices(keys, [("id", "ascending"), ("table", "ascending")]).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank
