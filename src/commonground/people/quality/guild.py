"""The linkage report: provision, linkage, analysis, after GUILD (Gilbert and others 2018, J. Public Health 40:191).

It is made when a version is built, of counts and estimates alone; nothing in it is about any one person, but small
counts stand in it, so that it stays inside the city. What the site shows passes the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.blocking import RULES
from commonground.people.compare import FIELDS
from commonground.people.quality.differences import LINE, differences
from commonground.people.quality.estimate import Errors, Estimate, Hidden, Rates, errors, gap, rates, sums
from commonground.people.quality.groups import AXES, Axis, Groups, find_groups
from commonground.people.quality.hidden import hide, strata
from commonground.people.quality.judged import Judged, judge
from commonground.people.quality.provision import IDENTIFIERS, completeness, deliveries
from commonground.people.quality.relink import Standing
from commonground.people.quality.sweep import sweep
from commonground.people.resolve import NEW, NUMBER

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import Settings
    from commonground.people.fellegi_sunter import Model
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
FORMAT = 1
GAP_LINKS = 200
"""Links that a category must have for the difference between groups."""


def assess(linked: Linked) -> tuple[Standing, Judged]:
    """Prepare the spine and say what became of each record that was to be linked."""
    standing, spine = Standing.of(linked), linked.spine
    joined = spine.method != NEW
    return standing, judge(
        spine.units.source, spine.entity, spine.probability, joined, spine.compared, spine.conflicts, standing.founding
    )


def groups_of(
    linked: Linked, judged: Judged, tables: Mapping[str, pa.Table], settings: Settings, county: Ints
) -> Groups:
    """Find the groups of all units; ``county`` is the kind of county of each row, as in ``report.county_types``."""
    likeliest = np.full(len(linked.spine.units), -1, dtype=np.int64)
    likeliest[judged.unit] = judged.likeliest
    return find_groups(linked, tables, settings, county, likeliest)


def guild(
    linked: Linked,
    standing: Standing,
    judged: Judged,
    groups: Groups,
    titles: Mapping[str, Mapping[str, str]],
    days: Mapping[tuple[str, str], str],
    target: float,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Make the report.

    Parameters
    ----------
    linked : Linked
        Who is who.
    standing, judged, groups
        From ``assess`` and ``groups_of``.
    titles : mapping
        ``department.dataset`` → title in both languages.
    days : mapping
        (dataset, delivery) → the day that its data describe, ISO.
    target : float
        Share of right links asked for.
    seed : int
        Of samples and draws.
    """
    stratum = strata(linked.spine.units)
    hidden, _ = hide(standing, stratum, seed=seed)
    count = _Count(linked, standing, judged, stratum, errors(hidden), seed)
    sources = linked.gathered.sources
    people = linked.gathered.people
    cells = {axis.name: groups.value[axis.name] for axis in AXES}
    return {
        "format": FORMAT,
        "software": {"name": "commonground", "version": version("commonground")},
        "seed": seed,
        "provision": {
            "identifiers": {k: _said(v) for k, v in IDENTIFIERS.items()},
            "deliveries": deliveries(people, sources, titles, days),
            "by_group": [
                row
                for a in AXES
                for row in _by_axis_rows(a, completeness(linked.spine.units, cells[a.name], len(a.categories)))
            ],
        },
        "linkage": _linkage(linked, standing, titles, target),
        "analysis": {
            "whole": count.whole(),
            "by_delivery": count.by_delivery(sources, titles),
            "by_group": count.by_group(cells),
            "gaps": count.gaps(cells),
            "differences": _differences(judged, cells),
            "line": LINE,
            "sweep": count.sweep(cells),
        },
        "hidden": _hidden(hidden, sources),
    }  # fmt: skip


def _said(said: Any) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def _plain(found: Estimate | None) -> dict[str, float] | None:
    return found.to_dict() if found is not None else None


