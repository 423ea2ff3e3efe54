"""Fetches a table of a department's own database as a delivery: one read-only snapshot, streamed, with its hash.

What is fetched becomes a file like any other (``deliveries/<department>/<dataset>/<date>/<table>.parquet``), so that
intake, ledger and version rest on something that stays, not on a database that moves on. Beside it stands
``<table>.fetch.json``: where from, when, which columns, how many rows, and two hashes. ``content`` is that of the rows
in any order (the sum of each row's SHA-512, modulo 2 to the 512th), so that a table that did not change makes no
second delivery; ``sha256`` is that of the file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import ContractError, DeliveryError, Said
from commonground.files import storage_errors, write_atomically
from commonground.intake.database import Database
from commonground.intake.model import Contract
from commonground.intake.snapshot import Column, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = ".fetch.json"
"""What the name of the note beside a fetched file ends with."""
BATCH = 20_000
_MODULUS = 1 << 512


@dataclass(frozen=True)
class Fetched:
    """What one fetch gave.

    Attributes
    ----------
    dataset : str
        ``department.dataset``.
    path : Path
        The delivered file: the new one, or the standing one when nothing had changed.
    rows : int
        Rows of the table at the moment of the snapshot.
    content, sha256 : str
        Hash of the rows in any order, and of the file.
    changed : bool
        False when the last fetched delivery held the same rows and columns.
    """

    dataset: str
    path: Path
    rows: int
    content: str
    sha256: str
    changed: bool

    def to_dict(self) -> dict[str, Any]:
        """Give the result as plain values."""
        return {**self.__dict__, "path": str(self.path)}


def fetch(
    city: City, contracts: Sequence[Contract], *, now: dt.datetime | None = None, progress: Progress | None = None
) -> list[Fetched]:
    """Fetch the tables of contracts that have a ``[database]``.

    Datasets of one database are read in one snapshot, so that they agree with each other.

    Parameters
    ----------
    contracts : sequence of Contract
        Those to fetch.
    now : datetime, optional
        The moment of the delivery, in the office's time; its day names the folder.

    Raises
    ------
    ContractError
        A contract has no ``[database]``, or the table or a column of it is not in the database.
    DeliveryError
        The server cannot be reached, refuses the account, or breaks off; nothing of that fetch is kept.
    """
    now = now or dt.datetime.now().astimezone()
    by_server: dict[tuple[str, str], list[tuple[Contract, Database]]] = {}
    for contract in contracts:
        database = contract.database
        if database is None:
            raise _no_database(contract)
        by_server.setdefault((database.url, database.password_env), []).append((contract, database))
    out: list[Fetched] = []
    for group in by_server.values():
        with Snapshot(group[0][1], str(group[0][0].path)) as snapshot:
            for contract, database in group:
                if progress is not None:
                    progress("fetch", len(out), len(contracts))
                out.append(_fetch_one(city, contract, database, snapshot, now))
    if progress is not None:
        progress("fetch", len(out), len(contracts))
    return out


def _fetch_one(city: City, contract: Contract, database: Database, snapshot: Snapshot, now: dt.datetime) -> Fetched:
    folder = city.deliveries / contract.department / contract.dataset
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder))  # only the owner may look into it
    try:
        with storage_errors(folder):
            file = beside / f"{database.name}.parquet"
            columns, batches = snapshot.read(database, str(contract.path), BATCH)
            rows, content = _write(file, columns, batches, snapshot.zone, f"{contract.path} [database]")
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            standing = _standing(folder, database, content)
            if standing is not None:
                note = json.loads(standing.read_text(encoding="utf-8"))
                path = standing.with_name(standing.name.removesuffix(NOTE) + ".parquet")
                return Fetched(contract.name, path, rows, content, str(note["sha256"]), False)
            note = _note(database, snapshot, columns, now) | {"rows": rows, "content": content, "sha256": digest}
            text = json.dumps(note, ensure_ascii=False, indent=1) + "\n"
            write_atomically(beside / f"{database.name}{NOTE}", text.encode("utf-8"))
            target = _free_folder(folder, now.date(), database)
            target.mkdir(parents=True, exist_ok=True)
            for path in sorted(beside.iterdir()):
                path.chmod(0o600)
                os.replace(path, target / path.name)
            return Fetched(contract.name, target / file.name, rows, content, digest, True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _note(database: Database, snapshot: Snapshot, columns: Sequence[Column], now: dt.datetime) -> dict[str, Any]:
    return {
        "format": 1,
        "url": database.url,
        "table": database.table,
        "query": snapshot.statement(database),
        "server": snapshot.server,
        "fetched_at": now.isoformat(timespec="seconds"),
        "columns": [{"name": c.name, "type": c.type, "comment": c.comment} for c in columns],
    }


def _standing(folder: Path, database: Database, content: str) -> Path | None:
    """Give the note of the last fetched delivery if it holds the same rows and columns and its file is still there."""
    notes = []
    for path in folder.glob(f"*/{database.name}{NOTE}"):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            notes.append((str(note["fetched_at"]), path, str(note["content"]), str(note["sha256"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a note that somebody damaged proves nothing; the table is delivered again
    if not notes:
        return None
    _, path, held, digest = max(notes)
    file = path.with_name(f"{database.name}.parquet")
    if held != content or not file.is_file():
        return None
    with file.open("rb") as opened:
        return path if hashlib.file_digest(opened, "sha256").hexdigest() == digest else None


def _free_folder(folder: Path, day: dt.date, database: Database) -> Path:
    """Give the day's folder, or a further one where the day has such a file: a delivery is never overwritten."""
    for number in range(1, 1000):
        found = folder / (day.isoformat() if number == 1 else f"{day.isoformat()}-{number}")
        if not (found / f"{database.name}.parquet").exists():
            return found
    raise RuntimeError("a thousand deliveries in one day")


