"""The examples of the reference: every function has one, and DuckDB and Python agree on each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from commonground.engine import Engine
from commonground.variables.check import check
from commonground.variables.evaluate import evaluate, simplify, sql
from commonground.variables.examples import EXAMPLES, KINDS, parsed
from commonground.variables.functions import FUNCTIONS

TYPES = {"number": pa.float64(), "text": pa.string(), "date": pa.date32(), "boolean": pa.bool_()}


def test_every_function_has_an_example() -> None:
    assert set(EXAMPLES) == set(FUNCTIONS) - {"area_is_urban"}  # that one is for sources only


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_gives_the_same_in_sql(duck: Engine, name: str) -> None:
    for text, values in EXAMPLES[name]:
        node = parsed(text)
        kind = check(node, KINDS, "example").type
        row: dict[str, Any] = {n: values.get(n) for n in KINDS}
        duck.add_table("example", pa.table({n: pa.array([v], TYPES[KINDS[n].type]) for n, v in row.items()}))
        got = duck.rows(f"SELECT {sql(simplify(node), duck.dialect, kind)} FROM example")
        assert got == [(evaluate(node, values),)], (text, values)
