"""Changes inside a column that kept its name: codes, units, types, distributions."""

from __future__ import annotations

import fnmatch
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from commonground.errors import Said
from commonground.intake.checks.whole import binned, shift
from commonground.intake.contract import clean_name
from commonground.intake.convert import plain, to_number
from commonground.intake.drift.model import Finding, Patch
from commonground.intake.drift.similar import Column, Link, ks
from commonground.intake.model import ColumnRule, Values
from commonground.intake.units import factor, known_units

LEAST = 30
_ENOUGH = 200
_MOST_CODES = 80
_UNSURE = 0.7
"""Bound of the confidence in codes of which two would mean the same: for a person to decide."""


@dataclass(frozen=True)
class Pairing:
    """One column before and now, with the contract's rule for it.

    ``delivery`` is the new one's folder, ``threshold`` the smallest count that is told.
    """

    rule: ColumnRule
    old: Column
    new: Column
    link: Link | None
    delivery: str
    threshold: int
    before: str = ""
    file: str = ""

    @property
    def read_now(self) -> Values:
        """How the contract reads the column in the new delivery."""
        return values_in(self.rule, self.delivery, self.file)

    @property
    def read_before(self) -> Values:
        """How the contract reads the column in the old delivery."""
        return values_in(self.rule, self.before)


def values_in(rule: ColumnRule, delivery: str, file: str = "") -> Values:
    """Give a column's codes and unit in a delivery or a file: those of the last override that names no more."""
    out, here = rule.values, {"@delivery": delivery} | ({"@file": file} if file else {})
    for where in rule.where:
        if where.when.keys() <= here.keys() and all(
            fnmatch.fnmatchcase(here[k], glob) for k, glob in where.when.items()
        ):
            out = where.values
    return out


def changes(pair: Pairing) -> Iterator[Finding]:
    """Give what has changed in a column; a column with other codes or another unit is not told for its distribution."""
    concept = pair.rule.concept
    if concept is None or not pair.old.filled or not pair.new.filled:
        return
    found = [f for f in (_codes(pair), _unit(pair), _type(pair)) if f is not None]
    yield from found
    if not found and pair.read_now == pair.read_before:
        moved = _distribution(pair)
        if moved is not None:
            yield moved


def _accepted(pair: Pairing, text: str, values: Values) -> str | None:
    """Give the canonical code that the contract takes a text for; "" for one that stands for no value."""
    concept = pair.rule.concept
    key = clean_name(text)
    if key in values.missing:
        return ""
    if values.codes is not None:
        return values.codes.get(key)
    assert concept is not None
    return concept.codes.canonical(plain(text)) if concept.codes is not None else None


def _crossed(pair: Pairing) -> dict[int, Counter[str]]:
    """Count the old canonical codes of the same persons by their new text."""
    out: dict[int, Counter[str]] = {}
    if pair.link is None:
        return out
    canonical = [_accepted(pair, value, pair.read_before) for value in pair.old.values]
    old, new = pair.old.codes[pair.link.old].tolist(), pair.new.codes[pair.link.new].tolist()
    for a, b in zip(old, new, strict=True):
        if a >= 0 and b >= 0 and (code := canonical[a]):
            out.setdefault(b, Counter())[code] += 1
    return out


def _codes(pair: Pairing) -> Finding | None:
    concept = pair.rule.concept
    coded = concept is not None and (concept.codes is not None or concept.type == "boolean" or pair.rule.values.codes)
    if concept is None or not coded or len(pair.new.values) > _MOST_CODES:
        return None
    taken = [_accepted(pair, value, pair.read_now) for value in pair.new.values]
    before = set(pair.old.values)  # what the contract did not know before either is no change
    strange = [i for i, code in enumerate(taken) if code is None and pair.new.values[i] not in before]
    strange = [i for i in strange if pair.new.counts[i]]
    crossed = _crossed(pair)
    proposed: dict[str, str] = {}
    shares: list[float] = []
    for i in strange or _exchanged(pair, taken, crossed):
        code, share = _meaning(pair, i, crossed)
        if code:
            proposed[clean_name(pair.new.values[i])] = code
            shares.append(share)
    if not strange and not proposed:
        return None
    if strange and _doubtful(pair, taken, proposed):
        shares.append(_UNSURE)
    n = int(sum(pair.new.counts[i] for i in strange))
    kind = "recoded" if not strange or n > pair.new.filled / 2 else "codes"
    confidence = min(shares) if len(proposed) == len(strange) or not strange else 0.5 * min(shares, default=0.0)
    codes = {clean_name(v): c for v, c in zip(pair.new.values, taken, strict=True) if c} | dict(
        pair.read_now.codes or {}
    )
    patch = (
        Patch("add_where", pair.rule.source, {"when": {"@delivery": pair.delivery}, "codes": codes | proposed})
        if proposed
        else None
    )
    return Finding(
        kind,
        pair.old.name,
        pair.new.name,
        confidence,
        _told_codes(pair, strange, n),
        _decide_codes(pair, strange, proposed),
        patch=patch,
    )


