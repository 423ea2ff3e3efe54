"""Figures drawn once a release: wide and narrow, both languages, as files and as the SVG inside pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from commonground.present.drawing import Chart
from commonground.present.figures import NARROW, WIDE
from commonground.present.render import render
from commonground.present.words import plain
from commonground.publish.model import Figure, Heads, Page, Reading, Shown

BIG = 20_000  # bytes above which a drawing is served as a file instead of standing in the page twice
Step = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Stored:
    """One drawing as a page uses it."""

    inline: str
    file: str
    width: int
    height: int

    @property
    def big(self) -> bool:
        """Whether the page should name the file instead of holding the drawing."""
        return len(self.inline) > BIG


@dataclass
class Drawings:
    """All drawings of a release.

    Attributes
    ----------
    files : dict
        Path below ``public`` → bytes.
    stored : dict
        (id, language) → wide and narrow drawing.
    strips : dict
        (id, language) → SVG of a headline's interval.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    stored: dict[tuple[str, str], tuple[Stored, Stored]] = field(default_factory=dict)
    strips: dict[tuple[str, str], str] = field(default_factory=dict)

    def _draw(self, id: str, lang: str, draw: Callable[[int], Chart], title: str, *, png: bool) -> None:
        pair = []
        for width, name in ((WIDE, "wide"), (NARROW, "narrow")):
            drawn = render(draw(width), title, png=png and width == WIDE)
            path = f"figures/{id}.{lang}.{name}.svg"
            self.files[path] = drawn.svg
            if drawn.png:
                self.files[f"figures/{id}.{lang}.png"] = drawn.png
            pair.append(Stored(drawn.inline, path, drawn.width, drawn.height))
        self.stored[id, lang] = (pair[0], pair[1])

    def add(self, page: Page, lang: str) -> None:
        """Draw everything on a page."""
        for section in page.sections:
            for part in section.parts:
                if isinstance(part, Shown) and part.figure.draw:
                    self._draw(part.figure.id, lang, part.figure.draw, plain(part.figure.finding), png=True)
                elif isinstance(part, Reading):
                    self._draw("reading", lang, part.draw, "", png=False)
                elif isinstance(part, Heads):
                    for line in part.lines:
                        if line.draw:
                            self.strips[line.id, lang] = render(line.draw(WIDE), "", hidden=True).inline


def figures_of(pages: Iterable[Page]) -> list[Figure]:
    """List the figures of pages in their order."""
    return [p.figure for page in pages for s in page.sections for p in s.parts if isinstance(p, Shown)]
