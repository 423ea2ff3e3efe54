"""The command that forgets a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City


@click.command(short_help="Forget a delivery for good and build without it. 彻底删除一次交付。")
@about_city
@click.argument("delivery")
@click.option("--reason", required=True, help="Why; stands in the ledger, without names. 原因，记入台账，勿写姓名。")
@dry_run
@spoken
def forget(speaker: Speaker, city: City, delivery: str, reason: str, dry_run: bool) -> None:
    """Destroy the key of DELIVERY (department/dataset/delivery), build anew, purge the versions that held it.

    销毁一次交付（部门/数据集/交付）的密钥，重新建库，并清除含有它的各版本。不能撤销。
    """
    from commonground import jobs

    if dry_run:
        plan = jobs.plan_forget(city, delivery)
        numbers = "、".join(map(str, plan.versions)) or "—"
        speaker.would(
            Said(f"会销毁 {plan.delivery} 的密钥。", f"Would destroy the key of {plan.delivery}."),
            Said("会重新建库。", "Would build anew."),
            Said(f"会清除版本：{numbers}", f"Would purge the versions: {numbers}"),
        )
        return
    done = jobs.forget(city, delivery, reason=reason, progress=speaker.progress())
    speaker.say(
        f"已销毁 {done.delivery} 的密钥，清除 {len(done.versions)} 个版本；现为第 {done.version} 版。",
        f"The key of {done.delivery} is destroyed, versions purged: {len(done.versions)}; now version {done.version}.",
    )
    speaker.result(done.to_dict())
