"""A delivery to be forgotten: its key is destroyed, the city built anew, every version that held it purged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonground.city import City, Progress
from commonground.errors import DeliveryError, Said
from commonground.files import storage_errors
from commonground.jobs.build import build
from commonground.jobs.office import may


@dataclass(frozen=True)
class Forgotten:
    """What forgetting a delivery did.

    Attributes
    ----------
    delivery : str
        ``department/dataset/delivery``.
    versions : tuple of int
        Versions that held it and are gone.
    version : int or None
        The version that was built without it.
    """

    delivery: str
    versions: tuple[int, ...]
    version: int | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {"delivery": self.delivery, "versions": list(self.versions), "version": self.version}


def plan_forget(city: City, delivery: str) -> Forgotten:
    """Say which versions hold a delivery, without changing anything.

    Raises
    ------
    DeliveryError
        It is not written as department/dataset/delivery, was never taken in, its files still lie in the folder of
        deliveries, from where the next build would read them again, or its contract asks for data that are not there.
    """
    from commonground.governance import KeyRing
    from commonground.governance.keys import delivery_key

    place = tuple(delivery.strip("/").split("/"))
    if len(place) != 3 or not all(place) or ".." in place:
        raise DeliveryError(
            Said("请写成 部门/数据集/交付。", "Write it as department/dataset/delivery."), where=delivery
        )
    folder = city.deliveries / Path(*place)
    if folder.exists():
        raise DeliveryError(
            Said(
                "这次交付的文件还在，没有删除任何内容。", "The delivery's files are still there; nothing was removed."
            ),
            where=str(folder),
            why=Said("下次建库会把它们再读进来。", "The next build would read them again."),
            todo=Said(
                "请先移走这个文件夹（包括备份），再运行一次。", "Remove that folder first, backups too, and run again."
            ),
        )
    _check_rest(city, *place[:2])
    held = tuple(n for n, files in _versions(city) if any(tuple(f[:3]) == place for f in files))
    if not held and not KeyRing(city.settings.keys).has(delivery_key(*place)):
        raise DeliveryError(
            Said("没有接收过这次交付，或者已经删除。", "This delivery was never taken in, or is gone already."),
            where=delivery,
            todo=Said("请用 commonground audit 核对名称。", "Check its name by commonground audit."),
        )
    return Forgotten("/".join(place), held, None)


def _check_rest(city: City, department: str, dataset: str) -> None:
    """Refuse before anything is done where the build could not go through for want of a dataset's deliveries."""
    from commonground.intake import load_contracts

    contract = load_contracts(city).get(f"{department}.{dataset}")
    folder = city.deliveries / department / dataset
    if contract is None or contract.absent or (folder.is_dir() and any(folder.iterdir())):
        return
    raise DeliveryError(
        Said(
            "这个数据集没有别的交付，没有删除任何内容。",
            "Nothing else of this dataset was delivered; nothing was removed.",
        ),
        where=str(folder),
        why=Said("照现在的读取约定无法重新建库。", "By its contract as it is, the city cannot be built without it."),
        todo=Said(
            "请在读取约定的 [dataset] 写 absent = true，再运行一次。",
            "Set absent = true in [dataset] of the contract, and run again.",
        ),
    )


def _versions(city: City) -> list[tuple[int, list[list[str]]]]:
    from commonground.city import Version

    folder = city.warehouse / "versions"
    numbers = sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []
    return [(n, Version(n, folder / str(n)).manifest.get("files", [])) for n in numbers]


def forget(city: City, delivery: str, *, reason: str, progress: Progress | None = None) -> Forgotten:
    """Destroy a delivery's key, build without it, and purge every version that held it with its links.

    What was read from the delivery cannot be read again from then on, by nobody, in no backup of the vault. The ledger
    says so before it is done. Persons keep their ids: the new version is built on what stands, and only then are the
    others purged. Interrupted, or where the build is refused, it can be run again.

    Raises
    ------
    AccessError
        The running user may not destroy keys.
    DeliveryError
        See ``plan_forget``; or the build is refused.
    """
    from commonground.governance import Ledger, Vault, current_actor
    from commonground.governance.custody import destroy_key
    from commonground.governance.keys import delivery_key
    from commonground.people import aliases

    may(city, "destroy_key")
    plan, actor = plan_forget(city, delivery), current_actor()
    with Ledger(city) as ledger:
        detail = {"versions": list(plan.versions), "reason": reason}
        ledger.append("delivery_removed", actor, plan.delivery, detail)
        destroy_key(ledger, delivery_key(*plan.delivery.split("/")), by=actor, reason=reason)
    vault = Vault(city)
    # numbers that the delivery may have taught, and rows of encodings: learnt and linked anew from what remains
    for name in (aliases.ENTRY, *vault.names("encoded")):
        vault.remove(name)
    made = build(city, force=True, progress=progress)
    _purge(city, plan.versions)
    return Forgotten(plan.delivery, plan.versions, made.version.number)


def _purge(city: City, versions: tuple[int, ...]) -> None:
    """Remove versions with all that the vault holds for each."""
    from commonground.governance import Vault
    from commonground.people.run import BY_VERSION

    vault = Vault(city)
    with storage_errors(city.warehouse):
        for number in versions:
            for name in (n for kind in BY_VERSION for n in vault.names(kind) if n.split("/")[1] == str(number)):
                vault.remove(name)
            shutil.rmtree(city.warehouse / "versions" / str(number))
