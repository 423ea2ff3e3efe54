"""The room's main path: read, examine, make, write beside, swap.

Nothing in a release depends on a clock: the same findings, version, settings and code give the same bytes, and the
same release is not written twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.files import storage_errors
from commonground.publish.examine import Safe, examine
from commonground.publish.inputs import load_inputs
from commonground.publish.model import Release
from commonground.publish.site import TOKEN, definitions_hash, make

Progress = Callable[[str, int, int], None]
_RULE = (
    "SHA-256 over the lines '<sha256>  <path>' of all files but release.json, sorted by path, hashed as they are with "
    f"the first twelve digits of the fingerprint replaced by {TOKEN}"
)


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Hash all files of a release, pages with ``TOKEN`` in place of the fingerprint."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}" for path, content in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _spaced(digest: str) -> str:
    return " ".join(digest[k : k + 4] for k in range(0, 12, 4))


def _standing(city: City, inputs: str) -> tuple[str, bool]:
    """Give the id for these inputs: that of an equal release, or the next number."""
    date = city.settings.reference_date.isoformat()
    taken = [0]
    for path in sorted(city.releases.glob(f"{date}-*/release.json")):
        number = path.parent.name[len(date) + 1 :]
        if not number.isdigit():
            continue
        taken.append(int(number))
        if json.loads(path.read_text(encoding="utf-8")).get("inputs") == inputs:
            return path.parent.name, True
    return f"{date}-{max(taken) + 1}", False


def _complete(city: City, release: str) -> Release | None:
    """Give the standing release when every file of it is as release.json says; None when one is not."""
    folder = city.releases / release
    record = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    for name, digest in record["files"].items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return None
    files = tuple(sorted((*record["files"], "release.json")))
    return Release(release, folder, record["fingerprint"], files, changed=False)


def _record(safe: Safe, release: str, digest: str, files: Mapping[str, bytes]) -> bytes:
    """Write release.json: what is in the release, from what, and what the gate decided."""
    policy = asdict(safe.inputs.city.policy)
    content: dict[str, Any] = {
        "id": release,
        "fingerprint": digest,
        "fingerprint_rule": _RULE,
        "inputs": safe.inputs.hash,
        "warehouse_version": safe.inputs.version,
        "warehouse_inputs": safe.inputs.manifest.get("inputs"),
        "definitions": definitions_hash(safe),
        "policy": policy,
        "decisions": [d.to_dict() for d in safe.decisions],
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=list) + "\n").encode("utf-8")


def _swap(releases: Path, release: str) -> None:
    """Point ``current`` to a release by one rename."""
    beside = releases / "current.new"
    beside.unlink(missing_ok=True)
    beside.symlink_to(release, target_is_directory=True)
    os.replace(beside, releases / "current")


def _write(city: City, release: str, files: Mapping[str, bytes]) -> Path:
    target = city.releases / release
    building = city.releases / f"{release}.building"
    with storage_errors(city.releases):
        city.releases.mkdir(parents=True, exist_ok=True)
        for left_over in city.releases.glob("*.building"):
            shutil.rmtree(left_over)
        try:
            for name, content in files.items():
                path = building / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if target.exists():
                shutil.rmtree(target)
            os.replace(building, target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return target


def _right_to_release(city: City, actor: str) -> None:
    from commonground.governance import transfer

    transfer.require(city, "release", actor)


def _leaves(city: City, release: Release, actor: str) -> None:
    """Write into the ledger that the public part leaves; the official part stays for signed-in staff."""
    from commonground.governance import transfer

    files = [release.path / name for name in release.files if name.startswith("public/")]
    authority = f"release.json {release.id}"
    transfer.record(city, kind="release", recipient="public", authority=authority, files=files, actor=actor)


def run(
    city: City,
    *,
    actor: str = "local",
    lang: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Release:
    """Release the findings of the current version.

    Parameters
    ----------
    city : City
        Built and studied.
    actor : str
        Who releases, for the ledger.
    lang : str, optional
        Kept for callers; both languages are always made.
    dry_run : bool
        Make everything and write nothing.
    progress : callable, optional
        Called as ``(stage, done, total)``.

    Raises
    ------
    CityError, StudyError
        The city was not built or studied.
    DisclosureError
        An output may not leave; the standing release is untouched.
    AccessError
        ``actor`` may not release.
    """
    inputs = load_inputs(city)
    if not dry_run:
        _right_to_release(city, actor)
    release, stands = _standing(city, inputs.hash)
    standing = _complete(city, release) if stands else None
    if standing is not None:
        if not dry_run:
            _swap(city.releases, release)
        return standing
    safe = examine(inputs)
    drafts = make(safe, release, progress)
    digest = fingerprint(drafts)
    shown = _spaced(digest).encode()
    files = {name: content.replace(TOKEN.encode(), shown) for name, content in drafts.items()}
    files["release.json"] = _record(safe, release, digest, files)
    made = Release(release, city.releases / release, digest, tuple(sorted(files)), changed=not stands)
    if dry_run:
        return made
    _write(city, release, files)
    if not stands:
        _leaves(city, made, actor)
    with storage_errors(city.releases):
        _swap(city.releases, release)
    return made
