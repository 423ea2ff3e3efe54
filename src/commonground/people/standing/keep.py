"""From one version to the next: what a build starts from, the ids that its persons get, what it leaves for the next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import StorageError
from commonground.people.edges import Find, find
from commonground.people.encode import distinct, integers
from commonground.people.frozen import Frozen
from commonground.people.hashing import hash_columns, hash_texts
from commonground.people.places import PLACE, place_texts
from commonground.people.resolve import Decisions
from commonground.people.spine import Given
from commonground.people.stable import marks
from commonground.people.standing import store
from commonground.people.standing.decisions import Decided, read_decisions
from commonground.people.standing.ids import Named, succeed
from commonground.people.standing.store import Kept

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.governance.vault import Vault
    from commonground.people.gather import Gathered
    from commonground.people.mentions import People
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]


def place_marks(tables: Mapping[str, pa.Table], wanted: Ints) -> Ints:
    """Hash of the place of each record of ``wanted``."""
    ids, hashes = [], []
    for table in tables.values():
        ids.append(integers(table.column("record_id"), table.num_rows))
        hashes.append(hash_texts(place_texts(table).combine_chunks()))
    if not len(wanted):
        return np.zeros(0, dtype=np.int64)
    number, mark = np.concatenate(ids), np.concatenate(hashes)
    order = np.argsort(number, kind="stable")
    found: Ints = mark[order[np.searchsorted(number, wanted, sorter=order)]]
    return found


@dataclass
class Start:
    """What a build starts from.

    Attributes
    ----------
    rows : int array (rows,)
        Mark of the place of each row of ``Gathered.people``.
    frozen : Frozen or None
        The model in force.
    kept : Kept or None
        The standing spine, where it was made by this code and this model.
    old : int array (2, records)
        Marks of records' places, sorted, and the ids of their persons before.
    decided : Decided
        What reviewers decided.
    about : mapping
        Of the standing spine; empty where there is none.
    """

    rows: Ints
    frozen: Frozen | None
    kept: Kept | None
    old: Ints
    decided: Decided
    about: Mapping[str, Any] = field(default_factory=dict)
    unit_key: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    unit_mark: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def separated(self, unit: Ints) -> Ints:
        """Take rows apart that ``collapse`` joined and a reviewer held to be two persons."""
        unit = unit.copy()
        for left, right in self.decided.rows(self.rows, same=False).T.tolist():
            if unit[left] == unit[right]:
                lone = right if unit[right] != right else left
                unit[lone] = lone
                if unit[left] == unit[right]:  # the other one names the unit
                    rest = np.flatnonzero((unit == unit[lone]) & (np.arange(len(unit)) != lone))
                    unit[rest] = rest.min(initial=len(unit)) if len(rest) else unit[rest]
        return unit

    def given(
        self, sources: Sequence[tuple[str, str]], people: People, keyed: People, place: Ints, finder: Find | None
    ) -> Given:
        """Say to ``spine.build`` what is there already."""
        order = np.argsort(people.record, kind="stable")
        self.unit_key = self.rows[order[np.searchsorted(people.record, keyed.record, sorter=order)]]
        count = np.bincount(keyed.source, minlength=len(sources))
        both = np.bincount(keyed.source, weights=(keyed.id >= 0) & (keyed.name >= 0), minlength=len(sources))
        early = (2 * both >= count).astype(np.int64)  # as in ``spine.steps``: it decides when a source is linked
        self.unit_mark = hash_columns([marks(keyed), early[keyed.source]])
        decisions = Decisions(*(self._units(place, same) for same in (True, False)))
        before, at, changed = None, None, None
        if self.kept is not None:
            before, at = self.kept.standing, self._found(self.kept)
            changed = self._changed(place)
        return Given(
            sources, keyed, self.unit_key, self.frozen, decisions, finder or find, before=before, place=at,
            changed=changed,
        )  # fmt: skip

    def _units(self, place: Ints, same: bool) -> Ints:
        pairs = place[self.decided.rows(self.rows, same=same)]
        found: Ints = pairs[:, pairs[0] != pairs[1]]
        return found

    def _found(self, kept: Kept) -> Ints:
        """Number of each unit of before among the units of now; -1 where it is gone or says something else."""
        order = np.argsort(self.unit_key, kind="stable")
        at = np.minimum(np.searchsorted(self.unit_key, kept.key, sorter=order), max(0, len(order) - 1))
        if not len(order):
            return np.full(len(kept.key), -1, dtype=np.int64)
        at = order[at]
        same = (self.unit_key[at] == kept.key) & (self.unit_mark[at] == kept.mark)
        found: Ints = np.where(same, at, -1)
        return found

    def _changed(self, place: Ints) -> Ints:
        """Units of decisions that were made or withdrawn since."""
        before = set(self.about.get("decisions", ()))
        pairs = self.decided.rows(self.rows, numbers=before ^ set(self.decided.numbers))
        found: Ints = np.unique(place[pairs])
        return found


def begin(
    vault: Vault, current: int | None, tables: Mapping[str, pa.Table], people: People, *, retrain: bool = False
) -> Start:
    """Find out what a build starts from.

    Parameters
    ----------
    vault : Vault
        The city's.
    current : int or None
        The standing version.
    tables : mapping
        Records by dataset.
    people : People
        Persons mentioned.
    retrain : bool
        Leave the model in force aside.
    """
    frozen = None if retrain else store.load_model(vault)
    about, kept, old = None, None, np.zeros((2, 0), dtype=np.int64)
    if current is not None:
        # what stands can be made again: where a power cut damaged it, the links have the ids
        with suppress(StorageError):
            about = store.about(vault, current)
            if about and [about["model"], about["code"]] == [frozen.number if frozen else -1, store.code()]:
                kept = store.load(vault, current, about)
        if kept is not None:
            old = kept.records
        elif vault.has(f"links/{current}"):
            old = _taken_over(vault, current)
    rows = place_marks(tables, people.record)
    return Start(rows, frozen, kept, old, read_decisions(vault), about or {})


def _taken_over(vault: Vault, current: int) -> Ints:
    """Ids as the links of a version have them.

    Links of before there were ids named persons by texts: who was one person stays one, under a new id.
    """
    table = vault.read_table(f"links/{current}", [*PLACE, "spine_id"])
    table = table.filter(table.column("spine_id").is_valid())
    key = hash_texts(place_texts(table).combine_chunks())
    texts, person = distinct(table.column("spine_id"))
    if all(t[:1] == "s" and t[1:].isdigit() for t in texts):
        person = np.array([int(t[1:]) for t in texts] or [0], dtype=np.int64)[person]
    else:
        person = person + 1
    order = np.argsort(key, kind="stable")
    return np.stack([key[order], person[order]])


def name_persons(start: Start, linked: Linked, following: int) -> tuple[Named, Ints, Ints]:
    """Give the persons of a build their ids.

    Returns
    -------
    Named, int array, int array
        Ids by person; for each row its id before (-1: a new record) and now.
    """
    gathered = linked.gathered
    _, person = np.unique(linked.entity, return_inverse=True)
    old = np.full(len(start.rows), -1, dtype=np.int64)
    if start.old.shape[1] and len(start.rows):
        at = np.minimum(np.searchsorted(start.old[0], start.rows), start.old.shape[1] - 1)
        old = np.where(start.old[0][at] == start.rows, start.old[1][at], -1)
    free = max(following, int(start.old[1].max(initial=0)) + 1)
    named = succeed(person, old, _age(gathered), int(person.max(initial=-1)) + 1, free)
    return named, old, named.ids[person]


def _age(gathered: Gathered) -> Ints:
    """Rank of each row: by the name of its delivery, then by its place in the city."""
    deliveries = sorted({delivery for _, delivery in gathered.sources})
    rank = np.array([deliveries.index(d) for _, d in gathered.sources] or [0], dtype=np.int64)
    order = np.lexsort((gathered.people.record, rank[gathered.people.source]))
    out = np.empty(len(order), dtype=np.int64)
    out[order] = np.arange(len(order))
    return out


def leave(vault: Vault, version: int, start: Start, linked: Linked, ids: Ints, about: Mapping[str, Any]) -> None:
    """Keep what the next build starts from; ``ids`` are those of the rows."""
    order = np.argsort(start.rows, kind="stable")
    records = np.stack([start.rows[order], ids[order], linked.gathered.people.id[order]])
    said = {**about, "decisions": sorted(start.decided.numbers)}
    store.save(vault, version, Kept(linked.spine.standing, start.unit_key, start.unit_mark, records, said))


def digest_of(values: Any) -> str:
    """Hash of plain values, for the ledger."""
    import hashlib

    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
