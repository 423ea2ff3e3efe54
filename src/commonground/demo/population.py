"""The people of the demo city: families of parents, children and grandparents, with dated facts.

Nobody is stored as left-behind or migrant. There are spells of absence, a hukou place, a residence and the day of
moving there; every definition computes its own groups from these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from commonground.demo import names as nm
from commonground.demo import numbers
from commonground.demo.places import (
    COUNTIES,
    MERGED,
    OUTSIDE,
    VILLAGES_PER_TOWNSHIP,
    WORK_PLACES,
    Villages,
    make_villages,
)

REFERENCE = np.datetime64("2025-06-30")
CHILD, FATHER, MOTHER, GRANDFATHER, GRANDMOTHER = range(5)
#: Where parents are away, share of: nobody, father, mother, both; by kind of family.
ABSENCE = {
    "rural": (0.46, 0.22, 0.08, 0.24),
    "urban": (0.86, 0.08, 0.02, 0.04),
    "migrant": (0.93, 0.05, 0.02, 0.0),
}
#: Peoples of the region other than Han, by share.
MINORITIES = {"苗族": 0.3, "布依族": 0.25, "侗族": 0.15, "彝族": 0.1, "土家族": 0.1, "仡佬族": 0.06, "回族": 0.04}
DISTANCES = ("other_province", "same_province", "same_city", "same_county")


@dataclass(frozen=True)
class Families:
    """One entry a family. Dates are NaT where there is nothing to date.

    Attributes
    ----------
    migrant : array of bool
        Lives outside its hukou county.
    rural : array of bool
        Hukou nature 农业.
    home, home_outside : array of int
        Village of the hukou, or -1; place of the hukou in ``OUTSIDE``, or -1.
    lives : array of int
        Village of residence.
    arrived : array of datetime64
        Day of moving to the present residence.
    ses : array of float
        Parents' education and means, mean 0, SD 1.
    father_from, father_to, mother_from, mother_to : array of datetime64
        The latest spell of work away; ``to`` is NaT while it lasts.
    father_place, mother_place : array of int
        Index into ``PLACES``.
    unable : array of bool
        The parent at home cannot care for the child (severe illness or disability).
    """

    migrant: np.ndarray
    rural: np.ndarray
    home: np.ndarray
    home_outside: np.ndarray
    lives: np.ndarray
    arrived: np.ndarray
    ses: np.ndarray
    father_from: np.ndarray
    father_to: np.ndarray
    mother_from: np.ndarray
    mother_to: np.ndarray
    father_place: np.ndarray
    mother_place: np.ndarray
    unable: np.ndarray
    minority: np.ndarray
    phone: np.ndarray
    flat: np.ndarray


@dataclass(frozen=True)
class Persons:
    """One entry a person; ``family`` and ``role`` say who."""

    family: np.ndarray
    role: np.ndarray
    name: np.ndarray
    male: np.ndarray
    birth: np.ndarray
    idno: np.ndarray
    has_id: np.ndarray
    ethnicity: np.ndarray


@dataclass(frozen=True)
class Population:
    """Families, persons and villages together."""

    families: Families
    persons: Persons
    villages: Villages
    member: dict[int, np.ndarray] = field(repr=False)  # role -> person of each family, or -1

    def away(self, who: str, day: np.datetime64, months: int) -> np.ndarray:
        """Tell for each family whether the ``father`` or ``mother`` has been away on ``day`` for ``months`` or more."""
        start = getattr(self.families, f"{who}_from")
        end = getattr(self.families, f"{who}_to")
        limit = np.datetime64((day.astype("M8[M]") - months).astype("M8[D]")) + (day - day.astype("M8[M]"))
        return np.asarray((start <= limit) & (np.isnat(end) | (end > day)))

    def hukou_area(self) -> np.ndarray:
        """Give the six digits of each family's hukou place."""
        return hukou_areas(self.families, self.villages)


def hukou_areas(families: Families, villages: Villages) -> np.ndarray:
    """Give the six digits of each family's hukou place."""
    inside = np.array([c.code for c in COUNTIES])[villages.county[np.maximum(families.home, 0)]]
    outside = np.array([o[0] for o in OUTSIDE])[np.maximum(families.home_outside, 0)]
    return np.asarray(np.where(families.home >= 0, inside, outside))


#: Every place of work with its distance.
PLACES = [(d, *p) for d in DISTANCES for p in WORK_PLACES[d]]
_FIRST = np.cumsum([0] + [len(WORK_PLACES[d]) for d in DISTANCES])


