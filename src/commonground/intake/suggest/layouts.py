"""Layouts of a dataset: sheets read alike go into one ``[[layout]]`` with a glob, others get one of their own."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import Said
from commonground.intake.suggest.gather import Aside, Found
from commonground.intake.suggest.places import escape, file_pattern, glob_of

_ORDER: tuple[str, ...] = ("format", "encoding", "separator", "quote", "multiline", "widths", "width_unit")
_ORDER += ("short_rows", "header_row", "columns", "fill_down")


@dataclass
class Written:
    """One ``[[layout]]``: its keys in order, with reasons and how sure each is."""

    keys: dict[str, Any]
    found: list[Found]
    why: dict[str, Said] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    idle_pattern: str = ""


def layouts(found: Sequence[Found], aside: Sequence[Aside] = ()) -> list[Written]:
    """Give the layouts of a dataset, the special ones first, the one that most sheets take last."""
    groups = sorted(_alike(found), key=lambda group: (len(group), str(group[0].path)))
    if not groups:
        return []
    out: list[Written] = []
    last = groups.pop()
    for group in groups:
        others = [one for one in found if one not in group]
        out += _special(group, others)
    out.append(_written(last, {"files": _general(last, aside)}))
    return out


def _alike(found: Sequence[Found]) -> list[list[Found]]:
    """Put sheets together that are read the same way and have the columns that their rules for totals need."""
    groups: dict[str, list[Found]] = {}
    for one in found:
        keys = {name: value for name, value in one.profile.layout.items() if name != "non_data"}
        groups.setdefault(repr(sorted(keys.items())), []).append(one)
    out = []
    for group in groups.values():
        needed = sorted({rule["column"] for one in group for rule in _rules(one)} - {"*"})
        parts: dict[tuple[bool, ...], list[Found]] = {}
        for one in group:
            names = {column.name for column in one.profile.columns}
            parts.setdefault(tuple(name in names for name in needed), []).append(one)
        out += list(parts.values())
    return out


def _rules(one: Found) -> Sequence[Mapping[str, str]]:
    rules: Sequence[Mapping[str, str]] = one.profile.layout.get("non_data", ())
    return rules


def _special(group: list[Found], others: Sequence[Found]) -> list[Written]:
    """Say which files, deliveries or sheets a group is, by as few layouts as will do."""
    names = {one.place.file for one in group}
    glob = glob_of(sorted(names))
    if not any(fnmatch.fnmatchcase(one.place.file, glob) for one in others):
        return [_written(group, {"files": glob})]
    deliveries = {one.place.delivery for one in group}
    if len(deliveries) == 1 and not deliveries & {one.place.delivery for one in others}:
        return [_written(group, {"files": glob, "deliveries": escape(deliveries.pop())})]
    sheets = {one.profile.sheet for one in group}
    if len(sheets) == 1 and not sheets & {one.profile.sheet for one in others}:
        return [_written(group, {"files": glob, "sheets": escape(sheets.pop())})]
    out = []
    for one in group:
        keys = {"files": escape(one.place.file)}
        same = [other for other in others if other.place.file == one.place.file]
        if any(other.place.delivery != one.place.delivery for other in same):
            keys["deliveries"] = escape(one.place.delivery)
        if any(other.place.delivery == one.place.delivery for other in same):
            keys["sheets"] = escape(one.profile.sheet)
        out.append(_written([one], keys))
    return out


def _general(group: Sequence[Found], aside: Sequence[Aside]) -> str:
    glob = glob_of([one.place.file for one in group])
    return glob if glob else "*"


def _written(group: list[Found], scope: Mapping[str, str]) -> Written:
    first = group[0].profile
    keys: dict[str, Any] = dict(scope)
    keys |= {name: first.layout[name] for name in _ORDER if name in first.layout}
    keys |= {name: value for name, value in first.layout.items() if name not in keys and name != "non_data"}
    if keys.get("header_row") == 1:
        keys.pop("header_row")
    pattern = file_pattern([one.place.file for one in group], [one.place.delivery for one in group])
    if pattern:
        keys["file_pattern"] = pattern
    rules = _merged(group)
    if rules:
        keys["non_data"] = rules
    out = Written(keys, group)
    for one in group:
        for name, said in one.profile.why.items():
            out.why.setdefault(name, said)
        for name, sure in one.profile.confidence.items():
            out.confidence[name] = min(sure, out.confidence.get(name, 1.0))
    return out


def _merged(group: Sequence[Found]) -> list[dict[str, str]]:
    """Rules of all sheets, each once; patterns for the same column and reason joined."""
    seen: dict[tuple[str, str], dict[str, None]] = {}
    for one in group:
        for rule in _rules(one):
            parts = seen.setdefault((rule["column"], rule["reason"]), {})
            parts[rule["matches"]] = None
    order = {"total": 0, "header": 1, "note": 2}
    out = []
    for (column, reason), parts in sorted(seen.items(), key=lambda item: (order[item[0][1]], item[0][0])):
        words = {
            word: None
            for part in parts
            for word in (part.split("|") if reason == "total" and "(" not in part else [part])
        }
        out.append({"column": column, "matches": "|".join(words), "reason": reason})
    return out
