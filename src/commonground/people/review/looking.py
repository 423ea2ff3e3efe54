"""Two reviewers look at pairs alone and decide; a third looks where they differ. Every view and decision is recorded.

Neither sees the other's decisions, nor the machine's weight before having decided all of theirs: a weight seen at one
pair would colour the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonground.city import City
from commonground.errors import AccessError, CityError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.vault import Vault
from commonground.people.review import rounds
from commonground.people.review.marks import Marked, Piece
from commonground.people.review.rounds import DECISIONS, FOLDER, Decided, Decision, Round
from commonground.people.review.values import LABELS, Line

THIRD = 2


@dataclass(frozen=True)
class Task:
    """A reviewer's part of a round.

    Attributes
    ----------
    made : Round
        The round.
    slot : int
        0 and 1 are the two reviewers, 2 is the third.
    order : tuple of int
        The reviewer's pairs in their own order, as places in ``made.pairs``; number 1 is the first.
    decided : mapping
        What this reviewer has decided.
    """

    made: Round
    slot: int
    order: tuple[int, ...]
    decided: Mapping[int, Decision]

    @property
    def left(self) -> list[int]:
        """Numbers still to be decided, in order."""
        return [n for n, k in enumerate(self.order, 1) if k not in self.decided]

    @property
    def done(self) -> bool:
        """Whether all pairs that there are for this reviewer now are decided."""
        return bool(self.order) and not self.left

    def place(self, number: int) -> int:
        """Place in the round of the reviewer's pair ``number``.

        Raises
        ------
        AccessError
            There is no such number for this reviewer.
        """
        if not 1 <= number <= len(self.order):
            raise AccessError(
                Said(f"您没有第 {number} 对。", f"You have no pair {number}."),
                todo=Said("请从批次页进入。", "Go by the page of the round."),
            )
        return self.order[number - 1]


@dataclass(frozen=True)
class Shown:
    """What a reviewer sees of a pair: where each side comes from, and the fields, marked, in one language."""

    left: str
    right: str
    lines: tuple[Line, ...]


def task(city: City, made: Round, slot: int) -> Task:
    """Give a reviewer's part of a round."""
    order = made.order(slot)
    if slot == THIRD:
        open_ones = set(rounds.disputed(*(rounds.decisions(city, made, s) for s in (0, 1))))
        order = [k for k in order if k in open_ones]
    return Task(made, slot, tuple(order), rounds.decisions(city, made, slot))


def tasks_of(city: City, ledger: Ledger, actor: str) -> list[Task]:
    """Rounds that are open for somebody today, with their part of each; no pair is shown."""
    today = ledger.clock().date().isoformat()
    mine = [r for r in rounds.load_all(city) if actor in r.reviewers and not r.closed and today <= r.until]
    return [task(city, made, made.reviewers.index(actor)) for made in mine]


def shown(city: City, made: Round, lang: str) -> list[Shown]:
    """Read what may be seen of all pairs of a round."""
    raw = json.loads(Vault(city).read(f"{FOLDER}/{made.id}/shown"))
    return [_shown(one, lang) for one in raw]


def _shown(raw: Mapping[str, Any], lang: str) -> Shown:
    said = 0 if lang == "zh" else 1
    heads = []
    for side in ("left", "right"):
        title, day = raw[side][said], raw[side][2]
        heads.append(f"{title}（{day}）" if lang == "zh" else f"{title} ({day})")
    lines = []
    for name, left, right, note, same in raw["lines"][lang]:
        one, two = (tuple(Piece(text, differs) for text, differs in side) for side in (left, right))
        lines.append(Line(name, Marked(one, two, Said(note, note), same)))
    return Shown(heads[0], heads[1], tuple(lines))


