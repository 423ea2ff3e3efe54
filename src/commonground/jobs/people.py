"""The linkage report of the current version, beside clerical review and the re-corruption test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commonground.city import City, Progress
from commonground.errors import Said, StorageError
from commonground.files import storage_errors, write_atomically
from commonground.jobs.build import quality
from commonground.jobs.office import may

RECORRUPTED = "recorruption"


def people_report(
    city: City, *, recorrupt: bool = False, sample: int | None = None, seed: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """Give the linkage report; small counts stand in it, so that it is for staff who may build.

    Parameters
    ----------
    city : City
        Built.
    recorrupt : bool
        Run the re-corruption test first and keep its result with the version.
    sample : int, optional
        Records of each delivery to be tried.
    seed : int
        Of the sample and the slips; the same seed gives the same result.
    progress : callable, optional
        Called as ``(stage, done, total)``.

    Returns
    -------
    dict
        ``version``, ``report``, ``review`` and ``recorrupted`` (None where there is none), ``findings``, ``strengths``,
        ``limits`` (sentences in both languages).

    Raises
    ------
    CityError
        The city was not built.
    StorageError
        The version was built before there was a linkage report.
    AccessError
        Whoever asks may not build.
    """
    from commonground.people import review as reviews
    from commonground.people.quality import said

    may(city, "build")
    version = city.require_current()
    path = version.path / "quality" / "linkage.json"
    if not path.is_file():
        raise StorageError(
            Said("这一版没有连接质量报告。", "This version has no linkage report."),
            where=str(path),
            why=Said("它是用旧版程序建的。", "It was built by an earlier release."),
            todo=Said(f"运行 commonground build {city.path} --force", f"Run commonground build {city.path} --force."),
        )
    report = quality(version, "linkage")
    if recorrupt:
        _recorrupt(city, version.path, sample, seed, progress)
    kept = version.path / "quality" / f"{RECORRUPTED}.json"
    recorrupted = quality(version, RECORRUPTED) if kept.is_file() else None
    latest = reviews.latest(city, version.number)
    reviewed = latest.to_dict() if latest is not None else None
    return {
        "version": version.number,
        "report": report,
        "review": reviewed,
        "recorrupted": recorrupted,
        "findings": said.findings(report, reviewed, recorrupted),
        "strengths": said.strengths(report, reviewed),
        "limits": said.limits(report, reviewed, recorrupted),
    }


def _recorrupt(city: City, version: Path, sample: int | None, seed: int, progress: Progress | None) -> None:
    """Run the test on the records of the current version and keep its result."""
    from commonground import intake
    from commonground.people.quality.again import recorrupt

    found = recorrupt(city, intake.run(city, progress=progress), sample=sample, seed=seed, progress=progress)
    with storage_errors(version):
        text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        write_atomically(version / "quality" / f"{RECORRUPTED}.json", text.encode("utf-8"))
