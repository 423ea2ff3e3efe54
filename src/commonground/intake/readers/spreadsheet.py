"""Workbooks: xlsx, xls, xlsb, ods."""

from __future__ import annotations

import contextlib
import lzma
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from commonground.errors import DeliveryError, Said
from commonground.intake.archives import check_workbook
from commonground.intake.model import Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text
from commonground.intake.readers.extents import check_extents
from commonground.intake.readers.formula_errors import Errors, find_errors

DAMAGE = (
    *(OSError, ValueError, LookupError, EOFError, NotImplementedError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, ElementTree.ParseError),
)
LOCKED = "EncryptedPackage".encode("utf-16-le")
"""What a workbook with a password holds instead of its sheets."""
_OLD = b"\xd0\xcf\x11\xe0"
_PATIENCE = 600  # seconds for opening the largest workbook of 65,536 rows a sheet
_PAGES = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")


def read_workbook(path: Path, layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read every sheet, hidden ones too, in the workbook's order, from its first row and column.

    Raises
    ------
    DeliveryError
        It is damaged, locked with a password, a web page under a workbook's name, or a zip bomb.
    """
    import python_calamine as calamine

    _check_kind(path)
    check_workbook(path)
    try:
        check_extents(path)
        _try_apart(path)
        errors = find_errors(path)
        with path.open("rb") as file:
            with calm():
                book = calamine.CalamineWorkbook.from_filelike(file)
            for name in book.sheet_names:
                with calm():
                    held = book.get_sheet_by_name(name)
                yield _sheet(name, held, errors)
    except (calamine.CalamineError, *DAMAGE) as fault:
        raise unreadable(path, layout.format, fault) from None


def _try_apart(path: Path) -> None:
    """Open an old workbook in a process of its own first.

    A damaged one can make the library ask for more memory than there is, which ends the process at once: a bit
    of a sheet's dimensions is enough, and no check of ours knows all such places. The new formats are archives, whose
    sizes are checked before.

    Raises
    ------
    ValueError
        The other process was ended by a signal, or did not come to an end.
    """
    with path.open("rb") as file:
        if file.read(4) != _OLD:
            return
    opens = "import sys, python_calamine as c; c.CalamineWorkbook.from_path(sys.argv[1])"
    try:
        # what it says is not asked for: a workbook that is refused in words is refused once more by the caller
        done = subprocess.run([sys.executable, "-c", opens, path], capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError("the reader did not come to an end") from None
    if done.returncode < 0:
        raise ValueError("the reader ended its own process")


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Turn a panic of the library, which is no ``Exception``, into damage, and keep its own words off the screen.

    It writes to file descriptor 2 before it raises. What is written there meanwhile is held and given out if nothing
    happens.

    Raises
    ------
    ValueError
        The library panicked.
    """
    try:
        told = os.dup(2)
    except OSError:  # no such descriptor: nobody looks
        told = -1
    with tempfile.TemporaryFile() as held:
        if told >= 0:
            os.dup2(held.fileno(), 2)
        panicked = False
        try:
            yield
        except BaseException as fault:
            panicked = type(fault).__name__ == "PanicException"
            if not panicked:
                raise
            raise ValueError(f"the reader gave up: {str(fault)[:120]}") from None
        finally:
            if told >= 0:
                os.dup2(told, 2)
                os.close(told)
                held.seek(0)
                if not panicked and (rest := held.read()):
                    os.write(2, rest)


def _sheet(name: str, sheet: object, errors: Errors) -> Sheet:
    # The height is the sheet's own statement, the rows are what was read: the conservation sum compares the two.
    raw = sheet.to_python(skip_empty_area=False)  # type: ignore[attr-defined]
    end = sheet.end  # type: ignore[attr-defined]
    total = 0 if end is None else end[0] + 1
    rows = [[cell_text(cell) for cell in row] for row in raw]
    for row, column, text in errors.get(name, ()):
        if row < len(rows):
            rows[row] += [""] * (column + 1 - len(rows[row]))
            rows[row][column] = text
    mended = 0
    for cells in rows:
        if CONTROL.search("".join(cells)):
            mended += 1
            cells[:] = [CONTROL.sub("", cell) for cell in cells]
    return Sheet(name, rows, list(range(1, len(rows) + 1)), total, notes={"control_characters": mended})


def _check_kind(path: Path) -> None:
    """Refuse by name what often comes under a workbook's name: a web page, and a workbook locked with a password."""
    with path.open("rb") as file:
        head = file.read(1024).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
        if head.startswith(_PAGES):
            raise web_page(path)
        file.seek(0)
        if file.read(4) == _OLD and LOCKED in file.read():
            raise locked(path)


def web_page(path: Path) -> DeliveryError:
    """Make the error for a web page under a workbook's name."""
    return DeliveryError(
        Said("文件名是工作簿，内容却是网页。", "The file is called a workbook and is a web page."),
        where=str(path),
        why=Said("有的业务系统导出的 .xls 其实是 HTML。", "Some systems export HTML under the name .xls."),
        todo=Said("请用 Excel 或 WPS 打开，另存为 .xlsx 再交。", "Open it in a spreadsheet and save it as .xlsx."),
    )


def locked(path: Path) -> DeliveryError:
    """Make the error for a workbook that a password protects."""
    return DeliveryError(
        Said("工作簿加了密码。", "The workbook is locked with a password."),
        where=str(path),
        why=Said("程序不保管别人的密码。", "No password of others is kept here."),
        todo=Said(
            "请取消密码后另存，再交；密码请勿写进文件名或约定。",
            "Save it without the password and deliver that; never write it into a file's name or a contract.",
        ),
    )
