"""Draws of uncertain links carry the linkage error into a study's interval; the likeliest link alone does not.

A small made-up register: some records of a file of visits fit two persons, and which persons fit badly has to do with
what the study measures. The truth is drawn from the same probabilities that the linkage states.
"""

from __future__ import annotations

import numpy as np

from commonground.people.quality.draws import candidates, combine, draw

RECORDS, WORLDS, DRAWS = 600, 150, 20


def _world(rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the combined interval, and that of the likeliest links, holds the true mean."""
    group = rng.random(2 * RECORDS) < 0.5
    outcome = rng.normal(np.where(group, 1.0, 0.0), 1.0)  # what is known of each person
    one, other = np.arange(RECORDS), RECORDS + rng.permutation(RECORDS)
    # the likelier person is more often one of those with the higher outcome
    p = np.where(outcome[one] > outcome[other], 0.75, 0.6)
    own = np.where(rng.random(RECORDS) < p, one, other)
    truth = outcome[own].mean()
    record = np.concatenate([np.arange(RECORDS)] * 2)
    chosen = np.repeat([True, False], RECORDS)
    found = candidates(record, np.concatenate([one, other]), np.concatenate([p, 1 - p]), chosen)
    _, person = draw(found, DRAWS, seed=int(rng.integers(1 << 30)))
    # the quantity is the mean over these very records: the draws alone are uncertain
    estimates = outcome[person].mean(axis=1)
    many = combine(estimates, np.zeros(DRAWS))
    likeliest = outcome[one]
    half = 1.96 * likeliest.std(ddof=1) / np.sqrt(RECORDS)
    return bool(many.low <= truth <= many.high), bool(abs(likeliest.mean() - truth) <= half)


def test_combined_draws_hold_the_truth_more_often_than_the_likeliest_link() -> None:
    rng = np.random.default_rng(20260901)
    told = np.array([_world(rng) for _ in range(WORLDS)])
    many, likeliest = told.mean(axis=0)
    assert many >= 0.90, many  # nominal 0.95; three binomial standard errors of 150 worlds are 0.053
    assert likeliest <= many - 0.2, (many, likeliest)
