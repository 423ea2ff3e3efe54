"""Where the items stand, told without a text of any record: for the command line and the page on quality."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from commonground.city import City
from commonground.governance.vault import Vault
from commonground.intake.returns import register
from commonground.intake.returns.model import STATES, Item
from commonground.intake.returns.register import Register
from commonground.intake.returns.words import what


def gate(city: City) -> Callable[[int], str]:
    """Give how counts are let out: small ones hidden, others rounded, by the city's policy."""
    policy = city.policy

    def safe(count: int) -> str:
        if count == 0:
            return "0"
        if count < policy.cell_threshold:
            return f"<{policy.cell_threshold}"
        step = max(policy.rounding, 1)
        return f"{max(policy.cell_threshold, (count + step // 2) // step * step):,}"

    return safe


def age(item: Item, today: dt.date) -> int:
    """Days since an item was first seen."""
    return (today - dt.date.fromisoformat(item.since)).days


def standing(registers: Mapping[str, Register], today: dt.date) -> list[dict[str, Any]]:
    """Give for each delivery how many items stand where, and the age of the oldest unsettled one in days."""
    out = []
    for name, book in sorted(registers.items()):
        department, _, dataset = name.partition(".")
        sums: dict[str, dict[str, Any]] = {}
        for item in book.items.values():
            here = sums.setdefault(item.fault.delivery, {**dict.fromkeys(STATES, 0), "oldest": None})
            here[item.state] += 1
            if not item.settled:
                here["oldest"] = max(here["oldest"] or 0, age(item, today))
        for delivery, counts in sorted(sums.items()):
            out.append({"department": department, "dataset": dataset, "delivery": delivery, **counts})
    return out


def told(item: Item, today: dt.date) -> dict[str, Any]:
    """Give an item's number, place and state; of whole rows and values neither the text nor whose they are."""
    fault = item.fault
    reason = what(fault.reason)
    return {
        "department": fault.department,
        "dataset": fault.dataset,
        "number": item.number,
        "delivery": fault.delivery,
        "file": fault.file,
        "sheet": fault.sheet,
        "rows": list(fault.rows[:10]),
        "column": fault.column,
        "problem": {"zh": reason.zh, "en": reason.en},
        "count": fault.count,
        "state": item.state,
        "via": item.via,
        "since": item.since,
        "days": age(item, today),
    }


def counts(city: City) -> list[dict[str, Any]]:
    """Give how many items each delivery had and how many are settled, as they are: for the version, never shown so."""
    out = []
    for name, book in sorted(register.load_all(Vault(city)).items()):
        department, _, dataset = name.partition(".")
        sums: dict[str, list[int]] = {}
        for item in book.items.values():
            here = sums.setdefault(item.fault.delivery, [0, 0])
            here[0] += 1
            here[1] += item.settled
        for delivery, (items, settled) in sorted(sums.items()):
            place = {"department": department, "dataset": dataset, "delivery": delivery}
            out.append({**place, "items": items, "settled": settled})
    return out


def rates(city: City, registers: Mapping[str, Register] | None = None) -> list[dict[str, Any]]:
    """Give how many items each delivery had and how many are settled: counts alone, small ones hidden.

    For the page on quality: nothing in it is about a person.
    """
    safe = gate(city)
    out = []
    for name, book in sorted((registers if registers is not None else register.load_all(Vault(city))).items()):
        sums: dict[str, dict[str, int]] = {}
        for item in book.items.values():
            here = sums.setdefault(item.fault.delivery, dict.fromkeys(("items", *STATES), 0))
            here["items"] += 1
            here[item.state] += 1
        for delivery, counts in sorted(sums.items()):
            department, _, dataset = name.partition(".")
            settled = counts["closed"] + counts["accepted"]
            small = min(settled, counts["items"] - settled)
            share = settled / counts["items"] if counts["items"] >= city.policy.cell_threshold else None
            hidden = share is not None and 0 < small < city.policy.cell_threshold
            place = {"department": department, "dataset": dataset, "delivery": delivery}
            shown = {state: safe(count) for state, count in counts.items()}
            out.append({**place, **shown, "settled_share": None if hidden or share is None else round(share, 2)})
    return out
