"""Strict decoding of the declared encoding: never a guess, never a replacement character."""

from __future__ import annotations

import codecs
from pathlib import Path

from commonground.errors import DeliveryError, Said

_OTHERS = ("utf-8", "gb18030", "utf-16", "big5")
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def decode(path: Path, content: bytes, encoding: str) -> tuple[str, bool]:
    """Decode a text file.

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
    name = codecs.lookup(encoding).name
    if name not in ("utf-8", "utf-8-sig") and _is_utf8(content):
        raise _wrong(path, encoding, 0, ["utf-8"])
    try:
        return content.decode(encoding).removeprefix("\ufeff"), False
    except UnicodeDecodeError as fault:
        if fault.end >= len(content) and len(content) - fault.start < 4 and fault.start > 0:
            return content[: fault.start].decode(encoding).removeprefix("\ufeff"), True
        raise _wrong(path, encoding, fault.start, fitting(content)) from None


def _is_utf8(content: bytes) -> bool:
    """Tell whether bytes with letters beyond ASCII are UTF-8: by chance other encodings are not."""
    if content.startswith(codecs.BOM_UTF8):
        return True
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(content) - len(text) >= 12 and "\0" not in text[:1000]


def fitting(content: bytes) -> list[str]:
    """Name the encodings that would decode all of ``content``, the likeliest first."""
    marked = [name for mark, name in _BOMS.items() if content.startswith(mark)]
    out = []
    for name in marked or _OTHERS:
        if name == "utf-16" and not marked:
            continue  # without a mark nearly any file of even length decodes as UTF-16
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        out.append(name)
    return out


def _wrong(path: Path, encoding: str, at: int, fit: list[str]) -> DeliveryError:
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
    return DeliveryError(
        Said(
            f"文件不是读取约定所写的编码 {encoding}。",
            f"The file is not in {encoding}, the encoding that its contract declares.",
        ),
        where=f"{path}，byte {at}",
        why=Said(
            f"第 {at} 字节起无法按 {encoding} 解码；硬读会得到错字。",
            f"It does not decode from byte {at} on; forcing it would give wrong characters.",
        ),
        todo=todo,
    )
