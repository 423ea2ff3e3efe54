"""Rows of a SAS transport file, counted from its length: the file itself does not say how many it has.

Layout of the headers: SAS Institute, "Record layout of a SAS version 5 or 6 data set in SAS transport (XPORT) format"
(TS-140), and the same for version 8 or 9.
"""

from __future__ import annotations

import struct
from pathlib import Path

CARD = 80
"""A transport file is whole records of so many bytes; after the last row it is filled with blanks."""
_HEADER = b"HEADER RECORD*******"
_MEMBER, _COLUMNS, _ROWS = (b"MEMBER  ", b"MEMBV8  "), (b"NAMESTR ", b"NAMSTV8 "), (b"OBS     ", b"OBSV8   ")
_MOST = 1 << 24  # bytes in which the headers must end: room for some hundred thousand columns


def count_rows(path: Path) -> int:
    """Count the rows of the first dataset, taking all that follows its headers for rows.

    A last row of blanks alone cannot be told from what fills the last record, and does not count.

    Raises
    ------
    ValueError
        It is cut off inside a record, or its headers are damaged.
    """
    size = path.stat().st_size
    if size % CARD:
        raise ValueError(f"it ends inside a record of {CARD} bytes: cut off")
    with path.open("rb") as file:
        head = file.read(_MOST)
    try:
        each = int(_card(head, _MEMBER)[1][74:78])
        at, columns = _card(head, _COLUMNS)
        number = int(columns[54:58] if columns[20:28] == _COLUMNS[0] else columns[48:58])
        width = sum(int(struct.unpack_from(">h", head, at + CARD + i * each + 4)[0]) for i in range(number))
    except (ValueError, struct.error):
        raise ValueError("its headers are damaged") from None
    start = _card(head, _ROWS)[0] + CARD
    if width <= 0:
        raise ValueError("its headers are damaged")
    with path.open("rb") as file:
        file.seek(max(start, size - CARD + 1))
        tail = file.read()
    return -(-(size - start - (len(tail) - len(tail.rstrip(b" ")))) // width)


def _card(head: bytes, kinds: tuple[bytes, ...]) -> tuple[int, bytes]:
    """Find the header record of one of ``kinds``: its place and itself."""
    for kind in kinds:
        at = head.find(_HEADER + kind)
        if at >= 0 and at % CARD == 0:
            return at, head[at : at + CARD]
    raise ValueError("its headers are damaged")
