"""What changes when the definition changes: two versions on the same frozen persons.

The transition table counts each person under the old rule and under the new one. Where both versions are the same rule
with other parameters, the change in the number of persons to whom the rule applies as true is shared out among the
parameters by Shapley's value: the mean, over all orders in which the criteria could have been changed one after
another, of what each changes. (L. S. Shapley, A value for n-person games, 1953.)
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.engine import Engine
from commonground.errors import DefinitionError, Said
from commonground.variables.compute import Computed, compute, needed
from commonground.variables.evaluate import OUTCOMES, canonical
from commonground.variables.model import Definition, Parameter, VersionRule, outcome_sql, put_in
from commonground.variables.pack import get_definition, load_pack
from commonground.variables.run import open_on

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.present.drawing import Chart

#: More criteria than this are not switched one by one: 2^n rules would be computed.
MOST_CLAUSES = 7


@dataclass(frozen=True)
class Clause:
    """One criterion that differs, and how many persons it moved (Shapley's share; it may be a fraction)."""

    name: str
    title: Said
    old: str
    new: str
    persons: float


@dataclass(frozen=True)
class Comparison:
    """Two versions of a definition on the same persons and the same day.

    Attributes
    ----------
    definition : str
        Its id.
    title : Said
        Its name.
    old, new : str
        Version ids.
    hashes : tuple of str
        Semantic hashes of both.
    reference_date : date
        The day.
    values : tuple of str
        Outcomes, in the order of rows (old) and columns (new).
    counts : tuple of tuple of int
        Exact counts of persons; for staff inside the city, released only through the gate.
    clauses : tuple of Clause
        Which criteria moved them; their sum is the change in the number of ``true``.
    warehouse : int
        Number of the database's version.
    """

    definition: str
    title: Said
    old: str
    new: str
    hashes: tuple[str, str]
    reference_date: dt.date
    values: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    clauses: tuple[Clause, ...] = ()
    warehouse: int = 0
    unknown_inputs: Mapping[str, int] = field(default_factory=dict)

    def under(self, which: str, value: str = "true") -> int:
        """Count persons with a value under the ``old`` or the ``new`` version."""
        if value not in self.values:
            return 0
        at = self.values.index(value)
        return sum(self.counts[at]) if which == "old" else sum(row[at] for row in self.counts)

    def moved(self, old: str, new: str) -> int:
        """Count persons who went from one value to another."""
        if old not in self.values or new not in self.values:
            return 0
        return self.counts[self.values.index(old)][self.values.index(new)]

    def table(self) -> pa.Table:
        """Give the transition table as Arrow: old, new, persons."""
        import pyarrow as pa

        rows = [
            {"old": old, "new": new, "persons": n}
            for old, line in zip(self.values, self.counts, strict=True)
            for new, n in zip(self.values, line, strict=True)
        ]
        return pa.Table.from_pylist(rows)

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as plain values."""
        return {
            "definition": self.definition,
            "title": {"zh": self.title.zh, "en": self.title.en},
            "old": self.old,
            "new": self.new,
            "hashes": list(self.hashes),
            "reference_date": self.reference_date.isoformat(),
            "warehouse_version": self.warehouse,
            "values": list(self.values),
            "transition": [list(line) for line in self.counts],
            "under_old": {v: self.under("old", v) for v in self.values},
            "under_new": {v: self.under("new", v) for v in self.values},
            "clauses": [
                {"name": c.name, "zh": c.title.zh, "en": c.title.en, "old": c.old, "new": c.new, "persons": c.persons}
                for c in self.clauses
            ],
        }

    @property
    def provenance(self) -> dict[str, Any]:
        """What was compared: definition, versions with their hashes, the day, the database's version."""
        return {
            "definition": self.definition,
            "versions": dict(zip((self.old, self.new), self.hashes, strict=True)),
            "reference_date": self.reference_date.isoformat(),
            "warehouse_version": self.warehouse,
        }

    def figure(self, lang: str = "zh", width: int = 736) -> Chart:
        """Draw how many persons each version counts."""
        from commonground.present.figures import counts_as_bars
        from commonground.present.words import people

        counts = {self.old: self.under("old"), self.new: self.under("new")}
        axis = "人数" if lang == "zh" else "persons"
        rows = [(name, n, people(n)) for name, n in counts.items()]
        return counts_as_bars(rows, width, title=self.title(lang), axis=axis)

    def sentence(self, lang: str = "zh") -> str:
        """Say what the change of definition does, in one or two sentences."""
        before, after = self.under("old"), self.under("new")
        day = self.reference_date
        if lang == "zh":
            text = (
                f"同一批人、同一天（{day.year}年{day.month}月{day.day}日），"
                f"按 {self.old} 有 {before:,} 人属于“{self.title.zh}”，"
                f"按 {self.new} 有 {after:,} 人；{self.moved('true', 'true'):,} 人两种口径下都属于。"
            )
        else:
            text = (
                f"Of the same persons on the same day ({day.isoformat()}), {before:,} count as “{self.title.en}” under "
                f"{self.old} and {after:,} under {self.new}; {self.moved('true', 'true'):,} under both."
            )
        return text + self._because(lang)

    def _because(self, lang: str) -> str:
        parts = [c for c in self.clauses if abs(c.persons) >= 0.5]
        if not parts:
            return ""
        from commonground.present.words import label

        def word(value: str) -> str:
            return label(f"value.{value}", lang, default=value)

        parts.sort(key=lambda c: (-abs(c.persons), c.name))
        mark = "（{}→{}）{:+,.0f}" if lang == "zh" else " ({} → {}) {:+,.0f}"
        listed = [c.title(lang) + mark.format(word(c.old), word(c.new), c.persons).replace("-", "−") for c in parts]
        if lang == "zh":
            return f"人数变化按条件分解：{'；'.join(listed)}。"
        return f" The change by criterion: {'; '.join(listed)}."


def compare(
    city: City, definition_id: str, version_a: str, version_b: str, reference_date: dt.date | None = None
) -> Comparison:
    """Compare two versions of a definition on the persons of the city's current database.

    Parameters
    ----------
    city : City
        A built city.
    definition_id : str
        Id of the definition, or of one of its versions.
    version_a, version_b : str
        The old and the new version.
    reference_date : date, optional
        The day; by default the city's.

    Raises
    ------
    DefinitionError
        No such definition or version, or one whose values cannot be cross-tabulated.
    """
    definition = get_definition(city, definition_id)
    old, new = definition.version(version_a), definition.version(version_b)
    if definition.type not in ("boolean", "category"):
        raise DefinitionError(
            Said(
                f"{definition.id} 的取值是数，不能列出转移表。",
                f"{definition.id} gives numbers; they have no transition table.",
            ),
            todo=Said("请选取值为“是否”或类别的定义。", "Choose a definition that gives yes or no, or a category."),
        )
    version = city.require_current()
    day = reference_date or city.settings.reference_date
    wanted = needed(load_pack(city), [definition.id])
    engine, frame = open_on(city, version, (day,))
    try:
        both = (old.id,) if old.id == new.id else (old.id, new.id)
        made = compute(frame, wanted, {definition.id: both})[definition.id]
        values, counts = _transition(engine, made, old, new)
        clauses = _clauses(engine, made, old, new)
    finally:
        engine.close()
    return Comparison(
        definition=definition.id,
        title=definition.title,
        old=old.id,
        new=new.id,
        hashes=(old.hash, new.hash),
        reference_date=day,
        values=values,
        counts=counts,
        clauses=clauses,
        warehouse=version.number,
    )


def _transition(
    engine: Engine, made: Computed, old: VersionRule, new: VersionRule
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    a, b = made.column(old.id), made.column(new.id)
    found = {(x, y): int(n) for x, y, n in engine.rows(f"SELECT {a}, {b}, count(*) FROM {made.name} GROUP BY 1, 2")}
    seen = {v for pair in found for v in pair}
    kinds = ["true", "false"] if made.definition.type == "boolean" else [*made.definition.categories]
    values = tuple([*kinds, *sorted(seen - set(kinds) - set(OUTCOMES)), "unknown", "not_applicable"])
    return values, tuple(tuple(found.get((x, y), 0) for y in values) for x in values)


def _clauses(engine: Engine, made: Computed, old: VersionRule, new: VersionRule) -> tuple[Clause, ...]:
    """Share the change in the number of ``true`` out among the criteria that differ."""
    definition = made.definition
    switches = differing(old, new)
    if definition.type != "boolean" or not switches or len(switches) > MOST_CLAUSES:
        return ()
    subsets = [s for n in range(len(switches) + 1) for s in itertools.combinations(switches, n)]
    picked = [f"sum(CASE WHEN ({_mixed(definition, old, new, s, engine)}) = 'true' THEN 1 ELSE 0 END)" for s in subsets]
    row = engine.rows(f"SELECT {', '.join(picked)} FROM {made.wide}")[0]
    worth = {frozenset(s): float(n or 0) for s, n in zip(subsets, row, strict=True)}
    shares = shapley(switches, worth)
    return tuple(_clause(name, old, new, shares[name]) for name in switches)


def differing(old: VersionRule, new: VersionRule) -> tuple[str, ...]:
    """Name the parameters that differ, and ``rule`` or ``when`` where these themselves do."""
    names = sorted(set(old.param) | set(new.param))
    found = [n for n in names if _value(old, n) != _value(new, n)]
    found += [k for k, a, b in (("when", old.raw_when, new.raw_when), ("rule", old.raw_rule, new.raw_rule))
              if canonical(a) != canonical(b)]  # fmt: skip
    return tuple(found)


def _value(version: VersionRule, name: str) -> Any:
    return version.param[name].value if name in version.param else None


def _mixed(definition: Definition, old: VersionRule, new: VersionRule, switched: Sequence[str], engine: Engine) -> str:
    """Write the rule that is the old version with some criteria switched to the new one's."""
    param: dict[str, Parameter] = {**new.param, **old.param}
    param |= {n: new.param[n] for n in switched if n in new.param}
    when = new.raw_when if "when" in switched else old.raw_when
    rule = new.raw_rule if "rule" in switched else old.raw_rule
    return outcome_sql(definition.type, put_in(when, {}, param), put_in(rule, {}, param), engine.dialect)


def shapley(players: Sequence[str], worth: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Shapley's value of each player, from the worth of every subset (Shapley 1953).

    Parameters
    ----------
    players : sequence of str
        The criteria.
    worth : mapping
        Worth of each subset, the empty one included.
    """
    n = len(players)
    shares = {}
    for one in players:
        others = [p for p in players if p != one]
        total = 0.0
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for subset in itertools.combinations(others, size):
                base = frozenset(subset)
                total += weight * (worth[base | {one}] - worth[base])
        shares[one] = total
    return shares


def _clause(name: str, old: VersionRule, new: VersionRule, persons: float) -> Clause:
    known = old.param.get(name) or new.param.get(name)
    title = known.title if known and known.title else Said(name, name)
    if name in ("when", "rule") and not known:
        title = {"when": Said("适用范围的写法", "wording of scope"), "rule": Said("规则的写法", "wording of rule")}[
            name
        ]
    return Clause(name, title, _written(old, name), _written(new, name), persons)


def _written(version: VersionRule, name: str) -> str:
    if name not in version.param:
        return version.id if name in ("when", "rule") else "–"
    value = version.param[name].value
    return f"{value:g}" if isinstance(value, float) else str(value)