def _by_axis_rows(axis: Axis, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name the rows of an axis's categories; those without a record are left out."""
    out = []
    for (key, words), row in zip(axis.categories, rows, strict=True):
        if row["records"]:
            said = {"axis": axis.name, "group": key, "axis_label": _said(axis.said), "label": _said(words)}
            out.append({**said, **row})
    return out


class _Count:
    """Estimates of any grouping of the records that were to be linked."""

    def __init__(
        self, linked: Linked, standing: Standing, judged: Judged, stratum: Ints, model: Errors, seed: int
    ) -> None:
        spine = linked.spine
        self.judged, self.model, self.seed = judged, model, seed
        self.stratum, self.strata = stratum[judged.unit], int(stratum.max(initial=0)) + 1
        self.by_number: Bools = (spine.method == NUMBER)[judged.unit]
        self.unnumbered: Bools = judged.linked & ~self.by_number & (spine.units.id[judged.unit] < 0)
        self.persons = len(np.unique(spine.entity))
        self.known: dict[str, Rates] = {}
        # who stays out is counted with the person that it would likeliest have been joined to
        near = np.where(judged.likeliest >= 0, spine.entity[np.maximum(judged.likeliest, 0)], judged.person)
        self.cluster: Ints = np.where(judged.linked, judged.person, near)

    def rates(self, cell: Ints, size: int) -> Rates:
        """Estimate each of ``size`` cells of the records."""
        j = self.judged
        total = sums(
            cell, size, self.stratum, self.strata, self.cluster, j.linked, self.unnumbered, j.wrong, j.missed, j.parted
        )
        return rates(total, self.model, seed=self.seed)

    def rows(self, cell: Ints, size: int) -> list[dict[str, Any]]:
        """Give the estimates of each cell as plain values."""
        return self.plain(self.rates(cell, size), cell)

    def plain(self, found: Rates, cell: Ints) -> list[dict[str, Any]]:
        """Give estimates as plain values, with what the model alone expects and how many persons there are."""
        j, size = self.judged, len(found.records)
        wrong = np.bincount(cell, weights=j.wrong, minlength=size)
        missed = np.bincount(cell, weights=j.missed, minlength=size)
        persons = np.bincount(np.unique(np.stack([cell, self.cluster]), axis=1)[0], minlength=size)
        out = []
        for k in range(size):
            right = found.linked[k] - wrong[k]
            false, lost = found.false_rate[k], found.missed_rate[k]
            out.append(
                {
                    "records": found.records[k],
                    "persons": int(persons[k]),
                    "linked": found.linked[k],
                    "link_rate": _plain(found.link_rate[k]),
                    "missed": _plain(found.missed[k]),
                    "wrong": _plain(found.wrong[k]),
                    "missed_rate": _plain(lost),
                    "false_rate": _plain(false),
                    "precision": _plain(_less(false)),
                    "recall": _plain(_less(lost)),
                    "model": {
                        "precision": float(right / found.linked[k]) if found.linked[k] else None,
                        "recall": float(right / (right + missed[k])) if right + missed[k] > 0 else None,
                    },
                }
            )
        return out

    def whole(self) -> dict[str, Any]:
        """Estimate all records together."""
        everything = np.zeros(len(self.judged), dtype=np.int64)
        row = self.rows(everything, 1)[0]
        numbered = int(self.by_number.sum())
        return {**row, "spine": self.persons, "by_number": numbered, "by_weight": row["linked"] - numbered}

    def by_delivery(
        self, sources: tuple[tuple[str, str], ...], titles: Mapping[str, Mapping[str, str]]
    ) -> list[dict[str, Any]]:
        """Estimate each delivery that was to be linked."""
        out = []
        for (name, delivery), row in zip(sources, self.rows(self.judged.source, len(sources)), strict=True):
            if row["records"]:
                title = dict(titles.get(name, {"zh": name, "en": name}))
                out.append({"dataset": name, "delivery": delivery, "title": title, **row})
        return out

    def axis(self, name: str, cells: Mapping[str, Ints]) -> Rates:
        """Estimate the groups of one axis, once."""
        if name not in self.known:
            size = next(len(a.categories) for a in AXES if a.name == name)
            self.known[name] = self.rates(cells[name][self.judged.unit], size)
        return self.known[name]

    def by_group(self, cells: Mapping[str, Ints]) -> list[dict[str, Any]]:
        """Estimate each group."""
        here = {a.name: self.plain(self.axis(a.name, cells), cells[a.name][self.judged.unit]) for a in AXES}
        return [row for axis in AXES for row in _by_axis_rows(axis, here[axis.name])]

    def gaps(self, cells: Mapping[str, Ints]) -> list[dict[str, Any]]:
        """Difference of missed-link rates between the worst and the best group on each axis."""
        out = []
        for axis in AXES:
            found = self.axis(axis.name, cells)
            some = [k for k in range(axis.unknown) if found.linked[k] >= GAP_LINKS]
            between = gap(found, some)
            if between is None:
                continue
            shares = {k: found.missed_rate[k] for k in some if found.missed_rate[k] is not None}
            worst = max(shares, key=lambda k: shares[k].value if shares[k] else 0.0)  # type: ignore[union-attr]
            words = {"axis_label": _said(axis.said), "worst_label": _said(axis.categories[worst][1])}
            out.append({"axis": axis.name, "worst": axis.categories[worst][0], **words, "gap": _plain(between)})
        return out

    def sweep(self, cells: Mapping[str, Ints]) -> list[dict[str, Any]]:
        """Try other thresholds."""
        here = {a.name: (cells[a.name][self.judged.unit], len(a.categories)) for a in AXES}
        base = {name: np.array([m.value for m in self.rates(cell, size).missed]) for name, (cell, size) in here.items()}
        rows = sweep(self.judged, self.by_number, here, base, self.persons, least=GAP_LINKS)
        keys = {a.name: [key for key, _ in a.categories] for a in AXES}
        return [
            {
                "threshold": r.threshold,
                "links": r.links,
                "persons": r.persons,
                "precision": r.precision,
                "recall": r.recall,
                "gap": dict(r.gap),
                "missed_rate": {n: dict(zip(keys[n], v, strict=True)) for n, v in r.missed.items()},
                "link_rate": {n: dict(zip(keys[n], v, strict=True)) for n, v in r.link_rate.items()},
            }
            for r in rows
        ]


def _less(rate: Estimate | None) -> Estimate | None:
    """One less a rate."""
    return Estimate(1 - rate.value, 1 - rate.high, 1 - rate.low) if rate is not None else None


def _differences(judged: Judged, cells: Mapping[str, Ints]) -> list[dict[str, Any]]:
    out = []
    for axis in AXES:
        found = differences(cells[axis.name][judged.unit], len(axis.categories), judged.linked)
        for (key, words), one in zip(axis.categories[:-1], found, strict=True):
            if one.difference is None:
                continue
            out.append(
                {
                    "axis": axis.name, "group": key, "axis_label": _said(axis.said), "label": _said(words),
                    "joined": one.joined, "others": one.others, "n_joined": one.n_joined, "n_others": one.n_others,
                    "difference": _plain(one.difference), "unlike": one.unlike,
                }
            )  # fmt: skip
    return out


def _hidden(hidden: Hidden, sources: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """What linking without numbers gave, by delivery."""
    out = []
    for k in np.unique(hidden.source[hidden.tried > 0]).tolist():
        at = hidden.source == k
        name, delivery = sources[k]
        counts = {
            "tried": hidden.tried, "right": hidden.right, "wrong": hidden.wrong, "missed": hidden.missed,
            "never_compared": hidden.never,
        }  # fmt: skip
        out.append({"dataset": name, "delivery": delivery, **{n: int(v[at].sum()) for n, v in counts.items()}})
    return out


def _linkage(
    linked: Linked, standing: Standing, titles: Mapping[str, Mapping[str, str]], target: float
) -> dict[str, Any]:
    spine, n = linked.spine, len(linked.spine.units)
    frozen, pairs = spine.frozen, spine.compared
    return {
        "target_precision": target,
        "model_version": frozen.number,
        "units": n,
        "possible_pairs": n * (n - 1) // 2,
        "kept_pairs": len(pairs.left),
        "two_numbers": len(spine.conflicts.left),
        "rules": _rules(standing),
        "order": [
            {"dataset": name, "title": dict(titles.get(name, {"zh": name, "en": name}))} for name in frozen.order
        ],
        "thresholds": {name: float(frozen.threshold(name)) for name in frozen.order},
        "models": {name: _model(frozen.model(name)) for name in frozen.order if name in frozen.models},
    }


def _rules(standing: Standing) -> list[dict[str, Any]]:
    """Pairs of units that each blocking rule puts together, crowded keys left out."""
    out = []
    for (cap, names), (_, keys), crowded in zip(
        RULES, standing.spine.standing.keys, standing.spine.frozen.crowded, strict=True
    ):
        values, count = np.unique(keys, return_counts=True)
        count = count[~np.isin(values, crowded)].astype(np.int64)
        out.append({"fields": list(names), "cap": cap, "pairs": int((count * (count - 1) // 2).sum())})
    return out


def _model(model: Model) -> dict[str, Any]:
    """The table of chances: m, u and weight in bits of each level of each field."""
    fields: dict[str, list[dict[str, float]]] = {}
    for name in FIELDS:
        m, u = np.maximum(model.m[name], 1e-12), np.maximum(model.u[name], 1e-12)
        bits = np.log2(m / u)
        fields[name] = [
            {"level": k, "m": float(m[k]), "u": float(u[k]), "bits": float(bits[k])} for k in range(1, len(m))
        ]
    return {"prior": float(model.prior[0]), "iterations": int(model.iterations), "fields": fields}
