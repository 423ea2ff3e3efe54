"""Columns of two tables to fields, by kind: integer columns, levels in SQL, and the exact comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people import births, numbers
from commonground.people.births import DAY, NO_DAY, compare_births
from commonground.people.core.levels import birth_level, name_level, nested_level, number_level, same_level
from commonground.people.core.namecodes import name_columns
from commonground.people.core.numbercodes import EPOCH, NumberColumns, birth_columns, days, number_columns
from commonground.people.core.texts import Column, both, keys_of
from commonground.people.distance import code_points, edit_distance
from commonground.people.encode import area_stem, distinct, narrow, phone
from commonground.people.nametable import FOLDED, SAME, SOUND, compare_names, name_table

if TYPE_CHECKING:
    from commonground.engine.dialect import Dialect

Ints = npt.NDArray[Any]
Levels = npt.NDArray[np.int8]
Compare = Callable[[Ints, Ints], Levels]
MISSING = -1
VAGUER = ("month", "year", "birthday")
PLACES = ("whole", "village", "township", "county")
START = 4
"""Characters of a text's beginning, on which blocking may join."""


@dataclass(frozen=True)
class Part:
    """A column on which blocking may join: equal where records agree in this respect; -1 where it is missing.

    ``slips`` is the share of true pairs that is taken to differ in it; ``implies`` are the parts that are equal where
    it is.
    """

    name: str
    column: str
    key: Ints
    slips: float
    implies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Key:
    """A column whose values are equal where two records agree on ``level`` or a higher one.

    Where ``rare``, agreeing on a rare value says more than on a common one.
    """

    level: int
    column: str
    values: Ints
    rare: bool = True


@dataclass(frozen=True)
class Kind:
    """One column of both tables as integers, the rows of the right table after those of the left.

    Attributes
    ----------
    kind : str
        What it is; decides the words of the levels.
    levels : int
        Highest level of agreement; 1 is disagreement and 0 a missing value.
    columns : dict
        Integer columns by name.
    sql : callable
        Dialect, level for pairs that must be asked about → SQL of the level of the rows ``l`` and ``r``.
    compare : callable
        Rows of pairs → levels, exactly and slowly: for pairs that must be asked about, and to test the SQL.
    keys : tuple of Key
        From the highest level down.
    parts : tuple of Part
        What blocking may use, from the whole value to its vaguest part.
    missing : bool array
        Rows without a value.
    """

    kind: str
    levels: int
    columns: dict[str, Ints]
    sql: Callable[[Dialect, int], str]
    compare: Compare
    keys: tuple[Key, ...]
    parts: tuple[Part, ...]
    missing: npt.NDArray[np.bool_]


def _texts_at(columns: Column, *rows: Ints) -> tuple[list[str], list[Ints]]:
    """Distinct texts of some rows, and the place of each row's text; -1 for none."""
    import pyarrow as pa

    taken = both(columns).take(pa.array(np.concatenate(rows)))
    values, inverse = distinct(taken)
    return values, list(np.split(inverse, np.cumsum([len(r) for r in rows])[:-1]))


def name(columns: Column, prefix: str, column: str) -> Kind:
    """Names of persons."""
    made = vars(name_columns(*columns))

    def compare(a: Ints, b: Ints) -> Levels:
        texts, places = _texts_at(columns, a, b)
        t = name_table(texts)
        written = np.append(t.length > 0, False)
        x, y = (np.where(written[p], p, MISSING) for p in places)
        return compare_names(t, x, y)

    parts = tuple(
        Part(f"{column}:{c}", prefix + c, made[c], slips)
        for c, slips in (("sound", 0.05), ("fold", 0.03), ("given", 0.04), ("surname", 0.01))
    )
    keys = tuple(Key(level, prefix + c, made[c]) for level, c in ((SAME, "key"), (SOUND, "sound"), (FOLDED, "fold")))
    return Kind(
        "person_name", SAME, {prefix + c: v for c, v in made.items()}, lambda d, ask: name_level(d, prefix, ask),
        compare, keys, parts, made["key"] < 0,
    )  # fmt: skip


