"""Writes a proposed contract as TOML, with what speaks for each line as comments that a clerk can follow.

A column whose meaning is not known is written as a comment with both choices, concept or ignore: the contract loads,
and intake refuses the file by that column's name until somebody has decided. So nothing is dropped unseen.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from commonground.errors import Said
from commonground.intake.model import Pack
from commonground.intake.suggest.assemble import Column, Draft
from commonground.intake.suggest.model import OTHER, sure

UNSURE = 0.8  # decisions below this are marked for checking


class Writer:
    """Collects lines; comments in one language or both."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.lines: list[str] = []

    def say(self, said: Said, before: str = "# ") -> None:
        """Add a comment."""
        for lang in ("zh", "en"):
            if self.lang in (lang, "both"):
                self.lines.append(f"{before}{_plain(said(lang))}")

    def add(self, *lines: str) -> None:
        """Add lines as they are."""
        self.lines += lines

    @property
    def text(self) -> str:
        """Everything written so far."""
        return "\n".join(self.lines) + "\n"


def write(draft: Draft, pack: Pack, lang: str = "zh") -> str:
    """Write a contract.

    Parameters
    ----------
    lang : str
        Language of the comments: "zh", "en" or "both".
    """
    out = Writer(lang)
    _head(draft, out)
    _dataset(draft, pack, out)
    for delivery in draft.deliveries:
        out.add("")
        if delivery.why:
            out.say(delivery.why)
        out.add("[[delivery]]", f"match = {toml(delivery.match)}")
        if delivery.as_of:
            out.add(f"as_of = {toml(delivery.as_of)}")
        if delivery.constants:
            out.add(f"constants = {toml(delivery.constants)}")
    for layout in draft.layouts:
        out.add("")
        for name, said in layout.why.items():
            out.say(Said(f"{name}：{said.zh}{_sure(layout.confidence, name).zh}", _of(name, said, layout.confidence)))
        out.add("[[layout]]")
        out.add(*(_key(name, value) for name, value in layout.keys.items()))
    decided = [column for column in draft.columns if column.decided]
    for column in decided:
        _column(column, pack, out)
    _unused(draft, pack, out)
    _undecided(draft, pack, out)
    return out.text


def _of(name: str, said: Said, confidence: Mapping[str, float]) -> str:
    return f"{name}: {said.en}{_sure(confidence, name).en}"


def _sure(confidence: Mapping[str, float], name: str) -> Said:
    if name not in confidence:
        return Said("", "")
    value = confidence[name]
    check = Said("，请核对", ", check it") if value < UNSURE else Said("", "")
    return Said(f"（把握 {sure(value)}{check.zh}）", f" (confidence {sure(value)}{check.en})")


def _head(draft: Draft, out: Writer) -> None:
    n = len(draft.undecided)
    files = len({(one.place.delivery, one.place.file) for one in draft.found})
    out.say(
        Said(
            f"由 commonground suggest 根据 {files} 个文件提出的读取约定草案，请逐项核对；改好后这些说明可以删去。",
            f"A contract proposed by commonground suggest from {files} files. Check each line; these comments may go.",
        )
    )
    if n:
        out.say(
            Said(
                f"【还有 {n} 列没有确定含义，列在文末。确定之前，读入会停下并指出这些列名，不会漏掉任何一列。】",
                f"[{n} columns are not decided; they stand at the end. Until they are, intake stops and names them, so "
                "that no column is lost.]",
            )
        )
    for said in draft.doubts:
        out.say(Said(f"请核对：{said.zh}", f"Check: {said.en}"))
    for one in draft.aside:
        if one.why == "empty":
            out.say(Said(f"空文件：{one.place.file}", f"empty file: {one.place.file}"))
        elif one.why == "fault" and one.fault is not None:
            out.say(
                Said(
                    f"读不了：{one.place.file}。{one.fault.what.zh}",
                    f"not readable: {one.place.file}. {one.fault.what.en}",
                )
            )
    out.add("")


def _dataset(draft: Draft, pack: Pack, out: Writer) -> None:
    proposal = draft.proposal
    kind = proposal.kind or (OTHER if OTHER in pack.kinds else next(iter(pack.kinds)))
    label = pack.kinds[kind].label
    if proposal.kind is None:
        guesses = ", ".join(f"{name} {sure(chance)}" for name, chance in proposal.kinds[:3])
        out.say(
            Said(
                f"数据种类没有确定，请改 kind；可能是 {guesses or '（没有线索）'}",
                f"The kind of dataset is not certain, mend it; it may be {guesses or '(no clue)'}",
            )
        )
    out.add("[dataset]")
    note = f"  # {sure(proposal.kind_confidence)}" if proposal.kind else ""
    out.add(f"kind = {toml(kind)}{note}")
    out.add(f"title = {toml({'zh': label.zh, 'en': label.en})}")
    if proposal.subject != pack.kinds[kind].subject:
        out.add(f"subject = {toml(proposal.subject)}")
    out.add(f"rows_per_person = {toml(proposal.rows_per_person or 'one')}")
    ignored = _ignored(draft)
    if ignored:
        out.add("ignore = [", *(f"  {toml(entry)}," for entry in ignored), "]")


def _ignored(draft: Draft) -> list[dict[str, Any]]:
    from commonground.intake.suggest.places import escape

    out: list[dict[str, Any]] = []
    for one in draft.aside:
        if one.why == "codebook":
            reason = {"zh": "字段说明，不是数据", "en": "a description of the columns, no data"}
            entry: dict[str, Any] = {"files": escape(one.place.file), "reason": reason}
        elif one.why == "notes":
            reason = {"zh": "说明页，不是数据", "en": "a sheet of notes, no data"}
            entry = {"files": escape(one.place.file), "sheets": escape(one.sheet), "reason": reason}
        elif one.why == "elsewhere":
            reason = {"zh": "属于另一数据集", "en": "of another dataset"}
            entry = {"files": escape(one.place.file), "sheets": escape(one.sheet), "reason": reason}
        else:
            continue
        if entry not in out:
            out.append(entry)
    return out


