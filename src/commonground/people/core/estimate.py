"""Chances of the levels: u from value counts and random pairs, m and the share of matches by EM on pattern counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.core.counts import Share
from commonground.people.fields import Field
from commonground.people.priors import RELATIVES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
PER_PERSON = 2.0
"""Relatives of a record in the other table, on average."""
NAMESAKES = 0.05
"""How much rarer one full name is among relatives of one surname than among strangers of one surname."""
LEFT = 0.05
"""Share of the agreeing pairs that stay unrelated at least: relatives agree too, and are no matches."""
ORDER = 1 / 500
"""Chance that two people of one county, birthday and sex have the same order in their number (GB 11643: three
figures, the last odd for men and even for women)."""
RANGE = 7.0
"""Most bits that a value's rarity may give or take."""


def estimate(
    fields: Sequence[Field],
    seen: Levels,
    counts: Floats,
    random: Levels,
    shares: list[list[Share]],
    n: int,
    total: float,
) -> fs.Model:
    """Estimate the model of a linkage.

    Value counts hold the true pairs too; once EM has said how many these are they are taken out, and EM runs again.

    Parameters
    ----------
    fields : sequence of Field
        What is compared.
    seen, counts : arrays (patterns, fields) and (patterns,)
        Distinct patterns among the pairs found by blocking, and how many pairs have each.
    random : array (pairs, fields)
        Levels of random pairs.
    shares : lists of Share
        From ``counts.shares``.
    n : int
        Rows of the left table.
    total : float
        Pairs that could be formed.
    """
    names = tuple(f.name for f in fields)
    flat = {f.name: np.array([1.0] + [1.0 / f.levels] * f.levels) for f in fields}
    start = {}
    for f in fields:
        guess = np.array([0.05 / max(1, f.levels - 1)] * (f.levels - 1) + [0.95])
        start[f.name] = np.concatenate([[1.0], guess])
    sampled = fs.frequencies(random, names, flat, 0.5)
    matches = min(max(0.3 * n, 1.0) / total, 0.5)
    kin = PER_PERSON * n / total if any(f.kind == "person_name" for f in fields) else 1e-12
    kin = min(max(kin, 1e-12), 0.2)
    model = fs.Model(names, start, sampled, sampled, np.array([matches, kin, 1.0 - matches - kin]))
    for turn in range(2):
        taken = model.prior[0] if turn else 0.0
        u = {
            f.name: _exact(sampled[f.name], model.m[f.name], mine, taken, total)
            for f, mine in zip(fields, shares, strict=True)
        }
        _count_once(fields, u, random)
        begin = fs.Model(names, start, u, {f.name: _kin_chances(f, u[f.name]) for f in fields}, model.prior)
        model = fs.fit(begin, seen, counts, total, pseudo=5.0)
    return model


def _count_once(fields: Sequence[Field], u: dict[str, Floats], random: Levels) -> None:
    """Take out of an identity number what birth and address already say of it: its date and its county.

    Given that these agree, two numbers agree by accident when the order within the day does; a damaged one is near the
    other by accident when it is damaged and the order is near.
    """
    kinds = [f.kind for f in fields]
    for k, f in enumerate(fields):
        if f.kind != "id_number" or "birth_date" not in kinds:
            continue
        out = u[f.name].copy()
        place = 1.0 if "address" in kinds else 0.02
        some = random[:, k] > 0
        damaged = float((random[some, k] > 1).mean()) if some.any() else 0.0
        damaged = max(damaged, 0.02)
        out[5] = max(out[5], ORDER * place)
        out[4] = max(out[4], damaged * ORDER * 3 * place)
        out[3] = max(out[3], ORDER * damaged * place)
        out[2] = max(out[2], damaged * ORDER * 20 * place)
        out[1] = 1.0 - out[2:].sum()
        u[f.name] = out


def _kin_chances(field: Field, u: Floats) -> Floats:
    """Chances of the levels among relatives: general figures where they differ from strangers', else the strangers'."""
    if field.kind == "person_name":  # half share the surname, and no two children of a family get one given name
        out = RELATIVES["name"].copy()
        of_surname = u[2] + u[4:].sum()
        out[5:] = NAMESAKES * u[5:] / max(of_surname, fs.FLOOR)
        out[1:] /= out[1:].sum()
        return out
    known = {"birth_date": "birth", "id_number": "id", "phone": "phone"}
    if field.kind in known:
        return RELATIVES[known[field.kind]]
    if field.kind in ("address", "text", "postcode"):  # a text may be a telephone, a home, a parent's name
        out = 0.5 * u
        out[0], out[field.levels] = 1.0, out[field.levels] + 0.5
        return out
    return u


def _exact(sampled: Floats, m: Floats, shares: list[Share], taken: float, total: float) -> Floats:
    """Put the chances that value counts give in the place of those from random pairs."""
    out, above, exact = sampled.copy(), 0.0, []
    for share in shares:
        matched = float(m[share.level :].sum()) if taken else 0.0
        clean = max((share.among_all - matched * taken) / (1.0 - taken), 0.1 / total, LEFT * share.among_all)
        out[share.level] = max(clean - above, 0.1 / total)
        above = max(clean, above)
        exact.append(share.level)
    rest = [k for k in range(1, len(out)) if k not in exact]
    if rest:
        out[rest] *= max(1.0 - out[exact].sum(), fs.FLOOR) / out[rest].sum()
    else:
        out[1:] /= out[1:].sum()
    return out


def rarity_rows(fields: Sequence[Field], model: fs.Model, shares: list[list[Share]]) -> list[dict[int, Floats]]:
    """Winkler's frequency adjustment in bits: agreeing on a rare value says more than on a common one.

    Returns
    -------
    list of dicts
        For each field, level → bits of each left row's value (above 0: rarer than the average).
    """
    out: list[dict[int, Floats]] = []
    for f, mine in zip(fields, shares, strict=True):
        found = {}
        for share in mine:
            if len(share.of_row):
                average = model.u[f.name][share.level :].sum()
                found[share.level] = np.clip(np.log2(average / share.of_row), -RANGE, RANGE)
        out.append(found)
    return out
