"""Why two records were linked or not, as a table that a clerk can follow: the waterfall of weights.

Each line is a field: on what level the two agree, what that says in bits, and the sum so far. One bit doubles the odds.
The lines hold no names or numbers, but the levels of one pair are about persons: a table leaves the vault only for a
role that may export links.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commonground.errors import Said
from commonground.people.pairs import Weighed


@dataclass(frozen=True)
class Step:
    """One line: what was looked at, what was found, the bits for (or against), and the sum so far."""

    what: Said
    found: Said
    bits: float
    sum: float


def signed(bits: float) -> str:
    """Write bits with their sign and one decimal; nothing for or against is a plain 0.0."""
    text = f"{bits:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


@dataclass(frozen=True)
class Waterfall:
    """The weight of one pair, step by step; the last sum is the pair's weight."""

    steps: tuple[Step, ...]

    @property
    def weight(self) -> float:
        """Log2 of the odds that the two records are one person."""
        return self.steps[-1].sum

    @property
    def probability(self) -> float:
        """Chance that the two records are one person, other candidates left aside."""
        return 1.0 / (1.0 + math.pow(2.0, -max(min(self.weight, 1000.0), -1000.0)))

    def table(self, lang: str) -> list[tuple[str, str, str, str]]:
        """Give the lines as texts, with a head, in ``lang`` ("zh" or "en")."""
        head = (
            ("项目", "一致程度", "权重（比特）", "累计")
            if lang == "zh"
            else ("field", "agreement", "weight (bits)", "sum")
        )
        return [head, *((s.what(lang), s.found(lang), signed(s.bits), signed(s.sum)) for s in self.steps)]

    def sentence(self, lang: str) -> str:
        """Say what the sum means."""
        share = self.probability
        percent = ">99.9%" if share > 0.9995 else "<0.1%" if share < 0.0005 else f"{100 * share:.1f}%"
        if lang == "zh":
            return f"累计 {signed(self.weight)} 比特：两条记录属于同一人的概率为 {percent}（未计其他候选）。"
        bits = signed(self.weight)
        return f"{bits} bits in all: {percent} that the two are one person (other candidates left aside)."

    def to_dict(self) -> dict[str, Any]:
        """Give the steps as plain values."""
        steps = [
            {"what": {"zh": s.what.zh, "en": s.what.en}, "found": {"zh": s.found.zh, "en": s.found.en},
             "bits": s.bits, "sum": s.sum}
            for s in self.steps
        ]  # fmt: skip
        return {"steps": steps, "weight": self.weight, "probability": self.probability}


def running(start: float, rows: Iterable[tuple[Said, Said, float]]) -> Waterfall:
    """Add weights up, one line after the other.

    Parameters
    ----------
    start : float
        Bits before anything is compared.
    rows : iterable of (what, found, bits)
        What was looked at, what was found, and its weight.
    """
    steps = [Step(Said("比较之前", "before comparing"), Said("随意两条记录", "any two records"), start, start)]
    for what, found, bits in rows:
        steps.append(Step(what, found, bits, steps[-1].sum + bits))
    return Waterfall(tuple(steps))


def waterfall(found: Weighed, pair: int) -> Waterfall:
    """Explain the weight of one pair of a linkage.

    Parameters
    ----------
    found : Weighed
        From ``weigh_tables``.
    pair : int
        Place of the pair in ``found.a`` and ``found.b``.
    """
    rows: list[tuple[Said, Said, float]] = []
    for k, f in enumerate(found.fields):
        level = int(found.levels[pair, k])
        bits, rare = float(found.bits(k)[level]), float(found.rarity[pair, k])
        shown = abs(rare) >= 0.05
        rows.append((Said(f.name, f.name), f.word(level), bits if shown else bits + rare))
        if shown:
            said = Said("少见", "rare") if rare > 0 else Said("常见", "common")
            rows.append((Said(f"{f.name}：取值", f"{f.name}: the value"), said, rare))
    relatives = Said("亲属也会这样一致", "relatives agree like this too")
    rows.append((Said("亲属", "relatives"), relatives, float(found.kinship[pair])))
    return running(found.prior_bits, rows)
