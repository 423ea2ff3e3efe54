"""Real files, broken at random: none may crash the reader, none may lose a row in silence.

``make fuzz`` runs 10,000 cases over the files of the demo city and, where the shared material is, of the sample city.
Each case has its own seed and can be repeated alone: ``campaign.py --case 4711``.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from commonground.city import City
from commonground.errors import CommonGroundError, ConservationError
from commonground.intake.archives import list_members
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered, find_beside, find_files, opened, pick_layout
from commonground.intake.file import prepare, read_parts
from commonground.intake.model import Contract, Layout, Limits
from commonground.intake.pack import load_pack
from commonground.intake.work import put_together, spoiled
from fuzz import formats
from fuzz.mutate import Mutant, Text, mutate
from fuzz.oracle import rows_at_least

HEAD, TAIL = 60, 15
"""Lines kept of a text file's beginning and end: enough of every kind of row, few enough for thousands of cases."""
LIMIT = 30
"""Seconds after which a case counts as hanging."""
MEMORY = 4 << 30
"""Bytes of address space that a process of the campaign may have."""
_ENDS = re.compile("\r\n|\n|\r")


WHOLE = Limits()
LIMITS = (WHOLE, WHOLE, Limits(block=2_000, line=20_000), Limits(block=50_000, line=100_000))
"""Files come whole or in parts; no reader may depend on which."""


@dataclass(frozen=True)
class Read:
    """What a file gave: its records, and the sum of each of its sheets."""

    records: pa.Table
    sheets: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Base:
    """An unbroken file with what it gives."""

    city: City
    found: Delivered
    contract: Contract
    layout: Layout
    content: bytes
    text: Text | None
    records: list[tuple[object, ...]]
    rows: int

    @property
    def kind(self) -> str:
        """The format, or how it is packed."""
        packed = self.found.archive
        return self.layout.format if packed is None else packed.suffix[1:]


@dataclass(frozen=True)
class Case:
    """How one mutant fared: ``read``, ``refused``, or what went wrong."""

    number: int
    file: str
    mutation: str
    outcome: str
    fault: str = ""
    kind: str = ""


@dataclass
class Tally:
    """The cases so far."""

    cases: list[Case] = field(default_factory=list)

    def told(self) -> str:
        """Attempted and failed, outcomes by mutation, and the first failures with the command that repeats them."""
        failed = [case for case in self.cases if case.fault]
        lines = [f"fuzz: {len(self.cases)} attempted, {len(failed)} failed"]
        by = Counter((case.mutation, case.outcome) for case in self.cases)
        for name in sorted({case.mutation for case in self.cases}):
            counts = ", ".join(f"{by[name, one]} {one}" for one in ("read", "refused", "failed") if by[name, one])
            lines.append(f"  {name}: {counts}")
        kinds = Counter((case.kind, case.outcome) for case in self.cases)
        lines.append("by format:")
        for kind in sorted({case.kind for case in self.cases}):
            read, refused, bad = (kinds[kind, one] for one in ("read", "refused", "failed"))
            lines.append(f"  {kind}: {read + refused + bad} attempted, {bad} failed ({read} read, {refused} refused)")
        for case in failed[:60]:
            lines.append(f"FAILED --case {case.number} ({case.file}, {case.mutation}): {case.fault}")
        return "\n".join(lines)


def _split(content: bytes, layout: Layout) -> tuple[Text | None, bytes]:
    """See a text file as lines, cut to its head and tail; other files stay whole."""
    if layout.format not in ("csv", "jsonl", "fixed"):
        return None, content
    whole = content.decode(layout.encoding).removeprefix("\ufeff")
    end = "\r\n" if "\r\n" in whole else "\n"
    encoding = "utf-16-le" if layout.encoding.lower() == "utf-16" else layout.encoding
    mark = b"\xff\xfe" if layout.encoding.lower() == "utf-16" else b""
    lines = whole.removesuffix(end).split(end)
    kept = lines if len(lines) <= HEAD + TAIL else lines[:HEAD] + lines[-TAIL:]
    body = max(layout.header_row) if layout.format != "jsonl" else 0
    text = Text([line.encode(encoding) for line in kept], end.encode(encoding), encoding, layout.separator, body, mark)
    return text, text.put(text.lines)