def id_number(columns: Column, prefix: str, column: str) -> tuple[Kind, NumberColumns]:
    """Identity numbers, and what is inside them."""
    made = number_columns(*columns)

    def compare(a: Ints, b: Ints) -> Levels:
        texts, (x, y) = _texts_at(columns, a, b)
        t = numbers.id_table(texts)
        level = np.full(len(a), numbers.OTHER, dtype=np.int8)
        some = (t.digits != numbers.NONE).any(axis=1)
        both = np.flatnonzero((x >= 0) & (y >= 0))
        p, q = x[both], y[both]
        valid = t.valid[p] & t.valid[q]
        same = valid & (t.digits[p] == t.digits[q]).all(axis=1)
        near = np.maximum(numbers.damage(t.digits, p, q), numbers.OTHER)
        level[both] = np.where(same, numbers.SAME, np.where(valid, numbers.OTHER, near))
        level[both[~(some[p] & some[q])]] = 0
        level[(x < 0) | (y < 0)] = 0
        return level

    parts = (
        Part(f"{column}:number", f"{prefix}valid", made.valid, 0.05),
        Part(f"{column}:first fifteen", f"{prefix}first", made.first, 0.04),
    )
    keys = (Key(numbers.SAME, f"{prefix}valid", made.valid, rare=False),)
    kind = Kind(
        "id_number", numbers.SAME, {f"{prefix}{c}": v for c, v in vars(made).items()},
        lambda d, ask: number_level(d, prefix, ask), compare, keys, parts, (made.high < 0) & (made.high != -3),
    )  # fmt: skip
    return kind, made


def birth_date(columns: Column, prefix: str, column: str, number: tuple[str, NumberColumns] | None) -> Kind:
    """Dates; ``number`` is the prefix and the columns of the identity numbers, whose dates count as a second one."""
    values, rows = days(columns)
    made = birth_columns(values, rows)
    day = made.day
    inside = None if number is None else number[1].day

    def compare(a: Ints, b: Ints) -> Levels:
        exact = np.full(len(a), DAY)
        x, y = (np.where(day[r] < 0, NO_DAY, day[r].astype(np.int64) - EPOCH) for r in (a, b))
        level = compare_births(x, exact, y, exact)
        if inside is not None:
            for p, q in ((day, inside), (inside, day), (inside, inside)):
                level[(p[a] == q[b]) & (p[a] >= 0)] = births.SAME
        return level

    parts = (
        Part(f"{column}:day", f"{prefix}day", made.day, 0.06, tuple(f"{column}:{c}" for c in VAGUER)),
        Part(f"{column}:month", f"{prefix}month", made.month, 0.03, (f"{column}:year",)),
        Part(f"{column}:year", f"{prefix}year", made.year, 0.015),
        Part(f"{column}:birthday", f"{prefix}birthday", made.birthday, 0.04),
    )  # fmt: skip
    second = None if number is None else number[0]
    return Kind(
        "birth_date", births.SAME, {f"{prefix}{c}": v for c, v in vars(made).items()},
        lambda d, _: birth_level(d, prefix, second), compare, (Key(births.SAME, f"{prefix}day", made.day),), parts,
        made.day < 0,
    )  # fmt: skip


