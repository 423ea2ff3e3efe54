"""Puts the correction layer over records and quarantine as they come from the vault.

A corrected record names the concepts that were corrected in its column ``corrected``. What the contract of today does
not accept stays as delivered: the value missing, the fault in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.governance.vault import Vault
from commonground.intake.model import Contract, Pack
from commonground.intake.returns import layer
from commonground.intake.returns.judge import Judge

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

COLUMN = "corrected"
_PLACE = ("department", "dataset", "delivery", "file")
_Cells = dict[tuple[str, int], dict[str, Any]]


class Overlay:
    """The corrections that hold in a city, by delivered file.

    Parameters
    ----------
    city, pack, contracts
        As intake reads.
    files : mapping
        Department, dataset, delivery and file → hash of the file and the day that its data describe.
    """

    def __init__(
        self,
        city: City,
        pack: Pack,
        contracts: Mapping[str, Contract],
        files: Mapping[tuple[str, str, str, str], tuple[str, dt.date]],
    ) -> None:
        held = layer.load(Vault(city))
        self._records: dict[tuple[str, ...], _Cells] = {}
        self._settled: dict[tuple[str, ...], set[tuple[str, int, str]]] = {}
        for place, (digest, day) in files.items():
            contract = contracts.get(f"{place[0]}.{place[1]}")
            if digest in held and contract is not None:
                judge = Judge(contract, pack, city.settings, place[2], place[3], day)
                self._judge(place, held[digest], judge)

    def _judge(self, place: tuple[str, ...], corrections: tuple[layer.Correction, ...], judge: Judge) -> None:
        cells = self._records.setdefault(place, {})
        settled = self._settled.setdefault(place, set())
        for one in corrections:
            rule = judge.rule(one.column)
            if rule is None or rule.concept is None:
                continue
            if one.kind == "none":
                judged = judge.nothing(one.column)
            elif one.kind == "as_is":
                judged = judge.as_is(one.column, one.sheet, one.text, one.reason)
            else:
                judged = judge.value(one.column, one.sheet, one.text)
            if judged.fault:
                continue
            for row, number in zip(one.rows, one.numbers, strict=True):
                here = cells.setdefault((one.sheet, number), {})
                here |= judged.values
                here[COLUMN] = "、".join(sorted({*filter(None, here.get(COLUMN, "").split("、")), rule.concept.name}))
                settled.add((one.sheet, row, one.column))

    def records(self, table: pa.Table) -> pa.Table:
        """Give records of one dataset with their corrections and the column ``corrected``."""
        import pyarrow as pa

        n = table.num_rows
        out = table.append_column(COLUMN, pa.nulls(n, pa.string())) if COLUMN not in table.column_names else table
        for place in self._places(table, self._records):
            out = _put(out, place, self._records[place])
        return out

    def quarantine(self, table: pa.Table) -> pa.Table:
        """Give quarantine without the values that corrections settle."""
        import numpy as np
        import pyarrow as pa

        for place in self._places(table, self._settled):
            at = _rows(table, place)
            slim = table.select(["sheet", "physical_row", "column"]).take(at).to_pylist()
            gone = [(r["sheet"], r["physical_row"], r["column"]) in self._settled[place] for r in slim]
            keep = np.ones(table.num_rows, bool)
            keep[at.to_numpy()[np.array(gone, bool)]] = False
            table = table.filter(pa.array(keep))
        return table

    @staticmethod
    def _places(table: pa.Table, wanted: Mapping[tuple[str, ...], Any]) -> list[tuple[str, ...]]:
        """Give the files with corrections that a table holds rows of."""
        if not wanted or not table.num_rows:
            return []
        import pyarrow.compute as pc

        seen = [set(pc.unique(table[name]).to_pylist()) for name in _PLACE]
        return [p for p in sorted(wanted) if all(part in held for part, held in zip(p, seen, strict=True))]


def _rows(table: pa.Table, place: tuple[str, ...]) -> pa.Array:
    """Give the positions of a file's rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    hit = pc.equal(table[_PLACE[0]], place[0])
    for name, text in zip(_PLACE[1:], place[1:], strict=True):
        hit = pc.and_(hit, pc.equal(table[name], text))
    return pa.array(np.flatnonzero(hit.to_numpy(zero_copy_only=False)))


def _put(table: pa.Table, place: tuple[str, ...], cells: _Cells) -> pa.Table:
    """Put the corrected values of one file over its records."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    at = _rows(table, place).to_numpy()
    numbers = table["row_number"].to_numpy()[at]
    at = at[np.isin(numbers, np.array(sorted({number for _, number in cells}), np.int64))]
    slim = table.select(["sheet", "row_number"]).take(pa.array(at)).to_pylist()
    found = [(int(i), cells.get((r["sheet"], r["row_number"]))) for i, r in zip(at, slim, strict=True)]
    touched = [(i, values) for i, values in found if values]
    for name in sorted({name for _, values in touched for name in values}):
        if name not in table.column_names:
            continue
        rows = [(i, values[name]) for i, values in touched if name in values]
        mask = np.zeros(table.num_rows, bool)
        mask[[i for i, _ in rows]] = True
        field = table.schema.field(name)
        given = [value for _, value in rows]
        new = pa.array(given, pa.int32()).cast(field.type) if pa.types.is_date32(field.type) else None
        new = pa.array(given, field.type) if new is None else new
        column = pc.replace_with_mask(table[name].combine_chunks(), pa.array(mask), new)
        table = table.set_column(table.column_names.index(name), field, column)
    return table
