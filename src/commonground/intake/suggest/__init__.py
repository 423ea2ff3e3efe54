"""Profiles files that nobody has described yet and proposes their contract, with evidence and a confidence each.

Public names: ``suggest``, ``into``, ``Suggestion``.
"""

from commonground.intake.suggest.run import Suggestion, into, suggest

__all__ = ["Suggestion", "into", "suggest"]
