"""The room's main path: contracts, files, records; every row accounted for."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import ConservationError, DeliveryError, Said, StorageError
from commonground.governance.vault import Vault
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered, find_files
from commonground.intake.file import FileResult, as_of, quarantine_schema, read_file
from commonground.intake.model import COUNTS, Contract, IntakeResult, Pack
from commonground.intake.pack import load_pack

if TYPE_CHECKING:
    import pyarrow as pa


def run(city: City, *, progress: Progress | None = None) -> IntakeResult:
    """Read all deliveries of a city.

    A file that has not changed since the last time, under a contract, pack and code that have not changed either, is
    taken from the vault and not read again.

    Parameters
    ----------
    progress : callable, optional
        Called with the stage, files done and files in all.

    Raises
    ------
    ContractError, DeliveryError
        Contract and delivery do not fit; says where and what to do.
    ConservationError
        Rows of a file are not all accounted for.
    """
    pack = load_pack(city.settings.pack)
    contracts = load_contracts(city)
    files = find_files(city.deliveries, contracts)
    vault = Vault(city)
    used: set[str] = set()
    gathered = _Gathered()
    for i, found in enumerate(files):
        if progress is not None:
            progress("intake", i, len(files))
        content = _content(found.path)
        digest = hashlib.sha256(content).hexdigest()
        if found.status or found.contract is None:
            gathered.set_aside(found, digest)
            continue
        key = _key(found, digest, found.contract, pack, city)
        used.add(key)
        result = _from_vault(vault, key)
        if result is None:
            result = read_file(found, content, found.contract, pack, city.settings)
            _to_vault(vault, key, result)
        gathered.add(found, digest, found.contract, result)
    for folder in ("records", "quarantine"):
        for name in vault.names(folder):
            if name.removeprefix(f"{folder}/") not in used:
                vault.remove(name)
    if progress is not None:
        progress("intake", len(files), len(files))
    return gathered.result(contracts)


class _Gathered:
    """What the files gave so far."""

    def __init__(self) -> None:
        self.tables: dict[str, list[pa.Table]] = {}
        self.quarantine: list[pa.Table] = []
        self.sums: list[dict[str, Any]] = []
        self.seen: set[tuple[str, str, str]] = set()
        self.next_id = 1

    def set_aside(self, found: Delivered, digest: str) -> None:
        """Account for a file that is not read: empty, ignored, or without a contract."""
        kind = found.contract.kind.name if found.contract else ""
        counts = dict.fromkeys(COUNTS, 0)
        self.sums.append(
            {
                **_place(found),
                "kind": kind,
                "sheet": "",
                "sha256": digest,
                "encoding": "",
                "status": found.status,
                **counts,
            }
        )

    def add(self, found: Delivered, digest: str, contract: Contract, result: FileResult) -> None:
        """Take one file's records, with the columns that all its rows share."""
        import pyarrow as pa

        mark = (found.department, found.dataset, digest)
        repeated = mark in self.seen
        self.seen.add(mark)
        status = "repeated" if repeated else "record"
        n = result.records.num_rows
        day, _ = as_of(found, contract)
        base = {
            "record_id": pa.array(range(self.next_id, self.next_id + n), pa.int64()),
            **{name: _same(text, n) for name, text in _place(found, kind=contract.kind.name).items()},
            "sheet": result.records["sheet"],
            "row_number": result.records["row_number"],
            "as_of": pa.array([day] * n, pa.date32()),
            "status": _same(status, n),
        }
        self.next_id += n
        concepts = result.records.drop_columns(["sheet", "row_number"])
        table = pa.table({**base, **dict(zip(concepts.column_names, concepts.columns, strict=True))})
        self.tables.setdefault(contract.name, []).append(table)
        m = result.quarantine.num_rows
        shared = {name: _same(text, m) for name, text in _place(found).items()}
        self.quarantine.append(
            pa.table({**shared, **dict(zip(result.quarantine.column_names, result.quarantine.columns, strict=True))})
        )
        for sheet in result.sheets:
            row = {**_place(found), "kind": contract.kind.name, "sha256": digest, **sheet}
            if repeated and row["status"] == "read":
                row["status"] = "repeated"
            self.sums.append(row)

    def result(self, contracts: dict[str, Contract]) -> IntakeResult:
        """Put all together and hold the tables against the sums once more."""
        import pyarrow as pa

        tables = {}
        for name, contract in contracts.items():
            parts = self.tables.get(name, [])
            if not parts and contract.absent:
                continue
            tables[name] = pa.concat_tables(parts)
            told = sum(row["records"] for row in self.sums if f"{row['department']}.{row['dataset']}" == name)
            _check(contract, tables[name].num_rows, told)
        schema = pa.schema([(name, pa.string()) for name in ("department", "dataset", "delivery", "file")])
        empty = pa.schema([*schema, *quarantine_schema()]).empty_table()
        quarantine = pa.concat_tables([empty, *self.quarantine])
        return IntakeResult(tables, quarantine, _conservation(self.sums), contracts)


