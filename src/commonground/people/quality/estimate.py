"""Missed and false links, for all records and for each group, from probabilities held against hidden numbers.

The model's own expectation is the sum of probabilities (Fellegi and Sunter 1969). It forgets what was never compared
and whatever the model gets wrong. Where identity numbers are at hand they are hidden from a sample of records, which
are linked again by what is left (``hidden.py``): the share that is lost is then known (a gold standard made of the
identifiers themselves: Harron and others 2017, Int. J. Epidemiol. 46:1699; calibration of error rates on links of
known status: Belin and Rubin 1995, J. Am. Stat. Assoc. 90:694). Links made without a number stand for so many that were
missed as were missed per link found among hidden numbers of the same delivery with the same identifiers left
(post-stratified); that counts what was never compared too. Where a delivery has no numbers to hide, the model's
expectation is multiplied by what was found elsewhere per miss expected.

Intervals come from draws: the ratio of found to expected errors from its gamma distribution, the errors themselves
from that of a Poisson mean (Jeffreys), in clumps where the records of one person are missed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Z95 = 1.959963984540054
DRAWS = 2_000
NEAR = 0.05
"""A record whose candidates together are less probable than this was, to the model, not there to be found."""
TRUST = 2.0
"""Errors that the city-wide ratio counts for beside what was found in a delivery itself."""


MOST = 3.0
"""Errors per error expected, or per link made, that a delivery with little to go by is drawn towards at most."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Give value and limits."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Hidden:
    """What came of linking again without their numbers records whose person the numbers tell, by stratum.

    A stratum is a delivery and what its records have to go by (``hidden.strata``).

    Attributes
    ----------
    source : int array (s,)
        Delivery of each stratum, of those that were tried and those that were not.
    tried, right, wrong, never : int arrays (s,)
        Records linked again; joined to their own person; joined to another; compared with their person by no rule.
        What was neither joined rightly nor wrongly was missed.
    unforeseen : int array (s,)
        Of the missed, how many had no candidate of probability ``NEAR`` or more.
    expected_wrong, expected_missed : arrays (s,)
        What the model's probabilities expected of the same records.
    """

    source: Ints
    tried: Ints
    right: Ints
    wrong: Ints
    never: Ints
    unforeseen: Ints
    expected_wrong: Floats
    expected_missed: Floats

    @property
    def missed(self) -> Ints:
        """Records joined to nobody."""
        found: Ints = self.tried - self.right - self.wrong
        return found


@dataclass(frozen=True)
class Errors:
    """Shapes and rates of the gamma distributions by which errors are reckoned, for each stratum.

    ``wrong`` and ``missed`` multiply what the model expects; ``lost`` is misses per link made without a number. A
    delivery that was tried is reckoned by ``lost`` (its ``missed`` is 0); any other by both, ``lost`` then being the
    misses that the model did not foresee.
    """

    wrong: tuple[Floats, Floats]
    missed: tuple[Floats, Floats]
    lost: tuple[Floats, Floats]


