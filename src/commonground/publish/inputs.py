"""What a release is made of, read from the results and the current version; nothing here holds a row of a person."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import Said, StorageError, StudyError

if TYPE_CHECKING:
    from commonground.variables import Comparison, Definition


@dataclass(frozen=True)
class Inputs:
    """Everything that pages are made of, before the gate.

    Attributes
    ----------
    city : City
        Settings and policy are used.
    version : int
        Number of the database's version.
    manifest : dict
        What went into it.
    findings : dict
        Table name → {"rows", "facts"}.
    provenance : dict
        Of the study: rate of false discoveries, roles of the definitions.
    notes : tuple of dict
        What the study left out, in both languages.
    intake, links, variables : dict
        The quality reports; empty where there are none.
    definitions : tuple
        Definition objects of the pack and the city.
    comparison : object or None
        Transition between two versions of the definition of children whose parents are away.
    checks : tuple of dict
        Quality checks of the version, judged by the limits of today.
    returns : tuple of dict
        Items that went back to the departments and how many are settled, by delivery.
    linkage, recorrupted : dict
        The linkage report, and the re-corruption test where it was run.
    kinds : dict
        Kind of dataset → {"zh", "en"}.
    schools : dict
        School code → its name; for officials, and for schools that agreed.
    hash : str
        SHA-256 over all inputs.
    """

    city: City
    version: int
    manifest: Mapping[str, Any]
    findings: Mapping[str, Any]
    notes: tuple[Mapping[str, str], ...]
    intake: Mapping[str, Any]
    links: Mapping[str, Any]
    variables: Mapping[str, Any]
    definitions: tuple[Definition, ...] = ()
    comparison: Comparison | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    returns: tuple[Mapping[str, Any], ...] = ()
    linkage: Mapping[str, Any] = field(default_factory=dict)
    recorrupted: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schools: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise StorageError(
            Said("文件已损坏，读不出来。", "A file is damaged and cannot be read."),
            where=str(path),
            why=Said(str(fault), str(fault)),
            todo=Said(
                "重新运行 commonground study；若是质量报告损坏，重新建库。",
                "Run commonground study again; if a quality report is damaged, build again.",
            ),
        ) from None
    return loaded


def _kinds(pack: str) -> dict[str, dict[str, str]]:
    path = files("commonground.packs").joinpath(f"{pack}/kinds.toml")
    if not path.is_file():
        return {}
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: {"zh": kind["zh"], "en": kind["en"]} for name, kind in raw.items() if "zh" in kind}


def _definitions(city: City) -> tuple[Definition, ...]:
    """Load the pack's and the city's definitions, in the order of their ids."""
    from commonground.variables import load_pack

    return tuple(load_pack(city).values())


def _comparison(city: City, definitions: tuple[Definition, ...], old: str, new: str) -> Comparison | None:
    """Compare two versions on the current version's persons; None where no definition has both, or no value is kept."""
    from commonground.variables import compare

    if not city.require_current().table("values").is_file():
        return None
    for definition in definitions:
        if {old, new} <= {v.id for v in definition.versions}:
            return compare(city, definition.id, old, new)
    return None


def _checks(city: City) -> tuple[Mapping[str, Any], ...]:
    """Judge the quality checks; none where the version was built before there were any."""
    from commonground.intake.checks import judge

    if not city.require_current().table("quality/checks").is_file():
        return ()
    return tuple(judged.to_dict() for judged in judge(city))


def _returns(path: Path, few: int) -> tuple[Mapping[str, Any], ...]:
    """Give the items of every delivery; where few are waiting, the settled ones would tell how many: both are few."""
    rows = _json(path).get("counts", ())
    left = [row["items"] - row["settled"] for row in rows]
    return tuple({**row, "settled": n if 0 < n < few else row["settled"]} for row, n in zip(rows, left, strict=True))


def _schools(version: Path) -> dict[str, str]:
    path = version / "schools.parquet"
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["school_code", "name"]).to_pylist()
    return {str(row["school_code"]): str(row["name"]) for row in table if row["school_code"]}


