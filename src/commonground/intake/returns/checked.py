"""From quality checks to faults: rows that disagree with themselves, and rows of one file that seem to be the same.

Only checks that one delivered file decides by itself become items: nothing of another file, let alone of another
department, can stand in them. None says that a value is wrong; the department is asked to verify it.
"""

from __future__ import annotations

import fnmatch
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from commonground.city import City, EngineSettings
from commonground.engine import open_engine
from commonground.intake.checks.model import Check, value_columns
from commonground.intake.checks.rowwise import ROWWISE, columns_used, q
from commonground.intake.checks.rules import checks_of, load_rules
from commonground.intake.model import ColumnRule, Contract, IntakeResult
from commonground.intake.pack import load_pack
from commonground.intake.returns.faults import mark_columns, mark_of, rows_at
from commonground.intake.returns.model import KEPT, MANY, READ_AS, Fault
from commonground.intake.returns.replaced import matches

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine

CHECKED, DOUBLED = "checked", "doubled"
"""Reasons: two columns of a row disagree; several rows of a file seem to be the same. After the colon: zh|en."""
ASKED = {
    "day_month_swapped": 1,
    "id_agrees": 1,
    "numbers_agree": 0,
    "in_order": 1,
    "not_above": 0,
    "sum_of_parts": 0,
}
"""Check types that become items, the most telling first, and which of their columns is asked about."""
_PLACE = ("delivery", "file", "sheet", "row_number")
_BATCH = 200_000
_Place = tuple[str, str, str, int]


@dataclass
class _Found:
    """What the checks of a dataset found.

    ``rows``: no more of a check than anybody would answer, and one; ``counts``: how many there are in all, by delivery,
    file, sheet and check; ``doubled``: rows that share a key, with the same bounds.
    """

    rows: dict[_Place, list[Check]] = field(default_factory=dict)
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    doubled: list[tuple[Check, list[_Place]]] = field(default_factory=list)


def find_checked(result: IntakeResult, city: City) -> list[Fault]:
    """Give the faults that row-wise checks and the search for doubled rows find, each within one delivered file."""
    pack, rules = load_pack(city.settings.pack), load_rules(city.settings.pack)
    sheets: dict[tuple[str, ...], Any] = {
        (f"{r['department']}.{r['dataset']}", r["delivery"], r["file"], r["sheet"]): r
        for r in result.conservation.to_pylist()
    }
    out: list[Fault] = []
    settings = EngineSettings("duckdb", city.settings.engine.memory, city.settings.engine.threads)
    for name, contract in sorted(result.contracts.items()):
        if name not in result.tables or not result.rows(name):
            continue
        found = checks_of(contract, value_columns(contract, pack), pack, rules).values()
        asked = [c for c in found if c.waived is None and c.type.name in ASKED]
        asked.sort(key=lambda c: list(ASKED).index(c.type.name))
        same = [c for c in found if c.waived is None and c.type.name == "unique" and c.columns]
        if asked or same:
            with closing(open_engine(settings)) as engine:
                out += _Dataset(result, contract, sheets).faults(_look(engine, result, name, asked, same, city))
    return out


