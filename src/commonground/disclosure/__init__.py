"""What may leave: counts too small to show, the others that would give them back, and the attacker who tries.

``gate`` is the one function that every output passes; ``suppress``, ``round_counts`` and ``audit`` are its parts.
Outputs are ``CountTable``, ``Estimates``, ``SchoolRows`` and ``Tally``. Everything here is pure.
"""

from commonground.disclosure.attack import audit
from commonground.disclosure.gate import DECIMALS, STEP, gate
from commonground.disclosure.model import (
    Audit,
    Axis,
    CountTable,
    Decision,
    Estimates,
    Gated,
    SafeTable,
    SchoolRows,
    Shown,
    Tally,
)
from commonground.disclosure.suppress import round_counts, suppress

__all__ = [
    "DECIMALS",
    "STEP",
    "Audit",
    "Axis",
    "CountTable",
    "Decision",
    "Estimates",
    "Gated",
    "SafeTable",
    "SchoolRows",
    "Shown",
    "Tally",
    "audit",
    "gate",
    "round_counts",
    "suppress",
]
