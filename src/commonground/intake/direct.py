"""Values that can be told from a column's bytes at once: plain texts, whole identity numbers, usual dates, numbers.

What a fast way cannot judge is left to ``convert``, text by text; a property test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.intake.convert import Setting
from commonground.intake.dates import usual_days
from commonground.intake.ids import whole_numbers
from commonground.intake.model import ColumnRule, Concept
from commonground.intake.texts import data_of, lengths, matches, unfolded
from commonground.intake.units import factor

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_FEW_ROWS = 2000  # so few rows are not worth a look at their bytes
_MANY = 500  # distinct texts among the first rows: more than a look-up is good for
_NUMBER = r"\A[+-]?[0-9]{1,15}(\.[0-9]{1,9})?\z"


@dataclass
class Direct:
    """``arrays``: the outputs that are not null everywhere, for all rows; ``rest``: rows that they do not hold for."""

    arrays: dict[str, pa.Array]
    rest: np.ndarray[Any, Any]

    def put_back(self, types: Mapping[str, pa.DataType], converted: Mapping[str, pa.Array], n: int) -> None:
        """Put in what the rest became."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        mask = np.zeros(n, bool)
        mask[self.rest] = True
        there = pa.array(mask)
        for name, kind in types.items():
            own = self.arrays.get(name)
            if own is None and (not len(self.rest) or converted[name].null_count == len(self.rest)):
                self.arrays[name] = pa.nulls(n, kind)
            elif len(self.rest):
                self.arrays[name] = pc.replace_with_mask(
                    pa.nulls(n, kind) if own is None else own, there, converted[name].cast(kind)
                )


def directly(column: pa.Array, rule: ColumnRule, setting: Setting) -> Direct | None:
    """Convert what can be told at once; None where nothing can, or a look-up of each distinct text is as fast."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    concept, values = rule.concept, rule.values
    assert concept is not None
    if len(column) < _FEW_ROWS or rule.where or values.codes is not None:
        return None
    kinds = {"text": _text, "id": _id, "date": _date, "number": _number, "integer": _number}
    if concept.type not in kinds or (concept.absence and concept.type != "number"):
        return None
    found = kinds[concept.type](column, rule, concept, setting)
    if found is None:
        return None
    arrays, good = found
    blank = lengths(column) == 0
    missing = [text for text in values.missing if text]
    if missing:
        good &= ~pc.is_in(column, pa.array(missing, pa.string())).to_numpy(zero_copy_only=False)
    if concept.absence:
        return Direct(arrays, np.flatnonzero(~good))
    return Direct(arrays, np.flatnonzero(~good & ~blank))


_Found = tuple[dict[str, "pa.Array"], "np.ndarray[Any, Any]"]


def _text(column: pa.Array, rule: ColumnRule, concept: Concept, setting: Setting) -> _Found:
    import numpy as np
    import pyarrow.compute as pc

    good = np.ones(len(column), bool)
    good[unfolded(column)] = False
    good &= ~pc.starts_with(column, "#").to_numpy(zero_copy_only=False)  # a formula's error is nobody's name
    if rule.pattern is not None:
        good &= matches(column, rule.pattern)
    return {concept.name: _where(lengths(column) > 0, column)}, good


def _id(column: pa.Array, rule: ColumnRule, concept: Concept, setting: Setting) -> _Found:
    import pyarrow.compute as pc

    upper = pc.ascii_upper(column) if b"x" in data_of(column) else column
    return {concept.name: _where(lengths(column) > 0, upper)}, whole_numbers(upper, setting.year)


def _date(column: pa.Array, rule: ColumnRule, concept: Concept, setting: Setting) -> _Found:
    import pyarrow as pa

    days, good = usual_days(column)
    if concept.field == "birth":
        good &= days <= setting.latest
    arrays = {concept.name: pa.array(days, pa.int32(), mask=~good).cast(pa.date32())}
    if concept.precision:
        arrays[f"{concept.name}_precision"] = _where(good, pa.repeat(pa.scalar("day"), len(column)))
    return arrays, good


def _number(column: pa.Array, rule: ColumnRule, concept: Concept, setting: Setting) -> _Found | None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    first = column.slice(0, _FEW_ROWS)
    if factor(rule.values.unit, concept.unit) != 1.0 or pc.count_distinct(first).as_py() < _MANY:
        return None
    good = pc.match_substring_regex(column, _NUMBER).to_numpy(zero_copy_only=False).copy()
    numbers = _where(good, column).cast(pa.float64())
    values = numbers.to_numpy(zero_copy_only=False)
    bounds = rule.values.range or concept.range
    if bounds is not None:
        good &= (values >= bounds[0]) & (values <= bounds[1])
    if concept.type == "integer":
        good &= values == np.floor(values)
        numbers = pc.cast(_where(good, numbers), pa.int64())
    arrays = {concept.name: _where(good, numbers)}
    if concept.absence:
        arrays[f"{concept.name}_absent"] = pa.array(np.zeros(len(column), bool))
    return arrays, good


def _where(good: np.ndarray[Any, Any], column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return column if good.all() else pc.if_else(pa.array(good), column, pa.scalar(None, column.type))
