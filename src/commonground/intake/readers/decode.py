"""Strict decoding of the declared encoding: never a guess, never a replacement character."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.readers.gb import is_gb, of_today

_OTHERS = ("utf-8", "gb18030", "utf-16", "big5")
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BLOCK = 1 << 22
BEYOND = 12  # so many bytes more than letters, all well formed: no other encoding looks like UTF-8 by chance


def decode(path: Path, content: bytes, encoding: str) -> tuple[str, bool]:
    """Decode a text file that is held whole.

    Returns
    -------
    text : str
        Without a byte-order mark.
    cut : bool
        The file ends inside a character: it was cut off, and what follows the last line end is not whole.

    Raises
    ------
    DeliveryError
        The bytes are not in the declared encoding; says where, and which encoding would fit.
    """
    if not is_utf8_name(encoding) and utf8_excess(content) >= BEYOND:
        raise wrong_encoding(path, encoding, 0, ["utf-8"])
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
        return of_today(text) if is_gb(encoding) else text, False
    except UnicodeDecodeError as fault:
        if ends_inside_character(fault, len(content)) and fault.start > 0:
            return content[: fault.start].decode(encoding).removeprefix("\ufeff"), True
        raise wrong_encoding(path, encoding, fault.start, fitting(content)) from None


def ends_inside_character(fault: UnicodeDecodeError, size: int) -> bool:
    """Tell whether decoding failed for nothing but the end of the bytes inside a character."""
    return fault.end >= size and size - fault.start < 4


def is_utf8_name(encoding: str) -> bool:
    """Tell whether an encoding is UTF-8 under any of its names."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def utf8_excess(content: bytes) -> int:
    """Give how many bytes more than characters ``content`` has as UTF-8; -1 when it is not UTF-8."""
    if content.startswith(codecs.BOM_UTF8):
        return max(BEYOND, len(content))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return -1
    return len(content) - len(text) if "\0" not in text[:1000] else -1


def fitting(source: bytes | Path) -> list[str]:
    """Name the encodings that would decode all of ``source``, the likeliest first."""
    start = next(_blocks(source), b"")
    marked = [name for mark, name in _BOMS.items() if start.startswith(mark)]
    # without a mark nearly any file of even length decodes as UTF-16
    return [name for name in marked or _OTHERS if (marked or name != "utf-16") and decodes(source, name)]


def decodes(source: bytes | Path, encoding: str) -> bool:
    """Tell whether all of ``source`` is in an encoding, reading it in blocks."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(source):
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeError:
        return False
    return True


def _blocks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def wrong_encoding(path: Path, encoding: str, at: int, fit: list[str]) -> DeliveryError:
    """Make the error for a file that is not in its declared encoding; ``fit`` are the ones that would do."""
    if fit:
        todo = Said(
            f"改读取约定中的 encoding：这个文件符合 {'、'.join(fit)}。",
            f"Change encoding in the contract: the file fits {', '.join(fit)}.",
        )
    else:
        todo = Said(
            "常见编码都不符合，文件可能损坏或不是文本；请部门重新交付。",
            "No usual encoding fits; the file may be damaged or no text at all. Ask for it again.",
        )
    row = _row(path, at)
    return DeliveryError(
        Said(
            f"文件不是读取约定所写的编码 {encoding}。",
            f"The file is not in {encoding}, the encoding that its contract declares.",
        ),
        where=f"{path} row {row}, byte {at}",
        why=Said(
            f"第 {row} 行（第 {at} 字节）起无法按 {encoding} 解码；硬读会得到错字。",
            f"From row {row} (byte {at}) on it is not in it; forcing it would give wrong characters.",
        ),
        todo=todo,
    )


def _row(path: Path, at: int) -> int:
    """Give the physical row of a byte; in encodings of two bytes a letter it is the same but for rare letters."""
    if not at or not path.is_file():
        return 1
    row, left = 1, at
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            row, left = row + block.count(b"\n"), left - len(block)
    return row
