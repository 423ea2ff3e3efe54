"""How the command line speaks: tables, progress, errors; one JSON object when asked."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from commonground.errors import CommonGroundError, Said

STAGES = {
    "fetch": Said("从数据库取数", "Fetching from databases"),
    "suggest": Said("分析文件", "Profiling the files"),
    "intake": Said("读入各部门文件", "Reading the departments' files"),
    "people": Said("把记录连接到人", "Linking the records to persons"),
    "variables": Said("按定义计算变量", "Computing the variables"),
    "study": Said("做研究", "Studying"),
    "publish": Said("经出口审查，生成网页", "Passing the gate and making the pages"),
    "demo city: people": Said("演示城市：居民", "Demo city: people"),
    "demo city: schools and marks": Said("演示城市：学校与成绩", "Demo city: schools and marks"),
    "demo city: files of education": Said("演示城市：教育部门的文件", "Demo city: files of education"),
    "demo city: files of registers": Said("演示城市：各种登记的文件", "Demo city: files of registers"),
    "demo city: files of health": Said("演示城市：卫生健康部门的文件", "Demo city: files of health"),
    "demo city: written": Said("演示城市：文件已写好", "Demo city: files written"),
}
"""The stages that rooms report while they work, in words."""

NUMERIC = int | float | None


def default_language() -> str:
    """Chinese where the terminal is Chinese, else English; COMMONGROUND_LANG decides before that."""
    given = os.environ.get("COMMONGROUND_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if given.lower().startswith("zh") else "en"


@dataclass
class Speaker:
    """What a command says, and where: results on stdout, everything else on stderr."""

    lang: str = field(default_factory=default_language)
    as_json: bool = False

    def text(self, zh: str, en: str) -> str:
        """Choose the language."""
        return zh if self.lang == "zh" else en

    def note(self, zh: str, en: str) -> None:
        """Say something that is not the result."""
        click.echo(self.text(zh, en), err=True)

    def say(self, zh: str, en: str) -> None:
        """Say a line of the result; silent when JSON was asked."""
        if not self.as_json:
            click.echo(self.text(zh, en))

    def result(self, content: Mapping[str, Any]) -> None:
        """Give the whole result as one JSON object, when asked."""
        if self.as_json:
            click.echo(json.dumps(content, ensure_ascii=False, default=str))

    def table(self, title: Said, columns: Sequence[Said], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table: drawn on a terminal, aligned text elsewhere, nothing when JSON was asked."""
        if self.as_json:
            return
        heads = [c(self.lang) for c in columns]
        cells = [["" if v is None else format_cell(v) for v in row] for row in rows]
        right = [bool(rows) and all(isinstance(r[i], NUMERIC) for r in rows) for i in range(len(heads))]
        if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
            from rich.console import Console
            from rich.table import Table

            drawn = Table(title=title(self.lang), title_justify="left")
            for head, numeric in zip(heads, right, strict=True):
                drawn.add_column(head, justify="right" if numeric else "left")
            for row in cells:
                drawn.add_row(*row)
            Console().print(drawn)
            return
        click.echo(title(self.lang))
        widths = [max([width(h)] + [width(r[i]) for r in cells]) for i, h in enumerate(heads)]
        for line in [heads, *cells]:
            padded = [
                " " * (w - width(c)) + c if numeric else c + " " * (w - width(c))
                for c, w, numeric in zip(line, widths, right, strict=True)
            ]
            click.echo("  ".join(padded).rstrip())

    def would(self, *steps: Said, **content: Any) -> None:
        """Say what a command would do, for ``--dry-run``."""
        for step in steps:
            self.say(step.zh, step.en)
        self.result({"dry_run": True, "steps": [{"zh": s.zh, "en": s.en} for s in steps], **content})

    def progress(self) -> Callable[[str, int, int], None]:
        """Give a function ``(stage, done, total)`` that shows progress on stderr."""
        last = {"stage": ""}
        live = sys.stderr.isatty()

        def show(stage: str, done: int, total: int) -> None:
            words = STAGES[stage](self.lang) if stage in STAGES else stage
            if live:
                end = "\n" if total and done >= total else ""
                click.echo(f"\r\x1b[K{words} {done}/{total}{end}" if total else f"\r\x1b[K{words}", err=True, nl=False)
            elif stage != last["stage"]:
                click.echo(f"{words} …", err=True)
            last["stage"] = stage

        return show


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for a Han character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def format_cell(value: Any) -> str:
    """Write one cell: thousands by comma, three decimals, true minus."""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float):
        return f"{value:,.3f}".replace("-", "−")
    return str(value)


def stop(error: CommonGroundError, speaker: Speaker) -> int:
    """Show a user's error without a traceback and give its exit code."""
    if speaker.as_json:
        click.echo(json.dumps(error.to_dict(), ensure_ascii=False))
    click.echo(error.message(speaker.lang), err=True)
    return error.exit_code
