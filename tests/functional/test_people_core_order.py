"""Links do not depend on the order of rows, on how many threads work, or on sure pairs going first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from commonground.city import EngineSettings
from commonground.engine import DuckEngine
from commonground.people import pairs
from commonground.people.core.join import find_pairs, patterns_of
from commonground.people.fields import read_fields
from commonground.people.rules import given

FIELDS = {"name": "person_name", "birth": "birth_date", "village": "address", "sex": "category"}
RULES = [["name:sound", "birth:year"], ["birth:day", "village:county"], ["name:given", "village:village"]]
N = 3000


def people(rows: np.ndarray, seed: int) -> pa.Table:
    """The same people for the same rows; another seed writes them with other slips."""
    rng = np.random.default_rng(1)
    surname, one, two = (
        np.array(list(t)) for t in ("王李张刘陈杨曾覃单", "明伟芳娜敏静丽强磊安", "军洋勇艳杰娟涛超霞先")
    )
    parts = [rng.choice(x, N) for x in (surname, one, two)]
    day = np.datetime64("2008-01-01") + rng.integers(0, 3000, N)
    village = rng.integers(0, 300, N)
    sex = rng.integers(1, 3, N)
    slip = np.random.default_rng(seed)
    wrong = slip.random(N) < 0.1
    parts[2] = np.where(wrong, slip.choice(two, N), parts[2])
    day = np.where(slip.random(N) < 0.05, day + 1, day)
    made = {
        "unique_id": np.arange(N),
        "name": np.char.add(np.char.add(parts[0], parts[1]), parts[2]),
        "birth": day.astype(str),
        "village": np.char.add("5299011", np.char.zfill(village.astype(str), 5)),
        "sex": sex.astype(str),
    }
    return pa.table({k: v[rows] for k, v in made.items()})


def links(left: pa.Table, right: pa.Table, engine: DuckEngine) -> list[tuple[int, int, float, float]]:
    found = pairs.link_tables(left, right, fields=FIELDS, rules=RULES, threshold=0.01, engine=engine)
    return sorted(zip(*(found[c].to_pylist() for c in ("left_id", "right_id", "weight", "probability")), strict=True))


def test_order_of_rows_and_threads_make_no_difference() -> None:
    rows = np.arange(N)
    turned = np.random.default_rng(7).permutation(N)
    told = []
    for order, threads in ((rows, 1), (rows, 2), (turned, 2)):
        engine = DuckEngine(EngineSettings(memory="1GB", threads=threads))
        told.append(links(people(order, 2), people(order[::-1], 3), engine))
        engine.close()
    assert len(told[0]) > 0.9 * N
    assert np.mean([a == b for a, b, _, _ in told[0]]) > 0.98
    assert told[0] == told[1]
    assert [x[:2] for x in told[0]] == [x[:2] for x in told[2]]
    assert [x[2] for x in told[2]] == pytest.approx([x[2] for x in told[0]], abs=1e-9)
    assert [x[3] for x in told[2]] == pytest.approx([x[3] for x in told[0]], abs=1e-9)


def test_sure_pairs_that_go_first_take_nothing_from_others() -> None:
    left, right = people(np.arange(N), 2), people(np.arange(N), 3)
    fields = read_fields(left, right, FIELDS)
    plan = given(fields, np.arange(N), np.arange(N, 2 * N), RULES, 10**7)
    layout = patterns_of(fields)
    engine = DuckEngine(EngineSettings(memory="1GB", threads=1))

    def sure(pattern: np.ndarray) -> np.ndarray:
        return np.asarray((layout.levels(pattern) == [7, 9, 5, 2]).all(axis=1))

    whole, rest = (set(zip(*(x.tolist() for x in find_pairs(engine, fields, plan, N, False, s)), strict=True))
                   for s in (None, sure))  # fmt: skip
    engine.close()
    assert rest < whole
    settled = {(a, b) for a, b, p in rest if sure(np.array([p]))[0]}
    assert len(settled) > 0.5 * N
    gone = ({a for a, _ in settled}, {b for _, b in settled})
    for a, b, _ in whole - rest:  # only pairs of somebody who is settled are missing
        assert a in gone[0] or b in gone[1]
