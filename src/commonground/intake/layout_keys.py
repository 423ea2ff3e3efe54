"""Keys of a ``[[layout]]`` that belong to single formats: fixed widths, layout files, merged data cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.errors import ContractError, Said, did_you_mean

WIDTH_UNITS = ("bytes", "characters")
_OF_FORMATS = {
    "widths": ("fixed",),
    "width_unit": ("fixed",),
    "layout_file": ("fixed", "csv"),
    "fill_down": ("xlsx", "xls", "xlsb", "ods"),
}


def read_format_keys(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read the keys that only some formats know.

    Raises
    ------
    ContractError
        A key that the format has no use for; fixed widths without widths; more names than widths.
    """
    kind = raw.get("format", "")
    for key, formats in _OF_FORMATS.items():
        if key in raw and kind not in formats:
            raise ContractError(
                Said(f"格式 {kind} 用不到“{key}”。", f"The format {kind} has no use for “{key}”."),
                where=f"{where} {key}",
                todo=Said(f"{key} 用于 {'、'.join(formats)}。", f"{key} belongs to {', '.join(formats)}."),
            )
    if kind == "fixed":
        _check_fixed(raw, where)
    return {
        "widths": tuple(raw.get("widths", ())),
        "width_unit": raw.get("width_unit", "bytes"),
        "layout_file": raw.get("layout_file", ""),
        "fill_down": tuple(raw.get("fill_down", ())),
    }


def _check_fixed(raw: Mapping[str, Any], where: str) -> None:
    unit, widths, columns = raw.get("width_unit", "bytes"), raw.get("widths", []), raw.get("columns", [])
    if unit not in WIDTH_UNITS:
        raise ContractError(
            Said(f"不认识的取值“{unit}”。", f"Unknown value “{unit}”."),
            where=f"{where} width_unit",
            todo=did_you_mean(str(unit), WIDTH_UNITS),
        )
    if bool(widths) == bool(raw.get("layout_file")):
        raise ContractError(
            Said("定长文件要写 widths 或 layout_file 之一。", "A file of fixed widths needs widths or layout_file."),
            where=where,
            why=Said("没有各列宽度，就不知道一行从哪里切开。", "Without widths nobody knows where to cut a row."),
            todo=Said(
                '例如 widths = [18, 20, 1]，或 layout_file = "字段说明.txt"。',
                'Such as widths = [18, 20, 1], or layout_file = "字段说明.txt".',
            ),
        )
    if 0 in widths or (widths and columns and len(widths) != len(columns)):
        raise ContractError(
            Said(
                f"widths 有 {len(widths)} 个，columns 有 {len(columns)} 个。",
                f"There are {len(widths)} widths and {len(columns)} columns.",
            ),
            where=f"{where} widths",
            todo=Said("每列写一个大于 0 的宽度。", "Write one width above 0 for each column."),
        )
