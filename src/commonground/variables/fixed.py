"""Fixed things that a rule looks into: a table of a standard, a list of codes. They are part of the rule's meaning.

``lookup`` and ``in_codelist`` name them by a text constant. When a file is loaded the text is replaced by the thing
itself, so that the rule carries it: what is evaluated, compiled and hashed can never differ from what was loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeGuard

from commonground.errors import DefinitionError, Said
from commonground.variables.language import Call, Const, Node, Value, unparse

if TYPE_CHECKING:
    from commonground.engine.dialect import Dialect
    from commonground.variables.check import Kind

#: The functions whose first argument is a fixed thing.
LOOKING = ("lookup", "in_codelist")


class Fixed(Protocol):
    """A table column or a set of codes, with values that never change."""

    @property
    def name(self) -> str:
        """As written in the rule."""

    @property
    def title(self) -> Said:
        """For a reader."""

    @property
    def digest(self) -> str:
        """Hash of all that decides a value."""

    @property
    def takes(self) -> tuple[Kind, ...]:
        """Type and unit of each thing asked for."""

    @property
    def optional(self) -> int:
        """How many of the last of them may be left out."""

    @property
    def gives(self) -> Kind:
        """Type and unit of the answer."""

    def find(self, asked: Sequence[Value]) -> Value:
        """Answer in plain Python; no argument is unknown."""

    def sql(self, d: Dialect, asked: Sequence[str]) -> str:
        """Answer in SQL; NULL where any argument is."""


Open = Callable[[str, Sequence[str], str], Fixed]
"""Function, the texts that name the thing, and the place for messages → the thing; may raise DefinitionError."""


def bind(node: Node, open_: Open, where: str) -> Node:
    """Put fixed things in the place of the texts that name them.

    ``lookup('table.column', key, …)`` becomes a call with the column, then the keys;
    ``in_codelist(code, 'list', 'group', day)``, group and day optional, a call with the set of codes, then code, day.

    Raises
    ------
    DefinitionError
        There is no such table or list, or the name is not written as a text.
    """
    if not isinstance(node, Call):
        return node
    args = tuple(bind(a, open_, where) for a in node.args)
    if node.function == "lookup" and args:
        return Call("lookup", (Const(open_("lookup", [_text(args[0], node, where)], where)), *args[1:]))
    if node.function == "in_codelist" and len(args) > 1:
        grouped = len(args) > 2 and isinstance(args[2], Const) and isinstance(args[2].value, str)
        named = [_text(a, node, where) for a in args[1 : 3 if grouped else 2]]
        found = open_("in_codelist", named, where)
        return Call("in_codelist", (Const(found), args[0], *args[3 if grouped else 2 :]))
    return Call(node.function, args)


def fixed_of(call: Call) -> Fixed:
    """Give the fixed thing that a bound call looks into."""
    first = call.args[0]
    if not isinstance(first, Const) or not is_fixed(first.value):
        raise TypeError(f"{call.function} was not bound")
    return first.value


def is_fixed(value: Value | Fixed) -> TypeGuard[Fixed]:
    """Whether a constant is a table or a set of codes."""
    return hasattr(value, "digest")


def _text(node: Node, call: Call, where: str) -> str:
    if isinstance(node, Const) and isinstance(node.value, str):
        return node.value
    raise DefinitionError(
        Said(f"“{unparse(call)}”里要直接写出表或代码表的名称。", f"“{unparse(call)}” must name its table or list."),
        where=where,
        todo=Said(
            "如 lookup('bp.sbp', sex, age) 或 in_codelist(code, 'carer', 'grandparents')。",
            "Such as lookup('bp.sbp', sex, age) or in_codelist(code, 'carer', 'grandparents').",
        ),
    )
