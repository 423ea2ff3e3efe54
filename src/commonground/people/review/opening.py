"""Opens a round of review: draws its pairs, keeps what reviewers will see, writes it into the ledger."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commonground.city import City
from commonground.errors import AccessError, CityError, CommonGroundError, Said, did_you_mean
from commonground.governance import guard
from commonground.governance.accounts import Accounts
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import Vault
from commonground.intake import load_pack
from commonground.people.compare import FIELDS
from commonground.people.places import PLACE, Place
from commonground.people.review import rounds
from commonground.people.review.design import Strata, draw, stratify
from commonground.people.review.rounds import FOLDER, Pair, Round
from commonground.people.review.values import compare_values, read_values

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.intake.model import IntakeResult

PAIRS = 200
"""Pairs of a round, unless said otherwise."""
MOST = 5000
"""Pairs of a round at most: more than three people look at with care."""
DAYS = 30
"""Days that a round may last, unless said otherwise."""
LONGEST_DAYS = 180
LONGEST_PURPOSE = 200


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: who looks, why, how many pairs, until when, from where, by which groups."""

    reviewers: tuple[str, str, str]
    purpose: str
    pairs: int = PAIRS
    until: dt.date | None = None
    source: str = "pairs"
    by: str = ""
    seed: int | None = None


def plan(city: City, ledger: Ledger, asked: Asked, actor: str) -> dict[str, Any]:
    """Check what is asked and say what a round would hold, without writing anything."""
    people, until = _checked(city, ledger, asked, actor)
    table, by, keys, _ = _population(city, asked)
    strata = _strata(table, keys, asked.pairs)
    return {
        "reviewers": list(people),
        "until": until.isoformat(),
        "population": table.num_rows,
        "pairs": int(strata.drawn.sum()),
        "strata": len(strata.size),
        "by": by,
    }


def open_round(city: City, ledger: Ledger, intake: IntakeResult, asked: Asked, actor: str) -> Round:
    """Open a round.

    Raises
    ------
    AccessError
        ``actor`` may not open rounds, or a reviewer may not review, is named twice or is ``actor``.
    CityError
        The city has no pairs to look at, no such group, or too many or too few pairs are asked for.
    """
    people, until = _checked(city, ledger, asked, actor)
    table, by, keys, labels = _population(city, asked)
    seed = secrets.randbelow(2**31) if asked.seed is None else asked.seed
    strata = _strata(table, keys, asked.pairs)
    at = draw(strata, seed)
    today = ledger.clock().date()
    identity = f"V{today:%Y%m%d}-{secrets.token_hex(4).upper()}"
    version = city.require_current().number
    drawn = table.take(at)
    pairs = _pairs(city, identity, version, drawn, at.tolist(), strata.stratum[at].tolist())
    made = Round(
        id=identity, purpose=asked.purpose.strip(), version=version, source=asked.source, by=by, seed=seed,
        reviewers=people, opened_by=actor, opened_on=today.isoformat(), until=until.isoformat(),
        size=strata.size.tolist(), drawn=strata.drawn.tolist(), chosen=strata.chosen.tolist(),
        group=strata.group.tolist(), model=strata.model.tolist(), labels=labels, pairs=pairs,
    )  # fmt: skip
    _keep(city, intake, made, table, strata)
    detail = {
        "purpose": made.purpose, "reviewers": list(people), "until": made.until, "version": version,
        "source": made.source, "by": by, "pairs": len(pairs), "population": table.num_rows, "seed": seed,
    }  # fmt: skip
    ledger.append(Kind.LINK_REVIEW_OPENED, actor, identity, detail)
    rounds.save(city, made)  # last: a round that the ledger does not know can be seen by nobody
    return made


