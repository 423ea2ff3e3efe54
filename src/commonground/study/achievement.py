"""The study of achievement, from top to bottom: sample, gaps, variance, schools, factors, strengths, robustness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commonground.city import City
from commonground.engine import open_engine
from commonground.errors import Said, StudyError
from commonground.study.catalogue import Known
from commonground.study.factors import factor_rows
from commonground.study.gaps import gap_rows
from commonground.study.mixed import MixedModel
from commonground.study.model import Findings, Row
from commonground.study.outcome import Outcome, make_outcome
from commonground.study.robustness import specification_rows
from commonground.study.sample import POOLED, load_sample
from commonground.study.schools import school_places, school_rows
from commonground.study.spec import load_specification, specification_path
from commonground.study.strengths import strength_rows
from commonground.study.tell import tell
from commonground.study.variance import variance_rows

Progress = Callable[[str, int, int], None]


@dataclass
class Gathered:
    """Rows of every table while the study runs, and what was fitted."""

    gaps: list[Row]
    variance: list[Row]
    schools: list[Row]
    factors: list[Row]
    strengths: list[Row]
    specifications: list[Row]
    counts: list[Row]
    models: list[MixedModel]
    versions: list[Known]
    notes: list[Said]


def run(city: City, spec_name: str = "achievement", *, progress: Progress | None = None) -> Findings:
    """Run a study on the current version of a city.

    Parameters
    ----------
    city : City
        A built city.
    spec_name : str
        Name of a specification in the city's ``studies`` folder or the pack's.
    progress : callable, optional
        Called with the stage, how much is done, and how much there is.

    Returns
    -------
    Findings
        Tables ``gaps, variance, schools, schools_by_subject, factors, strengths, specifications, counts, flow``.

    Raises
    ------
    StudyError
        The specification is wrong, or the database holds no scores, no groups or too few children.
    """
    version = city.require_current()
    spec = load_specification(specification_path(city, spec_name))
    say = progress or (lambda stage, done, total: None)
    engine = open_engine(city.settings.engine)
    try:
        sample = load_sample(city, version, spec, engine)
        gathered = Gathered([], [], [], [], [], [], [], [], [], [])
        subjects = (*sample.subjects, POOLED)
        for done, subject in enumerate(subjects):
            say("study", done, len(subjects))
            _one_outcome(make_outcome(sample, subject), gathered)
        say("study", len(subjects), len(subjects))
        return tell(sample, gathered)
    finally:
        engine.close()


def _one_outcome(outcome: Outcome, gathered: Gathered) -> None:
    sample = outcome.sample
    label = sample.spec.label(outcome.subject)
    gathered.counts += [
        {"group": group, "subject": outcome.subject, "n": n, "schools": outcome.schools}
        for group, n in outcome.counts.items()
    ]
    _check_groups(outcome, label, gathered)
    if outcome.schools < sample.spec.minimum.schools:
        gathered.notes.append(
            Said(
                f"{label.zh}只涉及 {outcome.schools} 所学校，少于 {sample.spec.minimum.schools} 所，没有研究。",
                f"{label.en}: only {outcome.schools} schools, fewer than {sample.spec.minimum.schools}; left out.",
            )
        )
        return
    gathered.gaps += gap_rows(outcome)
    null = outcome.model([], slope=False)
    level = outcome.model(outcome.adjusted, slope=False)
    slope = outcome.model(outcome.adjusted, slope=True) if outcome.away_in_some else None
    if slope is None:
        gathered.notes.append(
            Said(
                f"{label.zh}：有足够多父母外出的孩子的学校太少，没有估计差距在学校之间的不同。",
                f"{label.en}: too few schools have enough children whose parents are away; "
                "how the gap differs by school was not estimated.",
            )
        )
    gathered.models += [m for m in (null, level, slope) if m is not None]
    gathered.variance += variance_rows(outcome, null, level, slope)
    schools = school_rows(outcome, level, slope, school_places(outcome))
    gathered.schools += schools
    gathered.factors += factor_rows(outcome)
    gathered.strengths += strength_rows(outcome, schools)
    for row, known in specification_rows(outcome):
        gathered.specifications.append(row)
        gathered.versions.append(known)


def _check_groups(outcome: Outcome, label: Said, gathered: Gathered) -> None:
    spec = outcome.sample.spec
    if outcome.counts[spec.reference] < spec.minimum.group:
        named = next(g.label for g in spec.groups if g.value == spec.reference)
        raise StudyError(
            Said(
                f"{label.zh}：用来比较的群体（{named.zh}）只有 {outcome.counts[spec.reference]} 名孩子。",
                f"{label.en}: the group to compare with ({named.en}) has {outcome.counts[spec.reference]} children.",
            ),
            why=Said(f"至少需要 {spec.minimum.group} 名。", f"At least {spec.minimum.group} are needed."),
            todo=Said(
                "请检查群体定义所需的数据是否交来。",
                "Check that the data which the group definition needs were delivered.",
            ),
        )
    for group in spec.compared:
        n = outcome.counts[group.value]
        if n < spec.minimum.group and group not in outcome.groups:
            few = f"不足 {spec.minimum.group} 名" if n else "一名也没有"
            few_en = f"fewer than {spec.minimum.group}" if n else "no"
            gathered.notes.append(
                Said(
                    f"{label.zh}：{group.label.zh}{few}，没有比较。",
                    f"{label.en}: {few_en} {group.label.en}; not compared.",
                )
            )
