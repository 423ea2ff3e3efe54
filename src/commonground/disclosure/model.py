"""The nouns of disclosure control: a table of counts, what is shown of it, and the record of what was held back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from commonground.errors import Said

Ints = NDArray[np.int64]


class PolicyLike(Protocol):
    """What disclosure needs of a city's policy; ``commonground.city.Policy`` fits."""

    @property
    def cell_threshold(self) -> int:
        """Counts below this are not shown, unit: persons."""

    @property
    def rounding(self) -> int:
        """Counts are shown as multiples of this."""

    @property
    def school_minimum(self) -> int:
        """Children behind a public statement about a named school."""

    @property
    def consent(self) -> tuple[str, ...]:
        """Codes of the schools that agreed to be named in public."""


class Shown(IntEnum):
    """What a reader sees of one entry of a table."""

    VALUE = 0
    SMALL = 1  # below the threshold: shown as "<10"
    HIDDEN = 2  # not small; held back to protect a small one


@dataclass(frozen=True)
class Axis:
    """One dimension of a table: its name and its categories, in the order shown."""

    name: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class CountTable:
    """Counts of persons over the product of its axes, with every margin published.

    Attributes
    ----------
    name : str
        Which output this is, as in the decision record.
    axes : tuple of Axis
        One to three dimensions.
    counts : ndarray of int64, shape (len(axes[0]), len(axes[1]), ...)
        Inner cells, without totals, unit: persons.
    impossible : ndarray of bool, same shape, optional
        Cells that are zero by definition; everybody knows them, so they are shown as 0.
    keep : ndarray of bool, shape of the table with its totals, optional
        Entries that readers need most: withheld for another's sake only when nothing else will do.
    """

    name: str
    axes: tuple[Axis, ...]
    counts: Ints
    impossible: NDArray[np.bool_] | None = None
    keep: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        shape = tuple(len(axis.categories) for axis in self.axes)
        counts = np.asarray(self.counts)
        if counts.shape != shape or not 1 <= len(shape) <= 3 or 0 in shape:
            raise ValueError(f"{self.name}: counts have shape {counts.shape}, axes say {shape}")
        if not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any():
            raise ValueError(f"{self.name}: counts must be non-negative integers")
        object.__setattr__(self, "counts", counts.astype(np.int64))
        if self.impossible is not None and (self.impossible.shape != shape or counts[self.impossible].any()):
            raise ValueError(f"{self.name}: an impossible cell is not zero")

    @property
    def precious(self) -> NDArray[np.bool_]:
        """Mask of the entries (with margins) to be withheld last."""
        return np.zeros([n + 1 for n in self.counts.shape], bool) if self.keep is None else self.keep

    @property
    def known_zero(self) -> NDArray[np.bool_]:
        """Mask of the entries (with margins) that are zero by definition."""
        inner = np.zeros(self.counts.shape, bool) if self.impossible is None else self.impossible
        possible: NDArray[np.bool_] = with_margins(np.where(inner, 0, 1).astype(np.int64)) == 0
        return possible


def with_margins(counts: Ints) -> Ints:
    """Append the total along every axis as its last category: shape (n1 + 1, n2 + 1, ...)."""
    full = np.asarray(counts, dtype=np.int64)
    for axis in range(full.ndim):
        full = np.concatenate([full, full.sum(axis=axis, keepdims=True)], axis=axis)
    return full


@dataclass(frozen=True)
class SafeTable:
    """What may be shown of a table of counts.

    Attributes
    ----------
    name, axes
        As in the table.
    values : ndarray of int64, shape (n1 + 1, n2 + 1, ...)
        Rounded entries, totals last on each axis; -1 where an entry is not shown.
    shown : ndarray of int8, same shape
        A ``Shown`` for each entry.
    threshold, rounding : int
        The policy's numbers that were used, 1 where counts are not rounded.
    """

    name: str
    axes: tuple[Axis, ...]
    values: Ints
    shown: NDArray[np.int8]
    threshold: int
    rounding: int

    @property
    def small(self) -> int:
        """Number of entries held back because they are small."""
        return int((self.shown == Shown.SMALL).sum())

    @property
    def hidden(self) -> int:
        """Number of entries held back to protect a small one."""
        return int((self.shown == Shown.HIDDEN).sum())

    def to_dict(self) -> dict[str, Any]:
        """Give the table as plain values; ``null`` where an entry is not shown."""
        values = self.values.astype(object)
        values[self.values < 0] = None
        return {
            "name": self.name,
            "axes": [{"name": a.name, "categories": [*a.categories, "total"]} for a in self.axes],
            "values": values.tolist(),
            "shown": np.vectorize(lambda s: Shown(s).name.lower())(self.shown).tolist(),
            "threshold": self.threshold,
            "rounding": self.rounding,
        }


@dataclass(frozen=True)
class Finding:
    """One suppressed entry that the attacker can narrow down: its index and the interval that is left."""

    index: tuple[int, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Audit:
    """What the attacker could do with a published table.

    Attributes
    ----------
    suppressed : int
        Number of suppressed entries that were attacked.
    recovered : tuple of Finding
        Entries known exactly.
    narrow : tuple of Finding
        Entries whose interval is narrower than needed, the recovered ones included.
    need : int
        Width that was asked for, unit: persons.
    """

    suppressed: int
    recovered: tuple[Finding, ...]
    narrow: tuple[Finding, ...]
    need: int

    @property
    def safe(self) -> bool:
        """Whether nothing suppressed can be recovered or narrowed down."""
        return not self.narrow


@dataclass(frozen=True)
class Estimates:
    """Rows of estimates, each with the number of children behind it.

    Attributes
    ----------
    name : str
        Which output this is.
    rows : tuple of mapping
        One estimate a row.
    values : tuple of str
        Columns that are withheld when too few children stand behind the row.
    counts : tuple of str
        Columns that count children; each must reach the threshold, and is rounded.
    """

    name: str
    rows: tuple[Mapping[str, Any], ...]
    values: tuple[str, ...] = ("estimate", "low", "high")
    counts: tuple[str, ...] = ("n",)


@dataclass(frozen=True)
class SchoolRows:
    """One row a school: effect with its interval, and the gap within the school where it can be judged."""

    name: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Tally:
    """Counts of rows in files or of other things that are not persons: exact, but searched for what may not leave."""

    name: str
    rows: tuple[Mapping[str, Any], ...]


Output = CountTable | Estimates | SchoolRows | Tally


@dataclass(frozen=True)
class Decision:
    """What the gate did to one output; published with the release."""

    output: str
    kind: str
    entries: int
    small: int = 0
    hidden: int = 0
    withheld: int = 0
    rounded_to: int = 1
    attack: str = ""
    recovered: int = 0
    reasons: tuple[Said, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the decision as plain values."""
        return {
            "output": self.output,
            "kind": self.kind,
            "entries": self.entries,
            "small": self.small,
            "hidden": self.hidden,
            "withheld": self.withheld,
            "rounded_to": self.rounded_to,
            "attack": self.attack,
            "recovered": self.recovered,
            "reasons": [{"zh": r.zh, "en": r.en} for r in self.reasons],
        }


@dataclass(frozen=True)
class Gated:
    """A safe output: a table of counts or rows, with the decision about it."""

    decision: Decision
    table: SafeTable | None = None
    rows: tuple[dict[str, Any], ...] = ()
    named: tuple[dict[str, Any], ...] = field(default=())
