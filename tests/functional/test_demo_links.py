"""How well the demo city's records are linked, against its truth; every pair of rows is looked at."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cities import Ran
from commonground.city import City

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import link_truth
from link_scores import score

KEY = ("department", "dataset", "delivery", "file", "sheet", "row_number")
pytestmark = pytest.mark.xdist_group("demo")


def test_the_scorer_equals_looking_at_every_pair() -> None:
    labels = [("a", "1"), ("a", "1"), ("a", "2"), ("b", "2"), (None, "2"), ("c", None), ("b", "3"), ("a", "1")]
    group = ["x", "x", "y", "y", "y", None, "y", "x"]
    cluster, person, groups = (np.array(x, dtype=object) for x in (*zip(*labels, strict=True), group))
    found = score(cluster, person, {"g": groups})

    def rates(rows: list[int]) -> tuple[int, int, int]:
        right = said = true = 0
        for i in rows:
            for j in range(len(labels)):
                (c1, p1), (c2, p2) = labels[i], labels[j]
                if i != j:
                    right += c1 == c2 is not None and p1 == p2 is not None
                    said += c1 == c2 is not None
                    true += p1 == p2 is not None
        return right, said, true

    for one, rows in ((found.whole, range(8)), (found.by["g"]["x"], (0, 1, 7)), (found.by["g"]["y"], (2, 3, 4, 6))):
        right, said, true = rates(list(rows))
        assert (one.precision.right, one.precision.of) == (right, said)
        assert (one.recall.right, one.recall.of) == (right, true)
        assert one.precision.low <= right / max(1, said) <= one.precision.high
    assert found.whole.b_recall == pytest.approx(np.mean([1, 1, 1 / 3, 1 / 3, 1 / 3, 1, 1, 1]))


@pytest.fixture(scope="module")
def linked(
    demo_city: Path, command: Callable[..., Ran], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[str, str | None, str]]:
    """Dataset, linked person and true person of every row about a person."""
    export = tmp_path_factory.mktemp("links") / "links.parquet"
    done = command("link", demo_city, "--export", export)
    assert done.code == 0, done.err
    links = pq.read_table(export)
    said = dict(
        zip(zip(*(links[k].to_pylist() for k in KEY), strict=True), links["person_id"].to_pylist(), strict=True)
    )
    truth = pq.read_table(demo_city / "truth" / "records.parquet")
    keys = list(zip(*(truth[k].to_pylist() for k in KEY), strict=True))
    rows = zip(truth["dataset"].to_pylist(), keys, truth["person_id"].to_pylist(), strict=True)
    about = [(dataset, key, person) for dataset, key, person in rows if person is not None]
    missing = [key for _, key, _ in about if key not in said]
    assert not missing, missing[:3]
    return [(dataset, said[key], person) for dataset, key, person in about]


def test_precision_recall_and_differences_between_groups(
    linked: list[tuple[str, str | None, str]], demo_city: Path
) -> None:
    known = link_truth.of_truth(City(demo_city), demo_city / "truth")
    assert known.person.tolist() == [p for _, _, p in linked]
    found = score(np.array([c for _, c, _ in linked], dtype=object), known.person, known.groups)
    assert found.whole.recall.of > 100_000
    assert found.whole.precision.value >= 0.998
    assert found.whole.recall.value >= 0.975
    for of in ("precision", "recall"):
        gap, division, low, high = found.widest(of)
        assert gap <= 0.015, (of, division, low, high)


def test_marks_without_numbers_find_their_pupil(linked: list[tuple[str, str | None, str]]) -> None:
    """The second year's marks hold no number at all; most must still be joined with the pupil's other rows."""
    clusters: dict[str, Counter[str]] = defaultdict(Counter)
    for dataset, cluster, person in linked:
        if cluster is not None and dataset == "student_registry":
            clusters[person][cluster] += 1
    marks = [(c, p) for d, c, p in linked if d == "exam_scores" and p in clusters]
    found = sum(c == clusters[p].most_common(1)[0][0] for c, p in marks)
    assert found / len(marks) >= 0.95


def test_pseudonyms_say_nothing(linked: list[tuple[str, str | None, str]], demo_city: Path) -> None:
    persons = pq.read_table(demo_city / "truth" / "persons.parquet")
    known = {t for column in ("name", "id_no", "person_id") for t in persons[column].to_pylist() if t}
    assert not known & {c for _, c, _ in linked if c is not None}
