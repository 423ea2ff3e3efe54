"""Where in a definition file something stands, so that a message can name file, line and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.fixed import Open, bind
from commonground.variables.language import Node, parse

_HEAD = re.compile(r"\s*\[\[?\s*(?P<name>[^\]]+?)\s*\]\]?\s*(#.*)?$")


class Place:
    """A definition file as lines; TOML readers give values without positions, so keys are looked up by text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.open: Open | None = None
        self._tables: dict[str, list[tuple[int, int]]] = {}  # name → first line and the one after the last, 0-based
        heads = [(i, found["name"].replace('"', "")) for i, t in enumerate(self.lines) if (found := _HEAD.match(t))]
        ends = [i for i, _ in heads[1:]] + [len(self.lines)]
        for (start, name), end in zip(heads, ends, strict=True):
            self._tables.setdefault(name, []).append((start, end))

    def line(self, section: str, key: str = "", index: int = 0) -> int:
        """Line of ``key`` in the ``index``-th table ``section`` (1-based), or of the table, or 0."""
        tables = self._tables.get(section, [])
        if index >= len(tables):
            return 0
        start, end = tables[index]
        if key:
            wanted = re.compile(rf"\s*{re.escape(key)}\s*=")
            inside = (n for n in range(start + 1, end) if key in self.lines[n] and wanted.match(self.lines[n]))
            return next(inside, start) + 1
        return start + 1

    def at(self, section: str, key: str = "", index: int = 0) -> str:
        """File, line and key as one text for messages."""
        line = self.line(section, key, index)
        name = ".".join(p for p in (section, key) if p)
        return f"{self.path}:{line} [{name}]" if line else f"{self.path} [{name}]"

    def fault(
        self, section: str, key: str, what: Said, index: int = 0, todo: Said | None = None, why: Said | None = None
    ) -> DefinitionError:
        """Make the error for a place."""
        todo = todo or Said("请对照语言说明改正。", "Mend it by the reference of the language.")
        return DefinitionError(what, where=self.at(section, key, index), todo=todo, why=why)

    def parse(self, text: str, where: str) -> Node:
        """Parse an expression of this file, with the tables and code lists that it looks into."""
        node = parse(text, where)
        return node if self.open is None else bind(node, self.open, where)

    def need(self, table: Mapping[str, Any], key: str, section: str, index: int = 0) -> Any:
        """Give a value that must be there."""
        if key not in table:
            said = Said(f"缺少“{key}”。", f"“{key}” is missing.")
            raise self.fault(section, "", said, index, todo=Said(f"请补上 {key} = …", f"Add {key} = …"))
        return table[key]

    def one_of(self, table: Mapping[str, Any], key: str, known: tuple[str, ...], section: str, index: int = 0) -> str:
        """Give a value that must be one of some."""
        value = str(self.need(table, key, section, index))
        if value not in known:
            said = Said(f"{key} 不能是“{value}”。", f"{key} cannot be “{value}”.")
            raise self.fault(section, key, said, index, todo=did_you_mean(value, known))
        return value

    def keys(self, table: Mapping[str, Any], known: set[str], section: str, index: int = 0) -> None:
        """Refuse a key that the format does not have."""
        for key in table:
            if key not in known:
                said = Said(f"不认识的项“{key}”。", f"Unknown key “{key}”.")
                raise self.fault(section, key, said, index, todo=did_you_mean(key, known))

    def said(self, table: Mapping[str, Any], key: str, section: str, index: int = 0) -> Said:
        """Give a text that must be there in both languages."""
        raw = self.need(table, key, section, index)
        if not isinstance(raw, Mapping) or set(raw) != {"zh", "en"}:
            what = Said(f"“{key}”要同时有中文和英文。", f"“{key}” must be in Chinese and English.")
            raise self.fault(
                section, key, what, index, todo=Said('写成 { zh = "…", en = "…" }', 'Write { zh = "…", en = "…" }')
            )
        return Said(**raw)
