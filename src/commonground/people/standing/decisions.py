"""What people decided about links: these two records are one person, or two. Every later build holds to it.

A decision names records by their place (department, dataset, delivery, file, sheet, row), which does not change when
other deliveries come; places and reasons stay in the vault, the ledger keeps that and by whom it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.errors import LinkError, Said
from commonground.people.hashing import hash_texts

if TYPE_CHECKING:
    from commonground.governance.vault import Vault

Ints = npt.NDArray[np.int64]
ENTRY = "decisions/links"


@dataclass(frozen=True)
class Decision:
    """One decision: two records by their places, whether they are one person, by whom and why; whether it holds."""

    number: int
    left: str
    right: str
    same: bool
    by: str
    reason: str
    holds: bool = True


@dataclass(frozen=True)
class Decided:
    """All decisions that were ever made."""

    all: tuple[Decision, ...] = ()

    @property
    def numbers(self) -> list[int]:
        """Numbers of those that hold."""
        return [d.number for d in self.all if d.holds]

    @property
    def holding(self) -> list[Decision]:
        """Those that hold."""
        return [d for d in self.all if d.holds]

    def rows(self, marks: Ints, *, same: bool | None = None, numbers: Iterable[int] | None = None) -> Ints:
        """Pairs of rows (2, pairs) of decisions that hold and say ``same``, or of ``numbers`` whether they hold or not.

        ``marks`` are hashes of the places of the rows; a decision about a record that is no more is passed over.
        """
        wanted = None if numbers is None else set(numbers)
        some = [d for d in self.all if (d.number in wanted if wanted is not None else d.holds and d.same == same)]
        if not some or not len(marks):
            return np.zeros((2, 0), dtype=np.int64)
        order = np.argsort(marks, kind="stable")
        sides = []
        for texts in ([d.left for d in some], [d.right for d in some]):
            hashes = hash_texts(texts)
            at = order[np.minimum(np.searchsorted(marks, hashes, sorter=order), len(marks) - 1)]
            sides.append(np.where(marks[at] == hashes, at, -1))
        pairs = np.stack(sides)
        found: Ints = pairs[:, (pairs >= 0).all(axis=0)]
        return found


def read_decisions(vault: Vault) -> Decided:
    """Read the decisions."""
    if not vault.has(ENTRY):
        return Decided()
    return Decided(tuple(Decision(**row) for row in vault.read_table(ENTRY).to_pylist()))


def write_decisions(vault: Vault, decided: Decided) -> None:
    """Keep the decisions."""
    import pyarrow as pa

    names = ("number", "left", "right", "same", "by", "reason", "holds")
    vault.write_table(ENTRY, pa.table({n: [getattr(d, n) for d in decided.all] for n in names}))


def add_decisions(decided: Decided, new: Sequence[Decision], numbers: dict[str, int]) -> Decided:
    """Add decisions that agree with those that hold and with identity numbers.

    Parameters
    ----------
    decided : Decided
        What was decided before.
    new : sequence of Decision
        To be added; their numbers are given here.
    numbers : dict
        Place → hash of the valid identity number of the record, for records that have one.

    Raises
    ------
    LinkError
        A decision contradicts another, or would make one person of two valid identity numbers.
    """
    out = list(decided.all)
    following = max((d.number for d in out), default=0) + 1
    for one in new:
        held = [d for d in out if d.holds]
        if any(d.same == one.same and {d.left, d.right} == {one.left, one.right} for d in held):
            continue
        _check(held, one, numbers)
        out.append(replace(one, number=following))
        following += 1
    return Decided(tuple(out))


def _check(held: Sequence[Decision], one: Decision, numbers: dict[str, int]) -> None:
    """Refuse a decision that contradicts those that hold."""
    group = _groups([d for d in held if d.same])
    left, right = group.get(one.left, {one.left}), group.get(one.right, {one.right})
    if not one.same:
        if one.right in left or one.left == one.right:
            raise _contradiction([d for d in held if d.same and d.left in left], "是同一人", "one person")
        return
    apart = [d for d in held if not d.same and ({d.left, d.right} & left) and ({d.left, d.right} & right)]
    if apart:
        raise _contradiction(apart, "不是同一人", "two persons")
    if len({numbers[p] for p in left | right if p in numbers}) > 1:
        raise LinkError(
            Said(
                "两条记录各有有效而不同的身份证号，不能定为同一人。",
                "The two records have valid identity numbers that differ, and cannot be made one person.",
            ),
            why=Said("有效而不同的身份证号是两个人。", "Two valid numbers that differ are two persons."),
            todo=Said(
                "请先由部门用核对单更正错误的号码，再建库。",
                "Have the department correct the wrong number by a return sheet, and build again.",
            ),
        )


def _groups(held: Sequence[Decision]) -> dict[str, set[str]]:
    """Records that decisions make one person."""
    group: dict[str, set[str]] = {}
    for d in held:
        together = group.get(d.left, {d.left}) | group.get(d.right, {d.right})
        for place in together:
            group[place] = together
    return group


def _contradiction(against: Sequence[Decision], zh: str, en: str) -> LinkError:
    listed = ", ".join(str(d.number) for d in against)
    return LinkError(
        Said("这项裁定与已有裁定矛盾。", "This decision contradicts another."),
        where=f"#{listed}",
        why=Said(f"已裁定{zh}。", f"It was decided that they are {en}."),
        todo=Said(
            "先撤回原裁定（people undo CITY --decision 编号），再作新的裁定。",
            "Withdraw that decision first (people undo CITY --decision NUMBER), then decide anew.",
        ),
    )


def withdraw(decided: Decided, number: int) -> Decided:
    """Let a decision no longer hold.

    Raises
    ------
    LinkError
        There is none of this number that holds.
    """
    if number not in decided.numbers:
        raise LinkError(
            Said(f"没有正在生效的裁定 {number}。", f"No decision {number} is in force."),
            todo=Said("用 people history 查看编号。", "See the numbers with people history."),
        )
    return Decided(tuple(replace(d, holds=d.holds and d.number != number) for d in decided.all))
