"""Records and quarantine in the vault, part by part, and the tables that they make when somebody asks.

Of every file taken the vault holds a list of its parts with their sums (``intake/<key>``), and of every part its
records and, where there is some, its quarantine. What all rows of a file share (department, delivery, day, status) and
what only the whole city tells (``record_id``) is put in when a part is loaded.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from commonground.errors import ConservationError, Said, StorageError
from commonground.governance.keys import delivery_key
from commonground.governance.vault import Vault
from commonground.intake.deliveries import Delivered
from commonground.intake.model import Contract
from commonground.intake.returns.overlay import Overlay

if TYPE_CHECKING:
    import pyarrow as pa

PLACE = ("department", "dataset", "delivery", "file")


@dataclass(frozen=True)
class Part:
    """One part of a file in the vault.

    Attributes
    ----------
    records, aside : int
        Rows of its records and of its quarantine.
    first_row, first_line : int
        What is added to its row numbers and physical rows, which count from the part's own beginning.
    """

    number: int
    records: int
    aside: int
    first_row: int = 0
    first_line: int = 0


@dataclass(frozen=True)
class Taken:
    """One file taken: its parts in order, and the sums of its sheets."""

    parts: tuple[Part, ...]
    sheets: tuple[dict[str, Any], ...]

    @property
    def records(self) -> int:
        """Records of all its parts."""
        return sum(part.records for part in self.parts)


@dataclass(frozen=True)
class Entry:
    """A file among the others: where its parts are in the vault, and what all its rows share."""

    found: Delivered
    key: str
    taken: Taken
    day: dt.date
    status: str
    first_id: int


def key_of(found: Delivered) -> str:
    """Name of the key of a file's delivery."""
    return delivery_key(found.department, found.dataset, found.delivery)


def write_part(vault: Vault, key: str, number: int, records: pa.Table, quarantine: pa.Table, lock: str) -> None:
    """Seal one part of a file column by column under the key ``lock`` of its delivery."""
    vault.write_table(f"records/{key}.{number}", _packed(records), key=lock, durable=False)
    if quarantine.num_rows:
        vault.write_table(f"quarantine/{key}.{number}", _packed(quarantine), key=lock, durable=False)


def _packed(table: pa.Table) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    if "row_number" in table.column_names and table.num_rows:  # numbers nearly in order: their steps are all alike
        steps = np.diff(table["row_number"].to_numpy(), prepend=0).astype(np.int32)
        table = table.set_column(table.column_names.index("row_number"), "row_step", pa.array(steps))
    return table


def write_taken(vault: Vault, key: str, taken: Taken, lock: str) -> None:
    """Seal the list of a file's parts: with it the file is taken and is not read again."""
    plain = {"parts": [asdict(part) for part in taken.parts], "sheets": taken.sheets}
    vault.write(f"intake/{key}", json.dumps(plain, ensure_ascii=False).encode(), key=lock)


def read_taken(vault: Vault, key: str, lock: str) -> Taken | None:
    """Give the list of a file's parts, or None when the file must be read (again)."""
    if not vault.has(f"intake/{key}"):
        return None
    try:
        plain = json.loads(vault.read(f"intake/{key}", key=lock))
    except StorageError:
        return None  # damaged, or its key was replaced: the delivery itself is read again
    taken = Taken(tuple(Part(**part) for part in plain["parts"]), tuple(plain["sheets"]))
    names = [f"records/{key}.{part.number}" for part in taken.parts]
    names += [f"quarantine/{key}.{part.number}" for part in taken.parts if part.aside]
    return taken if all(vault.whole(name, key=lock) for name in names) else None


def sweep(vault: Vault, used: set[str]) -> None:
    """Remove what files that are gone or have changed left in the vault."""
    for folder in ("intake", "records", "quarantine"):
        for name in vault.names(folder):
            if name.removeprefix(f"{folder}/").partition(".")[0] not in used:
                vault.remove(name)


