"""The colours, marks and fonts of LANGUAGE.md section 1: no figure uses any other."""

from __future__ import annotations

INK, MUTED = "#1c2430", "#56606d"
LINE, HAIR, GRID, WHITE = "#d9dee5", "#e8ecf0", "#e8ecf0", "#ffffff"
ABOVE, UNCLEAR, BELOW = "#0072b2", "#6b7280", "#b5470f"
AWAY, MIGRANT, LOCAL = "#8f4b8b", "#00795b", "#3a4554"
BLUE, ABSENT, ABSENT_DARK = "#0072b2", "#e3e7ec", "#d5d9df"
STEP = "#9cc3de"  # third step of the sequence
ALLOWED = frozenset(
    {INK, MUTED, LINE, HAIR, WHITE, ABOVE, UNCLEAR, BELOW, AWAY, MIGRANT, LOCAL, ABSENT, ABSENT_DARK, STEP}
)

# Latin face first, so that apostrophes and figures are Latin; no font is shipped
FONT = (
    "Inter, Noto Sans, Helvetica Neue, Segoe UI, Liberation Sans, DejaVu Sans, PingFang SC, HarmonyOS Sans SC, "
    "Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, WenQuanYi Micro Hei, sans-serif"
)

# role → (colour, Vega shape, filled)
MARKS: dict[str, tuple[str, str, bool]] = {
    "above": (ABOVE, "triangle-up", True),
    "unclear": (UNCLEAR, "circle", True),
    "below": (BELOW, "square", True),
    "parents_away": (AWAY, "diamond", True),
    "migrant": (MIGRANT, "cross", True),
    "local": (LOCAL, "circle", False),
    "estimate": (BLUE, "circle", True),
    "plain": (INK, "circle", True),
    "quiet": (UNCLEAR, "circle", True),
}
