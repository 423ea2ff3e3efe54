"""The linkage report of the demo city held against its truth, and draws of its uncertain links."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from cities import Ran
from commonground.city import City
from commonground.governance.vault import Vault
from commonground.people.quality.draws import candidate_links, draws
from commonground.people.quality.groups import AXES

KEY = ("department", "dataset", "delivery", "file", "sheet", "row_number")
pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def told(demo_city: Path, command: Callable[..., Ran]) -> dict[str, Any]:
    done = command("people", "report", demo_city, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.fixture(scope="module")
def truth(demo_city: Path) -> dict[int, str]:
    """True person of each record."""
    table = pq.read_table(demo_city / "truth" / "records.parquet")
    person = dict(
        zip(zip(*(table[k].to_pylist() for k in KEY), strict=True), table["person_id"].to_pylist(), strict=True)
    )
    city = City(demo_city)
    out: dict[int, str] = {}
    for name in city.require_current().tables():
        if name.startswith("records/"):
            records = pq.read_table(city.require_current().table(name), columns=["record_id", *KEY])
            keys = zip(*(records[k].to_pylist() for k in KEY), strict=True)
            out |= {r: person[k] for r, k in zip(records["record_id"].to_pylist(), keys, strict=True) if person.get(k)}
    return out


def _true_errors(demo_city: Path, truth: dict[int, str]) -> tuple[int, int]:
    """Joins that should have been made and were not, and persons that hold records of others; in persons."""
    city = City(demo_city)
    clusters: dict[str, set[str]] = {}
    holds: dict[str, set[str]] = {}
    for name in city.require_current().tables():
        table = city.require_current().table(name)
        if not name.startswith("records/") or "person_id" not in pq.read_schema(table).names:
            continue
        rows = pq.read_table(table, columns=["record_id", "person_id"]).to_pydict()
        for record, cluster in zip(rows["record_id"], rows["person_id"], strict=True):
            if cluster is not None and record in truth:
                clusters.setdefault(truth[record], set()).add(cluster)
                holds.setdefault(cluster, set()).add(truth[record])
    return sum(len(c) - 1 for c in clusters.values()), sum(len(h) - 1 for h in holds.values())


def test_estimated_precision_and_recall_hold_the_truth(
    told: dict[str, Any], demo_city: Path, truth: dict[int, str]
) -> None:
    """Tolerance: the true rate within the interval, or within 0.05 points of it.

    The demo city's misses are a handful in thirty thousand, some of them kinds that no test by hidden numbers can see
    (marks without any number).
    """
    whole = told["report"]["analysis"]["whole"]
    missed, wrong = _true_errors(demo_city, truth)
    right = whole["linked"] - wrong
    recall, precision = right / (right + missed), right / whole["linked"]
    print(f"true recall {recall:.5f} v. {whole['recall']}; true precision {precision:.5f} v. {whole['precision']}")
    for true, estimate in ((recall, whole["recall"]), (precision, whole["precision"])):
        assert estimate["low"] - 0.0005 <= true <= estimate["high"] + 0.0005
        assert estimate["low"] <= estimate["value"] <= estimate["high"]


def test_probabilities_mean_what_they_say_by_band(demo_city: Path, truth: dict[int, str]) -> None:
    """Of the links by weight in each band of probability, as many are right as expected, within chance.

    Tolerance: three standard deviations of a sum of Bernoulli draws, and three links for what is not independent.
    """
    city = City(demo_city)
    pairs = Vault(city).read_table(f"pairs/{city.require_current().number}")
    rows = {c: pairs[c].to_pylist() for c in ("left_record", "right_record", "probability", "chosen", "method")}
    some = [
        (p, truth.get(a) == truth.get(b))
        for a, b, p, chosen, method in zip(*rows.values(), strict=True)
        if chosen and method == "weight" and a in truth and b in truth
    ]
    probability, right = np.array([p for p, _ in some]), np.array([r for _, r in some])
    for low, high in ((0.0, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 0.999), (0.999, 1.01)):
        at = (probability >= low) & (probability < high)
        expected, spread = probability[at].sum(), np.sqrt((probability[at] * (1 - probability[at])).sum())
        print(f"{low}-{high}: {at.sum()} links, {expected:.1f} right expected, {right[at].sum()} right")
        assert abs(right[at].sum() - expected) <= 3 * spread + 3


def test_the_report_has_all_parts_of_guild(told: dict[str, Any]) -> None:
    report = told["report"]
    deliveries = report["provision"]["deliveries"]
    assert len(deliveries) == 10
    assert all(d["as_of"] and d["records"] and 0 <= d["holds"]["number"] <= d["records"] for d in deliveries)
    linkage = report["linkage"]
    assert linkage["model_version"] >= 1
    assert len(linkage["rules"]) > 10
    assert all(r["pairs"] >= 0 for r in linkage["rules"])
    assert 0 < linkage["kept_pairs"] < linkage["possible_pairs"]
    some = next(iter(linkage["models"].values()))["fields"]["name"]
    assert all(row["bits"] == pytest.approx(np.log2(row["m"] / row["u"])) for row in some)
    groups = {(g["axis"], g["group"]) for g in report["analysis"]["by_group"]}
    assert {("migrant", "yes"), ("parents_away", "yes"), ("name_form", "long"), ("county_type", "rural")} <= groups
    for row in report["analysis"]["by_group"]:
        for rate in (row["missed_rate"], row["false_rate"], row["link_rate"]):
            assert rate is None or 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
    for part in ("findings", "strengths", "limits"):
        assert told[part]
        assert all(s["zh"] and s["en"] for s in told[part])


def test_the_re_corruption_test_repeats_itself_and_is_kept(demo_city: Path, command: Callable[..., Ran]) -> None:
    first, second = (
        json.loads(command("people", "report", demo_city, "--recorrupt", "--sample", 60, "--json").out)
        for _ in range(2)
    )
    assert first["recorrupted"] == second["recorrupted"]
    found = first["recorrupted"]
    assert found["tried"] > 300
    assert sum(d["tried"] for d in found["by_delivery"]) == found["tried"]
    assert found["whole"]["recall"]["low"] > 0.95
    assert all(0 < r["number_missing"] < 0.5 for r in found["rates"])
    later = json.loads(command("people", "report", demo_city, "--json").out)
    assert later["recorrupted"] == found
    spoilt = command("people", "report", demo_city, lang="zh")
    assert "再次写错" in spoilt.out


def test_groups_are_kept_in_the_vault_for_reviews(demo_city: Path) -> None:
    city = City(demo_city)
    table = Vault(city).read_table(f"groups/{city.require_current().number}")
    assert table.column_names == ["record_id", *(axis.name for axis in AXES)]
    assert not list((demo_city / "warehouse").rglob("groups*"))


def test_draws_are_pseudonymous_and_keep_to_the_probabilities(demo_city: Path) -> None:
    city = City(demo_city)
    table = candidate_links(city)
    assert table.column_names == ["record_id", "person_id", "probability", "chosen"]
    rows = table.to_pydict()
    total: dict[int, float] = {}
    for record, p in zip(rows["record_id"], rows["probability"], strict=True):
        total[record] = total.get(record, 0.0) + p
    assert total
    assert max(total.values()) <= 1 + 1e-9
    persons = set(
        pq.read_table(city.require_current().table("persons"), columns=["person_id"])["person_id"].to_pylist()
    )
    assert set(rows["person_id"]) <= persons
    drawn = draws(city, 3, seed=1)
    assert drawn.num_rows == 3 * len(total)
    assert drawn.equals(draws(city, 3, seed=1))
