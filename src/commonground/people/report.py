"""How good the links are, from the model itself: no truth is known in a real city.

The expected share of right links is the mean of their probabilities. The expected number of missed links is the sum
of the probabilities of the pairs that were looked at and not taken; pairs that no blocking rule found are not in it,
so that recall is an upper estimate. Both are honest only as far as the model fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.city import Settings
from commonground.people.edges import PER_RECORD, pairs_of
from commonground.people.model import Linked
from commonground.people.quality.groups import AXES
from commonground.people.quality.guild import assess, groups_of, guild
from commonground.people.spine import NEW, NUMBER, WEIGHT

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
COUNTY_TYPES = {
    "urban": {"zh": "市辖区", "en": "Urban districts"},
    "rural": {"zh": "县", "en": "Rural counties"},
    "outside": {"zh": "市外", "en": "Outside the city"},
    "unknown": {"zh": "不详", "en": "Not known"},
}


def county_types(linked: Linked, settings: Settings) -> Ints:
    """Kind of county of each record's person as a place in ``COUNTY_TYPES``."""
    people, names = linked.gathered.people, list(COUNTY_TYPES)
    kinds = []
    for code in linked.gathered.texts.get("county", ()):
        area = settings.area(code)
        kind = "unknown" if area is None else "outside" if area.urban is None else "urban" if area.urban else "rural"
        kinds.append(names.index(kind))
    table = np.array([*kinds, names.index("unknown")], dtype=np.int64)
    found: Ints = table[people.county[:, 0]]
    return found


def quality_report(
    linked: Linked,
    tables: Mapping[str, pa.Table],
    settings: Settings,
    titles: Mapping[str, Mapping[str, str]],
    days: Mapping[tuple[str, str], str],
    target: float,
) -> tuple[dict[str, Any], pa.Table]:
    """Make the linkage report after GUILD, and the table of groups for the vault.

    Parameters
    ----------
    linked : Linked
        Who is who.
    tables : mapping
        ``department.dataset`` → records as from intake.
    settings, titles, target
        As for ``report``.
    days : mapping
        (dataset, delivery) → the day that its data describe, ISO.

    Returns
    -------
    dict, pa.Table
        The report; and ``record_id`` (the record that stands for each unit) with a column of category keys for each way
        of grouping, by which reviews are stratified.
    """
    import pyarrow as pa

    standing, judged = assess(linked)
    groups = groups_of(linked, judged, tables, settings, county_types(linked, settings))
    said = guild(linked, standing, judged, groups, titles, days, target)
    columns: dict[str, Any] = {"record_id": pa.array(linked.spine.units.record)}
    for axis in AXES:
        keys = pa.array([key for key, _ in axis.categories], pa.string())
        columns[axis.name] = pa.DictionaryArray.from_arrays(pa.array(groups.value[axis.name].astype("int32")), keys)
    return said, pa.table(columns)


def _row(linked: Linked, rows: Ints) -> dict[str, Any]:
    """Counts of one group of records."""
    done = int(linked.identified[rows].sum())
    return {"records": len(rows), "linked": done, "unlinked": len(rows) - done}


def _estimates(linked: Linked, source: int) -> dict[str, Any]:
    spine, units = linked.spine, linked.spine.units
    at = np.flatnonzero(units.source == source)
    method, p = spine.method[at], spine.probability[at]
    joined = method != NEW
    right, missed = float(p[joined].sum()), spine.missed.get(source, 0.0)
    return {
        "persons": len(at),
        "by_number": int((method == NUMBER).sum()),
        "by_weight": int((method == WEIGHT).sum()),
        "new_persons": int((method == NEW).sum()),
        "expected_right": right,
        "expected_missed": missed,
        "precision": right / int(joined.sum()) if joined.any() else None,
        "recall": right / (right + missed) if joined.any() else None,
        "threshold": spine.thresholds.get(source),
    }


def report(
    linked: Linked, settings: Settings, titles: Mapping[str, Mapping[str, str]], target: float
) -> dict[str, Any]:
    """Make the linkage report.

    Parameters
    ----------
    linked : Linked
        Who is who.
    settings : Settings
        The city's, for the kinds of counties.
    titles : mapping
        ``department.dataset`` → title in both languages.
    target : float
        The share of right links that was asked of each source.
    """
    people, sources = linked.gathered.people, linked.gathered.sources
    by_source = []
    for i, (name, delivery) in enumerate(sources):
        title = titles.get(name, {"zh": name, "en": name})
        label = {"zh": f"{title['zh']}（{delivery}）", "en": f"{title['en']} ({delivery})"}
        one = {"source": f"{name} {delivery}", "dataset": name, "delivery": delivery, "label": label}
        by_source.append({**one, **_row(linked, np.flatnonzero(people.source == i)), **_estimates(linked, i)})
    kinds = county_types(linked, settings)
    by_county = []
    for i, (kind, words) in enumerate(COUNTY_TYPES.items()):
        rows = np.flatnonzero(kinds == i)
        if len(rows):
            counts = _row(linked, rows)
            by_county.append({"county_type": kind, "label": words, **counts, "share": counts["unlinked"] / len(rows)})
    joined = sum(s["by_number"] + s["by_weight"] for s in by_source)
    right = sum(s["expected_right"] for s in by_source)
    missed = sum(s["expected_missed"] for s in by_source)
    kept = np.unique(linked.entity[linked.identified])
    return {
        "persons": len(kept),
        **_row(linked, np.arange(len(people))),
        "precision": right / joined if joined else None,
        "recall": right / (right + missed) if right + missed else None,
        "target_precision": target,
        "pairs": {
            "counted": pairs_of(linked.spine.standing.keys, linked.spine.frozen.crowded),
            "budget": settings.people.pair_budget or PER_RECORD * len(linked.spine.units),
        },
        "method": {
            "zh": "查准率为各连接概率的平均；查全率只计比较过的记录对，是上限。均由模型估计，未用真值。",
            "en": "Precision is the mean probability of the links; recall counts compared pairs only and is an upper "
            "estimate. Both come from the model, not from a truth.",
        },
        "by_source": by_source,
        "by_county_type": by_county,
        "unlinked_by_county_type": by_county,
    }