def _write(
    file: Path,
    columns: Sequence[Column],
    batches: Iterator[Sequence[Sequence[Any]]],
    zone: dt.tzinfo,
    where: str,
) -> tuple[int, str]:
    """Write the rows in batches; give their number and the hash of the content."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [pa.field(c.name, _arrow(c.kind), metadata={"type": c.type, "comment": c.comment}) for c in columns]
    )
    head = json.dumps([[c.name, c.type] for c in columns], ensure_ascii=False)
    rows, total = 0, int.from_bytes(hashlib.sha512(head.encode("utf-8")).digest(), "big")
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            texts = [[_plain(cell, zone) for cell in row] for row in batch]
            for row in texts:
                line = json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")
                total += int.from_bytes(hashlib.sha512(line).digest(), "big")
            total %= _MODULUS
            rows += len(texts)
            arrays = [_array([row[i] for row in texts], column, where) for i, column in enumerate(columns)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return rows, f"{total % _MODULUS:0128x}"


def _arrow(kind: str) -> pa.DataType:
    import pyarrow as pa

    return {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}.get(kind, pa.string())


def _array(values: list[Any], column: Column, where: str) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, _arrow(column.kind))
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        raise DeliveryError(
            Said(f"列“{column.name}”的值存不下。", f"The values of the column “{column.name}” cannot be kept."),
            where=f"{where} {column.name}",
            why=Said(f"数据库里的类型是 {column.type}。", f"Its type in the database is {column.type}."),
            todo=Said(
                "请改用 query，把这一列转成文字：CAST(… AS CHAR)。",
                "Use a query that makes it a text: CAST(… AS CHAR).",
            ),
        ) from None


def _plain(value: Any, zone: dt.tzinfo) -> Any:
    """Give a cell as intake reads it: texts for all but whole numbers, floats and truth; exact decimals, ISO dates."""
    if value is None or isinstance(value, str | int | float):  # a bool is an int
        return value
    if isinstance(value, dt.datetime):
        local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        return local.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _no_database(contract: Contract) -> ContractError:
    return ContractError(
        Said(f"{contract.name} 的约定没有写 [database]。", f"The contract of {contract.name} has no [database]."),
        where=str(contract.path),
        why=Said("不知道到哪里取数。", "Nothing says where to fetch from."),
        todo=Said(
            "请写 [database] url 与 table；交文件的数据集不用取数。",
            "Write [database] with url and table; a dataset that comes as files is not fetched.",
        ),
    )
