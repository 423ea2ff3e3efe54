"""JSON: one object a line, an array of objects, or GeoJSON with one feature a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commonground.errors import DeliveryError, Said
from commonground.intake.model import BadRow, Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.broken import Broken
from commonground.intake.readers.cells import CONTROL, cell_text
from commonground.intake.readers.decode import decode
from commonground.intake.readers.lines import blocks
from commonground.intake.readers.text import clean_lines

_SHOWN = 2000  # characters of an element that is set aside
_RARE = 200  # a name that fewer than one object in so many holds is a slip of somebody's
_WHOLE = 1 << 29
"""Bytes of an array or a feature collection, which must be held whole; more belongs into JSON lines."""


def read_json(path: Path, layout: Layout, limits: Limits) -> Iterator[Sheet]:
    """Read a file of JSON.

    Raises
    ------
    DeliveryError
        It is not of the kind that the contract says, or too large to be held whole.
    """
    if layout.format == "jsonl":
        yield from read_jsonl(path, layout, limits)
        return
    if path.stat().st_size > _WHOLE:
        raise _too_large(path, layout)
    text, cut = decode(path, path.read_bytes(), layout.encoding)
    if layout.format == "geojson":
        yield read_geojson(path, text)
    else:
        yield read_array(path, text, cut)


def read_jsonl(path: Path, layout: Layout, limits: Limits) -> Iterator[Sheet]:
    """Read one object a line, part by part; a line that is no object is set aside."""
    names: dict[str, int] = {}
    objects = 0
    for part in _lines(path, layout, limits):  # all names first: the parts of a sheet have the same columns
        for value in part[1]:
            if isinstance(value, dict):
                for name, cell in value.items():
                    names[name] = names.get(name, 0) + (cell not in (None, ""))
                objects += 1
    if not objects:
        raise unreadable(path, "jsonl", ValueError("no line is a JSON object"))
    rare = frozenset(name for name, held in names.items() if held <= max(1, objects // _RARE))
    for first, values, lines, counted, mended, last, broken in _lines(path, layout, limits):
        rows, physical, bad = [], [], []
        for number, (value, line) in enumerate(zip(values, lines, strict=True), first):
            if isinstance(value, dict):
                rows.append([_text(value.get(name)) for name in names])
                physical.append(number)
            elif value is None and not line.strip():
                rows.append([""] * len(names))
                physical.append(number)
            else:
                spoilt = broken is not None and number in broken.rows
                bad.append(BadRow(number, "not_decodable" if spoilt else "not_json", line))
        notes = {"control_characters": mended} | (broken.notes() if broken is not None else {})
        yield Sheet("", rows, physical, counted, tuple(bad), names=tuple(names), notes=notes, more=not last, rare=rare)


_Lines = tuple[int, list[Any], list[str], int, int, bool, Broken | None]


def _lines(path: Path, layout: Layout, limits: Limits) -> Iterator[_Lines]:
    """Give of each block: its first row, the value of each line (None for what is no JSON), the lines, their number."""
    for block in blocks(path, layout.encoding, limits):
        text = block.data.decode("utf-8")
        lines, mended = (["…"], 0) if block.long else clean_lines(path, text)
        lines += [""] * (block.lines - len(lines)) if block.cut else []
        broken = block.broken
        values = [
            False if broken is not None and row in broken.rows else _value(line)
            for row, line in enumerate(lines, block.first_line)
        ]
        if broken is not None:
            mended -= len(broken.rows)  # the mark before each is no character of the file
        yield block.first_line, values, lines, block.lines, mended, block.last, broken


def _value(line: str) -> Any:
    try:
        value = json.loads(line) if line.strip() else None
    except (ValueError, RecursionError):
        return False
    try:
        return _plain(value) if "\\u" in line else value
    except (UnicodeEncodeError, RecursionError):
        return False


def _plain(value: Any) -> Any:
    """Remove control characters that stood as escapes.

    Raises
    ------
    UnicodeEncodeError
        An escape stands for half a character (a lone surrogate).
    """
    if isinstance(value, str):
        value.encode()
        return CONTROL.sub("", value)
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def read_array(path: Path, text: str, cut: bool) -> Sheet:
    """Read an array of objects, or an object in which one member is such an array, as an interface gives it.

    Where the file breaks off, or an element cannot be read, the elements before are rows and the rest is set aside.
    """
    text = CONTROL.sub("", text)
    at = _array_start(path, text)
    decoder = json.JSONDecoder()
    objects: list[tuple[int, dict[str, Any]]] = []
    bad: list[BadRow] = []
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at < len(text) and text[at] == "]":
            break
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            bad.append(
                BadRow(len(objects) + len(bad) + 1, "cut_off" if cut or at >= len(text) else "not_json", text[at:])
            )
            break
        number = len(objects) + len(bad) + 1
        try:
            if not isinstance(value, dict):
                raise ValueError
            objects.append((number, _plain(value)))
        except (ValueError, RecursionError):
            bad.append(BadRow(number, "not_json", json.dumps(value)[:_SHOWN]))
    if not objects:
        raise unreadable(path, "json", ValueError("no array of objects"))
    names, rows = _rows([value for _, value in objects])
    physical = [number for number, _ in objects]
    return Sheet("", rows, physical, len(rows) + len(bad), tuple(bad), names=tuple(names))


def _array_start(path: Path, text: str) -> int:
    """Find where the elements begin."""
    start = text.lstrip()
    if start.startswith("["):
        return text.index("[") + 1
    found = [at for at in range(len(text[:100_000])) if text[at] == "[" and text[at + 1 :].lstrip()[:1] == "{"]
    if start.startswith("{") and found:
        return found[0] + 1
    raise unreadable(path, "json", ValueError("no array of objects"))


def read_geojson(path: Path, text: str) -> Sheet:
    """Read a feature collection: the properties, and ``@x``, ``@y`` of points or ``@geometry`` of anything else."""
    try:
        features = _plain(json.loads(CONTROL.sub("", text))["features"])
        values = [{**(feature.get("properties") or {}), **_place(feature.get("geometry"))} for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        # not the fault's own words, which may quote a cell
        raise unreadable(path, "geojson", ValueError(f"no feature collection: {type(fault).__name__}")) from None
    names, rows = _rows(values)
    return Sheet("", rows, list(range(1, len(rows) + 1)), len(features), names=tuple(names))


def _place(geometry: dict[str, Any] | None) -> dict[str, Any]:
    if not geometry:
        return {}
    if geometry.get("type") == "Point":
        x, y = geometry["coordinates"][:2]
        return {"@x": float(x), "@y": float(y)}
    return {"@geometry": geometry}


def _rows(objects: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(name for value in objects for name in value))
    return names, [[_text(value.get(name)) for name in names] for value in objects]


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return cell_text(value)


def _too_large(path: Path, layout: Layout) -> DeliveryError:
    return DeliveryError(
        Said("这样大的 JSON 数组不能整个读入。", "A JSON array of this size cannot be held whole."),
        where=str(path),
        why=Said(
            f"{path.stat().st_size:,} 字节；{layout.format} 要整个放进内存，上限 {_WHOLE:,} 字节。",
            f"{path.stat().st_size:,} bytes; {layout.format} is held whole, at most {_WHOLE:,} bytes.",
        ),
        todo=Said("请部门改为每行一个对象（JSON Lines）导出。", "Ask for it with one object a line (JSON Lines)."),
    )
