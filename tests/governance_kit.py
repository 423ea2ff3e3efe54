"""What the tests of governance and the desk share: a small city, a clock that can be set, a browser."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

from commonground.city import City
from commonground.governance.ledger import Ledger

TOML = """
[city]
name = { zh = "试验市", en = "Trial City" }
area_code = "5299"
reference_date = 2025-09-01
"""


def make_city(folder: Path) -> City:
    (folder / "deliveries").mkdir(parents=True)
    (folder / "city.toml").write_text(TOML, encoding="utf-8")
    return City(folder)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = dt.datetime.now().astimezone()

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


def open_ledger(city: City, clock: Clock | None = None) -> Ledger:
    from commonground.governance import KeyRing

    ledger = Ledger.open(city.state_url, KeyRing(city.settings.keys))
    if clock is not None:
        ledger.clock = clock
    return ledger


class Answer:
    def __init__(self, status: int, headers: dict[str, str], cookies: list[str], text: str) -> None:
        self.status, self.headers, self.cookies, self.text = status, headers, cookies, text


class Browser:
    """A browser with cookies that speaks to an application in this process."""

    def __init__(self, app: object, *, scheme: str = "http", client: str = "127.0.0.1") -> None:
        self.app, self.scheme, self.client = app, scheme, client
        self.jar: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(
        self, path: str, form: dict[str, str] | None = None, *, site: str | None = "same-origin", **headers: str
    ) -> Answer:
        if site is not None:
            headers["sec-fetch-site"] = site
        return self._ask("POST", path, form or {}, headers)

    def _ask(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> Answer:
        return asyncio.run(self._asked(method, path, form, headers))

    async def _asked(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> Answer:
        import httpx

        transport = httpx.ASGITransport(app=self.app, client=(self.client, 5000))  # type: ignore[arg-type]
        base = f"{self.scheme}://desk.test"
        async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.jar) as client:
            sent = {k.replace("_", "-"): v for k, v in headers.items()}
            got = await client.request(method, path, data=form, headers=sent)
        for cookie in got.headers.get_list("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            if value.strip('"'):
                self.jar[name] = value
            else:
                self.jar.pop(name, None)
        return Answer(got.status_code, dict(got.headers), got.headers.get_list("set-cookie"), got.text)
