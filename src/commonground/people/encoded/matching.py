"""Linking encoded persons: candidates by linkage keys and by likeness of filters, levels, Fellegi-Sunter, one to one.

Nothing here needs the key. What is compared: how alike the filters are (Dice's coefficient less what unrelated people
have by chance), and whether identity numbers, telephones and places, as keyed hashes, are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said
from commonground.people import fellegi_sunter as fs
from commonground.people.assign import assign
from commonground.people.blocking import join
from commonground.people.encoded.encoding import COMBINATIONS, Encoded
from commonground.people.rules import budget_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]
AT = {name: i for i, name in enumerate(COMBINATIONS)}
FIELDS = ("record", "id", "phone", "place")
CUTS = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
"""Likeness beyond chance from which the levels 2, 3 and 6 to 9 of ``record`` begin."""
BIRTHDAY, TOWNSHIP = 4, 5
"""Levels of ``record`` between them: the same name and birthday, or name and township, in filters that are not alike,
as the salt makes them when years of birth differ."""
DRAWN = 1_000_000
"""Random pairs by which unrelated people are known."""
TABLES, MOST_BITS = 24, 48
"""Tables of the search by likeness, and the most bits that one looks at."""
SAME = {
    "record": np.array([1.0, 0.01, 0.01, 0.02, 0.01, 0.01, 0.05, 0.09, 0.15, 0.65]),
    "id": np.array([1.0, 0.06, 0.02, 0.92]),
    "phone": np.array([1.0, 0.3, 0.7]),
    "place": np.array([1.0, 0.25, 0.75]),
}
"""What pairs of one person are taken to look like before any is seen; weighs as much as fifty pairs."""
KIN = {
    "record": np.array([1.0, 0.48, 0.36, 0.155, 0.00001, 0.00001, 0.004, 0.0007, 0.0002, 0.00002]),
    "id": np.array([1.0, 0.9985, 0.001, 0.0005]),
    "phone": np.array([1.0, 0.3, 0.7]),
    "place": np.array([1.0, 0.97, 0.03]),
}
"""The same for relatives, of whom twins are the likest; ``place`` holds year of birth and sex."""


@dataclass(frozen=True)
class Matches:
    """Pairs taken to be one person, and all that were compared.

    Attributes
    ----------
    a, b : int arrays (pairs,)
        Rows of the left encodings, and rows (or persons) of the right.
    levels : int8 array (pairs, fields)
        Levels of ``FIELDS``; 0 where a value is missing.
    weight, probability : arrays
        Log2 of the odds; probability after competition.
    chosen : int array
        Places among the pairs of those that were taken.
    model : fs.Model
        Chances of the levels.
    """

    a: Ints
    b: Ints
    levels: Levels
    weight: Floats
    probability: Floats
    chosen: Ints
    model: fs.Model

    @property
    def conflicts(self) -> int:
        """Rows not linked that look like somebody in all but two valid identity numbers that differ."""
        alike = self.a[(self.levels[:, FIELDS.index("id")] == 1) & (self.weight > 0)]
        return len(np.setdiff1d(alike, self.a[self.chosen]))


def match(
    left: Encoded,
    right: Encoded,
    *,
    group: Ints | None = None,
    one_to_one: bool = True,
    precision: float = 0.998,
    pair_budget: int | None = None,
    seed: int = 0,
) -> Matches:
    """Link two files of encodings.

    Parameters
    ----------
    left, right : Encoded
        Made with one key and the same parameters.
    group : int array, optional
        Person of each row of the right, where persons are known by several records; ``b`` then holds persons, and a
        pair keeps the closest agreement of each field.
    one_to_one : bool
        Whether a row of the right can belong to one row of the left only.
    precision : float
        Share of right pairs that the model must expect among those taken.
    pair_budget : int, optional
        Most pairs that may be compared; by default as for ``link_tables``.
    seed : int
        For the random pairs and the bits that the search looks at.

    Raises
    ------
    ContractError
        The two were encoded in different ways.
    """
    if left.parameters.mark != right.parameters.mark:
        raise ContractError(
            Said("两份编码的参数不同，不能比较。", "The two files were encoded in different ways."),
            why=Said(
                f"左边 {left.parameters.name}（{left.parameters.mark}），"
                f"右边 {right.parameters.name}（{right.parameters.mark}）。",
                f"Left: {left.parameters.name} ({left.parameters.mark});"
                f" right: {right.parameters.name} ({right.parameters.mark}).",
            ),
            todo=Said("请双方用同一版本重新编码。", "Encode both again with the same version."),
        )
    rng = np.random.default_rng(seed)
    alone = right if group is None else right.take(np.unique(group, return_index=True)[1])
    chance = _chance(left, alone, rng)
    budget = budget_of(len(left), len(right)) if pair_budget is None else pair_budget
    a, b = candidates(left, right, budget, rng)
    levels = compare(left, right, a, b, chance)
    if group is not None:
        a, b, levels = _closest(a, group[b], levels)
    model = _model(left, alone, levels, chance, rng)
    odds = fs.weights(model, levels)
    free = np.flatnonzero(levels[:, FIELDS.index("id")] != 1)  # two valid numbers that differ are two persons
    found = assign(a[free], b[free], odds[free], one_to_one=one_to_one, precision=precision)
    probability = np.zeros(len(a))
    probability[free] = found.probability
    return Matches(a, b, levels, odds / np.log(2.0), probability, free[found.chosen], model)


def _closest(a: Ints, person: Ints, levels: Levels) -> tuple[Ints, Ints, Levels]:
    """Pairs of a row and a person, with the closest agreement of each field of any record of the person."""
    if not len(a):
        return a, person, levels
    order = np.lexsort((person, a))
    a, person, levels = a[order], person[order], levels[order]
    first = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (person[1:] != person[:-1])))
    return a[first], person[first], np.maximum.reduceat(levels, first, axis=0)


def dice(left: Words, right: Words, a: Ints, b: Ints) -> Floats:
    """Dice's coefficient of the filters of each pair; 0 where one is empty."""
    sizes = [np.bitwise_count(e).sum(axis=1, dtype=np.int64) for e in (left, right)]
    found: Floats = _kernel()(left, right, *sizes, a.astype(np.int64), b.astype(np.int64))
    return found


