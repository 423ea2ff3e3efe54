"""Files to datasets: profiles every file, says what could not be read, and puts files of the same columns together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from commonground.errors import CommonGroundError, DeliveryError, Said
from commonground.intake import archives
from commonground.intake.suggest import codebook, table
from commonground.intake.suggest.codebook import Codebook
from commonground.intake.suggest.grids import Grid, grids
from commonground.intake.suggest.model import SheetProfile
from commonground.intake.suggest.places import Place, place_of

_LITTER = (".", "~$", "Thumbs.db", "desktop.ini")
_ALIKE = 0.5  # share of common columns from which two files are taken for one dataset


@dataclass(frozen=True)
class Found:
    """One sheet with data, where it stands, and what is written above its header."""

    place: Place
    path: Path
    profile: SheetProfile
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aside:
    """A file, or a sheet of one, that is no data here.

    ``why`` is "codebook", "notes", "blank", "empty", "fault" or, of a sheet of another dataset, "elsewhere".
    """

    place: Place
    path: Path
    why: str
    sheet: str = ""
    fault: CommonGroundError | None = None


@dataclass
class Group:
    """Sheets of one dataset."""

    department: str
    dataset: str
    found: list[Found] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)


def list_files(given: Iterable[Path]) -> list[Path]:
    """Give the files among what was given, those of folders in order.

    Raises
    ------
    DeliveryError
        A path is not there, or there is no file at all.
    """
    out: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(_LITTER))
            out |= dict.fromkeys(inside)
        elif path.exists():
            out[path] = None
        else:
            raise DeliveryError(
                Said("找不到这个文件。", "The file is not there."),
                where=str(path),
                todo=Said("请检查路径。", "Check the path."),
            )
    if not out:
        raise DeliveryError(
            Said("没有可以分析的文件。", "There is no file to profile."),
            where=", ".join(map(str, given)),
            todo=Said("请给出文件，或含有文件的文件夹。", "Give files, or folders that hold some."),
        )
    return list(out)


def gather(
    files: Sequence[Path],
    *,
    deliveries: Path | None = None,
    department: str = "",
    dataset: str = "",
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Group]:
    """Profile files and group them into datasets.

    A file's place among the deliveries says its dataset, or ``department`` and ``dataset`` do; files without a place
    go together where most of their columns are the same.
    """
    groups: list[Group] = []
    rest: list[Aside] = []
    for number, path in enumerate(files, 1):
        place = place_of(path, deliveries)
        place = Place(department or place.department, dataset or place.dataset, place.delivery, place.file)
        if path.suffix.lower() in archives.SUFFIXES:
            found, aside = _archive(path, place)
        else:
            found, aside = _profile(path, place, single=len(files) == 1)
        for one in found:
            _home(groups, one).found.append(one)
        rest += aside
        if progress:
            progress("suggest", number, len(files))
    for other in rest:
        _beside(groups, other).aside.append(other)
    _elsewhere(groups)
    return groups


def _archive(path: Path, place: Place) -> tuple[list[Found], list[Aside]]:
    """Profile what is inside an archive, as intake reads it: members are files called ``a.zip/inner.csv``."""
    try:
        members = sorted(archives.list_members(path), key=lambda one: one.name)
        notes = [one for one in members if codebook.is_codebook_name(one.name) and len(members) > 1]
        books = []
        for note in notes:
            with archives.unpacked(path, note.place, Path(note.name).suffix) as inner:
                books.append(codebook.read(inner, note.name))
    except CommonGroundError as fault:
        return [], [Aside(place, path, "fault", fault=fault)]
    found: list[Found] = []
    aside: list[Aside] = []
    for member in members:
        inside = replace(place, file=f"{place.file}/{member.name}")
        if member in notes:
            aside.append(Aside(inside, path / member.name, "codebook"))
            continue
        try:
            with archives.unpacked(path, member.place, Path(member.name).suffix) as inner:
                more, without = _sheets(inner, inside, [book for book in books if book.entries])
        except CommonGroundError as fault:
            aside.append(Aside(inside, path / member.name, "fault", fault=fault))
            continue
        found += [replace(one, path=path / member.name) for one in more]
        aside += [replace(one, path=path / member.name) for one in without]
    return found, aside


def _profile(path: Path, place: Place, *, single: bool) -> tuple[list[Found], list[Aside]]:
    if codebook.is_codebook(path) and not single:
        return [], [Aside(place, path, "codebook")]
    return _sheets(path, place, codebook.beside(path))


def _sheets(path: Path, place: Place, books: Sequence[Codebook]) -> tuple[list[Found], list[Aside]]:
    found, aside = [], []
    try:
        read = grids(path, books)
        books = [*books, *(codebook.of_sheet(path, grid.sheet, grid.rows) for grid in read if grid.sheet)]
        books = [book for book in books if book.entries]
        for grid in read:
            if table.is_blank(grid):
                aside.append(Aside(place, path, "blank", grid.sheet))
            elif table.is_notes(grid) or (grid.sheet and codebook.is_codebook_sheet(grid.sheet, grid.rows)):
                aside.append(Aside(place, path, "notes", grid.sheet))
            else:
                profile = table.profile(grid, place.file, books)
                found.append(Found(place, path, profile, _titles(grid, profile)))
    except CommonGroundError as fault:
        empty = path.is_file() and path.stat().st_size == 0
        aside.append(Aside(place, path, "empty" if empty else "fault", fault=fault))
    return found, aside


def _titles(grid: Grid, profile: SheetProfile) -> tuple[str, ...]:
    """Texts above the header: what the table is about, often its school year and day."""
    head = profile.layout.get("header_row", 0)
    first = head[0] if isinstance(head, list) else head
    rows = [row for row, place in zip(grid.rows[:30], grid.physical[:30], strict=True) if place < first]
    return tuple(cell.strip() for row in rows for cell in row if cell.strip())


def _elsewhere(groups: Sequence[Group]) -> None:
    """Let a contract set aside the sheets of its files, such as tables of a dump, that belong to other datasets."""
    for group in groups:
        files = {one.path for one in group.found}
        for other in groups:
            if other is not group:
                group.aside += [
                    Aside(one.place, one.path, "elsewhere", one.profile.sheet)
                    for one in other.found
                    if one.path in files and one.profile.sheet
                ]


def _home(groups: list[Group], one: Found) -> Group:
    """Find the group that a sheet belongs to, or begin one."""
    names = {column.name for column in one.profile.columns}
    for group in groups:
        if one.place.dataset or group.dataset:
            if (group.department, group.dataset) == (one.place.department, one.place.dataset):
                return group
            continue
        if group.department != one.place.department:
            continue
        for other in group.found:
            others = {column.name for column in other.profile.columns}
            same_book = other.path == one.path
            if len(names & others) / max(1, len(names | others)) >= (_ALIKE / 2 if same_book else _ALIKE):
                return group
    groups.append(Group(one.place.department, one.place.dataset))
    return groups[-1]


def _beside(groups: list[Group], one: Aside) -> Group:
    """Put a file without data to the dataset beside which it lies."""
    for group in groups:
        if one.place.dataset and (group.department, group.dataset) == (one.place.department, one.place.dataset):
            return group
        if not one.place.dataset and any(other.path.parent == one.path.parent for other in group.found):
            return group
    groups.append(Group(one.place.department, one.place.dataset))
    return groups[-1]
