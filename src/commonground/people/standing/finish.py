"""The end of linking: a new model is kept, persons get their ids, what happened to ids is written down and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.governance import current_actor
from commonground.governance.ledger import Ledger
from commonground.governance.vault import Vault
from commonground.people.encode import integers
from commonground.people.places import place_texts
from commonground.people.standing import history, keep
from commonground.people.standing.acts import keep_model
from commonground.people.standing.ids import MERGE, MOVE, SPLIT, Named

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import City, Version
    from commonground.people.frozen import Frozen
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Finished:
    """Each person's id as a text, at the place of its first unit; counts to tell; records that changed their id."""

    spine_ids: Objects
    told: dict[str, Any]
    moved: Ints

    def by_group(self, groups: pa.Table) -> dict[str, dict[str, int]]:
        """Count the units whose person has another id than before, for each way of grouping.

        ``groups`` holds ``record_id`` and a column of categories for each way.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        some = groups.filter(pc.is_in(groups.column("record_id"), pa.array(self.moved)))
        axes = [name for name in groups.column_names if name != "record_id"]
        found = {}
        for name in axes:
            counted = some.column(name).value_counts().to_pylist()
            found[name] = {str(c["values"]): int(c["counts"]) for c in sorted(counted, key=lambda c: str(c["values"]))}
        return found


def places_of(tables: Mapping[str, pa.Table], records: Ints) -> list[str]:
    """Place of each of ``records`` as one text."""
    import pyarrow as pa

    if not len(records):
        return []
    ids = [integers(t.column("record_id"), t.num_rows) for t in tables.values()]
    chunks = [chunk for t in tables.values() for chunk in place_texts(t).chunks]
    number = np.concatenate(ids)
    order = np.argsort(number, kind="stable")
    at = order[np.searchsorted(number, records, sorter=order)]
    texts: list[str] = pa.chunked_array(chunks, pa.string()).take(pa.array(at)).to_pylist()
    return texts


def finish(
    city: City, version: Version, start: keep.Start, linked: Linked, tables: Mapping[str, pa.Table], why: str = ""
) -> Finished:
    """Keep what a build found out.

    Parameters
    ----------
    city : City
        The city.
    version : Version
        The version that is being built.
    start : Start
        What the build started from.
    linked : Linked
        Who is who.
    tables : mapping
        Records by dataset.
    why : str
        Why a model was trained, where it was: ``first``, ``retrained`` or ``form``.
    """
    vault, actor, model = Vault(city), current_actor(), linked.spine.frozen
    if not model.number:
        model = keep_model(city, model, actor, why, dict(model.about))
    before = _last(city)
    named, old, now = keep.name_persons(start, linked, int(before.get("next", 1)))
    first = int(before.get("next_event", 1))
    told = history.tell(named.events, old, now, first)
    said = _said(start, linked, named, model, old, now)
    listed = [named.events.kind.tolist(), named.events.before.tolist(), named.events.after.tolist()]
    detail = {k: said[k] for k in ("model", "persons", "minted", "merged", "split", "moved", "unlearned")}
    detail |= {"next": named.next, "next_event": first + len(named.events), "sha256": keep.digest_of(listed)}
    with Ledger(city) as ledger:
        ledger.append("person_ids", actor, f"version {version.number}", detail)
    places = places_of(tables, linked.gathered.people.record[told.row])
    history.remember(vault, version.number, model.number, told, places)
    keep.leave(vault, version.number, start, linked, now, {"model": model.number, "next": named.next})
    labels, row = np.unique(linked.entity, return_index=True)
    texts = np.full(len(linked.spine.units), "", dtype=object)
    texts[labels] = np.array([f"s{n}" for n in now[row].tolist()], dtype=object)
    moved = linked.gathered.people.record[(old >= 0) & (old != now)]
    return Finished(texts, said, moved)


def _last(city: City) -> dict[str, Any]:
    """What the ledger last said about ids."""
    with Ledger(city) as ledger:
        entries = ledger.entries("person_ids", limit=1, newest_first=True)
    return dict(entries[0].detail) if entries else {}


def _said(start: keep.Start, linked: Linked, named: Named, model: Frozen, old: Ints, now: Ints) -> dict[str, Any]:
    """Counts for the report."""
    gathered, spine, e = linked.gathered, linked.spine, named.events
    moved = np.flatnonzero((old >= 0) & (old != now))
    datasets = [name for name, _ in gathered.sources]
    each = np.bincount(gathered.people.source[moved], minlength=len(datasets))
    by_dataset: dict[str, int] = {}
    for name, count in zip(datasets, each.tolist(), strict=True):
        by_dataset[name] = by_dataset.get(name, 0) + count
    again = Counter(datasets)  # the first delivery of the first dataset teaches nothing: there is nobody yet
    same = start.decided.rows(start.rows, same=True)
    other = start.decided.rows(start.rows, same=False)
    held = int((now[same[0]] == now[same[1]]).sum() + (now[other[0]] != now[other[1]]).sum())
    return {
        "model": model.number,
        "why": model.about.get("why", ""),
        "persons": len(named.ids),
        "kept": len(named.ids) - named.minted,
        "minted": named.minted,
        "merged": e.count(MERGE),
        "split": e.count(SPLIT),
        "moved": e.count(MOVE),
        "records_before": int((old >= 0).sum()),
        "records_moved": len(moved),
        "moved_by_dataset": {n: c for n, c in sorted(by_dataset.items()) if c},
        "units": len(spine.units),
        "units_resolved": len(spine.fresh),
        "unlearned": sorted({n for n in datasets if n not in model.models and (n not in model.order or again[n] > 1)}),
        "decisions": len(start.decided.numbers),
        "decisions_found": same.shape[1] + other.shape[1],
        "decisions_held": held,
        "conflicts": len(spine.conflicts.left),
    }
