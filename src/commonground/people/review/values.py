"""What two records say of their persons, for the eyes of a reviewer: the fields that linking compared and no others.

No grade, mark, finding of a doctor, allowance or other variable is read here: a field that is not in ``LABELS`` cannot
be shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import Said
from commonground.intake import areas
from commonground.intake.model import Contract, IntakeResult, Pack
from commonground.people.encode import phone, split_names
from commonground.people.mentions import KIN_ROLES, Coders, Facts, TableReader, person_fields
from commonground.people.review import marks
from commonground.people.review.marks import Marked

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = {
    "name": Said("姓名", "Name"),
    "birth": Said("出生日期", "Date of birth"),
    "sex": Said("性别", "Sex"),
    "id": Said("证件号", "Identity number"),
    "student": Said("学籍号", "Student number"),
    "school": Said("学校", "School"),
    "class": Said("学年：年级-班", "School year: grade-class"),
    "place": Said("住址、户籍地", "Address, place of registration"),
    "phone": Said("电话", "Telephone"),
    "kin": Said("亲属", "Relatives"),
    "kin_id": Said("亲属证件号", "Relatives' identity numbers"),
    "ethnicity": Said("民族", "Ethnicity"),
}
"""What a reviewer may see, in this order."""
ALWAYS = ("name", "birth", "sex", "id")
"""Shown even where one record does not say it."""
LONGEST = 120
"""Characters of one value that are shown."""
MOST = 8
"""Relatives, addresses and numbers that are shown."""


@dataclass(frozen=True)
class Values:
    """What one record says, field by field: texts of field → values; ``birth_precision`` as intake gives it.

    Attributes
    ----------
    source : str
        ``department.dataset/delivery``.
    title : Said
        Title of the dataset.
    as_of : str
        The day that the record describes.
    fields : mapping
        Field of ``LABELS`` → values in both languages.
    birth_precision : str
        ``day``, ``month``, ``year``, ``lunar`` or ``default``.
    """

    source: str
    title: Said
    as_of: str
    fields: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    birth_precision: str = "day"

    def said(self, name: str, lang: str) -> tuple[str, ...]:
        """Values of a field in one language."""
        return tuple(dict.fromkeys(v(lang)[:LONGEST] for v in self.fields.get(name, ())))[:MOST]


@dataclass(frozen=True)
class Line:
    """One field of a pair, marked, in one language."""

    field: str
    marked: Marked


def compare_values(left: Values, right: Values, lang: str) -> tuple[Line, ...]:
    """Mark where two records differ, field by field.

    What one of them does not say cannot be compared and is left out, but for name, birth, sex and number, which say
    something of each other (the number holds the day of birth and the sex).
    """
    out = []
    for name in LABELS:
        a, b = left.said(name, lang), right.said(name, lang)
        if (not a and not b) or (name not in ALWAYS and not (a and b)):
            continue
        one, two = (a or ("",))[0], (b or ("",))[0]
        if name == "name":
            marked = min((marks.names(x, y) for x in a or ("",) for y in b or ("",)), key=lambda m: not m.same)
        elif name == "birth":
            marked = marks.dates(one, two, left.birth_precision, right.birth_precision)
        elif name in ("id", "student"):
            marked = marks.numbers(one, two, 14 if name == "id" else 15)
        elif name in ("phone", "kin_id"):
            marked = marks.any_number(a, b, 3 if name == "phone" else 6)
        elif name in ("kin", "place"):
            marked = marks.sets(a, b)
        else:
            marked = marks.texts(one, two)
        out.append(Line(name, marked))
    return tuple(out)


def read_values(city: City, intake: IntakeResult, pack: Pack, records: Sequence[int]) -> dict[int, Values]:
    """Read what the records ``records`` say; their tables are loaded one after the other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(set(records)), pa.int64())
    fields = person_fields(pack.concepts)
    out: dict[int, Values] = {}
    for name, contract in sorted(intake.contracts.items()):
        if not contract.subject or name not in intake.tables:
            continue
        table = intake.tables[name]
        rows = table.filter(pc.is_in(table.column("record_id"), wanted))
        if rows.num_rows:
            facts = Facts(contract.kind.name, contract.subject, contract.rows_per_person == "many")
            reader = _Reader(city, pack, TableReader(rows, fields, Coders(), facts), contract, _mates(table, rows))
            out |= {int(r): v for r, v in zip(rows.column("record_id").to_pylist(), reader.all(), strict=True)}
    return out


