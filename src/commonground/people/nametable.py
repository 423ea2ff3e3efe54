"""All names of a city as integers, and the level on which each pair of them agrees.

A name of characters alone, as nearly all are, is standardised by looking its code points up in arrays, all names at
once; what holds letters, notes or unwritable characters goes through ``names.standardise`` one by one. Both give the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.characters import SURNAME_READINGS, dialect
from commonground.people.encode import points
from commonground.people.hashing import hash_texts
from commonground.people.lookup import DROPPED, END, HAN, OTHER_KIND, PLANES, Lookup, lookup
from commonground.people.names import Name, standardise

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
WIDTH = 10
"""Units (characters or syllables) of a name that are compared; longer names are also compared whole."""
_UNWRITTEN = -2
_SYLLABLE = 0x110000
"""Where the numbers of syllables begin among units, past all code points."""


@dataclass(frozen=True)
class NameTable:
    """All distinct names of a city, as integers; a name's number is its place here.

    ``key``, ``sound``, ``fold`` number the whole name's characters, sounds and folded sounds; ``common`` and ``turned``
    are in the space of ``sound`` (``turned`` -1 where there is none); ``surname``, ``given`` the folded sounds of its
    parts; ``units``, ``sounds``, ``others`` and ``folds`` are arrays (names, WIDTH), -1 beyond the end and -2 where a
    character could not be written.
    """

    texts: tuple[str, ...]
    key: Ints
    sound: Ints
    common: Ints
    turned: Ints
    fold: Ints
    surname: Ints
    given: Ints
    typed: Bools
    length: Ints
    units: Codes
    sounds: Codes
    others: Codes
    folds: Codes


def _plain(texts: Sequence[str]) -> tuple[Codes, Bools]:
    """Standard characters of names that hold nothing else, as (names, WIDTH), and which names these are."""
    t = lookup()
    grid = np.full((len(texts), WIDTH), END, dtype=np.int32)
    if not len(texts):
        return grid, np.zeros(0, dtype=bool)
    flat, row = points(texts)
    known = flat < PLANES
    kind = np.where(known, t.kind[np.where(known, flat, 0)], OTHER_KIND)
    kept = np.flatnonzero(kind != DROPPED)
    code, row, kind = t.standard[np.where(known[kept], flat[kept], 0)], row[kept], kind[kept]
    size = np.bincount(row, minlength=len(texts))
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    plain = (size > 0) & (size <= WIDTH)
    plain[row[kind != HAN]] = False
    use = plain[row]
    grid[row[use], place[use]] = code[use]
    return grid, plain


class _Spaces:
    """Numbers for syllables and characters that the lookup does not hold, given as they come."""

    def __init__(self, known: Lookup) -> None:
        self.sounds = dict(known.number)
        self.texts = list(known.syllables)

    def sound(self, text: str) -> int:
        if text in ("", "?"):
            return _UNWRITTEN if text else END
        if text not in self.sounds:
            self.sounds[text] = len(self.texts)
            self.texts.append(text)
        return self.sounds[text]

    def unit(self, text: str) -> int:
        return _UNWRITTEN if text == "?" else ord(text) if len(text) == 1 else _SYLLABLE + self.sound(text)


def _joined(grid: Codes, texts: Sequence[str], tails: Sequence[str] | None = None) -> pa.Array:
    """Sounds of each row of ``grid`` as one text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pa.array([*texts, "?", ""])
    used = max(1, int((grid != END).any(axis=0).sum()))
    places = np.where(grid >= 0, grid, np.where(grid == _UNWRITTEN, len(texts), len(texts) + 1))
    columns = [values.take(pa.array(places[:, k])) for k in range(used)]
    if tails is not None:
        columns.append(pa.array(tails, pa.string()))
    return pc.binary_join_element_wise(*columns, "")


def _numbers(*columns: pa.Array, stable: bool = False) -> list[Ints]:
    """Numbers of the texts of several columns in one space: running ones, or ``stable`` hashes."""
    import pyarrow as pa

    if stable:
        return [np.maximum(hash_texts(c), 0) for c in columns]
    encoded = pa.concat_arrays(list(columns)).dictionary_encode()
    flat = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return list(np.split(flat, np.cumsum([len(c) for c in columns])[:-1]))


