"""Words and templates of the desk: every text in Chinese and English, every page from a template."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Entry
from commonground.governance.roles import Permission

if TYPE_CHECKING:
    from jinja2 import Environment

    from commonground.city import City

LANGUAGES = ("zh", "en")
TEMPLATES = Path(__file__).parent / "templates"


@cache
def words() -> Mapping[str, Said]:
    """Every text of the desk's pages by key."""
    raw = tomllib.loads((TEMPLATES / "desk" / "words.toml").read_text(encoding="utf-8"))
    return {key: Said(**both) for key, both in raw.items()}


def other(lang: str) -> str:
    """Give the other language."""
    return "en" if lang == "zh" else "zh"


def phrases(text: str, lang: str) -> Any:
    """Mark the borders of phrases, written ``｜`` in a Chinese title, so that no line breaks inside a word."""
    from markupsafe import Markup, escape

    if lang == "en" or "｜" not in text:
        return escape(text.replace("｜", ""))
    return Markup("").join(Markup('<span class="ph">{}</span>').format(part) for part in text.split("｜"))


def subject(entry: Entry, lang: str) -> str:
    """Give an entry's subject; what somebody tried without the right to is told by its name."""
    if entry.kind == Kind.ACCESS_REFUSED and entry.subject in set(Permission):
        return Permission(entry.subject).label(lang)
    return entry.subject


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["subject"] = subject
    return made


def drift_reports(city: City) -> list[dict[str, Any]]:
    """Read the reports that ``commonground drift`` has left, by dataset; they hold no value about a person."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((city.results / "drift").glob("*.json"))]


def drift_kinds() -> Mapping[str, Said]:
    """Words for the kinds of differences."""
    from commonground.intake.drift import KINDS

    return KINDS


def render(template: str, lang: str, path: str, **values: Any) -> str:
    """Render one of the desk's pages.

    Parameters
    ----------
    template : str
        Such as ``home``.
    lang : str
        ``zh`` or ``en``.
    path : str
        The page's path below ``/zh/`` or ``/en/``, the same in both languages.
    **values
        What the template names.
    """

    def say(key: str, **slots: Any) -> str:
        said = words()[key](lang)
        return said.format(**slots) if slots else said

    def title(key: str, **slots: Any) -> Any:
        return phrases(say(key, **slots), lang)

    page = _environment().get_template(f"desk/{template}.html")
    return page.render(lang=lang, other=other(lang), path=path, t=say, title=title, **values)
