"""Records of one table or of several grouped by person, through the public function."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import commonground
from commonground.errors import ContractError
from commonground.people.clusters_score import pairwise
from commonground.people.groups import COMPLETE, unseen
from commonground.people.numbers import check_character

FIELDS = {"name": "person_name", "birth": "birth_date", "village": "category"}


def _world(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    surname, one, two = (
        np.array(list(t)) for t in ("王李张刘陈杨黄吴", "明伟芳娜敏静丽强磊建国玉", "军洋勇艳杰娟涛超霞兰平波")
    )
    names = [a + b + c for a, b, c in zip(rng.choice(surname, n), rng.choice(one, n), rng.choice(two, n), strict=True)]
    births = np.datetime64("1960-01-01") + rng.integers(0, 20_000, n)
    body = [f"529905{str(d).replace('-', '')}{k % 1000:03d}" for k, d in enumerate(births)]
    return pa.table(
        {
            "unique_id": np.arange(n).astype(str),
            "name": names,
            "birth": births.astype(str),
            "village": rng.integers(0, 40, n).astype(str),
            "no": [b + check_character(b) for b in body],
        }
    )


def _copy(table: pa.Table, rows: np.ndarray, seed: int) -> pa.Table:
    """The same people with a wrong village in one of five and no number in half of the rows."""
    rng = np.random.default_rng(seed)
    out = table.take(pa.array(rows))
    village = np.array(out["village"].to_pylist())
    village[rng.random(len(rows)) < 0.2] = "99"
    number = [None if r < 0.5 else v for r, v in zip(rng.random(len(rows)), out["no"].to_pylist(), strict=True)]
    return out.set_column(3, "village", pa.array(village)).set_column(4, "no", pa.array(number, pa.string()))


def test_three_tables_come_together_and_a_person_stands_once_in_each() -> None:
    world = _world(400, 1)
    tables = [world, _copy(world, np.arange(0, 300), 2), _copy(world, np.arange(100, 400), 3)]
    found = commonground.cluster_tables(tables, fields=FIELDS)
    assert found.column_names == ["table", "id", "cluster"]
    assert found.num_rows == 1000
    assert pairwise(found["cluster"], found["id"]).f1 > 0.99
    seen = list(zip(found["cluster"].to_pylist(), found["table"].to_pylist(), strict=True))
    assert len(seen) == len(set(seen))
    told = {k.decode(): json.loads(v) for k, v in found.schema.metadata.items()}
    assert told["blocking"]["rules"]
    assert set(told["refused"]) == {"once", "conflict", "against"}


def test_duplicates_are_allowed_where_they_are_declared() -> None:
    world = _world(300, 4)
    twice = pa.concat_tables([world, world.slice(0, 30)])
    strict = commonground.cluster_tables([twice, world], fields=FIELDS)
    loose = commonground.cluster_tables([twice, world], fields=FIELDS, once=[False, True])
    assert pairwise(loose["cluster"], loose["id"]).f1 > 0.99
    of_first = strict.filter(pa.array(np.array(strict["table"].to_pylist()) == 0))
    assert len(set(of_first["cluster"].to_pylist())) == twice.num_rows
    assert json.loads(strict.schema.metadata[b"refused"])["once"] > 0


def test_two_valid_numbers_never_become_one_person() -> None:
    world = _world(300, 5)
    other = [b[:14] + "999" for b in world["no"].to_pylist()]
    wrong = world.set_column(4, "no", pa.array([b + check_character(b) for b in other]))
    unnumbered = world.set_column(4, "no", pa.nulls(300, pa.string()))
    fields = {**FIELDS, "no": "id_number"}
    found = commonground.cluster_tables([world, wrong, unnumbered], fields=fields)
    number = np.array([*world["no"].to_pylist(), *wrong["no"].to_pylist()])
    cluster = np.array(found["cluster"].to_pylist())[:600]
    for c in np.unique(cluster):
        assert len(set(number[cluster == c])) == 1
    assert json.loads(found.schema.metadata[b"refused"])["conflict"] > 0


def test_persons_do_not_depend_on_the_order_of_the_rows() -> None:
    world = _world(200, 6)
    table = pa.concat_tables([world, _copy(world, np.arange(0, 150), 7)])
    table = table.set_column(0, "unique_id", pa.array(np.arange(350).astype(str)))
    mixed = table.take(pa.array(np.random.default_rng(8).permutation(350)))

    def persons(found: pa.Table) -> set[frozenset[str]]:
        cluster, ids = np.array(found["cluster"].to_pylist()), np.array(found["id"].to_pylist())
        return {frozenset(ids[cluster == c].tolist()) for c in np.unique(cluster)}

    one, two = (commonground.cluster_tables(t, fields=FIELDS) for t in (table, mixed))
    assert persons(one) == persons(two)
    assert one["cluster"].to_pylist()[0] == 0


def test_what_cannot_be_grouped_is_said() -> None:
    world = _world(5, 9)
    for call, words in (
        (lambda: commonground.cluster_tables([], fields=FIELDS), "No table"),
        (lambda: commonground.cluster_tables([world, world], fields=FIELDS, once=[True]), "1 values for 2 tables"),
        (lambda: commonground.cluster_tables([world, world.drop_columns(["birth"])], fields=FIELDS), "“birth”"),
        (lambda: commonground.cluster_tables(world, fields={"none": "text"}), "“none”"),
        (lambda: commonground.cluster_tables(world, fields=FIELDS, threshold=1.0), "between 0 and 1"),
    ):
        with pytest.raises(ContractError, match=words):
            call()
    assert commonground.cluster_tables(world.slice(0, 0), fields=FIELDS).num_rows == 0
    assert commonground.cluster_tables(world.slice(0, 1), fields=FIELDS)["cluster"].to_pylist() == [0]


def test_pairs_that_no_rule_found_are_looked_at_within_a_group_but_not_in_a_crowd() -> None:
    a, b = np.array([0, 1, 5, 6]), np.array([1, 2, 6, 7])
    x, y = unseen(8, a, b, np.array([True, True, True, False]))
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [(0, 2)]
    many = np.arange(COMPLETE)
    x, _ = unseen(COMPLETE + 1, many, many + 1, np.ones(COMPLETE, dtype=bool))
    assert len(x) == 0


def test_names_that_are_exchanged_count_for_one_person() -> None:
    rng = np.random.default_rng(10)
    syllables = np.array(["ka", "lo", "mi", "ter", "an", "wes", "bru", "do", "fen", "gal", "hu", "jor"])
    first, last = (["".join(rng.choice(syllables, 3)) for _ in range(300)] for _ in range(2))
    year = rng.integers(1950, 2000, 300).astype(str).tolist()
    a = pa.table({"first": first, "last": last, "born": year})
    b = pa.table({"first": last[:40] + first[40:], "last": first[:40] + last[40:], "born": year})
    fields = {"first": "given_name", "last": "surname", "born": "birth_date"}
    found = commonground.link_tables(a, b, fields=fields)
    right = sum(x == y for x, y in zip(found["left_id"].to_pylist(), found["right_id"].to_pylist(), strict=True))
    assert right == found.num_rows >= 298
