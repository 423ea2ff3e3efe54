"""Types and units of an expression, checked when a definition is loaded and never again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.fixed import LOOKING, fixed_of
from commonground.variables.functions import FUNCTIONS, Function
from commonground.variables.language import Call, Const, Name, Node, unparse

KINDS = {
    "boolean": Said("是否", "yes or no"),
    "number": Said("数", "a number"),
    "text": Said("文字或代码", "a text or code"),
    "date": Said("日期", "a date"),
}


@dataclass(frozen=True)
class Kind:
    """Type and unit of a value; the type is empty for a bare ``unknown``, the unit for a plain number."""

    type: str
    unit: str = ""


def check(node: Node, known: Mapping[str, Kind], where: str, wanted: str = "") -> Kind:
    """Give the type and unit of an expression.

    Parameters
    ----------
    node : Node
        The expression.
    known : mapping
        Type and unit of every name that may be used.
    where : str
        File, line and key, for messages.
    wanted : str
        The type that it must have; empty for any.

    Raises
    ------
    DefinitionError
        An unknown name, a wrong type, a wrong number of arguments, or units that differ.
    """
    found = _kind(node, known, where)
    if wanted and found.type not in (wanted, ""):
        raise _wrong_type(node, found.type, wanted, where)
    return found


def _kind(node: Node, known: Mapping[str, Kind], where: str) -> Kind:
    if isinstance(node, Const):
        return Kind(_type_of(node), node.unit)
    if isinstance(node, Name):
        if node.id not in known:
            raise DefinitionError(
                Said(
                    f"没有名为“{node.id}”的输入、推导值或参数。",
                    f"There is no input, derived value or parameter “{node.id}”.",
                ),
                where=where,
                todo=did_you_mean(node.id, known),
            )
        return known[node.id]
    if node.function in LOOKING:
        return _looking(node, known, where)
    function = FUNCTIONS[node.function]
    kinds = [_kind(a, known, where) for a in node.args]
    same = _arguments(node, function, kinds, where)
    gives = same if function.gives == "same" else function.gives
    return Kind(gives, _unit(node, function, kinds, where))


def _looking(node: Call, known: Mapping[str, Kind], where: str) -> Kind:
    """Check what a table or list is asked by: number, types and units of the keys."""
    fixed = fixed_of(node)
    asked, takes = node.args[1:], fixed.takes
    if not len(takes) - fixed.optional <= len(asked) <= len(takes):
        raise DefinitionError(
            Said(
                f"{fixed.name} 要 {len(takes)} 个键，写了 {len(asked)} 个。",
                f"{fixed.name} takes {len(takes)} keys; {len(asked)} are written.",
            ),
            where=where,
            todo=Said(f"请改正：{unparse(node)}", f"Mend it: {unparse(node)}"),
        )
    for arg, wanted in zip(asked, takes, strict=False):
        kind = _kind(arg, known, where)
        if kind.type not in (wanted.type, ""):
            raise _wrong_type(arg, kind.type, wanted.type, where)
        if kind.unit and wanted.unit and kind.unit != wanted.unit:
            raise _units_differ(node, {kind.unit, wanted.unit}, where)
    return fixed.gives


def _units_differ(node: Node, units: set[str], where: str) -> DefinitionError:
    listed = sorted(units)
    return DefinitionError(
        Said(
            f"单位不同（{'、'.join(listed)}）：{unparse(node)}", f"Units differ ({', '.join(listed)}): {unparse(node)}"
        ),
        where=where,
        todo=Said("请把参数或输入换成同一单位。", "Give the parameter or the input in the same unit."),
    )


def _type_of(node: Const) -> str:
    value = node.value
    if value is None:
        return ""
    return {bool: "boolean", float: "number", str: "text"}.get(type(value), "date")


def _wrong_type(node: Node, found: str, wanted: str, where: str) -> DefinitionError:
    return DefinitionError(
        Said(
            f"“{unparse(node)}”是{KINDS[found].zh}，这里要{KINDS[wanted].zh}。",
            f"“{unparse(node)}” is {KINDS[found].en}; {KINDS[wanted].en} is wanted here.",
        ),
        where=where,
        todo=Said("请核对输入的 type，或改写这一处。", "Check the type of the input, or write this part differently."),
    )


def _arguments(node: Call, function: Function, kinds: list[Kind], where: str) -> str:
    """Check number and types of the arguments; give the type that ``same`` stands for."""
    takes = list(function.takes)
    if takes[-1] == "*":
        takes = takes[:-1] + [takes[-2]] * max(0, len(kinds) - len(takes) + 1)
    if len(takes) != len(kinds):
        raise DefinitionError(
            Said(
                f"函数 {node.function} 要 {len(takes)} 个参数，写了 {len(kinds)} 个。",
                f"{node.function} takes {len(takes)} arguments; {len(kinds)} are written.",
            ),
            where=where,
            todo=Said(f"请改正：{unparse(node)}", f"Mend it: {unparse(node)}"),
        )
    same = ""
    for arg, wanted, kind in zip(node.args, takes, kinds, strict=True):
        if wanted == "count":
            _whole_constant(arg, where)
        elif wanted == "same":
            if same and kind.type and kind.type != same:
                raise _wrong_type(arg, kind.type, same, where)
            same = same or kind.type
        elif wanted != "any" and kind.type not in (wanted, ""):
            raise _wrong_type(arg, kind.type, wanted, where)
    if node.function in ("<", "<=", ">", ">=", "between") and same in ("boolean", "text"):
        raise _wrong_type(node.args[0], same, "number", where)
    return same


def _whole_constant(arg: Node, where: str) -> None:
    if not (isinstance(arg, Const) and isinstance(arg.value, float) and arg.value.is_integer()):
        raise DefinitionError(
            Said(f"“{unparse(arg)}”处要写一个整数。", f"A whole number is wanted in place of “{unparse(arg)}”."),
            where=where,
            todo=Said("请直接写数字。", "Write the number itself."),
        )


def _unit(node: Call, function: Function, kinds: list[Kind], where: str) -> str:
    units = [k.unit for k in kinds if k.unit]
    if function.units in ("equal", "keep"):
        if len(set(units)) > 1:
            raise _units_differ(node, set(units), where)
        return units[0] if units and function.units == "keep" else ""
    if function.units == "product":
        return "·".join(sorted(units))
    if function.units == "ratio":
        top, bottom = kinds[0].unit, kinds[1].unit
        return top if not bottom else ("" if top == bottom else f"{top}/{bottom}")
    return "" if function.units == "none" else function.units
