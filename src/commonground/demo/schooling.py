"""Schools, who goes where, and marks from a planted model.

The mark of pupil i of school j in subject s and year t, in standard units, is::

    0.60 * intake[i, s] + 0.08 * ses[i] + girls[s]
    + county[c] + composition + factors[j] + school[j, s] + school_year[j, s, t]
    + group[state[i, t]] + migrant * migrant[i] + slope[j] * parents_away[i, t]
    + 0.10 * boarding[i] * one_parent_away[i, t] + noise

with the values of ``EFFECTS``, ``GIRLS``, ``GROUPS`` and ``FACTORS``; ``state`` is who of the parents had been away
for three months or more on 15 March of the school year. ``factors`` sums coefficient times standardised school factor;
computers do nothing, on purpose. ``slope[j]`` rises with teacher-pupil interaction and is large in the schools marked
``strong``, where children whose parents are away do better than the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from commonground.demo.places import COUNTIES, TOWNSHIPS_PER_COUNTY, is_town
from commonground.demo.population import CHILD, Population

SUBJECTS = ("chinese", "math", "english")
#: Autumns in which the school years begin whose marks are delivered.
YEARS = (2023, 2024)
EFFECTS: dict[str, float] = {
    "intake": 0.60,
    "ses": 0.08,
    "composition": 0.35,
    "county_sd": 0.12,
    "school_sd": 0.15,
    "school_year_sd": 0.16,
    "slope_sd": 0.12,
    "slope_per_interaction": 0.06,
    "strong_slope": 0.35,
    "migrant": -0.05,
    "boarding_one_parent": 0.10,
    "noise_sd": 0.50,
}
GIRLS = {"chinese": 0.15, "math": 0.0, "english": 0.20}
GROUPS = {"none": 0.0, "father": 0.0, "mother": -0.10, "both": -0.13}
FACTORS = {
    "interaction": 0.20,
    "after_school": 0.10,
    "certified_head_teachers_pct": 0.08,
    "engagement_sessions": 0.06,
    "computers_per_pupil": 0.0,
    "class_size": -0.03,
}
STATES = tuple(GROUPS)


@dataclass(frozen=True)
class Schools:
    """One entry a school; ``factor``, ``factor_z``: (schools, factors); ``residual``: (schools, subjects, years)."""

    code: np.ndarray
    name: np.ndarray
    short: np.ndarray
    county: np.ndarray
    township: np.ndarray
    junior: np.ndarray
    town: np.ndarray
    strong: np.ndarray
    factor: np.ndarray
    factor_z: np.ndarray
    slope: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True)
class Rolls:
    """One entry a pupil and school year; ``mark`` is (rows, subjects), in standard units."""

    person: np.ndarray
    year: np.ndarray
    school: np.ndarray
    grade: np.ndarray
    classroom: np.ndarray
    boarding: np.ndarray
    state: np.ndarray
    migrant: np.ndarray
    intake: np.ndarray
    mark: np.ndarray


def _school_list() -> list[tuple[int, int, bool, str, str]]:
    """List county, township, junior, full name and short name of every school."""
    out = []
    for c, where in enumerate(COUNTIES):
        base, towns = where.zh[:-1], where.townships
        primary = [("第一小学", "一小"), ("第二小学", "二小"), ("实验小学", "实小")][: 3 if where.urban else 1]
        for t, (full, short) in enumerate(primary):
            out.append((c, t, False, where.zh + full, base + short))
        for t in range(len(primary), TOWNSHIPS_PER_COUNTY):
            out.append((c, t, False, f"{where.zh}{towns[t]}中心小学", f"{towns[t][:-1]}小学"))
        out.append((c, 0, True, f"{where.zh}第一中学", f"{base}一中"))
        if where.urban:
            out.append((c, 1, True, f"{where.zh}第二中学", f"{base}二中"))
        else:
            out.append((c, 1, True, f"{where.zh}{towns[1]}初级中学", f"{towns[1][:-1]}中学"))
    return out


def make_schools(seed: int) -> Schools:
    """Make the schools with their factors and planted effects."""
    rng = np.random.default_rng([seed, 2])
    listed = _school_list()
    n = len(listed)
    county = np.array([s[0] for s in listed])
    junior = np.array([s[2] for s in listed])
    town = np.array([is_town(s[0], s[1]) for s in listed])
    factor = np.stack(
        [
            rng.normal(3.4 + 0.15 * town, 0.45, n).clip(1.8, 4.9).round(2),
            (rng.random(n) < 0.55).astype(float),
            rng.normal(62, 16, n).clip(15, 98).round(1),
            rng.poisson(3.5, n).astype(float),
            rng.gamma(4.0, 0.035, n).clip(0.01, 0.6).round(3),
            rng.normal(41, 6, n).clip(22, 58).round(1),
        ],
        axis=1,
    )
    z = (factor - factor.mean(axis=0)) / factor.std(axis=0)
    strong = np.zeros(n, bool)
    strong[rng.choice(n, round(0.15 * n), replace=False)] = True
    e = EFFECTS
    slope = e["slope_per_interaction"] * z[:, 0] + rng.normal(0, e["slope_sd"], n) + e["strong_slope"] * strong
    lasting = _correlated(rng, (n,), 0.65) * e["school_sd"]
    yearly = np.stack([_correlated(rng, (n,), 0.5) * e["school_year_sd"] for _ in YEARS], axis=2)
    return Schools(
        code=np.array([f"992{COUNTIES[s[0]].code[-2:]}{2 if s[2] else 1}{k:04d}" for k, s in enumerate(listed, 1)]),
        name=np.array([s[3] for s in listed]),
        short=np.array([s[4] for s in listed]),
        county=county,
        township=np.array([s[0] * TOWNSHIPS_PER_COUNTY + s[1] for s in listed]),
        junior=junior,
        town=town,
        strong=strong,
        factor=factor,
        factor_z=z,
        slope=slope - slope.mean(),
        residual=lasting[:, :, None] + yearly,
    )


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], r: float) -> np.ndarray:
    """Draw standard normal values for the three subjects, correlated ``r``."""
    common = rng.normal(size=(*shape, 1))
    own = rng.normal(size=(*shape, len(SUBJECTS)))
    return np.asarray(np.sqrt(r) * common + np.sqrt(1 - r) * own)


def _attend(
    rng: np.random.Generator, people: Population, schools: Schools, child: np.ndarray, junior: bool
) -> np.ndarray:
    """Choose a school of a level: the township's own or nearest, better-off families sometimes one in town."""
    v, f = people.villages, people.families
    fam = people.persons.family[child]
    lives = f.lives[fam]
    county, township = v.county[lives], v.township[lives]
    out = np.zeros(len(child), np.int64)
    pull = rng.random(len(child)) < 0.08 + 0.10 * (f.ses[fam] > 0.8)
    for c in range(len(COUNTIES)):
        here = np.flatnonzero((schools.county == c) & (schools.junior == junior))
        at = np.flatnonzero(county == c)
        distance = np.abs(schools.township[here][None, :] - township[at][:, None])
        nearest = here[distance.argmin(axis=1)]
        if junior:  # two schools a county: the western and the eastern townships
            nearest = here[(township[at] % TOWNSHIPS_PER_COUNTY >= 2).astype(int)]
        out[at] = np.where(pull[at], here[0], nearest)
    return out


