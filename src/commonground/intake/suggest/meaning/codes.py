"""Which code of a list each text stands for, and what a person must decide where two numberings fit the same digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commonground.errors import Said
from commonground.intake.convert import NO, YES, plain
from commonground.intake.model import CodeList, Concept
from commonground.intake.suggest.meaning.lexicon import Lexicon
from commonground.intake.suggest.meaning.values import Digest, label_key

_SHOWN = 5  # a text is told only where at least so many rows hold it
_MANY = 60


@dataclass(frozen=True)
class Coded:
    """Codes and missing texts for a rule; empty where the list's own codes and labels do."""

    codes: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    why: Said | None = None
    doubts: tuple[Said, ...] = ()


def code_rule(name: str, concept: Concept, digest: Digest, lexicon: Lexicon, kind: str = "") -> Coded:
    """Say how the texts of column ``name`` are codes of its concept, in a dataset of ``kind``."""
    texts = [(plain(text), n) for text, n in digest.texts][:_MANY]
    if concept.type == "boolean":
        return _boolean(name, texts, digest, lexicon)
    if concept.codes is None or not texts:
        return Coded()
    listed, entry = concept.codes, lexicon.codes.get(concept.codes.name, {})
    words = word_map(listed, entry)
    if digest.labels:
        return _labelled(name, texts, digest.labels, listed, words)
    bare = [text for text, _ in texts]
    missing = {
        text: why for text, why in entry.get("missing", {}).items() if text in bare and text not in listed.labels
    }
    left = [text for text in bare if text not in missing]
    fits = [coding for coding in entry.get("codings", ()) if set(left) <= set(coding["codes"])]
    fits = sorted(fits, key=lambda coding: kind not in coding.get("kinds", ()))
    if left and fits:
        return _numbered(name, left, fits, missing, listed)
    mapped = {text: code for text in left if (code := words.get(label_key(text)) or listed.canonical(text)) is not None}
    stray = [(text, n) for text, n in texts if text not in mapped and text not in missing]
    doubts: list[Said] = []
    alike = {text: code for text, _ in stray if (code := _alike(label_key(text), words)) is not None}
    if alike:
        mapped |= alike
        stray = [(text, n) for text, n in stray if text not in alike]
        doubts.append(_by_likeness(name, [(text, n) for text, n in texts if text in alike], alike, listed))
    if stray:
        doubts.append(_stray(name, stray, digest))
    needed = any(listed.canonical(text) != code for text, code in mapped.items())
    if not mapped or not needed:
        return Coded({}, missing, None, tuple(doubts))
    why = Said("写法与代码表的标签对应", "the wording stands for labels of the code list")
    return Coded(dict(sorted(mapped.items())), missing, why, tuple(doubts))


def word_map(listed: CodeList, entry: Mapping[str, Any]) -> dict[str, str]:
    """Give folded word → canonical code, from official labels and the pack's further words."""
    out = {label_key(word): code for word, code in listed.aliases.items()}
    for code, words in entry.get("words", {}).items():
        for word in words:
            out.setdefault(label_key(word), code)
    return out


def _alike(text: str, words: Mapping[str, str]) -> str | None:
    """Give the code whose word is like a text: one that it holds or is held by, or that shares most of its pairs.

    None where words of two codes are nearly as like.
    """
    if len(text) < 2 or not any("\u4e00" <= char <= "\u9fff" for char in text):
        return None
    best: dict[str, float] = {}
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    for word, code in words.items():
        shared = len(pairs & {word[i : i + 2] for i in range(len(word) - 1)})
        like = 2 * shared / max(1, len(pairs) + len(word) - 1)
        if len(word) > 1 and (word in text or text in word):
            like = max(like, 0.4 + 0.5 * min(len(word), len(text)) / max(len(word), len(text)))
        best[code] = max(best.get(code, 0.0), like)
    order = sorted(best.values(), reverse=True)
    if not order or order[0] < 0.5 or (len(order) > 1 and order[1] > order[0] - 0.15):
        return None
    return max(best, key=lambda code: best[code])


def _by_likeness(name: str, texts: Sequence[tuple[str, int]], alike: Mapping[str, str], listed: CodeList) -> Said:
    told = [text for text, n in texts[:10] if n >= _SHOWN and len(text) <= 12]
    zh = "、".join(f"{text}→{listed.labels[alike[text]].zh}" for text in told)
    en = ", ".join(f"{text} → {listed.labels[alike[text]].en}" for text in told)
    return Said(
        f"“{name}”：有 {len(texts)} 种写法只按近似对应{f'（{zh}）' if zh else ''}，请核对 codes。",
        f"“{name}”: {len(texts)} of its texts stand for codes only by likeness{f' ({en})' if en else ''}: check codes.",
    )


