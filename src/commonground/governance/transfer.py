"""The one door by which files leave the city's folder: who got what, by which authority, with the hash of each file.

``hand_over`` does all of it for one file at a place that somebody chose. Who makes files otherwise calls ``require``
before they are made and ``record`` once they are: what was refused leaves no file behind.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from commonground.city import City
from commonground.errors import Said, StorageError
from commonground.files import storage_errors
from commonground.governance.events import TRANSFERS, Kind
from commonground.governance.guard import personal_text
from commonground.governance.ledger import Entry, Ledger
from commonground.governance.roles import Permission, Roles

T = TypeVar("T")
_NEEDS = {
    Kind.RELEASE: Permission.RELEASE,
    Kind.TRANSFER: Permission.TRANSFER,
    Kind.RETURN_SHEET: Permission.TRANSFER,
    Kind.REVIEW_SHEET: Permission.TRANSFER,
    Kind.LINK_EXPORT: Permission.LINK_EXPORT,
    Kind.LINK_REVIEW_SHEET: Permission.OPEN_LINK_REVIEW,
    Kind.VALUES_EXPORT: Permission.VALUES_EXPORT,
    Kind.SUMS_EXPORT: Permission.SUMS_EXPORT,
}


def require(city: City, kind: Kind | str, actor: str) -> None:
    """Refuse whoever may not let this kind of thing out.

    Raises
    ------
    AccessError
        ``actor`` holds no role that may; the attempt stands in the ledger.
    """
    with Ledger(city) as ledger:
        Roles(ledger).require(actor, _permission(kind))


def hand_over(
    city: City,
    path: Path,
    write: Callable[[Path], T],
    *,
    kind: Kind | str,
    recipient: str,
    authority: str,
    actor: str,
    more: Mapping[str, Any] | None = None,
) -> T:
    """Let one file out to a place that somebody chose: whole, for its owner alone, and never unrecorded.

    It is written beside its place, recorded, and only then renamed into place. Whatever fails before that leaves
    neither file nor entry, and what lay there before stays.

    Parameters
    ----------
    city : City
        Whose file.
    path : Path
        Where it goes: outside the city's folder and the folder of keys, and not a link.
    write : callable
        Writes to the path that it is given; what it gives back is given back.
    kind, recipient, authority, actor, more
        As for ``record``.

    Raises
    ------
    AccessError
        ``actor`` may not; the attempt stands in the ledger.
    StorageError
        The place is inside the city, a link or no file, or cannot be written.
    """
    require(city, kind, actor)
    check_place(city, path)
    with storage_errors(path, chosen=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")  # a Han character takes three bytes of 255
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        given = write(beside)
        listed = [{**_listed(city, beside), "file": _shown(path.name)}]
        _append(city, kind, actor, recipient, authority, listed, more)
        with storage_errors(path, chosen=True):
            os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return given


def check_place(city: City, path: Path) -> None:
    """Refuse a place for an outgoing file that is inside the city, a link, or something else than a file.

    Raises
    ------
    StorageError
        The place will not do.
    """
    why = None
    with storage_errors(path, chosen=True):
        real = Path(os.path.realpath(path))  # which, unlike ``resolve``, takes links in a circle as they are
        is_file = path.is_file() or not path.exists()
    if any(real.is_relative_to(folder.resolve()) for folder in (city.path, city.settings.keys, city.deliveries)):
        why = Said(
            "它在城市文件夹、密钥文件夹或交付文件夹之内，会混进或盖掉城市自己的文件。",
            "It is inside the folder of the city, its keys or its deliveries, among or over the city's own files.",
        )
    elif path.is_symlink():
        why = Said("它是一个链接，会写到别处。", "It is a link and leads elsewhere.")
    elif not is_file:
        why = Said("它是文件夹或设备，不是文件。", "It is a folder or a device, no file.")
    if why is not None:
        raise StorageError(
            Said("不能导出到这个位置。", "Nothing can be exported to this place."),
            where=str(path),
            why=why,
            todo=Said("请选城市文件夹以外的新文件名。", "Choose a new file outside the city's folder."),
        )


def record(
    city: City,
    *,
    kind: Kind | str,
    recipient: str,
    authority: str,
    files: Sequence[Path],
    actor: str,
    more: Mapping[str, Any] | None = None,
) -> Entry:
    """Write into the ledger that files leave.

    Parameters
    ----------
    city : City
        Whose files.
    kind : Kind or str
        One of ``events.TRANSFERS``.
    recipient : str
        Who gets them: an office, a project, ``public``.
    authority : str
        By which right: a legal basis, an approval, a project.
    files : sequence of Path
        The files, as they leave.
    actor : str
        Who lets them out.
    more : mapping, optional
        Further plain values about what leaves; nothing about a person.

    Raises
    ------
    AccessError
        ``actor`` may not.
    StorageError
        A file cannot be read.
    """
    listed = [_listed(city, path) for path in sorted(Path(f).resolve() for f in files)]
    return _append(city, kind, actor, recipient, authority, listed, more)


def _listed(city: City, path: Path) -> dict[str, Any]:
    with storage_errors(path), path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    # Outside the city only the file's own name is kept: the path tells about somebody's machine.
    shown = path.relative_to(city.path).as_posix() if path.is_relative_to(city.path) else _shown(path.name)
    return {"file": shown, "sha256": digest, "bytes": path.stat().st_size}


def _shown(name: str) -> str:
    """Name of a file, unless it is called by somebody's number: the ledger can never forget."""
    return "*" if personal_text(name) else name


def _append(
    city: City,
    kind: Kind | str,
    actor: str,
    recipient: str,
    authority: str,
    listed: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any] | None,
) -> Entry:
    permission = _permission(kind)
    if not recipient.strip() or not authority.strip() or not listed:
        raise ValueError("a transfer names a recipient, an authority and at least one file")
    with Ledger(city) as ledger:
        Roles(ledger).require(actor, permission)
        detail = {**(more or {}), "recipient": recipient, "authority": authority, "files": list(listed)}
        return ledger.append(kind, actor, recipient, detail)


def _permission(kind: Kind | str) -> Permission:
    kind = Kind(kind)
    if kind not in TRANSFERS:
        raise ValueError(f"not a kind of transfer: {kind}")
    return _NEEDS[kind]
