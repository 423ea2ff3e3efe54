"""Roles and what they may do; who holds which role is computed from the ledger.

Administration is split in three, as level-3 protection of networks asks (GB/T 22239-2019, 三员分立): the system
administrator keeps accounts and the machine, the security administrator grants roles and keeps the keys, the audit
administrator reads the ledger. Nobody may hold two of the three, with one recorded exception: whoever builds a city
first must be able to begin, and the exception lapses as soon as a second person takes over.
"""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commonground.errors import AccessError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Entry, Ledger, Writer


class Permission(StrEnum):
    """What may be done; a closed list."""

    READ_PUBLIC = "read_public"
    READ_OFFICIAL = "read_official"
    BUILD = "build"
    STUDY = "study"
    DEFINE = "define"
    ASK_APPROVAL = "ask_approval"
    APPROVE = "approve"
    RELEASE = "release"
    TRANSFER = "transfer"
    LINK_EXPORT = "link_export"
    OPEN_LINK_REVIEW = "open_link_review"
    REVIEW_LINKS = "review_links"
    VALUES_EXPORT = "values_export"
    SUMS_EXPORT = "sums_export"
    OPEN_PROJECT = "open_project"
    MANAGE_ACCOUNTS = "manage_accounts"
    GRANT = "grant"
    DESTROY_KEY = "destroy_key"
    READ_LEDGER = "read_ledger"

    @property
    def label(self) -> Said:
        """The permission's name for readers, a verb."""
        return _PERMISSIONS[self]


_PERMISSIONS = {
    Permission.READ_PUBLIC: Said("查看公开内容", "read what is public"),
    Permission.READ_OFFICIAL: Said("查看写明校名的内部页面", "read the pages that name schools"),
    Permission.BUILD: Said("接收交付并建库", "take in deliveries and build the database"),
    Permission.STUDY: Said("运行研究", "run studies"),
    Permission.DEFINE: Said("维护变量定义", "keep definitions"),
    Permission.ASK_APPROVAL: Said("提请审批", "ask for an approval"),
    Permission.APPROVE: Said("审批", "approve"),
    Permission.RELEASE: Said("发布", "release"),
    Permission.TRANSFER: Said("向外移交文件", "hand files over"),
    Permission.LINK_EXPORT: Said("导出连接表", "export links"),
    Permission.OPEN_LINK_REVIEW: Said("组织连接复核", "open and settle rounds of link review"),
    Permission.REVIEW_LINKS: Said("复核指定的记录对", "review the pairs of records assigned to them"),
    Permission.VALUES_EXPORT: Said("导出变量取值", "export values"),
    Permission.SUMS_EXPORT: Said("导出汇总量", "export sums"),
    Permission.OPEN_PROJECT: Said("立项和结项", "open and close projects"),
    Permission.MANAGE_ACCOUNTS: Said("邀请开户、停用账号", "invite and close accounts"),
    Permission.GRANT: Said("授予和收回角色", "grant and revoke roles"),
    Permission.DESTROY_KEY: Said("销毁密钥", "destroy keys"),
    Permission.READ_LEDGER: Said("查看台账", "read the ledger"),
}


