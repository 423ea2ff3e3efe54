"""How alike two columns are by what stands in them: distributions, shapes, and the same persons' values."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.intake.convert import to_number

if TYPE_CHECKING:
    import pyarrow as pa

MOST_DISTINCT = 4000
"""Distinct values whose shape and number are looked at; the most frequent ones."""
MOST_LINKED = 3000
LEAST_LINKED = 50
_NOT_DIGIT = re.compile(r"\D+")


@dataclass
class Column:
    """A column's texts, coded: ``codes[i]`` is the place of row i's text in ``values``; -1 where it is blank."""

    name: str
    values: list[str]
    codes: np.ndarray[Any, Any]
    counts: np.ndarray[Any, Any]

    @property
    def filled(self) -> int:
        """Rows with a text."""
        return int(self.counts.sum())

    @functools.cached_property
    def shares(self) -> dict[str, float]:
        """Text → its share of the filled rows."""
        total = max(self.filled, 1)
        return {value: n / total for value, n in zip(self.values, self.counts.tolist(), strict=True)}

    @functools.cached_property
    def often(self) -> list[int]:
        """Places of the most frequent values."""
        return [int(i) for i in np.argsort(-self.counts, kind="stable")[:MOST_DISTINCT]]

    @functools.cached_property
    def shapes(self) -> dict[str, float]:
        """Shape → its share."""
        out: dict[str, float] = {}
        total = max(int(self.counts[self.often].sum()), 1)
        for i in self.often:
            shape = shape_of(self.values[i])
            out[shape] = out.get(shape, 0.0) + int(self.counts[i]) / total
        return out

    @functools.cached_property
    def numbers(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
        """Numbers in order with their weights, and the share of values that are numbers."""
        found = [(value, int(self.counts[i])) for i in self.often if (value := to_number(self.values[i])) is not None]
        total = max(int(self.counts[self.often].sum()), 1)
        found.sort()
        numbers, weights = np.array([v for v, _ in found]), np.array([w for _, w in found], float)
        return numbers, weights, float(weights.sum()) / total

    @property
    def distinct_share(self) -> float:
        """Distinct values by filled rows."""
        return len(self.values) / max(self.filled, 1)


def shape_of(text: str) -> str:
    """Give a text's shape: 9 for digits, 汉 for Han, a for letters; runs with their length, at most 20."""
    out: list[tuple[str, int]] = []
    for char in text[:60]:
        kind = (
            "9"
            if char.isdigit()
            else "汉"
            if "\u3400" <= char <= "\u9fff" or char > "\U00020000"
            else "a"
            if char.isalpha()
            else char
        )
        if out and out[-1][0] == kind:
            out[-1] = (kind, out[-1][1] + 1)
        else:
            out.append((kind, 1))
    return "".join(f"{kind}{min(n, 20) if kind != '汉' else min(n, 4)}" for kind, n in out)


def columns_of(table: pa.Table) -> dict[str, Column]:
    """Code the columns of a table of texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    out = {}
    for name in table.column_names:
        column = pc.utf8_trim_whitespace(pc.fill_null(table[name], "")).combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        coded = column.dictionary_encode()
        place: dict[str, int] = {}  # full and half width are one value
        texts = [unicodedata.normalize("NFKC", value).strip() for value in coded.dictionary.to_pylist()]
        same = np.array([place.setdefault(text, len(place)) for text in texts] or [0])
        values = list(place)
        codes = same[coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
        blank = np.array([value == "" for value in values] or [False])
        codes = np.where(blank[codes], -1, codes) if len(codes) else codes
        counts = np.bincount(codes[codes >= 0], minlength=len(values)) if len(codes) else np.zeros(len(values), int)
        out[name] = Column(name, values, codes, counts)
    return out


def overlap(a: dict[str, float], b: dict[str, float]) -> float:
    """Sum of the smaller shares: 1 for equal distributions, 0 for ones with nothing in common."""
    small, large = (a, b) if len(a) < len(b) else (b, a)
    return sum(min(share, large.get(key, 0.0)) for key, share in small.items())


def ks(a: Column, b: Column, scale: float = 1.0) -> float:
    """Largest distance between the distributions of two columns' numbers; ``scale`` multiplies the first."""
    (x, w, _), (y, v, _) = a.numbers, b.numbers
    if not len(x) or not len(y):
        return 1.0
    x = x * scale
    grid = np.concatenate([x, y])
    left = np.concatenate([[0.0], np.cumsum(w) / w.sum()])[np.searchsorted(x, grid + 1e-9, side="right")]
    right = np.concatenate([[0.0], np.cumsum(v) / v.sum()])[np.searchsorted(y, grid + 1e-9, side="right")]
    return float(np.abs(left - right).max())


