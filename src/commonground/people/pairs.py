"""Two tables, or one with itself, linked by the columns that one names: the core without a city around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said, did_you_mean
from commonground.people import fellegi_sunter as fs
from commonground.people.assign import compete
from commonground.people.births import DAY, NO_DAY, compare_births
from commonground.people.blocking import join, mix
from commonground.people.distance import code_points, edit_distance
from commonground.people.encode import Coder, integers, narrow
from commonground.people.nametable import NameTable, compare_names, name_table

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
KINDS = ("name", "date", "text", "code")
IDS = ("unique_id", "record_id", "id")
SAMPLE = 200_000


@dataclass(frozen=True)
class Field:
    """One column of both tables as integers; the rows of the right table follow those of the left.

    ``key`` is equal where a join may look, ``exact`` where the values are the same.
    """

    name: str
    kind: str
    value: Ints
    key: Ints
    exact: Ints
    levels: int
    table: NameTable | None = None
    grid: npt.NDArray[np.int32] | None = None
    length: Ints | None = None

    def compare(self, a: Ints, b: Ints) -> Levels:
        """Level of agreement of rows ``a`` and ``b``."""
        x, y = self.value[a], self.value[b]
        if self.table is not None:
            return compare_names(self.table, x, y)
        if self.kind == "date":
            day = np.full(len(a), DAY)
            return compare_births(x, day, y, day)
        missing = (x < 0) | (y < 0)
        level = np.where(x == y, self.levels, 1).astype(np.int8)
        if self.grid is not None and self.length is not None:
            level = _near(self.grid, self.length, x, y, level, missing | (x == y))
        level[missing] = 0
        return level


def _near(
    grid: npt.NDArray[np.int32], length: Ints, x: Ints, y: Ints, level: Levels, skip: npt.NDArray[np.bool_]
) -> Levels:
    """Levels of texts that differ: 3 one slip, 2 seven tenths alike, 1 other; over distinct pairs."""
    at = np.flatnonzero(~skip)
    packed, inverse = np.unique(x[at] * np.int64(len(grid)) + y[at], return_inverse=True)
    a, b = np.divmod(packed, len(grid))
    slips = edit_distance(grid, length, a, b)
    longest = np.maximum(np.maximum(length[a], length[b]), 1)
    found = np.where(slips <= 1, 3, np.where(slips <= 0.3 * longest, 2, 1)).astype(np.int8)
    found[(slips <= 1) & (longest <= 1)] = 1
    level[at] = found[inverse]
    return level


def _kind(table: pa.Table, column: str) -> str:
    import pyarrow as pa

    if pa.types.is_date(table.column(column).type) or pa.types.is_timestamp(table.column(column).type):
        return "date"
    low = column.lower()
    if low in ("name", "姓名", "xm") or low.endswith("_name"):
        return "name"
    values = table.column(column).combine_chunks()
    return "code" if len(values.unique()) <= 20 else "text"


def _field(column: str, kind: str, left: pa.Table, right: pa.Table) -> Field:
    sides = (left.column(column), right.column(column))
    sizes = (left.num_rows, right.num_rows)
    if kind == "date":
        value = np.concatenate([_days(c, n) for c, n in zip(sides, sizes, strict=True)])
        key = np.where(value == NO_DAY, -1, value + 1_000_000)
        return Field(column, kind, value, key, key, 9)
    coder = Coder(str.strip) if kind == "name" else Coder(lambda t: narrow(t).lower())
    value = np.concatenate([coder.column(c, n) for c, n in zip(sides, sizes, strict=True)])
    if kind == "name":
        table = name_table(coder.texts)

        def of(attribute: Ints) -> Ints:
            return np.where(value >= 0, attribute[np.maximum(value, 0)], -1) if len(attribute) else value

        return Field(column, kind, value, of(table.sound), of(table.key), 7, table=table)
    if kind == "code":
        return Field(column, kind, value, value, value, 2)
    grid, length = code_points(coder.texts)
    return Field(column, kind, value, value, value, 4, grid=grid, length=length)


def _days(column: pa.ChunkedArray, rows: int) -> Ints:
    """Days since 1970 of a column of dates, or of texts such as 2014-03-15 or 20140315."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.date32(), safe=False)
    if not pa.types.is_date(column.type):
        digits = pc.replace_substring_regex(pc.cast(column, pa.string()), r"\D", "")
        good = pc.if_else(pc.match_substring_regex(digits, r"^\d{8}$"), digits, None)
        column = pc.cast(pc.strptime(good, "%Y%m%d", "s", error_is_null=True), pa.date32())
    return integers(column, rows, NO_DAY)


