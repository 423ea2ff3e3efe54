"""Sheets of link review: a reviewer's pairs as a workbook, for whoever cannot come to the desk; drawn and taken back.

Each reviewer has a sheet of their own, with numbers, order and line codes of their own, so that one reviewer's sheet
cannot be handed in as another's. What differs stands in 〔brackets〕 and in words.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import AccessError, DeliveryError, Said
from commonground.files import storage_errors, write_atomically
from commonground.governance import transfer
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import Vault
from commonground.intake.returns import book as sheets
from commonground.intake.returns.answers import plain_cell, read_sheets
from commonground.intake.returns.take import read_sheet
from commonground.people.review import looking, rounds
from commonground.people.review.looking import Shown, Task
from commonground.people.review.marks import Piece
from commonground.people.review.rounds import DECISIONS, FOLDER, Round
from commonground.people.review.values import LABELS

README, PAIRS = "说明 Read me", "待复核 Pairs"
LOCKED = 2 + len(LABELS) + 1
"""Locked columns: number, where from, the fields, the line's code."""
AUTHORITY = "link_review"
_IDENTITY = re.compile(r"S\d{8}-[0-9A-F]{12}")
_WORDS = {f"{said.zh} {said.en}": key for key, (_, said) in DECISIONS.items()}
_AGAIN = Said(
    "请在我们发出的复核单上填写后交回，不要改动锁定的格。",
    "Fill in the sheet that was sent and hand it back without changes to locked cells.",
)


@dataclass(frozen=True)
class Sent:
    """A sheet that was made: its number, the file, whose it is, and how many pairs stand on it."""

    identity: str
    path: Path
    round: str
    reviewer: str
    pairs: int
    destroy_by: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {**self.__dict__, "path": str(self.path)}


@dataclass(frozen=True)
class Taken:
    """What became of a sheet's answers: how many were taken, decided before, left blank, or not understood."""

    identity: str
    round: str
    reviewer: str
    decided: int
    before: int
    blank: int
    unclear: tuple[int, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return {**self.__dict__, "unclear": list(self.unclear)}


def make(city: City, ledger: Ledger, made: Round, reviewer: str, actor: str) -> Sent:
    """Write a reviewer's sheet; it is a transfer and stands in the ledger.

    Raises
    ------
    AccessError
        ``actor`` may not, the reviewer is none of the round, or the round is expired or closed.
    DeliveryError
        There is nothing left for this reviewer to decide.
    """
    Roles(ledger).require(actor, Permission.OPEN_LINK_REVIEW)
    person = f"desk:{reviewer.removeprefix('desk:')}"
    if person not in made.reviewers:
        raise AccessError(
            Said(f"批次 {made.id} 的复核员中没有此人。", f"This is no reviewer of round {made.id}."),
            where=person,
            todo=Said(f"复核员：{'、'.join(made.reviewers)}。", f"The reviewers are {', '.join(made.reviewers)}."),
        )
    Roles(ledger).require(person, Permission.REVIEW_LINKS)
    rounds.check_open(made, ledger, actor)
    mine = looking.task(city, made, made.reviewers.index(person))
    if not mine.left:
        raise DeliveryError(
            Said("这位复核员没有待判断的记录对。", "There is nothing left for this reviewer to decide."),
            where=f"{made.id} {person}",
            todo=Said(
                "裁定人的复核单要等两位复核员判断之后才有。", "The third's sheet follows when both have decided."
            ),
        )
    today = ledger.clock().date()
    lines = _lines(city, made, mine)
    identity = f"S{today:%Y%m%d}-{secrets.token_hex(6).upper()}"
    content = draw(city, made, person, identity, lines, today)
    path = rounds.sheet_folder(city, made.id) / f"复核单_{identity}.xlsx"
    with storage_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, content)
        path.chmod(0o600)
    kept = {"round": made.id, "reviewer": person, "numbers": [mine.place(n) for n in mine.left], "lines": lines}
    Vault(city).write(f"{FOLDER}/{made.id}/sheet-{identity}", json.dumps(kept, ensure_ascii=False).encode())
    Vault(city).write(f"{FOLDER}/sheets/{identity}", made.id.encode())
    codes = [made.pairs[mine.place(n)].code for n in mine.left]
    more = {"round": made.id, "sheet": identity, "pairs": codes, "destroy_by": made.until}
    transfer.record(
        city, kind=Kind.LINK_REVIEW_SHEET, recipient=person, authority=AUTHORITY, files=[path], actor=actor, more=more
    )
    return Sent(identity, path, made.id, person, len(lines), made.until)


