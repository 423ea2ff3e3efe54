"""What another library says of a broken file: how many rows it has, and so how many must be told."""

from __future__ import annotations

import io
import re
import struct
import warnings

from fuzz.structure import repacked

_MERGED = re.compile(rb"<mergeCells\b.*?</mergeCells>", re.S)


def rows_at_least(kind: str, content: bytes) -> int | None:
    """Give a number of rows that no reader may stay under; None where nobody else can say."""
    try:
        return _COUNTS[kind](content) if kind in _COUNTS else None
    except Exception:  # the other library cannot read it at all
        return None


def _xlsx(content: bytes) -> int:
    """Rows of all sheets up to the last that holds something, by openpyxl.

    Merged ranges are taken out first, and only cells that are there are asked: for a range or a cell at the end of the
    sheet openpyxl would make all the cells before it, gigabytes that the process then keeps.
    """
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(repacked(content, lambda _, data: _MERGED.sub(b"", data))))
    rows = [[at for (at, _), cell in sheet._cells.items() if cell.value not in (None, "")] for sheet in book.worksheets]
    return sum(max(one, default=0) for one in rows)


def _dbf(content: bytes) -> int:
    """Records by the arithmetic of the header: as many as it says, and no fewer than the file holds."""
    said = struct.unpack_from("<I", content, 4)[0]
    start, size = struct.unpack_from("<HH", content, 8)
    body = content[start:]
    there, at = 0, 0
    while at + size <= len(body) and (there < said or body[at] in b" *"):
        there, at = there + 1, at + size
    return max(int(said), there)


def _parquet(content: bytes) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return int(pq.read_metadata(pa.BufferReader(content)).num_rows)


def _ods(content: bytes) -> int:
    """Rows of all sheets up to the last that holds something, by the text of the XML alone."""
    import zipfile
    from xml.etree import ElementTree

    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tree = ElementTree.fromstring(archive.read("content.xml"))
    total = 0
    for sheet in tree.iter(f"{table}table"):
        row = last = 0
        for one in sheet.iter(f"{table}table-row"):
            row += int(one.get(f"{table}number-rows-repeated", "1"))
            last = row if "".join(one.itertext()).strip() else last
        total += last
    return total


_COUNTS = {"xlsx": _xlsx, "dbf": _dbf, "parquet": _parquet, "ods": _ods}