def _candidates(fields: Sequence[Field], left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Pairs that agree on a rare value of one field, or on two fields."""
    total, found = np.int64(max(left.max(initial=0), right.max(initial=0)) + 1), []
    strong = [f for f in fields if f.kind != "code"]
    keys = [(f.key, 20) for f in strong]
    keys += [(mix(f.key, g.key), 200) for f, g in combinations(strong, 2)]
    keys += [
        (mix(f.key, g.key, h.key), 200)
        for f in strong
        for g, h in combinations(fields, 2)
        if g.kind == "code" == h.kind
    ]
    for key, cap in keys:
        a, b = join((left, key[left]), (right, key[right]), cap)
        found.append(a * total + b)
    packed = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return np.divmod(packed, total)


def _start(fields: Sequence[Field], random: Levels, matches: float, pairs: float) -> fs.Model:
    """First guesses: u counted on random pairs, m falling off from agreement to disagreement."""
    names = tuple(f.name for f in fields)
    flat = {f.name: np.array([1.0] + [1.0 / f.levels] * f.levels) for f in fields}
    same = {}
    for f in fields:
        guess = np.array([0.05 / max(1, f.levels - 1)] * (f.levels - 1) + [0.95])
        same[f.name] = np.concatenate([[1.0], guess])
    u = fs.frequencies(random, names, flat, 0.5)
    share = matches / pairs
    return fs.Model(names, same, u, u, np.array([share, 1e-12, 1.0 - share]))


def _rarity(fields: Sequence[Field], model: fs.Model, a: Ints, levels: Levels, total: int) -> Floats:
    """How much commoner or rarer the agreeing values are than the average (Winkler's frequency adjustment)."""
    out = np.zeros(len(a))
    for column, f in enumerate(fields):
        if f.kind == "code":
            continue
        exact = f.exact
        count = np.bincount(exact[exact >= 0], minlength=int(exact.max(initial=0)) + 1)
        at = (levels[:, column] == f.levels) & (exact[a] >= 0)
        out[at] += np.clip(np.log(count[exact[a[at]]] / total / model.u[f.name][f.levels]), -5.0, 5.0)
    return out


def link_tables(
    left: pa.Table, right: pa.Table | None = None, *, fields: Sequence[str] | Mapping[str, str], seed: int = 0
) -> pa.Table:
    """Link the records of two tables, or of one table with itself.

    Parameters
    ----------
    left, right : pa.Table
        Tables with the same columns; without ``right`` the duplicates within ``left`` are sought.
    fields : sequence of str, or mapping
        Columns to compare; a mapping says how: ``name`` (Chinese names: characters, sound, dialect), ``date``,
        ``text`` (edit distance on characters), ``code`` (same or not). Otherwise it is read off column and type.
    seed : int
        For the random pairs on which the chances of accidental agreement are counted.

    Returns
    -------
    pa.Table
        ``left_id, right_id`` (column ``unique_id``, ``record_id`` or ``id``, else row numbers from 0), ``weight``
        (log2 of the odds) and ``probability``, for pairs of probability one half or more; between two tables every
        record is in one pair at most.

    Raises
    ------
    ContractError
        A column is not in both tables, or a kind of comparison is not known.
    """
    import pyarrow as pa

    other = left if right is None else right
    made = _fields(left, other, fields)
    n, total = left.num_rows, left.num_rows + other.num_rows
    rows_a = np.arange(n)
    rows_b = rows_a if right is None else np.arange(n, total)
    a, b = _candidates(made, rows_a, rows_b)
    if right is None:
        a, b = a[a < b], b[a < b]
    levels = np.stack([f.compare(a, b) for f in made], axis=1)
    rng = np.random.default_rng(seed)
    x, y = rng.choice(rows_a, SAMPLE), rng.choice(rows_b, SAMPLE)
    x, y = x[x != y], y[x != y]
    random = np.stack([f.compare(x, y) for f in made], axis=1)
    pairs = n * (n - 1) / 2 if right is None else float(n) * other.num_rows
    model = _start(made, random, 0.3 * min(n, other.num_rows), max(pairs, 2.0))
    model = fs.fit(model, *fs.patterns(levels), max(pairs, 2.0), pseudo=5.0)
    odds = fs.weights(model, levels, _rarity(made, model, a, levels, total))
    p = 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60))) if right is None else compete(a, b, odds, True)
    keep = p >= 0.5
    return pa.table(
        {
            "left_id": _ids(left).take(pa.array(a[keep])),
            "right_id": _ids(other).take(pa.array(b[keep] - (0 if right is None else n))),
            "weight": pa.array(odds[keep] / np.log(2.0)),
            "probability": pa.array(p[keep]),
        }
    )


def _fields(left: pa.Table, right: pa.Table, fields: Sequence[str] | Mapping[str, str]) -> list[Field]:
    kinds = dict(fields) if isinstance(fields, Mapping) else {c: "" for c in fields}
    for column, kind in kinds.items():
        if column not in left.column_names or column not in right.column_names:
            raise ContractError(
                Said(f"两张表里没有共同的列“{column}”。", f"The column “{column}” is not in both tables."),
                todo=did_you_mean(column, set(left.column_names) & set(right.column_names)),
            )
        if kind and kind not in KINDS:
            raise ContractError(
                Said(f"不认识的比较方式“{kind}”。", f"Unknown kind of comparison “{kind}”."),
                where=column,
                todo=did_you_mean(kind, KINDS),
            )
    return [_field(c, k or _kind(left, c), left, right) for c, k in kinds.items()]


def _ids(table: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa

    for name in IDS:
        if name in table.column_names:
            return table.column(name)
    return pa.chunked_array([pa.array(np.arange(table.num_rows))])
