"""A city's folder: its settings, where its things are, its versions.

A version of the database is written beside the old one and becomes current by one atomic rename, so that a build
that is killed at any moment leaves the old version or the new one, complete.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.errors import CityError, Said, StorageError
from commonground.files import storage_errors, write_atomically
from commonground.toml import check_keys, check_types, read_toml

Progress = Callable[[str, int, int], None]
"""How a room tells how far it is: ``(stage, done, total)``; the command line puts the stage into words."""


@dataclass(frozen=True)
class Policy:
    """What may be shown: printed with every release.

    Attributes
    ----------
    cell_threshold : int
        Counts below this are suppressed, unit: persons.
    rounding : int
        Counts are rounded to a multiple of this.
    interval : float
        Coverage of every interval shown.
    school_minimum : int
        Children behind a statement about a named school.
    consent : tuple of str
        Codes of the schools that agreed to be named in public.
    """

    cell_threshold: int = 10
    rounding: int = 5
    interval: float = 0.95
    school_minimum: int = 30
    consent: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineSettings:
    """Which engine runs the tables and what it may use.

    Attributes
    ----------
    name : str
        ``duckdb``, or ``spark`` beyond one machine.
    memory : str
        Memory of DuckDB, or of Spark's driver.
    threads : int
        Processors of this machine that it may use.
    master : str
        Address of a Spark cluster, such as ``spark://10.0.0.5:7077`` or ``yarn``; empty: Spark inside this process.
    """

    name: str = "duckdb"
    memory: str = "4GB"
    threads: int = 2
    master: str = ""


@dataclass(frozen=True)
class IntakeSettings:
    """What reading the deliveries may use.

    Attributes
    ----------
    workers : int
        Processes that read at the same time; 0: as many as there are cores.
    memory : str
        What they may use together, such as "2GB".
    archive : str
        What an archive may hold unpacked, such as "50GB"; more is refused as a bomb.
    archive_ratio : int
        How many times its packed size an archive of more than 100 MB unpacked may hold.
    """

    workers: int = 0
    memory: str = "2GB"
    archive: str = "50GB"
    archive_ratio: int = 300

    @property
    def bytes(self) -> float:
        """``memory`` as a number of bytes."""
        return _bytes(self.memory)

    @property
    def archive_bytes(self) -> float:
        """``archive`` as a number of bytes."""
        return _bytes(self.archive)


@dataclass(frozen=True)
class PeopleSettings:
    """What linking the records of persons may use.

    Attributes
    ----------
    pair_budget : int
        Most pairs of records that may be compared when the model of linking is learnt; what very many records share is
        skipped until they keep to it. 0: three hundred for each record.
    """

    pair_budget: int = 0


def _bytes(amount: str) -> float:
    number = amount.rstrip("KMGTiB ")
    power = " KMGT".index(amount[len(number) :].strip()[0])
    return float(number) * float(1024**power)


@dataclass(frozen=True)
class Area:
    """A county or district of the city, or a place outside that records name.

    ``urban`` is None for places outside the city. An area merged away keeps its code here, so that old records that
    carry it are read as the area that took it over.
    """

    code: str
    zh: str
    en: str
    urban: bool | None = None
    merged_into: str | None = None
    merged_on: dt.date | None = None


@dataclass(frozen=True)
class Settings:
    """What city.toml says."""

    name: Said
    area_code: str
    reference_date: dt.date
    deliveries: Path
    keys: Path
    pack: str = "china"
    state: str = ""
    policy: Policy = field(default_factory=Policy)
    engine: EngineSettings = field(default_factory=EngineSettings)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    people: PeopleSettings = field(default_factory=PeopleSettings)
    areas: tuple[Area, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)

    def area(self, code: str) -> Area | None:
        """Find the area that ``code`` stands for today: mergers carried forward."""
        by_code = {a.code: a for a in self.areas}
        found = by_code.get(code)
        while found is not None and found.merged_into in by_code:
            found = by_code[found.merged_into or ""]
        return found

    def today(self, code: str) -> str | None:
        """Give the code of the city's own area that ``code`` stands for today; None for any other place."""
        found = self.area(code)
        return None if found is None else found.code

    @property
    def counties(self) -> tuple[Area, ...]:
        """The city's own counties and districts as they are today."""
        return tuple(a for a in self.areas if a.urban is not None and a.merged_into is None)


