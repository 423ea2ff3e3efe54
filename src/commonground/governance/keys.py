"""Keys, kept outside the city's folder.

One random key a purpose (a delivery's file, a project's pseudonyms, the ledger's chain), each in a file of its own
with mode 0600, in the folder that city.toml names. Destroying a key file destroys what it locked.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from commonground.errors import Said, StorageError
from commonground.files import storage_errors

KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")


class KeyRing:
    """The folder of keys.

    Parameters
    ----------
    folder : Path
        Where the key files are; made with mode 0700 when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str, *, make: bool = True) -> bytes:
        """Give the key called ``name``, made when it is not there and ``make`` is true.

        Raises
        ------
        StorageError
            The key is not there and may not be made, or its file has another length.
        """
        path = self._path(name)
        if not path.is_file():
            if not make:
                raise StorageError(
                    Said(f"找不到密钥“{name}”。", f"The key “{name}” is not there."),
                    where=str(path),
                    why=Said("用它加密的内容无法再读。", "What was locked with it cannot be read."),
                    todo=Said("请从密钥备份恢复，或重新建库。", "Restore it from the key backup, or build again."),
                )
            self._make(path)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise StorageError(
                Said(f"密钥“{name}”已损坏。", f"The key “{name}” is damaged."),
                where=str(path),
                todo=Said("请从密钥备份恢复。", "Restore it from the key backup."),
            )
        return key

    def _make(self, path: Path) -> None:
        # Written beside and linked into place: another process sees no key or a whole one, and the first one stands.
        with storage_errors(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(beside, path)
            finally:
                beside.unlink()

    def has(self, name: str) -> bool:
        """Tell whether there is a key called ``name``."""
        return self._path(name).is_file()

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a key name: {name!r}")
        return self.folder / f"{name}.key"

    def destroy(self, name: str) -> None:
        """Overwrite and remove a key; what it locked can never be read again."""
        path = self._path(name)
        if not path.is_file():
            return
        with storage_errors(path):
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())  # on the disk itself, before the name is gone
            path.unlink()


def delivery_key(department: str, dataset: str, delivery: str) -> str:
    """Name of the key under which all that was read from a delivery lies in the vault."""
    place = "\0".join((department, dataset, delivery))
    return f"delivery-{hashlib.sha256(place.encode()).hexdigest()[:24]}"


def algorithm_of(pack: str) -> str:
    """Hash of pseudonyms: the national standard SM3 with the China pack, SHA-256 elsewhere."""
    return "sm3" if pack == "china" else "sha256"


def keyed_hash(key: bytes, text: str, algorithm: str = "sm3") -> str:
    """HMAC of a text as 24 hexadecimal digits (96 bits: no collision among a city's persons).

    HMAC-SM3 (GB/T 32905-2016, GB/T 15852.2) by default, ``sha256`` outside China. A bare hash of an ID number could be
    reversed in minutes by trying all numbers; without the key this cannot.
    """
    return hmac.digest(key, text.encode("utf-8"), algorithm).hex()[:24]


def keyed_hashes(key: bytes, texts: Iterable[str], algorithm: str = "sm3") -> list[str]:
    """``keyed_hash`` of many texts under one key: a million in about three seconds of one core.

    The key is worked in once and its state copied (RFC 2104, section 4), which takes half the time.
    """
    return [digest.hex()[:24] for digest in keyed_digests(key, texts, algorithm)]


def keyed_digests(key: bytes, texts: Iterable[str], algorithm: str = "sm3") -> Iterator[bytes]:
    """HMAC of each text under one key, 32 bytes each."""
    block = hashlib.new(algorithm).block_size
    padded = (hashlib.new(algorithm, key).digest() if len(key) > block else key).ljust(block, b"\0")
    inner = hashlib.new(algorithm, bytes(b ^ 0x36 for b in padded)).copy
    outer = hashlib.new(algorithm, bytes(b ^ 0x5C for b in padded)).copy
    for text in texts:
        first, second = inner(), outer()
        first.update(text.encode("utf-8"))
        second.update(first.digest())
        yield second.digest()
