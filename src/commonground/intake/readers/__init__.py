"""One small module a family of formats; ``read`` picks the one that a layout names.

Each gives ``Sheet``s: every cell as text, its physical row, and the number of rows counted apart from reading them.
Formats of small files give each sheet whole, those of large files give it part by part (``Sheet.more``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Layout, Limits, Sheet

LIMITS = Limits()


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
    if layout.format == "csv":
        from commonground.intake.readers.text import read_csv

        yield from read_csv(path, layout, limits)
    elif layout.format in ("jsonl", "geojson"):
        from commonground.intake.readers.json import read_geojson, read_jsonl

        reader = read_jsonl if layout.format == "jsonl" else read_geojson
        yield reader(path, path.read_bytes(), layout)
    elif layout.format in ("xlsx", "xls", "ods"):
        from commonground.intake.readers.spreadsheet import read_workbook

        yield from read_workbook(path, path.read_bytes())
    elif layout.format == "dbf":
        from commonground.intake.readers.dbf import read_dbf

        yield read_dbf(path, path.read_bytes(), layout)
    elif layout.format in ("sav", "dta"):
        from commonground.intake.readers.statistics import read_statistics

        yield read_statistics(path, layout.format)
    else:
        from commonground.intake.readers.parquet import read_parquet

        yield from read_parquet(path)


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
