"""Records to persons mentioned: every record's person as a row of integers, with what surrounds that person.

Which column says what comes from the pack's concepts (role, field) and from the contract (subject, rows_per_person);
no dataset is known by its name here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from commonground.people.births import DAY, DEFAULT, MONTH, NO_DAY, PRECISIONS, YEAR
from commonground.people.encode import Coder, class_label, distinct, integers, narrow, phone, split_names
from commonground.people.names import somebody
from commonground.people.nametable import NameTable, name_table
from commonground.people.numbers import id_table, number_texts

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
KIN = 8
"""Relatives of a person that are compared at most."""
KIN_ROLES = ("guardian1", "guardian2", "father", "mother", "head", "spouse")
Fields = Mapping[tuple[str, str], Sequence[str]]
"""(role, field) → the concepts that say it, such as ("guardian1", "name") → ("g1_name", "guardian_name")."""


@dataclass(frozen=True)
class Facts:
    """What a contract says about a dataset: its kind, whose record a row is, and how often a person may stand in it."""

    kind: str
    subject: str
    many: bool


@dataclass(frozen=True)
class People:
    """Persons mentioned, one a row; -1 (``NO_DAY`` for days) where nothing is said.

    Attributes
    ----------
    record, source, block : int arrays (n,)
        Record; dataset and delivery; file and sheet.
    many : bool array
        Whether the source may hold a person more than once.
    name, pinyin, sex, day, precision, id, soft, id_day, ethnicity, student : int arrays
        Who it is; ``id`` valid, ``soft`` damaged numbers, both places in ``digits``; ``id_day`` the date
        inside, or inside a student number of a child without one.
    school, school_county, cohort, klass, household, relation : int arrays
        Where it stands; ``cohort`` is the autumn in which grade 1 began.
    schools : int array (n, some)
        The schools that a name can mean that fits several; ``school`` is -1 then.
    village, address, county, phones, kin_ids, kin_names : int arrays (n, some)
        What is known about the surroundings, in any order.
    """

    names: NameTable
    digits: npt.NDArray[np.uint8]
    record: Ints
    source: Ints
    block: Ints
    many: Bools
    name: Ints
    pinyin: Ints
    sex: Ints
    day: Ints
    precision: Ints
    id: Ints
    soft: Ints
    id_day: Ints
    ethnicity: Ints
    student: Ints
    school: Ints
    schools: Ints
    school_county: Ints
    cohort: Ints
    klass: Ints
    household: Ints
    relation: Ints
    village: Ints
    address: Ints
    county: Ints
    phones: Ints
    kin_ids: Ints
    kin_names: Ints

    def __len__(self) -> int:
        return len(self.record)

    def take(self, rows: Ints) -> People:
        """Give some rows, in the order asked for."""
        kept = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in ("names", "digits")}
        return People(names=self.names, digits=self.digits, **kept)

    def with_columns(self, **columns: Any) -> People:
        """Give the same rows with some columns replaced."""
        return People(**{f.name: columns.get(f.name, getattr(self, f.name)) for f in fields(self)})


def person_fields(concepts: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Find which concepts describe which field of which person of a row."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, concept in concepts.items():
        if concept.role and concept.field:
            found.setdefault((concept.role, concept.field), []).append(name)
    return found


T = TypeVar("T")


class Coders:
    """One space of numbers for each kind of text, shared by all tables."""

    def __init__(self) -> None:
        self.name = Coder(somebody)
        self.id = Coder(lambda t: narrow(t).upper())
        self.plain: dict[str, Coder] = {}

    def of(self, space: str) -> Coder:
        """Coder of a space, such as "village" or "school"."""
        if space not in self.plain:
            self.plain[space] = Coder({"phone": phone, "class": class_label}.get(space, narrow))
        return self.plain[space]


@dataclass(frozen=True)
class TableReader:
    """Reads the columns of one table by role and field."""

    table: pa.Table
    fields: Fields
    coders: Coders
    facts: Facts

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.table.num_rows)

    def concept(self, name: str) -> pa.ChunkedArray | None:
        """Column of a concept, or None."""
        return self.table.column(name) if name in self.table.column_names else None

    def said(self, role: str, field: str) -> list[str]:
        """Concepts of the table that say ``field`` of ``role``; the row's own when the subject has none."""
        names = [c for c in self.fields.get((role, field), ()) if c in self.table.column_names]
        if not names and role == self.facts.subject and role != "self":
            names = [c for c in self.fields.get(("self", field), ()) if c in self.table.column_names]
        return names

    def numbers(self, role: str, field: str, coder: Coder) -> Ints:
        """Numbers of the first concept that says ``field``, filled up from the next."""
        out = np.full(self.rows, -1, dtype=np.int64)
        for name in self.said(role, field):
            out = np.where(out >= 0, out, coder.column(self.table.column(name), self.rows))
        return out

    def valid(self, role: str) -> Ints:
        """Valid identity numbers of a role."""
        return self.numbers(role, "id_no", self.coders.id)

    def soft(self, role: str) -> Ints:
        """Damaged identity numbers of a role."""
        out = np.full(self.rows, -1, dtype=np.int64)
        for name in self.said(role, "id_no"):
            out = np.where(out >= 0, out, self.coders.id.column(self.concept(f"{name}_soft"), self.rows))
        return out

    def birth(self, role: str) -> tuple[Ints, Ints]:
        """Days and precisions of the birth of a role, from a date or from year and month."""
        day, precision = np.full(self.rows, NO_DAY, dtype=np.int64), np.zeros(self.rows, dtype=np.int64)
        for name in self.said(role, "birth"):
            day = integers(self.concept(name), self.rows, NO_DAY)
            given = self.concept(f"{name}_precision")
            if given is None:
                precision = np.full(self.rows, DAY, dtype=np.int64)
            else:
                values, inverse = distinct(given)
                table = np.array([PRECISIONS.get(v, DAY) for v in [*values, "day"]], dtype=np.int64)
                precision = table[inverse]
        for name in self.said(role, "birth_year"):
            year = integers(self.concept(name), self.rows)
            months = self.said(role, "birth_month")
            month = integers(self.concept(months[0]), self.rows) if months else np.full(self.rows, -1)
            first = (np.maximum(year, 1) - 1970).astype("datetime64[Y]").astype("datetime64[M]")
            first = first + np.maximum(month - 1, 0)
            made = first.astype("datetime64[D]").astype(np.int64)
            use = (day == NO_DAY) & (year > 0)
            precision = np.where(use, np.where(month > 0, MONTH, YEAR), precision)
            day = np.where(use, made, day)
        return day, np.where(day == NO_DAY, 0, precision)


