"""The achievement study on a made city whose truth is known: gaps, schools, slopes, factors, and what it refuses."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonground.city import City
from commonground.errors import StudyError
from commonground.study import Findings, run

SUBJECTS = ("chinese", "math", "english")
DAY = dt.date(2025, 7, 15)
TRUTH = {"school_sd": 0.35, "slope_sd": 0.2, "away": -0.15, "migrant": -0.05, "f_good": 0.12, "f_away": 0.10}
CITY = """
[city]
name = { zh = "试验市", en = "Trial city" }
area_code = "529900"
reference_date = 2025-09-01
deliveries = "."
[policy]
school_minimum = 30
[[area]]
code = "529901"
zh = "一区"
en = "First district"
urban = true
"""


def children(n: int, schools: int, seed: int, shares: tuple[float, float, float]) -> dict[str, Any]:
    """Children with planted truth; ``shares`` of parents_away, migrant, other."""
    rng = np.random.default_rng(seed)
    school = rng.integers(0, schools, n)
    good = (np.arange(schools) % 5 - 2) / np.sqrt(2)
    null = rng.normal(size=schools)
    group = rng.choice(4, size=n, p=[*shares, 1 - sum(shares)])
    away = group == 0
    level = rng.normal(0, TRUTH["school_sd"], schools) + TRUTH["f_good"] * good
    slope = rng.normal(0, TRUTH["slope_sd"], schools) + TRUTH["f_away"] * good
    girl = rng.integers(0, 2, n)
    prior = rng.normal(size=n)
    base = level[school] + away * (TRUTH["away"] + slope[school]) + TRUTH["migrant"] * (group == 1) + 0.1 * girl
    common = rng.normal(0, 0.6, n) + 0.5 * prior
    scores = {s: base + common + rng.normal(0, 0.5, n) for s in SUBJECTS}
    return {
        "school": school,
        "group": np.array(["parents_away", "migrant", "other", "local"])[group],
        "girl": girl,
        "prior": prior,
        "scores": scores,
        "good": good,
        "null": null,
        "gap": TRUTH["away"] + slope,
        "level": level,
    }


def values_table(known: dict[str, Any], subjects: tuple[str, ...], groups: bool) -> pa.Table:
    n = len(known["school"])
    people = [f"p{i:06d}" for i in range(n)]
    parts = []

    def add(ids: list[str], entity: str, definition: str, version: str, value: Any, number: Any) -> None:
        size = len(ids)
        parts.append(
            pa.table(
                {
                    "person_id": ids,
                    "entity": [entity] * size,
                    "definition": [definition] * size,
                    "version": [version] * size,
                    "reference_date": pa.array([DAY] * size, pa.date32()),
                    "value": pa.array(value, pa.string()),
                    "number": pa.array(number, pa.float64()),
                    "hash": [f"hash-{definition}-{version}"] * size,
                }
            )
        )

    for subject in subjects:
        score = np.round(known["scores"][subject], 4)
        add(people, "person", f"score.{subject}", "z", [None] * n, np.where(np.arange(n) % 50 == 7, np.nan, score))
    if groups:
        add(people, "person", "child.group", "project", known["group"], [None] * n)
    add(people, "person", "child.sex", "gb", np.where(known["girl"] == 1, "2", "1"), [None] * n)
    add(people, "person", "score.prior_math", "z", [None] * n, known["prior"])
    held = np.where(known["group"] == "parents_away", "true", "false")
    add(people, "person", "child.left_behind", "WIDE", held, [None] * n)
    add(people, "person", "child.left_behind", "NARROW", np.where(np.arange(n) % 2, held, "false"), [None] * n)
    codes = [f"S{i:03d}" for i in range(len(known["good"]))]
    add(codes, "school", "school.good", "v1", [None] * len(codes), known["good"])
    add(codes, "school", "school.null", "v1", [None] * len(codes), known["null"])
    flags = np.where(np.arange(len(codes)) % 2, "true", "false")
    add(codes, "school", "school.after_school", "v1", flags, [None] * len(codes))
    whole = pa.concat_tables(parts)
    return whole.set_column(6, "number", pa.array(whole["number"].to_numpy(), from_pandas=True))


def make_city(
    folder: Path,
    n: int = 3000,
    schools: int = 40,
    seed: int = 1,
    shares: tuple[float, float, float] = (0.3, 0.2, 0.05),
    subjects: tuple[str, ...] = SUBJECTS,
    groups: bool = True,
) -> tuple[City, dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    city, known = City(folder), children(n, schools, seed, shares)
    with city.new_version() as version:
        pq.write_table(values_table(known, subjects, groups), version.table("values"))
        rolls = pa.table(
            {
                "person_id": [f"p{i:06d}" for i in range(n)],
                "school_code": [f"S{s:03d}" for s in known["school"]],
                "county": ["529901"] * n,
                "school_year": pa.array([2024] * n, pa.int32()),
                "grade": pa.array(np.arange(n) % 6 + 1, pa.int32()),
                "class": ["1"] * n,
                "boarding": pa.array([False] * n),
                "kind": ["student_registry"] * n,
            }
        )
        pq.write_table(rolls, version.table("enrolments"))
        places = pa.table(
            {
                "school_code": [f"S{i:03d}" for i in range(schools)],
                "name": [f"第{i}小学" for i in range(schools)],
                "county": ["529901"] * schools,
                "level": ["primary"] * schools,
                "urban_class": ["220"] * schools,
            }
        )
        pq.write_table(places, version.table("schools"))
        (version.path / "manifest.json").write_text("{}", encoding="utf-8")
    return city, known


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, dict[str, Any], Findings]:
    city, known = make_city(tmp_path_factory.mktemp("city"), n=9000, schools=90)
    write_spec(city, SPEC)
    return city, known, run(city, "small")


SPEC = """
[study]
id = "small"
title = { zh = "试验", en = "Trial" }
robustness = ["child.left_behind"]
[group]
definition = "child.group"
reference = "local"
focus = "parents_away"
level = [
  { value = "parents_away", zh = "父母外出的孩子", en = "children whose parents are away" },
  { value = "migrant", zh = "随父母进城的孩子", en = "children who moved with their parents" },
  { value = "local", zh = "本地孩子", en = "local children" },
  { value = "other", zh = "其他孩子", en = "other children" },
]
"""
SPEC += "".join(f'[[outcome]]\ndefinition = "score.{s}"\nsubject = "{s}"\nzh = "{s}"\nen = "{s}"\n' for s in SUBJECTS)
SPEC += '[[covariate]]\ndefinition = "child.sex"\nkind = "category"\nzh = "性别"\nen = "sex"\n'
SPEC += '[[covariate]]\ndefinition = "enrolment.grade"\nkind = "category"\nzh = "年级"\nen = "grade"\n'
SPEC += '[[covariate]]\ndefinition = "score.prior"\nkind = "prior"\nzh = "此前成绩"\nen = "earlier score"\n'
SPEC += '[[factor]]\ndefinition = "school.*"\nzh = "全部"\nen = "all"\n'


def write_spec(city: City, text: str, name: str = "small") -> None:
    city.studies.mkdir(exist_ok=True)
    (city.studies / f"{name}.toml").write_text(text, encoding="utf-8")


def row(findings: Findings, table: str, **where: Any) -> dict[str, Any]:
    found = [r for r in findings.tables[table].rows if all(r[k] == v for k, v in where.items())]
    assert len(found) == 1, (table, where, len(found))
    return found[0]


def scale(known: dict[str, Any], subject: str) -> float:
    return float(np.std(known["scores"][subject]))


def test_gaps_hold_the_planted_truth_and_add_up(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    for subject in SUBJECTS:
        # what was planted in this city's own children: the mean of their schools' gaps
        away = known["group"] == "parents_away"
        truth = float(known["gap"][known["school"][away]].mean()) / scale(known, subject)
        within = row(findings, "gaps", subject=subject, group="parents_away", comparison="within")
        assert within["low"] < truth < within["high"]
        assert abs(within["estimate"] - truth) < 0.08
        raw = row(findings, "gaps", subject=subject, group="parents_away", comparison="raw")
        between = row(findings, "gaps", subject=subject, group="parents_away", comparison="between")
        assert raw["estimate"] == pytest.approx(within["estimate"] + between["estimate"], abs=1e-9)
        assert raw["n_group"] == row(findings, "counts", subject=subject, group="parents_away")["n"]
    means = [
        row(findings, "gaps", subject="math", group=g, comparison="city")
        for g in ("parents_away", "migrant", "other", "local")
    ]
    assert sum(r["estimate"] * r["n_group"] for r in means) == pytest.approx(0, abs=1e-6)


def test_raw_gap_is_the_difference_of_means(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    has = np.arange(len(known["school"])) % 50 != 7
    y = known["scores"]["math"][has]
    y = (y - y.mean()) / y.std()
    group = known["group"][has]
    expected = y[group == "migrant"].mean() - y[group == "local"].mean()
    found = row(findings, "gaps", subject="math", group="migrant", comparison="raw")
    assert found["estimate"] == pytest.approx(expected, abs=1e-4)
    assert found["low"] < found["estimate"] < found["high"]


def test_variance_partition_holds_the_truth(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    for subject in SUBJECTS:
        school = row(findings, "variance", subject=subject, model="null", level="school")
        pupil = row(findings, "variance", subject=subject, model="null", level="pupil")
        assert school["share"] + pupil["share"] == pytest.approx(1)
        assert 0 < school["low"] < school["share"] < school["high"] < 0.4
        slope = row(findings, "variance", subject=subject, model="adjusted", level="slope")
        truth = float(np.var(known["gap"])) / scale(known, subject) ** 2
        total = slope["variance"] / slope["share"]
        assert slope["low"] * total < truth < slope["high"] * total
        assert slope["low"] < slope["share"] < slope["high"]


def test_school_intervals_cover_and_verdicts_follow_them(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    rows = findings.tables["schools"].rows
    assert [r["school_code"] for r in rows] == [f"S{i:03d}" for i in range(90)]
    for r in rows:
        assert r["verdict"] == ("above" if r["low"] > 0 else "below" if r["high"] < 0 else "unclear")
        assert 0 <= r["p_gap_nonneg"] <= 1
        assert r["shown"] == (r["n"] >= 30)
    sd = float(np.std(np.mean([known["scores"][s] for s in SUBJECTS], axis=0)))
    gap = known["gap"] / sd
    covered = [r["gap_low"] < gap[i] < r["gap_high"] for i, r in enumerate(rows)]
    assert 0.88 <= np.mean(covered) <= 1.0
    declared = [i for i, r in enumerate(rows) if r["p_gap_nonneg"] > 0.95]
    assert all(gap[i] > -0.1 for i in declared)
    assert len({r["verdict"] for r in rows}) == 3


def test_the_planted_factor_is_found_and_the_null_is_not(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    sd = float(np.std(np.mean([known["scores"][s] for s in SUBJECTS], axis=0)))
    for term, truth in (
        ("all_children", TRUTH["f_good"] + 0.3 * TRUTH["f_away"]),
        ("parents_away", TRUTH["f_good"] + TRUTH["f_away"]),
        ("difference", TRUTH["f_away"]),
    ):
        found = row(findings, "factors", subject="pooled", term=term, factor="school.good")
        assert found["low"] < truth / sd < found["high"], term
        assert found["q"] < 0.1
        assert row(findings, "factors", subject="pooled", term=term, factor="school.null")["q"] > 0.1
    flag = row(findings, "factors", subject="math", term="all_children", factor="school.after_school")
    assert flag["scale"] == "yes_no"
    assert flag["schools"] == 90


def test_strengths_and_other_definitions(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, known, findings = studied
    has = np.arange(len(known["school"])) % 50 != 7
    y, group = known["scores"]["english"][has], known["group"][has]
    share = float((y[group == "parents_away"] > np.median(y[group == "local"])).mean())
    found = row(findings, "strengths", statement="away_above_local_median.english")
    assert found["value"] == pytest.approx(share, abs=1e-3)
    assert found["low"] < found["value"] < found["high"]
    wide = row(findings, "specifications", subject="math", version="WIDE", comparison="raw")
    narrow = row(findings, "specifications", subject="math", version="NARROW", comparison="raw")
    assert narrow["n_group"] < wide["n_group"]
    assert wide["n"] == narrow["n"]


def test_facts_stand_beside_every_table(studied: tuple[City, dict[str, Any], Findings]) -> None:
    city, _, findings = studied
    for name, table in findings.tables.items():
        facts = table.facts
        assert table.rows, name
        assert facts.warehouse_version == city.require_current().number
        assert facts.n == 8820
        assert facts.definitions
        assert all(d.hash.startswith("hash-") for d in facts.definitions)
        assert facts.linkage_rate == pytest.approx(0.98)
        for said in (table.title, facts.unit, facts.population, facts.period, facts.interval):
            assert said.zh
            assert said.en
            assert said.zh != said.en or said.en.isascii()
    assert findings.tables["factors"].says_not is not None


def test_no_row_is_about_a_person(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, _, findings = studied
    text = json.dumps(findings.to_dict(), ensure_ascii=False)
    assert "p0000" not in text
    for table in findings.tables.values():
        assert "person_id" not in table.rows[0]
        assert len(table.rows) < 400


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_findings_have_a_table_figures_and_sentences(studied: tuple[City, dict[str, Any], Findings], lang: str) -> None:
    _, _, findings = studied
    assert findings.table().num_rows == len(findings.tables["gaps"].rows)
    assert findings.sentence(lang).startswith(findings.told[0](lang))
    for name in set(findings.tables) - {"strengths"}:
        texts = _texts(findings.figure(lang, name).to_dict())
        assert any(re.search(r"\d", t) for t in texts), name
        assert not [t for t in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", t)], name
    with pytest.raises(StudyError, match="no figure"):
        findings.figure(lang, "strengths")


def _texts(spec: Any) -> set[str]:
    """Give every text of a chart's specification."""
    if isinstance(spec, dict | list):
        inner = spec.values() if isinstance(spec, dict) else spec
        return {text for v in inner for text in _texts(v)}
    return {spec} if isinstance(spec, str) else set()


