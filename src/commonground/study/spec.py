"""A study's specification: one TOML file, the city's own before the pack's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import Said, StudyError, did_you_mean
from commonground.packs import pack_folder
from commonground.toml import check_keys, read_toml


@dataclass(frozen=True)
class Outcome:
    """A result to explain: its definition, the subject it is about, its label."""

    definition: str
    subject: str
    label: Said
    version: str = ""


@dataclass(frozen=True)
class Group:
    """One group of children: its value in the group definition, its label."""

    value: str
    label: Said


@dataclass(frozen=True)
class Covariate:
    """Something known about a child that comparisons allow for.

    ``kind`` is ``category``, ``number`` or ``prior`` (the same outcome's score at an earlier date).
    """

    definition: str
    kind: str
    label: Said
    version: str = ""


@dataclass(frozen=True)
class Factor:
    """Something about a school that may go with results; fixed before the data are seen."""

    definition: str
    label: Said
    version: str = ""


@dataclass(frozen=True)
class Minimum:
    """Fewest cases behind a statement.

    Attributes
    ----------
    children : int
        With a score and a group, in the whole study of one subject.
    group : int
        In a group that is compared.
    schools : int
        For anything about schools.
    away_in_school : int
        Children of the focus group behind a statement about one school's gap.
    """

    children: int = 200
    group: int = 30
    schools: int = 8
    away_in_school: int = 10


@dataclass(frozen=True)
class Specification:
    """What a study asks.

    Attributes
    ----------
    id : str
    title : Said
    outcomes : tuple of Outcome
    group_definition, group_version : str
        Whose values are the groups; the version "" takes the one with most values.
    reference, focus : str
        The group that others are compared with, and the one whose gap may differ by school.
    groups : tuple of Group
    score_date, group_date : date or None
        Reference date to take; None: the latest, and for groups the latest that is not after the scores'.
    covariates : tuple of Covariate
    factors : tuple of Factor
    robustness : tuple of str
        Definitions whose every version is tried in place of the focus group.
    minimum : Minimum
    discovery_rate : float
        Share of false discoveries allowed among school factors.
    """

    id: str
    title: Said
    outcomes: tuple[Outcome, ...]
    group_definition: str
    group_version: str
    reference: str
    focus: str
    groups: tuple[Group, ...]
    score_date: dt.date | None
    group_date: dt.date | None
    covariates: tuple[Covariate, ...]
    factors: tuple[Factor, ...]
    robustness: tuple[str, ...]
    minimum: Minimum
    discovery_rate: float

    @property
    def compared(self) -> tuple[Group, ...]:
        """The groups that are compared with the reference."""
        return tuple(g for g in self.groups if g.value != self.reference)

    def label(self, subject: str) -> Said:
        """Label of a subject, or of all subjects pooled."""
        for outcome in self.outcomes:
            if outcome.subject == subject:
                return outcome.label
        return Said("各科合计", "all subjects together")


def specification_path(city: City, name: str) -> Path:
    """Find a specification: the city's ``studies`` first, then the pack's.

    Raises
    ------
    StudyError
        There is none of that name.
    """
    folders = [city.studies, pack_folder(city.settings.pack) / "studies"]
    for folder in folders:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    known = sorted({p.stem for folder in folders for p in folder.glob("*.toml")})
    raise StudyError(
        Said(f"没有名为“{name}”的研究。", f"There is no study “{name}”."),
        where=str(city.studies),
        todo=did_you_mean(name, known),
    )


def _label(raw: dict[str, Any]) -> Said:
    return Said(raw["zh"], raw["en"])


def _date(raw: dict[str, Any], key: str, where: str) -> dt.date | None:
    value = raw.get(key, "latest")
    if value == "latest":
        return None
    if isinstance(value, dt.date):
        return value
    raise StudyError(
        Said(f'{key} 应为日期或 "latest"。', f'{key} must be a date or "latest".'),
        where=where,
        todo=Said("写成 2025-07-15，不加引号。", "Write 2025-07-15, without quotes."),
    )


def load_specification(path: Path) -> Specification:
    """Read and check a specification.

    Raises
    ------
    StudyError
        A key is unknown or missing, or a value is of the wrong kind.
    """
    raw = read_toml(path, StudyError)
    where = str(path)
    check_keys(raw, {"study", "group", "outcome", "covariate", "factor", "minimum"}, where, StudyError)
    try:
        study, group = raw["study"], raw["group"]
        study_keys = {"id", "title", "score_date", "group_date", "robustness", "discovery_rate"}
        check_keys(study, study_keys, f"{where} [study]", StudyError)
        check_keys(group, {"definition", "version", "reference", "focus", "level"}, f"{where} [group]", StudyError)
        check_keys(raw.get("minimum", {}), {f.name for f in fields(Minimum)}, f"{where} [minimum]", StudyError)
        for key, allowed in (
            ("outcome", {"definition", "subject", "version", "zh", "en"}),
            ("covariate", {"definition", "kind", "version", "zh", "en"}),
            ("factor", {"definition", "version", "zh", "en"}),
        ):
            for entry in raw.get(key, []):
                check_keys(entry, allowed, f"{where} [[{key}]]", StudyError)
        groups = tuple(Group(g["value"], _label(g)) for g in group["level"])
        spec = Specification(
            id=study["id"],
            title=_label(study["title"]),
            outcomes=tuple(
                Outcome(o["definition"], o["subject"], _label(o), o.get("version", "")) for o in raw["outcome"]
            ),
            group_definition=group["definition"],
            group_version=group.get("version", ""),
            reference=group["reference"],
            focus=group["focus"],
            groups=groups,
            score_date=_date(study, "score_date", where),
            group_date=_date(study, "group_date", where),
            covariates=tuple(
                Covariate(c["definition"], c["kind"], _label(c), c.get("version", "")) for c in raw.get("covariate", [])
            ),
            factors=tuple(Factor(f["definition"], _label(f), f.get("version", "")) for f in raw.get("factor", [])),
            robustness=tuple(study.get("robustness", ())),
            minimum=Minimum(**raw.get("minimum", {})),
            discovery_rate=float(study.get("discovery_rate", 0.1)),
        )
    except KeyError as missing:
        raise StudyError(
            Said(f"研究规格缺少 {missing.args[0]}。", f"The specification lacks {missing.args[0]}."),
            where=where,
            todo=Said("请补上这一项。", "Add it."),
        ) from None
    _check(spec, where)
    return spec


def _check(spec: Specification, where: str) -> None:
    values = [g.value for g in spec.groups]
    for key, value in (("reference", spec.reference), ("focus", spec.focus)):
        if value not in values:
            raise StudyError(
                Said(f"[group] {key} 不是所列群体之一：{value}", f"{key} under [group] is none of the levels: {value}"),
                where=where,
                todo=did_you_mean(value, values),
            )
    for covariate in spec.covariates:
        if covariate.kind not in ("category", "number", "prior"):
            raise StudyError(
                Said(f"不认识的协变量类型“{covariate.kind}”。", f"Unknown kind of covariate “{covariate.kind}”."),
                where=where,
                todo=did_you_mean(covariate.kind, ["category", "number", "prior"]),
            )
