"""Blocking rules chosen from the data: pairs counted before any join, nothing explodes."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import commonground
from commonground.city import EngineSettings
from commonground.engine import DuckEngine
from commonground.errors import ContractError
from commonground.people.choice import choose
from commonground.people.core.join import find_pairs
from commonground.people.fields import read_fields
from commonground.people.rules import CROWD, given


def _people(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    surname, one, two = (np.array(list(t)) for t in ("王李张刘陈杨", "明伟芳娜敏静丽强磊", "军洋勇艳杰娟涛超霞"))
    names = [a + b + c for a, b, c in zip(rng.choice(surname, n), rng.choice(one, n), rng.choice(two, n), strict=True)]
    births = np.datetime64("2008-01-01") + rng.integers(0, 3000, n)
    return pa.table({"name": names, "birth": births.astype(str).tolist(), "sex": rng.choice(["1", "2"], n).tolist()})


def _all_pairs(fields, plan, n: int) -> set[tuple[int, int]]:  # type: ignore[no-untyped-def]
    """Every pair that a rule asks for, found by looking at each."""
    parts = {p.name: p.key.tolist() for f in fields for p in f.parts}
    found = set()
    for rule in plan.rules:
        keys = [tuple(parts[p][i] for p in rule.parts) for i in range(2 * n)]
        found |= {(i, j) for i in range(n) for j in range(n, 2 * n) if keys[i] == keys[j] and min(keys[i]) >= 0}
    return found


def test_rules_find_what_they_say_and_count_it_before() -> None:
    n = 150
    fields = read_fields(_people(n, 1), _people(n, 2), {"name": "姓名", "birth": "出生日期", "sex": "类别"})
    left, right = np.arange(n), np.arange(n, 2 * n)
    plan = choose(fields, left, right, 4000)
    engine = DuckEngine(EngineSettings(memory="1GB", threads=1))
    a, b, _ = find_pairs(engine, fields, plan, n, False)
    engine.close()
    pairs = set(zip(a.tolist(), (b + n).tolist(), strict=True))
    assert len(pairs) == len(a)
    assert pairs == _all_pairs(fields, plan, n)
    assert len(pairs) <= sum(r.pairs for r in plan.rules) <= plan.budget
    assert 0.9 < plan.found <= 1.0


def test_a_value_that_all_share_does_not_explode() -> None:
    n = 2 * CROWD
    table = pa.table({"name": ["王伟"] * n, "birth": ["2010-01-01"] * n})
    found = commonground.link_tables(table, table, fields={"name": "person_name", "birth": "birth_date"})
    assert found.num_rows == 0


def test_rules_given_are_kept_to_and_the_budget_holds() -> None:
    a, b = _people(200, 3), _people(200, 4)
    found = commonground.link_tables(a, b, fields={"name": "name", "birth": "date"}, rules=[["name", "birth:year"]])
    plan = json.loads(found.schema.metadata[b"blocking"])
    assert [r["parts"] for r in plan["rules"]] == [["name:sound", "birth:year"]]
    with pytest.raises(ContractError, match="budget of 10"):
        commonground.link_tables(a, b, fields={"sex": "category", "name": "name"}, rules=[["sex"]], pair_budget=10)
    with pytest.raises(ContractError, match="name:sond"):
        commonground.link_tables(a, b, fields={"name": "name"}, rules=[["name:sond"]])
    with pytest.raises(ContractError, match="No column"):
        commonground.link_tables(a, b, fields=[])


def test_crowded_values_are_told() -> None:
    n = CROWD + 5
    table = pa.table({"name": ["王伟"] * n + ["李芳"], "birth": ["2010-01-01"] * (n + 1)})
    fields = read_fields(table, table, {"name": "name"})
    plan = given(fields, np.arange(n + 1), np.arange(n + 1, 2 * n + 2), [["name"]], 1000)
    assert plan.rules[0].pairs == 1
    assert plan.rules[0].left_out == pytest.approx(n / (n + 1))
    assert "1" in plan.sentence("zh")
    assert "budget 1,000" in plan.sentence("en")


def test_an_empty_table_links_to_nobody() -> None:
    table = _people(5, 1)
    assert commonground.link_tables(table.slice(0, 0), table, fields=["name", "birth"]).num_rows == 0
    assert commonground.link_tables(table, table.slice(0, 0), fields=["name", "birth"]).num_rows == 0


def test_dates_in_every_shape_and_damaged_numbers_meet() -> None:
    number = "52990520140315002"
    from commonground.people.numbers import check_character

    whole = number + check_character(number)
    a = pa.table({"name": ["王小明", "李芳"], "birth": ["2014-03-15", "2012-02-01"], "no": [whole, None]})
    b = pa.table({"name": ["王小明", "李芳"], "birth": ["2014年3月15日", "20120201"], "no": [whole[:15], None]})
    fields = read_fields(a, b, {"name": "person_name", "birth": "birth_date", "no": "id_number"})
    levels = [f.compare(np.array([0, 1]), np.array([2, 3])).tolist() for f in fields]
    assert levels == [[7, 7], [9, 9], [3, 0]]
    assert [f.word(lv).zh for f, (lv, _) in zip(fields, levels, strict=True)] == ["同字", "同日", "前十五位相同"]


def test_more_columns_than_a_pattern_can_tell_apart_are_refused() -> None:
    table = pa.table({f"c{k}": ["a", "b"] for k in range(40)})
    with pytest.raises(ContractError, match="Too many columns"):
        commonground.link_tables(table, table, fields={c: "category" for c in table.column_names})