def _mates(table: pa.Table, rows: pa.Table) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Names of those who stand in the same household of the same delivery, with their records."""
    import pyarrow.compute as pc

    if not {"household_no", "name"} <= set(table.column_names):
        return {}
    inside = pc.is_in(table.column("household_no"), rows.column("household_no").combine_chunks())
    found = table.filter(pc.and_(inside, pc.is_valid(table.column("household_no"))))
    out: dict[tuple[str, str], list[tuple[int, str]]] = {}
    columns = (found.column(c).to_pylist() for c in ("household_no", "delivery", "record_id", "name"))
    for home, delivery, record, who in zip(*columns, strict=True):
        if who:
            out.setdefault((home, delivery), []).append((record, who))
    return out


class _Reader:
    """Reads the few rows of one table that reviewers will see."""

    def __init__(
        self,
        city: City,
        pack: Pack,
        reader: TableReader,
        contract: Contract,
        mates: Mapping[tuple[str, str], list[tuple[int, str]]],
    ) -> None:
        self.city, self.pack, self.reader, self.contract, self.mates = city, pack, reader, contract, mates
        self.subject = reader.facts.subject
        self.row: dict[str, Any] = {}

    def all(self) -> list[Values]:
        """Give the values of every row, in order."""
        return [self._one(row) for row in self.reader.table.to_pylist()]

    def _one(self, row: dict[str, Any]) -> Values:
        self.row = row
        fields = {
            "name": self._texts("name") + self._texts("name_pinyin"),
            "birth": self._birth(),
            "sex": self._coded("sex"),
            "id": self._texts("id_no") + self._soft() + self._inside(),
            "student": self._texts("student_no"),
            "school": self._first("school_name", "school_short", "school_code"),
            "class": self._class(),
            "place": self._places(),
            "phone": self._phones(),
            "kin": self._kin("name"),
            "kin_id": self._kin("id_no"),
            "ethnicity": self._coded("ethnicity"),
        }
        names = self.reader.said(self.subject, "birth")
        precision = next((row[f"{n}_precision"] for n in names if row.get(f"{n}_precision")), "day")
        if not row.get(names[0] if names else "") and fields["birth"]:
            precision = "month" if len(fields["birth"][0].zh) == 7 else "year"
        source = f"{row['department']}.{row['dataset']}/{row['delivery']}"
        kept = {n: v for n, v in fields.items() if v}
        return Values(source, self.contract.title, str(row["as_of"] or ""), kept, precision)

    def _texts(self, name: str, role: str = "") -> tuple[Said, ...]:
        values = [self.row.get(c) for c in self.reader.said(role or self.subject, name)]
        return tuple(Said(str(v).strip(), str(v).strip()) for v in values if v not in (None, ""))

    def _soft(self) -> tuple[Said, ...]:
        values = [self.row.get(f"{c}_soft") for c in self.reader.said(self.subject, "id_no")]
        return tuple(Said(str(v), str(v)) for v in values if v)

    def _inside(self) -> tuple[Said, ...]:
        """Identity numbers inside student numbers (G and the number), by which records are linked too."""
        texts = (v.zh.strip().upper() for v in self._texts("student_no"))
        return tuple(Said(t[1:], t[1:]) for t in texts if len(t) == 19 and t[0] == "G")

    def _birth(self) -> tuple[Said, ...]:
        days = self._texts("birth")
        if days:
            return days[:1]
        years, months = self._texts("birth_year"), self._texts("birth_month")
        if not years:
            return ()
        text = f"{years[0].zh}-{int(months[0].zh):02d}" if months else years[0].zh
        return (Said(text, text),)

    def _coded(self, name: str) -> tuple[Said, ...]:
        out = []
        for concept in self.reader.said(self.subject, name):
            codes, value = self.pack.concepts[concept].codes, self.row.get(concept)
            if value is not None:
                out.append(codes.labels.get(value, Said(value, value)) if codes else Said(str(value), str(value)))
        return tuple(out)

    def _first(self, *concepts: str) -> tuple[Said, ...]:
        value = next((self.row[c] for c in concepts if self.row.get(c)), None)
        return () if value is None else (Said(str(value), str(value)),)

    def _class(self) -> tuple[Said, ...]:
        year, grade, klass = (self.row.get(c) for c in ("school_year", "grade", "class"))
        if grade is None and not klass:
            return ()
        text = f"{year or '—'}：{grade or '—'}-{klass or '—'}"
        return (Said(text, text.replace("：", ": ")),)

    def _places(self) -> tuple[Said, ...]:
        out = []
        for concept in self.reader.said(self.subject, "hukou_area"):
            out.append(self._area(self.row.get(concept)))
        out += [*self._texts("address"), *self._texts("hukou_address")]
        if not out:
            out += [self._area((self.row.get(c) or "")[:6]) for c in ("village_code", "residence_village")]
        return tuple(p for p in out if p.zh)

    def _area(self, code: str | None) -> Said:
        if not code:
            return Said("", "")
        own = self.city.settings.area(code)
        if own is not None:
            return Said(own.zh, own.en)
        found = areas.name(code, self.row.get("as_of") or dt.date.today(), full=True) or code
        return Said(found, found)

    def _phones(self) -> tuple[Said, ...]:
        roles = [self.subject, *(r for r in KIN_ROLES if r != self.subject)]
        found = [phone(v.zh) for role in roles for v in self._texts("phone", role)]
        return tuple(Said(p, p) for p in dict.fromkeys(found) if p)

    def _kin(self, name: str) -> tuple[Said, ...]:
        found = [v for role in KIN_ROLES if role != self.subject for v in self._texts(name, role)]
        if name == "name":
            listed = [n for v in self._texts("name", "members") for n in split_names(v.zh)]
            home = (str(self.row.get("household_no")), str(self.row.get("delivery")))
            listed += [who for record, who in self.mates.get(home, ()) if record != self.row["record_id"]]
            found += [Said(n, n) for n in listed]
            own = {v.zh for v in self._texts("name")}
            found = [v for v in found if v.zh not in own]
        return tuple(dict.fromkeys(found))
