"""Roles: who may do what, and that the three administrators stay apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonground.errors import AccessError
from commonground.governance import Ledger, Permission, Role, Roles, current_actor
from commonground.governance.roles import APART
from governance_kit import Clock, make_city, open_ledger

FOUNDER = "local:chen"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    with open_ledger(make_city(tmp_path / "city"), clock) as ledger:
        yield ledger


@pytest.fixture
def roles(ledger: Ledger) -> Roles:
    roles = Roles(ledger)
    roles.begin(FOUNDER)
    return roles


def test_without_a_role_everything_but_the_public_is_refused(ledger: Ledger) -> None:
    roles = Roles(ledger)
    assert roles.of("local:li") == {Role.PUBLIC}
    assert roles.permissions("local:li") == {Permission.READ_PUBLIC}
    for permission in set(Permission) - {Permission.READ_PUBLIC}:
        with pytest.raises(AccessError) as caught:
            roles.require("local:li", permission)
        assert caught.value.where == "local:li"
        assert caught.value.why is not None
        assert caught.value.todo is not None
        assert caught.value.exit_code == 17
    refused = ledger.entries("access_refused")
    assert {e.subject for e in refused} == set(Permission) - {Permission.READ_PUBLIC}


def test_an_unknown_permission_is_a_defect_not_a_refusal(roles: Roles) -> None:
    with pytest.raises(ValueError, match="rule_the_world"):
        roles.require(FOUNDER, "rule_the_world")


def test_whoever_begins_a_city_can_work_and_grant(roles: Roles, ledger: Ledger) -> None:
    for permission in ("build", "release", "link_export", "values_export", "sums_export", "grant", "manage_accounts"):
        roles.require(FOUNDER, permission)
    assert not roles.begin("local:li")
    assert roles.of("local:li") == {Role.PUBLIC}
    assert all(e.detail["first"] and e.actor == "system" for e in ledger.entries("role_granted"))
    assert roles.mixed() == [FOUNDER]


def test_the_beginners_exception_lapses_when_another_takes_over(roles: Roles, ledger: Ledger) -> None:
    roles.grant("desk:zhao", Role.SECURITY_ADMINISTRATOR, by=FOUNDER)
    assert roles.of(FOUNDER) == {Role.PUBLIC, Role.DATA_OFFICER, Role.SYSTEM_ADMINISTRATOR}
    assert roles.mixed() == []
    (lapsed,) = ledger.entries("role_revoked")
    assert (lapsed.actor, lapsed.subject, lapsed.detail["lapsed"]) == ("system", FOUNDER, True)
    with pytest.raises(AccessError):
        roles.grant("desk:li", "official", by=FOUNDER)
    roles.grant("desk:li", "official", by="desk:zhao")
    assert roles.may("desk:li", Permission.READ_OFFICIAL)


@pytest.mark.parametrize("held", sorted(APART))
@pytest.mark.parametrize("wanted", sorted(APART))
def test_no_two_administrators_in_one_hand(roles: Roles, held: Role, wanted: Role) -> None:
    roles.grant("desk:zhao", Role.SECURITY_ADMINISTRATOR, by=FOUNDER)
    roles.grant("desk:li", held, by="desk:zhao")
    if held == wanted:
        roles.grant("desk:li", wanted, by="desk:zhao")
    else:
        with pytest.raises(AccessError, match="one person"):
            roles.grant("desk:li", wanted, by="desk:zhao")
    assert roles.mixed() == []


def test_nobody_grants_to_themselves(roles: Roles) -> None:
    with pytest.raises(AccessError, match="themselves"):
        roles.grant(FOUNDER, Role.OFFICIAL, by=FOUNDER)


def test_a_revoked_role_ends_at_once(roles: Roles) -> None:
    roles.grant("desk:li", "official", by=FOUNDER)
    roles.revoke("desk:li", "official", by=FOUNDER, reason="moved on")
    assert roles.of("desk:li") == {Role.PUBLIC}
    roles.grant("desk:li", "official", by=FOUNDER)
    assert Role.OFFICIAL in roles.of("desk:li")


def test_the_last_security_administrator_stays(roles: Roles) -> None:
    with pytest.raises(AccessError, match="last"):
        roles.revoke(FOUNDER, Role.SECURITY_ADMINISTRATOR, by=FOUNDER)


def test_a_role_ends_after_its_last_day(roles: Roles, clock: Clock) -> None:
    until = clock().date() + dt.timedelta(days=3)
    roles.grant("desk:li", "researcher", by=FOUNDER, until=until)
    clock.forward(days=3)
    assert Role.RESEARCHER in roles.of("desk:li")
    clock.forward(days=1)
    assert roles.of("desk:li") == {Role.PUBLIC}


def test_roles_are_a_projection_of_the_ledger(roles: Roles, ledger: Ledger) -> None:
    """A twin: replay the entries one by one into a set."""
    roles.grant("desk:li", "official", by=FOUNDER)
    roles.grant("desk:li", "reviewer", by=FOUNDER)
    roles.grant("desk:wu", "ngo", by=FOUNDER)
    roles.revoke("desk:li", "official", by=FOUNDER)
    held: set[tuple[str, str]] = set()
    for entry in ledger.entries(("role_granted", "role_revoked")):  # type: ignore[arg-type]
        pair = (entry.subject, entry.detail["role"])
        held = held | {pair} if entry.kind == "role_granted" else held - {pair}
    assert {(g.actor, str(g.role)) for g in roles.grants()} == held


def test_every_role_and_permission_is_named_and_reachable() -> None:
    for thing in (*Role, *Permission):
        assert thing.label.zh
        assert thing.label.en
    assert frozenset().union(*(role.permissions for role in Role)) == set(Permission)


def test_administrators_do_not_touch_data_and_auditors_only_read() -> None:
    data = {"build", "study", "release", "transfer", "link_export", "values_export", "sums_export", "approve", "define"}
    for role in APART:
        assert not role.permissions & data
    assert Role.AUDIT_ADMINISTRATOR.permissions == {Permission.READ_PUBLIC, Permission.READ_LEDGER}


def test_the_actor_of_the_command_line_is_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "chen")
    assert current_actor() == "local:chen"
