"""Linking a small made-up town whose truth is known: register, school roll, marks without birth or number, visits."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

import commonground
from commonground.errors import ContractError
from commonground.people.collapse import collapse
from commonground.people.gather import gather
from commonground.people.kin import RELATIONS
from commonground.people.mentions import Facts
from commonground.people.numbers import check_character
from commonground.people.run import link_records

FIELDS = {
    ("self", f): [f] for f in ("name", "id_no", "birth", "sex", "phone", "address", "household_no", "relation")
} | {
    ("guardian1", "name"): ["g1_name"],
    ("guardian1", "phone"): ["g1_phone"],
    ("guardian1", "relation"): ["g1_relation"],
}
FACTS = {
    "a.register": Facts("household_register", "self", False),
    "b.roll": Facts("student_registry", "self", False),
    "b.marks": Facts("exam_scores", "self", False),
    "c.visits": Facts("service_records", "self", True),
}
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴罗覃曾韦莫龙", "明伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英华文玉林建国云春"


def _number(rng: random.Random, birth: str, sex: int) -> str:
    order = f"{rng.randint(0, 99):02d}{rng.randint(0, 4) * 2 + (sex == 1)}"
    body = f"5299{rng.randint(1, 9):02d}{birth.replace('-', '')}{order}"
    return body + check_character(body)


def town(families: int, seed: int) -> tuple[dict[str, pa.Table], dict[int, int], dict[int, tuple[int, int]]]:
    """Make tables, the person of each record, and each child's father and mother."""
    rng = random.Random(seed)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in FACTS}
    parents: dict[int, tuple[int, int]] = {}
    person = 0

    def someone(surname: str, year: int, sex: int) -> dict[str, object]:
        nonlocal person
        person += 1
        birth = f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        name = surname + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2, 2))))
        return {"who": person, "name": name, "sex": str(sex), "birth": birth, "id_no": _number(rng, birth, sex)}

    for home in range(families):
        surname, village = (
            rng.choice(SURNAMES),
            f"5299{rng.randint(1, 5):02d}{rng.randint(1, 9):03d}{rng.randint(1, 9):03d}",
        )
        place = {
            "village_code": village,
            "address": f"黔山市石桥镇{village[-3:]}村{home}号",
            "household_no": f"H{home}",
        }
        father, mother = (
            someone(surname, rng.randint(1976, 1990), 1),
            someone(rng.choice(SURNAMES), rng.randint(1976, 1990), 2),
        )
        phone = f"12{rng.randint(0, 10**9 - 1):09d}"
        rows["a.register"] += [{**father, **place, "relation": "02"}, {**mother, **place, "relation": "10"}]
        for _ in range(rng.randint(1, 3)):
            child = someone(surname, rng.randint(2010, 2017), rng.randint(1, 2))
            parents[child["who"]] = (father["who"], mother["who"])  # type: ignore[index, assignment]
            rows["a.register"].append({**child, **place, "relation": "20" if child["sex"] == "1" else "30"})
            _school(rng, rows, child, father, place, phone)
    tables, truth, record = {}, {}, 0
    for name, made in rows.items():
        rng.shuffle(made)
        for i, row in enumerate(made):
            row |= {
                "record_id": record,
                "row_number": i + 1,
                "delivery": "2025-09-01",
                "file": "f",
                "sheet": "",
                "status": "record",
            }
            truth[record], record = row.pop("who"), record + 1  # type: ignore[assignment]
        columns = sorted({c for row in made for c in row})
        table = pa.table({c: pa.array([row.get(c) for row in made]) for c in columns})
        if "birth" in columns:
            at = table.column_names.index("birth")
            table = table.set_column(at, "birth", table.column("birth").cast(pa.date32()))
        tables[name] = table
    return tables, truth, parents


def _school(
    rng: random.Random, rows: dict[str, list[dict[str, object]]], child: dict[str, object], father: dict[str, object],
    place: dict[str, str], phone: str,
) -> None:  # fmt: skip
    grade = 2025 - int(str(child["birth"])[:4]) - 6
    if not 1 <= grade <= 9:
        return
    code = place["village_code"][:6] + "9999"
    at = {"school_code": code, "grade": grade, "school_year": 2025, "class": str(rng.randint(1, 2))}
    pupil = {**child, **at, "phone": phone, "address": place["address"]}
    pupil |= {"g1_name": father["name"], "g1_phone": phone, "g1_relation": "51"}
    if rng.random() < 0.1:
        pupil["id_no"] = None
    if rng.random() < 0.04:
        pupil["name"] = str(pupil["name"])[0] + rng.choice(GIVEN) + str(pupil["name"])[2:]
    if rng.random() < 0.04:
        pupil["birth"] = str(pupil["birth"])[:8] + f"{rng.randint(1, 28):02d}"
    rows["b.roll"].append(pupil)
    rows["b.marks"].append({"who": child["who"], "name": child["name"], "sex": child["sex"], **at})
    for _ in range(rng.choice((0, 0, 1, 3))):
        visit = {k: child[k] for k in ("who", "name", "sex", "birth")} | {"phone": phone}
        rows["c.visits"].append({**visit, "birth": None if rng.random() < 0.1 else visit["birth"]})


