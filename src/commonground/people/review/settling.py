"""What follows from a round: the estimate, a threshold, constraints on who is who, and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from commonground.city import City
from commonground.errors import CityError, CommonGroundError, LedgerError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import Ledger
from commonground.governance.roles import Permission, Roles
from commonground.governance.vault import Vault
from commonground.people.review import rounds
from commonground.people.review.agreement import agreement, crossed
from commonground.people.review.estimate import DIFFERENT, SAME, UNSURE, ReviewEstimate, by_group, judge
from commonground.people.review.rounds import DECISIONS, FOLDER, Decided, Round
from commonground.people.review.thresholds import Proposal, propose

TARGET = 0.998
"""Precision that is asked of links, unless said otherwise."""
Constrain = Callable[..., Any]
KINDS = list(DECISIONS)


@dataclass(frozen=True)
class Settled:
    """What became of a round's decisions as constraints: numbers of pairs.

    Attributes
    ----------
    same, different : int
        Pairs that must, and must not, be one person from now on.
    before : int
        Made constraints by an earlier call.
    gone : int
        Pairs of which a record is not in the current version any more.
    undecided : int
        Pairs that nobody could decide, or that are still open.
    refused : tuple of (code, error)
        Pairs whose constraint contradicts another.
    """

    round: str
    same: int = 0
    different: int = 0
    before: int = 0
    gone: int = 0
    undecided: int = 0
    refused: tuple[tuple[str, CommonGroundError], ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """Give the numbers."""
        names = ("same", "different", "before", "gone", "undecided")
        return {**{n: getattr(self, n) for n in names}, "refused": len(self.refused)}


def find(city: City, identity: str) -> Round:
    """Give a round to whoever organises reviews.

    Raises
    ------
    CityError
        There is no such round.
    """
    made = rounds.load(city, identity)
    if made is None:
        known = [r.id for r in rounds.load_all(city)]
        raise CityError(
            Said(f"没有复核批次“{identity}”。", f"There is no round of review “{identity}”."),
            todo=Said(f"现有：{'、'.join(known) or '无'}。", f"There are: {', '.join(known) or 'none'}."),
        )
    return made


def checked(city: City, ledger: Ledger, made: Round) -> tuple[Decided, Decided, Decided]:
    """Read all decisions and hold them against what the ledger sealed.

    Raises
    ------
    LedgerError
        A decision in the vault is none that the ledger recorded.
    """
    key = rounds.key_of(city)
    entries = ledger.entries(Kind.LINK_REVIEW_DECIDED, subject=made.id)
    known = {(e.actor, e.detail["pair"], e.detail["seal"]) for e in entries}
    out = []
    for slot, actor in enumerate(made.reviewers):
        mine = rounds.decisions(city, made, slot)
        for k, one in mine.items():
            code = made.pairs[k].code
            if (actor, code, rounds.seal_of(key, made.id, slot, code, one.decision)) not in known:
                raise LedgerError(
                    Said("保险库中的复核判断与台账不符。", "A decision in the vault is not the one in the ledger."),
                    where=f"{made.id} {code}",
                    why=Said("判断可能被改动过。", "It may have been altered."),
                    todo=Said(
                        "请审计管理员核查，或从备份恢复。", "Ask the audit administrator, or restore the backup."
                    ),
                )
        out.append(mine)
    return out[0], out[1], out[2]


def estimate(city: City, ledger: Ledger, made: Round) -> ReviewEstimate:
    """Say what a round says about the links; may be asked for at any time, with what is decided by then."""
    first, second, third = checked(city, ledger, made)
    outcome = rounds.outcomes(first, second, third)
    # where the two differ and the third has not decided, leaving the pair out would leave out the hard ones
    outcome = {k: UNSURE for k in rounds.disputed(first, second)} | outcome
    places = sorted(outcome)
    stratum = np.array([made.pairs[k].stratum for k in places], dtype=np.int64)
    said = np.array([outcome[k] for k in places], dtype=np.int64)
    size, chosen = np.array(made.size, dtype=np.int64), np.array(made.chosen, dtype=bool)
    model, group = np.array(made.model), np.array(made.group, dtype=np.int64)
    both = sorted(set(first) & set(second))
    answers = [[KINDS.index(one[k].decision) for k in both] for one in (first, second)]
    return ReviewEstimate(
        round=made.id,
        version=made.version,
        purpose=made.purpose,
        made_on=ledger.clock().date().isoformat(),
        population=int(size.sum()),
        drawn=len(made.pairs),
        decided=len(places),
        whole=judge(size, chosen, model, stratum, said),
        by=made.by,
        groups=by_group(size, chosen, model, group, stratum, said, made.labels),
        agreement=agreement(crossed(answers[0], answers[1], len(KINDS))),
    )


def proposal(city: City, ledger: Ledger, made: Round, target: float = TARGET) -> Proposal:
    """Propose a threshold from a round's decisions, with what it would do."""
    first, second, third = checked(city, ledger, made)
    outcome = {k: UNSURE for k in rounds.disputed(first, second)} | rounds.outcomes(first, second, third)
    table = Vault(city).read_table(f"{FOLDER}/{made.id}/population")
    stratum, probability, chosen = (table.column(c).to_numpy() for c in ("stratum", "probability", "chosen"))
    places = sorted(outcome)
    drawn = np.array([made.pairs[k].at for k in places], dtype=np.int64)
    said = np.array([outcome[k] for k in places], dtype=np.int64)
    return propose(stratum, probability, chosen, drawn, said, target=target)


