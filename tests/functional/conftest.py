"""Whole cities, built once by the command line and looked at by many tests.

Tests that use the same city carry the same ``xdist_group``, so that one worker builds it once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cities import Ran, copy_sample, run_command


@pytest.fixture(scope="session")
def command() -> Callable[..., Ran]:
    """Run one command and give its exit code and what it said."""
    return run_command


@pytest.fixture(scope="session")
def demo_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the demo city, built, studied and published."""
    folder = tmp_path_factory.mktemp("demo") / "demo-city"
    done = run_command("demo", folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="session")
def sample_city(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the sample city, built, studied and published."""
    city = copy_sample(shared, tmp_path_factory.mktemp("sample"))
    for words in (("build", city), ("study", city, "achievement"), ("publish", city)):
        done = run_command(*words)
        assert done.code == 0, done.err
    return city
