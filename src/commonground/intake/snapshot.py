"""One consistent, read-only look at a PostgreSQL, MySQL or MariaDB database, streamed through a server-side cursor."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from commonground.errors import CommonGroundError, ContractError, DeliveryError, EngineError, Said, did_you_mean
from commonground.intake.database import DRIVERS, Database

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

# Types by the number that the driver gives: PostgreSQL's OIDs, MySQL's field types (PEP 249 leaves both to the driver).
_POSTGRES = {16: "boolean", 20: "integer", 21: "integer", 23: "integer", 26: "integer", 700: "number", 701: "number"}
_MYSQL = {1: "integer", 2: "integer", 3: "integer", 8: "integer", 9: "integer", 13: "integer", 4: "number", 5: "number"}
# What a message may quote of the server's own words: those that name a table or column, never those that quote a cell.
_NAMES = {"42P01", "42703", "42601", "3F000", "42501", 1046, 1049, 1054, 1064, 1142, 1146}


@dataclass(frozen=True)
class Column:
    """A column as the database has it; ``kind`` is ``integer``, ``number``, ``boolean`` or ``text``."""

    name: str
    kind: str
    type: str
    comment: str


class Snapshot:
    """A connection within one transaction that sees the database as it stood when it began, and cannot write.

    Parameters
    ----------
    database : Database
        Which server; every table of it may then be read.
    where : str
        The contract, for messages.

    Raises
    ------
    EngineError
        The driver is not installed.
    ContractError
        The password's variable is not set.
    DeliveryError
        The server does not answer or refuses the account.
    """

    def __init__(self, database: Database, where: str) -> None:
        from sqlalchemy import create_engine, make_url
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError

        self.where = f"{where} [database]"
        try:
            url = make_url(database.url)
        except ArgumentError:
            raise _bad_url(self.where) from None
        self.shown = url.render_as_string(hide_password=True)
        url = url.set(drivername=DRIVERS[url.drivername])
        self.postgres = url.get_backend_name() == "postgresql"
        if database.password_env:
            url = url.set(password=_password(database.password_env, self.where))
        if not self.postgres:
            url = url.update_query_dict({"charset": "utf8mb4"})
        try:
            self._engine = create_engine(url, connect_args={"timeout" if self.postgres else "connect_timeout": 20})
            self.connection: Connection = self._engine.connect()
        except ModuleNotFoundError as fault:
            raise _no_driver(str(fault.name), self.postgres) from None
        except (SQLAlchemyError, OSError) as fault:
            raise self._broken(fault, connecting=True) from None
        self.server = ""
        self.zone: dt.tzinfo = dt.UTC

    def __enter__(self) -> Snapshot:
        from sqlalchemy.exc import SQLAlchemyError

        execute = self.connection.exec_driver_sql
        try:
            if self.postgres:
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                self.server = f"PostgreSQL {execute('SHOW server_version').scalar()}"
                self.zone = _zone(str(execute("SHOW timezone").scalar()))
            else:
                self.connection.rollback()
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                version = str(execute("SELECT version()").scalar())
                self.server = version if "MariaDB" in version else f"MySQL {version}"
        except SQLAlchemyError as fault:
            raise self._broken(fault) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.connection.close()
        self._engine.dispose()

    def statement(self, database: Database) -> str:
        """Give the SELECT that a fetch runs."""
        if database.query:
            base = database.query
            inner = f"SELECT * FROM ({base}) AS fetched" if database.key else base
        else:
            inner = f"SELECT * FROM {'.'.join(self._quoted(part) for part in database.table.split('.'))}"
        order = ", ".join(self._quoted(name) for name in database.key)
        return f"{inner} ORDER BY {order}" if order else inner

    def read(
        self, database: Database, where: str, batch: int
    ) -> tuple[list[Column], Iterator[Sequence[Sequence[Any]]]]:
        """Run a fetch's SELECT.

        Returns
        -------
        columns : list of Column
        batches : iterator
            Of at most ``batch`` rows each; only one is in memory.

        Raises
        ------
        ContractError
            The table or a key column is not there.
        DeliveryError
            The server breaks off.
        """
        from sqlalchemy.exc import SQLAlchemyError

        self.where = f"{where} [database]"
        try:
            described = self._described(database) if database.table else {}
            self._check_key(database, described)
            streaming = self.connection.execution_options(stream_results=True, yield_per=batch)
            statement = self.statement(database)
            # PyMySQL fills in parameters by "%" even when there are none
            result = streaming.exec_driver_sql(statement if self.postgres else statement.replace("%", "%%"))
            kinds = _POSTGRES if self.postgres else _MYSQL
            assert result.cursor is not None
            codes = {str(one[0]): int(str(one[1])) for one in result.cursor.description or ()}
        except SQLAlchemyError as fault:
            raise self._broken(fault) from None
        columns = []
        for name in list(result.keys()):
            kind, (words, comment) = kinds.get(codes.get(name, 0), "text"), described.get(name, ("", ""))
            if kind == "integer" and "unsigned" in words and words.startswith("bigint"):
                kind = "text"  # its upper half does not fit into 64 bits with a sign
            columns.append(Column(name, kind, words or kind, comment))
        return columns, self._batches(result, batch)

    def _batches(self, result: CursorResult[Any], batch: int) -> Iterator[Sequence[Sequence[Any]]]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield from result.partitions(batch)
        except (SQLAlchemyError, OSError) as fault:
            raise self._broken(fault) from None
        finally:
            result.close()

    def _quoted(self, name: str) -> str:
        return self._engine.dialect.identifier_preparer.quote_identifier(name).replace("%%", "%")

    def _described(self, database: Database) -> dict[str, tuple[str, str]]:
        """Type and comment of each column of a table; empty for a view whose description the account may not see."""
        execute = self.connection.exec_driver_sql
        schema, _, table = database.table.rpartition(".")
        if self.postgres:
            regclass = ".".join(self._quoted(part) for part in database.table.split("."))
            rows = execute(
                "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute "
                "WHERE attrelid = CAST(%s AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (regclass,),
            )
        else:
            rows = execute(
                "SELECT column_name, column_type, column_comment FROM information_schema.columns "
                "WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s ORDER BY ordinal_position",
                (schema or None, table),
            )
        return {str(name): (str(words), str(comment or "")) for name, words, comment in rows}

    def _check_key(self, database: Database, described: dict[str, tuple[str, str]]) -> None:
        for name in database.key:
            if described and name not in described:
                raise ContractError(
                    Said(f"表里没有 key 所写的列“{name}”。", f"The table has no column “{name}”, which key names."),
                    where=f"{self.where} key",
                    todo=did_you_mean(name, described),
                )

    def _broken(self, fault: BaseException, *, connecting: bool = False) -> CommonGroundError:
        """Put a server's refusal into words; what it says is quoted only where it cannot quote a cell."""
        original: Any = getattr(fault, "orig", None) or fault
        first = original.args[0] if original.args else ""
        code = first.get("C", "") if isinstance(first, dict) else first
        words = str(first.get("M", "")) if isinstance(first, dict) else " ".join(map(str, original.args[1:]))
        if connecting:
            return DeliveryError(
                Said("连不上数据库。", "The database cannot be reached."),
                where=f"{self.where} {self.shown}",
                why=Said(f"{code} {words}".strip()[:200], f"{code} {words}".strip()[:200]),
                todo=Said(
                    "请核对地址、账号和密码变量，并确认网络允许访问。",
                    "Check address, account and the password's variable, and that the network lets you through.",
                ),
            )
        if code in _NAMES:
            return ContractError(
                Said(
                    "数据库里没有约定所写的表或列，或账号无权读取。",
                    "The table or column is not there, or the account may not read it.",
                ),
                where=self.where,
                why=Said(f"{code} {words}"[:200], f"{code} {words}"[:200]),
                todo=Said(
                    "请核对 table、query 和 key，或请对方授予只读权限。",
                    "Check table, query and key, or ask for the right to read.",
                ),
            )
        return DeliveryError(
            Said("数据库中途停止了应答，没有留下不完整的交付。", "The database broke off; no half delivery was kept."),
            where=f"{self.where} {self.shown}",
            why=Said(f"错误号 {code or type(original).__name__}", f"error {code or type(original).__name__}"),
            todo=Said(
                "请再运行一次；仍不行时请对方管理员查看。",
                "Run it again; if it fails again, ask the department's administrator.",
            ),
        )


def _zone(name: str) -> dt.tzinfo:
    """Give the department's own time zone: the driver hands moments over in UTC, hours before its midnight."""
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return dt.UTC


def _password(name: str, where: str) -> str:
    found = os.environ.get(name)
    if found is None:
        raise ContractError(
            Said(f"没有给出环境变量 {name}。", f"The environment variable {name} is not set."),
            where=f"{where} password_env",
            why=Said(
                "数据库密码由它给出，不写在约定里。", "It gives the database's password, which no contract holds."
            ),
            todo=Said(f"运行前先设置 {name}。", f"Set {name} before running."),
        )
    return found


def _no_driver(name: str, postgres: bool) -> EngineError:
    extra = "postgres" if postgres else "mysql"
    return EngineError(
        Said("没有安装这种数据库的驱动程序。", "The driver for this database is not installed."),
        where=name,
        todo=Said(f"运行 pip install 'commonground[{extra}]'。", f"Run pip install 'commonground[{extra}]'."),
    )


def _bad_url(where: str) -> ContractError:
    return ContractError(
        Said("数据库地址写得不对。", "The database's url is not well formed."),
        where=f"{where} url",
        todo=Said("例如 postgresql://账号@主机/库名。", "Such as postgresql://account@host/database."),
    )
