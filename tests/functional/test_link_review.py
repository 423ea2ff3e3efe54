"""Link review whole: a round opened, looked at by two and a third, at the desk and by sheet; others are refused."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from commonground.city import City
from commonground.errors import AccessError, CityError, DeliveryError, LedgerError
from commonground.governance import Ledger, Roles, Vault, current_actor
from commonground.governance.events import Kind
from commonground.intake.returns.book import HEAD, MARK
from commonground.people.review import ReviewEstimate, latest, looking, opening, pair, rounds, settling, sheet
from commonground.people.review.marks import HIDDEN
from commonground.people.review.opening import Asked
from commonground.people.review.rounds import Round
from commonground.people.review.sheet import LOCKED, PAIRS
from commonground.people.standing import constrain_many
from commonground.web.desk import desk
from governance_kit import Browser
from review_kit import PASSWORD, REVIEWERS, build, opened, reloaded, small_town

pytestmark = pytest.mark.xdist_group("link_review")
ACTORS = tuple(f"desk:{name}" for name in REVIEWERS)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the small town once."""
    folder = tmp_path_factory.mktemp("review") / "whole"
    small_town(folder)
    return folder


@pytest.fixture
def city(town: Path, tmp_path: Path) -> City:
    """Copy the built town, with its keys."""
    shutil.copytree(town, tmp_path / "copy")
    return City(tmp_path / "copy" / "city")


def truth(made: Round, k: int) -> str:
    """What a perfect reviewer says: both files list the children in one order."""
    one, other = made.pairs[k].left, made.pairs[k].right
    return "same" if one[5] == other[5] and one[0] != other[0] else "different"


def decide_all(city: City, made: Round, slot: int, wrong: tuple[int, ...] = (), unsure: tuple[int, ...] = ()) -> None:
    """Let a reviewer look at all of their pairs and decide; ``wrong`` and ``unsure`` are places in the round."""
    with Ledger(city) as ledger:
        for number in list(looking.task(city, made, slot).left):
            mine, _ = looking.view(city, ledger, made.id, number, ACTORS[slot], "zh")
            k = mine.place(number)
            said = "unsure" if k in unsure else truth(made, k)
            if k in wrong:
                said = "different" if said == "same" else "same"
            looking.decide(city, ledger, made.id, number, ACTORS[slot], said)


# Opening


def test_reviewers_see_the_records_that_were_linked_whatever_came_since(city: City) -> None:
    """An older delivery, put in after the build, moves the record ids of all that follows."""
    before = opened(city)
    register = city.deliveries / "edu" / "pupils" / "2025-09-10"
    (file,) = register.iterdir()
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    older = register.with_name("2001-09-10")
    older.mkdir()
    (older / file.name).write_text("".join([lines[0], *lines[3:6]]), encoding="utf-8")
    after = opened(city)
    assert [(p.left, p.right) for p in after.pairs] == [(p.left, p.right) for p in before.pairs]
    assert looking.shown(city, after, "zh") == looking.shown(city, before, "zh")
    shutil.rmtree(register)
    with pytest.raises(CityError, match="not delivered any more"):
        opened(city)


def test_a_round_is_opened_recorded_and_holds_no_name(city: City) -> None:
    made = opened(city)
    assert len(made.pairs) == 24
    assert sum(made.drawn) == 24
    assert all(d <= s for d, s in zip(made.drawn, made.size, strict=True))
    plain = Vault(city).read(f"link_review/{made.id}/round").decode()
    names = {row["name"] for t in _tables(city) for row in t.to_pylist()}
    assert not [n for n in names if n and n in plain]
    with Ledger(city) as ledger:
        (entry,) = ledger.entries(Kind.LINK_REVIEW_OPENED)
        assert entry.subject == made.id
        assert entry.detail["reviewers"] == list(ACTORS)
        assert entry.detail["until"] == made.until
    assert reloaded(city, made) == made


def _tables(city: City) -> list:
    from commonground import intake

    return list(intake.run(city).tables.values())


