"""The return sheet's main path: faults to items, items to sheets, answers and later deliveries to closings."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import DeliveryError, Said, did_you_mean
from commonground.files import storage_errors, write_atomically
from commonground.governance import Ledger, transfer
from commonground.governance.events import Kind
from commonground.governance.vault import Vault
from commonground.intake.contract import load_contracts
from commonground.intake.returns import answers, layer, match, register
from commonground.intake.returns.answers import Sent
from commonground.intake.returns.checked import find_checked
from commonground.intake.returns.content import DAYS, Content, make_content
from commonground.intake.returns.faults import find_faults
from commonground.intake.returns.model import Fault, Item
from commonground.intake.returns.register import Fate, Register
from commonground.intake.returns.replaced import find_replaced
from commonground.intake.returns.shown import gate
from commonground.intake.returns.stopped import enter, stopped_at
from commonground.intake.returns.workbook import draw, draw_summary

if TYPE_CHECKING:
    from commonground.intake.model import IntakeResult

FOLDER = "sheets"
"""Folder of the vault where return sheets lie as workbooks, until they are handed over or to be destroyed."""
AUTHORITY = "退回交付部门核对更正 returned to the department that delivered it"


@dataclass(frozen=True)
class Made:
    """A return sheet that was made."""

    identity: str
    department: str
    dataset: str
    delivery: str
    items: int
    unlisted: int
    path: Path
    summary: Path
    destroy_by: dt.date
    new: bool

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            **self.__dict__,
            "path": str(self.path),
            "summary": str(self.summary),
            "destroy_by": str(self.destroy_by),
        }


def refresh(city: City, result: IntakeResult, faults: Sequence[Fault] | None = None) -> dict[str, Register]:
    """Bring the registers of all datasets up to what intake found.

    Parameters
    ----------
    faults : sequence of Fault, optional
        Those that a comparison with other records found, all of them (reason ``compared``, text as delivered here,
        never the other's); not given, items about such stay as they are.
    """
    by_name: dict[str, list[Fault]] = {name: [] for name in result.contracts}
    for fault in [*find_faults(result, city.settings), *find_checked(result, city), *(faults or ())]:
        by_name.setdefault(fault.name, []).append(fault)
    with register.alone(city):
        return _refreshed(city, result, by_name, compared=faults is not None)


def _refreshed(
    city: City, result: IntakeResult, by_name: Mapping[str, list[Fault]], *, compared: bool
) -> dict[str, Register]:
    """Bring the registers up to faults by dataset."""
    vault = Vault(city)
    with Ledger(city) as ledger:
        now = ledger.clock()
    given = _given(vault)
    out = {}
    for name in sorted(by_name):
        book = register.load(vault, name)
        asked = {fault.key: fault for fault in by_name[name]}
        asked |= {item.key: item.fault for item in book.unsettled}
        replaced = find_replaced(files_of(result, name))
        accepted = {
            item.key: item for item in book.items.values() if item.via == "as_is" and _place(item.fault) in replaced
        }
        asked |= {key: item.fault for key, item in accepted.items()}
        fates = _fates(result, name, list(asked.values()), by_name[name], replaced)
        fates = _still_accepted(vault, accepted, fates)
        corrected = {item.key: given[name, item.number] for item in book.unsettled if (name, item.number) in given}
        before = dict(book.items)
        register.update(book, by_name[name], fates, corrected, now, compared=compared)
        if book.items != before:
            _tell(city, name, before, book)
            register.save(vault, book)
        if book.items:
            out[name] = book
    return out


def _tell(city: City, name: str, before: Mapping[int, Item], book: Register) -> None:
    """Write into the ledger how many items of a dataset were settled, and by what."""
    from commonground.governance import current_actor

    settled = Counter(
        item.via for number, item in book.items.items() if item.settled and before.get(number, item).state != item.state
    )
    if settled:
        with Ledger(city) as ledger:
            ledger.append(Kind.RETURN_CLOSED, current_actor(), name.replace(".", "/", 1), {"via": dict(settled)})


def _fates(
    result: IntakeResult,
    name: str,
    asked: Sequence[Fault],
    now: Sequence[Fault],
    replaced: Mapping[tuple[str, str], tuple[str, str]],
) -> dict[str, Fate]:
    """Say what became of faults, with only the columns in memory that rows are known by."""
    import pyarrow as pa

    contract = result.contracts[name]
    days = {delivery for delivery, _ in files_of(result, name)}
    fixed = any(fault.scope == "value" and match.fixed(contract, fault.concept) for fault in asked)
    if name not in result.tables or not asked or not (replaced or (fixed and len(days) > 1)):
        return {}
    wanted = {fault.concept for fault in asked}
    slim = []
    for part in result.parts(name):
        needed = {c for tier in match.tiers(contract, part.column_names) for c in tier} | wanted | {"name"}
        slim.append(part.select([c for c in part.column_names if c in match.PLACE or c in needed]))
    return match.fates(asked, now, pa.concat_tables(slim), contract, replaced)


def _place(fault: Fault) -> tuple[str, str]:
    return (fault.delivery, fault.file)


def _still_accepted(vault: Vault, accepted: Mapping[str, Item], fates: dict[str, Fate]) -> dict[str, Fate]:
    """Carry “right as delivered” over to a corrected file that holds the same text in the same row."""
    if not accepted:
        return fates
    said = {(one.dataset, one.item): one for held in layer.load(vault).values() for one in held if one.kind == "as_is"}
    carried: list[layer.Correction] = []
    out = {key: fate for key, fate in fates.items() if key not in accepted}
    for key, item in accepted.items():
        fate, before = fates.get(key), said.get((item.fault.name, item.number))
        if fate is None or fate.fault is None or before is None or fate.fault.text != before.text:
            continue
        if fate.fault.key != key:
            out[key] = replace(fate, accepted=True)
            new = fate.fault
            moved = replace(before, sha256=new.sha256, sheet=new.sheet, column=new.column)
            carried.append(replace(moved, rows=new.rows, numbers=new.numbers))
    if carried:
        layer.add(vault, carried)
    return out


def files_of(result: IntakeResult, name: str) -> set[tuple[str, str]]:
    """Give delivery and file of the files of a dataset that were read, replaced ones too."""
    return {
        (row["delivery"], row["file"])
        for row in result.conservation.to_pylist()
        if row["status"] in ("read", "replaced") and f"{row['department']}.{row['dataset']}" == name
    }


def fingerprint(city: City) -> str:
    """Give a text that changes with the corrections that hold: part of what a version is made of."""
    return layer.fingerprint(Vault(city))


def _given(vault: Vault) -> dict[tuple[str, int], str]:
    """Give dataset and number of the items that return sheets corrected, with the sheet."""
    return {(one.dataset, one.item): one.identity for held in layer.load(vault).values() for one in held}


def make(
    city: City,
    result: IntakeResult,
    *,
    actor: str,
    dataset: str = "",
    delivery: str = "",
    destroy_by: dt.date | None = None,
    faults: Sequence[Fault] | None = None,
) -> list[Made]:
    """Write the return sheets of all deliveries about which something is to be asked, or of one.

    Raises
    ------
    AccessError
        ``actor`` may not hand files over.
    DeliveryError
        There is no such dataset or delivery.
    """
    transfer.require(city, Kind.RETURN_SHEET, actor)
    registers = refresh(city, result, faults)
    _known(result, dataset, delivery)
    with Ledger(city) as ledger:
        now = ledger.clock()
    destroy_expired(city, now.date())
    until = destroy_by or now.date() + dt.timedelta(days=DAYS)
    out = []
    with register.alone(city):
        for name in registers:
            if dataset not in ("", name):
                continue
            book = register.load(Vault(city), name)
            by_delivery: dict[str, list[Item]] = {}
            for item in book.unsettled:
                by_delivery.setdefault(item.fault.delivery, []).append(item)
            for day, items in sorted(by_delivery.items()):
                if delivery in ("", day):
                    content = make_content(city, result.contracts[name], day, items, now.date(), until)
                    out.append(_write(city, book, content, items, actor, now))
            register.save(Vault(city), book)
    return out


def make_stopped(
    city: City,
    error: DeliveryError,
    *,
    actor: str,
    dataset: str = "",
    delivery: str = "",
    destroy_by: dt.date | None = None,
) -> Made | None:
    """Write the return sheet of the one file at which intake stopped; None where the error is about no such file.

    Items about other files stay as they are: nothing is known of them before intake has read everything.

    Raises
    ------
    AccessError
        ``actor`` may not hand files over.
    """
    transfer.require(city, Kind.RETURN_SHEET, actor)
    fault = stopped_at(city, error)
    if fault is None or dataset not in ("", fault.name) or delivery not in ("", fault.delivery):
        return None
    with Ledger(city) as ledger:
        now = ledger.clock()
    until = destroy_by or now.date() + dt.timedelta(days=DAYS)
    contract = load_contracts(city)[fault.name]
    with register.alone(city):
        book, item = enter(city, fault, now)
        content = make_content(city, contract, fault.delivery, [item], now.date(), until)
        made = _write(city, book, content, [item], actor, now)
        register.save(Vault(city), book)
    return made


def _known(result: IntakeResult, dataset: str, delivery: str) -> None:
    known = {f"{r['department']}.{r['dataset']}": set() for r in result.conservation.to_pylist()}  # type: dict[str, set[str]]
    for row in result.conservation.to_pylist():
        known[f"{row['department']}.{row['dataset']}"].add(row["delivery"])
    if dataset and dataset not in known:
        raise DeliveryError(
            Said(f"没有数据集“{dataset}”。", f"There is no dataset “{dataset}”."),
            where="--dataset",
            todo=did_you_mean(dataset, known),
        )
    days = set().union(*(days for name, days in known.items() if dataset in ("", name)))
    if delivery and delivery not in days:
        raise DeliveryError(
            Said(f"没有交付“{delivery}”。", f"There is no delivery “{delivery}”."),
            where="--delivery",
            todo=did_you_mean(delivery, days),
        )


def _write(city: City, book: Register, content: Content, items: Sequence[Item], actor: str, now: dt.datetime) -> Made:
    """Write one sheet and its summary, keep what was sent, and record that it leaves."""
    vault = Vault(city)
    folder = city.vault / FOLDER / content.department / content.dataset
    name = f"{content.dataset}_{content.delivery}_{content.identity}.xlsx"
    path, summary = folder / f"退回核对单_{name}", folder / f"汇总_{name}"
    new = answers.sent_as(vault, content.identity) is None or not path.is_file()
    listed = {line.number for line in content.lines}
    if new:
        with storage_errors(folder):
            for part in (city.vault, city.vault / FOLDER, folder.parent, folder):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            for target, drawn in ((path, draw(content)), (summary, draw_summary(content, gate(city)))):
                write_atomically(target, drawn)
                target.chmod(0o600)
        faults = {item.number: item.fault for item in items if item.number in listed}
        sent = Sent(
            content.identity,
            content.department,
            content.dataset,
            content.delivery,
            content.destroy_by.isoformat(),
            content.lines,
            content.places,
            faults,
        )
        more = {"delivery": content.delivery, "dataset": content.dataset, "sheet": content.identity}
        more |= {"items": str(len(listed)), "destroy_by": content.destroy_by.isoformat()}
        transfer.record(
            city,
            kind=Kind.RETURN_SHEET,
            recipient=content.department,
            authority=AUTHORITY,
            files=[path],
            actor=actor,
            more=more,
        )
        answers.keep(vault, sent)  # last: a sheet counts as made once the ledger has it
    for item in items:
        if item.number in listed and content.identity not in item.sheets:
            at = now.isoformat(timespec="seconds")
            book.put(
                item.told(at, actor, "sent", content.identity, state="sent", sheets=(*item.sheets, content.identity))
            )
    return Made(
        content.identity,
        content.department,
        content.dataset,
        content.delivery,
        len(content.lines),
        content.unlisted,
        path,
        summary,
        content.destroy_by,
        new,
    )


def destroy_expired(city: City, today: dt.date) -> list[Path]:
    """Remove workbooks whose last day has passed; what was sent stays known by its number."""
    vault = Vault(city)
    gone = []
    for path in sorted((city.vault / FOLDER).rglob("*.xlsx")):
        sent = answers.sent_as(vault, path.stem.rpartition("_")[2])
        if sent is None or sent.destroy_by < today.isoformat():
            path.unlink()
            gone.append(path)
    return gone
