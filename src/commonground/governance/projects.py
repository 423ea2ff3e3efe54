"""Projects: who may use which data for what, by which right, until when. What no open project allows is refused."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commonground.errors import AccessError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Entry, Ledger
from commonground.governance.roles import Permission, Roles


class LegalBasis(StrEnum):
    """The grounds for processing personal information (个人信息保护法 art. 13, paragraph 1)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    STATUTORY_DUTY = "statutory_duty"
    EMERGENCY = "emergency"
    PUBLIC_INTEREST_NEWS = "public_interest_news"
    ALREADY_PUBLIC = "already_public"
    OTHER_LAW = "other_law"

    @property
    def label(self) -> Said:
        """The ground's name, with its item in article 13."""
        return _BASES[self]


_BASES = {
    LegalBasis.CONSENT: Said("取得个人同意（第一项）", "consent (item 1)"),
    LegalBasis.CONTRACT: Said(
        "订立、履行合同或人力资源管理所必需（第二项）", "needed for a contract or staff (item 2)"
    ),
    LegalBasis.STATUTORY_DUTY: Said("履行法定职责或法定义务所必需（第三项）", "needed for a statutory duty (item 3)"),
    LegalBasis.EMERGENCY: Said("应对突发公共卫生事件或紧急情况（第四项）", "an emergency (item 4)"),
    LegalBasis.PUBLIC_INTEREST_NEWS: Said("为公共利益实施新闻报道、舆论监督（第五项）", "news reporting (item 5)"),
    LegalBasis.ALREADY_PUBLIC: Said("处理已经合法公开的个人信息（第六项）", "lawfully public already (item 6)"),
    LegalBasis.OTHER_LAW: Said("法律、行政法规规定的其他情形（第七项）", "another law says so (item 7)"),
}
_ID = re.compile(r"[a-z][a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Project:
    """A purpose for which data may be used.

    Attributes
    ----------
    id : str
        Short name, small letters, digits and hyphens.
    purpose : Said
        What for, in both languages.
    basis : LegalBasis
        The legal ground.
    article : str
        The law and article; required unless the ground is consent.
    datasets : tuple of str
        Kinds of datasets, such as ``student_registry``.
    people : tuple of str
        Actors who take part.
    until : date
        The last day.
    """

    id: str
    purpose: Said
    basis: LegalBasis
    article: str
    datasets: tuple[str, ...]
    people: tuple[str, ...]
    until: dt.date

    def __post_init__(self) -> None:
        lacking: Said | None = None
        if not _ID.fullmatch(self.id):
            lacking = Said("编号只能用小写字母、数字和横线。", "The id takes small letters, digits and hyphens.")
        elif not self.purpose.zh.strip() or not self.purpose.en.strip():
            lacking = Said("缺少中文或英文的目的。", "The purpose is missing in Chinese or English.")
        elif self.basis != LegalBasis.CONSENT and not self.article.strip():
            lacking = Said("缺少依据的法律条款。", "The law and article are missing.")
        elif not self.datasets or not self.people:
            lacking = Said("缺少数据集或人员。", "Datasets or people are missing.")
        if lacking is not None:
            raise AccessError(
                Said("项目不完整。", "The project is not complete."),
                where=self.id,
                why=lacking,
                todo=Said("请补全后再立项。", "Complete it, then open it."),
            )


class Projects:
    """The city's projects, computed from the ledger.

    Parameters
    ----------
    ledger : Ledger
        The city's ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.roles = ledger, Roles(ledger)

    def open(self, project: Project, *, by: str) -> Entry:
        """Open a project, or replace one of the same id by its new wording."""
        self.roles.require(by, Permission.OPEN_PROJECT)
        detail = {
            "purpose": {"zh": project.purpose.zh, "en": project.purpose.en},
            "basis": str(project.basis),
            "article": project.article,
            "datasets": sorted(project.datasets),
            "people": sorted(project.people),
            "until": project.until.isoformat(),
        }
        return self.ledger.append(Kind.PROJECT_OPENED, by, f"project:{project.id}", detail)

    def close(self, project: str, *, by: str, reason: str = "") -> Entry:
        """Close a project before its last day."""
        self.roles.require(by, Permission.OPEN_PROJECT)
        return self.ledger.append(Kind.PROJECT_CLOSED, by, f"project:{project}", {"reason": reason})

    def all(self) -> list[Project]:
        """Projects that are open today, in order of id."""
        today = self.ledger.clock().date()
        found: dict[str, Project] = {}
        for entry in self.ledger.entries((Kind.PROJECT_OPENED, Kind.PROJECT_CLOSED)):
            project = entry.subject.removeprefix("project:")
            if entry.kind == Kind.PROJECT_CLOSED:
                found.pop(project, None)
            else:
                found[project] = _project(project, entry.detail)
        return [found[key] for key in sorted(found) if found[key].until >= today]

    def require(self, actor: str, project: str, dataset: str) -> Project:
        """Let pass whoever takes part in an open project that covers the dataset.

        Raises
        ------
        AccessError
            No such project is open, or it does not name this person or this dataset.
        """
        found = next((p for p in self.all() if p.id == project), None)
        if found is None:
            why = Said("没有这个项目，或者已经到期、结项。", "There is no such project, or it has ended.")
        elif actor not in found.people:
            why = Said("您不是这个项目的成员。", "You do not take part in this project.")
        elif dataset not in found.datasets:
            why = Said("项目的目的不包括这个数据集。", "The project does not cover this dataset.")
        else:
            return found
        self.ledger.append(Kind.ACCESS_REFUSED, actor, f"project:{project}"[:400], {"dataset": dataset})
        raise AccessError(
            Said("这项数据不能用于此目的。", "This data may not be used for this."),
            where=f"{project} / {dataset}",
            why=why,
            todo=Said("请主管部门立项或更改项目。", "Ask an official to open or change a project."),
        )


def _project(project: str, detail: Any) -> Project:
    return Project(
        project,
        Said(**detail["purpose"]),
        LegalBasis(detail["basis"]),
        detail["article"],
        tuple(detail["datasets"]),
        tuple(detail["people"]),
        dt.date.fromisoformat(detail["until"]),
    )
