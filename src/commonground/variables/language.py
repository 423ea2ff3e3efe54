"""The language of rules: Python's expression syntax, a small white-listed part of it, as a tree of our own.

A rule such as ``age >= 18 and (sbp >= p.sbp or treated)`` is parsed by ``ast`` and turned into nodes of three kinds:
a constant, a name, and a call of one of the functions in ``functions.py`` (operators are calls too). Everything else
of Python (attributes, calls of anything unknown, comprehensions, lambdas) is refused with the place and the remedy.
Nothing is ever executed as Python.
"""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonground.variables.fixed import Fixed

from commonground.errors import DefinitionError, Said

Value = bool | float | str | dt.date | None


@dataclass(frozen=True)
class Const:
    """A constant; ``unit`` is empty unless it stands for a parameter with one.

    A table or list of codes that a function looks into is a constant too (``fixed.py``).
    """

    value: Value | Fixed
    unit: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Name:
    """An input, a derived value or a parameter (``p.`` in front)."""

    id: str


@dataclass(frozen=True)
class Call:
    """A function or operator with its arguments."""

    function: str
    args: tuple[Node, ...]


Node = Const | Name | Call

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def parse(text: str, where: str) -> Node:
    """Parse one expression.

    Parameters
    ----------
    text : str
        The expression as written in the file.
    where : str
        File, line and key, for messages.

    Raises
    ------
    DefinitionError
        It is not an expression, or uses something that the language does not have.
    """
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval")
    except (SyntaxError, ValueError) as fault:
        reason = getattr(fault, "msg", None) or str(fault)
        raise DefinitionError(
            Said(f"表达式写法有误：{text}", f"This is not an expression: {text}"),
            where=where,
            why=Said(reason, reason),
            todo=Said(
                "用 and、or、not、比较、四则运算和所列函数书写；相等用 ==。",
                "Write with and, or, not, comparisons, arithmetic and the listed functions; equality is ==.",
            ),
        ) from None
    return _Reader(where).read(tree.body)


