"""The quality of what was delivered: checks judged by the limits of today, and drift of a new delivery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import CommonGroundError, DeliveryError, Said
from commonground.files import storage_errors, write_atomically

if TYPE_CHECKING:
    from commonground.intake.checks import Judged


def judge(city: City, dataset: str | None = None) -> list[Judged]:
    """Judge the checks of the last intake or build by the limits of today; see ``intake.checks.judge``."""
    from commonground.intake import checks

    return checks.judge(city, dataset, path=checks.shown_run(city))


def judged_run(city: City) -> Said:
    """Say which run ``judge`` shows."""
    from commonground.intake import checks

    path = checks.shown_run(city)
    if path.parent.name == checks.LAST:
        return Said("最近一次读入（尚未建库）", "the last intake, not built yet")
    return Said(f"第 {path.parent.parent.name} 版", f"version {path.parent.parent.name}")


def drift(
    city: City, dataset: str | None = None, *, delivery: str | None = None, apply: bool = False
) -> list[dict[str, Any]]:
    """Compare the last delivery of a dataset, or of all, with the one before, and write a proposal where one helps.

    Parameters
    ----------
    apply : bool
        Write the changes that are sure into the contract; recorded in the ledger. Without it nothing is written but the
        proposal in the city's ``proposals`` folder, and the report in ``results/drift`` for the desk.

    Returns
    -------
    list of dict
        For each dataset: ``drift``, ``proposal`` (path or None), ``difference`` (unified diff, "" without one) and
        ``applied`` (findings).

    Raises
    ------
    AccessError
        Whoever asks to apply may not build.
    """
    from commonground.governance import Ledger, current_actor
    from commonground.intake import drift as room
    from commonground.intake import load_contracts, load_pack
    from commonground.jobs.office import may

    if apply:
        may(city, "build")
    contracts = load_contracts(city)
    names = [dataset] if dataset else [n for n, c in contracts.items() if not c.absent and c.database is None]
    out: list[dict[str, Any]] = []
    for name in names:
        found = room.find_drift(city, name, delivery)
        contract = contracts[name]
        worth = [f for f in found.findings if f.patch is not None and f.confidence >= room.LIKELY]
        difference = room.difference(contract, room.proposed(contract, worth)) if worth else ""
        proposal = room.save_proposal(contract, found, city.path / "proposals")
        applied = room.apply_sure(contract, found, load_pack(city.settings.pack)) if apply else ()
        if applied:
            with Ledger(city) as ledger:
                changes = [{"kind": f.kind, "was": f.was, "now": f.now} for f in applied]
                ledger.append("contract_changed", current_actor(), name, {"changes": changes})
        with storage_errors(city.results):
            kept = city.results / "drift" / f"{name}.json"
            kept.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(found.to_dict(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
            write_atomically(kept, text.encode("utf-8"))
        path = str(proposal) if proposal else None
        out.append({"drift": found, "proposal": path, "difference": difference, "applied": applied})
    return out


@contextmanager
def with_proposal(city: City) -> Iterator[None]:
    """Add to the error of a delivery that does not fit its contract what comparing it with the last one shows."""
    try:
        yield
    except DeliveryError as error:
        told = _differences(city, error.where)
        if told is not None:
            todo = error.todo or Said("", "")
            error.todo = Said(f"{todo.zh}\n{told.zh}".strip(), f"{todo.en}\n{told.en}".strip())
            error.args = (error.message("en"),)
        raise


def _differences(city: City, where: str) -> Said | None:
    """Say how the delivery that an error names differs; None where nothing can be said."""
    from commonground.intake.drift import KINDS, LIKELY, find_drift

    try:
        place = Path(where.partition(" [")[0]).relative_to(city.deliveries).parts
        if len(place) < 4:
            return None
        name = f"{place[0]}.{place[1]}"
        found = find_drift(city, name, place[2])
    except (ValueError, CommonGroundError):
        return None
    worth = [f for f in found.findings if f.kind != "new" and f.confidence >= LIKELY][:6]
    if not worth:
        return None
    lines = [
        (
            f"  {KINDS[f.kind].zh}：{f.was} → {f.now}（把握 {f.confidence:.2f}；{f.evidence.zh}）",
            f"  {KINDS[f.kind].en}: {f.was} → {f.now} (sure to {f.confidence:.2f}; {f.evidence.en})",
        )
        for f in worth
    ]
    call = f"commonground drift {city.path} {name}"
    return Said(
        "\n".join(["与上次交付比较：", *(zh for zh, _ in lines), f"  建议稿：{call}"]),
        "\n".join(["Compared with the last delivery:", *(en for _, en in lines), f"  For a proposal: {call}"]),
    )
