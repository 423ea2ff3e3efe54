"""What follows a build: links and values looked at or exported, studies, releases, and the demo city as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.jobs.build import build, quality
from commonground.jobs.office import may

if TYPE_CHECKING:
    from commonground.publish import Release
    from commonground.study.model import Findings
    from commonground.variables.change import Change
    from commonground.variables.compare import Comparison


def link(
    city: City, *, export: Path | None = None, project: str = "", progress: Progress | None = None
) -> dict[str, Any]:
    """Give the linkage report of the current version; export the links when asked and allowed.

    With ``project`` the export has that project's own pseudonyms and only the kinds of data that it may use.
    """
    from commonground import people
    from commonground.governance import current_actor, transfer

    if city.current is None:
        build(city, progress=progress)
    version, actor = city.require_current(), current_actor()
    if export:
        transfer.hand_over(
            city,
            export,
            lambda beside: people.export_links(city, beside, project=project, by=actor),
            kind="link_export",
            recipient=f"project:{project}" if project else actor,
            authority=f"project:{project}" if project else "link_export",
            actor=actor,
        )
    return quality(version, "links")


def check_export(city: City, export: Path, project: str = "") -> None:
    """Refuse, without writing, a place or a project for which links could not be exported."""
    from commonground.governance.transfer import check_place
    from commonground.people.export import find_project

    check_place(city, export)
    if project:
        find_project(city, project)


def compare(city: City, definition: str, old: str, new: str, date: Any = None) -> Comparison:
    """Compare two versions of a definition on the current version's persons."""
    from commonground import variables

    return variables.compare(city, definition, old, new, date)


def change(city: City, definition: str, old: str, new: str, date: Any = None, days: Sequence[Any] = ()) -> Change:
    """Report what replacing one version of a definition by another does on the current version's persons."""
    from commonground import variables

    return variables.change(city, definition, old, new, day=date, days=days)


def export_values(city: City, definition: str, export: Path) -> int:
    """Export values by row for checking; needs the right to, and is recorded."""
    from commonground import variables
    from commonground.governance import current_actor, transfer

    rows: int = transfer.hand_over(
        city,
        export,
        lambda beside: variables.export_values(city, definition, beside),
        kind="values_export",
        recipient=current_actor(),
        authority="values_export",
        actor=current_actor(),
    )
    return rows


def count_values(city: City, definition: str, date: Any = None) -> list[dict[str, Any]]:
    """Count persons by value under every version of a definition; small cells are suppressed."""
    from commonground import variables

    rows: list[dict[str, Any]] = variables.count(city, definition, date)
    return rows


def study(city: City, spec: str = "achievement", *, progress: Progress | None = None) -> Findings:
    """Run a study on the current version and keep its findings in ``results``."""
    from commonground import study as room
    from commonground.governance import Ledger, current_actor

    may(city, "study")
    findings = room.run(city, spec, progress=progress)
    findings.save(city.results)
    with Ledger(city) as ledger:
        ledger.append("study", current_actor(), spec, {"version": city.require_current().number})
    return findings


def plan_study(city: City, spec: str = "achievement") -> dict[str, Any]:
    """Say what a study would do, without writing.

    Raises
    ------
    CityError, StudyError
        The city was not built, or there is no such study or its specification is wrong.
    """
    from commonground.study.spec import load_specification, specification_path

    version = city.require_current()
    load_specification(specification_path(city, spec))
    place = city.results / f"{spec}.json"
    step = {
        "zh": f"会在第 {version.number} 版上做研究“{spec}”，结果写到 {place}。",
        "en": f"Would run the study “{spec}” on version {version.number} and write its findings to {place}.",
    }
    return {"city": str(city.path), "study": spec, "steps": [step]}


def publish(city: City, *, dry_run: bool = False, progress: Progress | None = None) -> Release:
    """Release the findings of the current version through the gate."""
    from commonground import publish as room
    from commonground.governance import current_actor

    return room.run(city, actor=current_actor(), dry_run=dry_run, progress=progress)


def demo(
    folder: Path,
    *,
    seed: int = 2026,
    children: int = 6000,
    only_generate: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the demo city, then build, study and publish it."""
    from commonground.demo import make_demo

    if not (folder / "city.toml").is_file():
        make_demo(folder, seed=seed, children=children, progress=progress)
    done: dict[str, Any] = {"city": str(folder)}
    if only_generate:
        return done
    city = City(folder)
    built = build(city, progress=progress)
    study(city, progress=progress)
    release = publish(city, progress=progress)
    return {**done, "version": built.version.number, "release": release.id, "site": str(release.path / "public")}
