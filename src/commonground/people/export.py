"""Links that leave the vault: for every row about a person its place and a pseudonym, never a name or a number.

A pseudonym is the keyed hash of the person's id on the spine. The warehouse has a key, exports have another, and each
project has its own: who holds the exports of two projects cannot join them, nor either with the warehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from commonground.city import City
from commonground.errors import AccessError, Said, did_you_mean
from commonground.files import storage_errors
from commonground.governance.custody import make_key
from commonground.governance.keys import KeyRing, algorithm_of, keyed_hashes
from commonground.governance.ledger import Ledger
from commonground.governance.projects import Project, Projects
from commonground.governance.vault import Vault
from commonground.intake import load_contracts
from commonground.people.places import PLACE

if TYPE_CHECKING:
    import pyarrow as pa

EXPORTS = "pseudonym-export"
"""Key of the pseudonyms in exports that belong to no project."""


def export_links(city: City, path: Path, *, project: str = "", by: str = "") -> int:
    """Write department, dataset, delivery, file, sheet, row_number, person_id and status of every record about persons.

    Parameters
    ----------
    city : City
        A built city.
    path : Path
        Parquet file to write.
    project : str
        Id of an open project: its own pseudonyms, and only rows of the kinds of data that it may use.
    by : str
        Who exports; the ledger keeps who made a project's key.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    AccessError
        No such project is open.
    StorageError
        The vault has no links of the current version, or the file cannot be written.
    """
    import pyarrow.parquet as pq

    name = f"links/{city.require_current().number}"
    table = Vault(city).read_table(name, [*PLACE, "spine_id", "status"])
    if project:
        table = _only(city, table, find_project(city, project).datasets)
    table = with_key(city, table, project, by)
    with storage_errors(path, chosen=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        path.chmod(0o600)
    return int(table.num_rows)


def find_project(city: City, project: str) -> Project:
    """Give an open project.

    Raises
    ------
    AccessError
        There is none of this id, or it has ended.
    """
    with Ledger(city) as ledger:
        known = {p.id: p for p in Projects(ledger).all()}
    if project not in known:
        raise AccessError(
            Said("没有这个项目，或者已经到期、结项。", "There is no such project, or it has ended."),
            where=project,
            todo=did_you_mean(project, known)
            if known
            else Said("请主管部门立项。", "Ask an official to open a project."),
        )
    return known[project]


def with_key(city: City, table: pa.Table, project: str, by: str = "") -> pa.Table:
    """Put pseudonyms of a project, or of exports without one, in the place of ``spine_id``."""
    if project:
        found = find_project(city, project)
        with Ledger(city) as ledger:
            key = make_key(ledger, f"project-{found.id}", by=by or "system")
    else:
        key = KeyRing(city.settings.keys).get(EXPORTS)
    return with_pseudonyms(table, key, algorithm_of(city.settings.pack))


def _only(city: City, table: pa.Table, kinds: tuple[str, ...]) -> pa.Table:
    """Rows of the datasets of some kinds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name, contract in load_contracts(city).items() if contract.kind.name in kinds]
    whole = pc.binary_join_element_wise(table.column("department"), table.column("dataset"), ".")
    return table.filter(pc.is_in(whole, pa.array(names, pa.string())))


def with_pseudonyms(table: pa.Table, key: bytes, algorithm: str = "sm3") -> pa.Table:
    """Put ``person_id``, the keyed hash, in the place of ``spine_id``; who is not linked has none."""
    import pyarrow as pa

    from commonground.people.encode import distinct

    values, number = distinct(table.column("spine_id"))
    made = np.array([*keyed_hashes(key, values, algorithm), None], dtype=object)
    at = table.column_names.index("spine_id")
    return table.set_column(at, "person_id", pa.array(made[number], pa.string()))
