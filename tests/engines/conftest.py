"""Engines for the conformance suite, and its count of what was attempted and failed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from commonground.city import EngineSettings
from commonground.engine import DuckEngine, Engine


@dataclass
class Tally:
    """Comparisons of one engine with plain Python."""

    attempted: int = 0
    failures: list[str] = field(default_factory=list)

    def same(self, what: str, got: object, wanted: object) -> None:
        """Count one comparison."""
        self.attempted += 1
        if not agree(got, wanted):
            self.failures.append(f"{what}: {got!r} instead of {wanted!r}")


def agree(got: object, wanted: object) -> bool:
    """Whether an engine's value is Python's: numbers to the last few digits, all else exactly."""
    if isinstance(got, float) and isinstance(wanted, float):
        return got == wanted or abs(got - wanted) <= 1e-12 * max(abs(got), abs(wanted))
    return type(got) is type(wanted) and got == wanted


TALLY = Tally()


@pytest.fixture
def tally() -> Iterator[Tally]:
    """A count of its own for each test, added to the whole when the test ends."""
    mine = Tally()
    yield mine
    TALLY.attempted += mine.attempted
    TALLY.failures += mine.failures


@pytest.fixture(scope="session")
def duck() -> Iterator[Engine]:
    engine = DuckEngine(EngineSettings(memory="1GB", threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    """One Spark session for the run; skipped by name where Java or pyspark is absent."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: Spark is not compared")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed: Spark is not compared")
    from commonground.engine.spark import SparkEngine

    engine = SparkEngine(EngineSettings(name="spark", memory="1g", threads=1))
    yield engine
    engine.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if TALLY.attempted:
        terminalreporter.write_line(
            f"conformance: {TALLY.attempted} comparisons attempted, {len(TALLY.failures)} failed"
        )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A conformance run that compared nothing has not passed."""
    workers = session.config.getoption("numprocesses", None)
    if session.config.getoption("--conformance") and not workers and not TALLY.attempted and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
