"""Finds what the departments delivered: every file is accounted for, whether a contract takes it or not.

A file inside a .zip or .gz counts as a file: ``a.zip/inner.csv``, ``b.csv.gz/b.csv``; contracts' globs match that.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from commonground.errors import CommonGroundError, DeliveryError, Said, did_you_mean
from commonground.intake import archives
from commonground.intake.fetch import NOTE
from commonground.intake.layout_files import with_layout_file
from commonground.intake.model import Contract, Layout
from commonground.intake.places import check_place
from commonground.intake.returns.answers import is_return_sheet
from commonground.intake.returns.replaced import base_of, matches

_LITTER = (".", "~$", "Thumbs.db", "desktop.ini", "__MACOSX")


@dataclass(frozen=True)
class Delivered:
    """One delivered file.

    Attributes
    ----------
    file : str
        Its path within the delivery, through archives: ``2025/a.zip/inner.csv``.
    path : Path
        The same from the root, for messages; of a file in an archive ``opened`` gives one that can be opened.
    status : str
        "" for files to read, else ``empty``, ``ignored``, ``no contract``, or ``return sheet`` for one that came back.
    archive : Path or None
        The archive that it is in, and ``place`` which of its members.
    litter : bool
        Left behind by a program (.DS_Store, Thumbs.db, ~$…): ``ignored`` without anybody's saying so.
    """

    department: str
    dataset: str
    delivery: str
    file: str
    path: Path
    status: str = ""
    contract: Contract | None = None
    archive: Path | None = None
    place: tuple[int, ...] = ()
    litter: bool = False
    limits: archives.ArchiveLimits = archives.LIMITS


def find_files(
    deliveries: Path, contracts: Mapping[str, Contract], limits: archives.ArchiveLimits = archives.LIMITS
) -> list[Delivered]:
    """List all delivered files in order of department, dataset, delivery and file.

    Parameters
    ----------
    limits : ArchiveLimits
        How much an archive may hold.

    Raises
    ------
    DeliveryError
        A contract's dataset has no folder; a delivery of it has no file, or only empty ones.
    """
    folders = {path: None for path in sorted(deliveries.glob("*/*")) if path.is_dir()}
    for name, contract in contracts.items():
        folder = deliveries / contract.department / contract.dataset
        if folder not in folders and not contract.absent:
            raise _no_folder(folder, name, contract, [f"{p.parent.name}.{p.name}" for p in folders])
    out = _above(deliveries)
    for folder in folders:
        wanted = contracts.get(f"{folder.parent.name}.{folder.name}")
        found = _in_folder(folder, wanted, limits)
        if wanted is not None and not wanted.absent:
            for part in [*sorted(path for path in folder.iterdir() if path.is_dir()), folder]:
                inside = [file for file in found if file.path.is_relative_to(part)]
                if not any(file.status in ("", "return sheet") for file in inside):
                    raise _nothing(part, inside)
        out += found
    return out


def _above(deliveries: Path) -> list[Delivered]:
    """List files put beside the datasets' folders instead of into one: read by nobody, but not unseen."""
    paths = [path for path in (*deliveries.glob("*"), *deliveries.glob("*/*")) if path.is_file()]
    out = []
    for path in sorted(paths):
        department, litter = "" if path.parent == deliveries else path.parent.name, _is_litter(path.name)
        status = "ignored" if litter else "no contract"
        out.append(Delivered(department, "", "", path.name, path, status, litter=litter))
    return out


def _in_folder(folder: Path, contract: Contract | None, limits: archives.ArchiveLimits) -> list[Delivered]:
    out = []
    for path in sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()):
        check_place(path, folder)
        parts = path.relative_to(folder).parts
        delivery, file = (parts[0], "/".join(parts[1:])) if len(parts) > 1 else ("", parts[0])
        found = Delivered(folder.parent.name, folder.name, delivery, file, path, contract=contract, limits=limits)
        one = _with_status(found, path.stat().st_size)
        if one.status == "" and not delivery:
            raise _no_delivery(path)
        if one.status == "" and path.suffix.lower() in archives.SUFFIXES:
            out += _in_archive(one)
        else:
            out.append(one)
    return out


def _in_archive(found: Delivered) -> list[Delivered]:
    """List the members of an archive as files of the delivery."""
    out = []
    for member in sorted(archives.list_members(found.path, found.limits), key=lambda one: one.name):
        path, file = found.path / member.name, f"{found.file}/{member.name}"
        inner = replace(found, file=file, path=path, archive=found.path, place=member.place)
        out.append(_with_status(inner, member.size))
    return out


def _with_status(found: Delivered, size: int) -> Delivered:
    """Tell what is to be done with a file."""
    if _is_litter(found.file):
        return replace(found, status="ignored", litter=True)
    contract, status = found.contract, ""
    if contract is None:
        status = "no contract"
    elif any(
        fnmatch.fnmatchcase(found.file, entry.files) and not entry.sheets for entry in contract.ignore
    ) or _is_companion(found, contract):
        status = "ignored"
    elif size == 0:
        status = "empty"
    elif found.archive is None and base_of(found.delivery) != found.delivery and is_return_sheet(found.path):
        status = "return sheet"
    return replace(found, status=status)


def _is_litter(file: str) -> bool:
    """Tell whether a program left a file behind: no department means to deliver it."""
    return any(part.startswith(_LITTER) for part in file.split("/"))


