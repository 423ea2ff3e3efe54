"""Check types that one row decides: each becomes two SQL conditions, so that all of a dataset's run in one pass.

A condition that is unknown (NULL) counts as not met.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from commonground.city import Settings
from commonground.intake.checks.model import Check, Need

DELIVERED = "greatest(as_of, coalesce(try_cast(left(delivery, 10) AS DATE), as_of))"
"""The day on which a row was delivered, never before the day that it describes."""
_SCHOOL_YEAR = "(year(as_of) - CASE WHEN month(as_of) >= 8 THEN 0 ELSE 1 END)"
_PRIVATE = r"\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFD}"
_ODD = rf"[{_PRIVATE}\x{{FFFD}}\x{{0}}-\x{{8}}\x{{B}}-\x{{1F}}\x{{7F}}]"
_ODD += r"|锟斤拷|烫烫|屯屯|Ã[\x{80}-\x{BF}]|â€|ï»¿|\?{3,}"


def q(name: str) -> str:
    """Quote a column's name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """Write a plain value as SQL."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def _within(text: str, low: Any, high: Any) -> str:
    """SQL that is true outside ``[low, high]``; an end that is not given is open."""
    parts = [
        f"{text} < {literal(low)}" if low is not None else "",
        f"{text} > {literal(high)}" if high is not None else "",
    ]
    return "(" + " OR ".join(part for part in parts if part) + ")"


def _known(*names: str) -> str:
    return " AND ".join(f"{q(name)} IS NOT NULL" for name in names)


def _when(check: Check) -> str:
    """SQL of the parameter ``when``: a column, and the values or the range that it must have."""
    when = check.params.get("when")
    if not when:
        return "TRUE"
    column = q(when["column"])
    if "values" in when:
        return f"{column} IN ({', '.join(literal(v) for v in when['values'])})"
    return f"NOT coalesce({_within(column, when.get('from'), when.get('to'))}, TRUE)"


def not_null(check: Check, settings: Settings) -> Need:
    """Rows without a value, of all rows; a mark with the note "absent" is a value."""
    name = check.columns[0]
    absent = f" AND NOT coalesce({q(name + '_absent')}, FALSE)" if check.params.get("absence") else ""
    return Need(_when(check), f"{q(name)} IS NULL{absent}")


def form(check: Check, settings: Settings) -> Need:
    """Texts that do not match the parameter ``pattern`` wholly."""
    name = q(check.columns[0])
    return Need(_known(check.columns[0]), f"NOT regexp_full_match({name}, {literal(check.params['pattern'])})")


def characters(check: Check, settings: Settings) -> Need:
    """Texts with private-use, replacement or control characters, or the usual traces of a wrong encoding."""
    return Need(_known(check.columns[0]), f"regexp_matches({q(check.columns[0])}, {literal(_ODD)})")


def plausible_range(check: Check, settings: Settings) -> Need:
    """Numbers outside ``low`` to ``high``, narrower than what intake takes at all."""
    name = check.columns[0]
    applies = f"{_known(name)} AND {_when(check)}"
    return Need(applies, _within(q(name), check.params.get("low"), check.params.get("high")))


def range_by_age_sex(check: Check, settings: Settings) -> Need:
    """Numbers outside the range of the person's sex and age in whole years.

    Columns: value, birth, sex and, where given, the date of measurement (else the day that the data describe).
    Parameters ``from_age`` and the lists ``male_low, male_high, female_low, female_high``, one entry a year of age.
    """
    value, birth, sex = (q(name) for name in check.columns[:3])
    at = q(check.columns[3]) if len(check.columns) > 3 else "as_of"
    first, p = int(check.params["from_age"]), check.params
    age = f"datesub('year', {birth}, {at})"

    def pick(end: str) -> str:
        lists = {
            code: "[" + ", ".join(str(float(v)) for v in p[f"{word}_{end}"]) + "]"
            for code, word in (("1", "male"), ("2", "female"))
        }
        place = f"[CAST({age} AS INTEGER) - {first - 1}]"
        return f"CASE {sex} WHEN '1' THEN ({lists['1']}){place} WHEN '2' THEN ({lists['2']}){place} END"

    last = first + len(p["male_low"]) - 1
    applies = f"{value} IS NOT NULL AND {sex} IN ('1', '2') AND {age} BETWEEN {first} AND {last}"
    return Need(applies, f"({value} < {pick('low')} OR {value} > {pick('high')})")


