"""Which blocking rules to take: how true pairs slip, the share of them that a rule would find, and the choice.

True pairs are drawn from what is taken of each field: which of its parts agree. Before any pair is known that is a
rough assumption (``Part.slips``); from the pairs that a first, small set of rules finds it is counted, for each field
among pairs that some rule finds without it, as Splink trains on the columns that a rule does not hold fast (Linacre
et al. 2022, IJPDS 7:3). The fields of a record in which much is wrong slip together less often than is drawn here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from commonground.people.fields import Field
from commonground.people.rules import Counter, Drawn, Plan, Rule

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
WORTH = 1e-5
"""Share of true pairs that a further rule must find to be worth its pairs."""
MOST = 24
LOOKS = 600
"""Rules whose pairs are counted at most; the others are known by a guess alone, and are not taken."""
TRUE = 20_000
"""True pairs that are drawn."""
ASSUMED = 50.0
"""How many pairs seen the assumption about a field weighs as much as."""
PILOT, LEAST_PILOT = 8, 100_000
"""Part of the budget that the first set of rules may use, but at least so many pairs."""


@dataclass(frozen=True)
class Slips:
    """How the parts of one field agree in true pairs: distinct ways (ways, parts), and the chance of each."""

    ways: Bools
    chance: Floats


def assumed(field: Field) -> Slips:
    """Slips of a field before any pair is known: one part slips at a time, or all, or a value is missing."""
    size = len(field.parts)
    gone = 1.0 - (1.0 - float(field.missing.mean())) ** 2 if len(field.missing) else 0.0
    slips = np.array([p.slips for p in field.parts])
    lost = float(slips.max()) * (0.1 if size > 1 else 1.0)
    ways, chance = [np.zeros(size, dtype=bool)], [lost]
    if size > 1:
        for i in range(size):
            ways += [np.arange(size) != i, np.arange(size) > i]
            chance += [0.6 * slips[i], 0.3 * slips[i] if i < size - 1 else 0.0]
    ways.append(np.ones(size, dtype=bool))
    chance.append(max(0.0, 1.0 - sum(chance)))
    every = np.array(chance) * (1.0 - gone)
    every[0] += gone
    return Slips(np.array(ways), every / every.sum())


def counted(fields: Sequence[Field], plan: Plan, a: Ints, b: Ints, probability: Floats) -> list[Slips]:
    """Slips of the fields as pairs that are probably true show them.

    Parameters
    ----------
    fields, plan
        What was compared, and the rules that found the pairs.
    a, b : int arrays (pairs,)
        Rows of the pairs; those of the right table follow the left's.
    probability : array (pairs,)
        That the two are one person.
    """
    true = np.flatnonzero(probability > 0.5)
    x, y, p = a[true], b[true], probability[true]
    agree = {q.name: (q.key[x] == q.key[y]) & (q.key[x] >= 0) for f in fields for q in f.parts}
    found = [(r.parts, np.logical_and.reduce([agree[n] for n in r.parts])) for r in plan.rules]
    out = []
    for f in fields:
        mine = {q.name for q in f.parts}
        others = [holds for parts, holds in found if not mine & set(parts)]
        free = np.logical_or.reduce(others) if others else np.ones(len(true), dtype=bool)
        before = assumed(f)
        ways = np.concatenate([before.ways, np.column_stack([agree[q.name][free] for q in f.parts])])
        weight = np.concatenate([ASSUMED * before.chance, p[free]])
        distinct, place = np.unique(ways, axis=0, return_inverse=True)
        total = np.bincount(place.ravel(), weights=weight)
        out.append(Slips(distinct, total / total.sum()))
    return out


def drawn(slips: Sequence[Slips], seed: int = 0) -> tuple[list[Bools], Floats]:
    """Draw true pairs: for each field which parts agree (pairs, parts), and the weight of each pair.

    Rare slips are drawn more often than they occur, by the root of their chance, and weigh less in turn.
    """
    rng = np.random.default_rng(seed)
    weight, ways = np.ones(TRUE), []
    for s in slips:
        often = np.sqrt(s.chance)
        often /= often.sum()
        at = np.searchsorted(np.cumsum(often), rng.random(TRUE)).clip(max=len(often) - 1)
        weight *= s.chance[at] / often[at]
        ways.append(s.ways[at])
    return ways, weight / weight.sum()


def choose_twice(
    fields: Sequence[Field], left: Ints, right: Ints, budget: int, drawn_rows: Drawn,
    weigh: Callable[[Plan], tuple[Ints, Ints, Floats]],
) -> Plan:  # fmt: skip
    """Choose a few rules by what is assumed of slips, and the rules by what the pairs of these show.

    Parameters
    ----------
    fields, left, right, budget, drawn_rows
        As for ``choose``.
    weigh : callable
        Rules → rows of the pairs that they find, and the probability of each.
    """
    first = choose(fields, left, right, min(budget, max(budget // PILOT, LEAST_PILOT)), drawn_rows)
    a, b, probability = weigh(first)
    return choose(fields, left, right, budget, drawn_rows, counted(fields, first, a, b, probability))


def choose(
    fields: Sequence[Field], left: Ints, right: Ints, budget: int, drawn_rows: Drawn | None = None,
    slips: Sequence[Slips] | None = None,
) -> Plan:  # fmt: skip
    """Choose rules for the rows ``left`` and ``right`` of ``fields`` within ``budget`` pairs.

    Rules are added one by one, each time the one that finds most that is not found yet for its pairs. Pairs are
    counted by the rows ``drawn_rows`` (``rules.draw``).
    """
    counter = Counter(fields, left, right, drawn_rows)
    ways, left_over = drawn([assumed(f) for f in fields] if slips is None else slips)
    agree = {p.name: way[:, k] for f, way in zip(fields, ways, strict=True) for k, p in enumerate(f.parts)}
    rules, pairs = _options(fields, counter, budget, max(float(len(left)) * len(right), 1.0))

    def finds(rule: int) -> Floats:
        return np.where(np.logical_and.reduce([agree[n] for n in rules[rule]]), left_over, 0.0)

    # what a rule finds beyond others only grows less: an old figure is a bound, and only the best is worked out anew
    gain, worked_out = np.array([finds(r).sum() for r in range(len(rules))]), np.zeros(len(rules), dtype=np.int64)
    kept, known = np.ones(len(rules)), np.zeros(len(rules), dtype=bool)
    chosen: list[Rule] = []
    spent, looks = 0.0, LOOKS
    while len(chosen) < MOST and len(rules):
        value = np.where(gain * kept > WORTH, gain * kept / (pairs + 0.02 * budget), 0.0)
        value[pairs > budget - spent] = 0.0
        if not looks:
            value[~known] = 0.0
        best = int(value.argmax())
        if value[best] <= 0.0:
            break
        if not known[best]:  # the guess was good enough to look closer
            pairs[best], left_out = counter.count(rules[best])
            kept[best], known[best], looks = 1.0 - left_out, True, looks - 1
            continue
        if worked_out[best] < len(chosen):
            gain[best], worked_out[best] = finds(best).sum(), len(chosen)
        else:
            crowd, share = tuple(counter.crowded(rules[best]).tolist()), float(kept[best])
            chosen.append(Rule(rules[best], float(pairs[best]), float(gain[best]) * share, 1 - share, crowd))
            spent += float(pairs[best])
            left_over = left_over - share * finds(best)
            gain[best] = 0.0
    return Plan(tuple(chosen), budget, float(1.0 - left_over.sum()))


def _options(
    fields: Sequence[Field], counter: Counter, budget: int, everything: float
) -> tuple[list[tuple[str, ...]], Floats]:
    """Rules of one to three fields' parts that might keep to the budget, and a guess at their pairs."""
    of_field = [[p.name for p in f.parts] for f in fields]
    alone = {n: max(counter.count((n,))[0], 1.0) for names in of_field for n in names}
    rules, guess = [], []
    for size in (1, 2, 3):
        for group in combinations(of_field, size):
            for rule in product(*group):
                pairs = everything * float(np.prod([alone[n] / everything for n in rule]))
                if pairs < 4 * budget:
                    rules.append(rule)
                    guess.append(pairs)
    return rules, np.array(guess)