def errors(hidden: Hidden) -> Errors:
    """Learn from the hidden numbers how many links are missed and false.

    Few errors in a stratum are drawn towards its delivery, and that towards the whole city (gamma-Poisson shrinkage;
    Jeffreys' half for the city). Where nothing was tried at all the model is taken at its word, from half to twice.
    """
    n = len(hidden.source)
    none = (np.full(n, 1e-9), np.full(n, 1.0))
    if not hidden.tried.sum():
        wide = (np.full(n, 8.0), np.full(n, 8.0))
        return Errors(wide, wide, none)
    wrong = _shrunk(hidden.source, hidden.wrong, hidden.expected_wrong, 0.5)
    right = hidden.right.astype(np.float64)
    lost, blind = _shrunk(hidden.source, hidden.missed, right, 1.0), _shrunk(hidden.source, hidden.unforeseen, right, 1)
    ratio = _shrunk(hidden.source, hidden.missed - hidden.unforeseen, hidden.expected_missed, 0.5)
    tested = np.isin(hidden.source, hidden.source[hidden.tried > 0])

    def choose(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        return np.where(tested, a[0], b[0]), np.where(tested, a[1], b[1])

    return Errors(wrong, choose(none, ratio), choose(lost, blind))


def _shrunk(source: Ints, found: Ints, base: Floats, least: float) -> tuple[Floats, Floats]:
    """Gamma shape and rate of ``found / base`` of each stratum, drawn to its delivery, and that to the whole."""
    size = int(source.max(initial=-1)) + 1
    city = (found.sum() + 0.5) / (base.sum() + least)
    by_found = np.bincount(source, weights=found, minlength=size) + TRUST
    by_base = np.bincount(source, weights=base, minlength=size) + TRUST / city
    near = np.minimum(by_found / by_base, MOST)[source]
    return np.asarray(found + TRUST, dtype=np.float64), np.asarray(base + TRUST / near, dtype=np.float64)


@dataclass(frozen=True)
class Sums:
    """What is known of the records of some cells (group × stratum); all arrays (cells, strata).

    ``records, linked, unnumbered`` are counts (``unnumbered``: joined without an identity number's help); ``wrong,
    missed`` the model's expectations; ``parted`` misses to be expected through miswritten numbers; ``clump`` how many
    records of one person are missed together (mean, one or more).
    """

    records: Floats
    linked: Floats
    unnumbered: Floats
    wrong: Floats
    missed: Floats
    parted: Floats
    clump: Floats


def sums(
    cell: Ints, cells: int, stratum: Ints, strata: int, person: Ints, linked: Bools, unnumbered: Bools, wrong: Floats,
    missed: Floats, parted: Floats,
) -> Sums:  # fmt: skip
    """Add up records by cell and stratum.

    Parameters
    ----------
    cell, stratum, person : int arrays (records,)
        Group, stratum, and the person a record is counted with.
    cells, strata : int
        How many there are.
    linked, unnumbered : bool arrays (records,)
        Joined; joined without the help of an identity number.
    wrong, missed, parted : arrays (records,)
        Chances of a false link, of a missed link, and of being parted from its person by a miswritten number.
    """
    at = cell * strata + stratum
    size = cells * strata

    def total(values: npt.NDArray[np.generic] | None = None) -> Floats:
        found = np.bincount(at, weights=values, minlength=size).astype(np.float64)
        return found.reshape(cells, strata)

    chances = missed + wrong
    _, who = np.unique(person * cells + cell, return_inverse=True)
    whole = np.bincount(who, weights=chances)[who]
    with np.errstate(invalid="ignore", divide="ignore"):
        # a record's clump is the records of its person that may be in error with it, itself among them
        together = np.where(chances > 0, whole / np.maximum(chances, 1e-300), 1.0)
        clump = np.bincount(cell, weights=chances * np.minimum(together, 50.0), minlength=cells) / np.bincount(
            cell, weights=chances, minlength=cells
        )
    clump = np.where(np.isfinite(clump), np.maximum(clump, 1.0), 1.0)
    return Sums(
        total(), total(linked), total(unnumbered), total(np.where(linked, wrong, 0.0)),
        total(np.where(linked, 0.0, missed)), total(parted), np.repeat(clump[:, None], strata, axis=1),
    )  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """Estimates of some cells, one entry a cell; None where nothing can be said."""

    records: tuple[int, ...]
    linked: tuple[int, ...]
    link_rate: tuple[Estimate | None, ...]
    missed: tuple[Estimate, ...]
    wrong: tuple[Estimate, ...]
    missed_rate: tuple[Estimate | None, ...]
    false_rate: tuple[Estimate | None, ...]
    draws: tuple[Floats, Floats]
    """Draws of missed and of wrong links, arrays (draws, cells), for differences between cells."""


def rates(found: Sums, model: Errors, *, seed: int = 0, draws: int = DRAWS) -> Rates:
    """Estimate link rate, missed links and false links of each cell.

    The missed-link rate is the share of links that should have been made and were not; the false-link rate the share
    of links made that are false.
    """
    rng = np.random.default_rng(seed)

    def point(shape_rate: tuple[Floats, Floats]) -> Floats:
        out: Floats = shape_rate[0] / shape_rate[1]
        return out

    expected = found.missed * point(model.missed) + found.unnumbered * point(model.lost) + found.parted
    false = np.minimum(found.wrong * point(model.wrong), found.linked)
    missed_mean, false_mean = (np.zeros((draws, len(found.records))) for _ in range(2))
    for k in range(found.records.shape[1]):  # a loop over strata: they are few
        scale, lost, bad = (
            rng.gamma(shape[k], 1 / rate[k], draws)[:, None] for shape, rate in (model.missed, model.lost, model.wrong)
        )
        missed_mean += found.missed[:, k] * scale + found.unnumbered[:, k] * lost + found.parted[:, k]
        false_mean += found.wrong[:, k] * bad
    clump = found.clump[:, 0]
    # half an event more than expected (Jeffreys), so that where none is expected the interval does not close
    missed_draws = clump * rng.gamma(missed_mean / clump + 0.5)
    false_draws = np.minimum(clump * rng.gamma(false_mean / clump + 0.5), found.linked.sum(1))
    records, linked = found.records.sum(1), found.linked.sum(1)
    m, f = expected.sum(1), false.sum(1)
    return Rates(
        tuple(int(v) for v in records),
        tuple(int(v) for v in linked),
        _shares(linked, records, found.clump[:, 0]),
        tuple(_estimate(m[k], missed_draws[:, k]) for k in range(len(m))),
        tuple(_estimate(f[k], false_draws[:, k]) for k in range(len(m))),
        tuple(_of(m[k], missed_draws[:, k], linked[k] - f[k]) for k in range(len(m))),
        tuple(_part(f[k], false_draws[:, k], linked[k]) for k in range(len(m))),
        (missed_draws, false_draws),
    )


def _estimate(value: float, drawn: Floats) -> Estimate:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))