def _lines(city: City, made: Round, mine: Task) -> list[list[str]]:
    """Locked cells of each line, in the reviewer's own order."""
    both = [looking.shown(city, made, lang) for lang in ("zh", "en")]
    key = rounds.key_of(city)
    out = []
    for number in mine.left:
        place = mine.place(number)
        zh, en = (one[place] for one in both)
        code = rounds.seal_of(key, made.id, mine.slot, made.pairs[place].code, "line")[:8]
        out.append([str(number), f"甲：{zh.left}\n乙：{zh.right}", *_cells(zh, en), code])
    return out


def _cells(zh: Shown, en: Shown) -> list[str]:
    """One cell a field: both values, what differs in brackets, and the difference in words."""
    english = {line.field: line.marked for line in en.lines}
    found = {}
    for line in zh.lines:
        one, two = line.marked, english[line.field]
        words = one.note.zh if one.note.zh == two.note.en else f"{one.note.zh} {two.note.en}"
        found[line.field] = f"甲：{written(one.left)}\n乙：{written(one.right)}\n→ {words}"
    return [found.get(name, "—") for name in LABELS]


def written(pieces: Sequence[Piece]) -> str:
    """Write a value with what differs in brackets."""
    return "".join(f"〔{p.text}〕" if p.differs else p.text for p in pieces) or "—"


_WIDTHS = {"name": 18, "birth": 18, "sex": 9, "id": 26, "student": 26, "school": 20, "class": 16, "place": 30}
_COLUMNS = (
    (Said("编号", "No."), 6),
    (Said("来源", "Source"), 22),
    *((said, _WIDTHS.get(name, 20)) for name, said in LABELS.items()),
    (Said("校验", "Code"), 9),
    (Said("判断", "Decision"), 14),
    (Said("说明", "Remark"), 18),
)
_TITLE = Said(
    "只填右边两列：判断（从列表选）、说明。独立判断，不要与他人商量；看不出的选“看不出”。",
    "Fill in the two columns on the right alone: decision (choose), remark. Decide alone; choose “cannot tell” if so.",
)
_STEPS = (
    Said("每行是两条记录，判断是不是同一个人。", "Each line is two records: are they about one person?"),
    Said(
        "〔〕中是不同的字或数字，箭头后写明怎样不同；• 表示不必看到的数字；只有一方有的项目不列。",
        "What differs stands in 〔brackets〕, and how after the arrow; • is a digit that need not be seen; what one "
        "record alone has is left out.",
    ),
    Said("只凭表上内容判断，不要另查其他资料，不要与其他复核员商量。", "Judge by the sheet alone, and do not confer."),
    Said(
        "不要改动、删除锁定的格；暂时不能判断的留空。",
        "Do not change locked cells; leave blank what you cannot yet decide.",
    ),
    Said(
        "填好后由原渠道交回；期限之前销毁本表。", "Hand it back the way it came; destroy this copy by the date above."
    ),
)


def draw(city: City, made: Round, person: str, identity: str, lines: list[list[str]], day: dt.date) -> bytes:
    """Draw a reviewer's sheet; the same content gives the same bytes."""
    book, buffer, styles = sheets.begin(f"连接复核单 Link review sheet {identity}", city.settings.name, day)
    facts = [
        (Said("城市", "City"), sheets.both(city.settings.name)),
        (Said("复核单号", "Sheet number"), identity),
        (Said("复核批次", "Round"), made.id),
        (Said("复核员", "Reviewer"), person.removeprefix("desk:")),
        (Said("用途", "Purpose"), made.purpose),
        (Said("对数", "Pairs"), f"{len(lines):,}"),
        (Said("编制日期", "Made on"), day.isoformat()),
        (Said("性质", "Marking"), "内部资料，含个人信息，不得外传\nInternal: personal data, not to be passed on"),
        (Said("交回和销毁期限", "Hand back and destroy by"), made.until),
    ]
    sheets.readme(book, README, "连接复核单 Link review sheet", facts, _STEPS, styles)
    words = list(_WORDS)
    lists: list[sheets.List] = [(LOCKED, ["x"] * len(lines), lambda _kind: sheets.choose(words))]
    sheets.fill_in(book, PAIRS, _TITLE, _COLUMNS, lines, LOCKED, styles, lists)
    sheets.mark(book, (identity, made.id))
    book.get_worksheet_by_name(PAIRS).activate()
    book.close()
    return buffer.getvalue()


