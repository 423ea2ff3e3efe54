"""Columns of two tables as integers, by kind: what is compared, on which levels, and on what a join may look.

The rows of the right table follow those of the left. Every kind has *keys*: numbers that are equal where two values
agree at least on some level. The chance of agreeing by accident is counted from them exactly, a value's own frequency
is read from them, and blocking joins on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said, did_you_mean
from commonground.people import births, numbers
from commonground.people.births import DAY, NO_DAY, civil, compare_births
from commonground.people.distance import code_points, edit_distance
from commonground.people.encode import Coder, area_stem, distinct, integers, narrow, phone
from commonground.people.nametable import FOLDED, SAME, SOUND, NameTable, compare_names, name_table

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Compare = Callable[[Ints, Ints], Levels]
KINDS: dict[str, str] = {
    "person_name": "person_name", "name": "person_name", "姓名": "person_name",
    "given_name": "given_name", "名": "given_name", "surname": "surname", "姓": "surname",
    "birth_date": "birth_date", "date": "birth_date", "出生日期": "birth_date",
    "id_number": "id_number", "身份证号": "id_number", "公民身份号码": "id_number",
    "address": "address", "地址": "address", "phone": "phone", "电话": "phone",
    "postcode": "postcode", "邮编": "postcode", "category": "category", "code": "category", "类别": "category",
    "text": "text", "文本": "text",
}  # fmt: skip
"""What a column may be said to be, in both languages, and the kind that is meant."""
WORDS: dict[str, tuple[str, ...]] = {
    "person_name": ("其他", "同姓", "同名", "差一字", "方言同音", "同音", "同字"),
    "birth_date": ("其他", "同年", "一月内", "仅知同年", "差一位", "日月颠倒", "农历与公历", "同月", "同日"),
    "id_number": ("不同", "差两位", "前十五位相同", "差一位", "相同"),
    "address": ("其他", "同县", "同乡镇", "同村", "相同"),
    "text": ("其他", "相近", "差一字", "相同"),
}
WORDS_EN: dict[str, tuple[str, ...]] = {
    "person_name": ("other", "surname", "given name", "one character apart", "same sound in dialect", "same sound",
                    "same characters"),
    "birth_date": ("other", "same year", "within a month", "same year, no more known", "one digit apart",
                   "day and month exchanged", "Chinese and civil calendar", "same month", "same day"),
    "id_number": ("different", "two digits apart", "first fifteen the same", "one digit apart", "the same"),
    "address": ("other", "same county", "same township", "same village", "the same"),
    "text": ("other", "alike", "one character apart", "the same"),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A number on which blocking may join: equal where records agree in this respect; -1 where it is missing.

    ``slips`` is the share of true pairs that is taken to differ in it, ``about`` the columns of which it tells.
    """

    name: str
    key: Ints
    slips: float


@dataclass(frozen=True)
class Field:
    """One column of both tables.

    Attributes
    ----------
    name, kind : str
        Column and kind.
    levels : int
        Highest level of agreement; 1 is disagreement and 0 a missing value.
    compare : callable
        Rows of pairs → levels.
    keys : tuple of (level, int array)
        From the highest level down: values with equal keys agree on that level or a higher one.
    parts : tuple of Part
        What blocking may use, from the whole value to its vaguest part.
    missing : bool array
        Rows without a value.
    """

    name: str
    kind: str
    levels: int
    compare: Compare
    keys: tuple[tuple[int, Ints], ...]
    parts: tuple[Part, ...]
    missing: npt.NDArray[np.bool_]

    def word(self, level: int) -> Said:
        """What a level means, for a clerk."""
        if level == 0:
            return Said("缺", "missing")
        zh = WORDS.get(self.kind, ("不同", "相同"))
        en = WORDS_EN.get(self.kind, ("different", "the same"))
        return Said(zh[level - 1], en[level - 1])


def kind_of(table: pa.Table, column: str) -> str:
    """Guess the kind of a column from its name, its type and how many values it has."""
    import pyarrow as pa

    low = column.lower()
    kind = table.column(column).type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "birth_date"
    if low in KINDS and low not in ("code", "text", "date"):
        return KINDS[low]
    if low == "xm" or low.endswith("_name"):
        return "person_name"
    return "category" if len(table.column(column).combine_chunks().unique()) <= 20 else "text"


