"""The nouns of ``suggest``: what was found in a file, and what each column is taken for.

Profiles hold raw cells and therefore stay with whoever may see the file; ``profile`` writes the shareable form, where
small counts and every identifying text are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import Said


@dataclass(frozen=True)
class ColumnProfile:
    """One column as it stands in a sheet.

    Attributes
    ----------
    name : str
        The header as the contract would name it; joined with "/" where the header has several rows; "" without one.
    position : int
        0-based place in the sheet; -1 for a pseudo-column ("@sheet", a named group of ``file_pattern``), of which
        ``meaning`` is not asked.
    rows, filled, distinct : int
        Data rows, those with a text in this column, and different texts (counted on the rows that were read).
    values : tuple of (str, int)
        The most frequent texts with their counts, most frequent first; at most ``MOST_VALUES``.
    sample : tuple of str
        Filled cells drawn evenly from the whole sheet, in their order; at most ``MOST_SAMPLE``.
    label : str
        What the file itself says of the column (an SPSS label, a comment in a dump, a line of a layout file).
    value_labels : mapping
        Value as text → the file's own label for it.
    kind : str
        Type that the format declares ("number", "date", "text", ...), "" where it declares none.
    """

    name: str
    position: int
    rows: int
    filled: int
    distinct: int
    values: tuple[tuple[str, int], ...]
    sample: tuple[str, ...]
    label: str = ""
    value_labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


MOST_VALUES = 300
MOST_SAMPLE = 3000
MOST_SURE = 0.99
OTHER = "other"  # the kind of a dataset whose kind is not known


def sure(confidence: float) -> str:
    """Write how sure a proposal is: never 100%, since only a person knows."""
    return f"{min(confidence, MOST_SURE):.0%}"


@dataclass(frozen=True)
class SheetProfile:
    """One sheet: how it was read and what stands in it.

    ``layout`` holds the keys of a contract's ``[[layout]]`` as they would be written (format, encoding, separator,
    header_row, non_data, ...); ``why`` says for each key, in both languages, what speaks for it, and ``confidence``
    (0 to 1) how sure it is. ``doubts`` is what a person must decide.
    """

    file: str
    sheet: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    layout: Mapping[str, Any]
    why: Mapping[str, Said] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """One reason for or against a meaning: ``weight`` in nats of log-odds, positive for it.

    ``source`` is "name", "label", "values", "shape", "codes", "neighbour", "kind" or "file".
    """

    source: str
    said: Said
    weight: float


@dataclass(frozen=True)
class ColumnProposal:
    """What a column is taken for.

    ``concept`` is None where nothing is sure enough: then ``alternatives`` (concept, probability) say what it might
    be. ``rule`` holds the further keys of its ``[[column]]`` (codes, missing, unit, pattern, range, order) as a
    contract writes them; ``why`` says what speaks for each.
    """

    column: ColumnProfile
    concept: str | None
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    rule: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetProposal:
    """A contract proposed for files that hold the same kind of rows.

    ``columns`` has one entry for each different name among the columns of ``sheets``, in order of first appearance;
    no two that stand in one sheet together have the same concept.
    """

    kind: str | None
    kind_confidence: float
    kinds: tuple[tuple[str, float], ...]
    subject: str
    rows_per_person: str
    sheets: tuple[SheetProfile, ...]
    columns: tuple[ColumnProposal, ...]
    doubts: tuple[Said, ...] = ()
