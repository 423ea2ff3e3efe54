# ruff: noqa: E501
"""Every function and operator of the language with awkward values; each must be somewhere in EXPRESSIONS."""

from __future__ import annotations

import datetime as dt
from typing import Any

from commonground.errors import Said
from commonground.variables.check import Kind
from commonground.variables.codelist import CodeSet
from commonground.variables.fixed import Fixed, bind
from commonground.variables.language import Node, parse
from commonground.variables.lookup import Key, TableColumn

D = dt.date
KINDS = {
    **{n: Kind("number") for n in ("x", "y")},
    **{n: Kind("text") for n in ("s", "t")},
    **{n: Kind("date") for n in ("d", "e")},
    **{n: Kind("boolean") for n in ("b", "c")},
}
NUMBERS: list[float | None] = [None, 0.0, -0.0, 1.0, 2.5, -2.5, 0.5, -0.5, 1e-9, 3.0, 140.0, 1e15, 0.1, 0.2, 7.0]
TEXTS: list[str | None] = [None, "", "a", "王小明", "王晓明", "𠮷田", "529906", "5299", "it's", "back\\slash", "１２"]
DATES: list[dt.date | None] = [
    None, D(2024, 2, 29), D(2023, 2, 28), D(2025, 2, 28), D(2025, 3, 1), D(2024, 1, 31), D(2024, 4, 30), D(2023, 12, 31),
    D(2025, 9, 1), D(2009, 9, 1), D(1949, 10, 1), D(2000, 2, 29),
]  # fmt: skip
FLAGS: list[bool | None] = [None, True, False]

_ROWS = (
    (("", -2.5), 1.0), (("", 0.0), 2.0), (("", 0.1), -0.5), (("a", 0.5), 3.0), (("a", 140.0), 4.0),
    (("王小明", 1.0), 5.0), (("it's", 3.0), 6.0), (("back\\slash", 0.0), 7.0), (("𠮷田", -0.5), 8.5),
)  # fmt: skip
_KEYS = (Key("s", "text"), Key("x", "number", match="from"))
TABLES: dict[str, Fixed] = {
    "t.step": TableColumn("t.step", Said("步", "step"), _KEYS, "", _ROWS),
    "t.equal": TableColumn("t.equal", Said("等", "equal"), (_KEYS[0], Key("x", "number")), "", _ROWS),
    "t.one": TableColumn("t.one", Said("一", "one"), (Key("x", "number", match="from"),), "", (((0.0,), 9.0),)),
    "l.group": CodeSet(
        "l.group", Said("组", "group"),
        (("a", ("2009-09-01", "")), ("王小明", ("2000-02-29", "2024-02-29")), ("it's", ("2009-09-01", ""))),
        (("", ("2009-09-01", "2025-03-01")), ("𠮷田", ("2009-09-01", ""))), True,
    ),
    "l": CodeSet("l", Said("表", "list"), (("a", ("2009-09-01", "")), ("5299", ("1949-10-01", "2009-09-01"))), (), False),
    "l.all": CodeSet("l.all", Said("全", "all"), (("a", ("", "")),), (), True),
}  # fmt: skip


def parsed(text: str) -> Node:
    """Parse an expression with the tables and lists above."""
    return bind(parse(text, "case"), lambda function, named, where: TABLES[".".join(named)], "case")


EXPRESSIONS = {
    "boolean": [
        "b and c", "b or c", "not b", "x == y", "x != y", "x < y", "x <= y", "x > y", "x >= y", "s == t", "s != t",
        "d == e", "d < e", "d <= e", "d > e", "d >= e", "d != e", "b == c", "b != c", "x < y < 3", "between(x, 0, y)",
        "between(d, e, d)", "s in ('a', '王小明')", "s not in ('529906', 'it\\'s')", "in_list(t, 'a', '')", "is_known(x)",
        "is_known(s)", "not is_known(d)", "known(b, c)", "known(b, c, False)", "any(b, c, x > 1)", "all(b, c, x > 1)",
        "b if c else x > 1", "starts(s, '5299')", "starts(s, t)", "starts(s, '王')", "b and unknown", "b or unknown",
        "unknown if b else c", "(b if c else unknown) == c", "s == 'back\\\\slash'", "not (b and not c) or x == 2.5",
        "in_codelist(s, 'l', 'group')", "in_codelist(s, 'l', 'group', d)", "in_codelist(s, 'l')", "in_codelist(s, 'l', d)",
        "in_codelist(s, 'l', 'all')", "not in_codelist(prefix(s, 1), 'l', 'group', e)", "lookup('t.step', s, x) > y",
    ],
    "number": [
        "x + y", "x - y", "x * y", "x / y", "-x", "x / 3", "(x + y) / (x - y)", "1 - x", "x - -y", "min(x, y)", "max(x, y, 2)",
        "abs(x)", "floor(x)", "floor(x / 3)", "round(x)", "round(x * 2.5)", "months_between(d, e)", "days_between(d, e)",
        "age_on(d, e)", "year_of(d)", "month_of(e)", "length(s)", "length(prefix(s, 2))", "count(b, c, x > 1)",
        "known(x, y)", "known(x, y, 7)", "x if b else y", "x if b else unknown", "1 if b else (2 if c else 3)",
        "x if is_known(x) else y", "0.1 + 0.2", "x * 0.1",
        "lookup('t.step', s, x)", "lookup('t.step', s, x / 3)", "lookup('t.equal', s, x)", "lookup('t.one', y)",
        "lookup('t.step', prefix(s, 1), floor(x))", "lookup('t.step', 'a', x)", "lookup('t.step', s, x) + lookup('t.one', y)",
    ],
    "text": ["s", "known(s, t)", "s if b else t", "prefix(s, 1)", "prefix(s, 3)", "prefix(t, 0)", "'甲' if b else ('乙' if c else unknown)"],
    "date": ["d", "known(d, e)", "add_months(d, 1)", "add_months(d, -12)", "add_months(e, 6)", "d if b else e"],
}  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """Pairs of awkward values, each value beside each other of its type at least once."""
    made = []
    size = len(NUMBERS) * len(DATES)
    for i in range(size):
        made.append(
            {
                "id": i,
                "x": NUMBERS[i % len(NUMBERS)],
                "y": NUMBERS[(i // len(NUMBERS) + i) % len(NUMBERS)],
                "s": TEXTS[i % len(TEXTS)],
                "t": TEXTS[(i // len(TEXTS)) % len(TEXTS)],
                "d": DATES[i % len(DATES)],
                "e": DATES[(i // len(DATES)) % len(DATES)],
                "b": FLAGS[i % 3],
                "c": FLAGS[(i // 3) % 3],
            }
        )
    return made


def arrow(persons: list[dict[str, Any]]) -> Any:
    """The rows as an Arrow table with the types that frames have."""
    import pyarrow as pa

    types = {"number": pa.float64(), "text": pa.string(), "date": pa.date32(), "boolean": pa.bool_()}
    columns = {n: pa.array([p[n] for p in persons], types[k.type]) for n, k in KINDS.items()}
    return pa.table({"id": pa.array([p["id"] for p in persons], pa.int64()), **columns})
