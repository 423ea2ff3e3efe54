"""The keys of a definition file and the kinds of values they take, from ``definition_keys.toml``, the only list."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commonground.errors import DefinitionError
from commonground.toml import check_types
from commonground.variables.place import Place

FILE = {
    "variable": "table",
    "table": "table",
    "input": "table",
    "derive": "table",
    "version": "tables",
    "test": "tables",
}
"""The sections of a file, where ``keys`` is empty."""


@functools.cache
def _sections() -> dict[str, dict[str, str]]:
    raw = tomllib.loads(Path(__file__).with_name("definition_keys.toml").read_text(encoding="utf-8"))
    return {section: {key: entry["is"] for key, entry in keys.items()} for section, keys in raw.items()}


def check_table(table: Any, keys: str, place: Place, section: str, index: int = 0) -> None:
    """Refuse a table of a definition file with a key that it does not have, or a value of another kind.

    Parameters
    ----------
    table : mapping
        As read from the file.
    keys : str
        Section of ``definition_keys.toml``.
    place, section, index
        Where it stands, for messages.

    Raises
    ------
    DefinitionError
        An unknown key, or a value of the wrong kind.
    """
    wanted = _sections()[keys] if keys else FILE
    if not isinstance(table, Mapping):
        check_types({section: table}, {section: "table"}, place.at(section, "", index), DefinitionError)
    place.keys(table, set(wanted), section, index)
    for key in table:
        check_types(table, {key: wanted[key]}, place.at(section, key, index), DefinitionError)
