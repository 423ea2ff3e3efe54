"""The nouns of intake: concepts, contracts, what a reader gives, what intake gives.

All are frozen and hold plain values, so that a contract can be hashed and a result handed to the next room.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.intake.result import IntakeResult as IntakeResult

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from commonground.intake.database import Database

TYPES = ("text", "code", "area", "id", "date", "month", "number", "integer", "boolean", "pressure")
FORMATS: tuple[str, ...] = ("csv", "fixed", "xlsx", "xls", "xlsb", "ods", "dbf", "sav", "dta", "sas7bdat", "xpt")
FORMATS += ("parquet", "jsonl", "json", "geojson", "mysqldump", "pgdump", "access")
TEXT_FORMATS = ("csv", "fixed", "jsonl", "json", "geojson")
COUNTS = (
    "rows",
    "records",
    "quarantined",
    "non_data",
    "header",
    "blank",
    "note",
    "total",
    "mended",
    "values_quarantined",
)
"""What is counted of every sheet; the first is the sum of the next three."""


@dataclass(frozen=True)
class Writing:
    """Another numbering of a list: what its codes mean in the canonical one, who uses it, and when.

    ``codes`` can be written into a contract's column as they stand; codes without a counterpart are left out.
    """

    title: Said
    source: str
    since: str
    until: str
    codes: Mapping[str, str]


@dataclass(frozen=True)
class CodeGroup:
    """Codes of a list that mean one thing together, such as all relations that are children: its name and its codes."""

    title: Said
    codes: frozenset[str]


@dataclass(frozen=True)
class CodeList:
    """A dated list of codes.

    Attributes
    ----------
    name, title, source, since, until, note
        What the list is, where it comes from, from which day to which (without it; "": still) it holds, what is to be
        known of it.
    dates : mapping
        Code → its own first day and last (without it), where they are not the list's.
    writings : mapping
        Other numberings of the same list by name.
    groups : mapping
        Codes that belong together by name; a group may hold other groups.
    labels : mapping
        Canonical code → its label in both languages.
    aliases : mapping
        Another way to write a code (an official label, a word) → canonical code.
    width : int
        Codes of digits only are padded with zeros to this length (spreadsheets drop leading zeros); 0: never.
    """

    name: str
    title: Said
    source: str
    since: str
    labels: Mapping[str, Said]
    aliases: Mapping[str, str]
    width: int = 0
    until: str = ""
    note: str = ""
    dates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    writings: Mapping[str, Writing] = field(default_factory=dict)
    groups: Mapping[str, CodeGroup] = field(default_factory=dict)

    def holds(self, code: str, at: dt.date) -> bool:
        """Whether a canonical code stood in the list on a day."""
        since, until = self.dates.get(code, (self.since, self.until))
        return code in self.labels and since <= at.isoformat() and (not until or at.isoformat() < until)

    def canonical(self, text: str) -> str | None:
        """Give the canonical code that ``text`` writes, or None."""
        if text in self.labels:
            return text
        if self.width and text.isdigit() and text.zfill(self.width) in self.labels:
            return text.zfill(self.width)
        return self.aliases.get(text)


@dataclass(frozen=True)
class Concept:
    """What a column can mean; the pack's concepts.toml describes each attribute."""

    name: str
    label: Said
    type: str
    unit: str = ""
    range: tuple[float, float] | None = None
    codes: CodeList | None = None
    pattern: re.Pattern[str] | None = None
    identifying: bool = False
    role: str = ""
    field: str = ""
    precision: bool = False
    absence: bool = False
    reading: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of dataset; ``subject`` is the role whose person a row is about, "" when rows are not about persons.

    ``only`` are the concepts that its contracts may name; empty: all.
    """

    name: str
    label: Said
    subject: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pack:
    """What intake needs of a pack. ``hash`` changes with any of its content."""

    concepts: Mapping[str, Concept]
    kinds: Mapping[str, Kind]
    codes: Mapping[str, CodeList]
    lunar: Mapping[int, tuple[dt.date, tuple[tuple[int, bool, int], ...]]] = field(default_factory=dict)
    hash: str = ""


@dataclass(frozen=True)
class Values:
    """How the texts of a column are read: the part of a column rule that ``where`` may override.

    Attributes
    ----------
    codes : mapping or None
        As written → canonical code; None takes the concept's list as it is.
    missing : mapping
        Texts that mean there is no value → why. ``absent`` marks an absent pupil.
    unit : str
        Unit in the file; "" is the concept's own.
    range : pair of numbers or None
        In the concept's unit; None takes the concept's.
    order : str
        "dmy" or "mdy" for dates with the year at the end; "" refuses them.
    """

    codes: Mapping[str, str] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    range: tuple[float, float] | None = None
    order: str = ""


@dataclass(frozen=True)
class Where:
    """An override for the rows where every glob of ``when`` matches the raw text of its column."""

    when: Mapping[str, str]
    values: Values


@dataclass(frozen=True)
class ColumnRule:
    """One ``[[column]]`` of a contract. ``concept`` is None for a column that is not taken (``reason`` says why)."""

    source: tuple[str, ...]
    concept: Concept | None
    optional: bool = False
    files: str = "*"
    deliveries: str = "*"
    values: Values = field(default_factory=Values)
    where: tuple[Where, ...] = ()
    pattern: re.Pattern[str] | None = None
    reason: Said | None = None


@dataclass(frozen=True)
class NonData:
    """A rule for rows that are not data: the cell of ``column`` ("*": the first that is not empty) matches wholly."""

    column: str
    matches: re.Pattern[str]
    reason: str


@dataclass(frozen=True)
class Layout:
    """One ``[[layout]]``: how to read the files that ``files``, ``deliveries`` and ``sheets`` match."""

    format: str
    files: str = "*"
    deliveries: str = "*"
    sheets: str = "*"
    encoding: str = ""
    separator: str = ","
    quote: str = '"'
    multiline: bool = False
    short_rows: str = "quarantine"
    header_row: tuple[int, ...] = (1,)
    columns: tuple[str, ...] = ()
    file_pattern: re.Pattern[str] | None = None
    non_data: tuple[NonData, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    widths: tuple[int, ...] = ()
    width_unit: str = "bytes"
    layout_file: str = ""
    starts: tuple[int, ...] = ()
    fill_down: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeliveryRule:
    """One ``[[delivery]]``: the day its data describe and what no column holds.

    ``repeats`` says what a file means that an earlier delivery held just so: ``confirmed``, its rows are still true on
    the later day; ``repeated``, it was sent once more by mistake; "": confirmed where a person stands once in a file.
    """

    match: str
    as_of: dt.date | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    repeats: str = ""


@dataclass(frozen=True)
class Ignored:
    """Files (or sheets of them) that the contract declares not to be data, and why."""

    files: str
    reason: Said
    sheets: str = ""


@dataclass(frozen=True)
class Contract:
    """How one dataset of one department is read."""

    path: Path
    department: str
    dataset: str
    kind: Kind
    title: Said
    subject: str
    rows_per_person: str
    absent: bool
    ignore: tuple[Ignored, ...]
    deliveries: tuple[DeliveryRule, ...]
    layouts: tuple[Layout, ...]
    columns: tuple[ColumnRule, ...]
    hash: str
    checks: tuple[Mapping[str, Any], ...] = ()
    database: Database | None = None

    @property
    def name(self) -> str:
        """Department and dataset, as tables are named: ``education.student_registry``."""
        return f"{self.department}.{self.dataset}"


@dataclass(frozen=True)
class Limits:
    """How much of a file is held at a time, in bytes.

    Attributes
    ----------
    block : int
        Size of a part of a large file as it lies on the disk.
    line : int
        A longer line is not held but set aside with its beginning; not below ``block``.
    """

    block: int = 1 << 24
    line: int = 1 << 24


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: its place in the file, why, and its text."""

    physical: int
    reason: str
    text: str


