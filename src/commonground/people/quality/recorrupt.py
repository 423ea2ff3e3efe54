"""The re-corruption test: records that are linked, spoilt anew as the city's clerks spoil them, and linked again.

It says how well linking bears errors of the kinds and as many as the error model makes, delivery by delivery and group
by group, on records whose person is known by number. It does not say how records fare that nothing resembles: children
without papers, errors that come together, whole files that are wrong, persons whom no other delivery holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import Said
from commonground.people.quality.estimate import Estimate, wilson
from commonground.people.quality.groups import BY_NAME, Groups
from commonground.people.quality.relink import Standing, Tried, relink, sample
from commonground.people.quality.slips import Rates, corrupt, measure

if TYPE_CHECKING:
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
SAMPLE = 1_000
"""Records of each delivery that are spoilt and linked again."""
BY = "migrant"
"""Groups whose error rates are measured apart: those who move are written down by strangers."""
PROVES = Said(
    "本测试说明：已知身份的记录，若按本市实测的各类差错率再次写错或漏号，用现行模型还能连回多少。它不能说明：没有证件"
    "的人、多种差错同时出现、整份文件有误、别处没有记录的人，连接得怎样。",
    "The test shows how many records whose person is known are found again by the model in force when they are "
    "miswritten, or lose their number, as often as was measured in this city. It does not show how linking does for "
    "people without papers, for errors that come together, for whole files that are wrong, or for people whom no other "
    "delivery holds.",
)


def recorrupt(
    linked: Linked, standing: Standing, groups: Groups, *, size: int = SAMPLE, seed: int = 0
) -> dict[str, Any]:
    """Run the test.

    Parameters
    ----------
    linked : Linked
        Who is who.
    standing : Standing
        Its spine, prepared.
    groups : Groups
        Of all units.
    size : int
        Records of each delivery.
    seed : int
        The same seed gives the same result.

    Returns
    -------
    dict
        The error rates, and recall and precision with 95% intervals by delivery and by group.
    """
    axis = BY_NAME[BY]
    column = groups.value[BY]
    rates = measure(linked.spine, standing.by_number, column, len(axis.categories))
    rows = sample(standing, size, seed)
    out: dict[str, Any] = {
        "seed": seed, "sample": size, "rates_by": BY, "rates": _rates(rates), "proves": _said(PROVES), "tried": 0
    }  # fmt: skip
    if not len(rows):
        return out
    rng = np.random.default_rng([seed, 1])
    people, keyed, lost = corrupt(linked.spine.units.take(rows), standing.keyed.take(rows), column[rows], rates, rng)
    tried = relink(standing, rows, people, keyed)
    without = lost[np.searchsorted(rows, tried.rows)]
    source, sources = linked.spine.units.source[tried.rows], linked.gathered.sources
    out |= {
        "tried": len(tried.rows),
        "whole": _row(tried, np.ones(len(tried.rows), dtype=bool)),
        "without_number": _row(tried, without),
        "by_delivery": [
            {"dataset": sources[s][0], "delivery": sources[s][1], **_row(tried, source == s)}
            for s in np.unique(source).tolist()
        ],
        "by_group": _by_group(tried, groups),
    }
    return out


def _by_group(tried: Tried, groups: Groups) -> list[dict[str, Any]]:
    out = []
    for name, column in groups.value.items():
        axis = BY_NAME[name]
        for k, (key, words) in enumerate(axis.categories):
            which = column[tried.rows] == k
            if which.any():
                said = {"axis": name, "group": key, "axis_label": _said(axis.said), "label": _said(words)}
                out.append({**said, **_row(tried, which)})
    return out


def _said(said: Said) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def _row(tried: Tried, which: Bools) -> dict[str, Any]:
    n, right, wrong = (int(x[which].sum()) for x in (np.ones(len(which), dtype=bool), tried.right, tried.wrong))
    return {
        "tried": n,
        "right": right,
        "wrong": wrong,
        "missed": n - right - wrong,
        "recall": _share(right, n),
        "precision": _share(right, right + wrong),
    }


def _share(part: int, whole: int) -> dict[str, float] | None:
    if not whole:
        return None
    low, high = wilson(np.array([float(part)]), np.array([float(whole)]))
    return Estimate(part / whole, float(low[0]), float(high[0])).to_dict()


def _rates(rates: Rates) -> list[dict[str, Any]]:
    """Error rates of each group: how often name and birth come apart, and numbers are missing."""
    axis = BY_NAME[BY]
    return [
        {
            "group": key,
            "label": _said(words),
            "links": int(rates.links[k]),
            "name_differs": float(1 - rates.name[k, -1]),
            "birth_differs": float(1 - rates.birth[k, -1]),
            "number_missing": float(rates.number[k]),
        }
        for k, (key, words) in enumerate(axis.categories)
    ]
