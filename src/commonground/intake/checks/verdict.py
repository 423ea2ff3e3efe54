"""Judges what was counted: limits are read now, from ``checks.toml``, the contracts and ``city.toml``."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Version
from commonground.errors import CityError, Said, did_you_mean
from commonground.files import storage_errors, write_atomically
from commonground.intake.checks.model import CATEGORIES, Check, Count, Counted, Limits, Verdict, value_columns
from commonground.intake.checks.rules import check_city_limits, checks_of, city_limits, load_rules
from commonground.intake.contract import load_contracts
from commonground.intake.pack import load_pack

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.intake.model import Contract

FILE = "quality/checks"
LAST = "checks"
"""Folder of the warehouse with the checks of an intake run after the last build; the next build takes it away."""
_WORST = 3
"""Files that a judged check names, those with the largest share first."""


@dataclass(frozen=True)
class Point:
    """One delivery of a judged check: counts, measured value and the verdict on it."""

    delivery: str
    as_of: dt.date
    numerator: int
    denominator: int
    value: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """A check of a dataset with the verdict on its last delivery, and every delivery before as ``trend``.

    ``limits`` are those that were applied; ``files`` are the last delivery's worst (file, numerator, denominator).
    """

    dataset: str
    kind: str
    check: Check
    limits: Limits
    trend: tuple[Point, ...]
    files: tuple[tuple[str, int, int], ...] = ()

    @property
    def last(self) -> Point:
        """The last delivery."""
        return self.trend[-1]

    @property
    def before(self) -> Point | None:
        """The delivery before the last, if there is one."""
        return self.trend[-2] if len(self.trend) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Give the judgement as plain values, texts in both languages."""
        check = self.check
        return {
            "dataset": self.dataset,
            "kind": self.kind,
            "check": check.id,
            "type": check.type.name,
            "category": check.type.category,
            "context": check.type.context,
            "said": _both(check.said),
            "todo": _both(check.todo),
            "source": check.source,
            "waived": _both(check.waived) if check.waived else None,
            "measure": check.type.measure,
            "limits": {
                "warn": self.limits.warn,
                "fail": self.limits.fail,
                "least": self.limits.least,
                "expected": self.limits.expected,
            },
            "verdict": self.last.verdict,
            "trend": [
                {
                    "delivery": p.delivery,
                    "as_of": p.as_of.isoformat(),
                    "numerator": p.numerator,
                    "denominator": p.denominator,
                    "value": p.value,
                    "verdict": p.verdict,
                }
                for p in self.trend
            ],
            "files": [{"file": f, "numerator": n, "denominator": d} for f, n, d in self.files],
        }


def _both(said: Said) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def counts_table(counted: Sequence[Counted]) -> pa.Table:
    """Give counts as they are stored: a row for each check, delivery and file, without any limit or verdict."""
    import pyarrow as pa

    rows = [
        (
            one.contract.department,
            one.contract.dataset,
            one.contract.kind.name,
            count.delivery,
            one.days.get(count.delivery),
            count.file,
            count.check.id,
            count.check.type.name,
            ",".join(count.check.columns),
            count.numerator,
            count.denominator,
            count.statistic,
            count.status,
        )
        for one in counted
        for count in _in_order(one.counts)
    ]
    return pa.table({n: pa.array([r[i] for r in rows], t) for i, (n, t) in enumerate(_schema())})


def _in_order(counts: Sequence[Count]) -> list[Count]:
    """Put counts in the order of their checks, then deliveries and files: an engine gives groups in any order."""
    place: dict[str, int] = {}
    for count in counts:
        place.setdefault(count.check.id, len(place))
    return sorted(counts, key=lambda count: (place[count.check.id], count.delivery, count.file))


def _schema() -> list[tuple[str, Any]]:
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    return [
        ("department", text), ("dataset", text), ("kind", text), ("delivery", text), ("as_of", pa.date32()),
        ("file", text), ("check", text), ("type", text), ("columns", text), ("numerator", whole),
        ("denominator", whole), ("statistic", pa.float64()), ("status", text),
    ]  # fmt: skip


def keep_last(counted: Sequence[Counted], city: City) -> None:
    """Keep the counts of an intake run in the warehouse until the next build, so that they can be judged before it."""
    import io

    import pyarrow.parquet as pq

    text = io.BytesIO()
    pq.write_table(counts_table(counted), text)
    with storage_errors(city.warehouse):
        (city.warehouse / LAST).mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(city.warehouse / LAST / "checks.parquet", text.getvalue())


def forget_last(city: City) -> None:
    """Take away what an intake run before this build left."""
    (city.warehouse / LAST / "checks.parquet").unlink(missing_ok=True)


def shown_run(city: City) -> Path:
    """Give the counts that a data officer is shown: of an intake run after the last build, else of the version.

    Raises
    ------
    CityError
        There is neither.
    """
    last = city.warehouse / LAST / "checks.parquet"
    return last if last.is_file() else city.require_current().table(FILE)


