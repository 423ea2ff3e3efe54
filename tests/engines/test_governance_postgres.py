"""The ledger on PostgreSQL: the same chain, the same refusals, the same accounts as on SQLite.

Uses ``COMMONGROUND_POSTGRES`` or ``postgresql+pg8000://postgres@127.0.0.1/test``; each run makes a schema of its own
and removes it.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonground.city import City
from commonground.errors import AccessError, StorageError
from commonground.governance import Accounts, KeyRing, Ledger, Roles, Sessions
from commonground.governance.verify import FaultKind
from governance_kit import make_city

SERVER = os.environ.get("COMMONGROUND_POSTGRES", "postgresql+pg8000://postgres@127.0.0.1/test")


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """A schema of our own; the tests are skipped by name where no server answers."""
    pytest.importorskip("pg8000", reason="pg8000 is not installed: pip install 'commonground[postgres]'")
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    schema = f"cg_test_{secrets.token_hex(5)}"
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    except DBAPIError as error:
        pytest.skip(f"no PostgreSQL at {SERVER} (COMMONGROUND_POSTGRES): {str(error.orig)[:80]}")
    engine.dispose()
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    yield engine, schema
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def city(tmp_path: Path, database: Any) -> Iterator[City]:
    """A city whose state is in the schema; its tables are dropped afterwards."""
    engine, schema = database
    made = make_city(tmp_path / "city")
    toml = (made.path / "city.toml").read_text() + f'state = "{SERVER}?schema={schema}"\n'
    (made.path / "city.toml").write_text(toml)
    yield City(made.path)
    with engine.connect() as connection:
        for table in ("ledger", "accounts", "invitations", "sessions"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema}.{table}")


def test_one_chain_kept_by_many_writers(city: City) -> None:
    with Ledger(city) as first:
        first.append("build", "local:chen", "版本 0", {"说明": "“引号” ' \\ | \n"})

    def write(who: int) -> None:
        with Ledger(city) as ledger:
            for number in range(8):
                ledger.append("build", f"local:writer{who}", f"version {number}", {"version": number})

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Ledger(city) as ledger:
        checked = ledger.verify().require()
        assert checked.entries == 33
        assert checked.head is not None
        assert checked.head.seq == 33
        assert ledger.entries(limit=1)[0].detail == {"说明": "“引号” ' \\ | \n"}
        assert len(ledger.entries("build", actor="local:writer2", newest_first=True)) == 8
    assert not (city.path / "ledger.db").exists()


def test_the_database_refuses_changes_and_damage_is_found(city: City, database: Any) -> None:
    from sqlalchemy.exc import DBAPIError

    engine, schema = database
    with Ledger(city) as ledger:
        for number in range(4):
            ledger.append("build", "local:chen", f"version {number}")
    with engine.connect() as connection:
        for statement in (
            f"UPDATE {schema}.ledger SET actor = 'local:li' WHERE seq = 2",
            f"DELETE FROM {schema}.ledger WHERE seq = 4",
            f"TRUNCATE {schema}.ledger",
            f"INSERT INTO {schema}.ledger SELECT * FROM {schema}.ledger WHERE seq = 2 "
            "ON CONFLICT (seq) DO UPDATE SET actor = 'local:li'",
        ):
            with pytest.raises(DBAPIError, match="append-only"):
                connection.exec_driver_sql(statement)
        with Ledger(city) as ledger:
            assert ledger.verify().ok
        connection.exec_driver_sql(f"ALTER TABLE {schema}.ledger DISABLE TRIGGER ledger_no_change")
        connection.exec_driver_sql(f"UPDATE {schema}.ledger SET actor = 'local:li' WHERE seq = 2")
        connection.exec_driver_sql(f"DELETE FROM {schema}.ledger WHERE seq = 4")
    with Ledger(city) as ledger:
        faults = {(f.kind, f.seq) for f in ledger.verify().faults}
    assert faults == {(FaultKind.ALTERED, 2), (FaultKind.TRUNCATED, 4), (FaultKind.UNGUARDED, 0)}


def test_roles_accounts_and_sessions_work_there_too(city: City) -> None:
    with Ledger(city) as ledger:
        Roles(ledger).begin("local:chen")
        accounts = Accounts(city, ledger, cost=4)
        code = accounts.invite("li.wei", "official", actor="local:chen")
        accounts.open(code, "li.wei", "three blue gates 7")
        with pytest.raises(AccessError):
            accounts.check("li.wei", "wrong")
        accounts.check("li.wei", "three blue gates 7")
        session = Sessions(ledger).begin("li.wei")
        read = Sessions(ledger).read(session.cookie)
        assert read is not None
        assert read.account == "li.wei"
        Sessions(ledger).end(session.cookie)
        assert Sessions(ledger).read(session.cookie) is None
        assert ledger.verify().ok


def test_a_server_that_does_not_answer_is_a_message(tmp_path: Path) -> None:
    pytest.importorskip("pg8000")
    with pytest.raises(StorageError) as caught:
        Ledger.open("postgresql+pg8000://postgres:hidden@127.0.0.1:9/test", KeyRing(tmp_path))
    assert "hidden" not in caught.value.message("en")
    assert caught.value.todo is not None
