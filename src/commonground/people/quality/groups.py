"""Which groups the persons of a city belong to, as far as their records say: for whom linking works less well.

Groups are found by the pack's concepts, never by the name of a dataset. A person is of a group when any record says
so; a record that says nothing takes the group of its person, and one that was joined to nobody takes that of the person
it would most likely have been joined to, else its misses would all fall on “not known”.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import Said
from commonground.people.births import NO_DAY
from commonground.people.characters import INTERPUNCTS
from commonground.people.encode import distinct, integers

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import Settings
    from commonground.people.model import Linked

Ints = npt.NDArray[np.int64]
HAN = "01"
"""Code of the Han in GB/T 3304."""
LONG_NAME = 5
"""Characters from which a name without a dot counts as long: Han names have four at most, but for very few."""
AGES = ((0, 5), (6, 11), (12, 14), (15, 17), (18, 59), (60, 120))
_UNKNOWN = Said("不详", "not known")


@dataclass(frozen=True)
class Axis:
    """One way of grouping: name, words, and its categories in order; the last is “not known”."""

    name: str
    said: Said
    categories: tuple[tuple[str, Said], ...]

    @property
    def unknown(self) -> int:
        """Place of “not known”."""
        return len(self.categories) - 1


def _axis(name: str, said: Said, *categories: tuple[str, str, str]) -> Axis:
    return Axis(name, said, (*((key, Said(zh, en)) for key, zh, en in categories), ("unknown", _UNKNOWN)))


def _age_axis() -> Axis:
    names = [(f"{a}-{b}", f"{a}—{b} 岁", f"{a}–{b} years") for a, b in AGES[:-1]]
    return _axis("age", Said("年龄", "Age"), *names, ("60+", "60 岁及以上", "60 years and over"))


AXES: tuple[Axis, ...] = (
    _axis(
        "county_type", Said("县区类型", "Kind of county"), ("urban", "市辖区", "urban districts"),
        ("rural", "县", "rural counties"), ("outside", "市外", "outside the city"),
    ),
    _axis(
        "name_form", Said("姓名写法", "Form of the name"),
        ("han", "四字以内、无间隔号", "up to four characters, no dot"),
        ("long", "带间隔号或五字以上", "with a dot, or five characters and more"),
    ),
    _axis(
        "ethnicity", Said("民族", "Ethnicity"), ("han", "汉族", "Han"), ("minority", "少数民族", "ethnic minorities")
    ),
    _axis(
        "migrant", Said("流动", "Migration"), ("no", "户口在现居县区", "registered in the county of residence"),
        ("yes", "户口在别处或标明随迁", "registered elsewhere, or recorded as a migrant’s child"),
    ),
    _axis(
        "parents_away", Said("父母外出", "Parents away"), ("no", "标明非留守", "recorded as not left behind"),
        ("yes", "标明父母外出", "recorded with a parent away"),
    ),
    _axis("sex", Said("性别", "Sex"), ("male", "男", "male"), ("female", "女", "female")),
    _age_axis(),
)  # fmt: skip
BY_NAME = {axis.name: axis for axis in AXES}


@dataclass(frozen=True)
class Groups:
    """Category of each unit on each axis, as places in the axis's categories."""

    value: Mapping[str, Ints]

    def take(self, rows: Ints) -> Groups:
        """Give some units."""
        return Groups({name: column[rows] for name, column in self.value.items()})


def person_value(value: Ints, entity: Ints, size: int, unknown: int) -> Ints:
    """For each person, the category that most of its units say; ``unknown`` where none says any.

    Parameters
    ----------
    value, entity : int arrays (units,)
        Category and person of each unit.
    size : int
        Persons are numbered below this.
    unknown : int
        The last category; it never outvotes a known one.
    """
    count = np.bincount(entity * (unknown + 1) + value, minlength=size * (unknown + 1)).reshape(size, unknown + 1)
    found: Ints = np.argmax(count[:, :unknown], axis=1).astype(np.int64)
    found[count[:, :unknown].max(axis=1, initial=0) == 0] = unknown
    return found


def spread(value: Ints, entity: Ints, likeliest: Ints, unknown: int) -> Ints:
    """Fill units that say nothing from their person, then from the person they would likeliest have been joined to."""
    person = person_value(value, entity, len(value), unknown)
    own = np.where(value == unknown, person[entity], value)
    near = np.where(likeliest >= 0, person[entity[np.maximum(likeliest, 0)]], unknown)
    out: Ints = np.where(own == unknown, near, own)
    return out


def find_groups(
    linked: Linked, tables: Mapping[str, pa.Table], settings: Settings, county: Ints, likeliest: Ints
) -> Groups:
    """Find the groups of all units.

    Parameters
    ----------
    linked : Linked
        Who is who.
    tables : mapping
        ``department.dataset`` → records as from intake.
    settings : Settings
        The city's, for the day on which age is counted.
    county : int array (rows,)
        Kind of county of each row of ``linked.gathered.people``, as a place in the axis's categories.
    likeliest : int array (units,)
        Unit that each would likeliest have been joined to; -1 for none.
    """
    units, entity = linked.spine.units, linked.spine.entity
    n = len(units)
    rows = np.zeros(n, dtype=np.int64)
    rows[linked.place[::-1]] = np.arange(len(linked.place))[::-1]
    raw = {
        "county_type": county[rows] if n else np.zeros(0, dtype=np.int64),
        "name_form": _name_form(units.name, units.names.texts),
        "ethnicity": _minority(units.ethnicity, linked.gathered.texts.get("ethnicity", ())),
        "sex": np.where(units.sex == 1, 0, np.where(units.sex == 2, 1, 2)),
        "age": _age(units.day, np.datetime64(settings.reference_date).astype("datetime64[D]").astype(np.int64)),
        **_flags(linked, tables),
    }
    return Groups({name: spread(column, entity, likeliest, BY_NAME[name].unknown) for name, column in raw.items()})


