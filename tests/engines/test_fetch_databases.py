"""Live tables of PostgreSQL, MySQL and MariaDB become deliveries: same rows, one snapshot, a hash that knows content.

Uses ``COMMONGROUND_POSTGRES`` and ``COMMONGROUND_MYSQL`` or the servers on this machine; each run makes a schema or
database of its own and removes it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from commonground import jobs
from commonground.errors import ContractError, DeliveryError
from commonground.governance import Ledger
from commonground.intake import run
from commonground.intake.database import Database
from commonground.intake.fetch import _plain
from commonground.intake.snapshot import Snapshot
from intake_kit import Town, column

ID_A, ID_B = "52990120120101123X", "529902201102033464"
POSTGRES = os.environ.get("COMMONGROUND_POSTGRES", "postgresql+pg8000://postgres@127.0.0.1/test")
MYSQL = os.environ.get("COMMONGROUND_MYSQL", "mysql+pymysql://root@127.0.0.1/")
COLUMNS = (
    column("xm", "name"),
    column("sfzh", "id_no"),
    column("xb", "sex"),
    column("csrq", "birth"),
    column("zf", "weight"),
)


@dataclass
class Server:
    url: str
    table: str
    execute: Callable[[str], None]


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A schema or database of our own; skipped by name where no server answers."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import DBAPIError

    postgres = request.param == "postgresql"
    pytest.importorskip("pg8000" if postgres else "pymysql", reason=f"no driver: commonground[{request.param}]")
    given = POSTGRES if postgres else MYSQL
    engine = create_engine(given, isolation_level="AUTOCOMMIT")
    place = f"cg_test_{secrets.token_hex(5)}"
    try:
        connection = engine.connect()
    except DBAPIError as error:
        pytest.skip(f"no {request.param} at {make_url(given).host}: {str(error.orig)[:80]}")
    with connection:
        connection.exec_driver_sql(f"CREATE {'SCHEMA' if postgres else 'DATABASE'} {place}")
        url = make_url(given).set(drivername=request.param)
        url = url if postgres else url.set(database=place)
        table = f"{place}.pupils" if postgres else "pupils"

        def execute(statement: str) -> None:
            connection.exec_driver_sql(statement.replace("TABLE_", f"{place}.pupils").replace("%", "%%"))

        yield Server(url.render_as_string(hide_password=False), table, execute)
        connection.exec_driver_sql(f"DROP {'SCHEMA' if postgres else 'DATABASE'} {place} {'CASCADE' * postgres}")
    engine.dispose()


@pytest.fixture
def pupils(server: Server) -> Iterator[Server]:
    server.execute(
        "CREATE TABLE TABLE_ (bh bigint primary key, xm varchar(40), sfzh char(18), xb int, csrq date, zf numeric(6,2))"
    )
    rows = f"(1, '王小明', '{ID_A}', 1, '2012-01-01', 32.50), (2, '𠮷野', '{ID_B}', 2, '2011-02-03', NULL)"
    server.execute(f"INSERT INTO TABLE_ VALUES {rows}")
    yield server
    server.execute("DROP TABLE TABLE_")


def contract(town: Town, server: Server, *lines: str) -> None:
    what = lines or (f'table = "{server.table}"', 'key = ["bh"]')
    database = "\n".join(["\n[database]", f'url = "{server.url}"', *what, ""])
    number = '\n[[column]]\nsource = "bh"\nignore = { zh = "编号", en = "serial" }\n'
    town.contract(*COLUMNS, number, layout=database)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def notes(town: Town) -> list[dict[str, Any]]:
    found = sorted((town.deliveries / "edu" / "pupils").rglob("*.fetch.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def test_a_table_becomes_a_delivery_once(town: Town, pupils: Server) -> None:
    contract(town, pupils)
    city = town.city()
    (first,) = jobs.fetch(city)
    assert (first.rows, first.changed) == (2, True)
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    result = run(city)
    table = result.tables["edu.pupils"].select(["name", "id_no", "sex", "birth", "weight"]).to_pylist()
    assert [(r["name"], r["id_no"], r["sex"], str(r["birth"]), r["weight"]) for r in table] == [
        ("王小明", ID_A, "1", "2012-01-01", 32.5),
        ("𠮷野", ID_B, "2", "2011-02-03", None),
    ]
    assert [row["status"] for row in result.conservation.to_pylist()] == ["ignored", "read"]
    (again,) = jobs.fetch(city)
    assert not again.changed
    assert again.path == first.path
    assert len(notes(town)) == 1
    with Ledger(city) as ledger:
        entries = ledger.entries("database_fetched")
        assert [entry.detail["changed"] for entry in entries] == [True, False]
        assert ledger.verify().ok
    assert not [path for path in first.path.parent.parent.iterdir() if path.name.startswith(".")]


def test_the_hash_knows_rows_and_not_their_order(town: Town, pupils: Server) -> None:
    contract(town, pupils, f'table = "{pupils.table}"')
    city = town.city()
    (first,) = jobs.fetch(city)
    contract(town, pupils, f'table = "{pupils.table}"', 'key = ["xb", "bh"]')
    pupils.execute("UPDATE TABLE_ SET xm = CASE bh WHEN 1 THEN '𠮷野' ELSE '王小明' END")
    (swapped,) = jobs.fetch(city)
    assert swapped.changed  # the names went to the other pupil
    assert swapped.path.parent.name.startswith(first.path.parent.name)
    assert swapped.path != first.path
    contract(town, pupils, f'table = "{pupils.table}"', 'key = ["xm"]')
    (sorted_otherwise,) = jobs.fetch(city)
    assert not sorted_otherwise.changed
    assert sorted_otherwise.content == swapped.content


def test_the_note_says_where_from_and_holds_no_password(
    town: Town, pupils: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDU_DB_SECRET", "three-blue-gates")
    if "mysql" in pupils.url:
        monkeypatch.setenv("EDU_DB_SECRET", "")  # MariaDB's root has none here, and would refuse another
        pupils.execute("ALTER TABLE TABLE_ MODIFY xm varchar(40) COMMENT '学生姓名'")
    else:
        pupils.execute("COMMENT ON COLUMN TABLE_.xm IS '学生姓名'")
    contract(town, pupils, f'table = "{pupils.table}"', 'password_env = "EDU_DB_SECRET"')
    (done,) = jobs.fetch(town.city())
    (note,) = notes(town)
    assert note["columns"][1]["comment"] == "学生姓名"
    assert note["columns"][0]["type"].startswith("bigint")
    assert (note["rows"], note["content"], note["sha256"]) == (2, done.content, done.sha256)
    assert note["server"].startswith("PostgreSQL") or "MariaDB" in note["server"] or "MySQL" in note["server"]
    assert "three-blue-gates" not in json.dumps(note)
    assert pq.read_schema(done.path).field("xm").metadata[b"comment"].decode() == "学生姓名"


def test_a_query_in_batches(town: Town, pupils: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonground.intake.fetch.BATCH", 7)
    values = ", ".join(
        f"({i}, '学生{i}', NULL, {1 + i % 2}, '2012-01-{1 + i % 28:02d}', {20 + i % 9})" for i in range(9, 109)
    )
    pupils.execute(f"INSERT INTO TABLE_ VALUES {values}")
    contract(town, pupils, f"query = \"SELECT * FROM {pupils.table} WHERE xm LIKE '学生%'\"", 'key = ["bh"]')
    (done,) = jobs.fetch(town.city())
    table = pq.read_table(done.path)
    assert done.rows == table.num_rows == 100
    assert table["bh"].to_pylist() == list(range(9, 109))
    assert done.path.name == "query.parquet"


def test_a_snapshot_sees_one_moment_and_cannot_write(town: Town, pupils: Server) -> None:
    from sqlalchemy.exc import DBAPIError

    database = Database(pupils.url, pupils.table, key=("bh",))
    with Snapshot(database, "contract") as snapshot:
        _, batches = snapshot.read(database, "contract", 10)
        assert len([row for batch in batches for row in batch]) == 2
        pupils.execute("UPDATE TABLE_ SET xm = '后来'")
        pupils.execute("DELETE FROM TABLE_ WHERE bh = 2")
        _, batches = snapshot.read(database, "contract", 10)
        assert [row[1] for batch in batches for row in batch] == ["王小明", "𠮷野"]
        with pytest.raises(DBAPIError):
            snapshot.connection.exec_driver_sql(f"DELETE FROM {pupils.table}")
    contract(town, pupils)
    with pytest.raises(DeliveryError, match=r"commonground fetch CITY edu\.pupils"):
        run(town.city())


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (('table = "no_such_table"',), ("no_such_table", "table")),
        (('table = "TABLE"', 'key = ["hb"]'), ("hb", "bh")),
        (('query = "SELECT xn FROM TABLE"',), ("xn",)),
    ],
)
def test_what_the_database_lacks_is_named(
    town: Town, pupils: Server, lines: tuple[str, ...], words: tuple[str, ...]
) -> None:
    contract(town, pupils, *(line.replace("TABLE", pupils.table) for line in lines))
    with pytest.raises(ContractError) as caught:
        jobs.fetch(town.city())
    for word in words:
        assert word in caught.value.message("zh") + caught.value.message("en")
    assert not notes(town)


def test_a_cell_is_never_quoted_and_no_half_delivery_stays(town: Town, pupils: Server) -> None:
    broken = "CAST(xm AS integer)" if "postgres" in pupils.url else "updatexml(1, concat(0x7e, xm), 1)"
    contract(town, pupils, f'query = "SELECT bh, {broken} AS xm FROM {pupils.table}"')
    with pytest.raises(DeliveryError) as caught:
        jobs.fetch(town.city())
    for lang in ("zh", "en"):
        assert "王小明" not in caught.value.message(lang)
    assert not list((town.deliveries / "edu" / "pupils").iterdir())


def test_a_server_that_does_not_answer_and_a_password_not_given(town: Town, pupils: Server) -> None:
    kind = pupils.url.partition("://")[0]
    away = Server(f"{kind}://reader@127.0.0.1:9/xueji", "pupils", pupils.execute)
    contract(town, away)
    with pytest.raises(DeliveryError, match="cannot be reached"):
        jobs.fetch(town.city())
    contract(town, pupils, f'table = "{pupils.table}"', 'password_env = "CG_NOT_SET"')
    with pytest.raises(ContractError, match="CG_NOT_SET"):
        jobs.fetch(town.city())


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (('url = "oracle://reader@db/x"', 'table = "t"'), "postgresql"),
        (('url = "mysql://reader:geheim@db/x"', 'table = "t"'), "password_env"),
        (('url = "mysql://reader@db/x"',), "table"),
        (('url = "mysql://reader@db/x"', 'table = "t"', 'query = "SELECT 1"'), "query"),
        (('url = "mysql://reader@db/x"', 'query = "DELETE FROM t"'), "SELECT"),
        (('url = "mysql://reader@db/x"', 'tabel = "t"'), "table"),
    ],
)
def test_a_database_written_wrongly(town: Town, lines: tuple[str, ...], word: str) -> None:
    town.contract(*COLUMNS, layout="\n[database]\n" + "\n".join(lines) + "\n")
    with pytest.raises(ContractError) as caught:
        jobs.plan_fetch(town.city())
    assert word in caught.value.message("zh")
    assert "geheim" not in caught.value.message("en")


def test_a_dataset_without_a_database(town: Town) -> None:
    town.contract(*COLUMNS)
    with pytest.raises(ContractError, match=r"\[database\]"):
        jobs.fetch(town.city())
    with pytest.raises(ContractError, match=r"edu\.pupils"):
        jobs.fetch(town.city(), "edu.pupil")
    with pytest.raises(ContractError, match=r"\[database\]"):
        jobs.fetch(town.city(), "edu.pupils")


def test_a_moment_is_told_in_the_departments_own_time() -> None:
    midnight = dt.datetime(2025, 8, 31, 16, tzinfo=dt.UTC)
    assert _plain(midnight, ZoneInfo("Asia/Shanghai")) == "2025-09-01 00:00:00"
    assert _plain(midnight.replace(tzinfo=None), ZoneInfo("Asia/Shanghai")) == "2025-08-31 16:00:00"
