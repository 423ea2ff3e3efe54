"""From a chart to files: SVG whose text stays text, PNG, and the SVG that stands inside a page. No browser needed."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from commonground.present.drawing import Chart

_STRIP = re.compile(r' (?:aria-[a-z]+|role|class|font-family|stroke-miterlimit|xmlns:xlink|version)="[^"]*"')
_FRAMES = re.compile(r'<path (?:aria-hidden="true" )?d="[^"]*"(?: stroke="transparent"| display="none")/>')
_LONG = re.compile(r"(-?\d+\.\d{3,})")


@dataclass(frozen=True)
class Drawn:
    """One drawing of a figure.

    Attributes
    ----------
    inline : str
        SVG to stand in a page: inherits the page's font, no background, named by ``aria-label``.
    svg, png : bytes
        Files that stand alone; ``png`` is empty unless asked for.
    width, height : int
        Unit: pixels.
    """

    inline: str
    svg: bytes
    png: bytes
    width: int
    height: int


def render(chart: Chart, label: str, *, png: bool = False, hidden: bool = False) -> Drawn:
    """Draw a chart.

    Parameters
    ----------
    chart : Chart
        From ``figures``.
    label : str
        The figure's finding; names the drawing for those who do not see it.
    png : bool
        Whether to make a bitmap too, at twice the size.
    hidden : bool
        Whether the drawing only repeats a sentence and is to be passed over by screen readers.
    """
    import vl_convert

    from commonground.present.tokens import FONT

    raw: str = vl_convert.vegalite_to_svg(chart.to_dict())
    size = re.search(r'viewBox="0 0 (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)"', raw)
    if size is None:
        raise RuntimeError("the renderer gave a drawing without a size")
    width, height = round(float(size[1])), round(float(size[2]))
    body = raw[raw.index(">") + 1 : raw.rindex("</svg>")]
    body = body.replace(' class="background"', "").replace(' class="foreground"', "")
    body = _FRAMES.sub("", _STRIP.sub("", body))
    body = _LONG.sub(lambda m: f"{float(m[1]):.2f}".rstrip("0").rstrip("."), body)
    background = re.match(r"<rect [^>]*/>", body)
    without = body[background.end() :] if background else body
    name = html.escape(label, quote=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    said = 'aria-hidden="true"' if hidden else f'role="img" aria-label="{name}"'
    family = html.escape(FONT, quote=True)
    alone = f'{head} width="{width}" height="{height}" font-family="{family}"><title>{name}</title>{body}</svg>\n'
    # the converter needs the font on each text; the stored SVG says it once
    bitmap = vl_convert.svg_to_png(raw, scale=2) if png else b""
    inline = f'{head} {said} font-family="inherit">{without}</svg>'
    return Drawn(inline, alone.encode("utf-8"), bitmap, width, height)