class _Reader:
    """Turns Python's tree into ours."""

    def __init__(self, where: str) -> None:
        self.where = where

    def refuse(self, node: ast.AST, zh: str, en: str) -> DefinitionError:
        return DefinitionError(
            Said(f"表达式中不能使用“{ast.unparse(node)}”。", f"“{ast.unparse(node)}” cannot be used in an expression."),
            where=self.where,
            todo=Said(zh, en),
        )

    def read(self, node: ast.expr) -> Node:
        readers: dict[type[ast.expr], Callable[..., Node]] = {
            ast.BoolOp: self._logic,
            ast.UnaryOp: self._unary,
            ast.Compare: self._compare,
            ast.BinOp: self._binary,
            ast.IfExp: self._choice,
            ast.Call: self._call,
            ast.Name: self._name,
            ast.Attribute: self._parameter,
            ast.Constant: self._constant,
        }
        reader = readers.get(type(node))
        if reader is None:
            raise self.refuse(
                node,
                "请只用 and、or、not、比较、四则运算和所列函数。",
                "Use only and, or, not, comparisons, arithmetic and the functions.",
            )
        return reader(node)

    def _logic(self, node: ast.BoolOp) -> Node:
        name = "and" if isinstance(node.op, ast.And) else "or"
        return Call(name, tuple(self.read(v) for v in node.values))

    def _unary(self, node: ast.UnaryOp) -> Node:
        if isinstance(node.op, ast.Not):
            return Call("not", (self.read(node.operand),))
        if isinstance(node.op, ast.USub):
            inner = self.read(node.operand)
            if isinstance(inner, Const) and isinstance(inner.value, float):
                return Const(-inner.value)
            return Call("negative", (inner,))
        raise self.refuse(node, "请用 not 或负号。", "Use not or a minus sign.")

    def _binary(self, node: ast.BinOp) -> Node:
        name = _ARITHMETIC.get(type(node.op))
        if name is None:
            raise self.refuse(node, "四则运算只有 + - * /。", "Arithmetic is + - * / only.")
        return Call(name, (self.read(node.left), self.read(node.right)))

    def _compare(self, node: ast.Compare) -> Node:
        parts: list[Node] = []
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            parts.append(self._one_comparison(node, left, op, right))
            left = right
        return parts[0] if len(parts) == 1 else Call("and", tuple(parts))

    def _one_comparison(self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Node:
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
                raise self.refuse(node, "in 后面写括号内的常量表。", "After in comes a list of constants in brackets.")
            inside: Node = Call("in_list", (self.read(left), *(self.read(e) for e in right.elts)))
            return Call("not", (inside,)) if isinstance(op, ast.NotIn) else inside
        name = _COMPARE.get(type(op))
        if name is None:
            raise self.refuse(node, "是否有值用 is_known(x) 判断。", "Ask is_known(x) whether there is a value.")
        return Call(name, (self.read(left), self.read(right)))

    def _choice(self, node: ast.IfExp) -> Node:
        return Call("if", (self.read(node.test), self.read(node.body), self.read(node.orelse)))

    def _call(self, node: ast.Call) -> Node:
        from commonground.variables.functions import FUNCTIONS, callable_names

        if not isinstance(node.func, ast.Name) or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.refuse(node, "函数只写名称和按顺序的参数。", "A call is a name and its arguments in order.")
        if node.func.id not in FUNCTIONS or node.func.id not in callable_names():
            from commonground.errors import did_you_mean

            raise DefinitionError(
                Said(f"没有函数“{node.func.id}”。", f"There is no function “{node.func.id}”."),
                where=self.where,
                todo=did_you_mean(node.func.id, callable_names()),
            )
        return Call(node.func.id, tuple(self.read(a) for a in node.args))

    def _name(self, node: ast.Name) -> Node:
        return Const(None) if node.id == "unknown" else Name(node.id)

    def _parameter(self, node: ast.Attribute) -> Node:
        if not isinstance(node.value, ast.Name) or node.value.id != "p":
            raise self.refuse(node, "点号只用于参数，如 p.months。", "A dot is for parameters only, such as p.months.")
        return Name(f"p.{node.attr}")

    def _constant(self, node: ast.Constant) -> Node:
        value = node.value
        if isinstance(value, bool | str):
            return Const(value)
        if isinstance(value, int | float):
            return Const(float(value))
        raise self.refuse(
            node,
            "常量只有数、加引号的文字、True、False；没有值写 unknown。",
            "Constants are numbers, quoted text, True, False; no value is unknown.",
        )


def names(node: Node) -> Iterator[str]:
    """Give every name in an expression, in the order of writing, repeats included."""
    if isinstance(node, Name):
        yield node.id
    elif isinstance(node, Call):
        for arg in node.args:
            yield from names(arg)


def substitute(node: Node, by: Mapping[str, Node]) -> Node:
    """Put expressions in the place of names."""
    if isinstance(node, Name):
        return by.get(node.id, node)
    if isinstance(node, Call):
        return Call(node.function, tuple(substitute(a, by) for a in node.args))
    return node


def unparse(node: Node) -> str:
    """Write an expression as an official would read it, in the language of the file."""
    from commonground.variables.functions import FUNCTIONS

    if isinstance(node, Name):
        return node.id
    if isinstance(node, Const):
        return _constant_text(node)
    args = [unparse(a) for a in node.args]
    wrapped = [
        f"({t})" if isinstance(a, Call) and FUNCTIONS[a.function].infix else t
        for a, t in zip(node.args, args, strict=True)
    ]
    if node.function in ("and", "or"):
        return f" {node.function} ".join(wrapped)
    if node.function == "not":
        return f"not {wrapped[0]}"
    if node.function == "negative":
        return f"-{wrapped[0]}"
    if node.function == "if":
        return f"{wrapped[1]} if {wrapped[0]} else {wrapped[2]}"
    if FUNCTIONS[node.function].infix:
        return f"{wrapped[0]} {node.function} {wrapped[1]}"
    return f"{node.function}({', '.join(args)})"


def _constant_text(node: Const) -> str:
    value = node.value
    if value is None:
        return "unknown"
    if isinstance(value, bool | str):
        return repr(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return f"{value:g}" if isinstance(value, float) else repr(value.name)
