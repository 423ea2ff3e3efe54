"""Accounts of the desk: invited by an administrator, opened with a code that works once, never a default password.

The ledger says which accounts exist, who invited and who closed them, and how often sign-in failed; the tables beside
it hold only what may not stand in an append-only record: hashed passwords and sealed second factors.
"""

from __future__ import annotations

import base64
import re
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonground.city import City
from commonground.errors import AccessError, Said
from commonground.governance.events import Kind
from commonground.governance.keys import keyed_hash
from commonground.governance.ledger import Ledger
from commonground.governance.passwords import (
    COST,
    check_factor,
    check_password,
    hash_password,
    new_factor,
    require_strong,
)
from commonground.governance.roles import Permission, Role, Roles
from commonground.governance.state import table
from commonground.governance.vault import seal, unseal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

INVITATION_DAYS = 7
WINDOW_SECONDS = 15 * 60
"""Failures this recent count."""
FROM_ONE_PLACE, FROM_ALL_PLACES, BY_ONE_PLACE = 5, 20, 30
"""Failures allowed in the window: on one account from one place, on one account, from one place on all accounts."""
_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misread


@dataclass(frozen=True)
class Account:
    """An account of the desk, computed from the ledger: its name, and whether it is invited, open or closed."""

    account: str
    status: str

    @property
    def actor(self) -> str:
        """The account's name as an actor in the ledger."""
        return f"desk:{self.account}"


