"""Encodings of persons: keyed linkage keys, and one hardened Bloom filter a person.

Linkage keys are HMACs of combinations that few people share, such as the sound of the name with the date of birth. They
are equal or not; the idea is that of the match-keys of the ONS (Beyond 2011, M9, 2013) and of the Australian SLK-581.

A Bloom filter tells how much is alike when values are not equal. It is a cryptographic long-term key (Schnell,
Bachteler and Reiher 2011): tokens of name and date of birth in one filter. Positions come from the HMAC of each token,
independent of each other (random hashing: Niedermeyer, Steinmetzer, Kroll and Schnell 2014), not from two hashes added
up, whose regular pattern those authors break. ``parameters.py`` tells what hardens it further.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.governance.keys import keyed_digests
from commonground.people.births import NO_DAY, civil
from commonground.people.encode import distinct
from commonground.people.encoded.parameters import STANDARD, Parameters
from commonground.people.encoded.persons import Persons
from commonground.people.names import Name

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Texts = npt.NDArray[np.object_]
AT_ONCE = 50_000
"""Rows of which the bits of all tokens are held in memory at a time."""
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "id": ("number",),
    "id_tail": ("number_tail",),
    "phone": ("phone",),
    "place": ("place", "year", "sex"),
    "dialect_birth": ("dialect", "day"),
    "dialect_month": ("dialect", "year", "month", "sex"),
    "dialect_birthday": ("dialect", "birthday", "sex"),
    "given_birth": ("given", "day", "sex"),
    "sound_place": ("sound", "place"),
    "birth_place": ("day", "sex", "place"),
    "sound_phone": ("sound", "phone"),
    "birth_phone": ("day", "phone"),
}
"""Linkage keys by the parts that each joins. None is of a value that many people share: every combination of small
parts holds a date, a number or a name with a year."""


@dataclass(frozen=True)
class Encoded:
    """Encodings of persons, one a row.

    Attributes
    ----------
    keys : uint64 array (rows, combinations)
        Linkage keys in the order of ``COMBINATIONS``; 0 where a part is missing or too many rows share it.
    filters : uint64 array (rows, words)
        Bloom filters; all 0 where there is neither name nor date of birth.
    parameters : Parameters
        How they were made.
    """

    keys: Words
    filters: Words
    parameters: Parameters

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: Ints) -> Encoded:
        """Give some rows in the order asked for."""
        return Encoded(self.keys[rows], self.filters[rows], self.parameters)


def encode(persons: Persons, key: bytes, parameters: Parameters = STANDARD) -> Encoded:
    """Encode persons under a key.

    Parameters
    ----------
    persons : Persons
        Standardised persons.
    key : bytes
        Secret of the departments that take part; see ``secret.read_key``.
    parameters : Parameters
        Must be the same on both sides.
    """
    parts = _parts(persons)
    keys = [_combined(parts, names, name, key, parameters) for name, names in COMBINATIONS.items()]
    filters = _hardened(_filters(persons, key, parameters), key, parameters)
    return Encoded(np.stack(keys, axis=1), filters, parameters)


def _parts(p: Persons) -> dict[str, Texts]:
    """Texts of which linkage keys are made, None where missing."""
    known = p.day != NO_DAY
    year, month, day = civil(np.where(known, p.day, 0))

    def of(values: list[str], number: Ints) -> Texts:
        found: Texts = np.array([*(v or None for v in values), None], dtype=object)[number]
        return found

    def dated(values: Ints, there: npt.NDArray[np.bool_] = known) -> Texts:
        out: Texts = values.astype(str).astype(object)
        out[~there] = None
        return out

    return {
        "number": of(list(p.numbers), p.number),
        "number_tail": of([n[6:] for n in p.numbers], p.number),
        "phone": of(list(p.phones), p.phone),
        "place": of(list(p.places), p.place),
        "sound": of([" ".join(n.sounds) for n in p.names], p.name),
        "dialect": of([" ".join(n.folded) for n in p.names], p.name),
        "given": of([" ".join(n.folded[n.surname :]) for n in p.names], p.name),
        "year": dated(year),
        "month": dated(month),
        "day": dated(year * 10_000 + month * 100 + day),
        "birthday": dated(month * 100 + day),
        "sex": dated(p.sex, p.sex >= 1),
    }


def _combined(parts: dict[str, Texts], names: tuple[str, ...], name: str, key: bytes, parameters: Parameters) -> Words:
    """One linkage key of each row: the first 64 bits of the HMAC of its parts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [pa.array(parts[n], pa.string()) for n in names]
    joined = pc.binary_join_element_wise(*columns, "\x1f")
    values, number = distinct(pa.chunked_array([joined]))
    count = np.bincount(number[number >= 0], minlength=len(values))
    kept = count <= parameters.crowd
    made = np.zeros(len(values) + 1, dtype=np.uint64)
    texts = (f"{parameters.name}|key|{name}|{v}" for v, k in zip(values, kept, strict=True) if k)
    made[:-1][kept] = _first_word(keyed_digests(key, texts))
    return made[number]


