"""A city built several times: ids stay, decisions hold, a merge and a split are recorded and can be undone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from commonground import intake, people
from commonground.city import City
from commonground.demo import make_demo
from commonground.errors import LinkError
from commonground.governance import Ledger
from commonground.governance.vault import Vault
from commonground.people import standing
from commonground.people.standing import history
from commonground.people.standing.decisions import read_decisions

pytestmark = pytest.mark.xdist_group("people_history")  # what one test writes into the ledger another reads


def build(city: City, *, retrain: bool = False) -> dict[str, Any]:
    """Read, link, and make the version current; gives what the report says about ids."""
    with city.new_version() as version:
        result = people.run(city, intake.run(city), version, retrain=retrain)
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    told: dict[str, Any] = result.report["identities"]
    return told


def ids(city: City) -> dict[str, str]:
    """Id of the person of each record, by its place."""
    table = (
        Vault(city).read_table(f"links/{city.require_current().number}").filter(pa.compute.field("spine_id").is_valid())
    )
    places = zip(*(table.column(c).to_pylist() for c in standing.keep.PLACE), strict=True)
    return dict(zip(map(str, places), table.column("spine_id").to_pylist(), strict=True))


def groups(of: dict[str, str]) -> set[frozenset[str]]:
    """Persons as sets of records."""
    out: dict[str, set[str]] = {}
    for place, person in of.items():
        out.setdefault(person, set()).add(place)
    return {frozenset(g) for g in out.values()}


def links(city: City) -> list[dict[str, Any]]:
    """Links of the current version, those of persons that several records make."""
    rows: list[dict[str, Any]] = Vault(city).read_table(f"links/{city.require_current().number}").to_pylist()
    return [r for r in rows if r["spine_id"] and r["status"] == "linked"]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small city without its last marks, built once."""
    folder = tmp_path_factory.mktemp("history")
    made = City(make_demo(folder / "city", children=300))
    shutil.move(made.deliveries / "education" / "exam_scores" / "2025-07-04", folder / "held")
    build(made)
    return made


@pytest.fixture(scope="module")
def grown(city: City) -> tuple[City, dict[str, str], dict[str, Any]]:
    """The same city with the marks, its ids before, and what was told."""
    before = ids(city)
    shutil.move(city.path.parent / "held", city.deliveries / "education" / "exam_scores" / "2025-07-04")
    return city, before, build(city)


def test_ids_stay_when_a_delivery_comes(grown: tuple[City, dict[str, str], dict[str, Any]]) -> None:
    city, before, told = grown
    now = ids(city)
    assert len(now) > len(before)
    changed = [p for p in before if p in now and before[p] != now[p]]
    assert len(changed) == told["records_moved"]
    assert len(changed) <= 0.01 * len(before)
    assert told["kept"] >= 0.99 * told["persons"]
    assert told["units_resolved"] < told["units"]  # the register's adults are not touched
    assert all(i.startswith("s") and i[1:].isdigit() for i in now.values())


