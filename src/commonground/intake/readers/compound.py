"""The container of old workbooks ([MS-CFB]): sectors chained by a table of the next of each.

The library that reads workbooks follows a chain that runs in a circle until the memory is full, so each is walked here
first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_END = 0xFFFFFFFC  # this and above: no sector
_SMALL = 4096  # streams below this are kept in sectors of 64 bytes
_MINI = 64
_ROOT = 5


def workbook_stream(data: bytes) -> bytes:
    """Take the stream "Workbook" (or "Book") out of a compound file; "" where it has none.

    Raises
    ------
    ValueError, struct.error
        A chain of sectors runs in a circle, or the header is damaged.
    """
    size = 1 << (struct.unpack_from("<H", data, 30)[0] & 15)
    table = _table(data, size)

    def sectors(start: int) -> bytes:
        return b"".join(data[512 + at * size : 512 + (at + 1) * size] for at in _chain(table, start))

    directory = sectors(struct.unpack_from("<I", data, 48)[0])
    raw = sectors(struct.unpack_from("<I", data, 60)[0])
    mini = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
    held, found = b"", b""
    for at in range(0, len(directory) - 127, 128):
        length, kind = struct.unpack_from("<HB", directory, at + 64)
        name = directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
        start, total = struct.unpack_from("<II", directory, at + 116)
        if kind == _ROOT:
            held = sectors(start)
        elif kind and total >= _SMALL:
            content = sectors(start)[:total]
            found = content if name in ("Workbook", "Book") else found
        elif kind:
            content = b"".join(held[one * _MINI : (one + 1) * _MINI] for one in _chain(mini, start))[:total]
            found = content if name in ("Workbook", "Book") and not found else found
    return found


def _table(data: bytes, size: int) -> list[int]:
    """Give of each sector which is the next."""
    fats = list(struct.unpack_from("<109I", data, 76))
    more, count = struct.unpack_from("<II", data, 68)
    per = size // 4
    for _ in range(min(count, len(data) // size)):
        if more >= _END:
            break
        sector = struct.unpack_from(f"<{per}I", data, 512 + more * size)
        fats += sector[:-1]
        more = sector[-1]
    table: list[int] = []
    for fat in fats:
        if fat < _END:
            table += struct.unpack_from(f"<{per}I", data, 512 + fat * size)
    return table


def _chain(table: Sequence[int], start: int) -> list[int]:
    out: list[int] = []
    at = start
    while at < len(table):
        if len(out) > len(table):
            raise ValueError("a chain of sectors runs in a circle")
        out.append(at)
        at = table[at]
    return out
