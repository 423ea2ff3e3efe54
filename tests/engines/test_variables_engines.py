"""The whole path from records to outcomes on Spark: the same values as on DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonground.city import EngineSettings
from commonground.engine import DuckEngine, Engine
from commonground.variables.compute import compute, needed
from commonground.variables.frame import open_frame
from commonground.variables.pack import load_pack
from variables_kit import REFERENCE, D, Maker, make_city

from .conftest import agree

SHORT, LONG = ("health.hypertension",), ("child.left_behind", "health.hypertension", "score.math")


def small_city(maker: Maker) -> Maker:
    maker.school("S1")
    for n, flag in enumerate(("0", "1", "2", None)):
        name = f"c{n}"
        maker.person(name, D(2016, 2, 29)).person(f"{name}-f", D(1988, 1, 31)).relation(name, "father", f"{name}-f")
        maker.enrolment(name, 2025, 3)
        maker.record("household_register", D(2025, 8, 31), name, area="529906", hukou_nature="rural")
        maker.record("student_registry", REFERENCE, name, left_behind=flag, hukou_area="529906", hukou_nature="rural")
        maker.record("exam_scores", D(2025, 7, 15), name, math=60.0 + 7 * n, grade=2, school_year=2024)
        for visit in range(n):
            day = D(2025, 5, 1 + visit)
            maker.record("adult_checkups", day, f"{name}-f", check_date=day, sbp=130.0 + visit, dbp=85.0, treated=False)
    maker.record("labour_out_registry", D(2025, 6, 30), "c1-f", since=D(2024, 12, 31), distance="other_province")
    return maker


def outcomes(engine: Engine, folder: Path, wanted: tuple[str, ...]) -> dict[str, list[tuple[object, ...]]]:
    city = make_city(folder)
    version = small_city(Maker()).write(city)
    frame = open_frame(engine, version, city.settings, (REFERENCE,))
    made = compute(frame, needed(load_pack(city), wanted))
    return {name: engine.rows(f"SELECT * FROM {c.name} ORDER BY entity_id") for name, c in made.items()}


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_spark_gives_the_same_outcomes(spark: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    names = LONG if request.config.getoption("--conformance") else SHORT
    duck = DuckEngine(EngineSettings(memory="1GB", threads=1))
    wanted = outcomes(duck, tmp_path / "duck", names)
    duck.close()
    got = outcomes(spark, tmp_path / "spark", names)
    assert set(got) == set(names)
    for name in names:
        assert len(wanted[name]) == 8
        for mine, theirs in zip(got[name], wanted[name], strict=True):
            assert mine[:2] == theirs[:2]
            assert all(agree(a, b) for a, b in zip(mine[2:], theirs[2:], strict=True)), (name, mine, theirs)
