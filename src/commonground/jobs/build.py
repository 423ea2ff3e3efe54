"""Build: intake, linking and variables into a new version, all or nothing, and only when something has changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import commonground
from commonground.city import City, Progress, Version
from commonground.errors import Said, StorageError
from commonground.files import storage_errors
from commonground.jobs.definitions import adopt_new, check_adopted
from commonground.jobs.office import may
from commonground.jobs.quality import with_proposal
from commonground.toml import read_toml

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class BuildResult:
    """What a build made.

    Attributes
    ----------
    version : Version
        The version that is current now.
    changed : bool
        False when nothing had changed and the standing version was kept.
    conservation : Arrow table
        The sum for every sheet of every file.
    intake, links, variables : dict
        The quality reports, as saved in the version's ``quality`` folder.
    """

    version: Version
    changed: bool
    conservation: pa.Table
    intake: dict[str, Any]
    links: dict[str, Any]
    variables: dict[str, Any]

    def table(self) -> pa.Table:
        """Give the conservation sums as Arrow."""
        return self.conservation

    def sentence(self, lang: str = "zh") -> str:
        """Say what was read and what stands now."""
        sums = self.intake["by_dataset"][-1]
        rows, records, set_aside = sums["rows"], sums["records"], sums["quarantined"]
        if lang == "zh":
            return (
                f"第 {self.version.number} 版：{sums['files']:,} 个文件 {rows:,} 行，{records:,} 条记录，"
                f"{set_aside:,} 行隔离，{sums['non_data']:,} 行不是数据。"
            )
        return (
            f"Version {self.version.number}: {rows:,} rows of {sums['files']:,} files, {records:,} records,"
            f" {set_aside:,} rows set aside, {sums['non_data']:,} rows that are not data."
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """What the version is made of, by hash."""
        return self.version.manifest

    def to_dict(self) -> dict[str, Any]:
        """Give the result as plain values."""
        return {
            "version": self.version.number,
            "changed": self.changed,
            "conservation": self.conservation.to_pylist(),
            "intake": self.intake,
            "links": self.links,
            "variables": self.variables,
        }


@contextmanager
def _one_at_a_time(city: City) -> Iterator[None]:
    """Hold the city's build lock; a second build at the same time is refused, a dead one's lock is released."""
    import fcntl

    with storage_errors(city.path):
        handle = os.open(city.path / ".building", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                Said("这座城市正在建库。", "This city is being built right now."),
                where=str(city.path),
                todo=Said("请等它结束后再运行。", "Wait until that run has ended."),
            ) from None
        yield
    finally:
        os.close(handle)


def _code_hash() -> str:
    """Hash of the package's own source and data, so that a new release of CommonGround builds anew."""
    digest = hashlib.sha256(commonground.__version__.encode())
    base = Path(commonground.__file__).parent
    for room in ("engine", "intake", "people", "variables", "packs"):
        for path in sorted((base / room).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".toml", ".csv", ".tsv"} and path.parent.name != "studies":
                if path.name == "checks.toml":  # its limits may change without a new build; see _input_hash
                    continue
                digest.update(path.relative_to(base).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _input_hash(city: City, conservation: pa.Table) -> str:
    """Hash of everything a version is made of: files, contracts, definitions, settings, code."""
    from commonground.intake import checks, load_contracts
    from commonground.intake.returns.run import fingerprint

    digest = hashlib.sha256(_code_hash().encode())
    place = ("department", "dataset", "delivery", "file", "sha256")  # a delivery's folder tells the day of its data
    files = sorted({tuple(row[name] for name in place) for row in conservation.select(list(place)).to_pylist()})
    digest.update(json.dumps(files, ensure_ascii=False).encode())
    for folder in (city.sources, city.definitions):
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".toml", ".csv")):
            digest.update(path.relative_to(city.path).as_posix().encode())
            digest.update(path.read_bytes())
    settings = read_toml(city.path / "city.toml")
    settings.pop("quality", None)  # limits of checks are applied when results are read
    digest.update(json.dumps(settings, ensure_ascii=False, sort_keys=True, default=str).encode())
    digest.update(fingerprint(city).encode())  # what departments corrected on return sheets
    digest.update(checks.counting_hash(load_contracts(city), checks.load_rules(city.settings.pack)).encode())
    return digest.hexdigest()