@pytest.mark.parametrize(
    ("people", "part"),
    [
        (("li.wei", "li.wei", "zhao"), "three different people"),
        (("li.wei", "wang", "wang"), "three different people"),
        (("li.wei", "nobody", "zhao"), "may not review links"),
        (("li.wei", "wu", "zhao"), "may not review links"),
    ],
)
def test_reviewers_are_three_people_with_the_role(city: City, people: tuple[str, str, str], part: str) -> None:
    with pytest.raises(AccessError, match=part):
        opened(city, people=people)
    assert rounds.load_all(city) == []


def test_what_cannot_be_asked_is_said(city: City) -> None:
    import datetime as dt

    bad = [
        Asked(REVIEWERS, "  "),
        Asked(REVIEWERS, "长" * 201),
        Asked(REVIEWERS, "两\n行"),
        Asked(REVIEWERS, "核对 529901201001011235 一人"),
        Asked(REVIEWERS, "x", pairs=0),
        Asked(REVIEWERS, "x", pairs=99_999),
        Asked(REVIEWERS, "x", until=dt.date(2020, 1, 1)),
        Asked(REVIEWERS, "x", until=dt.date(2999, 1, 1)),
        Asked(REVIEWERS, "x", by="height"),
        Asked(REVIEWERS, "x", source="grades"),
    ]
    with Ledger(city) as ledger:
        for asked in bad:
            with pytest.raises(CityError) as fault:
                opening.plan(city, ledger, asked, current_actor())
            assert fault.value.todo is not None
        with pytest.raises(AccessError):
            opening.plan(city, ledger, Asked(REVIEWERS, "x"), "desk:wu")


# Looking and deciding


def test_two_decide_alone_and_a_third_where_they_differ(city: City) -> None:
    made = opened(city)
    decide_all(city, made, 0, wrong=(3,), unsure=(5,))
    assert looking.task(city, made, 2).order == ()
    decide_all(city, made, 1)
    third = looking.task(city, made, 2)
    assert sorted(third.order) == [3, 5]
    before = settling_estimate(city, made)
    assert before.whole.undecided == 2
    decide_all(city, made, 2)
    found = settling_estimate(city, made)
    assert found.whole.undecided == 0
    assert (found.decided, found.drawn) == (24, 24)
    assert found.agreement.n == 24
    assert found.agreement.share == pytest.approx(22 / 24)
    assert latest(city) == found
    assert latest(city, 99) is None


def settling_estimate(city: City, made: Round) -> ReviewEstimate:
    with Ledger(city) as ledger:
        return settling.estimate(city, ledger, made)


def test_the_estimate_is_near_the_truth_of_all_pairs(city: City) -> None:
    """With every pair looked at, precision and recall are those that the town's own order of children gives."""
    made = opened(city, pairs=5000)
    table = Vault(city).read_table(f"pairs/{made.version}")
    assert len(made.pairs) == table.num_rows
    decide_all(city, made, 0)
    decide_all(city, made, 1)
    found = settling_estimate(city, made)
    true = np.array([truth(made, k) == "same" for k in range(len(made.pairs))])
    chosen = np.array([p.chosen for p in made.pairs])
    assert found.whole.precision is not None
    assert found.whole.recall is not None
    assert found.whole.precision.value == pytest.approx(true[chosen].mean())
    assert found.whole.recall.value == pytest.approx((true & chosen).sum() / true.sum())
    assert found.whole.precision.low == found.whole.precision.high
    assert [g.group for g in found.groups] == [k for i, k in enumerate(made.labels) if i in made.group]


def test_every_view_and_decision_stands_in_the_ledger_without_a_name(city: City) -> None:
    made = opened(city)
    decide_all(city, made, 0)
    with Ledger(city) as ledger:
        seen = ledger.entries(Kind.LINK_REVIEW_VIEWED, actor=ACTORS[0])
        decided = ledger.entries(Kind.LINK_REVIEW_DECIDED, actor=ACTORS[0])
        everything = json.dumps([e.to_dict() for e in ledger.entries()], ensure_ascii=False)
    codes = {p.code for p in made.pairs}
    assert {e.detail["pair"] for e in seen} == {e.detail["pair"] for e in decided} == codes
    assert all(set(e.detail) == {"pair", "seal"} for e in decided)
    for table in _tables(city):
        for row in table.to_pylist():
            assert row["name"] not in everything
            assert not row["id_no"] or row["id_no"] not in everything


