"""Projects, approvals and transfers: what is not allowed is refused, what is done is recorded."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from commonground.city import City
from commonground.errors import AccessError, Said
from commonground.governance import Approvals, Ledger, Project, Projects, Roles, transfer
from commonground.governance.approvals import Outcome
from commonground.governance.events import TRANSFERS
from commonground.governance.projects import LegalBasis
from governance_kit import Clock, make_city, open_ledger

FOUNDER, OFFICIAL, OFFICER = "local:chen", "desk:li", "desk:wu"


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "city")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(city: City, clock: Clock) -> Iterator[Ledger]:
    with open_ledger(city, clock) as ledger:
        roles = Roles(ledger)
        roles.begin(FOUNDER)
        roles.grant(OFFICIAL, "official", by=FOUNDER)
        roles.grant(OFFICER, "data_officer", by=FOUNDER)
        for reviewer in ("desk:a", "desk:b", "desk:c"):
            roles.grant(reviewer, "reviewer", by=FOUNDER)
        yield ledger


@pytest.fixture
def project(clock: Clock) -> Project:
    return Project(
        id="gaps-2025",
        purpose=Said("比较三类儿童的学业", "Compare three groups of children at school"),
        basis=LegalBasis.STATUTORY_DUTY,
        article="未成年人保护法 第八十二条",
        datasets=("student_registry", "exam_scores"),
        people=("desk:wu",),
        until=clock().date() + dt.timedelta(days=30),
    )


def test_nothing_is_allowed_without_a_project(ledger: Ledger) -> None:
    with pytest.raises(AccessError) as caught:
        Projects(ledger).require(OFFICER, "gaps-2025", "exam_scores")
    assert caught.value.exit_code == 17
    assert len(ledger.entries("access_refused")) == 1


def test_a_project_allows_its_people_its_datasets_until_its_last_day(
    ledger: Ledger, project: Project, clock: Clock
) -> None:
    projects = Projects(ledger)
    with pytest.raises(AccessError):
        projects.open(project, by=OFFICER)
    projects.open(project, by=OFFICIAL)
    assert projects.all() == [replace(project, datasets=("exam_scores", "student_registry"))]
    assert projects.require(OFFICER, "gaps-2025", "exam_scores").basis == LegalBasis.STATUTORY_DUTY
    for actor, dataset in ((OFFICIAL, "exam_scores"), (OFFICER, "health_checks")):
        with pytest.raises(AccessError):
            projects.require(actor, "gaps-2025", dataset)
    clock.forward(days=30)
    projects.require(OFFICER, "gaps-2025", "exam_scores")
    clock.forward(days=1)
    with pytest.raises(AccessError):
        projects.require(OFFICER, "gaps-2025", "exam_scores")


def test_a_project_is_reworded_and_closed(ledger: Ledger, project: Project) -> None:
    projects = Projects(ledger)
    projects.open(project, by=OFFICIAL)
    projects.open(replace(project, people=(OFFICER, "desk:a")), by=OFFICIAL)
    projects.require("desk:a", "gaps-2025", "exam_scores")
    projects.close("gaps-2025", by=OFFICIAL, reason="done")
    assert projects.all() == []
    assert [str(e.kind) for e in ledger.entries(subject="project:gaps-2025")] == [
        "project_opened",
        "project_opened",
        "project_closed",
    ]


@pytest.mark.parametrize(
    "lacking",
    [{"id": "Gaps 2025"}, {"purpose": Said("", "x")}, {"article": " "}, {"datasets": ()}, {"people": ()}],
)
def test_an_incomplete_project_cannot_be_made(project: Project, lacking: dict[str, object]) -> None:
    with pytest.raises(AccessError, match="not complete"):
        replace(project, **lacking)  # type: ignore[arg-type]


def test_consent_needs_no_article_and_every_basis_is_named(project: Project) -> None:
    assert replace(project, basis=LegalBasis.CONSENT, article="").article == ""
    assert all(b.label.zh and b.label.en for b in LegalBasis)


def test_two_must_approve_without_seeing_each_other(ledger: Ledger) -> None:
    approvals = Approvals(ledger)
    asked = approvals.ask("release:2025-09-30-1", by=OFFICER)
    first = approvals.vote(asked.id, by="desk:a", approve=True, note="cells are safe")
    assert (first.outcome, first.voted, first.votes) == (Outcome.PENDING, ("desk:a",), ())
    stands = " ".join(str(e.detail) for e in ledger.entries())
    assert "cells are safe" not in stands
    done = approvals.vote(asked.id, by="desk:b", approve=True)
    assert done.outcome == Outcome.APPROVED
    assert [(v.actor, v.approve, v.note) for v in done.votes] == [
        ("desk:a", True, "cells are safe"),
        ("desk:b", True, ""),
    ]
    assert approvals.all() == [done]
    assert approvals.get(asked.id) == done


def test_one_refusal_refuses_and_only_once_all_have_voted(ledger: Ledger) -> None:
    approvals = Approvals(ledger)
    asked = approvals.ask("release:x", by=OFFICER)
    assert approvals.vote(asked.id, by="desk:a", approve=False, note="格子太小").outcome == Outcome.PENDING
    assert approvals.vote(asked.id, by="desk:b", approve=True).outcome == Outcome.REFUSED
    with pytest.raises(AccessError, match="vote"):
        approvals.vote(asked.id, by="desk:c", approve=True)


def test_a_sealed_yes_looks_like_a_sealed_no(ledger: Ledger) -> None:
    approvals = Approvals(ledger)
    for approve, note in ((True, ""), (False, "一个很长的理由" * 20)):
        approvals.vote(approvals.ask("x", by=OFFICER).id, by="desk:a", approve=approve, note=note)
    lengths = {len(e.detail["sealed"]) for e in ledger.entries("approval_vote")}
    assert len(lengths) == 1


def test_votes_that_may_not_be(ledger: Ledger) -> None:
    approvals, roles = Approvals(ledger), Roles(ledger)
    roles.grant("desk:a", "researcher", by=FOUNDER)
    mine = approvals.ask("x", by="desk:a")
    for by in ("desk:a", OFFICIAL, "desk:nobody"):
        with pytest.raises(AccessError):
            approvals.vote(mine.id, by=by, approve=True)
    approvals.vote(mine.id, by="desk:b", approve=True)
    with pytest.raises(AccessError, match="vote"):
        approvals.vote(mine.id, by="desk:b", approve=True)
    with pytest.raises(AccessError):
        approvals.vote("nothing", by="desk:b", approve=True)
    with pytest.raises(AccessError):
        approvals.ask("x", by="desk:nobody")
    with pytest.raises(ValueError, match="one vote"):
        approvals.ask("x", by=OFFICER, needed=0)
    with pytest.raises(ValueError, match="ledger"):
        approvals.vote(mine.id, by="desk:c", approve=True, note="529901201001010011")


def test_one_approval_where_one_is_enough(ledger: Ledger) -> None:
    approvals = Approvals(ledger)
    asked = approvals.ask("x", by=OFFICER, needed=1)
    assert approvals.vote(asked.id, by="desk:a", approve=True).outcome == Outcome.APPROVED


@pytest.mark.parametrize("kind", sorted(TRANSFERS))
def test_what_leaves_is_recorded_with_its_hash(city: City, ledger: Ledger, tmp_path: Path, kind: str) -> None:
    inside, outside = city.path / "results" / "a.csv", tmp_path / "elsewhere" / "b.csv"
    for path in (inside, outside):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode() * 1000)
    transfer.require(city, kind, OFFICER)
    entry = transfer.record(
        city, kind=kind, recipient="市教育局", authority="project:gaps-2025", files=[outside, inside], actor=OFFICER
    )
    assert entry.kind == kind
    assert entry.detail["recipient"] == "市教育局"
    assert entry.detail["authority"] == "project:gaps-2025"
    listed = {f["file"]: f for f in entry.detail["files"]}
    assert set(listed) == {"results/a.csv", "b.csv"}
    assert listed["b.csv"] == {
        "file": "b.csv",
        "bytes": outside.stat().st_size,
        "sha256": hashlib.sha256(outside.read_bytes()).hexdigest(),
    }
    assert ledger.entries(kind)[-1] == entry
    assert ledger.verify().ok


@pytest.mark.parametrize("kind", sorted(TRANSFERS))
def test_who_may_not_let_out_is_refused(city: City, ledger: Ledger, kind: str) -> None:
    file = city.path / "a.csv"
    file.write_text("x")
    with pytest.raises(AccessError):
        transfer.require(city, kind, OFFICIAL)
    with pytest.raises(AccessError):
        transfer.record(city, kind=kind, recipient="x", authority="y", files=[file], actor=OFFICIAL)
    assert ledger.entries(kind) == []
    assert len(ledger.entries("access_refused")) == 2


def test_a_transfer_says_to_whom_by_which_right_and_what(city: City, ledger: Ledger) -> None:
    file = city.path / "a.csv"
    file.write_text("x")
    for recipient, authority, files in ((" ", "y", [file]), ("x", "", [file]), ("x", "y", [])):
        with pytest.raises(ValueError, match="transfer"):
            transfer.record(city, kind="release", recipient=recipient, authority=authority, files=files, actor=OFFICER)
    with pytest.raises(ValueError, match="not a kind of transfer"):
        transfer.record(city, kind="build", recipient="x", authority="y", files=[file], actor=OFFICER)