def read_fields(left: pa.Table, right: pa.Table, fields: Sequence[str] | Mapping[str, str]) -> list[Field]:
    """Turn the columns named into fields.

    Raises
    ------
    ContractError
        A column is not in both tables, a kind is not known, or no column is named.
    """
    kinds = dict(fields) if isinstance(fields, Mapping) else {c: "" for c in fields}
    if not kinds:
        raise ContractError(
            Said("没有写明按哪些列连接。", "No column to link by is named."), todo=Said("请写 fields。", "Give fields.")
        )
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
    return [_field(c, KINDS[k] if k else kind_of(left, c), left, right) for c, k in kinds.items()]


def _field(column: str, kind: str, left: pa.Table, right: pa.Table) -> Field:
    import pyarrow as pa

    a, b = left.column(column), right.column(column)
    if kind == "birth_date":
        return _birth(column, np.concatenate([days(a), days(b)]))
    texts = [c if pa.types.is_string(c.type) else c.cast(pa.string()) for c in (a, b)]
    both = pa.chunked_array([chunk for c in texts for chunk in c.chunks], pa.string())
    values, inverse = distinct(both)
    made = {
        "person_name": _name, "id_number": _number, "address": _address, "text": _text,
        "given_name": _part_of_name, "surname": _part_of_name,
    }  # fmt: skip
    if kind in made:
        return made[kind](column, kind, values, inverse)
    return _plain(column, kind, values, inverse)


def _coded(values: list[str], inverse: Ints, clean: Callable[[str], str]) -> tuple[Ints, list[str]]:
    """Numbers of the rows' values, and the distinct values, after cleaning."""
    coder = Coder(clean)
    number = np.array([*(coder.one(v) for v in values), -1], dtype=np.int64)
    return number[inverse], coder.texts


def _of(number: Ints, attribute: Ints) -> Ints:
    """Attribute of each row's value, -1 where there is none."""
    if not len(attribute):
        return np.full(len(number), -1, dtype=np.int64)
    found: Ints = np.append(attribute, -1)[number]
    return found


