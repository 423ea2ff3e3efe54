"""A round of review: who looks at which pairs, for what purpose, until when; kept in the vault, told in the ledger.

What a round holds without names (places of records, strata, decisions) stays; what reviewers see is taken away when it
is closed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground import files
from commonground.city import City
from commonground.errors import AccessError, Said
from commonground.governance.events import Kind
from commonground.governance.keys import KeyRing, keyed_hash
from commonground.governance.ledger import Ledger
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import Vault
from commonground.people.places import Place, places_in, records_in
from commonground.people.review.estimate import DIFFERENT, SAME, UNSURE

Ints = npt.NDArray[np.int64]
FOLDER = "link_review"
SLOTS = ("first", "second", "third")
DECISIONS = {
    "same": (SAME, Said("同一人", "one person")),
    "different": (DIFFERENT, Said("不同人", "two persons")),
    "unsure": (UNSURE, Said("看不出", "cannot tell")),
}
"""What a reviewer may decide."""
SOURCES = ("pairs", "conflicts")
"""Where a round's pairs come from: all candidates, or the list of conflicts."""
_ID = re.compile(r"V\d{8}-[0-9A-F]{8}")


@dataclass(frozen=True)
class Pair:
    """One pair to be looked at.

    Attributes
    ----------
    left, right : tuple
        Places of the two records: department, dataset, delivery, file, sheet, row number.
    code : str
        Keyed hash by which the ledger names the pair.
    at : int
        Row in the round's population.
    stratum : int
        Its stratum.
    weight, probability, chosen, method
        What the machine says; shown to nobody before they have decided.
    levels : tuple of int
        Agreement field by field, as linking stored it.
    """

    left: Place
    right: Place
    code: str
    at: int
    stratum: int
    weight: float
    probability: float
    chosen: bool
    method: str
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Round:
    """A round of review.

    Attributes
    ----------
    id, purpose, version, source, by, seed
        Its number, what it is for, which version's pairs, ``pairs`` or ``conflicts``, what the groups are, the seed.
    reviewers : tuple of str
        Actors: the first, the second, and the third who decides where these differ.
    opened_by, opened_on, until
        Who opened it, when, and the last day on which it may be seen (ISO dates).
    size, drawn, chosen, group, model : lists (strata,)
        As in ``design.Strata``.
    labels : mapping
        Group → its name for readers, in the order of the groups' numbers.
    pairs : tuple of Pair
        The pairs drawn.
    closed : str
        Day on which it was closed, or "".
    """

    id: str
    purpose: str
    version: int
    source: str
    by: str
    seed: int
    reviewers: tuple[str, str, str]
    opened_by: str
    opened_on: str
    until: str
    size: list[int]
    drawn: list[int]
    chosen: list[bool]
    group: list[int]
    model: list[float]
    labels: dict[str, Said]
    pairs: tuple[Pair, ...] = field(repr=False)
    closed: str = ""

    def order(self, slot: int) -> list[int]:
        """Give a reviewer's own order of the pairs, so that numbers cannot be compared with another's."""
        digest = hashlib.sha256(f"{self.id}|{slot}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        return [int(i) for i in rng.permutation(len(self.pairs))]


@dataclass(frozen=True)
class Decision:
    """What a reviewer said of a pair: a key of ``DECISIONS``, when, and by what way (``desk`` or a sheet's number)."""

    decision: str
    at: str
    via: str


Decided = dict[int, Decision]
"""Place of the pair in ``Round.pairs`` → decision."""


def alone(city: City) -> AbstractContextManager[None]:
    """Keep other processes from deciding or settling meanwhile."""
    return files.alone(city.vault / ".link_review")


def save(city: City, made: Round) -> None:
    """Seal a round in the vault."""
    plain = {k: v for k, v in made.__dict__.items() if k not in ("labels", "pairs")}
    plain["labels"] = {key: [said.zh, said.en] for key, said in made.labels.items()}
    plain["pairs"] = [pair.__dict__ for pair in made.pairs]
    Vault(city).write(f"{FOLDER}/{made.id}/round", json.dumps(plain, ensure_ascii=False).encode())


def load(city: City, identity: str) -> Round | None:
    """Read a round; None where there is no such."""
    vault, entry = Vault(city), f"{FOLDER}/{identity}/round"
    if not _ID.fullmatch(identity) or not vault.has(entry):
        return None
    raw: dict[str, Any] = json.loads(vault.read(entry))
    labels = {key: Said(*both) for key, both in raw.pop("labels").items()}
    pairs = tuple(
        Pair(**{**p, "left": tuple(p["left"]), "right": tuple(p["right"]), "levels": tuple(p["levels"])})
        for p in raw.pop("pairs")
    )
    first, second, third = raw.pop("reviewers")
    return Round(**raw, reviewers=(first, second, third), labels=labels, pairs=pairs)


def load_all(city: City) -> list[Round]:
    """Read every round, oldest first."""
    names = {name.split("/")[1] for name in Vault(city).names(FOLDER)}
    found = [made for name in names if (made := load(city, name)) is not None]
    return sorted(found, key=lambda made: (made.opened_on, made.id))


def decisions(city: City, made: Round, slot: int) -> Decided:
    """Read what a reviewer has decided so far."""
    vault, entry = Vault(city), f"{FOLDER}/{made.id}/{SLOTS[slot]}"
    if not vault.has(entry):
        return {}
    return {int(k): Decision(*v) for k, v in json.loads(vault.read(entry)).items()}


def save_decisions(city: City, made: Round, slot: int, decided: Decided) -> None:
    """Seal what a reviewer has decided."""
    plain = {str(k): [d.decision, d.at, d.via] for k, d in sorted(decided.items())}
    Vault(city).write(f"{FOLDER}/{made.id}/{SLOTS[slot]}", json.dumps(plain).encode())


def disputed(first: Decided, second: Decided) -> list[int]:
    """Pairs on which both have decided and differ, or either cannot tell: the third looks at them."""
    both = sorted(set(first) & set(second))
    return [
        k
        for k in both
        if first[k].decision != second[k].decision or "unsure" in (first[k].decision, second[k].decision)
    ]


def outcomes(first: Decided, second: Decided, third: Decided) -> dict[int, int]:
    """What is decided of each pair in the end (SAME, DIFFERENT, UNSURE); pairs still open are left out."""
    open_ones = set(disputed(first, second))
    out = {k: DECISIONS[first[k].decision][0] for k in set(first) & set(second) - open_ones}
    return out | {k: DECISIONS[third[k].decision][0] for k in open_ones if k in third}


def key_of(city: City) -> bytes:
    """The key under which pairs are named and decisions are sealed in the ledger."""
    return KeyRing(city.settings.keys).get("link-review")


def pair_code(key: bytes, identity: str, left: Sequence[Any], right: Sequence[Any]) -> str:
    """Name a pair in the ledger so that nobody can tell which records it is."""
    return keyed_hash(key, json.dumps([identity, list(left), list(right)], ensure_ascii=False))


def seal_of(key: bytes, identity: str, slot: int, code: str, decision: str) -> str:
    """Bind a decision to the ledger without telling it."""
    return keyed_hash(key, f"{identity}|{slot}|{code}|{decision}")


def sheet_folder(city: City, identity: str) -> Path:
    """Folder of a round's sheets, until it is closed."""
    return city.vault / "sheets" / FOLDER / identity


def assigned(city: City, ledger: Ledger, identity: str, actor: str) -> tuple[Round, int]:
    """Give a round to one of its reviewers, and which of them they are; refuse everybody else.

    Whoever is not named in a round is told the same whether or not there is one, so that numbers cannot be guessed.

    Raises
    ------
    AccessError
        No role that reviews, no such round for this person, expired or closed; the attempt stands in the ledger.
    """
    Roles(ledger).require(actor, Permission.REVIEW_LINKS)
    made = load(city, identity)
    if made is None or actor not in made.reviewers:
        ledger.append(Kind.ACCESS_REFUSED, actor, f"link_review:{identity if _ID.fullmatch(identity) else '?'}")
        raise AccessError(
            Said("没有指定给您的这个复核批次。", "No such round of review is assigned to you."),
            todo=Said(
                "请从“连接复核”页进入；这次尝试已记入台账。", "Go by the page “Link review”; this attempt is recorded."
            ),
        )
    check_open(made, ledger, actor)
    return made, made.reviewers.index(actor)


def check_open(made: Round, ledger: Ledger, actor: str) -> None:
    """Refuse a round that is closed or past its last day."""
    late = ledger.clock().date() > dt.date.fromisoformat(made.until)
    if not made.closed and not late:
        return
    ledger.append(Kind.ACCESS_REFUSED, actor, f"link_review:{made.id}")
    what = (
        Said(f"复核批次 {made.id} 已经结束。", f"Round {made.id} is closed.")
        if made.closed
        else Said(
            f"复核批次 {made.id} 已过期限（{made.until}）。", f"Round {made.id} has passed its last day ({made.until})."
        )
    )
    raise AccessError(
        what,
        why=Said("期限之后不得再查看个人信息。", "Personal data may not be seen after it."),
        todo=Said("需要继续的，请数据专员另开一批。", "Ask the data officer to open another round if more is needed."),
    )


def progress(city: City, made: Round) -> dict[str, Any]:
    """Say where a round stands: counts only."""
    first, second, third = (decisions(city, made, slot) for slot in range(3))
    open_ones = disputed(first, second)
    return {
        "round": made.id,
        "purpose": made.purpose,
        "version": made.version,
        "source": made.source,
        "until": made.until,
        "closed": made.closed,
        "pairs": len(made.pairs),
        "reviewers": dict(zip(SLOTS, made.reviewers, strict=True)),
        "decided": {"first": len(first), "second": len(second), "third": len(third)},
        "disputed": len(open_ones),
        "settled_by_third": len(set(open_ones) & set(third)),
        "finished": len(outcomes(first, second, third)),
    }


def places(city: City, version: int, records: Sequence[int]) -> dict[int, Place]:
    """Where records of a version are: record id → place."""
    return places_in(Vault(city), version, records)


def records_at(city: City, version: int, wanted: Sequence[Place]) -> dict[Place, int]:
    """Record ids that stand at places in a version; what is no more there is left out."""
    return records_in(Vault(city), version, wanted)