def _doubtful(pair: Pairing, taken: list[str | None], proposed: dict[str, str]) -> bool:
    """Whether a text would be one code with a more frequent one, though the concept's own words do not say so.

    Where most people have one code, whatever stands in a shifted row seems to mean that one.
    """
    concept = pair.rule.concept
    assert concept is not None
    counts = dict(zip(map(clean_name, pair.new.values), pair.new.counts.tolist(), strict=True))
    read = {clean_name(v): c for v, c in zip(pair.new.values, taken, strict=True) if c}
    meant = {t: c for t, c in (read | proposed).items() if counts.get(t)}
    for text, code in proposed.items():
        own = concept.codes is not None and concept.codes.canonical(plain(text)) == code
        if not own and any(c == code and t != text and counts[t] >= counts[text] for t, c in meant.items()):
            return True
    return False


def _exchanged(pair: Pairing, taken: list[str | None], crossed: dict[int, Counter[str]]) -> list[int]:
    """Give known codes that stand for another code than before in the same persons: at least two that change places."""
    out = []
    for i, counted in crossed.items():
        most, n = counted.most_common(1)[0]
        if counted.total() >= LEAST and taken[i] and most != taken[i] and n / counted.total() > 0.8:
            out.append(i)
    moved = {taken[i]: crossed[i].most_common(1)[0][0] for i in out}
    return (
        out
        if len(out) >= 2
        and set(moved) == set(moved.values())
        and pair.rule.concept is not None
        and pair.rule.concept.type == "code"
        else []
    )


def _meaning(pair: Pairing, i: int, crossed: dict[int, Counter[str]]) -> tuple[str, float]:
    """Give what a new code means, and the share of the same persons' records that say so."""
    counted = crossed.get(i, Counter())
    if counted.total() >= 10:
        code, n = counted.most_common(1)[0]
        # one disagreement more than was seen: ten of ten is not certainty
        return (code, n / (counted.total() + 1)) if n / counted.total() > 0.8 else ("", 0.0)
    concept = pair.rule.concept
    named = (
        concept.codes.canonical(plain(pair.new.values[i]))
        if concept is not None and concept.codes is not None
        else None
    )
    return (named, 0.9) if named else ("", 0.0)


def _told_codes(pair: Pairing, strange: list[int], n: int) -> Said:
    """Say which codes are new; a text met fewer times than the threshold may be anything and is not shown."""
    shown = [
        pair.new.values[i] for i in strange if pair.new.counts[i] >= pair.threshold and len(pair.new.values[i]) <= 12
    ]
    few = len(strange) - len(shown)
    names = "、".join(shown[:10]), ", ".join(shown[:10])
    rare = (f"，另有 {few} 种少见写法", f", and {few} rare texts") if few else ("", "")
    linked = len(pair.link) if pair.link is not None else 0
    if not strange:
        return Said(f"同一批人（{linked}）的代码互换了", f"the same persons ({linked}) have each other's codes")
    return Said(
        f"{pair.new.filled} 个值中 {n} 个不在约定的代码里：{names[0]}{rare[0]}；对照同一批人 {linked} 行",
        f"{n} of {pair.new.filled} values are no code of the contract: {names[1]}{rare[1]};"
        f" {linked} rows of the same persons compared",
    )


def _decide_codes(pair: Pairing, strange: list[int], proposed: dict[str, str]) -> Said:
    missing = max(len(strange) - len(proposed), 0)
    if missing:
        return Said(
            f"还有 {missing} 种写法要问部门是什么意思。", f"Ask the department what {missing} of the texts mean."
        )
    return Said("核对代码的含义后采用。", "Check what the codes mean, then apply.")


def _numbers(column: Column) -> np.ndarray[Any, Any]:
    values = [to_number(v) for v in column.values]
    return np.array([math.nan if v is None else v for v in values], float)


def ratio(pair: Pairing) -> tuple[float, int]:
    """Give what numbers are multiplied by now, and on how many values that rests: the same persons', or medians."""
    old, new = _numbers(pair.old), _numbers(pair.new)
    if pair.link is not None:
        a, b = pair.old.codes[pair.link.old], pair.new.codes[pair.link.new]
        both = (a >= 0) & (b >= 0)
        x, y = old[a[both]], new[b[both]]
        good = (x > 0) & (y > 0)
        if good.sum() >= LEAST:
            return float(np.median(y[good] / x[good])), int(good.sum())
    x, y = np.repeat(old, pair.old.counts), np.repeat(new, pair.new.counts)
    x, y = x[x > 0], y[y > 0]
    if min(len(x), len(y)) < LEAST:
        return math.nan, 0
    return float(np.median(y) / np.median(x)), min(len(x), len(y))


