"""What happened to the ids of persons: merges, splits and moves, in the vault with the records that they concern.

The ledger keeps how many there were and the hash of the list; the list itself names places of records and stays in the
vault. Each event can be undone: ``undoing`` turns it into decisions that later builds hold to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import LinkError, Said
from commonground.people.standing.decisions import Decision
from commonground.people.standing.ids import KINDS, MERGE, SPLIT, Events

if TYPE_CHECKING:
    from commonground.governance.vault import Vault

Ints = npt.NDArray[np.int64]
EVENTS, ROWS = "history/events", "history/rows"
WENT, HOST, LEFT = "went", "host", "left"
"""Records that changed their id; that had the id before to which those went; that kept the id from which those went."""
MOST_PAIRS = 400


@dataclass(frozen=True)
class Told:
    """Events with their numbers, and the rows of records that each concerns."""

    events: Events
    first: int
    event: Ints
    row: Ints
    side: list[str]


def tell(events: Events, old: Ints, now: Ints, first: int) -> Told:
    """Find the rows of records that events concern.

    Parameters
    ----------
    events : Events
        What happened.
    old, now : int arrays (rows,)
        Id of each row before (-1: new) and now.
    first : int
        Number of the first event.
    """
    parts, base = [], np.int64(max(int(now.max(initial=0)), int(old.max(initial=0))) + 2)
    stayed = old == now
    for side, mine, wanted in (
        (WENT, np.where((old >= 0) & ~stayed, old * base + now, -1), events.before * base + events.after),
        (HOST, np.where(stayed, now, -1), events.after),
        (LEFT, np.where(stayed, now, -1), events.before),
    ):
        event, row = _matches(wanted, mine)
        parts.append((event, row, [side] * len(row)))
    event, row = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
    return Told(events, first, event + first, row, [s for p in parts for s in p[2]])


def _matches(wanted: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Pairs (place in ``wanted``, place in ``values``) of equal values, 0 or more."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    low, high = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
    size = high - low
    begin = np.cumsum(size) - size
    at = np.repeat(low - begin, size) + np.arange(int(size.sum()))
    return np.repeat(np.arange(len(wanted)), size), order[at]


def remember(vault: Vault, version: int, model: int, told: Told, places: Sequence[str]) -> None:
    """Append the events of a build; those of a build under the same number that never stood are dropped."""
    import pyarrow as pa
    import pyarrow.compute as pc

    e = told.events
    new = pa.table(
        {
            "event": pa.array(told.first + np.arange(len(e))),
            "version": pa.array(np.full(len(e), version)),
            "model": pa.array(np.full(len(e), model)),
            "kind": pa.array([KINDS[k] for k in e.kind.tolist()], pa.string()),
            "before": pa.array(e.before),
            "after": pa.array(e.after),
            "records": pa.array(e.records),
        }
    )
    rows = pa.table(
        {"event": pa.array(told.event), "place": pa.array(list(places), pa.string()),
         "side": pa.array(told.side, pa.string())}
    )  # fmt: skip
    if not len(e) and not vault.has(EVENTS):
        return
    if vault.has(EVENTS):
        before = vault.read_table(EVENTS)
        kept = before.filter(pc.less(before.column("version"), version))
        if kept.num_rows == before.num_rows and not len(e):
            return
        old = vault.read_table(ROWS)
        old = old.filter(pc.is_in(old.column("event"), kept.column("event").combine_chunks()))
        new, rows = pa.concat_tables([kept, new]), pa.concat_tables([old, rows])
    vault.write_table(ROWS, rows)
    vault.write_table(EVENTS, new)


def events(vault: Vault) -> list[dict[str, Any]]:
    """Give all events: event, version, model, kind, before, after, records."""
    found: list[dict[str, Any]] = vault.read_table(EVENTS).to_pylist() if vault.has(EVENTS) else []
    return found


def undoing(vault: Vault, event: int, by: str) -> list[Decision]:
    """Turn an event into the decisions that undo it.

    Raises
    ------
    LinkError
        There is no such event, or nothing of it is left to be undone.
    """
    import pyarrow.compute as pc

    found = [e for e in events(vault) if e["event"] == event]
    if not found:
        raise LinkError(
            Said(f"没有编号为 {event} 的变更。", f"There is no event {event}."),
            todo=Said("用 people history 查看编号。", "See the numbers with people history."),
        )
    table = vault.read_table(ROWS)
    rows = table.filter(pc.equal(table.column("event"), event)).to_pylist()
    sides: Mapping[str, list[str]] = {s: sorted(r["place"] for r in rows if r["side"] == s) for s in (WENT, HOST, LEFT)}
    kind, reason = KINDS.index(found[0]["kind"]), f"undo {event}"
    out = []
    if kind != SPLIT:
        pairs = [(a, b) for a in sides[WENT] for b in sides[HOST]][:MOST_PAIRS]
        out += [Decision(0, a, b, False, by, reason) for a, b in pairs]
    if kind != MERGE:
        out += [Decision(0, sides[LEFT][0], a, True, by, reason) for a in sides[WENT] if sides[LEFT]]
    else:
        out += [Decision(0, sides[WENT][0], a, True, by, reason) for a in sides[WENT][1:]]
    if not out:
        raise LinkError(
            Said(f"变更 {event} 不能单独撤销。", f"Event {event} cannot be undone by itself."),
            why=Said("原编号下已没有记录。", "The id that the records had holds none any more."),
            todo=Said(
                "请撤销同一版本中该编号的合并。", "Undo the merge of that id in the same version (people history)."
            ),
        )
    return out
