"""The key of an encoding: made by chance, never a password, told from others by a mark that gives nothing away."""

from __future__ import annotations

import itertools
import os
import secrets
from pathlib import Path

from commonground.errors import Said, StorageError
from commonground.files import storage_errors
from commonground.governance.keys import KEY_BYTES, keyed_hash

FEWEST = 18
"""Different bytes that 32 random ones have at least, but for once in a thousand million million times."""


def new_key(path: Path) -> str:
    """Write a random key of 256 bits as 64 hexadecimal digits, for its owner alone; give its mark.

    Raises
    ------
    StorageError
        There is a file already, or it cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise StorageError(
            Said("这里已经有一个文件，没有覆盖。", "There is a file already; it was not written over."),
            where=str(path),
            why=Said(
                "密钥一旦被覆盖，用它做的编码就再也配不上了。",
                "Without its key an encoding can never be compared again.",
            ),
            todo=Said("请换一个文件名。", "Choose another name."),
        )
    key = secrets.token_bytes(KEY_BYTES)
    with storage_errors(path, chosen=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
    return key_mark(key)


def read_key(path: Path) -> bytes:
    """Read a key; a password, a short one or a regular one is refused.

    Raises
    ------
    StorageError
        There is no such file, or what it holds is no random key of 256 bits.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, Said("读不到密钥文件，或其中不是密钥。", "It cannot be read, or holds no key.")) from error
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise _refused(
            path,
            Said("不是十六进制数字；口令不能当密钥。", "These are no hexadecimal digits; a password is not a key."),
        ) from None
    why = _weakness(key)
    if why is not None:
        raise _refused(path, why)
    return key


def _weakness(key: bytes) -> Said | None:
    if len(key) != KEY_BYTES:
        return Said(
            f"应为 64 位十六进制数字（256 比特），实有 {2 * len(key)} 位。",
            f"64 hexadecimal digits (256 bits) are needed, there are {2 * len(key)}.",
        )
    steps = {(b - a) % 256 for a, b in itertools.pairwise(key)}
    text = all(32 <= b < 127 for b in key)
    if len(set(key)) < FEWEST or len(steps) < FEWEST or text or key[:16] == key[16:]:
        return Said("有规律或由文字变来，可以被猜出。", "It is regular, or made of text, and could be guessed.")
    return None


def _refused(path: Path, why: Said) -> StorageError:
    return StorageError(
        Said("不能用这个密钥编码。", "This key cannot be used for encoding."),
        where=str(path),
        why=why,
        todo=Said(
            "请由一个部门运行 commonground people encode --new-key 文件 生成，再当面或加密交给其他部门。",
            "Let one department make it by commonground people encode --new-key FILE and hand it over in person or "
            "encrypted.",
        ),
    )


def key_mark(key: bytes) -> str:
    """Mark of a key: equal marks mean equal keys, and a mark says nothing of a random key (a keyed hash of a text)."""
    return keyed_hash(key, "commonground key mark 1")[:16]