def read_bytes(
    city: City, found: Delivered, contract: Contract, content: bytes, folder: Path, limits: Limits = WHOLE
) -> Read:
    """Read ``content`` as if it had been delivered in the place of ``found``."""
    path = folder / (found.archive or found.path).name
    path.write_bytes(content)
    whole = Delivered(found.department, found.dataset, found.delivery, path.name, path, "", contract)
    if found.archive is None:
        return _read(city, replace(whole, file=found.file), limits)
    reads = []
    for member in list_members(path):
        inner = replace(whole, file=f"{path.name}/{member.name}", path=path / member.name)
        reads.append(_read(city, replace(inner, archive=path, place=member.place), limits))
    sheets = tuple(sheet for one in reads for sheet in one.sheets)
    return Read(pa.concat_tables([one.records for one in reads]) if reads else pa.table({}), sheets)


def _read(city: City, found: Delivered, limits: Limits) -> Read:
    contract = found.contract
    assert contract is not None
    with opened(found) as path:
        reading = prepare(found, contract, load_pack(city.settings.pack), city.settings, limits, path)
        parts: dict[int, pa.Table] = {}

        def keep(number: int, records: pa.Table, quarantine: pa.Table) -> None:
            parts[number] = records

        outcomes = list(read_parts(reading, keep))
        cut = spoiled(outcomes)
        if cut:
            outcomes = list(read_parts(reading, keep, cut))
        taken = put_together(reading, outcomes)
    tables = [reading.schema.empty_table(), *(parts[n].cast(reading.schema) for n in sorted(parts))]
    return Read(pa.concat_tables(tables), taken.sheets)


def _values(records: pa.Table) -> list[tuple[object, ...]]:
    """Give the records without their row numbers, in order."""
    columns = [records[name].to_pylist() for name in records.column_names if name != "row_number"]
    return list(zip(*columns, strict=True))


def bases(city: City, folder: Path, most: int = 2) -> Iterator[Base]:
    """Give up to ``most`` files of each dataset, of different formats and sizes first."""
    contracts = load_contracts(city)
    taken: Counter[tuple[str, str]] = Counter()
    for found in find_files(city.deliveries, contracts):
        contract = found.contract
        if found.status or contract is None:
            continue
        layout = pick_layout(found, contract)
        beside = find_beside(found.path, layout.layout_file) if layout.layout_file else None
        if beside is not None:
            shutil.copy(beside, folder)
        if taken[contract.name, layout.format] >= most:
            continue
        taken[contract.name, layout.format] += 1
        packed = found.archive
        text, content = (None, packed.read_bytes()) if packed else _split(found.path.read_bytes(), layout)
        result = read_bytes(city, found, contract, content, folder)
        rows = sum(sheet["rows"] for sheet in result.sheets)
        yield Base(city, found, contract, layout, content, text, _values(result.records), rows)


MUST_KEEP = frozenset(["cut off", "bits flipped", "a row count that lies", "a record count that lies"])
"""Damage after which a file that is read at all has no fewer rows than before."""


class _Hang(Exception):
    """A case took too long."""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(number: int, frame: object) -> None:
        raise _Hang

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)


