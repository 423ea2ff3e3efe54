"""One outcome of a study: its columns, its sums, its models, all from one pass over the children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from commonground.study.design import INTERCEPT_NAME, SOURCE, Column, Design, Grouping, RandomBlock, quote, text_literal
from commonground.study.mixed import MixedModel, fit_moments
from commonground.study.moments import Moments, compute_moments, select
from commonground.study.sample import CHILDREN, Sample
from commonground.study.spec import Group

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SCHOOL = "school"


@dataclass(frozen=True)
class Outcome:
    """The children with one outcome, ready to be modelled.

    Attributes
    ----------
    sample : Sample
    subject : str
        A subject or ``pooled``.
    groups : tuple of Group
        Groups compared with the reference: those with enough children.
    present : tuple of str
        Every group but the reference that has any child; each has its own column, so that none is mixed with another.
    covariates : tuple of str
        Columns of the covariates.
    earlier : tuple of str
        Columns of the same outcome's earlier score. They are kept apart: what a school and an absence did to the
        earlier score is part of what is asked about, so that allowing for it asks another question (progress).
    table : str
        Engine table with y, school and all columns.
    counts : dict
        Children by group.
    away_in_some : bool
        Whether enough schools have children of the focus group for a gap that differs by school.
    """

    sample: Sample
    subject: str
    groups: tuple[Group, ...]
    present: tuple[str, ...]
    covariates: tuple[str, ...]
    earlier: tuple[str, ...]
    table: str
    counts: dict[str, int]
    away_in_some: bool

    @property
    def n(self) -> int:
        """Children."""
        return sum(self.counts.values())

    @property
    def group_columns(self) -> list[str]:
        """Columns of the groups, the reference left out."""
        return [f"g_{v}" for v in self.present]

    @property
    def focus(self) -> str:
        """Column of the focus group."""
        return f"g_{self.sample.spec.focus}"

    @cached_property
    def schools(self) -> int:
        """Schools with a child."""
        return int(self.sample.engine.rows(f"SELECT count(DISTINCT school) FROM {self.table}")[0][0])

    @cached_property
    def moments(self) -> Moments:
        """Sums of all columns, the school's intercept and its slope of the focus group."""
        mundlak = [f"{kind}_{v}" for v in self.present for kind in ("w", "m")]
        return self.sums([*self.group_columns, *self.covariates, *mundlak])

    @property
    def varying(self) -> list[list[str]]:
        """What varies by school in the full model."""
        return [[INTERCEPT_NAME, self.focus] if self.away_in_some else [INTERCEPT_NAME]]

    def sums(self, columns: Sequence[str], where: str = "TRUE", extra: Sequence[Column] = ()) -> Moments:
        """Sum the given columns over the children for whom ``where`` holds."""
        engine = self.sample.engine
        engine.run(f"CREATE OR REPLACE TEMP VIEW {SOURCE} AS SELECT * FROM {self.table} WHERE {where}")
        made = [Column(INTERCEPT_NAME, "1"), *(Column(c, quote(c)) for c in columns), *extra]
        blocks = tuple(RandomBlock(tuple(b)) for b in self.varying)
        design = Design(
            columns=tuple(made),
            fixed=tuple(c.name for c in made),
            groupings=(Grouping(SCHOOL, SCHOOL, blocks),),
            response="y",
            keep="y IS NOT NULL",
            references={},
        )
        return compute_moments(engine, design)

    def model(
        self, fixed: Sequence[str], *, slope: bool, moments: Moments | None = None, reml: bool = True
    ) -> MixedModel:
        """Fit a model with the given fixed columns and school effects, with or without a slope of the focus group."""
        blocks = self.varying if slope else [[INTERCEPT_NAME]]
        chosen = select(moments or self.moments, [INTERCEPT_NAME, *fixed], {SCHOOL: blocks})
        varying = " + ".join("1" if c == INTERCEPT_NAME else c for c in blocks[0])
        formula = f"{self.subject} ~ {' + '.join(['1', *fixed])} + ({varying} | school)"
        return fit_moments(formula, chosen, {}, reml=reml, level=self.sample.coverage)

    @cached_property
    def adjusted(self) -> list[str]:
        """Fixed columns of the adjusted model."""
        return [*self.group_columns, *self.covariates]

    def arrays(self, columns: Sequence[str]) -> tuple[Array, Array, IntArray]:
        """Give y, the columns and the school codes as arrays in a fixed order."""
        listed = "".join(f", {quote(c)}::DOUBLE AS {quote(c)}" for c in columns)
        found = self.sample.engine.table(
            f"SELECT y, dense_rank() OVER (ORDER BY school) - 1 AS code{listed} "
            f"FROM {self.table} ORDER BY school, person_id"
        )
        y = found["y"].to_numpy().astype(np.float64)
        code = found["code"].to_numpy().astype(np.int64)
        x = (
            np.column_stack([found[c].to_numpy().astype(np.float64) for c in columns])
            if columns
            else np.zeros((len(y), 0))
        )
        return y, x, code


