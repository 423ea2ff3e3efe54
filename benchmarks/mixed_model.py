"""Linear mixed models beside their peers, on simulated pupils in schools crossed with home counties.

``python benchmarks/mixed_model.py [--quick|--full] [--seed N]``: each program reads the same Parquet file in a process
of its own, in turn, three times; their answers must agree. Peers live in ``benchmarks/.env`` (made on first use).
Time is from the file to the fitted model, imports left out; memory is the process's peak.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

from _bench import measure, middle, peers

PEERS = ["glmm==0.6.2", "statsmodels", "pyarrow", "pandas"]
FORMULAS = {
    "crossed": "score ~ prior + girl + (1 | school) + (1 | home)",
    "slope": "score ~ prior + girl + away + (1 + away | school)",
}

WORKERS = {
    "ours": """
import duckdb, pyarrow, scipy.linalg, scipy.sparse, scipy.special
from commonground.study import fit_mixed
def work(path, formula):
    m = fit_mixed(formula, path)
    assert m.converged
    return {"criterion": m.criterion, "beta": [c.estimate for c in m.fixef], "se": [c.se for c in m.fixef]}
""",
    "glmm": """
import glmm, pyarrow.parquet as pq
def work(path, formula):
    table = pq.read_table(path)
    data = {n: table[n].to_numpy() for n in table.column_names}
    for n in ("school", "home"):
        data[n] = data[n].astype(str)
    m = glmm.fit(data, formula, satterthwaite=False)
    return {"criterion": -2 * m.loglik, "beta": list(m.beta), "se": list(m.se)}
""",
    "statsmodels": """
import pyarrow.parquet as pq, statsmodels.formula.api as smf
def work(path, formula):
    data = pq.read_table(path).to_pandas()
    m = smf.mixedlm("score ~ prior + girl + away", data, groups=data["school"], re_formula="~away").fit(reml=True)
    return {"criterion": -2 * m.llf, "beta": list(m.fe_params), "se": list(m.bse_fe)}
""",
}


def simulate(path: Path, n: int, seed: int) -> dict[str, int]:
    """Write pupils with planted school levels, school gaps and home counties."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    schools, homes = max(50, n // 245), max(20, n // 980)
    school, home = rng.integers(0, schools, n), rng.integers(0, homes, n)
    prior, girl, away = rng.normal(size=n), rng.integers(0, 2, n), (rng.random(n) < 0.3).astype(int)
    score = (
        0.6 * prior + 0.1 * girl - 0.1 * away + rng.normal(0, 0.3, schools)[school] + rng.normal(0, 0.1, homes)[home]
    )
    score += away * rng.normal(0, 0.15, schools)[school] + rng.normal(0, 0.7, n)
    columns = {"school": school, "home": home, "prior": prior, "girl": girl, "away": away, "score": score}
    pq.write_table(pa.table(columns), path)
    return {"pupils": n, "schools": schools, "homes": homes}


def agree(a: dict[str, object], b: dict[str, object]) -> bool:
    """Whether two fits give the same model: criterion to 0.01, coefficients to a hundredth of a standard error."""
    same = abs(a["criterion"] - b["criterion"]) < 0.01  # type: ignore[operator]
    pairs = zip(a["beta"], b["beta"], a["se"], strict=True)  # type: ignore[call-overload]
    return same and all(abs(x - y) < 0.01 * s for x, y, s in pairs)


def main() -> None:
    """Measure, print a table, and a JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 pupils (default)")
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and 1,000,000 pupils")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    python = peers(PEERS)
    sizes = [10_000, 100_000, 1_000_000] if options.full else [100_000]
    rows, agreed, best = [], True, {}
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            path = Path(folder) / f"{n}.parquet"
            print(json.dumps(simulate(path, n, options.seed)))
            for label, formula in FORMULAS.items():
                found: dict[str, list[dict[str, object]]] = {}
                # in turn, so that a busy moment hurts all alike
                for _ in range(options.runs):
                    for name in WORKERS:
                        if name == "statsmodels" and (label != "slope" or n > 100_000):
                            continue
                        used = sys.executable if name == "ours" else python
                        run = measure(used, f"{name} on {formula}", WORKERS[name], str(path), formula)
                        if run:
                            found.setdefault(name, []).append(run)
                ours = found["ours"][0]
                for name, runs in found.items():
                    same = agree(ours, runs[0])
                    agreed &= same
                    best[n, label, name] = middle(runs)
                    rows.append((n, label, name, best[n, label, name], runs[0]["criterion"], same))
    print(f"{'pupils':>9} {'model':8} {'program':12} {'wall s':>8} {'cpu s':>8} {'MB':>7} {'criterion':>16} agrees")
    for n, label, name, took, criterion, same in rows:
        figures = f"{took['wall']:8.2f} {took['cpu']:8.2f} {took['memory']:7.0f} {criterion:16.4f}"
        print(f"{n:9,} {label:8} {name:12} {figures} {same}")
    last = sizes[-1]
    ratios = {
        key: math.prod(best[last, m, "glmm"][key] / best[last, m, "ours"][key] for m in FORMULAS) ** 0.5
        for key in ("wall", "cpu", "memory")
    }
    result = {
        "name": "mixed_model",
        "peer": "glmm",
        "ratio": round(ratios["wall"], 3),
        "cpu_ratio": round(ratios["cpu"], 3),
        "memory_ratio": round(ratios["memory"], 3),
        "agree": agreed,
        "pupils": last,
    }
    print(json.dumps(result))
    if not agreed:
        sys.exit(1)


if __name__ == "__main__":
    main()
