"""Commands about persons from version to version: history, undo, retrain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.cli.usage import UsageError
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City

KIND = {
    "merge": Said("合并", "merged"),
    "split": Said("拆分", "split"),
    "move": Said("转移", "moved"),
}
WHY = {
    "first": Said("首次学习", "learnt first"),
    "retrained": Said("重新学习", "learnt anew"),
    "form": Said("程序更新后重新学习", "learnt anew for a new release"),
    "threshold": Said("门槛调整", "threshold set"),
}
_BUILDS = {
    "version": Said("版本", "version"),
    "day": Said("日期", "day"),
    "model": Said("模型", "model"),
    "persons": Said("人数", "persons"),
    "minted": Said("新编号", "new ids"),
    "merged": Said("合并", "merged"),
    "split": Said("拆分", "split"),
    "moved": Said("转移", "moved"),
}


def show_identities(speaker: Speaker, told: dict[str, Any]) -> None:
    """Say how persons were carried on from the version before, and what should be done about the model."""
    if not told:
        return
    rows = told["records_before"]
    if rows:
        speaker.say(
            f"{told['persons']:,} 人中 {told['kept']:,} 人沿用原编号，{told['minted']:,} 人为新编号；"
            f"合并 {told['merged']:,} 起，拆分 {told['split']:,} 起，转移 {told['moved']:,} 起；"
            f"上一版的 {rows:,} 条记录中有 {told['records_moved']:,} 条换了编号（连接模型第 {told['model']} 版）。",
            f"Of {told['persons']:,} persons {told['kept']:,} keep their id and {told['minted']:,} are new;"
            f" merged {told['merged']:,}, split {told['split']:,}, moved {told['moved']:,};"
            f" of {rows:,} records of the version before, {told['records_moved']:,} have another id"
            f" (model of linking {told['model']}).",
        )
    if told["unlearned"]:
        names = told["unlearned"]
        speaker.note(
            f"注意：连接模型还没有学过 {'、'.join(names)}，暂用通用参数，门槛较高。"
            "请运行 commonground people retrain CITY。",
            f"Note: the model of linking has not learnt {', '.join(names)}; general chances and a high threshold are"
            " used. Run commonground people retrain CITY.",
        )
    lost = told["decisions_found"] - told["decisions_held"]
    if lost:
        speaker.note(
            f"注意：{lost} 项连接裁定未能照办（与身份证号或其他裁定冲突）。",
            f"Note: {lost} decisions about links could not be held to (identity numbers or other decisions forbid).",
        )
    if told["conflicts"]:
        speaker.note(
            f"{told['conflicts']:,} 对记录各有有效而不同的身份证号，其他内容却像同一人，已列入冲突清单，等待复核。",
            f"{told['conflicts']:,} pairs of records have valid identity numbers that differ but otherwise look like"
            " one person; they are in the vault's list of conflicts, to be reviewed.",
        )


@click.command(short_help="Persons from version to version. 各版本之间人员编号的变更。")
@about_city
@click.option("--last", type=int, default=20, show_default=True, help="Events to show. 显示最近多少条变更。")
@spoken
def history(speaker: Speaker, city: City, last: int) -> None:
    """Show how many persons kept their id in each version, and what merged, split or moved.

    显示每个版本有多少人沿用编号，以及合并、拆分、转移的清单。
    """
    from commonground import jobs

    found = jobs.person_history(city)
    lines = [[row[c] for c in _BUILDS] for row in found["builds"]]
    speaker.table(Said("各版本的人员编号", "Ids of persons by version"), list(_BUILDS.values()), lines)
    models = [
        [m["model"], m["day"], WHY.get(m["why"], Said(m["why"] or "", m["why"] or ""))(speaker.lang), m["by"]]
        for m in found["models"]
    ]
    heads = [_BUILDS["model"], _BUILDS["day"], Said("由来", "why"), Said("经办", "by")]
    speaker.table(Said("连接模型", "Models of linking"), heads, models)
    if found["events"]:
        _show_events(speaker, found["events"][-last:] if last > 0 else [])
    if found["decisions"]:
        _show_decisions(speaker, found["decisions"])
    if found["pending"]:
        speaker.note(
            "有裁定或新的连接模型尚未生效，请运行 commonground build。",
            "Decisions or a new model wait for the next build: run commonground build.",
        )
    speaker.result(found)


def _show_events(speaker: Speaker, events: list[dict[str, Any]]) -> None:
    rows = [
        [e["event"], e["version"], KIND[e["kind"]](speaker.lang), e["before"], e["after"], e["records"]] for e in events
    ]
    heads = [
        Said("变更", "event"), _BUILDS["version"], Said("种类", "kind"), Said("原编号", "id before"),
        Said("现编号", "id now"), Said("记录", "records"),
    ]  # fmt: skip
    speaker.table(Said("最近的变更", "Last events"), heads, rows)


def _show_decisions(speaker: Speaker, decisions: list[dict[str, Any]]) -> None:
    same = {True: Said("同一人", "one person"), False: Said("不是同一人", "two persons")}
    holds = {True: Said("生效", "holds"), False: Said("已撤回", "withdrawn")}
    rows = [[d["decision"], same[d["same"]](speaker.lang), d["by"], holds[d["holds"]](speaker.lang)] for d in decisions]
    heads = [Said("裁定", "decision"), Said("内容", "what"), Said("经办", "by"), Said("状态", "state")]
    speaker.table(Said("连接裁定", "Decisions about links"), heads, rows)


@click.command(short_help="Undo a merge or a split. 撤销一次合并或拆分。")
@about_city
@click.argument("event", type=int, required=False)
@click.option("--decision", type=int, help="Withdraw this decision instead. 改为撤回这项裁定。")
@dry_run
@spoken
def undo(speaker: Speaker, city: City, event: int | None, decision: int | None, dry_run: bool) -> None:
    """Undo the EVENT of this number; later builds hold to it. Numbers: people history.

    撤销该编号的变更，以后各次建库都照此办理；编号见 people history。
    """
    from commonground import jobs

    if (event is None) == (decision is None):
        raise UsageError(
            Said(
                "请给出变更编号或 --decision 裁定编号，二者取一。",
                "Give the number of an event, or --decision and its number, one of the two.",
            ),
            where="commonground people undo",
            todo=Said("编号见 commonground people history。", "commonground people history lists the numbers."),
        )
    if dry_run:
        speaker.would(
            Said(f"会撤销变更 {event}，记入台账。", f"Would undo event {event}, and record it.")
            if event is not None
            else Said(f"会撤回裁定 {decision}，记入台账。", f"Would withdraw decision {decision}, and record it.")
        )
        return
    made: list[int] = []
    if event is not None:
        made = jobs.undo_event(city, event)
    elif decision is not None:
        jobs.withdraw_decision(city, decision)
    speaker.say(
        f"已记录（{len(made)} 项裁定）。运行 commonground build 后生效。"
        if made
        else "已记录。运行 commonground build 后生效。",
        f"Recorded ({len(made)} decisions). In force after commonground build."
        if made
        else "Recorded. In force after commonground build.",
    )
    speaker.result({"event": event, "withdrawn": decision, "decisions": made})


@click.command(short_help="Learn the model of linking anew. 重新学习连接模型。")
@about_city
@dry_run
@spoken
def retrain(speaker: Speaker, city: City, dry_run: bool) -> None:
    """Learn the model of linking from all records, build a version with it, and report what moved.

    用全部记录重新学习连接模型，据此建立新版本，并报告有哪些变动。
    """
    from commonground import jobs
    from commonground.people.quality.groups import BY_NAME

    if dry_run:
        speaker.would(
            Said("会重新学习连接模型。", "Would learn the model of linking anew."),
            Said("会建立新版本，并报告变动。", "Would build a new version and report what moved."),
        )
        return
    result = jobs.retrain(city, progress=speaker.progress())
    told = result.links["identities"]
    show_identities(speaker, told)
    moved = [[name, count] for name, count in told["moved_by_dataset"].items()]
    heads = [Said("数据集", "dataset"), Said("换了编号的记录", "records with another id")]
    if not moved:
        speaker.say("没有记录换编号。", "No record has another id.")
        speaker.result({"version": result.version.number, **told})
        return
    speaker.table(Said("变动，按数据集", "What moved, by dataset"), heads, moved)
    rows = []
    for name, counts in told["moved_by_group"].items():
        words = dict(BY_NAME[name].categories)
        rows += [[BY_NAME[name].said(speaker.lang), words[c](speaker.lang), n] for c, n in counts.items()]
    heads = [Said("分组", "group"), Said("类别", "category"), Said("换了编号的记录", "records with another id")]
    speaker.table(Said("变动，按人群", "What moved, by group"), heads, rows)
    speaker.result({"version": result.version.number, **told})
