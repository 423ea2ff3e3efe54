"""The EM against simulated truth and against a plain twin that walks over pairs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from commonground.people import fellegi_sunter as fs

FIELDS = ("name", "birth", "place")
M = {"name": [0.05, 0.1, 0.85], "birth": [0.08, 0.92], "place": [0.3, 0.2, 0.5]}
U = {"name": [0.9, 0.08, 0.02], "birth": [0.97, 0.03], "place": [0.8, 0.15, 0.05]}
F = {"name": [0.5, 0.49, 0.01], "birth": [0.98, 0.02], "place": [0.1, 0.1, 0.8]}
PRIOR = np.array([0.2, 0.1, 0.7])


def _chances(given: dict[str, list[float]]) -> dict[str, npt.NDArray[np.float64]]:
    return {k: np.array([1.0, *v]) for k, v in given.items()}


def _simulate(n: int, seed: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=PRIOR)
    levels = np.zeros((n, 3), dtype=np.int8)
    for c, name in enumerate(FIELDS):
        for k, given in enumerate((M, F, U)):
            at = kind == k
            levels[at, c] = rng.choice(len(given[name]), int(at.sum()), p=given[name]) + 1
    levels[rng.random((n, 3)) < 0.1] = 0
    return levels, kind


def _start() -> fs.Model:
    flat = {k: np.array([1.0] + [1 / len(v)] * len(v)) for k, v in M.items()}
    m = {k: np.array([1.0, *np.linspace(0.2, 1.0, len(v)) / np.linspace(0.2, 1.0, len(v)).sum()]) for k, v in M.items()}
    assert flat.keys() == m.keys()
    return fs.Model(FIELDS, m, _chances(U), _chances(F), np.array([0.1, 0.1, 0.8]))


def test_em_recovers_the_chances_of_a_simulation() -> None:
    levels, kind = _simulate(200_000, 1)
    model = fs.fit(_start(), *fs.patterns(levels), float(len(levels)), pseudo=1.0, rounds=2000, tolerance=1e-8)
    for name, wanted in M.items():
        assert model.m[name][1:] == pytest.approx(np.array(wanted), abs=0.02)
    assert model.prior[0] == pytest.approx(PRIOR[0], abs=0.01)
    posterior = 1 / (1 + np.exp(-fs.weights(model, levels)))
    sure = posterior > 0.9
    assert posterior[sure].mean() == pytest.approx((kind[sure] == 0).mean(), abs=0.01)


def _twin(start: fs.Model, levels: npt.NDArray[np.int8], rounds: int) -> tuple[dict[str, list[float]], float]:
    """EM over single pairs, as one would write it from the paper."""
    m = {k: v.tolist() for k, v in start.m.items()}
    share, family = float(start.prior[0]), float(start.prior[1])
    rows = levels.tolist()
    for _ in range(rounds):
        counts = {k: [0.0] * len(v) for k, v in m.items()}
        total = 0.0
        for row in rows:
            a = share * math.prod(m[f][x] for f, x in zip(FIELDS, row, strict=True))
            b = family * math.prod(start.f[f][x] for f, x in zip(FIELDS, row, strict=True))
            c = (1 - share - family) * math.prod(start.u[f][x] for f, x in zip(FIELDS, row, strict=True))
            p = a / (a + b + c)
            total += p
            for f, x in zip(FIELDS, row, strict=True):
                counts[f][x] += p
        share = total / len(rows)
        for f in FIELDS:
            whole = sum(counts[f][1:])
            m[f] = [1.0] + [x / whole for x in counts[f][1:]]
    return m, share


def test_pattern_counts_give_what_single_pairs_give() -> None:
    levels, _ = _simulate(800, 2)
    start = _start()
    start = fs.Model(FIELDS, start.m, start.u, start.f, np.array([0.1, 0.1, 0.8]))
    model = fs.fit(start, *fs.patterns(levels), 800.0, pseudo=0.0, rounds=5, tolerance=0.0)
    m, share = _twin(start, levels, 5)
    for name in FIELDS:
        assert model.m[name].tolist() == pytest.approx(m[name], rel=1e-9)
    assert model.prior[0] == pytest.approx(share, rel=1e-9)


def test_patterns_keep_all_pairs() -> None:
    levels, _ = _simulate(5000, 3)
    distinct, counts = fs.patterns(levels)
    assert counts.sum() == 5000
    assert len(np.unique(distinct, axis=0)) == len(distinct)
    back = {tuple(r): n for r, n in zip(distinct.tolist(), counts.tolist(), strict=True)}
    values, n = np.unique(levels, axis=0, return_counts=True)
    assert back == {tuple(r): float(k) for r, k in zip(values.tolist(), n.tolist(), strict=True)}


def test_missing_values_weigh_nothing() -> None:
    model = fs.Model(FIELDS, _chances(M), _chances(U), _chances(F), PRIOR)
    nothing = fs.weights(model, np.zeros((1, 3), dtype=np.int8))
    assert nothing[0] == pytest.approx(math.log(0.2 / 0.8))
