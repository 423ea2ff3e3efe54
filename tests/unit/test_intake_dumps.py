"""SQL dumps of MySQL and PostgreSQL: every row a record or set aside, in the character set that the dump declares."""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonground.errors import DeliveryError
from commonground.intake import IntakeResult, run
from commonground.intake.model import Layout, Limits
from commonground.intake.readers import read
from intake_kit import HEAD, Town, column

COLUMNS = (column("xm", "name"), column("bj", "class"), column("sg", "height"))
IGNORE = HEAD + 'ignore = [{ files = "*", sheets = "!xueji", reason = { zh = "日志", en = "a log" } }]\n'

MYSQL = """-- MySQL dump 10.19  Distrib 10.3.38-MariaDB, for Linux (x86_64)
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `xueji`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `xueji` (
  `xm` varchar(40) DEFAULT NULL COMMENT '姓名,(含曾用名);',
  `bj` varchar(10) NOT NULL DEFAULT 'x,y' COMMENT 'it''s 班级',
  `sg` decimal(6,2) DEFAULT NULL,
  PRIMARY KEY (`xm`),
  KEY `k` (`bj`,`sg`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='学籍; 表';
LOCK TABLES `xueji` WRITE;
INSERT INTO `xueji` VALUES ('王小明','1',151.50),('O\\'Neil;),\\n(','2\\\\',NULL),
('𠮷野''s','3',98);
INSERT INTO `xueji` (`sg`,`xm`,`bj`) VALUES (100,'李红','4');
UNLOCK TABLES;
CREATE TABLE `rz` (`a` int);
DELIMITER ;;
/*!50003 CREATE TRIGGER t BEFORE INSERT ON rz FOR EACH ROW BEGIN INSERT INTO xueji VALUES (1,2,3); END */;;
DELIMITER ;
-- Dump completed on 2025-09-01 12:00:00
"""
POSTGRES = """--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION edu.f() RETURNS integer LANGUAGE sql AS $$ select 1; -- ; $$;
CREATE TABLE edu.xueji (
    xm text DEFAULT 'a,b'::text,
    bj character varying(10),
    sg numeric(6,2),
    CONSTRAINT c CHECK ((sg > (0)::numeric))
);
COMMENT ON TABLE edu.xueji IS '学籍';
COMMENT ON COLUMN edu.xueji.xm IS '姓名''s';
COPY edu.xueji (xm, bj, sg) FROM stdin;
王小明\t1\t151.50
O'Neil;),\\n(\t2\\\\\t\\N
𠮷野's\t3\t98
李红\t4\t100
\\.
ALTER TABLE ONLY edu.xueji ADD CONSTRAINT p PRIMARY KEY (xm);
--
-- PostgreSQL database dump complete
--
"""
FOUR = [("王小明", "1", 151.5), ("O'Neil;),\n(", "2\\", None), ("𠮷野's", "3", 98.0), ("李红", "4", 100.0)]


def layout(kind: str, *lines: str) -> str:
    return "\n".join(["\n[[layout]]", f'format = "{kind}"', 'sheets = "xueji"', *lines, ""])


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def rows(result: IntakeResult) -> list[tuple[Any, ...]]:
    table = result.tables["edu.pupils"]
    return list(zip(*(table[name].to_pylist() for name in ("name", "class", "height")), strict=True))


def sums(result: IntakeResult) -> list[tuple[Any, ...]]:
    names = ("sheet", "status", "rows", "records", "quarantined")
    return list(zip(*(result.conservation[name].to_pylist() for name in names), strict=True))


@pytest.mark.parametrize(("kind", "text"), [("mysqldump", MYSQL), ("pgdump", POSTGRES)])
@pytest.mark.parametrize("packed", [False, True])
def test_every_row_of_a_dump(town: Town, kind: str, text: str, packed: bool) -> None:
    town.contract(*COLUMNS, head=IGNORE, layout=layout(kind))
    content = gzip.compress(text.encode()) if packed else text.encode()
    town.deliver(content, "a.sql.gz" if packed else "a.sql")
    result = run(town.city())
    assert rows(result) == FOUR
    assert sums(result)[0] == ("xueji", "read", 4, 4, 0)


