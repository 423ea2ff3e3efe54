"""Where a record stands in the files: the one name of a record that stays the same when it is delivered again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.governance.vault import Vault

PLACE = ("department", "dataset", "delivery", "file", "sheet", "row_number")
Place = tuple[str, str, str, str, str, int]
"""Values of ``PLACE``."""


def place_texts(table: pa.Table) -> pa.ChunkedArray:
    """Place of each record as one text: department|dataset|delivery|file|sheet|row."""
    import pyarrow.compute as pc

    columns = [pc.fill_null(table.column(c).cast("string"), "") for c in PLACE]
    return pc.binary_join_element_wise(*columns, "|")


def places_in(vault: Vault, version: int, records: Sequence[int]) -> dict[int, Place]:
    """Give the places of records of a version; a record that it does not have is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = vault.read_table(f"links/{version}", ["record_id", *PLACE])
    found = table.filter(pc.is_in(table.column("record_id"), pa.array(sorted(set(records)), pa.int64())))
    return {row["record_id"]: tuple(row[c] for c in PLACE) for row in found.to_pylist()}


def records_in(vault: Vault, version: int, wanted: Sequence[Place]) -> dict[Place, int]:
    """Give the records that stand at places in a version; what is no more there is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = vault.read_table(f"links/{version}", ["record_id", *PLACE])
    rows = pa.array(sorted({int(place[5]) for place in wanted}), pa.int64())
    table = table.filter(pc.is_in(table.column("row_number").cast(pa.int64()), rows))
    found: Mapping[str, list[Any]] = table.to_pydict()
    names = list(zip(*(found[c] for c in PLACE), strict=True))
    at = {name: record for name, record in zip(names, found["record_id"], strict=True) if record is not None}
    return {place: at[place] for place in wanted if place in at}
