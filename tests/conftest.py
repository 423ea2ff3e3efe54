"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from material import shared_folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the shared material; the test is skipped by name where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("shared material absent: set COMMONGROUND_SHARED to its folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def every_intake_is_conserved() -> Iterator[None]:
    """Hold the conservation sums of whatever intake a test runs in its own process."""
    from intake_kit import checking_every_intake

    with checking_every_intake():
        yield


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
