"""Takes a filled-in return sheet: every answer is judged; good ones enter the correction layer, others stay open."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import DeliveryError, Said
from commonground.governance import Ledger
from commonground.governance.events import Kind
from commonground.governance.vault import Vault
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered
from commonground.intake.file import as_of
from commonground.intake.model import Contract
from commonground.intake.pack import load_pack
from commonground.intake.report import reason_label
from commonground.intake.returns import layer, register
from commonground.intake.returns.answers import LARGEST, Answer, Sent, read_answers
from commonground.intake.returns.faults import one_by_one
from commonground.intake.returns.judge import DEPENDS, Judge
from commonground.intake.returns.layer import Correction
from commonground.intake.returns.model import READ_AS, Fault, Item
from commonground.intake.returns.words import decision

TAKEN = "returns/taken"
RETURN_SHEET, RETURN_REFUSED = "return sheet", "return refused"
"""Statuses of delivered files: a return sheet that came back, and one that could not be taken."""
REFUSED = {
    "decision": Said("“处理”一栏的填法不认识", "the decision is none of the list"),
    "both": Said("既填了更正值，又选了“属实”或“无值”", "a corrected value together with “as it is” or “no value”"),
    "empty": Said("选了“更正”，没有填更正值", "“correct” without a corrected value"),
    "reason": Said("选“属实”要在“说明”写明依据", "“as it is” needs a remark that says why"),
    "file": Said("这一项要另交文件，不能在单上更正", "this one needs a corrected file"),
    "each": Said("各人的值不同，请在“逐行”表逐行填写", "give these row by row on the sheet of rows"),
    "unchanged": Said("更正值与原文相同", "the corrected value is the text as delivered"),
    DEPENDS: Said("怎样读取要看同行其他格，请另交文件", "its reading depends on other cells: deliver a corrected file"),
}
"""Why an answer was not taken, beside the faults that a corrected value may have itself."""


def refusal(reason: str) -> Said:
    """Say why an answer was not taken."""
    return REFUSED.get(reason) or reason_label(reason)


@dataclass
class Taken:
    """What became of a return sheet's answers: numbers of items; ``refused`` says why."""

    identity: str
    department: str
    dataset: str
    delivery: str
    corrected: list[int] = field(default_factory=list)
    no_value: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    new_file: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    before: bool = False

    def counts(self) -> dict[str, int]:
        """Give how many items were answered how."""
        names = ("corrected", "no_value", "accepted", "new_file", "settled", "refused")
        return {name: len(getattr(self, name)) for name in names}


