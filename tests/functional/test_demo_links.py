"""How well the demo city's records are linked, against its truth; every pair of rows is looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cities import Ran

KEY = ("department", "dataset", "delivery", "file", "sheet", "row_number")
pytestmark = pytest.mark.xdist_group("demo")


def pairs_right(labels: Iterable[tuple[str | None, str | None]]) -> tuple[int, int, int]:
    """Count pairs put together rightly, put together, and belonging together; None is alone."""
    both: Counter[tuple[str, str]] = Counter()
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for cluster, person in labels:
        if cluster is not None:
            said[cluster] += 1
        if person is not None:
            true[person] += 1
        if cluster is not None and person is not None:
            both[cluster, person] += 1
    return tuple(sum(n * (n - 1) // 2 for n in c.values()) for c in (both, said, true))  # type: ignore[return-value]


def test_the_scorer_equals_looking_at_every_pair() -> None:
    labels = [("a", "1"), ("a", "1"), ("a", "2"), ("b", "2"), (None, "2"), ("c", None), ("b", "3"), ("a", "1")]
    right = said = true = 0
    for (c1, p1), (c2, p2) in combinations(labels, 2):
        right += c1 == c2 is not None and p1 == p2 is not None
        said += c1 == c2 is not None
        true += p1 == p2 is not None
    assert pairs_right(labels) == (right, said, true) == (3, 7, 6)


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


def test_precision_and_recall_over_all_pairs(linked: list[tuple[str, str | None, str]]) -> None:
    right, said, true = pairs_right((c, p) for _, c, p in linked)
    precision, recall = right / said, right / true
    print(f"demo city: precision {precision:.4f}, recall {recall:.4f}, {true} true pairs")
    assert precision >= 0.995
    assert recall >= 0.95


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
