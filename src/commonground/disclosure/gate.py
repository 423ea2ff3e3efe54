"""The gate: the one function that every output passes on its way out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from commonground.disclosure.attack import audit
from commonground.disclosure.model import (
    CountTable,
    Decision,
    Estimates,
    Gated,
    Output,
    PolicyLike,
    SchoolRows,
    Shown,
    Tally,
)
from commonground.disclosure.suppress import round_counts, suppress
from commonground.errors import DisclosureError, Said

Audience = Literal["public", "official"]

# columns that say who a row is about, or lead back to the record it came from
_WHO = ("name", "child_name", "pupil", "student", "birth", "birth_date", "date_of_birth", "phone", "mobile", "address")
_NUMBERS = ("id_no", "id_number", "identity_no", "passport", "registry_no", "student_no", "student_id")
_KEYS = ("person_id", "record_id", "relative_id", "household_id", "pseudonym", "row_number", "physical_row", "text")
_KIN = ("guardian", "g1_name", "g2_name", "g1_id_no", "g2_id_no", "father", "mother", "head")
FORBIDDEN = frozenset(_WHO + _NUMBERS + _KEYS + _KIN)
# what an identity number or a mobile number looks like, wherever it stands
_IDENTITY = re.compile(r"(?<!\d)\d{6}(?:18|19|20)\d{2}(?:0\d|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXxＸ](?!\d)")
_PHONE = re.compile(r"(?<!\d)1[2-9]\d{9}(?!\d)")

SMALL = "small"
DECIMALS = 4
"""Of downloads: a share with all its digits gives back the two whole numbers that it was made of."""
STEP = 0.05
"""Public results of schools, unit: standard deviations. An interval's width tells how many children a school has."""
_SCHOOL_PUBLIC = ("level", "effect", "low", "high", "verdict")
_SCHOOL_NAMED = ("school_code", "school", "county", "level", "gap", "gap_low", "gap_high")


def _refuse(what: Said, where: str, todo: Said) -> DisclosureError:
    why = Said(
        "公开的结果里不能有个人的行、编号或姓名。", "A released result holds no row, number or name of a person."
    )
    return DisclosureError(what, where=where, why=why, todo=todo)


