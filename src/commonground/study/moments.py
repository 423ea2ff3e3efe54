"""Sums that a mixed model needs, by GROUP BY on the engine.

Every column is turned into integers (a power of two times the value, so that the step is at most 2**-31 of the
column's range) and centred at an integer near its mean, and products are added as integers. Integer sums do not
depend on the order of rows or threads, so results are the same to the last bit from run to run; centring keeps the
digits that matter when the mean is large. Columns of an uncorrelated slope are not centred, because that would change
the model. Nothing here grows with the number of rows but the engine's own scan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from commonground.engine import Engine
from commonground.errors import Said, StudyError
from commonground.study.design import INTERCEPT_NAME, SOURCE, Design, source_rows

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WORK = "study_integers"
_BITS = 31


@dataclass(frozen=True)
class GroupSums:
    """Sums by level of one grouping factor.

    Attributes
    ----------
    name : str
        The factor.
    levels : tuple of str
        Labels in code order, q of them.
    index : IntArray
        Positions of its c varying columns among all columns.
    mask : array of bool, shape (c, c)
        True where two varying columns belong to one correlated block.
    sums : Array, shape (q, c, P)
        Cross-products of the varying columns with all P columns (the last is the response).
    count : Array, shape (q,)
        Rows of each level.
    """

    name: str
    levels: tuple[str, ...]
    index: IntArray
    mask: npt.NDArray[np.bool_]
    sums: Array
    count: Array


@dataclass(frozen=True)
class PairSums:
    """Sums by pair of levels of two grouping factors: codes and an array of shape (k, c_a, c_b)."""

    left: IntArray
    right: IntArray
    sums: Array


@dataclass(frozen=True)
class Moments:
    """All that the fit needs of the data; in centred units.

    Attributes
    ----------
    names : tuple of str
        P columns; the last is the response, named "".
    n, dropped : int
        Complete rows, and rows left out because a value is missing.
    mean : Array, shape (P,)
        What was subtracted from each column.
    products : Array, shape (P, P)
        Cross-products of all columns.
    groups : tuple of GroupSums
    pairs : dict
        (i, j) with i < j → PairSums of groups i and j.
    fixed : IntArray
        Positions of the fixed columns.
    """

    names: tuple[str, ...]
    n: int
    dropped: int
    mean: Array
    products: Array
    groups: tuple[GroupSums, ...]
    pairs: dict[tuple[int, int], PairSums]
    fixed: IntArray


@dataclass(frozen=True)
class _Scale:
    """Integers of a column: value = (integer - shift) * step + centre."""

    step: Array
    shift: list[int]

    @property
    def centre(self) -> Array:
        return np.array([s * t for s, t in zip(self.shift, self.step, strict=True)])


def _not_centred(design: Design) -> set[str]:
    if INTERCEPT_NAME not in design.fixed:
        return {c.name for c in design.columns} | {""}
    blocks = [b for g in design.groupings for b in g.blocks]
    return {INTERCEPT_NAME} | {c for b in blocks if INTERCEPT_NAME not in b.columns for c in b.columns}


def _steps(engine: Engine, sql: list[str], free: list[bool], where: str) -> tuple[int, Array]:
    """Count the complete rows and choose the step of each column: a power of two from its range."""
    ranges = ", ".join(f"min({s})::DOUBLE, max({s})::DOUBLE" for s in sql)
    row = engine.rows(f"SELECT count(*), {ranges} FROM {SOURCE} WHERE {where}")[0]
    n = int(row[0])
    if n == 0:
        raise StudyError(
            Said("没有一行数据是完整的。", "No row of the data is complete."),
            why=Said("公式中的变量在每一行都有缺失。", "In every row some variable of the formula is missing."),
            todo=Said(
                "请检查变量的取值，或从公式中去掉多数缺失的变量。",
                "Check the values, or leave mostly missing variables out.",
            ),
        )
    steps = np.ones(len(sql))
    for i, centred in enumerate(free):
        low, high = float(row[1 + 2 * i]), float(row[2 + 2 * i])
        reach = (high - low) if centred else max(abs(low), abs(high))
        # a constant column centres to nothing; any step will do
        steps[i] = 2.0 ** (math.ceil(math.log2(reach)) - _BITS) if reach > 0 else 2.0**-_BITS * max(abs(high), 1.0)
    return n, steps


def _codes(engine: Engine, design: Design) -> list[tuple[str, ...]]:
    """Make one table of labels and codes for each grouping factor."""
    labels = []
    for k, group in enumerate(design.groupings):
        engine.run(
            f"CREATE OR REPLACE TEMP TABLE study_group_{k} AS "
            "SELECT label, (row_number() OVER (ORDER BY label) - 1)::INT AS code "
            f"FROM (SELECT DISTINCT {group.sql} AS label FROM {SOURCE} WHERE {design.keep})"
        )
        labels.append(tuple(str(r[0]) for r in engine.rows(f"SELECT label FROM study_group_{k} ORDER BY code")))
    return labels


def _integers(engine: Engine, design: Design, sql: list[str], steps: Array) -> None:
    """Write the integer columns and group codes of the complete rows to a working table."""
    values = ", ".join(
        f"round(({s}) * {1 / float(step)!r})::BIGINT AS x{i}"
        for i, (s, step) in enumerate(zip(sql, steps, strict=True))
    )
    keys = "".join(f", g{k}.code AS g{k}" for k in range(len(design.groupings)))
    labels = "".join(f", {g.sql} AS label{k}" for k, g in enumerate(design.groupings))
    joins = " ".join(f"JOIN study_group_{k} AS g{k} ON s.label{k} = g{k}.label" for k in range(len(design.groupings)))
    picked = ", ".join(f"s.x{i}" for i in range(len(sql)))
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {_WORK} AS SELECT {picked}{keys} FROM "
        f"(SELECT {values}{labels} FROM {SOURCE} WHERE {design.keep}) AS s {joins}"
    )


def _shifts(engine: Engine, n: int, free: list[bool]) -> list[int]:
    """Give the integer nearest to each column's mean, or zero where the column must stay as it is."""
    sums = engine.rows(f"SELECT {', '.join(f'sum(x{i})' for i in range(len(free)))} FROM {_WORK}")[0]
    return [round(int(total) / n) if centred else 0 for total, centred in zip(sums, free, strict=True)]