def _keep(city: City, intake: IntakeResult, made: Round, table: pa.Table, strata: Strata) -> None:
    """Seal what reviewers will see, and the machine's view of all pairs, without names."""
    import pyarrow as pa

    # by place: record ids are those of the version, and move when more was delivered since
    left, right = (
        _records_now(intake, [p.left for p in made.pairs]),
        _records_now(intake, [p.right for p in made.pairs]),
    )
    said = read_values(city, intake, load_pack(city.settings.pack), [*left, *right])
    shown = [
        {
            "left": [said[a].title.zh, said[a].title.en, said[a].as_of],
            "right": [said[b].title.zh, said[b].title.en, said[b].as_of],
            "lines": {
                lang: [
                    [one.field, *([[p.text, p.differs] for p in side] for side in (one.marked.left, one.marked.right)),
                     one.marked.note(lang), one.marked.same]
                    for one in compare_values(said[a], said[b], lang)
                ]
                for lang in ("zh", "en")
            },
        }
        for a, b in zip(left, right, strict=True)
    ]  # fmt: skip
    vault = Vault(city)
    vault.write(f"{FOLDER}/{made.id}/shown", json.dumps(shown, ensure_ascii=False).encode())
    columns = {
        "stratum": pa.array(strata.stratum),
        "probability": table.column("probability"),
        "chosen": table.column("chosen"),
    }
    vault.write_table(f"{FOLDER}/{made.id}/population", pa.table(columns))


