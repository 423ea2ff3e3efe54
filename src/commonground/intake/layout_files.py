"""Reads a delivered layout file (字段说明): the columns of a file without a header, with their places where it has any.

Departments hand such files over with their exports: a line a column, with its name, often its number, start and length.
A title line, notes in brackets and lines of dashes are stepped over.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, replace
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.model import Layout
from commonground.intake.readers.decode import decode

_PARTS = re.compile(r"\s*[\t|,，;；]\s*|\s{2,}|\u3000+")
_RANGE = re.compile(r"(\d+)\s*[-~—–至]\s*(\d+)")
_NUMBER = re.compile(r"\d{1,6}")
_HEADS = {
    "number": ("序号", "编号", "列号", "no", "no.", "#"),
    "name": (
        "字段名",
        "字段名称",
        "字段",
        "列名",
        "名称",
        "数据项",
        "数据项名称",
        "中文名称",
        "字段中文名",
        "name",
        "field",
        "column",
    ),
    "start": ("起始", "起始位", "起始位置", "开始", "开始位置", "起", "start", "begin", "position"),
    "end": ("结束", "结束位", "结束位置", "终止", "终止位置", "截止", "止", "end"),
    "width": ("长度", "宽度", "字节", "字节数", "位数", "length", "width", "len", "size", "bytes"),
}


@dataclass(frozen=True)
class Field:
    """A column: name, 1-based start and width where the layout file tells them, else 0."""

    name: str
    start: int = 0
    width: int = 0


def with_layout_file(layout: Layout, beside: Path | None, path: Path) -> Layout:
    """Give the layout with the columns, and of fixed widths the places, that its layout file tells.

    Parameters
    ----------
    beside : Path or None
        The layout file; None where none was delivered.
    path : Path
        The data file, for messages.

    Raises
    ------
    DeliveryError
        It is not there, lists no column, or no widths where they are needed.
    """
    if beside is None:
        raise DeliveryError(
            Said(f"找不到字段说明“{layout.layout_file}”。", f"The layout file “{layout.layout_file}” is not there."),
            where=str(path),
            why=Said("这个文件没有表头，列名要从字段说明读取。", "The file has no header; its columns are told there."),
            todo=Said(
                "请把字段说明放进同一个交付文件夹；或在约定中直接写 columns。",
                "Put it into the delivery's folder, or write columns into the contract.",
            ),
        )
    found = _read(beside, layout.encoding, beside.stat().st_mtime_ns)
    columns = layout.columns or tuple(field.name for field in found)
    if layout.format != "fixed":
        return replace(layout, columns=columns)
    if not all(field.width for field in found):
        raise _no_fields(beside, Said("没有写每一列的长度。", "It does not tell the length of each column."))
    return replace(
        layout,
        columns=columns,
        widths=tuple(field.width for field in found),
        starts=tuple(field.start for field in found),
    )


@functools.lru_cache(maxsize=64)
def _read(path: Path, encoding: str, _changed: int) -> tuple[Field, ...]:
    text, _ = decode(path, path.read_bytes(), encoding)
    found = tuple(parse_layout(text))
    if not found:
        raise _no_fields(path, Said("没有认出任何一列。", "Not one column was recognised in it."))
    return found


def parse_layout(text: str) -> list[Field]:
    """Find the columns in the text of a layout file.

    Known are a table with a heading (序号, 字段名, 起始, 长度 …) and lines such as ``01  户号``, ``姓名 19 20`` or
    ``3 性别 39-39``; two numbers behind a name are its start and length, or start and end where only that fits.
    """
    lines = [[part for part in _PARTS.split(line.strip()) if part] for line in text.splitlines()]
    for i, parts in enumerate(lines):
        heads = _heading(parts)
        if "name" in heads:
            return _consistent(_by_heading(lines[i + 1 :], heads))
    return _consistent([one for parts in lines if (one := _by_shape(parts)) is not None])


def _heading(parts: list[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for i, part in enumerate(parts):
        for kind, words in _HEADS.items():
            if part.strip().lower() in words:
                out.setdefault(kind, i)
    return out if len(out) > 1 else {}


def _by_heading(lines: list[list[str]], heads: dict[str, int]) -> list[tuple[str, list[int]]]:
    out = []
    for parts in lines:
        if len(parts) <= max(heads[kind] for kind in heads if kind in ("name", "width", "start", "end")):
            continue
        numbers = []
        for kind in ("start", "end", "width"):
            if kind in heads:
                said = _RANGE.match(parts[heads[kind]]) if kind == "start" else None
                found = _NUMBER.search(parts[heads[kind]])
                if said:
                    numbers = [int(said[1]), -int(said[2])]
                    break
                if found:
                    numbers.append(-int(found[0]) if kind == "end" else int(found[0]))
        if len(numbers) == 3:
            numbers = [numbers[0], numbers[2]]
        out.append((parts[heads["name"]], numbers))
    return out


def _by_shape(parts: list[str]) -> tuple[str, list[int]] | None:
    """Read a line without a heading: a number and a name, a name and numbers, or all of them."""
    if len(parts) == 1:
        parts = re.split(r"[\s.、．]+", parts[0])
    numbered = bool(parts) and _NUMBER.fullmatch(parts[0].rstrip(".、．")) is not None
    rest = parts[1:] if numbered else parts
    if not rest or _NUMBER.fullmatch(rest[0]) or not re.search(r"[^\W\d_]", rest[0]):
        return None
    numbers: list[int] = []
    for part in rest[1:]:
        said = _RANGE.fullmatch(part)
        if said:
            numbers = [int(said[1]), -int(said[2])]
            break
        if _NUMBER.fullmatch(part):
            numbers.append(int(part))
    return (rest[0], numbers[:2]) if numbered or numbers else None


def _consistent(found: list[tuple[str, list[int]]]) -> list[Field]:
    """Turn numbers into start and width; an end is written as a negative number, or shows itself by its order."""
    if all(len(numbers) == 2 and numbers[1] > 0 for _, numbers in found):
        follows = all(b[0] == a[0] + a[1] for (_, a), (_, b) in itertools.pairwise(found))
        ends = all(b[0] > a[1] >= a[0] for (_, a), (_, b) in itertools.pairwise(found))
        if ends and not follows:
            found = [(name, [numbers[0], -numbers[1]]) for name, numbers in found]
    out, at = [], 1
    for name, numbers in found:
        if len(numbers) == 2:
            start, width = numbers[0], numbers[1] if numbers[1] > 0 else -numbers[1] - numbers[0] + 1
        else:
            start, width = at, numbers[0] if numbers else 0
        out.append(Field(name, start, max(width, 0)))
        at = start + width
    return out


def _no_fields(path: Path, why: Said) -> DeliveryError:
    return DeliveryError(
        Said("字段说明读不出各列。", "The layout file does not tell the columns."),
        where=str(path),
        why=why,
        todo=Said(
            "每列一行：序号、列名；定长文件另写起始和长度。也可以在约定中写 columns 和 widths。",
            "A line a column: number and name; with start and length for fixed widths. Or write columns and widths.",
        ),
    )
