"""From what intake set aside to faults as a department is asked about them: grouped where one answer serves for all."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commonground.city import Settings
from commonground.intake.model import Concept, Contract, IntakeResult
from commonground.intake.returns.model import KEPT, MANY, REEXPORT, ROWS, SAME, Fault
from commonground.intake.returns.replaced import base_of

if TYPE_CHECKING:
    import pyarrow as pa

_PLACE = ("department", "dataset", "delivery", "file", "sheet")
_KIND = (*_PLACE, "column", "concept", "reason")
_READ = ("read", "repeated", "ignored", "no contract", "replaced", "return sheet", "return refused")
_MARKS = ("student_no", "exam_no", "id_no", "id_no_soft", "check_no", "permit_no", "household_no")
_MASKED = ("id_no", "id_no_soft", "check_no")
FEWER = 0.8
"""A delivery with less than this share of the records of the one before is asked about."""


def find_faults(result: IntakeResult, settings: Settings) -> list[Fault]:
    """Give every fault of every delivery that holds, in the order of place.

    Each is made of one delivered file alone, or of deliveries of the same dataset: nothing of another department
    can stand in it.
    """
    sheets = {tuple(row[name] for name in _PLACE): row for row in result.conservation.to_pylist()}
    held = {place for place, row in sheets.items() if row["status"] == "read"}
    out = [*_columns_and_values(result, sheets, held), *_files(sheets), *_deliveries(result, settings, sheets)]
    return sorted(out, key=order)


def _named(kind: Sequence[str]) -> dict[str, Any]:
    """Name the parts of a place, column, concept and reason."""
    return dict(zip(_KIND, kind, strict=True))


def order(fault: Fault) -> tuple[Any, ...]:
    """Give what faults are sorted by: file and sheet, then from the largest scope to the smallest, column, row."""
    scope = ("delivery", "file", "column", "row", "group", "value").index(fault.scope)
    place = (fault.department, fault.dataset, fault.delivery, fault.file, fault.sheet)
    return (*place, scope, fault.column, fault.reason, fault.rows[:1], fault.text)


def _columns_and_values(
    result: IntakeResult, sheets: Mapping[tuple[str, ...], Mapping[str, Any]], held: set[tuple[str, ...]]
) -> list[Fault]:
    """Give the faults that quarantine holds; it is gone through twice, part by part, for it may be large."""
    several = {key for key, concept in _concepts(result.contracts).items() if not one_by_one(concept)}
    tallies: dict[tuple[str, ...], _Tally] = {}
    for part in result.quarantine_parts():
        for kind, rows in _by_kind(part):
            tallies.setdefault(kind, _Tally((f"{kind[0]}.{kind[1]}", kind[6]) in several)).count(rows)
    few: list[dict[str, Any]] = []
    examples: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for part in result.quarantine_parts():
        for kind, rows in _by_kind(part):
            if kind[:5] not in held:
                continue  # repeated or replaced: the same fault is asked about where it stands for good
            sheet = sheets[kind[:5]]
            known = {"of": sheet["records"] + sheet["quarantined"], "sha256": sheet["sha256"]}
            if not kind[5] or not tallies[kind].too_many(kind[7]):
                few += [{**row, **known} for row in rows.to_pylist()]
            else:
                shown = examples.setdefault(kind, [])
                shown += [{**row, **known} for row in rows.slice(0, KEPT - len(shown)).to_pylist()]
    of_column = [_of_column(kind, shown, tallies[kind].rows) for kind, shown in examples.items()]
    return [*of_column, *_grouped(few, several, _marks(result, few))]


class _Tally:
    """Rows and different texts of one kind of fault; ``several`` tells that one text is one item."""

    def __init__(self, several: bool) -> None:
        self.rows, self._several = 0, several
        self._texts: Counter[str] | None = Counter()

    def count(self, rows: pa.Table) -> None:
        """Count further rows; texts are no longer told apart once there are far too many."""
        import pyarrow.compute as pc

        self.rows += rows.num_rows
        if self._texts is not None:
            for one in pc.value_counts(rows["text"])[: 10 * MANY].to_pylist():
                self._texts[one["values"] or ""] += one["counts"]
            if len(self._texts) >= 10 * MANY:
                self._texts = None

    def too_many(self, reason: str) -> bool:
        """Tell whether nobody would answer these one by one."""
        if self._texts is None or self.rows > ROWS or self.rows > REEXPORT.get(reason, ROWS):
            return True
        return sum(1 if self._several or n >= SAME else n for n in self._texts.values()) > MANY


def _concepts(contracts: Mapping[str, Contract]) -> dict[tuple[str, str], Concept]:
    """Give the concepts of all datasets, by dataset and name."""
    return {
        (name, rule.concept.name): rule.concept
        for name, contract in contracts.items()
        for rule in contract.columns
        if rule.concept is not None
    }


def _of_column(kind: tuple[str, ...], shown: list[dict[str, Any]], count: int) -> Fault:
    rows, numbers = (tuple(row[name] for row in shown) for name in ("physical_row", "row_number"))
    known = {"of": shown[0]["of"], "sha256": shown[0]["sha256"]}
    return Fault("column", **_named(kind), rows=rows, numbers=numbers, count=count, **known)


def _by_kind(table: pa.Table) -> Iterable[tuple[tuple[str, ...], pa.Table]]:
    """Cut the quarantine into runs of the same place, column, concept and reason (a code within it set apart)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    head = pc.list_element(pc.split_pattern(table["reason"], ":", max_splits=1), 0)
    keyed = table.append_column("_head", head)
    names = [*_PLACE, "column", "concept", "_head"]
    if not keyed.num_rows:
        return
    order = pc.sort_indices(keyed, sort_keys=[(n, "ascending") for n in [*names, "physical_row"]])
    keyed = keyed.take(order)
    change = np.zeros(keyed.num_rows, bool)
    for name in names:
        codes = keyed[name].combine_chunks().dictionary_encode()
        codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
        index = codes.indices.to_numpy(zero_copy_only=False)
        change[1:] |= index[1:] != index[:-1]
    starts = [0, *np.flatnonzero(change).tolist(), keyed.num_rows]
    for start, end in itertools.pairwise(starts):
        rows = keyed.slice(start, end - start)
        yield tuple(rows[name][0].as_py() for name in names), rows.drop_columns(["_head"])


