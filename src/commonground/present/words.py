"""Labels and sentences in Chinese and English, and numbers as each language writes them.

A template has slots, never digits. In a template ``｜`` marks a phrase border of a Chinese title, ``**…**`` bold, and
``[[…]]`` a range; ``html`` turns them into markup, ``plain`` into text.
"""

from __future__ import annotations

import datetime as dt
import html as _html
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")
MINUS = "−"
_SPRING = ("January", "February", "March", "April", "May", "June")
_AUTUMN = ("July", "August", "September", "October", "November", "December")
_MONTHS = _SPRING + _AUTUMN


@cache
def labels(lang: str) -> dict[str, str]:
    """Give every label of a language as ``{"section.key": text}``."""
    raw = tomllib.loads(files("commonground.present").joinpath(f"text/{lang}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, entries in raw.items() for key, text in entries.items()}


@cache
def helplines() -> tuple[tuple[str, str], ...]:
    """Give the helplines as (number, key of its label)."""
    raw = tomllib.loads(files("commonground.present").joinpath("helplines.toml").read_text(encoding="utf-8"))
    return tuple((line["number"], f"help.{line['key']}") for line in raw["line"])


def sentence(key: str, lang: str, **slots: object) -> str:
    """Fill the template ``key`` of language ``lang``; a slot that is missing or left over is a defect."""
    template = labels(lang)[key]
    wanted = set(re.findall(r"\{(\w+)\}", template))
    if wanted != set(slots):
        raise KeyError(f"{key}: the template has slots {sorted(wanted)}, given {sorted(slots)}")
    return template.format(**slots)


def label(key: str, lang: str, default: str | None = None) -> str:
    """Give one label; ``default`` (or the last part of the key) where a city's own data bring a word we do not know."""
    found = labels(lang).get(key)
    return found if found is not None else (default if default is not None else key.rpartition(".")[2])


def both(value: Any, lang: str) -> str:
    """Give the text of a value that is written in both languages, or the same in both."""
    if value is None:
        return ""
    if isinstance(value, dict):
        chosen = value.get(lang) or value.get("zh") or value.get("en") or ""
        return str(chosen)
    chosen = getattr(value, lang, value)
    return str(chosen)


def plain(text: str) -> str:
    """Take the marks out of a filled template."""
    return re.sub(r"\*\*|\[\[|\]\]|｜", "", text)


def html(text: str, lang: str) -> str:
    """Turn a filled template into escaped markup: phrases, bold, ranges."""
    safe = _html.escape(text, quote=False)
    if "｜" in safe:
        parts = safe.split("｜")
        safe = "".join(f'<span class="ph">{part}</span>' for part in parts) if lang == "zh" else "".join(parts)
    safe = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", safe)
    return re.sub(r"\[\[(.+?)\]\]", r'<span class="r">\1</span>', safe)


def number(value: float, decimals: int = 2, *, sign: bool = False) -> str:
    """Write a number with a true minus; ``sign`` puts + before positive ones; a rounded nought has no sign."""
    text = f"{abs(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def percent(value: float, decimals: int = 0) -> str:
    """Write a share (0 to 1) as per cent."""
    return number(100 * value, decimals) + "%"


def people(value: int) -> str:
    """Write a number of people: plain digits with commas."""
    return f"{value:,}"


def wan(value: int, lang: str) -> str:
    """Write a large number before its noun: 万 in Chinese from ten thousand on, commas in English.

    The space before the noun is part of it, since none stands after 万.
    """
    if lang == "zh" and value >= 10_000:
        return sentence("number.wan", lang, n=f"{value / 10_000:,.2f}".rstrip("0").rstrip("."))
    return f"{value:,} "


def range_text(low: str, high: str, lang: str) -> str:
    """Write a range in brackets: （0.10 至 0.18）, (0.10 to 0.18)."""
    return sentence("fig.range", lang, low=low, high=high)


def span(low: float, high: float, lang: str, decimals: int = 2, *, sign: bool = False) -> str:
    """Write the range of a number."""
    return range_text(number(low, decimals, sign=sign), number(high, decimals, sign=sign), lang)


def percent_span(low: float, high: float, lang: str, decimals: int = 0) -> str:
    """Write the range of a share: the unit stands once, at the end."""
    return range_text(number(100 * low, decimals), number(100 * high, decimals) + "%", lang)


def value_label(estimate: float, low: float, high: float) -> str:
    """Write an estimate as beside its row in a figure: −0.14 (−0.18, −0.10)."""
    return f"{number(estimate, sign=True)} ({number(low, sign=True)}, {number(high, sign=True)})"


def date_text(value: dt.date, lang: str) -> str:
    """Write a date: 2025 年 9 月 1 日, 1 September 2025."""
    month = value.month if lang == "zh" else _MONTHS[value.month - 1]
    return sentence("date.day", lang, y=value.year, m=month, d=value.day)
