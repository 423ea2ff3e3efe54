"""Linkage without names beside linkage in the clear, and comparing encodings beside clkhash and anonlink (CSIRO).

``python benchmarks/encoded.py [--quick|--full] [--people N] [--seed N]``:

* loss: invented people with Chinese names (``linkage_people.py``) linked by ``link_tables`` in the clear, and by
  ``encoded.match`` under several hardenings; precision, recall, recall of residents, left-behind children, migrants;
* speed: pairs of 1,024-bit filters compared in a second of CPU, every pair of two blocks of 4,000; anonlink gives the
  pairs above a threshold, ours the same pairs;
* peer: filters made by clkhash of the same columns, linked one to one by anonlink's greedy solver at the threshold
  that is best for it (it is told the truth for that), and ours as they are. Every pair is compared: 4,000 people.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import linkage_people
import numpy as np
from _bench import measure, peers

PEERS = ["clkhash==0.18.3", "anonlink==0.15.3", "pyarrow"]
CLEAR = {
    "name": "person_name",
    "birth": "birth_date",
    "sex": "category",
    "id_number": "id_number",
    "address": "address",
}
COLUMNS = {"name": "name", "birth": "birth", "sex": "sex", "id_number": "id_number", "place": "address"}
KEY = bytes(range(7, 263, 8))
PEER = """
import time, numpy as np, pyarrow.parquet as pq, anonlink
from clkhash import clk
from clkhash.schema import from_json_dict
def feature(name, bits, n, **more):
    hashing = {"comparison": {"type": "ngram", "n": n, **more}, "strategy": {"bitsPerFeature": bits}}
    return {"identifier": name, "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {**hashing, "hash": {"type": "blakeHash"}}}
KDF = {"type": "HKDF", "hash": "SHA256", "salt": "AAAA", "info": "AAAA", "keySize": 64}
FEATURES = [feature("name", 200, 1), feature("sound", 200, 2), feature("birth", 200, 1, positional=True),
            feature("sex", 50, 1)]
SCHEMA = {"version": 3, "clkConfig": {"l": 1024, "kdf": KDF}, "features": FEATURES}
def rows(path):
    t = pq.read_table(path).to_pylist()
    told = [(r["name"], r["surname_sound"] + r["given_sound"], r["birth"] or "", r["sex"]) for r in t]
    return [r["unique_id"] for r in t], told
def work(folder):
    import io, csv
    schema = from_json_dict(SCHEMA)
    ids, clks, took = {}, {}, 0.0
    for n in "ab":
        ids[n], data = rows(f"{folder}/{n}.parquet")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["name", "sound", "birth", "sex"])
        writer.writerows(data)
        text.seek(0)
        began = time.perf_counter()
        clks[n] = clk.generate_clk_from_csv(
            text, "secret key of the benchmark", schema, validate=False, progress_bar=False, max_workers=1
        )
        took += time.perf_counter() - began
    true = len(set(ids["a"]) & set(ids["b"]))
    best = {"f1": 0.0}
    for threshold in (0.7, 0.75, 0.8, 0.85, 0.9):
        began = time.process_time()
        dice = anonlink.similarities.dice_coefficient_accelerated
        found = anonlink.candidate_generation.find_candidate_pairs([clks["a"], clks["b"]], dice, threshold)
        compared = time.process_time() - began
        groups = anonlink.solving.greedy_solve(found)
        pairs = [(i, j) for (_, i), (_, j) in groups]
        hits = sum(ids["a"][i] == ids["b"][j] for i, j in pairs)
        p, r = hits / max(len(pairs), 1), hits / true
        f1 = 2 * p * r / max(p + r, 1e-9)
        if f1 > best["f1"]:
            best = {"f1": f1, "precision": p, "recall": r, "threshold": threshold}
        if threshold == 0.8:
            rate = len(clks["a"]) * len(clks["b"]) / compared
    return {**best, "rate": rate, "encode": took}
