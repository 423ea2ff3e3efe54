"""How scripts/make_areas finds what each area code ended in."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from dataclasses import dataclass

from commonground.intake.areas import Period

WINDOW = 20  # months: lists of two offices name a successor and drop its predecessor within this
PLACEHOLDERS = ("市辖区", "县", "直辖")
BORN = {"46": "44", "50": "51"}  # provinces made of others since 1980: Hainan of Guangdong, Chongqing of Sichuan
SUFFIX = re.compile(r"(自治县|自治旗|自治州|地区|林区|矿区|特区|左旗|新区|县|市|区|旗|盟)$")
GENERIC = {"郊", "城", "市中", "新华", "城关", "市郊", "东", "西", "南", "北", "和平", "桥东", "桥西"}  # in many cities
NO_COUNTIES = {"441900", "442000", "460400", "620200"}  # cities that have no county below them


@dataclass(frozen=True)
class Change:
    """What a period ended in."""

    month: int
    old: Period
    new: Period
    source: str


def shown(months: int) -> str:
    """Months since year 0 → ``2019-04``; 0 → ""."""
    return f"{months // 12:04d}-{months % 12 + 1:02d}" if months else ""


def level(code: str) -> str:
    """Rank of a code by its digits."""
    return "province" if code.endswith("0000") else "prefecture" if code.endswith("00") else "county"


@functools.cache
def stem(name: str, peoples: tuple[str, ...]) -> str:
    """A place's own name, without its rank and peoples: 道真仡佬族苗族自治县 → 道真."""
    short = SUFFIX.sub("", name) if len(name) > 2 else name[:1]
    if name.endswith(("自治县", "自治旗", "自治州")):
        changed = True
        while changed:
            changed = False
            for people in peoples:
                if short.endswith(people) and len(short) - len(people) >= 2:
                    short, changed = short.removesuffix(people), True
    return short


