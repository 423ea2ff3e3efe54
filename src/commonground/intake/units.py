"""Units that a contract may name, and the factor to the concept's own unit."""

from __future__ import annotations

import re

_BASE: dict[str, tuple[str, float]] = {
    "kg": ("kg", 1.0),
    "jin": ("kg", 0.5),
    "斤": ("kg", 0.5),
    "g": ("kg", 0.001),
    "cm": ("cm", 1.0),
    "m": ("cm", 100.0),
    "mm": ("cm", 0.1),
    "km": ("cm", 100_000.0),
    "li": ("cm", 50_000.0),
    "里": ("cm", 50_000.0),
    "g/L": ("g/L", 1.0),
    "g/dL": ("g/L", 10.0),
    "mmHg": ("mmHg", 1.0),
    "kPa": ("mmHg", 7.500617),
    "yuan": ("yuan", 1.0),
    "元": ("yuan", 1.0),
    "万元": ("yuan", 10_000.0),
    "hour": ("hour", 1.0),
    "minute": ("hour", 1 / 60),
    "month": ("month", 1.0),
    "year": ("month", 12.0),
    "%": ("%", 1.0),
    "fraction": ("%", 100.0),
}
_MARK = re.compile(r"mark/(\d+(?:\.\d+)?)")
PERCENT_OF_FULL = "percent of full mark"


def known_units() -> list[str]:
    """Give the names that a contract may write, the mark's with its full mark."""
    return [*_BASE, "mark/100", "mark/120", "mark/150"]


def factor(unit: str, target: str) -> float | None:
    """Give what a number in ``unit`` is multiplied by to be in ``target``; None when that makes no sense.

    ``mark/120`` (a mark of at most 120) becomes a percentage of the full mark.
    """
    if unit in ("", target):
        return 1.0
    mark = _MARK.fullmatch(unit)
    if mark:
        full = float(mark[1])
        return 100.0 / full if target == PERCENT_OF_FULL and full > 0 else None
    here, there = _BASE.get(unit), _BASE.get(target)
    if here is None or there is None or here[0] != there[0]:
        return None
    return here[1] / there[1]


def alternatives(target: str) -> tuple[float, ...]:
    """Give what a number is multiplied by when it is in another unit and taken for ``target``: 2 for jin as kg."""
    there = _BASE.get(target)
    if there is None:
        return ()
    ratios = {there[1] / here[1] for here in _BASE.values() if here[0] == there[0]}
    return tuple(sorted(r for r in ratios if 0.001 <= r <= 1000 and not 0.8 < r < 1.25))
