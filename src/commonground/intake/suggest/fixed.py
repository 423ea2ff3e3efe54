"""Columns of fixed width: from a layout file when one lies beside, else from the places where all lines have a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commonground.errors import Said
from commonground.intake.suggest.codebook import Codebook

_LOOKED_AT = 1000
_SHORTEST = 12  # bytes of a line below which even lengths say nothing


@dataclass(frozen=True)
class Widths:
    """Widths of the columns, in bytes of the file's encoding or in characters."""

    widths: tuple[int, ...]
    unit: str
    why: Said
    confidence: float
    doubts: tuple[Said, ...] = ()
    names: tuple[str, ...] = ()


def detect(lines: Sequence[str], encoding: str, books: Sequence[Codebook] = ()) -> Widths | None:
    """Find the widths of a file whose lines no separator splits; None where lines are of uneven length."""
    step = max(1, len(lines) // _LOOKED_AT)
    drawn = [line for line in lines[::step] if line.strip()][:_LOOKED_AT]
    if len(drawn) < 3:
        return None
    coded = _encoded(drawn, encoding)
    for book in books:
        said = _by_book(book, coded)
        if said is not None:
            return said
    lengths = [len(line.rstrip(b" ")) for line in coded]
    whole = [len(line) for line in coded]
    even = max(whole.count(length) for length in set(whole)) / len(whole)
    if even < 0.9 and (max(lengths) < _SHORTEST or not _gaps(coded)):
        return None
    if max(whole) < _SHORTEST:
        return None
    return _by_gaps(coded)


def split(lines: Sequence[str], cut: Widths, encoding: str) -> list[list[str]]:
    """Cut lines into cells."""
    name = "utf-16-le" if encoding == "utf-16" else encoding
    out = []
    for line in lines:
        whole = line.encode(name, "replace") if cut.unit == "bytes" else line
        cells, at = [], 0
        for width in cut.widths:
            piece = whole[at : at + width]
            cells.append((piece.decode(name, "replace") if isinstance(piece, bytes) else piece).strip())
            at += width
        out.append(cells)
    return out


def _encoded(lines: Sequence[str], encoding: str) -> list[bytes]:
    name = "utf-16-le" if encoding == "utf-16" else encoding
    return [line.encode(name, "replace") for line in lines]


def _by_book(book: Codebook, coded: Sequence[bytes]) -> Widths | None:
    """Widths that a layout file gives, where they fill the lines."""
    widths = []
    at = 1
    for entry in book.entries:
        if not entry.width:
            return None
        if entry.start > at:
            return None  # bytes that no column takes
        widths.append(entry.width)
        at += entry.width
    if not widths:
        return None
    longest = max(len(line) for line in coded)
    fits = sum(len(line) <= sum(widths) for line in coded) / len(coded)
    if sum(widths) < longest or fits < 0.95 or longest < sum(widths) // 2:
        return None
    return Widths(
        tuple(widths),
        "bytes",
        Said(
            f"“{book.path.name}”写明各列宽度，合计 {sum(widths)} 字节，与各行相符",
            f"“{book.path.name}” gives the widths, {sum(widths)} bytes together, as the lines are",
        ),
        0.97,
        names=tuple(entry.name for entry in book.entries),
    )


def _gaps(coded: Sequence[bytes]) -> list[int]:
    """Places where all lines begin something: after a blank column of bytes, or where Han characters end or begin."""
    width = max(len(line) for line in coded)
    padded = [line.ljust(width) for line in coded]
    blank = [all(line[i] == 32 for line in padded) for i in range(width)]
    return [i for i in range(1, width) if (blank[i - 1] and not blank[i]) or _turns(padded, i)]


def _turns(padded: Sequence[bytes], i: int) -> bool:
    """Tell whether at a place all lines go over from Han characters to ASCII or back: a column ends there."""
    before = {line[i - 1] > 127 for line in padded if line[i - 1] != 32}
    after = {line[i] > 127 for line in padded if line[i] != 32}
    full = sum(line[i - 1] != 32 and line[i] != 32 for line in padded)
    return len(before) == len(after) == 1 and before != after and full == len(padded)


def _by_gaps(coded: Sequence[bytes]) -> Widths | None:
    starts = [0, *_gaps(coded)]
    width = max(len(line) for line in coded)
    if len(starts) < 2:
        return None
    ends = [*starts[1:], width]
    widths = tuple(end - start for start, end in zip(starts, ends, strict=True))
    return Widths(
        widths,
        "bytes",
        Said(
            f"各行等长，从各行共同的空隙看分成 {len(widths)} 列",
            f"lines of even length; the gaps that all share make {len(widths)} columns",
        ),
        0.5,
        (
            Said(
                "列宽只是从空隙推断的，紧挨着的两列会并成一列；请向部门要字段说明（各列起始位置和长度）。",
                "Widths come from gaps alone, and columns that touch become one; ask the department for the layout "
                "(where each column begins, how long it is).",
            ),
        ),
    )
