"""Link review: rounds that people decide, their sheets, what follows from them; and why a pair was linked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.jobs.office import may

if TYPE_CHECKING:
    from commonground.people.review.opening import Asked
    from commonground.people.review.pair import Explained
    from commonground.people.review.settling import Settled
    from commonground.people.review.sheet import Sent, Taken


def plan_review(city: City, asked: Asked) -> dict[str, Any]:
    """Say what a round would hold, without writing.

    Raises
    ------
    AccessError, CityError
        As ``open_review``.
    """
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import opening

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        return opening.plan(city, ledger, asked, current_actor())


def open_review(city: City, asked: Asked, *, progress: Progress | None = None) -> dict[str, Any]:
    """Open a round for named reviewers, a purpose and a time; give where it stands.

    Raises
    ------
    AccessError
        The running user may not, or a reviewer may not review.
    CityError
        There are no pairs, or what is asked cannot be.
    """
    from commonground import intake
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import opening, rounds

    plan_review(city, asked)  # refuse before the records are read
    result = intake.run(city, progress=progress)
    with Ledger(city) as ledger:
        made = opening.open_round(city, ledger, result, asked, current_actor())
    return rounds.progress(city, made)


def list_reviews(city: City) -> list[dict[str, Any]]:
    """Say where every round stands: counts only."""
    from commonground.people.review import rounds

    may(city, "open_link_review")
    return [rounds.progress(city, made) for made in rounds.load_all(city)]


def review_sheet(city: City, identity: str, reviewer: str) -> Sent:
    """Write the sheet of one reviewer of a round; a transfer, recorded."""
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import settling, sheet

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        return sheet.make(city, ledger, settling.find(city, identity), reviewer, current_actor())


def take_review(city: City, file: Path) -> Taken:
    """Take a reviewer's sheet back."""
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import sheet

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        return sheet.take(city, ledger, file, current_actor())


def settle_review(city: City, identity: str) -> Settled:
    """Make what reviewers decided a constraint on who is who, from the next build on."""
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import settling
    from commonground.people.standing import constrain_many

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        return settling.settle(city, ledger, settling.find(city, identity), current_actor(), constrain_many)


def estimate_review(city: City, identity: str, *, target: float, adopt: bool = False) -> dict[str, Any]:
    """Say what a round says about the links, and which threshold it proposes; adopt it when asked and allowed.

    Raises
    ------
    AccessError
        The running user may not.
    CityError
        There is no such round, or nothing to adopt.
    """
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import settling
    from commonground.people.standing import set_threshold

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        made = settling.find(city, identity)
        found = settling.estimate(city, ledger, made)
        proposed = settling.proposal(city, ledger, made, target)
        adopted = None
        if adopt:
            adopted = settling.adopt(city, ledger, made, proposed, current_actor(), set_threshold)
    return {"estimate": found.to_dict(), "proposal": proposed.to_dict(), "adopted": adopted}


def close_review(city: City, identity: str) -> dict[str, Any]:
    """End a round: what reviewers saw is taken out of the vault."""
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import rounds, settling

    may(city, "open_link_review")
    with Ledger(city) as ledger:
        made = settling.close(city, ledger, settling.find(city, identity), current_actor())
    return rounds.progress(city, made)


def explain_pair(city: City, left: str, right: str) -> Explained:
    """Explain a pair of the current version; for whoever may export links, and recorded."""
    from commonground.governance import Ledger, current_actor
    from commonground.people.review import pair

    may(city, "link_export")
    with Ledger(city) as ledger:
        return pair.explain_pair(city, ledger, left, right, current_actor())
