"""Return sheets: what goes back to the departments, what comes back from them, and where every item stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import DeliveryError, Said
from commonground.jobs.office import may

if TYPE_CHECKING:
    from commonground.intake.returns.model import Item
    from commonground.intake.returns.run import Made
    from commonground.intake.returns.take import Taken


def make_returns(
    city: City,
    *,
    dataset: str = "",
    delivery: str = "",
    destroy_by: dt.date | None = None,
    progress: Progress | None = None,
) -> list[Made]:
    """Write the return sheets of all deliveries, or of one; each is recorded in the ledger.

    Raises
    ------
    AccessError
        The running user may not hand files over.
    DeliveryError
        There is no such dataset or delivery; or intake stopped at a file: then the sheet of that one is written.
    """
    from commonground import intake
    from commonground.governance import current_actor
    from commonground.intake.returns import run

    may(city, "transfer")
    actor = current_actor()
    try:
        result = intake.run(city, progress=progress)
    except DeliveryError as error:
        made = run.make_stopped(city, error, actor=actor, dataset=dataset, delivery=delivery, destroy_by=destroy_by)
        if made is None:
            raise
        raise DeliveryError(
            error.what,
            where=error.where,
            why=error.why,
            todo=Said(
                f"已为该文件编制核对单：{made.path}。交部门改好后替换原文件，再运行一次，编制其余各单。",
                f"The return sheet of this file is written: {made.path}. Hand it over, put the mended file in its "
                "place and run this again for the others.",
            ),
        ) from error
    return run.make(city, result, actor=actor, dataset=dataset, delivery=delivery, destroy_by=destroy_by)


def show_returns(city: City, *, progress: Progress | None = None) -> dict[str, Any]:
    """Say where the items of every delivery stand: counts, the oldest, and each item's place, without texts."""
    from commonground import intake
    from commonground.governance import Ledger
    from commonground.intake.returns import run, shown

    may(city, "build")
    registers = run.refresh(city, intake.run(city, progress=progress))
    with Ledger(city) as ledger:
        today = ledger.clock().date()
    return {
        "deliveries": shown.standing(registers, today),
        "items": [shown.told(item, today) for book in registers.values() for item in book.items.values()],
        "rates": shown.rates(city, registers),
    }


def take_return(city: City, file: Path, *, dataset: str = "", progress: Progress | None = None) -> Taken:
    """Take a filled-in return sheet, read the deliveries with its corrections, and close what they mend.

    Raises
    ------
    DeliveryError
        The file is no return sheet of this city, was changed where it is locked, or is another dataset's.
    """
    from commonground import intake
    from commonground.governance import current_actor
    from commonground.intake.returns import run
    from commonground.intake.returns.take import read_sheet, take

    may(city, "build")
    done = take(city, read_sheet(file), str(file), current_actor(), dataset)
    run.refresh(city, intake.run(city, progress=progress))
    return done


def close_returns(city: City, dataset: str, numbers: Sequence[int], reason: str, *, accept: bool = False) -> list[Item]:
    """Settle items by hand, with a reason.

    Raises
    ------
    DeliveryError
        There is no such unsettled item, or no reason is given.
    """
    from commonground.governance import current_actor
    from commonground.intake.returns.settle import close

    may(city, "build")
    return close(city, dataset, numbers, reason, current_actor(), accept=accept)
