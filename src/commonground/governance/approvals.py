"""Approvals: something is asked for, and one or more others decide, each without seeing the others' votes.

A vote is sealed in the ledger until as many are in as the request needs; then all are opened at once and the result
stands in the ledger in clear words. Reviews of releases, agreements and contracts hang on this.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum

from commonground.errors import AccessError, Said
from commonground.governance import guard
from commonground.governance.events import Kind
from commonground.governance.ledger import Entry, Ledger, Writer
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import seal, unseal

KEY = "approvals"
_KINDS = (Kind.APPROVAL_REQUESTED, Kind.APPROVAL_VOTE, Kind.APPROVAL)


class Outcome(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True)
class Vote:
    """One person's vote, known once all are in."""

    actor: str
    approve: bool
    note: str


@dataclass(frozen=True)
class Approval:
    """Something that was asked for.

    Attributes
    ----------
    id : str
        The request's name.
    what : str
        What is to be approved, such as ``release:2025-09-30-1``.
    by : str
        Who asked.
    needed : int
        How many must vote; all must approve.
    voted : tuple of str
        Who has voted.
    outcome : Outcome
        Pending until all have voted.
    votes : tuple of Vote
        Empty while pending.
    """

    id: str
    what: str
    by: str
    needed: int
    voted: tuple[str, ...]
    outcome: Outcome
    votes: tuple[Vote, ...]


class Approvals:
    """The city's approvals, computed from the ledger.

    Parameters
    ----------
    ledger : Ledger
        The city's ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.roles = ledger, Roles(ledger)

    def ask(self, what: str, *, by: str, needed: int = 2) -> Approval:
        """Ask for an approval by ``needed`` others."""
        if needed < 1:
            raise ValueError("an approval needs at least one vote")
        self.roles.require(by, Permission.ASK_APPROVAL)
        request = secrets.token_hex(6)
        self.ledger.append(Kind.APPROVAL_REQUESTED, by, f"approval:{request}", {"what": what, "needed": needed})
        return self.get(request)

    def vote(self, request: str, *, by: str, approve: bool, note: str = "") -> Approval:
        """Vote once, not on one's own request, not knowing the others' votes.

        Raises
        ------
        AccessError
            ``by`` may not approve, asked for it, has voted already, or the matter is decided.
        """
        self.roles.require(by, Permission.APPROVE)
        guard.check(note, "note")
        with self.ledger.writing() as writer:
            standing = self._read(request, writer.entries(_KINDS, subject=f"approval:{request}"))
            why: Said | None = None
            if standing.outcome != Outcome.PENDING:
                why = Said("已经有了结果。", "It is decided already.")
            elif by == standing.by:
                why = Said("不能审批自己提请的事项。", "Nobody approves what they asked for.")
            elif by in standing.voted:
                why = Said("您已经提交过意见。", "You have voted already.")
            if why is not None:
                raise AccessError(
                    Said("不能提交审批意见。", "You cannot vote on this."),
                    where=request,
                    why=why,
                    todo=Said("请由另一位审核员审批。", "Ask another reviewer."),
                )
            sealed = self._seal(request, Vote(by, approve, note))
            writer.append(Kind.APPROVAL_VOTE, by, f"approval:{request}", {"sealed": sealed})
            if len(standing.voted) + 1 == standing.needed:
                self._decide(writer, request)
        return self.get(request)

    def get(self, request: str) -> Approval:
        """Give an approval as it stands; votes are told only once all are in."""
        return self._read(request, self.ledger.entries(_KINDS, subject=f"approval:{request}"))

    def all(self) -> list[Approval]:
        """Every approval in order of request."""
        by_request: dict[str, list[Entry]] = {}
        for entry in self.ledger.entries(_KINDS):
            by_request.setdefault(entry.subject.removeprefix("approval:"), []).append(entry)
        return [self._read(request, entries) for request, entries in by_request.items()]

    def _decide(self, writer: Writer, request: str) -> None:
        votes = [
            self._unseal(request, entry) for entry in writer.entries(Kind.APPROVAL_VOTE, subject=f"approval:{request}")
        ]
        outcome = Outcome.APPROVED if all(v.approve for v in votes) else Outcome.REFUSED
        opened = [{"actor": v.actor, "approve": v.approve, "note": v.note} for v in votes]
        detail = {"outcome": str(outcome), "votes": opened}
        writer.append(Kind.APPROVAL, "system", f"approval:{request}", detail)

    def _read(self, request: str, entries: list[Entry]) -> Approval:
        if not entries:
            raise AccessError(
                Said("没有这项审批。", "There is no such approval."),
                where=request,
                todo=Said("请核对编号。", "Check its name."),
            )
        asked = entries[0]
        voted = tuple(e.actor for e in entries if e.kind == Kind.APPROVAL_VOTE)
        result = next((e for e in entries if e.kind == Kind.APPROVAL), None)
        outcome = Outcome(result.detail["outcome"]) if result else Outcome.PENDING
        votes = tuple(Vote(**v) for v in result.detail["votes"]) if result else ()
        what, needed = asked.detail["what"], asked.detail["needed"]
        return Approval(request, what, asked.actor, needed, voted, outcome, votes)

    def _seal(self, request: str, vote: Vote) -> str:
        # Padded to one length, so that the sealed text does not tell a long refusal from a short consent.
        plain = json.dumps([vote.actor, vote.approve, vote.note], ensure_ascii=False).encode().ljust(4096)
        return base64.b64encode(seal(self.ledger.keyring.get(KEY), request, plain)).decode()

    def _unseal(self, request: str, entry: Entry) -> Vote:
        plain = unseal(self.ledger.keyring.get(KEY), request, base64.b64decode(entry.detail["sealed"]))
        return Vote(*json.loads(plain))
