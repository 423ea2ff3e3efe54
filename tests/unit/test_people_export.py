"""Links leave the vault for whoever may, whole, recorded, with pseudonyms that no two projects share."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonground import jobs
from commonground.city import City
from commonground.errors import AccessError, LedgerError, Said, StorageError
from commonground.governance import KeyRing, Ledger, Project, Projects, Roles, Vault, current_actor, transfer
from commonground.governance.keys import keyed_hash
from commonground.governance.projects import LegalBasis
from governance_kit import make_city

CONTRACT = """
[dataset]
kind = "{kind}"

[[layout]]
format = "csv"
encoding = "utf-8"

[[column]]
source = "姓名"
concept = "name"
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city built by hand: four rows of two datasets about two persons, and one row of nobody."""
    city = make_city(tmp_path / "city")
    for name, kind in (("roll", "student_registry"), ("visits", "service_records")):
        path = city.sources / "edu" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CONTRACT.format(kind=kind), encoding="utf-8")
    version = city.warehouse / "versions" / "1"
    (version / "quality").mkdir(parents=True)
    (version / "manifest.json").write_text("{}")
    (version / "quality" / "links.json").write_text(json.dumps({"by_source": []}))
    (city.warehouse / "current").write_text("1")
    rows = {
        "department": ["edu"] * 5,
        "dataset": ["roll", "roll", "visits", "visits", "visits"],
        "delivery": ["2025-09-01"] * 5,
        "file": ["a.csv"] * 5,
        "sheet": [""] * 5,
        "row_number": [1, 2, 1, 2, 3],
        "record_id": [1, 2, 3, 4, 5],
        "spine_id": ["p7", "p8", "p7", "p7", None],
        "person_id": ["x7", "x8", "x7", "x7", None],
        "status": ["linked", "linked", "linked", "repeated", "unlinked"],
    }
    Vault(city).write_table("links/1", pa.table(rows))
    with Ledger(city) as ledger:
        Roles(ledger).begin(current_actor())
    return city


def open_project(city: City, name: str, kinds: tuple[str, ...], until: dt.date | None = None) -> None:
    with Ledger(city) as ledger:
        Roles(ledger).grant("desk:li", "official", by=current_actor())
        last = until or ledger.clock().date() + dt.timedelta(days=5)
        basis = LegalBasis.STATUTORY_DUTY
        made = Project(name, Said("研究", "a study"), basis, "第八十二条", kinds, ("desk:wu",), last)
        Projects(ledger).open(made, by="desk:li")


def entries(city: City, kind: str) -> list[dict[str, object]]:
    with Ledger(city) as ledger:
        assert ledger.verify().ok
        return [e.to_dict() for e in ledger.entries(kind)]


def test_an_export_is_whole_private_and_recorded(city: City, tmp_path: Path) -> None:
    target = tmp_path / "out" / "links.parquet"
    target.parent.mkdir()
    target.write_bytes(b"an older file")
    target.chmod(0o644)
    jobs.link(city, export=target)
    table = pq.read_table(target)
    assert table.column_names[-2:] == ["person_id", "status"]
    assert "spine_id" not in table.column_names
    person = table["person_id"].to_pylist()
    assert person[0] == person[2] == person[3] != person[1]
    assert person[4] is None
    assert not {"x7", "x8", "p7", "p8"} & set(person)
    assert target.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in target.parent.iterdir()] == ["links.parquet"]
    (entry,) = entries(city, "link_export")
    assert entry["detail"]["files"][0]["file"] == "links.parquet"  # type: ignore[index]
    assert str(tmp_path) not in json.dumps(entry)


def test_every_project_and_the_warehouse_have_pseudonyms_of_their_own(city: City, tmp_path: Path) -> None:
    open_project(city, "gaps-2025", ("student_registry", "service_records"))
    open_project(city, "roll-2025", ("student_registry",))
    found = {}
    for name in ("", "gaps-2025", "roll-2025"):
        jobs.link(city, export=tmp_path / f"{name}.parquet", project=name)
        found[name] = pq.read_table(tmp_path / f"{name}.parquet")
    assert found["gaps-2025"].num_rows == 5
    assert set(found["roll-2025"]["dataset"].to_pylist()) == {"roll"}  # no more than the project's purpose covers
    said = [set(t["person_id"].drop_null().to_pylist()) for t in found.values()]
    assert all(len(s) == 2 for s in said)
    assert not said[0] & said[1] | said[0] & said[2] | said[1] & said[2]
    ring = KeyRing(city.settings.keys)
    assert keyed_hash(ring.get("project-gaps-2025", make=False), "p7") in said[1]
    assert keyed_hash(ring.get("pseudonym"), "p7") not in said[0] | said[1] | said[2]
    assert [e["subject"] for e in entries(city, "key_made")] == ["key:project-gaps-2025", "key:project-roll-2025"]
    last = entries(city, "link_export")[-1]["detail"]
    assert (last["recipient"], last["authority"]) == ("project:roll-2025",) * 2  # type: ignore[index]
    # a second export of the same project can be joined with the first
    jobs.link(city, export=tmp_path / "again.parquet", project="roll-2025")
    assert pq.read_table(tmp_path / "again.parquet").equals(found["roll-2025"])


def test_no_project_and_a_past_project_are_refused(city: City, tmp_path: Path) -> None:
    open_project(city, "past-2025", ("student_registry",), until=dt.date(2020, 1, 1))
    for name in ("past-2025", "nothing"):
        with pytest.raises(AccessError, match="no such project"):
            jobs.link(city, export=tmp_path / "x.parquet", project=name)
        with pytest.raises(AccessError, match="no such project"):
            jobs.check_export(city, tmp_path / "x.parquet", name)
    assert not list(tmp_path.glob("*.parquet"))
    assert entries(city, "link_export") == []
    assert not KeyRing(city.settings.keys).has("project-past-2025")


def test_who_may_not_export_leaves_no_file(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(city) as ledger:
        roles = Roles(ledger)
        roles.grant("local:li", "researcher", by=current_actor())
        roles.grant("local:wu", "data_officer", by=current_actor(), until=dt.date(2020, 1, 1))  # ran out
        roles.grant("local:an", "data_officer", by=current_actor())
        roles.revoke("local:an", "data_officer", by=current_actor())
    for actor in ("local:nobody", "local:li", "local:wu", "local:an"):
        monkeypatch.setattr("commonground.governance.current_actor", lambda actor=actor: actor)
        with pytest.raises(AccessError, match="may not"):
            jobs.link(city, export=tmp_path / "x.parquet")
    assert not list(tmp_path.glob("*.parquet*"))
    assert [e["actor"] for e in entries(city, "access_refused")] == ["local:nobody", "local:li", "local:wu", "local:an"]
    assert entries(city, "link_export") == []


def test_no_export_into_the_city_through_a_link_or_over_a_folder(city: City, tmp_path: Path) -> None:
    secret = tmp_path / "somebody.txt"
    secret.write_text("theirs")
    link, folder, into = tmp_path / "link.parquet", tmp_path / "folder", tmp_path / "into"
    link.symlink_to(secret)
    folder.mkdir()
    into.symlink_to(city.path / "releases", target_is_directory=True)
    city.settings.keys.mkdir(exist_ok=True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    places = [
        city.path / "releases" / "current" / "links.parquet",
        city.path / "vault" / "links" / "1.sealed",
        city.warehouse / "versions" / "1" / "manifest.json",
        city.settings.keys / "vault.key",
        city.deliveries / "x.parquet",
        into / "links.parquet",
        tmp_path / "out" / ".." / "city" / "x.parquet",
        link,
        folder,
        pipe,
    ]
    before = {p: p.read_bytes() for p in city.path.rglob("*") if p.is_file() and "ledger" not in p.name}
    for place in places:
        with pytest.raises(StorageError, match="Nothing can be exported"):
            jobs.link(city, export=place)
    assert secret.read_text() == "theirs"
    assert {p: p.read_bytes() for p in city.path.rglob("*") if p.is_file() and "ledger" not in p.name} == before
    assert entries(city, "link_export") == []


def test_what_fails_half_way_leaves_neither_file_nor_entry(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    target = out / "links.parquet"
    target.write_bytes(b"before")

    def full(beside: Path) -> None:
        beside.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        transfer.hand_over(city, target, full, kind="link_export", recipient="x", authority="y", actor=current_actor())
    monkeypatch.setattr(Ledger, "append", _broken)
    with pytest.raises(LedgerError):
        jobs.link(city, export=target)
    monkeypatch.undo()
    assert [p.name for p in out.iterdir()] == ["links.parquet"]
    assert target.read_bytes() == b"before"
    assert entries(city, "link_export") == []
    with pytest.raises(StorageError):
        jobs.link(city, export=target / "below.parquet")  # a file is no folder


def _broken(*words: object, **more: object) -> None:
    raise LedgerError(Said("台账写不进去。", "The ledger cannot be written."))


def test_a_place_that_cannot_be_is_refused_in_words(city: City, tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.symlink_to(ring)
    for place in (tmp_path / ("x" * 300), ring, ring / "links.parquet"):
        with pytest.raises(StorageError):
            jobs.link(city, export=place)
    assert entries(city, "link_export") == []
    jobs.link(city, export=tmp_path / f"{'连' * 80}.parquet")  # 248 of the 255 bytes that a name may have


def test_a_file_called_by_a_number_is_not_named_in_the_ledger(city: City, tmp_path: Path) -> None:
    jobs.link(city, export=tmp_path / "529901201001010011.parquet")
    (entry,) = entries(city, "link_export")
    assert entry["detail"]["files"][0]["file"] == "*"  # type: ignore[index]
