"""What each column means: the entry of ``meaning``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from commonground.intake.model import Concept, Pack
from commonground.intake.suggest.meaning import rules, said
from commonground.intake.suggest.meaning.features import tensor
from commonground.intake.suggest.meaning.header import Header, normal, parse
from commonground.intake.suggest.meaning.infer import Inferred, Weights, infer, load_weights
from commonground.intake.suggest.meaning.lexicon import Lexicon, load
from commonground.intake.suggest.meaning.names import Named, NameIndex
from commonground.intake.suggest.meaning.values import Digest, look
from commonground.intake.suggest.model import (
    MOST_SAMPLE,
    MOST_VALUES,
    ColumnProfile,
    ColumnProposal,
    DatasetProposal,
    SheetProfile,
)

SURE_ENOUGH = 0.5
_SHOWN = 4  # alternatives that are told
_SUREST = 0.99  # nothing is told as surer than this: made data cannot show more
_INDEX: dict[int, NameIndex] = {}


@dataclass(frozen=True)
class Table:
    """The columns of a dataset, each name once, with what was seen of them."""

    columns: tuple[ColumnProfile, ...]
    sheets: tuple[tuple[int, ...], ...]
    headers: tuple[Header, ...]
    named: tuple[Named, ...]
    labelled: tuple[Named | None, ...]
    digests: tuple[Digest, ...]


def propose(sheets: Sequence[SheetProfile], pack: Pack, *, dataset: str = "", department: str = "") -> DatasetProposal:
    """Say what the columns of files that hold the same kind of rows mean.

    Parameters
    ----------
    sheets : sequence of SheetProfile
        Sheets of one dataset; columns of one name are taken together.
    pack : Pack
        Concepts, kinds and code lists.
    dataset, department : str
        What folders say, where they say something.

    Returns
    -------
    DatasetProposal
        A proposal for each column name, in the order in which they stand. A concept is named where its probability is
        at least one half; ``confidence`` is calibrated on made data (``scripts/fit_suggest``).
    """
    lexicon, weights = load(), load_weights()
    table = study(sheets, pack, lexicon)
    about = [*(sheet.file for sheet in sheets), *(sheet.sheet for sheet in sheets), dataset, department]
    evidence = tensor(table.named, table.labelled, table.headers, table.digests, pack, list(lexicon.concepts.values()))
    found = infer(evidence, table.sheets, about, lexicon, weights)
    kind, sure = max(found.kinds.items(), key=lambda item: (item[1], item[0]))
    likely = max(lexicon.kinds, key=lambda name: found.kinds[name])
    columns = [_column(i, table, found, lexicon, pack, weights, likely) for i in range(len(table.columns))]
    named = kind if kind and sure >= SURE_ENOUGH and any(column.concept for column in columns) else None
    columns, doubts = rules.settle(columns, table.headers, table.digests, pack, lexicon, named or "")
    return DatasetProposal(
        named,
        sure,
        tuple(sorted(((k, p) for k, p in found.kinds.items() if k), key=lambda item: (-item[1], item[0]))[:_SHOWN]),
        _subject(named, columns, pack),
        lexicon.kinds[named].rows if named else _rows_per_person(columns),
        tuple(sheets),
        tuple(columns),
        tuple(doubts),
    )


def study(sheets: Sequence[SheetProfile], pack: Pack, lexicon: Lexicon, banned: Sequence[frozenset[str]] = ()) -> Table:
    """Bring the columns of sheets together by name, and look at their names and values."""
    columns, places = _merge(sheets)
    index = name_index(lexicon)
    headers = tuple(parse(column.name, lexicon.roles) for column in columns)
    named = index.features(headers, banned)
    told = [i for i, column in enumerate(columns) if column.label and normal(column.label) != normal(column.name)]
    labels = index.features([parse(columns[i].label, lexicon.roles) for i in told]) if told else []
    labelled: list[Named | None] = [None] * len(columns)
    for i, label in zip(told, labels, strict=True):
        labelled[i] = label
    digests = tuple(look(column, lexicon, pack) for column in columns)
    return Table(tuple(columns), places, headers, tuple(named), tuple(labelled), digests)


def name_index(lexicon: Lexicon) -> NameIndex:
    """Give the lexicon's names made ready, once a process."""
    if id(lexicon) not in _INDEX:
        _INDEX[id(lexicon)] = NameIndex(lexicon)
    return _INDEX[id(lexicon)]


