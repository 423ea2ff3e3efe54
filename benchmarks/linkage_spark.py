"""What a pair of records costs on DuckDB and on Spark: the same tables, the same statements, the same links.

``python benchmarks/linkage_spark.py [--quick|--sizes N ...] [--seed N] [--threads N]``: two files of N people each
(``linkage_people``) are weighed once on each engine in a process of its own; Spark runs in local mode. ``engine`` is
what the statements that find and compare pairs take and what it costs to hand the tables over; ``all`` is everything
from the tables to the weights. CPU time counts Spark's Java process too; memory is the peak of Python and of Java.
Starting Spark is left out. The weights of the pairs must be equal to the last bit.

The cost of the engine has three parts: of a statement, of a row, of a pair. The smallest size is therefore run twice,
the second time with a rule more that gives many pairs (``wide``): what is added there is the cost of the pairs. What is
added between sizes, less that of the pairs, is the cost of the rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from _bench import measure
from linkage_people import simulate

WORKER = """
import hashlib, os, sys, time
import pyarrow.parquet as pq
from commonground.city import EngineSettings
from commonground.engine import open_engine
from commonground.people.pairs import weigh_tables
FIELDS = {"name": "person_name", "birth": "birth_date", "id_number": "id_number", "address": "address",
          "sex": "category"}
RULES = [
    ["id_number:number"], ["name:sound", "birth:year"], ["birth:day", "name:surname"], ["name:given", "birth:day"],
    ["birth:day", "address:county"], ["name:sound", "address:county"],
    ["name:surname", "birth:year", "address:village"], ["name:given", "address:village"],
]
NAME, THREADS, memory = sys.argv[3], int(sys.argv[4]), sys.argv[5]
if sys.argv[6] == "wide":
    RULES.append(["birth:year", "sex:same"])
opened = open_engine(EngineSettings(NAME, memory, THREADS))
java = opened.session.sparkContext._gateway.proc.pid if NAME == "spark" else 0
if java:
    opened.rows("SELECT 1")

def java_cpu():
    if not java:
        return 0.0
    fields = open(f"/proc/{java}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def java_memory():
    if not java:
        return 0.0
    lines = open(f"/proc/{java}/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

class Timed:
    name, dialect = opened.name, opened.dialect
    wall = cpu = 0.0
    def __getattr__(self, method):
        def call(*given):
            begun = time.perf_counter(), time.process_time() + java_cpu()
            try:
                return getattr(opened, method)(*given)
            finally:
                Timed.wall += time.perf_counter() - begun[0]
                Timed.cpu += time.process_time() + java_cpu() - begun[1]
        return call

def work(left, right, *rest):
    a, b = (pq.read_table(p, columns=["unique_id", *FIELDS]) for p in (left, right))
    before = java_cpu()
    found = weigh_tables(a, b, fields=FIELDS, rules=RULES, pair_budget=10**9, floor=-12.0, engine=Timed())
    mark = hashlib.sha256(found.a.tobytes() + found.b.tobytes() + found.weight.tobytes()).hexdigest()
    return {"pairs": found.compared, "mark": mark, "engine_wall": Timed.wall, "engine_cpu": Timed.cpu,
            "java_cpu": java_cpu() - before, "java_memory": java_memory()}
"""


Run = dict[str, float]


def row(size: int, rules: str, name: str, n: Run) -> str:
    """One line of the table."""
    return (
        f"{size:>9,} {rules:>6} {name:>7} {n['pairs']:>11,.0f} {n['wall']:>8.1f} {n['cpu'] + n['java_cpu']:>8.1f} "
        f"{n['engine_wall']:>9.1f} {n['engine_cpu']:>9.1f} {n['memory']:>9,.0f} {n['java_memory']:>8,.0f}"
    )


def costs(name: str, runs: dict[tuple[int, str], Run]) -> str:
    """CPU time of a pair and of a row (of either table), in microseconds."""
    sizes = sorted({size for size, _ in runs})
    few, many = runs[sizes[0], "strict"], runs.get((sizes[0], "wide"))
    if many is None:
        return f"{name}: no cost of a pair without the wide run"
    pair = (many["engine_cpu"] - few["engine_cpu"]) / (many["pairs"] - few["pairs"])
    said = f"{name}: {1e6 * pair:.2f} us a pair"
    if len(sizes) > 1:
        last = runs[sizes[-1], "strict"]
        more = last["engine_cpu"] - few["engine_cpu"] - pair * (last["pairs"] - few["pairs"])
        said += f", {1e6 * more / (2 * (sizes[-1] - sizes[0])):.1f} us a row"
    return said


def main() -> int:
    """Run both engines at each size; unequal weights are a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 people only")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--engines", nargs="+", default=["duckdb", "spark"])
    given = parser.parse_args()
    print(f"{'people':>9} {'rules':>6} {'engine':>7} {'pairs':>11} {'all: s':>8} {'CPU s':>8} {'engine: s':>9} "
          f"{'CPU s':>9} {'Python MB':>9} {'Java MB':>8}")  # fmt: skip
    sizes = [10_000] if given.quick else sorted(given.sizes)
    runs: dict[str, dict[tuple[int, str], Run]] = {name: {} for name in given.engines}
    same = True
    for size, rules in [(sizes[0], "wide"), *((size, "strict") for size in sizes)]:
        with tempfile.TemporaryDirectory() as name:
            simulate(Path(name), size, 0.7, given.seed)
            left, right = (str(Path(name) / f"{side}.parquet") for side in "ab")
            marks = set()
            for engine in given.engines:
                words = (left, right, engine, str(given.threads), given.memory, rules)
                found = measure(sys.executable, engine, WORKER, *words, limit=3000)
                if found is None:
                    print(f"{size:>9,} {rules:>6} {engine:>7} not done in 3000 s")
                    continue
                marks.add(found.pop("mark"))
                runs[engine][size, rules] = {k: float(v) for k, v in found.items()}  # type: ignore[arg-type]
                print(row(size, rules, engine, runs[engine][size, rules]), flush=True)
            same &= len(marks) <= 1
    for engine in given.engines:
        if (sizes[0], "strict") in runs[engine]:
            print(costs(engine, runs[engine]))
    print("weights equal to the last bit" if same else "WEIGHTS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
