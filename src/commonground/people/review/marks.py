"""Where two values differ, character by character, and how, in words: same sound, dialect, shape, digit, swap.

Pure functions of two texts. What differs is a piece that is marked, and a note says the difference in both languages,
so that nothing depends on colour.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache

import numpy as np

from commonground.errors import Said
from commonground.people import births
from commonground.people.characters import SURNAME_READINGS, character_table, dialect
from commonground.people.names import standardise

HIDDEN = "•"
"""Stands for a character that need not be seen to decide."""

_ALIKE = (
    "己已巳 未末 土士 日曰 人入八 刀力 大太犬 天夭 王玉 干千 午牛 田由甲申 贝见 今令 侯候 杨扬 晴睛 淋琳 玲铃 "
    "梁粱 析折拆 兔免 乌鸟 戌戍戊 辛幸 住往佳 徒徙 治冶 冷泠 斑班 辩辨辫 博搏 坚竖 竞竟 栗粟 茶荼 赢嬴羸 莹萤 "
    "娟绢涓捐 俊峻骏浚 烨晔 炜玮伟祎 裴斐 旻昊 苹萍 蓝篮 洁浩 清情 旭昶 宇字 亨享 丹舟 凡几 弋戈 义叉 尤龙 "
    "云去 友反 文交 方万 月目 比此 丘兵 吕昌 吴昊 沈沉 汤杨 芩岑 卢户 江汪 汲吸 李季 宋宗 杜社 肖尚 余佘 邹郎 "
    "陈阵 林材 范苑 易昜 孟盂 金全 姜美 姚桃 袁哀 钱线 徐涂 郭敦 唐康 谢射 彭膨 董薰 曾曹 韩翰 "
)
"""Groups of characters of names that are taken for each other by shape."""


@dataclass(frozen=True)
class Piece:
    """A run of characters, and whether it differs from the other value."""

    text: str
    differs: bool = False


@dataclass(frozen=True)
class Marked:
    """Two values in pieces, with what the difference is.

    Attributes
    ----------
    left, right : tuple of Piece
        The values, partly hidden where that is not needed to decide.
    note : Said
        The difference in words.
    same : bool
        Whether the values are the same or agree but for their way of writing.
    """

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    note: Said
    same: bool = False


MISSING = Said("一方没有", "missing on one side")
SAME = Said("相同", "the same")


@cache
def _shapes() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _ALIKE.split():
        for character in group:
            found.setdefault(character, set()).update(set(group) - {character})
    return {c: frozenset(others) for c, others in found.items()}


def _readings(character: str) -> set[str]:
    found = set(character_table().readings.get(character, ()))
    special = SURNAME_READINGS.get(character)
    return found | {special} if special else found


def character_note(a: str, b: str) -> Said:
    """Say how two characters differ that stand in the same place of two names."""
    standard = character_table().standard
    x, y = standard.get(a, a), standard.get(b, b)
    if x == y:
        return Said(f"{a}／{b}：繁简或异体，同一个字", f"{a}/{b}: forms of one character")
    sounds, others = _readings(x), _readings(y)
    said: list[Said] = []
    if sounds & others:
        said.append(Said("同音", "same sound"))
    elif {dialect(s) for s in sounds} & {dialect(s) for s in others}:
        said.append(Said("方言音近", "same sound in dialect"))
    if y in _shapes().get(x, frozenset()):
        said.append(Said("形近", "alike in shape"))
    if not said:
        said.append(Said("不同的字", "different characters"))
    return Said(f"{a}／{b}：{'、'.join(s.zh for s in said)}", f"{a}/{b}: {', '.join(s.en for s in said)}")


def _plain(text: str) -> tuple[Piece, ...]:
    return (Piece(text),) if text else ()


def _pieces(text: str, changed: set[int]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for place, character in enumerate(text):
        differs = place in changed
        if out and out[-1].differs == differs:
            out[-1] = Piece(out[-1].text + character, differs)
        else:
            out.append(Piece(character, differs))
    return tuple(out)


def _whole(a: str, b: str, note: Said) -> Marked:
    return Marked((Piece(a, True),), (Piece(b, True),), note)


def names(a: str, b: str) -> Marked:
    """Mark two written names."""
    if not a or not b:
        return Marked(_plain(a), _plain(b), MISSING)
    if a == b:
        return Marked(_plain(a), _plain(b), SAME, same=True)
    x, y = standardise(a), standardise(b)
    if x.typed != y.typed:
        alike = "".join(x.sounds) in ("".join(y.sounds), y.common, y.turned) or x.common == "".join(y.sounds)
        alike = alike or "".join(y.sounds) == x.turned
        said = (
            Said("拼音与汉字同音", "pinyin and characters, same sound")
            if alike
            else Said("拼音与汉字不同音", "pinyin does not fit")
        )
        return _whole(a, b, said) if not alike else Marked(_plain(a), _plain(b), said)
    if x.key == y.key and len(a) != len(b):
        return Marked(
            _plain(a), _plain(b), Said("只差空格、间隔符或括注", "spaces, interpuncts or a note apart"), same=True
        )
    notes: list[Said] = []
    left: set[int] = set()
    right: set[int] = set()
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        left.update(range(i, j))
        right.update(range(k, m))
        if kind == "replace" and j - i == m - k:
            notes += [character_note(p, q) for p, q in zip(a[i:j], b[k:m], strict=True)]
        elif kind == "replace":
            notes.append(Said(f"{a[i:j]}／{b[k:m]}：不同的字", f"{a[i:j]}/{b[k:m]}: different characters"))
        else:
            one = a[i:j] or b[k:m]
            notes.append(Said(f"一方多“{one}”", f"“{one}” on one side only"))
    if sorted(a) == sorted(b):
        notes = [Said("字的先后不同", "the same characters in another order")]
    note = Said("；".join(n.zh for n in notes), "; ".join(n.en for n in notes))
    return Marked(_pieces(a, left), _pieces(b, right), note)


def numbers(a: str, b: str, shown: int = 14) -> Marked:
    """Mark two identity numbers (or student numbers that hold one).

    The last characters, which tell persons of one place and day apart, are hidden where both have the same, and where
    there is nothing to compare them with.

    Parameters
    ----------
    shown : int
        Leading characters that are shown where the numbers differ or one is missing: county and day of birth.
    """
    if not a or not b:
        return Marked(_hide(a, shown, set()), _hide(b, shown, set()), MISSING)
    if a == b:
        return Marked(_hide(a, 6, set()), _hide(b, 6, set()), SAME, same=True)
    if len(a) != len(b):
        left, right = _ends(a, b)
        note = Said("位数不同", "of different length")
        return Marked(_hide(a, shown, left), _hide(b, shown, right), note)
    off = [i for i in range(len(a)) if a[i] != b[i]]
    note = _digits_said(a, b, off)
    return Marked(_hide(a, shown, set(off)), _hide(b, shown, set(off)), note)


def _ends(a: str, b: str) -> tuple[set[int], set[int]]:
    left: set[int] = set()
    right: set[int] = set()
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind != "equal":
            left.update(range(i, j))
            right.update(range(k, m))
    return left, right


def _digits_said(a: str, b: str, off: list[int]) -> Said:
    if len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] == b[off[1]] and a[off[1]] == b[off[0]]:
        return Said(f"第 {off[0] + 1}、{off[1] + 1} 位颠倒", f"characters {off[0] + 1} and {off[1] + 1} exchanged")
    if len(off) > 6:
        return Said(f"{len(off)} 位不同", f"{len(off)} characters differ")
    places = [str(i + 1) for i in off]
    plural = "characters" if len(off) > 1 else "character"
    return Said(f"第 {'、'.join(places)} 位不同", f"{plural} {', '.join(places)} differ{'' if len(off) > 1 else 's'}")


def _hide(text: str, shown: int, differ: set[int]) -> tuple[Piece, ...]:
    seen = "".join(c if i < shown or i in differ else HIDDEN for i, c in enumerate(text))
    return _pieces(seen, differ)


def any_number(a: tuple[str, ...], b: tuple[str, ...], shown: int = 3) -> Marked:
    """Mark the telephone numbers of two records, or those of relatives, of which one in common is enough.

    Digits beyond the first ``shown`` are seen only where the nearest two numbers differ.
    """
    if not a or not b:
        left, right = (_hide(t[0], shown, set()) if t else () for t in (a, b))
        return Marked(left, right, MISSING)
    shared = [t for t in a if t in b]
    if shared:
        hidden = _hide(shared[0], shown, set())
        return Marked(hidden, hidden, Said("有一个号码相同", "a number in common"), same=True)
    _, x, y = min(((_apart(x, y), x, y) for x in a for y in b), key=lambda found: found[0])
    off = [i for i in range(len(x)) if x[i] != y[i]] if len(x) == len(y) else []
    if not off or len(off) > 3:  # other numbers, not one number written wrongly: no need to see them
        return Marked(_hide(x, shown, set()), _hide(y, shown, set()), Said("没有相同的号码", "no number in common"))
    return Marked(_hide(x, shown, set(off)), _hide(y, shown, set(off)), _digits_said(x, y, off))


def _apart(a: str, b: str) -> int:
    return sum(p != q for p, q in zip(a, b, strict=False)) + 20 * abs(len(a) - len(b))


BIRTHS = {
    births.SAME: SAME,
    births.SAME_MONTH: Said("年月相同，一方没有日", "same month; one gives no day"),
    births.CALENDAR: Said("一方是农历，换算后相同", "the same once the Chinese calendar is reckoned with"),
    births.SWAPPED: Said("月、日颠倒", "day and month exchanged"),
    births.DIGIT: Said("差一个数字或相邻一年", "one digit or the neighbouring year apart"),
    births.SAME_YEAR_ONLY: Said(
        "年份相同，一方只有年份或写作 1 月 1 日", "same year; one gives the year alone or 1 January"
    ),
    births.NEAR: Said("相差一个月以内", "less than a month apart"),
    births.YEAR_ONLY: Said("年份相同，月日不同", "same year, another day"),
    births.OTHER: Said("不同", "different"),
}


def dates(a: str, b: str, pa: str = "day", pb: str = "day") -> Marked:
    """Mark two dates of birth (ISO, with their precision) digit by digit."""
    if not a or not b:
        return Marked(_plain(_cut(a, pa)), _plain(_cut(b, pb)), MISSING)
    days = [np.array([np.datetime64(t, "D").astype(np.int64)]) for t in (a, b)]
    kinds = [np.array([births.PRECISIONS.get(p, births.DAY)]) for p in (pa, pb)]
    level = int(births.compare_births(days[0], kinds[0], days[1], kinds[1])[0])
    x, y = _cut(a, pa), _cut(b, pb)
    off = {i for i in range(min(len(x), len(y))) if x[i] != y[i]}
    return Marked(_pieces(x, off), _pieces(y, off), BIRTHS[level], same=level == births.SAME)


def _cut(text: str, precision: str) -> str:
    """Leave out what a date does not say."""
    return text[: {"year": 4, "month": 7}.get(precision, 10)]


def texts(a: str, b: str) -> Marked:
    """Mark two short texts (an address, a class) character by character."""
    if not a or not b:
        return Marked(_plain(a), _plain(b), MISSING)
    if a == b:
        return Marked(_plain(a), _plain(b), SAME, same=True)
    left, right = _ends(a, b)
    return Marked(_pieces(a, left), _pieces(b, right), Said("不同", "different"))


def sets(a: tuple[str, ...], b: tuple[str, ...]) -> Marked:
    """Mark two lists of which one entry in common is enough, such as relatives or addresses."""
    if not a or not b:
        return Marked(_listed(a, frozenset(a)), _listed(b, frozenset(b)), MISSING)
    shared = frozenset(a) & frozenset(b)
    if not shared and len(a) == len(b) == 1:
        return texts(a[0], b[0])
    if not shared:
        note = Said("没有相同的", "nothing in common")
    elif frozenset(a) == frozenset(b):
        note = SAME
    else:
        note = Said(f"{len(shared)} 项相同", f"{len(shared)} in common")
    return Marked(_listed(a, shared), _listed(b, shared), note, same=bool(shared))


def _listed(values: tuple[str, ...], shared: frozenset[str]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for number, value in enumerate(values):
        if number:
            out.append(Piece("；"))
        out.append(Piece(value, value not in shared))
    return tuple(out)
