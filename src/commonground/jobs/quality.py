"""The quality of what was delivered: checks judged by the limits of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonground.city import City

if TYPE_CHECKING:
    from commonground.intake.checks import Judged


def judge(city: City, dataset: str | None = None) -> list[Judged]:
    """Judge the checks of the current version by the limits of today; see ``intake.checks.judge``."""
    from commonground.intake import checks

    return checks.judge(city, dataset)
