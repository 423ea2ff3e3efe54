"""Sessions of the desk: a signed cookie that names a session, and a row that can be ended from here.

A session ends after half an hour without use and after eight hours in any case; its name changes every quarter of an
hour, so that a copied cookie soon stops working. The cookie's key is a month's key: the month's and the last one's
are accepted, older ones are not.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from commonground.governance.events import Kind
from commonground.governance.keys import keyed_hash
from commonground.governance.ledger import Ledger
from commonground.governance.state import table

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 8 * 3600
RENEW_SECONDS = 15 * 60
GRACE_SECONDS = 30
"""How long the name before a renewal still works, for pages asked for at the same moment."""
SEEN_SECONDS = 60
"""Use is noted no more often than this: reading a page need not wait for a writer."""


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    Attributes
    ----------
    account : str
        Whose.
    cookie : str
        The signed cookie to be sent back when it has changed, else empty.
    """

    account: str
    cookie: str = ""

    @property
    def actor(self) -> str:
        """The account as an actor in the ledger."""
        return f"desk:{self.account}"


class Sessions:
    """Begins, reads and ends sessions.

    Parameters
    ----------
    ledger : Ledger
        The city's ledger; sign-in and sign-out stand in it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def begin(self, account: str) -> Session:
        """Begin a session for somebody whose password was checked."""
        name, now, sessions = secrets.token_urlsafe(24), self._now(), table("sessions")
        with self.ledger.writing() as writer:
            writer.connection.execute(sessions.delete().where(sessions.c.begun < now - LONGEST_SECONDS))
            values = {
                "session": self._hidden(name),
                "former": None,
                "account": account,
                "begun": now,
                "renewed": now,
                "seen": now,
            }
            writer.connection.execute(sessions.insert().values(values))
            writer.append(Kind.SIGN_IN, f"desk:{account}", f"desk:{account}")
        return Session(account, self._sign(name))

    def read(self, cookie: str) -> Session | None:
        """Give the session that a cookie names, renewed when due, or None."""
        name = self._unsign(cookie)
        if name is None:
            return None
        now, sessions, hidden = self._now(), table("sessions"), self._hidden(name)
        with self.ledger.state.read() as connection:
            named = (sessions.c.session == hidden) | (sessions.c.former == hidden)
            row = connection.execute(sessions.select().where(named)).first()
        if row is None or (row.session != hidden and now - row.renewed > GRACE_SECONDS):
            return None
        if now - row.seen > IDLE_SECONDS or now - row.begun > LONGEST_SECONDS:
            self._drop(row.session)
            return None
        mine = sessions.c.session == row.session
        if now - row.renewed > RENEW_SECONDS:
            fresh = secrets.token_urlsafe(24)
            values: dict[str, Any] = {"session": self._hidden(fresh), "former": hidden, "renewed": now, "seen": now}
            with self.ledger.state.write() as connection:
                renewed = connection.execute(sessions.update().where(mine).values(values)).rowcount == 1
            # Of two pages asked for at the same moment the first renews; the other goes by the former name.
            return Session(row.account, self._sign(fresh) if renewed else "")
        if now - row.seen > SEEN_SECONDS:
            with self.ledger.state.write() as connection:
                connection.execute(sessions.update().where(mine).values(seen=now))
        return Session(row.account)

    def end(self, cookie: str) -> None:
        """End the session that a cookie names."""
        session = self.read(cookie)
        if session is None:
            return
        self._drop(self._hidden(self._unsign(session.cookie or cookie) or ""))
        self.ledger.append(Kind.SIGN_OUT, session.actor, session.actor)

    def _drop(self, hidden: str) -> None:
        sessions = table("sessions")
        named = (sessions.c.session == hidden) | (sessions.c.former == hidden)
        with self.ledger.state.write() as connection:
            connection.execute(sessions.delete().where(named))

    def _months(self) -> list[bytes]:
        """Keys that cookies may be signed with, the present one last, as itsdangerous wants them."""
        today = self.ledger.clock().date()
        last = today.replace(day=1) - dt.timedelta(days=1)
        names = [f"desk-cookies-{day:%Y-%m}" for day in (last, today)]
        older = [self.ledger.keyring.get(names[0])] if self.ledger.keyring.has(names[0]) else []
        return [*older, self.ledger.keyring.get(names[1])]

    def _signer(self) -> Any:
        from itsdangerous import TimestampSigner

        def sm3(content: bytes = b"") -> Any:
            return hashlib.new("sm3", content)

        return TimestampSigner(self._months(), salt="desk", key_derivation="hmac", digest_method=sm3)

    def _sign(self, name: str) -> str:
        signed: bytes = self._signer().sign(name)
        return signed.decode("ascii")

    def _unsign(self, cookie: str) -> str | None:
        from itsdangerous import BadData

        try:
            name: bytes = self._signer().unsign(cookie, max_age=LONGEST_SECONDS)
        except (BadData, ValueError):
            return None
        return name.decode("ascii", "replace")

    def _hidden(self, name: str) -> str:
        return keyed_hash(self.ledger.keyring.get("desk-hashes"), f"session|{name}")

    def _now(self) -> float:
        return self.ledger.clock().timestamp()
