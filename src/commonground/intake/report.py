"""What intake tells about itself: counts only, never a text of a record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.intake.model import COUNTS

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.intake.model import IntakeResult

STATUS = {
    "read": Said("已读", "read"),
    "repeated": Said("重复交付", "delivered before"),
    "replaced": Said("已被更正文件取代", "replaced by a corrected file"),
    "return sheet": Said("交回的核对单", "a return sheet that came back"),
    "return refused": Said("交回的核对单，未能收下", "a return sheet that could not be taken"),
    "empty": Said("空文件或空工作表", "empty file or sheet"),
    "ignored": Said("读取约定声明非数据", "no data, as the contract says"),
    "no contract": Said("没有读取约定，未读", "no contract, not read"),
}

REASONS = {
    "too_few_cells": Said("行不完整", "row cut short"),
    "too_many_cells": Said("多出单元格", "too many cells"),
    "quote": Said("引号不配对", "unbalanced quotation mark"),
    "line_too_long": Said("一行过长，没有读", "a line too long to be read"),
    "cut_off": Said("文件被截断", "file cut off"),
    "not_counted": Said("文件头没有计入的记录", "a record that the file's header does not count"),
    "not_json": Said("不是 JSON", "not JSON"),
    "not_decodable": Said("编码错误", "not decodable"),
    "one_cell": Said("整行只有一格有内容", "a single cell in the row"),
    "undeclared_total": Said("合计行，读取约定没有声明", "a totals row that the contract does not declare"),
    "repeated_header": Said("表头在表中又出现一次", "the header once more inside the table"),
    "not_sql": Said("不是可读的 INSERT", "an INSERT that cannot be read"),
    "formula_error": Said("公式出错（#REF! 等）", "a formula's error (#REF! and the like)"),
    "unknown_key": Said("行内有未知的键名", "a key nobody knows in the row"),
    "pattern": Said("格式不符", "not of the required form"),
    "code_outside_list": Said("代码不在表内", "code outside its list"),
    "not_an_area": Said("不是行政区划", "not an area"),
    "not_a_date": Said("不是日期", "not a date"),
    "date_in_future": Said("日期晚于交付日", "later than the delivery"),
    "not_a_number": Said("不是数", "not a number"),
    "not_whole": Said("不是整数", "not a whole number"),
    "not_a_grade": Said("不是年级", "not a grade"),
    "grade_stage": Said("写了级或届，没写小学、初中还是高中", "a year of entry without the stage of school"),
    "out_of_range": Said("超出范围", "out of range"),
    "not_a_pressure": Said("不是血压读数", "not a blood pressure"),
    "id_as_number": Said("身份证号被存成数字，末位已丢失", "identity number stored as a number, last digits lost"),
    "id_characters": Said("身份证号含其他字符", "other characters in an identity number"),
    "id_length": Said("身份证号位数不对", "wrong length of an identity number"),
    "id_date": Said("身份证号中的日期不存在", "no such date in an identity number"),
    "id_check_digit": Said("身份证号校验码不符", "check digit of an identity number fails"),
}


def reason_label(reason: str) -> Said:
    """Give a reason in words; one that names a code ends in that code."""
    head, _, code = reason.partition(":")
    label = REASONS.get(head, Said(head, head))
    return Said(f"{label.zh}：{code}", f"{label.en}: {code}") if code else label


def conservation_by_dataset(conservation: pa.Table) -> list[dict[str, Any]]:
    """Give the conservation sum a dataset, and of all: plain values for the command line.

    Each row has department, dataset, kind, files, sheets, and the sums of all counts; ``balanced`` tells that
    ``rows = records + quarantined + non_data`` for every sheet of it.
    """
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for row in conservation.to_pylist():
        place = {name: row[name] for name in ("department", "dataset", "kind")}
        start = {**place, "files": set(), "sheets": 0, "balanced": True, **dict.fromkeys(COUNTS, 0)}
        here = out.setdefault((row["department"], row["dataset"]), start)
        here["files"].add((row["delivery"], row["file"]))
        here["sheets"] += 1
        here["balanced"] &= row["rows"] == row["records"] + row["quarantined"] + row["non_data"]
        for name in COUNTS:
            here[name] += row[name]
    rows = list(out.values())
    for row in rows:
        row["files"] = len(row["files"])
    whole: dict[str, Any] = {
        "department": "",
        "dataset": "",
        "kind": "",
        "balanced": all(row["balanced"] for row in rows),
    }
    for name in ("files", "sheets", *COUNTS):
        whole[name] = sum(row[name] for row in rows)
    return [*rows, whole]


def summary(result: IntakeResult) -> dict[str, Any]:
    """Give what ``quality/intake.json`` holds: sums a sheet, files set aside, quarantine by reason; no texts."""
    conservation = result.conservation.to_pylist()
    columns = ("department", "dataset", "column", "concept", "reason")
    counts: Counter[tuple[str, ...]] = Counter()
    for part in result.quarantine_parts():
        grouped = part.select(columns).group_by(list(columns)).aggregate([([], "count_all")])
        counts.update({tuple(row[name] for name in columns): row["count_all"] for row in grouped.to_pylist()})
    return {
        "conservation": conservation,
        "by_dataset": conservation_by_dataset(result.conservation),
        "set_aside": [
            {name: row[name] for name in ("department", "dataset", "delivery", "file", "sheet", "status")}
            for row in conservation
            if row["status"] not in ("read", "repeated", "replaced")
        ],
        "repeated": sum(row["records"] for row in conservation if row["status"] == "repeated"),
        "quarantine": [
            {**dict(zip(columns, key, strict=True)), "count": count, "label": _both(reason_label(key[4]))}
            for key, count in sorted(counts.items())
        ],
    }


def _both(said: Said) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}
