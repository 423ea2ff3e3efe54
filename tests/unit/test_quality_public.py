"""What the public page may tell of quality checks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from commonground.publish.judged import public_checks


@pytest.mark.parametrize(
    ("numerator", "denominator", "verdict", "shown"),
    [
        (2, 100, "fail", "warn"),  # "fail" above 1% of 100 rows, hidden as <10, would say 2 to 9, not 1
        (95, 100, "fail", "warn"),  # all but five
        (10, 100, "fail", "fail"),
        (1, 121, "warn", "warn"),
        (0, 121, "pass", "pass"),
    ],
)
def test_a_verdict_tells_no_small_count(numerator: int, denominator: int, verdict: str, shown: str) -> None:
    row = {"verdict": verdict, "trend": [{"numerator": numerator, "denominator": denominator}]}
    policy = SimpleNamespace(cell_threshold=10)
    inputs = SimpleNamespace(checks=(row,), city=SimpleNamespace(policy=policy))
    assert [r["verdict"] for r in public_checks(cast(Any, inputs))] == [shown]