def _first_word(digests: Iterable[bytes]) -> Words:
    found: Words = np.frombuffer(b"".join(d[:8] for d in digests), dtype="<u8").astype(np.uint64)
    return np.maximum(found, np.uint64(1))


def _name_tokens(name: Name, p: Parameters) -> list[tuple[str, int]]:
    """Tokens of one name, each with the number of positions that it sets; a token that recurs is another one."""
    found: list[tuple[str, int]] = []
    written = [u for u in name.units if u != "?"]
    if not name.typed and p.characters:
        found += [(f"c{a}{b}", p.characters) for a, b in _pairs(written)]
    if p.syllables:
        found += [(f"s{a} {b}", p.syllables) for a, b in _pairs(list(name.sounds))]
    if p.letters:
        found += [(f"l{a}{b}", p.letters) for a, b in _pairs(list("".join(name.sounds)))]
    if p.dialect:
        found += [(f"d{i}{s}", p.dialect) for i, s in enumerate(name.folded)]
    seen: dict[str, int] = {}
    out = []
    for token, size in found:
        seen[token] = seen.get(token, 0) + 1
        out.append((f"{token}#{seen[token]}", size))
    return out


def _pairs(units: list[str]) -> list[tuple[str, str]]:
    """Neighbours, with a mark before the first and after the last."""
    return list(zip(["^", *units], [*units, "$"], strict=True)) if units else []


@dataclass(frozen=True)
class _Tokens:
    """Tokens of all rows: row ``row[i]`` has the token ``token[i]`` under the salt ``salt[i]``."""

    row: Ints
    token: Ints
    salt: Ints
    texts: list[str]
    size: Ints
    """Positions that each token sets."""


def _tokens(p: Persons, parameters: Parameters) -> _Tokens:
    """Tokens of name and date of birth of every row."""
    index: dict[str, int] = {}
    sizes: list[int] = []

    def one(text: str, size: int) -> int:
        if text not in index:
            index[text] = len(sizes)
            sizes.append(size)
        return index[text]

    of_name = [[one(f"n|{t}", s) for t, s in _name_tokens(name, parameters)] for name in p.names]
    start = np.cumsum([0, *map(len, of_name)])
    flat = np.array([t for tokens in of_name for t in tokens], dtype=np.int64)
    known = p.day != NO_DAY
    year, month, day = civil(np.where(known, p.day, 0))
    named = np.flatnonzero(p.name >= 0)
    many = (start[1:] - start[:-1])[p.name[named]] if len(p.names) else np.zeros(0, dtype=np.int64)
    row = np.repeat(named, many)
    within = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    token = flat[start[p.name[row]] + within] if len(row) else np.zeros(0, dtype=np.int64)
    salted = np.where(known, year, 0) if parameters.salt == "birth_year" else np.zeros(len(p), dtype=np.int64)
    rows, tokens, salts = [row], [token], [salted[row]]
    dated = {"ym": (year, month), "md": (month, day), "yd": (year, day), "ys": (year, p.sex)}
    for kind, (x, y) in dated.items():
        at = np.flatnonzero(known & (y >= 0)) if parameters.birth else np.zeros(0, dtype=np.int64)
        packed, inverse = np.unique(x[at] * 100 + y[at], return_inverse=True)
        number = np.array([one(f"b|{kind}{v}", parameters.birth) for v in packed.tolist()], dtype=np.int64)
        rows.append(at)
        tokens.append(number[inverse])
        salts.append(np.zeros(len(at), dtype=np.int64))
    row, token, salt = (np.concatenate(x) for x in (rows, tokens, salts))
    return _Tokens(row, token, salt, list(index), np.array(sizes, dtype=np.int64))


