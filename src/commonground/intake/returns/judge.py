"""Judges what a department writes by the same rules as what it delivers: the contract's column, the pack, the city."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from commonground.city import Settings
from commonground.intake.convert import Setting, convert, plain
from commonground.intake.model import ColumnRule, Contract, Pack, Values
from commonground.intake.recode import output_types
from commonground.intake.returns.replaced import matches

ACCEPTABLE = frozenset({"out_of_range", "pattern", "date_in_future"})
"""Faults whose value can be taken as delivered, once the department says that it is right: its type allows it."""
DEPENDS = "depends"
"""The fault of a value whose reading depends on other cells of the row, which nobody can see here."""
_DERIVED_FROM = frozenset({"birth_year", "birth_month"})
_EPOCH = dt.date(1970, 1, 1).toordinal()
_LAST = dt.date(9999, 12, 31)


@dataclass(frozen=True)
class Judged:
    """A text judged: the values that it gives by output column, or its fault."""

    values: dict[str, Any]
    fault: str = ""


class Judge:
    """Judges texts for the columns of one delivered file.

    Parameters
    ----------
    contract, pack, settings
        As intake reads the file.
    delivery, file, day
        The file, and the day that its data describe.
    """

    def __init__(
        self, contract: Contract, pack: Pack, settings: Settings, delivery: str, file: str, day: dt.date
    ) -> None:
        self.contract, self.delivery, self.file = contract, delivery, file
        try:
            received = max(day, dt.date.fromisoformat(delivery[:10]))
        except ValueError:
            received = day
        self.setting = Setting(pack, settings, received.year, received.toordinal() - _EPOCH, as_of=day)

    def rule(self, column: str) -> ColumnRule | None:
        """Give the rule of a column of the file."""
        for rule in self.contract.columns:
            here = fnmatch.fnmatchcase(self.file, rule.files) and matches(self.delivery, rule.deliveries)
            if here and rule.concept is not None and column in rule.source:
                return rule
        return None

    def value(self, column: str, sheet: str, text: str) -> Judged:
        """Judge a corrected text; where the reading depends on other cells, all readings must agree."""
        rule = self.rule(column)
        if rule is None or rule.concept is None:
            return Judged({}, "pattern")
        if rule.concept.name in _DERIVED_FROM and not any(
            r.concept is not None and r.concept.name == "birth" for r in self.contract.columns
        ):
            return Judged({}, DEPENDS)  # the day of birth is made of several cells when the file is read
        found = [_read(rule, values, text, self.setting) for values in self._readings(rule, sheet)]
        return found[0] if all(one == found[0] for one in found) else Judged({}, DEPENDS)

    def as_is(self, column: str, sheet: str, text: str, reason: str) -> Judged:
        """Judge a text that the department says is right: without the limits that it is beyond."""
        rule = self.rule(column)
        if rule is None or rule.concept is None or reason.partition(":")[0] not in ACCEPTABLE:
            return Judged({}, reason or "pattern")
        free = replace(rule, pattern=None)
        late = replace(self.setting, latest=_LAST.toordinal() - _EPOCH)
        read = [
            _read(free, replace(values, range=(-1e300, 1e300)), text, late) for values in self._readings(rule, sheet)
        ]
        return read[0] if all(one == read[0] for one in read) else Judged({}, DEPENDS)

    def nothing(self, column: str) -> Judged:
        """Give a column's outputs for a cell without a value."""
        rule = self.rule(column)
        return Judged({} if rule is None else _empty(rule))

    def _readings(self, rule: ColumnRule, sheet: str) -> list[Values]:
        """Give the readings that may hold for the row: overrides about other cells than the file's own name are open.

        The last that matches holds, as intake has it.
        """
        known = self._pseudo(sheet)
        out = [rule.values]
        for where in rule.where:
            told = [fnmatch.fnmatchcase(known[name], glob) for name, glob in where.when.items() if name in known]
            if not all(told):
                continue
            out = [where.values] if len(told) == len(where.when) else [*out, where.values]
        return out

    def _pseudo(self, sheet: str) -> Mapping[str, str]:
        out = {"@file": self.file, "@sheet": sheet, "@delivery": self.delivery}
        for layout in self.contract.layouts:
            if fnmatch.fnmatchcase(self.file, layout.files) and matches(self.delivery, layout.deliveries):
                match = layout.file_pattern.search(self.file) if layout.file_pattern else None
                return out | ({f"@{k}": v or "" for k, v in match.groupdict().items()} if match else {})
        return out


def _empty(rule: ColumnRule) -> dict[str, Any]:
    return {name: False if name.endswith("_absent") else None for name in output_types(rule)}


def _read(rule: ColumnRule, values: Values, text: str, setting: Setting) -> Judged:
    """Read one text under one reading."""
    key = plain(text)
    why = values.missing.get(key, "blank" if not key else "")
    out = _empty(rule)
    if why:
        assert rule.concept is not None
        absent = f"{rule.concept.name}_absent"
        return Judged(out | ({absent: why == "absent"} if absent in out else {}))
    done = convert([text.strip()], rule, values, setting)
    if done.faults[0]:
        return Judged({}, done.faults[0])
    assert rule.concept is not None
    given = {rule.concept.name: done.values, **done.more}
    return Judged(out | {name: column[0] for name, column in given.items() if name in out})