def save_checks(counted: Sequence[Counted], version: Version) -> None:
    """Write the counts into a version: ``quality/checks.parquet``, and by delivery ``quality/checks.json``."""
    import pyarrow.parquet as pq

    table = counts_table(counted)
    path = version.table(FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    keys = ["department", "dataset", "kind", "delivery", "as_of", "check", "type", "status"]
    sums = [("numerator", "sum"), ("denominator", "sum"), ("statistic", "max")]
    grouped = table.group_by(keys, use_threads=False).aggregate(sums)
    rows = grouped.rename_columns([*keys, "numerator", "denominator", "statistic"]).to_pylist()
    text = json.dumps({"checks": rows}, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def judge(city: City, dataset: str | None = None, *, path: Path | None = None) -> list[Judged]:
    """Judge the checks of the current version by the limits of today; reads no delivery.

    Parameters
    ----------
    dataset : str, optional
        ``department.dataset``; all datasets when not given.
    path : Path, optional
        Counts of another run, as ``shown_run`` gives them.

    Returns
    -------
    list of Judged
        By dataset, then failed ones first, then by category.

    Raises
    ------
    CityError
        The city was not built, or has no such dataset; ``[quality]`` of city.toml is written wrongly.
    """
    import pyarrow.parquet as pq

    path = path or city.require_current().table(FILE)
    if not path.is_file():
        raise CityError(
            Said("当前版本还没有质量检查结果。", "The current version has no quality checks yet."),
            where=str(path),
            todo=Said(
                f"请运行 commonground build {city.path} --force。", f"Run commonground build {city.path} --force."
            ),
        )
    rows = pq.read_table(path).to_pylist()
    contracts = load_contracts(city)
    names = sorted({f"{r['department']}.{r['dataset']}" for r in rows})
    if dataset is not None and dataset not in names:
        raise CityError(
            Said(f"没有数据集“{dataset}”的检查结果。", f"There are no checks of a dataset “{dataset}”."),
            where=str(city.path),
            todo=did_you_mean(dataset, names),
        )
    checks = {name: _checks(contracts[name], city) for name in names if name in contracts}
    known = {key for by_id in checks.values() for c in by_id.values() for key in (c.id, c.type.name)}
    check_city_limits(city.settings, known | set(load_rules(city.settings.pack).types), str(city.path / "city.toml"))
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        name = f"{row['department']}.{row['dataset']}"
        if dataset in (None, name) and row["check"] in checks.get(name, {}):
            grouped.setdefault((name, row["check"]), []).append(row)
    out = [_judged(name, checks[name][id], found, city) for (name, id), found in grouped.items()]
    order = ("fail", "warn", "pass", "waived", "no_data", "not_applicable")
    categories = list(CATEGORIES)
    return sorted(
        out, key=lambda j: (j.dataset, order.index(j.last.verdict), categories.index(j.check.type.category), j.check.id)
    )


def _checks(contract: Contract, city: City) -> dict[str, Check]:
    pack = load_pack(city.settings.pack)
    return checks_of(contract, value_columns(contract, pack), pack, load_rules(city.settings.pack))


def _judged(name: str, check: Check, rows: list[dict[str, Any]], city: City) -> Judged:
    limits = city_limits(check, name, city.settings)
    deliveries = sorted({(r["as_of"], r["delivery"]) for r in rows})
    points = []
    for day, delivery in deliveries:
        here = [r for r in rows if r["delivery"] == delivery]
        n, d = sum(r["numerator"] for r in here), sum(r["denominator"] for r in here)
        told = [r["statistic"] for r in here if r["statistic"] is not None]
        value = (n / d if d else None) if check.type.measure == "share" else max(told, default=None)
        counted = any(r["status"] == "counted" for r in here)
        points.append(Point(delivery, day, n, d, value, verdict_of(check, limits, value, d, counted)))
    last = [r for r in rows if r["delivery"] == deliveries[-1][1] and r["file"] and r["numerator"]]
    last.sort(key=lambda r: (-r["numerator"] / r["denominator"], r["file"]))
    files = tuple((r["file"], r["numerator"], r["denominator"]) for r in last[:_WORST])
    return Judged(name, rows[0]["kind"], check, limits, tuple(points), files)


def verdict_of(check: Check, limits: Limits, value: float | None, denominator: int, counted: bool = True) -> Verdict:
    """Judge one measured value.

    Parameters
    ----------
    value : float or None
        Share, population stability index or days, as the type's ``measure`` says; None where nothing was counted.
    denominator : int
        What the value is of.
    """
    if check.waived is not None:
        return "waived"
    if not counted:
        return "not_applicable"
    if value is None or denominator < max(limits.least, 1):
        return "no_data"
    off = value - limits.expected
    off = abs(off) if limits.both else off
    if limits.fail is not None and off > limits.fail + 1e-12:
        return "fail"
    return "warn" if limits.warn is not None and off > limits.warn + 1e-12 else "pass"
