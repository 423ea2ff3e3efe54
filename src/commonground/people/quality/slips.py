"""An error model measured on a city's own links: how often clerks' slips change a name or a birth, group by group.

Two records that the same identity number links say how often names and births come apart, and how: another character
of the same sound, of the same sound in the dialect, some other character; day and month turned round, a digit wrong,
the month or year alone. The same slips, as often, are then made on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people import births
from commonground.people.births import MONTH, NO_DAY, YEAR, civil
from commonground.people.characters import character_table, dialect
from commonground.people.compare import FIELDS, compare
from commonground.people.nametable import FOLDED, NEARLY, SAME, SOUND, name_table
from commonground.people.priors import SAME_PERSON

if TYPE_CHECKING:
    from commonground.people.mentions import People
    from commonground.people.spine import Spine

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
NAME, BIRTH = FIELDS.index("name"), FIELDS.index("birth")
TRUST = 50.0
"""Links of the whole city that a small group's rates are drawn towards."""


@dataclass(frozen=True)
class Rates:
    """How often slips occur.

    ``name`` and ``birth`` are arrays (groups, levels) of shares, each row adding up to one; ``number`` (groups,) is the
    share of records without a valid identity number among deliveries that hold such numbers.
    """

    name: Floats
    birth: Floats
    number: Floats
    links: Ints
    """Links by number behind each group's rates."""


def measure(spine: Spine, by_number: Bools, group: Ints, groups: int) -> Rates:
    """Measure slips on records whose person another delivery confirms by number.

    Parameters
    ----------
    spine : Spine
        Who is who.
    by_number : bool array (units,)
        From ``relink.known_by_number``.
    group : int array (units,)
        Group of each unit.
    groups : int
        How many there are.
    """
    units = spine.units
    rows = np.flatnonzero(by_number & (spine.entity != np.arange(len(units))))
    levels = compare(units, rows, spine.entity[rows])
    at = group[rows]
    has = np.bincount(units.source, weights=units.id >= 0, minlength=int(units.source.max(initial=-1)) + 1) > 0
    some = np.flatnonzero(has[units.source]) if len(units) else rows
    without = np.bincount(group[some], weights=units.id[some] < 0, minlength=groups)
    total = np.bincount(group[some], minlength=groups)
    city = without.sum() / max(1, total.sum())
    return Rates(
        _shares(levels[:, NAME], at, groups, SAME_PERSON["name"]),
        _shares(levels[:, BIRTH], at, groups, SAME_PERSON["birth"]),
        (without + TRUST * city) / (total + TRUST),
        np.bincount(at, minlength=groups).astype(np.int64),
    )


def _shares(level: npt.NDArray[np.int8], group: Ints, groups: int, general: Floats) -> Floats:
    """Share of each level in each group; drawn towards the city's, and that a little towards general figures."""
    size = len(general)
    known = level > 0
    count = np.bincount(group[known] * size + level[known], minlength=groups * size).reshape(groups, size).astype(float)
    prior = np.concatenate([[0.0], general[1:] / general[1:].sum()])
    city = (count.sum(0) + prior) / (count.sum() + 1.0)
    out: Floats = (count + TRUST * city) / (count.sum(1, keepdims=True) + TRUST)
    return out


def draw_levels(rates: Floats, group: Ints, rng: np.random.Generator) -> Ints:
    """Draw a level for each row from the rates of its group."""
    upper = np.cumsum(rates, axis=1)[group]
    found: Ints = (rng.random(len(group))[:, None] * upper[:, -1:] >= upper).sum(axis=1).astype(np.int64)
    return found


