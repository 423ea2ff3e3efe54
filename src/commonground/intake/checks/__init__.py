"""Quality checks: what is asked of every delivery, counted once, judged whenever somebody looks.

Counts are numerators and denominators by check, dataset, delivery and file; the limits beside them in ``checks.toml``
and ``city.toml`` are applied when results are read, so that they may change without a new run.
Public names: ``count_checks``, ``save_checks``, ``keep_last``, ``shown_run``,
``forget_last``, ``LAST``, ``judge``, ``Judged``, ``CATEGORIES``, ``VERDICTS``, ``counting_hash``.
"""

from commonground.intake.checks.model import CATEGORIES, CONTEXTS, VERDICTS
from commonground.intake.checks.rules import counting_hash, load_rules
from commonground.intake.checks.run import count_checks
from commonground.intake.checks.verdict import LAST, Judged, forget_last, judge, keep_last, save_checks, shown_run

__all__ = [
    "CATEGORIES",
    "CONTEXTS",
    "LAST",
    "VERDICTS",
    "Judged",
    "count_checks",
    "counting_hash",
    "forget_last",
    "judge",
    "keep_last",
    "load_rules",
    "save_checks",
    "shown_run",
]
