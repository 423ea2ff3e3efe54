"""From a version of the database to the children of a study: one row each, in the engine's memory only.

The rows carry no pseudonym beyond this module's own queries, and nothing of them is saved.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from commonground.city import City, Version
from commonground.engine import Engine
from commonground.errors import Said, StudyError
from commonground.study.catalogue import Catalogue, Known
from commonground.study.design import quote, text_literal
from commonground.study.spec import Factor, Specification

CHILDREN = "study_children"
POOLED = "pooled"
#: Scores are standardised with means and deviations rounded to this many digits, so that the order in which the engine
#: adds floating-point numbers cannot show.
_DIGITS = 9


@dataclass(frozen=True)
class Sample:
    """The children of a study, as tables in the engine.

    Attributes
    ----------
    engine : Engine
        Holds ``study_children``: person_id, school, county, level, grp, ``y_<subject>``, ``c_<i>`` and ``p_<subject>``.
    catalogue : Catalogue
    spec : Specification
    version : Version
    subjects : tuple of str
        Subjects with enough scores.
    scores : dict
        Subject → the definition taken.
    group : Known
    covariates : dict
        Column → (kind, definition or None when it comes from the enrolment).
    factors : dict
        Column → (factor, definition); in table ``study_schools`` with school, county, level.
    flow : tuple of (Said, int)
        How many children are left after each step.
    linkage_rate : float or None
    notes : tuple of Said
    coverage : float
        Of every interval, from the city's policy.
    school_minimum : int
        Children behind a statement about a school, from the city's policy.
    """

    engine: Engine
    catalogue: Catalogue
    spec: Specification
    version: Version
    subjects: tuple[str, ...]
    scores: dict[str, Known]
    group: Known
    covariates: dict[str, tuple[str, Known | None]]
    factors: dict[str, tuple[Factor, Known]]
    flow: tuple[tuple[Said, int], ...]
    linkage_rate: float | None
    notes: tuple[Said, ...]
    coverage: float
    school_minimum: int


def _pick_scores(spec: Specification, catalogue: Catalogue) -> tuple[dict[str, Known], list[Said]]:
    scores, notes = {}, []
    for outcome in spec.outcomes:
        known = catalogue.pick(outcome.definition, outcome.version, on=spec.score_date)
        if known is None:
            notes.append(
                Said(
                    f"没有{outcome.label.zh}成绩（{outcome.definition}），这一科没有研究。",
                    f"There are no scores in {outcome.label.en} ({outcome.definition}); this subject was left out.",
                )
            )
        else:
            scores[outcome.subject] = known
    if not scores:
        raise StudyError(
            Said("库中没有任何一科成绩。", "The database holds no scores in any subject."),
            where="、".join(o.definition for o in spec.outcomes),
            why=Said("没有成绩就无法研究学业。", "Without scores there is nothing to study."),
            todo=Said(
                "请检查考试成绩是否已交来、读取约定是否把成绩列对应到概念，然后重新建库。",
                "Check that exam files were delivered and that their contract maps the marks, then build again.",
            ),
        )
    return scores, notes


def _value_sql(catalogue: Catalogue, known: Known, column: str, name: str) -> str:
    """SQL of one definition's values at its date: key and one column, one row an entity."""
    return (
        f"(SELECT {catalogue.entity_key} AS key, min({column}) AS {quote(name)} FROM values_all "
        f"WHERE definition = {text_literal(known.definition)} AND version = {text_literal(known.version)} "
        f"AND reference_date = DATE '{known.date}' AND entity = {text_literal(known.entity)} GROUP BY 1)"
    )


def school_year(day: dt.date) -> int:
    """Autumn in which the school year began that was under way two months before a day.

    Scores known on a day in early autumn are those of the summer before, sat in the schools of the year that had ended.
    """
    before = day - dt.timedelta(days=62)
    return before.year if before.month >= 8 else before.year - 1