def _covariate_columns(sample: Sample, subject: str, where: str) -> list[tuple[str, str]]:
    """Name and SQL of the covariates' columns; a missing value is a category of its own, never a lost child."""
    engine, made = sample.engine, []
    for name, (kind, _) in sample.covariates.items():
        if kind == "prior" and name != f"p_{subject}":
            continue
        if kind == "category":
            rows = engine.rows(
                f"SELECT coalesce({name}::VARCHAR, 'unknown') AS v, count(*) AS n FROM {CHILDREN} WHERE {where} "
                "GROUP BY 1 ORDER BY n DESC, v"
            )
            for value, _ in rows[1:]:
                literal = text_literal(str(value))
                made.append((f"{name}={value}", f"(coalesce({name}::VARCHAR, 'unknown') = {literal})::INT"))
            continue
        known, mean, sd = engine.rows(
            f"SELECT count({name}), round(avg({name}), 9), round(stddev_pop({name}), 9) FROM {CHILDREN} WHERE {where}"
        )[0]
        if not known or not sd:
            continue
        made.append((name, f"coalesce(({name} - {mean}) / {sd}, 0)"))
        made.append((f"{name} unknown", f"({name} IS NULL)::INT"))
    return made


def _is_earlier(column: str, subject: str) -> bool:
    return column in (f"p_{subject}", f"p_{subject} unknown")


def make_outcome(sample: Sample, subject: str) -> Outcome:
    """Make one outcome's table in the engine: y, school, group columns, their school means, covariates, factors."""
    spec, engine = sample.spec, sample.engine
    where = f"y_{subject} IS NOT NULL"
    rows = engine.rows(f"SELECT grp, count(*) FROM {CHILDREN} WHERE {where} GROUP BY 1")
    counts = {str(g): int(n) for g, n in rows}
    ordered = {g.value: counts.get(g.value, 0) for g in spec.groups}
    present = tuple(g.value for g in spec.compared if ordered[g.value] > 0)
    covariates = _covariate_columns(sample, subject, where)
    parts = [f"y_{subject} AS y", "c.school", "person_id", "grp"]
    for value in present:
        inside = f"(grp = {text_literal(value)})::INT"
        mean = f"round(avg({inside}) OVER (PARTITION BY c.school), 9)"
        parts += [f"{inside} AS {quote('g_' + value)}", f"{mean} AS {quote('m_' + value)}"]
        parts.append(f"{inside} - {mean} AS {quote('w_' + value)}")
    parts += [f"{sql} AS {quote(name)}" for name, sql in covariates]
    parts += [f"s.{name}" for name in sample.factors]
    table = f"study_y_{subject}"
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {', '.join(parts)} FROM {CHILDREN} AS c "
        f"LEFT JOIN study_schools AS s ON s.school = c.school WHERE {where}"
    )
    enough = 0
    if spec.focus in present:
        enough = int(
            engine.rows(
                f"SELECT count(*) FROM (SELECT school FROM {table} GROUP BY school "
                f"HAVING sum(g_{spec.focus}) >= 2 AND sum(1 - g_{spec.focus}) >= 2)"
            )[0][0]
        )
    return Outcome(
        sample=sample,
        subject=subject,
        groups=tuple(g for g in spec.compared if ordered[g.value] >= spec.minimum.group),
        present=present,
        covariates=tuple(name for name, _ in covariates if not _is_earlier(name, subject)),
        earlier=tuple(name for name, _ in covariates if _is_earlier(name, subject)),
        table=table,
        counts=ordered,
        away_in_some=enough >= spec.minimum.schools,
    )
