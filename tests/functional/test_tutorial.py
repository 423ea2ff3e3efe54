"""The tutorial's commands work in the order in which they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("demo")

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial"


def blocks(page: str) -> list[str]:
    """Give the shell blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```", (TUTORIAL / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_both_languages_give_the_same_commands() -> None:
    assert blocks("first-city.md")
    assert blocks("first-city.md") == blocks("first-city.zh.md")


def test_every_command_of_the_tutorial_works(demo_city: Path) -> None:
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "COMMONGROUND_LANG": "en", "PYTHONUTF8": "1"}
    for block in blocks("first-city.md"):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=demo_city.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
