"""The ledger: what it keeps, what it refuses, and that many writers at once keep one chain."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from commonground.city import City
from commonground.errors import EngineError, LedgerError, StorageError
from commonground.governance import KeyRing, Ledger
from commonground.governance.events import LABELS, TRANSFERS, Kind
from commonground.governance.guard import canonical, personal_key, personal_text
from commonground.governance.verify import FaultKind
from governance_kit import Clock, make_city, open_ledger


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "city")


def fill(city: City, entries: int = 5) -> None:
    with Ledger(city) as ledger:
        for number in range(entries):
            ledger.append("build", "local:chen", f"version {number}", {"版本": number, "hash": "ab" * 32})


def raw(city: City, *statements: str) -> None:
    """Change the database behind the ledger's back, as somebody with write access to the file could."""
    with sqlite3.connect(city.path / "ledger.db", isolation_level=None) as connection:
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_follows"):
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def faults(city: City) -> set[FaultKind]:
    with Ledger(city) as ledger:
        return {f.kind for f in ledger.verify().faults} - {FaultKind.UNGUARDED}


def test_entries_come_back_as_appended(city: City) -> None:
    with Ledger(city) as ledger:
        made = ledger.append(Kind.STUDY, "local:chen", "achievement", {"version": 3, "组": ["外出", "随迁"]})
        assert ledger.entries() == [made]
        assert made.seq == 1
        assert made.previous == "0" * 64
        assert made.detail == {"version": 3, "组": ["外出", "随迁"]}
        assert made.kind.label.zh == "运行研究"
        assert dt.datetime.fromisoformat(made.at).tzinfo is not None
        assert json.loads(json.dumps(made.to_dict()))["kind"] == "study"
        assert ledger.verify().require().entries == 1


def test_entries_are_found_by_kind_actor_subject_time_and_number(city: City) -> None:
    clock = Clock()
    with open_ledger(city, clock) as ledger:
        ledger.append("build", "local:chen", "version 1")
        clock.forward(hours=1)
        later = clock().isoformat(timespec="microseconds")
        ledger.append("study", "local:wang", "achievement")
        ledger.append("study", "local:chen", "health")
        assert [e.seq for e in ledger.entries("study")] == [2, 3]
        assert [e.seq for e in ledger.entries((Kind.BUILD, Kind.STUDY), actor="local:chen")] == [1, 3]
        assert [e.seq for e in ledger.entries(subject="health")] == [3]
        assert [e.seq for e in ledger.entries(since=later)] == [2, 3]
        assert [e.seq for e in ledger.entries(before=3, newest_first=True, limit=1)] == [2]


def test_append_once_keeps_the_entry_that_stands(city: City) -> None:
    with Ledger(city) as ledger:
        first = ledger.append_once("delivery_received", "local:chen", "education/a/2025-09-01", {"sha256": "ab"})
        assert ledger.append_once("delivery_received", "local:li", "education/a/2025-09-01", {"sha256": "ab"}) == first
        ledger.append_once("delivery_received", "local:chen", "education/a/2025-09-01", {"sha256": "cd"})
        assert len(ledger.entries()) == 2


def test_a_transaction_is_all_or_nothing(city: City) -> None:
    with Ledger(city) as ledger:

        def stop_midway() -> None:
            with ledger.writing() as writer:
                writer.append("build", "local:chen")
                assert [e.seq for e in writer.entries()] == [1]
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            stop_midway()
        assert ledger.entries() == []
        assert ledger.head() is None
        assert ledger.verify().ok


def test_an_unknown_kind_is_refused(city: City) -> None:
    with Ledger(city) as ledger, pytest.raises(ValueError, match="rumour"):
        ledger.append("rumour", "local:chen")


def test_every_kind_is_named_in_both_languages() -> None:
    assert set(LABELS) == set(Kind)
    assert all(said.zh and said.en and said.zh != said.en for said in LABELS.values())
    assert len({said.zh for said in LABELS.values()}) == len(LABELS)
    assert set(Kind) > TRANSFERS


@pytest.mark.parametrize(
    "detail",
    [
        {"name": "x"},
        {"child_name": "x"},
        {"guardianPhone": "x"},
        {"id_no": "x"},
        {"person-id": "x"},
        {"files": [{"姓名": "x"}]},
        {"身份证号": "x"},
        {"password": "x"},
        {"note": "529901201001010011"},
        {"note": "电话 12912345678，谢谢"},
        {"note": "５２９９０１２０１００１０１００１Ｘ"},
        {"value": 529901201001010011},
        {"529901201001010011": 1},
    ],
)
def test_personal_data_is_refused(city: City, detail: dict[str, object]) -> None:
    with Ledger(city) as ledger:
        with pytest.raises(ValueError, match="ledger"):
            ledger.append("build", "local:chen", "v", detail)
        assert ledger.entries() == []


