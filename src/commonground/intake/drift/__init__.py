"""Drift: how a new delivery differs from the last one and from the contract, and what a person must decide.

Columns are recognised by what stands in them; nothing of the contract changes until a clerk says so.
Public names: ``find_drift``, ``Drift``, ``Finding``, ``KINDS``, ``proposed``, ``difference``, ``save_proposal``,
``apply_sure``.
"""

from commonground.intake.drift.find import compare, find_drift
from commonground.intake.drift.model import KINDS, LIKELY, SURE, Drift, Finding
from commonground.intake.drift.propose import apply_sure, difference, proposed, save_proposal

__all__ = [
    "KINDS",
    "LIKELY",
    "SURE",
    "Drift",
    "Finding",
    "apply_sure",
    "compare",
    "difference",
    "find_drift",
    "proposed",
    "save_proposal",
]
