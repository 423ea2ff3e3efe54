"""The nouns of a release: pages of sections of parts, figures with their facts, and the release itself.

Texts are filled templates with marks (see ``present.words``); pages hold no markup of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from commonground.present.drawing import Chart

Draw = Callable[[int], Chart]


@dataclass(frozen=True)
class Cell:
    """One cell of a table of data; ``small`` and ``hidden`` say why a number is not shown.

    ``moved`` tints it, ``together`` keeps it on one line.
    """

    text: str
    numeric: bool = False
    state: Literal["shown", "small", "hidden"] = "shown"
    moved: bool = False
    together: bool = False


@dataclass(frozen=True)
class Table:
    """A table of data: the first cell of each row is its header."""

    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    total: bool = False
    stack: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure in the grammar of LANGUAGE.md section 3, in one language.

    Attributes
    ----------
    id : str
        Anchor and file name, such as ``gaps-three``; the same in both languages.
    number, finding, sub : str
        What stands above the drawing; ``finding`` is computed, the number given when the page is complete.
    draw : callable or None
        Gives the chart for a width; None where the table is the figure.
    facts : tuple of (label, lines)
        Unit, population, period, children, interval, definition, source; never empty.
    notsaid, made : str
        What the figure does not say; how it was made.
    table : Table
        The data.
    data : tuple of dict
        Rows of the CSV and JSON, from the same object; keys in English.
    key : tuple of (role or colour, label)
        Only where rows are not labelled directly.
    note : str
        A line below the drawing.
    """

    id: str
    number: str
    finding: str
    sub: str
    draw: Draw | None
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    notsaid: str
    made: str
    table: Table
    data: tuple[dict[str, Any], ...]
    key: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph; ``quiet`` for asides."""

    text: str
    quiet: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Pair:
    """Two columns side by side, the strength first."""

    left: tuple[str, tuple[str, ...]]
    right: tuple[str, tuple[str, ...]]
    kind: str = "pair"


@dataclass(frozen=True)
class Headline:
    """A headline sentence with its interval drawn beside it."""

    id: str
    text: str
    link: str
    link_text: str
    draw: Draw | None
    kind: str = "head"


@dataclass(frozen=True)
class Heads:
    """The headline sentences of the overview."""

    lines: tuple[Headline, ...]
    kind: str = "heads"


@dataclass(frozen=True)
class Shown:
    """A figure as a part of a section."""

    figure: Figure
    kind: str = "figure"


@dataclass(frozen=True)
class Listed:
    """A table that is not a figure."""

    table: Table
    kind: str = "table"


@dataclass(frozen=True)
class Reading:
    """How to read a figure: the example drawing and the keys of marks."""

    draw: Draw
    kind: str = "reading"


@dataclass(frozen=True)
class Help:
    """The helplines."""

    kind: str = "help"


Part = Text | Pair | Heads | Shown | Listed | Reading | Help


@dataclass(frozen=True)
class Section:
    """A section of a page: anchor, plain question or statement, parts."""

    id: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Page:
    """A page in one language."""

    slug: str
    title: str
    lede: str
    sections: tuple[Section, ...]
    nav: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Release:
    """A release.

    Attributes
    ----------
    id : str
        Reference date and number, such as ``2025-09-01-1``.
    path : Path
        Its folder, or where it would be with a dry run.
    fingerprint : str
        SHA-256 over every file, as ``release.json`` explains.
    files : tuple of str
        Everything in it, relative to ``path``.
    changed : bool
        False when the same release was there already.
    """

    id: str
    path: Path
    fingerprint: str
    files: tuple[str, ...]
    changed: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Give the release as plain values."""
        return {
            "id": self.id,
            "path": str(self.path),
            "fingerprint": self.fingerprint,
            "files": list(self.files),
            "changed": self.changed,
        }