@pytest.mark.parametrize(("kind", "text"), [("mysqldump", MYSQL), ("pgdump", POSTGRES)])
def test_comments_of_columns_come_along(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "a.sql").write_text(text, encoding="utf-8")
    first = next(read(tmp_path / "a.sql", Layout(kind), Limits()))
    assert first.titles["xm"] == ("姓名,(含曾用名);" if kind == "mysqldump" else "姓名's")


@pytest.mark.parametrize(("said", "encoding"), [("gbk", "gbk"), ("gb18030", "gb18030"), ("latin1", "cp1252")])
def test_the_character_set_is_the_dumps_own(town: Town, said: str, encoding: str) -> None:
    """In GBK the second byte of 縗 is a backslash: it must be decoded before it is taken apart."""
    name = "珅縗" if said != "latin1" else "Müller"
    text = f"SET NAMES {said};\nINSERT INTO xueji (xm,bj,sg) VALUES ('{name}','1',NULL);\n"
    town.contract(*COLUMNS, layout=layout("mysqldump"))
    town.deliver(text.encode(encoding), "a.sql")
    assert rows(run(town.city())) == [(name, "1", None)]
    town.deliver(text.replace(f"SET NAMES {said};\n", "").encode(encoding), "a.sql")
    with pytest.raises(DeliveryError, match="encoding"):
        run(town.city())
    town.contract(*COLUMNS, layout=layout("mysqldump", f'encoding = "{encoding}"'))
    assert rows(run(town.city())) == [(name, "1", None)]


def test_a_dump_in_another_character_set_than_it_says(town: Town) -> None:
    values = ",".join(f"('学生{i}','1',100)" for i in range(40))
    town.contract(*COLUMNS, layout=layout("mysqldump"))
    town.deliver(f"SET NAMES utf8;\nINSERT INTO xueji (xm,bj,sg) VALUES {values};\n".encode("gbk"), "a.sql")
    with pytest.raises(DeliveryError, match="fits gb18030"):
        run(town.city())


def test_a_dump_that_a_shell_made_utf16(town: Town) -> None:
    town.contract(*COLUMNS, head=IGNORE, layout=layout("mysqldump"))
    town.deliver(MYSQL.replace("\n", "\r\n").encode("utf-16"), "a.sql")
    assert rows(run(town.city())) == FOUR


@pytest.mark.parametrize(("kind", "text"), [("mysqldump", MYSQL), ("pgdump", POSTGRES)])
def test_a_dump_cut_off_anywhere_keeps_the_rows_before(tmp_path: Path, kind: str, text: str) -> None:
    content, path = text.encode(), tmp_path / "a.sql"
    start = content.index(b"VALUES (" if kind == "mysqldump" else b"stdin;")
    end = content.index(b"UNLOCK" if kind == "mysqldump" else b"ALTER TABLE")
    for cut in range(start, end, 3):
        path.write_bytes(content[:cut])
        sheets = list(read(path, Layout(kind), Limits()))
        got = [row[0].strip() for sheet in sheets for row in sheet.rows]
        assert got == [name for name, *_ in FOUR][: len(got)]
        bad = [one for sheet in sheets for one in sheet.bad]
        assert [one.reason for one in bad] == ["cut_off"], content[:cut][-40:]
        assert sum(sheet.total for sheet in sheets) == len(got) + 1


def test_a_damaged_mark_between_two_rows_costs_a_row_and_not_the_rest(town: Town) -> None:
    town.contract(*COLUMNS, head=IGNORE, layout=layout("mysqldump"))
    rest = ",".join(f"('甲{i}','1',100)" for i in range(30))
    text = "SET NAMES utf8mb4;\nCREATE TABLE `xueji` (\n  `xm` text,\n  `bj` text,\n  `sg` text\n) CHARSET=utf8mb4;\n"
    town.deliver(f"{text}INSERT INTO `xueji` VALUES ('乙','1',100)x('丙','1',100),{rest};\n", "a.sql")
    assert [one[2:] for one in sums(run(town.city()))] == [(32, 31, 1)]