def _of(missed: float, drawn: Floats, right: float) -> Estimate | None:
    """Missed links as a share of all that should have been made."""
    if right + missed <= 0:
        return None
    whole = np.maximum(right + drawn, 1e-12)
    return _estimate(float(missed / (right + missed)), drawn / whole)


def _part(wrong: float, drawn: Floats, linked: float) -> Estimate | None:
    return _estimate(float(wrong / linked), drawn / linked) if linked else None


def _shares(linked: Floats, records: Floats, clump: Floats) -> tuple[Estimate | None, ...]:
    """Link rates with Wilson's (1927) interval; the records of one person count for less (design effect)."""
    low, high = wilson(linked / clump, records / clump)
    return tuple(
        Estimate(float(linked[k] / records[k]), float(low[k]), float(high[k])) if records[k] else None
        for k in range(len(records))
    )


def wilson(found: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Give the 95% score interval of the shares ``found / n``; from 0 to 1 where ``n`` is 0."""
    size = np.maximum(n, 1e-9)
    share, ratio = found / size, Z95**2 / size
    middle = (share + ratio / 2) / (1 + ratio)
    half = Z95 / (1 + ratio) * np.sqrt(share * (1 - share) / size + Z95**2 / (4 * size**2))
    low, high = np.clip(middle - half, 0.0, share), np.clip(middle + half, share, 1.0)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)


def gap(found: Rates, categories: Sequence[int]) -> Estimate | None:
    """Difference between the highest and the lowest missed-link rate of some cells, with interval from the draws."""
    some = [k for k in categories if found.missed_rate[k] is not None]
    if len(some) < 2:
        return None
    value = [e.value for k in some if (e := found.missed_rate[k]) is not None]
    best, worst = some[int(np.argmin(value))], some[int(np.argmax(value))]
    right = np.array([found.linked[k] - found.wrong[k].value for k in (worst, best)])
    drawn = found.draws[0][:, [worst, best]]
    share = drawn / np.maximum(right + drawn, 1e-12)
    low, high = np.quantile(share[:, 0] - share[:, 1], (0.025, 0.975))
    value_gap = max(value) - min(value)
    return Estimate(value_gap, float(min(low, value_gap)), float(max(high, value_gap)))
