"""Small questions about a request to the desk: its language, its cookie, where it comes from, which file it means."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from commonground.city import City
from commonground.errors import AccessError, Said
from commonground.governance.sessions import LONGEST_SECONDS
from commonground.web.desk_view import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

TYPES = {
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".csv": "text/csv",
    ".json": "application/json",
    ".css": "text/css",
    ".js": "text/javascript",
}


def current_release(city: City) -> Path | None:
    """Folder of the release that readers see, or None."""
    pointer = city.releases / "current"
    if pointer.is_file():
        pointer = city.releases / pointer.read_text(encoding="utf-8").strip()
    found, base = pointer.resolve(), city.releases.resolve()
    return found if found.is_dir() and found.is_relative_to(base) and found != base else None


def released(release: Path, path: str) -> Path | None:
    """Find a file in the release, first among the officials' own; never outside it."""
    for part in ("official", "public"):
        base = (release / part).resolve()
        found = (base / path).resolve()
        if found.is_relative_to(base) and found.is_file() and found.suffix in TYPES:
            return found
    return None


def place(request: Request) -> tuple[str, str]:
    """Language and path of a page: the parts of its address."""
    parts = request.url.path.strip("/").split("/")
    if parts[:1] == ["official"]:
        return ("en" if parts[1:2] == ["en"] else "zh"), ""
    return (parts[0], "/".join(parts[1:])) if parts[0] in LANGUAGES else ("zh", "")


def see(path: str) -> Response:
    """Send the browser to another page."""
    from starlette.responses import RedirectResponse

    return RedirectResponse(path, 303)


def client(request: Request) -> str:
    """Address that the request comes from."""
    return request.client.host if request.client else ""


def secure(request: Request) -> bool:
    """Tell whether the request came through https."""
    return request.url.scheme == "https"


def require_private(request: Request) -> None:
    """Refuse a password that would cross a network in the clear."""
    try:
        near = ip_address(client(request)).is_loopback
    except ValueError:
        near = False
    if not near and not secure(request):
        raise AccessError(
            Said("这里只能通过 https 登录。", "Signing in here needs https."),
            todo=Said("请管理员在前面设置 https 代理。", "Ask the administrator to put an https proxy in front."),
        )


def require_same(form: Mapping[str, str]) -> None:
    """Refuse two passwords that differ."""
    if form.get("password", "") != form.get("again", ""):
        raise AccessError(
            Said("两次输入的密码不一样。", "The two passwords differ."),
            todo=Said("请重新输入。", "Type them again."),
        )


def cookie_name(request: Request) -> str:
    """Name of the cookie; with https one that no other site can set."""
    return "__Host-commonground" if secure(request) else "commonground"


def set_cookie(request: Request, response: Response, value: str) -> None:
    """Give the browser the session's cookie."""
    response.set_cookie(
        cookie_name(request),
        value,
        max_age=LONGEST_SECONDS,
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="strict",
    )
