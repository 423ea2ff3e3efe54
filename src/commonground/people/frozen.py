"""One version of the model that says who is who: all that training decided, and nothing about any one person.

As long as a version is in force, whether two records are one person depends on the two, on the records that are linked
with either, and on this; not on what else the city holds or in which order it came. It lives in the vault all the
same, because shares of names are about names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.people import fellegi_sunter as fs
from commonground.people.blocking import RULES
from commonground.people.compare import FIELDS
from commonground.people.nametable import FOLDED, SAME, SOUND, SURNAME, NameTable
from commonground.people.priors import RELATIVES, SAME_PERSON, UNRELATED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint32]
RARE_LEVELS = (SAME, SOUND, FOLDED, SURNAME)
"""Levels of a name whose chance depends on the very name, with the attribute of the table that they compare."""
_ATTRIBUTES = ("key", "sound", "fold", "surname")
GENERAL_THRESHOLD = 0.95
"""Least probability at which a dataset is linked that the model has not learnt."""


@dataclass(frozen=True)
class Rarity:
    """How common names are: for each of ``RARE_LEVELS`` sorted hashes and their counts among ``total`` names."""

    keys: tuple[Ints, ...] = ()
    counts: tuple[Ints, ...] = ()
    total: int = 0

    @classmethod
    def of(cls, table: NameTable, names: Ints) -> Rarity:
        """Count the names of ``names`` (numbers in ``table``, -1: none)."""
        known = names[names >= 0]
        found = [np.unique(getattr(table, a)[known], return_counts=True) for a in _ATTRIBUTES]
        return cls(tuple(k for k, _ in found), tuple(c for _, c in found), len(known))

    def shares(self, table: NameTable, names: Ints) -> Floats:
        """Log share of each name at each of ``RARE_LEVELS``: (names, levels); 0 where there is no name."""
        out = np.zeros((len(names), len(RARE_LEVELS)))
        at = np.flatnonzero(names >= 0)
        for k, (attribute, keys, counts) in enumerate(zip(_ATTRIBUTES, self.keys, self.counts, strict=True)):
            wanted = getattr(table, attribute)[names[at]]
            place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
            there = counts[place] * (keys[place] == wanted) if len(keys) else np.zeros(len(at))
            out[at, k] = np.log((there + 0.5) / (self.total + 1.0)).astype(np.float32)  # as it is kept
        return out


@dataclass(frozen=True)
class Frozen:
    """A version of the model.

    Attributes
    ----------
    number : int
        Its number; 0 before it is kept.
    models : mapping
        ``department.dataset`` → chances of agreement and share of matches.
    thresholds : mapping
        ``department.dataset`` → least probability at which a record is linked by weight.
    order : tuple of str
        Datasets in the order in which they are linked.
    general : fs.Model
        For a dataset that the model does not know.
    rarity : Rarity
        How common names are.
    crowded : tuple of uint32 arrays
        For each rule of ``blocking.RULES``, keys that too many share to tell anybody apart, sorted.
    about : mapping
        When and on how much it was trained: counts only.
    """

    models: Mapping[str, fs.Model]
    thresholds: Mapping[str, float]
    order: tuple[str, ...]
    general: fs.Model
    rarity: Rarity
    crowded: tuple[Keys, ...]
    number: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)

    def model(self, dataset: str) -> fs.Model:
        """Chances of a dataset; the general ones where it is unknown."""
        return self.models.get(dataset, self.general)

    def threshold(self, dataset: str) -> float:
        """Least probability at which a record of a dataset is linked by weight."""
        return self.thresholds.get(dataset, GENERAL_THRESHOLD)

    def rank(self, dataset: str) -> tuple[int, str]:
        """Place of a dataset in the order; unknown ones come last, by name."""
        return (self.order.index(dataset) if dataset in self.order else len(self.order), dataset)


def form() -> str:
    """Hash of what a model refers to: fields, levels, rules. A model of another form must be trained anew."""
    sizes = {name: len(SAME_PERSON[name]) for name in FIELDS}
    text = json.dumps([FIELDS, sizes, RULES, _ATTRIBUTES], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def general_model(persons: int) -> fs.Model:
    """Chances of agreement that are taken where nothing was learnt, for a city of ``persons``."""
    share = 0.5 / max(1, persons)
    return fs.Model(FIELDS, SAME_PERSON, UNRELATED, RELATIVES, np.array([share, 4 * share, 1.0]))


def pack(model: Frozen) -> dict[str, Any]:
    """Give a model as plain values and lists, for the vault."""
    return {
        "form": form(),
        "rules": len(model.crowded),
        "number": model.number,
        "order": list(model.order),
        "models": {name: _plain(m) for name, m in model.models.items()},
        "thresholds": dict(model.thresholds),
        "general": _plain(model.general),
        "about": dict(model.about),
        "total": model.rarity.total,
    }


def _plain(model: fs.Model) -> dict[str, Any]:
    chances = {c: {n: v.tolist() for n, v in getattr(model, c).items()} for c in ("m", "u", "f")}
    return {**chances, "prior": model.prior.tolist(), "iterations": model.iterations}


def _model(plain: Mapping[str, Any]) -> fs.Model:
    m, u, f = ({n: np.array(v) for n, v in plain[c].items()} for c in ("m", "u", "f"))
    return fs.Model(FIELDS, m, u, f, np.array(plain["prior"]), int(plain["iterations"]))


def unpack(plain: Mapping[str, Any], rarity: Rarity, crowded: tuple[Keys, ...]) -> Frozen:
    """Make a model of what ``pack`` gave."""
    return Frozen(
        models={n: _model(m) for n, m in plain["models"].items()},
        thresholds=dict(plain["thresholds"]),
        order=tuple(plain["order"]),
        general=_model(plain["general"]),
        rarity=rarity,
        crowded=crowded,
        number=int(plain["number"]),
        about=dict(plain["about"]),
    )
