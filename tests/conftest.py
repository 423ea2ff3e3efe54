"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings


def shared_folder() -> Path | None:
    """Where the shared material is, or None on a bare machine."""
    given = os.environ.get("COMMONGROUND_SHARED")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared"
    return folder if (folder / "DESIGN.md").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the shared material; the test is skipped by name where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("shared material absent: set COMMONGROUND_SHARED to its folder")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let ``make conformance`` ask for the long runs."""
    parser.addoption("--conformance", action="store_true", help="long runs of the engine and property tests")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in every ordinary run, new ones in ``make conformance`` and where asked for.

    A commit is then judged by what it changed, and chance looks for defects where somebody waits for the answer.
    """
    settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
    settings.register_profile("random", deadline=None, print_blob=True)
    random = config.getoption("--conformance") or os.environ.get("HYPOTHESIS_PROFILE") == "random"
    settings.load_profile("random" if random else "repeatable")
