"""Reads files, on one core or on all of them, and holds each file's parts together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import ConservationError, DeliveryError, Said
from commonground.governance.vault import Vault
from commonground.intake.deliveries import Delivered, opened
from commonground.intake.file import Outcome, Reading, prepare, read_parts
from commonground.intake.model import COUNTS, Limits, Pack
from commonground.intake.readers.decode import BEYOND, wrong_encoding
from commonground.intake.readers.text import check_text
from commonground.intake.shape import check_mostly_broken
from commonground.intake.store import Part, Taken, write_part, write_taken

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Job:
    """One file to read; ``key`` is its name in the vault."""

    key: str
    found: Delivered


def work(city: City, jobs: Sequence[Job], pack: Pack, progress: Progress | None, files: int) -> dict[str, Taken]:
    """Read files and put them into the vault.

    Parameters
    ----------
    files : int
        Files in all, for ``progress``; those that need not be read are done.

    Raises
    ------
    CommonGroundError
        Of the first file in order that does not fit.
    """
    vault = Vault(city)
    out = {}
    for i, job in enumerate(jobs):
        if progress is not None:
            progress("intake", files - len(jobs) + i, files)
        out[job.key] = read_file(city, vault, job, pack)
    return out


def read_file(city: City, vault: Vault, job: Job, pack: Pack) -> Taken:
    """Read one file from its beginning to its end and put it into the vault."""
    assert job.found.contract is not None

    def keep(number: int, records: pa.Table, quarantine: pa.Table) -> None:
        write_part(vault, job.key, number, records, quarantine)

    with opened(job.found) as path:
        reading = prepare(job.found, job.found.contract, pack, city.settings, Limits(), path)
        outcomes = list(read_parts(reading, keep))
        cut = spoiled(outcomes)
        if cut:
            outcomes = list(read_parts(reading, keep, cut))
        taken = put_together(reading, outcomes)
    write_taken(vault, job.key, taken)
    return taken


def spoiled(outcomes: Sequence[Outcome]) -> frozenset[tuple[str, str]]:
    """Sheets and columns in which one part took for true what another part shows that a spreadsheet had cut."""
    out = set()
    for group in by_sheet(outcomes):
        cut = frozenset[str]().union(*(one.cut for one in group))
        out |= {(one.sheet, name) for one in group for name in one.whole & cut if len(group) > 1}
    return frozenset(out)


def by_sheet(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Put the parts of each sheet together."""
    out: list[list[Outcome]] = [[]]
    for one in outcomes:
        out[-1].append(one)
        if not one.more:
            out.append([])
    return [group for group in out if group]


def put_together(reading: Reading, outcomes: Sequence[Outcome]) -> Taken:
    """Hold the parts of a file together and make the sum of each of its sheets.

    Raises
    ------
    DeliveryError, ContractError
        What only the whole file shows: it is no text, of another encoding, mostly broken, or under a wrong contract.
    ConservationError
        Rows of the file are not all accounted for.
    """
    parts, sums = [], []
    for group in by_sheet(outcomes):
        check_sheet(reading, group)
        sums.append(account(group, reading.where(group[0].sheet)))
        row = 0
        for one in group:
            if one.status == "read":
                parts.append(Part(one.number, one.records, one.aside, row))
                row += one.records + one.bad
    if not any(one["status"] == "read" for one in sums) and any(one["status"] == "empty" for one in sums):
        raise _no_sheet(reading.found)
    return Taken(tuple(parts), tuple(sums))


def check_sheet(reading: Reading, group: Sequence[Outcome]) -> None:
    """Refuse what the parts of a sheet show together."""
    path, where = reading.found.path, reading.where(group[0].sheet)
    check_text(path, [one.notes for one in group])
    excess = [one.notes.get("utf8", -1) for one in group]
    if min(excess) >= 0 and sum(excess) >= BEYOND:
        raise wrong_encoding(path, group[0].encoding, 0, ["utf-8"])
    check_mostly_broken(reduce(add, (one.reasons for one in group)), sum(one.records for one in group), where)
    for shares in zip(*(one.shares for one in group if one.status == "read"), strict=True):
        reduce(add, shares).check()


def account(group: Sequence[Outcome], where: str) -> dict[str, Any]:
    """Make the conservation sum of a sheet, against the number of rows that the reader counted apart."""
    sums: Counter[str] = Counter()
    for one in group:
        sums.update(one.counts)
        sums.update({"rows": one.total, "records": one.records, "quarantined": one.bad})
        sums.update({"values_quarantined": one.aside - one.bad})
    sums["non_data"] = sums["header"] + sums["blank"] + sums["note"] + sums["total"]
    first = group[0]
    out = {"sheet": first.sheet, "status": first.status, "encoding": first.encoding}
    accounted = sums["records"] + sums["quarantined"] + sums["non_data"]
    if accounted != sums["rows"]:
        raise ConservationError(
            Said(
                f"文件有 {sums['rows']} 行，只有 {accounted} 行有去处。",
                f"The file has {sums['rows']} rows, {accounted} are accounted for.",
            ),
            where=where,
            why=Said(
                f"记录 {sums['records']}，隔离 {sums['quarantined']}，非数据 {sums['non_data']}。",
                f"Records {sums['records']}, quarantined {sums['quarantined']}, not data {sums['non_data']}.",
            ),
            todo=Said(
                "这可能是读取程序的错误，请连同读取约定一起报告。",
                "This may be a fault of the reader; please report it with the contract.",
            ),
        )
    return out | {name: sums[name] for name in COUNTS}


def _no_sheet(found: Delivered) -> DeliveryError:
    return DeliveryError(
        Said("工作簿里没有数据。", "The workbook holds no data."),
        where=str(found.path),
        why=Said(
            "各工作表都是空的，或读取约定声明不是数据。", "Its sheets are empty or no data, as the contract says."
        ),
        todo=Said("请部门重新交付。", "Ask the department to deliver it again."),
    )
