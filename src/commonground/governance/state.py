"""Where shared state lives: one SQLite file, or one schema of a PostgreSQL database, through SQLAlchemy Core.

``State.write`` lets one writer in at a time, in every process and on every machine that shares the database, so that
whoever reads and then writes inside it acts on what is true. Readers are never held up.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import EngineError, Said, StorageError
from commonground.files import storage_errors

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, MetaData, Table

WAIT_SECONDS = 60
"""How long a writer waits for another before it gives up."""


@cache
def _metadata() -> MetaData:
    from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

    metadata = MetaData()
    Table(
        "ledger",
        metadata,
        Column("seq", Integer, primary_key=True, autoincrement=False),
        Column("at", String(40), nullable=False),
        Column("kind", String(40), nullable=False, index=True),
        Column("actor", String(120), nullable=False),
        Column("subject", String(400), nullable=False, index=True),
        Column("detail", Text, nullable=False),
        Column("previous", String(80), nullable=False, unique=True),
        Column("mac", String(80), nullable=False, unique=True),
    )
    # What must not stand in an append-only record: hashes of passwords, sealed second factors, open sessions.
    Table(
        "accounts",
        metadata,
        Column("account", String(40), primary_key=True),
        Column("password", Text),
        Column("factor", Text),
        Column("factor_step", Integer, nullable=False, default=0),
    )
    Table(
        "invitations",
        metadata,
        Column("code", String(64), primary_key=True),
        Column("account", String(40), nullable=False, index=True),
        Column("expires", Float, nullable=False),
    )
    Table(
        "sessions",
        metadata,
        Column("session", String(64), primary_key=True),
        Column("former", String(64), index=True),
        Column("account", String(40), nullable=False, index=True),
        Column("begun", Float, nullable=False),
        Column("renewed", Float, nullable=False),
        Column("seen", Float, nullable=False),
    )
    return metadata


def table(name: str) -> Table:
    """Give one of the state tables: ``ledger``, ``accounts``, ``invitations`` or ``sessions``."""
    return _metadata().tables[name]


_SQLITE_GUARDS = {
    "ledger_no_update": "BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "ledger_no_delete": "BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    # INSERT OR REPLACE deletes without firing the trigger above, so that an insert may only follow the last entry.
    "ledger_follows": """BEFORE INSERT ON ledger
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
          OR EXISTS (SELECT 1 FROM ledger WHERE mac = NEW.mac OR previous = NEW.previous)
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
}
_POSTGRES_FUNCTION = """CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"""
_POSTGRES_GUARDS = {
    "ledger_no_change": "BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
    "ledger_no_truncate": "BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
}


class State:
    """The database of shared state, made on first use.

    Parameters
    ----------
    url : str
        Such as ``sqlite:///…/ledger.db`` or ``postgresql+pg8000://user@host/database?schema=qianshan``. A password
        that should not stand in city.toml is taken from the variable ``COMMONGROUND_STATE_PASSWORD``.

    Raises
    ------
    EngineError
        The database driver is not installed, or the URL names another database.
    StorageError
        The database cannot be reached, opened or written.
    """

    def __init__(self, url: str) -> None:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise _unknown(url) from error
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if not self.sqlite and parsed.drivername != "postgresql+pg8000":
            raise _unknown(parsed.render_as_string(hide_password=True))
        self.where = parsed.render_as_string(hide_password=True)
        self.schema = str(parsed.query.get("schema", "public"))
        self._engine = _sqlite(parsed) if self.sqlite else _postgres(parsed, self.schema)
        self._prepare()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection that sees one state throughout."""
        with self._errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one transaction that may write at a time; committed at the end, rolled back on any error."""
        with self._errors(), self._engine.connect() as plain:
            connection = plain.execution_options(writer=True)
            with connection.begin():
                if not self.sqlite:
                    digest = hashlib.sha256(f"commonground|{self.schema}".encode()).digest()
                    number = int.from_bytes(digest[:8], "big", signed=True)
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
                yield connection

    def guards(self, connection: Connection) -> bool:
        """Tell whether the triggers that refuse changes of the ledger are in place."""
        wanted = set(_SQLITE_GUARDS if self.sqlite else _POSTGRES_GUARDS)
        sql = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'"
            if self.sqlite
            else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger'::regclass AND tgenabled <> 'D'"
        )
        return wanted <= {str(row[0]) for row in connection.exec_driver_sql(sql)}

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _prepare(self) -> None:
        from sqlalchemy import inspect

        with self._errors(), self._engine.connect() as connection:
            missing = set(_metadata().tables) - set(inspect(connection).get_table_names())
        if not missing:
            return  # guards that someone took away are not put back silently: verify reports them
        with self.write() as connection:
            known = set(inspect(connection).get_table_names())
            _metadata().create_all(connection)
            if "ledger" in known:
                return
            if not self.sqlite:
                connection.exec_driver_sql(_POSTGRES_FUNCTION)
            for name, rule in (_SQLITE_GUARDS if self.sqlite else _POSTGRES_GUARDS).items():
                connection.exec_driver_sql(f"CREATE TRIGGER {name} {rule}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

        try:
            yield
        except DatabaseError as error:
            # IntegrityError and ProgrammingError would be our own defects and keep their traceback.
            if not isinstance(error, OperationalError) and type(error) is not DatabaseError:
                raise
            raise self._unusable(error.orig) from error
        except InterfaceError as error:
            raise self._unusable(error.orig) from error

    def _unusable(self, cause: object) -> StorageError:
        return StorageError(
            Said("台账数据库无法使用。", "The ledger's database cannot be used."),
            where=self.where,
            why=Said(str(cause), str(cause)),
            todo=Said(
                "检查 city.toml 的 [city] state、数据库服务、磁盘空间和文件权限；文件损坏时请从备份恢复。",
                "Check state under [city] in city.toml, the database server, disk space and file permissions; "
                "restore a damaged file from its backup.",
            ),
        )


def _unknown(url: str) -> EngineError:
    return EngineError(
        Said("state 的数据库类型不受支持。", "This kind of database is not supported for state."),
        where=url,
        todo=Said(
            "写成 sqlite:///路径，或 postgresql+pg8000://用户@主机/库名?schema=名称。",
            "Write sqlite:///path, or postgresql+pg8000://user@host/database?schema=name.",
        ),
    )


def _sqlite(url: URL) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    path = Path(url.database or "")
    if not url.database or url.database == ":memory:":
        raise _unknown(str(url))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA recursive_triggers = ON")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writer = connection.get_execution_options().get("writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Turn on write-ahead logging; SQLite does not wait by itself when others are opening the file just now."""
    import sqlite3

    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _postgres(url: URL, schema: str) -> Engine:
    from sqlalchemy import create_engine, event

    if not schema.isidentifier() or not schema.isascii():
        raise _unknown(url.render_as_string(hide_password=True))
    if url.password is None and os.environ.get("COMMONGROUND_STATE_PASSWORD"):
        url = url.set(password=os.environ["COMMONGROUND_STATE_PASSWORD"])
    try:
        engine = create_engine(url.difference_update_query(["schema"]), pool_size=2, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise EngineError(
            Said("没有安装 PostgreSQL 的驱动程序。", "The driver for PostgreSQL is not installed."),
            where=str(error.name),
            todo=Said("运行 pip install 'commonground[postgres]'。", "Run pip install 'commonground[postgres]'."),
        ) from error

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if schema != "public":
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        cursor.execute(f'SET search_path TO "{schema}"')
        connection.commit()

    return engine
