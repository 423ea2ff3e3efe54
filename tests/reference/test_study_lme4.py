"""Mixed models equal lme4: on fixtures made by R from our own generator, and on real school data where it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commonground.study import MixedModel, fit_mixed

FIXTURES = Path(__file__).parent / "fixtures"
FITS = json.loads((FIXTURES / "mixed_models.json").read_text(encoding="utf-8"))["fits"]
REAL = {"exam": "Exam", "hsb": "Hsb82", "sleep": "sleepstudy"}
REAL_NAMES = [
    f"{data}_{model}_{method}"
    for data, models in (("exam", ("ri", "rs", "full")), ("hsb", ("null", "ri", "rs", "full")))
    for model in models
    for method in ("reml", "ml")
] + ["sleep_reml", "sleep_ml"]


def check_fixed(model: MixedModel, fixef: dict[str, float], se: dict[str, float]) -> None:
    assert [c.name for c in model.fixef] == list(fixef)
    for found in model.fixef:
        assert abs(found.estimate - fixef[found.name]) < 1e-4 * se[found.name]
        assert found.se == pytest.approx(se[found.name], rel=1e-4)


def check_variances(model: MixedModel, varcomp: list[dict[str, Any]]) -> None:
    total = sum(v["vcov"] for v in varcomp if v.get("var2") is None)
    assert len(model.varcomp) == len(varcomp)
    for expected in varcomp:
        found = model.variance(expected["grp"], expected.get("var1"), expected.get("var2"))
        near_zero = abs(expected["vcov"]) < 1e-2 * total
        tolerance = (1e-3 if near_zero else 1e-4) * abs(expected["vcov"]) + (1e-6 * total if near_zero else 0)
        assert abs(found - expected["vcov"]) < tolerance, expected


@pytest.mark.parametrize("fit", FITS, ids=[f"{f['name']}-{'reml' if f['reml'] else 'ml'}" for f in FITS])
def test_equals_lme4_on_our_own_data(fit: dict[str, Any]) -> None:
    model = fit_mixed(fit["formula"], FIXTURES / "mixed_models.csv", reml=fit["reml"])
    assert model.converged
    assert model.n == fit["n"]
    assert model.groups == fit["groups"]
    # lme4 may stop a little above the least value, never below it
    assert model.criterion < fit["criterion"] + 1e-5
    assert model.criterion == pytest.approx(fit["criterion"], abs=1e-4)
    check_fixed(model, fit["fixef"], fit["se"])
    check_variances(model, fit["varcomp"])
    for effect in fit["effects"]:
        group = model.effects[effect["grpvar"]]
        i, j = group.levels.index(effect["grp"]), group.columns.index(effect["term"])
        assert group.values[i, j] == pytest.approx(effect["condval"], abs=2e-4)
        assert group.sd[i, j] == pytest.approx(effect["condsd"], rel=1e-3, abs=1e-4)


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL_NAMES)
def test_equals_lme4_on_real_school_data(shared: Path, name: str) -> None:
    reference = json.loads((shared / "real" / "lme4_reference.json").read_text(encoding="utf-8"))["models"][name]
    data = shared / "real" / f"{REAL[name.split('_')[0]]}.csv"
    model = fit_mixed(reference["formula"], data, reml=reference["REML"])
    assert model.converged
    assert model.n == reference["nobs"]
    assert model.groups == reference["ngrps"]
    assert model.criterion == pytest.approx(reference["deviance_crit"], abs=1e-5)
    check_fixed(model, reference["fixef"], reference["se"])
    check_variances(model, reference["varcomp"])
    for group, expected in reference["first_blups"].items():
        effects = model.effects[group]
        rows = [effects.levels.index(level) for level in expected["levels"]]
        assert np.abs(effects.values[rows] - np.array(expected["blup"])).max() < 1e-4 * model.sigma
        assert np.allclose(effects.sd[rows].ravel(), np.ravel(expected["condsd"]), rtol=1e-4)


@pytest.mark.shared
def test_two_large_crossed_factors(shared: Path) -> None:
    # InstEval: 73,421 ratings, 2,972 students and 1,128 lecturers; lme4's values are in field/multilevel-models.md
    model = fit_mixed("y ~ service + (1 | s) + (1 | d)", shared / "real" / "InstEval.csv")
    assert model.converged
    assert model.criterion == pytest.approx(237743.583, abs=1e-3)
    assert model.variance("s") == pytest.approx(0.1057, abs=1e-4)
    assert model.variance("d") == pytest.approx(0.2715, abs=1e-4)
    assert model.coefficient("service").estimate == pytest.approx(-0.0911, abs=1e-4)
    assert model.coefficient("service").se == pytest.approx(0.0133, abs=1e-4)