def _digest(version: Path, path: Path, settings: Path, pack: str) -> str:
    """Hash everything that a release depends on: results, database, settings, and the code that makes pages."""
    quality = version / "quality"
    digest = hashlib.sha256()
    code = Path(__file__).parents[1]
    parts = [
        path,
        version / "manifest.json",
        *(
            quality / f"{n}.json"
            for n in ("intake", "links", "linkage", "recorruption", "variables", "checks", "returns")
        ),
        code / "packs" / pack / "checks.toml",
        settings,
    ]
    for folder in ("publish", "present", "disclosure", "web/templates/site", "web/static"):
        parts += sorted(p for p in (code / folder).rglob("*") if p.is_file() and p.suffix not in {".pyc"})
    for part in parts:
        if part.is_file():
            digest.update(part.name.encode() + b"\0" + part.read_bytes() + b"\0")
    return digest.hexdigest()


def _same_version(tables: Mapping[str, Any], version: int, path: Path, city: City) -> None:
    """Refuse findings of another version of the database."""
    made_on = {t["facts"].get("warehouse_version") for t in tables.values() if t.get("facts")}
    if made_on - {None, version}:
        raise StudyError(
            Said("研究结果来自另一个数据库版本。", "The findings come from another version of the database."),
            where=str(path),
            why=Said(
                f"结果：{sorted(made_on, key=str)}；当前：{version}",
                f"Findings: {sorted(made_on, key=str)}; current: {version}",
            ),
            todo=Said(f"请重新运行 commonground study {city.path}", f"Run commonground study {city.path} again."),
        )


def _same_definitions(definitions: tuple[Definition, ...], version: Path, city: City) -> None:
    """Refuse a database whose values were made by other wordings of the definitions than those shown beside them."""
    counted = _json(version / "quality" / "variables.json")["definitions"].values()
    made = {name: entry["hash"] for one in counted for name, entry in one["versions"].items()}
    now = {v.id: v.hash for d in definitions for v in d.versions}
    changed = sorted(name for name, code in made.items() if name in now and now[name] != code)
    if changed:
        raise StudyError(
            Said("建库以后定义改动过。", "Definitions have changed since the database was built."),
            where="、".join(changed),
            why=Said("页面上的定义与数字会对不上。", "The definitions on the pages would not be those of the numbers."),
            todo=Said(
                f"依次重新运行 commonground build {city.path} 和 commonground study {city.path}",
                f"Run commonground build {city.path}, then commonground study {city.path} again.",
            ),
        )


def load_inputs(
    city: City, study: str = "achievement", *, old: str = "LBC_ACWF_2013", new: str = "LBC_SC_2016_13"
) -> Inputs:
    """Read what a release is made of.

    Parameters
    ----------
    city : City
        Built and studied.
    study : str
        Which findings.
    old, new : str
        The two versions whose children are compared on the page of definitions.

    Raises
    ------
    CityError
        The city was not built.
    StudyError
        The study was not run, was run on another version of the database, or definitions have changed since.
    """
    version = city.require_current()
    path = city.results / f"{study}.json"
    if not path.is_file():
        raise StudyError(
            Said(f"还没有研究结果“{study}”。", f"There are no findings of “{study}” yet."),
            where=str(path),
            todo=Said(f"先运行 commonground study {city.path}", f"Run commonground study {city.path} first."),
        )
    findings = _json(path)
    quality = version.path / "quality"
    tables = findings["tables"]
    _same_version(tables, version.number, path, city)
    definitions = _definitions(city)
    _same_definitions(definitions, version.path, city)
    return Inputs(
        city=city,
        version=version.number,
        manifest=version.manifest,
        findings=tables,
        notes=tuple(findings.get("notes", ())),
        intake=_json(quality / "intake.json"),
        links=_json(quality / "links.json"),
        linkage=_json(quality / "linkage.json"),
        recorrupted=_json(quality / "recorruption.json"),
        variables=_json(quality / "variables.json"),
        definitions=definitions,
        comparison=_comparison(city, definitions, old, new),
        checks=_checks(city),
        returns=_returns(quality / "returns.json", city.policy.cell_threshold),
        kinds=_kinds(city.settings.pack),
        schools=_schools(version.path),
        provenance=findings.get("provenance") or {},
        hash=_digest(version.path, path, city.path / "city.toml", city.settings.pack),
    )
