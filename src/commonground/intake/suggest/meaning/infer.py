"""From evidence to probabilities: a conditional logit over concepts, the kind of dataset, neighbours, one column each.

The weights are nats of log-odds for a unit of evidence, fitted by ``scripts/fit_suggest`` on made headers and values;
the pack keeps them in ``meaning/weights.toml``. The same weights explain a proposal: an item of evidence is worth its
weight times its value, against the average concept.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from commonground.errors import ContractError
from commonground.intake.suggest.meaning.features import AT, FEATURES
from commonground.intake.suggest.meaning.header import normal
from commonground.intake.suggest.meaning.lexicon import Lexicon
from commonground.packs import pack_folder
from commonground.toml import read_toml

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDS = 3
NO_KIND = ""
"""Name of "none of the kinds" among the probabilities."""
KIND_FEATURES = ("inside", "outside", "lacking", "words", "none", "none:present")
"""Evidence for a kind: usual concepts present (rare ones weigh more), unusual ones, core ones lacking, words."""


@dataclass(frozen=True)
class Weights:
    """Fitted weights, and the two numbers that turn the model's log-odds into a calibrated confidence."""

    vector: NDArray[np.float64]
    slope: float = 1.0
    offset: float = 0.0
    kinds: NDArray[np.float64] = field(default_factory=lambda: np.array([1.2, -1.0, -3.0, 3.0, 0.5, -0.2]))


@dataclass(frozen=True)
class Inferred:
    """What comes out for the columns of a dataset.

    ``probability`` has a row for each column, a column for each concept and a last one for none; ``evidence`` is the
    tensor with the company's features; ``kinds`` the probability of each kind.
    """

    probability: NDArray[np.float64]
    evidence: NDArray[np.float64]
    kinds: dict[str, float]
    chosen: NDArray[np.int64]


@functools.lru_cache(maxsize=4)
def load_weights(pack: str = "china") -> Weights:
    """Read the fitted weights of a pack.

    Raises
    ------
    ContractError
        The file of weights is not readable.
    """
    raw = read_toml(pack_folder(pack) / "meaning" / "weights.toml", ContractError)
    kinds = np.array([float(raw["kinds"][name]) for name in KIND_FEATURES])
    return Weights(as_vector(raw["weights"]), raw["slope"], raw["offset"], kinds)


def as_vector(by_name: Mapping[str, float]) -> NDArray[np.float64]:
    """Order weights by feature; one that is not named weighs nothing."""
    return np.array([float(by_name.get(name, 0.0)) for name in FEATURES])


