"""What people do about links: decide a pair, undo an event, set a threshold; recorded, in force from the next build."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from commonground import files
from commonground.errors import LinkError, Said, did_you_mean
from commonground.governance.ledger import Ledger
from commonground.governance.vault import Vault
from commonground.people.frozen import Frozen
from commonground.people.hashing import hash_texts
from commonground.people.places import places_in
from commonground.people.standing import history, store
from commonground.people.standing.decisions import (
    Decided,
    Decision,
    add_decisions,
    read_decisions,
    withdraw,
    write_decisions,
)
from commonground.people.standing.keep import digest_of

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import City


def constrain(city: City, left_record: int, right_record: int, same: bool, by: str, reason: str) -> int:
    """Decide that two records of the current version are one person, or two; later builds hold to it.

    Parameters
    ----------
    city : City
        A built city.
    left_record, right_record : int
        ``record_id`` of the current version.
    same : bool
        Whether they are one person.
    by, reason : str
        Who decided, and why; the reason stays in the vault.

    Returns
    -------
    int
        Number of the decision; that of the same decision where it was made before.

    Raises
    ------
    LinkError
        There is no such record; or the decision contradicts another, or two valid identity numbers.
    """
    vault = Vault(city)
    places = _places(vault, city.require_current().number, [left_record, right_record])
    one = Decision(0, places[0], places[1], same, by, reason)
    made = _decide(city, vault, [one], by, {"same": same})
    return next(
        d.number for d in made.holding if d.same == same and {d.left, d.right} == set(places)
    )  # the decision is there, new or of before


def _places(vault: Vault, version: int, records: Sequence[int]) -> list[str]:
    there = places_in(vault, version, records)
    out = []
    for record in records:
        if record not in there:
            raise LinkError(
                Said(f"当前版本中没有记录 {record}。", f"The current version has no record {record}."),
                where=f"version {version}",
                todo=Said("请在当前版本中重新查找这一对记录。", "Look the pair up again in the current version."),
            )
        out.append("|".join("" if v is None else str(v) for v in there[record]))
    return out


def _alone(city: City) -> AbstractContextManager[None]:
    """One change of the decisions at a time: two that read, changed and wrote at once would lose one."""
    return files.alone(city.vault / ".link_decisions")


def _decide(city: City, vault: Vault, new: list[Decision], by: str, detail: dict[str, Any]) -> Decided:
    """Add decisions; the ledger is written before they stand."""
    with _alone(city):
        decided = read_decisions(vault)
        made = add_decisions(decided, new, _numbers(vault, city.require_current().number, [*decided.holding, *new]))
        added = [d for d in made.all if d not in decided.all]
        if added:
            _record(city, by, added, detail)
            write_decisions(vault, made)
    return made


def _record(city: City, by: str, changed: Sequence[Decision], detail: dict[str, Any]) -> None:
    said = [[d.number, d.left, d.right, d.same, d.reason] for d in changed]
    numbers = [d.number for d in changed]
    with Ledger(city) as ledger:
        ledger.append("link_decision", by, "", {**detail, "decisions": numbers, "sha256": digest_of(said)})


def _numbers(vault: Vault, version: int, decisions: Sequence[Decision]) -> dict[str, int]:
    """Place → running number of the valid identity number of its record, where it has one."""
    table = vault.read_table(f"standing/{version}/records", version=str(version))
    texts = sorted({p for d in decisions for p in (d.left, d.right)})
    marks = dict(zip(hash_texts(texts).tolist(), texts, strict=True))
    return _found(table, marks)


def _found(table: pa.Table, marks: dict[int, str]) -> dict[str, int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    some = table.filter(pc.is_in(table.column("key"), pa.array(list(marks), pa.int64())))
    rows = zip(some.column("key").to_pylist(), some.column("number").to_pylist(), strict=True)
    return {marks[key]: number for key, number in rows if number >= 0}


def undo(city: City, event: int, by: str) -> Decided:
    """Undo a merge, split or move of persons: decisions are made that later builds hold to.

    Raises
    ------
    LinkError
        There is no such event, or its records must not be one person again.
    """
    vault = Vault(city)
    return _decide(city, vault, history.undoing(vault, event, by), by, {"undone": event})


def undo_decision(city: City, number: int, by: str) -> Decided:
    """Withdraw a decision: from the next build on it no longer holds.

    Raises
    ------
    LinkError
        There is none of this number that holds.
    """
    vault = Vault(city)
    with _alone(city):
        made = withdraw(read_decisions(vault), number)
        _record(city, by, [d for d in made.all if d.number == number], {"withdrawn": number})
        write_decisions(vault, made)
    return made


def constrain_many(city: City, pairs: Sequence[tuple[int, int, bool]], by: str, reason: str) -> dict[int, LinkError]:
    """Decide many pairs (left record, right record, same); gives those that were refused, by their place."""
    refused: dict[int, LinkError] = {}
    vault = Vault(city)
    version = city.require_current().number
    places = _places(vault, version, [r for pair in pairs for r in pair[:2]])
    new = [Decision(0, places[2 * i], places[2 * i + 1], p[2], by, reason) for i, p in enumerate(pairs)]
    with _alone(city):
        decided = made = read_decisions(vault)
        numbers = _numbers(vault, version, [*decided.holding, *new])
        for i, one in enumerate(new):
            try:
                made = add_decisions(made, [one], numbers)
            except LinkError as error:
                refused[i] = error
        added = made.all[len(decided.all) :]
        if added:
            _record(city, by, added, {})
            write_decisions(vault, made)
    return refused


def pending(city: City) -> bool:
    """Tell whether decisions or a model wait for the next build."""
    vault, current = Vault(city), city.current
    about = store.about(vault, current.number) if current is not None else None
    if about is None:
        return False
    return bool(
        about["model"] != max(store.models(vault), default=0)
        or about["decisions"] != sorted(read_decisions(vault).numbers)
    )


def load_model(city: City) -> Frozen | None:
    """Give the model in force; None before the first build."""
    return store.load_model(Vault(city))


def set_threshold(city: City, dataset: str | None, probability: float, by: str, reason: str) -> Frozen:
    """Set the least probability at which a dataset, or every dataset, is linked: a new version of the model.

    Raises
    ------
    LinkError
        There is no model yet, no such dataset in it, or the probability is not between 0.5 and 1.
    """
    model = load_model(city)
    if model is None or (dataset is not None and dataset not in model.models):
        known = () if model is None else model.order
        raise LinkError(
            Said("连接模型中没有这个数据集。", "The model of linking has no such dataset."),
            where=dataset or "",
            todo=did_you_mean(dataset or "", known) if known else Said("请先建库。", "Build the city first."),
        )
    if not 0.5 <= probability <= 1.0:
        raise LinkError(
            Said("门槛须在 0.5 与 1 之间。", "A threshold lies between 0.5 and 1."),
            where=str(probability),
            todo=Said("请给出 0.5 到 1 之间的概率。", "Give a probability from 0.5 to 1."),
        )
    wanted = {n: probability if dataset in (None, n) else model.threshold(n) for n in model.models}
    return keep_model(city, replace(model, thresholds=wanted), by, "threshold", {"dataset": dataset or "*"}, reason)


def keep_model(city: City, model: Frozen, by: str, why: str, detail: dict[str, Any], reason: str = "") -> Frozen:
    """Keep a new version of the model and record it."""
    vault = Vault(city)
    number = max(store.models(vault), default=0) + 1
    about = {**model.about, "why": why, "reason": reason}
    kept, sha256 = store.save_model(vault, replace(model, about=about), number)
    with Ledger(city) as ledger:
        ledger.append("link_model", by, f"model {number}", {**detail, "why": why, "sha256": sha256})
    return kept