def _name(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    number, texts = _coded(values, inverse, str.strip)
    t: NameTable = name_table(texts)
    key, sound, fold = _of(number, t.key), _of(number, t.sound), _of(number, t.fold)
    parts = (
        Part(f"{column}:sound", sound, 0.05), Part(f"{column}:fold", fold, 0.03),
        Part(f"{column}:given", _of(number, t.given), 0.04), Part(f"{column}:surname", _of(number, t.surname), 0.01),
    )  # fmt: skip
    keys = ((SAME, key), (SOUND, sound), (FOLDED, fold))
    return Field(column, kind, 7, lambda a, b: compare_names(t, number[a], number[b]), keys, parts, number < 0)


def _part_of_name(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    number, texts = _coded(values, inverse, lambda t: narrow(t).lower())
    t = name_table(texts)
    near = _edits(texts, 4)

    def compare(a: Ints, b: Ints) -> Levels:
        x, y = number[a], number[b]
        level = near(x, y)
        some = (x >= 0) & (y >= 0)
        alike = some & (level < 4)
        level[alike & (_of(x, t.fold) == _of(y, t.fold))] = 3
        level[alike & (_of(x, t.sound) == _of(y, t.sound))] = 3
        return level

    parts = (Part(f"{column}:sound", _of(number, t.sound), 0.05), Part(f"{column}:fold", _of(number, t.fold), 0.03))
    return Field(column, "text", 4, compare, ((4, number),), parts, number < 0)


def _birth(column: str, value: Ints) -> Field:
    exact = np.full(len(value), DAY)
    known = value != NO_DAY
    year, month, day = civil(np.where(known, value, 0))
    parts = (
        Part(f"{column}:day", np.where(known, value + 1_000_000, -1), 0.06),
        Part(f"{column}:month", np.where(known, year * 12 + month, -1), 0.03),
        Part(f"{column}:year", np.where(known, year, -1), 0.015),
        Part(f"{column}:birthday", np.where(known, month * 32 + day, -1), 0.04),
    )

    def compare(a: Ints, b: Ints) -> Levels:
        return compare_births(value[a], exact[a], value[b], exact[b])

    return Field(column, "birth_date", births.SAME, compare, ((births.SAME, parts[0].key),), parts, ~known)


def _number(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    number, texts = _coded(values, inverse, lambda t: narrow(t).upper())
    t = numbers.id_table(texts)
    whole = numbers.number_texts(t)
    valid, _ = _coded([w or f"?{i}" for i, w in enumerate(whole)], np.arange(len(texts)), str)
    key = _of(number, np.where(t.valid, valid, -1))

    def compare(a: Ints, b: Ints) -> Levels:
        x, y, p, q = number[a], number[b], key[a], key[b]
        level = np.where((p >= 0) & (q >= 0), np.where(p == q, numbers.SAME, numbers.OTHER), 0).astype(np.int8)
        soft = np.flatnonzero((level == 0) & (x >= 0) & (y >= 0))
        level[soft] = numbers.damage(t.digits, x[soft], y[soft])
        return level

    body = t.digits[:, 6:15].astype(np.int64) @ 10 ** np.arange(8, -1, -1)
    head = (t.digits[:, :15] <= 9).all(axis=1)
    middle = _of(number, np.where(head, body * 10**6 + t.area, -1))
    parts = (Part(f"{column}:number", key, 0.05), Part(f"{column}:first fifteen", middle, 0.04))
    return Field(column, kind, numbers.SAME, compare, ((numbers.SAME, key),), parts, number < 0)


def _address(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    """Codes of twelve digits by village, township and county; texts by what stands before their first number."""
    number, texts = _coded(values, inverse, lambda t: narrow(t).lower())
    coded = [t.isascii() and t.isdigit() and len(t) >= 6 for t in texts]
    every = np.arange(len(texts))

    def stem(size: int) -> Ints:
        cut = [
            t[:size] if c else (area_stem(t) if size == 12 else f"?{i}")
            for i, (t, c) in enumerate(zip(texts, coded, strict=True))
        ]
        return _of(number, _coded(cut, every, str)[0] if texts else every)

    village, town, county = stem(12), stem(9), stem(6)

    def compare(a: Ints, b: Ints) -> Levels:
        level = np.ones(len(a), dtype=np.int8)
        for value, key in ((2, county), (3, town), (4, village), (5, number)):
            level[(key[a] == key[b]) & (key[a] >= 0)] = value
        level[(number[a] < 0) | (number[b] < 0)] = 0
        return level

    parts = (
        Part(f"{column}:whole", number, 0.2), Part(f"{column}:village", village, 0.18),
        Part(f"{column}:township", town, 0.15), Part(f"{column}:county", county, 0.1),
    )  # fmt: skip
    keys = ((5, number), (4, village), (3, town), (2, county))
    return Field(column, kind, 5, compare, keys, parts, number < 0)


def _edits(texts: list[str], levels: int) -> Compare:
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


def _text(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    number, texts = _coded(values, inverse, lambda t: narrow(t).lower())
    near = _edits(texts, 4)
    whole = Part(f"{column}:whole", number, 0.1)
    return Field(column, kind, 4, lambda a, b: near(number[a], number[b]), ((4, number),), (whole,), number < 0)


def _plain(column: str, kind: str, values: list[str], inverse: Ints) -> Field:
    """Values that are the same or not: categories, telephones, postcodes."""
    number, _ = _coded(values, inverse, phone if kind == "phone" else lambda t: narrow(t).lower())

    def compare(a: Ints, b: Ints) -> Levels:
        x, y = number[a], number[b]
        level = np.where(x == y, 2, 1).astype(np.int8)
        level[(x < 0) | (y < 0)] = 0
        return level

    slips = {"phone": 0.3, "postcode": 0.15}.get(kind, 0.02 if len(values) <= 20 else 0.15)
    return Field(column, kind, 2, compare, ((2, number),), (Part(f"{column}:same", number, slips),), number < 0)


def days(column: pa.ChunkedArray) -> Ints:
    """Days since 1970 of a column of dates, or of texts such as 2014-03-15, 2014年3月5日 or 20140315."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.date32(), safe=False)
    if pa.types.is_date(column.type):
        return integers(column, len(column), NO_DAY)
    values, inverse = distinct(column)
    parsed = np.array([*_parsed(values), NO_DAY], dtype=np.int64)
    found: Ints = parsed[inverse]
    return found


def _parsed(values: list[str]) -> list[int]:
    """Days of texts: ISO dates all at once, the rest by intake's reader."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from commonground.intake.dates import parse_date

    texts = pa.array(values, pa.string())
    iso = pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\d$")
    quick = pc.strptime(pc.if_else(iso, texts, None), "%Y-%m-%d", "s", error_is_null=True)
    out: list[int] = integers(pc.cast(quick, pa.date32()), len(values), NO_DAY).tolist()
    for i in np.flatnonzero(np.array(out) == NO_DAY).tolist():
        found = parse_date(values[i], {})
        out[i] = NO_DAY if found.day is None or found.precision != "day" else found.day
    return out