def take(city: City, ledger: Ledger, file: Path, actor: str) -> Taken:
    """Take a filled-in sheet back: held against what was sent, then its answers become decisions.

    Raises
    ------
    AccessError
        ``actor`` may not, or the round is expired or closed.
    DeliveryError
        It is no sheet that this city sent, damaged, changed where it is locked, or was taken before.
    """
    Roles(ledger).require(actor, Permission.OPEN_LINK_REVIEW)
    content, where = read_sheet(file), str(file)
    found = read_sheets(content, where, (README, PAIRS, sheets.MARK))
    identity = _identity(found)
    vault = Vault(city)
    entry = f"{FOLDER}/sheets/{identity}"
    made = rounds.load(city, vault.read(entry).decode()) if identity and vault.has(entry) else None
    if made is None:
        raise DeliveryError(
            Said("这不是本市发出的连接复核单。", "This is no link review sheet that this city sent."),
            where=where,
            why=Said(f"找不到复核单号 {identity}。", f"There is no sheet {identity}.")
            if identity
            else Said("表中没有复核单号。", "It bears no sheet number."),
            todo=_AGAIN,
        )
    rounds.check_open(made, ledger, actor)
    sent = json.loads(vault.read(f"{FOLDER}/{made.id}/sheet-{identity}"))
    answers = _answers(found.get(PAIRS, []), sent["lines"], f"{where} [{PAIRS}]")
    with rounds.alone(city):
        _once(ledger, made, identity, where)
        return _take(city, ledger, made, sent, identity, content, answers, actor)


def _once(ledger: Ledger, made: Round, identity: str, where: str) -> None:
    for entry in ledger.entries(Kind.LINK_REVIEW_TAKEN, subject=made.id):
        if entry.detail.get("sheet") == identity:
            raise DeliveryError(
                Said("这份复核单已经收过。", "This sheet was taken before."),
                where=where,
                why=Said(
                    f"{identity} 已于 {entry.at[:10]} 收回，判断不再改动。", f"{identity} was taken on {entry.at[:10]}."
                ),
                todo=Said("还有未判断的，请另发一份复核单。", "Make another sheet for what is still to be decided."),
            )


def _take(
    city: City,
    ledger: Ledger,
    made: Round,
    sent: Mapping[str, Any],
    identity: str,
    content: bytes,
    answers: Sequence[str],
    actor: str,
) -> Taken:
    slot = made.reviewers.index(sent["reviewer"])
    before = rounds.decisions(city, made, slot)
    given: dict[int, str] = {}
    unclear, blank, late = [], 0, 0
    for place, line, answer in zip(sent["numbers"], sent["lines"], answers, strict=True):
        word = decision(answer)
        if not answer:
            blank += 1
        elif word is None:
            unclear.append(int(line[0]))
        elif place in before:
            late += 1
        else:
            given[place] = word
    new = looking.record(city, ledger, made, slot, sent["reviewer"], given, identity)
    digest = hashlib.sha256(content).hexdigest()
    done = Taken(identity, made.id, sent["reviewer"], len(new), late, blank, tuple(unclear))
    counts = {"decided": len(new), "before": late, "blank": blank, "unclear": len(unclear)}
    detail = {"sheet": identity, "reviewer": sent["reviewer"], "sha256": digest, **counts}
    ledger.append(Kind.LINK_REVIEW_TAKEN, actor, made.id, detail)
    return done


def decision(text: str) -> str | None:
    """Understand a decision as chosen or typed; None where it is none of the list."""
    word = "".join(text.split()).casefold()
    for key, (_, said) in DECISIONS.items():
        if word in (said.zh, said.en.replace(" ", ""), f"{said.zh}{said.en}".replace(" ", ""), key):
            return key
    return None


def _identity(found: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Find the sheet's number: on the hidden sheet, or where an office program dropped that, on the first."""
    for name in (sheets.MARK, README):
        for row in found.get(name, []):
            for cell in row:
                if _IDENTITY.fullmatch(cell.strip()):
                    return cell.strip()
    return ""


def _answers(rows: Sequence[Sequence[str]], lines: Sequence[Sequence[str]], where: str) -> list[str]:
    """Decision of each line that was sent, "" where it came back blank or not at all."""
    at = {tuple(plain_cell(c) for c in line): i for i, line in enumerate(lines)}
    out, seen, changed = [""] * len(lines), set(), []
    for place, row in enumerate(rows[sheets.HEAD + 1 :], sheets.HEAD + 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = [plain_cell(c) for c in [*row, *[""] * (LOCKED + 2)]]
        line = at.get(tuple(cells[:LOCKED]))
        if line is None or line in seen:
            changed.append(str(place))
            continue
        seen.add(line)
        out[line] = cells[LOCKED]
    if changed:
        raise sheets.locked_changed(
            changed,
            Said("锁定的格被改动过，或同一行出现两次。", "Locked cells were changed, or a line stands twice."),
            where,
            _AGAIN,
        )
    return out