def name_table(texts: Iterable[str], *, stable: bool = False) -> NameTable:
    """Number the distinct names ``texts`` (in order, each once).

    With ``stable``, what numbers a name's characters and sounds are hashes that mean the same in every table.
    """
    import pyarrow as pa

    given = tuple(texts)
    t = lookup()
    units, plain = _plain(given)
    spaces = _Spaces(t)
    there = np.maximum(units, 0)
    sounds = np.where(units >= 0, t.reading[there], END)
    odd = (units >= 0) & (sounds == END)  # a character without a reading is its own sound
    for code in np.unique(units[odd]).tolist():
        sounds[units == code] = spaces.sound(chr(code))
    others = np.where(units >= 0, t.other[there], END)
    pair = (units[:, 0].astype(np.int64) << 21) | units[:, 1] if len(units) else np.zeros(0, dtype=np.int64)
    length = (units != END).sum(axis=1)
    surname = np.where(np.isin(pair, t.compound) & (length > 2), 2, 1)
    common = sounds.copy()
    special = t.surname[there[:, 0]] if len(units) else np.zeros(0, dtype=np.int32)
    at = plain & (special >= 0)
    sounds[at, 0] = special[at]
    _compounds(sounds, pair, surname, t)
    rest = np.flatnonzero(~plain).tolist()
    slow = {i: standardise(given[i]) for i in rest}
    for i, name in slow.items():
        _fill(i, name, spaces, units, sounds, others)
        length[i], surname[i] = len(name.units), name.surname
    folds = _folded(sounds, spaces)
    fold_texts = _fold_texts(spaces)
    tail = {i: name for i, name in slow.items() if len(name.units) > WIDTH}
    whole = _joined(sounds, spaces.texts, _tails(len(given), {i: n.sounds for i, n in tail.items()}))
    as_common = _with(_joined(common, spaces.texts), {i: n.common for i, n in slow.items()})
    turned = _with(pa.array([""] * len(given), pa.string()), {i: n.turned for i, n in slow.items()})
    sound_numbers, common_numbers, turned_numbers = _numbers(whole, as_common, turned, stable=stable)
    column = np.arange(WIDTH)
    of_surname = np.where(column < surname[:, None], folds, END)
    of_given = np.take_along_axis(
        np.pad(folds, ((0, 0), (0, 2)), constant_values=END), column + surname[:, None], axis=1
    )
    tails = _tails(len(given), {i: n.folded for i, n in tail.items()})
    return NameTable(
        texts=given,
        key=_keys(units, plain, slow, stable),
        sound=sound_numbers,
        common=common_numbers,
        turned=np.where(np.isin(np.arange(len(given)), [i for i, n in slow.items() if n.turned]), turned_numbers, -1),
        fold=_numbers(_joined(folds, fold_texts, tails), stable=stable)[0],
        surname=_numbers(_joined(of_surname, fold_texts), stable=stable)[0],
        given=_numbers(_joined(of_given, fold_texts, tails), stable=stable)[0],
        typed=np.isin(np.arange(len(given)), [i for i, n in slow.items() if n.typed]),
        length=length.astype(np.int64),
        units=units,
        sounds=sounds,
        others=others,
        folds=folds,
    )


def _compounds(sounds: Codes, pair: Ints, surname: Ints, t: Lookup) -> None:
    """Give the surnames of two characters their readings."""
    for text, special in SURNAME_READINGS.items():
        if len(text) == 2:
            at = (pair == (ord(text[0]) << 21 | ord(text[1]))) & (surname == 2)
            sounds[at, :2] = [t.number[s] for s in special.split()]


def _fill(i: int, name: Name, spaces: _Spaces, units: Codes, sounds: Codes, others: Codes) -> None:
    for grid, number, row in ((units, spaces.unit, name.units), (sounds, spaces.sound, name.sounds)):
        grid[i, : min(len(row), WIDTH)] = [number(x) for x in row[:WIDTH]]
    others[i, : min(len(name.others), WIDTH)] = [spaces.sound(x) for x in name.others[:WIDTH]]


