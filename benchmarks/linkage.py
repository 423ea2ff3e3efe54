"""Linkage of two files of people with Chinese names beside Splink, on invented people with known truth.

``python benchmarks/linkage.py [--quick | --full | --sizes N ...] [--strict] [--loose] [--automatic] [--seed N]
[--runs N]``. Both programs read the same two Parquet files (``linkage_people.py``), each in a process of its own, in
turn, and link them one to one by name, date of birth, identity number, address and sex. Splink is set up as its
documentation recommends, with the names' readings as columns made beforehand; ours works them out. Blocking: the same
8 strict or 12 loose rules for both; ``--automatic`` adds ours with rules of its own choice.

Time is from the files to the links, imports left out; memory is the process's peak. Accuracy is compared at equal
precision: the largest F1 of any threshold, and recall where precision is still 0.999 or 0.9995, in all and by group.
Answers agree when ours reaches Splink's best F1 (less 0.0005) and the two find alike. Ratios are Splink's over ours:
above 1, ours takes less. ``--full`` is 1,000,000 strict (three runs) and loose (one), 5,000,000 strict (one), and the
growth of ours from 10,000 to 5,000,000: about 25 minutes on two quiet cores, most of them Splink's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from _bench import measure, middle, peers
from linkage_people import simulate
from linkage_workers import WORKERS

PEERS = ["splink==5.0.0", "pyarrow", "pandas"]
OVERLAP = 0.7
LIMIT = 3600.0
GROWTH = (10_000, 30_000, 100_000, 300_000, 1_000_000, 5_000_000)
SHOWN = ("best_f1", "recall@0.999", "recall@0.9995", "resident", "left_behind", "migrant")
Run = dict[str, object]


@dataclass(frozen=True)
class Task:
    """One size and set of blocking rules, and how often each program does it."""

    people: int
    rules: str
    runs: int
    programs: tuple[str, ...] = ("ours", "splink")


def tasks(options: argparse.Namespace) -> list[Task]:
    """What is to be measured."""
    if options.full:
        return [
            Task(1_000_000, "strict", options.runs or 3), Task(1_000_000, "loose", 1),
            Task(1_000_000, "automatic", 1, ("ours",)), Task(5_000_000, "strict", 1),
            *(Task(n, "strict", 1, ("ours",)) for n in GROWTH if n not in (1_000_000, 5_000_000)),
        ]  # fmt: skip
    kinds = [k for k in ("strict", "loose", "automatic") if getattr(options, k)] or ["strict"]
    runs = options.runs or 1
    return [
        Task(n, k, runs, ("ours",) if k == "automatic" else ("ours", "splink"))
        for n in options.sizes or [20_000]
        for k in kinds
    ]


def number(run: Run, key: str) -> float:
    """One figure of a run."""
    return float(run[key])  # type: ignore[arg-type]


def link(task: Task, folder: Path, python: Path) -> dict[str, list[Run]]:
    """Let each program link the same files, in turn, so that a busy moment hurts all alike."""
    files = [str(folder / f"{name}.parquet") for name in "ab"]
    found: dict[str, list[Run]] = {}
    for _ in range(task.runs):
        for name in task.programs:
            used = sys.executable if name == "ours" else python
            run = measure(used, name, WORKERS[name], *files, task.rules, limit=LIMIT)
            if run:
                found.setdefault(name, []).append(run)
    return found


def exponent(points: list[tuple[int, float]]) -> float:
    """Exponent of time in the number of people: slope of the logarithms, by least squares."""
    x, y = ([math.log(p[k]) for p in points] for k in (0, 1))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    over = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return over / sum((a - mean_x) ** 2 for a in x)


def report(results: list[tuple[Task, dict[str, list[Run]]]], options: argparse.Namespace) -> dict[str, object]:
    """Print the table, and give the last line's object."""
    head = " ".join(f"{k.replace('recall@', 'R@P'):>11}" for k in SHOWN)
    print(f"{'people':>9} {'rules':9} {'program':7} {'wall s':>8} {'cpu s':>8} {'MB':>7} {head}")
    agreed, all_ratios = True, []
    for task, found in results:
        for name, runs in found.items():
            took = middle(runs)
            figures = " ".join(f"{number(runs[0], k):11.4f}" for k in SHOWN)
            time = f"{took['wall']:8.2f} {took['cpu']:8.2f} {took['memory']:7.0f}"
            print(f"{task.people:9,} {task.rules:9} {name:7} {time} {figures}")
        if "splink" in found and "ours" in found:
            ours, theirs = found["ours"], found["splink"]
            mine, other = middle(ours), middle(theirs)
            agree = number(ours[0], "best_f1") > number(theirs[0], "best_f1") - 0.0005
            agreed &= agree
            worst = min(number(ours[0], g) for g in SHOWN[3:]) - min(number(theirs[0], g) for g in SHOWN[3:])
            one = {k: round(other[k] / mine[k], 3) for k in ("wall", "cpu", "memory")}
            one |= {"people": task.people, "rules": task.rules, "worst_group_gain": round(worst, 4), "agree": agree}
            all_ratios.append(one)
            print(f"{'':9} {'':9} splink / ours: wall {one['wall']}, cpu {one['cpu']}, memory {one['memory']}; "
                  f"worst group's recall at P=0.999 {100 * worst:+.2f} points")  # fmt: skip
    result: dict[str, object] = {"name": "linkage", "peer": "splink", "seed": options.seed, "agree": agreed}
    if all_ratios:
        first = all_ratios[0]
        result |= {"ratio": first["wall"], "cpu_ratio": first["cpu"], "memory_ratio": first["memory"]}
        result |= {"people": first["people"], "all": all_ratios}
    strict = [(t.people, f["ours"]) for t, f in results if t.rules == "strict" and "ours" in f]
    if len(strict) > 2:
        for key in ("wall", "cpu"):
            grown = exponent([(n, middle(runs)[key]) for n, runs in strict])
            result[f"{key}_exponent"] = round(grown, 3)
            print(f"exponent of {key} time, {len(strict)} sizes: {grown:.3f}")
    return result


def main() -> None:
    """Measure, print a table, and a JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 people in each file, strict (default)")
    parser.add_argument("--full", action="store_true", help="1,000,000 and 5,000,000, and the growth of ours")
    parser.add_argument("--sizes", type=int, nargs="+", help="people in each file")
    parser.add_argument("--strict", action="store_true", help="the 8 strict rules (default)")
    parser.add_argument("--loose", action="store_true", help="the 12 loose rules")
    parser.add_argument("--automatic", action="store_true", help="ours with rules that it chooses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, help="runs of each program; the median is shown")
    options = parser.parse_args()
    python = peers(PEERS)
    results: list[tuple[Task, dict[str, list[Run]]]] = []
    wanted = sorted(tasks(options), key=lambda t: t.people)
    with tempfile.TemporaryDirectory() as name:
        folder, made = Path(name), 0
        for task in wanted:
            if task.people != made:
                simulate(folder, task.people, OVERLAP, options.seed)
                made = task.people
            results.append((task, link(task, folder, python)))
            print(f"done: {task.people:,} {task.rules}", file=sys.stderr)
    result = report(results, options)
    print(json.dumps(result))
    if not result["agree"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
