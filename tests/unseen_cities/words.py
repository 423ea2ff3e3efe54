"""Ways of writing the same thing: dates, lunar birthdays, grades, and code lists that several files use."""

from __future__ import annotations

import random
from datetime import date, timedelta

from .people import ETHNIC, TODAY, Adult, Child

SEX = {"男": "1", "女": "2"}
SEX_CODE = {"1": "1", "2": "2"}
YES = {"是": "1", "否": "0"}
HAVE = {"有": "1", "无": "0"}
Y_N = {"Y": "1", "N": "0"}
ONE_ZERO = {"1": "1", "0": "0"}
FLAG = {"0": "0", "1": "1", "2": "2"}
RURAL_FIRST = {"1": "rural", "2": "non_rural"}
RURAL_SECOND = {"1": "non_rural", "2": "rural"}
ETHNIC_SHORT = {name[:-1]: code for name, code in ETHNIC.items()}
ETHNIC_CODE = {code: code for code in ETHNIC.values()}
NUMERALS = "〇一二三四五六七八九十"
MONTHS = ["正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊"]


def yes(flag: bool) -> str:
    return "1" if flag else "0"


def nature(rural: bool) -> str:
    return "rural" if rural else "non_rural"


def absent(away: str) -> str:
    return "both" if away == "2" else "one"


def is_away(p: Child, parent: str) -> bool:
    """Say whether ``father`` or ``mother`` is out for work."""
    return p.away == "2" or (p.away == "1" and p.carer_kind != parent)


def father_out(p: Child) -> Adult | None:
    return p.father if is_away(p, "father") else None


def mother_out(p: Child) -> Adult | None:
    return p.mother if is_away(p, "mother") else None


def month_word(out: Adult | None) -> str | None:
    return f"{out.since.year}年{out.since.month}月" if out else None


def month_dotted(out: Adult | None) -> str | None:
    return f"{out.since.year}.{out.since.month}" if out else None


def marks(
    rng: random.Random, pupils: list[Child], full: tuple[int, ...], others: int = 0
) -> tuple[dict[str, list[int]], dict[str, int], dict[str, int]]:
    """Draw marks by identity number, with their totals and ranks; ``others``: full marks of what else was set."""
    got = {p.id_no: [min(f, max(4, int(rng.gauss(0.63 * f, 0.18 * f)))) for f in full] for p in pupils}
    total = {x: sum(m) + rng.randrange(others // 3, others) if others else sum(m) for x, m in got.items()}
    order = sorted(total.values(), reverse=True)
    return got, total, {x: order.index(t) + 1 for x, t in total.items()}


def eight(day: date) -> str:
    return f"{day:%Y%m%d}"


def dotted(day: date) -> str:
    return f"{day.year}.{day.month}.{day.day}"


def lunar(rng: random.Random, day: date) -> str:
    """Write a birthday as a grandmother tells it, by the old calendar (about five weeks behind)."""
    old = day - timedelta(days=36)
    n = min(old.day, 30)
    tens = ["初", "十", "廿", "三"][n // 10]
    written = {10: "初十", 20: "二十", 30: "三十"}.get(n, tens + NUMERALS[n % 10])
    month = MONTHS[old.month - 1] + "月"
    return rng.choice([f"农历{old.year}年{month}{written}", f"{old.year}年{month}{written}", f"{old.year}年{month}"])


def odd(rng: random.Random, day: date) -> str:
    """Write a date as hands in one office differ."""
    return rng.choice(
        [
            dotted(day),
            f"{day.year}年{day.month}月{day.day}日",
            f"{day.year}年{day.month}月",
            f"{day:%Y-%m-%d}",
            f"{day.year % 100:02d}.{day.month}.{day.day}",
            f"{day:%Y/%m}",
        ]
    )


def grade_word(grade: int) -> str:
    return f"{NUMERALS[grade]}年级"


def age(day: date) -> int:
    return TODAY.year - day.year - ((TODAY.month, TODAY.day) < (day.month, day.day))


def months_since(day: date) -> int:
    return (TODAY - day).days // 30