def _look(
    engine: Engine, result: IntakeResult, name: str, asked: Sequence[Check], same: Sequence[Check], city: City
) -> _Found:
    """Run the checks over a dataset's records part by part; of texts the engine keeps salted hashes alone."""
    needs = [ROWWISE[check.type.name](check, city.settings) for check in asked]
    salt = secrets.token_hex(16)
    out = _Found()
    wanted = columns_used([*asked, *same])
    flags = [f"(coalesce({n.applies}, FALSE) AND coalesce({n.bad}, FALSE))" for n in needs] or ["FALSE"]
    keys = [_key(check, salt) for check in same]
    place = ", ".join(map(q, _PLACE))
    for number, part in enumerate(_batches(result, name, wanted)):
        engine.add_table("part", part)
        bad = f"FROM part WHERE status = 'record' AND ({' OR '.join(flags)})"
        sums = ", ".join(f"count(*) FILTER (WHERE {flag})" for flag in flags)
        for row in engine.rows(f"SELECT delivery, file, sheet, {sums} {bad} GROUP BY delivery, file, sheet"):
            for check, n in zip(asked, row[3:], strict=False):
                out.counts[str(row[0]), str(row[1]), str(row[2]), check.id] += int(str(n))
        first = " OR ".join(f"({flag} AND sum(CAST({flag} AS INTEGER)) OVER so_far <= {MANY + 1})" for flag in flags)
        so_far = "WINDOW so_far AS (PARTITION BY delivery, file, sheet ORDER BY row_number ROWS UNBOUNDED PRECEDING)"
        for row in engine.rows(f"SELECT {place}, {', '.join(flags)} {bad} {so_far} QUALIFY {first}"):
            hit = [check for check, bad in zip(asked, row[4:], strict=False) if bad]
            out.rows[str(row[0]), str(row[1]), str(row[2]), int(str(row[3]))] = hit
        if keys:
            told = ", ".join(f"{key} AS k{i}" for i, key in enumerate(keys))
            select = f"SELECT {place}, {told} FROM part WHERE status = 'record'"
            if number:
                engine.run(f"INSERT INTO held {select}")
            else:
                engine.create("held", select)
    for i, check in enumerate(same):
        out.doubled += [(check, members) for members in _doubled(engine, i)]
    return out


