"""Draws the workbooks that go out to be filled in and come back: return sheets, and sheets of link review.

The same content gives the same bytes. Texts are written as texts, never as formulas, numbers or links, whatever they
begin with; the cells to be filled in are in text format, so that an identity number stays what was typed. Nothing is
written to a temporary folder.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from commonground.errors import DeliveryError, Said

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MARK = "commonground"
"""The hidden sheet that says which sheet this is."""
HEAD = 1
"""0-based row of the headers on the sheets to be filled in."""
FULL = 32_000
"""Characters of a text that are written; a cell holds 32,767."""
ALLOWED = {"autofilter": True, "format_columns": True, "format_rows": True, "select_locked_cells": True, "sort": True}
"""What may be done on a protected sheet."""
_FONT = "宋体"
_LINE = 13.5
Columns = Sequence[tuple[Said, int]]
"""Heading and width of each column."""
List = tuple[int, Sequence[str], Callable[[str], dict[str, Any] | None]]
"""Column, the kind of list of each line ("": none), and what makes a list of a kind."""


def locked_changed(changed: Sequence[str], what: Said, where: str, todo: Said) -> DeliveryError:
    """Make the error for a sheet that came back with rows that are not as they were sent."""
    return DeliveryError(
        what,
        where=where,
        why=Said(
            f"第 {'、'.join(changed[:10])} 行与发出的不一致（共 {len(changed)} 行）。",
            f"Rows {', '.join(changed[:10])} are not as they were sent ({len(changed)} in all).",
        ),
        todo=todo,
    )


def both(said: Said) -> str:
    """Say both languages in one cell, Chinese first."""
    return said.zh if said.zh == said.en else f"{said.zh}\n{said.en}"


class Styles:
    """The few looks of a sheet; fonts that every office's computer has."""

    def __init__(self, book: Workbook) -> None:
        def look(**more: Any) -> Format:
            return book.add_format({"font_name": _FONT, "font_size": 10, "valign": "top", "text_wrap": True, **more})

        text = {"num_format": "@", "border": 1, "border_color": "#A6A6A6"}
        self.title = look(font_name="黑体", font_size=14, text_wrap=False)
        self.note = look(text_wrap=False, font_color="#7F3F00")
        self.plain = look()
        self.strong = look(bold=True)
        self.head = look(bold=True, bg_color="#DDE6F0", border=1, border_color="#A6A6A6", valign="vcenter")
        # quote_prefix: a text that begins with = + - @ stays a text even after the cell was edited
        self.locked = look(**text, quote_prefix=True)
        self.open = look(**text, locked=False, bg_color="#FFF9DB")
        self.count = look(num_format="#,##0", border=1, border_color="#A6A6A6")
        self.share = look(num_format="0.0%", border=1, border_color="#A6A6A6")


def begin(title: str, author: Said, made_on: dt.date) -> tuple[Workbook, io.BytesIO, Styles]:
    """Begin a workbook; closing it leaves its bytes in the buffer."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {
        "in_memory": True,  # no copy of the sheet in a temporary folder
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties(
        {
            "title": title,
            "author": both(author).replace("\n", " "),
            "company": "",
            "comments": "内部资料 For internal use",
            "created": dt.datetime.combine(made_on, dt.time()),
        }
    )
    return book, buffer, Styles(book)


def page(sheet: Worksheet, content_rows: int, columns: Columns) -> None:
    """Set a sheet up for printing on A4."""
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.set_footer('&L&"宋体"内部资料 For internal use&C&A&R第 &P 页 / 共 &N 页')
    for i, (_, width) in enumerate(columns):
        sheet.set_column(i, i, width)
    if content_rows:
        sheet.repeat_rows(HEAD)


def readme(
    book: Workbook, name: str, title: str, facts: Sequence[tuple[Said, str]], steps: Sequence[Said], styles: Styles
) -> None:
    """Draw the first sheet: what this is, and how to fill it in, in both languages."""
    sheet = book.add_worksheet(name)
    page(sheet, 0, ((Said("", ""), 26), (Said("", ""), 100)))
    sheet.write_string(0, 0, title, styles.title)
    row = 2
    for label, text in facts:
        sheet.set_row(row, height([(both(label), 26), (text, 100)]))
        sheet.write_string(row, 0, both(label), styles.strong)
        sheet.write_string(row, 1, text, styles.plain)
        row += 1
    row += 1
    for lang, head in (("zh", "怎样填写"), ("en", "How to fill it in")):
        sheet.write_string(row, 0, head, styles.strong)
        for step, said in enumerate(steps, 1):
            text = f"{step}. {said(lang)}"
            sheet.set_row(row, height([(text, 100)]))
            sheet.write_string(row, 1, text, styles.plain)
            row += 1
        row += 1


def heads(sheet: Worksheet, columns: Columns, styles: Styles) -> None:
    """Write the headers."""
    sheet.set_row(HEAD, 30)
    for i, (said, _) in enumerate(columns):
        sheet.write_string(HEAD, i, both(said), styles.head)


def fill_in(
    book: Workbook,
    name: str,
    title: Said,
    columns: Columns,
    lines: Sequence[Sequence[str]],
    locked: int,
    styles: Styles,
    lists: Sequence[List],
) -> None:
    """Draw a sheet whose columns after the first ``locked`` are to be filled in."""
    sheet = book.add_worksheet(name)
    page(sheet, 1, columns)
    sheet.write_string(0, 0, f"{title.zh}　{title.en}", styles.note)
    heads(sheet, columns, styles)
    widths = [width for _, width in columns]
    for row, cells in enumerate(lines, HEAD + 1):
        sheet.set_row(row, height(list(zip(cells, widths, strict=False))))
        for i, text in enumerate(cells):
            sheet.write_string(row, i, text[:FULL], styles.locked)
        for i in range(locked, len(columns)):
            sheet.write_blank(row, i, None, styles.open)
    for column, kinds, make in lists:
        _offer(sheet, column, kinds, make)
    sheet.autofilter(HEAD, 0, HEAD + max(len(lines), 1), len(columns) - 1)
    sheet.freeze_panes(HEAD + 1, 1)
    sheet.protect("", ALLOWED)


def _offer(sheet: Worksheet, column: int, kinds: Iterable[str], make: Callable[[str], dict[str, Any] | None]) -> None:
    """Put a list of choices on each run of cells that share one."""
    row = HEAD + 1
    for kind, run in itertools.groupby(kinds):
        end = row + sum(1 for _ in run) - 1
        rule = make(kind) if kind else None
        if rule is not None:
            sheet.data_validation(row, column, end, column, rule)
        row = end + 1


def choose(texts: Sequence[str]) -> dict[str, Any]:
    """Make a list from which one must choose."""
    return {
        "validate": "list",
        "source": list(texts),
        "error_title": "请从列表中选择",
        "error_message": "请选择列表中的一项，或留空。Choose from the list, or leave it blank.",
    }


def mark(book: Workbook, texts: Sequence[str]) -> None:
    """Hide a sheet that says which sheet this is."""
    sheet = book.add_worksheet(MARK)
    for row, text in enumerate(texts):
        sheet.write_string(row, 0, text)
    sheet.very_hidden()


def height(cells: Iterable[tuple[str, int]]) -> float:
    """Estimate a row's height: some office programs do not fit rows to wrapped text by themselves."""
    most = 1
    for text, width in cells:
        lines = sum(max(1, -(-_columns(part) // max(width - 1, 1))) for part in text[:FULL].split("\n"))
        most = max(most, lines)
    return min(most * _LINE + 2, 400.0)


def _columns(text: str) -> int:
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)
