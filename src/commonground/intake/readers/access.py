"""Microsoft Access (.mdb, .accdb) through mdbtools, where it is installed: each table a sheet, streamed as CSV.

mdbtools takes Access's UTF-16 for UCS-2: a letter beyond the first 65,536 (rare letters of names) comes out as "??",
which linking takes for a letter that is not known.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from commonground.errors import EngineError, Said
from commonground.intake.model import Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL

_ROWS = 20_000
_OPTIONS = ("-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S", "-b", "hex")


def read_access(path: Path, _layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read every user table.

    Raises
    ------
    EngineError
        mdbtools is not installed.
    DeliveryError
        It is no Access database, locked, or a table cannot be exported.
    """
    if shutil.which("mdb-export") is None or shutil.which("mdb-tables") is None:
        raise EngineError(
            Said(
                "没有安装 mdbtools，读不了 Access 数据库。", "mdbtools, which reads Access databases, is not installed."
            ),
            where=str(path),
            todo=Said(
                "Debian 上请管理员运行 apt-get install mdbtools；或请部门把各表导出为 .xlsx 或 .csv。",
                "On Debian, as root: apt-get install mdbtools; or ask for the tables as .xlsx or .csv.",
            ),
        )
    listed = subprocess.run(["mdb-tables", "-1", str(path)], capture_output=True, check=False)
    names = [name for name in listed.stdout.decode("utf-8", "replace").split("\n") if name]
    if listed.returncode != 0 or not names:  # of a file cut off the list is empty
        raise unreadable(path, "access", ValueError("mdb-tables found no table"))
    for name in names:
        yield from _table(path, name)


def _table(path: Path, name: str) -> Iterator[Sheet]:
    """Stream one table; the number of rows is counted by mdb-count apart from reading them."""
    counted = subprocess.run(["mdb-count", str(path), name], capture_output=True, text=True, check=False)
    total = int(counted.stdout.strip() or 0) if counted.returncode == 0 and counted.stdout.strip().isdigit() else None
    with subprocess.Popen(
        ["mdb-export", *_OPTIONS, str(path), name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        done = 0
        with io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace", newline="") as stream:
            for names, rows in _parts(stream):
                sheet, done = _sheet(name, names, rows, done), done + len(rows)
                yield sheet
        if process.wait() != 0:
            raise unreadable(path, "access", ValueError(f"mdb-export refused the table {name}"))
    yield Sheet(name, [], [], done if total is None else total, names=names)


def _parts(stream: IO[str]) -> Iterator[tuple[tuple[str, ...], list[list[str]]]]:
    reader = csv.reader(stream)
    names, rows = tuple(next(reader, ())), []
    for row in reader:
        rows.append(row)
        if len(rows) == _ROWS:
            yield names, rows
            rows = []
    yield names, rows


def _sheet(name: str, names: tuple[str, ...], rows: list[list[str]], done: int) -> Sheet:
    mended = 0
    for row in rows:
        if CONTROL.search("".join(row)):
            mended += 1
            row[:] = [CONTROL.sub("", cell) for cell in row]
    places = list(range(done + 1, done + 1 + len(rows)))
    return Sheet(name, rows, places, 0, names=names, notes={"control_characters": mended}, more=True)
