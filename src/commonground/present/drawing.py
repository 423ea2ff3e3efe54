"""The sheet that figures are drawn on: layers over pixel rows, one Altair chart at the end.

Vertical places are pixels from the top; horizontal places are either pixels or values on a scale that fills a lane
of the sheet, so that labels never move the lane. Colours and fonts come from ``tokens`` alone.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.present.tokens import FONT, GRID, INK, LINE, MARKS, MUTED, WHITE
from commonground.present.words import number

LABEL, SMALL = 13, 12
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # names the grammar; nothing is fetched
_SIZES = {"diamond": 150, "cross": 130, "circle": 80, "square": 75, "triangle-up": 110}


@dataclass(frozen=True)
class Lane:
    """A stretch of the sheet with a scale of its own.

    Attributes
    ----------
    left, right : float
        Unit: pixels.
    low, high : float
        Values at the two ends.
    ticks : tuple of float
        Where the grid stands.
    """

    left: float
    right: float
    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Give the pixel of a value."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)


def nice_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Choose round values that cover ``low`` to ``high``: steps of 1, 2 or 5, at most ``most`` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        low, high = (low - 0.1, low + 0.1) if math.isfinite(low) else (-0.1, 0.1)
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (1, 2, 5, 10, 20):
        size = step * power
        first, last = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
        if last - first + 1 <= most:
            break
    return tuple(round(k * size, 10) + 0.0 for k in range(first, last + 1))


def lane(left: float, right: float, values: Sequence[float], *, zero: bool = True, most: int = 5) -> Lane:
    """Make a lane that holds ``values``, and nought."""
    finite = [v for v in values if math.isfinite(v)] or [0.0]
    low, high = min(finite), max(finite)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks = nice_ticks(low, high, most)
    return Lane(left, right, ticks[0], ticks[-1], ticks)


def tick_text(value: float, ticks: Sequence[float], unit: str = "", *, sign: bool = True) -> str:
    """Write a tick: plain 0, true minus, as few decimals as tell the ticks apart."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return ("0" if value == 0 else number(value, decimals, sign=sign)) + unit


def text_width(text: str, size: float = LABEL) -> float:
    """Estimate the width of a text: Han characters are square, Latin ones about half. Unit: pixels."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text) * size


def wrap(text: str, width: float, size: float = LABEL) -> list[str]:
    """Break a label into lines no wider than ``width`` pixels: between words, or between Han characters."""
    lines, line = [], ""
    for word in _units(text):
        if line and text_width(line + word.rstrip(), size) > width:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _units(text: str) -> list[str]:
    """Split a text where a line may break: after spaces, and beside Han characters but not before their marks."""
    units: list[str] = []
    for c in text:
        latin = unicodedata.east_asian_width(c) not in "WF"
        follows = bool(units) and not units[-1].endswith(" ")
        joins = follows and latin and unicodedata.east_asian_width(units[-1][-1]) not in "WF"
        if units and (joins or c in "，。；：、）”？！"):
            units[-1] += c
        else:
            units.append(c)
    return units


@dataclass
class Sheet:
    """A figure in the making."""

    width: int
    layers: list[dict[str, Any]] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        align: str = "left",
        size: int = LABEL,
        color: str = INK,
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """Write a text with its middle at height ``y``; texts of one style share a layer.

        With ``halo`` a white edge keeps it clear of the lines that it crosses.
        """
        if halo:
            self._add(("halo", align, size), {"x": x, "y": y, "text": text}, Lane(0, self.width, 0, self.width, ()))
        key = ("text", align, size, color, bold)
        self._add(key, {"x": x, "y": y, "text": text}, Lane(0, self.width, 0, self.width, ()))

    def rule(self, lane: Lane, y: float, low: float, high: float, color: str, thick: float = 2.5) -> None:
        """Draw an interval."""
        self._add(("rule", color, thick), {"low": low, "high": high, "y": y}, lane)

    def point(self, lane: Lane, y: float, value: float, role: str, scale: float = 1.0) -> None:
        """Draw the mark of an estimate in the colour and shape of its role."""
        self._add(("point", role, scale), {"value": value, "y": y}, lane)

    def bar(self, lane: Lane, y: float, low: float, high: float, color: str, thick: float) -> None:
        """Draw a bar from ``low`` to ``high``."""
        self._add(
            ("bar", color, thick), {"low": low, "high": high, "top": y - thick / 2, "bottom": y + thick / 2}, lane
        )

    def line(self, lane: Lane, value: float, top: float, bottom: float, color: str, *, dash: bool = False) -> None:
        """Draw an upright line at a value."""
        self._add(("line", color, dash), {"value": value, "top": top, "bottom": bottom}, lane)

    def grid(self, lane: Lane, top: float, bottom: float, *, zero: bool = True) -> None:
        """Draw the upright grid of a lane, its zero line dashed and dark."""
        for tick in lane.ticks:
            if not (zero and tick == 0):
                self.line(lane, tick, top, bottom, GRID if bottom - top > 40 else LINE)
        if zero and lane.low <= 0 <= lane.high:
            self.line(lane, 0.0, top, bottom, INK, dash=bottom - top > 40)

    def ticks(self, lane: Lane, y: float, unit: str = "", *, sign: bool = True) -> None:
        """Write the values of the grid."""
        for tick in lane.ticks:
            label = tick_text(tick, lane.ticks, unit, sign=sign)
            half = text_width(label, SMALL) / 2 + 3
            x = min(max(lane.at(tick), half), self.width - half)
            self.text(x, y, label, align="center", size=SMALL, color=MUTED)

    def _add(self, key: tuple[Any, ...], row: Mapping[str, Any], lane: Lane) -> None:
        for layer in self.layers:
            if layer["key"] == key and layer["lane"] == lane:
                layer["rows"].append(dict(row))
                return
        self.layers.append({"key": key, "lane": lane, "rows": [dict(row)]})

    def chart(self, height: float, description: str) -> Chart:
        """Give the finished chart."""
        tall = round(height)
        return Chart(
            {
                "$schema": SCHEMA,
                "description": description,
                "width": self.width,
                "height": tall,
                "padding": 0,
                "background": WHITE,
                "layer": [_layer(layer, tall) for layer in self.layers],
                "resolve": {"scale": {"x": "independent"}},
                "config": {"font": FONT, "view": {"stroke": "transparent"}},
            }
        )


@dataclass(frozen=True)
class Chart:
    """A chart as its Vega-Lite specification.

    Drawn from the specification as it is: building it through Altair's classes costs thirty times the drawing. In a
    notebook, and wherever somebody wants to go on from it, ``altair`` gives the same chart as an Altair object.
    """

    spec: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give the specification."""
        return dict(self.spec)

    def altair(self) -> Any:
        """Give the chart as an ``altair.LayerChart``, validated against Vega-Lite's schema."""
        import altair as alt

        return alt.LayerChart.from_dict(self.to_dict(), validate=True)

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        """Show the chart in a notebook, by Altair's renderer."""
        return self.altair()._repr_mimebundle_(*args, **kwargs)


