"""What intake hands to people and to the quality checks."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.intake.model import Contract
    from commonground.intake.store import Store


@dataclass(frozen=True)
class IntakeResult:
    """What intake hands to people. Records and quarantine stay in the vault until somebody asks for them.

    Attributes
    ----------
    conservation : pa.Table
        One row a sheet of every delivered file; ``rows = records + quarantined + non_data``.
    contracts : dict
        ``department.dataset`` → Contract.
    """

    store: Store = field(repr=False)
    conservation: pa.Table
    contracts: dict[str, Contract]

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """``department.dataset`` → Arrow table, all deliveries together, taken from the vault when it is asked for.

        Columns: DEVELOPERS.md. A table that needs more memory than there is can be had by ``parts``.
        """
        return self.store

    def parts(self, name: str) -> Iterator[pa.Table]:
        """Give the records of a dataset part by part, in order, with all the columns of ``tables``.

        A part is of one file; it takes some ten to hundred megabytes and never more than ``[intake] memory`` allows.
        A dataset without a record gives one part without rows.
        """
        return self.store.parts(name)

    def rows(self, name: str) -> int:
        """Number of records of a dataset, without loading them."""
        return self.store.rows(name)

    @functools.cached_property
    def quarantine(self) -> pa.Table:
        """Every value and row set aside, with its text; never leaves the vault."""
        import pyarrow as pa

        return pa.concat_tables(self.store.quarantine())

    def quarantine_parts(self) -> Iterator[pa.Table]:
        """Give the quarantine part by part, the first without rows."""
        return self.store.quarantine()

    def summary(self) -> dict[str, Any]:
        """Give counts for ``quality/intake.json``: no text of any record."""
        from commonground.intake.report import summary

        return summary(self)
