"""Check types that need no row: what intake itself counted (quarantine, conservation), and the columns as a whole."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from commonground.intake.checks.model import Check, Count
from commonground.intake.model import Contract

Place = tuple[str, str]
"""A delivery and a file of it."""


@dataclass
class Seen:
    """What is known of one dataset after its parts went by.

    Attributes
    ----------
    filled : dict
        Place → column → records with a value.
    constant : dict
        Place → column → (least, greatest) hash of the values.
    held : dict
        Column of codes → place → value → records.
    records : dict
        Place → records.
    days : dict
        Delivery → the day that its data describe.
    set_aside : dict
        Place → concept → reason → values in quarantine.
    sums : dict
        Place → what the conservation sum counts.
    """

    contract: Contract
    filled: dict[Place, dict[str, int]] = field(default_factory=dict)
    constant: dict[Place, dict[str, tuple[int, int]]] = field(default_factory=dict)
    held: dict[str, dict[Place, dict[str, int]]] = field(default_factory=dict)
    records: dict[Place, int] = field(default_factory=dict)
    days: dict[str, dt.date] = field(default_factory=dict)
    set_aside: dict[Place, dict[str, dict[str, int]]] = field(default_factory=dict)
    sums: dict[Place, dict[str, int]] = field(default_factory=dict)

    def rejected(self, place: Place, column: str) -> dict[str, int]:
        """Give the values of a column that went to quarantine, by reason; of a blood pressure those of its whole."""
        here = self.set_aside.get(place, {})
        names = {column} | {
            "bp"
            for c in self.contract.columns
            if c.concept and c.concept.type == "pressure" and column in ("sbp", "dbp")
        }
        out: dict[str, int] = {}
        for name in sorted(names):
            for reason, n in here.get(name, {}).items():
                out[reason] = out.get(reason, 0) + n
        return out

    def expects(self, place: Place, column: str) -> bool:
        """Whether the contract expects a column in a file of a delivery; columns that no rule gives are expected."""
        rules = [c for c in self.contract.columns if c.concept is not None and c.concept.name == column]
        delivery, file = place
        return not rules or any(
            fnmatch.fnmatchcase(file, rule.files) and fnmatch.fnmatchcase(delivery, rule.deliveries) for rule in rules
        )


def value(check: Check, seen: Seen) -> list[Count]:
    """Values that intake could not take for one of the parameter's ``reasons``, of all that were written."""
    column, out = check.columns[0], []
    for place, filled in seen.filled.items():
        rejected = seen.rejected(place, column)
        bad = sum(n for reason, n in rejected.items() if reason.partition(":")[0] in check.params["reasons"])
        out.append(Count(check, *place, bad, filled.get(column, 0) + sum(rejected.values())))
    return out


RARE = 0.001
"""A file of one code is told where the other files' share of that code makes this less likely than so."""


def same_value(check: Check, seen: Seen) -> list[Count]:
    """Values of files in which the whole column holds one and the same, of all values.

    A file in which nobody is an orphan is no wonder where hardly anybody is one in the others: a code is told where
    all files hold it alone, or where so many equal draws by the share of the other files are less likely than `RARE`.
    """
    column, least, out = check.columns[0], int(check.params.get("rows", 20)), []
    for place, filled in seen.filled.items():
        n = filled.get(column, 0)
        low, high = seen.constant[place].get(column, (0, 1))
        same = low == high and n >= least and not _expected(seen.held.get(column, {}), place, n)
        out.append(Count(check, *place, n if same else 0, n))
    return out


def _expected(held: Mapping[Place, Mapping[str, int]], place: Place, n: int) -> bool:
    """Whether a file's one code is no wonder, by the share that it has in the dataset's other files."""
    value = next(iter(held.get(place, {})), None)
    others = [values for where, values in held.items() if where != place]
    whole = sum(sum(values.values()) for values in others)
    here = sum(values.get(value, 0) for values in others) if value is not None else 0
    return bool(here < whole and (here / whole) ** n >= RARE)


def required(check: Check, seen: Seen) -> list[Count]:
    """Concepts that a dataset of this kind must bring and a file holds no value of, of all these concepts."""
    wanted = check.params["concepts"]
    return [
        Count(check, *place, sum(not filled.get(name) for name in wanted), len(wanted))
        for place, filled in seen.filled.items()
        if seen.records[place]
    ]


def rows_set_aside(check: Check, seen: Seen) -> list[Count]:
    """Rows in quarantine, of the rows that are data."""
    return [
        Count(check, *place, sums["quarantined"], sums["quarantined"] + sums["records"])
        for place, sums in seen.sums.items()
        if sums["quarantined"] + sums["records"]
    ]


def repeated_delivery(check: Check, seen: Seen) -> list[Count]:
    """Records of files that had been delivered before, of all records of the delivery."""
    out: dict[str, list[int]] = {}
    for (delivery, _), sums in seen.sums.items():
        here = out.setdefault(delivery, [0, 0])
        here[0] += sums["repeated"]
        here[1] += sums["records"] + sums["repeated"]
    return [Count(check, delivery, "", bad, n) for delivery, (bad, n) in out.items()]


def timeliness(check: Check, seen: Seen) -> list[Count]:
    """Days from the day that the data describe to the delivery; the statistic is the days."""
    out = []
    for delivery, day in seen.days.items():
        try:
            days = (dt.date.fromisoformat(delivery[:10]) - day).days
        except ValueError:
            out.append(Count(check, delivery, "", 0, 0, None, "not_applicable"))
            continue
        out.append(Count(check, delivery, "", max(days, 0), 1, float(days)))
    return out


REPORTED: dict[str, Callable[[Check, Seen], list[Count]]] = {
    f.__name__: f for f in (value, same_value, required, rows_set_aside, repeated_delivery, timeliness)
}


def without_rejected(count: Count, seen: Seen) -> Count | None:
    """Take the values in quarantine out of the missing ones; None for a file that need not have the column."""
    place, column = (count.delivery, count.file), count.check.columns[0]
    if not seen.expects(place, column):
        return None
    rejected = sum(seen.rejected(place, column).values())
    return Count(count.check, *place, max(count.numerator - rejected, 0), count.denominator)


def gather_sums(seen: Seen, conservation: list[Mapping[str, object]], quarantine: list[Mapping[str, object]]) -> None:
    """Take what intake counted of a dataset's files; a file that had been delivered before counts as repeated only."""
    read = set()
    for row in conservation:
        place = (str(row["delivery"]), str(row["file"]))
        here = seen.sums.setdefault(place, {"records": 0, "quarantined": 0, "repeated": 0})
        if row["status"] == "repeated":
            here["repeated"] += int(str(row["records"]))
        elif row["status"] == "read":
            read.add(place)
            here["records"] += int(str(row["records"]))
            here["quarantined"] += int(str(row["quarantined"]))
    for row in quarantine:
        place = (str(row["delivery"]), str(row["file"]))
        if place in read and row["concept"]:
            reasons = seen.set_aside.setdefault(place, {}).setdefault(str(row["concept"]), {})
            reasons[str(row["reason"])] = reasons.get(str(row["reason"]), 0) + int(str(row["n"]))
