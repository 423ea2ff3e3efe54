"""On what level two rows agree, as SQL over their integer columns; the same levels as the exact comparisons give.

``l`` and ``r`` are the aliases of the two rows; a missing value is -1 on the left and -2 on the right, never equal.
Every expression is made of integers alone. ``ask`` is the level for a pair that these integers cannot judge.
"""

from __future__ import annotations

from commonground.engine.dialect import Dialect
from commonground.people.core.namecodes import BITS, LANE, LANES
from commonground.people.core.numbercodes import PARTIAL


def _and(a: str, b: str) -> str:
    return f"({a} & {b})"


def _or(a: str, b: str) -> str:
    return f"({a} | {b})"


def _up(a: str, bits: int) -> str:
    return f"({a} << {bits})"


def _down(a: str, bits: int) -> str:
    return f"({a} >> {bits})"


NEW_YEAR = 0x0101
NIBBLES = 0x1111111111111111 >> 4
"""The low bit of each figure; a number has fifteen at most."""


def name_level(d: Dialect, p: str, ask: int) -> str:
    """Names: 7 the same characters … 1 nothing in common, as ``nametable.compare_names`` says them.

    Parameters
    ----------
    d : Dialect
        Of the engine.
    p : str
        Prefix of the field's columns.
    ask : int
        Level of a pair that must be asked about.
    """
    l, r = f"l.{p}", f"r.{p}"  # noqa: E741
    x = d.xor(f"{l}lanes", f"{r}lanes")
    differ = " + ".join(f"CASE WHEN {_and(x, str(m))} = 0 THEN 0 ELSE 1 END" for m in LANE)
    longer_than_two = f"{_and(_or(f'{l}lanes', f'{r}lanes'), str(LANE[2]))} <> 0"
    dropped = " OR ".join(
        f"{short}lanes = {way}" for short, long in ((l, r), (r, l)) for way in _without_one(f"{long}lanes")
    )
    given = LANE[1] | LANE[2] | LANE[3]
    return f"""CASE
      WHEN {l}key < 0 OR {r}key < 0 THEN 0
      WHEN {l}key = {r}key THEN 7
      WHEN {l}sound = {r}sound THEN 6
      WHEN {l}shape < 0 OR {r}shape < 0 THEN {ask}
      WHEN {l}fold = {r}fold THEN 5
      WHEN {longer_than_two} AND ({differ}) = 1 THEN 4
      WHEN {longer_than_two} AND {l}shape = {r}shape THEN {ask}
      WHEN {longer_than_two} AND ({dropped}) THEN 4
      WHEN {_and(x, str(given))} = 0 AND {_and(f"{l}lanes", str(LANE[2]))} <> 0 THEN 3
      WHEN {_and(x, str(LANE[0]))} = 0 THEN 2
      ELSE 1 END"""


def _without_one(lanes: str) -> list[str]:
    """Lanes with the first, second or third taken out and the rest moved up; the last is told by ``differ``."""
    out = []
    for k in range(LANES - 1):
        kept, moved = sum(LANE[:k]), sum(LANE[k + 1 :])
        rest = _up(_and(lanes, str(moved)), BITS)
        out.append(_or(_and(lanes, str(kept)), rest) if kept else rest)
    return out


def birth_level(d: Dialect, p: str, number: str | None) -> str:
    """Dates: 9 the same day … 1 nothing in common, as ``births.compare_births`` says of whole dates.

    ``number`` is the prefix of the identity number's columns: the date inside counts as a second one, which only can
    be the same day.
    """
    l, r = f"l.{p}", f"r.{p}"  # noqa: E741
    x = d.xor(f"{l}figures", f"{r}figures")
    later = f"({r}day - {l}day)"
    calendar = " OR ".join(
        f"{_and(f'{a}calendar', '255')} = {gap} OR {_down(f'{a}calendar', 8)} = {gap}"
        for a, gap in ((l, later), (r, f"({l}day - {r}day)"))
    )
    same_year = f"{_down(x, 16)} = 0"
    months = [_and(_down(f"{a}figures", 8), "255") for a in (l, r)]
    dates = [_and(f"{a}figures", "255") for a in (l, r)]
    turned = f"{same_year} AND {months[0]} = {dates[1]} AND {dates[0]} = {months[1]}"
    neighbour = f"abs({l}year - {r}year) = 1 AND {_and(x, '65535')} = 0"
    new_year = " OR ".join(f"{_and(f'{a}figures', '65535')} = {NEW_YEAR}" for a in (l, r))
    second = ""
    if number:
        in_l, in_r = f"l.{number}day", f"r.{number}day"
        second = "".join(f"WHEN {a} = {b} THEN 9\n" for a, b in ((f"{l}day", in_r), (in_l, f"{r}day"), (in_l, in_r)))
    return f"""CASE
      WHEN {l}day = {r}day THEN 9
      {second}WHEN {l}figures = 0 OR {r}figures = 0 THEN 0
      WHEN {calendar} THEN 7
      WHEN {turned} THEN 6
      WHEN {figures_apart(d, x)} = 1 OR ({neighbour}) THEN 5
      WHEN {same_year} AND ({new_year}) THEN 4
      WHEN abs({later}) <= 31 THEN 3
      WHEN {same_year} THEN 2
      ELSE 1 END"""


def figures_apart(d: Dialect, x: str) -> str:
    """How many groups of four bits are not zero."""
    folded = _or(x, _down(x, 1))
    folded = _or(folded, _down(folded, 2))
    return d.bit_count(_and(folded, str(NIBBLES)))


def number_level(d: Dialect, p: str, ask: int) -> str:
    """Identity numbers: 5 the same valid one … 1 different valid ones, as ``numbers`` says them."""
    l, r = f"l.{p}", f"r.{p}"  # noqa: E741
    apart = " + ".join(figures_apart(d, d.xor(f"{l}{c}", f"{r}{c}")) for c in ("high", "low"))
    return f"""CASE
      WHEN {l}high IN (-1, -2) OR {r}high IN (-1, -2) THEN 0
      WHEN {l}valid >= 0 AND {r}valid >= 0 THEN CASE WHEN {l}valid = {r}valid THEN 5 ELSE 1 END
      WHEN {l}high = {PARTIAL} OR {r}high = {PARTIAL} THEN {ask}
      WHEN {apart} <= 1 THEN 4
      WHEN {apart} = 2 THEN {ask}
      ELSE 1 END"""


def nested_level(d: Dialect, p: str, columns: list[tuple[int, str]], second: str = "") -> str:
    """Codes that lie within each other: the highest level whose column is equal, else 1; 0 where one is missing.

    ``second`` is a condition that, where no column is equal or one is missing, still gives the lowest level above 1.
    """
    whole = columns[0][1]
    whens = [f"WHEN l.{p}{c} = r.{p}{c} THEN {level}" for level, c in columns]
    if second:
        whens.append(f"WHEN {second} THEN {columns[-1][0]}")
    missing = f"WHEN l.{p}{whole} < 0 OR r.{p}{whole} < 0 THEN 0"
    return " ".join(["CASE", *whens, missing, "ELSE 1 END"])


def same_level(p: str, top: int, otherwise: int) -> str:
    """Values that are the same or not; ``otherwise`` may be the level for a pair that must be asked about."""
    l, r = f"l.{p}key", f"r.{p}key"  # noqa: E741
    return f"CASE WHEN {l} < 0 OR {r} < 0 THEN 0 WHEN {l} = {r} THEN {top} ELSE {otherwise} END"
