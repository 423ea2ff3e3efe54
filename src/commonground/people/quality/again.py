"""The re-corruption test on the city as it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from commonground.people.quality.guild import assess, groups_of
from commonground.people.quality.recorrupt import SAMPLE
from commonground.people.quality.recorrupt import recorrupt as spoil
from commonground.people.report import county_types
from commonground.people.run import who_is_who

if TYPE_CHECKING:
    from commonground.city import City
    from commonground.intake.model import IntakeResult

Progress = Callable[[str, int, int], None]


def recorrupt(
    city: City, intake: IntakeResult, *, sample: int | None = None, seed: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """Spoil a sample of the records that are linked, link it again by the model in force, and count what is lost.

    Parameters
    ----------
    city : City
        Built; nothing of it changes.
    intake : IntakeResult
        Its records.
    sample : int, optional
        Records of each delivery.
    seed : int
        The same seed gives the same result.
    progress : callable, optional
        Called as ``(stage, done, total)``.
    """
    tell = progress or (lambda stage, done, total: None)
    tell("people", 0, 2)
    _, linked = who_is_who(city, intake)
    tell("people", 1, 2)
    standing, judged = assess(linked)
    groups = groups_of(linked, judged, intake.tables, city.settings, county_types(linked, city.settings))
    found = spoil(linked, standing, groups, size=sample or SAMPLE, seed=seed)
    tell("people", 2, 2)
    return found