@dataclass(frozen=True)
class Version:
    """One immutable version of the database."""

    number: int
    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """What went into this version, by hash."""
        loaded: dict[str, Any] = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
        return loaded

    def table(self, name: str) -> Path:
        """Path of a table's Parquet file, such as ``persons`` or ``records/education.exam_scores``."""
        return self.path / f"{name}.parquet"

    def tables(self, folder: str = "") -> list[str]:
        """Names of the tables in this version, or in one folder of it."""
        base = self.path / folder
        return sorted(p.relative_to(self.path).as_posix()[: -len(".parquet")] for p in base.rglob("*.parquet"))


class City:
    """A city's folder.

    Parameters
    ----------
    path : Path
        The folder that holds city.toml.
    deliveries : Path, optional
        Where the departments' files are, if not where city.toml says.
    """

    def __init__(self, path: Path, deliveries: Path | None = None) -> None:
        self.path = Path(path).resolve()
        self.settings = load_settings(self.path / "city.toml")
        self.deliveries = (deliveries or self.settings.deliveries).resolve()
        if not self.deliveries.is_dir():
            raise CityError(
                Said("找不到各部门交来文件的文件夹。", "The folder of the departments' deliveries is not there."),
                where=str(self.deliveries),
                todo=Said(
                    "请在 city.toml 的 [city] deliveries 写明位置，或用 --deliveries 指定。",
                    "Set deliveries under [city] in city.toml, or give --deliveries.",
                ),
            )
        self.sources = self.path / "sources"
        self.definitions = self.path / "definitions"
        self.studies = self.path / "studies"
        self.vault = self.path / "vault"
        self.warehouse = self.path / "warehouse"
        self.results = self.path / "results"
        self.releases = self.path / "releases"

    @property
    def policy(self) -> Policy:
        """What may be shown."""
        return self.settings.policy

    @property
    def state_url(self) -> str:
        """Database URL of the ledger and accounts; SQLite in the city's folder unless city.toml names another."""
        return self.settings.state or f"sqlite:///{self.path / 'ledger.db'}"

    @property
    def current(self) -> Version | None:
        """The version that readers see, or None before the first build."""
        pointer = self.warehouse / "current"
        if not pointer.is_file():
            return None
        said = pointer.read_bytes().strip()
        if not said.isdigit():
            raise _damaged(pointer, str(self.path))
        return Version(int(said), self.warehouse / "versions" / said.decode("ascii"))

    def require_current(self) -> Version:
        """Give the current version, or say that the city was not built yet."""
        version = self.current
        if version is None:
            raise CityError(
                Said("这座城市还没有建库。", "This city has not been built yet."),
                where=str(self.path),
                todo=Said(f"先运行 commonground build {self.path}", f"Run commonground build {self.path} first."),
            )
        _check_whole(version, self.path)
        return version

    @contextmanager
    def new_version(self) -> Iterator[Version]:
        """Write a new version beside the old; on success swap ``current`` to it, on failure remove it.

        The caller must have written ``manifest.json`` by the end of the block.
        """
        versions = self.warehouse / "versions"
        with storage_errors(self.warehouse):
            versions.mkdir(parents=True, exist_ok=True)
            for left_over in versions.glob("*.building"):
                shutil.rmtree(left_over)
            number = max((int(p.name) for p in versions.iterdir() if p.name.isdigit()), default=0) + 1
            building = versions / f"{number}.building"
            building.mkdir(mode=0o700)
            try:
                yield Version(number, building)
                if not (building / "manifest.json").is_file():
                    raise RuntimeError("a version without manifest.json must not become current")
                for path in building.rglob("*"):
                    if path.is_file():
                        path.chmod(0o600)
                os.replace(building, versions / str(number))
                write_atomically(self.warehouse / "current", str(number).encode())
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise


def _check_whole(version: Version, city: Path) -> None:
    """Refuse a version that lacks a table: it would be read as nobody at all, noughts that look like findings."""
    try:
        tables = [version.path / name for name in version.manifest.get("tables", ())]
    except (OSError, ValueError):
        raise _damaged(version.path / "manifest.json", str(city)) from None
    for table in tables:
        if not table.is_file():
            raise _damaged(table, str(city))


