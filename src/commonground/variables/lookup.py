"""Tables of standards: cut-offs by sex, age and height, read from a CSV file beside the definition.

A key matches when it is ``equal``, or ``from`` a value on: then the row with the largest value that is not above the
key counts. Below the first value, and where the table has no row, the answer is unknown.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.check import Kind
from commonground.variables.codelist import open_codes
from commonground.variables.fixed import Fixed, Open
from commonground.variables.keys import check_table
from commonground.variables.language import Value
from commonground.variables.place import Place

if TYPE_CHECKING:
    from commonground.engine.dialect import Dialect

#: A table becomes nested CASE expressions; beyond this many rows it should be a dataset of its own.
MOST_ROWS = 5_000
MATCHES = ("equal", "from")


@dataclass(frozen=True)
class Key:
    """One thing that a table is asked by: its column, type and unit, and how it matches (``equal`` or ``from``)."""

    column: str
    type: str
    unit: str = ""
    match: str = "equal"


@dataclass(frozen=True)
class TableColumn:
    """One column of a table with the keys that lead to it.

    Attributes
    ----------
    name : str
        ``table.column``.
    title : Said
        What the number is.
    keys : tuple of Key
        In the order in which they are written in the rule.
    unit : str
        Unit of the numbers in it.
    rows : tuple of (tuple, float)
        Values of the keys, and the number.
    """

    name: str
    title: Said
    keys: tuple[Key, ...]
    unit: str
    rows: tuple[tuple[tuple[str | float, ...], float], ...]

    @functools.cached_property
    def digest(self) -> str:
        """Hash of keys, unit and rows; the name is not part of the meaning."""
        plain = [[[k.type, k.unit, k.match] for k in self.keys], self.unit, self.rows]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()[:12]

    @property
    def takes(self) -> tuple[Kind, ...]:
        """Type and unit of each key."""
        return tuple(Kind(k.type, k.unit) for k in self.keys)

    @property
    def optional(self) -> int:
        """No key may be left out."""
        return 0

    @property
    def gives(self) -> Kind:
        """A number in the column's unit."""
        return Kind("number", self.unit)

    @functools.cached_property
    def _tree(self) -> dict[Any, Any]:
        """Rows as a dictionary of dictionaries, one level a key."""
        tree: dict[Any, Any] = {}
        for keys, value in self.rows:
            at = tree
            for one in keys[:-1]:
                at = at.setdefault(one, {})
            at[keys[-1]] = value
        return tree

    def find(self, asked: Sequence[Value]) -> float | None:
        """Give the number for some keys; None where the table has none."""
        at: Any = self._tree
        for key, value in zip(self.keys, asked, strict=True):
            if key.match == "from":
                value = max((v for v in at if v <= value), default=None)
            at = at.get(value)
            if at is None:
                return None
        return float(at)

    def sql(self, d: Dialect, asked: Sequence[str]) -> str:
        """Write the table as nested CASE expressions: the same on every engine, and no join."""
        return self._case(d, asked, self._tree, 0)

    def _case(self, d: Dialect, asked: Sequence[str], at: Any, level: int) -> str:
        if level == len(self.keys):
            return d.number(at)
        key = self.keys[level]
        sign = ">=" if key.match == "from" else "="
        order = sorted(at, reverse=key.match == "from")  # of several that are not above the key, the largest
        parts = [f"WHEN {asked[level]} {sign} {_constant(d, v)} THEN {self._case(d, asked, at[v], level + 1)}"
                 for v in order]  # fmt: skip
        return f"CASE {' '.join(parts)} END"


def _constant(d: Dialect, value: str | float) -> str:
    return d.text(value) if isinstance(value, str) else d.number(value)


def read_tables(raw: Mapping[str, Any], place: Place, folder: Path) -> dict[str, TableColumn]:
    """Read the tables that a definition file declares under ``[table.<name>]``.

    Returns
    -------
    dict
        ``table.column`` → column.

    Raises
    ------
    DefinitionError
        The file is not there, a column is missing, a key stands twice, or a cell is not a number.
    """
    found: dict[str, TableColumn] = {}
    for name, table in raw.items():
        section = f"table.{name}"
        check_table(table, "table", place, section)
        place.need(table, "source", section)
        keys = tuple(_key(k, place, section) for k in place.need(table, "keys", section))
        columns: Mapping[str, Mapping[str, str]] = place.need(table, "columns", section)
        path = folder / str(place.need(table, "file", section))
        inside = len(path.name) < 200 and path.resolve().is_relative_to(folder.resolve())
        if not inside or not path.is_file():
            raise place.fault(section, "file", Said(f"找不到表 {path.name}。", f"The table {path.name} is not there."))
        lines = _lines(path, place, section)
        _heads(lines, [*(k.column for k in keys), *columns], place, section, path)
        for column, said in columns.items():
            check_table(said, "column", place, section)
            title = Said(place.need(said, "zh", section), place.need(said, "en", section))
            rows = _rows(lines, keys, column, path)
            found[f"{name}.{column}"] = TableColumn(f"{name}.{column}", title, keys, said.get("unit", ""), rows)
    return found


