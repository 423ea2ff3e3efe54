"""One small module a family of formats; ``read`` picks the one that a layout names.

Each gives ``Sheet``s: every cell as text, its physical row, and the number of rows counted apart from reading them.
Formats of small files give each sheet whole, those of large files give it part by part (``Sheet.more``).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Layout, Limits, Sheet

LIMITS = Limits()
Reader = Callable[[Path, Layout, Limits], Iterator[Sheet]]
_READERS = {
    "csv": ("text", "read_csv"),
    "fixed": ("fixed", "read_fixed"),
    "jsonl": ("json", "read_json"),
    "json": ("json", "read_json"),
    "geojson": ("json", "read_json"),
    "dbf": ("dbf", "read_dbf"),
    "parquet": ("parquet", "read_parquet"),
    "access": ("access", "read_access"),
    **dict.fromkeys(("xlsx", "xls", "xlsb", "ods"), ("spreadsheet", "read_workbook")),
    **dict.fromkeys(("sav", "dta", "sas7bdat", "xpt"), ("statistics", "read_statistics")),
    **dict.fromkeys(("mysqldump", "pgdump"), ("dump", "read_dump")),
}
"""Format → module and function that reads it; loaded when a file of the format is read."""


def read(path: Path, layout: Layout, limits: Limits = LIMITS) -> Iterator[Sheet]:
    """Read one file as ``layout`` says, sheet by sheet, a large sheet part by part.

    Parameters
    ----------
    path : Path
        Where the file is.
    limits : Limits
        How much of it is held at a time.

    Raises
    ------
    DeliveryError
        The file cannot be decoded, or is not of the format that the contract says. Raised when the sheet is asked for.
    """
    module, name = _READERS[layout.format]
    reader: Reader = getattr(importlib.import_module(f"commonground.intake.readers.{module}"), name)
    try:
        yield from reader(path, layout, limits)
    except (RecursionError, OverflowError, MemoryError) as fault:  # what the file says of itself cannot be true
        raise unreadable(path, layout.format, fault) from None


def unreadable(path: Path, layout_format: str, fault: BaseException) -> DeliveryError:
    """Make the error for a file that is not what the contract says."""
    short = f"{type(fault).__name__}: {str(fault)[:200]}"
    return DeliveryError(
        Said(f"文件无法按 {layout_format} 格式读取。", f"The file cannot be read as {layout_format}."),
        where=str(path),
        why=Said(
            f"文件可能损坏、不完整，或其实是别的格式（{short}）。",
            f"It may be damaged, cut off, or of another format ({short}).",
        ),
        todo=Said(
            "请用原软件打开检查；如确是别的格式，请改读取约定中的 format，否则请部门重新交付。",
            "Open it with the program that made it; mend format in the contract, or ask for the file again.",
        ),
    )