@pytest.mark.parametrize(
    "key", ["file", "sha256", "filename_pattern", "dataset", "persons", "版本", "number", "columns"]
)
def test_ordinary_keys_pass(key: str) -> None:
    assert not personal_key(key)


def test_hashes_dates_and_counts_are_not_taken_for_numbers_of_persons() -> None:
    for text in ("ab" * 10 + "529901201001010011", "2025-09-01T10:00:00.000001+08:00", "20250901100000", "63000"):
        assert not personal_text(text)


def test_only_plain_values_in_one_writing(city: City) -> None:
    assert canonical({"b": 1, "a": [True, None, "字"]}) == '{"a":[true,null,"字"],"b":1}'
    with Ledger(city) as ledger:
        for bad in ({"x": float("nan")}, {"x": "\ud800"}, {"x": "y" * 1_000_001}):
            with pytest.raises(ValueError, match=r"."):
                ledger.append("build", "local:chen", "v", bad)
        with pytest.raises(TypeError):
            ledger.append("build", "local:chen", "v", {"x": Path("a")})
        for actor in ("", "x" * 121, "a\x00b"):
            with pytest.raises(ValueError, match="actor"):
                ledger.append("build", actor)


def test_the_database_itself_refuses_changes(city: City) -> None:
    fill(city)
    connection = sqlite3.connect(city.path / "ledger.db", isolation_level=None)
    copy = (
        "INSERT OR REPLACE INTO ledger SELECT {}, at, kind, actor, subject, detail, {}, mac FROM ledger WHERE seq = 2"
    )
    for statement in (
        "UPDATE ledger SET actor = 'local:li' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 5",
        "DELETE FROM ledger",
        copy.format(2, "previous"),
        copy.format(6, "'x'"),
        copy.format(9, "'x'"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
    assert faults(city) == set()


def test_an_alteration_shows_at_its_entry(city: City) -> None:
    fill(city)
    raw(city, "UPDATE ledger SET detail = replace(detail, '2', '7') WHERE seq = 3")
    with Ledger(city) as ledger:
        checked = ledger.verify()
        assert not checked.ok
        assert (checked.faults[0].kind, checked.faults[0].seq) == (FaultKind.ALTERED, 3)
        assert "第 3 条" in checked.sentence("zh")
        assert "Entry 3" in checked.sentence("en")
        with pytest.raises(LedgerError) as caught:
            checked.require()
        assert caught.value.exit_code == 19
        assert checked.to_dict()["ok"] is False


def test_removed_inserted_swapped_and_cut_entries_are_found(tmp_path: Path) -> None:
    last = "DELETE FROM ledger WHERE seq > 3"
    middle = "DELETE FROM ledger WHERE seq = 2"
    closed_up = "UPDATE ledger SET seq = seq - 1 WHERE seq > 2"
    forged = "INSERT INTO ledger SELECT 6, at, kind, actor, subject, detail, mac, 'sm3:00' FROM ledger WHERE seq = 5"
    for number, (statements, expected) in enumerate(
        [
            ([last], FaultKind.TRUNCATED),
            ([middle], FaultKind.GAP),
            ([middle, closed_up], FaultKind.BROKEN_LINK),
            ([forged], FaultKind.ALTERED),
            (["DELETE FROM ledger"], FaultKind.REPLACED),
        ]
    ):
        city = make_city(tmp_path / str(number))
        fill(city)
        raw(city, *statements)
        assert expected in faults(city), statements


def test_missing_guards_are_reported_and_not_put_back(city: City) -> None:
    fill(city)
    raw(city)
    with Ledger(city) as ledger:
        assert {f.kind for f in ledger.verify().faults} == {FaultKind.UNGUARDED}


def test_every_day_has_a_signed_head(city: City) -> None:
    clock = Clock()
    with open_ledger(city, clock) as ledger:
        days = []
        for _ in range(3):
            ledger.append("build", "local:chen", "a")
            entry = ledger.append("build", "local:chen", "b")
            days.append((clock().date(), entry))
            clock.forward(days=2)
        for day, entry in days:
            for on in (day, day + dt.timedelta(days=1)):
                head = ledger.head(on)
                assert head is not None
                assert (head.seq, head.mac, head.day) == (entry.seq, entry.mac, day.isoformat())
        assert ledger.head(days[0][0] - dt.timedelta(days=1)) is None
        newest = ledger.head()
        assert newest is not None
        assert newest.seq == 6
        assert len(newest.fingerprint.replace(" ", "")) == 12
        assert ledger.verify().head == newest


def test_forged_missing_and_foreign_heads_are_found(city: City) -> None:
    fill(city)
    folder = city.settings.keys / "ledger-heads"
    (path,) = folder.glob("*.json")
    good = path.read_text()
    path.write_text(good.replace('"seq": 5', '"seq": 4'))
    assert faults(city) == {FaultKind.HEAD_FORGED}
    path.write_text("not a head")
    assert faults(city) == {FaultKind.HEAD_FORGED, FaultKind.HEAD_MISSING}
    path.unlink()
    assert faults(city) == {FaultKind.HEAD_MISSING}
    path.write_text(good)
    assert faults(city) == set()
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (city.path / name).unlink(missing_ok=True)
    fill(city, 1)  # begun anew: the head of the one that was removed gives it away
    assert faults(city) == {FaultKind.REPLACED}


def test_a_head_kept_with_a_release_finds_a_return_to_an_old_backup(city: City) -> None:
    fill(city, 3)
    database = (city.path / "ledger.db").read_bytes()
    (path,) = (city.settings.keys / "ledger-heads").glob("*.json")
    head = path.read_bytes()
    with Ledger(city) as ledger:
        ledger.append("release", "local:chen", "public")
        printed = ledger.head()
    assert printed is not None
    (city.path / "ledger.db").write_bytes(database)
    path.write_bytes(head)
    with Ledger(city) as ledger:
        assert ledger.verify().ok
        assert {f.kind for f in ledger.verify(kept=[printed]).faults} == {FaultKind.TRUNCATED}


def test_a_later_head_is_never_moved_back(city: City) -> None:
    fill(city, 4)
    with Ledger(city) as ledger:
        first, last = ledger.entries()[0], ledger.entries()[-1]
        ledger._heads.advance(last.mac and ledger.head().ledger, first.at[:10], first.seq, first.mac)  # type: ignore[union-attr]
        head = ledger.head()
    assert head is not None
    assert head.seq == 4


def test_a_ledger_without_its_key_says_so(city: City) -> None:
    fill(city)
    KeyRing(city.settings.keys).destroy("ledger")
    with pytest.raises(StorageError, match="ledger"):
        Ledger(city)


def test_a_foreign_key_does_not_verify(city: City) -> None:
    fill(city)
    (city.settings.keys / "ledger.key").write_bytes(b"x" * 32)
    assert FaultKind.ALTERED in faults(city)


def test_sha256_outside_china(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, KeyRing(tmp_path / "keys"), algorithm="sha256") as ledger:
        assert ledger.append("build", "local:chen").mac.startswith("sha256:")
        assert ledger.verify().ok
    with pytest.raises(ValueError, match="md5"):
        Ledger.open(url, KeyRing(tmp_path / "keys"), algorithm="md5")


def test_the_file_is_readable_by_its_owner_only(city: City) -> None:
    fill(city)
    for path in (city.path / "ledger.db", *(city.settings.keys / "ledger-heads").glob("*.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_file_is_a_message(city: City) -> None:
    (city.path / "ledger.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError) as caught:
        Ledger(city)
    assert "ledger.db" in caught.value.where
    assert caught.value.exit_code == 18


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "nonsense", "postgresql://x/y"])
def test_other_databases_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(EngineError):
        Ledger.open(url, KeyRing(tmp_path / "keys"))


def test_threads_at_once_keep_one_chain(city: City) -> None:
    with Ledger(city) as ledger:

        def write(who: int) -> None:
            for number in range(10):
                ledger.append("build", f"local:writer{who}", f"version {number}")

        writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert ledger.verify().require().entries == 40
        for who in range(4):
            mine = [e.subject for e in ledger.entries(actor=f"local:writer{who}")]
            assert mine == [f"version {n}" for n in range(10)]
        head = ledger.head()
        assert head is not None
        assert head.seq == 40


PROGRAM = """
import sys
from pathlib import Path
from commonground.city import City
from commonground.governance import Ledger
for number in range(8):
    with Ledger(City(Path(sys.argv[1]))) as ledger:
        ledger.append("build", f"local:{sys.argv[2]}", f"version {number}")
"""


def test_processes_at_once_keep_one_chain_from_the_first_entry_on(city: City) -> None:
    """Three programs start together on a city without a ledger: they make it, its key and one chain."""
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(city.path), f"p{n}"], stderr=subprocess.PIPE)
        for n in range(3)
    ]
    for process in started:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint.decode()
    with Ledger(city) as ledger:
        checked = ledger.verify().require()
        assert checked.entries == 24
        assert checked.head is not None
        assert checked.head.seq == 24


def _die_midway(path: str) -> None:
    import os

    with Ledger(City(Path(path))) as ledger, ledger.writing() as writer:
        writer.append("build", "local:chen", "lost")
        os._exit(9)


def test_a_writer_killed_midway_leaves_the_chain_whole(city: City) -> None:
    fill(city, 2)
    process = multiprocessing.get_context("spawn").Process(target=_die_midway, args=(str(city.path),))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    fill(city, 1)
    with Ledger(city) as ledger:
        assert ledger.verify().require().entries == 3
