"""The room's main path: contracts, files, records; every row accounted for."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import ConservationError, DeliveryError, Said
from commonground.governance.vault import Vault
from commonground.intake.archives import limits_of
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered, companions_digest, find_files, opened
from commonground.intake.file import as_of, file_schema
from commonground.intake.model import COUNTS, Contract, IntakeResult, Pack
from commonground.intake.pack import load_pack
from commonground.intake.readers.lines import digest
from commonground.intake.returns.overlay import Overlay
from commonground.intake.returns.replaced import find_replaced
from commonground.intake.returns.take import collect
from commonground.intake.steady import check_unchanged, one_intake, opening, stamp
from commonground.intake.store import PLACE, Entry, Store, Taken, key_of, read_taken, sweep
from commonground.intake.work import Job, work

if TYPE_CHECKING:
    import pyarrow as pa


def run(city: City, *, progress: Progress | None = None) -> IntakeResult:
    """Read all deliveries of a city.

    A file that has not changed since the last time, under a contract, pack and code that have not changed either, is
    left in the vault and not read again.

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
    with one_intake(city):
        return _run(city, progress)


def _run(city: City, progress: Progress | None) -> IntakeResult:
    pack = load_pack(city.settings.pack)
    contracts = load_contracts(city)
    files = collect(city, find_files(city.deliveries, contracts, limits_of(city)))
    vault = Vault(city)
    gathered = _Gathered(_replaced(files))
    plan: list[tuple[Delivered, str, str]] = []
    held: dict[str, Taken] = {}
    jobs: list[Job] = []
    stamps = [(found, stamp(found)) for found in files if not found.litter]
    for found in files:
        mark = _digest(found)
        key = ""
        if not found.status and found.contract is not None:
            key = _key(found, mark, found.contract, pack, city)
            taken = read_taken(vault, key, key_of(found))
            if taken is None:
                jobs.append(Job(key, found))
            else:
                held[key] = taken
        plan.append((found, mark, key))
    fresh = work(city, jobs, pack, progress, len(files))
    try:
        check_unchanged(stamps)
    except DeliveryError:
        for job in jobs:  # what was read may stand under the hash of what was there before
            vault.remove(f"intake/{job.key}")
        raise
    for found, mark, key in plan:
        if found.contract is None or not key:
            gathered.set_aside(found, mark)
        else:
            gathered.add(found, mark, key, found.contract, held.get(key) or fresh[key])
    sweep(vault, {key for _, _, key in plan})
    if progress is not None:
        progress("intake", len(files), len(files))
    return gathered.result(
        vault, contracts, pack, int(city.settings.intake.bytes / 2), Overlay(city, pack, contracts, gathered.read)
    )


class _Gathered:
    """What the files gave so far."""

    def __init__(self, replaced: set[tuple[str, ...]]) -> None:
        self.replaced = replaced
        self.read: dict[tuple[str, str, str, str], tuple[str, dt.date]] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.sums: list[dict[str, Any]] = []
        self.seen: dict[tuple[str, str, str], dt.date] = {}
        self.next_id = 1

    def set_aside(self, found: Delivered, mark: str) -> None:
        """Account for a file that is not read: empty, ignored, or without a contract."""
        row = {**_place(found), "kind": found.contract.kind.name if found.contract else "", "sheet": ""}
        row |= {"sha256": mark, "encoding": "", "status": found.status}
        self.sums.append({**row, **dict.fromkeys(COUNTS, 0)})

    def add(self, found: Delivered, mark: str, key: str, contract: Contract, taken: Taken) -> None:
        """Take one file's sums and the places of its parts, and number its records."""
        same = (found.department, found.dataset, mark)
        place = (found.department, found.dataset, found.delivery, found.file)
        day, rule = as_of(found, contract)
        status = "replaced" if place in self.replaced else "record"
        if status == "record" and same in self.seen:
            means = rule.repeats or ("confirmed" if contract.rows_per_person == "one" else "repeated")
            status = "record" if means == "confirmed" and day > self.seen[same] else "repeated"
        if status == "record":
            self.seen[same] = day
        self.read[place] = (mark, day)
        self.entries.setdefault(contract.name, []).append(Entry(found, key, taken, day, status, self.next_id))
        self.next_id += taken.records
        for sheet in taken.sheets:
            row = {**_place(found), "kind": contract.kind.name, "sha256": mark, **sheet}
            if status != "record" and row["status"] == "read":
                row["status"] = status
            self.sums.append(row)

    def result(
        self, vault: Vault, contracts: dict[str, Contract], pack: Pack, memory: int, overlay: Overlay
    ) -> IntakeResult:
        """Put all together and hold the parts against the sums once more."""
        entries = {}
        for name, contract in contracts.items():
            mine = self.entries.get(name, [])
            if not mine and contract.absent:
                continue
            entries[name] = mine
            told = sum(row["records"] for row in self.sums if f"{row['department']}.{row['dataset']}" == name)
            _check(contract, sum(entry.taken.records for entry in mine), told)
        schemas = {name: file_schema(contracts[name], pack) for name in entries}
        store = Store(vault, contracts, entries, schemas, memory, overlay)
        return IntakeResult(store, _conservation(self.sums), contracts)


def _replaced(files: list[Delivered]) -> set[tuple[str, ...]]:
    """Give the places of the files that a corrected delivery replaces."""
    held: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for found in files:
        if not found.status:
            held.setdefault((found.department, found.dataset), []).append((found.delivery, found.file))
    return {(*name, *old) for name, listed in held.items() for old in find_replaced(listed)}


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


def _digest(found: Delivered) -> str:
    if found.litter:
        return ""  # it changes whenever somebody opens the folder, and says nothing
    with opening(found), opened(found) as path:
        return digest(path)


def _place(found: Delivered) -> dict[str, str]:
    return {name: getattr(found, name) for name in PLACE}


def _conservation(sums: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    names = ("department", "dataset", "kind", "delivery", "file", "sheet", "sha256", "encoding", "status")
    columns = {name: pa.array([row[name] for row in sums], pa.string()) for name in names}
    columns |= {name: pa.array([row[name] for row in sums], pa.int64()) for name in COUNTS}
    return pa.table(columns)


def _key(found: Delivered, digest: str, contract: Contract, pack: Pack, city: City) -> str:
    """Name of a file's cached records: changes with file, contract, pack, areas and code."""
    parts = (digest, contract.hash, pack.hash, code_version(), repr(city.settings.areas), city.settings.name.zh)
    place = (found.department, found.dataset, found.delivery, found.file, companions_digest(found))
    return hashlib.sha256("\0".join((*parts, *place)).encode()).hexdigest()[:40]


@functools.cache
def code_version() -> str:
    """Hash of this room's own source: an upgrade reads all files again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