def test_saved_and_loaded_again_the_same(studied: tuple[City, dict[str, Any], Findings]) -> None:
    city, _, findings = studied
    path = findings.save(city.results)
    assert path.name == "small.json"
    assert Findings.load(path).to_dict() == json.loads(path.read_text(encoding="utf-8"))
    assert Findings.load(city.results / "small") == Findings.load(path)
    gaps = pq.read_table(city.results / "small" / "gaps.parquet")
    assert gaps.num_rows == len(findings.tables["gaps"].rows)
    first = path.read_bytes()
    run(city, "small").save(city.results)
    assert path.read_bytes() == first, "the same city gives the same bytes"
    with pytest.raises(StudyError) as caught:
        Findings.load(city.results / "never")
    assert "commonground study" in caught.value.message("en")
    with pytest.raises(StudyError):
        findings.table("ranks")


def test_sentences_in_both_languages(studied: tuple[City, dict[str, Any], Findings]) -> None:
    _, _, findings = studied
    zh, en = findings.sentences("zh"), findings.sentences("en")
    assert len(zh) == len(en) > 8
    assert any("个标准差" in s and "父母外出的孩子" in s for s in zh)
    assert not any("留守" in s or "left-behind" in s or "improve" in s for s in zh + en)
    raw = row(findings, "gaps", subject="math", group="parents_away", comparison="adjusted")
    assert any(f"{abs(raw['estimate']):.2f}" in s for s in en)


