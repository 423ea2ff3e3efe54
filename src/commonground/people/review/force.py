"""The frozen model in force, for explanations."""

from __future__ import annotations

from commonground.city import City
from commonground.errors import CityError, Said
from commonground.people.frozen import Frozen


def model_in_force(city: City) -> Frozen:
    """Give the frozen model with which the current version was linked.

    Raises
    ------
    CityError
        The build kept none.
    """
    from commonground.people.standing import load_model

    found: Frozen | None = load_model(city)
    if found is None:
        raise CityError(
            Said("没有保存下来的连接模型。", "No model of linkage was kept."),
            todo=Said(f"运行 commonground build {city.path} --force。", f"Run commonground build {city.path} --force."),
        )
    return found
