"""Reads a return sheet that came back and holds it against what was sent: the same lines, nothing locked changed."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonground.errors import DeliveryError, Said
from commonground.governance.vault import Vault
from commonground.intake.returns.book import HEAD, MARK, locked_changed
from commonground.intake.returns.content import Line
from commonground.intake.returns.model import Fault
from commonground.intake.returns.workbook import ITEM_LOCKED, ITEMS, README, ROW_LOCKED, ROWS

SENT = "returns/sent"
_NUMBER = re.compile(r"R\d{8}-[0-9A-F]{12}")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd-\uffff\ud800-\udfff]")
_FULL = 32_000
LARGEST = 300_000_000
"""Bytes, unpacked, of a workbook that comes back: far more than any return sheet has."""
_AGAIN = Said(
    "请在我们发出的核对单上填写后交回，不要改动锁定的格。",
    "Fill in the sheet that was sent and hand it back without changes to locked cells.",
)


@dataclass(frozen=True)
class Sent:
    """What the vault keeps of a return sheet that was made."""

    identity: str
    department: str
    dataset: str
    delivery: str
    destroy_by: str
    lines: tuple[Line, ...]
    places: tuple[Line, ...]
    faults: dict[int, Fault]

    @property
    def name(self) -> str:
        """Department and dataset, as tables are named."""
        return f"{self.department}.{self.dataset}"


@dataclass(frozen=True)
class Answer:
    """What was filled in in one line: of an item, or of one row of it (``row`` is not 0)."""

    number: int
    row: int
    decision: str
    text: str
    remark: str


def keep(vault: Vault, sent: Sent) -> None:
    """Seal what was sent."""
    plain = {
        **{name: getattr(sent, name) for name in ("identity", "department", "dataset", "delivery", "destroy_by")},
        "lines": [[line.number, line.row, line.cells] for line in sent.lines],
        "places": [[line.number, line.row, line.cells] for line in sent.places],
        "faults": {str(number): fault.__dict__ for number, fault in sent.faults.items()},
    }
    vault.write(f"{SENT}/{sent.identity}", json.dumps(plain, ensure_ascii=False).encode())


def sent_as(vault: Vault, identity: str) -> Sent | None:
    """Give what was sent under a number, or None."""
    entry = f"{SENT}/{identity}"
    if not _NUMBER.fullmatch(identity) or not vault.has(entry):
        return None
    raw = json.loads(vault.read(entry))
    faults = {
        int(number): Fault(**{**one, "rows": tuple(one["rows"]), "numbers": tuple(one["numbers"])})
        for number, one in raw.pop("faults").items()
    }
    lines, places = (
        tuple(Line(number, row, tuple(cells)) for number, row, cells in raw.pop(name)) for name in ("lines", "places")
    )
    return Sent(**raw, lines=lines, places=places, faults=faults)


def is_return_sheet(path: Path) -> bool:
    """Tell whether a file is a workbook with the mark of a return sheet."""
    if path.suffix.lower() != ".xlsx":
        return False
    try:
        with zipfile.ZipFile(path) as book:
            info = book.getinfo("xl/workbook.xml")
            said = book.read(info) if info.file_size < 1_000_000 else b""
            return any(f'name="{name}"'.encode() in said for name in (MARK, ITEMS))
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False


def read_answers(content: bytes, where: str, vault: Vault) -> tuple[Sent, list[Answer]]:
    """Read a sheet that came back.

    Raises
    ------
    DeliveryError
        It is no return sheet, none that this city sent, or locked cells were changed.
    """
    sheets = read_sheets(content, where, (README, ITEMS, ROWS, MARK))
    identity = _identity(sheets)
    sent = sent_as(vault, identity) if identity else None
    if sent is None:
        raise DeliveryError(
            Said("这不是本市发出的退回核对单。", "This is no return sheet that this city sent."),
            where=where,
            why=Said(
                f"找不到核对单号 {identity}。" if identity else "表中没有核对单号。",
                f"There is no sheet {identity}." if identity else "It bears no sheet number.",
            ),
            todo=_AGAIN,
        )
    answers = _answers(sheets.get(ITEMS, []), sent.lines, ITEM_LOCKED, f"{where} [{ITEMS}]", decides=True)
    answers += _answers(sheets.get(ROWS, []), sent.places, ROW_LOCKED, f"{where} [{ROWS}]", decides=False)
    return sent, answers


def read_sheets(content: bytes, where: str, wanted: Sequence[str]) -> dict[str, list[list[str]]]:
    """Read some sheets of a workbook that came back, as texts.

    Raises
    ------
    DeliveryError
        It is no workbook, damaged, or larger than any that was sent.
    """
    import python_calamine as calamine

    from commonground.intake.readers.cells import cell_text
    from commonground.intake.readers.extents import check_extents
    from commonground.intake.readers.spreadsheet import DAMAGE, calm

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise ValueError("larger than any sheet that was sent")
        check_extents(Path(where), content)  # what comes back may have been made to end the process
        with calm():
            book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
            names = [name for name in book.sheet_names if name in wanted]
            raw = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except (calamine.CalamineError, *DAMAGE) as fault:
        raise DeliveryError(
            Said("交回的表打不开。", "The sheet that came back cannot be opened."),
            where=where,
            why=Said(type(fault).__name__, type(fault).__name__),
            todo=Said("请另存为 xlsx 后再交。", "Save it as xlsx and hand it in again."),
        ) from None
    return {name: [[cell_text(cell) for cell in row] for row in rows] for name, rows in raw.items()}


def plain_cell(cell: str) -> str:
    """Give a cell without what office programs change on the way: line ends, escapes and characters no book holds.

    They write a character that XML lacks as ``_x000D_``, and such a text as ``_x005F_x000D_``.
    """
    text, before = cell, ""
    while text != before:
        before, text = text, _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return _NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:_FULL].strip()


def _identity(sheets: dict[str, list[list[str]]]) -> str:
    """Find the sheet's number: on the hidden sheet, or where an office program dropped that, on the first."""
    for name in (MARK, README):
        for row in sheets.get(name, []):
            for cell in row:
                if _NUMBER.fullmatch(cell.strip()):
                    return cell.strip()
    return ""


def _answers(
    rows: Sequence[list[str]], lines: Sequence[Line], locked: int, where: str, *, decides: bool
) -> list[Answer]:
    """Pair the lines that came back with those that were sent; lines may be gone or in another order."""
    sent = {tuple(map(plain_cell, line.cells)): line for line in lines}
    out: list[Answer] = []
    changed: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for place, row in enumerate(rows[HEAD + 1 :], HEAD + 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = tuple(map(plain_cell, (row + [""] * locked)[:locked]))
        line = sent.get(cells)
        if line is None or cells in seen:
            changed.append(str(place))
            continue
        seen.add(cells)
        given = [plain_cell(cell).strip() for cell in (row + [""] * (locked + 3))[locked : locked + 3]]
        decision, text, remark = given if decides else ("", given[0], given[1])
        if decision or text or remark:
            out.append(Answer(line.number, line.row, decision, text, remark))
    if changed:
        raise locked_changed(changed, Said("锁定的格被改动过。", "Locked cells were changed."), where, _AGAIN)
    return out


def plain(sent: Sent) -> dict[str, Any]:
    """Give what may be told of a sheet: its number and subject."""
    return {"sheet": sent.identity, "department": sent.department, "dataset": sent.dataset, "delivery": sent.delivery}
