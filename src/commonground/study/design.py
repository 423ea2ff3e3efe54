"""From a formula and a table to design columns: SQL expressions with R's names.

Text, boolean and dictionary columns are factors with treatment contrasts. The reference level of a dictionary is its
first, of a boolean false, and of a text the most frequent one (ties: the first in code order), because a file of text
holds no order of levels; ``levels=`` sets it otherwise. The result always says which level is the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.engine import Engine
from commonground.errors import Said, StudyError, did_you_mean
from commonground.study.formula import INTERCEPT, Formula, Term

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

INTERCEPT_NAME = "(Intercept)"
SOURCE = "study_source"


@dataclass(frozen=True)
class Column:
    """One column of the design: its name as R writes it and the SQL that gives it (never NULL on kept rows)."""

    name: str
    sql: str


@dataclass(frozen=True)
class RandomBlock:
    """Columns whose effects vary by group and are correlated with each other."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    """A grouping factor with the blocks of effects that vary by it.

    Attributes
    ----------
    name : str
        As lme4 names it.
    sql : str
        Gives the group's label as text.
    blocks : tuple of RandomBlock
        Uncorrelated with each other.
    """

    name: str
    sql: str
    blocks: tuple[RandomBlock, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the blocks, in order."""
        return tuple(c for b in self.blocks for c in b.columns)


@dataclass(frozen=True)
class Design:
    """What the sums are made of.

    Attributes
    ----------
    columns : tuple of Column
        Every column of the fixed and random parts once.
    fixed : tuple of str
        Names of the fixed columns in R's order.
    groupings : tuple of Grouping
        Grouping factors in order of appearance.
    response : str
        SQL of the response.
    keep : str
        SQL that is true for complete rows.
    references : dict
        Reference level of each factor.
    """

    columns: tuple[Column, ...]
    fixed: tuple[str, ...]
    groupings: tuple[Grouping, ...]
    response: str
    keep: str
    references: dict[str, str]


