"""Reads files, on one core or on all of them, and holds each file's parts together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import ConservationError, DeliveryError, Said
from commonground.governance.vault import Vault
from commonground.intake.deliveries import Delivered, opened
from commonground.intake.file import Outcome, Reading, prepare, read_parts, take_part
from commonground.intake.model import COUNTS, TEXT_FORMATS, Limits, Pack
from commonground.intake.pool import Fault, guarded, spread
from commonground.intake.readers.broken import check_broken
from commonground.intake.readers.decode import BEYOND, wrong_encoding
from commonground.intake.readers.lines import Span, spans, splittable
from commonground.intake.readers.text import check_text, read_head, read_span
from commonground.intake.shape import check_mostly_broken, column_names
from commonground.intake.steady import opening
from commonground.intake.store import Part, Taken, key_of, write_part, write_taken

if TYPE_CHECKING:
    import pyarrow as pa

_WORTH = 64_000_000  # bytes of text to be read before another process saves time
_SLOW = 8  # bytes of a workbook take as long as so many of text


@dataclass(frozen=True)
class Job:
    """One file to read; ``key`` is its name in the vault."""

    key: str
    found: Delivered


@dataclass(frozen=True)
class Task:
    """One file, or one block of a large text file."""

    key: str
    number: int = 0
    span: Span | None = None
    width: int = 0
    names: tuple[str, ...] = ()
    cut: Mapping[tuple[str, str], bool] = field(default_factory=dict)


class _Desk:
    """What a process has at hand for its tasks."""

    def __init__(self, city: City, pack: Pack, limits: Limits, jobs: Sequence[Job]) -> None:
        self.city, self.pack, self.limits = city, pack, limits
        self.vault = Vault(city)
        self.jobs = {job.key: job for job in jobs}
        self.readings: dict[str, Reading] = {}

    def reading(self, key: str) -> Reading:
        """What holds for a file; kept while its blocks are read."""
        if key not in self.readings:
            found = self.jobs[key].found
            assert found.contract is not None
            self.readings.clear()
            self.readings[key] = prepare(found, found.contract, self.pack, self.city.settings, self.limits)
        return self.readings[key]

    def do(self, task: Task) -> list[Outcome]:
        """Read a file or a block of it and put its parts into the vault."""
        reading = self.reading(task.key)

        def keep(number: int, records: pa.Table, quarantine: pa.Table) -> None:
            write_part(self.vault, task.key, number, records, quarantine, key_of(reading.found))

        if task.span is None:
            with opening(reading.found), opened(reading.found) as path:
                return list(read_parts(replace(reading, path=path), keep, task.cut))
        with opening(reading.found):
            sheet = read_span(reading.found.path, task.span, reading.layout, task.width)
        return [take_part(reading, task.number, sheet, task.names if task.number else (), keep, task.cut)]


_desk: list[_Desk] = []


def _start(city: City, pack: Pack, limits: Limits, jobs: Sequence[Job]) -> None:
    _desk[:] = [_Desk(city, pack, limits, jobs)]


def _do(task: Task) -> list[Outcome]:
    return _desk[0].do(task)


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
    for lock in sorted({key_of(job.found) for job in jobs}):
        vault.keys.get(lock)  # made now, so that no two processes make it
    workers = _workers(city, jobs)
    limits = limits_of(city, workers)
    words = (city, pack, limits, jobs)
    order = {job.key: i for i, job in enumerate(jobs)}
    out: dict[str, Taken] = {}
    held: dict[str, list[tuple[Task, list[Outcome]]]] = {}
    at = 0
    if progress is not None:
        progress("intake", files - len(jobs), files)
    for task, result in spread(_tasks(jobs, pack, city, limits), _do, workers, _start, words):
        while at < order[task.key]:
            out[jobs[at].key] = _finish(jobs[at], held.pop(jobs[at].key), vault)
            at += 1
            if progress is not None:
                progress("intake", files - len(jobs) + at, files)
        if isinstance(result, Fault):
            raise result.error()
        held.setdefault(task.key, []).append((task, result))
    for job in jobs[at:]:
        out[job.key] = _finish(job, held.pop(job.key), vault)
    _desk.clear()
    return out


def _workers(city: City, jobs: Sequence[Job]) -> int:
    """Processes that are worth starting: none beside this one for little."""
    cost = 0
    for job in jobs:
        size = _size(job)
        contract = job.found.contract
        text = contract is not None and all(layout.format in TEXT_FORMATS for layout in contract.layouts)
        cost += size if text else size * _SLOW
    most = city.settings.intake.workers or os.cpu_count() or 1
    return min(most, 1 + cost // _WORTH)


def limits_of(city: City, workers: int) -> Limits:
    """How much a process may hold at a time: some fifty times a block is used while it is worked on."""
    share = int(city.settings.intake.bytes / workers / 50)
    block = max(1 << 16, min(1 << 22, share))
    return Limits(block, max(block, min(1 << 24, share)))


def _tasks(jobs: Sequence[Job], pack: Pack, city: City, limits: Limits) -> Iterator[Task]:
    """Give the tasks of all files, those of a large text file block by block as they are found."""
    for job in jobs:
        reading = guarded(_desk[0].reading, job.key)
        path = job.found.path
        if isinstance(reading, Fault) or not _in_blocks(job, reading, limits):
            yield Task(job.key)
            continue
        head = None
        for number, span in enumerate(spans(path, limits)):
            if head is None:
                head = guarded(_head, (reading, span))
                if isinstance(head, Fault):
                    yield Task(job.key)
                    break
            width, names = head
            yield Task(job.key, number, span, width, names)


def _head(first: tuple[Reading, Span]) -> tuple[int, tuple[str, ...]]:
    """Cells and names of a file's header, for all its blocks."""
    reading, span = first
    width, sheet = read_head(reading.path, span, reading.layout)
    return width, tuple(column_names(sheet, reading.layout, reading.where(""))[0])


def _in_blocks(job: Job, reading: Reading, limits: Limits) -> bool:
    layout = reading.layout
    plain = layout.format == "csv" and not layout.multiline and splittable(layout.encoding)
    return plain and job.found.archive is None and _size(job) > 2 * limits.block


def _size(job: Job) -> int:
    """Bytes of a file or of its archive; 0 of one that is gone, which whoever reads it says."""
    try:
        return (job.found.archive or job.found.path).stat().st_size
    except OSError:
        return 0


def _finish(job: Job, results: Sequence[tuple[Task, list[Outcome]]], vault: Vault) -> Taken:
    """Hold the parts of a file together; read again what turns out otherwise in the light of the others."""
    reading = _desk[0].reading(job.key)
    outcomes = [one for _, part in results for one in part]
    cut = spoiled(outcomes)
    if cut:
        outcomes = []
        for task, part in results:
            wrong = any(one.decided_otherwise(cut) for one in part)
            again = replace(task, cut=cut)
            outcomes += _do(again) if wrong else part
    taken = put_together(reading, outcomes)
    write_taken(vault, job.key, taken, key_of(job.found))
    return taken


def spoiled(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], bool]:
    """Sheets and columns of identity numbers in which a part decided otherwise than all parts together do."""
    out = {}
    for group in by_sheet(outcomes):
        for name in {name for one in group for name in one.suspects}:
            parts = [one.suspects[name] for one in group if name in one.suspects]
            cut = reduce(add, parts).cut
            if any(part.cut != cut and part.ending for part in parts):
                out[group[0].sheet, name] = cut
    return out


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
    check_broken(path, group[0].encoding, [one.notes for one in group])
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
