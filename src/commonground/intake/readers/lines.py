"""Text files of any size as blocks of whole lines: found, counted and hashed in one pass, decoded block by block.

In the encodings of ``_BY_BYTES`` a line end is one byte that is never part of another character, so a file can be
cut at line ends before it is decoded, and its blocks read by several processes. Other encodings are decoded from the
start in one stream. Either way a block holds whole lines, and a line longer than the limit is not held at all.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Limits
from commonground.intake.readers.broken import Broken, set_apart
from commonground.intake.readers.decode import (
    BEYOND,
    decodes,
    ends_inside_character,
    fitting,
    is_utf8_name,
    utf8_excess,
    wrong_encoding,
)
from commonground.intake.readers.gb import is_gb, of_today_utf8

if TYPE_CHECKING:
    import numpy as np

_BY_BYTES = frozenset(
    [
        "utf-8",
        "utf-8-sig",
        "ascii",
        "gb18030",
        "gbk",
        "gb2312",
        "big5",
        "big5hkscs",
        "cp950",
        "euc_jp",
        "euc_kr",
        "shift_jis",
        "cp932",
        "cp949",
        "iso8859-1",
        "iso8859-15",
        "latin-1",
        "cp1252",
        "cp437",
        "cp850",
    ]
)
_PIECE = 1 << 17
_HEAD = 200  # characters of a line longer than the limit that quarantine keeps


@dataclass(frozen=True)
class Span:
    """Bytes ``start`` to ``end`` of a text file: ``lines`` whole lines, or one that is ``long`` beyond the limit."""

    start: int
    end: int
    first_line: int
    lines: int
    long: bool = False
    last: bool = False
    returns: bool = False  # some line ends are a carriage return alone


@dataclass(frozen=True)
class Text:
    """Whole lines of a text file.

    Attributes
    ----------
    data : bytes
        In UTF-8, without a byte-order mark, line ends as they were; of a ``long`` line its beginning.
    first_line, lines : int
        1-based physical row of the first line, and how many there are: counted apart from splitting them.
    cut : bool
        The file ends inside a character of the last line, which is not in ``data``.
    excess : int
        As ``utf8_excess`` of the undecoded bytes, where another encoding is declared; else -1.
    returns : bool
        Some line ends may be a carriage return alone.
    """

    data: bytes
    first_line: int
    lines: int
    cut: bool = False
    long: bool = False
    last: bool = False
    excess: int = -1
    returns: bool = True
    broken: Broken | None = None


def splittable(encoding: str) -> bool:
    """Tell whether files in an encoding can be cut at line ends before they are decoded."""
    return codecs.lookup(encoding).name in _BY_BYTES


def digest(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blocks(path: Path, encoding: str, limits: Limits) -> Iterator[Text]:
    """Give a text file block by block.

    Raises
    ------
    DeliveryError
        The bytes are not in the declared encoding; says where, and which encoding would fit.
    """
    if splittable(encoding):
        for span in spans(path, limits):
            yield load(path, span, encoding)
    else:
        yield from _stream(path, encoding, limits)


@dataclass
class _Cutter:
    """Cuts blocks at line ends and counts the lines."""

    limits: Limits
    start: int = 0
    line: int = 1
    pending: int = 0  # bytes since ``start`` that hold no line end

    def take(self, block: bytes) -> Iterator[Span]:
        """Take the next bytes of the file; they do not end between the two characters of one line end."""
        cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if cut and self.pending:
            first = line_end(block)
            if self.pending + first > self.limits.line:
                yield self._close(self.pending + first, 1, True)
                block, cut = block[first:], cut - first
        if cut:
            lines, returns = count_ends(block[:cut])
            yield replace(self._close(self.pending + cut, lines, False), returns=returns > 0)
        self.pending += len(block) - cut

    def finish(self, last: Span | None) -> Iterator[Span]:
        """Close the last line, which has no end: it belongs to the last block, unless it is too long."""
        if self.pending > self.limits.line or (self.pending and (last is None or last.long)):
            if last is not None:
                yield last
            last = self._close(self.pending, 1, self.pending > self.limits.line)
        elif self.pending and last is not None:
            last = replace(last, end=last.end + self.pending, lines=last.lines + 1)
        if last is not None:
            yield replace(last, last=True)

    def _close(self, size: int, lines: int, long: bool) -> Span:
        out = Span(self.start, self.start + size, self.line, lines, long)
        self.start, self.line, self.pending = self.start + size, self.line + lines, 0
        return out


def line_end(data: bytes) -> int:
    """Position after the first line end; 0 when there is none."""
    found = [at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0]
    if not found:
        return 0
    first = min(found) + 1
    return first + (data[first - 1 : first + 1] == b"\r\n")


def count_ends(data: bytes) -> tuple[int, int]:
    """Count line ends of any kind without splitting, and those that are a carriage return alone.

    The conservation sum is held against it.
    """
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    returns = lone_returns(array)
    return line_feeds(array) + returns, returns


def line_feeds(array: np.ndarray[Any, Any]) -> int:
    """Count line feeds, by pieces that stay in the processor's cache."""
    import numpy as np

    return sum(int(np.count_nonzero(array[i : i + _PIECE] == 10)) for i in range(0, len(array), _PIECE))


