"""Persons who stay the same from delivery to delivery: the standing spine, its ids, its history, decisions about it.

``constrain`` decides a pair of records, ``undo`` takes a merge or a split back, ``set_threshold`` and ``load_model``
concern the model in force; ``relink`` adds records to what stands.
"""

from __future__ import annotations

from typing import Any

from commonground.people.standing.add import Standing, relink

__all__ = [
    "Standing",
    "constrain",
    "constrain_many",
    "load_model",
    "pending",
    "relink",
    "set_threshold",
    "undo",
    "undo_decision",
]


def __getattr__(name: str) -> Any:
    # the acts need the ledger and the room's main path, which itself adds to what stands
    if name in __all__:
        from commonground.people.standing import acts

        return getattr(acts, name)
    raise AttributeError(name)
