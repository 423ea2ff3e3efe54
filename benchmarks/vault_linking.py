"""What the vault costs linkage: two files of people read by column from the vault, and from Parquet in the clear.

``python benchmarks/vault_linking.py [--quick|--full] [--people N] [--seed N] [--runs N]``: both programs read the
columns that linkage needs (of eleven), link them by ``link_tables`` and give the links, each in its own process, in
turn. The answers must be the same. ``read`` is the time of reading alone. With ``--demo CITY`` all records of a built
city are read, too, from the vault and from Parquet. The ratio is vault over clear: 1.3 is the bar.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import linkage_people
from _bench import measure, middle

BEFORE = """
import time, hashlib, commonground, pyarrow, pyarrow.parquet as pq
from pathlib import Path
from commonground.governance.columns import read_columns
FIELDS = {"name": "person_name", "birth": "birth_date", "sex": "category", "id_number": "id_number"}
FIELDS["address"] = "address"
COLUMNS = ["unique_id", *FIELDS]
def linked(a, b, began):
    read = time.perf_counter() - began
    found = commonground.link_tables(a, b, fields=FIELDS)
    text = str(list(zip(found["left_id"].to_pylist(), found["right_id"].to_pylist())))
    return {"links": found.num_rows, "mark": hashlib.sha256(text.encode()).hexdigest(), "read": read}
"""
WORKERS = {
    "clear": """
def work(folder):
    began = time.perf_counter()
    return linked(*(pq.read_table(Path(folder) / f"{n}.parquet", columns=COLUMNS) for n in "ab"), began)
""",
    "vault": """
def work(folder):
    began, key = time.perf_counter(), (Path(folder) / "key").read_bytes()
    tables = []
    for n in "ab":
        with (Path(folder) / f"{n}.sealed").open("rb") as file:
            tables.append(read_columns(key, n, file, COLUMNS))
    return linked(*tables, began)
""",
}
TABLES = """
import pyarrow.parquet as pq
from pathlib import Path
from commonground.governance.columns import read_columns
def work(folder, how):
    rows = 0
    for path in sorted(Path(folder).glob("*." + how)):
        if how == "parquet":
            rows += pq.read_table(path).num_rows
        else:
            with path.open("rb") as file:
                rows += read_columns((Path(folder) / "key").read_bytes(), path.stem, file).num_rows
    return {"rows": rows}
"""


def seal(folder: Path) -> None:
    """Seal both files as the vault does."""
    import secrets

    import pyarrow.parquet as pq

    from commonground.governance.columns import seal_table

    key = secrets.token_bytes(32)
    (folder / "key").write_bytes(key)
    for path in sorted(folder.glob("*.parquet")):
        (folder / f"{path.stem}.sealed").write_bytes(b"".join(seal_table(key, path.stem, pq.read_table(path))))


def records(city: Path, folder: Path) -> None:
    """Write the records of a built city in the clear, for as long as the benchmark runs."""
    import pyarrow.parquet as pq

    from commonground import intake
    from commonground.city import City

    taken = intake.run(City(city))
    for name in sorted(taken.tables):
        pq.write_table(taken.tables[name], folder / f"{name}.parquet")


def turn(folder: Path, runs: int) -> dict[str, list[dict[str, object]]]:
    """Run both in turn, so that a busy moment hurts both alike."""
    found: dict[str, list[dict[str, object]]] = {}
    for _ in range(runs):
        for name, worker in WORKERS.items():
            run = measure(sys.executable, name, BEFORE + worker, str(folder))
            if run:
                found.setdefault(name, []).append(run)
    return found


def main() -> None:
    """Measure, print a table, and a JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 people in each file (default)")
    parser.add_argument("--full", action="store_true", help="a million in each file")
    parser.add_argument("--people", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--demo", type=Path, help="a built city whose records are read, too")
    options = parser.parse_args()
    n = options.people or (1_000_000 if options.full else 50_000)
    result: dict[str, object] = {"name": "vault_linking", "people": n}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        linkage_people.simulate(folder, n, 0.7, options.seed)
        seal(folder)
        found = turn(folder, options.runs)
        same = len({str(r["mark"]) for runs in found.values() for r in runs}) == 1
        print(f"{'':8} {'wall s':>8} {'cpu s':>8} {'MB':>7} {'read s':>7}   links")
        best = {k: middle(runs) for k, runs in found.items()}
        for k, took in best.items():
            read = sorted(float(r["read"]) for r in found[k])[len(found[k]) // 2]  # type: ignore[arg-type]
            figures = f"{took['wall']:8.2f} {took['cpu']:8.2f} {took['memory']:7.0f} {read:7.3f}"
            print(f"{k:8} {figures} {found[k][0]['links']:8,.0f}")
        result |= {"ratio": round(best["vault"]["wall"] / best["clear"]["wall"], 3)}
        result |= {"cpu_ratio": round(best["vault"]["cpu"] / best["clear"]["cpu"], 3)}
        result |= {"memory_ratio": round(best["vault"]["memory"] / best["clear"]["memory"], 3), "agree": same}
    if options.demo:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            records(options.demo, folder)
            seal(folder)
            took = {}
            for how in ("parquet", "sealed"):
                runs = [measure(sys.executable, how, TABLES, str(folder), how) for _ in range(options.runs)]
                took[how] = middle([r for r in runs if r])
            print(
                f"demo city, all records: {took['parquet']['wall']:.3f} s in the clear, {took['sealed']['wall']:.3f} s"
            )
            result["demo_read_seconds"] = {k: round(v["wall"], 3) for k, v in took.items()}
    print(json.dumps(result))
    if not result["agree"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
