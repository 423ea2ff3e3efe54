"""What the departments gave to link by: deliveries, and how complete their identifiers are (GUILD step 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import Said
from commonground.people.births import DAY, LUNAR, NO_DAY

if TYPE_CHECKING:
    from commonground.people.mentions import People

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

IDENTIFIERS = {
    "name": Said("姓名", "name"),
    "number": Said("有效身份证号", "valid identity number"),
    "damaged": Said("残缺身份证号", "damaged identity number"),
    "birth": Said("出生日（到日）", "birth, to the day"),
    "sex": Said("性别", "sex"),
    "school": Said("学校", "school"),
    "home": Said("住址或村居", "address or village"),
    "phone": Said("电话", "telephone"),
    "relatives": Said("家人姓名或号码", "relatives’ names or numbers"),
}
"""What a record may be linked by, in words."""


def held(people: People) -> dict[str, Bools]:
    """Which identifiers each row holds."""
    return {
        "name": people.name >= 0,
        "number": people.id >= 0,
        "damaged": (people.soft >= 0) & (people.id < 0),
        "birth": (people.day != NO_DAY) & np.isin(people.precision, (DAY, LUNAR)),
        "sex": people.sex >= 0,
        "school": people.school >= 0,
        "home": (people.village[:, 0] >= 0) | (people.address[:, 0] >= 0),
        "phone": people.phones[:, 0] >= 0,
        "relatives": (people.kin_names[:, 0] >= 0) | (people.kin_ids[:, 0] >= 0),
    }


def completeness(people: People, cell: Ints, cells: int) -> list[dict[str, Any]]:
    """Count rows of each cell, and those of them that hold each identifier."""
    n = np.bincount(cell, minlength=cells)
    found = {k: np.bincount(cell[v], minlength=cells) for k, v in held(people).items()}
    return [{"records": int(n[k]), **{name: int(v[k]) for name, v in found.items()}} for k in range(cells)]


def deliveries(
    people: People,
    sources: tuple[tuple[str, str], ...],
    titles: Mapping[str, Mapping[str, str]],
    days: Mapping[tuple[str, str], str],
) -> list[dict[str, Any]]:
    """Tell of each delivery who gave it, of which day, and how complete its identifiers are.

    Parameters
    ----------
    people : People
        All rows.
    sources : tuple of (dataset, delivery)
        By number.
    titles : mapping
        ``department.dataset`` → title in both languages.
    days : mapping
        (dataset, delivery) → the day that the data describe, ISO.
    """
    counts = completeness(people, people.source, len(sources))
    out = []
    for (name, delivery), row in zip(sources, counts, strict=True):
        title = titles.get(name, {"zh": name, "en": name})
        head = {"department": name.partition(".")[0], "dataset": name, "delivery": delivery, "title": dict(title)}
        records = row.pop("records")
        out.append({**head, "as_of": days.get((name, delivery)), "records": records, "holds": row})
    return out
