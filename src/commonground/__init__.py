"""CommonGround: a city's data clearing-house for the welfare of its children.

>>> import commonground
>>> city = commonground.open("demo-city")          # doctest: +SKIP
>>> city.build()                                   # doctest: +SKIP
>>> city.study("achievement").sentences("en")      # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "City": "commonground.city",
    "CommonGroundError": "commonground.errors",
    "OpenCity": "commonground.jobs",
    "Policy": "commonground.city",
    "cluster_tables": "commonground.people",
    "fit_mixed": "commonground.study",
    "link_tables": "commonground.people",
    "load_definition": "commonground.variables",
    "open": "commonground.jobs",
    "suppress": "commonground.disclosure",
}

__all__ = [
    "City",
    "CommonGroundError",
    "OpenCity",
    "Policy",
    "__version__",
    "cluster_tables",
    "fit_mixed",
    "link_tables",
    "load_definition",
    "open",
    "suppress",
]

if TYPE_CHECKING:
    from commonground.city import City, Policy
    from commonground.disclosure import suppress
    from commonground.errors import CommonGroundError
    from commonground.jobs import OpenCity
    from commonground.jobs import OpenCity as open
    from commonground.people import cluster_tables, link_tables
    from commonground.study import fit_mixed
    from commonground.variables import load_definition


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import commonground`` stays light."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'commonground' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), "OpenCity" if name == "open" else name)
