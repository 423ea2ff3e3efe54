"""Whole cities for functional tests: the command line as a user runs it, and copies of the sample city."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """What a command gave back."""

    code: int
    out: str
    err: str


def run_command(*words: object, lang: str = "en") -> Ran:
    """Run ``commonground`` in a process of its own, as a user would."""
    environment = {**os.environ, "COMMONGROUND_LANG": lang, "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "commonground", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def copy_sample(shared: Path, folder: Path) -> Path:
    """Copy the contracts of the sample city, with a city.toml that names the shared deliveries."""
    city = folder / "sample-city"
    shutil.copytree(
        ROOT / "examples" / "sample-city", city, ignore=shutil.ignore_patterns("vault", "warehouse", "re*s", "ledger*")
    )
    settings = (city / "city.toml").read_text(encoding="utf-8")
    line = next(x for x in settings.splitlines() if x.startswith("deliveries"))
    deliveries = shared / "sample-city" / "deliveries"
    (city / "city.toml").write_text(settings.replace(line, f'deliveries = "{deliveries}"'), encoding="utf-8")
    return city