def _grouped(rows: list[dict[str, Any]], several: set[tuple[str, str]], marks: Mapping[Any, str]) -> list[Fault]:
    """Put rows of one column with the same text together, where one answer can serve for all."""
    same: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    out: list[Fault] = []
    for row in rows:
        if row["column"]:
            same.setdefault((*(row[name] for name in _KIND), row["text"]), []).append(row)
        else:
            out.append(_fault("row", [row]))
    for key, members in same.items():
        alone = (f"{key[0]}.{key[1]}", key[6]) not in several
        if alone and len(members) < SAME:
            out += [_fault("value", [row], marks.get(_row_key(row), "")) for row in members]
        else:
            mark = marks.get(_row_key(members[0]), "") if len(members) == 1 else ""
            out.append(_fault("group", members, mark))
    return out


def one_by_one(concept: Concept) -> bool:
    """Tell whether the same wrong text may mean another thing in each row: all but codes, areas and plain texts."""
    return concept.identifying or concept.type not in ("code", "area", "boolean", "text")


def _fault(scope: str, members: list[dict[str, Any]], mark: str = "") -> Fault:
    first = members[0]
    return Fault(
        scope,
        **_named([first[name] for name in _KIND]),
        text=first["text"] or "",
        rows=tuple(row["physical_row"] for row in members),
        numbers=tuple(row["row_number"] for row in members),
        count=len(members),
        of=first["of"],
        mark=mark,
        sha256=first["sha256"],
    )


def _row_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(row[name] for name in _PLACE), row["row_number"])


def _marks(result: IntakeResult, rows: list[dict[str, Any]]) -> dict[Any, str]:
    """Give what a department can find its rows by: its own number of the row's subject, and the name."""
    wanted: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["column"]:
            wanted.setdefault(f"{row['department']}.{row['dataset']}", []).append(row)
    out: dict[Any, str] = {}
    for name, members in wanted.items():
        if name not in result.tables:
            continue
        found: dict[Any, dict[str, Any]] = {}
        for part in result.parts(name):
            found |= rows_at(part, members, mark_columns(part))
        for row in members:
            here = found.get((row["delivery"], row["file"], row["sheet"], row["row_number"]), {})
            out[_row_key(row)] = mark_of(here, (row["concept"], f"{row['concept']}_soft"))
    return out


