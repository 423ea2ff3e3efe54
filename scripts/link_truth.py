"""Cities of which it is known who stands in each row: the demo city, the sample city, the unseen cities."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent))

from answer_keys import ROOT, shared

from commonground.city import City
from commonground.intake import load_pack

Objects = npt.NDArray[np.object_]
PLACE = ("department", "dataset", "delivery", "file", "sheet", "row_number")
DAY = "2025-09-15"
REFERENCE = dt.date(2025, 9, 1)
MANY = ("service_records", "adult_checkups")
"""Kinds of which the unseen cities hand over visits."""
USED = (
    "school_code", "school_name", "school_short", "class", "grade", "village_code", "village", "township", "county",
    "area", "birth_area",
)  # fmt: skip
"""Concepts beside those about a person that linkage reads."""


@dataclass(frozen=True)
class Known:
    """A city and its truth: the person of each row about one, the groups of that person, children's relatives."""

    city: City
    place: list[tuple[Any, ...]]
    person: Objects
    groups: Mapping[str, Objects]
    relations: Mapping[str, set[tuple[str, str]]]


def age_band(birth: Iterable[dt.date | str | None]) -> Objects:
    """Give bands of completed years on the reference day."""
    out = []
    for born in birth:
        day = dt.date.fromisoformat(str(born)[:10]) if born else None
        years = (REFERENCE - day).days / 365.25 if day else None
        out.append(None if years is None else next(b for limit, b in _BANDS if years < limit))
    return np.array(out, dtype=object)


_BANDS = ((6, "under 6"), (16, "6-15"), (60, "16-59"), (999, "60 and over"))


def _words(values: Iterable[Any], words: Mapping[Any, str]) -> Objects:
    return np.array([words.get(v) for v in values], dtype=object)


def _known(
    city: City,
    records: list[dict[str, Any]],
    groups: Mapping[str, Mapping[str, Any]],
    relations: Mapping[str, set[tuple[str, str]]] | None = None,
) -> Known:
    about = [r for r in records if r["person_id"] is not None]
    by = {
        division: np.array([of.get(r["person_id"]) for r in about], dtype=object) for division, of in groups.items()
    } | {"dataset": np.array([r["dataset"] for r in about], dtype=object)}
    return Known(
        city, [tuple(r[c] or "" if c == "sheet" else r[c] for c in PLACE) for r in about],
        np.array([r["person_id"] for r in about], dtype=object), by, relations or {},
    )  # fmt: skip


def of_truth(city: City, truth: Path) -> Known:
    """Read the truth of the demo city or the sample city."""
    import pyarrow.parquet as pq

    persons = pq.read_table(truth / "persons.parquet").to_pylist()
    records = pq.read_table(truth / "records.parquet", columns=[*PLACE, "person_id"]).to_pylist()
    latest: dict[tuple[str, str], Any] = {}
    for row in sorted(pq.read_table(truth / "groups.parquet").to_pylist(), key=lambda r: str(r["reference_date"])):
        latest[row["person_id"], row["definition"]] = row["value"]
    here = {r["person_id"]: str(r.get("county_2025") or r.get("county") or "") for r in persons}
    minority = {
        r["person_id"]: r["minority"] if "minority" in r else r["ethnicity"] not in ("汉族", "01") for r in persons
    }  # fmt: skip
    dotted = {r["person_id"]: r["transliterated"] if "transliterated" in r else "·" in r["name"] for r in persons}
    bands = age_band(r["birth"] for r in persons)
    groups = {
        "county": {
            r["person_id"]: {True: "urban district", False: "rural county"}.get(r["county_urban"]) for r in persons
        },
        "name": {p: "transliterated" if dotted[p] else "minority" if minority[p] else "Han" for p in here},
        "migrant": {
            r["person_id"]: "migrant" if str(r["hukou_place"])[:6] != here[r["person_id"]][:6] else "settled"
            for r in persons
        },
        "child": {
            r["person_id"]: _child(latest.get((r["person_id"], "LBC_ACWF_2013"))) if r["role"] == "child" else None
            for r in persons
        },
        "sex": {r["person_id"]: {"1": "male", "2": "female"}[str(r["sex"])] for r in persons},
        "age": {r["person_id"]: b for r, b in zip(persons, bands, strict=True)},
    }
    return _known(city, records, groups, _families(pq.read_table(truth / "parents.parquet").to_pylist()))


def _families(parents: list[dict[str, Any]]) -> dict[str, set[tuple[str, str]]]:
    """Give fathers, mothers and siblings of the children whose parents the truth knows."""
    out: dict[str, set[tuple[str, str]]] = {"father": set(), "mother": set(), "sibling": set()}
    children = defaultdict(set)
    for row in parents:
        for parent in ("father", "mother"):
            if row[f"{parent}_id"]:
                out[parent].add((row["person_id"], row[f"{parent}_id"]))
                children[row[f"{parent}_id"]].add(row["person_id"])
    out["sibling"] = {(a, b) for some in children.values() for a in some for b in some if a != b}
    return out


def _child(value: str | None) -> str:
    return "parents away" if value == "true" else "other child"


def demo(folder: Path, seed: int) -> Known:
    """Make a demo city."""
    from commonground.demo.make import make_demo

    made = make_demo(folder, seed=seed)
    return of_truth(City(made), made / "truth")


def sample(folder: Path) -> Known:
    """Copy the contracts of the sample city, whose deliveries are read where they lie."""
    kept = shutil.ignore_patterns("vault", "warehouse", "releases", "results")
    shutil.copytree(ROOT / "examples" / "sample-city", folder, ignore=kept)
    return of_truth(City(folder, shared() / "deliveries"), shared() / "truth")


