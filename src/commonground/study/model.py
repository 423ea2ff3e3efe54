"""The nouns of the study: findings as tables of plain rows, each table with the facts that stand beside its figure.

No row is about a person.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.errors import Said, StudyError
from commonground.files import storage_errors, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.present.drawing import Chart

Row = dict[str, Any]


@dataclass(frozen=True)
class DefinitionUsed:
    """A definition behind a number: id, version, hash of its meaning, title."""

    id: str
    version: str
    hash: str
    title: Said


@dataclass(frozen=True)
class Facts:
    """What stands in the margin of a figure.

    Attributes
    ----------
    unit : Said
        Of the estimates.
    population : Said
        Whom the numbers are about.
    period : Said
        When the data describe.
    n : int
        Children behind the table.
    interval : Said
        Kind and coverage of the intervals, and how they were made.
    definitions : tuple of DefinitionUsed
    sources : tuple of str
        Kinds of records that the variables come from.
    linkage_rate : float or None
        Share of pupils on the roll whose records were linked to a score; None when not known.
    warehouse_version : int
        Version of the database.
    """

    unit: Said
    population: Said
    period: Said
    n: int
    interval: Said
    definitions: tuple[DefinitionUsed, ...]
    sources: tuple[str, ...]
    linkage_rate: float | None
    warehouse_version: int


@dataclass(frozen=True)
class FindingTable:
    """Rows of plain values with their facts; ``says_not`` is what the table does not say."""

    name: str
    title: Said
    rows: tuple[Row, ...]
    facts: Facts
    says_not: Said | None = None

    def to_arrow(self) -> pa.Table:
        """Give the rows as an Arrow table; columns in the order of the first row."""
        import pyarrow as pa

        if not self.rows:
            return pa.table({})
        return pa.table({key: [row[key] for row in self.rows] for key in self.rows[0]})

    def figure(self, lang: str = "zh", width: int = 736) -> Chart:
        """Draw the table, 736 or 358 pixels wide; a chart shows itself in a notebook.

        Raises
        ------
        StudyError
            There is no figure of this table.
        """
        from commonground.study.drawn import draw

        return draw(self, lang, width)


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Attributes
    ----------
    study : str
        Its id.
    title : Said
    tables : dict
        Name → table.
    told : tuple of Said
        The findings as sentences, made from the tables' own rows.
    notes : tuple of Said
        What was left out, and why.
    provenance : dict
        City, versions, specification, what was fitted and whether it converged.
    """

    study: str
    title: Said
    tables: Mapping[str, FindingTable]
    told: tuple[Said, ...] = ()
    notes: tuple[Said, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str = "gaps") -> pa.Table:
        """Give the rows of a table as Arrow; ``tables[name]`` has its facts and its title too.

        Raises
        ------
        StudyError
            There is no such table.
        """
        return self._named(name).to_arrow()

    def figure(self, lang: str = "zh", name: str = "gaps", width: int = 736) -> Chart:
        """Draw a table; a chart shows itself in a notebook, ``commonground.present.render`` makes SVG and PNG of it.

        Parameters
        ----------
        lang : str
            "zh" or "en".
        name : str
            Of the table.
        width : int
            Unit: pixels; 736, or 358 for a narrow screen.

        Raises
        ------
        StudyError
            There is no such table, or no figure of it.
        """
        return self._named(name).figure(lang, width)

    def _named(self, name: str) -> FindingTable:
        if name not in self.tables:
            raise StudyError(
                Said(f"研究结果中没有表“{name}”。", f"The findings have no table “{name}”."),
                where=self.study,
                todo=Said(f"可用的有：{'、'.join(self.tables)}", f"Known: {', '.join(self.tables)}"),
            )
        return self.tables[name]

    def sentences(self, lang: str) -> list[str]:
        """Give the findings, then what was left out, as sentences."""
        return [said(lang) for said in (*self.told, *self.notes)]

    def sentence(self, lang: str = "zh") -> str:
        """Give the findings as one text."""
        return ("" if lang == "zh" else " ").join(said(lang) for said in self.told)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            "study": self.study,
            "title": asdict(self.title),
            "tables": {name: _table_dict(table) for name, table in self.tables.items()},
            "told": [asdict(s) for s in self.told],
            "notes": [asdict(s) for s in self.notes],
            "provenance": dict(self.provenance),
        }

    def save(self, results: Path) -> Path:
        """Write ``<study>.json`` and ``<study>/<table>.parquet`` into the results folder.

        Returns
        -------
        Path
            The JSON file, written last, so that it never names tables that are not there.
        """
        import pyarrow.parquet as pq

        with storage_errors(results):
            folder = results / self.study
            folder.mkdir(parents=True, exist_ok=True)
            for left_over in folder.glob("*.parquet"):
                if left_over.stem not in self.tables:
                    left_over.unlink()
            for name, table in self.tables.items():
                pq.write_table(table.to_arrow(), folder / f"{name}.parquet")
            path = results / f"{self.study}.json"
            text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1)
            write_atomically(path, (text + "\n").encode())
        return path

    @classmethod
    def load(cls, path: Path) -> Findings:
        """Read findings that were saved.

        Parameters
        ----------
        path : Path
            The JSON file, or the results folder's ``<study>`` without the ending.

        Raises
        ------
        StudyError
            The study has not been run, or the file is damaged.
        """
        file = path if path.suffix == ".json" else path.with_name(path.name + ".json")
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                study=raw["study"],
                title=Said(**raw["title"]),
                tables={name: _table(content) for name, content in raw["tables"].items()},
                told=tuple(Said(**s) for s in raw["told"]),
                notes=tuple(Said(**s) for s in raw["notes"]),
                provenance=raw["provenance"],
            )
        except FileNotFoundError:
            raise StudyError(
                Said("这项研究还没有做。", "This study has not been run."),
                where=str(file),
                todo=Said("先运行 commonground study。", "Run commonground study first."),
            ) from None
        except (json.JSONDecodeError, KeyError, TypeError) as fault:
            raise StudyError(
                Said("研究结果文件损坏。", "The file of findings is damaged."),
                where=str(file),
                why=Said(str(fault), str(fault)),
                todo=Said("请重新运行 commonground study。", "Run commonground study again."),
            ) from None


def _table(raw: Mapping[str, Any]) -> FindingTable:
    facts = raw["facts"]
    definitions = tuple(DefinitionUsed(**{**d, "title": Said(**d["title"])}) for d in facts["definitions"])
    said = {key: Said(**facts[key]) for key in ("unit", "population", "period", "interval")}
    return FindingTable(
        name=raw["name"],
        title=Said(**raw["title"]),
        rows=tuple(raw["rows"]),
        facts=Facts(**{**facts, **said, "definitions": definitions, "sources": tuple(facts["sources"])}),
        says_not=Said(**raw["says_not"]) if raw["says_not"] else None,
    )


def _table_dict(table: FindingTable) -> dict[str, Any]:
    made = {**asdict(table), "rows": [_plain(r) for r in table.rows]}
    made["facts"] |= {key: list(made["facts"][key]) for key in ("definitions", "sources")}
    return made


def _plain(row: Row) -> Row:
    """Put None for numbers that JSON cannot hold."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def plain_rows(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Turn numpy scalars into plain values and infinities into None."""
    return tuple(_plain({k: v.item() if hasattr(v, "item") else v for k, v in row.items()}) for row in rows)