def address(columns: Column, prefix: str, column: str, number: tuple[str, NumberColumns] | None) -> Kind:
    """Codes of twelve digits by village, township and county; texts by what stands before their first number.

    ``number`` is the prefix and the columns of the identity numbers: the county inside is where somebody was first
    registered, a second county beside that of the address.
    """
    values, inverse = distinct(both(columns))
    texts = [narrow(t).lower() for t in values]
    coded = [t.isascii() and t.isdigit() and 6 <= len(t) <= 18 for t in texts]

    def stem(size: int) -> Ints:
        cut = [
            "" if c else (area_stem(t) if size == 12 else t if size > 12 else "")
            for t, c in zip(texts, coded, strict=True)
        ]
        keys = keys_of(cut)
        for i, (t, c) in enumerate(zip(texts, coded, strict=True)):
            if c:
                keys[i] = int(t[:size])
        return small(np.append(keys, MISSING))[inverse]

    made = {"whole": stem(18), "village": stem(12), "township": stem(9), "county": stem(6)}
    levels = [(5, "whole"), (4, "village"), (3, "township"), (2, "county")]
    if np.array_equal(made["whole"], made["village"]):
        levels.pop(1)
        made["village"] = made["whole"]
    area = None if number is None else number[1].area

    def compare(a: Ints, b: Ints) -> Levels:
        level = np.ones(len(a), dtype=np.int8)
        level[(made["whole"][a] < 0) | (made["whole"][b] < 0)] = 0
        if area is not None:
            level[(area[a] == area[b]) & (area[a] >= 0)] = 2
        for value, c in reversed(levels):
            level[(made[c][a] == made[c][b]) & (made[c][a] >= 0)] = value
        return level

    second = "" if number is None else f"l.{number[0]}area = r.{number[0]}area"
    parts = tuple(
        Part(f"{column}:{c}", prefix + c, made[c], slips, tuple(f"{column}:{v}" for v in PLACES[k + 1 :] if all(coded)))
        for k, (c, slips) in enumerate(zip(PLACES, (0.2, 0.18, 0.15, 0.1), strict=True))
    )
    return Kind(
        "address", 5, {prefix + c: v for c, v in made.items()}, lambda d, _: nested_level(d, prefix, levels, second),
        compare, tuple(Key(level, prefix + c, made[c]) for level, c in levels), parts, made["whole"] < 0,
    )  # fmt: skip


def _cleaned(columns: Column, clean: Callable[[str], str]) -> tuple[list[str], Ints, Ints]:
    """Distinct cleaned texts, the place of each row's text among them (-1: none), and the rows' keys."""
    values, inverse = distinct(both(columns))
    cleaned = [clean(v) for v in values]
    place = {t: i for i, t in enumerate(sorted({t for t in cleaned if t}))}
    at = np.array([*(place.get(t, MISSING) for t in cleaned), MISSING], dtype=np.int64)
    keys = np.arange(len(place)) if len(place) <= 1000 else keys_of(list(place))
    number = small(at)[inverse]
    return list(place), number, small(np.append(keys, MISSING))[number]


def small(values: Ints) -> Ints:
    """Whole numbers in as few bytes as they need."""
    least, most = int(values.min()), int(values.max())
    for kind in (np.int8, np.int32):
        if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max:
            return values.astype(kind)
    return values


def plain(columns: Column, prefix: str, column: str, kind: str) -> Kind:
    """Values that are the same or not: categories, telephones."""
    texts, _, key = _cleaned(columns, phone if kind == "phone" else lambda t: narrow(t).lower())

    def compare(a: Ints, b: Ints) -> Levels:
        level = np.where(key[a] == key[b], 2, 1).astype(np.int8)
        level[(key[a] < 0) | (key[b] < 0)] = 0
        return level

    slips = 0.3 if kind == "phone" else 0.02 if len(texts) <= 20 else 0.15
    part = Part(f"{column}:same", f"{prefix}key", key, slips)
    return Kind(
        kind, 2, {f"{prefix}key": key}, lambda _, __: same_level(prefix, 2, 1), compare,
        (Key(2, f"{prefix}key", key),), (part,), key < 0,
    )  # fmt: skip


