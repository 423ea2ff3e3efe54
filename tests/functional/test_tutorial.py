"""The tutorial's commands work in the order in which they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("demo")

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial"


def blocks(page: str) -> list[str]:
    """Give the shell blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```", (TUTORIAL / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["first-city", "first-definition"])
def test_both_languages_give_the_same_commands(page: str) -> None:
    assert blocks(f"{page}.md")
    assert blocks(f"{page}.md") == blocks(f"{page}.zh.md")


def run(blocks: list[str], folder: Path) -> str:
    """Run shell blocks one after the other in a folder; each must succeed."""
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "COMMONGROUND_LANG": "en", "PYTHONUTF8": "1"}
    said = ""
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        said += done.stdout
    return said


def test_every_command_of_the_tutorial_works(demo_city: Path) -> None:
    first, *others = blocks("first-city.md")
    assert first == "commonground demo demo-city\n"  # the fixture ran this very command
    run(others, demo_city.parent)


def test_the_first_definition_is_written_counted_and_changed(demo_city: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_city.parent, tmp_path / "copy")
    said = run(blocks("first-definition.md"), tmp_path / "copy")
    assert "4 attempted, 0 failed" in said
    assert "BOARDS_ALONE_1" in said
    assert "age limit (18 → 16)" in said
