"""JSON, one object a line, and GeoJSON, one feature a row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commonground.intake.model import BadRow, Layout, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text
from commonground.intake.readers.decode import decode
from commonground.intake.readers.text import clean_lines, count_lines


def read_jsonl(path: Path, content: bytes, layout: Layout) -> Sheet:
    """Read one object a line; a line that is no object is set aside."""
    text, _ = decode(path, content, layout.encoding)
    lines, mended = clean_lines(path, text)
    objects: list[tuple[int, dict[str, Any]]] = []
    bad = []
    blank = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            blank.append(number)
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            objects.append((number, value))
        else:
            bad.append(BadRow(number, "not_json", line))
    if bad and not objects:
        raise unreadable(path, "jsonl", ValueError("no line is a JSON object"))
    names, rows = _rows([value for _, value in objects])
    physical = [number for number, _ in objects]
    rows += [[""] * len(names) for _ in blank]
    total = count_lines(text)
    notes = {"control_characters": mended}
    return Sheet("", rows, physical + blank, total, tuple(bad), names=tuple(names), notes=notes)


def read_geojson(path: Path, content: bytes, layout: Layout) -> Sheet:
    """Read a feature collection: the properties, and ``@x``, ``@y`` of points or ``@geometry`` of anything else."""
    text, _ = decode(path, content, layout.encoding)
    try:
        features = json.loads(CONTROL.sub("", text))["features"]
        values = [{**(feature.get("properties") or {}), **_place(feature.get("geometry"))} for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
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