def softmax(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give probabilities along the last axis."""
    raised = np.exp(score - score.max(axis=-1, keepdims=True))
    out: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return out


def infer(
    evidence: NDArray[np.float64],
    sheets: Sequence[Sequence[int]],
    about: Sequence[str],
    lexicon: Lexicon,
    weights: Weights,
) -> Inferred:
    """Weigh the evidence.

    Parameters
    ----------
    evidence : array (columns, concepts + 1, features)
        From ``features.tensor``; columns in the order in which they stand.
    sheets : sequence of sequences of int
        The columns of each sheet; in a sheet a concept stands once at most.
    about : sequence of str
        Names of files, sheets, dataset and department.
    """
    together = beside(sheets, len(evidence))
    names = list(lexicon.concepts)
    member = membership(names, lexicon)
    words = word_scores(about, lexicon)
    probability = exclusive(softmax(evidence @ weights.vector), together)
    kinds = np.full(len(lexicon.kinds) + 1, 1 / (len(lexicon.kinds) + 1))
    for _ in range(_ROUNDS):
        kinds = softmax(kind_evidence(probability, member, words) @ weights.kinds)
        evidence = add_company(evidence, probability, kinds, lexicon, together)
        probability = exclusive(softmax(evidence @ weights.vector), together)
    chosen = assign(probability, sheets, together)
    return Inferred(probability, evidence, dict(zip([*lexicon.kinds, NO_KIND], kinds.tolist(), strict=True)), chosen)


def membership(names: Sequence[str], lexicon: Lexicon) -> NDArray[np.float64]:
    """Give how usual each concept is in each kind: 1 core, 0.6 often, 0 not."""
    return np.array(
        [
            [1.0 if name in kind.core else 0.6 if name in kind.often else 0.0 for name in names]
            for kind in lexicon.kinds.values()
        ]
    )


def word_scores(about: Sequence[str], lexicon: Lexicon) -> NDArray[np.float64]:
    """Give the share of the names around the data that hold a word of each kind; the longest word of all counts."""
    score = np.zeros(len(lexicon.kinds))
    texts = [normal(text) for text in about if text]
    for text in texts:
        found = [
            max((len(word) for word in (*kind.words, normal(name)) if word and word in text), default=0)
            for name, kind in lexicon.kinds.items()
        ]
        longest = max(found, default=0)
        for j, size in enumerate(found):
            if size:
                score[j] += size / longest / len(texts)
    return np.minimum(1.0, 2.0 * score)


def kind_evidence(
    probability: NDArray[np.float64], member: NDArray[np.float64], words: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the evidence for each kind, and last for none of them; what stands in every kind says little."""
    present = probability[:, :-1].max(axis=0, initial=0.0)
    rarity = np.log(len(member) / np.maximum(0.5, (member > 0).sum(axis=0))) + 0.2
    core = member == 1.0
    out = np.zeros((len(member) + 1, len(KIND_FEATURES)))
    out[:-1, 0] = member @ (present * rarity)
    out[:-1, 1] = (member == 0) @ present
    out[:-1, 2] = (core @ (1.0 - present)) / np.maximum(1, core.sum(axis=1))
    out[:-1, 3] = words
    out[-1, 4:] = 1.0, present.sum()
    return out


def add_company(
    evidence: NDArray[np.float64],
    probability: NDArray[np.float64],
    kinds: NDArray[np.float64],
    lexicon: Lexicon,
    together: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Fill the features of company from a first guess: the kind's usual concepts, the persons of the neighbours."""
    out = evidence.copy()
    names = list(lexicon.concepts)
    usual = kinds[: len(lexicon.kinds)] @ membership(names, lexicon)
    out[:, :-1, AT["company:kind"]] = usual
    vague = np.maximum(evidence[:, :-1, AT["name:vague"]], 1.0 - evidence[:, :-1, AT["name:likeness"]])
    out[:, :-1, AT["company:kind_vague"]] = usual * vague
    out[:, :-1, AT["company:kind_away"]] = (usual < 0.05).astype(float)
    persons = sorted({words.role for words in lexicon.concepts.values() if words.role not in ("", "self")})
    of = np.array([[float(words.role == person) for person in persons] for words in lexicon.concepts.values()])
    speaks = probability[:, :-1] @ of  # columns × persons
    near = np.zeros_like(speaks)
    for step in (-2, -1, 1, 2):
        at = np.arange(len(speaks)) + step
        good = (at >= 0) & (at < len(speaks))
        place = np.clip(at, 0, max(0, len(speaks) - 1))
        good &= together[np.arange(len(speaks)), place] if len(speaks) else good
        near += np.where(good[:, None], speaks[place] * (0.5 if abs(step) == 1 else 0.25), 0.0)
    near = np.minimum(1.0, near)
    out[:, :-1, AT["company:neighbour_role"]] = near @ of.T
    out[:, :-1, AT["company:neighbour_none"]] = (1.0 - near @ of.T) * of.any(axis=1)
    return out


def exclusive(probability: NDArray[np.float64], together: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Let columns of a sheet compete for a concept: each takes it only so far as the others do not."""
    if len(probability) < 2:
        return probability
    own = probability
    others = together & ~np.eye(len(together), dtype=bool)
    for _ in range(2):
        free = np.log1p(-np.minimum(own[:, :-1], 0.9995))
        left = np.exp(others @ free)
        own = probability.copy()
        own[:, :-1] *= left
        own /= np.maximum(own.sum(axis=1, keepdims=True), 1e-12)
    return own


def beside(sheets: Sequence[Sequence[int]], n: int) -> NDArray[np.bool_]:
    """Say which of ``n`` columns stand in one sheet together."""
    together = np.eye(n, dtype=bool)
    for columns in sheets:
        together[np.ix_(columns, columns)] = True
    return together


def assign(
    probability: NDArray[np.float64], sheets: Sequence[Sequence[int]], together: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Give each column its concept, or the last one for none, so that the whole is likeliest and none stands twice.

    Columns that stand in no sheet together may share a concept (a column renamed from one delivery to the next).
    """
    from scipy.optimize import linear_sum_assignment

    n, width = probability.shape
    chosen = np.full(n, width - 1)
    done = np.zeros(n, bool)
    logs = np.log(np.maximum(probability, 1e-9))
    for columns in sorted({tuple(sheet) for sheet in sheets}, key=lambda sheet: (-len(sheet), sheet)):
        group = np.array([i for i in columns if not done[i]], np.int64)
        if not len(group):
            continue
        gain = logs[group, :-1].copy()
        for row, i in enumerate(group.tolist()):
            taken = chosen[done & together[i]]
            gain[row, taken[taken < width - 1]] = -50.0
        none = np.full((len(group), len(group)), -60.0)
        np.fill_diagonal(none, logs[group, -1])
        row, column = linear_sum_assignment(-np.hstack([gain, none]))
        chosen[group[row]] = np.minimum(column, width - 1)
        done[group] = True
    return chosen