def test_the_same_city_built_anew_has_the_same_persons(
    grown: tuple[City, dict[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    """Adding a delivery gives what a whole build gives with the same model."""
    city, _, _ = grown
    other = tmp_path / "city"
    shutil.copytree(city.path, other, ignore=shutil.ignore_patterns("warehouse", "ledger.db*", ".building"))
    shutil.copytree(city.settings.keys, tmp_path / city.settings.keys.name)
    again = City(other)
    shutil.rmtree(again.vault / "standing")
    shutil.rmtree(again.vault / "links")
    shutil.rmtree(again.settings.keys / "ledger-heads", ignore_errors=True)
    told = build(again)
    assert told["units_resolved"] == told["units"]
    assert told["model"] == 1
    assert groups(ids(again)) == groups(ids(city))


def test_a_decision_splits_a_person_and_undoing_joins_it_again(
    grown: tuple[City, dict[str, str], dict[str, Any]],
) -> None:
    city, _, _ = grown
    whole = groups(ids(city))
    left, right = _linked_by_weight(city)
    number = standing.constrain(city, left, right, False, "local:test", "not the same child")
    with pytest.raises(LinkError, match="contradicts"):
        standing.constrain(city, left, right, True, "local:test", "")
    assert standing.pending(city)
    told = build(city)
    assert told["decisions_held"] == told["decisions"] == 1
    assert told["split"] + told["moved"] >= 1
    assert groups(ids(city)) != whole
    assert not standing.pending(city)
    events = history.events(Vault(city))
    assert len(events) == told["split"] + told["moved"] + told["merged"]
    standing.undo_decision(city, number, "local:test")
    again = build(city)
    assert again["decisions"] == 0
    assert groups(ids(city)) == whole
    merged = [e for e in history.events(Vault(city)) if e["kind"] in ("merge", "move")]
    assert merged
    standing.undo(city, merged[-1]["event"], "local:test")
    assert build(city)["decisions_held"] >= 1
    assert groups(ids(city)) != whole


def _linked_by_weight(city: City) -> tuple[int, int]:
    """Two records that the model, not a number, made one person."""
    table = Vault(city).read_table(f"pairs/{city.require_current().number}").to_pylist()
    found = next(p for p in table if p["chosen"] and p["method"] == "weight")
    return found["left_record"], found["right_record"]


def test_two_different_numbers_are_not_made_one_person(grown: tuple[City, dict[str, str], dict[str, Any]]) -> None:
    city, _, _ = grown
    kept = (
        Vault(city)
        .read_table(f"standing/{city.require_current().number}/records", version=str(city.require_current().number))
        .to_pylist()
    )
    number = {r["key"]: r["number"] for r in kept}
    marks = standing.keep.place_marks
    assert marks
    taken = intake.run(city).tables["public_security.household_register"]
    record = taken.column("record_id").to_pylist()
    keys = marks({"x": taken}, taken.column("record_id").to_numpy())
    numbered = [r for r, k in zip(record, keys.tolist(), strict=True) if number.get(k, -1) >= 0]
    before = read_decisions(Vault(city))
    with pytest.raises(LinkError, match="identity numbers"):
        standing.constrain(city, numbered[0], numbered[1], True, "local:test", "")
    assert read_decisions(Vault(city)) == before


def test_refusals(grown: tuple[City, dict[str, str], dict[str, Any]]) -> None:
    city, _, _ = grown
    with pytest.raises(LinkError, match="no record"):
        standing.constrain(city, 0, 10**9, True, "local:test", "")
    with pytest.raises(LinkError, match="no event"):
        standing.undo(city, 10**6, "local:test")
    with pytest.raises(LinkError, match="in force"):
        standing.undo_decision(city, 10**6, "local:test")
    with pytest.raises(LinkError, match="between 0"):
        standing.set_threshold(city, None, 0.2, "local:test", "")
    with pytest.raises(LinkError, match="no such dataset"):
        standing.set_threshold(city, "education.nothing", 0.9, "local:test", "")


def test_the_ledger_knows_ids_and_models_and_nothing_about_persons(
    grown: tuple[City, dict[str, str], dict[str, Any]],
) -> None:
    city, _, _ = grown
    with Ledger(city) as ledger:
        entries = ledger.entries(["person_ids", "link_model", "link_decision"])
        assert ledger.verify().ok if hasattr(ledger.verify(), "ok") else ledger.verify()
    kinds = [str(e.kind) for e in entries]
    assert {"person_ids", "link_model", "link_decision"} <= set(kinds)
    following = [e.detail["next"] for e in entries if e.kind == "person_ids"]
    assert following == sorted(following)
    text = json.dumps([dict(e.detail) for e in entries], ensure_ascii=False)
    assert "csv" not in text
    assert "not the same child" not in text


def test_retraining_is_told(grown: tuple[City, dict[str, str], dict[str, Any]]) -> None:
    city, _, _ = grown
    before = ids(city)
    told = build(city, retrain=True)
    assert told["model"] == max(standing.store.models(Vault(city))) == 2
    assert told["units_resolved"] == told["units"]
    now = ids(city)
    assert sum(now[p] != before[p] for p in before if p in now) == told["records_moved"]
    assert sum(told["moved_by_dataset"].values()) == told["records_moved"]


def test_a_dataset_that_the_model_does_not_know_is_said(tmp_path: Path) -> None:
    made = City(make_demo(tmp_path / "city", children=300))
    away = [made.deliveries / "health" / "pupil_checkups", made.sources / "health" / "pupil_checkups.toml"]
    for i, path in enumerate(away):
        shutil.move(path, tmp_path / f"held{i}")
    build(made)
    for i, path in enumerate(away):
        shutil.move(tmp_path / f"held{i}", path)
    told = build(made)
    assert told["unlearned"] == ["health.pupil_checkups"]
    assert told["model"] == 1
    assert build(made, retrain=True)["unlearned"] == []


def test_an_older_city_keeps_its_persons(tmp_path: Path) -> None:
    """Links whose ids were texts (an identity number, a record) are taken over: who was one person stays one."""
    made = City(make_demo(tmp_path / "city", children=300))
    build(made)
    vault, number = Vault(made), made.require_current().number
    table = vault.read_table(f"links/{number}")
    old = [None if i is None else f"record:{i}" for i in table.column("spine_id").to_pylist()]
    at = table.column_names.index("spine_id")
    vault.write_table(f"links/{number}", table.set_column(at, "spine_id", pa.array(old, pa.string())))
    shutil.rmtree(made.vault / "standing")
    told = build(made)
    assert told["minted"] == 0 or told["kept"] > 0.9 * told["persons"]
    assert told["records_moved"] == 0


def test_a_damaged_standing_spine_is_made_again(grown: tuple[City, dict[str, str], dict[str, Any]]) -> None:
    city, _, _ = grown
    before = ids(city)
    path = city.vault / "standing" / str(city.require_current().number) / "edges.sealed"
    path.write_bytes(path.read_bytes()[:-10])
    told = build(city)
    assert told["units_resolved"] == told["units"]
    assert told["records_moved"] == 0
    assert ids(city) == before
