"""The meaning of columns: concept, unit, codes, missing texts and dates of each, with evidence and confidence.

Public name: ``propose``.
"""

from commonground.intake.suggest.meaning.propose import propose

__all__ = ["propose"]
