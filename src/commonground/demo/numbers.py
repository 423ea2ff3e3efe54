"""Identity numbers, registry numbers and telephones of invented people, and how they are miswritten."""

from __future__ import annotations

import numpy as np

#: ISO 7064 MOD 11-2 as GB 11643-1999 prescribes it: position weights, and the character for each remainder.
_WEIGHTS = np.array([pow(2, 17 - i, 11) for i in range(17)])
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_MARKS = np.array(list("10X98765432"))


def check_marks(first17: np.ndarray) -> np.ndarray:
    """Give the check character of each text of seventeen digits."""
    n = len(first17)
    digits = first17.astype("<U17").view("<u4").reshape(n, 17).astype(np.int64) - ord("0")
    marks: np.ndarray = _MARKS[(digits * _WEIGHTS).sum(axis=1) % 11]
    return marks


def identity_numbers(rng: np.random.Generator, area: np.ndarray, birth: np.ndarray, male: np.ndarray) -> np.ndarray:
    """Make unique eighteen-character identity numbers: area, birth, an order number (odd for men), check character."""
    day = np.char.replace(np.datetime_as_string(birth, unit="D"), "-", "")
    head = np.char.add(area, day)
    out = np.zeros(len(area), "U17")
    left = np.arange(len(area))
    while len(left):  # draw again where an order number of that place and day is taken
        order = rng.integers(5, 499, len(left)) * 2 + male[left]
        out[left] = np.char.add(head[left], np.char.zfill(order.astype(str), 3))
        _, first = np.unique(out, return_index=True)
        left = np.setdiff1d(np.arange(len(area)), first)
    return np.char.add(out, check_marks(out))


def student_numbers(
    idno: np.ndarray, area: np.ndarray, birth: np.ndarray, has_id: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Give registry numbers: G and the identity number; where there is none, J and a number of the registry's own."""
    day = np.char.replace(np.datetime_as_string(birth, unit="D"), "-", "")
    own = np.char.add(np.char.add(area, day), np.char.zfill((order % 997).astype(str), 3))
    return np.where(has_id, np.char.add("G", idno), np.char.add(np.char.add("J", own), check_marks(own)))


def telephones(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw ``n`` eleven-digit numbers that begin with 12, which no mobile number does."""
    return np.char.add("12", np.char.zfill(rng.integers(0, 10**9, n).astype(str), 9))


def mistype(rng: np.random.Generator, idno: np.ndarray, share: float, missing: float) -> tuple[np.ndarray, np.ndarray]:
    """Miswrite identity numbers: one digit wrong, two swapped, small x, full-width digits; leave some out.

    Returns
    -------
    idno, kind : arrays
        As written; kind 0 right, 1 typing error (check fails), 2 other way of writing, 3 left out.
    """
    out = idno.astype("U20")
    draw = rng.random(len(out))
    kind = np.zeros(len(out), np.int64)
    wrong = np.flatnonzero((draw < share) & (np.char.str_len(out) == 18))
    place = rng.integers(6, 17, len(wrong))
    shift = rng.integers(1, 10, len(wrong))
    out[wrong] = [
        f"{t[:p]}{(int(t[p]) + s) % 10}{t[p + 1 :]}"
        for t, p, s in zip(out[wrong].tolist(), place.tolist(), shift.tolist(), strict=True)
    ]
    kind[wrong] = 1
    small = (np.char.find(out, "X") >= 0) & (rng.random(len(out)) < 0.3)
    out[small] = np.char.lower(out[small])
    wide = np.flatnonzero((rng.random(len(out)) < 0.004) & (kind == 0))
    out[wide] = [t.translate(_WIDE) for t in out[wide].tolist()]
    kind[wide] = 2
    kind[small & (kind == 0)] = 2
    gone = rng.random(len(out)) < missing
    out[gone], kind[gone] = "", 3
    return out, kind