def id_agrees(check: Check, settings: Settings) -> Need:
    """Identity numbers whose birth date or sex (parameter ``field``) is not the one of the column beside it."""
    number, other = (q(name) for name in check.columns)
    if check.params["field"] == "sex":
        applies = f"{number} IS NOT NULL AND {other} IN ('1', '2')"
        return Need(
            applies, f"(CASE WHEN CAST(substr({number}, 17, 1) AS INTEGER) % 2 = 1 THEN '1' ELSE '2' END) <> {other}"
        )
    precise = f"coalesce({q(check.columns[1] + '_precision')} = 'day', FALSE)"
    return Need(
        f"{number} IS NOT NULL AND {other} IS NOT NULL AND {precise}",
        f"substr({number}, 7, 8) <> strftime({other}, '%Y%m%d')",
    )


def day_month_swapped(check: Check, settings: Settings) -> Need:
    """Birth dates that agree with the identity number once day and month change places."""
    number, birth = (q(name) for name in check.columns)
    return Need(
        f"{number} IS NOT NULL AND {birth} IS NOT NULL",
        f"substr({number}, 7, 8) = strftime({birth}, '%Y%d%m') AND day({birth}) <> month({birth})",
    )


def numbers_agree(check: Check, settings: Settings) -> Need:
    """Student numbers that begin with G and then hold another identity number than the row's."""
    student, number = (q(name) for name in check.columns)
    return Need(
        f"{number} IS NOT NULL AND left({student}, 1) = 'G' AND length({student}) = 19",
        f"substr({student}, 2) <> {number}",
    )


def in_order(check: Check, settings: Settings) -> Need:
    """Rows whose first date is later than the second."""
    first, second = (q(name) for name in check.columns)
    return Need(f"{_known(*check.columns)} AND {_when(check)}", f"{first} > {second}")


def years_between(check: Check, settings: Settings) -> Need:
    """Rows where the whole years from the first date to the second are below ``low`` or above ``high``."""
    first, second = (q(name) for name in check.columns)
    years = f"datesub('year', {first}, {second})"
    return Need(
        f"{_known(*check.columns)} AND {_when(check)}",
        _within(years, check.params.get("low"), check.params.get("high")),
    )


def not_future(check: Check, settings: Settings) -> Need:
    """Dates later than the delivery."""
    return Need(_known(check.columns[0]), f"{q(check.columns[0])} > {DELIVERED}")


def not_before(check: Check, settings: Settings) -> Need:
    """Dates before the parameter ``earliest``."""
    return Need(_known(check.columns[0]), f"{q(check.columns[0])} < DATE {literal(check.params['earliest'])}")


def age_grade(check: Check, settings: Settings) -> Need:
    """Pupils whose age on 1 September, less grade and five years, is below ``low`` or above ``high``.

    Columns: birth, grade and, where given, the school year; else the year in which the described day's school year
    began.
    """
    birth, grade = (q(name) for name in check.columns[:2])
    year = q(check.columns[2]) if len(check.columns) > 2 else _SCHOOL_YEAR
    beyond = f"datesub('year', {birth}, make_date(CAST({year} AS BIGINT), 9, 1)) - {grade} - 5"
    return Need(_known(*check.columns), _within(f"({beyond})", check.params["low"], check.params["high"]))


def not_above(check: Check, settings: Settings) -> Need:
    """Rows whose first number is above the second (``strict``: not below it)."""
    part, whole = (q(name) for name in check.columns)
    return Need(_known(*check.columns), f"{part} {'>=' if check.params.get('strict') else '>'} {whole}")


def sum_of_parts(check: Check, settings: Settings) -> Need:
    """Rows whose first number is not the sum of the others, to within ``tolerance``."""
    total, *parts = (q(name) for name in check.columns)
    return Need(
        _known(*check.columns), f"abs({total} - ({' + '.join(parts)})) > {float(check.params.get('tolerance', 0))}"
    )