def latest(city: City, version: int | None = None) -> ReviewEstimate | None:
    """Give the estimate of the last round that looked at a sample of all candidates and has decided something.

    Parameters
    ----------
    version : int, optional
        Only of this version.
    """
    for made in reversed(rounds.load_all(city)):
        if made.source != "pairs" or (version is not None and made.version != version):
            continue
        with Ledger(city) as ledger:
            found = estimate(city, ledger, made)
        if found.decided:
            return found
    return None


def settle(city: City, ledger: Ledger, made: Round, actor: str, constrain: Constrain) -> Settled:
    """Make constraints of all decided pairs; those that were made before are left alone.

    Parameters
    ----------
    constrain : callable
        ``people.standing.constrain_many``.

    Raises
    ------
    AccessError
        ``actor`` may not.
    """
    Roles(ledger).require(actor, Permission.OPEN_LINK_REVIEW)
    outcome = rounds.outcomes(*checked(city, ledger, made))
    before = {e.detail["pair"] for e in ledger.entries(Kind.LINK_REVIEW_SETTLED, subject=made.id) if "pair" in e.detail}
    version = city.require_current().number
    where = [p for k in outcome for p in (made.pairs[k].left, made.pairs[k].right)]
    record = rounds.records_at(city, version, where)
    counts = {"same": 0, "different": 0, "before": 0, "gone": 0}
    asked: list[tuple[int, int, bool]] = []
    codes: list[str] = []
    for k, said in sorted(outcome.items()):
        pair = made.pairs[k]
        if said not in (SAME, DIFFERENT):
            continue
        if pair.code in before:
            counts["before"] += 1
        elif pair.left not in record or pair.right not in record:
            counts["gone"] += 1
        else:
            asked.append((record[pair.left], record[pair.right], said == SAME))
            codes.append(pair.code)
    errors = constrain(city, asked, by=actor, reason=f"review {made.id}") if asked else {}
    for k, (_, _, same) in enumerate(asked):
        if k not in errors:
            counts["same" if same else "different"] += 1
            ledger.append(Kind.LINK_REVIEW_SETTLED, actor, made.id, {"pair": codes[k]})
    refused = [(codes[k], error) for k, error in sorted(errors.items())]
    undecided = len(made.pairs) - sum(1 for v in outcome.values() if v in (SAME, DIFFERENT))
    done = Settled(made.id, **counts, undecided=undecided, refused=tuple(refused))
    ledger.append(Kind.LINK_REVIEW_SETTLED, actor, made.id, done.counts())
    return done


def adopt(
    city: City, ledger: Ledger, made: Round, proposed: Proposal, actor: str, set_threshold: Callable[..., Any]
) -> float:
    """Adopt the proposed threshold: from the next build on every dataset is linked by it.

    Parameters
    ----------
    set_threshold : callable
        ``people.standing.set_threshold``.

    Raises
    ------
    AccessError
        ``actor`` may not.
    CityError
        Nothing is proposed.
    """
    Roles(ledger).require(actor, Permission.OPEN_LINK_REVIEW)
    step = proposed.proposed
    if step is None:
        raise CityError(
            Said("没有可以采用的门槛。", "There is no threshold to adopt."),
            where=made.id,
            why=Said(
                "判断的对数太少，或没有门槛达到要求的查准率。",
                "Too few pairs are decided, or none reaches the precision asked for.",
            ),
            todo=Said("请复核更多记录对，或调低 --target。", "Review more pairs, or lower --target."),
        )
    effect = {"now": proposed.now.to_dict(), "then": step.quality.to_dict(), "links": [proposed.links_now, step.links]}
    detail = {"threshold": step.threshold, "target": proposed.target, "proven": proposed.proven, "effect": effect}
    ledger.append(Kind.LINK_THRESHOLD, actor, made.id, detail)
    set_threshold(city, None, step.threshold, actor, f"review {made.id}")
    return step.threshold


def close(city: City, ledger: Ledger, made: Round, actor: str) -> Round:
    """End a round: nobody sees a pair of it any more, and what reviewers saw is taken out of the vault.

    Raises
    ------
    AccessError
        ``actor`` may not.
    CityError
        It is closed already.
    """
    Roles(ledger).require(actor, Permission.OPEN_LINK_REVIEW)
    if made.closed:
        raise CityError(
            Said(f"复核批次 {made.id} 已于 {made.closed} 结束。", f"Round {made.id} was closed on {made.closed}."),
        )
    counts = rounds.progress(city, made)
    detail = {k: counts[k] for k in ("pairs", "decided", "disputed", "finished")}
    ledger.append(Kind.LINK_REVIEW_CLOSED, actor, made.id, detail)
    ended = replace(made, closed=ledger.clock().date().isoformat())
    rounds.save(city, ended)
    vault = Vault(city)
    for name in vault.names(f"{FOLDER}/{made.id}"):
        if name.rpartition("/")[2] == "shown" or "/sheet-" in name:
            vault.remove(name)
    for path in rounds.sheet_folder(city, made.id).glob("*.xlsx"):
        path.unlink(missing_ok=True)
    return ended