def _student(reader: TableReader) -> dict[str, Ints]:
    """What student numbers say, one distinct number at a time.

    ``G`` stands before the identity number: ``id`` when that holds, ``soft`` when it does not. ``J`` and ``L`` stand
    before numbers for children without one; these are ``student``, and ``student_day`` is the date of birth inside
    them. A child whose number changes from J or L to G is found again by name, date and what else agrees, and then has
    both.
    """
    none = np.full(reader.rows, -1, dtype=np.int64)
    out = {"student": none, "id": none, "soft": none, "student_day": np.full(reader.rows, NO_DAY, dtype=np.int64)}
    for name in reader.said(reader.facts.subject, "student_no"):
        values, inverse = distinct(reader.table.column(name))
        texts = [narrow(v).upper() for v in values]
        inside = id_table([t[1:] for t in texts])
        general = np.array([t.startswith("G") for t in texts], dtype=bool)
        whole, broken = general & inside.valid, general & ~inside.valid
        numbers = [reader.coders.id.one(n) if n else -1 for n in number_texts(inside)]
        soft = [reader.coders.id.one(t[1:]) if b else -1 for t, b in zip(texts, broken.tolist(), strict=True)]
        plain = [-1 if w else reader.coders.of("student").one(t) for t, w in zip(texts, whole.tolist(), strict=True)]
        at = np.where(inverse >= 0, inverse, len(texts))
        out["student"] = np.array([*plain, -1], dtype=np.int64)[at]
        out["id"] = np.append(np.where(whole, np.array(numbers, dtype=np.int64), -1), -1)[at]
        out["soft"] = np.array([*soft, -1], dtype=np.int64)[at]
        out["student_day"] = np.append(np.where(general, NO_DAY, inside.day), NO_DAY)[at]
    return out


def _kin(reader: TableReader, household: Ints, name: Ints, number: Ints) -> tuple[Ints, Ints]:
    """Numbers and names of relatives: those named in the row, and the others of the same household."""
    ids, names = [], []
    for role in KIN_ROLES:
        if role != reader.facts.subject:
            ids.append(reader.valid(role))
            names.append(reader.numbers(role, "name", reader.coders.name))
    for concept in reader.said("members", "name"):
        values, inverse = distinct(reader.table.column(concept))
        lists = [[reader.coders.name.one(n) for n in split_names(v)][: KIN + 1] for v in values]
        grid = np.full((len(lists) + 1, KIN + 1), -1, dtype=np.int64)
        for i, row in enumerate(lists):
            grid[i, : len(row)] = row
        members = grid[inverse]
        names += [np.where(members[:, k] == name, -1, members[:, k]) for k in range(KIN + 1)]
    others = mates(household, 6)
    for k in range(others.shape[1]):
        there = others[:, k] >= 0
        ids.append(np.where(there, number[others[:, k]], -1))
        names.append(np.where(there, name[others[:, k]], -1))
    return compact(np.stack(ids, axis=1)), compact(np.stack(names, axis=1))


