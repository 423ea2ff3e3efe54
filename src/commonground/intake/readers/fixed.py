"""Text of fixed widths, as Chinese mainframes export it: widths count bytes of the file's own encoding.

A column is decoded in one go for some ten thousand rows; a name whose last character was cut in two by the width loses
that half and nothing else.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from commonground.errors import DeliveryError, Said
from commonground.intake.model import BadRow, Layout, Limits, Sheet
from commonground.intake.readers.cells import CONTROL
from commonground.intake.readers.decode import BEYOND, fitting, is_utf8_name, utf8_excess, wrong_encoding
from commonground.intake.readers.gb import is_gb, of_today
from commonground.intake.readers.lines import splittable

if TYPE_CHECKING:
    import pyarrow as pa

_ESCAPED = re.compile("[\udc80-\udcff]")  # a byte that could not be decoded, as "surrogateescape" gives it
_FEW = 20  # rows before a share of them says anything about the encoding
_HEAD = 200  # bytes of a line far too long that quarantine keeps


def read_fixed(path: Path, layout: Layout, limits: Limits) -> Iterator[Sheet]:
    """Read a file of fixed widths part by part.

    Raises
    ------
    DeliveryError
        Its encoding is another one, or one whose bytes cannot be cut (UTF-16 by bytes).
    """
    by_bytes = layout.width_unit == "bytes"
    if not splittable(layout.encoding):
        raise _not_by_bytes(path, layout)
    places = _places(layout)
    width = max(end for _, end in places)
    line, broken, kept = 1, 0, 0
    names = layout.columns if layout.header_row == (0,) else ()
    held = b""
    with path.open("rb") as file:
        while True:
            block = file.read(limits.block)
            while block.endswith(b"\r") and (more := file.read(1)):
                block += more  # a line end is not cut in two
            if b"\r" in block:
                block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if line == 1 and not held:
                block = block.removeprefix(codecs.BOM_UTF8)
                if not is_utf8_name(layout.encoding) and utf8_excess(block[: block.rfind(b"\n") + 1]) >= BEYOND:
                    raise wrong_encoding(path, layout.encoding, 0, ["utf-8"])
            last = not block
            held += block
            end = len(held) if last else held.rfind(b"\n") + 1
            if not end and not last:
                if len(held) > limits.line:
                    held = held[: limits.line]  # a line without an end: its beginning is enough to say so
                continue
            part = _Part(layout, places, width, line, last)
            part.take(held[:end], by_bytes)
            held, line = held[end:], line + part.total
            broken, kept = broken + part.undecodable, kept + len(part.numbers)
            if broken > _FEW and broken > kept:
                raise wrong_encoding(path, layout.encoding, 0, fitting(path))
            yield part.sheet(names)
            if last:
                return


class _Part:
    """Lines of one block."""

    def __init__(
        self, layout: Layout, places: Sequence[tuple[int, int]], width: int, first_line: int, last: bool
    ) -> None:
        self.layout, self.places, self.width, self.first, self.last = layout, places, width, first_line, last
        self.total = self.undecodable = self.mended = 0
        self.numbers: list[int] = []
        self.columns: list[list[str]] = [[] for _ in places]
        self.bad: list[BadRow] = []

    def take(self, block: bytes, by_bytes: bool) -> None:
        """Cut a block of whole lines; the file's last line may have no end."""
        unended = bool(block) and not block.endswith(b"\n")
        self.total = block.count(b"\n") + unended
        lines = block.split(b"\n")[: self.total]
        whole: list[bytes] = []
        for number, raw in enumerate(lines, self.first):
            line = raw.rstrip(b"\r").replace(b"\0", b" ")
            size = len(line) if by_bytes else _letters(line, self.layout.encoding)
            if size != self.width:
                fault = self._fault(line, size, unended and number == self.first + self.total - 1)
                if fault:
                    text = line[: 4 * max(_HEAD, self.width)].decode(self.layout.encoding, "backslashreplace")
                    self.bad.append(BadRow(number, fault, CONTROL.sub("", text)))
                    continue
                self.mended += size > self.width
                line = line.ljust(self.width) if by_bytes else line + b" " * (self.width - size)
            whole.append(line[: self.width] if by_bytes else line)
            self.numbers.append(number)
        self._cut(whole, by_bytes)

    def _fault(self, line: bytes, size: int, unended: bool) -> str:
        """Say what is wrong with a line of another length: "" for blank ones and ones that differ by blanks alone."""
        if not line.strip(b" \x1a"):
            return ""
        if size > self.width:
            return "too_many_cells" if line[self.width :].strip(b" \x1a") else ""
        if unended and self.last:
            return "cut_off"
        return "" if self.layout.short_rows == "fill" else "too_few_cells"

    def _cut(self, whole: list[bytes], by_bytes: bool) -> None:
        if not by_bytes:
            texts = [line.decode(self.layout.encoding, "surrogateescape") for line in whole]
            self.columns = [[text[start:end].strip() for text in texts] for start, end in self.places]
        else:
            import numpy as np

            table = np.frombuffer(b"".join(whole), np.uint8).reshape(len(whole), self.width)
            ends = np.full((len(whole), 1), 10, np.uint8)
            self.columns = [
                self._column(np.hstack([table[:, start:end], ends]).tobytes(), end - start + 1)
                for start, end in self.places
            ]
        self._set_aside_undecoded(whole)

    def _column(self, data: bytes, step: int) -> list[str]:
        """Decode one column, its cells each followed by a line end, in one go, or cell by cell where that fails."""
        encoding = self.layout.encoding
        try:
            text = data.decode(encoding)
            return [cell.strip() for cell in (of_today(text) if is_gb(encoding) else text).split("\n")[:-1]]
        except UnicodeDecodeError:
            return [_cell(data[at : at + step - 1], encoding) for at in range(0, len(data), step)]

    def _set_aside_undecoded(self, whole: list[bytes]) -> None:
        """Set aside rows with a byte that could not be decoded, and clean rows with control characters."""
        spoilt: set[int] = set()
        for column in self.columns:
            joined = "\n".join(column)
            if _ESCAPED.search(joined):
                spoilt |= {i for i, cell in enumerate(column) if _ESCAPED.search(cell)}
            if CONTROL.search(joined):
                held = [i for i, cell in enumerate(column) if CONTROL.search(cell)]
                self.mended += len(held)
                for i in held:
                    column[i] = CONTROL.sub("", column[i]).strip()
        if spoilt:
            self.undecodable = len(spoilt)
            for i in sorted(spoilt):
                text = whole[i].decode(self.layout.encoding, "backslashreplace")
                self.bad.append(BadRow(self.numbers[i], "not_decodable", CONTROL.sub("", text)))
            keep = [i for i in range(len(self.numbers)) if i not in spoilt]
            self.numbers = [self.numbers[i] for i in keep]
            self.columns = [[column[i] for i in keep] for column in self.columns]

    def sheet(self, names: tuple[str, ...]) -> Sheet:
        """Give the part; rows of a header come by row, as they are not data."""
        import numpy as np
        import pyarrow as pa

        head = 0 if self.layout.header_row == (0,) else max(0, self.layout.header_row[-1] + 1 - self.first)
        head = sum(number < self.first + head for number in self.numbers)
        rows = [[column[i] for column in self.columns] for i in range(head)]
        arrays: tuple[pa.Array, ...] = tuple(pa.array(column[head:], pa.string()) for column in self.columns)
        return Sheet(
            "",
            rows,
            self.numbers[:head],
            self.total,
            tuple(self.bad),
            names=names,
            notes={"control_characters": self.mended},
            columns=arrays,
            places=np.asarray(self.numbers[head:], np.int64),
            more=not self.last,
        )


