"""The desk: the staff's side of a city, with sign-in; a process of its own beside the public site.

It shows what a role may see: the released pages that name schools (to officials), the ledger (to the audit
administrator), one's own account. It reads releases and the ledger and nothing else; nothing about a child is here, but
for the pages of ``desk_review``, which show pairs of records to the reviewers named in a round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import AccessError, CommonGroundError, Said
from commonground.governance.accounts import Accounts
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.passwords import COST, factor_uri
from commonground.governance.roles import Permission, Role, Roles
from commonground.governance.sessions import Session, Sessions
from commonground.web.desk_guard import RELEASE_POLICY, Guard
from commonground.web.desk_request import (
    TYPES,
    client,
    cookie_name,
    current_release,
    place,
    released,
    require_private,
    require_same,
    see,
    set_cookie,
)
from commonground.web.desk_review import ReviewPages
from commonground.web.desk_view import LANGUAGES, TEMPLATES, drift_kinds, drift_reports, render

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PAGE_LENGTH = 50
Form = Mapping[str, str]


@dataclass(frozen=True)
class Visitor:
    """Whoever is signed in, with what they may do now."""

    session: Session
    roles: frozenset[Role]
    permissions: frozenset[Permission]

    @property
    def account(self) -> str:
        """The account's name."""
        return self.session.account

    def may(self, permission: str) -> bool:
        """Tell whether a permission is among theirs."""
        return Permission(permission) in self.permissions


