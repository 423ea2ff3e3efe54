"""A delivery that is forgotten: no key, no version, no table of the vault holds it any more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from commonground import jobs
from commonground.city import City
from commonground.errors import AccessError, DeliveryError, StorageError
from commonground.governance import Ledger, Vault
from commonground.governance.keys import delivery_key
from commonground.people import aliases
from encoded_kit import CONTRACT, make_town, write_csv
from governance_kit import make_city

PLACE = ("police", "register", "2025-03-01")


@pytest.fixture
def city(tmp_path: Path) -> City:
    city = make_city(tmp_path / "city")
    contract = city.sources / "police" / "register.toml"
    contract.parent.mkdir(parents=True)
    contract.write_text(CONTRACT.replace('kind = "dibao"', 'kind = "household_register"'), encoding="utf-8")
    first, second = make_town(60, 4)
    for day, table in (("2025-03-01", first), ("2025-09-01", second)):
        folder = city.deliveries / "police" / "register" / day
        folder.mkdir(parents=True)
        write_csv(table, folder / "register.csv")
        jobs.build(city)  # version 1 holds the first delivery, version 2 both
    return city


def _links(city: City, columns: list[str]) -> list[dict[str, Any]]:
    return Vault(city).read_table(f"links/{city.require_current().number}", columns).to_pylist()


def test_a_forgotten_delivery_is_gone_everywhere(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = "/".join(PLACE)
    with pytest.raises(DeliveryError, match="still there"):
        jobs.forget(city, delivery, reason="withdrawn")
    kept = tmp_path / "kept"
    shutil.copytree(city.vault, kept)  # a backup of the vault, made before
    shutil.rmtree(city.deliveries.joinpath(*PLACE))
    monkeypatch.setattr("commonground.governance.current_actor", lambda: "local:nobody")
    with pytest.raises(AccessError):
        jobs.forget(city, delivery, reason="withdrawn")
    monkeypatch.undo()
    assert jobs.plan_forget(city, delivery).versions == (1, 2)
    places = ["delivery", "row_number", "spine_id"]
    before = {r["row_number"]: r["spine_id"] for r in _links(city, places) if r["delivery"] == "2025-09-01"}
    learnt = pa.table({"alias": ["J1"], "id_no": ["529901201403150021"]})
    Vault(city).write_table(aliases.ENTRY, learnt.append_column("how", [["stated"]]))
    Vault(city).write_table("encoded/police.codes", learnt)
    done = jobs.forget(city, delivery, reason="withdrawn by the department")
    assert done.versions == (1, 2)
    versions = [p.name for p in (city.warehouse / "versions").iterdir()]
    assert versions == [str(done.version)] == ["3"]  # the number of a version that is gone is given to no other
    assert {r["row_number"]: r["spine_id"] for r in _links(city, places)} == before  # persons keep their ids
    standing = city.require_current()
    assert {f[2] for f in standing.manifest["files"]} == {"2025-09-01"}
    vault = Vault(city)
    assert aliases.read(vault).num_rows == 0
    assert not vault.names("encoded")
    assert vault.names("links") == [f"links/{standing.number}"]
    assert not vault.keys.has(delivery_key(*PLACE))
    for path in kept.rglob("records/*.sealed"):  # the backup's records of it open under no key that is left
        shutil.copy(path, city.vault / "records" / path.name)
    opened = 0
    for name in vault.names("records"):
        for key in (delivery_key("police", "register", "2025-09-01"), "vault"):
            try:
                vault.read_table(name, key=key)
                opened += 1
            except StorageError:
                pass
    assert opened == 1  # the other delivery's alone
    with Ledger(city) as ledger:
        assert ledger.verify().ok
        (entry,) = ledger.entries("delivery_removed")
        assert entry.subject == delivery
        assert json.loads(json.dumps(entry.detail))["versions"] == [1, 2]
        assert [e.subject for e in ledger.entries("key_destroyed")] == [f"key:{delivery_key(*PLACE)}"]
    with pytest.raises(DeliveryError, match="never taken in"):
        jobs.forget(city, delivery, reason="again")


@pytest.mark.parametrize("name", ["police", "a/b", "a/b/c/d", "../../x", "a//b"])
def test_a_delivery_is_named_by_three_parts(tmp_path: Path, name: str) -> None:
    city = make_city(tmp_path / "city")
    with pytest.raises(DeliveryError, match="department/dataset/delivery"):
        jobs.plan_forget(city, name)


def test_the_last_delivery_of_a_dataset_needs_a_contract_that_says_so(city: City) -> None:
    shutil.rmtree(city.deliveries / "police" / "register" / "2025-09-01")
    shutil.rmtree(city.deliveries.joinpath(*PLACE))
    with pytest.raises(DeliveryError, match="nothing was removed"):
        jobs.forget(city, "/".join(PLACE), reason="withdrawn")
    assert Vault(city).keys.has(delivery_key(*PLACE))
    contract = city.sources / "police" / "register.toml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("[dataset]", "[dataset]\nabsent = true"), "utf-8")
    done = jobs.forget(city, "/".join(PLACE), reason="withdrawn")
    assert [p.name for p in (city.warehouse / "versions").iterdir()] == [str(done.version)]
    assert Vault(city).read_table(f"links/{done.version}").num_rows == 0
