"""The public site: serves what lies below ``releases/current/public`` and nothing else.

It reads neither the warehouse nor the ledger, so it can run as a user of the system who has no right to them. A page
needs no script; the headers allow none.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from commonground.errors import CityError, Said

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TYPES = {".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json"}
_TYPES |= {".svg": "image/svg+xml", ".css": "text/css; charset=utf-8", ".png": "image/png"}


def find(releases: Path, path: str) -> Path | None:
    """Find the file for a path of the site; None outside of the current public release.

    Links are followed before the check, so that none leads out; names that begin with a dot are not served.
    """
    try:
        base = (releases / "current" / "public").resolve(strict=True)
        inside = base.is_relative_to(releases.resolve(strict=True))
        found = (base / path.lstrip("/")).resolve(strict=True)
    except (OSError, ValueError):
        return None
    if not inside or not found.is_file() or not found.is_relative_to(base):
        return None
    return None if any(part.startswith(".") for part in found.relative_to(base).parts) else found


def preferred(accept: str) -> str:
    """Choose the language of a visitor from Accept-Language: Chinese unless English is asked for first."""
    best, chosen = -1.0, "zh"
    for entry in accept.split(","):
        tag, _, more = entry.strip().partition(";")
        lang = tag.lower()[:2]
        if lang not in ("zh", "en"):
            continue
        try:
            weight = float(more.partition("=")[2]) if more else 1.0
        except ValueError:
            weight = 0.0
        if weight > best:
            best, chosen = weight, lang
    return chosen


def site(releases: Path) -> Starlette:
    """Make the site.

    Parameters
    ----------
    releases : Path
        The city's ``releases`` folder: all that this process needs to read.
    """
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse
    from starlette.responses import Response as Plain
    from starlette.routing import Route

    folder = Path(releases)

    async def serve_file(request: Request) -> Response:
        path = request.path_params["path"]
        if path in ("", "zh", "en", "zh/", "en/"):
            lang = path.strip("/") or preferred(request.headers.get("accept-language", ""))
            return RedirectResponse(
                f"/{lang}/overview.html", status_code=302, headers=HEADERS | {"Vary": "Accept-Language"}
            )
        found = find(folder, path)
        if found is None and "." not in path.rpartition("/")[2]:
            found = find(folder, path.rstrip("/") + ".html")
        if found is None:
            return missing(request, path)
        kind = _TYPES.get(found.suffix) or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        return FileResponse(found, media_type=kind, headers=HEADERS)

    def missing(request: Request, path: str) -> Response:
        lang = path[:2] if path[:3] in ("zh/", "en/") else preferred(request.headers.get("accept-language", ""))
        page = find(folder, f"{lang}/404.html")
        if page is None:
            text = "还没有发布。 / Nothing has been released yet.\n"
            return PlainTextResponse(text, status_code=404, headers=HEADERS)
        # the page's own links are relative to its folder, wherever the missing address pretended to be
        body = (
            page.read_bytes().replace(b'="../', b'="/').replace(b'href="overview', f'href="/{lang}/overview'.encode())
        )
        return Plain(_rooted(body, lang), status_code=404, media_type="text/html; charset=utf-8", headers=HEADERS)

    return Starlette(routes=[Route("/{path:path}", serve_file, methods=["GET", "HEAD"])])


def _rooted(body: bytes, lang: str) -> bytes:
    """Root the links between pages: ``href="gaps.html"`` becomes ``href="/zh/gaps.html"``."""
    import re

    return re.sub(rb'href="([a-z]+\.html)"', rf'href="/{lang}/\1"'.encode(), body)


def serve_site(
    releases: Path, *, host: str = "127.0.0.1", port: int = 8000, ready: Callable[[], None] | None = None
) -> None:
    """Serve the site until interrupted; ``ready`` is called just before.

    Raises
    ------
    CityError
        There is no release yet.
    AddressError
        The address cannot be listened on.
    """
    from commonground.web.listen import listen

    folder = Path(releases).resolve()
    if find(folder, "zh/overview.html") is None:
        raise CityError(
            Said("这座城市还没有发布。", "This city has not released anything yet."),
            where=str(folder),
            todo=Said(
                f"先运行 commonground publish {folder.parent}", f"Run commonground publish {folder.parent} first."
            ),
        )
    listen(site(folder), host, port, ready)
