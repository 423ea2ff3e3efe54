"""Every function on DuckDB, Spark and plain Python: the same values, unknowns included."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonground.engine import Engine
from commonground.variables.check import check
from commonground.variables.evaluate import evaluate, simplify, sql
from commonground.variables.functions import FUNCTIONS
from commonground.variables.language import Call, Const, Name, Node

from .cases import EXPRESSIONS, FLAGS, KINDS, NUMBERS, TABLES, TEXTS, arrow, parsed, rows
from .conftest import Tally


def compare(engine: Engine, nodes: list[tuple[Node, str]], persons: list[dict[str, Any]], tally: Tally) -> None:
    """Evaluate all expressions in one query and each person in Python."""
    engine.add_table("people", arrow(persons))
    columns = [f"{sql(simplify(node), engine.dialect, kind)} AS r{i}" for i, (node, kind) in enumerate(nodes)]
    got = {r[0]: r[1:] for r in engine.rows(f"SELECT id, {', '.join(columns)} FROM people")}
    assert len(got) == len(persons)
    before = len(tally.failures)  # those of an earlier example do not make this one fail, so that it can be shrunk
    for person in persons:
        for (node, _), value in zip(nodes, got[person["id"]], strict=True):
            tally.same(f"{engine.name} {node} {person}", value, evaluate(node, person))
    assert not tally.failures[before:], "\n".join(tally.failures[before : before + 5])


def all_cases() -> list[tuple[Node, str]]:
    made = []
    for kind, texts in EXPRESSIONS.items():
        for text in texts:
            node = parsed(text)
            assert check(node, KINDS, "case").type == kind
            made.append((node, kind))
    return made


def functions_in(node: Node) -> set[str]:
    if not isinstance(node, Call):
        return set()
    return {node.function}.union(*(functions_in(a) for a in node.args))


def test_every_function_is_compared() -> None:
    used = set().union(*(functions_in(n) for n, _ in all_cases()))
    # area_is_urban is put in from the city's settings before anything is evaluated.
    assert used == set(FUNCTIONS) - {"area_is_urban"}


def test_duckdb_equals_python(duck: Engine, tally: Tally) -> None:
    compare(duck, all_cases(), rows(), tally)
    assert tally.attempted > 10_000


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_spark_equals_python(spark: Engine, tally: Tally) -> None:
    compare(spark, all_cases(), rows(), tally)
    assert tally.attempted > 10_000


def test_simplified_means_the_same(tally: Tally) -> None:
    for node, _ in all_cases():
        for person in rows():
            tally.same(str(node), evaluate(simplify(node), person), evaluate(node, person))
    assert not tally.failures, "\n".join(tally.failures[:5])


def test_whether_something_is_known_is_settled_also_of_constants() -> None:
    unknown = Call("is_known", (Call("count", (Const(None), Const(True))),))
    assert simplify(unknown) == Const(evaluate(unknown, {})) == Const(False)
    assert simplify(Call("known", (unknown, Name("b")))) == Const(False)


# ---------- random definitions on random people

GIVEN = {
    "number": st.sampled_from(["x", "y"]).map(Name) | st.sampled_from(NUMBERS[1:]).map(Const),
    "text": st.sampled_from(["s", "t"]).map(Name) | st.sampled_from(TEXTS[1:]).map(Const),
    "date": st.sampled_from(["d", "e"]).map(Name),
    "boolean": st.sampled_from(["b", "c"]).map(Name) | st.sampled_from(FLAGS).map(Const),
}


FIXED = {
    "table": st.sampled_from(["t.step", "t.equal"]).map(lambda n: Const(TABLES[n])),
    "set": st.sampled_from(["l.group", "l", "l.all"]).map(lambda n: Const(TABLES[n])),
}


def tree(kind: str, depth: int) -> st.SearchStrategy[Node]:
    """Random expressions of a type."""
    if depth == 0:
        return GIVEN[kind]
    deeper = {k: tree(k, depth - 1) for k in GIVEN} | FIXED
    same = st.one_of(
        st.tuples(deeper["boolean"], deeper[kind], deeper[kind]).map(lambda a: Call("if", a)),
        st.tuples(deeper[kind], deeper[kind]).map(lambda a: Call("known", a)),
    )
    return GIVEN[kind] | same | st.one_of([_calls(f, a, deeper) for f, a in MAKERS[kind]])


def _calls(
    names: list[str], args: tuple[str, ...], deeper: dict[str, st.SearchStrategy[Node]]
) -> st.SearchStrategy[Node]:
    return st.tuples(st.sampled_from(names), st.tuples(*(deeper[a] for a in args))).map(lambda p: Call(p[0], p[1]))


NUM2 = ("number", "number")
MAKERS: dict[str, list[tuple[list[str], tuple[str, ...]]]] = {
    "boolean": [
        (["and", "or", "any", "all"], ("boolean", "boolean")),
        (["not"], ("boolean",)),
        (["==", "!=", "<", "<=", ">", ">="], NUM2),
        (["==", "!=", "<", "<=", ">", ">="], ("date", "date")),
        (["==", "!="], ("text", "text")),
        (["is_known"], ("number",)),
        (["starts"], ("text", "text")),
        (["between"], ("number", "number", "number")),
        (["in_codelist"], ("set", "text")),
        (["in_codelist"], ("set", "text", "date")),
    ],
    "number": [
        (["+", "-", "*", "/", "min", "max"], NUM2),
        (["negative", "abs", "floor", "round"], ("number",)),
        (["months_between", "days_between", "age_on"], ("date", "date")),
        (["length"], ("text",)),
        (["count"], ("boolean", "boolean")),
        (["lookup"], ("table", "text", "number")),
    ],
    "text": [],
    "date": [],
}
MAKERS["text"] = [(["known"], ("text", "text"))]
MAKERS["date"] = [(["known"], ("date", "date"))]


def definitions() -> st.SearchStrategy[list[tuple[Node, str]]]:
    one = st.one_of([tree(k, 3).map(lambda n, k=k: (n, k)) for k in ("boolean", "number")])
    return st.lists(one, min_size=1, max_size=6)


def settled(nodes: list[tuple[Node, str]]) -> list[tuple[Node, str]]:
    """Leave out what is only a constant: there is nothing to compute."""
    return [(n, k) for n, k in nodes if not isinstance(simplify(n), Const)]


def examples(config: pytest.Config, short: int, long: int) -> int:
    return long if config.getoption("--conformance") else short


def test_random_definitions_on_duckdb(duck: Engine, tally: Tally, request: pytest.FixtureRequest) -> None:
    people = rows()[::5]

    @settings(
        max_examples=examples(request.config, 40, 2000), derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(definitions())
    def agrees(nodes: list[tuple[Node, str]]) -> None:
        if settled(nodes):
            compare(duck, settled(nodes), people, tally)

    agrees()
    assert tally.attempted > 1000


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_random_definitions_on_spark(spark: Engine, tally: Tally, request: pytest.FixtureRequest) -> None:
    people = rows()[::7]

    @settings(
        max_examples=examples(request.config, 3, 60), derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(definitions(), min_size=4, max_size=6))
    def agrees(many: list[list[tuple[Node, str]]]) -> None:
        nodes = settled([n for part in many for n in part])
        if nodes:
            compare(spark, nodes, people, tally)

    agrees()
    assert tally.attempted > 500
