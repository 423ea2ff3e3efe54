"""The vault: tables with names and numbers, encrypted at rest.

Each entry is one file: a header, then chunks of at most 4 MiB, each sealed with AES-256-GCM under the entry's key.
The nonce is the chunk's number after a random prefix of the file, and the number of chunks is sealed with every
chunk, so that a chunk cannot be altered, moved, dropped or taken from another entry unnoticed. Tables are sealed
column by column (``columns.py``), so that reading one column opens no other.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from commonground.city import City
from commonground.errors import Said, StorageError
from commonground.files import storage_errors, write_atomically
from commonground.governance.columns import MAGIC as TABLE
from commonground.governance.columns import check_columns, read_columns, seal_table
from commonground.governance.keys import KeyRing

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"CGV1"
CHUNK = 4 * 1024 * 1024


def seal(key: bytes, name: str, content: bytes) -> bytes:
    """Encrypt ``content`` as the entry ``name``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(key)
    prefix = secrets.token_bytes(8)
    chunks = max(1, -(-len(content) // CHUNK))
    out = [MAGIC, prefix, struct.pack(">I", chunks)]
    for number in range(chunks):
        extra = f"{name}|{chunks}|{number}".encode()
        sealed = cipher.encrypt(
            prefix + struct.pack(">I", number), content[number * CHUNK : (number + 1) * CHUNK], extra
        )
        out += [struct.pack(">I", len(sealed)), sealed]
    return b"".join(out)


def unseal(key: bytes, name: str, sealed: bytes) -> bytes:
    """Decrypt what ``seal`` made.

    Raises
    ------
    ValueError
        Anything was altered, cut off, or belongs to another entry or key.
    """
    return b"".join(unseal_chunks(key, name, io.BytesIO(sealed)))


def unseal_chunks(key: bytes, name: str, sealed: BinaryIO) -> Iterator[bytes]:
    """Decrypt what ``seal`` made, a chunk at a time; nothing is to be believed before the last one is there.

    Raises
    ------
    ValueError
        Anything was altered, cut off, or belongs to another entry or key.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = sealed.read(16)
    if head[:4] != MAGIC or len(head) < 16:
        raise ValueError("not a vault entry")
    cipher, prefix = AESGCM(key), head[4:12]
    (chunks,) = struct.unpack(">I", head[12:16])
    if chunks < 1:  # no chunk would mean no seal at all: an empty entry that anyone could forge
        raise ValueError("not a vault entry")
    try:
        for number in range(chunks):
            (size,) = struct.unpack(">I", sealed.read(4))
            if size > CHUNK + 16:  # longer than ``seal`` makes any: not worth reading
                raise InvalidTag
            extra = f"{name}|{chunks}|{number}".encode()
            chunk = sealed.read(size)
            if len(chunk) != size:  # a length altered to reach beyond the end would otherwise change nothing
                raise InvalidTag
            yield cipher.decrypt(prefix + struct.pack(">I", number), chunk, extra)
    except (InvalidTag, struct.error) as error:
        raise ValueError("altered or cut off, or another key") from error
    if sealed.read(1):
        raise ValueError("something was appended")


def _unreadable(name: str, path: Path) -> StorageError:
    return StorageError(
        Said(f"保险库条目“{name}”无法读取。", f"The vault entry “{name}” cannot be read."),
        where=str(path),
        why=Said(
            "文件不在，或者内容被改动、被截断，或者属于别的条目、别的版本、别的密钥。",
            "It is not there, was altered or cut off, or belongs to another entry, version or key.",
        ),
        todo=Said(
            "检查密钥文件夹，或删去该条目后重新建库。",
            "Check the folder of keys, or remove the entry and build again.",
        ),
    )


class Vault:
    """A city's vault. Only the rooms ``intake`` and ``people`` may open it."""

    def __init__(self, city: City) -> None:
        self.folder = city.vault
        self.keys = KeyRing(city.settings.keys)

    def _path(self, name: str) -> Path:
        path = (self.folder / f"{name}.sealed").resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"outside the vault: {name!r}")
        return path

    def has(self, name: str) -> bool:
        """Tell whether there is an entry ``name``, such as ``records/3fa9…``."""
        return self._path(name).is_file()

    def names(self, folder: str = "") -> list[str]:
        """Names of the entries in a folder of the vault."""
        base = self.folder / folder
        if not base.is_dir():
            return []
        return sorted(p.relative_to(self.folder).as_posix()[: -len(".sealed")] for p in base.rglob("*.sealed"))

    def write(self, name: str, content: bytes, *, key: str = "vault", durable: bool = True) -> None:
        """Seal ``content`` under the key called ``key`` and put it in place in one rename.

        What can be made again need not be ``durable``: after a power cut it may be damaged, which ``whole`` tells.
        """
        self._put(name, seal(self.keys.get(key), name, content), durable)

    def _put(self, name: str, sealed: bytes, durable: bool) -> None:
        path = self._path(name)
        with storage_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, sealed, durable=durable)
            os.chmod(path, 0o600)

    def read(self, name: str, *, key: str = "vault") -> bytes:
        """Give an entry's content.

        Raises
        ------
        StorageError
            The entry is missing, damaged, or locked with another key.
        """
        path = self._path(name)
        try:
            return unseal(self.keys.get(key, make=False), name, path.read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise _unreadable(name, path) from error

    def whole(self, name: str, *, key: str = "vault", version: str = "") -> bool:
        """Tell whether an entry is there and unaltered, a chunk at a time."""
        try:
            secret = self.keys.get(key, make=False)
            with self._path(name).open("rb") as file:
                if file.read(4) == TABLE:
                    file.seek(0)
                    check_columns(secret, name, file, version)
                    return True
                file.seek(0)
                for _ in unseal_chunks(secret, name, file):
                    pass
        except (OSError, ValueError, StorageError):
            return False
        return True

    def write_table(
        self, name: str, table: pa.Table, *, key: str = "vault", version: str = "", durable: bool = True
    ) -> None:
        """Seal an Arrow table column by column.

        ``version`` is sealed with it: whoever reads says which one is wanted, and an older file put back in its place
        does not open. What has a name of its own in each version needs none.
        """
        self._put(name, b"".join(seal_table(self.keys.get(key), name, table, version)), durable)

    def read_table(
        self, name: str, columns: Sequence[str] | None = None, *, key: str = "vault", version: str = ""
    ) -> pa.Table:
        """Give back what ``write_table`` sealed, or some columns of it; the others are not opened.

        Raises
        ------
        StorageError
            The entry is missing, damaged, of another version, or locked with another key.
        KeyError
            The table has no such column.
        """
        path = self._path(name)
        try:
            with path.open("rb") as file:
                return read_columns(self.keys.get(key, make=False), name, file, columns, version)
        except (FileNotFoundError, ValueError) as error:
            raise _unreadable(name, path) from error

    def remove(self, name: str) -> None:
        """Remove an entry if it is there."""
        self._path(name).unlink(missing_ok=True)