def postcode(columns: Column, prefix: str, column: str) -> Kind:
    """Postcodes of any country by their beginnings: places near each other have codes that differ at the end.

    Below the same code: all but the last two characters (in China the county's post office, in Britain the sector),
    all but the last three (the postal district), and the first two (the province, the area).
    """
    texts, number, key = _cleaned(columns, lambda t: narrow(t).lower())

    def begin(cut: slice) -> Ints:
        return np.append(keys_of([t[cut] for t in texts]), MISSING)[number]

    cuts = {"sector": slice(-2), "district": slice(-3), "area": slice(2)}
    made = {"key": key} | {c: begin(cut) for c, cut in cuts.items()}
    levels = [(5, "key"), (4, "sector"), (3, "district"), (2, "area")]

    def compare(a: Ints, b: Ints) -> Levels:
        level = np.ones(len(a), dtype=np.int8)
        for value, c in reversed(levels):
            level[(made[c][a] == made[c][b]) & (made[c][a] >= 0)] = value
        level[(key[a] < 0) | (key[b] < 0)] = 0
        return level

    slips = {"key": 0.15, "sector": 0.12, "district": 0.1}
    return Kind(
        "postcode", 5, {prefix + c: v for c, v in made.items()}, lambda d, _: nested_level(d, prefix, levels),
        compare, tuple(Key(level, prefix + c, made[c]) for level, c in levels),
        tuple(Part(f"{column}:{c}", prefix + c, made[c], s) for c, s in slips.items()), key < 0,
    )  # fmt: skip


def text(columns: Column, prefix: str, column: str, spoken: bool) -> Kind:
    """Texts by edit distance on characters; a ``spoken`` one, a part of a name, also by its sound."""
    texts, number, key = _cleaned(columns, lambda t: narrow(t).lower())
    sides = name_table(texts) if spoken else None
    near = edits(texts, 4)

    def compare(a: Ints, b: Ints) -> Levels:
        x, y = number[a], number[b]
        level = near(x, y)
        if sides is not None:
            alike = np.flatnonzero((x >= 0) & (y >= 0) & (level < 4))
            p, q = x[alike], y[alike]
            level[alike[(sides.fold[p] == sides.fold[q]) | (sides.sound[p] == sides.sound[q])]] = 3
        return level

    start = np.append(keys_of([t[:START] for t in texts]), MISSING)[number]
    made = {f"{prefix}key": key, f"{prefix}start": start}
    parts: tuple[Part, ...] = (Part(f"{column}:whole", f"{prefix}key", key, 0.1),)
    if sides is not None:
        for c, values in (("sound", sides.sound), ("fold", sides.fold)):
            made[prefix + c] = np.append(values, MISSING)[number]
        parts = tuple(
            Part(f"{column}:{c}", prefix + c, made[prefix + c], s) for c, s in (("sound", 0.05), ("fold", 0.03))
        )
    parts += (Part(f"{column}:start", f"{prefix}start", start, 0.06),)
    return Kind(
        "text", 4, made, lambda _, ask: same_level(prefix, 4, ask), compare, (Key(4, f"{prefix}key", key),), parts,
        key < 0,
    )  # fmt: skip


def edits(texts: list[str], levels: int) -> Compare:
    """Levels of texts by edit distance: the same, one slip, seven tenths alike, other; over distinct pairs."""
    grid, length = code_points(texts)

    def near(x: Ints, y: Ints) -> Levels:
        level = np.where(x == y, levels, 1).astype(np.int8)
        level[(x < 0) | (y < 0)] = 0
        at = np.flatnonzero(level == 1)
        packed, inverse = np.unique(x[at] * np.int64(len(grid)) + y[at], return_inverse=True)
        if len(packed):
            a, b = np.divmod(packed, len(grid))
            slips = edit_distance(grid, length, a, b)
            longest = np.maximum(np.maximum(length[a], length[b]), 1)
            found = np.where(slips <= 1, 3, np.where(slips <= 0.3 * longest, 2, 1)).astype(np.int8)
            found[(slips <= 1) & (longest <= 1)] = 1
            level[at] = found[inverse]
        return level

    return near
