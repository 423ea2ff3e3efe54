"""Parquet, some ten thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 100_000


def read_parquet(path: Path, _layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read a Parquet file; every distinct value of a column's part is turned to text once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            _refuse_nested(path, file.schema_arrow)
            total, names, done = int(file.metadata.num_rows), tuple(file.schema_arrow.names), 0
            for batch in file.iter_batches(_ROWS):
                columns = tuple(_texts(column) for column in batch.columns)
                places = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
                done += batch.num_rows
                # what the file's own summary promises stands against what was read, in the last part
                yield Sheet("", [], [], 0, names=names, columns=columns, places=places, more=True)
            if done != total:
                raise ValueError(f"the summary at its end says {total:,} rows, it holds {done:,}")
    except (pa.ArrowException, OSError, ValueError) as fault:
        raise unreadable(path, "parquet", fault) from None
    yield Sheet("", [], [], total, names=names)


def _refuse_nested(path: Path, schema: pa.Schema) -> None:
    """Refuse columns that hold tables of their own: no contract can say what their parts mean."""
    import pyarrow as pa

    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise DeliveryError(
            Said(f"有嵌套的列：{'、'.join(nested[:10])}。", f"Nested columns: {', '.join(nested[:10])}."),
            where=str(path),
            why=Said(
                "一格里又是一张表或一个列表，约定说不清它的含义。",
                "A cell that is a list or record has no one meaning.",
            ),
            todo=Said("请部门展开成普通列再导出。", "Ask the department to unnest them into plain columns."),
        )


def _texts(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.dictionary_encode()
    texts = [CONTROL.sub("", cell_text(value)) for value in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(texts, pa.string()).take(encoded.indices), "")