def _fetch(engine: Engine, sql: str) -> tuple[list[IntArray], Array]:
    """Run a query of code columns g… and integer sums; give codes and sums (rows, columns) as floats."""
    found = engine.table(sql)
    codes = [found[k].to_numpy().astype(np.int64) for k in found.column_names if k.startswith("g")]
    sums = [found[k].to_numpy().astype(np.float64) for k in found.column_names if not k.startswith("g")]
    return codes, np.stack(sums, axis=1) if sums else np.zeros((len(codes[0]), 0))


def _product(i: int, j: int, scale: _Scale) -> str:
    """Write the SQL of an exact integer sum of products, given as a float only when it is complete."""
    left, right = f"(x{i} - {scale.shift[i]})", f"(x{j} - {scale.shift[j]})"
    return f"sum({left} * {right})::DOUBLE AS s{i}_{j}"


def compute_moments(engine: Engine, design: Design) -> Moments:
    """Compute all sums of a design over the attached source.

    Parameters
    ----------
    engine : Engine
        With the source attached.
    design : Design
        Columns, groups and complete rows.

    Raises
    ------
    StudyError
        No row is complete.
    """
    names = (*(c.name for c in design.columns), "")
    sql = [c.sql for c in design.columns] + [design.response]
    fixed_place = _not_centred(design)
    free = [name not in fixed_place for name in names]
    n, steps = _steps(engine, sql, free, design.keep)
    labels = _codes(engine, design)
    _integers(engine, design, sql, steps)
    scale = _Scale(steps, _shifts(engine, n, free))
    try:
        return _sum_up(engine, design, names, n, labels, scale)
    finally:
        engine.run(f"DROP TABLE IF EXISTS {_WORK}")
        for k in range(len(labels)):
            engine.run(f"DROP TABLE IF EXISTS study_group_{k}")