def _places(layout: Layout) -> list[tuple[int, int]]:
    """Where each column begins and ends, from 0."""
    out, at = [], 0
    for i, width in enumerate(layout.widths):
        start = layout.starts[i] - 1 if layout.starts else at
        out.append((start, start + width))
        at = start + width
    return out


def _letters(line: bytes, encoding: str) -> int:
    return len(line.decode(encoding, "surrogateescape"))


def _cell(raw: bytes, encoding: str) -> str:
    """Decode one cell; half a character at its end is dropped, any other fault is escaped (``_ESCAPED``)."""
    raw = raw.rstrip(b" ")
    try:
        return raw.decode(encoding).strip()
    except UnicodeDecodeError as fault:
        if fault.end >= len(raw) and len(raw) - fault.start < 4:
            return raw[: fault.start].decode(encoding).strip()
        return raw.decode(encoding, "surrogateescape").strip()


def _not_by_bytes(path: Path, layout: Layout) -> DeliveryError:
    return DeliveryError(
        Said(f"编码 {layout.encoding} 的定长文件不能直接切开。", f"Fixed widths in {layout.encoding} cannot be cut."),
        where=str(path),
        why=Said("这种编码里换行不是一个字节。", "A line end is not one byte in it."),
        todo=Said("请部门改用 GB18030 或 UTF-8 导出。", "Ask the department to export it in GB18030 or UTF-8."),
    )
