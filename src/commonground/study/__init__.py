"""From the database to findings: what goes with children's results, school by school, with honest uncertainty.

``fit_mixed`` fits linear mixed models with lme4's formulas from sums that the engine makes; ``run`` does a study as
its specification says and gives ``Findings``: tables of plain rows, each with its ``Facts``, and sentences computed
from them. No row is about a person; schools are never ranked; association is never called effect.
"""

from commonground.study.achievement import run
from commonground.study.mixed import MixedModel, fit_mixed
from commonground.study.model import Facts, Findings, FindingTable

__all__ = ["Facts", "FindingTable", "Findings", "MixedModel", "fit_mixed", "run"]
