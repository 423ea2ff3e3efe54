"""The meaning of columns beside simple peers and valentine, on the sample city and the unseen cities.

``python benchmarks/suggest.py [--quick] [--hold-out]``: each peer is given the same columns (names and at most 200
values) and, as the other table to match with, one column for each concept: its Chinese and its English label as names,
and 200 made values (``scripts/made_values.py``). Peers that give a score are cut at the threshold that is best for them
(most right less wrong, chosen on the answers themselves: in their favour); ours is as it is. ``synonyms`` is a peer
that has all of ours but the model: the header's likeness to every name that the pack knows. City 3 is a hold-out and
run only when asked for; ``--quick`` leaves the sample city out.

COMA runs on names alone: its use of values needs NLTK's data, which is not on the package index.

WhiteRabbit and Rabbit-in-a-Hat propose no meaning: everything there is drawn by hand, so their figure is nought.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _bench import measure, peers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

PEERS = ["valentine==1.0.1", "rapidfuzz==3.14.6", "pandas"]
VALUES = 200

FUZZ = """
import json
from rapidfuzz import fuzz, process
def work(source, names):
    tasks, target = json.load(open(source)), json.load(open(names))
    words = [(w, c) for c, entry in target.items() for w in entry[WHICH]]
    out = []
    for task in tasks:
        for name in task["columns"]:
            best = process.extract(name.lower(), [w for w, _ in words], scorer=fuzz.ratio, limit=1)[0]
            out.append([words[best[2]][1], best[1] / 100])
    json.dump(out, open(source + ".out", "w"))
    return {}
"""
VALENTINE = """
import json, pandas as pd
from valentine import valentine_match
from valentine.algorithms import Coma, JaccardDistanceMatcher
def work(source, names):
    tasks, target = json.load(open(source)), json.load(open(names))
    frame = pd.DataFrame({entry["labels"][WHICH_LABEL]: pd.Series(entry["values"]) for entry in target.values()})
    concept = {entry["labels"][WHICH_LABEL]: name for name, entry in target.items()}
    out = []
    for task in tasks:
        data = pd.DataFrame({name: pd.Series(values) for name, values in task["columns"].items()})
        best = {}
        for pair, score in valentine_match([data, frame], MATCHER).items():
            one = (pair.source_column, pair.target_column)
            if score > best.get(one[0], ("", 0))[1]:
                best[one[0]] = (concept[one[1]], score)
        out += [list(best.get(name, ("", 0.0))) for name in task["columns"]]
    json.dump(out, open(source + ".out", "w"))
    return {}
"""
WORKERS = {
    "rapidfuzz, labels": FUZZ.replace("WHICH", '"labels"'),
    "rapidfuzz, synonyms": FUZZ.replace("WHICH", '"synonyms"'),
    "valentine COMA, names": VALENTINE.replace("WHICH_LABEL", "0").replace("MATCHER", "Coma(use_instances=False)"),
    "valentine Jaccard": VALENTINE.replace("WHICH_LABEL", "0").replace("MATCHER", "JaccardDistanceMatcher()"),
}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true")
    words.add_argument("--hold-out", action="store_true")
    given = words.parse_args()
    from answer_keys import plain, sample, shared, unseen

    python = peers(PEERS)
    cities = ["city1", "city2", *(["city3"] if given.hold_out else [])]
    if not given.quick and shared().is_dir():
        cities.append("sample")
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names.json"
        names.write_text(json.dumps(concepts(), ensure_ascii=False), encoding="utf-8")
        for city in cities:
            made = list(sample() if city == "sample" else unseen(city, Path(folder) / city))
            tasks, truth, ours, seconds = ask(made, plain)
            source = Path(folder) / f"{city}.json"
            source.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
            print(f"{city}: {len(truth)} columns, {sum('' not in good for good in truth)} of them with a concept")
            tell("ours", ours, truth, 0.5, seconds)
            for name, worker in WORKERS.items():
                run = measure(python, name, worker, str(source), str(names), limit=600)
                if run is None:
                    print(f"    {name:22s} took longer than ten minutes")
                    continue
                answers = json.loads(Path(f"{source}.out").read_text(encoding="utf-8"))
                tell(name, answers, truth, best_cut(answers, truth), float(run["wall"]))  # type: ignore[arg-type]


def concepts() -> dict[str, dict[str, Any]]:
    """Give for each concept its labels, all names that the pack knows, and made values."""
    from made_values import Values

    from commonground.intake.pack import load_pack
    from commonground.intake.suggest.meaning.lexicon import load

    pack, lexicon = load_pack(), load()
    values = Values(lexicon, pack, random.Random(5))
    out = {}
    for name, known in lexicon.concepts.items():
        draw = values.of(pack.concepts[name], known, english=False)
        parts = [
            p + w for p in lexicon.role_words.get(known.role, ()) for w in lexicon.field_words.get(known.field, ())
        ]
        label = pack.concepts[name].label
        out[name] = {
            "labels": [label.zh, label.en.lower()],
            "synonyms": [*known.full, *known.vague, *parts, *(code.lower() for code in known.codes)],
            "values": [draw() for _ in range(VALUES)],
        }
    return out


def ask(made: list[Any], plain: Any) -> tuple[list[Any], list[set[str]], list[Any], float]:
    """Give the peers' tasks, the truth and our answers, column by column, and the seconds that ours took."""
    from commonground.intake.pack import load_pack
    from commonground.intake.suggest.meaning import propose

    pack = load_pack()
    tasks, truth, ours, seconds = [], [], [], 0.0
    for task in made:
        found, columns = {}, {}
        for group in task.groups:
            start = time.perf_counter()
            proposal = propose([one.profile for one in group.found], pack)
            seconds += time.perf_counter() - start
            for one in proposal.columns:
                found[plain(one.column.name)] = one
                columns[plain(one.column.name)] = [text for text in one.column.sample[:VALUES]]
        here = {name: good for name, good in task.key.items() if plain(name) in found}
        tasks.append({"columns": {name: columns[plain(name)] for name in here}})
        truth += list(here.values())
        ours += [[found[plain(name)].concept or "", found[plain(name)].confidence] for name in here]
    return tasks, truth, ours, seconds


def best_cut(answers: list[Any], truth: list[set[str]]) -> float:
    """Give the threshold at which right less wrong is greatest."""
    cuts = sorted({score for _, score in answers} | {0.0, 2.0})

    def worth(cut: float) -> int:
        said = [(name if score >= cut else "", good) for (name, score), good in zip(answers, truth, strict=True)]
        return sum(bool(name) * (1 if name in good else -1) for name, good in said)

    return max(cuts, key=worth)


def tell(name: str, answers: list[Any], truth: list[set[str]], cut: float, seconds: float) -> None:
    said = [(concept if score >= cut else "", good) for (concept, score), good in zip(answers, truth, strict=True)]
    having = [(concept, good) for concept, good in said if "" not in good]
    right = sum(concept in good for concept, good in having) / max(1, len(having))
    wrong = sum(bool(concept) and concept not in good for concept, good in said) / max(1, len(said))
    print(f"    {name:22s} right {right:6.1%} of those with a concept, wrong {wrong:6.1%} of all, {seconds:6.1f} s")


if __name__ == "__main__":
    main()