@cache
def _kernel() -> Callable[..., Any]:
    import numba

    def kernel(left: Any, right: Any, size_left: Any, size_right: Any, a: Any, b: Any) -> Any:
        out = np.zeros(len(a), dtype=np.float64)
        for i in range(len(a)):
            x, y, both = left[a[i]], right[b[i]], np.uint64(0)
            for w in range(left.shape[1]):
                # bits set in a word, by adding neighbours (Warren, Hacker's Delight, 5-1); compiles to one instruction
                z = x[w] & y[w]
                z = z - ((z >> np.uint64(1)) & np.uint64(0x5555555555555555))
                z = (z & np.uint64(0x3333333333333333)) + ((z >> np.uint64(2)) & np.uint64(0x3333333333333333))
                z = (z + (z >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
                both += (z * np.uint64(0x0101010101010101)) >> np.uint64(56)
            total = size_left[a[i]] + size_right[b[i]]
            if total:
                out[i] = 2.0 * both / total
        return out

    compiled: Callable[..., Any] = numba.njit(cache=True)(kernel)
    return compiled


def _within(e: Encoded, rng: np.random.Generator, size: int) -> tuple[Ints, Ints]:
    """Random pairs of different rows of one file: two persons, as a file holds a person once."""
    there = np.flatnonzero(_filled(e))
    if len(there) < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    x, y = rng.choice(there, size), rng.choice(there, size)
    return x[x != y], y[x != y]


def _filled(e: Encoded) -> npt.NDArray[np.bool_]:
    """Rows whose filter is not empty."""
    found: npt.NDArray[np.bool_] = (e.filters != 0).any(axis=1)
    return found


def _chance(left: Encoded, right: Encoded, rng: np.random.Generator) -> float:
    """Mean likeness of the filters of unrelated people."""
    found = [dice(e.filters, e.filters, *_within(e, rng, 20_000)) for e in (left, right)]
    joined = np.concatenate(found)
    return float(joined.mean()) if len(joined) else 0.0


def candidates(left: Encoded, right: Encoded, budget: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Pairs that share a linkage key, or many bits of their filters; their number is counted before they are made."""
    every_left, every_right = np.arange(len(left)), np.arange(len(right))
    crowd = left.parameters.crowd
    found: list[Ints] = []
    spent = 0
    for column in range(len(COMBINATIONS)):
        x, y = (_key(e.keys[:, column]) for e in (left, right))
        spent += _count(x, y, crowd)
        _check_budget(spent, budget)
        found.append(_packed(join((every_left, x), (every_right, y), crowd), len(right)))
    for x, y in _tables(left, right, rng):
        pairs = _count(x, y, crowd)
        if spent + pairs <= budget:
            spent += pairs
            found.append(_packed(join((every_left, x), (every_right, y), crowd), len(right)))
    packed = np.concatenate(found)
    packed.sort()
    packed = packed[np.append(True, packed[1:] != packed[:-1])] if len(packed) else packed
    a, b = np.divmod(packed, np.int64(max(1, len(right))))
    return a, b


def _key(words: Words) -> Ints:
    """A linkage key as a number of 63 bits, -1 where it is missing."""
    return np.where(words == 0, np.int64(-1), (words >> np.uint64(1)).astype(np.int64))


def _packed(pairs: tuple[Ints, Ints], right: int) -> Ints:
    found: Ints = pairs[0] * np.int64(max(1, right)) + pairs[1]
    return found


def _count(x: Ints, y: Ints, crowd: int) -> int:
    """Pairs that a join of two columns of keys gives."""
    vx, cx = np.unique(x[x >= 0], return_counts=True)
    vy, cy = np.unique(y[y >= 0], return_counts=True)
    if not len(vy):
        return 0
    at = np.minimum(np.searchsorted(vy, vx), len(vy) - 1)
    n = np.where((vy[at] == vx) & (cy[at] <= crowd), cy[at], 0)
    return int((cx * n).sum())


def _check_budget(pairs: int, budget: int) -> None:
    if pairs > budget:
        raise ContractError(
            Said(f"要比较的已有 {pairs:,} 对，超过上限 {budget:,}。",
                 f"{pairs:,} pairs would have to be compared, more than the budget of {budget:,}."),
            why=Said("很多行的链接键相同，可能是测试数据或重复交付。",
                     "Very many rows share linkage keys: test data, or one file delivered many times."),
            todo=Said("请核对文件，或提高 pair_budget。", "Check the files, or raise pair_budget."),
        )  # fmt: skip


def _tables(left: Encoded, right: Encoded, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    """Keys of random bits of the filters (locality-sensitive hashing for Hamming distance: Indyk and Motwani 1998).

    So many bits are looked at that unrelated people meet about once a row; people whose filters are alike meet in one
    of the tables all the same.
    """
    x, y = _within(left, rng, 4_000)
    if not len(x) or not len(right):
        return []
    differ = left.filters[x] ^ left.filters[y]
    spread = np.unpackbits(differ.view(np.uint8), axis=1, bitorder="little")
    same = 1.0 - float(spread.mean())
    wanted = np.log(max(len(left), len(right), 2)) / -np.log(min(max(same, 0.01), 0.99))
    size = int(np.clip(np.ceil(wanted), 8, MOST_BITS))
    bits = np.flatnonzero(spread.any(axis=0))
    if len(bits) < size:
        return []
    out = []
    for _ in range(TABLES):
        chosen = rng.choice(bits, size, replace=False)
        out.append((_bits(left.filters, chosen), _bits(right.filters, chosen)))
    return out


def _bits(filters: Words, chosen: Ints) -> Ints:
    """The chosen bits of each filter as one number; -1 of an empty filter."""
    out = np.zeros(len(filters), dtype=np.uint64)
    for at in chosen.tolist():
        out = (out << np.uint64(1)) | ((filters[:, at // 64] >> np.uint64(at % 64)) & np.uint64(1))
    found: Ints = out.astype(np.int64)
    found[(filters == 0).all(axis=1)] = -1
    return found


def compare(left: Encoded, right: Encoded, a: Ints, b: Ints, chance: float) -> Levels:
    """Levels of each pair in the order of ``FIELDS``, the closer the higher.

    ``record``: by likeness beyond ``chance``, see ``CUTS``. ``id``: 3 the same number, 2 the same but for the area, 1
    another. ``phone``, ``place``: 2 the same, 1 another.
    """
    out = np.zeros((len(a), len(FIELDS)), dtype=np.int8)
    some = _filled(left)[a] & _filled(right)[b]
    alike = (dice(left.filters, right.filters, a, b) - chance) / max(1.0 - chance, 1e-6)
    level = 1 + np.searchsorted(CUTS, alike, side="right")
    record = np.where(some, np.where(level >= BIRTHDAY, level + 2, level), 0)
    for value, name in ((TOWNSHIP, "sound_place"), (BIRTHDAY, "dialect_birthday")):
        x, y = left.keys[a, AT[name]], right.keys[b, AT[name]]
        record = np.where((x == y) & (x != 0), np.maximum(record, value), record)
    out[:, 0] = record
    for column, name in ((1, "id"), (2, "phone"), (3, "place")):
        x, y = left.keys[a, AT[name]], right.keys[b, AT[name]]
        out[:, column] = np.where((x == 0) | (y == 0), 0, np.where(x == y, 2, 1))
    x, y = left.keys[a, AT["id_tail"]], right.keys[b, AT["id_tail"]]
    number = out[:, 1]
    out[:, 1] = np.where(number == 2, 3, np.where((number == 1) & (x == y) & (x != 0), 2, number))
    return out


def _model(left: Encoded, right: Encoded, levels: Levels, chance: float, rng: np.random.Generator) -> fs.Model:
    """Chances of the levels: unrelated people and relatives from pairs within each file, one person by EM."""
    total = max(float(len(left)) * len(right), 2.0)
    u, kin = _unrelated(left, right, chance, rng), _relatives(left, right, chance)
    matches = min(max(0.3 * min(len(left), len(right)), 1.0) / total, 0.5)
    family = min(2.0 / max(len(right), 4), 0.2)
    start = fs.Model(FIELDS, SAME, u, kin, np.array([matches, family, 1.0 - matches - family]))
    return fs.fit(start, *fs.patterns(levels), total, pseudo=50.0)


def _unrelated(left: Encoded, right: Encoded, chance: float, rng: np.random.Generator) -> dict[str, Floats]:
    """Random pairs within each file for the likeness of filters; exact counts for what is equal or not."""
    drawn = [compare(e, e, *_within(e, rng, DRAWN // 2), chance) for e in (left, right)]
    flat = {name: np.array([1.0] + [1.0 / (len(m) - 1)] * (len(m) - 1)) for name, m in SAME.items()}
    out = fs.frequencies(np.concatenate(drawn), FIELDS, flat, 0.5)
    seen = np.bincount(np.concatenate([d[:, 0] for d in drawn]), minlength=len(SAME["record"]))
    order = [1, 2, 3, 6, 7, 8, 9]
    for third, second, level in zip(order, order[1:], order[2:], strict=False):
        if seen[level] < 3:  # what hardly a random pair shows goes on falling as it fell before
            fall = min(out["record"][second] / max(out["record"][third], fs.FLOOR), 0.3)
            out["record"][level] = max(out["record"][second] * fall, 1e-12)
    total = float(len(left)) * len(right)
    for name, top in (("id", 3), ("phone", 2), ("place", 2)):
        share = np.mean([_agreeing(e.keys[:, AT[name]]) for e in (left, right)])
        out[name][top] = max(float(share), 0.1 / max(total, 1.0), 1e-12)
    for level, name in ((BIRTHDAY, "dialect_birthday"), (TOWNSHIP, "sound_place")):
        out["record"][level] = max(float(np.mean([_agreeing(e.keys[:, AT[name]]) for e in (left, right)])), 1e-12)
    out["id"][2] = max(float(np.mean([_agreeing(e.keys[:, AT["id_tail"]]) for e in (left, right)])), 1e-9)
    for name in ("id", "phone", "place"):
        out[name][1] = 1.0 - out[name][2:].sum()
    return out


def _agreeing(keys: Words) -> float:
    """Share of the pairs within a file that agree on a key."""
    known = keys[keys != 0]
    if len(known) < 2:
        return 0.0
    count = np.unique(known, return_counts=True)[1].astype(np.float64)
    return float((count * (count - 1)).sum() / (len(known) * (len(known) - 1.0)))


def _relatives(left: Encoded, right: Encoded, chance: float) -> dict[str, Floats]:
    """Pairs within a file that share a telephone: two persons of one family."""
    found = []
    for e in (left, right):
        key = _key(e.keys[:, AT["phone"]])
        a, b = join((np.arange(len(e)), key), (np.arange(len(e)), key), e.parameters.crowd)
        step = max(1, len(a) // 100_000)
        first, second = a[a < b][::step], b[a < b][::step]
        found.append(compare(e, e, first, second, chance))
    return fs.frequencies(np.concatenate(found), FIELDS, KIN, 200.0)