def test_reviewers_have_numbers_of_their_own(city: City) -> None:
    made = opened(city)
    assert made.order(0) != made.order(1) != made.order(2)
    assert sorted(made.order(0)) == list(range(24))


def test_who_is_not_of_the_round_learns_nothing(city: City) -> None:
    made = opened(city)
    with Ledger(city) as ledger:
        said = []
        for identity, actor in ((made.id, "desk:qian"), ("V20260101-00000000", "desk:qian"), ("../x", "desk:qian")):
            with pytest.raises(AccessError) as fault:
                looking.view(city, ledger, identity, 1, actor, "zh")
            said.append((fault.value.what, fault.value.why, fault.value.todo))
        assert len(set(said)) == 1
        with pytest.raises(AccessError, match="You may not"):
            looking.view(city, ledger, made.id, 1, "desk:wu", "zh")
        assert looking.tasks_of(city, ledger, "desk:qian") == []
        assert len(ledger.entries(Kind.ACCESS_REFUSED)) == 4
        assert ledger.entries(Kind.LINK_REVIEW_VIEWED) == []


def test_after_the_last_day_and_after_the_end_nobody_sees_anything(city: City) -> None:
    import datetime as dt

    made = opened(city)
    with Ledger(city) as ledger:
        now = ledger.clock
        ledger.clock = lambda: now() + dt.timedelta(days=31)
        with pytest.raises(AccessError, match="passed its last day"):
            looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        with pytest.raises(AccessError, match="passed its last day"):
            sheet.make(city, ledger, made, "wang", current_actor())
        assert looking.tasks_of(city, ledger, ACTORS[0]) == []
        ledger.clock = now
        looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        made_sheet = sheet.make(city, ledger, made, "wang", current_actor())
        settling.close(city, ledger, made, current_actor())
        with pytest.raises(AccessError, match="is closed"):
            looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        with pytest.raises(CityError, match="was closed"):
            settling.close(city, ledger, reloaded(city, made), current_actor())
    assert not made_sheet.path.exists()
    assert not Vault(city).has(f"link_review/{made.id}/shown")
    assert latest(city) is None  # nothing was decided


def test_a_role_taken_away_ends_the_right_at_once(city: City) -> None:
    made = opened(city)
    with Ledger(city) as ledger:
        looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        Roles(ledger).revoke(ACTORS[0], "link_reviewer", by=current_actor())
        with pytest.raises(AccessError):
            looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")


def test_a_decision_needs_a_look_and_is_final(city: City) -> None:
    made = opened(city)
    with Ledger(city) as ledger:
        with pytest.raises(AccessError, match="not looked at"):
            looking.decide(city, ledger, made.id, 1, ACTORS[0], "same")
        looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        looking.decide(city, ledger, made.id, 1, ACTORS[0], "same")
        with pytest.raises(AccessError, match="decided already"):
            looking.decide(city, ledger, made.id, 1, ACTORS[0], "different")
        with pytest.raises(AccessError, match="no pair 99"):
            looking.view(city, ledger, made.id, 99, ACTORS[0], "zh")
    (one,) = rounds.decisions(city, made, 0).values()
    assert one.decision == "same"


def test_a_decision_altered_in_the_vault_is_found(city: City) -> None:
    made = opened(city)
    decide_all(city, made, 0)
    decide_all(city, made, 1)
    mine = rounds.decisions(city, made, 0)
    turned = {"same": "different", "different": "same"}
    forged = {k: rounds.Decision(turned[d.decision], d.at, d.via) if k == 0 else d for k, d in mine.items()}
    rounds.save_decisions(city, made, 0, forged)
    with pytest.raises(LedgerError, match="not the one in the ledger"):
        settling_estimate(city, made)


