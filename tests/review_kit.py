"""A small built city with reviewers, whose pairs of records a test can open for review."""

from __future__ import annotations

import random
from pathlib import Path

from commonground import intake
from commonground.city import City
from commonground.governance import Accounts, Ledger, Roles, current_actor
from commonground.intake.ids import check_digits
from commonground.people import run as link
from commonground.people.review import opening, rounds
from commonground.people.review.opening import Asked
from commonground.people.review.rounds import Round
from intake_kit import Town, column

PASSWORD = "three blue gates 7"
REVIEWERS = ("li.wei", "wang", "zhao")
PHONE = "1290000{:04d}"
SURNAMES, GIVEN = "杨王李张陈吴刘罗", "小晓明敏伟炜芳方军君丽莉婷庭宁林杰洁"
CLINIC = """
[dataset]
kind = "pupil_checkups"
title = { zh = "体检", en = "Check-ups" }
"""


def id_number(day: str, number: int) -> str:
    """Identity number of the trial city with a right check character."""
    import numpy as np

    first = f"529901{day.replace('-', '')}{number:03d}"
    return first + str(check_digits(np.array([list(map(int, first))]))[0])


def children(n: int, seed: int = 1) -> list[dict[str, str]]:
    """Children of a school, as the register has them."""
    rng = random.Random(seed)
    out = []
    for i in range(n):
        day = f"{rng.randint(2010, 2014)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        name = rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2))
        sex = rng.choice("男女")
        number = id_number(day, 2 * i + (sex == "男"))
        out.append({"name": name, "sex": sex, "day": day, "id": number, "phone": PHONE.format(i)})
    return out


def slipped(child: dict[str, str], rng: random.Random) -> dict[str, str]:
    """The same child at the clinic: without a number, or with slips."""
    other = dict(child)
    if rng.random() < 0.6:
        other["id"] = ""
    if rng.random() < 0.3:
        other["name"] = child["name"].translate(str.maketrans("小明伟芳军丽", "晓敏炜方君莉"))
    if rng.random() < 0.15:
        year, month, day = child["day"].split("-")
        other["day"] = f"{year}-{day}-{month}" if int(day) <= 12 else f"{int(year) - 1}-{month}-{day}"
    return other


def small_town(folder: Path, n: int = 120) -> City:
    """Make a city of two departments: a school register and a clinic that sees the same children."""
    town = Town(folder)
    columns = [
        column("姓名", "name"), column("性别", "sex", 'codes = { "男" = "1", "女" = "2" }'),
        column("出生日期", "birth"), column("身份证号", "id_no", 'missing = { "" = "blank" }'),
    ]  # fmt: skip
    town.contract(*columns, column("电话", "g1_phone"), column("年级", "grade"))
    town.contract(*columns, column("身高", "height"), head=CLINIC, name="health/checkups")
    register = children(n)
    rng = random.Random(2)
    rows = [f"{c['name']},{c['sex']},{c['day']},{c['id']},{c['phone']},5" for c in register]
    town.deliver("姓名,性别,出生日期,身份证号,电话,年级\n" + "\n".join(rows) + "\n")
    seen = [slipped(c, rng) for c in register[: n - 10]]
    rows = [f"{c['name']},{c['sex']},{c['day']},{c['id']},{rng.randint(120, 170)}" for c in seen]
    town.deliver("姓名,性别,出生日期,身份证号,身高\n" + "\n".join(rows) + "\n", "体检.csv", name="health/checkups")
    city = town.city()
    build(city)
    with Ledger(city) as ledger:
        Roles(ledger).begin(current_actor())
        accounts = Accounts(city, ledger, cost=4)
        for name in (*REVIEWERS, "qian"):
            accounts.open(accounts.invite(name, "link_reviewer", actor=current_actor()), name, PASSWORD)
        accounts.open(accounts.invite("wu", "researcher", actor=current_actor()), "wu", PASSWORD)
    return city


def build(city: City) -> None:
    """Read the deliveries and link them; no variables."""
    result = intake.run(city)
    with city.new_version() as version:
        link(city, result, version)
        (version.path / "manifest.json").write_text('{"tables": {}}', encoding="utf-8")


def opened(city: City, *, pairs: int = 24, seed: int = 1, people: tuple[str, str, str] = REVIEWERS) -> Round:
    """Open a round."""
    asked = Asked(people, "检验连接质量", pairs, seed=seed, by="source")
    with Ledger(city) as ledger:
        return opening.open_round(city, ledger, intake.run(city), asked, current_actor())


def reloaded(city: City, made: Round) -> Round:
    found = rounds.load(city, made.id)
    assert found is not None
    return found
