"""How right the relations are: who is said to be whose father, mother or sibling, and who is not.

Of the children whose parents the truth knows. A relative can be found only where there are records of the relative,
so the share found is of those who have any. Said and true relatives are compared as persons of the truth.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """Relations of one kind: said, of these right; true with both persons in records, of these said."""

    said: int
    right: int
    true: int
    met: int

    @property
    def precision(self) -> float:
        """Share of relations said that are right."""
        return self.right / self.said if self.said else 1.0

    @property
    def recall(self) -> float:
        """Share of true relations that are said."""
        return self.met / self.true if self.true else 1.0


def identities(cluster: Iterable[str | None], person: Iterable[str]) -> dict[str, str]:
    """Give the true person of each cluster: that of most of its records."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for c, p in zip(cluster, person, strict=True):
        if c is not None:
            seen[c][p] += 1
    return {c: min(n.items(), key=lambda x: (-x[1], x[0]))[0] for c, n in seen.items()}


def score_relations(
    said: Iterable[tuple[str, str, str]], who: Mapping[str, str], true: Mapping[str, set[tuple[str, str]]]
) -> dict[str, Found]:
    """Compare relations.

    Parameters
    ----------
    said : iterable of (person, relative, relation)
        As in the table ``relations``.
    who : mapping
        Person said → true person.
    true : mapping
        Relation → pairs (person, relative) of the truth.
    """
    given: dict[str, set[tuple[str, str]]] = defaultdict(set)
    children = {a for pairs in true.values() for a, _ in pairs}
    for person, relative, relation in said:
        if who.get(person) in children:  # the truth tells of children alone
            given[relation].add((who[person], who.get(relative, "?" + relative)))
    there = set(who.values())
    out = {}
    for relation, pairs in sorted(true.items()):
        wanted = {(a, b) for a, b in pairs if a in there and b in there}
        out[relation] = Found(
            len(given[relation]), len(given[relation] & pairs), len(wanted), len(wanted & given[relation])
        )
    return out
