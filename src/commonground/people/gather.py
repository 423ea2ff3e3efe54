"""All tables of a city to one table of persons mentioned, with the places and schools that only all of them tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from commonground.intake.carry import carry
from commonground.people.aliases import apply
from commonground.people.births import NO_DAY
from commonground.people.encode import Coder, area_stem, class_grade, distinct, integers, narrow
from commonground.people.kin import Kin, joined, read_kin
from commonground.people.mentions import Coders, Facts, Fields, People, TableReader, compact, finish, read_table
from commonground.people.numbers import id_table
from commonground.people.schools import POSSIBLE, School, list_schools, meant_schools, named_only, one_school

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
SCHOOL_YEAR_BEGINS = 8
"""Month from which a date belongs to the school year that begins in that autumn."""


@dataclass(frozen=True)
class Gathered:
    """Persons mentioned, and what their numbers stand for."""

    people: People
    kin: Kin
    sources: tuple[tuple[str, str], ...]
    ids: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]
    schools: Mapping[str, School]
    codes: Mapping[str, list[str | None]]


def gather(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Facts],
    person: Fields,
    merged: Callable[[str], str | None] = lambda code: None,
    aliases: pa.Table | None = None,
) -> Gathered:
    """Read every table whose rows are about persons; rows of files delivered before are left out.

    Parameters
    ----------
    tables : mapping
        ``department.dataset`` → Arrow table as from intake.
    facts : mapping
        ``department.dataset`` → what its contract says.
    person : mapping
        Which concepts say which field of whom.
    merged : callable, optional
        Six digits → the city's own area that stands for them today, None where it is none of the city's.
    aliases : pa.Table, optional
        Student numbers that were replaced, as ``aliases.read`` gives them.
    """
    import pyarrow.compute as pc

    names = sorted(tables)
    schools = list_schools(tables[n] for n in names)
    coders, parts, at = Coders(), list[dict[str, Ints]](), 0
    sources, kin = list[tuple[str, str]](), list[Kin]()
    every = {**schools, **named_only((tables[n] for n in names), schools)}
    meant = {n: meant_schools(tables[n], every) for n in names}
    codes = {n: one_school(meant[n]) for n in names}
    stems = village_stems([tables[n] for n in names])
    blocks = Coder()
    for name in names:
        fact, table = facts[name], tables[name]
        if not fact.subject:
            continue
        keep = pc.equal(table.column("status"), "record")
        kept = np.flatnonzero(keep.to_numpy(zero_copy_only=False))
        if not len(kept):
            continue
        reader = TableReader(table.take(kept), person, coders, fact)
        grid, written = meant[name]
        part = _columns(reader, (grid[kept], written), schools, stems, blocks, sources, name, at)
        parts.append(part)
        kin.append(read_kin(reader, at))
        at += len(kept)
    columns = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]} if parts else _empty()
    day = columns.pop("as_of")
    if aliases is not None and len(day):
        apply(aliases, columns, coders, day)
    columns["county"] = _from_numbers(columns, coders)
    columns |= _today(columns, coders, [tables[n] for n in names], merged)
    people = finish(columns, coders)
    texts = {space: tuple(coder.texts) for space, coder in coders.plain.items()}
    return Gathered(people, joined(kin), tuple(sources), tuple(coders.id.texts), texts, schools, codes)


def _columns(
    reader: TableReader,
    meant: tuple[Ints, list[str]],
    schools: Mapping[str, School],
    stems: Mapping[str, str],
    blocks: Coder,
    sources: list[tuple[str, str]],
    name: str,
    at: int,
) -> dict[str, Ints]:
    rows, coders = reader.rows, reader.coders
    deliveries, d = distinct(reader.table.column("delivery"))
    base = len(sources)
    sources += [(name, delivery) for delivery in deliveries]
    files, f = distinct(reader.table.column("file"))
    sheets, s = distinct(reader.table.column("sheet"))
    packed, inverse = np.unique((d * len(files) + f) * (len(sheets) + 1) + s + 1, return_inverse=True)
    block = np.array([blocks.one(f"{name}|{p}") for p in packed.tolist()], dtype=np.int64)[inverse]
    household = _household(reader, name, d)
    out = read_table(reader, household + at * (household >= 0))
    grid, written = meant
    numbers = np.array([*(coders.of("school").one(c) for c in written), -1], dtype=np.int64)[grid]
    several = grid[:, 1] >= 0
    counties = [schools[c].county if c in schools else None for c in written]
    of_school = np.array([*(coders.of("county").one(c) for c in counties), -1], dtype=np.int64)
    of_school = np.where(several, -1, of_school[grid[:, 0]])
    said = coders.of("county").column(reader.concept("county"), rows)
    out |= _places(reader, stems, said)
    out |= {
        "record": integers(reader.table.column("record_id"), rows),
        "as_of": integers(reader.concept("as_of"), rows, NO_DAY),
        "source": base + d,
        "block": block,
        "many": np.full(rows, reader.facts.many),
        "household": np.where(household >= 0, household + at, -1),
        "school": np.where(several, -1, numbers[:, 0]),
        "schools": np.where(several[:, None], numbers, -1),
        "school_county": np.where(of_school >= 0, of_school, said),
        "cohort": _cohort(reader),
        "klass": coders.of("class").column(reader.concept("class"), rows),
    }
    return out


def _household(reader: TableReader, name: str, delivery: Ints) -> Ints:
    """Number of the household within this table and delivery, from 0; -1 where there is none."""
    numbers = reader.numbers(reader.facts.subject, "household_no", Coder())
    packed = np.where(numbers >= 0, numbers * (delivery.max(initial=0) + 1) + delivery, -1)
    values, inverse = np.unique(packed, return_inverse=True)
    out: Ints = inverse - int(len(values) > 0 and values[0] == -1)
    return out


def _cohort(reader: TableReader) -> Ints:
    grade = integers(reader.concept("grade"), reader.rows)
    year = integers(reader.concept("school_year"), reader.rows)
    month = (
        integers(reader.concept("as_of"), reader.rows, 0)
        .astype("datetime64[D]")
        .astype("datetime64[M]")
        .astype(np.int64)
    )
    guessed = 1970 + month // 12 - (month % 12 + 1 < SCHOOL_YEAR_BEGINS)
    grade = np.where(grade > 0, grade, _grade_of_class(reader))
    year = np.where(year > 0, year, guessed)
    return np.where(grade > 0, year - grade + 1, -1)


def _grade_of_class(reader: TableReader) -> Ints:
    """Grades that stand in the names of classes; -1 where none does."""
    column, day = reader.concept("class"), integers(reader.concept("as_of"), reader.rows, -1)
    if column is None or (day < 0).any():
        return np.full(reader.rows, -1, dtype=np.int64)
    values, at = distinct(column)
    packed, inverse = np.unique((at + 1) * np.int64(1 << 24) + day, return_inverse=True)
    name, date = np.divmod(packed, np.int64(1 << 24))
    found = [
        class_grade(values[n - 1], np.datetime64(d, "D").astype(dt.date)) if n else -1
        for n, d in zip(name.tolist(), date.tolist(), strict=True)
    ]
    return np.array(found, dtype=np.int64)[inverse]


def village_stems(tables: list[pa.Table]) -> dict[str, str]:
    """Learn which village an address lies in, from the records that hold both: stem of the address → village code."""
    seen: dict[str, dict[str, int]] = {}
    for table in tables:
        _learn_names(table, seen)
        written = [c for c in ("address", "hukou_address") if c in table.column_names]
        if "village_code" not in table.column_names or not written:
            continue
        codes, a = distinct(table.column("village_code"))
        texts, b = distinct(table.column(written[0]))  # the code is of the present place, or of the only one there is
        stems = [area_stem(t) for t in texts]
        both = (a >= 0) & (b >= 0)
        packed, count = np.unique(a[both] * max(1, len(texts)) + b[both], return_counts=True)
        for pair, n in zip(packed.tolist(), count.tolist(), strict=True):
            stem = stems[pair % len(texts)]
            if stem:
                by = seen.setdefault(stem, {})
                code = codes[pair // len(texts)]
                by[code] = by.get(code, 0) + n
    learnt = {
        s: min(by, key=lambda c: (-by[c], c)) for s, by in seen.items() if max(by.values()) > 0.8 * sum(by.values())
    }
    return {**_by_ending(tables, learnt), **learnt}


def _by_ending(tables: list[pa.Table], learnt: Mapping[str, str]) -> dict[str, str]:
    """Find addresses that end with township and village as other tables name them: stem → code, or the names."""
    names, stems = set[str](), set[str]()
    for table in tables:
        if "township" in table.column_names and "village" in table.column_names:
            both = table.select(["township", "village"]).group_by(["township", "village"]).aggregate([]).to_pylist()
            names |= {narrow(r["township"] + r["village"]) for r in both if r["township"] and r["village"]}
        for concept in ("address", "hukou_address"):
            if concept in table.column_names:
                stems |= {area_stem(t) for t in distinct(table.column(concept))[0]}
    found = {}
    for stem in stems - set(learnt) if names else ():
        end = next((stem[k:] for k in range(len(stem) - 3) if stem[k:] in names), None)
        if end:
            found[stem] = learnt.get(end) or f"~{end}"
    return found


def _learn_names(table: pa.Table, seen: dict[str, dict[str, int]]) -> None:
    """Learn which code goes with a township and a village's name written beside it."""
    wanted = ("township", "village", "village_code")
    if not all(c in table.column_names for c in wanted):
        return
    rows = table.select(wanted).group_by(list(wanted), use_threads=False).aggregate([]).to_pylist()
    for row in rows:
        if all(row[c] for c in wanted):
            seen.setdefault(narrow(row["township"] + row["village"]), {}).setdefault(row["village_code"], 1)


