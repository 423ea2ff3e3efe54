"""What another threshold would change: links, persons, precision, recall, and how far the groups lie apart.

Links by number do not depend on the threshold. A lower threshold would also take the likeliest pair of a record that
stayed alone; a higher one gives up links, which are then missed with the probability that they were right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.people.quality.judged import Judged

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Row:
    """One threshold.

    Attributes
    ----------
    threshold : float
        Least probability at which a pair is taken by weight.
    links, persons : int
        Records joined; persons on the spine.
    precision, recall : float or None
        By the probabilities, with the misses that hold at the thresholds in use.
    missed : dict of tuples
        Axis → missed-link rate of each category, None where there is nothing to miss.
    link_rate : dict of tuples
        Axis → share of records joined, of each category.
    gap : dict
        Axis → highest less lowest missed-link rate among the categories that are known and have enough records.
    """

    threshold: float
    links: int
    persons: int
    precision: float | None
    recall: float | None
    missed: Mapping[str, tuple[float | None, ...]]
    link_rate: Mapping[str, tuple[float | None, ...]]
    gap: Mapping[str, float | None]


def sweep(
    judged: Judged,
    by_number: Bools,
    cells: Mapping[str, tuple[Ints, int]],
    base: Mapping[str, Floats],
    persons: int,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    scale: float = 1.0,
    least: int = 50,
) -> tuple[Row, ...]:
    """Try thresholds.

    Parameters
    ----------
    judged : Judged
        Records that were to be linked.
    by_number : bool array (records,)
        Joined by number.
    cells : mapping
        Axis → (category of each record, number of categories, the last of them “not known”).
    base : mapping
        Axis → expected misses of each category at the thresholds in use.
    persons : int
        On the spine now.
    thresholds : sequence of float
        To be tried.
    scale : float
        False links found per false link that the model expects.
    least : int
        Links that a category must have to count for the gap.
    """
    wrong = np.minimum(judged.wrong * scale, 1.0)
    return tuple(_at(t, judged, wrong, by_number, cells, base, persons, least) for t in thresholds)


def _at(
    threshold: float, judged: Judged, wrong: Floats, by_number: Bools, cells: Mapping[str, tuple[Ints, int]],
    base: Mapping[str, Floats], persons: int, least: int,
) -> Row:  # fmt: skip
    kept = judged.linked & (by_number | (judged.best >= threshold))
    dropped = judged.linked & ~kept
    added = ~judged.linked & (judged.best >= max(threshold, 1e-9))
    joined = kept | added
    right = np.where(joined, np.where(judged.linked, 1.0 - wrong, judged.best), 0.0)
    change = np.where(dropped, 1.0 - wrong, 0.0) - np.where(added, np.minimum(judged.missed, judged.best), 0.0)
    missed: dict[str, tuple[float | None, ...]] = {}
    rate: dict[str, tuple[float | None, ...]] = {}
    gap: dict[str, float | None] = {}
    whole = 0.0
    for axis, (cell, size) in cells.items():
        lost = np.maximum(base[axis] + np.bincount(cell, weights=change, minlength=size), 0.0)
        found = np.bincount(cell, weights=right, minlength=size)
        records = np.bincount(cell, minlength=size)
        done = np.bincount(cell, weights=joined, minlength=size)
        share = [float(lo / (lo + f)) if lo + f > 0 else None for lo, f in zip(lost, found, strict=True)]
        missed[axis] = tuple(share)
        rate[axis] = tuple(float(d / n) if n else None for d, n in zip(done, records, strict=True))
        known = [s for s, n in zip(share[:-1], done[:-1], strict=True) if s is not None and n >= least]
        gap[axis] = max(known) - min(known) if len(known) > 1 else None
        whole = float(lost.sum())
    links, sure = int(joined.sum()), float(right.sum())
    return Row(
        threshold, links, persons + int(dropped.sum()) - int(added.sum()), sure / links if links else None,
        sure / (sure + whole) if sure + whole > 0 else None, missed, rate, gap,
    )  # fmt: skip
