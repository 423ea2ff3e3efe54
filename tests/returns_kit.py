"""A small city with two departments, and a clerk who fills in return sheets."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import openpyxl

from commonground import intake
from commonground.city import City
from commonground.governance import Ledger, Roles, current_actor
from commonground.intake.returns.register import Register
from commonground.intake.returns.run import Made, make, refresh
from commonground.intake.returns.take import Taken, take
from commonground.intake.returns.workbook import HEAD, ITEMS, ROWS
from intake_kit import Town, column

BAD_ID, GOOD_ID = "529901201001011231", "529901201001011235"
PUPILS = (
    column("姓名", "name"),
    column("性别", "sex", 'codes = { "男" = "1", "女" = "2" }'),
    column("身份证号", "id_no"),
    column("出生日期", "birth"),
    column("身高", "height"),
)
HEADER = "姓名,性别,身份证号,出生日期,身高\n"
ROWS_OF_PUPILS = (
    f"甲,男,{BAD_ID},2010-01-01,140\n"
    "乙,9,,2010-02-30,141\n"
    "丙,9,,2010-03-03,999\n"
    "丁,男\n"
    "=HYPERLINK(1),男,,2011-01-01,250\n"
)
SECRET = "健康部门的人"
"""A name that only the other department knows."""
Fill = Callable[[dict[str, str]], tuple[str, str, str] | None]


def two_departments(folder: Path, rows: str = ROWS_OF_PUPILS) -> Town:
    """A city whose health department has a sentinel in every place, and faults of its own."""
    town = Town(folder)
    town.contract(*PUPILS)
    town.deliver(HEADER + rows)
    head = '\n[dataset]\nkind = "pupil_checkups"\ntitle = { zh = "体检哨兵", en = "Sentinel check-ups" }\n'
    columns = (column("哨兵姓名", "name"), column("哨兵身高", "height"), column("哨兵号", "id_no"))
    town.contract(*columns, head=head, name="health/sentinel")
    town.deliver(
        f"哨兵姓名,哨兵身高,哨兵号\n{SECRET},9999,{BAD_ID[:-1]}9\n甲,8888,\n", "哨兵.csv", name="health/sentinel"
    )
    begin(town.city())
    return town


def begin(city: City) -> None:
    """Make whoever runs the tests the city's data officer."""
    with Ledger(city) as ledger:
        Roles(ledger).begin(current_actor())


def sheets(city: City, dataset: str = "edu.pupils") -> list[Made]:
    return make(city, intake.run(city), actor=current_actor(), dataset=dataset)


def registered(city: City, dataset: str = "edu.pupils") -> Register:
    """Read the deliveries and bring the register up to them."""
    return refresh(city, intake.run(city))[dataset]


NAMES = ("number", "place", "row", "column", "mark", "problem", "count", "text")


def fill(content: bytes, answer: Fill, rows: dict[tuple[str, str], str] | None = None) -> bytes:
    """Fill in a sheet: ``answer`` gives decision, value and remark for a line; ``rows`` values by item and row."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for line in book[ITEMS].iter_rows(min_row=HEAD + 2):
        cells = dict(zip(NAMES, (str(cell.value or "") for cell in line), strict=False))
        given = answer(cells)
        for cell, text in zip(line[len(NAMES) :], given or (), strict=False):
            cell.value = text or None
    for (number, row), text in (rows or {}).items():
        for line in book[ROWS].iter_rows(min_row=HEAD + 2):
            if (line[0].value, line[2].value) == (number, row):
                line[5].value = text
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def hand_in(city: City, content: bytes, dataset: str = "") -> Taken:
    return take(city, content, "核对单.xlsx", current_actor(), dataset)