def _key(name: str, value: Any) -> str:
    if name == "non_data":
        return "\n".join(["non_data = [", *(f"  {toml(rule)}," for rule in value), "]"])
    if name == "columns":
        rows = [value[i : i + 8] for i in range(0, len(value), 8)]
        return "\n".join(["columns = [", *(f"  {', '.join(map(toml, row))}," for row in rows), "]"])
    return f"{name} = {toml(value)}"


def _column(column: Column, pack: Pack, out: Writer) -> None:
    proposal = column.proposal
    concept = pack.concepts[proposal.concept or ""]
    out.add("")
    unsure = Said("，请核对", ", check it") if proposal.confidence < UNSURE else Said("", "")
    out.say(
        Said(
            f"{concept.label.zh}（把握 {sure(proposal.confidence)}{unsure.zh}）{_because(column, 'zh')}",
            f"{concept.label.en} (confidence {sure(proposal.confidence)}{unsure.en}){_because(column, 'en')}",
        )
    )
    for name, said in proposal.why.items():
        out.say(Said(f"{name}：{said.zh}", f"{name}: {said.en}"))
    out.add(*_lines(column, f"concept = {toml(concept.name)}", proposal.rule))


def _because(column: Column, lang: str) -> str:
    mark, join = ("：", "；") if lang == "zh" else (": ", "; ")
    best = sorted(column.proposal.evidence, key=lambda one: -abs(one.weight))[:3]
    said = [one.said(lang) for one in best]
    if column.renamed is not None:
        said.append(column.renamed(lang))
    return mark + join.join(said) if said else ""


def _lines(column: Column, meaning: str, rule: Mapping[str, Any]) -> list[str]:
    source = column.sources[0] if len(column.sources) == 1 else column.sources
    out = ["[[column]]", f"source = {toml(source)}", meaning]
    if column.deliveries:
        out.append(f"deliveries = {toml(column.deliveries)}")
    if column.optional and meaning.startswith("concept"):
        out.append("optional = true")
    for name, value in rule.items():
        if name == "where":
            out += ["where = [", *(f"  {toml(entry)}," for entry in value), "]"]
        else:
            out.append(f"{name} = {toml(value)}")
    return out


def _unused(draft: Draft, pack: Pack, out: Writer) -> None:
    """Tell what names of sheets and files say and nothing takes: intake does not stop at it."""
    for column in draft.columns:
        if column.decided or not column.sources[0].startswith("@"):
            continue
        said = column.proposal.evidence[0].said
        guess = next((name for name, _ in column.proposal.alternatives if name in pack.concepts), "…")
        out.add("")
        out.say(Said(f"没有用到：{said.zh}。要用时去掉 #：", f"Not used: {said.en}. To use it take away the #:"))
        for pattern in dict.fromkeys(layout.idle_pattern for layout in draft.layouts):
            if pattern and column.sources[0] != "@sheet":
                out.say(Said("并在 [[layout]] 中加一行：", "and add to [[layout]]:"))
                out.add(f"# file_pattern = {toml(pattern)}")
        out.add(*(f"# {line}" for line in _lines(column, f"concept = {toml(guess)}", {})))


def _undecided(draft: Draft, pack: Pack, out: Writer) -> None:
    if not draft.undecided:
        return
    out.add("", "# " + "=" * 76)
    out.say(
        Said(
            f"以下 {len(draft.undecided)} 列没有确定。每列去掉行首的 #，写明 concept；"
            "不需要的列改用 ignore 并写明原因。",
            f"These {len(draft.undecided)} columns are not decided. Take away the #, and give each a concept, "
            "or ignore it and say why.",
        )
    )
    for column in draft.undecided:
        proposal = column.proposal
        out.add("#")
        if column.clash:
            out.say(
                Said(
                    f"像是“{proposal.concept}”，但同一文件的“{column.clash}”更像，一个概念只能用一次",
                    f"like “{proposal.concept}”, but “{column.clash}” of the file is more so; a concept is used once",
                )
            )
        guesses = [(name, chance) for name, chance in proposal.alternatives[:4] if name in pack.concepts]
        if guesses:
            zh = "、".join(f"{name}（{pack.concepts[name].label.zh} {sure(chance)}）" for name, chance in guesses)
            en = ", ".join(f"{name} ({pack.concepts[name].label.en} {sure(chance)})" for name, chance in guesses)
            out.say(Said(f"可能是 {zh}", f"may be {en}"))
        if _because(column, "zh"):
            out.say(Said(_because(column, "zh")[1:], _because(column, "en")[2:]))
        first = guesses[0][0] if guesses else "…"
        rule = {} if column.clash else proposal.rule
        out.add(*(f"# {line}" for line in _lines(column, f"concept = {toml(first)}", rule)))
        out.add('# ignore = { zh = "…", en = "…" }')


def toml(value: Any) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{_name(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(toml, value)) + "]"
    raise TypeError(f"not a value of TOML: {type(value).__name__}")


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) and not key.isdigit() else _quoted(key)


def _string(text: str) -> str:
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"  # patterns stay readable
    return _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _plain(text: str) -> str:
    """Keep a comment on one line and free of what TOML forbids in it."""
    return "".join(char if char.isprintable() else " " for char in text)
