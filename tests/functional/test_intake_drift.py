"""Every kind of drift, made by changing a delivery of a demo city; the counts of attempts and failures are asserted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from commonground import intake
from commonground.cli import commonground
from commonground.errors import CityError, DeliveryError
from commonground.governance import Accounts, Ledger, Roles
from commonground.intake.drift import LIKELY, Drift, find_drift
from commonground.jobs import drift as compare
from commonground.jobs import intake as take_in
from commonground.web.desk import desk
from drift_kit import NEW, Source, Table, make_city, mapped, renamed, sampled, sources
from governance_kit import Browser

pytestmark = pytest.mark.xdist_group("drift")
REGISTRY, CHECKUPS = "student_registry", "pupil_checkups"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    return sources(tmp_path_factory.mktemp("drift"), children=600)


def _kinds(found: Drift) -> list[tuple[str, str, str]]:
    return [(f.kind, f.was, f.now) for f in found.findings]


def _rename_and_count(
    source: Source, folder: Path, old: Table, new: Table, names: dict[str, str]
) -> tuple[int, int, int]:
    """Rename columns; give how many are told rightly, wrongly, and what else was claimed."""
    found = find_drift(make_city(folder, source, old, renamed(new, names)), source.name)
    told = {f.was: f.now for f in found.findings if f.kind == "renamed" and f.confidence >= LIKELY}
    right = sum(told.get(was) == now for was, now in names.items())
    other = sum(f.kind not in ("renamed", "lost", "new") for f in found.findings)
    return right, len(told) - right, other


def test_renamed_columns_are_found_by_what_stands_in_them(made: dict[str, Source], tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    attempted = right = wrong = other = 0
    for kind, parts in ((REGISTRY, 2), (CHECKUPS, 1)):
        source = made[kind]
        for part, columns in enumerate(np.array_split(rng.permutation(list(source.concepts)), parts)):
            names = {str(c): f"甲{i}" for i, c in enumerate(columns)}
            old, new = sampled(source.table, rng)
            good, bad, more = _rename_and_count(source, tmp_path / f"{kind}{part}", old, new, names)
            attempted, right, wrong, other = attempted + len(names), right + good, wrong + bad, other + more
    assert attempted == 34
    assert (right, wrong, other) == (34, 0, 0)


def test_without_one_person_in_common_it_is_rather_unsure_than_wrong(made: dict[str, Source], tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    attempted = right = wrong = 0
    for kind in (REGISTRY, CHECKUPS):
        source = made[kind]
        order = rng.permutation(len(next(iter(source.table.values()))))
        halves = [{k: [v[i] for i in part] for k, v in source.table.items()} for part in np.array_split(order, 2)]
        names = {c: f"乙{i}" for i, c in enumerate(source.concepts)}
        good, bad, _ = _rename_and_count(source, tmp_path / kind, *halves, names)
        attempted, right, wrong = attempted + len(names), right + good, wrong + bad
    assert attempted == 34
    assert wrong == 0
    assert right >= 10


def test_an_unchanged_delivery_raises_no_alarm(made: dict[str, Source], tmp_path: Path) -> None:
    columns = alarms = 0
    for seed in (1, 2, 3):
        for kind in (REGISTRY, CHECKUPS):
            source = made[kind]
            old, new = sampled(source.table, np.random.default_rng(seed))
            found = find_drift(make_city(tmp_path / f"{kind}{seed}", source, old, new), source.name)
            columns += found.fits
            alarms += len(found.findings)
    assert columns == 3 * 34
    assert alarms == 0


@pytest.mark.parametrize(
    ("kind", "one", "other"), [(REGISTRY, "学生姓名", "监护人姓名"), (CHECKUPS, "左眼视力", "右眼视力")]
)
def test_columns_that_changed_places_are_told(
    made: dict[str, Source], tmp_path: Path, kind: str, one: str, other: str
) -> None:
    old, new = sampled(made[kind].table, np.random.default_rng(4))
    city = make_city(tmp_path / "city", made[kind], old, renamed(new, {one: other, other: one}))
    found = find_drift(city, made[kind].name)
    assert _kinds(found) == [("swapped", one, other)]
    assert found.findings[0].patch is None, "columns that moved are to be delivered again"


def test_lost_and_new_columns_are_told_as_such(made: dict[str, Source], tmp_path: Path) -> None:
    old, new = sampled(made[REGISTRY].table, np.random.default_rng(5))
    del new["监护人电话"]
    new["备注栏"] = ["无"] * len(new["班"])
    found = find_drift(make_city(tmp_path / "city", made[REGISTRY], old, new), made[REGISTRY].name)
    assert _kinds(found) == [("lost", "监护人电话", ""), ("new", "", "备注栏")]


def test_other_codes_are_read_off_the_same_persons(made: dict[str, Source], tmp_path: Path) -> None:
    old, new = sampled(made[REGISTRY].table, np.random.default_rng(6))
    new = mapped(new, "住宿", lambda v: {"走读": "A", "住校": "B"}[v])
    new = mapped(new, "性别", lambda v: {"男": "女", "女": "男"}.get(v, v))
    new = mapped(new, "民族", lambda v: "苗家" if v == "苗族" else v)
    found = find_drift(make_city(tmp_path / "city", made[REGISTRY], old, new), made[REGISTRY].name)
    told = {(f.kind, f.was): f for f in found.findings}
    assert set(told) == {("recoded", "住宿"), ("recoded", "性别"), ("codes", "民族")}
    codes = {was: f.patch.values["codes"] for (_, was), f in told.items() if f.patch is not None}
    assert (codes["住宿"]["A"], codes["住宿"]["B"]) == ("1", "2")
    assert (codes["性别"]["男"], codes["性别"]["女"]) == ("2", "1")
    assert codes["民族"]["苗家"] == "06"


@pytest.mark.parametrize(("column", "times", "unit"), [("体重kg", 2.0, "jin"), ("身高", 0.01, "m")])
def test_another_unit_is_told_and_proposed(
    made: dict[str, Source], tmp_path: Path, column: str, times: float, unit: str
) -> None:
    old, new = sampled(made[CHECKUPS].table, np.random.default_rng(7))
    # a county of the demo city writes metres already; here all write centimetres
    centimetres = lambda v: f"{float(v) * (100 if float(v) < 3 else 1):.1f}"  # noqa: E731
    old, new = mapped(old, "身高", centimetres), mapped(new, "身高", centimetres)
    new = mapped(new, column, lambda v: f"{float(v) * times:.4g}")
    found = find_drift(make_city(tmp_path / "city", made[CHECKUPS], old, new), made[CHECKUPS].name)
    assert [f.kind for f in found.findings] == ["unit"]
    assert found.findings[0].patch is not None
    assert found.findings[0].patch.values["unit"] == unit


@pytest.mark.parametrize(
    ("how", "kind"),
    [({"encoding": "gb18030"}, "encoding"), ({"separator": "\t"}, "separator"), ({"above": 2}, "header")],
)
def test_another_way_of_writing_the_file_is_found_and_taken(
    made: dict[str, Source], tmp_path: Path, how: dict[str, object], kind: str
) -> None:
    old, new = sampled(made[CHECKUPS].table, np.random.default_rng(8))
    city = make_city(tmp_path / "city", made[CHECKUPS], old, new, **how)
    with pytest.raises(DeliveryError):
        intake.run(city)
    found = find_drift(city, made[CHECKUPS].name)
    assert [f.kind for f in found.findings] == [kind]
    compare(city, made[CHECKUPS].name, apply=True)
    result = intake.run(city)
    rows = result.conservation.to_pylist()
    assert {r["delivery"]: r["records"] for r in rows}[NEW] == len(next(iter(new.values())))


def test_the_error_carries_the_proposal_and_applying_it_takes_the_delivery(
    made: dict[str, Source], tmp_path: Path
) -> None:
    source = made[REGISTRY]
    old, new = sampled(source.table, np.random.default_rng(9))
    new = mapped(renamed(new, {"监护人姓名": "家长姓名"}), "住宿", lambda v: {"走读": "A", "住校": "B"}[v])
    city = make_city(tmp_path / "city", source, old, new)
    with pytest.raises(DeliveryError) as error:
        take_in(city)
    for lang in ("zh", "en"):
        assert "监护人姓名 → 家长姓名" in error.value.message(lang)
    contract = next(city.sources.glob("*/*.toml"))
    before = contract.read_text(encoding="utf-8")
    shown = CliRunner().invoke(commonground, ["drift", str(city.path), source.name, "--lang", "zh"])
    assert shown.exit_code == 0, shown.output
    assert contract.read_text(encoding="utf-8") == before, "nothing is changed before a clerk says so"
    assert (city.path / "proposals" / f"{source.name}.drift.toml").is_file()
    done = CliRunner().invoke(commonground, ["drift", str(city.path), source.name, "--apply", "--json"])
    assert [a["kind"] for a in json.loads(done.stdout)["drift"][0]["applied"]] == ["renamed", "recoded"]
    after = contract.read_text(encoding="utf-8")
    assert after.count("# 原名") == before.count("# 原名"), "comments stay"
    assert '"家长姓名"' in after
    found = find_drift(city, source.name)
    assert found.findings == ()
    with Ledger(city) as ledger:
        entry = ledger.entries()[-1]
    assert (entry.kind, entry.subject) == ("contract_changed", source.name)


def test_no_name_or_number_of_a_person_is_in_the_report(made: dict[str, Source], tmp_path: Path) -> None:
    source = made[REGISTRY]
    old, new = sampled(source.table, np.random.default_rng(10))
    names = {c: f"丙{i}" for i, c in enumerate(source.concepts)}
    new = renamed(new | {"住宿": new["学生姓名"]}, names)  # persons' names stand where codes should
    city = make_city(tmp_path / "city", source, old, new)
    text = json.dumps(find_drift(city, source.name).to_dict(), ensure_ascii=False)
    for column in ("学生姓名", "证件号码", "学籍号", "监护人姓名", "监护人电话"):
        assert not [v for v in set(source.table[column]) if len(v) > 1 and v in text], column


def test_a_first_delivery_and_an_unknown_dataset(made: dict[str, Source], tmp_path: Path) -> None:
    source = made[CHECKUPS]
    old, new = sampled(source.table, np.random.default_rng(13))
    city = make_city(tmp_path / "city", source, renamed(old, {"姓名": "名字"}), new)
    first = find_drift(city, source.name, "2024-09-10")
    assert first.old == ""
    assert [(f.kind, f.was or f.now) for f in first.findings] == [("lost", "姓名"), ("new", "名字")]
    with pytest.raises(CityError) as error:
        find_drift(city, "health.pupil_checkup")
    assert source.name in error.value.message("en")


def test_the_desk_shows_the_report_to_whoever_may_build_and_to_nobody_else(
    made: dict[str, Source], tmp_path: Path
) -> None:
    source = made[CHECKUPS]
    old, new = sampled(source.table, np.random.default_rng(14))
    city = make_city(tmp_path / "city", source, old, renamed(new, {"体重kg": "重量"}))
    compare(city, source.name)
    with Ledger(city) as ledger:
        Roles(ledger).begin("local:chen")
        accounts = Accounts(city, ledger, cost=4)
        for account, role in (("li.wei", "data_officer"), ("wang", "researcher")):
            accounts.open(accounts.invite(account, role, actor="local:chen"), account, "three blue gates 7")
    answers = {}
    for account in ("li.wei", "wang"):
        browser = Browser(desk(city, cost=4))
        browser.post("/zh/sign-in", {"account": account, "password": "three blue gates 7", "code": ""})
        answers[account] = {lang: browser.get(f"/{lang}/drift") for lang in ("zh", "en")}
    for lang, word in (("zh", "改名"), ("en", "renamed")):
        assert answers["li.wei"][lang].status == 200
        assert word in answers["li.wei"][lang].text
        assert "重量" in answers["li.wei"][lang].text
        assert answers["wang"][lang].status == 403
        assert "重量" not in answers["wang"][lang].text


def test_renamed_and_recoded_at_once_is_written_whole(made: dict[str, Source], tmp_path: Path) -> None:
    source = made[REGISTRY]
    old, new = sampled(source.table, np.random.default_rng(21))
    new = renamed(mapped(new, "住宿", lambda v: {"走读": "A", "住校": "B"}[v]), {"住宿": "食宿方式"})
    city = make_city(tmp_path / "city", source, old, new)
    applied = compare(city, source.name, apply=True)[0]["applied"]
    assert sorted(f.kind for f in applied) == ["recoded", "renamed"]
    taken = intake.run(city).tables[source.name].to_pylist()
    read = [r["boarding"] for r in taken if r["delivery"] == NEW]
    assert [{"A": "1", "B": "2"}.get(v) or None for v in new["食宿方式"]] == read


def test_codes_in_another_columns_place_are_never_sure(made: dict[str, Source], tmp_path: Path) -> None:
    source = made[REGISTRY]
    old, new = sampled(source.table, np.random.default_rng(22))
    few = len(new["随迁子女"]) // 25  # rows shifted by one cell: most people are no migrant worker's child
    new["随迁子女"] = ["0", "10"] * (few // 2) + new["随迁子女"][few // 2 * 2 :]
    found = find_drift(make_city(tmp_path / "city", source, old, new), source.name)
    assert [f for f in found.findings if f.was == "随迁子女"]
    assert not [f for f in found.findings if f.sure]


def test_other_words_for_the_same_codes_are_no_shift(made: dict[str, Source], tmp_path: Path) -> None:
    source = made[REGISTRY]
    old, new = sampled(source.table, np.random.default_rng(23))
    new = mapped(new, "性别", lambda v: {"男": "1", "女": "2"}.get(v, v))
    assert find_drift(make_city(tmp_path / "city", source, old, new), source.name).findings == ()
