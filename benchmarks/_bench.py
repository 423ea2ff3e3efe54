"""What the benchmarks share: the peers' environment, one run in a process of its own, medians."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

HARNESS = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
wall, cpu = time.perf_counter(), time.process_time()
found = work(*sys.argv[1:])
found |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if "judge" in globals():
    found = judge(found, *sys.argv[1:])
print(json.dumps({k: v if not isinstance(v, list) else [float(x) for x in v] for k, v in found.items()}))
"""


def peers(packages: Sequence[str]) -> Path:
    """Give the Python of the peers' environment ``benchmarks/.env``, made and filled on first use."""
    folder = Path(__file__).parent / ".env"
    python = folder / "bin" / "python"
    if not python.is_file():
        venv.create(folder, with_pip=True)
    names = [p.partition("==")[0] for p in packages]
    have = subprocess.run([python, "-c", f"import {', '.join(names)}"], capture_output=True, check=False)
    if have.returncode:
        print(f"installing {', '.join(packages)} ...", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return python


def measure(python: Path | str, name: str, worker: str, *words: str, limit: float = 900) -> dict[str, object] | None:
    """Run one worker in a process of its own; None when it takes longer than the limit (seconds)."""
    try:
        done = subprocess.run(
            [python, "-c", worker + HARNESS, *words], capture_output=True, text=True, check=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    except subprocess.CalledProcessError as fault:
        sys.exit(f"{name} failed:\n{fault.stderr[-2000:]}")
    loaded: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def middle(runs: Sequence[dict[str, object]]) -> dict[str, float]:
    """Medians of wall and CPU time (seconds) and of peak memory (MB)."""
    return {k: statistics.median(float(r[k]) for r in runs) for k in ("wall", "cpu", "memory")}  # type: ignore[arg-type]
