"""The command ``suggest``: what files look like, and the contract proposed for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonground.cli.options import dry_run, spoken
from commonground.cli.show import Speaker, width
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.intake.suggest import Suggestion


@click.command(short_help="Profile files, propose their contracts. 分析文件，提出读取约定。")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--into", type=click.Path(path_type=Path), metavar="CITY", help="City to write into. 写入哪座城市。")
@click.option("--department", default="", help="Department, where no folder says it. 部门。")
@click.option("--dataset", default="", help="Dataset, where no folder says it. 数据集。")
@click.option(
    "--comments", type=click.Choice(["zh", "en", "both"]), help="Language of the contract's comments. 说明用的语言。"
)
@click.option(
    "--hide-under", type=click.IntRange(min=1), help="Hide smaller counts in the profile. 概况中少于此数的不显示。"
)
@dry_run
@spoken
def suggest(
    speaker: Speaker,
    files: tuple[Path, ...],
    into: Path | None,
    department: str,
    dataset: str,
    comments: str | None,
    hide_under: int | None,
    dry_run: bool,
) -> None:
    """Profile files of any format and propose the contract by which intake reads them, with the evidence.

    Without --into the contract goes to standard output. FILE may be a folder.

    分析任意格式的文件，提出读取约定草案并写明依据；不用 --into 时只显示，不写入。
    """
    from commonground.city import City
    from commonground.intake import suggest as room

    city = City(into) if into else None
    suggestions = room.suggest(
        files,
        city=city,
        department=department,
        dataset=dataset,
        lang=comments or speaker.lang,
        hide_under=hide_under,
        progress=speaker.progress() if len(files) > 1 or files[0].is_dir() else None,
    )
    results = []
    for one in suggestions:
        _show(speaker, one)
        done: dict[str, Any] = {}
        if city is not None and not dry_run:
            done = _write(speaker, room.into(city, one))
        elif city is None:
            speaker.say(one.contract, one.contract)
        results.append(
            {**_summary(one), **done, **({} if city else {"contract": one.contract, "profile": one.profile})}
        )
    if dry_run and city is not None:
        speaker.note("没有写入任何文件。", "Nothing was written.")
    speaker.result({"dry_run": True, "datasets": results} if dry_run else {"datasets": results})


def _summary(one: Suggestion) -> dict[str, Any]:
    proposal = one.draft.proposal
    return {
        "department": one.department,
        "dataset": one.dataset,
        "kind": proposal.kind,
        "kind_confidence": min(round(proposal.kind_confidence, 3), 0.999),
        "columns": [
            {
                "names": column.sources,
                "concept": column.proposal.concept if column.decided else None,
                "confidence": min(round(column.proposal.confidence, 3), 0.999),
            }
            for column in one.draft.columns
        ],
        "undecided": [column.sources[0] for column in one.draft.undecided],
        "check": [{"zh": said.zh, "en": said.en} for said in one.draft.doubts],
    }


def _show(speaker: Speaker, one: Suggestion) -> None:
    """Say on standard error what was found, so that standard output holds the contract alone."""
    if speaker.as_json:
        return
    from commonground.intake.suggest.model import sure

    draft = one.draft
    kind = draft.proposal.kind or ""
    kind = f"{kind} {sure(draft.proposal.kind_confidence)}" if kind else speaker.text("种类未定", "kind not decided")
    speaker.note(f"{one.name}：{kind}", f"{one.name}: {kind}")
    heads = [Said("列", "column"), Said("概念", "concept"), Said("把握", "confidence"), Said("依据", "evidence")]
    rows = []
    for column in draft.columns:
        if column.sources[0].startswith("@") and not column.decided:
            continue
        concept = column.proposal.concept if column.decided else speaker.text("【未定】", "[undecided]")
        best = max(column.proposal.evidence, key=lambda e: abs(e.weight), default=None)
        why = best.said(speaker.lang) if best else ""
        likely = column.proposal.alternatives[:1]
        chance = sure(column.proposal.confidence) if column.decided else "–"
        if not column.decided:  # the evidence is that of the likeliest concept, which is then to be named
            why = "".join(
                speaker.text(f"最像 {name}（{sure(p)}）：{why}", f"likeliest {name} ({sure(p)}): {why}")
                for name, p in likely
                if p >= 0.1
            ) or speaker.text("没有相近的概念", "no concept is like it")
        rows.append([" / ".join(column.sources), concept or "", chance, why[:80]])
    _table([head(speaker.lang) for head in heads], rows)
    for said in draft.doubts:
        speaker.note(f"请核对：{said.zh}", f"Check: {said.en}")
    for aside in draft.aside:
        if aside.fault is not None:
            speaker.note(f"没有读：{aside.fault.message('zh')}", f"Not read: {aside.fault.message('en')}")
    n = len(draft.undecided)
    if n:
        names = [column.sources[0] for column in draft.undecided]
        speaker.note(
            f"注意：有 {n} 列没有确定（{'、'.join(names[:20])}）；在约定里写明之前，读入会停下，不会漏掉。",
            f"Warning: {n} columns are not decided ({', '.join(names[:20])}); until the contract says what they are, "
            "intake stops at them and loses none.",
        )


def _table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(width(line[i]) for line in [heads, *rows]) for i in range(len(heads))]
    for line in [heads, *rows]:
        padded = [cell + " " * (w - width(cell)) for cell, w in zip(line, widths, strict=True)]
        click.echo("  " + "  ".join(padded).rstrip(), err=True)


def _write(speaker: Speaker, written: Any) -> dict[str, Any]:
    speaker.say(f"约定草案：{written.contract}", f"Contract: {written.contract}")
    speaker.say(f"可外传的概况：{written.page}", f"Profile that may be shared: {written.page}")
    if written.difference:
        speaker.say(
            "已有约定没有改动；新草案与它的差别如下：",
            "The contract that stood there is untouched; the proposal differs so:",
        )
        speaker.say(written.difference, written.difference)
    return {
        "contract_path": str(written.contract),
        "profile_path": str(written.profile),
        "page_path": str(written.page),
        "difference": written.difference,
    }
