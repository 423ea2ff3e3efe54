"""Hidden numbers: records whose person the numbers tell are linked again without them, and what is lost is counted.

What is left of such a record (name, birth, school, home, relatives, with all the slips that the clerks made) is what a
record without a number has to go by. It proves how such records would fare if they were like those with a number; where
a delivery's records without a number are of another kind (children without papers), they may fare worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.births import DAY, MONTH, NO_DAY, YEAR
from commonground.people.quality.estimate import Hidden
from commonground.people.quality.relink import Standing, Tried, relink, sample

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
SAMPLE = 500
"""Records of each delivery that are tried."""


def without_numbers(people: People, precision: Ints) -> People:
    """Take identity and student numbers away, and the dates inside them.

    Where a delivery writes births to the month or year alone (``precision`` of each row), the day came from the number.
    """
    none = np.full(len(people), -1, dtype=np.int64)
    day, told = people.day.copy(), people.precision.copy()
    for vague, unit in ((MONTH, "M"), (YEAR, "Y")):
        at = (precision == vague) & (day != NO_DAY)
        first = day[at].astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]")
        day[at], told[at] = first.astype(np.int64), vague
    nothing = np.full(len(people), NO_DAY, dtype=np.int64)
    return people.with_columns(id=none, soft=none, student=none, id_day=nothing, day=day, precision=told)


def usual_precision(units: People) -> Ints:
    """How exactly most records without a number write the day of birth, for each delivery; ``DAY`` where none does."""
    sources = int(units.source.max(initial=-1)) + 1
    plain = (units.id < 0) & (units.id_day == NO_DAY) & (units.day != NO_DAY)
    wide = int(units.precision.max(initial=DAY)) + 1
    at = units.source[plain] * wide + units.precision[plain]
    count = np.bincount(at, minlength=sources * wide).reshape(sources, wide)
    found: Ints = np.where(count.any(axis=1), count.argmax(axis=1), DAY).astype(np.int64)
    return found


def strata(people: People) -> Ints:
    """Delivery and which identifiers but numbers a unit holds, numbered from 0; units of one kind are comparable."""
    held = (
        people.name >= 0, people.day != NO_DAY, people.school >= 0, people.klass >= 0, people.village[:, 0] >= 0,
        people.phones[:, 0] >= 0, people.kin_names[:, 0] >= 0, people.kin_ids[:, 0] >= 0,
    )  # fmt: skip
    packed = people.source.copy()
    for column in held:
        packed = packed * 2 + column
    _, out = np.unique(packed, return_inverse=True)
    found: Ints = out.reshape(-1).astype(np.int64)
    return found


def hide(standing: Standing, stratum: Ints, *, size: int = SAMPLE, seed: int = 0) -> tuple[Hidden, Tried | None]:
    """Try a sample of every delivery that has identity numbers and was linked.

    Parameters
    ----------
    standing : Standing
        The spine as it stands.
    stratum : int array (units,)
        From ``strata``.
    size : int
        Records of each delivery.
    seed : int
        Of the sample.
    """
    units = standing.spine.units
    rows = sample(standing, size, seed)
    if not len(rows):
        return summed(stratum, units.source, None), None
    usual = usual_precision(units)[units.source[rows]]
    changed, keyed = (without_numbers(p.take(rows), usual) for p in (units, standing.keyed))
    tried = relink(standing, rows, changed, keyed)
    return summed(stratum, units.source, tried), tried


def summed(stratum: Ints, source: Ints, tried: Tried | None) -> Hidden:
    """Count what became of the records of each stratum."""
    size = int(stratum.max(initial=0)) + 1
    of = np.zeros(size, dtype=np.int64)
    of[stratum] = source
    whole, part = np.zeros(size, dtype=np.int64), np.zeros(size)
    if tried is None:
        return Hidden(of, whole, whole, whole, whole, whole, part, part)
    at = stratum[tried.rows]

    def count(which: npt.NDArray[np.bool_]) -> Ints:
        return np.bincount(at[which], minlength=size).astype(np.int64)

    made, missed = ~tried.missed, tried.missed
    return Hidden(
        of,
        np.bincount(at, minlength=size).astype(np.int64),
        count(tried.right),
        count(tried.wrong),
        count(tried.never),
        count(tried.unforeseen),
        np.bincount(at[made], weights=1.0 - tried.chance[made], minlength=size).astype(np.float64),
        np.bincount(at[missed], weights=tried.chance[missed], minlength=size).astype(np.float64),
    )
