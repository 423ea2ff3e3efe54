"""Applies a contract's columns to a block: every distinct text once, values by index, faults to quarantine."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commonground.errors import ContractError, Said, did_you_mean
from commonground.intake.convert import Setting, convert, plain
from commonground.intake.direct import directly
from commonground.intake.ids import Suspects
from commonground.intake.model import ColumnRule, Concept, Values
from commonground.intake.readers.formula_errors import FORMULA_ERRORS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_BROKEN = "formula_error"
_ENOUGH = 20  # rows before a share of them says anything about the contract
_SHOWN = 5  # a value is named in a message only when at least so many rows hold it
_CODES = 40  # so many different values may be codes that the contract does not know
_KNOWN = 200_000  # so many distinct texts of a column are remembered from part to part


@dataclass
class Recoded:
    """One column recoded: Arrow arrays by output name, and the rows whose value was set aside."""

    arrays: dict[str, pa.Array]
    faulty: np.ndarray[Any, Any]
    reasons: list[str]
    texts: list[str]
    share: Share | None = None
    suspects: Suspects | None = None


def output_types(rule: ColumnRule) -> dict[str, pa.DataType]:
    """Names and Arrow types of the columns that a rule gives."""
    import pyarrow as pa

    concept = rule.concept
    if concept is None:
        return {}
    if concept.type == "pressure":
        return {"sbp": pa.float64(), "dbp": pa.float64()}
    out = {concept.name: arrow_type(concept)}
    if concept.type == "id":
        out[f"{concept.name}_soft"] = pa.string()
    if concept.precision:
        out[f"{concept.name}_precision"] = pa.string()
    if concept.absence:
        out[f"{concept.name}_absent"] = pa.bool_()
    return out


def arrow_type(concept: Concept) -> pa.DataType:
    """Give the Arrow type of a concept's values."""
    import pyarrow as pa

    kinds = {"date": pa.date32(), "month": pa.date32(), "number": pa.float64(), "integer": pa.int64()}
    return kinds.get(concept.type, pa.bool_() if concept.type == "boolean" else pa.string())


def recode(
    column: pa.Array,
    rule: ColumnRule,
    others: Mapping[str, pa.Array],
    setting: Setting,
    where: str,
    *,
    cut: bool | None = None,
) -> Recoded:
    """Recode one column, or one part of it.

    Parameters
    ----------
    column : pa.Array of string
        The raw texts, none null.
    others : mapping
        Raw columns and pseudo-columns by name, for the rule's ``where``.
    where : str
        File, sheet and column, for messages.
    cut : bool, optional
        Whether identity numbers that end in 000 are what a spreadsheet left, as the whole column shows.

    Returns
    -------
    Recoded
        Its ``share`` is to be checked when all parts of the column are there: where more than half of the values lie
        outside the code list it is the contract that is wrong, not the rows.
    """
    direct = directly(column, rule, setting)
    if direct is None:
        return _by_distinct(column, rule, others, setting, where, cut)
    done = _by_distinct(column.take(direct.rest), rule, {}, setting, where, cut)
    direct.put_back(output_types(rule), done.arrays, len(column))
    done.arrays, done.faulty = direct.arrays, direct.rest[done.faulty]
    return done


def _by_distinct(
    column: pa.Array, rule: ColumnRule, others: Mapping[str, pa.Array], setting: Setting, where: str, cut: bool | None
) -> Recoded:
    """Convert every distinct text once and look each row's up."""
    import numpy as np
    import pyarrow as pa

    types = output_types(rule)
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    variant, choices = _variants(rule, others, len(column), where)
    lists: dict[str, list[Any]] = {name: [] for name in types}
    faults: list[str] = []
    shown: list[Suspects] = []
    for i, values in enumerate(choices):
        known = setting.known.setdefault((rule.source, rule.files, rule.deliveries, i), Known())
        done = _distinct(texts, rule, values, setting, known, cut)
        for name, out in lists.items():
            out += done.lists[name]
        faults += done.faults
        shown += [done.suspects] if done.suspects else []
    index = encoded.indices.to_numpy().astype(np.int64) + variant * len(texts)
    position = pa.array(index)
    arrays = {name: _looked_up(_array(lists[name], kind), position) for name, kind in types.items()}
    is_fault = np.array([bool(fault) for fault in faults], bool)
    faulty = np.flatnonzero(is_fault[index]) if len(faults) else np.array([], np.int64)
    reasons = [faults[i] for i in index[faulty]]
    found = [texts[i % len(texts)] for i in index[faulty]]
    share = _share(rule, index, texts, reasons, found, where)
    return Recoded(arrays, faulty, reasons, found, share, shown[0] if len(shown) == 1 else None)