def test_a_row_that_cannot_be_read_costs_that_row(town: Town) -> None:
    text = "SET NAMES utf8;\nINSERT INTO xueji (xm,bj,sg) VALUES "
    text += "('甲','1',1),('乙',now(),func('x'),'y' 'z'),('丙','3',3);\n"
    text += "INSERT INTO xueji SELECT * FROM alt;\nINSERT INTO xueji (xm,bj,sg) VALUES ('丁','4',40);\n"
    town.contract(*COLUMNS, layout=layout("mysqldump"))
    town.deliver(text, "a.sql")
    result = run(town.city())
    assert [name for name, *_ in rows(result)] == ["甲", "丙", "丁"]
    assert sums(result) == [("xueji", "read", 5, 3, 2)]
    assert result.quarantine["reason"].to_pylist().count("not_sql") == 2


def test_comments_between_rows(tmp_path: Path) -> None:
    text = "SET NAMES utf8;\n# a note\n"
    text += "INSERT INTO t (a) VALUES ('甲'), -- one; (\n('乙'),\n\n('丙') ON DUPLICATE KEY UPDATE a=a;\n"
    (tmp_path / "a.sql").write_text(text, encoding="utf-8")
    (sheet,) = read(tmp_path / "a.sql", Layout("mysqldump"), Limits())
    assert (sheet.rows, sheet.bad) == ([["甲"], ["乙"], ["丙"]], ())


def test_values_of_every_kind(tmp_path: Path) -> None:
    text = "SET NAMES utf8;\nCREATE TABLE t (a int, b blob, c bit(1), d bool, e text, f json);\n"
    text += "INSERT INTO t VALUES (-1.5e3,0x00FF,b'101',TRUE,'',NULL),(+2,_binary 'a\\0b','\\1',false,'\"',x'4142');\n"
    (tmp_path / "a.sql").write_text(text, encoding="utf-8")
    (sheet,) = read(tmp_path / "a.sql", Layout("mysqldump"), Limits())
    assert sheet.rows == [["-1.5e3", "00ff", "5", "TRUE", "", ""], ["+2", "610062", "1", "FALSE", '"', "4142"]]


def test_copy_of_every_escape(tmp_path: Path) -> None:
    text = "SET client_encoding = 'UTF8';\nCREATE TABLE t (a text, b boolean, c bytea);\nCOPY t (a, b, c) FROM stdin;\n"
    text += "\\ta\\\\\\x41\\101\\q\tt\t\\\\x00ff\n\\N\tf\t\\N\n\\.\n"
    text += "INSERT INTO t (b, a) VALUES (true, E'a\\'b');\nINSERT INTO t (a) VALUES ('C:\\');\n"
    (tmp_path / "a.sql").write_text(text, encoding="utf-8")
    (sheet,) = read(tmp_path / "a.sql", Layout("pgdump"), Limits())
    assert sheet.rows == [["\ta\\AAq", "TRUE", "00ff"], ["", "FALSE", ""], ["a'b", "TRUE", ""], ["C:\\", "", ""]]


@pytest.mark.parametrize(
    "content", [b"PGDMP\x01\x0e\x00", b"\0" * 400, "只是一段文字。\n".encode(), b"SET NAMES utf8;\n"]
)
def test_what_is_no_plain_dump(town: Town, content: bytes) -> None:
    town.contract(*COLUMNS, layout=layout("pgdump", 'encoding = "utf-8"'))
    town.deliver(content, "a.dump")
    with pytest.raises(DeliveryError) as caught:
        run(town.city())
    assert "a.dump" in caught.value.where
    if content.startswith(b"PGDMP"):
        assert "pg_restore" in caught.value.message("zh")


