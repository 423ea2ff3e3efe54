"""Given name and surname in two columns, written into each other's place: one level of agreement more, and a rule.

Forms that ask for both names in two boxes come back with them exchanged, most often from people whose family name
comes first. Two disagreements would say that these are two persons; the exchange says nearly the contrary.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from commonground.people.blocking import mix
from commonground.people.core.kinds import Compare, Key, Kind, Part, edits
from commonground.people.core.levels import same_level
from commonground.people.core.texts import Column, keys_of
from commonground.people.encode import distinct, narrow

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
EXCHANGED = 2
"""Level of the given name where the two names are exchanged: above disagreement, below being alike."""
SLIPS = 0.1
"""Share of true pairs in which the two names are not the same two in either order."""


def with_exchange(
    given: tuple[Kind, Column], surname: tuple[Kind, Column], prefix: str, column: str
) -> tuple[Kind, Kind]:
    """Let the given name have the level ``EXCHANGED``; the surname then counts as missing.

    Names are exchanged when both disagree, and each is at least alike to the other of the other record, and one of
    them the same or both one character apart.

    Parameters
    ----------
    given, surname : Kind and its columns in both tables
        As ``core.kinds.text`` made them, with four levels.
    prefix, column : str
        Prefix of the given name's integer columns, and its name.
    """
    texts, x, y = _numbered(given[1], surname[1])
    near = edits(texts, 4)
    keys = np.append(keys_of(texts), -1)
    either = mix(np.minimum(keys[x], keys[y]), np.maximum(keys[x], keys[y]))
    of_given, of_surname = given[0].compare, surname[0].compare

    def turned(a: Ints, b: Ints, given_level: Levels, surname_level: Levels) -> npt.NDArray[np.bool_]:
        out = np.zeros(len(a), dtype=bool)
        at = np.flatnonzero((given_level == 1) & (surname_level == 1))
        one, two = near(x[a[at]], y[b[at]]), near(y[a[at]], x[b[at]])
        out[at] = (np.minimum(one, two) >= 2) & (one + two >= 6)
        return out

    def compare_given(a: Ints, b: Ints) -> Levels:
        level = of_given(a, b)
        exchanged = turned(a, b, level, of_surname(a, b))
        level[level > 1] += 1
        level[exchanged] = EXCHANGED
        return level

    def compare_surname(a: Ints, b: Ints) -> Levels:
        level = of_surname(a, b)
        level[turned(a, b, of_given(a, b), level)] = 0
        return level

    return _given(given[0], compare_given, either, prefix, column), replace(surname[0], compare=compare_surname)


def _given(kind: Kind, compare: Compare, either: Ints, prefix: str, column: str) -> Kind:
    name = f"{prefix}either"
    return replace(
        kind,
        kind="given_name",
        levels=kind.levels + 1,
        columns={**kind.columns, name: either},
        sql=lambda _, ask: same_level(prefix, kind.levels + 1, ask),
        compare=compare,
        keys=tuple(Key(k.level + 1, k.column, k.values, k.rare) for k in kind.keys),
        parts=(*kind.parts, Part(f"{column}:either order", name, either, SLIPS)),
    )


def _numbered(given: Column, surname: Column) -> tuple[list[str], Ints, Ints]:
    """Distinct cleaned texts of both columns, and the places of each row's two; -1 where there is none."""
    import pyarrow as pa

    columns = [
        pa.chunked_array([k for c in pair for k in c.cast(pa.string()).chunks], pa.string())
        for pair in (given, surname)
    ]
    values, inverse = distinct(pa.chunked_array([k for c in columns for k in c.chunks], pa.string()))
    cleaned = [narrow(v).lower() for v in values]
    place = {t: i for i, t in enumerate(sorted({t for t in cleaned if t}))}
    at = np.array([*(place.get(t, -1) for t in cleaned), -1], dtype=np.int64)[inverse]
    return list(place), at[: len(columns[0])], at[len(columns[0]) :]
