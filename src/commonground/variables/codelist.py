"""Sets of codes: whether a code belongs to a group of a dated list, on a day or at all."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.check import Kind
from commonground.variables.language import Value

if TYPE_CHECKING:
    from commonground.engine.dialect import Dialect

Span = tuple[str, str]


@dataclass(frozen=True)
class CodeSet:
    """A group of a code list, or the whole list.

    A code that the list does not have (on that day) is neither in the group nor outside it: the answer is unknown.
    Without a group the question is whether the code is one of the list, and the answer is yes or no.

    Attributes
    ----------
    name : str
        ``list.group`` or ``list``.
    title : Said
        The group's name, or the list's.
    inside, outside : tuple of (code, (since, until))
        Codes that belong and those that do not, with their first day and the first day without them ("": still).
    grouped : bool
        Whether a group is meant.
    """

    name: str
    title: Said
    inside: tuple[tuple[str, Span], ...]
    outside: tuple[tuple[str, Span], ...]
    grouped: bool

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the codes with their dates; the name is not part of the meaning."""
        return hashlib.sha256(json.dumps([self.inside, self.outside, self.grouped]).encode()).hexdigest()[:12]

    @property
    def takes(self) -> tuple[Kind, ...]:
        """The code, and the day."""
        return (Kind("text"), Kind("date"))

    @property
    def optional(self) -> int:
        """The day may be left out: then a code counts whenever it stood in the list."""
        return 1

    @property
    def gives(self) -> Kind:
        """Yes or no."""
        return Kind("boolean")

    def find(self, asked: Sequence[Value]) -> bool | None:
        """Say whether a code belongs, on a day where one is given."""
        code, day = asked[0], asked[1] if len(asked) > 1 else None
        if any(c == code and _holds(span, day) for c, span in self.inside):
            return True
        known = any(c == code and _holds(span, day) for c, span in self.outside)
        return False if known or not self.grouped else None

    def sql(self, d: Dialect, asked: Sequence[str]) -> str:
        """Write the same as one CASE."""
        day = asked[1] if len(asked) > 1 else ""
        known = f"{asked[0]} IS NOT NULL" + (f" AND {day} IS NOT NULL" if day else "")
        inside = f"WHEN {_among(d, asked[0], day, self.inside)} THEN TRUE"
        if not self.grouped:
            return f"CASE {inside} WHEN {known} THEN FALSE END"
        outside = f" WHEN {_among(d, asked[0], day, self.outside)} THEN FALSE" if self.outside else ""
        return f"CASE {inside}{outside} END"


def _holds(span: Span, day: Value) -> bool:
    if not isinstance(day, dt.date):
        return True
    return span[0] <= day.isoformat() and (not span[1] or day.isoformat() < span[1])


def _among(d: Dialect, code: str, day: str, codes: Sequence[tuple[str, Span]]) -> str:
    """Write that a code is one of some, each within its own days."""
    spans: dict[Span, list[str]] = {}
    for one, span in codes:
        spans.setdefault(span if day else ("", ""), []).append(d.text(one))
    parts = []
    for (since, until), texts in spans.items():
        bounds = [f"{code} IN ({', '.join(texts)})"]
        bounds += [f"{day} >= {d.date(dt.date.fromisoformat(since))}"] if since else []
        bounds += [f"{day} < {d.date(dt.date.fromisoformat(until))}"] if until else []
        parts.append(f"({' AND '.join(bounds)})")
    return " OR ".join(parts)


def open_codes(named: Sequence[str], where: str, pack: str = "china") -> CodeSet:
    """Find a code list of the pack, and a group of it where one is named.

    Raises
    ------
    DefinitionError
        There is no such list or group.
    """
    from commonground.intake.pack import load_pack

    lists = load_pack(pack).codes
    name, group = named[0], named[1] if len(named) > 1 else ""
    if name not in lists:
        raise DefinitionError(
            Said(f"没有代码表“{name}”。", f"There is no code list “{name}”."),
            where=where,
            todo=did_you_mean(name, lists),
        )
    one = lists[name]
    # a single code is a group of itself
    codes = one.groups[group].codes if group in one.groups else frozenset({group} & set(one.labels))
    if group and not codes:
        raise DefinitionError(
            Said(f"代码表“{name}”没有“{group}”这一组。", f"The code list “{name}” has no group “{group}”."),
            where=where,
            todo=did_you_mean(group, [*one.groups, *one.labels]),
        )
    dated = [(c, one.dates.get(c, (one.since, one.until))) for c in sorted(one.labels)]
    inside = tuple((c, span) for c, span in dated if not group or c in codes)
    outside = tuple((c, span) for c, span in dated if group and c not in codes)
    title = one.groups[group].title if group in one.groups else one.labels.get(group, one.title)
    return CodeSet(".".join(n for n in (name, group) if n), title, inside, outside, bool(group))