def _batches(result: IntakeResult, name: str, wanted: set[str]) -> Iterator[pa.Table]:
    """Give the columns that checks need, small files together: a query takes longer to plan than to run over one."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for part in result.parts(name):
        more = [c for c in part.column_names if c in wanted or c.removesuffix("_precision") in wanted]
        waiting.append(part.select(list(dict.fromkeys([*_PLACE, "as_of", "status", *more]))))
        if sum(table.num_rows for table in waiting) > _BATCH:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _key(check: Check, salt: str) -> str:
    """SQL of what rows are the same by; rows that differ in the number of the person are two persons."""
    known = " AND ".join(f"{q(name)} IS NOT NULL" for name in check.columns)
    return f"CASE WHEN {known} THEN hash('{salt}', {', '.join(map(q, check.columns))}) END"


def _doubled(engine: Engine, i: int) -> Iterator[list[_Place]]:
    """Give the rows of one file that share a key, key by key."""
    shared = (
        f"SELECT delivery AS d, file AS f, k{i} AS k FROM held WHERE k{i} IS NOT NULL"
        f" GROUP BY delivery, file, k{i} HAVING count(*) > 1"
        f" QUALIFY row_number() OVER (PARTITION BY delivery, file ORDER BY min(row_number)) <= {MANY + 1}"
    )
    rows = engine.rows(
        f"SELECT delivery, file, sheet, row_number, k{i} FROM held JOIN ({shared})"
        f" ON delivery = d AND file = f AND k{i} = k"
        f" QUALIFY row_number() OVER (PARTITION BY delivery, file, k{i} ORDER BY row_number) <= {MANY + 1}"
        f" ORDER BY delivery, file, sheet, row_number"
    )
    members: dict[tuple[str, str, str], list[_Place]] = {}
    for delivery, file, sheet, number, key in rows:
        place = (str(delivery), str(file), str(sheet), int(str(number)))
        members.setdefault((place[0], place[1], str(key)), []).append(place)
    yield from members.values()


class _Dataset:
    """Makes faults of what was found in one dataset."""

    def __init__(self, result: IntakeResult, contract: Contract, sheets: Mapping[tuple[str, ...], Any]) -> None:
        self.result, self.contract, self.sheets = result, contract, sheets
        self._values: dict[_Place, dict[str, Any]] = {}

    def faults(self, found: _Found) -> list[Fault]:
        """Give the faults, those of a column that has too many as one."""
        self._load(found)
        single: dict[tuple[str, ...], list[Fault]] = {}
        for place, checks in sorted(found.rows.items()):
            told: set[str] = set()
            for check in checks:
                rule = self._rule(check.columns[ASKED[check.type.name]], place)
                if rule is not None and rule[0] not in told:
                    told.add(rule[0])
                    made = self._fault("value", CHECKED, check, rule, [place])
                    single.setdefault((*place[:3], made.column, check.id), []).append(made)
        numbered: set[_Place] = set()
        for check, members in found.doubled:
            if self._two_persons(check, members) or numbered.issuperset(members):
                continue
            numbered |= set(members)
            rule = self._rule(check.columns[0], members[0])
            if rule is None:
                continue
            # a sheet of a workbook is asked about its own rows; the same key on two sheets is two lines
            for sheet in dict.fromkeys(place[2] for place in members):
                mine = [place for place in members if place[2] == sheet]
                made = self._fault("group", DOUBLED, check, rule, mine)
                single.setdefault((*mine[0][:3], made.column, check.id), []).append(made)
        return [
            fault for place, several in single.items() for fault in _few(several, found.counts[(*place[:3], place[4])])
        ]

    def _load(self, found: _Found) -> None:
        """Load what the rows found say, for the sheet: the columns asked about, and what the row is known by."""
        places = {*found.rows, *(place for _, members in found.doubled for place in members)}
        wanted = columns_used(
            [*(c for several in found.rows.values() for c in several), *(c for c, _ in found.doubled)]
        )
        listed = [dict(zip(_PLACE, place, strict=True)) for place in places]
        for part in self.result.parts(self.contract.name) if listed else ():
            columns = [c for c in part.column_names if c in {*wanted, *mark_columns(part), "id_no"}]
            self._values |= rows_at(part, listed, columns)

    def _two_persons(self, check: Check, members: Sequence[_Place]) -> bool:
        """Tell whether rows alike in name and birth hold different identity numbers."""
        if "id_no" in check.columns:
            return False
        return len({number for p in members if (number := self._values.get(p, {}).get("id_no"))}) > 1

    def _rule(self, concept: str, place: _Place) -> tuple[str, str] | None:
        """Give the column of a file that holds a concept, and the concept; None where no single column does."""
        found: ColumnRule | None = None
        for rule in self.contract.columns:
            here = fnmatch.fnmatchcase(place[1], rule.files) and matches(place[0], rule.deliveries)
            if here and rule.concept is not None and rule.concept.name == concept:
                found = found or rule
        if found is None or found.source[0].startswith("@"):
            return None
        return found.source[0], concept

    def _fault(self, scope: str, reason: str, check: Check, rule: tuple[str, str], members: Sequence[_Place]) -> Fault:
        delivery, file, sheet, _ = members[0]
        row = self.sheets[self.contract.name, delivery, file, sheet]
        numbers = tuple(place[3] for place in members)
        # header and data without anything between or after: only then a row's number tells where it stands
        plain = row["non_data"] == row["header"] and not any(layout.multiline for layout in self.contract.layouts)
        here = self._values.get(members[0], {})
        own = (rule[1], f"{rule[1]}_soft")
        return Fault(
            scope, self.contract.department, self.contract.dataset, delivery, file, sheet, *rule,
            reason=f"{reason}:{check.said.zh}|{check.said.en}",
            text=self._text(rule[1], here.get(rule[1])),
            rows=tuple(n + row["header"] for n in numbers) if plain else numbers,
            numbers=numbers,
            count=len(members),
            of=row["records"] + row["quarantined"],
            mark=mark_of(here, own) if scope == "value" else "",
            sha256=row["sha256"],
            by_number=not plain,
        )  # fmt: skip

    def _text(self, concept: str, value: Any) -> str:
        """Write a value as it was read, a code by its name: what was delivered may have been written otherwise."""
        if value is None:
            return ""
        codes = next((r.concept.codes for r in self.contract.columns if r.concept and r.concept.name == concept), None)
        if codes is not None and value in codes.labels:
            return f"{READ_AS}{codes.labels[value].zh}"
        return f"{READ_AS}{value:g}" if isinstance(value, float) else f"{READ_AS}{value}"


def _few(faults: list[Fault], rows: int) -> list[Fault]:
    """Put the faults of one kind in one column together where nobody would answer them one by one.

    ``rows``: of how many rows a check holds; 0 where doubled rows were looked for, whose true number may be larger.
    """
    count = max(rows, sum(fault.count for fault in faults))
    if max(len(faults), rows, *(fault.count for fault in faults)) <= MANY:
        return faults
    places, numbers = (tuple(n for f in faults[:KEPT] for n in getattr(f, name))[:KEPT] for name in ("rows", "numbers"))
    return [replace(faults[0], scope="column", text="", mark="", rows=places, numbers=numbers, count=count)]
