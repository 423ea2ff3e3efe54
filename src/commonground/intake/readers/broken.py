"""Lines with bytes that are not in the declared encoding: a few cost those lines, more mean that the encoding is wrong.

A transfer or a disk may spoil a byte; the line that it stands in is set aside with that byte written in hexadecimal,
never replaced by another character. Whether they are few is judged by the whole file, so that no block decides
otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commonground.intake.readers.decode import fitting, is_utf8_name, wrong_encoding

MARK = "\x7f"
"""Put before a broken line: as a control character it keeps the line off the fast ways of splitting."""
_SHARE = 20  # at most one broken line in so many that hold letters beyond ASCII, or a single one
_PIECE = 1 << 20


@dataclass(frozen=True)
class Broken:
    """The broken lines of a block.

    Attributes
    ----------
    rows : frozenset
        Their physical rows.
    at : int
        The byte of the first fault, in the file.
    beyond : int
        Lines of the whole file that hold letters beyond ASCII.
    """

    rows: frozenset[int]
    at: int
    beyond: int

    def notes(self) -> dict[str, int]:
        """What the whole file is judged by."""
        return {"undecodable": len(self.rows), "undecodable_at": self.at, "beyond_ascii": self.beyond}

    def joined(self, before: Broken | None) -> Broken:
        """Give the broken lines of earlier blocks too."""
        return self if before is None else Broken(self.rows | before.rows, before.at, self.beyond)

    def within(self, first: int, last: int) -> bool:
        """Tell whether one of the rows ``first`` to ``last`` is broken."""
        return any(first <= row <= last for row in self.rows)


def set_apart(path: Path, raw: bytes, first_row: int, start: int, encoding: str) -> tuple[bytes, Broken]:
    """Decode line by line and give the same in UTF-8, broken lines marked and written with escapes.

    Raises
    ------
    DeliveryError
        Another encoding fits the file, or too many lines are broken.
    """
    fit, beyond = _survey(path, path.stat().st_mtime_ns)
    name = "utf-8" if is_utf8_name(encoding) else encoding
    out, rows, at, place = [], [], -1, start
    for row, line in enumerate(raw.splitlines(keepends=True), first_row):
        try:
            out.append(line.decode(name).encode())
        except UnicodeDecodeError as fault:
            body = line.rstrip(b"\r\n")
            out.append(MARK.encode() + body.decode(name, "backslashreplace").encode() + line[len(body) :])
            rows.append(row)
            at = place + fault.start if at < 0 else at
        place += len(line)
    if fit or not _few(len(rows), beyond):
        raise wrong_encoding(path, encoding, max(at, 0), list(fit))
    return b"".join(out), Broken(frozenset(rows), at, beyond)


def check_broken(path: Path, encoding: str, notes: Sequence[Mapping[str, int]]) -> None:
    """Refuse a file of which too many lines are broken, all its parts together.

    Parameters
    ----------
    notes : sequence of mapping
        The ``notes`` of all parts of the file.

    Raises
    ------
    DeliveryError
        It is in another encoding than declared.
    """
    told = [one for one in notes if one.get("undecodable")]
    if told and not _few(sum(one["undecodable"] for one in told), told[0]["beyond_ascii"]):
        raise wrong_encoding(path, encoding, told[0]["undecodable_at"], [])


def refuse_header(path: Path, encoding: str, broken: Broken | None, last: int) -> None:
    """Refuse a file of which a row of the header is broken: nobody knows what its columns are called.

    Raises
    ------
    DeliveryError
        One of the rows up to ``last`` is broken.
    """
    if broken is not None and broken.within(1, last):
        raise wrong_encoding(path, encoding, broken.at, [])


def _few(broken: int, beyond: int) -> bool:
    return broken <= 1 or broken * _SHARE <= beyond


@functools.lru_cache(maxsize=8)
def _survey(path: Path, _changed: int) -> tuple[tuple[str, ...], int]:
    """Give the encodings that fit all of a file, and how many of its lines hold letters beyond ASCII."""
    beyond = 0
    with path.open("rb") as file:
        while line := file.readline(_PIECE):
            beyond += not line.isascii()
    return tuple(fitting(path)), beyond