def _layer(layer: Mapping[str, Any], height: int) -> dict[str, Any]:
    """Turn one layer into a Vega-Lite layer."""
    here: Lane = layer["lane"]
    kind, *style = layer["key"]
    across = {"domain": [here.low, here.high], "range": [here.left, here.right], "nice": False, "zero": False}
    down = {"domain": [0, height], "range": [0, height], "nice": False, "zero": False}

    def x(name: str) -> dict[str, Any]:
        return {"field": name, "type": "quantitative", "scale": across, "axis": None}

    def y(name: str) -> dict[str, Any]:
        return {"field": name, "type": "quantitative", "scale": down, "axis": None}

    mark: dict[str, Any]
    if kind == "text":
        align, size, color, bold = style
        mark = {"type": "text", "align": align, "baseline": "middle", "fontSize": size, "color": color}
        mark["fontWeight"] = "bold" if bold else "normal"
        encoding = {"x": x("x"), "y": y("y"), "text": {"field": "text", "type": "nominal"}}
    elif kind == "halo":
        mark = {"type": "text", "align": style[0], "baseline": "middle", "fontSize": style[1], "color": WHITE}
        mark |= {"stroke": WHITE, "strokeWidth": 4, "strokeJoin": "round"}
        encoding = {"x": x("x"), "y": y("y"), "text": {"field": "text", "type": "nominal"}}
    elif kind == "rule":
        color, thick = style
        mark = {"type": "rule", "strokeWidth": thick, "strokeCap": "round", "color": color}
        encoding = {"x": x("low"), "x2": {"field": "high"}, "y": y("y")}
    elif kind == "bar":
        mark = {"type": "rect", "color": style[0], "opacity": 1}
        encoding = {"x": x("low"), "x2": {"field": "high"}, "y": y("top"), "y2": {"field": "bottom"}}
    elif kind == "line":
        mark = {"type": "rule", "strokeWidth": 1, "color": style[0]} | ({"strokeDash": [4, 3]} if style[1] else {})
        encoding = {"x": x("value"), "y": y("top"), "y2": {"field": "bottom"}}
    else:
        mark, encoding = _point(style[0], style[1]), {"x": x("value"), "y": y("y")}
    return {"data": {"values": layer["rows"]}, "mark": mark, "encoding": encoding}


def _point(role: str, factor: float) -> dict[str, Any]:
    """Give the mark of a role."""
    color, shape, filled = MARKS[role]
    mark = {"type": "point", "shape": shape, "size": _SIZES[shape] * factor, "opacity": 1}
    if filled:
        return {**mark, "fill": color, "stroke": "transparent", "strokeWidth": 0}
    return {**mark, "fill": WHITE, "stroke": color, "strokeWidth": 2.2}