def _labelled(
    name: str, texts: Sequence[tuple[str, int]], labels: Mapping[str, str], listed: CodeList, words: Mapping[str, str]
) -> Coded:
    """Take the codes that the file itself explains."""
    codes: dict[str, str] = {}
    lost: list[tuple[str, int]] = []
    explained = {plain(text): label for text, label in labels.items()}
    counts = dict(texts)
    for text in dict.fromkeys([*explained, *counts]):
        label = explained.get(text, text)
        code = words.get(label_key(label)) or listed.canonical(plain(label))
        if code is not None:
            codes[text] = code
        elif text in counts:
            lost.append((text, counts[text]))
    doubts = (_unknown_codes(name, lost),) if lost else ()
    if all(listed.canonical(text) == code for text, code in codes.items()):
        return Coded({}, {}, None, doubts)
    return Coded(
        dict(sorted(codes.items())), {}, Said("按文件自带的值标签", "as the file's own value labels say"), doubts
    )


def _numbered(
    name: str, left: Sequence[str], fits: Sequence[Mapping[str, Any]], missing: Mapping[str, str], listed: CodeList
) -> Coded:
    """Take the first numbering that fits, and say so where another would read the same digits otherwise."""
    first = {text: fits[0]["codes"][text] for text in left}
    others = [coding for coding in fits[1:] if any(coding["codes"][text] != first[text] for text in left)]
    doubts: tuple[Said, ...] = ()
    if others:
        zh = "；或者".join(f"{coding['source']}" for coding in [fits[0], *others])
        doubts = (
            Said(
                f"“{name}”：同样的数字有相反的编法：{zh}。现按第一种，请向部门核实。",
                f"“{name}”: the same digits are numbered in contrary ways: {zh}. "
                "The first is taken; ask the department.",
            ),
        )
    if all(listed.canonical(text) == code for text, code in first.items()):
        return Coded({}, missing, None, doubts)
    why = Said(f"按 {fits[0]['source']} 的编法", f"as numbered in {fits[0]['source']}")
    return Coded(dict(sorted(first.items())), missing, why, doubts)


def _boolean(name: str, texts: Sequence[tuple[str, int]], digest: Digest, lexicon: Lexicon) -> Coded:
    yes, no = set(lexicon.values["yes"]), set(lexicon.values["no"])
    bare = [text for text, _ in texts]
    if not bare:
        return Coded()
    if digest.labels:
        labelled = {plain(text): label_key(label) for text, label in digest.labels.items()}
        codes = {t: "1" if w in yes else "0" for t, w in labelled.items() if w in yes or w in no}
        if codes and not all(is_yes_or_no(text) == (code == "1") for text, code in codes.items()):
            return Coded(codes, {}, Said("按文件自带的值标签", "as the file's own value labels say"))
        return Coded()
    if all(is_yes_or_no(text) is not None for text in bare):
        return Coded()
    if set(bare) == {"1", "2"}:
        doubt = Said(
            f"“{name}”：1 和 2 按“1 是、2 否”理解，请向部门核实。",
            f"“{name}”: 1 and 2 are taken as 1 yes, 2 no; ask the department.",
        )
        return Coded({"1": "1", "2": "0"}, {}, Said("表格中常见的编法", "a usual numbering of forms"), (doubt,))
    codes = {text: "1" if label_key(text) in yes else "0" for text in bare if label_key(text) in yes | no}
    stray = [(text, n) for text, n in texts if text not in codes]
    doubts = (_stray(name, stray, digest),) if stray else ()
    if not codes:
        return Coded({}, {}, None, doubts)
    return Coded(dict(sorted(codes.items())), {}, Said("写法即是或否", "the words say yes or no"), doubts)


def is_yes_or_no(text: str) -> bool | None:
    """Say how intake itself reads a text of a boolean column; None where it does not know it."""
    key = plain(text).upper()
    return True if key in YES else False if key in NO else None


def _told(texts: Sequence[tuple[str, int]]) -> str:
    """Give the texts that enough rows hold; rare ones may be about one person."""
    return "、".join(text for text, n in texts[:10] if n >= _SHOWN and len(text) <= 12)


def _stray(name: str, stray: Sequence[tuple[str, int]], digest: Digest) -> Said:
    share = sum(n for _, n in stray) / max(1, sum(n for _, n in digest.texts))
    told = _told(stray)
    return Said(
        f"“{name}”：{share:.1%} 的值不知对应代码表的哪一项{f'（如 {told}）' if told else ''}，"
        "请补写 codes 或 missing。",
        f"“{name}”: {share:.1%} of the values stand for no code that is known{f' (such as {told})' if told else ''}: "
        "add them to codes or missing.",
    )


def _unknown_codes(name: str, lost: Sequence[tuple[str, int]]) -> Said:
    told = _told(lost)
    return Said(
        f"“{name}”：有的取值在文件的值标签里没有说明{f'（如 {told}）' if told else ''}。",
        f"“{name}”: some values have no label in the file{f' (such as {told})' if told else ''}.",
    )
