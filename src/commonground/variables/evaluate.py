"""The same expression three ways: simplified, in plain Python, and as SQL.

``simplify`` puts a version's parameters into the rule and settles what they alone decide; the result is what is
hashed, evaluated and compiled, so that two versions that say the same have the same hash however they are written.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, cast

from commonground.engine.dialect import Dialect
from commonground.variables.fixed import LOOKING, fixed_of, is_fixed
from commonground.variables.functions import FUNCTIONS
from commonground.variables.language import Call, Const, Name, Node, Value

OUTCOMES = ("true", "false", "unknown", "not_applicable")


def evaluate(node: Node, values: Mapping[str, Any]) -> Value:
    """Evaluate an expression in plain Python: the oracle.

    Parameters
    ----------
    node : Node
        The expression.
    values : mapping
        Value of every name; a name that is absent, or None, is unknown. Whole numbers count as numbers.
    """
    if isinstance(node, Const):
        return cast(Value, node.value)  # a fixed thing never stands alone
    if isinstance(node, Name):
        value = values.get(node.id)
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    function = FUNCTIONS[node.function]
    args = [evaluate(a, values) for a in node.args]
    if function.strict and any(a is None for a in args):
        return None
    return function.python(args)


def sql(node: Node, dialect: Dialect, kind: str = "boolean", column: str = "{}") -> str:
    """Write an expression as SQL.

    Parameters
    ----------
    node : Node
        The expression, types checked and simplified: then an unknown constant stands only where SQL takes a plain NULL.
    dialect : Dialect
        The engine's spelling.
    kind : str
        Type of the whole expression, needed where it is a bare ``unknown``.
    column : str
        How a name becomes a column, such as ``"r.{}"``.
    """
    if isinstance(node, Const):
        return _constant(cast(Value, node.value), dialect, kind)
    if isinstance(node, Name):
        return column.format(node.id)
    if node.function in LOOKING:
        return fixed_of(node).sql(dialect, [_wrapped(a, dialect, column) for a in node.args[1:]])
    return FUNCTIONS[node.function].sql(dialect, [_wrapped(a, dialect, column) for a in node.args])


def _wrapped(node: Node, dialect: Dialect, column: str) -> str:
    text = sql(node, dialect, "", column)
    return f"({text})" if isinstance(node, Call) else text


def _constant(value: Value, dialect: Dialect, kind: str) -> str:
    if value is None:
        return dialect.null(kind) if kind else "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return dialect.text(value)
    return dialect.date(value) if isinstance(value, dt.date) else dialect.number(value)


def simplify(node: Node) -> Node:
    """Settle everything that constants alone decide, without changing the meaning."""
    if not isinstance(node, Call):
        return node
    args = tuple(simplify(a) for a in node.args)
    if node.function in ("and", "or", "all", "any"):
        return _simplify_logic("and" if node.function in ("and", "all") else "or", args)
    if node.function == "if" and isinstance(args[0], Const):
        return Const(None) if args[0].value is None else args[1] if args[0].value else args[2]
    if node.function == "if" and args[0] == Call("is_known", (args[1],)):
        return _simplify_known((args[1], args[2]))
    if node.function == "known":
        return _simplify_known(args)
    unknown = any(isinstance(a, Const) and a.value is None for a in args)
    if unknown and FUNCTIONS[node.function].strict:
        return Const(None)
    if node.function == "if" and args[1:] == (Const(None), Const(None)):
        return Const(None)
    if all(isinstance(a, Const) for a in args):
        return Const(evaluate(Call(node.function, args), {}))
    return Call(node.function, args)


def _simplify_logic(function: str, args: tuple[Node, ...]) -> Node:
    settles = function == "or"
    flat: list[Node] = []
    for arg in args:
        if isinstance(arg, Const) and arg.value is settles:
            return Const(settles)
        if isinstance(arg, Const) and arg.value is (not settles):
            continue
        flat.extend(arg.args if isinstance(arg, Call) and arg.function == function else (arg,))
    if not flat:
        return Const(not settles)
    return flat[0] if len(flat) == 1 else Call(function, tuple(flat))


def _simplify_known(args: tuple[Node, ...]) -> Node:
    kept: list[Node] = []
    for arg in args:
        if isinstance(arg, Const) and arg.value is None:
            continue
        kept.append(arg)
        if isinstance(arg, Const):
            break
    if not kept:
        return Const(None)
    return kept[0] if len(kept) == 1 else Call("known", tuple(kept))


def canonical(node: Node) -> str:
    """Write an expression so that equal meaning by form gives equal text; the material of the semantic hash."""
    return json.dumps(_plain(node), ensure_ascii=False, separators=(",", ":"))


def _plain(node: Node) -> Any:
    if isinstance(node, Name):
        return {"name": node.id}
    if isinstance(node, Const):
        if is_fixed(node.value):
            return {"fixed": node.value.digest}
        value = node.value.isoformat() if isinstance(node.value, dt.date) else node.value
        return {"value": value, "unit": node.unit} if node.unit else {"value": value}
    args = [_plain(a) for a in node.args]
    if node.function in ("and", "or"):  # the order of conditions means nothing
        args.sort(key=lambda a: json.dumps(a, ensure_ascii=False, sort_keys=True))
    return [node.function, *args]
