"""The waterfall of a pair that somebody names, or that a reviewer has decided: found, explained, recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.errors import AccessError, CityError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import Vault
from commonground.people.compare import FIELDS
from commonground.people.explain import Waterfall
from commonground.people.review import looking, rounds
from commonground.people.review.force import model_in_force
from commonground.people.review.why import explain

if TYPE_CHECKING:
    import pyarrow as pa

_PLACE = re.compile(r"(?P<name>[^/]+\.[^/]+)/(?P<delivery>[^/]+)/(?P<file>.+?)(\[(?P<sheet>[^\]]*)\])?#(?P<row>\d+)")


@dataclass(frozen=True)
class Explained:
    """Why two records were linked or not.

    Attributes
    ----------
    left, right : int
        Records; ``right`` is the one of its person that is closest to ``left``.
    version : int
        Version of the database.
    chosen : bool
        Whether they were linked.
    method : str
        How they were, or would have been, linked.
    probability : float
        After competition with other candidates.
    threshold : float
        Least probability at which a record of this dataset is linked by weight.
    waterfall : Waterfall
        The weights.
    """

    left: int
    right: int
    version: int
    chosen: bool
    method: str
    probability: float
    threshold: float
    waterfall: Waterfall

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        plain = {k: v for k, v in self.__dict__.items() if k != "waterfall"}
        return {**plain, **self.waterfall.to_dict(), "sentence": {lang: self.sentence(lang) for lang in ("zh", "en")}}

    def sentence(self, lang: str) -> str:
        """Say what was decided and why."""
        share, least = (">99.99%" if p > 0.99995 else f"{100 * p:.2f}%" for p in (self.probability, self.threshold))
        if lang == "zh":
            done = "已连接为同一人" if self.chosen else "没有连接"
            return f"{done}。与其他候选比较之后的概率为 {share}；按权重连接的最低概率为 {least}。"
        done = "Linked as one person" if self.chosen else "Not linked"
        return f"{done}. Probability beside the other candidates {share}; links by weight need {least}."


def explain_pair(city: City, ledger: Ledger, left: str, right: str, actor: str) -> Explained:
    """Explain the pair of two records, named by record id or place.

    Raises
    ------
    AccessError
        ``actor`` may not export links.
    CityError
        There is no such record, or the two were never weighed.
    """
    Roles(ledger).require(actor, Permission.LINK_EXPORT)
    version = city.require_current().number
    one, two = (_record(city, version, text) for text in (left, right))
    if one == two:
        raise CityError(
            Said("两边是同一条记录。", "The two are one and the same record."),
            where=str(one),
            todo=Said("请给出两条不同的记录。", "Name two records."),
        )
    row = _row(city, version, one, two)
    key = rounds.key_of(city)
    code = rounds.pair_code(key, f"version {version}", [row["left_record"]], [row["right_record"]])
    ledger.append(Kind.LINK_EXPLAINED, actor, f"version {version}", {"pair": code})
    return _explained(city, version, row)


def explain_task(city: City, ledger: Ledger, identity: str, number: int, actor: str) -> Waterfall:
    """Explain a pair to its reviewer, who has decided all of theirs.

    Raises
    ------
    AccessError
        The pair is not this person's, or pairs are still to be decided.
    """
    made, slot = rounds.assigned(city, ledger, identity, actor)
    mine = looking.task(city, made, slot)
    pair = made.pairs[mine.place(number)]
    if mine.left:
        raise AccessError(
            Said("权重要等您的记录对全部判断之后才能看。", "The weights can be seen once all your pairs are decided."),
            why=Said("先看到机器的权重，会影响后面的判断。", "A weight seen now would colour your next decision."),
            todo=Said(f"还有 {len(mine.left)} 对待判断。", f"Pairs still to be decided: {len(mine.left)}."),
        )
    model = model_in_force(city)
    ledger.append(Kind.LINK_EXPLAINED, actor, made.id, {"pair": pair.code})
    name = f"{pair.left[0]}.{pair.left[1]}"
    return explain(model.model(name), pair.levels, pair.weight, pair.method)


def _explained(city: City, version: int, row: dict[str, Any]) -> Explained:
    model = model_in_force(city)
    name = row["left_source"].partition("/")[0]
    levels: Sequence[int] = [int(row[f"level_{f}"]) for f in FIELDS]
    return Explained(
        row["left_record"], row["right_record"], version, row["chosen"], row["method"], row["probability"],
        model.threshold(name), explain(model.model(name), levels, row["weight"], row["method"]),
    )  # fmt: skip


def _record(city: City, version: int, text: str) -> int:
    """Record id of what somebody named."""
    if text.isdecimal() and len(text) < 19:
        return int(text)
    found = _PLACE.fullmatch(text)
    if found is None:
        raise CityError(
            Said("看不懂记录的写法。", "This does not name a record."),
            where=text,
            todo=Said(
                "写记录号，或写 部门.数据集/交付/文件[工作表]#行号。",
                "Write a record id, or department.dataset/delivery/file[sheet]#row.",
            ),
        )
    department, dataset = found["name"].split(".", 1)
    place = (department, dataset, found["delivery"], found["file"], found["sheet"] or "", int(found["row"]))
    at = rounds.records_at(city, version, [place])
    if place not in at:
        raise CityError(
            Said("当前版本没有这条记录。", "The current version has no such record."),
            where=text,
            todo=Said("行号从表头之下数起，第一行为 1。", "Rows are counted from 1 below the header."),
        )
    return at[place]


def _row(city: City, version: int, left: int, right: int) -> dict[str, Any]:
    """Row of the pair in the version's table: of the two, or of the one and the other's person."""
    import pyarrow as pa
    import pyarrow.compute as pc

    vault = Vault(city)
    both = pa.array([left, right], pa.int64())
    for source in rounds.SOURCES:
        if not vault.has(f"{source}/{version}"):
            continue
        table = vault.read_table(f"{source}/{version}")
        table = table.filter(pc.or_(pc.is_in(table["left_record"], both), pc.is_in(table["right_record"], both)))
        rows: list[dict[str, Any]] = _decoded(table).to_pylist()
        for a, b in ((left, right), (right, left)):
            exact = [r for r in rows if (r["left_record"], r["right_record"]) == (a, b)]
            if exact:
                return exact[0]
        person = _persons(city, version, [r["right_record"] for r in rows] + [left, right])
        for a, b in ((left, right), (right, left)):
            near = [r for r in rows if r["left_record"] == a and person.get(r["right_record"]) == person.get(b, "")]
            if near:
                return near[0]
    raise CityError(
        Said("这两条记录没有留下比对结果。", "There is no weight of these two records."),
        where=f"{left}, {right}",
        why=Said(
            "没有共同之处、未作比较，或权重低于 −10 比特，或都连到别的记录。",
            "They have nothing in common, weigh less than −10 bits, or were each linked to others.",
        ),
        todo=Said(
            "请核对记录号；也可以查看各自连到的记录。", "Check the ids, or ask about the records each was linked to."
        ),
    )


def _decoded(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for name in ("left_source", "right_source", "method"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.string()))
    return table


def _persons(city: City, version: int, records: Sequence[int]) -> dict[int, str]:
    """Person of each record that has one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = Vault(city).read_table(f"links/{version}").select(["record_id", "spine_id"])
    table = table.filter(pc.is_in(table["record_id"], pa.array(sorted(set(records)), pa.int64())))
    return {r["record_id"]: r["spine_id"] for r in table.to_pylist() if r["spine_id"] is not None}
