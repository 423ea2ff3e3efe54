"""Fetch: tables of departments' databases become deliveries, each in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonground.city import City, Progress
from commonground.errors import ContractError, Said, did_you_mean
from commonground.jobs.office import may

if TYPE_CHECKING:
    from commonground.intake.fetch import Fetched
    from commonground.intake.model import Contract


def fetch(city: City, dataset: str | None = None, *, progress: Progress | None = None) -> list[Fetched]:
    """Fetch one dataset, or all whose contract has a ``[database]``; intake then reads them like any delivery.

    Parameters
    ----------
    dataset : str, optional
        ``department.dataset``.

    Raises
    ------
    AccessError
        The running user may not take in deliveries.
    ContractError
        There is no such dataset, or no contract with a ``[database]``.
    DeliveryError
        A server does not answer or breaks off.
    """
    from commonground.governance import Ledger, current_actor
    from commonground.intake.fetch import fetch as room

    contracts = plan_fetch(city, dataset)
    may(city, "build")
    done = room(city, contracts, progress=progress)
    with Ledger(city) as ledger:
        for one in done:
            subject = f"{one.dataset.replace('.', '/')}/{one.path.parent.name}"
            detail = {"rows": one.rows, "content": one.content, "sha256": one.sha256, "changed": one.changed}
            ledger.append("database_fetched", current_actor(), subject, detail)
    return done


def plan_fetch(city: City, dataset: str | None = None) -> list[Contract]:
    """Give the contracts that a fetch would fetch, without connecting anywhere.

    Raises
    ------
    ContractError
        There is no such dataset, or no contract with a ``[database]``.
    """
    from commonground.intake import load_contracts

    contracts = load_contracts(city)
    if dataset is not None:
        if dataset not in contracts:
            raise ContractError(
                Said(f"没有数据集“{dataset}”的读取约定。", f"There is no contract for the dataset “{dataset}”."),
                where=str(city.sources),
                todo=did_you_mean(dataset, contracts),
            )
        return [contracts[dataset]]
    found = [contract for contract in contracts.values() if contract.database is not None]
    if not found:
        raise ContractError(
            Said("没有哪份约定写了 [database]。", "No contract has a [database]."),
            where=str(city.sources),
            why=Said("没有可以直接取数的数据集。", "There is nothing to fetch."),
            todo=Said("请在约定里写 [database] url 与 table。", "Write [database] with url and table into a contract."),
        )
    return found