def quote(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """Quote an SQL text."""
    return "'" + value.replace("'", "''") + "'"


def attach(engine: Engine, data: str | Path | pa.Table | duckdb.DuckDBPyRelation) -> None:
    """Make the data known to the engine as ``study_source``.

    Raises
    ------
    StudyError
        The file is absent, or the data are of a kind that cannot be read.
    """
    if isinstance(data, (str, Path)):
        path = Path(data)
        if not path.is_file():
            raise StudyError(
                Said("找不到数据文件。", "The data file is not there."),
                where=str(path),
                todo=Said("请检查路径是否写对。", "Check that the path is right."),
            )
        literal = text_literal(str(path))
        if path.suffix.lower() in (".parquet", ".pq"):
            reader = f"read_parquet({literal})"
        else:
            reader = f"read_csv({literal}, header = true, sample_size = -1, nullstr = ['', 'NA'])"
        engine.run(f"CREATE OR REPLACE TEMP VIEW {SOURCE} AS SELECT * FROM {reader}")
        return
    table = data.to_arrow_table() if hasattr(data, "to_arrow_table") else data
    if not hasattr(table, "schema"):
        raise StudyError(
            Said("不支持这种数据。", "Data of this kind cannot be read."),
            where=type(data).__name__,
            todo=Said(
                "请给 Parquet 或 CSV 的路径、Arrow 表，或 DuckDB relation。",
                "Give the path of a Parquet or CSV file, an Arrow table, or a DuckDB relation.",
            ),
        )
    engine.add_table(SOURCE, table)


def _kind(sql_type: str) -> str:
    upper = sql_type.upper()
    if upper.startswith("ENUM"):
        return "dictionary"
    if upper.startswith(("VARCHAR", "DATE", "TIME")):
        return "text"
    return "boolean" if upper == "BOOLEAN" else "number"


class _Reader:
    """Knows the columns of the source and the levels of its factors."""

    def __init__(self, engine: Engine, formula: Formula, levels: Mapping[str, Sequence[str]]) -> None:
        self.engine = engine
        described = engine.rows(f"DESCRIBE {SOURCE}")
        self.kinds = {str(r[0]): _kind(str(r[1])) for r in described}
        for name in formula.variables:
            if name not in self.kinds:
                raise StudyError(
                    Said(f"数据中没有变量“{name}”。", f"The data have no variable “{name}”."),
                    where=formula.text,
                    todo=did_you_mean(name, self.kinds),
                )
        if self.kinds[formula.response] == "text":
            raise StudyError(
                Said(f"结果变量“{formula.response}”不是数。", f"The response “{formula.response}” is not a number."),
                where=formula.text,
                todo=Said("请换成数值变量。", "Choose a numeric variable."),
            )
        self.given = levels
        parts = [
            f"{quote(v)} IS NOT NULL" + (f" AND isfinite({quote(v)}::DOUBLE)" if self.kinds[v] == "number" else "")
            for v in formula.variables
        ]
        self.keep = " AND ".join(parts)
        self._levels: dict[str, list[str]] = {}

    def levels(self, name: str) -> list[str]:
        """Levels that occur in complete rows, reference first."""
        if name not in self._levels:
            rows = self.engine.rows(
                f"SELECT {quote(name)}::VARCHAR AS v, count(*) AS n FROM {SOURCE} "
                f"WHERE {self.keep} GROUP BY 1 ORDER BY 1"
            )
            counts = {str(v): int(n) for v, n in rows}
            order = sorted(counts)
            if name in self.given:
                order = [str(v) for v in self.given[name] if str(v) in counts]
                if set(order) != set(counts):
                    raise StudyError(
                        Said(f"levels 没有列全“{name}”的取值。", f"levels does not list every value of “{name}”."),
                        where="、".join(sorted(set(counts) - set(order))),
                        todo=Said("请补上缺少的取值。", "Add the missing values."),
                    )
            elif self.kinds[name] == "dictionary":
                enum = self.engine.rows(f"SELECT unnest(enum_range(NULL::{self._type(name)}))::VARCHAR")
                order = [str(r[0]) for r in enum if str(r[0]) in counts]
            elif self.kinds[name] == "text" and counts:
                first = max(order, key=lambda v: counts[v])
                order = [first] + [v for v in order if v != first]
            self._levels[name] = order
        return self._levels[name]

    def _type(self, name: str) -> str:
        return str(next(r[1] for r in self.engine.rows(f"DESCRIBE {SOURCE}") if r[0] == name))

    def columns(self, term: Term, present: set[frozenset[str]]) -> list[Column]:
        """Columns of a term; a factor has contrasts where the term without it is in the model, else all levels."""
        if term == INTERCEPT:
            return [Column(INTERCEPT_NAME, "1")]
        made = [Column("", "")]
        for name in term:
            contrasts = frozenset(term) - {name} in present
            made = [
                Column(":".join(filter(None, (a.name, b.name))), " * ".join(filter(None, (a.sql, b.sql))))
                for b in self._variable(name, contrasts)
                for a in made
            ]
        return made

    def _variable(self, name: str, contrasts: bool) -> list[Column]:
        if self.kinds[name] == "number":
            return [Column(name, f"{quote(name)}::DOUBLE")]
        shown = self.levels(name)[1:] if contrasts else self.levels(name)
        upper = self.kinds[name] == "boolean"
        return [
            Column(name + (v.upper() if upper else v), f"({quote(name)}::VARCHAR = {text_literal(v)})::INT")
            for v in shown
        ]


def make_design(engine: Engine, formula: Formula, levels: Mapping[str, Sequence[str]] | None = None) -> Design:
    """Turn a formula into design columns over the attached source.

    Parameters
    ----------
    engine : Engine
        With the data attached (:func:`attach`).
    formula : Formula
        What to fit.
    levels : mapping, optional
        Order of the levels of factors, reference first.

    Raises
    ------
    StudyError
        A variable is not in the data, or the response is not a number.
    """
    reader = _Reader(engine, formula, levels or {})
    columns: dict[str, Column] = {}

    def add(terms: tuple[Term, ...]) -> tuple[str, ...]:
        present = {frozenset(t) for t in terms}
        found = [c for t in terms for c in reader.columns(t, present)]
        columns.update({c.name: c for c in found})
        return tuple(c.name for c in found)

    fixed = add(formula.fixed)
    groups: dict[str, tuple[tuple[str, ...], list[RandomBlock]]] = {}
    for part in formula.random:
        groups.setdefault(part.group_name, (part.group, []))[1].append(RandomBlock(add(part.terms)))
    groupings = tuple(
        Grouping(name, " || ':' || ".join(f"{quote(v)}::VARCHAR" for v in variables), tuple(blocks))
        for name, (variables, blocks) in groups.items()
    )
    references = {v: reader.levels(v)[0] for v in reader._levels if reader.levels(v)}
    response = f"{quote(formula.response)}::DOUBLE"
    return Design(tuple(columns.values()), fixed, groupings, response, reader.keep, references)


def source_rows(engine: Engine) -> int:
    """Rows of the attached source, complete or not."""
    row: tuple[Any, ...] = engine.rows(f"SELECT count(*) FROM {SOURCE}")[0]
    return int(row[0])
