"""Every function and operator of the language: its types, its plain Python meaning, its SQL.

This one table is what makes three evaluators one: the Python column is the oracle, the SQL column is written with the
Dialect, and tests/engines runs every row of it on DuckDB, Spark and Python. Unknown (None, NULL) follows Kleene's
strong three-valued logic: what cannot be decided stays unknown, but ``False and unknown`` is False.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from commonground.engine.dialect import Dialect
from commonground.variables.language import Value

Python = Callable[[Sequence[Any]], Value]
Sql = Callable[[Dialect, Sequence[str]], str]


@dataclass(frozen=True)
class Function:
    """One row of the table.

    Attributes
    ----------
    takes : tuple of str
        Type of each argument: ``boolean|number|text|date``, ``any``, ``same`` (as the first such), ``count`` (a whole
        number written as a constant). A last ``*`` repeats the one before it.
    gives : str
        Type of the result; ``same`` for the type of the arguments marked so.
    python, sql : callable
        The meaning and its SQL.
    strict : bool
        Whether one unknown argument makes the result unknown (then ``python`` never sees None).
    units : str
        ``equal``: arguments must be in one unit, the result has none; ``keep``: the same, the result has it too;
        ``product``, ``ratio``; ``none``; or the name of the result's unit.
    infix : bool
        Written between its arguments.
    says : tuple of str
        What it means, in Chinese and English.
    """

    takes: tuple[str, ...]
    gives: str
    python: Python
    sql: Sql
    strict: bool = True
    units: str = "none"
    infix: bool = False
    says: tuple[str, str] = ("", "")


def _and(values: Sequence[Any]) -> Value:
    if any(v is False for v in values):
        return False
    return None if any(v is None for v in values) else True


def _or(values: Sequence[Any]) -> Value:
    if any(v is True for v in values):
        return True
    return None if any(v is None for v in values) else False


def _known(values: Sequence[Any]) -> Value:
    return next((v for v in values if v is not None), None)


def _if(values: Sequence[Any]) -> Value:
    condition, yes, no = values
    return None if condition is None else (yes if condition else no)


def _between(values: Sequence[Any]) -> Value:
    x, low, high = values
    return _and([None if x is None or low is None else low <= x, None if x is None or high is None else x <= high])


def months_between(start: dt.date, end: dt.date) -> float:
    """Completed months; see ``Dialect.months_between``.

    >>> months_between(dt.date(2025, 1, 31), dt.date(2025, 2, 28))
    1.0
    """
    if end < start:
        return -months_between(end, start)
    whole = (end.year - start.year) * 12 + end.month - start.month
    last = calendar.monthrange(end.year, end.month)[1]
    return float(whole - (1 if end.day < start.day and end.day != last else 0))


def age_on(birth: dt.date, day: dt.date) -> float:
    """Age in completed years; a day before birth gives a negative age."""
    whole = (day.year - birth.year) * 12 + day.month - birth.month
    last = calendar.monthrange(day.year, day.month)[1]
    return float(math.floor((whole - (1 if day.day < birth.day and day.day != last else 0)) / 12))


def add_months(day: dt.date, months: int) -> dt.date:
    """Give the day so many months later, moved back to the last day of the month where needed."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def round_half_away(value: float) -> float:
    """Round to a whole number, halves away from zero (not to even, as Python's own round does)."""
    return math.copysign(math.floor(abs(value) + 0.5), value) if value else value


def _extreme(name: str, d: Dialect, args: Sequence[str]) -> str:
    unknown = " OR ".join(f"{a} IS NULL" for a in args)
    return f"CASE WHEN {unknown} THEN NULL ELSE {name}({', '.join(args)}) END"


def _compare(symbol: str, python: Callable[[Any, Any], bool]) -> Function:
    spelled = {"==": "=", "!=": "<>"}.get(symbol, symbol)
    return Function(
        ("same", "same"),
        "boolean",
        lambda v: python(v[0], v[1]),
        lambda d, a: f"{a[0]} {spelled} {a[1]}",
        units="equal",
        infix=True,
    )


def _arithmetic(symbol: str, python: Callable[[float, float], float], units: str) -> Function:
    return Function(
        ("number", "number"),
        "number",
        lambda v: python(v[0], v[1]),
        lambda d, a: f"{a[0]} {symbol} {a[1]}",
        units=units,
        infix=True,
    )


