"""A file at which intake stops goes back to its department by itself, and is closed once it can be read."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from commonground import intake
from commonground.errors import DeliveryError
from commonground.governance import Ledger
from commonground.governance.events import Kind
from commonground.intake.returns.run import refresh
from commonground.intake.returns.workbook import HEAD, ITEMS
from commonground.jobs.returns import make_returns
from returns_kit import HEADER, ROWS_OF_PUPILS, two_departments


def test_a_file_in_another_encoding_goes_back_by_itself(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    bad = town.deliver((HEADER + "张三,男,,2011-01-01,140\n" * 30).encode("gb18030"), "b.csv")
    city = town.city()
    with pytest.raises(DeliveryError) as told:
        make_returns(city)
    assert str(bad) in told.value.where
    (sheet,) = sorted((city.vault / "sheets").rglob("退回核对单*.xlsx"))
    assert told.value.todo is not None
    assert str(sheet) in told.value.todo.zh
    assert str(sheet) in told.value.todo.en
    ((place, problem, count),) = [
        (row[1], row[5], row[6])
        for row in openpyxl.load_workbook(sheet)[ITEMS].iter_rows(min_row=HEAD + 2, values_only=True)
    ]
    assert (place, count) == ("b.csv", "1")
    assert str(problem).startswith("文件不能读取：")
    assert "the file cannot be read: " in str(problem)
    with Ledger(city) as ledger:
        (entry,) = ledger.entries(Kind.RETURN_SHEET)
    assert entry.detail["delivery"] == "2025-09-10"
    # a second run says it once more and makes no second item
    with pytest.raises(DeliveryError):
        make_returns(city)
    assert len(list((city.vault / "sheets").rglob("退回核对单*.xlsx"))) == 1
    town.deliver(HEADER + "张三,男,,2011-01-01,140\n", "b.csv")
    book = refresh(city, intake.run(city))["edu.pupils"]
    assert (book.items[1].fault.file, book.items[1].state) == ("b.csv", "closed")
    assert make_returns(city, dataset="edu.pupils")[0].items == len(book.unsettled)


def test_what_is_about_no_file_of_a_department_is_told_as_before(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    with pytest.raises(DeliveryError) as told:
        make_returns(town.city(), dataset="edu.nothing")
    assert told.value.where == "--dataset"
    for path in town.deliveries.joinpath("health/sentinel").rglob("*.csv"):
        path.unlink()
    with pytest.raises(DeliveryError):
        make_returns(town.city())
    assert not list((town.city().vault / "sheets").rglob("*.xlsx"))


def test_a_file_of_another_dataset_stays_where_it_is_when_one_is_asked_for(tmp_path: Path) -> None:
    town = two_departments(tmp_path)
    town.deliver((HEADER + ROWS_OF_PUPILS).encode("utf-16"), "b.csv")
    with pytest.raises(DeliveryError):
        make_returns(town.city(), dataset="health.sentinel")
    assert not list((town.city().vault / "sheets").rglob("*.xlsx"))
