"""Tables sealed column by column, so that one column is read without opening the others.

One file a table: a sealed directory (columns, their chunks, the table's schema), then the columns one after the other,
each an Arrow stream cut into chunks of at most 4 MiB and sealed with AES-256-GCM. What is authenticated with a chunk
says where it belongs: the entry's name and version, the column and its place, the chunk and how many there are. The
nonce is a random prefix of the file with the chunk's number in the file, so that a chunk of another writing of the same
entry does not open either. Hence no chunk, column or file can be altered, exchanged, put elsewhere, left out or doubled
unnoticed, and an older file does not pass for the version that is asked for.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"CGV2"
CHUNK = 4 * 1024 * 1024
MOST = 64 * 1024 * 1024
"""Longest directory that is worth reading."""
ALTERED = "altered or cut off, or another key"


@dataclass(frozen=True)
class _File:
    """What all chunks of one file share."""

    cipher: AESGCM
    prefix: bytes
    entry: str

    def seal(self, number: int, place: str, content: bytes) -> bytes:
        return self.cipher.encrypt(self.prefix + struct.pack(">I", number), content, f"{self.entry}|{place}".encode())

    def unseal(self, number: int, place: str, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        nonce = self.prefix + struct.pack(">I", number)
        try:
            return self.cipher.decrypt(nonce, sealed, f"{self.entry}|{place}".encode())
        except InvalidTag as error:
            raise ValueError(ALTERED) from error


def _file(key: bytes, prefix: bytes, name: str, version: str) -> _File:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return _File(AESGCM(key), prefix, json.dumps([name, version], ensure_ascii=False))


def _place(place: int, chunk: int, chunks: int) -> str:
    """Where a chunk belongs; the directory, itself sealed, says which column has which place."""
    return f"column {place}|{chunk}|{chunks}"


def seal_table(key: bytes, name: str, table: pa.Table, version: str = "") -> list[bytes]:
    """Encrypt a table as the ``version`` of the entry ``name``; the pieces one after the other are the file.

    Raises
    ------
    ValueError
        Two columns have one name.
    """
    import pyarrow as pa

    if len(set(table.column_names)) != table.num_columns:
        raise ValueError("two columns of one name")
    prefix = secrets.token_bytes(8)
    file, number = _file(key, prefix, name, version), 0
    sealed: list[bytes] = []
    counts: list[int] = []
    for place, column in enumerate(table.column_names):
        content = _stream(pa.table({column: table.column(column)}))
        chunks = max(1, -(-len(content) // CHUNK))
        for chunk in range(chunks):
            number += 1
            part = content[chunk * CHUNK : (chunk + 1) * CHUNK]
            sealed.append(file.seal(number, _place(place, chunk, chunks), bytes(part)))
        counts.append(chunks)
    told = {
        "rows": table.num_rows,
        "schema": base64.b64encode(table.schema.serialize().to_pybytes()).decode(),
        "chunks": counts,
        "bytes": [len(piece) for piece in sealed],
    }
    directory = file.seal(0, "directory", json.dumps(told).encode())
    return [MAGIC, prefix, struct.pack(">I", len(directory)), directory, *sealed]


def _stream(table: pa.Table) -> memoryview:
    import pyarrow as pa

    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return memoryview(out.getvalue())


@dataclass(frozen=True)
class Directory:
    """What a sealed table holds: its columns in order, each with the chunks that it has in the file.

    Attributes
    ----------
    schema : pa.Schema
        Columns and their types.
    rows : int
        Rows of the table.
    chunks : tuple of tuple of (number, offset, bytes)
        For each column where its chunks are.
    """

    schema: pa.Schema
    rows: int
    chunks: tuple[tuple[tuple[int, int, int], ...], ...]
    end: int


def _read_directory(key: bytes, name: str, version: str, sealed: BinaryIO) -> tuple[_File, Directory]:
    import pyarrow as pa

    head = sealed.read(16)
    if head[:4] != MAGIC or len(head) < 16:
        raise ValueError("not a sealed table")
    (size,) = struct.unpack(">I", head[12:])
    if size > MOST:
        raise ValueError(ALTERED)
    file = _file(key, head[4:12], name, version)
    told: dict[str, Any] = json.loads(file.unseal(0, "directory", _exactly(sealed, size)))
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(told["schema"])))
    at, number, columns = 16 + size, 0, []
    for count in told["chunks"]:
        mine = []
        for _ in range(count):
            length = int(told["bytes"][number])
            number += 1
            mine.append((number, at, length))
            at += length
        columns.append(tuple(mine))
    return file, Directory(schema, int(told["rows"]), tuple(columns), at)


def _exactly(sealed: BinaryIO, size: int) -> bytes:
    found = sealed.read(size)
    if len(found) != size:
        raise ValueError(ALTERED)
    return found


def _column(file: _File, directory: Directory, place: int, sealed: BinaryIO) -> bytes:
    """Decrypt one column."""
    chunks, out = directory.chunks[place], []
    for chunk, (number, at, size) in enumerate(chunks):
        sealed.seek(at)
        out.append(file.unseal(number, _place(place, chunk, len(chunks)), _exactly(sealed, size)))
    return out[0] if len(out) == 1 else b"".join(out)


def read_columns(
    key: bytes, name: str, sealed: BinaryIO, columns: Sequence[str] | None = None, version: str = ""
) -> pa.Table:
    """Decrypt the named columns of what ``seal_table`` made, or all of them; the others stay closed.

    Raises
    ------
    ValueError
        Anything that is read was altered, cut off, put in from elsewhere, or belongs to another entry, version or key.
    KeyError
        The table has no such column.
    """
    import pyarrow as pa

    file, directory = _read_directory(key, name, version, sealed)
    names = directory.schema.names
    wanted = names if columns is None else list(columns)
    missing = [c for c in wanted if c not in names]
    if missing:
        raise KeyError(missing[0])
    arrays = []
    for column in wanted:
        content = _column(file, directory, names.index(column), sealed)
        read = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
        if read.num_rows != directory.rows or read.column_names != [column]:
            raise ValueError(ALTERED)
        arrays.append(read.column(0))
    _check_end(sealed, directory)
    schema = pa.schema([directory.schema.field(c) for c in wanted], directory.schema.metadata)
    if not arrays:
        return schema.empty_table()
    return pa.Table.from_arrays(arrays, schema=schema)


def check_columns(key: bytes, name: str, sealed: BinaryIO, version: str = "") -> None:
    """Decrypt everything chunk by chunk and keep nothing; raises as ``read_columns`` does."""
    file, directory = _read_directory(key, name, version, sealed)
    for place, chunks in enumerate(directory.chunks):
        for chunk, (number, at, size) in enumerate(chunks):
            sealed.seek(at)
            file.unseal(number, _place(place, chunk, len(chunks)), _exactly(sealed, size))
    _check_end(sealed, directory)


def _check_end(sealed: BinaryIO, directory: Directory) -> None:
    """Refuse a file that is shorter or longer than its directory says."""
    if sealed.seek(0, 2) != directory.end:
        raise ValueError("cut off, or something was appended")