def _fold_texts(spaces: _Spaces) -> list[str]:
    """Folded syllables by number."""
    return list(dict.fromkeys(dialect(s) for s in spaces.texts))


def _folded(sounds: Codes, spaces: _Spaces) -> Codes:
    """Numbers of the folded sounds."""
    number = {s: i for i, s in enumerate(_fold_texts(spaces))}
    table = np.array([number[dialect(s)] for s in spaces.texts], dtype=np.int32)
    out: Codes = np.where(sounds >= 0, table[np.maximum(sounds, 0)], sounds)
    return out


def _tails(size: int, rows: dict[int, tuple[str, ...]]) -> list[str] | None:
    """What stands beyond WIDTH in the few names that are longer."""
    if not rows:
        return None
    out = [""] * size
    for i, row in rows.items():
        out[i] = "".join(row[WIDTH:])
    return out


def _with(texts: pa.Array, rows: dict[int, str]) -> pa.Array:
    """Replace some rows of a column of texts."""
    import pyarrow as pa

    if not rows:
        return texts
    out = texts.to_pylist()
    for i, text in rows.items():
        out[i] = text
    return pa.array(out, pa.string())


def _keys(units: Codes, plain: Bools, slow: dict[int, Name], stable: bool) -> Ints:
    """Numbers of the names' standard characters."""
    import pyarrow as pa

    flat = np.where(plain[:, None] & (units >= 0), units, 0).astype("<u4")
    key = flat.view(f"U{WIDTH}").ravel() if len(flat) else np.zeros(0, dtype="U1")
    return _numbers(_with(pa.array(key, pa.string()), {i: n.key for i, n in slow.items()}), stable=stable)[0]


SAME, SOUND, FOLDED, NEARLY, GIVEN, SURNAME, OTHER = 7, 6, 5, 4, 3, 2, 1
"""Levels of agreement of two names, from the same characters down to nothing in common; 0 where one is missing."""


def compare_names(table: NameTable, a: Ints, b: Ints) -> npt.NDArray[np.int8]:
    """Give the level of agreement of each pair of names.

    Parameters
    ----------
    table : NameTable
        The names.
    a, b : integer arrays of one shape
        Numbers of names, -1 where there is none.
    """
    level = np.full(a.shape, 0, dtype=np.int8)
    both = np.flatnonzero((a >= 0) & (b >= 0))
    level[both] = _levels(table, a[both], b[both])
    return level


def _levels(t: NameTable, a: Ints, b: Ints) -> npt.NDArray[np.int8]:
    level = np.full(a.shape, OTHER, dtype=np.int8)
    level[t.surname[a] == t.surname[b]] = SURNAME
    level[(t.given[a] == t.given[b]) & (t.length[a] > 2)] = GIVEN
    sound_a, sound_b = t.sound[a], t.sound[b]
    level[t.fold[a] == t.fold[b]] = FOLDED
    level[(sound_a == sound_b) | (t.common[a] == sound_b) | (sound_a == t.common[b])] = SOUND
    level[t.key[a] == t.key[b]] = SAME
    rest = np.flatnonzero(level < FOLDED)
    level[rest[_nearly(t, a[rest], b[rest])]] = NEARLY
    rest = np.flatnonzero((level < SOUND) & (t.typed[a] | t.typed[b]))
    level[rest[_by_other_reading(t, a[rest], b[rest])]] = SOUND
    return level


def _by_other_reading(t: NameTable, a: Ints, b: Ints) -> Bools:
    """A name typed in pinyin that is the other by some readings of its characters, or with the surname last."""
    out = (t.turned[a] == t.sound[b]) | (t.sound[a] == t.turned[b])
    at = np.flatnonzero((t.length[a] == t.length[b]) & (t.length[a] <= WIDTH))
    x, y = a[at], b[at]
    alike = t.sounds[x] == t.sounds[y]
    alike |= (t.sounds[x] == t.others[y]) | (t.others[x] == t.sounds[y])
    out[at] |= alike.all(axis=1) & (t.sounds[x] >= END).all(axis=1) & (t.sounds[y] >= END).all(axis=1)
    found: Bools = out
    return found


