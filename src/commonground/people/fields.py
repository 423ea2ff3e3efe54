"""Columns of two tables as integers, by kind: what is compared, on which levels, and on what a join may look.

The rows of the right table follow those of the left. Every kind has *keys*: numbers that are equal where two values
agree at least on some level. The chance of agreeing by accident is counted from them exactly, a value's own frequency
is read from them, and blocking joins on them. How each kind is turned into integers: ``core.kinds``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonground.errors import ContractError, Said, did_you_mean
from commonground.people.core import kinds
from commonground.people.core.kinds import Kind
from commonground.people.core.numbercodes import NumberColumns
from commonground.people.exchange import with_exchange

if TYPE_CHECKING:
    import pyarrow as pa

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
    "given_name": ("其他", "姓名互换", "相近", "差一字", "相同"),
    "postcode": ("其他", "前两位相同", "仅末三位不同", "仅末两位不同", "相同"),
}
WORDS_EN: dict[str, tuple[str, ...]] = {
    "person_name": ("other", "surname", "given name", "one character apart", "same sound in dialect", "same sound",
                    "same characters"),
    "birth_date": ("other", "same year", "within a month", "same year, no more known", "one digit apart",
                   "day and month exchanged", "Chinese and civil calendar", "same month", "same day"),
    "id_number": ("different", "two digits apart", "first fifteen the same", "one digit apart", "the same"),
    "address": ("other", "same county", "same township", "same village", "the same"),
    "text": ("other", "alike", "one character apart", "the same"),
    "given_name": ("other", "names exchanged", "alike", "one character apart", "the same"),
    "postcode": ("other", "first two the same", "but the last three the same", "but the last two the same", "the same"),
}  # fmt: skip


@dataclass(frozen=True)
class Field(Kind):
    """One column of both tables, by name."""

    name: str

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
    said = dict(fields) if isinstance(fields, Mapping) else {c: "" for c in fields}
    if not said:
        raise ContractError(
            Said("没有写明按哪些列连接。", "No column to link by is named."), todo=Said("请写 fields。", "Give fields.")
        )
    for column, kind in said.items():
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
    return _made({c: KINDS[k] if k else kind_of(left, c) for c, k in said.items()}, left, right)


def _made(named: dict[str, str], left: pa.Table, right: pa.Table) -> list[Field]:
    """Fields of columns of known kinds; a date of birth and an address see what is inside the identity number."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa

    columns = {c: (left.column(c), right.column(c)) for c in named}
    prefix = {c: f"c{i}_" for i, c in enumerate(named)}
    numbers = next((c for c, kind in named.items() if kind == "id_number"), None)

    def inside() -> tuple[str, NumberColumns] | None:
        return (prefix[numbers], number.result()[1]) if number and numbers else None

    def make(c: str) -> Kind:
        kind, given = named[c], (columns[c], prefix[c], c)
        if kind == "person_name":
            return kinds.name(*given)
        if kind == "birth_date":
            return kinds.birth_date(*given, inside())
        if kind == "address":
            return kinds.address(*given, inside())
        if kind in ("text", "given_name", "surname"):
            return kinds.text(*given, spoken=kind != "text")
        if kind == "id_number":
            return number.result()[0] if number and c == numbers else kinds.id_number(*given)[0]
        if kind == "postcode":
            return kinds.postcode(*given)
        return kinds.plain(*given, kind)

    with ThreadPoolExecutor(max_workers=2) as pool:  # the work is in numpy and Arrow, which let others run
        number = pool.submit(kinds.id_number, columns[numbers], prefix[numbers], numbers) if numbers else None
        found = dict(zip(named, pool.map(make, named), strict=True))
    names = [[c for c, kind in named.items() if kind == k] for k in ("given_name", "surname")]
    if len(names[0]) == len(names[1]) == 1:
        (g,), (s,) = names
        found[g], found[s] = with_exchange((found[g], columns[g]), (found[s], columns[s]), prefix[g], g)
    pa.default_memory_pool().release_unused()  # dictionaries of texts are large, and done with
    return [Field(**vars(found[c]), name=c) for c in named]