def judge(base: Base, mutant: Mutant, result: Read) -> str:
    """Say what is wrong with how a mutant was read, "" if nothing is."""
    for sheet in result.sheets:
        if sheet["rows"] != sheet["records"] + sheet["quarantined"] + sheet["non_data"]:
            return f"the sum does not hold: {sheet}"
    rows = sum(sheet["rows"] for sheet in result.sheets)
    if base.text is not None and not base.layout.multiline and mutant.name != "a wrong byte":
        try:
            whole = mutant.content.decode(base.layout.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            whole = None
        if whole is not None:
            lines = _ENDS.split(whole)
            told = len(lines) - (lines[-1] == "")
            if told != rows:
                return f"{told} lines in the file, {rows} rows told"
    with _alarm():  # a library that takes too long has nothing to say
        least = rows_at_least(base.kind, mutant.content)
    if least is not None and rows < least:
        return f"{least} rows by another library, {rows} told"
    told = sum(sheet["quarantined"] for sheet in result.sheets)
    unknowable = base.kind == "xpt" and mutant.name == "cut off"  # at the end of a record nothing shows it
    if base.text is None and mutant.name in MUST_KEEP and rows < base.rows and not told and not unknowable:
        return f"{base.rows - rows} rows lost and nobody told"
    if mutant.reach == "line" and not base.layout.multiline:
        return _others(base.records, _values(result.records), len(mutant.lines))
    return ""


def _others(before: list[tuple[object, ...]], after: list[tuple[object, ...]], touched: int) -> str:
    """All records but the touched ones must be as before: count what agrees from the front and from the back."""
    shorter = min(len(before), len(after))
    front = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    back = 0
    while back < shorter - front and before[-1 - back] == after[-1 - back]:
        back += 1
    harmed = max(len(before), len(after)) - front - back
    return "" if harmed <= touched else f"{harmed} records changed by {touched} line"


def run_case(number: int, files: list[Base], folder: Path) -> Case:
    """Break one file in one way, read it, and say how it went."""
    rng = random.Random(number)
    base = files[rng.randrange(len(files))]
    mutant = mutate(rng, base.content, base.text, base.kind)
    place = (number, f"{base.contract.name} {base.found.file}", mutant.name)
    kind = base.kind
    try:
        with _alarm():
            result = read_bytes(base.city, base.found, base.contract, mutant.content, folder, rng.choice(LIMITS))
    except ConservationError as fault:
        return Case(*place, "failed", f"{type(fault).__name__}: {fault}", kind)
    except CommonGroundError as fault:
        if not (fault.where and fault.todo and all((fault.what.zh, fault.what.en, fault.todo.zh, fault.todo.en))):
            return Case(*place, "failed", f"a refusal that does not tell where or what to do: {fault}", kind)
        if mutant.reach != "file":
            return Case(*place, "failed", f"the whole file refused for one line: {fault}", kind)
        return Case(*place, "refused", "", kind)
    except _Hang:
        return Case(*place, "failed", f"not done after {LIMIT} s", kind)
    except KeyboardInterrupt:
        raise
    except BaseException as fault:  # what a user would see as a traceback; a panic of Rust is no Exception
        return Case(*place, "failed", f"{type(fault).__name__}: {fault}"[:300], kind)
    wrong = judge(base, mutant, result)
    return Case(*place, "failed" if wrong else "read", wrong, kind)


def cities(folder: Path) -> list[City]:
    """Make the demo city, and take the sample city where its files are."""
    from cities import copy_sample
    from commonground.demo import make_demo
    from material import shared_folder

    (folder / "formats").mkdir()
    out = [City(make_demo(folder / "demo", children=300)), formats.make(folder / "formats").city()]
    shared = shared_folder()
    if shared is not None:
        out.append(City(copy_sample(shared, folder)))
    return out


def campaign(numbers: list[int], folder: Path) -> Tally:
    """Run the cases of ``numbers`` in this process."""
    files = [base for city in cities(folder) for base in bases(city, folder)]
    return Tally([run_case(number, files, folder) for number in numbers])


def _send(numbers: list[int], pipe: Connection) -> None:
    """Run cases and send each as it is done; what asks for memory without measure shall fail here, not elsewhere."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [base for city in cities(folder) for base in bases(city, folder)]
        for number in numbers:
            pipe.send(run_case(number, files, folder))
    pipe.close()


def _work(numbers: list[int]) -> list[Case]:
    """Run cases in a process of their own; one that ends it is a failure, and the rest go on in another."""
    context = multiprocessing.get_context("spawn")
    cases: list[Case] = []
    while len(cases) < len(numbers):
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=_send, args=(numbers[len(cases) :], send))
        process.start()
        send.close()
        before = len(cases)
        with contextlib.suppress(EOFError):
            while True:
                cases.append(receive.recv())
        process.join()
        if len(cases) < len(numbers):
            if len(cases) == before and process.exitcode == 1:
                raise RuntimeError("the campaign itself does not run; try --case")
            cases.append(Case(numbers[len(cases)], "?", "?", "failed", f"ended the process ({process.exitcode})", "?"))
    return cases


def main() -> int:
    """Run the campaign; zero cases attempted is a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--case", type=int, help="one case alone")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="number of the first case")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    given = parser.parse_args()
    if given.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            tally = campaign([given.case], Path(folder))
    else:
        numbers = range(given.seed, given.seed + given.cases)
        parts = [list(numbers[i :: given.workers]) for i in range(given.workers)]
        with ThreadPoolExecutor(given.workers) as pool:
            tally = Tally(sorted((c for part in pool.map(_work, parts) for c in part), key=lambda c: c.number))
    print(tally.told())
    return 1 if not tally.cases or any(case.fault for case in tally.cases) else 0


if __name__ == "__main__":
    sys.exit(main())
