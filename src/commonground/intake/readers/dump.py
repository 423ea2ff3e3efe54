"""MySQL and PostgreSQL dumps: each table a sheet, read part by part, in the character set that the dump declares."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from commonground.errors import DeliveryError, Said
from commonground.intake.model import BadRow, Layout, Limits, Sheet
from commonground.intake.readers.cells import CONTROL
from commonground.intake.readers.decode import fitting, wrong_encoding
from commonground.intake.readers.gb import is_gb, of_today
from commonground.intake.readers.sql import Dump, Row, Table, Window

PART = 20_000
_BLOCK = 1 << 20
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
_CHARSET = re.compile(rb"SET\s+NAMES\s+'?(\w+)|client_encoding\s*=\s*'(\w+)'", re.I)
_CHARSETS = {
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "latin1": "cp1252",
    "euc_cn": "gb2312",
    **{name: name for name in ("gbk", "gb2312", "gb18030", "big5")},
}
_BINARY = ("blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary", "bytea", "geometry", "point")
_FEW = 20  # rows before a share of them says anything about the encoding
_TITLED = re.compile(r"--\s*(?:MySQL|MariaDB) dump |--\s*PostgreSQL database dump\s")
_CLOSED = re.compile(r"--\s*Dump completed|--\s*PostgreSQL database dump complete")


def read_dump(path: Path, layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read a dump of plain SQL; tables without rows give an empty sheet.

    Raises
    ------
    DeliveryError
        It is no plain SQL, declares no character set that is known, or is not in the one that it declares.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
        _check_plain(path, head)
        encoding = _encoding(path, head, layout)
        file.seek(0)
        source = _Source(file, encoding)
        dump = Dump(Window(source.more), layout.format == "pgdump")
        part: _Part | None = None
        met: set[str] = set()
        for row in dump.rows():
            if part is None or row.table != part.table.name or part.full:
                more = part is not None and row.table == part.table.name
                if part is not None:
                    yield part.sheet(more)
                first = part.next_row if part is not None and more else 1
                table = dump.tables.setdefault(row.table, Table(row.table))
                part = _Part(path, encoding, table, layout, first, part.names if part is not None and more else ())
                met.add(row.table)
            part.add(row)
    if part is None and not dump.tables:
        raise _no_sql(path)
    if (part is None or not part.cut) and (source.begun_and_not_closed or dump.unfinished):
        last = part.table if part is not None else list(dump.tables.values())[-1]
        part = part or _Part(path, encoding, last, layout, 1, ())
        part.missing_end()
        met.add(last.name)
    if part is not None:
        yield part.sheet(False)
    for name, table in dump.tables.items():
        if name not in met:
            yield Sheet(name, [], [], 0, names=tuple(table.columns), titles=table.comments)


class _Source:
    """Decodes a dump piece by piece; bytes that are no text pass as surrogates, to be found in their row."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._gb = is_gb(encoding)
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._first, self._last = "", ""

    def more(self) -> str:
        while block := self._file.read(_BLOCK):
            text = self._decoder.decode(block)
            text = of_today(text) if self._gb else text
            if text:
                self._first = self._first or text[:400]
                self._last = (self._last + text)[-400:]
                return text.replace("\r\n", "\n")
        return self._decoder.decode(b"", False)

    @property
    def begun_and_not_closed(self) -> bool:
        """Whether the dump has the first of its program's own comments and lacks the last: its end is missing."""
        return bool(_TITLED.search(self._first)) and not _CLOSED.search(self._last)


