"""Checks the ledger's chain against its key and its heads."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from commonground.errors import LedgerError, Said
from commonground.governance.heads import Head, Heads

MOST = 50
"""Faults told one by one; a ledger that was replaced as a whole would otherwise fill pages."""


class FaultKind(StrEnum):
    """What can be wrong with a ledger."""

    ALTERED = "altered"
    BROKEN_LINK = "broken_link"
    GAP = "gap"
    TRUNCATED = "truncated"
    REPLACED = "replaced"
    HEAD_FORGED = "head_forged"
    HEAD_DIFFERS = "head_differs"
    HEAD_MISSING = "head_missing"
    UNGUARDED = "unguarded"


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, the entry where it shows (0: the ledger as a whole), and what it means."""

    kind: FaultKind
    seq: int
    said: Said


@dataclass(frozen=True)
class Verification:
    """What the check of a ledger found.

    Attributes
    ----------
    entries : int
        Entries read.
    faults : tuple of Fault
        In order of entry; the first is the first broken link.
    head : Head or None
        The newest head.
    where : str
        Which ledger.
    """

    entries: int
    faults: tuple[Fault, ...]
    head: Head | None
    where: str = ""

    @property
    def ok(self) -> bool:
        """No fault was found."""
        return not self.faults

    def require(self) -> Verification:
        """Give this back when no fault was found; else raise LedgerError with the first one."""
        if self.ok:
            return self
        raise LedgerError(
            Said("台账校验未通过。", "The ledger does not verify."),
            where=f"{self.where} #{self.faults[0].seq}",
            why=self.faults[0].said,
            todo=Said(
                "停止使用，保留现场，通知审计管理员；从备份恢复后再校验。",
                "Stop using it, leave everything as it is and tell the audit administrator; verify again after "
                "restoring it from a backup.",
            ),
        )

    def unguarded(self) -> Verification:
        """Add the fault that the database no longer refuses changes."""
        said = Said(
            "数据库里拒绝修改台账的触发器已被删除或停用。",
            "The triggers by which the database refuses changes of the ledger were removed or switched off.",
        )
        return replace(self, faults=(*self.faults, Fault(FaultKind.UNGUARDED, 0, said)))

    def sentence(self, lang: str) -> str:
        """Say the result in one sentence."""
        if self.ok:
            ok = Said(
                f"台账完整：{self.entries} 条全部校验通过。", f"The ledger is whole: all {self.entries} entries verify."
            )
            return ok(lang)
        head = Said(
            f"台账校验未通过，共 {len(self.faults)} 处：",
            f"The ledger does not verify; faults found: {len(self.faults)}. ",
        )
        return head(lang) + self.faults[0].said(lang)

    def to_dict(self) -> dict[str, Any]:
        """Give the result as plain values."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "faults": [{"kind": str(f.kind), "seq": f.seq, "zh": f.said.zh, "en": f.said.en} for f in self.faults],
            "head": None if self.head is None else self.head.to_dict(),
        }


def verify_rows(
    rows: Iterable[Any], key: bytes, code: Callable[..., str], heads: Heads, kept: tuple[Head, ...], genesis: str
) -> Verification:
    """Check rows in order of ``seq``; see ``Ledger.verify``."""
    faults: list[Fault] = []
    files = heads.all()
    own = [h for h in files if isinstance(h, Head)]
    wanted = {h.seq for h in (*own, *kept)}
    macs: dict[int, str] = {}
    count, last, previous, identity = 0, 0, genesis, ""
    for row in rows:
        count += 1
        if count == 1:
            identity = row.mac.split(":")[-1][:16]
        if len(faults) < MOST:
            faults += _row_faults(row, last, previous, key, code)
        last, previous = row.seq, row.mac
        if row.seq in wanted:
            macs[row.seq] = row.mac
    for path in (p for p in files if isinstance(p, Path)):
        faults.append(_forged(path.name))
    for head in (*own, *kept):
        faults += _head_faults(head, heads, identity, last, macs)
    if count and not any(h.ledger == identity for h in own):
        said = Said("没有找到台账的每日签名。", "The signed heads of the ledger are missing.")
        faults.append(Fault(FaultKind.HEAD_MISSING, 0, said))
    mine = [h for h in own if h.ledger == identity and heads.genuine(h)]
    return Verification(count, tuple(faults), max(mine, key=lambda h: h.seq, default=None))


def _row_faults(row: Any, last: int, previous: str, key: bytes, code: Callable[..., str]) -> list[Fault]:
    faults = []
    if row.seq != last + 1:
        said = Said(f"第 {last + 1} 条至第 {row.seq - 1} 条缺失。", f"Entries {last + 1} to {row.seq - 1} are missing.")
        faults.append(Fault(FaultKind.GAP, row.seq, said))
    elif row.previous != previous:
        said = Said(f"第 {row.seq} 条与前一条接不上。", f"Entry {row.seq} does not follow the one before it.")
        faults.append(Fault(FaultKind.BROKEN_LINK, row.seq, said))
    algorithm = str(row.mac).split(":")[0]
    values = (row.seq, row.at, row.kind, row.actor, row.subject, row.detail, row.previous)
    right = algorithm in ("sm3", "sha256") and hmac.compare_digest(
        code(key, algorithm, *values).encode(), str(row.mac).encode()
    )
    if not right:
        said = Said(f"第 {row.seq} 条被改动过。", f"Entry {row.seq} was altered.")
        faults.append(Fault(FaultKind.ALTERED, row.seq, said))
    return faults


def _forged(name: str) -> Fault:
    said = Said(f"每日签名 {name} 不是真的。", f"The signed head {name} is not genuine.")
    return Fault(FaultKind.HEAD_FORGED, 0, said)


def _head_faults(head: Head, heads: Heads, identity: str, last: int, macs: dict[int, str]) -> list[Fault]:
    if not heads.genuine(head):
        return [_forged(head.day)]
    if head.ledger != identity:
        said = Said(
            f"{head.day} 的签名属于另一本台账（当时有 {head.seq} 条）：原台账已被删除或替换。",
            f"The head of {head.day} belongs to another ledger (of {head.seq} entries then): "
            "the earlier one was removed or replaced.",
        )
        return [Fault(FaultKind.REPLACED, 0, said)]
    if head.seq > last:
        said = Said(
            f"末尾被截断：{head.day} 已有 {head.seq} 条，现在只有 {last} 条。",
            f"The end was cut off: there were {head.seq} entries on {head.day}, now {last}.",
        )
        return [Fault(FaultKind.TRUNCATED, last + 1, said)]
    if macs.get(head.seq) != head.mac:
        said = Said(
            f"第 {head.seq} 条与 {head.day} 的签名不符。", f"Entry {head.seq} differs from the head of {head.day}."
        )
        return [Fault(FaultKind.HEAD_DIFFERS, head.seq, said)]
    return []
