"""Any cell as text, in a way that keeps what matters: a number too long for a spreadsheet stays recognisable."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

# Control characters other than tab and line ends, zero-width characters, and the byte-order mark inside a text:
# exports of old systems scatter them; none of them is part of a name or number.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2060\ufeff]")
_EXACT = 1e15  # a spreadsheet keeps fifteen digits; what is longer has lost its last ones


def cell_text(value: Any) -> str:
    """Give a cell as text: whole numbers without a decimal point, dates in ISO form, nothing as "".

    Numbers of sixteen digits or more that a spreadsheet held as numbers come out with an exponent
    (``5.29901201712172e+17``), so that no one takes them for the identity number that they were.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return ""
    if abs(value) >= _EXACT:
        return f"{value:.14e}"
    if value == int(value):
        return str(int(value))
    return repr(value)


def clean(text: str) -> tuple[str, int]:
    """Remove control characters; give the text and how many there were."""
    found = CONTROL.findall(text)
    return (CONTROL.sub("", text), len(found)) if found else (text, 0)