class Accounts:
    """The desk's accounts.

    Parameters
    ----------
    city : City
        Whose desk.
    ledger : Ledger
        The city's ledger.
    cost : int
        log2 of scrypt's N; only tests make it smaller.
    """

    def __init__(self, city: City, ledger: Ledger, *, cost: int = COST) -> None:
        self.city, self.ledger, self.roles, self._cost = city, ledger, Roles(ledger), cost
        self._one_guess = threading.Lock()
        self._nobody = hash_password(secrets.token_hex(16), cost=cost)

    def invite(self, account: str, role: Role | str | None = None, *, actor: str) -> str:
        """Invite somebody, or again whoever has forgotten the password; give the code that works once, for a week.

        Raises
        ------
        AccessError
            ``actor`` may not keep accounts, or may not grant ``role``.
        """
        if not _ACCOUNT.fullmatch(account):
            raise AccessError(
                Said("账号写法不对。", "This cannot be an account's name."),
                where=account,
                todo=Said(
                    "用小写字母开头，2 至 32 个小写字母、数字、点、横线。",
                    "Begin with a small letter; 2 to 32 small letters, digits, dots and hyphens.",
                ),
            )
        self.roles.require(actor, Permission.MANAGE_ACCOUNTS)
        who = f"desk:{account}"
        if role is not None and Role(role) not in self.roles.of(who):
            self.roles.grant(who, role, by=actor)
        code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
        invitations = table("invitations")
        with self.ledger.writing() as writer:
            writer.connection.execute(invitations.delete().where(invitations.c.account == account))
            expires = self._now() + INVITATION_DAYS * 86400
            values = {"code": self._hidden(_plain(code)), "account": account, "expires": expires}
            writer.connection.execute(invitations.insert().values(values))
            writer.append(Kind.ACCOUNT_INVITED, actor, who)
        return code

    def open(self, code: str, account: str, password: str, *, place: str = "") -> Account:
        """Use an invitation: set the password. The code works once, the old password and second factor no more.

        Raises
        ------
        AccessError
            The code is wrong, used or too old, too many were tried, or the password is too weak.
        """
        account = account.strip().lower()
        self._limit(account, place)
        invitations, accounts = table("invitations"), table("accounts")
        require_strong(password, account)
        stored = hash_password(password, cost=self._cost)
        with self.ledger.writing() as writer:
            chosen = invitations.select().where(invitations.c.code == self._hidden(_plain(code)))
            row = writer.connection.execute(chosen).first()
            good = row is not None and row.account == account and row.expires > self._now()
            if good:
                writer.connection.execute(invitations.delete().where(invitations.c.account == account))
                writer.connection.execute(accounts.delete().where(accounts.c.account == account))
                values = {"account": account, "password": stored, "factor": None, "factor_step": 0}
                writer.connection.execute(accounts.insert().values(values))
                _end_sessions(writer.connection, account)
                writer.append(Kind.ACCOUNT_OPENED, f"desk:{account}", f"desk:{account}")
        if not good:
            self._refuse(account, place)
            raise _wrong(
                Said("邀请码或账号不对，或者已经过期。", "The code or the account is wrong, or the code is too old.")
            )
        return Account(account, "open")

    def close(self, account: str, *, actor: str) -> None:
        """Close an account at once: its sessions end and its password is forgotten."""
        self.roles.require(actor, Permission.MANAGE_ACCOUNTS)
        accounts, invitations = table("accounts"), table("invitations")
        with self.ledger.writing() as writer:
            writer.connection.execute(accounts.delete().where(accounts.c.account == account))
            writer.connection.execute(invitations.delete().where(invitations.c.account == account))
            _end_sessions(writer.connection, account)
            writer.append(Kind.ACCOUNT_CLOSED, actor, f"desk:{account}")

    def check(self, account: str, password: str, factor: str = "", *, place: str = "") -> Account:
        """Check account, password and, where one is set, the second factor; a failure is recorded and counted.

        One guess at a time in a process: so the count is exact, and memory for scrypt is bounded.

        Raises
        ------
        AccessError
            Something is wrong (which of them is not told), or there were too many failures.
        """
        account = account.strip().lower()
        with self._one_guess:
            self._limit(account, place)
            row = self._row(account)
            stored = row.password if row is not None and row.password else self._nobody
            good = check_password(password, stored) and row is not None
            step = None
            if row is not None and row.factor:
                step = check_factor(self._unsealed(row), factor, self._now(), row.factor_step)
                good = good and step is not None
            good = good and (step is None or self._use(account, step))
            if not good:
                self._refuse(account, place)
                raise _wrong(Said("账号、密码或验证码不对。", "The account, password or code is wrong."))
        return Account(account, "open")

    def change_password(self, account: str, old: str, new: str, *, place: str = "") -> None:
        """Change one's own password; every session ends."""
        self._limit(account, place)
        row = self._row(account)
        if row is None or not check_password(old, row.password):
            self._refuse(account, place)
            raise _wrong(Said("原密码不对。", "The old password is wrong."))
        require_strong(new, account)
        accounts = table("accounts")
        stored = hash_password(new, cost=self._cost)
        with self.ledger.writing() as writer:
            writer.connection.execute(accounts.update().where(accounts.c.account == account).values(password=stored))
            _end_sessions(writer.connection, account)
            writer.append(Kind.PASSWORD_CHANGED, f"desk:{account}", f"desk:{account}")

    def has_factor(self, account: str) -> bool:
        """Tell whether an account has a second factor."""
        row = self._row(account)
        return row is not None and bool(row.factor)

    def begin_factor(self) -> str:
        """Make a secret to be shown once; it counts only after ``set_factor``."""
        return new_factor()

    def set_factor(self, account: str, secret: str, factor: str) -> bool:
        """Set the second factor when ``factor`` is the secret's present code; give whether it was."""
        if self.has_factor(account) or len(secret) < 32:
            return False  # one that is set goes only with a new invitation
        step = check_factor(secret, factor, self._now(), 0)
        if step is None:
            return False
        sealed = base64.b64encode(seal(self._key("desk-factors"), account, secret.encode())).decode()
        accounts = table("accounts")
        with self.ledger.writing() as writer:
            changed = accounts.update().where(accounts.c.account == account).values(factor=sealed, factor_step=step)
            writer.connection.execute(changed)
            writer.append(Kind.SECOND_FACTOR_SET, f"desk:{account}", f"desk:{account}")
        return True

    def all(self) -> list[Account]:
        """Every account, computed from the ledger."""
        status = {Kind.ACCOUNT_INVITED: "invited", Kind.ACCOUNT_OPENED: "open", Kind.ACCOUNT_CLOSED: "closed"}
        found: dict[str, str] = {}
        for entry in self.ledger.entries(status):
            name = entry.subject.removeprefix("desk:")
            if not (entry.kind == Kind.ACCOUNT_INVITED and found.get(name) == "open"):
                found[name] = status[entry.kind]
        return [Account(name, state) for name, state in sorted(found.items())]

    def _limit(self, account: str, place: str) -> None:
        """Refuse without a new entry while there are too many failures: the ledger must not grow by guessing."""
        from datetime import timedelta

        since = (self.ledger.clock() - timedelta(seconds=WINDOW_SECONDS)).isoformat(timespec="microseconds")
        failed = self.ledger.entries(Kind.SIGN_IN_REFUSED, since=since)
        here = self._hidden(place)
        on_account = [e for e in failed if e.subject == self._subject(account)]
        from_here = [e for e in failed if e.detail.get("place") == here]
        both = [e for e in on_account if e.detail.get("place") == here]
        if len(both) >= FROM_ONE_PLACE or len(on_account) >= FROM_ALL_PLACES or len(from_here) >= BY_ONE_PLACE:
            raise AccessError(
                Said("失败次数过多，暂时不能登录。", "Too many failures; signing in is closed for a while."),
                todo=Said(
                    f"请 {WINDOW_SECONDS // 60} 分钟后再试；忘记密码请找系统管理员重新邀请。",
                    f"Try again in {WINDOW_SECONDS // 60} minutes; if you have forgotten your password, "
                    "ask the system administrator for a new invitation.",
                ),
            )

    def _refuse(self, account: str, place: str) -> None:
        detail = {"place": self._hidden(place)}
        self.ledger.append(Kind.SIGN_IN_REFUSED, "desk", self._subject(account), detail)

    def _subject(self, account: str) -> str:
        # What is typed into the field may be a password or a name: only accounts that exist are written out.
        known = _ACCOUNT.fullmatch(account) and self._row(account) is not None
        return f"desk:{account}" if known else f"unknown:{self._hidden(account)}"

    def _row(self, account: str) -> Row[tuple[object, ...]] | None:
        accounts = table("accounts")
        with self.ledger.state.read() as connection:
            return connection.execute(accounts.select().where(accounts.c.account == account)).first()

    def _use(self, account: str, step: int) -> bool:
        accounts = table("accounts")
        newer = (accounts.c.account == account) & (accounts.c.factor_step < step)
        with self.ledger.state.write() as connection:
            return connection.execute(accounts.update().where(newer).values(factor_step=step)).rowcount == 1

    def _unsealed(self, row: Row[tuple[object, ...]]) -> str:
        return unseal(self._key("desk-factors"), row.account, base64.b64decode(row.factor)).decode()

    def _key(self, name: str) -> bytes:
        return self.ledger.keyring.get(name)

    def _hidden(self, text: str) -> str:
        return keyed_hash(self._key("desk-hashes"), text)

    def _now(self) -> float:
        return self.ledger.clock().timestamp()


def _plain(code: str) -> str:
    """Read a typed code: capitals, without hyphens and spaces, look-alikes as what they stand for."""
    typed = "".join(c for c in code.upper() if c.isalnum())
    return typed.translate(str.maketrans("OIL", "011"))


def _end_sessions(connection: Connection, account: str) -> None:
    sessions = table("sessions")
    connection.execute(sessions.delete().where(sessions.c.account == account))


def _wrong(what: Said) -> AccessError:
    return AccessError(what, todo=Said("请核对后再试。", "Check and try again."))