def _draw_homes(rng: np.random.Generator, n: int, v: Villages) -> dict[str, np.ndarray]:
    """Draw hukou place, residence and kind of family."""
    county = v.county
    urban = np.array([c.urban for c in COUNTIES])[county]
    kind = rng.choice(3, n, p=[0.58, 0.22, 0.20])  # rural, urban, migrant
    rural_villages, town = np.flatnonzero(~v.town), np.flatnonzero(v.town)
    rural_weight = np.where(urban[rural_villages], 0.6, 1.0)
    town_weight = np.where(urban[town], 0.75, 0.5)
    home = np.where(
        kind == 0,
        rng.choice(rural_villages, n, p=rural_weight / rural_weight.sum()),
        rng.choice(town, n, p=town_weight / town_weight.sum()),
    )
    lives, outside = home.copy(), np.full(n, -1)
    # families that moved to the county seat, and city families that live in the other district
    seat = np.array([np.flatnonzero(v.town & (county == c))[:VILLAGES_PER_TOWNSHIP] for c in range(len(COUNTIES))])
    near = (kind == 0) & (rng.random(n) < 0.08) & ~urban[home]
    lives[near] = seat[county[home[near]], rng.integers(0, VILLAGES_PER_TOWNSHIP, near.sum())]
    across = (kind == 1) & urban[home] & (rng.random(n) < 0.10)
    other = np.array([np.flatnonzero(v.town & (county == 1 - c)) for c in (0, 1)])
    lives[across] = other[county[home[across]], rng.integers(0, other.shape[1], across.sum())]
    moved = kind == 2
    city = np.flatnonzero(urban & v.town)
    lives[moved] = np.where(
        rng.random(moved.sum()) < 0.85, rng.choice(city, moved.sum()), rng.choice(town, moved.sum())
    )
    origin = rng.choice(np.flatnonzero(~urban), n)
    same = county[origin] == county[lives]
    away = moved & ((rng.random(n) < 0.5) | same)
    home = np.where(moved, origin, home)
    outside[away] = rng.choice(len(OUTSIDE), away.sum())
    home[away] = -1
    rural = (kind == 0) | (moved & (rng.random(n) < 0.8))
    months = np.where(rng.random(n) < 0.12, rng.uniform(0.5, 6, n), 6 + rng.gamma(2.0, 22.0, n))
    stays = lives == home
    arrived = np.where(stays, np.datetime64("NaT"), REFERENCE - (months * 30.4).astype("m8[D]"))
    return {"kind": kind, "home": home, "home_outside": outside, "lives": lives, "rural": rural, "arrived": arrived}


