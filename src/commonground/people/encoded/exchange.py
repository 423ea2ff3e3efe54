"""Encodings as a table that may leave a department, with a manifest that holds no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import DeliveryError, Said
from commonground.people.births import NO_DAY
from commonground.people.encoded.encoding import COMBINATIONS, Encoded
from commonground.people.encoded.parameters import STANDARD, Parameters
from commonground.people.encoded.persons import Persons

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
FORMAT = 1
KIND = "encoded_people"
COLUMNS = ("encoded_row", "encoded_keys", "encoded_filter")
"""Concepts of a delivery of encodings, and the columns of its file."""


def to_table(encoded: Encoded, number: Ints) -> pa.Table:
    """Give encodings as texts, in the order of their opaque row numbers."""
    import pyarrow as pa

    order = np.argsort(number, kind="stable")
    values = (pa.array(number[order]).cast(pa.string()), _hex(encoded.keys[order]), _hex(encoded.filters[order]))
    return pa.table(dict(zip(COLUMNS, values, strict=True)))


def _hex(words: Words) -> pa.Array:
    """Hexadecimal digits of each row of words."""
    import pyarrow as pa

    letters = np.frombuffer(words.astype(">u8").tobytes().hex().encode("ascii"), dtype=np.uint8)
    offsets = np.arange(len(words) + 1, dtype=np.int64) * (16 * words.shape[1])
    return pa.LargeStringArray.from_buffers(len(words), pa.py_buffer(offsets), pa.py_buffer(letters)).cast(pa.string())


def from_table(table: pa.Table, parameters: Parameters = STANDARD) -> Encoded:
    """Read encodings back.

    Raises
    ------
    DeliveryError
        A row is not of the length that ``parameters`` give, or holds something else than digits.
    """
    keys, filters = (
        _words(table, column, words)
        for column, words in zip(COLUMNS[1:], (len(COMBINATIONS), parameters.words), strict=True)
    )
    return Encoded(keys, filters, parameters)


def _words(table: pa.Table, column: str, words: int) -> Words:
    texts = table.column(column).to_pylist()
    joined = "".join(t or "" for t in texts)
    wrong = next((i for i, t in enumerate(texts) if t is None or len(t) != 16 * words), None)
    try:
        found = np.frombuffer(bytes.fromhex(joined), dtype=">u8") if wrong is None else None
    except ValueError:
        found = None
    if found is None:
        at = "" if wrong is None else f" {wrong + 1}"
        raise DeliveryError(
            Said("编码文件不完整，或不是同一版本编成的。", "These encodings are damaged, or of another version."),
            where=f"{column}{at}",
            why=Said(f"每行应为 {16 * words} 位十六进制数字。", f"Every row has {16 * words} hexadecimal digits."),
            todo=Said("请部门重新编码。", "Ask the department to encode again."),
        )
    return found.astype(np.uint64).reshape(-1, words)


def manifest(encoded: Encoded, persons: Persons, *, key_mark: str, digest: str) -> dict[str, Any]:
    """What was encoded and how, without the key: for both sides to compare before they link."""
    known = {
        "name": int((persons.name >= 0).sum()),
        "birth": int((persons.day != NO_DAY).sum()),
        "sex": int((persons.sex >= 1).sum()),
        "id_number": int((persons.number >= 0).sum()),
        "phone": int((persons.phone >= 0).sum()),
        "place": int((persons.place >= 0).sum()),
    }
    return {
        "format": FORMAT,
        "rows": len(encoded),
        "sha256": digest,
        "parameters": encoded.parameters.to_dict(),
        "key_mark": key_mark,
        "rows_with": known,
        "keys": {name: int((encoded.keys[:, i] != 0).sum()) for i, name in enumerate(COMBINATIONS)},
    }


CONTRACT = """\
# 不含姓名的人员编码，由 commonground people encode 在部门一侧生成。
# People without names, encoded at the department's site by commonground people encode.
[dataset]
kind = "encoded_people"
title = {{ zh = "{dataset}（编码）", en = "{dataset} (encoded)" }}
ignore = [{{ files = "*.encoded.json", reason = {{ zh = "编码说明", en = "manifest of the encodings" }} }}]

[[layout]]
files = "*.parquet"
format = "parquet"

[[column]]
source = "encoded_row"
concept = "encoded_row"

[[column]]
source = "encoded_keys"
concept = "encoded_keys"

[[column]]
source = "encoded_filter"
concept = "encoded_filter"
"""
"""Contract by which the city takes in a file of encodings."""
