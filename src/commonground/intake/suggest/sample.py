"""What is read of a file: all of it when small, else its head, its tail and blocks drawn evenly between.

Blocks are cut at line ends, so that what was drawn decodes and splits like the whole. Memory stays within
``WHOLE`` plus one block however large the file is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commonground.errors import DeliveryError, Said

WHOLE = 6 * 1024 * 1024  # files up to this many bytes are read whole
HEAD = 2 * 1024 * 1024
TAIL = 512 * 1024
BLOCK = 64 * 1024
BLOCKS = 48
COUNTED = 1024 * 1024 * 1024  # line ends are counted in files up to this size; beyond, their number is estimated
_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """Bytes drawn from a file.

    Attributes
    ----------
    content : bytes
        Whole lines in the order of the file; all of the file when ``whole``.
    size : int
        Bytes of the file.
    head : int
        Bytes of ``content`` that stand in the file without a gap before them.
    lines : int
        Lines of the file.
    exact : bool
        Whether ``lines`` was counted; estimated from the drawn lines' mean length otherwise.
    """

    path: Path
    content: bytes
    size: int
    whole: bool
    head: int
    lines: int
    exact: bool

    @property
    def said(self) -> Said:
        """Tell what was read."""
        if self.whole:
            return Said("读了整个文件", "the whole file was read")
        share = len(self.content) / self.size
        return Said(
            f"文件 {self.size / 2**20:,.0f} MiB，读了开头、结尾和均匀抽取的若干段（共 {share:.2%}）",
            f"of {self.size / 2**20:,.0f} MiB the head, the tail and blocks drawn evenly were read ({share:.2%})",
        )


def draw(path: Path, *, whole: int = WHOLE) -> Sample:
    """Draw bytes from a text file.

    Raises
    ------
    DeliveryError
        The file is empty, or cannot be opened.
    """
    size = size_of(path)
    with path.open("rb") as file:
        if size <= whole:
            content = file.read()
            return Sample(path, content, size, True, size, _lines(content), True)
        head = file.read(min(HEAD, whole))
        wide = _wide(head)
        head = _from_to(head, wide, first=True)
        parts = [head]
        first, last = len(head), size - TAIL
        step = max(BLOCK, (last - first) // BLOCKS)
        for at in range(first + step // 2, last - BLOCK, step):
            file.seek(at - at % 2)
            parts.append(_from_to(file.read(BLOCK), wide))
        file.seek(max(first, last) - max(first, last) % 2)
        parts.append(_from_to(file.read(), wide, last=True))
        content = b"".join(parts)
        drawn = max(1, _lines(content))
        if size <= COUNTED:
            return Sample(path, content, size, False, len(head), _count(path), True)
    return Sample(path, content, size, False, len(head), round(size / (len(content) / drawn)), False)


def size_of(path: Path) -> int:
    """Give a file's size in bytes.

    Raises
    ------
    DeliveryError
        It is empty, is not there, or may not be read.
    """
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as fault:
        raise DeliveryError(
            Said("文件打不开。", "The file cannot be opened."),
            where=str(path),
            why=Said(fault.strerror or str(fault), fault.strerror or str(fault)),
            todo=Said("请检查路径和读取权限。", "Check the path and the permission to read it."),
        ) from None
    if size == 0:
        raise DeliveryError(
            Said("文件是空的（0 字节）。", "The file is empty (0 bytes)."),
            where=str(path),
            todo=Said("请部门重新交付。", "Ask the department to deliver it again."),
        )
    return size


def _wide(head: bytes) -> str:
    """Tell which byte order UTF-16 has here, "" for all other encodings."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "le" if head[0] == 0xFF else "be"
    start = head[:4096]
    ends = (start.count(b"\n\0"), start.count(b"\0\n"))
    if start.count(0) * 10 > len(start) and max(ends):
        return "le" if ends[0] >= ends[1] else "be"
    return ""


def _from_to(block: bytes, wide: str, *, first: bool = False, last: bool = False) -> bytes:
    """Cut a block after its first line end and after its last one; nothing where it holds no two."""
    end = {"": b"\n", "le": b"\n\0", "be": b"\0\n"}[wide]
    start = 0 if first else _find(block, end, 0, forward=True)
    stop = len(block) if last else _find(block, end, 0, forward=False)
    if first and stop <= 0:
        return block
    return block[start:stop] if 0 <= start < stop else b""


def _find(block: bytes, end: bytes, at: int, *, forward: bool) -> int:
    """Find the place just after a line end that begins at a whole code unit; -1 for none."""
    unit = len(end)
    found = block.find(end) if forward else block.rfind(end)
    while found >= 0 and found % unit:
        found = block.find(end, found + 1) if forward else block.rfind(end, 0, found + unit - 1)
    return found + unit if found >= 0 else -1


def _lines(content: bytes) -> int:
    ends = content.count(b"\n") or content.count(b"\r")
    return ends + (bool(content) and not content.endswith((b"\n", b"\r", b"\n\0")))


def _count(path: Path) -> int:
    ends, last = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            ends += chunk.count(b"\n")
            last = chunk
    return ends + (not last.endswith((b"\n", b"\n\0")))
