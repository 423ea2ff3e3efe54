"""The room's nouns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.families import Relations
from commonground.people.gather import Gathered
from commonground.people.spine import Spine

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]

LINKED, UNLINKED, QUARANTINED, COPY = "linked", "unlinked", "quarantined", "repeated"


@dataclass(frozen=True)
class Linked:
    """Who is who, as integers, with what the integers stand for.

    Attributes
    ----------
    gathered : Gathered
        Persons mentioned.
    spine : Spine
        Units and persons.
    place : int array
        Unit of each row of ``gathered.people``.
    identified : bool array (rows,)
        Whether the record says, or is linked to records that say, who its person is. A record without identity
        number, without name and full date of birth, that fits nobody, is not.
    relations : Relations
        Families.
    members : (int array, int array, int array)
        Naming unit, member's entity, source: members of a household listed in a cell.
    """

    gathered: Gathered
    spine: Spine
    place: Ints
    identified: npt.NDArray[np.bool_]
    relations: Relations
    members: tuple[Ints, Ints, Ints]

    @property
    def entity(self) -> Ints:
        """Person of each row of ``gathered.people``."""
        found: Ints = self.spine.entity[self.place]
        return found


@dataclass(frozen=True)
class LinkResult:
    """What linking gave.

    Attributes
    ----------
    links : pa.Table
        One row a record about a person: record_id, spine_id (identified: for the vault only), person_id (pseudonym,
        null when unlinked), status, weight (log2 of the odds), probability, method.
    report : dict
        What ``quality/links.json`` says: counts and estimates, nothing about any one person.
    persons : int
        Persons on the spine.
    """

    links: pa.Table
    report: dict[str, Any]
    persons: int

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return self.report
