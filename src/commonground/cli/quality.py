"""Commands about the quality of deliveries: quality."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import about_city, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City
    from commonground.intake.checks import Judged

_HEADS = [
    Said("结论", "verdict"),
    Said("类别", "category"),
    Said("检查", "check"),
    Said("内容", "what is counted"),
    Said("条数", "count"),
    Said("总数", "of"),
    Said("本次", "now"),
    Said("上次", "before"),
]


@click.command(short_help="Quality checks of the deliveries, by dataset. 数据质量检查。")
@about_city
@click.argument("dataset", required=False)
@click.option("--all", "every", is_flag=True, help="Passed checks too. 通过的也列出。")
@click.option("--trend", is_flag=True, help="Every delivery of each check. 列出历次交付。")
@click.option("--strict", is_flag=True, help="End with 12 when a check fails. 有不通过时以 12 结束。")
@spoken
def quality(speaker: Speaker, city: City, dataset: str | None, every: bool, trend: bool, strict: bool) -> None:
    """Judge what was counted at the last intake or build by the limits of today; nothing is read again.

    按现行限值评判最近一次读入或建库时的计数，不重新读取文件。DATASET 写作“部门.数据集”。
    """
    from commonground import jobs

    found = jobs.judge(city, dataset)
    run = jobs.judged_run(city)
    _overview(speaker, found, run)
    for name in dict.fromkeys(j.dataset for j in found):
        _details(speaker, name, [j for j in found if j.dataset == name], every=every, trend=trend)
    speaker.result({"run": {"zh": run.zh, "en": run.en}, "checks": [j.to_dict() for j in found]})
    if strict and any(j.last.verdict == "fail" for j in found):
        raise click.exceptions.Exit(12)


def _overview(speaker: Speaker, found: list[Judged], run: Said) -> None:
    """Print how many checks of each dataset have which verdict."""
    from commonground.intake.checks import VERDICTS

    counted: dict[str, Counter[str]] = {}
    for j in found:
        counted.setdefault(j.dataset, Counter())[j.last.verdict] += 1
    rows: list[list[Any]] = [[name, *(c[v] for v in VERDICTS), c.total()] for name, c in counted.items()]
    rows.append([speaker.text("合计", "total"), *(sum(column) for column in zip(*(r[1:] for r in rows), strict=True))])
    heads = [Said("数据集", "dataset"), *VERDICTS.values(), Said("检查项", "checks")]
    title = Said(f"最近一次交付的质量检查：{run.zh}", f"Quality checks of the last delivery: {run.en}")
    speaker.table(title, heads, rows)


def _details(speaker: Speaker, name: str, found: list[Judged], *, every: bool, trend: bool) -> None:
    """Print the checks of a dataset that somebody should look at, or all, and what to do about them."""
    from commonground.intake.checks import CATEGORIES, VERDICTS

    shown = [j for j in found if every or j.last.verdict in ("warn", "fail")]
    if not shown:
        return
    rows: list[list[Any]] = []
    for j in shown:
        days = j.check.type.measure == "days"
        for k, point in enumerate(reversed(j.trend if trend else j.trend[-1:])):
            before = j.trend[-2 - k].value if len(j.trend) > k + 1 else None
            rows.append(
                [
                    VERDICTS[point.verdict](speaker.lang),
                    CATEGORIES[j.check.type.category](speaker.lang),
                    j.check.id,
                    j.check.said(speaker.lang) + (f" · {point.delivery}" if trend else ""),
                    *(("—", "—") if days else (point.numerator, point.denominator)),
                    measured(j, point.value, speaker.lang),
                    measured(j, before, speaker.lang),
                ]
            )
    last = shown[0].last.delivery
    speaker.table(Said(f"{name}，{last} 交付", f"{name}, delivery {last}"), _HEADS, rows)
    for j in shown:
        if j.last.verdict in ("warn", "fail") and j.files and j.files[0][1] < j.last.numerator:  # not all in one file
            worst = [f"{file} {n:,}/{d:,}" for file, n, d in j.files[:2]]
            speaker.say(f"  最多｜{j.check.id}：{'，'.join(worst)}", f"  Most in | {j.check.id}: {', '.join(worst)}")
    for text in dict.fromkeys(
        f"{j.check.type.title(speaker.lang)}{'：' if speaker.lang == 'zh' else ': '}{j.check.todo(speaker.lang)}"
        for j in shown
        if j.last.verdict in ("warn", "fail")
    ):
        speaker.say(f"  办法｜{text}", f"  What to do | {text}")


def measured(judged: Judged, value: float | None, lang: str) -> str:
    """Write a measured value: a share as per cent, an index as it is, days as days."""
    if value is None:
        return "—"
    measure = judged.check.type.measure
    if measure == "days":
        return f"{value:.0f} {'天' if lang == 'zh' else 'days'}"
    return f"PSI {value:.3f}" if measure == "psi" else f"{100 * value:.2f}%"