def _is_companion(found: Delivered, contract: Contract) -> bool:
    """Tell whether a file says how others are read: the note of a fetch, or a layout file that the contract names."""
    name = found.path.name
    if name.endswith(NOTE):
        return found.path.with_name(name.removesuffix(NOTE) + ".parquet").is_file()
    return any(layout.layout_file == name for layout in contract.layouts)


@contextlib.contextmanager
def opened(found: Delivered) -> Iterator[Path]:
    """Give a path under which a delivered file can be opened, for as long as the block lasts.

    A file in an archive is unpacked into a private folder; errors raised in the block name it as it was delivered.
    """
    if found.archive is None:
        yield found.path
        return
    with archives.unpacked(found.archive, found.place, found.path.suffix, found.limits) as unpacked:
        try:
            yield unpacked
        except CommonGroundError as error:
            error.where = error.where.replace(str(unpacked), str(found.path))
            error.args = (error.message("en"),)
            raise


@contextlib.contextmanager
def _layout_file(found: Delivered, name: str) -> Iterator[Path | None]:
    """Give the layout file of a delivered file: in its archive, else in its folder or one above; None without one."""
    if found.archive is not None:
        for member in archives.list_members(found.archive):
            if member.name.rpartition("/")[2] == name:
                with archives.unpacked(found.archive, member.place) as path:
                    yield path
                return
    yield find_beside(found.path, name)


def companions_digest(found: Delivered) -> str:
    """Give a hash of the layout file that a file is read by, "" without one: when it changes the file is read again."""
    digest = hashlib.sha256()
    named = [layout.layout_file for layout in _matching(found, found.contract)] if found.contract else []
    for name in filter(None, named):
        with _layout_file(found, name) as path:
            digest.update(path.read_bytes() if path is not None else b"")
    return digest.hexdigest() if any(named) else ""


def find_beside(path: Path, name: str) -> Path | None:
    """Find a layout file in the folder of a delivered file or one of the three above: the delivery's, the dataset's."""
    for folder in list(path.parents)[:4]:
        found = folder / name
        if found.is_file():
            return found
    return None


def pick_layout(found: Delivered, contract: Contract) -> Layout:
    """Give the first layout for a file; the sheets come later.

    Raises
    ------
    DeliveryError
        No layout takes the file.
    """
    fitting = layouts_of(found, contract)
    if fitting:
        return fitting[0]
    raise DeliveryError(
        Said(f"读取约定没有说明文件“{found.file}”怎样读。", f"The contract does not say how to read “{found.file}”."),
        where=str(found.path),
        why=Said(
            f"{contract.path.name} 中没有 [[layout]] 与它相符。", f"No [[layout]] of {contract.path.name} matches it."
        ),
        todo=Said(
            "请加一个 [[layout]]；如果不是数据，列入 [dataset] ignore 并写明原因。",
            "Add a [[layout]]; if it is no data, list it under ignore of [dataset], with the reason.",
        ),
    )


def layouts_of(found: Delivered, contract: Contract) -> list[Layout]:
    """Give the layouts whose globs match a file and its delivery, with the columns that their layout files tell.

    Raises
    ------
    DeliveryError
        A layout file is not there or does not tell the columns.
    """
    out = []
    for layout in _matching(found, contract):
        if layout.layout_file:
            with _layout_file(found, layout.layout_file) as beside:
                layout = with_layout_file(layout, beside, found.path)
        out.append(layout)
    return out


def _matching(found: Delivered, contract: Contract) -> list[Layout]:
    return [
        layout
        for layout in contract.layouts
        if fnmatch.fnmatchcase(found.file, layout.files) and matches(found.delivery, layout.deliveries)
    ]


def _no_folder(folder: Path, name: str, contract: Contract, known: list[str]) -> DeliveryError:
    near = did_you_mean(name, known) if known else Said("", "")
    return DeliveryError(
        Said(f"数据集 {name} 没有交来文件。", f"Nothing was delivered for {name}."),
        where=str(folder),
        why=Said(
            f"约定 {contract.path} 存在，文件夹却不在。", f"Its contract {contract.path} is there, the folder is not."
        ),
        todo=Said(
            f"请放入文件；如果部门不再提供，删去读取约定，或在 [dataset] 写 absent = true。{near.zh}",
            f"Put the files there; if the department gives none, remove the contract or set absent = true "
            f"under [dataset]. {near.en}",
        )
        if contract.database is None
        else Said(
            f"约定写的是直接取数，请先运行 commonground fetch 城市 {name}。",
            f"Its contract names a database: run commonground fetch CITY {name} first.",
        ),
    )


def _nothing(folder: Path, found: list[Delivered]) -> DeliveryError:
    empty = [file.file for file in found if file.status == "empty"]
    return DeliveryError(
        Said("交来的文件夹里没有数据。", "The delivery holds no data."),
        where=str(folder),
        why=Said(
            f"{'、'.join(empty)} 是空文件（0 字节）。" if empty else "文件夹里没有数据文件。",
            f"{', '.join(empty)}: 0 bytes." if empty else "There is no data file in the folder.",
        ),
        todo=Said("请部门重新交付。", "Ask the department to deliver it again."),
    )


def _no_delivery(path: Path) -> DeliveryError:
    return DeliveryError(
        Said("文件没有放在某次交付的文件夹里。", "The file does not stand in the folder of a delivery."),
        where=str(path),
        why=Said("交付日期由文件夹名给出。", "The folder's name tells the day of delivery."),
        todo=Said(
            "请移到 <数据集>/<交付日期>/ 下，例如 2025-09-10。", "Move it to <dataset>/<date>/, such as 2025-09-10."
        ),
    )