def _places(reader: TableReader, stems: Mapping[str, str], said: Ints) -> dict[str, Ints]:
    rows, coders, subject = reader.rows, reader.coders, reader.facts.subject
    village, address = coders.of("village"), coders.of("address")
    inside = [village.column(reader.concept(c), rows) for c in ("village_code", "residence_village")]
    inside.append(_village_names(reader, stems))
    written = []
    for field in ("address", "hukou_address"):
        written.append(reader.numbers(subject, field, address))
        for concept in reader.said(subject, field):
            values, inverse = distinct(reader.table.column(concept))
            known = np.array([village.one(stems.get(area_stem(v))) for v in values] + [-1], dtype=np.int64)
            inside.append(known[inverse])
    villages = compact(np.stack(inside, axis=1), 2)
    county = coders.of("county")
    prefix = np.array([county.one(t[:6]) if t[:1] != "~" else -1 for t in village.texts] + [-1], dtype=np.int64)
    named = [county.column(reader.concept(c), rows) for c in ("area", "hukou_area")]
    counties = np.column_stack([prefix[villages], *named, said])
    return {"village": villages, "address": compact(np.stack(written, axis=1), 2), "county": compact(counties, 4)}


def _village_names(reader: TableReader, stems: Mapping[str, str]) -> Ints:
    """Villages written by name alone: the code that goes with township and name, else the names themselves."""
    village, names = reader.coders.of("village"), reader.concept("village")
    if names is None:
        return np.full(reader.rows, -1, dtype=np.int64)
    texts, a = distinct(names)
    above = reader.concept("township")
    towns, b = distinct(above) if above is not None else ([], np.full(reader.rows, -1, dtype=np.int64))
    packed, inverse = np.unique((a + 1) * (len(towns) + 1) + b + 1, return_inverse=True)
    found = []
    for pair in packed.tolist():
        name, town = pair // (len(towns) + 1) - 1, pair % (len(towns) + 1) - 1
        text = narrow((towns[town] if town >= 0 else "") + (texts[name] if name >= 0 else ""))
        found.append(village.one(stems.get(text) or f"~{text}") if name >= 0 and text else -1)
    return np.array(found, dtype=np.int64)[inverse]


