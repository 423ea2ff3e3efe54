"""Everything that can go wrong by a user's hand, as one tree.

::

    CommonGroundError               1
    ├── CityError                  10   the city's folder or city.toml
    ├── ContractError              11   a contract: typo, unknown concept, unknown code
    ├── DeliveryError              12   a delivered file: missing, unreadable, empty, other columns
    ├── ConservationError          13   rows in a file are not all accounted for
    ├── DefinitionError            14   a definition: syntax, unit, unknown name, failed test
    ├── StudyError                 15   a study's specification, or too little data for it
    ├── DisclosureError            16   an output that may not leave
    ├── AccessError                17   a role that may not do this
    ├── StorageError               18   no space, no permission, a damaged file
    ├── LedgerError                19   the chain of records does not verify
    ├── EngineError                20   a query engine that is absent or refuses
    ├── AddressError               21   an address or port that cannot be listened on
    └── LinkError                  22   a decision about a link: one that contradicts another or an identity number

Words of the command line that cannot be understood (an unknown command, option or value) end with 2.

Each says what happened, where, why, and what to do, in Chinese and English. The number is the exit code of the
command, so that a caller without access to the logs knows the kind. Anything outside this tree is a defect of
CommonGround and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """One thing said in both languages."""

    zh: str
    en: str

    def __call__(self, lang: str) -> str:
        """Give the text in ``lang`` ("zh" or "en")."""
        return self.zh if lang == "zh" else self.en


class CommonGroundError(Exception):
    """A fault that the user can mend; shown without a traceback.

    Parameters
    ----------
    what : Said
        What happened.
    why : Said, optional
        Why that is a fault.
    todo : Said, optional
        What to do about it.
    where : str
        File, sheet, row, column or key; the same in both languages.
    """

    exit_code = 1

    def __init__(self, what: Said, *, why: Said | None = None, todo: Said | None = None, where: str = "") -> None:
        self.what, self.why, self.todo, self.where = what, why, todo, where
        super().__init__(self.message("en"))

    def message(self, lang: str) -> str:
        """Give the whole message in one language, a line for each part."""
        head = ("位置：", "原因：", "办法：") if lang == "zh" else ("Where: ", "Why: ", "What to do: ")
        parts = [self.what(lang)]
        if self.where:
            parts.append(head[0] + self.where)
        if self.why:
            parts.append(head[1] + self.why(lang))
        if self.todo:
            parts.append(head[2] + self.todo(lang))
        return "\n".join(parts)

    def to_dict(self) -> dict[str, object]:
        """Give the fault as plain values, for ``--json``."""

        def both(said: Said | None) -> dict[str, str] | None:
            return None if said is None else {"zh": said.zh, "en": said.en}

        return {
            "error": type(self).__name__,
            "exit_code": self.exit_code,
            "what": both(self.what),
            "where": self.where,
            "why": both(self.why),
            "todo": both(self.todo),
        }


class CityError(CommonGroundError):
    """The city's folder or city.toml."""

    exit_code = 10


class ContractError(CommonGroundError):
    """A contract: typo, unknown concept, unknown code."""

    exit_code = 11


class DeliveryError(CommonGroundError):
    """A delivered file: missing, unreadable, empty, other columns than its contract says."""

    exit_code = 12


class ConservationError(CommonGroundError):
    """Rows in a file are not all accounted for."""

    exit_code = 13


class DefinitionError(CommonGroundError):
    """A definition: syntax, unit, unknown name, failed test."""

    exit_code = 14


class StudyError(CommonGroundError):
    """A study's specification, or too little data for it."""

    exit_code = 15


class DisclosureError(CommonGroundError):
    """An output that may not leave."""

    exit_code = 16


class AccessError(CommonGroundError):
    """A role that may not do this."""

    exit_code = 17


class StorageError(CommonGroundError):
    """No space, no permission, or a damaged file."""

    exit_code = 18


class LedgerError(CommonGroundError):
    """The chain of records does not verify."""

    exit_code = 19


class EngineError(CommonGroundError):
    """A query engine that is absent or refuses."""

    exit_code = 20


class AddressError(CommonGroundError):
    """An address or port that cannot be listened on."""

    exit_code = 21


class LinkError(CommonGroundError):
    """A decision about a link: one that contradicts another, or two identity numbers, or is not there."""

    exit_code = 22


def did_you_mean(name: str, known: Iterable[str]) -> Said:
    """Name the nearest known names, to end a message about an unknown one."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return Said(f"是否想写：{'、'.join(near)}？", f"Did you mean {', '.join(near)}?")
    return Said(f"可用的有：{'、'.join(names[:30])}", f"Known: {', '.join(names[:30])}")