def opener(tables: Mapping[str, TableColumn]) -> Open:
    """Give what finds a table of a file, or a code list of the pack, by the texts that name it in a rule."""

    def find(function: str, named: Sequence[str], where: str) -> Fixed:
        if function == "in_codelist":
            return open_codes(named, where)
        if named[0] in tables:
            return tables[named[0]]
        raise DefinitionError(
            Said(f"没有声明表“{named[0]}”。", f"No table “{named[0]}” is declared."),
            where=where,
            todo=did_you_mean(named[0], tables)
            if tables
            else Said("请在文件里写 [table.名称]。", "Declare [table.<name>] in the file."),
        )

    return find


def _key(raw: Mapping[str, Any], place: Place, section: str) -> Key:
    check_table(raw, "key", place, section)
    made = Key(
        str(place.need(raw, "column", section)),
        raw.get("type", "number"),
        raw.get("unit", ""),
        raw.get("match", "equal"),
    )
    for value, known in ((made.type, ("number", "text")), (made.match, MATCHES)):
        if value not in known:
            said = Said(f"keys 里不能写“{value}”。", f"A key cannot be “{value}”.")
            raise place.fault(section, "keys", said, todo=did_you_mean(value, known))
    if made.type == "text" and made.match == "from":
        said = Said(f"文字键“{made.column}”只能相等匹配。", f"The text key “{made.column}” can only be equal.")
        raise place.fault(section, "keys", said)
    return made


def _lines(path: Path, place: Place, section: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except UnicodeDecodeError as fault:
        said = Said(f"{path.name} 不是 UTF-8 编码。", f"{path.name} is not in UTF-8.")
        todo = Said("请另存为 UTF-8 的 CSV。", "Save it as CSV in UTF-8.")
        raise place.fault(section, "file", said, todo=todo) from fault


def _heads(lines: list[dict[str, str]], wanted: Iterable[str], place: Place, section: str, path: Path) -> None:
    if not lines or len(lines) > MOST_ROWS:
        said = Said(f"{path.name} 有 {len(lines)} 行。", f"{path.name} has {len(lines)} rows.")
        todo = Said(f"表要有 1 至 {MOST_ROWS} 行。", f"A table has 1 to {MOST_ROWS} rows.")
        raise place.fault(section, "file", said, todo=todo)
    for column in wanted:
        if column not in lines[0]:
            said = Said(f"{path.name} 没有“{column}”这一列。", f"{path.name} has no column “{column}”.")
            raise place.fault(section, "columns", said, todo=did_you_mean(column, lines[0]))


def _rows(
    lines: list[dict[str, str]], keys: tuple[Key, ...], column: str, path: Path
) -> tuple[tuple[tuple[str | float, ...], float], ...]:
    """Rows of a column in the order of their keys; an empty cell is no row."""
    found: dict[tuple[str | float, ...], float] = {}
    for number, line in enumerate(lines, start=2):
        if not (line[column] or "").strip():
            continue
        at = tuple(line[k.column].strip() if k.type == "text" else _number(line[k.column], path, number, k.column)
                   for k in keys)  # fmt: skip
        if at in found:
            said = Said(f"同一组键出现了两次：{at}", f"The same keys stand twice: {at}")
            raise DefinitionError(
                said, where=f"{path}:{number}", todo=Said("请删去其中一行。", "Take one of the rows out.")
            )
        found[at] = _number(line[column], path, number, column)
    return tuple(sorted(found.items()))


def _number(text: str, path: Path, line: int, column: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if math.isfinite(value):
        return value
    raise DefinitionError(
        Said(f"“{text}”不是数。", f"“{text}” is not a number."),
        where=f"{path}:{line} [{column}]",
        todo=Said("请填数字；没有值就留空。", "Write a number, or leave the cell empty."),
    )