def _name_form(name: Ints, texts: Any) -> Ints:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_trim_whitespace(pa.array(texts, pa.string()))
    inside = pc.match_substring_regex(words, f"[^\\s][{_class(INTERPUNCTS)}][^\\s]")
    han = pc.match_substring_regex(words, r"^\p{Han}+$")
    long = pc.or_(pc.and_(inside, pc.match_substring_regex(words, r"\p{Han}")), pc.and_(
        han, pc.greater_equal(pc.utf8_length(words), LONG_NAME)
    ))  # fmt: skip
    form = np.where(long.to_numpy(zero_copy_only=False).astype(bool), 1, 0)
    form = np.where(pc.match_substring_regex(words, r"\p{Han}").to_numpy(zero_copy_only=False).astype(bool), form, 2)
    found: Ints = np.append(form, 2)[np.where(name >= 0, name, len(form))]
    return found


def _class(characters: str) -> str:
    """Write characters inside a character class of a regular expression."""
    return "".join("\\" + c if c in "\\]^-[" else c for c in characters)


def _minority(ethnicity: Ints, codes: tuple[str, ...]) -> Ints:
    table = np.array([0 if c == HAN else 1 for c in codes] + [2], dtype=np.int64)
    found: Ints = table[np.where(ethnicity >= 0, ethnicity, len(codes))]
    return found


def _age(day: Ints, today: np.int64) -> Ints:
    years = np.where(day == NO_DAY, -1, (today - day) / 365.2425)
    out = np.full(len(day), len(AGES), dtype=np.int64)
    for k, (low, high) in enumerate(AGES):
        out[(years >= low) & (years < high + 1)] = k
    return out


def _flags(linked: Linked, tables: Mapping[str, pa.Table]) -> dict[str, Ints]:
    """Migration and absence of parents, from the columns that say so: 0 no, 1 yes, 2 not known."""
    people, place = linked.gathered.people, linked.place
    total = 1 + int(people.record.max(initial=-1))
    unit = np.full(total, -1, dtype=np.int64)
    unit[people.record] = place
    said = {name: np.zeros(len(linked.spine.units), dtype=np.int64) for name in ("migrant", "parents_away")}
    for table in tables.values():
        if "record_id" not in table.column_names or not table.num_rows:
            continue
        record = integers(table.column("record_id"), table.num_rows)
        here = np.where(record < total, unit[np.minimum(record, total - 1)], -1)
        for name, value in (("migrant", _migrant(table)), ("parents_away", _away(table))):
            rows = np.flatnonzero((here >= 0) & (value > 0))
            np.maximum.at(said[name], here[rows], value[rows])
    return {name: np.array([2, 0, 1], dtype=np.int64)[value] for name, value in said.items()}


def _migrant(table: pa.Table) -> Ints:
    """0 nothing said, 1 registered where they live, 2 registered in another county or flagged."""
    n = table.num_rows
    out = np.zeros(n, dtype=np.int64)
    here, home = _county(table, ("residence_village", "county", "area")), _county(table, ("hukou_area",))
    if here is not None and home is not None:
        both = (here >= 0) & (home >= 0)
        out[both] = np.where(here[both] == home[both], 1, 2)
    return np.maximum(out, _yes_no(table, "migrant_worker_child"))


def _away(table: pa.Table) -> Ints:
    """0 nothing said, 1 recorded as not left behind, 2 with one parent or both away."""
    if "left_behind" not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    values, inverse = distinct(table.column("left_behind"))
    codes = np.array([1 if v == "0" else 2 if v in ("1", "2") else 0 for v in values] + [0], dtype=np.int64)
    found: Ints = codes[inverse]
    return found


def _yes_no(table: pa.Table, name: str) -> Ints:
    if name not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    values, inverse = distinct(table.column(name).cast("string"))
    codes = np.array([2 if v in ("true", "1") else 1 if v in ("false", "0") else 0 for v in values] + [0])
    found: Ints = codes[inverse].astype(np.int64)
    return found


def _county(table: pa.Table, names: tuple[str, ...]) -> Ints | None:
    """Six digits of the first of ``names`` that each row holds; -1 where none does, None where no column is there."""
    found = None
    for name in names:
        if name not in table.column_names:
            continue
        values, inverse = distinct(table.column(name))
        codes = [int(v[:6]) if len(v) >= 6 and v[:6].isdigit() and v[4:6] != "00" else -1 for v in values]
        column = np.array([*codes, -1], dtype=np.int64)[inverse]
        found = column if found is None else np.where(found >= 0, found, column)
    return found
