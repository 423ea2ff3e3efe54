"""The formula grammar reads as R's does."""

from __future__ import annotations

import pytest

from commonground.errors import StudyError
from commonground.study.formula import RandomTerm, parse


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("y ~ 1 + (1 | g)", [()]),
        ("y ~ a + b + (1 | g)", [(), ("a",), ("b",)]),
        ("y ~ a * b + (1 | g)", [(), ("a",), ("b",), ("a", "b")]),
        ("y ~ a:b + a + (1 | g)", [(), ("a",), ("a", "b")]),
        ("y ~ m * c + s * c + (c | g)", [(), ("m",), ("c",), ("s",), ("m", "c"), ("c", "s")]),
        ("y ~ (a + b + c)^2 + (1 | g)", [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]),
        ("y ~ a * b * c - a:b:c + (1 | g)", [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]),
        ("y ~ a / b + (1 | g)", [(), ("a",), ("a", "b")]),
        ("y ~ 0 + a + (1 | g)", [("a",)]),
        ("y ~ a - 1 + (1 | g)", [("a",)]),
        ("y ~ a + a + (1 | g)", [(), ("a",)]),
        ("成绩 ~ 性别 + `入学 年龄` + (1 | 学校)", [(), ("性别",), ("入学 年龄",)]),
    ],
)
def test_fixed_terms(text: str, fixed: list[tuple[str, ...]]) -> None:
    assert list(parse(text).fixed) == fixed


@pytest.mark.parametrize(
    ("text", "random"),
    [
        ("y ~ 1 + (1 | g)", [(((),), ("g",))]),
        ("y ~ 1 + (x | g)", [(((), ("x",)), ("g",))]),
        ("y ~ 1 + (1 + x | g)", [(((), ("x",)), ("g",))]),
        ("y ~ 1 + (0 + x | g)", [((("x",),), ("g",))]),
        ("y ~ 1 + (x - 1 | g)", [((("x",),), ("g",))]),
        ("y ~ 1 + (x || g)", [(((),), ("g",)), ((("x",),), ("g",))]),
        ("y ~ 1 + (1 | a/b)", [(((),), ("b", "a")), (((),), ("a",))]),
        ("y ~ 1 + (1 | a:b)", [(((),), ("a", "b"))]),
        ("y ~ 1 + (1 | a) + (1 | b)", [(((),), ("a",)), (((),), ("b",))]),
    ],
)
def test_random_terms(text: str, random: list[tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]]) -> None:
    assert parse(text).random == tuple(RandomTerm(terms, group) for terms, group in random)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "y",
        "y ~",
        "y ~ a +",
        "y ~ (1 | )",
        "y ~ (1 | g",
        "y ~ a b",
        "y ~ a $ b",
        "y ~ (0 | g)",
        "y ~ a^b",
        "y ~ (1 | g) + (1 | g)",
        "y ~ (1 | g))",
        "1 ~ a",
    ],
)
def test_a_formula_that_cannot_be_read_says_where(text: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse(text)
    assert caught.value.where == text
    assert caught.value.why is not None
    assert caught.value.message("zh").startswith("模型公式写法有误")


def test_variables_each_once() -> None:
    assert parse("y ~ a * b + (1 + a | s/c)").variables == ("y", "a", "b", "c", "s")