def make_rolls(seed: int, people: Population, schools: Schools) -> tuple[Schools, Rolls]:
    """Enrol the children of both school years and give them their marks.

    Returns
    -------
    schools : Schools
        With the class size that a school's pupils and classes come to, in place of the one that it aimed at.
    rolls : Rolls
    """
    rng = np.random.default_rng([seed, 3])
    p, f = people.persons, people.families
    child = np.flatnonzero(p.role == CHILD)
    month = p.birth[child].astype("M8[M]").astype(int)  # months since 1970
    entry = 1970 + (month + 4) // 12 + 6 + (rng.random(len(child)) < 0.03)
    primary = _attend(rng, people, schools, child, junior=False)
    junior = _attend(rng, people, schools, child, junior=True)
    section, board = rng.random(len(child)), rng.random(len(child))
    ability = _correlated(rng, (len(child),), 0.6)
    out_of_school = rng.random(len(child)) < 0.006
    parts = []
    for year in YEARS:
        grade = year - entry + 1
        on = (grade >= 1) & (grade <= 9) & ~out_of_school
        k, g = np.flatnonzero(on), grade[on]
        school = np.where(g >= 7, junior[k], primary[k])
        moved = (rng.random(len(k)) < 0.012) & (year == YEARS[1])
        school[moved] = _another(schools, school[moved])
        classes = np.where(schools.junior[school] | schools.town[school], 2, 1)
        sleeps = np.where(schools.junior[school], 0.55, 0.10) * ~schools.town[school] + 0.03
        parts.append(
            {
                "person": child[k],
                "year": np.full(len(k), year),
                "school": school,
                "grade": g,
                "classroom": 1 + (section[k] * classes).astype(int),
                "boarding": board[k] < sleeps,
                "state": _state(people, year)[p.family[child[k]]],
                "migrant": f.migrant[p.family[child[k]]],
                "intake": ability[k],
            }
        )
    rows = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    ses = f.ses[p.family[rows["person"]]]
    schools = _with_class_sizes(schools, np.bincount(rows["school"], minlength=len(schools.code)) / len(YEARS))
    return schools, Rolls(**rows, mark=_marks(rng, schools, rows, ses, p.male[rows["person"]]))


