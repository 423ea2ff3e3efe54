"""Who is who on DuckDB, on Spark and in numpy: the same candidates, the same persons."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from commonground.city import City
from commonground.demo import make_demo
from commonground.engine import Engine
from commonground.errors import EngineError
from commonground.intake import IntakeResult
from commonground.intake import run as run_intake
from commonground.intake.pack import load_pack
from commonground.people import link_tables
from commonground.people.candidates_sql import finder
from commonground.people.edges import Keyed, find
from commonground.people.gather import Gathered, gather
from commonground.people.mentions import Facts, person_fields
from commonground.people.run import link_records


def keyed(seed: int) -> tuple[list[Keyed], list[Keyed], list[np.ndarray], int]:
    """Random keys of few values, some crowded, so that a row stands under one key more than once."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 60))
    fresh, every, crowded = [], [], []
    for _ in range(int(rng.integers(1, 5))):
        scale, width = int(rng.integers(1, 2**28)), int(rng.integers(2, 12))
        rows = rng.integers(0, size, int(rng.integers(1, 3 * size)))
        keys = np.sort(rng.integers(0, width, len(rows)) * scale).astype(np.uint32)
        some = np.sort(rng.choice(len(rows), int(rng.integers(0, len(rows))), replace=False))
        fresh.append((rows[some], keys[some]))
        every.append((rows, keys))
        crowded.append((np.unique(rng.integers(0, width, 2)) * scale).astype(np.uint32))
    return fresh, every, crowded, size


def same_candidates(engine: Engine, seeds: int) -> None:
    some = 0
    for seed in range(seeds):
        wanted, got = find(*keyed(seed)), finder(engine)(*keyed(seed))
        assert got[0].tolist() == wanted[0].tolist(), seed
        assert got[1].tolist() == wanted[1].tolist(), seed
        some += len(got[0])
    assert some > 10 * seeds


def test_candidates_on_duckdb(duck: Engine) -> None:
    same_candidates(duck, 120)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_candidates_on_spark(spark: Engine) -> None:
    same_candidates(spark, 3)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small demo city."""
    return City(make_demo(tmp_path_factory.mktemp("link") / "city", children=300))


@pytest.fixture(scope="module")
def intake(city: City) -> IntakeResult:
    return run_intake(city)


@pytest.fixture(scope="module")
def gathered(city: City, intake: IntakeResult) -> Gathered:
    """Persons mentioned in its deliveries."""
    facts = {n: Facts(c.kind.name, c.subject, c.rows_per_person == "many") for n, c in intake.contracts.items()}
    return gather(intake.tables, facts, person_fields(load_pack(city.settings.pack).concepts))


def same_spine(gathered: Gathered, engine: Engine) -> None:
    wanted, got = link_records(gathered), link_records(gathered, engine=engine)
    assert len(np.unique(wanted.entity)) < len(wanted.entity) / 2  # there is something to link
    mine, theirs = got.spine, wanted.spine
    for name in ("entity", "weight", "probability", "method"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
    assert (mine.missed, mine.thresholds) == (theirs.missed, theirs.thresholds)
    assert np.array_equal(got.place, wanted.place)
    assert np.array_equal(got.identified, wanted.identified)


def test_the_spine_is_the_same_by_joins_of_duckdb(gathered: Gathered, duck: Engine) -> None:
    same_spine(gathered, duck)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_the_spine_is_the_same_on_spark(gathered: Gathered, spark: Engine) -> None:
    same_spine(gathered, spark)


def addresses(seed: int = 3) -> tuple[pa.Table, pa.Table]:
    """English records, half of them in both tables with a slip: kinds of columns that the demo city does not have."""
    rng = np.random.default_rng(seed)
    streets = ["mill lane", "church street", "high street", "oak avenue", "station road"]
    names = ["smith", "johnson", "lee", "brown", "garcia", "miller", "davis", "clark"]
    rows = [
        {
            "unique_id": i,
            "surname": str(rng.choice(names)),
            "address": f"{rng.integers(1, 99)} {rng.choice(streets)}",
            "postcode": f"{rng.integers(2000, 2040)}",
            "phone": None if i % 3 else f"12{rng.integers(10**8, 10**9)}",
        }
        for i in range(400)
    ]
    other = [row | {"surname": f"{row['surname']}e", "unique_id": row["unique_id"] + 1000} for row in rows[::2]]
    return pa.Table.from_pylist(rows), pa.Table.from_pylist(other)


def same_links(intake: IntakeResult, engine: Engine) -> None:
    """``link_tables`` gives the same table, to the last bit, with its rules and pairs; each rule is a statement."""
    registry, checkups, household = (
        intake.tables[name]
        for name in ("education.student_registry", "health.pupil_checkups", "public_security.household_register")
    )
    person = {"name": "person_name", "birth": "birth_date", "sex": "category"}
    sound = [["name:sound", "birth:year"], ["name:given", "birth:day"]]
    english = {"surname": "surname", "address": "address", "postcode": "postcode", "phone": "phone"}
    asked = [
        ((registry, checkups), {"fields": person | {"id_no": "id_number"}, "rules": [*sound, ["id_no:number"]]}),
        ((registry, household), {"fields": person, "rules": sound[:1]}),
        (addresses(), {"fields": english, "rules": [["address:whole"]]}),
    ]
    for tables, given in asked:
        wanted, got = link_tables(*tables, **given), link_tables(*tables, **given, engine=engine)
        assert wanted.num_rows > 5
        assert got.equals(wanted, check_metadata=True)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_two_tables_have_the_same_links_on_spark(intake: IntakeResult, spark: Engine) -> None:
    same_links(intake, spark)


def test_an_engine_that_does_not_exist_is_told() -> None:
    with pytest.raises(EngineError) as told:
        link_tables(*addresses(), fields=["surname", "postcode"], engine="sparc")
    assert "spark" in told.value.todo.en
