"""Schools: shrunken effects and gaps with intervals; verdicts, never ranks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from commonground.study.mixed import MixedModel
from commonground.study.model import Row
from commonground.study.outcome import SCHOOL, Outcome
from commonground.study.quantiles import normal_above, normal_width

Array = npt.NDArray[np.float64]


def school_gaps(model: MixedModel, focus: str) -> tuple[tuple[str, ...], Array, Array]:
    """Give each school's gap of the focus group (fixed effect plus the school's own) and its standard error.

    The error includes the fixed effect's own uncertainty (prediction error variance).
    """
    effects = model.effects[SCHOOL]
    names = [c.name for c in model.fixef]
    j, k = effects.columns.index(focus), names.index(focus)
    gap = model.fixef[k].estimate + effects.values[:, j]
    variance = model.covariance[k, k] + effects.joint[:, j, j] + 2 * effects.with_fixed[:, j, k]
    return effects.levels, gap, np.sqrt(np.maximum(variance, 0.0))


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "above"
    return "below" if high < 0 else "unclear"


def school_rows(
    outcome: Outcome, level_model: MixedModel, slope_model: MixedModel | None, places: Mapping[str, tuple[str, str]]
) -> list[Row]:
    """Give one row a school, ordered by code.

    ``effect`` is against the mean school after the covariates, shrunken by how little is known of the school;
    ``verdict`` is above or below only where the whole interval is. The gap is given where enough children of the focus
    group and of the others stand behind it; ``shown`` says whether enough children stand behind a statement at all.
    """
    spec, effects = outcome.sample.spec, level_model.effects[SCHOOL]
    wide = normal_width(outcome.sample.coverage)
    sd = np.sqrt(effects.joint[:, 0, 0])
    away = _count_focus(outcome)
    gaps: dict[str, tuple[float, float]] = {}
    if slope_model is not None:
        levels, gap, se = school_gaps(slope_model, outcome.focus)
        gaps = {s: (float(g), float(e)) for s, g, e in zip(levels, gap, se, strict=True)}
    rows = []
    for i, school in enumerate(effects.levels):
        n, n_away = int(effects.rows[i]), away.get(school, 0)
        effect = float(effects.values[i, 0])
        low, high = effect - wide * float(sd[i]), effect + wide * float(sd[i])
        county, level = places.get(school, ("", ""))
        row: Row = {
            "subject": outcome.subject,
            "school_code": school,
            "county": county,
            "level": level,
            "n": n,
            "n_away": n_away,
            "effect": effect,
            "low": low,
            "high": high,
            "verdict": _verdict(low, high),
            "gap": None,
            "gap_low": None,
            "gap_high": None,
            "p_gap_nonneg": None,
            "shown": n >= outcome.sample.school_minimum,
        }
        least = spec.minimum.away_in_school
        if school in gaps and n_away >= least and n - n_away >= least:
            gap_, se_ = gaps[school]
            row |= {"gap": gap_, "gap_low": gap_ - wide * se_, "gap_high": gap_ + wide * se_}
            row["p_gap_nonneg"] = normal_above(-gap_ / se_) if se_ > 0 else float(gap_ >= 0)
        rows.append(row)
    return rows


def _count_focus(outcome: Outcome) -> dict[str, int]:
    spec = outcome.sample.spec
    rows = outcome.sample.engine.rows(
        f"SELECT school, count(*) FROM {outcome.table} WHERE grp = '{spec.focus}' GROUP BY school"
    )
    return {str(s): int(n) for s, n in rows}


def school_places(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """County and level of each school."""
    rows = outcome.sample.engine.rows("SELECT school, county, level FROM study_schools")
    return {str(s): (str(c or ""), str(v or "")) for s, c, v in rows}