def _unit(pair: Pairing) -> Finding | None:
    concept = pair.rule.concept
    if concept is None or not concept.unit or min(pair.old.numbers[2], pair.new.numbers[2]) < 0.8:
        return None
    before, told = (values.unit or concept.unit for values in (pair.read_before, pair.read_now))
    base, declared = factor(before, concept.unit), factor(told, concept.unit)
    times, n = ratio(pair)
    if base is None or declared is None or not n or abs(times * declared / base - 1) < 0.2:
        return None  # as the contract reads it, nothing has changed
    for unit in known_units():
        other = factor(unit, concept.unit)
        if other is None or unit.startswith("mark/") or abs(other / base - 1) < 0.2:
            continue
        wanted = base / other
        if abs(times / wanted - 1) > 0.15 or ks(pair.old, pair.new, wanted) > 0.25:
            continue
        confidence = min(0.99, 1 - abs(times / wanted - 1)) * (1 - 0.3 * ks(pair.old, pair.new, wanted))
        return Finding(
            "unit",
            f"{pair.old.name} ({before})",
            f"{pair.new.name} ({unit})",
            confidence,
            Said(
                f"数值约为上次的 {times:.3g} 倍（{n} 个值），换算成{unit}后分布与上次相符",
                f"about {times:.3g} times the numbers before ({n} values); as {unit} they are distributed as before",
            ),
            Said("问部门是否改用了这个单位。", "Ask the department whether it has changed to this unit."),
            patch=Patch("add_where", pair.rule.source, {"when": {"@delivery": pair.delivery}, "unit": unit}),
        )
    return None


def _taken(pair: Pairing, column: Column) -> float:
    """Share of a column's values that are of the concept's type, as far as that can be seen without reading them."""
    concept, values = pair.rule.concept, pair.rule.values
    if concept is None or concept.type not in ("number", "integer", "date", "month"):
        return 1.0
    good = 0
    for i in column.often:
        key = clean_name(column.values[i])
        known = key in values.missing or key in (values.codes or {}) or any(c.isnumeric() for c in key)
        number = concept.type in ("date", "month") or to_number(column.values[i]) is not None or not key.isascii()
        good += int(column.counts[i]) if known and number else 0
    return good / max(int(column.counts[column.often].sum()), 1)


def _type(pair: Pairing) -> Finding | None:
    """Tell values of another type, where the contract does not take them all the same."""
    before, now = _taken(pair, pair.old), _taken(pair, pair.new)
    if min(pair.old.filled, pair.new.filled) < LEAST or before < 0.9 or now > 0.5:
        return None
    return Finding(
        "type",
        pair.old.name,
        pair.new.name,
        0.95,
        Said(f"类型相符的值从 {before:.0%} 变为 {now:.0%}", f"values of the type: {before:.0%} before, {now:.0%} now"),
        Said("看这一列装的是不是别的内容。", "See whether the column holds something else now."),
    )


def _by_code(pair: Pairing, column: Column, values: Values) -> Counter[str]:
    """Count a column by what the contract takes its texts for: 男 and 1 are one code however they are written."""
    out: Counter[str] = Counter()
    for text, n in zip(column.values, column.counts.tolist(), strict=True):
        out[_accepted(pair, text, values) or text] += int(n)
    return out


def _distribution(pair: Pairing) -> Finding | None:
    """Tell a shift beyond the usual 0.25 of the stability index, on at least 200 values each."""
    n, m = pair.old.filled, pair.new.filled
    concept = pair.rule.concept
    if min(n, m) < _ENOUGH or concept is None:
        return None
    if concept.type in ("number", "integer") and min(pair.old.numbers[2], pair.new.numbers[2]) > 0.8:
        tables = [
            dict(zip(c.numbers[0].tolist(), c.numbers[1].astype(int).tolist(), strict=True))
            for c in (pair.old, pair.new)
        ]
        moved, index = shift(*binned(tables[0], tables[1]))
        extra = f"，KS = {ks(pair.old, pair.new):.2f}", f", KS = {ks(pair.old, pair.new):.2f}"
    elif concept.type in ("code", "boolean") and max(len(pair.old.values), len(pair.new.values)) <= _MOST_CODES:
        before, now = _by_code(pair, pair.old, pair.read_before), _by_code(pair, pair.new, pair.read_now)
        keys = sorted(before.keys() | now.keys())
        moved, index = shift([before[k] for k in keys], [now[k] for k in keys])
        extra = "", ""
    else:
        return None
    if index < 0.25:
        return None
    return Finding(
        "distribution",
        pair.old.name,
        pair.new.name,
        min(0.99, moved + 0.5),
        Said(f"PSI = {index:.2f}{extra[0]}（n = {n}、{m}）", f"PSI = {index:.2f}{extra[1]} (n = {n} and {m})"),
        Said("问部门口径是否变了。", "Ask whether the coverage or rule has changed."),
    )