def _count(d: Dialect, args: Sequence[str]) -> str:
    # CASE without ELSE keeps an unknown condition unknown, and NULL spreads through the sum.
    return " + ".join(f"CASE WHEN {a} THEN 1e0 WHEN NOT {a} THEN 0e0 END" for a in args)


FUNCTIONS: dict[str, Function] = {
    "and": Function(("boolean", "boolean", "*"), "boolean", _and, lambda d, a: " AND ".join(a), False, infix=True),
    "or": Function(("boolean", "boolean", "*"), "boolean", _or, lambda d, a: " OR ".join(a), False, infix=True),
    "not": Function(("boolean",), "boolean", lambda v: not v[0], lambda d, a: f"NOT {a[0]}", infix=True),
    "if": Function(
        ("boolean", "same", "same"),
        "same",
        _if,
        lambda d, a: f"CASE WHEN {a[0]} THEN {a[1]} WHEN NOT {a[0]} THEN {a[2]} END",
        False,
        "keep",
        infix=True,
    ),
    "==": _compare("==", lambda a, b: a == b),
    "!=": _compare("!=", lambda a, b: a != b),
    "<": _compare("<", lambda a, b: a < b),
    "<=": _compare("<=", lambda a, b: a <= b),
    ">": _compare(">", lambda a, b: a > b),
    ">=": _compare(">=", lambda a, b: a >= b),
    "+": _arithmetic("+", lambda a, b: a + b, "keep"),
    "-": _arithmetic("-", lambda a, b: a - b, "keep"),
    "*": _arithmetic("*", lambda a, b: a * b, "product"),
    "/": Function(
        ("number", "number"),
        "number",
        lambda v: v[0] / v[1] if v[1] else None,
        lambda d, a: d.divide(a[0], a[1]),
        units="ratio",
        infix=True,
    ),
    "negative": Function(("number",), "number", lambda v: -v[0], lambda d, a: f"-{a[0]}", units="keep", infix=True),
    "between": Function(
        ("same", "same", "same"),
        "boolean",
        _between,
        lambda d, a: f"{a[0]} >= {a[1]} AND {a[0]} <= {a[2]}",
        False,
        "equal",
        says=("x 在两界之间（含两端）", "x lies between two bounds, both included"),
    ),
    "in_list": Function(
        ("text", "text", "*"),
        "boolean",
        lambda v: v[0] in v[1:],
        lambda d, a: f"{a[0]} IN ({', '.join(a[1:])})",
        says=("x 是所列代码之一", "x is one of the listed codes"),
    ),
    "is_known": Function(
        ("any",),
        "boolean",
        lambda v: v[0] is not None,
        lambda d, a: f"{a[0]} IS NOT NULL",
        False,
        says=("有值", "there is a value"),
    ),
    "known": Function(
        ("same", "same", "*"),
        "same",
        _known,
        lambda d, a: f"coalesce({', '.join(a)})",
        False,
        "keep",
        says=(
            "按先后取第一个有值的；前后不一致时计入分歧",
            "the first that is known; where two differ a conflict is counted",
        ),
    ),
    "any": Function(
        ("boolean", "boolean", "*"),
        "boolean",
        _or,
        lambda d, a: " OR ".join(a),
        False,
        says=("至少一项成立", "at least one holds"),
    ),
    "all": Function(
        ("boolean", "boolean", "*"),
        "boolean",
        _and,
        lambda d, a: " AND ".join(a),
        False,
        says=("各项都成立", "all hold"),
    ),
    "count": Function(
        ("boolean", "boolean", "*"),
        "number",
        lambda v: float(sum(v)),
        _count,
        says=("成立的项数；有一项不清楚则不清楚", "how many hold; unknown when one is unknown"),
    ),
    "min": Function(
        ("number", "number", "*"),
        "number",
        lambda v: min(v),
        lambda d, a: _extreme("least", d, a),
        units="keep",
        says=("最小值", "the least"),
    ),
    "max": Function(
        ("number", "number", "*"),
        "number",
        lambda v: max(v),
        lambda d, a: _extreme("greatest", d, a),
        units="keep",
        says=("最大值", "the greatest"),
    ),
    "abs": Function(
        ("number",),
        "number",
        lambda v: abs(v[0]),
        lambda d, a: f"abs({a[0]})",
        units="keep",
        says=("绝对值", "absolute value"),
    ),
    "floor": Function(
        ("number",),
        "number",
        lambda v: float(math.floor(v[0])),
        lambda d, a: d.floor(a[0]),
        units="keep",
        says=("向下取整", "round down"),
    ),
    "round": Function(
        ("number",),
        "number",
        lambda v: round_half_away(v[0]),
        lambda d, a: d.round(a[0]),
        units="keep",
        says=("四舍五入到整数", "round to a whole number, halves away from zero"),
    ),
    "months_between": Function(
        ("date", "date"),
        "number",
        lambda v: months_between(v[0], v[1]),
        lambda d, a: d.months_between(a[0], a[1]),
        units="month",
        says=("两日之间满了几个月", "completed months from one day to another"),
    ),
    "days_between": Function(
        ("date", "date"),
        "number",
        lambda v: float((v[1] - v[0]).days),
        lambda d, a: d.days_between(a[0], a[1]),
        units="day",
        says=("两日之间的天数", "days from one day to another"),
    ),
    "age_on": Function(
        ("date", "date"),
        "number",
        lambda v: age_on(v[0], v[1]),
        lambda d, a: d.age(a[0], a[1]),
        units="year",
        says=("某日的周岁", "age in completed years on a day"),
    ),
    "add_months": Function(
        ("date", "count"),
        "date",
        lambda v: add_months(v[0], int(v[1])),
        lambda d, a: d.add_months(a[0], _whole(a[1])),
        says=("若干个月之后的日子", "the day so many months later"),
    ),
    "year_of": Function(
        ("date",), "number", lambda v: float(v[0].year), lambda d, a: d.year(a[0]), says=("年份", "calendar year")
    ),
    "month_of": Function(
        ("date",), "number", lambda v: float(v[0].month), lambda d, a: d.month(a[0]), says=("月份", "calendar month")
    ),
    "length": Function(
        ("text",),
        "number",
        lambda v: float(len(v[0])),
        lambda d, a: d.length(a[0]),
        says=("字数", "number of characters"),
    ),
    "prefix": Function(
        ("text", "count"),
        "text",
        lambda v: v[0][: int(v[1])],
        lambda d, a: d.prefix(a[0], _whole(a[1])),
        says=("前几个字符", "the first characters"),
    ),
    "starts": Function(
        ("text", "text"),
        "boolean",
        lambda v: v[0].startswith(v[1]),
        lambda d, a: d.starts(a[0], a[1]),
        says=("以某文字开头", "begins with a text"),
    ),
    "lookup": Function(
        ("fixed", "any", "*"),
        "number",
        lambda v: v[0].find(v[1:]),
        lambda d, a: "",
        says=(
            "在标准的表里按若干键查数，如 lookup('bp.sbp', sex, age)；表里没有则不清楚",
            "the number that a table of a standard has for some keys, such as lookup('bp.sbp', sex, age); unknown where"
            " it has none",
        ),
    ),
    "in_codelist": Function(
        ("fixed", "text", "*"),
        "boolean",
        lambda v: v[0].find(v[1:]),
        lambda d, a: "",
        says=(
            "代码属于代码表的某一组，如 in_codelist(x, 'carer', 'grandparent', day)；组与日期可省；表外代码为不清楚",
            "a code belongs to a group of a list, such as in_codelist(x, 'carer', 'grandparent', day); group and day"
            " may be left out; a code that the list does not have is unknown",
        ),
    ),
    "area_is_urban": Function(
        ("text",),
        "boolean",
        lambda v: None,
        lambda d, a: "CAST(NULL AS BOOLEAN)",
        False,
        says=("该区划是本市市辖区（只用于来源）", "the area is an urban district of the city (in sources only)"),
    ),
}


def _whole(sql: str) -> int:
    """Read a constant count back from its SQL."""
    return int(float(sql))


@functools.cache
def callable_names() -> frozenset[str]:
    """Names that may be written as a call; operators are written between their arguments."""
    return frozenset(name for name, f in FUNCTIONS.items() if not f.infix)
