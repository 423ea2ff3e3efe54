"""Texts to values of a concept, over distinct texts: one function a type.

Each takes distinct texts that are neither blank nor declared missing, and gives a value or a fault for each.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.city import Settings
from commonground.intake.carry import carry
from commonground.intake.dates import Lunar, parse_date
from commonground.intake.grades import normalise
from commonground.intake.ids import Suspects, check_ids
from commonground.intake.model import ColumnRule, Concept, Pack, Values
from commonground.intake.units import factor

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PRESSURE = re.compile(r"(\d{2,3})\s*[/／\\-]\s*(\d{2,3})")
YES = frozenset({"1", "是", "有", "对", "真", "TRUE", "Y", "YES", "T", "√", "✓"})  # as the pack's yes_no
NO = frozenset({"0", "否", "无", "没有", "错", "假", "FALSE", "N", "NO", "F", "×", "✗"})
_EPOCH = dt.date(1970, 1, 1).toordinal()
_AREA_DIGITS = re.compile(r"[1-9]\d{5}(?:\d{3}|\d{6})?")


@dataclass
class Converted:
    """Values of distinct texts; ``more`` holds further columns (``birth_precision``, ``id_no_soft``, ``sbp``…).

    ``suspects`` is that of ``IdCheck``.
    """

    values: list[Any]
    faults: list[str]
    more: dict[str, list[Any]] = field(default_factory=dict)
    suspects: Suspects | None = None


@dataclass(frozen=True)
class Setting:
    """What conversion must know beside the rule: the pack, the city, the delivery's year and day.

    ``known`` keeps what distinct texts turned out to be, from part to part of one file.
    """

    pack: Pack
    settings: Settings
    year: int
    latest: int
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    as_of: dt.date | None = None

    @property
    def day(self) -> dt.date:
        """The day that the data describe; the delivery's own where nobody says."""
        return self.as_of or dt.date.fromordinal(self.latest + _EPOCH)


def convert(
    texts: Sequence[str], rule: ColumnRule, values: Values, setting: Setting, cut: bool | None = None
) -> Converted:
    """Turn texts into values of the rule's concept.

    Parameters
    ----------
    texts : sequence of str
        Distinct, stripped, none blank or missing.
    values : Values
        The rule's own, or the override that holds for these rows.
    cut : bool, optional
        As ``check_ids`` takes it.
    """
    concept = rule.concept
    assert concept is not None
    if values.codes is not None and concept.type not in ("code", "boolean"):
        coded = [values.codes.get(plain(text), text) for text in texts]
    else:
        coded = list(texts)
    match concept.type:
        case "text":
            return _text(coded, rule)
        case "code":
            return _code(coded, concept, values.codes)
        case "boolean":
            return _boolean(coded, values.codes)
        case "area":
            return _area(coded, setting)
        case "id":
            checked = check_ids(coded, setting.year, cut)
            soft: dict[str, list[Any]] = {f"{concept.name}_soft": list(checked.soft)}
            return Converted(list(checked.number), checked.fault, soft, checked.suspects)
        case "date" | "month":
            return _date(coded, concept, values, setting)
        case "pressure":
            return _pressure(coded, setting.pack)
        case _ if concept.reading == "grade":
            return _grade(coded, concept, values, setting)
        case _:
            return _number(coded, concept, values)


def plain(text: str) -> str:
    """Fold compatibility forms and drop white space, as code keys are compared."""
    return "".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).split())


def _text(texts: Sequence[str], rule: ColumnRule) -> Converted:
    if rule.pattern is None:
        return Converted(list(texts), [""] * len(texts))
    folded = [plain(text) for text in texts]
    good = [rule.pattern.fullmatch(text) is not None for text in folded]
    values = [text if ok else None for text, ok in zip(folded, good, strict=True)]
    return Converted(values, ["" if ok else "pattern" for ok in good])


def _code(texts: Sequence[str], concept: Concept, codes: Mapping[str, str] | None) -> Converted:
    out: list[str | None] = []
    for text in texts:
        key = plain(text)
        if codes is not None:
            out.append(codes.get(key))
        else:
            out.append(concept.codes.canonical(key) if concept.codes else key)
    return Converted(out, ["" if value is not None else "code_outside_list" for value in out])


def _boolean(texts: Sequence[str], codes: Mapping[str, str] | None) -> Converted:
    out: list[bool | None] = []
    for text in texts:
        key = plain(text) if codes is None else codes.get(plain(text), "")
        out.append(True if key.upper() in YES else False if key.upper() in NO else None)
    return Converted(out, ["" if value is not None else "code_outside_list" for value in out])