@dataclass(frozen=True)
class Characters:
    """Characters that stand in the city's names, by sound and by folded sound."""

    by_sound: Mapping[str, Sequence[str]]
    by_fold: Mapping[str, Sequence[str]]
    all: Sequence[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Characters:
        """Collect the characters of all names that have a reading."""
        readings = character_table().readings
        sounds: dict[str, list[str]] = {}
        folds: dict[str, list[str]] = {}
        every = sorted({c for c in "".join(texts) if c in readings})
        for character in every:
            sound = readings[character][0]
            sounds.setdefault(sound, []).append(character)
            folds.setdefault(dialect(sound), []).append(character)
        return cls(sounds, folds, every)

    def other(self, character: str, level: int, rng: np.random.Generator) -> str:
        """Give another character as far from ``character`` as ``level`` says; itself where there is none."""
        sounds = character_table().readings.get(character)
        if sounds is None:
            return character
        fold = dialect(sounds[0])
        if level == SOUND:
            choice = [c for c in self.by_sound[sounds[0]] if c != character] if sounds[0] in self.by_sound else []
        elif level == FOLDED:
            choice = [c for c in self.by_fold.get(fold, ()) if c not in self.by_sound.get(sounds[0], ())]
        else:
            choice = [c for c in self.all if c != character]
        return choice[int(rng.integers(len(choice)))] if choice else character


def slip_in_name(text: str, level: int, pool: Characters, rng: np.random.Generator) -> str:
    """Change one character of a name, mostly of the given name, as ``level`` says; more of it below ``NEARLY``."""
    places = [k for k, c in enumerate(text) if c in character_table().readings]
    if not places or level == SAME:
        return text
    given = places[1:] or places
    wrong = given if level < NEARLY else [given[int(rng.integers(len(given)))]]
    letters = list(text)
    for k in wrong:
        letters[k] = pool.other(letters[k], level, rng)
    return "".join(letters)


def slip_in_day(day: Ints, level: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Change days of birth as ``level`` (of ``births``) says; gives days and their precision."""
    day, precision = day.copy(), np.full(len(day), births.DAY, dtype=np.int64)
    known = day != NO_DAY
    date = np.where(known, day, 0).astype("datetime64[D]")
    month, year = date.astype("datetime64[M]"), date.astype("datetime64[Y]")
    _, number, within = civil(np.where(known, day, 0))
    swapped = (year.astype("datetime64[M]") + (within - 1)).astype("datetime64[D]") + (number - 1)
    turned = np.where((within <= 12) & (number != within), swapped.astype(np.int64), day)
    digit = month.astype("datetime64[D]").astype(np.int64) + (within - 1 + 10) % 28
    lunar = day - rng.integers(18, 50, len(day))
    coarse_month, coarse_year = (x.astype("datetime64[D]").astype(np.int64) for x in (month, year))
    far = day + rng.integers(-730, 730, len(day))
    made = {
        births.SAME_MONTH: coarse_month, births.CALENDAR: lunar, births.SWAPPED: turned, births.DIGIT: digit,
        births.SAME_YEAR_ONLY: coarse_year, births.NEAR: day + rng.integers(-30, 30, len(day)),
        births.YEAR_ONLY: coarse_year + rng.integers(0, 365, len(day)), births.OTHER: far,
    }  # fmt: skip
    for value, column in made.items():
        at = known & (level == value)
        day[at] = column[at]
    precision[known & (level == births.SAME_MONTH)] = MONTH
    precision[known & (level == births.SAME_YEAR_ONLY)] = YEAR
    return day, np.where(known, precision, 0)


def corrupt(
    people: People, keyed: People, group: Ints, rates: Rates, rng: np.random.Generator
) -> tuple[People, People, Bools]:
    """Make slips in some rows at the rates of their groups.

    Parameters
    ----------
    people, keyed : People
        The rows, and the same under stable hashes.
    group : int array (rows,)
        Group of each.
    rates : Rates
        From ``measure``.
    rng : numpy Generator
        Of the draws.

    Returns
    -------
    People, People, bool array
        The changed rows, both ways, and whether each lost its number.
    """
    names, birth = draw_levels(rates.name, group, rng), draw_levels(rates.birth, group, rng)
    lost = rng.random(len(people)) < rates.number[group]
    texts = people.names.texts
    pool = Characters.of(texts)
    number = people.name.copy()
    fresh: dict[str, int] = {}
    for row in np.flatnonzero((people.name >= 0) & (names != SAME)).tolist():  # those that slip, of a sample
        text = slip_in_name(texts[int(people.name[row])], int(names[row]), pool, rng)
        number[row] = fresh.setdefault(text, len(texts) + len(fresh))
    table = name_table((*texts, *fresh), stable=True)
    day, precision = slip_in_day(people.day, birth, rng)
    slipped = birth != births.SAME
    columns = {
        "name": number,
        "day": np.where(slipped, day, people.day),
        "precision": np.where(slipped, precision, people.precision),
    }
    gone = {c: np.where(lost, -1, getattr(people, c)) for c in ("id", "soft", "student")}
    gone_keyed = {c: np.where(lost, -1, getattr(keyed, c)) for c in ("id", "soft", "student")}
    inside = {"id_day": np.where(lost, NO_DAY, people.id_day), "names": table}
    return people.with_columns(**columns, **gone, **inside), keyed.with_columns(**columns, **gone_keyed, **inside), lost