def quality(entity: list[int], truth: list[int]) -> tuple[float, float]:
    """Pairwise precision and recall."""

    def pairs(keys: list[object]) -> int:
        counts: dict[object, int] = {}
        for key in keys:
            counts[key] = counts.get(key, 0) + 1
        return sum(n * (n - 1) // 2 for n in counts.values())

    both = pairs(list(zip(entity, truth, strict=True)))
    return both / pairs(list(entity)), both / pairs(list(truth))


@pytest.fixture(scope="module")
def linked():  # type: ignore[no-untyped-def]
    tables, truth, parents = town(700, 5)
    return link_records(gather(tables, FACTS, FIELDS)), truth, parents


def test_precision_and_recall(linked) -> None:  # type: ignore[no-untyped-def]
    result, truth, _ = linked
    who = [truth[r] for r in result.gathered.people.record.tolist()]
    precision, recall = quality(result.entity.tolist(), who)
    assert precision >= 0.995
    assert recall >= 0.95


def test_model_knows_its_own_precision(linked) -> None:  # type: ignore[no-untyped-def]
    result, truth, _ = linked
    spine, place = result.spine, result.place
    first = {e: truth[r] for e, r in zip(place.tolist(), result.gathered.people.record.tolist(), strict=True)}
    by_weight = np.flatnonzero(spine.method == 2)
    right = np.mean(
        [first[u] == first[e] for u, e in zip(by_weight.tolist(), spine.entity[by_weight].tolist(), strict=True)]
    )
    assert len(by_weight) > 500
    assert spine.probability[by_weight].mean() == pytest.approx(right, abs=0.01)


def test_a_person_stands_once_in_a_source_of_persons(linked) -> None:  # type: ignore[no-untyped-def]
    spine = linked[0].spine
    once = ~spine.units.many
    keys = list(zip(spine.entity[once].tolist(), spine.units.source[once].tolist(), strict=True))
    assert len(keys) == len(set(keys))


def test_parents_are_found(linked) -> None:  # type: ignore[no-untyped-def]
    result, truth, parents = linked
    who = {e: truth[r] for e, r in zip(result.entity.tolist(), result.gathered.people.record.tolist(), strict=True)}
    r = result.relations
    said = {
        (who[a], RELATIONS[k], who[b])
        for a, k, b in zip(r.person.tolist(), r.relation.tolist(), r.relative.tolist(), strict=True)
        if RELATIONS[k] in ("father", "mother")
    }
    true = {(c, role, p) for c, both in parents.items() for role, p in zip(("father", "mother"), both, strict=True)}
    assert len(said & true) / len(said) > 0.99
    assert len(said & true) / len(true) > 0.97


def test_order_of_rows_does_not_matter(linked) -> None:  # type: ignore[no-untyped-def]
    tables, _, _ = town(700, 5)
    turned = {n: t.take(list(reversed(range(t.num_rows)))) for n, t in tables.items()}
    other = link_records(gather(turned, FACTS, FIELDS))

    def groups(result) -> set[frozenset[int]]:  # type: ignore[no-untyped-def]
        out: dict[int, set[int]] = {}
        for e, r in zip(result.entity.tolist(), result.gathered.people.record.tolist(), strict=True):
            out.setdefault(e, set()).add(r)
        return {frozenset(g) for g in out.values()}

    one, two = groups(linked[0]), groups(other)
    # the random pairs behind u differ with the order, so that a pair at the very threshold may fall either way
    assert len(one ^ two) <= 0.002 * len(one)


def test_same_input_gives_the_same_links(linked) -> None:  # type: ignore[no-untyped-def]
    tables, _, _ = town(700, 5)
    again = link_records(gather(tables, FACTS, FIELDS))
    assert np.array_equal(again.entity, linked[0].entity)
    assert np.array_equal(again.spine.probability, linked[0].spine.probability)


def test_link_tables_finds_the_pairs_of_two_tables() -> None:
    tables, truth, _ = town(400, 9)
    left = tables["a.register"].select(["record_id", "name", "birth", "sex", "village_code"])
    right = tables["b.roll"]
    village = [a.as_py()[6:9] for a in right.column("address")]
    right = right.select(["record_id", "name", "birth", "sex"])
    assert len(village) == right.num_rows
    found = commonground.link_tables(left, right, fields=["name", "birth", "sex"])
    assert found.column_names == ["left_id", "right_id", "weight", "probability"]
    same = [
        truth[a] == truth[b] for a, b in zip(found["left_id"].to_pylist(), found["right_id"].to_pylist(), strict=True)
    ]
    assert np.mean(same) > 0.99
    assert sum(same) / right.num_rows > 0.9
    assert len(set(found["right_id"].to_pylist())) == found.num_rows
    assert found.equals(commonground.link_tables(left, right, fields=["name", "birth", "sex"]))


def test_link_tables_finds_duplicates_of_one_table() -> None:
    tables, truth, _ = town(300, 3)
    visits = tables["c.visits"]
    found = commonground.link_tables(visits, fields={"name": "name", "birth": "date", "phone": "text", "sex": "code"})
    pairs = list(zip(found["left_id"].to_pylist(), found["right_id"].to_pylist(), strict=True))
    assert np.mean([truth[a] == truth[b] for a, b in pairs]) > 0.98
    ids = visits["record_id"].to_pylist()
    true = sum(truth[a] == truth[b] for i, a in enumerate(ids) for b in ids[i + 1 :])
    assert sum(truth[a] == truth[b] for a, b in pairs) / true > 0.9


def test_link_tables_refuses_an_unknown_column() -> None:
    table = pa.table({"name": ["王小明"], "birth": ["2014-01-02"]})
    with pytest.raises(ContractError, match="nmae"):
        commonground.link_tables(table, fields=["nmae"])
    with pytest.raises(ContractError, match="fuzzy"):
        commonground.link_tables(table, fields={"name": "fuzzy"})


def test_nobody_at_all() -> None:
    tables, _, _ = town(1, 1)
    result = link_records(gather({n: t.slice(0, 0) for n, t in tables.items()}, FACTS, FIELDS))
    assert len(result.entity) == 0
    assert len(collapse(result.gathered.people)) == 0
