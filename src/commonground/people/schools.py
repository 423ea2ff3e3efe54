"""Schools: the list of them from whatever names and codes the records hold, and which school a short name means."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.people.encode import distinct, integers, narrow

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
JUNIOR_FROM = 7
"""Grade with which junior secondary school begins (six years of primary school)."""


@dataclass(frozen=True)
class School:
    """A school as the records know it; ``shorts`` are the other names it was written with."""

    code: str
    name: str
    shorts: tuple[str, ...]
    county: str | None
    level: str | None
    urban_class: str | None


def _codes(table: pa.Table, concept: str) -> tuple[list[str], Ints]:
    if concept not in table.column_names:
        return [], np.full(table.num_rows, -1, dtype=np.int64)
    return distinct(table.column(concept))


def _tally(table: pa.Table, concept: str, into: dict[str, Counter[str]]) -> None:
    """Count which value of ``concept`` goes with which school code, over distinct pairs."""
    codes, a = _codes(table, "school_code")
    values, b = _codes(table, concept)
    if not codes or not values:
        return
    both = (a >= 0) & (b >= 0)
    packed, count = np.unique(a[both] * len(values) + b[both], return_counts=True)
    for pair, n in zip(packed.tolist(), count.tolist(), strict=True):
        into[codes[pair // len(values)]][values[pair % len(values)]] += n


def list_schools(tables: Iterable[pa.Table]) -> dict[str, School]:
    """Collect the schools: each code with its commonest name, county, level and urban class.

    A county said by the school's own record counts before the one where most of its pupils are registered.
    """
    tally: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    wanted = ("school_name", "county", "urban_class", "school_level", "hukou_area", "school_short")
    for table in tables:
        for concept in wanted:
            _tally(table, concept, tally[concept])
        _levels(table, tally["grades"])
    found = {}
    for code in sorted({c for by in tally.values() for c in by}):
        names = [n for n, _ in sorted(tally["school_name"][code].items(), key=lambda x: (-x[1], x[0]))]
        county = _top(tally["county"][code]) or _top(tally["hukou_area"][code])
        level = _top(tally["school_level"][code]) or _top(tally["grades"][code])
        shorts = tuple(sorted({*names[1:], *tally["school_short"][code]}))
        name = names[0] if names else code
        found[code] = School(code, name, shorts, county, level, _top(tally["urban_class"][code]))
    return found


def _top(counts: Counter[str]) -> str | None:
    return min(counts.items(), key=lambda x: (-x[1], x[0]))[0] if counts else None


def _levels(table: pa.Table, into: dict[str, Counter[str]]) -> None:
    codes, a = _codes(table, "school_code")
    grade = integers(table.column("grade"), table.num_rows) if "grade" in table.column_names else None
    if not codes or grade is None:
        return
    for junior, word in ((False, "primary"), (True, "junior")):
        use = (a >= 0) & (grade > 0) & ((grade >= JUNIOR_FROM) == junior)
        for i, n in enumerate(np.bincount(a[use], minlength=len(codes)).tolist()):
            if n:
                into[codes[i]][word] += n


def gaps(short: str, full: str) -> int | None:
    """How many pieces of ``full`` the letters of ``short`` come from, in order; None when they are not all there.

    "新一小" takes three pieces of 新塘区第一小学. Fewest pieces, found by trying each first place.
    """
    if not short:
        return None
    best: dict[int, int] = {-1: 0}  # last place used → pieces so far
    for letter in short:
        nxt: dict[int, int] = {}
        for last, pieces in best.items():
            at = full.find(letter, last + 1)
            while at >= 0:
                n = pieces if at == last + 1 and last >= 0 else pieces + 1
                if n < nxt.get(at, 99):
                    nxt[at] = n
                at = full.find(letter, at + 1)
        best = nxt
        if not best:
            return None
    return min(best.values())


POSSIBLE = 8
"""Schools that a name may stand for at most; a name that more could bear says nothing."""


def possible(short: str, county: str | None, schools: Mapping[str, School]) -> tuple[str, ...]:
    """Give the codes of the schools that ``short`` can mean.

    The whole name counts before a shortened one. Within a county those that fit best are left: fewer pieces before
    more, then the shorter full name. Across the city all that fit are left, since every county may have its 第一小学;
    the fewest pieces decide only where more than ``POSSIBLE`` fit, and then never for a single one.
    """
    text, found = narrow(short), list[tuple[tuple[int, int], str]]()
    for code, school in schools.items():
        if county is not None and school.county is not None and school.county != county:
            continue
        names = {narrow(school.name), *map(narrow, school.shorts)}
        if text in names:
            found.append(((0, 0), code))
            continue
        pieces = gaps(text, narrow(school.name))
        if pieces is not None:
            found.append(((pieces, len(school.name) if county is not None else 0), code))
    found.sort()
    best = tuple(code for fit, code in found if fit == found[0][0])
    if county is not None or not found or found[0][0] == (0, 0):
        return best
    if len(found) <= POSSIBLE:
        return tuple(code for _, code in found)
    return best if len(best) > 1 else ()


def resolve(short: str, county: str | None, schools: Mapping[str, School]) -> str | None:
    """Give the code of the one school that ``short`` can mean, or None when none or several can."""
    codes = possible(short, county, schools)
    return codes[0] if len(codes) == 1 else None


def meant_schools(table: pa.Table, schools: Mapping[str, School]) -> tuple[Ints, list[str]]:
    """Give the schools that each row can mean: the one whose code is written, else those whose names fit in its county.

    Returns
    -------
    int array (rows, POSSIBLE), list of str
        Places in the list of codes, -1 beyond; a name that more than ``POSSIBLE`` schools could bear means none.
    """
    codes, a = _codes(table, "school_code")
    place = {code: i for i, code in enumerate(dict.fromkeys([*codes, *schools]))}
    out = np.full((len(a), POSSIBLE), -1, dtype=np.int64)
    out[:, 0] = a
    counties, c = _codes(table, "county")
    for concept in ("school_short", "school_name"):
        names, b = _codes(table, concept)
        if not names:
            continue
        packed, inverse = np.unique((b + 1) * (len(counties) + 1) + c + 1, return_inverse=True)
        meant = np.full((len(packed), POSSIBLE), -1, dtype=np.int64)
        for i, pair in enumerate(packed.tolist()):
            name, county = pair // (len(counties) + 1) - 1, pair % (len(counties) + 1) - 1
            fits = possible(names[name], counties[county] if county >= 0 else None, schools) if name >= 0 else ()
            if len(fits) <= POSSIBLE:
                meant[i, : len(fits)] = [place[code] for code in fits]
        size, now = (meant >= 0).sum(axis=1)[inverse], (out >= 0).sum(axis=1)
        better = (size > 0) & ((now == 0) | (size < now))
        out[better] = meant[inverse[better]]
    return out, list(place)


def named_only(tables: Iterable[pa.Table], schools: Mapping[str, School]) -> dict[str, School]:
    """Give schools that no table knows by a code, by the names written: evidence of who is who, and no more.

    They are under their name with ``~`` before it, and never leave the linkage.
    """
    names: dict[str, None] = {}
    for table in tables:
        for concept in ("school_name", "school_short"):
            names |= dict.fromkeys(narrow(n) for n in _codes(table, concept)[0])
    new = [n for n in sorted(names) if n and not possible(n, None, schools)]
    return {f"~{n}": School(f"~{n}", n, (), None, None, None) for n in new}


def one_school(meant: tuple[Ints, list[str]]) -> list[str | None]:
    """Give each row's school code where ``meant_schools`` found one alone that has a code."""
    grid, codes = meant
    sure = (grid[:, 0] >= 0) & (grid[:, 1] < 0)
    known = [None if c.startswith("~") else c for c in codes]
    result: list[str | None] = np.array([*known, None], dtype=object)[np.where(sure, grid[:, 0], -1)].tolist()
    return result