def _variants(
    rule: ColumnRule, others: Mapping[str, pa.Array], rows: int, where: str
) -> tuple[np.ndarray[Any, Any], list[Values]]:
    """Which of the rule's readings holds for each row: the last ``where`` that matches, else the rule's own."""
    import numpy as np

    variant = np.zeros(rows, np.int64)
    for i, override in enumerate(rule.where, 1):
        hit = np.ones(rows, bool)
        for name, glob in override.when.items():
            if name not in others:
                raise _no_such_column(name, others, where)
            hit &= _glob(others[name], glob)
        variant[hit] = i
    return variant, [rule.values, *(override.values for override in rule.where)]


def _no_such_column(name: str, others: Mapping[str, pa.Array], where: str) -> ContractError:
    return ContractError(
        Said(f"where 用到的列“{name}”不在文件里。", f"The column “{name}” that where asks for is not in the file."),
        where=where,
        why=Said("找不到它，就不知道哪些行要换算。", "Without it nobody knows which rows are to be read otherwise."),
        todo=did_you_mean(name, others),
    )


def _glob(column: pa.Array, glob: str) -> np.ndarray[Any, Any]:
    import numpy as np

    encoded = column.dictionary_encode()
    hit = np.array([fnmatch.fnmatchcase(text, glob) for text in encoded.dictionary.to_pylist()], bool)
    return hit[encoded.indices.to_numpy()] if len(hit) else np.zeros(len(column), bool)


@dataclass
class _Done:
    """Distinct texts under one reading: values by output name, the fault of each, and what numbers show."""

    lists: dict[str, list[Any]]
    faults: list[str]
    suspects: Suspects | None = None


def _distinct(
    texts: list[str], rule: ColumnRule, values: Values, setting: Setting, known: Known, cut: bool | None
) -> _Done:
    """Convert distinct texts; what an earlier part of the file held is known already."""
    concept = rule.concept
    assert concept is not None
    if concept.type == "id":  # one number may tell about another
        return _convert(texts, rule, values, setting, cut)
    at = known.at
    if len(at) > _KNOWN:
        known.forget()
    fresh = [text for text in texts if text not in at] if at else texts
    done = _convert(fresh, rule, values, setting, cut)
    if not at and len(texts) == len(fresh):
        known.learn(fresh, done)
        return done
    known.learn(fresh, done)
    places = [at[text] for text in texts]
    faults = known.faults
    return _Done({n: [held[i] for i in places] for n, held in known.lists.items()}, [faults[i] for i in places])


@dataclass
class Known:
    """What texts of one column under one reading have turned out to be."""

    at: dict[str, int] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def learn(self, texts: list[str], done: _Done) -> None:
        """Take more texts in."""
        start = len(self.at)
        self.at.update(zip(texts, range(start, start + len(texts)), strict=True))
        for name, values in done.lists.items():
            self.lists.setdefault(name, []).extend(values)
        self.faults.extend(done.faults)

    def forget(self) -> None:
        """Begin anew, so that a column of ever new texts does not fill the memory."""
        self.at.clear()
        self.lists.clear()
        self.faults.clear()