def lone_returns(array: np.ndarray[Any, Any]) -> int:
    """Count carriage returns that no line feed follows: line ends of their own."""
    import numpy as np

    count = 0
    for at in range(0, len(array), _PIECE):  # by pieces, which stay in the processor's cache
        returns = array[at : at + _PIECE] == 13
        found = int(np.count_nonzero(returns))
        if found:
            after = array[at + 1 : at + _PIECE + 1] == 10
            count += found - int(np.count_nonzero(returns[: len(after)] & after))
    return count


def spans(path: Path, limits: Limits) -> Iterator[Span]:
    """Find the blocks of a file in a splittable encoding, one after the other."""
    cutter = _Cutter(limits)
    last: Span | None = None
    with path.open("rb") as file:
        while block := file.read(limits.block):
            while block.endswith(b"\r") and (more := file.read(1)):
                block += more
            for span in cutter.take(block):
                if last is not None:
                    yield last
                last = span
    yield from cutter.finish(last)


def load(path: Path, span: Span, encoding: str) -> Text:
    """Read and decode one block."""
    with path.open("rb") as file:
        file.seek(span.start)
        raw = file.read(min(span.end - span.start, 4 * _HEAD) if span.long else span.end - span.start)
    if span.long:
        head = raw.decode(encoding, "ignore")[:_HEAD].removeprefix("\ufeff")
        return Text(head.encode(), span.first_line, 1, long=True, last=span.last)
    here = is_utf8_name(encoding)
    excess = -1 if here else utf8_excess(raw)
    if excess >= BEYOND and span.start == 0 and (span.last or decodes(path, "utf-8")):
        raise wrong_encoding(path, encoding, 0, ["utf-8"])
    data, cut, broken = _recode(path, raw, span, encoding)
    if span.start == 0:
        data = data.removeprefix(codecs.BOM_UTF8)
    if is_gb(encoding):
        data = of_today_utf8(data)
    return Text(data, span.first_line, span.lines, cut, False, span.last, excess, span.returns, broken)


def _recode(path: Path, raw: bytes, span: Span, encoding: str) -> tuple[bytes, bool, Broken | None]:
    """Decode strictly and give the same in UTF-8; the file may end inside a character, and few lines may be broken."""
    name = "utf-8" if is_utf8_name(encoding) else encoding
    try:
        text = raw.decode(name)
        return (raw if name == "utf-8" else text.encode()), False, None
    except UnicodeEncodeError:
        raise wrong_encoding(path, encoding, span.start, []) from None
    except UnicodeDecodeError as fault:
        if span.last and ends_inside_character(fault, len(raw)) and span.start + fault.start > 0:
            return raw[: fault.start].decode(name).encode(), True, None
    data, broken = set_apart(path, raw, span.first_line, span.start, encoding)
    return data, False, broken


def _stream(path: Path, encoding: str, limits: Limits) -> Iterator[Text]:
    """Decode from the start in one stream, in UTF-8 from then on, and cut at line ends."""
    if decodes(path, "utf-8") and utf8_excess(_first_lines(path, limits)) >= BEYOND:
        raise wrong_encoding(path, encoding, 0, ["utf-8"])
    held, head, line, cut = b"", b"", 1, False
    for data, cut in _decoded(path, encoding, limits):  # noqa: B007 — the last one is asked for below
        held += data
        end = max(held.rfind(b"\n"), held.rfind(b"\r", 0, len(held) - 1)) + 1
        if end and head:
            first = line_end(held)
            yield Text(head, line, 1, long=True)
            line, head, held, end = line + 1, b"", held[first:], end - first
        if end:
            lines, _ = count_ends(held[:end])
            yield Text(held[:end], line, lines)
            line, held = line + lines, held[end:]
        elif len(held) > limits.line:
            head, held = head or _beginning(held), held[-1:]  # what may be half a line end
    lines = count_ends(held)[0] + (cut or held[-1:] not in (b"", b"\r", b"\n"))
    if head:
        yield Text(head, line, 1, long=True, last=True)
    elif lines or line == 1:
        yield Text(held, line, lines, cut, last=True)


def _first_lines(path: Path, limits: Limits) -> bytes:
    with path.open("rb") as file:
        block = file.read(limits.block)
    return block[: block.rfind(b"\n") + 1] or block


def _beginning(data: bytes) -> bytes:
    return data[: 4 * _HEAD].decode("utf-8", "ignore")[:_HEAD].encode()


def _decoded(path: Path, encoding: str, limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Give the text in UTF-8, piece by piece, and with the last piece whether it ends inside a character."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    with path.open("rb") as file:
        while True:
            raw = file.read(limits.block)
            try:
                text, cut = decoder.decode(raw, not raw), False
            except UnicodeError as fault:  # of UTF-16 without a mark no UnicodeDecodeError
                if raw or not at:
                    start = fault.start if isinstance(fault, UnicodeDecodeError) else 0
                    raise wrong_encoding(path, encoding, at + start, fitting(path)) from None
                text, cut = "", True
            yield (text if at else text.removeprefix("\ufeff")).encode(), cut
            at += len(raw)
            if not raw:
                return


def not_text(path: Path, found: int) -> DeliveryError:
    """Make the error for a file of control characters."""
    return DeliveryError(
        Said("文件不是文本。", "The file is not text."),
        where=str(path),
        why=Said(f"其中有 {found} 个控制字符。", f"It holds {found} control characters."),
        todo=Said(
            "请检查约定中的 format，或请部门重新交付。", "Check format in the contract, or ask for the file again."
        ),
    )