def test_parts_of_a_large_insert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonground.intake.readers.dump.PART", 10)
    monkeypatch.setattr("commonground.intake.readers.dump._BLOCK", 37)
    values = ",\n".join(f"('学生{i}',{i})" for i in range(95))
    text = f"SET NAMES utf8;\nCREATE TABLE t (a text, b int);\nINSERT INTO t VALUES {values};\n"
    (tmp_path / "a.sql").write_text(text, encoding="utf-8")
    parts = list(read(tmp_path / "a.sql", Layout("mysqldump"), Limits()))
    assert [part.more for part in parts] == [True] * 9 + [False]
    assert [row for part in parts for row in part.rows] == [[f"学生{i}", str(i)] for i in range(95)]
    assert [place for part in parts for place in part.physical] == list(range(1, 96))


CELLS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12), min_size=2, max_size=2)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(CELLS, min_size=1, max_size=5), block=st.integers(1, 400))
def test_any_text_comes_back(tmp_path: Path, table: list[list[str]], block: int) -> None:
    """What MySQL's rules of quoting put into a dump comes out again, wherever the window's edge falls."""
    from commonground.intake.readers import dump
    from commonground.intake.readers.cells import CONTROL

    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'" if block % 2 else "''").replace("\n", "\\n") + "'"

    values = ",".join(f"({quoted(a)},{quoted(b)})" for a, b in table)
    path = tmp_path / "a.sql"
    path.write_bytes(f"SET NAMES utf8mb4;\nINSERT INTO t (a,b) VALUES {values};\n".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dump, "_BLOCK", block)
        sheets = list(read(path, Layout("mysqldump"), Limits()))
    assert [row for sheet in sheets for row in sheet.rows] == [[CONTROL.sub("", c) for c in row] for row in table]


@pytest.mark.parametrize("kind", ["mysqldump", "pgdump"])
def test_a_dump_of_a_real_server(town: Town, kind: str) -> None:
    """The servers' own programs write the dump; skipped by name where they are absent."""
    program = "mysqldump" if kind == "mysqldump" else "pg_dump"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: dumps of a real server are not read")
    place = f"cg_test_{secrets.token_hex(5)}"
    table = "xm varchar(40), bj varchar(10), sg numeric(6,2)"
    values = "('王小明','1',151.5),('𠮷野''s','2',NULL)"
    make = f"CREATE TABLE {place}.xueji ({table}); INSERT INTO {place}.xueji VALUES {values};"
    if kind == "mysqldump":
        client = ["mysql", "-h127.0.0.1", "-uroot", "--default-character-set=utf8mb4", "-e"]
        begin, end = f"CREATE DATABASE {place} CHARACTER SET utf8mb4; ", f"DROP DATABASE {place}"
        export = ["mysqldump", "-h127.0.0.1", "-uroot", "--default-character-set=utf8mb4", place]
    else:
        login = ["-h", "127.0.0.1", "-U", "postgres"]
        client = ["psql", "-q", *login, "-v", "ON_ERROR_STOP=1", "test", "-c"]
        begin, end = f"CREATE SCHEMA {place}; ", f"DROP SCHEMA {place} CASCADE"
        export = ["pg_dump", *login, "-n", place, "test"]
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "5", "PGCLIENTENCODING": "UTF8"}
    made = subprocess.run([*client, begin + make], capture_output=True, check=False, env=environment)
    if made.returncode != 0:
        pytest.skip(f"no server for {program} at 127.0.0.1")
    try:
        content = subprocess.run(export, capture_output=True, check=True, env=environment).stdout
    finally:
        subprocess.run([*client, end], capture_output=True, check=False, env=environment)
    town.contract(*COLUMNS, layout=layout(kind))
    town.deliver(content, "a.sql")
    assert rows(run(town.city())) == [("王小明", "1", 151.5), ("𠮷野's", "2", None)]
