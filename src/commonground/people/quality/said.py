"""The linkage report in sentences, computed from its numbers: findings, strengths, limits, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.people.quality.recorrupt import PROVES

Raw = Mapping[str, Any]


def percent(value: float) -> str:
    """Write a share in per cent with two decimals; what is not all is not called so."""
    shown = 100 * value
    if value < 1:
        shown = min(shown, 99.99)
    return f"{shown:.2f}%"


def between(found: Raw | None, lang: str) -> str:
    """Write an estimate with its interval: 99.70% (99.56% to 99.80%)."""
    if found is None:
        return "无从估计" if lang == "zh" else "cannot be estimated"
    value, low, high = (percent(found[k]) for k in ("value", "low", "high"))
    return f"{value}（{low} 至 {high}）" if lang == "zh" else f"{value} ({low} to {high})"


def _both(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def findings(report: Raw, review: Raw | None, recorrupted: Raw | None) -> list[dict[str, str]]:
    """Say what was found."""
    out = [*_whole(report), _by_review(report, review), *_groups(report), *_unlike(report), *_stricter(report)]
    return out + _hidden(report) + _recorrupted(recorrupted)


def _whole(report: Raw) -> list[dict[str, str]]:
    whole, model = report["analysis"]["whole"], report["analysis"]["whole"]["model"]
    n, linked = whole["records"], whole["linked"]
    if not n:
        return [_both("没有待连接的记录。", "There were no records to be linked.")]
    rate = percent(whole["link_rate"]["value"])
    alone = [percent(v) if v is not None else "—" for v in (model["precision"], model["recall"])]
    return [
        _both(
            f"待连接的记录 {n:,} 条，连上 {linked:,} 条（{rate}）：凭号码 {whole['by_number']:,} 条，凭其他信息"
            f" {whole['by_weight']:,} 条。未连上的，包括别处本来没有记录的人。",
            f"Of {n:,} records to be linked, {linked:,} were joined ({rate}): {whole['by_number']:,} by number, "
            f"{whole['by_weight']:,} by other evidence. Those not joined include people who stand in no other record.",
        ),
        _both(
            f"估计查准率 {between(whole['precision'], 'zh')}，查全率 {between(whole['recall'], 'zh')}；"
            f"仅凭模型概率为 {alone[0]} 和 {alone[1]}。",
            f"Estimated precision {between(whole['precision'], 'en')}, recall {between(whole['recall'], 'en')}; "
            f"by the model’s probabilities alone {alone[0]} and {alone[1]}.",
        ),
    ]


def _by_review(report: Raw, review: Raw | None) -> dict[str, str]:
    """Hold what reviewers found against the estimate."""
    if review is None:
        return _both("尚无人工复核结果可以对照。", "No clerical review is at hand to compare with.")
    told = {lang: review["sentence"][lang] for lang in ("zh", "en")}
    notes = []
    for key, zh, en in (("precision", "查准率", "precision"), ("recall", "查全率", "recall")):
        mine, theirs = report["analysis"]["whole"][key], review["whole"][key]
        if mine is None or theirs is None:
            continue
        apart = mine["low"] > theirs["high"] or theirs["low"] > mine["high"]
        points = 100 * (theirs["value"] - mine["value"])
        notes.append(
            (f"{zh}两法相差 {abs(points):.2f} 个百分点，" + ("区间不相交，应查明原因" if apart else "区间相交"),
             f"on {en} the two differ by {abs(points):.2f} points, "
             + ("their intervals apart: find out why" if apart else "their intervals meet"))
        )  # fmt: skip
    zh, en = (told[lang] for lang in ("zh", "en"))
    if notes:
        zh += "；".join(n[0] for n in notes) + "。"
        en += " " + "; ".join(n[1] for n in notes).capitalize() + "."
    return _both(zh, en)


def _groups(report: Raw) -> list[dict[str, str]]:
    """Say on which axes the groups lie apart."""
    gaps = report["analysis"]["gaps"]
    clear = [g for g in gaps if g["gap"]["low"] > 0]
    if not gaps:
        return []
    if not clear:
        none = "Missed-link rates of the groups show no difference that can be relied on."
        return [_both("各组之间的漏连率，看不出可靠的差别。", none)]
    out = []
    for g in clear:
        span = g["gap"]
        points = [f"{100 * span[k]:.2f}" for k in ("value", "low", "high")]
        out.append(
            _both(
                f"按{g['axis_label']['zh']}，“{g['worst_label']['zh']}”漏连最多，比最少的一组高 {points[0]} 个百分点"
                f"（{points[1]} 至 {points[2]}）。",
                f"{g['axis_label']['en']}: most links are missed for “{g['worst_label']['en']}”, {points[0]} points "
                f"more than for the best group ({points[1]} to {points[2]}).",
            )
        )
    return out


def _unlike(report: Raw) -> list[dict[str, str]]:
    found = [d for d in report["analysis"]["differences"] if d["unlike"]]
    line = report["analysis"]["line"]
    if not report["analysis"]["differences"]:
        return []
    if not found:
        text = f"连上的与未连上的，各组构成的标准化差异都不到 {line}。"
        return [_both(text, f"Joined and other records are alike: no standardised difference reaches {line}.")]
    worst = max(found, key=lambda d: abs(d["difference"]["value"]))
    d = worst["difference"]["value"]
    return [
        _both(
            f"连上的与未连上的构成不同：{len(found)} 个组的标准化差异达到 {line}，最大的是{worst['axis_label']['zh']}“"
            f"{worst['label']['zh']}”（{d:.2f}）。连上的记录不能直接代表全部。",
            f"Joined and other records are unlike: {len(found)} groups reach a standardised difference of {line}, most "
            f"of all {worst['axis_label']['en'].lower()} “{worst['label']['en']}” ({d:.2f}). Those joined do not stand "
            "for all.",
        )
    ]


def _stricter(report: Raw) -> list[dict[str, str]]:
    """Say what the strictest threshold tried would cost."""
    rows = report["analysis"]["sweep"]
    if not rows or rows[-1]["recall"] is None or rows[-1]["precision"] is None:
        return []
    whole, last = report["analysis"]["whole"], rows[-1]
    lost, t = whole["linked"] - last["links"], f"{last['threshold']:g}"
    right, found = percent(last["precision"]), percent(last["recall"])
    return [
        _both(
            f"若门槛提高到 {t}，少连 {lost:,} 条，查准率 {right}，查全率 {found}，人数变为 {last['persons']:,}。",
            f"At a threshold of {t}, {lost:,} fewer links would be made: precision {right}, recall {found}, "
            f"{last['persons']:,} persons.",
        )
    ]


def _hidden(report: Raw) -> list[dict[str, str]]:
    rows = report["hidden"]
    tried = sum(r["tried"] for r in rows)
    if not tried:
        text = "没有可供隐去的号码，估计只能依据模型。"
        return [_both(text, "There were no numbers to hide; the estimates rest on the model alone.")]
    right, wrong, never = (sum(r[k] for r in rows) for k in ("right", "wrong", "never_compared"))
    return [
        _both(
            f"隐去号码重连 {tried:,} 条身份已知的记录：连对 {right:,} 条（{percent(right / tried)}），"
            f"连错 {wrong:,} 条；{never:,} 条未与本人的其他记录比对过。",
            f"{tried:,} records whose person is known were linked again without their numbers: {right:,} rightly "
            f"({percent(right / tried)}), {wrong:,} wrongly; {never:,} were never compared with their own person.",
        )
    ]


def _recorrupted(found: Raw | None) -> list[dict[str, str]]:
    if not found or not found.get("tried"):
        return []
    whole, without = found["whole"], found["without_number"]
    zh = f"按实测差错率再次写错 {found['tried']:,} 条：查全率 {between(whole['recall'], 'zh')}，查准率"
    zh += f" {between(whole['precision'], 'zh')}；其中失去号码的 {without['tried']:,} 条，"
    zh += f"查全率 {between(without['recall'], 'zh')}。"
    en = f"{found['tried']:,} records miswritten again at the measured rates: recall {between(whole['recall'], 'en')}, "
    en += f"precision {between(whole['precision'], 'en')}; of the {without['tried']:,} that lost their number, recall "
    return [_both(zh, en + f"{between(without['recall'], 'en')}.")]


def strengths(report: Raw, review: Raw | None) -> list[dict[str, str]]:
    """Say what the estimates can be trusted for."""
    out = []
    if any(r["tried"] for r in report["hidden"]):
        out.append(
            _both(
                "估计以本市身份已知的记录检验过，不只凭模型；也计入了没有比对到的记录对。",
                "The estimates were held against records of this city whose person is known, not taken from the model "
                "alone, and count pairs that were never compared.",
            )
        )
    out.append(
        _both(
            "同一个人的记录可能一起漏连，区间已放宽。",
            "Records of one person may be missed together; the intervals allow for it.",
        )
    )
    if review is not None:
        out.append(_both("有人工复核可以对照。", "A clerical review is at hand to compare with."))
    return out


def limits(report: Raw, review: Raw | None, recorrupted: Raw | None) -> list[dict[str, str]]:
    """Say what the estimates do not cover, and what is not known."""
    tested = {(r["dataset"], r["delivery"]) for r in report["hidden"]}
    rest = [d for d in report["analysis"]["by_delivery"] if (d["dataset"], d["delivery"]) not in tested]
    out = [
        _both(
            "没有号码的记录，若与有号码的不是一类人（如无户口儿童），漏连会比估计的多。",
            "If records without numbers are of another kind of people (children without papers), more are missed than "
            "is estimated.",
        ),
        _both(
            "同一次交付之内的重复，只查到明显的；不明显的不在估计之内。",
            "Duplicates within one delivery are found where they are evident; others are not in the estimates.",
        ),
        _both(
            f"两个有效号码不同的记录从不相连；其中 {report['linkage']['two_numbers']:,} 对其余信息相符，"
            "可能是同一人写错了号码。",
            f"Records with two different valid numbers are never joined; {report['linkage']['two_numbers']:,} such "
            "pairs agree in the rest and may be one person with a number miswritten.",
        ),
        _both(
            "分组依据记录自己写明的内容；没有写明的归入“不详”。",
            "Groups are what the records themselves say; who says nothing is “not known”.",
        ),
        _both(
            "各部门怎样录入、抽取、去重，交付时没有说明，此处不知。",
            "How the departments entered, extracted and deduplicated their records was not told with the deliveries "
            "and is not known here.",
        ),
    ]
    if rest:
        zh = "、".join(f"{d['title']['zh']}（{d['delivery']}）" for d in rest)
        en = ", ".join(f"{d['title']['en']} ({d['delivery']})" for d in rest)
        out.insert(1, _both(f"没有号码可供检验、只能参照其他交付估计的：{zh}。",
                            f"Without numbers to test by, estimated from other deliveries: {en}."))  # fmt: skip
    if review is None:
        out.append(_both("没有人工复核。", "There was no clerical review."))
    if recorrupted is not None and recorrupted.get("tried"):
        out.append(_both(PROVES.zh, PROVES.en))
    return out