def quality(version: Version, name: str) -> dict[str, Any]:
    """Read one of a version's quality reports."""
    loaded: dict[str, Any] = json.loads((version.path / "quality" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, the same bytes for the same values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8"
    )


def intake(city: City, *, progress: Progress | None = None) -> Any:
    """Read every delivery by its contract; nothing of the standing version changes.

    The quality checks of the run are kept in the warehouse, for ``commonground quality`` before the next build.
    """
    from commonground import intake as room
    from commonground.intake import checks

    with with_proposal(city):
        taken = room.run(city, progress=progress)
    checks.keep_last(checks.count_checks(taken, city), city)
    return taken


def plan_build(city: City) -> dict[str, Any]:
    """Say what a build would do, without writing."""
    from commonground.intake import load_contracts

    contracts = load_contracts(city)
    standing = city.current
    steps = [
        {
            "zh": f"读入 {len(contracts)} 个数据集（{city.deliveries}）",
            "en": f"Read {len(contracts)} datasets ({city.deliveries})",
        },
        {"zh": "把记录连接到人", "en": "Link the records to persons"},
        {"zh": "按定义计算变量", "en": "Compute the variables by their definitions"},
        {
            "zh": f"写成新版本，取代第 {standing.number} 版" if standing else "写成第一版",
            "en": f"Write a new version in place of version {standing.number}"
            if standing
            else "Write the first version",
        },
    ]
    return {"city": str(city.path), "datasets": sorted(contracts), "steps": steps}


def build(city: City, *, force: bool = False, retrain: bool = False, progress: Progress | None = None) -> BuildResult:
    """Build a new version of the database: intake, linking, variables; all or nothing.

    Parameters
    ----------
    city : City
        The city's folder.
    force : bool
        Build even when no file, contract, definition, setting or code has changed.
    retrain : bool
        Learn the model of linking anew, in place of the one in force; builds in any case.
    progress : callable, optional
        Called as ``(stage, done, total)``.

    Raises
    ------
    CommonGroundError
        Anything a user can mend; the standing version is untouched.
    """
    from commonground import intake as intake_room
    from commonground import people, variables
    from commonground.intake import checks
    from commonground.intake.returns.run import refresh
    from commonground.intake.returns.shown import counts, rates
    from commonground.people.standing import pending

    with _one_at_a_time(city):
        may(city, "build")
        check_adopted(city)
        with with_proposal(city):
            taken = intake_room.run(city, progress=progress)
        inputs = _input_hash(city, taken.conservation)
        standing = None if force or retrain or pending(city) else _whole(city)
        if standing and standing.manifest.get("inputs") == inputs:
            checks.forget_last(city)
            return _standing(standing, taken.conservation)
        refresh(city, taken)
        with city.new_version() as version:
            write_json(version.path / "quality" / "intake.json", taken.summary())
            write_json(version.path / "quality" / "returns.json", {"deliveries": rates(city), "counts": counts(city)})
            checks.save_checks(checks.count_checks(taken, city), version)
            people.run(city, taken, version, retrain=retrain, progress=progress)
            variables.run(city, version, progress=progress)
            write_json(version.path / "manifest.json", _manifest(city, version, taken, inputs))
            # recorded before it stands: what cannot be recorded, as on a full disk, does not become current
            _remember_build(city, version, taken, inputs)
        checks.forget_last(city)
        made = Version(version.number, city.warehouse / "versions" / str(version.number))
    return _standing(made, taken.conservation, changed=True)


def _whole(city: City) -> Version | None:
    """Give the current version if there is one; damaged, it is not kept as unchanged.

    Raises
    ------
    StorageError
        A table of it, or its manifest, is gone.
    """
    return None if city.current is None else city.require_current()


def _remember_build(city: City, made: Version, taken: Any, inputs: str) -> None:
    """Write into the ledger what was received and which version it became."""
    from commonground.governance import Ledger, current_actor
    from commonground.governance.guard import personal_text

    deliveries: dict[str, list[dict[str, str]]] = {}
    for row in taken.conservation.to_pylist():
        subject = f"{row['department']}/{row['dataset']}/{row['delivery']}"
        # a file may be called by somebody's number; the ledger, which can never forget, then keeps its hash alone
        name = "*" if personal_text(row["file"]) else row["file"]
        file = {"file": name, "sha256": row["sha256"]}
        if file not in deliveries.setdefault(subject, []):
            deliveries[subject].append(file)
    with Ledger(city) as ledger:
        for subject, files in sorted(deliveries.items()):
            ledger.append_once("delivery_received", current_actor(), subject, {"files": files})
        adopt_new(city, ledger, current_actor())
        ledger.append("build", current_actor(), f"version {made.number}", {"inputs": inputs})


def _standing(version: Version, conservation: pa.Table, *, changed: bool = False) -> BuildResult:
    return BuildResult(
        version=version,
        changed=changed,
        conservation=conservation,
        intake=quality(version, "intake"),
        links=quality(version, "links"),
        variables=quality(version, "variables"),
    )


def _manifest(city: City, version: Version, taken: Any, inputs: str) -> dict[str, Any]:
    """What the version is made of, by hash; no clock, so that the same inputs give the same bytes."""
    tables = {}
    for path in sorted(version.path.rglob("*.parquet")):
        tables[path.relative_to(version.path).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "format": 1,
        "commonground": commonground.__version__,
        "number": version.number,
        "inputs": inputs,
        "reference_date": city.settings.reference_date.isoformat(),
        "files": sorted(
            {
                (r["department"], r["dataset"], r["delivery"], r["file"], r["sha256"])
                for r in taken.conservation.to_pylist()
            }
        ),
        "tables": tables,
    }
