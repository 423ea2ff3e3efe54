"""Encodings in a city: deliveries of them are linked to the spine, and the links stay in the vault.

A row of encodings is never a record of its own on the spine and joins nobody to anybody: it points to one person who
stands there already, or to none. Its links lie apart from those of the city, bound to the version they were made for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.city import City, Version
from commonground.errors import ContractError, DeliveryError, Said, did_you_mean
from commonground.governance.vault import Vault
from commonground.intake.model import Contract, Pack
from commonground.intake.result import IntakeResult
from commonground.people.encode import distinct
from commonground.people.encoded.encoding import encode
from commonground.people.encoded.exchange import KIND, from_table
from commonground.people.encoded.matching import Matches, match
from commonground.people.encoded.parameters import STANDARD
from commonground.people.encoded.persons import Persons, read_persons
from commonground.people.mentions import Coders, Facts, TableReader, person_fields
from commonground.people.places import PLACE, place_texts

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
WANTED = {"name": "name", "birth": "birth", "sex": "sex", "id_no": "id_number", "phone": "phone"}
"""Fields of a person by the columns of ``read_persons``."""
PLACES = ("village_code", "residence_village")


def persons_table(table: pa.Table, contract: Contract, pack: Pack) -> pa.Table:
    """Columns of a table from intake that ``read_persons`` reads, of the person whom a row is about."""
    import pyarrow as pa
    import pyarrow.compute as pc

    facts = Facts(contract.kind.name, contract.subject, contract.rows_per_person == "many")
    reader = TableReader(table, person_fields(pack.concepts), Coders(), facts)
    out: dict[str, Any] = {}
    for field, column in WANTED.items():
        said = reader.said(contract.subject, field)
        texts = [reader.concept(c) for c in said]
        if not texts:
            out[column] = pa.nulls(table.num_rows, pa.string())
            continue
        found = pc.coalesce(*(c.cast(pa.string()) for c in texts if c is not None))
        precision = reader.concept(f"{said[0]}_precision") if field == "birth" else None
        if precision is not None:  # a year or a month is no day
            found = pc.if_else(pc.is_in(precision, pa.array(["day", "lunar"])), found, None)
        out[column] = found
    inside = [reader.concept(c) for c in (*PLACES, *reader.said(contract.subject, "address"))]
    texts = [c.cast(pa.string()) for c in inside if c is not None]
    out["place"] = pc.coalesce(*texts) if texts else pa.nulls(table.num_rows, pa.string())
    return pa.table(out)


def as_persons(table: pa.Table) -> Persons:
    """Standardise what ``persons_table`` gives."""
    return read_persons(table, {name: name for name in table.column_names})


def check_contract(contract: Contract, pack: Pack) -> None:
    """Refuse a contract by which nothing can be encoded.

    Raises
    ------
    ContractError
        It is of encodings already, or says neither who a row is about nor their names and birth or number.
    """
    fields = person_fields(pack.concepts)
    said = {c.concept.name for c in contract.columns if c.concept is not None}

    def has(field: str) -> bool:
        roles = (contract.subject, "self")
        return any(name in said for role in roles for name in fields.get((role, field), ()))

    why = None
    if contract.kind.name == KIND:
        why = Said("它说的已经是编码文件。", "It is of a file of encodings already.")
    elif not contract.subject:
        why = Said("它没有写明一行说的是谁（subject）。", "It does not say whom a row is about (subject).")
    elif not (has("id_no") or (has("name") and has("birth"))):
        why = Said(
            "编码至少要有身份证号，或者姓名和出生日期。",
            "An encoding needs the identity number, or the name with the date of birth.",
        )
    if why is not None:
        raise ContractError(
            Said("不能按这份约定编码。", "Nothing can be encoded by this contract."),
            where=str(contract.path),
            why=why,
            todo=Said("请补上这些列的含义（concept）。", "Say which columns these are (concept)."),
        )


def find_dataset(taken: IntakeResult, name: str) -> str:
    """Name of a dataset of encodings; the only one where ``name`` is empty.

    Raises
    ------
    ContractError
        There is none, several, or not this one.
    """
    known = [n for n, c in taken.contracts.items() if c.kind.name == KIND and n in taken.tables]
    if name in known or (not name and len(known) == 1):
        return name or known[0]
    raise ContractError(
        Said("没有这份编码数据。", "There is no such dataset of encodings.")
        if name
        else Said("请指明用哪一份编码数据。", "Say which dataset of encodings."),
        where=name,
        todo=did_you_mean(name, known)
        if known
        else Said("先让部门交来编码文件。", "Let a department deliver encodings first."),
    )


def spine_persons(city: City, taken: IntakeResult, version: Version, pack: Pack) -> tuple[Persons, Ints, list[str]]:
    """Persons on the spine by all that is said of them, each saying once.

    Returns
    -------
    Persons, int array, list of str
        Sayings, the person of each, and the ids on the spine.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    links = Vault(city).read_table(f"links/{version.number}", [*PLACE, "spine_id", "status"])
    links = links.filter(pc.equal(links.column("status"), "linked"))
    place = place_texts(links)
    parts = []
    for name in sorted(taken.tables):
        contract = taken.contracts[name]
        if not contract.subject:
            continue
        table = taken.tables[name]
        at = pc.index_in(place_texts(table), value_set=place)
        found = persons_table(table, contract, pack).append_column("spine_id", links.column("spine_id").take(at))
        parts.append(found.filter(pc.is_valid(found.column("spine_id"))))
    if not parts:
        return as_persons(pa.table({"name": pa.array([], pa.string())})), np.zeros(0, dtype=np.int64), []
    whole = pa.concat_tables(parts)
    whole = whole.group_by(whole.column_names, use_threads=False).aggregate([])
    ids, number = distinct(whole.column("spine_id"))
    return as_persons(whole.drop_columns(["spine_id"])), number, ids


