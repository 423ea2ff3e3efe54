"""All files of a release, made in memory: pages in both languages, report, data, assets, the official part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.present.words import LANGUAGES, both, date_text, helplines, html, label, percent, plain, sentence
from commonground.publish.data import as_csv, as_json
from commonground.publish.drawings import Drawings, figures_of
from commonground.publish.examine import Safe
from commonground.publish.model import Page, Part, Shown
from commonground.publish.pages import PAGES, official

if TYPE_CHECKING:
    import jinja2

SLUGS = ("overview", "definitions", "gaps", "schools", "factors", "quality", "links")
TAGS = {"zh": "zh-Hans-CN", "en": "en"}
TOKEN = "@fingerprint-of-this-release@"  # stands in pages while the fingerprint is computed
Progress = Callable[[str, int, int], None]


def _environment(lang: str) -> jinja2.Environment:
    import jinja2
    from markupsafe import Markup

    folder = Path(str(files("commonground").joinpath("web/templates/site")))
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    env.filters["mark"] = lambda text: Markup(html(str(text), lang))
    env.filters["plain"] = lambda text: plain(str(text))
    env.globals["t"] = lambda key, **slots: sentence(key, lang, **slots)
    return env


def definitions_hash(safe: Safe) -> str:
    """Hash all definitions of the release by their versions' hashes."""
    hashes = sorted(f"{v.id}:{v.hash}" for d in safe.inputs.definitions for v in d.versions)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes else ""


def _context(
    safe: Safe, lang: str, release: str, page: Page, *, depth: str, is_official: bool = False
) -> dict[str, Any]:
    settings = safe.inputs.city.settings
    other = "en" if lang == "zh" else "zh"
    at_root = depth == ""
    alternate = {x: f"report.{x}.html" if at_root else f"../{x}/{page.slug}.html" for x in LANGUAGES}
    return {
        "lang": lang,
        "lang_tag": TAGS[lang],
        "other": other,
        "other_tag": TAGS[other],
        "alternate": alternate,
        "page": page,
        "slugs": ("schools",) if is_official else SLUGS,
        "official": is_official,
        "root": depth,
        "pages": f"{lang}/" if at_root else "",
        "report": f"{depth}report.{lang}.html",
        "city": both(settings.name, lang),
        "date": date_text(settings.reference_date, lang),
        "interval": percent(safe.inputs.city.policy.interval),
        "policy": safe.inputs.city.policy,
        "release": release,
        "version": safe.inputs.version,
        "definitions_hash": definitions_hash(safe)[:12],
        "fingerprint": TOKEN,
        "colon": "：" if lang == "zh" else ": ",
        "lines": helplines(),
    }


def _numbered(page: Page, place: int, lang: str) -> Page:
    """Number the figures of a page in their order, whichever of them there are."""
    count = 0
    sections = []
    for section in page.sections:
        parts: list[Part] = []
        for part in section.parts:
            if isinstance(part, Shown):
                count += 1
                part = Shown(replace(part.figure, number=sentence("fig.number", lang, page=place, n=count)))
            parts.append(part)
        sections.append(replace(section, parts=tuple(parts)))
    return replace(page, sections=tuple(sections))


def _report(safe: Safe, lang: str, release: str) -> Page:
    city = both(safe.inputs.city.settings.name, lang)
    title = sentence("report.title", lang, city=city)
    return Page("report", title, sentence("report.lede", lang, id=release), ())


def _assets() -> dict[str, bytes]:
    folder = Path(str(files("commonground").joinpath("web/static")))
    return {f"public/assets/{name}": (folder / name).read_bytes() for name in ("commonground.css", "mark.svg")}


def make(safe: Safe, release: str, progress: Progress | None = None) -> dict[str, bytes]:
    """Make every file of a release.

    Parameters
    ----------
    safe : Safe
        What passed the gate.
    release : str
        Id, printed on each page.

    Returns
    -------
    dict
        Path below the release's folder → bytes, with ``TOKEN`` where the fingerprint goes.
    """
    out = _assets()
    pages = {
        lang: [_numbered(make_page(safe, lang), k + 1, lang) for k, make_page in enumerate(PAGES)] for lang in LANGUAGES
    }
    drawings = Drawings()
    total = sum(len(p) for p in pages.values())
    order = [(lang, page) for lang, some in pages.items() for page in some]
    for k, (lang, page) in enumerate(order):
        drawings.add(page, lang)
        if progress:
            progress("publish", k + 1, total)
    out |= {f"public/{path}": content for path, content in drawings.files.items()}
    for zh, en in zip(figures_of(pages["zh"]), figures_of(pages["en"]), strict=True):
        out[f"public/data/{zh.id}.csv"] = as_csv(en, release)
        out[f"public/data/{zh.id}.json"] = as_json({"zh": zh, "en": en}, release)
    for lang in LANGUAGES:
        out |= _pages(safe, lang, release, pages[lang], drawings)
    out["public/index.html"] = _index(safe)
    return dict(sorted(out.items()))


def _pages(safe: Safe, lang: str, release: str, pages: list[Page], drawings: Drawings) -> dict[str, bytes]:
    env = _environment(lang)

    def download(id: str, ending: str) -> str:
        if ending in ("csv", "json"):
            return f"data/{id}.{ending}"
        return f"figures/{id}.{lang}.png" if ending == "png" else f"figures/{id}.{lang}.wide.svg"

    helpers = {
        "drawn": lambda id: drawings.stored[id, lang],
        "strip": lambda id: drawings.strips[id, lang],
        "download": download,
    }
    out: dict[str, bytes] = {}

    def write(path: str, template: str, page: Page, depth: str, **more: Any) -> None:
        context = _context(safe, lang, release, page, depth=depth, is_official=path.startswith("official"))
        text = env.get_template(template).render(**context, **helpers, **more)
        out[path] = (text + "\n").encode("utf-8")

    for page in pages:
        write(f"public/{lang}/{page.slug}.html", "page.html", page, "../")
    missing = Page("404", label("site.not_found", lang), "", ())
    write(f"public/{lang}/404.html", "missing.html", missing, "../")
    write(f"public/report.{lang}.html", "report.html", _report(safe, lang, release), "", chapters=pages)
    write(f"official/{lang}/schools.html", "page.html", official(safe, lang), "../")
    if lang == "zh":
        rows = json.dumps(list(safe.official), ensure_ascii=False, indent=1, sort_keys=True)
        out["official/data/schools.json"] = (rows + "\n").encode("utf-8")
        out["official/assets/commonground.css"] = _assets()["public/assets/commonground.css"]
        out["official/assets/mark.svg"] = _assets()["public/assets/mark.svg"]
    return out


def _index(safe: Safe) -> bytes:
    name = safe.inputs.city.settings.name
    links = "".join(
        f'<li><a href="{lang}/overview.html" lang="{TAGS[lang]}" hreflang="{TAGS[lang]}">'
        f"{both(name, lang)} · {label('site.brand', lang)}</a></li>"
        for lang in LANGUAGES
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    head += f"<title>{name.zh}</title>"
    style = '<link rel="icon" href="assets/mark.svg"><link rel="stylesheet" href="assets/commonground.css">'
    body = f'<main class="wrap"><h1>{name.zh} · {name.en}</h1><ul>{links}</ul></main>'
    return f'<!doctype html>\n<html lang="zh-Hans-CN"><head>{head}{style}</head><body>{body}</body></html>\n'.encode()
