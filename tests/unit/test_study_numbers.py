"""Small numerical parts of the study against plain twins."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from commonground.errors import StudyError
from commonground.study import fit_mixed
from commonground.study.factors import benjamini_hochberg
from commonground.study.gaps import clustered_ols, demean
from commonground.study.quantiles import chi2_quantile, normal_above, normal_width, t_two_sided, t_width
from commonground.study.strengths import share_above


def test_quantiles_equal_scipy_stats() -> None:
    assert normal_width(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert normal_above(1.3) == pytest.approx(stats.norm.sf(1.3))
    assert t_width(0.9, 7) == pytest.approx(stats.t.ppf(0.95, 7))
    assert t_two_sided(-2.1, 9) == pytest.approx(2 * stats.t.sf(2.1, 9))
    assert chi2_quantile(0.95, 1) == pytest.approx(stats.chi2.ppf(0.95, 1))


def test_benjamini_hochberg_published_example() -> None:
    # Benjamini & Hochberg (1995), section 3.2: 15 comparisons; at 0.05 the first four are declared
    p = np.array(
        [
            0.0001,
            0.0004,
            0.0019,
            0.0095,
            0.0201,
            0.0278,
            0.0298,
            0.0344,
            0.0459,
            0.3240,
            0.4262,
            0.5719,
            0.6528,
            0.7590,
            1.0,
        ]
    )
    q = benjamini_hochberg(p[::-1])[::-1]
    assert (q <= 0.05).sum() == 4
    assert np.all(np.diff(q) >= 0)
    assert q[-1] == 1.0


def test_clustered_ols_equals_the_sandwich_written_out() -> None:
    rng = np.random.default_rng(1)
    n, groups = 200, 12
    cluster = rng.integers(0, groups, n)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    y = x @ np.array([1.0, 0.5, -0.3]) + rng.normal(size=groups)[cluster] + rng.normal(size=n)
    fit = clustered_ols(y, x, cluster)
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    e = y - x @ beta
    meat = sum(
        np.outer(x[cluster == g].T @ e[cluster == g], x[cluster == g].T @ e[cluster == g]) for g in range(groups)
    )
    expected = bread @ meat @ bread * groups / (groups - 1) * (n - 1) / (n - 3)
    assert np.allclose(fit.beta, beta)
    assert np.allclose(fit.covariance, expected)


def test_within_equals_dummies_for_every_school() -> None:
    rng = np.random.default_rng(2)
    cluster = rng.integers(0, 8, 150)
    x = rng.normal(size=(150, 2))
    y = x @ np.array([0.4, -0.2]) + cluster + rng.normal(size=150)
    within = clustered_ols(demean(y, cluster), demean(x, cluster), cluster, absorbed=8)
    dummies = (cluster[:, None] == np.arange(8)).astype(float)
    full = clustered_ols(y, np.hstack([x, dummies]), cluster)
    assert np.allclose(within.beta, full.beta[:2])
    assert np.allclose(within.covariance, full.covariance[:2, :2])


def test_a_column_that_others_add_up_to_is_left_out() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 2))
    fit = clustered_ols(rng.normal(size=80), np.column_stack([x, x.sum(axis=1)]), rng.integers(0, 5, 80))
    assert np.isnan(fit.beta[2])
    assert np.isfinite(fit.beta[:2]).all()


def test_share_above_the_median() -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    focus = np.array([0, 1, 0, 1, 0, 1])
    share = share_above(y, focus, 1 - focus, np.array([0, 0, 1, 1, 2, 2]), draws=50, seed=1)
    assert share[0] == pytest.approx(2 / 3)
    assert len(share) == 51
    assert np.all((share >= 0) & (share <= 1))


def table(**columns: object) -> pa.Table:
    rng = np.random.default_rng(0)
    n = 60
    content = {"y": rng.normal(size=n), "x": rng.normal(size=n), "g": [f"g{i % 6}" for i in range(n)]}
    return pa.table(content | columns)


@pytest.mark.parametrize(
    ("formula", "columns", "said"),
    [
        ("y ~ x", {}, "no random term"),
        ("y ~ z + (1 | g)", {}, "no variable “z”"),
        ("y ~ x + (1 | g)", {"y": [1.0] * 60}, "one value only"),
        ("y ~ x + (1 | g)", {"y": pa.nulls(60, pa.float64())}, "No row"),
        ("y ~ x + (1 | g)", {"g": ["a"] * 60}, "one group only"),
        ("y ~ x + (1 | g)", {"g": [str(i) for i in range(60)]}, "group of its own"),
        ("g ~ x + (1 | y)", {}, "not a number"),
    ],
)
def test_what_cannot_be_fitted_is_refused(formula: str, columns: dict[str, object], said: str) -> None:
    with pytest.raises(StudyError) as caught:
        fit_mixed(formula, table(**columns))
    assert said in caught.value.message("en")
    assert caught.value.todo is not None


def test_collinear_and_constant_columns_are_left_out_and_named() -> None:
    data = table()
    x = data["x"].to_numpy()
    data = data.append_column("twice", pa.array(2 * x + 1)).append_column("same", pa.array([3.0] * 60))
    model = fit_mixed("y ~ x + twice + same + (1 | g)", data)
    assert model.collinear == ("twice", "same")
    plain = fit_mixed("y ~ x + (1 | g)", data)
    assert [c.estimate for c in model.fixef] == pytest.approx([c.estimate for c in plain.fixef])


def test_factors_have_treatment_contrasts() -> None:
    kinds = ["town"] * 30 + ["city"] * 20 + ["village"] * 10
    data = table(kind=kinds, away=[i % 3 == 0 for i in range(60)])
    model = fit_mixed("y ~ kind + away + (1 | g)", data)
    assert [c.name for c in model.fixef] == ["(Intercept)", "kindcity", "kindvillage", "awayTRUE"]
    assert model.references == {"kind": "town", "away": "false"}
    given = fit_mixed("y ~ kind + away + (1 | g)", data, levels={"kind": ["village", "town", "city"]})
    assert [c.name for c in given.fixef][1:3] == ["kindtown", "kindcity"]
    assert given.criterion == pytest.approx(model.criterion, abs=1e-8)
    coded = data.set_column(3, "kind", pa.array(kinds).dictionary_encode())
    assert fit_mixed("y ~ kind + away + (1 | g)", coded).references["kind"] == "town"
    with pytest.raises(StudyError):
        fit_mixed("y ~ kind + (1 | g)", data, levels={"kind": ["town"]})


def test_result_as_plain_values_table_and_sentence() -> None:
    model = fit_mixed("y ~ x + (1 | g)", table())
    plain = model.to_dict()
    assert set(plain) >= {"coefficients", "variances", "deviance", "n", "groups", "converged"}
    assert (
        plain["coefficients"]["x"]["low"] < plain["coefficients"]["x"]["estimate"] < plain["coefficients"]["x"]["high"]
    )
    assert model.table().column_names[:3] == ["name", "estimate", "se"]
    assert model.effects["g"].table().num_rows == 6
    assert "60 行" in model.sentence("zh")
    assert "converged" in model.sentence("en")
    assert model.provenance["method"] == "REML"
    drawn = json.dumps(model.figure("en").to_dict(), ensure_ascii=False)
    assert "Fixed effects with 95% intervals" in drawn
    assert '"x"' in drawn
    assert "(Intercept)" not in drawn
