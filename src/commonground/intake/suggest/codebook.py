"""Layout files that lie beside a delivery (字段说明, 填表说明, data dictionary): what they say of the columns.

What such a file says becomes names for a file without a header, labels for columns that have names, value labels,
and the widths of fixed-width fields. The file itself is no data, and the contract says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FILE = re.compile(
    r"字段|填表说明|填报说明|数据说明|说明|数据字典|字典|数据元|代码表|codebook|layout|readme|dictionary|record_?layout",
    re.IGNORECASE,
)
_SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".xlsx", ".xls", ".ods")
_LARGEST = 2 * 1024 * 1024
_LINE = re.compile(
    r"\s*(?:第?\s*(?P<no>\d{1,3})\s*(?:[列、.:：)）]|\s)\s*)?(?P<name>[^\s:：,，=|\t（(]{1,40})\s*(?P<rest>.*)"
)
_CODES = re.compile(
    r"(?<![\dA-Za-z.])(-?\d{1,4}|[A-Z])\s*[-—.、:：=．]?\s*([\u4e00-\u9fffA-Za-z][^\s,，;；、/|0-9)）]*)"
)
_NAME_HEADS = (
    "字段名",
    "字段名称",
    "列名",
    "变量名",
    "数据项",
    "数据项名",
    "数据项名称",
    "项目",
    "field",
    "variable",
    "column",
    "name",
)
_LABEL_HEADS = (
    "含义",
    "说明",
    "中文名",
    "中文名称",
    "名称",
    "描述",
    "标签",
    "字段说明",
    "注释",
    "label",
    "description",
    "meaning",
)
_START_HEADS = ("起始位", "起始", "开始位", "起始位置", "位置", "start", "from", "position")
_WIDTH_HEADS = ("长度", "宽度", "字节", "字节数", "位数", "width", "length", "bytes")
_CODE_HEADS = ("代码", "取值", "值域", "编码", "代码说明", "values", "codes")


@dataclass(frozen=True)
class Entry:
    """What a layout file says of one column; ``start`` (1-based byte) and ``width`` are 0 where it does not say."""

    name: str
    label: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    width: int = 0


@dataclass(frozen=True)
class Codebook:
    """A layout file."""

    path: Path
    entries: tuple[Entry, ...]
    text: str = ""

    @property
    def no_header(self) -> bool:
        """Whether it says that the data have no header."""
        return bool(re.search(r"无表头|没有表头|不含表头|no header", self.text, re.IGNORECASE))

    def of(self, name: str) -> Entry | None:
        """Find what is said of the column ``name``."""
        return next((entry for entry in self.entries if name in (entry.name, entry.label)), None)


def is_codebook(path: Path) -> bool:
    """Tell by its name and size whether a file may describe others."""
    return is_codebook_name(path.name) and path.is_file() and path.stat().st_size <= _LARGEST


def is_codebook_name(name: str) -> bool:
    """Tell by its name whether a file may describe others."""
    path = Path(name)
    return path.suffix.lower() in _SUFFIXES and bool(_FILE.search(path.stem))


def beside(path: Path) -> list[Codebook]:
    """Read the layout files that lie beside a file, those with no entry left out."""
    found = [read(other) for other in sorted(path.parent.iterdir()) if other != path and is_codebook(other)]
    return [one for one in found if one.entries]


def read(path: Path, name: str = "") -> Codebook:
    """Read a layout file; without entries where nothing in it looks like a list of columns."""
    named = Path(name or path)
    try:
        if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
            return Codebook(named, tuple(_from_workbook(path)))
        text = _text(path)
    except Exception:  # whatever is wrong with a note must not stop the profile of the data beside it
        return Codebook(named, ())
    path = named
    lines = text.splitlines()
    for separator in (r"\t", r"\|", ",", r"[ \u3000]{2,}|\u3000"):
        parts = [re.split(separator, line.strip("| ")) for line in lines]
        entries = _from_table([row for row in parts if len(row) > 1])
        if entries:
            return Codebook(path, tuple(entries), text)
    return Codebook(path, tuple(_from_lines(lines)), text)


def is_codebook_sheet(name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Tell by its name and content whether a sheet of a workbook describes the columns of the others."""
    return bool(_FILE.search(name)) and bool(_from_table(rows))


