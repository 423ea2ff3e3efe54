"""What every request to the desk passes: same origin, small bodies, and headers that keep browsers careful.

Forgery of requests is stopped by what browsers say about where a request comes from (Sec-Fetch-Site, else Origin),
not by tokens in forms; a request that says neither is refused unless it only reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_BODY = 16_384
"""Bytes of a form; the desk takes no files."""
READING = frozenset({"GET", "HEAD"})

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
RELEASE_POLICY = (
    "default-src 'self'; script-src 'none'; img-src 'self' data:; object-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: browsers would then send “Origin: null” with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "cache-control": "no-store",
}


def same_origin(scheme: str, headers: dict[str, str]) -> bool:
    """Tell whether a writing request comes from our own pages.

    Parameters
    ----------
    scheme : str
        ``http`` or ``https``.
    headers : dict
        The request's headers, names in small letters.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin == f"{scheme}://{headers.get('host', '')}"


class Guard:
    """ASGI middleware around the whole desk."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what may not pass; add the headers to every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_headers(message.get("headers", []), scope["scheme"])
            await send(message)

        refusal = _refusal(scope, headers)
        if refusal is None:
            await self.app(scope, receive, careful)
            return
        status, text = refusal
        await careful(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8")],
            }
        )
        await careful({"type": "http.response.body", "body": text.encode("utf-8")})


def _refusal(scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
    if scope["method"] in READING:
        return None
    if scope["method"] != "POST":
        return 405, "不支持的请求方法。 / This method is not supported."
    if not same_origin(scope["scheme"], headers):
        return 403, "请求来自别的网站，已拒绝。请从工作台页面重新提交。 / A request from another site was refused."
    length = headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_BODY:
        return 413, "提交的内容过长。 / The form is too long."
    return None


def _with_headers(given: list[tuple[bytes, bytes]], scheme: str) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in given}
    wanted = dict(_HEADERS) | {"content-security-policy": PAGE_POLICY}
    if scheme == "https":
        wanted["strict-transport-security"] = "max-age=31536000"
    return [*given, *((n.encode(), v.encode()) for n, v in wanted.items() if n.encode() not in present)]
