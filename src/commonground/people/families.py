"""Parents and children: from households, and from the relatives that records name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.births import NO_DAY
from commonground.people.blocking import join, mix
from commonground.people.kin import (
    FATHER,
    GRANDPARENT,
    MOTHER,
    ROLES,
    SIBLING,
    SPOUSE,
    Kin,
    relation_of,
)

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
YEAR = 365.25
PARENT = -2
"""A parent whose sex decides between father and mother."""
BY_NUMBER, BY_HOUSEHOLD, BY_PHONE, BY_VILLAGE, INFERRED = 0.999, 0.99, 0.98, 0.9, 0.9
"""How far each way of finding a relative is trusted; shared out where several persons fit."""


NUMBER, HOUSEHOLD, PHONE, VILLAGE, COUPLE, PARENTS = range(6)
EVIDENCE = ("number", "household", "telephone", "village", "couple", "parents")
"""What a relation rests on: the relative's identity number; the same household; name and telephone; name within the
village; the one couple of a household that can be a grandchild's parents; the parent that both have (siblings)."""
MANY = 15
"""Children of one parent at most from whom siblings are made."""


@dataclass(frozen=True)
class Relations:
    """Pairs of persons (as entities of the spine) with what the second is to the first.

    ``source`` is the place of the source that says so, ``evidence`` a place in ``EVIDENCE``.
    """

    person: Ints
    relative: Ints
    relation: Ints
    source: Ints
    evidence: Ints
    probability: Floats

    def take(self, at: Ints | Bools) -> Relations:
        """Give some of them."""
        return Relations(*(getattr(self, f)[at] for f in FIELDS))


FIELDS = ("person", "relative", "relation", "source", "evidence", "probability")


def _join(parts: list[Relations]) -> Relations:
    return Relations(*(np.concatenate([getattr(p, f) for p in parts]) for f in FIELDS))


def category(code: Ints) -> dict[str, Bools]:
    """Sort codes of relation to the head (GB/T 4761) into who stands where in the household."""
    child = ((code >= 20) & (code < 40)) & ~np.isin(code, (28, 38))
    return {
        "head": np.isin(code, (1, 2)),
        "spouse": (code >= 10) & (code < 20),
        "child": child,
        "in_law": np.isin(code, (28, 38)),
        "son": child & (code < 30),
        "daughter": child & (code >= 30),
        "son_in_law": code == 28,
        "daughter_in_law": code == 38,
        "grandchild": ((code >= 40) & (code < 50)) & ~np.isin(code, (45, 46, 47, 48)),
        "of_son": np.isin(code, (41, 42)),
        "of_daughter": np.isin(code, (43, 44)),
        "parent": (code >= 50) & (code < 60),
        "sibling": (code >= 70) & (code < 80),
    }


_HOUSEHOLD = (
    ("child", "head", PARENT), ("child", "spouse", PARENT), ("head", "spouse", SPOUSE), ("spouse", "head", SPOUSE),
    ("head", "parent", PARENT), ("child", "parent", GRANDPARENT), ("grandchild", "head", GRANDPARENT),
    ("grandchild", "spouse", GRANDPARENT), ("child", "child", SIBLING), ("head", "sibling", SIBLING),
    ("sibling", "head", SIBLING), ("sibling", "parent", PARENT),
)  # fmt: skip
_LIKELY = (
    ("of_son", "son", PARENT), ("of_son", "daughter_in_law", PARENT), ("of_daughter", "daughter", PARENT),
    ("of_daughter", "son_in_law", PARENT),
)  # fmt: skip


def households(units: People, entity: Ints, code: Ints) -> Relations:
    """Read relations off the household registers.

    A grandchild's parents are taken from the household only when it holds one son (daughter) and one daughter-in-law
    (son-in-law) at most; with several couples the code does not tell whose child it is.

    Parameters
    ----------
    units : People
        Units with their household.
    entity : int array
        The person of each.
    code : int array
        Relation to the head (GB/T 4761) of each, -1 where unknown.
    """
    inside = units.household >= 0
    kinds = {k: np.flatnonzero(v & inside) for k, v in category(code).items()}
    parts = []
    for rules, trust in ((_HOUSEHOLD, BY_HOUSEHOLD), (_LIKELY, INFERRED)):
        for who, whose, relation in rules:
            a, b = kinds[who], kinds[whose]
            if trust == INFERRED:
                b = b[np.bincount(units.household[b], minlength=1)[units.household[b]] == 1] if len(b) else b
            left, right = join((a, units.household[a]), (b, units.household[b]), 30)
            how = COUPLE if trust == INFERRED else HOUSEHOLD
            parts.append(_made(units, entity, left, right, np.full(len(left), relation), how, trust))
    return _join(parts)


