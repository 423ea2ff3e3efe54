"""Parquet."""

from __future__ import annotations

import io
from pathlib import Path

from commonground.intake.model import Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text


def read_parquet(path: Path, content: bytes) -> Sheet:
    """Read a Parquet file; every distinct value of a column is turned to text once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as fault:
        raise unreadable(path, "parquet", fault) from None
    columns = []
    for column in table.columns:
        encoded = column.combine_chunks().dictionary_encode()
        texts = [CONTROL.sub("", cell_text(value)) for value in encoded.dictionary.to_pylist()]
        columns.append(["" if i is None else texts[i] for i in encoded.indices.to_pylist()])
    rows = [list(row) for row in zip(*columns, strict=True)]
    total = int(file.metadata.num_rows)
    return Sheet("", rows, list(range(1, len(rows) + 1)), total, names=tuple(table.column_names))
