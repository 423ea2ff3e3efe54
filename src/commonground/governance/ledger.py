"""The ledger: one append-only, HMAC-chained record of everything that was done with the city's data.

Each entry carries a code, the HMAC-SM3 of all that it says and of the entry before it, under a key that is not in
the database; so nobody who can write to the database can alter, insert, swap or remove an entry unnoticed. Every
other state of the city (who holds which role, which project runs, what was approved) is computed from the ledger.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import LedgerError, Said
from commonground.governance import guard
from commonground.governance.events import Kind
from commonground.governance.heads import Head, Heads
from commonground.governance.keys import KeyRing
from commonground.governance.state import State, table
from commonground.governance.verify import Verification, verify_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

GENESIS = "0" * 64
KEY = "ledger"
Clock = Callable[[], dt.datetime]


def office_time() -> dt.datetime:
    """Now, in the office's own time zone."""
    return dt.datetime.now().astimezone()


@dataclass(frozen=True)
class Entry:
    """One thing that was done.

    Attributes
    ----------
    seq : int
        Number in the ledger, from 1 without a gap.
    at : str
        When, ISO 8601 with microseconds and the office's offset from UTC.
    kind : Kind
        What was done.
    actor : str
        Who did it: ``local:<user of the machine>``, ``desk:<account>`` or ``system``.
    subject : str
        To what: a delivery, a version, a release, an account.
    detail : mapping
        Plain values; never anything about a person.
    previous, mac : str
        The code of the entry before, and this entry's own.
    """

    seq: int
    at: str
    kind: Kind
    actor: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    mac: str

    def to_dict(self) -> dict[str, Any]:
        """Give the entry as plain values."""
        return {**self.__dict__, "kind": str(self.kind), "detail": dict(self.detail)}


def code(
    key: bytes, algorithm: str, seq: int, at: str, kind: str, actor: str, subject: str, detail: str, previous: str
) -> str:
    """Compute an entry's code, such as ``sm3:9f3c…``, from all that it says and the code before it."""
    message = json.dumps([seq, at, kind, actor, subject, detail, previous], ensure_ascii=False, separators=(",", ":"))
    return f"{algorithm}:{hmac.digest(key, message.encode('utf-8'), algorithm).hex()}"


class Writer:
    """The one transaction that may append at the moment; made by ``Ledger.writing``.

    ``connection`` is open for changes of other state tables that must stand or fall with the entries.
    """

    def __init__(self, ledger: Ledger, connection: Connection) -> None:
        self.connection, self._ledger = connection, ledger
        self.made: list[Entry] = []
        rows = table("ledger")
        last = connection.execute(rows.select().order_by(rows.c.seq.desc()).limit(1)).first()
        self._seq, self._mac = (0, GENESIS) if last is None else (int(last.seq), str(last.mac))

    def append(self, kind: Kind | str, actor: str, subject: str = "", detail: Mapping[str, Any] | None = None) -> Entry:
        """Append an entry; it stands once the transaction ends."""
        kind = Kind(kind)
        for label, text, longest in (("actor", actor, 120), ("subject", subject, 400)):
            if len(text) > longest or "\x00" in text or (label == "actor" and not text):
                raise ValueError(f"not an {label}: {text[:40]!r}")
            guard.check(text, label)
        plain = dict(detail or {})
        guard.check(plain)
        text = guard.canonical(plain)
        at = self._ledger.clock().isoformat(timespec="microseconds")
        seq, previous = self._seq + 1, self._mac
        mac = self._ledger.code(seq, at, str(kind), actor, subject, text, previous)
        values = (seq, at, str(kind), actor, subject, text, previous, mac)
        columns = ("seq", "at", "kind", "actor", "subject", "detail", "previous", "mac")
        self.connection.execute(table("ledger").insert().values(dict(zip(columns, values, strict=True))))
        self._seq, self._mac = seq, mac
        entry = Entry(seq, at, kind, actor, subject, json.loads(text), previous, mac)
        self.made.append(entry)
        return entry

    def entries(self, kind: Kind | str | Iterable[Kind] | None = None, **limits: Any) -> list[Entry]:
        """Read entries, those of this transaction among them; see ``Ledger.entries``."""
        return [_entry(row) for row in self.connection.execute(_select(kind, **limits))]


