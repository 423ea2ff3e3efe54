"""A short campaign of broken files; ``make fuzz`` runs the long one."""

from __future__ import annotations

from pathlib import Path

from fuzz.campaign import campaign


def test_no_broken_file_crashes_the_reader_or_loses_a_row(tmp_path: Path) -> None:
    tally = campaign(list(range(240)), tmp_path)
    assert len(tally.cases) == 240
    assert {"read", "refused"} <= {case.outcome for case in tally.cases}
    assert not [case for case in tally.cases if case.fault], tally.told()