def quotient(check: Check, settings: Settings) -> Need:
    """Rows whose first number is not the second divided by the third, to within ``tolerance``."""
    result, top, bottom = (q(name) for name in check.columns)
    applies = f"{_known(*check.columns)} AND {bottom} > 0"
    return Need(applies, f"abs({result} - {top} / {bottom}) > {float(check.params['tolerance'])} + 1e-9")


def heaping(check: Check, settings: Settings) -> Need:
    """Values at a place where people like to put them; the share that chance gives is the limit's ``expected``.

    ``at`` is "last digit" (whole numbers that end in one of ``digits``), "1 January" (dates known to the day), or
    "pass mark" (of those within ``width`` of ``mark``, those on or above it).
    """
    name, p = q(check.columns[0]), check.params
    if p["at"] == "last digit":
        digits = ", ".join(str(int(d)) for d in p["digits"])
        return Need(f"{name} IS NOT NULL", f"CAST(round({name}) AS BIGINT) % 10 IN ({digits})")
    if p["at"] == "1 January":
        precise = (
            f"coalesce({q(check.columns[0] + '_precision')} = 'day', FALSE)" if p.get("precision", True) else "TRUE"
        )
        return Need(f"{name} IS NOT NULL AND {precise}", f"month({name}) = 1 AND day({name}) = 1")
    mark, width = float(p["mark"]), float(p["width"])
    return Need(f"{name} >= {mark - width} AND {name} < {mark + width}", f"{name} >= {mark}")


def area_known(check: Check, settings: Settings) -> Need:
    """Area codes that were never assigned, or no more on the day that the row describes.

    Areas are those of city.toml, and those of the pack's list of every year. Intake has carried old codes to those of
    today where that is sure, so that a code younger than the day is no fault.
    """
    name = check.columns[0]
    here = f"area_{name}"
    bad = f"{here}.v IS NULL OR as_of > {here}.until"
    return Need(_known(name), bad, {here: (name, ("areas", ""))})


def parent_age(check: Check, settings: Settings) -> Need:
    """Parents younger than ``low`` or older than ``high`` years at the child's birth.

    Columns: the child's birth, the parent's identity number and, where given, the relation, one of ``relations``.
    """
    birth, number = (q(name) for name in check.columns[:2])
    born = f"try_strptime(substr({number}, 7, 8), '%Y%m%d')::DATE"
    applies = f"{birth} IS NOT NULL AND {born} IS NOT NULL"
    if len(check.columns) > 2:
        applies += f" AND {q(check.columns[2])} IN ({', '.join(literal(v) for v in check.params['relations'])})"
    years = f"datesub('year', {born}, {birth})"
    return Need(applies, f"({_within(years, check.params['low'], check.params['high'])} OR {born} > {birth})")


def foreign_key(check: Check, settings: Settings) -> Need:
    """Values that no row of datasets of ``kind`` has in column ``to``."""
    name, kind, to = check.columns[0], str(check.params["kind"]), str(check.params["to"])
    here = f"ref_{name}_{kind}"
    return Need(_known(name), f"{here}.v IS NULL", {here: (name, (kind, to))})


def code_share(check: Check, settings: Settings) -> Need:
    """Rows with one of ``values``, of all with a value; what share is right is the limit's ``expected``."""
    name, values = q(check.columns[0]), check.params["values"]
    return Need(f"{name} IS NOT NULL", f"{name} IN ({', '.join(literal(v) for v in values)})")


ROWWISE: dict[str, Callable[[Check, Settings], Need]] = {
    f.__name__: f
    for f in (
        not_null, form, characters, plausible_range, range_by_age_sex, id_agrees, day_month_swapped, numbers_agree,
        in_order, years_between, not_future, not_before, age_grade, not_above, sum_of_parts, quotient, heaping,
        area_known, parent_age, foreign_key, code_share,
    )
}  # fmt: skip


def columns_used(checks: Sequence[Check]) -> set[str]:
    """Columns that rows must have for these checks, the precisions and absences beside them included."""
    out: set[str] = set()
    for check in checks:
        out |= set(check.columns)
        when = check.params.get("when")
        out |= {when["column"]} if when else set()
    return out
