"""Commands about link review: open, list, sheet, take, settle, estimate, close."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(short_help="People decide a sample of links. 连接的人工复核。")
@click.help_option("-h", "--help", help="Show this and exit. 显示本说明。")
def review() -> None:
    """Rounds in which two reviewers, and a third, decide a random sample of candidate links.

    人工复核：随机抽取候选记录对，两人独立判断，分歧由第三人裁定。
    """


@review.command("open", short_help="Open a round. 开一批复核。")
@about_city
@click.option("--reviewers", required=True, help="Two accounts, FIRST,SECOND. 两位复核员的账号，用逗号隔开。")
@click.option("--third", required=True, help="Account that decides where they differ. 裁定人的账号。")
@click.option("--purpose", required=True, help="What it is for. 用途。")
@click.option("--pairs", type=int, default=200, show_default=True, help="Pairs to look at. 抽取对数。")
@click.option("--until", type=_DAY, help="Last day (default: 30 days on). 期限，默认 30 天。")
@click.option(
    "--source",
    type=click.Choice(["pairs", "conflicts"]),
    default="pairs",
    show_default=True,
    help="All candidates, or the list of conflicts. 全部候选，或冲突清单。",
)
@click.option("--by", default="", help="Groups of the sample, such as county_type or source. 按什么分组抽样。")
@click.option("--seed", type=int, help="Seed of the draw (default: at random, recorded). 抽样种子。")
@dry_run
@spoken
def open_(
    speaker: Speaker,
    city: City,
    reviewers: str,
    third: str,
    purpose: str,
    pairs: int,
    until: dt.datetime | None,
    source: str,
    by: str,
    seed: int | None,
    dry_run: bool,
) -> None:
    """Draw a stratified sample of candidate pairs for named reviewers, a purpose and a time; recorded.

    分层随机抽取候选记录对，指定复核员、用途和期限，并记入台账。
    """
    from commonground import jobs
    from commonground.people.review.opening import Asked

    named = [name.strip() for name in reviewers.split(",") if name.strip()]
    if len(named) != 2:
        raise click.BadParameter("two accounts, FIRST,SECOND", param_hint="--reviewers")
    day = until.date() if until else None
    asked = Asked((named[0], named[1], third), purpose, pairs, day, source, by, seed)
    if dry_run:
        plan = jobs.plan_review(city, asked)
        zh = (
            f"会从 {plan['population']:,} 对候选中分 {plan['strata']} 层抽取 {plan['pairs']} 对，期限 {plan['until']}。"
        )
        en = (
            f"Would draw {plan['pairs']} of {plan['population']:,} candidate pairs in {plan['strata']} strata, "
            f"to be seen until {plan['until']}."
        )
        speaker.would(Said(zh, en), **plan)
        return
    made = jobs.open_review(city, asked, progress=speaker.progress())
    speaker.say(
        f"复核批次 {made['round']}：{made['pairs']} 对，期限 {made['until']}。复核员登录工作台，或用 sheet 发复核单。",
        f"Round {made['round']}: {made['pairs']} pairs, until {made['until']}. Reviewers sign in to the desk, "
        "or get a sheet.",
    )
    speaker.result(made)


@review.command("list", short_help="Where the rounds stand. 查看各批次进度。")
@about_city
@spoken
def list_(speaker: Speaker, city: City) -> None:
    """Show every round with counts of what is decided; no pair.

    显示各批次及已判断的对数，不显示任何记录。
    """
    from commonground import jobs

    found = jobs.list_reviews(city)
    heads = [
        Said("批次", "round"),
        Said("用途", "purpose"),
        Said("版本", "version"),
        Said("期限", "until"),
        Said("对数", "pairs"),
        Said("第一人", "first"),
        Said("第二人", "second"),
        Said("分歧", "disputed"),
        Said("已裁定", "by third"),
        Said("已有结论", "finished"),
        Said("结束", "closed"),
    ]
    rows = [
        [
            r["round"], r["purpose"], r["version"], r["until"], r["pairs"], r["decided"]["first"],
            r["decided"]["second"], r["disputed"], r["settled_by_third"], r["finished"], r["closed"] or "—",
        ]
        for r in found
    ]  # fmt: skip
    speaker.table(Said("连接复核批次", "Rounds of link review"), heads, rows)
    speaker.result({"rounds": found})


@review.command(short_help="Write a reviewer's sheet. 编制复核单。")
@about_city
@click.argument("round_", metavar="ROUND")
@click.option("--reviewer", required=True, help="Account of the reviewer. 复核员的账号。")
@dry_run
@spoken
def sheet(speaker: Speaker, city: City, round_: str, reviewer: str, dry_run: bool) -> None:
    """Write the workbook of one reviewer of ROUND, for work without the desk; recorded.

    为一位复核员编制复核单（内部资料），并记入台账。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(
            Said(f"会为 {reviewer} 编制复核单，记入台账。", f"Would write a sheet for {reviewer}, and record it.")
        )
        return
    made = jobs.review_sheet(city, round_, reviewer)
    speaker.say(
        f"复核单 {made.identity}：{made.pairs} 对，{made.destroy_by} 前交回并销毁。\n"
        f"位置：{made.path}（含个人信息，只交给本人）",
        f"Sheet {made.identity}: {made.pairs} pairs, back and destroyed by {made.destroy_by}.\n"
        f"It is in {made.path} (personal data: for this reviewer alone)",
    )
    speaker.result(made.to_dict())