def content(a: Column, b: Column) -> float:
    """How alike two columns' contents are, 0 to 1, whoever the rows are about."""
    if not a.filled or not b.filled:
        return 0.0
    shapes = overlap(a.shapes, b.shapes)
    values = overlap(a.shares, b.shares)
    blank = 1 - abs(a.filled / max(len(a.codes), 1) - b.filled / max(len(b.codes), 1))
    numeric = min(a.numbers[2], b.numbers[2]) > 0.8
    form = (shapes + (1 - ks(a, b))) / 2 if numeric else shapes
    many = min(a.distinct_share, b.distinct_share) > 0.5
    alike = 0.7 * form + 0.3 * min(1.0, 2 * values) if many else 0.35 * form + 0.65 * values
    return alike * (0.5 + 0.5 * blank)


def _plain(values: Sequence[str]) -> list[str]:
    """Give texts with dates and numbers in their digits alone, so that another way of writing is the same value."""
    out = []
    for value in values:
        digits = _NOT_DIGIT.sub("", value)
        parts = [p for p in _NOT_DIGIT.split(value) if p]
        if len(parts) == 3 and len(parts[0]) == 4:
            digits = f"{parts[0]}{parts[1]:0>2}{parts[2]:0>2}"
        out.append(digits if len(digits) >= 6 else value)
    return out


@dataclass(frozen=True)
class Link:
    """Rows of the same persons: places in the old and the new table."""

    old: np.ndarray[Any, Any]
    new: np.ndarray[Any, Any]
    key: tuple[str, str]

    def __len__(self) -> int:
        return len(self.old)


def agreement(a: Column, b: Column, link: Link) -> float:
    """How well the same persons' values in two columns go together, 0 (by chance) to 1.

    The largest of: equal texts beyond chance (Cohen's kappa); for codes, how far the new value tells the old
    (Goodman and Kruskal's lambda); for numbers, the square of their rank correlation.
    """
    old, new = a.codes[link.old], b.codes[link.new]
    either = (old >= 0) | (new >= 0)
    old, new = old[either], new[either]
    if len(old) < LEAST_LINKED:
        return 0.0
    best = _kappa(a, b, old, new)
    if max(len(a.values), len(b.values)) <= 60:
        best = max(best, _tells(old, new))
    if min(a.numbers[2], b.numbers[2]) > 0.9 and min(len(a.values), len(b.values)) > 15:
        best = max(best, _ranks(a, b, old, new))
    return best


