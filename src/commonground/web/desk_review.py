"""The desk's pages of link review: a reviewer's rounds, one pair at a time, and the weights once all are decided.

These are the only pages of the desk that show anything about a person: to the reviewers named in a round, until its
last day, each view recorded. No name stands in an address or a title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonground.errors import CityError, Said
from commonground.governance.roles import Permission
from commonground.people.review import looking, pair, rounds
from commonground.people.review.rounds import DECISIONS
from commonground.people.review.values import LABELS
from commonground.web.desk_request import place, see

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from commonground.web.desk import Desk, Form, Visitor

KEYS = {"same": "y", "different": "n", "unsure": "u"}
"""Access key of each decision."""


class ReviewPages:
    """The pages; each method answers one of them."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.city, self.ledger = desk, desk.city, desk.ledger

    def routes(self, lang: str) -> list[Route]:
        """Give the routes in one language."""
        from starlette.routing import Route

        def signed(path: str, work: object, method: str = "GET") -> Route:
            endpoint = self.desk.signed(work, Permission.REVIEW_LINKS)  # type: ignore[arg-type]
            return Route(f"/{lang}/review{path}", endpoint, methods=[method])

        return [
            signed("", self.tasks),
            signed("/{round}", self.task),
            signed("/{round}/{number:int}", self.look),
            signed("/{round}/{number:int}", self.decide, "POST"),
            signed("/{round}/{number:int}/why", self.why),
        ]

    def tasks(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """List the rounds that are open for this reviewer."""
        found = looking.tasks_of(self.city, self.ledger, visitor.session.actor)
        return self.desk.page("review", request, visitor, tasks=found)

    def task(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show how far one round is."""
        made, slot = rounds.assigned(self.city, self.ledger, request.path_params["round"], visitor.session.actor)
        mine = looking.task(self.city, made, slot)
        return self.desk.page("review_round", request, visitor, mine=mine, decisions=DECISIONS)

    def look(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show one pair."""
        identity, number = request.path_params["round"], request.path_params["number"]
        lang = place(request)[0]
        mine, found = looking.view(self.city, self.ledger, identity, number, visitor.session.actor, lang)
        decided = mine.decided.get(mine.place(number))
        return self.desk.page(
            "review_pair",
            request,
            visitor,
            mine=mine,
            number=number,
            code=mine.made.pairs[mine.place(number)].code,
            found=found,
            labels=LABELS,
            decided=decided and DECISIONS[decided.decision][1],
            decisions={key: said for key, (_, said) in DECISIONS.items()},
            keys=KEYS,
        )

    def decide(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Take a decision, then go on to the next pair."""
        identity, number = request.path_params["round"], request.path_params["number"]
        lang = place(request)[0]
        given = form.get("decision", "")
        if given not in DECISIONS:
            error = CityError(
                Said("还没有选择判断。", "No decision was chosen."),
                todo=Said("请返回，选一项再提交。", "Go back, choose one and send it."),
            )
            return self.desk.page("error", request, visitor, 400, error=error)
        actor, code = visitor.session.actor, form.get("pair", "")
        mine = looking.decide(self.city, self.ledger, identity, number, actor, given, code)
        after = [n for n in mine.left if n > number] or mine.left
        return see(f"/{lang}/review/{mine.made.id}/{after[0]}" if after else f"/{lang}/review/{mine.made.id}")

    def why(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show the weights of one pair to a reviewer who has decided all of theirs."""
        identity, number = request.path_params["round"], request.path_params["number"]
        lang = place(request)[0]
        found = pair.explain_task(self.city, self.ledger, identity, number, visitor.session.actor)
        return self.desk.page(
            "review_why", request, visitor, identity=identity, number=number, table=found.table(lang),
            sentence=found.sentence(lang),
        )  # fmt: skip