def _merge(sheets: Sequence[SheetProfile]) -> tuple[list[ColumnProfile], tuple[tuple[int, ...], ...]]:
    """Take columns of one name together; say which stand in each sheet."""
    by_name: dict[str, list[ColumnProfile]] = {}
    for sheet in sheets:
        for column in sheet.columns:
            by_name.setdefault(column.name or f"#{column.position + 1}", []).append(column)
    at = {name: i for i, name in enumerate(by_name)}
    places = tuple(
        tuple(dict.fromkeys(at[column.name or f"#{column.position + 1}"] for column in sheet.columns))
        for sheet in sheets
    )
    return [_one(profiles) for profiles in by_name.values()], tuple(dict.fromkeys(places))


def _one(profiles: Sequence[ColumnProfile]) -> ColumnProfile:
    if len(profiles) == 1:
        return profiles[0]
    counts: Counter[str] = Counter()
    for profile in profiles:
        counts.update(dict(profile.values))
    share = max(1, MOST_SAMPLE // len(profiles))
    sample = [text for p in profiles for text in p.sample[:: max(1, -(-len(p.sample) // share))]]
    labels = {text: label for p in profiles for text, label in p.value_labels.items()}
    return replace(
        profiles[0],
        rows=sum(p.rows for p in profiles),
        filled=sum(p.filled for p in profiles),
        distinct=max(max(p.distinct for p in profiles), len(counts)),
        values=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]),
        sample=tuple(sample),
        label=next((p.label for p in profiles if p.label), ""),
        value_labels=labels,
        kind=next((p.kind for p in profiles if p.kind), ""),
    )


def _readable(concept: Concept, digest: Digest) -> bool:
    """Tell whether any text of a column can be read as the concept's type: a day is never 0 or 1."""
    texts = [text for text, _ in digest.texts]
    if len(texts) == 0 or concept.type not in ("date", "month", "number", "integer"):
        return True
    if concept.type in ("number", "integer"):
        return any(re.search(r"\d|[零〇一二三四五六七八九十百两]", text) for text in texts)
    return any(re.search(r"\d{4}|\d\D+\d|[一二三四五六七八九十]", text) for text in texts)


def _column(
    i: int, table: Table, found: Inferred, lexicon: Lexicon, pack: Pack, weights: Weights, kind: str
) -> ColumnProposal:
    names = list(lexicon.concepts)
    probability = found.probability[i]
    k = int(found.chosen[i])
    confidence = calibrated(float(probability[k]), weights)
    taken = k < len(names) and confidence >= SURE_ENOUGH and _readable(pack.concepts[names[k]], table.digests[i])
    concept = names[k] if taken else None
    order = [int(j) for j in np.argsort(-probability[:-1], kind="stable")[: _SHOWN + 1]]
    alternatives = tuple(
        (names[j], round(float(probability[j]), 3)) for j in order if names[j] != concept and probability[j] >= 0.02
    )
    if concept is None:
        confidence = 1.0 - calibrated(float(probability[:-1].max()), weights)
    shown = k if k < len(names) else order[0]
    evidence = said.evidence(i, shown, table, found, lexicon, pack, weights, kind)
    shown_confidence = min(_SUREST, round(confidence, 3))
    return ColumnProposal(table.columns[i], concept, shown_confidence, evidence, alternatives[:_SHOWN])


def calibrated(probability: float, weights: Weights) -> float:
    """Turn the model's probability into a confidence that means what it says (Platt 1999)."""
    inside = min(max(probability, 1e-6), 1 - 1e-6)
    score = weights.slope * float(np.log(inside / (1 - inside))) + weights.offset
    return float(1 / (1 + np.exp(-score)))


def _subject(kind: str | None, columns: Sequence[ColumnProposal], pack: Pack) -> str:
    """Say whose person a row is about: the kind's, or the role of the one name or number that is there."""
    if kind is not None:
        return pack.kinds[kind].subject
    roles = {
        pack.concepts[c.concept].role
        for c in columns
        if c.concept and pack.concepts[c.concept].field in ("name", "id_no")
    }
    return "self" if "self" in roles else "head" if "head" in roles else ""


def _rows_per_person(columns: Sequence[ColumnProposal]) -> str:
    """Tell from the distinctness of identity numbers whether a person stands once or several times."""
    for column in columns:
        if column.concept in ("id_no", "student_no", "head_id") and column.column.filled:
            return "one" if column.column.distinct >= 0.97 * column.column.filled else "many"
    return "one"
