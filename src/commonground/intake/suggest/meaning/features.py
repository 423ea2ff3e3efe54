"""Evidence as numbers: for every column and every concept, what speaks for and against the pair.

The last concept is "none of the pack's". Features of names come from ``names``, those of values from ``values``;
those of company (kind of dataset, neighbours) are added by ``infer`` when a first guess is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commonground.intake.model import Concept, Pack
from commonground.intake.suggest.meaning.header import Header
from commonground.intake.suggest.meaning.lexicon import Words
from commonground.intake.suggest.meaning.names import NAME_FEATURES, Named
from commonground.intake.suggest.meaning.values import Digest
from commonground.intake.units import factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPECTED = (
    "id", "phone", "student_no", "village_code", "school_code", "pressure", "icd10", "person_name", "pinyin",
    "name_list", "date", "month", "area", "yes_no", "address", "place_name", "province", "school",
    "school_short", "organisation", "clinic", "village_name", "township_name", "grade", "class", "mark",
    "total", "rank", "sequence", "identifier", "grade_letter", "position", "place_list", "code_list",
    "coordinate", "english", "sentence", "number", "list", "text",
)  # fmt: skip
"""What the values of a concept can be expected to look like."""
ALIEN = (
    "id", "mobile", "student_no", "village_code", "school_code", "pressure", "icd10", "person_name",
    "name_list", "date", "date_month", "area", "address", "school", "organisation", "clinic", "village_name",
    "sentence", "sequence", "number", "words", "han", "province", "coordinate",
)  # fmt: skip
"""Shapes so particular that a concept which does not expect them is unlikely."""
_LIKE = {
    "id": {"id"},
    "mobile": {"phone"},
    "student_no": {"student_no", "identifier"},
    "village_code": {"village_code", "area", "identifier"},
    "school_code": {"school_code", "identifier"},
    "person_name": {"person_name", "name_list", "text", "village_name", "school_short", "place_name"},
    "name_list": {"name_list", "text"},
    "date": {"date", "month", "identifier"},
    "date_month": {"date", "month", "identifier", "number", "coordinate"},
    "area": {"area", "identifier", "village_code"},
    "address": {"address", "place_name", "organisation", "school", "clinic", "sentence", "text", "area"},
    "school": {"school", "school_short", "organisation", "text", "sentence"},
    "organisation": {"organisation", "text", "clinic", "sentence"},
    "clinic": {"clinic", "organisation", "text", "sentence"},
    "village_name": {"village_name", "address", "place_name", "text"},
    "sentence": {"sentence", "text", "address", "name_list", "organisation", "place_list", "code_list"},
    "sequence": {"sequence", "identifier", "rank", "exam_no"},
    "number": {
        "number", "mark", "total", "rank", "sequence", "coordinate", "list", "grade", "class", "position", "id",
        "phone", "student_no", "village_code", "school_code", "date", "month", "area", "identifier", "yes_no",
        "grade_letter",
    },
    "province": {"province", "place_name", "address", "area", "text"},
    "coordinate": {"coordinate", "number", "mark", "total"},
    "pressure": {"pressure"},
    "icd10": {"icd10", "identifier", "code_list"},
}  # fmt: skip
OTHERS = ("bias", "exact", "likeness", "best", "empty", "sentence", "nobody", "nameless", "letters", "parts", "strange")
COMPANY = ("kind", "kind_vague", "kind_away", "neighbour_role", "neighbour_none")
FEATURES = (
    *(f"name:{name}" for name in NAME_FEATURES),
    "label:exact",
    "label:likeness",
    "hint:unit",
    *(f"fit:{name}" for name in EXPECTED),
    *(f"poor:{name}" for name in EXPECTED),
    *(f"alien:{name}" for name in ALIEN),
    "typical",
    "list:words",
    "list:codes",
    "exact_poor",
    "few",
    "many",
    "words",
    *(f"none:{name}" for name in OTHERS),
    *(f"company:{name}" for name in COMPANY),
)
"""All evidence, in the order of the weights."""
AT = {name: i for i, name in enumerate(FEATURES)}
_NAMES = slice(0, len(NAME_FEATURES))
_ABBREVIATED = [NAME_FEATURES.index(name) for name in ("code", "initials", "initials_near", "initials_like")]
_SAID = [NAME_FEATURES.index(name) for name in ("likeness", "parts_score")]
_FEW_ROWS = 5


@dataclass(frozen=True)
class Expectation:
    """How a concept's values look: the shapes of which one is enough, and its code list."""

    sort: str
    shapes: tuple[str, ...]
    listed: str = ""