def _made(units: People, entity: Ints, left: Ints, right: Ints, relation: Ints, how: int, trust: float) -> Relations:
    """Keep the pairs whose ages and sexes allow the relation; tell fathers from mothers by sex."""
    sex = units.sex[right]
    relation = np.where(relation == PARENT, np.where(sex == 1, FATHER, np.where(sex == 2, MOTHER, -1)), relation)
    ok = (relation >= 0) & (entity[left] != entity[right]) & plausible(units, left, right, relation)
    left, right, relation = left[ok], right[ok], relation[ok]
    fixed = np.full(len(left), how), np.full(len(left), trust)
    return Relations(entity[left], entity[right], relation, units.source[left], *fixed)


def plausible(units: People, person: Ints, relative: Ints, relation: Ints) -> Bools:
    """Whether ages (a parent 13 to 65, a grandparent 26 to 100 years older) and sex allow a relation; unknown does."""
    a, b, sex = units.day[person], units.day[relative], units.sex[relative]
    known = (a != NO_DAY) & (b != NO_DAY)
    gap = np.where(known, (a - b) / YEAR, 30.0)
    parent = np.isin(relation, (FATHER, MOTHER))
    low = np.where(parent, 13.0, np.where(relation == GRANDPARENT, 26.0, -100.0))
    high = np.where(parent, 65.0, 100.0)
    gap = np.where(~known & (relation == GRANDPARENT), 50.0, gap)
    wrong = ((relation == FATHER) & (sex == 2)) | ((relation == MOTHER) & (sex == 1))
    out: Bools = (gap >= low) & (gap <= high) & ~wrong
    return out


def find_named(units: People, entity: Ints, place: Ints, kin: Kin) -> tuple[Ints, Ints, Ints, Floats]:
    """Find the persons whom records name as relatives.

    By identity number; else by name within the households of the person, with the telephone given, or in the person's
    village. Where several fit, the trust is shared out and none is taken.

    Returns
    -------
    int array, int array, int array, array
        Places in ``kin``, the relative's unit, the way (of ``EVIDENCE``) and how far it is trusted; each relative
        named once at most.
    """
    t = units.names
    unit = place[kin.row]
    sound = np.where(kin.name >= 0, t.sound[np.maximum(kin.name, 0)], -1) if len(t.texts) else kin.name
    own = np.where(units.name >= 0, t.sound[np.maximum(units.name, 0)], -1) if len(t.texts) else units.name
    rows, every = np.arange(len(kin.row)), np.arange(len(units))
    home = _homes(units, entity)
    ways: list[tuple[float, tuple[Ints, Ints], tuple[Ints, Ints]]] = [
        (BY_NUMBER, (rows, kin.number), (every, units.id)),
        (BY_HOUSEHOLD, _wide(rows, sound, home[entity[unit]]), _wide(every, own, units.household[:, None])),
        (BY_PHONE, (rows, mix(sound, kin.phone)), _wide(every, own, units.phones)),
        (BY_VILLAGE, _wide(rows, sound, units.village[unit]), _wide(every, own, units.village)),
    ]
    meaning = relation_of(kin.role, kin.code)
    found: list[tuple[Ints, Ints, Ints, Floats]] = []
    for way, (trust, left, right) in enumerate(ways):
        a, b = join(left, right, 60)
        ok = (entity[unit[a]] != entity[b]) & plausible(units, unit[a], b, meaning[a])
        ok &= (meaning[a] < 0) | (meaning[a] == SIBLING) | (meaning[a] == SPOUSE) | _older(units, unit[a], b)
        a, b = a[ok], b[ok]
        _, first = np.unique(a * np.int64(len(units) + 1) + entity[b], return_index=True)
        a, b = a[first], b[first]
        share = trust / np.maximum(np.bincount(a, minlength=len(rows))[a], 1)
        found.append((a, b, np.full(len(a), way), share))
    a, b, how, p = (np.concatenate(x) for x in zip(*found, strict=True))
    order = np.lexsort((b, -p, a))
    best = order[np.unique(a[order], return_index=True)[1]]
    best = best[p[best] > 0.5]
    return a[best], b[best], how[best], p[best]


def _older(units: People, person: Ints, relative: Ints) -> Bools:
    a, b = units.day[person], units.day[relative]
    out: Bools = (a == NO_DAY) | (b == NO_DAY) | (a - b > 10 * YEAR)
    return out


def _wide(rows: Ints, sound: Ints, values: Ints) -> tuple[Ints, Ints]:
    keys = [mix(sound, values[:, k]) for k in range(values.shape[1])]
    return np.tile(rows, len(keys)), np.concatenate(keys)


