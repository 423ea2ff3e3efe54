"""The glossary parses into pairs, says each thing once, and knows the nouns of governance."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import commonground.governance
from commonground.governance import approvals, heads, ledger, projects, roles, verify
from commonground.governance.events import Kind
from commonground.governance.roles import Permission, Role

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "English" and not set(row[0]) <= {"-"}]


def test_every_row_is_a_pair_explained_twice(rows: list[list[str]]) -> None:
    assert len(rows) > 60
    for row in rows:
        assert len(row) == 4, row
        english, chinese, plain, explained = row
        assert re.fullmatch(r"[a-z][a-z -]+", english), row
        assert re.fullmatch(r"[\u4e00-\u9fff]+", chinese), row
        assert plain, row
        assert not re.search(r"[\u4e00-\u9fff]", plain), row
        assert re.search(r"[\u4e00-\u9fff]", explained), row


def test_no_word_is_said_twice(rows: list[list[str]]) -> None:
    for column in (0, 1):
        words = [row[column] for row in rows]
        assert len(words) == len(set(words))


def test_the_nouns_of_governance_are_in_it(rows: list[list[str]]) -> None:
    known = {row[0] for row in rows}
    names = set(commonground.governance.__all__) | {"Head", "Fault", "Verification", "Grant", "LegalBasis", "Vote"}
    for module, name in ((heads, "Head"), (verify, "Fault"), (roles, "Grant"), (projects, "LegalBasis")):
        assert hasattr(module, name)
    assert hasattr(approvals, "Vote")
    assert hasattr(ledger, "Entry")
    for name in names - {"current_actor"}:
        noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        assert noun in known or noun.removesuffix("s") in known, name


def test_labels_use_the_words_of_the_glossary(rows: list[list[str]]) -> None:
    chinese = {row[0]: row[1] for row in rows}
    assert chinese["administrator"] in Role.AUDIT_ADMINISTRATOR.label.zh
    assert chinese["ledger"] in Permission.READ_LEDGER.label.zh
    assert chinese["approval"] in Permission.APPROVE.label.zh
    for kind in (Kind.RELEASE, Kind.RETURN_SHEET, Kind.REVIEW_SHEET):
        assert kind.label.zh == chinese[str(kind).replace("_", " ")]


def test_how_a_change_gets_in_is_told_in_both_languages() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    assert len(sections) >= 7
    for section in sections:
        heading = section.splitlines()[0]
        assert re.fullmatch(r"[A-Z][A-Za-z ]+ · [\u4e00-\u9fff]+", heading), heading
    for folder in sorted(p.name for p in (ROOT / "tests").iterdir() if p.is_dir() and not p.name.startswith("_")):
        assert f"tests/{folder}" in text, folder
