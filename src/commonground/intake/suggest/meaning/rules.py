"""The further keys of a column's rule: codes, missing texts, unit, order of dates, pattern."""

from __future__ import annotations

from collections.abc import Sequence

from commonground.errors import Said
from commonground.intake.model import Pack
from commonground.intake.suggest.meaning.lexicon import Lexicon
from commonground.intake.suggest.meaning.values import Digest
from commonground.intake.suggest.model import ColumnProposal


def settle(
    columns: Sequence[ColumnProposal], digests: Sequence[Digest], pack: Pack, lexicon: Lexicon
) -> tuple[list[ColumnProposal], list[Said]]:
    """Add to each proposal what its rule must say, and collect what a person must decide."""
    return list(columns), []