def _draw_absence(rng: np.random.Generator, kind: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the latest spell of work away of each parent, and where to."""
    n, nat = len(kind), np.datetime64("NaT", "D")
    table = np.array([ABSENCE[k] for k in ("rural", "urban", "migrant")]).cumsum(axis=1)
    state = (rng.random((n, 1)) > table[kind]).sum(axis=1)  # 0 nobody, 1 father, 2 mother, 3 both

    def months(size: int) -> np.ndarray:
        short = rng.choice(3, size, p=[0.08, 0.1, 0.82])
        brief, half = rng.uniform(0.3, 3, size), rng.uniform(3, 6, size)
        return np.select([short == 0, short == 1], [brief, half], 6 + rng.gamma(1.6, 22, size))

    length = months(n)
    out: dict[str, np.ndarray] = {}
    shared_place = rng.random(n) < 0.7
    first = None
    for who, states in (("father", (1, 3)), ("mother", (2, 3))):
        gone = np.isin(state, states)
        own = np.where((state == 3) & (rng.random(n) < 0.6), length, months(n))
        back = ~gone & (rng.random(n) < (0.18 if who == "father" else 0.08)) & (kind == 0)
        ended = REFERENCE - (rng.uniform(1, 30, n) * 30.4).astype("m8[D]")
        start = np.where(gone, REFERENCE - (own * 30.4).astype("m8[D]"), nat)
        start = np.where(back, ended - (rng.uniform(6, 60, n) * 30.4).astype("m8[D]"), start)
        distance = rng.choice(4, n, p=[0.56, 0.22, 0.13, 0.09])
        place = _FIRST[distance] + (rng.random(n) * np.diff(_FIRST)[distance]).astype(int)
        if first is not None:
            place = np.where(shared_place, first, place)
        first = place
        out |= {f"{who}_from": start, f"{who}_to": np.where(back, ended, nat), f"{who}_place": place}
    out["unable"] = np.isin(state, (1, 2)) & (rng.random(n) < 0.06)
    return out


def _draw_children(rng: np.random.Generator, n_families: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw births of children, at least ``wanted`` under 18; most of the eldest are of school age."""
    school = rng.integers(0, 365 * 8, n_families) + np.datetime64("2008-12-01").astype("M8[D]").astype(int)
    wide = rng.integers(0, 365 * 18 - 60, n_families) + np.datetime64("2007-07-05").astype("M8[D]").astype(int)
    eldest = np.where(rng.random(n_families) < 0.88, school, wide)
    number = rng.choice([1, 2, 3], n_families, p=[0.42, 0.48, 0.10])
    gap = np.where(rng.random((n_families, 2)) < 0.01, 0, rng.integers(400, 2300, (n_families, 2)))
    births = np.stack([eldest, eldest + gap[:, 0], eldest + gap.sum(axis=1)], axis=1)
    born = (np.arange(3) < number[:, None]) & (births <= (REFERENCE - 40).astype(int))
    family = np.broadcast_to(np.arange(n_families)[:, None], births.shape)[born]
    birth = births[born].astype("M8[D]")
    last = family[min(wanted, len(family)) - 1]
    keep = family <= last
    if keep.sum() < wanted:
        raise RuntimeError("too few families drawn")
    return family[keep], birth[keep]


def make_population(seed: int, children: int) -> Population:
    """Make the families and persons of a city with at least ``children`` under 18 on the reference day."""
    rng = np.random.default_rng([seed, 1])
    villages = make_villages()
    family, birth = _draw_children(rng, children, children)
    n = int(family.max()) + 1
    homes = _draw_homes(rng, n, villages)
    kind = homes.pop("kind")
    families = Families(
        migrant=kind == 2,
        ses=rng.normal(np.array([-0.35, 0.65, 0.05])[kind], 0.85),
        minority=rng.random(n) < np.array([0.4, 0.15, 0.25])[kind],
        phone=numbers.telephones(rng, n),
        flat=rng.integers(1, 61, (n, 3)),
        **homes,
        **_draw_absence(rng, kind),
    )
    return _people(rng, families, villages, family, birth)


def _people(
    rng: np.random.Generator, families: Families, villages: Villages, family: np.ndarray, birth: np.ndarray
) -> Population:
    n = len(families.migrant)
    eldest = np.full(n, np.datetime64("2100-01-01"))
    np.minimum.at(eldest, family, birth)
    age_of_mother = rng.normal(25, 3.5, n).clip(19, 38)
    mother = eldest - (age_of_mother * 365.25).astype("m8[D]")
    father = mother - (rng.normal(2, 2.5, n).clip(-4, 12) * 365.25).astype("m8[D]")
    both_away = ~np.isnat(families.father_from) & ~np.isnat(families.mother_from)
    alive = {
        GRANDFATHER: rng.random(n) < 0.6,
        GRANDMOTHER: (rng.random(n) < 0.7) | (both_away & np.isnat(families.father_to)),
    }
    everyone = np.arange(n)
    parts = [(CHILD, family, birth), (FATHER, everyone, father), (MOTHER, everyone, mother)]
    for elder, living in alive.items():
        born = father - (rng.normal(25.5, 3, n).clip(19, 40) * 365.25).astype("m8[D]")
        parts.append((elder, everyone[living], born[living]))
    role = np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])
    fam = np.concatenate([part[1] for part in parts])
    born = np.concatenate([part[2] for part in parts])
    men = np.isin(role, (FATHER, GRANDFATHER))
    male = np.where(role == CHILD, rng.random(len(role)) < 0.53, men)
    name, ethnicity = _names(rng, families, role, fam, male)
    area = _birth_areas(families, villages, fam, born)
    persons = Persons(
        family=fam,
        role=role,
        name=name,
        male=male,
        birth=born,
        idno=numbers.identity_numbers(rng, area, born, male),
        has_id=(role != CHILD) | (rng.random(len(role)) > 0.02),
        ethnicity=ethnicity,
    )
    member = {}
    for who in (FATHER, MOTHER, GRANDFATHER, GRANDMOTHER):
        at = np.full(n, -1)
        at[fam[role == who]] = np.flatnonzero(role == who)
        member[who] = at
    return Population(families, persons, villages, member)


def _birth_areas(families: Families, villages: Villages, family: np.ndarray, birth: np.ndarray) -> np.ndarray:
    """Give the area code in each identity number: the hukou place, a merged county's code for some born before."""
    area = hukou_areas(families, villages)[family]
    old = (area == MERGED[3]) & (birth < MERGED[4]) & (family % 3 == 0)
    return np.where(old, MERGED[0], area)


def _names(
    rng: np.random.Generator, families: Families, role: np.ndarray, family: np.ndarray, male: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Name everybody: children and the father's father take the father's surname; two in a hundred are dotted."""
    n = len(families.migrant)
    fathers = nm.draw_surnames(rng, n)
    own = nm.draw_surnames(rng, len(role))
    surname = np.where(np.isin(role, (MOTHER, GRANDMOTHER)), own, fathers[family])
    out = np.zeros(len(role), "U24")
    for roles, generation in (((CHILD,), "young"), ((FATHER, MOTHER), "middle"), ((GRANDFATHER, GRANDMOTHER), "old")):
        at = np.isin(role, roles)
        out[at] = nm.draw_names(rng, surname[at], male[at], generation)
    dotted = (families.minority & (rng.random(n) < 0.06))[family]
    out[dotted] = nm.draw_foreign_names(rng, int(dotted.sum()))
    group = rng.choice(list(MINORITIES), n, p=list(MINORITIES.values()))
    ethnicity = np.where(families.minority, group, "汉族")[family]
    return out, np.where(dotted, "维吾尔族", ethnicity)
