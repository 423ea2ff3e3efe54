"""Gives the value of a merged data cell to every row that it spans: a spreadsheet keeps it in the first one alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from commonground.errors import ContractError, Said, did_you_mean
from commonground.intake.contract import clean_name
from commonground.intake.model import Block, Layout
from commonground.intake.texts import lengths

if TYPE_CHECKING:
    import numpy as np


def fill_down(block: Block, layout: Layout, where: str) -> Block:
    """Fill the blank cells of the columns that ``fill_down`` names from the data row above.

    A row with a single cell between them, such as a heading of the next school, breaks the run: what stands below it
    is not known to belong to what stands above.

    Raises
    ------
    ContractError
        The sheet has no such column.
    """
    if not layout.fill_down:
        return block
    import numpy as np
    import pyarrow as pa

    columns = dict(block.columns)
    headings = np.asarray(sorted(bad.physical for _, bad in block.bad if bad.reason == "one_cell"), np.int64)
    run = np.searchsorted(headings, block.physical)
    for name in map(clean_name, layout.fill_down):
        if name not in columns:
            raise ContractError(
                Said(
                    f"fill_down 用到的列“{name}”不在文件里。", f"The column “{name}” of fill_down is not in the file."
                ),
                where=where,
                todo=did_you_mean(name, columns),
            )
        column = columns[name]
        source = _last_filled(lengths(column) > 0)
        known = source >= 0
        known[known] &= run[source[known]] == run[known]
        taken = column.take(pa.array(np.maximum(source, 0))) if len(column) else column
        columns[name] = pa.array(np.where(known, taken.to_numpy(zero_copy_only=False), ""), pa.string())
    return replace(block, columns=columns)


def _last_filled(filled: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Position of the last filled cell at or above each; -1 where there is none."""
    import numpy as np

    found: np.ndarray[Any, Any] = np.maximum.accumulate(np.where(filled, np.arange(len(filled)), -1))
    return found
