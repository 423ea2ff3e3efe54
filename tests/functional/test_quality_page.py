"""Quality checks of the demo city: stored with the version, judged by the command, shown on the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cities import Ran

pytestmark = pytest.mark.xdist_group("demo")


def _data(city: Path, name: str) -> list[dict[str, Any]]:
    path = city / "releases" / "current" / "public" / "data" / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows


def _told(command: Callable[..., Ran], city: Path) -> list[dict[str, Any]]:
    done = command("quality", city, "--json")
    assert done.code == 0, done.err
    checks: list[dict[str, Any]] = json.loads(done.out)["checks"]
    return checks


def test_counts_are_part_of_the_version(demo_city: Path) -> None:
    version = demo_city / "warehouse" / "versions" / (demo_city / "warehouse" / "current").read_text()
    assert "quality/checks.parquet" in json.loads((version / "manifest.json").read_text(encoding="utf-8"))["tables"]
    table = pq.read_table(version / "quality" / "checks.parquet")
    assert table.num_rows > 1000
    assert all(n <= d or s is not None or c in ("row_count", "roll_total") for n, d, s, c in zip(
        *(table[k].to_pylist() for k in ("numerator", "denominator", "statistic", "type")), strict=True
    ))  # fmt: skip


def test_the_page_tells_the_verdicts_of_the_command(demo_city: Path, command: Callable[..., Ran]) -> None:
    told = _told(command, demo_city)
    shown = {row["dataset"]: row for row in _data(demo_city, "quality-checks")}
    assert set(shown) == {c["dataset"] for c in told}
    for dataset, row in shown.items():
        here = [_public(c) for c in told if c["dataset"] == dataset]
        for verdict in ("pass", "warn", "fail"):
            assert row[verdict] == here.count(verdict), (dataset, verdict)
        assert row["pass"] + row["warn"] + row["fail"] + row["other"] == len(here)
    for lang, words in (("zh", "逐项检查"), ("en", "Check by check")):
        page = (demo_city / "releases" / "current" / "public" / lang / "quality.html").read_text(encoding="utf-8")
        assert words in page
        assert 'id="quality-look"' in page


def _public(check: dict[str, Any]) -> str:
    """The verdict that the page may tell: limits are public, so "fail" must not bound a small count from below."""
    n, m = check["trend"][-1]["numerator"], check["trend"][-1]["denominator"]
    small = n < 10 or abs(m - n) < 10
    return "warn" if small and check["verdict"] == "fail" else str(check["verdict"])


def test_a_verdict_bounds_no_small_count(demo_city: Path, command: Callable[..., Ran]) -> None:
    told = {(c["dataset"], c["check"]): c for c in _told(command, demo_city)}
    for row in _data(demo_city, "quality-look"):
        assert row["verdict"] == _public(told[row["dataset"], row["check"]])


def test_small_counts_stay_inside_and_large_ones_are_rounded(demo_city: Path, command: Callable[..., Ran]) -> None:
    told = {(c["dataset"], c["check"], p["delivery"]): p for c in _told(command, demo_city) for p in c["trend"]}
    rows = _data(demo_city, "quality-look")
    assert len(rows) > 20
    small = 0
    for row in rows:
        true = told[row["dataset"], row["check"], row["delivery"]]
        for key in ("numerator", "denominator"):
            if true[key] < 10:
                assert row[key] is None
                small += 1
            else:
                assert row[key] % 5 == 0
                assert row[key] >= 10
                assert abs(row[key] - true[key]) <= 4
        assert not {"share", "value", "statistic"} & set(row), "a share would give a small count back"
    assert small > 2


def test_the_checks_find_what_the_demo_citys_clerks_did(demo_city: Path, command: Callable[..., Ran]) -> None:
    found = {(c["dataset"], c["check"]): c for c in _told(command, demo_city)}
    registry = found["education.student_registry", "repeated_delivery"]
    assert registry["verdict"] == "warn", "one county sent the same file twice"
    for check in ("not_future.bp_date2", "not_future.bp_date3", "in_order.bp_date2-bp_date3"):
        assert found["health.pupil_checkups", check]["verdict"] == "pass"
    assert found["health.adult_checkups", "not_future.check_date"]["verdict"] == "pass"
    assert found["education.school_census", "quotient.class_size-pupils-classes"]["verdict"] == "pass"
    assert found["education.student_registry", "roll_total.school_code"]["verdict"] == "pass"
    assert [p["verdict"] for p in found["education.student_registry", "row_count"]["trend"]] == [
        "not_applicable",
        "pass",
    ]


def test_what_went_back_to_the_departments_is_on_the_page_in_gated_counts(demo_city: Path) -> None:
    rows = _data(demo_city, "quality-returned")
    version = demo_city / "warehouse" / "versions" / (demo_city / "warehouse" / "current").read_text()
    kept = json.loads((version / "quality" / "returns.json").read_text(encoding="utf-8"))["counts"]
    true = {(r["dataset"], r["delivery"]): r for r in kept}
    assert len(rows) == len(true) > 0
    for row in rows:
        here = true[row["dataset"], row["delivery"]]
        waiting = here["items"] - here["settled"]
        if here["items"] < 10:
            assert row["items"] is None
        else:
            assert row["items"] % 5 == 0
        if 0 < min(waiting, here["settled"]) < 10:
            assert row["settled"] is None, "it would tell a small number"
    for lang, words in (("zh", "退回部门核对"), ("en", "Sent back to be verified")):
        page = (demo_city / "releases" / "current" / "public" / lang / "quality.html").read_text(encoding="utf-8")
        assert words in page