def classes_of(pupils: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Give how many classes pupils make at about this size, at least one."""
    return np.asarray(np.maximum(1, np.round(pupils / size)).astype(int))


def _with_class_sizes(schools: Schools, pupils: np.ndarray) -> Schools:
    """Put pupils over classes in place of the class size aimed at: the census writes all three, and they must agree."""
    at = list(FACTORS).index("class_size")
    factor = schools.factor.copy()
    factor[:, at] = (pupils / classes_of(pupils, factor[:, at])).round(1)
    return replace(schools, factor=factor, factor_z=(factor - factor.mean(axis=0)) / factor.std(axis=0))


def _another(schools: Schools, school: np.ndarray) -> np.ndarray:
    """Give the next school of the same level, for pupils who changed school."""
    out = school.copy()
    for junior in (False, True):
        listed = np.flatnonzero(schools.junior == junior)
        at = schools.junior[school] == junior
        out[at] = listed[(np.searchsorted(listed, school[at]) + 1) % len(listed)]
    return out


def _state(people: Population, year: int) -> np.ndarray:
    """Tell for each family who had been away for three months on 15 March: 0 nobody, 1 father, 2 mother, 3 both."""
    day = np.datetime64(f"{year + 1}-03-15")
    return np.asarray(people.away("father", day, 3) + 2 * people.away("mother", day, 3))


def planted(schools: Schools, rows: dict[str, np.ndarray], ses: np.ndarray, male: np.ndarray) -> np.ndarray:
    """Give the expected mark of each row and subject, without county, school residual and noise."""
    e = EFFECTS
    state, school = rows["state"], rows["school"]
    size = np.bincount(school, minlength=len(schools.code))
    mean_ses = np.bincount(school, ses, len(schools.code)) / np.maximum(size, 1)
    factors = schools.factor_z @ np.array(list(FACTORS.values()))
    one = (state == 1) | (state == 2)
    common = (
        e["ses"] * ses
        + e["composition"] * mean_ses[school]
        + factors[school]
        + np.array(list(GROUPS.values()))[state]
        + e["migrant"] * rows["migrant"]
        + schools.slope[school] * (state > 0)
        + e["boarding_one_parent"] * (rows["boarding"] & one)
    )
    girls = np.array(list(GIRLS.values()))[None, :] * ~male[:, None]
    return np.asarray(e["intake"] * rows["intake"] + common[:, None] + girls)


def _marks(
    rng: np.random.Generator, schools: Schools, rows: dict[str, np.ndarray], ses: np.ndarray, male: np.ndarray
) -> np.ndarray:
    county = rng.normal(0, EFFECTS["county_sd"], len(COUNTIES))
    which = np.searchsorted(YEARS, rows["year"])
    residual = schools.residual[rows["school"], :, which]
    noise = _correlated(rng, (len(ses),), 0.3) * EFFECTS["noise_sd"]
    where = county[schools.county[rows["school"]]][:, None]
    return np.asarray(planted(schools, rows, ses, male) + residual + where + noise)