def view(city: City, ledger: Ledger, identity: str, number: int, actor: str, lang: str) -> tuple[Task, Shown]:
    """Show one pair to one of its reviewers; the view stands in the ledger before it is given.

    Raises
    ------
    AccessError
        The pair is not this person's to see, or the round is expired or closed.
    """
    made, slot = rounds.assigned(city, ledger, identity, actor)
    mine = task(city, made, slot)
    place = mine.place(number)
    found = shown(city, made, lang)[place]
    fields = [line.field for line in found.lines]
    ledger.append(Kind.LINK_REVIEW_VIEWED, actor, made.id, {"pair": made.pairs[place].code, "fields": fields})
    return mine, found


def decide(
    city: City, ledger: Ledger, identity: str, number: int, actor: str, decision: str, code: str | None = None
) -> Task:
    """Take one decision; it is final, so that a form sent twice changes nothing.

    Parameters
    ----------
    code : str, optional
        Code of the pair that was looked at: the third's numbers move when the others disagree on more pairs.

    Raises
    ------
    AccessError
        The pair is not this person's, was not looked at, is another than ``code``, or is decided already.
    CityError
        There is no such decision.
    """
    made, slot = rounds.assigned(city, ledger, identity, actor)
    place = task(city, made, slot).place(number)
    if code is not None and code != made.pairs[place].code:
        raise AccessError(
            Said("记录对的编号已经变动，没有记录判断。", "The numbers have moved; nothing was recorded."),
            why=Said("其间又有新的分歧，编号顺延。", "More pairs came to be disputed meanwhile."),
            todo=Said("请重新打开这一对再判断。", "Open the pair again, then decide."),
        )
    code = made.pairs[place].code
    seen = ledger.entries(Kind.LINK_REVIEW_VIEWED, actor=actor, subject=made.id)
    if not any(entry.detail.get("pair") == code for entry in seen):
        raise AccessError(
            Said("还没有看过这一对。", "This pair was not looked at yet."),
            todo=Said("请先打开这一对，看过再判断。", "Open the pair, look at it, then decide."),
        )
    with rounds.alone(city):
        mine = rounds.decisions(city, made, slot)
        if place in mine:
            raise AccessError(
                Said(
                    f"第 {number} 对已经判断过，没有改动。", f"Pair {number} is decided already; nothing was changed."
                ),
                why=Said(
                    "每对只判断一次，重复提交不起作用。", "Each pair is decided once; sending it again has no effect."
                ),
                todo=Said(
                    "请继续看下一对；确有差错，请告诉数据专员。",
                    "Go on to the next; tell the data officer of a mistake.",
                ),
            )
        record(city, ledger, made, slot, actor, {place: decision}, "desk")
    return task(city, made, slot)


def record(
    city: City, ledger: Ledger, made: Round, slot: int, actor: str, given: Mapping[int, str], via: str
) -> Decided:
    """Write decisions into the ledger, sealed, and into the vault; to be called while ``rounds.alone`` is held.

    Parameters
    ----------
    actor : str
        The reviewer whose decisions these are.
    given : mapping
        Place of the pair → key of ``DECISIONS``.
    """
    for word in given.values():
        if word not in DECISIONS:
            raise CityError(
                Said("判断只能是“同一人”“不同人”“看不出”。", "A decision is one person, two persons, or cannot tell."),
                todo=Said("请选一项。", "Choose one of them."),
            )
    key = rounds.key_of(city)
    at = ledger.clock().isoformat(timespec="seconds")
    mine = rounds.decisions(city, made, slot)
    new = {k: Decision(word, at, via) for k, word in sorted(given.items()) if k not in mine}
    with ledger.writing() as writer:
        for k, decision in new.items():
            code = made.pairs[k].code
            seal = rounds.seal_of(key, made.id, slot, code, decision.decision)
            writer.append(Kind.LINK_REVIEW_DECIDED, actor, made.id, {"pair": code, "seal": seal})
    # after the ledger: ended in between, the pair is still to be decided, and nothing stands that the ledger lacks
    rounds.save_decisions(city, made, slot, {**mine, **new})
    return new


__all__ = ["LABELS", "Line", "Shown", "Task", "decide", "record", "shown", "task", "tasks_of", "view"]