def _damaged(path: Path, city: str) -> StorageError:
    return StorageError(
        Said("数据库的当前版本不完整。", "The current version of the database is not whole."),
        where=str(path),
        why=Said("这个文件不在了，或者内容已损坏。", "This file is gone or damaged."),
        todo=Said(
            f"从备份恢复，或重新建库：commonground build {city} --force",
            f"Restore it from a backup, or build again: commonground build {city} --force",
        ),
    )


_CITY = dict.fromkeys(("area_code", "deliveries", "keys", "pack", "state"), "text")
_CITY |= {"name": "said", "reference_date": "date"}
_POLICY = {"cell_threshold": "count", "rounding": "count", "interval": "share", "school_minimum": "count"}
_POLICY |= {"consent": "texts"}
_ENGINE = {"name": "text", "memory": "memory", "threads": "count", "master": "text"}
_INTAKE = {"workers": "whole", "memory": "memory", "archive": "memory", "archive_ratio": "count"}
_PEOPLE = {"pair_budget": "whole"}
_AREA = {"code": "text", "zh": "text", "en": "text", "urban": "flag", "merged_into": "text", "merged_on": "date"}


def _check_section(given: Mapping[str, Any], wanted: dict[str, str], where: str, needed: tuple[str, ...] = ()) -> None:
    check_keys(given, set(wanted), where)
    for key in needed:
        if key not in given:
            raise CityError(
                Said(f"缺少“{key}”。", f"“{key}” is missing."), where=where, todo=Said("请补上这一项。", "Add it.")
            )
    check_types(given, wanted, where)


def _check_mergers(areas: list[Area], path: Path) -> None:
    """Refuse an area that merges into none of the list, or into itself by a circle."""
    into = {a.code: a.merged_into for a in areas if a.merged_into is not None}
    known = {a.code for a in areas}
    for code in into:
        seen, at = {code}, into[code]
        while at in into and at not in seen:
            seen.add(at)
            at = into[at]
        if at not in known or at in seen:
            raise CityError(
                Said(f"{code} 并入的区划不在表内，或绕成了圈。", f"{code} merges into an area not listed or a circle."),
                where=f"{path} [[area]] {code} merged_into",
                todo=Said("请写并入后的区划代码。", "Write the code of the area that took it over."),
            )


def load_settings(path: Path) -> Settings:
    """Read city.toml; unknown settings and missing ones are errors, relative paths start at its folder."""
    raw = read_toml(path)
    _check_section(
        raw,
        dict.fromkeys(("city", "policy", "engine", "intake", "people", "quality"), "table") | {"area": "tables"},
        str(path),
    )
    city, policy, engine = raw.get("city", {}), raw.get("policy", {}), raw.get("engine", {})
    _check_section(city, _CITY, f"{path} [city]", ("name", "area_code", "reference_date"))
    _check_section(policy, _POLICY, f"{path} [policy]")
    _check_section(engine, _ENGINE, f"{path} [engine]")
    _check_section(raw.get("intake", {}), _INTAKE, f"{path} [intake]")
    _check_section(raw.get("people", {}), _PEOPLE, f"{path} [people]")
    for area in raw.get("area", []):
        _check_section(area, _AREA, f"{path} [[area]] {area.get('code', '?')}", ("code", "zh", "en"))
    areas = [Area(**area) for area in raw.get("area", [])]
    _check_mergers(areas, path)
    folder = path.parent
    return Settings(
        name=Said(**city["name"]),
        area_code=city["area_code"],
        reference_date=city["reference_date"],
        deliveries=(folder / city.get("deliveries", "deliveries")).resolve(),
        keys=(folder / city.get("keys", f"../{folder.resolve().name}.keys")).resolve(),
        pack=city.get("pack", "china"),
        state=city.get("state", ""),
        policy=Policy(**{**policy, "consent": tuple(policy.get("consent", ()))}),
        engine=EngineSettings(**engine),
        intake=IntakeSettings(**raw.get("intake", {})),
        people=PeopleSettings(**raw.get("people", {})),
        areas=tuple(areas),
        quality=raw.get("quality", {}),
    )
