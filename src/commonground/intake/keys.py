"""The keys of a contract and the kinds of values that they take, from ``contract_keys.toml``.

That file is the only list: contracts are checked against it, and ``docs/reference/contract.md`` is written from it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection
from pathlib import Path

VALUES = ("codes", "missing", "unit", "range", "order")
"""Keys of a column that its ``where`` may set otherwise for some rows."""
WAIVER = ("waive", "reason")
"""Keys of a ``[[check]]`` that waives checks; the others add one."""


@functools.cache
def _sections() -> dict[str, dict[str, str]]:
    raw = tomllib.loads(Path(__file__).with_name("contract_keys.toml").read_text(encoding="utf-8"))
    return {section: {key: entry["is"] for key, entry in keys.items()} for section, keys in raw.items()}


def kinds_of(section: str, *, only: Collection[str] = (), but: Collection[str] = ()) -> dict[str, str]:
    """Give key → kinds of value, as ``toml.check_types`` takes them, of a section such as ``layout``.

    Parameters
    ----------
    only, but : collection of str
        These keys alone; all but these.
    """
    return {key: kinds for key, kinds in _sections()[section].items() if key not in but and (not only or key in only)}
