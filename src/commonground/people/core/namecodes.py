"""Names as columns of integers, the same for the same name in any table.

A name of two to four characters, as nearly all are, is looked up character by character in arrays, all names of a
table at once; any other goes through ``names.standardise``. Both give the same numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.characters import COMPOUND_SURNAMES, dialect
from commonground.people.core.texts import MISSING, Hashes, Texts, code_points, finish, keys_of, polynomial, power
from commonground.people.lookup import HAN, PLANES, lookup
from commonground.people.names import Name, standardise

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[Any]
"""Of 32 bits."""
LANES, BITS = 4, 15
"""Folded sounds of a name that stand side by side in one integer, the first highest, and the bits of each."""
LANE = [((1 << BITS) - 1) << BITS * (LANES - 1 - k) for k in range(LANES)]
ODD = -1
"""In ``shape``: a name about which SQL must ask."""
VOWELS = tuple("aeo")


@dataclass(frozen=True)
class NameColumns:
    """Names as integers, one row each; -1 where there is no name.

    Attributes
    ----------
    key, sound, fold : int arrays
        Hashes of the standard characters, of the whole reading, and of the reading folded by dialect.
    surname, given : int arrays
        Hashes of the folded sounds of its parts.
    lanes : int array
        Folded syllables of the first four characters, ``BITS`` bits each.
    shape : int32 array
        Sum of the lanes, which names with the same syllables in another order share; ``ODD`` where lanes alone cannot
        tell how near two names are: typed in pinyin, longer, with a surname of two characters or of two readings,
        with characters that cannot be written, or cut into syllables in more ways than one.
    """

    key: Ints
    sound: Ints
    fold: Ints
    surname: Ints
    given: Ints
    lanes: Ints
    shape: Small


@dataclass(frozen=True)
class _Codes:
    """Arrays over code points: hash and length factor of the sound and of the folded sound, number of the latter."""

    sound: Hashes
    sound_power: Hashes
    fold: Hashes
    fold_power: Hashes
    number: Small
    first_sound: Hashes
    first_power: Hashes
    first_fold: Hashes
    first_fold_power: Hashes
    first_number: Small
    standard: Small
    plain: npt.NDArray[np.bool_]
    odd: npt.NDArray[np.bool_]
    first_odd: npt.NDArray[np.bool_]
    compound: npt.NDArray[np.bool_]
    unclear: npt.NDArray[np.bool_]
    vowel: npt.NDArray[np.bool_]


@cache
def _codes() -> _Codes:
    """Make the arrays, once a process."""
    t = lookup()
    folds = [dialect(s) for s in t.syllables]
    number = {f: i + 1 for i, f in enumerate(sorted(set(folds)))}
    none = len(t.syllables)
    texts = [*t.syllables, ""]
    hashes = np.array([polynomial(s) for s in texts], np.uint64)
    powers = np.array([power(len(s)) for s in texts], np.uint64)
    fold_hashes = np.array([*(polynomial(f) for f in folds), 0], np.uint64)
    fold_powers = np.array([*(power(len(f)) for f in folds), 1], np.uint64)
    numbers = np.array([*(number[f] for f in folds), 0], np.int32)
    reading = np.where(t.reading >= 0, t.reading, none)[t.standard]
    own = np.where(t.surname >= 0, t.surname, t.reading)[t.standard]
    own = np.where(own >= 0, own, none)
    special = (own != reading) & (own < none)
    unread = reading == none  # a character without a reading is its own sound
    itself = t.standard.astype(np.uint64) + np.uint64(1)

    def over(values: Hashes, at: npt.NDArray[np.int32]) -> Hashes:
        return np.where(unread, itself, values[at])

    unread[NOTHING] = False
    compound = np.zeros(PLANES, bool)
    compound[[ord(s[0]) for s in COMPOUND_SURNAMES]] = True
    base = np.uint64(power(1))
    return _Codes(
        over(hashes, reading), np.where(unread, base, powers[reading]),
        over(fold_hashes, reading), np.where(unread, base, fold_powers[reading]), numbers[reading],
        over(hashes, own), np.where(unread, base, powers[own]),
        over(fold_hashes, own), np.where(unread, base, fold_powers[own]), numbers[own],
        t.standard, t.kind == HAN, unread, special | unread, compound[t.standard], _unclear(number),
        np.array([False, *(f.startswith(VOWELS) for f in sorted(number))]),
    )  # fmt: skip


def _unclear(number: dict[str, int]) -> npt.NDArray[np.bool_]:
    """Pairs of folded syllables that, written together, can be cut otherwise (xi an, xian)."""
    names = sorted(number)
    joined = Counter(x + y for x in names for y in names)
    out = np.zeros((len(names) + 1, len(names) + 1), bool)
    for x in names:
        for y in names:
            whole = x + y
            out[number[x], number[y]] = joined[whole] > 1 or whole in number
    return out


def name_columns(*columns: pa.ChunkedArray) -> NameColumns:
    """Turn columns of names into integers, the rows of one after those of the other."""
    from commonground.people.core.texts import texts_of

    texts = [texts_of(c) for c in columns]
    sizes = [len(t.null) for t in texts]
    out = _empty(sum(sizes))
    for t, end in zip(texts, np.cumsum(sizes).tolist(), strict=True):
        _fill(NameColumns(*(v[end - len(t.null) : end] for v in vars(out).values())), t)
    return out


def _fill(out: NameColumns, texts: Texts) -> None:
    flat, start, size = code_points(texts)
    t = _codes()
    known = flat < PLANES
    code = np.where(known, flat, 0)
    kind = np.append(t.plain[code] & known, True)
    standard = np.append(t.standard[code], 0)
    slow = [np.zeros(0, np.int64)]
    for at in range(0, len(size), BLOCK):  # what a block needs stays in the processor's cache
        rows = slice(at, at + BLOCK)
        slow.append(at + _block(out, rows, start[rows], size[rows], kind, standard))
    _with_slow(out, np.concatenate(slow), texts)


def _empty(n: int) -> NameColumns:
    a, b, c, d, e, f = (np.empty(n, np.int64) for _ in range(6))
    return NameColumns(a, b, c, d, e, f, np.empty(n, np.int32))


BLOCK = 1 << 15


def _block(
    out: NameColumns, rows: slice, start: Ints, size: Ints, kind: npt.NDArray[np.bool_], standard: Small
) -> Ints:
    """Look up the names of some rows; give those among them that must be read one by one."""
    plain = (size >= 1) & (size <= LANES)
    end = len(standard) - 1
    units = []
    for k in range(LANES):
        at = np.where(size > k, start + k, end)
        plain &= kind[at]
        units.append(standard[at])
    for column, values in zip(vars(out).values(), _looked_up(units, size), strict=True):
        column[rows] = values
    rest = plain & _codes().compound[units[0]] & (size > 2)
    found: Ints = np.flatnonzero((~plain & (size > 0)) | (rest & _is_compound(units) if rest.any() else rest))
    return found


def _is_compound(units: list[Small]) -> npt.NDArray[np.bool_]:
    pair = (units[0].astype(np.int64) << 21) | units[1]
    found: npt.NDArray[np.bool_] = np.isin(pair, lookup().compound)
    return found


def _looked_up(units: list[Small], size: Ints) -> tuple[Ints | Small, ...]:
    """Columns of names that are characters with readings, in the order of ``NameColumns``."""
    t = _codes()
    one, base = np.uint64(1), np.uint64(power(1))
    first = units[0]
    key, sound, fold = first.astype(np.uint64) + one, t.first_sound[first], t.first_fold[first]
    surname, given = fold.copy(), np.zeros(len(size), np.uint64)
    before = t.first_number[first]
    lanes, total = before.astype(np.int64) << BITS * (LANES - 1), before.copy()
    odd = t.first_odd[first]
    with np.errstate(over="ignore"):
        for k in range(1, LANES):
            # rows are few where names are long: the fourth character is looked up for those that have one
            some = slice(None) if k < LANES - 1 else np.flatnonzero(size > k)
            there = size[some] > k
            unit = np.where(there, units[k][some], NOTHING)
            fold_power, f = t.fold_power[unit], t.fold[unit]
            key[some] = key[some] * np.where(there, base, one) + np.where(there, unit + 1, 0).astype(np.uint64)
            sound[some] = sound[some] * t.sound_power[unit] + t.sound[unit]
            fold[some] = fold[some] * fold_power + f
            given[some] = given[some] * fold_power + f
            number = t.number[unit]
            lanes[some] |= number.astype(np.int64) << BITS * (LANES - 1 - k)
            total[some] += number
            strange = t.odd[unit] & there
            if k > 1:
                strange |= there & t.unclear[before[some], number]
            if k == LANES - 1:  # three given syllables may be cut anew in more ways
                strange |= there & (t.vowel[before[some]] | t.vowel[number])
            odd[some] |= strange
            before[some] = number
    none = size == 0
    given_key = finish(given)
    given_key[size == 1] = EMPTY
    found = [finish(key), finish(sound), finish(fold), finish(surname), given_key]
    for column in found:
        column[none] = MISSING
    return (*found, lanes, np.where(odd | none, ODD, total))


NOTHING = 0
"""Code point that stands where a name has no further character: its sound adds nothing."""
EMPTY = int(finish(np.zeros(1, np.uint64))[0])
"""Key of a part of a name that is not there: a given name of a name of one character."""


def _with_slow(found: NameColumns, rows: Ints, texts: Texts) -> None:
    """Put in the rows that are read one by one, each distinct text once."""
    if not len(rows):
        return
    offsets = texts.offsets
    raw = texts.data
    written = [raw[offsets[i] : offsets[i + 1]].tobytes() for i in rows.tolist()]
    distinct = {w: k for k, w in enumerate(dict.fromkeys(written))}
    read = [standardise(w.decode("utf-8", "replace")) for w in distinct]
    at = np.array([distinct[w] for w in written])
    empty = np.array([not n.key for n in read])

    def put(column: Ints, values: list[str]) -> None:
        keys = keys_of(values)
        keys[keys == MISSING] = EMPTY
        keys[empty] = MISSING
        column[rows] = keys[at]

    put(found.key, [n.key for n in read])
    put(found.sound, [_joined(n.sounds) for n in read])
    put(found.fold, [_joined(n.folded) for n in read])
    put(found.surname, [_joined(n.folded[: n.surname]) for n in read])
    put(found.given, [_joined(n.folded[n.surname :]) for n in read])
    found.lanes[rows] = 0
    found.shape[rows] = ODD


def _joined(syllables: tuple[str, ...]) -> str:
    return "".join(syllables)


__all__ = ["BITS", "LANE", "LANES", "ODD", "Name", "NameColumns", "name_columns"]
