"""Draws a return sheet as a workbook: what stands where; how it looks is ``book``'s."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from commonground.errors import Said
from commonground.intake.returns import book as sheets
from commonground.intake.returns.book import ALLOWED, HEAD, Columns, Styles, both, choose
from commonground.intake.returns.content import Content, Line, column_said
from commonground.present import words

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

README, SUMMARY, ITEMS, ROWS, CODES = "说明 Read me", "汇总 Summary", "问题清单 Items", "逐行 Rows", "取值 Codes"
ITEM_COLUMNS = (
    (Said("编号", "No."), 7),
    (Said("文件 [工作表]", "File [sheet]"), 17),
    (Said("行号", "Row"), 9),
    (Said("列名", "Column"), 12),
    (Said("行内标识", "Whose row"), 21),
    (Said("问题", "What is wrong"), 33),
    (Said("行数", "Rows"), 6),
    (Said("原文", "As delivered"), 22),
    (Said("处理", "Decision"), 10),
    (Said("更正值", "Corrected value"), 22),
    (Said("说明", "Remark"), 18),
)
ROW_COLUMNS = (
    *(ITEM_COLUMNS[i] for i in range(4)),
    (Said("原文", "As delivered"), 24),
    (Said("更正值", "Corrected value"), 24),
    (Said("说明", "Remark"), 24),
)
ITEM_LOCKED, ROW_LOCKED = 8, 5


def draw(content: Content) -> bytes:
    """Draw the whole return sheet: read me, summary, items, rows, codes."""
    book, buffer, styles = _begin(content, "退回核对单 Return sheet")
    title = f"退回核对单 Return sheet　{content.title.zh} {content.title.en}"
    sheets.readme(book, README, title, _facts(content), _STEPS, styles)
    _summary(book, content, styles, None)
    ranges = _plan_codes(content)
    _fill_in(book, ITEMS, _ITEM_TITLE, ITEM_COLUMNS, content.lines, styles, ranges)
    if content.places:
        _fill_in(book, ROWS, _ROW_TITLE, ROW_COLUMNS, content.places, styles, ranges)
    if content.codes:
        _codes(book, content, styles)
    sheets.mark(book, (content.identity, content.department, content.dataset, content.delivery))
    book.get_worksheet_by_name(ITEMS).activate()
    book.close()
    return buffer.getvalue()


def draw_summary(content: Content, safe: Callable[[int], str]) -> bytes:
    """Draw the summary alone, without a text of any record, with counts as ``safe`` lets them out."""
    book, buffer, styles = _begin(content, "退回核对汇总 Summary of a return sheet")
    _summary(book, content, styles, safe)
    book.close()
    return buffer.getvalue()


def _begin(content: Content, title: str) -> tuple[Workbook, io.BytesIO, Styles]:
    return sheets.begin(f"{title} {content.subject}", content.city, content.made_on)


_ITEM_TITLE = Said(
    "只填右边三列：处理、更正值、说明。其他各列已锁定，请勿改动。",
    "Fill in the three columns on the right alone: decision, corrected value, remark. The others are locked.",
)
_ROW_TITLE = Said(
    "同一原文的各行。各行应更正为不同的值时，在这里逐行填写；这里填了的，以这里为准。",
    "The rows of items about several. Where rows need different values, give them here; what stands here holds.",
)


def _department(name: str) -> str:
    """Name a department in words, and by its folder."""
    zh, en = (words.label(f"department.{name}", lang, default="") for lang in ("zh", "en"))
    return f"{zh} {en}（{name}）" if zh else name


def _facts(content: Content) -> list[tuple[Said, str]]:
    out = [
        (Said("城市", "City"), both(content.city)),
        (Said("退回部门", "To"), _department(content.department)),
        (Said("数据集", "Dataset"), f"{content.dataset}（{content.title.zh} {content.title.en}）"),
        (Said("交付", "Delivery"), content.delivery),
        (Said("核对单号", "Sheet number"), content.identity),
        (Said("编制日期", "Made on"), content.made_on.isoformat()),
        (Said("项数", "Items"), f"{len(content.lines):,}"),
        (Said("性质", "Marking"), "内部资料，含个人信息，不得外传\nInternal: personal data, not to be passed on"),
        (
            Said("用途", "Purpose"),
            "仅供本部门核对、更正自己交付的数据\nOnly to check and correct the data that your department delivered",
        ),
        (Said("销毁期限", "Destroy by"), content.destroy_by.isoformat()),
    ]
    if content.unlisted:
        more = f"另有 {content.unlisted:,} 项本次未列出，随下一份核对单退回\n{content.unlisted:,} more follow later"
        out.append((Said("未列出", "Not listed"), more))
    return out


_STEPS = (
    Said(
        "问题清单中的文件、行号、列名都是贵部门交来文件中的，行号为文件中的实际行数（含表头）。",
        "File, row and column are those of your own file; rows are counted as they stand, the header included.",
    ),
    Said(
        "有正确值的，填在“更正值”；可以选的列请从下拉列表中选。",
        "Give the right value under “corrected value”; where there is a list, choose from it.",
    ),
    Said(
        "原文本来就对的，“处理”选“属实”，并在“说明”写明依据；确实没有值的选“无值”。",
        "Where it is right as delivered choose “as it is” and say why; where there is no value choose “no value”.",
    ),
    Said(
        "整行、整列、整个文件的问题，请改好后重新交付文件，“处理”选“另交文件”。",
        "For whole rows, columns and files deliver a corrected file and choose “new file”.",
    ),
    Said(
        "可以隐藏、筛选，不要改动锁定的格；暂时不能答复的留空。",
        "Filter as you like, but do not change locked cells; leave blank what you cannot answer yet.",
    ),
    Said(
        "填好后由原渠道交回，逾期请销毁。",
        "Hand it back the way that it came; destroy it when the date above has passed.",
    ),
)

_SUMMARY_COLUMNS = (
    (Said("文件", "File"), 22),
    (Said("工作表", "Sheet"), 10),
    (Said("列名", "Column"), 16),
    (Said("问题", "What is wrong"), 30),
    (Said("怎样处理", "What to do"), 50),
    (Said("项数", "Items"), 7),
    (Said("涉及行数", "Rows"), 9),
    (Said("该表行数", "Rows in all"), 11),
    (Said("占比", "Share"), 8),
)


def _summary(book: Workbook, content: Content, styles: Styles, safe: Callable[[int], str] | None) -> None:
    sheet = book.add_worksheet(SUMMARY)
    sheets.page(sheet, 1, _SUMMARY_COLUMNS)
    sheet.write_string(0, 0, f"汇总 Summary　{content.subject}　{content.made_on}", styles.title)
    sheets.heads(sheet, _SUMMARY_COLUMNS, styles)
    for row, (file, part, column, reason, do, items, rows, of) in enumerate(content.summary, HEAD + 1):
        texts = (file or "整次交付\nthe delivery", part, column or "—", both(reason), both(do))
        sheet.set_row(row, sheets.height([(t, w) for t, (_, w) in zip(texts, _SUMMARY_COLUMNS, strict=False)]))
        for i, text in enumerate(texts):
            sheet.write_string(row, i, text, styles.locked)
        for i, count in enumerate((items, rows, of), len(texts)):
            if safe is None:
                sheet.write_number(row, i, count, styles.count)
            else:
                sheet.write_string(row, i, safe(count), styles.locked)
        if safe is None and of:
            sheet.write_number(row, 8, rows / of, styles.share)
        else:
            sheet.write_string(row, 8, "", styles.locked)
    sheet.freeze_panes(HEAD + 1, 0)
    sheet.protect("", ALLOWED)


def _fill_in(
    book: Workbook,
    name: str,
    title: Said,
    columns: Columns,
    lines: Sequence[Line],
    styles: Styles,
    codes: dict[str, str],
) -> None:
    """Draw a sheet whose last columns are to be filled in."""
    locked = ITEM_LOCKED if name == ITEMS else ROW_LOCKED
    kinds = [f"{line.codes}\t{line.hint}" if line.codes or line.hint else "" for line in lines]
    lists: list[sheets.List] = []
    if name == ITEMS:
        lists.append((locked, [", ".join(line.decisions) for line in lines], lambda kind: choose(kind.split(", "))))
    lists.append((len(columns) - 2, kinds, lambda kind: _code_list(codes, *kind.split("\t", 1))))
    sheets.fill_in(book, name, title, columns, [line.cells for line in lines], locked, styles, lists)


def _code_list(ranges: dict[str, str], column: str, hint: str) -> dict[str, Any]:
    """Offer a coded column's list, and say what to do while the cell is filled in."""
    rule: dict[str, Any] = {"validate": "any"}
    if column:
        rule = {
            "validate": "list",
            "source": ranges[column],
            "error_type": "warning",
            "error_title": "请从列表中选择",
            "error_message": "列表以外的取值可能不被接受。Other values may be refused.",
        }
    if hint:
        rule |= {"input_title": "怎样处理 What to do", "input_message": hint[:250]}
    return rule


def _plan_codes(content: Content) -> dict[str, str]:
    """Say where on the sheet of codes each column's list will stand."""
    from xlsxwriter.utility import xl_range_abs

    return {
        column: f"='{CODES}'!{xl_range_abs(HEAD + 1, i, HEAD + len(listed), i)}"
        for i, (column, listed) in enumerate(sorted(content.codes.items()))
    }


def _codes(book: Workbook, content: Content, styles: Styles) -> None:
    sheet = book.add_worksheet(CODES)
    columns = sorted(content.codes)
    sheets.page(sheet, 1, [(Said(name, name), 20) for name in columns])
    sheet.write_string(0, 0, "各列可以填写的取值　Values that each column takes", styles.note)
    for i, name in enumerate(columns):
        sheet.write_string(HEAD, i, column_said(name), styles.head)
        for row, text in enumerate(content.codes[name], HEAD + 1):
            sheet.write_string(row, i, text, styles.locked)
    sheet.freeze_panes(HEAD + 1, 0)
    sheet.protect("", ALLOWED)