def _filters(p: Persons, key: bytes, parameters: Parameters) -> Words:
    """Bloom filters before hardening."""
    made = _tokens(p, parameters)
    base = np.int64(10_000)
    packed, token = np.unique(made.token * base + made.salt, return_inverse=True)
    texts = [f"{parameters.name}|filter|{s}|{made.texts[t]}" for t, s in zip(*_divided(packed, base), strict=True)]
    drawn = np.frombuffer(b"".join(keyed_digests(key, texts)), dtype="<u2").reshape(-1, 16)
    positions = drawn.astype(np.int64) % parameters.bits  # a power of two: every position is equally likely
    masks = _masks(positions, made.size[packed // base], parameters.bits)
    out = np.zeros((len(p), parameters.bits // 64), dtype=np.uint64)
    order = np.argsort(made.row, kind="stable")
    row, token = made.row[order], token[order]
    for begin in range(0, len(p), AT_ONCE):
        a, b = np.searchsorted(row, [begin, begin + AT_ONCE])
        if a < b:
            there, first = np.unique(row[a:b], return_index=True)
            out[there] = np.bitwise_or.reduceat(masks[token[a:b]], first, axis=0)
    return out


def _divided(packed: Ints, base: np.int64) -> tuple[list[int], list[int]]:
    token, salt = np.divmod(packed, base)
    return token.tolist(), salt.tolist()


def _masks(positions: Ints, size: Ints, bits: int) -> Words:
    """Filters of single tokens: the first ``size`` positions of each are set."""
    out = np.zeros((len(positions), bits // 64), dtype=np.uint64)
    every = np.arange(len(positions))
    for column in range(positions.shape[1]):
        use = every[column < size]
        at = positions[use, column]
        out[use, at // 64] |= np.uint64(1) << (at % 64).astype(np.uint64)
    return out


def _hardened(filters: Words, key: bytes, parameters: Parameters) -> Words:
    """Change filters so that a bit no longer stands for a token; what compares well before compares well after."""
    if parameters.hardening == "fold":
        half = filters.shape[1] // 2
        folded: Words = filters[:, :half] ^ filters[:, half:]
        return folded
    if parameters.hardening == "rule90":
        one = np.uint64(1)
        left: Words = (filters << one) | (np.roll(filters, 1, axis=1) >> np.uint64(63))
        right: Words = (filters >> one) | (np.roll(filters, -1, axis=1) << np.uint64(63))
        return np.bitwise_xor(left, right)
    if parameters.hardening == "balance":
        seed = int.from_bytes(next(keyed_digests(key, [f"{parameters.name}|order"])), "big")
        order = np.random.default_rng(seed).permutation(2 * parameters.bits)
        other = ~filters
        other[(filters == 0).all(axis=1)] = 0
        both = np.concatenate([filters, other], axis=1)
        spread = np.unpackbits(both.view(np.uint8), axis=1, bitorder="little")[:, order]
        packed = np.ascontiguousarray(np.packbits(spread, axis=1, bitorder="little"))
        return packed.view(np.uint64)
    return filters