def mark_columns(table: pa.Table) -> list[str]:
    """Give the columns that a department can find its rows by."""
    return [c for c in (*_MARKS, "name") if c in table.column_names]


def mark_of(row: Mapping[str, Any], own: Sequence[str]) -> str:
    """Say whose row it is by a number and the name, without the columns ``own`` that are asked about.

    Of an identity number, which is no more than a help to find the row, the middle is left out.
    """
    own = ("name", *own)
    column = next((c for c in _MARKS if c not in own and row.get(c)), "")
    number = row[column] if column else ""
    if column in _MASKED and len(number) > 10:
        number = f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"
    person = row.get("name") if own.count("name") == 1 else ""
    return "\n".join(part for part in (number, person) if part)


def rows_at(
    table: pa.Table, places: Iterable[Mapping[str, Any]], columns: list[str]
) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """Give columns of the records at some places, by delivery, file, sheet and row number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = {(p["delivery"], p["file"], p["sheet"], p["row_number"]) for p in places}
    if not wanted or not columns:
        return {}
    keys = ["delivery", "file", "sheet", "row_number"]
    slim = table.select([*keys, *columns])
    for i, name in enumerate(keys):
        values = sorted({place[i] for place in wanted})
        kind = pa.int64() if name == "row_number" else pa.string()
        slim = slim.filter(pc.is_in(slim[name], value_set=pa.array(values, kind)))
    found = {tuple(row[k] for k in keys): row for row in slim.to_pylist()}
    return {place: row for place, row in found.items() if place in wanted}


def _files(sheets: Mapping[tuple[str, ...], Mapping[str, Any]]) -> list[Fault]:
    """Give faults of whole files: empty, cut off, not to be read at all; sheets that are merely blank are none."""
    out = []
    for place, row in sheets.items():
        if row["status"] in _READ or (row["status"] == "empty" and row["sheet"]):
            continue
        where = _named([*place, "", "", row["status"]])
        out.append(Fault("file", **where, sha256=row["sha256"], count=1, of=row["rows"]))
    return out


def _deliveries(
    result: IntakeResult, settings: Settings, sheets: Mapping[tuple[str, ...], Mapping[str, Any]]
) -> list[Fault]:
    """Compare each delivery with the one before of the same dataset: counties, kinds of files and rows gone."""
    import fnmatch

    out = []
    names = {area.code: area.zh for area in settings.counties}
    for name, contract in sorted(result.contracts.items()):
        held: dict[str, list[tuple[str, int]]] = {}
        for place, row in sheets.items():
            if f"{place[0]}.{place[1]}" == name and row["status"] == "read":
                held.setdefault(base_of(place[2]), []).append((place[3], row["records"]))
        days = sorted(held)
        counties = _counties(result, name) if len(days) > 1 else {}
        for before, now in itertools.pairwise(days):
            place = (contract.department, contract.dataset, now, "", "", "", "")
            gone = (counties.get(before, set()) - counties.get(now, set())) & set(names)
            out += [Fault("delivery", *place, f"county_missing:{names[code]}", count=1) for code in sorted(gone)]
            for layout in contract.layouts:
                glob = layout.files
                hit = [any(fnmatch.fnmatchcase(f, glob) for f, _ in held[day]) for day in (before, now)]
                if hit == [True, False] and layout.deliveries == "*":
                    out.append(Fault("delivery", *place, f"file_missing:{glob}", count=1))
            rows, last = (sum(n for _, n in held[day]) for day in (now, before))
            if rows < last * FEWER:
                out.append(Fault("delivery", *place, "fewer_rows", count=last - rows, of=last))
    return out


def _counties(result: IntakeResult, name: str) -> dict[str, set[str]]:
    """Give the counties that each delivery of a dataset names."""
    out: dict[str, set[str]] = {}
    for part in result.parts(name):
        if "county" not in part.column_names:
            return {}
        pairs = part.select(["delivery", "county"]).group_by(["delivery", "county"]).aggregate([])
        for row in pairs.to_pylist():
            if row["county"]:
                out.setdefault(base_of(row["delivery"]), set()).add(row["county"])
    return out
