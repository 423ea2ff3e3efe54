"""From rows to findings: facts beside every table, and sentences computed from the tables' own rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from commonground.errors import Said
from commonground.study.catalogue import Known
from commonground.study.model import Facts, Findings, FindingTable, Row, plain_rows
from commonground.study.sample import POOLED, Sample

if TYPE_CHECKING:
    from commonground.study.achievement import Gathered

_TITLES = {
    "gaps": Said("三类孩子各科成绩的差距", "Gaps between groups of children by subject"),
    "variance": Said("成绩差异有多少在学校之间", "How much of the differences lies between schools"),
    "schools": Said("各校的成绩与校内差距（各科合计）", "Schools: results and gaps within, all subjects together"),
    "schools_by_subject": Said("各校各科的成绩与校内差距", "Schools: results and gaps within, by subject"),
    "factors": Said("与成绩一起变化的学校因素", "School factors that go with results"),
    "strengths": Said("长处", "Strengths"),
    "specifications": Said("换一种定义，差距是否还在", "The gap under other definitions"),
    "counts": Said("各群体的孩子数", "Children by group"),
    "flow": Said("哪些孩子在研究之内", "Who is in the study"),
}
_NOT_SAID = {
    "gaps": Said("父母外出造成了差距。", "That absence causes the gap."),
    "schools": Said(
        "哪所学校教得更好；学生不是随机分到学校的。",
        "Which school teaches better: children are not assigned to schools by chance.",
    ),
    "factors": Said("改变这些因素就能提高成绩。", "That changing a factor would raise results."),
    "strengths": Said("某个孩子会考得怎样。", "How any child will do."),
    "specifications": Said("哪一种定义是对的。", "Which definition is right."),
}
_CLUSTERED = Said("{level} 置信区间，按学校聚类", "{level} confidence interval, clustered by school")
_PROFILE = Said("{level} 剖面似然区间", "{level} profile-likelihood interval")
_SHRUNKEN = Said("{level} 区间，混合模型的收缩估计", "{level} interval of shrunken estimates, mixed model")
_MIXED = Said(
    "{level} 置信区间，混合模型，自由度按学校数",
    "{level} confidence interval, mixed model, degrees of freedom by schools",
)
_BOOTSTRAP = Said(
    "{level} 区间，按学校重抽样；学校所占比例用正态近似",
    "{level} interval, schools resampled; shares of schools by normal approximation",
)
_NONE = Said("无：是计数", "none: a count")
_INTERVALS = {
    "gaps": _CLUSTERED,
    "variance": _PROFILE,
    "schools": _SHRUNKEN,
    "schools_by_subject": _SHRUNKEN,
    "factors": _MIXED,
    "strengths": _BOOTSTRAP,
    "specifications": _CLUSTERED,
    "counts": _NONE,
    "flow": _NONE,
}
_SD = Said("标准差（本研究的孩子）", "standard deviations among the children of the study")
_UNITS = {
    "variance": Said("方差；占总差异的比例", "variance; share of all differences"),
    "factors": Said(
        "标准差（学校因素每高一个标准差；有无类：有比无）",
        "standard deviations per standard deviation of the factor (yes-no factors: yes against no)",
    ),
    "strengths": Said("比例；学校数", "share; number of schools"),
    "counts": Said("名孩子", "children"),
    "flow": Said("名孩子", "children"),
}


def _interval(name: str, coverage: float) -> Said:
    said = _INTERVALS[name]
    level = f"{coverage:.0%}"
    return Said(said.zh.format(level=level), said.en.format(level=level))


def _facts(sample: Sample, name: str, known: Sequence[Known], n: int) -> Facts:
    days = sorted({k.date for k in sample.scores.values()})
    period = "、".join(d.isoformat() for d in days)
    return Facts(
        unit=_UNITS.get(name, _SD),
        population=Said(
            "在校、有成绩、知道学校和所属群体的孩子",
            "children on the roll with a score, a known school and a known group",
        ),
        period=Said(f"成绩截至 {period}", f"scores as of {period.replace('、', ', ')}"),
        n=n,
        interval=_interval(name, sample.coverage),
        definitions=sample.catalogue.used(known),
        sources=_sources(sample, known),
        linkage_rate=sample.linkage_rate,
        warehouse_version=sample.version.number,
    )


def _sources(sample: Sample, known: Iterable[Known]) -> tuple[str, ...]:
    """Kinds of datasets behind a table: of the enrolments, and of the definitions where the city holds such data."""
    rows = sample.engine.rows("SELECT DISTINCT kind FROM enrolments_all WHERE kind IS NOT NULL")
    enrolled = {str(r[0]) for r in rows}
    report = sample.version.path / "quality" / "intake.json"
    held: set[str] = set()
    if report.is_file():
        sheets = json.loads(report.read_text(encoding="utf-8")).get("conservation", ())
        held = {str(sheet["kind"]) for sheet in sheets if sheet.get("records")}
    return tuple(sorted(enrolled | (sample.catalogue.kinds(known) & held)))


def _tables(sample: Sample, gathered: Gathered) -> dict[str, FindingTable]:
    n = sample.flow[-1][1]
    basic = [*sample.scores.values(), sample.group]
    roles = _roles(sample)
    covariates, earlier, factors = roles["covariate"], roles["earlier"], roles["factor"]
    pooled = [_without(r, "subject") for r in gathered.schools if r["subject"] == POOLED]
    by_subject = [r for r in gathered.schools if r["subject"] != POOLED]
    flow: list[Row] = [
        {"step": i, "zh": said.zh, "en": said.en, "n": count} for i, (said, count) in enumerate(sample.flow)
    ]
    content: dict[str, tuple[Sequence[Row], list[Known]]] = {
        "gaps": (gathered.gaps, [*basic, *covariates, *earlier]),
        "variance": (gathered.variance, [*basic, *covariates]),
        "schools": (pooled, [*basic, *covariates]),
        "schools_by_subject": (by_subject, [*basic, *covariates]),
        "factors": (gathered.factors, [*basic, *covariates, *factors]),
        "strengths": (gathered.strengths, basic),
        "specifications": (gathered.specifications, [*sample.scores.values(), *covariates, *gathered.versions]),
        "counts": (gathered.counts, basic),
        "flow": (flow, basic),
    }
    return {
        name: FindingTable(name, _TITLES[name], plain_rows(rows), _facts(sample, name, known, n), _NOT_SAID.get(name))
        for name, (rows, known) in content.items()
    }


def _roles(sample: Sample) -> dict[str, list[Known]]:
    """What each definition is for: a figure names those that it rests on."""
    covariates = [(kind, k) for kind, k in sample.covariates.values() if k is not None]
    return {
        "outcome": list(sample.scores.values()),
        "group": [sample.group],
        "covariate": [k for kind, k in covariates if kind != "prior"],
        "earlier": [k for kind, k in covariates if kind == "prior"],
        "factor": [k for _, k in sample.factors.values()],
    }


def _without(row: Row, key: str) -> Row:
    return {k: v for k, v in row.items() if k != key}


def _range(row: Row) -> tuple[str, str]:
    """Range right after its number, same sign and unit."""
    sign = -1 if row["estimate"] < 0 else 1
    ends = sorted((sign * row["low"], sign * row["high"]))
    low, high = (f"{v:.2f}".replace("-", "−") for v in ends)
    return f"（{low} 至 {high}）", f" ({low} to {high})"


def _gap_sentence(sample: Sample, row: Row) -> Said:
    spec = sample.spec
    group = next(g.label for g in spec.groups if g.value == row["group"])
    base = next(g.label for g in spec.groups if g.value == spec.reference)
    subject = spec.label(row["subject"])
    zh, en = _range(row)
    start_zh = f"{subject.zh}：{group.zh}与{base.zh}相比，"
    start_en = f"{subject.en[:1].upper()}{subject.en[1:]}: {group.en} compared with {base.en}: "
    size = f"{abs(row['estimate']):.2f}"
    if row["low"] <= 0 <= row["high"]:
        low, high = (f"{v:.2f}".replace("-", "−") for v in (row["low"], row["high"]))
        return Said(
            f"{start_zh}看不出差别（{low} 至 {high} 个标准差）。",
            f"{start_en}no clear difference ({low} to {high} standard deviations).",
        )
    word_zh, word_en = ("低", "below") if row["estimate"] < 0 else ("高", "above")
    return Said(f"{start_zh}{word_zh} {size} 个标准差{zh}。", f"{start_en}{size} standard deviations{en} {word_en}.")


def _told(sample: Sample, tables: dict[str, FindingTable]) -> list[Said]:
    spec, told = sample.spec, []
    for row in tables["strengths"].rows:
        if row["statement"] == f"away_above_local_median.{row['subject']}" and row["subject"] != POOLED:
            subject = spec.label(row["subject"])
            base = next(g.label for g in spec.groups if g.value == spec.reference)
            focus = next(g.label for g in spec.groups if g.value == spec.focus)
            value, low, high = (f"{row[k]:.0%}" for k in ("value", "low", "high"))
            told.append(
                Said(
                    f"{subject.zh}：{focus.zh}中有 {value}（{low} 至 {high}）超过{base.zh}的中位数。",
                    f"{subject.en[:1].upper()}{subject.en[1:]}: {value} ({low} to {high}) of {focus.en} "
                    f"score above the median of {base.en}.",
                )
            )
    told += [
        _gap_sentence(sample, row)
        for row in tables["gaps"].rows
        if row["comparison"] == "adjusted" and row["subject"] != POOLED and row["group"] != "other"
    ]
    for row in tables["variance"].rows:
        if (row["model"], row["level"], row["subject"]) == ("null", "school", POOLED):
            value, low, high = (f"{row[k]:.0%}" for k in ("share", "low", "high"))
            told.append(
                Said(
                    f"孩子之间成绩差异的 {value}（{low} 至 {high}）在学校之间，其余在学校之内。",
                    f"{value} ({low} to {high}) of the differences between children lie between schools, "
                    "the rest within.",
                )
            )
    schools = tables["schools"].rows
    if schools:
        counted = [sum(r["verdict"] == v for r in schools) for v in ("above", "unclear", "below")]
        told.append(
            Said(
                f"{len(schools)} 所学校中，{counted[0]} 所高于全市平均，{counted[2]} 所低于，"
                f"{counted[1]} 所看不出差别。",
                f"Of {len(schools)} schools, {counted[0]} are above the city's mean, {counted[2]} below, and for "
                f"{counted[1]} no clear difference is seen.",
            )
        )
    return told + _factor_sentences(sample, tables["factors"].rows)


def _factor_sentences(sample: Sample, rows: Sequence[Row]) -> list[Said]:
    labels = {f.definition: f.label for f, _ in sample.factors.values()}
    focus = next(g.label for g in sample.spec.groups if g.value == sample.spec.focus)
    told = []
    for row in rows:
        if row["subject"] != POOLED or row["term"] != "parents_away" or row["q"] > sample.spec.discovery_rate:
            continue
        label = labels[row["factor"]]
        word_zh, word_en = ("高", "higher") if row["estimate"] > 0 else ("低", "lower")
        zh, en = _range(row)
        size = f"{abs(row['estimate']):.2f}"
        step_zh = "有比没有" if row["scale"] == "yes_no" else "每高一个标准差，成绩"
        step_en = "with it" if row["scale"] == "yes_no" else "for each standard deviation of it"
        told.append(
            Said(
                f"学校的{label.zh}与{focus.zh}的成绩一起变化：{step_zh}{word_zh} {size} 个标准差{zh}。",
                f"A school's {label.en} goes with results of {focus.en}: {step_en}, results are "
                f"{size} standard deviations{en} {word_en}.",
            )
        )
    return told


def tell(sample: Sample, gathered: Gathered) -> Findings:
    """Put the rows into tables with their facts, and say what they show.

    A model that is not certified as an optimum is named in the notes.
    """
    tables = _tables(sample, gathered)
    failed = sorted({m.formula for m in gathered.models if not m.converged})
    notes = [*sample.notes, *dict.fromkeys(gathered.notes)]
    notes += [
        Said(f"模型没有收敛，结果不能使用：{f}", f"A model did not converge and must not be used: {f}") for f in failed
    ]
    return Findings(
        study=sample.spec.id,
        title=sample.spec.title,
        tables=tables,
        told=tuple(_told(sample, tables)),
        notes=tuple(notes),
        provenance={
            "warehouse_version": sample.version.number,
            "models": [
                {"formula": m.formula, "n": m.n, "criterion": m.criterion, "converged": m.converged}
                for m in gathered.models
            ],
            "factors": {f.definition: {"zh": f.label.zh, "en": f.label.en} for f, _ in sample.factors.values()},
            "groups": {g.value: {"zh": g.label.zh, "en": g.label.en} for g in sample.spec.groups},
            "subjects": {
                s: {"zh": sample.spec.label(s).zh, "en": sample.spec.label(s).en} for s in (*sample.subjects, POOLED)
            },
            "roles": {role: sorted({k.definition for k in known}) for role, known in _roles(sample).items()},
            "covariates": [{"zh": c.label.zh, "en": c.label.en} for c in sample.spec.covariates if c.kind != "prior"],
            "discovery_rate": sample.spec.discovery_rate,
            "minimum": vars(sample.spec.minimum),
        },
    )
