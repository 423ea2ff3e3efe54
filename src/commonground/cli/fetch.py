"""The command ``fetch``: tables of departments' databases as deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City
    from commonground.cli.show import Speaker


@click.command(short_help="Fetch tables of departments' databases. 从部门数据库取数。")
@about_city
@click.argument("dataset", required=False)
@dry_run
@spoken
def fetch(speaker: Speaker, city: City, dataset: str | None, dry_run: bool) -> None:
    """Fetch the tables that contracts name under [database], in one read-only snapshot, as deliveries.

    按约定 [database] 从部门的 PostgreSQL、MySQL 或 MariaDB 只读取数，存成一次交付。内容没有变化时不重复交付。DATASET
    写作 部门.数据集，不写则取全部。

    DATASET is department.dataset; without it all are fetched. A table that did not change makes no second delivery.
    """
    from commonground import jobs

    if dry_run:
        plan = jobs.plan_fetch(city, dataset)
        names = [contract.name for contract in plan]
        steps = [Said(f"取数：{name}", f"Fetch {name}") for name in names]
        speaker.would(*steps, datasets=names)
        return
    done = jobs.fetch(city, dataset, progress=speaker.progress())
    words = {True: Said("新的交付", "new delivery"), False: Said("没有变化", "unchanged")}
    speaker.table(
        Said("从数据库取数", "Fetched from databases"),
        [Said("数据集", "dataset"), Said("行数", "rows"), Said("结果", "result"), Said("文件", "file")],
        [[one.dataset, one.rows, words[one.changed](speaker.lang), str(one.path)] for one in done],
    )
    speaker.result({"fetched": [one.to_dict() for one in done]})
