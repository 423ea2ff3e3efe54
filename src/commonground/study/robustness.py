"""The same gap under every version of a definition, and with and without the covariates."""

from __future__ import annotations

import numpy as np

from commonground.study.catalogue import Known
from commonground.study.gaps import clustered_ols
from commonground.study.model import Row
from commonground.study.outcome import Outcome
from commonground.study.quantiles import t_width


def specification_rows(outcome: Outcome) -> list[tuple[Row, Known]]:
    """Compare children for whom a definition's version holds with those for whom it does not.

    Children of the other compared groups are left out of both sides, so that the comparison stays one with children
    who did not move. Values that are unknown or not applicable are left out and show in ``n``.
    """
    sample = outcome.sample
    spec, catalogue, rows = sample.spec, sample.catalogue, []
    day = max(k.date for k in sample.scores.values())
    movers = [f"g_{v}" for v in outcome.present if v not in (spec.focus, "other")]
    for definition in spec.robustness:
        for version in catalogue.versions(definition):
            known = catalogue.pick(definition, version, until=day)
            if known is None:
                continue
            columns, y, x, school = _arrays(outcome, known, movers)
            if len(y) == 0 or min(x[:, 0].sum(), (1 - x[:, 0]).sum()) < spec.minimum.group:
                continue
            ones = np.ones((len(y), 1))
            for comparison, width in (("raw", 1), ("adjusted", len(columns))):
                fit = clustered_ols(y, np.hstack([ones, x[:, :width]]), school)
                estimate, se = float(fit.beta[1]), float(np.sqrt(fit.covariance[1, 1]))
                wide = t_width(sample.coverage, fit.clusters - 1) * se
                row: Row = {
                    "definition": definition,
                    "version": version,
                    "subject": outcome.subject,
                    "comparison": comparison,
                    "estimate": estimate,
                    "low": estimate - wide,
                    "high": estimate + wide,
                    "n": len(y),
                    "n_group": int(x[:, 0].sum()),
                    "schools": fit.clusters,
                }
                rows.append((row, known))
    return rows


def _arrays(outcome: Outcome, known: Known, movers: list[str]):  # type: ignore[no-untyped-def]
    engine = outcome.sample.engine
    key = outcome.sample.catalogue.entity_key
    stay = "".join(f' AND "{m}" = 0' for m in movers)
    table = f"{outcome.table}_version"
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT c.*, (v.value = 'true')::INT AS held "
        f"FROM {outcome.table} AS c "
        f"JOIN (SELECT {key} AS key, min(value) AS value FROM values_all WHERE definition = '{known.definition}' "
        f"AND version = '{known.version}' AND reference_date = DATE '{known.date}' GROUP BY 1) AS v "
        f"ON v.key = c.person_id WHERE v.value IN ('true', 'false'){stay}"
    )
    columns = ["held", *outcome.covariates]
    from dataclasses import replace

    y, x, school = replace(outcome, table=table).arrays(columns)
    engine.run(f"DROP TABLE {table}")
    return columns, y, x, school
