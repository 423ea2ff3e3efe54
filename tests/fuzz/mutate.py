"""Ways in which a delivered file goes wrong, each from a seed.

A mutation says how far its harm may reach, so that the campaign can tell what must still be right:

- ``line``: one line of the body is touched; every other row must come out as before;
- ``body``: lines of the body are moved, doubled or lost; the file must still be read, every row accounted for;
- ``file``: anything may have happened to the bytes; the file is read with its sum, or refused with a reason.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from fuzz.structure import STRUCTURED

NOISE = ["\0", "\x07", "\ue000", "\u200b", "\u202e", "𠮷", "\ufffd", "é", "　", "１", "\u0301", "'"]
NOISE += ["=1+1", "#REF!", "#N/A"]
"""What gets into cells: controls, private use, invisible marks, rare characters, formulas and their errors."""


@dataclass(frozen=True)
class Mutant:
    """A changed file.

    ``lines`` are the 0-based physical lines that were touched, for a mutation whose reach is ``line``; ``total`` the
    number of physical lines the file now has, where a line is still a line.
    """

    name: str
    reach: str
    content: bytes
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Text:
    """A text file as a mutation of lines sees it: its lines without their ends, and where its body begins."""

    lines: list[bytes]
    end: bytes
    encoding: str
    separator: str
    body: int
    mark: bytes = b""

    @property
    def wide(self) -> bool:
        """Whether a character takes two bytes at least, so that bytes cannot be cut at will."""
        return self.encoding.replace("-", "").lower().startswith("utf16")

    def put(self, lines: list[bytes]) -> bytes:
        return self.mark + self.end.join(lines) + (self.end if lines else b"")


def _line(rng: random.Random, text: Text) -> int:
    return rng.randrange(text.body, len(text.lines))


def _cell(change: Callable[[random.Random, str], str]) -> Callable[[random.Random, Text], Mutant]:
    def apply(rng: random.Random, text: Text) -> Mutant:
        at = _line(rng, text)
        cells = text.lines[at].decode(text.encoding).split(text.separator)
        which = rng.randrange(len(cells))
        cells[which] = change(rng, cells[which])
        lines = list(text.lines)
        lines[at] = text.separator.join(cells).encode(text.encoding)
        return Mutant("", "line", text.put(lines), (at,))

    return apply


def _noise(rng: random.Random, cell: str) -> str:
    at = rng.randint(0, len(cell))
    return cell[:at] + rng.choice(NOISE) + cell[at:]


def _long(rng: random.Random, cell: str) -> str:
    return cell + "长" * rng.choice([300, 5_000, 200_000])


def _open_quote(rng: random.Random, cell: str) -> str:
    at = rng.randint(0, len(cell))
    return cell[:at] + '"' + cell[at:]


def _more_cells(rng: random.Random, text: Text) -> Mutant:
    at, lines = _line(rng, text), list(text.lines)
    lines[at] += (text.separator * rng.randint(1, 5) + rng.choice(["", "多出"])).encode(text.encoding)
    return Mutant("", "line", text.put(lines), (at,))


def _fewer_cells(rng: random.Random, text: Text) -> Mutant:
    at, lines = _line(rng, text), list(text.lines)
    cells = lines[at].decode(text.encoding).split(text.separator)
    lines[at] = text.separator.join(cells[: rng.randrange(len(cells))]).encode(text.encoding)
    return Mutant("", "line", text.put(lines), (at,))


def _wrong_byte(rng: random.Random, text: Text) -> Mutant:
    at, lines = _line(rng, text), list(text.lines)
    if text.wide or not lines[at]:
        return Mutant("", "file", text.put(lines)[:-1])
    place = rng.randrange(len(lines[at]))
    lines[at] = lines[at][:place] + b"\xff" + lines[at][place:]
    return Mutant("", "line", text.put(lines), (at,))


def _doubled(rng: random.Random, text: Text) -> Mutant:
    at, lines = _line(rng, text), list(text.lines)
    lines[at:at] = [lines[at]] * rng.randint(1, 3)
    return Mutant("", "body", text.put(lines))


def _lost(rng: random.Random, text: Text) -> Mutant:
    at, lines = _line(rng, text), list(text.lines)
    del lines[at : at + rng.randint(1, 3)]
    return Mutant("", "body", text.put(lines))


def _swapped(rng: random.Random, text: Text) -> Mutant:
    a, b, lines = _line(rng, text), _line(rng, text), list(text.lines)
    lines[a], lines[b] = lines[b], lines[a]
    return Mutant("", "body", text.put(lines))


def _stranger(rng: random.Random, text: Text) -> Mutant:
    """A line that is no record: blank, a total, a footnote, the header once more."""
    at, lines = _line(rng, text), list(text.lines)
    texts = ["", "合计" + text.separator + "35", "注：本表由各学校填报。", text.separator * 3, "   "]
    extra = rng.choice([*(t.encode(text.encoding) for t in texts), lines[max(0, text.body - 1)]])
    lines[at:at] = [extra]
    return Mutant("", "body", text.put(lines))


def _other_ends(rng: random.Random, text: Text) -> Mutant:
    ends = [e.encode(text.encoding) for e in ("\n", "\r\n", "\r")]
    out = b"".join(line + (rng.choice(ends) if i >= text.body else text.end) for i, line in enumerate(text.lines))
    return Mutant("", "body", text.mark + out)


def _header(rng: random.Random, text: Text) -> Mutant:
    lines = list(text.lines)
    if not text.body:
        return Mutant("", "file", text.put(lines[1:]))
    at = text.body - 1
    cells = lines[at].decode(text.encoding).split(text.separator)
    which = rng.randrange(len(cells))
    way = rng.choice(["rename", "double", "drop", "swap", "blank"])
    if way == "rename":
        cells[which] += "_新"
    elif way == "double":
        cells[which] = cells[rng.randrange(len(cells))]
    elif way == "drop":
        del cells[which]
    elif way == "swap":
        other = rng.randrange(len(cells))
        cells[which], cells[other] = cells[other], cells[which]
    else:
        cells[which] = ""
    lines[at] = text.separator.join(cells).encode(text.encoding)
    return Mutant("", "file", text.put(lines))


def _misdeclared(rng: random.Random, text: Text) -> Mutant:
    whole = text.put(text.lines).removeprefix(text.mark).decode(text.encoding)
    other = rng.choice(["utf-8", "gb18030", "utf-16", "utf-8-sig", "utf-16-be"])
    return Mutant("", "file", whole.encode(other))


LINES: dict[str, Callable[[random.Random, Text], Mutant]] = {
    "noise in a cell": _cell(_noise),
    "a cell emptied": _cell(lambda rng, cell: ""),
    "a very long cell": _cell(_long),
    "an unclosed quote": _cell(_open_quote),
    "digits in a cell": _cell(lambda rng, cell: cell + str(rng.randrange(10**12))),
    "more cells": _more_cells,
    "fewer cells": _fewer_cells,
    "a wrong byte": _wrong_byte,
    "lines doubled": _doubled,
    "lines lost": _lost,
    "lines swapped": _swapped,
    "a line that is no record": _stranger,
    "other line ends": _other_ends,
    "the header changed": _header,
    "another encoding": _misdeclared,
}


def _flip(rng: random.Random, content: bytes) -> bytes:
    out = bytearray(content)
    for _ in range(rng.choice([1, 1, 4, 64])):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def _hole(rng: random.Random, content: bytes) -> bytes:
    a = rng.randrange(len(content))
    return content[:a] + content[a + rng.randint(1, 600) :]


def _insert(rng: random.Random, content: bytes) -> bytes:
    a = rng.randrange(len(content))
    piece = rng.choice([b"\0" * rng.randint(1, 900), rng.randbytes(rng.randint(1, 900)), b"\xff\xfe", b"\n" * 5])
    return content[:a] + piece + content[a:]


def _double(rng: random.Random, content: bytes) -> bytes:
    a = rng.randrange(len(content))
    return content[:a] + content[a : a + rng.randint(1, 3000)] * 2 + content[a:]


def _garbage(rng: random.Random, content: bytes) -> bytes:
    return rng.randbytes(rng.choice([1, 7, 512, 20_000]))


def _inside(rng: random.Random, content: bytes) -> bytes:
    """Change a member of a zipped workbook, so that the fault lies behind the container's own check."""
    try:
        old = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        return _flip(rng, content)
    names = old.namelist()
    which = rng.choice([n for n in names if "sheet" in n.lower() or "content" in n] or names)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in names:
            data = old.read(name)
            if name == which and data:
                data = rng.choice([_flip, _cut, _hole, _double])(rng, data)
            new.writestr(name, data)
    return out.getvalue()


BYTES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "bits flipped": _flip,
    "cut off": _cut,
    "a hole": _hole,
    "something inserted": _insert,
    "a piece doubled": _double,
    "garbage": _garbage,
    "inside the container": _inside,
}


def mutate(rng: random.Random, content: bytes, text: Text | None, kind: str) -> Mutant:
    """Change a file in one way drawn from ``rng``: by lines, by its structure, or by bytes.

    Parameters
    ----------
    kind : str
        The format, or ``zip`` and ``gz`` for what is packed.
    """
    if text is not None and len(text.lines) > text.body and rng.random() < 0.7:
        name = rng.choice(sorted(LINES))
        made = LINES[name](rng, text)
        return Mutant(name, made.reach, made.content, made.lines)
    if kind in STRUCTURED and rng.random() < 0.6:
        name = rng.choice(sorted(STRUCTURED[kind]))
        return Mutant(name, "file", STRUCTURED[kind][name](rng, content))
    name = rng.choice(sorted(BYTES))
    return Mutant(name, "file", BYTES[name](rng, content))