@review.command(short_help="Take a filled-in sheet. 收回复核单。")
@about_city
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@spoken
def take(speaker: Speaker, city: City, file: Path) -> None:
    """Take a reviewer's sheet back: hold it against what was sent, take its decisions once.

    收回填好的复核单：与发出的逐格核对，判断只收一次。
    """
    from commonground import jobs

    done = jobs.take_review(city, file)
    speaker.table(
        Said(f"复核单 {done.identity}（批次 {done.round}）", f"Sheet {done.identity} (round {done.round})"),
        [Said("结果", "outcome"), Said("对数", "pairs")],
        [
            [Said("收下的判断", "decisions taken")(speaker.lang), done.decided],
            [Said("此前已判断", "decided before")(speaker.lang), done.before],
            [Said("未填", "blank")(speaker.lang), done.blank],
            [Said("看不懂", "not understood")(speaker.lang), len(done.unclear)],
        ],
    )
    if done.unclear:
        numbers = ", ".join(map(str, done.unclear[:20]))
        speaker.note(f"看不懂的编号：{numbers}；请从列表中选择。", f"Not understood: {numbers}; choose from the list.")
    speaker.result(done.to_dict())


@review.command(short_help="Make the decisions count. 复核结果生效。")
@about_city
@click.argument("round_", metavar="ROUND")
@dry_run
@spoken
def settle(speaker: Speaker, city: City, round_: str, dry_run: bool) -> None:
    """Make every decided pair of ROUND hold, as one person or two, from the next build on; can be undone.

    把有结论的记录对定为“同一人”或“不同人”，下次建库起生效；可以撤销。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(
            Said(
                f"会为批次 {round_} 中有结论的记录对作出连接裁定，记入台账。",
                f"Would make decisions about links of the decided pairs of {round_}, and record them.",
            )
        )
        return
    done = jobs.settle_review(city, round_)
    words = {
        "same": Said("定为同一人", "one person"),
        "different": Said("定为不同人", "two persons"),
        "before": Said("此前已生效", "made before"),
        "gone": Said("记录已不在", "record is gone"),
        "undecided": Said("没有结论", "undecided"),
        "refused": Said("未能采用（原因见下）", "refused (see below)"),
    }
    counts = done.counts()
    speaker.table(
        Said(f"批次 {done.round}", f"Round {done.round}"),
        [Said("结果", "outcome"), Said("对数", "pairs")],
        [[said(speaker.lang), counts[key]] for key, said in words.items()],
    )
    for code, error in done.refused:
        speaker.note(f"{code}：{error.message('zh')}", f"{code}: {error.message('en')}")
    refused = [{"pair": code, **error.to_dict()} for code, error in done.refused]
    speaker.result({"round": done.round, **counts, "refusals": refused})


@review.command(short_help="What a round says of the links. 由复核推算质量。")
@about_city
@click.argument("round_", metavar="ROUND")
@click.option("--target", type=float, default=0.998, show_default=True, help="Precision asked for. 要求的查准率。")
@click.option("--adopt", is_flag=True, help="Adopt the proposed threshold (recorded). 采用建议的门槛。")
@dry_run
@spoken
def estimate(speaker: Speaker, city: City, round_: str, target: float, adopt: bool, dry_run: bool) -> None:
    """Say precision and recall of the links with intervals, by group, and which threshold is proposed.

    由复核结果推算查准率、查全率及区间，分组列出，并提出连接门槛建议。
    """
    from commonground import jobs

    told = jobs.estimate_review(city, round_, target=target, adopt=adopt and not dry_run)
    show_estimate(speaker, told["estimate"])
    show_proposal(speaker, told["proposal"])
    if adopt and not dry_run:
        speaker.say(
            f"已采用门槛 {told['adopted']}，下次建库起生效。",
            f"Threshold {told['adopted']} is adopted; it holds from the next build on.",
        )
    speaker.result({"dry_run": True, **told} if dry_run else told)


def _percent(share: dict[str, Any] | None) -> list[str]:
    """Share with its interval as three cells."""
    if share is None:
        return ["—", "—"]
    return [f"{100 * share['value']:.2f}%", f"{100 * share['low']:.2f}–{100 * share['high']:.2f}%"]


def show_estimate(speaker: Speaker, told: dict[str, Any]) -> None:
    """Print precision and recall of all pairs and of each group, and the reviewers' agreement."""
    heads = [
        Said("组", "group"),
        Said("已判断", "decided"),
        Said("查准率", "precision"),
        Said("95% 区间", "95% interval"),
        Said("查全率（上限）", "recall (upper)"),
        Said("95% 区间", "95% interval"),
        Said("漏连对数", "missed pairs"),
        Said("没有结论", "no conclusion"),
    ]
    rows = []
    for label, one in [
        (Said("全部", "all"), told["whole"]),
        *((Said(**g["label"]), g) for g in told["groups"]),
    ]:
        decided = one["missed"]["n"] + (one["precision"]["n"] if one["precision"] else 0)
        cells = [*_percent(one["precision"]), *_percent(one["recall"])]
        missed = one["missed"]
        span = f"{missed['value']:.0f} ({missed['low']:.0f}–{missed['high']:.0f})"
        rows.append([label(speaker.lang), decided, *cells, span, one["undecided"]])
    speaker.table(Said(f"批次 {told['round']} 的推算", f"What round {told['round']} says"), heads, rows)
    between = told["whole"]["precision_between"]
    if told["whole"]["undecided"] and between:
        low, high = (f"{100 * end:.2f}%" for end in between)
        speaker.say(
            f"没有结论的若都不对，查准率为 {low}；若都对，为 {high}。",
            f"If all without a conclusion were wrong the precision would be {low}; if all were right, {high}.",
        )
    agree = told["agreement"]
    if agree["n"]:
        figures = [
            "—" if agree[k] is None else "{:.2f} ({:.2f}–{:.2f})".format(*agree[k]).replace("-", "−")
            for k in ("kappa", "ac1")
        ]
        speaker.say(
            f"两人都判断的 {agree['n']} 对中，一致 {100 * agree['share']:.1f}%；κ {figures[0]}，AC1 {figures[1]}。",
            f"Of {agree['n']} pairs that both decided, the same on {100 * agree['share']:.1f}%; "
            f"kappa {figures[0]}, AC1 {figures[1]}.",
        )
    speaker.say(told["method"]["zh"], told["method"]["en"])