def test_a_missing_subject_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    city, _ = make_city(tmp_path, n=1200, schools=15, subjects=("chinese", "math"))
    write_spec(city, SPEC)
    findings = run(city, "small")
    assert {r["subject"] for r in findings.tables["gaps"].rows} == {"chinese", "math", "pooled"}
    assert any("score.english" in n.en for n in findings.notes)


def test_few_children_away_gives_no_slope_and_says_so(tmp_path: Path) -> None:
    city, _ = make_city(tmp_path, n=1000, schools=30, shares=(0.004, 0.3, 0.05), subjects=("math",))
    write_spec(city, SPEC)
    findings = run(city, "small")
    assert not [r for r in findings.tables["variance"].rows if r["level"] == "slope"]
    assert all(r["gap"] is None for r in findings.tables["schools"].rows)
    assert any("how the gap differs" in n.en for n in findings.notes)
    assert {r["term"] for r in findings.tables["factors"].rows} == {"all_children"}
    assert "parents_away" not in {r["group"] for r in findings.tables["gaps"].rows}
    assert any("fewer than 30" in n.en for n in findings.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"subjects": ()}, "no scores"),
        ({"groups": False}, "groups of children"),
        ({"n": 120}, "Too few children"),
        ({"shares": (0.5, 0.5, 0.0)}, "the group to compare with"),
    ],
)
def test_what_cannot_be_studied_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    city, _ = make_city(tmp_path, **({"n": 800, "schools": 10} | options))
    write_spec(city, SPEC)
    with pytest.raises(StudyError) as caught:
        run(city, "small")
    assert said in caught.value.message("en")
    assert caught.value.todo is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[group]", "[grop]"), "Unknown setting"),
        (('reference = "local"', 'reference = "locals"'), "none of the levels"),
        (('kind = "prior"', 'kind = "priors"'), "Unknown kind"),
        (('focus = "parents_away"\n', ""), "lacks focus"),
        (("[study]", "[study"), "not valid TOML"),
        (('robustness = ["child.left_behind"]', 'score_date = "2025"'), "must be a date"),
    ],
)
def test_a_wrong_specification_says_what_and_where(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    city, _ = make_city(tmp_path, n=300, schools=10)
    write_spec(city, SPEC.replace(*change))
    with pytest.raises(StudyError) as caught:
        run(city, "small")
    assert said in caught.value.message("en")
    assert "small.toml" in caught.value.where


def test_an_unknown_study_names_the_known(tmp_path: Path) -> None:
    city, _ = make_city(tmp_path, n=300, schools=10)
    with pytest.raises(StudyError) as caught:
        run(city, "achievment")
    assert "achievement" in caught.value.message("en")
