"""How a change of definition is shown on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City
    from commonground.disclosure import SafeTable
    from commonground.variables.change import Change, Trend
    from commonground.variables.compare import Comparison

VALUES = {
    "true": Said("是", "true"),
    "false": Said("否", "false"),
    "unknown": Said("不清楚", "unknown"),
    "not_applicable": Said("不适用", "not applicable"),
}
TOTAL = Said("合计", "total")


def show_change(speaker: Speaker, city: City, found: Change) -> None:
    """Print the whole report: transition, groups, trend, what is missing, what rests on it."""
    show_transition(speaker, found.comparison)
    speaker.say(found.comparison.sentence("zh"), found.comparison.sentence("en"))
    for table in found.groups:
        _show_group(speaker, city, table)
    least, step = city.policy.cell_threshold, city.policy.rounding
    if not found.groups:
        speaker.say(
            f"归类改变的不足 {least} 人，或没有分组资料，不按群体列出。",
            f"Not shown by group: fewer than {least} persons moved, or no group is known.",
        )
    else:
        speaker.say(
            f"分组人数已经出口审查：少于 {least} 人及须一并保护的格留空，其余四舍五入到 {step}。",
            f"Counts by group passed the gate: blank where fewer than {least} or held back to protect such a cell, the"
            f" others rounded to {step}.",
        )
    _show_trends(speaker, found.trends)
    _show_missing(speaker, found)
    _show_uses(speaker, found)


def show_transition(speaker: Speaker, found: Comparison) -> None:
    """Print the transition table with its totals."""
    heads = [Said(f"{found.old} ＼ {found.new}", f"{found.old} \\ {found.new}")]
    heads += [VALUES.get(v, Said(v, v)) for v in found.values]
    rows: list[list[Any]] = []
    for value, line in zip(found.values, found.counts, strict=True):
        rows.append([VALUES.get(value, Said(value, value))(speaker.lang), *line, sum(line)])
    rows.append([TOTAL(speaker.lang), *[sum(c) for c in zip(*found.counts, strict=True)], sum(map(sum, found.counts))])
    speaker.table(Said("同一批人，两种规则", "The same persons under two rules"), [*heads, TOTAL], rows)


def _show_group(speaker: Speaker, city: City, table: SafeTable) -> None:
    from commonground.variables.change import MOVES, TITLES, group_title

    axis = table.axes[0]
    rows: list[list[Any]] = []
    for name, line in zip([*axis.categories, ""], table.values.tolist(), strict=True):
        title = group_title(axis.name, name, city.settings)(speaker.lang) if name else TOTAL(speaker.lang)
        rows.append([title, *[None if n < 0 else n for n in line]])
    speaker.table(TITLES[axis.name], [TITLES[axis.name], *(TITLES[m] for m in MOVES), TOTAL], rows)


def _show_trends(speaker: Speaker, trends: tuple[Trend, ...]) -> None:
    rows: list[list[Any]] = []
    for trend in trends:
        name = trend.rule if trend.rule != "in_force" else speaker.text("当时有效的口径", "the rule then in force")
        for i, day in enumerate(trend.days):
            used = trend.versions[i] or speaker.text("无", "none")
            mark = speaker.text("口径改变", "break") if i in trend.breaks else ""
            rows.append([name, day.isoformat(), used, trend.true[i], trend.unknown[i], trend.asked[i], mark])
    heads = [
        Said("规则", "rule"), Said("日期", "day"), Said("所用版本", "version used"), Said("属于", "true"),
        Said("不清楚", "unknown"), Said("适用", "asked"), Said("", ""),
    ]  # fmt: skip
    speaker.table(
        Said("各年人数：规则固定，与当时有效的口径", "Over the years: fixed rules, and the rule in force"), heads, rows
    )


def _show_missing(speaker: Speaker, found: Change) -> None:
    rows = [[m.version, m.title(speaker.lang), m.persons, m.settles] for m in found.missing if m.settles]
    if rows:
        heads = [
            Said("版本", "version"),
            Said("缺少", "missing"),
            Said("人数", "persons"),
            Said("补上即可判定", "would settle"),
        ]
        speaker.table(Said("答案不清楚的人缺什么", "What is missing where the answer is unknown"), heads, rows)


def _show_uses(speaker: Speaker, found: Change) -> None:
    from commonground.variables.uses import KINDS

    if not found.uses:
        speaker.say("没有别的结果用到这两个版本。", "Nothing else rests on these versions.")
        return
    comma = speaker.text("、", ", ")
    rows = [
        [KINDS[u.kind](speaker.lang), u.id, u.title(speaker.lang), comma.join(u.versions), u.through]
        for u in found.uses
    ]
    heads = [
        Said("类别", "kind"), Said("编号", "id"), Said("名称", "title"), Said("用到的版本", "versions used"),
        Said("经由", "through"),
    ]  # fmt: skip
    speaker.table(Said("哪些结果会跟着变", "What rests on them"), heads, rows)