def load_sample(city: City, version: Version, spec: Specification, engine: Engine) -> Sample:
    """Gather the children of a study from a version of the database.

    Raises
    ------
    StudyError
        The database holds no scores, no groups, or too few children.
    """
    _attach(engine, version)
    catalogue = Catalogue(city, engine)
    scores, notes = _pick_scores(spec, catalogue)
    day = max(k.date for k in scores.values())
    group = catalogue.pick(spec.group_definition, spec.group_version, on=spec.group_date, until=day)
    if group is None:
        raise StudyError(
            Said("库中没有孩子所属的群体。", "The database does not hold the groups of children."),
            where=spec.group_definition,
            todo=Said(
                "请检查该定义是否在 definitions 中、建库时是否算出。",
                "Check that the definition exists and was computed by the build.",
            ),
        )
    parts, covariates = _covariates(spec, catalogue, scores, day)
    _children(engine, catalogue, scores, group, parts, school_year(day))
    flow = _flow(engine, scores, school_year(day))
    known_values = ", ".join(text_literal(g.value) for g in spec.groups)
    engine.run(f"DELETE FROM {CHILDREN} WHERE school IS NULL OR grp IS NULL OR grp NOT IN ({known_values})")
    subjects, more = _standardise(engine, spec, scores)
    _pool_prior(engine, covariates)
    factors, missing = _factors(engine, spec, catalogue, day)
    children = int(engine.rows(f"SELECT count(*) FROM {CHILDREN}")[0][0])
    flow.append((Said("有学校、有群体、有成绩", "with a school, a group and a score"), children))
    enrolled, scored = flow[0][1], flow[1][1]
    return Sample(
        engine=engine,
        catalogue=catalogue,
        spec=spec,
        version=version,
        subjects=subjects,
        scores={s: k for s, k in scores.items() if s in subjects},
        group=group,
        covariates=covariates,
        factors=factors,
        flow=tuple(flow),
        linkage_rate=min(1.0, scored / enrolled) if enrolled else None,
        notes=(*notes, *more, *missing),
        coverage=city.policy.interval,
        school_minimum=city.policy.school_minimum,
    )


def _attach(engine: Engine, version: Version) -> None:
    for name, table in (("values_all", "values"), ("enrolments_all", "enrolments"), ("schools_all", "schools")):
        path = version.table(table)
        if not path.is_file():
            raise StudyError(
                Said(
                    f"库的第 {version.number} 版缺少表 {table}。",
                    f"Version {version.number} of the database lacks the table {table}.",
                ),
                where=str(path),
                todo=Said("请重新运行 commonground build。", "Run commonground build again."),
            )
        engine.add_parquet(name, path)


def _covariates(
    spec: Specification, catalogue: Catalogue, scores: dict[str, Known], day: dt.date
) -> tuple[list[str], dict[str, tuple[str, Known | None]]]:
    """Joins that fetch the covariates, and what each column is."""
    joins: list[str] = []
    made: dict[str, tuple[str, Known | None]] = {}
    for i, covariate in enumerate(spec.covariates):
        if covariate.definition == "enrolment.grade":
            made["grade"] = ("category", None)
            continue
        if covariate.kind == "prior":
            for subject, score in scores.items():
                earlier = _prior(catalogue, covariate.definition, score)
                if earlier is not None:
                    joins.append(_value_sql(catalogue, earlier, "number", f"p_{subject}"))
                    made[f"p_{subject}"] = ("prior", earlier)
            continue
        known = catalogue.pick(covariate.definition, covariate.version, until=day)
        if known is not None:
            column = "value" if covariate.kind == "category" else "number"
            joins.append(_value_sql(catalogue, known, column, f"c_{i}"))
            made[f"c_{i}"] = (covariate.kind, known)
    return joins, made


def _prior(catalogue: Catalogue, definition: str, score: Known) -> Known | None:
    """An earlier score: a definition of its own (``<definition>_<subject>``), or the same one at an earlier date."""
    subject = score.definition.rsplit(".", 1)[-1]
    own = catalogue.pick(f"{definition}_{subject}", until=score.date)
    if own is not None and own.date <= score.date:
        return own
    earlier = catalogue.pick(score.definition, score.version, until=score.date - dt.timedelta(days=180))
    return earlier if earlier is not None and earlier.date < score.date else None


