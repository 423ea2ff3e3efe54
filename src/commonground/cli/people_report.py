"""Commands about the quality of links: people report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import about_city, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City

_RATES = [
    Said("记录", "records"), Said("连接率", "link rate"), Said("漏连率（95% 区间）", "missed links (95% interval)"),
    Said("错连率（95% 区间）", "false links (95% interval)"),
]  # fmt: skip


@click.command(short_help="How good the links are, and for whom they fail. 连接质量与公平性报告。")
@about_city
@click.option("--recorrupt", is_flag=True, help="Spoil a sample and link it again first. 先做再次写错测试。")
@click.option("--sample", type=click.IntRange(1), help="Records of each delivery to try. 每次交付试多少条。")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the test. 测试的随机种子。")
@spoken
def report(speaker: Speaker, city: City, recorrupt: bool, sample: int | None, seed: int) -> None:
    """Report precision, recall, missed and false links by delivery and by group, after GUILD; for staff.

    按 GUILD 指南报告连接的查准率、查全率，以及各次交付、各类人群的漏连与错连。内有小数字，仅供内部使用。
    """
    from commonground import jobs

    found = jobs.people_report(city, recorrupt=recorrupt, sample=sample, seed=seed, progress=speaker.progress())
    _print(speaker, found)
    speaker.result(found)


def _print(speaker: Speaker, found: Mapping[str, Any]) -> None:
    """Print the report for staff: sentences first, then what they rest on."""
    told, lang = found["report"], speaker.lang
    speaker.say(
        f"连接质量报告（第 {found['version']} 版，内部使用）",
        f"Linkage report (version {found['version']}, for staff only)",
    )
    for sentence in found["findings"]:
        speaker.say(f"  {sentence['zh']}", f"  {sentence['en']}")
    _provision(speaker, told["provision"])
    _linkage(speaker, told["linkage"], told["software"])
    analysis = told["analysis"]
    deliveries = [[f"{d['title'][lang]} {d['delivery']}", *_rates(d)] for d in analysis["by_delivery"]]
    speaker.table(Said("按交付", "By delivery"), [Said("交付", "delivery"), *_RATES], deliveries)
    groups = [[f"{g['axis_label'][lang]}: {g['label'][lang]}", *_rates(g)] for g in analysis["by_group"]]
    speaker.table(Said("按人群", "By group"), [Said("人群", "group"), *_RATES], groups)
    _differences(speaker, analysis["differences"])
    _sweep(speaker, analysis["sweep"])
    _tests(speaker, told["hidden"], found["recorrupted"])
    for title, key in ((Said("长处：", "Strengths:"), "strengths"), (Said("不足与不知：", "Limits:"), "limits")):
        speaker.say(title.zh, title.en)
        for sentence in found[key]:
            speaker.say(f"  · {sentence['zh']}", f"  - {sentence['en']}")


def _percent(value: float | None) -> str:
    from commonground.people.quality.said import percent

    return "—" if value is None else percent(value)


def _span(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "—"
    return f"{100 * found['value']:.2f}% ({100 * found['low']:.2f}–{100 * found['high']:.2f})"


def _rates(row: Mapping[str, Any]) -> list[Any]:
    rate = row["link_rate"]
    return [
        row["records"], _percent(rate["value"] if rate else None), _span(row["missed_rate"]), _span(row["false_rate"])
    ]  # fmt: skip


def _provision(speaker: Speaker, told: Mapping[str, Any]) -> None:
    from commonground.people.quality.provision import IDENTIFIERS

    lang, names = speaker.lang, IDENTIFIERS
    heads = [Said("交付", "delivery"), Said("数据日期", "as of"), Said("记录", "records")]
    heads += list(names.values())
    rows: list[Sequence[Any]] = []
    for d in told["deliveries"]:
        shares = [_percent(d["holds"][k] / d["records"] if d["records"] else None) for k in names]
        rows.append([f"{d['title'][lang]} {d['delivery']}", d["as_of"] or "—", d["records"], *shares])
    speaker.table(Said("交付：谁交来什么，标识是否齐全", "Provision: who gave what, and how complete"), heads, rows)


def _linkage(speaker: Speaker, told: Mapping[str, Any], software: Mapping[str, str]) -> None:
    compared = sum(r["pairs"] for r in told["rules"])
    speaker.say(
        f"连接：{software['name']} {software['version']}，模型第 {told['model_version']} 版；"
        f"{told['units']:,} 个单元，可能的配对 {told['possible_pairs']:,}，{len(told['rules'])} 条分块规则给出"
        f" {compared:,}（有重复），留下 {told['kept_pairs']:,} 对；要求查准率 {_percent(told['target_precision'])}。",
        f"Linkage: {software['name']} {software['version']}, model version {told['model_version']}; "
        f"{told['units']:,} units, {told['possible_pairs']:,} possible pairs, {compared:,} from {len(told['rules'])} "
        "blocking rules (some twice), "
        f"{told['kept_pairs']:,} kept; precision asked for {_percent(told['target_precision'])}.",
    )
    speaker.table(
        Said("分块规则", "Blocking rules"),
        [Said("键", "key"), Said("每键至多", "most a key"), Said("配对", "pairs")],
        [[" + ".join(r["fields"]), r["cap"], r["pairs"]] for r in told["rules"]],
    )
    speaker.table(
        Said("门槛", "Thresholds"),
        [Said("数据集", "dataset"), Said("最低概率", "least probability")],
        [[name, float(value)] for name, value in told["thresholds"].items()],
    )


def _differences(speaker: Speaker, rows: Sequence[Mapping[str, Any]]) -> None:
    lang = speaker.lang
    cells = [
        [
            f"{d['axis_label'][lang]}: {d['label'][lang]}", _percent(d["joined"]), _percent(d["others"]),
            f"{d['difference']['value']:+.2f}".replace("-", "−") + ("  *" if d["unlike"] else ""),
        ]
        for d in rows
    ]  # fmt: skip
    heads = [
        Said("人群", "group"), Said("连上的", "joined"), Said("未连上的", "others"),
        Said("标准化差异（* 达到 0.1）", "standardised difference (* 0.1 or more)"),
    ]  # fmt: skip
    speaker.table(Said("连上的与未连上的", "Joined and other records"), heads, cells)


def _sweep(speaker: Speaker, rows: Sequence[Mapping[str, Any]]) -> None:
    cells = []
    for r in rows:
        worst = max((g for g in r["gap"].values() if g is not None), default=None)
        cells.append([f"{r['threshold']:g}", r["links"], r["persons"], _percent(r["precision"]), _percent(r["recall"]),
                      _percent(worst)])  # fmt: skip
    heads = [
        Said("门槛", "threshold"), Said("连接", "links"), Said("人数", "persons"), Said("查准率", "precision"),
        Said("查全率", "recall"), Said("组间漏连率最大之差", "largest gap between groups"),
    ]  # fmt: skip
    speaker.table(Said("换用其他门槛", "Other thresholds"), heads, cells)


def _tests(speaker: Speaker, hidden: Sequence[Mapping[str, Any]], spoilt: Mapping[str, Any] | None) -> None:
    heads = [
        Said("交付", "delivery"), Said("试", "tried"), Said("连对", "right"), Said("连错", "wrong"),
        Said("漏连", "missed"),
    ]  # fmt: skip

    def cells(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        return [
            [f"{r['dataset']} {r['delivery']}", *(r[k] for k in ("tried", "right", "wrong", "missed"))] for r in rows
        ]

    if hidden:
        speaker.table(Said("隐去号码重连", "Linked again without their numbers"), heads, cells(hidden))
    if spoilt and spoilt.get("tried"):
        speaker.table(Said("再次写错后重连", "Spoilt and linked again"), heads, cells(spoilt["by_delivery"]))