class Store(Mapping[str, "pa.Table"]):
    """The datasets' tables, loaded when asked for; the ones asked for last are kept, within ``memory`` bytes."""

    def __init__(
        self,
        vault: Vault,
        contracts: Mapping[str, Contract],
        entries: Mapping[str, list[Entry]],
        schemas: Mapping[str, pa.Schema],
        memory: int,
        overlay: Overlay,
    ) -> None:
        self.vault, self.contracts, self.entries, self.schemas = vault, contracts, entries, schemas
        self.memory, self.overlay = memory, overlay
        self._kept: OrderedDict[str, pa.Table] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> pa.Table:
        import pyarrow as pa

        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        table = pa.concat_tables(self.parts(name))
        self._kept[name] = table
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self.memory:
            self._kept.popitem(last=False)
        return table

    def rows(self, name: str) -> int:
        """Records of a dataset."""
        return sum(entry.taken.records for entry in self.entries[name])

    def parts(self, name: str) -> Iterator[pa.Table]:
        """Load a dataset's records part by part; the first part has no rows and tells the columns alone."""
        kind, schema = self.contracts[name].kind.name, self.schemas[name]
        empty = _with_base(schema.empty_table(), dict.fromkeys(PLACE, ""), kind, dt.date.min, "", 0, 0)
        yield self.overlay.records(empty)
        for entry in self.entries[name]:
            first_id = entry.first_id
            place = {key: getattr(entry.found, key) for key in PLACE}
            for part in entry.taken.parts:
                if part.records:
                    loaded = self._load(f"records/{entry.key}.{part.number}", part.records, name, entry.found).cast(
                        schema
                    )
                    based = _with_base(loaded, place, kind, entry.day, entry.status, first_id, part.first_row)
                    yield self.overlay.records(based)
                first_id += part.records

    def quarantine(self) -> Iterator[pa.Table]:
        """Load the quarantine of all datasets part by part; the first has no rows and tells the columns alone."""
        import pyarrow as pa

        text = [pa.field(name, pa.string()) for name in PLACE]
        yield pa.schema([*text, *quarantine_schema()]).empty_table()
        for name, entries in self.entries.items():
            for entry in entries:
                for part in entry.taken.parts:
                    if part.aside:
                        loaded = self._load(f"quarantine/{entry.key}.{part.number}", part.aside, name, entry.found)
                        yield self.overlay.quarantine(_with_place(loaded, entry.found, part))

    def _load(self, entry: str, rows: int, name: str, found: Delivered) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        if not self.vault.has(entry):  # its file changed or is gone, and a later run swept its parts away
            raise StorageError(
                Said(f"{name} 的记录已不在保险库中。", f"The records of {name} are no longer in the vault."),
                where=entry,
                why=Said(
                    "这次运行期间，文件有变动并被另一次运行重新读取。",
                    "Its files changed meanwhile, and another run has read them anew.",
                ),
                todo=Said("请再运行一次。", "Run this again."),
            )
        table = self.vault.read_table(entry, key=key_of(found))
        if "row_step" in table.column_names:
            numbers = np.cumsum(table["row_step"].to_numpy(), dtype=np.int64)
            table = table.set_column(table.column_names.index("row_step"), "row_number", pa.array(numbers))
        if table.num_rows != rows:
            raise ConservationError(
                Said(f"{name} 的一部分记录不全。", f"A part of {name} is not whole."),
                where=entry,
                why=Said(f"应有 {rows} 行，有 {table.num_rows} 行。", f"{rows} rows promised, {table.num_rows} found."),
                todo=Said("请删去保险库中的这一条，再运行一次。", "Remove this entry of the vault and run again."),
            )
        return table


def quarantine_schema() -> pa.Schema:
    """Columns of a file's quarantine."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    names = ("sheet", "row_number", "physical_row", "column", "concept", "reason", "text")
    return pa.schema([(name, number if name in ("row_number", "physical_row") else text) for name in names])


def _with_base(
    records: pa.Table, place: Mapping[str, str], kind: str, day: dt.date, status: str, first_id: int, first_row: int
) -> pa.Table:
    """Put in what all rows of a file share, and number them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    n = records.num_rows
    texts = {"department": place["department"], "dataset": place["dataset"], "kind": kind}
    texts |= {"delivery": place["delivery"], "file": place["file"]}
    base = {
        "record_id": pa.array(np.arange(first_id, first_id + n, dtype=np.int64)),
        **{name: same(text, n) for name, text in texts.items()},
        "sheet": records["sheet"],
        "row_number": pc.add(records["row_number"], first_row),
        "as_of": pa.repeat(pa.scalar(day, pa.date32()), n),
        "status": same(status, n),
    }
    concepts = records.drop_columns(["sheet", "row_number"])
    return pa.table({**base, **dict(zip(concepts.column_names, concepts.columns, strict=True))})


def _with_place(quarantine: pa.Table, found: Delivered, part: Part) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = dict(zip(quarantine.column_names, quarantine.columns, strict=True))
    columns["row_number"] = pc.add(columns["row_number"], part.first_row)
    columns["physical_row"] = pc.add(columns["physical_row"], part.first_line)
    shared = {name: same(getattr(found, name), quarantine.num_rows) for name in PLACE}
    return pa.table({**shared, **columns})


def same(text: str, n: int) -> pa.Array:
    """Give a column that says the same in all its rows."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(text, pa.string()), n)
