"""Undoing what happened to ids: every record concerned is named, and an event without any is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from commonground.errors import LinkError
from commonground.governance import Vault
from commonground.people.standing import history
from governance_kit import make_city

WENT, HOST, LEFT = history.WENT, history.HOST, history.LEFT
EVENTS = [("split", 1, 2), ("move", 3, 4), ("merge", 5, 6), ("split", 7, 8)]
ROWS = [
    (1, "a", LEFT), (1, "b", WENT), (1, "c", WENT),
    (2, "d", LEFT), (2, "e", WENT), (2, "f", WENT), (2, "g", HOST),
    (3, "h", WENT), (3, "i", WENT), (3, "j", HOST),
    (4, "k", WENT),
]  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(make_city(tmp_path / "city"))
    made = [
        {"event": i, "version": 2, "model": 1, "kind": kind, "before": before, "after": after, "records": 1}
        for i, (kind, before, after) in enumerate(EVENTS, 1)
    ]
    vault.write_table(history.EVENTS, pa.Table.from_pylist(made))
    vault.write_table(
        history.ROWS, pa.Table.from_pylist([dict(zip(("event", "place", "side"), r, strict=True)) for r in ROWS])
    )
    return vault


@pytest.mark.parametrize(
    ("event", "same", "other"),
    [
        (1, {"ab", "ac"}, set()),  # all that went comes back, not the first of it alone
        (2, {"de", "df"}, {"eg", "fg"}),
        (3, {"hi"}, {"hj", "ij"}),
    ],
)
def test_an_event_is_undone_for_every_record(vault: Vault, event: int, same: set[str], other: set[str]) -> None:
    made = history.undoing(vault, event, "local:test")
    assert {d.left + d.right for d in made if d.same} == same
    assert {d.left + d.right for d in made if not d.same} == other


def test_an_event_with_nothing_left_is_refused(vault: Vault) -> None:
    with pytest.raises(LinkError, match="cannot be undone by itself"):
        history.undoing(vault, 4, "local:test")
    with pytest.raises(LinkError, match="no event 9"):
        history.undoing(vault, 9, "local:test")