def _children(
    engine: Engine, catalogue: Catalogue, scores: dict[str, Known], group: Known, parts: list[str], year: int
) -> None:
    """Write the table of children with a score; the school is the one of the scores' school year, or the latest."""
    joins = [_value_sql(catalogue, k, "number", f"y_{s}") for s, k in scores.items()]
    joins += [_value_sql(catalogue, group, "value", "grp"), *parts]
    names = ", ".join(f"j{i}.* EXCLUDE (key)" for i in range(len(joins)))
    tables = " ".join(f"LEFT JOIN {sql} AS j{i} ON j{i}.key = e.person_id" for i, sql in enumerate(joins))
    some = " OR ".join(f"y_{s} IS NOT NULL" for s in scores)
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {CHILDREN} AS SELECT * FROM (SELECT e.*, {names} FROM ("
        "SELECT person_id, school_code AS school, grade::VARCHAR AS grade FROM enrolments_all "
        "WHERE person_id IS NOT NULL QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY "
        f"abs(school_year - {year}), school_year DESC, school_code NULLS LAST, grade, kind) = 1) AS e {tables}) "
        f"WHERE {some} ORDER BY person_id"
    )


def _flow(engine: Engine, scores: dict[str, Known], year: int) -> list[tuple[Said, int]]:
    enrolled = engine.rows(f"SELECT count(DISTINCT person_id) FROM enrolments_all WHERE school_year = {year}")[0][0]
    scored, placed = engine.rows(f"SELECT count(*), count(school) FROM {CHILDREN}")[0]
    if not int(enrolled):
        enrolled = engine.rows("SELECT count(DISTINCT person_id) FROM enrolments_all")[0][0]
    return [
        (Said("在校学生", "pupils on the roll"), int(enrolled)),
        (Said("至少有一科成绩", "with a score in some subject"), int(scored)),
        (Said("并且知道学校", "and a known school"), int(placed)),
    ]


def _standardise(engine: Engine, spec: Specification, scores: dict[str, Known]) -> tuple[tuple[str, ...], list[Said]]:
    """Put every subject, and their mean, on a scale of mean 0 and deviation 1 among the study's children."""
    subjects, notes = [], []
    for subject in scores:
        n, mean, sd = engine.rows(
            f"SELECT count(y_{subject}), round(avg(y_{subject}), {_DIGITS}), round(stddev_pop(y_{subject}), {_DIGITS}) "
            f"FROM {CHILDREN}"
        )[0]
        if int(n) < spec.minimum.children or not sd:
            label = spec.label(subject)
            notes.append(
                Said(
                    f"{label.zh}只有 {n} 名孩子有可用的成绩，少于 {spec.minimum.children} 名或成绩没有差别，没有研究。",
                    f"Only {n} children have a usable score in {label.en}, fewer than {spec.minimum.children}, "
                    "or all scores are the same; it was left out.",
                )
            )
            continue
        engine.run(f"UPDATE {CHILDREN} SET y_{subject} = (y_{subject} - {mean}) / {sd}")
        subjects.append(subject)
    if not subjects:
        raise StudyError(
            Said("有成绩、学校和群体的孩子太少。", "Too few children have a score, a school and a group."),
            why=Said(
                f"每科至少需要 {spec.minimum.children} 名。", f"Each subject needs at least {spec.minimum.children}."
            ),
            todo=Said("请检查成绩与学籍的链接情况。", "Check how scores were linked to the roll (commonground link)."),
        )
    listed = ", ".join(f"y_{s}" for s in subjects)
    engine.run(f"ALTER TABLE {CHILDREN} ADD COLUMN y_{POOLED} DOUBLE")
    engine.run(f"UPDATE {CHILDREN} SET y_{POOLED} = list_avg([{listed}])")
    mean, sd = engine.rows(
        f"SELECT round(avg(y_{POOLED}), {_DIGITS}), round(stddev_pop(y_{POOLED}), {_DIGITS}) FROM {CHILDREN}"
    )[0]
    engine.run(f"UPDATE {CHILDREN} SET y_{POOLED} = (y_{POOLED} - {mean}) / {sd}")
    return tuple(subjects), notes


def _pool_prior(engine: Engine, covariates: dict[str, tuple[str, Known | None]]) -> None:
    """Give the pooled outcome the mean of the earlier scores that a child has."""
    earlier = [name for name, (kind, _) in covariates.items() if kind == "prior"]
    if earlier:
        engine.run(f"ALTER TABLE {CHILDREN} ADD COLUMN p_{POOLED} DOUBLE")
        engine.run(f"UPDATE {CHILDREN} SET p_{POOLED} = list_avg([{', '.join(earlier)}])")
        covariates[f"p_{POOLED}"] = ("prior", None)


def _factors(
    engine: Engine, spec: Specification, catalogue: Catalogue, day: dt.date
) -> tuple[dict[str, tuple[Factor, Known]], list[Said]]:
    """Write the table of schools with their factors; ``school.*`` in the specification means all that there are."""
    listed = [f for f in spec.factors if not f.definition.endswith("*")]
    if len(listed) < len(spec.factors):
        named = {f.definition for f in listed}
        for definition in catalogue.ids("school"):
            if definition not in named:
                listed.append(Factor(definition, catalogue.titles.get(definition, Said(definition, definition))))
    made: dict[str, tuple[Factor, Known]] = {}
    missing, selected, joins = [], [], []
    for factor in listed:
        known = catalogue.pick(factor.definition, factor.version, until=day)
        if known is None:
            missing.append(factor.label)
            continue
        name = f"f_{len(made)}"
        value = "coalesce(number, CASE value WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 END)"
        joins.append(f"LEFT JOIN {_value_sql(catalogue, known, value, name)} AS j{name} ON j{name}.key = s.school_code")
        selected.append(f", j{name}.{name}")
        made[name] = (factor, known)
    engine.run(
        "CREATE OR REPLACE TEMP TABLE study_schools AS SELECT s.school_code AS school, s.county, s.level"
        f"{''.join(selected)} FROM schools_all AS s {' '.join(joins)} ORDER BY 1"
    )
    if not missing:
        return made, []
    zh, en = "、".join(m.zh for m in missing), ", ".join(m.en for m in missing)
    return made, [Said(f"库中没有这些学校因素：{zh}。", f"The database does not hold these school factors: {en}.")]
