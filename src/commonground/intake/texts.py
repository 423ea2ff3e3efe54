"""What can be seen of a column of texts from its bytes, without making a Python object of each cell.

Each function gives exactly what its slow twin gives text by text; cells that a fast way cannot judge take the slow way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# Bytes of texts that compatibility folding (NFKC) leaves as they are and that hold no white space: ASCII, and
# characters U+4000 to U+9FFF, whose UTF-8 begins with E4 to E9.
_PLAIN = bytes([*range(0x21, 0x7F), *range(0x80, 0xC0), *range(0xE4, 0xEA)])
# White space beyond ASCII begins with one of these bytes; most texts that hold one of them have none at their ends.
_SPACES = (b"\xc2", b"\xe1", b"\xe2", b"\xe3")
_PIECE = 1 << 17  # bytes looked at at a time: what is made of them stays in the processor's cache
_FEW_ROWS = 2000  # below, a pattern is tried on every distinct text


def data_of(column: pa.Array) -> bytes:
    """All texts of a column one after the other, in UTF-8."""
    buffer = column.buffers()[2]
    if buffer is None or not len(column):
        return b""
    offsets = offsets_of(column)
    data: bytes = buffer.slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()
    return data


def offsets_of(column: pa.Array) -> np.ndarray[Any, Any]:
    """Where each text begins in the column's buffer, and where the last ends."""
    import numpy as np

    if len(column) == 0:
        return np.zeros(1, np.int32)
    held = np.frombuffer(column.buffers()[1], np.int32)
    return held[column.offset : column.offset + len(column) + 1]


def lengths(column: pa.Array) -> np.ndarray[Any, Any]:
    """Bytes of each text."""
    import numpy as np

    return np.diff(offsets_of(column))


def trimmed(column: pa.Array) -> pa.Array:
    """Take white space off both ends of every text."""
    import pyarrow.compute as pc

    data = data_of(column)
    inside = b"\n" in data or b"\r" in data  # of a cell: quoted in a text file, typed in a workbook
    return pc.utf8_trim_whitespace(column) if inside or may_hold_space(data) else column


def may_hold_space(data: bytes) -> bool:
    """Tell whether there may be white space in a text in UTF-8; line ends do not count."""
    return holds_low(data) or any(byte in data for byte in _SPACES)


def holds_low(data: bytes) -> bool:
    """Tell whether there is a blank or a control character (tabulators too) other than line ends and delete."""
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    for at in range(0, len(array), _PIECE):
        piece = array[at : at + _PIECE]
        low = np.count_nonzero(piece < 33)
        if low and low != np.count_nonzero(piece == 10) + np.count_nonzero(piece == 13):
            return True
    return False


def is_ascii(column: pa.Array) -> bool:
    """Tell whether no text of a column holds anything beyond ASCII."""
    return data_of(column).isascii()


def unfolded(column: pa.Array) -> np.ndarray[Any, Any]:
    """Positions of texts that folding might change: all others are what ``plain`` makes of them."""
    import numpy as np

    data = data_of(column)
    if not data.translate(None, _PLAIN):
        return np.array([], np.int64)
    table = np.ones(256, bool)
    table[list(_PLAIN)] = False
    at = np.flatnonzero(table[np.frombuffer(data, np.uint8)])
    offsets = offsets_of(column)
    return np.unique(np.searchsorted(offsets[1:] - offsets[0], at, side="right"))


def equals(column: pa.Array, name: str, fold: Callable[[str], str]) -> np.ndarray[Any, Any]:
    """Tell which texts are ``name`` once they are folded."""
    import numpy as np
    import pyarrow.compute as pc

    out: np.ndarray[Any, Any] = pc.equal(column, name).to_numpy(zero_copy_only=False).copy()
    rows = unfolded(column)
    if len(rows):
        encoded = column.take(rows).dictionary_encode()
        hit = np.array([fold(text) == name for text in encoded.dictionary.to_pylist()], bool)
        out[rows] = hit[encoded.indices.to_numpy()]
    return out


def matches(column: pa.Array, pattern: re.Pattern[str]) -> np.ndarray[Any, Any]:
    """Tell which texts match a pattern wholly."""
    import numpy as np
    import pyarrow.compute as pc

    if len(column) > _FEW_ROWS and (linear := linear_pattern(pattern)) is not None:
        found: np.ndarray[Any, Any] = pc.match_substring_regex(column, linear).to_numpy(zero_copy_only=False)
        return found
    encoded = column.dictionary_encode()
    hit = np.array([bool(pattern.fullmatch(text)) for text in encoded.dictionary.to_pylist()], bool)
    return hit[encoded.indices.to_numpy()] if len(hit) else np.zeros(len(column), bool)


_SIMPLE = re.compile(r"(?:\\d|\\\.|\[[0-9A-Za-z\u3400-\u9fff\-]+\]|\{\d+(?:,\d*)?\}|[^\\\[\]{}^$\n]|\(\?:)+")


def linear_pattern(pattern: re.Pattern[str]) -> str | None:
    """Give the pattern in the words of Arrow's expressions (RE2), where it means the same there; else None."""
    text = pattern.pattern
    if pattern.flags & ~re.UNICODE or not _SIMPLE.fullmatch(text) or re.search(r"\(\?[^:]|[*+?}][*+?]|\{,", text):
        return None
    digits = text.replace("\\d", "\\p{Nd}")
    return rf"\A(?:{digits})\z"
