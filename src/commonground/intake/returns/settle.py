"""Settles items by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commonground.city import City
from commonground.errors import DeliveryError, Said, did_you_mean
from commonground.governance import Ledger
from commonground.governance.events import Kind
from commonground.governance.vault import Vault
from commonground.intake.returns import register
from commonground.intake.returns.model import Item
from commonground.intake.returns.register import Register


def close(
    city: City, dataset: str, numbers: Sequence[int], reason: str, actor: str, *, accept: bool = False
) -> list[Item]:
    """Settle items by hand: because the department said so on the telephone, or because nothing more will come.

    Parameters
    ----------
    reason : str
        Why; it stays in the vault, the ledger holds the numbers alone.
    accept : bool
        The department says that they are right as delivered.

    Raises
    ------
    DeliveryError
        There is no such item, it is settled already, or no reason is given.
    """
    if not reason.strip():
        raise DeliveryError(
            Said("没有写销号的原因。", "No reason is given."), where="--reason", todo=Said("请写明原因。", "Give one.")
        )
    vault = Vault(city)
    known = [name.removeprefix(f"{register.FOLDER}/") for name in vault.names(register.FOLDER)]
    if dataset not in known:  # before it is used as the name of an entry
        raise DeliveryError(
            Said(f"没有数据集“{dataset}”的核对事项。", f"Nothing was asked about a dataset “{dataset}”."),
            where=dataset,
            todo=did_you_mean(dataset, known),
        )
    with register.alone(city):
        return _closed(city, register.load(vault, dataset), dict.fromkeys(numbers), reason, actor, accept=accept)


def _closed(city: City, book: Register, numbers: Iterable[int], reason: str, actor: str, *, accept: bool) -> list[Item]:
    """Settle items of one register, all or none."""
    numbers = list(numbers)
    for number in numbers:
        if number not in book.items or book.items[number].settled:
            waiting = [str(item.number) for item in book.unsettled]
            raise DeliveryError(
                Said(f"{book.name} 没有待办的第 {number} 号。", f"{book.name} has no unsettled item {number}."),
                where=str(number),
                todo=did_you_mean(str(number), waiting)
                if waiting
                else Said("这个数据集没有待办的项。", "Nothing is open."),
            )
    state, via = ("accepted", "as_is") if accept else ("closed", "hand")
    with Ledger(city) as ledger:
        at = ledger.clock().isoformat(timespec="seconds")
        for number in numbers:
            book.put(book.items[number].told(at, actor, state, reason, state=state, via=via))
        detail = {"items": [str(number) for number in sorted(numbers)], "via": via}
        ledger.append(Kind.RETURN_CLOSED, actor, book.name.replace(".", "/", 1), detail)
        register.save(Vault(city), book)
    return [book.items[number] for number in numbers]
