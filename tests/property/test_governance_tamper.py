"""Whatever somebody with write access to the database does to the ledger, it shows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from commonground.governance.guard import canonical, check
from commonground.governance.keys import KeyRing
from commonground.governance.ledger import Ledger
from commonground.governance.vault import seal, unseal

COLUMNS = ("seq", "at", "kind", "actor", "subject", "detail", "previous", "mac")
ROWS = 6
KEY = bytes(range(32))


class Kept:
    """A ledger whose rows can be written back after each damage."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", KeyRing(folder / "keys"))
        for number in range(ROWS):
            self.ledger.append("build", "local:chen", f"版本 {number}", {"version": number, "hash": "0f" * 16})
        self.database = sqlite3.connect(folder / "ledger.db", isolation_level=None)
        self.database.execute("PRAGMA synchronous = OFF")
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_follows"):
            self.database.execute(f"DROP TRIGGER {name}")
        self.rows: list[tuple[Any, ...]] = self.database.execute("SELECT * FROM ledger ORDER BY seq").fetchall()

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        self.database.execute("BEGIN")
        self.database.execute("DELETE FROM ledger")
        self.database.executemany("INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self.database.execute("COMMIT")

    def faults(self) -> set[str]:
        return {str(f.kind) for f in self.ledger.verify().faults} - {"unguarded"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("ledger"))
    yield kept
    kept.database.close()
    kept.ledger.close()


many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(row=st.integers(0, ROWS - 1), column=st.integers(1, 7), place=st.integers(0, 200), bit=st.integers(0, 6))
def test_one_bit_of_any_text_of_any_row(kept: Kept, row: int, column: int, place: int, bit: int) -> None:
    text = bytearray(str(kept.rows[row][column]).encode("utf-8"))
    assume(text)
    text[place % len(text)] ^= 1 << bit
    try:
        changed = text.decode("utf-8")
    except UnicodeDecodeError:
        assume(False)
    rows = [list(r) for r in kept.rows]
    rows[row][column] = changed
    kept.write([tuple(r) for r in rows])
    assert kept.faults()
    kept.write(kept.rows)
    assert kept.faults() == set()


@many
@given(rows=st.lists(st.integers(0, ROWS - 1), max_size=ROWS + 2), renumber=st.booleans())
def test_any_selection_and_order_of_rows(kept: Kept, rows: list[int], renumber: bool) -> None:
    """Rows left out, swapped, doubled, cut off, with their old numbers or renumbered without a gap."""
    chosen = [kept.rows[r] for r in rows]
    if renumber:
        chosen = [(number, *r[1:]) for number, r in enumerate(chosen, 1)]
    kept.write(chosen)
    stands = kept.database.execute("SELECT * FROM ledger ORDER BY seq").fetchall()
    assert bool(kept.faults()) == (stands != kept.rows)


@many
@given(left=st.integers(0, ROWS))
def test_any_cut_of_the_end_shows_against_the_head(kept: Kept, left: int) -> None:
    kept.write(kept.rows[:left])
    expected = set() if left == ROWS else {"truncated"} if left else {"replaced"}
    assert kept.faults() == expected


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text('abc中文·|"\\\n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["甲", "a", "b", "z"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(detail=st.dictionaries(st.sampled_from(["x", "版本", "rows"]), plain, max_size=3))
def test_canonical_writing_does_not_depend_on_order(detail: dict[str, Any]) -> None:
    check(detail)
    assert canonical(detail) == canonical(dict(reversed(detail.items())))


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200), place=st.integers(0, 10**6), bit=st.integers(0, 7))
@example(content=b"\x00\x00", place=17, bit=0)
def test_one_bit_of_a_vault_entry(content: bytes, place: int, bit: int) -> None:
    sealed = bytearray(seal(KEY, "records/a", content))
    assert unseal(KEY, "records/a", bytes(sealed)) == content
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(ValueError, match=r"."):
        unseal(KEY, "records/a", bytes(sealed))


@given(content=st.binary(max_size=50), cut=st.integers(0, 10**6), more=st.binary(min_size=1, max_size=5))
def test_a_vault_entry_cut_off_or_continued(content: bytes, cut: int, more: bytes) -> None:
    sealed = seal(KEY, "records/a", content)
    for damaged in (sealed[: cut % len(sealed)], sealed + more):
        with pytest.raises(ValueError, match=r"."):
            unseal(KEY, "records/a", damaged)