def _records_now(intake: IntakeResult, wanted: Sequence[Place]) -> list[int]:
    """Record ids that stand at places in what was just read.

    Raises
    ------
    CityError
        A record of the version is no more there.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    at: dict[Place, int] = {}
    for name in sorted({f"{p[0]}.{p[1]}" for p in wanted} & set(intake.tables)):
        table = intake.tables[name].select([*PLACE, "record_id"])
        rows = pa.array(sorted({p[5] for p in wanted if f"{p[0]}.{p[1]}" == name}), pa.int64())
        found = table.filter(pc.is_in(table.column("row_number").cast(pa.int64()), rows)).to_pydict()
        at |= dict(zip(zip(*(found[c] for c in PLACE), strict=True), found["record_id"], strict=True))
    if not set(wanted) <= at.keys():
        raise CityError(
            Said(
                "现行版本中的有些记录，在交付的文件里已经没有。", "Records of the version are not delivered any more."
            ),
            why=Said(
                "上次建库之后，交付或读取约定有变动。", "Deliveries or contracts have changed since it was built."
            ),
            todo=Said("请先重新建库，再开批次。", "Build the city again, then open the round."),
        )
    return [at[p] for p in wanted]


def _pairs(
    city: City, identity: str, version: int, drawn: pa.Table, at: Sequence[int], stratum: Sequence[int]
) -> tuple[Pair, ...]:
    key = rounds.key_of(city)
    rows = drawn.to_pylist()
    where = rounds.places(city, version, [r[f"{side}_record"] for r in rows for side in ("left", "right")])
    out = []
    for row, place, mine in zip(rows, at, stratum, strict=True):
        left, right = where[row["left_record"]], where[row["right_record"]]
        levels = tuple(int(row[f"level_{f}"]) for f in FIELDS)
        code = rounds.pair_code(key, identity, left, right)
        out.append(
            Pair(
                left, right, code, place, mine, row["weight"], row["probability"], row["chosen"], row["method"], levels
            )
        )
    return tuple(out)


def _strata(table: pa.Table, keys: np.ndarray[Any, Any], n: int) -> Strata:
    columns = (table.column(c).to_numpy() for c in ("weight", "probability", "chosen"))
    weight, probability, chosen = columns
    return stratify(weight, probability, chosen, keys, n)


def _population(city: City, asked: Asked) -> tuple[pa.Table, str, np.ndarray[Any, Any], dict[str, Said]]:
    """Candidate pairs, what the groups are, the number of each pair's group, and the groups' names."""
    version, vault = city.require_current().number, Vault(city)
    entry = f"{asked.source}/{version}"
    if asked.source not in rounds.SOURCES or not vault.has(entry):
        raise CityError(
            Said("没有可以复核的记录对。", "There are no pairs to review."),
            where=entry,
            why=Said("这一版建库时没有留下候选记录对。", "The build of this version did not keep its candidate pairs."),
            todo=Said(f"运行 commonground build {city.path} --force。", f"Run commonground build {city.path} --force."),
        )
    table = vault.read_table(entry)
    if not table.num_rows:
        raise CityError(
            Said("没有可以复核的记录对。", "There are no pairs to review."),
            where=entry,
            why=Said("清单是空的。", "The list is empty."),
            todo=Said("没有需要复核的，不必开批次。", "Nothing needs to be reviewed: no round is needed."),
        )
    return (table, *_groups(city, vault, version, table, asked.by))


def _groups(
    city: City, vault: Vault, version: int, table: pa.Table, by: str
) -> tuple[str, np.ndarray[Any, Any], dict[str, Said]]:
    from commonground.people.quality.groups import BY_NAME

    kept = vault.read_table(f"groups/{version}") if vault.has(f"groups/{version}") else None
    by = by or ("county_type" if kept is not None else "source")
    if by == "source":
        return by, *_by_source(city, table)
    if kept is None or by not in kept.column_names or by not in BY_NAME:
        known = ["source", *(n for n in BY_NAME if kept is not None and n in kept.column_names)]
        raise CityError(
            Said(f"没有分组“{by}”。", f"There is no grouping “{by}”."), where="--by", todo=did_you_mean(by, known)
        )
    categories = dict(BY_NAME[by].categories)
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(kept.column(by), pa.array(list(categories), pa.string())).fill_null(len(categories) - 1)
    row = pc.index_in(table.column("left_record"), kept.column("record_id").combine_chunks())
    keys = place.take(row).fill_null(len(categories) - 1)
    return by, keys.to_numpy().astype(np.int64), categories


def _by_source(city: City, table: pa.Table) -> tuple[np.ndarray[Any, Any], dict[str, Said]]:
    from commonground.intake import load_contracts

    sources = table.column("left_source").combine_chunks()
    datasets = [text.partition("/")[0] for text in sources.dictionary.to_pylist()]
    names = sorted(set(datasets))
    contracts = load_contracts(city)
    labels = {n: contracts[n].title if n in contracts else Said(n, n) for n in names}
    number = np.array([names.index(n) for n in datasets], dtype=np.int64)
    keys: np.ndarray[Any, Any] = number[sources.indices.to_numpy()]
    return keys, labels


def _checked(city: City, ledger: Ledger, asked: Asked, actor: str) -> tuple[tuple[str, str, str], dt.date]:
    """Check right, people, purpose, count and last day."""
    roles = Roles(ledger)
    roles.require(actor, Permission.OPEN_LINK_REVIEW)
    purpose = asked.purpose.strip()
    if not purpose or len(purpose) > LONGEST_PURPOSE or not purpose.isprintable():
        what = Said(
            f"用途须写成一行，不超过 {LONGEST_PURPOSE} 字。",
            f"The purpose is one line of {LONGEST_PURPOSE} characters at most.",
        )
        raise _wrong(what, "--purpose")
    if guard.personal_text(purpose):
        raise _wrong(Said("用途中不得有证件号或电话。", "No identity or telephone number in the purpose."), "--purpose")
    if not 1 <= asked.pairs <= MOST:
        raise _wrong(Said(f"对数须在 1 至 {MOST} 之间。", f"Pairs are 1 to {MOST}."), "--pairs")
    today = ledger.clock().date()
    until = asked.until or today + dt.timedelta(days=DAYS)
    if not today <= until <= today + dt.timedelta(days=LONGEST_DAYS):
        raise _wrong(
            Said(f"期限须在今天至 {LONGEST_DAYS} 天之内。", f"The last day is within {LONGEST_DAYS} days from today."),
            "--until",
        )
    people = [f"desk:{name.strip().removeprefix('desk:')}" for name in asked.reviewers]
    if len(set(people)) < 3 or actor in people:
        raise AccessError(
            Said("两位复核员和裁定人须是三个不同的人，且不能是开批次的人。", "Two reviewers and the third are three "
                 "different people, none of them who opens the round."),
            where=", ".join(people),
            todo=Said("请另选人。", "Choose others."),
        )  # fmt: skip
    known = {a.actor for a in Accounts(city, ledger, cost=1).all() if a.status != "closed"}
    for person in people:
        invite = f"commonground desk {city.path} --invite {person.removeprefix('desk:')} --role link_reviewer"
        if person not in known or not roles.may(person, Permission.REVIEW_LINKS):
            raise AccessError(
                Said("这个账号不能复核连接。", "This account may not review links."),
                where=person,
                why=Said(
                    "没有这个账号，或没有“连接复核员”角色。", "There is no such account, or it is no link reviewer."
                ),
                todo=Said(f"运行 {invite}。", f"Run {invite}."),
            )
    first, second, third = people
    return (first, second, third), until


def _wrong(what: Said, where: str) -> CommonGroundError:
    return CityError(what, where=where, todo=Said("请改正后再运行。", "Correct it and run again."))