def mates(group: Ints, size: int) -> Ints:
    """Rows of the same group as each row, at most ``size`` of them; -1 beyond. Group -1 has none."""
    order = np.argsort(group, kind="stable")
    at = group[order]
    start = np.searchsorted(at, at, side="left")
    count = np.searchsorted(at, at, side="right") - start
    place = np.arange(len(group)) - start
    out = np.full((len(group), size), -1, dtype=np.int64)
    for k in range(size):
        there = (count > k + 1) & (at >= 0) & (count <= 30)
        partner = order[np.where(there, start + (place + k + 1) % np.maximum(count, 1), 0)]
        out[order, k] = np.where(there, partner, -1)
    return out


def compact(grid: Ints, width: int = KIN) -> Ints:
    """Move entries to the left past the empty ones and keep the first ``width``."""
    order = np.argsort(grid < 0, axis=1, kind="stable")
    moved = np.take_along_axis(grid, order, axis=1)
    if moved.shape[1] < width:
        moved = np.hstack([moved, np.full((len(moved), width - moved.shape[1]), -1, dtype=np.int64)])
    return moved[:, :width]


def read_table(reader: TableReader, household: Ints) -> dict[str, Ints]:
    """Columns of ``People`` that can be read from one table alone."""
    subject, coders = reader.facts.subject, reader.coders
    name = reader.numbers(subject, "name", coders.name)
    student = _student(reader)
    number = reader.valid(subject)
    number = np.where(number >= 0, number, student["id"])
    soft = reader.soft(subject)
    soft = np.where(soft >= 0, soft, student["soft"])
    day, precision = reader.birth(subject)
    kin_ids, kin_names = _kin(reader, household, name, number)
    own_phone = [reader.numbers(subject, "phone", coders.of("phone"))]
    kin_phones = [reader.numbers(r, "phone", coders.of("phone")) for r in KIN_ROLES if r != subject]
    sexes = reader.numbers(subject, "sex", Coder())
    said = reader.said(subject, "sex")
    if said:
        values, inverse = distinct(reader.table.column(said[0]))
        sexes = np.array([int(v) if v in ("1", "2") else -1 for v in values] + [-1], dtype=np.int64)[inverse]
    return {
        "name": name,
        "pinyin": reader.numbers(subject, "name_pinyin", coders.name),
        "sex": sexes,
        "day": day,
        "precision": precision,
        "id": number,
        "soft": np.where(number >= 0, -1, soft),
        "ethnicity": reader.numbers(subject, "ethnicity", coders.of("ethnicity")),
        "student": student["student"],
        "student_day": student["student_day"],
        "relation": reader.numbers(subject, "relation", coders.of("relation")),
        "phones": compact(np.stack(own_phone + kin_phones, axis=1), 4),
        "kin_ids": kin_ids,
        "kin_names": kin_names,
    }


CROWD = 30
"""Persons of one name and more whom a telephone number can belong to before it is nobody's: a school's, a village's."""


def private(phones: Ints, name: Ints, source: Ints) -> Ints:
    """Take out telephone numbers that stand beside more than ``CROWD`` different names in one source."""
    width = phones.shape[1]
    number, who, where = phones.ravel(), np.repeat(name, width), np.repeat(source, width)
    use = (number >= 0) & (who >= 0)
    base = int(number.max(initial=0)) + 1
    pairs = np.unique(np.stack([where[use] * base + number[use], who[use]]), axis=1)[0]
    keys, count = np.unique(pairs, return_counts=True)
    crowded = keys[count > CROWD]
    if not len(crowded):
        return phones
    public = np.isin(np.where(number >= 0, where * base + number, -1), crowded).reshape(phones.shape)
    return compact(np.where(public, -1, phones), width)


def finish(columns: dict[str, Ints], coders: Coders) -> People:
    """Join the columns of all tables with the tables of names and numbers."""
    ids = id_table(coders.id.texts or [""])
    student_day = columns.pop("student_day")
    table = name_table(coders.name.texts, stable=True)
    sounds = table.sound if len(table.sound) else np.zeros(1, dtype=np.int64)
    kin = np.where(columns["kin_names"] >= 0, sounds[np.maximum(columns["kin_names"], 0)], -1)
    number = columns["id"]
    vague = (columns["day"] == NO_DAY) | np.isin(columns["precision"], (MONTH, YEAR, DEFAULT))
    id_day = np.where(number >= 0, ids.day[np.maximum(number, 0)], student_day)
    return People(
        names=table, digits=ids.digits, id_day=id_day, **{**columns, "kin_names": kin,
        "phones": private(columns["phones"], columns["name"], columns["source"]),
        "day": np.where(vague & (id_day != NO_DAY), id_day, columns["day"]),
        "precision": np.where(vague & (id_day != NO_DAY), DAY, columns["precision"])},
    )  # fmt: skip