class Desk:
    """The desk's pages; each method answers one of them."""

    def __init__(self, city: City, *, second_factor: bool, cost: int) -> None:
        self.city, self.second_factor = city, second_factor
        self.ledger = Ledger(city)
        self.roles, self.sessions = Roles(self.ledger), Sessions(self.ledger)
        self.accounts = Accounts(city, self.ledger, cost=cost)

    # What every page needs

    def page(
        self, template: str, request: Request, visitor: Visitor | None, status: int = 200, **values: Any
    ) -> Response:
        """Render a page for a visitor."""
        from starlette.responses import HTMLResponse

        lang, path = place(request)
        city = self.city.settings.name(lang)
        return HTMLResponse(render(template, lang, path, city=city, visitor=visitor, **values), status)

    def visitor(self, request: Request) -> Visitor | None:
        """Give whoever the cookie stands for."""
        cookie = request.cookies.get(cookie_name(request), "")
        session = self.sessions.read(cookie) if cookie else None
        if session is None:
            return None
        return Visitor(session, self.roles.of(session.actor), self.roles.permissions(session.actor))

    def signed(
        self, work: Callable[[Request, Visitor, Form], Response], permission: Permission | None = None
    ) -> Callable[[Request], Awaitable[Response]]:
        """Make an endpoint of a page for signed-in visitors who hold ``permission``."""

        def answer(request: Request, form: Form) -> Response:
            visitor = self.visitor(request)
            if visitor is None:
                return see(f"/{place(request)[0]}/sign-in")
            lacks = self.second_factor and not self.accounts.has_factor(visitor.account)
            if lacks and work not in (self.account, self.set_factor):
                return see(f"/{place(request)[0]}/account")
            try:
                if permission is not None:
                    self.roles.require(visitor.session.actor, permission)
                response = work(request, visitor, form)
            except AccessError as error:
                response = self.page("error", request, visitor, 403, error=error)
            if visitor.session.cookie:
                set_cookie(request, response, visitor.session.cookie)
            return response

        return _endpoint(answer)

    # Signing in and out

    def sign_in_form(self, request: Request, _form: Form) -> Response:
        """Ask for account, password and code."""
        return self.page("sign_in", request, None, error=None, account="")

    def sign_in(self, request: Request, form: Form) -> Response:
        """Check them and begin a session."""
        account = form.get("account", "")[:64]
        try:
            require_private(request)
            known = self.accounts.check(account, form.get("password", ""), form.get("code", ""), place=client(request))
        except AccessError as error:
            return self.page("sign_in", request, None, 403, error=error, account=account)
        old = request.cookies.get(cookie_name(request))
        if old:
            self.sessions.end(old)
        response = see(f"/{place(request)[0]}/")
        set_cookie(request, response, self.sessions.begin(known.account).cookie)
        return response

    def sign_out(self, request: Request, _form: Form) -> Response:
        """End the session."""
        self.sessions.end(request.cookies.get(cookie_name(request), ""))
        response = see(f"/{place(request)[0]}/sign-in")
        response.delete_cookie(cookie_name(request), path="/")
        return response

    def invitation_form(self, request: Request, _form: Form) -> Response:
        """Ask for the invitation's code and a first password."""
        return self.page("invitation", request, None, error=None, account="", done=False)

    def invitation(self, request: Request, form: Form) -> Response:
        """Open an account."""
        account = form.get("account", "")[:64]
        try:
            require_private(request)
            require_same(form)
            self.accounts.open(form.get("invitation", ""), account, form.get("password", ""), place=client(request))
        except AccessError as error:
            return self.page("invitation", request, None, 403, error=error, account=account, done=False)
        return self.page("invitation", request, None, error=None, account=account, done=True)

    # Pages

    def home(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Say what this visitor may do, what is released, and to auditors what happened last."""
        release = current_release(self.city)
        entries = self.ledger.entries(limit=10, newest_first=True) if visitor.may("read_ledger") else []
        watching = visitor.may("read_ledger") or visitor.may("grant")
        return self.page(
            "home",
            request,
            visitor,
            held=[role for role in Role if role in visitor.roles and (role != Role.PUBLIC or len(visitor.roles) == 1)],
            release=release.name if release else None,
            releases=self.ledger.entries(Kind.RELEASE, limit=10, newest_first=True),
            entries=entries,
            mixed=self.roles.mixed() if watching else [],
            factor=self.accounts.has_factor(visitor.account),
        )

    def read_ledger(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show the ledger, newest first; verify it when asked."""
        asked = request.query_params
        kind = asked.get("kind", "")
        before = asked.get("before", "")
        entries = self.ledger.entries(
            Kind(kind) if kind in set(Kind) else None,
            before=int(before) if before.isdigit() and len(before) < 12 else None,
            limit=PAGE_LENGTH + 1,
            newest_first=True,
        )
        return self.page(
            "ledger",
            request,
            visitor,
            entries=entries[:PAGE_LENGTH],
            more=entries[PAGE_LENGTH - 1].seq if len(entries) > PAGE_LENGTH else None,
            kinds=list(Kind),
            kind=kind,
            verification=self.ledger.verify() if asked.get("verify") else None,
            head=self.ledger.head(),
        )

    def drift(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show how each dataset's last delivery differed when somebody last compared it."""
        return self.page("drift", request, visitor, reports=drift_reports(self.city), kinds=drift_kinds())

    def people(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Show who holds which role, and which accounts there are."""
        if not any(visitor.may(p) for p in ("grant", "manage_accounts", "read_ledger")):
            self.roles.require(visitor.session.actor, Permission.GRANT)
        return self.page(
            "people",
            request,
            visitor,
            grants=self.roles.grants(),
            accounts=self.accounts.all(),
            roles=[role for role in Role if role != Role.PUBLIC],
        )

    def account(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Change one's password; show the state of the second factor."""
        error, changed = None, False
        if request.method == "POST":
            try:
                require_same(form)
                old, new = form.get("old", ""), form.get("password", "")
                self.accounts.change_password(visitor.account, old, new, place=client(request))
                changed = True
            except AccessError as fault:
                error = fault
        status = 403 if error else 200
        response = self._account_page(request, visitor, status, error=error, changed=changed)
        if changed:  # every session has ended; this one begins anew
            set_cookie(request, response, self.sessions.begin(visitor.account).cookie)
        return response

    def set_factor(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Set the second factor with the code of the secret that was just shown."""
        secret = "".join(form.get("key", "").split())
        try:
            good = self.accounts.set_factor(visitor.account, secret, form.get("code", ""))
        except ValueError:
            good = False
        if good:
            return self._account_page(request, visitor, 200)
        wrong = AccessError(
            Said("验证码不对。", "The code is wrong."),
            todo=Said("请用新的密钥重新设置。", "Set it up again with the new key."),
        )
        return self._account_page(request, visitor, 403, error=wrong)

    def _account_page(
        self,
        request: Request,
        visitor: Visitor,
        status: int,
        *,
        error: AccessError | None = None,
        changed: bool = False,
    ) -> Response:
        factor = self.accounts.has_factor(visitor.account)
        secret = "" if factor else self.accounts.begin_factor()
        issuer = f"CommonGround {self.city.settings.name.en}"
        return self.page(
            "account",
            request,
            visitor,
            status,
            error=error,
            changed=changed,
            factor=factor,
            must=self.second_factor and not factor,
            key=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
            uri=factor_uri(secret, visitor.account, issuer) if secret else "",
        )

    def official(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """Serve a released file as officials see it: their own page where there is one, else the public one."""
        from starlette.responses import FileResponse

        release, path = current_release(self.city), request.path_params["path"]
        found = released(release, path) if release else None
        if release is None or found is None:
            return self.page("missing", request, visitor, 404)
        named = found.suffix in (".html", ".csv", ".json") and found.is_relative_to((release / "official").resolve())
        if named:
            self.ledger.append(Kind.OFFICIAL_PAGE_READ, visitor.session.actor, f"{release.name}/{path}"[:400])
        return FileResponse(found, media_type=TYPES[found.suffix], headers={"content-security-policy": RELEASE_POLICY})

    def missing(self, request: Request, _error: Exception) -> Response:
        """Say that there is no such page."""
        return self.page("missing", request, None, 404)

    def failed(self, request: Request, error: Exception) -> Response:
        """Say a fault that the operator can mend."""
        assert isinstance(error, CommonGroundError)
        return self.page("error", request, None, 500, error=error)


def _endpoint(answer: Callable[[Request, Form], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Read the form, then answer in a thread: hashing a password and the ledger take their time."""

    async def endpoint(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        form: Form = {}
        if request.method == "POST":
            read = await request.form(max_files=0, max_fields=20)
            form = {name: value for name, value in read.items() if isinstance(value, str)}
        return await run_in_threadpool(answer, request, form)

    return endpoint


def desk(city: City, *, second_factor: bool = False, cost: int = COST) -> Starlette:
    """Make the desk of a city as an ASGI application.

    Parameters
    ----------
    city : City
        Whose desk.
    second_factor : bool
        Every account must set a second factor before it sees anything, as level-3 protection expects.
    cost : int
        log2 of scrypt's N; only tests make it smaller.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import FileResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    pages = Desk(city, second_factor=second_factor, cost=cost)

    def start(request: Request) -> Response:
        english = request.headers.get("accept-language", "zh").lower().startswith("en")
        return see("/en/" if english else "/zh/")

    def style(_request: Request) -> Response:
        return FileResponse(TEMPLATES / "desk" / "desk.css", media_type="text/css")

    routes: list[Route | Mount] = [
        Route("/", start),
        Route("/desk.css", style),
        Mount("/static", StaticFiles(directory=TEMPLATES.parent / "static", check_dir=False)),
        Route("/official/{path:path}", pages.signed(pages.official, Permission.READ_OFFICIAL)),
    ]
    for lang in LANGUAGES:
        routes += [
            Route(f"/{lang}/sign-in", _endpoint(pages.sign_in_form)),
            Route(f"/{lang}/sign-in", _endpoint(pages.sign_in), methods=["POST"]),
            Route(f"/{lang}/sign-out", _endpoint(pages.sign_out), methods=["POST"]),
            Route(f"/{lang}/invitation", _endpoint(pages.invitation_form)),
            Route(f"/{lang}/invitation", _endpoint(pages.invitation), methods=["POST"]),
            Route(f"/{lang}/", pages.signed(pages.home)),
            Route(f"/{lang}/ledger", pages.signed(pages.read_ledger, Permission.READ_LEDGER)),
            Route(f"/{lang}/drift", pages.signed(pages.drift, Permission.BUILD)),
            Route(f"/{lang}/people", pages.signed(pages.people)),
            Route(f"/{lang}/account", pages.signed(pages.account), methods=["GET", "POST"]),
            Route(f"/{lang}/account/factor", pages.signed(pages.set_factor), methods=["POST"]),
            *ReviewPages(pages).routes(lang),
        ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard)],
        exception_handlers={404: pages.missing, CommonGroundError: pages.failed},
    )


def serve_desk(
    city: City,
    host: str = "127.0.0.1",
    port: int = 8001,
    *,
    second_factor: bool = False,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve the desk until interrupted; put an https proxy in front of it beyond one machine."""
    from commonground.web.listen import listen

    listen(desk(city, second_factor=second_factor), host, port, ready)