def of_sheet(path: Path, name: str, rows: Sequence[Sequence[str]]) -> Codebook:
    """Take a sheet of a workbook for a layout file; without entries where it is none."""
    entries = _from_table(rows) if is_codebook_sheet(name, rows) else []
    return Codebook(Path(f"{path.name} [{name}]"), tuple(entries))


def _text(path: Path) -> str:
    from commonground.intake.suggest.encoding import detect

    content = path.read_bytes()
    return content.decode(detect(content).name or "utf-8", "replace").removeprefix("\ufeff")


def _from_workbook(path: Path) -> list[Entry]:
    import python_calamine as calamine

    book = calamine.CalamineWorkbook.from_path(str(path))
    for name in book.sheet_names:
        rows = [[str(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python()]
        entries = _from_table(rows)
        if entries:
            return entries
    return []


def _from_table(rows: Sequence[Sequence[str]]) -> list[Entry]:
    """Read a table that has a column of field names; its header may stand below a title."""
    for i, row in enumerate(rows[:6]):
        heads = ["".join(str(cell).split()).lower() for cell in row]
        place = _place(heads, _NAME_HEADS)
        label = _place(heads, _LABEL_HEADS, but=place)
        if (place is None and label is None) or sum(bool(head) for head in heads) < 2:
            continue
        if place is None:
            place, label = label, None
        start, width = _place(heads, _START_HEADS), _place(heads, _WIDTH_HEADS)
        codes = _place(heads, _CODE_HEADS, but=label)
        return [
            entry for below in rows[i + 1 :] if (entry := _entry(below, place, label, start, width, codes)) is not None
        ]
    return []


def _place(heads: Sequence[str], words: Sequence[str], but: int | None = None) -> int | None:
    return next((i for word in words for i, head in enumerate(heads) if head == word and i != but), None)


def _entry(
    row: Sequence[str], place: int | None, label: int | None, start: int | None, width: int | None, codes: int | None
) -> Entry | None:
    def cell(at: int | None) -> str:
        return str(row[at]).strip() if at is not None and at < len(row) else ""

    if not cell(place):
        return None
    said = f"{cell(label)} {cell(codes)}"
    return Entry(cell(place), cell(label), _codes(said), _number(cell(start)), _number(cell(width)))


def _number(text: str) -> int:
    hit = re.match(r"\d+", text)
    return int(hit.group()) if hit else 0


def _from_lines(lines: Sequence[str]) -> list[Entry]:
    """Read numbered lines ``02 户别 (1家庭户 2集体户)``, or lines ``XM：姓名``."""
    numbered, named = [], []
    for line in lines:
        hit = _LINE.fullmatch(line.rstrip())
        if hit is None:
            continue
        rest = hit.group("rest").strip()
        entry = Entry(hit.group("name"), _label(rest), _codes(rest), *_span(rest))
        if hit.group("no"):
            numbered.append((int(hit.group("no")), entry))
        elif re.match(r"\s*[A-Za-z_][A-Za-z0-9_]*\s*[:：=\t ]", line) and rest:
            named.append(entry)
    in_order = [number for number, _ in numbered]
    if len(numbered) >= 2 and in_order == list(range(in_order[0], in_order[0] + len(in_order))):
        return [entry for _, entry in numbered]
    return named if len(named) >= 2 else []


def _label(rest: str) -> str:
    return rest.lstrip(":：=\t ").strip()


def _codes(text: str) -> dict[str, str]:
    """Read ``1男 2女`` and the like; a single hit is no list of codes."""
    found = {code: label for code, label in _CODES.findall(text) if label.lower() not in ("gb", "t")}
    return found if len(found) >= 2 else {}


def codes_in(name: str, values: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Read the codes that a header itself explains, ``户籍类型(1农业2非农业)``; empty unless most cells hold them."""
    found = _codes(name)
    rows = sum(n for _, n in values)
    return found if rows and sum(n for text, n in values if text in found) >= 0.8 * rows else {}


def _span(rest: str) -> tuple[int, int]:
    hit = re.search(r"(\d{1,4})\s*[-—~至]\s*(\d{1,4})\s*(?:位|字节|列|byte)?", rest)
    if hit and int(hit.group(2)) >= int(hit.group(1)) > 0 and not re.search(r"[男女]", rest):
        return int(hit.group(1)), int(hit.group(2)) - int(hit.group(1)) + 1
    hit = re.search(r"(?:长度|宽度|width)\s*[:：=]?\s*(\d{1,3})", rest)
    return (0, int(hit.group(1))) if hit else (0, 0)
