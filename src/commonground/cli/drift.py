"""Commands about a new delivery: how it differs from the last one, and what that asks of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City
    from commonground.intake.drift import Drift

_HEADS = [
    Said("变化", "change"),
    Said("原来", "was"),
    Said("现在", "now"),
    Said("把握", "sure to"),
    Said("依据", "evidence"),
    Said("请决定", "to decide"),
]


@click.command(short_help="How the last delivery differs, and a proposal. 交付的变化与建议。")
@about_city
@click.argument("dataset", required=False)
@click.option("--delivery", metavar="DATE", help="The delivery to look at, not the last. 指定交付。")
@click.option("--apply", "apply_", is_flag=True, help="Write the sure changes into the contract. 采用有把握的改动。")
@spoken
def drift(speaker: Speaker, city: City, dataset: str | None, delivery: str | None, apply_: bool) -> None:
    """Compare the last delivery with the one before and with the contract; propose what would take it in.

    把最近一次交付与上一次、与读取约定比较，写出建议稿。只有加 --apply 才改读取约定，且只改有把握的部分。
    """
    from commonground import jobs

    found = jobs.drift(city, dataset, delivery=delivery, apply=apply_)
    for one in found:
        _show(speaker, one["drift"])
        if one["difference"]:
            speaker.say(one["difference"], one["difference"])
        if one["proposal"]:
            speaker.say(f"  建议稿：{one['proposal']}", f"  Proposal: {one['proposal']}")
        for f in one["applied"]:
            speaker.say(f"  已采用：{f.was} → {f.now}", f"  Applied: {f.was} → {f.now}")
    plain = [
        {**one["drift"].to_dict(), "proposal": one["proposal"], "applied": [f.to_dict() for f in one["applied"]]}
        for one in found
    ]
    speaker.result({"drift": plain})


def _show(speaker: Speaker, drift: Drift) -> None:
    """Print the differences of one dataset's delivery."""
    from commonground.intake.drift import KINDS

    before = drift.old or speaker.text("（首次）", "(the first)")
    title = Said(
        f"{drift.dataset}：{before} → {drift.new}，相符 {drift.fits} 列，对照同一批人 {drift.linked} 行",
        f"{drift.dataset}: {before} → {drift.new}, {drift.fits} columns as before,"
        f" {drift.linked} rows of the same persons",
    )
    if not drift.old and not drift.findings:
        speaker.say(
            f"{drift.dataset}：{drift.new} 是第一次交付，没有可比较的。",
            f"{drift.dataset}: {drift.new} is the first delivery, there is nothing to compare it with.",
        )
        return
    if not drift.findings:
        speaker.say(title.zh + "，没有变化。", title.en + ", no change.")
        return
    rows = [
        [
            KINDS[f.kind](speaker.lang),
            f.was,
            f.now + (f" ({len(f.files)})" if f.files else ""),
            f"{f.confidence:.2f}",
            f.evidence(speaker.lang),
            f.decide(speaker.lang),
        ]
        for f in drift.findings
    ]
    speaker.table(title, _HEADS, rows)
