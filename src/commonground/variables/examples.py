"""One example for every function and operator of the language; the reference prints them with what they give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from commonground.errors import Said
from commonground.variables.check import Kind
from commonground.variables.codelist import open_codes
from commonground.variables.fixed import Fixed, bind
from commonground.variables.language import Node, parse
from commonground.variables.lookup import Key, TableColumn

Values = Mapping[str, Any]
_DAY = dt.date(2025, 9, 1)
_TABLE = TableColumn(
    "bp.sbp", Said("收缩压界值", "systolic cut-off"),
    (Key("sex", "text"), Key("height", "number", "", "from")), "", ((("1", 0.0), 108.0), (("1", 115.7), 110.0)),
)  # fmt: skip

EXAMPLES: dict[str, tuple[tuple[str, Values], ...]] = {
    "and": (("a and b", {"a": False, "b": None}), ("a and b", {"a": True, "b": None})),
    "or": (("a or b", {"a": True, "b": None}), ("a or b", {"a": False, "b": None})),
    "not": (("not a", {"a": None}),),
    "if": (("1 if a else 2", {"a": False}), ("1 if a else 2", {"a": None})),
    "==": (("s == 'rural'", {"s": "rural"}),),
    "!=": (("s != 'rural'", {"s": None}),),
    "<": (("x < 16", {"x": 16.0}),),
    "<=": (("x <= 16", {"x": 16.0}),),
    ">": (("x > 140", {"x": 140.0}),),
    ">=": (("x >= 140", {"x": 140.0}),),
    "+": (("x + y", {"x": 2.0, "y": 3.0}),),
    "-": (("x - y", {"x": 2.0, "y": None}),),
    "*": (("x * 100", {"x": 0.25}),),
    "/": (("x / y", {"x": 1.0, "y": 4.0}), ("x / y", {"x": 1.0, "y": 0.0})),
    "negative": (("-x", {"x": 0.5}),),
    "between": (("between(x, 6, 15)", {"x": 15.0}),),
    "in_list": (("s in ('1', '2')", {"s": "2"}), ("s not in ('1', '2')", {"s": None})),
    "is_known": (("is_known(x)", {"x": None}),),
    "known": (("known(x, y)", {"x": None, "y": 7.0}),),
    "any": (("any(a, b)", {"a": None, "b": True}),),
    "all": (("all(a, b)", {"a": None, "b": True}),),
    "count": (("count(a, b)", {"a": True, "b": False}), ("count(a, b)", {"a": True, "b": None})),
    "min": (("min(x, y)", {"x": 3.0, "y": 2.0}),),
    "max": (("max(x, y)", {"x": 3.0, "y": None}),),
    "abs": (("abs(x)", {"x": -2.5}),),
    "floor": (("floor(x)", {"x": -2.5}),),
    "round": (("round(x)", {"x": 2.5}), ("round(x)", {"x": -2.5})),
    "months_between": (("months_between(d, e)", {"d": dt.date(2025, 1, 31), "e": dt.date(2025, 2, 28)}),),
    "days_between": (("days_between(d, e)", {"d": dt.date(2025, 2, 28), "e": dt.date(2025, 3, 1)}),),
    "age_on": (("age_on(d, e)", {"d": dt.date(2012, 2, 29), "e": dt.date(2025, 2, 28)}),),
    "add_months": (("add_months(d, 1)", {"d": dt.date(2025, 1, 31)}),),
    "year_of": (("year_of(d)", {"d": _DAY}),),
    "month_of": (("month_of(d)", {"d": _DAY}),),
    "length": (("length(s)", {"s": "王小明"}),),
    "prefix": (("prefix(s, 4)", {"s": "529906100200"}),),
    "starts": (("starts(s, '5299')", {"s": "529906100200"}),),
    "lookup": (
        ("lookup('bp.sbp', s, x)", {"s": "1", "x": 115.6}), ("lookup('bp.sbp', s, x)", {"s": "1", "x": 130.0}),
        ("lookup('bp.sbp', s, x)", {"s": "2", "x": 130.0}),
    ),
    "in_codelist": (
        ("in_codelist(s, 'carer', 'grandparent')", {"s": "maternal_grandparents"}),
        ("in_codelist(s, 'carer', 'grandparent')", {"s": "stranger"}),
        ("in_codelist(s, 'carer', 'grandparent', d)", {"s": "grandparents", "d": dt.date(2010, 1, 1)}),
    ),
}  # fmt: skip
"""Function → expressions with the values of their names; ``lookup`` asks a table of two rows, from 0 and from 115.7."""
KINDS = {
    **dict.fromkeys(("a", "b"), Kind("boolean")),
    **dict.fromkeys(("x", "y"), Kind("number")),
    "s": Kind("text"),
    **dict.fromkeys(("d", "e"), Kind("date")),
}
"""Types of the names in the examples."""


def parsed(text: str) -> Node:
    """Parse an example with what it looks into."""

    def found(function: str, named: Any, where: str) -> Fixed:
        return _TABLE if function == "lookup" else open_codes(named, where)

    return bind(parse(text, "example"), found, "example")