def _check(contract: Contract, records: int, told: int) -> None:
    if records != told:
        raise ConservationError(
            Said(
                f"{contract.name} 的记录数与各文件合计不符。",
                f"The records of {contract.name} are not the sum of its files.",
            ),
            where=contract.name,
            why=Said(f"表中 {records}，合计 {told}。", f"{records} in the table, {told} in the sums."),
        )
    if records == 0:
        raise DeliveryError(
            Said(f"{contract.name} 一条记录也没有。", f"{contract.name} has not one record."),
            where=contract.name,
            why=Said("文件只有表头，或所有行都不是数据。", "Its files hold a header alone, or no row is data."),
            todo=Said("请部门重新交付，或核对 non_data。", "Ask the department to deliver again, or check non_data."),
        )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise DeliveryError(
            Said("文件打不开。", "The file cannot be opened."),
            where=str(path),
            why=Said(str(fault.strerror), str(fault.strerror)),
            todo=Said("请检查文件的权限和磁盘。", "Check the file's permissions and the disk."),
        ) from None


def _place(found: Delivered, kind: str | None = None) -> dict[str, str]:
    out = {"department": found.department, "dataset": found.dataset}
    if kind is not None:
        out["kind"] = kind
    return out | {"delivery": found.delivery, "file": found.file}


def _same(text: str, n: int) -> pa.Array:
    import pyarrow as pa

    return pa.array([text], pa.string()).take(pa.array([0] * n, pa.int64()))


def _conservation(sums: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    names = ("department", "dataset", "kind", "delivery", "file", "sheet", "sha256", "encoding", "status")
    columns = {name: pa.array([row[name] for row in sums], pa.string()) for name in names}
    columns |= {name: pa.array([row[name] for row in sums], pa.int64()) for name in COUNTS}
    return pa.table(columns)


def _key(found: Delivered, digest: str, contract: Contract, pack: Pack, city: City) -> str:
    """Name of a file's cached records: changes with file, contract, pack, areas and code."""
    parts = (digest, contract.hash, pack.hash, code_version(), repr(city.settings.areas), city.settings.name.zh)
    place = (found.department, found.dataset, found.delivery, found.file)
    return hashlib.sha256("\0".join((*parts, *place)).encode()).hexdigest()[:40]


@functools.cache
def code_version() -> str:
    """Hash of this room's own source: an upgrade reads all files again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _to_vault(vault: Vault, key: str, result: FileResult) -> None:
    sums = json.dumps(result.sheets, ensure_ascii=False).encode()
    vault.write_table(f"quarantine/{key}", result.quarantine)
    vault.write_table(f"records/{key}", result.records.replace_schema_metadata({"sheets": sums}))


def _from_vault(vault: Vault, key: str) -> FileResult | None:
    if not vault.has(f"records/{key}") or not vault.has(f"quarantine/{key}"):
        return None
    try:
        records, quarantine = vault.read_table(f"records/{key}"), vault.read_table(f"quarantine/{key}")
    except StorageError:
        return None  # damaged, or its key was replaced: the delivery itself is read again
    sheets = tuple(json.loads((records.schema.metadata or {})[b"sheets"]))
    return FileResult(records.replace_schema_metadata(None), quarantine, sheets)
