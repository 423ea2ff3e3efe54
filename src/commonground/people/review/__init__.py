"""People look at a random sample of candidate links: two alone, a third where they differ; what follows from that.

A round of review is opened for named reviewers, a purpose and a time; each view of a pair stands in the ledger. What is
decided gives precision and recall with intervals, a threshold to be proposed, and constraints on who is who.
"""

from commonground.people.review.estimate import GroupQuality, Quality, ReviewEstimate, Share
from commonground.people.review.settling import latest

__all__ = ["GroupQuality", "Quality", "ReviewEstimate", "Share", "latest"]
