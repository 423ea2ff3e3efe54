"""Large files: in parts, on several cores, with the sums and the order that one part on one core gives."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from commonground.city import City
from commonground.errors import CityError, ConservationError, ContractError, DeliveryError, StorageError
from commonground.intake import IntakeResult, pool, run, work
from commonground.intake.ids import check_digits
from commonground.intake.model import Limits
from commonground.intake.store import key_of
from intake_kit import Town, column

COLUMNS = (column("姓名", "name"), column("证件", "id_no"), column("性别", "sex"), column("生日", "birth"))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.contract(*COLUMNS)
    return town


def person(i: int, wrong: bool = False, ending: int | None = None) -> str:
    import numpy as np

    body = f"529901{1990 + i % 30}0{1 + i % 9}1{i % 10}{i % 997 + 1 if ending is None else ending:03}"
    check = str(check_digits(np.array([[int(c) for c in body]]))[0])
    number = body + (check if not wrong else str((int(check.replace("X", "1")) + 1) % 10))
    return f"王{i},{number},{1 + i % 2},20{i % 10}0-0{1 + i % 9}-0{1 + i % 8}"


def ending_so(wrong: bool = False) -> list[str]:
    """People whose numbers end in three noughts; by the check digit, or wrongly."""
    out = []
    for i in range(4000):
        line = person(i, ending=100 * (i % 9 + 1))
        number = line.split(",")[1]
        if number.endswith("0"):
            out.append(line)
        elif wrong:
            return [line.replace(number, number[:17] + "0")]
    return out


def text(rows: int, extra: dict[int, str] | None = None) -> str:
    lines = [person(i, wrong=i % 37 == 0) for i in range(rows)]
    for i, line in (extra or {}).items():
        lines[i] = line
    return "\n".join(["姓名,证件,性别,生日", *lines, ""])


def taken(town: Town, monkeypatch: pytest.MonkeyPatch, workers: int, block: int = 1 << 12) -> IntakeResult:
    """Read a town anew with blocks of some size on some processes."""
    for path in (town.folder / "vault").rglob("*.sealed"):
        path.unlink()
    monkeypatch.setattr(work, "_workers", lambda *_: workers)
    monkeypatch.setattr(work, "limits_of", lambda *_: Limits(block, 1 << 16))
    return run(town.city())


def told(result: IntakeResult) -> tuple[Any, ...]:
    tables = {name: table.to_pylist() for name, table in result.tables.items()}
    return tables, result.quarantine.to_pylist(), result.conservation.to_pylist()


def test_parts_and_processes_change_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {
        5: '"王,1,1,',
        300: "短,1",
        301: "",
        640: "合计,,,",
        641: "姓名,证件,性别,生日",
        900: "王\x00九,x,3,2013-02-30",
    }
    town.deliver(text(1000, odd))
    town.deliver(text(700, {3: "只有一格"}), "b.csv", day="2025-10-10")
    town.deliver("姓名,证件,性别,生日\n李,,1,\n", "c.csv", day="2025-10-10")
    whole = told(taken(town, monkeypatch, 1, 1 << 20))
    assert len(list((town.folder / "vault" / "records").iterdir())) == 3
    assert whole[2][0]["quarantined"] == 4
    in_parts = taken(town, monkeypatch, 1)
    assert told(in_parts) == whole
    assert len(list((town.folder / "vault" / "records").iterdir())) > 10
    together = taken(town, monkeypatch, 2)
    assert told(together) == whole
    parts = list(together.parts("edu.pupils"))
    assert parts[0].num_rows == 0
    assert [part["record_id"][0].as_py() for part in parts[1:3]] == [1, 1 + parts[1].num_rows]
    assert {part.schema for part in parts} == {together.tables["edu.pupils"].schema}
    assert together.rows("edu.pupils") == together.tables["edu.pupils"].num_rows
    before = {path: path.stat().st_mtime_ns for path in (town.folder / "vault").rglob("*.sealed")}
    assert told(run(town.city())) == whole
    assert {path: path.stat().st_mtime_ns for path in (town.folder / "vault").rglob("*.sealed")} == before


def test_errors_come_whole_from_other_processes_and_in_order(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver(text(700))
    town.deliver(text(700).encode("gb18030"), "b.csv")
    town.deliver("姓名,别的\n甲,1\n", "c.csv")
    said = []
    for workers in (1, 2):
        with pytest.raises(DeliveryError) as caught:
            taken(town, monkeypatch, workers)
        said.append(caught.value.to_dict())
    assert said[0] == said[1]
    assert "b.csv" in str(said[0]["where"])


def test_what_only_the_whole_file_shows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver(text(400).replace(",1,", ",M,").replace(",2,", ",M,"))
    with pytest.raises(ContractError, match="400 of 400 values"):
        taken(town, monkeypatch, 1)
    true = ending_so()
    ids = {10: true[0], 700: true[1]}
    town.deliver(text(800, ids))
    whole = [row["id_no"] for row in taken(town, monkeypatch, 1).tables["edu.pupils"].to_pylist()]
    assert whole[10] is not None
    assert whole[700] is not None
    # one number held as a number, far below: what was taken for true above it was cut, too
    town.deliver(text(800, ids | {750: "王,5.29901201712172e+17,1,"}))
    result = taken(town, monkeypatch, 1)
    cut = [row["row_number"] for row in result.quarantine.to_pylist() if row["reason"] == "id_as_number"]
    assert {11, 701, 751} <= set(cut)
    # of many that end so a slip or two is a slip
    slips = dict(zip(range(0, 400, 10), true, strict=False)) | dict(enumerate(ending_so(wrong=True), 5))
    town.deliver(text(800, slips))
    reasons = [row["reason"] for row in taken(town, monkeypatch, 1).quarantine.to_pylist()]
    assert "id_as_number" not in reasons


def test_a_part_that_lost_rows_is_noticed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver(text(300))
    result = taken(town, monkeypatch, 1)
    entry = next(iter(result.store.entries.values()))[0]
    key = f"{entry.key}.{entry.taken.parts[1].number}"
    vault, lock = result.store.vault, key_of(entry.found)
    vault.write_table(f"records/{key}", vault.read_table(f"records/{entry.key}.0", key=lock), key=lock)
    with pytest.raises(ConservationError, match="not whole"):
        list(result.parts("edu.pupils"))


def test_settings_of_intake(town: Town) -> None:
    path = town.folder / "city.toml"
    path.write_text(path.read_text(encoding="utf-8") + '\n[intake]\nworkers = 3\nmemory = "1.5 GB"\n', encoding="utf-8")
    settings = town.city().settings.intake
    assert (settings.workers, settings.bytes) == (3, 1.5 * 2**30)
    assert work.limits_of(town.city(), 3).block <= 1.5 * 2**30 / 3 / 50
    path.write_text(path.read_text(encoding="utf-8").replace('"1.5 GB"', '"much"'), encoding="utf-8")
    with pytest.raises(CityError, match="memory"):
        town.city()


def test_little_to_read_starts_no_process(town: Town) -> None:
    path = town.deliver(text(100))
    found = work.Job("key", dataclasses.replace(_found(town), path=path))
    assert work._workers(town.city(), [found]) == 1
    with path.open("r+b") as file:
        file.truncate(200_000_000)
    assert work._workers(town.city(), [found] * 2) == min(os.cpu_count() or 1, 7)


def _found(town: Town) -> Any:
    from commonground.intake import load_contracts
    from commonground.intake.deliveries import find_files

    city = town.city()
    return find_files(city.deliveries, load_contracts(city))[0]


def _kill(task: int) -> int:
    if task == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def test_a_killed_process_is_told_and_not_waited_for() -> None:
    with pytest.raises(StorageError, match="killed"):
        list(pool.spread(iter([1]), _kill, 2, print, ()))


def test_an_interrupt_ends_all_processes(tmp_path: Path) -> None:
    script = tmp_path / "run.py"  # without a guard around its main part: it must not be run again by the processes
    script.write_text(
        "import time\nfrom commonground.intake import pool\nprint('once', flush=True)\n"
        "list(pool.spread(range(9), time.sleep, 2, print, ('ready',)))\n"
    )
    words = [sys.executable, "-u", str(script)]
    ran = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert ran.stdout is not None
    seen = [ran.stdout.readline().strip() for _ in range(3)]
    assert sorted(seen) == ["once", "ready", "ready"]
    start = time.monotonic()
    os.killpg(ran.pid, signal.SIGINT)
    _, err = ran.communicate(timeout=20)
    assert time.monotonic() - start < 10
    assert ran.returncode != 0
    assert err.count("Traceback") == 1  # this script's own; the processes end without a word
    for _ in range(100):
        try:
            os.killpg(ran.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("a process is left")


def test_a_city_given_again_has_its_settings(town: Town) -> None:
    assert City(town.folder).settings.intake.bytes == 2 * 2**30
