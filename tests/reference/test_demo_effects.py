"""What is planted in the demo city's marks comes back by plain least squares on the truth."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from commonground.demo import make_demo

SUBJECTS = ("chinese", "math", "english")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = make_demo(tmp_path_factory.mktemp("demo") / "city") / "truth"
    scores = {k: np.array(v) for k, v in pq.read_table(folder / "scores.parquet").to_pydict().items()}
    schools = {k: np.array(v) for k, v in pq.read_table(folder / "schools.parquet").to_pydict().items()}
    effects = json.loads((folder / "effects.json").read_text(encoding="utf-8"))
    return {"scores": scores, "schools": schools, "effects": effects}


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors by the normal equations."""
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    residual = y - x @ beta
    variance = residual @ residual / (len(y) - x.shape[1])
    return beta, np.sqrt(variance * np.diag(inverse))


def design(truth: dict[str, Any], subject: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Within-school design: intake, ses, groups and dummies of school and year; planted slopes taken off the marks."""
    s, schools = truth["scores"], truth["schools"]
    slope = dict(zip(schools["school_code"].tolist(), schools["slope_parents_away"].tolist(), strict=True))
    away = s["state"] != "none"
    y = s[subject] - away * np.array([slope[c] for c in s["school_code"].tolist()])
    one = np.isin(s["state"], ("father", "mother"))
    named = {
        "intake": s[f"intake_{subject}"],
        "ses": s["ses"],
        "girls": s["girl"],
        "father": s["state"] == "father",
        "mother": s["state"] == "mother",
        "both": s["state"] == "both",
        "migrant": s["migrant"],
        "boarding": s["boarding"],
        "boarding_one_parent": s["boarding"] & one,
    }
    cell = np.char.add(s["school_code"].astype(str), s["school_year"].astype(str))
    dummies = (cell[:, None] == np.unique(cell)[None, :]).astype(float)
    return np.column_stack([*named.values(), dummies]).astype(float), y, list(named)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_pupils_effects_come_back(truth: dict[str, Any], subject: str) -> None:
    x, y, names = design(truth, subject)
    beta, se = least_squares(x, y)
    e = truth["effects"]
    planted = {"intake": e["intake"], "ses": e["ses"], "girls": e["girls"][subject], "migrant": e["migrant"]}
    planted |= {k: e["groups"][k] for k in ("father", "mother", "both")}
    planted |= {"boarding": 0.0, "boarding_one_parent": e["boarding_one_parent"]}
    for name, b, s in zip(names, beta, se, strict=False):
        assert abs(b - planted[name]) < 4 * s, (name, b, s)
    assert beta[names.index("intake")] == pytest.approx(0.6, abs=0.03)
    assert beta[names.index("both")] < -2 * se[names.index("both")]


def test_school_slopes_come_back(truth: dict[str, Any]) -> None:
    s, schools = truth["scores"], truth["schools"]
    found = []
    for code in schools["school_code"].tolist():
        here = (s["school_code"] == code) & (s["state"] != "none")
        rest = (s["school_code"] == code) & (s["state"] == "none")
        gap = []
        for subject in SUBJECTS:
            clean = s[subject] - 0.6 * s[f"intake_{subject}"]
            gap.append(clean[here].mean() - clean[rest].mean())
        found.append(np.mean(gap))
    planted = schools["slope_parents_away"]
    assert np.corrcoef(found, planted)[0, 1] > 0.75
    assert planted[schools["strong"]].mean() - planted[~schools["strong"]].mean() > 0.25
    assert np.array(found)[schools["strong"]].mean() > 0  # there, children whose parents are away do better


def test_school_factors_come_back_and_computers_do_nothing(truth: dict[str, Any]) -> None:
    s, schools, e = truth["scores"], truth["schools"], truth["effects"]
    groups = np.array([e["groups"][k] for k in s["state"].tolist()])
    slope = dict(zip(schools["school_code"].tolist(), schools["slope_parents_away"].tolist(), strict=True))
    away = (s["state"] != "none") * np.array([slope[c] for c in s["school_code"].tolist()])
    y = np.mean([s[k] - 0.6 * s[f"intake_{k}"] - e["girls"][k] * s["girl"] for k in SUBJECTS], axis=0)
    y = y - groups - away - e["ses"] * s["ses"] - e["migrant"] * s["migrant"]
    code = schools["school_code"][:, None] == s["school_code"][None, :]
    mean = np.array([y[row].mean() for row in code])
    composition = np.array([s["ses"][row].mean() for row in code])
    z = np.column_stack([schools[f"{k}_z"] for k in e["factors"]])
    beta, se = least_squares(np.column_stack([z, composition, np.ones(len(mean))]), mean)
    for name, b, error in zip(e["factors"], beta, se, strict=False):
        assert abs(b - e["factors"][name]) < 4 * error, (name, b, error)
    assert beta[0] > 3 * se[0]  # interaction is found with forty-two schools
    assert np.std(schools["interaction_z"]) == pytest.approx(1.0)


def test_share_of_variance_between_schools_is_as_in_the_field(truth: dict[str, Any]) -> None:
    s = truth["scores"]
    for subject in SUBJECTS:
        y = s[subject][s["school_year"] == 2024]
        code = s["school_code"][s["school_year"] == 2024]
        parts = [y[code == c] for c in np.unique(code)]
        sizes = np.array([len(p) for p in parts])
        within = sum(((p - p.mean()) ** 2).sum() for p in parts) / (len(y) - len(parts))
        between = sum(len(p) * (p.mean() - y.mean()) ** 2 for p in parts) / (len(parts) - 1)
        usual = (len(y) - (sizes**2).sum() / len(y)) / (len(parts) - 1)
        variance = (between - within) / usual
        assert 0.15 < variance / (variance + within) < 0.30
