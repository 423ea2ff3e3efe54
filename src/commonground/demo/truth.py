"""What is true in the demo city, kept beside it for tests and honest checking; no other room reads it.

Tables, all in ``truth/``: ``records`` (who each row of each file is), ``persons``, ``parents``, ``groups`` (each
child under each definition on the reference day), ``enrolments``, ``scores`` (with what the planted model made of),
``schools`` (with planted effects); ``effects.json`` has the planted coefficients.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from commonground.demo.clerks import Office
from commonground.demo.places import COUNTIES, OUTSIDE, TOWNSHIPS_PER_COUNTY
from commonground.demo.population import CHILD, FATHER, GRANDMOTHER, MOTHER, REFERENCE
from commonground.demo.registers import age_on
from commonground.demo.schooling import EFFECTS, FACTORS, GIRLS, GROUPS, STATES, SUBJECTS, YEARS

ROLES = np.array(["child", "father", "mother", "grandfather", "grandmother"])


def person_ids(index: np.ndarray) -> np.ndarray:
    """Give the truth's identifiers; None for -1."""
    text = np.char.add("D", np.char.zfill(index.astype(str), 6)).astype(object)
    text[index < 0] = None
    return text


def groups(office: Office) -> dict[str, np.ndarray]:
    """Tell for each child on the reference day which definitions it meets, from the dated facts.

    Returns
    -------
    dict
        Definition → array of ``true``, ``false``, ``not_applicable``, in the order of the children.
    """
    people, v = office.people, office.people.villages
    p, f = people.persons, people.families
    child = np.flatnonzero(p.role == CHILD)
    fam, age = p.family[child], age_on(p.birth[child], REFERENCE)
    year = office.rolls.year == YEARS[-1]
    grade = np.zeros(len(p.role), np.int64)
    grade[office.rolls.person[year]] = office.rolls.grade[year]
    grade = grade[child]
    home = np.maximum(f.home, 0)
    inside = f.home >= 0
    same_township = inside & (v.township[home] == v.township[f.lives])
    same_county = inside & (v.county[home] == v.county[f.lives])
    urban = np.array([c.urban for c in COUNTIES])
    within_city = inside & urban[v.county[home]] & urban[v.county[f.lives]]
    settled = f.arrived <= np.datetime64("2024-12-30")
    one = {m: people.away("father", REFERENCE, m) | people.away("mother", REFERENCE, m) for m in (0, 3, 6)}
    both = people.away("father", REFERENCE, 0) & people.away("mother", REFERENCE, 0)
    rules = {
        "LBC_ACWF_2013": (age >= 0, f.rural & same_township & one[6]),
        "LBC_SC_2016_13": (age < 16, f.rural & inside & (both | (one[0] & f.unable))),
        "LBC_MOE": (grade > 0, f.rural & same_county & one[3]),
        "LBC_NBS_2020": (age >= 0, same_township & one[6]),
        "LBC_CEPS": (np.isin(grade, (7, 9)), same_county & one[0]),
        "MIG_MOE_WORKER": (grade > 0, f.rural & ~same_county & v.town[f.lives]),
        "MIG_NBS_2020": (age >= 0, ~same_township & ~within_city & settled),
    }
    return {
        name: np.where(~applies, "not_applicable", np.where(holds[fam], "true", "false"))
        for name, (applies, holds) in rules.items()
    }


def _records(office: Office) -> dict[str, Any]:
    t = office.truth
    size = [len(p) for p in t.person]
    columns = {
        name: np.repeat(getattr(t, name), size) for name in ("department", "dataset", "delivery", "file", "sheet")
    }
    return {
        **columns,
        "row_number": np.concatenate([np.arange(1, n + 1) for n in size]),
        "person_id": person_ids(np.concatenate(t.person)),
    }


