"""A delivered file at which intake stops: its department is told on a return sheet, before anything else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonground.city import City
from commonground.errors import DeliveryError, Said
from commonground.governance.vault import Vault
from commonground.intake.archives import limits_of
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered, find_files, opened
from commonground.intake.readers.lines import digest
from commonground.intake.returns import register
from commonground.intake.returns.model import Fault, Item
from commonground.intake.returns.register import SYSTEM, Register

if TYPE_CHECKING:
    import datetime as dt

STOPPED = "stopped"
"""The reason of a file that cannot be read; after the colon what intake said: zh|en."""


def stopped_at(city: City, error: DeliveryError) -> Fault | None:
    """Give the delivered file that an error of intake is about, as a fault; None where it is about none.

    An error about what is missing altogether, or about the contract, is nothing that a file's department can mend.
    """
    try:
        files = find_files(city.deliveries, load_contracts(city), limits_of(city))
    except DeliveryError:
        return None
    named = [found for found in files if not found.status and found.contract is not None and _is(found, error.where)]
    if not named:
        return None
    found = max(named, key=lambda one: len(str(one.path)) + len(one.file))
    with opened(found) as path:
        mark = digest(path)
    why = error.why or Said("", "")
    zh, en = (f"{error.what(lang)} {why(lang)}".strip().replace("|", "／") for lang in ("zh", "en"))
    place = (found.department, found.dataset, found.delivery, found.file)
    return Fault("file", *place, "", "", "", f"{STOPPED}:{zh}|{en}", count=1, sha256=mark)


def _is(found: Delivered, where: str) -> bool:
    """Tell whether a place names a file: its path, perhaps with sheet, row or the file inside an archive after it."""
    path = str(found.path)
    if not where.startswith(path):
        return False
    rest = where[len(path) :]
    inner = found.file.partition("/")[2]
    return (not rest or not (rest[0].isalnum() or rest[0] in "._-")) and (not inner or inner in rest)


def enter(city: City, fault: Fault, now: dt.datetime) -> tuple[Register, Item]:
    """Put the file into the register of its dataset, beside what stands there; give its item."""
    vault = Vault(city)
    book = register.load(vault, fault.name)
    at, known = now.isoformat(timespec="seconds"), book.by_key().get(fault.key)
    if known is None:
        item = Item(max(book.items, default=0) + 1, fault, since=now.date().isoformat(), key=fault.key)
        item = item.told(at, SYSTEM, "found")
    elif known.settled:
        item = known.told(at, SYSTEM, "found again", state="open", via="")
    else:
        item = known
    book.put(item)
    register.save(vault, book)
    return book, item
