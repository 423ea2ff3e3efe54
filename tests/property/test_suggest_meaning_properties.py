"""Whatever stands in a file, suggest says something about every column, no concept twice, and the same each time."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.intake.pack import load_pack
from commonground.intake.suggest.meaning import propose
from commonground.intake.suggest.meaning.header import parse
from commonground.intake.suggest.meaning.infer import assign, beside
from commonground.intake.suggest.meaning.lexicon import load
from suggest_kit import names, sheet

PACK = load_pack()
WORDS = [word for words in load().concepts.values() for word in (*words.full, *words.vague)]
CELLS = st.one_of(
    st.sampled_from(
        ["", "是", "男", "2015-03-01", "20150301", "529901201501011234", "122/65", "1.5E+17", "缺考", "-1", "王伟"]
    ),
    st.text(max_size=12),
    st.integers(-(10**19), 10**19).map(str),
)


@st.composite
def tables(draw):
    heads = draw(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=10)), min_size=1, max_size=8, unique=True))
    rows = draw(st.integers(0, 12))
    return {head: draw(st.lists(CELLS, min_size=rows, max_size=rows)) for head in heads}


@settings(max_examples=6)
@given(tables())
def test_every_column_is_spoken_of_and_no_concept_stands_twice(columns):
    found = propose([sheet(columns)], PACK)
    again = propose([sheet(columns)], PACK)
    assert found == again
    assert len(found.columns) == len({one.column.name for one in found.columns})
    taken = [one.concept for one in found.columns if one.concept is not None]
    assert len(taken) == len(set(taken))
    for one in found.columns:
        assert one.concept is None or one.concept in PACK.concepts
        assert 0.0 <= one.confidence <= 1.0
        assert one.concept is None or one.confidence >= 0.5
        assert set(one.rule) == set(one.why)
        codes = PACK.concepts[one.concept].codes if one.concept else None
        assert codes is None or set(one.rule.get("codes", {}).values()) <= set(codes.labels)


@settings(max_examples=30)
@given(st.text(max_size=30))
def test_any_header_can_be_taken_apart(text):
    header = parse(text, load().roles)
    assert 0 <= header.index <= 9
    assert all(header.forms)
    assert all(header.stems)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_assignment_is_the_best_one(seed):
    """Against all assignments, for one small sheet."""
    import itertools

    import numpy as np

    rng = np.random.default_rng(seed)
    n, width = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    probability = rng.dirichlet(np.ones(width), n)
    sheets = [tuple(range(n))]
    chosen = assign(probability, sheets, beside(sheets, n))
    taken = [k for k in chosen if k < width - 1]
    assert len(taken) == len(set(taken))

    def worth(choice):
        return sum(np.log(max(probability[i, k], 1e-9)) for i, k in enumerate(choice))

    every = (c for c in itertools.product(range(width), repeat=n) if _once(c, width - 1))
    assert worth(chosen) >= max(worth(choice) for choice in every) - 1e-9


def _once(choice, none):
    taken = [k for k in choice if k != none]
    return len(taken) == len(set(taken))


@settings(max_examples=6)
@given(st.sampled_from([" ", "　", "\t"]), st.integers(0, 5))
def test_white_space_in_a_header_says_nothing(space, at):
    texts = names(random.Random(1), 60)
    spaced = "学生姓名"[:at] + space + "学生姓名"[at:]
    plain, other = (propose([sheet({head: texts, "性别": ["男"] * 60})], PACK) for head in ("学生姓名", spaced))
    assert plain.columns[0].concept == other.columns[0].concept == "name"
    assert plain.columns[0].confidence == other.columns[0].confidence
