"""What DuckDB and Spark spell differently, and nothing else.

Every method gives the text of one SQL expression for arguments that are themselves SQL expressions. Both engines are
proven to give the same values as ``commonground.variables.functions`` in plain Python by tests/engines: a portable
library without such a suite was measured to be silently wrong for ages in years, casts that round and Chinese text.

Two habits make the rest of the text the same on both engines: numbers are always DOUBLE (never DECIMAL, whose rules of
precision differ), and nothing relies on a cast that rounds or on a division by zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence


class Dialect:
    """The SQL that DuckDB speaks; other engines override what differs."""

    name = "duckdb"

    # ---- constants

    def text(self, value: str) -> str:
        """Write a text constant."""
        return "'" + value.replace("'", "''") + "'"

    def number(self, value: float) -> str:
        """Write a number as a DOUBLE constant: without an exponent both engines would make it DECIMAL."""
        written = repr(float(value))
        return written if "e" in written else f"{written}e0"

    def date(self, value: dt.date) -> str:
        """Write a date constant."""
        return f"DATE '{value.isoformat()}'"

    def null(self, kind: str) -> str:
        """Write an unknown value of the kind ``boolean|number|text|date``."""
        return f"CAST(NULL AS {self.type_name(kind)})"

    def type_name(self, kind: str) -> str:
        """Name of the engine's type for ``boolean|number|text|date``."""
        return {"boolean": "BOOLEAN", "number": "DOUBLE", "text": "VARCHAR", "date": "DATE"}[kind]

    # ---- dates

    def months_between(self, start: str, end: str) -> str:
        """Completed months from ``start`` to ``end``, negative when ``end`` is earlier.

        A month is complete on the same day of a later month, or on its last day where it has no such day
        (Civil Code of China, article 202).
        """
        forward, backward = self._months(start, end), self._months(end, start)
        return f"CASE WHEN {end} >= {start} THEN {forward} ELSE -({backward}) END"

    def _months(self, start: str, end: str) -> str:
        whole = f"(year({end}) - year({start})) * 12 + (month({end}) - month({start}))"
        short = f"CASE WHEN day({end}) < day({start}) AND {end} <> last_day({end}) THEN 1 ELSE 0 END"
        return f"CAST({whole} - {short} AS DOUBLE)"

    def age(self, birth: str, day: str) -> str:
        """Age in completed years; who is born on 29 February completes a year on 28 February of a common year."""
        return self.floor(f"{self._months(birth, day)} / 12e0")

    def days_between(self, start: str, end: str) -> str:
        """Days from ``start`` to ``end``."""
        return f"CAST(date_diff('day', {start}, {end}) AS DOUBLE)"

    def add_months(self, day: str, months: int) -> str:
        """Give the day so many months later, moved back to the last day of the month where needed."""
        return f"CAST({day} + INTERVAL ({int(months)}) MONTH AS DATE)"

    def add_days(self, day: str, days: int) -> str:
        """Give the day so many days later."""
        return f"({day} + {int(days)})"

    def year(self, day: str) -> str:
        """Calendar year as a number."""
        return f"CAST(year({day}) AS DOUBLE)"

    def month(self, day: str) -> str:
        """Calendar month as a number."""
        return f"CAST(month({day}) AS DOUBLE)"

    def make_date(self, year: str, month: int, day: int) -> str:
        """Make a date of a year that is an expression."""
        return f"make_date(CAST({year} AS INTEGER), {int(month)}, {int(day)})"

    # ---- text

    def length(self, text: str) -> str:
        """Count the code points."""
        return f"CAST(length({text}) AS DOUBLE)"

    def prefix(self, text: str, count: int) -> str:
        """Take the first code points."""
        return f"substring({text}, 1, {int(count)})"

    def starts(self, text: str, head: str) -> str:
        """Whether a text begins with another, by code points."""
        return f"starts_with({text}, {head})"

    # ---- numbers

    def to_number(self, value: str) -> str:
        """Take a column as DOUBLE; NaN is not a value."""
        cast = f"CAST({value} AS DOUBLE)"
        return f"CASE WHEN isnan({cast}) THEN NULL ELSE {cast} END"

    def to_text(self, value: str) -> str:
        """Take a column as text."""
        return f"CAST({value} AS {self.type_name('text')})"

    def floor(self, value: str) -> str:
        """Round down; Spark would give a whole number of another type."""
        return f"CAST(floor({value}) AS DOUBLE)"

    def round(self, value: str) -> str:
        """Round to a whole number, halves away from zero."""
        return f"(CASE WHEN {value} < 0 THEN -1e0 ELSE 1e0 END * {self.floor(f'abs({value}) + 0.5e0')})"

    def divide(self, left: str, right: str) -> str:
        """Divide; by zero is unknown, not an error and not infinity."""
        return f"CASE WHEN {right} = 0e0 THEN NULL ELSE {left} / {right} END"

    def wide_integer(self, value: str) -> str:
        """Widen an integer for exact sums of squares, so that the order of rows cannot change a result."""
        return f"CAST({value} AS HUGEINT)"

    # ---- whole numbers, all of them BIGINT

    def whole(self, value: int) -> str:
        """Write a whole number as a BIGINT constant."""
        return f"CAST({int(value)} AS BIGINT)"

    def xor(self, left: str, right: str) -> str:
        """Bits in which two whole numbers differ; ``&``, ``|``, ``<<`` and ``>>`` are the same on both engines.

        A shift to the left must stay below 2^63: DuckDB refuses what would not, Spark gives another number.
        """
        return f"xor({left}, {right})"

    def bit_count(self, value: str) -> str:
        """Count the bits that are set; of a narrower negative number the engines would count different ones."""
        return f"CAST(bit_count(CAST({value} AS BIGINT)) AS BIGINT)"

    def integer_divide(self, left: str, right: str) -> str:
        """Divide whole numbers, rounding towards zero; by zero is unknown."""
        return f"({left} // nullif({right}, 0))"

    def remainder(self, left: str, right: str) -> str:
        """Give what is left by ``integer_divide``, with the sign of ``left``; by zero is unknown."""
        return f"({left} % nullif({right}, 0))"

    def edit_distance(self, left: str, right: str) -> str:
        """Levenshtein distance of texts of ASCII characters: of others DuckDB would count bytes, Spark code points."""
        return f"CAST(levenshtein({left}, {right}) AS BIGINT)"

    # ---- lists of whole numbers without NULL among them

    def overlaps(self, left: str, right: str) -> str:
        """Whether two lists have a number in common; unknown where one of them is NULL."""
        return f"list_has_any({left}, {right})"

    def shared(self, left: str, right: str) -> str:
        """Count the different numbers that two lists have in common; unknown where one of them is NULL."""
        common = f"len(list_intersect({left}, {right}))"  # which is 0 where the right one alone is NULL
        return f"CASE WHEN {right} IS NULL THEN NULL ELSE CAST({common} AS BIGINT) END"

    def each(self, values: str) -> str:
        """A row for each number of a list, none for an empty one or NULL; a column of a SELECT, alone of its kind."""
        return f"unnest({values})"

    # ---- tables

    def union(self, queries: Sequence[str]) -> str:
        """One query after another."""
        return "\nUNION ALL\n".join(queries)