class Ledger:
    """A city's ledger.

    Parameters
    ----------
    city : City
        Its ``state_url`` says where the ledger is, its key ring holds the ledger's key.

    Raises
    ------
    StorageError
        The database cannot be used, or the key is lost.
    """

    def __init__(self, city: City) -> None:
        self._set(city.state_url, KeyRing(city.settings.keys))

    @classmethod
    def open(cls, url: str, keyring: KeyRing, *, algorithm: str = "sm3", clock: Clock = office_time) -> Ledger:
        """Open the ledger at a database URL; ``algorithm`` is ``sm3``, or ``sha256`` outside China."""
        ledger = cls.__new__(cls)
        ledger._set(url, keyring, algorithm, clock)
        return ledger

    def _set(self, url: str, keyring: KeyRing, algorithm: str = "sm3", clock: Clock = office_time) -> None:
        if algorithm not in ("sm3", "sha256"):
            raise ValueError(f"not an algorithm of the ledger: {algorithm!r}")
        self.state, self.keyring, self.clock, self._algorithm = State(url), keyring, clock, algorithm
        with self.state.read() as connection:
            empty = connection.execute(table("ledger").select().limit(1)).first() is None
        # A lost key must be noticed: a new one in its place would let a forged ledger begin.
        self._key = keyring.get(KEY, make=empty)
        self._heads = Heads(keyring.folder / "ledger-heads", self._key, algorithm)

    def code(self, *values: Any) -> str:
        """Compute an entry's code under this ledger's key; see ``code``."""
        return code(self._key, self._algorithm, *values)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Keep other writers out while something is read, decided and appended, all or nothing."""
        with self.state.write() as connection:
            writer = Writer(self, connection)
            yield writer
            first = table("ledger").select().order_by(table("ledger").c.seq).limit(1)
            start = connection.execute(first).first() if writer.made else None
        if writer.made and start is not None:
            last = writer.made[-1]
            self._heads.advance(_identity(start.mac), last.at[:10], last.seq, last.mac)

    def append(self, kind: Kind | str, actor: str, subject: str = "", detail: Mapping[str, Any] | None = None) -> Entry:
        """Append one entry; on return it is on disk.

        Raises
        ------
        ValueError
            The kind is not in the closed list, or the detail holds personal data, a secret or no plain values.
        StorageError
            It could not be written.
        """
        with self.writing() as writer:
            return writer.append(kind, actor, subject, detail)

    def append_once(
        self, kind: Kind | str, actor: str, subject: str = "", detail: Mapping[str, Any] | None = None
    ) -> Entry:
        """Append an entry unless one of the same kind, subject and detail stands already; give that one then."""
        with self.writing() as writer:
            for entry in writer.entries(kind, subject=subject):
                if guard.canonical(entry.detail) == guard.canonical(detail or {}):
                    return entry
            return writer.append(kind, actor, subject, detail)

    def entries(
        self,
        kind: Kind | str | Iterable[Kind] | None = None,
        *,
        actor: str | None = None,
        subject: str | None = None,
        since: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Read entries in order.

        Parameters
        ----------
        kind : Kind or several, optional
            Only these kinds.
        actor, subject : str, optional
            Only by this actor, only about this subject.
        since : str, optional
            Only from this ISO time on, in the office's time zone.
        before : int, optional
            Only entries with a smaller number.
        limit : int, optional
            At most so many.
        newest_first : bool
            Newest first.
        """
        with self.state.read() as connection:
            chosen = _select(
                kind, actor=actor, subject=subject, since=since, before=before, limit=limit, newest_first=newest_first
            )
            return [_entry(row) for row in connection.execute(chosen)]

    def head(self, day: dt.date | None = None) -> Head | None:
        """Give the signed head that held at the end of ``day`` (by default: now), or None for an empty ledger."""
        with self.state.read() as connection:
            start = connection.execute(_select(None, limit=1)).first()
        on = (day or self.clock().date()).isoformat()
        return None if start is None else self._heads.on(_identity(start.mac), on if day else "9999-12-31")

    def verify(self, kept: Iterable[Head] = ()) -> Verification:
        """Check every code, every link and every head.

        Parameters
        ----------
        kept : iterable of Head
            Heads that were kept elsewhere, such as with releases; compared too.
        """
        rows = table("ledger")
        with self.state.read() as connection:
            found = connection.execution_options(yield_per=5000).execute(rows.select().order_by(rows.c.seq))
            checked = verify_rows(found, self._key, code, self._heads, tuple(kept), GENESIS)
            checked = checked if self.state.guards(connection) else checked.unguarded()
            return replace(checked, where=self.state.where)

    def close(self) -> None:
        """Give back the connections."""
        self.state.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _identity(first_mac: str) -> str:
    return first_mac.split(":")[-1][:16]


def _select(
    kind: Kind | str | Iterable[Kind] | None,
    *,
    actor: str | None = None,
    subject: str | None = None,
    since: str | None = None,
    before: int | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Select[Any]:
    rows = table("ledger")
    chosen = rows.select().order_by(rows.c.seq.desc() if newest_first else rows.c.seq)
    if kind is not None:
        kinds = [Kind(kind)] if isinstance(kind, str) else [Kind(k) for k in kind]
        chosen = chosen.where(rows.c.kind.in_([str(k) for k in kinds]))
    for column, wanted in ((rows.c.actor, actor), (rows.c.subject, subject)):
        if wanted is not None:
            chosen = chosen.where(column == wanted)
    if since is not None:
        chosen = chosen.where(rows.c.at >= since)
    if before is not None:
        chosen = chosen.where(rows.c.seq < before)
    return chosen if limit is None else chosen.limit(limit)


def _entry(row: Row[Any]) -> Entry:
    try:
        return Entry(
            row.seq, row.at, Kind(row.kind), row.actor, row.subject, json.loads(row.detail), row.previous, row.mac
        )
    except ValueError as error:
        raise LedgerError(
            Said("台账中有无法识别的条目。", "An entry of the ledger cannot be understood."),
            where=f"#{row.seq}",
            why=Said(str(error), str(error)),
            todo=Said("请校验台账；程序版本过旧时请升级。", "Verify the ledger; update CommonGround if it is old."),
        ) from error
