"""The documents say what the code does: reference up to date, links whole, both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_reference", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "explanation"])
def test_every_page_stands_in_both_languages(folder: str) -> None:
    names = {p.name for p in (ROOT / "docs" / folder).glob("*.md")}
    english = {n for n in names if not n.endswith(".zh.md")}
    assert english
    assert {n.replace(".md", ".zh.md") for n in english} == names - english


@pytest.mark.parametrize("index", ["README.md", "README.zh.md"])
def test_every_page_stands_in_the_list_of_its_language(index: str) -> None:
    docs = ROOT / "docs"
    listed = set(
        re.findall(r"\]\(((?:tutorial|how-to|explanation|reference)/[^)]+)\)", (docs / index).read_text("utf-8"))
    )
    pages = {p.relative_to(docs).as_posix() for p in docs.glob("*/*.md")}
    other = {p for p in pages if not p.startswith("reference/") and p.endswith(".zh.md") != (index == "README.zh.md")}
    assert listed == pages - other


def test_readme_names_every_make_target_of_the_developers_section() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "README.zh.md"):
        for target in re.findall(r"`make ([a-z]+)`", (ROOT / page).read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page, target)


def test_every_environment_variable_that_is_read_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    documented = {
        n for line in page.splitlines() if line.startswith("| `") for n in re.findall(r"[A-Z_]{4,}", line[:40])
    }
    read = set()
    for folder in ("src", "tests", "scripts", "benchmarks"):
        for path in (p for p in (ROOT / folder).rglob("*.py") if ".env" not in p.parts):
            code = path.read_text(encoding="utf-8")
            read |= set(re.findall(r"environ(?:\.get\(|\.setdefault\(|\[)[\"']([A-Z_]+)", code))
    for path in (ROOT / "scripts").iterdir():
        if path.is_file() and path.suffix == "":
            read |= set(re.findall(r"\$\{([A-Z_]+):-", path.read_text(encoding="utf-8")))
    read |= set(re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(read) > 8
    assert read - {"PATH"} == documented