@dataclass(frozen=True)
class Sheet:
    """What a reader gives: a sheet, or one part of a large one, every cell as text with the physical row it stood in.

    A reader of small files gives each sheet whole, by ``rows``. One of large files gives a sheet in successive parts of
    bounded size: all have the same name and ``names``, ``more`` is true of all but the last, physical rows run on,
    header rows stand in the first. Cells come by row, or by column where that is faster, or some so and some so.

    Attributes
    ----------
    name : str
        Name of the sheet, "" for files without sheets.
    rows : list of list of str
        Rows that could be read, from the top, blank ones too; shorter ones are not filled up.
    physical : list of int
        1-based physical row of each.
    total : int
        Rows of the sheet, counted apart from reading them: what the conservation sum is held against. Of a part: rows
        of that part; only the sum over the parts is looked at, so the last may give all and the others 0.
    bad : tuple of BadRow
        Rows that could not be read.
    names : tuple of str
        Column names when the format itself holds them; then there is no header among the rows.
    labels : mapping
        Column → value as text → the file's own label for it (SPSS, Stata).
    notes : mapping
        Counts of what was mended while reading: ``control_characters`` (rows that held some), ``deleted`` (rows).
    columns : tuple of pa.Array of string
        Further rows by column: none null, as many columns as the header has names, all of one length.
    places : array of int64
        1-based physical row of each row of ``columns``.
    more : bool
        Another part of the same sheet follows.
    trimmed : bool
        No cell of ``columns`` has white space at its ends, as the reader knows; otherwise it is looked for.
    titles : mapping
        Column → what the source itself calls it: a database's column comment, a statistical file's variable label.
    rare : frozenset of str
        Names that hardly any object of a whole file of JSON lines holds: one broken key is no new column.
    """

    name: str
    rows: list[list[str]]
    physical: list[int]
    total: int
    bad: tuple[BadRow, ...] = ()
    names: tuple[str, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[pa.Array, ...] = ()
    places: np.ndarray[Any, Any] | None = None
    more: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)
    trimmed: bool = False
    rare: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Block:
    """The data rows of a sheet, by column, with what was set aside.

    ``physical`` and ``row_number`` are those of the rows kept; ``bad`` carries row numbers too.
    """

    sheet: str
    columns: dict[str, pa.Array]
    physical: np.ndarray[Any, Any]
    row_number: np.ndarray[Any, Any]
    bad: tuple[tuple[int, BadRow], ...]
    counts: Mapping[str, int]
