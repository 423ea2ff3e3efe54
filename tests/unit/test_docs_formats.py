"""The how-to of formats: every example is a contract that loads, and every format has its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commonground.intake import load_contract
from commonground.intake.model import FORMATS
from intake_kit import HEAD, column

PAGES = ["formats.md", "formats.zh.md"]
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def _examples(page: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", (FOLDER / page).read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", PAGES)
def test_every_example_is_a_contract(tmp_path: Path, page: str) -> None:
    examples = _examples(page)
    assert len(examples) == 10
    for number, example in enumerate(examples):
        path = tmp_path / "sources" / "edu" / f"p{number}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + example + column("姓名", "name"), encoding="utf-8")
        contract = load_contract(path)
        assert contract.layouts
        assert (contract.database is None) == ("[database]" not in example)


@pytest.mark.parametrize("page", PAGES)
def test_every_format_is_named(page: str) -> None:
    text = (FOLDER / page).read_text(encoding="utf-8").lower()
    assert not [name for name in FORMATS if name not in text]


def test_both_languages_show_the_same_settings() -> None:
    plain = [[re.sub(r"\s*#.*", "", example) for example in _examples(page)] for page in PAGES]
    assert plain[0] == plain[1]
