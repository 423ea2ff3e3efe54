"""What both sides of an encoding must agree on besides the key: no secret, and written into every manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Parameters:
    """How persons are encoded.

    Attributes
    ----------
    name : str
        Name of the set; together with ``mark`` it says whether two files can be compared.
    bits : int
        Length of the Bloom filter before hardening, a power of two up to 65,536.
    characters, syllables, letters, dialect : int
        Positions that each token of a name sets: pairs of characters, pairs of syllables, pairs of letters of the
        reading, syllables as heard in dialect. 0: such tokens are not made. Sixteen at most.
    birth : int
        Positions of each pair of parts of the date of birth (year and month, month and day, year and day, year and
        sex).
    salt : str
        ``"birth_year"``: tokens of the name are hashed together with the year of birth, so that a common name has
        another pattern in each year (Niedermeyer, Steinmetzer, Kroll and Schnell 2014). ``""``: they are not.
    hardening : str
        ``"fold"``: the filter is folded once by XOR (Schnell and Borgs 2016); ``"rule90"``: each bit becomes the XOR of
        its neighbours (Schnell and Borgs 2018); ``"balance"``: the filter with its complement, in a keyed order
        (Schnell and Borgs 2016); ``""``: none.
    crowd : int
        A linkage key that more rows of a file share is left out: what is frequent could be recognised by that.
    """

    name: str = "cg-2026-1"
    bits: int = 1024
    characters: int = 12
    syllables: int = 8
    letters: int = 8
    dialect: int = 8
    birth: int = 16
    salt: str = "birth_year"
    hardening: str = "fold"
    crowd: int = 20

    @property
    def words(self) -> int:
        """Length of a finished filter in words of 64 bits."""
        return {"fold": self.bits // 2, "balance": 2 * self.bits}.get(self.hardening, self.bits) // 64

    @property
    def mark(self) -> str:
        """Hash of all settings: equal marks mean comparable encodings."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as plain values."""
        return {**asdict(self), "mark": self.mark}


STANDARD = Parameters()
"""The set that ``commonground people encode`` uses."""