def test_what_is_shown_is_masked_and_holds_nothing_else(city: City) -> None:
    made = opened(city, pairs=5000)
    raw = Vault(city).read(f"link_review/{made.id}/shown").decode()
    full = {row["id_no"] for t in _tables(city) for row in t.to_pylist() if row["id_no"]}
    assert full
    assert not [number for number in full if number in raw]
    assert HIDDEN in raw
    fields = {line[0] for one in json.loads(raw) for line in one["lines"]["zh"]}
    assert fields <= {"name", "birth", "sex", "id", "class"}  # no height


# Settling


def test_decisions_hold_in_the_next_build(city: City) -> None:
    made = opened(city, pairs=5000)
    linked = [k for k, p in enumerate(made.pairs) if p.chosen and p.method == "weight"][:1]
    decide_all(city, made, 0, wrong=tuple(linked))
    decide_all(city, made, 1, wrong=tuple(linked))
    with Ledger(city) as ledger:
        with pytest.raises(AccessError):
            settling.settle(city, ledger, made, ACTORS[0], constrain_many)
        done = settling.settle(city, ledger, made, current_actor(), constrain_many)
        again = settling.settle(city, ledger, made, current_actor(), constrain_many)
    assert done.same + done.different + len(done.refused) == len(made.pairs)
    assert done.different >= 1
    assert again.before == done.same + done.different
    build(city)
    found = Vault(city).read_table(f"links/{city.require_current().number}")
    person = dict(zip(found["record_id"].to_pylist(), found["spine_id"].to_pylist(), strict=True))
    one = made.pairs[linked[0]]
    at = rounds.records_at(city, city.require_current().number, [one.left, one.right])
    assert person[at[one.left]] != person[at[one.right]]


def test_a_threshold_is_adopted_by_whoever_may(city: City) -> None:
    from commonground.people.standing import load_model, set_threshold

    made = opened(city, pairs=5000)
    decide_all(city, made, 0)
    decide_all(city, made, 1)
    with Ledger(city) as ledger:
        proposed = settling.proposal(city, ledger, made, 0.9)
        assert proposed.proposed is not None
        with pytest.raises(AccessError):
            settling.adopt(city, ledger, made, proposed, ACTORS[0], set_threshold)
        value = settling.adopt(city, ledger, made, proposed, current_actor(), set_threshold)
        nothing = settling.proposal(city, ledger, made, 1.01)
        with pytest.raises(CityError, match="no threshold to adopt"):
            settling.adopt(city, ledger, made, nothing, current_actor(), set_threshold)
        (entry,) = ledger.entries(Kind.LINK_THRESHOLD)
    assert entry.detail["threshold"] == value
    model = load_model(city)
    assert model is not None
    assert set(model.thresholds.values()) == {value}


# Why


def test_the_weights_are_seen_when_all_are_decided(city: City) -> None:
    made = opened(city)
    with Ledger(city) as ledger:
        looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        looking.decide(city, ledger, made.id, 1, ACTORS[0], "same")
        with pytest.raises(AccessError, match="once all your pairs are decided"):
            pair.explain_task(city, ledger, made.id, 1, ACTORS[0])
    decide_all(city, made, 0)
    with Ledger(city) as ledger:
        for number in range(1, 25):
            told = pair.explain_task(city, ledger, made.id, number, ACTORS[0])
            assert told.weight == pytest.approx(made.pairs[made.order(0)[number - 1]].weight)
            assert "other" not in [s.found.en for s in told.steps]
        assert len(ledger.entries(Kind.LINK_EXPLAINED)) == 24


