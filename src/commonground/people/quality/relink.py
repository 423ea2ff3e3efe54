"""Records linked once more with something else in them, by the model as it stands: what linking bears.

Only the parts of the pairs that such a record touches, before or after, are resolved again; the spine itself is left as
it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.collapse import represent
from commonground.people.edges import compared, keys_of
from commonground.people.quality.estimate import NEAR
from commonground.people.resolve import NEW
from commonground.people.stable import stable
from commonground.people.standing import add

if TYPE_CHECKING:
    from commonground.people.mentions import People
    from commonground.people.model import Linked
    from commonground.people.resolve import Resolved
    from commonground.people.spine import Spine

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tried:
    """What became of records that were linked once more.

    Attributes
    ----------
    rows : int array (n,)
        Units.
    right, wrong : bool arrays (n,)
        With records of the person that they belonged to; with those of another alone. Neither: missed. Records that
        joined a person who may be their own with another identity number are left out.
    never : bool array (n,)
        No blocking rule compared the record with its own person.
    chance : array (n,)
        Probability of the link made, or, where none was, that one should have been, by the pairs compared.
    """

    rows: Ints
    right: Bools
    wrong: Bools
    never: Bools
    chance: Floats

    @property
    def missed(self) -> Bools:
        """Records that stayed alone."""
        return ~(self.right | self.wrong)

    @property
    def unforeseen(self) -> Bools:
        """Records that stayed alone and had no candidate to speak of."""
        return self.missed & (self.chance < NEAR)


@dataclass(frozen=True)
class Standing:
    """A spine as it stands, with what the tests need of it, made once.

    Attributes
    ----------
    spine : Spine
        Units, persons, pairs and the frozen model.
    keyed : People
        The units under stable hashes, as keys are made of them.
    names : list of str
        Datasets, in the order of ``nodes.dataset``.
    founding : int
        The delivery that the others are linked to; -1 where there are no records.
    by_number : bool array (units,)
        Whether another delivery confirms the person by the same valid identity number: here the truth is known.
    """

    spine: Spine
    keyed: People
    names: list[str]
    founding: int
    by_number: Bools

    @classmethod
    def of(cls, linked: Linked) -> Standing:
        """Prepare the spine of ``linked``."""
        gathered, spine = linked.gathered, linked.spine
        keyed, _ = represent(stable(gathered.people, gathered.texts, gathered.ids), linked.place)
        names = sorted({name for name, _ in gathered.sources})
        return cls(spine, keyed, names, founding(spine), known_by_number(spine))


def founding(spine: Spine) -> int:
    """Give the delivery that is linked first; -1 where there are no records."""
    return int(spine.units.source[np.argmin(spine.standing.nodes.step)]) if len(spine.units) else -1


def known_by_number(spine: Spine) -> Bools:
    """Units whose person another delivery confirms by the same valid identity number."""
    units = spine.units
    has = np.flatnonzero(units.id >= 0)
    _, inverse = np.unique(np.stack([spine.entity[has], units.id[has]]), axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)
    size = int(inverse.max(initial=-1)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, inverse, units.source[has])
    np.maximum.at(high, inverse, units.source[has])
    out = np.zeros(len(units), dtype=bool)
    out[has] = (low < high)[inverse]
    return out


def sample(standing: Standing, size: int, seed: int) -> Ints:
    """Draw units whose person is known by number, ``size`` of each delivery but the founding one, one a person."""
    spine, rng = standing.spine, np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(standing.by_number & (spine.units.source != standing.founding)))
    _, first = np.unique(spine.entity[rows], return_index=True)
    rows = rows[np.sort(first)]
    order = np.argsort(spine.units.source[rows], kind="stable")
    source = spine.units.source[rows][order]
    place = np.arange(len(rows)) - np.searchsorted(source, source)
    return np.sort(rows[order][place < size])


def put(people: People, rows: Ints, changed: People) -> People:
    """Give all units with ``rows`` as in ``changed``."""
    columns = {"names": changed.names, "digits": changed.digits}
    for one in fields(people):
        if one.name not in columns:
            column = getattr(people, one.name).copy()
            column[rows] = getattr(changed, one.name)
            columns[one.name] = column
    return people.with_columns(**columns)


def relink(standing: Standing, rows: Ints, changed: People, keyed: People) -> Tried:
    """Change what ``rows`` say to ``changed`` (``keyed``: under stable hashes), and link what they touch again.

    Nothing is trained; a record is compared with all others by the blocking rules, as that of a new delivery.
    """
    spine, nodes = standing.spine, standing.spine.standing.nodes
    units = put(spine.units, rows, changed)
    number, rare = nodes.number.copy(), nodes.rare.copy()
    number[rows] = keyed.id
    rare[rows] = spine.frozen.rarity.shares(units.names, changed.name)
    place = np.arange(len(units))
    place[rows] = -1
    looked: list[tuple[Ints, Ints]] = []

    def compare(a: Ints, b: Ints) -> npt.NDArray[np.int8]:
        looked.append((a, b))
        return compared(units, a, b)

    now, _ = add.relink(
        spine.standing, place, replace(nodes, number=number, rare=rare), [(rows[r], k) for r, k in keys_of(keyed)],
        compare, spine.frozen, standing.names,
    )  # fmt: skip
    return _outcome(spine, rows, now.found, looked[0])


def _outcome(spine: Spine, rows: Ints, found: Resolved, looked: tuple[Ints, Ints]) -> Tried:
    """Hold the persons of ``rows`` against those they had; records under test vote for nobody."""
    n, before = len(spine.units), spine.entity
    others = np.ones(n, dtype=bool)
    others[rows] = False
    others = np.flatnonzero(others)
    size = np.bincount(found.entity[others], minlength=n)
    new, wide = found.entity[rows], np.int64(n)
    own = np.isin(new * wide + before[rows], found.entity[others] * wide + before[others])
    wrong = (size[new] > 0) & ~own
    other = np.full(n, -1, dtype=np.int64)
    other[found.entity[others]] = before[others]
    unclear = wrong & _two_numbers(spine, before[rows], other[new])
    pairs = found.compared
    free = ~pairs.chosen
    near = np.bincount(pairs.left[free], weights=pairs.probability[free], minlength=n)
    near += np.bincount(pairs.right[free], weights=pairs.probability[free], minlength=n)
    made = np.where(found.method[rows] != NEW, found.probability[rows], 1.0)  # the first of a person was not joined
    chance = np.where(own | wrong, made, np.minimum(near[rows], 1.0))
    met = np.zeros(n, dtype=bool)
    same = before[looked[0]] == before[looked[1]]
    met[looked[0][same]] = True
    met[looked[1][same]] = True
    keep = ~unclear
    return Tried(rows[keep], own[keep], wrong[keep], (~own & ~met[rows])[keep], chance[keep])


def _two_numbers(spine: Spine, one: Ints, two: Ints) -> Bools:
    """Whether two persons are likely one but for two identity numbers: who is right is then not known."""
    n, found = np.int64(len(spine.units)), spine.conflicts
    a, b = spine.entity[found.left], spine.entity[found.right]
    known = np.concatenate([a * n + b, b * n + a])
    return np.isin(one * n + two, known)
