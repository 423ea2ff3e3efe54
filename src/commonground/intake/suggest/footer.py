"""Rows below the header that are no data: totals, subtotals inside, notes at the foot, the header said again.

What is found becomes ``non_data`` rules of the contract. A row that only might be one is left to intake, which sets
it aside with its place and reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import Said

_TOTAL = re.compile(r"(.{0,20}?)(合|小|总|共)\s*计\s*[:：]?")
_TOTAL_EN = re.compile(r"(?i)(grand |sub-?)?totals?:?")
_NOTE = re.compile(
    r"((?:填表|填报|制表|编制|统计)?(?:注|说明|备注)\d*|"
    r"(?:填表|制表|填报|经办|审核|复核|核对|联系|负责|单位负责|报送|统计)人|"
    r"制表(?:单位|日期|时间)?|填表(?:单位|日期|时间)|填报(?:单位|日期|时间)|打印(?:日期|时间|人)?|报送(?:单位|日期)|"
    r"单位(?:盖章|公章|[（(](?:盖章|公章)[)）])|统计(?:时间|口径|截止)|(?:数据|资料)来源|截止(?:日期|时间)?|截至|审核|联系电话|"
    r"(?i:notes?|source|remarks?|prepared by|printed))\s*[:：]"
)
_COUNT = re.compile(
    r"(?:本表|本页|以上|总)?共\s*[\d,]+\s*(?:人|条|户|页|行|名|所|份).*|第\s*\d+\s*页.*|[（(]?以下(?:空白|无正文).*"
)
_FOOT = 12  # notes stand among so many last rows that are not blank
_NARROW = 4  # with fewer columns a row of one cell is nothing strange


@dataclass
class Footer:
    """Rules for rows that are not data, the places of those rows, and what a person should look at."""

    rules: list[dict[str, str]] = field(default_factory=list)
    places: set[int] = field(default_factory=set)
    why: list[Said] = field(default_factory=list)
    doubts: list[Said] = field(default_factory=list)


def find(rows: Sequence[Sequence[str]], names: Sequence[str], first: int) -> Footer:
    """Find the rows from ``first`` on that are no data.

    Parameters
    ----------
    names : sequence of str
        Names of the columns, as the contract gives them.
    """
    out = Footer()
    body = [(i, [cell.strip() for cell in rows[i]]) for i in range(first, len(rows)) if any(map(str.strip, rows[i]))]
    _totals(body, names, out)
    _headers(body, names, out)
    _notes(body, names, out)
    return out


def _totals(body: Sequence[tuple[int, list[str]]], names: Sequence[str], out: Footer) -> None:
    found: dict[int, Counter[str]] = {}
    for i, row in body:
        for j, cell in enumerate(row[: len(names)]):
            maybe = 1 < len(cell) <= 24 and cell[-1] in "计:：lLsS"
            if maybe and (_TOTAL.fullmatch(cell) or _TOTAL_EN.fullmatch(cell)):
                found.setdefault(j, Counter())[cell] += 1
                out.places.add(i)
                break
    for j, texts in sorted(found.items()):
        times = sum(texts.values())
        if times * 2 > len(body):
            out.doubts.append(
                Said(
                    f"“{names[j]}”列有 {times} 行写着合计一类的字，比例太高，请核对是不是数据。",
                    f"{times} rows of “{names[j]}” say total: so many that they may be data; check them.",
                )
            )
        out.rules.append({"column": names[j], "matches": total_pattern(texts), "reason": "total"})
        words = "、".join(text for text, _ in texts.most_common(3))
        out.why.append(
            Said(
                f"“{names[j]}”列有 {times} 行是合计或小计（{words}）",
                f"{times} rows of totals or subtotals in “{names[j]}” ({words})",
            )
        )


def total_pattern(texts: Any) -> str:
    """Give one pattern for the totals of a column, as a clerk would write it; spaces inside the word are allowed."""
    words: dict[str, None] = {}
    before = colon = spaced = False
    english = []
    for text in texts:
        hit = _TOTAL.fullmatch(text)
        if not hit:
            english.append(text)
            continue
        words[hit.group(2)] = None
        before |= bool(hit.group(1).strip())
        colon |= text[-1] in ":："
        spaced |= bool(re.search(r"\s", text))
    out = []
    if words:
        gap = r"\s*" if spaced else ""
        listed = "|".join(f"{word}{gap}计" for word in sorted(words))
        out.append(f"{'.*' if before else ''}{f'({listed})' if before or colon else listed}{'[:：]?' if colon else ''}")
    out += sorted({re.escape(text) for text in english})
    return "|".join(out)


def _headers(body: Sequence[tuple[int, list[str]]], names: Sequence[str], out: Footer) -> None:
    """Find the header said once more inside, as printed pages have it."""
    plain = ["".join(name.split("/")[-1].split()) for name in names]
    places = []
    for i, row in body:
        at = next((j for j, cell in enumerate(row) if cell), len(names))
        if i in out.places or at >= len(names) or "".join(row[at].split()) not in (plain[at], names[at]):
            continue
        given = [(j, "".join(cell.split())) for j, cell in enumerate(row[: len(names)]) if cell]
        if len(given) >= 2 and all(cell == plain[j] or cell == names[j] for j, cell in given):
            places.append((i, given[0]))
    if places:
        j, text = places[0][1]
        out.places |= {i for i, _ in places}
        out.rules.append({"column": names[j], "matches": re.escape(text), "reason": "header"})
        out.why.append(
            Said(f"表头在表中又出现 {len(places)} 次", f"the header stands {len(places)} times more inside the table")
        )


def _notes(body: Sequence[tuple[int, list[str]]], names: Sequence[str], out: Footer) -> None:
    rest = [(i, row) for i, row in body if i not in out.places]
    tail = {i for i, _ in body[-_FOOT:]}
    last = len(rest)
    while last and len([cell for cell in rest[last - 1][1] if cell]) == 1 and len(rest) - last < _FOOT:
        last -= 1
    foot = {i for i, _ in rest[last:]} if len(names) >= _NARROW else set()
    patterns: dict[str, int] = {}
    inside = 0
    for i, row in rest:
        given = [cell for cell in row if cell]
        head = given[0]
        pattern = ""
        word = _NOTE.match(head)
        few = len(given) == 1 or (i in tail and len(given) * 2 <= max(2, len(names)))
        if word and few:
            pattern = re.escape(word.group(1)).replace(r"\（", "[（(]").replace(r"\）", "[)）]") + "[:：].*"
        elif (_COUNT.fullmatch(head) and few) or (i in foot and not head.replace(".", "").isdigit()):
            pattern = _digits(head)
        if pattern:
            patterns[pattern] = patterns.get(pattern, 0) + 1
            out.places.add(i)
        elif len(given) == 1 and len(row) >= len(names) >= _NARROW:
            inside += 1
    for pattern, times in patterns.items():
        out.rules.append({"column": "*", "matches": pattern, "reason": "note"})
        out.why.append(Said(f"{times} 行说明文字（{pattern}）", f"{times} rows of notes ({pattern})"))
    if inside:
        out.doubts.append(
            Said(
                f"表中有 {inside} 行只有一格有内容（可能是分段标题），读入时会放进隔离区；"
                "分段标题里的信息请让部门写成一列。",
                f"{inside} rows inside the table have a single cell (headings of parts?); intake sets them aside. Ask "
                "the department to give what such headings say as a column.",
            )
        )


def _digits(text: str) -> str:
    """Escape a text for a pattern, with any number in place of its figures and any end."""
    escaped = re.escape(re.sub(r"\d[\d,]*", "\0", text[:40])).replace(r"\ ", " ")
    return escaped.replace("\\\0", "\0").replace("\0", r"[\d,]+") + (".*" if len(text) > 40 else "")
