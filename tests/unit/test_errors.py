"""The tree of errors: exit codes by kind, both languages, no traceback."""

from __future__ import annotations

import inspect

from commonground import errors
from commonground.errors import CommonGroundError, DeliveryError, Said, did_you_mean


def kinds() -> list[type[CommonGroundError]]:
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, CommonGroundError)]


def test_every_kind_has_its_own_exit_code_and_stands_in_the_tree() -> None:
    codes = [c.exit_code for c in kinds()]
    assert len(set(codes)) == len(codes) == 14
    assert errors.__doc__ is not None
    for kind in kinds():
        assert kind.__name__ in errors.__doc__
        assert str(kind.exit_code) in errors.__doc__


def test_a_message_says_what_where_why_and_what_to_do_in_both_languages() -> None:
    error = DeliveryError(Said("甲", "A"), where="f.csv", why=Said("乙", "B"), todo=Said("丙", "C"))
    assert error.message("zh") == "甲\n位置：f.csv\n原因：乙\n办法：丙"
    assert error.message("en") == "A\nWhere: f.csv\nWhy: B\nWhat to do: C"
    assert error.to_dict()["exit_code"] == 12


def test_did_you_mean_names_the_nearest_or_lists_the_known() -> None:
    assert did_you_mean("polcy", ["policy", "engine"]).en == "Did you mean policy?"
    assert "engine, policy" in did_you_mean("zzz", ["policy", "engine"]).en
