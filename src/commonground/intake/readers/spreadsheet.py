"""Workbooks: xlsx, xls, ods."""

from __future__ import annotations

import io
from pathlib import Path

from commonground.intake.model import Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text


def read_workbook(path: Path, content: bytes) -> list[Sheet]:
    """Read every sheet, hidden ones too, in the workbook's order, from its first row and column."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [_sheet(name, book.get_sheet_by_name(name)) for name in book.sheet_names]
    except (calamine.CalamineError, OSError, ValueError) as fault:
        raise unreadable(path, path.suffix.lstrip(".") or "xlsx", fault) from None


def _sheet(name: str, sheet: object) -> Sheet:
    # The height is the sheet's own statement, the rows are what was read: the conservation sum compares the two.
    raw = sheet.to_python(skip_empty_area=False)  # type: ignore[attr-defined]
    end = sheet.end  # type: ignore[attr-defined]
    total = 0 if end is None else end[0] + 1
    rows = [[cell_text(cell) for cell in row] for row in raw]
    mended = 0
    for row in rows:
        if CONTROL.search("".join(row)):
            mended += 1
            row[:] = [CONTROL.sub("", cell) for cell in row]
    return Sheet(name, rows, list(range(1, len(rows) + 1)), total, notes={"control_characters": mended})