def expectation(concept: Concept, words: Words) -> Expectation:
    """Say what the values of a concept look like, from its type, code list and the pack's ``shape``."""
    shape = words.shape or {"phone": "phone", "address": "address", "name": "person_name"}.get(words.field, "")
    match concept.type:
        case "id":
            return Expectation("id", ("id",))
        case "date":
            return Expectation("date", ("date", "date_wide"))
        case "month":
            return Expectation("month", ("date_month", "date_wide"))
        case "area":
            return Expectation("area", ("area_known", "area", "area_name", "place_name", "address"))
        case "boolean":
            return Expectation("yes_no", ("yes_no",))
        case "pressure":
            return Expectation("pressure", ("pressure",))
        case "code":
            return Expectation("list", (), concept.codes.name if concept.codes else "")
        case "number" | "integer":
            return Expectation(shape or "number", (shape,) if shape not in ("", "mark", "total") else ("number",))
    if concept.name == "name" or words.field == "name":
        shape = words.shape or "person_name"
    if shape in EXPECTED:
        return Expectation(shape, (shape,))
    return Expectation("text", ("han", "english"))


def tensor(
    named: Sequence[Named],
    labelled: Sequence[Named | None],
    headers: Sequence[Header],
    digests: Sequence[Digest],
    pack: Pack,
    words: Sequence[Words],
) -> NDArray[np.float64]:
    """Give the evidence of each column (first axis) for each concept and for none (second) as features (third)."""
    concepts = list(pack.concepts.values())
    expected = [expectation(concept, word) for concept, word in zip(concepts, words, strict=True)]
    out = np.zeros((len(headers), len(concepts) + 1, len(FEATURES)))
    for i, (name, label, header, digest) in enumerate(zip(named, labelled, headers, digests, strict=True)):
        table = out[i]
        table[:-1, _NAMES] = name.features
        if label is not None:
            if label.features[:, _SAID].max() > name.features[:, _SAID].max():
                table[:-1, _NAMES] = label.features
                table[:-1, _ABBREVIATED] = np.maximum(label.features, name.features)[:, _ABBREVIATED]
            exact = label.features[:, [NAME_FEATURES.index("exact"), NAME_FEATURES.index("exact_stem")]].max(axis=1)
            table[:-1, AT["label:exact"]] = exact
            table[:-1, AT["label:likeness"]] = label.likeness
        _hints(table, header, words, concepts)
        if digest.filled:
            _values(table, digest, concepts, words, expected)
        _none(table[-1], name, header, digest)
    return out


def _hints(table: NDArray[np.float64], header: Header, words: Sequence[Words], concepts: Sequence[Concept]) -> None:
    """A unit in brackets speaks for the concepts that are measured in it."""
    for hint in header.hints:
        for k, (word, concept) in enumerate(zip(words, concepts, strict=True)):
            names = {unit.lower().replace("/", "") for unit in (*word.units, concept.unit) if unit}
            if hint.replace("/", "") in names:
                table[k, AT["hint:unit"]] = 1.0


def certainty(digest: Digest) -> float:
    """How much the contents of a column may say: shares of a few different texts count for less (0 to 1)."""
    return min(1.0, len(digest.texts) / _FEW_ROWS)


def _values(
    table: NDArray[np.float64],
    digest: Digest,
    concepts: Sequence[Concept],
    words: Sequence[Words],
    expected: Sequence[Expectation],
) -> None:
    share = dict(digest.share)
    best_words = max((by_word for by_word, _ in digest.lists.values()), default=0.0)
    share["words"] = best_words
    aliens = [(name, share.get(name, 0.0)) for name in ALIEN if share.get(name, 0.0) >= 0.5]
    certain = certainty(digest)
    many = min(1.0, max(0.0, digest.distinct - 25) / 50)
    repeated = float(digest.filled >= 30 and digest.distinctness() < 0.2)
    for k, (concept, word, want) in enumerate(zip(concepts, words, expected, strict=True)):
        row = table[k]
        fit, typical = _fit(digest, concept, word, want)
        row[AT[f"fit:{want.sort}"]] = fit * certain
        row[AT[f"poor:{want.sort}"]] = float(fit < 0.4) * certain
        row[AT["typical"]] = typical * certain
        if fit < 0.3 and row[_NAMES][:5].any():
            row[AT["exact_poor"]] = (0.3 - fit) / 0.3 * certain
        if want.listed:
            by_word, by_code = digest.lists.get(want.listed, (0.0, 0.0))
            row[AT["list:words"]] = by_word * certain
            row[AT["list:codes"]] = by_code * certain * (by_word < 0.5)
        if concept.type in ("code", "boolean"):
            row[AT["many"]] = many
        elif concept.identifying and concept.type in ("text", "id"):
            row[AT["few"]] = repeated
        if word.words is not None:
            total = sum(n for _, n in digest.texts) or 1
            row[AT["words"]] = sum(n for text, n in digest.texts if word.words.search(text)) / total
        for name, value in aliens:
            if name == "han":
                strange = want.sort in _NEVER_HAN
            elif name == "words":
                strange = want.sort != "yes_no" and (not want.listed or digest.lists[want.listed][0] < 0.5 * best_words)
                strange = strange and want.sort not in ("text", "grade_letter", "position", "province")
            else:
                strange = want.sort not in _LIKE.get(name, {name})
            if strange:
                row[AT[f"alien:{name}"]] = value * certain