def unseen(folder: Path, city: str, seed: int) -> Known:
    """Make an unseen city whose people stand in several files, with contracts written from its answer key."""
    sys.path.insert(0, str(ROOT / "tests"))
    from unseen_cities.make_unseen import make_unseen

    make_unseen(folder / "made", seed, (city,), overlapping=True)
    keys = {n: _rows(folder / "made" / f"{n}.csv") for n in ("columns", "files", "persons")}
    made = folder / "city"
    made.mkdir()
    named = dict(sorted({(r["county"], r["county_name"]) for r in keys["persons"]}))
    counties = list(named)
    (made / "city.toml").write_text(_settings(named), encoding="utf-8")
    kinds = load_pack().kinds
    taken = [f for f in keys["files"] if f["kind"] in kinds]
    for dataset in sorted({(f["department"], f["dataset"]) for f in taken}):
        _dataset(folder / "made" / city, made, [f for f in taken if (f["department"], f["dataset"]) == dataset], keys)
    settled = {True: "migrant", False: "settled"}
    records, of = [], defaultdict(dict[str, Any])
    sets = {(f["department"], f["dataset"]) for f in taken if kinds[f["kind"]].subject}
    for r in keys["persons"]:
        if (r["department"], r["dataset"]) not in sets:
            continue
        records.append({**r, "delivery": DAY, "row_number": int(r["row_number"]), "person_id": r["person"]})
        p = r["person"]
        of["county"].setdefault(p, "urban district" if counties.index(r["county"]) < 2 else "rural county")
        of["name"].setdefault(p, "minority" if r["minority"] == "True" else "Han")
        of["sex"].setdefault(p, {"1": "male", "2": "female"}[r["sex"]])
        of["age"].setdefault(p, age_band([r["birth"]])[0])
        if r["child"] == "True":
            of["migrant"][p] = settled[r["migrant"] == "True"]
            of["child"][p] = "parents away" if r["away"] == "True" else "other child"
        else:
            of["migrant"].setdefault(p, settled[r["migrant"] == "True"])
    return _known(City(made), records, of)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _settings(counties: Mapping[str, str]) -> str:
    lines = ["[city]", 'name = { zh = "未见之城", en = "Unseen" }', f'area_code = "{min(counties)[:4]}00"',
             "reference_date = 2025-09-15"]  # fmt: skip
    for i, (code, name) in enumerate(counties.items()):
        urban = "true" if i < 2 else "false"
        lines += ["", "[[area]]", f'code = "{code}"', f'zh = "{name}"', f'en = "{code}"', f"urban = {urban}"]
    return "\n".join(lines) + "\n"


def _dataset(source: Path, city: Path, files: list[dict[str, str]], keys: Mapping[str, list[dict[str, str]]]) -> None:
    """Deliver the files of one dataset and write its contract, from the answer key alone."""
    department, dataset, kind = (files[0][k] for k in ("department", "dataset", "kind"))
    folder = city / "deliveries" / department / dataset / DAY
    folder.mkdir(parents=True)
    head = {"kind": kind, "rows_per_person": "many" if kind in MANY else "one"}
    tables: list[tuple[str, Mapping[str, Any]]] = []
    for f in files:
        shutil.copyfile(source / department / f["file"], folder / f["file"])
        layout: dict[str, Any] = {"files": f["file"], "format": _FORMATS.get(f["format"], f["format"])}
        layout |= {k: f[k] for k in ("encoding", "separator") if f[k] and f["format"] in ("csv", "dbf", "jsonl")}
        layout |= {"sheets": f["sheet"]} if f["sheet"] else {}
        layout |= {"header_row": json.loads(f["header_row"])} if f["header_row"] else {}
        tables.append(("layout", layout))
    columns: dict[str, dict[str, Any]] = {}
    for c in keys["columns"]:
        if (c["department"], c["dataset"]) == (department, dataset):
            columns.setdefault(c["column"], _column(c, [x["concept"] for x in columns.values() if "concept" in x]))
    tables += [("column", {"source": name, **rule}) for name, rule in columns.items()]
    others = {o["sheet"] for o in keys["files"] if o["file"] in {f["file"] for f in files}} - {
        f["sheet"] for f in files
    }
    reason = {"zh": "另一个数据集", "en": "another dataset"}
    text = _toml(
        "dataset", head | ({"ignore": [{"sheets": s, "reason": reason} for s in sorted(others)]} if others else {})
    )
    path = city / "sources" / department / f"{dataset}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "".join(_toml(name, table, many=True) for name, table in tables), encoding="utf-8")


_FORMATS = {"mysql": "mysqldump", "postgres": "pgdump"}


def _column(key: Mapping[str, str], taken: list[str]) -> dict[str, Any]:
    """Give the rule of a column: what linkage reads by the key's concept, the rest left out."""
    concept = load_pack().concepts.get(key["concept"])
    if concept is None or key["concept"] in taken or not (concept.role or concept.name in USED):
        return {"ignore": {"zh": "用不到", "en": "not needed"}, "optional": True}
    rule: dict[str, Any] = {"concept": key["concept"], "optional": True}
    if key["codes"] and concept.codes is not None:
        rule["codes"] = json.loads(key["codes"])
    if key["missing"]:
        rule["missing"] = {text: "absent" for text in json.loads(key["missing"])}
    return rule


def _toml(name: str, table: Mapping[str, Any], *, many: bool = False) -> str:
    lines = [f"{k} = {_value(v)}" for k, v in table.items()]
    return "\n".join([f"[[{name}]]" if many else f"[{name}]", *lines]) + "\n\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
