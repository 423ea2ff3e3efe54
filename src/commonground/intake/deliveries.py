"""Finds what the departments delivered: every file is accounted for, whether a contract takes it or not."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commonground.errors import DeliveryError, Said, did_you_mean
from commonground.intake.model import Contract, Layout

_LITTER = (".", "~$", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Delivered:
    """One delivered file. ``status`` is "" for files to read, else ``empty``, ``ignored`` or ``no contract``."""

    department: str
    dataset: str
    delivery: str
    file: str
    path: Path
    status: str = ""
    contract: Contract | None = None


def find_files(deliveries: Path, contracts: Mapping[str, Contract]) -> list[Delivered]:
    """List all delivered files in order of department, dataset, delivery and file.

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
        found = _in_folder(folder, wanted)
        if wanted is not None and not wanted.absent:
            for part in [*sorted(path for path in folder.iterdir() if path.is_dir()), folder]:
                inside = [file for file in found if file.path.is_relative_to(part)]
                if not any(file.status == "" for file in inside):
                    raise _nothing(part, inside)
        out += found
    return out


def _above(deliveries: Path) -> list[Delivered]:
    """List files put beside the datasets' folders instead of into one: read by nobody, but not unseen."""
    paths = [path for path in (*deliveries.glob("*"), *deliveries.glob("*/*")) if path.is_file()]
    return [
        Delivered("" if path.parent == deliveries else path.parent.name, "", "", path.name, path, "no contract")
        for path in sorted(paths)
        if not path.name.startswith(_LITTER)
    ]


def _in_folder(folder: Path, contract: Contract | None) -> list[Delivered]:
    out = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts = path.relative_to(folder).parts
        if parts[-1].startswith(_LITTER):
            continue
        delivery, file = (parts[0], "/".join(parts[1:])) if len(parts) > 1 else ("", parts[0])
        if contract is None:
            status = "no contract"
        elif any(fnmatch.fnmatchcase(file, entry.files) and not entry.sheets for entry in contract.ignore):
            status = "ignored"
        elif path.stat().st_size == 0:
            status = "empty"
        else:
            status = ""
            if not delivery:
                raise _no_delivery(path)
        out.append(Delivered(folder.parent.name, folder.name, delivery, file, path, status, contract))
    return out


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
    """Give the layouts whose globs match a file and its delivery."""
    return [
        layout
        for layout in contract.layouts
        if fnmatch.fnmatchcase(found.file, layout.files) and fnmatch.fnmatchcase(found.delivery, layout.deliveries)
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