def _area(texts: Sequence[str], setting: Setting) -> Converted:
    """Six digits: the city's own areas by code or name; others carried to its reference date where that is sure.

    A code that several may have become, or that nobody assigned, stays as it is written.
    """
    settings = setting.settings
    names = {area.zh: area.code for area in settings.areas}
    names |= {f"{settings.name.zh}{area.zh}": area.code for area in settings.areas}
    out: list[str | None] = []
    for text in texts:
        key = plain(text)
        code = names.get(key, key[:6] if _AREA_DIGITS.fullmatch(key) else None)
        known = settings.area(code) if code else None
        out.append(known.code if known else code)
    own = {area.code for area in settings.areas}
    others = [i for i, code in enumerate(out) if code and code not in own]
    if others:
        carried = carry([out[i] or "" for i in others], setting.day, max(setting.day, settings.reference_date))
        for i, code, sure in zip(others, carried.codes, carried.sure, strict=True):
            out[i] = code if sure in ("carried", "merged") else out[i]
    return Converted(out, ["" if value is not None else "not_an_area" for value in out])


def _date(texts: Sequence[str], concept: Concept, values: Values, setting: Setting) -> Converted:
    lunar: Lunar = setting.pack.lunar
    parsed = [parse_date(text, lunar, values.order) for text in texts]
    days: list[int | None] = [one.day for one in parsed]
    faults = [one.fault for one in parsed]
    if concept.field == "birth":
        for i, day in enumerate(days):
            if day is not None and day > setting.latest:
                days[i], faults[i] = None, "date_in_future"
    precisions = [one.precision if not fault else None for one, fault in zip(parsed, faults, strict=True)]
    return Converted(days, faults, {f"{concept.name}_precision": precisions} if concept.precision else {})


_WHOLE_LIMIT = 2.0**63


def _number(texts: Sequence[str], concept: Concept, values: Values) -> Converted:
    times = factor(values.unit, concept.unit) or 1.0
    bounds = values.range or concept.range
    out: list[float | int | None] = []
    faults = []
    for text in texts:
        value = to_number(text)
        fault = ""
        if value is None:
            fault = "not_a_number"
        elif concept.type == "integer" and value != int(value):
            fault = "not_whole"
        elif (concept.type == "integer" and abs(value * times) >= _WHOLE_LIMIT) or (
            bounds is not None and not bounds[0] - 1e-9 <= value * times <= bounds[1] + 1e-9
        ):  # beyond 64 bits nothing is counted
            fault = "out_of_range"
        faults.append(fault)
        if fault or value is None:
            out.append(None)
        else:
            out.append(int(value * times) if concept.type == "integer" else round(value * times, 10))
    return Converted(out, faults)


def _grade(texts: Sequence[str], concept: Concept, values: Values, setting: Setting) -> Converted:
    """Whole numbers as any, and grades in words: 七年级, 初一, G7, 初中2019级 by the school year of the data."""
    plainly = _number(texts, concept, values)
    worded = [i for i, fault in enumerate(plainly.faults) if fault == "not_a_number"]
    if worded:
        read = normalise([texts[i] for i in worded], setting.day)
        for i, grade, fault in zip(worded, read.grade, read.fault, strict=True):
            plainly.values[i], plainly.faults[i] = grade, fault
    return plainly


def to_number(text: str) -> float | None:
    """Read a number: half or full width, with thousands separators or a percent sign; None when it is none."""
    key = plain(text).removesuffix("%")
    if _THOUSANDS.fullmatch(key):
        key = key.replace(",", "")
    value = float(key) if _NUMBER.fullmatch(key) else math.inf
    return value if math.isfinite(value) else None


def _pressure(texts: Sequence[str], pack: Pack) -> Converted:
    """Split ``122/65``; a reading whose parts are out of range, or upside down, is no reading."""
    upper, lower, faults = [], [], []
    for text in texts:
        match = _PRESSURE.fullmatch(plain(text))
        parts = (float(match[1]), float(match[2])) if match else None
        fault = "" if parts else "not_a_pressure"
        if parts and (not _within(parts[0], pack, "sbp") or not _within(parts[1], pack, "dbp") or parts[0] <= parts[1]):
            fault = "out_of_range"
        faults.append(fault)
        upper.append(parts[0] if parts and not fault else None)
        lower.append(parts[1] if parts and not fault else None)
    return Converted([None] * len(texts), faults, {"sbp": upper, "dbp": lower})


def _within(value: float, pack: Pack, name: str) -> bool:
    bounds = pack.concepts[name].range
    return bounds is None or bounds[0] <= value <= bounds[1]
