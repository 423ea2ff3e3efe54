"""Why two records were linked or not: the waterfall of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City


@click.command(short_help="Why two records were linked or not. 两条记录为什么连接。")
@about_city
@click.option(
    "--pair",
    nargs=2,
    required=True,
    metavar="LEFT RIGHT",
    help="Record ids, or DEPARTMENT.DATASET/DELIVERY/FILE[SHEET]#ROW. 记录号或位置。",
)
@spoken
def why(speaker: Speaker, city: City, pair: tuple[str, str]) -> None:
    """Show the weight of a pair field by field (for who may export links; recorded).

    逐项列出一对记录的权重（须有导出连接表的权限，并记入台账）；不显示姓名和号码。
    """
    from commonground import jobs

    found = jobs.explain_pair(city, *pair)
    head, *rows = zip(*(found.waterfall.table(lang) for lang in ("zh", "en")), strict=True)
    at = 0 if speaker.lang == "zh" else 1
    heads = [Said(zh, en) for zh, en in zip(*head, strict=True)]
    title = Said(f"权重明细：记录 {found.left} 与 {found.right}", f"Weights of records {found.left} and {found.right}")
    speaker.table(title, heads, [list(row[at]) for row in rows])
    for said in (found.waterfall.sentence, found.sentence):
        speaker.say(said("zh"), said("en"))
    speaker.result(found.to_dict())