def test_why_by_record_and_by_place(city: City) -> None:
    made = opened(city)
    one = next(p for p in made.pairs if p.method == "weight")
    at = rounds.records_at(city, made.version, [one.left, one.right])
    left, right = (str(at[p]) for p in (one.left, one.right))
    where = [f"{p[0]}.{p[1]}/{p[2]}/{p[3]}#{p[5]}" for p in (one.right, one.left)]
    with Ledger(city) as ledger:
        told = pair.explain_pair(city, ledger, left, right, current_actor())
        assert told.waterfall.weight == pytest.approx(one.weight)
        assert pair.explain_pair(city, ledger, *where, current_actor()) == told
        with pytest.raises(CityError, match="does not name a record"):
            pair.explain_pair(city, ledger, "somebody", right, current_actor())
        with pytest.raises(CityError, match="no such record"):
            pair.explain_pair(city, ledger, where[0] + "999", right, current_actor())
        with pytest.raises(CityError, match="one and the same"):
            pair.explain_pair(city, ledger, left, left, current_actor())
        with pytest.raises(CityError, match="no weight"):
            pair.explain_pair(city, ledger, left, "999999", current_actor())
        with pytest.raises(AccessError):
            pair.explain_pair(city, ledger, left, right, ACTORS[0])


# Sheets


def filled(path: Path, answer: dict[str, str] | str, **changes: str) -> bytes:
    """Fill in a sheet; ``changes`` puts a text into a cell, such as ``C3``."""
    book = openpyxl.load_workbook(path)
    rows = book[PAIRS]
    for line in rows.iter_rows(min_row=HEAD + 2):
        line[LOCKED].value = answer if isinstance(answer, str) else answer.get(str(line[0].value))
    for cell, text in changes.items():
        rows[cell].value = text
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def hand_in(city: City, content: bytes, folder: Path) -> sheet.Taken:
    file = folder / "交回.xlsx"
    file.write_bytes(content)
    with Ledger(city) as ledger:
        return sheet.take(city, ledger, file, current_actor())


def sent_to(city: City, made: Round, who: str) -> sheet.Sent:
    with Ledger(city) as ledger:
        return sheet.make(city, ledger, made, who, current_actor())


def test_a_sheet_goes_out_and_comes_back_once(city: City, tmp_path: Path) -> None:
    made = opened(city)
    sent = sent_to(city, made, "wang")
    assert sent.pairs == 24
    assert sent.path.stat().st_mode & 0o777 == 0o600
    with Ledger(city) as ledger:
        (entry,) = ledger.entries(Kind.LINK_REVIEW_SHEET)
        assert entry.subject == "desk:wang"
        assert entry.detail["pairs"] == [made.pairs[k].code for k in made.order(1)]
    answers = {str(n): ("同一人 one person", "two persons", "看不出", "大概", "")[n % 5] for n in range(1, 25)}
    content = filled(sent.path, answers)
    done = hand_in(city, content, tmp_path)
    assert (done.decided, done.blank, len(done.unclear)) == (14, 5, 5)
    with pytest.raises(DeliveryError, match="taken before"):
        hand_in(city, content, tmp_path)
    with pytest.raises(DeliveryError, match="taken before"):
        hand_in(city, filled(sent.path, "不同人 two persons"), tmp_path)
    kept = rounds.decisions(city, made, 1)
    assert len(kept) == 14
    assert {d.via for d in kept.values()} == {sent.identity}
    rest = sent_to(city, made, "wang")
    assert rest.pairs == 10
    assert hand_in(city, filled(rest.path, "同一人 one person"), tmp_path).decided == 10
    with pytest.raises(DeliveryError, match="nothing left"):
        sent_to(city, made, "wang")


def test_a_sheet_in_both_languages_with_marks_in_brackets(city: City) -> None:
    made = opened(city, pairs=5000)
    book = openpyxl.load_workbook(sent_to(city, made, "li.wei").path)
    texts = [str(c.value or "") for line in book[PAIRS].iter_rows(min_row=HEAD + 2) for c in line]
    assert any("〔" in t and "→" in t for t in texts)
    assert any("相同 the same" in t for t in texts)
    heads = [str(c.value) for c in book[PAIRS][HEAD + 1]]
    assert all("\n" in h for h in heads)


