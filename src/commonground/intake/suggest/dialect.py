"""Separator, quotation mark and line ends inside quotations of a separated text; column gaps of a fixed-width one."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from commonground.errors import Said

_WEAK = ":# "  # they stand in texts and times as well
SEPARATORS = (",", "\t", "|", ";", "^", "~", "，", "#", ":", " ")
_NAMES = {
    ",": Said("逗号", "comma"),
    "\t": Said("制表符", "tab"),
    "|": Said("竖线", "bar"),
    ";": Said("分号", "semicolon"),
    "，": Said("全角逗号", "full-width comma"),
    " ": Said("空格", "space"),
    ":": Said("冒号", "colon"),
}
_LOOKED_AT = 3000
_LONGEST = 50  # as in the reader: a quoted cell holds no more lines


@dataclass(frozen=True)
class Dialect:
    """How lines split; ``separator`` is "" where nothing splits them evenly (one column, or fixed widths)."""

    separator: str
    quote: str
    multiline: bool
    fields: int
    consistency: float
    why: dict[str, Said]


def detect(lines: Sequence[str]) -> Dialect:
    """Find the separator under which most lines have the same number of cells."""
    lines = [line for line in _drawn(lines) if line.strip()]
    best = Dialect("", '"', False, 1, 1.0, {"separator": _none_found()})
    most = 0.0
    for separator in SEPARATORS:
        if not any(separator in line for line in lines[:200]):
            continue
        least = 0.95 if separator in _WEAK else 0.4
        for quote, multiline in _ways(lines, separator):
            fields, share = _evenness(_joined(lines, separator, quote) if multiline else lines, separator, quote)
            value = share * (1 - 1 / fields) * (0.5 if separator in _WEAK else 1.0)
            value += 0.05 * (_cells(lines[0], separator, quote) == fields)  # the header speaks for its own separator
            value += 0.03 * (quote == '"') - 0.001 * SEPARATORS.index(separator) - 0.02 * multiline
            if fields > 1 and value > most and share >= least:
                most, best = value, _dialect(separator, quote, multiline, fields, share)
    return best


def _dialect(separator: str, quote: str, multiline: bool, fields: int, share: float) -> Dialect:
    name = _NAMES.get(separator, Said(f"“{separator}”", f"“{separator}”"))
    why = {
        "separator": Said(
            f"以{name.zh}分列，{share:.1%} 的行都是 {fields} 格",
            f"by {name.en} {share:.1%} of lines have {fields} cells",
        )
    }
    if quote != '"':
        why["quote"] = (
            Said("引号只是文字的一部分，不成对", "quotation marks are part of the text, not in pairs")
            if not quote
            else Said(f"多数单元格用 {quote} 括起", f"most cells stand between {quote}")
        )
    if multiline:
        why["multiline"] = Said("引号内有换行，合并后各行格数一致", "line ends inside quotations; joined, lines agree")
    return Dialect(separator, quote, multiline, fields, share, why)


def _none_found() -> Said:
    return Said("没有能把各行分成同样格数的分隔符", "no separator splits the lines into the same number of cells")


def _drawn(lines: Sequence[str]) -> list[str]:
    """Draw runs of lines evenly, the head among them; runs, since a quoted cell may go over several lines."""
    if len(lines) <= _LOOKED_AT:
        return list(lines)
    run = _LOOKED_AT // 10
    step = (len(lines) - run) // 9
    return [line for i in range(10) for line in lines[i * step : i * step + run]]


def _ways(lines: Sequence[str], separator: str) -> list[tuple[str, bool]]:
    """Quotation marks to try, and whether a quoted cell may go over several lines."""
    ways = [('"', False)]
    if any('"' in line for line in lines):
        ways.append(("", False))
    if any(line.count('"') % 2 for line in lines):
        ways.append(('"', True))
    single = sum(line.startswith("'") and line.endswith("'") and f"'{separator}'" in line for line in lines)
    if single * 2 > len(lines):
        ways.insert(0, ("'", False))
    return ways


def _evenness(lines: Sequence[str], separator: str, quote: str) -> tuple[int, float]:
    """Number of cells that most lines have, and their share."""
    seen = Counter(_cells(line, separator, quote) for line in lines)
    total = sum(seen.values())
    for few in (0, 1):
        seen.pop(few, None)
    if not seen:
        return 1, 0.0
    fields, times = max(seen.items(), key=lambda item: (item[1], item[0]))
    return fields, times / total


def _cells(line: str, separator: str, quote: str) -> int:
    """Cells of a line; 0 where its quotation marks do not close, which is how the reader sees it too."""
    if not quote or quote not in line:
        return line.count(separator) + 1
    try:
        reader = csv.reader(line.splitlines(keepends=True), delimiter=separator, quotechar=quote, strict=True)
        return len(next(reader, ()))
    except csv.Error:
        return 0


def _joined(lines: Sequence[str], separator: str, quote: str) -> list[str]:
    """Put lines together while a quotation is open, where what comes out can be split."""
    out, i = [], 0
    while i < len(lines):
        whole, j = lines[i], i + 1
        while whole.count(quote) % 2 and j < len(lines) and j - i < _LONGEST:
            whole, j = whole + "\n" + lines[j], j + 1
        if j > i + 1 and not _cells(whole, separator, quote):
            whole, j = lines[i], i + 1
        out.append(whole)
        i = j
    return out
