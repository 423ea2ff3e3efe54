"""Student numbers that were replaced: which child's J or L number became which G number, kept for later deliveries.

A child without an identity number is given a number that begins with J (or L); once it has one, its student number is G
and the identity number. Records of either kind are linked by what else agrees. What was found is kept, so that the old
number in a later delivery leads to the child also where the delivery that showed both is no longer there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.governance.vault import Vault
    from commonground.people.mentions import Coders
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
ENTRY = "aliases/students"
STATED, LINKED = "stated", "linked"
"""Whether one record said both numbers, or the records of one child did."""
LEAST = 0.99
"""Probability with which the record of the old number must belong to the child."""


def empty() -> pa.Table:
    """Give a table without aliases: alias, id_no, how, since (date32), probability."""
    import pyarrow as pa

    kinds = {"alias": pa.string(), "id_no": pa.string(), "how": pa.string()}
    return pa.schema([*kinds.items(), ("since", pa.date32()), ("probability", pa.float64())]).empty_table()


def read(vault: Vault) -> pa.Table:
    """Give the aliases that earlier builds found."""
    return vault.read_table(ENTRY) if vault.has(ENTRY) else empty()


def learn(linked: Linked, days: Ints) -> pa.Table:
    """Find the old numbers of children who have an identity number now.

    A number that belongs to two children is nobody's, and left out. An alias holds after the last day of all
    that was delivered so far: nothing of that is linked otherwise by it, and building again gives the same.

    Parameters
    ----------
    linked : Linked
        Who is who.
    days : int array
        The day that each source's data describe; ``since`` is the last of them.
    """
    import pyarrow as pa

    people, spine = linked.gathered.people, linked.spine
    texts = linked.gathered.texts.get("student", ())
    old = np.array([*(t[:1] in "JL" and len(t) > 1 for t in texts), False], dtype=bool)
    row = np.flatnonzero(old[people.student])
    number = np.full(len(spine.units), -1, dtype=np.int64)
    said = np.flatnonzero(spine.units.id >= 0)
    number[spine.entity[said]] = spine.units.id[said]
    child, stated = linked.entity[row], people.id[row] >= 0
    sure = np.where(stated, 1.0, spine.probability[linked.place[row]])
    keep = (number[child] >= 0) & (sure >= LEAST)
    row, child, stated, sure = row[keep], child[keep], stated[keep], sure[keep]
    packed = people.student[row] * np.int64(len(linked.gathered.ids) + 1) + number[child]
    order = np.lexsort((-sure, ~stated, packed))
    first = order[np.unique(packed[order], return_index=True)[1]]
    _, inverse, count = np.unique(people.student[row[first]], return_inverse=True, return_counts=True)
    first = first[count[inverse] == 1]
    return pa.table(
        {
            "alias": pa.array([texts[i] for i in people.student[row[first]].tolist()], pa.string()),
            "id_no": pa.array([linked.gathered.ids[i] for i in number[child[first]].tolist()], pa.string()),
            "how": pa.array([STATED if s else LINKED for s in stated[first].tolist()], pa.string()),
            "since": pa.array(np.full(len(first), days.max(initial=0), np.int32)).cast(pa.date32()),
            "probability": pa.array(sure[first]),
        }
    )


def kept(before: pa.Table, found: pa.Table) -> pa.Table:
    """Put what was known and what was found together.

    What was known keeps its day, so that building twice from the same deliveries gives the same; an alias that now
    leads to another number than before is in dispute and left out.
    """
    import pyarrow as pa

    known = {r["alias"]: r for r in before.to_pylist()}
    for r in found.to_pylist():
        last = known.get(r["alias"])
        if last is None:
            known[r["alias"]] = r
        elif last["id_no"] != r["id_no"]:
            del known[r["alias"]]
        elif last["how"] == LINKED and r["how"] == STATED:
            known[r["alias"]] = {**r, "since": last["since"]}
    return pa.Table.from_pylist([known[a] for a in sorted(known)], empty().schema)


def apply(aliases: pa.Table, columns: dict[str, Ints], coders: Coders, day: Ints) -> None:
    """Let old numbers in deliveries later than their day stand for the new one, in ``columns["student"]``.

    It is evidence, not an identity: the record has no identity number of its own yet, and all else is compared.

    Parameters
    ----------
    day : int array
        The day that each record describes.
    """
    student, number = coders.of("student"), columns["id"]
    rows = [r for r in aliases.to_pylist() if r["alias"] in student.index]
    if not rows:
        return
    since = np.array([np.datetime64(r["since"], "D").astype(np.int64) for r in rows])
    of_alias = np.full(len(student.index) + 1, -1, dtype=np.int64)
    of_alias[[student.index[r["alias"]] for r in rows]] = np.arange(len(rows))
    which = of_alias[columns["student"]]  # -1, no student number, leads to the last place, which is none
    used = np.unique(which[(which >= 0) & (number < 0) & (day > since[which])])
    now = np.full(len(rows) + 1, -1, dtype=np.int64)
    now[used] = [student.one("G" + rows[k]["id_no"]) for k in used.tolist()]
    of_id = np.full(len(coders.id.index) + 1, -1, dtype=np.int64)
    targets = [(coders.id.index.get(rows[k]["id_no"], -1), k) for k in used.tolist()]
    of_id[[t for t, _ in targets if t >= 0]] = [k for t, k in targets if t >= 0]
    theirs = np.where(columns["student"] < 0, of_id[number], -1)
    new = np.maximum(now[which], now[theirs])
    columns["student"] = np.where(new >= 0, new, columns["student"])