@dataclass
class _Part:
    """Rows of one table, gathered until they are enough for a part."""

    path: Path
    encoding: str
    table: Table
    layout: Layout
    next_row: int
    names: tuple[str, ...]
    rows: list[list[str]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    mended: int = 0
    undecodable: int = 0
    total: int = 0
    cut: bool = False

    @property
    def full(self) -> bool:
        return self.total >= PART

    def add(self, row: Row) -> None:
        place, self.next_row, self.total = self.next_row, self.next_row + 1, self.total + 1
        if row.fault:
            self.cut = self.cut or row.fault == "cut_off"
            self.bad.append(BadRow(place, row.fault, _shown(row.text)))
            return
        own = row.columns or tuple(self.table.columns) or self.layout.columns
        self.names = self.names or own or tuple(f"#{i}" for i in range(1, len(row.cells) + 1))
        cells = row.cells
        if own != self.names and len(own) == len(cells) and set(own) <= set(self.names):
            by_name = dict(zip(own, cells, strict=True))  # a statement may list its columns in another order
            cells = [by_name.get(name, "") for name in self.names]
        self._take(place, cells)

    def _take(self, place: int, cells: list[str]) -> None:
        for i, name in enumerate(self.names[: len(cells)]):
            kind = self.table.types.get(name, "")
            if kind in _BINARY:
                cells[i] = _hex(cells[i], self.encoding)
            elif kind == "bit" and cells[i] and not cells[i].isdigit():
                cells[i] = str(int.from_bytes(cells[i].encode(self.encoding, "surrogateescape"), "big"))
            elif kind in ("boolean", "bool") and cells[i] in ("t", "f"):
                cells[i] = "TRUE" if cells[i] == "t" else "FALSE"
        joined = "\t".join(cells)
        if not joined.isprintable():
            if any("\ud800" <= letter <= "\udfff" for letter in joined):
                self.undecodable += 1
                self.bad.append(BadRow(place, "not_decodable", _shown(joined)))
                if self.undecodable > _FEW and self.undecodable > len(self.rows):
                    raise wrong_encoding(self.path, self.encoding, 0, fitting(self.path))
                return
            if CONTROL.search(joined):
                self.mended += 1
                cells = [CONTROL.sub("", cell) for cell in cells]
        self.rows.append(cells)
        self.places.append(place)

    def missing_end(self) -> None:
        """Account for the end that a dump lacks: nobody knows how many rows it held, so that one stands for it."""
        self.bad.append(BadRow(self.next_row, "cut_off", ""))
        self.next_row, self.total = self.next_row + 1, self.total + 1

    def sheet(self, more: bool) -> Sheet:
        return Sheet(
            self.table.name,
            self.rows,
            self.places,
            self.total,
            tuple(self.bad),
            names=self.names or tuple(self.table.columns),
            notes={"control_characters": self.mended},
            titles=self.table.comments,
            more=more,
        )


def _hex(text: str, encoding: str) -> str:
    if not text or text.startswith("\\x") or re.fullmatch(r"(?:[0-9a-f]{2})+", text):
        return text.removeprefix("\\x")
    return text.encode(encoding, "surrogateescape").hex()


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _encoding(path: Path, head: bytes, layout: Layout) -> str:
    """Give the encoding: what a byte-order mark proves, else what the contract declares, else what the dump does."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if layout.encoding:
        return layout.encoding
    found = _CHARSET.search(head)
    said = (found[1] or found[2]).decode("ascii").lower() if found else ""
    if said in _CHARSETS:
        return _CHARSETS[said]
    raise DeliveryError(
        Said("不知道导出文件的编码。", "The dump's encoding is not known."),
        where=str(path),
        why=Said(
            f"文件里没有 SET NAMES 或 client_encoding，或者写的是“{said}”。",
            f"It has no SET NAMES or client_encoding, or one that is not known (“{said}”).",
        ),
        todo=Said('请在 [[layout]] 写 encoding，例如 "gb18030"。', 'Write encoding in [[layout]], such as "gb18030".'),
    )


def _check_plain(path: Path, head: bytes) -> None:
    """Refuse what pg_dump writes in its own formats, and what is no text at all."""
    if head.startswith(b"PGDMP") or head[257:262] == b"ustar":
        raise DeliveryError(
            Said(
                "这是 pg_dump 自定义格式的备份，不是 SQL 文本。",
                "This is a dump in pg_dump's own format, not plain SQL.",
            ),
            where=str(path),
            why=Said("自定义格式（-Fc、-Ft）只有 pg_restore 能读。", "Only pg_restore reads that (-Fc, -Ft)."),
            todo=Said(
                "请运行 pg_restore -f 输出.sql 输入文件，交 输出.sql；或请部门用 pg_dump --format=plain 重新导出。",
                "Run pg_restore -f out.sql INPUT and deliver out.sql; or ask for pg_dump --format=plain.",
            ),
        )
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _no_sql(path)


def _no_sql(path: Path) -> DeliveryError:
    return DeliveryError(
        Said("文件里没有 CREATE TABLE、INSERT 或 COPY。", "The file holds no CREATE TABLE, INSERT or COPY."),
        where=str(path),
        why=Said("它不是数据库的 SQL 导出。", "It is no SQL dump of a database."),
        todo=Said(
            "请核对约定中的 format，或请部门重新导出。", "Check format in the contract, or ask for the dump again."
        ),
    )
