"""Levels in SQL are the levels of the exact comparisons, on people as awkward as can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from commonground.city import EngineSettings
from commonground.engine import DuckEngine, Engine
from commonground.people.core.join import compare_rows, patterns_of
from commonground.people.core.texts import key_of, keys_of
from commonground.people.fields import read_fields
from commonground.people.numbers import check_character

KINDS = {"name": "person_name", "birth": "birth_date", "no": "id_number", "place": "address", "tel": "phone",
         "given": "given_name", "note": "text", "sex": "category"}  # fmt: skip
# few, so that names are near each other: readings of surnames, dialect, xi an and xian, rare and unwritable characters
CHARACTERS = "王汪曾增层欧阳上官覃西安先仙伟玮卫维胡扶湖福宁凝林𠼞㛃𬎆爱艾伟强"
NAMES = st.one_of(
    st.none(),
    st.text(CHARACTERS, min_size=1, max_size=5),
    st.sampled_from([
        "wang wei", "Wáng Wěi", "xi'an", "王?伟", "王·伟", "  ", "", "阿依古丽·买买提", "阿依古丽买买堤", "王偉",
        "ＷＡＮＧ　ＷＥＩ",
        "王伟（大）", "尉迟恭", "单于强", "王\ue816", "欧阳西安", "欧阳先",
    ]),
)  # fmt: skip
DAYS = st.one_of(
    st.none(),
    st.dates(dt.date(1999, 12, 20), dt.date(2001, 3, 5)).map(str),
    st.sampled_from(
        ["2000-02-29", "1996-02-29", "2000-01-01", "1900-03-01", "2000-03-02", "2000-02-03", "2014年3月5日", "nie"]
    ),
)


@st.composite
def numbers(draw: st.DrawFn) -> str | None:
    body = (
        draw(st.sampled_from(["52990120000229", "52990120000228", "52990219991231"]))
        + f"{draw(st.integers(0, 20)):03d}"
    )
    whole = body + check_character(body)
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return None
    if kind == 1:
        place = draw(st.integers(0, 16))
        return whole[:place] + str(draw(st.integers(0, 9))) + whole[place + 1 :]
    if kind == 2:
        place = draw(st.integers(0, 15))
        return whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
    if kind == 3:
        return whole[:15]
    if kind == 4:
        return draw(
            st.sampled_from(
                ["无", "529901 20000229 0012", whole.lower(), "529901990229001", "9" * 18, "??????????????????"]
            )
        )
    return whole


PEOPLE = st.fixed_dictionaries({
    "name": NAMES, "birth": DAYS, "no": numbers(),
    "place": st.sampled_from([
        None, "529901100200", "529901100201", "529901101200", "529902100200", "529901", "石桥镇西村3号",
        "石桥镇西村4号",
    ]),
    "tel": st.sampled_from([None, "12345678901", "123-4567-8901", "无", "12345678902"]),
    "given": st.sampled_from([None, "伟", "玮", "小明", "晓明", "Jon", "John", "Jane", ""]),
    "note": st.sampled_from([None, "abcdef", "abcdfe", "abcxef", "abc", "王小明的家", "王小朋的家", ""]),
    "sex": st.sampled_from([None, "1", "2", "１"]),
})  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = DuckEngine(EngineSettings(memory="1GB", threads=1))
    yield made
    made.close()


def table(people: list[dict[str, str | None]]) -> pa.Table:
    return pa.table({k: pa.array([p[k] for p in people], pa.string()) for k in KINDS})


@settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate), derandomize=True,
    database=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.lists(PEOPLE, min_size=1, max_size=12), st.lists(PEOPLE, min_size=1, max_size=12))
def test_sql_gives_the_exact_levels(
    engine: Engine, left: list[dict[str, str | None]], right: list[dict[str, str | None]]
) -> None:
    fields = read_fields(table(left), table(right), KINDS)
    n, m = len(left), len(right)
    a, b = np.repeat(np.arange(n), m), np.tile(np.arange(n, n + m), n)
    levels = patterns_of(fields).levels(compare_rows(engine, fields, a, b))
    for k, f in enumerate(fields):
        exact = f.compare(a, b)
        wrong = np.flatnonzero(levels[:, k] != exact)
        assert not len(wrong), [
            (f.name, left[a[i]][f.name], right[b[i] - n][f.name], int(levels[i, k]), int(exact[i])) for i in wrong[:5]
        ]


def test_most_people_need_not_be_asked_about(engine: Engine) -> None:
    """SQL alone judges ordinary people: the exact comparison is for the few."""
    rng = np.random.default_rng(1)
    names = ["".join(rng.choice(list("王李张伟强芳娜敏"), 3)) for _ in range(200)]
    fields = read_fields(pa.table({"name": names}), pa.table({"name": names}), {"name": "person_name"})
    assert (fields[0].columns["c0_shape"] >= 0).all()


@given(st.lists(st.text(max_size=40), max_size=20))
def test_keys_of_texts_do_not_depend_on_the_others(texts: list[str]) -> None:
    assert keys_of(texts).tolist() == [key_of(t) for t in texts]
    assert len(set(texts)) == len(set(keys_of(texts).tolist()))