def _persons(office: Office) -> dict[str, Any]:
    p, f, v = office.people.persons, office.people.families, office.people.villages
    outside = np.array([o[0] for o in OUTSIDE])[np.maximum(f.home_outside, 0)]
    hukou = np.where(f.home >= 0, v.code[np.maximum(f.home, 0)], outside)[p.family]
    return {
        "person_id": person_ids(np.arange(len(p.role))),
        "family": p.family,
        "role": ROLES[p.role],
        "name": p.name,
        "sex": np.where(p.male, "1", "2"),
        "birth": p.birth,
        "id_no": np.where(p.has_id, p.idno, ""),
        "ethnicity": p.ethnicity,
        "hukou_place": hukou,
        "hukou_rural": f.rural[p.family],
        "residence": v.code[f.lives[p.family]],
        "county": np.array([c.code for c in COUNTIES])[v.county[f.lives[p.family]]],
        "county_urban": np.array([c.urban for c in COUNTIES])[v.county[f.lives[p.family]]],
        "arrived": f.arrived[p.family],
    }


def _parents(office: Office) -> dict[str, Any]:
    people = office.people
    p, f = people.persons, people.families
    child = np.flatnonzero(p.role == CHILD)
    fam = p.family[child]
    spells = {f"{w}_{e}": getattr(f, f"{w}_{e}")[fam] for w in ("father", "mother") for e in ("from", "to")}
    return {
        "person_id": person_ids(child),
        "father_id": person_ids(people.member[FATHER][fam]),
        "mother_id": person_ids(people.member[MOTHER][fam]),
        "grandmother_id": person_ids(people.member[GRANDMOTHER][fam]),
        **spells,
        "parent_at_home_unable": f.unable[fam],
    }


def _scores(office: Office) -> dict[str, Any]:
    r, s, p = office.rolls, office.schools, office.people.persons
    return {
        "person_id": person_ids(r.person),
        "school_year": r.year,
        "school_code": s.code[r.school],
        "county": np.array([c.code for c in COUNTIES])[s.county[r.school]],
        "grade": r.grade,
        "class": r.classroom.astype(str),
        "boarding": r.boarding,
        "state": np.array(STATES)[r.state],
        "migrant": r.migrant,
        "ses": office.people.families.ses[p.family[r.person]],
        "girl": ~p.male[r.person],
        **{f"intake_{name}": r.intake[:, k] for k, name in enumerate(SUBJECTS)},
        **{name: r.mark[:, k] for k, name in enumerate(SUBJECTS)},
    }


def _schools(office: Office) -> dict[str, Any]:
    s = office.schools
    residual = {f"residual_{n}_{y}": s.residual[:, k, t] for k, n in enumerate(SUBJECTS) for t, y in enumerate(YEARS)}
    return {
        "school_code": s.code,
        "name": s.name,
        "short": s.short,
        "county": np.array([c.code for c in COUNTIES])[s.county],
        "township": s.township % TOWNSHIPS_PER_COUNTY,
        "level": np.where(s.junior, "junior", "primary"),
        "town": s.town,
        "strong": s.strong,
        "slope_parents_away": s.slope,
        **{name: s.factor[:, k] for k, name in enumerate(FACTORS)},
        **{f"{name}_z": s.factor_z[:, k] for k, name in enumerate(FACTORS)},
        **residual,
    }


def write_truth(office: Office, folder: Path) -> None:
    """Write all tables of the truth and ``effects.json``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    child = np.flatnonzero(office.people.persons.role == CHILD)
    by_definition = groups(office)
    tables = {
        "records": _records(office),
        "persons": _persons(office),
        "parents": _parents(office),
        "groups": {
            "person_id": np.tile(person_ids(child), len(by_definition)),
            "definition": np.repeat(list(by_definition), len(child)),
            "reference_date": np.full(len(child) * len(by_definition), REFERENCE),
            "value": np.concatenate(list(by_definition.values())),
        },
        "scores": _scores(office),
        "schools": _schools(office),
    }
    for name, columns in tables.items():
        pq.write_table(pa.table({key: pa.array(values) for key, values in columns.items()}), folder / f"{name}.parquet")
    planted = EFFECTS | {"girls": GIRLS, "groups": GROUPS, "factors": FACTORS}
    effects = json.dumps(planted, indent=1, ensure_ascii=False)
    (folder / "effects.json").write_text(effects + "\n", encoding="utf-8")
