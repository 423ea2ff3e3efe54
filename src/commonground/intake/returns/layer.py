"""The correction layer: what departments corrected on return sheets, to be put over the records of their files.

The file itself is never changed, nor what the vault keeps of it. A correction is kept by the hash of the file, sheet,
row and column, so that it holds for that content alone, wherever it lies; ``overlay`` puts it over the records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from commonground.governance.vault import Vault

ENTRY = "returns/corrections"


@dataclass(frozen=True)
class Correction:
    """Cells of one column with the same answer: corrected, left without a value, or accepted as delivered.

    Attributes
    ----------
    sha256, sheet, rows, numbers, column : str, str, tuple of int, tuple of int, str
        The file by its hash, the sheet, physical rows, row numbers and column as the file names them.
    kind : str
        ``value``, ``none`` or ``as_is``.
    text : str
        What stands in place of the text as delivered; of ``as_is`` the text itself.
    reason : str
        The fault that the text as delivered has.
    item, identity, by, at : int, str, str, str
        Number of the item, return sheet, who took it in, when.
    """

    sha256: str
    sheet: str
    rows: tuple[int, ...]
    numbers: tuple[int, ...]
    column: str
    kind: str
    text: str
    reason: str
    dataset: str
    item: int
    identity: str
    by: str
    at: str


def load(vault: Vault) -> dict[str, tuple[Correction, ...]]:
    """Read the layer: hash of a file → its corrections."""
    if not vault.has(ENTRY):
        return {}
    out: dict[str, list[Correction]] = {}
    for raw in json.loads(vault.read(ENTRY)):
        one = Correction(**{**raw, "rows": tuple(raw["rows"]), "numbers": tuple(raw["numbers"])})
        out.setdefault(one.sha256, []).append(one)
    return {digest: tuple(corrections) for digest, corrections in out.items()}


def add(vault: Vault, corrections: Iterable[Correction]) -> None:
    """Put corrections into the layer, after those that are there: of two for one cell the later holds."""
    held = [one for several in load(vault).values() for one in several]
    rows = [asdict(one) for one in (*held, *corrections)]
    vault.write(ENTRY, json.dumps(rows, ensure_ascii=False).encode())


def fingerprint(vault: Vault) -> str:
    """Give a text that changes with the layer: part of what a version is made of; "" without corrections."""
    held = [one for several in load(vault).values() for one in several]
    said = [[one.sha256, one.sheet, one.column, one.rows, one.kind, one.text] for one in held]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest() if said else ""
