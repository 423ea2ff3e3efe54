"""Counts all checks of a city's datasets, part by part, in one pass over the records of each.

Nothing of a person is kept: numbers that tell persons apart are hashed with a salt that ends with the run.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from commonground.city import City, EngineSettings, Settings
from commonground.engine import open_engine
from commonground.files import storage_errors
from commonground.intake.areas import history
from commonground.intake.checks.model import Check, Count, Counted, Need, value_columns
from commonground.intake.checks.reported import REPORTED, Seen, gather_sums, without_rejected
from commonground.intake.checks.rowwise import ROWWISE, columns_used, q
from commonground.intake.checks.rules import Rulebook, checks_of, load_rules
from commonground.intake.checks.whole import WHOLE, Setting
from commonground.intake.file import file_schema
from commonground.intake.model import Pack
from commonground.intake.pack import load_pack
from commonground.intake.units import alternatives

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.engine import Engine
    from commonground.intake.model import IntakeResult

_BASE = ("delivery", "file", "as_of")
_BATCH = 200_000
"""Records looked at together; a single part may have more."""


def count_checks(result: IntakeResult, city: City) -> list[Counted]:
    """Count every check of every dataset.

    Parameters
    ----------
    result : IntakeResult
        Of the same run as the version that the counts belong to.

    Returns
    -------
    list of Counted
        A dataset each, in order.
    """
    pack, rules = load_pack(city.settings.pack), load_rules(city.settings.pack)
    quarantine = _by_reason(result)
    sums: dict[str, list[Mapping[str, Any]]] = {}
    for row in result.conservation.to_pylist():
        sums.setdefault(f"{row['department']}.{row['dataset']}", []).append(row)
    out: list[Counted] = []
    with _own_engine(city) as engine:
        for name in [name for name in result.contracts if name in result.tables]:
            seen = Seen(result.contracts[name])
            gather_sums(seen, sums.get(name, []), quarantine.get(name, []))
            counts = _Dataset(result, seen, pack, rules, city.settings).counts(engine)
            out.append(Counted(seen.contract, dict(seen.days), tuple(c for c in counts if c.delivery in seen.days)))
    return out


@contextmanager
def _own_engine(city: City) -> Iterator[Engine]:
    """Open an engine whose overflow lies in the warehouse, which holds such rows anyway, and goes with the run."""
    with storage_errors(city.warehouse):
        city.warehouse.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = tempfile.TemporaryDirectory(prefix=".checks-", dir=city.warehouse)
    size = re.fullmatch(r"([\d.]+) ?(\w+)", city.settings.intake.memory)
    memory = f"{float(size[1]) / 2:g}{size[2]}" if size else "1GB"  # the other half is the batch and its copies
    limits = EngineSettings("duckdb", memory, city.settings.engine.threads)
    with folder as place:
        engine = open_engine(limits)
        try:
            quoted = place.replace("'", "''")
            engine.run(f"SET temp_directory = '{quoted}'")
            yield engine
        finally:
            engine.close()


def _by_reason(result: IntakeResult) -> dict[str, list[Mapping[str, Any]]]:
    """Count the quarantine by file, concept and reason, part by part."""
    keys = ["department", "dataset", "delivery", "file", "concept", "reason"]
    out: dict[str, list[Mapping[str, Any]]] = {}
    for part in result.quarantine_parts():
        grouped = part.select(keys).group_by(keys, use_threads=False).aggregate([([], "count_all")])
        for row in grouped.rename_columns([*keys, "n"]).to_pylist():
            out.setdefault(f"{row['department']}.{row['dataset']}", []).append(row)
    return out


class _Dataset:
    """The checks of one dataset while its parts pass by."""

    def __init__(self, result: IntakeResult, seen: Seen, pack: Pack, rules: Rulebook, settings: Settings) -> None:
        self.result, self.seen, self.pack, self.settings = result, seen, pack, settings
        schema = file_schema(seen.contract, pack)
        self.types = {f.name: f.type for f in schema if f.name not in ("sheet", "row_number")}
        self.concepts = value_columns(seen.contract, pack)
        # "file" and the like are columns of every table: groups may be formed by them
        found = checks_of(seen.contract, self.concepts, pack, rules)
        self.checks = {id: check for id, check in found.items() if self._answerable(check)}
        coded = {c.columns[0] for c in self.checks.values() if c.type.name == "same_value"}
        self.coded = sorted(name for name in coded if pack.concepts[name].type in ("code", "boolean"))

    def _answerable(self, check: Check) -> bool:
        """Whether the city has the other dataset, or the column, that a check asks for besides its own columns."""
        when = check.params.get("when")
        if when and when["column"] not in self.types:
            return False
        kind = check.params.get("kind")
        return kind is None or any(
            c.kind.name == kind and n in self.result.tables for n, c in self.result.contracts.items()
        )

    def counts(self, engine: Engine) -> list[Count]:
        """Count everything."""
        rowwise = [c for c in self.checks.values() if c.type.name in ROWWISE]
        whole = [c for c in self.checks.values() if c.type.name in WHOLE]
        needs = [ROWWISE[c.type.name](self._precise(c), self.settings) for c in rowwise]
        self._add_references(engine, needs, whole)
        slim = self._slim(whole)
        tallies: dict[tuple[str, str], list[list[int]]] = {}
        for number, part in enumerate(self._parts()):
            engine.add_table("part", part)
            self._look(engine, needs, tallies)
            select = f"SELECT {', '.join(_BASE)}{slim} FROM part WHERE status = 'record'"
            if number == 0:
                engine.create("slim", select)
            else:
                engine.run(f"INSERT INTO slim {select}")
        order = "row_number() OVER (ORDER BY min(as_of), delivery)"
        engine.create("deliveries", f"SELECT delivery, {order} AS place FROM slim GROUP BY delivery")
        setting = Setting(engine, {name: alternatives(c.unit) for name, c in self.pack.concepts.items()})
        out: list[Count] = []
        for check in self.checks.values():
            name = check.type.name
            if name in REPORTED:
                out += REPORTED[name](check, self.seen)
            elif name in WHOLE:
                out += WHOLE[name](check, setting)
            else:
                at = rowwise.index(check)
                rows = [Count(check, *place, tally[at][0], tally[at][1]) for place, tally in sorted(tallies.items())]
                out += [r for c in rows if (r := without_rejected(c, self.seen))] if name == "not_null" else rows
        return out

    def _precise(self, check: Check) -> Check:
        """Tell a check whether its column has a note of absence or a precision beside it."""
        import dataclasses

        more: dict[str, Any] = {}
        if check.columns and f"{check.columns[0]}_absent" in self.types:
            more["absence"] = True
        dates = [name for name in check.columns if f"{name}_precision" in self.types]
        if not dates:
            more["precision"] = False
        return dataclasses.replace(check, params={**check.params, **more})

    def _parts(self) -> Iterator[pa.Table]:
        """Give the dataset's records in batches, with every column that a check may ask for.

        A query of a hundred checks takes longer to plan than to run over the rows of one small file.
        """
        import pyarrow as pa

        waiting: list[pa.Table] = []
        rows = 0
        for part in self.result.parts(self.seen.contract.name):
            for name in [name for name in self.types if name not in part.column_names]:
                part = part.append_column(name, pa.nulls(part.num_rows, self.types[name]))
            if waiting and rows + part.num_rows > _BATCH:
                yield pa.concat_tables(waiting)
                waiting, rows = [], 0
            waiting.append(part)
            rows += part.num_rows
        yield pa.concat_tables(waiting)

    def _look(self, engine: Engine, needs: Sequence[Need], tallies: dict[tuple[str, str], list[list[int]]]) -> None:
        """Run all row-wise checks over one part, and count what is filled."""
        joined = {name: join for need in needs for name, join in need.joins.items()}
        joins = "".join(
            f" LEFT JOIN {_reference(*table)} AS {name} ON {name}.v = part.{q(column)}"
            for name, (column, table) in joined.items()
        )
        cells = ["part.delivery", "part.file", "count(*)", "min(part.as_of)"]
        for need in needs:
            cells += [
                f"count(*) FILTER (WHERE coalesce({need.applies}, FALSE))",
                f"count(*) FILTER (WHERE coalesce({need.applies}, FALSE) AND coalesce({need.bad}, FALSE))",
            ]
        for name in self.concepts:
            held = f"FILTER (WHERE {q(name)} IS NOT NULL)"  # the hash of NULL is a number like any other
            cells += [f"count({q(name)})", f"min(hash({q(name)})) {held}", f"max(hash({q(name)})) {held}"]
        cells += [f"histogram({q(name)}::VARCHAR) FILTER (WHERE {q(name)} IS NOT NULL)" for name in self.coded]
        query = f"SELECT {', '.join(cells)} FROM part{joins} WHERE status = 'record' GROUP BY part.delivery, part.file"
        for delivery, file, n, day, *counted in engine.rows(query):
            place = (str(delivery), str(file))
            seen = self.seen
            seen.records[place] = seen.records.get(place, 0) + n
            seen.days[place[0]] = min(day, seen.days.get(place[0], day))
            tally = tallies.setdefault(place, [[0, 0] for _ in needs])
            for i in range(len(needs)):
                tally[i][0] += counted[2 * i + 1]
                tally[i][1] += counted[2 * i]
            self._note(place, counted[2 * len(needs) :])

    def _note(self, place: tuple[str, str], counted: Sequence[Any]) -> None:
        """Keep how much of each column is filled, and whether one value fills it all."""
        filled = self.seen.filled.setdefault(place, dict.fromkeys(self.concepts, 0))
        constant = self.seen.constant.setdefault(place, {})
        for i, name in enumerate(self.concepts):
            n, low, high = counted[3 * i : 3 * i + 3]
            filled[name] += n
            if n:
                before = constant.get(name, (low, high))
                constant[name] = (min(before[0], low), max(before[1], high))
        for name, found in zip(self.coded, counted[3 * len(self.concepts) :], strict=True):
            held = self.seen.held.setdefault(name, {}).setdefault(place, {})
            for value, n in (found or {}).items():
                held[value] = held.get(value, 0) + n

    def _slim(self, whole: Sequence[Check]) -> str:
        """SQL of the columns that checks of whole deliveries need; identifying texts as salted hashes."""
        salt = secrets.token_hex(16)
        out = ""
        for name in sorted(columns_used(whole) - set(_BASE)):
            concept = self.pack.concepts.get(name)
            hidden = concept is None or concept.identifying
            out += (
                f", CASE WHEN {q(name)} IS NULL THEN NULL ELSE hash('{salt}', {q(name)}) END AS {q(name)}"
                if hidden
                else f", {q(name)}"
            )
        if any(check.type.name == "unique" and not check.columns for check in whole):
            told = ", ".join(q(name) for name in self.concepts if name != "seq")
            out += f", hash('{salt}', {told}) AS \"@row\""
        return out

    def _add_references(self, engine: Engine, needs: Iterable[Need], whole: Iterable[Check]) -> None:
        """Give the engine the columns of other datasets that checks hold this one against."""
        import pyarrow as pa

        wanted: dict[tuple[str, str], set[str]] = {}
        for need in needs:
            for _, table in need.joins.values():
                wanted.setdefault(table, set())
        if wanted.pop(("areas", ""), None) is not None:
            engine.add_table("areas", _areas(self.settings))
            engine.create(_reference("areas", ""), "SELECT * FROM areas")
        for check in whole:
            if "kind" in check.params:
                totals = wanted.setdefault((check.params["kind"], check.params["to"]), set())
                totals |= {check.params["total"]} if "total" in check.params else set()
        for (kind, to), totals in wanted.items():
            columns = ["delivery", "as_of", to, *sorted(totals)]
            tables = [
                part.select(columns)
                for name, contract in self.result.contracts.items()
                if contract.kind.name == kind and name in self.result.tables
                for part in self.result.parts(name)
                if set(columns) <= set(part.column_names)
            ]
            empty = pa.schema(
                [
                    ("delivery", pa.string()),
                    ("as_of", pa.date32()),
                    (to, pa.string()),
                    *((t, pa.int64()) for t in sorted(totals)),
                ]
            )
            engine.add_table("other", pa.concat_tables(tables) if tables else empty.empty_table())
            more = "".join(f", {q(t)}" for t in sorted(totals))
            engine.create(f"by_{kind}_{to}", f"SELECT delivery, as_of, {q(to)} AS v{more} FROM other")
            engine.create(_reference(kind, to), f"SELECT DISTINCT {q(to)} AS v FROM other WHERE {q(to)} IS NOT NULL")


def _reference(kind: str, to: str) -> str:
    """Name of the engine's table of another dataset's distinct values, or of areas."""
    return f"r_{kind}_{to}"


def _areas(settings: Settings) -> pa.Table:
    """Give every area code with the last day on which it stood: the pack's list of all years, and city.toml's own."""
    import datetime as dt

    import pyarrow as pa

    never = dt.date(9999, 1, 1)
    last = {area.code: never for area in settings.areas}
    for code, periods in history(settings.pack).items():
        end = periods[-1].until
        last.setdefault(code, dt.date(end // 12, end % 12 + 1, 1) if end else never)
    codes = sorted(last)
    days = [last[code] for code in codes]
    return pa.table({"v": pa.array(codes, pa.string()), "until": pa.array(days, pa.date32())})