class SparkDialect(Dialect):
    """The SQL that Spark speaks."""

    name = "spark"

    def text(self, value: str) -> str:
        """Write a text constant; Spark reads backslashes as escapes."""
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def type_name(self, kind: str) -> str:
        """Name of the engine's type."""
        return "STRING" if kind == "text" else super().type_name(kind)

    def days_between(self, start: str, end: str) -> str:
        """Days from ``start`` to ``end``; Spark's arguments are the other way round."""
        return f"CAST(datediff({end}, {start}) AS DOUBLE)"

    def add_months(self, day: str, months: int) -> str:
        """Give the day so many months later."""
        return f"add_months({day}, {int(months)})"

    def add_days(self, day: str, days: int) -> str:
        """Give the day so many days later."""
        return f"date_add({day}, {int(days)})"

    def starts(self, text: str, head: str) -> str:
        """Whether a text begins with another."""
        return f"startswith({text}, {head})"

    def divide(self, left: str, right: str) -> str:
        """Divide; the divisor is made NULL, since Spark's ANSI mode may evaluate a branch it does not take."""
        return f"{left} / nullif({right}, 0e0)"

    def wide_integer(self, value: str) -> str:
        """Widen an integer for exact sums of squares."""
        return f"CAST({value} AS DECIMAL(38, 0))"

    def xor(self, left: str, right: str) -> str:
        """Bits in which two whole numbers differ."""
        return f"({left} ^ {right})"

    def integer_divide(self, left: str, right: str) -> str:
        """Divide whole numbers, rounding towards zero."""
        return f"({left} div nullif({right}, 0))"

    def overlaps(self, left: str, right: str) -> str:
        """Whether two lists have a number in common."""
        return f"arrays_overlap({left}, {right})"

    def shared(self, left: str, right: str) -> str:
        """Count the different numbers that two lists have in common."""
        return f"CAST(size(array_intersect({left}, {right})) AS BIGINT)"

    def each(self, values: str) -> str:
        """A row for each number of a list."""
        return f"explode({values})"


DIALECTS: dict[str, Dialect] = {"duckdb": Dialect(), "spark": SparkDialect()}


def dialect(name: str | Dialect) -> Dialect:
    """Give the dialect of that name (``duckdb`` or ``spark``).

    Raises
    ------
    EngineError
        There is no such dialect.
    """
    if isinstance(name, Dialect):
        return name
    if name not in DIALECTS:
        from commonground.errors import EngineError, Said, did_you_mean

        raise EngineError(
            Said(f"没有名为“{name}”的 SQL 方言。", f"There is no SQL dialect “{name}”."),
            todo=did_you_mean(name, DIALECTS),
        )
    return DIALECTS[name]
