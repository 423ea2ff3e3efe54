"""What suggest takes columns for, on made datasets and on cities whose headers its authors did not see.

City 3 is a hold-out of which only scores are looked at (tests/unseen_cities/README.md). The sample city is scored by
``scripts/score_suggest sample``; here a part of its files, where the shared material is.
"""

import sys
from pathlib import Path

import pytest

from commonground.intake.pack import load_pack
from commonground.intake.suggest.meaning import propose

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from answer_keys import Task, plain, sample_parts, unseen
from made_columns import Maker

PACK = load_pack()


def scores(tasks: list[Task]) -> dict[str, float]:
    """Give shares: right of the columns that have a concept; wrong at 0.8 or more, of all."""
    right = having = sure = every = 0
    for task in tasks:
        found = {}
        for group in task.groups:
            for one in propose([sheet.profile for sheet in group.found], PACK).columns:
                found.setdefault(plain(one.column.name), one)
                found.setdefault(plain(one.column.name.split("/")[-1]), one)
        for column, good in task.key.items():
            one = found.get(plain(task.read_as.get(column) or column))
            said = one.concept if one else None
            every += 1
            having += "" not in good
            right += said is not None and "" not in good and said in good
            sure += said is not None and said not in good and one.confidence >= 0.8
    assert having, "nothing was attempted"
    return {"right": right / having, "wrong_sure": sure / every}


@pytest.mark.parametrize("city", ["city1", "city2"])
def test_columns_of_unseen_cities_get_the_right_concept(city, tmp_path):
    got = scores(list(unseen(city, tmp_path)))
    assert got["right"] >= 0.85
    assert got["wrong_sure"] <= 0.02


def test_columns_of_the_sample_city_get_the_right_concept(shared):
    got = scores(
        list(sample_parts(("education/student_registry", "civil_affairs/left_behind_registry", "ngo/services")))
    )
    assert got["right"] >= 0.85
    assert got["wrong_sure"] <= 0.02


def test_what_is_said_with_confidence_holds_on_made_data():
    """On made datasets of another seed than the weights were fitted on, nothing struck from the pack."""
    from commonground.intake.suggest.meaning.lexicon import load

    maker = Maker(load(), PACK, 77)
    sure = right = given = having = found = nobodys = 0
    for _ in range(8):
        made = maker.dataset()
        said = {one.column.name: one for one in propose([made.sheet], PACK).columns}
        for column, truth in zip(made.sheet.columns, made.truth, strict=True):
            one = said[column.name]
            having += truth is not None
            nobodys += truth is None
            found += truth is not None and one.concept == truth
            given += truth is None and one.concept is not None and one.confidence >= 0.8
            if one.concept and one.confidence >= 0.9:
                sure += 1
                right += one.concept == truth
    assert found / having >= 0.85
    assert right / sure >= 0.95
    assert given / nobodys <= 0.06


def test_a_hundred_columns_of_one_sheet_are_proposed():
    from dataclasses import replace

    from commonground.intake.suggest.meaning.lexicon import load

    maker, columns = Maker(load(), PACK, 5), []
    while len(columns) < 100:
        columns += maker.dataset().sheet.columns
    table = [replace(one, name=f"{one.name}{i}", position=i) for i, one in enumerate(columns[:100])]
    wide = replace(maker.dataset().sheet, columns=tuple(table))
    found = propose([wide], PACK)
    assert len(found.columns) == 100
