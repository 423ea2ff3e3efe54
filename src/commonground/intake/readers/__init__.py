"""One small module a family of formats; ``read`` picks the one that a layout names.

Each gives ``Sheet``s: every cell as text, its physical row, and the number of rows counted apart from reading them.
"""

from __future__ import annotations

from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Layout, Sheet


def read(path: Path, content: bytes, layout: Layout) -> list[Sheet]:
    """Read one file as ``layout`` says.

    Parameters
    ----------
    path : Path
        Where the file is, for messages and for formats whose library wants a path.
    content : bytes
        The file's content, read once.

    Raises
    ------
    DeliveryError
        The file cannot be decoded, or is not of the format that the contract says.
    """
    if layout.format == "csv":
        from commonground.intake.readers.text import read_csv

        return [read_csv(path, content, layout)]
    if layout.format in ("jsonl", "geojson"):
        from commonground.intake.readers.json import read_geojson, read_jsonl

        return [read_jsonl(path, content, layout) if layout.format == "jsonl" else read_geojson(path, content, layout)]
    if layout.format in ("xlsx", "xls", "ods"):
        from commonground.intake.readers.spreadsheet import read_workbook

        return read_workbook(path, content)
    if layout.format == "dbf":
        from commonground.intake.readers.dbf import read_dbf

        return [read_dbf(path, content, layout)]
    if layout.format in ("sav", "dta"):
        from commonground.intake.readers.statistics import read_statistics

        return [read_statistics(path, layout.format)]
    from commonground.intake.readers.parquet import read_parquet

    return [read_parquet(path, content)]


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
