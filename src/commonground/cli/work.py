"""Commands along the flow of data: intake, link, build, study, publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.city import City

CONSERVATION = {
    "department": Said("部门", "department"),
    "dataset": Said("数据集", "dataset"),
    "delivery": Said("交付", "delivery"),
    "file": Said("文件", "file"),
    "sheet": Said("工作表", "sheet"),
    "status": Said("状态", "status"),
    "rows": Said("行数", "rows"),
    "records": Said("记录", "records"),
    "quarantined": Said("隔离", "quarantined"),
    "non_data": Said("非数据", "non-data"),
}

STATUS = {
    "read": Said("已读入", "read"),
    "repeated": Said("重复交付", "repeated"),
    "replaced": Said("已被更正", "replaced"),
    "return sheet": Said("核对单", "return sheet"),
    "return refused": Said("核对单未收下", "return sheet refused"),
    "empty": Said("空文件", "empty"),
    "ignored": Said("按约定不读", "ignored"),
    "no contract": Said("没有读取约定", "no contract"),
}
"""What became of a delivered file, in words."""


def show_conservation(speaker: Speaker, table: pa.Table, *, every_sheet: bool) -> None:
    """Print the conservation sum, by dataset and delivery or for every sheet of every file."""
    rows: list[list[Any]] = []
    if every_sheet:
        for row in table.select(list(CONSERVATION)).to_pylist():
            words = STATUS.get(row["status"], Said(row["status"], row["status"]))
            rows.append(list({**row, "status": words(speaker.lang)}.values()))
        heads = list(CONSERVATION.values())
    else:
        sums = ["rows", "records", "quarantined", "non_data"]
        by = ["department", "dataset", "delivery"]
        grouped = table.group_by(by, use_threads=False).aggregate(
            [("file", "count_distinct")] + [(s, "sum") for s in sums]
        )
        for row in grouped.sort_by([(b, "ascending") for b in by]).to_pylist():
            rows.append([row[b] for b in by] + [row["file_count_distinct"]] + [row[f"{s}_sum"] for s in sums])
        heads = [CONSERVATION[b] for b in by] + [Said("文件数", "files")] + [CONSERVATION[s] for s in sums]
    speaker.table(
        Said("守恒表：行数 = 记录 + 隔离 + 非数据", "Conservation: rows = records + quarantined + non-data"),
        heads,
        rows,
    )


@click.command(short_help="Read the deliveries, show the conservation table. 读入各部门文件。")
@about_city
@click.option("--every-sheet", is_flag=True, help="A line for every sheet of every file. 逐表列出。")
@dry_run
@spoken
def intake(speaker: Speaker, city: City, every_sheet: bool, dry_run: bool) -> None:
    """Read every delivered file by its contract and account for every row.

    按约定读入每个文件，并核对每一行的去向。
    """
    from commonground import jobs

    if dry_run:
        plan = jobs.plan_build(city)
        speaker.would(Said(**plan["steps"][0]), datasets=plan["datasets"])
        return
    result = jobs.intake(city, progress=speaker.progress())
    summary = result.summary()
    show_conservation(speaker, result.conservation, every_sheet=every_sheet)
    show_quarantine(speaker, summary)
    warn_of_unread(speaker, summary)
    speaker.result({"conservation": result.conservation.to_pylist(), **summary})


def warn_of_unread(speaker: Speaker, summary: dict[str, Any]) -> None:
    """Name the files that were delivered and not read, but for those that a contract says to ignore."""
    files: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for row in summary["set_aside"]:
        if row["status"] not in ("ignored", "return sheet"):
            key = (row["status"], row["department"], row["dataset"])
            files.setdefault(key, set()).add((row["delivery"], row["file"]))
    for (status, department, dataset), found in sorted(files.items()):
        if not dataset:
            where = f"deliveries/{department}".rstrip("/")
            speaker.note(
                f"注意：{where} 下有 {len(found)} 个文件没有放进“部门/数据集/日期”文件夹，没有读。",
                f"Warning: {len(found)} files directly under {where} were not read;"
                " they belong into a folder department/dataset/date.",
            )
        elif status == "no contract":
            place = f"sources/{department}/{dataset}.toml"
            speaker.note(
                f"注意：{department}/{dataset} 有 {len(found)} 个文件没有读：没有读取约定。要读入，请编写 {place}。",
                f"Warning: {department}/{dataset} has no contract; files not read: {len(found)}."
                f" To read them, write {place}.",
            )
        else:
            words = STATUS.get(status, Said(status, status))
            names = sorted("/".join(f) for f in found)[:5]
            speaker.note(
                f"注意：{department}/{dataset} 有 {len(found)} 个文件没有读（{words.zh}）：{'、'.join(names)}",
                f"Warning: {department}/{dataset}: files not read ({words.en}): {len(found)}, {', '.join(names)}",
            )


def show_quarantine(speaker: Speaker, summary: dict[str, Any]) -> None:
    """Print what was set aside and why; counts only, the texts stay in the vault."""
    rows = [
        [r["department"], r["dataset"], r["column"] or "—", r["label"][speaker.lang], r["count"]]
        for r in summary["quarantine"]
    ]
    heads = [
        CONSERVATION["department"],
        CONSERVATION["dataset"],
        Said("列", "column"),
        Said("原因", "reason"),
        Said("数量", "count"),
    ]
    if rows:
        speaker.table(Said("隔离区", "Quarantine"), heads, rows)


def show_links(speaker: Speaker, report: dict[str, Any]) -> None:
    """Print links by source, estimated quality, and the unlinked share by county type."""
    columns = {
        "source": Said("来源", "source"),
        "records": Said("记录", "records"),
        "linked": Said("已连接", "linked"),
        "precision": Said("估计查准率", "estimated precision"),
        "recall": Said("估计查全率", "estimated recall"),
    }
    rows = [[r["label"][speaker.lang], *(r.get(c) for c in list(columns)[1:])] for r in report["by_source"]]
    speaker.table(Said("人员连接", "Links by source"), list(columns.values()), rows)
    by_area = [
        [r["label"][speaker.lang], r["records"], r["unlinked"], r["share"]] for r in report["unlinked_by_county_type"]
    ]
    speaker.table(
        Said("未连接比例，按区县类型", "Share unlinked by county type"),
        [
            Said("区县类型", "county type"),
            Said("记录", "records"),
            Said("未连接", "unlinked"),
            Said("比例", "share"),
        ],
        by_area,
    )
    from commonground.cli.people_history import show_identities

    pairs = report.get("pairs")
    if pairs:
        speaker.say(
            f"分块规则给出 {pairs['counted']:,} 对记录（有重复），学习模型时的比对上限为 {pairs['budget']:,} 对。",
            f"The blocking rules give {pairs['counted']:,} pairs of records (some twice); "
            f"when a model is learnt the pair budget is {pairs['budget']:,}.",
        )
    show_identities(speaker, report.get("identities", {}))


@click.command(short_help="Link the records to persons; export the links. 连接到人，导出连接表。")
@about_city
@click.option("--export", type=click.Path(path_type=Path, dir_okay=False), help="Parquet file to write. 导出文件。")
@click.option("--project", default="", help="Id of an open project: its own pseudonyms. 项目编号，用该项目的假名。")
@dry_run
@spoken
def link(speaker: Speaker, city: City, export: Path | None, project: str, dry_run: bool) -> None:
    """Show the linkage report of the current version, and export its links (authorised role, recorded).

    显示当前版本的连接报告；导出连接表须有权限，并会记入台账。
    """
    from commonground import jobs

    if dry_run:
        first = Said("会先建库。", "Would build the city first.") if city.current is None else None
        shown = Said("显示连接报告。", "Show the linkage report.")
        if export:
            jobs.check_export(city, export, project)
        leaves = Said(f"会把连接表写到 {export}，并记入台账。", f"Would write the links to {export}, and record it.")
        speaker.would(*(s for s in (first, shown, leaves if export else None) if s))
        return
    report = jobs.link(city, export=export, project=project, progress=speaker.progress())
    show_links(speaker, report)
    if export:
        speaker.note(f"连接表已写入 {export}，并记入台账。", f"Links written to {export}, and recorded in the ledger.")
    speaker.result(report)


@click.command(short_help="Intake, linking and variables: a new version. 建库。")
@about_city
@click.option("--force", is_flag=True, help="Build even when nothing changed. 即使没有变化也重建。")
@dry_run
@spoken
def build(speaker: Speaker, city: City, force: bool, dry_run: bool) -> None:
    """Build a new version of the city's database, all or nothing.

    建立新版本；要么完整，要么不动原来的版本。
    """
    from commonground import jobs

    if dry_run:
        plan = jobs.plan_build(city)
        steps = [Said(**step) for step in plan.pop("steps")]
        speaker.would(*steps, **plan)
        return
    result = jobs.build(city, force=force, progress=speaker.progress())
    show_conservation(speaker, result.conservation, every_sheet=False)
    warn_of_unread(speaker, result.intake)
    show_links(speaker, result.links)
    if result.changed:
        speaker.say(f"已建成第 {result.version.number} 版。", f"Version {result.version.number} is built.")
    else:
        number = result.version.number
        speaker.say(f"没有变化，仍为第 {number} 版。", f"Nothing changed; version {number} stands.")
    speaker.result(result.to_dict())


@click.command(short_help="Run a study on the current version. 做研究。")
@about_city
@click.argument("spec", default="achievement")
@dry_run
@spoken
def study(speaker: Speaker, city: City, spec: str, dry_run: bool) -> None:
    """Study what goes with results: gaps, school effects, school factors, with uncertainty.

    研究群体差距、学校作用与学校因素，并给出不确定性。
    """
    from commonground import jobs

    if dry_run:
        plan = jobs.plan_study(city, spec)
        speaker.would(*(Said(**step) for step in plan["steps"]))
        return
    findings = jobs.study(city, spec, progress=speaker.progress())
    for line in findings.sentences(speaker.lang):
        speaker.say(line, line)
    speaker.result(findings.to_dict())


@click.command(short_help="Release the findings through the gate. 经出口审查发布。")
@about_city
@dry_run
@spoken
def publish(speaker: Speaker, city: City, dry_run: bool) -> None:
    """Pass the findings through the disclosure gate and make the site and the report.

    研究结果经出口审查后，生成网站与报告。
    """
    from commonground import jobs

    release = jobs.publish(city, dry_run=dry_run, progress=speaker.progress())
    speaker.say(
        f"发布编号 {release.id}，指纹 {release.fingerprint[:12]}",
        f"Release {release.id}, fingerprint {release.fingerprint[:12]}",
    )
    if dry_run:
        speaker.say(
            f"没有写入任何文件；发布时会写到 {release.path}", f"Nothing was written; it would be in {release.path}"
        )
    else:
        speaker.say(f"位置：{release.path}", f"It is in {release.path}")
    content = {"id": release.id, "fingerprint": release.fingerprint, "path": str(release.path)}
    speaker.result({"dry_run": True, **content} if dry_run else content)