class Role(StrEnum):
    """Who somebody is to the city's data."""

    PUBLIC = "public"
    COMMUNITY = "community"
    NGO = "ngo"
    RESEARCHER = "researcher"
    DATA_OFFICER = "data_officer"
    OFFICIAL = "official"
    REVIEWER = "reviewer"
    LINK_REVIEWER = "link_reviewer"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    AUDIT_ADMINISTRATOR = "audit_administrator"

    @property
    def label(self) -> Said:
        """The role's name for readers."""
        return _ROLES[self][0]

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role may do."""
        return _ROLES[self][1] | {Permission.READ_PUBLIC}


_ROLES: dict[Role, tuple[Said, frozenset[Permission]]] = {
    Role.PUBLIC: (Said("公众", "Public"), frozenset()),
    Role.COMMUNITY: (Said("社区（村居）工作者", "Community worker"), frozenset()),
    Role.NGO: (Said("社会组织", "Civil-society organisation"), frozenset()),
    Role.RESEARCHER: (
        Said("研究人员", "Researcher"),
        frozenset({Permission.STUDY, Permission.ASK_APPROVAL}),
    ),
    Role.DATA_OFFICER: (
        Said("数据专员", "Data officer"),
        frozenset(
            {
                Permission.BUILD,
                Permission.STUDY,
                Permission.DEFINE,
                Permission.ASK_APPROVAL,
                Permission.RELEASE,
                Permission.TRANSFER,
                Permission.LINK_EXPORT,
                Permission.OPEN_LINK_REVIEW,
                Permission.VALUES_EXPORT,
                Permission.SUMS_EXPORT,
            }
        ),
    ),
    Role.OFFICIAL: (
        Said("主管部门工作人员", "Official"),
        frozenset({Permission.READ_OFFICIAL, Permission.ASK_APPROVAL, Permission.OPEN_PROJECT}),
    ),
    Role.REVIEWER: (Said("审核员", "Reviewer"), frozenset({Permission.APPROVE, Permission.READ_OFFICIAL})),
    Role.LINK_REVIEWER: (Said("连接复核员", "Link reviewer"), frozenset({Permission.REVIEW_LINKS})),
    Role.SYSTEM_ADMINISTRATOR: (
        Said("系统管理员", "System administrator"),
        frozenset({Permission.MANAGE_ACCOUNTS, Permission.READ_OFFICIAL}),
    ),
    Role.SECURITY_ADMINISTRATOR: (
        Said("安全管理员", "Security administrator"),
        frozenset({Permission.GRANT, Permission.DESTROY_KEY}),
    ),
    Role.AUDIT_ADMINISTRATOR: (Said("审计管理员", "Audit administrator"), frozenset({Permission.READ_LEDGER})),
}

APART = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})
"""The three administrators: no two in one hand."""
FIRST = (Role.DATA_OFFICER, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR)
"""What whoever builds a city first is granted."""


def current_actor() -> str:
    """Name whoever runs the command: ``local:<user of the machine>``."""
    return f"local:{getpass.getuser()}"


@dataclass(frozen=True)
class Grant:
    """A role that somebody holds.

    Attributes
    ----------
    actor : str
        Who holds it.
    role : Role
        Which.
    by : str
        Who granted it.
    since : str
        When, as the ledger says.
    until : date or None
        The last day.
    first : bool
        Granted by beginning the city; see the module's text.
    """

    actor: str
    role: Role
    by: str
    since: str
    until: dt.date | None
    first: bool


class Roles:
    """Who may do what, computed from the ledger.

    Parameters
    ----------
    ledger : Ledger
        The city's ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def grants(self) -> list[Grant]:
        """Every role held today, in order of being granted."""
        return self._standing(self.ledger.entries((Kind.ROLE_GRANTED, Kind.ROLE_REVOKED)))

    def of(self, actor: str) -> frozenset[Role]:
        """Roles that somebody holds today; everybody is of the public."""
        return frozenset({Role.PUBLIC} | {g.role for g in self.grants() if g.actor == actor})

    def permissions(self, actor: str) -> frozenset[Permission]:
        """Give what somebody may do today."""
        return frozenset().union(*(role.permissions for role in self.of(actor)))

    def may(self, actor: str, permission: Permission | str) -> bool:
        """Tell whether somebody may do something."""
        return Permission(permission) in self.permissions(actor)

    def require(self, actor: str, permission: Permission | str) -> None:
        """Let pass whoever may; refuse others, and record that they tried.

        Raises
        ------
        AccessError
            ``actor`` holds no role that may do this.
        """
        permission = Permission(permission)
        if self.may(actor, permission):
            return
        self.ledger.append(Kind.ACCESS_REFUSED, actor, str(permission))
        holders = [role.label for role in Role if permission in role.permissions]
        zh, en = "、".join(r.zh for r in holders), ", ".join(r.en.lower() for r in holders)
        raise AccessError(
            Said(f"您没有权限{permission.label.zh}。", f"You may not {permission.label.en}."),
            where=actor,
            why=Said(f"这项权限属于：{zh}。", f"These roles may: {en}."),
            todo=Said(
                "请安全管理员授予角色；这次尝试已记入台账。",
                "Ask the security administrator for a role; this attempt stands in the ledger.",
            ),
        )

    def grant(self, actor: str, role: Role | str, *, by: str, until: dt.date | None = None, reason: str = "") -> Entry:
        """Grant a role; the ledger keeps who did.

        Raises
        ------
        AccessError
            ``by`` may not grant, grants to themselves, or the three administrators would fall into one hand.
        """
        role = Role(role)
        self.require(by, Permission.GRANT)
        if actor == by:
            raise _refusal(
                Said("不能给自己授予角色。", "Nobody grants a role to themselves."),
                Said("请另一位安全管理员授予。", "Ask another security administrator."),
                actor,
            )
        with self.ledger.writing() as writer:
            standing = self._standing(writer.entries((Kind.ROLE_GRANTED, Kind.ROLE_REVOKED)))
            held = {g.role for g in standing if g.actor == actor}
            if role in APART and held & APART - {role}:
                raise _refusal(
                    Said(
                        "系统、安全、审计三类管理员不能由一人兼任。",
                        "System, security and audit administrator may not be one person.",
                    ),
                    Said("请另选一人，或先收回原有角色。", "Choose somebody else, or revoke the other role first."),
                    actor,
                )
            detail = {"role": str(role), "until": until.isoformat() if until else None, "reason": reason}
            entry = writer.append(Kind.ROLE_GRANTED, by, actor, detail)
            self._lapse(writer, standing, actor, role)
            return entry

    def revoke(self, actor: str, role: Role | str, *, by: str, reason: str = "") -> Entry:
        """Take a role away.

        Raises
        ------
        AccessError
            ``by`` may not, or nobody would be left who can grant roles.
        """
        role = Role(role)
        self.require(by, Permission.GRANT)
        with self.ledger.writing() as writer:
            standing = self._standing(writer.entries((Kind.ROLE_GRANTED, Kind.ROLE_REVOKED)))
            others = [g for g in standing if g.role == role and g.actor != actor]
            if role == Role.SECURITY_ADMINISTRATOR and not others:
                raise _refusal(
                    Said("不能收回最后一位安全管理员。", "The last security administrator may not be removed."),
                    Said("请先授予另一人。", "Grant the role to somebody else first."),
                    actor,
                )
            return writer.append(Kind.ROLE_REVOKED, by, actor, {"role": str(role), "reason": reason})

    def begin(self, actor: str) -> bool:
        """Make whoever builds a city first its data officer and administrator; later calls change nothing.

        Returns
        -------
        bool
            Whether this was the beginning.
        """
        with self.ledger.writing() as writer:
            if writer.entries(Kind.ROLE_GRANTED, limit=1):
                return False
            for role in FIRST:
                writer.append(Kind.ROLE_GRANTED, "system", actor, {"role": str(role), "first": True})
            return True

    def mixed(self) -> list[str]:
        """Who holds two of the three administrators' roles, which only the beginning of a city allows."""
        held: dict[str, set[Role]] = {}
        for grant in self.grants():
            held.setdefault(grant.actor, set()).add(grant.role)
        return sorted(actor for actor, roles in held.items() if len(roles & APART) > 1)

    def _lapse(self, writer: Writer, standing: Iterable[Grant], actor: str, role: Role) -> None:
        """End the beginner's exception once somebody else holds one of the three roles."""
        for grant in standing:
            if grant.first and grant.actor != actor and grant.role == role and role in APART:
                detail = {"role": str(role), "reason": "separation of duties", "lapsed": True}
                writer.append(Kind.ROLE_REVOKED, "system", grant.actor, detail)

    def _standing(self, entries: Iterable[Entry]) -> list[Grant]:
        today = self.ledger.clock().date()
        held: dict[tuple[str, str], Grant] = {}
        for entry in entries:
            key = (entry.subject, str(entry.detail["role"]))
            if entry.kind == Kind.ROLE_REVOKED:
                held.pop(key, None)
                continue
            until = entry.detail.get("until")
            last = dt.date.fromisoformat(until) if until else None
            first = bool(entry.detail.get("first", False))
            held[key] = Grant(entry.subject, Role(key[1]), entry.actor, entry.at, last, first)
        return [g for g in held.values() if g.until is None or g.until >= today]


def _refusal(what: Said, todo: Said, where: str) -> AccessError:
    return AccessError(what, todo=todo, where=where)