def read_sheet(path: Path) -> bytes:
    """Read a workbook that came back.

    Raises
    ------
    DeliveryError
        It cannot be opened, or is larger than any return sheet.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise OSError(0, "larger than any return sheet")
        return path.read_bytes()
    except OSError as fault:
        raise DeliveryError(
            Said("文件打不开。", "The file cannot be opened."),
            where=str(path),
            why=Said(str(fault.strerror), str(fault.strerror)),
            todo=Said("请检查路径和权限。", "Check the path and the permissions."),
        ) from None


def take(city: City, content: bytes, where: str, actor: str, dataset: str = "") -> Taken:
    """Take a sheet that came back.

    Parameters
    ----------
    content : bytes
        The workbook.
    where : str
        The file, for messages.
    actor : str
        Who takes it in.
    dataset : str
        ``department.dataset`` into whose folder it was put; "" where it was handed over by itself.

    Raises
    ------
    DeliveryError
        It is none that was sent, was changed where it is locked, or is another department's.
    """
    vault = Vault(city)
    sent, answers = read_answers(content, where, vault)
    if dataset and dataset != sent.name:
        raise DeliveryError(
            Said("这份核对单是发给别的数据集的。", "This return sheet is about another dataset."),
            where=where,
            why=Said(f"{sent.identity} 属于 {sent.name}，不是 {dataset}。", f"It is of {sent.name}, not {dataset}."),
            todo=Said("请放到它自己的文件夹。", "Put it into the folder of its own dataset."),
        )
    digest = hashlib.sha256(content).hexdigest()
    with register.alone(city):
        return _take_once(city, vault, sent, answers, digest, actor)


def _take_once(city: City, vault: Vault, sent: Sent, answers: Sequence[Answer], digest: str, actor: str) -> Taken:
    """Take answers unless these very bytes were taken before."""
    if vault.has(f"{TAKEN}/{digest}"):
        told = json.loads(vault.read(f"{TAKEN}/{digest}"))
        refused = {int(number): reason for number, reason in told.pop("refused").items()}
        return Taken(**{**told, "refused": refused, "before": True})
    with Ledger(city) as ledger:
        now = ledger.clock().isoformat(timespec="seconds")
        done = _Taking(city, vault, sent, actor, now).take(answers)
        subject = f"{sent.department}/{sent.dataset}/{sent.delivery}"
        # before it counts as taken: ended in between, the same sheet is taken and recorded once more
        ledger.append(Kind.RETURN_TAKEN, actor, subject, {"sheet": sent.identity, "sha256": digest, **done.counts()})
        vault.write(f"{TAKEN}/{digest}", json.dumps(done.__dict__, ensure_ascii=False).encode())
    return done


class _Taking:
    """One sheet being taken."""

    def __init__(self, city: City, vault: Vault, sent: Sent, actor: str, now: str) -> None:
        self.vault, self.sent, self.actor, self.now = vault, sent, actor, now
        contracts = load_contracts(city)
        self.contract: Contract = contracts[sent.name]
        self.city, self.pack = city, load_pack(city.settings.pack)
        self.register = register.load(vault, sent.name)
        self.layer: list[Correction] = []
        self.done = Taken(sent.identity, sent.department, sent.dataset, sent.delivery)
        self._judges: dict[tuple[str, str], Judge] = {}

    def take(self, answers: Sequence[Answer]) -> Taken:
        """Judge all answers, then write layer and register."""
        by_item: dict[int, list[Answer]] = {}
        for answer in answers:
            by_item.setdefault(answer.number, []).append(answer)
        for number, given in sorted(by_item.items()):
            item = self.register.items.get(number)
            if item is None or item.settled:
                self.done.settled.append(number)
                continue
            whole = next((one for one in given if one.row == 0), Answer(number, 0, "", "", ""))
            rows = {one.row: one for one in given if one.row and one.text}
            self._item(item, whole, rows)
        if self.layer:
            layer.add(self.vault, self.layer)
        register.save(self.vault, self.register)
        return self.done

    def _item(self, item: Item, whole: Answer, rows: Mapping[int, Answer]) -> None:
        fault = self.sent.faults[item.number]
        chosen = decision(whole.decision)
        if chosen is None:
            self._refuse(item, "decision")
        elif whole.text and chosen in ("as_is", "no_value"):
            self._refuse(item, "both")
        elif chosen == "new_file":
            self.done.new_file.append(item.number)
            self._told(item, "new file promised", whole.remark)
        elif chosen == "as_is":
            self._as_is(item, fault, whole)
        elif fault.scope not in ("value", "group"):
            if whole.text or chosen:
                self._refuse(item, "file")
        elif chosen == "no_value":
            self._correct(item, fault, fault.rows, "none", "")
            self._rows(item, fault, rows)
            self.done.no_value.append(item.number)
        elif whole.text or rows:
            self._value(item, fault, whole, rows)
        elif chosen == "correct":
            self._refuse(item, "empty")

    def _value(self, item: Item, fault: Fault, whole: Answer, rows: Mapping[int, Answer]) -> None:
        """Take one value for all rows of an item, and others for single rows."""
        if whole.text and fault.scope == "group" and fault.count > 1 and self._personal(fault.concept):
            self._refuse(item, "each")
            return
        if whole.text:
            why = "unchanged" if whole.text == fault.text.removeprefix(READ_AS) else self._fault_of(fault, whole.text)
            if why:
                self._refuse(item, why)
                return
            self._correct(item, fault, fault.rows, "value", whole.text)
        if self._rows(item, fault, rows):
            self.done.corrected.append(item.number)

    def _rows(self, item: Item, fault: Fault, rows: Mapping[int, Answer]) -> bool:
        """Take values of single rows; tell whether all were good."""
        good = True
        for row, answer in rows.items():
            why = self._fault_of(fault, answer.text)
            if why:
                good = False
                self._refuse(item, why)
            else:
                self._correct(item, fault, (row,), "value", answer.text)
        return good

    def _as_is(self, item: Item, fault: Fault, whole: Answer) -> None:
        """Settle an item whose text is right as delivered; its value is taken where its type allows."""
        if not whole.remark:
            self._refuse(item, "reason")
            return
        if fault.scope in ("value", "group"):
            self._correct(item, fault, fault.rows, "as_is", fault.text)
        self.done.accepted.append(item.number)
        self.register.put(item.told(self.now, self.actor, "accepted", whole.remark, state="accepted", via="as_is"))

    def _correct(self, item: Item, fault: Fault, rows: Iterable[int], kind: str, text: str) -> None:
        numbers = dict(zip(fault.rows, fault.numbers, strict=True))
        chosen = tuple(rows)
        where = {"sha256": fault.sha256, "sheet": fault.sheet, "column": fault.column, "reason": fault.reason}
        told = {"dataset": self.sent.name, "identity": self.sent.identity, "by": self.actor, "at": self.now}
        places = {"rows": chosen, "numbers": tuple(numbers[row] for row in chosen)}
        answer: dict[str, Any] = {**where, **told, **places, "kind": kind, "text": text, "item": item.number}
        self.layer.append(Correction(**answer))

    def _refuse(self, item: Item, reason: str) -> None:
        self.done.refused[item.number] = reason
        self._told(self.register.items[item.number], "refused", reason)

    def _told(self, item: Item, what: str, note: str) -> None:
        self.register.put(item.told(self.now, self.actor, what, note))

    def _personal(self, concept: str) -> bool:
        known = self.pack.concepts.get(concept)
        return known is None or one_by_one(known)

    def _fault_of(self, fault: Fault, text: str) -> str:
        """Give the fault that a corrected text has under the contract, "" for none."""
        place = (fault.delivery, fault.file)
        if place not in self._judges:
            parts: dict[str, Any] = {"department": fault.department, "dataset": fault.dataset}
            found = Delivered(**parts, delivery=fault.delivery, file=fault.file, path=self.city.deliveries)
            day: dt.date = as_of(found, self.contract)[0]
            self._judges[place] = Judge(self.contract, self.pack, self.city.settings, *place, day)
        return self._judges[place].value(fault.column, fault.sheet, text).fault


def collect(city: City, files: Sequence[Delivered]) -> list[Delivered]:
    """Take the return sheets that lie among the deliveries; one that cannot be taken is listed as refused.

    ``commonground returns take`` says why.
    """
    from commonground.governance import current_actor

    out = []
    for found in files:
        if found.status == RETURN_SHEET:
            try:
                take(
                    city,
                    read_sheet(found.path),
                    str(found.path),
                    current_actor(),
                    f"{found.department}.{found.dataset}",
                )
            except DeliveryError:
                found = replace(found, status=RETURN_REFUSED)
        out.append(found)
    return out