def _from_numbers(columns: dict[str, Ints], coders: Coders) -> Ints:
    """Counties of each person; where no place is said, the county of the first registration, inside the number."""
    ids, county = id_table(coders.id.texts or [""]), coders.of("county")
    codes, inverse = np.unique(np.where(ids.valid, ids.area, -1), return_inverse=True)
    area = np.append(np.array([county.one(f"{c:06d}") if c > 0 else -1 for c in codes.tolist()])[inverse], -1)
    out = columns["county"].copy()
    silent = out[:, 0] < 0
    out[silent, 0] = area[columns["id"][silent]]
    return out


def _today(
    columns: dict[str, Ints], coders: Coders, tables: list[pa.Table], merged: Callable[[str], str | None]
) -> dict[str, Ints]:
    """Counties and villages under the codes that hold on the last day that any table describes.

    Registers, and identity numbers, go on bearing codes of counties that were merged or renamed; two codes of one place
    must be one place. What the city's own settings say of its areas comes first.
    """
    days = [int(integers(t.column("as_of"), t.num_rows).max(initial=-1)) for t in tables if "as_of" in t.column_names]
    if max(days, default=-1) < 0:
        return {}
    last = np.datetime64(max(days), "D").astype(dt.date)
    out: dict[str, Ints] = {}
    for space, fields_ in (("county", ("county", "school_county")), ("village", ("village",))):
        coder = coders.of(space)
        carried = carry([t[:6] for t in coder.texts], last, last)
        codes = [merged(t[:6]) or c for t, c in zip(coder.texts, carried.codes.tolist(), strict=True)]
        pairs = list(zip(coder.texts, codes, strict=True))
        number = np.array([coder.one(t if code is None else code + t[6:]) for t, code in pairs] + [-1], dtype=np.int64)
        out |= {f: number[columns[f]] for f in fields_}
    return out


def _empty() -> dict[str, Ints]:
    """Columns of nobody."""
    wide = {"village": 2, "address": 2, "county": 4, "phones": 4, "kin_ids": 8, "kin_names": 8, "schools": POSSIBLE}
    names = [f.name for f in fields(People) if f.name not in ("names", "digits", "id_day")]
    names += ["student_day", "as_of"]
    none = {n: np.zeros((0, wide[n]) if n in wide else 0, dtype=np.int64) for n in names}
    return none | {"many": np.zeros(0, dtype=bool)}