def _kappa(a: Column, b: Column, old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> float:
    used_a, used_b = sorted(set(old.tolist()) - {-1}), sorted(set(new.tolist()) - {-1})
    texts: dict[str, int] = {}
    code_a, code_b = np.full(len(a.values) + 1, -1), np.full(len(b.values) + 1, -1)
    for used, column, codes in ((used_a, a, code_a), (used_b, b, code_b)):
        for i, text in zip(used, _plain([column.values[i] for i in used]), strict=True):
            codes[i] = texts.setdefault(text, len(texts))
    left, right = code_a[old] + 1, code_b[new] + 1
    n, size = len(left), len(texts) + 1
    chance = float((np.bincount(left, minlength=size) / n) @ (np.bincount(right, minlength=size) / n))
    return max(0.0, (float((left == right).mean()) - chance) / (1 - chance)) if chance < 1 else 0.0


def _tells(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> float:
    table = np.zeros((old.max() + 2, new.max() + 2), int)
    np.add.at(table, (old + 1, new + 1), 1)
    most, n = table.sum(axis=1).max(), len(old)
    backwards = table.sum(axis=0).max()
    if n in (most, backwards):
        return 0.0
    forth = (table.max(axis=0).sum() - most) / (n - most)
    back = (table.max(axis=1).sum() - backwards) / (n - backwards)
    return max(float(min(forth, back)), _recoded_kappa(table))


def _recoded_kappa(table: np.ndarray[Any, Any]) -> float:
    """Agreement beyond chance once each new code stands for one old code, the best way round."""
    from scipy.optimize import linear_sum_assignment

    if max(table.shape) > 13:
        return 0.0  # among many values some assignment always fits
    rows, columns = linear_sum_assignment(-table)
    n = table.sum()
    chance = float((table.sum(axis=1)[rows] / n) @ (table.sum(axis=0)[columns] / n))
    return max(0.0, (float(table[rows, columns].sum()) / n - chance) / (1 - chance)) if chance < 1 else 0.0


def _ranks(a: Column, b: Column, old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> float:
    both = (old >= 0) & (new >= 0)
    if both.sum() < LEAST_LINKED:
        return 0.0
    number_a, number_b = (
        np.array([to_number(v) if to_number(v) is not None else np.nan for v in c.values], float) for c in (a, b)
    )
    x, y = number_a[old[both]], number_b[new[both]]
    good = ~(np.isnan(x) | np.isnan(y))
    if good.sum() < LEAST_LINKED or np.ptp(x[good]) == 0 or np.ptp(y[good]) == 0:
        return 0.0
    ranks = [np.unique(v[good], return_inverse=True)[1] for v in (x, y)]
    return float(max(np.corrcoef(ranks[0], ranks[1])[0, 1], 0.0) ** 2)


def link_rows(old: dict[str, Column], new: dict[str, Column]) -> Link | None:
    """Find rows of the same persons by the pair of columns of numbers or names that serves best; None without one."""
    tried: list[tuple[int, Column, Column]] = []
    for a in old.values():
        if a.distinct_share < 0.6 or a.filled < LEAST_LINKED or _short(a):
            continue
        for b in new.values():
            if b.distinct_share < 0.6 or b.filled < LEAST_LINKED or _short(b):
                continue
            shared = len(set(a.values) & set(b.values))
            if shared >= max(LEAST_LINKED, 0.05 * min(len(a.values), len(b.values))):
                tried.append((shared, a, b))
    tried.sort(key=lambda one: (-one[0], one[1].name, one[2].name))
    best, score = None, 0.0
    for _, a, b in tried[:4]:
        link = _linked(a, b)
        # a running number links rows of different persons: then no other column agrees
        told = [agreement(old[name], new[name], link) for name in old if name in new and name not in link.key][:12]
        told += [0.5] if not told else []
        if len(link) >= LEAST_LINKED and float(np.mean(sorted(told)[-4:])) > max(score, 0.3):
            best, score = link, float(np.mean(sorted(told)[-4:]))
    return best


def _short(column: Column) -> bool:
    """Whether values are too short to tell persons apart over time, as running numbers are."""
    return float(np.median([len(value) for value in column.values[:500]])) < 6


def _linked(a: Column, b: Column) -> Link:
    rows_a = {a.values[code]: row for row, code in enumerate(a.codes.tolist()) if code >= 0 and a.counts[code] == 1}
    places = [
        (rows_a[text], row)
        for row, code in enumerate(b.codes.tolist())
        if code >= 0 and b.counts[code] == 1 and (text := b.values[code]) in rows_a
    ]
    step = max(len(places) // MOST_LINKED, 1)
    chosen = np.array(places[::step] or np.zeros((0, 2)), int)
    return Link(chosen[:, 0], chosen[:, 1], (a.name, b.name))
