"""Models of Splink in and out: the same comparisons give the same weights.

``fixtures/splink`` is what Splink 5 itself said, written by ``make_splink_model.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from commonground.errors import ContractError
from commonground.people.explain import waterfall
from commonground.people.pairs import Weighed, weigh_tables
from commonground.people.splink_model import splink_table, to_splink, weigh_with_splink

SPLINK = Path(__file__).parent / "fixtures" / "splink"
FIELDS = {"name": "person_name", "birth": "birth_date", "sex": "category", "village": "address"}


@pytest.fixture(scope="module")
def said() -> tuple[dict[str, object], pa.Table, pa.Table, np.ndarray]:
    model = json.loads((SPLINK / "model.json").read_text(encoding="utf-8"))
    told = json.loads((SPLINK / "said.json").read_text(encoding="utf-8"))
    return model, pa.table(told["left"]), pa.table(told["right"]), np.array(told["weights"])


@pytest.fixture(scope="module")
def found(said) -> Weighed:  # type: ignore[no-untyped-def]
    return weigh_tables(said[1], said[2], fields=FIELDS)


def test_weights_of_a_splink_model_are_splinks(said) -> None:  # type: ignore[no-untyped-def]
    model, left, right, told = said
    at = [{v: i for i, v in enumerate(t["unique_id"].to_pylist())} for t in (left, right)]
    a, b = (np.array([at[k][int(v)] for v in told[:, k]]) for k in (0, 1))
    ours = weigh_with_splink(model, left, right, a, b)
    assert len(ours) > 500
    assert np.abs(ours - told[:, 2]).max() < 1e-6


def test_our_model_in_splinks_form_gives_our_weights(said, found: Weighed) -> None:  # type: ignore[no-untyped-def]
    n = said[1].num_rows
    left, right = splink_table(found, np.arange(n)), splink_table(found, np.arange(n, n + said[2].num_rows))
    weights = weigh_with_splink(json.loads(json.dumps(to_splink(found))), left, right, found.a, found.b - n)
    names = [f.name for f in found.fields]
    tops = np.array([f.levels for f in found.fields])
    rarity = np.where(found.levels == tops, found.rarity, 0.0).sum(axis=1)
    ours = found.prior_bits + sum(found.bits(k)[found.levels[:, k]] for k in range(len(names))) + rarity
    told = (found.levels[:, 0] != 4) & (found.levels[:, 1] != 7)  # levels that SQL can tell
    assert told.mean() > 0.7
    assert np.abs(weights - ours)[told].max() < 0.2


def test_what_is_no_trained_model_is_refused(said) -> None:  # type: ignore[no-untyped-def]
    model, left, right, _ = said
    none = np.array([0])
    with pytest.raises(ContractError, match="trained model"):
        weigh_with_splink({}, left, right, none, none)
    with pytest.raises(ContractError, match="columns: sound"):
        weigh_with_splink(model, left.drop_columns(["sound"]), right, none, none)
    broken = json.loads(json.dumps(model))
    broken["comparisons"][0]["comparison_levels"][1]["sql_condition"] = "read_text('/etc/hostname') = \"name_l\""
    with pytest.raises(ContractError, match="cannot be evaluated"):
        weigh_with_splink(broken, left, right, none, none)


def test_a_waterfall_adds_up_to_the_weight(found: Weighed) -> None:
    for pair in range(0, len(found.a), 37):
        steps = waterfall(found, pair)
        assert steps.weight == pytest.approx(found.weight[pair], abs=1e-9)
        assert sum(s.bits for s in steps.steps) == pytest.approx(found.weight[pair], abs=1e-9)
    best = waterfall(found, int(found.weight.argmax()))
    assert best.probability > 0.99
    assert [row[0] for row in best.table("zh")][:3] == ["项目", "比较之前", "name"]
    assert "同字" in {row[1] for row in best.table("zh")}
    assert "same characters" in {row[1] for row in best.table("en")}
    assert best.sentence("zh").startswith("累计 +")
    assert json.loads(json.dumps(best.to_dict()))["weight"] == best.weight
