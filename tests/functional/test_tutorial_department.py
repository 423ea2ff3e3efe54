"""The tutorial “Your first department”: its commands work in their order, and what it says of the result is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commonground.intake import load_contract

pytestmark = pytest.mark.xdist_group("department")

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", (TUTORIAL / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def shell(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "COMMONGROUND_LANG": "en", "PYTHONUTF8": "1"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Follow the tutorial to its end; gives the folder and what each block said."""
    folder = tmp_path_factory.mktemp("department")
    said = []
    for block in blocks("first-department.md"):
        done = shell(block, folder)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
    return folder, said


def test_both_languages_give_the_same_commands() -> None:
    assert len(blocks("first-department.md")) == 6
    assert blocks("first-department.md") == blocks("first-department.zh.md")


def test_what_the_tutorial_says_of_the_proposal(followed: tuple[Path, list[str]]) -> None:
    folder, said = followed
    contract = load_contract(folder / "our-city" / "sources" / "education" / "boarders.toml")
    (layout,) = contract.layouts
    assert (layout.encoding, layout.header_row) == ("gb18030", (3,))
    assert {rule.reason for rule in layout.non_data} == {"total", "note"}
    (delivery,) = contract.deliveries
    assert (delivery.as_of and delivery.as_of.isoformat(), delivery.constants) == ("2025-09-01", {"school_year": 2025})
    assert "1 columns are not decided (床位系数)" in said[1]
    assert "床位系数" in said[3]
    (ignored,) = [rule for rule in contract.columns if rule.concept is None]
    assert ignored.source == ("床位系数",)


def test_what_the_tutorial_says_of_the_records(followed: tuple[Path, list[str]]) -> None:
    folder, _ = followed
    done = shell("commonground intake our-city --json", folder)
    result = json.loads(done.stdout)
    (row,) = result["conservation"]
    assert (row["rows"], row["records"], row["quarantined"], row["non_data"]) == (18, 12, 0, 6)
    assert (row["header"], row["total"], row["note"]) == (3, 2, 1)
    assert [(one["reason"], one["count"]) for one in result["quarantine"]] == [("id_check_digit", 1)]


def test_the_profile_names_nobody(followed: tuple[Path, list[str]]) -> None:
    folder, _ = followed
    page = (folder / "our-city" / "vault" / "profiles" / "education.boarders.html").read_text(encoding="utf-8")
    rows = (folder / "boarders.csv").read_text(encoding="utf-8").splitlines()[3:]
    people = [row.split(",") for row in rows if row[0].isdigit()]
    assert len(people) == 12
    assert not any(cell in page for person in people for cell in (person[1], person[3], person[4], person[9]))
