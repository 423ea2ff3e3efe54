"""Persons from version to version: what happened to them, undoing it, and learning the model of linking anew."""

from __future__ import annotations

from typing import Any

from commonground.city import City, Progress
from commonground.jobs.build import BuildResult, build
from commonground.jobs.office import may


def person_history(city: City) -> dict[str, Any]:
    """Give builds, events and decisions: numbers of ids and counts, no places of records and no reasons.

    Returns
    -------
    dict
        ``builds`` (version, day, model, persons, minted, merged, split, moved), ``models`` (number, day, why),
        ``events`` (event, version, kind, before, after, records), ``decisions`` (number, same, by, holds), ``pending``
        (whether decisions or a model wait for the next build).

    Raises
    ------
    AccessError
        The one who asks may not build: who is who is for those who make the database.
    """
    from commonground.governance import Ledger
    from commonground.governance.vault import Vault
    from commonground.people.standing import history, pending
    from commonground.people.standing.decisions import read_decisions

    may(city, "build")
    vault = Vault(city)
    shown = ("model", "persons", "minted", "merged", "split", "moved", "unlearned")
    with Ledger(city) as ledger:
        ids, models = ledger.entries("person_ids"), ledger.entries("link_model")
    builds = [
        {"version": int(e.subject.split()[-1]), "day": e.at[:10], **{k: e.detail.get(k) for k in shown}} for e in ids
    ]
    return {
        "builds": builds,
        "models": [
            {"model": int(e.subject.split()[-1]), "day": e.at[:10], "why": e.detail.get("why"), "by": e.actor}
            for e in models
        ],
        "events": history.events(vault),
        "decisions": [
            {"decision": d.number, "same": d.same, "by": d.by, "holds": d.holds} for d in read_decisions(vault).all
        ],
        "pending": pending(city),
    }


def undo_event(city: City, event: int) -> list[int]:
    """Undo a merge, split or move; gives the numbers of the decisions that hold from the next build on.

    Raises
    ------
    AccessError
        The running user may not.
    LinkError
        There is no such event, or undoing it would contradict a decision or two identity numbers.
    """
    from commonground.governance import current_actor
    from commonground.governance.vault import Vault
    from commonground.people.standing import undo
    from commonground.people.standing.decisions import read_decisions

    may(city, "open_link_review")
    before = set(read_decisions(Vault(city)).numbers)
    return sorted(set(undo(city, event, current_actor()).numbers) - before)


def withdraw_decision(city: City, number: int) -> None:
    """Let a decision about a link no longer hold, from the next build on.

    Raises
    ------
    AccessError, LinkError
        As ``undo_event``.
    """
    from commonground.governance import current_actor
    from commonground.people.standing import undo_decision

    may(city, "open_link_review")
    undo_decision(city, number, current_actor())


def retrain(city: City, *, progress: Progress | None = None) -> BuildResult:
    """Learn the model of linking from all records as they are now, and build a version with it."""
    return build(city, retrain=True, progress=progress)