_NEVER_HAN = frozenset(
    {"id", "phone", "student_no", "village_code", "school_code", "pressure", "icd10", "pinyin", "number", "rank",
     "sequence", "identifier", "coordinate", "english"}
)  # fmt: skip


def _fit(digest: Digest, concept: Concept, words: Words, want: Expectation) -> tuple[float, float]:
    """Give the share of the texts that look as expected, and how usual their numbers are (0: usual, -4: not at all)."""
    if want.listed:
        by_word, by_code = digest.lists.get(want.listed, (0.0, 0.0))
        return max(by_word, by_code), 0.0
    fit = max(
        (digest.share.get(shape, 0.0) * (1.0 if i == 0 else 0.8) for i, shape in enumerate(want.shapes)), default=0
    )
    if want.sort == "text":
        return max(fit, 1.0 - digest.share.get("number", 0.0)), 0.0
    if want.sort == "mark":
        return fit, _marks(digest.numbers)
    if want.sort in ("date", "month") and words.typical and digest.years:
        return fit, usual(float(np.median(digest.years)), words.typical)
    if concept.type not in ("number", "integer") or not len(digest.numbers):
        return fit, 0.0
    inside, fits = _distribution(digest.numbers, concept, words)
    if concept.type == "integer" and digest.share["integer"] < 0.9 * digest.share["number"]:
        fits = min(fits, -2.0)
    return (fit * inside if want.shapes == ("number",) else fit), fits


def _marks(numbers: NDArray[np.float64]) -> float:
    """Say how far numbers look like marks of a paper: from 0 to 100, 120 or 150, spread out, the middle above half."""
    if len(numbers) < _FEW_ROWS:
        return 0.0
    low, middle, high = np.percentile(numbers, [2, 50, 98])
    if low < 0 or high > 150.5 or high < 40 or middle < 25 or high - low < 12:
        return -3.0
    return 0.0


def _distribution(numbers: NDArray[np.float64], concept: Concept, words: Words) -> tuple[float, float]:
    """Give the best unit's share within the concept's range, and how usual the median is."""
    best = (0.0, -4.0)
    for unit in words.units or (concept.unit,):
        times = factor(unit, concept.unit) or 1.0
        scaled = numbers * times
        low, high = concept.range or (-np.inf, np.inf)
        inside = float(np.mean((scaled >= low - 1e-9) & (scaled <= high + 1e-9)))
        fits = 0.0 if words.typical is None else usual(float(np.median(scaled)), words.typical)
        if (inside >= 0.9, fits, inside) > (best[0] >= 0.9, best[1], best[0]):
            best = (inside, fits)
    return best


def usual(middle: float, typical: tuple[float, float, float]) -> float:
    """Give how usual a median is: 0 for the most usual, -4 for what hardly is."""
    low, centre, high = typical
    if low > 0 and high / low > 6:  # counts and money spread by factors
        low, centre, high, middle = (float(np.log(max(v, 1e-6))) for v in (low, centre, high, max(middle, low / 50)))
    side = (high - centre if middle > centre else centre - low) or 1.0
    return -min(4.0, 0.5 * (1.3 * (middle - centre) / side) ** 2)


def _none(row: NDArray[np.float64], name: Named, header: Header, digest: Digest) -> None:
    row[AT["none:bias"]] = 1.0
    row[AT["none:exact"]] = float(name.other_exact)
    row[AT["none:likeness"]] = name.other_likeness**2
    row[AT["none:best"]] = max(0.0, name.other_likeness - float(name.likeness.max(initial=0.0)))
    row[AT["none:empty"]] = float(not digest.filled)
    row[AT["none:sentence"]] = digest.share.get("sentence", 0.0)
    row[AT["none:nobody"]] = float(header.role == "nobody")
    row[AT["none:nameless"]] = float(not header.forms)
    row[AT["none:parts"]] = name.other_parts
    row[AT["none:strange"]] = name.strange
    row[AT["none:letters"]] = float(bool(header.letters))
