"""Commands about return sheets: make, show, take, close."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City

_DATASET = click.option("--dataset", default="", help="DEPARTMENT.DATASET alone. 只限一个数据集。")
_HEADS = {
    "department": Said("部门", "department"),
    "dataset": Said("数据集", "dataset"),
    "delivery": Said("交付", "delivery"),
}


@click.group(short_help="Return sheets: what departments are asked to correct. 退回核对单。")
@click.help_option("-h", "--help", help="Show this and exit. 显示本说明。")
def returns() -> None:
    """What goes back to the departments to be corrected, and what comes back.

    退回各部门核对更正的问题：编制核对单、查看进度、收回更正、销号。
    """


@returns.command(short_help="Write the sheets. 编制核对单。")
@about_city
@_DATASET
@click.option("--delivery", default="", help="This delivery alone. 只限一次交付。")
@click.option(
    "--destroy-by",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day on which the sheets may be kept. 销毁期限。",
)
@dry_run
@spoken
def make(
    speaker: Speaker, city: City, dataset: str, delivery: str, destroy_by: dt.datetime | None, dry_run: bool
) -> None:
    """Write a workbook for each delivery with open items, to be handed to its department.

    为每次有问题的交付编制一份核对单（内部资料），并记入台账。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(
            Said("会读入各部门文件，编制核对单，记入台账。", "Would read the deliveries, write the sheets, record it.")
        )
        return
    day = destroy_by.date() if destroy_by else None
    made = jobs.make_returns(city, dataset=dataset, delivery=delivery, destroy_by=day, progress=speaker.progress())
    heads = [*_HEADS.values(), Said("核对单号", "sheet"), Said("项数", "items"), Said("销毁期限", "destroy by")]
    rows = [[m.department, m.dataset, m.delivery, m.identity, m.items, str(m.destroy_by)] for m in made]
    if rows:
        speaker.table(Said("退回核对单", "Return sheets"), heads, rows)
        folder = made[0].path.parents[2]
        speaker.say(
            f"位置：{folder}（含个人信息，只交给该部门）",
            f"They are in {folder} (personal data: for that department alone)",
        )
    else:
        speaker.say("没有需要退回核对的问题。", "There is nothing to be returned.")
    speaker.result({"sheets": [m.to_dict() for m in made]})


@returns.command(short_help="Where the items stand. 查看进度。")
@about_city
@_DATASET
@click.option("--items", is_flag=True, help="Every unsettled item. 逐项列出未办结的。")
@spoken
def show(speaker: Speaker, city: City, dataset: str, items: bool) -> None:
    """Show items by delivery, state and age; places only, never a text.

    按交付显示各项的状态和时间；只有位置，没有内容。
    """
    from commonground import jobs
    from commonground.intake.returns.model import STATES

    told = jobs.show_returns(city, progress=speaker.progress())
    if dataset:
        for part in ("deliveries", "items", "rates"):
            told[part] = [row for row in told[part] if f"{row['department']}.{row['dataset']}" == dataset]
    heads = [*_HEADS.values(), *STATES.values(), Said("最久（天）", "oldest (days)")]
    rows = [[row[key] for key in (*_HEADS, *STATES, "oldest")] for row in told["deliveries"]]
    speaker.table(Said("退回核对事项", "Items returned to the departments"), heads, rows)
    if items:
        heads = [Said("数据集", "dataset"), Said("编号", "no."), Said("文件", "file"), Said("行号", "row")]
        heads += [Said("列名", "column"), Said("问题", "problem"), Said("行数", "rows"), Said("状态", "state")]
        heads += [Said("天数", "days")]
        open_ones = [row for row in told["items"] if row["state"] in ("open", "sent")]
        rows = [
            [
                f"{row['department']}.{row['dataset']}",
                f"{row['number']:05d}",
                " ".join(filter(None, (row["file"], row["sheet"]))),
                "、".join(map(str, row["rows"])),
                row["column"] or "—",
                row["problem"][speaker.lang],
                row["count"],
                STATES[row["state"]](speaker.lang),
                row["days"],
            ]
            for row in open_ones
        ]
        speaker.table(Said("未办结", "Unsettled"), heads, rows)
    speaker.result(told)


@returns.command(short_help="Take a filled-in sheet. 收回核对单。")
@about_city
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dataset", default="", help="Refuse a sheet of another DEPARTMENT.DATASET. 核对是否属于该数据集。")
@spoken
def take(speaker: Speaker, city: City, file: Path, dataset: str) -> None:
    """Take a return sheet that came back: check it, apply what is right, say what is not.

    收回填好的核对单：逐项校验，正确的生效，不正确的说明原因、继续待办。
    """
    from commonground import jobs
    from commonground.intake.returns.take import refusal

    done = jobs.take_return(city, file, dataset=dataset, progress=speaker.progress())
    words = {
        "corrected": Said("已更正", "corrected"),
        "no_value": Said("确认无值", "no value"),
        "accepted": Said("确认属实", "right as delivered"),
        "new_file": Said("另交文件", "new file promised"),
        "settled": Said("早已办结", "settled before"),
        "refused": Said("未收下", "refused"),
    }
    counts = done.counts()
    subject = f"{done.department}/{done.dataset}/{done.delivery}"
    speaker.table(
        Said(f"核对单 {done.identity}（{subject}）", f"Return sheet {done.identity} ({subject})"),
        [Said("结果", "outcome"), Said("项数", "items")],
        [[said(speaker.lang), counts[key]] for key, said in words.items()],
    )
    if done.refused:
        rows = [[f"{number:05d}", refusal(why)(speaker.lang)] for number, why in sorted(done.refused.items())]
        speaker.table(Said("未收下的", "Refused"), [Said("编号", "no."), Said("原因", "reason")], rows)
    if done.before:
        speaker.note("这份核对单以前已经收过，没有重复处理。", "This sheet was taken before; nothing was done again.")
    refused = [{"number": number, "reason": why} for number, why in sorted(done.refused.items())]
    speaker.result({"sheet": done.identity, "subject": subject, **counts, "refusals": refused, "before": done.before})


@returns.command(short_help="Settle items by hand. 人工销号。")
@about_city
@click.argument("dataset")
@click.argument("numbers", nargs=-1, type=int, required=True)
@click.option("--reason", required=True, help="Why. 原因。")
@click.option("--as-is", is_flag=True, help="The department says they are right as delivered. 部门确认属实。")
@dry_run
@spoken
def close(
    speaker: Speaker, city: City, dataset: str, numbers: tuple[int, ...], reason: str, as_is: bool, dry_run: bool
) -> None:
    """Settle items of DEPARTMENT.DATASET by their numbers, with a reason.

    按编号办结，须写明原因；原因留在保险库，台账只记编号。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(
            Said(f"会办结 {dataset} 的 {len(numbers)} 项。", f"Would settle {len(numbers)} items of {dataset}.")
        )
        return
    settled = jobs.close_returns(city, dataset, numbers, reason, accept=as_is)
    speaker.say(f"{dataset}：办结 {len(settled)} 项。", f"{dataset}: {len(settled)} items settled.")
    speaker.result({"dataset": dataset, "numbers": [item.number for item in settled]})
