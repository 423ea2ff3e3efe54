"""Versions of definitions that a city has adopted: what is published is never edited, only superseded.

The first build that uses a version adopts it: the ledger keeps its hash and the day. From then on the same id with
another meaning is refused, since figures already published under it would silently change theirs. A version has two
dates: from when it was in force in the world (in its file), and from when this city used it (here).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonground.city import City
from commonground.errors import DefinitionError, Said
from commonground.jobs.office import may

if TYPE_CHECKING:
    from commonground.governance.ledger import Ledger
    from commonground.variables import Definition
    from commonground.variables.person import Explained

#: Statuses whose versions may still be edited: they are not in use, or only there to be looked at.
OPEN = ("unverified", "illustrative")


@dataclass(frozen=True)
class Adopted:
    """A version in use: its hash, since when, by whom, and the reason where it was adopted anew."""

    version: str
    hash: str
    on: dt.date
    by: str
    reason: str = ""


def adopted(ledger: Ledger) -> dict[str, Adopted]:
    """Give the versions that a city has adopted; of one adopted anew, the last hash with the first day."""
    from commonground.governance.events import Kind

    found: dict[str, Adopted] = {}
    for entry in ledger.entries(Kind.DEFINITION_ADOPTED):
        day = dt.date.fromisoformat(str(entry.at)[:10])
        for version, mark in sorted(entry.detail["versions"].items()):
            first = found[version].on if version in found else day
            found[version] = Adopted(version, mark, first, entry.actor, str(entry.detail.get("reason", "")))
    return found


def in_use(definitions: Iterable[Definition]) -> dict[str, str]:
    """Hashes of the versions that may no longer be edited."""
    return {v.id: v.hash for d in definitions for v in d.versions if v.status not in OPEN}


def check_adopted(city: City) -> None:
    """Refuse a city in which a version that is in use has been edited.

    Raises
    ------
    DefinitionError
        The same id now means something else than when it was adopted.
    """
    from commonground.governance import Ledger
    from commonground.variables import load_pack

    known = load_pack(city)
    with Ledger(city) as ledger:
        standing = adopted(ledger)
    for version, mark in in_use(known.values()).items():
        if version in standing and standing[version].hash != mark:
            raise _edited(known, standing[version], mark)


def _edited(known: Mapping[str, Definition], before: Adopted, mark: str) -> DefinitionError:
    path = next(d.path for d in known.values() if any(v.id == before.version for v in d.versions))
    return DefinitionError(
        Said(
            f"版本 {before.version} 已在使用，内容却被改动（{before.hash} → {mark}）。",
            f"Version {before.version} is in use, and its content was changed ({before.hash} → {mark}).",
        ),
        where=path,
        why=Said(
            f"本市 {before.on.isoformat()} 起用它；按它公布过的数字会在同一名称下变成另一个意思。",
            f"In use here since {before.on.isoformat()}: figures published under it would change their meaning.",
        ),
        todo=Said(
            "请恢复原样，另写一个新版本（supersedes 指向它）；确属订正的，由有权限的人运行"
            f" commonground define adopt 城市 {before.version} --reason 原因。",
            "Put it back and write a new version that supersedes it; a real correction is adopted by who may:"
            f" commonground define adopt CITY {before.version} --reason WHY.",
        ),
    )


def adopt_new(city: City, ledger: Ledger, actor: str) -> None:
    """Write into the ledger the versions that a build has used for the first time."""
    from commonground.variables import load_pack

    standing = adopted(ledger)
    fresh = {v: h for v, h in in_use(load_pack(city).values()).items() if v not in standing}
    if fresh:
        ledger.append("definition_adopted", actor, "", {"versions": fresh})


def adopt(city: City, version: str, reason: str) -> Adopted:
    """Adopt a version whose content was corrected; needs the right to define, and is recorded.

    Raises
    ------
    DefinitionError
        No such version, it is not in use yet, or nothing was changed.
    AccessError
        The one who asks may not.
    """
    from commonground.governance import Ledger, current_actor
    from commonground.variables import get_definition

    found = get_definition(city, version).version(version)
    may(city, "define")
    with Ledger(city) as ledger:
        standing = adopted(ledger)
        if version not in standing or standing[version].hash == found.hash:
            raise DefinitionError(
                Said(f"版本 {version} 没有什么要重新采用的。", f"There is nothing to adopt of version {version}."),
                why=Said("它还没有用过，或者内容没有改动。", "It was not used before, or its content is the same."),
                todo=Said("直接建库即可。", "Simply build."),
            )
        ledger.append(
            "definition_adopted", current_actor(), version, {"versions": {version: found.hash}, "reason": reason}
        )
        return adopted(ledger)[version]


def explain_person(city: City, definition: str, person: str, version: str | None, day: dt.date | None) -> Explained:
    """Explain one pseudonymous person's value; needs the right to look at values, and is recorded."""
    from commonground import variables
    from commonground.governance import Ledger, current_actor

    may(city, "values_export")
    found = variables.explain_person(city, definition, person, version=version, day=day)
    mark = hashlib.sha256(person.encode()).hexdigest()[:16]
    detail = {"version": found.version.id, "hash": found.version.hash, "person_sha256": mark}
    with Ledger(city) as ledger:  # recorded before it is shown
        ledger.append("value_explained", current_actor(), found.definition.id, detail)
    return found


def load_adopted(city: City) -> dict[str, Adopted]:
    """Give the versions that a city has adopted, with the day of each."""
    from commonground.governance import Ledger

    with Ledger(city) as ledger:
        return adopted(ledger)
