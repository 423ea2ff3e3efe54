"""The kinds of figures of LANGUAGE.md section 3, each a pure function of rows, drawn wide (736) or narrow (358).

In the narrow drawing labels stand above their row, values at the right, and the grid only in the lane of the
interval; a wide figure is never shrunk. Rows come in the order of their meaning, never sorted by estimate, except in
the caterpillar, which has no names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.present.drawing import LABEL, SMALL, Chart, Lane, Sheet, lane, text_width, wrap
from commonground.present.tokens import ABOVE, BELOW, BLUE, MARKS, MUTED, STEP, UNCLEAR, WHITE
from commonground.present.words import number, sentence, value_label

WIDE, NARROW = 736, 358
_VALUE = 152  # pixels for "−0.14 (−0.18, −0.10)"


@dataclass(frozen=True)
class Row:
    """One row of a figure: an estimate with its interval, or a header when ``estimate`` is None."""

    label: str
    estimate: float | None = None
    low: float = 0.0
    high: float = 0.0
    role: str = "estimate"
    text: str = ""

    @property
    def value(self) -> str:
        """What stands at the right of the row."""
        return self.text or (value_label(self.estimate, self.low, self.high) if self.estimate is not None else "")


@dataclass(frozen=True)
class Bar:
    """One bar, whole or of stacked parts: ``parts`` are (share of 1, colour); without parts, a header."""

    label: str
    parts: tuple[tuple[float, str], ...]
    text: str = ""
    interval: tuple[float, float] | None = None
    inside: str = field(default="")


def _span(rows: Sequence[Row]) -> list[float]:
    return [v for r in rows if r.estimate is not None for v in (r.low, r.high, r.estimate)]


def interval_rows(
    rows: Sequence[Row], width: int, *, title: str, axis: str, zero_label: str = "", unit: str = "", zero: bool = True
) -> Chart:
    """Draw estimates with their intervals, one a row, headers between.

    Parameters
    ----------
    rows : sequence of Row
        In the order to be shown.
    width : int
        736, or 358 for the narrow drawing.
    title : str
        The chart's description.
    axis, zero_label, unit : str
        What stands below the axis, above the zero line, and after each tick.
    zero : bool
        Whether the scale holds nought and shows it as the line to compare with.
    """
    if width < 600:
        return _interval_narrow(rows, width, title, axis, zero_label, unit, zero)
    sheet = Sheet(width)
    longest = max((text_width(r.label) for r in rows if r.estimate is not None), default=0)
    left = min(max(longest + 24, 200), 330)
    here = lane(left + 8, width - _VALUE - 24, _span(rows), zero=zero)
    y = 26.0
    places: list[tuple[Row, float, list[str]]] = []
    for row in rows:
        lines = wrap(row.label, left - 12)
        tall = 32 + 17 * (len(lines) - 1)
        places.append((row, y + tall / 2, lines))
        y += tall
    sheet.grid(here, 26, y, zero=zero)
    if zero_label:
        sheet.text(here.at(0.0), 14, zero_label, align="center", size=SMALL, color=MUTED)
    for row, middle, lines in places:
        for k, line in enumerate(lines):
            sheet.text(0, middle + 17 * (k - (len(lines) - 1) / 2), line, bold=row.estimate is None)
        if row.estimate is not None:
            _mark(sheet, here, middle, row)
            sheet.text(width, middle, row.value, align="right", size=SMALL, color=MUTED)
    sheet.ticks(here, y + 14, unit, sign=zero)
    sheet.text((here.left + here.right) / 2, y + 34, axis, align="center", size=SMALL, color=MUTED)
    return sheet.chart(y + 44, title)


def _mark(sheet: Sheet, here: Lane, y: float, row: Row) -> None:
    if row.estimate is None:
        return
    sheet.rule(here, y, row.low, row.high, MARKS[row.role][0])
    sheet.point(here, y, row.estimate, row.role)


def _interval_narrow(
    rows: Sequence[Row], width: int, title: str, axis: str, zero_label: str, unit: str, zero: bool
) -> Chart:
    sheet = Sheet(width)
    here = lane(10, width - 10, _span(rows), zero=zero, most=4)
    y = 22.0 if zero_label else 4.0
    if zero_label:
        half = text_width(zero_label, SMALL) / 2
        x = min(max(here.at(0.0), half), width - half)
        sheet.text(x, 10, zero_label, align="center", size=SMALL, color=MUTED)
    for row in rows:
        room = width if row.estimate is None else width - text_width(row.value, SMALL) - 12
        lines = wrap(row.label, max(room, 150))
        for k, line in enumerate(lines):
            sheet.text(0, y + 12 + 17 * k, line, bold=row.estimate is None)
        if row.estimate is None:
            y += 17 * len(lines) + 8
            continue
        sheet.text(width, y + 12, row.value, align="right", size=SMALL, color=MUTED)
        y += 17 * len(lines) + 6
        sheet.grid(here, y, y + 20, zero=zero)
        _mark(sheet, here, y + 10, row)
        y += 26
    sheet.ticks(here, y + 10, unit, sign=zero)
    for k, line in enumerate(wrap(axis, width, SMALL)):
        sheet.text(width / 2, y + 30 + 16 * k, line, align="center", size=SMALL, color=MUTED)
    return sheet.chart(y + 42 + 16 * (len(wrap(axis, width, SMALL)) - 1), title)


def small_multiples(
    panels: Sequence[tuple[str, Sequence[Row]]], width: int, *, title: str, axis: str, zero: bool = True
) -> Chart:
    """Draw the same groups in several panels with one shared scale: subjects side by side, or one below another."""
    rows = [row for _, panel in panels for row in panel]
    if width < 600:
        stacked = [r for name, panel in panels for r in (Row(name), *panel)]
        return interval_rows(stacked, width, title=title, axis=axis, zero=zero)
    sheet = Sheet(width)
    labels = [row.label for row in panels[0][1]] if panels else []
    left = min(max((text_width(label) for label in labels), default=0) + 16, 240)
    gap = 56.0
    each = (width - left - 20 - gap * (len(panels) - 1)) / max(len(panels), 1)
    bottom = 34 + 44.0 * len(labels)
    for k, label in enumerate(labels):
        for j, line in enumerate(wrap(label, left - 8)):
            sheet.text(0, 34 + 44 * k + 26 + 17 * j, line)
    lanes = []
    for k, (name, _) in enumerate(panels):  # every grid before any mark: a later panel's grid would lie on a value
        start = left + k * (each + gap)
        lanes.append(lane(start, start + each, _span(rows), most=4, zero=zero))
        sheet.text(start, 14, name, bold=True)
        sheet.grid(lanes[-1], 34, bottom, zero=zero)
        sheet.ticks(lanes[-1], bottom + 14, sign=zero)
    for here, (_, panel) in zip(lanes, panels, strict=True):
        for j, row in enumerate(panel):
            if row.estimate is None:
                continue
            y = 34 + 44 * j + 26
            _mark(sheet, here, y, row)
            place = min(max(here.at(row.estimate), here.left + 16), here.right - 16)
            said = row.text or number(row.estimate, sign=True)
            sheet.text(place, y - 16, said, align="center", size=SMALL, color=MARKS[row.role][0], halo=True)
    sheet.text((left + width) / 2, bottom + 34, axis, align="center", size=SMALL, color=MUTED)
    return sheet.chart(bottom + 44, title)


def caterpillar(rows: Sequence[Mapping[str, Any]], lang: str, width: int, *, title: str, axis: str, mean: str) -> Chart:
    """Draw every school as a line, sorted by estimate, without names or places; the three verdicts are counted on it.

    Rows have ``effect``, ``low``, ``high`` and ``verdict`` (above, unclear, below).
    """
    sheet = Sheet(width)
    ordered = sorted(rows, key=lambda r: (-r["effect"], -r["low"], r["high"]))
    values = [v for r in ordered for v in (r["low"], r["high"])]
    here = lane(8, width - 8, values, most=5 if width >= 600 else 4)
    step = min(max((380 if width >= 600 else 330) / max(len(ordered), 1), 1.5), 14)
    top, bottom = 26.0, 26.0 + step * len(ordered) + 8
    sheet.grid(here, top, bottom)
    sheet.text(here.at(0.0), 14, mean, align="center", size=SMALL, color=MUTED)
    counts = {"above": 0, "unclear": 0, "below": 0}
    size = 0.35 if step < 6 else 0.6
    for k, row in enumerate(ordered):
        y = top + 4 + step * (k + 0.5)
        counts[row["verdict"]] += 1
        sheet.rule(here, y, row["low"], row["high"], MARKS[row["verdict"]][0], 1.2)
        sheet.point(here, y, row["effect"], row["verdict"], size)
    below = bottom
    sheet.ticks(here, below + 14)
    sheet.text(width / 2, below + 34, axis, align="center", size=SMALL, color=MUTED)
    # counts stand where lines do not: above at the lower left is free of long lines, so they go below the axis
    colors = {"above": ABOVE, "unclear": UNCLEAR, "below": BELOW}
    said = {k: sentence(f"schools.count_{k}", lang, n=n) for k, n in counts.items()}
    if width >= 600:
        for place, align, key in ((0, "left", "below"), (width / 2, "center", "unclear"), (width, "right", "above")):
            sheet.text(place, below + 58, said[key], align=align, color=colors[key], bold=True)
        return sheet.chart(below + 70, title)
    for k, key in enumerate(("above", "unclear", "below")):
        sheet.text(0, below + 58 + 20 * k, said[key], color=colors[key], bold=True)
    return sheet.chart(below + 112, title)


def bars(rows: Sequence[Bar], width: int, *, title: str, axis: str, top: float = 1.0, unit: str = "%") -> Chart:
    """Draw bars from nought, whole or stacked with white gaps; an interval is drawn over its bar.

    Parameters
    ----------
    rows : sequence of Bar
        Lengths as shares of ``top``.
    top : float
        Value at the right end of the scale, 1 for 100%.
    """
    sheet = Sheet(width)
    wide = width >= 600
    scale = 100.0 if unit == "%" else 1.0
    longest = max((text_width(b.label) for b in rows), default=0)
    left = min(max(longest + 20, 120), 300) if wide else 0.0
    room = max((text_width(b.text, SMALL) for b in rows), default=0)
    ticks = tuple(scale * top * k / 4 for k in range(5))
    here = Lane(left + 4, width - room - 16 if wide else width - 4, 0.0, scale * top, ticks)
    y = 6.0
    rows_at: list[tuple[Bar, float]] = []
    for bar in rows:
        lines = wrap(bar.label, left - 12 if wide else width - room - 12)
        if wide:
            tall = max(32.0, 17.0 * len(lines) + 8)
            for k, line in enumerate(lines):
                sheet.text(0, y + tall / 2 + 17 * (k - (len(lines) - 1) / 2), line, bold=not bar.parts)
            rows_at.append((bar, y + tall / 2))
            y += tall
        else:
            for k, line in enumerate(lines):
                sheet.text(0, y + 10 + 17 * k, line, bold=not bar.parts)
            if not bar.parts:
                y += 17 * len(lines) + 8
                continue
            sheet.text(width, y + 10, bar.text, align="right", size=SMALL, color=MUTED)
            y += 17 * len(lines) + 4
            rows_at.append((bar, y + 10))
            y += 28
    if wide:
        sheet.grid(here, 6, y, zero=False)
    for bar, middle in rows_at:
        _stack(sheet, here, middle, bar, scale)
        if wide:
            sheet.text(width, middle, bar.text, align="right", size=SMALL, color=MUTED)
    sheet.ticks(here, y + 14, unit if unit == "%" else "", sign=False)
    lines = wrap(axis, width, SMALL)
    for k, line in enumerate(lines):
        sheet.text((here.left + here.right) / 2, y + 34 + 16 * k, line, align="center", size=SMALL, color=MUTED)
    return sheet.chart(y + 44 + 16 * (len(lines) - 1), title)


def _stack(sheet: Sheet, here: Lane, y: float, bar: Bar, scale: float) -> None:
    start = 0.0
    gap = 1.5 * (here.high - here.low) / (here.right - here.left)
    for share, color in bar.parts:
        end = start + share * scale
        if end - start > 0:
            # white gaps keep parts apart in black and white; a sliver keeps at least a pixel
            sheet.bar(here, y, start, max(end - gap, start + gap / 3), color, 20)
        start = end
    if bar.inside and bar.parts and here.at(bar.parts[0][0] * scale) - here.left > text_width(bar.inside, SMALL) + 10:
        middle = here.at(bar.parts[0][0] * scale / 2)
        sheet.text(middle, y, bar.inside, align="center", size=SMALL, color=WHITE)
    if bar.interval:
        sheet.rule(here, y, bar.interval[0] * scale, bar.interval[1] * scale, MUTED, 2.0)


def strip(row: Row, *, unit: str = "", percent: bool = False, zero: bool = True) -> Chart:
    """Draw the interval beside a headline sentence: 320 by 46, without words; the sentence says it all."""
    sheet = Sheet(320)
    factor = 100.0 if percent else 1.0
    estimate = (row.estimate or 0.0) * factor
    here = lane(16, 304, [row.low * factor, row.high * factor, estimate], zero=zero, most=5)
    for tick in here.ticks:
        sheet.line(here, tick, 23, 33, "#1c2430" if tick == 0 else "#d9dee5")
    sheet.rule(here, 28, row.low * factor, row.high * factor, MARKS[row.role][0], 4.0)
    sheet.point(here, 28, estimate, row.role, 1.3)
    said = number(estimate, 0 if percent else 2, sign=not percent) + unit
    place = min(max(here.at(estimate), 24), 296)
    sheet.text(place, 9, said, align="center", size=14, color=MARKS[row.role][0], bold=True)
    sheet.ticks(here, 41, unit, sign=not percent)
    return sheet.chart(48, row.label)


def reading_example(lang: str, width: int, interval: str) -> Chart:
    """Draw how to read a figure: a mark, its interval, and the zero line."""
    sheet = Sheet(width)
    here = Lane(0, width, -1.0, 1.0, ())
    sheet.text(here.at(0), 14, sentence("schools.all_mean", lang), align="center", size=SMALL, color=MUTED)
    sheet.line(here, 0.0, 26, 128, "#1c2430", dash=True)
    sheet.rule(here, 66, 0.10, 0.62 if width >= 600 else 0.72, ABOVE, 3.0)
    sheet.point(here, 66, 0.38, "above", 1.2)
    sheet.text(here.at(0.38), 46, sentence("overview.read_estimate", lang), align="center", size=LABEL)
    wide = width >= 600
    clear = (
        sentence("overview.read_clear", lang, interval=interval)
        if wide
        else sentence("overview.read_clear_short", lang)
    )
    sheet.text(here.at(0.40) if wide else here.at(0.52), 88, clear, align="center", size=SMALL, color=MUTED)
    sheet.rule(here, 116, -0.8, 0.14, UNCLEAR, 3.0)
    sheet.point(here, 116, -0.33, "unclear", 1.2)
    cross = sentence("overview.read_cross", lang)
    sheet.text(here.at(-0.8) if wide else 4, 140, cross, size=SMALL, color=MUTED)
    return sheet.chart(158, sentence("overview.read_aria", lang))


def counts_as_bars(rows: Sequence[tuple[str, int, str]], width: int, *, title: str, axis: str) -> Chart:
    """Draw counts as bars from nought: rows are (label, count, text)."""
    most = max((count for _, count, _ in rows), default=1)
    ticks = lane(0, 1, [0.0, float(most)]).ticks
    drawn = [Bar(label, ((count, BLUE),), text) for label, count, text in rows]
    return bars(drawn, width, title=title, axis=axis, top=ticks[-1], unit="")


def steps_between(rows: Sequence[tuple[str, float, str]], width: int, *, title: str, axis: str) -> Chart:
    """Draw how one count becomes another: first and last row whole bars, between them each step from where it starts.

    Rows are (label, value, text); a step's value is its change.
    """
    sheet, wide = Sheet(width), width >= 600
    ends = [rows[0][1]]
    for _, value, _ in rows[1:-1]:
        ends.append(ends[-1] + value)
    ticks = lane(0, 1, [0.0, *ends, rows[-1][1]]).ticks
    left = min(max(text_width(name) for name, _, _ in rows) + 20, 300) if wide else 0.0
    room = max(text_width(said, SMALL) for _, _, said in rows) + 16
    here = Lane(left + 4, width - room if wide else width - 4, ticks[0], ticks[-1], ticks)
    places, y = [], 6.0
    for name, _, _ in rows:
        lines = wrap(name, left - 12 if wide else width - room)
        tall = max(32.0, 17.0 * len(lines) + 8) if wide else 17.0 * len(lines) + 30
        places.append((lines, y, tall))
        y += tall
    if wide:
        sheet.grid(here, 6, y, zero=False)
    for k, ((_, value, said), (lines, top, tall)) in enumerate(zip(rows, places, strict=True)):
        whole = k in (0, len(rows) - 1)
        start, end = (0.0, value) if whole else (ends[k - 1], ends[k])
        middle = top + tall / 2 if wide else top + tall - 14
        sheet.bar(here, middle, min(start, end), max(start, end), BLUE if whole else STEP, 20)
        for j, line in enumerate(lines):
            sheet.text(0, middle + 17 * (j - (len(lines) - 1) / 2) if wide else top + 10 + 17 * j, line)
        sheet.text(width, middle if wide else top + 10, said, align="right", size=SMALL, color=MUTED)
        if wide and not whole:
            sheet.line(here, start, middle - 32, middle - 10, MUTED)
    sheet.ticks(here, y + 14, sign=False)
    sheet.text((here.left + here.right) / 2, y + 34, axis, align="center", size=SMALL, color=MUTED)
    return sheet.chart(y + 44, title)