def check_columns(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise DisclosureError for a column or a value that could name a person."""
    for row in rows:
        for column, value in row.items():
            if column.lower() in FORBIDDEN:
                raise _refuse(
                    Said(f"有不能公开的列“{column}”。", f"A column that may not leave: “{column}”."),
                    f"{name}.{column}",
                    Said("请去掉这一列，只交汇总结果。", "Drop the column; hand over aggregates only."),
                )
            if isinstance(value, str) and (_IDENTITY.search(value) or _PHONE.search(value)):
                raise _refuse(
                    Said("内容像身份证号或手机号。", "A value looks like an identity or phone number."),
                    f"{name}.{column}",
                    Said("请检查这一列的来源。", "Check where this column comes from."),
                )


def _whole(name: str, column: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise DisclosureError(
            Said(f"“{column}”不是儿童人数。", f"“{column}” is not a number of children."),
            where=f"{name}.{column}",
            why=Said("每个估计都要写明有多少名儿童。", "Every estimate must say how many children stand behind it."),
            todo=Said("请在结果里补上人数。", "Add the count to the output."),
        )
    return int(value)


def _counted(output: CountTable, policy: PolicyLike) -> Gated:
    safe = suppress(output, policy)
    result = audit(output, safe, policy, exact=False)
    if not result.safe and (safe.shown == Shown.VALUE).any():
        first = result.narrow[0]
        raise DisclosureError(
            Said("有的小数字还能从合计倒推出来。", "A small count could still be worked out from the totals."),
            where=f"{output.name} {first.index}",
            todo=Said("请合并类别后再试。", "Merge categories and try again."),
        )
    reasons = []
    if safe.small:
        n = policy.cell_threshold
        reasons.append(Said(f"少于 {n} 名儿童的数字不显示", f"counts of fewer than {n} children are not shown"))
    if safe.hidden:
        reasons.append(Said("隐去可倒推小数字的格子", "cells that would give a small count back are withheld"))
    told = f"linear programming: {result.suppressed} attacked, {len(result.recovered)} recovered"
    decision = Decision(
        output.name, "counts", int(safe.values.size), safe.small, safe.hidden, 0, safe.rounding, told,
        len(result.recovered), tuple(reasons),
    )  # fmt: skip
    return Gated(decision, table=safe)


def _estimated(output: Estimates, policy: PolicyLike) -> Gated:
    check_columns(output.name, output.rows)
    rows: list[dict[str, Any]] = []
    withheld = 0
    for given in output.rows:
        row = dict(given)
        row[SMALL] = False
        for column in output.counts:
            if column not in row:
                raise DisclosureError(
                    Said(f"缺少人数列“{column}”。", f"The column “{column}” with the number of children is missing."),
                    where=output.name,
                    todo=Said("请在结果里补上人数。", "Add the count to the output."),
                )
            count = _whole(output.name, column, row[column])
            if count < policy.cell_threshold:
                row[column], row[SMALL] = None, True
            else:
                # a count just above the threshold must not be rounded below it
                row[column] = max(int(round_counts(count, max(policy.rounding, 1))), policy.cell_threshold)
        if row[SMALL]:
            withheld += 1
            row |= dict.fromkeys(set(output.values) & set(row), None)
        rows.append(row)
    n = policy.cell_threshold
    reason = Said(f"少于 {n} 名儿童的估计不显示", f"estimates on fewer than {n} children are not shown")
    reasons = (reason,) if withheld else ()
    kind = "estimates"
    decision = Decision(output.name, kind, len(rows), withheld=withheld, rounded_to=policy.rounding, reasons=reasons)
    return Gated(decision, rows=tuple(rows))


def _school_rows(output: SchoolRows, policy: PolicyLike, audience: Audience) -> Gated:
    check_columns(output.name, [{k: v for k, v in row.items() if k != "school"} for row in output.rows])
    enough = [r for r in output.rows if _whole(output.name, "n", r.get("n")) >= policy.cell_threshold]
    dropped = len(output.rows) - len(enough)
    few = Said(
        f"{dropped} 所学校的儿童少于 {policy.cell_threshold} 名，不列入",
        f"{dropped} schools with fewer than {policy.cell_threshold} children are left out",
    )
    reasons = [few] if dropped else []
    if audience == "official":
        rows = []
        for given in enough:
            row = dict(given)
            row["n"] = int(round_counts(int(row["n"]), max(policy.rounding, 1)))
            away = _whole(output.name, "n_away", row.get("n_away", 0))
            row[SMALL] = away < policy.cell_threshold
            row["n_away"] = None if row[SMALL] else int(round_counts(away, max(policy.rounding, 1)))
            if row[SMALL]:
                row |= dict.fromkeys(k for k in row if k.startswith("gap") or k.startswith("p_gap"))
            rows.append({k: _rounded(v, DECIMALS) for k, v in row.items()})
        rows.sort(key=lambda r: str(r.get("school_code", "")))
        kind, base = "schools, official", policy.rounding
        told = Decision(
            f"{output.name}_official", kind, len(rows), withheld=dropped, rounded_to=base, reasons=tuple(reasons)
        )
        return Gated(told, rows=tuple(rows))
    public = [_coarse(r) for r in enough]
    public.sort(key=lambda r: (r["effect"], r["low"], r["high"]))
    named = [
        {k: _rounded(r.get(k), 2) for k in _SCHOOL_NAMED}
        | {"n": int(round_counts(int(r["n"]), max(policy.rounding, 1)))}
        for r in enough
        if r.get("school_code") in policy.consent
        and int(r["n"]) >= policy.school_minimum
        and _whole(output.name, "n_away", r.get("n_away", 0)) >= policy.cell_threshold
        and r.get("shown")
    ]
    named.sort(key=lambda r: (str(r.get("county")), str(r.get("school_code"))))
    reasons.append(Said("公众只看到分布，不看到校名", "the public sees the distribution, without names"))
    reasons.append(
        Said(
            f"公众看到的区间取整到 {STEP} 个标准差，不能从区间长短认出学校",
            f"public intervals are rounded to {STEP} standard deviations, so that their width does not tell a school",
        )
    )
    return Gated(
        Decision(f"{output.name}_public", "schools, public", len(public), withheld=dropped, reasons=tuple(reasons)),
        rows=tuple(public),
        named=tuple(named),
    )


def _rounded(value: Any, decimals: int) -> Any:
    """Round a number that is not whole; nought has no sign."""
    return round(value, decimals) + 0.0 if isinstance(value, float) else value


def _coarse(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put a school's public result on a coarse grid; what touched nought still does, what did not still does not."""
    out = {k: row.get(k) for k in _SCHOOL_PUBLIC}
    for name in ("effect", "low", "high"):
        value = out[name]
        if isinstance(value, float):
            out[name] = _rounded(round(value / STEP) * STEP, 2)
    low, high, verdict = out["low"], out["high"], out["verdict"]
    if isinstance(low, float) and isinstance(high, float):
        out["low"] = max(low, STEP) if verdict == "above" else min(low, 0.0) if verdict == "unclear" else low
        out["high"] = min(high, -STEP) if verdict == "below" else max(high, 0.0) if verdict == "unclear" else high
    return out


def gate(output: Output, policy: PolicyLike, audience: Audience = "public") -> Gated:
    """Decide what of an output may leave, and make it so.

    Parameters
    ----------
    output : CountTable, Estimates, SchoolRows or Tally
        What someone wants to release; anything else is refused.
    policy : Policy
        Of the city.
    audience : {"public", "official"}
        Who will read it. Officials see schools by name; nobody sees a person.

    Returns
    -------
    Gated
        The safe output and the decision record.

    Raises
    ------
    DisclosureError
        When the output holds a column or a value about a person, lacks the number of children behind an estimate,
        or cannot be made safe.
    """
    if isinstance(output, CountTable):
        return _counted(output, policy)
    if isinstance(output, Estimates):
        return _estimated(output, policy)
    if isinstance(output, SchoolRows):
        return _school_rows(output, policy, audience)
    if isinstance(output, Tally):
        check_columns(output.name, output.rows)
        decision = Decision(output.name, "tally", len(output.rows))
        return Gated(decision, rows=tuple(dict(row) for row in output.rows))
    raise DisclosureError(
        Said("不认识的结果类型，不能公开。", "An output of an unknown kind may not leave."),
        where=type(output).__name__,
        todo=Said("请交计数表、带人数的估计或学校汇总。", "Hand over counts, estimates with n, or rows of schools."),
    )
