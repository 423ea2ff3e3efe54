"""The one door by which files leave the city's folder: who got what, by which authority, with the hash of each file.

Call ``require`` before the file is made and ``record`` once it is: what was refused leaves no file behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.files import storage_errors
from commonground.governance.events import TRANSFERS, Kind
from commonground.governance.ledger import Entry, Ledger
from commonground.governance.roles import Permission, Roles

_NEEDS = {
    Kind.RELEASE: Permission.RELEASE,
    Kind.TRANSFER: Permission.TRANSFER,
    Kind.RETURN_SHEET: Permission.TRANSFER,
    Kind.REVIEW_SHEET: Permission.TRANSFER,
    Kind.LINK_EXPORT: Permission.LINK_EXPORT,
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
    permission = _permission(kind)
    if not recipient.strip() or not authority.strip() or not files:
        raise ValueError("a transfer names a recipient, an authority and at least one file")
    listed = []
    for path in sorted(Path(f).resolve() for f in files):
        inside = path.is_relative_to(city.path)
        with storage_errors(path), path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        # Outside the city only the file's own name is kept: the path tells about somebody's machine.
        shown = path.relative_to(city.path).as_posix() if inside else path.name
        listed.append({"file": shown, "sha256": digest, "bytes": path.stat().st_size})
    with Ledger(city) as ledger:
        Roles(ledger).require(actor, permission)
        detail = {**(more or {}), "recipient": recipient, "authority": authority, "files": listed}
        return ledger.append(kind, actor, recipient, detail)


def _permission(kind: Kind | str) -> Permission:
    kind = Kind(kind)
    if kind not in TRANSFERS:
        raise ValueError(f"not a kind of transfer: {kind}")
    return _NEEDS[kind]
