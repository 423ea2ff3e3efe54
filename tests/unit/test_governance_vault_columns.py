"""Tables of the vault: one column is read alone, and nothing in the file can be changed or moved unnoticed."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import StorageError
from commonground.governance import Vault
from commonground.governance import columns as columns_module
from commonground.governance.columns import check_columns, read_columns, seal_table
from governance_kit import make_city

KEY, OTHER = b"k" * 32, b"o" * 32
TABLE = pa.table(
    {
        "name": [f"王{i}" for i in range(40)],
        "number": pa.array(range(40), pa.int32()),
        "empty": pa.nulls(40, pa.string()),
    }
)


def sealed(name: str = "pairs/1", version: str = "1", key: bytes = KEY, table: pa.Table = TABLE) -> bytes:
    return b"".join(seal_table(key, name, table, version))


def opened(content: bytes, name: str = "pairs/1", version: str = "1", key: bytes = KEY, columns=None) -> pa.Table:  # type: ignore[no-untyped-def]
    return read_columns(key, name, io.BytesIO(content), columns, version)


def pieces(content: bytes) -> tuple[bytes, list[list[bytes]]]:
    """Head with directory, and the chunks of each column."""
    _, directory = columns_module._read_directory(KEY, "pairs/1", "1", io.BytesIO(content))
    found = [[content[at : at + size] for _, at, size in column] for column in directory.chunks]
    return content[: directory.chunks[0][0][1]], found


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "CHUNK", 200)


def test_a_table_comes_back_whole_or_by_column() -> None:
    content = sealed()
    assert opened(content).equals(TABLE)
    assert opened(content, columns=["number", "name"]).equals(TABLE.select(["number", "name"]))
    assert opened(content, columns=[]).num_columns == 0
    with pytest.raises(KeyError, match="phone"):
        opened(content, columns=["phone"])
    assert "王1".encode() not in content
    assert b"number" not in content
    assert sealed() != sealed()


@pytest.mark.usefixtures("small_chunks")
def test_reading_one_column_opens_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    content = sealed()
    head, columns = pieces(content)
    # the name column is damaged everywhere; the others do not notice, and it does
    damaged = head + bytes(sum(map(len, columns[0]))) + b"".join(b"".join(c) for c in columns[1:])
    assert len(columns[0]) > 2
    assert opened(damaged, columns=["number", "empty"]).equals(TABLE.select(["number", "empty"]))
    with pytest.raises(ValueError, match="altered"):
        opened(damaged, columns=["name"])


@pytest.mark.usefixtures("small_chunks")
def test_chunks_cannot_be_moved_dropped_doubled_exchanged_or_taken_from_an_older_file() -> None:
    content, older = sealed(), sealed()
    head, columns = pieces(content)
    _, before = pieces(older)

    def file(changed: list[list[bytes]], head: bytes = head) -> bytes:
        return head + b"".join(b"".join(c) for c in changed)

    assert file(columns) == content
    name, number, empty = columns
    attacks = {
        "chunks exchanged": [[name[1], name[0], *name[2:]], number, empty],
        "chunk of an older writing": [[before[0][0], *name[1:]], number, empty],
        "column of an older writing": [before[0], number, empty],
        "chunk left out": [name[1:], number, empty],
        "last chunk left out": [name[:-1], number, empty],
        "chunk doubled": [[name[0], *name], number, empty],
        "columns exchanged": [number, name, empty],
        "column left out": [name, number],
        "something appended": [name, number, [*empty, b"x"]],
    }
    for what, changed in attacks.items():
        with pytest.raises(ValueError, match=r"altered|appended"):
            opened(file(changed))
        with pytest.raises(ValueError, match=r"altered|appended"):
            check_columns(KEY, "pairs/1", io.BytesIO(file(changed)), "1")
        assert what
    with pytest.raises(ValueError, match="altered"):  # the directory of another writing, with the chunks of this one
        opened(file(columns, pieces(older)[0]))


def test_another_entry_version_or_key_does_not_open() -> None:
    content = sealed()
    for wrong in ({"name": "pairs/2"}, {"version": "2"}, {"version": ""}, {"key": OTHER}):
        with pytest.raises(ValueError, match="altered"):
            opened(content, **wrong)
    # what is said of name and version cannot run together: ("a", "b|c") is not ("a|b", "c")
    with pytest.raises(ValueError, match="altered"):
        opened(sealed("a", "b|c"), "a|b", "c")


@pytest.mark.usefixtures("small_chunks")
def test_no_flipped_bit_and_no_cut_passes() -> None:
    content, draw = sealed(), random.Random(7)
    for _ in range(300):
        at = draw.randrange(len(content))
        flipped = bytearray(content)
        flipped[at] ^= 1 << draw.randrange(8)
        with pytest.raises(ValueError, match=r"."):
            opened(bytes(flipped))
    for size in {0, 3, 15, 16, 20, len(content) - 1, *(draw.randrange(len(content)) for _ in range(40))}:
        with pytest.raises(ValueError, match=r"."):
            opened(content[:size])


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(ValueError, match="two columns"):
        seal_table(KEY, "a", twice)


TYPES = [pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.list_(pa.int8()), pa.binary()]


@given(st.lists(st.sampled_from(TYPES), max_size=4), st.integers(0, 30), st.integers(1, 400), st.randoms())
def test_every_table_comes_back(types: list[pa.DataType], rows: int, chunk: int, draw: random.Random) -> None:
    def one(kind: pa.DataType) -> object:
        made = {0: "王" * draw.randrange(4), 1: draw.randrange(99), 2: draw.random(), 3: draw.random() < 0.5}
        made |= {4: draw.randrange(9999), 5: [1, 2], 6: b"x"}
        return None if draw.random() < 0.3 else made[TYPES.index(kind)]

    table = pa.table({f"c{i}": pa.array([one(t) for _ in range(rows)], t) for i, t in enumerate(types)})
    halves = pa.concat_tables([table.slice(0, rows // 2), table.slice(rows // 2)]) if types else table
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns_module, "CHUNK", chunk)
        content = sealed(table=halves)
        check_columns(KEY, "pairs/1", io.BytesIO(content), "1")
        assert opened(content).equals(halves)


def test_the_vault_refuses_an_older_file_put_back(tmp_path: Path) -> None:
    vault = Vault(make_city(tmp_path / "city"))
    path = vault.folder / "standing" / "persons.sealed"
    vault.write_table("standing/persons", TABLE, version="7")
    before = path.read_bytes()
    vault.write_table("standing/persons", TABLE.slice(1), version="8")
    assert vault.read_table("standing/persons", ["number"], version="8").num_rows == 39
    path.write_bytes(before)
    with pytest.raises(StorageError, match="another entry, version"):
        vault.read_table("standing/persons", version="8")
    assert vault.read_table("standing/persons", version="7").equals(TABLE)


def test_the_vault_tells_whole_tables_from_damaged_ones(tmp_path: Path) -> None:
    vault = Vault(make_city(tmp_path / "city"))
    vault.write_table("links/1", TABLE, key="delivery-1")
    path = vault.folder / "links" / "1.sealed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert vault.whole("links/1", key="delivery-1")
    assert not vault.whole("links/1")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not vault.whole("links/1", key="delivery-1")
    with pytest.raises(StorageError, match="cannot be read"):
        vault.read_table("links/1", key="delivery-1")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(make_city(tmp_path / "city"))
    vault.write_table("links/1", TABLE)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        vault.write_table("links/1", TABLE.slice(5))
    monkeypatch.undo()
    assert vault.read_table("links/1").equals(TABLE)
    assert sorted(p.name for p in (vault.folder / "links").iterdir()) == ["1.sealed"]