"""


def in_clear(folder: Path) -> tuple[list[int], list[int]]:
    """Ids linked in the clear."""
    import pyarrow.parquet as pq

    import commonground

    found = commonground.link_tables(*(pq.read_table(folder / f"{n}.parquet") for n in "ab"), fields=CLEAR)
    return found["left_id"].to_pylist(), found["right_id"].to_pylist()


def loss(folder: Path) -> list[tuple[str, dict[str, float]]]:
    """Precision, recall and recall by group in the clear and under each hardening."""
    import pyarrow.parquet as pq

    from commonground.people.encoded import STANDARD, encode, match, read_persons

    tables = [pq.read_table(folder / f"{n}.parquet") for n in "ab"]
    ids = [t["unique_id"].to_numpy() for t in tables]
    group = dict(zip(ids[1].tolist(), tables[1]["group"].to_pylist(), strict=True))
    true = set(ids[0].tolist()) & set(ids[1].tolist())

    def told(left: list[int], right: list[int], took: float) -> dict[str, float]:
        hits = [a for a, b in zip(left, right, strict=True) if a == b]
        out = {"precision": len(hits) / max(len(left), 1), "recall": len(hits) / len(true), "seconds": took}
        for name in linkage_people.GROUPS:
            out[name] = sum(group[h] == name for h in hits) / max(1, sum(group[t] == name for t in true))
        return out

    began = time.process_time()
    rows = [("in the clear", told(*in_clear(folder), time.process_time() - began))]
    persons = [read_persons(t, COLUMNS) for t in tables]
    sets = {
        "salt and fold (ours)": STANDARD,
        "salt, rule 90": replace(STANDARD, hardening="rule90"),
        "salt, balanced": replace(STANDARD, hardening="balance"),
        "salt alone": replace(STANDARD, hardening=""),
        "fold, no salt": replace(STANDARD, salt=""),
    }
    for name, parameters in sets.items():
        began = time.process_time()
        found = match(*(encode(p, KEY, parameters) for p in persons))
        a, b = (ids[k][rows_[found.chosen]].tolist() for k, rows_ in enumerate((found.a, found.b)))
        rows.append((name, told(a, b, time.process_time() - began)))
    return rows


def ours_rate(size: int = 4_000) -> float:
    """Pairs of 1,024-bit filters compared in a second of CPU."""
    from commonground.people.encoded.matching import dice

    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 2**63, (size, 16), dtype=np.uint64) for _ in range(2))
    a, b = (m.ravel() for m in np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
    dice(x, y, a[:10], b[:10])
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        np.flatnonzero(dice(x, y, a, b) >= 0.8)
        best = max(best, len(a) / (time.process_time() - began))
    return best


def main() -> None:
    """Measure, print tables, and a JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 people in each file (default)")
    parser.add_argument("--full", action="store_true", help="200,000 people in each file")
    parser.add_argument("--people", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    n = options.people or (200_000 if options.full else 20_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        linkage_people.simulate(folder, n, 0.7, options.seed)
        rows = loss(folder)
        print(f"{n:,} people  precision  recall  residents  left behind  migrants  cpu s")
        for what, r in rows:
            by = "  ".join(f"{r[g]:8.4f}" for g in linkage_people.GROUPS)
            print(f"{what:22} {r['precision']:8.4f} {r['recall']:8.4f} {by} {r['seconds']:7.1f}", flush=True)
        linkage_people.simulate(folder, 4_000, 0.7, options.seed)
        peer = measure(peers(PEERS), "anonlink", PEER, str(folder))
        small = loss(folder)[1][1]
    rate = ours_rate()
    assert peer is not None
    print(f"anonlink: {float(peer['rate']) / 1e6:.1f} million comparisons a CPU second; ours {rate / 1e6:.1f} million")  # type: ignore[arg-type]
    print(f"clkhash and anonlink, 4,000 people: F1 {float(peer['f1']):.4f} at {peer['threshold']};", end=" ")  # type: ignore[arg-type]
    f1 = 2 * small["precision"] * small["recall"] / max(small["precision"] + small["recall"], 1e-9)
    print(f"ours F1 {f1:.4f}")
    clear, ours = rows[0][1], rows[1][1]
    result = {
        "name": "encoded",
        "peer": "anonlink",
        "ratio": round(rate / float(peer["rate"]), 2),  # type: ignore[arg-type]
        "recall_lost": round(clear["recall"] - ours["recall"], 4),
        "precision": round(ours["precision"], 5),
        "f1": round(f1, 4),
        "peer_f1": round(float(peer["f1"]), 4),  # type: ignore[arg-type]
        "agree": ours["precision"] > 0.998,
        "people": n,
    }
    print(json.dumps(result))
    if not result["agree"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