def _convert(texts: list[str], rule: ColumnRule, values: Values, setting: Setting, cut: bool | None) -> _Done:
    concept = rule.concept
    assert concept is not None
    keys = [plain(text) for text in texts]
    why = [values.missing.get(key, "blank" if not key else "") for key in keys]
    for i, key in enumerate(keys):
        if key[:1] == "#" and key in FORMULA_ERRORS and not why[i] and key not in (values.codes or ()):
            why[i] = _BROKEN
    held = [i for i, reason in enumerate(why) if not reason]
    done = convert([texts[i] for i in held], rule, values, setting, cut)
    lists: dict[str, list[Any]] = {}
    for name in output_types(rule):
        if name == f"{concept.name}_absent":
            lists[name] = [reason == "absent" for reason in why]
            continue
        source = done.more.get(name, done.values if name == concept.name else [None] * len(held))
        lists[name] = [None] * len(texts)
        for i, value in zip(held, source, strict=True):
            lists[name][i] = value
    faults = [_BROKEN if reason == _BROKEN else "" for reason in why]
    for i, fault in zip(held, done.faults, strict=True):
        faults[i] = _named(fault, keys[i])
    return _Done(lists, faults, done.suspects)


def _named(fault: str, key: str) -> str:
    """Name the code in the reason where it is short enough to be nothing but a code."""
    if fault == "code_outside_list" and len(key) <= 3 and key.isascii() and key.isalnum():
        return f"{fault}:{key}"
    return fault


def _looked_up(values: pa.Array, position: pa.Array) -> pa.Array:
    """Give each row's value; texts stay encoded by dictionary, since nobody reads them before they are stored."""
    import pyarrow as pa

    if not pa.types.is_string(values.type):
        return values.take(position)
    again = values.dictionary_encode()
    small = again.indices.cast(pa.int8()) if len(again.dictionary) < 127 else again.indices
    return pa.DictionaryArray.from_arrays(small.take(position), again.dictionary)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    return pa.array(values, kind)


@dataclass
class Share:
    """How many of a column's values lie outside its code list; the parts of a column add up.

    ``often`` counts the texts outside, as long as they are few enough to be codes; else it is None.
    """

    rule: ColumnRule
    where: str
    given: int
    outside: int
    often: Counter[str] | None

    def __add__(self, other: Share) -> Share:
        both = None if self.often is None or other.often is None else self.often + other.often
        often = both if both is not None and len(both) <= _CODES else None
        return Share(self.rule, self.where, self.given + other.given, self.outside + other.outside, often)

    def check(self) -> None:
        """Refuse a column of which more than half lies outside the list.

        Raises
        ------
        ContractError
            It is the contract that is wrong, not the rows.
        """
        if self.outside < _ENOUGH or self.outside * 2 <= self.given:
            return
        concept = self.rule.concept
        assert concept is not None
        # many different texts are no codes but names or the like, and those are not put into a message
        often: Counter[str] = self.often or Counter()
        shown = [t for t in sorted(often) if often[t] >= _SHOWN and len(t) <= 8][:8]
        known = list(self.rule.values.codes or (concept.codes.labels if concept.codes else ()))[:20]
        raise ContractError(
            Said(
                f"{self.given} 个值中有 {self.outside} 个不在代码表内。",
                f"{self.outside} of {self.given} values lie outside the code list.",
            ),
            where=self.where,
            why=Said(
                f"读取约定只认得 {'、'.join(known) or '该概念的代码'}；文件里多为 {'、'.join(shown) or '别的写法'}。",
                f"The contract knows {', '.join(known) or 'the codes of the concept'}; "
                f"the file holds {', '.join(shown) or 'others'}.",
            ),
            todo=Said(
                "请在该列写明 codes，或检查列是否对错了概念。",
                "Write codes for this column, or check that it is mapped to the right concept.",
            ),
        )


def _share(
    rule: ColumnRule, index: np.ndarray[Any, Any], texts: list[str], reasons: list[str], found: list[str], where: str
) -> Share | None:
    import numpy as np

    assert rule.concept is not None
    if rule.concept.type not in ("code", "boolean", "area"):
        return None
    outside = Counter(t for t, reason in zip(found, reasons, strict=True) if reason.split(":")[0] in _LISTED)
    blank = np.array([not text for text in texts], bool)
    given = int((~blank[index % len(texts)]).sum()) if texts else 0
    return Share(rule, where, given, outside.total(), outside if len(outside) <= _CODES else None)


_LISTED = frozenset({"code_outside_list", "not_an_area"})
