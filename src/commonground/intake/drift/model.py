"""The nouns of drift: how a delivery differs from the one before and from the contract, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import Said

KINDS: dict[str, Said] = {
    "renamed": Said("改名", "renamed"),
    "lost": Said("缺列", "lost"),
    "new": Said("新列", "new"),
    "swapped": Said("两列互换", "exchanged"),
    "codes": Said("新代码", "new codes"),
    "recoded": Said("换了代码", "recoded"),
    "unit": Said("换了单位", "other unit"),
    "type": Said("换了类型", "other type"),
    "distribution": Said("分布变化", "distribution"),
    "rows": Said("行数", "rows"),
    "encoding": Said("编码", "encoding"),
    "separator": Said("分隔符", "separator"),
    "header": Said("表头位置", "header row"),
    "sheet": Said("工作表", "sheet"),
    "format": Said("文件格式", "format"),
    "unreadable": Said("读不出", "not readable"),
}
SURE, LIKELY = 0.9, 0.6
"""Confidence from which a change may be applied without looking at each, and from which it is proposed at all."""


@dataclass(frozen=True)
class Patch:
    """One change of a contract that would take the delivery.

    Attributes
    ----------
    operation : str
        ``add_source`` (a name to a column that exists), ``add_where`` (codes or a unit for the new delivery),
        ``optional``, ``add_layout`` (a layout for the new delivery, before the others), ``ignore`` (a new column, for a
        clerk to replace).
    source : tuple of str
        The names of the column in the contract; of a layout its place.
    values : mapping
        What is written.
    """

    operation: str
    source: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    was, now : str
        Names of columns (or codings, sheets) before and now; "" where there is none. Never a value about a person.
    confidence : float
        0 to 1: that it is so.
    evidence, decide : Said
        What speaks for it, with the numbers that it rests on; what a person must decide or do.
    files : tuple of str
        Files of the new delivery in which it is so; empty: all.
    patch : Patch or None
        The change that takes it in, where there is one.
    """

    kind: str
    was: str
    now: str
    confidence: float
    evidence: Said
    decide: Said
    files: tuple[str, ...] = ()
    patch: Patch | None = None

    @property
    def sure(self) -> bool:
        """Whether the change may be applied without a second look at it."""
        return self.patch is not None and self.confidence >= SURE

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return {
            "kind": self.kind,
            "was": self.was,
            "now": self.now,
            "confidence": round(self.confidence, 3),
            "sure": self.sure,
            "evidence": {"zh": self.evidence.zh, "en": self.evidence.en},
            "decide": {"zh": self.decide.zh, "en": self.decide.en},
            "files": list(self.files),
            "patch": None
            if self.patch is None
            else {
                "operation": self.patch.operation,
                "source": list(self.patch.source),
                "values": dict(self.patch.values),
            },
        }


@dataclass(frozen=True)
class Drift:
    """How the last delivery of a dataset differs.

    Attributes
    ----------
    dataset : str
        ``department.dataset``.
    old, new : str
        The deliveries compared; ``old`` is "" for a first delivery, held against the contract alone.
    rows : pair of int
        Rows compared, before and now (of very large files the first ones).
    linked : int
        Rows of the same persons in both, by which columns were compared value by value.
    fits : int
        Columns that are as the contract says.
    findings : tuple of Finding
    """

    dataset: str
    old: str
    new: str
    rows: tuple[int, int]
    linked: int
    fits: int
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return {
            "dataset": self.dataset,
            "old": self.old,
            "new": self.new,
            "rows": {"old": self.rows[0], "new": self.rows[1]},
            "linked": self.linked,
            "fits": self.fits,
            "findings": [f.to_dict() for f in self.findings],
        }
