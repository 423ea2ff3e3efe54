"""Answer keys of ``suggest``: what each column of the sample city and of the unseen cities means."""

from __future__ import annotations

import csv
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from commonground.intake.suggest.gather import Group, gather, list_files

ROOT = Path(__file__).resolve().parent.parent
# The pack has two concepts where the sample city's key has one name (DEVELOPERS.md, "A concept").
SAME = {("school_census", "left_behind"): "left_behind_pupils", ("school_sites", "status"): "site_status"}


@dataclass
class Task:
    """A dataset to be understood.

    ``key`` gives for each column the concepts that are right, "" among them where the pack has none; ``rows`` are the
    key's own rows by column, with unit, codes and missing texts where the key has them. ``read_as`` gives the name
    under which a column was read, where that is known by its place and not by its name.
    """

    name: str
    kind: str
    groups: list[Group]
    key: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    read_as: dict[str, str] = field(default_factory=dict)


def shared() -> Path:
    """Give the folder of the sample city."""
    return Path(os.environ.get("COMMONGROUND_SHARED", ROOT.parent / "shared")) / "sample-city"


def sample() -> Iterator[Task]:
    """Give the datasets of the sample city."""
    yield from sample_parts(())


def sample_parts(names: tuple[str, ...]) -> Iterator[Task]:
    """Give the datasets of the sample city that are named, a file of each delivery; all of it where none is named."""
    tasks: dict[tuple[str, str], Task] = {}
    with (shared() / "truth" / "columns.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            department, dataset = row["department"], row["dataset"]
            kind = {"long_form_2020": "census_long_form"}.get(dataset, dataset)
            task = tasks.setdefault((department, dataset), Task(f"{department}/{dataset}", kind, []))
            task.key.setdefault(row["column"], {SAME.get((dataset, row["concept"]), row["concept"])})
    deliveries = shared() / "deliveries"
    for (department, dataset), task in sorted(tasks.items()):
        if names and task.name not in names:
            continue
        files = list_files([deliveries / department / dataset])
        if names:
            files = list({path.parent: path for path in reversed(files)}.values())
        task.groups = gather(files, deliveries=deliveries, department=department, dataset=dataset)
        yield task


def unseen(city: str, folder: Path) -> Iterator[Task]:
    """Make an unseen city in ``folder`` and give its datasets."""
    sys.path.insert(0, str(ROOT / "tests"))
    from unseen_cities.make_unseen import make_unseen

    make_unseen(folder, cities=(city,))
    tasks: dict[tuple[str, str], Task] = {}
    files: dict[tuple[str, str], set[Path]] = defaultdict(set)
    with (folder / "columns.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            at = row["department"], row["dataset"]
            task = tasks.setdefault(at, Task("/".join(at), row["kind"], []))
            files[at].add(folder / city / row["department"] / row["file"])
            task.key[row["column"]] = {row["concept"], *row["also"].replace(";", " ").replace("|", " ").split()}
            task.rows[row["column"]] = row
    for at, task in sorted(tasks.items()):
        task.groups = gather(sorted(files[at]))
        for column, row in task.rows.items():
            task.read_as[column] = _by_place(task.groups, row)
        yield task


def _by_place(groups: list[Group], row: dict[str, str]) -> str:
    """Give the name under which a column of the key was read, by its place in the sheet."""
    for group in groups:
        for one in group.found:
            if one.path.name == row["file"] and row["sheet"] in ("", one.profile.sheet):
                for column in one.profile.columns:
                    if column.position == int(row["position"]) - 1:
                        return column.name
    return ""


def plain(text: str) -> str:
    """Give the form in which a key's column names are compared with those that were read."""
    return "".join(text.split()).replace("/", "")