LONG = 6
"""Units from which a name is transliterated: written in several ways, and cut off where a field is too narrow."""


def _nearly(t: NameTable, a: Ints, b: Ints) -> Bools:
    """One character replaced, dropped, added, swapped or unwritable; the rest, at least two, agree by sound.

    Of transliterated names that one is cut off, or that most characters agree.
    """
    la, lb = t.length[a], t.length[b]
    out = np.zeros(len(a), dtype=bool)
    close = np.flatnonzero((np.abs(la - lb) <= 1) & (np.maximum(la, lb) > 2))
    # nearly all names are short, and the columns beyond them are empty
    short = np.maximum(la[close], lb[close]) <= 4
    for at, width in ((close[short], 4), (close[~short], WIDTH)):
        if len(at):
            x, y = t.folds[a[at], :width].T.copy(), t.folds[b[at], :width].T.copy()
            out[at] = _one_off(x, y, la[at], lb[at])
    long = np.flatnonzero((np.maximum(la, lb) >= LONG) & (np.minimum(la, lb) >= 4))
    out[long] |= _long(t, a[long], b[long])
    return out


def _long(t: NameTable, a: Ints, b: Ints) -> Bools:
    """Transliterated names: one is cut off after four units or more, or seven in ten agree by some reading.

    What differs must begin alike (卜 bo, 不 bu): another father's name does not.
    """
    la, lb = t.length[a], t.length[b]
    alike = (t.folds[a] == t.folds[b]) & (t.folds[a] >= 0)
    for x, y in ((t.sounds[a], t.others[b]), (t.others[a], t.sounds[b])):
        alike |= (x == y) & (x >= 0)
    compared = np.minimum(np.minimum(la, lb), WIDTH)
    count = (alike & (np.arange(WIDTH) < compared[:, None])).sum(axis=1)
    first, second = (_initials(t.sounds[x]) for x in (a, b))
    begin = (first == second) & (first >= 0)
    same = (alike | begin | (np.arange(WIDTH) >= compared[:, None])).all(axis=1)
    found: Bools = (count == compared) | ((la == lb) & same & (10 * count >= 7 * compared))
    return found


def _initials(sounds: Codes) -> Ints:
    """First letter of each syllable, -1 where there is none."""
    letters = np.array([*(ord(s[0]) for s in lookup().syllables), -1], dtype=np.int64)
    last = len(letters) - 1
    found: Ints = letters[np.where((sounds >= 0) & (sounds < last), sounds, last)]
    return found


def _one_off(x: Codes, y: Codes, la: Ints, lb: Ints) -> Bools:
    """``_nearly`` on columns: ``x`` and ``y`` are (units, pairs)."""
    width = len(x)
    same = [(p == q) & (p >= 0) for p, q in zip(x, y, strict=True)]
    wild = [(p == _UNWRITTEN) | (q == _UNWRITTEN) for p, q in zip(x, y, strict=True)]
    equal = np.sum(same, axis=0)
    agree = np.sum([s | w for s, w in zip(same, wild, strict=True)], axis=0)
    level = la == lb
    found: Bools = level & (agree >= la - 1) & (equal >= 2)
    turn = np.flatnonzero(level & ~found & (la > 2))
    found[turn] = (np.sort(x[:, turn], axis=0) == np.sort(y[:, turn], axis=0)).all(axis=0)
    drop = np.flatnonzero(~level)
    if not len(drop):
        return found
    swap = la[drop] > lb[drop]
    short, long = np.where(swap, y[:, drop], x[:, drop]), np.where(swap, x[:, drop], y[:, drop])
    size = np.minimum(la, lb)[drop]
    front, tail = np.zeros(len(drop), dtype=np.int64), np.zeros(len(drop), dtype=np.int64)
    going = np.ones(len(drop), dtype=bool)
    for k in range(width):
        going &= (short[k] == long[k]) & (short[k] >= 0)
        front += going
    going = np.ones(len(drop), dtype=bool)
    for k in reversed(range(width - 1)):
        beyond = k >= size
        going &= beyond | ((short[k] == long[k + 1]) & (short[k] >= 0))
        tail += going & ~beyond
    found[drop] = (size >= 2) & (front + tail >= size)
    return found