def _sum_up(
    engine: Engine, design: Design, names: tuple[str, ...], n: int, labels: list[tuple[str, ...]], scale: _Scale
) -> Moments:
    width, step = len(names), scale.step
    upper = [(i, j) for i in range(width) for j in range(i, width)]
    _, totals = _fetch(engine, f"SELECT {', '.join(_product(i, j, scale) for i, j in upper)} FROM {_WORK}")
    products = np.zeros((width, width))
    for (i, j), total in zip(upper, totals[0], strict=True):
        products[i, j] = products[j, i] = total * step[i] * step[j]
    groups, pairs = [], {}
    for k, group in enumerate(design.groupings):
        index = np.array([names.index(c) for c in group.columns], dtype=np.int64)
        cells = ", ".join(_product(i, j, scale) for i in index for j in range(width))
        _, sums = _fetch(engine, f"SELECT g{k}, count(*) AS n, {cells} FROM {_WORK} GROUP BY g{k} ORDER BY g{k}")
        shaped = sums[:, 1:].reshape(-1, len(index), width) * step[index][None, :, None] * step[None, None, :]
        block = np.concatenate([np.full(len(b.columns), i) for i, b in enumerate(group.blocks)])
        mask = block[:, None] == block[None, :]
        groups.append(GroupSums(group.name, labels[k], index, mask, shaped, sums[:, 0]))
        for earlier in range(k):
            a = groups[earlier].index
            cells = ", ".join(_product(i, j, scale) for i in a for j in index)
            order = f"g{earlier}, g{k}"
            codes, sums = _fetch(engine, f"SELECT {order}, {cells} FROM {_WORK} GROUP BY {order} ORDER BY {order}")
            shaped = sums.reshape(-1, len(a), len(index)) * step[a][None, :, None] * step[index][None, None, :]
            pairs[earlier, k] = PairSums(codes[0], codes[1], shaped)
    fixed = np.array([names.index(c) for c in design.fixed], dtype=np.int64)
    dropped = source_rows(engine) - n
    return Moments(names, n, dropped, scale.centre, products, tuple(groups), pairs, fixed)


def select(moments: Moments, fixed: Sequence[str], varying: Mapping[str, Sequence[Sequence[str]]]) -> Moments:
    """Take the sums of a smaller model out of those of a larger one, without touching the data.

    Parameters
    ----------
    moments : Moments
        Of the larger model.
    fixed : sequence of str
        Names of the fixed columns.
    varying : mapping
        Grouping factor → blocks of column names that vary by it; columns in one block are correlated.

    Raises
    ------
    KeyError
        A column or factor is not among the larger model's.
    """
    place = {name: i for i, name in enumerate(moments.names)}
    groups, chosen, positions = [], [], []
    for number, group in enumerate(moments.groups):
        if group.name not in varying:
            continue
        blocks = varying[group.name]
        names = [c for b in blocks for c in b]
        within = np.array([group.index.tolist().index(place[c]) for c in names], dtype=np.int64)
        block = np.concatenate([np.full(len(b), i) for i, b in enumerate(blocks)])
        groups.append(
            replace(
                group,
                index=group.index[within],
                mask=block[:, None] == block[None, :],
                sums=group.sums[:, within, :],
            )
        )
        chosen.append(number)
        positions.append(within)
    pairs = {}
    for i, a in enumerate(chosen):
        for j in range(i + 1, len(chosen)):
            pair = moments.pairs[a, chosen[j]]
            pairs[i, j] = replace(pair, sums=pair.sums[:, positions[i], :][:, :, positions[j]])
    index = np.array([place[name] for name in fixed], dtype=np.int64)
    return replace(moments, groups=tuple(groups), pairs=pairs, fixed=index)
