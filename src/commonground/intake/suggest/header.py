"""Which rows of a sheet name its columns: none, one, or several with merged cells, units or a second set of names.

Each of the first rows is weighed cell by cell: does it look like what stands below it in its column, or like a name?
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from commonground.errors import Said

_LOOKED_AT = 30  # a header stands within the first rows that are not blank
_BODY = 400
_DATE = re.compile(r"(19|20)\d{2}([-/.年]?\d{1,2}([-/.月]?\d{1,2}日?)?)?([ T]\d.*)?")
_WORD = re.compile(
    r"序号|编号|姓名|名称|性别|民族|年龄|日期|时间|身份证|证件|号码|学籍|学校|年级|班级|班号|地址|住址|电话|手机|单位|"
    r"类别|类型|性质|状态|情况|金额|收入|人数|户数|总分|成绩|备注|代码|区县|县区|乡镇|村居|社区|关系|是否|户主|户号|"
    r"出生|入学|体检|身高|体重|血压|语文|数学|英语|名次|合格|比例|数量|面积|经费|月份|年度|原因|"
    r"\b(id|no|name|sex|gender|birth|date|code|school|grade|class|address|phone|type|amount|count|number|year)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[（(\[]?\s*(单位[:：].*|人|户|个|元|万元|元/月|岁|月|年|天|次|小时|厘米|公分|米|千米|公里|公斤|千克|克|斤|毫米汞柱|克/升|"
    r"分|%|％|平方米|亩|台|册|所|班|cm|m|km|kg|g|mm|mmHg|g/L|g/dL|yuan|years?|persons?|0/1|是/否|"
    r"YYYY-?MM-?DD|[12][.、=]?[男女].*|\d+-\d+)\s*[）)\]]?",
    re.IGNORECASE,
)
# how often a cell of a header has each shape; those of data are counted in the sheet itself
_SHAPES = {"han": 0.4, "long": 0.12, "word": 0.22, "mixed": 0.2, "code": 0.03, "digits": 0.02, "number": 0.005}
_SHAPES |= {"date": 0.005}


@dataclass(frozen=True)
class Header:
    """Rows (0-based places in the list of rows) that name the columns; ``first`` is the first row below them."""

    levels: tuple[int, ...]
    first: int
    confidence: float
    why: Said
    doubts: tuple[Said, ...] = field(default=())


def shape_of(text: str) -> str:
    """Give the kind of text that a cell is."""
    text = text.strip()
    if not text:
        return ""
    if _DATE.fullmatch(text) and len(text) >= 6:
        return "date"
    plain = text.replace(",", "").removeprefix("-")
    if plain.isdigit():
        return "digits"
    if re.fullmatch(r"\d*\.\d+([eE][+-]?\d+)?%?|\d+%", plain):
        return "number"
    han = sum("\u3400" <= char <= "\u9fff" or char > "\U00020000" for char in text)
    if han == len(text):
        return "han" if han <= 6 else "long"
    if any(char.isdigit() for char in text):
        return "code" if not han else "long" if han > 8 else "mixed"
    return "mixed" if han else "word"


def find(rows: Sequence[Sequence[str]]) -> Header:
    """Find the header of a sheet's rows (from its top, without gaps)."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    places = [i for i, count in enumerate(filled) if count][:_LOOKED_AT]
    if not places:
        return Header((), 0, 0.0, Said("没有内容", "nothing in it"))
    width = _width(filled)
    body = _body(rows, filled, width)
    sums = {i: _weigh(rows[i], body) for i in places}
    best = None
    for i in places[: _LOOKED_AT // 2]:
        if sums[i] > 0 and (filled[i] >= max(2, 0.6 * width) or width == 1):
            best = i
            break
        if filled[i] >= max(2, 0.6 * width) and sums[i] < -1:
            break  # a row of data already: what comes later is no header
    if best is None:
        best = _gapped(rows, filled, width, sums, places)
    if best is None:
        return _none(places, filled, width, sums)
    levels = _levels(rows, filled, width, sums, best)
    first = levels[-1] + 1
    return _said(rows, levels, first, sums, filled)


def _width(filled: Sequence[int]) -> int:
    """Columns of the table: how many cells are filled in its fuller rows."""
    counts = sorted(count for count in filled if count)
    return counts[int(len(counts) * 0.75)] if len(counts) > 3 else max(counts)


def _body(rows: Sequence[Sequence[str]], filled: Sequence[int], width: int) -> list[tuple[Counter[str], Counter[str]]]:
    """By column: how often each shape and each text stands in the rows that are surely data."""
    full = [i for i, count in enumerate(filled) if count >= 0.5 * width]
    below = full[min(8, max(1, len(full) // 3)) :] or full
    step = max(1, len(below) // _BODY)
    out: list[tuple[Counter[str], Counter[str]]] = []
    for i in below[::step]:
        for j, cell in enumerate(rows[i]):
            if j == len(out):
                out.append((Counter(), Counter()))
            text = cell.strip()
            if text:
                out[j][0][shape_of(text)] += 1
                out[j][1][text] += 1
    return out


def _weigh(row: Sequence[str], body: Sequence[tuple[Counter[str], Counter[str]]]) -> float:
    """Log-odds that a row names columns rather than being one more row of data."""
    total = 0.0
    for j, cell in enumerate(row):
        text = cell.strip()
        if not text or j >= len(body) or not body[j][0]:
            continue
        total += max(-4.0, min(4.0, _weigh_cell(text, *body[j])))
    return total


def _weigh_cell(text: str, shapes: Counter[str], texts: Counter[str]) -> float:
    n = sum(shapes.values())
    shape = shape_of(text)
    as_data = (shapes[shape] + 0.25) / (n + 2)
    out = math.log(_SHAPES.get(shape, 0.05) / as_data)
    if texts[text] > 1 or (texts[text] == 1 and n <= 3):
        out -= 2.0 + (shape == "digits")
    elif n >= 20 and len(texts) <= n / 5:
        out += 2.0  # the column repeats few texts, and this is none of them
    if len(text) <= 24 and _WORD.search(text) and not texts[text]:
        out += 1.5
    if re.search(r"\d{6}", text):
        out -= 3.0  # no name of a column holds six digits; a row about a person nearly always does
    return out


def _gapped(
    rows: Sequence[Sequence[str]], filled: Sequence[int], width: int, sums: dict[int, float], places: Sequence[int]
) -> int | None:
    """A header of two rows neither of which is full: merged cells leave gaps in both."""
    for i in places[: _LOOKED_AT // 2]:
        below = i + 1
        if below not in sums or sums[i] <= 0 or sums[below] <= 0 or filled[i] < 2:
            continue
        both = sum(
            bool(j < len(rows[i]) and rows[i][j].strip()) or bool(j < len(rows[below]) and rows[below][j].strip())
            for j in range(max(len(rows[i]), len(rows[below])))
        )
        if both >= 0.6 * width and filled[below] >= 2:
            return i
    return None


def _none(places: Sequence[int], filled: Sequence[int], width: int, sums: dict[int, float]) -> Header:
    full = [i for i in places if filled[i] >= max(1, 0.6 * width)]
    if not full:
        return Header((), places[0], 0.3, Said("找不到表头", "no header was found"))
    first = full[0]
    sure = 1 / (1 + math.exp(min(20.0, max(-20.0, sums[first]))))
    return Header(
        (), first, max(0.5, sure), Said("第一行看来已是数据，没有表头", "the first row looks like data: no header")
    )


def _levels(
    rows: Sequence[Sequence[str]], filled: Sequence[int], width: int, sums: dict[int, float], best: int
) -> tuple[int, ...]:
    """Add the rows above that group columns, and those below with lower names, units or field codes."""
    levels = [best]
    while levels[0] - 1 in sums and _groups(rows[levels[0] - 1], rows[levels[0]], filled[levels[0] - 1], width):
        levels.insert(0, levels[0] - 1)
    below = best + 1
    while below in sums and len(levels) < 4 and _continues(rows[levels[-1]], rows[below], sums[below], filled[below]):
        levels.append(below)
        below += 1
    return tuple(levels)


def _groups(upper: Sequence[str], lower: Sequence[str], count: int, width: int) -> bool:
    """Tell whether a row above a header names groups of its columns and is no title."""
    cells = [cell.strip() for cell in upper]
    if count < 2 or any(len(cell) > 16 or re.search("[:：]|20\\d\\d", cell) for cell in cells):
        return False
    names = [cell.strip() for cell in lower]
    gaps = sum(1 for j, cell in enumerate(cells) if cell and (j >= len(names) or not names[j]))
    twice = len(names) - names.count("") > len({name for name in names if name})
    return bool(gaps) or twice or count >= 0.6 * width


def _continues(upper: Sequence[str], lower: Sequence[str], weight: float, count: int) -> bool:
    """Tell whether a row below a header still belongs to it."""
    cells = [cell.strip() for cell in lower]
    given = [cell for cell in cells if cell]
    if not given:
        return False
    if sum(bool(_UNIT.fullmatch(cell)) for cell in given) >= max(1, 0.6 * len(given)) and weight > -2:
        return True
    gaps = [j for j, cell in enumerate(upper) if not cell.strip()]
    in_gaps = sum(1 for j in gaps if j < len(cells) and cells[j])
    if weight > 0 and in_gaps and count >= 2:
        return True
    codes = sum(bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", cell)) for cell in given)
    return weight > 2 and count >= 2 and codes == len(given)


def _said(
    rows: Sequence[Sequence[str]], levels: tuple[int, ...], first: int, sums: dict[int, float], filled: Sequence[int]
) -> Header:
    weight = sum(sums[i] for i in levels if i in sums) / len(levels)
    confidence = 1 / (1 + math.exp(-max(-20.0, min(20.0, weight))))
    above = sum(1 for i in range(levels[0]) if filled[i])
    title = Said(f"，上面有 {above} 行标题" if above else "", f", {above} title rows above" if above else "")
    several = len(levels) > 1
    why = Said(
        f"{'几行合起来' if several else '这一行'}是列名，与下面各行的内容不同{title.zh}",
        f"{'these rows together name' if several else 'this row names'} the columns, unlike the rows below{title.en}",
    )
    names = [cell.strip() for cell in rows[levels[-1]] if cell.strip()]
    doubts: tuple[Said, ...] = ()
    if confidence < 0.8:
        doubts = (Said("表头不能确定，请核对 header_row。", "The header is not certain; check header_row."),)
    if not several and len(names) > len(set(names)):
        doubts = (
            *doubts,
            Said("有几列的列名相同，请核对。", "Several columns have the same name; check them."),
        )
    return Header(levels, first, confidence, why, doubts)