def link_encoded(city: City, taken: IntakeResult, dataset: str, key: bytes, pack: Pack) -> tuple[pa.Table, Matches]:
    """Link the rows of a dataset of encodings to the spine of the current version.

    Returns
    -------
    pa.Table, Matches
        A row of the delivery each: place, encoded_row, spine_id, weight, probability, status; and the pairs.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table = taken.tables[dataset]
    table = table.filter(pc.equal(table.column("status"), "record"))
    left = from_table(table)
    persons, number, ids = spine_persons(city, taken, city.require_current(), pack)
    many = taken.contracts[dataset].rows_per_person == "many"
    found = match(left, encode(persons, key, STANDARD), group=number, one_to_one=not many)
    person = np.full(len(left), -1, dtype=np.int64)
    weight, probability = np.zeros(len(left)), np.zeros(len(left))
    taken_rows = found.a[found.chosen]
    person[taken_rows] = found.b[found.chosen]
    weight[taken_rows], probability[taken_rows] = found.weight[found.chosen], found.probability[found.chosen]
    none = person < 0
    names = np.array([*ids, None], dtype=object)
    made = {c: table.column(c) for c in PLACE}
    made |= {
        "encoded_row": table.column("encoded_row"),
        "spine_id": pa.array(names[person], pa.string()),
        "weight": pa.array(weight, mask=none),
        "probability": pa.array(probability, mask=none),
        "status": pa.array(np.where(none, "unlinked", "linked").astype(object), pa.string()),
    }
    return pa.table(made), found


def check_deliveries(folder: Path, key_mark: str) -> None:
    """Hold every file of encodings of a dataset against its manifest, and that against the key at hand.

    Raises
    ------
    DeliveryError
        A file has no manifest, is not the one that its manifest tells of, or was made with another key.
    """
    for file in sorted(folder.glob("*/*.encoded.parquet")):
        told = check_manifest(file.with_suffix(".json"), key_mark)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if told.get("sha256") != digest:
            raise DeliveryError(
                Said("编码文件与它的说明不符。", "The file of encodings is not the one that its manifest tells of."),
                where=str(file),
                why=Said(
                    "文件在做成之后变了，或两者不是一次做成的。", "It changed, or the two were not made together."
                ),
                todo=Said("请部门重新交来两个文件。", "Ask the department for both files again."),
            )


def check_manifest(path: Path, key_mark: str) -> Mapping[str, Any]:
    """Hold a delivery's manifest against the key and the parameters at hand.

    Raises
    ------
    DeliveryError
        It cannot be read, or the encodings were made with another key or in another way.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        marks = told["key_mark"], told["parameters"]["mark"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(
            Said("编码说明读不出来。", "The manifest of the encodings cannot be read."),
            where=str(path),
            todo=Said("请部门连同 .encoded.json 一起交来。", "Ask the department for the .encoded.json too."),
        ) from error
    if marks != (key_mark, STANDARD.mark):
        key = marks[0] != key_mark
        raise DeliveryError(
            Said(
                "这份编码与手上的密钥或参数不符。", "These encodings do not go with the key or the parameters at hand."
            ),
            where=str(path),
            why=Said("密钥不同。", "The key is another one.")
            if key
            else Said("编码参数不同。", "The parameters are others."),
            todo=Said("请核对双方的密钥标记和版本。", "Compare the marks of the key, and the versions, of both sides."),
        )
    return told