class Matcher:
    """Finds what each period ended in."""

    def __init__(self, all_periods: list[Period], events: list[dict[str, object]], peoples: tuple[str, ...]) -> None:
        self.periods = [p for p in all_periods if not p.name.startswith(PLACEHOLDERS[0]) and p.name != "县"]
        self.peoples = peoples
        self.by_code: dict[str, list[Period]] = defaultdict(list)
        for period in self.periods:
            self.by_code[period.code].append(period)
        self.told: dict[str, list[dict[str, object]]] = defaultdict(list)
        for event in events:
            old = (event["old"] or {}).get("code")  # type: ignore[attr-defined]
            if old and (event["new"] or {}).get("code"):  # type: ignore[attr-defined]
                self.told[old[:6]].append(event)
        self.province: dict[str, list[Period]] = defaultdict(list)
        for period in self.periods:
            self.province[period.code[:2]].append(period)
            if period.code[:2] in BORN:
                self.province[BORN[period.code[:2]]].append(period)
        self.prefecture: dict[str, list[tuple[int, set[str]]]] = defaultdict(list)
        self.taken: set[Period] = set()
        self.disagree: list[str] = []

    def run(self) -> tuple[list[Change], list[Period]]:
        """Match every period that ended, surest ways first: a place that was found by its name is taken by no other."""
        waiting = [p for p in self.periods if p.until]
        changes: list[Change] = []
        for way in (self.by_name, self.by_stem, self.by_seat, self.as_told, self.by_older):
            for rank in ("province", "prefecture", "county"):
                for old in [p for p in waiting if level(p.code) == rank]:
                    found = way(old)
                    if found:
                        changes += found
                        waiting.remove(old)
                        self.taken |= {change.new for change in found}
                        self.check(old, found)
                        self.prefecture[old.code[:4]].append((old.until, {c.new.code[:4] for c in found}))
        return changes, waiting

    def check(self, old: Period, found: list[Change]) -> None:
        """Note where the changes tell otherwise than the lists."""
        told = [change.new for change in self.as_told(old)]
        if found[0].source == "lists" and told and not {t.code for t in told} & {c.new.code for c in found}:
            new = found[0].new
            self.disagree.append(
                f"{old.code} {old.name} {shown(old.until)}: lists {new.code} {new.name}, changes {told[0].code}"
            )

    def started(self, old: Period) -> list[Period]:
        """Periods of the same rank in the same province that began when this one ended."""
        return [
            p
            for p in self.province[old.code[:2]]
            if p.code != old.code
            and level(p.code) == level(old.code)
            and old.until - WINDOW <= p.since <= old.until
            and (not p.until or p.until > old.until)
        ]

    def near(self, old: Period) -> set[str]:
        """Its prefecture, and what became of it."""
        near = {old.code[:4]}
        for when, now in self.prefecture[old.code[:4]]:
            if abs(when - old.until) <= WINDOW:
                near |= now
        return near

    def by_name(self, old: Period) -> list[Change]:
        """The same name at another code, or another name at the same code."""
        same = self.pick([p for p in self.started(old) if p.name == old.name], self.near(old))
        if same:
            return [Change(old.until, old, same, "lists")]
        again = [p for p in self.by_code[old.code] if p.since == old.until]
        if again and not self.elsewhere(again[0], old.until):
            return [Change(old.until, old, again[0], "lists")]
        return []

    def by_stem(self, old: Period) -> list[Change]:
        """The place's own name with another rank: county, city, district."""
        own = stem(old.name, self.peoples)
        alike = [p for p in self.started(old) if p not in self.taken and stem(p.name, self.peoples) == own]
        found = self.pick(alike, self.near(old), strict=True)
        return [Change(old.until, old, found, "lists")] if found else []

    def by_seat(self, old: Period) -> list[Change]:
        """A city that gave its name to a new prefecture became its district or districts."""
        if level(old.code) != "county" or not old.name.endswith("市"):
            return []
        homes = {
            p.code[:4]
            for p in self.province[old.code[:2]]
            if level(p.code) == "prefecture" and p.holds(old.until) and p.name == old.name
        }
        new = [p for p in self.started(old) if p.code[:4] in homes and p.code[4:] < "21" and p.code[4:] != "01"]
        return [Change(old.until, old, p, "seat") for p in [p for p in new if p not in self.taken] or new]

    def by_older(self, old: Period) -> list[Change]:
        """A place of the same own name that had been there before: it took this one in, or another office's code."""
        standing = [
            p
            for p in self.province[old.code[:2]]
            if p.code != old.code and level(p.code) == level(old.code) and p.holds(old.until)
        ]
        own = stem(old.name, self.peoples)
        rank = level(old.code)
        alike = [p for p in standing if stem(p.name, self.peoples) == own and "直辖" not in p.name]
        if rank == "county":
            alike = [p for p in alike if p.name == old.name and len(own) > 1 and own not in GENERIC] or [
                p for p in alike if p.code[:4] in self.near(old)
            ]
        found = self.pick(alike, self.near(old))
        return [Change(old.until, old, found, "lists")] if found else []

    def elsewhere(self, new: Period, when: int) -> bool:
        """The name that a code took had been another code's until then: the code was given away, not renamed."""
        return any(
            p.name == new.name
            and p.code != new.code
            and level(p.code) == level(new.code)
            and p.until
            and abs(p.until - when) <= WINDOW
            for p in self.province[new.code[:2]]
        )

    @staticmethod
    def pick(among: list[Period], near: set[str], strict: bool = False) -> Period | None:
        """The only one, or the only one in the same prefecture (or in what became of it)."""
        close = [p for p in among if p.code[:4] in near]
        for group in (close, [] if strict and not any(p.code[2:4] == "90" for p in among) else among):
            if len({p.code for p in group}) == 1:
                return group[0]
        return None

    def as_told(self, old: Period) -> list[Change]:
        """What the data set of changes says."""
        out = []
        for event in self.told.get(old.code, ()):
            new = str(event["new"]["code"])[:6]  # type: ignore[index]
            if new == old.code or event["old"]["name"] != old.name:  # type: ignore[index]
                continue
            if abs(int(str(event["year"])) - old.until // 12) > 1:
                continue
            if level(new) != level(old.code) and new not in NO_COUNTIES:
                continue
            at = [p for p in self.by_code[new] if p.holds(old.until)] or [
                p for p in self.by_code[new] if p.since > old.until
            ][:1]
            out += at[:1]
        return [Change(old.until, old, p, "changes") for p in {p.code: p for p in out}.values()]
