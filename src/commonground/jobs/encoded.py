"""Linkage without names: a department encodes at its own site, the city links what it is given."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City, Progress
from commonground.errors import DeliveryError, Said
from commonground.files import storage_errors, write_atomically
from commonground.jobs.office import may

if TYPE_CHECKING:
    import pyarrow as pa

DAY = "2025-01-01"
"""Folder of the one delivery of the passing city; the name is never seen."""


@dataclass(frozen=True)
class EncodedFile:
    """What encoding made.

    Attributes
    ----------
    leaves : tuple of Path
        The file of encodings, its manifest and the contract for the city: these may leave the department.
    stays : Path
        Which row of which file a row number stands for: this stays.
    manifest : dict
        The manifest.
    conservation : pa.Table
        Rows of the file: records, quarantined, non-data.
    """

    leaves: tuple[Path, ...]
    stays: Path
    manifest: dict[str, Any]
    conservation: pa.Table


def encode_file(
    file: Path, contract: Path, key_file: Path, out: Path, *, progress: Progress | None = None
) -> EncodedFile:
    """Encode the persons of a department's file, at the department's site; no city is needed.

    Parameters
    ----------
    file : Path
        The file with names.
    contract : Path
        How to read it, as for a city's deliveries.
    key_file : Path
        The key that the departments agreed; see ``secret.new_key``.
    out : Path
        Folder for what is made.

    Raises
    ------
    StorageError
        The key is missing or weak, or the folder cannot be written.
    ContractError, DeliveryError, ConservationError
        The contract does not fit for encoding, or not the file.
    """
    from commonground.intake import load_contract, load_pack
    from commonground.people.encoded.city import check_contract
    from commonground.people.encoded.secret import read_key

    key, pack = read_key(key_file), load_pack()
    read = load_contract(contract, pack)
    check_contract(read, pack)
    if not file.is_file():
        raise DeliveryError(
            Said("找不到要编码的文件。", "The file to be encoded is not there."),
            where=str(file),
            todo=Said("请检查路径。", "Check the path."),
        )
    with tempfile.TemporaryDirectory(prefix="commonground-") as passing:  # mode 0700; its key goes with it
        city = _passing_city(Path(passing), file, contract)
        return _write(city, read.dataset, key, out, progress)


def _passing_city(folder: Path, file: Path, contract: Path) -> City:
    """Make a city of one file for as long as it is read: what intake keeps of it is encrypted and then removed."""
    place = folder / "city" / "deliveries" / "department" / contract.stem / DAY
    place.mkdir(parents=True)
    (folder / "city" / "sources" / "department").mkdir(parents=True)
    shutil.copyfile(contract, folder / "city" / "sources" / "department" / f"{contract.stem}.toml")
    try:
        os.link(file.resolve(), place / file.name)  # the same file, not another copy of the names
    except OSError:
        shutil.copyfile(file, place / file.name)
    (folder / "city" / "city.toml").write_text(SETTINGS, encoding="utf-8")
    return City(folder / "city")


SETTINGS = """
[city]
name = { zh = "部门", en = "Department" }
area_code = "529900"
reference_date = 2025-01-01
"""


def _write(city: City, dataset: str, key: bytes, out: Path, progress: Progress | None) -> EncodedFile:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pc_csv
    import pyarrow.parquet as pq

    from commonground import intake
    from commonground.people.encoded import encode, exchange
    from commonground.people.encoded.city import as_persons, persons_table
    from commonground.people.encoded.secret import key_mark

    taken = intake.run(city, progress=progress)
    (name,) = taken.contracts
    table = taken.tables[name]
    table = table.filter(pc.equal(table.column("status"), "record"))
    persons = as_persons(persons_table(table, taken.contracts[name], intake.load_pack()))
    made = encode(persons, key)
    # an order that only the key's holder could make again: the file's own may be that of the names
    seed = hashlib.sha256(key + b"order" + made.keys.tobytes()).digest()
    number = np.random.default_rng(int.from_bytes(seed, "big")).permutation(len(made)) + 1
    buffer = pa.BufferOutputStream()
    pq.write_table(exchange.to_table(made, number), buffer, compression="zstd")
    content = buffer.getvalue().to_pybytes()
    told = exchange.manifest(made, persons, key_mark=key_mark(key), digest=hashlib.sha256(content).hexdigest())
    kept = pa.table({"encoded_row": number, **{c: table.column(c) for c in ("file", "sheet", "row_number")}})
    rows = pa.BufferOutputStream()
    pc_csv.write_csv(kept.sort_by("encoded_row"), rows)
    files = {
        f"{dataset}.encoded.parquet": content,
        f"{dataset}.encoded.json": (json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(),
        f"{dataset}_encoded.toml": exchange.CONTRACT.format(dataset=dataset).encode(),
        f"{dataset}.rows.csv": rows.getvalue().to_pybytes(),
    }
    with storage_errors(out, chosen=True):
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, text in files.items():
            write_atomically(out / file, text)
            (out / file).chmod(0o600)
    paths = [out / file for file in files]
    return EncodedFile(tuple(paths[:3]), paths[3], told, taken.conservation)


@dataclass(frozen=True)
class EncodedLinks:
    """How many rows of a dataset of encodings were linked to the spine.

    Attributes
    ----------
    dataset : str
        ``department.dataset``.
    rows, linked, pairs : int
        Rows, rows with a person, and pairs compared.
    precision : float
        Share of right links that the model expects.
    conflicts : int
        Rows not linked that look like somebody in all but two valid identity numbers that differ.
    """

    dataset: str
    rows: int
    linked: int
    pairs: int
    precision: float
    conflicts: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return dict(vars(self))

    def sentence(self, lang: str = "zh") -> str:
        """Say it in one sentence."""
        share = 100 * self.linked / max(self.rows, 1)
        if lang == "zh":
            return (
                f"{self.dataset}：{self.rows:,} 行编码中 {self.linked:,} 行连到人（{share:.1f}%），"
                f"比较了 {self.pairs:,} 对，模型估计查准率 {100 * self.precision:.2f}%；"
                f"另有 {self.conflicts:,} 行与某人其他内容相符而身份证号不同，没有连接。"
            )
        return (
            f"{self.dataset}: {self.linked:,} of {self.rows:,} encoded rows linked to a person ({share:.1f}%),"
            f" {self.pairs:,} pairs compared, precision {100 * self.precision:.2f}% as the model expects; not linked:"
            f" {self.conflicts:,} rows that look like somebody with another identity number."
        )


def match_encoded(
    city: City,
    dataset: str,
    key_file: Path,
    *,
    export: Path | None = None,
    project: str = "",
    progress: Progress | None = None,
) -> EncodedLinks:
    """Link a delivery of encodings to the city's spine; the links stay in the vault, pseudonyms of rows may leave it.

    Parameters
    ----------
    city : City
        A built city.
    dataset : str
        ``department.dataset`` of kind ``encoded_people``; empty where there is one only.
    key_file : Path
        The departments' key. It is read and not kept: the city's own people are encoded with it for the comparison.
    export : Path, optional
        Parquet file of row numbers and pseudonyms, for the department that delivered.
    project : str
        Project whose pseudonyms these are.

    Raises
    ------
    AccessError
        The running user may not build, or not export.
    ContractError, DeliveryError, StorageError
        There are no such encodings, they are damaged, or made with another key.
    """
    from commonground import intake
    from commonground.governance import Ledger, Vault, current_actor, transfer
    from commonground.people.encoded.city import check_deliveries, find_dataset, link_encoded
    from commonground.people.encoded.secret import key_mark, read_key

    may(city, "build")
    key = read_key(key_file)
    version = city.require_current()
    if export:
        transfer.check_place(city, export)
    taken = intake.run(city, progress=progress)
    name = find_dataset(taken, dataset)
    check_deliveries(city.deliveries / Path(*name.split(".")), key_mark(key))
    links, found = link_encoded(city, taken, name, key, intake.load_pack(city.settings.pack))
    Vault(city).write_table(f"encoded/{name}", links, version=str(version.number))
    p = found.probability[found.chosen]
    told = EncodedLinks(
        name, links.num_rows, len(found.chosen), len(found.a), round(float(p.mean()), 5) if len(p) else 1.0,
        found.conflicts,
    )  # fmt: skip
    with Ledger(city) as ledger:
        detail = {k: v for k, v in told.to_dict().items() if k in ("rows", "linked", "pairs", "conflicts")}
        detail["version"] = version.number
        ledger.append("link", current_actor(), f"encoded:{name}", detail)
    if export:
        _export(city, name, links, export, project)
    return told


def _export(city: City, name: str, links: pa.Table, export: Path, project: str) -> None:
    """Hand row numbers with pseudonyms back to the department."""
    import pyarrow.parquet as pq

    from commonground.governance import current_actor, transfer
    from commonground.people.export import with_key

    actor = current_actor()

    def write(beside: Path) -> None:
        made = with_key(city, links.select(["encoded_row", "spine_id", "status"]), project, actor)
        pq.write_table(made, beside, compression="zstd")

    transfer.hand_over(
        city,
        export,
        write,
        kind="link_export",
        recipient=name.partition(".")[0],
        authority=f"project:{project}" if project else "link_export",
        actor=actor,
        more={"encoded": name},
    )
