"""The nouns of quality checks: a type, a check made of it for a dataset, what was counted, and the verdict on it.

The categories are those of Kahn and others, "A Harmonized Data Quality Assessment Terminology and Framework for the
Secondary Use of Electronic Health Record Data", eGEMs 4 (2016) 1244: conformance (value, relational, computational),
completeness, plausibility (uniqueness, atemporal, temporal); each in the context of verification (against what the
data themselves and common knowledge say) or validation (against another source).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.intake.model import Contract, Pack

CATEGORIES: dict[str, Said] = {
    "conformance.value": Said("规范性·取值", "Conformance: value"),
    "conformance.relational": Said("规范性·关联", "Conformance: relational"),
    "conformance.computational": Said("规范性·计算", "Conformance: computational"),
    "completeness": Said("完整性", "Completeness"),
    "plausibility.uniqueness": Said("合理性·唯一", "Plausibility: uniqueness"),
    "plausibility.atemporal": Said("合理性·取值", "Plausibility: atemporal"),
    "plausibility.temporal": Said("合理性·时间", "Plausibility: temporal"),
}
CONTEXTS: dict[str, Said] = {
    "verification": Said("内部核对", "verification"),
    "validation": Said("外部核对", "validation"),
}
Verdict = Literal["pass", "warn", "fail", "not_applicable", "no_data", "waived"]
VERDICTS: dict[str, Said] = {
    "pass": Said("通过", "pass"),
    "warn": Said("留意", "warn"),
    "fail": Said("不通过", "fail"),
    "not_applicable": Said("不适用", "not applicable"),
    "no_data": Said("数据太少", "no data"),
    "waived": Said("已说明免查", "waived"),
}


@dataclass(frozen=True)
class Limits:
    """When a check is told to warn or fail; applied where results are read, never where they are counted.

    Attributes
    ----------
    warn, fail : float or None
        The measured value above which the verdict is so; None: never.
    least : int
        Denominators below this are too small to judge.
    expected : float
        Subtracted from the measured share before it is compared.
    both : bool
        True: too far below ``expected`` counts like too far above.
    """

    warn: float | None = None
    fail: float | None = None
    least: int = 1
    expected: float = 0.0
    both: bool = False


@dataclass(frozen=True)
class CheckType:
    """A parameterised question about data, such as "is X filled in".

    ``zh`` and ``en`` of the texts hold ``{0}``, ``{1}`` for the columns' names and ``{name}`` for parameters.
    ``measure`` is "share" (numerator over denominator), "psi" or "days" (the statistic stored beside them).
    """

    name: str
    title: Said
    said: Said
    todo: Said
    category: str
    context: str
    limits: Limits
    measure: str = "share"
    source: str = ""


@dataclass(frozen=True)
class Check:
    """One check of one dataset: a type with columns and parameters.

    ``id`` is the type's name, a dot, and what it is about: ``not_null.birth``.
    """

    id: str
    type: CheckType
    columns: tuple[str, ...]
    params: Mapping[str, Any]
    said: Said
    todo: Said
    limits: Limits
    source: str = ""
    waived: Said | None = None


@dataclass(frozen=True)
class Count:
    """What was counted for a check in one delivery, or one file of it (``file`` "": of the delivery as a whole).

    ``statistic`` is what the share does not tell (population stability index, days); ``status`` is "counted" or
    "not_applicable", as where there is no earlier delivery to compare with.
    """

    check: Check
    delivery: str
    file: str
    numerator: int
    denominator: int
    statistic: float | None = None
    status: str = "counted"


@dataclass(frozen=True)
class Need:
    """What a check needs of the rows.

    Attributes
    ----------
    applies, bad : str
        SQL over one row: whether it is in the denominator, and then whether it is in the numerator.
    joins : mapping
        Name by which a reference table is joined → (column here, table), where the table is ``("areas", "")`` or a
        dataset kind and a column of it; the row has ``<name>.v``, of areas also ``until``.
    """

    applies: str
    bad: str
    joins: Mapping[str, tuple[str, tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """All counts of one dataset, with the day that each delivery describes."""

    contract: Contract
    days: Mapping[str, dt.date]
    counts: tuple[Count, ...]


def value_columns(contract: Contract, pack: Pack) -> list[str]:
    """Give the columns of a dataset's records that hold values of concepts; of a blood pressure its two parts."""
    from commonground.intake.file import file_schema

    names = [f.name for f in file_schema(contract, pack)]
    return [name for name in names if name in pack.concepts and pack.concepts[name].type != "pressure"]
