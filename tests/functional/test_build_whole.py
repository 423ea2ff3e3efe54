"""A build is all or nothing: what cannot be recorded does not stand, what is damaged is not kept as unchanged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from commonground import jobs
from commonground.errors import StorageError
from commonground.governance import Ledger
from intake_kit import HEAD, ID_A, LAYOUT, Town, column

ROWS = "".join(f"测试{n},{n % 2 + 1},2015-03-{n + 1:02d},S{n % 3},{n % 9 + 1}\n" for n in range(20))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path)
    columns = (("姓名", "name"), ("性别", "sex"), ("生日", "birth"), ("学校", "school_code"), ("年级", "grade"))
    made.contract(*(column(source, concept) for source, concept in columns), layout=LAYOUT, head=HEAD)
    made.deliver("姓名,性别,生日,学校,年级\n" + ROWS)
    return made


def test_unchanged_renamed_unrecorded_and_damaged(town: Town) -> None:
    town.deliver(f"姓名,性别,生日,学校,年级\n{ROWS}", f"{ID_A}.csv", day="2025-09-11")
    city = town.city()
    assert jobs.build(city).changed
    with Ledger(city) as ledger:
        received = [entry.to_dict() for entry in ledger.entries("delivery_received")]
    assert len(received) == 2
    assert ID_A not in str(received), "a file called by somebody's number"
    assert not jobs.build(city).changed

    # the folder's name tells the day that the data describe
    place = town.deliveries / "edu" / "pupils"
    (place / "2025-09-10").rename(place / "2025-08-10")
    assert jobs.build(city).changed
    standing = city.require_current()
    assert standing.number == 2

    database = sqlite3.connect(city.path / "ledger.db")
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON ledger WHEN NEW.kind = 'build' BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    database.commit()
    with pytest.raises(IntegrityError):
        jobs.build(city, force=True)
    assert city.require_current() == standing, "a version that the ledger does not know must not stand"
    assert [path.name for path in sorted((city.warehouse / "versions").iterdir())] == ["1", "2"]
    database.execute("DROP TRIGGER full")
    database.commit()
    database.close()

    standing.table("values").unlink()
    with pytest.raises(StorageError, match="not whole"):
        jobs.build(city)
    (city.warehouse / "current").write_text("7", encoding="ascii")
    with pytest.raises(StorageError, match="not whole"):
        jobs.build(city)
    assert jobs.build(city, force=True).version.number == 3
    assert city.require_current().number == 3
