"""Commands about definitions: list, show, test, count, compare, explain, adopt, values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonground.cli.change import VALUES
from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import DefinitionError, Said

if TYPE_CHECKING:
    from commonground.city import City

day = click.option(
    "--date", "date", type=click.DateTime(["%Y-%m-%d"]), help="Reference date; default: the city's. 参考日期。"
)


@click.group(short_help="Definitions: list, show, test, count, compare, explain, adopt, values. 定义。")
@click.help_option("-h", "--help", help="Show this and exit. 显示本说明。")
def define() -> None:
    """Look at dated definitions, and at what changes when one is replaced by another.

    查看有日期、有出处的定义，以及换一种定义会改变什么。
    """


@define.command("list", short_help="List the definitions and their versions. 列出定义及其版本。")
@about_city
@spoken
def list_(speaker: Speaker, city: City) -> None:
    """List the definitions and their versions. 列出定义及其版本。"""
    from commonground import jobs
    from commonground.variables import load_pack
    from commonground.variables.explain import STATUS

    since = {v: a.on.isoformat() for v, a in jobs.load_adopted(city).items()}
    found = [(d, v) for d in load_pack(city).values() for v in d.versions]
    heads = [
        Said("编号", "id"),
        Said("名称", "title"),
        Said("版本", "version"),
        Said("状态", "status"),
        Said("本市采用", "adopted here"),
        Said("指纹", "hash"),
    ]
    rows = [
        [d.id, d.title(speaker.lang), v.id, STATUS[v.status](speaker.lang), since.get(v.id), v.hash] for d, v in found
    ]
    speaker.table(Said("定义", "Definitions"), heads, rows)
    listed = [
        {
            "id": d.id,
            "title": d.title(speaker.lang),
            "version": v.id,
            "status": v.status,
            "hash": v.hash,
            "adopted": since.get(v.id),
        }
        for d, v in found
    ]
    speaker.result({"definitions": listed})


@define.command(short_help="Show one definition: inputs, versions, sources. 显示一个定义。")
@about_city
@click.argument("definition")
@spoken
def show(speaker: Speaker, city: City, definition: str) -> None:
    """Show one definition: inputs, versions, sources. 显示一个定义。"""
    from commonground.variables import get_definition

    found = get_definition(city, definition)
    speaker.say(found.describe("zh"), found.describe("en"))
    speaker.result(found.to_dict())


@define.command(short_help="Run the tests inside the definitions. 运行定义文件中的检验。")
@about_city
@click.argument("definition", required=False)
@spoken
def test(speaker: Speaker, city: City, definition: str | None) -> None:
    """Run the tests inside the definitions. 运行定义文件中的检验。"""
    from commonground.variables import run_tests

    report = run_tests(city, definition)
    speaker.say(
        f"检验 {report.attempted} 项，未通过 {report.failed} 项。",
        f"{report.attempted} attempted, {report.failed} failed.",
    )
    for line in report.failures:
        speaker.note(line, line)
    speaker.result({"attempted": report.attempted, "failed": report.failed, "failures": list(report.failures)})
    if report.failed or not report.attempted:
        raise click.exceptions.Exit(DefinitionError.exit_code)


@define.command(short_help="Adopt a corrected version. 采用订正过的版本。")
@about_city
@click.argument("version")
@click.option("--reason", required=True, help="Why it was corrected; kept in the ledger. 订正原因，记入台账。")
@dry_run
@spoken
def adopt(speaker: Speaker, city: City, version: str, reason: str, dry_run: bool) -> None:
    """Adopt a version in use whose content was corrected; without this a build refuses it.

    采用内容经过订正的版本；不经采用，建库会拒绝。改变规则请另写新版本。
    """
    from commonground import jobs
    from commonground.variables import get_definition

    if dry_run:
        mark = get_definition(city, version).version(version).hash
        speaker.would(
            Said(f"会采用 {version}（{mark}），并记入台账。", f"Would adopt {version} ({mark}), and record it.")
        )
        return
    found = jobs.adopt(city, version, reason)
    speaker.note(f"已采用 {found.version}（{found.hash}）。", f"{found.version} is adopted ({found.hash}).")
    speaker.result({"version": found.version, "hash": found.hash, "on": found.on.isoformat(), "reason": found.reason})


@define.command(short_help="Count persons by value under every version. 按版本统计人数。")
@about_city
@click.argument("definition")
@day
@spoken
def count(speaker: Speaker, city: City, definition: str, date: dt.datetime | None) -> None:
    """Count persons by value under every version. 按版本统计人数。"""
    from commonground import jobs
    from commonground.variables import get_definition

    rows = jobs.count_values(city, definition, date.date() if date else None)
    columns = [Said("版本", "version"), Said("取值", "value"), Said("人数", "persons")]
    words = VALUES | dict(get_definition(city, definition).categories)
    shown = [[r["version"], words.get(r["value"], Said(r["value"], r["value"]))(speaker.lang), r["n"]] for r in rows]
    speaker.table(Said(definition, definition), columns, shown)
    if any(r["n"] is None for r in rows):
        least = city.policy.cell_threshold
        speaker.say(f"空白：少于 {least} 人，不显示。", f"Blank: fewer than {least}, not shown.")
    speaker.result({"definition": definition, "counts": rows})


@define.command(short_help="Report what another version changes. 换一个版本会改变什么。")
@about_city
@click.argument("definition")
@click.argument("old")
@click.argument("new")
@day
@click.option(
    "--trend",
    "trend",
    type=click.DateTime(["%Y-%m-%d"]),
    multiple=True,
    help="Day of the trend; again for more. Default: the same day of five years. 趋势的日期，可重复。",
)
@spoken
def compare(
    speaker: Speaker,
    city: City,
    definition: str,
    old: str,
    new: str,
    date: dt.datetime | None,
    trend: tuple[dt.datetime, ...],
) -> None:
    """Compare two versions on the same persons: who moves, by which criterion and group, over time, and what follows.

    在同一批人身上比较两个版本：谁的归类变了、因为哪个条件、在哪些群体、历年如何、哪些结果会跟着变。
    """
    from commonground import jobs
    from commonground.cli.change import show_change

    days = [d.date() for d in trend]
    found = jobs.change(city, definition, old, new, date.date() if date else None, days)
    show_change(speaker, city, found)
    speaker.result(found.to_dict())


@define.command(short_help="Explain one person's value. 说明一个人取值的依据。")
@about_city
@click.argument("definition")
@click.option("--person", required=True, help="Pseudonym in the current database. 当前数据库中的假名。")
@click.option("--version", "version", help="Version; default: the definition's. 版本。")
@day
@spoken
def explain(
    speaker: Speaker, city: City, definition: str, person: str, version: str | None, date: dt.datetime | None
) -> None:
    """Explain one pseudonym's value (authorised role, recorded). 逐条说明一个假名的取值，须有权限，记入台账。"""
    from commonground import jobs

    found = jobs.explain_person(city, definition, person, version, date.date() if date else None)
    speaker.say(found.text("zh"), found.text("en"))
    speaker.result(found.to_dict())


@define.command(short_help="Export values by row for checking. 按行导出取值供核对。")
@about_city
@click.option("--definition", required=True, help="Definition or version id. 定义或版本编号。")
@click.option(
    "--export", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Parquet file. 导出文件。"
)
@dry_run
@spoken
def values(speaker: Speaker, city: City, definition: str, export: Path, dry_run: bool) -> None:
    """Export values by row for checking (authorised role, recorded). 按行导出取值供核对，须有权限并记入台账。"""
    from commonground import jobs

    if dry_run:
        from commonground.variables import get_definition

        if definition != "all":
            get_definition(city, definition)
        number = city.require_current().number
        speaker.would(
            Said(
                f"会把第 {number} 版中 {definition} 的取值写到 {export}，并记入台账。",
                f"Would write the values of {definition} in version {number} to {export}, and record it in the ledger.",
            )
        )
        return
    rows = jobs.export_values(city, definition, export)
    speaker.note(f"已写入 {rows} 行到 {export}。", f"{rows} rows written to {export}.")
    speaker.result({"rows": rows, "file": str(export)})