def _homes(units: People, entity: Ints) -> Ints:
    """Households of each person, at most three; indexed by entity."""
    rows = np.flatnonzero((units.household >= 0) & (entity >= 0))
    rows = rows[np.argsort(entity[rows], kind="stable")]
    owner = entity[rows]
    rank = np.arange(len(rows)) - np.searchsorted(owner, owner)
    out = np.full((len(units), 3), -1, dtype=np.int64)
    few = rank < 3
    out[owner[few], rank[few]] = units.household[rows[few]]
    return out


def named_relations(units: People, entity: Ints, place: Ints, kin: Kin) -> tuple[Relations, tuple[Ints, Ints, Ints]]:
    """Give the relations that records name, and who is a member of whose household by a list of members.

    Returns
    -------
    Relations, (int array, int array, int array)
        Relations; and for members of a household listed in a cell: the naming unit, the member's entity, the source.
    """
    at, unit, how, trust = find_named(units, entity, place, kin)
    meaning = relation_of(kin.role[at], kin.code[at])
    person = place[kin.row[at]]
    said = meaning >= 0
    relations = Relations(
        entity[person[said]], entity[unit[said]], meaning[said], units.source[person[said]], how[said], trust[said]
    )
    listed = kin.role[at] == ROLES.index("members")
    return relations, (person[listed], entity[unit[listed]], units.source[person[listed]])


def tidy(relations: list[Relations]) -> Relations:
    """Put relations together, each pair, relation and source once with its highest trust, in a fixed order.

    Parents that rule each other out share the trust; children of one parent become siblings.
    """
    said = _once(shared_out(_once(_join(relations))))
    return _once(_join([said, siblings(said)]))


def _once(r: Relations) -> Relations:
    order = np.lexsort((r.evidence, -r.probability, r.source, r.relation, r.relative, r.person))
    keep = np.ones(len(order), dtype=bool)
    same = [getattr(r, f)[order] for f in ("person", "relative", "relation", "source")]
    keep[1:] = np.any([x[1:] != x[:-1] for x in same], axis=0) if len(order) else True
    return r.take(order[keep])


def shared_out(r: Relations) -> Relations:
    """Let different fathers (mothers) of one person compete: each keeps the share of the odds that its sources give it.

    Sources that name the same relative add up. Where only one is named nothing changes. Step-parents whom a source
    calls father or mother stand beside the parent, each with a share.
    """
    one = np.isin(r.relation, (FATHER, MOTHER))
    at = np.flatnonzero(one)
    base = np.int64(max(r.person.max(initial=0), r.relative.max(initial=0)) + 1)
    pair, of_pair = np.unique(
        (r.person[at] * 2 + (r.relation[at] == MOTHER)) * base + r.relative[at], return_inverse=True
    )
    odds = np.expm1(
        np.bincount(of_pair, weights=-np.log1p(-np.clip(r.probability[at], 0.0, 1 - 1e-12)), minlength=len(pair))
    )
    person, of_person = np.unique(pair // base, return_inverse=True)
    share = odds / np.maximum(np.bincount(of_person, weights=odds, minlength=len(person))[of_person], 1e-300)
    probability = r.probability.copy()
    probability[at] *= share[of_pair]
    return Relations(r.person, r.relative, r.relation, r.source, r.evidence, probability)


def siblings(r: Relations) -> Relations:
    """Children of one father or one mother whom no source names as siblings; the later source speaks for both."""
    at = np.flatnonzero(np.isin(r.relation, (FATHER, MOTHER)))
    order = at[np.lexsort((-r.probability[at], r.person[at], r.relative[at]))]
    base = np.int64(max(r.person.max(initial=0), r.relative.max(initial=0)) + 1)
    order = order[np.unique(r.relative[order] * base + r.person[order], return_index=True)[1]]
    left, right = join((order, r.relative[order]), (order, r.relative[order]), MANY)
    left, right = left[r.person[left] != r.person[right]], right[r.person[left] != r.person[right]]
    named = r.relation == SIBLING
    fresh = ~np.isin(r.person[left] * base + r.person[right], r.person[named] * base + r.relative[named])
    left, right = left[fresh], right[fresh]
    trust = r.probability[left] * r.probability[right]
    order = np.lexsort((-trust, r.person[right], r.person[left]))
    order = order[np.unique((r.person[left] * base + r.person[right])[order], return_index=True)[1]]
    left, right, trust = left[order], right[order], trust[order]
    size = len(left)
    return Relations(
        r.person[left], r.person[right], np.full(size, SIBLING), np.maximum(r.source[left], r.source[right]),
        np.full(size, PARENTS), trust,
    )  # fmt: skip