def show_proposal(speaker: Speaker, told: dict[str, Any]) -> None:
    """Print what each threshold would do, and which is proposed."""
    heads = [
        Said("门槛", "threshold"), Said("连接数", "links"), Said("查准率", "precision"),
        Said("95% 区间", "95% interval"), Said("查全率（上限）", "recall (upper)"), Said("95% 区间", "95% interval"),
    ]  # fmt: skip
    now = told["now"]
    rows: list[list[Any]] = [
        [Said("现行", "now")(speaker.lang), told["links_now"], *_percent(now["precision"]), *_percent(now["recall"])]
    ]
    rows += [
        [f"{s['threshold']:g}", s["links"], *_percent(s["precision"]), *_percent(s["recall"])] for s in told["steps"]
    ]
    speaker.table(Said("门槛与质量", "Thresholds"), heads, rows)
    found = told["proposed"]
    if found is None:
        speaker.say(
            "没有建议：判断的对数太少，或没有门槛达到要求。",
            "No proposal: too few pairs are decided, or no threshold reaches the target.",
        )
        return
    proven = told["proven"]
    speaker.say(
        f"建议门槛 {found['threshold']:g}" + ("（区间下限也达到要求）。" if proven else "（区间下限尚未达到要求）。"),
        f"Proposed: {found['threshold']:g}"
        + (
            " (even its lower limit reaches the target)." if proven else " (its lower limit does not reach the target)."
        ),
    )


@review.command(short_help="End a round. 结束一批复核。")
@about_city
@click.argument("round_", metavar="ROUND")
@dry_run
@spoken
def close(speaker: Speaker, city: City, round_: str, dry_run: bool) -> None:
    """End ROUND: nobody sees its pairs any more; decisions and estimate stay.

    结束批次：不能再查看记录，复核材料从保险库删除；判断和推算结果保留。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(
            Said(f"会结束批次 {round_}，删除复核材料。", f"Would end {round_} and remove what reviewers saw.")
        )
        return
    made = jobs.close_review(city, round_)
    speaker.say(f"批次 {made['round']} 已结束。", f"Round {made['round']} is closed.")
    speaker.result(made)
