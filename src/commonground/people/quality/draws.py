"""Links as probabilities for studies: other persons that a record may belong to, and draws among them.

Taking the likeliest link as certain forgets that it may be wrong and that a record left alone may belong somewhere. A
study that runs on several draws of the uncertain links and combines its results by Rubin's rules carries the linkage
error into its intervals: prior-informed imputation (Goldstein, Harron and Wade 2012, Stat. Med. 31:3481; Harron and
others 2014, BMC Med. Res. Methodol. 14:36). Rows hold pseudonyms and row numbers alone, no name and no identity number;
they are data about persons all the same and stay inside the city.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.quality.estimate import Estimate

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import City

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
LEAST = 0.001
"""A person less probable than this is not offered."""


@dataclass(frozen=True)
class Candidates:
    """Persons that records may belong to.

    Attributes
    ----------
    record, person : int arrays (n,)
        Record, and person that it may belong to.
    probability : array (n,)
        The probabilities of one record add up to one at most; what is missing is the chance of belonging to nobody
        known, a person of its own.
    chosen : bool array (n,)
        The link that was made.
    """

    record: Ints
    person: Ints
    probability: Floats
    chosen: Bools


def candidates(record: Ints, person: Ints, probability: Floats, chosen: Bools) -> Candidates:
    """Put the pairs of each record together: each person once, those hardly possible left out, sums at most one."""
    order = np.lexsort((~chosen, person, record))
    record, person, probability, chosen = record[order], person[order], probability[order], chosen[order]
    first = np.ones(len(record), dtype=bool)
    first[1:] = (np.diff(record) != 0) | (np.diff(person) != 0)
    group = np.cumsum(first) - 1
    best = np.zeros(int(first.sum()))
    np.maximum.at(best, group, probability)
    record, person, chosen = record[first], person[first], chosen[first]
    keep = (best >= LEAST) | chosen
    record, person, best, chosen = record[keep], person[keep], best[keep], chosen[keep]
    values, inverse = np.unique(record, return_inverse=True)
    total = np.bincount(inverse, weights=best, minlength=len(values))
    # a link made early left the field before its rivals competed again; together they can be no more than certain
    return Candidates(record, person, best / np.maximum(total, 1.0)[inverse], chosen)


def draw(found: Candidates, n: int, seed: int = 0) -> tuple[Ints, Ints]:
    """Draw ``n`` times a person for each record; -1 for nobody known.

    Returns
    -------
    record : int array (records,)
        Records in order.
    person : int array (n, records)
        Person drawn.
    """
    rng = np.random.default_rng(seed)
    records, start, inverse = np.unique(found.record, return_index=True, return_inverse=True)
    if not len(records):
        return records, np.zeros((n, 0), dtype=np.int64)
    running = np.cumsum(found.probability)
    before = np.concatenate([[0.0], running])[start]
    upper = running - before[inverse]
    out = np.full((n, len(records)), -1, dtype=np.int64)
    for k in range(n):
        u = rng.random(len(records))
        hit = np.flatnonzero(upper > u[inverse])[::-1]  # written backwards, the first that reaches u stays
        out[k, inverse[hit]] = found.person[hit]
    return records, out


def combine(estimates: npt.ArrayLike, variances: npt.ArrayLike) -> Estimate:
    """Combine the estimates of several draws by Rubin's rules (1987), with Student's interval of their freedom.

    Parameters
    ----------
    estimates, variances : array-like (draws,)
        Of the same quantity, one a draw; two draws at least.
    """
    from scipy.stats import t

    q, within = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    m, mean, inside, between = len(q), float(q.mean()), float(within.mean()), float(q.var(ddof=1))
    total = inside + (1 + 1 / m) * between
    excess = (1 + 1 / m) * between
    freedom = (m - 1) * (1 + inside / excess) ** 2 if excess > 0 else np.inf
    half = float(t.ppf(0.975, freedom)) * float(np.sqrt(total))
    return Estimate(mean, mean - half, mean + half)


def candidate_links(city: City, version: int | None = None) -> pa.Table:
    """Give for every record whose person is in doubt the persons that it may belong to, under pseudonyms.

    Parameters
    ----------
    city : City
        Built. Only who may build or study may ask; the table stays inside the city.
    version : int, optional
        Of the database; by default the current one.

    Returns
    -------
    pa.Table
        ``record_id`` (as in the version's ``records/…``), ``person_id`` (pseudonym), ``probability``, ``chosen``. The
        probabilities of one record add up to one at most; the rest is the chance that it is a person of its own.
        Records whose link is certain (less than one in a thousand in doubt) are left out.

    Raises
    ------
    StorageError
        The vault has no pairs of this version.
    """
    import pyarrow as pa

    found, names = _load(city, version)
    return pa.table(
        {
            "record_id": pa.array(found.record),
            "person_id": pa.DictionaryArray.from_arrays(pa.array(found.person), pa.array(names, pa.string())),
            "probability": pa.array(found.probability),
            "chosen": pa.array(found.chosen),
        }
    )


def draws(city: City, n: int, seed: int = 0, version: int | None = None) -> pa.Table:
    """Draw ``n`` times who the records in doubt belong to; the same seed gives the same draws.

    Returns
    -------
    pa.Table
        ``draw`` (from 0), ``record_id``, ``person_id`` (null: a person of its own). Records that are not in it keep
        their person in every draw. Combine what each draw gives by ``combine``.
    """
    import pyarrow as pa

    found, names = _load(city, version)
    record, person = draw(found, n, seed)
    flat = person.ravel()
    return pa.table(
        {
            "draw": pa.array(np.repeat(np.arange(n, dtype=np.int64), len(record))),
            "record_id": pa.array(np.tile(record, n)),
            "person_id": pa.DictionaryArray.from_arrays(
                pa.array(np.maximum(flat, 0), mask=flat < 0), pa.array(names, pa.string())
            ),
        }
    )


def _load(city: City, version: int | None) -> tuple[Candidates, list[str]]:
    """Read the pairs of a version with the pseudonyms of the persons on their right."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from commonground.city import Version
    from commonground.governance.vault import Vault
    from commonground.people.encode import distinct

    current = city.require_current()
    made = current if version in (None, current.number) else Version(
        int(version or 0), city.warehouse / "versions" / str(version)
    )  # fmt: skip
    pairs = Vault(city).read_table(
        f"pairs/{made.number}", columns=["left_record", "right_record", "probability", "chosen"]
    )
    left, right = (pairs.column(c).to_numpy() for c in ("left_record", "right_record"))
    chosen = pairs.column("chosen").to_numpy(zero_copy_only=False).astype(bool)
    known = np.full(1 + int(max(left.max(initial=-1), right.max(initial=-1))), -1, dtype=np.int64)
    names: list[str] = []
    index: dict[str, int] = {}
    for name in made.tables():
        if not name.startswith("records/") or "person_id" not in pq.read_schema(made.table(name)).names:
            continue
        table = pq.read_table(made.table(name), columns=["record_id", "person_id"])
        table = table.filter(pc.less(table.column("record_id"), len(known)))
        values, at = distinct(table.column("person_id"))
        numbers = np.array([index.setdefault(v, len(index)) for v in values] + [-1], dtype=np.int64)
        known[table.column("record_id").to_numpy()] = numbers[at]
    names = list(index)
    person = known[right] if len(right) else right
    apart = chosen | (known[left] != person) if len(left) else chosen
    use = np.flatnonzero((person >= 0) & apart)
    found = candidates(left[use], person[use], pairs.column("probability").to_numpy()[use], chosen[use])
    doubt = np.bincount(found.record, weights=found.probability * found.chosen, minlength=len(known)) < 1 - LEAST
    keep = doubt[found.record] & (np.bincount(found.record, minlength=len(known))[found.record] > 0)
    return Candidates(found.record[keep], found.person[keep], found.probability[keep], found.chosen[keep]), names
