"""Deliveries that come one after the other: whatever the order, the same persons as in one whole build."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from test_people_synthetic import FACTS, FIELDS, town

from commonground.governance.keys import KeyRing
from commonground.governance.vault import Vault
from commonground.people.collapse import collapse, represent
from commonground.people.frozen import Frozen
from commonground.people.gather import gather
from commonground.people.spine import Given, Spine, build
from commonground.people.stable import marks, stable
from commonground.people.standing import store


@dataclass
class Built:
    """A spine, the marks by which its units are found again, and the records of each row."""

    spine: Spine
    key: np.ndarray
    mark: np.ndarray
    persons: set[frozenset[int]]


def link(tables: dict[str, pa.Table], frozen: Frozen | None, before: Built | None = None) -> Built:
    """Link tables, all of them or onto what stands."""
    gathered = gather(tables, FACTS, FIELDS)
    unit = collapse(gathered.people)
    keyed, _ = represent(stable(gathered.people, gathered.texts, gathered.ids), unit)
    mark, place = marks(keyed), None
    if before is not None:
        there = {(k, m): i for i, (k, m) in enumerate(zip(keyed.record.tolist(), mark.tolist(), strict=True))}
        old = zip(before.key.tolist(), before.mark.tolist(), strict=True)
        place = np.array([there.get(pair, -1) for pair in old], dtype=np.int64)
    standing = before.spine.standing if before else None
    given = Given(gathered.sources, keyed, keyed.record, frozen, before=standing, place=place)
    spine, of = build(gathered.people, unit, given)
    people: dict[int, set[int]] = {}
    for person, record in zip(spine.entity[of].tolist(), gathered.people.record.tolist(), strict=True):
        people.setdefault(person, set()).add(record)
    return Built(spine, keyed.record, mark, {frozenset(p) for p in people.values()})


@pytest.fixture(scope="module")
def city() -> tuple[dict[str, pa.Table], Frozen]:
    """A small town in four deliveries and the model that it gives."""
    tables, _, _ = town(120, 11)
    return tables, link(tables, None).spine.frozen


def test_any_order_of_deliveries_gives_the_same_persons(city: tuple[dict[str, pa.Table], Frozen]) -> None:
    tables, frozen = city
    whole = link(tables, frozen)
    assert len(whole.persons) < len(whole.key)
    for order in permutations(sorted(tables)):
        built = None
        for name in order:
            so_far = {n: tables[n] for n in order[: order.index(name) + 1]}
            built = link(so_far, frozen, built)
            if len(so_far) == 2 and order[0] < order[1]:
                assert built.persons == link(so_far, frozen).persons, order
        assert built is not None
        assert built.persons == whole.persons, order
        assert np.array_equal(built.spine.probability, whole.spine.probability)
        assert np.array_equal(built.spine.method, whole.spine.method)


def test_only_what_is_touched_is_resolved_again(city: tuple[dict[str, pa.Table], Frozen]) -> None:
    tables, frozen = city
    before = {**tables, "c.visits": tables["c.visits"].slice(5)}
    one = link(before, frozen)
    two = link(tables, frozen, one)
    assert 5 <= len(two.spine.fresh) < 0.2 * len(two.key)
    assert two.persons == link(tables, frozen).persons


def test_records_that_go_or_change_leave_the_persons_of_a_whole_build(
    city: tuple[dict[str, pa.Table], Frozen],
) -> None:
    tables, frozen = city
    whole = link(tables, frozen)
    roll = tables["b.roll"]
    fewer = {**tables, "b.roll": roll.slice(7)}
    assert link(fewer, frozen, whole).persons == link(fewer, frozen).persons
    names = roll.column("name").to_pylist()
    names[:5] = ["覃无名"] * 5
    other = {**tables, "b.roll": roll.set_column(roll.column_names.index("name"), "name", pa.array(names))}
    assert link(other, frozen, whole).persons == link(other, frozen).persons


def test_a_value_that_thousands_share_makes_no_explosion_of_pairs(city: tuple[dict[str, pa.Table], Frozen]) -> None:
    """A delivery in which everybody has one name, birth and telephone, unknown when the model was learnt."""
    tables, frozen = city
    one = link(tables, frozen)
    size = 3_000
    same = {"delivery": "2025-12-01", "file": "f", "sheet": "", "status": "record", "name": "罗无名", "sex": "1"}
    crowd = pa.table(
        {
            "record_id": pa.array(range(10**6, 10**6 + size)),
            **{k: pa.array([v] * size) for k, v in same.items()},
            "birth": pa.array(["2014-01-01"] * size).cast(pa.date32()),
            "phone": pa.array(["12500000000"] * size),
        }
    )
    grown = {**tables, "c.visits": pa.concat_tables([tables["c.visits"], crowd], promote_options="default")}
    two = link(grown, frozen, one)
    assert len(two.spine.standing.edges) < 20 * len(two.key)
    assert two.persons == link(grown, frozen).persons
    # and once they are gone, all is as it was
    assert link(tables, frozen, two).persons == one.persons


def test_a_standing_spine_reads_back_as_it_was_kept(city: tuple[dict[str, pa.Table], Frozen], tmp_path: Path) -> None:
    tables, frozen = city
    built = link({n: t for n, t in tables.items() if n != "c.visits"}, frozen)
    settings = SimpleNamespace(keys=tmp_path / "keys")
    vault = Vault(SimpleNamespace(vault=tmp_path / "vault", settings=settings))  # type: ignore[arg-type]
    KeyRing(settings.keys).get("vault")
    n = len(built.key)
    records = np.stack([built.key, np.arange(n), np.arange(n)])
    store.save(vault, 3, store.Kept(built.spine.standing, built.key, built.mark, records, {"model": 1}))
    model, _ = store.save_model(vault, frozen, 1)
    said = store.about(vault, 3)
    assert said is not None
    again = store.load(vault, 3, said)
    read = store.load_model(vault)
    assert read is not None
    assert read.thresholds == model.thresholds
    from_vault = Built(built.spine, again.key, again.mark, set())
    from_vault.spine.standing = again.standing
    assert link(tables, read, from_vault).persons == link(tables, frozen).persons
    for path in (tmp_path / "vault").rglob("*.sealed"):
        assert "王".encode() not in path.read_bytes()