@pytest.mark.parametrize(
    "change",
    [{"C3": "甲：别人\n乙：别人\n→ 相同 the same"}, {"A3": "7"}, {"O3": "00000000"}],
    ids=["name", "no", "code"],
)
def test_a_changed_sheet_is_refused_and_nothing_is_taken(city: City, tmp_path: Path, change: dict[str, str]) -> None:
    made = opened(city)
    sent = sent_to(city, made, "li.wei")
    with pytest.raises(DeliveryError, match="Locked cells") as fault:
        hand_in(city, filled(sent.path, "同一人 one person", **change), tmp_path)
    assert "3" in fault.value.message("zh")
    assert rounds.decisions(city, made, 0) == {}


def test_one_reviewers_sheet_cannot_be_handed_in_as_anothers(city: City, tmp_path: Path) -> None:
    made = opened(city)
    mine, other = sent_to(city, made, "li.wei"), sent_to(city, made, "wang")
    book = openpyxl.load_workbook(io.BytesIO(filled(mine.path, "同一人 one person")))
    for row in book[MARK].iter_rows():
        for cell in row:
            if cell.value == mine.identity:
                cell.value = other.identity
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(DeliveryError, match="Locked cells"):
        hand_in(city, buffer.getvalue(), tmp_path)
    forged = re.sub("[0-9A-F]{12}$", "0" * 12, mine.identity)
    for row in book[MARK].iter_rows():
        for cell in row:
            if cell.value == other.identity:
                cell.value = forged
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(DeliveryError, match="no link review sheet"):
        hand_in(city, buffer.getvalue(), tmp_path)
    assert rounds.decisions(city, made, 0) == rounds.decisions(city, made, 1) == {}


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "bomb", "other"])
def test_a_damaged_file_is_told(city: City, tmp_path: Path, damage: str) -> None:
    made = opened(city)
    whole = sent_to(city, made, "li.wei").path.read_bytes()
    plain = openpyxl.Workbook()
    buffer = io.BytesIO()
    plain.save(buffer)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * 400_000_000)
    content = {
        "cut": whole[: len(whole) // 2], "text": "不是表".encode(), "empty": b"", "bomb": bomb.getvalue(),
        "other": buffer.getvalue(),
    }[damage]  # fmt: skip
    with pytest.raises(DeliveryError) as fault:
        hand_in(city, content, tmp_path)
    assert fault.value.todo is not None


def test_a_sheet_is_for_the_rounds_reviewers_alone(city: City) -> None:
    made = opened(city)
    with pytest.raises(AccessError, match="no reviewer of round"):
        sent_to(city, made, "qian")
    with Ledger(city) as ledger, pytest.raises(AccessError):
        sheet.make(city, ledger, made, "wang", "desk:wang")
    with pytest.raises(DeliveryError, match="nothing left"):
        sent_to(city, made, "zhao")  # nothing is disputed yet


# The desk


def signed_in(app: object, account: str) -> Browser:
    browser = Browser(app)
    assert browser.post("/zh/sign-in", {"account": account, "password": PASSWORD, "code": ""}).status == 303
    return browser


def code_in(page: str) -> str:
    found = re.search('name="pair" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


def test_the_desk_leads_through_a_round(city: City) -> None:
    made = opened(city, pairs=8)
    browser = signed_in(desk(city, cost=4), "li.wei")
    assert made.id in browser.get("/zh/review").text
    page = browser.get(f"/zh/review/{made.id}/1")
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    assert "script" not in page.text
    title = re.search("<title>(.*?)</title>", page.text)
    assert title is not None
    assert title[1].startswith("第 1 对")
    for key in ("y", "n", "u", "s"):
        assert f'accesskey="{key}"' in page.text
    assert "比特" not in page.text
    where = f"/zh/review/{made.id}/1"
    for _ in range(len(made.pairs)):
        answer = browser.post(where, {"decision": "same", "pair": code_in(browser.get(where).text)})
        assert answer.status == 303
        where = answer.headers["location"]
    assert where == f"/zh/review/{made.id}"
    assert "已全部判断" in browser.get(where).text.replace('</span><span class="ph">', "")
    why = browser.get(f"/en/review/{made.id}/1/why")
    assert why.status == 200
    assert "weight (bits)" in why.text


def test_the_desk_refuses_guessed_addresses_replays_and_forgeries(city: City) -> None:
    made, other = opened(city, pairs=8), opened(city, pairs=8, people=("qian", "wang", "zhao"))
    app = desk(city, cost=4)
    browser = signed_in(app, "li.wei")
    where = f"/zh/review/{made.id}/1"
    guessed = [f"/zh/review/{other.id}", f"/zh/review/{other.id}/1", f"/zh/review/{other.id}/1/why"]
    guessed += ["/zh/review/V20260101-00000000/1", f"/zh/review/{made.id}/99", f"/zh/review/{made.id}/1/why"]
    for address in guessed:
        answer = browser.get(address)
        assert answer.status == 403, address
        assert "<mark>" not in answer.text
    code = made.pairs[made.order(0)[0]].code
    assert browser.post(where, {"decision": "same", "pair": code}).status == 403  # not looked at
    assert code_in(browser.get(where).text) == code
    second = code_in(browser.get(f"/zh/review/{made.id}/2").text)
    form = {"decision": "same", "pair": code}
    assert browser.post(where, form, site="cross-site").status == 403
    assert browser.post(where, {**form, "decision": "perhaps"}).status == 400
    assert browser.post(where, {}).status == 400
    assert browser.post(where, {**form, "pair": second}).status == 403  # another pair's form
    assert browser.post(where, form).status == 303
    replay = browser.post(where, {**form, "decision": "different"})
    assert replay.status == 403
    assert "已经判断过" in replay.text
    assert "同一人" in browser.get(where).text
    stranger = Browser(app)
    assert stranger.get(where).status == 303
    assert signed_in(app, "wu").get(where).status == 403
    assert "/review" not in signed_in(app, "wu").get("/zh/").text
    (one,) = rounds.decisions(city, made, 0).values()
    assert one.decision == "same"


def test_neither_sees_what_the_other_said(city: City) -> None:
    made = opened(city, pairs=8)
    decide_all(city, made, 0)
    browser = signed_in(desk(city, cost=4), "wang")
    pages = [browser.get(f"/zh/review/{made.id}").text]
    pages += [browser.get(f"/zh/review/{made.id}/{n}").text for n in range(1, 9)]
    assert not any("您的判断" in page or "li.wei" in page for page in pages)
    assert browser.get(f"/zh/review/{made.id}/1/why").status == 403


def test_a_hostile_name_is_text_on_the_page(city: City) -> None:
    made = opened(city, pairs=8)
    entry = f"link_review/{made.id}/shown"
    raw = json.loads(Vault(city).read(entry))
    for one in raw:
        for lang in ("zh", "en"):
            one["lines"][lang][0][1] = [["<script>alert(1)</script>", True], ['"><img src=x onerror=1>', False]]
    Vault(city).write(entry, json.dumps(raw).encode())
    page = signed_in(desk(city, cost=4), "li.wei").get(f"/zh/review/{made.id}/1").text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_ended_between_ledger_and_vault_the_pair_is_still_to_be_decided(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = opened(city, pairs=8)
    with Ledger(city) as ledger:
        looking.view(city, ledger, made.id, 1, ACTORS[0], "zh")
        with monkeypatch.context() as patched:
            patched.setattr(rounds, "save_decisions", _ended)
            with pytest.raises(KeyboardInterrupt):
                looking.decide(city, ledger, made.id, 1, ACTORS[0], "same")
        assert settling.estimate(city, ledger, made).decided == 0
        looking.decide(city, ledger, made.id, 1, ACTORS[0], "same")
        assert len(settling.checked(city, ledger, made)[0]) == 1


def _ended(*_words: object) -> None:
    raise KeyboardInterrupt
