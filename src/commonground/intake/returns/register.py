"""Follows faults from run to run: the same unsolved fault keeps its number and its age; what is settled is told how.

The register of a dataset is one sealed entry of the vault. Items are never removed; settled ones forget their texts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from commonground import files
from commonground.city import City
from commonground.governance.vault import Vault
from commonground.intake.returns.model import Fault, Item, item_of

FOLDER = "returns/register"
SYSTEM = "system"
COMPARED = "compared"
"""The reason of a fault that a comparison with other records found; a sheet says no more than “please verify”."""


@dataclass(frozen=True)
class Fate:
    """What became of an item's row in a later delivery: ``via`` of ``model.VIA``, or the fault that it still has.

    ``accepted``: the department said of this very text that it is right, and is not asked again.
    """

    via: str = ""
    delivery: str = ""
    fault: Fault | None = None
    accepted: bool = False


@dataclass
class Register:
    """The items of one dataset, by number."""

    name: str
    items: dict[int, Item] = field(default_factory=dict)

    @property
    def unsettled(self) -> list[Item]:
        """Items about which something is still asked, in the order of number."""
        return [item for _, item in sorted(self.items.items()) if not item.settled]

    def by_key(self) -> dict[str, Item]:
        """Give the newest item of each fault."""
        return {item.key: item for _, item in sorted(self.items.items())}

    def put(self, item: Item) -> None:
        """Take an item's new state; one that is settled forgets what it said about a person."""
        self.items[item.number] = item.forgotten() if item.settled else item


def alone(city: City) -> AbstractContextManager[None]:
    """Keep other processes from changing registers and corrections between reading and writing; they wait."""
    return files.alone(city.vault / ".returns")


def load(vault: Vault, name: str) -> Register:
    """Read the register of ``department.dataset``; a dataset without one has no items yet."""
    entry = f"{FOLDER}/{name}"
    if not vault.has(entry):
        return Register(name)
    items = (item_of(raw) for raw in json.loads(vault.read(entry)))
    return Register(name, {item.number: item for item in items})


def load_all(vault: Vault) -> dict[str, Register]:
    """Read all registers, by dataset."""
    names = [entry.removeprefix(f"{FOLDER}/") for entry in vault.names(FOLDER)]
    return {name: load(vault, name) for name in names}


def save(vault: Vault, register: Register) -> None:
    """Seal a register in the vault, in one rename."""
    items = [item.to_dict() for _, item in sorted(register.items.items())]
    vault.write(f"{FOLDER}/{register.name}", json.dumps(items, ensure_ascii=False).encode())


def update(
    register: Register,
    faults: Iterable[Fault],
    fates: Mapping[str, Fate],
    corrected: Mapping[str, str],
    now: dt.datetime,
    *,
    compared: bool = False,
) -> None:
    """Bring a register up to what intake found.

    Parameters
    ----------
    faults : iterable of Fault
        The dataset's faults as they are now.
    fates : mapping
        Key of a fault → what became of its row in a later delivery.
    corrected : mapping
        Key of a fault → the return sheet that corrected it.
    now : datetime
        When, for the history and the age.
    compared : bool
        ``faults`` hold those of a comparison with other records too; else items about such stay as they are.
    """
    at, day = now.isoformat(timespec="seconds"), now.date().isoformat()
    found = {fault.key: fault for fault in faults}
    moved = {fate.fault.key: key for key, fate in fates.items() if fate.fault is not None}
    known = register.by_key()
    numbers = {key: item.number for key, item in known.items() if not item.settled}
    for key, item in known.items():
        if item.settled and key in fates and fates[key].accepted:
            _follow(register, item, fates[key], at)
        elif item.settled:
            _see_again(register, item, found.get(key), at, explained=key in fates)
        elif key in fates:
            _meet(register, item, fates[key], at, numbers)
        elif key in found:
            register.put(replace(item, fault=found[key]))
        elif compared or item.fault.reason.partition(":")[0] != COMPARED or key in corrected:
            via = "sheet" if key in corrected else _listed(item, found)
            register.put(item.told(at, SYSTEM, "closed", corrected.get(key, ""), state="closed", via=via))
    number = max(register.items, default=0)
    ages = _ages(known.values())
    for key, fault in found.items():
        before = known.get(moved.get(key, ""))
        if key in known or key in fates or (before is not None and (not before.settled or before.via == "as_is")):
            continue
        number += 1
        since = ages.get((fault.delivery, fault.file, fault.sheet, fault.column), day)
        register.put(Item(number, fault, since=since, key=key).told(at, SYSTEM, "found"))


def _see_again(register: Register, item: Item, fault: Fault | None, at: str, *, explained: bool) -> None:
    """Open a closed item whose fault is there once more; what the department or an officer settled stays settled."""
    mended = item.via in ("sheet", "file", "gone", "contract", "listed")
    if fault is not None and (mended or (item.via in ("later", "same") and not explained)):
        register.put(replace(item, fault=fault).told(at, SYSTEM, "found again", state="open", via=""))


def _meet(register: Register, item: Item, fate: Fate, at: str, numbers: dict[str, int]) -> None:
    """Settle an item by a later delivery, or follow its fault there; ``numbers`` are those of unsettled items."""
    if fate.fault is None:
        register.put(item.told(at, SYSTEM, "closed", fate.delivery, state="closed", via=fate.via))
        return
    other = numbers.get(fate.fault.key, item.number)
    if fate.fault.key == item.key:
        register.put(replace(item, fault=fate.fault))
    elif other != item.number:
        register.put(item.told(at, SYSTEM, "closed", f"{other:05d}", state="closed", via="same"))
    else:
        numbers[fate.fault.key] = item.number
        _follow(register, item, fate, at)


def _follow(register: Register, item: Item, fate: Fate, at: str) -> None:
    """Let an item be about the same fault in a later file."""
    assert fate.fault is not None
    changes = {"fault": fate.fault, "key": fate.fault.key}
    register.put(item.told(at, SYSTEM, "still there", fate.delivery, **changes))


def _listed(item: Item, found: Mapping[str, Fault]) -> str:
    """Tell an item about a whole column whose faults are few enough now to be listed from one that is mended."""
    place = (item.fault.delivery, item.fault.file, item.fault.sheet, item.fault.column)
    if item.fault.scope != "column":
        return "contract"
    still = any((f.delivery, f.file, f.sheet, f.column) == place for f in found.values())
    return "listed" if still else "contract"


def _ages(items: Iterable[Item]) -> dict[tuple[str, str, str, str], str]:
    """Give the day since when whole columns were asked about: rows listed in their place are as old."""
    out: dict[tuple[str, str, str, str], str] = {}
    for item in items:
        if item.fault.scope == "column":
            place = (item.fault.delivery, item.fault.file, item.fault.sheet, item.fault.column)
            out[place] = min(item.since, out.get(place, item.since))
    return out
